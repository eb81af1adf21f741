/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers to records. Whatever answers at the endpoint's address wrote them: nothing is trusted. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/etcd/message.h"
#include "plugin/text/base64.h"
#include "rangeguard/cleanup.h"

/** take_unsigned() - A number that is a string of digits; absent is 0. Return: whether it is one */
static bool take_unsigned(const json_t *object, const char *key, uint64_t *ret_value)
{
	const json_t *member = json_object_get(object, key);
	const char *text = json_string_value(member);
	uint64_t value = 0;

	*ret_value = 0;
	if (!member)
		return true;
	if (!text || *text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	*ret_value = value;
	return true;
}

/** take_revision() - take_unsigned() below 2^63 */
static bool take_revision(const json_t *object, const char *key, int64_t *ret_value)
{
	uint64_t value;

	if (!take_unsigned(object, key, &value) || value > INT64_MAX)
		return false;
	*ret_value = (int64_t)value;
	return true;
}

/** take_header() - Who answered, and at which revision */
static bool take_header(const json_t *object, struct message_header *header)
{
	const json_t *member = json_object_get(object, "header");

	return json_is_object(member) && take_unsigned(member, "cluster_id", &header->cluster_id) &&
	       take_revision(member, "revision", &header->revision) && header->revision > 0;
}

/** take_bytes() - A member in base64; absent is "". NULL: it is none, or out of memory */
static char *take_bytes(const json_t *object, const char *key, size_t *ret_size)
{
	const json_t *member = json_object_get(object, key);

	return base64_decode(member ? json_string_value(member) ? json_string_value(member) : "?" : "", ret_size);
}

/** take_text() - A member in base64 that holds text without NUL; absent is "" */
static char *take_text(const json_t *object, const char *key)
{
	size_t size;
	char *text = take_bytes(object, key, &size);

	if (text && strlen(text) != size) {
		free(text);
		return NULL;
	}
	return text;
}

/** below() - What follows the prefix in a key; NULL: it is not below it */
static const char *below(const char *prefix, const char *key)
{
	size_t n = strlen(prefix);

	return strncmp(key, prefix, n) == 0 && key[n] == '/' ? key + n + 1 : NULL;
}

/**
 * take_record() - A key with its value
 * @deleted:	It has none any more
 *
 * Return: 0; 1: a key that is none of the cluster's, such as one that is no text; -EBADMSG, -ENOMEM
 */
static int take_record(const char *prefix, const json_t *kv, bool deleted, struct record *ret_record)
{
	size_t size = 0;
	CLEANUP_FREE char *key = take_bytes(kv, "key", &size), *value = take_text(kv, "value");
	const char *rest = key ? below(prefix, key) : NULL;
	int64_t revision;

	if (!json_is_object(kv) || !key || !rest || !take_revision(kv, "mod_revision", &revision) || revision == 0)
		return -EBADMSG;
	/* etcd's keys are any bytes: what is behind a NUL counts, too. */
	if (strlen(key) != size || !record_key_valid(rest))
		return 1;
	/* A value that is not text is one that can't be read, and must not look like an absent one. */
	return record_read(rest, deleted ? NULL : value ? value : "?", revision, ret_record);
}

/** message_records_free() - Free an array of records */
void message_records_free(struct record *records, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_clear(&records[i]);
	free(records);
}

/** add_records() - Those of a range's answer, after what @answer has. Return: 0, -EBADMSG, -ENOMEM */
static int add_records(const char *prefix, const json_t *range, struct engine_answer *answer)
{
	const json_t *kvs = json_object_get(range, "kvs"), *kv;
	size_t i, n = json_array_size(kvs);
	struct record *records;

	if (!json_is_object(range) || (kvs && !json_is_array(kvs)))
		return -EBADMSG;
	records = reallocarray(answer->records, answer->n_records + n + 1, sizeof(*records));
	if (!records)
		return -ENOMEM;
	answer->records = records;
	json_array_foreach(kvs, i, kv) {
		int r = take_record(prefix, kv, false, &records[answer->n_records]);

		if (r < 0)
			return r;
		answer->n_records += r == 0;
	}
	return 0;
}

/** add_range() - add_records() of the answer about one key: absent if there is none */
static int add_range(const char *prefix, const char *key, const json_t *range, struct engine_answer *answer)
{
	size_t before = answer->n_records;
	int r = add_records(prefix, range, answer);

	if (r < 0 || answer->n_records > before)
		return r < 0 || (answer->n_records == before + 1 && strcmp(answer->records[before].key, key) == 0)
			       ? r
			       : -EBADMSG;
	r = record_read(key, NULL, 0, &answer->records[before]);
	answer->n_records += r == 0;
	return r;
}

/** take_transaction() - Whether a swap happened; if not, the records of its conditions */
static int take_transaction(const char *prefix, const struct engine_request *request, const json_t *root,
			    struct engine_answer *answer)
{
	const json_t *responses = json_object_get(root, "responses");
	int r = 0;

	answer->won = json_is_true(json_object_get(root, "succeeded"));
	if (answer->won)
		return 0;
	if (json_array_size(responses) != request->n_conditions)
		return -EBADMSG;
	for (size_t i = 0; i < request->n_conditions && r == 0; i++)
		r = add_range(prefix, request->conditions[i].key,
			      json_object_get(json_array_get(responses, i), "response_range"), answer);
	return r;
}

/**
 * message_answer() - What an answer says
 * @prefix:	Of all keys
 * @request:	What it answers
 * @body:	HTTP body of status 200
 * @size:	Its bytes
 * @ret_header:	Filled
 * @ret_answer:	Filled; its records are for message_records_free()
 *
 * Return: 0; -EBADMSG: not understood; -ENOMEM
 */
int message_answer(const char *prefix, const struct engine_request *request, const char *body, size_t size,
		   struct message_header *ret_header, struct engine_answer *ret_answer)
{
	struct engine_answer answer = {0};
	struct message_header header;
	json_t *root = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
	int r = take_header(root, &header) ? 0 : -EBADMSG;

	if (r == 0 && request->kind == REQUEST_SWAP)
		r = take_transaction(prefix, request, root, &answer);
	else if (r == 0 && request->kind == REQUEST_READ)
		r = add_range(prefix, request->key, root, &answer);
	else if (r == 0)
		r = json_is_true(json_object_get(root, "more")) ? -EBADMSG : add_records(prefix, root, &answer);
	json_decref(root);
	if (r < 0) {
		message_records_free(answer.records, answer.n_records);
		return r;
	}
	answer.revision = header.revision;
	*ret_header = header;
	*ret_answer = answer;
	return 0;
}

/** message_newest_answer() - Revision of the record that changed last; 0: there is none */
int message_newest_answer(const char *body, size_t size, struct message_header *ret_header, int64_t *ret_revision)
{
	json_t *root = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
	const json_t *kvs = json_object_get(root, "kvs");
	int64_t revision = 0;
	bool ok = take_header(root, ret_header) &&
		  (!kvs || take_revision(json_array_get(kvs, 0), "mod_revision", &revision));

	json_decref(root);
	if (ok)
		*ret_revision = revision;
	return ok ? 0 : -EBADMSG;
}

/** message_token() - The token that etcd gives for user and password; @ret_token is for free() */
int message_token(const char *body, size_t size, char **ret_token)
{
	json_t *root = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
	const char *text = json_string_value(json_object_get(root, "token"));
	char *token = NULL;
	int r = -EBADMSG;

	/* It becomes a header of each request. */
	if (text && *text && !strpbrk(text, "\r\n") && strlen(text) < 4096) {
		token = strdup(text);
		r = token ? 0 : -ENOMEM;
	}
	json_decref(root);
	if (r == 0)
		*ret_token = token;
	return r;
}

/** message_error() - What etcd says when it refuses; text that is no JSON is shown as it is */
void message_error(const char *body, size_t size, struct message_error *ret_error)
{
	json_t *root = json_loadb(body, size, 0, NULL);
	const json_t *inner = json_object_get(root, "error");
	const json_t *object = json_is_object(inner) ? inner : root;
	const char *text = json_string_value(json_object_get(object, "message"));

	ret_error->code = (int)json_integer_value(json_object_get(object, "code"));
	if (ret_error->code == 0)
		ret_error->code = (int)json_integer_value(json_object_get(object, "grpc_code"));
	if (!text)
		text = json_string_value(json_object_get(object, "error"));
	if (text)
		(void)snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
	else
		(void)snprintf(ret_error->text, sizeof(ret_error->text), "%.*s", (int)(size < 200 ? size : 200), body);
	ret_error->text[strcspn(ret_error->text, "\r\n")] = '\0';
	json_decref(root);
}

/** take_events() - Changes of a watch, in their order */
static int take_events(const char *prefix, const json_t *events, struct record **ret_records, size_t *ret_n)
{
	size_t i, n = 0;
	const json_t *event;
	struct record *records = calloc(json_array_size(events) + 1, sizeof(*records));

	if (!records)
		return -ENOMEM;
	json_array_foreach(events, i, event) {
		const char *type = json_string_value(json_object_get(event, "type"));
		bool deleted = type && strcmp(type, "DELETE") == 0;
		int r = take_record(prefix, json_object_get(event, "kv"), deleted, &records[n]);

		if (r < 0 || (type && !deleted && strcmp(type, "PUT") != 0)) {
			message_records_free(records, n + (r == 0));
			return -EBADMSG;
		}
		n += r == 0;
	}
	*ret_records = records;
	*ret_n = n;
	return 0;
}

/** take_line() - The result of a line */
static enum watch_line take_line(const char *prefix, const json_t *result, struct message_header *header,
				 struct record **ret_records, size_t *ret_n, struct message_error *error)
{
	const json_t *events = json_object_get(result, "events");
	const char *why = json_string_value(json_object_get(result, "cancel_reason"));

	/* The line that says so has no revision when what is wanted is compacted. */
	if (json_is_true(json_object_get(result, "canceled"))) {
		(void)snprintf(error->text, sizeof(error->text), "%s",
			       why					     ? why
			       : json_object_get(result, "compact_revision") ? "the revision is compacted"
									     : "cancelled");
		return WATCH_ENDED;
	}
	if (!take_header(result, header))
		return WATCH_BROKEN;
	if (!events)
		return WATCH_NOTHING;
	if (!json_is_array(events) || take_events(prefix, events, ret_records, ret_n) < 0)
		return WATCH_BROKEN;
	return WATCH_EVENTS;
}

/**
 * message_watch_line() - One line of a watch's stream
 * @prefix:	Of all keys
 * @line:	Line
 * @size:	Its bytes
 * @ret_header:	Filled, but for a line that is not understood, or an error
 * @ret_records: Changes (WATCH_EVENTS), for message_records_free()
 * @ret_n:	Their number
 * @ret_error:	Why it has ended (WATCH_ENDED)
 */
enum watch_line message_watch_line(const char *prefix, const char *line, size_t size, struct message_header *ret_header,
				   struct record **ret_records, size_t *ret_n, struct message_error *ret_error)
{
	json_t *root = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
	const json_t *result = json_object_get(root, "result");
	enum watch_line kind = WATCH_BROKEN;

	*ret_header = (struct message_header){0};
	if (json_is_object(result)) {
		kind = take_line(prefix, result, ret_header, ret_records, ret_n, ret_error);
	} else if (json_object_get(root, "error")) {
		message_error(line, size, ret_error);
		kind = WATCH_ENDED;
	}
	json_decref(root);
	return kind;
}
