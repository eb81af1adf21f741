/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guards that stay in memory. */

#include "plugin/agent/docker_policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/agent/docker_record.h"
#include "plugin/policy/policy.h"
#include "plugin/policy/policy_record.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/day.h"

/** Networks that have a guard of their own at a time; the one not asked for longest goes */
#define KEPT_MAX 16U

/** struct kept - A guard and what it was made of */
struct kept {
	char network[DOCKER_NETWORK_NAME_MAX];
	struct guard *guard;
	struct policy_record record;
	uint64_t used;
};

/** struct docker_policies - Guards, and where they come from */
struct docker_policies {
	const struct netconf *policy;
	struct kept kept[KEPT_MAX];
	struct guard *none;
	uint64_t uses;
};

/** today() - Days since 1970-01-01 UTC */
static long today(void)
{
	return day_of(time(NULL));
}

/** docker_policies_new() - None yet; @policy has the `guard` object and is borrowed: 0, -ENOMEM */
int docker_policies_new(const struct netconf *policy, struct docker_policies **ret_policies)
{
	struct docker_policies *policies = calloc(1, sizeof(*policies));

	if (!policies)
		return -ENOMEM;
	policies->policy = policy;
	*ret_policies = policies;
	return 0;
}

/** drop() - Forget one guard */
static void drop(struct kept *kept)
{
	kept->guard = guard_free(kept->guard);
	policy_record_done(&kept->record);
	*kept = (struct kept){.used = 0};
}

/** docker_policies_free() - NULL is fine */
void docker_policies_free(struct docker_policies *policies)
{
	for (size_t i = 0; policies && i < KEPT_MAX; i++)
		drop(&policies->kept[i]);
	if (policies)
		policies->none = guard_free(policies->none);
	free(policies);
}

/** find() - The place of a network's guard, perhaps empty; the oldest one's where there is none */
static struct kept *find(struct docker_policies *policies, const char *network)
{
	struct kept *oldest = &policies->kept[0];

	for (size_t i = 0; i < KEPT_MAX; i++) {
		if (policies->kept[i].guard && !strcmp(policies->kept[i].network, network))
			return &policies->kept[i];
		if (policies->kept[i].used < oldest->used)
			oldest = &policies->kept[i];
	}
	drop(oldest);
	return oldest;
}

/** read_policy() - Read all sources: 0, REFUSED with code 102 */
static int read_policy(const struct docker_policies *policies, const char *network, struct kept *kept,
		       struct error *reterr)
{
	POLICY_RECORD_CLEANUP struct policy_record record = {.read_max = UINT64_MAX, .settle = true};
	struct netconf netconf = *policies->policy;
	struct first_error listener;
	int r = policy_record_begin(&record, today());

	netconf.name = network;
	first_error_init(&listener, reterr, ERROR_POLICY);
	if (!r)
		r = policy_read_netconf(&netconf, today(), &record, &kept->guard, &listener.report);
	if (r < 0)
		return error_set_errno(reterr, ERROR_POLICY, r, "the policies can't be read");
	if (r)
		return REFUSED;
	(void)snprintf(kept->network, sizeof(kept->network), "%s", network);
	kept->record = record;
	record = (struct policy_record){.read_max = 0};
	return 0;
}

/** is_fresh() - Whether a guard is still what reading everything again would give */
static bool is_fresh(const struct kept *kept)
{
	return kept->guard && !kept->record.unsettled &&
	       policy_record_holds(kept->record.bytes, kept->record.size, today());
}

/**
 * docker_policies_get() - The guard for a network, as the policies are now
 * @policies:	Guards
 * @network:	Network that grants must be for
 * @ret_guard:	Sealed guard, borrowed until the next call
 * @reterr:	Code 102
 *
 * Return: 0, REFUSED
 */
int docker_policies_get(struct docker_policies *policies, const char *network, const struct guard **ret_guard,
			struct error *reterr)
{
	struct kept *kept = find(policies, network);

	if (!is_fresh(kept)) {
		drop(kept);
		if (read_policy(policies, network, kept, reterr))
			return REFUSED;
	}
	kept->used = ++policies->uses;
	*ret_guard = kept->guard;
	return 0;
}

/** docker_policies_none() - A guard that reserves nothing: 0, REFUSED */
int docker_policies_none(struct docker_policies *policies, const struct guard **ret_guard, struct error *reterr)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	int r = 0;

	if (!policies->none) {
		r = guard_new(&guard);
		if (!r)
			r = guard_seal(guard);
		if (r < 0)
			return error_no_memory(reterr);
		policies->none = TAKE_PTR(guard);
	}
	*ret_guard = policies->none;
	return 0;
}
