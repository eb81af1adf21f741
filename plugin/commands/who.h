/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_WHO_H
#define PLUGIN_COMMANDS_WHO_H

/* What `rangeguard who` prints. */

#include "plugin/history/held.h"

/** struct who - What is asked; times are HELD_UNKNOWN where there is no such option */
struct who {
	const char *address;
	int64_t at;
	int64_t since;
};

size_t who_count(const struct who *who, const struct held *held);
void who_print_text(const struct who *who, const struct held *held);
int who_print_json(const struct who *who, const struct held *held);

#endif
