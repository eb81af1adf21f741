/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_POLICY_SCENE_H
#define TESTS_UNIT_POLICY_SCENE_H

/* What is said of policies that are read, and what they come to, for the tests of policies. */

#include "plugin/policy/policy.h"

/** 2027-06-30, from date(1) */
#define DAY_2027_06_30 20999L

#define CIDR "\"cidr\": \"10.0.0.0/8\""

/** struct heard - Listener that writes down "RULE SEVERITY FILE POINTER: MESSAGE" lines */
struct heard {
	struct report report;
	char text[8192];
	unsigned line;
	unsigned column;
};

void hear(struct report *report, const struct finding *finding);

#define HEARD                                                                                                          \
	{                                                                                                              \
		.report = {.heard = hear }                                                                             \
	}

/* The one line heard begins with @begin and says @clause. */
void assert_heard(const struct heard *heard, const char *begin, const char *clause);

struct guard *new_guard(void);

/* A sealed guard's word on an address. */
bool is_reserved(const struct guard *guard, const char *text);

#endif
