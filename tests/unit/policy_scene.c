/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_scene.h"

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <string.h>

void hear(struct report *report, const struct finding *finding)
{
	struct heard *heard = (struct heard *)report;
	size_t length = strlen(heard->text);

	heard->line = finding->line;
	heard->column = finding->column;
	(void)snprintf(heard->text + length, sizeof(heard->text) - length, "%u %c %s %s: %s\n", (unsigned)finding->rule,
		       finding->severity == SEVERITY_ERROR ? 'E' : 'W', finding->file, finding->pointer,
		       finding->message);
}

void assert_heard(const struct heard *heard, const char *begin, const char *clause)
{
	const char *newline = strchr(heard->text, '\n');

	if (!newline || newline[1] || strncmp(heard->text, begin, strlen(begin)) != 0 || !strstr(heard->text, clause))
		fail_msg("heard \"%s\" instead of \"%s\" \"%s\"", heard->text, begin, clause);
}

struct guard *new_guard(void)
{
	struct guard *guard;

	assert_int_equal(guard_new(&guard), 0);
	return guard;
}

bool is_reserved(const struct guard *guard, const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return guard_decide(guard, &address, NULL) == GUARD_E_RESERVED;
}
