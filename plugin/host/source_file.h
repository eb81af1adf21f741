/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_SOURCE_FILE_H
#define PLUGIN_HOST_SOURCE_FILE_H

/*
 * The shared sources that this host knows of, and which of them its containers may use: a file in the state directory,
 * written by the agent, read by each ADD of a container with a shared pin. Whoever relies on "open" holds the lock of the
 * lease store from reading it until the lease is written: the agent closes a source under the same lock, and not while a
 * lease names it.
 *
 * "open" alone says that the agent has claimed it; until when this host may send with it, the kernel knows (deadlines.h).
 * held_sources_read() asks both.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "ipam/address/address.h"
#include "plugin/network/port.h"
#include "plugin/report/error.h"

#define SOURCE_FILE "sources.json"
/** Sources of one host: CLASSIFIER_DEADLINES_MAX of them have a deadline */
#define SOURCE_FILE_MAX 4096U
#define SOURCE_PIN_MAX 65

/** struct known_source - A shared source; @network, @pin: the network and the snat entry that made it known */
struct known_source {
	struct address address;
	char interface[IFNAMSIZ];
	char network[SOURCE_PIN_MAX];
	char pin[SOURCE_PIN_MAX];
	bool open;
};

/** struct source_file - All of them; owned */
struct source_file {
	struct known_source *sources;
	size_t n_sources;
};

int source_file_read(int dir_fd, struct source_file *ret_file);
int source_file_write(int dir_fd, const struct source_file *file);
struct known_source *source_file_find(const struct source_file *file, const struct address *address);
int source_file_put(struct source_file *file, const struct known_source *source);
void source_file_done(struct source_file *file);

/** struct held_sources - What the agent says, and what the kernel knows; owned; @deadlines_fd: -1: there is no such map */
struct held_sources {
	struct source_file file;
	int deadlines_fd;
};

#define HELD_SOURCES_INIT                                                                                              \
	{                                                                                                              \
		.deadlines_fd = -1                                                                                     \
	}

int held_sources_read(int dir_fd, struct port *rtnetlink, struct held_sources *ret_held);
bool held_sources_has(const struct held_sources *held, const struct address *address, const char *interface);
bool held_sources_in_time(const struct held_sources *held, const struct address *address);
void held_sources_done(struct held_sources *held);
/* Whether a source is on the host: 0, REFUSED */
int source_is_here(struct port *rtnetlink, const struct address *address, bool *ret_here, struct error *reterr);

#define HELD_SOURCES_CLEANUP __attribute__((cleanup(held_sources_done)))

#define SOURCE_FILE_CLEANUP __attribute__((cleanup(source_file_done)))

#endif
