/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who held an address: events of one or more hosts, put in order and matched. Pure. */

#include "plugin/history/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/history/held_internal.h"
#include "plugin/history/when.h"

/** What each line begins with. Inside of one it can't stand: there quotes are escaped */
#define LINE_BEGIN "{\"time\":\""

/** held_text() - Member @key of @event, "" when there is none */
const char *held_text(const json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text ? text : "";
}

/** held_time() - When an event happened, in milliseconds since the epoch; HELD_UNKNOWN when it does not say */
int64_t held_time(const json_t *event)
{
	int64_t time;

	return when_parse(held_text(event, "time"), &time) ? time : HELD_UNKNOWN;
}

/** held_number() - Member @key of @event, 0 when there is none */
uint64_t held_number(const json_t *event, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(event, key));
}

/**
 * held_parse() - Read a line, also one that follows the beginning of another, after which a disk was full
 * @line:	Line
 * @size:	Bytes of it
 *
 * Return: the event, NULL when it is none
 */
json_t *held_parse(const char *line, size_t size)
{
	json_t *event = json_loadb(line, size, 0, NULL);
	const char *first = line, *next;

	if (!event) {
		while ((next = memmem(first + 1, size - (size_t)(first + 1 - line), LINE_BEGIN, strlen(LINE_BEGIN))))
			first = next;
		event = first > line ? json_loadb(first, size - (size_t)(first - line), 0, NULL) : NULL;
	}
	if (event && held_time(event) != HELD_UNKNOWN)
		return event;
	json_decref(event);
	return NULL;
}

/** add_line() - Keep a line of @file that is an event: 0, -ENOMEM */
static int add_line(struct held *held, const char *file, const char *line, size_t size)
{
	json_t *event = held_parse(line, size), **lines;

	if (!event) {
		held->unread = file;
		return 0;
	}
	lines = reallocarray(held->lines, held->n_lines + 1, sizeof(json_t *));
	if (!lines) {
		json_decref(event);
		return -ENOMEM;
	}
	held->lines = lines;
	lines[held->n_lines++] = event;
	return 0;
}

/** add_lines() - Keep what was found in a file: 0, -ENOMEM */
static int add_lines(struct held *held, const char *path, const struct search_file *file)
{
	const char *at = file->lines, *past = at + file->size;
	int r = 0;

	while (!r && at < past) {
		const char *newline = memchr(at, '\n', (size_t)(past - at));
		const char *next = newline ? newline + 1 : past;

		r = add_line(held, path, at, (size_t)(next - at));
		at = next;
	}
	return r;
}

/** compare_numbers() - -1, 0, 1 */
static int compare_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/** by_time() - qsort(3) order: time; of one host's events of one millisecond their numbers */
static int by_time(const void *a, const void *b)
{
	const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
	int r = compare_numbers(held_time(left), held_time(right));

	if (!r)
		r = strcmp(held_text(left, "host"), held_text(right, "host"));
	if (!r)
		r = strcmp(held_text(left, "run"), held_text(right, "run"));
	return r ? r : compare_numbers((int64_t)held_number(left, "seq"), (int64_t)held_number(right, "seq"));
}

/** drop_copies() - A line may be found for several reasons, and a file be there twice */
static void drop_copies(struct held *held)
{
	size_t n = 0;

	for (size_t i = 0; i < held->n_lines; i++) {
		if (n && json_equal(held->lines[n - 1], held->lines[i]))
			json_decref(held->lines[i]);
		else
			held->lines[n++] = held->lines[i];
	}
	held->n_lines = n;
}

/** has() - Whether array @key of @event has @address */
static bool has(const json_t *event, const char *key, const char *address)
{
	const json_t *array = json_object_get(event, key);
	size_t n = json_array_size(array);

	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (text && !strcmp(text, address))
			return true;
	}
	return false;
}

/** same() - Whether two events have the same texts under some keys */
static bool same(const json_t *a, const json_t *b, const char *const *keys)
{
	for (; *keys; keys++)
		if (strcmp(held_text(a, *keys), held_text(b, *keys)) != 0)
			return false;
	return true;
}

/** same_attachment() - Whether two events are about one attachment */
static bool same_attachment(const json_t *a, const json_t *b)
{
	return same(a, b, (const char *const[]){"host", "network", "container", "ifname", "role", NULL});
}

/** same_run() - Whether two events are of one boot and one state directory */
static bool same_run(const json_t *a, const json_t *b)
{
	return same(a, b, (const char *const[]){"host", "run", NULL});
}

/** end() - A holding ends with an event, if it has not ended yet */
static void end(struct holding *holding, const json_t *event, enum held_end how)
{
	if (holding->end != HELD_OPEN)
		return;
	holding->end = how;
	holding->to = held_time(event);
	if (how == HELD_RELEASED)
		holding->end_name = held_text(event, "event");
}

/** add_holding() - A holding begins: 0, -ENOMEM */
static int add_holding(struct held *held, const struct holding *holding)
{
	struct holding *holdings = reallocarray(held->holdings, held->n_holdings + 1, sizeof(*holdings));

	if (!holdings)
		return -ENOMEM;
	held->holdings = holdings;
	holdings[held->n_holdings++] = *holding;
	return 0;
}

/** first_open() - Before this one all holdings have ended: an address that is given often need not look at them again */
static size_t first_open(struct held *held)
{
	while (held->first_open < held->n_holdings && held->holdings[held->first_open].end != HELD_OPEN)
		held->first_open++;
	return held->first_open;
}

/** begin() - An attachment gets the address: 0, -ENOMEM */
static int begin(struct held *held, const json_t *event, bool as_source)
{
	struct holding holding = {.event = event, .as_source = as_source, .from = held_time(event), .to = HELD_UNKNOWN};

	for (size_t i = first_open(held); i < held->n_holdings; i++) {
		struct holding *earlier = &held->holdings[i];

		if (same_attachment(earlier->event, event))
			end(earlier, event, HELD_AGAIN);
		else if (!as_source && !earlier->as_source && same_run(earlier->event, event) &&
			 !*held_text(event, "role") && !*held_text(earlier->event, "role"))
			end(earlier, event, HELD_OTHER);
	}
	return add_holding(held, &holding);
}

/** release() - An attachment gives the address back; where its ADD is not recorded, that is the beginning: 0, -ENOMEM */
static int release(struct held *held, const json_t *event, bool as_source)
{
	struct holding holding = {.event = event, .as_source = as_source, .from = HELD_UNKNOWN};

	for (size_t i = held->n_holdings; i > first_open(held); i--) {
		struct holding *earlier = &held->holdings[i - 1];

		if (earlier->end == HELD_OPEN && same_attachment(earlier->event, event)) {
			end(earlier, event, HELD_RELEASED);
			return 0;
		}
	}
	end(&holding, event, HELD_RELEASED);
	return add_holding(held, &holding);
}

/** reboot() - What a host held before it started again has ended, though nobody wrote that down */
static void reboot(struct held *held, const json_t *event)
{
	for (size_t i = first_open(held); i < held->n_holdings; i++) {
		struct holding *earlier = &held->holdings[i];

		if (!strcmp(held_text(earlier->event, "host"), held_text(event, "host")) &&
		    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): only their beginnings */
		    strncmp(held_text(earlier->event, "run"), held_text(event, "run"), HELD_BOOT_DIGITS) != 0)
			end(earlier, event, HELD_REBOOT);
	}
}

/** read_event() - What one event says about the address: 0, -ENOMEM */
static int read_event(struct held *held, const json_t *event, const char *address)
{
	bool own = has(event, "addresses", address), as_source = !own && has(event, "source", address);
	const char *name = held_text(event, "event");

	if (!strcmp(held_text(event, "gapBefore"), "boot"))
		reboot(held, event);
	if (!own && !as_source)
		return 0;
	if (!strcmp(name, "add"))
		return begin(held, event, as_source);
	if (!strcmp(name, "del") || !strcmp(name, "gc") || !strcmp(name, "reclaim"))
		return release(held, event, as_source);
	return 0;
}

/**
 * held_read() - Who held an address
 * @search:	Search for the address in quotes, and for HELD_GAP_NEEDLE, that has been run
 * @address:	Address, as the history writes it
 * @ret_held:	Answer, always written; held_done() releases it
 *
 * Return: 0, -ENOMEM
 */
int held_read(const struct search *search, const char *address, struct held *ret_held)
{
	int r = 0;

	*ret_held = (struct held){.n_lines = 0};
	for (size_t i = 0; i < search->archive->n && !r; i++)
		r = add_lines(ret_held, search->archive->paths[i], &search->found[i]);
	if (r)
		return r;
	if (ret_held->n_lines)
		qsort(ret_held->lines, ret_held->n_lines, sizeof(json_t *), by_time);
	drop_copies(ret_held);
	for (size_t i = 0; i < ret_held->n_lines && !r; i++)
		r = read_event(ret_held, ret_held->lines[i], address);
	return r ? r : held_find_gaps(search, ret_held);
}

/** held_done() - Release what is owned */
void held_done(struct held *held)
{
	for (size_t i = 0; i < held->n_lines; i++)
		json_decref(held->lines[i]);
	free(held->lines);
	free(held->holdings);
	held_gaps_done(held);
	*held = (struct held){.n_lines = 0};
}
