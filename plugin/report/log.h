/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_REPORT_LOG_H
#define PLUGIN_REPORT_LOG_H

/* One line on stderr, where logs belong. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
