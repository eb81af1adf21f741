/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_POLICY_POLICIES_H
#define PLUGIN_POLICY_POLICIES_H

/* The policies that a command line names, as a guard; what is wrong with them is said on standard error. */

#include "ipam/guard/guard.h"
#include "plugin/text/paths.h"

int policies_check(const char *command, const struct path_list *paths);
int policies_read(const char *command, const struct path_list *paths, const char *network, struct guard **ret_guard);

#endif
