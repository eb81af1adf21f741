/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GC: remove what this network holds for attachments that the runtime no longer knows. The list is read and the
 * store walked first; then each stale attachment is removed under its own lock, as DEL does it, but many together: the
 * kernel takes as long for a crowd as for one. An attachment that is not listed but whose namespace and interface both
 * live is somebody's, a second runtime's say, and is kept.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/network/attach.h"
#include "plugin/verbs/leases.h"
#include "plugin/verbs/liveness.h"
#include "plugin/verbs/verbs.h"
#include "rangeguard/cleanup.h"

/** struct valid - Keys of the attachments that the runtime knows, sorted */
struct valid {
	struct attachment_key *keys;
	size_t n_keys;
};

/** struct stale - One lease of an attachment that is not valid; texts are owned */
struct stale {
	struct stale *next;
	bool removed;
	struct lease lease;
	char *container_id;
	char *ifname;
	char *netns;
};

/** struct sweep - What the walk over the leases needs, and the list that it makes */
struct sweep {
	const struct valid *valid;
	const char *network;
	struct stale *first;
};

/** compare_keys() - For qsort(3) and bsearch(3) */
static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct attachment_key));
}

/** valid_done() - Release the keys */
static void valid_done(struct valid *valid)
{
	free(valid->keys);
}

/** sweep_done() - Release the list */
static void sweep_done(struct sweep *sweep)
{
	while (sweep->first) {
		struct stale *stale = sweep->first;

		sweep->first = stale->next;
		free(stale->container_id);
		free(stale->ifname);
		free(stale->netns);
		free(stale);
	}
}

/** valid_list() - The runtime's list, under its name of the specification or its older one; NULL when neither is there */
static const json_t *valid_list(const json_t *root, const char **ret_key)
{
	static const char *const keys[] = {"cni.dev/valid-attachments", "cni.dev/attachments"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *list = json_object_get(root, keys[i]);

		if (list) {
			*ret_key = keys[i];
			return list;
		}
	}
	return NULL;
}

/** read_entry() - One listed attachment; REFUSED (code 7) when it is none */
static int read_entry(const struct context *context, const json_t *entry, const char *list_key, size_t index,
		      struct attachment_key *ret_key, struct error *reterr)
{
	struct attachment attachment = {
		.network = context->netconf.name,
		.container_id = json_string_value(json_object_get(entry, "containerID")),
		.ifname = json_string_value(json_object_get(entry, "ifname")),
	};

	if (!attachment.container_id || !attachment.ifname)
		return error_set(reterr, ERROR_CONFIG,
				 "%s[%zu] is no object with containerID and ifname; nothing was removed", list_key,
				 index);
	*ret_key = attachment_key(&attachment);
	return 0;
}

/**
 * read_valid() - The attachments that the runtime knows
 * @context:	Call
 * @ret_valid:	Keys; null or [] mean that nothing is valid
 * @reterr:	Code 7 when there is no list: deleting everything because a key is missing would be a disaster
 *
 * Return: 0, REFUSED
 */
static int read_valid(const struct context *context, struct valid *ret_valid, struct error *reterr)
{
	const char *list_key = NULL;
	const json_t *list = valid_list(context->root, &list_key);
	size_t n_keys = json_array_size(list);
	CLEANUP_FREE struct attachment_key *keys = calloc(n_keys + 1, sizeof(*keys));

	if (!list)
		return error_set(
			reterr, ERROR_CONFIG,
			"cni.dev/valid-attachments is missing; nothing was removed (an empty list removes all)");
	if (!json_is_array(list) && !json_is_null(list))
		return error_set(reterr, ERROR_CONFIG, "%s must be an array; nothing was removed", list_key);
	if (!keys)
		return error_set(reterr, ERROR_IO, "out of memory");
	for (size_t i = 0; i < n_keys; i++)
		if (read_entry(context, json_array_get(list, i), list_key, i, &keys[i], reterr))
			return REFUSED;
	qsort(keys, n_keys, sizeof(*keys), compare_keys);
	*ret_valid = (struct valid){.keys = TAKE_PTR(keys), .n_keys = n_keys};
	return 0;
}

/** note_stale() - ipam_each_fn: remember a lease that is not valid */
static int note_stale(void *userdata, const struct lease *lease)
{
	struct sweep *sweep = userdata;
	struct attachment_key key = attachment_key(&lease->attachment);
	struct stale *stale;

	if (bsearch(&key, sweep->valid->keys, sweep->valid->n_keys, sizeof(key), compare_keys))
		return 0;
	stale = calloc(1, sizeof(*stale));
	if (!stale)
		return -ENOMEM;
	stale->next = sweep->first;
	sweep->first = stale;
	stale->container_id = strdup(lease->attachment.container_id);
	stale->ifname = strdup(lease->attachment.ifname);
	stale->netns = strdup(lease->netns);
	stale->lease = *lease;
	stale->lease.attachment = (struct attachment){sweep->network, stale->container_id, stale->ifname};
	stale->lease.netns = stale->netns;
	return stale->container_id && stale->ifname && stale->netns ? 0 : -ENOMEM;
}

/** find_stale() - Walk the leases of the network */
static int find_stale(const struct context *context, const struct state *state, struct sweep *sweep,
		      struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = leases_open_store(context, state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, reterr);

	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	r = ipam_each(store, context->netconf.name, note_stale, sweep);
	return r ? leases_error(context, r, reterr) : 0;
}

/** still_lives() - Namespace and interface are both there; for a delegate, whose interface is not ours, the namespace */
static bool still_lives(const struct context *context, const struct stale *stale, struct port *host)
{
	if (liveness_netns(&stale->lease) == LIVENESS_GONE)
		return false;
	return context->netconf.role == ROLE_DELEGATE || liveness_interface(host, &stale->lease.attachment);
}

/** remove_locked() - What DEL does, for one stale attachment whose lock is held */
static int remove_locked(const struct context *context, const struct state *state, struct port *host,
			 const struct stale *stale, struct error *reterr)
{
	if (still_lives(context, stale, host)) {
		log_line("GC keeps %.256s %s of network %s: not listed, but its namespace and interface live",
			 stale->container_id, stale->ifname, context->netconf.name);
		return 0;
	}
	return attach_delete(host, &stale->lease.attachment, reterr)
		       ? REFUSED
		       : leases_release(context, state, &stale->lease.attachment, reterr);
}

/** remove_stale() - Lock one stale attachment and remove it */
static int remove_stale(const struct context *context, const struct state *state, struct port *host,
			const struct stale *stale, struct error *reterr)
{
	uint64_t hash = attachment_hash(&stale->lease.attachment);
	int r = state_lock_attachment(state, hash, LIMIT_LOCK_WAIT_MS);

	if (r)
		return leases_error(context, r, reterr);
	r = remove_locked(context, state, host, stale, reterr);
	state_unlock_attachment(state, hash);
	return r;
}

/** struct crowd - Stale attachments that are removed together, their locks held */
struct crowd {
	struct stale *members[ATTACH_DOOMED_MAX];
	size_t n;
	struct doomed doomed;
};

/**
 * join_crowd() - Lock a stale attachment, and have it removed with others
 * @context:	Call
 * @state:	State
 * @host:	Port
 * @stale:	Stale attachment
 * @crowd:	With room for one more
 *
 * One that lives, or whose lock is not to be had at once, is left to remove_stale(): a crowd waits for nobody, so that
 * two of them can't wait for each other.
 */
static void join_crowd(const struct context *context, const struct state *state, struct port *host, struct stale *stale,
		       struct crowd *crowd)
{
	uint64_t hash = attachment_hash(&stale->lease.attachment);
	struct error ignored = {0};

	if (state_lock_attachment(state, hash, 0))
		return;
	if (still_lives(context, stale, host) ||
	    attach_doom(host, &stale->lease.attachment, &crowd->doomed, &ignored)) {
		state_unlock_attachment(state, hash);
		return;
	}
	crowd->members[crowd->n++] = stale;
}

/** remove_crowd() - Remove the crowd and unlock it; whom it does not remove is left to remove_stale() */
static void remove_crowd(const struct context *context, const struct state *state, struct port *host,
			 struct crowd *crowd)
{
	struct error ignored = {0};
	int r = attach_delete_doomed(host, &crowd->doomed, &ignored);

	for (size_t i = 0; i < crowd->n; i++) {
		const struct attachment *attachment = &crowd->members[i]->lease.attachment;

		crowd->members[i]->removed = !r && !leases_release(context, state, attachment, &ignored);
		state_unlock_attachment(state, attachment_hash(attachment));
	}
	crowd->n = 0;
}

/** remove_together() - Remove as many as can be without waiting, a crowd at a time */
static void remove_together(const struct context *context, const struct state *state, struct port *host,
			    struct sweep *sweep)
{
	struct crowd crowd = {.n = 0};

	for (struct stale *stale = sweep->first; stale; stale = stale->next) {
		join_crowd(context, state, host, stale, &crowd);
		if (crowd.n == ATTACH_DOOMED_MAX)
			remove_crowd(context, state, host, &crowd);
	}
	remove_crowd(context, state, host, &crowd);
}

/** remove_all() - Remove each, go on after a failure, tell of the first one and of how many there were */
static int remove_all(const struct context *context, const struct state *state, struct sweep *sweep,
		      struct error *reterr)
{
	PORT_CLEANUP struct port *host = NULL;
	size_t failures = 0;

	if (context_open_port(&host, reterr))
		return REFUSED;
	remove_together(context, state, host, sweep);
	for (const struct stale *stale = sweep->first; stale; stale = stale->next) {
		struct error err = {0};

		if (!stale->removed && remove_stale(context, state, host, stale, &err)) {
			log_line("GC of %.256s %s: %s", stale->container_id, stale->ifname, err.msg);
			if (!failures++)
				*reterr = err;
		}
	}
	if (failures > 1)
		error_details(reterr, "and %zu more attachments could not be removed", failures - 1);
	return failures ? REFUSED : 0;
}

/**
 * verb_gc() - GC
 * @context:	Call
 * @reterr:	The first failure; the others are logged
 *
 * Return: 0, REFUSED
 */
int verb_gc(struct context *context, struct error *reterr)
{
	__attribute__((cleanup(valid_done))) struct valid valid = {0};
	__attribute__((cleanup(sweep_done))) struct sweep sweep = {.valid = &valid};
	STATE_CLEANUP struct state state = STATE_INIT;
	int r;

	(void)netconf_read_identity(context->root, "the network configuration", &context->netconf);
	sweep.network = context->netconf.name;
	if (read_valid(context, &valid, reterr))
		return REFUSED;
	/* Chained, it holds nothing: what the store has of this network is an IPAM delegate's. */
	if (context->netconf.role == ROLE_CHAINED)
		return 0;
	r = state_open(context->netconf.data_dir, STATE_UPDATE, &state);
	if (r == STATE_E_ABSENT)
		return 0;
	if (r)
		return leases_error(context, r, reterr);
	if (find_stale(context, &state, &sweep, reterr))
		return REFUSED;
	return sweep.first ? remove_all(context, &state, &sweep, reterr) : 0;
}
