/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard list`: who holds which address, in parts, so that no ADD waits for long and memory stays small. */

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ipam/lease/ipam.h"
#include "ipam/store/state.h"
#include "ipam/store/store_lmdb.h"
#include "plugin/commands/commands.h"
#include "plugin/netconf/netconf.h"
#include "plugin/text/printable.h"
#include "rangeguard/cleanup.h"

/** Leases read at a time: a few milliseconds' worth */
#define LEASES_PER_PART 4096U
/** Columns of the table */
#define N_COLUMNS 8
/** Space for "2026-11-23T18:14:46Z" and for years to come */
#define SINCE_MAX 32

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
static void lease_since(const struct lease *lease, char buffer[static SINCE_MAX])
{
	time_t since = lease->since;
	struct tm broken;

	buffer[0] = '\0';
	if (gmtime_r(&since, &broken))
		(void)strftime(buffer, SINCE_MAX, "%Y-%m-%dT%H:%M:%SZ", &broken);
}

/** struct listing - What is being printed: the rows of one part, before they leave */
struct listing {
	const struct options *options;
	FILE *rows;
	size_t n_rows;
};

/** pins_to_json() - The names of the pins that apply to a lease: an array, NULL without memory */
static json_t *pins_to_json(const char *pins)
{
	json_t *names = json_array();

	while (names && *pins) {
		size_t length = strcspn(pins, " ");

		if (json_array_append_new(names, json_stringn(pins, length)) < 0) {
			json_decref(names);
			return NULL;
		}
		pins += length + strspn(pins + length, " ");
	}
	return names;
}

/** print_json_row() - One address of a lease as an object */
static int print_json_row(struct listing *listing, const struct lease *lease, const char *address, const char *since)
{
	const struct attachment *attachment = &lease->attachment;
	json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "network", attachment->network, "address",
				address, "containerID", attachment->container_id, "ifname", attachment->ifname, "since",
				since, "namespace", lease->pod_namespace, "pod", lease->pod_name, "snat",
				pins_to_json(lease->pins));
	int r;

	if (!row)
		return -ENOMEM;
	(void)fputs(listing->n_rows ? ",\n    " : "\n    ", listing->rows);
	r = json_dumpf(row, listing->rows, 0);
	json_decref(row);
	return r < 0 ? -ENOMEM : 0;
}

/** print_columns() - A line of the table for people */
static void print_columns(FILE *stream, const char *const columns[static N_COLUMNS])
{
	static const int widths[N_COLUMNS] = {16, 24, 24, 8, 20, 16, 16, 0};

	for (size_t i = 0; i < N_COLUMNS; i++) {
		int printed = (int)print_printable(columns[i], stream);

		(void)fprintf(stream, "%*s%s", printed < widths[i] ? widths[i] - printed : 0, "",
			      i + 1 < N_COLUMNS ? "  " : "\n");
	}
}

/** print_lease() - ipam_each_fn: a row for each address */
static int print_lease(void *userdata, const struct lease *lease)
{
	const struct attachment *attachment = &lease->attachment;
	char text[ADDRESS_TEXT_MAX], since[SINCE_MAX];
	struct listing *listing = userdata;
	int r = 0;

	lease_since(lease, since);
	for (size_t i = 0; i < lease->n_addresses && !r; i++, listing->n_rows++) {
		const char *address = address_format(&lease->addresses[i], text);

		if (listing->options->json)
			r = print_json_row(listing, lease, address, since);
		else
			print_columns(listing->rows,
				      (const char *[N_COLUMNS]){attachment->network, address, attachment->container_id,
								attachment->ifname, since, lease->pod_namespace,
								lease->pod_name, lease->pins});
	}
	return r;
}

/**
 * print_part() - Read one part of the leases, then print it
 * @listing:	Listing; its stream is made here
 * @part:	Part
 *
 * The store is open, and an ADD kept waiting, only while a part is read into memory, however slow the reader of the
 * output is and however many leases there are.
 *
 * Return: 0, an outcome of the state, the store or the IPAM, negative errno
 */
static int print_part(struct listing *listing, struct ipam_part *part)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	CLEANUP_FREE char *rows = NULL;
	struct store *store = NULL;
	char boot_id[BOOT_ID_MAX];
	size_t size = 0;
	int r = state_boot_id(boot_id);

	listing->rows = open_memstream(&rows, &size);
	if (!listing->rows)
		return -ENOMEM;
	if (!r)
		r = state_open(listing->options->data_dir, STATE_READ, &state);
	if (!r)
		r = store_lmdb_open(&state, STATE_READ, LIMIT_LOCK_WAIT_MS, boot_id, NULL, &store);
	if (!r)
		r = ipam_each_part(store, part, print_lease, listing);
	store_close(store);
	if (fclose(listing->rows) == EOF)
		return -ENOMEM;
	return fwrite(rows, 1, size, stdout) < size ? -EIO : r;
}

/** print_leases() - All parts: 0, also when there is no state; else as print_part() */
static int print_leases(const struct options *options)
{
	struct ipam_part part = {.network = options->network, .limit = LEASES_PER_PART};
	struct listing listing = {.options = options};
	bool damaged = false;
	int r = 0;

	while (!part.ended && (!r || r == IPAM_E_DAMAGED)) {
		r = print_part(&listing, &part);
		damaged |= r == IPAM_E_DAMAGED;
	}
	if (r == STATE_E_ABSENT)
		r = 0;
	return !r && damaged ? IPAM_E_DAMAGED : r;
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

/** print_list() - The leases in the format wanted; as print_leases() */
static int print_list(const struct options *options)
{
	int r;

	if (options->json)
		(void)fputs("{\n  \"version\": 1,\n  \"leases\": [", stdout);
	else
		print_columns(stdout, (const char *[N_COLUMNS]){"network", "address", "containerID", "ifname", "since",
								"namespace", "pod", "snat"});
	r = print_leases(options);
	if (options->json)
		(void)fputs("\n  ]\n}\n", stdout);
	return !r && fflush(stdout) ? -EIO : r;
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
	int r;

	if (status)
		return status;
	store_lmdb_on_crash(answer_crash);
	r = print_list(&options);
	if (!r)
		return EXIT_FINE;
	(void)fprintf(stderr, "rangeguard list: %s: %s\n", options.data_dir, outcome_text(r));
	return EXIT_USAGE;
}
