/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places of values in random documents, whose writer knows where it put each: YAML in blocks and in flow, every way to
 * quote, anchors, comments, CRLF, tabs, characters of several bytes, JSON within a text, and JSON within that.
 *
 * PLACES_DOCUMENTS=100000 tests/unit/test_places looks at that many documents; PLACES_SEED=N begins with another one.
 */

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

#include "plugin/report/report.h"
#include "plugin/text/values.h"

/* The generator makes trees of a depth that it chooses. */
/* NOLINTBEGIN(misc-no-recursion) */

#define TEXT_MAX 65536U
#define EXPECTED_MAX 512U
#define DOCUMENTS_USUAL 3000UL
#define DEPTH_MAX 4U

/** struct expected - A value and where it was put */
struct expected {
	char pointer[POINTER_MAX];
	size_t at;
};

/** struct writer - A document being written */
struct writer {
	char text[TEXT_MAX];
	size_t n;
	bool crlf;
	struct expected expected[EXPECTED_MAX];
	size_t n_expected;
	struct pointer at;
};

/** Not rand(3): the same documents everywhere */
static uint64_t state;

static unsigned below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state >> 11) % n);
}

static void put(struct writer *writer, const char *text)
{
	size_t size = strlen(text);

	assert_true(writer->n + size < TEXT_MAX);
	memcpy(writer->text + writer->n, text, size + 1);
	writer->n += size;
}

static void put_byte(struct writer *writer, char c)
{
	const char text[] = {c, '\0'};

	put(writer, text);
}

static void end_line(struct writer *writer)
{
	put(writer, writer->crlf ? "\r\n" : "\n");
}

static void indent(struct writer *writer, unsigned n)
{
	while (n-- > 0)
		put(writer, " ");
}

/** expect() - What is written next stands at the pointer */
static void expect(struct writer *writer, size_t at)
{
	struct expected *expected = &writer->expected[writer->n_expected];

	if (writer->n_expected == EXPECTED_MAX)
		return;
	(void)snprintf(expected->pointer, sizeof(expected->pointer), "%s", writer->at.text);
	expected->at = at;
	writer->n_expected++;
}

/** comment() - Sometimes a comment or an empty line before an entry of a block */
static void comment(struct writer *writer, unsigned spaces)
{
	if (below(5))
		return;
	indent(writer, below(3) ? spaces : 0);
	put(writer, below(2) ? "# \xc3\xa4\xe2\x82\xac: [ \"" : "");
	end_line(writer);
}

static const char *const keys[] = {"a", "subnet", "k\xc3\xa9y", "range-1", "x.y/z", "'it''s'", "\"q \xf0\x9f\x98\x80\"",
				   "~t"};
/** What they are in a pointer, before it is escaped */
static const char *const key_texts[] = {"a",	 "subnet", "k\xc3\xa9y",	 "range-1",
					"x.y/z", "it's",   "q \xf0\x9f\x98\x80", "~t"};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

/** scalar() - A range, written one way or another */
static void scalar(struct writer *writer, bool in_flow)
{
	static const char *const quotes[] = {"", "'", "\""};
	const char *quote = quotes[below(3)];
	char text[64];

	(void)snprintf(text, sizeof(text), "10.%u.%u.0/24", below(256), below(256));
	if (!in_flow && !below(8)) {
		(void)snprintf(text, sizeof(text), "&anchor%u ", (unsigned)writer->n_expected);
		expect(writer, writer->n);
		/* The place is that of the anchor, where the value begins for libyaml. */
		put(writer, text);
		put(writer, "10.1.1.0/24");
		return;
	}
	expect(writer, writer->n);
	put(writer, quote);
	put(writer, text);
	put(writer, quote);
}

/** gap() - Blanks, tabs or a line break between what stands in a flow collection */
static void gap(struct writer *writer, unsigned spaces)
{
	switch (below(6)) {
	case 0:
		end_line(writer);
		indent(writer, spaces);
		break;
	case 1:
		put(writer, " \t");
		break;
	default:
		put(writer, " ");
	}
}

/** flow() - A collection in brackets */
static void flow(struct writer *writer, unsigned spaces, unsigned depth)
{
	bool is_map = below(2);
	unsigned n = 1 + below(3), first = below(N_KEYS - 3);

	expect(writer, writer->n);
	put(writer, is_map ? "{" : "[");
	for (unsigned i = 0; i < n; i++) {
		size_t mark = is_map ? pointer_push_key(&writer->at, key_texts[first + i])
				     : pointer_push_index(&writer->at, i);

		gap(writer, spaces);
		if (is_map) {
			put(writer, keys[first + i]);
			put(writer, ": ");
		}
		if (depth < DEPTH_MAX && !below(3))
			flow(writer, spaces, depth + 1);
		else
			scalar(writer, true);
		pointer_pop(&writer->at, mark);
		put(writer, i + 1 < n ? "," : "");
	}
	gap(writer, spaces);
	put(writer, is_map ? "}" : "]");
}

/** json() - JSON over several lines, with a text in it that is JSON, unless it is that text itself */
static void json(struct writer *writer, bool is_inner);

/** json_text() - JSON as a string of JSON */
static void json_text(struct writer *writer)
{
	struct writer *inner = calloc(1, sizeof(*inner));
	size_t *offsets;

	assert_non_null(inner);
	json(inner, true);
	offsets = calloc(inner->n + 1, sizeof(*offsets));
	assert_non_null(offsets);
	put(writer, "\"");
	for (size_t i = 0; i < inner->n; i++) {
		offsets[i] = writer->n;
		if (inner->text[i] == '\n') {
			put(writer, below(2) ? "\\n" : "\\u000a");
			continue;
		}
		put(writer, inner->text[i] == '"' || inner->text[i] == '\\' ? "\\" : "");
		put_byte(writer, inner->text[i]);
	}
	put(writer, "\"");
	for (size_t i = 0; i < inner->n_expected; i++) {
		struct pointer before = writer->at;

		(void)snprintf(writer->at.text + writer->at.length, POINTER_MAX - writer->at.length, "%s",
			       inner->expected[i].pointer);
		expect(writer, offsets[inner->expected[i].at]);
		writer->at = before;
	}
	free(offsets);
	free(inner);
}

static void json(struct writer *writer, bool is_inner)
{
	static const char *const names[] = {"range", "s\xc3\xbc\x64", "a'b", "x/y"};
	unsigned n = 1 + below(4);

	put(writer, "{");
	for (unsigned i = 0; i < n; i++) {
		size_t mark = pointer_push_key(&writer->at, names[i]);

		put(writer, below(3) ? "\n" : " ");
		put(writer, below(3) ? "" : "   ");
		put_byte(writer, '"');
		put(writer, names[i]);
		put(writer, "\": ");
		if (!is_inner && i == 2) {
			json_text(writer);
		} else {
			expect(writer, writer->n);
			put(writer, "\"10.20.1.0/24\"");
		}
		put(writer, i + 1 < n ? "," : "");
		pointer_pop(&writer->at, mark);
	}
	put(writer, below(2) ? "\n}" : "}");
}

/** quoted() - A byte of a text in quotes: what has to be escaped is; breaks are folded, which JSON doesn't mind */
static void quoted(struct writer *writer, char c, char quote, unsigned spaces)
{
	if (c == '\n') {
		if (quote == '"' && below(2)) {
			put(writer, below(2) ? "\\n" : "\\x0a");
			return;
		}
		put(writer, below(3) ? "" : "  ");
		for (unsigned breaks = 1 + (below(4) == 0) * below(3); breaks > 0; breaks--)
			end_line(writer);
		indent(writer, spaces + below(3));
		return;
	}
	if (quote == '\'' && c == '\'')
		put(writer, "'");
	else if (quote == '"' && (c == '"' || c == '\\'))
		put(writer, "\\");
	put_byte(writer, c);
}

/** embedded() - JSON in a text: in quotes, or as a block, whose lines are indented by @spaces */
static void embedded(struct writer *writer, unsigned spaces)
{
	static const char *const heads[] = {"|", "|-", ">", ">-", "|+"};
	struct writer *inner = calloc(1, sizeof(*inner));
	unsigned style = below(3);
	size_t *offsets;

	assert_non_null(inner);
	json(inner, false);
	offsets = calloc(inner->n + 1, sizeof(*offsets));
	assert_non_null(offsets);
	expect(writer, writer->n);
	if (style == 2) {
		put(writer, heads[below(5)]);
		put(writer, below(3) ? "" : " # \xc3\xa4");
		end_line(writer);
		indent(writer, spaces);
	} else {
		put(writer, style ? "\"" : "'");
	}
	for (size_t i = 0; i < inner->n; i++) {
		offsets[i] = writer->n;
		if (style == 2 && inner->text[i] == '\n') {
			for (unsigned breaks = 1 + (below(4) == 0) * below(3); breaks > 0; breaks--)
				end_line(writer);
			indent(writer, spaces);
		} else if (style == 2) {
			put_byte(writer, inner->text[i]);
		} else {
			quoted(writer, inner->text[i], style ? '"' : '\'', spaces);
		}
		/* The byte itself comes last, after what escapes it. */
		if (inner->text[i] != '\n' && style != 1)
			offsets[i] = writer->n - (style == 0 && inner->text[i] == '\'' ? 2 : 1);
	}
	put(writer, style == 2 ? "" : style ? "\"" : "'");
	for (size_t i = 0; i < inner->n_expected; i++) {
		struct pointer before = writer->at;

		(void)snprintf(writer->at.text + writer->at.length, POINTER_MAX - writer->at.length, "%s",
			       inner->expected[i].pointer);
		expect(writer, offsets[inner->expected[i].at]);
		writer->at = before;
	}
	free(offsets);
	free(inner);
}

static void block(struct writer *writer, unsigned spaces, unsigned depth);

/** value() - What stands behind a key or a dash, and the end of its line */
static void value(struct writer *writer, unsigned spaces, unsigned depth)
{
	unsigned kind = below(8);

	if (kind < 2 && depth < DEPTH_MAX && writer->n < TEXT_MAX / 4) {
		end_line(writer);
		block(writer, spaces + 1 + below(4), depth + 1);
		return;
	}
	put(writer, below(6) ? " " : "   ");
	if (kind == 2)
		flow(writer, spaces + 1, depth);
	else if (kind == 3 && writer->n < TEXT_MAX / 4)
		embedded(writer, spaces + 1 + below(4));
	else
		scalar(writer, false);
	end_line(writer);
}

/** block() - A mapping or sequence in lines of its own */
static void block(struct writer *writer, unsigned spaces, unsigned depth)
{
	bool is_map = below(3);
	unsigned n = 1 + below(4), first = below(N_KEYS - 4);

	for (unsigned i = 0; i < n; i++) {
		size_t mark;

		comment(writer, spaces);
		indent(writer, spaces);
		if (is_map) {
			put(writer, keys[first + i]);
			put(writer, ":");
			mark = pointer_push_key(&writer->at, key_texts[first + i]);
		} else {
			put(writer, "-");
			mark = pointer_push_index(&writer->at, i);
		}
		value(writer, spaces, depth);
		pointer_pop(&writer->at, mark);
	}
}

/** count() - Line and column of an offset, by other means than the code under test has */
static void count(const char *text, size_t at, unsigned *line, unsigned *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n') {
			++*line;
			*column = 0;
		}
		*column += ((unsigned char)text[i] & 0xc0) != 0x80;
	}
}

/** check() - Each value is found where it was put */
static void check(const struct writer *writer, unsigned long seed)
{
	VALUES_CLEANUP struct values values = {0};

	assert_int_equal(values_start(&values, writer->text, writer->n, VALUES_EITHER), 0);
	if (values_next(&values))
		fail_msg("seed %lu: %s in line %u of\n%s", seed, values.problem, values.line, writer->text);
	for (size_t i = 0; i < writer->n_expected; i++) {
		struct values_place place = {.pointer = writer->expected[i].pointer};
		unsigned line, column, wanted_line, wanted_column;

		count(writer->text, writer->expected[i].at, &wanted_line, &wanted_column);
		assert_true(values_find(&values, &place, &line, &column));
		if (line != wanted_line || column != wanted_column)
			fail_msg("seed %lu: %s found at %u:%u, put at %u:%u in\n%s", seed, place.pointer, line, column,
				 wanted_line, wanted_column, writer->text);
	}
}

/** number_from() - A number from the environment, @usual without one */
static unsigned long number_from(const char *name, unsigned long usual)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : usual;
}

static void test_places_are_where_values_were_put(void **unused)
{
	unsigned long n = number_from("PLACES_DOCUMENTS", DOCUMENTS_USUAL), seed = number_from("PLACES_SEED", 1);
	struct writer *writer = calloc(1, sizeof(*writer));
	unsigned long n_values = 0;

	(void)unused;
	assert_non_null(writer);
	for (unsigned long i = 0; i < n; i++, seed++) {
		state = seed * 0x9e3779b97f4a7c15U + 1;
		writer->n = writer->n_expected = 0;
		writer->at = (struct pointer){.length = 0};
		writer->crlf = !below(4);
		put(writer, below(3) ? "" : "---\n");
		block(writer, 0, 0);
		check(writer, seed);
		n_values += writer->n_expected;
	}
	print_message("%lu values in %lu documents\n", n_values, n);
	assert_true(n_values > 5 * n);
	free(writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places_are_where_values_were_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* NOLINTEND(misc-no-recursion) */
