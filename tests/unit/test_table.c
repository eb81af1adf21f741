/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CSV as rows: cells, the lines on which rows begin, and that nothing doubtful passes; however the text comes in pieces. */

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

#include "plugin/text/table.h"
#include "rangeguard/array.h"

/** struct seen - Rows as text: "2:a|b;" */
struct seen {
	char text[1024];
	int answer;
};

/** append() - As much of a text as there is room for */
static void append(struct seen *seen, const char *text)
{
	(void)strncat(seen->text, text, sizeof(seen->text) - strlen(seen->text) - 1);
}

static int see(void *userdata, const struct table_row *row)
{
	struct seen *seen = userdata;
	char line[16];

	(void)snprintf(line, sizeof(line), "%u:", row->line);
	append(seen, line);
	for (size_t i = 0; i < row->n_cells; i++) {
		append(seen, i ? "|" : "");
		append(seen, row->cells[i]);
	}
	append(seen, ";");
	return seen->answer;
}

/** read_pieces() - Read @size bytes, @piece at a time but the first three together; the outcome and its line */
static int read_pieces(const char *text, size_t size, size_t piece, struct seen *seen, unsigned *ret_line)
{
	struct table table;
	int r = 0;

	assert_int_equal(table_init(&table, see, seen), 0);
	for (size_t at = 0, n; at < size && !r; at += n) {
		n = at == 0 && piece < 3 ? 3 : piece;
		if (n > size - at)
			n = size - at;
		r = table_feed(&table, text + at, n);
	}
	if (!r)
		r = table_finish(&table);
	*ret_line = table.line;
	table_done(&table);
	return r;
}

/** struct sample - A text, its rows, and the outcome with its line (0: none) */
struct sample {
	const char *text;
	size_t size;
	const char *rows;
	int outcome;
	unsigned line;
};

/** A text literal with its size, NUL bytes included */
#define TEXT(literal) literal, sizeof(literal) - 1

static void test_samples(void **state)
{
	static const struct sample samples[] = {
		{TEXT(""), "", 0, 0},
		{TEXT("a,b\nc,d\n"), "1:a|b;2:c|d;", 0, 0},
		{TEXT("a,b\nc,d"), "1:a|b;2:c|d;", 0, 0},
		{TEXT("a,b\r\nc,d\r\n"), "1:a|b;2:c|d;", 0, 0},
		{TEXT("a,b\rc,d\r"), "1:a|b;2:c|d;", 0, 0},
		{TEXT("\xef\xbb\xbf"
		      "a,b\nc,d\n"),
		 "1:a|b;2:c|d;", 0, 0},
		{TEXT("\xef\xbb\xbf"), "", 0, 0},
		{TEXT("\n\na\n\n\nb\n"), "3:a;6:b;", 0, 0},
		{TEXT("\r\n\r\na\r\n\r\n\r\nb\r\n"), "3:a;6:b;", 0, 0},
		{TEXT("\r\ra\r\r\rb"), "3:a;6:b;", 0, 0},
		{TEXT(" a , b\t,\" c \"\n"), "1:a|b| c ;", 0, 0},
		{TEXT("a,,\n,,\n"), "1:a||;2:||;", 0, 0},
		{TEXT("\"x,\"\"y\"\"\",b\n"), "1:x,\"y\"|b;", 0, 0},
		{TEXT("a,\"1\n2\n3\",z\nb\n"), "1:a|1\n2\n3|z;4:b;", 0, 0},
		{TEXT("\"1\r\n2\r\n\",z\r\nb\r\n"), "1:1\r\n2\r\n|z;4:b;", 0, 0},
		{TEXT("\"1\r2\",z\rb"), "1:1\r2|z;3:b;", 0, 0},
		{TEXT("\xe4,\xff\n"), "1:\xe4|\xff;", 0, 0},
		{TEXT("a\nb\"c,d\n"), "1:a;", TABLE_E_QUOTES, 2},
		{TEXT("a\n\"x\n\ny\"z,d\n"), "1:a;", TABLE_E_QUOTES, 4},
		{TEXT("a\nb,\"c\nd\ne"), "1:a;", TABLE_E_UNCLOSED, 2},
		{TEXT("a\nb\0c,d\n"), "1:a;", TABLE_E_NUL, 2},
		{TEXT("\xff\xfe"
		      "a\0,\0b\0\n\0"),
		 "", TABLE_E_NUL, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(samples); i++) {
		const struct sample *sample = &samples[i];

		for (size_t piece = 1; piece <= sample->size + 1; piece++) {
			struct seen seen = {0};
			unsigned line;
			int r = read_pieces(sample->text, sample->size, piece, &seen, &line);

			if (r != sample->outcome || strcmp(seen.text, sample->rows) != 0 ||
			    (sample->line && line != sample->line))
				fail_msg("sample %zu in pieces of %zu: %d, line %u, rows \"%s\"", i, piece, r, line,
					 seen.text);
		}
	}
}

static void test_byte_order_mark_is_one_at_the_beginning_only(void **state)
{
	struct seen seen = {0};
	struct table table;

	(void)state;
	assert_int_equal(table_init(&table, see, &seen), 0);
	assert_int_equal(table_feed(&table, "\xef\xbb\xbf\n", 4), 0);
	assert_int_equal(table_feed(&table, "\xef\xbb\xbf\n", 4), 0);
	assert_int_equal(table_finish(&table), 0);
	assert_string_equal(seen.text, "2:\xef\xbb\xbf;");
	table_done(&table);
}

/** feed_times() - Feed a piece @n times; what the last one comes to */
static int feed_times(struct table *table, const char *piece, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)
		r = table_feed(table, piece, strlen(piece));
	return r;
}

static void test_limits(void **state)
{
	static char kilobyte[1025];
	struct seen seen = {0};
	struct table table;

	(void)state;
	memset(kilobyte, 'x', 1024);
	/* A cell with its NUL just fits. */
	assert_int_equal(table_init(&table, see, &seen), 0);
	assert_int_equal(feed_times(&table, kilobyte, LIMIT_IMPORT_ROW / 1024 - 1), 0);
	assert_int_equal(table_feed(&table, kilobyte, 1023), 0);
	assert_int_equal(table_feed(&table, "\ny\n", 3), 0);
	assert_int_equal(strlen(seen.text), sizeof(seen.text) - 1);
	table_done(&table);
	/* One byte more does not. */
	assert_int_equal(table_init(&table, see, &seen), 0);
	assert_int_equal(feed_times(&table, "z\n", 3), 0);
	assert_int_equal(feed_times(&table, kilobyte, LIMIT_IMPORT_ROW / 1024), TABLE_E_TOO_LONG);
	assert_int_equal(table.line, 4);
	table_done(&table);
	/* Nor does a row of cells that fit each, nor a quote that is never closed. */
	assert_int_equal(table_init(&table, see, &seen), 0);
	kilobyte[1023] = ',';
	assert_int_equal(feed_times(&table, kilobyte, LIMIT_IMPORT_ROW / 1024), 0);
	assert_int_equal(feed_times(&table, ",", 1), TABLE_E_TOO_LONG);
	assert_int_equal(table_finish(&table), TABLE_E_TOO_LONG);
	table_done(&table);
	assert_int_equal(table_init(&table, see, &seen), 0);
	assert_int_equal(table_feed(&table, "a\n\"", 3), 0);
	assert_int_equal(feed_times(&table, "line\n", LIMIT_IMPORT_ROW), TABLE_E_TOO_LONG);
	assert_int_equal(table.line, 2);
	table_done(&table);
}

static void test_limit_of_columns(void **state)
{
	struct seen seen = {0};
	struct table table;

	(void)state;
	assert_int_equal(table_init(&table, see, &seen), 0);
	assert_int_equal(feed_times(&table, ",", LIMIT_IMPORT_COLUMNS - 1), 0);
	assert_int_equal(table_feed(&table, "\n", 1), 0);
	assert_int_equal(feed_times(&table, ",", LIMIT_IMPORT_COLUMNS), 0);
	assert_int_equal(table_feed(&table, "\n", 1), TABLE_E_TOO_LONG);
	assert_int_equal(table.line, 2);
	table_done(&table);
}

static void test_callback_ends_the_reading(void **state)
{
	struct seen seen = {.answer = -ECANCELED};
	struct table table;

	(void)state;
	assert_int_equal(table_init(&table, see, &seen), 0);
	assert_int_equal(table_feed(&table, "a\nb\nc\"d", 7), -ECANCELED);
	assert_int_equal(table_feed(&table, "e\n", 2), -ECANCELED);
	assert_int_equal(table_finish(&table), -ECANCELED);
	assert_string_equal(seen.text, "1:a;");
	table_done(&table);
}

static void *no_memory(void *memory, size_t size)
{
	(void)memory;
	(void)size;
	return NULL;
}

static void test_out_of_memory(void **state)
{
	struct seen seen = {0};
	struct table table;

	(void)state;
	assert_int_equal(table_init(&table, see, &seen), 0);
	csv_set_realloc_func(&table.parser, no_memory);
	assert_int_equal(table_feed(&table, "a\n", 2), -ENOMEM);
	assert_int_equal(table_finish(&table), -ENOMEM);
	table_done(&table);
	table_done(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_byte_order_mark_is_one_at_the_beginning_only),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limit_of_columns),
		cmocka_unit_test(test_callback_ends_the_reading),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
