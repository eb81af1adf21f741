/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes of the `ipam` object, the addresses that are asked for by name, and what reading them and ranges share. Pure. */

#include "plugin/netconf/netconf_ipam.h"

#include <stdlib.h>
#include <string.h>

#include "rangeguard/cleanup.h"

/** netconf_reader_at_root() - A reader at the plugin's object, whatever @reader has descended into */
struct reader netconf_reader_at_root(const struct reader *reader, const struct netconf *netconf)
{
	struct reader at_root = *reader;

	at_root.at.length = (size_t)snprintf(at_root.at.text, sizeof(at_root.at.text), "%s", netconf->pointer);
	return at_root;
}

/**
 * netconf_read_address() - Read an address
 * @reader:		Reader
 * @object:		Object
 * @key:		Member
 * @family:		Family that it must be of, FAMILY_NONE: either
 * @ret_address:	Left alone when the member is absent
 *
 * Return: 0, REFUSED when reported
 */
int netconf_read_address(struct reader *reader, const json_t *object, const char *key, enum family family,
			 struct address *ret_address)
{
	const json_t *member = json_member(object, key);
	const char *text = json_member_text(reader, object, key);
	struct address address;

	if (!text)
		return member ? REFUSED : 0;
	if (address_parse(text, &address) < 0) {
		reader_error(reader, key, RULE_INVALID_VALUE, "%s \"%.64s\" is not an IP address", key, text);
		return REFUSED;
	}
	if (family != FAMILY_NONE && address.family != family) {
		reader_error(reader, key, RULE_INVALID_VALUE, "%s %s is not of the subnet's address family", key, text);
		return REFUSED;
	}
	*ret_address = address;
	return 0;
}

/** read_route() - One element of `routes`; REFUSED when reported */
static int read_route(struct reader *reader, const json_t *object, struct route *ret_route)
{
	static const char *const keys[] = {"dst", "gw", "mtu", "advmss", "priority", "table", "scope", NULL};
	struct route route = {.mtu = -1, .advmss = -1, .priority = -1, .table = -1, .scope = -1};
	long long mtu = -1, advmss = -1, priority = -1, table = -1, scope = -1;
	const char *text;

	if (!json_is_object(object)) {
		reader_error(reader, NULL, RULE_INVALID_VALUE, "a route must be an object with a dst");
		return REFUSED;
	}
	json_check_keys(reader, object, keys);
	text = json_member_text(reader, object, "dst");
	if (!text || prefix_parse(text, &route.destination) < 0) {
		reader_error(reader, "dst", RULE_INVALID_VALUE, "a route needs a dst in the form ADDRESS/LENGTH");
		return REFUSED;
	}
	route.destination.address.value = prefix_span(&route.destination).first;
	if (netconf_read_address(reader, object, "gw", route.destination.address.family, &route.gateway) ||
	    json_member_integer(reader, object, "mtu", 0, LIMIT_MTU_MAX, &mtu) ||
	    json_member_integer(reader, object, "advmss", 0, LIMIT_MTU_MAX, &advmss) ||
	    json_member_integer(reader, object, "priority", 0, UINT32_MAX, &priority) ||
	    json_member_integer(reader, object, "table", 0, UINT32_MAX, &table) ||
	    json_member_integer(reader, object, "scope", 0, UINT8_MAX, &scope))
		return REFUSED;
	route.mtu = (long)mtu;
	route.advmss = (long)advmss;
	route.priority = (long)priority;
	route.table = (long)table;
	route.scope = (long)scope;
	*ret_route = route;
	return 0;
}

/** check_route_family() - A route of the interface role needs an address of its family */
static void check_route_family(struct reader *reader, const struct netconf *netconf, const struct route *route)
{
	char text[PREFIX_TEXT_MAX];

	if (netconf->role == ROLE_INTERFACE && netconf->n_sets &&
	    !range_sets_have(netconf->sets, netconf->n_sets, route->destination.address.family))
		reader_error(reader, "dst", RULE_INVALID_VALUE,
			     "route to %s, but no range gives an address of that family",
			     prefix_format(&route->destination, text));
}

/**
 * netconf_read_routes() - `ipam.routes`: absent, `[]` and a list mean different things
 * @reader:	Reader, at the ipam object
 * @ipam:	The ipam object, NULL when it could not be read
 * @netconf:	Its routes are filled
 */
void netconf_read_routes(struct reader *reader, const json_t *ipam, struct netconf *netconf)
{
	const json_t *routes = json_member_array(reader, ipam, "routes", LIMIT_ROUTES);
	size_t mark = pointer_push_key(&reader->at, "routes");
	size_t index;
	json_t *element;

	netconf->routes_given = routes;
	netconf->routes = calloc(json_array_size(routes) + 1, sizeof(*netconf->routes));
	if (!netconf->routes)
		reader_no_memory(reader);
	json_array_foreach((json_t *)(uintptr_t)routes, index, element) {
		size_t inner = pointer_push_index(&reader->at, index);

		if (netconf->routes && !read_route(reader, element, &netconf->routes[netconf->n_routes]))
			check_route_family(reader, netconf, &netconf->routes[netconf->n_routes++]);
		pointer_pop(&reader->at, inner);
	}
	pointer_pop(&reader->at, mark);
}

/** add_requested() - One address asked for by name; its prefix length, if it has one, says nothing (as in host-local) */
static void add_requested(struct reader *reader, const char *source, const char *text, struct netconf *netconf)
{
	struct address address;
	struct prefix prefix;

	if (!prefix_parse(text, &prefix)) {
		address = prefix.address;
	} else if (address_parse(text, &address) < 0) {
		reader_error(reader, NULL, RULE_INVALID_VALUE, "address \"%.64s\" asked for by %s is not an IP address",
			     text, source);
		return;
	}
	if (netconf->n_requested == LIMIT_RANGE_SETS) {
		reader_error(reader, NULL, RULE_INVALID_VALUE, "%s asks for more than %u addresses", source,
			     LIMIT_RANGE_SETS);
		return;
	}
	if (!netconf->requested)
		netconf->requested = calloc(LIMIT_RANGE_SETS, sizeof(*netconf->requested));
	if (!netconf->requested_at)
		netconf->requested_at = calloc(LIMIT_RANGE_SETS, sizeof(*netconf->requested_at));
	if (!netconf->requested || !netconf->requested_at) {
		reader_no_memory(reader);
		return;
	}
	(void)snprintf(netconf->requested_at[netconf->n_requested], RANGE_POINTER_MAX, "%.*s", RANGE_POINTER_MAX - 1,
		       reader->at.text);
	netconf->requested[netconf->n_requested++] = address;
}

/**
 * read_requested_ips() - Addresses of member `ips`, which replace those of a weaker source
 * @reader:	Reader, at @object
 * @object:	Object with the member, NULL: none
 * @source:	Name of the member, for messages
 * @netconf:	Its requested addresses are replaced when the member is there
 */
static void read_requested_ips(struct reader *reader, const json_t *object, const char *source, struct netconf *netconf)
{
	const json_t *ips = json_member_array(reader, object, "ips", LIMIT_RANGE_SETS);
	size_t mark = pointer_push_key(&reader->at, "ips");
	size_t index;
	json_t *element;

	if (ips)
		netconf->n_requested = 0;
	json_array_foreach((json_t *)(uintptr_t)ips, index, element) {
		size_t inner = pointer_push_index(&reader->at, index);

		if (json_is_string(element))
			add_requested(reader, source, json_string_value(element), netconf);
		else
			reader_error(reader, NULL, RULE_INVALID_VALUE, "%s[%zu] must be a string", source, index);
		pointer_pop(&reader->at, inner);
	}
	pointer_pop(&reader->at, mark);
}

/** read_requested_list() - Addresses with commas between them, asked for by @source */
static void read_requested_list(struct reader *reader, const char *source, const char *text, struct netconf *netconf)
{
	CLEANUP_FREE char *copy = strdup(text);
	char *rest = copy;
	char *one;

	if (!copy)
		reader_no_memory(reader);
	while ((one = strsep(&rest, ",")))
		add_requested(reader, source, one + strspn(one, " "), netconf);
}

/** read_annotation() - Addresses that the pod chose, in the place of those of a weaker source; at runtimeConfig */
static void read_annotation(struct reader *reader, const json_t *root, struct netconf *netconf)
{
	size_t mark = pointer_push_key(&reader->at, NETCONF_ANNOTATIONS);
	const char *text = netconf_annotation(reader, root, netconf, CHOICE_ADDRESSES);

	if (text) {
		netconf->n_requested = 0;
		(void)pointer_push_key(&reader->at, "rangeguard.dev/addresses");
		read_requested_list(reader, "the pod's annotation rangeguard.dev/addresses", text, netconf);
	}
	pointer_pop(&reader->at, mark);
}

/**
 * netconf_read_requested() - The addresses asked for by name: CNI_ARGS < args.cni.ips < annotation < runtimeConfig.ips
 * @reader:	Reader
 * @root:	Plugin's object
 * @args:	CNI_ARGS, NULL when there is no call
 * @netconf:	Its requested addresses are filled
 */
void netconf_read_requested(struct reader *reader, const json_t *root, const struct cni_args *args,
			    struct netconf *netconf)
{
	const json_t *cni = json_member(json_member(root, "args"), "cni");
	struct reader at_root = netconf_reader_at_root(reader, netconf);
	size_t mark;

	if (args && args->ip && *args->ip)
		read_requested_list(reader, "IP= of CNI_ARGS", args->ip, netconf);
	mark = pointer_push_key(&at_root.at, "args");
	(void)pointer_push_key(&at_root.at, "cni");
	read_requested_ips(&at_root, cni, "args.cni.ips", netconf);
	pointer_pop(&at_root.at, mark);
	(void)pointer_push_key(&at_root.at, "runtimeConfig");
	read_annotation(&at_root, root, netconf);
	read_requested_ips(&at_root, json_member(root, "runtimeConfig"), "runtimeConfig.ips", netconf);
}
