/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy of a network: the files that its configuration names, what is published in the cluster, its own entries. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "plugin/policy/policy.h"
#include "plugin/policy/policy_record.h"
#include "rangeguard/cleanup.h"

/**
 * policy_read_published() - Add what is published in the cluster, which the agent keeps in the state directory
 * @guard:	Guard, not sealed
 * @data_dir:	State directory; who opens it for leases checks whose it is
 * @context:	For whom and when
 * @report:	Hears what is wrong
 *
 * A file that is not known to be absent is read: whoever can't says why, and nothing passes unguarded. Only people who
 * are not root, and must not look into the directory, are merely told so.
 *
 * Return: as policy_read_path()
 */
int policy_read_published(struct guard *guard, const char *data_dir, const struct policy_context *context,
			  struct report *report)
{
	char path[LIMIT_PATH + sizeof("/" NETCONF_PUBLISHED)];
	int error;

	(void)snprintf(path, sizeof(path), "%s/" NETCONF_PUBLISHED, data_dir);
	error = faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
	if (error == ENOENT || error == ENOTDIR)
		return context->record ? policy_record_absent(context->record, path) : 0;
	if (error == EACCES && geteuid() != 0) {
		report_warning(
			report, RULE_POLICY, path, "",
			"only root can see whether anything is published in the cluster, which would count, too");
		return 0;
	}
	return policy_read_path(guard, path, false, context, report);
}

/**
 * policy_add_netconf() - Add all entries that hold for a configuration
 * @guard:	Guard, not sealed
 * @netconf:	Configuration; with a state directory also what is published in the cluster
 * @context:	For whom and when
 * @report:	Hears what is wrong
 *
 * Return: 0, REFUSED when errors were reported, negative errno
 */
int policy_add_netconf(struct guard *guard, const struct netconf *netconf, const struct policy_context *context,
		       struct report *report)
{
	const struct netconf_guard *config = &netconf->guard;
	unsigned errors = report->errors;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < config->n_policies; i++)
		r = policy_read_path(guard, config->policies[i], config->policies_default, context, report);
	if (r >= 0 && netconf->data_dir)
		r = policy_read_published(guard, netconf->data_dir, context, report);
	if (r >= 0 && config->inline_policy)
		r = policy_read_json(guard, config->inline_policy, netconf->file, config->pointer, context, report);
	if (r < 0)
		return r;
	return report->errors != errors ? REFUSED : 0;
}

/**
 * policy_read_netconf() - The guard of a configuration
 * @netconf:	Configuration
 * @today:	Days since 1970-01-01 UTC
 * @record:	NULL, or a record that has begun, of all that the guard is made of
 * @ret_guard:	Sealed guard, to be freed with guard_free()
 * @report:	Hears what is wrong
 *
 * Return: 0, REFUSED when errors were reported, negative errno
 */
int policy_read_netconf(const struct netconf *netconf, long today, struct policy_record *record,
			struct guard **ret_guard, struct report *report)
{
	const struct policy_context context = {.network = netconf->name, .today = today, .record = record};
	GUARD_CLEANUP struct guard *guard = NULL;
	int r;

	r = guard_new(&guard);
	if (r == 0)
		r = policy_add_netconf(guard, netconf, &context, report);
	if (r == 0)
		r = guard_seal(guard);
	if (r == 0)
		*ret_guard = TAKE_PTR(guard);
	return r;
}
