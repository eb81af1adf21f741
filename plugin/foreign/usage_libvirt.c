/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of libvirt's networks, as `virsh net-dumpxml` prints them: the bridge's own address and its network, what
 * dnsmasq hands out, and the addresses of hosts by name.
 *
 * Source: libvirt.org/formatnetwork.html; src/conf/network_conf.c, virNetworkIPDefParseXML(): without netmask and prefix
 * the length is that of the address's class, 64 for IPv6.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plugin/foreign/network_text.h"
#include "plugin/foreign/usage_reader.h"

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
	return hosts & (hosts + 1) ? 0 : 32 - (unsigned)__builtin_popcount(hosts);
}

/** read_network() - The network of an `ip` element; false when (reported) there is none that can be read */
static bool read_network(struct usage_reader *usage, const json_t *ip, struct prefix *ret_prefix)
{
	const char *length = json_string_value(json_object_get(ip, "prefix"));
	const char *mask = json_string_value(json_object_get(ip, "netmask"));
	struct address address = {.family = FAMILY_NONE};
	char text[2 * ADDRESS_TEXT_MAX], usual[16];

	if (!usage_address(usage, ip, "address", FAMILY_NONE, &address))
		return false;
	(void)snprintf(usual, sizeof(usual), "%u", mask ? mask_length(mask) : class_length(&address));
	if (!length)
		length = usual;
	(void)snprintf(text, sizeof(text), "%.45s/%.45s", json_string_value(json_object_get(ip, "address")), length);
	if (usage_parse_text(text, ret_prefix) && ret_prefix->length)
		return true;
	if (network_is_placeholder(mask ? mask : length)) {
		reader_warning(&usage->reader, mask ? "netmask" : "prefix", RULE_INVALID_VALUE,
			       "\"%.64s\" stands for a value that is still to come, so it is not checked",
			       mask ? mask : length);
		return false;
	}
	usage_fault(usage, mask ? "netmask" : "prefix", "the network of address %.64s can't be read: %s \"%.64s\"",
		    json_string_value(json_object_get(ip, "address")), mask ? "netmask" : "prefix",
		    mask ? mask : length);
	return false;
}

/** read_ip() - An `ip` element: the bridge's address and its network */
static void read_ip(struct usage_reader *usage, const json_t *ip)
{
	struct prefix network;

	if (!json_object_get(ip, "address") || !read_network(usage, ip, &network))
		return;
	network.address.value = prefix_span(&network).first;
	usage_take_network(usage, "address", &network, NULL);
	usage_take_gateway(usage, ip, "address");
}

/** read_host() - A `host` element of dhcp: an address by name */
static void read_host(struct usage_reader *usage, const json_t *host)
{
	struct usage found = {.kind = USAGE_ADDRESS};
	struct address address = {.family = FAMILY_NONE};

	if (!json_object_get(host, "ip") || !usage_address(usage, host, "ip", FAMILY_NONE, &address))
		return;
	found.network = (struct prefix){.address = address, .length = (uint8_t)family_bits(address.family)};
	found.span = span_of_address(&address);
	usage_add(usage, "ip", &found);
}

/** read_each() - Each child of a name; the reader is at the element */
static void read_each(struct usage_reader *usage, const json_t *element, const char *name,
		      void (*read)(struct usage_reader *usage, const json_t *child))
{
	const json_t *children = json_object_get(element, name);
	size_t mark = pointer_push_key(&usage->reader.at, name);

	for (size_t i = 0; i < json_array_size(children); i++) {
		size_t inner = pointer_push_index(&usage->reader.at, i);

		read(usage, json_array_get(children, i));
		pointer_pop(&usage->reader.at, inner);
	}
	pointer_pop(&usage->reader.at, mark);
}

/** read_dhcp() - A `dhcp` element; its ranges are parts of the network */
static void read_dhcp(struct usage_reader *usage, const json_t *dhcp)
{
	read_each(usage, dhcp, "host", read_host);
}

/** read_whole_ip() - An `ip` element with its dhcp */
static void read_whole_ip(struct usage_reader *usage, const json_t *ip)
{
	read_ip(usage, ip);
	read_each(usage, ip, "dhcp", read_dhcp);
}

/** read_libvirt() - A `network` element */
static void read_libvirt(struct usage_reader *usage, const json_t *network)
{
	read_each(usage, network, "ip", read_whole_ip);
}

/** usage_read_libvirt() - Addresses that a network of libvirt uses; as usage_read_netavark() */
int usage_read_libvirt(const json_t *object, const char *file, const char *pointer, struct usages *usages,
		       struct report *report)
{
	struct usage_reader usage = {.reader = {.file = file, .report = report, .at = pointer_of(pointer)},
				     .usages = usages};

	read_each(&usage, object, "network", read_libvirt);
	return usage.failed ? -ENOMEM : 0;
}
