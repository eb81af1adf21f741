/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_POLICY_POLICY_INTERNAL_H
#define PLUGIN_POLICY_POLICY_INTERNAL_H

/* What the readers of policies share: of a document as a whole (policy.c), and of one entry after the other. */

#include "plugin/policy/policy.h"
#include "plugin/policy/policy_source.h"
#include "plugin/text/json.h"
#include "rangeguard/outcome.h"

/** struct policy_reader - What reading one document needs */
struct policy_reader {
	struct reader reader;
	const struct policy_context *context;
	struct guard *guard;
};

/** Named outcomes of policy_read_entries() beside 0 and negative errno */
enum policy_entries_outcome {
	/* the file is to be read as a whole, and will be found faulty, or just unusual */
	POLICY_ENTRIES_E_ODD = OUTCOMES_POLICY_ENTRIES,
};

int policy_read_entry(struct policy_reader *policy, const json_t *element, enum guard_kind kind);
int policy_read_entries(struct guard *guard, const struct policy_source *source);

/* A day of the calendar, YYYY-MM-DD, as days since 1970-01-01; whether it is one. */
bool policy_parse_date(const char *text, long *ret_day);

#endif
