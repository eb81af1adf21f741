/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every finding of a validation, with its place in the files. What stands in the file being read is located at once,
 * in the text at hand (it may be standard input); the other side of a finding at the end.
 */

#include "plugin/commands/findings.h"

#include <stdlib.h>
#include <string.h>

#include "plugin/commands/locate.h"
#include "rangeguard/limits.h"

/** copy_text() - strdup(3) of what may be NULL */
static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

/** locate_in_source() - Line and column of a place in the file being read */
static void locate_in_source(const struct findings *findings, struct place *place, bool on_key)
{
	if (findings->source && place->file && place->pointer && !place->line &&
	    strcmp(place->file, findings->source_file) == 0)
		(void)locate(findings->source->text, findings->source->size, place->pointer, on_key, &place->line,
			     &place->column);
}

/** place_line() - The line of a place that names one; those of JSON pointers are looked for in the text */
static void place_line(struct place *place)
{
	unsigned line = place->pointer && !place->line ? pointer_line(place->pointer) : 0;

	if (line) {
		place->line = line;
		place->column = 1;
	}
}

/** is_kept() - Whether the same was found before: a policy is read once for each network that it guards */
static bool is_kept(const struct findings *findings, const struct finding *finding)
{
	for (size_t i = 0; i < findings->n_items; i++) {
		const struct kept_finding *item = &findings->items[i];

		if (item->rule == finding->rule && strcmp(item->at.file, finding->file) == 0 &&
		    strcmp(item->at.pointer, finding->pointer) == 0 && strcmp(item->message, finding->message) == 0)
			return true;
	}
	return false;
}

/** keep() - The listener */
static void keep(struct report *report, const struct finding *finding)
{
	struct findings *findings = (struct findings *)report;
	struct kept_finding *items;

	if (is_kept(findings, finding)) {
		*(finding->severity == SEVERITY_ERROR ? &report->errors : &report->warnings) -= 1;
		return;
	}
	items = reallocarray(findings->items, findings->n_items + 1, sizeof(*items));
	if (!items) {
		findings->failed = true;
		return;
	}
	findings->items = items;
	items[findings->n_items++] = (struct kept_finding){
		.rule = finding->rule,
		.severity = finding->severity,
		.on_key = finding->on_key,
		.message = copy_text(finding->message),
		.at = {copy_text(finding->file), copy_text(finding->pointer), finding->line, finding->column},
		.related = {.file = copy_text(finding->related_file), .pointer = copy_text(finding->related_pointer)},
	};
	place_line(&items[findings->n_items - 1].at);
	place_line(&items[findings->n_items - 1].related);
	locate_in_source(findings, &items[findings->n_items - 1].at, finding->on_key);
	locate_in_source(findings, &items[findings->n_items - 1].related, false);
}

/** findings_init() - A listener that has heard nothing */
void findings_init(struct findings *findings)
{
	*findings = (struct findings){.report = {.heard = keep}};
}

/** findings_done() - Release what was kept */
void findings_done(struct findings *findings)
{
	for (size_t i = 0; i < findings->n_items; i++) {
		struct kept_finding *item = &findings->items[i];

		free(item->message);
		free(item->at.file);
		free(item->at.pointer);
		free(item->related.file);
		free(item->related.pointer);
	}
	free(findings->items);
	path_list_done(&findings->files);
	*findings = (struct findings){0};
}

/** struct text_cache - The file looked into last: most findings of a run have one policy as their other side */
struct text_cache {
	struct source source;
	const char *file;
};

/** cached_text() - Text of @file, NULL when it can't be read */
static const struct source *cached_text(struct text_cache *cache, const char *file)
{
	if (cache->file && strcmp(cache->file, file) == 0)
		return &cache->source;
	source_done(&cache->source);
	cache->file = source_read(file, LIMIT_POLICY_FILE, &cache->source) == 0 ? file : NULL;
	return cache->file ? &cache->source : NULL;
}

/** locate_place() - Line and column of a place in a file of its own; unknown when that can't be read */
static void locate_place(struct text_cache *cache, struct place *place, bool on_key)
{
	const struct source *source;

	if (!place->file || !place->pointer || place->line)
		return;
	source = cached_text(cache, place->file);
	if (source)
		(void)locate(source->text, source->size, place->pointer, on_key, &place->line, &place->column);
}

/**
 * findings_locate() - Find the line and column of each finding that has no position yet
 * @findings:	Findings
 */
void findings_locate(struct findings *findings)
{
	struct text_cache cache = {0};

	for (size_t i = 0; i < findings->n_items; i++) {
		locate_place(&cache, &findings->items[i].at, findings->items[i].on_key);
		locate_place(&cache, &findings->items[i].related, false);
	}
	source_done(&cache.source);
}

/** findings_pointer() - JSON pointer of a place, "" when it has none */
const char *findings_pointer(const struct place *place)
{
	return place->pointer && !pointer_line(place->pointer) ? place->pointer : "";
}

/** findings_severity() - As it is printed */
const char *findings_severity(enum severity severity)
{
	return severity == SEVERITY_ERROR ? "error" : "warning";
}

/** findings_path() - @file without "./" in front, as those who look it up in a repository want it */
const char *findings_path(const char *file)
{
	while (strncmp(file, "./", 2) == 0) {
		file += 2;
		file += strspn(file, "/");
	}
	return file;
}
