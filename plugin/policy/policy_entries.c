/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A large policy file, one entry after the other. It is a quicker way to the same guard: at anything that is wrong the
 * guard is left as it was, nothing is reported, and the file has to be read as a whole.
 */

#include <errno.h>
#include <string.h>

#include "plugin/policy/policy_internal.h"
#include "plugin/text/policy_split.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** Bytes that are read at once */
#define CHUNK_BYTES (64U << 10)

/**
 * struct entries - A file being read
 * @policy:	Reader, at the document
 * @report:	Its listener, which counts only
 * @indexes:	How many entries of each kind there have been
 */
struct entries {
	struct policy_reader policy;
	struct report report;
	size_t indexes[GUARD_GRANTED + 1];
};

/** ignore() - Listener: that there is something is enough */
static void ignore(struct report *report, const struct finding *finding)
{
	(void)report;
	(void)finding;
}

/**
 * read_one() - split_entry_fn: parse and add one entry
 *
 * Return: 0, POLICY_ENTRIES_E_ODD, -ENOMEM, -E2BIG
 */
static int read_one(void *userdata, enum guard_kind kind, const char *text, size_t size)
{
	static const char *const keys[] = {[GUARD_RESERVED] = "reserved", [GUARD_GRANTED] = "granted"};
	struct entries *entries = userdata;
	struct pointer *at = &entries->policy.reader.at;
	json_t *element = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	int r;

	if (!element)
		return POLICY_ENTRIES_E_ODD;
	(void)pointer_push_key(at, keys[kind]);
	(void)pointer_push_index(at, entries->indexes[kind]++);
	r = policy_read_entry(&entries->policy, element, kind);
	pointer_pop(at, 0);
	json_decref(element);
	if (r < 0)
		return r;
	return entries->report.errors || entries->report.warnings ? POLICY_ENTRIES_E_ODD : 0;
}

/** split_file() - Read all of the file through the splitter: 0, POLICY_ENTRIES_E_ODD, negative errno */
static int split_file(int fd, struct splitter *splitter)
{
	CLEANUP_FREE char *chunk = malloc(CHUNK_BYTES);
	size_t size = 0;

	if (!chunk)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, chunk, CHUNK_BYTES);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? POLICY_ENTRIES_E_ODD : 0;
		size += (size_t)n;
		r = size > LIMIT_POLICY_FILE ? SPLIT_E_ODD : split_feed(splitter, chunk, (size_t)n);
		if (r)
			return r == SPLIT_E_ODD ? POLICY_ENTRIES_E_ODD : r;
	}
}

/**
 * read_rest() - Read what is left of the document without its entries
 * @entries:	File
 * @splitter:	The rest is complete
 *
 * Return: 0, POLICY_ENTRIES_E_ODD, negative errno
 */
static int read_rest(struct entries *entries, const struct splitter *splitter)
{
	const struct policy_reader *policy = &entries->policy;
	json_t *rest = json_loadb(splitter->rest.bytes, splitter->rest.size, JSON_REJECT_DUPLICATES, NULL);
	int r;

	if (!rest)
		return POLICY_ENTRIES_E_ODD;
	r = policy_read_json(policy->guard, rest, policy->reader.file, "", policy->context, policy->reader.report);
	json_decref(rest);
	return r == REFUSED || policy->reader.report->warnings ? POLICY_ENTRIES_E_ODD : r;
}

/**
 * policy_read_entries() - Add the entries of a file
 * @guard:	Guard, not sealed
 * @source:	The file, from its start
 *
 * Return: 0; POLICY_ENTRIES_E_ODD with guard and file as they were, negative errno
 */
int policy_read_entries(struct guard *guard, const struct policy_source *source)
{
	struct entries entries = {
		.policy = {.reader = {.file = source->path}, .context = source->context, .guard = guard},
		.report = {.heard = ignore},
	};
	SPLIT_CLEANUP struct splitter splitter = {.entry_fn = read_one, .userdata = &entries};
	size_t n_before = guard_n_entries(guard);
	int r;

	entries.policy.reader.report = &entries.report;
	r = split_file(source->fd, &splitter);
	if (r == 0)
		r = read_rest(&entries, &splitter);
	if (r != POLICY_ENTRIES_E_ODD)
		return r;
	guard_rewind(guard, n_before);
	return lseek(source->fd, 0, SEEK_SET) < 0 ? -errno : r;
}
