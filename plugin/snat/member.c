/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a container to elements of the table's sets. Pure. */

#include "plugin/snat/member.h"

#include <errno.h>
#include <string.h>

#include "plugin/snat/ruleset.h"

/** member_wanted() - Whether the table has to know anything of the container */
bool member_wanted(const struct member *member)
{
	return member->egress->n_clauses;
}

/** member_pinned() - Whether the container has a pin */
bool member_pinned(const struct member *member)
{
	return egress_pins(member->egress, FAMILY_IPV4) || egress_pins(member->egress, FAMILY_IPV6);
}

/** elements_reserve() - Room for @n more: 0, -ENOMEM */
int elements_reserve(struct elements *elements, size_t n)
{
	size_t capacity = 2 * elements->capacity + n;
	struct nf_element *all;

	if (elements->capacity - elements->n >= n)
		return 0;
	all = reallocarray(elements->all, capacity, sizeof(*all));
	if (!all)
		return -ENOMEM;
	elements->all = all;
	elements->capacity = capacity;
	return 0;
}

/** add() - Another element, empty; there is room for it */
static struct nf_element *add(struct elements *elements, enum nf_set set)
{
	struct nf_element *element = &elements->all[elements->n++];

	*element = (struct nf_element){.set = set};
	return element;
}

/** add_address() - An element whose key is an address */
static struct nf_element *add_address(struct elements *elements, enum nf_set set, const struct address *address)
{
	struct nf_element *element = add(elements, set);

	address_to_bytes(address, element->key);
	return element;
}

/** of_family() - The set for an address: @ipv4, or the one behind it */
static enum nf_set of_family(enum nf_set ipv4, const struct address *address)
{
	return address->family == FAMILY_IPV4 ? ipv4 : (enum nf_set)(ipv4 + 1);
}

/** add_pair() - An address and a source, once: two pins of a container may have the same one */
static void add_pair(struct elements *elements, enum nf_set set, uint64_t list, const struct address *address,
		     const struct address *source)
{
	struct nf_element wanted = {.set = set, .list = list};

	address_to_bytes(address, wanted.key);
	address_to_bytes(source, wanted.key + family_bytes(source->family));
	for (size_t i = 0; i < elements->n; i++)
		if (element_equal(&elements->all[i], &wanted))
			return;
	elements->all[elements->n++] = wanted;
}

/** add_pairs() - Addresses of the family and the source of a clause, in all sets of the table or of the list: @ipv4 */
static void add_pairs(const struct member *member, const struct egress_clause *clause, enum nf_set ipv4,
		      struct elements *elements)
{
	uint64_t list = ipv4 < NF_FIRST_KIND ? 0 : clause->list;

	for (size_t i = 0; clause->source.family && i < member->n_addresses; i++)
		if (member->addresses[i].family == clause->family)
			add_pair(elements, of_family(ipv4, &clause->source), list, &member->addresses[i],
				 &clause->source);
}

/** sole_source() - The source that all pins of a family have; NULL: they have several, or there is none */
static const struct address *sole_source(const struct egress *egress, enum family family)
{
	const struct address *sole = NULL;

	for (size_t i = 0; i < egress->n_clauses; i++) {
		const struct address *source = &egress->clauses[i].source;

		if (source->family != family)
			continue;
		if (sole && !address_equal(sole, source))
			return NULL;
		sole = source;
	}
	return sole;
}

/** add_sole() - Each address with the one source that its family's pins have */
static void add_sole(const struct member *member, struct elements *elements)
{
	for (size_t i = 0; i < member->n_addresses; i++) {
		const struct address *address = &member->addresses[i];
		const struct address *source = sole_source(member->egress, address->family);

		if (source)
			add_pair(elements, of_family(NF_SOLE4, address), 0, address, source);
	}
}

/** add_clause() - What a clause says of the addresses of its family */
static void add_clause(const struct member *member, const struct egress_clause *clause, struct elements *elements)
{
	for (size_t i = 0; i < member->n_addresses; i++) {
		struct nf_element *element;

		if (member->addresses[i].family != clause->family)
			continue;
		element = add_address(elements, ruleset_set(clause), &member->addresses[i]);
		element->list = clause->list;
		if (clause->source.family)
			address_to_bytes(&clause->source, element->source);
	}
}

/** add_held() - The addresses to whose pins a clause belongs */
static void add_held(const struct member *member, const struct egress_clause *clause, struct elements *elements)
{
	for (size_t i = 0; clause->source.family && i < member->n_addresses; i++)
		if (member->addresses[i].family == clause->family)
			add_address(elements, of_family(NF_HELD4, &member->addresses[i]), &member->addresses[i])->list =
				clause->list;
}

/** add_addresses() - All addresses in the set of their family */
static void add_addresses(const struct member *member, enum nf_set ipv4, struct elements *elements)
{
	for (size_t i = 0; i < member->n_addresses; i++)
		(void)add_address(elements, of_family(ipv4, &member->addresses[i]), &member->addresses[i]);
}

/** most_elements() - No container has more elements */
static size_t most_elements(const struct member *member)
{
	return member->n_addresses * (3 + 4 * member->egress->n_clauses);
}

/**
 * member_elements() - The elements of one container, those that tell of earlier holders of its addresses first
 * @member:	Container
 * @elements:	They are appended
 *
 * All addresses of a pinned container are known as such, also those of a family without a pin: the fence's mark is on all
 * that comes through its interface.
 *
 * Return: 0, -ENOMEM
 */
int member_elements(const struct member *member, struct elements *elements)
{
	if (elements_reserve(elements, most_elements(member)) < 0)
		return -ENOMEM;
	if (member->egress->n_clauses && !member->shared)
		add_addresses(member, NF_TRANSLATED4, elements);
	for (size_t i = 0; i < member->egress->n_clauses; i++) {
		add_clause(member, &member->egress->clauses[i], elements);
		add_pairs(member, &member->egress->clauses[i], NF_SENT4, elements);
		add_held(member, &member->egress->clauses[i], elements);
	}
	for (size_t i = 0; i < member->egress->n_clauses; i++)
		add_pairs(member, &member->egress->clauses[i], NF_PAIRS4, elements);
	add_sole(member, elements);
	if (member_pinned(member))
		add_addresses(member, NF_PINNED4, elements);
	return 0;
}

/** member_absent() - Elements that would be an earlier holder's: they are appended. 0, -ENOMEM */
int member_absent(const struct member *member, struct elements *elements)
{
	if (elements_reserve(elements, most_elements(member)) < 0)
		return -ENOMEM;
	if (!member->egress->n_clauses)
		add_addresses(member, NF_TRANSLATED4, elements);
	if (!member_pinned(member))
		add_addresses(member, NF_PINNED4, elements);
	return 0;
}

/** family_of() - Family of the addresses in a set; none in that of interfaces */
static enum family family_of(enum nf_set set)
{
	static const enum family families[NF_N_SETS] = {
		[NF_TRANSLATED4] = FAMILY_IPV4, [NF_TRANSLATED6] = FAMILY_IPV6, [NF_PINNED4] = FAMILY_IPV4,
		[NF_PINNED6] = FAMILY_IPV6,	[NF_PIN4] = FAMILY_IPV4,	[NF_HELD4] = FAMILY_IPV4,
		[NF_HELD6] = FAMILY_IPV6,	[NF_PIN6] = FAMILY_IPV6,	[NF_MASQUERADE4] = FAMILY_IPV4,
		[NF_MASQUERADE6] = FAMILY_IPV6,
	};

	return families[set];
}

/**
 * member_possible() - Elements that a set may have of a container, whatever the container was armed with
 * @member:	Container; only its addresses count
 * @set:	Set
 * @list:	Digest of its list of destinations, of a kind
 * @elements:	They are appended
 *
 * Return: 0, -ENOMEM
 */
int member_possible(const struct member *member, enum nf_set set, uint64_t list, struct elements *elements)
{
	if (elements_reserve(elements, member->n_addresses) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < member->n_addresses; i++) {
		struct nf_element *element;

		if (member->addresses[i].family != family_of(set))
			continue;
		element = add(elements, set);
		element->list = list;
		address_to_bytes(&member->addresses[i], element->key);
	}
	return 0;
}

/** element_equal() - Whether two elements are the same, value included */
bool element_equal(const struct nf_element *a, const struct nf_element *b)
{
	return a->set == b->set && a->list == b->list && memcmp(a->key, b->key, sizeof(a->key)) == 0 &&
	       memcmp(a->source, b->source, sizeof(a->source)) == 0;
}

/** by_set() - qsort(3) order by set and list */
static int by_set(const void *a, const void *b)
{
	const struct nf_element *left = a, *right = b;

	if (left->set != right->set)
		return left->set < right->set ? -1 : 1;
	return (left->list > right->list) - (left->list < right->list);
}

/** elements_sort() - Bring those of one set together */
void elements_sort(struct elements *elements)
{
	if (elements->n)
		qsort(elements->all, elements->n, sizeof(*elements->all), by_set);
}

/** elements_done() - Release them */
void elements_done(struct elements *elements)
{
	free(elements->all);
	*elements = (struct elements){0};
}
