/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `rangeguard validate`: configurations checked against policies, offline. Reads each file as a runtime and the plugin
 * would, stops at nothing, and prints every finding.
 */

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/commands/commands.h"
#include "plugin/commands/document.h"
#include "plugin/commands/routes_file.h"
#include "plugin/policy/policies.h"
#include "plugin/text/colour.h"
#include "plugin/text/options.h"
#include "plugin/text/paths.h"
#include "plugin/text/printable.h"
#include "rangeguard/cleanup.h"

const char command_validate_help[] =
	"Usage: rangeguard validate [--policy PATH]... [--require-policy] [--host] [--host-routes FILE]\n"
	"                           [--leases FILE]... [--format FORMAT] [--color WHEN] [--strict] PATH...\n"
	"\n"
	"Checks network configurations and policy files, with the tables that these import, offline: no\n"
	"root, no network. PATH is a file, a directory, or '-' for standard input. Directories are read\n"
	"with all that is in them. Of what else declares addresses (other plugins, Docker, podman,\n"
	"Kubernetes and its distributions, …) it checks these against the policy: rangeguard-validate(1)\n"
	"lists the kinds of files that are read.\n"
	"\n"
	"  --policy PATH       policy file or directory to check against, in place of those that\n"
	"                      the configurations name; may be repeated\n"
	"  --require-policy    it is an error (exit status 2) when nothing at all is reserved; without\n"
	"                      it a warning\n"
	"  --host              the policies lie where an ADD reads them: who can write them counts\n"
	"  --host-routes FILE  routes of the host that the configurations are for, as printed by\n"
	"                      'ip -json route show table all'\n"
	"  --leases FILE       what 'rangeguard list' or 'pools' with --format json, or 'ip -json address'\n"
	"                      printed on a host: which of its containers, ranges and own addresses would\n"
	"                      the policy hit? May be repeated; PATH may be left out\n"
	"  --format FORMAT     text (default), json, sarif, junit or github\n"
	"  --color WHEN        colour the text: auto (default; on a terminal, unless NO_COLOR is set),\n"
	"                      always or never\n"
	"  --strict            warnings count as errors for the exit status\n"
	"\n"
	"Exit status: 0 no errors, 1 errors found, 2 usage, a PATH that can't be read or in which nothing\n"
	"is of a kind that is read.\n";

/** struct validate_options - The command line */
struct validate_options {
	struct path_list policies;
	const char *host_routes;
	struct path_list leases;
	const struct findings_format *format;
	enum colour_when colour;
	bool strict;
	bool require_policy;
	bool on_host;
};

/** usage() - Say what is wrong with the command line; return the exit status */
static int usage(const char *what, const char *argument)
{
	return options_usage("rangeguard validate", what, argument);
}

/** read_format() - The argument of --format; 0 or the exit status */
static int read_format(const char *name, void *userdata)
{
	struct validate_options *options = userdata;

	options->format = findings_format(name);
	return options->format ? 0 : usage("--format must be text, json, sarif, junit or github, not ", name);
}

/** read_host_routes() - The argument of --host-routes; 0 or the exit status */
static int read_host_routes(const char *path, void *userdata)
{
	struct validate_options *options = userdata;

	if (options->host_routes)
		return usage("--host-routes can be given only once: ", path);
	options->host_routes = path;
	return 0;
}

/** read_options() - The command line; 0 or the exit status */
static int read_options(int argc, char **argv, struct validate_options *options, int *ret_first)
{
	const struct option_rule rules[] = {
		{"policy", .paths = &options->policies},
		{"require-policy", .flag = &options->require_policy},
		{"host", .flag = &options->on_host},
		{"host-routes", .read = read_host_routes, .userdata = options},
		{"leases", .paths = &options->leases},
		{"format", .read = read_format, .userdata = options},
		{"color", .colour = &options->colour},
		{"strict", .flag = &options->strict},
		{0},
	};

	return options_read(&(struct command_line){"rangeguard validate", command_validate_help, argc, argv}, rules,
			    ret_first);
}

/** complain() - Say that a path can't be read; return the exit status */
static int complain(const char *path, int error)
{
	print_complaint("validate", path, strerror(error));
	return EXIT_USAGE;
}

/** nothing_in() - Say that a path has nothing to check; return the exit status */
static int nothing_in(const char *path, bool is_directory)
{
	/* Of a file there is a finding. */
	if (!is_directory)
		return EXIT_USAGE;
	(void)fprintf(stderr, "rangeguard validate: nothing to check in %s: no file there is of a kind that is read\n",
		      path);
	return EXIT_USAGE;
}

/** validate_file() - Read a file, unless it is in @seen; what is passed over may still be named. 0 or negative errno */
static int validate_file(const char *path, bool named, struct documents *documents, struct path_set *seen,
			 size_t *ret_n_seen)
{
	size_t n_before = documents->findings.files.n_paths;
	int r;

	if (path_set_has(seen, path)) {
		++*ret_n_seen;
		return 0;
	}
	r = documents_read(documents, path, named);
	if (!r && documents->findings.files.n_paths > n_before)
		r = path_set_add(seen, path);
	return r;
}

/**
 * validate_path() - A file, or each file of a directory
 * @seen:	Files that were read
 *
 * Return: 0, or the exit status when one can't be read
 */
static int validate_path(const char *path, struct documents *documents, struct path_set *seen)
{
	CLEANUP(path_list_done) struct path_list files = {0};
	size_t n_before = documents->findings.files.n_paths, n_seen = 0;
	int kind = path_list_expand(&files, path), status = 0;

	if (kind < 0)
		return complain(path, -kind);
	for (size_t i = 0; i < files.n_paths; i++) {
		int r = validate_file(files.paths[i], kind != PATHS_E_DIRECTORY, documents, seen, &n_seen);

		if (r < 0)
			status = complain(files.paths[i], -r);
	}
	if (!status && !n_seen && documents->findings.files.n_paths == n_before)
		return nothing_in(path, kind == PATHS_E_DIRECTORY);
	return status;
}

/** validate_paths() - Each file of each path; 0, or the exit status when one can't be read */
static int validate_paths(char **paths, size_t n_paths, struct documents *documents)
{
	CLEANUP(path_set_done) struct path_set seen = {0};
	int status = 0;

	for (size_t i = 0; i < n_paths; i++)
		if (validate_path(paths[i], documents, &seen))
			status = EXIT_USAGE;
	return status;
}

/** load_routes() - Read the host's routes, if any are given; 0 or the exit status */
static int load_routes(const char *path, struct routes *routes, struct documents *documents)
{
	struct error error = {0};

	if (!path)
		return 0;
	if (routes_file_read(path, routes, &error)) {
		print_complaint("validate", path, error.msg);
		return EXIT_USAGE;
	}
	documents->survey.routes = routes;
	return 0;
}

/** check_reserved() - Say when nothing is reserved, so that nothing can have been refused; return the exit status */
static int check_reserved(struct documents *documents, const struct validate_options *options)
{
	struct policy_once *policies = &documents->survey.policies;

	/* Also when nothing has asked for them: who has named one that is not there has misspelt it. */
	if ((options->require_policy || options->policies.n_paths) && policy_once_read(policies) < 0)
		documents->findings.failed = true;
	documents->findings.n_reserved = policies->n_reserved;
	if (policies->n_reserved || (!policies->n_sets && !options->require_policy))
		return 0;
	(void)fprintf(stderr,
		      "rangeguard validate: %snothing is reserved, so no address was refused: name a policy with "
		      "--policy, or reserve in " NETCONF_POLICY_DIR "\n",
		      options->require_policy ? "" : "warning: ");
	return options->require_policy ? EXIT_USAGE : 0;
}

/** exit_status() - What the findings come to */
static int exit_status(const struct findings *findings)
{
	return findings->report.errors || (findings->strict && findings->report.warnings) ? EXIT_FINDINGS : EXIT_FINE;
}

/** validate_leases() - The arguments of --leases, each of which has to tell what is there; 0 or the exit status */
static int validate_leases(const struct path_list *leases, struct documents *documents)
{
	int status = 0;

	for (size_t i = 0; i < leases->n_paths; i++) {
		CLEANUP(path_set_done) struct path_set seen = {0};
		size_t n_before = documents->survey.n_running;

		status |= validate_path(leases->paths[i], documents, &seen);
		if (!status && documents->survey.n_running == n_before) {
			(void)fprintf(
				stderr,
				"rangeguard validate: --leases %s: neither what rangeguard list or pools prints with "
				"--format json, nor what ip -json address does\n",
				leases->paths[i]);
			status = EXIT_USAGE;
		}
	}
	return status;
}

/** check_stdin() - Standard input can be read once; 0 or the exit status */
static int check_stdin(char **paths, const struct validate_options *options)
{
	size_t n = options->host_routes && !strcmp(options->host_routes, "-");

	for (size_t i = 0; i < options->leases.n_paths; i++)
		n += !strcmp(options->leases.paths[i], "-");
	for (; *paths; paths++)
		n += !strcmp(*paths, "-");
	return n > 1 ? usage("standard input (-) can be read only once", "") : 0;
}

/** validate() - Read, compare and print; return the exit status */
static int validate(char **paths, const struct validate_options *options, struct documents *documents)
{
	struct findings *findings = &documents->findings;
	int status = validate_leases(&options->leases, documents);
	size_t n_paths = 0;

	while (paths[n_paths])
		n_paths++;
	if (validate_paths(paths, n_paths, documents))
		status = EXIT_USAGE;
	documents_compare(documents);
	if (check_reserved(documents, options))
		status = EXIT_USAGE;
	findings->unread = documents->survey.unread;
	findings->n_unread = documents->survey.n_unread;
	findings->hits = documents->survey.hits;
	findings->n_hits = documents->survey.n_hits;
	findings_finish(findings);
	findings->strict = options->strict;
	findings->colour = colour_wanted(options->colour, STDOUT_FILENO);
	if (options->format->print(findings, stdout) || findings->failed)
		status = EXIT_USAGE;
	if (findings->failed)
		(void)fprintf(stderr, "rangeguard validate: %s\n", strerror(ENOMEM));
	return status ? status : exit_status(findings);
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
	ROUTES_CLEANUP struct routes routes = {0};
	struct validate_options options = {.format = findings_format("text")};
	int status, first;

	documents_init(&documents, &options.policies);
	status = read_options(argc, argv, &options, &first);
	if (!status && first == argc && !options.leases.n_paths)
		status = usage("no PATH given", "");
	if (!status)
		status = check_stdin(argv + first, &options);
	if (!status)
		status = policies_check("validate", &options.policies);
	documents.survey.policies.on_host = options.on_host;
	if (!status)
		status = load_routes(options.host_routes, &routes, &documents);
	if (!status)
		status = validate(argv + first, &options, &documents);
	path_list_done(&options.policies);
	path_list_done(&options.leases);
	return status;
}
