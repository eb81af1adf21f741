/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Anonymous sets of addresses. Pure: no descriptor, no system call. */

#include <errno.h>
#include <linux/netfilter/nf_tables.h>

#include "plugin/snat/nfobject.h"

/** add_one() - Add 1 to a number in network order; false when it was the highest */
static bool add_one(uint8_t *bytes, unsigned n)
{
	while (n-- > 0)
		if (++bytes[n])
			return true;
	return false;
}

/** add_bound() - Add a bound of an interval to a set: the first address, or the one behind the last */
static int add_bound(struct nftnl_set *set, const uint8_t *key, unsigned bytes, uint32_t flags)
{
	struct nftnl_set_elem *object = nftnl_set_elem_alloc();

	if (!object)
		return -ENOMEM;
	nftnl_set_elem_add(set, object);
	if (flags)
		nftnl_set_elem_set_u32(object, NFTNL_SET_ELEM_FLAGS, flags);
	return nftnl_set_elem_set(object, NFTNL_SET_ELEM_KEY, key, bytes) < 0 ? -ENOMEM : 0;
}

/** intervals_message() - One message with intervals of an anonymous set */
static int intervals_message(struct batch *batch, uint32_t id, unsigned bytes, const struct nf_interval *intervals,
			     size_t n)
{
	struct nftnl_set *set NF_SET_CLEANUP = nf_name_set("__set%d");
	struct nlmsghdr *message = nf_header(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	int r = 0;

	if (!set || !message)
		return -ENOMEM;
	nftnl_set_set_u32(set, NFTNL_SET_ID, id);
	for (size_t i = 0; i < n && !r; i++) {
		struct nf_interval interval = intervals[i];

		r = add_bound(set, interval.first, bytes, 0);
		if (!r && add_one(interval.last, bytes))
			r = add_bound(set, interval.last, bytes, NFT_SET_ELEM_INTERVAL_END);
	}
	if (r)
		return r;
	nftnl_set_elems_nlmsg_build_payload(message, set);
	nf_append(batch, message);
	return 0;
}

/**
 * nf_add_intervals() - An anonymous set of addresses, which lives as long as the rule that looks into it
 * @batch:	Batch
 * @id:		By which that rule names it
 * @bytes:	Bytes of an address
 * @intervals:	Sorted, with a gap between any two
 * @n:		How many
 *
 * The kernel keeps it as a tree, which is not changed any more; so what it costs to change one does not matter.
 */
int nf_add_intervals(struct batch *batch, uint32_t id, unsigned bytes, const struct nf_interval *intervals, size_t n)
{
	struct nftnl_set *set NF_SET_CLEANUP = nf_name_set("__set%d");
	struct nlmsghdr *message = nf_header(batch, NFT_MSG_NEWSET, NLM_F_CREATE);
	int r = 0;

	if (!set || !message)
		return -ENOMEM;
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_INTERVAL);
	nftnl_set_set_u32(set, NFTNL_SET_ID, id);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, bytes == 4 ? NF_TYPE_IPV4 : NF_TYPE_IPV6);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, bytes);
	nftnl_set_nlmsg_build_payload(message, set);
	nf_append(batch, message);
	for (size_t i = 0; i < n && !r; i += NF_ELEMENTS_PER_MESSAGE / 2) {
		size_t part = n - i < NF_ELEMENTS_PER_MESSAGE / 2 ? n - i : NF_ELEMENTS_PER_MESSAGE / 2;

		r = intervals_message(batch, id, bytes, &intervals[i], part);
	}
	return r;
}
