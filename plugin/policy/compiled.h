/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_POLICY_COMPILED_H
#define PLUGIN_POLICY_COMPILED_H

/*
 * The guard of a network. Large policies are kept compiled beside the state and used from there as long as nothing that
 * they were made of has changed; when it has, the first call that notices compiles them again while others wait. Small
 * ones are read each time, which is quicker.
 */

#include "ipam/guard/guard.h"
#include "ipam/store/state.h"
#include "plugin/netconf/netconf.h"
#include "plugin/report/report.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0, REFUSED and negative errno */
enum compiled_outcome {
	COMPILED_E_LOCKED = OUTCOMES_COMPILED, /* somebody else has been compiling it for as long as can be waited */
};

int compiled_read(const struct netconf *netconf, bool may_wait, struct guard **ret_guard, bool *ret_compiled,
		  struct report *report);
int compiled_read_last(const struct netconf *netconf, struct guard **ret_guard, int64_t *ret_age);

#endif
