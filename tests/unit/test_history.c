/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plugin/history: lines are JSON whatever is in the texts and however much; times are those of the C library; a full
 * file is renamed once, however many find it full, and no event is lost. plugin/metrics/counters.c: numbers add up over
 * processes.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plugin/history/history.h"
#include "plugin/history/when.h"
#include "scratch.h"

#define WRITERS 8
#define EVENTS_PER_WRITER 300

static int set_up(void **state)
{
	static struct scratch scratch;

	scratch_make(&scratch);
	*state = &scratch;
	return 0;
}

static int tear_down(void **state)
{
	scratch_remove(*state);
	return 0;
}

/** written() - A line as a reader gets it; the caller decrefs it */
static json_t *written(const struct history_event *event, const struct history_stamp *stamp)
{
	static struct line line;
	json_error_t error;
	json_t *json;

	history_line(event, stamp, &line);
	assert_int_equal(line.data[line.size - 1], '\n');
	assert_null(memchr(line.data, '\n', line.size - 1));
	assert_true(line.size <= LINE_MAX_BYTES);
	json = json_loadb(line.data, line.size, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		fail_msg("%s in %.*s", error.text, (int)line.size, line.data);
	return json;
}

static const char *text(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static void test_line_says_what_happened(void **state)
{
	struct lease lease = {.attachment = {"pods", "c1", "eth0", true},
			      .pod_namespace = "billing",
			      .pod_name = "api",
			      .netns = "/run/netns/c1",
			      .pins = "mainframe partner",
			      .n_addresses = 2};
	struct history_event event = {.name = "add", .lease = &lease, .n_sources = 1, .code = 100, .message = "no"};
	struct history_stamp stamp = {.milliseconds = 1,
				      .host = "n1",
				      .boot_id = "01234567-89ab",
				      .counters_id = 0xfedcba98,
				      .sequence = 7,
				      .untold = 3};
	struct address source;
	json_t *json;

	(void)state;
	assert_int_equal(address_parse("10.30.0.7", &lease.addresses[0]), 0);
	assert_int_equal(address_parse("fd00::7", &lease.addresses[1]), 0);
	assert_int_equal(address_parse("192.0.2.10", &source), 0);
	event.sources = &source;
	json = written(&event, &stamp);
	assert_string_equal(text(json, "time"), "1970-01-01T00:00:00.001Z");
	assert_string_equal(text(json, "host"), "n1");
	assert_string_equal(text(json, "run"), "01234567-89abcdef");
	assert_string_equal(text(json, "gapBefore"), "lost");
	assert_int_equal(json_integer_value(json_object_get(json, "lost")), 3);
	assert_int_equal(json_integer_value(json_object_get(json, "seq")), 7);
	assert_int_equal(json_integer_value(json_object_get(json, "code")), 100);
	assert_string_equal(text(json, "role"), "chained");
	assert_string_equal(json_string_value(json_array_get(json_object_get(json, "addresses"), 1)), "fd00::7");
	assert_string_equal(json_string_value(json_array_get(json_object_get(json, "pins"), 1)), "partner");
	assert_string_equal(json_string_value(json_array_get(json_object_get(json, "source"), 0)), "192.0.2.10");
	json_decref(json);
}

/* Whatever a runtime hands over comes out as it went in, but for what is not UTF-8. */
static void test_line_escapes(void **state)
{
	static const char *const texts[][2] = {
		{"plain", "plain"},
		{"quote\" back\\slash", "quote\" back\\slash"},
		{"\x01\x1f\x7f\t\n", "\x01\x1f\x7f\t\n"},
		{"gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x99", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x99"},
		{"bad \xff\xc3 end \xe2\x82", "bad ?? end ??"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct lease lease = {.attachment = {"n", "c", "e", false}, .pod_name = texts[i][0]};
		struct history_event event = {.name = "add", .lease = &lease};
		json_t *json = written(&event, &(struct history_stamp){.host = "h", .boot_id = ""});

		assert_string_equal(text(json, "pod"), texts[i][1]);
		json_decref(json);
	}
}

/* Too much of everything is cut, and says so. */
static void test_line_has_bounds(void **state)
{
	static char long_text[1 << 16], pins[LIMIT_PINS_PER_CONTAINER * (LIMIT_PIN_NAME + 1)];
	static struct address sources[2 * LIMIT_PINS_PER_CONTAINER];
	struct lease lease = {.attachment = {long_text, long_text, long_text, false},
			      .pod_namespace = long_text,
			      .pod_name = long_text,
			      .netns = long_text,
			      .pins = pins,
			      .n_addresses = LIMIT_RANGE_SETS};
	struct history_event event = {.name = "add", .lease = &lease, .sources = sources, .message = long_text};
	json_t *json;

	(void)state;
	memset(long_text, '\x01', sizeof(long_text) - 1);
	memset(pins, 'p', sizeof(pins) - 1);
	for (size_t i = LIMIT_PIN_NAME; i < sizeof(pins) - 1; i += LIMIT_PIN_NAME + 1)
		pins[i] = ' ';
	for (size_t i = 0; i < LIMIT_RANGE_SETS; i++)
		assert_int_equal(address_parse("2001:db8:1111:2222:3333:4444:5555:6666", &lease.addresses[i]), 0);
	event.n_sources = sizeof(sources) / sizeof(sources[0]);
	for (size_t i = 0; i < event.n_sources; i++)
		sources[i] = lease.addresses[0];
	json = written(&event, &(struct history_stamp){.host = "h", .boot_id = ""});
	assert_true(json_is_true(json_object_get(json, "cut")));
	assert_string_equal(text(json, "event"), "add");
	json_decref(json);
	for (size_t n = 1; n < 1024; n += 7) {
		lease.pod_name = long_text + sizeof(long_text) - n;
		lease.netns = long_text + sizeof(long_text) - 1 - n / 2;
		json_decref(written(&event, &(struct history_stamp){.host = "h", .boot_id = ""}));
	}
}

static void test_times_are_the_librarys(void **state)
{
	char buffer[WHEN_TEXT_MAX], expected[WHEN_TEXT_MAX];

	(void)state;
	for (int64_t seconds = -86400LL * 350000; seconds < 86400LL * 366 * 2000; seconds += 86400 * 13 + 3607) {
		time_t time = seconds;
		struct tm broken;
		int64_t again;

		assert_non_null(gmtime_r(&time, &broken));
		(void)strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.042Z", &broken);
		assert_string_equal(when_format(seconds * 1000 + 42, buffer), expected);
		assert_true(when_parse(buffer, &again));
		assert_int_equal(again, seconds * 1000 + 42);
	}
}

static void test_times_people_type(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* from 2026-11-28T14:00:00Z; INT64_MAX: not a time */
	} times[] = {
		{"2026-11-28T14:00:00Z", 0},
		{"2026-11-28 14:00", 0},
		{"2026-11-28t14:00:00.000z", 0},
		{"2026-11-28T15:00:00+01:00", 0},
		{"2026-11-28T12:30-01:30", 0},
		{"2026-11-28", -14 * 3600},
		{"2026-11-28T24:00", INT64_MAX},
		{"2026-02-29", INT64_MAX},
		{"2028-02-29", 458LL * 86400 - 14 * 3600},
		{"2026-13-01", INT64_MAX},
		{"2026-00-01", INT64_MAX},
		{"2026-11-00", INT64_MAX},
		{"26-11-28", INT64_MAX},
		{"2026-11-28T", INT64_MAX},
		{"2026-11-28T14", INT64_MAX},
		{"2026-11-28T14:00x", INT64_MAX},
		{"2026-11-28T14:00+1", INT64_MAX},
		{"2026-11-28T14:00Zx", INT64_MAX},
		{"2026-11-28T14:00:00.Z", INT64_MAX},
		{"", INT64_MAX},
		{"yesterday", INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t milliseconds;
		bool parsed = when_parse(times[i].text, &milliseconds);

		if (parsed != (times[i].seconds != INT64_MAX))
			fail_msg("%s: %d", times[i].text, parsed);
		if (parsed)
			assert_int_equal(milliseconds, (1795874400LL + times[i].seconds) * 1000);
	}
}

/** append() - Write an event of the name @name */
static void append(const struct history *history, const char *name)
{
	struct lease lease = {.attachment = {"pods", "c1", "eth0", false}};
	struct history_event event = {.name = name, .lease = &lease};
	static struct line line;

	history_line(&event, &(struct history_stamp){.host = "h", .boot_id = ""}, &line);
	if (history_append(history, &line) < 0)
		_exit(1);
}

/** count_lines() - Whole lines of a file, 0 when it is not there */
static size_t count_lines(const char *path)
{
	FILE *file = fopen(path, "re");
	static char buffer[LINE_MAX_BYTES];
	size_t n = 0;

	while (file && fgets(buffer, sizeof(buffer), file)) {
		json_t *json = json_loads(buffer, 0, NULL);

		assert_non_null(json);
		json_decref(json);
		n++;
	}
	if (file)
		(void)fclose(file);
	return n;
}

static void test_many_writers_lose_nothing(void **state)
{
	char path[SCRATCH_PATH_MAX], full[SCRATCH_PATH_MAX + 16];
	struct history history = {.path = path, .size = 1 << 14, .files = 1000};
	size_t n;

	scratch_path(*state, "history", path);
	for (int i = 0; i < WRITERS; i++) {
		if (fork())
			continue;
		for (int j = 0; j < EVENTS_PER_WRITER; j++)
			append(&history, "add");
		_exit(0);
	}
	for (int i = 0; i < WRITERS; i++) {
		int outcome;

		assert_true(wait(&outcome) > 0);
		assert_int_equal(outcome, 0);
	}
	n = count_lines(path);
	for (unsigned i = 1; i < history.files; i++) {
		(void)snprintf(full, sizeof(full), "%s.%u", path, i);
		n += count_lines(full);
	}
	assert_int_equal(n, WRITERS * EVENTS_PER_WRITER);
}

static void test_oldest_is_dropped(void **state)
{
	char path[SCRATCH_PATH_MAX], full[SCRATCH_PATH_MAX + 16];
	struct history history = {.path = path, .size = 1, .files = 2};

	scratch_path(*state, "history", path);
	for (int i = 0; i < 6; i++)
		append(&history, "add");
	for (unsigned i = 1; i <= 3; i++) {
		(void)snprintf(full, sizeof(full), "%s.%u", path, i);
		assert_int_equal(count_lines(full), i <= 2);
	}
	assert_int_equal(count_lines(path), 1);
}

static void test_counters_add_up(void **state)
{
	struct scratch *scratch = *state;
	int dir_fd = open(scratch->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct counters counters;

	assert_int_equal(counters_open(dir_fd, false, &counters), -ENOENT);
	assert_int_equal(counters_read(&counters, COUNTER_RECLAIMED), 0);
	for (int i = 0; i < WRITERS; i++) {
		if (fork())
			continue;
		if (counters_open(dir_fd, true, &counters) < 0)
			_exit(1);
		for (int j = 0; j < EVENTS_PER_WRITER; j++)
			(void)counters_add(&counters, COUNTER_RECLAIMED, 2);
		counters_note_duration(&counters, 0, 3000000);
		(void)counters_id(&counters);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	assert_int_equal(counters_open(dir_fd, false, &counters), 0);
	assert_int_equal(counters_read(&counters, COUNTER_RECLAIMED), 2 * WRITERS * EVENTS_PER_WRITER);
	assert_int_equal(counters_read(&counters, COUNTER_DURATIONS + 2), WRITERS);
	assert_int_equal(counters_read(&counters, COUNTER_DURATIONS + COUNTERS_BUCKETS), WRITERS * 3000000ULL);
	assert_true(counters_read(&counters, COUNTER_ID) != 0);
	counters_close(&counters);
	(void)close(dir_fd);
}

static void test_codes_have_places_of_their_own(void **state)
{
	bool seen[COUNTERS_N] = {false};

	(void)state;
	for (unsigned verb = 0; verb < COUNTERS_VERBS; verb++) {
		for (unsigned slot = 0; slot < COUNTERS_CODES; slot++) {
			int code = counter_code(slot);
			unsigned counter;

			if (code == -2)
				continue;
			counter = counter_of_request(verb, code == -1 ? 12345 : code);
			assert_true(counter >= COUNTER_REQUESTS && counter < COUNTER_DURATIONS);
			assert_false(seen[counter]);
			assert_int_equal(counter, COUNTER_REQUESTS + verb * COUNTERS_CODES + slot);
			seen[counter] = true;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_says_what_happened),
		cmocka_unit_test(test_line_escapes),
		cmocka_unit_test(test_line_has_bounds),
		cmocka_unit_test(test_times_are_the_librarys),
		cmocka_unit_test(test_times_people_type),
		cmocka_unit_test_setup_teardown(test_many_writers_lose_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_oldest_is_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_counters_add_up, set_up, tear_down),
		cmocka_unit_test(test_codes_have_places_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
