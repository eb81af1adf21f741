/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The networks of a run beside each other. Pure. */

#include "plugin/foreign/networks.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** Overlaps of one range that are told one by one; a thousand networks over each other have half a million */
#define OVERLAPS_MAX 16U

/** struct known_range - A range of its own: the texts are owned; @number: of its network's name, equal for equal ones */
struct known_range {
	struct span span;
	enum keeping keeping;
	char *keeper;
	char *network;
	size_t number;
	char *file;
	char *pointer;
	size_t offset;
	bool in_blocks;
	bool is_pool;
};

/** struct known_name - A name and the file in which it was met first; owned. A directory is a host, with names of its own */
struct known_name {
	char *name;
	char *file;
};

/** directory_size() - How much of a file's path its directory is */
static size_t directory_size(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? (size_t)(slash - file) : 0;
}

/** same_directory() - Whether two files are of one host */
static bool same_directory(const char *a, const char *b)
{
	return directory_size(a) == directory_size(b) && memcmp(a, b, directory_size(a)) == 0;
}

/** compare_names() - tsearch(3) order: name, then directory */
static int compare_names(const void *a, const void *b)
{
	const struct known_name *left = a, *right = b;
	size_t left_size = directory_size(left->file), right_size = directory_size(right->file);
	int r = strcmp(left->name, right->name);

	if (!r)
		r = memcmp(left->file, right->file, left_size < right_size ? left_size : right_size);
	return r ? r : (left_size > right_size) - (left_size < right_size);
}

/** free_name() - Free a node of the tree, NULL too */
static void free_name(void *node)
{
	struct known_name *name = node;

	if (!name)
		return;
	free(name->name);
	free(name->file);
	free(name);
}

/** new_name() - A node for the tree; NULL when there is no memory */
static struct known_name *new_name(const char *name, const char *file)
{
	struct known_name *known = calloc(1, sizeof(*known));

	if (!known)
		return NULL;
	*known = (struct known_name){.name = strdup(name), .file = strdup(file)};
	if (known->name && known->file)
		return known;
	free_name(known);
	return NULL;
}

/**
 * networks_add_name() - Remember a network's name; where it is taken already, that is a finding (RG005)
 * @networks:	Networks
 * @name:	Name
 * @file:	File of the network
 * @pointer:	JSON pointer of the name there
 */
void networks_add_name(struct networks *networks, const char *name, const char *file, const char *pointer)
{
	struct known_name *known = new_name(name, file), **met;

	met = known ? tsearch(known, &networks->names, compare_names) : NULL;
	if (!met) {
		networks->failed = true;
		free_name(known);
		return;
	}
	if (*met == known)
		return;
	report_error(networks->report, RULE_DUPLICATE, file, pointer,
		     "network name \"%.64s\" is taken by %.256s already; the two would share leases and interfaces: "
		     "give each network a name of its own",
		     name, (*met)->file);
	free_name(known);
}

/** grow_ranges() - Make room for one more range; false when there is no memory */
static bool grow_ranges(struct networks *networks)
{
	struct known_range *ranges =
		array_room(networks->ranges, networks->n_ranges, &networks->capacity, sizeof(*ranges));

	if (!ranges)
		return false;
	networks->ranges = ranges;
	return true;
}

/** same_keeper() - Whether two keepers are the same, or there is none of either */
static bool same_keeper(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/** is_repeated() - Whether a range is the one before it once more, and may be: one network's in one file */
static bool is_repeated(const struct known_range *known, const struct network_range *range)
{
	return range->keeping == KEEPING_NESTED && known->keeping == KEEPING_NESTED &&
	       known->span.family == range->span.family && known->span.first == range->span.first &&
	       known->span.last == range->span.last && same_keeper(known->keeper, range->keeper) &&
	       strcmp(known->network, range->network) == 0 && strcmp(known->file, range->file) == 0;
}

/**
 * networks_add_range() - Remember a range for the comparison
 * @networks:	Networks
 * @range:	Range; its texts are copied
 */
void networks_add_range(struct networks *networks, const struct network_range *range)
{
	struct known_range *known;

	if (range->keeping == KEEPING_PLAN || networks->failed)
		return;
	if (networks->n_ranges && is_repeated(&networks->ranges[networks->n_ranges - 1], range))
		return;
	if (!grow_ranges(networks)) {
		networks->failed = true;
		return;
	}
	known = &networks->ranges[networks->n_ranges];
	if (!networks->n_ranges || !known[-1].file || strcmp(known[-1].file, range->file) != 0)
		networks->n_files++;
	networks->n_ranges++;
	*known = (struct known_range){
		.span = range->span,
		.keeping = range->keeping,
		.keeper = range->keeper ? strdup(range->keeper) : NULL,
		.network = strdup(range->network),
		.file = strdup(range->file),
		.pointer = strdup(range->pointer),
		.offset = range->offset,
		.in_blocks = range->in_blocks,
		.is_pool = range->is_pool,
	};
	if ((range->keeper && !known->keeper) || !known->network || !known->file || !known->pointer)
		networks->failed = true;
}

/** by_first() - qsort(3) order: family, first address, then file and place, so that what is told does not vary */
static int by_first(const void *a, const void *b)
{
	const struct known_range *left = a, *right = b;
	int r;

	if (left->span.family != right->span.family)
		return left->span.family < right->span.family ? -1 : 1;
	if (left->span.first != right->span.first)
		return left->span.first < right->span.first ? -1 : 1;
	r = strcmp(left->file, right->file);
	return r ? r : strcmp(left->pointer, right->pointer);
}

/** same_text() - Whether two texts are equal, NULL being none */
static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/** enum collision - What it means that two ranges overlap */
enum collision {
	COLLISION_NONE,
	COLLISION_SHARED,  /* no address is given twice */
	COLLISION_TWICE,   /* an address may be given twice */
	COLLISION_HOSTS,   /* two hosts give the same addresses */
	COLLISION_REFUSED, /* within one network: its plugin refuses */
};

/** is_of_hosts() - Whether a range is given by a host for itself, in a way that others see the addresses */
static bool is_of_hosts(const struct known_range *range)
{
	return range->keeping == KEEPING_OURS ||
	       (range->keeping == KEEPING_ALONE && same_text(range->keeper, "host-local"));
}

/** judge() - What the overlap of @a and @b means */
static enum collision judge(const struct known_range *a, const struct known_range *b)
{
	bool same_network = a->number == b->number;
	bool ours = a->keeping == KEEPING_OURS && b->keeping == KEEPING_OURS;

	if (is_of_hosts(a) && is_of_hosts(b) && (same_network || ours) && !same_directory(a->file, b->file))
		return a->in_blocks && b->in_blocks ? COLLISION_NONE : COLLISION_HOSTS;
	/* A second network of the name is a finding of its own, and rangeguard's reader has told its overlaps. */
	if (same_network)
		return a->keeping == KEEPING_ALONE && b->keeping == KEEPING_ALONE && strcmp(a->file, b->file) == 0
			       ? COLLISION_REFUSED
			       : COLLISION_NONE;
	if (ours)
		return same_text(a->keeper, b->keeper) ? COLLISION_SHARED : COLLISION_NONE;
	/* An engine knows which networks it has made of its pool. */
	if (a->is_pool != b->is_pool && same_text(a->keeper, b->keeper))
		return COLLISION_NONE;
	if (a->keeping == KEEPING_CLUSTER && b->keeping == KEEPING_CLUSTER && same_text(a->keeper, b->keeper))
		return COLLISION_NONE;
	return COLLISION_TWICE;
}

/** report_overlap() - Two ranges that share addresses (RG105) */
static void report_overlap(struct report *report, const struct known_range *range, const struct known_range *other,
			   enum collision collision)
{
	static const char *const clauses[] = {
		[COLLISION_NONE] = "",
		[COLLISION_SHARED] = "no address is given twice, but each network takes from the other",
		[COLLISION_TWICE] = "the two do not know of each other, and may give one address twice: separate them",
		[COLLISION_HOSTS] =
			("two hosts (a directory is a host) give the same addresses, each for itself: give each host "
			 "a range of its own, or blocks of one (ipam.blocks)"),
		[COLLISION_REFUSED] = "ranges of one network must be apart",
	};
	char text[SPAN_TEXT_MAX], other_text[SPAN_TEXT_MAX], message[ERROR_MSG_MAX];
	struct finding finding = {
		.rule = RULE_OVERLAP,
		.severity = collision == COLLISION_REFUSED ? SEVERITY_ERROR : SEVERITY_WARNING,
		.file = range->file,
		.pointer = range->pointer,
		.offset = range->offset,
		.message = message,
		.related_file = other->file,
		.related_pointer = other->pointer,
	};

	(void)snprintf(message, sizeof(message),
		       "range %s of network \"%.64s\" overlaps range %s of network \"%.64s\"; %s",
		       span_format(&range->span, text), range->network, span_format(&other->span, other_text),
		       other->network, clauses[collision]);
	report_finding(report, &finding);
}

/** struct numbered - A range that is about to get its network's number */
struct numbered {
	struct known_range *range;
};

/** by_network() - qsort(3) order: the network's name */
static int by_network(const void *a, const void *b)
{
	const struct numbered *left = a, *right = b;

	return strcmp(left->range->network, right->range->network);
}

/** number_networks() - Give equal names of networks equal numbers: millions of pairs are looked at; 0 or -ENOMEM */
static int number_networks(struct networks *networks)
{
	CLEANUP_FREE struct numbered *order = calloc(networks->n_ranges, sizeof(*order));
	size_t number = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < networks->n_ranges; i++)
		order[i].range = &networks->ranges[i];
	qsort(order, networks->n_ranges, sizeof(*order), by_network);
	for (size_t i = 0; i < networks->n_ranges; i++) {
		number += i && strcmp(order[i - 1].range->network, order[i].range->network) != 0;
		order[i].range->number = number;
	}
	return 0;
}

/** begins_in() - Whether a range begins in one that begins no later */
static bool begins_in(const struct known_range *range, const struct known_range *other)
{
	return range->span.family == other->span.family && range->span.first <= other->span.last;
}

/**
 * compare_one() - Report the overlaps of range @index with those that begin in it
 * @networks:	Networks
 * @index:	Index
 * @left:	Pairs that may still be looked at; counted down
 */
static void compare_one(const struct networks *networks, size_t index, size_t *left)
{
	const struct known_range *ranges = networks->ranges;
	unsigned told = 0;

	for (size_t i = index + 1;
	     i < networks->n_ranges && told < OVERLAPS_MAX && *left && begins_in(&ranges[i], &ranges[index]);
	     i++, --*left) {
		enum collision collision = judge(&ranges[index], &ranges[i]);

		if (collision == COLLISION_NONE)
			continue;
		report_overlap(networks->report, &ranges[i], &ranges[index], collision);
		told++;
	}
}

/**
 * networks_compare() - Report the ranges that overlap, in O(n log n) and the overlaps
 * @networks:	Networks
 *
 * Of one range at most OVERLAPS_MAX overlaps with ranges that begin in it are told.
 */
void networks_compare(struct networks *networks)
{
	size_t left = LIMIT_RANGE_PAIRS + networks->n_files * LIMIT_RANGE_PAIRS_PER_FILE, i;

	if (!networks->n_ranges || networks->failed)
		return;
	qsort(networks->ranges, networks->n_ranges, sizeof(*networks->ranges), by_first);
	if (number_networks(networks) < 0) {
		networks->failed = true;
		return;
	}
	for (i = 0; i < networks->n_ranges && left; i++)
		compare_one(networks, i, &left);
	if (!left)
		report_warning(networks->report, RULE_OVERLAP, networks->ranges[i - 1].file,
			       networks->ranges[i - 1].pointer,
			       "more ranges overlap than are compared with each other; further overlaps are not told: "
			       "check fewer files at a time");
}

/** networks_done() - Free what was remembered */
void networks_done(struct networks *networks)
{
	for (size_t i = 0; i < networks->n_ranges; i++) {
		free(networks->ranges[i].keeper);
		free(networks->ranges[i].network);
		free(networks->ranges[i].file);
		free(networks->ranges[i].pointer);
	}
	free(networks->ranges);
	tdestroy(networks->names, free_name);
	*networks = (struct networks){0};
}
