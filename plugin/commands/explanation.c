/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `explain` says of one address or prefix. */

#include "plugin/commands/explanation.h"

#include "ipam/guard/embedded.h"
#include "plugin/report/report.h"
#include "plugin/text/colour.h"
#include "plugin/text/printable.h"
#include "rangeguard/cleanup.h"

/** least() - The smaller of two counts */
static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/** explain_part() - A part with what it overrules; 0 or -ENOMEM */
static int explain_part(const struct claims *claims, const struct claim_part *part, struct explained_part *ret_part)
{
	CLEANUP_FREE uint32_t *entries = NULL;
	size_t n;
	int r = claims_list(claims, &part->span, &entries, &n);

	if (r < 0)
		return r;
	/* The first entry is the one that decides. */
	*ret_part = (struct explained_part){.part = *part, .n_overruled = n - 1};
	for (size_t i = 0; i < least(n - 1, EXPLANATION_OVERRULED_MAX); i++)
		ret_part->overruled[i] = entries[i + 1];
	return 0;
}

/** is_reserved() - Whether an entry refuses what it decides */
static bool is_reserved(const struct guard *guard, uint32_t entry)
{
	return guard_entry(guard, entry).kind == GUARD_RESERVED;
}

/** tell_part() - Add a part that there is room for; 0, -ENOMEM */
static int tell_part(struct explanation *explanation, const struct claims *claims, const struct claim_part *part,
		     size_t form)
{
	struct explained_part *told = &explanation->parts[explanation->n_parts];
	int r = explain_part(claims, part, told);

	told->embedded = form < EMBEDDED_FORMS;
	if (told->embedded)
		told->part.span = embedded_outer(form, &part->span, &explanation->span);
	return r;
}

/**
 * explain_span() - Add the parts of a span
 * @explanation:	Answer
 * @span:		Addresses, of those asked about; or the IPv4 addresses that stand in them
 * @form:		Which form these have there, EMBEDDED_FORMS: none
 *
 * Return: 0, -ENOMEM
 */
static int explain_span(struct explanation *explanation, const struct span *span, size_t form)
{
	CLAIMS_CLEANUP struct claims claims = {0};
	struct claim_part part;
	int r = claims_init(explanation->guard, span, &claims);

	for (; !r && claims_next(&claims, &part); explanation->n_parts++) {
		explanation->refused |= is_reserved(explanation->guard, part.entry);
		if (explanation->n_parts < EXPLANATION_PARTS_MAX)
			r = tell_part(explanation, &claims, &part, form);
	}
	return r;
}

/**
 * explanation_make() - Explain
 * @guard:		Guard; must live as long as the explanation
 * @query:		Text of the question; likewise
 * @span:		Addresses asked about
 * @ret_explanation:	Answer
 *
 * Return: 0, -ENOMEM
 */
int explanation_make(const struct guard *guard, const char *query, const struct span *span,
		     struct explanation *ret_explanation)
{
	struct explanation explanation = {.guard = guard, .query = query, .span = *span};
	struct span ipv4;
	int r = explain_span(&explanation, span, EMBEDDED_FORMS);

	for (size_t form = 0; form < EMBEDDED_FORMS && !r; form++)
		if (embedded_inner(form, span, &ipv4))
			r = explain_span(&explanation, &ipv4, form);
	if (!r)
		*ret_explanation = explanation;
	return r;
}

/** whole() - The only part when it is all that was asked about, else NULL */
static const struct explained_part *whole(const struct explanation *explanation)
{
	const struct explained_part *part = &explanation->parts[0];

	return explanation->n_parts == 1 && span_covers(&part->part.span, &explanation->span) ? part : NULL;
}

/** verdict() - As it is printed */
static const char *verdict(bool refused)
{
	return refused ? "refused" : "allowed";
}

/** print_verdict() - It, coloured on a terminal */
static void print_verdict(bool refused, bool colour, FILE *stream)
{
	(void)fprintf(stream, "%s%s%s", colour_begin(colour, refused ? COLOUR_BAD : COLOUR_GOOD), verdict(refused),
		      colour_end(colour));
}

/** print_text() - ", LABEL TEXT", nothing where the policy says nothing; control characters don't reach a terminal */
static void print_text(const char *label, const char *text, FILE *stream)
{
	if (!*text)
		return;
	(void)fprintf(stream, ", %s ", label);
	(void)print_printable(text, stream);
}

/** print_entry() - An entry as a line: "    by reserved 10.20.0.0/16, owner db-platform, ref NET-1042, dba.json:3" */
static void print_entry(const struct explanation *explanation, uint32_t index, const char *indent, const char *word,
			struct lines *lines, FILE *stream)
{
	struct guard_entry entry = guard_entry(explanation->guard, index);
	unsigned line = lines_find(lines, entry.file, entry.pointer);
	char span[SPAN_TEXT_MAX];

	(void)fprintf(stream, "%s%s %s %s", indent, word, entry.kind == GUARD_RESERVED ? "reserved" : "granted",
		      span_format(&entry.span, span));
	print_text("network", entry.network, stream);
	print_text("owner", entry.owner, stream);
	print_text("reason", entry.reason, stream);
	print_text("ref", entry.ref, stream);
	if (line)
		(void)fprintf(stream, ", %s:%u\n", entry.file, line);
	else
		(void)fprintf(stream, ", %s %s\n", entry.file, entry.pointer);
}

/** print_more() - How many were not told */
static void print_more(size_t n, size_t told, const char *indent, const char *what, FILE *stream)
{
	if (n > told)
		(void)fprintf(stream, "%sand %zu more %s\n", indent, n - told, what);
}

/** print_entries() - The entry that decides a part, and those it overrules */
static void print_entries(const struct explanation *explanation, const struct explained_part *part, const char *indent,
			  struct lines *lines, FILE *stream)
{
	size_t told = least(part->n_overruled, EXPLANATION_OVERRULED_MAX);

	print_entry(explanation, part->part.entry, indent, part->embedded ? "for the IPv4 addresses inside, by" : "by",
		    lines, stream);
	for (size_t i = 0; i < told; i++)
		print_entry(explanation, part->overruled[i], indent, "over", lines, stream);
	print_more(part->n_overruled, told, indent, "entries overruled", stream);
}

/** print_parts() - Each part with its own verdict */
static void print_parts(const struct explanation *explanation, struct lines *lines, bool colour, FILE *stream)
{
	size_t told = least(explanation->n_parts, EXPLANATION_PARTS_MAX);
	char span[SPAN_TEXT_MAX];

	for (size_t i = 0; i < told; i++) {
		const struct explained_part *part = &explanation->parts[i];

		(void)fprintf(stream, "  %s: ", span_format(&part->part.span, span));
		print_verdict(is_reserved(explanation->guard, part->part.entry), colour, stream);
		(void)fputc('\n', stream);
		print_entries(explanation, part, "    ", lines, stream);
	}
	print_more(explanation->n_parts, told, "  ", "parts", stream);
}

/**
 * explanation_print() - An answer for people
 * @explanation:	Answer
 * @lines:		Finds the lines of entries
 * @colour:		The verdict is coloured
 * @stream:		Where to
 */
void explanation_print(const struct explanation *explanation, struct lines *lines, bool colour, FILE *stream)
{
	const struct explained_part *part = whole(explanation);

	(void)fprintf(stream, "%s: ", explanation->query);
	print_verdict(explanation->refused, colour, stream);
	(void)fputs(explanation->n_parts ? "\n" : ", no entry holds any of it\n", stream);
	if (part)
		print_entries(explanation, part, "  ", lines, stream);
	else
		print_parts(explanation, lines, colour, stream);
}

/** entry_json() - An entry; NULL when there is no memory */
static json_t *entry_json(const struct explanation *explanation, uint32_t index, struct lines *lines)
{
	struct guard_entry entry = guard_entry(explanation->guard, index);
	bool reserved = entry.kind == GUARD_RESERVED;
	char span[SPAN_TEXT_MAX];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:s, s:s, s:i}", "kind", reserved ? "reserved" : "granted",
			 "span", span_format(&entry.span, span), "owner", entry.owner, "reason", entry.reason, "ref",
			 entry.ref, "network", reserved ? NULL : entry.network, "file", entry.file, "pointer",
			 pointer_line(entry.pointer) ? "" : entry.pointer, "line",
			 (int)lines_find(lines, entry.file, entry.pointer));
}

/** overruled_json() - The entries that a part overrules, as far as they are told */
static json_t *overruled_json(const struct explanation *explanation, const struct explained_part *part,
			      struct lines *lines)
{
	json_t *list = json_array();

	for (size_t i = 0; i < least(part->n_overruled, EXPLANATION_OVERRULED_MAX); i++)
		(void)json_array_append_new(list, entry_json(explanation, part->overruled[i], lines));
	return list;
}

/** part_json() - A part with its own verdict */
static json_t *part_json(const struct explanation *explanation, const struct explained_part *part, struct lines *lines)
{
	char span[SPAN_TEXT_MAX];

	return json_pack("{s:s, s:s, s:o, s:o, s:i}", "span", span_format(&part->part.span, span), "verdict",
			 verdict(is_reserved(explanation->guard, part->part.entry)), "decided",
			 entry_json(explanation, part->part.entry, lines), "overruled",
			 overruled_json(explanation, part, lines), "overruledOmitted",
			 (int)(part->n_overruled - least(part->n_overruled, EXPLANATION_OVERRULED_MAX)));
}

/**
 * explanation_json() - An answer for programs
 * @explanation:	Answer
 * @lines:		Finds the lines of entries
 *
 * Return: a new object, NULL when there is no memory
 */
json_t *explanation_json(const struct explanation *explanation, struct lines *lines)
{
	const struct explained_part *part = whole(explanation);
	size_t told = least(explanation->n_parts, EXPLANATION_PARTS_MAX);
	json_t *parts = json_array();

	for (size_t i = 0; i < told; i++)
		(void)json_array_append_new(parts, part_json(explanation, &explanation->parts[i], lines));
	return json_pack("{s:s, s:s, s:o?, s:o, s:o, s:i}", "query", explanation->query, "verdict",
			 verdict(explanation->refused), "decided",
			 part ? entry_json(explanation, part->part.entry, lines) : NULL, "overruled",
			 part ? overruled_json(explanation, part, lines) : json_array(), "parts", parts, "partsOmitted",
			 (int)(explanation->n_parts - told));
}
