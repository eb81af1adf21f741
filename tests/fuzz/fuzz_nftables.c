/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nftables may answer: the input becomes a set with elements, a chain, or a rule's user data, of any names and sizes,
 * and libnftnl makes a message of it, since what takes messages apart is libnftnl, too, which trusts the kernel to keep to
 * its own rules. Names end, sets are ours, and elements that were read are read as the same from a message that adds them.
 */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/snat/nfsurvey.h"

/* The longest value that a set's key or data can have is 64 bytes (NFT_DATA_VALUE_MAXLEN). */
enum { NAME_MAX_BYTES = 64, VALUE_MAX = 64, USERDATA_MAX = 128, ELEMENTS_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** struct input - What is left of the input */
struct input {
	const uint8_t *data;
	size_t size;
};

static union {
	struct nlmsghdr head;
	char bytes[16384];
} message;

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** take() - Up to @most bytes, of which a byte before them tells how many; how many they are */
static uint32_t take(struct input *input, size_t most, uint8_t *ret_bytes)
{
	size_t n = input->size ? input->data[0] % (most + 1) : 0;

	if (input->size)
		*input = (struct input){input->data + 1, input->size - 1};
	n = n < input->size ? n : input->size;
	memcpy(ret_bytes, input->data, n);
	*input = (struct input){input->data + n, input->size - n};
	return (uint32_t)n;
}

/** take_name() - A name: one that the table has when the first byte is small */
static const char *take_name(struct input *input)
{
	static char name[NAME_MAX_BYTES + 1];
	uint32_t n;

	if (input->size && input->data[0] < NF_N_SETS) {
		(void)nf_set_name((enum nf_set)input->data[0], 0x0123456789abcdefU, name);
		*input = (struct input){input->data + 1, input->size - 1};
		return name;
	}
	n = take(input, NAME_MAX_BYTES, (uint8_t *)name);
	name[n] = '\0';
	return name;
}

/** same_element() - Callback of nf_read_elements(): the one that was written */
static int same_element(void *userdata, const struct nf_element *element)
{
	const struct nf_element *written = userdata;

	require(element->set == written->set && element->list == written->list);
	require(!memcmp(element->key, written->key, sizeof(element->key)));
	return 1;
}

/** write_again() - Callback of nf_read_elements(): decode(encode(x)) == x */
static int write_again(void *userdata, const struct nf_element *element)
{
	BATCH_CLEANUP struct batch batch = {0};
	struct nf_element copy = *element;

	(void)userdata;
	require(element->set < NF_N_SETS);
	require(nf_add_elements(&batch, &copy, 1) == 0);
	require(nf_read_elements((const void *)batch_data(&batch), same_element, &copy) == 1);
	return 0;
}

/** read_all() - The message to each reader */
static void read_all(void)
{
	char name[NF_NAME_MAX];
	struct nf_object object;
	uint64_t list, handle;
	enum nf_set set;
	uint32_t use;
	int r;

	r = nf_read_chain(&message.head, name, &use);
	require(r == -ENOMSG || r == -EBADMSG || (r == 0 && strnlen(name, sizeof(name)) < sizeof(name)));
	r = nf_read_set(&message.head, &set, &list);
	require(r == -ENOMSG || r == -EBADMSG || (r == 0 && set < NF_N_SETS));
	r = nf_read_rule(&message.head, &handle, name);
	require(r == -ENOMSG || r == -EBADMSG || (r == 0 && strnlen(name, sizeof(name)) < sizeof(name)));
	r = nf_read_elements(&message.head, write_again, NULL);
	require(r == 0 || r == -ENOMSG || r == -EBADMSG);
	r = nf_read_object(&message.head, &object);
	require(r == -ENOMSG || r == -EBADMSG ||
		(r == 0 && strnlen(object.name, sizeof(object.name)) < sizeof(object.name) &&
		 strnlen(object.text, sizeof(object.text)) < sizeof(object.text)));
}

/** add_element() - One element of any sizes */
static void add_element(struct input *input, struct nftnl_set *set)
{
	struct nftnl_set_elem *element = nftnl_set_elem_alloc();
	uint8_t bytes[VALUE_MAX];
	uint32_t n;

	require(element != NULL);
	n = take(input, sizeof(bytes), bytes);
	if (n)
		require(nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, bytes, n) == 0);
	n = take(input, sizeof(bytes), bytes);
	if (n)
		require(nftnl_set_elem_set(element, NFTNL_SET_ELEM_DATA, bytes, n) == 0);
	nftnl_set_elem_add(set, element);
}

/** set_message() - A set, or its elements */
static void set_message(struct input *input, bool elements)
{
	struct nftnl_set *set = nftnl_set_alloc();
	unsigned type = elements ? NFT_MSG_NEWSETELEM : NFT_MSG_NEWSET;
	struct nlmsghdr *head = nftnl_nlmsg_build_hdr(message.bytes, (uint16_t)type, NFPROTO_INET, 0, 0);

	require(set && nftnl_set_set_str(set, NFTNL_SET_NAME, take_name(input)) == 0);
	for (unsigned i = 0; elements && i < ELEMENTS_MAX && input->size; i++)
		add_element(input, set);
	if (elements)
		nftnl_set_elems_nlmsg_build_payload(head, set);
	else
		nftnl_set_nlmsg_build_payload(head, set);
	nftnl_set_free(set);
}

/** chain_message() - A chain */
static void chain_message(struct input *input)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct nlmsghdr *head = nftnl_nlmsg_build_hdr(message.bytes, NFT_MSG_NEWCHAIN, NFPROTO_INET, 0, 0);

	require(chain != NULL);
	if (input->size)
		require(nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, take_name(input)) == 0);
	nftnl_chain_nlmsg_build_payload(head, chain);
	nftnl_chain_free(chain);
}

/** add_expression() - An expression of a kind that the readers look into, with registers and values of any sizes */
static void add_expression(struct input *input, struct nftnl_rule *rule)
{
	static const struct {
		const char *name;
		uint16_t from, to, data, more;
	} kinds[] = {
		{"immediate", 0, NFTNL_EXPR_IMM_DREG, NFTNL_EXPR_IMM_DATA, 0},
		{"bitwise", NFTNL_EXPR_BITWISE_SREG, NFTNL_EXPR_BITWISE_DREG, NFTNL_EXPR_BITWISE_MASK,
		 NFTNL_EXPR_BITWISE_XOR},
		{"meta", NFTNL_EXPR_META_SREG, NFTNL_EXPR_META_KEY, 0, 0},
		{"meta", NFTNL_EXPR_META_DREG, NFTNL_EXPR_META_KEY, 0, 0},
		{"cmp", NFTNL_EXPR_CMP_SREG, NFTNL_EXPR_CMP_OP, NFTNL_EXPR_CMP_DATA, 0},
		{"counter", 0, 0, 0, 0},
	};
	uint8_t bytes[VALUE_MAX], kind[3] = {0};
	struct nftnl_expr *expression;
	uint32_t n;

	(void)take(input, sizeof(kind), kind);
	kind[0] %= sizeof(kinds) / sizeof(kinds[0]);
	expression = nftnl_expr_alloc(kinds[kind[0]].name);
	require(expression != NULL);
	if (kinds[kind[0]].from)
		nftnl_expr_set_u32(expression, kinds[kind[0]].from, kind[1]);
	if (kinds[kind[0]].to)
		nftnl_expr_set_u32(expression, kinds[kind[0]].to, kind[2]);
	n = take(input, sizeof(bytes), bytes);
	if (n && kinds[kind[0]].data)
		(void)nftnl_expr_set(expression, kinds[kind[0]].data, bytes, n);
	if (n && kinds[kind[0]].more)
		(void)nftnl_expr_set(expression, kinds[kind[0]].more, bytes, n);
	nftnl_rule_add_expr(rule, expression);
}

/** rule_message() - A rule with user data, which any program may have written, and expressions */
static void rule_message(struct input *input)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nlmsghdr *head = nftnl_nlmsg_build_hdr(message.bytes, NFT_MSG_NEWRULE, NFPROTO_INET, 0, 0);
	uint8_t bytes[USERDATA_MAX];
	uint32_t n = take(input, sizeof(bytes), bytes);

	require(rule != NULL);
	if (n)
		require(nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, bytes, n) == 0);
	for (unsigned i = 0; i < ELEMENTS_MAX && input->size; i++)
		add_expression(input, rule);
	nftnl_rule_nlmsg_build_payload(head, rule);
	nftnl_rule_free(rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data + 1, size - 1};

	if (size == 0)
		return 0;
	switch (data[0] % 4) {
	case 0:
		set_message(&input, true);
		break;
	case 1:
		set_message(&input, false);
		break;
	case 2:
		chain_message(&input);
		break;
	default:
		rule_message(&input);
		break;
	}
	read_all();
	return 0;
}
