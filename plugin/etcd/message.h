/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ETCD_MESSAGE_H
#define PLUGIN_ETCD_MESSAGE_H

/*
 * etcd v3's JSON gateway in both directions: requests of the cluster's machine to bodies, answers to records. Keys are
 * below a prefix, which nobody else sees. Pure. Facts: bytes are base64, 64 bit numbers are strings, what is false, zero
 * or empty is left out; a field that etcd does not know is ignored silently, so a transaction is built here only.
 */

#include <jansson.h>

#include "plugin/cluster/machine.h"

/** struct message_header - What each answer says of the cluster that gave it */
struct message_header {
	uint64_t cluster_id;
	int64_t revision;
};

/** What a line of a watch's stream is */
enum watch_line {
	WATCH_NOTHING, /* created, progress */
	WATCH_EVENTS,
	WATCH_ENDED,  /* cancelled: compacted, no permission, … */
	WATCH_BROKEN, /* not understood */
};

/** struct message_error - What etcd says when it refuses */
struct message_error {
	int code;
	char text[256];
};

/** gRPC's codes, as far as they matter */
enum {
	MESSAGE_UNAUTHENTICATED = 16,
	MESSAGE_PERMISSION_DENIED = 7,
};

/* Bodies, for free(); NULL: out of memory. @ret_path: where to POST it. */
char *message_request(const char *prefix, const struct engine_request *request, const char **ret_path);
char *message_watch(const char *prefix, int64_t from);
char *message_newest(const char *prefix);
char *message_authenticate(const char *user, const char *password);

/* Answers. 0, -EBADMSG: not understood, -ENOMEM. */
int message_answer(const char *prefix, const struct engine_request *request, const char *body, size_t size,
		   struct message_header *ret_header, struct engine_answer *ret_answer);
int message_newest_answer(const char *body, size_t size, struct message_header *ret_header, int64_t *ret_revision);
int message_token(const char *body, size_t size, char **ret_token);
void message_error(const char *body, size_t size, struct message_error *ret_error);
enum watch_line message_watch_line(const char *prefix, const char *line, size_t size, struct message_header *ret_header,
				   struct record **ret_records, size_t *ret_n, struct message_error *ret_error);
void message_records_free(struct record *records, size_t n);

#endif
