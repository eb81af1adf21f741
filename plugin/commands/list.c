/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard list`: who holds which address, sorted; read in parts, so that no ADD waits for long. */

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ipam/store/state.h"
#include "ipam/store/store_lmdb.h"
#include "plugin/commands/commands.h"
#include "plugin/netconf/netconf.h"
#include "plugin/overview/host_networks.h"
#include "plugin/overview/lease_set.h"
#include "plugin/text/columns.h"
#include "plugin/text/options.h"
#include "plugin/text/printable.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/exit_status.h"

/** Columns of the table */
#define N_COLUMNS 8
/** Space for "2026-11-23T18:14:46Z" and for years to come */
#define SINCE_MAX 32
/** Characters of a container id that a terminal shows, as runtimes' own lists do */
#define SHORT_ID 12

const char command_list_help[] =
	"Usage: rangeguard list [--data-dir DIR] [--network NAME] [--format text|json] [ADDRESS|CIDR]\n"
	"\n"
	"Shows each address that is held, and by whom, sorted by address.\n"
	"\n"
	"  --data-dir DIR   state directory (dataDir of the networks), default " NETCONF_DATA_DIR "\n"
	"  --network NAME   only this network\n"
	"  --format FORMAT  text (default; on a terminal container ids are cut) or json\n"
	"  ADDRESS|CIDR     only what is held of these\n"
	"\n"
	"Exit status: 0 fine (also when nothing is held), 2 usage, no such directory or network, or\n"
	"unreadable state.\n";

/** struct list_options - The command line; @network NULL: all; @within of FAMILY_NONE: all */
struct list_options {
	const char *data_dir;
	const char *network;
	struct span within;
	bool json;
};

/** usage() - Say what is wrong with the command line; return the exit status */
static int usage(const char *what, const char *argument)
{
	return options_usage("rangeguard list", what, argument);
}

/** read_within() - The address or prefix to look for; 0 or the exit status */
static int read_within(const char *text, struct list_options *options)
{
	struct prefix prefix;
	struct address address;

	if (address_parse(text, &address) == 0)
		options->within = span_of_address(&address);
	else if (prefix_parse(text, &prefix) == 0)
		options->within = prefix_span(&prefix);
	else
		return usage("neither an address nor a CIDR: ", text);
	return 0;
}

/** read_options() - The command line; 0 or the exit status */
static int read_options(int argc, char **argv, struct list_options *options)
{
	const struct option_rule rules[] = {
		{"data-dir", .text = &options->data_dir},
		{"network", .text = &options->network},
		{"format", .json = &options->json},
		{0},
	};
	int first, r = options_read(&(struct command_line){"rangeguard list", command_list_help, argc, argv}, rules,
				    &first);

	if (!r && first + 1 < argc)
		r = usage("unexpected argument ", argv[first + 1]);
	return r || first == argc ? r : read_within(argv[first], options);
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

/** struct row - An address, and the lease that holds it, by its place in the set */
struct row {
	struct address address;
	size_t lease;
};

/** struct listing - What is printed; rows are owned */
struct listing {
	const struct list_options *options;
	const struct lease_set *leases;
	struct row *rows;
	size_t n_rows;
};

/** listing_done() - Release the rows */
static void listing_done(struct listing *listing)
{
	free(listing->rows);
}

/** by_address() - qsort(3) order: family, address, place in the set */
static int by_address(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->address.family != right->address.family)
		return left->address.family < right->address.family ? -1 : 1;
	if (left->address.value != right->address.value)
		return left->address.value < right->address.value ? -1 : 1;
	return (left->lease > right->lease) - (left->lease < right->lease);
}

/** add_rows() - A row for each address of a lease that is wanted: 0, -ENOMEM */
static int add_rows(struct listing *listing, size_t index)
{
	struct lease lease = lease_set_get(listing->leases, index);
	const struct span *within = &listing->options->within;
	struct row *rows = reallocarray(listing->rows, listing->n_rows + lease.n_addresses + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	listing->rows = rows;
	for (size_t i = 0; i < lease.n_addresses; i++)
		if (within->family == FAMILY_NONE || span_contains(within, &lease.addresses[i]))
			rows[listing->n_rows++] = (struct row){.address = lease.addresses[i], .lease = index};
	return 0;
}

/** make_rows() - All rows, sorted: 0, -ENOMEM */
static int make_rows(struct listing *listing)
{
	int r = 0;

	for (size_t i = 0; i < listing->leases->n && !r; i++)
		r = add_rows(listing, i);
	if (listing->n_rows)
		qsort(listing->rows, listing->n_rows, sizeof(*listing->rows), by_address);
	return r;
}

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

/** print_json_row() - One address of a lease as an object: 0, -ENOMEM */
static int print_json_row(const struct listing *listing, size_t index)
{
	struct lease lease = lease_set_get(listing->leases, listing->rows[index].lease);
	char address[ADDRESS_TEXT_MAX], since[SINCE_MAX];
	json_t *row;
	int r;

	lease_since(&lease, since);
	row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "network", lease.attachment.network, "address",
			address_format(&listing->rows[index].address, address), "containerID",
			lease.attachment.container_id, "ifname", lease.attachment.ifname, "since", since, "namespace",
			lease.pod_namespace, "pod", lease.pod_name, "snat", pins_to_json(lease.pins));
	if (!row)
		return -ENOMEM;
	(void)fputs(index ? ",\n    " : "\n    ", stdout);
	r = json_dumpf(row, stdout, 0);
	json_decref(row);
	return r < 0 ? -ENOMEM : 0;
}

/** print_json() - All rows as one document: 0, -ENOMEM */
static int print_json(const struct listing *listing)
{
	int r = 0;

	(void)fputs("{\n  \"version\": 1,\n  \"leases\": [", stdout);
	for (size_t i = 0; i < listing->n_rows && !r; i++)
		r = print_json_row(listing, i);
	(void)fputs("\n  ]\n}\n", stdout);
	return r;
}

/** print_row() - One address of a lease as a line of the table, or, with @columns being measured, its widths */
static void text_row(const struct listing *listing, size_t index, struct columns *columns,
		     void (*use)(struct columns *columns, const char *const *texts))
{
	struct lease lease = lease_set_get(listing->leases, listing->rows[index].lease);
	char address[ADDRESS_TEXT_MAX], since[SINCE_MAX], id[SHORT_ID + 1];
	const char *texts[N_COLUMNS] = {lease.attachment.network,
					address_format(&listing->rows[index].address, address),
					lease.attachment.container_id,
					lease.attachment.ifname,
					since,
					lease.pod_namespace,
					lease.pod_name,
					lease.pins};

	lease_since(&lease, since);
	if (columns->terminal) {
		(void)snprintf(id, sizeof(id), "%s", lease.attachment.container_id);
		texts[2] = id;
	}
	use(columns, texts);
}

/** print_text() - All rows as a table */
static void print_text(const struct listing *listing)
{
	static const char *const titles[N_COLUMNS] = {"network", "address",   "containerID", "ifname",
						      "since",	 "namespace", "pod",	     "snat"};
	struct columns columns = {.n = N_COLUMNS, .terminal = isatty(STDOUT_FILENO) == 1};

	columns_measure(&columns, titles);
	for (size_t i = 0; i < listing->n_rows; i++)
		text_row(listing, i, &columns, columns_measure);
	columns_print(&columns, titles);
	for (size_t i = 0; i < listing->n_rows; i++)
		text_row(listing, i, &columns, columns_print);
}

/** is_named() - host_network_fn: 1 for the network of a name */
static int is_named(void *userdata, struct netconf *netconf)
{
	return !strcmp(netconf->name, userdata);
}

/** hear_nothing() - Listener of no interest */
static void hear_nothing(struct report *report, const struct finding *finding)
{
	(void)report;
	(void)finding;
}

/** is_configured() - Whether a network that holds nothing stands in this host's configurations */
static bool is_configured(const char *network)
{
	CLEANUP(path_list_done) struct path_list paths = {0};
	struct report report = {.heard = hear_nothing};

	return !path_list_add(&paths, HOST_NETWORKS_DIR) &&
	       host_networks_each(&paths, is_named, (void *)(uintptr_t)network, &report) == 1;
}

/** fail() - Say why there is no list; return the exit status */
static int fail(const char *what, const char *why)
{
	print_complaint("list", what, why);
	return EXIT_USAGE;
}

/** print_list() - The leases in the format wanted; the exit status */
static int print_list(const struct list_options *options)
{
	LEASE_SET_CLEANUP struct lease_set leases = {0};
	CLEANUP(listing_done) struct listing listing = {.options = options, .leases = &leases};
	int r = lease_set_read(options->data_dir, options->network, &leases);

	/* Before its first ADD a host has no state directory: that is no mistake of whoever asks. */
	if (r && (r != STATE_E_ABSENT || strcmp(options->data_dir, NETCONF_DATA_DIR) != 0))
		return fail(options->data_dir, lease_set_outcome(r));
	if (options->network && !leases.n && !is_configured(options->network))
		return fail(options->network, "no such network: it holds nothing, and is not in " HOST_NETWORKS_DIR);
	r = make_rows(&listing);
	if (!r && options->json)
		r = print_json(&listing);
	else if (!r)
		print_text(&listing);
	if (!r && leases.damaged)
		return fail(options->data_dir, lease_set_outcome(IPAM_E_DAMAGED));
	return r && !ferror(stdout) ? fail(options->data_dir, strerror(-r)) : EXIT_FINE;
}

/**
 * command_list() - `rangeguard list`
 * @argc, @argv:	Arguments, argv[0] the command's name
 *
 * Return: the exit status
 */
int command_list(int argc, char **argv)
{
	struct list_options options = {.data_dir = NETCONF_DATA_DIR};
	int status = read_options(argc, argv, &options);

	if (status)
		return status;
	return print_list(&options);
}
