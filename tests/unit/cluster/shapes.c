/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/cluster/shapes.h"

#include <string.h>

#define SHAPE(text, n_hosts, n_sources, n_blocks, operation)                                                           \
	.name = (text), .hosts = (n_hosts), .sources = (n_sources), .blocks = (n_blocks), .until = 60 * SIM_SECOND,    \
	.operations = (operation)
#define BOOST(delay, duplicate, pause, killed, crash)                                                                  \
	.boosted = true,                                                                                               \
	.boost = {[FAULT_DELAY] = (delay),   [FAULT_DUPLICATE] = (duplicate), [FAULT_LOST_ANSWER] = 60000,             \
		  [FAULT_PAUSE] = (pause),   [FAULT_AGENT_KILLED] = (killed), [FAULT_HOST_CRASH] = (crash),            \
		  [FAULT_PARTITION] = 20000, [FAULT_ENGINE_DOWN] = 5000}

const struct sim_config shapes[] = {
	{SHAPE("three", 3, 2, 3, 5 * SIM_SECOND)},
	{SHAPE("two", 2, 1, 2, 5 * SIM_SECOND)},
	{SHAPE("four", 4, 2, 4, 5 * SIM_SECOND)},
	{SHAPE("five", 5, 1, 4, 5 * SIM_SECOND)},
	{SHAPE("choice", 4, 2, 0, 3 * SIM_SECOND), .one_pin = true},
	{SHAPE("sources", 3, 1, 0, 5 * SIM_SECOND)},
	{SHAPE("asked", 3, 2, 0, 2 * SIM_SECOND), .asked = true},
	{SHAPE("clone", 3, 2, 3, 5 * SIM_SECOND), .clone = true},
	{SHAPE("blocks", 3, 0, 4, SIM_SECOND)},
	{SHAPE("moves", 3, 1, 0, SIM_SECOND)},
	{SHAPE("few-blocks", 2, 0, 3, 2 * SIM_SECOND)},
	{SHAPE("two-moves", 3, 2, 0, 2 * SIM_SECOND)},
	{SHAPE("late", 3, 1, 0, SIM_SECOND), BOOST(150000, 100000, 10000, 120000, 5000)},
	{SHAPE("stopped", 2, 1, 0, SIM_SECOND), BOOST(80000, 150000, 30000, 60000, 0)},
	{SHAPE("late-crash", 3, 2, 0, 2 * SIM_SECOND), BOOST(200000, 100000, 5000, 40000, 20000)},
	{SHAPE("late-blocks", 2, 0, 5, 400000), BOOST(250000, 100000, 5000, 60000, 150000)},
	{SHAPE("crowd", 4, 1, 0, SIM_SECOND), BOOST(60000, 60000, 40000, 60000, 20000)},
	{SHAPE("killed", 2, 1, 0, SIM_SECOND), BOOST(250000, 50000, 2000, 200000, 0)},
	{SHAPE("forget-clone", 3, 2, 0, 5 * SIM_SECOND), .clone = true, .forget = true, .grace = 2 * SIM_SECOND},
	{SHAPE("restore", 3, 2, 0, 5 * SIM_SECOND), .restore = true, .grace = 2 * SIM_SECOND},
	{SHAPE("restore-moves", 3, 1, 0, SIM_SECOND), .restore = true, .grace = 2 * SIM_SECOND},
	{SHAPE("slow-ttl", 3, 2, 0, 5 * SIM_SECOND), .slow_ttl = 10 * SIM_SECOND, .grace = 8 * SIM_SECOND},
	{SHAPE("second", 3, 2, 3, 5 * SIM_SECOND), .second = true},
	/* what the contract forbids, to see that it matters */
	{SHAPE("no-lock", 3, 2, 3, 5 * SIM_SECOND), .second = true, .no_lock = true},
	{SHAPE("quick-restore", 3, 2, 0, 5 * SIM_SECOND), .restore = true, .quick_restore = true},
	{SHAPE("store-deadlines", 3, 2, 0, 5 * SIM_SECOND), .store_deadlines = true},
	{SHAPE("host-deadline", 3, 2, 0, 2 * SIM_SECOND), .host_deadline = true},
};
/* those above the comment */
const size_t n_shapes = sizeof(shapes) / sizeof(shapes[0]) - 4;

#define RULE_NAMED(member)                                                                                             \
	{                                                                                                              \
#member, offsetof(struct machine_rules, member)                                                        \
	}

const struct shape_rule shape_rules[] = {
	RULE_NAMED(fence_by_revision),
	RULE_NAMED(fence_before_source),
	RULE_NAMED(fence_absent),
	RULE_NAMED(source_by_revision),
	RULE_NAMED(source_needs_fence),
	RULE_NAMED(held_by_epoch),
	RULE_NAMED(epoch_is_new),
	RULE_NAMED(epoch_new_after_fence),
	RULE_NAMED(claim_needs_alive),
	RULE_NAMED(release_needs_alive),
	RULE_NAMED(release_kernel_first),
	RULE_NAMED(reuse_by_swap),
	RULE_NAMED(nonce_is_new),
	RULE_NAMED(counts_by_nonce),
	RULE_NAMED(clock_before_sending),
	RULE_NAMED(margin),
	RULE_NAMED(clock_after_event),
	RULE_NAMED(list_after_renewal),
	RULE_NAMED(start_prolongs_nothing),
	RULE_NAMED(alive_needs_host),
	RULE_NAMED(machine_id),
	RULE_NAMED(epoch_has_machine),
	RULE_NAMED(renew_before_claim),
	RULE_NAMED(stale_epoch_is_free),
	RULE_NAMED(claim_needs_policy),
	RULE_NAMED(block_marked_first),
	RULE_NAMED(block_reopened_by_swap),
	RULE_NAMED(block_by_revision),
	RULE_NAMED(block_adopted_by_swap),
	RULE_NAMED(address_checked),
	RULE_NAMED(unwanted_removed),
	RULE_NAMED(restore_noticed),
	RULE_NAMED(text_compared),
	RULE_NAMED(longer_ttl_counts),
};
const size_t n_shape_rules = sizeof(shape_rules) / sizeof(shape_rules[0]);

/** shape_find() - The shape of this name, NULL: none */
const struct sim_config *shape_find(const char *name)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (strcmp(shapes[i].name, name) == 0)
			return &shapes[i];
	}
	return NULL;
}

/** shape_without() - Take the rule of this name out; false: there is none */
bool shape_without(struct machine_rules *rules, const char *name)
{
	for (size_t i = 0; i < n_shape_rules; i++) {
		if (strcmp(shape_rules[i].name, name) == 0) {
			*(bool *)((char *)rules + shape_rules[i].offset) = false;
			return true;
		}
	}
	return false;
}
