/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map of deadlines. */

#include "plugin/enforce/deadlines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "plugin/enforce/bpf.h"
#include "plugin/enforce/bpffs.h"
#include "plugin/enforce/classifier_element.h"
#include "plugin/enforce/classifier_program.h"
#include "rangeguard/cleanup.h"

/** As bpftool(8) shows it */
#define MAP_NAME "rangeguard_due"

/** deadlines_key() - The key of a source, as classifier_element.h has addresses */
void deadlines_key(const struct address *address, uint32_t key[static 4])
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
	uint8_t bytes[ADDRESS_BYTES_MAX];
	uint8_t *to = (uint8_t *)key;

	address_to_bytes(address, bytes);
	if (address->family == FAMILY_IPV4)
		memcpy(mempcpy(to, mapped, sizeof(mapped)), bytes, 4);
	else
		memcpy(to, bytes, ADDRESS_BYTES_MAX);
}

/** deadlines_new() - An empty map without a name, in which nobody will ever open a source: descriptor, negative errno */
int deadlines_new(void)
{
	union bpf_attr shape = {
		.map_type = BPF_MAP_TYPE_HASH,
		.key_size = 4 * sizeof(uint32_t),
		.value_size = sizeof(uint64_t),
		.max_entries = CLASSIFIER_DEADLINES_MAX,
		.map_flags = BPF_F_NO_PREALLOC,
		.map_name = MAP_NAME,
	};

	return bpf_map_new(&shape);
}

/** deadlines_of() - Of a program's maps the one whose values are deadlines: its number, 0: none */
uint32_t deadlines_of(const uint32_t *map_ids, uint32_t n)
{
	for (uint32_t i = 0; i < n && i < PROGRAM_MAPS; i++) {
		int fd CLEANUP_CLOSE = bpf_map_by_id(map_ids[i]);
		uint32_t size;

		if (fd >= 0 && bpf_map_value_size(fd, &size) == 0 && size == sizeof(uint64_t))
			return map_ids[i];
	}
	return 0;
}

/** map_of() - The map of deadlines of a program that has its name still: descriptor, negative errno */
static int map_of(struct port *host, const char *what, const struct program_bytes *program)
{
	uint32_t map_ids[PROGRAM_MAPS] = {0}, id;
	int fd CLEANUP_CLOSE = -1;
	char path[BPFFS_PATH_MAX];
	struct bpf_prog_info info;
	int r = bpffs_path(host, what, program_digest(program), path);

	if (r < 0)
		return r;
	fd = bpf_pinned(path);
	if (fd < 0)
		return TAKE_FD(fd);
	r = bpf_program_info(fd, &info, map_ids, PROGRAM_MAPS);
	id = r ? 0 : deadlines_of(map_ids, info.nr_map_ids);
	return id ? bpf_map_by_id(id) : -ENOENT;
}

/** find_map() - The map that programs look at whose names are there, though its own is lost: descriptor, negative errno */
static int find_map(struct port *host)
{
	int fd = map_of(host, BPFFS_CLASSIFIER, &classifier_program);

	return fd >= 0 ? fd : map_of(host, BPFFS_UPLINK, &uplink_program);
}

/**
 * deadlines_keep() - Give the map its name back, if that is lost
 * @host:	Port of the host's namespace
 * @map_fd:	Map
 *
 * Return: 0, also when another map has the name; negative errno
 */
int deadlines_keep(struct port *host, int map_fd)
{
	char path[BPFFS_PATH_MAX];
	int r = bpffs_path(host, BPFFS_DEADLINES, 0, path);
	int named CLEANUP_CLOSE = r < 0 ? r : bpf_pinned(path);

	if (named != -ENOENT)
		return r;
	r = bpffs_make_directories(path);
	if (!r)
		r = bpf_pin(map_fd, path);
	return r == -EEXIST ? 0 : r;
}

/**
 * deadlines_open() - The map, made and named if it is not there yet
 * @host:	Port of the host's namespace
 *
 * Where it can't be given a name it is the caller's alone: nobody will ever open a source in it.
 *
 * Return: descriptor, negative errno
 */
int deadlines_open(struct port *host)
{
	char path[BPFFS_PATH_MAX];
	int fd CLEANUP_CLOSE = -1;
	int r = bpffs_path(host, BPFFS_DEADLINES, 0, path);

	if (r < 0)
		return r;
	fd = bpf_pinned(path);
	if (fd >= 0)
		return TAKE_FD(fd);
	/* cppcheck-suppress redundantAssignment ; TAKE_FD() */
	fd = find_map(host);
	if (fd < 0)
		fd = deadlines_new();
	if (fd < 0)
		return TAKE_FD(fd);
	r = bpffs_make_directories(path);
	if (!r)
		r = bpf_pin(fd, path);
	return r == -EEXIST ? bpf_pinned(path) : TAKE_FD(fd);
}

/** deadlines_open_kept() - The map if it has its name: descriptor, -ENOENT, negative errno */
int deadlines_open_kept(struct port *host)
{
	char path[BPFFS_PATH_MAX];
	int r = bpffs_path(host, BPFFS_DEADLINES, 0, path);

	return r < 0 ? r : bpf_pinned(path);
}

/** deadlines_put() - Until when (CLOCK_BOOTTIME, nanoseconds; DEADLINE_CLOSED) a source is open here: 0, negative errno */
int deadlines_put(int map_fd, const struct address *source, uint64_t deadline)
{
	uint32_t key[4];

	deadlines_key(source, key);
	return bpf_map_put(map_fd, key, &deadline);
}

/** deadlines_get() - The deadline of a source: 0, -ENOENT when it was never open, negative errno */
int deadlines_get(int map_fd, const struct address *source, uint64_t *ret_deadline)
{
	uint32_t key[4];

	deadlines_key(source, key);
	return bpf_map_get(map_fd, key, ret_deadline);
}
