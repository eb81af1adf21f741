/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One container in the nftables table: put in, looked for, taken out. */

#include "plugin/snat/arm.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "plugin/snat/nfstage.h"
#include "plugin/snat/ruleset.h"

/** How often elements that vanish on their way are looked for again */
#define REMOVING_ATTEMPTS 3U

/**
 * struct arm_answer - What a question found
 * @expected:	Elements asked for, those that must be there
 * @n_elements:	How many of them were found
 * @chains:	Chains asked for
 * @n_chains:	How many
 * @n_whole:	How many of them have their rules, and no others
 * @dormant:	The kernel passes the table by
 * @others:	Elements found that must not be there
 */
struct arm_answer {
	const struct elements *expected;
	size_t n_elements;
	struct ruleset_chain *chains;
	size_t n_chains;
	size_t n_whole;
	bool dormant;
	size_t others;
};

/** note_element() - Take note of an element found */
static int note_element(void *userdata, const struct nf_element *element)
{
	struct arm_answer *answer = userdata;

	for (size_t i = 0; i < answer->expected->n; i++) {
		if (element_equal(&answer->expected->all[i], element)) {
			answer->n_elements++;
			return 0;
		}
	}
	answer->others++;
	return 0;
}

/** is_whole() - Whether a chain has its rules, by how often it is used, and hooks in where it should: 0, -ENOMSG, -ENOMEM */
static int is_whole(const struct nlmsghdr *message, const struct ruleset_chain *chain, uint32_t use)
{
	if (use != chain->use && !(use > chain->use && chain->grows))
		return -ENOMSG;
	return chain->hook.type ? nf_read_hook(message, &chain->hook) : 0;
}

/** note_chain() - Take note of a chain found: 0, -ENOMEM */
static int note_chain(const struct nlmsghdr *message, struct arm_answer *answer, const char *name, uint32_t use)
{
	for (size_t i = 0; i < answer->n_chains; i++) {
		int r = strcmp(answer->chains[i].name, name) == 0 ? is_whole(message, &answer->chains[i], use)
								  : -ENOMSG;

		if (r && r != -ENOMSG)
			return r;
		answer->n_whole += !r;
	}
	return 0;
}

/** take_answer() - port_reply_fn: the table, a chain or an element */
static int take_answer(const struct nlmsghdr *message, void *userdata)
{
	struct arm_answer *answer = userdata;
	char name[NF_NAME_MAX];
	uint32_t use;
	int r;

	if (!message)
		return 0;
	r = nf_read_chain(message, name, &use);
	if (!r)
		return note_chain(message, answer, name, use);
	if (r == -ENOMSG)
		r = nf_read_table(message, &answer->dormant);
	if (r == -ENOMSG)
		r = nf_read_elements(message, note_element, answer);
	return r == -ENOMSG ? 0 : r;
}

/** ask_chains() - Ask for the table and its chains: 0, -ENOMEM */
static int ask_chains(struct batch *question, const struct ruleset_chain *chains, size_t n)
{
	int r = nf_get_table(question, NF_TABLE);

	for (size_t i = 0; i < n && !r; i++)
		r = nf_get_chain(question, NF_TABLE, chains[i].name);
	return r;
}

/** ask_each() - Ask for elements one by one: 0, -ENOMEM */
static int ask_each(struct batch *question, const struct elements *elements)
{
	int r = 0;

	for (size_t i = 0; i < elements->n && !r; i++)
		r = nf_get_elements(question, &elements->all[i], 1);
	return r;
}

/**
 * judge() - What an answer comes to
 * @answer:	Answer
 * @stage:	Talk, after the question
 * @r:		What the stage came to
 * @n_present:	How many messages asked for what must be there
 *
 * Return: 0, ARM_E_MISSING, ARM_E_STALE, REFUSED
 */
static int judge(const struct arm_answer *answer, struct nf_stage *stage, int r, unsigned n_present)
{
	if (r < 0 || (r == PORT_E_REFUSED && stage->failure.errnum != ENOENT))
		return nf_stage_error(stage, r);
	if (r == PORT_E_REFUSED && stage->failure.index < n_present)
		return ARM_E_MISSING;
	if (answer->dormant || answer->n_elements < answer->expected->n || answer->n_whole < answer->n_chains)
		return ARM_E_MISSING;
	return answer->others ? ARM_E_STALE : 0;
}

/** look() - arm_look() in a stage that was begun */
static int look(struct nf_stage *stage, const struct member *member)
{
	size_t n_clauses = member->egress->n_clauses;
	CLEANUP_FREE struct ruleset_chain *chains = calloc(RULESET_CHAINS + RULESET_PARTS * n_clauses, sizeof(*chains));
	ELEMENTS_CLEANUP struct elements expected = {0};
	ELEMENTS_CLEANUP struct elements absent = {0};
	struct arm_answer answer = {.expected = &expected, .chains = chains};
	unsigned n_present;
	int r;

	if (!chains || member_elements(member, &expected) < 0 || member_absent(member, &absent) < 0)
		return nf_stage_error(stage, -ENOMEM);
	answer.n_chains = ruleset_chains(chains);
	for (size_t i = 0; i < n_clauses; i++)
		answer.n_chains += ruleset_list_chains(&member->egress->clauses[i], &chains[answer.n_chains]);
	r = ask_chains(&stage->batch, chains, answer.n_chains);
	if (!r)
		r = nf_get_elements(&stage->batch, expected.all, expected.n);
	n_present = stage->batch.count;
	if (!r)
		r = ask_each(&stage->batch, &absent);
	if (!r)
		r = nf_stage_send(stage, take_answer, &answer);
	return judge(&answer, stage, r, n_present);
}

/**
 * arm_look() - Whether a container is in the table, and nothing of earlier holders of its addresses
 * @netfilter:	Port
 * @member:	Container
 * @reterr:	Codes 103, 107
 *
 * Return: 0, ARM_E_MISSING, ARM_E_STALE, REFUSED
 */
int arm_look(struct port *netfilter, const struct member *member, struct error *reterr)
{
	NF_STAGE_CLEANUP struct nf_stage stage;

	nf_stage_begin(&stage, netfilter, member_pinned(member), reterr);
	return look(&stage, member);
}

/**
 * arm_intact() - Whether the table is there with its rules
 * @netfilter:	Port
 * @reterr:	Code 107
 *
 * Return: 0, ARM_E_MISSING, REFUSED
 */
int arm_intact(struct port *netfilter, struct error *reterr)
{
	struct ruleset_chain chains[RULESET_CHAINS];
	struct elements none = {0};
	struct arm_answer answer = {.expected = &none, .chains = chains};
	NF_STAGE_CLEANUP struct nf_stage stage;
	int r;

	nf_stage_begin(&stage, netfilter, false, reterr);
	answer.n_chains = ruleset_chains(chains);
	r = ask_chains(&stage.batch, chains, answer.n_chains);
	if (!r)
		r = nf_stage_send(&stage, take_answer, &answer);
	return judge(&answer, &stage, r, UINT_MAX);
}

/**
 * arm_ready() - Whether the table has all chains that a container's elements need
 * @netfilter:	Port
 * @member:	Container
 * @reterr:	Codes 103, 107
 *
 * A transaction that is refused makes the kernel wait for a grace period (__nf_tables_abort()), tens of milliseconds; a
 * question does not. So the first container with a certain pin asks before it tries.
 *
 * Return: 0, ARM_E_MISSING, REFUSED
 */
int arm_ready(struct port *netfilter, const struct member *member, struct error *reterr)
{
	size_t n_clauses = member->egress->n_clauses;
	CLEANUP_FREE struct ruleset_chain *chains = calloc(RULESET_CHAINS + RULESET_PARTS * n_clauses, sizeof(*chains));
	struct elements none = {0};
	struct arm_answer answer = {.expected = &none, .chains = chains};
	NF_STAGE_CLEANUP struct nf_stage stage;
	int r;

	nf_stage_begin(&stage, netfilter, member_pinned(member), reterr);
	if (!chains)
		return nf_stage_error(&stage, -ENOMEM);
	answer.n_chains = ruleset_chains(chains);
	for (size_t i = 0; i < n_clauses; i++)
		answer.n_chains += ruleset_list_chains(&member->egress->clauses[i], &chains[answer.n_chains]);
	r = ask_chains(&stage.batch, chains, answer.n_chains);
	if (!r)
		r = nf_stage_send(&stage, take_answer, &answer);
	return judge(&answer, &stage, r, UINT_MAX);
}

/** is_translated() - Whether an element tells that an address has others, too */
static bool is_translated(const struct nf_element *element)
{
	return element->set == NF_TRANSLATED4 || element->set == NF_TRANSLATED6;
}

/** put_elements() - Append the elements of a container to a batch: 0, -ENOMEM */
static int put_elements(struct batch *batch, const struct elements *elements)
{
	size_t n_translated = 0;
	int r;

	while (n_translated < elements->n && is_translated(&elements->all[n_translated]))
		n_translated++;
	r = nf_add_new_elements(batch, elements->all, n_translated);
	return r ? r : nf_add_elements(batch, elements->all + n_translated, elements->n - n_translated);
}

/**
 * arm_try() - Put a container into the table, and see that it is there
 * @netfilter:	Port
 * @member:	Container; what it has in the table from before is stale
 * @reterr:	Codes 103, 107
 *
 * Return: 0; ARM_E_MISSING or ARM_E_STALE, when nothing was changed or all of it was; REFUSED
 */
int arm_try(struct port *netfilter, const struct member *member, struct error *reterr)
{
	ELEMENTS_CLEANUP struct elements elements = {0};
	NF_STAGE_CLEANUP struct nf_stage stage;
	int r;

	nf_stage_begin(&stage, netfilter, member_pinned(member), reterr);
	if (member_elements(member, &elements) < 0)
		return nf_stage_error(&stage, -ENOMEM);
	r = nf_begin(&stage.batch);
	if (!r)
		r = put_elements(&stage.batch, &elements);
	if (!r)
		r = nf_end(&stage.batch);
	if (!r && elements.n)
		r = nf_stage_send(&stage, NULL, NULL);
	if (r == PORT_E_REFUSED && stage.failure.errnum == ENOENT)
		return ARM_E_MISSING;
	if (r == PORT_E_REFUSED && (stage.failure.errnum == EEXIST || stage.failure.errnum == EBUSY))
		return ARM_E_STALE;
	return r ? nf_stage_error(&stage, r) : look(&stage, member);
}

/** keep_found() - Keep an element that is there */
static int keep_found(void *userdata, const struct nf_element *element)
{
	struct elements *found = userdata;

	if (elements_reserve(found, 1) < 0)
		return -ENOMEM;
	found->all[found->n++] = *element;
	return 0;
}

/** take_found() - port_reply_fn: keep the elements that are there */
static int take_found(const struct nlmsghdr *message, void *userdata)
{
	int r = message ? nf_read_elements(message, keep_found, userdata) : 0;

	return r == -ENOMSG ? 0 : r;
}

/** find_elements() - Which of @wanted are there: 0, REFUSED */
static int find_elements(struct nf_stage *stage, const struct elements *wanted, struct elements *found)
{
	int r = ask_each(&stage->batch, wanted);

	if (!r)
		r = nf_stage_send(stage, take_found, found);
	/* The first one that is missing is told; so is each that is there. Without nf_tables none is. */
	if ((r == PORT_E_REFUSED && stage->failure.errnum == ENOENT) || (r && nf_stage_unavailable(stage, r)))
		return 0;
	return r ? nf_stage_error(stage, r) : 0;
}

/** remove_elements() - Take elements out of the table, all in one transaction: 0, PORT_E_REFUSED, negative errno */
static int remove_elements(struct nf_stage *stage, const struct nf_element *elements, size_t n)
{
	int r = nf_begin(&stage->batch);

	if (!r)
		r = nf_delete_elements(&stage->batch, elements, n);
	if (!r)
		r = nf_end(&stage->batch);
	return r ? r : nf_stage_send(stage, NULL, NULL);
}

/**
 * arm_remove_elements() - Take out of the table what is there of some elements
 * @stage:	Talk
 * @wanted:	Elements
 *
 * To delete what is not there is no error only since Linux 6.3 (NFT_MSG_DESTROYSETELEM); so it is asked first.
 *
 * Return: 0, REFUSED
 */
int arm_remove_elements(struct nf_stage *stage, const struct elements *wanted)
{
	int r = PORT_E_REFUSED;

	/* What was there a moment ago may have gone with the whole table. */
	for (unsigned i = 0; i < REMOVING_ATTEMPTS && r; i++) {
		ELEMENTS_CLEANUP struct elements found = {0};

		if (find_elements(stage, wanted, &found))
			return REFUSED;
		r = found.n ? remove_elements(stage, found.all, found.n) : 0;
		if (r && (r != PORT_E_REFUSED || stage->failure.errnum != ENOENT))
			break;
	}
	return r ? nf_stage_error(stage, r) : 0;
}

/**
 * arm_remove() - Take a container out of the table
 * @netfilter:	Port
 * @member:	Container
 * @reterr:	Code 107
 *
 * Return: 0, also when nothing of it is there; REFUSED
 */
int arm_remove(struct port *netfilter, const struct member *member, struct error *reterr)
{
	ELEMENTS_CLEANUP struct elements elements = {0};
	NF_STAGE_CLEANUP struct nf_stage stage;

	nf_stage_begin(&stage, netfilter, false, reterr);
	if (member_elements(member, &elements) < 0)
		return nf_stage_error(&stage, -ENOMEM);
	return elements.n ? arm_remove_elements(&stage, &elements) : 0;
}
