/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_SCALAR_H
#define PLUGIN_TEXT_SCALAR_H

/*
 * From a scalar's value back to the text that it was written as: which byte of the file each byte of the value comes
 * from, so that what stands in a text within a file (a NetworkAttachmentDefinition's configuration) has a place in that
 * file. YAML folds lines, strips indentation and resolves escapes (YAML 1.1 chapter 9); JSON only does the latter. Pure.
 */

#include <stddef.h>

#include "rangeguard/outcome.h"

/** How a scalar is written */
enum scalar_style {
	SCALAR_NONE,   /* not a scalar that can be mapped */
	SCALAR_JSON,   /* "…" of JSON */
	SCALAR_PLAIN,  /* YAML without quotes */
	SCALAR_SINGLE, /* '…' */
	SCALAR_DOUBLE, /* "…" of YAML */
	SCALAR_BLOCK,  /* | or > */
	SCALAR_RAW,    /* as it is */
	SCALAR_BARE,   /* as it is, but for comments in it, which are blanks in the value */
};

/** Named outcomes beside 0 and negative errno */
enum scalar_outcome {
	SCALAR_E_DIFFERS = OUTCOMES_SCALAR, /* the text does not lead to that value */
};

/**
 * struct scalar - A scalar in a text
 * @text:	Text
 * @size:	Its bytes
 * @at:		Offset of the scalar's first byte: its quote, or the block's indicator
 * @style:	How it is written
 * @value:	What it means; @n_value bytes
 */
struct scalar {
	const char *text;
	size_t size;
	size_t at;
	enum scalar_style style;
	const char *value;
	size_t n_value;
};

int scalar_map(const struct scalar *scalar, size_t *ret_offsets);

#endif
