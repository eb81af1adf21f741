/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From configuration and lease to the state wanted in the kernel. Pure: no descriptor, no system call, no clock. */

#include "plugin/network/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rangeguard/cleanup.h"

/** Bytes of the attachment's digest in the host end's name: "rg" and 12 digits leave room in IFNAMSIZ */
#define NAME_BYTES 6
/** Where in the digest the MAC addresses begin; both differ in their first byte */
#define MAC_OFFSET 6
/** IEEE 802: locally administered unicast */
#define MAC_HOST_FIRST 0x52
#define MAC_CONTAINER_FIRST 0x5a
/** Scopes from RT_SCOPE_LINK (linux/rtnetlink.h) on mean "without a gateway" */
#define SCOPE_LINK 253

/** hex_format() - Write @size bytes as lower-case digits and a NUL */
static void hex_format(const uint8_t *bytes, size_t size, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 15];
	}
	*text = '\0';
}

/** hex_digit() - Value of a hexadecimal digit, -1 for anything else */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/** hex_byte() - Value of the two hexadecimal digits that @text begins with, -1 for anything else */
static int hex_byte(const char *text)
{
	int high = hex_digit(text[0]);
	int low = high < 0 ? -1 : hex_digit(text[1]);

	return low < 0 ? -1 : high << 4 | low;
}

/** plan_host_name_of_key() - plan_host_name() where only the digest of the attachment is known */
void plan_host_name_of_key(const struct attachment_key *key, char name[static IFNAMSIZ])
{
	name[0] = 'r';
	name[1] = 'g';
	hex_format(key->bytes, NAME_BYTES, name + 2);
}

/**
 * plan_host_name() - Name of an attachment's host end
 * @attachment:	Attachment
 * @name:	Filled: "rg" and 12 hex digits of its digest
 */
void plan_host_name(const struct attachment *attachment, char name[static IFNAMSIZ])
{
	struct attachment_key key = attachment_key(attachment);

	plan_host_name_of_key(&key, name);
}

/**
 * plan_host_mac() - MAC address of an attachment's host end, which marks it as ours until it has its alias
 * @attachment:	Attachment
 * @mac:	Filled
 */
void plan_host_mac(const struct attachment *attachment, uint8_t mac[static ETH_ALEN])
{
	struct attachment_key key = attachment_key(attachment);

	memcpy(mac, key.bytes + MAC_OFFSET, ETH_ALEN);
	mac[0] = MAC_HOST_FIRST;
}

/** plan_container_mac() - MAC address of an attachment's container end, unless one was asked for */
void plan_container_mac(const struct attachment *attachment, uint8_t mac[static ETH_ALEN])
{
	plan_host_mac(attachment, mac);
	mac[0] = MAC_CONTAINER_FIRST;
}

/**
 * plan_alias() - Alias of an attachment's host end
 * @attachment:	Attachment
 * @alias:	Filled: "rangeguard NETWORK CONTAINERID IFNAME"; "rangeguard #" and the digest where that is too long
 */
void plan_alias(const struct attachment *attachment, char alias[static PLAN_ALIAS_MAX])
{
	static const char digest_prefix[] = "rangeguard #";
	struct attachment_key key;
	int length = snprintf(alias, PLAN_ALIAS_MAX, "rangeguard %s %s %s", attachment->network,
			      attachment->container_id, attachment->ifname);

	if (length >= 0 && length < PLAN_ALIAS_MAX)
		return;
	key = attachment_key(attachment);
	memcpy(alias, digest_prefix, sizeof(digest_prefix) - 1);
	hex_format(key.bytes, sizeof(key.bytes), alias + sizeof(digest_prefix) - 1);
}

/**
 * plan_parse_digest() - Read the digest of an alias that is too long for its texts
 * @text:	32 hexadecimal digits
 * @ret_key:	Digest of the attachment
 *
 * Return: 0, -EINVAL
 */
int plan_parse_digest(const char *text, struct attachment_key *ret_key)
{
	struct attachment_key key;

	if (strlen(text) != 2 * sizeof(key.bytes))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(key.bytes); i++) {
		int byte = hex_byte(text + 2 * i);

		if (byte < 0)
			return -EINVAL;
		key.bytes[i] = (uint8_t)byte;
	}
	*ret_key = key;
	return 0;
}

/** plan_next_hop() - The host's address that is the next hop of a container's default route in @family */
struct address plan_next_hop(enum family family)
{
	struct address next_hop = {0};

	(void)address_parse(family == FAMILY_IPV4 ? PLAN_NEXT_HOP_IPV4 : PLAN_NEXT_HOP_IPV6, &next_hop);
	return next_hop;
}

/**
 * mac_parse() - Read a MAC address "00:11:22:aa:bb:cc"; dashes will do for colons
 * @text:	Text
 * @mac:	Written on success
 *
 * Return: 0, -EINVAL for anything else, a group address or all zeros, which no interface can have
 */
int mac_parse(const char *text, uint8_t mac[static ETH_ALEN])
{
	static const uint8_t zeros[ETH_ALEN];
	uint8_t bytes[ETH_ALEN];
	char separator;

	if (strlen(text) != PLAN_MAC_TEXT_MAX - 1 || (text[2] != ':' && text[2] != '-'))
		return -EINVAL;
	separator = text[2];
	for (size_t i = 0; i < ETH_ALEN; i++) {
		int byte = hex_byte(text + 3 * i);

		if (byte < 0 || (i + 1 < ETH_ALEN && text[3 * i + 2] != separator))
			return -EINVAL;
		bytes[i] = (uint8_t)byte;
	}
	if (bytes[0] & 1 || memcmp(bytes, zeros, sizeof(zeros)) == 0)
		return -EINVAL;
	memcpy(mac, bytes, sizeof(bytes));
	return 0;
}

/**
 * mac_format() - Text of a MAC address
 * @mac:	Address
 * @buffer:	Space for it
 *
 * Return: @buffer
 */
const char *mac_format(const uint8_t mac[static ETH_ALEN], char buffer[static PLAN_MAC_TEXT_MAX])
{
	(void)snprintf(buffer, PLAN_MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		       mac[4], mac[5]);
	return buffer;
}

/** plan_has_family() - Whether the container has an address of @family */
bool plan_has_family(const struct plan *plan, enum family family)
{
	for (size_t i = 0; i < plan->n_addresses; i++)
		if (plan->addresses[i].family == family)
			return true;
	return false;
}

/**
 * plan_neighbours() - Addresses for which the host end answers in the container: all next hops are the host
 * @plan:	Plan
 * @neighbours:	Space for two more than there are routes
 *
 * Return: how many, each once
 */
size_t plan_neighbours(const struct plan *plan, struct address *neighbours)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (plan_has_family(plan, families[i]))
			neighbours[n++] = plan_next_hop(families[i]);
	for (size_t i = 0; i < plan->n_routes; i++) {
		size_t known = 0;

		while (known < n && !address_equal(&neighbours[known], &plan->routes[i].gateway))
			known++;
		if (known == n && plan->routes[i].gateway.family != FAMILY_NONE)
			neighbours[n++] = plan->routes[i].gateway;
	}
	return n;
}

/**
 * copy_routes() - The routes that the configuration lists, next hops filled in
 * @input:	Input
 * @plan:	Plan with its addresses; its routes are set
 *
 * Return: 0, -ENOMEM, -EAFNOSUPPORT for a route of a family in which the container has no address
 */
static int copy_routes(const struct plan_input *input, struct plan *plan)
{
	if (!input->n_routes)
		return 0;
	plan->routes = calloc(input->n_routes, sizeof(*plan->routes));
	if (!plan->routes)
		return -ENOMEM;
	for (size_t i = 0; i < input->n_routes; i++) {
		struct route *route = &plan->routes[plan->n_routes++];

		*route = input->routes[i];
		if (!plan_has_family(plan, route->destination.address.family))
			return -EAFNOSUPPORT;
		if (route->gateway.family == FAMILY_NONE && route->scope < SCOPE_LINK)
			route->gateway = plan_next_hop(route->destination.address.family);
	}
	return 0;
}

/**
 * make_default_routes() - A default route for each family with an address
 * @plan:	Plan with its addresses; its routes are set
 *
 * Return: 0, -ENOMEM
 */
static int make_default_routes(struct plan *plan)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};

	plan->routes = calloc(2, sizeof(*plan->routes));
	if (!plan->routes)
		return -ENOMEM;
	for (size_t i = 0; i < 2; i++) {
		if (!plan_has_family(plan, families[i]))
			continue;
		plan->routes[plan->n_routes++] = (struct route){
			.destination = {.address = {.family = families[i]}},
			.gateway = plan_next_hop(families[i]),
			.mtu = -1,
			.advmss = -1,
			.priority = -1,
			.table = -1,
			.scope = -1,
		};
	}
	return 0;
}

/**
 * set_mtu() - Check the MTU and set it
 * @input:	Input
 * @plan:	Plan with its addresses
 *
 * Return: 0, -ERANGE when the kernel would not take it, or not with IPv6
 */
static int set_mtu(const struct plan_input *input, struct plan *plan)
{
	unsigned least = plan_has_family(plan, FAMILY_IPV6) ? LIMIT_MTU_MIN_IPV6 : LIMIT_MTU_MIN;

	if (input->mtu < least || input->mtu > LIMIT_MTU_MAX)
		return -ERANGE;
	plan->mtu = input->mtu;
	return 0;
}

/**
 * set_names() - Names, alias and MAC addresses
 * @input:	Input
 * @plan:	They are set
 *
 * Return: 0, -EINVAL for an interface name or MAC address that can't be
 */
static int set_names(const struct plan_input *input, struct plan *plan)
{
	size_t length = strlen(input->attachment->ifname);

	if (!length || length >= sizeof(plan->container_name))
		return -EINVAL;
	memcpy(plan->container_name, input->attachment->ifname, length + 1);
	plan_host_name(input->attachment, plan->host_name);
	plan_alias(input->attachment, plan->alias);
	plan_host_mac(input->attachment, plan->host_mac);
	plan_container_mac(input->attachment, plan->container_mac);
	return input->mac ? mac_parse(input->mac, plan->container_mac) : 0;
}

/**
 * plan_make() - Make the plan of an attachment
 * @input:	What it is made of
 * @ret_plan:	Plan; plan_done() it
 *
 * Return: 0, -ENOMEM, -EINVAL for an interface name or MAC address that can't be, -ERANGE for such an MTU, -E2BIG for
 * too many addresses or routes, -EAFNOSUPPORT for a route of a family in which the container has no address
 */
int plan_make(const struct plan_input *input, struct plan *ret_plan)
{
	struct plan plan PLAN_CLEANUP = {0};
	int r;

	if (input->n_addresses > LIMIT_RANGE_SETS || input->n_routes > LIMIT_ROUTES)
		return -E2BIG;
	for (; plan.n_addresses < input->n_addresses; plan.n_addresses++)
		plan.addresses[plan.n_addresses] = input->addresses[plan.n_addresses];
	r = set_names(input, &plan);
	if (!r)
		r = set_mtu(input, &plan);
	if (!r)
		r = input->default_routes ? make_default_routes(&plan) : copy_routes(input, &plan);
	if (r)
		return r;
	*ret_plan = plan;
	plan.routes = NULL;
	return 0;
}

/** plan_done() - Free what the plan owns */
void plan_done(struct plan *plan)
{
	free(plan->routes);
	plan->routes = NULL;
	plan->n_routes = 0;
}
