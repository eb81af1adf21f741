/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shortest run that still fails. */

#include <stdlib.h>
#include <string.h>

#include "tests/unit/cluster/sim.h"

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/** fails() - Whether the run with only these faults violates the same invariant */
static bool fails(uint64_t seed, const struct sim_config *config, const struct machine_rules *rules,
		  const uint32_t *ids, size_t n, const char *kind)
{
	struct sim_result result;
	bool failed;

	sim_run(seed, config, rules, ids, n, NULL, &result);
	failed = strncmp(result.violation, kind, 2) == 0;
	sim_result_clear(&result);
	return failed;
}

/**
 * sim_shrink() - The fewest faults and operations with which a run still fails (ddmin)
 * @ret_ids:	Their names, sorted, for free()
 *
 * Return: their number; 0: the run does not fail
 */
size_t sim_shrink(uint64_t seed, const struct sim_config *config, const struct machine_rules *rules, uint32_t **ret_ids)
{
	struct sim_result result;
	size_t n, parts = 2;
	uint32_t *ids, *rest;
	char kind[3] = "";

	sim_run(seed, config, rules, NULL, 0, NULL, &result);
	memcpy(kind, result.violation, 2);
	ids = result.fired;
	n = kind[0] ? result.n_fired : 0;
	qsort(ids, n, sizeof(*ids), compare_ids);
	rest = malloc((n + 1) * sizeof(*rest));
	if (!rest)
		abort();
	while (n >= 2) {
		size_t size = (n + parts - 1) / parts, at = 0;

		for (; at < n; at += size) {
			size_t end = at + size < n ? at + size : n, left = n - (end - at);

			memcpy(rest, ids, at * sizeof(*ids));
			memcpy(rest + at, ids + end, (n - end) * sizeof(*ids));
			if (!fails(seed, config, rules, rest, left, kind))
				continue;
			memcpy(ids, rest, left * sizeof(*ids));
			n = left;
			parts = parts > 2 ? parts - 1 : 2;
			break;
		}
		if (at >= n && parts >= n)
			break;
		if (at >= n)
			parts = 2 * parts < n ? 2 * parts : n;
	}
	free(rest);
	*ret_ids = ids;
	return n;
}
