/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_STAGE_H
#define PLUGIN_NETWORK_STAGE_H

/*
 * A stage of an attachment's work: messages gathered for one port, sent in as few batches as they fit in, and a
 * refusal put into words: what was wanted, where, and what the kernel said to it.
 */

#include "plugin/network/port.h"
#include "plugin/network/rtmessage.h"
#include "plugin/report/error.h"

/**
 * struct stage - Messages for one port
 * @port:	Port
 * @where:	Where that is, for error texts: "on the host"
 * @reply:	NULL, or called with what the kernel answers
 * @userdata:	For it
 * @err:	Filled when a stage function returns REFUSED
 * @failure:	What the kernel refused; only after PORT_E_REFUSED
 * @batch:	Messages gathered
 */
struct stage {
	struct port *port;
	const char *where;
	port_reply_fn reply;
	void *userdata;
	struct error *err;
	struct port_failure failure;
	struct batch batch;
};

void stage_begin(struct stage *stage, struct port *port, const char *where, struct error *err);
int stage_add(struct stage *stage, int appended);
int stage_make_room(struct stage *stage);
int stage_try(struct stage *stage);
int stage_send(struct stage *stage);
int stage_refused(struct stage *stage);
int stage_ask(struct stage *stage);

#endif
