/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the state could be written, asked without writing. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ipam/store/state_internal.h"
#include "ipam/store/store_lmdb.h"
#include "rangeguard/array.h"

/** can_write() - Whether a file or directory can be written: 0, negative errno (-EROFS, -EPERM for immutable ones) */
static int can_write(const char *path)
{
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/** parent() - Cut the last component off an absolute path; false at the root */
static bool parent(char path[static PATH_MAX])
{
	char *slash = strrchr(path, '/');

	if (!slash || !path[1])
		return false;
	slash[slash == path ? 1 : 0] = '\0';
	return true;
}

/**
 * state_writable() - Whether an ADD could write the state
 * @path:	State directory, which need not be there
 *
 * Return: 0, negative errno of what it would meet
 */
int state_writable(const char *path)
{
	static const char *const files[] = {"", "/" LOCK_FILE, "/" STORE_LMDB_FILE};
	char at[PATH_MAX];
	int r = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(files) && !r; i++) {
		if ((size_t)snprintf(at, sizeof(at), "%s%s", path, files[i]) >= sizeof(at))
			return -ENAMETOOLONG;
		r = can_write(at);
		if (r == -ENOENT && *files[i])
			r = 0;
	}
	if (r != -ENOENT)
		return r;
	(void)snprintf(at, sizeof(at), "%s", path);
	while (r == -ENOENT && parent(at))
		r = can_write(at);
	return r;
}
