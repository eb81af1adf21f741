/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking after one link by its name. Owns nothing. */

#include "plugin/network/link.h"

#include <errno.h>

#include "plugin/network/stage.h"

/** link_take() - port_reply_fn: keep the link; @userdata is a struct link_answer */
int link_take(const struct nlmsghdr *message, void *userdata)
{
	struct link_answer *answer = userdata;
	int r = message ? rtmessage_read_link(message, &answer->link) : 0;

	if (!r && message)
		answer->found = true;
	return r == -ENOMSG ? 0 : r;
}

/**
 * link_find() - The link that has a name
 * @port:	Port on the host
 * @name:	Name
 * @ret_answer:	Filled
 * @reterr:	Error
 *
 * Return: 0, also when there is none; REFUSED
 */
int link_find(struct port *port, const char *name, struct link_answer *ret_answer, struct error *reterr)
{
	struct stage stage;
	int r;

	ret_answer->found = false;
	stage_begin(&stage, port, "on the host", reterr);
	stage.reply = link_take;
	stage.userdata = ret_answer;
	r = stage_add(&stage, rtmessage_get_link_by_name(&stage.batch, name));
	return r ? r : stage_ask(&stage);
}
