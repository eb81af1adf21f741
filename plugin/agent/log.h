/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_LOG_H
#define PLUGIN_AGENT_LOG_H

/* The agent's lines for the journal: standard error, one line each, which systemd keeps with its level. */

/** enum log_level - As in syslog(3), of which these are the numbers */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
};

void agent_log_to_journal(void);
void agent_log(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
