/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Talks with nf_tables. Owns no descriptor: the port is the caller's. */

#include "plugin/snat/nftalk.h"

#include <errno.h>
#include <string.h>

/** nf_talk_begin() - Begin a talk; @pinned: a pin depends on it */
void nf_talk_begin(struct nf_talk *talk, struct port *port, bool pinned, struct error *err)
{
	talk->port = port;
	talk->code = pinned ? ERROR_SNAT : ERROR_KERNEL;
	talk->err = err;
	talk->failure = (struct port_failure){.index = 0};
	talk->question = false;
	batch_reset(&talk->batch);
}

/**
 * nf_talk_send() - Send what was gathered
 * @talk:	Talk
 * @reply:	NULL, or called with what the kernel answers
 * @userdata:	For it
 *
 * Return: 0, PORT_E_REFUSED with the talk's failure filled, negative errno
 */
int nf_talk_send(struct nf_talk *talk, port_reply_fn reply, void *userdata)
{
	int r = port_exchange(talk->port, &talk->batch, reply, userdata, &talk->failure);

	talk->question = !talk->batch.atomic;
	batch_clear(&talk->batch);
	return r;
}

/** nf_talk_unavailable() - Whether there is no nf_tables: a batch is answered so, and a question with EINVAL and no word */
bool nf_talk_unavailable(const struct nf_talk *talk, int outcome)
{
	int errnum = outcome < 0 ? -outcome : talk->failure.errnum;

	return errnum == EOPNOTSUPP || errnum == EPROTONOSUPPORT ||
	       (outcome == PORT_E_REFUSED && errnum == EINVAL && talk->question && !talk->failure.text[0]);
}

/**
 * nf_talk_error() - Put an outcome into words
 * @talk:	Talk
 * @outcome:	PORT_E_REFUSED, negative errno
 *
 * Return: REFUSED
 */
int nf_talk_error(struct nf_talk *talk, int outcome)
{
	int errnum = outcome < 0 ? -outcome : talk->failure.errnum;

	if (nf_talk_unavailable(talk, outcome))
		return error_set(
			talk->err, talk->code,
			"nftables is not available in this kernel (modules nf_tables, nft_ct, nft_nat, nft_masq): snat "
			"and ipMasq need it");
	(void)error_set_errno(talk->err, talk->code, -errnum, "the nftables table inet " NF_TABLE " can't be %s",
			      outcome < 0 ? "reached" : "changed");
	if (outcome == PORT_E_REFUSED && talk->failure.text[0])
		error_details(talk->err, "%s", talk->failure.text);
	return REFUSED;
}

/** nf_talk_done() - Release the talk's memory */
void nf_talk_done(struct nf_talk *talk)
{
	batch_done(&talk->batch);
}
