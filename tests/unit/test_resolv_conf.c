/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolv_conf.c: resolv.conf(5) as a CNI dns object. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/netconf/resolv_conf.h"

static char path[] = "/tmp/test-resolv-XXXXXX";

static int make_file(void **state)
{
	(void)state;
	return close(mkstemp(path));
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

/** read_text() - The dns object of a file with @text as compact JSON with sorted keys, freed by the caller */
static char *read_text(const char *text)
{
	FILE *file = fopen(path, "we");
	struct error err = {0};
	json_t *dns;
	char *json;

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(resolv_conf_read(path, &dns, &err), 0);
	json = json_dumps(dns, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(dns);
	return json;
}

static void reads_what_the_manual_describes(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{"", "{}"},
		{"# comment\n; comment\n\nsortlist 1.2.3.4\n", "{}"},
		{"nameserver 10.0.0.1\nnameserver fd00::1\n", "{\"nameservers\":[\"10.0.0.1\",\"fd00::1\"]}"},
		{"nameserver 8.8.8.8 # office\noptions rotate ;x\n",
		 "{\"nameservers\":[\"8.8.8.8\"],\"options\":[\"rotate\"]}"},
		{"search a.example  b.example\nsearch c.example", "{\"search\":[\"c.example\"]}"},
		{"domain a.example\n", "{\"domain\":\"a.example\"}"},
		{"options ndots:5 edns0\noptions rotate\n", "{\"options\":[\"ndots:5\",\"edns0\",\"rotate\"]}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *json = read_text(cases[i].text);

		assert_string_equal(json, cases[i].expected);
		free(json);
	}
}

static void refuses_what_is_no_file(void **state)
{
	static const char *const paths[] = {"/nonexistent/resolv.conf", "/dev/null", "/tmp"};
	json_t *dns;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct error err = {0};

		assert_int_equal(resolv_conf_read(paths[i], &dns, &err), REFUSED);
		assert_int_equal(err.code, ERROR_IO);
		assert_non_null(strstr(err.msg, paths[i]));
	}
}

static void a_fifo_does_not_hang(void **state)
{
	char fifo[] = "/tmp/test-resolv-fifo-XXXXXX";
	struct error err = {0};
	json_t *dns;

	(void)state;
	assert_int_equal(close(mkstemp(fifo)), 0);
	assert_int_equal(unlink(fifo), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(resolv_conf_read(fifo, &dns, &err), REFUSED);
	assert_int_equal(unlink(fifo), 0);
}

/** With this errno the call of getline(3) after that many fails */
static int failing;
static unsigned calls_before;

ssize_t __real_getline(char **line, size_t *size, FILE *file);
ssize_t __wrap_getline(char **line, size_t *size, FILE *file);
ssize_t __wrap_getline(char **line, size_t *size, FILE *file)
{
	if (failing && !calls_before--) {
		errno = failing;
		return -1;
	}
	return __real_getline(line, size, file);
}

/* A file that can't be read to its end does not have fewer name servers. */
static void what_can_not_be_read_to_its_end_is_refused(void **state)
{
	static const int errnums[] = {EIO, ENOMEM};

	(void)state;
	free(read_text("nameserver 192.0.2.1\nnameserver 192.0.2.2\n"));
	for (size_t i = 0; i < sizeof(errnums) / sizeof(errnums[0]); i++) {
		for (unsigned before = 0; before < 2; before++) {
			struct error err = {0};
			json_t *dns;

			failing = errnums[i];
			calls_before = before;
			assert_int_equal(resolv_conf_read(path, &dns, &err), REFUSED);
			assert_int_equal(err.code, ERROR_IO);
			assert_non_null(strstr(err.msg, strerror(errnums[i])));
		}
	}
	failing = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_manual_describes),
		cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(a_fifo_does_not_hang),
		cmocka_unit_test(what_can_not_be_read_to_its_end_is_refused),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
