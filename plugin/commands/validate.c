/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `rangeguard validate`: configurations held against policies, offline. Reads each file as a runtime and the plugin
 * would, stops at nothing, and prints every finding.
 */

#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plugin/commands/commands.h"
#include "plugin/commands/document.h"
#include "plugin/commands/paths.h"
#include "rangeguard/cleanup.h"

const char command_validate_help[] =
	"Usage: rangeguard validate [--policy PATH]... [--format text|json] [--strict] PATH...\n"
	"\n"
	"Checks network configurations (.conf, .conflist, .json) and policy files offline:\n"
	"no root, no network. PATH is a file, a directory, or '-' for standard input.\n"
	"\n"
	"  --policy PATH    policy file or directory to check against, in place of those that\n"
	"                   the configurations name; may be repeated\n"
	"  --format FORMAT  text (default) or json\n"
	"  --strict         warnings count as errors for the exit status\n"
	"\n"
	"Exit status: 0 no errors, 1 errors found, 2 usage or a PATH that can't be read.\n";

/** struct options - The command line */
struct options {
	struct path_list policies;
	bool json;
	bool strict;
};

/** usage() - Say what is wrong with the command line; return the exit status */
static int usage(const char *what, const char *argument)
{
	(void)fprintf(stderr, "rangeguard validate: %s%s; see rangeguard validate --help\n", what, argument);
	return EXIT_USAGE;
}

/** read_format() - The argument of --format; 0 or the exit status */
static int read_format(const char *format, struct options *options)
{
	if (strcmp(format, "text") && strcmp(format, "json"))
		return usage("--format must be text or json, not ", format);
	options->json = !strcmp(format, "json");
	return 0;
}

/** read_options() - The command line up to the paths; 0 or the exit status */
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"policy", required_argument, NULL, 'p'},
		{"format", required_argument, NULL, 'f'},
		{"strict", no_argument, NULL, 's'},
		{0},
	};
	int option, r = 0;

	opterr = 0;
	while (!r && (option = getopt_long(argc, argv, ":", known, NULL)) != -1) {
		switch (option) {
		case 'p':
			r = path_list_add(&options->policies, optarg) ? usage("out of memory", "") : 0;
			break;
		case 'f':
			r = read_format(optarg, options);
			break;
		case 's':
			options->strict = true;
			break;
		default:
			r = usage(option == ':' ? "argument missing for " : "unknown option ", argv[optind - 1]);
		}
	}
	return r;
}

/** validate_paths() - Each file of each path; 0, or the exit status when one can't be read */
static int validate_paths(char **paths, struct documents *documents)
{
	int status = 0;

	for (; *paths; paths++) {
		CLEANUP(path_list_done) struct path_list files = {0};
		int r = path_list_expand(&files, *paths);

		for (size_t i = 0; i < files.n_paths && !r; i++)
			r = documents_read(documents, files.paths[i]);
		if (r) {
			(void)fprintf(stderr, "rangeguard validate: %s: %s\n", *paths, strerror(-r));
			status = EXIT_USAGE;
		}
	}
	return status;
}

/** print() - Findings in the format wanted; 0 or -1 */
static int print(const struct options *options, struct documents *documents)
{
	findings_locate(&documents->findings);
	return options->json ? findings_print_json(&documents->findings, documents->n_files, stdout)
			     : findings_print_text(&documents->findings, documents->n_files, stdout);
}

/** exit_status() - What the findings come to */
static int exit_status(const struct options *options, const struct report *report)
{
	return report->errors || (options->strict && report->warnings) ? EXIT_FINDINGS : EXIT_FINE;
}

/**
 * command_validate() - `rangeguard validate`
 * @argc, @argv:	Arguments, argv[0] the command's name
 *
 * Return: the exit status
 */
int command_validate(int argc, char **argv)
{
	CLEANUP(documents_done) struct documents documents;
	struct options options = {0};
	int status;

	documents_init(&documents, &options.policies);
	status = read_options(argc, argv, &options);
	if (!status && optind == argc)
		status = usage("no PATH given", "");
	if (!status) {
		status = validate_paths(argv + optind, &documents);
		documents_compare(&documents);
		if (print(&options, &documents) || documents.findings.failed)
			status = EXIT_USAGE;
	}
	if (!status)
		status = exit_status(&options, &documents.findings.report);
	path_list_done(&options.policies);
	return status;
}
