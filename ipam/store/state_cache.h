/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_STORE_STATE_CACHE_H
#define IPAM_STORE_STATE_CACHE_H

/*
 * Files beside the state that can be rebuilt at any time. Each is written whole under another name and then renamed,
 * by one process at a time: the holder of the lock of its name. There are no more than a limit of them: those that
 * have not been used for the longest time are removed.
 *
 * Names are "STEM-…"; what is being written is "STEM-….new".
 */

#include <stdbool.h>

#include "ipam/store/state.h"

/** Space for a name, with its NUL */
#define STATE_CACHE_NAME_MAX 64

int state_cache_lock(const struct state *state, const char *name, int wait_ms);
int state_cache_open(const struct state *state, const char *name, int *ret_fd);
void state_cache_remove(const struct state *state, const char *name);
int state_cache_create(const struct state *state, const char *name, int *ret_fd);
int state_cache_commit(const struct state *state, const char *name, int fd);
void state_cache_discard(const struct state *state, const char *name);
void state_cache_tidy(const struct state *state, const char *stem, const char *keep, unsigned limit);

#endif
