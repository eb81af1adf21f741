/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Versions of the CNI specification: R9, R10 of the reference's section 2, and the answer to VERSION. */

#include "plugin/cni/version.h"
#include "rangeguard/array.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "rangeguard/cleanup.h"

static const char *const supported[] = {"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"};

static void test_parse_R9_R10(void **state)
{
	static const struct {
		const char *text;
		int outcome;
		enum cni_version version;
	} cases[] = {
		{"0.1.0", 0, CNI_0_1_0},
		{"0.2.0", 0, CNI_0_2_0},
		{"0.3.0", 0, CNI_0_3_0},
		{"0.3.1", 0, CNI_0_3_1},
		{"0.4.0", 0, CNI_0_4_0},
		{"1.0.0", 0, CNI_1_0_0},
		{"1.1.0", 0, CNI_1_1_0},
		{"", 0, CNI_0_1_0}, /* R10 */
		{NULL, 0, CNI_0_1_0},
		{"9.9.9", CNI_VERSION_E_UNSUPPORTED, 0}, /* R9 */
		{"0.3.2", CNI_VERSION_E_UNSUPPORTED, 0},
		{"1.0", CNI_VERSION_E_UNSUPPORTED, 0},
		{"1", CNI_VERSION_E_UNSUPPORTED, 0},
		{"01.0.0", CNI_VERSION_E_UNSUPPORTED, 0},
		{"99999999999999999999.0.0", CNI_VERSION_E_UNSUPPORTED, 0},
		{"1.x", CNI_VERSION_E_MALFORMED, 0}, /* R10 */
		{"1.", CNI_VERSION_E_MALFORMED, 0},
		{".1", CNI_VERSION_E_MALFORMED, 0},
		{"1..0", CNI_VERSION_E_MALFORMED, 0},
		{"1.0.0.0", CNI_VERSION_E_MALFORMED, 0},
		{"1.0.0.", CNI_VERSION_E_MALFORMED, 0},
		{"v1.0.0", CNI_VERSION_E_MALFORMED, 0},
		{" 1.0.0", CNI_VERSION_E_MALFORMED, 0},
		{"1.0.0 ", CNI_VERSION_E_MALFORMED, 0},
		{"1.0.0-rc1", CNI_VERSION_E_MALFORMED, 0},
		{"-1.0.0", CNI_VERSION_E_MALFORMED, 0},
		{"\n", CNI_VERSION_E_MALFORMED, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		enum cni_version version = CNI_N_VERSIONS;

		assert_int_equal(cni_version_parse(cases[i].text, &version), cases[i].outcome);
		assert_int_equal(version, cases[i].outcome == 0 ? cases[i].version : CNI_N_VERSIONS);
	}
}

static void test_text_is_what_parse_reads(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_LENGTH(supported), CNI_N_VERSIONS);
	assert_int_equal(CNI_NEWEST, CNI_N_VERSIONS - 1);
	for (unsigned version = 0; version < CNI_N_VERSIONS; version++)
		assert_string_equal(cni_version_text((enum cni_version)version), supported[version]);
}

/** check_answer() - Check the whole answer to a VERSION with @asked: one document on a line, echoing @echo */
static void check_answer(const char *asked, const char *echo)
{
	CLEANUP_CLOSE int fd = memfd_create("answer", MFD_CLOEXEC);
	json_t *answer, *list;
	char text[512];
	ssize_t size;

	assert_true(fd >= 0);
	assert_int_equal(cni_version_print_supported(fd, asked), 0);
	size = pread(fd, text, sizeof(text) - 1, 0);
	assert_true(size > 0);
	text[size] = '\0';
	assert_ptr_equal(strchr(text, '\n'), text + size - 1);
	answer = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(answer);
	assert_int_equal(json_object_size(answer), 2);
	assert_string_equal(json_string_value(json_object_get(answer, "cniVersion")), echo);
	list = json_object_get(answer, "supportedVersions");
	assert_int_equal(json_array_size(list), ARRAY_LENGTH(supported));
	for (size_t i = 0; i < ARRAY_LENGTH(supported); i++)
		assert_string_equal(json_string_value(json_array_get(list, i)), supported[i]);
	json_decref(answer);
}

/** Specification, "VERSION": the value of cniVersion on input; the reference plugins deviate */
static void test_print_supported_echoes_the_question(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(supported); i++)
		check_answer(supported[i], supported[i]);
	check_answer("9.9.9", "9.9.9");
	check_answer("\"\\\n{}\xc3\xa4", "\"\\\n{}\xc3\xa4");
	check_answer("", "1.1.0");
	check_answer(NULL, "1.1.0");
}

static void test_print_supported_to_a_full_device(void **state)
{
	CLEANUP_CLOSE int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(full >= 0);
	assert_int_equal(cni_version_print_supported(full, "1.0.0"), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_R9_R10),
		cmocka_unit_test(test_text_is_what_parse_reads),
		cmocka_unit_test(test_print_supported_echoes_the_question),
		cmocka_unit_test(test_print_supported_to_a_full_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
