/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared sources in the state directory: what the leases name, counted and told to the machine; which of them containers may
 * be given. A source is closed under the lock of the lease store, and not while a lease names it.
 */

#include <errno.h>
#include <string.h>

#include "ipam/lease/ipam.h"
#include "plugin/agent/cluster_sources.h"
#include "plugin/agent/log.h"
#include "plugin/host/lease_store.h"
#include "plugin/snat/egress.h"

/** Between two counts that ends of containers are the reason for, and how long one waits for the lock */
#define RECOUNT_REST_US 20000
#define RECOUNT_WAIT_MS 10

/** struct counting - How often each source is named by what is in use */
struct counting {
	struct cluster *cluster;
	unsigned *users;
	int error;
};

/** count_clause() - One more that names a source; one that the file has lost is known again from the lease */
static void count_clause(struct counting *counting, const struct egress_clause *clause)
{
	struct sources *sources = counting->cluster->sources;
	int index = sources_index(sources, &clause->source);

	if (index < 0) {
		struct known_source known = {.address = clause->source, .pin = "restored"};

		memcpy(known.interface, clause->assign, sizeof(known.interface));
		index = sources_know(counting->cluster, &known);
	}
	if (index >= 0)
		sources->all[index]->users++;
	else
		counting->error = index;
}

/** count_egress() - ipam_egress_fn */
static int count_egress(void *userdata, const struct ipam_egress *egress)
{
	EGRESS_CLEANUP struct egress clauses = {0};
	struct counting *counting = userdata;
	const struct egress_clause *clause;
	size_t at = 0;

	if (!egress->users || egress_decode(egress->definition, &clauses) < 0)
		return 0;
	while ((clause = egress_shared(&clauses, &at)))
		count_clause(counting, clause);
	return 0;
}

/** count_in() - Count what the leases of a store name: 0, negative errno, an outcome of the IPAM */
static int count_in(struct cluster *cluster, struct store *store)
{
	struct sources *sources = cluster->sources;
	struct counting counting = {.cluster = cluster};
	int r;

	for (size_t i = 0; i < sources->n; i++)
		sources->all[i]->users = 0;
	r = store ? ipam_each_egress(store, count_egress, &counting) : 0;
	return r ? r : counting.error;
}

/** sources_count() - Tell the machine which sources containers have; false: not now, somebody has the lock */
bool sources_count(struct cluster *cluster, int wait_ms)
{
	struct sources *sources = cluster->sources;
	struct store *store STORE_CLEANUP = NULL;
	struct error ignored = {0};
	int r = lease_store_open(cluster->agent->config->data_dir, &cluster->state, STATE_READ, wait_ms, &store,
				 &ignored);

	sources->counted = cluster_now();
	if (r && r != (int)STATE_E_ABSENT)
		return false;
	r = count_in(cluster, store);
	if (r && r != (int)IPAM_E_DAMAGED)
		return false;
	for (unsigned i = 0; i < sources->n; i++) {
		/* A row that can't be read may name any of them: nothing is given back for that. */
		if (sources->all[i]->users > 0 || !r)
			sources_want(cluster, i, sources->all[i]->users);
	}
	asked_counted(cluster);
	cluster_run_soon(cluster);
	return true;
}

/** recount_in() - Arm the timer */
static void recount_in(struct sources *sources, uint64_t us)
{
	(void)sd_event_source_set_time_relative(sources->recount, us);
	(void)sd_event_source_set_enabled(sources->recount, SD_EVENT_ONESHOT);
}

/** on_recount() - sd_event_time_handler_t */
static int on_recount(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct cluster *cluster = userdata;

	(void)source;
	(void)usec;
	if (!sources_count(cluster, RECOUNT_WAIT_MS))
		recount_in(cluster->sources, RECOUNT_REST_US);
	return 0;
}

/**
 * sources_recount() - A container that had a shared source is gone
 *
 * At once, but many that end together must not keep the agent from its renewals: then once for all that end within a moment.
 */
void sources_recount(struct cluster *cluster)
{
	struct sources *sources = cluster->sources;
	int64_t since = cluster_now() - sources->counted;
	int armed = SD_EVENT_OFF;

	if (!sources->recount && sd_event_add_time_relative(cluster->agent->event, &sources->recount, CLOCK_MONOTONIC,
							    0, 1, on_recount, cluster) < 0)
		return; /* the tick does it */
	(void)sd_event_source_get_enabled(sources->recount, &armed);
	if (armed == SD_EVENT_OFF || since > RECOUNT_REST_US * 1000)
		recount_in(sources, since > RECOUNT_REST_US * 1000 ? 0 : RECOUNT_REST_US);
}

/** write_file() - What counts, with the store locked: 0, negative errno */
static int write_file(struct cluster *cluster, int dir_fd)
{
	SOURCE_FILE_CLEANUP struct source_file file = {0};
	int r = 0;

	for (size_t i = 0; i < cluster->sources->n && r == 0; i++)
		r = source_file_put(&file, &cluster->sources->all[i]->known);
	if (r == 0)
		r = source_file_write(dir_fd, &file);
	cluster->sources->unwritten = r < 0;
	return r;
}

/** sources_keep() - Write the file: 0, negative errno; it is tried again */
int sources_keep(struct cluster *cluster)
{
	LOCKED_CLEANUP struct locked locked = {.state = STATE_INIT};

	cluster->sources->unwritten = true;
	return locked_begin(cluster, &locked) ? -EAGAIN : write_file(cluster, locked.state.dir_fd);
}

/** tell() - The journal's line about a source that changed hands */
static void tell(const struct shared *shared)
{
	char text[ADDRESS_TEXT_MAX];

	agent_log(LOG_LEVEL_INFO, "shared source %s is %s", address_format(&shared->known.address, text),
		  shared->known.open ? "this host's now" : "not this host's any more");
}

/** source_open() - ACTION_OPEN: containers may be given the source */
enum done source_open(struct cluster *cluster, struct shared *shared)
{
	bool before = shared->known.open;

	shared->known.open = true;
	if (sources_keep(cluster) < 0) {
		shared->known.open = before;
		return DONE_FAILED;
	}
	shared->problem[0] = '\0';
	shared->announce = ANNOUNCEMENTS;
	if (!before)
		tell(shared);
	return DONE_OK;
}

/** source_close_here() - ACTION_CLOSE: unless @force, refused while a container has the source */
enum done source_close_here(struct cluster *cluster, struct shared *shared, bool force)
{
	LOCKED_CLEANUP struct locked locked = {.state = STATE_INIT};
	bool before = shared->known.open;

	if (locked_begin(cluster, &locked)) {
		if (!force)
			return DONE_REFUSED;
		/* The kernel is told all the same, and a verb asks it, too. */
		shared->known.open = false;
		cluster->sources->unwritten = true;
		return DONE_OK;
	}
	if (!force && (count_in(cluster, locked.store) || shared->users > 0))
		return DONE_REFUSED;
	shared->known.open = false;
	if (write_file(cluster, locked.state.dir_fd) < 0 && !force) {
		shared->known.open = before;
		return DONE_REFUSED;
	}
	if (before)
		tell(shared);
	return DONE_OK;
}
