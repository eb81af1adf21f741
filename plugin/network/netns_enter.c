/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Into a network namespace. In a file of its own: tests put another one in its place. */

#include <errno.h>
#include <sched.h>

#include "plugin/network/netns.h"
#include "plugin/network/sysctl.h"

/** netns_enter() - Move the calling thread into @netns, until netns_return(): 0, negative errno */
int netns_enter(const struct netns *netns)
{
	if (setns(netns->fd, CLONE_NEWNET) < 0)
		return -errno;
	sysctl_visit();
	return 0;
}
