/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What reservations would hit: the leases that `rangeguard list --format json` printed, checked against policies. */

#include <string.h>

#include "plugin/foreign/survey_internal.h"
#include "plugin/netconf/check.h"
#include "rangeguard/cleanup.h"

/** struct held - A lease in the document */
struct held {
	const char *network;
	const char *address_text;
	struct address address;
	const char *container;
	const char *pod_namespace;
	const char *pod;
};

/** member() - A text of a lease, "" when it has none */
static const char *member(const json_t *lease, const char *key)
{
	const char *text = json_string_value(json_object_get(lease, key));

	return text ? text : "";
}

/** read_held() - Read a lease; whether it has an address */
static bool read_held(const json_t *lease, struct held *ret_held)
{
	*ret_held = (struct held){
		.network = member(lease, "network"),
		.address_text = member(lease, "address"),
		.container = member(lease, "containerID"),
		.pod_namespace = member(lease, "namespace"),
		.pod = member(lease, "pod"),
	};
	return address_parse(ret_held->address_text, &ret_held->address) == 0;
}

/** tell() - A lease that a reservation holds (RG103) */
static void tell(struct survey *survey, const char *file, const char *pointer, const struct held *held,
		 const struct guard_entry *entry)
{
	char subject[512], who[300];
	struct reservation_clash clash = {
		.rule = RULE_ADDRESS_RESERVED,
		.severity = SEVERITY_ERROR,
		.file = file,
		.pointer = pointer,
		.subject = subject,
		.remedy = "move it before the reservation counts, or grant it",
	};

	if (*held->pod)
		(void)snprintf(who, sizeof(who), "pod %.64s/%.128s", held->pod_namespace, held->pod);
	else
		(void)snprintf(who, sizeof(who), "container %.64s", held->container);
	(void)snprintf(subject, sizeof(subject), "address %s of %s (network %.64s) lies in", held->address_text, who,
		       held->network);
	reservation_report(survey->report, &clash, entry);
}

/** check_lease() - One lease, as its network's grants allow it */
static void check_lease(struct survey *survey, const char *file, const char *pointer, const struct held *held)
{
	static const struct netconf_guard config = {
		.policies = {NETCONF_POLICY_DIR}, .n_policies = 1, .policies_default = true};
	const struct span span = span_of_address(&held->address);
	const struct policy_question question = {
		.config = &config, .file = file, .network = held->network, .spans = &span, .n_spans = 1};
	GUARD_CLEANUP struct guard *guard = NULL;
	struct guard_entry entry;

	if (policy_once_guard(&survey->policies, &question, &guard) < 0)
		survey->failed = true;
	else if (guard_decide(guard, &held->address, &entry) == GUARD_E_RESERVED)
		tell(survey, file, pointer, held, &entry);
}

/**
 * survey_leases() - Check each lease of a document
 * @survey:	Gets the findings
 * @subject:	The document
 * @file:	Its file
 */
void survey_leases(struct survey *survey, const struct subject *subject, const char *file)
{
	const json_t *leases = json_object_get(subject->node.object, "leases");
	struct pointer at = subject->node.at;
	struct held held;

	(void)pointer_push_key(&at, "leases");
	for (size_t i = 0; i < json_array_size(leases); i++) {
		size_t mark = pointer_push_index(&at, i);

		(void)pointer_push_key(&at, "address");
		if (read_held(json_array_get(leases, i), &held))
			check_lease(survey, file, at.text, &held);
		else
			report_error(survey->report, RULE_INVALID_VALUE, file, at.text,
				     "address \"%.64s\" is not an IP address", held.address_text);
		pointer_pop(&at, mark);
	}
}
