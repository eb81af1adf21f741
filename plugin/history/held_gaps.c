/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a record does not tell. Events are numbered within a run, a boot of a host: numbers that are missing between two
 * files are events of a file that is missing; events that could not be written were counted. Pure.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/history/held_internal.h"

/** Events between two files that may be missing because processes wrote out of turn, or were killed while writing */
#define TURNS 256

/** struct gap_part - First and last event of a file; owned */
struct gap_part {
	json_t *first;
	json_t *last;
};

/** struct parts - The files, in order */
struct parts {
	struct gap_part *parts;
	size_t n;
};

/** add_gap() - Something is not known: 0, -ENOMEM */
static int add_gap(struct held *held, const struct gap *gap)
{
	struct gap *gaps = reallocarray(held->gaps, held->n_gaps + 1, sizeof(*gaps));

	if (!gaps)
		return -ENOMEM;
	held->gaps = gaps;
	gaps[held->n_gaps] = *gap;
	gaps[held->n_gaps].host = strdup(gap->host);
	return gaps[held->n_gaps].host ? (held->n_gaps++, 0) : -ENOMEM;
}

/** parts_done() - Release the files */
static void parts_done(struct parts *parts)
{
	for (size_t i = 0; i < parts->n; i++) {
		json_decref(parts->parts[i].first);
		json_decref(parts->parts[i].last);
	}
	free(parts->parts);
}

/** first_line() - The first line of what was found in a file, NULL when that is no event */
static json_t *first_line(const struct search_file *file)
{
	const char *newline = file->size ? memchr(file->lines, '\n', file->size) : NULL;

	return newline ? held_parse(file->lines, (size_t)(newline + 1 - file->lines)) : NULL;
}

/** last_line() - The last one */
static json_t *last_line(const struct search_file *file)
{
	const char *newline = file->size > 1 ? memrchr(file->lines, '\n', file->size - 1) : NULL;
	const char *line = newline ? newline + 1 : file->lines;

	return file->size ? held_parse(line, (size_t)(file->lines + file->size - line)) : NULL;
}

/** by_run() - qsort(3) order: host, run, number of the first event */
static int by_run(const void *a, const void *b)
{
	const struct gap_part *left = a, *right = b;
	uint64_t x = held_number(left->first, "seq"), y = held_number(right->first, "seq");
	int r = strcmp(held_text(left->first, "host"), held_text(right->first, "host"));

	if (!r)
		r = strcmp(held_text(left->first, "run"), held_text(right->first, "run"));
	return r ? r : (x > y) - (x < y);
}

/** read_parts() - First and last event of each file: 0, -ENOMEM */
static int read_parts(const struct search *search, struct parts *ret_parts)
{
	ret_parts->parts = calloc(search->archive->n + 1, sizeof(*ret_parts->parts));
	if (!ret_parts->parts)
		return -ENOMEM;
	for (size_t i = 0; i < search->archive->n; i++) {
		struct gap_part part = {first_line(&search->found[i]), last_line(&search->found[i])};

		if (part.first && part.last) {
			ret_parts->parts[ret_parts->n++] = part;
		} else {
			json_decref(part.first);
			json_decref(part.last);
		}
	}
	if (ret_parts->n)
		qsort(ret_parts->parts, ret_parts->n, sizeof(*ret_parts->parts), by_run);
	return 0;
}

/** find_missing_files() - Numbers that no file has: 0, -ENOMEM */
static int find_missing_files(const struct parts *parts, struct held *held)
{
	int r = 0;

	for (size_t i = 1; i < parts->n && !r; i++) {
		const json_t *before = parts->parts[i - 1].last, *after = parts->parts[i].first;
		uint64_t last = held_number(before, "seq"), first = held_number(after, "seq");

		if (strcmp(held_text(before, "host"), held_text(after, "host")) != 0 ||
		    strcmp(held_text(before, "run"), held_text(after, "run")) != 0 || first <= last + TURNS)
			continue;
		r = add_gap(held, &(struct gap){.kind = GAP_FILES,
						.host = held_text(after, "host"),
						.from = held_time(before),
						.to = held_time(after),
						.events = first - last - 1});
	}
	return r;
}

/** find_lost() - Events that could not be written: 0, -ENOMEM */
static int find_lost(struct held *held)
{
	int r = 0;

	for (size_t i = 0; i < held->n_lines && !r; i++) {
		const json_t *event = held->lines[i];

		if (!held_number(event, "lost"))
			continue;
		r = add_gap(held, &(struct gap){.kind = GAP_LOST,
						.host = held_text(event, "host"),
						.from = HELD_UNKNOWN,
						.to = held_time(event),
						.events = held_number(event, "lost")});
	}
	return r;
}

/** struct extent - What a host's record spans */
struct extent {
	const char *host;
	int64_t begin;
	int64_t end;
};

/** widen() - Let the extent of its host span an event: how many extents there are now */
static size_t widen(struct extent *extents, size_t n, const json_t *event)
{
	int64_t time = held_time(event);
	size_t i = 0;

	while (i < n && strcmp(extents[i].host, held_text(event, "host")) != 0)
		i++;
	if (i == n)
		extents[n++] = (struct extent){.host = held_text(event, "host"), .begin = time, .end = time};
	if (time < extents[i].begin)
		extents[i].begin = time;
	if (time > extents[i].end)
		extents[i].end = time;
	return n;
}

/** find_bounds() - Where the record of each host begins and ends: 0, -ENOMEM */
static int find_bounds(const struct parts *parts, struct held *held)
{
	struct extent *extents = calloc(2 * parts->n + 1, sizeof(*extents));
	size_t n = 0;
	int r = extents ? 0 : -ENOMEM;

	for (size_t i = 0; i < parts->n && !r; i++) {
		n = widen(extents, n, parts->parts[i].first);
		n = widen(extents, n, parts->parts[i].last);
	}
	for (size_t i = 0; i < n && !r; i++) {
		struct gap begin = {.kind = GAP_BEGIN, .host = extents[i].host, HELD_UNKNOWN, extents[i].begin, 0};
		struct gap end = {.kind = GAP_END, .host = extents[i].host, extents[i].end, HELD_UNKNOWN, 0};

		r = add_gap(held, &begin);
		r = r ? r : add_gap(held, &end);
	}
	free(extents);
	return r;
}

/** held_find_gaps() - What is missing in what was searched: 0, -ENOMEM */
int held_find_gaps(const struct search *search, struct held *held)
{
	__attribute__((cleanup(parts_done))) struct parts parts = {.n = 0};
	int r = read_parts(search, &parts);

	if (!r)
		r = find_bounds(&parts, held);
	if (!r)
		r = find_missing_files(&parts, held);
	return r ? r : find_lost(held);
}

/** held_gaps_done() - Release the gaps */
void held_gaps_done(struct held *held)
{
	for (size_t i = 0; i < held->n_gaps; i++)
		free((char *)(uintptr_t)held->gaps[i].host);
	free(held->gaps);
}
