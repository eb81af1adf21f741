/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether what a lease was made for is still there. */

#include "plugin/host/liveness.h"

#include <errno.h>
#include <string.h>

#include "plugin/network/attach.h"
#include "plugin/network/netns.h"
#include "rangeguard/array.h"

/** is_callers_own() - Whether a path leads elsewhere for each process: a relative one, or one below /proc/self */
static bool is_callers_own(const char *path)
{
	static const char *const below[] = {"/proc/self/", "/proc/thread-self/", "/dev/fd/"};

	for (size_t i = 0; i < ARRAY_LENGTH(below); i++)
		if (strncmp(path, below[i], strlen(below[i])) == 0)
			return true;
	return path[0] != '/';
}

/** is_same() - Whether an open namespace is the one that a lease was made for */
static bool is_same(const struct lease *lease, struct netns *netns)
{
	/* An ADD that could not look at it noted its path alone. */
	if (!lease->netns_inode)
		return true;
	if (netns->device != lease->netns_device || netns->inode != lease->netns_inode)
		return false;
	if (!lease->netns_cookie || netns_read_cookie(netns) < 0 || !netns->cookie)
		return true;
	return netns->cookie == lease->netns_cookie;
}

/**
 * liveness_netns() - Whether a lease's namespace is still the one at its path
 * @lease:	Lease
 *
 * What identified it at ADD decides: the path may have been used again, and the inode's number, too. When it can't be
 * looked at, or was one that only the caller of that ADD understands, it counts as there: better a lease too many than
 * an interface taken from a living container.
 *
 * Return: whether it is
 */
enum liveness liveness_netns(const struct lease *lease)
{
	NETNS_CLEANUP struct netns netns = NETNS_INIT;
	int r;

	if (!*lease->netns)
		return LIVENESS_UNKNOWN;
	if (is_callers_own(lease->netns))
		return LIVENESS_THERE;
	r = netns_open(lease->netns, &netns);
	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? LIVENESS_GONE : LIVENESS_THERE;
	/* What podman and others leave at the path when the namespace goes is a plain file. */
	if (r == NETNS_E_NOT_NETNS)
		return LIVENESS_GONE;
	return is_same(lease, &netns) ? LIVENESS_THERE : LIVENESS_GONE;
}

/** has_address() - Whether some namespace has an address of a lease; yes when that can't be found out */
static bool has_address(struct liveness_scan *scan, const struct lease *lease)
{
	bool found;

	if (!scan->read && in_use_read(NULL, &scan->in_use) < 0)
		return true;
	scan->read = true;
	found = scan->in_use.n_closed > 0;
	for (size_t i = 0; i < lease->n_addresses && !found; i++) {
		struct span span = span_of_address(&lease->addresses[i]);

		found = in_use_has(&scan->in_use, &span);
	}
	return found;
}

/**
 * liveness_of() - Whether who holds a lease may still be there
 * @scan:	Begun as zeros, the same for all leases of one walk
 * @lease:	Lease
 *
 * Of one that was adopted the namespace is not known by a path: it lives as long as some namespace has its address.
 */
bool liveness_of(struct liveness_scan *scan, const struct lease *lease)
{
	enum liveness liveness = liveness_netns(lease);

	return liveness == LIVENESS_UNKNOWN ? has_address(scan, lease) : liveness == LIVENESS_THERE;
}

/** liveness_scan_done() - Release what was read */
void liveness_scan_done(struct liveness_scan *scan)
{
	in_use_done(&scan->in_use);
	scan->read = false;
}

/** liveness_interface() - Whether the host end of @lease is there; when the kernel does not say, it is */
bool liveness_interface(struct port *host, const struct lease *lease)
{
	struct error ignored = {0};
	struct link_info link;
	int r = attach_find(host, &lease->attachment, &link, &ignored);

	if (r == ATTACH_E_ABSENT || r == ATTACH_E_FOREIGN)
		r = attach_find_renamed(host, &lease->attachment, lease->addresses, lease->n_addresses, &link,
					&ignored);
	return r != ATTACH_E_ABSENT && r != ATTACH_E_FOREIGN;
}
