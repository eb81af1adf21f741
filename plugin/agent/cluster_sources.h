/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_CLUSTER_SOURCES_H
#define PLUGIN_AGENT_CLUSTER_SOURCES_H

/*
 * The shared sources of this host. What the machine decides about them is done here: in the kernel (deadlines, the uplink's
 * guard, the address), in the state directory, on the link: cluster_sources.c, cluster_source_store.c and cluster_probe.c
 * do it, cluster_source_ask.c hears what containers want.
 */

#include "plugin/agent/cluster_internal.h"
#include "plugin/host/source_file.h"
#include "plugin/network/probe.h"

/** How often the link is told that a source is here: one packet may get lost */
#define ANNOUNCEMENTS 3U

/**
 * struct shared - A source; its index is the machine's
 * @known:	As in the file
 * @lease_pin:	The machine's pin of this source alone, which containers that have it want; -1: there was no memory for it
 * @users:	Pairs of network and pins in use that name it, at the last look
 * @deadline:	What the kernel was told last
 * @announce:	Announcements that are left
 * @sends:	Probes that were sent
 * @problem:	Why it could not be put to use here, ""
 */
struct shared {
	struct known_source known;
	int lease_pin;
	unsigned users;
	int64_t deadline;
	unsigned announce;
	struct probe probe;
	unsigned sends;
	sd_event_source *heard;
	sd_event_source *timer;
	char problem[256];
};

/** struct prober - What a callback of a probe gets */
struct prober {
	struct cluster *cluster;
	unsigned index;
};

/**
 * struct asked_pin - A pin of one family, any of whose sources serves who asks
 * @pin:	The machine's index
 * @until:	It is wanted until then, though nobody waits: an ADD that has its answer has no lease yet, or a takeover goes on
 * @answered:	The former
 */
struct asked_pin {
	unsigned pin;
	unsigned sources[PIN_SOURCES];
	size_t n_sources;
	int64_t until;
	bool answered;
	char name[SOURCE_PIN_MAX];
};

/** struct source_waiting - An ADD that waits for a source of a pin; @pin: index of the asked_pin */
struct source_waiting {
	struct ask *ask;
	size_t pin;
	int64_t until;
};

/**
 * struct sources - All of it
 * @all:	Pointers, since callbacks keep them
 * @deadlines_fd: The kernel's map; held, so that programs that were loaded with it go on although its name is lost
 * @unwritten:	What the file says is not what counts
 * @recount:	Leases are counted again soon, since some have gone; @counted: when they were last, CLOCK_BOOTTIME
 */
struct sources {
	struct shared **all;
	struct prober **probers;
	size_t n;
	struct asked_pin *pins;
	size_t n_pins;
	struct source_waiting waiting[WAITING_MAX];
	size_t n_waiting;
	int deadlines_fd;
	bool unwritten;
	sd_event_source *recount;
	int64_t counted;
};

/* cluster_sources.c */
int sources_index(const struct sources *sources, const struct address *address);
int sources_know(struct cluster *cluster, const struct known_source *known);
void sources_want(struct cluster *cluster, unsigned index, unsigned users);

/* cluster_source_store.c */
int sources_keep(struct cluster *cluster);
bool sources_count(struct cluster *cluster, int wait_ms);
void sources_recount(struct cluster *cluster);
enum done source_open(struct cluster *cluster, struct shared *shared);
enum done source_close_here(struct cluster *cluster, struct shared *shared, bool force);

/* cluster_probe.c */
enum done probe_start(struct cluster *cluster, unsigned index);
void probe_stop(struct shared *shared);
void probe_announce(struct cluster *cluster, struct shared *shared);

/* cluster_source_ask.c */
void asked_counted(struct cluster *cluster);
void asked_stop(struct sources *sources);

#endif
