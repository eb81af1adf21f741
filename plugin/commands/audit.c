/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard audit`: this host as it is against what is written down of it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/audit/audit.h"
#include "plugin/commands/commands.h"
#include "plugin/commands/findings.h"
#include "plugin/overview/host_networks.h"
#include "plugin/text/colour.h"
#include "plugin/text/options.h"
#include "plugin/text/printable.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/exit_status.h"

#define WITHIN_MAX 36500

const char command_audit_help[] =
	"Usage: rangeguard audit [--data-dir DIR] [--config PATH]... [--inventory FILE] [--within DAYS]\n"
	"                        [--format FORMAT] [--color WHEN] [--strict]\n"
	"\n"
	"Compares this host as it is with its leases, its policies and an inventory. Changes nothing.\n"
	"\n"
	"  --data-dir DIR    state directory (dataDir of the networks), default " NETCONF_DATA_DIR "\n"
	"  --config PATH     network configuration or a directory of them; may be repeated;\n"
	"                    default " HOST_NETWORKS_DIR "\n"
	"  --inventory FILE  CSV of addresses, such as NetBox's export of IP addresses\n"
	"  --within DAYS     tell of policy entries that expire within so many days, 30 or 30d; default 30\n"
	"  --format FORMAT   text (default), json, sarif, junit or github\n"
	"  --color WHEN      colour the text: auto (default; on a terminal, unless NO_COLOR is set),\n"
	"                    always or never\n"
	"  --strict          warnings count as errors for the exit status\n"
	"\n"
	"Exit status: 0 no errors, 1 errors found, 2 usage or something that can't be read.\n";

/** struct audit_options - The command line */
struct audit_options {
	struct path_list configs;
	struct audit audit;
	const struct findings_format *format;
	enum colour_when colour;
	bool strict;
};

/** usage() - Say what is wrong with the command line; return the exit status */
static int usage(const char *what, const char *argument)
{
	return options_usage("rangeguard audit", what, argument);
}

/** read_format() - The argument of --format; 0 or the exit status */
static int read_format(const char *name, void *userdata)
{
	struct audit_options *options = userdata;

	options->format = findings_format(name);
	return options->format ? 0 : usage("--format must be text, json, sarif, junit or github, not ", name);
}

/** read_within() - The argument of --within; 0 or the exit status */
static int read_within(const char *text, void *userdata)
{
	struct audit_options *options = userdata;
	size_t digits = strspn(text, "0123456789");
	unsigned days = 0;

	for (size_t i = 0; i < digits && days <= WITHIN_MAX; i++)
		days = days * 10 + (unsigned)(text[i] - '0');
	if (!digits || days > WITHIN_MAX || (text[digits] && strcmp(text + digits, "d") != 0))
		return usage("--within must be a number of days, such as 30d, not ", text);
	options->audit.within = days;
	return 0;
}

/**
 * choose_configs() - The default where none is named: a host on which nothing has put a network yet has no directory for
 * them; those that are named are there. 0 or the exit status
 */
static int choose_configs(struct audit_options *options)
{
	bool named = options->configs.n_paths;
	const char *missing;

	if (!named && path_list_add(&options->configs, HOST_NETWORKS_DIR))
		return usage("out of memory", "");
	missing = path_list_missing(&options->configs);
	if (missing && named) {
		print_complaint("audit", missing, strerror(errno));
		return EXIT_USAGE;
	}
	if (missing)
		path_list_done(&options->configs);
	return 0;
}

/** read_options() - The command line; 0 or the exit status */
static int read_options(int argc, char **argv, struct audit_options *options)
{
	const struct option_rule rules[] = {
		{"data-dir", .text = &options->audit.data_dir},
		{"config", .paths = &options->configs},
		{"inventory", .text = &options->audit.inventory},
		{"within", .read = read_within, .userdata = options},
		{"format", .read = read_format, .userdata = options},
		{"color", .colour = &options->colour},
		{"strict", .flag = &options->strict},
		{0},
	};
	int r = options_read_only(&(struct command_line){"rangeguard audit", command_audit_help, argc, argv}, rules);

	return r ? r : choose_configs(options);
}

/** run() - Audit and print; the exit status */
static int run(const struct audit_options *options)
{
	CLEANUP(findings_done) struct findings findings;
	struct audit audit = options->audit;
	struct error err = {0};
	int r;

	findings_init(&findings);
	findings.strict = options->strict;
	findings.colour = colour_wanted(options->colour, STDOUT_FILENO);
	audit.configs = &options->configs;
	audit.report = &findings.report;
	r = audit_run(&audit, &err);
	if (r && !err.code) {
		print_complaint("audit", audit.data_dir, lease_set_outcome(r));
		return EXIT_USAGE;
	}
	if (r || findings.failed) {
		(void)fprintf(stderr, "rangeguard audit: %s\n", r ? err.msg : strerror(ENOMEM));
		return EXIT_USAGE;
	}
	findings_finish(&findings);
	if (options->format->print(&findings, stdout) < 0)
		return EXIT_USAGE;
	return findings.report.errors || (options->strict && findings.report.warnings) ? EXIT_FINDINGS : EXIT_FINE;
}

/**
 * command_audit() - `rangeguard audit`
 * @argc, @argv:	Arguments, argv[0] the command's name
 *
 * Return: the exit status
 */
int command_audit(int argc, char **argv)
{
	struct audit_options options = {.audit = {.data_dir = NETCONF_DATA_DIR, .within = 30},
					.format = findings_format("text")};
	int status = read_options(argc, argv, &options);

	if (!status)
		status = run(&options);
	path_list_done(&options.configs);
	return status;
}
