/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Held addresses against an inventory: what NetBox exports as IP addresses, or any CSV whose header has a column "address"
 * (or "ip_address", "ip"). An address may have a prefix length. A column "status" says which are still in use.
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

/** What an inventory says of an address; of several rows the first in this order counts */
enum book_state {
	BOOK_USED,
	BOOK_SET_ASIDE, /* for later: nobody need hold it yet */
	BOOK_OVER,	/* out of use: nobody may hold it any more */
};

/** struct status - A status, in the words of NetBox, Nautobot, phpIPAM, Infoblox, SolarWinds; all others are in use */
static const struct status {
	char name[sizeof("decommissioned")];
	enum book_state state;
} statuses[] = {
	{"deprecated", BOOK_OVER}, {"decommissioned", BOOK_OVER}, {"unused", BOOK_OVER},       {"available", BOOK_OVER},
	{"free", BOOK_OVER},	   {"reserved", BOOK_SET_ASIDE},  {"planned", BOOK_SET_ASIDE},
};

/** struct known - An address of the inventory, its line, and the status there, NULL: in use */
struct known {
	struct address address;
	unsigned line;
	const struct status *status;
};

/** No column of a header has it */
#define COLUMN_NONE SIZE_MAX

/** struct book - The inventory; owned */
struct book {
	const struct audit *audit;
	size_t column;
	size_t status_column;
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

/** state_in_book() - What the inventory says of an address */
static enum book_state state_in_book(const struct known *known)
{
	return known->status ? known->status->state : BOOK_USED;
}

/** by_address() - bsearch(3) order */
static int by_address(const void *a, const void *b)
{
	const struct address *left = &((const struct known *)a)->address, *right = &((const struct known *)b)->address;

	if (left->family != right->family)
		return left->family < right->family ? -1 : 1;
	return (left->value > right->value) - (left->value < right->value);
}

/** by_address_and_state() - qsort(3) order */
static int by_address_and_state(const void *a, const void *b)
{
	int order = by_address(a, b);

	return order ? order : (int)state_in_book(a) - (int)state_in_book(b);
}

/** column_of() - The column that has one of several names, the first one that is there; COLUMN_NONE */
static size_t column_of(const struct table_row *row, const char *const *names)
{
	for (; *names; names++)
		for (size_t i = 0; i < row->n_cells; i++)
			if (!strcasecmp(row->cells[i], *names))
				return i;
	return COLUMN_NONE;
}

/** refuse_header() - There is no column of addresses, or nothing at all: an export that failed would know of nothing */
static int refuse_header(const struct book *book)
{
	report_error(book->audit->report, RULE_INVALID_VALUE, book->audit->inventory, "line 1",
		     "no column \"address\", \"ip_address\" or \"ip\" in the header");
	return REFUSED;
}

/** read_header() - Find the columns of addresses and their status: 0, REFUSED (reported) */
static int read_header(struct book *book, const struct table_row *row)
{
	static const char *const addresses[] = {"address", "ip_address", "ip address", "ip", NULL};
	static const char *const of_status[] = {"status", "status__name", "state", "tag", NULL};

	book->begun = true;
	book->column = column_of(row, addresses);
	book->status_column = column_of(row, of_status);
	if (book->column != COLUMN_NONE)
		return 0;
	return refuse_header(book);
}

/** cell() - Text of a column, "" where the row has none */
static const char *cell(const struct table_row *row, size_t column)
{
	return column < row->n_cells ? row->cells[column] : "";
}

/** status_of() - The status of a row that says more than that its address is in use, NULL: no such */
static const struct status *status_of(const struct book *book, const struct table_row *row)
{
	for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++)
		if (!strcasecmp(cell(row, book->status_column), statuses[i].name))
			return &statuses[i];
	return NULL;
}

/** add() - Remember a row's address: 0, -ENOMEM */
static int add(struct book *book, const struct address *address, const struct table_row *row)
{
	struct known *known = array_room(book->known, book->n, &book->capacity, sizeof(*known));

	if (!known)
		return -ENOMEM;
	book->known = known;
	book->known[book->n++] = (struct known){.address = *address, .line = row->line, .status = status_of(book, row)};
	return 0;
}

/** read_row() - table_row_fn */
static int read_row(void *userdata, const struct table_row *row)
{
	char place[POINTER_LINE_MAX];
	struct book *book = userdata;
	struct prefix prefix;
	const char *text;

	if (!book->begun)
		return read_header(book, row);
	text = cell(row, book->column);
	if (!*text)
		return 0;
	if (address_parse(text, &prefix.address) < 0 && prefix_parse(text, &prefix) < 0) {
		report_error(book->audit->report, RULE_INVALID_VALUE, book->audit->inventory,
			     pointer_of_line(row->line, place), "\"%.64s\" is not an address", text);
		return 0;
	}
	return add(book, &prefix.address, row);
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
	/* A pipe without a writer is empty; one with a writer, such as a shell's <(…), is waited for. */
	CLEANUP_CLOSE int fd = open(book->audit->inventory, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char piece[PIECE_BYTES], last = '\n';
	ssize_t size;
	int r = 0;

	if (fd < 0 || fcntl(fd, F_SETFL, 0) < 0)
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

/** sort_book() - In the order of bsearch(3), each address once: VRFs may have the same ones */
static void sort_book(struct book *book)
{
	size_t n = 0;

	if (book->n)
		qsort(book->known, book->n, sizeof(*book->known), by_address_and_state);
	for (size_t i = 0; i < book->n; i++)
		if (!n || by_address(&book->known[n - 1], &book->known[i]))
			book->known[n++] = book->known[i];
	book->n = n;
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
		if (!r && !book->begun)
			r = refuse_header(book);
		table_done(table);
	}
	free(table);
	sort_book(book);
	return r;
}

/** tell_held() - An address that is held: that the inventory does not have it, or has it as out of use */
static void tell_held(const struct book *book, const struct lease *lease, const struct address *address)
{
	const struct known wanted = {.address = *address}, *known;
	char text[ADDRESS_TEXT_MAX], place[POINTER_LINE_MAX], flaw[64] = "does not have it";

	known = book->n ? bsearch(&wanted, book->known, book->n, sizeof(wanted), by_address) : NULL;
	if (known && state_in_book(known) != BOOK_OVER)
		return;
	if (known)
		(void)snprintf(flaw, sizeof(flaw), "has it as %s", known->status->name);
	report_warning(book->audit->report, RULE_NOT_IN_INVENTORY, book->audit->inventory,
		       known ? pointer_of_line(known->line, place) : "",
		       "%s is held by %.64s %s of network %s, but the inventory %s", address_format(address, text),
		       lease->attachment.container_id, lease->attachment.ifname, lease->attachment.network, flaw);
}

/** tell_unknown() - Held addresses that the inventory does not have in use */
static void tell_unknown(const struct book *book, const struct lease_set *leases)
{
	for (size_t i = 0; i < leases->n; i++) {
		struct lease lease = lease_set_get(leases, i);

		for (size_t j = 0; j < lease.n_addresses && !lease.attachment.chained; j++)
			tell_held(book, &lease, &lease.addresses[j]);
	}
}

/** struct ranges - What tell_gone() works with */
struct ranges {
	const struct book *book;
	const struct held_addresses *held;
};

/** tell_gone_in() - Addresses that are in use by the inventory, in a range, and nobody holds them */
static void tell_gone_in(const struct ranges *ranges, const char *network, const struct span *span)
{
	char text[ADDRESS_TEXT_MAX], place[POINTER_LINE_MAX];

	for (size_t i = 0; i < ranges->book->n; i++) {
		const struct known *known = &ranges->book->known[i];
		struct span one = span_of_address(&known->address);

		if (state_in_book(known) != BOOK_USED || !span_contains(span, &known->address) ||
		    held_addresses_count(ranges->held, &one))
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
