/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which subnet a network of Docker's may have. */

#include "plugin/agent/docker_subnet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ipam/guard/guard_gaps.h"
#include "plugin/agent/log.h"
#include "plugin/foreign/avoid.h"
#include "plugin/host/veto.h"
#include "plugin/netconf/check.h"
#include "plugin/network/hostroute.h"
#include "plugin/network/hostroutes.h"
#include "plugin/text/paths.h"
#include "rangeguard/cleanup.h"

#define REMEDY "choose another subnet, or leave it to rangeguard by not naming one"

/** struct obstacles - How many of each kind stand in a block's way, for who is told that none is free */
struct obstacles {
	size_t reserved;
	size_t networks;
	size_t configured;
	size_t routes;
	size_t held;
};

/** judge_reserved() - Nothing in the subnet is reserved: 0, REFUSED with code 100 */
static int judge_reserved(const struct docker_scene *scene, const struct prefix *subnet, struct error *reterr)
{
	char text[PREFIX_TEXT_MAX], reservation[RESERVATION_TEXT_MAX];
	struct span span = prefix_span(subnet), part;
	struct guard_entry entry;
	int r = guard_touch(scene->guard, &span, &part, &entry);

	if (r < 0)
		return error_set_errno(reterr, ERROR_POLICY, r, "the policy can't be evaluated");
	if (!r)
		return 0;
	return error_set(reterr, ERROR_RESERVED,
			 "subnet %s touches %s; choose another subnet, or ask the owner for a grant",
			 prefix_format(subnet, text), reservation_describe(&entry, reservation));
}

/** judge_pools() - No other network of Docker's has a part of it: 0, REFUSED with code 105 */
static int judge_pools(const struct docker_scene *scene, const struct prefix *subnet, struct error *reterr)
{
	char text[PREFIX_TEXT_MAX], other[PREFIX_TEXT_MAX];
	struct span span = prefix_span(subnet);

	for (size_t i = 0; i < scene->pools->n; i++) {
		struct span taken = prefix_span(&scene->pools->all[i].subnet);

		if (span_overlaps(&span, &taken))
			return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
					 "subnet %s overlaps subnet %s of another Docker network; " REMEDY,
					 prefix_format(subnet, text),
					 prefix_format(&scene->pools->all[i].subnet, other));
	}
	return 0;
}

/** name_holder() - ipam_each_fn: "NETWORK CONTAINER INTERFACE" into a buffer of ERROR_DETAILS_MAX */
static int name_holder(void *userdata, const struct lease *lease)
{
	(void)snprintf(userdata, ERROR_DETAILS_MAX, "%.256s %.256s %.64s", lease->attachment.network,
		       lease->attachment.container_id, lease->attachment.ifname);
	return 0;
}

/** judge_held() - No container of this host has an address of it: 0, REFUSED with code 105 */
static int judge_held(const struct docker_scene *scene, const struct prefix *subnet, struct error *reterr)
{
	char text[PREFIX_TEXT_MAX], held[ADDRESS_TEXT_MAX], holder[ERROR_DETAILS_MAX] = "somebody";
	struct span span = prefix_span(subnet);
	struct address address;
	int r = ipam_next_held(scene->store->store, &span, &address, name_holder, holder);

	if (r == IPAM_E_NOT_FOUND)
		return 0;
	if (r)
		return docker_store_error(scene->store, r, reterr);
	return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE, "subnet %s has address %s, which is held by %s; " REMEDY,
			 prefix_format(subnet, text), address_format(&address, held), holder);
}

/** read_avoided() - Take what a file uses; one that is of no kind that is read uses nothing: 0, REFUSED */
static int read_avoided(const char *path, bool named, struct gaps *gaps, struct error *reterr)
{
	struct error err = {0};

	if (avoid_read(path, named, gaps, &err) == REFUSED)
		return error_set(reterr, ERROR_CONFIG, "%.256s, whose addresses are to be avoided, can't be read: %s",
				 path, err.msg);
	return 0;
}

/**
 * each_avoided() - Read each configuration whose addresses are taken
 * @scene:	Scene
 * @gaps:	Are told
 * @ret_path:	NULL, or the file that first told them anything; as long as the list lives
 * @files:	List, to be released
 * @reterr:	Which file can't be read
 *
 * Return: 0, REFUSED
 */
static int each_avoided(const struct docker_scene *scene, struct gaps *gaps, const char **ret_path,
			struct path_list *files, struct error *reterr)
{
	const struct docker_config *config = scene->config;

	for (size_t i = 0; i < config->n_avoid; i++) {
		size_t before = files->n_paths;
		int r = path_list_expand(files, config->avoid[i]);

		if (r == -ENOENT && config->avoid_default)
			continue;
		if (r < 0)
			return error_set_errno(reterr, ERROR_CONFIG, r, "%.256s, whose addresses are to be avoided",
					       config->avoid[i]);
		for (size_t j = before; j < files->n_paths; j++) {
			size_t taken = gaps->n_taken;

			if (read_avoided(files->paths[j], r != PATHS_E_DIRECTORY, gaps, reterr))
				return REFUSED;
			if (ret_path && !*ret_path && gaps->n_taken > taken)
				*ret_path = files->paths[j];
		}
	}
	return 0;
}

/** judge_configured() - No network that is configured on this host has a part of it: 0, REFUSED with code 105 */
static int judge_configured(const struct docker_scene *scene, const struct prefix *subnet, struct error *reterr)
{
	CLEANUP(path_list_done) struct path_list files = {0};
	GAPS_CLEANUP struct gaps gaps = {0};
	char text[PREFIX_TEXT_MAX];
	const char *path = NULL;

	(void)gaps_init(&gaps, subnet, subnet->length);
	if (each_avoided(scene, &gaps, &path, &files, reterr))
		return REFUSED;
	if (!path)
		return 0;
	return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
			 "subnet %s overlaps addresses of the network that %.256s configures; " REMEDY,
			 prefix_format(subnet, text), path);
}

/** read_routes() - The host's routes in a block: 0, REFUSED */
static int read_routes(const struct docker_scene *scene, const struct prefix *block, struct hostroutes *ret_routes,
		       struct error *reterr)
{
	struct ip_range range = {.subnet = *block, .span = prefix_span(block)};
	struct range_set set = {.ranges = &range, .n_ranges = 1};
	int r = hostroutes_read(scene->rtnetlink, &set, 1, ret_routes);

	if (r < 0)
		return error_set_errno(reterr, ERROR_KERNEL, r, "the host's routes can't be read");
	if (ret_routes->n_left_out)
		return error_set(reterr, ERROR_HOST_ROUTE,
				 "the host has more than %zu routes in this block, too many to look at",
				 ret_routes->n_routes);
	return 0;
}

/** tell_route() - What becomes of a clash under `hostRoutes`: 0, REFUSED with code 104 */
static int tell_route(const struct docker_scene *scene, const struct prefix *subnet, const struct route_info *route,
		      struct error *reterr)
{
	char text[PREFIX_TEXT_MAX], described[VETO_ROUTE_TEXT_MAX];

	(void)prefix_format(subnet, text);
	(void)veto_describe_route(route, described);
	if (scene->host_routes == HOST_ROUTES_WARN) {
		agent_log(LOG_LEVEL_WARNING, "subnet %s clashes with the host's route %s", text, described);
		return 0;
	}
	return error_set(
		reterr, ERROR_HOST_ROUTE,
		"subnet %s clashes with the host's route %s: traffic meant for that route would end in the "
		"network; choose another subnet, or (macvlan, ipvlan) say --ipam-opt rangeguard.hostRoutes=off",
		text, described);
}

/** judge_routes() - The host routes nothing of it elsewhere: 0, REFUSED with code 104 or 107 */
static int judge_routes(const struct docker_scene *scene, const struct prefix *subnet, struct error *reterr)
{
	HOSTROUTES_CLEANUP struct hostroutes routes = {0};

	if (scene->host_routes == HOST_ROUTES_OFF)
		return 0;
	if (read_routes(scene, subnet, &routes, reterr))
		return REFUSED;
	for (size_t i = 0; i < routes.n_routes; i++) {
		struct hostroute route = hostroute_of(&routes.routes[i]);

		if (hostroute_takes(&route, subnet->length, subnet) &&
		    tell_route(scene, subnet, &routes.routes[i], reterr))
			return REFUSED;
	}
	return 0;
}

/** judge_use() - Containers can have addresses of it: 0, REFUSED with code 7 */
static int judge_use(const struct docker_wish *wish, struct error *reterr)
{
	struct span span = prefix_span(&wish->subnet), special;
	char text[PREFIX_TEXT_MAX], part[SPAN_TEXT_MAX];

	if (range_next_special(&span, &special))
		return error_set(reterr, ERROR_CONFIG,
				 "subnet %s can't be a network of containers: %s has another meaning (RFC 6890)",
				 prefix_format(&wish->subnet, text), span_format(&special, part));
	return 0;
}

/**
 * docker_subnet_judge() - Whether a network may have the subnet that was named for it
 * @scene:	Scene
 * @wish:	Subnet
 * @reterr:	Codes 7, 100, 102, 104, 105, 106, 107
 *
 * Return: 0, REFUSED
 */
int docker_subnet_judge(const struct docker_scene *scene, const struct docker_wish *wish, struct error *reterr)
{
	const struct prefix *subnet = &wish->subnet;

	if (judge_use(wish, reterr) || judge_reserved(scene, subnet, reterr) || judge_pools(scene, subnet, reterr) ||
	    judge_configured(scene, subnet, reterr) || judge_held(scene, subnet, reterr))
		return REFUSED;
	return judge_routes(scene, subnet, reterr);
}

/** take_pools() - Docker's own subnets: 0, -ENOMEM */
static int take_pools(const struct docker_scene *scene, struct gaps *gaps)
{
	int r = 0;

	for (size_t i = 0; i < scene->pools->n && !r; i++) {
		struct span span = prefix_span(&scene->pools->all[i].subnet);

		r = gaps_take(gaps, &span);
	}
	return r;
}

/** take_routes() - What the host routes: 0, REFUSED */
static int take_routes(const struct docker_scene *scene, const struct docker_base *base, struct gaps *gaps,
		       struct error *reterr)
{
	struct prefix subnet = {.address = base->base.address, .length = base->size};
	HOSTROUTES_CLEANUP struct hostroutes routes = {0};

	if (read_routes(scene, &base->base, &routes, reterr))
		return REFUSED;
	for (size_t i = 0; i < routes.n_routes; i++) {
		struct hostroute route = hostroute_of(&routes.routes[i]);
		struct span span = prefix_span(&route.destination);

		if (hostroute_takes(&route, base->base.length, &subnet) && gaps_take(gaps, &span) < 0)
			return error_no_memory(reterr);
	}
	return 0;
}

/** take_all() - Whatever stands in the way of a block's subnets: 0, REFUSED */
static int take_all(const struct docker_scene *scene, const struct docker_base *base, struct gaps *gaps,
		    struct obstacles *obstacles, struct error *reterr)
{
	CLEANUP(path_list_done) struct path_list files = {0};
	size_t before = 0;

	if (guard_take_gaps(scene->guard, gaps) < 0)
		return error_no_memory(reterr);
	obstacles->reserved = gaps->n_taken - before;
	before = gaps->n_taken;
	if (take_pools(scene, gaps) < 0)
		return error_no_memory(reterr);
	obstacles->networks = gaps->n_taken - before;
	before = gaps->n_taken;
	if (each_avoided(scene, gaps, NULL, &files, reterr))
		return REFUSED;
	obstacles->configured = gaps->n_taken - before;
	before = gaps->n_taken;
	if (take_routes(scene, base, gaps, reterr))
		return REFUSED;
	obstacles->routes = gaps->n_taken - before;
	return 0;
}

/** tell_obstacles() - What stands in the way of a block, added to a text of ERROR_DETAILS_MAX */
static void tell_obstacles(const struct docker_base *base, const struct obstacles *obstacles, char *text)
{
	char prefix[PREFIX_TEXT_MAX];
	size_t length = strlen(text);

	(void)snprintf(
		text + length, ERROR_DETAILS_MAX - length,
		"%s%s in /%u: %zu reserved ranges, %zu Docker networks, %zu configured ranges, %zu routes, %zu held",
		length ? "; " : "", prefix_format(&base->base, prefix), base->size, obstacles->reserved,
		obstacles->networks, obstacles->configured, obstacles->routes, obstacles->held);
}

/** pick_unheld() - The next free subnet in which no container of this host has an address: 0, DOCKER_STORE_E_NONE, REFUSED */
static int pick_unheld(const struct docker_scene *scene, struct gaps *gaps, struct obstacles *obstacles,
		       struct prefix *ret_subnet, struct error *reterr)
{
	while (gaps_next(gaps, ret_subnet)) {
		struct span span = prefix_span(ret_subnet);
		struct address address;
		int r = ipam_next_held(scene->store->store, &span, &address, NULL, NULL);

		if (r == IPAM_E_NOT_FOUND)
			return 0;
		if (r)
			return docker_store_error(scene->store, r, reterr);
		obstacles->held++;
	}
	return DOCKER_STORE_E_NONE;
}

/** pick_from() - The first free subnet of a block: 0, DOCKER_STORE_E_NONE, REFUSED */
static int pick_from(const struct docker_scene *scene, const struct docker_base *base, char *obstacles_text,
		     struct prefix *ret_subnet, struct error *reterr)
{
	GAPS_CLEANUP struct gaps gaps = {0};
	struct obstacles obstacles = {0};
	int r;

	(void)gaps_init(&gaps, &base->base, base->size);
	if (take_all(scene, base, &gaps, &obstacles, reterr))
		return REFUSED;
	gaps_start(&gaps);
	r = pick_unheld(scene, &gaps, &obstacles, ret_subnet, reterr);
	if (r == DOCKER_STORE_E_NONE)
		tell_obstacles(base, &obstacles, obstacles_text);
	return r;
}

/**
 * docker_subnet_pick() - A subnet for a network that names none
 * @scene:	Scene
 * @family:	Of which
 * @ret_subnet:	Subnet
 * @reterr:	Code 101 with what stands in each block's way; 102, 106, 107
 *
 * Return: 0, REFUSED
 */
int docker_subnet_pick(const struct docker_scene *scene, enum family family, struct prefix *ret_subnet,
		       struct error *reterr)
{
	char obstacles[ERROR_DETAILS_MAX] = "";

	for (size_t i = 0; i < scene->config->n_pools; i++) {
		const struct docker_base *base = &scene->config->pools[i];
		int r;

		if (base->base.address.family != family)
			continue;
		r = pick_from(scene, base, obstacles, ret_subnet, reterr);
		if (r != DOCKER_STORE_E_NONE)
			return r;
	}
	if (!*obstacles)
		return error_set(reterr, ERROR_NO_FREE_ADDRESS,
				 "no IPv%d subnet was named, and no pool of that family is configured: name one with "
				 "--subnet, or add a pool to docker.pools in " AGENT_CONFIG_FILE,
				 family == FAMILY_IPV6 ? 6 : 4);
	return error_set(
		reterr, ERROR_NO_FREE_ADDRESS,
		"no free subnet: everything in the pools is taken (%s); add a pool to docker.pools in " AGENT_CONFIG_FILE
		", or remove networks",
		obstacles);
}
