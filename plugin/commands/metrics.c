/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard metrics`: what is going on, for node_exporter's textfile collector, or to look at. */

#include <errno.h>
#include <string.h>

#include "plugin/commands/commands.h"
#include "plugin/netconf/netconf.h"
#include "plugin/overview/host_networks.h"
#include "plugin/overview/metrics.h"
#include "plugin/text/options.h"
#include "plugin/text/printable.h"
#include "rangeguard/exit_status.h"

const char command_metrics_help[] =
	"Usage: rangeguard metrics [--data-dir DIR] [--config PATH]...\n"
	"\n"
	"Prints metrics in Prometheus' text format: calls by error code and how long they took,\n"
	"leases, how full the ranges of this host's networks are, the state of their policies.\n"
	"\n"
	"  --data-dir DIR  state directory (dataDir of the networks), default " NETCONF_DATA_DIR "\n"
	"  --config PATH   network configuration or a directory of them; may be repeated;\n"
	"                  default " HOST_NETWORKS_DIR "\n"
	"\n"
	"Exit status: 0 fine, 2 usage or I/O.\n";

/** read_options() - The command line; 0 or the exit status */
static int read_options(int argc, char **argv, struct metrics_source *source)
{
	const struct option_rule rules[] = {
		{"data-dir", .text = &source->data_dir},
		{"config", .paths = &source->configs},
		{0},
	};

	return options_read_only(&(struct command_line){"rangeguard metrics", command_metrics_help, argc, argv}, rules);
}

/**
 * command_metrics() - `rangeguard metrics`
 * @argc, @argv:	Arguments, argv[0] the command's name
 *
 * Return: the exit status
 */
int command_metrics(int argc, char **argv)
{
	struct metrics_source source = {.data_dir = NETCONF_DATA_DIR};
	int status = read_options(argc, argv, &source), r = 0;
	const char *missing = path_list_missing(&source.configs);

	/* A host on which nothing has put a network yet has no directory for them; those that are named are there. */
	if (!status && missing) {
		print_complaint("metrics", missing, strerror(errno));
		status = EXIT_USAGE;
	}
	if (!status && !source.configs.n_paths)
		r = path_list_add(&source.configs, HOST_NETWORKS_DIR);
	if (!status && !r)
		r = metrics_write(&source, stdout);
	if (!status && r) {
		(void)fprintf(stderr, "rangeguard metrics: %s\n", strerror(-r));
		status = EXIT_USAGE;
	}
	path_list_done(&source.configs);
	return status;
}
