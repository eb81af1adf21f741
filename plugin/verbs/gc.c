/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GC: remove what this network holds for attachments that the runtime no longer knows. The list is read and the
 * store walked first; then each stale attachment is removed under its own lock, as DEL does it, but many together: the
 * kernel takes as long for a group as for one. An attachment that is not listed but whose namespace and interface both
 * live is somebody's, a second runtime's say, and is kept.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/host/guarding.h"
#include "plugin/host/liveness.h"
#include "plugin/host/protection.h"
#include "plugin/host/restore.h"
#include "plugin/host/weeding.h"
#include "plugin/network/attach.h"
#include "plugin/report/log.h"
#include "plugin/verbs/leases.h"
#include "plugin/verbs/verbs.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** struct valid - Keys of the attachments that the runtime knows, sorted */
struct valid {
	struct attachment_key *keys;
	size_t n_keys;
};

/** struct stale - An attachment that holds a lease and is not valid; texts are owned */
struct stale {
	struct stale *next;
	bool removed;
	char *container_id;
	char *ifname;
};

/** struct collection - What the walk over the leases needs, and the list that it makes */
struct collection {
	const struct valid *valid;
	const char *network;
	bool chained;
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
static void sweep_done(struct collection *sweep)
{
	while (sweep->first) {
		struct stale *stale = sweep->first;

		sweep->first = stale->next;
		free(stale->container_id);
		free(stale->ifname);
		free(stale);
	}
}

/** valid_list() - The runtime's list, under its name of the specification or its older one; NULL when neither is there */
static const json_t *valid_list(const json_t *root, const char **ret_key)
{
	static const char *const keys[] = {"cni.dev/valid-attachments", "cni.dev/attachments"};

	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
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
		.chained = context->netconf.role == ROLE_CHAINED,
	};

	if (!attachment.container_id || !attachment.ifname)
		return error_set(reterr, ERROR_CONFIG,
				 "%s[%zu] is not an object with containerID and ifname; nothing was removed", list_key,
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
		return error_no_memory(reterr);
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
	struct collection *sweep = userdata;
	struct attachment_key key = attachment_key(&lease->attachment);
	struct stale *stale;

	/* A list may have this program in two roles, each of which is called for its own. */
	if (lease->attachment.chained != sweep->chained ||
	    bsearch(&key, sweep->valid->keys, sweep->valid->n_keys, sizeof(key), compare_keys))
		return 0;
	stale = calloc(1, sizeof(*stale));
	if (!stale)
		return -ENOMEM;
	stale->next = sweep->first;
	sweep->first = stale;
	stale->container_id = strdup(lease->attachment.container_id);
	stale->ifname = strdup(lease->attachment.ifname);
	return stale->container_id && stale->ifname ? 0 : -ENOMEM;
}

/** find_stale() - Walk the leases of the network */
static int find_stale(const struct context *context, const struct state *state, struct collection *sweep,
		      struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = lease_store_open(context->netconf.data_dir, state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, reterr);

	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	r = ipam_each(store, context->netconf.name, note_stale, sweep);
	if (r == IPAM_E_DAMAGED) {
		log_line("some leases in %s can't be read, so GC leaves them alone: a DEL or ADD of their attachments "
			 "repairs them",
			 context->netconf.data_dir);
		return 0;
	}
	return r ? lease_store_error(context->netconf.data_dir, r, reterr) : 0;
}

/**
 * struct judgement - Whether an attachment lives
 * @context:	Call
 * @host:	Port
 * @lives:	Namespace and interface are both there; where the interface is not ours, the namespace
 */
struct judgement {
	const struct context *context;
	struct port *host;
	bool lives;
};

/** What is in use on this host, read once: a GC is a process */
static struct liveness_scan scan;

/** judge() - ipam_each_fn: judge by the lease as it is now */
static int judge(void *userdata, const struct lease *lease)
{
	struct judgement *judgement = userdata;

	judgement->lives = liveness_of(&scan, lease) && (judgement->context->netconf.role != ROLE_INTERFACE ||
							 liveness_interface(judgement->host, lease));
	return 0;
}

/**
 * look_again() - Judge an attachment by the lease that it holds now that its lock is held: since the walk it may have
 * been deleted, and come again
 * @judgement:	@lives is set
 * @state:	State
 * @attachment:	Attachment
 * @reterr:	Codes 11, 106
 *
 * Return: 0, REFUSED
 */
static int look_again(struct judgement *judgement, const struct state *state, const struct attachment *attachment,
		      struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = lease_store_open(judgement->context->netconf.data_dir, state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store,
				 reterr);

	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	r = ipam_find(store, attachment, judge, judgement);
	return r && r != IPAM_E_NOT_FOUND ? lease_store_error(judgement->context->netconf.data_dir, r, reterr) : 0;
}

/** remove_locked() - What DEL does, for one stale attachment whose lock is held */
static int remove_locked(const struct context *context, const struct state *state, struct host *host,
			 const struct attachment *attachment, struct error *reterr)
{
	struct judgement judgement = {.context = context, .host = host->rtnetlink};
	REMOVAL_CLEANUP struct protection_removal removal = {0};
	struct attach_step away;

	if (look_again(&judgement, state, attachment, reterr))
		return REFUSED;
	if (judgement.lives) {
		log_line("GC keeps %.256s %s of network %s: not listed, but its namespace and interface still exist",
			 attachment->container_id, attachment->ifname, attachment->network);
		return 0;
	}
	if (protection_removal_begin(&removal, host, state, attachment, reterr))
		return REFUSED;
	away = protection_removal_step(&removal);
	if (attach_delete(host->rtnetlink, attachment, &away, reterr) || protection_removal_finish(&removal, reterr))
		return REFUSED;
	return lease_store_release(host, state, attachment, RELEASE_GC, reterr);
}

/** remove_stale() - Lock one stale attachment and remove it */
static int remove_stale(const struct context *context, const struct state *state, struct host *host,
			const struct attachment *attachment, struct error *reterr)
{
	uint64_t hash = attachment_hash(attachment);
	int r = state_lock_attachment(state, hash, LIMIT_LOCK_WAIT_MS);

	if (r)
		return lease_store_error(context->netconf.data_dir, r, reterr);
	r = remove_locked(context, state, host, attachment, reterr);
	state_unlock_attachment(state, hash);
	return r;
}

/** attachment_of() - The attachment that a stale lease is of; borrows its texts */
static struct attachment attachment_of(const struct collection *sweep, const struct stale *stale)
{
	return (struct attachment){.network = sweep->network,
				   .container_id = stale->container_id,
				   .ifname = stale->ifname,
				   .chained = sweep->chained};
}

/** struct group - Stale attachments that are removed together, their locks held */
struct group {
	struct stale *members[ATTACH_GROUP_MAX];
	size_t n;
	struct attach_group links;
};

/**
 * join_group() - Lock a stale attachment, and have it removed with others
 * @context:	Call
 * @state:	State
 * @host:	Port
 * @attachment:	Attachment of @stale
 * @stale:	Stale attachment
 * @group:	With room for one more
 *
 * One that lives, or whose lock is not to be had at once, is left to remove_stale(): a group waits for nobody, so that
 * two of them can't wait for each other.
 */
static void join_group(const struct context *context, const struct state *state, struct port *host,
		       const struct attachment *attachment, struct stale *stale, struct group *group)
{
	struct judgement judgement = {.context = context, .host = host};
	uint64_t hash = attachment_hash(attachment);
	struct error ignored = {0};

	if (state_lock_attachment(state, hash, 0))
		return;
	if (look_again(&judgement, state, attachment, &ignored) || judgement.lives ||
	    attach_group_add(host, attachment, &group->links, &ignored)) {
		state_unlock_attachment(state, hash);
		return;
	}
	group->members[group->n++] = stale;
}

/** remove_group() - Remove the group and unlock it; whom it does not remove is left to remove_stale() */
static void remove_group(struct host *host, const struct state *state, const struct collection *sweep,
			 struct group *group)
{
	struct error ignored = {0};
	int r = attach_group_delete(host->rtnetlink, &group->links, &ignored);

	for (size_t i = 0; i < group->n; i++) {
		struct attachment attachment = attachment_of(sweep, group->members[i]);

		group->members[i]->removed = !r && !lease_store_release(host, state, &attachment, RELEASE_GC, &ignored);
		state_unlock_attachment(state, attachment_hash(&attachment));
	}
	group->n = 0;
}

/** remove_together() - Remove as many as can be without waiting, a group at a time */
static void remove_together(const struct context *context, const struct state *state, struct host *host,
			    struct collection *sweep)
{
	struct group group = {.n = 0};

	for (struct stale *stale = sweep->first; stale; stale = stale->next) {
		struct attachment attachment = attachment_of(sweep, stale);

		join_group(context, state, host->rtnetlink, &attachment, stale, &group);
		if (group.n == ATTACH_GROUP_MAX)
			remove_group(host, state, sweep, &group);
	}
	remove_group(host, state, sweep, &group);
}

/** remove_all() - Remove each, go on after a failure, tell of the first one and of how many there were */
static int remove_all(const struct context *context, const struct state *state, struct collection *sweep,
		      struct error *reterr)
{
	HOST_CLEANUP struct host host = {0};
	size_t failures = 0;

	if (context_open_host(context, &host, reterr))
		return REFUSED;
	remove_together(context, state, &host, sweep);
	for (const struct stale *stale = sweep->first; stale; stale = stale->next) {
		struct attachment attachment = attachment_of(sweep, stale);
		struct error err = {0};

		if (!stale->removed && remove_stale(context, state, &host, &attachment, &err)) {
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
 * put_back() - Put back what somebody took out of the kernel, for all containers that are left
 * @context:	Call
 * @reterr:	Codes 11, 106, 107
 *
 * Return: 0, REFUSED
 */
static int put_back(const struct context *context, struct error *reterr)
{
	HOST_CLEANUP struct host host = {0};
	struct restored restored;
	bool weeded;

	if (context_open_host(context, &host, reterr))
		return REFUSED;
	guarding_sweep(&host);
	if (weeding(&host, &weeded, reterr) || restore_shared(&host, reterr) ||
	    restore_containers(&host, &restored, reterr))
		return REFUSED;
	if (restored.missing)
		log_line("%zu containers lacked something that protects them or leads to them: it is put back",
			 restored.missing);
	return restored.failed
		       ? error_set(
				 reterr, ERROR_KERNEL,
				 "%zu containers lack something that protects them or leads to them, and that can't be put "
				 "back; the log says what",
				 restored.failed)
		       : 0;
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
	__attribute__((cleanup(sweep_done))) struct collection sweep = {.valid = &valid};
	STATE_CLEANUP struct state state = STATE_INIT;
	int r;

	(void)netconf_read_identity(context->root, "the network configuration", &context->netconf);
	sweep.network = context->netconf.name;
	sweep.chained = context->netconf.role == ROLE_CHAINED;
	if (read_valid(context, &valid, reterr))
		return REFUSED;
	r = state_open(context->netconf.data_dir, STATE_UPDATE, &state);
	if (r == STATE_E_ABSENT)
		return 0;
	if (r)
		return lease_store_error(context->netconf.data_dir, r, reterr);
	if (find_stale(context, &state, &sweep, reterr))
		return REFUSED;
	if (sweep.first && remove_all(context, &state, &sweep, reterr))
		return REFUSED;
	return put_back(context, reterr);
}
