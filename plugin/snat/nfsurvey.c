/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readers of whatever nftables has. Pure. */

#include "plugin/snat/nfsurvey.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "plugin/snat/nfmarks.h"
#include "plugin/snat/nfobject.h"
#include "rangeguard/array.h"

/** What of a set's flags says how it is used; others the kernel may add */
#define SET_FLAGS (NFT_SET_CONSTANT | NFT_SET_INTERVAL | NFT_SET_MAP | NFT_SET_TIMEOUT | NFT_SET_EVAL | NFT_SET_OBJECT)

/** nf_dump_objects() - Ask for all of a kind */
void nf_dump_objects(struct batch *batch, enum nf_object_kind kind)
{
	static const uint16_t types[] = {
		[NF_OBJECT_SET] = NFT_MSG_GETSET,
		[NF_OBJECT_CHAIN] = NFT_MSG_GETCHAIN,
		[NF_OBJECT_RULE] = NFT_MSG_GETRULE,
	};
	struct nlmsghdr *message;

	memset(batch->buffer, 0, BATCH_MESSAGE_MAX);
	message = nftnl_nlmsg_build_hdr((char *)batch->buffer, types[kind], NFPROTO_UNSPEC, NLM_F_DUMP, 0);
	batch->used = NLMSG_ALIGN(message->nlmsg_len);
	batch->count = 1;
}

/** struct text - A text in the making; what does not fit is cut */
struct text {
	char *at;
	size_t room;
};

/** append() - Go on with a text */
__attribute__((format(printf, 2, 3))) static void append(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text->at, text->room, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if ((size_t)length >= text->room)
		length = (int)text->room - 1;
	text->at += length;
	text->room -= (size_t)length;
}

/** append_register() - Which register: the first one of 16 bytes has two numbers, and the kernel tells the lower */
static void append_register(struct text *text, char kind, uint32_t number)
{
	bool is_long = number >= NFT_REG32_00 && (number - NFT_REG32_00) % 4 == 0;

	append(text, " %c%u", kind, is_long ? (number - NFT_REG32_00) / 4 + NFT_REG_1 : number);
}

/** copy_name() - Copy a name; NULL: "" */
static void copy_name(char to[static NF_OBJECT_NAME_MAX], const char *name)
{
	(void)snprintf(to, NF_OBJECT_NAME_MAX, "%.*s", (int)NF_OBJECT_NAME_MAX - 1, name ? name : "");
}

/** append_verdict() - Where an expression sends packets */
static void append_verdict(struct text *text, const struct nftnl_expr *expression, struct nf_object *object)
{
	if (!nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_VERDICT))
		return;
	append(text, " %d", (int)nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_VERDICT));
	if (!nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_CHAIN))
		return;
	copy_name(object->target, nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN));
	append(text, " %s", object->target);
}

/** append_bytes() - Bytes of an expression */
static void append_bytes(struct text *text, const struct nftnl_expr *expression, uint16_t attribute)
{
	uint32_t size = 0;
	const uint8_t *data = nftnl_expr_get(expression, attribute, &size);

	append(text, " ");
	for (uint32_t i = 0; data && i < size; i++)
		append(text, "%02x", data[i]);
}

/** append_comparison() - What an expression compares with */
static void append_comparison(struct text *text, const struct nftnl_expr *expression)
{
	append_register(text, 's', nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_SREG));
	append(text, " %u", nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_OP));
	append_bytes(text, expression, NFTNL_EXPR_CMP_DATA);
}

/** append_bits() - Which bits of a register an expression leaves, and which it flips */
static void append_bits(struct text *text, const struct nftnl_expr *expression)
{
	append_register(text, 's', nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_SREG));
	append_bytes(text, expression, NFTNL_EXPR_BITWISE_MASK);
	append_bytes(text, expression, NFTNL_EXPR_BITWISE_XOR);
}

/** append_set() - Where an expression looks up, with the rule's note of an anonymous set, which has another name each time */
static void append_set(struct text *text, const struct nftnl_expr *expression, struct nf_object *object)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_LOOKUP_SET);

	append(text, " %u", nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_FLAGS));
	append_register(text, 's', nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_SREG));
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_DREG))
		append_register(text, 'd', nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_DREG));
	if (name && strncmp(name, "__", 2) != 0) {
		append(text, " %s", name);
		return;
	}
	(void)snprintf(object->anonymous, sizeof(object->anonymous), "%s", name ? name : "");
	object->set_id = nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_SET_ID);
}

/** append_meta() - What of a packet, read or written */
static void append_meta(struct text *text, const struct nftnl_expr *expression)
{
	append(text, " %u", nftnl_expr_get_u32(expression, NFTNL_EXPR_META_KEY));
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_META_DREG))
		append_register(text, 'd', nftnl_expr_get_u32(expression, NFTNL_EXPR_META_DREG));
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_META_SREG))
		append_register(text, 's', nftnl_expr_get_u32(expression, NFTNL_EXPR_META_SREG));
}

/** append_flow() - What of a packet's flow */
static void append_flow(struct text *text, const struct nftnl_expr *expression)
{
	append(text, " %u", nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_KEY));
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_CT_DIR))
		append(text, " %u", nftnl_expr_get_u8(expression, NFTNL_EXPR_CT_DIR));
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_CT_DREG))
		append_register(text, 'd', nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_DREG));
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_CT_SREG))
		append_register(text, 's', nftnl_expr_get_u32(expression, NFTNL_EXPR_CT_SREG));
}

/** append_payload() - Which bytes of a packet, read or written */
static void append_payload(struct text *text, const struct nftnl_expr *expression)
{
	append(text, " %u %u %u", nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_BASE),
	       nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET),
	       nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_LEN));
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_PAYLOAD_DREG))
		append_register(text, 'd', nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_DREG));
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_PAYLOAD_SREG))
		append_register(text, 's', nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_SREG));
}

/** append_header() - Which extension header or option */
static void append_header(struct text *text, const struct nftnl_expr *expression)
{
	append(text, " %u %u 0x%x", nftnl_expr_get_u32(expression, NFTNL_EXPR_EXTHDR_OP),
	       nftnl_expr_get_u8(expression, NFTNL_EXPR_EXTHDR_TYPE),
	       nftnl_expr_get_u32(expression, NFTNL_EXPR_EXTHDR_FLAGS));
}

/** append_translation() - Which end of a flow gets the address in which register */
static void append_translation(struct text *text, const struct nftnl_expr *expression)
{
	append(text, " %u %u", nftnl_expr_get_u32(expression, NFTNL_EXPR_NAT_TYPE),
	       nftnl_expr_get_u32(expression, NFTNL_EXPR_NAT_FAMILY));
	append_register(text, 's', nftnl_expr_get_u32(expression, NFTNL_EXPR_NAT_REG_ADDR_MIN));
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_NAT_REG_PROTO_MIN))
		append(text, " ports");
}

/** is_destination() - Whether an expression reads a packet's destination address */
static bool is_destination(const struct nftnl_expr *expression)
{
	uint32_t offset = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET);
	uint32_t length = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_LEN);

	return nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_BASE) == NFT_PAYLOAD_NETWORK_HEADER &&
	       ((offset == offsetof(struct iphdr, daddr) && length == 4) ||
		(offset == offsetof(struct ipv6hdr, daddr) && length == 16));
}

/** struct rule_texts - A rule that is read; @current: where what it says goes now */
struct rule_texts {
	struct nf_object *object;
	struct text rest;
	struct text destinations;
	struct text *current;
};

/** choose() - Whether an expression is about destinations: one that reads them, and those that judge what was read */
static void choose(struct rule_texts *reading, const struct nftnl_expr *expression, const char *name)
{
	if (strcmp(name, "payload") == 0)
		reading->current = is_destination(expression) ? &reading->destinations : &reading->rest;
	else if (strcmp(name, "bitwise") != 0 && strcmp(name, "cmp") != 0 && strcmp(name, "lookup") != 0)
		reading->current = &reading->rest;
}

/** append_expression() - nftnl_expr_foreach() callback: what kernels of all versions answer as they were told */
static int append_expression(struct nftnl_expr *expression, void *userdata)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
	struct rule_texts *reading = userdata;
	struct text *text;

	choose(reading, expression, name);
	text = reading->current;
	append(text, " [%s", name);
	if (strcmp(name, "immediate") == 0)
		append_verdict(text, expression, reading->object);
	else if (strcmp(name, "cmp") == 0)
		append_comparison(text, expression);
	else if (strcmp(name, "bitwise") == 0)
		append_bits(text, expression);
	else if (strcmp(name, "lookup") == 0)
		append_set(text, expression, reading->object);
	else if (strcmp(name, "meta") == 0)
		append_meta(text, expression);
	else if (strcmp(name, "ct") == 0)
		append_flow(text, expression);
	else if (strcmp(name, "payload") == 0)
		append_payload(text, expression);
	else if (strcmp(name, "exthdr") == 0)
		append_header(text, expression);
	else if (strcmp(name, "nat") == 0)
		append_translation(text, expression);
	append(text, "]");
	return 0;
}

/** read_rule() - A rule: 0, -ENOMSG, -ENOMEM */
static int read_rule(const struct nlmsghdr *message, struct nf_object *object)
{
	struct nftnl_rule *rule NF_RULE_CLEANUP = nftnl_rule_alloc();
	struct rule_texts reading = {.object = object,
				     .rest = {object->text, sizeof(object->text)},
				     .destinations = {object->destinations, sizeof(object->destinations)}};

	reading.current = &reading.rest;
	errno = 0;
	if (!rule)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(message, rule) < 0)
		return errno == ENOMEM ? -ENOMEM : -ENOMSG;
	copy_name(object->table, nftnl_rule_get_str(rule, NFTNL_RULE_TABLE));
	copy_name(object->name, nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
	object->handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
	(void)nftnl_expr_foreach(rule, append_expression, &reading);
	object->marks = nf_marks_set_by(rule);
	return 0;
}

/** read_chain() - A chain: 0, -EBADMSG, -ENOMEM */
static int read_chain(const struct nlmsghdr *message, struct nf_object *object)
{
	struct nftnl_chain *chain NF_CHAIN_CLEANUP = nftnl_chain_alloc();
	struct text text = {object->text, sizeof(object->text)};
	const char *type;

	errno = 0;
	if (!chain)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(message, chain) < 0)
		return errno == ENOMEM ? -ENOMEM : -EBADMSG;
	copy_name(object->table, nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE));
	copy_name(object->name, nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
	object->handle = nftnl_chain_get_u64(chain, NFTNL_CHAIN_HANDLE);
	type = nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE);
	if (!type || !nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM))
		return 0;
	object->priority = nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO);
	object->translates =
		strcmp(type, "nat") == 0 && nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM) == NF_INET_POST_ROUTING;
	append(&text, "type %s hook %u priority %d", type, nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM),
	       object->priority);
	/* The kernel always tells the policy, whoever made a chain need not. */
	if (nftnl_chain_is_set(chain, NFTNL_CHAIN_POLICY) &&
	    nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) != NF_ACCEPT)
		append(&text, " policy drop");
	return 0;
}

/** read_set() - A set that has a name: 0, -ENOMSG, -EBADMSG, -ENOMEM */
static int read_set(const struct nlmsghdr *message, struct nf_object *object)
{
	struct nftnl_set *set NF_SET_CLEANUP = nftnl_set_alloc();
	struct text text = {object->text, sizeof(object->text)};

	errno = 0;
	if (!set)
		return -ENOMEM;
	if (nftnl_set_nlmsg_parse(message, set) < 0)
		return errno == ENOMEM ? -ENOMEM : -EBADMSG;
	if (nftnl_set_is_set(set, NFTNL_SET_FLAGS) && nftnl_set_get_u32(set, NFTNL_SET_FLAGS) & NFT_SET_ANONYMOUS)
		return -ENOMSG;
	copy_name(object->table, nftnl_set_get_str(set, NFTNL_SET_TABLE));
	copy_name(object->name, nftnl_set_get_str(set, NFTNL_SET_NAME));
	append(&text, "%u %u flags 0x%x", nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN),
	       nftnl_set_get_u32(set, NFTNL_SET_DATA_LEN), nftnl_set_get_u32(set, NFTNL_SET_FLAGS) & SET_FLAGS);
	return 0;
}

/**
 * nf_read_object() - What a message says of an object
 * @message:	Message
 * @ret_object:	Object
 *
 * Return: 0, -ENOMSG, -EBADMSG, -ENOMEM
 */
int nf_read_object(const struct nlmsghdr *message, struct nf_object *ret_object)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	struct nf_object object = {0};
	int r;

	if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || mnl_nlmsg_get_payload_len(message) < sizeof(*head))
		return -ENOMSG;
	object.family = head->nfgen_family;
	switch (message->nlmsg_type & 0xff) {
	case NFT_MSG_NEWSET:
		object.kind = NF_OBJECT_SET;
		r = read_set(message, &object);
		break;
	case NFT_MSG_NEWCHAIN:
		object.kind = NF_OBJECT_CHAIN;
		r = read_chain(message, &object);
		break;
	case NFT_MSG_NEWRULE:
		object.kind = NF_OBJECT_RULE;
		r = read_rule(message, &object);
		break;
	default:
		return -ENOMSG;
	}
	if (!r)
		*ret_object = object;
	return r;
}

/** nf_family_name() - A family as nft names it */
const char *nf_family_name(uint8_t family)
{
	/* Texts in the table, not pointers to them, which ld.so would have to write at each start. */
	static const char names[][8] = {
		[NFPROTO_INET] = "inet",     [NFPROTO_IPV4] = "ip",	  [NFPROTO_ARP] = "arp",
		[NFPROTO_NETDEV] = "netdev", [NFPROTO_BRIDGE] = "bridge", [NFPROTO_IPV6] = "ip6",
	};

	return family < ARRAY_LENGTH(names) && *names[family] ? names[family] : "?";
}
