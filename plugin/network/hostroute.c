/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the kernel routes an address today. The judgement is pure; the question goes through the port.
 *
 * A lookup answers with the route that matches, in whatever table the rules lead to. Routes that discard are not
 * answered but carried out: the lookup fails with their errno (fib_props in net/ipv4/fib_semantics.c,
 * ip6_rt_type_to_error() in net/ipv6/route.c). Only then the routes of that one type are read, to see how specific the
 * one is that matched.
 */

#include "plugin/network/hostroute.h"

#include <errno.h>
#include <linux/rtnetlink.h>

/**
 * struct route_search - The most specific route that holds an address
 * @address:	Address
 * @type:	RTN_* of the routes that count, RTN_UNSPEC for any
 * @match:	Route; only when @found
 * @found:	Whether there is one
 */
struct route_search {
	struct address address;
	uint8_t type;
	struct route_info match;
	bool found;
};

/** kind_of() - What becomes of a packet that a route of type RTN_* matches */
static enum hostroute_kind kind_of(uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
		return HOSTROUTE_UNICAST;
	case RTN_THROW:
		return HOSTROUTE_THROW;
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
		return HOSTROUTE_DISCARD;
	case RTN_LOCAL:
	case RTN_BROADCAST:
	case RTN_ANYCAST:
	default:
		return HOSTROUTE_LOCAL;
	}
}

/** is_before_main() - Whether only a rule that somebody added leads to a table */
static bool is_before_main(uint32_t table)
{
	return table != RT_TABLE_UNSPEC && table != RT_TABLE_LOCAL && table != RT_TABLE_MAIN &&
	       table != RT_TABLE_DEFAULT;
}

/** hostroute_type_text() - What ip(8) calls a route that discards, and a blank; "" for others */
const char *hostroute_type_text(const struct route_info *match)
{
	switch (match->type) {
	case RTN_BLACKHOLE:
		return "blackhole ";
	case RTN_UNREACHABLE:
		return "unreachable ";
	case RTN_PROHIBIT:
		return "prohibit ";
	default:
		return "";
	}
}

/** hostroute_discards() - Whether @match drops what it matches */
bool hostroute_discards(const struct route_info *match)
{
	return kind_of(match->type) == HOSTROUTE_DISCARD;
}

/** hostroute_shuts_off() - Whether @match, which holds an address alone, keeps packets from it: of one that no lookup tells, too */
bool hostroute_shuts_off(const struct route_info *match)
{
	return hostroute_discards(match) || match->type == RTN_UNSPEC;
}

/** hostroute_of() - A route as the kernel tells it, in the rule's terms */
struct hostroute hostroute_of(const struct route_info *route)
{
	return (struct hostroute){
		.destination = route->destination,
		.kind = kind_of(route->type),
		.has_gateway = route->gateway.family != FAMILY_NONE,
		.before_main = is_before_main(route->table),
	};
}

/** hostroute_judge() - hostroute_rule() of a route as the kernel tells it */
enum hostroute_verdict hostroute_judge(const struct route_info *match, const struct prefix *subnet)
{
	struct hostroute route = hostroute_of(match);

	return hostroute_rule(&route, subnet);
}

/**
 * goes_before() - Whether the one of two routes that hold the address is the likelier answer
 * @route:	Route
 * @other:	Another one
 *
 * A table that no rule leads to may hold anything, so the tables count that each host asks.
 */
static bool goes_before(const struct route_info *route, const struct route_info *other)
{
	if (is_before_main(route->table) != is_before_main(other->table))
		return !is_before_main(route->table);
	return route->destination.length > other->destination.length;
}

/**
 * take_route() - port_reply_fn: keep the most specific route that holds the address
 * @message:	Answer, NULL when a dump begins again
 * @userdata:	struct route_search
 *
 * Return: 0, -EBADMSG
 */
static int take_route(const struct nlmsghdr *message, void *userdata)
{
	struct route_search *search = userdata;
	struct route_info route;
	struct span span;
	int r;

	if (!message) {
		search->found = false;
		return 0;
	}
	r = rtmessage_read_route(message, &route);
	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	/* Those that stop marked packets (plugin/snat/fence.h) are met by no lookup. */
	if (search->type != RTN_UNSPEC && route.protocol == PLAN_ROUTE_PROTOCOL)
		return 0;
	span = prefix_span(&route.destination);
	if ((search->type != RTN_UNSPEC && route.type != search->type) || !span_contains(&span, &search->address))
		return 0;
	if (!search->found || goes_before(&route, &search->match))
		search->match = route;
	search->found = true;
	return 0;
}

/**
 * discarding_type() - The type of route with which a lookup failed
 * @failure:	How it failed; with a text, the kernel disliked the question
 *
 * Return: RTN_*, RTN_UNSPEC when it is none of that kind
 */
static uint8_t discarding_type(const struct port_failure *failure)
{
	if (failure->text[0])
		return RTN_UNSPEC;
	switch (failure->errnum) {
	case EINVAL:
		return RTN_BLACKHOLE;
	case EHOSTUNREACH:
		return RTN_UNREACHABLE;
	case EACCES:
		return RTN_PROHIBIT;
	default:
		return RTN_UNSPEC;
	}
}

/**
 * find_discarding() - Find the route with which a lookup failed
 * @host:	Port
 * @lookup:	How it failed
 * @search:	Search, with its address; its match is filled. None is found when it was a rule that discards
 *
 * Return: 0, negative errno, that of the lookup where it has nothing to do with such routes
 */
static int find_discarding(struct port *host, const struct port_failure *lookup, struct route_search *search)
{
	struct port_failure failure = {0};
	struct batch batch;
	int r;

	search->type = discarding_type(lookup);
	if (search->type == RTN_UNSPEC)
		return -lookup->errnum;
	batch_reset(&batch);
	r = rtmessage_dump_routes(&batch, search->address.family, search->type);
	if (!r)
		r = port_exchange(host, &batch, take_route, search, &failure);
	return r == PORT_E_REFUSED ? -failure.errnum : r;
}

/**
 * look_up() - Ask the kernel, which carries out a route that discards instead of telling it
 * @host:	Port
 * @search:	Search with its address; of any type
 * @reterr:	How the lookup failed; errnum 0: it did not
 *
 * Return: 0, also when nothing is found; negative errno
 */
static int look_up(struct port *host, struct route_search *search, struct port_failure *reterr)
{
	struct batch batch;
	int r;

	*reterr = (struct port_failure){0};
	batch_reset(&batch);
	r = rtmessage_lookup_route(&batch, &search->address);
	if (!r)
		r = port_exchange(host, &batch, take_route, search, reterr);
	if (r == PORT_E_REFUSED && reterr->errnum == ENETUNREACH)
		*reterr = (struct port_failure){0};
	return r < 0 ? r : 0;
}

/**
 * hostroute_lookup() - Which route of the host's tables an address would take
 * @host:	Port
 * @address:	Address
 * @ret_match:	The route
 *
 * Return: 0, HOSTROUTE_E_NONE when there is no route, negative errno
 */
int hostroute_lookup(struct port *host, const struct address *address, struct route_info *ret_match)
{
	struct route_search search = {.address = *address, .type = RTN_UNSPEC};
	struct port_failure failure;
	int r = look_up(host, &search, &failure);

	if (!r && failure.errnum)
		r = find_discarding(host, &failure, &search);
	if (r < 0)
		return r;
	if (!search.found)
		return HOSTROUTE_E_NONE;
	*ret_match = search.match;
	return 0;
}

/** hostroute_is_local() - Whether @address is one of the host's own: 1, 0, negative errno */
int hostroute_is_local(struct port *host, const struct address *address)
{
	struct route_info match;
	int r = hostroute_lookup(host, address, &match);

	if (r)
		return r < 0 ? r : 0;
	return match.type == RTN_LOCAL;
}

/** shut_route() - The route by which somebody shuts off just this address; of which type, nobody tells */
static struct route_info shut_route(const struct address *address, uint8_t type)
{
	return (struct route_info){
		.destination = {.address = *address, .length = (uint8_t)family_bits(address->family)},
		.table = RT_TABLE_MAIN,
		.type = type};
}

/** is_shut() - What the first message of a batch, which is rtmessage_probe_host_route(), has come to: 0, negative errno */
static int is_shut(int r, const struct port_failure *failure, bool *ret_shut)
{
	if (r != PORT_E_REFUSED)
		return r < 0 ? r : -EPROTO;
	*ret_shut = failure->errnum == EEXIST;
	return failure->index == 0 && (*ret_shut || failure->errnum == ENOENT) ? 0 : -failure->errnum;
}

/**
 * ask_exactly() - Whether table main has a route to just this address, which no lookup answers with
 * @host:	Port
 * @address:	Address, free as far as lookups tell
 * @ret_match:	The route, with HOSTROUTE_TAKEN
 *
 * One that throws a packet to the next table, or whose nexthop object discards: its type in the table is that of others.
 *
 * Return: HOSTROUTE_FREE, HOSTROUTE_TAKEN, negative errno
 */
static int ask_exactly(struct port *host, const struct address *address, struct route_info *ret_match)
{
	struct port_failure failure = {0};
	struct batch batch;
	bool shut = false;
	int r;

	batch_reset(&batch);
	r = rtmessage_probe_host_route(&batch, address);
	if (!r)
		r = is_shut(port_exchange(host, &batch, NULL, NULL, &failure), &failure, &shut);
	if (r < 0)
		return r;
	if (shut)
		*ret_match = shut_route(address, RTN_UNSPEC);
	return shut ? (int)HOSTROUTE_TAKEN : (int)HOSTROUTE_FREE;
}

/**
 * hostroute_ask() - Whether the host's routes leave an address to a container
 * @host:	Port
 * @address:	Address
 * @subnet:	Subnet of the pool that it is from
 * @ret_match:	What matched, unless HOSTROUTE_FREE
 *
 * Return: hostroute_verdict, negative errno
 */
int hostroute_ask(struct port *host, const struct address *address, const struct prefix *subnet,
		  struct route_info *ret_match)
{
	struct route_info match;
	int r = hostroute_lookup(host, address, &match);

	if (r < 0)
		return r;
	if (r) {
		r = hostroute_ask_rules(host, address, ret_match);
	} else {
		r = (int)hostroute_judge(&match, subnet);
		if (r != HOSTROUTE_FREE)
			*ret_match = match;
	}
	return r != HOSTROUTE_FREE ? r : ask_exactly(host, address, ret_match);
}

/**
 * ask_around() - What else there is to know of an address in a range that is discarded, in one exchange
 * @host:	Port
 * @range:	Range
 * @around:	Search, with its address: the most specific route that holds it and reaches into the range from outside
 * @ret_shut:	Whether there is a route to just this address
 *
 * A route that holds the address either lies in the range, then it is as specific as ours or more so and was found; or it
 * also holds the address before the range, or the one after it. What hides it there is not searched for. The first message
 * always fails, and says what it is asked for by its errno; whether those after it find a route at all does not matter.
 *
 * Return: 0, negative errno
 */
static int ask_around(struct port *host, const struct ip_range *range, struct route_search *around, bool *ret_shut)
{
	struct span whole = range_whole_span(range);
	const struct address beside[] = {{.family = whole.family, .value = whole.first - 1},
					 {.family = whole.family, .value = whole.last + 1}};
	struct port_failure failure = {0};
	struct batch batch;
	int r;

	batch_reset(&batch);
	r = rtmessage_probe_host_route(&batch, &around->address);
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]) && !r; i++)
		r = rtmessage_lookup_route(&batch, &beside[i]);
	if (!r)
		r = port_exchange(host, &batch, take_route, around, &failure);
	return is_shut(r, &failure, ret_shut);
}

/**
 * hostroute_ask_within() - hostroute_ask() for a range that the host discards by routes of ours
 * @host:		Port
 * @address:		Address
 * @range:		Range that it is from
 * @ret_discarded:	Whether it is discarded today
 * @ret_match:		What matched, unless HOSTROUTE_FREE
 *
 * Each lookup of a free address fails with EHOSTUNREACH then, as with routes of others that do the same. A dump that tells
 * them apart would have an ADD cost the more the more routes a host has. So the only one that matters is asked for: the
 * one to the very address, by which somebody shuts it off.
 *
 * Return: hostroute_verdict, negative errno
 */
int hostroute_ask_within(struct port *host, const struct address *address, const struct ip_range *range,
			 bool *ret_discarded, struct route_info *ret_match)
{
	struct route_search search = {.address = *address, .type = RTN_UNSPEC};
	struct port_failure failure;
	bool shut = false;
	int r = look_up(host, &search, &failure);

	*ret_discarded = !r && discarding_type(&failure) == RTN_UNREACHABLE;
	if (r < 0)
		return r;
	if (!*ret_discarded)
		return hostroute_ask(host, address, &range->subnet, ret_match);
	r = ask_around(host, range, &search, &shut);
	if (r < 0 || (!shut && !search.found))
		return r < 0 ? r : (int)HOSTROUTE_FREE;
	if (shut)
		search.match = shut_route(address, RTN_UNREACHABLE);
	r = (int)hostroute_judge(&search.match, &range->subnet);
	if (r != HOSTROUTE_FREE)
		*ret_match = search.match;
	return r;
}
