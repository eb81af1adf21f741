/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard audit`: this host as it is against what is written down of it. */

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/audit/audit.h"
#include "plugin/commands/commands.h"
#include "plugin/commands/findings.h"
#include "plugin/overview/host_networks.h"
#include "plugin/text/colour.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/exit_status.h"

#define WITHIN_MAX 36500

const char command_audit_help[] =
	"Usage: rangeguard audit [--data-dir DIR] [--config PATH]... [--inventory FILE] [--within DAYS]\n"
	"                        [--format FORMAT] [--color WHEN] [--strict]\n"
	"\n"
	"Compares this host as it is with its leases, its policies and an inventory. Changes nothing.\n"
	"\n"
	"  --data-dir DIR    state directory, " NETCONF_DATA_DIR " unless a configuration names another\n"
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

/** struct format - A format by its name */
struct format {
	const char *name;
	int (*print)(const struct findings *findings, FILE *stream);
};

/** The first one is the default */
static const struct format formats[] = {
	{"text", findings_print_text},	 {"json", findings_print_json},	    {"sarif", findings_print_sarif},
	{"junit", findings_print_junit}, {"github", findings_print_github},
};

/** struct options - The command line */
struct options {
	struct path_list configs;
	struct audit audit;
	const struct format *format;
	enum colour_when colour;
	bool strict;
};

/** usage() - Say what is wrong with the command line; return the exit status */
static int usage(const char *what, const char *argument)
{
	(void)fprintf(stderr, "rangeguard audit: %s%s; see rangeguard audit --help\n", what, argument);
	return EXIT_USAGE;
}

/** read_format() - The argument of --format; 0 or the exit status */
static int read_format(const char *name, struct options *options)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(name, formats[i].name) == 0) {
			options->format = &formats[i];
			return 0;
		}
	}
	return usage("--format must be text, json, sarif, junit or github, not ", name);
}

/** read_color() - The argument of --color; 0 or the exit status */
static int read_color(const char *text, struct options *options)
{
	return colour_read(text, &options->colour) ? 0 : usage("--color must be auto, always or never, not ", text);
}

/** read_within() - The argument of --within; 0 or the exit status */
static int read_within(const char *text, struct options *options)
{
	size_t digits = strspn(text, "0123456789");
	unsigned days = 0;

	for (size_t i = 0; i < digits && days <= WITHIN_MAX; i++)
		days = days * 10 + (unsigned)(text[i] - '0');
	if (!digits || days > WITHIN_MAX || (text[digits] && strcmp(text + digits, "d") != 0))
		return usage("--within must be a number of days, such as 30d, not ", text);
	options->audit.within = days;
	return 0;
}

/** read_option() - One option; 0 or the exit status */
static int read_option(int option, const char *unknown, struct options *options)
{
	switch (option) {
	case 'd':
		options->audit.data_dir = optarg;
		return 0;
	case 'c':
		return path_list_add(&options->configs, optarg) ? usage("out of memory at ", optarg) : 0;
	case 'i':
		options->audit.inventory = optarg;
		return 0;
	case 'w':
		return read_within(optarg, options);
	case 'f':
		return read_format(optarg, options);
	case 'C':
		return read_color(optarg, options);
	case 's':
		options->strict = true;
		return 0;
	default:
		return usage(option == ':' ? "argument missing for " : "unknown option ", unknown);
	}
}

/** read_options() - The command line; 0 or the exit status */
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"data-dir", required_argument, NULL, 'd'},  {"config", required_argument, NULL, 'c'},
		{"inventory", required_argument, NULL, 'i'}, {"within", required_argument, NULL, 'w'},
		{"format", required_argument, NULL, 'f'},    {"color", required_argument, NULL, 'C'},
		{"strict", no_argument, NULL, 's'},	     {0},
	};
	int option, status = 0;

	opterr = 0;
	while (!status && (option = getopt_long(argc, argv, ":", known, NULL)) != -1)
		status = read_option(option, argv[optind - 1], options);
	if (!status && optind < argc)
		status = usage("unexpected argument ", argv[optind]);
	if (!status && !options->configs.n_paths && path_list_add(&options->configs, HOST_NETWORKS_DIR))
		status = usage("out of memory", "");
	return status;
}

/** run() - Audit and print; the exit status */
static int run(const struct options *options)
{
	CLEANUP(findings_done) struct findings findings;
	struct audit audit = options->audit;
	int r;

	findings_init(&findings);
	findings.strict = options->strict;
	findings.colour = colour_wanted(options->colour, STDOUT_FILENO);
	audit.configs = &options->configs;
	audit.report = &findings.report;
	r = audit_run(&audit);
	if (r || findings.failed) {
		(void)fprintf(stderr, "rangeguard audit: %s\n", r ? lease_set_outcome(r) : strerror(ENOMEM));
		return EXIT_USAGE;
	}
	findings_finish(&findings);
	if (options->format->print(&findings, stdout) < 0 || fflush(stdout)) {
		(void)fprintf(stderr, "rangeguard audit: standard output: %s\n", strerror(errno));
		return EXIT_USAGE;
	}
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
	struct options options = {.audit = {.data_dir = NETCONF_DATA_DIR, .within = 30}, .format = &formats[0]};
	int status = read_options(argc, argv, &options);

	if (!status)
		status = run(&options);
	path_list_done(&options.configs);
	return status;
}
