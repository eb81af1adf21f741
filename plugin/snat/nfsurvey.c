/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readers of whatever nftables has. Pure. */

#include "plugin/snat/nfsurvey.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdarg.h>
#include <string.h>

#include "plugin/snat/nfmarks.h"
#include "plugin/snat/nfobject.h"
#include "rangeguard/array.h"

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

/** append_verdict() - Where an expression sends packets */
static void append_verdict(struct text *text, const struct nftnl_expr *expression)
{
	if (!nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_VERDICT))
		return;
	append(text, " %d", (int)nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_VERDICT));
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_CHAIN))
		append(text, " %s", nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN));
}

/** append_data() - Bytes that an expression compares with */
static void append_data(struct text *text, const struct nftnl_expr *expression)
{
	uint32_t size = 0;
	const uint8_t *data = nftnl_expr_get(expression, NFTNL_EXPR_CMP_DATA, &size);

	append(text, " %u ", nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_OP));
	for (uint32_t i = 0; data && i < size; i++)
		append(text, "%02x", data[i]);
}

/** append_set() - Where an expression looks up; an anonymous set has another name each time */
static void append_set(struct text *text, const struct nftnl_expr *expression)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_LOOKUP_SET);

	if (name && strncmp(name, "__", 2) != 0)
		append(text, " %s", name);
}

/** append_expression() - nftnl_expr_foreach() callback: what kernels of all versions answer as they were told */
static int append_expression(struct nftnl_expr *expression, void *userdata)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
	struct text *text = userdata;

	append(text, " [%s", name);
	if (strcmp(name, "immediate") == 0)
		append_verdict(text, expression);
	else if (strcmp(name, "cmp") == 0)
		append_data(text, expression);
	else if (strcmp(name, "lookup") == 0)
		append_set(text, expression);
	else if (strcmp(name, "meta") == 0)
		append(text, " %u", nftnl_expr_get_u32(expression, NFTNL_EXPR_META_KEY));
	append(text, "]");
	return 0;
}

/** copy_name() - Copy a name; NULL: "" */
static void copy_name(char to[static NF_OBJECT_NAME_MAX], const char *name)
{
	(void)snprintf(to, NF_OBJECT_NAME_MAX, "%.*s", (int)NF_OBJECT_NAME_MAX - 1, name ? name : "");
}

/** read_rule() - A rule: 0, -ENOMSG, -ENOMEM */
static int read_rule(const struct nlmsghdr *message, struct nf_object *object)
{
	struct nftnl_rule *rule NF_RULE_CLEANUP = nftnl_rule_alloc();
	struct text text = {object->text, sizeof(object->text)};

	errno = 0;
	if (!rule)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(message, rule) < 0)
		return errno == ENOMEM ? -ENOMEM : -ENOMSG;
	copy_name(object->table, nftnl_rule_get_str(rule, NFTNL_RULE_TABLE));
	copy_name(object->name, nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
	object->handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
	(void)nftnl_expr_foreach(rule, append_expression, &text);
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

	errno = 0;
	if (!set)
		return -ENOMEM;
	if (nftnl_set_nlmsg_parse(message, set) < 0)
		return errno == ENOMEM ? -ENOMEM : -EBADMSG;
	if (nftnl_set_is_set(set, NFTNL_SET_FLAGS) && nftnl_set_get_u32(set, NFTNL_SET_FLAGS) & NFT_SET_ANONYMOUS)
		return -ENOMSG;
	copy_name(object->table, nftnl_set_get_str(set, NFTNL_SET_TABLE));
	copy_name(object->name, nftnl_set_get_str(set, NFTNL_SET_NAME));
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
