/* SPDX-License-Identifier: GPL-2.0-or-later */
/* attach.c: what a DEL and GC remove, against a kernel in memory. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>

#include "attach_scene.h"
#include "include/rangeguard/array.h"

static void delete_removes_and_is_repeatable(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct error err = {0};
	struct link_info link;

	(void)state;
	make_attachment(&plan);
	assert_int_equal(attach_find(fake_host_port(), &pod, &link, &err), 0);
	assert_int_equal(link.index, 40);
	assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), 0);
	assert_true(nothing_is_left());
	assert_int_equal(attach_find(fake_host_port(), &pod, &link, &err), ATTACH_E_ABSENT);
	assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), 0);
}

/* Somebody renamed the host end: it is found by its route. When the kernel does not tell, it is not taken for gone. */
static void renamed_host_end_is_removed_or_told_of(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct route_info route = {.destination = prefix("10.0.0.2/32"),
				   .type = RTN_UNICAST,
				   .interface = 40,
				   .protocol = PLAN_ROUTE_PROTOCOL};
	struct attach_step step = {.addresses = plan.addresses, .n_addresses = 1};
	unsigned call = 0;
	int r;

	(void)state;
	do {
		struct error err = {0};

		make_attachment(&plan);
		(void)snprintf(fake.host_end.name, IFNAMSIZ, "renamed0");
		fake_add_route(&fake.lookup, &route);
		fake.fail_call = fake.calls + ++call;
		fake.fail_errnum = ENOBUFS;
		r = attach_delete(fake_host_port(), &pod, &step, &err);
		assert_true(r ? r == REFUSED && err.code == ERROR_KERNEL && fake.host_end.index == 40
			      : fake.host_end.index == 0);
	} while (r && call < 100);
	/* link by name, route, link by index, deletion */
	assert_int_equal(call, 4 + 1);
}

/* It was taken down by a DEL that ended there, so that no route leads to it any more. */
static void renamed_host_end_without_a_route_is_removed(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct attach_step step = {.addresses = plan.addresses, .n_addresses = 1};
	struct error err = {0};

	(void)state;
	make_attachment(&plan);
	(void)snprintf(fake.host_end.name, IFNAMSIZ, "renamed0");
	fake.lookup_errnum = ENETUNREACH;
	assert_int_equal(attach_delete(fake_host_port(), &pod, &step, &err), 0);
	assert_int_equal(fake.host_end.index, 0);
}

/* A kernel without IPv6 routes no IPv6 address, which is no failure. */
static void renamed_host_end_is_found_by_the_other_family(void **state)
{
	struct address addresses[] = {address("2001:db8::2")};
	struct attach_step step = {.addresses = addresses, .n_addresses = 1};
	struct error err = {0};

	(void)state;
	fake_reset();
	fake.lookup_errnum = EAFNOSUPPORT;
	assert_int_equal(attach_delete(fake_host_port(), &pod, &step, &err), 0);
	fake.lookup_errnum = ENOMEM;
	assert_int_equal(attach_delete(fake_host_port(), &pod, &step, &err), REFUSED);
	assert_non_null(strstr(err.msg, "2001:db8::2"));
}

static void group_is_removed_together(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct attach_group group = {.n = 0};
	struct error err = {0};

	(void)state;
	fake_reset();
	assert_int_equal(attach_group_add(fake_host_port(), &pod, &group, &err), 0);
	assert_int_equal(group.n, 0);
	assert_int_equal(attach_group_delete(fake_host_port(), &group, &err), 0);
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
	assert_int_equal(attach_group_add(fake_host_port(), &pod, &group, &err), 0);
	assert_int_equal(group.n, 1);
	assert_int_equal(group.indices[0], 40);
	assert_int_equal(attach_group_delete(fake_host_port(), &group, &err), 0);
	assert_int_equal(group.n, 0);
	assert_true(fake_find("host: configure the interface with index 40") >= 0);
	assert_true(fake_find("host: delete a group of interfaces") >= 0);
	assert_true(nothing_is_left());
}

/* Somebody else's interface is never put into the group. */
static void foreign_interface_is_in_no_group(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct attach_group group = {.n = 0};
	struct error err = {0};

	(void)state;
	make_attachment(&plan);
	(void)snprintf(fake.host_end.alias, sizeof(fake.host_end.alias), "rangeguard pods other eth0");
	assert_int_equal(attach_group_add(fake_host_port(), &pod, &group, &err), 0);
	assert_int_equal(group.n, 0);
}

static void refused_deletion_of_a_group_is_told(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);

	(void)state;
	for (unsigned message = 1; message <= 2; message++) {
		struct attach_group group = {.n = 0};
		struct error err = {0};

		make_attachment(&plan);
		assert_int_equal(attach_group_add(fake_host_port(), &pod, &group, &err), 0);
		fake.fail_message = fake.messages + message;
		fake.fail_errnum = EPERM;
		assert_int_equal(attach_group_delete(fake_host_port(), &group, &err), REFUSED);
		assert_int_equal(err.code, ERROR_KERNEL);
	}
}

/* Killed between the pair's birth and its alias: its MAC address says that it is ours. */
static void pair_without_alias_is_found_by_its_mac(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct error err = {0};

	(void)state;
	fake_reset();
	fake.host_end = (struct link_info){.index = 7, .kind = "veth"};
	memcpy(fake.host_end.name, plan.host_name, IFNAMSIZ);
	memcpy(fake.host_end.mac, plan.host_mac, ETH_ALEN);
	assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), 0);
	assert_true(nothing_is_left());
}

static void delete_tells_what_the_kernel_refuses(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);

	(void)state;
	for (unsigned message = 1; message <= 2; message++) {
		struct error err = {0};

		make_attachment(&plan);
		fake.fail_message = fake.messages + message;
		fake.fail_errnum = EPERM;
		assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), REFUSED);
		assert_int_equal(err.code, ERROR_KERNEL);

		fake.fail_message = 0;
		fake.fail_call = fake.calls + message;
		assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), REFUSED);
	}
}

/* Gone between the question and the deletion: no error. */
static void delete_of_what_just_went_is_fine(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct error err = {0};

	(void)state;
	make_attachment(&plan);
	fake.fail_message = fake.messages + 2;
	fake.fail_errnum = ENODEV;
	assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delete_removes_and_is_repeatable),
		cmocka_unit_test(renamed_host_end_is_removed_or_told_of),
		cmocka_unit_test(renamed_host_end_without_a_route_is_removed),
		cmocka_unit_test(renamed_host_end_is_found_by_the_other_family),
		cmocka_unit_test(group_is_removed_together),
		cmocka_unit_test(foreign_interface_is_in_no_group),
		cmocka_unit_test(refused_deletion_of_a_group_is_told),
		cmocka_unit_test(pair_without_alias_is_found_by_its_mac),
		cmocka_unit_test(delete_tells_what_the_kernel_refuses),
		cmocka_unit_test(delete_of_what_just_went_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
