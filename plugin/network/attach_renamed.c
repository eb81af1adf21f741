/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host end of an attachment whose name somebody changed (udev, an operator): the routes to its addresses lead to
 * it, and its alias says whose it is. Costs nothing unless the name is missing. Without its routes, which go when it is
 * taken down, only a look at all links finds it.
 */

#include <errno.h>

#include "plugin/network/attach.h"
#include "plugin/network/hostroute.h"
#include "plugin/network/link.h"
#include "plugin/network/stage.h"

/** link_at() - The link of an index: 0; ATTACH_E_ABSENT; REFUSED */
static int link_at(struct port *host, uint32_t index, struct link_info *ret_link, struct error *reterr)
{
	struct link_answer answer = {.found = false};
	struct stage stage;
	int r;

	stage_begin(&stage, host, "on the host", reterr);
	stage.reply = link_take;
	stage.userdata = &answer;
	r = stage_add(&stage, rtmessage_get_link(&stage.batch, index));
	if (!r)
		r = stage_ask(&stage);
	if (r)
		return r;
	*ret_link = answer.link;
	return answer.found ? 0 : ATTACH_E_ABSENT;
}

/** look_up() - The route to an address: 0; HOSTROUTE_E_NONE, also where the kernel lacks its family; REFUSED */
static int look_up(struct port *host, const struct address *address, struct route_info *ret_match, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX];
	int r = hostroute_lookup(host, address, ret_match);

	if (r >= 0)
		return r;
	if (r == -EAFNOSUPPORT || r == -EOPNOTSUPP)
		return HOSTROUTE_E_NONE;
	return error_set_errno(reterr, ERROR_KERNEL, r, "the kernel does not tell how the host routes address %s",
			       address_format(address, text));
}

/**
 * attach_find_renamed() - The host end of an attachment, whatever its name
 * @host:	Port
 * @attachment:	Attachment
 * @addresses:	Its addresses
 * @n_addresses:	How many
 * @ret_link:	Host end
 * @reterr:	Code 107
 *
 * Return: 0, ATTACH_E_ABSENT when no route of ours to the addresses leads to it; REFUSED when the kernel does not tell
 */
int attach_find_renamed(struct port *host, const struct attachment *attachment, const struct address *addresses,
			size_t n_addresses, struct link_info *ret_link, struct error *reterr)
{
	char alias[IDENTITY_ALIAS_MAX];

	identity_alias(attachment, alias);
	for (size_t i = 0; i < n_addresses; i++) {
		struct route_info match;
		struct link_info link;
		int r = look_up(host, &addresses[i], &match, reterr);

		if (r == REFUSED)
			return r;
		if (r || match.protocol != PLAN_ROUTE_PROTOCOL || !match.interface)
			continue;
		r = link_at(host, match.interface, &link, reterr);
		if (r && r != ATTACH_E_ABSENT)
			return r;
		if (r || !identity_has_alias(&link, alias))
			continue;
		*ret_link = link;
		return 0;
	}
	return ATTACH_E_ABSENT;
}

/** struct alias_search - The link with an alias */
struct alias_search {
	const char *alias;
	struct link_answer answer;
};

/** take_alias() - port_reply_fn: keep the link whose alias is looked for */
static int take_alias(const struct nlmsghdr *message, void *userdata)
{
	struct alias_search *search = userdata;
	struct link_info link;
	int r = message ? rtmessage_read_link(message, &link) : -ENOMSG;

	if (r)
		return r == -ENOMSG ? 0 : r;
	if (identity_has_alias(&link, search->alias))
		search->answer = (struct link_answer){.link = link, .found = true};
	return 0;
}

/**
 * attach_find_by_alias() - The host end of an attachment, among all links
 * @host:	Port
 * @attachment:	Attachment
 * @ret_link:	Host end
 * @reterr:	Error
 *
 * Return: 0, ATTACH_E_ABSENT, REFUSED
 */
int attach_find_by_alias(struct port *host, const struct attachment *attachment, struct link_info *ret_link,
			 struct error *reterr)
{
	char alias[IDENTITY_ALIAS_MAX];
	struct alias_search search = {.alias = alias};
	struct stage stage;
	int r;

	identity_alias(attachment, alias);
	stage_begin(&stage, host, "on the host", reterr);
	stage.reply = take_alias;
	stage.userdata = &search;
	r = stage_add(&stage, rtmessage_dump_links(&stage.batch));
	if (!r)
		r = stage_send(&stage);
	if (r)
		return r;
	*ret_link = search.answer.link;
	return search.answer.found ? 0 : ATTACH_E_ABSENT;
}
