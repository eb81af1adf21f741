/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CNI error: filled with text for the user, printed as the one JSON document of a failed verb. */

#include "plugin/report/error.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#include "plugin/report/utf8.h"

/**
 * text_format() - Format into a buffer: cut at a character where it is too long, and always UTF-8
 * @buffer:	Buffer
 * @size:	Its size, at most ERROR_MSG_MAX
 * @format:	As for printf(3); arguments may point into @buffer
 * @arguments:	Its arguments
 */
__attribute__((format(printf, 3, 0))) static void text_format(char *buffer, size_t size, const char *format,
							      va_list arguments)
{
	char text[ERROR_MSG_MAX];
	int length = vsnprintf(text, size, format, arguments);

	if (length < 0)
		text[0] = '\0';
	else if ((size_t)length >= size)
		utf8_drop_cut_character(text);
	utf8_mend(text);
	memcpy(buffer, text, strlen(text) + 1);
}

/**
 * error_set() - Say what failed
 * @err:	Error to fill; its details are emptied
 * @code:	Code of the CNI specification or ours
 * @format:	As for printf(3); arguments may point into @err, so that text can be put around an error
 *
 * Return: REFUSED, for `return error_set(…)`
 */
int error_set(struct error *err, enum error_code code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text_format(err->msg, sizeof(err->msg), format, arguments);
	va_end(arguments);
	err->code = (int)code;
	err->details[0] = '\0';
	return REFUSED;
}

/** error_code_of() - The code of what failed with an errno, else @code: that there was no memory has one code everywhere */
enum error_code error_code_of(int outcome, enum error_code code)
{
	return outcome == -ENOMEM ? ERROR_TRY_AGAIN : code;
}

/**
 * error_set_errno() - Say what failed, and why by an errno
 * @err:	Error to fill; its details are emptied
 * @code:	Code; where there was no memory, it becomes 11, as everywhere
 * @outcome:	Negative errno
 * @format:	As for printf(3); a colon and the errno's text follow
 *
 * Return: REFUSED
 */
int error_set_errno(struct error *err, enum error_code code, int outcome, const char *format, ...)
{
	char text[ERROR_MSG_MAX];
	va_list arguments;

	va_start(arguments, format);
	text_format(text, sizeof(text), format, arguments);
	va_end(arguments);
	return error_set(err, error_code_of(outcome, code), "%s: %s", text, strerror(-outcome));
}

/** error_recode() - Give an error that is set another code, unless it is one that passes: REFUSED */
int error_recode(struct error *err, enum error_code code)
{
	if (err->code != ERROR_TRY_AGAIN)
		err->code = (int)code;
	return REFUSED;
}

/**
 * error_details() - Add the other side's own words to an error that is set
 * @err:	Error to fill
 * @format:	As for printf(3)
 */
void error_details(struct error *err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text_format(err->details, sizeof(err->details), format, arguments);
	va_end(arguments);
}

/**
 * error_no_memory() - Say that there was no memory; another try may find some
 * @err:	Error to fill
 *
 * Return: REFUSED
 */
int error_no_memory(struct error *err)
{
	return error_set(err, ERROR_TRY_AGAIN, "out of memory");
}

/**
 * error_print() - Print an error as one JSON document, a line of its own
 * @stream:		Standard output of the plugin
 * @err:		Error to print; empty details are left out
 * @cni_version:	cniVersion of the configuration as it stands there, NULL when it couldn't be read
 *
 * Return: 0, -EIO when it could not be written
 */
int error_print(FILE *stream, const struct error *err, const char *cni_version)
{
	json_auto_t *document = json_pack("{s:s*, s:i, s:s, s:s*}", "cniVersion", cni_version, "code", err->code, "msg",
					  err->msg, "details", *err->details ? err->details : NULL);

	if (!document || json_dumpf(document, stream, JSON_COMPACT) < 0 || fputc('\n', stream) == EOF)
		return -EIO;
	return fflush(stream) == EOF ? -EIO : 0;
}
