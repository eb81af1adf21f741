/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of container engines: networks of netavark (podman's /etc/containers/networks/NAME.json) and Docker's
 * daemon.json.
 *
 * Sources: netavark (src/network/types.rs), moby (daemon/config/config.go and config_linux.go).
 */

#include <errno.h>

#include "plugin/foreign/declaration_reader.h"

/** read_netavark_subnet() - One element of `subnets`: `subnet`, `lease_range`, `gateway` */
static void read_netavark_subnet(struct declaration_reader *declaration, const json_t *object)
{
	struct declaration_member lease_range = declaration_member(object, "lease_range");
	struct declaration_member subnet = declaration_member(object, "subnet");
	const struct declaration_bounds bounds = {
		.object = lease_range.value, .inside = lease_range.key, .first = "start_ip", .last = "end_ip"};
	struct prefix network;

	if (!subnet.value)
		declaration_fault(declaration, NULL, "an element of subnets must be an object with a subnet");
	else if (declaration_prefix(declaration, object, "subnet", &network))
		declaration_take_bounded(declaration, subnet.key, &network, &bounds);
	declaration_take_gateway(declaration, object, "gateway");
}

/**
 * declaration_read_netavark() - Addresses that a network of netavark uses
 * @object:	The document
 * @file:	Its file
 * @pointer:	JSON pointer there
 * @declarations:	Get what is found
 * @report:	Hears what is malformed
 *
 * Return: 0 also with errors, -ENOMEM
 */
int declaration_read_netavark(const json_t *object, const char *file, const char *pointer,
			      struct declarations *declarations, struct report *report)
{
	struct declaration_reader declaration = {.reader = {.file = file, .report = report, .at = pointer_of(pointer)},
						 .declarations = declarations};
	const json_t *subnets = declaration_array(&declaration, object, "subnets");

	(void)pointer_push_key(&declaration.reader.at, declaration_member(object, "subnets").key);
	for (size_t i = 0; i < json_array_size(subnets); i++) {
		size_t mark = pointer_push_index(&declaration.reader.at, i);

		read_netavark_subnet(&declaration, json_array_get(subnets, i));
		pointer_pop(&declaration.reader.at, mark);
	}
	return declaration.failed ? -ENOMEM : 0;
}

/** read_bridge() - docker0's own address: a gateway, and its network is the default range */
static void read_bridge(struct declaration_reader *declaration, const json_t *object, const char *key)
{
	struct declaration gateway = {.kind = DECLARED_GATEWAY};
	struct prefix prefix;

	if (!declaration_prefix(declaration, object, key, &prefix))
		return;
	key = declaration_member(object, key).key;
	declaration_take_network(declaration, key, &prefix, NULL);
	gateway.network =
		(struct prefix){.address = prefix.address, .length = (uint8_t)family_bits(prefix.address.family)};
	gateway.span = span_of_address(&prefix.address);
	declaration_add(declaration, key, &gateway);
}

/** read_fixed() - The part of docker0's network that containers get addresses from */
static void read_fixed(struct declaration_reader *declaration, const json_t *object, const char *key)
{
	struct prefix prefix;

	if (declaration_prefix(declaration, object, key, &prefix))
		declaration_take_network(declaration, declaration_member(object, key).key, &prefix, NULL);
}

/** read_address_pools() - What networks are made of that users create without naming a subnet */
static void read_address_pools(struct declaration_reader *declaration, const json_t *object)
{
	static const char key[] = "default-address-pools";
	const json_t *pools = declaration_array(declaration, object, key);
	size_t mark = pointer_push_key(&declaration->reader.at, declaration_member(object, key).key);

	for (size_t i = 0; i < json_array_size(pools); i++) {
		const json_t *pool = json_array_get(pools, i);
		size_t inner = pointer_push_index(&declaration->reader.at, i), n = declaration->declarations->n_items;
		struct prefix base;
		struct span span;

		if (!declaration_member(pool, "base").value) {
			declaration_fault(declaration, NULL, "an address pool must be an object with a base");
		} else if (declaration_prefix(declaration, pool, "base", &base)) {
			span = prefix_span(&base);
			declaration_take_network(declaration, declaration_member(pool, "base").key, &base, &span);
		}
		for (; n < declaration->declarations->n_items; n++)
			declaration->declarations->items[n].is_pool = true;
		pointer_pop(&declaration->reader.at, inner);
	}
	pointer_pop(&declaration->reader.at, mark);
}

/** declaration_read_docker() - Addresses that Docker's daemon.json uses; see declaration_read_netavark() */
int declaration_read_docker(const json_t *object, const char *file, const char *pointer,
			    struct declarations *declarations, struct report *report)
{
	struct declaration_reader declaration = {.reader = {.file = file, .report = report, .at = pointer_of(pointer)},
						 .declarations = declarations};

	read_bridge(&declaration, object, "bip");
	read_bridge(&declaration, object, "bip6");
	read_fixed(&declaration, object, "fixed-cidr");
	read_fixed(&declaration, object, "fixed-cidr-v6");
	declaration_take_gateway(&declaration, object, "default-gateway");
	declaration_take_gateway(&declaration, object, "default-gateway-v6");
	read_address_pools(&declaration, object);
	return declaration.failed ? -ENOMEM : 0;
}
