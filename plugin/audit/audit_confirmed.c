/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A verb that runs while a host is looked at has changed one side and not yet the other. So what is found is looked for
 * again, when the verbs that were at work are done, and told when it was there each time. Others may be at work by then,
 * and may be as far as the first were: so more than twice.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/store/state.h"
#include "plugin/audit/audit.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** Rules of the audit; what is wrong with configurations is told when policies are judged */
#define FIRST_RULE RULE_NO_LEASE
#define LAST_RULE 499
/** How often a finding is looked for after the first time */
#define CONFIRMATIONS 3U

/** struct told - A finding; its text owned */
struct told {
	enum rule rule;
	enum severity severity;
	char *message;
};

/** struct collector - A listener that keeps what it hears; owned */
struct collector {
	struct report report;
	struct told *all;
	size_t n;
	size_t capacity;
	bool failed;
};

static void collector_done(struct collector *collector)
{
	for (size_t i = 0; i < collector->n; i++)
		free(collector->all[i].message);
	free(collector->all);
}

/** keep() - Listener */
static void keep(struct report *report, const struct finding *finding)
{
	struct collector *collector = (struct collector *)report;
	struct told *all;

	if (finding->rule < FIRST_RULE || (int)finding->rule > LAST_RULE)
		return;
	all = array_room(collector->all, collector->n, &collector->capacity, sizeof(*all));
	collector->all = all ? all : collector->all;
	if (all)
		all[collector->n] = (struct told){finding->rule, finding->severity, strdup(finding->message)};
	if (all && all[collector->n].message)
		collector->n++;
	else
		collector->failed = true;
}

/** look() - Look once: as audit_look_fn */
static int look(const struct audit *audit, audit_look_fn look_at, struct collector *collector, struct error *reterr)
{
	struct audit once = *audit;
	int r;

	collector->report.heard = keep;
	once.report = &collector->report;
	r = look_at(&once, reterr);
	return r ? r : collector->failed ? -ENOMEM : 0;
}

/** has() - Whether a finding was heard */
static bool has(const struct collector *collector, const struct told *wanted)
{
	for (size_t i = 0; i < collector->n; i++)
		if (collector->all[i].rule == wanted->rule && strcmp(collector->all[i].message, wanted->message) == 0)
			return true;
	return false;
}

/** settle() - Wait until verbs on attachments that have leases are done: each has its attachment's lock */
static void settle(const struct audit *audit)
{
	LEASE_SET_CLEANUP struct lease_set leases = {0};
	STATE_CLEANUP struct state state = STATE_INIT;

	if (lease_set_read(audit->data_dir, NULL, &leases) || state_open(audit->data_dir, STATE_UPDATE, &state))
		return;
	for (size_t i = 0; i < leases.n; i++) {
		struct lease lease = lease_set_get(&leases, i);
		uint64_t hash = attachment_hash(&lease.attachment);

		if (state_lock_attachment(&state, hash, LIMIT_LOCK_WAIT_MS) == 0)
			state_unlock_attachment(&state, hash);
	}
}

/** tell() - Report what was found each time */
static void tell(const struct audit *audit, const struct collector *found)
{
	for (size_t i = 0; i < found->n; i++) {
		const struct told *kept = &found->all[i];

		if (kept->severity == SEVERITY_ERROR)
			report_error(audit->report, kept->rule, audit->data_dir, "", "%s", kept->message);
		else
			report_warning(audit->report, kept->rule, audit->data_dir, "", "%s", kept->message);
	}
}

/** keep_common() - Leave of what was found only what was found now as well */
static void keep_common(struct collector *found, const struct collector *now)
{
	size_t n = 0;

	for (size_t i = 0; i < found->n; i++) {
		if (has(now, &found->all[i]))
			found->all[n++] = found->all[i];
		else
			free(found->all[i].message);
	}
	found->n = n;
}

/**
 * audit_confirmed() - Report what is found each time
 * @audit:	What
 * @look_at:	Looks
 * @reterr:	Filled for REFUSED
 *
 * Return: as audit_look_fn
 */
int audit_confirmed(const struct audit *audit, audit_look_fn look_at, struct error *reterr)
{
	CLEANUP(collector_done) struct collector found = {.n = 0};
	int r = look(audit, look_at, &found, reterr);

	for (unsigned i = 0; i < CONFIRMATIONS && !r && found.n; i++) {
		CLEANUP(collector_done) struct collector now = {.n = 0};

		settle(audit);
		r = look(audit, look_at, &now, reterr);
		keep_common(&found, &now);
	}
	if (!r)
		tell(audit, &found);
	return r;
}
