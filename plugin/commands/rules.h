/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_RULES_H
#define PLUGIN_COMMANDS_RULES_H

/* What each rule finds and what to do about it, as the README's table has it. Pure. */

#include <stddef.h>

#include "plugin/report/report.h"

/** Space for the texts of a rule; in place, since each pointer in a table costs every start of the program a relocation */
#define RULE_FINDING_MAX 160
#define RULE_REMEDY_MAX 96

/** struct rule_text - A rule in words */
struct rule_text {
	enum rule rule;
	char finding[RULE_FINDING_MAX];
	char remedy[RULE_REMEDY_MAX];
};

/** Space for rules_format() */
#define RULE_TEXT_MAX 16

const struct rule_text *rules_all(size_t *ret_count);
size_t rules_index(enum rule rule);
const char *rules_format(enum rule rule, char buffer[static RULE_TEXT_MAX]);

#endif
