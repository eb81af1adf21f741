/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `rangeguard list`: who holds which address. The store is read into memory first and printed after it is closed, so
 * that a slow reader of the output keeps no ADD waiting.
 */

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ipam/ipam.h"
#include "ipam/state.h"
#include "ipam/store_lmdb.h"
#include "plugin/commands/commands.h"
#include "plugin/config/netconf.h"
#include "rangeguard/cleanup.h"

const char command_list_help[] =
	"Usage: rangeguard list [--data-dir DIR] [--network NAME] [--format text|json]\n"
	"\n"
	"Shows each address that is held, and by whom.\n"
	"\n"
	"  --data-dir DIR   state directory, /run/rangeguard unless a configuration names another\n"
	"  --network NAME   only this network\n"
	"  --format FORMAT  text (default) or json\n"
	"\n"
	"Exit status: 0 fine (also when nothing is held), 2 usage or unreadable state.\n";

/** struct options - The command line; @network NULL: all */
struct options {
	const char *data_dir;
	const char *network;
	bool json;
};

/** usage() - Say what is wrong with the command line; return the exit status */
static int usage(const char *what, const char *argument)
{
	(void)fprintf(stderr, "rangeguard list: %s%s; see rangeguard list --help\n", what, argument);
	return EXIT_USAGE;
}

/** read_options() - The command line; 0 or the exit status */
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"data-dir", required_argument, NULL, 'd'},
		{"network", required_argument, NULL, 'n'},
		{"format", required_argument, NULL, 'f'},
		{0},
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", known, NULL)) != -1) {
		switch (option) {
		case 'd':
			options->data_dir = optarg;
			break;
		case 'n':
			options->network = optarg;
			break;
		case 'f':
			if (strcmp(optarg, "text") && strcmp(optarg, "json"))
				return usage("--format must be text or json, not ", optarg);
			options->json = !strcmp(optarg, "json");
			break;
		default:
			return usage(option == ':' ? "argument missing for " : "unknown option ", argv[optind - 1]);
		}
	}
	return optind < argc ? usage("unexpected argument ", argv[optind]) : 0;
}

/** lease_since() - Time of a lease, RFC 3339 in UTC */
static void lease_since(const struct lease *lease, char buffer[static 32])
{
	time_t since = lease->since;
	struct tm broken;

	buffer[0] = '\0';
	if (gmtime_r(&since, &broken))
		(void)strftime(buffer, 32, "%Y-%m-%dT%H:%M:%SZ", &broken);
}

/** collect() - ipam_each_fn: one object per address */
static int collect(void *userdata, const struct lease *lease)
{
	const struct attachment *attachment = &lease->attachment;
	char text[ADDRESS_TEXT_MAX], since[32];
	json_t *list = userdata;

	lease_since(lease, since);
	for (size_t i = 0; i < lease->n_addresses; i++) {
		json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[]}", "network", attachment->network,
					"address", address_format(&lease->addresses[i], text), "containerID",
					attachment->container_id, "ifname", attachment->ifname, "since", since,
					"namespace", lease->pod_namespace, "pod", lease->pod_name, "snat");

		if (json_array_append_new(list, row))
			return -ENOMEM;
	}
	return 0;
}

/** read_leases() - Fill @list; 0 also when there is no state, an outcome of the state, the store or the IPAM */
static int read_leases(const struct options *options, json_t *list)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	char boot_id[BOOT_ID_MAX];
	int r = state_boot_id(boot_id);

	if (!r)
		r = state_open(options->data_dir, STATE_READ, &state);
	if (!r)
		r = store_lmdb_open(&state, STATE_READ, LIMIT_LOCK_WAIT_MS, boot_id, NULL, &store);
	if (!r)
		r = ipam_each(store, options->network, collect, list);
	return r == STATE_E_ABSENT ? 0 : r;
}

/** outcome_text() - Why the leases can't be read */
static const char *outcome_text(int outcome)
{
	switch (outcome) {
	case STATE_E_UNSAFE:
		return "not root's alone, or behind a symlink that root did not make";
	case STATE_E_LOCKED:
		return "locked by another rangeguard for too long";
	case STORE_LMDB_E_DAMAGED:
	case IPAM_E_DAMAGED:
		return "the lease store is damaged or newer than this program";
	default:
		return strerror(-outcome);
	}
}

/** print_text() - A table for people */
static int print_text(const json_t *list)
{
	static const char *const keys[] = {"network", "address", "containerID", "ifname", "since", "namespace", "pod"};
	static const int widths[] = {16, 24, 24, 8, 20, 16, 0};
	const size_t n_keys = sizeof(keys) / sizeof(keys[0]);
	size_t index;
	json_t *row;

	for (size_t i = 0; i < n_keys; i++)
		(void)printf("%-*s%s", widths[i], keys[i], i + 1 < n_keys ? "  " : "\n");
	json_array_foreach((json_t *)(uintptr_t)list, index, row)
		for (size_t i = 0; i < n_keys; i++)
			(void)printf("%-*s%s", widths[i], json_string_value(json_object_get(row, keys[i])),
				     i + 1 < n_keys ? "  " : "\n");
	return fflush(stdout);
}

/** print_json() - {"version": 1, "leases": […]} */
static int print_json(json_t *list)
{
	json_t *root = json_pack("{s:i, s:O}", "version", 1, "leases", list);
	int r = json_dumpf(root, stdout, JSON_INDENT(2)) || fputc('\n', stdout) == EOF || fflush(stdout);

	json_decref(root);
	return r;
}

/** answer_crash() - The lease store was damaged beyond its own checks and has been set aside */
static void answer_crash(void)
{
	static const char answer[] = "rangeguard list: the lease store was damaged and has been set aside\n";

	(void)!write(STDERR_FILENO, answer, sizeof(answer) - 1);
	_exit(EXIT_USAGE);
}

/**
 * command_list() - `rangeguard list`
 * @argc, @argv:	Arguments, argv[0] the command's name
 *
 * Return: the exit status
 */
int command_list(int argc, char **argv)
{
	struct options options = {.data_dir = NETCONF_DATA_DIR};
	int status = read_options(argc, argv, &options);
	json_t *list;
	int r;

	if (status)
		return status;
	store_lmdb_on_crash(answer_crash);
	list = json_array();
	r = read_leases(&options, list);
	if (r) {
		(void)fprintf(stderr, "rangeguard list: %s: %s\n", options.data_dir, outcome_text(r));
		status = EXIT_USAGE;
	} else if (options.json ? print_json(list) : print_text(list)) {
		status = EXIT_USAGE;
	}
	json_decref(list);
	return status;
}
