/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base64.c, message_*.c: bodies as etcd's gateway takes them, answers as Debian's etcd 3.4.23 gave them, and answers as
 * nobody should give them.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/etcd/message.h"
#include "plugin/text/base64.h"
#include "rangeguard/array.h"

#define HEADER                                                                                                         \
	"\"header\":{\"cluster_id\":\"14841639068965178418\",\"member_id\":\"1\",\"revision\":\"7\",\"raft_term\":\"2\"}"
/* "/rangeguard/alive/h1", "/rangeguard/policy", "v", "/elsewhere" */
#define KEY_ALIVE "L3JhbmdlZ3VhcmQvYWxpdmUvaDE="
#define KEY_POLICY "L3JhbmdlZ3VhcmQvcG9saWN5"
#define VALUE "dg=="
#define KEY_ELSEWHERE "L2Vsc2V3aGVyZQ=="

/* RFC 4648 section 10 */
static void base64_of_the_rfc(void **state)
{
	static const char *const pairs[][2] = {{"", ""},
					       {"f", "Zg=="},
					       {"fo", "Zm8="},
					       {"foo", "Zm9v"},
					       {"foob", "Zm9vYg=="},
					       {"fooba", "Zm9vYmE="},
					       {"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm9-", "Z g="};
	size_t size;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
		char *text = base64_encode(pairs[i][0], strlen(pairs[i][0])), *bytes = base64_decode(text, &size);

		assert_string_equal(text, pairs[i][1]);
		assert_string_equal(bytes, pairs[i][0]);
		assert_int_equal(size, strlen(pairs[i][0]));
		free(text);
		free(bytes);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_null(base64_decode(bad[i], &size));
}

static void any_bytes_survive_base64(void **state)
{
	char bytes[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 167);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		size_t size;
		char *text = base64_encode(bytes, n), *again = base64_decode(text, &size);

		assert_int_equal(size, n);
		assert_memory_equal(again, bytes, n);
		free(text);
		free(again);
	}
}

/** swap_request() - Swap alive/h1 on the condition of itself and of the policy */
static struct engine_request swap_request(const char *value)
{
	struct engine_request request = {
		.id = 1, .kind = REQUEST_SWAP, .key = "alive/h1", .n_conditions = 2, .value = (char *)(uintptr_t)value};

	memcpy(request.conditions[0].key, "alive/h1", 9);
	request.conditions[0].revision = 5;
	memcpy(request.conditions[1].key, "policy", 7);
	return request;
}

/** assert_body() - The body is this JSON */
static void assert_body(char *body, const char *expected)
{
	json_t *a = json_loads(body, 0, NULL), *b = json_loads(expected, 0, NULL);

	assert_non_null(a);
	assert_non_null(b);
	if (!json_equal(a, b))
		fail_msg("%s is not %s", body, expected);
	json_decref(a);
	json_decref(b);
	free(body);
}

static void bodies(void **state)
{
	char value[] = "v";
	struct engine_request request = swap_request(value), list = {.kind = REQUEST_LIST};
	const char *path;

	(void)state;
	request.conditions[0].text = value;
	assert_body(message_request("/rangeguard", &request, &path),
		    "{\"compare\":[{\"target\":\"MOD\",\"result\":\"EQUAL\",\"key\":\"" KEY_ALIVE
		    "\",\"mod_revision\":\"5\"},"
		    "{\"target\":\"VALUE\",\"result\":\"EQUAL\",\"key\":\"" KEY_ALIVE "\",\"value\":\"" VALUE "\"},"
		    "{\"target\":\"MOD\",\"result\":\"EQUAL\",\"key\":\"" KEY_POLICY "\",\"mod_revision\":\"0\"}],"
		    "\"success\":[{\"request_put\":{\"key\":\"" KEY_ALIVE "\",\"value\":\"" VALUE "\"}}],"
		    "\"failure\":[{\"request_range\":{\"key\":\"" KEY_ALIVE
		    "\"}},{\"request_range\":{\"key\":\"" KEY_POLICY "\"}}]}");
	assert_string_equal(path, "/v3/kv/txn");
	assert_body(message_request("/rangeguard", &list, &path),
		    "{\"key\":\"L3JhbmdlZ3VhcmQv\",\"range_end\":\"L3JhbmdlZ3VhcmQw\"}");
	assert_string_equal(path, "/v3/kv/range");
	/* Without a condition, or with one that says nothing, a swap is not sent. */
	request.conditions[1].revision = REVISION_ANY;
	assert_null(message_request("/rangeguard", &request, &path));
	request.n_conditions = 0;
	assert_null(message_request("/rangeguard", &request, &path));
}

/** read_answer() - message_answer() of a text */
static int read_answer(const struct engine_request *request, const char *body, struct engine_answer *answer)
{
	struct message_header header;

	return message_answer("/rangeguard", request, body, strlen(body), &header, answer);
}

static void answers(void **state)
{
	struct engine_request request = swap_request(NULL), list = {.kind = REQUEST_LIST};
	struct engine_answer answer;

	(void)state;
	assert_int_equal(read_answer(&request, "{" HEADER ",\"succeeded\":true,\"responses\":[{}]}", &answer), 0);
	assert_true(answer.won);
	assert_int_equal(answer.revision, 7);
	message_records_free(answer.records, answer.n_records);
	/* `succeeded` is left out when it is false; an absent key has no kvs. */
	assert_int_equal(
		read_answer(&request,
			    "{" HEADER
			    ",\"responses\":[{\"response_range\":{\"header\":{},\"kvs\":[{\"key\":\"" KEY_ALIVE
			    "\",\"create_revision\":\"2\",\"mod_revision\":\"6\",\"version\":\"1\",\"value\":\"" VALUE
			    "\"}],\"count\":\"1\"}},{\"response_range\":{\"header\":{}}}]}",
			    &answer),
		0);
	assert_false(answer.won);
	assert_int_equal(answer.n_records, 2);
	assert_string_equal(answer.records[0].text, "v");
	assert_int_equal(answer.records[0].revision, 6);
	assert_string_equal(answer.records[1].key, "policy");
	assert_null(answer.records[1].text);
	message_records_free(answer.records, answer.n_records);
	assert_int_equal(read_answer(&list, "{" HEADER "}", &answer), 0);
	assert_int_equal(answer.n_records, 0);
	message_records_free(answer.records, answer.n_records);
}

static void answers_that_nobody_should_give(void **state)
{
	static const char *const swaps[] = {
		"",
		"[]",
		"{}",
		"{" HEADER "}",
		"{\"header\":{},\"succeeded\":true}",
		"{\"header\":{\"revision\":\"0\"},\"succeeded\":true}",
		"{\"header\":{\"revision\":7},\"succeeded\":true}",
		"{\"header\":{\"revision\":\"-7\"},\"succeeded\":true}",
		"{\"header\":{\"revision\":\"9223372036854775808\"},\"succeeded\":true}",
		"{\"header\":{\"revision\":\"99999999999999999999\"},\"succeeded\":true}",
		"{" HEADER ",\"succeeded\":\"true\"}",
		"{" HEADER ",\"succeeded\":false,\"succeeded\":true}",
		"{" HEADER ",\"responses\":[{\"response_range\":{}}]}",
		"{" HEADER ",\"responses\":[{\"response_range\":{}},{\"response_put\":{}}]}",
		/* the record of another key */
		"{" HEADER ",\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":\"" KEY_POLICY
		"\",\"mod_revision\":\"6\",\"value\":\"" VALUE "\"}]}},{\"response_range\":{}}]}",
		"{" HEADER ",\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":\"" KEY_ALIVE "\",\"value\":\"" VALUE
		"\"}]}},{\"response_range\":{}}]}",
		"{" HEADER ",\"responses\":[{\"response_range\":{\"kvs\":{}}},{\"response_range\":{}}]}",
	};
	static const char *const lists[] = {
		"{" HEADER ",\"more\":true}",
		"{" HEADER ",\"kvs\":[1]}",
		"{" HEADER ",\"kvs\":[{\"key\":\"" KEY_ELSEWHERE "\",\"mod_revision\":\"1\"}]}",
		"{" HEADER ",\"kvs\":[{\"key\":\"%\",\"mod_revision\":\"1\"}]}",
	};
	struct engine_request request = swap_request(NULL), list = {.kind = REQUEST_LIST};
	struct engine_answer answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(swaps); i++) {
		if (read_answer(&request, swaps[i], &answer) != -EBADMSG)
			fail_msg("understood: %s", swaps[i]);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(lists); i++)
		assert_int_equal(read_answer(&list, lists[i], &answer), -EBADMSG);
}

static void lines_of_a_watch(void **state)
{
	static const struct {
		const char *line;
		enum watch_line kind;
		size_t n;
	} cases[] = {
		{"{\"result\":{" HEADER ",\"created\":true}}", WATCH_NOTHING, 0},
		{"{\"result\":{" HEADER "}}", WATCH_NOTHING, 0},
		{"{\"result\":{" HEADER ",\"events\":[{\"kv\":{\"key\":\"" KEY_ALIVE
		 "\",\"mod_revision\":\"6\",\"value\":\"" VALUE "\"}},{\"type\":\"DELETE\",\"kv\":{\"key\":\"" KEY_ALIVE
		 "\",\"mod_revision\":\"7\"}}]}}",
		 WATCH_EVENTS, 2},
		{"{\"result\":{\"header\":{},\"canceled\":true,\"compact_revision\":\"9\"}}", WATCH_ENDED, 0},
		{"{\"error\":{\"grpc_code\":14,\"message\":\"no leader\"}}", WATCH_ENDED, 0},
		{"{\"result\":{" HEADER ",\"events\":[{\"type\":\"MOVE\",\"kv\":{\"key\":\"" KEY_ALIVE
		 "\",\"mod_revision\":\"6\"}}]}}",
		 WATCH_BROKEN, 0},
		{"{\"result\":{" HEADER ",\"events\":[{}]}}", WATCH_BROKEN, 0},
		{"{\"result\":{" HEADER ",\"events\":{}}}", WATCH_BROKEN, 0},
		{"{\"result\":{}}", WATCH_BROKEN, 0},
		{"<html>", WATCH_BROKEN, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct message_header header;
		struct message_error error = {0};
		struct record *records = NULL;
		size_t n = 0;

		assert_int_equal(message_watch_line("/rangeguard", cases[i].line, strlen(cases[i].line), &header,
						    &records, &n, &error),
				 cases[i].kind);
		assert_int_equal(n, cases[i].n);
		if (cases[i].kind == WATCH_ENDED)
			assert_true(error.text[0] != '\0');
		message_records_free(records, n);
	}
}

static void a_token_cannot_smuggle_a_header(void **state)
{
	static const char *const bad[] = {"{}", "{\"token\":\"\"}", "{\"token\":\"a\\r\\nX: y\"}", "{\"token\":7}",
					  "token"};
	char *token = NULL;

	(void)state;
	assert_int_equal(message_token("{\"token\":\"lkmT.19\"}", 19, &token), 0);
	assert_string_equal(token, "lkmT.19");
	free(token);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_int_equal(message_token(bad[i], strlen(bad[i]), &token), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_of_the_rfc),
		cmocka_unit_test(any_bytes_survive_base64),
		cmocka_unit_test(bodies),
		cmocka_unit_test(answers),
		cmocka_unit_test(answers_that_nobody_should_give),
		cmocka_unit_test(lines_of_a_watch),
		cmocka_unit_test(a_token_cannot_smuggle_a_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
