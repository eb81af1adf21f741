/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the environment to a verb and back to one JSON document. The order of the checks is that of the reference
 * library (skel.go): environment, text, JSON, name, verb, version; so the same mistake gets the same code.
 */

#include "plugin/verbs/verbs.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>

#include "plugin/verbs/record.h"
#include "rangeguard/limits.h"

/** struct verb - A verb, the oldest version that has it, and what carries it out */
struct verb {
	const char *name;
	enum cni_version since;
	int (*run)(struct context *context, struct error *reterr);
};

static const struct verb verbs[] = {
	[CNI_ADD] = {"ADD", CNI_0_1_0, verb_add},	   [CNI_DEL] = {"DEL", CNI_0_1_0, verb_del},
	[CNI_CHECK] = {"CHECK", CNI_0_4_0, verb_check},	   [CNI_GC] = {"GC", CNI_1_1_0, verb_gc},
	[CNI_STATUS] = {"STATUS", CNI_1_1_0, verb_status},
};

/** What a crash of the store leaves of the call: read in a signal handler */
static volatile sig_atomic_t is_deletion;

/** verbs_out_of_time() - The verb has run for LIMIT_VERB_MS, so a lock, a disk or the kernel hangs. In a signal handler */
void verbs_out_of_time(void)
{
	static const char answer[] = "{\"cniVersion\":\"1.1.0\",\"code\":11,\"msg\":\"rangeguard gave up after 30 s: "
				     "a lock, the disk or the kernel does not answer; try again later\"}\n";

	(void)!write(STDOUT_FILENO, answer, sizeof(answer) - 1);
}

/**
 * verbs_crashed() - The lease store was damaged beyond its own checks and has been set aside: try again. In a signal handler
 *
 * Not on DEL: the interface is gone already, and the lease with the store that was set aside.
 */
void verbs_crashed(void)
{
	static const char answer[] =
		"{\"cniVersion\":\"1.1.0\",\"code\":11,\"msg\":\"the lease store was damaged; it has "
		"been set aside as leases.mdb.damaged and the next ADD makes a new one: try again\"}\n";

	if (is_deletion)
		_exit(0);
	(void)!write(STDOUT_FILENO, answer, sizeof(answer) - 1);
	_exit(1);
}

/** parse_text() - Standard input as JSON: code 6 */
static int parse_text(struct context *context, struct error *reterr)
{
	const struct request *request = &context->request;
	size_t flags = request->verb == CNI_DEL || request->verb == CNI_GC ? 0 : JSON_REJECT_DUPLICATES;
	/* RFC 8259 section 8.1: a byte order mark may be ignored; editors on Windows write one. */
	size_t mark = request->config_size >= 3 && memcmp(request->config, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	json_error_t error;

	errno = 0;
	context->root = json_loadb(request->config + mark, request->config_size - mark, flags, &error);
	/* For a lack of memory jansson has no text in most places, in others one that the text were wrong. */
	if (!context->root && (errno == ENOMEM || !*error.text || json_error_code(&error) == json_error_out_of_memory))
		return error_no_memory(reterr);
	if (!context->root) {
		(void)error_set(reterr, ERROR_DECODE,
				"the network configuration on standard input is not valid JSON: %s", error.text);
		error_details(reterr, "line %d, column %d", error.line, error.column);
		return REFUSED;
	}
	if (!json_is_object(context->root))
		return error_set(reterr, ERROR_DECODE, "the network configuration must be a JSON object");
	return 0;
}

/** check_name() - `name`, which every verb needs: code 7 */
static int check_name(const struct context *context, struct error *reterr)
{
	const char *name = json_string_value(json_object_get(context->root, "name"));

	if (!name || !*name)
		return error_set(reterr, ERROR_CONFIG, "missing network name");
	if (!request_valid_name(name)) {
		(void)error_set(reterr, ERROR_CONFIG, "invalid characters found in network name");
		error_details(reterr, "%.256s", name);
		return REFUSED;
	}
	return 0;
}

/** check_version() - `cniVersion`, and whether it has this verb: codes 1 and 6 */
static int check_version(struct context *context, struct error *reterr)
{
	const struct verb *verb = &verbs[context->request.verb];
	const json_t *member = json_object_get(context->root, "cniVersion");
	const char *text = json_is_string(member) ? json_string_value(member) : "";
	int r = cni_version_parse(text, &context->version);

	if (r == CNI_VERSION_E_MALFORMED && verb->since > CNI_0_1_0)
		return error_set(reterr, ERROR_DECODE, "cniVersion \"%.32s\" is not a version", text);
	if (r) {
		(void)error_set(reterr, ERROR_INCOMPATIBLE_VERSION, "incompatible CNI versions");
		error_details(reterr,
			      "config is \"%.32s\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\" "
			      "\"1.0.0\" \"1.1.0\"]",
			      text);
		return REFUSED;
	}
	if (context->version < verb->since)
		return error_set(reterr, ERROR_INCOMPATIBLE_VERSION, "config version does not allow %s", verb->name);
	return 0;
}

/** print_versions() - VERSION: never fails on its input, of which it wants the version in use */
static int print_versions(const struct request *request)
{
	json_t *root = json_loadb(request->config, request->config_size, 0, NULL);
	const char *version = json_string_value(json_object_get(root, "cniVersion"));
	int r = cni_version_print_supported(STDOUT_FILENO,
					    version && *version ? version : cni_version_text(CNI_NEWEST));

	json_decref(root);
	return r;
}

/** run() - The call as a sequence of checks, each with its code, and the verb */
static int run(struct context *context, struct error *reterr)
{
	if (request_read_environment(&context->request, reterr) ||
	    request_read_config(&context->request, STDIN_FILENO, reterr))
		return REFUSED;
	if (parse_text(context, reterr) || check_name(context, reterr) || check_version(context, reterr))
		return REFUSED;
	is_deletion = context->request.verb == CNI_DEL;
	return verbs[context->request.verb].run(context, reterr);
}

/** seed_json() - Let jansson hash keys with a number that the kernel gave this process: it would open /dev/urandom */
static void seed_json(void)
{
	const uint8_t *random_bytes = (const uint8_t *)getauxval(AT_RANDOM);
	size_t seed = 0;

	/* The first eight of the sixteen bytes are the stack protector's. */
	if (random_bytes)
		memcpy(&seed, random_bytes + 8, sizeof(seed));
	json_object_seed(seed);
}

/** run_version() - VERSION, which needs none of what a call has: it is asked often, and answers from a few pages of memory */
static int run_version(void)
{
	struct request request = {0};
	struct error err = {0};
	int r = request_read_environment(&request, &err);

	if (!r)
		r = request_read_config(&request, STDIN_FILENO, &err);
	if (!r && print_versions(&request))
		r = error_set(&err, ERROR_IO, "can't write to standard output");
	if (r)
		(void)error_print(stdout, &err, cni_version_text(CNI_NEWEST));
#ifndef NDEBUG
	request_done(&request);
#endif
	return r ? 1 : 0;
}

/** run_call() - A verb that needs all of it; not part of who calls it, whose stack would be as large */
static __attribute__((noinline)) int run_call(void)
{
	struct recorder recorder; /* its map ends with the process, which is a call less */
	struct context context = {.version = CNI_NEWEST, .recorder = &recorder};
	struct error err = {0};
	int r;

	recorder_begin(&recorder);
	r = run(&context, &err);
	if (r)
		(void)error_print(stdout, &err, cni_version_text(context.version));
	record_end(&context, r ? &err : NULL);
	/* A release leaves its memory to the kernel, see main.c. */
#ifndef NDEBUG
	context_done(&context);
#endif
	return r ? 1 : 0;
}

int verbs_run(void)
{
	seed_json();
	return request_is_version() ? run_version() : run_call();
}
