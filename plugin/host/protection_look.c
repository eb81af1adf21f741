/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What protects a container, looked at alone: nothing is put back. The nftables table is not, which audit looks at as a whole. */

#include "plugin/host/guarding.h"
#include "plugin/host/lease_store.h"
#include "plugin/host/protection_internal.h"
#include "plugin/network/link.h"

/** find() - What a lease says: 0, IPAM_E_NOT_FOUND also when it can't be read, REFUSED */
static int find(struct host *host, const struct attachment *attachment, struct protection *ret_protection,
		struct error *reterr)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	int r = state_open(host->data_dir, STATE_READ, &state);

	if (!r)
		r = lease_store_open(host->data_dir, &state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (!r)
		r = protection_find(store, attachment, NULL, ret_protection);
	if (r == STATE_E_ABSENT || r == IPAM_E_DAMAGED)
		return IPAM_E_NOT_FOUND;
	return r && r != IPAM_E_NOT_FOUND && r != REFUSED ? lease_store_error(host->data_dir, r, reterr) : r;
}

/**
 * protection_look() - Whether the classifier guards a container as its lease says
 * @host:	Host, its port on rtnetlink open; the calling thread is in its namespace
 * @attachment:	Whose
 * @reterr:	Codes 11, 106, 107
 *
 * A container whose lease or interface is gone is nobody's to guard.
 *
 * Return: 0, GUARDING_E_MISSING, REFUSED
 */
int protection_look(struct host *host, const struct attachment *attachment, struct error *reterr)
{
	PROTECTION_CLEANUP struct protection protection = {0};
	struct link_answer answer = {.found = false};
	int r = find(host, attachment, &protection, reterr);

	if (r)
		return r == IPAM_E_NOT_FOUND ? 0 : r;
	if (!guarding_wanted(&protection) || !*protection.member.interface)
		return 0;
	if (link_find(host->rtnetlink, protection.member.interface, &answer, reterr))
		return REFUSED;
	return answer.found ? guarding_look_only(host, answer.link.index, &protection, reterr) : 0;
}
