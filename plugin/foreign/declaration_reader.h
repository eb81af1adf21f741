/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_USAGE_READER_H
#define PLUGIN_FOREIGN_USAGE_READER_H

/* What the readers of declarations share. Keys are found as Go's programs find them: in any case. For declaration_….c. */

#include "plugin/foreign/declaration.h"
#include "plugin/text/json.h"

/**
 * struct declaration_reader - Who reads what
 * @reader:	File, place and listener
 * @declarations:	Get what is found
 * @lenient:	Whose keys these are is not known: what is malformed is a warning
 * @failed:	Memory ran out
 */
struct declaration_reader {
	struct reader reader;
	struct declarations *declarations;
	bool lenient;
	bool failed;
};

/** struct declaration_member - A member of an object under the name it has there; @value NULL: absent or null */
struct declaration_member {
	const char *key;
	const json_t *value;
};

/**
 * struct declaration_bounds - Where a range begins and ends
 * @object:	Object that says so
 * @inside:	Name under which the reader's place has it, NULL: it is the place
 * @first, @last:	Its members; one that is absent means the network's usual first or last address
 */
struct declaration_bounds {
	const json_t *object;
	const char *inside;
	const char *first;
	const char *last;
};

struct declaration_member declaration_member(const json_t *object, const char *key);
const json_t *declaration_array(struct declaration_reader *declaration, const json_t *object, const char *key);
void declaration_fault(struct declaration_reader *declaration, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void declaration_too_many(struct declaration_reader *declaration);
void declaration_add(struct declaration_reader *declaration, const char *key, const struct declaration *found);

/* Read a text; false when there is none, or (reported) it is malformed. */
bool declaration_prefix(struct declaration_reader *declaration, const json_t *object, const char *key,
			struct prefix *ret_prefix);
bool declaration_address(struct declaration_reader *declaration, const json_t *object, const char *key,
			 enum family family, struct address *ret_address);

/* Read and add. */
void declaration_take_gateway(struct declaration_reader *declaration, const json_t *object, const char *key);
void declaration_take_network(struct declaration_reader *declaration, const char *key, const struct prefix *network,
			      const struct span *span);
void declaration_take_bounded(struct declaration_reader *declaration, const char *key, const struct prefix *network,
			      const struct declaration_bounds *bounds);
bool declaration_parse_text(const char *text, struct prefix *ret_prefix);

#endif
