/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities that a configuration declares, and what the runtime hands over for them. One that nobody serves is a pod
 * that runs without its port, or without its limit: an unknown key by another door. Pure.
 */

#include <string.h>

#include "plugin/netconf/netconf_ipam.h"
#include "rangeguard/array.h"

/* Of "bandwidth" rangeguard wants to know, so that it leaves the ingress qdisc to the plugin of that name (verbs/add.c). */
static const char *const served[] = {"ips", "ipRanges", "mac", "io.kubernetes.cri.pod-annotations", "bandwidth", NULL};

/** struct elsewhere - A capability of the conventions (CNI's CONVENTIONS.md), and the plugin that serves it */
struct elsewhere {
	const char *capability;
	const char *plugin;
};

static const struct elsewhere others[] = {
	{"portMappings", "portmap"},
	{"aliases", "dnsname"},
	{"deviceID", "host-device"},
	{"infinibandGUID", "ib-sriov"},
	{"dns", "a plugin that sets the container's resolver"},
};

/** is_served() - Whether rangeguard serves a capability; of a comment ("x-"), nobody has to */
static bool is_served(const char *key)
{
	for (size_t i = 0; served[i]; i++)
		if (strcmp(key, served[i]) == 0)
			return true;
	return strncmp(key, "x-", 2) == 0;
}

/** server_of() - The plugin that serves a capability, NULL: not known */
static const char *server_of(const char *key)
{
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
		if (strcmp(key, others[i].capability) == 0)
			return others[i].plugin;
	return NULL;
}

/** is_empty() - Whether a value asks for nothing */
static bool is_empty(const json_t *value)
{
	return json_is_null(value) || json_is_false(value) || (json_is_array(value) && !json_array_size(value)) ||
	       (json_is_object(value) && !json_object_size(value));
}

/** check_served() - A capability is served, or asks for nothing */
static void check_served(struct reader *reader, const char *key, const json_t *value)
{
	const char *server = server_of(key);

	if (is_served(key) || is_empty(value))
		return;
	if (server)
		reader_error(reader, key, RULE_UNKNOWN_KEY,
			     "capability \"%.64s\" is not rangeguard's to serve; declare it at %s, in the same list",
			     key, server);
	else
		reader_error(reader, key, RULE_UNKNOWN_KEY,
			     "capability \"%.64s\" is served by nobody; rangeguard has ips, ipRanges, mac and "
			     "io.kubernetes.cri.pod-annotations",
			     key);
}

/** check_declared() - A member of `capabilities`: runtimes read them into a map[string]bool (libcni), in which null is false */
static void check_declared(struct reader *reader, const char *key, const json_t *value)
{
	if (json_is_boolean(value) || json_is_null(value))
		check_served(reader, key, value);
	else
		reader_error(reader, key, RULE_INVALID_VALUE,
			     "capability \"%.64s\" must be true or false; with another value runtimes don't load the "
			     "whole list",
			     key);
}

/** check_object() - Each key of an object that is a member of the plugin's object */
static void check_object(struct reader *reader, const json_t *root, const char *object_key,
			 void (*check)(struct reader *reader, const char *key, const json_t *value))
{
	json_t *value, *object = json_object_get(root, object_key);
	size_t mark = pointer_push_key(&reader->at, object_key);
	const char *key;

	json_object_foreach(object, key, value) {
		check(reader, key, value);
	}
	pointer_pop(&reader->at, mark);
}

/**
 * netconf_check_capabilities() - `capabilities` and `runtimeConfig`
 * @reader:	Reader, at the plugin's object
 * @root:	Plugin's object
 */
void netconf_check_capabilities(struct reader *reader, const json_t *root)
{
	check_object(reader, root, "capabilities", check_declared);
	check_object(reader, root, "runtimeConfig", check_served);
}
