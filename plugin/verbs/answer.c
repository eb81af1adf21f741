/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an ADD answers: one JSON document on standard output, in the configuration's version. */

#include "plugin/verbs/answer.h"

#include <errno.h>
#include <string.h>

#include "plugin/netconf/resolv_conf.h"
#include "plugin/report/json_text.h"
#include "rangeguard/cleanup.h"

/** read_dns() - `dns` of the configuration, else what resolvConf says; NULL when there is none */
static int read_dns(const struct context *context, json_t **ret_dns, struct error *reterr)
{
	const struct netconf *netconf = &context->netconf;

	*ret_dns = NULL;
	if (json_object_size(netconf->dns)) {
		*ret_dns = json_deep_copy(netconf->dns);
		return 0;
	}
	return netconf->resolv_conf ? resolv_conf_read(netconf->resolv_conf, ret_dns, reterr) : 0;
}

/** write_all() - Write a whole text to standard output: 0, negative errno */
static int write_all(const char *text, size_t size)
{
	while (size > 0) {
		ssize_t written = write(STDOUT_FILENO, text, size);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0) {
			text += written;
			size -= (size_t)written;
		}
	}
	return 0;
}

/**
 * print_json() - One document on standard output, all of it or an error
 *
 * Made in memory and written at once: jansson hands a stream each brace and each quote on its own.
 */
static int print_json(const json_t *json, struct error *reterr)
{
	CLEANUP_FREE char *text = json_text(json, JSON_INDENT(4));
	size_t size = text ? strlen(text) : 0;
	int r = -ENOMEM;

	if (text) {
		text[size++] = '\n'; /* for the NUL */
		r = write_all(text, size);
	}
	return r ? error_set_errno(reterr, ERROR_IO, r, "the result can't be written to standard output") : 0;
}

/** print_result() - The result in the configuration's version */
static int print_result(const struct context *context, const struct result *result, struct error *reterr)
{
	json_t *json = result_to_json(result, context->version, reterr);
	int r = json ? print_json(json, reterr) : REFUSED;

	json_decref(json);
	return r;
}

/** add_ips() - Addresses of the result: as host addresses on the last interface, or with their subnet for a delegate */
static int add_ips(const struct context *context, const struct ipam_grant *grant, struct result *result)
{
	bool delegate = context->netconf.role == ROLE_DELEGATE;
	int interface = (int)result->n_interfaces - 1;
	int r = 0;

	for (size_t i = 0; i < grant->n_addresses && !r; i++) {
		const struct address *address = &grant->addresses[i];
		struct result_ip ip = {
			.address = {.address = *address, .length = (uint8_t)family_bits(address->family)},
			.interface = delegate ? -1 : interface,
		};

		if (delegate) {
			ip.address.length = grant->ranges[i]->subnet.length;
			ip.gateway = grant->ranges[i]->gateway;
		} else {
			(void)address_parse(address->family == FAMILY_IPV4 ? PLAN_NEXT_HOP_IPV4 : PLAN_NEXT_HOP_IPV6,
					    &ip.gateway);
		}
		r = result_add_ip(result, &ip);
	}
	return r;
}

/** add_interfaces() - Host end and container end of the plan */
static int add_interfaces(const struct context *context, const struct plan *plan, struct result *result)
{
	char mac[MAC_TEXT_MAX];
	int r = result_add_interface(result, plan->host_name, mac_format(plan->host_mac, mac), "", plan->mtu);

	return r ? r
		 : result_add_interface(result, plan->container_name, mac_format(plan->container_mac, mac),
					context->request.netns, plan->mtu);
}

/** add_previous() - What earlier plugins gave stands in front (specification, "ADD": pass prevResult through) */
static int add_previous(const struct result *previous, struct result *result)
{
	int r = 0;

	for (size_t i = 0; i < previous->n_interfaces && !r; i++)
		r = result_add_interface(result, previous->interfaces[i].name, previous->interfaces[i].mac,
					 previous->interfaces[i].sandbox, previous->interfaces[i].mtu);
	for (size_t i = 0; i < previous->n_ips && !r; i++)
		r = result_add_ip(result, &previous->ips[i]);
	for (size_t i = 0; i < previous->n_routes && !r; i++)
		r = result_add_route(result, &previous->routes[i]);
	if (!result->dns)
		result->dns = json_deep_copy(previous->dns);
	return r;
}

/**
 * answer_attachment() - Print the result of the interface role
 * @context:	Call
 * @grant:	Addresses given
 * @plan:	What was made in the kernel
 * @reterr:	Code 5
 *
 * Return: 0, REFUSED
 */
int answer_attachment(const struct context *context, const struct ipam_grant *grant, const struct plan *plan,
		      struct error *reterr)
{
	RESULT_CLEANUP struct result result = {0};
	int r;

	if (read_dns(context, &result.dns, reterr))
		return REFUSED;
	r = add_previous(&context->previous, &result);
	if (!r)
		r = add_interfaces(context, plan, &result);
	if (!r)
		r = add_ips(context, grant, &result);
	for (size_t i = 0; i < plan->n_routes && !r; i++)
		r = result_add_route(&result, &plan->routes[i]);
	return r ? error_set_errno(reterr, ERROR_IO, r, "no result") : print_result(context, &result, reterr);
}

/** answer_addresses() - Print the result of the delegate role: addresses, the routes listed, dns */
int answer_addresses(const struct context *context, const struct ipam_grant *grant, struct error *reterr)
{
	RESULT_CLEANUP struct result result = {0};
	int r;

	if (read_dns(context, &result.dns, reterr))
		return REFUSED;
	r = add_ips(context, grant, &result);
	for (size_t i = 0; i < context->netconf.n_routes && !r; i++)
		r = result_add_route(&result, &context->netconf.routes[i]);
	return r ? error_set_errno(reterr, ERROR_IO, r, "no result") : print_result(context, &result, reterr);
}

/** answer_previous() - Print prevResult as it came, with the version that the runtime expects */
int answer_previous(const struct context *context, struct error *reterr)
{
	json_t *copy = json_deep_copy(context->netconf.prev_result);
	int r;

	(void)json_object_set_new(copy, "cniVersion", json_string(cni_version_text(context->version)));
	r = print_json(copy, reterr);
	json_decref(copy);
	return r;
}
