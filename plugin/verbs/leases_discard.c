/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a network's ranges the host discards, as ADD sees to it. */

#include "plugin/host/discard.h"
#include "plugin/host/veto.h"
#include "plugin/report/log.h"
#include "plugin/verbs/leases.h"

/**
 * leases_find_discards() - What the host shall discard of the ranges, and whether it does so already
 * @context:		Call
 * @store:		Store, locked
 * @ret_discards:	Owned; always written
 * @veto:		Its @discards is set
 *
 * Return: 0, negative errno
 */
int leases_find_discards(const struct context *context, struct store *store, struct discards *ret_discards,
			 struct veto *veto)
{
	DISCARDS_CLEANUP struct discards noted = {0};
	int r = discard_wanted(&context->netconf, context->guard, ret_discards);

	if (!r && ret_discards->n)
		r = discards_get(store, context->netconf.name, &noted);
	veto->discards = noted.n && discards_equal(&noted, ret_discards);
	return r;
}

/**
 * leases_put_discards() - See that the host discards them. That it can't is said: the container has what it needs
 * @context:	Call
 * @store:	Store, locked, with the lease
 * @host:	Host
 * @discards:	Of leases_find_discards()
 * @veto:	What it has seen since
 */
void leases_put_discards(const struct context *context, struct store *store, struct host *host,
			 const struct discards *discards, const struct veto *veto)
{
	const struct netconf *netconf = &context->netconf;
	struct error err = {0};

	if (netconf->role == ROLE_INTERFACE &&
	    discard_put(host, store, netconf->name, discards, veto->discards && !veto->uncovered, &err))
		log_line("the free addresses of network %s are not made unreachable: %s", netconf->name, err.msg);
}

/**
 * leases_withdraw_discards() - Discard nothing of a network whose ranges turn out to be reserved
 * @context:	Call that was refused for it
 *
 * They were not when its containers started. What is somebody else's now must be reached from here; the containers keep
 * their own routes. The next ADD that is not refused makes the routes again.
 */
void leases_withdraw_discards(const struct context *context)
{
	const char *data_dir = context->netconf.data_dir;
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	HOST_CLEANUP struct host host = {0};
	struct error err = {0};

	if (context->netconf.role != ROLE_INTERFACE || state_open(data_dir, STATE_UPDATE, &state) ||
	    lease_store_open(data_dir, &state, STATE_UPDATE, LIMIT_LOCK_WAIT_MS, &store, &err))
		return;
	if (context_open_host(context, &host, &err) || discard_withdraw(&host, store, context->netconf.name, &err))
		log_line("the routes that make free addresses of network %s unreachable stay: %s",
			 context->netconf.name, err.msg);
}
