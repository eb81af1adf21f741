/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_STORE_STATE_INTERNAL_H
#define IPAM_STORE_STATE_INTERNAL_H

/* Shared by the files of the state directory: state.c opens it, state_lock.c locks in it. */

#include "ipam/store/state.h"

#define LOCK_FILE "lock"

#endif
