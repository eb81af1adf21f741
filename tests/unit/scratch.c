/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <dirent.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void scratch_make(struct scratch *scratch)
{
	const char *parent = getenv("TMPDIR");

	(void)snprintf(scratch->path, sizeof(scratch->path), "%s/rangeguard-test-XXXXXX", parent ? parent : "/tmp");
	assert_non_null(mkdtemp(scratch->path));
}

void scratch_remove(const struct scratch *scratch)
{
	char path[SCRATCH_PATH_MAX];
	char *paths[] = {path, NULL};
	FTSENT *entry;
	FTS *tree;

	(void)snprintf(path, sizeof(path), "%s", scratch->path);
	tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	assert_non_null(tree);
	while ((entry = fts_read(tree)))
		if (entry->fts_info != FTS_D)
			(void)remove(entry->fts_accpath);
	(void)fts_close(tree);
}

void scratch_path(const struct scratch *scratch, const char *name, char ret_path[static SCRATCH_PATH_MAX])
{
	assert_in_range(snprintf(ret_path, SCRATCH_PATH_MAX, "%s/%s", scratch->path, name), 1, SCRATCH_PATH_MAX - 1);
}

size_t scratch_count_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(directory);
	while (readdir(directory))
		n++;
	(void)closedir(directory);
	return n;
}
