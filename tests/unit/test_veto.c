/* SPDX-License-Identifier: GPL-2.0-or-later */
/* veto.c: what the kernel's answers mean for an address, and the words for them. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "plugin/host/veto.h"
#include "port_fake.h"

static struct address address_of(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address;
}

/** ask() - veto_address() about an address of a pool */
static int ask(struct veto *veto, const char *text, bool requested)
{
	static const struct netconf netconf = {.role = ROLE_INTERFACE};
	struct address address = address_of(text);
	struct ip_range range = {0};

	*veto = (struct veto){.netconf = &netconf,
			      .attachment = &(struct attachment){.network = "n", .container_id = "c", .ifname = "e"},
			      .host = fake_host_port()};
	assert_int_equal(prefix_parse(address.family == FAMILY_IPV4 ? "10.1.0.0/16" : "fd00::/64", &range.subnet), 0);
	return veto_address(veto, &range, &address, requested);
}

/* A kernel without IPv6 is no fault of the lease store. */
static void kernel_without_ipv6_is_named(void **state)
{
	static const int errnums[] = {EOPNOTSUPP, EAFNOSUPPORT};

	(void)state;
	for (size_t i = 0; i < sizeof(errnums) / sizeof(errnums[0]); i++) {
		struct error err = {0};
		struct veto veto;

		fake_reset();
		fake.lookup_errnum = errnums[i];
		assert_int_equal(ask(&veto, "fd00::1", false), -errnums[i]);
		assert_int_equal(veto_failed(&veto, &err), REFUSED);
		assert_int_equal(err.code, ERROR_KERNEL);
		assert_non_null(strstr(err.msg, "no IPv6"));
		assert_non_null(strstr(err.msg, "fd00::1"));
	}
}

static void silent_kernel_is_named(void **state)
{
	struct error err = {0};
	struct veto veto;

	(void)state;
	fake_reset();
	fake.lookup_errnum = ENOBUFS;
	assert_int_equal(ask(&veto, "10.1.0.1", false), -ENOBUFS);
	assert_int_equal(veto_failed(&veto, &err), REFUSED);
	assert_int_equal(err.code, ERROR_KERNEL);
	assert_non_null(strstr(err.msg, "10.1.0.1"));
	assert_null(strstr(err.msg, "IPv6"));
}

/* By what was asked, not by the length of the route, the text goes. */
static void refusal_says_what_was_asked(void **state)
{
	struct route_info exact = {.type = RTN_UNICAST, .interface = 1}, connected = exact;
	struct address address = address_of("10.1.0.1");
	struct error err = {0};
	struct veto veto;

	(void)state;
	assert_int_equal(prefix_parse("10.1.0.1/32", &exact.destination), 0);
	assert_int_equal(prefix_parse("10.1.0.0/24", &connected.destination), 0);
	fake_reset();
	fake_add_route(&fake.lookup, &exact);
	assert_int_equal(ask(&veto, "10.1.0.1", false), IPAM_VERDICT_SKIP);
	assert_int_equal(ask(&veto, "10.1.0.1", true), IPAM_VERDICT_STOP);
	assert_int_equal(veto_error(&veto, &address, &err), REFUSED);
	assert_int_equal(err.code, ERROR_ADDRESS_NOT_AVAILABLE);
	for (unsigned requested = 0; requested < 2; requested++) {
		fake_reset();
		fake_add_route(&fake.lookup, &connected);
		err = (struct error){0};
		assert_int_equal(ask(&veto, "10.1.0.1", requested), IPAM_VERDICT_STOP);
		assert_int_equal(veto_error(&veto, &address, &err), REFUSED);
		assert_int_equal(err.code, ERROR_HOST_ROUTE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_without_ipv6_is_named),
		cmocka_unit_test(silent_kernel_is_named),
		cmocka_unit_test(refusal_says_what_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
