/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attach_scene.h"

const struct attachment pod = {.network = "pods", .container_id = "0123abcd", .ifname = "eth0"};

struct netns *nowhere(void)
{
	static struct netns netns = NETNS_INIT;

	netns_done(&netns);
	return &netns;
}

struct address address(const char *text)
{
	struct address parsed = {0};

	assert_int_equal(address_parse(text, &parsed), 0);
	return parsed;
}

struct prefix prefix(const char *text)
{
	struct prefix parsed = {0};

	assert_int_equal(prefix_parse(text, &parsed), 0);
	return parsed;
}

struct plan make_plan(const char *first, const char *second)
{
	struct address addresses[] = {address(first), address(second ? second : first)};
	struct plan_input input = {.attachment = &pod,
				   .addresses = addresses,
				   .n_addresses = second ? 2 : 1,
				   .default_routes = true,
				   .mtu = 1500};
	struct plan plan = {0};

	assert_int_equal(plan_make(&input, &plan), 0);
	return plan;
}

void make_attachment(const struct plan *plan)
{
	struct error err = {0};

	fake_reset();
	assert_int_equal(attach_create(fake_host_port(), nowhere(), plan, &(struct attach_step){0}, &err), 0);
	assert_false(fake.in_container);
}

bool nothing_is_left(void)
{
	return !fake.host_end.index && !fake.container_end.index && !fake.open_ports;
}
