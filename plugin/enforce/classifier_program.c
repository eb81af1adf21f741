/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs' instructions. Pure. */

#include "plugin/enforce/classifier_program.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "plugin/enforce/classifier_element.h"

/** The sections of the object files; the maps are no relocations there (CLASSIFIER_ELEMENTS, …) */
static const uint8_t classifier_bytes[] = {
#include <classifier_bytes.inc>
};
static const uint8_t uplink_bytes[] = {
#include <uplink_bytes.inc>
};

_Static_assert(sizeof(classifier_bytes) % sizeof(struct bpf_insn) == 0, "instructions have 8 bytes");
_Static_assert(sizeof(uplink_bytes) % sizeof(struct bpf_insn) == 0, "instructions have 8 bytes");

const struct program_bytes classifier_program = {classifier_bytes, sizeof(classifier_bytes)};
const struct program_bytes uplink_program = {uplink_bytes, sizeof(uplink_bytes)};

/** map_of() - The map whose place two instructions, which are one, load; -1: none */
static int map_of(const struct bpf_insn *instruction, const struct program_maps *maps)
{
	uint64_t value = (uint32_t)instruction[0].imm | (uint64_t)(uint32_t)instruction[1].imm << 32;

	/* BPF_LD and BPF_IMM are 0: NOLINTNEXTLINE(misc-redundant-expression) */
	if (instruction[0].code != (BPF_LD | BPF_DW | BPF_IMM))
		return -1;
	return value == CLASSIFIER_ELEMENTS    ? maps->elements_fd
	       : value == CLASSIFIER_DEADLINES ? maps->deadlines_fd
	       : value == CLASSIFIER_SENDERS   ? maps->senders_fd
					       : -1;
}

/**
 * program_make() - The instructions, with maps
 * @program:	Program
 * @maps:	Its maps
 * @ret_n:	How many instructions there are
 *
 * Return: to be freed; NULL without memory
 */
struct bpf_insn *program_make(const struct program_bytes *program, const struct program_maps *maps, size_t *ret_n)
{
	size_t n = program->size / sizeof(struct bpf_insn);
	struct bpf_insn *made = calloc(n + 1, sizeof(*made));

	if (!made)
		return NULL;
	memcpy(made, program->bytes, program->size);
	for (size_t i = 0; i + 1 < n; i++) {
		int map_fd = map_of(&made[i], maps);

		if (map_fd < 0)
			continue;
		made[i].src_reg = BPF_PSEUDO_MAP_FD;
		made[i].imm = map_fd;
		made[i + 1].imm = 0;
	}
	*ret_n = n;
	return made;
}

/** program_digest() - Tells one version of a program from another */
uint64_t program_digest(const struct program_bytes *program)
{
	return XXH3_64bits(program->bytes, program->size);
}
