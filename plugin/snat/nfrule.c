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
/** Bits of a connection's state as the ct expression has them (NF_CT_STATE_BIT() in the kernel) */
#define STATE_BIT(info) (1U << ((info) % IP_CT_IS_REPLY + 1))

/** nf_rule_begin() - Begin a rule of @chain */
void nf_rule_begin(struct nf_rule *rule, const char *chain)
{
	rule->rule = nftnl_rule_alloc();
	rule->failed = !rule->rule || nftnl_rule_set_str(rule->rule, NFTNL_RULE_TABLE, NF_TABLE) < 0 ||
		       nftnl_rule_set_str(rule->rule, NFTNL_RULE_CHAIN, chain) < 0;
	if (rule->rule)
		nftnl_rule_set_u32(rule->rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
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

/** nf_rule_add() - Put the rule at the end of its chain: 0, -ENOMEM */
int nf_rule_add(struct nf_rule *rule, struct datagram *datagram)
{
	char *room = nf_room(datagram);
	struct nlmsghdr *message;
	int r = -ENOMEM;

	if (room && !rule->failed) {
		message = nftnl_nlmsg_build_hdr(room, NFT_MSG_NEWRULE, NFPROTO_INET, NLM_F_CREATE | NLM_F_APPEND, 0);
		nftnl_rule_nlmsg_build_payload(message, rule->rule);
		nf_append(datagram, message);
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
static void load_payload(struct nf_rule *rule, enum nft_payload_bases base, size_t offset, size_t size,
			 enum nft_registers target)
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
static void load_source(struct nf_rule *rule, enum family family, enum nft_registers target)
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

/** mask() - Register 1 = register 1 & @bytes */
static void mask(struct nf_rule *rule, const void *bytes, size_t size)
{
	static const uint8_t zero[16];
	struct nftnl_expr *expression = add(rule, "bitwise");

	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_LEN, (uint32_t)size);
	put_data(rule, expression, NFTNL_EXPR_BITWISE_MASK, bytes, size);
	put_data(rule, expression, NFTNL_EXPR_BITWISE_XOR, zero, size);
}

/**
 * look_up_name() - Go on only if register 1 is in a set
 * @rule:	Rule
 * @set:	Its name
 * @id:		Its number within the batch, 0: none
 * @target:	Register for the value in a map, NO_REGISTER: it is no map
 */
static void look_up_name(struct nf_rule *rule, const char *set, uint32_t id, uint32_t target)
{
	struct nftnl_expr *expression = add(rule, "lookup");

	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	if (target != NO_REGISTER)
		nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_DREG, target);
	if (id)
		nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SET_ID, id);
	if (nftnl_expr_set_str(expression, NFTNL_EXPR_LOOKUP_SET, set) < 0)
		rule->failed = true;
}

/** look_up() - look_up_name() of one of the table's sets */
static void look_up(struct nf_rule *rule, enum nf_set set, uint64_t list, uint32_t target)
{
	char name[NF_NAME_MAX];

	look_up_name(rule, nf_set_name(set, list, name), 0, target);
}

/** nf_match_family() - Packets of one family */
void nf_match_family(struct nf_rule *rule, enum family family)
{
	uint8_t protocol = family == FAMILY_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6;

	load_meta(rule, NFT_META_NFPROTO);
	compare(rule, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

/** nf_match_protocol() - Packets of one transport protocol, whatever extension headers are before it */
void nf_match_protocol(struct nf_rule *rule, uint8_t protocol)
{
	load_meta(rule, NFT_META_L4PROTO);
	compare(rule, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

/** nf_match_icmp_type() - ICMP or ICMPv6 packets of one type; the protocol has been matched */
void nf_match_icmp_type(struct nf_rule *rule, uint8_t type)
{
	load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(type), NFT_REG_1);
	compare(rule, NFT_CMP_EQ, &type, sizeof(type));
}

/** nf_match_source() - Packets from a prefix; the family has been matched */
void nf_match_source(struct nf_rule *rule, const struct prefix *prefix)
{
	struct span span = prefix_span(prefix);
	struct address first = {.family = span.family, .value = span.first};
	struct address ones = {.family = span.family, .value = ~(span.last - span.first)};
	uint8_t bytes[ADDRESS_BYTES_MAX], mask_bytes[ADDRESS_BYTES_MAX];
	unsigned size = family_bytes(span.family);

	address_to_bytes(&first, bytes);
	address_to_bytes(&ones, mask_bytes);
	load_source(rule, span.family, NFT_REG_1);
	if (span.first != span.last)
		mask(rule, mask_bytes, size);
	compare(rule, NFT_CMP_EQ, bytes, size);
}

/** nf_match_mark() - Packets whose mark has a bit, or has not */
void nf_match_mark(struct nf_rule *rule, uint32_t bit, bool set)
{
	uint32_t zero = 0;

	load_meta(rule, NFT_META_MARK);
	mask(rule, &bit, sizeof(bit));
	compare(rule, set ? NFT_CMP_NEQ : NFT_CMP_EQ, &zero, sizeof(zero));
}

/** nf_match_known_flow() - Packets that connection tracking has a flow for, a new one included: NAT sees no other */
void nf_match_known_flow(struct nf_rule *rule)
{
	uint32_t states = STATE_BIT(IP_CT_NEW) | STATE_BIT(IP_CT_ESTABLISHED) | STATE_BIT(IP_CT_RELATED), zero = 0;
	struct nftnl_expr *expression = add(rule, "ct");

	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CT_KEY, NFT_CT_STATE);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	mask(rule, &states, sizeof(states));
	compare(rule, NFT_CMP_NEQ, &zero, sizeof(zero));
}

/** nf_match_interface() - Packets that came in through an interface in a set */
void nf_match_interface(struct nf_rule *rule, enum nf_set set)
{
	load_meta(rule, NFT_META_IIFNAME);
	look_up(rule, set, 0, NO_REGISTER);
}

/** nf_match_interface_and_source() - Packets whose interface and source address are in a set together */
void nf_match_interface_and_source(struct nf_rule *rule, enum family family, enum nf_set set)
{
	load_meta(rule, NFT_META_IIFNAME);
	load_source(rule, family, NFT_REG_2);
	look_up(rule, set, 0, NO_REGISTER);
}

/** nf_match_source_in() - Packets whose source address is in a set */
void nf_match_source_in(struct nf_rule *rule, enum family family, enum nf_set set, uint64_t list)
{
	load_source(rule, family, NFT_REG_1);
	look_up(rule, set, list, NO_REGISTER);
}

/** nf_match_destination_in() - Packets whose destination address is in an anonymous set of the same batch */
void nf_match_destination_in(struct nf_rule *rule, enum family family, uint32_t set_id)
{
	load_destination(rule, family);
	look_up_name(rule, "__set%d", set_id, NO_REGISTER);
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

/** nf_clear_mark() - Take a bit out of the packet's mark */
void nf_clear_mark(struct nf_rule *rule, uint32_t bit)
{
	uint32_t others = ~bit;
	struct nftnl_expr *expression;

	load_meta(rule, NFT_META_MARK);
	mask(rule, &others, sizeof(others));
	expression = add(rule, "meta");
	if (!expression)
		return;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_META_SREG, NFT_REG_1);
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
