/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back from another network namespace. In a file of its own: tests put another one in its place. */

#include <sched.h>
#include <stdlib.h>

#include "plugin/network/netns.h"
#include "plugin/network/sysctl.h"

/** How often netns_return() tries */
#define RETURN_ATTEMPTS 16

/**
 * netns_return() - Have the calling thread come back into a namespace that it left
 * @own_fd:	Descriptor of the namespace
 *
 * The kernel needs memory for that, which may be short for a moment. Where it does not work in the end, the process
 * ends: nothing that it did from then on would be done where it should be.
 */
void netns_return(int own_fd)
{
	sysctl_return();
	for (unsigned i = 0; i < RETURN_ATTEMPTS; i++)
		if (setns(own_fd, CLONE_NEWNET) == 0)
			return;
	abort();
}
