/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to bodies. */

#include <stdlib.h>
#include <string.h>

#include "plugin/etcd/message.h"
#include "plugin/report/json_text.h"
#include "plugin/text/base64.h"
#include "rangeguard/cleanup.h"

/** bytes() - A JSON string of @text in base64; NULL: out of memory */
static json_t *bytes(const char *text)
{
	CLEANUP_FREE char *encoded = base64_encode(text, strlen(text));

	return encoded ? json_string(encoded) : NULL;
}

/** key_bytes() - bytes() of @prefix, '/' and @key */
static json_t *key_bytes(const char *prefix, const char *key)
{
	CLEANUP_FREE char *whole = NULL;

	if (asprintf(&whole, "%s/%s", prefix, key) < 0)
		return NULL;
	return bytes(whole);
}

/** end_bytes() - bytes() of the first key after all that begin with "@prefix/": '0' follows '/' */
static json_t *end_bytes(const char *prefix)
{
	CLEANUP_FREE char *whole = NULL;

	if (asprintf(&whole, "%s0", prefix) < 0)
		return NULL;
	return bytes(whole);
}

/** number() - A 64 bit number, which JSON's readers would round */
static json_t *number(int64_t value)
{
	return json_sprintf("%lld", (long long)value);
}

/** dump_consume() - Text of @object, which is released */
static char *dump_consume(json_t *object)
{
	char *text = object ? json_text(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return text;
}

/** all() - The range of all keys below the prefix */
static json_t *all(const char *prefix)
{
	return json_pack("{s:o, s:o}", "key", key_bytes(prefix, ""), "range_end", end_bytes(prefix));
}

/** add_compare() - One condition of a transaction: the revision, and the value if it is known. Return: 0, -1 */
static int add_compare(json_t *compare, const char *prefix, const struct condition *condition)
{
	if (json_array_append_new(compare, json_pack("{s:s, s:s, s:o, s:o}", "target", "MOD", "result", "EQUAL", "key",
						     key_bytes(prefix, condition->key), "mod_revision",
						     number(condition->revision))) < 0)
		return -1;
	if (!condition->text)
		return 0;
	return json_array_append_new(compare,
				     json_pack("{s:s, s:s, s:o, s:o}", "target", "VALUE", "result", "EQUAL", "key",
					       key_bytes(prefix, condition->key), "value", bytes(condition->text)));
}

/** success() - What a transaction does */
static json_t *success(const char *prefix, const struct engine_request *request)
{
	if (request->value)
		return json_pack("[{s:{s:o, s:o}}]", "request_put", "key", key_bytes(prefix, request->key), "value",
				 bytes(request->value));
	return json_pack("[{s:{s:o}}]", "request_delete_range", "key", key_bytes(prefix, request->key));
}

/** transaction() - All conditions, or the records that they are about */
static char *transaction(const char *prefix, const struct engine_request *request)
{
	json_t *compare = json_array(), *failure = json_array(), *done = success(prefix, request);
	int r = request->n_conditions > 0 && compare && failure && done ? 0 : -1;

	for (size_t i = 0; i < request->n_conditions && r == 0; i++) {
		const struct condition *condition = &request->conditions[i];

		if (condition->revision < 0)
			r = -1; /* the tests' REVISION_ANY must not come here */
		else
			r = add_compare(compare, prefix, condition);
		if (r == 0)
			r = json_array_append_new(failure, json_pack("{s:{s:o}}", "request_range", "key",
								     key_bytes(prefix, condition->key)));
	}
	if (r < 0) {
		json_decref(compare);
		json_decref(failure);
		json_decref(done);
		return NULL;
	}
	return dump_consume(json_pack("{s:o, s:o, s:o}", "compare", compare, "success", done, "failure", failure));
}

/**
 * message_request() - Body of a request
 * @prefix:	Of all keys
 * @request:	Request
 * @ret_path:	Where to POST it
 *
 * Return: for free(); NULL: out of memory, or a swap without a condition
 */
char *message_request(const char *prefix, const struct engine_request *request, const char **ret_path)
{
	*ret_path = request->kind == REQUEST_SWAP ? "/v3/kv/txn" : "/v3/kv/range";
	if (request->kind == REQUEST_SWAP)
		return transaction(prefix, request);
	if (request->kind == REQUEST_LIST)
		return dump_consume(all(prefix));
	return dump_consume(json_pack("{s:o}", "key", key_bytes(prefix, request->key)));
}

/** message_watch() - Body of a watch of all keys from revision @from on */
char *message_watch(const char *prefix, int64_t from)
{
	json_t *create = all(prefix);

	if (!create || json_object_set_new(create, "start_revision", number(from)) < 0 ||
	    json_object_set_new(create, "progress_notify", json_true()) < 0) {
		json_decref(create);
		return NULL;
	}
	return dump_consume(json_pack("{s:o}", "create_request", create));
}

/** message_newest() - Body of a question for the record that changed last, without its value */
char *message_newest(const char *prefix)
{
	json_t *range = all(prefix);

	if (!range || json_object_set_new(range, "limit", json_string("1")) < 0 ||
	    json_object_set_new(range, "keys_only", json_true()) < 0 ||
	    json_object_set_new(range, "sort_order", json_string("DESCEND")) < 0 ||
	    json_object_set_new(range, "sort_target", json_string("MOD")) < 0) {
		json_decref(range);
		return NULL;
	}
	return dump_consume(range);
}

/** message_authenticate() - Body of the question for a token */
char *message_authenticate(const char *user, const char *password)
{
	return dump_consume(json_pack("{s:s, s:s}", "name", user, "password", password));
}
