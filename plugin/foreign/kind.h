/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_KIND_H
#define PLUGIN_FOREIGN_KIND_H

/*
 * The kinds of documents that declare addresses, as a table: by what a document is known, where in it ranges stand, what
 * for, and what holds where they are left out. A platform more is some rows more (kinds_….c). Pure.
 */

#include <jansson.h>
#include <stdbool.h>

#include "plugin/foreign/declaration.h"
#include "plugin/foreign/networks.h"
#include "rangeguard/array.h"

/** What else than its rows a kind has */
enum kind_class {
	KIND_ROWS,
	KIND_LIST,   /* CNI: a list of plugins */
	KIND_PLUGIN, /* CNI: a plugin alone */
	KIND_POLICY, /* rangeguard's */
	KIND_LEASES, /* what `rangeguard list` prints */
	KIND_POOLS,  /* what `rangeguard pools` prints */
	KIND_HOST,   /* what `ip -json address` prints of an interface */
	KIND_ITEMS,  /* resources in a list */
};

/** How addresses are written in a text: any of these, several separated by commas or blanks */
enum form {
	FORM_CIDR = 1,	     /* 10.0.0.0/8 */
	FORM_ADDRESS = 2,    /* 10.0.0.1 */
	FORM_RANGE = 4,	     /* 10.0.0.1-10.0.0.9 */
	FORM_DOTS = 8,	     /* 10.0.0.1..10.0.0.9 */
	FORM_PER_HOST = 16,  /* 10.0.0.0/16/24: a /24 for each host */
	FORM_WORDS = 32,     /* something else may stand there: None, auto, a name */
	FORM_FLAGS = 64,     /* a program's flags */
	FORM_TEXT = 128,     /* a document of its own, if it is one */
	FORM_JSON = 256,     /* with FORM_TEXT: it has to be one, and JSON */
	FORM_PODMAN = 512,   /* with FORM_FLAGS: podman's, which has shorter ones, too */
	FORM_BASE64 = 2048,  /* with FORM_TEXT: in base64 */
	FORM_OPTIONS = 1024, /* NAME:ip=10.0.0.1,ip6=…: of options the addresses alone */
};

/** Space for the texts of a key, with their NULs; the compiler refuses longer ones */
#define KIND_PATH_MAX 160
#define KIND_NAME_MAX 16
#define KIND_TITLE_MAX 56
#define KIND_USUAL_MAX 112
#define KIND_WHERE_MAX 64
#define KIND_UNLESS_MAX 144

/**
 * struct kind_key - A place in a document where addresses stand
 * @path:	Steps to it, separated by slashes; each a glob over keys and indexes, `**` for any number of steps, or
 *		[KEY=VALUE] for the elements and members in which that holds, VALUE a glob (~1 stands for a slash)
 * @forms:	How they are written: bits of enum form
 * @kind:	What they are
 * @use:	What for
 * @first, @last: Not in a text: an object, whose members these are; a number at @last is a prefix length
 * @usual:	What holds when nothing is said; "": nothing
 * @where:	Path: @usual holds only where it leads to something; "": everywhere
 * @unless:	Paths: where something stands at one, @usual does not hold; "": where a key of this use is there
 * @is_pool:	Networks are made of it, which lie within
 * @mild:	That may be so and need not: a warning
 *
 * The texts stand in it: hundreds of addresses of texts would be written by ld.so, page by page, whenever the plugin starts.
 */
struct kind_key {
	char path[KIND_PATH_MAX];
	char first[KIND_NAME_MAX];
	char last[KIND_NAME_MAX];
	char usual[KIND_USUAL_MAX];
	char where[KIND_WHERE_MAX];
	char unless[KIND_UNLESS_MAX];
	unsigned forms;
	enum declaration_kind kind;
	enum declaration_use use;
	bool mild;
	bool is_pool;
};

/**
 * struct kind - A kind of documents; all that is not NULL must hold
 * @name:	In messages
 * @group:	Group of `apiVersion`, "" for "v1"
 * @kind:	Glob over `kind`
 * @file:	Glob over the path of the file, which then needs no keys
 * @shape:	Paths of which one must lead to something, separated by blanks
 * @keys:	Where addresses stand, the last one without a path
 * @source:	Where the defaults are from: version and place
 * @disabled:	Path: where it leads to `true` nothing is given; a warning
 * @any_case:	Its program finds keys in any case, and takes an empty text for none
 * @incidental:	Of documents without addresses nothing need be said
 * @network:	Its name in grants; NULL: its own
 * @keeper:	Who gives the addresses, as networks name it; or whose engine makes networks of a pool
 * @fits:	Tells what @shape can't
 * @read:	Reads keys that rows can't tell of; NULL: none
 */
struct kind {
	char name[KIND_TITLE_MAX];
	const char *group;
	const char *kind;
	const char *file;
	const char *shape;
	const struct kind_key *keys;
	const char *source;
	const char *disabled;
	const char *network;
	const char *keeper;
	enum keeping keeping;
	enum kind_class class;
	bool any_case;
	bool incidental;
	bool routed;
	bool (*fits)(const json_t *root, const char *file);
	int (*read)(const json_t *object, const char *file, const char *pointer, struct declarations *declarations,
		    struct report *report);
};

/** struct kind_table - A part of the table */
struct kind_table {
	const struct kind *kinds;
	size_t n_kinds;
};

extern const struct kind_table kinds_formats, kinds_cluster, kinds_distributions, kinds_networks, kinds_engines,
	kinds_provisioning;

const struct kind *document_kind(const json_t *root, const char *file);
const struct kind *kind_by_index(size_t index);
const struct kind_key *kind_plugin_keys(const char *type);
int kind_read(const struct kind *kind, const json_t *object, const char *file, const char *pointer,
	      struct declarations *declarations, struct report *report);

/* To write rows with: texts that fill arrays, which no parentheses may stand around */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define KEY_RANGE(path_, forms_, use_)                                                                                 \
	{                                                                                                              \
		.path = path_, .forms = (forms_), .kind = DECLARED_RANGE, .use = (use_)                                \
	}
/* What its keeper makes networks of */
#define KEY_NETWORKS_OF(path_)                                                                                         \
	{                                                                                                              \
		.path = path_, .forms = FORM_CIDR | FORM_WORDS, .kind = DECLARED_RANGE, .use = USE_CONTAINERS,         \
		.is_pool = true                                                                                        \
	}
#define KEY_USUAL(path_, use_, usual_)                                                                                 \
	{                                                                                                              \
		.path = path_, .forms = FORM_CIDR, .kind = DECLARED_RANGE, .use = (use_), .usual = usual_              \
	}
/* A default of its own, which is told at the document's start: nothing need be at the path */
#define KEY_DEFAULT(path_, use_, usual_, where_, unless_)                                                              \
	{                                                                                                              \
		.path = path_, .forms = FORM_TEXT, .kind = DECLARED_RANGE, .use = (use_), .usual = usual_,             \
		.where = where_, .unless = unless_                                                                     \
	}
#define KEY_ADDRESS(path_)                                                                                             \
	{                                                                                                              \
		.path = path_, .forms = FORM_ADDRESS | FORM_WORDS, .kind = DECLARED_ADDRESS                            \
	}
#define KEY_GATEWAY(path_)                                                                                             \
	{                                                                                                              \
		.path = path_, .forms = FORM_ADDRESS | FORM_WORDS, .kind = DECLARED_GATEWAY                            \
	}
#define KEY_EXCLUDED(path_, forms_)                                                                                    \
	{                                                                                                              \
		.path = path_, .forms = (forms_), .kind = DECLARED_EXCLUDED                                            \
	}
#define KEY_BOUNDS(path_, first_, last_, use_)                                                                         \
	{                                                                                                              \
		.path = path_, .forms = FORM_WORDS, .kind = DECLARED_RANGE, .use = (use_), .first = first_,            \
		.last = last_                                                                                          \
	}
#define KEY_EXCLUDED_BOUNDS(path_, first_, last_)                                                                      \
	{                                                                                                              \
		.path = path_, .forms = FORM_WORDS, .kind = DECLARED_EXCLUDED, .first = first_, .last = last_          \
	}
#define KEY_MILD(path_, use_)                                                                                          \
	{                                                                                                              \
		.path = path_, .forms = FORM_CIDR | FORM_WORDS, .kind = DECLARED_RANGE, .use = (use_), .mild = true    \
	}
/* Parts of a range that another key names, so that one mistake is one finding */
#define KEY_PART(path_)                                                                                                \
	{                                                                                                              \
		.path = path_, .forms = FORM_TEXT                                                                      \
	}
#define KEY_TEXT(path_)                                                                                                \
	{                                                                                                              \
		.path = path_, .forms = FORM_TEXT                                                                      \
	}
#define KEY_BASE64(path_)                                                                                              \
	{                                                                                                              \
		.path = path_, .forms = FORM_TEXT | FORM_BASE64                                                        \
	}
#define KEY_JSON(path_)                                                                                                \
	{                                                                                                              \
		.path = path_, .forms = FORM_TEXT | FORM_JSON                                                          \
	}
/* A network to join, with options; the same in podman's and docker's flags */
#define KEY_JOINED(path_)                                                                                              \
	{                                                                                                              \
		.path = path_, .forms = FORM_ADDRESS | FORM_WORDS | FORM_OPTIONS, .kind = DECLARED_ADDRESS             \
	}
#define KEY_PODMAN(path_)                                                                                              \
	{                                                                                                              \
		.path = path_, .forms = FORM_FLAGS | FORM_PODMAN                                                       \
	}
#define KEY_FLAGS(path_)                                                                                               \
	{                                                                                                              \
		.path = path_, .forms = FORM_FLAGS                                                                     \
	}
/* NOLINTEND(bugprone-macro-parentheses) */
#define KEYS(...) ((const struct kind_key[]){__VA_ARGS__, {.path = ""}})
#define KIND_TABLE(kinds_)                                                                                             \
	{                                                                                                              \
		.kinds = (kinds_), .n_kinds = ARRAY_LENGTH(kinds_)                                                     \
	}

#endif
