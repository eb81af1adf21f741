/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who can write a policy, or what it imports. */

#include "plugin/policy/writers.h"

#include <stdio.h>
#include <unistd.h>

/**
 * writers_flaw() - Who else than root and the caller can write a file
 * @status:	Its fstat(2), not that of a symlink to it
 * @buffer:	Space for the text
 *
 * Return: NULL when nobody can, or @buffer: "belongs to user 1000, …", what to do
 */
const char *writers_flaw(const struct stat *status, char buffer[static WRITERS_TEXT_MAX])
{
	if (status->st_uid != 0 && status->st_uid != geteuid())
		(void)snprintf(buffer, WRITERS_TEXT_MAX, "belongs to user %u, who can change it; make it root's",
			       (unsigned)status->st_uid);
	else if (status->st_mode & (S_IWGRP | S_IWOTH))
		(void)snprintf(buffer, WRITERS_TEXT_MAX,
			       "is writable by others than its owner (mode %04o); use chmod go-w",
			       (unsigned)(status->st_mode & ALLPERMS));
	else
		return NULL;
	return buffer;
}
