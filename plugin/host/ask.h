/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_ASK_H
#define PLUGIN_HOST_ASK_H

/*
 * How the plugin asks the agent: one JSON object each way, each one packet of a unix socket (SOCK_SEQPACKET) in the
 * state directory, which only root may enter. An answer that is longer than a packet may be, as a large cluster's status
 * is, is in a file whose descriptor its packet brings (SCM_RIGHTS); the packet's own text is for who knows no such thing.
 *
 *   {"protocol": 1, "version": "0.1.0", "ask": "ping", …}
 *   {"protocol": 1, "version": "0.1.0", "code": 0, "msg": "", …}
 *
 * The protocol's number goes up when an older side would misunderstand; new members, which an older side does not look
 * at, do not change it. A side that is asked in a protocol that it does not speak says so and changes nothing, so that
 * an upgrade of one of the two is told, not guessed. @code is that of CNI's error.
 */

#include <jansson.h>

#include "plugin/report/error.h"
#include "rangeguard/outcome.h"

#define ASK_PROTOCOL 1
/** The oldest protocol that is understood */
#define ASK_PROTOCOL_LEAST 1
/** The socket's name in the state directory */
#define ASK_SOCKET "agent.sock"
/** A packet, at most */
#define ASK_BYTES_MAX 65536U
/** An answer in a file, at most: some ten thousand hosts */
#define ASK_FILE_MAX (64U << 20)

/** Named outcomes beside 0 and REFUSED */
enum ask_outcome {
	ASK_E_NO_AGENT = OUTCOMES_ASK, /* there is none, or it has ended; the error says so, with code 11 */
};

int ask_agent(const char *data_dir, const json_t *question, int wait_ms, json_t **ret_answer, struct error *reterr);
void ask_tell(const char *data_dir, const json_t *message);
int ask_check_protocol(const json_t *message, const char *whose, struct error *reterr);

#endif
