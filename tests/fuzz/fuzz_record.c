/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line with a key, and any text as the record that the cluster has there: reading comes to an end, and what is understood
 * is understood again, as the same, when it is written.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/cluster/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** check_written() - A record that was understood is the same when it is written and read */
static void check_written(const struct record *record)
{
	struct record again = {0};
	char *text = record_write(record), *text_again;

	require(text && record_read(record->key, text, record->revision, &again) == 0);
	require(again.readable && again.kind == record->kind);
	text_again = record_write(&again);
	require(text_again && strcmp(text, text_again) == 0);
	free(text_again);
	free(text);
	record_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	size_t length = end ? (size_t)(end - data) : 0;
	struct record record = {0};
	char key[RECORD_KEY_MAX] = "", *text;

	if (!end || length >= sizeof(key) || memchr(data, '\0', size))
		return 0;
	memcpy(key, data, length);
	text = strndup((const char *)end + 1, size - length - 1);
	if (record_read(key, text, 7, &record) == 0) {
		require(record.readable || record.text);
		if (record.readable && (record.kind == RECORD_ALIVE || record.kind == RECORD_HOST ||
					record.kind == RECORD_BLOCK || record.kind == RECORD_SOURCE))
			check_written(&record);
		record_clear(&record);
	}
	free(text);
	return 0;
}
