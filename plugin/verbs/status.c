/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * STATUS: would an ADD succeed now? Polled every few seconds by some runtimes, so it takes no write lock and gives up
 * on a busy one early. A configuration error keeps its own code; what is not ready is code 50.
 */

#include <errno.h>

#include "ipam/store_lmdb.h"
#include "plugin/verbs/arms.h"
#include "plugin/verbs/leases.h"
#include "plugin/verbs/verbs.h"

/** not_ready() - Turn an error about policy, ranges, store or kernel into code 50; its text stays */
static int not_ready(struct error *err)
{
	err->code = ERROR_NOT_READY;
	return REFUSED;
}

/**
 * open_store() - Open the store for a look
 * @context:	Call
 * @state:	State
 * @ret_store:	Store
 * @reterr:	Codes 11, 50
 *
 * Return: 0, REFUSED; STATE_E_ABSENT when there is none yet, or one that the next ADD will mend
 */
static int open_store(const struct context *context, const struct state *state, struct store **ret_store,
		      struct error *reterr)
{
	char boot_id[BOOT_ID_MAX];
	int r = state_boot_id(boot_id);

	if (!r)
		r = store_lmdb_open(state, STATE_READ, LIMIT_STATUS_WAIT_MS, boot_id, NULL, ret_store);
	if (r == STORE_LMDB_E_DAMAGED)
		log_line("the lease store in %s is damaged; the next ADD makes it anew", context->netconf.data_dir);
	if (!r || r == STATE_E_ABSENT || r == STORE_LMDB_E_DAMAGED)
		return r ? STATE_E_ABSENT : 0;
	(void)leases_error(context, r, reterr);
	return r == STATE_E_LOCKED ? REFUSED : not_ready(reterr);
}

/** check_pool() - Each range set has an address left */
static int check_pool(const struct context *context, const struct state *state, struct error *reterr)
{
	const struct netconf *netconf = &context->netconf;
	STORE_CLEANUP struct store *store = NULL;
	char text[SPAN_TEXT_MAX];
	size_t set = 0;
	int r = open_store(context, state, &store, reterr);

	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	r = ipam_is_full(store, netconf->sets, netconf->n_sets, context->guard, &set);
	if (r == -EUCLEAN)
		return 0;
	if (r < 0) {
		(void)leases_error(context, r, reterr);
		return not_ready(reterr);
	}
	return r ? error_set(reterr, ERROR_NOT_READY,
			     "pool exhausted: no free address in range set %zu (%s) of network \"%.64s\"", set,
			     span_format(&netconf->sets[set].ranges[0].span, text), netconf->name)
		 : 0;
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
	if (context_read_policy(context, reterr))
		return not_ready(reterr);
	if (arms_available(context, reterr))
		return not_ready(reterr);
	if (context->netconf.role == ROLE_CHAINED)
		return 0;
	r = state_open(context->netconf.data_dir, STATE_READ, &state);
	if (r == STATE_E_ABSENT)
		return 0;
	if (r) {
		(void)leases_error(context, r, reterr);
		return not_ready(reterr);
	}
	return check_pool(context, &state, reterr);
}
