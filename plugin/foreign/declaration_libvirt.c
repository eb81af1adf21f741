/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of libvirt's networks, as `virsh net-dumpxml` prints them: the bridge's own address and its network, what
 * dnsmasq hands out, the addresses of hosts by name, and what is routed to its machines.
 *
 * Source: libvirt.org/formatnetwork.html; src/conf/network_conf.c, virNetworkIPDefParseXML(): without netmask and prefix
 * the length is that of the address's class, 64 for IPv6.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plugin/foreign/declaration_reader.h"
#include "plugin/foreign/network_text.h"

/** class_length() - Prefix length that an address has where the network does not say */
static unsigned class_length(const struct address *address)
{
	unsigned first = (unsigned)(address->value >> 24) & 0xff;

	if (address->family == FAMILY_IPV6)
		return 64;
	if (first < 128)
		return 8;
	return first < 192 ? 16 : 24;
}

/** mask_length() - Prefix length of a netmask; 0 for what is none */
static unsigned mask_length(const char *text)
{
	struct address mask;
	uint32_t hosts;

	if (address_parse(text, &mask) < 0 || mask.family != FAMILY_IPV4)
		return 0;
	hosts = ~(uint32_t)mask.value;
	return (hosts & (hosts + 1)) ? 0 : 32 - (unsigned)__builtin_popcount(hosts);
}

/** read_network() - The network of an `ip` element; false when (reported) there is none that can be read */
static bool read_network(struct declaration_reader *declaration, const json_t *ip, struct prefix *ret_prefix)
{
	const char *length = json_string_value(json_object_get(ip, "prefix"));
	const char *mask = json_string_value(json_object_get(ip, "netmask"));
	struct address address = {.family = FAMILY_NONE};
	char text[2 * ADDRESS_TEXT_MAX], usual[16];

	if (!declaration_address(declaration, ip, "address", FAMILY_NONE, &address))
		return false;
	(void)snprintf(usual, sizeof(usual), "%u", mask ? mask_length(mask) : class_length(&address));
	if (!length)
		length = usual;
	(void)snprintf(text, sizeof(text), "%.45s/%.45s", json_string_value(json_object_get(ip, "address")), length);
	if (declaration_parse_text(text, ret_prefix) && ret_prefix->length)
		return true;
	if (network_is_placeholder(mask ? mask : length)) {
		reader_warning(&declaration->reader, mask ? "netmask" : "prefix", RULE_INVALID_VALUE,
			       "\"%.64s\" stands for a value that is still to come, so it is not checked",
			       mask ? mask : length);
		return false;
	}
	declaration_fault(
		declaration, mask ? "netmask" : "prefix", "the network of address %.64s can't be read: %s \"%.64s\"",
		json_string_value(json_object_get(ip, "address")), mask ? "netmask" : "prefix", mask ? mask : length);
	return false;
}

/** read_ip() - An `ip` element: the bridge's address and its network */
static void read_ip(struct declaration_reader *declaration, const json_t *ip)
{
	struct prefix network;

	if (!json_object_get(ip, "address") || !read_network(declaration, ip, &network))
		return;
	network.address.value = prefix_span(&network).first;
	declaration_take_network(declaration, "address", &network, NULL);
	declaration_take_gateway(declaration, ip, "address");
}

/** read_host() - A `host` element of dhcp: an address by name */
static void read_host(struct declaration_reader *declaration, const json_t *host)
{
	struct declaration found = {.kind = DECLARED_ADDRESS};
	struct address address = {.family = FAMILY_NONE};

	if (!json_object_get(host, "ip") || !declaration_address(declaration, host, "ip", FAMILY_NONE, &address))
		return;
	found.network = (struct prefix){.address = address, .length = (uint8_t)family_bits(address.family)};
	found.span = span_of_address(&address);
	declaration_add(declaration, "ip", &found);
}

/** read_each() - Each child of a name; the reader is at the element */
static void read_each(struct declaration_reader *declaration, const json_t *element, const char *name,
		      void (*read)(struct declaration_reader *declaration, const json_t *child))
{
	const json_t *children = json_object_get(element, name);
	size_t mark = pointer_push_key(&declaration->reader.at, name);

	for (size_t i = 0; i < json_array_size(children); i++) {
		size_t inner = pointer_push_index(&declaration->reader.at, i);

		read(declaration, json_array_get(children, i));
		pointer_pop(&declaration->reader.at, inner);
	}
	pointer_pop(&declaration->reader.at, mark);
}

/** read_dhcp() - A `dhcp` element; its ranges are parts of the network */
static void read_dhcp(struct declaration_reader *declaration, const json_t *dhcp)
{
	read_each(declaration, dhcp, "host", read_host);
}

/** read_whole_ip() - An `ip` element with its dhcp */
static void read_whole_ip(struct declaration_reader *declaration, const json_t *ip)
{
	read_ip(declaration, ip);
	read_each(declaration, ip, "dhcp", read_dhcp);
}

/** read_route() - A `route` element: the host sends what is for it to one of the network's machines */
static void read_route(struct declaration_reader *declaration, const json_t *route)
{
	struct prefix network;

	if (!json_object_get(route, "address") || !read_network(declaration, route, &network))
		return;
	network.address.value = prefix_span(&network).first;
	declaration_take_network(declaration, "address", &network, NULL);
	declaration_take_gateway(declaration, route, "gateway");
}

/** read_libvirt() - A `network` element */
static void read_libvirt(struct declaration_reader *declaration, const json_t *network)
{
	read_each(declaration, network, "route", read_route);
	read_each(declaration, network, "ip", read_whole_ip);
}

/** declaration_read_libvirt() - Addresses that a network of libvirt uses; as declaration_read_netavark() */
int declaration_read_libvirt(const json_t *object, const char *file, const char *pointer,
			     struct declarations *declarations, struct report *report)
{
	struct declaration_reader declaration = {.reader = {.file = file, .report = report, .at = pointer_of(pointer)},
						 .declarations = declarations};

	read_each(&declaration, object, "network", read_libvirt);
	return declaration.failed ? -ENOMEM : 0;
}
