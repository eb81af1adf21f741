/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XML as values. Pure. */

#include "plugin/text/xml.h"

#include <errno.h>
#include <expat.h>
#include <string.h>

#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/**
 * struct xml - A document being read
 * @open:	Nodes of the elements that are open, the root's object first
 * @depth:	Index of the innermost one
 * @n_values:	Elements and attributes so far
 * @problem:	Why it is not read on; NULL: it is
 * @no_memory:	That is why
 */
struct xml {
	XML_Parser parser;
	const char *text;
	size_t size;
	json_t *root;
	struct tree tree;
	uint32_t open[LIMIT_YAML_DEPTH];
	unsigned depth;
	unsigned n_values;
	const char *problem;
	bool no_memory;
};

/** xml_done() - Release what was read */
static void xml_done(struct xml *xml)
{
	if (xml->parser)
		XML_ParserFree(xml->parser);
	tree_done(&xml->tree);
	json_decref(xml->root);
}

/** stop() - Read no further */
static void stop(struct xml *xml, const char *problem)
{
	if (!xml->problem)
		xml->problem = problem;
	(void)XML_StopParser(xml->parser, XML_FALSE);
}

/** stop_without_memory() - The same for lack of memory */
static void stop_without_memory(struct xml *xml)
{
	xml->no_memory = true;
	stop(xml, "out of memory");
}

/** value_of() - The container that a node stands for; it is its owner who lets it go */
static json_t *value_of(const struct xml *xml, uint32_t node)
{
	return (json_t *)(uintptr_t)xml->tree.nodes[node].value;
}

/** list_of() - The array of an element's children of a name, made if it is not there yet; 0 or -ENOMEM */
static int list_of(struct xml *xml, uint32_t parent, const char *name, size_t at, uint32_t *ret_list)
{
	struct tree_node node = {.at = at, .key_at = at, .kind = TREE_SEQUENCE};
	json_t *value;

	/* An attribute has the name already: no kind that is read has both, and no name has a slash. */
	if (json_is_string(json_object_get(value_of(xml, parent), name)))
		name = "/";
	/* The object is quicker to ask than the tree. */
	if (json_object_get(value_of(xml, parent), name)) {
		*ret_list = tree_child(&xml->tree, parent, name);
		return 0;
	}
	value = json_array();
	node.value = value;
	if (!value || json_object_set_new(value_of(xml, parent), name, value))
		return -ENOMEM;
	return tree_add(&xml->tree, parent, &node, name, ret_list);
}

/** add_element() - An element, which is open from here on; 0 or -ENOMEM */
static int add_element(struct xml *xml, const char *name, size_t at)
{
	struct tree_node node = {.at = at, .key_at = at, .kind = TREE_MAPPING};
	json_t *value = json_object();
	uint32_t list;

	node.value = value;
	if (!value || list_of(xml, xml->open[xml->depth], name, at, &list) < 0) {
		json_decref(value);
		return -ENOMEM;
	}
	if (json_array_append_new(value_of(xml, list), value))
		return -ENOMEM;
	return tree_add(&xml->tree, list, &node, NULL, &xml->open[++xml->depth]);
}

/** next_value() - Where the text of the next attribute begins in the tag at byte @at; the tag is well-formed */
static size_t next_value(const struct xml *xml, size_t at)
{
	const char *equals = memchr(xml->text + at, '=', xml->size - at);

	if (!equals)
		return xml->size;
	at = (size_t)(equals - xml->text);
	while (at < xml->size && xml->text[at] != '"' && xml->text[at] != '\'')
		at++;
	return at + 1;
}

/** value_end() - Where the text of an attribute that begins at byte @at has its closing quote */
static size_t value_end(const struct xml *xml, size_t at)
{
	const char *end = at <= xml->size ? memchr(xml->text + at, xml->text[at - 1], xml->size - at) : NULL;

	return end ? (size_t)(end - xml->text) : xml->size;
}

/** add_attribute() - An attribute of the element opened last; 0 or -ENOMEM */
static int add_attribute(struct xml *xml, const char *name, const char *text, size_t at)
{
	struct tree_node node = {.at = at, .key_at = at, .kind = TREE_SCALAR, .style = SCALAR_RAW};
	uint32_t element = xml->open[xml->depth], index;
	json_t *value = json_string(text);

	node.value = value;
	if (!value || json_object_set_new(value_of(xml, element), name, value))
		return -ENOMEM;
	return tree_add(&xml->tree, element, &node, name, &index);
}

static const char too_much[] = "nested deeper, or more of it, than is read";

/** start_element() - Expat's callback for "<NAME ATTRIBUTE="TEXT">" */
static void start_element(void *userdata, const char *name, const char **attributes)
{
	struct xml *xml = userdata;
	size_t at = (size_t)XML_GetCurrentByteIndex(xml->parser);
	int r;

	if (xml->depth + 1 == LIMIT_YAML_DEPTH || ++xml->n_values > LIMIT_XML_VALUES) {
		stop(xml, too_much);
		return;
	}
	r = add_element(xml, name, at);
	for (; !r && *attributes; attributes += 2) {
		if (++xml->n_values > LIMIT_XML_VALUES) {
			stop(xml, too_much);
			return;
		}
		at = next_value(xml, at);
		r = add_attribute(xml, attributes[0], attributes[1], at);
		at = value_end(xml, at);
	}
	if (r)
		stop_without_memory(xml);
}

/** end_element() - Expat's callback for "</NAME>" */
static void end_element(void *userdata, const char *name)
{
	struct xml *xml = userdata;

	(void)name;
	xml->depth--;
}

/** start_doctype() - Expat's callback: what it declares could stand for anything, so nothing is taken from it */
static void start_doctype(void *userdata, const char *name, const char *system, const char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	if (internal)
		stop(userdata, "a document type of its own, which is not read");
}

/** parse() - Read all: 0, XML_E_SYNTAX, -ENOMEM */
static int parse(struct xml *xml, struct xml_flaw *reterr_flaw)
{
	XML_Index at;

	XML_SetUserData(xml->parser, xml);
	XML_SetElementHandler(xml->parser, start_element, end_element);
	XML_SetStartDoctypeDeclHandler(xml->parser, start_doctype);
	if (XML_Parse(xml->parser, xml->text, (int)xml->size, XML_TRUE) == XML_STATUS_OK)
		return 0;
	if (xml->no_memory || XML_GetErrorCode(xml->parser) == XML_ERROR_NO_MEMORY)
		return -ENOMEM;
	reterr_flaw->problem = xml->problem ? xml->problem : XML_ErrorString(XML_GetErrorCode(xml->parser));
	/* Of a text in which nothing begins, expat says -1. */
	at = XML_GetCurrentByteIndex(xml->parser);
	reterr_flaw->at = at > 0 && (size_t)at <= xml->size ? (size_t)at : 0;
	return XML_E_SYNTAX;
}

/**
 * xml_read() - Read a document
 * @text:		Its text, UTF-8
 * @size:		Its bytes, at most LIMIT_POLICY_FILE
 * @ret_root:		Its values, a new reference
 * @ret_tree:		Where they stand, to be freed with tree_done() before @ret_root
 * @reterr_flaw:	With XML_E_SYNTAX, what is wrong
 *
 * Return: 0, XML_E_SYNTAX, -ENOMEM
 */
int xml_read(const char *text, size_t size, json_t **ret_root, struct tree *ret_tree, struct xml_flaw *reterr_flaw)
{
	CLEANUP(xml_done)
	struct xml xml = {.text = text, .size = size, .root = json_object(), .parser = XML_ParserCreate("UTF-8")};
	struct tree_node root = {.value = xml.root, .kind = TREE_MAPPING};
	int r;

	if (!xml.root || !xml.parser || tree_add(&xml.tree, 0, &root, NULL, &xml.open[0]) < 0)
		return -ENOMEM;
	r = parse(&xml, reterr_flaw);
	if (r)
		return r;
	*ret_root = json_incref(xml.root);
	*ret_tree = xml.tree;
	xml.tree = (struct tree){0};
	return 0;
}
