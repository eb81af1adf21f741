/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugin/cluster/pools.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "plugin/report/json_text.h"

/** read_pool() - One element. Return: whether it was understood */
static bool read_pool(const json_t *element, struct cluster_pool *ret_pool)
{
	const char *cidr = json_string_value(json_object_get(element, "cidr"));
	const char *network = json_string_value(json_object_get(element, "network"));
	json_int_t length = json_integer_value(json_object_get(element, "blockLength"));
	struct cluster_pool pool = {0};

	if (!cidr || prefix_parse(cidr, &pool.prefix) < 0 || prefix_has_host_bits(&pool.prefix) ||
	    length < pool.prefix.length || length > (json_int_t)family_bits(pool.prefix.address.family))
		return false;
	pool.block_length = (uint8_t)length;
	(void)snprintf(pool.network, sizeof(pool.network), "%s", network ? network : "");
	*ret_pool = pool;
	return true;
}

/** is_same() - The same range, cut in the same way */
static bool is_same(const struct cluster_pool *a, const struct cluster_pool *b)
{
	return address_equal(&a->prefix.address, &b->prefix.address) && a->prefix.length == b->prefix.length &&
	       a->block_length == b->block_length;
}

/** load() - The record's array, in a document to be released; NULL: not understood */
static json_t *load(const char *text)
{
	json_t *root = json_loads(text ? text : "{\"pools\":[]}", JSON_REJECT_DUPLICATES, NULL);

	if (json_is_array(json_object_get(root, "pools")) &&
	    json_array_size(json_object_get(root, "pools")) <= POOLS_MAX)
		return root;
	json_decref(root);
	return NULL;
}

/**
 * pools_judge() - How a pool stands to those of the record
 * @text:	The record's value, NULL: absent
 * @pool:	Pool
 * @ret_other:	POOLS_CONFLICT: which
 */
enum pool_standing pools_judge(const char *text, const struct cluster_pool *pool, struct cluster_pool *ret_other)
{
	struct span own = prefix_span(&pool->prefix);
	enum pool_standing verdict = POOLS_NEW;
	json_t *root = load(text), *element;
	size_t i;

	if (!root)
		return POOLS_UNREADABLE;
	json_array_foreach(json_object_get(root, "pools"), i, element) {
		struct cluster_pool other;
		struct span span;

		if (!read_pool(element, &other)) {
			verdict = POOLS_UNREADABLE;
			break;
		}
		span = prefix_span(&other.prefix);
		if (is_same(&other, pool)) {
			verdict = POOLS_KNOWN;
		} else if (span_overlaps(&span, &own)) {
			*ret_other = other;
			verdict = POOLS_CONFLICT;
			break;
		}
	}
	if (verdict == POOLS_NEW && json_array_size(json_object_get(root, "pools")) >= POOLS_MAX)
		verdict = POOLS_FULL;
	json_decref(root);
	return verdict;
}

/**
 * pools_add() - The record with one pool more
 * @text:	Its value, NULL: absent
 * @pool:	Pool, which is POOLS_NEW
 *
 * Return: for free(); NULL: out of memory, or not understood
 */
char *pools_add(const char *text, const struct cluster_pool *pool)
{
	json_t *root = load(text);
	char cidr[PREFIX_TEXT_MAX], *added = NULL;

	if (root &&
	    json_array_append_new(json_object_get(root, "pools"),
				  json_pack("{s:s, s:i, s:s}", "cidr", prefix_format(&pool->prefix, cidr),
					    "blockLength", (int)pool->block_length, "network", pool->network)) == 0)
		added = json_text(root, JSON_COMPACT);
	json_decref(root);
	return added;
}
