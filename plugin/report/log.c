/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines. */

#include "plugin/report/log.h"

#include <stdarg.h>
#include <stdio.h>

/** log_line() - One line on stderr */
void log_line(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)fputs("rangeguard: ", stderr);
	(void)vfprintf(stderr, format, arguments);
	(void)fputc('\n', stderr);
	va_end(arguments);
}
