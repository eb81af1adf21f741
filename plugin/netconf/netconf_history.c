/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `history`, `historySize`, `historyFiles`: where events are written, and how much of them is kept. Pure. */

#include <string.h>

#include "plugin/netconf/netconf_ipam.h"
#include "plugin/text/json.h"
#include "rangeguard/limits.h"

/** read_path() - `history`: an absolute path, or false */
static void read_path(struct reader *reader, const json_t *object, struct netconf *netconf)
{
	const json_t *history = json_member(object, "history");
	const char *path = json_string_value(history);

	if (!history)
		return;
	if (json_is_false(history))
		netconf->history = NULL;
	else if (!path || path[0] != '/' || strlen(path) >= LIMIT_HISTORY_PATH)
		reader_error(reader, "history", RULE_INVALID_VALUE,
			     "history must be the absolute path of a file (such as \"" NETCONF_HISTORY
			     "\"), or false to write none");
	else
		netconf->history = path;
}

/**
 * netconf_read_history() - Read the keys of the history
 * @reader:	Reader at @object
 * @object:	Object in which they stand; NULL: none
 * @netconf:	Its history is set
 */
void netconf_read_history(struct reader *reader, const json_t *object, struct netconf *netconf)
{
	long long size = (long long)netconf->history_size, files = netconf->history_files;

	read_path(reader, object, netconf);
	(void)json_member_integer(reader, object, "historySize", LIMIT_HISTORY_SIZE_MIN, LIMIT_HISTORY_SIZE_MAX, &size);
	(void)json_member_integer(reader, object, "historyFiles", 0, LIMIT_HISTORY_FILES, &files);
	netconf->history_size = (uint64_t)size;
	netconf->history_files = (unsigned)files;
}
