/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether what a lease was made for is still there. */

#include "plugin/host/liveness.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "plugin/network/attach.h"

/** is_callers_own() - Whether a path leads elsewhere for each process: a relative one, or one below /proc/self */
static bool is_callers_own(const char *path)
{
	static const char *const below[] = {"/proc/self/", "/proc/thread-self/", "/dev/fd/"};

	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++)
		if (strncmp(path, below[i], strlen(below[i])) == 0)
			return true;
	return path[0] != '/';
}

/**
 * liveness_netns() - Whether a lease's namespace is still the one behind its path
 * @lease:	Lease
 *
 * Device and inode recorded at ADD decide: the path may have been reused. When it can't be looked at, or was one that
 * only the caller of that ADD understands, it counts as there: better a lease too many than an interface taken from a
 * living container.
 *
 * Return: whether it is
 */
enum liveness liveness_netns(const struct lease *lease)
{
	struct stat status;

	if (!*lease->netns)
		return LIVENESS_UNKNOWN;
	if (is_callers_own(lease->netns))
		return LIVENESS_THERE;
	if (stat(lease->netns, &status) < 0)
		return errno == ENOENT || errno == ENOTDIR ? LIVENESS_GONE : LIVENESS_THERE;
	return status.st_dev == lease->netns_device && status.st_ino == lease->netns_inode ? LIVENESS_THERE
											   : LIVENESS_GONE;
}

/** liveness_interface() - Whether the host end of @attachment is there; when the kernel does not say, it is */
bool liveness_interface(struct port *host, const struct attachment *attachment)
{
	struct error ignored = {0};
	struct link_info link;
	int r = attach_find(host, attachment, &link, &ignored);

	return r != ATTACH_E_ABSENT && r != ATTACH_E_FOREIGN;
}
