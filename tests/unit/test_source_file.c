/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source_file.c: what is written is what is read; nothing is held without a deadline that is ahead. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/enforce/deadlines.h"
#include "plugin/host/source_file.h"

static char directory[] = "/tmp/test_source_file.XXXXXX";
static int dir_fd;
static uint64_t deadline;
static int deadline_outcome;

/* The kernel's map */
int __wrap_deadlines_get(int map_fd, const struct address *source, uint64_t *ret_deadline);
int __wrap_deadlines_get(int map_fd, const struct address *source, uint64_t *ret_deadline)
{
	assert_int_equal(map_fd, 7);
	assert_int_equal(source->family, FAMILY_IPV4);
	*ret_deadline = deadline;
	return deadline_outcome;
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlinkat(dir_fd, SOURCE_FILE, 0);
	(void)close(dir_fd);
	return rmdir(directory);
}

static struct known_source source(const char *address, bool open)
{
	struct known_source source = {.interface = "eth1", .network = "pods", .pin = "mainframe", .open = open};

	assert_int_equal(address_parse(address, &source.address), 0);
	return source;
}

static void what_is_written_is_what_is_read(void **state)
{
	struct source_file file = {0}, again;
	struct known_source first = source("192.0.2.50", true), second = source("2001:db8::50", false);

	(void)state;
	assert_int_equal(source_file_read(dir_fd, &again), 0);
	assert_int_equal(again.n_sources, 0);
	assert_int_equal(source_file_put(&file, &second), 0);
	assert_int_equal(source_file_put(&file, &first), 0);
	second.open = true;
	assert_int_equal(source_file_put(&file, &second), 0);
	assert_int_equal(source_file_write(dir_fd, &file), 0);
	assert_int_equal(source_file_read(dir_fd, &again), 0);
	assert_int_equal(again.n_sources, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(address_equal(&again.sources[i].address, &file.sources[i].address));
		assert_string_equal(again.sources[i].interface, "eth1");
		assert_string_equal(again.sources[i].network, "pods");
		assert_string_equal(again.sources[i].pin, "mainframe");
		assert_true(again.sources[i].open);
	}
	source_file_done(&file);
	source_file_done(&again);
}

static void what_is_not_understood_gives_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"{\"sources\": {}}",
		"{\"sources\": [1]}",
		"{\"sources\": [{\"address\": \"192.0.2.50\", \"open\": true}]}",
		"{\"sources\": [{\"address\": \"192.0.2.x\", \"interface\": \"eth1\", \"network\": \"n\", \"pin\": \"p\"}]}",
		("{\"sources\": [{\"address\": \"192.0.2.50\", \"interface\": \"much-too-long-a-name\", \"network\": \"n\", "
		 "\"pin\": \"p\"}]}"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int fd = openat(dir_fd, SOURCE_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		struct source_file file;

		assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
		(void)close(fd);
		assert_int_equal(source_file_read(dir_fd, &file), -EUCLEAN);
		assert_int_equal(file.n_sources, 0);
	}
}

/* Held: open in the file, on that interface, and the kernel's deadline is ahead. */
static void held_is_what_all_of_them_say(void **state)
{
	struct known_source open_one = source("192.0.2.50", true), closed = source("192.0.2.51", false);
	struct held_sources held = {.deadlines_fd = 7};
	struct address unknown = {0};
	struct timespec now;

	(void)state;
	assert_int_equal(address_parse("192.0.2.52", &unknown), 0);
	assert_int_equal(source_file_put(&held.file, &open_one), 0);
	assert_int_equal(source_file_put(&held.file, &closed), 0);
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	deadline = (uint64_t)(now.tv_sec + 3600) * 1000000000U;
	assert_true(held_sources_has(&held, &open_one.address, "eth1"));
	assert_false(held_sources_has(&held, &open_one.address, "eth2"));
	assert_false(held_sources_has(&held, &closed.address, "eth1"));
	assert_false(held_sources_has(&held, &unknown, "eth1"));
	deadline_outcome = -ENOENT;
	assert_false(held_sources_has(&held, &open_one.address, "eth1"));
	deadline_outcome = 0;
	deadline = (uint64_t)now.tv_sec * 1000000000U;
	assert_false(held_sources_has(&held, &open_one.address, "eth1"));
	deadline = DEADLINE_CLOSED;
	assert_false(held_sources_has(&held, &open_one.address, "eth1"));
	held.deadlines_fd = -1;
	deadline = UINT64_MAX;
	assert_false(held_sources_has(&held, &open_one.address, "eth1"));
	held_sources_done(&held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_what_is_read),
		cmocka_unit_test(what_is_not_understood_gives_nothing),
		cmocka_unit_test(held_is_what_all_of_them_say),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
