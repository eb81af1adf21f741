/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's lines for the journal. */

#include "plugin/agent/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static bool to_journal;

/**
 * agent_log_to_journal() - Put the level in front of each line, as sd-daemon(3) says, unless a person reads them
 *
 * systemd connects standard error to a socket; it is not one for somebody who starts the agent in a terminal.
 */
void agent_log_to_journal(void)
{
	struct stat status;

	to_journal = fstat(STDERR_FILENO, &status) == 0 && S_ISSOCK(status.st_mode);
}

/** blank_controls() - No text from outside makes a line of its own */
static void blank_controls(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			*text = ' ';
}

/**
 * agent_log() - One line
 * @level:	How much it matters
 * @format:	As printf(3); control characters become blanks, what is longer than a few kilobytes is cut
 */
void agent_log(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	blank_controls(line);
	if (to_journal)
		(void)fprintf(stderr, "<%d>%s\n", (int)level, line);
	else
		(void)fprintf(stderr, "rangeguard-agent: %s\n", line);
}
