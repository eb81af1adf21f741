/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard who`: who holds or held an address, from the history. Needs neither root nor the host it is about. */

#include <errno.h>
#include <string.h>

#include "ipam/address/address.h"
#include "plugin/commands/commands.h"
#include "plugin/commands/who.h"
#include "plugin/history/when.h"
#include "plugin/netconf/netconf.h"
#include "plugin/text/options.h"
#include "plugin/text/printable.h"
#include "rangeguard/exit_status.h"

const char command_who_help[] =
	"Usage: rangeguard who [--at TIME] [--since TIME] [--history PATH]... [--format text|json] ADDRESS\n"
	"\n"
	"Tells who holds or held an address, or has or had it as the source address of pins: when,\n"
	"until when, and what is not known. Works on files copied from other hosts, also compressed\n"
	"ones (.gz), of several hosts at a time.\n"
	"\n"
	"  --at TIME        only who held it then\n"
	"  --since TIME     only who held it then or later\n"
	"  --history PATH   history file, with those it was renamed to (PATH.1, PATH.2.gz, ...), or a\n"
	"                   directory; may be repeated; default " NETCONF_HISTORY "\n"
	"  --format FORMAT  text (default) or json\n"
	"\n"
	"TIME is RFC 3339, such as 2026-11-28T14:00:00Z; less is enough: 2026-11-28, '2026-11-28 14:00'.\n"
	"Without an offset it is UTC.\n"
	"\n"
	"Exit status: 0 somebody, 1 nobody that is known, 2 usage, a PATH that can't be read\n"
	"or a directory without files.\n";

/** struct who_options - The command line */
struct who_options {
	struct archive archive;
	struct who who;
	bool json;
};

/** usage() - Say what is wrong with the command line; return the exit status */
static int usage(const char *what, const char *argument)
{
	return options_usage("rangeguard who", what, argument);
}

/** unreadable() - Say what can't be read; return the exit status */
static int unreadable(const char *path, int error)
{
	print_complaint("who", path, strerror(-error));
	return EXIT_USAGE;
}

/** read_time() - The argument of --at, --since; 0 or the exit status */
static int read_time(const char *text, void *userdata)
{
	int64_t *ret_time = userdata;

	return when_parse(text, ret_time) ? 0 : usage("not a time (as 2026-11-28T14:00:00Z): ", text);
}

/** read_history() - The argument of --history; 0 or the exit status */
static int read_history(const char *path, void *userdata)
{
	struct who_options *options = userdata;
	int r = archive_add(&options->archive, path);

	if (r == ARCHIVE_E_EMPTY) {
		(void)fprintf(stderr, "rangeguard who: nothing to read in %s: no file is there\n", path);
		return EXIT_USAGE;
	}
	return r < 0 ? unreadable(path, r) : 0;
}

/** read_options() - The command line; 0 or the exit status */
static int read_options(int argc, char **argv, struct who_options *options, struct address *ret_address)
{
	const struct option_rule rules[] = {
		{"at", .read = read_time, .userdata = &options->who.at},
		{"since", .read = read_time, .userdata = &options->who.since},
		{"history", .read = read_history, .userdata = options},
		{"format", .json = &options->json},
		{0},
	};
	int first,
		r = options_read(&(struct command_line){"rangeguard who", command_who_help, argc, argv}, rules, &first);

	if (r)
		return r;
	if (first + 1 != argc)
		return usage(first < argc ? "unexpected argument " : "no address given",
			     first < argc ? argv[first + 1] : "");
	return address_parse(argv[first], ret_address) < 0 ? usage("not an address: ", argv[first]) : 0;
}

/** check_files() - That each file could be read; 0 or the exit status */
static int check_files(const struct search *search)
{
	int status = 0;

	for (size_t i = 0; i < search->archive->n; i++)
		if (search->found[i].outcome < 0)
			status = unreadable(search->archive->paths[i], search->found[i].outcome);
	return status;
}

/** answer() - Search the files for the address and print who held it; the exit status */
static int answer(struct who_options *options)
{
	char quoted[ADDRESS_TEXT_MAX + 2];
	SEARCH_CLEANUP struct search search = {.archive = &options->archive, .needles = {quoted, HELD_GAP_NEEDLE}};
	HELD_CLEANUP struct held held = {.n_lines = 0};
	int status, r;

	(void)snprintf(quoted, sizeof(quoted), "\"%s\"", options->who.address);
	r = search_run(&search);
	if (r == 0)
		r = held_read(&search, options->who.address, &held);
	if (r < 0)
		return unreadable("the history", r);
	status = check_files(&search);
	if (status)
		return status;
	if (held.unread)
		print_complaint("who: warning", held.unread,
				"a line that counts here can't be read, so somebody may be missing");
	r = 0;
	if (options->json)
		r = who_print_json(&options->who, &held);
	else
		who_print_text(&options->who, &held);
	if (r < 0)
		return unreadable("the history", r);
	return who_count(&options->who, &held) ? EXIT_FINE : EXIT_FINDINGS;
}

/**
 * command_who() - `rangeguard who`
 * @argc, @argv:	Arguments, argv[0] the command's name
 *
 * Return: the exit status
 */
int command_who(int argc, char **argv)
{
	struct who_options options = {.who = {.at = HELD_UNKNOWN, .since = HELD_UNKNOWN}};
	char text[ADDRESS_TEXT_MAX];
	struct address address;
	int status, r = 0;

	status = read_options(argc, argv, &options, &address);
	if (!status && !options.archive.n) {
		r = archive_add(&options.archive, NETCONF_HISTORY);
		status = r < 0 ? unreadable(NETCONF_HISTORY, r) : 0;
	}
	if (!status) {
		options.who.address = address_format(&address, text);
		status = answer(&options);
	}
	archive_done(&options.archive);
	return status;
}
