/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json_text.h: what jansson makes of a lack of memory, which its callers build on. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/report/json_text.h"

static unsigned allocations, failing;

/** scarce_malloc() - malloc(3), whose @failing-th call fails as glibc's does */
static void *scarce_malloc(size_t size)
{
	if (++allocations != failing)
		return malloc(size);
	errno = ENOMEM;
	return NULL;
}

/** big() - A value whose text has to be given more room several times */
static json_t *big(void)
{
	json_t *array = json_array();
	char key[64];

	for (int i = 0; i < 100; i++) {
		memset(key, 'a' + i % 26, sizeof(key) - 1);
		key[i % (int)sizeof(key)] = '\0';
		key[sizeof(key) - 1] = '\0';
		assert_int_equal(
			json_array_append_new(array, json_pack("{s:i, s:s}", key, i, "text", "a \"quoted\" text")), 0);
	}
	return array;
}

static void a_text_is_whole_or_none(void **state)
{
	json_t *value = big();
	char *whole = json_text(value, JSON_COMPACT);
	bool failed = true;

	(void)state;
	assert_non_null(whole);
	for (unsigned n = 1; failed; n++) {
		char *text;

		allocations = 0;
		failing = n;
		text = json_text(value, JSON_COMPACT);
		failed = allocations >= n;
		failing = 0;
		if (failed)
			assert_null(text);
		else
			assert_string_equal(text, whole);
		assert_true(failed || n > 5);
		free(text);
	}
	free(whole);
	json_decref(value);
	assert_null(json_text(NULL, 0));
}

static alignas(max_align_t) uint8_t spare[1 << 16];
static size_t spared;
static unsigned lent;

/** spare_malloc() - malloc(3), but for whose @failing-th call something else has memory */
static void *spare_malloc(size_t size)
{
	void *memory = scarce_malloc(size);

	if (memory)
		return memory;
	memory = spare + spared;
	spared += (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	assert_true(spared <= sizeof(spare));
	lent++;
	return memory;
}

static void spare_free(void *memory)
{
	uintptr_t at = (uintptr_t)memory, first = (uintptr_t)spare;

	if (at >= first && at < first + sizeof(spare))
		lent--;
	else
		free(memory);
}

static void a_text_goes_back_to_where_it_came_from(void **state)
{
	json_t *value = big();
	bool failed = true;

	(void)state;
	json_set_alloc_funcs(spare_malloc, spare_free);
	for (unsigned n = 1; failed; n++) {
		char *text;

		allocations = 0;
		spared = 0;
		failing = n;
		text = json_text(value, JSON_COMPACT);
		failed = allocations >= n;
		failing = 0;
		assert_true(failed == !text);
		assert_int_equal(lent, 0);
		free(text);
	}
	json_set_alloc_funcs(scarce_malloc, free);
	json_decref(value);
}

/* Readers take errno for the reason; nothing else that they look at says it in all cases. */
static void a_reader_without_memory_leaves_its_errno(void **state)
{
	static const char text[] = "{\"a key\": [1, 2.5, \"a \\u00e4 text\", null, {\"another\": -7}], \"b\": \"\"}";
	bool failed = true;

	(void)state;
	for (unsigned n = 1; failed; n++) {
		json_t *value;

		allocations = 0;
		failing = n;
		errno = 0;
		value = json_loadb(text, strlen(text), JSON_REJECT_DUPLICATES, NULL);
		failed = allocations >= n;
		failing = 0;
		assert_true(value || (failed && errno == ENOMEM));
		assert_true(failed || n > 10);
		json_decref(value);
	}
}

static int use_scarce_memory(void **state)
{
	(void)state;
	json_set_alloc_funcs(scarce_malloc, free);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_whole_or_none),
		cmocka_unit_test(a_text_goes_back_to_where_it_came_from),
		cmocka_unit_test(a_reader_without_memory_leaves_its_errno),
	};

	return cmocka_run_group_tests(tests, use_scarce_memory, NULL);
}
