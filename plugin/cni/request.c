/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the runtime asked for. The only module that reads the environment: everything behind it gets checked values.
 * A variable that the verb has no use for is not handed on, since the runtime may put anything there (libcni says
 * "dummy" on VERSION).
 */

#include "plugin/cni/request.h"

#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugin/report/utf8.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** What a verb does with a variable */
enum need {
	UNUSED,
	OPTIONAL,
	REQUIRED,
};

/**
 * struct verb_rule - A verb and what it needs
 * @name:	CNI_COMMAND
 * @attachment:	CNI_CONTAINERID and CNI_IFNAME
 * @netns:	CNI_NETNS
 * @args:	CNI_ARGS; not on DEL, which must not fail on it
 */
struct verb_rule {
	const char *name;
	enum need attachment;
	enum need netns;
	enum need args;
};

static const struct verb_rule verb_rules[] = {
	[CNI_ADD] = {.name = "ADD", .attachment = REQUIRED, .netns = REQUIRED, .args = OPTIONAL},
	[CNI_DEL] = {.name = "DEL", .attachment = REQUIRED, .netns = OPTIONAL},
	[CNI_CHECK] = {.name = "CHECK", .attachment = REQUIRED, .netns = REQUIRED, .args = OPTIONAL},
	[CNI_GC] = {.name = "GC"},
	[CNI_STATUS] = {.name = "STATUS"},
	[CNI_VERSION] = {.name = "VERSION"},
};

#define N_VERBS ARRAY_LENGTH(verb_rules)

/** variable() - Value of the environment variable @name, "" when it is not set */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

/** request_present() - Whether a runtime called (CNI_COMMAND is set), rather than somebody at a shell */
bool request_present(void)
{
	return *variable("CNI_COMMAND") != '\0';
}

/** is_alphanumeric() - Whether @c is an ASCII letter or digit, in whatever locale */
static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/** is_name() - Whether @text matches ^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$ */
static bool is_name(const char *text)
{
	if (!is_alphanumeric(*text))
		return false;
	while (is_alphanumeric(*text) || (*text != '\0' && strchr("_.-", *text)))
		text++;
	return *text == '\0';
}

/** request_valid_name() - Whether @name can be a network's: the specification's characters, and our limit */
bool request_valid_name(const char *name)
{
	return is_name(name) && strlen(name) <= LIMIT_NETWORK_NAME;
}

/** is_space() - Whether @character has Unicode's White_Space property, which the reference plugins refuse in names */
static bool is_space(uint32_t character)
{
	if ((character >= '\t' && character <= '\r') || (character >= 0x2000 && character <= 0x200a))
		return true;
	switch (character) {
	case ' ':
	case 0x85:
	case 0xa0:
	case 0x1680:
	case 0x2028:
	case 0x2029:
	case 0x202f:
	case 0x205f:
	case 0x3000:
		return true;
	default:
		return false;
	}
}

/** has_space() - Whether a character of @text, which is UTF-8, is a space */
static bool has_space(const char *text)
{
	uint32_t character = 0;

	while (*text) {
		text += utf8_decode(text, &character);
		if (is_space(character))
			return true;
	}
	return false;
}

/** ifname_fault() - What keeps @ifname, which is not empty, from being an interface's name; NULL: nothing */
static const char *ifname_fault(const char *ifname)
{
	if (strlen(ifname) >= IFNAMSIZ)
		return "it is longer than 15 bytes";
	if (strcmp(ifname, ".") == 0 || strcmp(ifname, "..") == 0)
		return "it is . or ..";
	/* In /proc/sys/net these two are no interfaces. */
	if (strcmp(ifname, "all") == 0 || strcmp(ifname, "default") == 0)
		return "\"all\" and \"default\" mean something else to the kernel";
	if (strpbrk(ifname, "/:"))
		return "it contains / or :";
	/* "eth%d" is a pattern to the kernel, which would make up a name of its own (dev_alloc_name). */
	if (strchr(ifname, '%'))
		return "it contains %";
	if (!utf8_valid(ifname))
		return "it is not UTF-8";
	if (has_space(ifname))
		return "it contains a space";
	return NULL;
}

/**
 * check_missing() - Refuse a request that lacks variables, naming all of them at once
 * @request:	Request
 * @reterr:	Why not
 *
 * Return: 0, REFUSED
 */
static int check_missing(const struct request *request, struct error *reterr)
{
	const struct verb_rule *rule = &verb_rules[request->verb];
	const struct {
		const char *name;
		bool missing;
	} variables[] = {
		{"CNI_CONTAINERID", rule->attachment == REQUIRED && *request->container_id == '\0'},
		{"CNI_NETNS", rule->netns == REQUIRED && *request->netns == '\0'},
		{"CNI_IFNAME", rule->attachment == REQUIRED && *request->ifname == '\0'},
	};
	char names[64] = "";
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(variables); i++)
		if (variables[i].missing)
			length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
						   length > 0 ? "," : "", variables[i].name);
	if (length == 0)
		return 0;
	return error_set(reterr, ERROR_ENVIRONMENT, "required env variables [%s] missing", names);
}

/**
 * check_attachment() - Refuse a container id or interface name of the wrong form
 * @request:	Request whose verb requires both
 * @reterr:	Why not
 *
 * Return: 0, REFUSED
 */
static int check_attachment(const struct request *request, struct error *reterr)
{
	const char *fault = ifname_fault(request->ifname);

	if (!is_name(request->container_id)) {
		(void)error_set(reterr, ERROR_ENVIRONMENT, "invalid characters in containerID '%s'",
				request->container_id);
		error_details(reterr, "%s", request->container_id);
		return REFUSED;
	}
	if (strlen(request->container_id) > LIMIT_CONTAINER_ID)
		return error_set(reterr, ERROR_ENVIRONMENT, "containerID is longer than %u bytes", LIMIT_CONTAINER_ID);
	if (fault)
		return error_set(reterr, ERROR_ENVIRONMENT, "invalid interface name '%s' in CNI_IFNAME: %s",
				 request->ifname, fault);
	return 0;
}

/**
 * check_netns() - Refuse a namespace that cannot be one; on DEL it counts as gone instead
 * @request:	Request
 * @reterr:	Why not
 *
 * It is given back in the result (`sandbox`), hence must be UTF-8.
 *
 * Return: 0, REFUSED
 */
static int check_netns(struct request *request, struct error *reterr)
{
	bool too_long = strlen(request->netns) >= LIMIT_PATH;

	if (!too_long && utf8_valid(request->netns))
		return 0;
	if (verb_rules[request->verb].netns == OPTIONAL) {
		request->netns = "";
		return 0;
	}
	if (too_long)
		return error_set(reterr, ERROR_ENVIRONMENT, "CNI_NETNS is longer than a path can be (%u bytes)",
				 LIMIT_PATH - 1);
	return error_set(reterr, ERROR_ENVIRONMENT, "CNI_NETNS '%s' is not UTF-8", request->netns);
}

/**
 * read_pair() - Read one KEY=VALUE of CNI_ARGS
 * @pair:	First byte of it
 * @length:	Bytes that belong to it
 * @args:	Where the value of a key of ours goes, an empty one as none; the last of several pairs counts
 * @reterr:	Why not
 *
 * A pair without "=" that begins with a key of ours ("IP:10.0.0.7") is refused, for the wish in it would be lost.
 *
 * Return: 0, also for a key that is not ours; REFUSED
 */
static int read_pair(const char *pair, size_t length, struct cni_args *args, struct error *reterr)
{
	const struct {
		const char *key;
		char **value;
	} fields[] = {
		{"IP", &args->ip},
		{"MAC", &args->mac},
		{"K8S_POD_NAMESPACE", &args->pod_namespace},
		{"K8S_POD_NAME", &args->pod_name},
		{"K8S_POD_UID", &args->pod_uid},
	};
	const char *equals = memchr(pair, '=', length);

	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
		size_t key_length = strlen(fields[i].key);
		CLEANUP_FREE char *value = NULL;

		if (length < key_length || memcmp(pair, fields[i].key, key_length) != 0)
			continue;
		if (!equals)
			return error_set(reterr, ERROR_ENVIRONMENT, "CNI_ARGS: '%.*s' is not KEY=VALUE", (int)length,
					 pair);
		if (equals != pair + key_length)
			continue;
		value = strndup(equals + 1, length - key_length - 1);
		if (!value)
			return error_no_memory(reterr);
		if (!utf8_valid(value))
			return error_set(reterr, ERROR_ENVIRONMENT, "CNI_ARGS: %s '%s' is not UTF-8", fields[i].key,
					 value);
		free(*fields[i].value);
		*fields[i].value = *value ? TAKE_PTR(value) : NULL;
	}
	return 0;
}

/**
 * read_args() - Read CNI_ARGS, pairs with ";" between them
 * @text:	CNI_ARGS
 * @args:	Where the values of keys of ours go; the caller frees them on failure too
 * @reterr:	Why not
 *
 * Return: 0, REFUSED
 */
static int read_args(const char *text, struct cni_args *args, struct error *reterr)
{
	for (;;) {
		size_t length = strcspn(text, ";");
		int r = read_pair(text, length, args, reterr);

		if (r)
			return r;
		if (text[length] == '\0')
			return 0;
		text += length + 1;
	}
}

/**
 * read_verb() - Read CNI_COMMAND
 * @ret_verb:	Verb read
 * @reterr:	Why not
 *
 * Return: 0, REFUSED
 */
static int read_verb(enum cni_verb *ret_verb, struct error *reterr)
{
	const char *command = variable("CNI_COMMAND");

	if (*command == '\0')
		return error_set(reterr, ERROR_ENVIRONMENT, "required env variables [CNI_COMMAND] missing");
	for (unsigned verb = 0; verb < N_VERBS; verb++) {
		if (strcmp(command, verb_rules[verb].name) == 0) {
			*ret_verb = (enum cni_verb)verb;
			return 0;
		}
	}
	return error_set(reterr, ERROR_ENVIRONMENT, "unknown CNI_COMMAND: %s", command);
}

/** request_is_version() - Whether this is the verb VERSION */
bool request_is_version(void)
{
	return strcmp(variable("CNI_COMMAND"), "VERSION") == 0;
}

/** is_override() - Whether @text, of CNI_NETNS_OVERRIDE, means yes */
static bool is_override(const char *text)
{
	return *text && (strcmp(text, "1") == 0 || strcasecmp(text, "true") == 0);
}

/**
 * request_read_environment() - Read and check the verb and its parameters
 * @ret_request:	Request, without its configuration; for request_done()
 * @reterr:		Why not: always ERROR_ENVIRONMENT, but for lack of memory
 *
 * CNI_PATH is not demanded: no other plugin is ever executed.
 *
 * Return: 0, REFUSED
 */
int request_read_environment(struct request *ret_request, struct error *reterr)
{
	REQUEST_CLEANUP struct request request = {.container_id = "", .netns = "", .ifname = ""};
	const struct verb_rule *rule;

	if (read_verb(&request.verb, reterr))
		return REFUSED;
	rule = &verb_rules[request.verb];
	if (rule->attachment != UNUSED) {
		request.container_id = variable("CNI_CONTAINERID");
		request.ifname = variable("CNI_IFNAME");
	}
	if (rule->netns != UNUSED)
		request.netns = variable("CNI_NETNS");
	request.netns_override = is_override(variable("CNI_NETNS_OVERRIDE"));

	if (check_missing(&request, reterr) || check_netns(&request, reterr))
		return REFUSED;
	if (rule->attachment == REQUIRED && check_attachment(&request, reterr))
		return REFUSED;
	if (rule->args != UNUSED && read_args(variable("CNI_ARGS"), &request.args, reterr))
		return REFUSED;

	*ret_request = request;
	request = (struct request){.config = NULL};
	return 0;
}

/** request_done() - Release what @request owns; all zero is fine, and what it is afterwards */
void request_done(struct request *request)
{
	free(request->args.ip);
	free(request->args.mac);
	free(request->args.pod_namespace);
	free(request->args.pod_name);
	free(request->args.pod_uid);
	free(request->config);
	*request = (struct request){.config = NULL};
}
