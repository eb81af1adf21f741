/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_NETLIST_H
#define PLUGIN_FOREIGN_NETLIST_H

/* What a list of plugins (.conflist) says for all of them, as a runtime reads it. Pure. */

#include "plugin/text/json.h"

/** struct netlist - Name and version, as the runtime puts them into each plugin's configuration; borrowed */
struct netlist {
	const char *name;
	const char *version;
};

void netlist_check_capabilities(struct reader *reader, const json_t *object);
void netlist_check_keys(struct reader *reader, const json_t *list);
void netlist_note_version(struct reader *reader, const json_t *object);
void netlist_read(struct reader *reader, const json_t *list, struct netlist *ret_netlist);

#endif
