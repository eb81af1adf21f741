/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses that a configuration uses are taken, whatever for: a range with all of its network. What can't be read is an
 * error, never a gap.
 */

#include "plugin/foreign/avoid.h"

#include <jansson.h>
#include <string.h>

#include "plugin/foreign/usage.h"
#include "plugin/text/source.h"
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

/** take() - Take what a usage holds; 0 or REFUSED */
static int take(struct gaps *gaps, const struct usage *usage, struct error *reterr)
{
	struct span network = prefix_span(&usage->network);
	bool connected = usage->kind == USAGE_RANGE || usage->kind == USAGE_ADDRESS;

	if (usage->kind == USAGE_EXCLUDED || usage->implied)
		return 0;
	return gaps_take(gaps, connected ? &network : &usage->span) < 0 ? error_no_memory(reterr) : 0;
}

/** take_document() - Take all that a document uses; 0 or REFUSED */
static int take_document(struct gaps *gaps, const json_t *root, const char *path, struct error *reterr)
{
	struct first_fault first = {.report = {.heard = keep_first}, .err = reterr};
	USAGES_CLEANUP struct usages usages = {0};
	int r = usage_read_document(root, path, &usages, &first.report) < 0 ? error_no_memory(reterr) : 0;

	for (size_t i = 0; i < usages.n_items && !r && !reterr->code; i++)
		r = take(gaps, &usages.items[i], reterr);
	return r || reterr->code ? REFUSED : 0;
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
	SOURCE_CLEANUP struct source source = {0};
	enum document_kind kind;
	json_error_t fault;
	json_t *root;
	int r = source_read(path, LIMIT_POLICY_FILE, &source);

	if (r < 0)
		return error_set(reterr, ERROR_IO, "%s", strerror(-r));
	root = json_loadb(source.text, source.size, JSON_REJECT_DUPLICATES, &fault);
	if (!root)
		return error_set(reterr, ERROR_DECODE, "not valid JSON: %s", fault.text);
	if (!named && (kind = document_kind(root, path), kind == DOCUMENT_UNKNOWN || kind == DOCUMENT_NOT_OBJECT))
		r = AVOID_E_UNKNOWN;
	else
		r = take_document(gaps, root, path, reterr);
	json_decref(root);
	return r;
}
