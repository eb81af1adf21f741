/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_NETWORK_SCENE_H
#define TESTS_UNIT_NETWORK_SCENE_H

/* A network on a store in memory, and what its containers take and give back, for the tests of the address manager. */

#include "ipam/lease/ipam.h"
#include "ipam_scene.h"

/** struct scene - One store, one network of up to four range sets of up to four ranges */
struct scene {
	struct store *store;
	struct guard *guard;
	struct ip_range ranges[4][4];
	struct range_set sets[4];
	struct address requested[4];
	struct ipam_request request;
	struct ipam_grant grant;
	struct ipam_refusal refusal;
};

/* One network without a range set and with nothing reserved; what is given back rests for two minutes. */
struct scene *scene_new(void);
void scene_free(struct scene *scene);

/* Adds a range to a set, which is made when it is the next one. */
void add_range(struct scene *scene, size_t set, struct ip_range range);

/* From now on this span alone is reserved. */
void reserve(struct scene *scene, const char *span);

/* ipam_take() by a container; take_named() asks for addresses, the second may be NULL. The grant and the refusal are left
 * in the scene. */
int take(struct scene *scene, const char *id, int64_t now);
int take_named(struct scene *scene, const char *id, const char *first, const char *second);

int release(struct scene *scene, const char *id, int64_t now);

/* ipam_find(): "NETWORK ID NETNS SINCE ADDRESS N_ADDRESSES" */
int find(struct scene *scene, const char *id, char text[static 200]);

void assert_address(const struct address *address, const char *expected);

/* Has the container take one address, which must be the expected one. */
void assert_taken(struct scene *scene, const char *id, int64_t now, const char *expected);

/* Damages the first row of a table. */
void spoil(struct store *store, enum store_table table);

#endif
