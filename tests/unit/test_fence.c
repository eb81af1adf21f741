/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fence.c against a kernel in memory, port_fake.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "plugin/snat/fence.h"
#include "port_fake.h"

/** host() - A host without a fence */
static void host(void)
{
	fake_reset();
	fake.host_end = (struct link_info){.index = 7, .name = "rg0", .kind = "veth"};
}

static struct span span(const char *text)
{
	struct prefix prefix;
	struct span parsed = {0};

	if (prefix_parse(text, &prefix) == 0)
		return prefix_span(&prefix);
	assert_int_equal(span_parse(text, &parsed), 0);
	return parsed;
}

/** assert_log() - The messages that were sent, all of them, in this order */
static void assert_log(const char *const *lines, unsigned n)
{
	for (unsigned i = 0; i < n && i < fake.n_log; i++)
		assert_string_equal(fake.log[i], lines[i]);
	assert_int_equal(fake.n_log, n);
}

static void closing(void **state)
{
	static const char *const lines[] = {
		"host: add a routing rule",
		"host: add a routing rule",
		"host: add prohibit route 198.51.100.0/24",
		"host: add prohibit route 203.0.113.0/28",
		"host: add prohibit route 203.0.113.16/30",
		"host: add prohibit route 203.0.113.20/32",
		"host: add prohibit route 2001:db8::/32",
	};
	const struct span spans[] = {span("198.51.100.0/24"), span("203.0.113.0-203.0.113.20"), span("2001:db8::/32")};
	struct error err;

	(void)state;
	host();
	assert_int_equal(fence_close(fake_host_port(), spans, 3, &err), 0);
	assert_log(lines, 7);
	host();
	assert_int_equal(fence_close(fake_host_port(), spans, 1, &err), 0);
	assert_log(lines + 1, 2); /* one family, one rule */
	host();
	assert_int_equal(fence_close(fake_host_port(), spans, 0, &err), 0);
	assert_log(NULL, 0);
}

static void closing_again_and_failing(void **state)
{
	const struct span spans[] = {span("198.51.100.0/24"), span("2001:db8::/32")};

	(void)state;
	for (unsigned message = 1; message <= 4; message++) {
		struct error err = {0};

		host();
		fake.fail_message = message;
		fake.fail_errnum = EEXIST;
		assert_int_equal(fence_close(fake_host_port(), spans, 2, &err), 0);
		fake.fail_errnum = ENOBUFS;
		fake.messages = 0;
		assert_int_equal(fence_close(fake_host_port(), spans, 2, &err), REFUSED);
		assert_int_equal(err.code, ERROR_SNAT);
	}
}

static void opening(void **state)
{
	static const char *const all[] = {
		"host: delete prohibit route 198.51.100.0/24",
		"host: delete prohibit route 203.0.113.20/31",
		"host: delete prohibit route 203.0.113.22/32",
		"host: delete a routing rule",
	};
	static const char *const some[] = {
		"host: delete prohibit route 203.0.113.22/32",
	};
	const struct span gone[] = {span("198.51.100.0/24"), span("203.0.113.20-203.0.113.22")};
	/* The /24 is one of three routes of the first; a wider span has a wider route; 20/31 is a route of the last */
	const struct span kept[] = {span("198.51.99.255-198.51.101.0"), span("203.0.0.0/16"),
				    span("203.0.113.20-203.0.113.21")};
	const struct span other_family = span("2001:db8::/32");
	struct error err;

	(void)state;
	host();
	assert_int_equal(fence_open(fake_host_port(), gone, 2, NULL, 0, &err), 0);
	assert_log(all, 4);
	host();
	assert_int_equal(fence_open(fake_host_port(), gone, 2, &other_family, 1, &err), 0);
	assert_log(all, 4);
	host();
	assert_int_equal(fence_open(fake_host_port(), gone, 2, kept, 3, &err), 0);
	assert_log(some, 1);
}

static void opening_what_is_open_and_failing(void **state)
{
	const struct span gone[] = {span("198.51.100.0/24")};

	(void)state;
	for (unsigned message = 1; message <= 2; message++) {
		struct error err = {0};

		host();
		fake.fail_message = message;
		fake.fail_errnum = message == 1 ? ESRCH : ENOENT;
		assert_int_equal(fence_open(fake_host_port(), gone, 1, NULL, 0, &err), 0);
		assert_int_equal(fake.n_log, 2); /* what stands behind is deleted, too */
		fake.fail_errnum = EPERM;
		fake.messages = 0;
		assert_int_equal(fence_open(fake_host_port(), gone, 1, NULL, 0, &err), REFUSED);
		assert_int_equal(err.code, ERROR_SNAT);
	}
}

/** More routes than one batch takes: all but a few addresses of IPv6 */
static void many_routes(void **state)
{
	const struct span almost_all = {.first = 1, .last = ~(u128)0 - 1, .family = FAMILY_IPV6};
	struct error err;

	(void)state;
	host();
	assert_int_equal(fence_close(fake_host_port(), &almost_all, 1, &err), 0);
	assert_int_equal(fake.n_log, 1 + 254);
	assert_int_equal(fake.calls, 4);
	host();
	assert_int_equal(fence_open(fake_host_port(), &almost_all, 1, NULL, 0, &err), 0);
	assert_int_equal(fake.n_log, 254 + 1);
	for (unsigned call = 1; call <= 4; call++) {
		host();
		fake.fail_call = call;
		assert_int_equal(fence_close(fake_host_port(), &almost_all, 1, &err), REFUSED);
		host();
		fake.fail_call = call;
		assert_int_equal(fence_open(fake_host_port(), &almost_all, 1, NULL, 0, &err), REFUSED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing),     cmocka_unit_test(closing_again_and_failing),
		cmocka_unit_test(opening),     cmocka_unit_test(opening_what_is_open_and_failing),
		cmocka_unit_test(many_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
