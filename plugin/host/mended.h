/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_MENDED_H
#define PLUGIN_HOST_MENDED_H

/* That the kernel lost what protects a container, or leads to it, and has it again, for the history. */

#include "plugin/host/protection.h"

void mended_note_table(struct recorder *recorder);
void mended_note_routes(struct recorder *recorder, const struct attachment *attachment,
			const struct protection *protection);
void mended_note(struct recorder *recorder, const struct attachment *attachment, const struct protection *protection);

#endif
