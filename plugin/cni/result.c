/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The result of an ADD: building it, and writing it in the format of each version of the specification. Keys that a
 * version doesn't know are left out, and keys stand in the order of the reference plugins. Pure.
 */

#include "plugin/cni/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rangeguard/cleanup.h"

/** interface_done() - Release the texts of @interface */
static void interface_done(struct result_interface *interface)
{
	free(interface->name);
	free(interface->mac);
	free(interface->sandbox);
	free(interface->socket_path);
	free(interface->pci_id);
}

/** text_copy() - Copy of @text for free(3), "" for NULL; NULL when out of memory */
static char *text_copy(const char *text)
{
	return strdup(text ? text : "");
}

/**
 * result_add_interface() - Add an interface behind those that are there
 * @result:	Result to add to
 * @name:	Its name
 * @mac:	Its MAC address as text, NULL or empty: none
 * @sandbox:	Its namespace as CNI_NETNS says it, NULL or empty: the host's
 * @mtu:	Its MTU, 0: not known
 *
 * Return: 0, -ENOMEM
 */
int result_add_interface(struct result *result, const char *name, const char *mac, const char *sandbox, unsigned mtu)
{
	struct result_interface added = {
		.name = text_copy(name),
		.mac = text_copy(mac),
		.sandbox = text_copy(sandbox),
		.socket_path = text_copy(NULL),
		.pci_id = text_copy(NULL),
		.mtu = mtu,
	};
	struct result_interface *larger = NULL;

	if (added.name && added.mac && added.sandbox && added.socket_path && added.pci_id)
		larger = reallocarray(result->interfaces, result->n_interfaces + 1, sizeof(*larger));
	if (!larger) {
		interface_done(&added);
		return -ENOMEM;
	}
	larger[result->n_interfaces++] = added;
	result->interfaces = larger;
	return 0;
}

/**
 * result_add_ip() - Add a copy of an address behind those that are there
 * @result:	Result to add to
 * @ip:		Address
 *
 * Return: 0, -ENOMEM
 */
int result_add_ip(struct result *result, const struct result_ip *ip)
{
	struct result_ip *larger = reallocarray(result->ips, result->n_ips + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	larger[result->n_ips++] = *ip;
	result->ips = larger;
	return 0;
}

/**
 * result_add_route() - Add a copy of a route behind those that are there
 * @result:	Result to add to
 * @route:	Route
 *
 * Return: 0, -ENOMEM
 */
int result_add_route(struct result *result, const struct route *route)
{
	struct route *larger = reallocarray(result->routes, result->n_routes + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	larger[result->n_routes++] = *route;
	result->routes = larger;
	return 0;
}

/** result_done() - Release what @result owns; all zero is fine, and what it is afterwards */
void result_done(struct result *result)
{
	for (size_t i = 0; i < result->n_interfaces; i++)
		interface_done(&result->interfaces[i]);
	free(result->interfaces);
	free(result->ips);
	free(result->routes);
	json_decref(result->dns);
	*result = (struct result){.interfaces = NULL};
}

/** put_text() - Set @key of @object to @text unless that is empty; 0, -1 */
static int put_text(json_t *object, const char *key, const char *text)
{
	return *text ? json_object_set_new(object, key, json_string(text)) : 0;
}

/** put_number() - Set @key of @object to @number unless that is negative; 0, -1 */
static int put_number(json_t *object, const char *key, long number)
{
	return number >= 0 ? json_object_set_new(object, key, json_integer(number)) : 0;
}

/** put_address() - Set @key of @object to the text of @address, if there is one; 0, -1 */
static int put_address(json_t *object, const char *key, const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];

	return address->family != FAMILY_NONE ? put_text(object, key, address_format(address, text)) : 0;
}

/** put_prefix() - Set @key of @object to the text of @prefix; 0, -1 */
static int put_prefix(json_t *object, const char *key, const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	return put_text(object, key, prefix_format(prefix, text));
}

/** put_list() - Set @key of @object to @list unless that is empty; takes a reference of its own; 0, -1 */
static int put_list(json_t *object, const char *key, json_t *list)
{
	if (!list)
		return -1;
	return json_array_size(list) > 0 ? json_object_set(object, key, list) : 0;
}

/**
 * write_interface() - One element of `interfaces`
 * @interface:	Interface
 * @version:	Version of the format, 0.3.0 or later
 *
 * Return: the object, NULL when out of memory
 */
static json_t *write_interface(const struct result_interface *interface, enum cni_version version)
{
	bool newest = version >= CNI_1_1_0;
	json_auto_t *object = json_object();

	if (json_object_set_new(object, "name", json_string(interface->name)) < 0 ||
	    put_text(object, "mac", interface->mac) < 0 ||
	    (newest && interface->mtu > 0 && put_number(object, "mtu", (long)interface->mtu) < 0) ||
	    put_text(object, "sandbox", interface->sandbox) < 0 ||
	    (newest && put_text(object, "socketPath", interface->socket_path) < 0) ||
	    (newest && put_text(object, "pciID", interface->pci_id) < 0))
		return NULL;
	return TAKE_PTR(object);
}

/**
 * write_ip() - One element of `ips`
 * @ip:		Address
 * @version:	Version of the format, 0.3.0 or later
 *
 * Return: the object, NULL when out of memory
 */
static json_t *write_ip(const struct result_ip *ip, enum cni_version version)
{
	const char *family = ip->address.address.family == FAMILY_IPV4 ? "4" : "6";
	json_auto_t *object = json_object();

	if ((version < CNI_1_0_0 && put_text(object, "version", family) < 0) ||
	    put_number(object, "interface", ip->interface) < 0 || put_prefix(object, "address", &ip->address) < 0 ||
	    put_address(object, "gateway", &ip->gateway) < 0)
		return NULL;
	return TAKE_PTR(object);
}

/**
 * write_route() - One element of `routes`
 * @route:	Route
 * @version:	Version of the format
 *
 * Return: the object, NULL when out of memory
 */
static json_t *write_route(const struct route *route, enum cni_version version)
{
	json_auto_t *object = json_object();

	if (put_prefix(object, "dst", &route->destination) < 0 || put_address(object, "gw", &route->gateway) < 0)
		return NULL;
	if (version >= CNI_1_1_0 &&
	    (put_number(object, "mtu", route->mtu) < 0 || put_number(object, "advmss", route->advmss) < 0 ||
	     put_number(object, "priority", route->priority) < 0 || put_number(object, "table", route->table) < 0 ||
	     put_number(object, "scope", route->scope) < 0))
		return NULL;
	return TAKE_PTR(object);
}

/**
 * write_routes() - The array `routes`
 * @result:	Result
 * @version:	Version of the format
 * @family:	Only routes of this family, FAMILY_NONE: all
 *
 * Return: the array, NULL when out of memory
 */
static json_t *write_routes(const struct result *result, enum cni_version version, enum family family)
{
	json_auto_t *list = json_array();

	for (size_t i = 0; i < result->n_routes; i++) {
		const struct route *route = &result->routes[i];

		if (family != FAMILY_NONE && route->destination.address.family != family)
			continue;
		if (json_array_append_new(list, write_route(route, version)) < 0)
			return NULL;
	}
	return TAKE_PTR(list);
}

/** put_dns() - Set `dns`: up to 0.4.0 an object even without content, from 1.0.0 on left out then; 0, -1 */
static int put_dns(json_t *object, const struct result *result, enum cni_version version)
{
	if (result->dns && json_object_size(result->dns) > 0)
		return json_object_set(object, "dns", result->dns);
	return version < CNI_1_0_0 ? json_object_set_new(object, "dns", json_object()) : 0;
}

/**
 * put_family() - Set `ip4` or `ip6`, as 0.1.0 and 0.2.0 have them: the first address of the family, and its routes
 * @object:	Object to set it in
 * @result:	Result
 * @version:	Version of the format
 * @family:	IPv4 or IPv6; nothing is set when there is no such address
 *
 * Return: 0, -1
 */
static int put_family(json_t *object, const struct result *result, enum cni_version version, enum family family)
{
	json_auto_t *routes = write_routes(result, version, family);
	const struct result_ip *ip = result->ips;
	json_auto_t *value = json_object();
	size_t i = 0;

	while (i < result->n_ips && ip[i].address.address.family != family)
		i++;
	if (i == result->n_ips)
		return 0;
	if (put_prefix(value, "ip", &ip[i].address) < 0 || put_address(value, "gateway", &ip[i].gateway) < 0 ||
	    put_list(value, "routes", routes) < 0)
		return -1;
	return json_object_set(object, family == FAMILY_IPV4 ? "ip4" : "ip6", value);
}

/** put_lists() - Set `interfaces`, `ips` and `routes` of @result, as @version (0.3.0 or later) has them; 0, -1 */
static int put_lists(json_t *object, const struct result *result, enum cni_version version)
{
	json_auto_t *routes = write_routes(result, version, FAMILY_NONE);
	json_auto_t *interfaces = json_array();
	json_auto_t *ips = json_array();

	for (size_t i = 0; i < result->n_interfaces; i++)
		if (json_array_append_new(interfaces, write_interface(&result->interfaces[i], version)) < 0)
			return -1;
	for (size_t i = 0; i < result->n_ips; i++)
		if (json_array_append_new(ips, write_ip(&result->ips[i], version)) < 0)
			return -1;
	if (put_list(object, "interfaces", interfaces) < 0 || put_list(object, "ips", ips) < 0)
		return -1;
	return put_list(object, "routes", routes);
}

/**
 * result_to_json() - Write a result in the format of a version
 * @result:	Result; its texts are UTF-8
 * @version:	Version of the configuration
 * @reterr:	Why not
 *
 * 0.1.0 and 0.2.0 hold one address of each family; interfaces and further addresses are lost there, and without any
 * address there is no such result.
 *
 * Return: the object, NULL with @reterr set
 */
json_t *result_to_json(const struct result *result, enum cni_version version, struct error *reterr)
{
	json_auto_t *object = json_object();
	int r = json_object_set_new(object, "cniVersion", json_string(cni_version_text(version)));

	if (version < CNI_0_3_0 && result->n_ips == 0) {
		(void)error_set(reterr, ERROR_CONFIG,
				"a result of CNI %s cannot be without an address; cniVersion 0.3.0 or later is needed",
				cni_version_text(version));
		return NULL;
	}
	if (r == 0 && version < CNI_0_3_0) {
		r = put_family(object, result, version, FAMILY_IPV4);
		if (r == 0)
			r = put_family(object, result, version, FAMILY_IPV6);
	} else if (r == 0) {
		r = put_lists(object, result, version);
	}
	if (r < 0 || put_dns(object, result, version) < 0) {
		(void)error_no_memory(reterr);
		return NULL;
	}
	return TAKE_PTR(object);
}
