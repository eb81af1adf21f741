/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard gc`: what nobody else will give back. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plugin/commands/commands.h"
#include "plugin/host/collect.h"
#include "plugin/host/lease_store.h"
#include "plugin/netconf/netconf.h"
#include "plugin/text/options.h"
#include "plugin/text/printable.h"
#include "rangeguard/exit_status.h"

const char command_gc_help[] =
	"Usage: rangeguard gc [--dry-run] [--network NAME] [--data-dir DIR]\n"
	"\n"
	"Gives back the leases of containers that are gone, namespace and interface both, of any\n"
	"network in the state directory: also of one that was renamed or removed, for which no\n"
	"runtime calls DEL any more. Prints each.\n"
	"\n"
	"  --dry-run       only print them\n"
	"  --network NAME  only those of this network\n"
	"  --data-dir DIR  state directory, default " NETCONF_DATA_DIR "\n"
	"\n"
	"Exit status: 0 fine, 1 some could not be given back, 2 usage or I/O.\n";

/** struct gc_options - The command line */
struct gc_options {
	const char *data_dir;
	const char *network;
	bool dry_run;
};

/** read_options() - The command line; 0 or the exit status */
static int read_options(int argc, char **argv, struct gc_options *options)
{
	const struct option_rule rules[] = {
		{"data-dir", .text = &options->data_dir},
		{"network", .text = &options->network},
		{"dry-run", .flag = &options->dry_run},
		{0},
	};

	return options_read_only(&(struct command_line){"rangeguard gc", command_gc_help, argc, argv}, rules);
}

/** print_lease() - collect.heard: "NETWORK ID IFNAME ADDRESS…" */
static void print_lease(void *userdata, const struct lease *lease)
{
	char text[ADDRESS_TEXT_MAX];

	(void)userdata;
	(void)print_printable(*lease->attachment.network ? lease->attachment.network : "-", stdout);
	(void)fputc(' ', stdout);
	(void)print_printable(lease->attachment.container_id, stdout);
	(void)fputc(' ', stdout);
	(void)print_printable(lease->attachment.ifname, stdout);
	for (size_t i = 0; i < lease->n_addresses; i++)
		(void)fprintf(stdout, " %s", address_format(&lease->addresses[i], text));
	(void)fputc('\n', stdout);
}

/** run() - Give back, or only print: the exit status */
static int run(const struct gc_options *options)
{
	struct collect collect = {.network = options->network, .dry_run = options->dry_run, .heard = print_lease};
	STATE_CLEANUP struct state state = STATE_INIT;
	HOST_CLEANUP struct host host = {0};
	struct error err = {0};
	int r = state_open(options->data_dir, options->dry_run ? STATE_READ : STATE_UPDATE, &state);
	int status = EXIT_FINE;

	/* After a boot there is none until the first ADD, and nothing to give back. */
	if (r == STATE_E_ABSENT && !strcmp(options->data_dir, NETCONF_DATA_DIR))
		return EXIT_FINE;
	if (r == STATE_E_ABSENT) {
		(void)fprintf(stderr, "rangeguard gc: there is no state in %s\n", options->data_dir);
		return EXIT_USAGE;
	}
	if (r) {
		(void)lease_store_error(options->data_dir, r, &err);
		status = EXIT_USAGE;
	} else if (host_open(options->data_dir, &host, &err)) {
		status = EXIT_USAGE;
	} else {
		host.adopt = NETCONF_ADOPT;
		status = collect_dead(&host, &state, &collect, &err) ? EXIT_FINDINGS : EXIT_FINE;
	}
	if (status)
		(void)fprintf(stderr, "rangeguard gc: %s\n", err.msg);
	return status;
}

/**
 * command_gc() - `rangeguard gc`
 * @argc, @argv:	Arguments, argv[0] the command's name
 *
 * Return: the exit status
 */
int command_gc(int argc, char **argv)
{
	struct gc_options options = {.data_dir = NETCONF_DATA_DIR};
	int status = read_options(argc, argv, &options);

	return status ? status : run(&options);
}
