/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies that import tables, from files: that the guard fails closed whatever is the matter with a table. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory_fake.h"
#include "plugin/policy/policy.h"
#include "rangeguard/array.h"
#include "rangeguard/limits.h"
#include "scratch.h"

static const struct policy_context online = {.today = 20999};
static const struct policy_context offline = {.today = 20999, .lint = true};

static int read_error;
static bool table_is_foreign;

ssize_t __real_read(int fd, void *buffer, size_t size);
int __real_fstat(int fd, struct stat *status);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
int __wrap_fstat(int fd, struct stat *status);

/** is_table() - Whether a descriptor is that of a *.csv */
static bool is_table(int fd)
{
	char name[64], target[SCRATCH_PATH_MAX];
	ssize_t length;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	length = readlink(name, target, sizeof(target));
	return length > 4 && memcmp(target + length - 4, ".csv", 4) == 0;
}

/** __wrap_read() - Of tables: EINTR once, other errors when all has been read */
ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
	ssize_t n = 0;

	if (!read_error || !is_table(fd))
		return __real_read(fd, buffer, size);
	if (read_error != EINTR)
		n = __real_read(fd, buffer, size);
	if (n > 0)
		return n;
	errno = read_error;
	if (read_error == EINTR)
		read_error = 0;
	return -1;
}

int __wrap_fstat(int fd, struct stat *status)
{
	int r = __real_fstat(fd, status);

	if (table_is_foreign && is_table(fd))
		status->st_uid = 12345;
	return r;
}

/** struct heard - Listener that writes down "RULE SEVERITY FILE POINTER: MESSAGE" lines, the directory left out */
struct heard {
	struct report report;
	const char *directory;
	char text[4096];
};

/** local() - A path without the scratch directory */
static const char *local(const struct heard *heard, const char *path)
{
	size_t length = strlen(heard->directory);

	return strncmp(path, heard->directory, length) == 0 ? path + length + 1 : path;
}

static void hear(struct report *report, const struct finding *finding)
{
	struct heard *heard = (struct heard *)report;
	size_t length = strlen(heard->text);

	(void)snprintf(heard->text + length, sizeof(heard->text) - length, "%u %c %s %s: %s\n", (unsigned)finding->rule,
		       finding->severity == SEVERITY_ERROR ? 'E' : 'W', local(heard, finding->file), finding->pointer,
		       finding->message);
}

static int set_up(void **state)
{
	static struct scratch scratch;

	scratch_make(&scratch);
	*state = &scratch;
	memory_fail_in = 0;
	read_error = 0;
	table_is_foreign = false;
	return 0;
}

static int tear_down(void **state)
{
	scratch_remove(*state);
	return 0;
}

/** write_file() - A file in the scratch directory */
static void write_file(void **state, const char *name, const char *text)
{
	char path[SCRATCH_PATH_MAX];
	FILE *file;

	scratch_path(*state, name, path);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_not_equal(fputs(text, file), EOF);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

/** read_policy() - policy_read_path() of a file or directory in the scratch directory; no descriptor may be left */
static int read_policy(void **state, const char *name, const struct policy_context *context, struct guard **ret_guard,
		       struct heard *heard)
{
	size_t fds = scratch_count_fds();
	char path[SCRATCH_PATH_MAX];
	int r;

	*heard = (struct heard){.report = {.heard = hear}, .directory = ((struct scratch *)*state)->path};
	scratch_path(*state, name, path);
	assert_int_equal(guard_new(ret_guard), 0);
	r = policy_read_path(*ret_guard, path, false, context, &heard->report);
	assert_int_equal(scratch_count_fds(), fds);
	return r;
}

/** assert_says() - Reading p.json comes to @outcome and one line that begins so and says that */
static void assert_says(void **state, const struct policy_context *context, int outcome, const char *begin,
			const char *clause)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	struct heard heard;
	const char *newline;

	assert_int_equal(read_policy(state, "p.json", context, &guard, &heard), outcome);
	newline = strchr(heard.text, '\n');
	if (!newline || newline[1] || strncmp(heard.text, begin, strlen(begin)) != 0 || !strstr(heard.text, clause))
		fail_msg("heard \"%s\" instead of \"%s\" \"%s\"", heard.text, begin, clause);
}

#define POLICY "{\"imports\": [{\"file\": \"t.csv\", \"format\": \"netbox\"}]}"

static void test_rows_become_entries(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	char path[SCRATCH_PATH_MAX];
	struct guard_entry entry;
	struct heard heard;

	write_file(state, "t.csv", "prefix,tenant\n10.20.0.0/16,db\nfd20::/32,db\n");
	write_file(state, "p.json",
		   "{\"imports\": [{\"file\": \"t.csv\", \"format\": \"netbox\", \"owner\": \"tenant\"}],"
		   " \"reserved\": [{\"cidr\": \"10.0.0.0/8\"}]}");
	assert_int_equal(read_policy(state, "p.json", &online, &guard, &heard), 0);
	assert_string_equal(heard.text, "");
	assert_int_equal(guard_n_entries(guard), 3);
	entry = guard_entry(guard, 1);
	scratch_path(*state, "t.csv", path);
	assert_string_equal(entry.file, path);
	assert_string_equal(entry.pointer, "line 2");
	assert_string_equal(entry.owner, "db");
}

static void test_directory_reads_tables_that_are_imported_only(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	char path[SCRATCH_PATH_MAX];
	struct heard heard;

	scratch_path(*state, "d", path);
	assert_int_equal(mkdir(path, 0755), 0);
	scratch_path(*state, "d/sub", path);
	assert_int_equal(mkdir(path, 0755), 0);
	write_file(state, "d/sub/t.csv", "prefix\n10.20.0.0/16\n");
	write_file(state, "d/other.csv", "nonsense\n");
	write_file(state, "d/p.json", "{\"imports\": [{\"file\": \"sub/t.csv\", \"format\": \"netbox\"}]}");
	assert_int_equal(read_policy(state, "d", &online, &guard, &heard), 0);
	assert_int_equal(guard_n_entries(guard), 1);
	scratch_path(*state, "d/sub/t.csv", path);
	assert_string_equal(guard_entry(guard, 0).file, path);
}

static void test_faults_fail_closed(void **state)
{
	char path[SCRATCH_PATH_MAX];

	write_file(state, "p.json", POLICY);
	assert_says(state, &online, REFUSED, "301 E p.json /imports/0/file: import ",
		    "t.csv can't be read: No such file");
	scratch_path(*state, "t.csv", path);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_says(state, &online, REFUSED, "301 E p.json /imports/0/file: ", "is not a regular file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_says(state, &online, REFUSED, "301 E p.json /imports/0/file: ", "is not a regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_says(state, &online, REFUSED, "301 E p.json /imports/0/file: ", "is not a regular file");
	assert_int_equal(unlink(path), 0);
	write_file(state, "t.csv", "");
	assert_says(state, &online, REFUSED, "301 E t.csv line 1: ", "there is no header line");
	write_file(state, "t.csv", "prefix\n10.0.0.0/8\n10.20.0/16\n");
	assert_says(state, &online, REFUSED, "301 E t.csv line 3: ", "must be ADDRESS/LENGTH");
	write_file(state, "p.json", "{\"imports\": {}}");
	assert_says(state, &online, REFUSED, "301 E p.json /imports: ", "must be an array");
	write_file(state, "p.json", "{\"improts\": []}");
	assert_says(state, &online, REFUSED, "2 E p.json /improts: ", "did you mean \"imports\"?");
}

static void test_errors_of_the_policy_and_of_tables_are_all_told(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	struct heard heard;

	write_file(state, "t.csv", "prefix\nx\n10.0.0.0/8\n");
	write_file(state, "p.json",
		   "{\"reserved\": [{}], \"imports\": [{}, {\"file\": \"t.csv\", \"format\": \"netbox\"},"
		   " {\"file\": \"absent.csv\", \"format\": \"netbox\"}]}");
	assert_int_equal(read_policy(state, "p.json", &offline, &guard, &heard), REFUSED);
	assert_int_equal(heard.report.errors, 5);
	assert_int_equal(guard_n_entries(guard), 1);
}

static void test_writers(void **state)
{
	static const mode_t modes[] = {0664, 0646, 0666};
	char path[SCRATCH_PATH_MAX];

	write_file(state, "p.json", POLICY);
	write_file(state, "t.csv", "prefix\n10.0.0.0/8\n");
	scratch_path(*state, "t.csv", path);
	for (size_t i = 0; i < ARRAY_LENGTH(modes); i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		assert_says(state, &online, REFUSED, "301 E p.json /imports/0/file: ", "t.csv is writable by others");
		assert_says(state, &offline, 0,
			    "301 W p.json /imports/0/file: an ADD would refuse it: ", "use chmod go-w");
	}
	assert_int_equal(chmod(path, 0644), 0);
	table_is_foreign = true;
	assert_says(state, &online, REFUSED, "301 E p.json /imports/0/file: ", "t.csv belongs to user 12345");
}

static void test_symlink_is_followed_and_its_target_checked(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	char path[SCRATCH_PATH_MAX];
	struct heard heard;

	write_file(state, "p.json", POLICY);
	write_file(state, "target", "prefix\n10.0.0.0/8\n");
	scratch_path(*state, "t.csv", path);
	assert_int_equal(symlink("target", path), 0);
	assert_int_equal(read_policy(state, "p.json", &online, &guard, &heard), 0);
	assert_int_equal(guard_n_entries(guard), 1);
	scratch_path(*state, "target", path);
	assert_int_equal(chmod(path, 0666), 0);
	assert_says(state, &online, REFUSED, "301 E p.json /imports/0/file: ", "is writable by others");
}

static void test_too_large(void **state)
{
	char path[SCRATCH_PATH_MAX];

	write_file(state, "p.json", POLICY);
	write_file(state, "t.csv", "prefix\n");
	scratch_path(*state, "t.csv", path);
	assert_int_equal(truncate(path, (off_t)LIMIT_POLICY_FILE + 1), 0);
	assert_says(state, &online, REFUSED, "301 E p.json /imports/0/file: ", "File too large");
}

static void test_read_errors(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	struct heard heard;

	write_file(state, "p.json", POLICY);
	write_file(state, "t.csv", "prefix\n10.0.0.0/8\n");
	read_error = EIO;
	assert_says(state, &online, REFUSED, "301 E p.json /imports/0/file: ", "can't be read: Input/output error");
	read_error = EINTR;
	assert_int_equal(read_policy(state, "p.json", &online, &guard, &heard), 0);
	assert_int_equal(read_error, 0);
	assert_int_equal(guard_n_entries(guard), 1);
}

static void test_nothing_imported_is_worth_a_warning(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	struct heard heard;

	write_file(state, "p.json", POLICY);
	write_file(state, "t.csv", "prefix,status\n");
	assert_says(state, &offline, 0,
		    "301 W p.json /imports/0/file: ", "t.csv has no rows; the import reserves nothing");
	write_file(
		state, "p.json",
		"{\"imports\": [{\"file\": \"t.csv\", \"format\": \"netbox\", \"where\": {\"status\": [\"actve\"]}}]}");
	write_file(state, "t.csv", "prefix,status\n10.0.0.0/8,active\n11.0.0.0/8,active\n");
	assert_says(state, &offline, 0, "301 W p.json /imports/0/where: ", "none of the 2 rows of ");
	assert_int_equal(read_policy(state, "p.json", &online, &guard, &heard), 0);
	assert_string_equal(heard.text, "");
}

static void test_imports_of_inline_policies_are_not_read(void **state)
{
	struct heard heard = {.report = {.heard = hear}, .directory = "/"};
	json_t *json = json_loads(
		"{\"imports\": [{\"file\": \"absent.csv\", \"format\": \"netbox\"}], \"type\": \"rangeguard\"}", 0,
		NULL);
	GUARD_CLEANUP struct guard *guard = NULL;

	(void)state;
	assert_int_equal(guard_new(&guard), 0);
	assert_int_equal(policy_read_json(guard, json, "net.conf", "/guard", &online, &heard.report), 0);
	assert_string_equal(heard.text, "");
	json_decref(json);
}

static void test_lint_names_both_places(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	struct heard heard;

	write_file(state, "p.json", POLICY);
	write_file(state, "t.csv", "prefix\n10.0.0.0/8\n\n10.0.0.0/8\n");
	assert_int_equal(read_policy(state, "p.json", &offline, &guard, &heard), 0);
	assert_int_equal(policy_lint(guard, &heard.report), 0);
	assert_int_equal(strncmp(heard.text, "301 W t.csv line 4: 10.0.0.0/8 is reserved by ", 46), 0);
	assert_non_null(strstr(heard.text, "t.csv line 2 already"));
}

static void test_out_of_memory(void **state)
{
	write_file(
		state, "p.json",
		"{\"imports\": [{\"file\": \"t.csv\", \"format\": \"infoblox\", \"where\": {\"type\": [\"network\"]}}]}");
	write_file(state, "t.csv", "header-network,address*,netmask*\nnetwork,10.0.0.0,8\nheader-host,a\nhost,b\n");
	json_set_alloc_funcs(memory_real_malloc, free);
	for (unsigned long nth = 1;; nth++) {
		struct guard *guard;
		struct heard heard = {.report = {.heard = hear}, .directory = ((struct scratch *)*state)->path};
		char path[SCRATCH_PATH_MAX];
		bool failed;
		int r;

		scratch_path(*state, "p.json", path);
		assert_int_equal(guard_new(&guard), 0);
		memory_fail_in = nth;
		r = policy_read_path(guard, path, false, &online, &heard.report);
		failed = memory_fail_in == 0;
		memory_fail_in = 0;
		guard_free(guard);
		if (!failed) {
			assert_int_equal(r, 0);
			assert_true(nth > 8);
			break;
		}
		assert_int_equal(r, -ENOMEM);
		assert_string_equal(heard.text, "");
	}
	json_set_alloc_funcs(malloc, free);
}

#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_rows_become_entries),
		FILE_TEST(test_directory_reads_tables_that_are_imported_only),
		FILE_TEST(test_faults_fail_closed),
		FILE_TEST(test_errors_of_the_policy_and_of_tables_are_all_told),
		FILE_TEST(test_writers),
		FILE_TEST(test_symlink_is_followed_and_its_target_checked),
		FILE_TEST(test_too_large),
		FILE_TEST(test_read_errors),
		FILE_TEST(test_nothing_imported_is_worth_a_warning),
		cmocka_unit_test(test_imports_of_inline_policies_are_not_read),
		FILE_TEST(test_lint_names_both_places),
		FILE_TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
