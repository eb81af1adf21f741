/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftables messages of the table's parts, but for its rules (nfrule.c). Pure: no descriptor, no system call.
 *
 * All sets but those of destinations hold single keys: hash tables that grow (nft_rhash). No size is given, so nothing is
 * allocated that is not used and no number of containers is too many. And nothing of a container's jumps: an element of
 * a verdict map that does makes the kernel walk the whole map, and all that it leads to, in each commit
 * (nft_table_validate(), nft_lookup_validate()); measured, that is 0.6 ms with 10,000 elements and 5 ms with 60,000,
 * against 0.02 ms without a jump whatever their number. From an address to a chain by way of a number in two lookups
 * would do, too, but nft 1.0.6 aborts when it lists such a rule. So an address leads to its source, by a map for each
 * list of destinations; lists are few, however many pins there are.
 */

#include "plugin/snat/nfobject.h"

#include <errno.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/** No message is longer: the elements of one, which are counted, or a rule */
#define MESSAGE_BYTES 8192U
/** What one container's elements take, and room for one more message */
#define HEAP_BYTES (MESSAGE_BYTES + 2048U)

const struct nf_shape nf_shapes[NF_N_SETS] = {
	[NF_TRANSLATED4] = {"translated4", NF_TYPE_IPV4, 4, 0, 0},
	[NF_TRANSLATED6] = {"translated6", NF_TYPE_IPV6, 16, 0, 0},
	[NF_PINNED4] = {"pinned4", NF_TYPE_IPV4, 4, 0, 0},
	[NF_PINNED6] = {"pinned6", NF_TYPE_IPV6, 16, 0, 0},
	[NF_PAIRS4] = {"pairs4", NF_TYPE_IPV4 << NF_TYPE_BITS | NF_TYPE_IPV4, 8, 0, 0},
	[NF_PAIRS6] = {"pairs6", NF_TYPE_IPV6 << NF_TYPE_BITS | NF_TYPE_IPV6, 32, 0, 0},
	[NF_SOLE4] = {"sole4", NF_TYPE_IPV4 << NF_TYPE_BITS | NF_TYPE_IPV4, 8, 0, 0},
	[NF_SOLE6] = {"sole6", NF_TYPE_IPV6 << NF_TYPE_BITS | NF_TYPE_IPV6, 32, 0, 0},
	[NF_PIN4] = {"pin4-", NF_TYPE_IPV4, 4, NF_TYPE_IPV4, 4},
	[NF_PIN6] = {"pin6-", NF_TYPE_IPV6, 16, NF_TYPE_IPV6, 16},
	[NF_SENT4] = {"sent4-", NF_TYPE_IPV4 << NF_TYPE_BITS | NF_TYPE_IPV4, 8, 0, 0},
	[NF_SENT6] = {"sent6-", NF_TYPE_IPV6 << NF_TYPE_BITS | NF_TYPE_IPV6, 32, 0, 0},
	[NF_HELD4] = {"held4-", NF_TYPE_IPV4, 4, 0, 0},
	[NF_HELD6] = {"held6-", NF_TYPE_IPV6, 16, 0, 0},
	[NF_MASQUERADE4] = {"masquerade4-", NF_TYPE_IPV4, 4, 0, 0},
	[NF_MASQUERADE6] = {"masquerade6-", NF_TYPE_IPV6, 16, 0, 0},
};

/**
 * nf_set_name() - Name of a set
 * @set:	Set
 * @list:	Digest of its list of destinations, of a kind; else not looked at
 * @name:	Space for it
 *
 * Return: @name
 */
const char *nf_set_name(enum nf_set set, uint64_t list, char name[static NF_NAME_MAX])
{
	const char *known = nf_shapes[set].name;

	if (set < NF_FIRST_KIND)
		(void)snprintf(name, NF_NAME_MAX, "%s", known);
	else
		(void)snprintf(name, NF_NAME_MAX, "%s%016" PRIx64, known, list);
	return name;
}

/** nf_room() - Room for a message of any kind, zeroed for the gaps between attributes; NULL without memory */
void *nf_room(struct batch *batch)
{
	size_t size = batch->heap ? 2 * batch->heap_size : HEAP_BYTES;
	uint8_t *heap;

	if (batch->heap_size - batch->used >= MESSAGE_BYTES)
		return batch->heap + batch->used;
	heap = batch->heap ? realloc(batch->heap, size) : calloc(1, size);
	if (!heap)
		return NULL;
	/* libmnl 1.0.4 leaves what pads an attribute as it is. */
	if (batch->heap)
		memset(heap + batch->heap_size, 0, size - batch->heap_size);
	batch->heap = heap;
	batch->heap_size = size;
	return heap + batch->used;
}

/** nf_append() - Take the message that was put into the room */
void nf_append(struct batch *batch, const struct nlmsghdr *message)
{
	batch->used += NLMSG_ALIGN(message->nlmsg_len);
	batch->count++;
}

/** nf_header() - Begin a message of a type, NULL without memory */
struct nlmsghdr *nf_header(struct batch *batch, uint16_t type, uint16_t flags)
{
	char *room = nf_room(batch);

	return room ? nftnl_nlmsg_build_hdr(room, type, NFPROTO_INET, flags, 0) : NULL;
}

/** nf_begin() - Begin a batch */
int nf_begin(struct batch *batch)
{
	char *room;

	batch_clear(batch);
	batch->atomic = true;
	room = nf_room(batch);
	if (!room)
		return -ENOMEM;
	nf_append(batch, nftnl_batch_begin(room, 0));
	return 0;
}

/** nf_end() - End a batch */
int nf_end(struct batch *batch)
{
	char *room = nf_room(batch);

	if (!room)
		return -ENOMEM;
	nf_append(batch, nftnl_batch_end(room, 0));
	return 0;
}

/** nf_family() - The family of a table, NFPROTO_* */
uint8_t nf_family(const char *table)
{
	return strcmp(table, NF_TABLE_BRIDGE) == 0 ? NFPROTO_BRIDGE : NFPROTO_INET;
}

/** nf_header_of() - Begin a message about a table or its chains, NULL without memory */
static struct nlmsghdr *nf_header_of(struct batch *batch, const char *table, uint16_t type, uint16_t flags)
{
	char *room = nf_room(batch);

	return room ? nftnl_nlmsg_build_hdr(room, type, nf_family(table), flags, 0) : NULL;
}

/** table_message() - A message about the table */
static int table_message(struct batch *batch, const char *name, uint16_t type, uint16_t flags)
{
	struct nftnl_table *table NF_TABLE_CLEANUP = nftnl_table_alloc();
	struct nlmsghdr *message = nf_header_of(batch, name, type, flags);

	if (!table || !message || nftnl_table_set_str(table, NFTNL_TABLE_NAME, name) < 0)
		return -ENOMEM;
	nftnl_table_nlmsg_build_payload(message, table);
	nf_append(batch, message);
	return 0;
}

/** nf_add_table() - The table, unless it is there */
int nf_add_table(struct batch *batch, const char *table)
{
	return table_message(batch, table, NFT_MSG_NEWTABLE, NLM_F_CREATE);
}

/** nf_delete_table() - The table away with everything in it; it must be there */
int nf_delete_table(struct batch *batch, const char *table)
{
	return table_message(batch, table, NFT_MSG_DELTABLE, 0);
}

/** nf_get_table() - Ask for the table alone */
int nf_get_table(struct batch *batch, const char *table)
{
	return table_message(batch, table, NFT_MSG_GETTABLE, 0);
}

/** nf_name_set() - A set object with table and name, NULL without memory */
struct nftnl_set *nf_name_set(const char *name)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (set && (nftnl_set_set_str(set, NFTNL_SET_TABLE, NF_TABLE) < 0 ||
		    nftnl_set_set_str(set, NFTNL_SET_NAME, name) < 0)) {
		nftnl_set_free(set);
		return NULL;
	}
	return set;
}

/** nf_add_set() - A set that is not there yet */
int nf_add_set(struct batch *batch, enum nf_set which, uint64_t list)
{
	const struct nf_shape *shape = &nf_shapes[which];
	char name[NF_NAME_MAX];
	struct nftnl_set *set NF_SET_CLEANUP = nf_name_set(nf_set_name(which, list, name));
	struct nlmsghdr *message = nf_header(batch, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);

	if (!set || !message)
		return -ENOMEM;
	/* The kernel wants a number, though the set has a name. */
	nftnl_set_set_u32(set, NFTNL_SET_ID, batch->count);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, shape->key_type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, shape->key_bytes);
	if (shape->data_type) {
		nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_MAP);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, shape->data_type);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, shape->data_bytes);
	}
	nftnl_set_nlmsg_build_payload(message, set);
	nf_append(batch, message);
	return 0;
}

/** nf_delete_set() - A set away that no rule looks into */
int nf_delete_set(struct batch *batch, enum nf_set which, uint64_t list)
{
	char name[NF_NAME_MAX];
	struct nftnl_set *set NF_SET_CLEANUP = nf_name_set(nf_set_name(which, list, name));
	struct nlmsghdr *message = nf_header(batch, NFT_MSG_DELSET, 0);

	if (!set || !message)
		return -ENOMEM;
	nftnl_set_nlmsg_build_payload(message, set);
	nf_append(batch, message);
	return 0;
}

/** chain_message() - A message about a chain; @hook NULL: none */
static int chain_message(struct batch *batch, uint16_t type, uint16_t flags, const char *table, const char *name,
			 const struct nf_hook *hook)
{
	struct nftnl_chain *chain NF_CHAIN_CLEANUP = nftnl_chain_alloc();
	struct nlmsghdr *message = nf_header_of(batch, table, type, flags);

	if (!chain || !message || nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table) < 0 ||
	    nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name) < 0 ||
	    (hook && nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, hook->type) < 0))
		return -ENOMEM;
	if (hook) {
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook->number);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, hook->priority);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	nftnl_chain_nlmsg_build_payload(message, chain);
	nf_append(batch, message);
	return 0;
}

/** nf_add_chain() - A chain that is not there yet; a base chain with @hook, else NULL */
int nf_add_chain(struct batch *batch, const char *table, const char *name, const struct nf_hook *hook)
{
	return chain_message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, table, name, hook);
}

/** nf_delete_chain() - A chain without rules that nothing jumps to away */
int nf_delete_chain(struct batch *batch, const char *name)
{
	return chain_message(batch, NFT_MSG_DELCHAIN, 0, NF_TABLE, name, NULL);
}

/** nf_delete_rule() - A rule away, by the handle that the kernel gave it */
int nf_delete_rule(struct batch *batch, const char *table, const char *chain, uint64_t handle)
{
	struct nftnl_rule *rule NF_RULE_CLEANUP = nftnl_rule_alloc();
	struct nlmsghdr *message = nf_header_of(batch, table, NFT_MSG_DELRULE, 0);

	if (!rule || !message || nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table) < 0 ||
	    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain) < 0)
		return -ENOMEM;
	nftnl_rule_set_u64(rule, NFTNL_RULE_HANDLE, handle);
	nftnl_rule_nlmsg_build_payload(message, rule);
	nf_append(batch, message);
	return 0;
}

/** nf_get_chain() - Ask for a chain */
int nf_get_chain(struct batch *batch, const char *table, const char *name)
{
	return chain_message(batch, NFT_MSG_GETCHAIN, 0, table, name, NULL);
}

/**
 * fill_element() - Key and value of an element
 * @object:	libnftnl's element
 * @element:	Ours
 * @value:	Whether the value is wanted
 *
 * Return: 0, -ENOMEM
 */
static int fill_element(struct nftnl_set_elem *object, const struct nf_element *element, bool value)
{
	const struct nf_shape *shape = &nf_shapes[element->set];

	if (nftnl_set_elem_set(object, NFTNL_SET_ELEM_KEY, element->key, shape->key_bytes) < 0)
		return -ENOMEM;
	if (value && shape->data_type &&
	    nftnl_set_elem_set(object, NFTNL_SET_ELEM_DATA, element->source, shape->data_bytes) < 0)
		return -ENOMEM;
	return 0;
}

/** elements_message() - One message about elements of one set */
static int elements_message(struct batch *batch, uint16_t type, uint16_t flags, const struct nf_element *elements,
			    size_t n)
{
	char name[NF_NAME_MAX];
	struct nftnl_set *set NF_SET_CLEANUP = nf_name_set(nf_set_name(elements->set, elements->list, name));
	struct nlmsghdr *message = nf_header(batch, type, flags);

	if (!set || !message)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct nftnl_set_elem *object = nftnl_set_elem_alloc();

		if (!object)
			return -ENOMEM;
		nftnl_set_elem_add(set, object);
		if (fill_element(object, &elements[i], type == NFT_MSG_NEWSETELEM) < 0)
			return -ENOMEM;
	}
	nftnl_set_elems_nlmsg_build_payload(message, set);
	nf_append(batch, message);
	return 0;
}

/** same_set() - Whether two elements are of one set */
static bool same_set(const struct nf_element *a, const struct nf_element *b)
{
	return a->set == b->set && (a->set < NF_FIRST_KIND || a->list == b->list);
}

/** elements_messages() - Messages about elements; those of one set that stand together go together */
static int elements_messages(struct batch *batch, uint16_t type, uint16_t flags, const struct nf_element *elements,
			     size_t n)
{
	int r = 0;

	for (size_t i = 0, run; i < n && !r; i += run) {
		for (run = 1;
		     i + run < n && run < NF_ELEMENTS_PER_MESSAGE && same_set(&elements[i + run], &elements[i]);)
			run++;
		r = elements_message(batch, type, flags, &elements[i], run);
	}
	return r;
}

/** nf_add_elements() - Elements; those that are there with the same value are fine */
int nf_add_elements(struct batch *batch, const struct nf_element *elements, size_t n)
{
	return elements_messages(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements, n);
}

/** nf_add_new_elements() - Elements that must not be there yet */
int nf_add_new_elements(struct batch *batch, const struct nf_element *elements, size_t n)
{
	return elements_messages(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, elements, n);
}

/** nf_delete_elements() - Elements away; each must be there */
int nf_delete_elements(struct batch *batch, const struct nf_element *elements, size_t n)
{
	return elements_messages(batch, NFT_MSG_DELSETELEM, 0, elements, n);
}

/** nf_get_elements() - Ask for elements: one answer each; the first one of a message that is missing ends it */
int nf_get_elements(struct batch *batch, const struct nf_element *elements, size_t n)
{
	return elements_messages(batch, NFT_MSG_GETSETELEM, 0, elements, n);
}
