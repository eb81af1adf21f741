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

/** ask() - What a question that was put into @batch found: 0, -ENOENT, negative errno */
static int ask(struct port *port, struct batch *batch, int r, struct link_answer *ret_answer)
{
	struct port_failure failure = {0};

	ret_answer->found = false;
	if (!r)
		r = port_exchange(port, batch, link_take, ret_answer, &failure);
	if (r)
		return r == PORT_E_REFUSED ? -failure.errnum : r;
	return ret_answer->found ? 0 : -ENOENT;
}

/** link_get() - The link that has an index: 0, negative errno */
int link_get(struct port *port, uint32_t index, struct link_info *ret_link)
{
	struct link_answer answer;
	struct batch batch;
	int r;

	batch_reset(&batch);
	r = ask(port, &batch, rtmessage_get_link(&batch, index), &answer);
	if (!r)
		*ret_link = answer.link;
	return r;
}

/**
 * link_peer() - The other end of a veth, in whatever namespace, which nobody has to enter for that
 * @port:	Port on the host
 * @index:	This end
 * @ret_peer:	The other one
 *
 * Return: 0, -ENOENT when the kernel tells of none, negative errno
 */
int link_peer(struct port *port, uint32_t index, struct link_info *ret_peer)
{
	struct link_answer answer;
	struct link_info link;
	struct batch batch;
	int r = link_get(port, index, &link);

	if (r)
		return r;
	if (link.peer_netns < 0 || !link.peer_index)
		return -ENOENT;
	batch_reset(&batch);
	r = ask(port, &batch, rtmessage_get_link_in(&batch, (uint32_t)link.peer_netns, link.peer_index), &answer);
	if (!r)
		*ret_peer = answer.link;
	return r;
}
