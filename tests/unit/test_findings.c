/* SPDX-License-Identifier: GPL-2.0-or-later */
/* findings_….c: texts of any bytes in the formats that tools read, and what stays the same when a file's lines move. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/commands/findings.h"
#include "rangeguard/array.h"

typedef int (*printer)(const struct findings *findings, FILE *stream);

/** collect() - Hear findings: FILE, LINE and so on, as @items have them */
static void collect(struct findings *findings, const struct finding *items, size_t n_items)
{
	findings_init(findings);
	for (size_t i = 0; i < n_items; i++)
		report_finding(&findings->report, &items[i]);
}

/** printed() - What a printer makes of @findings; owned */
static char *printed(printer print, const struct findings *findings)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	assert_int_equal(print(findings, stream), 0);
	assert_int_equal(fclose(stream), 0);
	return text;
}

/** print_one() - The same of one finding */
static char *print_one(printer print, const struct finding *finding)
{
	struct findings findings;
	char *text;

	collect(&findings, finding, 1);
	text = printed(print, &findings);
	findings_done(&findings);
	return text;
}

/** sarif_result() - The result that SARIF has of one finding; a new reference */
static json_t *sarif_result(const struct finding *finding)
{
	char *text = print_one(findings_print_sarif, finding);
	json_t *root = json_loads(text, 0, NULL);
	json_t *run = json_array_get(json_object_get(root, "runs"), 0);
	json_t *result = json_incref(json_array_get(json_object_get(run, "results"), 0));

	assert_non_null(result);
	json_decref(root);
	free(text);
	return result;
}

static void github_escapes_what_ends_a_property_or_a_line(void **state)
{
	/* NOLINTBEGIN(misc-misleading-bidirectional): what reaches no terminal */
	static const struct {
		struct finding finding;
		const char *text;
	} cases[] = {
		{{RULE_RANGE_RESERVED, SEVERITY_ERROR, "a.conf", "/x", false, 3, 7, "no: a, b", NULL, NULL, 0},
		 "::error file=a.conf,line=3,col=7,title=RG101::no: a, b\n"},
		{{RULE_OVERLAP, SEVERITY_WARNING, "./a,b:c%d.conf", "/x", false, 3, 7, "100%\r\nof", NULL, NULL, 0},
		 "::warning file=a%2Cb%3Ac%25d.conf,line=3,col=7,title=RG105::100%25%0D%0Aof\n"},
		{{RULE_NOT_JSON, SEVERITY_ERROR, "a\r\nb", "", false, 0, 0, "x", "other", "/0", 0},
		 "::error file=a%0D%0Ab,title=RG001::x\n"},
		{{RULE_NOT_JSON, SEVERITY_ERROR, "a", "", false, 0, 0,
		  "\x1b[31m\xc2\x9b"
		  "31m\xe2\x80\xae\xe2\x82\xac",
		  NULL, NULL, 0},
		 "::error file=a,title=RG001::?[31m?31m?\xe2\x82\xac\n"},
	};
	/* NOLINTEND(misc-misleading-bidirectional) */

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		char *text = print_one(findings_print_github, &cases[i].finding);

		assert_string_equal(text, cases[i].text);
		free(text);
	}
}

static void text_shows_no_control_characters(void **state)
{
	/* NOLINTBEGIN(misc-misleading-bidirectional): what reaches no terminal */
	static const struct finding finding = {
		.rule = RULE_NOT_JSON,
		.file = "a\n",
		.pointer = "",
		.message = "\x1b[31m \x7f \xc2\x9b"
			   "31m \xc2\xa0 \xe2\x80\x8e \xe2\x80\x8d \xe2\x80\xa8 \xe2\x80\xae \xe2\x80\xaf "
			   "\xe2\x81\xa5 \xe2\x81\xa6 \xe2\x81\xa9 \xe2\x80 \xc2"};
	/* NOLINTEND(misc-misleading-bidirectional) */
	char *text = print_one(findings_print_text, &finding);

	(void)state;
	assert_non_null(strstr(text, "a?: error RG001: ?[31m ? ?31m \xc2\xa0 ? \xe2\x80\x8d ? ? \xe2\x80\xaf "
				     "\xe2\x81\xa5 ? ? ?? ?\n"));
	free(text);
}

static void junit_escapes_markup_and_what_xml_cannot_say(void **state)
{
	static const struct {
		const char *message, *text;
	} cases[] = {
		{"<a> & \"b\" 'c'", "message=\"&#60;a&#62; &#38; &#34;b&#34; &#39;c&#39;\""},
		{"]]>", "message=\"]]&#62;\""},
		{"1\t2\n3\r4", "message=\"1&#9;2&#10;3&#13;4\""},
		{"a\x01\x1b[31mb\x7f", "message=\"a??[31mb\x7f\""},
		{"\xc3\xbc \xe2\x82\xac \xf0\x9f\x90\xa7", "message=\"\xc3\xbc \xe2\x82\xac \xf0\x9f\x90\xa7\""},
		{"\xff \xc3 \xed\xa0\x80 \xef\xbf\xbf", "message=\"? ? ??? ?\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct finding finding = {
			.rule = RULE_NOT_JSON, .file = "a<b", .pointer = "", .message = cases[i].message};
		char *text = print_one(findings_print_junit, &finding);

		if (!strstr(text, cases[i].text))
			fail_msg("'%s' is not in '%s'", cases[i].text, text);
		assert_non_null(strstr(text, "name=\"a&#60;b\""));
		free(text);
	}
}

static void junit_counts_files_and_fails_them_as_the_run_fails(void **state)
{
	static const struct finding heard[] = {
		{.rule = RULE_INVALID_VALUE, .file = "a", .pointer = "/1", .message = "m"},
		{.rule = RULE_INVALID_VALUE, .file = "a", .pointer = "/2", .message = "m"},
		{.rule = RULE_OVERLAP, .severity = SEVERITY_WARNING, .file = "b", .pointer = "", .message = "w"},
		{.rule = RULE_POLICY, .file = "/etc/policy", .pointer = "", .message = "m"},
	};
	static const struct {
		bool strict;
		const char *head, *case_b;
	} cases[] = {
		{false, "tests=\"4\" failures=\"2\"",
		 "name=\"b\">\n      <system-out>b:0:0: warning RG105: w\n</system-out>"},
		{true, "tests=\"4\" failures=\"3\"", "name=\"b\">\n      <failure type=\"RG105\" message=\"w\">"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct findings findings;
		char *text;

		collect(&findings, heard, ARRAY_LENGTH(heard));
		findings.strict = cases[i].strict;
		for (const char *const *file = (const char *const[]){"c", "a", "b", "a", NULL}; *file; file++)
			assert_int_equal(path_list_add(&findings.files, *file), 0);
		text = printed(findings_print_junit, &findings);
		if (!strstr(text, cases[i].head) || !strstr(text, cases[i].case_b) ||
		    !strstr(text, "name=\"c\">\n    </testcase>"))
			fail_msg("%s", text);
		free(text);
		findings_done(&findings);
	}
}

static void sarif_names_files_by_uri(void **state)
{
	static const struct {
		const char *file, *uri;
	} cases[] = {
		{"net.d/10-pods.conflist", "net.d/10-pods.conflist"},
		{"./net.d/a.conf", "net.d/a.conf"},
		{".//./a.conf", "a.conf"},
		{"../a.conf", "../a.conf"},
		{"/etc/cni/a b.conf", "file:///etc/cni/a%20b.conf"},
		{"c:d%?#[1].conf", "c%3Ad%25%3F%23%5B1%5D.conf"},
		{"\xc3\xbc\xff~_", "%C3%BC%FF~_"},
		{"<stdin>", "%3Cstdin%3E"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct finding finding = {.rule = RULE_NOT_JSON, .file = cases[i].file, .pointer = "", .message = "m"};
		json_t *result = sarif_result(&finding);
		const char *uri = NULL;

		assert_int_equal(json_unpack(result, "{s:[{s:{s:{s:s}}}]}", "locations", "physicalLocation",
					     "artifactLocation", "uri", &uri),
				 0);
		assert_string_equal(uri, cases[i].uri);
		json_decref(result);
	}
}

/** fingerprint_of() - The fingerprint of a finding, copied */
static void fingerprint_of(const struct finding *finding, char digest[static 64])
{
	json_t *result = sarif_result(finding);
	const char *text = NULL;

	assert_int_equal(json_unpack(result, "{s:{s:s}}", "partialFingerprints", "rangeguard/v1", &text), 0);
	(void)snprintf(digest, 64, "%s", text);
	json_decref(result);
}

static void fingerprint_is_of_rule_file_and_pointer(void **state)
{
	static const struct finding first = {
		RULE_OVERLAP, SEVERITY_WARNING, "a", "/x/1", false, 3, 7, "m", NULL, NULL, 0};
	static const struct {
		struct finding finding;
		bool same;
	} cases[] = {
		{{RULE_OVERLAP, SEVERITY_WARNING, "a", "/x/1", false, 40, 2, "m", NULL, NULL, 0}, true},
		{{RULE_OVERLAP, SEVERITY_ERROR, "./a", "/x/1", false, 3, 7, "other words", "b", "/9", 0}, true},
		{{RULE_RANGE_RESERVED, SEVERITY_WARNING, "a", "/x/1", false, 3, 7, "m", NULL, NULL, 0}, false},
		{{RULE_OVERLAP, SEVERITY_WARNING, "b", "/x/1", false, 3, 7, "m", NULL, NULL, 0}, false},
		{{RULE_OVERLAP, SEVERITY_WARNING, "a", "/x/2", false, 3, 7, "m", NULL, NULL, 0}, false},
		{{RULE_OVERLAP, SEVERITY_WARNING, "a/x", "/1", false, 3, 7, "m", NULL, NULL, 0}, false},
	};
	char expected[64], digest[64];

	(void)state;
	fingerprint_of(&first, expected);
	assert_int_equal(strlen(expected), 32);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		fingerprint_of(&cases[i].finding, digest);
		if ((strcmp(digest, expected) == 0) != cases[i].same)
			fail_msg("case %zu: %s, first %s", i, digest, expected);
	}
}

static void fingerprint_of_a_row_is_of_its_message(void **state)
{
	static const struct finding rows[] = {
		{.rule = RULE_POLICY, .file = "a", .pointer = "line 3", .message = "m"},
		{.rule = RULE_POLICY, .file = "a", .pointer = "line 4", .message = "m"},
		{.rule = RULE_POLICY, .file = "a", .pointer = "line 3", .message = "n"},
	};
	char digests[ARRAY_LENGTH(rows)][64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
		fingerprint_of(&rows[i], digests[i]);
	assert_string_equal(digests[1], digests[0]);
	assert_string_not_equal(digests[2], digests[0]);
}

/* A file name may hold any bytes, a message may be cut inside a character: the document is JSON all the same. */
static void json_formats_keep_findings_that_are_no_utf8(void **state)
{
	static const struct finding finding = {RULE_OVERLAP, SEVERITY_ERROR, "a\xff", "/\xc3", false, 1, 1,
					       "m\xe2\x82",  "b\xfe",	     "/\xfd", 0};
	char *text = print_one(findings_print_json, &finding);
	json_t *root = json_loads(text, 0, NULL), *result = sarif_result(&finding);
	const char *file = NULL, *message = NULL;

	(void)state;
	assert_int_equal(json_unpack(root, "{s:[{s:s, s:s}]}", "findings", "file", &file, "message", &message), 0);
	assert_string_equal(file, "a?");
	assert_string_equal(message, "m??");
	assert_int_equal(json_unpack(result, "{s:{s:s}}", "message", "text", &message), 0);
	assert_string_equal(message, "m??");
	json_decref(root);
	json_decref(result);
	free(text);
}

static void rows_of_tables_have_a_line_and_no_pointer(void **state)
{
	static const struct finding finding = {.rule = RULE_POLICY,
					       .file = "./t.csv",
					       .pointer = "line 42",
					       .message = "m",
					       .related_file = "u.csv",
					       .related_pointer = "line 7"};
	static const struct {
		printer print;
		const char *text;
	} cases[] = {
		{findings_print_text, "./t.csv:42:1: error RG301: m\n  see u.csv:7:1\n"},
		{findings_print_github, "::error file=t.csv,line=42,col=1,title=RG301::m (see u.csv:7)\n"},
		{findings_print_json, "\"pointer\": \"\",\n      \"line\": 42,\n      \"column\": 1,"},
		{findings_print_json, "\"pointer\": \"\",\n          \"line\": 7\n"},
		{findings_print_sarif, "\"startLine\": 42,"},
		{findings_print_sarif, "\"startLine\": 7,"},
		{findings_print_junit, "./t.csv:42:1: error RG301: m\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		char *text = print_one(cases[i].print, &finding);

		if (!strstr(text, cases[i].text))
			fail_msg("'%s' is not in '%s'", cases[i].text, text);
		free(text);
	}
}

static void a_full_disk_is_told(void **state)
{
	static const printer printers[] = {findings_print_text, findings_print_json, findings_print_sarif,
					   findings_print_junit, findings_print_github};
	static const struct finding finding = {.rule = RULE_OVERLAP, .file = "a", .pointer = "", .message = "m"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(printers); i++) {
		FILE *full = fopen("/dev/full", "we");
		struct findings findings;

		assert_non_null(full);
		collect(&findings, &finding, 1);
		/* Who prints may leave it to who flushes. */
		if (!printers[i](&findings, full) && !fflush(full))
			fail_msg("printer %zu", i);
		findings_done(&findings);
		(void)fclose(full);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(github_escapes_what_ends_a_property_or_a_line),
		cmocka_unit_test(text_shows_no_control_characters),
		cmocka_unit_test(junit_escapes_markup_and_what_xml_cannot_say),
		cmocka_unit_test(junit_counts_files_and_fails_them_as_the_run_fails),
		cmocka_unit_test(sarif_names_files_by_uri),
		cmocka_unit_test(fingerprint_is_of_rule_file_and_pointer),
		cmocka_unit_test(fingerprint_of_a_row_is_of_its_message),
		cmocka_unit_test(json_formats_keep_findings_that_are_no_utf8),
		cmocka_unit_test(rows_of_tables_have_a_line_and_no_pointer),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
