/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cluster's state machine in the simulator: three million steps of runs whose faults follow from printed
 * seeds, and each rule of the protocol taken out once. RANGEGUARD_LONG_TESTS=N makes it N times as many steps, from
 * other seeds.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cluster/shapes.h"

#define STEPS 3000000U

/** explain() - The shortest trace of a run that failed */
static void explain(uint64_t seed, const struct sim_config *config, const struct machine_rules *rules)
{
	struct sim_result result;
	uint32_t *ids;
	size_t n = sim_shrink(seed, config, rules, &ids);

	(void)fprintf(stderr, "seed %llu, shape %s, shrunk to %zu faults and operations:\n", (unsigned long long)seed,
		      config->name, n);
	sim_run(seed, config, rules, ids, n, stderr, &result);
	sim_result_clear(&result);
	free(ids);
}

/** long_factor() - How many times as many steps are wanted */
static uint64_t long_factor(void)
{
	const char *text = getenv("RANGEGUARD_LONG_TESTS");
	uint64_t factor = 0;

	for (; text && *text >= '0' && *text <= '9' && factor < 100000; text++)
		factor = 10 * factor + (uint64_t)(*text - '0');
	return factor;
}

/** add_up() - What happened in all runs */
static void add_up(struct sim_result *sum, const struct sim_result *result)
{
	sum->steps += result->steps;
	sum->claims += result->claims;
	sum->takeovers += result->takeovers;
	sum->fences += result->fences;
	sum->releases += result->releases;
	sum->renewals += result->renewals;
	sum->block_claims += result->block_claims;
	sum->block_returns += result->block_returns;
	sum->waited = result->waited > sum->waited ? result->waited : sum->waited;
}

static void nothing_is_violated_in_millions_of_steps(void **state)
{
	struct machine_rules rules = sim_rules();
	uint64_t factor = long_factor(), first = factor ? 1000000 : 0, seed;
	struct sim_result sum = {0};

	(void)state;
	for (seed = first; sum.steps < STEPS * (factor ? factor : 1); seed++) {
		const struct sim_config *config = &shapes[seed % n_shapes];
		struct sim_result result;

		sim_run(seed, config, &rules, NULL, 0, NULL, &result);
		add_up(&sum, &result);
		if (result.violation[0] != '\0')
			explain(seed, config, &rules);
		assert_string_equal(result.violation, "");
		sim_result_clear(&result);
	}
	print_message("seeds %llu to %llu, %llu steps: %u claims, %u takeovers, %u fences, %u releases, %u renewals, "
		      "%u blocks, %u returned, longest wait %.2f s\n",
		      (unsigned long long)first, (unsigned long long)seed - 1, (unsigned long long)sum.steps,
		      sum.claims, sum.takeovers, sum.fences, sum.releases, sum.renewals, sum.block_claims,
		      sum.block_returns, (double)sum.waited / 1e6);
	/* A simulator in which nothing happens violates nothing either. */
	assert_true(sum.claims > 2000 && sum.takeovers > 300 && sum.fences > 150 && sum.releases > 1000);
	assert_true(sum.block_claims > 500 && sum.block_returns > 200);
}

/** struct mutant - With the rule out (NULL: in a shape that breaks one), this run violates this invariant */
struct mutant {
	const char *rule;
	const char *shape;
	uint64_t seed;
	const char *invariant;
};

#include "tests/unit/cluster/mutants.h"

static void each_rule_that_is_taken_out_is_missed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++) {
		const struct mutant *mutant = &mutants[i];
		const struct sim_config *config = shape_find(mutant->shape);
		struct machine_rules rules = sim_rules();
		struct sim_result result;

		assert_non_null(config);
		if (mutant->rule) {
			sim_run(mutant->seed, config, &rules, NULL, 0, NULL, &result);
			assert_string_equal(result.violation, "");
			sim_result_clear(&result);
			assert_true(shape_without(&rules, mutant->rule));
		}
		sim_run(mutant->seed, config, &rules, NULL, 0, NULL, &result);
		print_message("%s, %s: %s\n", mutant->rule ? mutant->rule : "-", mutant->shape, result.violation);
		assert_memory_equal(result.violation, mutant->invariant, 2);
		sim_result_clear(&result);
	}
}

/** A run with a fault that was cut down is the same each time, and its trace says what happened */
static void a_failing_run_is_shrunk_to_a_few_faults(void **state)
{
	const struct sim_config *config = shape_find("two-moves");
	struct machine_rules rules = sim_rules();
	struct sim_result all, few;
	uint32_t *ids;
	size_t n;

	(void)state;
	assert_true(shape_without(&rules, "fence_before_source"));
	for (uint64_t seed = 0;; seed++) {
		sim_run(seed, config, &rules, NULL, 0, NULL, &all);
		if (all.violation[0] == '\0') {
			sim_result_clear(&all);
			continue;
		}
		n = sim_shrink(seed, config, &rules, &ids);
		sim_run(seed, config, &rules, ids, n, NULL, &few);
		break;
	}
	assert_memory_equal(few.violation, "I1", 2);
	assert_true(n > 0 && 2 * n < all.n_fired);
	sim_result_clear(&all);
	sim_result_clear(&few);
	free(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_violated_in_millions_of_steps),
		cmocka_unit_test(each_rule_that_is_taken_out_is_missed),
		cmocka_unit_test(a_failing_run_is_shrunk_to_a_few_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
