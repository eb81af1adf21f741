/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_NFSTAGE_H
#define PLUGIN_SNAT_NFSTAGE_H

/* Messages to nf_tables, one batch after another over a port, and a refusal put into words. */

#include "plugin/report/error.h"
#include "plugin/snat/nfmessage.h"

/**
 * struct nf_stage - Messages for nf_tables
 * @port:	Port on nfnetlink, borrowed
 * @code:	Code of its errors: 103 where a pin depends on it, else 107
 * @err:	Filled by nf_stage_error()
 * @failure:	What the kernel refused; only after PORT_E_REFUSED
 * @question:	What was sent last was not atomic
 * @batch:	What is sent next; empty again afterwards
 */
struct nf_stage {
	struct port *port;
	enum error_code code;
	struct error *err;
	struct port_failure failure;
	bool question;
	struct batch batch;
};

void nf_stage_begin(struct nf_stage *stage, struct port *port, bool pinned, struct error *err);
int nf_stage_send(struct nf_stage *stage, port_reply_fn reply, void *userdata);
bool nf_stage_unavailable(const struct nf_stage *stage, int outcome);
int nf_stage_error(struct nf_stage *stage, int outcome);
void nf_stage_done(struct nf_stage *stage);

#define NF_STAGE_CLEANUP CLEANUP(nf_stage_done)

#endif
