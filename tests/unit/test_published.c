/* SPDX-License-Identifier: GPL-2.0-or-later */
/* published.c: the cluster's policy counts beside as many as a configuration may name, and unless it is known to be absent. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugin/policy/published.h"
#include "scratch.h"

/** struct data_dir - A state directory of a test */
struct data_dir {
	struct scratch scratch;
	char file[SCRATCH_PATH_MAX];
};

static int set_up(void **state)
{
	static struct data_dir dir;

	scratch_make(&dir.scratch);
	scratch_path(&dir.scratch, NETCONF_PUBLISHED, dir.file);
	*state = &dir;
	return 0;
}

static int tear_down(void **state)
{
	const struct data_dir *dir = *state;

	scratch_remove(&dir->scratch);
	return 0;
}

static void test_absent(void **state)
{
	const struct data_dir *dir = *state;
	struct netconf_guard guard = {.n_policies = 1};
	char path[PUBLISHED_PATH_MAX];

	published_add(&guard, dir->scratch.path, path);
	assert_int_equal(guard.n_policies, 1);
	published_add(&guard, "/no/such/directory", path);
	assert_int_equal(guard.n_policies, 1);
}

static void test_counts_beside_all_that_may_be_named(void **state)
{
	const struct data_dir *dir = *state;
	struct netconf_guard guard = {.n_policies = LIMIT_POLICY_PATHS};
	char path[PUBLISHED_PATH_MAX];
	int fd = open(dir->file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	published_add(&guard, dir->scratch.path, path);
	assert_int_equal(guard.n_policies, LIMIT_POLICY_PATHS + 1);
	assert_string_equal(guard.policies[LIMIT_POLICY_PATHS], dir->file);
}

/** A look that fails, and a link that leads nowhere, are not an absent file */
static void test_not_known_to_be_absent(void **state)
{
	const struct data_dir *dir = *state;
	struct netconf_guard guard = {0};
	char path[PUBLISHED_PATH_MAX], loop[SCRATCH_PATH_MAX];

	assert_int_equal(symlink("nowhere", dir->file), 0);
	published_add(&guard, dir->scratch.path, path);
	assert_int_equal(guard.n_policies, 1);
	scratch_path(&dir->scratch, "loop", loop);
	assert_int_equal(symlink("loop", loop), 0);
	published_add(&guard, loop, path);
	assert_int_equal(guard.n_policies, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_absent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_counts_beside_all_that_may_be_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_known_to_be_absent, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
