/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policies of a run, each list of them read once. */

#include "plugin/policy/policy_once.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/guard/embedded.h"
#include "plugin/policy/policy.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** struct chosen - Entries of a set that a configuration gets */
struct chosen {
	uint32_t *entries;
	size_t n;
	size_t capacity;
};

/** choose() - Add an entry; 0 or -ENOMEM */
static int choose(struct chosen *chosen, uint32_t entry)
{
	uint32_t *entries = array_room(chosen->entries, chosen->n, &chosen->capacity, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	chosen->entries = entries;
	chosen->entries[chosen->n++] = entry;
	return 0;
}

/** chosen_done() - Free the list */
static void chosen_done(struct chosen *chosen)
{
	free(chosen->entries);
}

/** by_entry() - qsort(3) order */
static int by_entry(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/** choose_touching() - Choose the entries that hold an address of @span; 0 or -ENOMEM */
static int choose_touching(const struct policy_set *set, const struct span *span, struct chosen *chosen)
{
	size_t cursor = 0;
	uint32_t entry;
	int r = 0;

	while (!r && lookup_next(&set->lookup, span, &cursor, &entry))
		r = choose(chosen, entry);
	return r;
}

/** choose_asked() - Choose the entries that decide on addresses of @span, by an IPv4 address in them too; 0 or -ENOMEM */
static int choose_asked(const struct policy_set *set, const struct span *span, struct chosen *chosen)
{
	int r = choose_touching(set, span, chosen);

	for (size_t form = 0; form < EMBEDDED_FORMS && !r; form++) {
		struct span ipv4;

		if (embedded_inner(form, span, &ipv4))
			r = choose_touching(set, &ipv4, chosen);
	}
	return r;
}

/** choose_equal() - Choose the entries with exactly these addresses; 0 or -ENOMEM */
static int choose_equal(const struct policy_set *set, const struct span *span, struct chosen *chosen)
{
	/* Their first address holds few others; inside them may be all. */
	struct span first = {.family = span->family, .first = span->first, .last = span->first};
	size_t cursor = 0;
	uint32_t index;
	int r = 0;

	while (!r && lookup_next(&set->lookup, &first, &cursor, &index)) {
		struct span other = guard_entry(set->guard, index).span;

		if (span_covers(span, &other) && span_covers(&other, span))
			r = choose(chosen, index);
	}
	return r;
}

/**
 * choose_for_lint() - Choose what tells whether an entry of the configuration's own is of use
 * @set:	Policies
 * @own:	The configuration's entries
 * @chosen:	Gets what may be its duplicate, and what a grant may open
 *
 * Return: 0, -ENOMEM
 */
static int choose_for_lint(const struct policy_set *set, const struct guard *own, struct chosen *chosen)
{
	int r = 0;

	for (size_t i = 0; i < guard_n_entries(own) && !r; i++) {
		struct guard_entry entry = guard_entry(own, i);

		r = entry.kind == GUARD_GRANTED ? choose_touching(set, &entry.span, chosen)
						: choose_equal(set, &entry.span, chosen);
	}
	return r;
}

/** counts_for() - Whether an entry counts for a network: reservations for all, grants by their glob */
static bool counts_for(const struct guard_entry *entry, const char *network)
{
	return entry->kind == GUARD_RESERVED || fnmatch(entry->network, network, 0) == 0;
}

/** add_chosen() - Add the entries chosen, each once and in their order; 0 or negative errno */
static int add_chosen(struct guard *guard, const struct policy_set *set, struct chosen *chosen, const char *network)
{
	int r = 0;

	if (chosen->n)
		qsort(chosen->entries, chosen->n, sizeof(*chosen->entries), by_entry);
	for (size_t i = 0; i < chosen->n && !r; i++) {
		struct guard_entry entry = guard_entry(set->guard, chosen->entries[i]);

		if ((!i || chosen->entries[i] != chosen->entries[i - 1]) && counts_for(&entry, network))
			r = guard_add(guard, &entry);
	}
	return r;
}

/** struct own_report - Listener that passes on what is said of one file; @report must stay first */
struct own_report {
	struct report report;
	struct report *to;
	const char *file;
};

/** pass_own() - What is said of the policies was heard when they were read */
static void pass_own(struct report *report, const struct finding *finding)
{
	const struct own_report *own = (const struct own_report *)report;

	if (strcmp(finding->file, own->file) == 0)
		report_finding(own->to, finding);
}

/** add_own() - Add the configuration's own entries and lint them; 0 or negative errno */
static int add_own(struct guard *guard, const struct guard *own, const char *file, struct report *report)
{
	struct own_report listener = {.report = {.heard = pass_own}, .to = report, .file = file};
	int r = 0;

	for (size_t i = 0; i < guard_n_entries(own) && !r; i++) {
		struct guard_entry entry = guard_entry(own, i);

		r = guard_add(guard, &entry);
	}
	return r || !guard_n_entries(own) ? r : policy_lint(guard, &listener.report);
}

/** assemble() - The guard of one configuration; 0 or negative errno */
static int assemble(const struct policy_set *set, const struct guard *own, const struct policy_question *question,
		    struct report *report, struct guard **ret_guard)
{
	CLEANUP(chosen_done) struct chosen chosen = {0};
	GUARD_CLEANUP struct guard *guard = NULL;
	int r = choose_for_lint(set, own, &chosen);

	for (size_t i = 0; i < question->n_spans && !r; i++)
		r = choose_asked(set, &question->spans[i], &chosen);
	if (!r)
		r = guard_new(&guard);
	if (!r)
		r = add_chosen(guard, set, &chosen, question->network);
	if (!r)
		r = add_own(guard, own, question->file, report);
	if (!r)
		r = guard_seal(guard);
	if (!r)
		*ret_guard = TAKE_PTR(guard);
	return r;
}

/** set_done() - Free a set */
static void set_done(struct policy_set *set)
{
	path_list_done(&set->paths);
	set->guard = guard_free(set->guard);
	lookup_done(&set->lookup);
}

/** count_reserved() - Reservations among a guard's entries */
static size_t count_reserved(const struct guard *guard)
{
	size_t n = 0;

	for (size_t i = 0; i < guard_n_entries(guard); i++)
		n += guard_entry(guard, i).kind == GUARD_RESERVED;
	return n;
}

/** read_set() - Read and lint policies; what is wrong with them is reported; 0 or negative errno */
static int read_set(const char *const *paths, size_t n_paths, bool may_be_absent, const struct policy_once *once,
		    struct policy_set *ret_set)
{
	const struct policy_context context = {.today = once->today, .lint = true, .on_host = once->on_host};
	CLEANUP(set_done) struct policy_set set = {0};
	int r = guard_new(&set.guard);

	for (size_t i = 0; i < n_paths && r >= 0; i++) {
		r = path_list_add(&set.paths, paths[i]);
		if (!r)
			r = policy_read_path(set.guard, paths[i], may_be_absent, &context, once->report);
	}
	if (r >= 0 && once->on_host && !once->replacing->n_paths)
		r = policy_read_published(set.guard, NETCONF_DATA_DIR, &context, once->report);
	if (r >= 0)
		r = policy_lint(set.guard, once->report);
	if (!r)
		r = lookup_init(set.guard, &set.lookup);
	if (r < 0)
		return r;
	set.n_reserved = count_reserved(set.guard);
	*ret_set = set;
	set = (struct policy_set){0};
	return 0;
}

/** is_set_of() - Whether a set was read from these paths */
static bool is_set_of(const struct policy_set *set, const char *const *paths, size_t n_paths)
{
	if (set->paths.n_paths != n_paths)
		return false;
	for (size_t i = 0; i < n_paths; i++)
		if (strcmp(set->paths.paths[i], paths[i]) != 0)
			return false;
	return true;
}

/** find_set() - The set of these paths, read if it is not there yet; 0 or negative errno */
static int find_set(struct policy_once *once, const char *const *paths, size_t n_paths, bool may_be_absent,
		    const struct policy_set **ret_set)
{
	struct policy_set *sets;
	int r;

	for (size_t i = 0; i < once->n_sets; i++) {
		if (is_set_of(&once->sets[i], paths, n_paths)) {
			*ret_set = &once->sets[i];
			return 0;
		}
	}
	sets = reallocarray(once->sets, once->n_sets + 1, sizeof(*sets));
	if (!sets)
		return -ENOMEM;
	once->sets = sets;
	r = read_set(paths, n_paths, may_be_absent, once, &sets[once->n_sets]);
	if (r < 0)
		return r;
	once->n_reserved += sets[once->n_sets].n_reserved;
	*ret_set = &sets[once->n_sets++];
	return 0;
}

/**
 * policy_once_read() - Read the policies that replace those of configurations, or an ADD's default ones, if none has
 * been read yet
 * @once:	What has been read
 *
 * Return: 0 also when some are malformed (reported), negative errno
 */
int policy_once_read(struct policy_once *once)
{
	static const char *const usual[] = {NETCONF_POLICY_DIR};
	const struct path_list *replacing = once->replacing;
	const struct policy_set *set;

	if (once->n_sets)
		return 0;
	if (replacing->n_paths)
		return find_set(once, (const char *const *)replacing->paths, replacing->n_paths, false, &set);
	return find_set(once, usual, 1, true, &set);
}

/**
 * policy_once_guard() - The guard of one configuration
 * @once:	What has been read
 * @question:	Who asks about which addresses
 * @ret_guard:	Sealed guard, to be freed with guard_free(); about other addresses it knows nothing
 *
 * Return: 0 also when policies are missing or malformed (reported), negative errno
 */
int policy_once_guard(struct policy_once *once, const struct policy_question *question, struct guard **ret_guard)
{
	const struct netconf_guard *config = question->config;
	const struct policy_context context = {.network = question->network, .today = once->today, .lint = true};
	const struct path_list *replacing = once->replacing;
	GUARD_CLEANUP struct guard *own = NULL;
	const struct policy_set *set;
	int r;

	if (replacing->n_paths)
		r = find_set(once, (const char *const *)replacing->paths, replacing->n_paths, false, &set);
	else
		r = find_set(once, config->policies, config->n_policies, config->policies_default, &set);
	if (r < 0)
		return r;
	r = guard_new(&own);
	if (!r && config->inline_policy)
		r = policy_read_json(own, config->inline_policy, question->file, config->pointer, &context,
				     once->report);
	if (r < 0)
		return r;
	once->n_reserved += count_reserved(own);
	if (question->ret_n_reserved)
		*question->ret_n_reserved = count_reserved(own) + set->n_reserved;
	return assemble(set, own, question, once->report, ret_guard);
}

/** policy_once_done() - Free what was read */
void policy_once_done(struct policy_once *once)
{
	for (size_t i = 0; i < once->n_sets; i++)
		set_done(&once->sets[i]);
	free(once->sets);
	*once = (struct policy_once){0};
}
