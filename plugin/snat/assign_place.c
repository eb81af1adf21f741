/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a source that is to be assigned may be. Owns nothing. */

#include <linux/rtnetlink.h>
#include <net/if.h>

#include "plugin/network/hostroute.h"
#include "plugin/network/link.h"
#include "plugin/snat/assign.h"

/**
 * assign_check_place() - A source that is to be assigned must have its interface, and not be on another one already
 * @host:	Port of the host's namespace, in which the calling thread is
 * @interface:	Name
 * @source:	Address
 * @reterr:	Code 103
 *
 * Return: 0, REFUSED
 */
int assign_check_place(struct port *host, const char *interface, const struct address *source, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX], elsewhere[IF_NAMESIZE];
	struct route_info match = {0};
	struct link_answer answer;

	if (link_find(host, interface, &answer, reterr)) {
		(void)error_recode(reterr, ERROR_SNAT);
		return REFUSED;
	}
	(void)address_format(source, text);
	if (!answer.found)
		return error_set(reterr, ERROR_SNAT,
				 "interface %s, on which source address %s is to be put, is missing", interface, text);
	/* A look that fails says nothing against it. */
	if (hostroute_lookup(host, source, &match) != 0 || match.type != RTN_LOCAL ||
	    match.interface == answer.link.index || !if_indextoname(match.interface, elsewhere))
		return 0;
	return error_set(
		reterr, ERROR_SNAT,
		"source address %s is on %s already, not on %s as \"assign\" says; take it off there, or name that "
		"interface",
		text, elsewhere, interface);
}
