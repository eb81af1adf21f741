/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What reservations would hit of what is there already: leases as `rangeguard list` prints them, pools as `rangeguard pools`
 * does, a host's own addresses (pins' sources are among them) as `ip -json address` does.
 */

#include <string.h>

#include "plugin/foreign/survey_internal.h"
#include "plugin/netconf/check.h"
#include "rangeguard/cleanup.h"

/**
 * struct running - Something that has addresses
 * @hit:	What it is
 * @network:	Whose grants count for it
 * @subject:	In messages: "address 10.9.0.1 of pod shop/web-0 (network pods)"
 * @remedy:	What to do about it
 */
struct running {
	enum survey_hit hit;
	const char *network;
	const char *subject;
	const char *remedy;
	struct span span;
};

/** member() - A text of an object, "" when it has none */
static const char *member(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/** count_hit() - One more thing that an owner's reservations hit */
static void count_hit(struct survey *survey, const char *owner, enum survey_hit hit)
{
	size_t i = 0;

	while (i < survey->n_hits && strncmp(survey->hits[i].owner, owner, SURVEY_OWNER_MAX - 1) != 0)
		i++;
	if (i == SURVEY_HITS_MAX)
		return;
	if (i == survey->n_hits)
		(void)snprintf(survey->hits[survey->n_hits++].owner, SURVEY_OWNER_MAX, "%s", owner);
	survey->hits[i].n[hit]++;
}

/** tell() - Something that a reservation holds (RG103; a pool's range RG101) */
static void tell(struct survey *survey, const char *file, const char *pointer, const struct running *running,
		 const struct guard_entry *entry)
{
	struct reservation_clash clash = {
		.rule = running->hit == HIT_POOL ? RULE_RANGE_RESERVED : RULE_ADDRESS_RESERVED,
		.severity = SEVERITY_ERROR,
		.file = file,
		.pointer = pointer,
		.subject = running->subject,
		.remedy = running->remedy,
	};

	count_hit(survey, entry->owner, running->hit);
	reservation_report(survey->report, &clash, entry);
}

/** check() - One of them, as its network's grants allow it */
static void check(struct survey *survey, const char *file, const char *pointer, const struct running *running)
{
	const struct policy_question question = {.config = netconf_guard_usual(),
						 .file = file,
						 .network = running->network,
						 .spans = &running->span,
						 .n_spans = 1};
	GUARD_CLEANUP struct guard *guard = NULL;
	struct guard_entry entry;

	if (policy_once_guard(&survey->policies, &question, &guard) < 0)
		survey->failed = true;
	else if (guard_touch(guard, &running->span, NULL, &entry) == GUARD_E_RESERVED)
		tell(survey, file, pointer, running, &entry);
}

/** refuse_address() - Report a text that should be an address */
static void refuse_address(struct survey *survey, const char *file, const char *pointer, const char *text)
{
	report_error(survey->report, RULE_INVALID_VALUE, file, pointer, "address \"%.64s\" is not an IP address", text);
}

/** check_lease() - An element of `leases` */
static void check_lease(struct survey *survey, const json_t *lease, const char *file, struct pointer *at)
{
	const char *text = member(lease, "address"), *pod = member(lease, "pod");
	struct running running = {.hit = HIT_CONTAINER,
				  .network = member(lease, "network"),
				  .remedy = "move it before the reservation counts, or grant it"};
	char subject[512], who[300];
	struct address address;

	(void)pointer_push_key(at, "address");
	if (address_parse(text, &address) < 0) {
		refuse_address(survey, file, at->text, text);
		return;
	}
	if (*pod)
		(void)snprintf(who, sizeof(who), "pod %.64s/%.128s", member(lease, "namespace"), pod);
	else
		(void)snprintf(who, sizeof(who), "container %.64s", member(lease, "containerID"));
	(void)snprintf(subject, sizeof(subject), "address %s of %s (network %.64s) lies in", text, who,
		       running.network);
	running.subject = subject;
	running.span = span_of_address(&address);
	check(survey, file, at->text, &running);
}

/** check_pool() - An element of `pools` */
static void check_pool(struct survey *survey, const json_t *pool, const char *file, struct pointer *at)
{
	const char *first = member(pool, "first"), *last = member(pool, "last");
	struct running running = {.hit = HIT_POOL,
				  .network = member(pool, "network"),
				  .remedy =
					  "give the network another range before the reservation counts, or grant it"};
	long long held = json_integer_value(json_object_get(pool, "held"));
	char text[2 * ADDRESS_TEXT_MAX], subject[512];

	(void)pointer_push_key(at, "first");
	(void)snprintf(text, sizeof(text), "%.45s-%.45s", first, last);
	if (span_parse(text, &running.span) < 0) {
		refuse_address(survey, file, at->text, text);
		return;
	}
	(void)snprintf(subject, sizeof(subject), "range %s of network %.64s, of which %lld addresses are held, touches",
		       text, running.network, held);
	running.subject = subject;
	check(survey, file, at->text, &running);
}

/** check_host() - An element of `addr_info`, of interface @interface */
static void check_host(struct survey *survey, const json_t *info, const char *interface, const char *file,
		       struct pointer *at)
{
	const char *text = member(info, "local");
	struct running running = {.hit = HIT_HOST,
				  .network = "",
				  .remedy = "the host (or a pin's source on it) has it: ask the owner, or grant it"};
	char subject[512];
	struct address address;

	(void)pointer_push_key(at, "local");
	if (address_parse(text, &address) < 0) {
		refuse_address(survey, file, at->text, text);
		return;
	}
	(void)snprintf(subject, sizeof(subject), "address %s of interface %.64s lies in", text, interface);
	running.subject = subject;
	running.span = span_of_address(&address);
	check(survey, file, at->text, &running);
}

/**
 * survey_running() - Check each element of a document of what is there
 * @survey:	Gets the findings
 * @subject:	The document
 * @file:	Its file
 */
void survey_running(struct survey *survey, const struct subject *subject, const char *file)
{
	static const char *const keys[] = {[KIND_LEASES] = "leases", [KIND_POOLS] = "pools", [KIND_HOST] = "addr_info"};
	const json_t *object = subject->node.object;
	const json_t *list = json_object_get(object, keys[subject->kind->class]);
	struct pointer at = subject->node.at;

	survey->n_running++;
	(void)pointer_push_key(&at, keys[subject->kind->class]);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *element = json_array_get(list, i);
		size_t mark = pointer_push_index(&at, i);

		if (subject->kind->class == KIND_LEASES)
			check_lease(survey, element, file, &at);
		else if (subject->kind->class == KIND_POOLS)
			check_pool(survey, element, file, &at);
		else
			check_host(survey, element, member(object, "ifname"), file, &at);
		pointer_pop(&at, mark);
	}
}
