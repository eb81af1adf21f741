/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

/* A directory of one test's own, in $TMPDIR or /tmp, removed with all that is in it. */

#include <stddef.h>

/** Space for a path below a scratch directory */
#define SCRATCH_PATH_MAX 512

struct scratch {
	char path[SCRATCH_PATH_MAX];
};

void scratch_make(struct scratch *scratch);
void scratch_remove(const struct scratch *scratch);
/* "SCRATCH/name" */
void scratch_path(const struct scratch *scratch, const char *name, char ret_path[static SCRATCH_PATH_MAX]);
/* Open descriptors of this process, the one for counting not counted. */
size_t scratch_count_fds(void);

#endif
