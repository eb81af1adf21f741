/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The classifier's instructions. Pure. */

#include "plugin/enforce/classifier_program.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "plugin/enforce/classifier_element.h"

/** The section of classifier.bpf.c's object file; the map is no relocation there (CLASSIFIER_ELEMENTS) */
static const uint8_t bytes[] = {
#include <classifier_bytes.inc>
};

_Static_assert(sizeof(bytes) % sizeof(struct bpf_insn) == 0, "instructions have 8 bytes");

/** is_map() - Whether two instructions, which are one, load the place of the map's descriptor */
static bool is_map(const struct bpf_insn *instruction)
{
	uint64_t value = (uint32_t)instruction[0].imm | (uint64_t)(uint32_t)instruction[1].imm << 32;

	/* BPF_LD and BPF_IMM are 0: NOLINTNEXTLINE(misc-redundant-expression) */
	return instruction[0].code == (BPF_LD | BPF_DW | BPF_IMM) && value == CLASSIFIER_ELEMENTS;
}

/**
 * classifier_program() - The instructions, with a map
 * @map_fd:	Map
 * @ret_n:	How many there are
 *
 * Return: to be freed; NULL without memory
 */
struct bpf_insn *classifier_program(int map_fd, size_t *ret_n)
{
	size_t n = sizeof(bytes) / sizeof(struct bpf_insn);
	struct bpf_insn *program = calloc(n, sizeof(*program));

	if (!program)
		return NULL;
	memcpy(program, bytes, sizeof(bytes));
	for (size_t i = 0; i + 1 < n; i++) {
		if (!is_map(&program[i]))
			continue;
		program[i].src_reg = BPF_PSEUDO_MAP_FD;
		program[i].imm = map_fd;
		program[i + 1].imm = 0;
	}
	*ret_n = n;
	return program;
}

/** classifier_program_digest() - Tells one version of the program from another */
uint64_t classifier_program_digest(void)
{
	return XXH3_64bits(bytes, sizeof(bytes));
}
