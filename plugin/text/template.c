/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Templates. Pure. */

#include "plugin/text/template.h"

/**
 * struct lexer - Where in a text one is
 * @quote:	Quote that is open, NUL: none
 */
struct lexer {
	char quote;
	char before;
};

/** step() - One byte: quotes open where a value may begin, and end; with a line, for a template has no long texts */
static void step(struct lexer *lexer, char c)
{
	bool ends = lexer->quote && c == lexer->quote && !(lexer->quote == '"' && lexer->before == '\\');

	if (c == '\n' || ends)
		lexer->quote = '\0';
	else if (!lexer->quote && (c == '"' || c == '\'') &&
		 (lexer->before == ' ' || lexer->before == '[' || lexer->before == ',' || lexer->before == '\n'))
		lexer->quote = c;
	lexer->before = c;
}

/** line_end() - Where the line ends that @at is in */
static size_t line_end(const char *text, size_t size, size_t at)
{
	while (at < size && text[at] != '\n')
		at++;
	return at;
}

/**
 * template_find() - Whether a template is to be filled in: `{{` or `{%` outside of quotes and comments
 * @text:	Text that could not be read: where it can be, the braces are a part of its texts
 * @size:	Its bytes
 */
bool template_find(const char *text, size_t size)
{
	struct lexer lexer = {.before = '\n'};

	for (size_t at = 0; at + 1 < size; at++) {
		bool opens = text[at] == '{' && (text[at + 1] == '{' || text[at + 1] == '%');

		if (!lexer.quote && text[at] == '#' && (lexer.before == ' ' || lexer.before == '\n')) {
			at = line_end(text, size, at) - 1;
			lexer.before = '#';
			continue;
		}
		if (opens && !lexer.quote)
			return true;
		step(&lexer, text[at]);
	}
	return false;
}
