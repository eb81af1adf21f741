/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes many attachments down in one go. Deleting a link, the kernel waits until nobody looks at it any more, 10 ms and
 * more; of a whole group of links it deletes all and waits once (rtnl_group_dellink()). The group's number is drawn by
 * lot and given only to links that were just seen to be ours.
 */

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "plugin/network/attach.h"
#include "plugin/network/stage.h"

/** Groups that somebody chose have small numbers, if only for lack of patience */
#define GROUP_BIT 0x40000000U

/** draw_group() - A group that nobody has: 0, REFUSED */
static int draw_group(uint32_t *ret_group, struct error *reterr)
{
	uint32_t group;

	if (getrandom(&group, sizeof(group), 0) != sizeof(group))
		return error_set(reterr, ERROR_KERNEL, "can't get a random number: %s", strerror(errno));
	*ret_group = (group & INT32_MAX) | GROUP_BIT;
	return 0;
}

/**
 * attach_group_add() - Note an attachment's host end for attach_group_delete()
 * @host:	Port
 * @attachment:	Attachment
 * @group:	With room for one more
 * @reterr:	Error
 *
 * Return: 0, also when it is not there or not ours; REFUSED
 */
int attach_group_add(struct port *host, const struct attachment *attachment, struct attach_group *group,
		     struct error *reterr)
{
	struct link_info link;
	int r = attach_find(host, attachment, &link, reterr);

	if (r == ATTACH_E_ABSENT || r == ATTACH_E_FOREIGN)
		return 0;
	if (!r)
		group->indices[group->n++] = link.index;
	return r;
}

/**
 * attach_group_delete() - Remove the host ends noted, and everything with them
 * @host:	Port
 * @group:	Host ends; none afterwards
 * @reterr:	Error
 *
 * Return: 0; REFUSED, then some may still be there, which attach_delete() removes
 */
int attach_group_delete(struct port *host, struct attach_group *group, struct error *reterr)
{
	size_t n = group->n;
	struct stage stage;
	uint32_t number = 0;
	int r;

	group->n = 0;
	if (!n)
		return 0;
	r = draw_group(&number, reterr);
	if (r)
		return r;
	stage_begin(&stage, host, "on the host", reterr);
	for (size_t i = 0; !r && i < n; i++)
		r = stage_add(&stage, rtmessage_set_group(&stage.batch, group->indices[i], number));
	if (!r)
		r = stage_add(&stage, rtmessage_delete_group(&stage.batch, number));
	return r ? r : stage_send(&stage);
}
