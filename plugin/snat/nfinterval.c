/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Anonymous sets of addresses. Pure: no descriptor, no system call. */

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <xxhash.h>

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

/** struct bound - An element of an anonymous set */
struct bound {
	const struct nlattr *value;
	bool is_end;
};

/** take_value() - mnl_attr_parse_nested() callback: what is in a key; userdata is a struct bound */
static int take_value(const struct nlattr *attribute, void *userdata)
{
	if (mnl_attr_get_type(attribute) == NFTA_DATA_VALUE)
		((struct bound *)userdata)->value = attribute;
	return MNL_CB_OK;
}

/** take_bound() - mnl_attr_parse_nested() callback: what is in an element; userdata is a struct bound */
static int take_bound(const struct nlattr *attribute, void *userdata)
{
	struct bound *bound = userdata;

	if (mnl_attr_get_type(attribute) == NFTA_SET_ELEM_KEY)
		return mnl_attr_parse_nested(attribute, take_value, bound);
	if (mnl_attr_get_type(attribute) == NFTA_SET_ELEM_FLAGS && mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
		bound->is_end = ntohl(mnl_attr_get_u32(attribute)) & NFT_SET_ELEM_INTERVAL_END;
	return MNL_CB_OK;
}

/** add_to_digest() - mnl_attr_parse_nested() callback: one element, whatever its number; userdata is the digest */
static int add_to_digest(const struct nlattr *attribute, void *userdata)
{
	struct bound bound = {.value = NULL};
	int r = mnl_attr_parse_nested(attribute, take_bound, &bound);

	if (bound.value)
		*(uint64_t *)userdata +=
			XXH64(mnl_attr_get_payload(bound.value), mnl_attr_get_payload_len(bound.value), bound.is_end);
	return r;
}

/** struct bounds - What a message says: @name "": nothing of a set */
struct bounds {
	const char *name;
	uint32_t set_id;
	uint64_t digest;
};

/** take_bounds() - mnl_attr_parse() callback: userdata is a struct bounds */
static int take_bounds(const struct nlattr *attribute, void *userdata)
{
	struct bounds *bounds = userdata;

	switch (mnl_attr_get_type(attribute)) {
	case NFTA_SET_ELEM_LIST_SET:
		if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
			bounds->name = mnl_attr_get_str(attribute);
		break;
	case NFTA_SET_ELEM_LIST_SET_ID:
		if (mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
			bounds->set_id = ntohl(mnl_attr_get_u32(attribute));
		break;
	case NFTA_SET_ELEM_LIST_ELEMENTS:
		return mnl_attr_parse_nested(attribute, add_to_digest, &bounds->digest);
	default:
		break;
	}
	return MNL_CB_OK;
}

/**
 * nf_read_bounds() - Add the bounds of intervals in a message about an anonymous set to a digest, in which their order does not matter
 * @message:	From the kernel, or to it: libnftnl, which numbers elements as the kernel does not, reads no message of its own
 * @ret_set_id:	The set's number within the batch; 0: none
 * @digest:	Bounds are added
 *
 * Return: 0, -ENOMSG when it is about something else
 */
int nf_read_bounds(const struct nlmsghdr *message, uint32_t *ret_set_id, uint64_t *digest)
{
	struct bounds bounds = {.name = ""};

	if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM) ||
	    mnl_attr_parse(message, sizeof(struct nfgenmsg), take_bounds, &bounds) < 0 ||
	    strncmp(bounds.name, "__", 2) != 0)
		return -ENOMSG;
	*ret_set_id = bounds.set_id;
	*digest += bounds.digest;
	return 0;
}
