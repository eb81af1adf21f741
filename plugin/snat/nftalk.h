/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_NFTALK_H
#define PLUGIN_SNAT_NFTALK_H

/* One exchange after another with nf_tables over a port, and a refusal put into words. */

#include "plugin/report/error.h"
#include "plugin/snat/nfmessage.h"

/**
 * struct nf_talk - A talk
 * @port:	Port on nfnetlink, borrowed
 * @code:	Code of its errors: 103 where a pin depends on it, else 107
 * @err:	Filled by nf_talk_error()
 * @failure:	What the kernel refused; only after PORT_E_REFUSED
 * @question:	What was sent last was no batch
 * @batch:	What is sent next; empty again afterwards
 */
struct nf_talk {
	struct port *port;
	enum error_code code;
	struct error *err;
	struct port_failure failure;
	bool question;
	struct batch batch;
};

void nf_talk_begin(struct nf_talk *talk, struct port *port, bool pinned, struct error *err);
int nf_talk_send(struct nf_talk *talk, port_reply_fn reply, void *userdata);
bool nf_talk_unavailable(const struct nf_talk *talk, int outcome);
int nf_talk_error(struct nf_talk *talk, int outcome);
void nf_talk_done(struct nf_talk *talk);

#define NF_TALK_CLEANUP CLEANUP(nf_talk_done)

#endif
