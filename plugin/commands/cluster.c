/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard cluster`: the agent of this host is asked at its local socket; nothing here speaks to etcd. */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/commands/cluster.h"
#include "plugin/commands/commands.h"
#include "plugin/host/ask.h"
#include "plugin/netconf/netconf.h"
#include "plugin/report/json_text.h"
#include "plugin/text/options.h"
#include "plugin/text/printable.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/exit_status.h"

/** How long the agent may take: etcd is asked several times */
#define WAIT_MS 10000
#define SINCE_MAX 32
/** A silence that people ask about, in seconds */
#define HEARD_S 10

const char command_cluster_help[] =
	"Usage: rangeguard cluster status [--data-dir DIR] [--format text|json]\n"
	"       rangeguard cluster publish [--data-dir DIR] PATH…\n"
	"       rangeguard cluster forget [--data-dir DIR] HOST [--force]\n"
	"       rangeguard cluster who [--data-dir DIR] ADDRESS\n"
	"\n"
	"Asks the agent of this host about its cluster.\n"
	"\n"
	"  status   hosts, pools with their blocks, shared sources, the policy's revision, what is wrong here\n"
	"  publish  check policies as validate does, and make them count on every host: nothing is claimed\n"
	"           against them from then on. Shows which blocks and sources that are held already they touch\n"
	"  forget   free the blocks of a host that is gone for good; refused while it was heard of within the\n"
	"           last minute. If it still runs, two hosts will give the same addresses: --force says so\n"
	"  who      which host holds the block of an address, or the source, and since when\n"
	"\n"
	"Exit status: 0 fine, 1 refused, 2 usage or no agent.\n";

/** cluster_usage() - Say what is wrong with the command line; return the exit status */
int cluster_usage(const char *what)
{
	return options_usage("rangeguard cluster", what, "");
}

/** read_options() - What follows the sub-command; 0 or the exit status */
static int read_options(int argc, char **argv, struct cluster_options *options)
{
	const struct option_rule rules[] = {
		{"data-dir", .text = &options->data_dir},
		{"format", .json = &options->json},
		{"force", .flag = &options->force},
		{0},
	};
	int first, r;

	*options = (struct cluster_options){.data_dir = NETCONF_DATA_DIR};
	r = options_read(&(struct command_line){"rangeguard cluster", command_cluster_help, argc, argv}, rules, &first);
	options->argc = argc - first;
	options->argv = argv + first;
	return r;
}

/** cluster_ask() - Ask the agent; @question is released. 0, or the exit status with the reason printed */
int cluster_ask(const struct cluster_options *options, json_t *question, json_t **ret_answer)
{
	struct error err = {0};
	int r = question ? ask_agent(options->data_dir, question, WAIT_MS, ret_answer, &err) : error_no_memory(&err);

	json_decref(question);
	if (!r)
		return 0;
	(void)fprintf(stderr, "rangeguard cluster: ");
	(void)print_printable(err.msg, stderr);
	(void)fprintf(stderr, "%s\n", r == (int)ASK_E_NO_AGENT ? ": `systemctl status rangeguard-agent` says why" : "");
	return r == (int)ASK_E_NO_AGENT ? EXIT_USAGE : EXIT_FINDINGS;
}

/** cluster_text() - A member's text, "" where there is none */
const char *cluster_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/** since_of() - A member that is a time, as RFC 3339 has it */
static const char *since_of(const json_t *object, char buffer[static SINCE_MAX])
{
	time_t seconds = (time_t)json_integer_value(json_object_get(object, "since"));
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || strftime(buffer, SINCE_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		buffer[0] = '\0';
	return buffer;
}

/** holds_source() - Whether a host holds a shared source, and so is heard of all the time */
static bool holds_source(const json_t *sources, const char *host)
{
	const json_t *source;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)sources, i, source) {
		if (strcmp(cluster_text(source, "host"), host) == 0)
			return true;
	}
	return false;
}

/** print_hosts() - A line for each host */
static void print_hosts(const json_t *hosts, const json_t *sources)
{
	char since[SINCE_MAX];
	const json_t *host;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)hosts, i, host) {
		const char *problem = cluster_text(host, "problem");
		json_int_t heard = json_integer_value(json_object_get(host, "heard"));

		printf("host %s: %lld blocks", cluster_text(host, "name"),
		       (long long)json_integer_value(json_object_get(host, "blocks")));
		if (json_object_get(host, "used"))
			printf(" with %lld addresses in use",
			       (long long)json_integer_value(json_object_get(host, "used")));
		printf(", since %s, heard of %lld s ago%s%s%s\n", since_of(host, since), (long long)heard,
		       heard >= HEARD_S && !holds_source(sources, cluster_text(host, "name"))
			       ? " (without a shared source it says nothing as long as nothing changes)"
			       : "",
		       *problem ? "; " : "", problem);
	}
}

/** print_standing() - What the cluster's record of pools says against a pool */
static void print_standing(const json_t *pool)
{
	const json_t *other = json_object_get(pool, "other");
	const char *state = cluster_text(pool, "state");

	if (other) {
		printf(", conflict: the cluster has %s in blocks of /%lld (network \"", cluster_text(other, "cidr"),
		       (long long)json_integer_value(json_object_get(other, "blockLength")));
		(void)print_printable(cluster_text(other, "network"), stdout);
		printf("\"): configure the same on each host");
	} else if (strcmp(state, "unreadable") == 0) {
		printf(", nothing is claimed: the cluster's record of pools can't be read");
	} else if (strcmp(state, "full") == 0) {
		printf(", nothing is claimed: the cluster's record of pools has no room for it");
	} else if (strcmp(state, "known") != 0) {
		printf(", %s", state);
	}
}

/** print_pools() - A line for each pool, and one for each of its blocks */
static void print_pools(const json_t *pools)
{
	char since[SINCE_MAX];
	const json_t *pool, *block;
	size_t i, j;

	json_array_foreach((json_t *)(uintptr_t)pools, i, pool) {
		const json_t *blocks = json_object_get(pool, "blocks");

		printf("pool %s in blocks of /%lld (network \"%s\"): %zu held, %lld free%s", cluster_text(pool, "cidr"),
		       (long long)json_integer_value(json_object_get(pool, "blockLength")),
		       cluster_text(pool, "network"), json_array_size(blocks),
		       (long long)json_integer_value(json_object_get(pool, "free")),
		       json_is_true(json_object_get(pool, "exhausted")) ? ", none is free" : "");
		print_standing(pool);
		printf("\n");
		json_array_foreach((json_t *)(uintptr_t)blocks, j, block) {
			printf("  block %s: %s, since %s\n", cluster_text(block, "cidr"), cluster_text(block, "host"),
			       since_of(block, since));
		}
	}
}

/** print_sources() - A line for each shared source that a host holds; of this host's, until when it may send */
static void print_sources(const json_t *sources)
{
	char since[SINCE_MAX];
	const json_t *source;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)sources, i, source) {
		json_int_t left = json_integer_value(json_object_get(source, "deadlineMs"));

		printf("source %s (%s): %s, since %s", cluster_text(source, "address"), cluster_text(source, "pin"),
		       cluster_text(source, "host"), since_of(source, since));
		if (json_is_true(json_object_get(source, "open")))
			printf(", may send for %lld.%lld s", (long long)left / 1000, (long long)left % 1000 / 100);
		else if (json_object_get(source, "open"))
			printf(", closed");
		printf("\n");
	}
}

/** print_wrong() - What is wrong, and where; the texts may be of whatever answers at etcd's address */
static void print_wrong(const char *where, const char *what)
{
	if (!*what)
		return;
	printf("%s: ", where);
	(void)print_printable(what, stdout);
	printf("\n");
}

/** print_policy() - Which one counts here */
static void print_policy(json_int_t revision)
{
	if (revision > 0)
		printf("policy: revision %lld\n", (long long)revision);
	else
		printf("policy: %s\n", revision < 0 ? "none counts here yet" : "none is published");
}

/** print_status() - For people */
static void print_status(const json_t *answer)
{
	bool registered = json_is_true(json_object_get(answer, "registered"));
	const json_t *key;
	size_t i;

	printf("this host: %s, %s, etcd at %s\n", cluster_text(answer, "host"),
	       registered					  ? "registered"
	       : json_is_true(json_object_get(answer, "refused")) ? "refused: another machine has this name"
								  : "not registered yet",
	       cluster_text(answer, "endpoint"));
	print_wrong("etcd", cluster_text(answer, "problem"));
	print_wrong("problem", cluster_text(answer, "ownProblem"));
	json_array_foreach(json_object_get(answer, "unreadable"), i, key) {
		printf("problem: record %s in etcd can't be read: a newer version or somebody else wrote it; it is left alone\n",
		       json_string_value(key));
	}
	print_policy(json_integer_value(json_object_get(answer, "policy")));
	print_hosts(json_object_get(answer, "hosts"), json_object_get(answer, "sources"));
	print_pools(json_object_get(answer, "pools"));
	print_sources(json_object_get(answer, "sources"));
}

/** print_json() - What was asked for, without what each answer has in front: 0, negative: out of memory */
static int print_json(json_t *answer)
{
	static const char *const frame[] = {"protocol", "version", "code", "msg"};
	CLEANUP_FREE char *text = NULL;

	for (size_t i = 0; i < ARRAY_LENGTH(frame); i++)
		(void)json_object_del(answer, frame[i]);
	text = json_text(answer, JSON_INDENT(2));
	if (!text)
		return -1;
	(void)printf("%s\n", text);
	return 0;
}

static int run_status(const struct cluster_options *options)
{
	json_t *answer = NULL;
	int r;

	if (options->argc > 0)
		return cluster_usage("status takes no arguments");
	r = cluster_ask(options, json_pack("{s:s}", "ask", "cluster-status"), &answer);
	if (r)
		return r;
	if (options->json)
		r = print_json(answer) < 0 ? EXIT_USAGE : EXIT_FINE;
	else
		print_status(answer);
	json_decref(answer);
	if (r)
		(void)fprintf(stderr, "rangeguard cluster: %s\n", strerror(ENOMEM));
	return r;
}

static int run_who(const struct cluster_options *options)
{
	char since[SINCE_MAX];
	json_t *answer = NULL;
	const json_t *holder;
	size_t i;
	int r;

	if (options->argc != 1)
		return cluster_usage("who needs an address");
	r = cluster_ask(options, json_pack("{s:s, s:s}", "ask", "cluster-who", "address", options->argv[0]), &answer);
	if (r)
		return r;
	json_array_foreach(json_object_get(answer, "holders"), i, holder) {
		printf("%s %s: %s, since %s\n", cluster_text(holder, "kind"), cluster_text(holder, "what"),
		       cluster_text(holder, "host"), since_of(holder, since));
	}
	r = json_array_size(json_object_get(answer, "holders")) ? EXIT_FINE : EXIT_FINDINGS;
	if (r)
		(void)fprintf(stderr, "rangeguard cluster: no host holds a block or a source with %s\n",
			      options->argv[0]);
	json_decref(answer);
	return r;
}

static int run_forget(const struct cluster_options *options)
{
	json_t *answer = NULL;
	const json_t *key;
	size_t i;
	int r;

	if (options->argc != 1)
		return cluster_usage("forget needs a host");
	r = cluster_ask(options,
			json_pack("{s:s, s:s, s:b}", "ask", "cluster-forget", "host", options->argv[0], "force",
				  (int)options->force),
			&answer);
	if (r)
		return r;
	json_array_foreach(json_object_get(answer, "forgotten"), i, key) {
		printf("removed %s\n", json_string_value(key));
	}
	json_decref(answer);
	return EXIT_FINE;
}

/** command_cluster() - Which of them */
int command_cluster(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct cluster_options *options);
	} commands[] = {{"status", run_status}, {"publish", cluster_publish}, {"forget", run_forget}, {"who", run_who}};
	struct cluster_options options;
	int r;

	if (argc < 2)
		return cluster_usage("status, publish, forget or who?");
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		r = read_options(argc - 1, argv + 1, &options);
		return r ? r : commands[i].run(&options);
	}
	return cluster_usage("unknown command");
}
