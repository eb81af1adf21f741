/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "plugin/policy/published.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/**
 * published_add() - What is published in the cluster is one more policy
 * @guard:	Its policies as configured, at most LIMIT_POLICY_PATHS; called once
 * @data_dir:	State directory
 * @path:	Space for the file's path, as long as @guard is used
 *
 * A file that is not known to be absent is added: whoever reads it then says why it can't be read, and nothing passes
 * unguarded.
 */
void published_add(struct netconf_guard *guard, const char *data_dir, char path[static PUBLISHED_PATH_MAX])
{
	(void)snprintf(path, PUBLISHED_PATH_MAX, "%s/" NETCONF_PUBLISHED, data_dir);
	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return;
	guard->policies[guard->n_policies++] = path;
}
