/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DEL: the undo of ADD, in reverse, each step at ease with what is not there. It needs the network's name and the
 * attachment's, nothing else: the host end has a name that follows from them and says in its alias whose it is, so
 * namespace, store, prevResult and the rest of the configuration may be gone or changed. It never enters a
 * namespace, so a recycled CNI_NETNS does no harm.
 */

#include "plugin/network/attach.h"
#include "plugin/verbs/leases.h"
#include "plugin/verbs/verbs.h"

/** remove_interface() - Host end away, and with it the pair, addresses, routes and neighbours */
static int remove_interface(const struct context *context, struct error *reterr)
{
	struct attachment attachment = context_attachment(context);
	PORT_CLEANUP struct port *host = NULL;

	return context_open_port(&host, reterr) ? REFUSED : attach_delete(host, &attachment, reterr);
}

/** tolerate_store() - A store that can't be used must not keep a container from being deleted: said, not failed */
static int tolerate_store(const struct error *err)
{
	if (err->code != ERROR_STORE)
		return REFUSED;
	log_line("%s", err->msg);
	return 0;
}

/**
 * verb_del() - DEL
 * @context:	Call
 * @reterr:	Code 11 when a lock is held for too long, 107 when the kernel refuses
 *
 * The interface goes before the lease, so that nobody is given an address that still leads here.
 *
 * Return: 0, REFUSED
 */
int verb_del(struct context *context, struct error *reterr)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	struct attachment attachment;
	struct error err = {0};
	int opened;

	(void)netconf_read_identity(context->root, "the network configuration", &context->netconf);
	attachment = context_attachment(context);
	opened = leases_open(context, STATE_UPDATE, &state, &err);
	if (opened == REFUSED && tolerate_store(&err)) {
		*reterr = err;
		return REFUSED;
	}
	if (remove_interface(context, reterr))
		return REFUSED;
	if (opened)
		return 0;
	if (leases_release(context, &state, &attachment, &err) && tolerate_store(&err)) {
		*reterr = err;
		return REFUSED;
	}
	return 0;
}
