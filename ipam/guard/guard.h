/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_GUARD_H
#define IPAM_GUARD_GUARD_H

/*
 * The guard: which addresses the organisation has reserved, and for whom.
 *
 * Entries (reserved or granted spans) are collected in any order; guard_seal() resolves them into disjoint reserved
 * intervals, in which *the most specific entry has won, as in a routing table; of equally specific ones a reservation
 * beats a grant*, then the earlier entry. Specific means: holds fewer addresses. From then on each path that yields
 * an address or a range asks guard_decide(), guard_touch() or guard_next(), and there is no other way. O(log n) each.
 * A guard that is not sealed refuses everything. Pure, but for one that is read from a file (guard_image.h).
 *
 * Inside there is no pointer: rows, intervals and texts are flat arrays, which can be written to a file and read from it
 * block by block.
 */

#include "ipam/address/address.h"
#include "rangeguard/outcome.h"

enum guard_kind {
	GUARD_RESERVED,
	GUARD_GRANTED,
};

/**
 * struct guard_entry - One line of a policy; the texts are "" where the policy says nothing (to guard_add() also NULL)
 * @kind:	Reserved or granted
 * @span:	Addresses
 * @owner:	Whose it is
 * @reason:	Why
 * @ref:	Ticket or document
 * @network:	Glob over the networks that a grant is for; told, not used: who adds entries leaves others' grants out
 * @file:	Path of the file it stands in, or a name for the network configuration
 * @pointer:	JSON pointer (RFC 6901) in that file, e.g. "/reserved/0"; in a table its line, "line 42"
 */
struct guard_entry {
	enum guard_kind kind;
	struct span span;
	const char *owner;
	const char *reason;
	const char *ref;
	const char *network;
	const char *file;
	const char *pointer;
};

struct guard;

/** Size of guard_fingerprint() */
#define GUARD_DIGEST_BYTES 16

/** Named outcomes beside 0 and negative errno */
enum guard_outcome {
	GUARD_E_RESERVED = OUTCOMES_GUARD,
};

/** What guard_lint() finds */
enum guard_flaw {
	GUARD_FLAW_DUPLICATE,	   /* same kind, span and network as @other, which is earlier and wins */
	GUARD_FLAW_GRANTS_NOTHING, /* a grant without an address that a less specific reservation holds; no @other */
};

/** guard_flaw_fn - Called for each flaw; texts are borrowed from the guard */
typedef void (*guard_flaw_fn)(void *userdata, enum guard_flaw flaw, const struct guard_entry *entry,
			      const struct guard_entry *other);

int guard_new(struct guard **ret_guard);
struct guard *guard_free(struct guard *guard);
void guard_cleanup(struct guard **guard);

int guard_add(struct guard *guard, const struct guard_entry *entry);
void guard_rewind(struct guard *guard, size_t n_entries);
int guard_seal(struct guard *guard);
size_t guard_n_entries(const struct guard *guard);
struct guard_entry guard_entry(const struct guard *guard, size_t index);

bool guard_reserves_any(const struct guard *guard);
int guard_decide(const struct guard *guard, const struct address *address, struct guard_entry *reterr_entry);
int guard_touch(const struct guard *guard, const struct span *span, struct span *reterr_part,
		struct guard_entry *reterr_entry);
int guard_next(const struct guard *guard, const struct span *within, struct span *ret_part);
void guard_fingerprint(const struct guard *guard, uint8_t ret_digest[static GUARD_DIGEST_BYTES]);
int guard_lint(const struct guard *guard, guard_flaw_fn found, void *userdata);

#define GUARD_CLEANUP __attribute__((cleanup(guard_cleanup)))

#endif
