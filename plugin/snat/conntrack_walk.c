/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding flows by a dump, and deleting each of them exactly. Owns nothing. */

#include "plugin/snat/conntrack_walk.h"

#include <errno.h>
#include <stdlib.h>

#include "rangeguard/cleanup.h"

/** Batches of deletions that are kept before they are sent: some 30,000 flows, 4 MiB */
#define BATCHES_MAX 512U
/** Walks of one kind at most, each of which finds as many flows as there is room for */
#define ROUNDS 16U

/**
 * struct found_flows - The deletions of the flows that a walk found
 * @walk:	What is looked for
 * @batches:	One message per flow; owned
 * @n:		How many of them are in use
 * @size:	How many there are
 * @full:	There were more flows than they take
 */
struct found_flows {
	const struct ct_walk *walk;
	struct batch *batches;
	size_t n;
	size_t size;
	bool full;
};

static void findings_done(struct found_flows *findings)
{
	free(findings->batches);
	findings->batches = NULL;
}

/**
 * ct_walk_failed() - Say why flows can't be forgotten
 * @errnum:	errno, positive
 * @text:	The kernel's words; NULL or "": none
 * @reterr:	Code 107
 *
 * Return: REFUSED
 */
int ct_walk_failed(int errnum, const char *text, struct error *reterr)
{
	(void)error_set_errno(reterr, ERROR_KERNEL, -errnum,
			      "cannot remove the connection tracking entries of a container");
	if (text && text[0])
		error_details(reterr, "%s", text);
	return REFUSED;
}

/** is_wanted() - Whether @address is one of those that are searched for */
static bool is_wanted(const struct ct_walk *walk, const struct address *address)
{
	for (size_t i = 0; i < walk->n; i++)
		if (address_equal(&walk->addresses[i], address))
			return true;
	return false;
}

/** grow() - Space for more batches: 0, -ENOMEM */
static int grow(struct found_flows *findings)
{
	size_t size = findings->size ? 2 * findings->size : 1;
	struct batch *batches = reallocarray(findings->batches, size, sizeof(*batches));

	if (!batches)
		return -ENOMEM;
	findings->batches = batches;
	findings->size = size;
	return 0;
}

/** room() - A batch into which one more deletion fits: 0, -ENOMEM; NULL when there are too many already */
static int room(struct found_flows *findings, struct batch **ret_batch)
{
	struct batch *last = findings->n ? &findings->batches[findings->n - 1] : NULL;

	*ret_batch = NULL;
	if (!last || !batch_has_room(last)) {
		if (findings->n == BATCHES_MAX)
			return 0;
		if ((!findings->batches || findings->n == findings->size) && grow(findings))
			return -ENOMEM;
		last = findings->batches + findings->n++;
		batch_reset(last);
	}
	*ret_batch = last;
	return 0;
}

/**
 * take_flow() - port_reply_fn: keep the deletion of a flow that is wanted
 * @message:	Flow, NULL when the dump begins again
 * @userdata:	struct found_flows
 *
 * Return: 0, -ENOMEM, -EBADMSG
 */
static int take_flow(const struct nlmsghdr *message, void *userdata)
{
	struct found_flows *findings = userdata;
	struct batch *batch;
	struct ct_flow flow;
	int r;

	if (!message) {
		findings->n = 0;
		findings->full = false;
		return 0;
	}
	r = ctmessage_read(message, &flow);
	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	if (!is_wanted(findings->walk, &flow.original_source) && !is_wanted(findings->walk, &flow.reply_source))
		return 0;
	r = room(findings, &batch);
	if (r)
		return r;
	/* What does not fit is found by the next dump. */
	findings->full |= !batch;
	return batch ? ctmessage_delete_flow(batch, message) : 0;
}

/** find() - Walk once: 0, REFUSED */
static int find(struct port *netfilter, struct found_flows *findings, struct error *reterr)
{
	const struct ct_walk *walk = findings->walk;
	struct port_failure failure = {0};
	struct batch dump;
	int r;

	(void)take_flow(NULL, findings);
	batch_reset(&dump);
	r = walk->only ? ctmessage_dump_by_source(&dump, walk->only, walk->direction)
		       : ctmessage_dump(&dump, FAMILY_IPV6);
	if (!r)
		r = port_exchange(netfilter, &dump, take_flow, findings, &failure);
	return r ? ct_walk_failed(r < 0 ? -r : failure.errnum, failure.text, reterr) : 0;
}

/**
 * delete_found() - Delete flows; one that ended by now will do
 * @netfilter:	Port
 * @findings:	Deletions; those behind a refused one are carried out, too
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
static int delete_found(struct port *netfilter, struct found_flows *findings, struct error *reterr)
{
	for (size_t i = 0; i < findings->n; i++) {
		struct port_failure failure = {0};
		int r = port_exchange(netfilter, &findings->batches[i], NULL, NULL, &failure);

		if (r < 0 || (r == PORT_E_REFUSED && failure.errnum != ENOENT))
			return ct_walk_failed(r < 0 ? -r : failure.errnum, failure.text, reterr);
	}
	return 0;
}

/**
 * ct_walk() - Delete what a walk finds
 * @netfilter:	Port
 * @walk:	Walk
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int ct_walk(struct port *netfilter, const struct ct_walk *walk, struct error *reterr)
{
	CLEANUP(findings_done) struct found_flows findings = {.walk = walk};

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (find(netfilter, &findings, reterr) || delete_found(netfilter, &findings, reterr))
			return REFUSED;
		if (!findings.full)
			return 0;
	}
	return ct_walk_failed(EBUSY, "new ones keep coming", reterr);
}

/**
 * ct_walks_of() - The walks that find all flows of some addresses
 * @addresses:	Addresses; borrowed
 * @n:		How many, LIMIT_RANGE_SETS at most
 * @walks:	Filled
 *
 * Return: how many there are
 */
size_t ct_walks_of(const struct address *addresses, size_t n, struct ct_walk walks[static CT_WALKS_MAX])
{
	bool ipv6 = false;
	size_t n_walks = 0;

	for (size_t i = 0; i < n; i++) {
		struct ct_walk walk = {.addresses = addresses, .n = n, .only = &addresses[i]};

		ipv6 |= addresses[i].family == FAMILY_IPV6;
		if (addresses[i].family != FAMILY_IPV4)
			continue;
		walk.direction = CT_ORIGINAL;
		walks[n_walks++] = walk;
		walk.direction = CT_REPLY;
		walks[n_walks++] = walk;
	}
	if (ipv6)
		walks[n_walks++] = (struct ct_walk){.addresses = addresses, .n = n};
	return n_walks;
}
