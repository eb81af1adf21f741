/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_SUBJECT_H
#define PLUGIN_FOREIGN_SUBJECT_H

/*
 * What there is to read in a document: itself, each resource of a list, each plugin of a CNI list, and the documents that
 * stand in texts within it, two levels deep. The one walk for all who want the addresses of a document. Pure.
 */

#include "plugin/foreign/kind.h"
#include "plugin/foreign/plugin_objects.h"
#include "plugin/text/json.h"

/** Texts within texts that are read */
#define SUBJECT_DEPTH_MAX 2U

/**
 * struct subject - A part of a document
 * @kind:	Its kind; NULL: none that is read
 * @node:	The part; of a CNI document a list or a plugin's object
 * @name:	Name of the resource in which it stands, NULL: it stands in none
 * @depth:	In how many texts it stands
 */
struct subject {
	const struct kind *kind;
	struct plugin_object node;
	const char *name;
	unsigned depth;
};

/** subject_fn - Called with each part, in the order of the document */
typedef void (*subject_fn)(void *userdata, const struct subject *subject);

int subjects_each(const json_t *root, const char *file, const struct pointer *at, struct report *report,
		  subject_fn found, void *userdata);
int subjects_read(const json_t *root, const char *file, struct declarations *declarations, struct report *report);
bool subject_is_ours(const json_t *object);
int subject_read(const struct subject *subject, const char *file, struct declarations *declarations,
		 struct report *report, struct report *net_report);

#endif
