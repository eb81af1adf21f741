/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs share. */

#include "plugin/verbs/context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ipam/guard/guard_image.h"
#include "plugin/host/guarding.h"
#include "plugin/netconf/check.h"
#include "plugin/policy/compiled.h"
#include "plugin/report/log.h"
#include "plugin/verbs/record.h"
#include "rangeguard/cleanup.h"

/** Space for unguarded_sources() */
#define SOURCES_TEXT_MAX 320

/**
 * context_read_config() - Read the whole configuration, the first error counts
 * @context:	Its netconf is filled
 * @reterr:	Codes 1, 2, 7
 *
 * Return: 0, REFUSED
 */
int context_read_config(struct context *context, struct error *reterr)
{
	struct first_error listener;
	int r;

	first_error_init(&listener, reterr, ERROR_NONE);
	r = netconf_read(context->root, "the network configuration", "", &context->request.args, &context->netconf,
			 &listener.report);
	if (!r)
		guarding_use_marks(context->netconf.mark_mask);
	return r;
}

/**
 * go_on() - With policies that can't be read: use the last ones that could, if the configuration has it so
 * @context:	Call; its guard is filled
 * @err:	Why they can't; emptied when the call goes on
 *
 * Return: 0, REFUSED
 */
static int go_on(struct context *context, struct error *err)
{
	const struct netconf_guard *guard = &context->netconf.guard;
	int64_t age = 0;

	if (!guard->last_good || compiled_read_last(&context->netconf, &context->guard, &age))
		return REFUSED;
	if (age > guard->max_age) {
		context->guard = guard_free(context->guard);
		error_details(err,
			      "the last policy that could be read has served for %lld s, and may for %u (guard.maxAge)",
			      (long long)age, guard->max_age);
		return REFUSED;
	}
	log_line("warning: %s; going on with the last policy that could be read, for %lld s so far (guard.onBroken)",
		 err->msg, (long long)age);
	*err = (struct error){0};
	context->on_last_good = true;
	return 0;
}

/** unguarded_sources() - "/etc/rangeguard/reserved.d and more": where reservations could have been */
static const char *unguarded_sources(const struct netconf_guard *guard, char buffer[static SOURCES_TEXT_MAX])
{
	(void)snprintf(buffer, SOURCES_TEXT_MAX, "%.256s%s",
		       guard->n_policies ? guard->policies[0] : "guard.policies is []",
		       guard->n_policies > 1 ? " and more" : "");
	return buffer;
}

/** check_required() - Whether anything is reserved at all: 0, REFUSED (102) when it has to be */
static int check_required(struct context *context, struct error *reterr)
{
	const struct netconf_guard *guard = &context->netconf.guard;
	char sources[SOURCES_TEXT_MAX];

	context->unguarded = !guard_reserves_any(context->guard);
	if (context->unguarded && guard->required)
		return error_set(
			reterr, ERROR_POLICY,
			"guard.required is set, but no range is reserved for network \"%.64s\" (%s): it would be "
			"unguarded",
			context->netconf.name, unguarded_sources(guard, sources));
	return 0;
}

/** context_tell_unguarded() - Say that what was given was checked against nothing */
void context_tell_unguarded(const struct context *context)
{
	char sources[SOURCES_TEXT_MAX];

	if (context->unguarded)
		log_line("warning: network %s is unguarded: no range is reserved (%s)", context->netconf.name,
			 unguarded_sources(&context->netconf.guard, sources));
}

/**
 * context_read_policy() - Read the policies and check the configuration against them
 * @context:	Its netconf has been read; its guard is filled
 * @reterr:	Code 11 while another call compiles them, 102 when a policy can't be read, 100 when a range is reserved,
 *		7 when nothing is left of one
 *
 * Return: 0, REFUSED
 */
int context_read_policy(struct context *context, struct error *reterr)
{
	struct first_error listener;
	bool compiled;
	int r;

	first_error_init(&listener, reterr, ERROR_POLICY);
	r = compiled_read(&context->netconf, context->request.verb == CNI_ADD, &context->guard, &compiled,
			  &listener.report);
	if (r == 0 && compiled)
		record_policy(context);
	if (r == REFUSED)
		r = go_on(context, reterr);
	if (r == REFUSED)
		return r;
	if (r == COMPILED_E_LOCKED)
		return error_set(
			reterr, ERROR_TRY_AGAIN,
			"another rangeguard has been compiling the policies of network \"%.64s\" for longer than "
			"%d s; try again later",
			context->netconf.name, LIMIT_COMPILE_WAIT_MS / 1000);
	if (r < 0)
		return error_set_errno(reterr, ERROR_POLICY, r, "the policies can't be read");
	first_error_init(&listener, reterr, ERROR_NONE);
	if (check_netconf(&context->netconf, context->guard, &listener.report))
		return REFUSED;
	return check_required(context, reterr);
}

/**
 * context_explain_refusal() - Tell a refusal by a guard that can't tell any more from one by a reservation
 * @context:	Call that was refused
 * @err:	Why; becomes code 102 when the guard's file was damaged and nothing could take its place
 */
void context_explain_refusal(const struct context *context, struct error *err)
{
	if (context->guard && guard_image_failed(context->guard))
		(void)error_set(
			err, ERROR_POLICY,
			"the compiled policy in %.256s is damaged, and the policies it was made of have changed "
			"or can't be read; try again",
			context->netconf.data_dir);
}

/**
 * context_read_previous() - Read prevResult, if there is one
 * @context:	Its netconf has been read; its previous result is filled
 * @reterr:	Code 7 when it is missing where it must be there (CHECK, the chained role), 6 when it is malformed
 *
 * Return: 0, REFUSED
 */
int context_read_previous(struct context *context, struct error *reterr)
{
	bool required = context->request.verb == CNI_CHECK || context->netconf.role == ROLE_CHAINED;

	if (!context->netconf.prev_result)
		return required ? error_set(reterr, ERROR_CONFIG, "Required prevResult missing") : 0;
	return result_from_json(context->netconf.prev_result, context->version, &context->previous, reterr);
}

/**
 * context_read_pinning() - Find out how the container's packets are to leave
 * @context:	Its netconf and, in the chained role, its previous result have been read; its pinning is filled
 * @reterr:	Code 7
 *
 * Return: 0, REFUSED
 */
int context_read_pinning(struct context *context, struct error *reterr)
{
	CLEANUP(pinning_own_done) struct pinning_own own = {0};
	int r;

	if (context->netconf.role == ROLE_DELEGATE)
		return 0;
	if (context->netconf.role == ROLE_CHAINED)
		r = pinning_own_of_result(&context->previous, &own);
	else
		r = pinning_own_of_ranges(&context->netconf, &own);
	if (r)
		return error_no_memory(reterr);
	return pinning_make(&context->netconf, &context->request.args, &own, &context->pinning, reterr);
}

/**
 * context_open_host() - The host of this call, which records what is done
 * @context:	Call
 * @ret_host:	Host, released by host_done()
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int context_open_host(const struct context *context, struct host *ret_host, struct error *reterr)
{
	if (host_open(context->netconf.data_dir, ret_host, reterr))
		return REFUSED;
	record_prepare(context);
	ret_host->recorder = context->recorder;
	ret_host->adopt = context->netconf.role == ROLE_CHAINED ? NULL : context->netconf.adopt;
	return 0;
}

/** context_attachment() - The attachment that this call is about; borrows the call's texts */
struct attachment context_attachment(const struct context *context)
{
	return (struct attachment){
		.network = context->netconf.name,
		.container_id = context->request.container_id,
		.ifname = context->request.ifname,
	};
}

/** context_done() - Release what the context owns; it may be half-filled */
void context_done(struct context *context)
{
	pinning_done(&context->pinning);
	result_done(&context->previous);
	context->guard = guard_free(context->guard);
	netconf_done(&context->netconf);
	json_decref(context->root);
	context->root = NULL;
	request_done(&context->request);
}
