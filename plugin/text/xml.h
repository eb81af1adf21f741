/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_XML_H
#define PLUGIN_TEXT_XML_H

/*
 * XML as values (libexpat): an element is an object, with its attributes as texts and its children as arrays under their
 * names; text between elements is left out. The root is {NAME: [ELEMENT]}. Pure.
 */

#include "plugin/text/tree.h"

/** Named outcomes beside 0 and negative errno */
enum xml_outcome {
	XML_E_SYNTAX = OUTCOMES_XML, /* not XML, a document type declaration, or more than is read */
};

/** struct xml_flaw - What is wrong, and at which byte */
struct xml_flaw {
	const char *problem;
	size_t at;
};

int xml_read(const char *text, size_t size, json_t **ret_root, struct tree *ret_tree, struct xml_flaw *reterr_flaw);

#endif
