/* SPDX-License-Identifier: GPL-2.0-or-later */
/* writers.c: a directory that can't be looked at may be anybody's. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/policy/writers.h"
#include "scratch.h"

/** The call of lstat(2), stat(2) or realpath(3) that fails, from 1; 0: none */
static unsigned calls, fail_call;
static int fail_errnum;

int __real_lstat(const char *path, struct stat *status);
int __wrap_lstat(const char *path, struct stat *status);
int __real_stat(const char *path, struct stat *status);
int __wrap_stat(const char *path, struct stat *status);
char *__real_realpath(const char *path, char *resolved);
char *__wrap_realpath(const char *path, char *resolved);

/** fails() - Count a call: whether it is to fail */
static bool fails(void)
{
	if (++calls != fail_call)
		return false;
	errno = fail_errnum;
	return true;
}

int __wrap_lstat(const char *path, struct stat *status)
{
	return fails() ? -1 : __real_lstat(path, status);
}

int __wrap_stat(const char *path, struct stat *status)
{
	return fails() ? -1 : __real_stat(path, status);
}

char *__wrap_realpath(const char *path, char *resolved)
{
	return fails() ? NULL : __real_realpath(path, resolved);
}

/** flaw() - What is wrong with a path when call @n fails with @errnum */
static const char *flaw(const char *path, unsigned n, int errnum)
{
	static char text[WRITERS_TEXT_MAX];

	calls = 0;
	fail_call = n;
	fail_errnum = errnum;
	return writers_path_flaw(path, text);
}

/* Whichever directory on the way, through a symbolic link or not: what could not be looked at is told, not passed. */
static void a_directory_that_can_not_be_looked_at_is_a_flaw(void **state)
{
	static const int errnums[] = {EACCES, EIO, ENOMEM, ENFILE, EINTR, ELOOP};
	struct scratch scratch;
	char real[SCRATCH_PATH_MAX], link[SCRATCH_PATH_MAX], path[SCRATCH_PATH_MAX];

	(void)state;
	scratch_make(&scratch);
	scratch_path(&scratch, "real", real);
	scratch_path(&scratch, "link", link);
	scratch_path(&scratch, "link/policy.json", path);
	assert_int_equal(mkdir(real, 0755), 0);
	assert_int_equal(symlink(real, link), 0);
	if (flaw(path, 0, 0))
		skip(); /* TMPDIR is not safe here */
	for (size_t i = 0; i < sizeof(errnums) / sizeof(errnums[0]); i++) {
		unsigned n = 0;

		do {
			const char *told = flaw(path, ++n, errnums[i]);

			if (calls < n)
				break;
			assert_non_null(told);
			assert_non_null(strstr(told, strerror(errnums[i])));
		} while (n < 100);
		assert_in_range(n, 6, 99);
	}
	assert_null(flaw("/nowhere/at/all", 0, 0));
	scratch_remove(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_that_can_not_be_looked_at_is_a_flaw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
