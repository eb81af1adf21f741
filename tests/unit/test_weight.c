/* SPDX-License-Identifier: GPL-2.0-or-later */
/* weight.c: texts that would become too much are refused before they do; real ones of 16 MiB are not. */

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
#include "plugin/text/weight.h"
#include "rangeguard/limits.h"

/** struct made - A text, owned */
struct made {
	char *text;
	size_t size;
};

/** make() - @head, then @n times @each ("%zu" its number), commas between them, then @tail */
static struct made make(const char *head, size_t n, const char *each, const char *tail)
{
	const char *at = strstr(each, "%zu");
	int before = at ? (int)(at - each) : (int)strlen(each);
	struct made made;
	FILE *stream = open_memstream(&made.text, &made.size);

	assert_non_null(stream);
	(void)fputs(head, stream);
	for (size_t i = 0; i < n; i++) {
		(void)fprintf(stream, "%s%.*s", i ? "," : "", before, each);
		if (at)
			(void)fprintf(stream, "%zu%s", i, at + 3);
	}
	(void)fputs(tail, stream);
	assert_int_equal(fclose(stream), 0);
	return made;
}

/** check() - What is told of a text, which is released; @words NULL: nothing */
static void check(struct made made, const char *words, size_t at)
{
	size_t found = 0;
	const char *flaw = weight_flaw_json(made.text, made.size, &found);

	if (!words) {
		assert_null(flaw);
	} else {
		assert_non_null(flaw);
		assert_non_null(strstr(flaw, words));
		if (at)
			assert_int_equal(found, at);
	}
	free(made.text);
}

static void test_members(void **state)
{
	(void)state;
	check(make("{", LIMIT_MEMBERS, "\"a%zu\":1", "}"), NULL, 0);
	check(make("{", LIMIT_MEMBERS + 1, "\"a%zu\":1", "}"), "more members", 0);
	check(make("[0,{\"x\":[{", LIMIT_MEMBERS + 1, "\"a%zu\":{}", "}]}]"), "more members", 0);
	/* Many objects with few */
	check(make("[", LIMIT_MEMBERS, "{\"a\":1,\"b\":{\"c\":%zu}}", "]"), NULL, 0);
	/* The colon that is one too many */
	check(make("{", LIMIT_MEMBERS + 1, "\"\":0", "}"), "more members", 1 + 5 * (size_t)LIMIT_MEMBERS + 2);
	/* What stands in strings is no member, also behind a quote that is escaped. */
	check(make("{\"a\":\"\\\"", (size_t)LIMIT_MEMBERS + 1, ":", "\"}"), NULL, 0);
	check(make("{\"a\":\"\\\\\",\"b\":{", (size_t)LIMIT_MEMBERS + 1, "\"\":0", "}}"), "more members", 0);
	check(make("{\"a\":\"", (size_t)LIMIT_MEMBERS + 1, ":\\\":[{", "\"}"), NULL, 0);
}

static void test_values(void **state)
{
	(void)state;
	check(make("[", LIMIT_JSON_VALUES - 1, "0", "]"), NULL, 0);
	check(make("[", LIMIT_JSON_VALUES + 1, "0", "]"), "more values", 0);
	check(make("[", LIMIT_JSON_VALUES, "[]", "]"), "more values", 0);
	check(make("[\"", (size_t)LIMIT_JSON_VALUES * 2, "[", "\"]"), NULL, 0);
	/* Of larger texts more values are read, as long as these are no shorter than real ones. */
	check(make("[", LIMIT_JSON_VALUES + LIMIT_JSON_VALUES / 4, "\"10.0.0.0/24\"", "]"), NULL, 0);
}

/* What is no JSON is told by those who read it; here it does no harm. */
static void test_other_texts(void **state)
{
	static const char *const texts[] = {"",	  "\"",	 "\"\\",  "{", "]",    "}",   ":",
					    "{:", "[\"", "[\"\\", "a", "{]:,", "[}}}"};
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		/* No byte beyond the text is looked at. */
		char *copy = malloc(strlen(texts[i]) + (strlen(texts[i]) == 0));

		assert_non_null(copy);
		memcpy(copy, texts[i], strlen(texts[i]));
		assert_null(weight_flaw_json(copy, strlen(texts[i]), &at));
		assert_null(weight_flaw_xml(copy, strlen(texts[i]), &at));
		free(copy);
	}
	for (size_t i = 0; i < 2; i++) {
		struct made made = make("", 100000, i ? "[" : "{\"a\":[", "");

		for (size_t j = 0; j < made.size; j++)
			if (made.text[j] == ',')
				made.text[j] = ' ';
		check(made, NULL, 0);
	}
}

/* Exports of 16 MiB: rows of NetBox as its API prints them, shortened to what an import needs; a plain list of prefixes */
static void test_real_exports_pass(void **state)
{
	static const struct {
		const char *row;
		size_t n;
	} exports[] = {
		{"{\"id\":%zu,\"prefix\":\"10.20.30.0/24\",\"status\":{\"value\":\"active\",\"label\":\"Active\"},"
		 "\"tenant\":null}",
		 160000},
		{"{\"prefix\":\"10.20.30.0/24\",\"status\":{\"value\":\"active\"}}", 300000},
		{"{\"cidr\":\"10.20.30.0/24\",\"owner\":\"o%zu\"}", 350000},
		{"\"10.20.30.0/24\"", 1000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(exports) / sizeof(exports[0]); i++)
		check(make("{\"results\":[", exports[i].n, exports[i].row, "]}"), NULL, 0);
}

/* The same bounds through the readers, in each syntax */
static void test_readers_refuse(void **state)
{
	static const struct {
		enum values_syntax syntax;
		const char *head;
		size_t n;
		const char *each;
		const char *tail;
		const char *problem;
	} cases[] = {
		{VALUES_JSON, "{", LIMIT_MEMBERS + 1, "\"a%zu\":1", "}", "an object with more members"},
		{VALUES_EITHER, "{", LIMIT_MEMBERS + 1, "\"a%zu\":1", "}", "an object with more members"},
		{VALUES_YAML, "x: {", LIMIT_MEMBERS + 1, " a%zu: 1", "}", "a mapping with more members"},
		{VALUES_YAML, "[", LIMIT_YAML_ANCHORS + 1, " &a%zu 1", "]", "more anchors"},
		{VALUES_YAML, "[", LIMIT_YAML_VALUES + 1, "1", "]", "more values"},
		{VALUES_YAML, "", LIMIT_YAML_DOCUMENTS + 1, "\n---\n- ", "", "more documents"},
		{VALUES_XML, "<network a='", LIMIT_XML_TAG, "x", "'/>", "a tag longer"},
		{VALUES_XML, "<network><!-- '", LIMIT_XML_TAG, "x", "--></network>", NULL},
		{VALUES_XML, "<network>", LIMIT_XML_VALUES + 1, "<a/>", "</network>", "more of it, than is read"},
		{VALUES_XML, "<network>", LIMIT_XML_VALUES / 8, "<a a='' b='' c='' d='' e='' f='' g='' h=''/>",
		 "</network>", "more of it, than is read"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		VALUES_CLEANUP struct values values = {0};
		struct made made = make(cases[i].head, cases[i].n, cases[i].each, cases[i].tail);
		int r;

		if (cases[i].syntax == VALUES_YAML && !*cases[i].head)
			for (size_t j = 0; j < made.size; j++)
				if (made.text[j] == ',')
					made.text[j] = ' ';
		r = values_start(&values, made.text, made.size, cases[i].syntax);
		while (!r)
			r = values_next(&values);
		if (cases[i].problem) {
			assert_int_equal(r, VALUES_E_SYNTAX);
			if (!strstr(values.problem, cases[i].problem))
				fail_msg("case %zu: %s", i, values.problem);
			assert_true(values.line > 0 && values.column > 0);
		} else {
			assert_int_equal(r, VALUES_E_END);
		}
		free(made.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),	       cmocka_unit_test(test_values),
		cmocka_unit_test(test_other_texts),    cmocka_unit_test(test_real_exports_pass),
		cmocka_unit_test(test_readers_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
