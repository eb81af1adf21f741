/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the machine decides about shared sources, done in the kernel: deadlines, addresses, the uplink's guard. And which
 * sources there are.
 */

#include "plugin/agent/cluster_sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/agent/log.h"
#include "plugin/enforce/deadlines.h"
#include "plugin/enforce/uplink.h"
#include "plugin/network/identity.h"
#include "plugin/network/link.h"
#include "plugin/snat/assign.h"
#include "rangeguard/cleanup.h"

/** text_of() - A source, for messages */
static const char *text_of(const struct shared *shared, char buffer[static ADDRESS_TEXT_MAX])
{
	return address_format(&shared->known.address, buffer);
}

/** fail() - Remember and say why a source can't be put to use here, once: DONE_FAILED */
static enum done fail(struct shared *shared, const char *why)
{
	char text[ADDRESS_TEXT_MAX];

	if (strncmp(shared->problem, why, sizeof(shared->problem) - 1) != 0)
		agent_log(LOG_LEVEL_ERROR, "shared source %s: %s", text_of(shared, text), why);
	(void)snprintf(shared->problem, sizeof(shared->problem), "%s", why);
	return DONE_FAILED;
}

/** guard_uplink() - The host's own packets are held to the deadline, too: 0, REFUSED */
static int guard_uplink(struct cluster *cluster, const struct shared *shared, struct error *reterr)
{
	struct link_answer answer = {.found = false};

	if (link_find(cluster->host.rtnetlink, shared->known.interface, &answer, reterr))
		return REFUSED;
	return answer.found ? uplink_guard(cluster->host.rtnetlink, answer.link.index, reterr)
			    : error_set(reterr, ERROR_SNAT, "interface %s is missing", shared->known.interface);
}

/** write_deadline() - Into the map that programs were loaded with, and into that which has the name now: 0, negative errno */
static int write_deadline(const struct cluster *cluster, const struct address *source, uint64_t deadline)
{
	CLEANUP_CLOSE int named = deadlines_open(cluster->host.rtnetlink);
	int r = named < 0 ? named : deadlines_put(named, source, deadline);

	if (cluster->sources->deadlines_fd >= 0)
		(void)deadlines_put(cluster->sources->deadlines_fd, source, deadline);
	return r;
}

/** set_deadline() - ACTION_DEADLINE */
static enum done set_deadline(struct cluster *cluster, struct shared *shared, int64_t time)
{
	uint64_t deadline = time > 0 ? (uint64_t)time : DEADLINE_CLOSED;
	struct error err = {0};
	int r;

	/* Before programs are loaded: they should look at the map that others look at. */
	if (cluster->sources->deadlines_fd >= 0)
		(void)deadlines_keep(cluster->host.rtnetlink, cluster->sources->deadlines_fd);
	if (time > 0 && guard_uplink(cluster, shared, &err))
		return fail(shared, err.msg);
	r = write_deadline(cluster, &shared->known.address, deadline);
	if (r < 0)
		return fail(shared, strerror(-r));
	shared->deadline = time;
	return DONE_OK;
}

/** lend() - ACTION_ADDRESS */
static enum done lend(struct cluster *cluster, struct shared *shared, unsigned seconds)
{
	struct error err = {0};

	if (assign_lend(cluster->host.rtnetlink, shared->known.interface, &shared->known.address, seconds, &err))
		return fail(shared, err.msg);
	return DONE_OK;
}

/**
 * take_off() - ACTION_ADDRESS_OFF
 *
 * What can't be taken off goes by itself, and may not be sent with until then. A kernel before 5.18 does not note whose an
 * address is: one that is lent is ours, and its lifetime is cut short instead.
 */
static enum done take_off(struct cluster *cluster, struct shared *shared)
{
	struct port *host = cluster->host.rtnetlink;
	struct error err = {0};
	int r = assign_remove(host, shared->known.interface, &shared->known.address, &err);

	if (r == (int)ASSIGN_E_FOREIGN)
		r = assign_lend(host, shared->known.interface, &shared->known.address, 1, &err);
	if (r)
		(void)fail(shared, err.msg);
	return DONE_OK;
}

/** sources_network() - The network that a source is known from here, "" when it is not; borrowed */
const char *sources_network(const struct cluster *cluster, const struct address *address)
{
	for (size_t i = 0; i < cluster->sources->n; i++) {
		if (address_equal(&cluster->sources->all[i]->known.address, address))
			return cluster->sources->all[i]->known.network;
	}
	return "";
}

/** sources_do() - An action of the machine about a source */
enum done sources_do(struct cluster *cluster, const struct action *action)
{
	struct shared *shared = cluster->sources->all[action->source];

	switch ((int)action->kind) {
	case ACTION_DEADLINE:
		return set_deadline(cluster, shared, action->time);
	case ACTION_ADDRESS:
		return lend(cluster, shared, action->seconds);
	case ACTION_ADDRESS_OFF:
		return take_off(cluster, shared);
	case ACTION_OPEN:
		return source_open(cluster, shared);
	case ACTION_CLOSE:
		return source_close_here(cluster, shared, action->force);
	case ACTION_PROBE:
		return probe_start(cluster, action->source);
	default:
		probe_announce(cluster, shared);
		return DONE_OK;
	}
}

/** sources_index() - A source's index, -1: unknown */
int sources_index(const struct sources *sources, const struct address *address)
{
	for (size_t i = 0; i < sources->n; i++) {
		if (address_equal(&sources->all[i]->known.address, address))
			return (int)i;
	}
	return -1;
}

/** sources_want() - Tell the machine how many users a source has; without memory for its pin it is tried again next time */
void sources_want(struct cluster *cluster, unsigned index, unsigned users)
{
	struct shared *shared = cluster->sources->all[index];

	if (shared->lease_pin < 0)
		shared->lease_pin = machine_add_pin(cluster->machine, shared->known.pin, &index, 1);
	if (shared->lease_pin >= 0)
		machine_wanted(cluster->machine, (unsigned)shared->lease_pin, users);
}

/** read_mac() - The MAC address of a source's interface, for its records */
static void read_mac(struct cluster *cluster, unsigned index)
{
	struct link_answer answer = {.found = false};
	char mac[MAC_TEXT_MAX];
	struct error ignored = {0};

	if (link_find(cluster->host.rtnetlink, cluster->sources->all[index]->known.interface, &answer, &ignored) == 0 &&
	    answer.found)
		machine_set_mac(cluster->machine, index, mac_format(answer.link.mac, mac));
}

/** grow() - Room for one more: 0, -ENOMEM */
static int grow(struct sources *sources)
{
	struct shared **all = reallocarray(sources->all, sources->n + 1, sizeof(struct shared *));
	struct prober **probers;

	if (!all)
		return -ENOMEM;
	sources->all = all;
	probers = reallocarray(sources->probers, sources->n + 1, sizeof(struct prober *));
	if (!probers)
		return -ENOMEM;
	sources->probers = probers;
	all[sources->n] = calloc(1, sizeof(struct shared));
	probers[sources->n] = calloc(1, sizeof(struct prober));
	if (all[sources->n] && probers[sources->n])
		return 0;
	free(all[sources->n]);
	free(probers[sources->n]);
	return -ENOMEM;
}

/** add() - A source that was unknown: its index, negative errno */
static int add(struct cluster *cluster, const struct known_source *known)
{
	struct sources *sources = cluster->sources;
	int index = grow(sources);
	unsigned own;

	if (index == 0)
		index = machine_add_source(cluster->machine, &known->address);
	if (index < 0)
		return index;
	own = (unsigned)index;
	/* From here on the machine knows it: its index must be this one. */
	*sources->all[index] = (struct shared){.known = *known, .lease_pin = -1, .probe = PROBE_INIT};
	*sources->probers[index] = (struct prober){.cluster = cluster, .index = own};
	sources->n++;
	sources_want(cluster, own, 0);
	read_mac(cluster, own);
	return index;
}

/**
 * sources_know() - A source that a pin of this host names
 * @cluster:	Module
 * @known:	Source; another interface than before counts once it is not held
 *
 * Return: its index; negative errno
 */
int sources_know(struct cluster *cluster, const struct known_source *known)
{
	struct sources *sources = cluster->sources;
	int index = sources_index(sources, &known->address);

	if (index < 0)
		return sources->n < SOURCE_FILE_MAX ? add(cluster, known) : -E2BIG;
	if (sources->all[index]->known.network[0] == '\0') /* known from a lease alone so far */
		memcpy(sources->all[index]->known.network, known->network, sizeof(known->network));
	if (strcmp(sources->all[index]->known.interface, known->interface) != 0 && !sources->all[index]->known.open) {
		memcpy(sources->all[index]->known.interface, known->interface, sizeof(known->interface));
		read_mac(cluster, (unsigned)index);
	}
	return index;
}

/** found() - What the kernel has of a source, by an agent that was here before */
static void found(struct cluster *cluster, unsigned index)
{
	struct shared *shared = cluster->sources->all[index];
	uint64_t deadline = DEADLINE_CLOSED;

	if (deadlines_get(cluster->sources->deadlines_fd, &shared->known.address, &deadline) < 0)
		deadline = DEADLINE_CLOSED;
	shared->deadline = (int64_t)deadline;
	machine_found_source(cluster->machine, index, shared->known.open, (int64_t)deadline, (int64_t)deadline);
}

/** sources_start() - Tell the machine what the file and the kernel say: 0, REFUSED */
int sources_start(struct cluster *cluster, struct error *reterr)
{
	SOURCE_FILE_CLEANUP struct source_file file = {0};
	int r;

	cluster->sources = calloc(1, sizeof(*cluster->sources));
	if (!cluster->sources)
		return error_no_memory(reterr);
	cluster->sources->deadlines_fd = deadlines_open(cluster->host.rtnetlink);
	r = source_file_read(cluster->state.dir_fd, &file);
	if (r == -EUCLEAN) {
		agent_log(LOG_LEVEL_WARNING, "%.256s/" SOURCE_FILE " can't be understood: what containers have counts",
			  cluster->agent->config->data_dir);
		r = 0;
	}
	for (size_t i = 0; i < file.n_sources && r >= 0; i++) {
		r = sources_know(cluster, &file.sources[i]);
		if (r >= 0)
			found(cluster, (unsigned)r);
	}
	if (r < 0)
		return error_set_errno(reterr, ERROR_STORE, r, "%.256s/" SOURCE_FILE, cluster->agent->config->data_dir);
	return 0;
}

/** sources_stop() - What is held stays until its deadline: the agent may be back before it */
void sources_stop(struct cluster *cluster)
{
	struct sources *sources = cluster->sources;

	if (!sources)
		return;
	asked_stop(sources);
	sd_event_source_disable_unref(sources->recount);
	for (size_t i = 0; i < sources->n; i++) {
		probe_stop(sources->all[i]);
		free(sources->all[i]);
		free(sources->probers[i]);
	}
	cleanup_close(&sources->deadlines_fd);
	free(sources->all);
	free(sources->probers);
	free(sources->pins);
	free(sources);
	cluster->sources = NULL;
}
