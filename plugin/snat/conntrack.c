/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forgetting flows: by the kernel's own filter, or one by one where it has none that is right. Owns nothing. */

#include "plugin/snat/conntrack.h"

#include <errno.h>
#include <string.h>

#include "plugin/network/sysctl.h"
#include "plugin/snat/ctmessage.h"
#include "rangeguard/limits.h"

_Static_assert(2 * LIMIT_RANGE_SETS <= BATCH_MESSAGES, "both directions of each address must fit into a batch");

/** Dumps at most, each of which finds up to BATCH_MESSAGES flows to delete */
#define ROUNDS 4096U

/**
 * struct flow_search - Flows of some addresses, as far as a batch takes them
 * @addresses:	Addresses
 * @n:		How many
 * @only:	NULL, or the one address that the kernel is asked to look for, in one direction
 * @direction:	Which
 * @deletions:	One message per flow
 */
struct flow_search {
	const struct address *addresses;
	size_t n;
	const struct address *only;
	enum ct_direction direction;
	struct batch deletions;
};

/** cannot() - Say why flows can't be forgotten: REFUSED */
static int cannot(int errnum, const char *text, struct error *reterr)
{
	(void)error_set_errno(reterr, ERROR_KERNEL, -errnum,
			      "cannot remove the connection tracking entries of a container");
	if (text && text[0])
		error_details(reterr, "%s", text);
	return REFUSED;
}

/** is_wanted() - Whether @address is one of those that are searched for */
static bool is_wanted(const struct flow_search *search, const struct address *address)
{
	for (size_t i = 0; i < search->n; i++)
		if (address_equal(&search->addresses[i], address))
			return true;
	return false;
}

/**
 * take_flow() - port_reply_fn: put the deletion of a flow that is wanted into the batch
 * @message:	Flow, NULL when the dump begins again
 * @userdata:	struct flow_search
 *
 * Return: 0, -ENOMEM, -EBADMSG
 */
static int take_flow(const struct nlmsghdr *message, void *userdata)
{
	struct flow_search *search = userdata;
	struct ct_flow flow;
	int r;

	if (!message) {
		batch_reset(&search->deletions);
		return 0;
	}
	r = ctmessage_read(message, &flow);
	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	if (!is_wanted(search, &flow.original_source) && !is_wanted(search, &flow.reply_source))
		return 0;
	/* What does not fit is found by the next dump. */
	return batch_has_room(&search->deletions) ? ctmessage_delete_flow(&search->deletions, message) : 0;
}

/**
 * send_deletions() - Delete flows; one that ended by now will do
 * @netfilter:	Port
 * @deletions:	Messages; those behind a refused one are carried out, too
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
static int send_deletions(struct port *netfilter, struct batch *deletions, struct error *reterr)
{
	struct port_failure failure = {0};
	int r = port_exchange(netfilter, deletions, NULL, NULL, &failure);

	if (r == PORT_E_REFUSED && failure.errnum != ENOENT)
		return cannot(failure.errnum, failure.text, reterr);
	return r < 0 ? cannot(-r, NULL, reterr) : 0;
}

/**
 * delete_found() - Find flows by a dump, and delete them
 * @netfilter:	Port
 * @search:	Search
 * @family:	Family
 * @reterr:	Error
 *
 * Return: 0, also when the batch could not take all; then it has no room. REFUSED
 */
static int delete_found(struct port *netfilter, struct flow_search *search, enum family family, struct error *reterr)
{
	struct port_failure failure = {0};
	struct batch dump;
	int r;

	batch_reset(&search->deletions);
	batch_reset(&dump);
	r = search->only ? ctmessage_dump_by_source(&dump, search->only, search->direction)
			 : ctmessage_dump(&dump, family);
	if (!r)
		r = port_exchange(netfilter, &dump, take_flow, search, &failure);
	if (r)
		return r < 0 ? cannot(-r, NULL, reterr) : cannot(failure.errnum, failure.text, reterr);
	return send_deletions(netfilter, &search->deletions, reterr);
}

/** has_family() - Whether one of @addresses is of @family */
static bool has_family(const struct address *addresses, size_t n, enum family family)
{
	for (size_t i = 0; i < n; i++)
		if (addresses[i].family == family)
			return true;
	return false;
}

/** forget_found() - Delete what dumps find, until one finds no more than fits: 0, REFUSED */
static int forget_found(struct port *netfilter, struct flow_search *search, enum family family, struct error *reterr)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		int r = delete_found(netfilter, search, family, reterr);

		/* A batch with room has all that there were: the kernel goes through its whole table for each dump. */
		if (r || batch_has_room(&search->deletions))
			return r;
	}
	return cannot(EBUSY, "new ones keep coming", reterr);
}

/** forget_family() - Forget flows of one family one by one: 0, REFUSED */
static int forget_family(struct port *netfilter, const struct address *addresses, size_t n, enum family family,
			 struct error *reterr)
{
	struct flow_search search = {.addresses = addresses, .n = n};

	return has_family(addresses, n, family) ? forget_found(netfilter, &search, family, reterr) : 0;
}

/**
 * forget_by_source() - Forget IPv4 flows one by one, where the kernel filters what it tells, though not what it deletes
 * @netfilter:	Port
 * @addresses:	Addresses, of which the IPv4 ones count
 * @n:		How many
 * @reterr:	Error
 *
 * So do Linux 5.8 to 6.1 at least: a host's other flows are passed over in the kernel, instead of being told.
 *
 * Return: 0, REFUSED
 */
static int forget_by_source(struct port *netfilter, const struct address *addresses, size_t n, struct error *reterr)
{
	static const enum ct_direction directions[] = {CT_ORIGINAL, CT_REPLY};
	int r = 0;

	for (size_t i = 0; i < 2 * n && !r; i++) {
		struct flow_search search = {
			.addresses = addresses, .n = n, .only = &addresses[i / 2], .direction = directions[i % 2]};

		if (search.only->family == FAMILY_IPV4)
			r = forget_found(netfilter, &search, FAMILY_IPV4, reterr);
	}
	return r;
}

/**
 * conntrack_forget_each() - Forget flows one by one
 * @netfilter:	Port
 * @addresses:	Addresses
 * @n:		How many
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
int conntrack_forget_each(struct port *netfilter, const struct address *addresses, size_t n, struct error *reterr)
{
	int r = forget_by_source(netfilter, addresses, n, reterr);

	return r ? r : forget_family(netfilter, addresses, n, FAMILY_IPV6, reterr);
}

/** add_filters() - Append the deletions of both directions of @address, unless it is IPv6: 0, -ENOMEM, -E2BIG */
static int add_filters(struct batch *batch, const struct address *address)
{
	int r;

	if (address->family == FAMILY_IPV6)
		return 0;
	r = ctmessage_delete_by_source(batch, address, CT_ORIGINAL);
	return r ? r : ctmessage_delete_by_source(batch, address, CT_REPLY);
}

/**
 * forget_filtered() - Have the kernel forget IPv4 flows by its own filter
 * @netfilter:	Port
 * @addresses:	Addresses, of which the IPv4 ones count
 * @n:		How many; two messages each must fit into a batch
 *
 * Return: 0, negative errno; -EINVAL or -EOPNOTSUPP before Linux 5.8
 */
static int forget_filtered(struct port *netfilter, const struct address *addresses, size_t n)
{
	struct port_failure failure = {0};
	struct batch batch;
	int r = 0;

	batch_reset(&batch);
	for (size_t i = 0; !r && i < n; i++)
		r = add_filters(&batch, &addresses[i]);
	if (!r)
		r = port_exchange(netfilter, &batch, NULL, NULL, &failure);
	return r == PORT_E_REFUSED ? -failure.errnum : r;
}

/**
 * conntrack_forget() - Forget the flows of addresses
 * @netfilter:	Port on NETLINK_NETFILTER, in the namespace in which the calling thread is, too
 * @addresses:	Addresses
 * @n:		How many, LIMIT_RANGE_SETS at most
 * @reterr:	Error
 *
 * Return: 0, also when nothing is tracked; REFUSED
 */
int conntrack_forget(struct port *netfilter, const struct address *addresses, size_t n, struct error *reterr)
{
	/* Absent without the kernel's module. Not readable for another reason: the kernel is asked in vain. */
	int r = sysctl_has_value("netfilter/nf_conntrack_count", "0");

	if (r == 1 || r == -ENOENT)
		return 0;
	r = forget_filtered(netfilter, addresses, n);
	if (r == -EINVAL || r == -EOPNOTSUPP)
		r = forget_by_source(netfilter, addresses, n, reterr);
	else if (r)
		r = cannot(-r, NULL, reterr);
	return r ? r : forget_family(netfilter, addresses, n, FAMILY_IPV6, reterr);
}
