/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of KEY=VALUE as values. Pure. */

#include "plugin/text/ini.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** struct ini - A file being read; @section: node of the section that is being read, 0: none yet */
struct ini {
	enum ini_dialect dialect;
	const char *text;
	size_t size;
	size_t at;
	json_t *root;
	struct tree tree;
	uint32_t section;
	unsigned n_values;
};

/** ini_done() - Release what was read */
static void ini_done(struct ini *ini)
{
	tree_done(&ini->tree);
	json_decref(ini->root);
}

/** value_of() - The container that a node stands for; it is its owner who lets it go */
static json_t *value_of(const struct ini *ini, uint32_t node)
{
	return (json_t *)(uintptr_t)ini->tree.nodes[node].value;
}

/** enter() - The container under a key of the one at @parent, made if it is not there yet; 0 or -ENOMEM */
static int enter(struct ini *ini, uint32_t parent, const char *key, json_t *(*make)(void), uint32_t *ret_node)
{
	struct tree_node node = {
		.at = ini->at, .key_at = ini->at, .kind = make == json_object ? TREE_MAPPING : TREE_SEQUENCE};
	json_t *value;

	*ret_node = tree_child(&ini->tree, parent, key);
	if (*ret_node)
		return 0;
	value = make();
	node.value = value;
	if (!value || json_object_set_new(value_of(ini, parent), key, value))
		return -ENOMEM;
	return tree_add(&ini->tree, parent, &node, key, ret_node);
}

/** struct quoting - In which quotes a text is, NUL: in none; and in how many brackets */
struct quoting {
	char quote;
	unsigned depth;
};

/** is_quoted() - Whether a character is in quotes, or ends them */
static bool is_quoted(struct quoting *quoting, char c)
{
	char quote = quoting->quote;

	if (!quote && (c == '"' || c == '\''))
		quoting->quote = c;
	else if (c == quote)
		quoting->quote = '\0';
	return quote;
}

/** skip_line() - Where the line ends that @at is in */
static size_t skip_line(const struct ini *ini, size_t at)
{
	const char *end = memchr(ini->text + at, '\n', ini->size - at);

	return end ? (size_t)(end - ini->text) : ini->size;
}

/** text_end() - Where a text over several lines ends that begins at @at, in three quotes; @at: there is none */
static size_t text_end(const struct ini *ini, size_t at)
{
	const char *begin = ini->text + at, *end;

	if (ini->size - at < 6 || (memcmp(begin, "\"\"\"", 3) != 0 && memcmp(begin, "'''", 3) != 0))
		return at;
	end = memmem(begin + 3, ini->size - at - 3, begin, 3);
	return end ? (size_t)(end + 2 - ini->text) : at;
}

/** brackets_end() - Where the line ends in which all brackets are closed that are opened from @at on: TOML's arrays */
static size_t brackets_end(const struct ini *ini, size_t at)
{
	struct quoting quoting = {0};

	for (; at < ini->size && (ini->text[at] != '\n' || quoting.depth); at++) {
		char c = ini->text[at];

		/* A text ends with its line, so that one that is never closed does not take all that follows. */
		if (c == '\n')
			quoting.quote = '\0';
		if (!quoting.quote && text_end(ini, at) > at) {
			at = text_end(ini, at);
			continue;
		}
		if (is_quoted(&quoting, c))
			continue;
		if (c == '#')
			at = skip_line(ini, at) - 1;
		else if (c == '[' || c == '{')
			quoting.depth++;
		else if ((c == ']' || c == '}') && quoting.depth)
			quoting.depth--;
	}
	return at;
}

/** skip_blanks() - The first byte of a line that is no blank; its end may be the text's, behind which there is nothing */
static size_t skip_blanks(const struct ini *ini, size_t at)
{
	while (at < ini->size && (ini->text[at] == ' ' || ini->text[at] == '\t'))
		at++;
	return at;
}

/** line_end() - Where the line ends that begins at @at; with @goes_on, the last one of those that go on */
static size_t line_end(const struct ini *ini, size_t at, bool goes_on)
{
	if (ini->dialect == INI_TOML) {
		size_t first = skip_blanks(ini, at);

		return first < ini->size && ini->text[first] != '[' ? brackets_end(ini, at) : skip_line(ini, at);
	}
	for (;;) {
		const char *end = memchr(ini->text + at, '\n', ini->size - at);
		size_t stop = end ? (size_t)(end - ini->text) : ini->size;

		if (!end || !goes_on || stop == at || ini->text[stop - 1] != '\\')
			return stop;
		at = stop + 1;
	}
}

/** trim() - Bounds of a text without the blanks around it */
static void trim(const char *text, size_t *begin, size_t *end)
{
	while (*begin < *end && strchr(" \t\r\n", text[*begin]))
		(*begin)++;
	while (*end > *begin && strchr(" \t\r\n", text[*end - 1]))
		(*end)--;
}

/** read_section() - "[NAME]" from @begin to @end */
static int read_section(struct ini *ini, size_t begin, size_t end)
{
	CLEANUP_FREE char *name = strndup(ini->text + begin + 1, end - begin - 2);

	return name ? enter(ini, 0, name, json_object, &ini->section) : -ENOMEM;
}

/** blank_comments() - Put blanks where comments stand in a value */
static void blank_comments(char *text)
{
	struct quoting quoting = {0};

	for (; *text; text++) {
		if (*text == '\n')
			quoting.quote = '\0';
		if (is_quoted(&quoting, *text) || *text != '#')
			continue;
		while (*text && *text != '\n')
			*text++ = ' ';
		if (!*text)
			return;
	}
}

/** text_of() - The text of a value from @begin to @end; NULL: it is none, or there is no memory */
static json_t *text_of(const struct ini *ini, size_t begin, size_t end)
{
	CLEANUP_FREE char *copy = NULL;

	if (ini->dialect == INI_SYSTEMD)
		return json_stringn(ini->text + begin, end - begin);
	copy = strndup(ini->text + begin, end - begin);
	if (copy)
		blank_comments(copy);
	return copy ? json_string(copy) : NULL;
}

/** read_value() - "KEY=VALUE", the equals sign at @equals */
static int read_value(struct ini *ini, size_t begin, size_t equals, size_t end)
{
	size_t key_end = equals, value = equals + 1;
	CLEANUP_FREE char *key = NULL;
	struct tree_node node = {.kind = TREE_SCALAR, .style = ini->dialect == INI_SYSTEMD ? SCALAR_RAW : SCALAR_BARE};
	uint32_t list, index;
	json_t *text;
	int r;

	trim(ini->text, &begin, &key_end);
	trim(ini->text, &value, &end);
	key = strndup(ini->text + begin, key_end - begin);
	r = key ? enter(ini, ini->section, key, json_array, &list) : -ENOMEM;
	if (r < 0)
		return r;
	text = text_of(ini, value, end);
	if (!text)
		return INI_E_SYNTAX;
	node.value = text;
	node.at = node.key_at = value;
	if (json_array_append_new(value_of(ini, list), text))
		return -ENOMEM;
	return tree_add(&ini->tree, list, &node, NULL, &index);
}

/** read_line() - One line, or several that go on: 0, INI_E_SYNTAX, -ENOMEM */
static int read_line(struct ini *ini, size_t begin, size_t end)
{
	const char *equals;

	trim(ini->text, &begin, &end);
	ini->at = begin;
	if (begin == end || ini->text[begin] == '#' || ini->text[begin] == ';')
		return 0;
	if (ini->text[begin] == '[' && ini->text[end - 1] == ']' && end - begin > 2)
		return read_section(ini, begin, end);
	equals = memchr(ini->text + begin, '=', end - begin);
	if (!equals || equals == ini->text + begin || (ini->dialect == INI_SYSTEMD && !ini->section))
		/* A shell's variables stand among other commands. */
		return ini->dialect == INI_SYSTEMD ? INI_E_SYNTAX : 0;
	if (++ini->n_values > LIMIT_INI_VALUES)
		return INI_E_SYNTAX;
	if (ini->dialect == INI_VARIABLES && end - begin > 7 && memcmp(ini->text + begin, "export ", 7) == 0)
		begin += 7;
	return read_value(ini, begin, (size_t)(equals - ini->text), end);
}

/** is_comment() - Whether the line at @at is a comment, which does not go on */
static bool is_comment(const struct ini *ini, size_t at)
{
	at = skip_blanks(ini, at);
	return at < ini->size && (ini->text[at] == '#' || ini->text[at] == ';');
}

/** is_utf8() - Whether a text is UTF-8, as values have to be */
static bool is_utf8(const char *text, size_t size)
{
	json_t *value = json_stringn(text, size);

	json_decref(value);
	return value;
}

/**
 * ini_read() - Read a file
 * @text:	Its text; without NUL bytes
 * @size:	Its bytes
 * @dialect:	What it is
 * @ret_root:	Sections; a new reference
 * @ret_tree:	Where the values stand
 * @reterr_at:	With INI_E_SYNTAX, offset of what can't be read
 *
 * Return: 0, INI_E_SYNTAX, -ENOMEM
 */
int ini_read(const char *text, size_t size, enum ini_dialect dialect, json_t **ret_root, struct tree *ret_tree,
	     size_t *reterr_at)
{
	CLEANUP(ini_done) struct ini ini = {.dialect = dialect, .text = text, .size = size, .root = json_object()};
	struct tree_node root = {.value = ini.root, .kind = TREE_MAPPING};
	uint32_t index;
	int r = ini.root ? tree_add(&ini.tree, 0, &root, NULL, &index) : -ENOMEM;

	if (!r && !is_utf8(text, size))
		r = INI_E_SYNTAX;
	for (size_t at = 0, end; !r && at < size; at = end + 1) {
		end = line_end(&ini, at, !is_comment(&ini, at));
		r = read_line(&ini, at, end);
	}
	*reterr_at = ini.at;
	if (r)
		return r;
	*ret_root = json_incref(ini.root);
	*ret_tree = ini.tree;
	ini.tree = (struct tree){0};
	return 0;
}
