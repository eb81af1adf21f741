/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What networks have the host discard: rows of STORE_META, a prefix as its first address and its length. */

#include "ipam/lease/discards.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ipam/lease/lease_table.h"
#include "ipam/store/row.h"
#include "rangeguard/cleanup.h"

/** First byte of the keys */
#define DISCARDS_PREFIX '|'
/** Bytes of a prefix in a row */
#define ENTRY_BYTES (ROW_ADDRESS_BYTES + 1U)

/** Leases of other networks in the same range that are looked at before a network's own last one counts as there */
#define LOOKED_AT_MAX 256U

/** discards_add() - Add a prefix: 0, -ENOMEM, -E2BIG */
int discards_add(struct discards *discards, const struct prefix *prefix)
{
	struct prefix *all;

	if (discards->n == DISCARDS_MAX)
		return -E2BIG;
	all = reallocarray(discards->all, discards->n + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	discards->all = all;
	all[discards->n++] = *prefix;
	return 0;
}

/** prefix_equal() - Whether two prefixes are the same */
static bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->length == b->length && address_equal(&a->address, &b->address);
}

/** discards_have() - Whether @prefix is one of them */
bool discards_have(const struct discards *discards, const struct prefix *prefix)
{
	for (size_t i = 0; i < discards->n; i++)
		if (prefix_equal(&discards->all[i], prefix))
			return true;
	return false;
}

/** discards_equal() - Whether two are the same, in the same order */
bool discards_equal(const struct discards *a, const struct discards *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!prefix_equal(&a->all[i], &b->all[i]))
			return false;
	return true;
}

/** discards_done() - Release */
void discards_done(struct discards *discards)
{
	free(discards->all);
	*discards = (struct discards){0};
}

/** make_key() - Key of a network's row */
static struct bytes make_key(const char *network, uint8_t key[static 17])
{
	XXH128_canonical_t digest;

	XXH128_canonicalFromHash(&digest, XXH3_128bits(network, strlen(network)));
	key[0] = DISCARDS_PREFIX;
	memcpy(key + 1, digest.digest, sizeof(digest.digest));
	return bytes_of(key, 1 + sizeof(digest.digest));
}

/** decode() - Take a row apart: 0, -EUCLEAN, -ENOMEM */
static int decode(struct bytes row, struct discards *ret_discards)
{
	DISCARDS_CLEANUP struct discards discards = {0};

	while (row.size) {
		struct prefix prefix;
		int r;

		if (row_read_address(&row, &prefix.address) < 0 || row_read(&row, &prefix.length, 1) < 0 ||
		    prefix.length > family_bits(prefix.address.family))
			return -EUCLEAN;
		r = discards_add(&discards, &prefix);
		if (r)
			return r == -E2BIG ? -EUCLEAN : r;
	}
	*ret_discards = discards;
	discards = (struct discards){0};
	return 0;
}

/**
 * discards_get() - What a network's row says
 * @store:		Store
 * @network:		Network
 * @ret_discards:	Owned; none where there is no row, or one that can't be read: it is written again
 *
 * Return: 0, negative errno
 */
int discards_get(struct store *store, const char *network, struct discards *ret_discards)
{
	struct bytes row;
	uint8_t key[17];
	int r = store->ops->begin(store, false);

	*ret_discards = (struct discards){0};
	if (r < 0)
		return r;
	r = store->ops->get(store, STORE_META, make_key(network, key), &row);
	if (r == 0)
		r = decode(row, ret_discards);
	store->ops->abort(store);
	return r == -EUCLEAN || r > 0 ? 0 : r;
}

/** end() - Commit the transaction of @store when @r is 0, else abort it; returns @r or the commit's negative errno */
static int end(struct store *store, int r)
{
	if (r >= 0)
		return store->ops->commit(store);
	store->ops->abort(store);
	return r;
}

/**
 * discards_put() - Write a network's row
 * @store:	Store opened for writing, in no transaction
 * @network:	Network
 * @discards:	What it discards from now on; none: the row goes
 *
 * Return: 0, negative errno
 */
int discards_put(struct store *store, const char *network, const struct discards *discards)
{
	CLEANUP_FREE uint8_t *row = malloc(discards->n * ENTRY_BYTES + 1);
	uint8_t key[17];
	uint8_t *at = row;
	int r;

	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < discards->n; i++) {
		at = row_write_address(at, &discards->all[i].address);
		*at++ = discards->all[i].length;
	}
	r = store->ops->begin(store, true);
	if (r < 0)
		return r;
	if (discards->n)
		r = store->ops->put(store, STORE_META, make_key(network, key), bytes_of(row, (size_t)(at - row)));
	else
		r = store->ops->remove(store, STORE_META, make_key(network, key));
	return end(store, r);
}

/** discards_forget() - Remove a row: 0, negative errno */
int discards_forget(struct store *store, const struct discards_row *row)
{
	int r = store->ops->begin(store, true);

	return r < 0 ? r : end(store, store->ops->remove(store, STORE_META, bytes_of(row->key, sizeof(row->key))));
}

/** keep_row() - Add a row to the table; one that can't be read has no prefixes: 0, -ENOMEM */
static int keep_row(struct discards_table *table, struct bytes key, struct bytes value)
{
	struct discards_row *rows = reallocarray(table->rows, table->n + 1, sizeof(*rows));
	int r;

	if (!rows)
		return -ENOMEM;
	table->rows = rows;
	rows[table->n] = (struct discards_row){0};
	memcpy(rows[table->n].key, key.data, sizeof(rows->key));
	r = decode(value, &rows[table->n++].discards);
	return r == -EUCLEAN ? 0 : r;
}

/** read_rows() - discards_read() within a transaction */
static int read_rows(struct store *store, struct discards_table *table)
{
	struct row_key at = {.data = {DISCARDS_PREFIX}, .size = 1};
	struct bytes key, value;
	int r;

	while ((r = store->ops->seek(store, STORE_META, row_key_bytes(&at), true, &key, &value)) == 0) {
		if (key.size != sizeof(table->rows->key) || *(const uint8_t *)key.data != DISCARDS_PREFIX)
			return 0;
		r = keep_row(table, key, value);
		if (r == 0)
			r = row_key_read(key, &at);
		if (r)
			return r;
	}
	return r < 0 ? r : 0;
}

/**
 * discards_read() - All rows
 * @store:	Store, in no transaction
 * @ret_table:	Always written; discards_table_done() releases it
 *
 * Return: 0, negative errno
 */
int discards_read(struct store *store, struct discards_table *ret_table)
{
	int r = store->ops->begin(store, false);

	*ret_table = (struct discards_table){0};
	if (r < 0)
		return r;
	r = read_rows(store, ret_table);
	store->ops->abort(store);
	return r;
}

/** discards_find() - The row of a network, NULL when it has none */
struct discards_row *discards_find(struct discards_table *table, const char *network)
{
	uint8_t key[17];
	struct bytes wanted = make_key(network, key);

	for (size_t i = 0; i < table->n; i++)
		if (!memcmp(table->rows[i].key, wanted.data, wanted.size))
			return &table->rows[i];
	return NULL;
}

/**
 * is_lease_of() - Whether a lease is one of a row's network
 * @store:	Store, in a transaction
 * @key:	Key of the lease
 * @row:	Row
 *
 * One that can't be read, or whose network is not known, may be. One that only says that somebody was found to have the
 * address is not: nobody gives that back.
 *
 * Return: 1, 0, negative errno
 */
static int is_lease_of(struct store *store, struct bytes key, const struct discards_row *row)
{
	uint8_t found[17], network[17];
	struct lease lease;
	struct bytes value;
	int r = store->ops->get(store, STORE_LEASES, key, &value);

	if (r < 0 || r > 0 || lease_decode(value, &lease))
		return r < 0 ? r : 1;
	if (!*lease.attachment.network)
		return !*lease.attachment.container_id;
	(void)make_key(DISCARDS_FOUND, found);
	(void)make_key(lease.attachment.network, network);
	return !memcmp(row->key, network, sizeof(network)) || !memcmp(row->key, found, sizeof(found));
}

/** is_used() - Whether a container of a row's network has an address of a span, or as good as: 1, 0, negative errno */
static int is_used(struct store *store, struct span span, const struct discards_row *row, size_t *looked_at)
{
	struct address held;
	struct bytes key;
	int r;

	while ((r = lease_table_next(store, &span, &held, &key)) == 0) {
		r = ++*looked_at > LOOKED_AT_MAX ? 1 : is_lease_of(store, key, row);
		if (r || held.value == span.last)
			return r;
		span.first = held.value + 1;
	}
	return r < 0 ? r : 0;
}

/**
 * discards_are_used() - Whether a container of a network has an address that is in what the network discards
 * @store:	Store, in no transaction
 * @row:	Row
 *
 * Return: 1, also when so many of other networks have that it would take too long to look at all; 0, negative errno
 */
int discards_are_used(struct store *store, const struct discards_row *row)
{
	size_t looked_at = 0;
	int r = store->ops->begin(store, false);

	if (r < 0)
		return r;
	for (size_t i = 0; i < row->discards.n && r == 0; i++)
		r = is_used(store, prefix_span(&row->discards.all[i]), row, &looked_at);
	store->ops->abort(store);
	return r;
}

/** discards_table_done() - Release */
void discards_table_done(struct discards_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		discards_done(&table->rows[i].discards);
	free(table->rows);
	*table = (struct discards_table){0};
}
