/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's side of the socket at which the plugin asks. */

#include "plugin/agent/ask_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ipam/store/state.h"
#include "plugin/agent/log.h"
#include "plugin/agent/write_whole.h"
#include "plugin/host/ask.h"
#include "plugin/report/json_text.h"
#include "rangeguard/cleanup.h"

#ifndef RANGEGUARD_VERSION
#error "RANGEGUARD_VERSION must be the project's version"
#endif

#define QUESTIONS_MAX 32U
#define BACKLOG 128

/** struct question - What can be asked */
struct question {
	const char *name;
	ask_fn answer;
	void *userdata;
};

/** struct ask_server - The socket and its questions */
struct ask_server {
	sd_event *event;
	sd_event_source *source;
	struct state state;
	struct question questions[QUESTIONS_MAX];
	size_t n_questions;
	struct ask *first;
};

/**
 * struct ask - One connection, which asks once
 * @server:	Its server, NULL once that has stopped
 * @source:	Its descriptor in the loop, NULL once who asked has gone
 * @asked:	Somebody has to answer
 */
struct ask {
	struct ask *next;
	struct ask_server *server;
	sd_event_source *source;
	bool asked;
};

/** ask_free() - Close a connection that nobody has to answer any more */
static void ask_free(struct ask *ask)
{
	struct ask **at = ask->server ? &ask->server->first : NULL;

	while (at && *at && *at != ask)
		at = &(*at)->next;
	if (at && *at)
		*at = ask->next;
	sd_event_source_disable_unref(ask->source);
	free(ask);
}

/** hang_up() - Who asked has gone, or has its answer */
static void hang_up(struct ask *ask)
{
	ask->source = sd_event_source_disable_unref(ask->source);
}

/** answer_file() - A file with a text, at its start, which goes with its last descriptor: that, or -1 */
static int answer_file(const char *text)
{
	CLEANUP_CLOSE int file = memfd_create("rangeguard-answer", MFD_CLOEXEC);

	if (file < 0 || write_whole(file, text, strlen(text)) < 0)
		return -1;
	return lseek(file, 0, SEEK_SET) == 0 ? TAKE_FD(file) : -1;
}

/** send_file() - A packet that brings an answer in a file; a plugin that does not look for one reads why it has none */
static void send_file(int fd, int file)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	char text[256];
	struct iovec part = {.iov_base = text};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	part.iov_len = (size_t)snprintf(
		text, sizeof(text), "{\"protocol\":%d,\"version\":\"%s\",\"code\":%d,\"msg\":\"%s\"}", ASK_PROTOCOL,
		RANGEGUARD_VERSION, ERROR_TRY_AGAIN,
		"the answer is too long for this version of the plugin: install the same version of plugin and agent");
	memcpy(CMSG_DATA(&control.header), &file, sizeof(file));
	(void)sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/** send_text() - An answer; that nobody is there to read it, or no memory for a file, is nothing to tell of */
static void send_text(int fd, const char *text)
{
	CLEANUP_CLOSE int file = -1;

	if (strlen(text) <= ASK_BYTES_MAX) {
		(void)send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
		return;
	}
	file = answer_file(text);
	if (file >= 0)
		send_file(fd, file);
}

/** send_answer() - To who asked, if it is still there */
static void send_answer(const struct ask *ask, const json_t *answer)
{
	CLEANUP_FREE char *text = json_text(answer, JSON_COMPACT);

	if (ask->source && text)
		send_text(sd_event_source_get_io_fd(ask->source), text);
}

/**
 * ask_answer_consume() - Answer a question
 * @ask:	Question; must not be used any more
 * @answer:	Object; what each answer has in front is added. Its reference is taken. NULL: out of memory
 */
void ask_answer_consume(struct ask *ask, json_t *answer)
{
	json_t *message = json_pack("{s:i, s:s, s:i, s:s}", "protocol", ASK_PROTOCOL, "version", RANGEGUARD_VERSION,
				    "code", answer ? 0 : ERROR_TRY_AGAIN, "msg", answer ? "" : "out of memory");

	if (message && (!answer || json_object_update(message, answer) == 0))
		send_answer(ask, message);
	json_decref(message);
	json_decref(answer);
	ask_free(ask);
}

/** ask_refuse() - Answer a question with an error; @ask must not be used any more */
void ask_refuse(struct ask *ask, const struct error *why)
{
	ask_answer_consume(ask, json_pack("{s:i, s:s}", "code", why->code, "msg", why->msg));
}

/** find_question() - The question that a request is about, NULL (error filled) when there is none */
static const struct question *find_question(const struct ask_server *server, const json_t *request,
					    struct error *reterr)
{
	const char *name = json_string_value(json_object_get(request, "ask"));

	for (size_t i = 0; name && i < server->n_questions; i++)
		if (!strcmp(server->questions[i].name, name))
			return &server->questions[i];
	(void)error_set(reterr, ERROR_TRY_AGAIN,
			"rangeguard-agent (version " RANGEGUARD_VERSION
			") can't be asked \"%.64s\": it is older than the "
			"plugin, or not configured for it",
			name ? name : "");
	return NULL;
}

/** dispatch() - Have a question answered */
static void dispatch(struct ask *ask, const char *text, size_t size)
{
	json_t *request = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	const struct question *question = NULL;
	struct error err = {0};

	ask->asked = true;
	if (!json_is_object(request))
		(void)error_set(&err, ERROR_DECODE, "the question must be a JSON object");
	else if (ask_check_protocol(request, "the plugin", &err) == 0)
		question = find_question(ask->server, request, &err);
	if (question)
		question->answer(question->userdata, request, ask);
	else
		ask_refuse(ask, &err);
	json_decref(request);
}

/** on_packet() - sd_event_io_handler_t: a question, or the end of who asks */
static int on_packet(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	CLEANUP_FREE char *text = malloc(ASK_BYTES_MAX);
	struct ask *ask = userdata;
	ssize_t size = text ? recv(fd, text, ASK_BYTES_MAX, MSG_DONTWAIT | MSG_TRUNC) : -1;

	(void)source;
	(void)events;
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (ask->asked) {
		/* Whoever asks again before there is an answer, or goes, gets none. */
		hang_up(ask);
		return 0;
	}
	if (size <= 0 || (size_t)size > ASK_BYTES_MAX)
		ask_free(ask);
	else
		dispatch(ask, text, (size_t)size);
	return 0;
}

/** is_root() - Whether the process at the other end is root's, as the directory's mode wants it */
static bool is_root(int fd)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

/** on_connection() - sd_event_io_handler_t: somebody wants to ask */
static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct ask_server *server = userdata;
	/* cppcheck-suppress nullPointer ; accept(2): NULL where nobody wants the address */
	CLEANUP_CLOSE int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ask *ask;

	(void)source;
	(void)events;
	if (connection < 0 || !is_root(connection))
		return 0;
	ask = calloc(1, sizeof(*ask));
	if (!ask)
		return 0;
	if (sd_event_add_io(server->event, &ask->source, connection, EPOLLIN, on_packet, ask) < 0) {
		free(ask);
		return 0;
	}
	(void)sd_event_source_set_io_fd_own(ask->source, true);
	(void)TAKE_FD(connection);
	ask->server = server;
	ask->next = server->first;
	server->first = ask;
	return 0;
}

/** listen_in() - A socket in the state directory, in the place of a dead agent's; its descriptor, negative errno */
static int listen_in(const struct state *state)
{
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	if (fd < 0)
		return -errno;
	if (unlinkat(state->dir_fd, ASK_SOCKET, 0) < 0 && errno != ENOENT)
		return -errno;
	/* A path through the descriptor is short, however long that of the directory is. */
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" ASK_SOCKET, state->dir_fd);
	/* The kernel gives the file the mode of the socket (unix_bind_bsd()): nobody else can connect, at no time. */
	if (fchmod(fd, S_IRUSR | S_IWUSR) < 0)
		return -errno;
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	if (r < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/** start_listening() - The socket in the loop: 0, negative errno */
static int start_listening(struct ask_server *server)
{
	CLEANUP_CLOSE int fd = listen_in(&server->state);
	int r;

	if (fd < 0)
		return fd;
	r = sd_event_add_io(server->event, &server->source, fd, EPOLLIN, on_connection, server);
	if (r < 0)
		return r;
	(void)sd_event_source_set_io_fd_own(server->source, true);
	(void)TAKE_FD(fd);
	return 0;
}

/** answer_ping() - ask_fn: there is an agent, and what it is */
static void answer_ping(void *userdata, const json_t *request, struct ask *ask)
{
	(void)userdata;
	(void)request;
	ask_answer_consume(ask, json_pack("{s:i}", "pid", (int)getpid()));
}

/**
 * ask_server_start() - Listen in the state directory
 * @agent:	Agent, which holds the host's lock
 * @ret_server:	Server, to be released with ask_server_stop()
 * @reterr:	Code 106
 *
 * Return: 0, REFUSED
 */
int ask_server_start(struct agent *agent, struct ask_server **ret_server, struct error *reterr)
{
	struct ask_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return error_no_memory(reterr);
	server->event = agent->event;
	server->state = (struct state)STATE_INIT;
	r = state_open(agent->config->data_dir, STATE_UPDATE, &server->state);
	if (!r)
		r = start_listening(server);
	if (!r)
		r = ask_server_add(server, "ping", answer_ping, NULL);
	if (!r) {
		*ret_server = server;
		return 0;
	}
	ask_server_stop(server);
	return r < 0 ? error_set_errno(reterr, ERROR_STORE, r, "can't create the socket " ASK_SOCKET " in %.256s",
				       agent->config->data_dir)
		     : error_set(reterr, ERROR_STORE,
				 "can't create the socket " ASK_SOCKET " in %.256s: the directory is not usable",
				 agent->config->data_dir);
}

/** ask_server_forget() - Modules have been stopped: what they answered is unknown until they add it again */
void ask_server_forget(struct ask_server *server)
{
	server->n_questions = 0;
	(void)ask_server_add(server, "ping", answer_ping, NULL);
}

/** ask_server_stop() - Listen no more; who waits for an answer sees the end. NULL is fine */
void ask_server_stop(struct ask_server *server)
{
	if (!server)
		return;
	if (server->source)
		(void)unlinkat(server->state.dir_fd, ASK_SOCKET, 0);
	sd_event_source_disable_unref(server->source);
	while (server->first) {
		struct ask *ask = server->first;

		server->first = ask->next;
		hang_up(ask);
		ask->server = NULL;
		if (!ask->asked)
			free(ask);
	}
	state_done(&server->state);
	free(server);
}

/**
 * ask_server_add() - Let something be asked
 * @server:	Server
 * @name:	The question's name; borrowed
 * @answer:	Answers it
 * @userdata:	For that
 *
 * Return: 0, -E2BIG
 */
int ask_server_add(struct ask_server *server, const char *name, ask_fn answer, void *userdata)
{
	if (server->n_questions == QUESTIONS_MAX)
		return -E2BIG;
	server->questions[server->n_questions++] = (struct question){name, answer, userdata};
	return 0;
}
