/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_RULES_H
#define PLUGIN_COMMANDS_RULES_H

/* What each rule finds and what to do about it, as the README's table has it. Pure. */

#include <stddef.h>

#include "plugin/report/report.h"

/** struct rule_text - A rule in words */
struct rule_text {
	enum rule rule;
	const char *finding;
	const char *remedy;
};

/** Space for rules_format() */
#define RULE_TEXT_MAX 16

const struct rule_text *rules_all(size_t *ret_count);
size_t rules_index(enum rule rule);
const char *rules_format(enum rule rule, char buffer[static RULE_TEXT_MAX]);

#endif
