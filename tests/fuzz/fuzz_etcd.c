/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text as each of etcd's answers: reading comes to an end, with records whose texts end, and nothing is lost. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/etcd/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PREFIX "/rangeguard/"

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** check_records() - Their keys are below the prefix, and end */
static void check_records(const struct record *records, size_t n)
{
	for (size_t i = 0; i < n; i++)
		require(memchr(records[i].key, '\0', sizeof(records[i].key)) != NULL);
}

/** hear_answer() - As the answer to a call */
static void hear_answer(enum request_kind kind, const char *body, size_t size)
{
	struct engine_request request = {.id = 1, .kind = kind, .key = "alive/node-1"};
	struct message_header header = {0};
	struct engine_answer answer = {0};
	int r = message_answer(PREFIX, &request, body, size, &header, &answer);

	require(r == 0 || r == -EBADMSG || r == -ENOMEM);
	if (r)
		return;
	check_records(answer.records, answer.n_records);
	message_records_free(answer.records, answer.n_records);
}

/** hear_line() - As a line of a watch's stream */
static void hear_line(const char *line, size_t size)
{
	struct message_header header = {0};
	struct message_error error = {0};
	struct record *records = NULL;
	size_t n = 0;

	if (message_watch_line(PREFIX, line, size, &header, &records, &n, &error) == WATCH_EVENTS)
		check_records(records, n);
	require(memchr(error.text, '\0', sizeof(error.text)) != NULL);
	message_records_free(records, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum request_kind kinds[] = {REQUEST_READ, REQUEST_LIST, REQUEST_SWAP};
	const char *body = (const char *)data;
	struct message_header header = {0};
	struct message_error error = {0};
	int64_t revision = 0;
	char *token = NULL;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		hear_answer(kinds[i], body, size);
	hear_line(body, size);
	(void)message_newest_answer(body, size, &header, &revision);
	if (message_token(body, size, &token) == 0)
		require(token != NULL);
	free(token);
	message_error(body, size, &error);
	require(memchr(error.text, '\0', sizeof(error.text)) != NULL);
	return 0;
}
