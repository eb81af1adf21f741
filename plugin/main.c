/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rangeguard: a CNI plugin when CNI_COMMAND is set, a command for people otherwise. Nothing is decided here but which
 * of the two, and what is done to the process as a whole.
 */

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ipam/store/store_lmdb.h"
#include "plugin/commands/commands.h"
#include "plugin/enforce/classifier.h"
#include "plugin/program/program.h"
#include "plugin/verbs/verbs.h"
#include "rangeguard/exit_status.h"
#include "rangeguard/limits.h"

/**
 * ensure_standard_streams() - See that descriptors 0 to 2 are open
 *
 * Otherwise the next file opened, the lease store say, would become standard output and the result be written into
 * it. What was closed can't be written to either: an ADD then fails and is undone rather than going unheard.
 */
static void ensure_standard_streams(void)
{
	struct pollfd streams[] = {{.fd = STDIN_FILENO}, {.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};

	(void)poll(streams, 3, 0);
	for (int fd = 0; fd < 3; fd++) {
		int opened = fd;

		if (streams[fd].revents & POLLNVAL)
			opened = open("/dev/null", O_RDONLY); /* NOLINT(android-cloexec-open): a standard stream */
		if (opened != fd)
			_exit(EXIT_USAGE);
	}
}

/**
 * leave() - End the program
 * @status:	Exit status
 *
 * A release leaves to the kernel what the libraries' destructors would tidy up in memory: one or two in a hundred of an
 * ADD. Debug builds run them, for it is then that sanitizers and gcov take stock.
 */
static _Noreturn void leave(int status)
{
#ifdef NDEBUG
	(void)fflush(NULL);
	_exit(status);
#else
	exit(status);
#endif
}

/** crashed() - store_lmdb_on_crash() of a command */
static void crashed(void)
{
	static const char answer[] = "rangeguard: the lease store was damaged and has been set aside\n";

	(void)!write(STDERR_FILENO, answer, sizeof(answer) - 1);
	_exit(EXIT_USAGE);
}

/** choose() - What modules may do to this process: it has one thread, and ends soon */
static void choose(void)
{
	state_wake_by(program_prepare_wake);
	store_lmdb_open_within(program_within_directory);
	classifier_lift_limit_by(program_lift_locked_memory);
}

/** run_verb() - As a CNI plugin: the exit status */
static int run_verb(void)
{
	program_end_after(LIMIT_VERB_MS / 1000, verbs_out_of_time);
	program_ignore_failed_writes();
	program_keep_json_reserve();
	store_lmdb_on_crash(verbs_crashed);
	return verbs_run();
}

/** run_command() - For people: the exit status */
static int run_command(int argc, char **argv)
{
	store_lmdb_on_crash(crashed);
	return commands_run(argc, argv);
}

int main(int argc, char **argv)
{
	ensure_standard_streams();
	choose();
	leave(request_present() ? run_verb() : run_command(argc, argv));
}
