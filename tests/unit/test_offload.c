/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The short cut in a table in memory: what the kernel is asked, what is put there, what is missed. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <string.h>

#include "nf_fake.h"
#include "offload_fake.h"
#include "plugin/snat/arm.h"
#include "plugin/snat/ruleset.h"

/** prepare() - A kernel with flowtables, and a table in it with some devices; NULL ends the names */
static void prepare(const char *const *names)
{
	struct arm_table table;
	struct error err = {0};

	nf_fake_reset();
	nf_fake.flowtables = true;
	offload_fake = (struct offload_fake){.on_disk = true, .loaded = true, .all = true};
	assert_int_equal(arm_table_begin(&table), 0);
	for (size_t i = 0; names[i]; i++)
		assert_int_equal(offload_devices_add(&table.devices, names[i]), 0);
	assert_int_equal(arm_table_commit(nf_fake_port(), &table, &err), 0);
	arm_table_done(&table);
}

static const char *const abc[] = {"rgc", "rga", "rgb", NULL};

/** devices_of() - Names as devices */
static struct offload_devices devices_of(const char *const *names)
{
	struct offload_devices devices = {0};

	for (size_t i = 0; names[i]; i++)
		assert_int_equal(offload_devices_add(&devices, names[i]), 0);
	return devices;
}

static void a_table_comes_with_it(void **state)
{
	(void)state;
	prepare(abc);
	assert_true(nf_fake.now.flowtable);
	assert_int_equal(nf_fake.now.n_devices, 3);
	assert_int_equal(offload_look(nf_fake_port()), OFFLOAD_WHOLE);
}

/* Two roles may have leases of the same interface. */
static void a_device_is_put_once(void **state)
{
	static const char *const names[] = {"rgb", "rga", "rgb", "rga", "rgb", NULL};

	(void)state;
	prepare(names);
	assert_int_equal(nf_fake.now.n_devices, 2);
	assert_true(nf_fake_has_device("rga") && nf_fake_has_device("rgb"));
}

/* One that goes between the two has the kernel refuse all. */
static void a_device_that_goes_costs_no_other(void **state)
{
	(void)state;
	for (unsigned after = 0; after < 3; after++) {
		struct offload_devices devices;

		nf_fake_reset();
		nf_fake.flowtables = nf_fake.now.table = true;
		offload_fake = (struct offload_fake){.on_disk = true, .all = true};
		for (enum nf_set set = NF_PINNED4; set <= NF_PAIRS6; set++)
			(void)nf_set_name(set, 0, nf_fake.now.sets[nf_fake.now.n_sets++]);
		offload_fake.gone = "rgb";
		offload_fake.gone_after = after;
		devices = devices_of(abc);
		offload_make(nf_fake_port(), &devices);
		offload_devices_done(&devices);
		assert_true(nf_fake_has_device("rga") && nf_fake_has_device("rgc"));
	}
}

/* No message goes to a kernel without the modules: a plain container's ADD asks for one file. */
static void a_kernel_without_it_is_not_asked(void **state)
{
	struct offload_devices devices;

	(void)state;
	prepare(abc);
	devices = devices_of(abc);
	offload_fake.loaded = offload_fake.on_disk = false;
	offload_fake.asked = nf_fake.calls = 0;
	assert_int_equal(offload_look(nf_fake_port()), OFFLOAD_NONE);
	assert_int_equal(offload_fake.asked, 1);
	offload_add(nf_fake_port(), "rgd");
	offload_make(nf_fake_port(), &devices);
	assert_int_equal(nf_fake.calls, 0);
	offload_devices_done(&devices);
}

static void a_host_without_a_table_has_none(void **state)
{
	(void)state;
	prepare(abc);
	memset(&nf_fake.now, 0, sizeof(nf_fake.now));
	nf_fake.calls = 0;
	assert_int_equal(offload_look(nf_fake_port()), OFFLOAD_NONE);
	assert_int_equal(nf_fake.calls, 1);
}

/** drop_rule() - Take the n-th rule of the chains of the short cut away: whether there was one */
static bool drop_rule(unsigned n)
{
	for (size_t i = 0; i < nf_fake.now.n_rules; i++) {
		const char *chain = nf_fake.now.rules[i].chain;

		if ((strcmp(chain, OFFLOAD_CHAIN) != 0 && strcmp(chain, OFFLOAD_CHAIN_TAKE) != 0) || n--)
			continue;
		nf_fake.now.rules[i] = nf_fake.now.rules[--nf_fake.now.n_rules];
		return true;
	}
	return false;
}

static void each_rule_is_missed(void **state)
{
	unsigned n = 0;

	(void)state;
	for (bool there = true; there; n += there) {
		prepare(abc);
		there = drop_rule(n);
		assert_int_equal(offload_look(nf_fake_port()), there ? OFFLOAD_LOST : OFFLOAD_WHOLE);
	}
	assert_int_equal(n, 12);
}

/** drop_chain() - Take a chain with its rules away */
static void drop_chain(const char *name)
{
	for (size_t i = nf_fake.now.n_rules; i-- > 0;)
		if (strcmp(nf_fake.now.rules[i].chain, name) == 0 || strcmp(nf_fake.now.rules[i].target, name) == 0)
			nf_fake.now.rules[i] = nf_fake.now.rules[--nf_fake.now.n_rules];
	for (size_t i = nf_fake.now.n_chains; i-- > 0;)
		if (strcmp(nf_fake.now.chains[i], name) == 0)
			memcpy(nf_fake.now.chains[i], nf_fake.now.chains[--nf_fake.now.n_chains], NF_NAME_MAX);
}

static void each_chain_is_missed(void **state)
{
	(void)state;
	prepare(abc);
	drop_chain(OFFLOAD_CHAIN);
	assert_int_equal(offload_look(nf_fake_port()), OFFLOAD_LOST);
	prepare(abc);
	drop_chain(OFFLOAD_CHAIN_TAKE);
	assert_int_equal(offload_look(nf_fake_port()), OFFLOAD_LOST);
}

/** complete() - offload_complete() with some names */
static size_t complete(const char *const *names)
{
	struct offload_devices devices = devices_of(names);
	size_t lacking = offload_complete(nf_fake_port(), &devices);

	offload_devices_done(&devices);
	return lacking;
}

static void what_lacks_is_put_and_nothing_else(void **state)
{
	unsigned batches;

	(void)state;
	prepare(abc);
	batches = nf_fake.batches;
	assert_int_equal(complete(abc), 0);
	assert_int_equal(nf_fake.batches, batches);
	nf_fake_drop_device("rgb");
	assert_int_equal(complete((const char *const[]){"rgb", "rga", "rgb", NULL}), 1);
	assert_int_equal(nf_fake.batches, batches + 1);
	assert_true(nf_fake_has_device("rgb"));
	while (nf_fake.now.n_devices)
		nf_fake_drop_device(nf_fake.now.devices[0]);
	assert_int_equal(complete(abc), 3);
	assert_int_equal(nf_fake.now.n_devices, 3);
}

/* Of more devices than it can tell the kernel says nothing: it is no reason to put all of them each time. */
static void what_is_not_told_is_left(void **state)
{
	unsigned batches;

	(void)state;
	prepare(abc);
	nf_fake_drop_device("rgb");
	nf_fake.untold = true;
	batches = nf_fake.batches;
	assert_int_equal(complete(abc), 0);
	assert_int_equal(nf_fake.batches, batches);
}

/* What fails leaves the long way: nothing is called whole that is not, nothing is half done. */
static void each_call_fails_once(void **state)
{
	static const int errnums[] = {-ENOBUFS, -ENOMEM, EPERM, ENOMEM};

	(void)state;
	for (size_t i = 0; i < sizeof(errnums) / sizeof(errnums[0]); i++) {
		for (unsigned n = 1; n < 3; n++) {
			prepare(abc);
			nf_fake_drop_device("rgb");
			nf_fake.calls = 0;
			nf_fake.fail_call = n;
			nf_fake.fail_errnum = errnums[i];
			(void)complete(abc);
			assert_false(nf_fake_has_device("rgb"));
		}
		nf_fake.calls = 0;
		nf_fake.fail_call = 1;
		assert_int_equal(offload_look(nf_fake_port()), OFFLOAD_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_comes_with_it),
		cmocka_unit_test(a_device_is_put_once),
		cmocka_unit_test(a_device_that_goes_costs_no_other),
		cmocka_unit_test(a_kernel_without_it_is_not_asked),
		cmocka_unit_test(a_host_without_a_table_has_none),
		cmocka_unit_test(each_rule_is_missed),
		cmocka_unit_test(each_chain_is_missed),
		cmocka_unit_test(what_lacks_is_put_and_nothing_else),
		cmocka_unit_test(what_is_not_told_is_left),
		cmocka_unit_test(each_call_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
