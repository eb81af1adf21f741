/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libmnl's interface for static programs, see attribute.c: messages, batches of them, replies. Pure. */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

/* --- Messages --- */

size_t mnl_nlmsg_get_payload_len(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_len - sizeof(struct nlmsghdr);
}

void *mnl_nlmsg_get_payload(const struct nlmsghdr *nlh)
{
	/* The interface takes const away. */
	return (void *)((uintptr_t)nlh + sizeof(struct nlmsghdr));
}

bool mnl_nlmsg_ok(const struct nlmsghdr *nlh, int len)
{
	return len >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) && (int)nlh->nlmsg_len <= len;
}

struct nlmsghdr *mnl_nlmsg_next(const struct nlmsghdr *nlh, int *len)
{
	*len -= (int)NLMSG_ALIGN(nlh->nlmsg_len);
	return (struct nlmsghdr *)((uintptr_t)nlh + NLMSG_ALIGN((size_t)nlh->nlmsg_len));
}

struct nlmsghdr *mnl_nlmsg_put_header(void *buf)
{
	struct nlmsghdr *nlh = memset(buf, 0, sizeof(struct nlmsghdr));

	nlh->nlmsg_len = sizeof(struct nlmsghdr);
	return nlh;
}

void *mnl_nlmsg_put_extra_header(struct nlmsghdr *nlh, size_t size)
{
	void *header = (char *)nlh + nlh->nlmsg_len;

	nlh->nlmsg_len += (uint32_t)NLMSG_ALIGN(size);
	return memset(header, 0, NLMSG_ALIGN(size));
}

/* --- Batches --- */

struct mnl_nlmsg_batch {
	char *buffer;
	size_t limit;
	size_t used;
};

struct mnl_nlmsg_batch *mnl_nlmsg_batch_start(void *buf, size_t bufsiz)
{
	struct mnl_nlmsg_batch *batch = malloc(sizeof(*batch));

	if (batch)
		*batch = (struct mnl_nlmsg_batch){.buffer = buf, .limit = bufsiz};
	return batch;
}

void mnl_nlmsg_batch_stop(struct mnl_nlmsg_batch *b)
{
	free(b);
}

bool mnl_nlmsg_batch_next(struct mnl_nlmsg_batch *b)
{
	const struct nlmsghdr *current = mnl_nlmsg_batch_current(b);

	if (b->used + current->nlmsg_len > b->limit)
		return false;
	b->used += current->nlmsg_len;
	return true;
}

size_t mnl_nlmsg_batch_size(struct mnl_nlmsg_batch *b)
{
	return b->used;
}

void *mnl_nlmsg_batch_head(struct mnl_nlmsg_batch *b)
{
	return b->buffer;
}

void *mnl_nlmsg_batch_current(struct mnl_nlmsg_batch *b)
{
	return b->buffer + b->used;
}

bool mnl_nlmsg_batch_is_empty(struct mnl_nlmsg_batch *b)
{
	return b->used == 0;
}

/* --- Replies --- */

/** run_control() - NLMSG_ERROR and its like: as a callback */
static int run_control(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);

	switch (nlh->nlmsg_type) {
	case NLMSG_ERROR:
		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*error)) {
			errno = EBADMSG;
			return MNL_CB_ERROR;
		}
		errno = error->error < 0 ? -error->error : error->error;
		return error->error ? MNL_CB_ERROR : MNL_CB_STOP;
	case NLMSG_DONE:
		return MNL_CB_STOP;
	default:
		return MNL_CB_OK;
	}
}

/** run_one() - Hand on one message of a reply: as a callback */
static int run_one(const struct nlmsghdr *nlh, unsigned int seq, unsigned int portid, mnl_cb_t cb_data, void *data)
{
	if (nlh->nlmsg_pid && portid && nlh->nlmsg_pid != portid) {
		errno = ESRCH;
		return MNL_CB_ERROR;
	}
	if (nlh->nlmsg_seq && seq && nlh->nlmsg_seq != seq) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR) {
		errno = EINTR;
		return MNL_CB_ERROR;
	}
	if (nlh->nlmsg_type < NLMSG_MIN_TYPE)
		return run_control(nlh);
	return cb_data ? cb_data(nlh, data) : MNL_CB_OK;
}

int mnl_cb_run(const void *buf, size_t numbytes, unsigned int seq, unsigned int portid, mnl_cb_t cb_data, void *data)
{
	const struct nlmsghdr *nlh = buf;
	int rest = (int)numbytes;
	int r = MNL_CB_OK;

	for (; r > MNL_CB_STOP && mnl_nlmsg_ok(nlh, rest); nlh = mnl_nlmsg_next(nlh, &rest))
		r = run_one(nlh, seq, portid, cb_data, data);
	return r;
}
