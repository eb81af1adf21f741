/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What protects containers and translates their packets, as CHECK looks at it, for all of them at once, and what is too
 * much or in the way. Nothing is put back.
 */

#include <errno.h>
#include <string.h>

#include "plugin/audit/audit_kernel.h"
#include "plugin/host/guarding.h"
#include "plugin/host/guarding_marks.h"
#include "plugin/host/liveness.h"

/** kernel_done() - Release what is owned */
static void kernel_done(struct kernel *kernel)
{
	wanted_done(&kernel->wanted);
	ruleset_done(&kernel->ruleset);
	host_done(&kernel->host);
}

/** look_at() - The classifier of one container: 0, REFUSED */
static int look_at(struct kernel *kernel, const struct lease *lease, struct error *reterr)
{
	int r = protection_look(&kernel->host, &lease->attachment, reterr);

	kernel->guarded |= lease->anti_spoof;
	if (r != GUARDING_E_MISSING)
		return r;
	report_error(
		kernel->audit->report, RULE_UNPROTECTED, kernel->audit->data_dir, "",
		"the classifier at the host end of %.64s %s of network %s is missing, comes after another filter or "
		"program, or knows something else of the container than its lease says: it may send with others' "
		"addresses, or not at all, until its next CHECK, or the agent, puts it back",
		lease->attachment.container_id, lease->attachment.ifname, lease->attachment.network);
	return 0;
}

/** look_at_all() - The classifier of each container: 0, REFUSED */
static int look_at_all(struct kernel *kernel, struct error *reterr)
{
	int r = 0;

	for (size_t i = 0; i < kernel->leases->n && !r; i++) {
		struct lease lease = lease_set_get(kernel->leases, i);

		r = look_at(kernel, &lease, reterr);
	}
	kernel->guarded |= kernel->wanted.pinned.n > 0;
	return r;
}

/** compare() - All of it, once what it is compared with has been read: 0, negative errno */
static int compare(struct kernel *kernel)
{
	int r = audit_ruleset(kernel);

	if (!r)
		r = audit_elements(kernel);
	if (!r)
		r = audit_rules(kernel);
	if (!r)
		r = audit_routes(kernel);
	if (!r)
		audit_others(kernel);
	return r;
}

/**
 * audit_protection() - Look at what protects containers
 * @audit:	What is audited
 * @leases:	Leases of its state directory
 * @inventory:	Host ends of ours
 * @reterr:	Codes 11, 106, 107
 *
 * Return: 0, REFUSED, negative errno
 */
int audit_protection(const struct audit *audit, const struct lease_set *leases, const struct inventory *inventory,
		     struct error *reterr)
{
	CLEANUP(kernel_done) struct kernel kernel = {.audit = audit, .leases = leases, .inventory = inventory};

	if (host_open(audit->data_dir, &kernel.host, reterr))
		return REFUSED;
	guarding_adopt_marks(&kernel.host);
	if (wanted_read(&kernel.host, &kernel.wanted, reterr) || ruleset_read(&kernel.host, &kernel.ruleset, reterr) ||
	    look_at_all(&kernel, reterr))
		return REFUSED;
	return compare(&kernel);
}
