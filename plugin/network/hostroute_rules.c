/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that discard packets to an address before any route is looked for (`ip rule add to 10.0.0.0/8 prohibit`). */

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "plugin/network/hostroute.h"

/** Preference of the rule that leads to table main, where the routes to containers are (fib_default_rules_init()) */
#define PREFERENCE_MAIN 32766U

/** struct rule_search - The first rule that discards packets to an address */
struct rule_search {
	struct address address;
	struct route_info match;
	bool found;
};

/** type_of() - The type of route that does what a rule does, RTN_UNSPEC for one that discards nothing */
static uint8_t type_of(uint8_t action)
{
	switch (action) {
	case FR_ACT_BLACKHOLE:
		return RTN_BLACKHOLE;
	case FR_ACT_UNREACHABLE:
		return RTN_UNREACHABLE;
	case FR_ACT_PROHIBIT:
		return RTN_PROHIBIT;
	default:
		return RTN_UNSPEC;
	}
}

/** take_rule() - port_reply_fn: keep the first that discards; NULL: the dump begins again */
static int take_rule(const struct nlmsghdr *message, void *userdata)
{
	struct rule_search *search = userdata;
	struct rule_info rule;
	struct span span;
	int r;

	if (!message) {
		search->found = false;
		return 0;
	}
	r = rtmessage_read_rule(message, &rule);
	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	span = prefix_span(&rule.destination);
	if (search->found || rule.priority >= PREFERENCE_MAIN || type_of(rule.action) == RTN_UNSPEC ||
	    !span_contains(&span, &search->address))
		return 0;
	search->match = (struct route_info){.destination = rule.destination, .type = type_of(rule.action)};
	search->found = true;
	return 0;
}

/**
 * hostroute_ask_rules() - Whether a rule of the host discards packets to an address, though its container has a route
 * @host:	Port
 * @address:	Address
 * @ret_match:	The rule as a route of table 0, in which no route is
 *
 * Return: HOSTROUTE_FREE, HOSTROUTE_CLASH, negative errno
 */
int hostroute_ask_rules(struct port *host, const struct address *address, struct route_info *ret_match)
{
	struct rule_search search = {.address = *address};
	struct port_failure failure = {0};
	struct batch batch;
	int r;

	batch_reset(&batch);
	r = rtmessage_dump_rules(&batch, address->family);
	if (!r)
		r = port_exchange(host, &batch, take_rule, &search, &failure);
	/* A kernel without CONFIG_IP_MULTIPLE_TABLES has no rules. */
	if (r == PORT_E_REFUSED)
		return failure.errnum == EOPNOTSUPP || failure.errnum == EAFNOSUPPORT ? (int)HOSTROUTE_FREE
										      : -failure.errnum;
	if (r < 0 || !search.found)
		return r < 0 ? r : (int)HOSTROUTE_FREE;
	*ret_match = search.match;
	return HOSTROUTE_CLASH;
}
