/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any message as a flow of ctnetlink's. A flow that is read has addresses of their families; what deletes it can be built
 * and is no larger than what it was copied from, beside its head.
 */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/snat/ctmessage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** check_source() - An address that is there, or is not */
static void check_source(const struct address *address)
{
	require(address->family == FAMILY_NONE || address->family == FAMILY_IPV4 || address->family == FAMILY_IPV6);
	require(address->family == FAMILY_IPV6 || address->value <= UINT32_MAX);
}

/** check_deletion() - Build what deletes a flow */
static void check_deletion(const struct nlmsghdr *flow)
{
	static struct batch batch;
	int r;

	batch.used = 0;
	batch.count = 0;
	r = ctmessage_delete_flow(&batch, flow);
	require(r == 0 || r == -ENOMEM || r == -E2BIG);
	require(batch.used <= sizeof(batch.buffer));
	require(r != 0 || batch.used <= MNL_ALIGN(flow->nlmsg_len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *message = malloc(size + sizeof(*message));
	struct ct_flow flow;
	int r;

	require(message != NULL);
	memcpy(message, data, size);
	/* A port hands on whole messages only. */
	if (mnl_nlmsg_ok(message, (int)size) && message->nlmsg_len <= size) {
		r = ctmessage_read(message, &flow);
		require(r == 0 || r == -ENOMSG || r == -EBADMSG);
		if (r == 0) {
			check_source(&flow.original_source);
			check_source(&flow.reply_source);
			check_deletion(message);
		}
	}
	free(message);
	return 0;
}
