/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ENFORCE_BPF_H
#define PLUGIN_ENFORCE_BPF_H

/*
 * bpf(2), which glibc has no function for, one function per command that is needed. Descriptors are closed on exec. Each
 * returns a descriptor (to be closed) or 0, or a negative errno. No library: there is nothing to relocate.
 */

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/** enum bpf_hook - Where a program for traffic control runs, as linux/bpf.h numbers it since Linux 6.6 */
enum bpf_hook {
	BPF_HOOK_INGRESS = 46, /* BPF_TCX_INGRESS */
	BPF_HOOK_EGRESS,
};

int bpf_map_new(const union bpf_attr *shape);
int bpf_program_load(const struct bpf_insn *instructions, size_t n, const char *name, char *log, size_t log_size);
int bpf_pin(int fd, const char *path);
int bpf_pinned(const char *path);
int bpf_program_info(int program_fd, struct bpf_prog_info *ret_info, uint32_t *map_ids, uint32_t n_map_ids);
int bpf_program_by_id(uint32_t id);
int bpf_map_by_id(uint32_t id);
int bpf_map_value_size(int map_fd, uint32_t *ret_size);
int bpf_map_get(int map_fd, const void *key, void *value);
int bpf_map_put(int map_fd, const void *key, const void *value);
int bpf_map_delete(int map_fd, const void *key);
int bpf_map_next(int map_fd, const void *key, void *ret_next);
int bpf_tcx_programs(uint32_t ifindex, enum bpf_hook hook, uint32_t *ids, uint32_t n_ids, uint32_t *ret_n);
int bpf_tcx_attach(int program_fd, uint32_t ifindex, enum bpf_hook hook);
int bpf_tcx_detach(int program_fd, uint32_t ifindex, enum bpf_hook hook);
int bpf_tcx_replace(int program_fd, int older_fd, uint32_t ifindex, enum bpf_hook hook);

#endif
