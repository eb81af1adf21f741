/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small HTTP server in the agent's loop. */

#include "plugin/agent/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rangeguard/cleanup.h"

/** A connection that says nothing for so long is closed: seconds */
#define IDLE_SECONDS 120U
/** Header and buffers of one connection */
#define CONNECTION_BYTES ((size_t)32 << 10)
#define USEC_PER_MSEC 1000U
/** Of libmicrohttpd before it ends */
#define LAST_RUNS 4

/** struct http_server - A daemon of libmicrohttpd and its two sources in the loop */
struct http_server {
	struct MHD_Daemon *daemon;
	sd_event_source *ready;
	sd_event_source *timer;
	struct http_service service;
};

/** struct pending - A request on its way in, and its answer's token on its way out */
struct pending {
	char *body;
	size_t size;
	bool too_large;
	void *token;
};

/** keep_body() - A piece of the body; what is too large, or not wanted, is read to its end and dropped */
static void keep_body(const struct http_service *service, struct pending *pending, const char *data, size_t size)
{
	char *body;

	if (pending->too_large || size > service->body_max - pending->size) {
		pending->too_large = service->body_max > 0;
		return;
	}
	body = realloc(pending->body, pending->size + size + 1);
	if (!body) {
		pending->too_large = true;
		return;
	}
	memcpy(body + pending->size, data, size);
	pending->size += size;
	body[pending->size] = '\0';
	pending->body = body;
}

/** queue() - Hand an answer to libmicrohttpd */
static enum MHD_Result queue(struct MHD_Connection *connection, struct http_answer *answer)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(answer->size, answer->body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result = MHD_NO;

	if (!response) {
		free(answer->body);
		return MHD_NO;
	}
	if (!answer->type || MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type) == MHD_YES)
		result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

/** answer_request() - A request that is there whole */
static enum MHD_Result answer_request(const struct http_server *server, struct MHD_Connection *connection,
				      struct pending *pending, const char *method, const char *path)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_request request = {
		.method = method,
		.path = path,
		.body = pending->body ? pending->body : "",
		.size = pending->size,
		.fd = info ? info->connect_fd : -1,
	};
	struct http_answer answer = {0};

	if (pending->too_large)
		answer.status = MHD_HTTP_CONTENT_TOO_LARGE;
	else
		server->service.handle(server->service.userdata, &request, &answer);
	pending->token = answer.token;
	return queue(connection, &answer);
}

/** on_request() - MHD_AccessHandlerCallback: called first for the headers, then for each piece of the body, then to end */
static enum MHD_Result on_request(void *userdata, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *data, size_t *size, void **state)
{
	const struct http_server *server = userdata;
	struct pending *pending = *state;

	(void)version;
	if (!pending) {
		*state = calloc(1, sizeof(*pending));
		return *state ? MHD_YES : MHD_NO;
	}
	if (*size) {
		keep_body(&server->service, pending, data, *size);
		*size = 0;
		return MHD_YES;
	}
	return answer_request(server, connection, pending, method, path);
}

/** on_completed() - MHD_RequestCompletedCallback: the answer left, or the connection broke */
static void on_completed(void *userdata, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode why)
{
	const struct http_server *server = userdata;
	struct pending *pending = *state;

	(void)connection;
	if (!pending)
		return;
	if (pending->token && server->service.sent)
		server->service.sent(server->service.userdata, pending->token,
				     why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	free(pending->body);
	free(pending);
	*state = NULL;
}

/** work() - Let libmicrohttpd do what is to be done, and ask when it wants to be called without an event */
static int work(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG milliseconds;
	uint64_t now;
	int r;

	(void)MHD_run(server->daemon);
	if (MHD_get_timeout(server->daemon, &milliseconds) != MHD_YES)
		return sd_event_source_set_enabled(server->timer, SD_EVENT_OFF);
	r = sd_event_now(sd_event_source_get_event(server->timer), CLOCK_MONOTONIC, &now);
	if (r >= 0)
		r = sd_event_source_set_time(server->timer, now + milliseconds * USEC_PER_MSEC);
	return r < 0 ? r : sd_event_source_set_enabled(server->timer, SD_EVENT_ONESHOT);
}

/** on_ready() - sd_event_io_handler_t */
static int on_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	return work(userdata);
}

/** on_timer() - sd_event_time_handler_t */
static int on_timer(sd_event_source *source, uint64_t time, void *userdata)
{
	(void)source;
	(void)time;
	return work(userdata);
}

/** add_to_loop() - The daemon's epoll set as a source, and a timer: 0, negative errno */
static int add_to_loop(struct http_server *server, sd_event *event)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	if (!info)
		return -EIO;
	r = sd_event_add_io(event, &server->ready, info->epoll_fd, EPOLLIN, on_ready, server);
	if (r >= 0)
		r = sd_event_add_time(event, &server->timer, CLOCK_MONOTONIC, UINT64_MAX, 0, on_timer, server);
	return r < 0 ? r : 0;
}

/**
 * http_start() - Serve on a socket that listens
 * @event:	Loop
 * @listen_fd:	Socket; the server's from now on, also when this fails
 * @service:	Who answers
 * @ret_server:	Server, to be released with http_stop()
 *
 * Return: 0, negative errno
 */
int http_start(sd_event *event, int listen_fd, const struct http_service *service, struct http_server **ret_server)
{
	struct http_server *server = calloc(1, sizeof(*server));
	int r = -ENOMEM;

	if (server) {
		server->service = *service;
		server->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, server,
						  MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT,
						  service->connections_max, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
						  MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
						  MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
		r = server->daemon ? add_to_loop(server, event) : -EIO;
	}
	if (!r) {
		*ret_server = server;
		return 0;
	}
	if (!server || !server->daemon)
		(void)close(listen_fd);
	http_stop(server);
	return r;
}

/**
 * http_stop() - Answer what has been asked already, then close all connections and the socket
 * @server:	NULL is fine
 *
 * Who asks at this moment has connected, and is accepted, read and answered by one call of libmicrohttpd each.
 */
void http_stop(struct http_server *server)
{
	if (!server)
		return;
	sd_event_source_disable_unref(server->ready);
	sd_event_source_disable_unref(server->timer);
	for (int i = 0; server->daemon && i < LAST_RUNS; i++)
		(void)MHD_run(server->daemon);
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	free(server);
}
