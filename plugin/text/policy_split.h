/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_POLICY_SPLIT_H
#define PLUGIN_TEXT_POLICY_SPLIT_H

/*
 * Cuts the text of a policy into its entries, as it comes: a million entries as one JSON document take a gigabyte, one
 * by one nothing. It knows no more of JSON than where strings and brackets end. What it cuts out are the elements of
 * the lists `reserved` and `granted` of the outermost object; what is left, with those lists empty, is the rest. The
 * text is well-formed when each entry and the rest are; at whatever looks odd the splitter gives up, and somebody has
 * to look at the text as a whole. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "ipam/guard/guard.h"
#include "rangeguard/outcome.h"

/** struct split_text - Bytes that grow */
struct split_text {
	char *bytes;
	size_t size;
	size_t capacity;
};

/**
 * split_entry_fn - Called with the text of each entry, which is an object as far as its brackets tell
 * @userdata:	Of the splitter
 * @kind:	Which list it stands in
 * @text:	Its text, not NUL-terminated
 * @size:	Bytes of it
 *
 * Return: 0; anything else ends splitting and is returned
 */
typedef int (*split_entry_fn)(void *userdata, enum guard_kind kind, const char *text, size_t size);

enum split_state {
	SPLIT_REST,    /* outside of the lists */
	SPLIT_KEY,     /* behind a string that may be the key of a list */
	SPLIT_COLON,   /* behind the colon that follows such a key */
	SPLIT_FIRST,   /* in a list, before its first entry */
	SPLIT_NEXT,    /* in a list, behind a comma */
	SPLIT_ENTRY,   /* in an entry */
	SPLIT_BETWEEN, /* in a list, behind an entry */
};

/** Named outcomes beside 0 and negative errno */
enum split_outcome {
	SPLIT_E_ODD = OUTCOMES_POLICY_SPLIT, /* not for the splitter */
};

/**
 * struct splitter - Where in the text it is
 * @entry_fn, @userdata: Called with each entry
 * @state:	What comes next
 * @kind:	Of the list
 * @depth:	Brackets that are open
 * @in_string:	Within a string
 * @escaped:	Behind a backslash
 * @string_at:	Where in the rest the string began that was seen last
 * @entry:	Text of the entry so far
 * @rest:	Text of the rest so far
 */
struct splitter {
	split_entry_fn entry_fn;
	void *userdata;
	enum split_state state;
	enum guard_kind kind;
	unsigned depth;
	bool in_string;
	bool escaped;
	size_t string_at;
	struct split_text entry;
	struct split_text rest;
};

int split_feed(struct splitter *splitter, const char *text, size_t size);
void split_done(struct splitter *splitter);

#define SPLIT_CLEANUP __attribute__((cleanup(split_done)))

#endif
