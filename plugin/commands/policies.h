/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_POLICIES_H
#define PLUGIN_COMMANDS_POLICIES_H

/* The policies that a command line names, as a guard; what is wrong with them is said on standard error. */

#include "ipam/guard.h"
#include "plugin/commands/paths.h"

int policies_read(const char *command, const struct path_list *paths, const char *network, struct guard **ret_guard);

#endif
