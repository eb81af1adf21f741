/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backstop: looked for, made. Owns nothing. */

#include "plugin/snat/backstop.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>

#include "plugin/enforce/classifier_attach.h"
#include "plugin/enforce/marks.h"
#include "plugin/snat/nfrule.h"
#include "plugin/snat/nfstage.h"
#include "rangeguard/array.h"

#define CHAIN "unguarded"

/** take_part() - port_reply_fn: how many parts are whole, chains that have their rule, a table that is heeded; @userdata is the number */
static int take_part(const struct nlmsghdr *message, void *userdata)
{
	char name[NF_NAME_MAX];
	bool dormant = false;
	uint32_t use = 0;
	int r;

	if (!message)
		return 0;
	r = nf_read_chain(message, name, &use);
	if (!r) {
		*(unsigned *)userdata += use == 1;
		return 0;
	}
	if (r == -ENOMSG)
		r = nf_read_table(message, &dormant);
	if (!r)
		*(unsigned *)userdata += !dormant;
	return r == -ENOMSG ? 0 : r;
}

/** look() - Whether a table is there, with what @pinned containers need: 0, PORT_E_REFUSED (ENOENT: no), negative errno */
static int look(struct nf_stage *stage, const char *table, bool pinned)
{
	unsigned whole = 0;
	char name[MARKS_NAME_MAX];
	int r = nf_get_table(&stage->batch, table);

	if (!r)
		r = nf_get_chain(&stage->batch, table, marks_name(CHAIN, name));
	if (!r && pinned)
		r = nf_get_chain(&stage->batch, table, BACKSTOP_CHAIN_PINNED);
	if (!r)
		r = nf_stage_send(stage, take_part, &whole);
	if (r || whole == 2U + pinned)
		return r;
	stage->failure.errnum = ENOENT;
	return PORT_E_REFUSED;
}

/** match_unguarded() - Packets without the classifier's mark; first what tells of most packets that they have it */
static void match_unguarded(struct nf_rule *rule)
{
	struct marks bits = marks();
	const uint32_t guarded[] = {bits.guarded, bits.guarded | bits.pinned};

	nf_match_other_marks(rule, guarded, ARRAY_LENGTH(guarded));
	nf_match_marks(rule, bits.guarded, 0, true);
}

/** add_rule() - Drop what comes from an interface of the group and lacks the classifier's mark */
static int add_rule(struct batch *batch, const char *table)
{
	char name[MARKS_NAME_MAX];
	struct nf_rule rule;

	nf_rule_begin(&rule, table, marks_name(CHAIN, name));
	match_unguarded(&rule);
	nf_match_groups(&rule, ~(CLASSIFIER_GROUP ^ CLASSIFIER_GROUP_PINNED), CLASSIFIER_GROUP);
	nf_count(&rule);
	nf_verdict(&rule, NF_DROP, NULL);
	return nf_rule_add(&rule, batch);
}

/** add_overwritten() - A pinned container's packet whose marks a rule of others took away gets the fence's back */
static int add_overwritten(struct batch *batch)
{
	/* After all others; before the table that takes the mark off (ruleset.c). */
	static const struct nf_hook hook = {"filter", NF_INET_PRE_ROUTING, NF_IP_PRI_LAST - 2};
	uint32_t pinned = marks().pinned;
	int r = nf_add_chain(batch, BACKSTOP_TABLE, BACKSTOP_CHAIN_PINNED, &hook);
	struct nf_rule rule;

	if (r)
		return r;
	nf_rule_begin(&rule, BACKSTOP_TABLE, BACKSTOP_CHAIN_PINNED);
	match_unguarded(&rule);
	nf_match_group(&rule, CLASSIFIER_GROUP_PINNED);
	nf_set_marks(&rule, pinned, pinned);
	return nf_rule_add(&rule, batch);
}

/**
 * backstop_make() - A table, in place of what is left of one
 * @batch:	Batch, all of which this is
 * @table:	Table
 * @pinned:	With the chain for pinned containers
 *
 * Return: 0, -ENOMEM
 */
int backstop_make(struct batch *batch, const char *table, bool pinned)
{
	/* Before everything, also before rules that set marks; a bridge's hook has the same number, and other priorities. */
	static const struct nf_hook hook = {"filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW_BEFORE_DEFRAG};
	char name[MARKS_NAME_MAX];
	int r = nf_begin(batch);

	if (!r)
		r = nf_add_table(batch, table);
	if (!r)
		r = nf_delete_table(batch, table);
	if (!r)
		r = nf_add_table(batch, table);
	if (!r)
		r = nf_add_chain(batch, table, marks_name(CHAIN, name), &hook);
	if (!r)
		r = add_rule(batch, table);
	if (!r && pinned)
		r = add_overwritten(batch);
	return r ? r : nf_end(batch);
}

/** make() - Have it made: 0, PORT_E_REFUSED, negative errno */
static int make(struct nf_stage *stage, const char *table, bool pinned)
{
	int r = backstop_make(&stage->batch, table, pinned);

	return r ? r : nf_stage_send(stage, NULL, NULL);
}

/** ensure() - See that a table is there: 0, BACKSTOP_E_MADE, BACKSTOP_E_UNAVAILABLE, REFUSED */
static int ensure(struct port *netfilter, const char *table, bool pinned, struct error *reterr)
{
	bool made = false;
	NF_STAGE_CLEANUP struct nf_stage stage;
	int r;

	nf_stage_begin(&stage, netfilter, false, reterr);
	r = look(&stage, table, pinned);
	if (r == PORT_E_REFUSED && stage.failure.errnum == ENOENT) {
		r = make(&stage, table, pinned);
		made = !r;
	}
	if (r && nf_stage_unavailable(&stage, r))
		return BACKSTOP_E_UNAVAILABLE;
	return r ? nf_stage_error(&stage, r) : made ? BACKSTOP_E_MADE : 0;
}

/**
 * backstop_ensure() - See that the backstop is there
 * @netfilter:	Port
 * @pinned:	Whether a container has a pin: hosts without pay nothing for what only they need
 * @reterr:	Code 107
 *
 * Return: 0; BACKSTOP_E_MADE, then there may be pinned containers of which the caller knows nothing; BACKSTOP_E_UNAVAILABLE,
 * REFUSED
 */
int backstop_ensure(struct port *netfilter, bool pinned, struct error *reterr)
{
	return ensure(netfilter, BACKSTOP_TABLE, pinned, reterr);
}

/**
 * backstop_ensure_bridge() - See that what bridges forward is stopped as well
 * @netfilter:	Port
 * @reterr:	Code 107
 *
 * Return: 0, BACKSTOP_E_UNAVAILABLE where the kernel has no nf_tables for bridges, REFUSED
 */
int backstop_ensure_bridge(struct port *netfilter, struct error *reterr)
{
	int r = ensure(netfilter, NF_TABLE_BRIDGE, false, reterr);

	return r == BACKSTOP_E_MADE ? 0 : r;
}

/** take_packets() - port_reply_fn: add what a rule has counted; @userdata is the number */
static int take_packets(const struct nlmsghdr *message, void *userdata)
{
	int r;

	if (!message) {
		*(uint64_t *)userdata = 0;
		return 0;
	}
	r = nf_read_packets(message, userdata);
	return r == -ENOMSG ? 0 : r;
}

/**
 * backstop_dropped() - How many packets the rule has dropped: each came from a container whose classifier is gone
 * @netfilter:	Port
 *
 * It tells at a cost that does not depend on how many containers there are.
 *
 * Return: packets; 0 also when the kernel does not say
 */
uint64_t backstop_dropped(struct port *netfilter)
{
	struct port_failure failure;
	char name[MARKS_NAME_MAX];
	uint64_t packets = 0;
	struct batch batch;

	batch_reset(&batch);
	if (nf_get_rules(&batch, BACKSTOP_TABLE, marks_name(CHAIN, name)) ||
	    port_exchange(netfilter, &batch, take_packets, &packets, &failure))
		return 0;
	return packets;
}

/** backstop_renew() - Make it again, so that it counts from 0: 0, REFUSED */
int backstop_renew(struct port *netfilter, struct error *reterr)
{
	NF_STAGE_CLEANUP struct nf_stage stage;
	int r;

	nf_stage_begin(&stage, netfilter, false, reterr);
	/* With what pinned containers need, if that is there */
	r = make(&stage, BACKSTOP_TABLE, look(&stage, BACKSTOP_TABLE, true) == 0);
	return r ? nf_stage_error(&stage, r) : 0;
}
