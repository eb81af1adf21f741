/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_HTTP_H
#define PLUGIN_AGENT_HTTP_H

/*
 * A small HTTP server in the agent's loop: libmicrohttpd with its descriptors in an epoll set of its own, which is one
 * source of the loop; no thread. Requests come whole and bounded, answers leave whole.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct http_server;

/**
 * struct http_request - A request; borrowed for the length of the call
 * @method, @path:	Of the request line
 * @body, @size:	Bytes, with a NUL behind them
 * @fd:			The connection
 */
struct http_request {
	const char *method;
	const char *path;
	const char *body;
	size_t size;
	int fd;
};

/**
 * struct http_answer - What the handler says
 * @status:	HTTP status
 * @type:	Content type; static
 * @body, @size:	malloc(3)ed; goes to the server
 * @token:	For the sent function, NULL: it is not called
 */
struct http_answer {
	unsigned status;
	const char *type;
	char *body;
	size_t size;
	void *token;
};

/** http_fn - Answer a request; the answer is all zero before */
typedef void (*http_fn)(void *userdata, const struct http_request *request, struct http_answer *answer);

/** http_sent_fn - An answer with @token was handed to the kernel whole, or (not @delivered) never will be */
typedef void (*http_sent_fn)(void *userdata, void *token, bool delivered);

/**
 * struct http_service - Who answers
 * @body_max:		A request's body, at most; what is longer is refused. 0: bodies are read past, and count as none
 * @connections_max:	At a time; the sum of all services' stays well below the descriptors that a process has by default
 */
struct http_service {
	http_fn handle;
	http_sent_fn sent;
	void *userdata;
	size_t body_max;
	unsigned connections_max;
};

int http_start(sd_event *event, int listen_fd, const struct http_service *service, struct http_server **ret_server);
void http_stop(struct http_server *server);

#endif
