/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DEL: the undo of ADD, in reverse, each step at ease with what is not there. It needs the network's name and the
 * attachment's, nothing else: the host end has a name that follows from them and says in its alias whose it is, so
 * namespace, store, prevResult and the rest of the configuration may be gone or changed. It never enters a
 * namespace, so a recycled CNI_NETNS does no harm.
 */

#include "plugin/host/adopt.h"
#include "plugin/host/discard.h"
#include "plugin/host/host_local.h"
#include "plugin/host/protection.h"
#include "plugin/network/attach.h"
#include "plugin/network/netns.h"
#include "plugin/report/log.h"
#include "plugin/verbs/chained.h"
#include "plugin/verbs/leases.h"
#include "plugin/verbs/verbs.h"

/**
 * is_anothers() - Whether what the store has of this attachment is another plugin's to delete
 * @context:	Call
 * @host:	Port
 * @ret_is:	Whether it is
 * @reterr:	Error
 *
 * So it is in the chained role: an earlier plugin of the list may have it through this program's IPAM, or it is this
 * program itself, in the interface role, which gets a DEL of its own. Unless a host end of ours is there and nothing
 * says that the configuration is meant for the chained role; then it has lost its ipam object since ADD.
 *
 * Return: 0, REFUSED
 */
static int is_anothers(const struct context *context, struct port *host, bool *ret_is, struct error *reterr)
{
	struct attachment attachment = context_attachment(context);
	struct link_info link;
	int r;

	*ret_is = context->netconf.role == ROLE_CHAINED;
	if (!*ret_is || json_object_get(context->root, "snat"))
		return 0;
	r = attach_find(host, &attachment, &link, reterr);
	*ret_is = r != 0;
	return r == REFUSED ? r : 0;
}

/** tolerate() - A store that can't be used must not keep a container from being deleted: said, not failed */
static int tolerate(const struct error *err, struct error *reterr)
{
	if (err->code == ERROR_STORE) {
		log_line("%s", err->msg);
		return 0;
	}
	*reterr = *err;
	return REFUSED;
}

/**
 * open_state() - Open the state and lock the attachment, before its interface is looked for
 * @context:	Call
 * @host:	Port
 * @ret_state:	State, released by state_done()
 * @reterr:	Error
 *
 * An interface without a state is one that the very first ADD has just made, or whose state was lost. Then the state
 * is made: without the lock, the interface would be taken from under that ADD, whose lease would stay.
 *
 * Return: 0, STATE_E_ABSENT (error not filled): nothing is there, REFUSED
 */
static int open_state(const struct context *context, struct port *host, struct state *ret_state, struct error *reterr)
{
	struct attachment attachment = context_attachment(context);
	struct link_info link;
	int r = leases_open(context, &attachment, STATE_UPDATE, ret_state, reterr);

	if (r != STATE_E_ABSENT)
		return r;
	r = attach_find(host, &attachment, &link, reterr);
	if (r == ATTACH_E_ABSENT || r == ATTACH_E_FOREIGN)
		return STATE_E_ABSENT;
	return r ? r : leases_open(context, &attachment, STATE_WRITE, ret_state, reterr);
}

/**
 * forget_adopted() - What is held for a container without anybody knowing that it is this one: by a file of host-local's
 * that was not taken over yet, or by its namespace, after the store was lost
 */
static void forget_adopted(const struct context *context, struct host *host, const struct attachment *attachment)
{
	NETNS_CLEANUP struct netns netns = NETNS_INIT;
	STATE_CLEANUP struct state state = STATE_INIT;
	struct attachment adopted;
	char text[ADOPT_TEXT_MAX];
	struct error ignored = {0};

	host_local_forget_all(host->adopt, attachment);
	if (!*context->request.netns || netns_open(context->request.netns, &netns) || netns_read_cookie(&netns) < 0 ||
	    state_open(context->netconf.data_dir, STATE_UPDATE, &state))
		return;
	adopted = adopt_attachment(netns.inode, netns.cookie, attachment->ifname, text);
	(void)lease_store_release(host, &state, &adopted, RELEASE_DEL, &ignored);
}

/** sweep_discards() - Where no store tells what there was of an attachment, none tells of its network's routes either */
static void sweep_discards(const struct context *context, struct host *host, bool unread)
{
	struct error err = {0};

	if (context->netconf.role == ROLE_INTERFACE && discard_sweep(host, unread, &err))
		log_line("routes that make free addresses unreachable may stay: %s", err.msg);
}

/** delete_attachment() - The interface, then the lease, so that nobody is given an address that still leads here */
static int delete_attachment(const struct context *context, struct host *host, struct error *reterr)
{
	struct attachment attachment = context_attachment(context);
	STATE_CLEANUP struct state state = STATE_INIT;
	REMOVAL_CLEANUP struct protection_removal removal = {0};
	struct attach_step away;
	struct error err = {0};
	int opened;

	if (context->netconf.role == ROLE_DELEGATE)
		forget_adopted(context, host, &attachment);
	opened = open_state(context, host->rtnetlink, &state, &err);
	if (opened == STATE_E_ABSENT) {
		sweep_discards(context, host, false);
		return 0;
	}
	if (opened == REFUSED && tolerate(&err, reterr))
		return REFUSED;
	if (protection_removal_begin(&removal, host, opened ? NULL : &state, &attachment, reterr))
		return REFUSED;
	away = protection_removal_step(&removal);
	if (attach_delete(host->rtnetlink, &attachment, &away, reterr) || protection_removal_finish(&removal, reterr))
		return REFUSED;
	if (!opened && lease_store_release(host, &state, &attachment, RELEASE_DEL, &err) && tolerate(&err, reterr))
		return REFUSED;
	if (removal.protection.unknown)
		sweep_discards(context, host, !removal.lost);
	return 0;
}

/**
 * verb_del() - DEL
 * @context:	Call
 * @reterr:	Code 11 when a lock is held for too long, 107 when the kernel refuses
 *
 * Return: 0, REFUSED
 */
int verb_del(struct context *context, struct error *reterr)
{
	HOST_CLEANUP struct host host = {0};
	struct error err = {0};
	bool anothers = false;

	(void)netconf_read_identity(context->root, "the network configuration", &context->netconf);
	if (context_open_host(context, &host, reterr))
		return REFUSED;
	if (context->netconf.role == ROLE_CHAINED && chained_del(context, &host, &err) && tolerate(&err, reterr))
		return REFUSED;
	if (is_anothers(context, host.rtnetlink, &anothers, reterr))
		return REFUSED;
	return anothers ? 0 : delete_attachment(context, &host, reterr);
}
