/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forgetting flows: by the kernel's own filter, or by walks. Owns nothing. */

#include "plugin/snat/conntrack.h"

#include <errno.h>

#include "plugin/network/sysctl.h"
#include "plugin/snat/conntrack_walk.h"
#include "plugin/snat/ctmessage.h"

_Static_assert(2 * LIMIT_RANGE_SETS <= BATCH_MESSAGES, "both directions of each address must fit into a batch");

/** walk_all() - Make walks one after the other, those of IPv4 or not: 0, REFUSED */
static int walk_all(struct port *netfilter, const struct address *addresses, size_t n, bool ipv4, struct error *reterr)
{
	struct ct_walk walks[CT_WALKS_MAX];
	size_t n_walks = ct_walks_of(addresses, n, walks);
	int r = 0;

	for (size_t i = 0; i < n_walks && !r; i++)
		if (ipv4 || !walks[i].only)
			r = ct_walk(netfilter, &walks[i], reterr);
	return r;
}

/**
 * conntrack_forget_each() - Forget flows one by one
 * @netfilter:	Port
 * @addresses:	Addresses
 * @n:		How many
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int conntrack_forget_each(struct port *netfilter, const struct address *addresses, size_t n, struct error *reterr)
{
	return walk_all(netfilter, addresses, n, true, reterr);
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
 * Return: 0, negative errno; -EINVAL or -EOPNOTSUPP where the kernel can't: finding out costs one message, of which it
 *	looks at nothing but the shape, so that nobody has to remember it
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

/** forget_few() - On a host that does not track many: 0, REFUSED */
static int forget_few(struct port *netfilter, const struct address *addresses, size_t n, struct error *reterr)
{
	int r = forget_filtered(netfilter, addresses, n);

	if (r == -EINVAL || r == -EOPNOTSUPP)
		return walk_all(netfilter, addresses, n, true, reterr);
	return r ? ct_walk_failed(-r, NULL, reterr) : walk_all(netfilter, addresses, n, false, reterr);
}

/**
 * conntrack_forget() - Forget the flows of addresses
 * @netfilter:	Port on NETLINK_NETFILTER, in the namespace in which the calling thread is, too
 * @addresses:	Addresses
 * @n:		How many, LIMIT_RANGE_SETS at most
 * @reterr:	Code 107
 *
 * Return: 0, also when nothing is tracked; REFUSED
 */
int conntrack_forget(struct port *netfilter, const struct address *addresses, size_t n, struct error *reterr)
{
	struct conntrack_work *work;
	uint64_t count = 0;
	/* Absent without the kernel's module. Not readable for another reason: the kernel is asked in vain. */
	int r = sysctl_number("netfilter/nf_conntrack_count", &count);

	if (r == -ENOENT || (!r && !count))
		return 0;
	if (r || count < CONNTRACK_MANY)
		return forget_few(netfilter, addresses, n, reterr);
	work = conntrack_begin(addresses, n);
	return work ? conntrack_end(work, reterr) : walk_all(netfilter, addresses, n, true, reterr);
}
