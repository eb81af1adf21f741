/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a call tells the history and the counters. */

#include "plugin/verbs/record.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "ipam/guard/guard_image.h"
#include "ipam/store/state.h"
#include "plugin/host/farewell.h"

/** record_prepare() - The history is the configuration's, as far as that has been read */
void record_prepare(const struct context *context)
{
	context->recorder->history = history_of(&context->netconf);
}

/** call_lease() - What the call says of its attachment */
static struct lease call_lease(const struct context *context)
{
	return (struct lease){
		.attachment = context_attachment(context),
		.pod_namespace = context->request.args.pod_namespace,
		.pod_name = context->request.args.pod_name,
		.netns = context->request.netns,
		.pins = context->pinning.names,
	};
}

/** count_in_state() - Count in the state directory, where there is one: a refusal makes none */
static void count_in_state(const struct context *context)
{
	STATE_CLEANUP struct state state = STATE_INIT;

	if (context->netconf.data_dir && !context->recorder->counters.numbers &&
	    state_open(context->netconf.data_dir, STATE_UPDATE, &state) == 0)
		recorder_count_in(context->recorder, state.dir_fd);
}

/** tell_policy() - What is reserved for the network is not what it was when a call last looked: tell the history */
static void tell_policy(const struct context *context)
{
	const char *network = context->netconf.name;
	const struct lease nobody = {.attachment.network = network};
	uint8_t fingerprint[GUARD_DIGEST_BYTES];
	char message[64];
	uint32_t value;
	size_t n;
	enum sighting seen;

	if (!context->guard || guard_image_failed(context->guard))
		return;
	guard_fingerprint(context->guard, fingerprint);
	memcpy(&value, fingerprint, sizeof(value));
	seen = counters_see(&context->recorder->counters, (uint32_t)XXH3_64bits(network, strlen(network)), value);
	if (seen == SEEN_BEFORE || (seen == SEEN_FIRST && !guard_reserves_any(context->guard)))
		return;
	n = guard_n_entries(context->guard);
	(void)snprintf(message, sizeof(message), "policy changed: %zu %s", n, n == 1 ? "entry" : "entries");
	recorder_note(context->recorder,
		      &(struct history_event){.name = "policy", .lease = &nobody, .message = message});
}

/** record_policy() - A large policy has been compiled, since it was new or had changed */
void record_policy(const struct context *context)
{
	record_prepare(context);
	count_in_state(context);
	recorder_count(context->recorder, COUNTER_POLICY_COMPILED);
}

/**
 * record_add() - An ADD that has been answered
 * @context:	Call
 * @lease:	What is held
 */
void record_add(const struct context *context, const struct lease *lease)
{
	struct address sources[FAREWELL_SOURCES_MAX];
	struct history_event event = {
		.name = "add",
		.lease = lease,
		.pod_uid = context->request.args.pod_uid,
		.sources = sources,
		.n_sources = farewell_sources(&context->pinning.egress, sources, FAREWELL_SOURCES_MAX),
	};

	record_prepare(context);
	tell_policy(context);
	recorder_note(context->recorder, &event);
	if (event.n_sources)
		recorder_count(context->recorder, COUNTER_PINS_ARMED);
}

/** record_grant() - An ADD that has been answered with @grant */
void record_grant(const struct context *context, const struct ipam_grant *grant)
{
	struct lease lease = call_lease(context);

	memcpy(lease.addresses, grant->addresses, grant->n_addresses * sizeof(grant->addresses[0]));
	lease.n_addresses = grant->n_addresses;
	record_add(context, &lease);
}

/** record_failure() - An ADD that was refused, a DEL or GC that failed */
static void record_failure(const struct context *context, const struct error *err)
{
	struct lease lease = call_lease(context);
	struct history_event event = {
		.name = context->request.verb == CNI_ADD ? "refused" : "failed",
		.lease = &lease,
		.pod_uid = context->request.args.pod_uid,
		.code = err->code,
		.message = err->msg,
	};

	recorder_note(context->recorder, &event);
}

/**
 * record_end() - The end of a call
 * @context:	Call
 * @err:	Why it failed, NULL when it did not
 */
void record_end(const struct context *context, const struct error *err)
{
	enum cni_verb verb = context->request.verb;

	if (verb == CNI_VERSION || !context->netconf.data_dir)
		return;
	record_prepare(context);
	count_in_state(context);
	tell_policy(context);
	if (err && (verb == CNI_ADD || verb == CNI_DEL || verb == CNI_GC))
		record_failure(context, err);
	if (!err && verb == CNI_ADD && context->unguarded)
		recorder_count(context->recorder, COUNTER_UNGUARDED);
	if (!err && verb == CNI_ADD && context->on_last_good)
		recorder_count(context->recorder, COUNTER_LAST_GOOD);
	recorder_count_request(context->recorder, (unsigned)verb, err ? err->code : 0);
}
