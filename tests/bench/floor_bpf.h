/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_BENCH_FLOOR_BPF_H
#define TESTS_BENCH_FLOOR_BPF_H

/* The plugin's classifier, as far as the floor needs it. What fails ends the program with a message. */

#include <stdbool.h>
#include <stdint.h>

void floor_check(bool fine, const char *what);
/* Descriptor of the program of that name below /sys/fs/bpf. */
int floor_open_program(const char *path);
void floor_put_element(int program_fd, int index, const uint8_t address[static 4]);
void floor_drop_element(int program_fd, int index);

#endif
