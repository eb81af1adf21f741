/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_once.c: the guard that a configuration gets decides about the addresses that it asks about as a guard of all
 * entries does, by the same entry; and each policy is read, and what is wrong with it told, once.
 */

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
#include <unistd.h>

#include "plugin/policy/policy.h"
#include "plugin/policy/policy_once.h"
#include "rangeguard/cleanup.h"

#define ROUNDS 300U
#define QUESTIONS 12U
#define ENTRIES_MAX 12U
#define TEXT_MAX 4096U
#define LINE 64U
#define CONFIG_FILE "net.conf"

/** struct listener - What was said of the configuration's file, and how many findings there were of others */
struct listener {
	struct report report;
	char own[TEXT_MAX];
	unsigned of_others;
};

static void hear(struct report *report, const struct finding *finding)
{
	struct listener *listener = (struct listener *)report;
	size_t length = strlen(listener->own);

	if (strcmp(finding->file, CONFIG_FILE) == 0)
		(void)snprintf(listener->own + length, sizeof(listener->own) - length, "%s: %s\n", finding->pointer,
			       finding->message);
	else
		listener->of_others++;
}

/** append() - Append formatted text */
static void append(char text[static TEXT_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(char text[static TEXT_MAX], const char *format, ...)
{
	size_t length = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	assert_true((size_t)vsnprintf(text + length, TEXT_MAX - length, format, arguments) < TEXT_MAX - length);
	va_end(arguments);
}

/** append_entries() - A list of random entries on a line of LINE addresses; grants are for random networks */
static void append_entries(char text[static TEXT_MAX], const char *key, bool granted)
{
	static const char *const globs[] = {"a", "b", "a*", "*", "[ab]", "c"};
	size_t n = (size_t)random() % ENTRIES_MAX;

	append(text, "\"%s\": [", key);
	for (size_t i = 0; i < n; i++) {
		unsigned a = (unsigned)random() % LINE, b = (unsigned)random() % LINE;

		append(text, "%s{\"range\": \"10.0.0.%u-10.0.0.%u\"", i ? ", " : "", a < b ? a : b, a < b ? b : a);
		if (granted)
			append(text, ", \"network\": \"%s\"",
			       globs[(size_t)random() % (sizeof(globs) / sizeof(*globs))]);
		append(text, "}");
	}
	append(text, "]");
}

/** random_policy() - A policy's text */
static void random_policy(char text[static TEXT_MAX])
{
	text[0] = '\0';
	append(text, "{");
	append_entries(text, "reserved", false);
	append(text, ", ");
	append_entries(text, "granted", true);
	append(text, "}");
}

/** write_file() - Write a text into a file that only its owner can write */
static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
}

/** compare_decisions() - Each address of @span, decided by both */
static void compare_decisions(const struct guard *whole, const struct guard *once, const struct span *span)
{
	struct address address = {.family = FAMILY_IPV4, .value = span->first};

	for (; address.value <= span->last; address.value++) {
		struct guard_entry expected = {0}, found = {0};

		assert_int_equal(guard_decide(once, &address, &found), guard_decide(whole, &address, &expected));
		if (!expected.file)
			continue;
		assert_string_equal(found.file, expected.file);
		assert_string_equal(found.pointer, expected.pointer);
	}
}

/** ask() - One configuration with entries of its own, beside a guard of all entries */
static void ask(struct policy_once *once, struct listener *listener, const struct netconf_guard *config)
{
	static const char *const networks[] = {"a", "b", "ab", "d"};
	const char *network = networks[(size_t)random() % (sizeof(networks) / sizeof(*networks))];
	struct policy_context context = {.network = network, .lint = true};
	struct listener whole_listener = {.report = {.heard = hear}};
	unsigned a = (unsigned)random() % LINE, b = (unsigned)random() % LINE;
	struct span span = {
		.family = FAMILY_IPV4, .first = 0x0a000000U + (a < b ? a : b), .last = 0x0a000000U + (a < b ? b : a)};
	struct policy_question question = {
		.config = config, .file = CONFIG_FILE, .network = network, .spans = &span, .n_spans = 1};
	GUARD_CLEANUP struct guard *whole = NULL, *guard = NULL;
	unsigned others_before = listener->of_others;
	size_t sets_before = once->n_sets;

	listener->own[0] = '\0';
	assert_int_equal(policy_once_guard(once, &question, &guard), 0);
	if (once->n_sets == sets_before)
		assert_int_equal(listener->of_others, others_before);
	assert_int_equal(guard_new(&whole), 0);
	for (size_t i = 0; i < config->n_policies; i++)
		assert_int_equal(policy_read_path(whole, config->policies[i], false, &context, &whole_listener.report),
				 0);
	assert_int_equal(
		policy_read_json(whole, config->inline_policy, CONFIG_FILE, "/guard", &context, &whole_listener.report),
		0);
	assert_int_equal(policy_lint(whole, &whole_listener.report), 0);
	assert_int_equal(guard_seal(whole), 0);
	compare_decisions(whole, guard, &span);
	assert_string_equal(listener->own, whole_listener.own);
}

static void test_decides_as_all_entries_do(void **state)
{
	char directory[] = "/tmp/test_policy_once.XXXXXX", first[64], second[64], text[TEXT_MAX];
	const struct path_list none = {0};

	(void)state;
	srandom(2);
	assert_non_null(mkdtemp(directory));
	(void)snprintf(first, sizeof(first), "%s/1.json", directory);
	(void)snprintf(second, sizeof(second), "%s/2.json", directory);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct listener listener = {.report = {.heard = hear}};
		struct policy_once once = {.replacing = &none, .report = &listener.report};

		random_policy(text);
		write_file(first, text);
		random_policy(text);
		write_file(second, text);
		for (unsigned i = 0; i < QUESTIONS; i++) {
			struct netconf_guard config = {.policies = {i % 3 == 2 ? second : first, second},
						       .n_policies = 1 + (i % 3 == 1),
						       .pointer = "/guard"};
			json_t *own;

			random_policy(text);
			own = json_loads(text, 0, NULL);
			config.inline_policy = own;
			ask(&once, &listener, &config);
			json_decref(own);
		}
		assert_int_equal(once.n_sets, 3);
		policy_once_done(&once);
	}
	assert_int_equal(unlink(first) | unlink(second) | rmdir(directory), 0);
}

static void test_policies_of_the_command_line_replace(void **state)
{
	char path[] = "/tmp/test_policy_once.XXXXXX", *paths[] = {path};
	const struct path_list replacing = {.paths = paths, .n_paths = 1};
	struct listener listener = {.report = {.heard = hear}};
	struct policy_once once = {.replacing = &replacing, .report = &listener.report};
	struct span span = {.family = FAMILY_IPV4, .first = 0x0a000005, .last = 0x0a000005};
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	write_file(path, "{\"reserved\": [{\"cidr\": \"10.0.0.0/24\"}, {\"cidr\": \"x\"}]}");
	for (unsigned i = 0; i < 3; i++) {
		struct netconf_guard config = {.policies = {"/nowhere"}, .n_policies = 1};
		struct policy_question question = {
			.config = &config, .file = CONFIG_FILE, .network = "a", .spans = &span, .n_spans = 1};
		GUARD_CLEANUP struct guard *guard = NULL;

		assert_int_equal(policy_once_guard(&once, &question, &guard), 0);
		assert_int_equal(guard_touch(guard, &span, NULL, NULL), GUARD_E_RESERVED);
	}
	assert_int_equal(listener.of_others, 1);
	policy_once_done(&once);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decides_as_all_entries_do),
		cmocka_unit_test(test_policies_of_the_command_line_replace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
