/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_REPORT_REPORT_H
#define PLUGIN_REPORT_REPORT_H

/*
 * Where the readers of configurations and policies say what they found. A verb wants the first error and stops;
 * `validate` wants every finding of every file: one parser, two listeners, so that both see the same.
 */

#include <stdarg.h>
#include <stdbool.h>

#include "plugin/report/error.h"

/** Rules of findings, as they are printed: RG001 and so on; the README explains each */
enum rule {
	RULE_NOT_JSON = 1,	/* RG001 */
	RULE_UNKNOWN_KEY = 2,	/* RG002 */
	RULE_INVALID_VALUE = 3, /* RG003 */
	RULE_VERSION = 4,	/* RG004 */
	RULE_DUPLICATE = 5,	/* RG005 */
	RULE_RANGE_RESERVED = 101,
	RULE_GATEWAY_RESERVED = 102,
	RULE_ADDRESS_RESERVED = 103,
	RULE_SNAT_RESERVED = 104,
	RULE_OVERLAP = 105,
	RULE_HOST_ROUTE = 106,
	RULE_NO_ADDRESS = 107,
	RULE_PLAN_OVERLAP = 108,
	RULE_NOT_PRIVATE = 109,
	RULE_SNAT = 201,
	RULE_POLICY = 301,
	RULE_NO_LEASE = 401,
	RULE_DEAD_LEASE = 402,
	RULE_HELD_RESERVED = 403,
	RULE_MISSING = 404,
	RULE_NAT_BEFORE = 405,
	RULE_EXPIRES = 406,
	RULE_NOT_IN_INVENTORY = 407,
	RULE_GONE = 408,
	RULE_UNPROTECTED = 409,
	RULE_FOREIGN = 410,
	RULE_IN_THE_WAY = 411,
	RULE_SHARED = 412,
};

enum severity {
	SEVERITY_ERROR,
	SEVERITY_WARNING,
	SEVERITY_NOTE, /* nothing is wrong; never counted, also not with --strict */
};

#define POINTER_MAX 512

/**
 * struct finding - One thing found; texts are borrowed for the length of the call
 * @rule:		Which rule
 * @severity:		Errors refuse an ADD, warnings don't; notes say what depends on where the file is used
 * @file:		File it stands in
 * @pointer:		JSON pointer (RFC 6901) to the value or key, or "line N" in a table (pointer_of_line())
 * @on_key:		The key is meant, not its value
 * @line, @column:	Position in @file from 1, for what has no pointer (not JSON at all); 0: the pointer tells
 * @message:		What, and what to do
 * @related_file:	NULL, or the file of the other side (the policy, the other network)
 * @related_pointer:	JSON pointer there
 * @offset:		Where in the text of the value, in bytes: a list may stand in one text
 */
struct finding {
	enum rule rule;
	enum severity severity;
	const char *file;
	const char *pointer;
	bool on_key;
	unsigned line;
	unsigned column;
	const char *message;
	const char *related_file;
	const char *related_pointer;
	size_t offset;
};

/**
 * struct report - A listener; @errors and @warnings count what it heard
 * @heard:		Called with each finding
 * @errors_only:	Warnings need not be looked for
 * @is_full:		What is reported is counted and not heard: it need not be put into words
 * @omitted:		How much was
 * @no_memory:		What was heard last, or before, is that there was no memory: it says nothing of what is read
 */
struct report {
	void (*heard)(struct report *report, const struct finding *finding);
	bool errors_only;
	bool is_full;
	bool no_memory;
	unsigned omitted;
	unsigned errors;
	unsigned warnings;
};

void report_finding(struct report *report, const struct finding *finding);
void report_error(struct report *report, enum rule rule, const char *file, const char *pointer, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void report_warning(struct report *report, enum rule rule, const char *file, const char *pointer, const char *format,
		    ...) __attribute__((format(printf, 5, 6)));

void report_no_memory(struct report *report, const char *file, const char *pointer);
int report_outcome_since(const struct report *report, unsigned errors_before);

/** struct first_error - The listener of the verbs: keeps the first error in @err, as @code or what its rule becomes */
struct first_error {
	struct report report;
	struct error *err;
	enum error_code code;
};

void first_error_init(struct first_error *first, struct error *err, enum error_code code);

/** struct pointer - A JSON pointer that grows and shrinks while a reader descends */
struct pointer {
	char text[POINTER_MAX];
	size_t length;
};

/** Space for the place of a line */
#define POINTER_LINE_MAX 32

/* Where something stands in a file that is not JSON, in place of a JSON pointer (which is empty or begins with a slash):
 * "line 42". */
const char *pointer_of_line(unsigned line, char buffer[static POINTER_LINE_MAX]);
/* The line that such a place names, 0 for a JSON pointer. */
unsigned pointer_line(const char *pointer);

struct pointer pointer_of(const char *text);
size_t pointer_push_key(struct pointer *pointer, const char *key);
size_t pointer_push_index(struct pointer *pointer, size_t index);
void pointer_pop(struct pointer *pointer, size_t mark);

#endif
