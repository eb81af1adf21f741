/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * STATUS: could an ADD ever succeed? A runtime takes the whole node out of service for code 50, so that is only for what
 * stops each ADD for good. What an ADD refuses with a code of its own (a broken policy, a full pool, a route) is said on
 * stderr, and is code 50 with guard.strictStatus. A configuration error keeps its code. Polled every few seconds by some
 * runtimes, so it takes no write lock and gives up on a busy one early.
 */

#include <errno.h>
#include <string.h>

#include "ipam/store/store_lmdb.h"
#include "plugin/host/ask.h"
#include "plugin/host/clash.h"
#include "plugin/host/protection.h"
#include "plugin/host/reclaim.h"
#include "plugin/network/hostroute.h"
#include "plugin/report/log.h"
#include "plugin/verbs/leases.h"
#include "plugin/verbs/verbs.h"

/** not_ready() - Turn an error about policy, ranges, store or kernel into code 50, unless it passes; its text stays */
static int not_ready(struct error *err)
{
	return error_recode(err, ERROR_NOT_READY);
}

/** pass() - Say what an ADD would be refused for; code 50 where the configuration is strict: 0, REFUSED */
static int pass(const struct context *context, struct error *err)
{
	if (context->netconf.guard.strict_status)
		return not_ready(err);
	log_line("STATUS is fine, but an ADD would be refused with code %d: %s", (int)err->code, err->msg);
	*err = (struct error){0};
	return 0;
}

/**
 * open_store() - Open the store for a look
 * @context:	Call
 * @state:	State
 * @ret_store:	Store
 * @reterr:	Code 50
 *
 * Return: 0, REFUSED; STATE_E_ABSENT when there is none yet, one that the next ADD will mend, or a busy one
 */
static int open_store(const struct context *context, const struct state *state, struct store **ret_store,
		      struct error *reterr)
{
	char boot_id[BOOT_ID_MAX];
	int r = state_boot_id(boot_id);

	if (!r)
		r = store_lmdb_open(state, STATE_READ, LIMIT_STATUS_WAIT_MS, boot_id, NULL, ret_store);
	if (r == STORE_LMDB_E_DAMAGED)
		log_line("the lease store in %s is damaged; the next ADD repairs it", context->netconf.data_dir);
	if (!r || r == STATE_E_ABSENT || r == STORE_LMDB_E_DAMAGED)
		return r ? STATE_E_ABSENT : 0;
	(void)lease_store_error(context->netconf.data_dir, r, reterr);
	if (r == STATE_E_LOCKED)
		return pass(context, reterr) ? REFUSED : STATE_E_ABSENT;
	return not_ready(reterr);
}

/** is_used_up() - Whether a range set without a free address can't be helped: all of its holders live; REFUSED, 0 */
static int is_used_up(const struct context *context, struct store *store, size_t set, struct error *reterr)
{
	const struct netconf *netconf = &context->netconf;
	HOST_CLEANUP struct host host = {0};
	char text[SPAN_TEXT_MAX];
	int r;

	if (context_open_host(context, &host, reterr))
		return REFUSED;
	r = reclaim_is_possible(store, &netconf->offered[set], host.rtnetlink);
	if (r < 0) {
		(void)lease_store_error(netconf->data_dir, r, reterr);
		return not_ready(reterr);
	}
	if (r)
		return 0;
	(void)error_set(reterr, ERROR_NO_FREE_ADDRESS,
			"pool exhausted: no free address in range set %zu (%s) of network \"%.64s\"", set,
			span_format(&netconf->sets[set].ranges[0].span, text), netconf->name);
	return pass(context, reterr);
}

/** check_pool() - Each range set has an address left, or would have one as soon as an ADD asks */
static int check_pool(const struct context *context, struct store *store, struct error *reterr)
{
	const struct netconf *netconf = &context->netconf;
	size_t set = 0;
	int r;

	r = ipam_is_full(store, netconf->offered, netconf->n_sets, context->guard, &set);
	if (r == -EUCLEAN)
		return 0;
	if (r < 0) {
		(void)lease_store_error(context->netconf.data_dir, r, reterr);
		return not_ready(reterr);
	}
	return r ? is_used_up(context, store, set, reterr) : 0;
}

/** asks_routes() - Whether this network minds the host's routes */
static bool asks_routes(const struct context *context)
{
	return context->netconf.role == ROLE_INTERFACE && context->netconf.guard.host_routes != HOST_ROUTES_OFF;
}

/** read_routes() - The host's routes, as far as they matter: 0, REFUSED with code 50 */
static int read_routes(const struct context *context, struct port *host, struct hostroutes *ret_hostroutes,
		       struct error *reterr)
{
	int r = hostroutes_read(host, context->netconf.sets, context->netconf.n_sets, ret_hostroutes);

	if (r < 0)
		return error_set_errno(reterr, ERROR_NOT_READY, r, "the host's routes can't be read");
	if (ret_hostroutes->n_left_out)
		log_line(
			"warning: %zu of the host's routes in the ranges of network %s are not checked against its leases",
			ret_hostroutes->n_left_out, context->netconf.name);
	return 0;
}

/**
 * check_store() - What the store says: is an address left, does one that is held clash with a route
 * @context:	Call
 * @state:	State
 * @hostroutes:	The host's routes, which were read before: meanwhile no lock is held
 * @ret_clashes: Clashes found
 * @reterr:	Codes 11, 50
 *
 * Return: 0, REFUSED
 */
static int check_store(const struct context *context, const struct state *state, const struct hostroutes *hostroutes,
		       struct clashes *ret_clashes, struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = open_store(context, state, &store, reterr);

	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	if (check_pool(context, store, reterr))
		return REFUSED;
	r = clash_find(store, &context->netconf, hostroutes, ret_clashes);
	if (r < 0) {
		(void)lease_store_error(context->netconf.data_dir, r, reterr);
		return not_ready(reterr);
	}
	return 0;
}

/** pass_clash() - A route that came later: 0, REFUSED where the configuration is strict */
static int pass_clash(const struct context *context, struct error *err)
{
	err->code = ERROR_HOST_ROUTE;
	return pass(context, err);
}

/** check_leases() - What depends on who holds what */
static int check_leases(const struct context *context, const struct state *state, struct error *reterr)
{
	HOSTROUTES_CLEANUP struct hostroutes hostroutes = {0};
	HOST_CLEANUP struct host host = {0};
	struct clashes clashes = {.n = 0};

	if (asks_routes(context) &&
	    (context_open_host(context, &host, reterr) || read_routes(context, host.rtnetlink, &hostroutes, reterr)))
		return not_ready(reterr);
	if (check_store(context, state, &hostroutes, &clashes, reterr))
		return REFUSED;
	if (!clashes.n || !clash_judge(host.rtnetlink, &context->netconf, &clashes, reterr))
		return 0;
	return reterr->code == ERROR_NOT_READY ? pass_clash(context, reterr) : REFUSED;
}

/** check_writable() - The state has to be written: 0, REFUSED with code 50 */
static int check_writable(const struct context *context, struct error *reterr)
{
	int r = state_writable(context->netconf.data_dir);

	if (r == 0)
		return 0;
	return error_set_errno(reterr, ERROR_NOT_READY, r, "the state directory %.256s can't be written",
			       context->netconf.data_dir);
}

/** check_ipv6() - A kernel without IPv6 takes no IPv6 address: 0, REFUSED with code 50 */
static int check_ipv6(const struct context *context, struct error *reterr)
{
	const struct netconf *netconf = &context->netconf;
	HOST_CLEANUP struct host host = {0};

	for (size_t i = 0; i < netconf->n_sets && netconf->role == ROLE_INTERFACE; i++) {
		const struct span *span = &netconf->sets[i].ranges[0].span;
		struct address first = {.family = span->family, .value = span->first};
		struct route_info match;
		int r;

		if (span->family != FAMILY_IPV6)
			continue;
		if (context_open_host(context, &host, reterr))
			return not_ready(reterr);
		r = hostroute_lookup(host.rtnetlink, &first, &match);
		if (r == -EAFNOSUPPORT || r == -EOPNOTSUPP)
			return error_set(
				reterr, ERROR_NOT_READY,
				"the host's kernel has no IPv6 (ipv6.disable=1, or no such module), but network "
				"\"%.64s\" has an IPv6 range",
				netconf->name);
		return 0;
	}
	return 0;
}

/** has_shared() - Whether a pin of the network has sources that hosts share */
static bool has_shared(const struct netconf *netconf)
{
	for (size_t i = 0; i < netconf->n_pins; i++) {
		if (netconf->pins[i].shared)
			return true;
	}
	return false;
}

/** check_agent() - Who claims shared sources is there: 0, REFUSED where the configuration is strict */
static int check_agent(const struct context *context, struct error *reterr)
{
	json_t *question, *answer = NULL;
	struct error err = {0};
	int r;

	if (!has_shared(&context->netconf))
		return 0;
	question = json_pack("{s:s}", "ask", "cluster-ready");
	if (!question)
		return error_no_memory(reterr);
	r = ask_agent(context->netconf.data_dir, question, LIMIT_STATUS_WAIT_MS, &answer, &err);
	json_decref(question);
	json_decref(answer);
	if (!r)
		return 0;
	(void)error_set(reterr, ERROR_SNAT, "a container with a source that hosts share gets none here: %.512s%s",
			err.msg, r == (int)ASK_E_NO_AGENT ? ": systemctl start rangeguard-agent" : "");
	return pass(context, reterr);
}

/**
 * verb_status() - STATUS
 * @context:	Call
 * @reterr:	Why an ADD would fail
 *
 * Return: 0, REFUSED
 */
int verb_status(struct context *context, struct error *reterr)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	int r;

	if (context_read_config(context, reterr))
		return REFUSED;
	if (context_read_policy(context, reterr)) {
		context_explain_refusal(context, reterr);
		if (pass(context, reterr))
			return REFUSED;
	}
	if (protection_available(&context->netconf, reterr))
		return not_ready(reterr);
	if (check_agent(context, reterr))
		return REFUSED;
	if (context->netconf.role == ROLE_CHAINED)
		return 0;
	if (check_ipv6(context, reterr) || check_writable(context, reterr))
		return REFUSED;
	r = state_open(context->netconf.data_dir, STATE_READ, &state);
	if (r == STATE_E_ABSENT)
		return 0;
	if (r) {
		(void)lease_store_error(context->netconf.data_dir, r, reterr);
		return not_ready(reterr);
	}
	return context->guard ? check_leases(context, &state, reterr) : 0;
}
