/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of container engines: networks of netavark (podman's /etc/containers/networks/NAME.json) and Docker's
 * daemon.json.
 *
 * Sources: netavark (src/network/types.rs), moby (daemon/config/config.go and config_linux.go).
 */

#include <errno.h>

#include "plugin/foreign/usage_reader.h"

/** read_netavark_subnet() - One element of `subnets`: `subnet`, `lease_range`, `gateway` */
static void read_netavark_subnet(struct usage_reader *usage, const json_t *object)
{
	struct usage_member lease_range = usage_member(object, "lease_range");
	struct usage_member subnet = usage_member(object, "subnet");
	const struct usage_bounds bounds = {
		.object = lease_range.value, .inside = lease_range.key, .first = "start_ip", .last = "end_ip"};
	struct prefix network;

	if (!subnet.value)
		usage_fault(usage, NULL, "an element of subnets must be an object with a subnet");
	else if (usage_prefix(usage, object, "subnet", &network))
		usage_take_bounded(usage, subnet.key, &network, &bounds);
	usage_take_gateway(usage, object, "gateway");
}

/**
 * usage_read_netavark() - Addresses that a network of netavark uses
 * @object:	The document
 * @file:	Its file
 * @pointer:	JSON pointer there
 * @usages:	Get what is found
 * @report:	Hears what is malformed
 *
 * Return: 0 also with errors, -ENOMEM
 */
int usage_read_netavark(const json_t *object, const char *file, const char *pointer, struct usages *usages,
			struct report *report)
{
	struct usage_reader usage = {.reader = {.file = file, .report = report, .at = pointer_of(pointer)},
				     .usages = usages};
	const json_t *subnets = usage_array(&usage, object, "subnets");

	(void)pointer_push_key(&usage.reader.at, usage_member(object, "subnets").key);
	for (size_t i = 0; i < json_array_size(subnets); i++) {
		size_t mark = pointer_push_index(&usage.reader.at, i);

		read_netavark_subnet(&usage, json_array_get(subnets, i));
		pointer_pop(&usage.reader.at, mark);
	}
	return usage.failed ? -ENOMEM : 0;
}

/** read_bridge() - docker0's own address: a gateway, and its network is the default range */
static void read_bridge(struct usage_reader *usage, const json_t *object, const char *key)
{
	struct usage gateway = {.kind = USAGE_GATEWAY};
	struct prefix prefix;

	if (!usage_prefix(usage, object, key, &prefix))
		return;
	key = usage_member(object, key).key;
	usage_take_network(usage, key, &prefix, NULL);
	gateway.network =
		(struct prefix){.address = prefix.address, .length = (uint8_t)family_bits(prefix.address.family)};
	gateway.span = span_of_address(&prefix.address);
	usage_add(usage, key, &gateway);
}

/** read_fixed() - The part of docker0's network that containers get addresses from */
static void read_fixed(struct usage_reader *usage, const json_t *object, const char *key)
{
	struct prefix prefix;

	if (usage_prefix(usage, object, key, &prefix))
		usage_take_network(usage, usage_member(object, key).key, &prefix, NULL);
}

/** read_address_pools() - What networks are made of that users create without naming a subnet */
static void read_address_pools(struct usage_reader *usage, const json_t *object)
{
	static const char key[] = "default-address-pools";
	const json_t *pools = usage_array(usage, object, key);
	size_t mark = pointer_push_key(&usage->reader.at, usage_member(object, key).key);

	for (size_t i = 0; i < json_array_size(pools); i++) {
		const json_t *pool = json_array_get(pools, i);
		size_t inner = pointer_push_index(&usage->reader.at, i);
		struct prefix base;
		struct span span;

		if (!usage_member(pool, "base").value) {
			usage_fault(usage, NULL, "an address pool must be an object with a base");
		} else if (usage_prefix(usage, pool, "base", &base)) {
			span = prefix_span(&base);
			usage_take_network(usage, usage_member(pool, "base").key, &base, &span);
		}
		pointer_pop(&usage->reader.at, inner);
	}
	pointer_pop(&usage->reader.at, mark);
}

/** usage_read_docker() - Addresses that Docker's daemon.json uses; see usage_read_netavark() */
int usage_read_docker(const json_t *object, const char *file, const char *pointer, struct usages *usages,
		      struct report *report)
{
	struct usage_reader usage = {.reader = {.file = file, .report = report, .at = pointer_of(pointer)},
				     .usages = usages};

	read_bridge(&usage, object, "bip");
	read_bridge(&usage, object, "bip6");
	read_fixed(&usage, object, "fixed-cidr");
	read_fixed(&usage, object, "fixed-cidr-v6");
	usage_take_gateway(&usage, object, "default-gateway");
	usage_take_gateway(&usage, object, "default-gateway-v6");
	read_address_pools(&usage, object);
	return usage.failed ? -ENOMEM : 0;
}
