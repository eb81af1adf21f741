/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CNI error: text of any kind ends in one valid JSON document (R16, R17, R18 of the reference's section 2). */

#include "plugin/report/error.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "rangeguard/cleanup.h"

/** printed() - What error_print() writes, for free(3) */
static char *printed(const struct error *err, const char *cni_version)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	assert_int_equal(error_print(stream, err, cni_version), 0);
	assert_int_equal(fclose(stream), 0);
	return text;
}

/** check_document() - Check that @text is one JSON object with exactly these values; @details NULL: absent */
static void check_document(const char *text, const char *cni_version, int code, const char *msg, const char *details)
{
	json_auto_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(document);
	assert_int_equal(json_object_size(document), 2 + (cni_version != NULL) + (details != NULL));
	assert_int_equal(json_integer_value(json_object_get(document, "code")), code);
	assert_string_equal(json_string_value(json_object_get(document, "msg")), msg);
	if (cni_version)
		assert_string_equal(json_string_value(json_object_get(document, "cniVersion")), cni_version);
	if (details)
		assert_string_equal(json_string_value(json_object_get(document, "details")), details);
}

static void test_set_fills_and_refuses(void **state)
{
	struct error err = {.details = "of an older error"};

	(void)state;
	assert_int_equal(error_set(&err, ERROR_RESERVED, "%s is reserved by %s", "10.0.0.1", "db"), REFUSED);
	assert_int_equal(err.code, 100);
	assert_string_equal(err.msg, "10.0.0.1 is reserved by db");
	assert_string_equal(err.details, "");
	error_details(&err, "RTNETLINK: %d", 7);
	assert_string_equal(err.details, "RTNETLINK: 7");
	assert_string_equal(err.msg, "10.0.0.1 is reserved by db");
}

static void test_set_can_wrap_its_own_text(void **state)
{
	struct error err;

	(void)state;
	(void)error_set(&err, ERROR_KERNEL, "inner");
	error_details(&err, "words");
	(void)error_set(&err, ERROR_KERNEL, "outer: %s (%s)", err.msg, err.details);
	assert_string_equal(err.msg, "outer: inner (words)");
}

static void test_no_memory_asks_for_another_try(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(error_no_memory(&err), REFUSED);
	assert_int_equal(err.code, 11);
}

/** Each alignment of a three-byte character at the end of the buffer, for both buffers */
static void test_long_text_is_cut_between_characters(void **state)
{
	(void)state;
	for (size_t front = 0; front < 3; front++) {
		char text[2 * ERROR_MSG_MAX] = "";
		struct error err;

		memset(text, 'x', front);
		for (size_t at = front; at + 3 < sizeof(text); at += 3)
			memcpy(text + at, "\xe2\x82\xac", 4);
		(void)error_set(&err, ERROR_IO, "%s", text);
		error_details(&err, "%s", text);
		assert_int_equal(strlen(err.msg), front + (ERROR_MSG_MAX - 1 - front) / 3 * 3);
		assert_int_equal(strlen(err.details), front + (ERROR_DETAILS_MAX - 1 - front) / 3 * 3);
		assert_memory_equal(err.msg, text, strlen(err.msg));
		assert_memory_equal(err.details, text, strlen(err.details));
	}
}

/** One byte too long: all but the last byte of the last character would fit */
static void test_text_that_lacks_one_byte(void **state)
{
	char text[ERROR_MSG_MAX + 1] = "";
	struct error err;

	(void)state;
	memset(text, 'x', ERROR_MSG_MAX - 2);
	memcpy(text + ERROR_MSG_MAX - 2, "\xc3\xbc", 2);
	(void)error_set(&err, ERROR_IO, "%s", text);
	text[ERROR_MSG_MAX - 2] = '\0';
	assert_string_equal(err.msg, text);
}

static void test_text_that_fits_is_not_cut(void **state)
{
	char text[ERROR_MSG_MAX] = "";
	struct error err;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	(void)error_set(&err, ERROR_IO, "%s", text);
	assert_string_equal(err.msg, text);
}

/** R16, R17: one document, on a line of its own, with the four keys */
static void test_print_R16_R17_one_document(void **state)
{
	CLEANUP_FREE char *bare = NULL, *full = NULL, *versionless = NULL;
	struct error err;

	(void)state;
	(void)error_set(&err, ERROR_NO_FREE_ADDRESS, "no \"free\" address\n\tin 10.0.0.0/24");
	bare = printed(&err, "0.4.0");
	check_document(bare, "0.4.0", 101, "no \"free\" address\n\tin 10.0.0.0/24", NULL);
	assert_ptr_equal(strchr(bare, '\n'), bare + strlen(bare) - 1);

	error_details(&err, "254 of 254 held");
	full = printed(&err, "1.1.0");
	check_document(full, "1.1.0", 101, "no \"free\" address\n\tin 10.0.0.0/24", "254 of 254 held");

	versionless = printed(&err, NULL);
	check_document(versionless, NULL, 101, "no \"free\" address\n\tin 10.0.0.0/24", "254 of 254 held");
}

static void test_print_bytes_that_are_no_utf8(void **state)
{
	CLEANUP_FREE char *text = NULL;
	struct error err;

	(void)state;
	(void)error_set(&err, ERROR_ENVIRONMENT, "name 'a\xff\xc3'");
	error_details(&err, "\xed\xa0\x80");
	text = printed(&err, "1.0.0");
	check_document(text, "1.0.0", 4, "name 'a?\?'", "?\?\?");
}

/** R18: the specification's codes as numbers, which people match on */
static void test_codes_R18(void **state)
{
	(void)state;
	assert_int_equal(ERROR_INCOMPATIBLE_VERSION, 1);
	assert_int_equal(ERROR_UNSUPPORTED_FIELD, 2);
	assert_int_equal(ERROR_UNKNOWN_CONTAINER, 3);
	assert_int_equal(ERROR_ENVIRONMENT, 4);
	assert_int_equal(ERROR_IO, 5);
	assert_int_equal(ERROR_DECODE, 6);
	assert_int_equal(ERROR_CONFIG, 7);
	assert_int_equal(ERROR_NETNS, 8);
	assert_int_equal(ERROR_TRY_AGAIN, 11);
	assert_int_equal(ERROR_NOT_READY, 50);
	assert_int_equal(ERROR_RESERVED, 100);
	assert_int_equal(ERROR_NO_FREE_ADDRESS, 101);
	assert_int_equal(ERROR_POLICY, 102);
	assert_int_equal(ERROR_SNAT, 103);
	assert_int_equal(ERROR_HOST_ROUTE, 104);
	assert_int_equal(ERROR_ADDRESS_NOT_AVAILABLE, 105);
	assert_int_equal(ERROR_STORE, 106);
	assert_int_equal(ERROR_KERNEL, 107);
}

static void test_print_to_a_full_device(void **state)
{
	FILE *full = fopen("/dev/full", "we");
	struct error err;

	(void)state;
	assert_non_null(full);
	(void)error_set(&err, ERROR_IO, "whatever");
	assert_int_equal(error_print(full, &err, "1.0.0"), -EIO);
	(void)fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_fills_and_refuses),
		cmocka_unit_test(test_set_can_wrap_its_own_text),
		cmocka_unit_test(test_no_memory_asks_for_another_try),
		cmocka_unit_test(test_long_text_is_cut_between_characters),
		cmocka_unit_test(test_text_that_lacks_one_byte),
		cmocka_unit_test(test_text_that_fits_is_not_cut),
		cmocka_unit_test(test_print_R16_R17_one_document),
		cmocka_unit_test(test_print_bytes_that_are_no_utf8),
		cmocka_unit_test(test_codes_R18),
		cmocka_unit_test(test_print_to_a_full_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
