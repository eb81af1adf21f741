/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stages of messages to nf_tables. Owns no descriptor: the port is the caller's. */

#include "plugin/snat/nfstage.h"

#include <errno.h>
#include <string.h>

/** nf_stage_begin() - Begin, without messages; @pinned: a pin depends on it */
void nf_stage_begin(struct nf_stage *stage, struct port *port, bool pinned, struct error *err)
{
	stage->port = port;
	stage->code = pinned ? ERROR_SNAT : ERROR_KERNEL;
	stage->err = err;
	stage->failure = (struct port_failure){.index = 0};
	stage->question = false;
	batch_reset(&stage->batch);
}

/**
 * nf_stage_send() - Send what was gathered
 * @stage:	Talk
 * @reply:	NULL, or called with what the kernel answers
 * @userdata:	For it
 *
 * Return: 0, PORT_E_REFUSED with the stage's failure filled, negative errno
 */
int nf_stage_send(struct nf_stage *stage, port_reply_fn reply, void *userdata)
{
	int r = port_exchange(stage->port, &stage->batch, reply, userdata, &stage->failure);

	stage->question = !stage->batch.atomic;
	batch_clear(&stage->batch);
	return r;
}

/** nf_stage_unavailable() - Whether there is no nf_tables: a batch is answered so, and a question with EINVAL and no word */
bool nf_stage_unavailable(const struct nf_stage *stage, int outcome)
{
	int errnum = outcome < 0 ? -outcome : stage->failure.errnum;

	return errnum == EOPNOTSUPP || errnum == EPROTONOSUPPORT ||
	       (outcome == PORT_E_REFUSED && errnum == EINVAL && stage->question && !stage->failure.text[0]);
}

/**
 * nf_stage_error() - Put an outcome into words
 * @stage:	Talk
 * @outcome:	PORT_E_REFUSED, negative errno
 *
 * Return: REFUSED
 */
int nf_stage_error(struct nf_stage *stage, int outcome)
{
	int errnum = outcome < 0 ? -outcome : stage->failure.errnum;

	if (nf_stage_unavailable(stage, outcome))
		return error_set(
			stage->err, stage->code,
			"nftables is not available in this kernel (modules nf_tables, nft_ct, nft_nat, nft_masq): snat "
			"and ipMasq need it");
	(void)error_set_errno(stage->err, stage->code, -errnum, "the nftables table inet " NF_TABLE " can't be %s",
			      outcome < 0 ? "reached" : "changed");
	if (outcome == PORT_E_REFUSED && stage->failure.text[0])
		error_details(stage->err, "%s", stage->failure.text);
	return REFUSED;
}

/** nf_stage_done() - Release the stage's memory */
void nf_stage_done(struct nf_stage *stage)
{
	batch_done(&stage->batch);
}
