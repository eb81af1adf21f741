/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the drafts of the protocol broke: each trace is replayed on the agent's own state machine, with all rules, where
 * nothing may be violated, and without the rule that was made of it, where the trace must break it again.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cluster/shapes.h"
#include "tests/unit/cluster/traces.h"

/** How long messages take differs by the seed; a trace must tell the same with each */
#define SEEDS 5U

/** take_out() - One rule, or let be what the contract forbids; false: there is no such thing */
static bool take_out(const char *name, struct machine_rules *rules, struct sim_config *config)
{
	if (strcmp(name, "one deadline per host") == 0)
		return config->host_deadline = true;
	if (strcmp(name, "deadlines in the store") == 0)
		return config->store_deadlines = true;
	if (strcmp(name, "several agents") == 0)
		return config->no_lock = true;
	if (strcmp(name, "quick restores") == 0)
		return config->quick_restore = true;
	return shape_without(rules, name);
}

/** take_all_out() - Rules that are named with commas between them */
static void take_all_out(const char *names, struct machine_rules *rules, struct sim_config *config)
{
	char one[64];

	while (*names) {
		size_t length = strcspn(names, ",");

		assert_true(length < sizeof(one));
		memcpy(one, names, length);
		one[length] = '\0';
		assert_true(take_out(one, rules, config));
		names += length + (names[length] == ',');
	}
}

/**
 * run_as() - One run of a trace
 * @trace:	Trace
 * @seed:	How long messages take
 * @config:	Its shape
 * @rules:	Rules that are in
 * @wanted:	What it must violate, "": nothing
 *
 * A run that ends otherwise is printed.
 *
 * Return: whether it ended as it must
 */
static bool run_as(const struct trace *trace, uint64_t seed, const struct sim_config *config,
		   const struct machine_rules *rules, const char *wanted)
{
	struct sim_result result;
	bool good;

	sim_run(seed, config, rules, NULL, 0, NULL, &result);
	good = *wanted ? strncmp(result.violation, wanted, 2) == 0 && result.played == config->n_script
		       : !*result.violation;
	if (!good) {
		(void)fprintf(stderr,
			      "%s, seed %llu, must violate \"%s\", and ended with \"%s\" after %zu of %zu lines:\n",
			      trace->model ? trace->model : trace->without, (unsigned long long)seed, wanted,
			      result.violation, result.played, config->n_script);
		sim_result_clear(&result);
		sim_run(seed, config, rules, NULL, 0, stderr, &result);
	}
	sim_result_clear(&result);
	return good;
}

/** replay() - One trace with one seed, with the rule and without it: whether both end as they must */
static bool replay(const struct trace *trace, uint64_t seed)
{
	struct sim_config config = trace->config;
	struct machine_rules rules = sim_rules();

	if (!run_as(trace, seed, &config, &rules, ""))
		return false;
	take_all_out(trace->without, &rules, &config);
	return run_as(trace, seed, &config, &rules, trace->invariant);
}

static void each_trace_breaks_only_what_lacks_its_rule(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
		for (uint64_t seed = 0; seed < SEEDS; seed++)
			bad += !replay(&traces[i], seed);
	}
	assert_int_equal(bad, 0);
}

/*
 * Two rules can be taken out, alone or together, and nothing breaks: that a claim requires alive/SELF as it was
 * (claim_needs_alive), and that it goes after a renewal that counts (renew_before_claim). The others imply them:
 *
 * - A host sends until (the moment before a renewal of epoch E was sent) + ttl - m, for a renewal that counted, and not a
 *   moment longer, whenever its claim was made, happened or was answered: a claim prolongs nothing.
 * - It sends with a source only while the record names it with E: what it hears or reads otherwise closes it.
 * - Who takes a source from a record with E does so on the condition that the alive record of that host is still what it was:
 *   fenced, or of another epoch. Either became so only after E had been unchanged for ttl, or by the host itself, after it had
 *   closed everything; so when every deadline that E ever gave is past. When the record came to name E does not matter.
 *
 * They stay, since each spares a detour: a claim that could not be used, which others would have to take over. What the
 * argument may have overlooked is searched for: a claim that is late by any time, by a host that meets with anything.
 */

/** What becomes of the host whose claim is late; @about, @at: when */
static const struct sim_line fates[] = {
	WANTS(700, 0),
	WANTS(2500, 0),
	{450, FAULT_PAUSE, 0, "after " S0, 900, 0},
	{450, FAULT_PAUSE, 0, "after " S0, 3000, 0},
	{450, FAULT_PAUSE, 0, "after " S0, 5200, 0},
	{450, FAULT_PAUSE, 0, "after " S0, 9000, 0},
	{560, FAULT_AGENT_KILLED, 0, NULL, 150, 0},
	{560, FAULT_AGENT_KILLED, 0, NULL, 2900, 0},
	{560, FAULT_HOST_CRASH, 0, NULL, 600, 0},
	{560, FAULT_HOST_CRASH, 0, NULL, 5000, 0},
	{560, FAULT_PARTITION, 0, NULL, 2000, 0},
	{560, FAULT_PARTITION, 0, NULL, 6000, 0},
	{560, FAULT_PARTITION, 0, NULL, 11000, 0},
};

/** struct search - Where the search is, and what it has seen */
struct search {
	struct sim_line script[6];
	struct sim_config config;
	uint64_t runs;
	uint64_t differ;
};

/** try_without() - One run: nothing is violated without the rules */
static void try_without(struct search *search, const char *without)
{
	struct machine_rules rules = sim_rules();
	struct sim_result with, result;

	sim_run(1, &search->config, &rules, NULL, 0, NULL, &with);
	take_all_out(without, &rules, &search->config);
	sim_run(1, &search->config, &rules, NULL, 0, NULL, &result);
	if (*result.violation || *with.violation) {
		sim_result_clear(&result);
		sim_run(1, &search->config, &rules, NULL, 0, stderr, &result);
	}
	assert_string_equal(with.violation, "");
	assert_string_equal(result.violation, "");
	search->runs++;
	search->differ += with.claims != result.claims || with.steps != result.steps;
	sim_result_clear(&with);
	sim_result_clear(&result);
}

/** try_late() - A claim of host 0 that is late by @late, or comes again then, while host 1 wants the source from @other on */
static void try_late(struct search *search, const struct sim_line *fate, int64_t late, int64_t other)
{
	static const char *const without[] = {"claim_needs_alive", "renew_before_claim",
					      "claim_needs_alive,renew_before_claim"};
	static const enum fault kinds[] = {FAULT_DELAY, FAULT_DUPLICATE};

	for (size_t i = 0; i < 2 * sizeof(without) / sizeof(without[0]); i++) {
		search->script[0] = (struct sim_line){400, kinds[i & 1], 0, S0, late, 0};
		search->script[1] = (struct sim_line)WANTS(500, 0);
		search->script[2] = *fate;
		search->script[3] = (struct sim_line)WANTS(other, 1);
		search->script[4] = (struct sim_line)WANTS(9000, 0);
		try_without(search, without[i / 2]);
	}
}

static void a_claim_that_is_late_breaks_nothing_without_two_rules(void **state)
{
	static const int64_t others[] = {600, 1900, 4000};
	struct search search = {.config = {HOSTS(2), SLOW_AND_FAST}};

	(void)state;
	search.config.script = search.script;
	search.config.n_script = 5;
	for (int fast = 0; fast < 2; fast++) {
		search.config.rates[0] = fast ? 1100 : 900;
		search.config.rates[1] = fast ? 900 : 1100;
		for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++) {
			for (int64_t late = 300; late < 9000; late += 700) {
				for (size_t j = 0; j < sizeof(others) / sizeof(others[0]); j++)
					try_late(&search, &fates[i], late, others[j]);
			}
		}
	}
	print_message("%llu runs, of which %llu differ from those with the rules\n", (unsigned long long)search.runs,
		      (unsigned long long)search.differ);
	/* A rule without which nothing goes another way is not out. */
	assert_true(search.differ > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_trace_breaks_only_what_lacks_its_rule),
		cmocka_unit_test(a_claim_that_is_late_breaks_nothing_without_two_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
