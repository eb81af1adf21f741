/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a result (prevResult) in the format of each version of the specification. Pure.
 *
 * It may be another plugin's: keys not known to us or to the version are passed over, null is as good as absent. What
 * is read must be right, though, since decisions rest on it. A value of the wrong type or form is ERROR_DECODE; one
 * that can be read and cannot be meant (another version, an interface that isn't there, too many) is ERROR_CONFIG.
 */

#include "plugin/cni/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** Longest is "/prevResult/interfaces/" and an index */
#define WHERE_MAX 64

/**
 * struct result_reader - The state of reading one result
 * @version:	Version of the format
 * @result:	What was read so far
 * @where:	JSON pointer to the object that is being read
 * @reterr:	Why not
 */
struct result_reader {
	enum cni_version version;
	struct result result;
	char where[WHERE_MAX];
	struct error *reterr;
};

/** What reads one element of an array into the reader's result: 0, REFUSED */
typedef int (*read_element_fn)(struct result_reader *reader, const json_t *element);

/** present() - Value of @key in @object, NULL when it is absent or null */
static json_t *present(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

/** malformed() - Refuse @key of the object being read, which is not @wanted; REFUSED */
static int malformed(struct result_reader *reader, const char *key, const char *wanted)
{
	return error_set(reader->reterr, ERROR_DECODE, "%s/%s: not %s", reader->where, key, wanted);
}

/** malformed_text() - As malformed(), where the value is the string @text */
static int malformed_text(struct result_reader *reader, const char *key, const char *text, const char *wanted)
{
	return error_set(reader->reterr, ERROR_DECODE, "%s/%s: '%s' is not %s", reader->where, key, text, wanted);
}

/**
 * read_text() - Read a string
 * @reader:	Reader
 * @object:	Object that is being read
 * @key:	Key of the string
 * @ret_text:	The string, borrowed from @object; "" when it is absent
 *
 * Return: 0, REFUSED
 */
static int read_text(struct result_reader *reader, const json_t *object, const char *key, const char **ret_text)
{
	const json_t *value = present(object, key);

	if (value && !json_is_string(value))
		return malformed(reader, key, "a string");
	*ret_text = value ? json_string_value(value) : "";
	return 0;
}

/**
 * read_number() - Read an integer
 * @reader:	Reader
 * @object:	Object that is being read
 * @key:	Key of the integer
 * @max:	Highest value, the lowest is 0
 * @number:	The integer; kept as it is when the key is absent
 *
 * Return: 0, REFUSED
 */
static int read_number(struct result_reader *reader, const json_t *object, const char *key, long max, long *number)
{
	const json_t *value = present(object, key);

	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
		return error_set(reader->reterr, ERROR_DECODE, "%s/%s: not an integer from 0 to %ld", reader->where,
				 key, max);
	*number = (long)json_integer_value(value);
	return 0;
}

/**
 * read_prefix() - Read ADDRESS/LENGTH, which must be there
 * @reader:	Reader
 * @object:	Object that is being read
 * @key:	Key of the string
 * @ret_prefix:	Prefix read
 *
 * Return: 0, REFUSED
 */
static int read_prefix(struct result_reader *reader, const json_t *object, const char *key, struct prefix *ret_prefix)
{
	const char *text = "";

	if (read_text(reader, object, key, &text))
		return REFUSED;
	if (prefix_parse(text, ret_prefix) < 0)
		return malformed_text(reader, key, text, "an address with a prefix length");
	return 0;
}

/**
 * read_gateway() - Read an address that may be absent or empty
 * @reader:		Reader
 * @object:		Object that is being read
 * @key:		Key of the string
 * @ret_address:	Address read, FAMILY_NONE for none
 *
 * Return: 0, REFUSED
 */
static int read_gateway(struct result_reader *reader, const json_t *object, const char *key,
			struct address *ret_address)
{
	const char *text = "";

	if (read_text(reader, object, key, &text))
		return REFUSED;
	*ret_address = (struct address){.family = FAMILY_NONE};
	if (*text && address_parse(text, ret_address) < 0)
		return malformed_text(reader, key, text, "an address");
	return 0;
}

/** replace_text() - Let @text own a copy of @with; 0, REFUSED */
static int replace_text(struct result_reader *reader, char **text, const char *with)
{
	char *copy = strdup(with);

	if (!copy)
		return error_no_memory(reader->reterr);
	free(*text);
	*text = copy;
	return 0;
}

/** read_interface() - Read one element of `interfaces`; 0, REFUSED */
static int read_interface(struct result_reader *reader, const json_t *element)
{
	const char *name = "", *mac = "", *sandbox = "", *socket_path = "", *pci_id = "";
	struct result *result = &reader->result;
	struct result_interface *added;
	long mtu = 0;

	if (read_text(reader, element, "name", &name) || read_text(reader, element, "mac", &mac) ||
	    read_text(reader, element, "sandbox", &sandbox))
		return REFUSED;
	if (reader->version >= CNI_1_1_0 &&
	    (read_number(reader, element, "mtu", UINT32_MAX, &mtu) ||
	     read_text(reader, element, "socketPath", &socket_path) || read_text(reader, element, "pciID", &pci_id)))
		return REFUSED;
	if (result_add_interface(result, name, mac, sandbox, (unsigned)mtu) < 0)
		return error_no_memory(reader->reterr);
	added = &result->interfaces[result->n_interfaces - 1];
	if (replace_text(reader, &added->socket_path, socket_path))
		return REFUSED;
	return replace_text(reader, &added->pci_id, pci_id);
}

/** check_ip_version() - Check `version` ("4", "6") of an element of `ips` against the address; 0, REFUSED */
static int check_ip_version(struct result_reader *reader, const json_t *element, enum family family)
{
	const char *text = "";

	if (read_text(reader, element, "version", &text))
		return REFUSED;
	if (*text == '\0' || strcmp(text, family == FAMILY_IPV4 ? "4" : "6") == 0)
		return 0;
	return error_set(reader->reterr, ERROR_CONFIG, "%s/version: '%s' is not the version of the address",
			 reader->where, text);
}

/** read_interface_index() - Read `interface` of an element of `ips`: absent and -1 mean unknown; 0, REFUSED */
static int read_interface_index(struct result_reader *reader, const json_t *element, int *ret_index)
{
	const json_t *value = present(element, "interface");
	json_int_t index = value ? json_integer_value(value) : -1;

	if (value && !json_is_integer(value))
		return malformed(reader, "interface", "an integer");
	if (index < -1 || index >= (json_int_t)reader->result.n_interfaces)
		return error_set(reader->reterr, ERROR_CONFIG,
				 "%s/interface: %" JSON_INTEGER_FORMAT " is not an index into the %zu interfaces",
				 reader->where, index, reader->result.n_interfaces);
	*ret_index = (int)index;
	return 0;
}

/** read_ip() - Read one element of `ips`; 0, REFUSED */
static int read_ip(struct result_reader *reader, const json_t *element)
{
	struct result_ip ip = {.interface = -1};

	if (read_prefix(reader, element, "address", &ip.address) ||
	    read_gateway(reader, element, "gateway", &ip.gateway) ||
	    read_interface_index(reader, element, &ip.interface))
		return REFUSED;
	if (reader->version < CNI_1_0_0 && check_ip_version(reader, element, ip.address.address.family))
		return REFUSED;
	return result_add_ip(&reader->result, &ip) < 0 ? error_no_memory(reader->reterr) : 0;
}

/** read_metrics() - Read the keys that routes have since 1.1.0; 0, REFUSED */
static int read_metrics(struct result_reader *reader, const json_t *element, struct route *route)
{
	const struct {
		const char *key;
		long max;
		long *number;
	} fields[] = {
		{"mtu", UINT32_MAX, &route->mtu},	    {"advmss", UINT32_MAX, &route->advmss},
		{"priority", UINT32_MAX, &route->priority}, {"table", UINT32_MAX, &route->table},
		{"scope", UINT8_MAX, &route->scope},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++)
		if (read_number(reader, element, fields[i].key, fields[i].max, fields[i].number))
			return REFUSED;
	return 0;
}

/** read_route() - Read one element of `routes`; 0, REFUSED */
static int read_route(struct result_reader *reader, const json_t *element)
{
	struct route route = {.mtu = -1, .advmss = -1, .priority = -1, .table = -1, .scope = -1};

	if (read_prefix(reader, element, "dst", &route.destination) ||
	    read_gateway(reader, element, "gw", &route.gateway))
		return REFUSED;
	if (reader->version >= CNI_1_1_0 && read_metrics(reader, element, &route))
		return REFUSED;
	return result_add_route(&reader->result, &route) < 0 ? error_no_memory(reader->reterr) : 0;
}

/**
 * read_list() - Read an array of objects
 * @reader:		Reader
 * @object:		Object that holds the array
 * @pointer:		JSON pointer of @object
 * @key:		Key of the array, which may be absent
 * @max:		Most elements that it may have
 * @read_element:	Reads each
 *
 * Return: 0, REFUSED
 */
static int read_list(struct result_reader *reader, const json_t *object, const char *pointer, const char *key,
		     size_t max, read_element_fn read_element)
{
	const json_t *list = present(object, key);

	if (list && !json_is_array(list))
		return error_set(reader->reterr, ERROR_DECODE, "%s/%s: not an array", pointer, key);
	if (json_array_size(list) > max)
		return error_set(reader->reterr, ERROR_CONFIG, "%s/%s: more than %zu elements", pointer, key, max);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *element = json_array_get(list, i);

		(void)snprintf(reader->where, sizeof(reader->where), "%s/%s/%zu", pointer, key, i);
		if (!json_is_object(element))
			return error_set(reader->reterr, ERROR_DECODE, "%s: not an object", reader->where);
		if (read_element(reader, element))
			return REFUSED;
	}
	return 0;
}

/**
 * read_family() - Read `ip4` or `ip6` of 0.1.0 and 0.2.0: an address and its routes
 * @reader:	Reader
 * @json:	Result
 * @family:	Which; may be absent
 *
 * Return: 0, REFUSED
 */
static int read_family(struct result_reader *reader, const json_t *json, enum family family)
{
	const char *pointer = family == FAMILY_IPV4 ? "/prevResult/ip4" : "/prevResult/ip6";
	const json_t *object = present(json, strrchr(pointer, '/') + 1);
	struct result_ip ip = {.interface = -1};

	if (!object)
		return 0;
	(void)snprintf(reader->where, sizeof(reader->where), "%s", pointer);
	if (!json_is_object(object))
		return error_set(reader->reterr, ERROR_DECODE, "%s: not an object", pointer);
	if (read_prefix(reader, object, "ip", &ip.address) || read_gateway(reader, object, "gateway", &ip.gateway))
		return REFUSED;
	if (ip.address.address.family != family)
		return error_set(reader->reterr, ERROR_CONFIG, "%s/ip: an address of the other family", pointer);
	if (result_add_ip(&reader->result, &ip) < 0)
		return error_no_memory(reader->reterr);
	return read_list(reader, object, pointer, "routes", LIMIT_ROUTES, read_route);
}

/** read_dns() - Read `dns`, which is kept as it is; without content it counts as absent; 0, REFUSED */
static int read_dns(struct result_reader *reader, const json_t *json)
{
	json_t *dns = present(json, "dns");

	if (dns && !json_is_object(dns))
		return error_set(reader->reterr, ERROR_DECODE, "/prevResult/dns: not an object");
	if (json_object_size(dns) > 0)
		reader->result.dns = json_incref(dns);
	return 0;
}

/**
 * read_version() - Find the version that the result is written in
 * @reader:	Reader, whose version is the configuration's; gets the result's
 * @json:	Result
 *
 * The runtime writes it in the configuration's version and may leave cniVersion out. 1.0.0 and 1.1.0 may be mixed, as
 * they are in the reference library.
 *
 * Return: 0, REFUSED
 */
static int read_version(struct result_reader *reader, const json_t *json)
{
	enum cni_version version = reader->version;
	const char *text = "";

	if (read_text(reader, json, "cniVersion", &text))
		return REFUSED;
	if (*text && cni_version_parse(text, &version))
		return error_set(reader->reterr, ERROR_CONFIG, "/prevResult/cniVersion: '%s' is not supported", text);
	if (version != reader->version && (version < CNI_1_0_0 || reader->version < CNI_1_0_0))
		return error_set(reader->reterr, ERROR_CONFIG,
				 "/prevResult/cniVersion: '%s' is not the configuration's '%s'", text,
				 cni_version_text(reader->version));
	reader->version = version;
	return 0;
}

/** read_lists() - Read `interfaces`, `ips` and `routes` of 0.3.0 and later; 0, REFUSED */
static int read_lists(struct result_reader *reader, const json_t *json)
{
	const char *root = "/prevResult";

	if (read_list(reader, json, root, "interfaces", LIMIT_RESULT_INTERFACES, read_interface) ||
	    read_list(reader, json, root, "ips", LIMIT_RESULT_INTERFACES, read_ip))
		return REFUSED;
	return read_list(reader, json, root, "routes", LIMIT_ROUTES, read_route);
}

/**
 * result_from_json() - Read a result
 * @json:	Result, the `prevResult` of a configuration; keeps owning what the struct's @dns refers to
 * @version:	Version of the configuration
 * @ret_result:	Result read, for result_done()
 * @reterr:	Why not, with a JSON pointer from the configuration's root
 *
 * Return: 0, REFUSED
 */
int result_from_json(const json_t *json, enum cni_version version, struct result *ret_result, struct error *reterr)
{
	struct result_reader reader = {.version = version, .where = "/prevResult", .reterr = reterr};
	int r = 0;

	if (!json_is_object(json))
		return error_set(reterr, ERROR_DECODE, "/prevResult: not an object");
	r = read_version(&reader, json);
	if (r == 0 && reader.version < CNI_0_3_0) {
		r = read_family(&reader, json, FAMILY_IPV4);
		if (r == 0)
			r = read_family(&reader, json, FAMILY_IPV6);
	} else if (r == 0) {
		r = read_lists(&reader, json);
	}
	if (r == 0)
		r = read_dns(&reader, json);
	if (r != 0) {
		result_done(&reader.result);
		return r;
	}
	*ret_result = reader.result;
	return 0;
}
