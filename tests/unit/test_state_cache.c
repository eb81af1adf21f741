/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state_cache.c: files beside the state that can be rebuilt. What is being written is never taken for what is there,
 * what a killed writer leaves is removed, and there are no more files than a limit.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ipam/store/state_cache.h"
#include "scratch.h"

/** struct scene - A state directory */
struct scene {
	struct scratch scratch;
	struct state state;
};

static int set_up(void **state)
{
	static struct scene scene;

	scratch_make(&scene.scratch);
	assert_int_equal(state_open(scene.scratch.path, STATE_WRITE, &scene.state), 0);
	*state = &scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	state_done(&scene->state);
	scratch_remove(&scene->scratch);
	return 0;
}

/** exists() - Whether there is a file of that name */
static bool exists(const struct scene *scene, const char *name)
{
	struct stat status;

	return fstatat(scene->state.dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/** begin() - Begin to write @name with @text in it; return the descriptor */
static int begin(const struct scene *scene, const char *name, const char *text)
{
	int fd;

	assert_int_equal(state_cache_create(&scene->state, name, &fd), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

/** put() - Write @name with @text in it, last used @age seconds ago */
static void put(const struct scene *scene, const char *name, const char *text, long age)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - age}};
	int fd = begin(scene, name, text);

	assert_int_equal(state_cache_commit(&scene->state, name, fd), 0);
	assert_int_equal(futimens(fd, times), 0);
	(void)close(fd);
}

/** read_file() - What state_cache_open() of @name returns; its text in @text */
static int read_file(const struct scene *scene, const char *name, char text[static 16])
{
	int fd, r = state_cache_open(&scene->state, name, &fd);
	ssize_t n;

	if (r)
		return r;
	n = read(fd, text, 15);
	assert_true(n >= 0);
	text[n] = '\0';
	(void)close(fd);
	return 0;
}

static void a_file_is_there_once_it_is_complete(void **state)
{
	const struct scene *scene = *state;
	struct stat status;
	char text[16];
	int fd;

	assert_int_equal(read_file(scene, "policy-1", text), STATE_E_ABSENT);
	fd = begin(scene, "policy-1", "first");
	assert_int_equal(read_file(scene, "policy-1", text), STATE_E_ABSENT);
	assert_int_equal(state_cache_commit(&scene->state, "policy-1", fd), 0);
	(void)close(fd);
	assert_int_equal(read_file(scene, "policy-1", text), 0);
	assert_string_equal(text, "first");
	assert_int_equal(fstatat(scene->state.dir_fd, "policy-1", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);

	fd = begin(scene, "policy-1", "second");
	assert_int_equal(read_file(scene, "policy-1", text), 0);
	assert_string_equal(text, "first");
	state_cache_discard(&scene->state, "policy-1");
	(void)close(fd);
	assert_int_equal(read_file(scene, "policy-1", text), 0);
	assert_string_equal(text, "first");
	assert_false(exists(scene, "policy-1.new"));
	put(scene, "policy-1", "third", 0);
	assert_int_equal(read_file(scene, "policy-1", text), 0);
	assert_string_equal(text, "third");
	state_cache_remove(&scene->state, "policy-1");
	assert_int_equal(read_file(scene, "policy-1", text), STATE_E_ABSENT);
}

/* A writer that was killed leaves its beginning; the next one does not go on with it. */
static void a_beginning_is_not_gone_on_with(void **state)
{
	const struct scene *scene = *state;
	char text[16];
	int fd = begin(scene, "policy-1", "a long beginning");

	(void)close(fd);
	put(scene, "policy-1", "short", 0);
	assert_int_equal(read_file(scene, "policy-1", text), 0);
	assert_string_equal(text, "short");
}

static void what_others_can_write_is_not_opened(void **state)
{
	const struct scene *scene = *state;
	char text[16];

	put(scene, "policy-1", "x", 0);
	assert_int_equal(fchmodat(scene->state.dir_fd, "policy-1", 0620, 0), 0);
	assert_int_equal(read_file(scene, "policy-1", text), STATE_E_UNSAFE);
	assert_int_equal(fchmodat(scene->state.dir_fd, "policy-1", 0602, 0), 0);
	assert_int_equal(read_file(scene, "policy-1", text), STATE_E_UNSAFE);
	put(scene, "policy-1", "x", 0);
	assert_int_equal(read_file(scene, "policy-1", text), 0);
	assert_int_equal(symlinkat("policy-1", scene->state.dir_fd, "policy-2"), 0);
	assert_int_equal(read_file(scene, "policy-2", text), STATE_E_UNSAFE);
	assert_int_equal(mkdirat(scene->state.dir_fd, "policy-3", 0700), 0);
	assert_int_equal(read_file(scene, "policy-3", text), STATE_E_UNSAFE);
	assert_int_equal(mkfifoat(scene->state.dir_fd, "policy-4", 0600), 0);
	assert_int_equal(read_file(scene, "policy-4", text), STATE_E_UNSAFE);
}

static void files_that_are_too_many_go_the_longest_unused_first(void **state)
{
	const struct scene *scene = *state;

	put(scene, "policy-1", "x", 10);
	put(scene, "policy-2", "x", 40);
	put(scene, "policy-3", "x", 30);
	put(scene, "policy-4", "x", 20);
	put(scene, "other-1", "x", 100);
	put(scene, "policy-5", "x", 50);
	state_cache_tidy(&scene->state, "policy-", "policy-5", 5);
	assert_true(exists(scene, "policy-2"));
	state_cache_tidy(&scene->state, "policy-", "policy-5", 4);
	assert_false(exists(scene, "policy-2"));
	assert_true(exists(scene, "policy-3"));
	state_cache_tidy(&scene->state, "policy-", "policy-5", 2);
	assert_false(exists(scene, "policy-3"));
	assert_false(exists(scene, "policy-4"));
	assert_true(exists(scene, "policy-1"));
	state_cache_tidy(&scene->state, "policy-", "policy-5", 1);
	assert_false(exists(scene, "policy-1"));
	/* The one that has just been written stays, however old. */
	assert_true(exists(scene, "policy-5"));
	assert_true(exists(scene, "other-1"));
	assert_true(exists(scene, "lock"));
}

/* What can't be removed must not make it go round in circles. */
static void a_directory_in_the_way_does_no_harm(void **state)
{
	const struct scene *scene = *state;

	put(scene, "policy-1", "x", 0);
	assert_int_equal(mkdirat(scene->state.dir_fd, "policy-2", 0700), 0);
	state_cache_tidy(&scene->state, "policy-", "policy-1", 1);
	assert_true(exists(scene, "policy-1"));
}

static void using_a_file_is_noted_now_and_then(void **state)
{
	const struct scene *scene = *state;
	char text[16];

	put(scene, "policy-1", "x", 7200);
	put(scene, "policy-2", "x", 3700);
	put(scene, "policy-3", "x", 60);
	assert_int_equal(read_file(scene, "policy-1", text), 0);
	state_cache_tidy(&scene->state, "policy-", "policy-3", 2);
	assert_true(exists(scene, "policy-1"));
	assert_false(exists(scene, "policy-2"));
}

static void beginnings_of_the_dead_are_removed(void **state)
{
	const struct scene *scene = *state;
	STATE_CLEANUP struct state living = STATE_INIT;

	assert_int_equal(state_open(scene->scratch.path, STATE_WRITE, &living), 0);
	assert_int_equal(state_cache_lock(&living, "policy-2", 0), 0);
	assert_int_equal(state_cache_lock(&scene->state, "policy-3", 0), 0);
	(void)close(begin(scene, "policy-1", "of somebody who was killed"));
	(void)close(begin(scene, "policy-2", "of somebody who goes on"));
	(void)close(begin(scene, "policy-3", "our own"));
	state_cache_tidy(&scene->state, "policy-", "policy-3", 16);
	assert_false(exists(scene, "policy-1.new"));
	assert_true(exists(scene, "policy-2.new"));
	assert_true(exists(scene, "policy-3.new"));
	/* Our own lock has been kept. */
	assert_int_equal(state_cache_lock(&living, "policy-3", 0), STATE_E_LOCKED);
}

static void one_writer_per_name(void **state)
{
	const struct scene *scene = *state;
	STATE_CLEANUP struct state other = STATE_INIT;

	assert_int_equal(state_open(scene->scratch.path, STATE_UPDATE, &other), 0);
	assert_int_equal(state_cache_lock(&scene->state, "policy-1", 0), 0);
	assert_int_equal(state_cache_lock(&other, "policy-1", 0), STATE_E_LOCKED);
	assert_int_equal(state_cache_lock(&other, "policy-1", 30), STATE_E_LOCKED);
	assert_int_equal(state_cache_lock(&other, "policy-2", 0), 0);
	state_done(&other);
	assert_int_equal(state_open(scene->scratch.path, STATE_READ, &other), 0);
	assert_true(state_cache_lock(&other, "policy-2", 0) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_there_once_it_is_complete, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_beginning_is_not_gone_on_with, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_others_can_write_is_not_opened, set_up, tear_down),
		cmocka_unit_test_setup_teardown(files_that_are_too_many_go_the_longest_unused_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_directory_in_the_way_does_no_harm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(using_a_file_is_noted_now_and_then, set_up, tear_down),
		cmocka_unit_test_setup_teardown(beginnings_of_the_dead_are_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_writer_per_name, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
