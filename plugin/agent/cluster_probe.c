/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said on the link about a shared source: a question before it is put to use, announcements afterwards. */

#include <errno.h>
#include <string.h>

#include "plugin/agent/cluster_sources.h"
#include "plugin/agent/log.h"
#include "plugin/network/identity.h"
#include "plugin/network/link.h"
#include "plugin/snat/announce.h"

/* After net/if.h, with which it shares names: IF_OPER_… */
#include <linux/if.h>

#define US_PER_MS 1000U

/** find_link() - The interface of a source, as it is now: 0, -ENODEV */
static int find_link(struct cluster *cluster, const struct shared *shared, struct link_info *ret_link)
{
	struct link_answer answer = {.found = false};
	struct error ignored = {0};

	if (link_find(cluster->host.rtnetlink, shared->known.interface, &answer, &ignored) || !answer.found)
		return -ENODEV;
	*ret_link = answer.link;
	return 0;
}

/** has_neighbours() - What is no Ethernet has none to ask or to tell */
static bool has_neighbours(const struct link_info *link)
{
	static const uint8_t no_mac[ETH_ALEN];

	return memcmp(link->mac, no_mac, ETH_ALEN) != 0;
}

/** probe_stop() - Ask no more */
void probe_stop(struct shared *shared)
{
	shared->heard = sd_event_source_disable_unref(shared->heard);
	shared->timer = sd_event_source_disable_unref(shared->timer);
	probe_close(&shared->probe);
	shared->sends = 0;
}

/** end() - Tell the machine what came out; @mac: who has the address, NULL: nobody */
static void end(struct prober *prober, const char *mac)
{
	struct cluster *cluster = prober->cluster;
	struct shared *shared = cluster->sources->all[prober->index];
	char text[ADDRESS_TEXT_MAX];

	probe_stop(shared);
	if (mac) {
		(void)snprintf(shared->problem, sizeof(shared->problem), "%s answers for it on %s", mac,
			       shared->known.interface);
		agent_log(LOG_LEVEL_WARNING, "shared source %s: %s", address_format(&shared->known.address, text),
			  shared->problem);
	}
	machine_probed(cluster->machine, cluster_now(), prober->index, mac);
	cluster_run_soon(cluster);
}

/** on_heard() - sd_event_io_handler_t: somebody answers */
static int on_heard(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct prober *prober = userdata;
	struct shared *shared = prober->cluster->sources->all[prober->index];
	char mac[MAC_TEXT_MAX];
	uint8_t holder[ETH_ALEN];
	int r = probe_read(&shared->probe, holder);

	(void)source;
	(void)fd;
	(void)events;
	if (r == (int)PROBE_E_TAKEN)
		end(prober, mac_format(holder, mac));
	else if (r < 0)
		shared->heard = sd_event_source_disable_unref(shared->heard);
	return 0;
}

/** on_timer() - sd_event_time_handler_t: ask again, or take silence for a no */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct prober *prober = userdata;
	struct shared *shared = prober->cluster->sources->all[prober->index];

	(void)usec;
	if (shared->probe.fd < 0 || shared->sends++ >= PROBE_SENDS) {
		end(prober, NULL);
		return 0;
	}
	(void)probe_send(&shared->probe);
	(void)sd_event_source_set_time_relative(source, PROBE_GAP_MS * US_PER_MS);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/** is_dead() - Whether nothing that is sent by a link gets anywhere; what tells no state (tunnels) is taken for alive */
static bool is_dead(const struct link_info *link)
{
	return !link->up || link->operstate == IF_OPER_DOWN || link->operstate == IF_OPER_LOWERLAYERDOWN;
}

/** open_probe() - Begin to listen; who can't ask takes silence for a no at once: 0, negative errno */
static int open_probe(struct prober *prober, struct shared *shared)
{
	struct cluster *cluster = prober->cluster;
	char text[ADDRESS_TEXT_MAX];
	struct link_info link;
	int r = find_link(cluster, shared, &link);

	/* Another host may do better with the source. */
	if (r == 0 && is_dead(&link))
		return -ENETDOWN;
	if (r < 0 || !has_neighbours(&link))
		return r;
	r = probe_open(link.index, &shared->known.address, link.mac, &shared->probe);
	if (r < 0) {
		agent_log(LOG_LEVEL_WARNING, "cannot ask on %s whether somebody has shared source %s: %s",
			  shared->known.interface, address_format(&shared->known.address, text), strerror(-r));
		return 0;
	}
	return sd_event_add_io(cluster->agent->event, &shared->heard, shared->probe.fd, EPOLLIN, on_heard, prober);
}

/** probe_start() - ACTION_PROBE: ask the link who has a source; machine_probed() tells, later */
enum done probe_start(struct cluster *cluster, unsigned index)
{
	struct prober *prober = cluster->sources->probers[index];
	struct shared *shared = cluster->sources->all[index];
	int r;

	probe_stop(shared);
	r = open_probe(prober, shared);
	if (r >= 0)
		r = sd_event_add_time_relative(cluster->agent->event, &shared->timer, CLOCK_MONOTONIC, 0, 1, on_timer,
					       prober);
	if (r >= 0)
		return DONE_OK;
	(void)snprintf(shared->problem, sizeof(shared->problem), "interface %s: %s", shared->known.interface,
		       strerror(-r));
	probe_stop(shared);
	return DONE_FAILED;
}

/** probe_announce() - Tell the link that a source is here */
void probe_announce(struct cluster *cluster, struct shared *shared)
{
	struct link_info link;

	if (shared->announce > 0)
		shared->announce--;
	if (find_link(cluster, shared, &link) == 0 && has_neighbours(&link))
		(void)announce(link.index, &shared->known.address, link.mac);
}
