/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_HOST_SCENE_H
#define TESTS_UNIT_HOST_SCENE_H

/*
 * A host whose lease store and kernel are in memory: containers with leases and pins, and a sweep in which each call of
 * the seams fails once. What programs linked with it ask of the classifier, there is none (-ENOENT), unless a test says
 * otherwise: link with --wrap=classifier_open_kept.
 */

#include "ipam_scene.h"
#include "nf_fake.h"
#include "plugin/host/host.h"
#include "plugin/host/protection.h"
#include "port_fake.h"
#include "store_fake.h"

/** Namespaces: of a container that is gone, and of one that nobody can say that it is gone */
#define NETNS_GONE "/nowhere/netns"
#define NETNS_THERE "/proc/self/ns/net"
#define NOW 2000

/** struct host_scene - The host; @state is for those who pass it on, and opens nothing */
struct host_scene {
	struct store *store;
	struct host host;
	struct state state;
	struct guard *guard;
	struct ip_range range;
	struct range_set set;
};

/* What classifier_open_kept() returns. */
extern int host_scene_classifier;

void host_scene_begin(struct host_scene *scene);
void host_scene_end(struct host_scene *scene);

struct attachment host_scene_attachment(const char *id);
/* A lease; @pin is the last byte of the source in 192.0.2.0/24 that it is pinned to towards 198.51.100.0/24, 0: none.
   Its digest. */
uint64_t host_scene_take(struct host_scene *scene, const char *id, const char *netns, uint8_t pin);
/* Make the nftables table as the leases want it. */
void host_scene_make_table(struct host_scene *scene);
/* The fake kernel's host end becomes that of a container. */
void host_scene_put_link(const char *id);

bool host_scene_holds(struct host_scene *scene, const char *id);
/* Whether the table translates something to that source. */
bool host_scene_is_pinned(uint8_t pin);
/* Whether the table has a list of the destinations that all pins here have. */
bool host_scene_has_list(void);
/* A store that can be closed, and stays open. Not thread-safe; valid as long as @store. */
struct store *host_scene_lend(struct store *store);

/* Which call failed in a sweep, for the message of a test that fails. */
const char *host_scene_where(void);
#define holds(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail_msg("%s: not %s", host_scene_where(), #condition);                                        \
	} while (0)

/** struct host_sweep - What is tried: each step has the scene; @judge is told what @act returned, and whether a call failed */
struct host_sweep {
	void (*prepare)(struct host_scene *scene);
	int (*act)(struct host_scene *scene);
	void (*judge)(struct host_scene *scene, int outcome, bool failed);
};

/* The whole once as it is, then once per call of the store, of rtnetlink and of nfnetlink, and per errno: how many calls
   failed. */
unsigned host_scene_sweep(const struct host_sweep *sweep);

#endif
