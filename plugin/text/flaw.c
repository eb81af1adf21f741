/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with a text, where its parser's words would not help a person. Pure. */

#include "plugin/text/flaw.h"

#include <fnmatch.h>
#include <string.h>

#include "rangeguard/array.h"

/** is_utf16() - Whether a text is UTF-16 or UTF-32: by its mark, or as each second byte of ASCII is NUL there */
static bool is_utf16(const char *text, size_t size)
{
	return size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0 ||
			     (!text[0] && text[1]) || (text[0] && !text[1]));
}

/** is_blank() - Whether there is nothing in a text */
static bool is_blank(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return false;
	return true;
}

/** flaw_of_text() - What is wrong with a text as a whole; NULL: nothing */
const char *flaw_of_text(const char *text, size_t size)
{
	if (is_blank(text, size))
		return "the file is empty";
	return is_utf16(text, size) ? "the text is UTF-16 or UTF-32; save it as UTF-8" : NULL;
}

/**
 * flaw_of_json() - Better words for what jansson says
 * @problem:	What it says, with the text that it is about
 *
 * Return: they, NULL: there are none
 */
const char *flaw_of_json(const char *problem)
{
	static const struct {
		const char *pattern;
		const char *words;
	} known[] = {
		{"*expected near '/*", "comments are not JSON; remove them, or keep them as keys that begin with x-"},
		{"*expected near '#*", "comments are not JSON; remove them, or keep them as keys that begin with x-"},
		{"string or '}' expected near '}'", "a comma stands after the last member of an object"},
		{"string or '}' expected near '{'",
		 "a \"{\" where a key should stand; a template has to be rendered first"},
		{"*u0000 is not allowed*", "a NUL character (\\u0000) in a text"},
		{"end of file expected near end of file", "a NUL character after the end of the document"},
		{"end of file expected near '{'", "one document ends here and another one begins; a file has one"},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
		if (fnmatch(known[i].pattern, problem, FNM_NOESCAPE) == 0)
			return known[i].words;
	return NULL;
}

/** flaw_of_yaml() - Better words for what libyaml says of the text at byte @at; NULL: there are none */
const char *flaw_of_yaml(const char *text, size_t size, size_t at)
{
	return at < size && text[at] == '\t' ? "a tab, with which YAML lets nothing be indented; use blanks" : NULL;
}

/** flaw_is_yaml_name() - Whether a file is YAML by its name */
bool flaw_is_yaml_name(const char *file)
{
	return fnmatch("*.y*ml", file, FNM_CASEFOLD) == 0;
}
