/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs' side of the IPAM. */

#include "plugin/verbs/leases.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ipam/guard/guard_image.h"
#include "ipam/store/store_lmdb.h"
#include "plugin/host/adopt.h"
#include "plugin/host/discard.h"
#include "plugin/host/protection.h"
#include "plugin/host/reclaim.h"
#include "plugin/host/veto.h"
#include "plugin/netconf/check.h"
#include "plugin/report/log.h"
#include "plugin/verbs/blocks.h"
#include "plugin/verbs/sources.h"

/**
 * leases_open() - Open the state and lock an attachment in it
 * @context:	Call
 * @attachment:	Attachment
 * @access:	STATE_WRITE makes what is missing; otherwise there may be no state yet
 * @ret_state:	State, released by state_done()
 * @reterr:	Codes 11, 106
 *
 * Return: 0, STATE_E_ABSENT (error not filled), REFUSED
 */
int leases_open(const struct context *context, const struct attachment *attachment, enum state_access access,
		struct state *ret_state, struct error *reterr)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	int r = state_open(context->netconf.data_dir, access, &state);

	if (!r)
		r = state_lock_attachment(&state, attachment_hash(attachment), LIMIT_LOCK_WAIT_MS);
	if (r == STATE_E_ABSENT)
		return r;
	if (r)
		return lease_store_error(context->netconf.data_dir, r, reterr);
	recorder_count_in(context->recorder, state.dir_fd);
	*ret_state = state;
	state = (struct state)STATE_INIT;
	return 0;
}

/** An index with more digits is no pod's */
#define ORDINAL_DIGITS_MAX 9

/**
 * ordinal_of() - The number at the end of a pod's name: "pg-2" of a StatefulSet has 2
 * @pod:	Name, NULL: none
 *
 * Return: it, 0 where there is none
 */
static size_t ordinal_of(const char *pod)
{
	const char *dash = pod ? strrchr(pod, '-') : NULL;
	size_t ordinal = 0;

	if (!dash || strlen(dash + 1) > ORDINAL_DIGITS_MAX || strspn(dash + 1, "0123456789") != strlen(dash + 1))
		return 0;
	for (const char *digit = dash + 1; *digit; digit++)
		ordinal = ordinal * 10 + (size_t)(*digit - '0');
	return ordinal;
}

/** make_request() - The call in the IPAM's terms */
static struct ipam_request make_request(const struct context *context, const struct netns *netns, struct veto *veto)
{
	const struct netconf *netconf = &context->netconf;
	const struct cni_args *args = &context->request.args;
	const struct fixed *fixed = netconf_fixed_of(netconf, args);

	return (struct ipam_request){
		.lease =
			{
				.attachment = context_attachment(context),
				.pod_namespace = args->pod_namespace ? args->pod_namespace : "",
				.pod_name = args->pod_name ? args->pod_name : "",
				.netns = context->request.netns,
				.netns_device = netns->device,
				.netns_inode = netns->inode,
				.netns_cookie = netns->cookie,
				.pins = context->pinning.names,
				.since = time(NULL),
				.anti_spoof = netconf->role == ROLE_INTERFACE && netconf->anti_spoof,
				.egress = context->pinning.digest,
			},
		.egress = context->pinning.definition,
		.sets = netconf->offered,
		.n_sets = netconf->n_sets,
		.requested = netconf->requested,
		.n_requested = netconf->n_requested,
		.own = fixed ? fixed->addresses : NULL,
		.n_own = fixed ? fixed->n_addresses : 0,
		.own_first = ordinal_of(args->pod_name),
		.reuse_delay = netconf->reuse_delay,
		.guard = context->guard,
		.veto = veto_address,
		.lives = veto_lives,
		.userdata = veto,
	};
}

/** struct taking - What leases_take() and leases_note() work with */
struct taking {
	const struct context *context;
	const struct ipam_request *request;
	struct host *host;
	char boot_id[BOOT_ID_MAX];
	struct store_seed seed;
	struct store *store;
	const struct host_local *files;
	struct discards discards;
};

/** tell_of_replacement() - A damaged store is nothing that an ADD fails on, but somebody should look at the disk */
static void tell_of_replacement(const struct taking *taking)
{
	if (!taking->seed.replaced)
		return;
	recorder_count(taking->context->recorder, COUNTER_STORE_REPLACED);
	log_line("the lease store in %s was damaged: it is set aside as leases.mdb.damaged and rebuilt from the "
		 "kernel's interfaces and routes",
		 taking->context->netconf.data_dir);
}

/** fill_store() - store_seed.fill: what the kernel tells of leases, and of what they have in common; userdata is a host */
static int fill_store(void *userdata, struct store *store)
{
	struct host *host = userdata;
	int r = adopt_from_kernel(host, store);

	return r ? r : discard_adopt(host, store);
}

/** open_store() - Open the store for writing, made or mended where need be: 0, as store_lmdb_open() */
static int open_store(struct taking *taking, const struct state *state)
{
	int r = state_boot_id(taking->boot_id);

	taking->seed = (struct store_seed){.fill = fill_store, .userdata = taking->host};
	if (!r)
		r = store_lmdb_open(state, STATE_WRITE, LIMIT_LOCK_WAIT_MS, taking->boot_id, &taking->seed,
				    &taking->store);
	tell_of_replacement(taking);
	return r;
}

/** renew_store() - Build the store again, whose file turned out to be damaged: 0, negative errno */
static int renew_store(struct taking *taking)
{
	int r = store_lmdb_renew(taking->store, taking->boot_id, &taking->seed);

	tell_of_replacement(taking);
	return r;
}

/** taking_done() - Close the store, if it is open */
static void taking_done(struct taking *taking)
{
	if (taking->store)
		lease_store_tell_repaired(taking->host, taking->store);
	taking->store = store_close(taking->store);
	discards_done(&taking->discards);
}

/** take_over_once() - take_over(), without building the store again */
static int take_over_once(const struct taking *taking)
{
	const struct netconf *netconf = &taking->context->netconf;
	int r = host_local_adopt(taking->files, netconf->name, taking->store);

	return r < 0 ? r : adopt_in_use(taking->store, netconf->sets, netconf->n_sets);
}

/** take_over() - Hold what others gave of the network's ranges, once: 0, negative errno */
static int take_over(struct taking *taking)
{
	int r = take_over_once(taking);

	if (r == -EUCLEAN)
		r = renew_store(taking);
	else
		return r;
	return r < 0 ? r : take_over_once(taking);
}

/**
 * take_or_mend() - Take the addresses; where the file is damaged or everything seems to be held, mend that and try again
 * @taking:		The store is open
 * @ret_grant:		What was given
 * @ret_refusal:	Why nothing was
 *
 * Return: 0, an outcome of the IPAM, negative errno
 */
static int take_or_mend(struct taking *taking, struct ipam_grant *ret_grant, struct ipam_refusal *ret_refusal)
{
	int r = ipam_take(taking->store, taking->request, ret_grant, ret_refusal);

	if (r == IPAM_E_DAMAGED) {
		r = renew_store(taking);
		if (!r)
			r = take_over(taking);
	} else if (r == IPAM_E_FULL) {
		r = reclaim_dead(taking->store, taking->request, taking->host);
		if (r == RECLAIM_E_NOTHING)
			return IPAM_E_FULL;
	} else {
		return r;
	}
	return r ? r : ipam_take(taking->store, taking->request, ret_grant, ret_refusal);
}

/** open_files() - host-local's leases, if there are any: 0, REFUSED (11, 106) */
static int open_files(const struct context *context, struct host_local *ret_files, struct error *reterr)
{
	const struct netconf *netconf = &context->netconf;
	int r = host_local_open(netconf->adopt, netconf->name, ret_files);

	if (r == 0)
		return 0;
	if (r == HOST_LOCAL_E_LOCKED)
		return error_set(reterr, ERROR_TRY_AGAIN,
				 "host-local holds the lock of %.256s/%.64s for longer than %d s; try again later",
				 netconf->adopt, netconf->name, LIMIT_LOCK_WAIT_MS / 1000);
	return error_set(reterr, error_code_of(r, ERROR_STORE),
			 "host-local's leases in %.256s/%.64s can't be read: %s; see ipam.adopt", netconf->adopt,
			 netconf->name, strerror(-r));
}

/** tell_host_local() - So that it does not give these addresses, should it serve the network again */
static void tell_host_local(const struct host_local *files, const struct attachment *attachment,
			    const struct ipam_grant *grant)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < grant->n_addresses; i++) {
		int r = host_local_put(files, &grant->addresses[i], attachment);

		if (r < 0)
			log_line("host-local's files can't be brought up to date for address %s: %s",
				 address_format(&grant->addresses[i], text), strerror(-r));
	}
}

/**
 * take_own() - take_or_mend() of what this host may give: of a cluster's ranges the blocks that it holds
 * @taking:		The store is open
 * @state:		State
 * @request:		What @taking asks for; its sets are this host's afterwards
 * @own:		Owns them
 * @ret_grant:		What was given; its ranges are of @own
 * @ret_refusal:	Why nothing was
 *
 * Return: as take_or_mend()
 */
static int take_own(struct taking *taking, const struct state *state, struct ipam_request *request,
		    struct own_ranges *own, struct ipam_grant *ret_grant, struct ipam_refusal *ret_refusal)
{
	int r = own_ranges_read(&taking->context->netconf, taking->context->netconf.offered, state->dir_fd, own);

	if (r < 0)
		return r;
	ret_refusal->set = own_ranges_first_empty(own);
	if (ret_refusal->set < own->n_sets)
		return IPAM_E_FULL;
	request->sets = own->sets;
	return take_or_mend(taking, ret_grant, ret_refusal);
}

/** give_ranges() - The grant's ranges as the configuration has them, since the host's parts of them are released */
static void give_ranges(const struct netconf *netconf, struct ipam_grant *grant)
{
	for (size_t i = 0; i < grant->n_addresses && i < netconf->n_sets; i++)
		grant->ranges[i] = range_set_find(&netconf->offered[i], &grant->addresses[i]);
}

/** struct take - What take_once() needs of leases_take() */
struct take {
	const struct context *context;
	const struct state *state;
	const struct netns *netns;
	struct host *host;
};

/**
 * take_once() - Take the addresses, with the store locked meanwhile
 * @take:	Call
 * @ret_grant:	What was given
 * @ret_set:	IPAM_E_FULL: which set
 * @reterr:	As leases_take()
 *
 * Return: 0; IPAM_E_FULL, with @reterr filled; -ESTALE when the guard is to be rebuilt first; SOURCES_E_CLOSED;
 *	REFUSED
 */
static int take_once(const struct take *take, struct ipam_grant *ret_grant, size_t *ret_set, struct error *reterr)
{
	const struct context *context = take->context;
	struct attachment attachment = context_attachment(context);
	HOST_LOCAL_CLEANUP struct host_local files = HOST_LOCAL_INIT;
	struct veto veto = {.netconf = &context->netconf,
			    .attachment = &attachment,
			    .host = take->host->rtnetlink,
			    .files = &files};
	struct ipam_request request = make_request(context, take->netns, &veto);
	CLEANUP(taking_done) struct taking taking = {.context = context, .request = &request, .host = take->host};
	OWN_RANGES_CLEANUP struct own_ranges own = {0};
	struct ipam_refusal refusal = {0};
	int r;

	if (open_files(context, &files, reterr))
		return REFUSED;
	taking.files = &files;
	r = open_store(&taking, take->state);
	if (!r)
		r = sources_verify(context, take->host->rtnetlink, take->state->dir_fd);
	if (r == (int)SOURCES_E_CLOSED)
		return r;
	if (!r)
		r = take_over(&taking);
	if (!r)
		r = leases_find_discards(context, taking.store, &taking.discards, &veto);
	if (r)
		return lease_store_error(context->netconf.data_dir, r, reterr);
	if (own_ranges_wanted(&context->netconf))
		r = take_own(&taking, take->state, &request, &own, ret_grant, &refusal);
	else
		r = take_or_mend(&taking, ret_grant, &refusal);
	if (r == 0 && own.n_sets)
		give_ranges(&context->netconf, ret_grant);
	*ret_set = refusal.set;
	if (r == -ESTALE)
		return r;
	if (r)
		(void)leases_error(context, r, &refusal, &veto, reterr);
	else
		tell_host_local(&files, &attachment, ret_grant);
	if (!r)
		leases_put_discards(context, taking.store, take->host, &taking.discards, &veto);
	return r == (int)IPAM_E_FULL ? r : r ? REFUSED : 0;
}

/** take_guarded() - take_once(); a guard that turns out to be damaged is rebuilt while nobody waits for the store */
static int take_guarded(const struct take *take, struct ipam_grant *ret_grant, size_t *ret_set, struct error *reterr)
{
	int r = take_once(take, ret_grant, ret_set, reterr);

	if (r != -ESTALE)
		return r;
	guard_image_rebuild(take->context->guard);
	return take_once(take, ret_grant, ret_set, reterr);
}

/** More blocks that one ADD asks for: others may be quicker to use one up */
#define BLOCKS_PER_ADD 3

/**
 * leases_take() - Take the addresses of this call
 * @context:	Call; configuration and guard have been read
 * @state:	State, the attachment locked
 * @netns:	Container's namespace, recorded in the lease
 * @host:	Host in the host's namespace; rtnetlink is asked how each address is routed today
 * @ret_grant:	What was given
 * @reterr:	Codes 7, 11, 100, 101, 104, 105, 106, 107
 *
 * Return: 0; SOURCES_E_CLOSED: a shared source that was chosen is not this host's any more; REFUSED
 */
int leases_take(const struct context *context, const struct state *state, const struct netns *netns, struct host *host,
		struct ipam_grant *ret_grant, struct error *reterr)
{
	struct take take = {.context = context, .state = state, .netns = netns, .host = host};
	size_t set = 0;
	int r = take_guarded(&take, ret_grant, &set, reterr);

	for (unsigned i = 0; r == (int)IPAM_E_FULL && own_ranges_wanted(&context->netconf) && i < BLOCKS_PER_ADD; i++) {
		if (blocks_ask(context, set, reterr))
			return REFUSED;
		r = take_guarded(&take, ret_grant, &set, reterr);
	}
	return r == (int)SOURCES_E_CLOSED ? r : r ? REFUSED : 0;
}

/**
 * leases_note() - Write the lease of a chained attachment
 * @context:	Call
 * @state:	State, the attachment locked
 * @host:	Host
 * @lease:	Lease
 * @ret_shared:	See protection_shared()
 * @reterr:	Codes 11, 106
 *
 * Return: 0; SOURCES_E_CLOSED as leases_take(); REFUSED
 */
int leases_note(const struct context *context, const struct state *state, struct host *host, const struct lease *lease,
		bool *ret_shared, struct error *reterr)
{
	CLEANUP(taking_done) struct taking taking = {.context = context, .host = host};
	int r = open_store(&taking, state);

	if (!r)
		r = sources_verify(context, host->rtnetlink, state->dir_fd);
	if (r == (int)SOURCES_E_CLOSED)
		return r;
	if (!r)
		r = ipam_note(taking.store, lease, context->pinning.definition);
	if (r == IPAM_E_DAMAGED) {
		r = renew_store(&taking);
		if (!r)
			r = ipam_note(taking.store, lease, context->pinning.definition);
	}
	if (!r)
		r = protection_shared(taking.store, &lease->attachment, ret_shared);
	return r ? lease_store_error(context->netconf.data_dir, r, reterr) : 0;
}
