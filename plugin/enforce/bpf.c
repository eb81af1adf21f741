/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bpf(2). Owns nothing. */

#include "plugin/enforce/bpf.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/** BPF_F_BEFORE of linux/bpf.h since Linux 6.6 */
#define ATTACH_BEFORE (1U << 3)

/** pointer() - A pointer as the kernel wants it */
static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/** call() - bpf(2): descriptor or 0, negative errno */
static int call(enum bpf_cmd command, union bpf_attr *attributes)
{
	long r = syscall(SYS_bpf, command, attributes, sizeof(*attributes));

	return r < 0 ? -errno : (int)r;
}

/** bpf_map_new() - A map */
int bpf_map_new(const union bpf_attr *shape)
{
	union bpf_attr attributes = *shape;

	return call(BPF_MAP_CREATE, &attributes);
}

/**
 * bpf_program_load() - Give the kernel a program for traffic control
 * @instructions: Program
 * @n:		How many
 * @name:	Shown by bpftool(8)
 * @log:	What the verifier says when it refuses
 * @log_size:	Space for it
 *
 * Return: descriptor, negative errno
 */
int bpf_program_load(const struct bpf_insn *instructions, size_t n, const char *name, char *log, size_t log_size)
{
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_SCHED_CLS,
		.insn_cnt = (uint32_t)n,
		.insns = pointer(instructions),
		.license = pointer("GPL"),
	};
	int fd;

	(void)snprintf(attributes.prog_name, sizeof(attributes.prog_name), "%s", name);
	log[0] = '\0';
	fd = call(BPF_PROG_LOAD, &attributes);
	if (fd >= 0 || fd == -EPERM)
		return fd;
	/* With a log the kernel takes longer, and refuses for lack of space: only now. */
	attributes.log_level = 1;
	attributes.log_buf = pointer(log);
	attributes.log_size = (uint32_t)log_size;
	return call(BPF_PROG_LOAD, &attributes);
}

/** bpf_pin() - Give a program a name in bpffs; -EEXIST when another has it */
int bpf_pin(int fd, const char *path)
{
	union bpf_attr attributes = {.pathname = pointer(path), .bpf_fd = (uint32_t)fd};

	return call(BPF_OBJ_PIN, &attributes);
}

/** bpf_pinned() - What has a name in bpffs */
int bpf_pinned(const char *path)
{
	union bpf_attr attributes = {.pathname = pointer(path)};

	return call(BPF_OBJ_GET, &attributes);
}

/**
 * bpf_program_info() - What the kernel tells of a program
 * @program_fd:	Program
 * @ret_info:	Filled; nr_map_ids says how many maps there are
 * @map_ids:	Ids of its maps
 * @n_map_ids:	Space for that many
 *
 * Return: 0, negative errno
 */
int bpf_program_info(int program_fd, struct bpf_prog_info *ret_info, uint32_t *map_ids, uint32_t n_map_ids)
{
	union bpf_attr attributes = {.info = {.bpf_fd = (uint32_t)program_fd, .info_len = sizeof(*ret_info)}};

	*ret_info = (struct bpf_prog_info){.nr_map_ids = n_map_ids, .map_ids = pointer(map_ids)};
	attributes.info.info = pointer(ret_info);
	return call(BPF_OBJ_GET_INFO_BY_FD, &attributes);
}

/** bpf_program_by_id() - A program by its id */
int bpf_program_by_id(uint32_t id)
{
	union bpf_attr attributes = {.prog_id = id};

	return call(BPF_PROG_GET_FD_BY_ID, &attributes);
}

/** bpf_map_by_id() - A map by its id */
int bpf_map_by_id(uint32_t id)
{
	union bpf_attr attributes = {.map_id = id};

	return call(BPF_MAP_GET_FD_BY_ID, &attributes);
}

/** bpf_map_value_size() - Bytes of a map's values: 0, negative errno */
int bpf_map_value_size(int map_fd, uint32_t *ret_size)
{
	struct bpf_map_info info = {0};
	union bpf_attr attributes = {.info = {.bpf_fd = (uint32_t)map_fd, .info_len = sizeof(info)}};
	int r;

	attributes.info.info = pointer(&info);
	r = call(BPF_OBJ_GET_INFO_BY_FD, &attributes);
	*ret_size = info.value_size;
	return r;
}

/** element() - A command about one element of a map */
static int element(enum bpf_cmd command, int map_fd, const void *key, const void *value)
{
	union bpf_attr attributes = {.map_fd = (uint32_t)map_fd, .key = pointer(key), .value = pointer(value)};

	return call(command, &attributes);
}

/** bpf_map_get() - The value of a key: 0, -ENOENT, negative errno */
int bpf_map_get(int map_fd, const void *key, void *value)
{
	return element(BPF_MAP_LOOKUP_ELEM, map_fd, key, value);
}

/** bpf_map_put() - Give a key a value, whether it has one or not: 0, -E2BIG when the map is full, negative errno */
int bpf_map_put(int map_fd, const void *key, const void *value)
{
	return element(BPF_MAP_UPDATE_ELEM, map_fd, key, value);
}

/** bpf_map_delete() - Take a key out: 0, -ENOENT, negative errno */
int bpf_map_delete(int map_fd, const void *key)
{
	return element(BPF_MAP_DELETE_ELEM, map_fd, key, NULL);
}

/** bpf_map_next() - The key after @key, or the first one when that is NULL: 0, -ENOENT, negative errno */
int bpf_map_next(int map_fd, const void *key, void *ret_next)
{
	return element(BPF_MAP_GET_NEXT_KEY, map_fd, key, ret_next);
}

/**
 * bpf_tcx_programs() - Programs that run by TCX over what passes an interface (Linux 6.6)
 * @ifindex:	Interface of the calling thread's namespace
 * @hook:	Over what comes in, or over what leaves
 * @ids:	Their ids
 * @n_ids:	Space for that many
 * @ret_n:	How many there are
 *
 * Return: 0, -EINVAL when the kernel has no TCX, negative errno
 */
int bpf_tcx_programs(uint32_t ifindex, enum bpf_hook hook, uint32_t *ids, uint32_t n_ids, uint32_t *ret_n)
{
	union bpf_attr attributes = {0};
	int r;

	attributes.query.target_fd = ifindex; /* a union with target_ifindex, which Linux 6.6 named */
	attributes.query.attach_type = hook;
	attributes.query.prog_ids = pointer(ids);
	attributes.query.prog_cnt = n_ids;
	r = call(BPF_PROG_QUERY, &attributes);
	*ret_n = r ? 0 : attributes.query.prog_cnt;
	return r == -ENOENT ? 0 : r;
}

/** bpf_tcx_attach() - Run a program by TCX, before other programs: one of them could end the chain */
int bpf_tcx_attach(int program_fd, uint32_t ifindex, enum bpf_hook hook)
{
	union bpf_attr attributes = {0};

	attributes.target_fd = ifindex; /* as above */
	attributes.attach_bpf_fd = (uint32_t)program_fd;
	attributes.attach_type = hook;
	attributes.attach_flags = ATTACH_BEFORE;
	return call(BPF_PROG_ATTACH, &attributes);
}

/** bpf_tcx_detach() - No longer run a program by TCX */
int bpf_tcx_detach(int program_fd, uint32_t ifindex, enum bpf_hook hook)
{
	union bpf_attr attributes = {0};

	attributes.target_fd = ifindex; /* as above */
	attributes.attach_bpf_fd = (uint32_t)program_fd;
	attributes.attach_type = hook;
	return call(BPF_PROG_DETACH, &attributes);
}

/** bpf_tcx_replace() - Run a program by TCX in the place of another */
int bpf_tcx_replace(int program_fd, int older_fd, uint32_t ifindex, enum bpf_hook hook)
{
	union bpf_attr attributes = {0};

	attributes.target_fd = ifindex; /* as above */
	attributes.attach_bpf_fd = (uint32_t)program_fd;
	attributes.attach_type = hook;
	attributes.attach_flags = BPF_F_REPLACE;
	attributes.replace_bpf_fd = (uint32_t)older_fd;
	return call(BPF_PROG_ATTACH, &attributes);
}
