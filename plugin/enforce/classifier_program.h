/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ENFORCE_CLASSIFIER_PROGRAM_H
#define PLUGIN_ENFORCE_CLASSIFIER_PROGRAM_H

/* The classifier's instructions, as clang made them. Pure. */

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_insn *classifier_program(int map_fd, size_t *ret_n);
uint64_t classifier_program_digest(void);

#endif
