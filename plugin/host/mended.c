/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "plugin/host/mended.h"

#include <string.h>

#include "plugin/host/farewell.h"

/** note() - Tell the history that a container has again what was missing */
static void note(struct recorder *recorder, const struct attachment *attachment, const struct protection *protection,
		 const char *message)
{
	const struct member *member = &protection->member;
	struct lease lease = {.attachment = *attachment, .n_addresses = member->n_addresses};
	struct address sources[FAREWELL_SOURCES_MAX];
	struct history_event event = {
		.name = "mended",
		.lease = &lease,
		.sources = sources,
		.n_sources = farewell_sources(&protection->egress, sources, FAREWELL_SOURCES_MAX),
		.message = message,
	};

	memcpy(lease.addresses, member->addresses, member->n_addresses * sizeof(*member->addresses));
	recorder_note(recorder, &event);
}

/**
 * mended_note() - Tell the history that what protects a container was missing and has been put back
 * @recorder:	NULL: nowhere
 * @attachment:	Whose
 * @protection:	What its lease says
 *
 * Until then its packets to pinned destinations were dropped, at worst.
 */
void mended_note(struct recorder *recorder, const struct attachment *attachment, const struct protection *protection)
{
	note(recorder, attachment, protection,
	     "what protects its packets was missing from the kernel, and has been put back");
}

/** mended_note_routes() - The same of the host's routes to a container, without which nothing reached it; NULL: nowhere */
void mended_note_routes(struct recorder *recorder, const struct attachment *attachment,
			const struct protection *protection)
{
	note(recorder, attachment, protection, "the host's route to it was missing, and has been put back");
}

/** mended_note_table() - Tell history and counters that the nftables table was rebuilt, with all containers; NULL: nowhere */
void mended_note_table(struct recorder *recorder)
{
	const struct lease nobody = {.n_addresses = 0};

	recorder_count(recorder, COUNTER_FENCE_REPAIRS);
	recorder_note(recorder, &(struct history_event){
					.name = "mended",
					.lease = &nobody,
					.message = "the nftables table lacked something, and has been rebuilt with "
						   "all containers"});
}
