/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_CLUSTER_SHAPES_H
#define TESTS_UNIT_CLUSTER_SHAPES_H

/* The shapes of runs, and the rules by name. */

#include <stddef.h>

#include "tests/unit/cluster/sim.h"

/** struct shape_rule - A rule of the protocol that can be taken out */
struct shape_rule {
	const char *name;
	size_t offset;
};

extern const struct sim_config shapes[];
extern const size_t n_shapes;
extern const struct shape_rule shape_rules[];
extern const size_t n_shape_rules;

const struct sim_config *shape_find(const char *name);
bool shape_without(struct machine_rules *rules, const char *name);

#endif
