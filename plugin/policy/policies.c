/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policies that a command line names, as a guard. */

#include "plugin/policy/policies.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plugin/policy/policy.h"
#include "plugin/text/printable.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/day.h"
#include "rangeguard/exit_status.h"

/** struct hearer - Listener that prints; @report must stay first */
struct hearer {
	struct report report;
	const char *command;
};

/** hear() - One finding as a line */
static void hear(struct report *report, const struct finding *finding)
{
	const struct hearer *hearer = (const struct hearer *)report;

	(void)fprintf(stderr, "rangeguard %s: %s", hearer->command,
		      finding->severity == SEVERITY_WARNING ? "warning: " : "");
	(void)print_printable(finding->message, stderr);
	if (*finding->pointer) {
		(void)fputs(" (at ", stderr);
		(void)print_printable(finding->pointer, stderr);
		(void)fputs(" in ", stderr);
		(void)print_printable(finding->file, stderr);
		(void)fputc(')', stderr);
	}
	(void)fputc('\n', stderr);
}

/** read_usual() - Add what counts on this host: the default directory, what is published in the cluster */
static int read_usual(struct guard *guard, const struct policy_context *context, struct report *report)
{
	int r = policy_read_path(guard, NETCONF_POLICY_DIR, true, context, report);
	int published = r < 0 ? 0 : policy_read_published(guard, NETCONF_DATA_DIR, context, report);

	return r ? r : published;
}

/** read_paths() - Add what the paths hold, or what counts on this host: 0, REFUSED (reported), negative errno */
static int read_paths(struct guard *guard, const struct path_list *paths, const struct policy_context *context,
		      struct report *report)
{
	int outcome = 0;

	if (!paths->n_paths)
		return read_usual(guard, context, report);
	for (size_t i = 0; i < paths->n_paths && outcome >= 0; i++) {
		int r = policy_read_path(guard, paths->paths[i], false, context, report);

		outcome = r ? r : outcome;
	}
	return outcome;
}

/** has_policies() - Whether a directory has a file that policies are read from; true of what is no directory */
static bool has_policies(const char *path)
{
	struct dirent *entry;
	DIR *directory = opendir(path);
	bool found = !directory;

	while (!found && (entry = readdir(directory)) != NULL)
		found = fnmatch("*.json", entry->d_name, FNM_PERIOD) == 0;
	if (directory)
		(void)closedir(directory);
	return found;
}

/**
 * policies_check() - See that each path named has something to read in it
 * @command:	Name of the command, for messages
 * @paths:	Files and directories
 *
 * Return: 0, EXIT_USAGE when said on standard error which one has not
 */
int policies_check(const char *command, const struct path_list *paths)
{
	for (size_t i = 0; i < paths->n_paths; i++) {
		if (has_policies(paths->paths[i]))
			continue;
		(void)fprintf(stderr, "rangeguard %s: nothing to check in %s: policies are files named *.json\n",
			      command, paths->paths[i]);
		return EXIT_USAGE;
	}
	return 0;
}

/**
 * policies_read() - Read policies
 * @command:	Name of the command, for messages
 * @paths:	Files and directories; none: what an ADD reads on this host, as strictly as an ADD does
 * @network:	Network that grants must match; NULL: each grant counts
 * @ret_guard:	Sealed guard, to be freed with guard_free()
 *
 * Return: 0, EXIT_USAGE when said on standard error what is wrong
 */
int policies_read(const char *command, const struct path_list *paths, const char *network, struct guard **ret_guard)
{
	struct policy_context context = {
		.network = network,
		.today = day_of(time(NULL)),
		.lint = paths->n_paths > 0,
	};
	struct hearer hearer = {.report = {.heard = hear}, .command = command};
	GUARD_CLEANUP struct guard *guard = NULL;
	int r = guard_new(&guard);

	if (policies_check(command, paths))
		return EXIT_USAGE;
	if (!r)
		r = read_paths(guard, paths, &context, &hearer.report);
	if (!r)
		r = guard_seal(guard);
	if (r < 0)
		(void)fprintf(stderr, "rangeguard %s: %s\n", command, strerror(-r));
	if (r)
		return EXIT_USAGE;
	*ret_guard = TAKE_PTR(guard);
	return 0;
}
