/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_ASK_SERVER_H
#define PLUGIN_AGENT_ASK_SERVER_H

/* The agent's side of the socket at which the plugin asks; plugin/host/ask.h has the protocol. */

#include <jansson.h>

#include "plugin/agent/agent.h"

/** struct ask - A question that waits for its answer */
struct ask;

/**
 * ask_fn - Answer a question
 * @userdata:	Of the question
 * @request:	What was asked; borrowed for the length of the call
 * @ask:	To be handed to ask_answer() or ask_refuse(), now or later, exactly once, also when who asked has gone
 */
typedef void (*ask_fn)(void *userdata, const json_t *request, struct ask *ask);

int ask_server_start(struct agent *agent, struct ask_server **ret_server, struct error *reterr);
void ask_server_forget(struct ask_server *server);
void ask_server_stop(struct ask_server *server);
int ask_server_add(struct ask_server *server, const char *name, ask_fn answer, void *userdata);
void ask_answer_consume(struct ask *ask, json_t *answer);
void ask_refuse(struct ask *ask, const struct error *why);

#endif
