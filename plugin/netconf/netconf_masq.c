/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `nonMasq`: to where packets keep the container's address. Pure. */

#include <stdlib.h>

#include "plugin/netconf/netconf_ipam.h"

/** read_one() - One destination; REFUSED when reported */
static int read_one(struct reader *reader, const json_t *element, struct span *ret_span)
{
	const char *text = json_string_value(element);
	struct address address;
	struct prefix prefix;

	if (text && prefix_parse(text, &prefix) == 0 && !prefix_has_host_bits(&prefix)) {
		*ret_span = prefix_span(&prefix);
		return 0;
	}
	if (text && address_parse(text, &address) == 0) {
		*ret_span = span_of_address(&address);
		return 0;
	}
	reader_error(reader, NULL, RULE_INVALID_VALUE,
		     "an element of nonMasq must be a network or an address, such as \"10.244.0.0/16\"");
	return REFUSED;
}

/**
 * netconf_read_non_masq() - `nonMasq`
 * @reader:	Reader, at the plugin's object
 * @root:	Plugin's object
 * @netconf:	Its destinations that are not masqueraded are filled
 */
void netconf_read_non_masq(struct reader *reader, const json_t *root, struct netconf *netconf)
{
	const json_t *list = json_member_array(reader, root, "nonMasq", LIMIT_PIN_DESTINATIONS);
	size_t mark = pointer_push_key(&reader->at, "nonMasq");
	size_t index;
	json_t *element;

	netconf->non_masq = json_array_size(list) ? calloc(json_array_size(list), sizeof(*netconf->non_masq)) : NULL;
	if (json_array_size(list) && !netconf->non_masq)
		reader_no_memory(reader);
	json_array_foreach((json_t *)(uintptr_t)list, index, element) {
		size_t inner = pointer_push_index(&reader->at, index);

		if (netconf->non_masq && !read_one(reader, element, &netconf->non_masq[netconf->n_non_masq]))
			netconf->n_non_masq++;
		pointer_pop(&reader->at, inner);
	}
	pointer_pop(&reader->at, mark);
	if (netconf->n_non_masq && !netconf->ip_masq)
		reader_error(reader, "nonMasq", RULE_INVALID_VALUE,
			     "nonMasq makes exceptions from ipMasq, which is not set: nothing is masqueraded");
}
