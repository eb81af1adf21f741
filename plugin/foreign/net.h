/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_NET_H
#define PLUGIN_FOREIGN_NET_H

/*
 * Networks under keys that nobody reads. A plugin or a resource that is not known, or a key that came with a new version
 * of one that is, must not pass in silence. Pure.
 */

#include "plugin/foreign/kind.h"

int net_read(const json_t *object, const char *file, const struct pointer *at, const struct kind_key *known,
	     size_t from, struct declarations *declarations, struct report *report);

#endif
