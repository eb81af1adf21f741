/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of kinds: which one a document is of. Pure. */

#include "plugin/foreign/kind.h"

#include <fnmatch.h>
#include <string.h>

#include "plugin/foreign/path.h"

/** The table; the first kind that fits is the document's */
static const struct kind_table *const tables[] = {&kinds_cluster,
						  &kinds_distributions,
						  &kinds_networks,
						  &kinds_formats,
						  &kinds_engines,
						  &kinds_provisioning,
						  NULL};

/** struct named_kind - What a document says it is: its apiVersion and kind, NULL: nothing */
struct named_kind {
	const char *version;
	const char *kind;
};

/** is_of_group() - Whether a document's apiVersion is of a group */
static bool is_of_group(const char *version, const char *group)
{
	size_t length = strlen(group);

	if (!version)
		return false;
	if (!length)
		return !strchr(version, '/');
	return strncmp(version, group, length) == 0 && version[length] == '/';
}

/** fits() - Whether a document is of a kind */
static bool fits(const struct kind *kind, const struct named_kind *named, const json_t *root, const char *file)
{
	if (kind->group && !is_of_group(named->version, kind->group))
		return false;
	if (kind->kind && (!named->kind || fnmatch(kind->kind, named->kind, 0) != 0))
		return false;
	/* What names its kind is of no other. */
	if (!kind->group && kind->class != KIND_ITEMS && named->kind && named->version)
		return false;
	if (kind->file && fnmatch(kind->file, file, 0) == 0)
		return true;
	if (kind->fits)
		return kind->fits(root, file);
	return kind->shape ? path_leads_somewhere(root, kind->shape) : kind->group != NULL;
}

/** kind_by_index() - A kind by its number in the table, from 0; NULL behind the last one */
const struct kind *kind_by_index(size_t index)
{
	for (size_t i = 0; tables[i]; i++) {
		if (index < tables[i]->n_kinds)
			return &tables[i]->kinds[index];
		index -= tables[i]->n_kinds;
	}
	return NULL;
}

/**
 * document_kind() - Tell what a document is
 * @root:	The document, or a resource in one
 * @file:	Path of its file: Docker's configuration may have no key of ours at all
 *
 * Return: the kind, NULL when it is none that is read
 */
const struct kind *document_kind(const json_t *root, const char *file)
{
	const struct named_kind named = {.version = json_string_value(json_object_get(root, "apiVersion")),
					 .kind = json_string_value(json_object_get(root, "kind"))};

	if (!json_is_object(root))
		return NULL;
	for (size_t i = 0; tables[i]; i++)
		for (size_t j = 0; j < tables[i]->n_kinds; j++)
			if (fits(&tables[i]->kinds[j], &named, root, file))
				return &tables[i]->kinds[j];
	return NULL;
}
