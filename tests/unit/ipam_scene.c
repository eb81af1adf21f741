/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipam_scene.h"

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

struct address address_of(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address;
}

struct span span_of(const char *text)
{
	struct address address;
	struct prefix prefix;
	struct span span;

	if (prefix_parse(text, &prefix) == 0)
		return prefix_span(&prefix);
	if (span_parse(text, &span) == 0)
		return span;
	address = address_of(text);
	return span_of_address(&address);
}

struct ip_range range_of(const char *subnet, const char *span, const char *gateway)
{
	struct ip_range range = {0};

	assert_int_equal(prefix_parse(subnet, &range.subnet), 0);
	range.span = span ? span_of(span) : range_default_span(&range.subnet);
	if (gateway)
		range.gateway = address_of(gateway);
	return range;
}

struct guard *guard_of(const char *const *reserved)
{
	struct guard *guard;

	assert_int_equal(guard_new(&guard), 0);
	for (; *reserved; reserved++) {
		struct guard_entry entry = {.kind = GUARD_RESERVED, .span = span_of(*reserved), .owner = *reserved};

		assert_int_equal(guard_add(guard, &entry), 0);
	}
	assert_int_equal(guard_seal(guard), 0);
	return guard;
}

struct lease lease_of(const char *network, const char *container_id, const char *ifname, int64_t since)
{
	return (struct lease){
		.attachment = {.network = network, .container_id = container_id, .ifname = ifname},
		.pod_namespace = "",
		.pod_name = "",
		.netns = "",
		.since = since,
	};
}
