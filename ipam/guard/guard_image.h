/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_GUARD_IMAGE_H
#define IPAM_GUARD_GUARD_IMAGE_H

/*
 * A sealed guard as a file, of which a decision reads a few blocks only, whatever the number of entries. A guard that
 * was opened from a file decides as the one that was written. Where its file turns out to be damaged it has itself
 * rebuilt, and decides by that; where this fails it refuses everything. To rebuild it takes time and reads files: within a
 * transaction it is held, and says -ESTALE instead.
 */

#include "ipam/guard/blocks.h"
#include "ipam/guard/guard.h"

/**
 * guard_heal_fn - Rebuild a guard from what it was made of
 * @userdata:	Of guard_image_on_damage()
 * @ret_guard:	Sealed guard
 *
 * Return: 0, or a negative errno
 */
typedef int (*guard_heal_fn)(void *userdata, struct guard **ret_guard);

/** struct guard_origin - What an image was made of, in the words of who made it; owned by the guard */
struct guard_origin {
	const void *data;
	size_t size;
};

int guard_image_write(const struct guard *guard, struct guard_origin origin, const struct blocks_tag *tag, int fd);
int guard_image_open(int consume_fd, const struct blocks_tag *tag, struct guard **ret_guard,
		     struct guard_origin *ret_origin);
void guard_image_on_damage(struct guard *guard, guard_heal_fn heal, void *userdata);
void guard_image_hold(const struct guard *guard, bool hold);
void guard_image_rebuild(const struct guard *guard);
bool guard_image_failed(const struct guard *guard);

#endif
