/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Docker's IPAM driver: its socket and its protocol over HTTP. What is refused is told as Docker shows it: status 200
 * and a text, for to a status of its own Docker adds the call's name. What is not the protocol at all gets a status.
 */

#include "plugin/agent/docker.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "ipam/store/state.h"
#include "plugin/agent/docker_calls.h"
#include "plugin/agent/http.h"
#include "plugin/agent/log.h"
#include "plugin/report/json_text.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

#define CONTENT_TYPE "application/vnd.docker.plugins.v1.2+json"
#define SOCKET_NAME "docker"
#define BACKLOG 256
#define BODY_MAX (1U << 20)
#define CONNECTIONS_MAX 512U
#define SWEEP_INTERVAL_MIN UINT64_C(500000)

/** struct method - A call of the protocol; exactly one of the two is there */
struct method {
	const char *path;
	const char *constant;
	int (*run)(struct docker_call *call, struct error *reterr);
};

static const struct method methods[] = {
	{"/Plugin.Activate", "{\"Implements\": [\"IpamDriver\"]}", NULL},
	/* A MAC address of Docker's own choice follows from the IP address: who had it before is not spoken to for longer. */
	{"/IpamDriver.GetCapabilities", "{\"RequiresMACAddress\": false, \"RequiresRequestReplay\": true}", NULL},
	{"/IpamDriver.GetDefaultAddressSpaces",
	 "{\"LocalDefaultAddressSpace\": \"" DOCKER_SPACE_LOCAL
	 "\", \"GlobalDefaultAddressSpace\": \"" DOCKER_SPACE_GLOBAL "\"}",
	 NULL},
	{"/IpamDriver.RequestPool", NULL, docker_request_pool},
	{"/IpamDriver.ReleasePool", NULL, docker_release_pool},
	{"/IpamDriver.RequestAddress", NULL, docker_request_address},
	{"/IpamDriver.ReleaseAddress", NULL, docker_release_address},
};

#define N_METHODS ARRAY_LENGTH(methods)

/** struct docker - The module; the driver stays first */
struct docker {
	struct docker_driver driver;
	struct http_server *server;
	sd_event_source *sweeper;
	const char *own_socket;
	uint64_t calls[N_METHODS];
	uint64_t refusals[N_METHODS];
};

/** struct sent - An address or a pool in an answer on its way out */
struct sent {
	struct docker_ask taken;
};

/** sweep_interval() - How often Docker's are looked through, microseconds: twice within the time after which it matters */
static uint64_t sweep_interval(const struct agent_config *config)
{
	uint64_t half = (uint64_t)config->docker.forget_after * 1000000 / 2;

	return half < SWEEP_INTERVAL_MIN ? SWEEP_INTERVAL_MIN : half;
}

/** answer_json() - An object as an answer; its reference is taken */
static void answer_json(struct http_answer *answer, unsigned status, json_t *body)
{
	answer->body = body ? json_text(body, JSON_COMPACT) : NULL;
	answer->status = answer->body ? status : MHD_HTTP_INTERNAL_SERVER_ERROR;
	answer->size = answer->body ? strlen(answer->body) : 0;
	answer->type = CONTENT_TYPE;
	json_decref(body);
}

/** answer_error() - What went wrong, under both names that Docker's libraries look for */
static void answer_error(struct http_answer *answer, unsigned status, const char *text)
{
	answer_json(answer, status, json_pack("{s:s, s:s}", "Err", text, "Error", text));
}

/** keep_token() - An answer that has to arrive, for it gives an address or a pool away */
static void keep_token(struct http_answer *answer, const struct docker_call *call)
{
	struct sent *sent;

	if (!call->has_taken)
		return;
	sent = calloc(1, sizeof(*sent));
	if (sent)
		sent->taken = call->taken;
	answer->token = sent;
}

/** note_caller() - Which Docker there is, and since when */
static void note_caller(struct docker_driver *driver, const struct process *docker)
{
	if (process_equal(&driver->docker, docker))
		return;
	driver->docker = *docker;
	driver->docker_since = docker_uptime();
}

/** tell_history() - Who was refused what */
static void tell_history(struct docker *docker, size_t index, const struct error *err)
{
	struct lease lease = {
		.attachment = {.network = "docker", .container_id = "", .ifname = methods[index].path + 1}};
	struct history_event event = {.name = "refused", .lease = &lease, .code = err->code, .message = err->msg};

	recorder_note(&docker->driver.recorder, &event);
}

/** refuse() - Count it, and tell the journal and Docker */
static void refuse(struct docker *docker, size_t index, unsigned status, const char *text, struct http_answer *answer)
{
	docker->refusals[index]++;
	agent_log(LOG_LEVEL_INFO, "%s refused: %s", methods[index].path + 1, text);
	answer_error(answer, status, text);
}

/** run_method() - A call that changes something, made by a process that can be told from others */
static void run_method(struct docker *docker, size_t index, const struct http_request *http, const json_t *request,
		       struct http_answer *answer)
{
	struct docker_call call = {.driver = &docker->driver, .request = request};
	struct error err = {0};
	int r = process_of_peer(http->fd, &call.docker);

	if (r < 0)
		r = error_set_errno(&err, ERROR_CONFIG, r,
				    "the process that asks can't be seen; rangeguard-agent must run in the host's PID "
				    "namespace");
	else {
		note_caller(&docker->driver, &call.docker);
		r = methods[index].run(&call, &err);
	}
	if (!r) {
		answer_json(answer, MHD_HTTP_OK, call.answer);
		keep_token(answer, &call);
		return;
	}
	json_decref(call.answer);
	tell_history(docker, index, &err);
	refuse(docker, index, MHD_HTTP_OK, err.msg, answer);
}

/**
 * why_no_object() - What is wrong with a request that is none
 *
 * dockerd's client repeats a call after its connection broke, but has nothing left to say then (pkg/plugins/client.go).
 */
static const char *why_no_object(const struct http_request *http, const json_t *request, const json_error_t *fault)
{
	if (!http->size)
		return "the connection to rangeguard-agent broke, and Docker repeated the call without saying what it wants; "
		       "nothing was done for it: try again";
	return request ? "the request must be a JSON object" : fault->text;
}

/** call_method() - A call of the protocol */
static void call_method(struct docker *docker, size_t index, const struct http_request *http,
			struct http_answer *answer)
{
	json_error_t fault;
	json_t *request;

	docker->calls[index]++;
	if (methods[index].constant) {
		answer_json(answer, MHD_HTTP_OK, json_loads(methods[index].constant, 0, NULL));
		return;
	}
	request = json_loadb(http->body, http->size, JSON_REJECT_DUPLICATES, &fault);
	if (json_is_object(request))
		run_method(docker, index, http, request, answer);
	else
		refuse(docker, index, MHD_HTTP_BAD_REQUEST, why_no_object(http, request, &fault), answer);
	json_decref(request);
}

/** handle() - http_fn */
static void handle(void *userdata, const struct http_request *request, struct http_answer *answer)
{
	if (strcmp(request->method, "POST") != 0) {
		answer_error(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "the protocol knows only POST");
		return;
	}
	for (size_t i = 0; i < N_METHODS; i++) {
		if (!strcmp(request->path, methods[i].path)) {
			call_method(userdata, i, request, answer);
			return;
		}
	}
	/* Docker goes on without what a driver does not know. */
	answer_error(answer, MHD_HTTP_NOT_FOUND, "no such call in rangeguard's IPAM driver");
}

/** on_sent() - http_sent_fn */
static void on_sent(void *userdata, void *token, bool delivered)
{
	struct docker *docker = userdata;
	struct sent *sent = token;

	docker_settle(&docker->driver, &sent->taken, delivered);
	free(sent);
}

/** given_socket() - The socket that systemd hands over; its descriptor, -1 when there is none */
static int given_socket(void)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names);
	int fd = -1;

	for (int i = 0; i < n; i++) {
		if (fd < 0 && (!strcmp(names[i], SOCKET_NAME) || n == 1) &&
		    sd_is_socket_unix(SD_LISTEN_FDS_START + i, SOCK_STREAM, 1, NULL, 0) > 0)
			fd = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	return fd;
}

/** make_directory() - The socket's directory, which Docker makes only for its own: 0, negative errno */
static int make_directory(const char *path)
{
	CLEANUP_FREE char *copy = strdup(path);
	char *slash = copy ? strchr(copy + 1, '/') : NULL;

	if (!copy)
		return -ENOMEM;
	for (; slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

/** bind_at() - A socket that only root may use, in the place of a dead agent's; its descriptor, negative errno */
static int bind_at(const char *path)
{
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	if (fd < 0)
		return -errno;
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	r = make_directory(path);
	if (r < 0)
		return r;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	/* The kernel gives the file the mode of the socket (unix_bind_bsd()): nobody else can connect, at no time. */
	if (fchmod(fd, S_IRUSR | S_IWUSR) < 0)
		return -errno;
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	if (r < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/** open_socket() - systemd's socket, or one of its own: its descriptor, negative errno */
static int open_socket(struct docker *docker, int given)
{
	const char *path = docker->driver.config->docker.socket;
	/* The given one is there again when the configuration is read again. */
	int fd = given < 0 ? -1 : fcntl(given, F_DUPFD_CLOEXEC, 3);

	if (given >= 0)
		return fd < 0 ? -errno : fd;
	fd = bind_at(path);
	if (fd >= 0)
		docker->own_socket = path;
	return fd;
}

static void stop(void *self)
{
	struct docker *docker = self;

	/* One of systemd's is systemd's to remove: it keeps what Docker asks until there is an agent again. */
	if (docker->own_socket)
		(void)unlink(docker->own_socket);
	http_stop(docker->server);
	sd_event_source_disable_unref(docker->sweeper);
	recorder_done(&docker->driver.recorder);
	docker_pools_done(&docker->driver.memory.mirror);
	docker_policies_free(docker->driver.policies);
	free(docker);
}

/** serve() - Begin to listen: 0, REFUSED */
static int serve(struct docker *docker, sd_event *event, int given, struct error *reterr)
{
	struct http_service service = {.handle = handle,
				       .sent = on_sent,
				       .userdata = docker,
				       .body_max = BODY_MAX,
				       .connections_max = CONNECTIONS_MAX};
	int fd = open_socket(docker, given);
	int r = fd < 0 ? fd : http_start(event, fd, &service, &docker->server);

	return r < 0 ? error_set_errno(reterr, ERROR_IO, r, "Docker's socket %.256s",
				       docker->driver.config->docker.socket)
		     : 0;
}

/** on_sweep() - sd_event_time_handler_t */
static int on_sweep(sd_event_source *source, uint64_t time, void *userdata)
{
	struct docker *docker = userdata;
	int r;

	(void)time;
	docker_sweep(&docker->driver);
	r = sd_event_source_set_time_relative(source, sweep_interval(docker->driver.config));
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/** prepare() - History, counters and the timer: 0, REFUSED */
static int prepare(struct docker *docker, sd_event *event, struct error *reterr)
{
	const struct agent_config *config = docker->driver.config;
	STATE_CLEANUP struct state state = STATE_INIT;
	int r = sd_event_add_time_relative(event, &docker->sweeper, CLOCK_MONOTONIC, sweep_interval(config), 0,
					   on_sweep, docker);

	if (r < 0)
		return error_set_errno(reterr, ERROR_IO, r, "can't create a timer");
	recorder_begin(&docker->driver.recorder);
	docker->driver.recorder.history = history_of(&config->policy);
	if (state_open(config->data_dir, STATE_UPDATE, &state) == 0)
		recorder_count_in(&docker->driver.recorder, state.dir_fd);
	return 0;
}

/** remember() - What was known before: 0, REFUSED */
static int remember(struct docker *docker, struct error *reterr)
{
	struct docker_memory *memory = &docker->driver.memory;
	int r = state_boot_id(memory->boot_id);

	memory->path = docker->driver.config->docker.state;
	if (!r)
		r = docker_mirror_read(memory->path, memory->boot_id, &memory->mirror);
	if (r < 0 && r != -EBADMSG)
		return error_set_errno(reterr, ERROR_STORE, r, "%.256s", memory->path);
	if (r < 0)
		agent_log(LOG_LEVEL_WARNING, "%s can't be understood: what it says of Docker's networks is not used",
			  memory->path);
	return 0;
}

static int start(struct agent *agent, void **ret_self, struct error *reterr)
{
	struct docker *docker;
	int given = given_socket();

	/* Who enables systemd's socket wants it served. */
	if (!agent->config->docker.enabled && given < 0)
		return 0;
	docker = calloc(1, sizeof(*docker));
	if (!docker)
		return error_no_memory(reterr);
	docker->driver.config = agent->config;
	if (getrandom(&docker->driver.run, sizeof(docker->driver.run), 0) != sizeof(docker->driver.run) ||
	    docker_policies_new(&agent->config->policy, &docker->driver.policies) < 0 || remember(docker, reterr) ||
	    prepare(docker, agent->event, reterr) || serve(docker, agent->event, given, reterr)) {
		stop(docker);
		return reterr->code ? REFUSED : error_no_memory(reterr);
	}
	*ret_self = docker;
	return 0;
}

/** write_counter() - One counter of each call */
static void write_counter(FILE *stream, const char *name, const char *text, const uint64_t *values)
{
	(void)fprintf(stream, "# HELP %s %s\n# TYPE %s counter\n", name, text, name);
	for (size_t i = 0; i < N_METHODS; i++)
		(void)fprintf(stream, "%s{call=\"%s\"} %llu\n", name, strchr(methods[i].path, '.') + 1,
			      (unsigned long long)values[i]);
}

static void metrics(void *self, FILE *stream)
{
	const struct docker *docker = self;

	write_counter(stream, "rangeguard_docker_calls_total", "Calls of Docker's IPAM protocol since the agent began.",
		      docker->calls);
	write_counter(stream, "rangeguard_docker_refusals_total", "Calls that were refused, since the agent began.",
		      docker->refusals);
	(void)fprintf(stream,
		      "# HELP rangeguard_docker_networks Subnets that Docker's networks have.\n"
		      "# TYPE rangeguard_docker_networks gauge\n"
		      "rangeguard_docker_networks %zu\n"
		      "# HELP rangeguard_docker_forgotten_total Addresses that Docker had forgotten, given back.\n"
		      "# TYPE rangeguard_docker_forgotten_total counter\n"
		      "rangeguard_docker_forgotten_total %llu\n",
		      docker->driver.memory.mirror.n, (unsigned long long)docker->driver.swept);
}

const struct agent_module docker_module = {.name = "docker", .start = start, .stop = stop, .metrics = metrics};
