/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command line by a table: what each kind of option fills, and what is said of what is wrong. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugin/text/nearest.h"
#include "plugin/text/options.h"

#define SYNOPSIS "Usage: rangeguard x [--data-dir DIR] ARGUMENT\n"

/** struct filled - What the options fill */
struct filled {
	const char *data_dir;
	struct path_list paths;
	bool json;
	bool strict;
	bool dry_run;
	enum colour_when colour;
	char read[32];
	unsigned called;
};

static int read_value(const char *value, void *userdata)
{
	(void)snprintf(userdata, sizeof(((struct filled *)NULL)->read), "%s", value);
	return strcmp(value, "bad") ? 0 : options_usage("rangeguard x", "not ", value);
}

static int call(const char *value, void *userdata)
{
	assert_null(value);
	++*(unsigned *)userdata;
	return 0;
}

/** run() - Read the arguments, NULL behind the last: the outcome; @said is what stands on standard error */
static int run(char **arguments, struct filled *filled, int *ret_first, char said[static 1024])
{
	const struct option_rule rules[] = {
		{"data-dir", .text = &filled->data_dir},
		{"path", .paths = &filled->paths},
		{"format", .json = &filled->json},
		{"strict", .flag = &filled->strict},
		{"dry-run", .flag = &filled->dry_run},
		{"color", .colour = &filled->colour},
		{"count", .read = read_value, .userdata = filled->read},
		{"call", .call = call, .userdata = &filled->called},
		{0},
	};
	struct command_line line = {.program = "rangeguard x", .help = SYNOPSIS "\nMore.\n", .argv = arguments};
	int before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0), file = memfd_create("said", MFD_CLOEXEC), r;
	ssize_t n;

	while (arguments[line.argc])
		line.argc++;
	*filled = (struct filled){.data_dir = "/default"};
	assert_true(before >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
	r = options_read(&line, rules, ret_first);
	(void)fflush(stderr);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	n = pread(file, said, 1023, 0);
	assert_true(n >= 0);
	said[n] = '\0';
	(void)close(before);
	(void)close(file);
	return r;
}

#define RUN(...) run((char *[]){"x", __VA_ARGS__, NULL}, &filled, &first, said)

static void test_each_kind(void **state)
{
	struct filled filled;
	char said[1024];
	int first;

	(void)state;
	assert_int_equal(RUN("one", "--data-dir", "/d", "--path=a", "--path", "b", "--format=json", "--strict", "two",
			     "--color", "never", "--count", "7", "--call", "--call"),
			 0);
	assert_string_equal(said, "");
	assert_string_equal(filled.data_dir, "/d");
	assert_int_equal(filled.paths.n_paths, 2);
	assert_string_equal(filled.paths.paths[1], "b");
	assert_true(filled.json && filled.strict && !filled.dry_run);
	assert_int_equal(filled.colour, COLOUR_NEVER);
	assert_string_equal(filled.read, "7");
	assert_int_equal(filled.called, 2);
	/* Arguments wherever they stand. */
	assert_int_equal(first, 14);
	path_list_done(&filled.paths);
	/* What is not given stays as it is; what an earlier call read is not remembered; "--" ends the options. */
	assert_int_equal(RUN("--", "--strict"), 0);
	assert_string_equal(filled.data_dir, "/default");
	assert_false(filled.strict);
	assert_int_equal(first, 2);
	/* As much of a name as tells it from the others. */
	assert_int_equal(RUN("--dr", "--data=/x"), 0);
	assert_true(filled.dry_run);
	assert_string_equal(filled.data_dir, "/x");
}

/* One line that says what and, where it is clear, what was meant; then the synopsis where that helps. */
static void test_what_is_wrong(void **state)
{
	static const struct {
		const char *argument;
		const char *said;
	} cases[] = {
		{"--formt", "rangeguard x: unknown option --formt; did you mean --format?\n" SYNOPSIS},
		{"--formt=json", "rangeguard x: unknown option --formt; did you mean --format?\n" SYNOPSIS},
		{"--nonsense", "rangeguard x: unknown option --nonsense; see rangeguard x --help\n" SYNOPSIS},
		{"-strict", "rangeguard x: unknown option -strict; did you mean --strict?\n" SYNOPSIS},
		{"-q", "rangeguard x: unknown option -q; see rangeguard x --help\n" SYNOPSIS},
		{"--c", "rangeguard x: --c is not clear: --color or --count or --call?\n" SYNOPSIS},
		{"--strict=1", "rangeguard x: takes no value: --strict; see rangeguard x --help\n" SYNOPSIS},
		{"--data-dir", "rangeguard x: a value is missing for --data-dir; see rangeguard x --help\n" SYNOPSIS},
		{"--format=yaml", "rangeguard x: --format must be text or json, not yaml; see rangeguard x --help\n"},
		{"--color=red",
		 "rangeguard x: --color must be auto, always or never, not red; see rangeguard x --help\n"},
		{"--count=bad", "rangeguard x: not bad; see rangeguard x --help\n"},
	};
	struct filled filled;
	char said[1024];
	int first;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char argument[32];

		(void)snprintf(argument, sizeof(argument), "%s", cases[i].argument);
		assert_int_equal(RUN(argument), EXIT_USAGE);
		assert_string_equal(said, cases[i].said);
	}
	/* The first mistake is the one that is told. */
	assert_int_equal(RUN("--formt", "--nonsense"), EXIT_USAGE);
	assert_null(strstr(said, "nonsense"));
}

static void test_nearest(void **state)
{
	static const char *const names[] = {"data-dir", "network", "format", NULL};

	(void)state;
	assert_string_equal(nearest_name("netwrok", names), "network");
	assert_string_equal(nearest_name("FORMAT", names), "format");
	assert_null(nearest_name("no", names));
	assert_null(nearest_name("", names));
	assert_null(nearest_name("a-name-that-is-longer-than-any-that-is-compared", names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind),
		cmocka_unit_test(test_what_is_wrong),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
