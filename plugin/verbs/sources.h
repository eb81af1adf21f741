/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_SOURCES_H
#define PLUGIN_VERBS_SOURCES_H

/*
 * Pins whose sources hosts share (`snat[].shared`): which of them a container gets is what this host holds. The agent claims
 * them; a verb only asks it, at the local socket, and only when this host holds none.
 */

#include "plugin/verbs/context.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and REFUSED */
enum sources_outcome {
	SOURCES_E_CLOSED = OUTCOMES_SOURCES, /* a source that was chosen is not this host's any more: choose again */
};

/** How often an ADD chooses again, since what it chose was given back meanwhile */
#define SOURCES_TRIES 3U

int sources_choose(struct context *context, struct port *rtnetlink, struct error *reterr);
int sources_verify(const struct context *context, struct port *rtnetlink, int dir_fd);
int sources_gone(struct error *reterr);

#endif
