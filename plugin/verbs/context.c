/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs share. */

#include "plugin/verbs/context.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ipam/guard/guard_image.h"
#include "plugin/netconf/check.h"
#include "plugin/verbs/compiled.h"
#include "plugin/verbs/record.h"
#include "rangeguard/cleanup.h"

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

	first_error_init(&listener, reterr, ERROR_NONE);
	return netconf_read(context->root, "the network configuration", "", &context->request.args, &context->netconf,
			    &listener.report);
}

/**
 * context_read_policy() - Read the policies and hold the configuration against them
 * @context:	Its netconf has been read; its guard is filled
 * @reterr:	Code 11 while another call compiles them, 102 when a policy can't be read, 100 when a range is reserved,
 *		7 when nothing is left of one
 *
 * Return: 0, REFUSED
 */
int context_read_policy(struct context *context, struct error *reterr)
{
	struct first_error listener;
	int r;

	first_error_init(&listener, reterr, ERROR_POLICY);
	r = compiled_read(context, &context->guard, &listener.report);
	if (r == REFUSED)
		return r;
	if (r == COMPILED_E_LOCKED)
		return error_set(
			reterr, ERROR_TRY_AGAIN,
			"another rangeguard has been compiling the policies of network \"%.64s\" for longer than "
			"%d s; try again later",
			context->netconf.name, LIMIT_LOCK_WAIT_MS / 1000);
	if (r < 0)
		return error_set_errno(reterr, ERROR_POLICY, r, "the policies can't be read");
	first_error_init(&listener, reterr, ERROR_NONE);
	return check_netconf(&context->netconf, context->guard, &listener.report);
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
