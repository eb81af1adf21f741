/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_record.c, policy_fresh.c: whatever changes of what a guard was made of, the record of it no longer holds. The
 * sources are files of a scratch directory, read as an ADD reads them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plugin/policy/policy.h"
#include "plugin/policy/policy_record.h"
#include "plugin/policy/policy_source.h"
#include "scratch.h"

#define TODAY 20999L
#define ENTRY "{\"reserved\": [{\"cidr\": \"10.20.0.0/16\"}]}"
#define OTHER "{\"reserved\": [{\"cidr\": \"10.21.0.0/16\"}]}"

/** A tick of a kernel that gives files no better times than that */
#define TICK_NS 16000000LL
#define NS_PER_S 1000000000LL

/*
 * The clock and the times of files that the code under test sees (-Wl,--wrap): @clock_offset_ns ahead, and, as on
 * kernels before 6.13 and on file systems that know no better, in ticks.
 */
static long long clock_offset_ns;

int __real_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __real_fstat(int fd, struct stat *ret_status);
int __real_stat(const char *path, struct stat *ret_status);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __wrap_fstat(int fd, struct stat *ret_status);
int __wrap_stat(const char *path, struct stat *ret_status);

/** in_ticks() - @time and @offset_ns more, as the last tick said. Never a whole second: that means another thing */
static struct timespec in_ticks(struct timespec time, long long offset_ns)
{
	long long ns = time.tv_sec * NS_PER_S + time.tv_nsec + offset_ns;

	ns = ns / TICK_NS * TICK_NS + 1;
	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	int r = __real_clock_gettime(clock, ret_time);

	if (clock == CLOCK_REALTIME_COARSE)
		*ret_time = in_ticks(*ret_time, clock_offset_ns);
	return r;
}

int __wrap_fstat(int fd, struct stat *ret_status)
{
	int r = __real_fstat(fd, ret_status);

	ret_status->st_mtim = in_ticks(ret_status->st_mtim, 0);
	ret_status->st_ctim = in_ticks(ret_status->st_ctim, 0);
	return r;
}

int __wrap_stat(const char *path, struct stat *ret_status)
{
	int r = __real_stat(path, ret_status);

	ret_status->st_mtim = in_ticks(ret_status->st_mtim, 0);
	ret_status->st_ctim = in_ticks(ret_status->st_ctim, 0);
	return r;
}

/** struct scene - A directory "d" with "a.json" and "b.json", a file "f.json", nothing at "default" */
struct scene {
	struct scratch scratch;
	char directory[SCRATCH_PATH_MAX];
	char file[SCRATCH_PATH_MAX];
	char absent[SCRATCH_PATH_MAX];
	char a[SCRATCH_PATH_MAX];
	char b[SCRATCH_PATH_MAX];
	struct policy_record record;
};

/** write_file() - Make @path again with @text */
static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

static void hear(struct report *report, const struct finding *finding)
{
	(void)report;
	fail_msg("%s", finding->message);
}

/** read_scene() - Read all sources and record them */
static void read_scene(struct scene *scene)
{
	const char *const paths[] = {scene->directory, scene->file, scene->absent};
	struct policy_context context = {.today = TODAY, .record = &scene->record};
	struct report report = {.heard = hear};
	GUARD_CLEANUP struct guard *guard = NULL;

	policy_record_done(&scene->record);
	scene->record = (struct policy_record){.read_max = UINT64_MAX, .settle = true};
	assert_int_equal(policy_record_begin(&scene->record, TODAY), 0);
	assert_int_equal(guard_new(&guard), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(policy_read_path(guard, paths[i], true, &context, &report), 0);
}

static bool holds(const struct scene *scene)
{
	return policy_record_holds(scene->record.bytes, scene->record.size, TODAY);
}

static int set_up(void **state)
{
	static struct scene scene;

	scene = (struct scene){0};
	scratch_make(&scene.scratch);
	scratch_path(&scene.scratch, "d", scene.directory);
	scratch_path(&scene.scratch, "f.json", scene.file);
	scratch_path(&scene.scratch, "default", scene.absent);
	scratch_path(&scene.scratch, "d/a.json", scene.a);
	scratch_path(&scene.scratch, "d/b.json", scene.b);
	assert_int_equal(mkdir(scene.directory, 0755), 0);
	write_file(scene.a, ENTRY);
	write_file(scene.b, ENTRY);
	write_file(scene.file, ENTRY);
	read_scene(&scene);
	assert_true(holds(&scene));
	assert_false(scene.record.unsettled);
	*state = &scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	policy_record_done(&scene->record);
	scratch_remove(&scene->scratch);
	return 0;
}

/** replace() - Put a new file in the place of @path, of the same size and time */
static void replace(const char *path)
{
	struct stat status;
	char other[SCRATCH_PATH_MAX + 4];

	(void)snprintf(other, sizeof(other), "%s.new", path);
	assert_int_equal(stat(path, &status), 0);
	write_file(other, OTHER);
	assert_int_equal(utimensat(AT_FDCWD, other, (struct timespec[]){status.st_atim, status.st_mtim}, 0), 0);
	assert_int_equal(rename(other, path), 0);
}

/* The kinds of change; each must be seen */
static void append(const struct scene *scene)
{
	write_file(scene->file, ENTRY " ");
}

static void change_in_place(const struct scene *scene)
{
	write_file(scene->file, OTHER);
}

static void change_in_directory(const struct scene *scene)
{
	write_file(scene->b, OTHER);
}

static void replace_file(const struct scene *scene)
{
	replace(scene->file);
}

static void replace_in_directory(const struct scene *scene)
{
	replace(scene->a);
}

static void touch(const struct scene *scene)
{
	assert_int_equal(utimensat(AT_FDCWD, scene->file, NULL, 0), 0);
}

/** change_and_set_time_back() - Same size, same st_mtime: the time of the change remains */
static void change_and_set_time_back(const struct scene *scene)
{
	struct stat status;

	assert_int_equal(stat(scene->file, &status), 0);
	write_file(scene->file, OTHER);
	assert_int_equal(utimensat(AT_FDCWD, scene->file, (struct timespec[]){status.st_atim, status.st_mtim}, 0), 0);
}

static void make_writable(const struct scene *scene)
{
	assert_int_equal(chmod(scene->a, 0666), 0);
}

static void make_directory_writable(const struct scene *scene)
{
	assert_int_equal(chmod(scene->directory, 0777), 0);
}

static void remove_file(const struct scene *scene)
{
	assert_int_equal(unlink(scene->file), 0);
}

static void remove_from_directory(const struct scene *scene)
{
	assert_int_equal(unlink(scene->a), 0);
}

static void add_to_directory(const struct scene *scene)
{
	char path[SCRATCH_PATH_MAX];

	scratch_path(&scene->scratch, "d/c.json", path);
	write_file(path, ENTRY);
}

static void rename_in_directory(const struct scene *scene)
{
	char path[SCRATCH_PATH_MAX];

	scratch_path(&scene->scratch, "d/z.json", path);
	assert_int_equal(rename(scene->a, path), 0);
}

static void exchange_directory(const struct scene *scene)
{
	char path[SCRATCH_PATH_MAX];

	scratch_path(&scene->scratch, "old", path);
	assert_int_equal(rename(scene->directory, path), 0);
	assert_int_equal(symlink("old", scene->directory), 0);
	/* The same directory by another name is the same source: only the name in it is another. */
	scratch_path(&scene->scratch, "old/0.json", path);
	write_file(path, ENTRY);
}

static void file_becomes_directory(const struct scene *scene)
{
	assert_int_equal(unlink(scene->file), 0);
	assert_int_equal(mkdir(scene->file, 0755), 0);
}

static void file_becomes_symlink(const struct scene *scene)
{
	assert_int_equal(unlink(scene->file), 0);
	assert_int_equal(symlink("d/a.json", scene->file), 0);
}

static void absent_appears(const struct scene *scene)
{
	write_file(scene->absent, ENTRY);
}

static void absent_becomes_dangling_symlink(const struct scene *scene)
{
	assert_int_equal(symlink("nowhere", scene->absent), 0);
}

static void each_change_is_seen(void **state)
{
	static const struct {
		const char *name;
		void (*change)(const struct scene *scene);
	} changes[] = {
		{"append", append},
		{"change_in_place", change_in_place},
		{"change_in_directory", change_in_directory},
		{"replace_file", replace_file},
		{"replace_in_directory", replace_in_directory},
		{"touch", touch},
		{"change_and_set_time_back", change_and_set_time_back},
		{"make_writable", make_writable},
		{"make_directory_writable", make_directory_writable},
		{"remove_file", remove_file},
		{"remove_from_directory", remove_from_directory},
		{"add_to_directory", add_to_directory},
		{"rename_in_directory", rename_in_directory},
		{"exchange_directory", exchange_directory},
		{"file_becomes_directory", file_becomes_directory},
		{"file_becomes_symlink", file_becomes_symlink},
		{"absent_appears", absent_appears},
		{"absent_becomes_dangling_symlink", absent_becomes_dangling_symlink},
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
		changes[i].change(*state);
		if (holds(*state))
			fail_msg("%s went unseen", changes[i].name);
	}
}

/* A file that is no policy may come and go; the directory's times then say only that it must be read again. */
static void what_is_no_source_changes_nothing_but_the_directory(void **state)
{
	struct scene *scene = *state;
	char path[SCRATCH_PATH_MAX];

	scratch_path(&scene->scratch, "g.json", path);
	write_file(path, ENTRY);
	assert_true(holds(scene));
}

/**
 * Changed, read and changed again within one tick of the clock: both changes give the file the same times. Reading
 * waits for the next tick, so that the second change has another time.
 */
static void changes_within_a_tick_are_seen(void **state)
{
	struct scene *scene = *state;

	for (unsigned i = 0; i < 30; i++) {
		write_file(scene->file, i % 2 ? ENTRY : OTHER);
		read_scene(scene);
		assert_false(scene->record.unsettled);
		write_file(scene->file, i % 2 ? OTHER : ENTRY);
		assert_false(holds(scene));
	}
}

/** settle_at() - Read the scene while the clock is @offset_ns ahead; whether it could be settled */
static bool settle_at(struct scene *scene, long long offset_ns)
{
	clock_offset_ns = offset_ns;
	read_scene(scene);
	clock_offset_ns = 0;
	return !scene->record.unsettled;
}

static void times_that_can_not_be_waited_for(void **state)
{
	struct scene *scene = *state;
	struct stat status;

	assert_true(settle_at(scene, 0));
	assert_true(settle_at(scene, 3600 * NS_PER_S));
	/* The clock has been set back since: when will it get there? */
	assert_false(settle_at(scene, -3600 * NS_PER_S));
	assert_int_equal(stat(scene->file, &status), 0);
	assert_true(holds(scene));
}

static void days_on_which_a_record_holds(void **state)
{
	struct scene *scene = *state;
	const void *bytes;
	size_t size;

	write_file(scene->file, "{\"reserved\": [{\"cidr\": \"10.0.0.0/8\", \"validUntil\": \"2027-07-10\"},"
				"{\"cidr\": \"10.1.0.0/16\", \"validUntil\": \"2027-07-02\"},"
				"{\"cidr\": \"10.1.0.0/16\", \"validUntil\": \"2026-01-01\"}]}");
	read_scene(scene);
	bytes = scene->record.bytes;
	size = scene->record.size;
	/* 2027-07-02 is 21001: 20999 is 2027-06-30 */
	assert_false(policy_record_holds(bytes, size, 20998));
	assert_true(policy_record_holds(bytes, size, 20999));
	assert_true(policy_record_holds(bytes, size, 21001));
	assert_false(policy_record_holds(bytes, size, 21002));
}

/* Cut anywhere, or any byte of it changed: never out of bounds, and it does not hold where that could matter. */
static void records_that_make_no_sense(void **state)
{
	struct scene *scene = *state;
	uint8_t *copy = test_malloc(scene->record.size);

	for (size_t size = 0; size < scene->record.size; size++) {
		uint8_t *cut = test_malloc(size + 1);

		memcpy(cut, scene->record.bytes, size);
		(void)policy_record_holds(cut, size, TODAY);
		test_free(cut);
	}
	assert_false(policy_record_holds(scene->record.bytes, scene->record.size - 1, TODAY));
	for (size_t i = 0; i < scene->record.size; i++) {
		memcpy(copy, scene->record.bytes, scene->record.size);
		copy[i] ^= 0xff;
		(void)policy_record_holds(copy, scene->record.size, TODAY);
	}
	test_free(copy);
}

static void more_than_wanted_is_not_read(void **state)
{
	struct scene *scene = *state;
	struct policy_record record = {.read_max = strlen(ENTRY)};
	struct policy_context context = {.today = TODAY, .record = &record};
	struct report report = {.heard = hear};
	GUARD_CLEANUP struct guard *guard = NULL;

	assert_int_equal(guard_new(&guard), 0);
	assert_int_equal(policy_record_begin(&record, TODAY), 0);
	assert_int_equal(policy_read_path(guard, scene->file, false, &context, &report), 0);
	assert_int_equal(policy_read_path(guard, scene->a, false, &context, &report), -EOVERFLOW);
	assert_int_equal(policy_read_path(guard, scene->directory, false, &context, &report), -EOVERFLOW);
	policy_record_done(&record);
}

/** key_of() - Key of a configuration */
static struct policy_key key_of(const struct netconf *netconf)
{
	struct policy_key key;

	assert_int_equal(policy_key(netconf, &key), 0);
	return key;
}

static void a_key_tells_configurations_apart(void **state)
{
	json_t *first = json_pack("{s:[{s:s}]}", "reserved", "cidr", "10.0.0.0/8");
	json_t *second = json_pack("{s:[{s:s}]}", "granted", "cidr", "10.0.0.0/8");
	const struct netconf netconfs[] = {
		{.name = "pods", .guard = {.policies = {"/a"}, .n_policies = 1}},
		{.name = "pod", .guard = {.policies = {"s/a"}, .n_policies = 1}},
		{.name = "pods", .guard = {.policies = {"/b"}, .n_policies = 1}},
		{.name = "pods", .guard = {.policies = {"/a"}, .n_policies = 1, .policies_default = true}},
		{.name = "pods", .guard = {.policies = {"/a", "/b"}, .n_policies = 2}},
		{.name = "pods", .guard = {.policies = {"/b", "/a"}, .n_policies = 2}},
		{.name = "pods", .guard = {.n_policies = 0}},
		{.name = "pods", .file = "f", .guard = {.inline_policy = first}},
		{.name = "pods", .file = "f", .guard = {.inline_policy = second}},
		{.name = "pods", .file = "f", .guard = {.inline_policy = first, .pointer = "/ipam/guard"}},
		{.name = "batch", .file = "f", .guard = {.inline_policy = first}},
	};
	size_t n = sizeof(netconfs) / sizeof(*netconfs);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct policy_key key = key_of(&netconfs[i]);

		for (size_t j = 0; j < n; j++) {
			struct policy_key other = key_of(&netconfs[j]);

			if ((memcmp(&key.tag, &other.tag, sizeof(key.tag)) == 0) != (i == j))
				fail_msg("%zu and %zu", i, j);
		}
	}
	assert_int_equal(key_of(&netconfs[0]).inline_size, 0);
	assert_int_equal(key_of(&netconfs[7]).inline_size, strlen("[{\"cidr\":\"10.0.0.0/8\"}]"));
	json_decref(first);
	json_decref(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_change_is_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_source_changes_nothing_but_the_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changes_within_a_tick_are_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(times_that_can_not_be_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(days_on_which_a_record_holds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(records_that_make_no_sense, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_than_wanted_is_not_read, set_up, tear_down),
		cmocka_unit_test(a_key_tells_configurations_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
