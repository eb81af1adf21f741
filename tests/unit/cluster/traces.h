/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the first draft of the protocol broke, told again: the traces that the model of it was shrunk to, each on the
 * agent's own state machine. Where the agent is quicker to close than the model was, a line more stops or cuts it off at
 * that moment. Host 0 is slow and host 1 fast where only the clocks decide.
 */

#define S0 "source/203.0.113.0"
#define SLOW_AND_FAST .rates = {900, 1100}
#define SCRIPT(lines) .script = (lines), .n_script = sizeof(lines) / sizeof((lines)[0])
#define HOSTS(number) .name = "script", .hosts = (number), .sources = 1, .until = 20 * SIM_SECOND
#define WANTS(time, of)                                                                                                \
	{                                                                                                              \
		(time), FAULT_OPERATION, (of), NULL, 0, 0                                                              \
	}
#define LEASE(time, of)                                                                                                \
	{                                                                                                              \
		(time), FAULT_OPERATION, (of), NULL, 0, -1                                                             \
	}
#define NO_LEASES(time, of)                                                                                            \
	{                                                                                                              \
		(time), FAULT_OPERATION, (of), NULL, 0, -2                                                             \
	}

/* Host 1 takes over although the deadline of host 0, which is stopped, has not passed for host 0's slow clock. */
static const struct sim_line margin[] = {WANTS(500, 0), WANTS(3000, 1), {3500, FAULT_PAUSE, 0, NULL, 9000, 0}};

/* Host 0 has not heard yet that host 1 lives, and takes its absence for death. */
static const struct sim_line fence_absent[] = {
	{300, FAULT_WATCH_LAG, 0, "alive/h1", 7500, 0}, WANTS(310, 0), WANTS(450, 1), WANTS(850, 0),
	{3900, FAULT_PAUSE, 1, NULL, 2000, 0},		WANTS(4210, 0)};

/* Host 0 hears late of host 1's renewals, and takes it for silent. */
static const struct sim_line hears_late[] = {WANTS(500, 1),
					     WANTS(1500, 0),
					     {3000, FAULT_WATCH_LAG, 0, "alive/h1", 7900, 0},
					     {7000, FAULT_PAUSE, 1, NULL, 2500, 0}};

/* Host 1 knows an epoch of host 0 from before its reboot only, and takes host 0's source for one left from it. */
static const struct sim_line source_needs_fence[] = {WANTS(500, 0),
						     WANTS(2000, 0),
						     WANTS(2200, 1),
						     WANTS(2600, 1),
						     {3000, FAULT_HOST_CRASH, 0, NULL, 1000, 0},
						     {3900, FAULT_WATCH_LAG, 1, "alive/h0", 7900, 0},
						     WANTS(5000, 0),
						     {5500, FAULT_PAUSE, 0, NULL, 3000, 0},
						     WANTS(6000, 1)};

/* Host 0 comes back between its fence and the claim of host 1, and finds its old record. */
static const struct sim_line held_by_epoch[] = {WANTS(500, 0),
						WANTS(1500, 1),
						{3000, FAULT_PAUSE, 0, NULL, 4080, 0},
						{6000, FAULT_DELAY, 1, S0, 400, 0},
						{7000, FAULT_PAUSE, 0, "after deadline", 3000, 0}};

/* The record is gone before the kernel is closed; the answer that says so is late. */
static const struct sim_line release_kernel_first[] = {
	WANTS(500, 0), WANTS(1000, 1), WANTS(2000, 0), {1900, FAULT_DELAYED_ANSWER, 0, "delete " S0, 400, 0}};

/* A removal that was given up arrives when the record is in use again. */
static const struct sim_line reuse_by_swap[] = {WANTS(500, 0),
						WANTS(1000, 1),
						{1600, FAULT_DELAY, 0, "delete " S0, 800, 0},
						WANTS(1700, 0),
						WANTS(1900, 0),
						{2300, FAULT_POLICY, 0, NULL, 1, 0},
						{2400, FAULT_PAUSE, 0, NULL, 1000, 0}};

/* An ADD that was stopped after its look at the store goes on when the source is another host's. */
static const struct sim_line per_source[] = {WANTS(500, 0),
					     WANTS(1000, 1),
					     WANTS(2000, 0),
					     {1900, FAULT_PAUSE, 0, "close", 500, 0},
					     {2150, FAULT_VERB_STOPPED, 0, NULL, 3000, 0},
					     WANTS(2200, 0),
					     WANTS(2300, 0),
					     WANTS(2900, 0)};

/* The answer to a renewal is lost, and a read finds it much later. */
static const struct sim_line counts_by_nonce[] = {WANTS(500, 0),
						  WANTS(1000, 1),
						  {3000, FAULT_LOST_ANSWER, 0, "alive/h0", 0, 0},
						  {3950, FAULT_PAUSE, 0, NULL, 3000, 0},
						  {4500, FAULT_LOSS, 0, "alive/h0", 0, 0},
						  {8000, FAULT_PARTITION, 0, NULL, 5000, 0}};

/* The answer to a renewal is looked at late. */
static const struct sim_line clock_before_sending[] = {WANTS(500, 0),
						       WANTS(1000, 1),
						       {3000, FAULT_PAUSE, 0, "after alive/h0", 900, 0},
						       {4790, FAULT_PARTITION, 0, NULL, 6000, 0}};

/* Host 1 wakes up, is stopped, and takes what came meanwhile for as old as its waking. */
static const struct sim_line clock_after_event[] = {
	WANTS(500, 0), WANTS(1000, 1), {3000, FAULT_PAUSE, 1, "woken", 4000, 0}, {6500, FAULT_PAUSE, 0, NULL, 5000, 0}};

/* Host 0's agent starts again and lists; then its old removal arrives, and host 1 claims; then host 0 renews. */
static const struct sim_line list_after_renewal[] = {WANTS(500, 0),
						     WANTS(1000, 1),
						     {1600, FAULT_DELAY, 0, "delete " S0, 1000, 0},
						     WANTS(1700, 0),
						     {1800, FAULT_AGENT_KILLED, 0, NULL, 150, 0},
						     WANTS(1850, 0),
						     {1900, FAULT_PAUSE, 0, "after list", 900, 0},
						     {2000, FAULT_WATCH_LAG, 0, S0, 4000, 0}};

/* The agent starts again, cannot ask anybody, and believes the store. */
static const struct sim_line start_prolongs[] = {WANTS(500, 0),
						 WANTS(1000, 1),
						 {3000, FAULT_PARTITION, 0, NULL, 8000, 0},
						 {3000, FAULT_AGENT_KILLED, 0, NULL, 2000, 0}};

/* The host starts again, and a deadline from before is put back: its clock has begun at nought. */
static const struct sim_line stored_deadline[] = {
	WANTS(500, 0), WANTS(1000, 1), {3000, FAULT_HOST_CRASH, 0, NULL, 6000, 0}};

/* Two agents on one host: one gives the source back, and the other, which has not heard of it, prolongs it. */
static const struct sim_line two_agents[] = {WANTS(500, 0),
					     WANTS(1000, 1),
					     {2000, FAULT_SECOND_AGENT, 0, NULL, 0, 0},
					     {3100, FAULT_WATCH_LAG, 0, S0, 3000, 0},
					     {3100, FAULT_WATCH_LAG, 0, S0, 3000, 0},
					     WANTS(3200, 0)};

/* A clone of host 0 renews host 0's record, and takes what it holds for its own. */
static const struct sim_line clone_renews[] = {{0, FAULT_PAUSE, 2, NULL, 1000, 0}, WANTS(500, 0)};

/* Host 0 is forgotten while it is stopped, and the clone goes on with its epoch. */
static const struct sim_line clone_continues[] = {{0, FAULT_PAUSE, 2, NULL, 1000, 0},
						  WANTS(500, 0),
						  {2000, FAULT_PAUSE, 0, NULL, 6000, 0},
						  {2500, FAULT_FORGET, 0, NULL, 1, 0}};

/* A claim that was given up happens after all, when nobody wants it any more. */
static const struct sim_line unwanted_removed[] = {
	{400, FAULT_DELAY, 0, S0, 800, 0}, WANTS(500, 0), WANTS(700, 0), WANTS(2000, 1)};

/* A backup from before host 0 held the source is restored at once: host 1 finds its own old record. */
static const struct sim_line quick_restore[] = {WANTS(500, 1),
						{1500, SCRIPT_BACKUP, 0, NULL, 0, 0},
						WANTS(3255, 1),
						WANTS(3960, 0),
						WANTS(6468, 1),
						{6600, FAULT_PAUSE, 0, NULL, 3000, 0},
						{7000, FAULT_RESTORE, 0, NULL, 480, 0}};

/* A host starts again and finds its source in an epoch of its last boot, which nobody will renew or fence. */
static const struct sim_line stale_epoch[] = {
	WANTS(500, 0), {2000, FAULT_HOST_CRASH, 0, NULL, 1000, 0}, WANTS(3050, 0)};

/* A policy is published while a claim that was judged by the one before is on its way. */
static const struct sim_line policy_moves[] = {
	{400, FAULT_DELAY, 0, S0, 400, 0}, WANTS(500, 0), {700, FAULT_POLICY, 0, NULL, 1, 0}};

/* Two blocks are empty, and one goes back. */
static const struct sim_line block_returns[] = {LEASE(2000, 0), LEASE(2200, 0), NO_LEASES(4000, 0)};

/* The removal of a block comes a second time, when it is in use again. */
static const struct sim_line block_removed_twice[] = {
	LEASE(2000, 0),	    LEASE(2200, 0), {3900, FAULT_DUPLICATE, 0, "delete block/", 3000, 0},
	NO_LEASES(4000, 0), LEASE(5000, 0), LEASE(5200, 0)};

/* The store is lost while a block is going back; the block is found, and the removal arrives. */
static const struct sim_line block_adopted[] = {LEASE(2000, 0),
						LEASE(2200, 0),
						{3900, FAULT_DELAY, 0, "delete block/", 6000, 0},
						NO_LEASES(4000, 0),
						{4010, FAULT_HOST_CRASH, 0, NULL, 1000, 1},
						LEASE(7000, 0),
						LEASE(7200, 0),
						LEASE(7400, 0)};

/* Host 0's ttl is twice that of host 1, which judges by its own. */
static const struct sim_line longer_ttl[] = {WANTS(500, 0), WANTS(1000, 1), {4000, FAULT_PAUSE, 0, NULL, 9000, 0}};

/*
 * The model has no trace of this one, since it never came upon it: with numbers that count up, a renewal of the agent that
 * was killed and one of the agent that came after it look the same. The first takes effect late, and the second, which
 * came to nothing, is taken for it: as if the record had been written three seconds later than it was.
 */
static const struct sim_line nonce_repeated[] = {WANTS(500, 0),
						 WANTS(1000, 1),
						 {3500, FAULT_DELAY, 0, "alive/h0", 700, 0},
						 {3900, FAULT_AGENT_KILLED, 0, NULL, 200, 0},
						 {3950, FAULT_PAUSE, 0, "after list", 3000, 0},
						 {4000, FAULT_WATCH_LAG, 0, "alive/h0", 5000, 0},
						 {7600, FAULT_PARTITION, 0, NULL, 8000, 0}};

/** struct trace - Without a rule (or with what the contract forbids), the script violates the invariant */
struct trace {
	const char *model; /* its trace's name in the model */
	const char *without;
	const char *invariant;
	struct sim_config config;
};

#define BLOCKS .name = "script", .hosts = 2, .blocks = 3, .until = 20 * SIM_SECOND

static const struct trace traces[] = {
	{"margin", "margin", "I1", {HOSTS(2), SLOW_AND_FAST, SCRIPT(margin)}},
	{"fence_absent", "fence_absent", "I1", {HOSTS(2), .rates = {1100, 900}, SCRIPT(fence_absent)}},
	{"fence_first", "fence_before_source", "I1", {HOSTS(2), .rates = {1100, 900}, SCRIPT(hears_late)}},
	{"fence_rev", "fence_by_revision", "I1", {HOSTS(2), .rates = {1100, 900}, SCRIPT(hears_late)}},
	{"src_guard_fence", "source_needs_fence", "I1", {HOSTS(2), SCRIPT(source_needs_fence)}},
	{"hold_epoch", "held_by_epoch", "I1", {HOSTS(2), SLOW_AND_FAST, SCRIPT(held_by_epoch)}},
	{"rel_kernel_first", "release_kernel_first", "I1", {HOSTS(2), SCRIPT(release_kernel_first)}},
	{"reclaim_swap", "reuse_by_swap", "I1", {HOSTS(2), SLOW_AND_FAST, SCRIPT(reuse_by_swap)}},
	{"per_source", "one deadline per host", "I1", {HOSTS(2), SLOW_AND_FAST, SCRIPT(per_source)}},
	{"own_by_nonce", "counts_by_nonce", "I1", {HOSTS(2), SLOW_AND_FAST, SCRIPT(counts_by_nonce)}},
	{"before_send", "clock_before_sending", "I1", {HOSTS(2), SLOW_AND_FAST, SCRIPT(clock_before_sending)}},
	{"seen_after", "clock_after_event", "I1", {HOSTS(2), SLOW_AND_FAST, SCRIPT(clock_after_event)}},
	{"list_after", "list_after_renewal", "I1", {HOSTS(2), SLOW_AND_FAST, SCRIPT(list_after_renewal)}},
	{"extend_stored", "start_prolongs_nothing", "I1", {HOSTS(2), SLOW_AND_FAST, SCRIPT(start_prolongs)}},
	{"stored_deadline", "deadlines in the store", "I1", {HOSTS(2), SLOW_AND_FAST, SCRIPT(stored_deadline)}},
	{"lock", "several agents", "I1", {HOSTS(2), SLOW_AND_FAST, .second = true, SCRIPT(two_agents)}},
	{"machine_id+mid_in_epoch",
	 "machine_id,epoch_has_machine,alive_needs_host",
	 "I1",
	 {HOSTS(2), .clone = true, SCRIPT(clone_renews)}},
	{"mid_in_epoch", "epoch_has_machine", "I1", {HOSTS(2), .clone = true, .forget = true, SCRIPT(clone_continues)}},
	{"reconcile", "unwanted_removed", "I5", {HOSTS(2), SCRIPT(unwanted_removed)}},
	{"restore_wait", "quick restores", "I1", {HOSTS(2), .restore = true, SCRIPT(quick_restore)}},
	{"restore_wait+regress+nonce_cmp",
	 "quick restores,restore_noticed,text_compared",
	 "I1",
	 {HOSTS(2), .restore = true, SCRIPT(quick_restore)}},
	{"stale_epoch_free", "stale_epoch_is_free", "I5", {HOSTS(2), SCRIPT(stale_epoch)}},
	{"policy_guard", "claim_needs_policy", "I3", {HOSTS(2), SCRIPT(policy_moves)}},
	{"blk_mark", "block_marked_first", "I2", {BLOCKS, SCRIPT(block_returns)}},
	{"blk_rev", "block_by_revision", "I2", {BLOCKS, SCRIPT(block_removed_twice)}},
	{"blk_adopt_swap", "block_adopted_by_swap", "I2", {BLOCKS, SCRIPT(block_adopted)}},
	{"ttl_in_record",
	 "longer_ttl_counts",
	 "I1",
	 {HOSTS(2), .slow_ttl = 10 * SIM_SECOND, .grace = 8 * SIM_SECOND, SCRIPT(longer_ttl)}},
	{NULL, "nonce_is_new", "I1", {HOSTS(2), SLOW_AND_FAST, SCRIPT(nonce_repeated)}},
};
