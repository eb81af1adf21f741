/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `guard` object: where the policies are, and how strictly they are meant. Pure. */

#include <string.h>

#include "plugin/netconf/netconf_ipam.h"

/** read_policies() - `guard.policies`: absolute paths; a named one is never optional */
static void read_policies(struct reader *reader, const json_t *object, struct netconf_guard *guard)
{
	const json_t *policies = json_member_array(reader, object, "policies", LIMIT_POLICY_PATHS);
	size_t mark = pointer_push_key(&reader->at, "policies");
	size_t index;
	json_t *element;

	if (policies) {
		guard->policies_default = false;
		guard->n_policies = 0;
	}
	json_array_foreach((json_t *)(uintptr_t)policies, index, element) {
		size_t inner = pointer_push_index(&reader->at, index);
		const char *path = json_string_value(element);

		if (!path || path[0] != '/' || strlen(path) >= LIMIT_PATH)
			reader_error(reader, NULL, RULE_INVALID_VALUE,
				     "policies[%zu] must be the absolute path of a policy file or directory", index);
		else
			guard->policies[guard->n_policies++] = path;
		pointer_pop(&reader->at, inner);
	}
	pointer_pop(&reader->at, mark);
}

/** refuse_nulls() - A member that is null was to be filled in, by something that has failed */
static void refuse_nulls(struct reader *reader, const json_t *guard)
{
	json_t *member;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)guard, key, member)
		if (json_is_null(member) && strncmp(key, "x-", 2) != 0)
			reader_error(reader, key, RULE_INVALID_VALUE,
				     "%.64s is null, where a value was to be filled in; write the value, or leave the "
				     "key out",
				     key);
}

/** read_strictness() - What happens without reservations, with a broken policy, and to STATUS */
static void read_strictness(struct reader *reader, const json_t *object, struct netconf_guard *guard)
{
	static const char *const on_broken[] = {"refuse", "last-good", NULL};
	long long max_age = guard->max_age;
	unsigned broken = 0;

	(void)json_member_bool(reader, object, "required", &guard->required);
	(void)json_member_bool(reader, object, "strictStatus", &guard->strict_status);
	(void)json_member_choice(reader, object, "onBroken", on_broken, &broken);
	(void)json_member_integer(reader, object, "maxAge", 0, UINT32_MAX, &max_age);
	guard->last_good = broken == 1;
	guard->max_age = (uint32_t)max_age;
	if (json_member(object, "maxAge") && !guard->last_good)
		reader_error(reader, "maxAge", RULE_INVALID_VALUE,
			     "maxAge says how long onBroken \"last-good\" may last; without that it means nothing");
}

/** netconf_read_guard() - A `guard` object at member "guard" of @object, which may have none */
void netconf_read_guard(struct reader *reader, const json_t *object, struct netconf *netconf)
{
	static const char *const keys[] = {"policies", "reserved", "granted", "onOverlap",    "hostRoutes", "routes",
					   "required", "onBroken", "maxAge",  "strictStatus", NULL};
	static const char *const on_overlap[] = {"refuse", "exclude", NULL};
	static const char *const host_routes[] = {"refuse", "warn", "off", NULL};
	static const char *const guard_routes[] = {"refuse", "warn", "off", NULL};
	const json_t *guard = json_member_object(reader, object, "guard");
	unsigned overlap = OVERLAP_REFUSE, routes = HOST_ROUTES_REFUSE, captured = GUARD_ROUTES_REFUSE;
	size_t mark;

	if (json_is_null(json_object_get(object, "guard")))
		reader_error(reader, "guard", RULE_INVALID_VALUE,
			     "guard is null, where a value was to be filled in; write the value, or leave the key out");
	if (!guard)
		return;
	if (netconf->guard.inline_policy)
		reader_error(reader, "guard", RULE_INVALID_VALUE,
			     "guard stands at %.64s already, and only one counts: put all of it into one of the two",
			     netconf->guard.pointer);
	mark = pointer_push_key(&reader->at, "guard");
	(void)memcpy(netconf->guard.pointer, reader->at.text, sizeof(netconf->guard.pointer));
	json_check_keys(reader, guard, keys);
	refuse_nulls(reader, guard);
	read_policies(reader, guard, &netconf->guard);
	(void)json_member_choice(reader, guard, "onOverlap", on_overlap, &overlap);
	(void)json_member_choice(reader, guard, "hostRoutes", host_routes, &routes);
	(void)json_member_choice(reader, guard, "routes", guard_routes, &captured);
	read_strictness(reader, guard, &netconf->guard);
	if (overlap == OVERLAP_EXCLUDE && netconf->role == ROLE_DELEGATE)
		reader_error(
			reader, "onOverlap", RULE_INVALID_VALUE,
			"onOverlap \"exclude\" needs routed mode: plugin \"%.64s\" may make a connected route for the "
			"whole subnet, which takes the reserved range's traffic; use \"refuse\"",
			netconf->type);
	netconf->guard.inline_policy = guard;
	netconf->guard.on_overlap = (enum on_overlap)overlap;
	netconf->guard.host_routes = (enum host_routes)routes;
	netconf->guard.routes = (enum guard_routes)captured;
	pointer_pop(&reader->at, mark);
}

/**
 * netconf_guard_usual() - What a configuration without a guard is checked against
 *
 * Filled here and not as a constant: with the addresses of its texts all of it would be written at each start, by ld.so.
 *
 * Return: it, for good
 */
const struct netconf_guard *netconf_guard_usual(void)
{
	static struct netconf_guard usual;

	usual.policies[0] = NETCONF_POLICY_DIR;
	usual.n_policies = 1;
	usual.policies_default = true;
	return &usual;
}
