/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_FENCE_MARK_H
#define PLUGIN_SNAT_FENCE_MARK_H

/*
 * The BPF program that marks what comes in through an interface, and its attachment through TCX (Linux 6.6), gone with
 * the interface. Works in the calling thread's network namespace.
 */

#include <stdint.h>

#include "rangeguard/outcome.h"

/** The program's name, as `bpftool prog` shows it; BPF_OBJ_NAME_LEN with the NUL */
#define FENCE_PROGRAM_NAME "rangeguard_mark"

/** Named outcomes beside 0 and negative errno */
enum fence_mark_outcome {
	FENCE_MARK_E_ATTACHED = OUTCOMES_FENCE_MARK, /* fence_mark_find(): the interface has the program already */
	FENCE_MARK_E_NO_TCX,			     /* the kernel has no TCX */
};

int fence_mark_find(uint32_t ifindex);
int fence_mark_load(int *ret_program_fd);
int fence_mark_attach(int program_fd, uint32_t ifindex);

#endif
