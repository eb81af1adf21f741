/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `rangeguard who` prints: a line per holding, then what is not known of the time that was asked for. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "plugin/commands/who.h"
#include "plugin/history/when.h"
#include "plugin/text/printable.h"
#include "rangeguard/array.h"

/** overlaps() - Whether a span of time, either end of which may be unknown, is one that was asked for */
static bool overlaps(const struct who *who, int64_t from, int64_t to)
{
	if (who->at != HELD_UNKNOWN &&
	    ((from != HELD_UNKNOWN && from > who->at) || (to != HELD_UNKNOWN && to <= who->at)))
		return false;
	return who->since == HELD_UNKNOWN || to == HELD_UNKNOWN || to > who->since;
}

/** is_wanted() - Whether a holding is of a time that was asked for */
static bool is_wanted(const struct who *who, const struct holding *holding)
{
	return overlaps(who, holding->from, holding->to);
}

/** who_count() - How many holdings are of a time that was asked for */
size_t who_count(const struct who *who, const struct held *held)
{
	size_t n = 0;

	for (size_t i = 0; i < held->n_holdings; i++)
		n += is_wanted(who, &held->holdings[i]);
	return n;
}

/** text_of() - Member @key of an event, "" when there is none */
static const char *text_of(const json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text ? text : "";
}

/** print_member() - ", LABEL TEXT", if there is a text */
static void print_member(const char *label, const char *text)
{
	if (!*text)
		return;
	(void)printf(", %s", label);
	(void)print_printable(text, stdout);
}

/** print_pins() - ", pin A, pin B" */
static void print_pins(const json_t *event)
{
	const json_t *pins = json_object_get(event, "pins");
	size_t n = json_array_size(pins);

	for (size_t i = 0; i < n; i++)
		print_member("pin ", json_string_value(json_array_get(pins, i)));
}

/** print_end() - How a holding ended */
static void print_end(const struct holding *holding)
{
	char to[WHEN_TEXT_MAX];

	if (holding->end == HELD_OPEN) {
		(void)printf("  not ended in the record  ");
		return;
	}
	(void)printf("  until %s%s",
		     holding->end == HELD_RELEASED || holding->end == HELD_AGAIN ? "" : "at the latest ",
		     when_format(holding->to, to));
	if (holding->end == HELD_RELEASED)
		(void)printf(" (%s)  ", holding->end_name);
	else
		(void)printf("%s", holding->end == HELD_AGAIN	 ? " (made again)  "
				   : holding->end == HELD_REBOOT ? " (host started again)  "
								 : " (given to another)  ");
}

/** print_holding() - A line about a holding */
static void print_holding(const struct holding *holding)
{
	char from[WHEN_TEXT_MAX];

	(void)printf("  from %s", holding->from == HELD_UNKNOWN ? "an unknown time" : when_format(holding->from, from));
	print_end(holding);
	(void)printf("%shost ", holding->as_source ? "as source address: " : "");
	(void)print_printable(text_of(holding->event, "host"), stdout);
	print_member("network ", text_of(holding->event, "network"));
	print_member("container ", text_of(holding->event, "container"));
	print_member("", text_of(holding->event, "ifname"));
	if (*text_of(holding->event, "pod")) {
		print_member("pod ", text_of(holding->event, "namespace"));
		(void)printf("/");
		(void)print_printable(text_of(holding->event, "pod"), stdout);
	}
	if (holding->as_source)
		print_pins(holding->event);
	(void)printf("\n");
}

/** gap_wanted() - Whether a gap is of a time that was asked for. A record's end is always worth knowing */
static bool gap_wanted(const struct who *who, const struct gap *gap)
{
	return overlaps(who, gap->from, gap->to) || (gap->kind == GAP_END && who->at == HELD_UNKNOWN);
}

/** print_gap() - A line about what is not known */
static void print_gap(const struct gap *gap)
{
	char from[WHEN_TEXT_MAX], to[WHEN_TEXT_MAX];

	(void)printf("  host ");
	(void)print_printable(gap->host, stdout);
	if (gap->from != HELD_UNKNOWN)
		(void)when_format(gap->from, from);
	if (gap->to != HELD_UNKNOWN)
		(void)when_format(gap->to, to);
	switch (gap->kind) {
	case GAP_BEGIN:
		(void)printf(": before %s\n", to);
		break;
	case GAP_LOST:
		(void)printf(": %" PRIu64 " events shortly before %s could not be written\n", gap->events, to);
		break;
	case GAP_FILES:
		(void)printf(": from %s to %s, %" PRIu64 " events: a file is missing\n", from, to, gap->events);
		break;
	case GAP_END:
	default:
		(void)printf(": after %s\n", from);
		break;
	}
}

/**
 * who_print_text() - For people
 * @who:	What was asked
 * @held:	Answer
 */
void who_print_text(const struct who *who, const struct held *held)
{
	bool titled = false;

	(void)printf("%s\n", who->address);
	for (size_t i = 0; i < held->n_holdings; i++)
		if (is_wanted(who, &held->holdings[i]))
			print_holding(&held->holdings[i]);
	if (!who_count(who, held))
		(void)printf("  nobody that is known\n");
	for (size_t i = 0; i < held->n_gaps; i++) {
		if (!gap_wanted(who, &held->gaps[i]))
			continue;
		if (!titled)
			(void)printf("Not known:\n");
		titled = true;
		print_gap(&held->gaps[i]);
	}
}

/** time_to_json() - RFC 3339, or null */
static json_t *time_to_json(int64_t time)
{
	char text[WHEN_TEXT_MAX];

	return time == HELD_UNKNOWN ? json_null() : json_string(when_format(time, text));
}

/** holding_to_json() - A holding as an object, NULL without memory */
static json_t *holding_to_json(const struct holding *holding)
{
	static const char *const ends[] = {
		[HELD_OPEN] = "open",	[HELD_RELEASED] = "released", [HELD_AGAIN] = "made again",
		[HELD_OTHER] = "given", [HELD_REBOOT] = "reboot",
	};
	static const char *const copied[] = {"host", "network", "container", "ifname", "namespace", "pod",
					     "uid",  "netns",	"addresses", "pins",   "source"};
	json_t *json = json_pack(
		"{s:o, s:o, s:s, s:b}", "from", time_to_json(holding->from), "to", time_to_json(holding->to), "end",
		holding->end_name ? holding->end_name : ends[holding->end], "asSource", holding->as_source);

	for (size_t i = 0; json && i < ARRAY_LENGTH(copied); i++) {
		json_t *member = json_object_get(holding->event, copied[i]);

		if (member)
			(void)json_object_set(json, copied[i], member);
	}
	return json;
}

/** gap_to_json() - A gap as an object, NULL without memory */
static json_t *gap_to_json(const struct gap *gap)
{
	static const char *const kinds[] = {
		[GAP_BEGIN] = "begin", [GAP_LOST] = "lost", [GAP_FILES] = "files", [GAP_END] = "end"};

	return json_pack("{s:s, s:s, s:o, s:o, s:I}", "kind", kinds[gap->kind], "host", gap->host, "from",
			 time_to_json(gap->from), "to", time_to_json(gap->to), "events", (json_int_t)gap->events);
}

/**
 * who_print_json() - For programs
 * @who:	What was asked
 * @held:	Answer
 *
 * Return: 0, -ENOMEM
 */
int who_print_json(const struct who *who, const struct held *held)
{
	json_t *holdings = json_array(), *gaps = json_array(), *json;
	int r;

	for (size_t i = 0; i < held->n_holdings; i++)
		if (is_wanted(who, &held->holdings[i]))
			(void)json_array_append_new(holdings, holding_to_json(&held->holdings[i]));
	for (size_t i = 0; i < held->n_gaps; i++)
		if (gap_wanted(who, &held->gaps[i]))
			(void)json_array_append_new(gaps, gap_to_json(&held->gaps[i]));
	json = json_pack("{s:i, s:s, s:o, s:o}", "version", 1, "address", who->address, "holdings", holdings, "gaps",
			 gaps);
	if (!json)
		return -ENOMEM;
	r = json_dumpf(json, stdout, JSON_INDENT(2));
	json_decref(json);
	(void)printf("\n");
	return r && !ferror(stdout) ? -ENOMEM : 0;
}
