/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All leases of a host at once. */

#include "plugin/overview/lease_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/store/state.h"
#include "ipam/store/store_lmdb.h"
#include "rangeguard/array.h"

/** Leases read at a time: a few milliseconds' worth */
#define LEASES_PER_PART 4096U

/** lease_set_add() - ipam_each_fn: copy a lease into the set @userdata: 0, -ENOMEM */
int lease_set_add(void *userdata, const struct lease *lease)
{
	struct lease_set *set = userdata;

	struct lease_copy *copies = array_room(set->copies, set->n, &set->capacity, sizeof(*copies));

	if (!copies)
		return -ENOMEM;
	set->copies = copies;
	if (lease_encode(lease, &set->copies[set->n].data, &set->copies[set->n].size) < 0)
		return -ENOMEM;
	set->n++;
	return 0;
}

/** read_part() - Read some leases: 0, an outcome of the state, the store or the IPAM, negative errno */
static int read_part(const char *data_dir, struct ipam_part *part, struct lease_set *set)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	char boot_id[BOOT_ID_MAX];
	int r = state_boot_id(boot_id);

	if (!r)
		r = state_open(data_dir, STATE_READ, &state);
	if (!r)
		r = store_lmdb_open(&state, STATE_READ, LIMIT_LOCK_WAIT_MS, boot_id, NULL, &store);
	return r ? r : ipam_each_part(store, part, lease_set_add, set);
}

/**
 * lease_set_read() - Read the leases of a host
 * @data_dir:	State directory
 * @network:	Only this network's, NULL: all
 * @ret_set:	Always written; lease_set_done() releases it
 *
 * Return: 0, also when some can't be read; STATE_E_ABSENT: there is no state directory; an outcome of the state or the
 *	store, negative errno
 */
int lease_set_read(const char *data_dir, const char *network, struct lease_set *ret_set)
{
	struct ipam_part part = {.network = network, .limit = LEASES_PER_PART};
	STATE_CLEANUP struct state state = STATE_INIT;
	int r = state_open(data_dir, STATE_READ, &state);

	*ret_set = (struct lease_set){.n = 0};
	if (r)
		return r;
	while (!part.ended && (!r || r == IPAM_E_DAMAGED)) {
		r = read_part(data_dir, &part, ret_set);
		ret_set->damaged |= r == IPAM_E_DAMAGED;
	}
	/* A directory without a store: nothing has been given yet. */
	return r == IPAM_E_DAMAGED || r == STATE_E_ABSENT ? 0 : r;
}

/** lease_set_get() - A lease; its texts are the set's */
struct lease lease_set_get(const struct lease_set *set, size_t index)
{
	struct lease lease = {0};

	(void)lease_decode(bytes_of(set->copies[index].data, set->copies[index].size), &lease);
	return lease;
}

/** lease_set_outcome() - Why leases can't be read, for people */
const char *lease_set_outcome(int outcome)
{
	switch (outcome) {
	case STATE_E_ABSENT:
		return "no such state directory: nothing has been given on this host since it started";
	case STATE_E_UNSAFE:
		return "not root's alone, or behind a symlink that root did not make";
	case STATE_E_LOCKED:
		return "locked by another rangeguard for too long";
	case STORE_LMDB_E_DAMAGED:
	case IPAM_E_DAMAGED:
		return "the lease store is damaged";
	case STORE_LMDB_E_NEWER:
		return "the lease store was written by a newer version of this program";
	default:
		return outcome < 0 ? strerror(-outcome) : "it can't be used";
	}
}

/** lease_set_done() - Release what is owned */
void lease_set_done(struct lease_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		free(set->copies[i].data);
	free(set->copies);
	*set = (struct lease_set){.n = 0};
}
