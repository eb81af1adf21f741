/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks for a seed that violates an invariant, by hand: cluster_explore STEPS [without RULE]… [shape NAME]… [from SEED]
 * [show] [trace]. Prints the seed with its shape; with "show" the shortest trace that still fails, with "trace" all.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/cluster/shapes.h"

struct options {
	const struct sim_config *shapes[32];
	size_t n_shapes;
	struct machine_rules rules;
	uint64_t steps, from;
	bool show, trace;
};

static void read_options(int argc, char **argv, struct options *options)
{
	*options =
		(struct options){.rules = sim_rules(), .steps = argc > 1 ? (uint64_t)strtoull(argv[1], NULL, 10) : 0};
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "show") == 0)
			options->show = true;
		else if (strcmp(argv[i], "trace") == 0)
			options->trace = true;
		else if (i + 1 < argc && strcmp(argv[i], "from") == 0)
			options->from = strtoull(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "without") == 0 && shape_without(&options->rules, argv[i + 1]))
			i++;
		else if (i + 1 < argc && strcmp(argv[i], "shape") == 0 && shape_find(argv[i + 1]))
			options->shapes[options->n_shapes++] = shape_find(argv[++i]);
		else
			exit((fprintf(stderr, "not understood: %s\n", argv[i]), 2));
	}
	for (size_t i = 0; options->n_shapes == 0 && i < n_shapes; i++)
		options->shapes[i] = &shapes[i];
	if (options->n_shapes == 0)
		options->n_shapes = n_shapes;
}

static void show(uint64_t seed, const struct sim_config *config, const struct machine_rules *rules)
{
	struct sim_result result;
	uint32_t *ids;
	size_t n = sim_shrink(seed, config, rules, &ids);

	printf("shrunk to %zu\n", n);
	sim_run(seed, config, rules, ids, n, stdout, &result);
	sim_result_clear(&result);
	free(ids);
}

int main(int argc, char **argv)
{
	struct options options;
	uint64_t steps = 0, sums[7] = {0}, seed;
	int64_t waited = 0;
	clock_t start = clock();

	read_options(argc, argv, &options);
	for (seed = options.from; steps < options.steps; seed++) {
		const struct sim_config *config = options.shapes[seed % options.n_shapes];
		struct sim_result result;

		sim_run(seed, config, &options.rules, NULL, 0, options.trace ? stdout : NULL, &result);
		steps += result.steps;
		waited = result.waited > waited ? result.waited : waited;
		sums[0] += result.claims, sums[1] += result.takeovers, sums[2] += result.fences;
		sums[3] += result.releases, sums[4] += result.renewals, sums[5] += result.block_claims;
		sums[6] += result.block_returns;
		if (result.violation[0] != '\0') {
			printf("seed %llu shape %s after %llu steps: %s\n", (unsigned long long)seed, config->name,
			       (unsigned long long)steps, result.violation);
			if (options.show)
				show(seed, config, &options.rules);
			sim_result_clear(&result);
			return 1;
		}
		sim_result_clear(&result);
	}
	printf("none in %llu steps, %llu runs, longest wait %.2f s, %.0f steps/s; claims %llu takeovers %llu fences %llu releases %llu "
	       "renewals %llu blocks %llu returned %llu\n",
	       (unsigned long long)steps, (unsigned long long)(seed - options.from), (double)waited / 1e6,
	       (double)steps / ((double)(clock() - start + 1) / CLOCKS_PER_SEC), (unsigned long long)sums[0],
	       (unsigned long long)sums[1], (unsigned long long)sums[2], (unsigned long long)sums[3],
	       (unsigned long long)sums[4], (unsigned long long)sums[5], (unsigned long long)sums[6]);
	return 0;
}
