/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses that a configuration uses are taken, whatever for: a range with all of its network. What can't be read is an
 * error, never a gap.
 */

#include "plugin/foreign/avoid.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "plugin/foreign/subject.h"
#include "plugin/text/source.h"
#include "plugin/text/template.h"
#include "plugin/text/values.h"
#include "rangeguard/limits.h"

/** struct first_fault - Listener that keeps the first thing that can't be read, error or warning; @report stays first */
struct first_fault {
	struct report report;
	struct error *err;
};

/** keep_first() - Of a suggestion that rests on a guess nobody is served */
static void keep_first(struct report *report, const struct finding *finding)
{
	const struct first_fault *first = (const struct first_fault *)report;

	if (!first->err->code)
		(void)error_set(first->err, ERROR_CONFIG, "%s (at %s)", finding->message,
				*finding->pointer ? finding->pointer : "the document");
}

/** take() - Take what a declaration holds; 0 or REFUSED */
static int take(struct gaps *gaps, const struct declaration *declaration, struct error *reterr)
{
	struct span reach = declaration_reach(declaration);
	bool connected = declaration->kind == DECLARED_RANGE || declaration->kind == DECLARED_ADDRESS;

	if (declaration->kind == DECLARED_EXCLUDED || declaration->implied)
		return 0;
	return gaps_take(gaps, connected ? &reach : &declaration->span) < 0 ? error_no_memory(reterr) : 0;
}

/** struct avoid_taking - A document whose addresses are taken; @named: somebody wants it read */
struct avoid_taking {
	struct gaps *gaps;
	const char *path;
	struct error *err;
	bool named;
	bool is_known;
};

/** take_subject() - Take all that a part of a document uses */
static void take_subject(void *userdata, const struct subject *subject)
{
	struct avoid_taking *taking = userdata;
	struct first_fault first = {.report = {.heard = keep_first}, .err = taking->err};
	DECLARATIONS_CLEANUP struct declarations declarations = {0};

	if (taking->err->code)
		return;
	if (subject_read(subject, taking->path, &declarations, &first.report, NULL) < 0)
		(void)error_no_memory(taking->err);
	for (size_t i = 0; i < declarations.n_items && !taking->err->code; i++)
		(void)take(taking->gaps, &declarations.items[i], taking->err);
	taking->is_known |= subject->kind && (declarations.n_items || !subject->kind->incidental);
}

/** refuse_syntax() - What can't be read: a template, of which nothing is known, or a mistake; REFUSED, AVOID_E_UNKNOWN */
static int refuse_syntax(const struct values *values, const struct avoid_taking *taking)
{
	if (values_syntax_of(taking->path) != VALUES_EITHER || !template_find(values->text, values->size))
		return error_set(taking->err, ERROR_DECODE, "%s (line %u)", values->problem, values->line);
	if (taking->named || taking->is_known)
		return error_set(taking->err, ERROR_DECODE, "a template; render it first: helm template");
	return AVOID_E_UNKNOWN;
}

/** take_documents() - Take all that the documents of a text use; 0, REFUSED, AVOID_E_UNKNOWN */
static int take_documents(struct values *values, struct avoid_taking *taking)
{
	struct first_fault first = {.report = {.heard = keep_first}, .err = taking->err};
	int r;

	while ((r = values_next(values)) == 0 && !taking->err->code) {
		if (subjects_each(values->root, taking->path, NULL, &first.report, take_subject, taking) < 0)
			return error_no_memory(taking->err);
	}
	if (r == VALUES_E_SYNTAX)
		return refuse_syntax(values, taking);
	return r < 0 ? error_no_memory(taking->err) : taking->err->code ? REFUSED : 0;
}

/** refuse_duplicate() - What a key means that stands twice nobody knows */
static void refuse_duplicate(void *userdata, const char *pointer, unsigned line, unsigned column)
{
	struct error *err = userdata;

	(void)column;
	if (!err->code)
		(void)error_set(err, ERROR_DECODE, "a key stands twice in its object (%.256s, line %u)", pointer, line);
}

/** take_text() - Take all that a text uses; 0, REFUSED, AVOID_E_UNKNOWN */
static int take_text(const struct source *text, struct avoid_taking *taking)
{
	VALUES_CLEANUP struct values values = {0};
	int r = values_start(&values, text->text, text->size, values_syntax_of(taking->path));

	if (r == VALUES_E_SYNTAX)
		return refuse_syntax(&values, taking);
	if (r < 0 || values_duplicates(&values, refuse_duplicate, taking->err) < 0)
		return error_no_memory(taking->err);
	r = take_documents(&values, taking);
	if (r || taking->is_known)
		return r;
	if (!taking->named)
		return AVOID_E_UNKNOWN;
	return error_set(taking->err, ERROR_CONFIG, "of no kind that is read");
}

/**
 * avoid_read() - Take the addresses that a file uses
 * @path:	File, "-" for standard input
 * @named:	Somebody wants it read: it is an error when nothing is known of such a file
 * @gaps:	Gaps, not started; what they have been told stays also on failure
 * @reterr:	Why the file can't be read
 *
 * Return: 0, REFUSED, AVOID_E_UNKNOWN
 */
int avoid_read(const char *path, bool named, struct gaps *gaps, struct error *reterr)
{
	struct avoid_taking taking = {.gaps = gaps, .path = path, .err = reterr, .named = named};
	SOURCE_CLEANUP struct source source = {0};
	struct source text;
	int r = source_read(path, LIMIT_POLICY_FILE, &source);

	if (r < 0)
		return r == -ENOMEM ? error_no_memory(reterr) : error_set(reterr, ERROR_IO, "%s", strerror(-r));
	text = source_without_mark(&source);
	return take_text(&text, &taking);
}
