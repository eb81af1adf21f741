/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of the nftables table. Pure: no descriptor, no system call. */

#include "plugin/snat/nfrule.h"

#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <stddef.h>

/** No register: a lookup that only tells whether */
#define NO_REGISTER UINT32_MAX

/** nf_rule_begin() - Begin a rule of @chain */
void nf_rule_begin(struct nf_rule *rule, const char *table, const char *chain)
{
	rule->first = false;
	rule->rule = nftnl_rule_alloc();
	rule->failed = !rule->rule || nftnl_rule_set_str(rule->rule, NFTNL_RULE_TABLE, table) < 0 ||
		       nftnl_rule_set_str(rule->rule, NFTNL_RULE_CHAIN, chain) < 0;
	if (rule->rule)
		nftnl_rule_set_u32(rule->rule, NFTNL_RULE_FAMILY, nf_family(table));
}

/** nf_rule_comment() - Write a comment to the rule, shorter than NFTNL_UDATA_COMMENT_MAXLEN */
void nf_rule_comment(struct nf_rule *rule, const char *text)
{
	struct nftnl_udata_buf *data = nftnl_udata_buf_alloc(NFTNL_UDATA_COMMENT_MAXLEN + 2);

	if (!data || !nftnl_udata_put_strz(data, NFTNL_UDATA_RULE_COMMENT, text) || rule->failed ||
	    nftnl_rule_set_data(rule->rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(data),
				nftnl_udata_buf_len(data)) < 0)
		rule->failed = true;
	if (data)
		nftnl_udata_buf_free(data);
}

/** nf_rule_add() - Put the rule at the end of its chain, or its beginning: 0, -ENOMEM */
int nf_rule_add(struct nf_rule *rule, struct batch *batch)
{
	char *room = nf_room(batch);
	uint16_t flags = rule->first ? NLM_F_CREATE : NLM_F_CREATE | NLM_F_APPEND;
	struct nlmsghdr *message;
	int r = -ENOMEM;

	if (room && !rule->failed) {
		message = nftnl_nlmsg_build_hdr(room, NFT_MSG_NEWRULE,
						(uint8_t)nftnl_rule_get_u32(rule->rule, NFTNL_RULE_FAMILY), flags, 0);
		nftnl_rule_nlmsg_build_payload(message, rule->rule);
		nf_append(batch, message);
		r = 0;
	}
	if (rule->rule)
		nftnl_rule_free(rule->rule);
	rule->rule = NULL;
	return r;
}

/** add() - Another expression at the end of a rule, NULL without memory */
static struct nftnl_expr *add(struct nf_rule *rule, const char *name)
{
	struct nftnl_expr *expression = rule->failed ? NULL : nftnl_expr_alloc(name);

	rule->failed = !expression;
	if (expression)
		nftnl_rule_add_expr(rule->rule, expression);
	return expression;
}

/** put_data() - Give an expression bytes that it copies */
static void put_data(struct nf_rule *rule, struct nftnl_expr *expression, uint16_t attribute, const void *data,
		     size_t size)
{
	if (expression && nftnl_expr_set(expression, attribute, data, (uint32_t)size) < 0)
		rule->failed = true;
}

/** load_meta() - Something about the packet into register 1 */
static void load_meta(struct nf_rule *rule, enum nft_meta_keys key)
{
	struct nftnl_expr *expression = add(rule, "meta");

	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

/** load_payload() - Bytes of the packet into a register */
static void load_payload(struct nf_rule *rule, enum nft_payload_bases base, size_t offset, size_t size, uint32_t target)
{
	struct nftnl_expr *expression = add(rule, "payload");

	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET, (uint32_t)offset);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_LEN, (uint32_t)size);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_DREG, target);
}

/** load_source() - The packet's source address into a register */
static void load_source(struct nf_rule *rule, enum family family, uint32_t target)
{
	if (family == FAMILY_IPV4)
		load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, offsetof(struct iphdr, saddr), 4, target);
	else
		load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, offsetof(struct ipv6hdr, saddr), 16, target);
}

/** load_destination() - The packet's destination address into register 1 */
static void load_destination(struct nf_rule *rule, enum family family)
{
	if (family == FAMILY_IPV4)
		load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, offsetof(struct iphdr, daddr), 4, NFT_REG_1);
	else
		load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, offsetof(struct ipv6hdr, daddr), 16, NFT_REG_1);
}

/** compare() - Go on only if register 1 is, or is not, what is given */
static void compare(struct nf_rule *rule, enum nft_cmp_ops operation, const void *data, size_t size)
{
	struct nftnl_expr *expression = add(rule, "cmp");

	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_OP, operation);
	put_data(rule, expression, NFTNL_EXPR_CMP_DATA, data, size);
}

/** bitwise() - Register 1 = (register 1 & @bytes) ^ @flip */
static void bitwise(struct nf_rule *rule, const void *bytes, const void *flip, size_t size)
{
	struct nftnl_expr *expression = add(rule, "bitwise");

	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_LEN, (uint32_t)size);
	put_data(rule, expression, NFTNL_EXPR_BITWISE_MASK, bytes, size);
	put_data(rule, expression, NFTNL_EXPR_BITWISE_XOR, flip, size);
}

/** load_ct() - Something about the packet's flow into a register; @direction -1: of no direction */
static void load_ct(struct nf_rule *rule, enum nft_ct_keys key, int direction, uint32_t target)
{
	struct nftnl_expr *expression = add(rule, "ct");

	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CT_DREG, target);
	if (direction >= 0)
		nftnl_expr_set_u8(expression, NFTNL_EXPR_CT_DIR, (uint8_t)direction);
}

/**
 * look_up_name() - Go on only if register 1 is in a set
 * @rule:	Rule
 * @set:	Its name
 * @id:		Its number within the batch, 0: none
 * @target:	Register for the value in a map, NO_REGISTER: it is no map
 *
 * Return: The expression; NULL without memory
 */
static struct nftnl_expr *look_up_name(struct nf_rule *rule, const char *set, uint32_t id, uint32_t target)
{
	struct nftnl_expr *expression = add(rule, "lookup");

	if (!expression)
		return NULL;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	if (target != NO_REGISTER)
		nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_DREG, target);
	if (id)
		nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SET_ID, id);
	if (nftnl_expr_set_str(expression, NFTNL_EXPR_LOOKUP_SET, set) < 0)
		rule->failed = true;
	return expression;
}

/** look_up() - look_up_name() of one of the table's sets */
static struct nftnl_expr *look_up(struct nf_rule *rule, enum nf_set set, uint64_t list, uint32_t target)
{
	char name[NF_NAME_MAX];

	return look_up_name(rule, nf_set_name(set, list, name), 0, target);
}

/** nf_match_family() - Packets of one family */
void nf_match_family(struct nf_rule *rule, enum family family)
{
	uint8_t protocol = family == FAMILY_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6;

	load_meta(rule, NFT_META_NFPROTO);
	compare(rule, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

/** nf_match_marks() - Packets of whose mark the bits of @mask are, or are not, exactly those of @value */
void nf_match_marks(struct nf_rule *rule, uint32_t mask, uint32_t value, bool equal)
{
	static const uint32_t none;

	load_meta(rule, NFT_META_MARK);
	bitwise(rule, &mask, &none, sizeof(mask));
	compare(rule, equal ? NFT_CMP_EQ : NFT_CMP_NEQ, &value, sizeof(value));
}

/** nf_match_mark() - Packets with exactly that mark: for the most frequent ones, a mask takes a third of what a rule costs */
void nf_match_mark(struct nf_rule *rule, uint32_t mark)
{
	load_meta(rule, NFT_META_MARK);
	compare(rule, NFT_CMP_EQ, &mark, sizeof(mark));
}

/** nf_match_other_marks() - Packets with none of those marks; as above */
void nf_match_other_marks(struct nf_rule *rule, const uint32_t *known, size_t n)
{
	load_meta(rule, NFT_META_MARK);
	for (size_t i = 0; i < n; i++)
		compare(rule, NFT_CMP_NEQ, &known[i], sizeof(known[i]));
}

/** nf_match_group() - Packets that came in through an interface of a group */
void nf_match_group(struct nf_rule *rule, uint32_t group)
{
	load_meta(rule, NFT_META_IIFGROUP);
	compare(rule, NFT_CMP_EQ, &group, sizeof(group));
}

/** nf_match_groups() - Packets that came in through an interface of one of several groups: the bits of @mask are @group's */
void nf_match_groups(struct nf_rule *rule, uint32_t mask, uint32_t group)
{
	static const uint32_t none;

	load_meta(rule, NFT_META_IIFGROUP);
	bitwise(rule, &mask, &none, sizeof(mask));
	compare(rule, NFT_CMP_EQ, &group, sizeof(group));
}

/** nf_match_leaving_group() - Packets that leave through an interface of a group */
void nf_match_leaving_group(struct nf_rule *rule, uint32_t group)
{
	load_meta(rule, NFT_META_OIFGROUP);
	compare(rule, NFT_CMP_EQ, &group, sizeof(group));
}

/** nf_match_other_kinds() - Packets that leave by an interface of a kind (`ip -d link`) that is none of those; a device has none */
void nf_match_other_kinds(struct nf_rule *rule, const char (*known)[IFNAMSIZ], size_t n)
{
	load_meta(rule, NFT_META_OIFKIND);
	for (size_t i = 0; i < n; i++)
		compare(rule, NFT_CMP_NEQ, known[i], sizeof(known[i]));
}

/** match_status() - Packets of a flow of whose status @bit is set, or is not */
static void match_status(struct nf_rule *rule, uint32_t bit, bool set)
{
	static const uint32_t none;

	load_ct(rule, NFT_CT_STATUS, -1, NFT_REG_1);
	bitwise(rule, &bit, &none, sizeof(bit));
	compare(rule, set ? NFT_CMP_NEQ : NFT_CMP_EQ, &none, sizeof(none));
}

/** nf_match_new_flow() - Packets of a flow whose first packet has not left yet; not those that are tracked as none */
void nf_match_new_flow(struct nf_rule *rule)
{
	match_status(rule, IPS_CONFIRMED, false);
}

/** nf_match_source_translated() - Packets of a flow that has another source outside, or has not; tracked ones only */
void nf_match_source_translated(struct nf_rule *rule, bool translated)
{
	match_status(rule, IPS_SRC_NAT, translated);
}

/**
 * nf_match_pair() - Packets that belong to a container and have, or will leave with, a source that is in a set with it
 * @rule:	Rule; the family has been matched
 * @family:	Family
 * @pair:	Where the two addresses are from
 * @set:	Set of pairs
 * @list:	Of a kind: digest of its list
 */
void nf_match_pair(struct nf_rule *rule, enum family family, enum nf_pair pair, enum nf_set set, uint64_t list)
{
	enum nft_ct_keys source = family == FAMILY_IPV4 ? NFT_CT_SRC_IP : NFT_CT_SRC_IP6;
	enum nft_ct_keys destination = family == FAMILY_IPV4 ? NFT_CT_DST_IP : NFT_CT_DST_IP6;
	/* Key parts stand side by side: registers of 4 bytes, or of 16. */
	uint32_t second = family == FAMILY_IPV4 ? NFT_REG32_01 : NFT_REG_2;
	bool opened = pair == NF_PAIR_OPENED || pair == NF_PAIR_OPENED_LEAVING;

	load_ct(rule, source, opened ? IP_CT_DIR_ORIGINAL : IP_CT_DIR_REPLY, NFT_REG_1);
	if (pair == NF_PAIR_OPENED)
		load_ct(rule, destination, IP_CT_DIR_REPLY, second);
	else if (pair == NF_PAIR_ANSWERED)
		load_ct(rule, destination, IP_CT_DIR_ORIGINAL, second);
	else
		load_source(rule, family, second);
	look_up(rule, set, list, NO_REGISTER);
}

/** nf_match_party_in() - Packets of a flow of which the one who opened it, or who answers, is in a set */
void nf_match_party_in(struct nf_rule *rule, enum family family, bool opener, enum nf_set set, uint64_t list)
{
	load_ct(rule, family == FAMILY_IPV4 ? NFT_CT_SRC_IP : NFT_CT_SRC_IP6,
		opener ? IP_CT_DIR_ORIGINAL : IP_CT_DIR_REPLY, NFT_REG_1);
	look_up(rule, set, list, NO_REGISTER);
}

/** nf_match_source_in() - Packets whose source address is in a set */
void nf_match_source_in(struct nf_rule *rule, enum family family, enum nf_set set, uint64_t list)
{
	load_source(rule, family, NFT_REG_1);
	look_up(rule, set, list, NO_REGISTER);
}

/** nf_match_source_not_in() - Packets whose source address is in no element of a set */
void nf_match_source_not_in(struct nf_rule *rule, enum family family, enum nf_set set, uint64_t list)
{
	struct nftnl_expr *expression;

	load_source(rule, family, NFT_REG_1);
	expression = look_up(rule, set, list, NO_REGISTER);
	if (expression)
		nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

/** nf_match_protocol() - Packets of a protocol, IPPROTO_*, behind whatever extension headers */
void nf_match_protocol(struct nf_rule *rule, uint8_t protocol)
{
	load_meta(rule, NFT_META_L4PROTO);
	compare(rule, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

/** nf_match_header() - Packets with an IPv6 extension header of a type, or an IPv4 option; the family has been matched */
void nf_match_header(struct nf_rule *rule, enum family family, uint8_t type)
{
	struct nftnl_expr *expression = add(rule, "exthdr");
	static const uint8_t present = 1;

	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_EXTHDR_DREG, NFT_REG_1);
	nftnl_expr_set_u8(expression, NFTNL_EXPR_EXTHDR_TYPE, type);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_EXTHDR_OFFSET, 0);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_EXTHDR_LEN, sizeof(present));
	nftnl_expr_set_u32(expression, NFTNL_EXPR_EXTHDR_FLAGS, NFT_EXTHDR_F_PRESENT);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_EXTHDR_OP,
			   family == FAMILY_IPV4 ? NFT_EXTHDR_OP_IPV4 : NFT_EXTHDR_OP_IPV6);
	compare(rule, NFT_CMP_EQ, &present, sizeof(present));
}

/** nf_match_destination_in() - Packets whose destination address is in an anonymous set of the same batch */
void nf_match_destination_in(struct nf_rule *rule, enum family family, uint32_t set_id)
{
	load_destination(rule, family);
	look_up_name(rule, "__set%d", set_id, NO_REGISTER);
}

/** nf_match_destination_known() - Packets whose destination address is in one of the table's sets; the family has been matched */
void nf_match_destination_known(struct nf_rule *rule, enum family family, enum nf_set set)
{
	load_destination(rule, family);
	look_up(rule, set, 0, NO_REGISTER);
}

/** nf_match_destination_within() - Packets whose destination address is in a prefix; the family has been matched */
void nf_match_destination_within(struct nf_rule *rule, const struct prefix *prefix)
{
	static const uint8_t none[16];
	uint8_t mask[16] = {0}, bytes[16];
	unsigned size = family_bytes(prefix->address.family);

	if (!prefix->length)
		return;
	for (unsigned bit = 0; bit < prefix->length; bit++)
		mask[bit / 8] = (uint8_t)(mask[bit / 8] | 0x80U >> bit % 8);
	address_to_bytes(&prefix->address, bytes);
	load_destination(rule, prefix->address.family);
	if (prefix->length < size * 8)
		bitwise(rule, mask, none, size);
	compare(rule, NFT_CMP_EQ, bytes, size);
}

/** nf_verdict() - Accept, drop, return, or jump to @chain (else NULL) */
void nf_verdict(struct nf_rule *rule, int verdict, const char *chain)
{
	struct nftnl_expr *expression = add(rule, "immediate");

	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	if (chain && nftnl_expr_set_str(expression, NFTNL_EXPR_IMM_CHAIN, chain) < 0)
		rule->failed = true;
}

/** nf_set_marks() - Of the packet's mark the bits of @mask become those of @value */
void nf_set_marks(struct nf_rule *rule, uint32_t mask, uint32_t value)
{
	uint32_t others = ~mask;
	struct nftnl_expr *expression;

	load_meta(rule, NFT_META_MARK);
	bitwise(rule, &others, &value, sizeof(others));
	expression = add(rule, "meta");
	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

/** nf_count() - Count the packet */
void nf_count(struct nf_rule *rule)
{
	(void)add(rule, "counter");
}

/** nf_translate_source() - The packet leaves with the source that its own has in a map; the family has been matched */
void nf_translate_source(struct nf_rule *rule, enum family family, enum nf_set map, uint64_t list)
{
	struct nftnl_expr *expression;

	load_source(rule, family, NFT_REG_1);
	look_up(rule, map, list, NFT_REG_1);
	expression = add(rule, "nat");
	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_TYPE, NFT_NAT_SNAT);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_FAMILY, family == FAMILY_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
}

/** nf_masquerade() - The packet leaves with an address of the interface that it leaves through */
void nf_masquerade(struct nf_rule *rule)
{
	(void)add(rule, "masq");
}

/** nf_offload() - The packet's flow is taken into a flowtable, when it is established */
void nf_offload(struct nf_rule *rule, const char *flowtable)
{
	struct nftnl_expr *expression = add(rule, "flow_offload");

	if (expression && nftnl_expr_set_str(expression, NFTNL_EXPR_FLOW_TABLE_NAME, flowtable) < 0)
		rule->failed = true;
}
