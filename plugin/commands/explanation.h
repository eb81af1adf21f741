/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_EXPLANATION_H
#define PLUGIN_COMMANDS_EXPLANATION_H

/* What `explain` says of one address or prefix: the parts for which one entry decides, and what each overrules. */

#include <jansson.h>
#include <stdio.h>

#include "ipam/guard/claims.h"
#include "plugin/text/lines.h"

/** Parts of one answer, and overruled entries of one part, that are told; of more only the number */
#define EXPLANATION_PARTS_MAX 20U
#define EXPLANATION_OVERRULED_MAX 10U

/**
 * struct explained_part - A part and the entries that it overrules, the most specific one first; owned
 * @n_overruled:	All of them, told or not
 * @embedded:	The entries are about the IPv4 addresses that stand in the part's (NAT64, 6to4)
 */
struct explained_part {
	struct claim_part part;
	uint32_t overruled[EXPLANATION_OVERRULED_MAX];
	size_t n_overruled;
	bool embedded;
};

/**
 * struct explanation - One answer
 * @guard:	Guard that was asked; borrowed
 * @query:	Text of the question; borrowed
 * @span:	Addresses asked about
 * @refused:	One of them is reserved, or more
 * @parts:	The first parts
 * @n_parts:	All of them, told or not
 */
struct explanation {
	const struct guard *guard;
	const char *query;
	struct span span;
	bool refused;
	struct explained_part parts[EXPLANATION_PARTS_MAX];
	size_t n_parts;
};

int explanation_make(const struct guard *guard, const char *query, const struct span *span,
		     struct explanation *ret_explanation);
void explanation_print(const struct explanation *explanation, struct lines *lines, bool colour, FILE *stream);
json_t *explanation_json(const struct explanation *explanation, struct lines *lines);

#endif
