/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_LINK_H
#define PLUGIN_NETWORK_LINK_H

/* Asking after one link. */

#include "plugin/network/port.h"
#include "plugin/network/rtmessage.h"
#include "plugin/report/error.h"

/**
 * struct link_answer - What a question after a link found
 * @link:	The link
 * @found:	Whether there is one
 */
struct link_answer {
	struct link_info link;
	bool found;
};

int link_take(const struct nlmsghdr *message, void *userdata); /* port_reply_fn for a struct link_answer */
int link_find(struct port *port, const char *name, struct link_answer *ret_answer, struct error *reterr);
int link_get(struct port *port, uint32_t index, struct link_info *ret_link);
int link_peer(struct port *port, uint32_t index, struct link_info *ret_peer);

#endif
