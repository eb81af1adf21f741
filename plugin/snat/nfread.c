/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about the nftables table that are dumps, and what answers say. Pure: no descriptor, no system call. */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "plugin/snat/nfobject.h"

/** nf_get_sets() - Ask for the table's sets, without what is in them */
int nf_get_sets(struct batch *batch)
{
	struct nftnl_set *set NF_SET_CLEANUP = nftnl_set_alloc();
	struct nlmsghdr *message;

	if (!set || nftnl_set_set_str(set, NFTNL_SET_TABLE, NF_TABLE) < 0)
		return -ENOMEM;
	memset(batch->buffer, 0, BATCH_MESSAGE_MAX);
	message = nftnl_nlmsg_build_hdr((char *)batch->buffer, NFT_MSG_GETSET, NFPROTO_INET, NLM_F_DUMP, 0);
	nftnl_set_nlmsg_build_payload(message, set);
	batch->used = NLMSG_ALIGN(message->nlmsg_len);
	batch->count = 1;
	return 0;
}

/** nf_dump_set() - Ask for all elements of a set of that name */
int nf_dump_set(struct batch *batch, const char *name)
{
	struct nftnl_set *set NF_SET_CLEANUP = nf_name_set(name);
	struct nlmsghdr *message;

	if (!set)
		return -ENOMEM;
	memset(batch->buffer, 0, BATCH_MESSAGE_MAX);
	message = nftnl_nlmsg_build_hdr((char *)batch->buffer, NFT_MSG_GETSETELEM, NFPROTO_INET, NLM_F_DUMP, 0);
	nftnl_set_elems_nlmsg_build_payload(message, set);
	batch->used = NLMSG_ALIGN(message->nlmsg_len);
	batch->count = 1;
	return 0;
}

/** nf_dump_elements() - Ask for all elements of a set */
int nf_dump_elements(struct batch *batch, enum nf_set which, uint64_t list)
{
	char name[NF_NAME_MAX];

	return nf_dump_set(batch, nf_set_name(which, list, name));
}

/** nf_get_rules() - Ask for the rules of a chain; NULL: of all chains of the table */
int nf_get_rules(struct batch *batch, const char *table, const char *chain)
{
	struct nftnl_rule *rule NF_RULE_CLEANUP = nftnl_rule_alloc();
	struct nlmsghdr *message;

	if (!rule || nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table) < 0 ||
	    (chain && nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain) < 0))
		return -ENOMEM;
	memset(batch->buffer, 0, BATCH_MESSAGE_MAX);
	message = nftnl_nlmsg_build_hdr((char *)batch->buffer, NFT_MSG_GETRULE, nf_family(table), NLM_F_DUMP, 0);
	nftnl_rule_nlmsg_build_payload(message, rule);
	batch->used = NLMSG_ALIGN(message->nlmsg_len);
	batch->count = 1;
	return 0;
}

/** unreadable() - Why libnftnl could not read a message: it says the same of one that is malformed and of a lack of memory */
static int unreadable(void)
{
	return errno == ENOMEM ? -ENOMEM : -EBADMSG;
}

/** is_about() - Whether a message is an nftables message of a type */
static bool is_about(const struct nlmsghdr *message, uint16_t type)
{
	return message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type);
}

/** nf_read_table() - Whether a table is one whose chains the kernel passes by ("flags dormant"): 0, -ENOMSG, -EBADMSG, -ENOMEM */
int nf_read_table(const struct nlmsghdr *message, bool *ret_dormant)
{
	struct nftnl_table *table NF_TABLE_CLEANUP = nftnl_table_alloc();

	if (!table)
		return -ENOMEM;
	if (!is_about(message, NFT_MSG_NEWTABLE))
		return -ENOMSG;
	errno = 0;
	if (nftnl_table_nlmsg_parse(message, table) < 0)
		return unreadable();
	*ret_dormant = nftnl_table_get_u32(table, NFTNL_TABLE_FLAGS) & NFT_TABLE_F_DORMANT;
	return 0;
}

/**
 * nf_read_chain() - What an answer says of a chain
 * @message:	Answer
 * @name:	Filled
 * @ret_use:	How many rules it has and how many rules and elements jump to it
 *
 * Return: 0, -ENOMSG, -EBADMSG, -ENOMEM
 */
int nf_read_chain(const struct nlmsghdr *message, char name[static NF_NAME_MAX], uint32_t *ret_use)
{
	struct nftnl_chain *chain NF_CHAIN_CLEANUP = nftnl_chain_alloc();

	if (!chain)
		return -ENOMEM;
	if (!is_about(message, NFT_MSG_NEWCHAIN))
		return -ENOMSG;
	errno = 0;
	if (nftnl_chain_nlmsg_parse(message, chain) < 0 || !nftnl_chain_is_set(chain, NFTNL_CHAIN_NAME))
		return unreadable();
	(void)snprintf(name, NF_NAME_MAX, "%s", nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
	*ret_use = nftnl_chain_get_u32(chain, NFTNL_CHAIN_USE);
	return 0;
}

/**
 * nf_read_hook() - What an answer says of where a chain hooks in, and what becomes of packets that come to its end
 * @message:	Answer that nf_read_chain() could read
 * @hook:	As it should be
 *
 * Return: 0; -ENOMSG when that is not it, -ENOMEM
 */
int nf_read_hook(const struct nlmsghdr *message, const struct nf_hook *hook)
{
	struct nftnl_chain *chain NF_CHAIN_CLEANUP = nftnl_chain_alloc();
	const char *type;

	if (!chain)
		return -ENOMEM;
	errno = 0;
	if (nftnl_chain_nlmsg_parse(message, chain) < 0)
		return unreadable();
	type = nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE);
	return type && strcmp(type, hook->type) == 0 &&
			       nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM) == hook->number &&
			       nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO) == hook->priority &&
			       nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) == NF_ACCEPT
		       ? 0
		       : -ENOMSG;
}

/** read_list() - Read the digest that the name of a list's set ends with: 16 lower-case digits; whether these are it */
static bool read_list(const char *text, uint64_t *ret_list)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t list = 0;

	if (strlen(text) != 16)
		return false;
	for (; *text; text++) {
		const char *digit = strchr(digits, *text);

		if (!digit)
			return false;
		list = list << 4 | (uint64_t)(digit - digits);
	}
	*ret_list = list;
	return true;
}

/**
 * nf_set_of_name() - The set of a name
 * @name:	Name; NULL: none
 * @ret_list:	Digest of its list of destinations, of a kind
 *
 * Return: the set, NF_N_SETS when it is none of the table's
 */
enum nf_set nf_set_of_name(const char *name, uint64_t *ret_list)
{
	for (unsigned set = 0; name && set < NF_N_SETS; set++) {
		const char *known = nf_shapes[set].name;
		size_t length = strlen(known);
		bool is_kind = set >= NF_FIRST_KIND;

		if (strncmp(known, name, length) == 0 && (is_kind ? read_list(name + length, ret_list) : !name[length]))
			return (enum nf_set)set;
	}
	return NF_N_SETS;
}

/** nf_read_set() - Which set an answer is about: 0, -ENOMSG for one that is none of ours, -EBADMSG, -ENOMEM */
int nf_read_set(const struct nlmsghdr *message, enum nf_set *ret_set, uint64_t *ret_list)
{
	struct nftnl_set *set NF_SET_CLEANUP = nftnl_set_alloc();

	if (!set)
		return -ENOMEM;
	if (!is_about(message, NFT_MSG_NEWSET))
		return -ENOMSG;
	errno = 0;
	if (nftnl_set_nlmsg_parse(message, set) < 0)
		return unreadable();
	*ret_set = nf_set_of_name(nftnl_set_get_str(set, NFTNL_SET_NAME), ret_list);
	return *ret_set == NF_N_SETS ? -ENOMSG : 0;
}

/** take_comment() - nftnl_udata_parse() callback: keep a rule's comment */
static int take_comment(const struct nftnl_udata *data, void *userdata)
{
	if (nftnl_udata_type(data) == NFTNL_UDATA_RULE_COMMENT)
		(void)snprintf(userdata, NF_NAME_MAX, "%.*s", nftnl_udata_len(data),
			       (const char *)nftnl_udata_get(data));
	return 0;
}

/**
 * nf_read_rule() - What an answer says of a rule
 * @message:	Answer
 * @ret_handle:	By which it is deleted
 * @comment:	Filled; "" when it has none
 *
 * Return: 0, -ENOMSG, -EBADMSG, -ENOMEM
 */
int nf_read_rule(const struct nlmsghdr *message, uint64_t *ret_handle, char comment[static NF_NAME_MAX])
{
	struct nftnl_rule *rule NF_RULE_CLEANUP = nftnl_rule_alloc();
	const void *data;
	uint32_t size = 0;

	if (!rule)
		return -ENOMEM;
	if (!is_about(message, NFT_MSG_NEWRULE))
		return -ENOMSG;
	errno = 0;
	if (nftnl_rule_nlmsg_parse(message, rule) < 0)
		return unreadable();
	*ret_handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
	comment[0] = '\0';
	data = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &size);
	if (data)
		(void)nftnl_udata_parse(data, size, take_comment, comment);
	return 0;
}

/** read_element() - An element as libnftnl has it: 0, -EBADMSG */
static int read_element(struct nftnl_set_elem *object, struct nf_element *element)
{
	const struct nf_shape *shape = &nf_shapes[element->set];
	uint32_t key_size = 0, data_size = 0;
	const void *key = nftnl_set_elem_get(object, NFTNL_SET_ELEM_KEY, &key_size);
	const void *data = NULL;

	if (nftnl_set_elem_is_set(object, NFTNL_SET_ELEM_DATA))
		data = nftnl_set_elem_get(object, NFTNL_SET_ELEM_DATA, &data_size);
	if (!key || key_size != shape->key_bytes || (shape->data_type && (!data || data_size != shape->data_bytes)))
		return -EBADMSG;
	memcpy(element->key, key, key_size);
	if (shape->data_type)
		memcpy(element->source, data, data_size);
	return 0;
}

/**
 * nf_read_elements() - The elements in an answer
 * @message:	Answer
 * @each:	Called for each; a value other than 0 ends the walk
 * @userdata:	For it
 *
 * Return: 0, what @each returned, -ENOMSG, -EBADMSG, -ENOMEM
 */
int nf_read_elements(const struct nlmsghdr *message, int (*each)(void *userdata, const struct nf_element *element),
		     void *userdata)
{
	struct nftnl_set *set NF_SET_CLEANUP = nftnl_set_alloc();
	struct nftnl_set_elems_iter *iterator;
	struct nf_element element = {0};
	struct nftnl_set_elem *object;
	int r = 0;

	if (!set)
		return -ENOMEM;
	if (!is_about(message, NFT_MSG_NEWSETELEM))
		return -ENOMSG;
	errno = 0;
	if (nftnl_set_elems_nlmsg_parse(message, set) < 0)
		return unreadable();
	element.set = nf_set_of_name(nftnl_set_get_str(set, NFTNL_SET_NAME), &element.list);
	if (element.set == NF_N_SETS)
		return -ENOMSG;
	iterator = nftnl_set_elems_iter_create(set);
	if (!iterator)
		return -ENOMEM;
	while (!r && (object = nftnl_set_elems_iter_next(iterator))) {
		r = read_element(object, &element);
		if (!r)
			r = each(userdata, &element);
	}
	nftnl_set_elems_iter_destroy(iterator);
	return r;
}

/** take_counter() - nftnl_expr_foreach() callback: add the packets of a counter to the number @userdata */
static int take_counter(struct nftnl_expr *expression, void *userdata)
{
	if (strcmp(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), "counter") == 0)
		*(uint64_t *)userdata += nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_PACKETS);
	return 0;
}

/**
 * nf_read_packets() - What a rule has counted
 * @message:	Answer to nf_get_rules()
 * @packets:	Packets are added
 *
 * Return: 0, -ENOMSG, -EBADMSG, -ENOMEM
 */
int nf_read_packets(const struct nlmsghdr *message, uint64_t *packets)
{
	struct nftnl_rule *rule NF_RULE_CLEANUP = nftnl_rule_alloc();

	if (!rule)
		return -ENOMEM;
	if (!is_about(message, NFT_MSG_NEWRULE))
		return -ENOMSG;
	if (nftnl_rule_nlmsg_parse(message, rule) < 0)
		return -EBADMSG;
	(void)nftnl_expr_foreach(rule, take_counter, packets);
	return 0;
}
