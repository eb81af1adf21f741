/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_POLICY_POLICY_IMPORT_H
#define PLUGIN_POLICY_POLICY_IMPORT_H

/* The `imports` of a policy file: tables beside it whose rows become reserved entries. Reads files, changes nothing. */

#include "plugin/policy/policy.h"

int policy_read_imports(struct guard *guard, const json_t *policy, const char *file,
			const struct policy_context *context, struct report *report);

#endif
