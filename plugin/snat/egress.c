/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of clauses, and their bytes: number of clauses; of each its family (1 byte, its highest bit: shared), source (an address of the family,
 * or a 0 byte), interface (16 bytes) and number of spans, and of each of these the first and the last address. Pure.
 */

#include "plugin/snat/egress.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

#include "ipam/address/spans.h"
#include "ipam/store/row.h"

/** In the byte of the family: the source is shared by hosts */
#define SHARED_BIT 0x80U

/** list_digest() - Digest of a clause's destinations */
static uint64_t list_digest(const struct egress_clause *clause)
{
	XXH64_hash_t digest = clause->n_spans;

	for (size_t i = 0; i < clause->n_spans; i++) {
		uint8_t bytes[2 * ADDRESS_BYTES_MAX] = {0};

		address_to_bytes(&(struct address){.family = clause->family, .value = clause->spans[i].first}, bytes);
		address_to_bytes(&(struct address){.family = clause->family, .value = clause->spans[i].last},
				 bytes + ADDRESS_BYTES_MAX);
		digest = XXH3_64bits_withSeed(bytes, sizeof(bytes), digest);
	}
	return digest;
}

/**
 * append() - Put a clause at the end of the list
 * @egress:	List
 * @clause:	Clause; its spans are the list's from now on, also on failure. Without spans it says nothing
 *
 * Return: 0, -ENOMEM
 */
static int append(struct egress *egress, const struct egress_clause *clause)
{
	struct egress_clause *clauses;

	if (!clause->n_spans) {
		free(clause->spans);
		return 0;
	}
	clauses = reallocarray(egress->clauses, egress->n_clauses + 1, sizeof(*clauses));
	if (!clauses) {
		free(clause->spans);
		return -ENOMEM;
	}
	clauses[egress->n_clauses] = *clause;
	clauses[egress->n_clauses++].list = list_digest(clause);
	egress->clauses = clauses;
	return 0;
}

/** n_pinned() - How many spans the pins of the list have */
static size_t n_pinned(const struct egress *egress)
{
	size_t n = 0;

	for (size_t i = 0; i < egress->n_clauses; i++)
		n += egress->clauses[i].source.family ? egress->clauses[i].n_spans : 0;
	return n;
}

/** copy_pinned() - Copy the spans of the list's pins to @room, which has space for them */
static void copy_pinned(const struct egress *egress, struct span *room)
{
	for (size_t i = 0; i < egress->n_clauses; i++) {
		const struct egress_clause *clause = &egress->clauses[i];

		if (clause->source.family)
			room = mempcpy(room, clause->spans, clause->n_spans * sizeof(*room));
	}
}

/**
 * append_except() - Another clause at the end, whose destinations are all but some
 * @egress:	List
 * @source:	Source. For masquerading, pins need not be taken out: it comes behind them all
 * @excluded:	Addresses to leave out
 * @n_excluded:	How many
 *
 * Return: 0, -ENOMEM
 */
static int append_except(struct egress *egress, const struct egress_source *source, const struct span *excluded,
			 size_t n_excluded)
{
	size_t n = n_excluded + (source->address ? n_pinned(egress) : 0);
	CLEANUP_FREE struct span *all = calloc(n + 1, sizeof(*all));
	CLEANUP_FREE struct span *merged = calloc(n + 1, sizeof(*merged));
	struct egress_clause clause = {.family = source->family, .spans = calloc(n + 1, sizeof(*clause.spans))};
	size_t n_merged;

	if (!all || !merged || !clause.spans) {
		free(clause.spans);
		return -ENOMEM;
	}
	if (n_excluded)
		memcpy(all, excluded, n_excluded * sizeof(*excluded));
	if (source->address) {
		clause.source = *source->address;
		copy_pinned(egress, all + n_excluded);
	}
	if (source->assign)
		(void)snprintf(clause.assign, sizeof(clause.assign), "%s", source->assign);
	clause.shared = source->shared;
	n_merged = spans_merge(clause.family, all, n, merged);
	clause.n_spans = spans_complement(clause.family, merged, n_merged, clause.spans);
	return append(egress, &clause);
}

/**
 * egress_add() - A pin at the end
 * @egress:	List
 * @source:	Source
 * @spans:	Destinations, in any order; those of the other family are left out
 * @n_spans:	How many
 *
 * Return: 0, -ENOMEM
 */
int egress_add(struct egress *egress, const struct egress_source *source, const struct span *spans, size_t n_spans)
{
	CLEANUP_FREE struct span *merged = calloc(n_spans + 1, sizeof(*merged));
	CLEANUP_FREE struct span *others = calloc(n_spans + 2, sizeof(*others));
	size_t n_merged;

	if (!merged || !others)
		return -ENOMEM;
	n_merged = spans_merge(source->family, spans, n_spans, merged);
	return append_except(egress, source, others, spans_complement(source->family, merged, n_merged, others));
}

/**
 * egress_add_except() - A clause at the end, whose destinations are all but some, link-local and multicast
 * @egress:	List
 * @source:	Source
 * @excluded:	Addresses to which packets keep their source
 * @n_excluded:	How many
 *
 * Return: 0, -ENOMEM
 */
int egress_add_except(struct egress *egress, const struct egress_source *source, const struct span *excluded,
		      size_t n_excluded)
{
	CLEANUP_FREE struct span *all = calloc(n_excluded + SPANS_LINK_SCOPED, sizeof(*all));

	if (!all)
		return -ENOMEM;
	spans_link_scoped(all);
	if (n_excluded)
		memcpy(all + SPANS_LINK_SCOPED, excluded, n_excluded * sizeof(*excluded));
	return append_except(egress, source, all, n_excluded + SPANS_LINK_SCOPED);
}

/**
 * egress_shared() - The next clause whose source hosts share
 * @egress:	List
 * @at:		Where to go on; 0 at first
 *
 * Return: borrowed; NULL: none any more
 */
const struct egress_clause *egress_shared(const struct egress *egress, size_t *at)
{
	while (*at < egress->n_clauses) {
		const struct egress_clause *clause = &egress->clauses[(*at)++];

		if (clause->shared)
			return clause;
	}
	return NULL;
}

/** egress_pins() - Whether a clause gives packets of a family a source of its own */
bool egress_pins(const struct egress *egress, enum family family)
{
	for (size_t i = 0; i < egress->n_clauses; i++)
		if (egress->clauses[i].source.family == family)
			return true;
	return false;
}

/** clause_bytes() - Bytes of a clause */
static size_t clause_bytes(const struct egress_clause *clause)
{
	return 1 + (clause->source.family ? ROW_ADDRESS_BYTES : 1) + IFNAMSIZ + ROW_NUMBER_BYTES +
	       clause->n_spans * 2 * ROW_ADDRESS_BYTES;
}

/** write_clause() - Write a clause; returns the place behind it */
static uint8_t *write_clause(uint8_t *at, const struct egress_clause *clause)
{
	*at++ = (uint8_t)(clause->family | (clause->shared ? SHARED_BIT : 0));
	if (clause->source.family)
		at = row_write_address(at, &clause->source);
	else
		*at++ = 0;
	at = mempcpy(at, clause->assign, IFNAMSIZ);
	at = row_write_number(at, clause->n_spans);
	for (size_t i = 0; i < clause->n_spans; i++) {
		const struct span *span = &clause->spans[i];

		at = row_write_address(at, &(struct address){.family = span->family, .value = span->first});
		at = row_write_address(at, &(struct address){.family = span->family, .value = span->last});
	}
	return at;
}

/**
 * egress_encode() - Bytes of a list, the same for the same clauses
 * @egress:	List
 * @ret_data:	Bytes, to be freed
 * @ret_size:	How many
 *
 * Return: 0, -ENOMEM
 */
int egress_encode(const struct egress *egress, void **ret_data, size_t *ret_size)
{
	size_t size = ROW_NUMBER_BYTES;
	uint8_t *data, *at;

	for (size_t i = 0; i < egress->n_clauses; i++)
		size += clause_bytes(&egress->clauses[i]);
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	at = row_write_number(data, egress->n_clauses);
	for (size_t i = 0; i < egress->n_clauses; i++)
		at = write_clause(at, &egress->clauses[i]);
	*ret_data = data;
	*ret_size = size;
	return 0;
}

/** read_source() - Read an address or a 0 byte: 0, -EUCLEAN */
static int read_source(struct bytes *row, enum family family, struct address *ret_source)
{
	if (!row->size)
		return -EUCLEAN;
	if (!*(const uint8_t *)row->data)
		return row_read(row, &(uint8_t){0}, 1);
	if (row_read_address(row, ret_source) < 0 || ret_source->family != family)
		return -EUCLEAN;
	return 0;
}

/** read_span() - Read a span of a family: 0, -EUCLEAN */
static int read_span(struct bytes *row, enum family family, struct span *ret_span)
{
	struct address first, last;

	if (row_read_address(row, &first) < 0 || row_read_address(row, &last) < 0 || first.family != family ||
	    last.family != family || first.value > last.value)
		return -EUCLEAN;
	*ret_span = (struct span){.family = family, .first = first.value, .last = last.value};
	return 0;
}

/** read_clause() - Read a clause and append it: 0, -EUCLEAN, -ENOMEM */
static int read_clause(struct bytes *row, struct egress *egress)
{
	struct egress_clause clause = {0};
	uint64_t n_spans;
	uint8_t family;
	int r = 0;

	if (row_read(row, &family, 1) < 0)
		return -EUCLEAN;
	clause.shared = family & SHARED_BIT;
	clause.family = (enum family)(family & ~SHARED_BIT);
	if (clause.family != FAMILY_IPV4 && clause.family != FAMILY_IPV6)
		return -EUCLEAN;
	if (read_source(row, clause.family, &clause.source) < 0 || row_read(row, clause.assign, IFNAMSIZ) < 0 ||
	    clause.assign[IFNAMSIZ - 1] || row_read_number(row, &n_spans) < 0 || !n_spans ||
	    n_spans > row->size / (2 * ROW_ADDRESS_BYTES))
		return -EUCLEAN;
	clause.n_spans = n_spans;
	clause.spans = calloc(n_spans, sizeof(*clause.spans));
	if (!clause.spans)
		return -ENOMEM;
	for (size_t i = 0; i < n_spans && !r; i++)
		r = read_span(row, clause.family, &clause.spans[i]);
	if (r < 0) {
		free(clause.spans);
		return r;
	}
	return append(egress, &clause);
}

/**
 * egress_decode() - Read the bytes of a list
 * @bytes:	Bytes
 * @ret_egress:	List; egress_done() it
 *
 * Return: 0, -EUCLEAN, -ENOMEM
 */
int egress_decode(struct bytes bytes, struct egress *ret_egress)
{
	EGRESS_CLEANUP struct egress egress = {0};
	uint64_t n_clauses;
	int r = row_read_number(&bytes, &n_clauses);

	for (uint64_t i = 0; !r && i < n_clauses; i++)
		r = read_clause(&bytes, &egress);
	if (!r && bytes.size)
		r = -EUCLEAN;
	if (r < 0)
		return r;
	*ret_egress = egress;
	egress = (struct egress){0};
	return 0;
}

/** egress_digest() - Digest of the bytes of a list, never 0 */
uint64_t egress_digest(struct bytes bytes)
{
	uint64_t digest = XXH3_64bits(bytes.data, bytes.size);

	return digest ? digest : 1;
}

/** egress_done() - Release the list */
void egress_done(struct egress *egress)
{
	for (size_t i = 0; i < egress->n_clauses; i++)
		free(egress->clauses[i].spans);
	free(egress->clauses);
	*egress = (struct egress){0};
}
