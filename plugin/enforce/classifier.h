/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ENFORCE_CLASSIFIER_H
#define PLUGIN_ENFORCE_CLASSIFIER_H

/*
 * The classifier (classifier.bpf.c) and its maps: loaded once per boot, network namespace of the host and version of the
 * program, and kept by a name below /sys/fs/bpf. Where that can't be had, each container gets a program and a map of its
 * own: it protects as well, an ADD takes a little longer.
 *
 * Which map counts for an interface, the interface itself tells: its filter, that one's program, its map
 * (classifier_of_program()). The name is a short cut, nothing depends on it.
 */

#include <stdbool.h>

#include "plugin/enforce/classifier_element.h"
#include "plugin/network/port.h"
#include "plugin/report/error.h"
#include "rangeguard/cleanup.h"

/** The program's and the map's name, as tc(8) and bpftool(8) show it; BPF_OBJ_NAME_LEN with the NUL */
#define CLASSIFIER_NAME "rangeguard"
/** BPF_TAG_SIZE of linux/bpf.h: the kernel's digest of a program's instructions */
#define CLASSIFIER_TAG_BYTES 8

/**
 * struct classifier - Program and maps; owned
 * @program_fd:	Program, -1: none
 * @map_fd:	Map of elements, -1: none
 * @senders_fd:	Map of senders; -1: none, or the program of an earlier version has none
 * @program_id:	The kernel's number of the program
 * @deadlines_id: The kernel's number of the map of deadlines that it looks at; 0: none
 * @tag:	The kernel's digest of its instructions
 */
struct classifier {
	int program_fd;
	int map_fd;
	int senders_fd;
	uint32_t program_id;
	uint32_t deadlines_id;
	uint8_t tag[CLASSIFIER_TAG_BYTES];
};

#define CLASSIFIER_INIT                                                                                                \
	{                                                                                                              \
		.program_fd = -1, .map_fd = -1, .senders_fd = -1                                                       \
	}

void classifier_lift_limit_by(void (*lift)(void)); /* what a main() may choose */
int classifier_open(struct port *host, struct classifier *ret_classifier, struct error *reterr);
int classifier_open_to_look(struct port *host, struct classifier *ret_classifier, struct error *reterr);
int classifier_open_kept(struct port *host, struct classifier *ret_classifier);
int classifier_of_program(uint32_t program_id, struct classifier *ret_classifier);
bool classifier_same(const struct classifier *a, const struct classifier *b);
int classifier_put(const struct classifier *classifier, uint32_t ifindex, const struct classifier_element *element,
		   struct error *reterr);
int classifier_get(const struct classifier *classifier, uint32_t ifindex, struct classifier_element *ret_element);
bool classifier_agrees(const struct classifier *classifier, uint32_t ifindex, const struct classifier_element *element);
int classifier_forget(const struct classifier *classifier, uint32_t ifindex);
int classifier_each(const struct classifier *classifier,
		    int (*each)(void *userdata, uint32_t ifindex, const struct classifier_element *element),
		    void *userdata);
void classifier_done(struct classifier *classifier);

#define CLASSIFIER_CLEANUP CLEANUP(classifier_done)

#endif
