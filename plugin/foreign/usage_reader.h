/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_USAGE_READER_H
#define PLUGIN_FOREIGN_USAGE_READER_H

/* What the readers of usages share. Keys are found as Go's programs find them: in any case. For usage_….c. */

#include "plugin/foreign/usage.h"
#include "plugin/text/json.h"

/**
 * struct usage_reader - Who reads what
 * @reader:	File, place and listener
 * @usages:	Get what is found
 * @lenient:	Whose keys these are is not known: what is malformed is a warning
 * @failed:	Memory ran out
 */
struct usage_reader {
	struct reader reader;
	struct usages *usages;
	bool lenient;
	bool failed;
};

/** struct usage_member - A member of an object under the name it has there; @value NULL: absent or null */
struct usage_member {
	const char *key;
	const json_t *value;
};

/**
 * struct usage_bounds - Where a range begins and ends
 * @object:	Object that says so
 * @inside:	Name under which the reader's place has it, NULL: it is the place
 * @first, @last:	Its members; one that is absent means the network's usual first or last address
 */
struct usage_bounds {
	const json_t *object;
	const char *inside;
	const char *first;
	const char *last;
};

struct usage_member usage_member(const json_t *object, const char *key);
const json_t *usage_array(struct usage_reader *usage, const json_t *object, const char *key);
void usage_fault(struct usage_reader *usage, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void usage_add(struct usage_reader *usage, const char *key, const struct usage *found);

/* Read a text; false when there is none, or (reported) it is malformed. */
bool usage_prefix(struct usage_reader *usage, const json_t *object, const char *key, struct prefix *ret_prefix);
bool usage_address(struct usage_reader *usage, const json_t *object, const char *key, enum family family,
		   struct address *ret_address);

/* Read and add. */
void usage_take_gateway(struct usage_reader *usage, const json_t *object, const char *key);
void usage_take_network(struct usage_reader *usage, const char *key, const struct prefix *network,
			const struct span *span);
void usage_take_bounded(struct usage_reader *usage, const char *key, const struct prefix *network,
			const struct usage_bounds *bounds);
bool usage_parse_text(const char *text, struct prefix *ret_prefix);

#endif
