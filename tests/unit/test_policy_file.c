/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies from files, as a network lists them: order, who may write them, and whatever the reading of one can meet. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory_fake.h"
#include "policy_scene.h"
#include "rangeguard/array.h"
#include "scratch.h"

static const struct policy_context today = {.today = DAY_2027_06_30};
static const struct policy_context offline = {.today = DAY_2027_06_30, .lint = true};

static int read_error;
static bool foreign_owner;

ssize_t __real_read(int fd, void *buffer, size_t size);
int __real_fstat(int fd, struct stat *status);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
int __wrap_fstat(int fd, struct stat *status);

/** __wrap_read() - EINTR once, other errors when the whole file has been read */
ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
	ssize_t n = 0;

	if (read_error != EINTR)
		n = __real_read(fd, buffer, size);
	if (n > 0 || !read_error)
		return n;
	errno = read_error;
	if (read_error == EINTR)
		read_error = 0;
	return -1;
}

int __wrap_fstat(int fd, struct stat *status)
{
	int r = __real_fstat(fd, status);

	if (foreign_owner && S_ISREG(status->st_mode))
		status->st_uid = 12345;
	return r;
}

/** directory_of() - Path of the scratch directory */
static const char *directory_of(void **state)
{
	const struct scratch *scratch = *state;

	return scratch->path;
}

/** path_in() - Path of @name in the scratch directory */
static const char *path_in(void **state, const char *name, char buffer[static SCRATCH_PATH_MAX])
{
	scratch_path(*state, name, buffer);
	return buffer;
}

/** write_file() - Make a file in the scratch directory */
static void write_file(void **state, const char *name, mode_t mode, const char *text)
{
	char path[SCRATCH_PATH_MAX];
	FILE *file = fopen(path_in(state, name, path), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/** read_in() - policy_read_path() of @name in the scratch directory */
static int read_in(void **state, const char *name, struct guard *guard, struct heard *heard)
{
	char path[SCRATCH_PATH_MAX];

	return policy_read_path(guard, path_in(state, name, path), false, &today, &heard->report);
}

static void test_directory_in_name_order(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	char path[SCRATCH_PATH_MAX], directory[SCRATCH_PATH_MAX];

	write_file(state, "b.json", 0644, "{\"reserved\": [{\"cidr\": \"10.0.2.0/24\"}]}");
	write_file(state, "a.json", 0600, "{\"reserved\": [{\"cidr\": \"10.0.1.0/24\"}]}");
	write_file(state, "B.json", 0600, "{\"reserved\": [{\"cidr\": \"10.0.0.0/24\"}]}");
	write_file(state, ".hidden.json", 0600, "not a policy");
	write_file(state, "a.json.orig", 0600, "not a policy");
	write_file(state, "json", 0600, "not a policy");
	assert_int_equal(mkdir(path_in(state, "old", path), 0700), 0);
	assert_int_equal(policy_read_path(guard, path_in(state, "", directory), false, &today, &heard.report), 0);
	assert_string_equal(heard.text, "");
	assert_int_equal(guard_n_entries(guard), 3);
	assert_string_equal(guard_entry(guard, 0).file, path_in(state, "B.json", path));
	assert_string_equal(guard_entry(guard, 1).file, path_in(state, "a.json", path));
	assert_string_equal(guard_entry(guard, 2).file, path_in(state, "b.json", path));
}

static void test_directory_goes_on_after_errors(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	char path[SCRATCH_PATH_MAX];

	assert_int_equal(mkdir(path_in(state, "a.json", path), 0700), 0);
	write_file(state, "b.json", 0600, "{");
	assert_int_equal(symlink("nowhere", path_in(state, "c.json", path)), 0);
	write_file(state, "d.json", 0600, "{\"reserved\": [{}]}");
	write_file(state, "e.json", 0600, "{\"reserved\": [{" CIDR "}]}");
	assert_int_equal(policy_read_path(guard, directory_of(state), true, &today, &heard.report), REFUSED);
	assert_int_equal(heard.report.errors, 4);
	assert_int_equal(guard_n_entries(guard), 1);
}

/** struct syntax - A file that is not JSON: as which rule, and the last character that still made sense */
struct syntax {
	const char *text;
	const char *begin;
	unsigned line;
	unsigned column;
};

static void test_not_json(void **state)
{
	static const struct syntax cases[] = {
		{"", "1 E", 1, 1},
		{"\n\n", "1 E", 3, 1},
		{"{}x", "1 E", 1, 3},
		{"{\"reserved\": [\n  {,}]}", "1 E", 2, 4},
		{"{\"a\": \"\xff\"}", "1 E", 1, 7},
		{"{\"x-a\": 1, \"x-a\": 2}", "5 E", 1, 16},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		GUARD_CLEANUP struct guard *guard = new_guard();
		struct heard heard = HEARD;
		char position[64];

		write_file(state, "p.json", 0600, cases[i].text);
		assert_int_equal(read_in(state, "p.json", guard, &heard), REFUSED);
		(void)snprintf(position, sizeof(position), "(line %u, column %u)", cases[i].line, cases[i].column);
		assert_heard(&heard, cases[i].begin, position);
		assert_int_equal(heard.line, cases[i].line);
		assert_int_equal(heard.column, cases[i].column);
	}
}

static void test_nul_is_not_json(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	char path[SCRATCH_PATH_MAX];

	write_file(state, "p.json", 0600, "{}");
	assert_int_equal(truncate(path_in(state, "p.json", path), 3), 0);
	assert_int_equal(read_in(state, "p.json", guard, &heard), REFUSED);
	assert_heard(&heard, "1 E", "p.json is not JSON");
}

static void test_absent(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard missing = HEARD, absent = HEARD, parent = HEARD, dangling = HEARD, no_directory = HEARD;
	char path[SCRATCH_PATH_MAX];

	assert_int_equal(read_in(state, "none", guard, &missing), REFUSED);
	assert_heard(&missing, "301 E", "none can't be read: No such file");

	path_in(state, "none", path);
	assert_int_equal(policy_read_path(guard, path, true, &today, &absent.report), 0);
	path_in(state, "none/reserved.d", path);
	assert_int_equal(policy_read_path(guard, path, true, &today, &parent.report), 0);
	assert_string_equal(absent.text, "");
	assert_string_equal(parent.text, "");

	assert_int_equal(symlink("none", path_in(state, "link", path)), 0);
	assert_int_equal(policy_read_path(guard, path, true, &today, &dangling.report), REFUSED);
	assert_heard(&dangling, "301 E", "No such file");

	write_file(state, "file", 0600, "{}");
	path_in(state, "file/reserved.d", path);
	assert_int_equal(policy_read_path(guard, path, true, &today, &no_directory.report), REFUSED);
	assert_heard(&no_directory, "301 E", "Not a directory");
}

static void test_fifo_does_not_hang(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	char path[SCRATCH_PATH_MAX];

	assert_int_equal(mkfifo(path_in(state, "p.json", path), 0600), 0);
	assert_int_equal(read_in(state, "", guard, &heard), REFUSED);
	assert_heard(&heard, "301 E", "p.json is not a regular file");
}

static void test_writers(void **state)
{
	static const struct {
		mode_t file;
		mode_t directory;
		const char *clause;
	} cases[] = {
		{0600, 0700, NULL},   {0444, 0555, NULL},   {0644, 0755, NULL},	  {0660, 0700, "p.json is writable"},
		{0602, 0700, "0602"}, {0666, 0700, "0666"}, {0600, 0770, "0770"}, {0600, 01777, "1777"},
	};
	char path[SCRATCH_PATH_MAX];

	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		GUARD_CLEANUP struct guard *guard = new_guard(), *linted = new_guard();
		struct heard heard = HEARD, lint = HEARD;

		write_file(state, "p.json", 0600, "{\"reserved\": [{" CIDR "}]}");
		assert_int_equal(chmod(path_in(state, "p.json", path), cases[i].file), 0);
		assert_int_equal(chmod(directory_of(state), cases[i].directory), 0);
		assert_int_equal(policy_read_path(guard, directory_of(state), false, &today, &heard.report),
				 cases[i].clause ? REFUSED : 0);
		assert_int_equal(policy_read_path(linted, directory_of(state), false, &offline, &lint.report), 0);
		assert_int_equal(chmod(directory_of(state), 0700), 0);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(guard_n_entries(guard), !cases[i].clause);
		assert_int_equal(guard_n_entries(linted), 1);
		if (!cases[i].clause)
			continue;
		assert_heard(&heard, "301 E", cases[i].clause);
		assert_heard(&lint, "301 W", cases[i].clause);
	}
}

static void test_foreign_owner(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;

	write_file(state, "p.json", 0600, "{}");
	foreign_owner = true;
	assert_int_equal(read_in(state, "p.json", guard, &heard), REFUSED);
	foreign_owner = false;
	assert_heard(&heard, "301 E", "p.json belongs to user 12345");
}

static void test_symlink_is_followed_and_its_target_checked(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard good = HEARD, bad = HEARD, loop = HEARD;
	char path[SCRATCH_PATH_MAX];

	write_file(state, "target", 0600, "{\"reserved\": [{" CIDR "}]}");
	assert_int_equal(symlink("target", path_in(state, "p.json", path)), 0);
	assert_int_equal(read_in(state, "", guard, &good), 0);
	assert_int_equal(guard_n_entries(guard), 1);
	assert_int_equal(chmod(path_in(state, "target", path), 0666), 0);
	assert_int_equal(read_in(state, "", guard, &bad), REFUSED);
	assert_heard(&bad, "301 E", "p.json is writable");

	assert_int_equal(symlink("loop", path_in(state, "loop", path)), 0);
	assert_int_equal(read_in(state, "loop", guard, &loop), REFUSED);
	assert_heard(&loop, "301 E", "Too many levels");
}

static void test_too_large(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	char path[SCRATCH_PATH_MAX];

	write_file(state, "p.json", 0600, "{}");
	assert_int_equal(truncate(path_in(state, "p.json", path), (off_t)LIMIT_POLICY_FILE + 1), 0);
	assert_int_equal(read_in(state, "p.json", guard, &heard), REFUSED);
	assert_heard(&heard, "301 E", "File too large");
}

static void test_read_errors(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard interrupted = HEARD, failed = HEARD;

	write_file(state, "p.json", 0600, "{\"reserved\": [{" CIDR "}]}");
	read_error = EINTR;
	assert_int_equal(read_in(state, "p.json", guard, &interrupted), 0);
	assert_int_equal(guard_n_entries(guard), 1);
	/* The document is whole; what was to follow is not known. */
	read_error = EIO;
	assert_int_equal(read_in(state, "p.json", guard, &failed), REFUSED);
	read_error = 0;
	assert_heard(&failed, "301 E", "Input/output error");
	assert_int_equal(guard_n_entries(guard), 1);
}

/** netconf_of() - Configuration "pods" with the policies at @path */
static struct netconf netconf_of(const char *path)
{
	return (struct netconf){
		.file = "10-pods.conflist",
		.name = "pods",
		.guard = {.policies = {path}, .n_policies = 1, .pointer = "/guard"},
	};
}

static void test_netconf(void **state)
{
	struct netconf netconf = netconf_of(directory_of(state));
	GUARD_CLEANUP struct guard *guard = NULL;
	struct heard heard = HEARD;
	json_t *json = json_loads("{\"reserved\": [{\"cidr\": \"192.0.2.0/24\"}], \"granted\": ["
				  "{\"cidr\": \"10.1.0.0/16\", \"network\": \"pods\"},"
				  "{\"cidr\": \"10.2.0.0/16\", \"network\": \"batch\"}]}",
				  0, NULL);

	write_file(state, "p.json", 0600, "{\"reserved\": [{" CIDR "}]}");
	netconf.guard.inline_policy = json;
	assert_int_equal(policy_read_netconf(&netconf, DAY_2027_06_30, NULL, &guard, &heard.report), 0);
	json_decref(json);
	assert_string_equal(heard.text, "");
	assert_true(is_reserved(guard, "10.0.0.1"));
	assert_true(is_reserved(guard, "192.0.2.1"));
	assert_false(is_reserved(guard, "10.1.0.1"));
	assert_true(is_reserved(guard, "10.2.0.1"));
	assert_false(is_reserved(guard, "198.51.100.1"));
	assert_string_equal(guard_entry(guard, 1).file, "10-pods.conflist");
	assert_string_equal(guard_entry(guard, 1).pointer, "/guard/reserved/0");
}

static void test_netconf_fails_closed(void **state)
{
	char path[SCRATCH_PATH_MAX];
	struct netconf netconf = netconf_of(path_in(state, "none", path));
	GUARD_CLEANUP struct guard *guard = NULL;
	struct heard heard = HEARD, inline_heard = HEARD, absent = HEARD;

	assert_int_equal(policy_read_netconf(&netconf, DAY_2027_06_30, NULL, &guard, &heard.report), REFUSED);
	assert_null(guard);

	netconf.guard.policies_default = true;
	netconf.guard.inline_policy = json_loads("{\"reserved\": [{}]}", 0, NULL);
	assert_int_equal(policy_read_netconf(&netconf, DAY_2027_06_30, NULL, &guard, &inline_heard.report), REFUSED);
	assert_heard(&inline_heard, "301 E 10-pods.conflist /guard/reserved/0: ", "cidr or range");
	assert_null(guard);

	json_decref((json_t *)(uintptr_t)netconf.guard.inline_policy);
	netconf.guard.inline_policy = NULL;
	assert_int_equal(policy_read_netconf(&netconf, DAY_2027_06_30, NULL, &guard, &absent.report), 0);
	assert_false(is_reserved(guard, "10.0.0.1"));
}

static void test_out_of_memory(void **state)
{
	struct netconf netconf = netconf_of(directory_of(state));

	write_file(state, "p.json", 0600,
		   "{\"reserved\": [{" CIDR ", \"owner\": \"db\", \"reason\": \"a\"}, {\"cidr\": \"192.0.2.0/24\"}]}");
	json_set_alloc_funcs(memory_malloc, free);
	for (unsigned long nth = 1;; nth++) {
		GUARD_CLEANUP struct guard *guard = NULL;
		struct heard heard = HEARD;
		bool failed;
		int r;

		memory_fail_in = nth;
		r = policy_read_netconf(&netconf, DAY_2027_06_30, NULL, &guard, &heard.report);
		failed = memory_fail_in == 0;
		memory_fail_in = 0;
		/* jansson takes some failed allocations for a syntax error. */
		assert_true(r == 0 || r == -ENOMEM || (r == REFUSED && heard.report.errors == 1));
		if (r == 0)
			assert_true(is_reserved(guard, "10.0.0.1") && is_reserved(guard, "192.0.2.1"));
		else
			assert_null(guard);
		if (failed)
			continue;
		assert_int_equal(r, 0);
		assert_true(nth > 20);
		break;
	}
	json_set_alloc_funcs(malloc, free);
}

static int make_scratch(void **state)
{
	static struct scratch scratch;

	scratch_make(&scratch);
	*state = &scratch;
	return 0;
}

static int clear_scratch(void **state)
{
	scratch_remove(*state);
	return 0;
}

#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, make_scratch, clear_scratch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_directory_in_name_order),
		FILE_TEST(test_directory_goes_on_after_errors),
		FILE_TEST(test_not_json),
		FILE_TEST(test_nul_is_not_json),
		FILE_TEST(test_absent),
		FILE_TEST(test_fifo_does_not_hang),
		FILE_TEST(test_writers),
		FILE_TEST(test_foreign_owner),
		FILE_TEST(test_symlink_is_followed_and_its_target_checked),
		FILE_TEST(test_too_large),
		FILE_TEST(test_read_errors),
		FILE_TEST(test_netconf),
		FILE_TEST(test_netconf_fails_closed),
		FILE_TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
