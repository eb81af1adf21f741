/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays and bytes that grow. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "rangeguard/array.h"
#include "rangeguard/bytes.h"

static void test_length(void **state)
{
	static const char *const three[] = {"a", "b", "c"};
	int matrix[5][7];

	(void)state;
	assert_int_equal(ARRAY_LENGTH(three), 3);
	assert_int_equal(ARRAY_LENGTH(matrix), 5);
	assert_int_equal(ARRAY_LENGTH(matrix[0]), 7);
}

static void test_array(void **state)
{
	size_t room = 0, n_moves = 0, before = 0;
	unsigned *all = NULL;

	(void)state;
	for (unsigned n = 0; n < 10000; n++) {
		unsigned *larger = array_room(all, n, &room, sizeof(*all));

		assert_non_null(larger);
		assert_true(room > n);
		n_moves += room != before;
		before = room;
		all = larger;
		all[n] = n;
	}
	for (unsigned n = 0; n < 10000; n++)
		assert_int_equal(all[n], n);
	/* Twice as much each time, not one more. */
	assert_true(n_moves < 16);
	/* Too many elements are no memory, and what is there stays; the sanitizer ends the process instead. */
#ifndef __SANITIZE_ADDRESS__
	assert_null(array_room(all, room, &room, SIZE_MAX / 4));
#endif
	assert_int_equal(room, before);
	assert_int_equal(all[9999], 9999);
	free(all);
}

static void test_bytes(void **state)
{
	static const size_t sizes[] = {0, 1, BYTES_FIRST - 1, 0, 1, 5 * BYTES_FIRST, 3};
	size_t room = 0, used = 0;
	char *data = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		char *larger = bytes_room(data, used, sizes[i], &room);

		assert_non_null(larger);
		data = larger;
		assert_true(room >= used + sizes[i]);
		memset(data + used, 'a' + (int)i, sizes[i]);
		used += sizes[i];
	}
	assert_int_equal(data[0], 'b');
	assert_int_equal(data[used - 1], 'g');
	assert_null(bytes_room(data, used, SIZE_MAX, &room));
	assert_null(bytes_room(data, used, SIZE_MAX - used, &room));
	assert_int_equal(data[used - 1], 'g');
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_array),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
