/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the namespace that a lease was made for is still there. */

#include "plugin/verbs/liveness.h"

#include <sys/stat.h>

/**
 * liveness_netns() - Whether a lease's namespace is still the one behind its path
 * @lease:	Lease
 *
 * Device and inode recorded at ADD decide: the path may have been reused.
 *
 * Return: whether it is
 */
bool liveness_netns(const struct lease *lease)
{
	struct stat status;

	return *lease->netns && stat(lease->netns, &status) == 0 && status.st_dev == lease->netns_device &&
	       status.st_ino == lease->netns_inode;
}
