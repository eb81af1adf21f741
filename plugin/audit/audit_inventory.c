/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Held addresses against an inventory: what NetBox exports as IP addresses, or any CSV whose header has a column "address"
 * (or "ip_address", "ip"). An address may have a prefix length.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "plugin/audit/audit.h"
#include "plugin/overview/host_networks.h"
#include "plugin/overview/pool_usage.h"
#include "plugin/text/table.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

#define PIECE_BYTES 65536U

/** struct known - An address of the inventory, and its line */
struct known {
	struct address address;
	unsigned line;
};

/** struct book - The inventory; owned */
struct book {
	const struct audit *audit;
	size_t column;
	bool begun;
	struct known *known;
	size_t n;
	size_t capacity;
};

/** book_done() - Release the addresses */
static void book_done(struct book *book)
{
	free(book->known);
}

/** by_address() - qsort(3), bsearch(3) order */
static int by_address(const void *a, const void *b)
{
	const struct address *left = &((const struct known *)a)->address, *right = &((const struct known *)b)->address;

	if (left->family != right->family)
		return left->family < right->family ? -1 : 1;
	return (left->value > right->value) - (left->value < right->value);
}

/** read_header() - Find the column of addresses: 0, REFUSED (reported) */
static int read_header(struct book *book, const struct table_row *row)
{
	static const char *const names[] = {"address", "ip_address", "ip address", "ip"};

	book->begun = true;
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		for (book->column = 0; book->column < row->n_cells; book->column++)
			if (!strcasecmp(row->cells[book->column], names[i]))
				return 0;
	report_error(book->audit->report, RULE_INVALID_VALUE, book->audit->inventory, "line 1",
		     "no column \"address\", \"ip_address\" or \"ip\" in the header");
	return REFUSED;
}

/** add() - Remember an address: 0, -ENOMEM */
static int add(struct book *book, const struct address *address, unsigned line)
{
	struct known *known = array_room(book->known, book->n, &book->capacity, sizeof(*known));

	if (!known)
		return -ENOMEM;
	book->known = known;
	book->known[book->n++] = (struct known){.address = *address, .line = line};
	return 0;
}

/** read_row() - table_row_fn */
static int read_row(void *userdata, const struct table_row *row)
{
	char place[POINTER_LINE_MAX];
	struct book *book = userdata;
	struct prefix prefix;
	const char *cell;

	if (!book->begun)
		return read_header(book, row);
	cell = book->column < row->n_cells ? row->cells[book->column] : "";
	if (!*cell)
		return 0;
	if (address_parse(cell, &prefix.address) < 0 && prefix_parse(cell, &prefix) < 0) {
		report_error(book->audit->report, RULE_INVALID_VALUE, book->audit->inventory,
			     pointer_of_line(row->line, place), "\"%.64s\" is not an address", cell);
		return 0;
	}
	return add(book, &prefix.address, row->line);
}

/** refuse_cut() - A last row without a line end may be a part of one, and its address another one's beginning */
static int refuse_cut(const struct book *book)
{
	report_error(book->audit->report, RULE_INVALID_VALUE, book->audit->inventory, "",
		     "ends in the middle of a line: it may have been cut off; end its last row with a line end");
	return REFUSED;
}

/** read_file() - Feed the file: 0, REFUSED (reported), negative errno */
static int read_file(struct book *book, struct table *table)
{
	CLEANUP_CLOSE int fd = open(book->audit->inventory, O_RDONLY | O_CLOEXEC);
	char piece[PIECE_BYTES], last = '\n';
	ssize_t size;
	int r = 0;

	if (fd < 0)
		return -errno;
	while (!r && (size = read(fd, piece, sizeof(piece))) > 0) {
		last = piece[size - 1];
		r = table_feed(table, piece, (size_t)size);
	}
	if (!r && size < 0)
		r = -errno;
	if (!r && last != '\n' && last != '\r')
		r = refuse_cut(book);
	return r ? r : table_finish(table);
}

/** read_book() - Read the inventory: 0, REFUSED (reported), negative errno */
static int read_book(struct book *book)
{
	struct table *table = malloc(sizeof(*table));
	char place[POINTER_LINE_MAX];
	int r = table ? table_init(table, read_row, book) : -ENOMEM;

	if (!r) {
		r = read_file(book, table);
		if (r > 0 && r != REFUSED) {
			report_error(book->audit->report, RULE_INVALID_VALUE, book->audit->inventory,
				     pointer_of_line(table->line, place), "not CSV");
			r = REFUSED;
		}
		table_done(table);
	}
	free(table);
	if (book->n)
		qsort(book->known, book->n, sizeof(*book->known), by_address);
	return r;
}

/** tell_unknown() - Held addresses that the inventory does not have */
static void tell_unknown(const struct book *book, const struct lease_set *leases)
{
	for (size_t i = 0; i < leases->n; i++) {
		struct lease lease = lease_set_get(leases, i);

		for (size_t j = 0; j < lease.n_addresses && !lease.attachment.chained; j++) {
			struct known wanted = {.address = lease.addresses[j]};
			char text[ADDRESS_TEXT_MAX];

			if (book->n && bsearch(&wanted, book->known, book->n, sizeof(wanted), by_address))
				continue;
			report_warning(book->audit->report, RULE_NOT_IN_INVENTORY, book->audit->inventory, "",
				       "%s is held by %.64s %s of network %s, but the inventory does not have it",
				       address_format(&lease.addresses[j], text), lease.attachment.container_id,
				       lease.attachment.ifname, lease.attachment.network);
		}
	}
}

/** struct ranges - What tell_gone() works with */
struct ranges {
	const struct book *book;
	const struct held_addresses *held;
};

/** tell_gone_in() - Addresses of the inventory in a range that nobody holds */
static void tell_gone_in(const struct ranges *ranges, const char *network, const struct span *span)
{
	char text[ADDRESS_TEXT_MAX], place[POINTER_LINE_MAX];

	for (size_t i = 0; i < ranges->book->n; i++) {
		const struct known *known = &ranges->book->known[i];
		struct span one = span_of_address(&known->address);

		if (!span_contains(span, &known->address) || held_addresses_count(ranges->held, &one))
			continue;
		report_warning(ranges->book->audit->report, RULE_GONE, ranges->book->audit->inventory,
			       pointer_of_line(known->line, place),
			       "%s is in the inventory and in a range of network %s, but nobody holds it",
			       address_format(&known->address, text), network);
	}
}

/** tell_gone() - host_network_fn: the inventory's addresses in a network's ranges */
static int tell_gone(void *userdata, struct netconf *netconf)
{
	const struct ranges *ranges = userdata;

	for (size_t i = 0; i < netconf->n_sets; i++)
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++)
			tell_gone_in(ranges, netconf->name, &netconf->sets[i].ranges[j].span);
	return 0;
}

/** hear_nothing() - Listener: what is wrong with configurations was heard before */
static void hear_nothing(struct report *report, const struct finding *finding)
{
	(void)report;
	(void)finding;
}

/**
 * audit_inventory() - Compare with the inventory
 * @audit:	What is audited
 * @leases:	Leases of its state directory
 * @reterr:	Code 5: it can't be read
 *
 * Return: 0, REFUSED, negative errno
 */
int audit_inventory(const struct audit *audit, const struct lease_set *leases, struct error *reterr)
{
	HELD_ADDRESSES_CLEANUP struct held_addresses held = {0};
	CLEANUP(book_done) struct book book = {.audit = audit};
	struct ranges ranges = {.book = &book, .held = &held};
	struct report unheard = {.heard = hear_nothing};
	int r = read_book(&book);

	if (r < 0 && r != -ENOMEM)
		return error_set(reterr, ERROR_IO, "%.256s: %s", audit->inventory, strerror(-r));
	if (!r)
		r = held_addresses_of(leases, &held);
	if (r)
		return r == REFUSED ? 0 : r;
	tell_unknown(&book, leases);
	return host_networks_each(audit->configs, tell_gone, &ranges, &unheard);
}
