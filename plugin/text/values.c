/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values with places. */

#include "plugin/text/values.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/report/report.h"
#include "plugin/text/flaw.h"
#include "plugin/text/ini.h"
#include "plugin/text/values_internal.h"
#include "plugin/text/weight.h"
#include "plugin/text/xml.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** forget() - Release the document at hand */
static void forget(struct values *values)
{
	values->inner = values_inner_free(values->inner);
	tree_done(&values->tree);
	json_decref(values->root);
	values->root = NULL;
}

/** values_syntax_of() - What a file is by its name */
enum values_syntax values_syntax_of(const char *file)
{
	static const struct {
		char pattern[32];
		enum values_syntax syntax;
	} known[] = {
		/* Drop-ins of systemd's and quadlet's units */
		{"*.service.d/*.conf", VALUES_INI},
		{"*.network.d/*.conf", VALUES_INI},
		{"*.container.d/*.conf", VALUES_INI},
		{"*.pod.d/*.conf", VALUES_INI},
		{"*.kube.d/*.conf", VALUES_INI},
		{"*containers.conf", VALUES_TOML},
		{"*containers.conf.d/*.conf", VALUES_TOML},
		{"*.json", VALUES_JSON},
		{"*.conf", VALUES_JSON},
		{"*.conflist", VALUES_JSON},
		{"*.network", VALUES_INI},
		{"*.container", VALUES_INI},
		{"*.pod", VALUES_INI},
		{"*.kube", VALUES_INI},
		{"*.service", VALUES_INI},
		{"*.xml", VALUES_XML},
		/* What units get from their EnvironmentFile= */
		{"*default/docker", VALUES_VARIABLES},
		{"*sysconfig/docker", VALUES_VARIABLES},
		{"*default/kubelet", VALUES_VARIABLES},
		{"*sysconfig/kubelet", VALUES_VARIABLES},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
		if (fnmatch(known[i].pattern, file, FNM_CASEFOLD) == 0)
			return known[i].syntax;
	return VALUES_EITHER;
}

/** first_character() - The first character of a text that is no blank, -1: there is none */
static int first_character(const char *text, size_t size)
{
	struct scan scan = {.text = text, .size = size};

	return scan_peek(&scan);
}

/** looks_like_json() - Whether a text begins as JSON's objects and arrays do */
static bool looks_like_json(const char *text, size_t size)
{
	int c = first_character(text, size);

	return c == '{' || c == '[';
}

/** keep_json_error() - What jansson says; return VALUES_E_SYNTAX */
static int keep_json_error(struct values *values, const json_error_t *error)
{
	const char *flaw = flaw_of_text(values->text, values->size);

	if (!flaw)
		flaw = flaw_of_json(error->text);
	(void)snprintf(values->problem, sizeof(values->problem), "not valid JSON: %s", flaw ? flaw : error->text);
	values->line = error->line > 0 ? (unsigned)error->line : 1;
	values->column = error->column > 0 ? (unsigned)error->column : 1;
	return VALUES_E_SYNTAX;
}

/** keep_flaw() - What is wrong with the text at byte @at; return VALUES_E_SYNTAX */
static int keep_flaw(struct values *values, size_t at, const char *words, const char *flaw)
{
	struct position position = positions_at(&values->positions, at);

	values->line = position.line;
	values->column = position.column;
	(void)snprintf(values->problem, sizeof(values->problem), "%s%s", words, flaw);
	return VALUES_E_SYNTAX;
}

/** read_json() - The text as JSON: 0, VALUES_E_SYNTAX */
static int read_json(struct values *values)
{
	size_t at = 0;
	const char *flaw = weight_flaw_json(values->text, values->size, &at);
	json_error_t error;

	/* It is what it is: nobody need try it as YAML. */
	values->is_heavy = flaw;
	if (flaw)
		return keep_flaw(values, at, "", flaw);
	values->root = json_loadb(values->text, values->size, 0, &error);
	if (!values->root)
		return keep_json_error(values, &error);
	values->is_json = values->is_whole = true;
	locator_init(&values->locator, values->text, values->size);
	return 0;
}

/** read_ini() - The text as INI: 0, VALUES_E_SYNTAX, -ENOMEM */
static int read_ini(struct values *values, enum ini_dialect dialect)
{
	const char *flaw = flaw_of_text(values->text, values->size);
	size_t at = 0;
	int r = INI_E_SYNTAX;

	if (!memchr(values->text, '\0', values->size))
		r = ini_read(values->text, values->size, dialect, &values->root, &values->tree, &at);
	values->is_whole = true;
	if (r != INI_E_SYNTAX)
		return r;
	return keep_flaw(values, at, dialect == INI_TOML ? "not valid TOML: " : "not valid INI: ",
			 flaw ? flaw : "neither [SECTION] nor KEY=VALUE");
}

/** read_xml() - The text as XML: 0, VALUES_E_SYNTAX, -ENOMEM */
static int read_xml(struct values *values)
{
	struct xml_flaw flaw = {0};
	int r = XML_E_SYNTAX;

	flaw.problem = weight_flaw_xml(values->text, values->size, &flaw.at);
	if (!flaw.problem)
		r = xml_read(values->text, values->size, &values->root, &values->tree, &flaw);
	values->is_whole = true;
	if (r != XML_E_SYNTAX)
		return r;
	if (flaw_of_text(values->text, values->size))
		flaw.problem = flaw_of_text(values->text, values->size);
	return keep_flaw(values, flaw.at, "not valid XML: ", flaw.problem);
}

/**
 * values_start() - Begin to read a text
 * @values:	Values
 * @text:	Text, UTF-8; borrowed
 * @size:	Its bytes
 * @syntax:	What it should be
 *
 * Return: 0, VALUES_E_SYNTAX, -ENOMEM; values_done() is due in any case
 */
int values_start(struct values *values, const char *text, size_t size, enum values_syntax syntax)
{
	*values = (struct values){.text = text, .size = size, .positions = {.text = text}};
	if (syntax == VALUES_JSON)
		return read_json(values);
	if (syntax == VALUES_INI)
		return read_ini(values, INI_SYSTEMD);
	if (syntax == VALUES_TOML)
		return read_ini(values, INI_TOML);
	if (syntax == VALUES_VARIABLES)
		return read_ini(values, INI_VARIABLES);
	if (syntax == VALUES_XML || (syntax == VALUES_EITHER && first_character(text, size) == '<'))
		return read_xml(values);
	if (syntax == VALUES_EITHER && looks_like_json(text, size)) {
		if (read_json(values) == 0)
			return 0;
		if (values->is_heavy)
			return VALUES_E_SYNTAX;
	}
	values->is_started = true;
	return yaml_start(&values->yaml, text, size);
}

/** keep_yaml_error() - What libyaml says; return VALUES_E_SYNTAX */
static int keep_yaml_error(struct values *values)
{
	const char *flaw = flaw_of_text(values->text, values->size);
	struct position position;

	/* What began as JSON was meant to be JSON, and its parser knows better what is wrong. */
	if (*values->problem && values->number <= 1)
		return VALUES_E_SYNTAX;
	position = positions_at(&values->positions, values->yaml.problem_at);
	if (!flaw)
		flaw = flaw_of_yaml(values->text, values->size, values->yaml.problem_at);
	(void)snprintf(values->problem, sizeof(values->problem), "not valid YAML: %s; not read from line %u on",
		       flaw ? flaw : values->yaml.problem, position.line);
	values->line = position.line;
	values->column = position.column;
	return VALUES_E_SYNTAX;
}

/**
 * values_next() - The next document of the text
 * @values:	Values; @root is the document's until the next call
 *
 * Return: 0, VALUES_E_SYNTAX, VALUES_E_END, -ENOMEM
 */
int values_next(struct values *values)
{
	int r;

	if (values->is_whole)
		return values->number++ ? VALUES_E_END : 0;
	forget(values);
	r = yaml_next(&values->yaml, &values->root, &values->tree);
	values->number = values->yaml.n_documents;
	if (r == YAML_E_SYNTAX)
		return keep_yaml_error(values);
	return r == YAML_E_END ? VALUES_E_END : r;
}

/** place_duplicate() - A key of YAML that stands twice: tell where */
static void place_duplicate(void *userdata, const char *pointer, size_t key_at)
{
	struct values *values = userdata;
	struct position position = positions_at(&values->positions, key_at);

	values->duplicate(values->userdata, pointer, position.line, position.column);
}

/**
 * values_duplicates() - Tell of keys that stand twice: of JSON's now, of YAML's when their documents are read
 * @values:	Values
 * @duplicate:	Called for each
 * @userdata:	For it
 *
 * Return: 0, -ENOMEM
 */
int values_duplicates(struct values *values, values_duplicate_fn duplicate, void *userdata)
{
	if (values->is_json)
		return locate_duplicates(values->text, values->size, duplicate, userdata);
	values->duplicate = duplicate;
	values->userdata = userdata;
	values->yaml.duplicate = place_duplicate;
	values->yaml.userdata = values;
	return 0;
}

/** values_done() - Release all */
void values_done(struct values *values)
{
	forget(values);
	if (values->is_started)
		yaml_done(&values->yaml);
	if (values->is_json)
		locator_done(&values->locator);
	positions_done(&values->positions);
	*values = (struct values){0};
}

/**
 * values_embedded() - The documents of a text that stands within another
 * @text:	Text
 * @size:	Its bytes
 * @found:	Called for each that is an object or an array
 * @userdata:	For it
 *
 * Return: 0, VALUES_E_SYNTAX when what follows those found can't be read, -ENOMEM
 */
int values_embedded(const char *text, size_t size, values_embedded_fn found, void *userdata)
{
	VALUES_CLEANUP struct values values = {0};
	int r = values_start(&values, text, size, VALUES_EITHER);

	while (!r && (r = values_next(&values)) == 0)
		if (json_is_object(values.root) || json_is_array(values.root))
			found(userdata, values.root, values.number);
	return r == VALUES_E_END ? 0 : r;
}
