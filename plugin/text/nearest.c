/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nearest name. Pure. */

#include "plugin/text/nearest.h"

#include <string.h>
#include <strings.h>

/** Keys further apart than this many edits are no misspelling of one another */
#define NEAR_EDITS 2U
/** Longest key that is compared */
#define NEAR_KEY_MAX 32U

/** distance_of() - Levenshtein distance of @a and @b without regard to case, more than NEAR_EDITS for long names */
static unsigned distance_of(const char *a, const char *b)
{
	size_t length_a = strlen(a), length_b = strlen(b);
	unsigned row[NEAR_KEY_MAX + 1];

	if (length_a > NEAR_KEY_MAX || length_b > NEAR_KEY_MAX)
		return NEAR_EDITS + 1;
	for (unsigned j = 0; j <= length_b; j++)
		row[j] = j;
	for (unsigned i = 1; i <= length_a; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= length_b; j++) {
			unsigned replace = diagonal + (strncasecmp(&a[i - 1], &b[j - 1], 1) != 0);
			unsigned least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = replace < least ? replace : least;
		}
	}
	return row[length_b];
}

/**
 * nearest_name() - The name that a text is a likely misspelling of
 * @text:	Text
 * @names:	Names, NULL behind the last
 *
 * Return: one of @names, NULL when none is near
 */
const char *nearest_name(const char *text, const char *const *names)
{
	unsigned least = strlen(text) > NEAR_EDITS + 1 ? NEAR_EDITS + 1 : NEAR_EDITS;
	const char *nearest = NULL;

	for (; *names; names++) {
		unsigned distance = distance_of(text, *names);

		if (distance < least) {
			least = distance;
			nearest = *names;
		}
	}
	return nearest;
}
