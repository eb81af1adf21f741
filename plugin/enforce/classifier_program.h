/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ENFORCE_CLASSIFIER_PROGRAM_H
#define PLUGIN_ENFORCE_CLASSIFIER_PROGRAM_H

/* The instructions of the two programs, as clang made them. Pure. */

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/** struct program_bytes - A program as clang made it: what classifier.bpf.c, uplink.bpf.c say */
struct program_bytes {
	const uint8_t *bytes;
	size_t size;
};

/** Maps of a program, of this version or an earlier one, at most */
#define PROGRAM_MAPS 3U

/** struct program_maps - Descriptors of the maps that a program looks things up in; -1: of one that it does not know */
struct program_maps {
	int elements_fd;
	int deadlines_fd;
	int senders_fd;
};

extern const struct program_bytes classifier_program;
extern const struct program_bytes uplink_program;

struct bpf_insn *program_make(const struct program_bytes *program, const struct program_maps *maps, size_t *ret_n);
uint64_t program_digest(const struct program_bytes *program);

#endif
