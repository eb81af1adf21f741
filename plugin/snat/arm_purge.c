/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an earlier holder left of addresses, or a lost lease: out of whatever set it is in. */

#include <errno.h>
#include <string.h>

#include "plugin/snat/arm.h"
#include "plugin/snat/nfstage.h"

/**
 * struct leftovers - Elements that there may be of a container's addresses
 * @member:	Container
 * @elements:	They
 * @sets:	Sets of pairs, whose elements are found by looking at all of them: an element with the set's number and list
 */
struct leftovers {
	const struct member *member;
	struct elements elements;
	struct elements sets;
};

/** is_pairs() - Whether the keys of a set are an address and a source */
static bool is_pairs(enum nf_set set)
{
	return set == NF_PAIRS4 || set == NF_PAIRS6 || set == NF_SOLE4 || set == NF_SOLE6 || set == NF_SENT4 ||
	       set == NF_SENT6;
}

/** take_set() - port_reply_fn: a set in which the addresses may be */
static int take_set(const struct nlmsghdr *message, void *userdata)
{
	struct leftovers *leftovers = userdata;
	uint64_t list = 0;
	enum nf_set set;
	int r;

	if (!message) {
		leftovers->elements.n = 0;
		leftovers->sets.n = 0;
		return 0;
	}
	r = nf_read_set(message, &set, &list);
	if (r)
		return r == -ENOMSG ? 0 : r;
	if (is_pairs(set)) {
		if (elements_reserve(&leftovers->sets, 1) < 0)
			return -ENOMEM;
		leftovers->sets.all[leftovers->sets.n++] = (struct nf_element){.set = set, .list = list};
		return 0;
	}
	return member_possible(leftovers->member, set, list, &leftovers->elements);
}

/** find_sets() - Fill @leftovers with an element per set and address: 0, PORT_E_REFUSED, negative errno */
static int find_sets(struct nf_stage *stage, struct leftovers *leftovers)
{
	struct batch batch;
	int r;

	batch_reset(&batch);
	r = nf_get_sets(&batch);
	return r ? r : port_exchange(stage->port, &batch, take_set, leftovers, &stage->failure);
}

/** keep_pair() - nf_read_elements() callback: keep a pair whose address is the container's */
static int keep_pair(void *userdata, const struct nf_element *element)
{
	struct leftovers *leftovers = userdata;
	bool ipv4 = element->set == NF_PAIRS4 || element->set == NF_SOLE4 || element->set == NF_SENT4;
	enum family family = ipv4 ? FAMILY_IPV4 : FAMILY_IPV6;
	struct address address = address_from_bytes(family, element->key);

	for (size_t i = 0; i < leftovers->member->n_addresses; i++) {
		if (!address_equal(&leftovers->member->addresses[i], &address))
			continue;
		if (elements_reserve(&leftovers->elements, 1) < 0)
			return -ENOMEM;
		leftovers->elements.all[leftovers->elements.n++] = *element;
	}
	return 0;
}

/** take_pairs() - port_reply_fn: elements of a set of pairs; when a dump begins again, some may be kept twice, or be gone */
static int take_pairs(const struct nlmsghdr *message, void *userdata)
{
	int r = message ? nf_read_elements(message, keep_pair, userdata) : 0;

	return r == -ENOMSG ? 0 : r;
}

/** find_pairs() - Fill @leftovers with pairs: 0, PORT_E_REFUSED, negative errno */
static int find_pairs(struct nf_stage *stage, struct leftovers *leftovers)
{
	struct batch batch;
	int r = 0;

	for (size_t i = 0; i < leftovers->sets.n && !r; i++) {
		batch_reset(&batch);
		r = nf_dump_elements(&batch, leftovers->sets.all[i].set, leftovers->sets.all[i].list);
		if (!r)
			r = port_exchange(stage->port, &batch, take_pairs, leftovers, &stage->failure);
	}
	return r;
}

/**
 * arm_purge() - Take a container's addresses out of all sets, whoever put them there
 * @netfilter:	Port
 * @member:	Container; only its addresses count
 * @reterr:	Code 107
 *
 * Only where something was left behind, or the lease was lost, is it asked which sets there are.
 *
 * Return: 0, REFUSED
 */
int arm_purge(struct port *netfilter, const struct member *member, struct error *reterr)
{
	struct leftovers leftovers = {.member = member};
	NF_STAGE_CLEANUP struct nf_stage stage;
	int r;

	nf_stage_begin(&stage, netfilter, false, reterr);
	stage.question = true;
	r = find_sets(&stage, &leftovers);
	if (!r)
		r = find_pairs(&stage, &leftovers);
	if ((r == PORT_E_REFUSED && stage.failure.errnum == ENOENT) || (r && nf_stage_unavailable(&stage, r)))
		r = 0;
	else if (r)
		r = nf_stage_error(&stage, r);
	if (!r)
		r = arm_remove_elements(&stage, &leftovers.elements);
	elements_done(&leftovers.sets);
	elements_done(&leftovers.elements);
	return r;
}
