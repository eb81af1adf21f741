/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LMDB trusts its pages: they carry no checksum, and one flipped bit in them can lead it out of its map or into its own
 * assert(). The process can't be saved then, but the host can: the file is set aside, so that the next ADD builds a new
 * one from the kernel's state instead of dying in the same place.
 *
 * A crash counts as the store's when it happens while LMDB works, or at an address within the map of the store's file.
 * Any other crash is a fault of this program or a signal that somebody sent: the store, which knows what is in use, stays
 * where it is, and the process ends as it would have without all this. Only what is safe in a signal handler is done
 * here.
 */

#include "ipam/store/store_lmdb.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ipam/store/store_lmdb_internal.h"
#include "rangeguard/array.h"

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE};

#define N_FATAL ARRAY_LENGTH(fatal_signals)

volatile sig_atomic_t lmdb_at_work;
static void (*crash_answer)(void);
static volatile sig_atomic_t watched_dir_fd = -1;
static struct sigaction old_actions[N_FATAL];
static bool listening;

/**
 * struct map_range - A line of /proc/self/maps as it is read, a character at a time
 * @limits:	First address, and the one after the last: the numbers that the line begins with
 * @n_limits:	Index of the one that is being read; 2 when both have been
 * @name:	What follows the last slash of the path, with a NUL; cut
 * @n_name:	How many characters
 */
struct map_range {
	uintptr_t limits[2];
	unsigned n_limits;
	char name[sizeof(STORE_FILE_NEW) + 1];
	size_t n_name;
};

/** read_limit() - A character of the addresses */
static void read_limit(struct map_range *mapping, char c)
{
	if (c == '-' || c == ' ')
		mapping->n_limits++;
	else
		mapping->limits[mapping->n_limits] =
			mapping->limits[mapping->n_limits] << 4 | (uintptr_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/** read_character() - A character of a line, but its end */
static void read_character(struct map_range *mapping, char c)
{
	if (mapping->n_limits < 2)
		read_limit(mapping, c);
	else if (c == '/')
		mapping->n_name = 0;
	else if (mapping->n_name < sizeof(mapping->name) - 1)
		mapping->name[mapping->n_name++] = c;
}

/** is_of_store() - Whether a line is of the store's file, and @address in it */
static bool is_of_store(struct map_range *mapping, uintptr_t address)
{
	mapping->name[mapping->n_name] = '\0';
	return address >= mapping->limits[0] && address < mapping->limits[1] &&
	       (!strcmp(mapping->name, STORE_FILE) || !strcmp(mapping->name, STORE_FILE_NEW));
}

/** is_in_store() - Whether @address lies in the map of the store's file */
static bool is_in_store(uintptr_t address)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	struct map_range mapping = {.n_limits = 0};
	char buffer[1024];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (buffer[i] != '\n') {
				read_character(&mapping, buffer[i]);
				continue;
			}
			if (is_of_store(&mapping, address))
				return true;
			mapping = (struct map_range){.n_limits = 0};
		}
	}
	return false;
}

/** is_the_stores() - Whether a crash is put down to the store: a signal of this process's own, by LMDB or in its map */
static bool is_the_stores(const siginfo_t *info)
{
	bool faulted = info->si_code > 0;
	if (!faulted && info->si_pid != getpid())
		return false;
	return lmdb_at_work || (faulted && is_in_store((uintptr_t)info->si_addr));
}

/** give_up() - Set the store aside, have the caller answer and end the process */
static void give_up(void)
{
	(void)renameat(watched_dir_fd, STORE_FILE, watched_dir_fd, STORE_FILE_DAMAGED);
	crash_answer();
}

/** stop_listening() - Crashes mean again what they meant before */
static void stop_listening(void)
{
	for (size_t i = 0; i < N_FATAL; i++)
		(void)sigaction(fatal_signals[i], &old_actions[i], NULL);
	listening = false;
}

/** crashed() - Signal handler */
static void crashed(int signal_number, siginfo_t *info, void *context)
{
	(void)context;
	if (watched_dir_fd >= 0 && is_the_stores(info))
		give_up();
	stop_listening();
	/* What faulted does so again; what was sent is sent again, and arrives when this returns. */
	if (info->si_code <= 0)
		(void)raise(signal_number);
}

/** lmdb_asserted() - MDB_assert_func: LMDB found its own pages to be impossible */
void lmdb_asserted(MDB_env *env, const char *message)
{
	(void)env;
	(void)message;
	if (watched_dir_fd >= 0)
		give_up();
}

/**
 * store_lmdb_on_crash() - Survive, as a host, a store whose pages are damaged
 * @answer:	Called in a signal handler after the store was set aside; writes what there is to say and _exit(2)s
 *
 * Applies to stores opened from now on. Without it a crash is a crash.
 */
void store_lmdb_on_crash(void (*answer)(void))
{
	crash_answer = answer;
}

/** lmdb_watch() - From now until lmdb_unwatch() a crash may be the store's, which is in directory @dir_fd */
void lmdb_watch(int dir_fd)
{
	const struct sigaction action = {.sa_sigaction = crashed, .sa_flags = (int)SA_RESETHAND | SA_SIGINFO};

	if (!crash_answer || watched_dir_fd >= 0)
		return;
	watched_dir_fd = dir_fd;
	if (listening)
		return;
	listening = true;
	for (size_t i = 0; i < N_FATAL; i++)
		(void)sigaction(fatal_signals[i], &action, &old_actions[i]);
}

/** lmdb_unwatch() - No crash is the store's any more; the handler stays, and passes on what comes */
void lmdb_unwatch(void)
{
	watched_dir_fd = -1;
}
