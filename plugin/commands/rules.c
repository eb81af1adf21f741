/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules in words. Pure. */

#include "plugin/commands/rules.h"

#include <stdio.h>

#include "rangeguard/array.h"

static const struct rule_text rules[] = {
	{RULE_NOT_JSON, "not JSON or YAML", "correct the syntax at the position given"},
	{RULE_UNKNOWN_KEY, "unknown or misspelt key", "the key meant is suggested; x- makes it a comment"},
	{RULE_INVALID_VALUE, "missing or invalid value, or plugins in an order that can't work",
	 "the message says what is allowed"},
	{RULE_VERSION, "unsupported cniVersion", "0.1.0 to 1.1.0"},
	{RULE_DUPLICATE, "duplicate key, or two files with one network name", "remove one; rename one"},
	{RULE_RANGE_RESERVED, "a range touches a reserved range", "another range, a grant, or onOverlap: exclude"},
	{RULE_GATEWAY_RESERVED, "the gateway, or a bridge's own address, is reserved", "another gateway"},
	{RULE_ADDRESS_RESERVED, "a fixed address, or one asked for, is reserved", "another address"},
	{RULE_SNAT_RESERVED, "an SNAT source is reserved", "another source, or a grant"},
	{RULE_OVERLAP, "ranges overlap: in one network an error, between networks a warning", "separate them"},
	{RULE_HOST_ROUTE,
	 "a range clashes with a host route (error; another plugin's: warning), or holds addresses that somebody has (warning)",
	 "another range, remove the route, or hostRoutes"},
	{RULE_NO_ADDRESS, "no usable address (error), or fewer than half of what the range suggests (warning)",
	 "another range, or a larger one"},
	{RULE_PLAN_OVERLAP, "ranges of one plan (pods, services, machines, internal networks) overlap",
	 "separate them"},
	{RULE_NOT_PRIVATE, "a range is public, or set aside by IANA for something else (warning)",
	 "a private range; a grant, if it is the organisation's"},
	{RULE_SNAT,
	 "SNAT entry unusable (error); shadowed by earlier ones, to useless destinations, or from the pool (warnings)",
	 "correct it, or put it before the other one"},
	{RULE_POLICY,
	 "policy entry or imported row malformed (error); expired, duplicate, a grant that grants or an import that "
	 "reserves nothing (warnings)",
	 "correct or remove it"},
	{RULE_NO_LEASE, "a container has an address that no lease knows", "delete and re-create the container"},
	{RULE_DEAD_LEASE, "a lease whose container is gone (warning)",
	 "the runtime's GC, or the next ADD that needs the address"},
	{RULE_HELD_RESERVED, "an address that is held is reserved now", "move the container"},
	{RULE_MISSING, "a lease's interface or route on the host, or its address in the container, is missing",
	 "delete and re-create the container"},
	{RULE_NAT_BEFORE,
	 "a NAT chain of others comes before rangeguard's (error with pins; before masquerading: warning)",
	 "give that chain another priority, or remove it"},
	{RULE_EXPIRES, "a policy entry expires soon (warning)", "renew or remove it"},
	{RULE_NOT_IN_INVENTORY, "an address that is held is not in the inventory (warning)", "add it there"},
	{RULE_GONE, "an address of the inventory lies in a network's range, but nobody holds it (warning)",
	 "remove it there"},
	{RULE_UNPROTECTED, "something that protects a container, or translates its packets, is missing in the kernel",
	 "CHECK of that container, or the agent, puts it back"},
	{RULE_FOREIGN,
	 "something in rangeguard's tables, or with its protocol number, that rangeguard did not put there, or that is left",
	 "remove it as the message says"},
	{RULE_IN_THE_WAY,
	 "a rule of others sets bits of packet marks that rangeguard uses (error), or an ip rule is asked before "
	 "rangeguard's (warning)",
	 "other bits there, or markMask; another preference"},
	{RULE_SHARED,
	 "a source that hosts share is past its deadline, missing, or here without being held (error); held in etcd, and not used (warning)",
	 "start rangeguard-agent, see whether it reaches etcd, or take the address off"},
};

#define N_RULES ARRAY_LENGTH(rules)

/** rules_all() - All rules, @ret_count of them */
const struct rule_text *rules_all(size_t *ret_count)
{
	*ret_count = N_RULES;
	return rules;
}

/** rules_index() - Where @rule stands among them; their number when it does not */
size_t rules_index(enum rule rule)
{
	size_t index = 0;

	while (index < N_RULES && rules[index].rule != rule)
		index++;
	return index;
}

/** rules_format() - A rule's name, "RG101", in @buffer; return: @buffer */
const char *rules_format(enum rule rule, char buffer[static RULE_TEXT_MAX])
{
	(void)snprintf(buffer, RULE_TEXT_MAX, "RG%03d", (int)rule);
	return buffer;
}
