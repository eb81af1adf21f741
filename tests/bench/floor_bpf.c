/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the floor does with BPF. */

#include "floor_bpf.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plugin/enforce/classifier_element.h"

/** Maps of the program: elements, deadlines, senders */
#define MAPS_MAX 3

/** floor_check() - End the program with a message unless @fine */
void floor_check(bool fine, const char *what)
{
	if (fine)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

/** bpf() - bpf(2), which the C library has no function for */
static int bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

/** pointer() - As bpf(2) takes it */
static uint64_t pointer(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

/** floor_open_program() - The classifier's program */
int floor_open_program(const char *path)
{
	union bpf_attr attributes = {.pathname = pointer(path)};
	int fd = bpf(BPF_OBJ_GET, &attributes);

	floor_check(fd >= 0, path);
	return fd;
}

/** open_map() - The one of a program's maps that has an element per container */
static int open_map(int program_fd)
{
	uint32_t ids[MAPS_MAX] = {0};
	struct bpf_prog_info program = {.nr_map_ids = MAPS_MAX, .map_ids = pointer(ids)};
	union bpf_attr about_program = {
		.info = {.bpf_fd = (uint32_t)program_fd, .info_len = sizeof(program), .info = pointer(&program)}};

	floor_check(bpf(BPF_OBJ_GET_INFO_BY_FD, &about_program) == 0, "program");
	for (size_t i = 0; i < program.nr_map_ids && i < MAPS_MAX; i++) {
		union bpf_attr by_id = {.map_id = ids[i]};
		struct bpf_map_info map = {0};
		int fd = bpf(BPF_MAP_GET_FD_BY_ID, &by_id);
		union bpf_attr about_map = {
			.info = {.bpf_fd = (uint32_t)fd, .info_len = sizeof(map), .info = pointer(&map)}};

		floor_check(fd >= 0 && bpf(BPF_OBJ_GET_INFO_BY_FD, &about_map) == 0, "map");
		if (map.value_size == sizeof(struct classifier_element))
			return fd;
	}
	floor_check(false, "map of elements");
	return -1;
}

/** floor_put_element() - What the classifier is to know of the container: its @address, 4 bytes in network order */
void floor_put_element(int program_fd, int index, const uint8_t address[static 4])
{
	struct classifier_element element = {0};
	union bpf_attr attributes = {
		.map_fd = (uint32_t)open_map(program_fd), .key = pointer(&index), .value = pointer(&element)};

	memcpy(&element.ipv4, address, sizeof(element.ipv4));
	floor_check(bpf(BPF_MAP_UPDATE_ELEM, &attributes) == 0, "element");
}

/** floor_drop_element() - Have the classifier know nothing of it any more */
void floor_drop_element(int program_fd, int index)
{
	union bpf_attr attributes = {.map_fd = (uint32_t)open_map(program_fd), .key = pointer(&index)};

	floor_check(bpf(BPF_MAP_DELETE_ELEM, &attributes) == 0, "element");
}
