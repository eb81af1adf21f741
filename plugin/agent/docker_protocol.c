/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's plugin protocol for IPAM drivers as values. Pure. */

#include "plugin/agent/docker_protocol.h"

#include <string.h>

#include "plugin/cni/request.h"

#define OPTION_NETWORK "rangeguard.network"
#define OPTION_HOST_ROUTES "rangeguard.hostRoutes"
#define OPTION_DOCKER "com.docker."
#define OPTION_ADDRESS_TYPE "RequestAddressType"
#define ADDRESS_TYPE_GATEWAY "com.docker.network.gateway"

/** read_text() - A member that is a string, "" when absent: 0, REFUSED */
static int read_text(const json_t *request, const char *key, const char **ret_text, struct error *reterr)
{
	const json_t *value = json_object_get(request, key);

	*ret_text = "";
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return error_set(reterr, ERROR_DECODE, "%s must be a string", key);
	*ret_text = json_string_value(value);
	return 0;
}

/** read_prefix() - A CIDR; host bits are dropped, as Docker drops them: 0, REFUSED */
static int read_prefix(const char *what, const char *text, struct prefix *ret_prefix, struct error *reterr)
{
	struct span span;

	if (prefix_parse(text, ret_prefix) < 0)
		return error_set(reterr, ERROR_CONFIG, "%s \"%.64s\" is not a CIDR such as 172.30.5.0/24", what, text);
	span = prefix_span(ret_prefix);
	ret_prefix->address.value = span.first;
	return 0;
}

/** read_space() - AddressSpace: 0, REFUSED */
static int read_space(const json_t *request, struct error *reterr)
{
	const char *space;

	if (read_text(request, "AddressSpace", &space, reterr))
		return REFUSED;
	if (!strcmp(space, DOCKER_SPACE_GLOBAL))
		return error_set(
			reterr, ERROR_CONFIG,
			"rangeguard does not give addresses to networks of a swarm: all of its hosts would have to "
			"agree on them; create the network without --ipam-driver, or with a driver of local scope");
	if (*space && strcmp(space, DOCKER_SPACE_LOCAL) != 0)
		return error_set(reterr, ERROR_CONFIG, "address space \"%.64s\" is not " DOCKER_SPACE_LOCAL, space);
	return 0;
}

/** read_host_routes() - Its option: 0, REFUSED */
static int read_host_routes(const char *text, struct docker_wish *wish, struct error *reterr)
{
	static const char *const names[] = {"refuse", "warn", "off"};

	for (int i = 0; i < 3; i++)
		if (!strcmp(text, names[i])) {
			wish->host_routes = i;
			return 0;
		}
	return error_set(reterr, ERROR_CONFIG,
			 "option " OPTION_HOST_ROUTES " must be refuse, warn or off, not \"%.64s\"", text);
}

/** read_option() - One of --ipam-opt: 0, REFUSED */
static int read_option(const char *key, const json_t *value, struct docker_wish *wish, struct error *reterr)
{
	const char *text = json_string_value(value);

	if (!text)
		return error_set(reterr, ERROR_DECODE, "option %.64s must be a string", key);
	if (!strcmp(key, OPTION_HOST_ROUTES))
		return read_host_routes(text, wish, reterr);
	if (!strcmp(key, OPTION_NETWORK)) {
		if (!request_valid_name(text) || strlen(text) >= DOCKER_NETWORK_NAME_MAX)
			return error_set(reterr, ERROR_CONFIG,
					 "option " OPTION_NETWORK " must be a network's name, not \"%.64s\"", text);
		wish->network = text;
		return 0;
	}
	/* Docker's own are about its own things. */
	return strncmp(key, OPTION_DOCKER, strlen(OPTION_DOCKER)) == 0
		       ? 0
		       : error_set(reterr, ERROR_UNSUPPORTED_FIELD,
				   "unknown option \"%.64s\": rangeguard knows " OPTION_NETWORK
				   " and " OPTION_HOST_ROUTES,
				   key);
}

/** read_options() - Options of RequestPool: 0, REFUSED */
static int read_options(const json_t *request, struct docker_wish *wish, struct error *reterr)
{
	json_t *options = json_object_get(request, "Options");
	const char *key;
	json_t *value;

	if (!options || json_is_null(options))
		return 0;
	if (!json_is_object(options))
		return error_set(reterr, ERROR_DECODE, "Options must be an object");
	json_object_foreach(options, key, value)
		if (read_option(key, value, wish, reterr))
			return REFUSED;
	return 0;
}

/** read_named() - A subnet that is named, and its range: 0, REFUSED */
static int read_named(const char *pool, const char *sub_pool, struct docker_wish *wish, struct error *reterr)
{
	struct span subnet, range;

	wish->named = true;
	if (read_prefix("subnet", pool, &wish->subnet, reterr))
		return REFUSED;
	wish->range = wish->subnet;
	if (*sub_pool && read_prefix("ip-range", sub_pool, &wish->range, reterr))
		return REFUSED;
	if (wish->subnet.address.family != wish->family)
		return error_set(reterr, ERROR_CONFIG, "subnet %.64s is not of IPv%d, which Docker asked for", pool,
				 wish->family == FAMILY_IPV6 ? 6 : 4);
	subnet = prefix_span(&wish->subnet);
	range = prefix_span(&wish->range);
	if (wish->range.address.family != wish->family || !span_covers(&subnet, &range))
		return error_set(reterr, ERROR_CONFIG, "ip-range %.64s is not part of subnet %.64s", sub_pool, pool);
	return 0;
}

/**
 * docker_read_wish() - Read a RequestPool
 * @request:	Object
 * @ret_wish:	What is wanted; borrows from @request
 * @reterr:	What is wrong with it
 *
 * Return: 0, REFUSED
 */
int docker_read_wish(const json_t *request, struct docker_wish *ret_wish, struct error *reterr)
{
	struct docker_wish wish = {.family = FAMILY_IPV4, .network = DOCKER_NETWORK_DEFAULT, .host_routes = -1};
	const json_t *v6 = json_object_get(request, "V6");
	const char *pool, *sub_pool;

	if (read_space(request, reterr) || read_text(request, "Pool", &pool, reterr) ||
	    read_text(request, "SubPool", &sub_pool, reterr) || read_options(request, &wish, reterr))
		return REFUSED;
	if (v6 && !json_is_boolean(v6) && !json_is_null(v6))
		return error_set(reterr, ERROR_DECODE, "V6 must be true or false");
	if (json_is_true(v6))
		wish.family = FAMILY_IPV6;
	if (!*pool && *sub_pool)
		return error_set(reterr, ERROR_CONFIG, "an ip-range needs a subnet: name it with --subnet");
	if (*pool && read_named(pool, sub_pool, &wish, reterr))
		return REFUSED;
	*ret_wish = wish;
	return 0;
}

/** read_address() - Address, which may have a prefix length as Docker's own do: 0, REFUSED */
static int read_address(const json_t *request, struct docker_ask *ask, struct error *reterr)
{
	struct prefix prefix;
	const char *text;

	if (read_text(request, "Address", &text, reterr))
		return REFUSED;
	if (!*text || address_parse(text, &ask->address) == 0)
		return 0;
	if (prefix_parse(text, &prefix) < 0)
		return error_set(reterr, ERROR_CONFIG, "\"%.64s\" is not an address", text);
	ask->address = prefix.address;
	return 0;
}

/** read_type() - Whether it is a gateway: 0, REFUSED */
static int read_type(const json_t *request, struct docker_ask *ask, struct error *reterr)
{
	const json_t *options = json_object_get(request, "Options");
	const char *type;

	if (!options || json_is_null(options))
		return 0;
	if (!json_is_object(options))
		return error_set(reterr, ERROR_DECODE, "Options must be an object");
	if (read_text(options, OPTION_ADDRESS_TYPE, &type, reterr))
		return REFUSED;
	ask->gateway = !strcmp(type, ADDRESS_TYPE_GATEWAY);
	return 0;
}

/**
 * docker_read_ask() - Read a RequestAddress, ReleaseAddress or ReleasePool
 * @request:	Object
 * @ret_ask:	What is asked
 * @reterr:	What is wrong with it
 *
 * Return: 0, REFUSED
 */
int docker_read_ask(const json_t *request, struct docker_ask *ret_ask, struct error *reterr)
{
	struct docker_ask ask = {.gateway = false};
	const char *id;

	if (read_text(request, "PoolID", &id, reterr))
		return REFUSED;
	if (docker_pool_id_parse(id, &ask.subnet, ask.token) < 0)
		return error_set(reterr, ERROR_CONFIG, "pool \"%.64s\" is not one of rangeguard's", id);
	if (read_address(request, &ask, reterr) || read_type(request, &ask, reterr))
		return REFUSED;
	*ret_ask = ask;
	return 0;
}
