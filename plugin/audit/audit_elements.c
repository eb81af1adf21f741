/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is in the sets of the nftables table, against leases: one finding for each address. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/audit/audit_kernel.h"
#include "rangeguard/array.h"

/** struct difference - An address that sets lack, or have too much; @first: in which */
struct difference {
	struct address address;
	bool missing;
	struct nf_element first;
	unsigned more;
};

/** struct differences - Owned */
struct differences {
	struct difference *all;
	size_t n;
	size_t capacity;
};

static void differences_done(struct differences *differences)
{
	free(differences->all);
}

/** by_element() - qsort(3) order */
static int by_element(const void *a, const void *b)
{
	const struct nf_element *left = a, *right = b;
	int r = (left->set > right->set) - (left->set < right->set);

	if (!r)
		r = (left->list > right->list) - (left->list < right->list);
	if (!r)
		r = memcmp(left->key, right->key, sizeof(left->key));
	return r ? r : memcmp(left->source, right->source, sizeof(left->source));
}

/** sort() - In that order, each once: pins of two leases may have an element in common */
static void sort(struct elements *elements)
{
	size_t n = 0;

	if (!elements->n)
		return;
	qsort(elements->all, elements->n, sizeof(*elements->all), by_element);
	for (size_t i = 1; i < elements->n; i++)
		if (!element_equal(&elements->all[i], &elements->all[n]))
			elements->all[++n] = elements->all[i];
	elements->n = n + 1;
}

/** address_of() - The container's address in an element: sets come in pairs, IPv4 first */
static struct address address_of(const struct nf_element *element)
{
	return address_from_bytes(element->set % 2 ? FAMILY_IPV6 : FAMILY_IPV4, element->key);
}

/** note() - Take note of an element that one side lacks: 0, -ENOMEM */
static int note(struct differences *differences, const struct nf_element *element, bool missing)
{
	struct difference *all, difference = {.address = address_of(element), .missing = missing, .first = *element};

	for (size_t i = 0; i < differences->n; i++) {
		if (differences->all[i].missing != missing ||
		    !address_equal(&differences->all[i].address, &difference.address))
			continue;
		differences->all[i].more++;
		return 0;
	}
	all = array_room(differences->all, differences->n, &differences->capacity, sizeof(*all));
	if (!all)
		return -ENOMEM;
	differences->all = all;
	all[differences->n++] = difference;
	return 0;
}

/** compare() - Both sorted: 0, -ENOMEM */
static int compare(const struct elements *wanted, const struct elements *there, struct differences *differences)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (!r && (i < wanted->n || j < there->n)) {
		int order = i == wanted->n ? 1 : j == there->n ? -1 : by_element(&wanted->all[i], &there->all[j]);

		if (order)
			r = note(differences, order < 0 ? &wanted->all[i] : &there->all[j], order < 0);
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

/** describe_holder() - Who has an address by the leases of this state directory, for a message */
static const char *describe_holder(const struct lease_set *leases, const struct address *address, char *room,
				   size_t size)
{
	room[0] = '\0';
	for (size_t i = 0; i < leases->n; i++) {
		struct lease lease = lease_set_get(leases, i);

		for (size_t j = 0; j < lease.n_addresses; j++)
			if (address_equal(&lease.addresses[j], address))
				(void)snprintf(room, size, " of %.64s %s of network %.64s",
					       lease.attachment.container_id, lease.attachment.ifname,
					       lease.attachment.network);
	}
	return room;
}

/** is_adopted() - Whether an address is, or may be, a container's whose lease was lost: what it had no lease tells any more */
static bool is_adopted(const struct kernel *kernel, const struct address *address)
{
	if (!kernel->wanted.has_store)
		return true;
	for (size_t i = 0; i < kernel->leases->n && kernel->wanted.adopted; i++) {
		struct lease lease = lease_set_get(kernel->leases, i);

		for (size_t j = 0; j < lease.n_addresses; j++)
			if (!*lease.netns && address_equal(&lease.addresses[j], address))
				return true;
	}
	return false;
}

/** tell() - Of one address */
static void tell(const struct kernel *kernel, const struct difference *difference)
{
	char text[ADDRESS_TEXT_MAX], set[NF_NAME_MAX], more[32] = "", holder[256];
	struct report *report = kernel->audit->report;

	(void)address_format(&difference->address, text);
	(void)nf_set_name(difference->first.set, difference->first.list, set);
	(void)describe_holder(kernel->leases, &difference->address, holder, sizeof(holder));
	if (difference->more)
		(void)snprintf(more, sizeof(more), " and %u more", difference->more);
	if (difference->missing)
		report_error(report, RULE_UNPROTECTED, kernel->audit->data_dir, "",
			     "%s%s is missing in set %s%s of the nftables table inet " NF_TABLE
			     ": its packets leave with the wrong source or not at all until the next CHECK of that "
			     "container, or the agent, puts it back",
			     text, holder, set, more);
	else
		report_error(
			report, RULE_FOREIGN, kernel->audit->data_dir, "",
			"%s%s stands in set %s%s of the nftables table inet " NF_TABLE
			", but no lease says so: somebody put it there, or it is left of a container that is gone; "
			"nft delete table inet " NF_TABLE " has the next CHECK rebuild the table without it",
			text, holder, set, more);
}

/** audit_elements() - Compare: 0, -ENOMEM */
int audit_elements(struct kernel *kernel)
{
	CLEANUP(differences_done) struct differences differences = {.n = 0};
	int r;

	/* That the whole table is missing is told. */
	if (!kernel_has_table(kernel, NF_TABLE))
		return 0;
	sort(&kernel->wanted.table.elements);
	sort(&kernel->ruleset.elements);
	r = compare(&kernel->wanted.table.elements, &kernel->ruleset.elements, &differences);
	for (size_t i = 0; i < differences.n && !r; i++)
		if (differences.all[i].missing || !is_adopted(kernel, &differences.all[i].address))
			tell(kernel, &differences.all[i]);
	return r;
}
