/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_CONTEXT_H
#define PLUGIN_VERBS_CONTEXT_H

/* What the verbs share: the call, its configuration, its guard. One context per process. */

#include <jansson.h>
#include <stdint.h>

#include "ipam/guard/guard.h"
#include "ipam/lease/lease.h"
#include "plugin/cni/request.h"
#include "plugin/history/recorder.h"
#include "plugin/host/host.h"
#include "plugin/netconf/netconf.h"
#include "plugin/network/port.h"
#include "plugin/verbs/pinning.h"

/**
 * struct context - One call
 * @request:	Environment and text
 * @root:	The text, parsed; NULL before that
 * @version:	cniVersion of the configuration, the newest as long as it is not known
 * @netconf:	As far as the verb has read it
 * @guard:	Sealed, NULL as long as the verb has not read it
 * @pinning:	How the container's packets leave; only ADD and CHECK fill it
 * @previous:	prevResult, empty where there is none or the verb has not read it
 * @unguarded:	Nothing is reserved for the network
 * @on_last_good:	The policies can't be read, and it goes on with the last ones that could be
 * @recorder:	Where the call is recorded; borrowed, never NULL in a verb
 */
struct context {
	struct request request;
	json_t *root;
	enum cni_version version;
	struct netconf netconf;
	struct guard *guard;
	struct pinning pinning;
	struct result previous;
	bool unguarded;
	bool on_last_good;
	struct recorder *recorder;
};

int context_read_config(struct context *context, struct error *reterr);
int context_read_policy(struct context *context, struct error *reterr);
void context_tell_unguarded(const struct context *context);
void context_explain_refusal(const struct context *context, struct error *err);
int context_read_pinning(struct context *context, struct error *reterr);
int context_read_previous(struct context *context, struct error *reterr);
int context_open_host(const struct context *context, struct host *ret_host, struct error *reterr);
struct attachment context_attachment(const struct context *context);
void context_done(struct context *context);

#endif
