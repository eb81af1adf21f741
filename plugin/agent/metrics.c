/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics of the agent: over HTTP and as a file. */

#include "plugin/agent/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/agent/http.h"
#include "plugin/agent/log.h"
#include "plugin/agent/write_whole.h"
#include "plugin/overview/host_networks.h"
#include "plugin/overview/metrics.h"
#include "rangeguard/cleanup.h"

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
/** How often the file is written: microseconds */
#define TEXTFILE_INTERVAL UINT64_C(15000000)
#define BACKLOG 64
#define CONNECTIONS_MAX 64U
#define ADDRESS_PORT_MAX 256
#define PORT_MAX 65535U

/** struct metrics - Where they go */
struct metrics {
	const struct agent *agent;
	struct http_server *server;
	sd_event_source *timer;
	bool write_failed;
};

/** write_host() - What the plugin counts, and what is held: 0, negative errno */
static int write_host(const struct agent *agent, FILE *stream)
{
	struct metrics_source source = {.data_dir = agent->config->data_dir};
	int r = path_list_add(&source.configs, HOST_NETWORKS_DIR);

	if (!r)
		r = metrics_write(&source, stream);
	path_list_done(&source.configs);
	return r;
}

/** render() - All samples as text; NULL without memory */
static char *render(const struct agent *agent, size_t *ret_size)
{
	char *text = NULL;
	FILE *stream = open_memstream(&text, ret_size);

	if (!stream)
		return NULL;
	if (write_host(agent, stream) < 0)
		agent_log(LOG_LEVEL_WARNING, "not all of the host's metrics could be read");
	agent_write_metrics(agent, stream);
	if (fclose(stream) == EOF) {
		free(text);
		return NULL;
	}
	return text;
}

/** handle() - http_fn */
static void handle(void *userdata, const struct http_request *request, struct http_answer *answer)
{
	const struct metrics *metrics = userdata;
	bool reads = !strcmp(request->method, "GET") || !strcmp(request->method, "HEAD");

	answer->status = reads ? MHD_HTTP_NOT_FOUND : MHD_HTTP_METHOD_NOT_ALLOWED;
	if (!reads || strcmp(request->path, "/metrics") != 0)
		return;
	answer->body = render(metrics->agent, &answer->size);
	answer->status = answer->body ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR;
	answer->type = CONTENT_TYPE;
}

/**
 * split() - "ADDRESS:PORT", "[ADDRESS]:PORT" or ":PORT" into its two
 * @text:	Text
 * @buffer:	Copy that is cut
 * @ret_address:	Address, NULL: any
 * @ret_port:	Port
 *
 * Return: 0, -EINVAL
 */
static int split(const char *text, char buffer[static ADDRESS_PORT_MAX], const char **ret_address,
		 const char **ret_port)
{
	char *colon, *end;
	int length = snprintf(buffer, ADDRESS_PORT_MAX, "%s", text);

	colon = strrchr(buffer, ':');
	if (length >= ADDRESS_PORT_MAX || !colon || !colon[1])
		return -EINVAL;
	*colon = '\0';
	*ret_port = colon + 1;
	*ret_address = *buffer ? buffer : NULL;
	if (*buffer != '[')
		return strchr(buffer, ':') ? -EINVAL : 0;
	end = strchr(buffer, ']');
	if (!end || end[1])
		return -EINVAL;
	*end = '\0';
	*ret_address = buffer + 1;
	return 0;
}

/** is_port() - Whether a text is 1 to 65535; getaddrinfo(3) takes 99999 for 34463 */
static bool is_port(const char *text)
{
	unsigned long port = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9' && port <= PORT_MAX; at++)
		port = port * 10 + (unsigned long)(*at - '0');
	return !*at && port >= 1 && port <= PORT_MAX;
}

/** resolve() - `listen` as an address, for freeaddrinfo(): 0, -EINVAL */
static int resolve(const char *text, struct addrinfo **ret_info)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
	char buffer[ADDRESS_PORT_MAX];
	const char *address, *port;

	if (split(text, buffer, &address, &port) < 0 || !is_port(port) || getaddrinfo(address, port, &hints, ret_info))
		return -EINVAL;
	return 0;
}

/**
 * metrics_check() - See that `listen` can be understood
 * @listen:	NULL, or what it says
 * @reterr:	Code 7
 *
 * Return: 0, REFUSED
 */
int metrics_check(const char *listen, struct error *reterr)
{
	struct addrinfo *info;

	if (!listen)
		return 0;
	if (resolve(listen, &info) < 0)
		return error_set(reterr, ERROR_CONFIG,
				 "listen must be ADDRESS:PORT, such as 127.0.0.1:9582 or [::1]:9582, not \"%.128s\"",
				 listen);
	freeaddrinfo(info);
	return 0;
}

/** listen_at() - A socket that listens; its descriptor, negative errno */
static int listen_at(const struct addrinfo *info)
{
	CLEANUP_CLOSE int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/** open_listener() - The socket of `listen`; its descriptor, negative errno */
static int open_listener(const char *text)
{
	struct addrinfo *info;
	int fd = resolve(text, &info);

	if (fd < 0)
		return fd;
	fd = listen_at(info);
	freeaddrinfo(info);
	return fd;
}

/** serve() - Over HTTP, if that is wanted: 0, REFUSED */
static int serve(struct metrics *metrics, struct error *reterr)
{
	struct http_service service = {.handle = handle, .userdata = metrics, .connections_max = CONNECTIONS_MAX};
	const char *where = metrics->agent->config->listen;
	int fd, r;

	if (!where)
		return 0;
	fd = open_listener(where);
	r = fd < 0 ? fd : http_start(metrics->agent->event, fd, &service, &metrics->server);
	return r < 0 ? error_set_errno(reterr, ERROR_IO, r, "can't listen at %.128s", where) : 0;
}

/**
 * write_all() - Into a file beside the one wanted, which is then given its name
 *
 * The directory may be another user's: a pipe in that file's place is not waited for.
 *
 * Return: 0, negative errno
 */
static int write_all(const char *path, const char *text, size_t size)
{
	char temporary[LIMIT_PATH + sizeof(".new")];
	CLEANUP_CLOSE int fd = -1;
	int r;

	(void)snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	if (fd < 0)
		return -errno;
	r = write_whole(fd, text, size);
	if (r < 0)
		return r;
	return rename(temporary, path) < 0 ? -errno : 0;
}

/** write_textfile() - node_exporter reads whole files only; 0, negative errno */
static int write_textfile(const struct metrics *metrics)
{
	size_t size = 0;
	CLEANUP_FREE char *text = render(metrics->agent, &size);

	return text ? write_all(metrics->agent->config->textfile, text, size) : -ENOMEM;
}

/** on_timer() - sd_event_time_handler_t: write the file; a failure is told when it begins and when it ends */
static int on_timer(sd_event_source *source, uint64_t time, void *userdata)
{
	struct metrics *metrics = userdata;
	int r = write_textfile(metrics);

	(void)time;
	if (r < 0 && !metrics->write_failed)
		agent_log(LOG_LEVEL_WARNING, "%s can't be written: %s", metrics->agent->config->textfile, strerror(-r));
	metrics->write_failed = r < 0;
	r = sd_event_source_set_time_relative(source, TEXTFILE_INTERVAL);
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/** write_regularly() - The file, if that is wanted: 0, REFUSED */
static int write_regularly(struct metrics *metrics, struct error *reterr)
{
	int r;

	if (!metrics->agent->config->textfile)
		return 0;
	r = sd_event_add_time_relative(metrics->agent->event, &metrics->timer, CLOCK_MONOTONIC, 0, 0, on_timer,
				       metrics);
	return r < 0 ? error_set_errno(reterr, ERROR_IO, r, "can't create a timer") : 0;
}

static void stop(void *self)
{
	struct metrics *metrics = self;

	http_stop(metrics->server);
	sd_event_source_disable_unref(metrics->timer);
	free(metrics);
}

static int start(struct agent *agent, void **ret_self, struct error *reterr)
{
	struct metrics *metrics;

	if (!agent->config->listen && !agent->config->textfile)
		return 0;
	metrics = calloc(1, sizeof(*metrics));
	if (!metrics)
		return error_no_memory(reterr);
	metrics->agent = agent;
	if (serve(metrics, reterr) || write_regularly(metrics, reterr)) {
		stop(metrics);
		return REFUSED;
	}
	*ret_self = metrics;
	return 0;
}

const struct agent_module metrics_module = {.name = "metrics", .start = start, .stop = stop};
