/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_POLICY_WRITERS_H
#define PLUGIN_POLICY_WRITERS_H

/* Who can write a policy, or what it imports, decides what is reserved: that must be root (or the caller) alone. */

#include <sys/stat.h>

/** Space for what writers_flaw() says */
#define WRITERS_TEXT_MAX 512

const char *writers_flaw(const struct stat *status, char buffer[static WRITERS_TEXT_MAX]);
const char *writers_path_flaw(const char *path, char buffer[static WRITERS_TEXT_MAX]);

#endif
