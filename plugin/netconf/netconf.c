/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network configuration as values. Reads an object that jansson has parsed; reports each problem and goes on, so
 * that `validate` hears all of them. Pure.
 */

#include "plugin/netconf/netconf.h"

#include <stdlib.h>
#include <string.h>

#include "ipam/address/mac.h"
#include "plugin/netconf/netconf_ipam.h"
#include "plugin/text/json.h"
#include "rangeguard/array.h"

#define TYPE "rangeguard"

/** member_text() - Text of member @key without a report, NULL when it is absent or no string */
static const char *member_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/**
 * role_of() - The role that a configuration asks for, by `type` and `ipam` alone
 * @root:	Plugin's object
 *
 * Return: the role; ROLE_INTERFACE for what is none of them, which netconf_read() then reports
 */
static enum role role_of(const json_t *root)
{
	const char *type = member_text(root, "type");
	const json_t *ipam = json_member(root, "ipam");

	if (type && strcmp(type, TYPE))
		return ROLE_DELEGATE;
	return ipam ? ROLE_INTERFACE : ROLE_CHAINED;
}

/** set_defaults() - A configuration that says nothing, over @root */
static void set_defaults(struct netconf *netconf, json_t *root, const char *file, const char *pointer)
{
	*netconf = (struct netconf){
		.root = json_incref(root),
		.file = file,
		.role = role_of(root),
		.name = "",
		.type = "",
		.anti_spoof = true,
		.discard_routes = role_of(root) == ROLE_INTERFACE,
		.data_dir = NETCONF_DATA_DIR,
		.adopt = NETCONF_ADOPT,
		.reuse_delay = NETCONF_REUSE_DELAY,
		.guard = {.policies = {NETCONF_POLICY_DIR},
			  .n_policies = 1,
			  .policies_default = true,
			  .max_age = NETCONF_MAX_AGE},
		.history = NETCONF_HISTORY,
		.history_size = NETCONF_HISTORY_SIZE,
		.history_files = NETCONF_HISTORY_FILES,
	};
	(void)snprintf(netconf->pointer, sizeof(netconf->pointer), "%s", pointer);
}

/** history_place() - Where the keys of the history stand: beside ours, in the `ipam` object of another plugin */
static const json_t *history_place(const json_t *root, const struct netconf *netconf)
{
	return netconf->role == ROLE_DELEGATE ? json_object_get(root, "ipam") : root;
}

/** hear_nothing() - Listener of a verb that goes on whatever the configuration says */
static void hear_nothing(struct report *report, const struct finding *finding)
{
	(void)report;
	(void)finding;
}

/** read_adopt() - `adopt`: a directory, or false */
static void read_adopt(struct reader *reader, const json_t *ipam, struct netconf *netconf)
{
	const json_t *adopt = json_member(ipam, "adopt");
	const char *text = json_string_value(adopt);

	if (!adopt)
		return;
	if (json_is_false(adopt))
		netconf->adopt = NULL;
	else if (text && text[0] == '/' && strlen(text) < LIMIT_PATH)
		netconf->adopt = text;
	else
		reader_error(reader, "adopt", RULE_INVALID_VALUE,
			     "adopt must be the absolute path of host-local's directory, or false");
}

/**
 * netconf_read_identity() - Read what DEL and GC need, never failing on the rest
 * @root:		Plugin's object; a reference is taken
 * @file:		Where it came from
 * @ret_netconf:	name, type, role, version (the newest where it is unreadable), dataDir, history and prevResult;
 *			everything else as by default. Always written; netconf_done() releases it
 *
 * Return: 0
 */
int netconf_read_identity(json_t *root, const char *file, struct netconf *ret_netconf)
{
	const json_t *ipam = json_object_get(root, "ipam");
	const char *data_dir = member_text(ipam, "dataDir");
	const char *version = member_text(root, "cniVersion");
	struct report unheard = {.heard = hear_nothing};

	set_defaults(ret_netconf, root, file, "");
	if (member_text(root, "name"))
		ret_netconf->name = member_text(root, "name");
	if (member_text(root, "type"))
		ret_netconf->type = member_text(root, "type");
	if (cni_version_parse(version ? version : "", &ret_netconf->version))
		ret_netconf->version = CNI_NEWEST;
	if (data_dir && data_dir[0] == '/')
		ret_netconf->data_dir = data_dir;
	read_adopt(&(struct reader){.report = &unheard}, ipam, ret_netconf);
	ret_netconf->prev_result = json_member(root, "prevResult");
	netconf_read_history(&(struct reader){.report = &unheard}, history_place(root, ret_netconf), ret_netconf);
	return 0;
}

/** read_name_and_version() - `name`, `type` and `cniVersion` */
static void read_name_and_version(struct reader *reader, const json_t *root, struct netconf *netconf)
{
	const char *name = json_member_text(reader, root, "name");
	const char *type = json_member_text(reader, root, "type");
	const char *version = json_member_text(reader, root, "cniVersion");

	if (!name || !*name)
		reader_error(reader, "name", RULE_INVALID_VALUE, "missing network name");
	else if (!request_valid_name(name))
		reader_error(reader, "name", RULE_INVALID_VALUE,
			     "invalid characters found in network name \"%.64s\": a letter or digit, then letters, "
			     "digits, '_', '.' and '-'",
			     name);
	else
		netconf->name = name;
	if (type)
		netconf->type = type;
	else
		reader_error(reader, "type", RULE_INVALID_VALUE, "type is missing; it must be \"" TYPE "\"");
	if (cni_version_parse(version ? version : "", &netconf->version)) {
		netconf->version = CNI_NEWEST;
		reader_error(reader, "cniVersion", RULE_VERSION,
			     "cniVersion \"%.32s\" is not supported; use 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0 or "
			     "1.1.0",
			     version);
	}
}

/** read_mode() - `mode`: only what is built */
static void read_mode(struct reader *reader, const json_t *root)
{
	static const char *const modes[] = {"routed", "bridge", NULL};
	unsigned mode = 0;

	if (!json_member_choice(reader, root, "mode", modes, &mode) && mode == 1)
		reader_error(
			reader, "mode", RULE_INVALID_VALUE,
			"mode \"bridge\" is not supported by this version; use \"routed\", or the reference bridge "
			"plugin with rangeguard as its ipam");
}

/** read_mtu() - `mtu`: 0, or what IPv4 and a veth can carry */
static void read_mtu(struct reader *reader, const json_t *root, struct netconf *netconf)
{
	long long mtu = 0;

	if (json_member_integer(reader, root, "mtu", 0, LIMIT_MTU_MAX, &mtu))
		return;
	if (mtu && mtu < LIMIT_MTU_MIN)
		reader_error(reader, "mtu", RULE_INVALID_VALUE,
			     "mtu %lld is too small: 0 (the uplink's), or %u and more", mtu, LIMIT_MTU_MIN);
	else
		netconf->mtu = (unsigned)mtu;
}

/** check_mtu_for_ipv6() - RFC 8200 section 5: a link that carries IPv6 carries 1280 bytes */
static void check_mtu_for_ipv6(struct reader *reader, const struct netconf *netconf)
{
	if (!netconf->mtu || netconf->mtu >= LIMIT_MTU_MIN_IPV6)
		return;
	for (size_t i = 0; i < netconf->n_sets; i++) {
		if (netconf->sets[i].ranges[0].span.family == FAMILY_IPV6) {
			reader_error(reader, "mtu", RULE_INVALID_VALUE,
				     "mtu %u is too small for IPv6, which needs %u (RFC 8200)", netconf->mtu,
				     LIMIT_MTU_MIN_IPV6);
			return;
		}
	}
}

/** read_dns() - `dns`: types and keys; passed on as it is */
static void read_dns(struct reader *reader, const json_t *root, struct netconf *netconf)
{
	static const char *const keys[] = {"nameservers", "domain", "search", "options", NULL};
	static const char *const lists[] = {"nameservers", "search", "options", NULL};
	const json_t *dns = json_member_object(reader, root, "dns");
	size_t mark;

	if (!dns)
		return;
	mark = pointer_push_key(&reader->at, "dns");
	json_check_keys(reader, dns, keys);
	(void)json_member_text(reader, dns, "domain");
	for (size_t i = 0; lists[i]; i++) {
		const json_t *list = json_member_array(reader, dns, lists[i], LIMIT_ROUTES);
		size_t index;
		json_t *element;

		json_array_foreach((json_t *)(uintptr_t)list, index, element)
			if (!json_is_string(element))
				reader_error(reader, lists[i], RULE_INVALID_VALUE, "%s[%zu] must be a string", lists[i],
					     index);
	}
	pointer_pop(&reader->at, mark);
	netconf->dns = dns;
}

/** read_discard_routes() - `discardRoutes`, of a network whose routes on the host are ours */
static void read_discard_routes(struct reader *reader, const json_t *ipam, struct netconf *netconf)
{
	(void)json_member_bool(reader, ipam, "discardRoutes", &netconf->discard_routes);
	if (netconf->discard_routes && netconf->role != ROLE_INTERFACE)
		reader_error(reader, "discardRoutes", RULE_INVALID_VALUE,
			     "discardRoutes is for networks whose type is \"" TYPE
			     "\": here another plugin makes the host's routes; leave it out");
}

/** read_ipam() - The `ipam` object */
static void read_ipam(struct reader *reader, const json_t *root, struct netconf *netconf)
{
	static const char *const keys[] = {"type",    "ranges", "subnet",     "rangeStart",    "rangeEnd",
					   "gateway", "routes", "resolvConf", "dataDir",       "reuseDelay",
					   "fixed",   "blocks", "adopt",      "discardRoutes", NULL};
	static const char *const filled[] = {"fixed", "blocks", "adopt", "discardRoutes", "reuseDelay", NULL};
	static const char *const delegate_keys[] = {"guard", "history", "historySize", "historyFiles"};
	const char *known[ARRAY_LENGTH(keys) + ARRAY_LENGTH(delegate_keys)] = {NULL};
	const json_t *ipam = json_member_object(reader, root, "ipam");
	size_t mark = pointer_push_key(&reader->at, "ipam");
	long long reuse_delay = netconf->reuse_delay;
	const char *text;

	memcpy(known, keys, sizeof(keys));
	if (netconf->role == ROLE_DELEGATE)
		memcpy(known + ARRAY_LENGTH(keys) - 1, delegate_keys, sizeof(delegate_keys));
	text = json_member_text(reader, ipam, "type");
	if (!text || strcmp(text, TYPE))
		reader_error(reader, "type", RULE_INVALID_VALUE,
			     netconf->role == ROLE_DELEGATE ? "neither type nor ipam.type is \"" TYPE
							      "\": this configuration is not rangeguard's"
							    : "ipam.type must be \"" TYPE
							      "\": its guard must see each address; no other IPAM "
							      "plugin is executed");
	json_check_keys(reader, ipam, known);
	json_refuse_null_members(reader, ipam, filled, RULE_INVALID_VALUE);
	netconf_read_ranges(reader, root, ipam, netconf);
	netconf_read_routes(reader, ipam, netconf);
	netconf_read_fixed(reader, ipam, netconf);
	netconf_read_blocks(reader, ipam, netconf);
	netconf->resolv_conf = json_member_text(reader, ipam, "resolvConf");
	text = json_member_text(reader, ipam, "dataDir");
	if (text && (text[0] != '/' || strlen(text) >= LIMIT_PATH))
		reader_error(reader, "dataDir", RULE_INVALID_VALUE, "dataDir must be an absolute path");
	else if (text)
		netconf->data_dir = text;
	read_adopt(reader, ipam, netconf);
	read_discard_routes(reader, ipam, netconf);
	(void)json_member_integer(reader, ipam, "reuseDelay", 0, LIMIT_REUSE_DELAY, &reuse_delay);
	netconf->reuse_delay = (uint32_t)reuse_delay;
	if (netconf->role == ROLE_DELEGATE) {
		netconf_read_guard(reader, ipam, netconf);
		netconf_read_history(reader, ipam, netconf);
	}
	pointer_pop(&reader->at, mark);
}

/** struct asked_mac - A MAC address asked for, and where */
struct asked_mac {
	const char *text;
	struct pointer at;
};

/** read_mac_at() - `mac` of the object at the reader's place, in the place of an earlier one */
static void read_mac_at(struct reader *reader, const json_t *object, struct asked_mac *asked)
{
	const char *text = json_member_text(reader, object, "mac");

	if (!text)
		return;
	*asked = (struct asked_mac){.text = text, .at = reader->at};
	(void)pointer_push_key(&asked->at, "mac");
}

/** read_mac() - The MAC address asked for: CNI_ARGS < args.cni < runtimeConfig */
static void read_mac(struct reader *reader, const json_t *root, const struct cni_args *args, struct netconf *netconf)
{
	const json_t *runtime = json_member_object(reader, root, "runtimeConfig");
	struct asked_mac asked = {.text = args ? args->mac : NULL};
	size_t mark = pointer_push_key(&reader->at, "args");
	uint8_t mac[ETH_ALEN];

	(void)pointer_push_key(&reader->at, "cni");
	read_mac_at(reader, json_member(json_member(root, "args"), "cni"), &asked);
	pointer_pop(&reader->at, mark);
	mark = pointer_push_key(&reader->at, "runtimeConfig");
	read_mac_at(reader, runtime, &asked);
	pointer_pop(&reader->at, mark);
	netconf->mac = asked.text;
	if (asked.text && mac_parse(asked.text, mac) < 0)
		report_error(reader->report, RULE_INVALID_VALUE, reader->file, asked.at.text,
			     "the MAC address \"%.64s\" asked for is not a unicast MAC address", asked.text);
}

/**
 * refuse_nulls() - Keys of ours that must not be null, nor what is in them: what was to fill them in has failed, and a guard, a
 * pin, a pod's own address or a role that is taken for absent is a hole. The keys that other plugins have, too, may be
 */
static void refuse_nulls(struct reader *reader, const json_t *root)
{
	static const char *const keys[] = {"snat",     "nonMasq", "annotations", "antiSpoof",
					   "markMask", "history", "mode",	 NULL};

	if (json_is_null(json_object_get(root, "ipam")))
		reader_error(reader, "ipam", RULE_INVALID_VALUE,
			     "ipam is null, where a value was to be filled in; write the value, or leave the key out");
	json_refuse_null_members(reader, root, keys, RULE_INVALID_VALUE);
}

/** check_top_keys() - Keys of the plugin's object in the roles in which it is ours */
static void check_top_keys(struct reader *reader, const json_t *root)
{
	static const char *const keys[] = {
		"cniVersion",	 "cniVersions", "name",	      "type",	      "args",	     "capabilities",
		"runtimeConfig", "dns",		"prevResult", "disableCheck", "disableGC",   "loadOnlyInlinedPlugins",
		"mode",		 "mtu",		"ipMasq",     "nonMasq",      "antiSpoof",   "markMask",
		"ipam",		 "guard",	"snat",	      "history",      "historySize", "historyFiles",
		"annotations",	 NULL,
	};

	json_check_keys(reader, root, keys);
	refuse_nulls(reader, root);
	(void)json_member_object(reader, root, "args");
	(void)json_member_object(reader, root, "capabilities");
	(void)json_member_object(reader, root, "prevResult");
}

/**
 * netconf_read() - Read a configuration, each key checked
 * @root:		Plugin's object; a reference is taken
 * @file:		Where it came from; must outlive @ret_netconf
 * @pointer:		JSON pointer of @root in @file, "" when it is the document
 * @args:		CNI_ARGS; NULL when there is no call (offline)
 * @ret_netconf:	Always written, as far as the configuration could be read; netconf_done() releases it
 * @report:		Hears each problem
 *
 * Return: 0, REFUSED when errors were reported, -ENOMEM
 */
int netconf_read(json_t *root, const char *file, const char *pointer, const struct cni_args *args,
		 struct netconf *ret_netconf, struct report *report)
{
	struct reader reader = {.file = file, .report = report};
	unsigned errors_before = report->errors;

	reader.at.length = (size_t)snprintf(reader.at.text, sizeof(reader.at.text), "%s", pointer);
	set_defaults(ret_netconf, root, file, pointer);
	read_name_and_version(&reader, root, ret_netconf);
	if (ret_netconf->role != ROLE_DELEGATE) {
		check_top_keys(&reader, root);
		read_mode(&reader, root);
		read_mtu(&reader, root, ret_netconf);
		(void)json_member_bool(&reader, root, "antiSpoof", &ret_netconf->anti_spoof);
		netconf_read_mark_mask(&reader, root, ret_netconf);
		(void)json_member_bool(&reader, root, "ipMasq", &ret_netconf->ip_masq);
		netconf_read_non_masq(&reader, root, ret_netconf);
		netconf_check_capabilities(&reader, root);
		netconf_read_snat(&reader, root, ret_netconf);
		netconf_read_history(&reader, root, ret_netconf);
		netconf_read_annotations(&reader, root, ret_netconf);
		netconf_read_choices(&reader, root, ret_netconf);
	}
	read_dns(&reader, root, ret_netconf);
	netconf_read_guard(&reader, root, ret_netconf);
	if (ret_netconf->role != ROLE_CHAINED) {
		read_ipam(&reader, root, ret_netconf);
		netconf_exclude(&reader, ret_netconf);
		netconf_offer(&reader, !args, ret_netconf);
		netconf_read_requested(&reader, root, args, ret_netconf);
		read_mac(&reader, root, args, ret_netconf);
		check_mtu_for_ipv6(&reader, ret_netconf);
	}
	ret_netconf->prev_result = json_member(root, "prevResult");
	return report_outcome_since(report, errors_before);
}

/** netconf_done() - Release what a configuration owns; it may have been read half-way */
void netconf_done(struct netconf *netconf)
{
	for (size_t i = 0; i < netconf->n_sets; i++)
		free(netconf->sets[i].ranges);
	free(netconf->sets);
	free(netconf->excluded);
	for (size_t i = 0; netconf->offered && i < netconf->n_sets; i++)
		free(netconf->offered[i].ranges);
	free(netconf->offered);
	for (size_t i = 0; i < netconf->n_fixed; i++)
		free(netconf->fixed[i].addresses);
	free(netconf->fixed);
	for (size_t i = 0; i < netconf->n_pins; i++)
		pin_done(&netconf->pins[i]);
	free(netconf->pins);
	free(netconf->non_masq);
	free(netconf->requested);
	free(netconf->requested_at);
	free(netconf->routes);
	json_decref(netconf->root);
	*netconf = (struct netconf){0};
}
