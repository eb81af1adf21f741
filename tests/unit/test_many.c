/* SPDX-License-Identifier: GPL-2.0-or-later */
/* values.c: places in large containers, in any order; and the aliases through which they are met. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/text/values.h"

/** Members and elements of the containers; a prime, so that each stride below it visits all */
#define N 1009U

/** struct syntax - How a document is written in which value number i stands on line i + @first */
struct syntax {
	enum values_syntax syntax;
	const char *head;
	const char *line;
	const char *tail;
	unsigned first;
	unsigned column;
	bool by_key;
};

static const struct syntax syntaxes[] = {
	{VALUES_JSON, "{\n", "\"k\\u0020%u\": 1,\n", "\"z\": 1}\n", 2, 0, true},
	{VALUES_JSON, "{\n", "\"k %u\": [\"x\"],\n", "\"z\": 1}\n", 2, 0, true},
	{VALUES_JSON, "[\n", "%u,\n", "1]\n", 2, 1, false},
	{VALUES_YAML, "", "k %u: 1\n", "", 1, 0, true},
	{VALUES_YAML, "", "- %u\n", "", 1, 3, false},
	{VALUES_YAML, "<<: {z: 1}\n", "k %u: [1]\n", "", 2, 0, true},
};

/** write_text() - The document, owned */
static char *write_text(const struct syntax *syntax)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	(void)fputs(syntax->head, stream);
	for (unsigned i = 0; i < N; i++) {
		char number[16], *at;

		(void)snprintf(number, sizeof(number), "%u", i);
		at = strstr(syntax->line, "%u");
		(void)fprintf(stream, "%.*s%s%s", (int)(at - syntax->line), syntax->line, number, at + 2);
	}
	(void)fputs(syntax->tail, stream);
	assert_int_equal(fclose(stream), 0);
	return text;
}

static void test_places_in_large_containers(void **state)
{
	static const unsigned strides[] = {1, N - 1, 7, 500};

	(void)state;
	for (size_t i = 0; i < sizeof(syntaxes) / sizeof(syntaxes[0]); i++) {
		const struct syntax *syntax = &syntaxes[i];
		char *text = write_text(syntax), pointer[32];

		for (size_t j = 0; j < sizeof(strides) / sizeof(strides[0]); j++) {
			VALUES_CLEANUP struct values values = {0};

			assert_int_equal(values_start(&values, text, strlen(text), syntax->syntax), 0);
			assert_int_equal(values_next(&values), 0);
			for (unsigned k = 0; k < N; k++) {
				unsigned number = (unsigned)((unsigned long)k * strides[j] % N), line, column;
				struct values_place place = {.pointer = pointer, .on_key = k % 2};

				(void)snprintf(pointer, sizeof(pointer), syntax->by_key ? "/k %u" : "/%u", number);
				assert_true(values_find(&values, &place, &line, &column));
				if (line != number + syntax->first || (syntax->column && column != syntax->column))
					fail_msg("syntax %zu, stride %u: %s is at %u:%u", i, strides[j], pointer, line,
						 column);
			}
			(void)snprintf(pointer, sizeof(pointer), syntax->by_key ? "/k" : "/%u", N + 2);
			assert_true(values_find(&values, &(struct values_place){.pointer = pointer}, &(unsigned){0},
						&(unsigned){0}));
		}
		free(text);
	}
}

/* Each byte of a text of several steps, forwards and backwards, against a walk from its beginning */
static void test_positions(void **state)
{
	static char text[3 * POSITIONS_STEP + 7];
	static struct position expected[sizeof(text) + 1];
	struct position at = POSITION_START;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i % 97 == 0 ? '\n' : i % 31 == 0 ? 0xc3 : i % 31 == 1 ? 0xa4 : 'x');
	for (size_t i = 0; i <= sizeof(text); i++) {
		position_advance(&at, text, i);
		expected[i] = at;
	}
	for (int backwards = 0; backwards < 2; backwards++) {
		struct positions positions = {.text = text};

		for (size_t i = 0; i <= sizeof(text); i++) {
			size_t offset = backwards ? sizeof(text) - i : i;
			struct position found = positions_at(&positions, offset);

			assert_int_equal(found.line, expected[offset].line);
			assert_int_equal(found.column, expected[offset].column);
		}
		positions_done(&positions);
	}
}

/* Of equal keys the last one counts, however many there are, and a merged one where there is none */
static void test_equal_keys_among_many(void **state)
{
	static const enum values_syntax syntax[] = {VALUES_JSON, VALUES_YAML};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		VALUES_CLEANUP struct values values = {0};
		char text[64 * 64] = "{\"a\": 1,\n";
		unsigned line, column;

		for (unsigned k = 0; k < 100; k++)
			(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "\"b%u\": 1,\n", k);
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			       "\"a\": 2,\n\"<<\": {\"m\": 1, \"b5\": 2},\n\"c\": 1}");
		assert_int_equal(values_start(&values, text, strlen(text), syntax[i]), 0);
		assert_int_equal(values_next(&values), 0);
		for (unsigned k = 0; k < 2; k++) {
			assert_true(values_find(&values, &(struct values_place){.pointer = "/a"}, &line, &column));
			assert_int_equal(line, 102);
			assert_true(values_find(&values, &(struct values_place){.pointer = "/b5"}, &line, &column));
			assert_int_equal(line, 7);
			assert_true(values_find(&values, &(struct values_place){.pointer = "/m"}, &line, &column));
			assert_int_equal(line, syntax[i] == VALUES_YAML ? 103 : 1);
		}
	}
}

/** Documents, pointers, and where the alias stands on the way; 0: there is none */
static const struct {
	const char *text;
	const char *pointer;
	unsigned line;
	unsigned column;
} aliases[] = {
	{"a: &x 1\nb: *x\n", "/b", 2, 4},
	{"a: &x 1\nb: *x\n", "/a", 0, 0},
	{"a: &x [1, 2]\nb: *x\n", "/b/1", 2, 4},
	{"a: &x {c: &y [1]}\nb: [*y]\nd: *x\n", "/b/0/0", 2, 5},
	{"a: &x {c: 1}\nb: &y {d: *x}\ne: *y\n", "/e/d/c", 3, 4},
	{"a: &x {c: 1}\nb: &y {d: *x}\ne: *y\n", "/b/d/c", 2, 11},
	{"a: &x {c: 1}\nb:\n  <<: *x\n  d: 1\n", "/b/c", 3, 7},
	{"a: &x {c: 1}\nb:\n  <<: *x\n  d: 1\n", "/b/d", 0, 0},
	{"a: &x {c: 1}\nb: &y {c: 2}\nd:\n  <<: [{e: 1}, *y, *x]\n", "/d/c", 4, 16},
	{"a: &x {c: 1}\nb: *x\n", "/b/nowhere", 2, 4},
	{"{\"a\": 1}", "/a", 0, 0},
};

static void test_aliases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		VALUES_CLEANUP struct values values = {0};
		unsigned line = 0, column = 0;

		assert_int_equal(values_start(&values, aliases[i].text, strlen(aliases[i].text), VALUES_EITHER), 0);
		assert_int_equal(values_next(&values), 0);
		assert_int_equal(values_find_alias(&values, aliases[i].pointer, &line, &column), aliases[i].line != 0);
		if (line != aliases[i].line || column != aliases[i].column)
			fail_msg("%s of '%s': %u:%u", aliases[i].pointer, aliases[i].text, line, column);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places_in_large_containers),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_equal_keys_among_many),
		cmocka_unit_test(test_aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
