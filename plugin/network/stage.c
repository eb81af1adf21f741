/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gathering, sending, and saying what went wrong. Owns no descriptor: the port is the caller's. */

#include "plugin/network/stage.h"

#include <errno.h>
#include <string.h>

/**
 * stage_begin() - Begin a stage without messages; its batch is not cleared, being big
 * @stage:	Stage
 * @port:	Port, borrowed
 * @where:	Where that is
 * @err:	Error to fill
 */
void stage_begin(struct stage *stage, struct port *port, const char *where, struct error *err)
{
	stage->port = port;
	stage->where = where;
	stage->reply = NULL;
	stage->userdata = NULL;
	stage->err = err;
	batch_reset(&stage->batch);
}

/**
 * stage_add() - Take note of a message that was appended to the stage's batch
 * @stage:	Stage
 * @appended:	What the builder returned
 *
 * Return: 0, REFUSED when the message could not be built
 */
int stage_add(struct stage *stage, int appended)
{
	if (appended < 0)
		return error_set_errno(stage->err, ERROR_KERNEL, appended, "cannot build a netlink message");
	return 0;
}

/**
 * stage_make_room() - Send what is gathered, if another message might not fit behind it
 * @stage:	Stage
 *
 * Return: 0, REFUSED
 */
int stage_make_room(struct stage *stage)
{
	return batch_has_room(&stage->batch) ? 0 : stage_send(stage);
}

/**
 * stage_try() - Send what is gathered, where a refusal is for the caller to judge
 * @stage:	Stage; its batch is kept
 *
 * Return: 0, PORT_E_REFUSED with the stage's failure filled, negative errno with its error filled
 */
int stage_try(struct stage *stage)
{
	int r = port_exchange(stage->port, &stage->batch, stage->reply, stage->userdata, &stage->failure);

	if (r < 0)
		(void)error_set_errno(stage->err, ERROR_KERNEL, r, "the kernel's netlink answer %s is unusable",
				      stage->where);
	return r;
}

/**
 * stage_refused() - Put the stage's failure into words
 * @stage:	Stage after PORT_E_REFUSED
 *
 * Return: REFUSED
 */
int stage_refused(struct stage *stage)
{
	char what[RTMESSAGE_TEXT_MAX];

	(void)error_set_errno(stage->err, ERROR_KERNEL, -stage->failure.errnum, "cannot %s %s",
			      rtmessage_describe(&stage->batch, stage->failure.index, what), stage->where);
	if (stage->failure.text[0])
		error_details(stage->err, "%s", stage->failure.text);
	return REFUSED;
}

/**
 * stage_ask() - Send what is gathered about a link, which may be gone
 * @stage:	Stage; its batch is kept
 *
 * Return: 0, also when it is; REFUSED
 */
int stage_ask(struct stage *stage)
{
	int r = stage_try(stage);

	if (r == PORT_E_REFUSED)
		return stage->failure.errnum == ENODEV ? 0 : stage_refused(stage);
	return r < 0 ? REFUSED : 0;
}

/**
 * stage_send() - Send what is gathered, all of which must succeed
 * @stage:	Stage; without messages afterwards
 *
 * Return: 0, REFUSED
 */
int stage_send(struct stage *stage)
{
	int r = stage_try(stage);

	if (r)
		return r < 0 ? REFUSED : stage_refused(stage);
	batch_reset(&stage->batch);
	return 0;
}
