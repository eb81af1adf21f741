/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's subnets in a file that survives a boot. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugin/agent/docker_mirror.h"
#include "scratch.h"

static struct scratch scratch;

static int setup(void **state)
{
	(void)state;
	scratch_make(&scratch);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_remove(&scratch);
	return 0;
}

static struct docker_pool pool_of(const char *subnet, int pid)
{
	struct docker_pool pool = {.network = "docker",
				   .claim = {.docker = {.pid = pid, .start = 5}, .token = "0123456789abcdef"}};

	assert_int_equal(prefix_parse(subnet, &pool.subnet), 0);
	pool.range = pool.subnet;
	return pool;
}

static void test_what_is_written_comes_back(void **state)
{
	struct docker_pool first = pool_of("10.1.0.0/24", 7), second = pool_of("fd00::/64", 8);
	struct docker_pools pools = {0}, back;
	char path[SCRATCH_PATH_MAX];

	(void)state;
	scratch_path(&scratch, "made/docker.json", path);
	assert_int_equal(docker_mirror_read(path, "boot", &back), 0);
	assert_int_equal(back.n, 0);
	assert_int_equal(docker_pools_add(&pools, &first), 0);
	assert_int_equal(docker_pools_add(&pools, &second), 0);
	assert_int_equal(docker_mirror_write(path, "boot", &pools), 0);
	assert_int_equal(docker_mirror_read(path, "boot", &back), 0);
	assert_int_equal(back.n, 2);
	assert_int_equal(docker_pools_find(&back, &first.subnet)->claim.docker.pid, 7);
	docker_pools_done(&back);
	/* After a boot the same process id is another process. */
	assert_int_equal(docker_mirror_read(path, "another boot", &back), 0);
	assert_int_equal(back.n, 2);
	assert_int_equal(docker_pools_find(&back, &second.subnet)->claim.docker.pid, 0);
	docker_pools_done(&back);
	docker_pools_done(&pools);
}

static void test_a_subnet_stands_once(void **state)
{
	struct docker_pool first = pool_of("10.1.0.0/24", 7), again = pool_of("10.1.0.0/24", 8),
			   other = pool_of("10.1.0.0/25", 9);
	struct docker_pools pools = {0};

	(void)state;
	assert_int_equal(docker_pools_add(&pools, &first), 0);
	assert_int_equal(docker_pools_add(&pools, &other), 0);
	assert_int_equal(docker_pools_add(&pools, &again), 0);
	assert_int_equal(pools.n, 2);
	assert_int_equal(docker_pools_find(&pools, &first.subnet)->claim.docker.pid, 8);
	docker_pools_drop(&pools, &first.subnet);
	assert_null(docker_pools_find(&pools, &first.subnet));
	assert_non_null(docker_pools_find(&pools, &other.subnet));
	docker_pools_done(&pools);
}

static void test_a_file_that_makes_no_sense(void **state)
{
	static const char *const texts[] = {"",
					    "{",
					    "[]",
					    "{\"version\": 2, \"boot\": \"b\", \"pools\": []}",
					    "{\"version\": 1, \"boot\": \"b\", \"pools\": {}}",
					    "{\"version\": 1, \"boot\": \"b\", \"pools\": [{}]}"};
	struct docker_pools pools;
	char path[SCRATCH_PATH_MAX];

	(void)state;
	scratch_path(&scratch, "docker.json", path);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		assert_true(fputs(texts[i], file) >= 0);
		assert_int_equal(fclose(file), 0);
		assert_true(docker_mirror_read(path, "b", &pools) < 0);
		docker_pools_done(&pools);
	}
}

/** With this errno the read(2) after that many fails */
static int failing;
static unsigned calls_before;

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
	if (failing && !calls_before--) {
		errno = failing;
		failing = 0;
		return -1;
	}
	return __real_read(fd, buffer, size);
}

/* A file that can't be read is not one that makes no sense, after which it would be written over. */
static void test_a_file_that_can_not_be_read(void **state)
{
	struct docker_pool first = pool_of("10.1.0.0/24", 7);
	struct docker_pools pools = {0}, back;
	char path[SCRATCH_PATH_MAX];

	(void)state;
	scratch_path(&scratch, "docker.json", path);
	assert_int_equal(docker_pools_add(&pools, &first), 0);
	assert_int_equal(docker_mirror_write(path, "boot", &pools), 0);
	for (unsigned before = 0; before < 2; before++) {
		failing = EIO;
		calls_before = before;
		assert_int_equal(docker_mirror_read(path, "boot", &back), -EIO);
		docker_pools_done(&back);
		failing = EINTR;
		calls_before = before;
		assert_int_equal(docker_mirror_read(path, "boot", &back), 0);
		assert_int_equal(back.n, 1);
		docker_pools_done(&back);
	}
	failing = 0;
	docker_pools_done(&pools);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_written_comes_back, setup, teardown),
		cmocka_unit_test(test_a_subnet_stands_once),
		cmocka_unit_test_setup_teardown(test_a_file_that_makes_no_sense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_can_not_be_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
