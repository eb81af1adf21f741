/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HISTORY_JOURNAL_H
#define PLUGIN_HISTORY_JOURNAL_H

/*
 * The systemd journal, by its native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram per entry.
 * libsystemd would do the same, but as a shared library with six others it doubles what the loader has to do in each
 * call of the plugin.
 */

#include "plugin/history/line.h"

int journal_open(int *ret_fd);
int journal_send(int fd, const struct line *line);

#endif
