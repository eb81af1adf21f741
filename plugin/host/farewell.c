/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a lease, for the history. */

#include "plugin/host/farewell.h"

#include <stdlib.h>

/** farewell_keep() - Keep @lease, whose texts are gone with its row; where that fails, the history lacks an event */
void farewell_keep(struct farewell *farewell, const struct lease *lease)
{
	if (farewell->recorder && farewell->recorder->history.path && !farewell->row)
		(void)lease_encode(lease, &farewell->row, &farewell->size);
}

/** is_known() - Whether @source is among @sources */
static bool is_known(const struct address *sources, size_t n, const struct address *source)
{
	for (size_t i = 0; i < n; i++)
		if (address_equal(&sources[i], source))
			return true;
	return false;
}

/**
 * farewell_sources() - The addresses of pins, each once; masquerading has none
 * @egress:		Clauses
 * @ret_sources:	Space for @limit of them
 * @limit:		How many are looked for
 *
 * Return: how many there are
 */
size_t farewell_sources(const struct egress *egress, struct address *ret_sources, size_t limit)
{
	size_t n = 0;

	for (size_t i = 0; i < egress->n_clauses && n < limit; i++) {
		const struct address *source = &egress->clauses[i].source;

		if (source->family != FAMILY_NONE && !is_known(ret_sources, n, source))
			ret_sources[n++] = *source;
	}
	return n;
}

/** farewell_note() - Tell the history that a lease has ended, for a @reason, its packets having left by @egress */
void farewell_note(const struct farewell *farewell, enum release_reason reason, const struct egress *egress)
{
	static const char *const names[] = {
		[RELEASE_UNDO] = "undo",
		[RELEASE_DEL] = "del",
		[RELEASE_GC] = "gc",
		[RELEASE_RECLAIM] = "reclaim",
	};
	struct address sources[FAREWELL_SOURCES_MAX];
	struct history_event event = {.name = names[reason]};
	struct lease lease;

	if (reason == RELEASE_GC)
		recorder_count(farewell->recorder, COUNTER_GC_REMOVED);
	else if (reason == RELEASE_RECLAIM)
		recorder_count(farewell->recorder, COUNTER_RECLAIMED);
	if (!farewell->row || lease_decode(bytes_of(farewell->row, farewell->size), &lease))
		return;
	event.lease = &lease;
	event.sources = sources;
	event.n_sources = farewell_sources(egress, sources, FAREWELL_SOURCES_MAX);
	recorder_note(farewell->recorder, &event);
}

/** farewell_done() - Release what is owned */
void farewell_done(struct farewell *farewell)
{
	free(farewell->row);
	farewell->row = NULL;
}
