/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_STATE_FAKE_H
#define TESTS_UNIT_STATE_FAKE_H

/*
 * The state directory of a scene: its store is opened again and again, its attachments are locked. Link with
 * --wrap=lease_store_open, --wrap=state_open, --wrap=state_lock_attachment and --wrap=state_unlock_attachment.
 */

#include "host_scene.h"

/**
 * struct state_fake - What its callers are told
 * @scene:		Whose store is opened
 * @open_outcome:	Of state_open()
 * @lock_outcome:	Of state_lock_attachment()
 * @when_locking:	Called by it first, to be quicker than the lock; NULL: nothing happens
 * @locked:		Attachments that are locked
 */
struct state_fake {
	struct host_scene *scene;
	int open_outcome;
	int lock_outcome;
	void (*when_locking)(void);
	int locked;
};

extern struct state_fake state_fake;

#endif
