/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The members of one object of a JSON text. Pure. */

#include "plugin/text/key_index.h"

#include <stdlib.h>
#include <xxhash.h>

#include "plugin/report/report.h"
#include "rangeguard/array.h"

/** key_index_is_key() - Whether a key, from scan_string(), is the one that @token names */
bool key_index_is_key(struct scan key, const struct token *token)
{
	char bytes[SCAN_CHARACTER_MAX];
	size_t at = 0, n;

	while ((n = scan_character(&key, bytes)) > 0)
		for (size_t i = 0; i < n; i++)
			if (at >= token->size || token_byte(token, &at) != bytes[i])
				return false;
	return at == token->size;
}

/** hash_key() - Of a key, from scan_string(); what is longer than any step of a pointer is never looked for */
static uint64_t hash_key(struct scan key)
{
	char text[POINTER_MAX], bytes[SCAN_CHARACTER_MAX];
	size_t size = 0, n;

	while ((n = scan_character(&key, bytes)) > 0)
		for (size_t i = 0; i < n && size < sizeof(text); i++)
			text[size++] = bytes[i];
	return XXH3_64bits(text, size);
}

/** hash_token() - The same of a step of a pointer */
static uint64_t hash_token(const struct token *token)
{
	char text[POINTER_MAX];
	size_t at = 0, size = 0;

	while (at < token->size && size < sizeof(text))
		text[size++] = token_byte(token, &at);
	return XXH3_64bits(text, size);
}

/** struct walk - A walk over an object's members; @scan at the key of the next one */
struct walk {
	struct scan scan;
	bool ended;
};

/** next_member() - Go on to the next member; @ret_key: what stands between its quotes; false: there is none */
static bool next_member(struct walk *walk, struct indexed_key *ret_member, struct scan *ret_key)
{
	struct scan *scan = &walk->scan;

	if (walk->ended || scan_peek(scan) != '"')
		return false;
	ret_member->key = scan->at;
	*ret_key = scan_string(scan);
	(void)scan_skip(scan, ':');
	(void)scan_peek(scan);
	ret_member->value = scan->at;
	scan_value(scan);
	walk->ended = !scan_skip(scan, ',');
	return true;
}

/** by_hash() - qsort(3) order: hash, then as they stand */
static int by_hash(const void *a, const void *b)
{
	const struct indexed_key *left = a, *right = b;

	if (left->hash != right->hash)
		return left->hash < right->hash ? -1 : 1;
	return (left->key > right->key) - (left->key < right->key);
}

/** read_all() - All members, in order; without memory none */
static void read_all(struct key_index *members, struct scan scan)
{
	struct walk walk = {.scan = scan};
	struct indexed_key member;
	struct scan key;

	walk.scan.at++;
	members->n = 0;
	while (next_member(&walk, &member, &key)) {
		struct indexed_key *all = array_room(members->all, members->n, &members->room, sizeof(*all));

		if (!all) {
			key_index_done(members);
			return;
		}
		members->all = all;
		member.hash = hash_key(key);
		all[members->n++] = member;
	}
	if (members->n)
		qsort(members->all, members->n, sizeof(*members->all), by_hash);
}

/** search() - The last member of a name among those in order */
static bool search(const struct key_index *members, struct scan scan, const struct token *token,
		   struct indexed_key *ret_member)
{
	uint64_t hash = hash_token(token);
	size_t from = 0, to = members->n;

	/* Behind the last one whose hash is not greater */
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (members->all[middle].hash <= hash)
			from = middle + 1;
		else
			to = middle;
	}
	for (; from && members->all[from - 1].hash == hash; from--) {
		scan.at = members->all[from - 1].key;
		if (key_index_is_key(scan_string(&scan), token)) {
			*ret_member = members->all[from - 1];
			return true;
		}
	}
	return false;
}

/** look_through() - The last member of a name, all looked at */
static bool look_through(struct scan scan, const struct token *token, struct indexed_key *ret_member)
{
	struct walk walk = {.scan = scan};
	struct indexed_key member;
	struct scan key;
	bool found = false;

	walk.scan.at++;
	while (next_member(&walk, &member, &key)) {
		if (!key_index_is_key(key, token))
			continue;
		*ret_member = member;
		found = true;
	}
	return found;
}

/**
 * key_index_find() - Find a member; of equal keys the last one counts, as for the parser
 * @members:	What is known; an object that is looked into again is put in order
 * @scan:	At the object
 * @token:	Its key
 * @ret_member:	Where it stands
 *
 * Return: whether there is one
 */
bool key_index_find(struct key_index *members, struct scan scan, const struct token *token,
		    struct indexed_key *ret_member)
{
	bool again = members->object == scan.at;

	if (!again) {
		key_index_done(members);
		members->object = scan.at;
	} else if (!members->all) {
		read_all(members, scan);
	}
	if (again && members->all)
		return search(members, scan, token, ret_member);
	return look_through(scan, token, ret_member);
}

/** key_index_done() - Forget what is known */
void key_index_done(struct key_index *members)
{
	free(members->all);
	*members = (struct key_index){.object = SIZE_MAX};
}
