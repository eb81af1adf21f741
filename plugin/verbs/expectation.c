/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What prevResult says of one interface of the container. */

#include "plugin/verbs/expectation.h"

#include <string.h>

/** find_end() - Index of the interface @name inside a container in a result, -1 when there is none */
static int find_end(const struct result *result, const char *name)
{
	for (size_t i = 0; i < result->n_interfaces; i++)
		if (result->interfaces[i].sandbox[0] && strcmp(result->interfaces[i].name, name) == 0)
			return (int)i;
	return -1;
}

/**
 * expectation_of_result() - What an attachment is expected to be like
 * @result:	prevResult; in a chain, or with another plugin after us, it has addresses of other interfaces, too
 * @ifname:	Interface in the container
 * @addresses:	Space for as many addresses as the result has
 *
 * Results before 0.3.0 name no interfaces, so that each address counts.
 *
 * Return: the expectation; borrows from @result and @addresses
 */
struct attach_expectation expectation_of_result(const struct result *result, const char *ifname,
						struct prefix *addresses)
{
	struct attach_expectation expected = {
		.addresses = addresses, .routes = result->routes, .n_routes = result->n_routes};
	int end = find_end(result, ifname);

	if (end >= 0) {
		expected.mac = result->interfaces[end].mac;
		expected.mtu = result->interfaces[end].mtu;
	}
	for (size_t i = 0; i < result->n_interfaces; i++)
		expected.others |= result->interfaces[i].sandbox[0] && (int)i != end;
	for (size_t i = 0; i < result->n_ips; i++)
		if (result->ips[i].interface < 0 || result->ips[i].interface == end)
			addresses[expected.n_addresses++] = result->ips[i].address;
	return expected;
}
