/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin's side of the agent's socket. */

#include "plugin/host/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "plugin/report/json_text.h"
#include "rangeguard/cleanup.h"

#ifndef RANGEGUARD_VERSION
#error "RANGEGUARD_VERSION must be the project's version"
#endif

#define MS_PER_S 1000
#define NS_PER_MS 1000000

/** now_ms() - A clock that only goes on */
static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

/**
 * ask_check_protocol() - Whether a message is of a protocol that this program speaks
 * @message:	Question or answer
 * @whose:	Who wrote it, for the message
 * @reterr:	Code 11: it becomes right by an upgrade of one of the two
 *
 * Return: 0, REFUSED
 */
int ask_check_protocol(const json_t *message, const char *whose, struct error *reterr)
{
	const json_t *protocol = json_object_get(message, "protocol");
	const char *version = json_string_value(json_object_get(message, "version"));

	if (!json_is_integer(protocol))
		return error_set(reterr, ERROR_TRY_AGAIN, "%s does not say which protocol it speaks", whose);
	if (json_integer_value(protocol) >= ASK_PROTOCOL_LEAST && json_integer_value(protocol) <= ASK_PROTOCOL)
		return 0;
	return error_set(
		reterr, ERROR_TRY_AGAIN,
		"%s (version %.32s) speaks protocol %" JSON_INTEGER_FORMAT ", this program (version " RANGEGUARD_VERSION
		") %d to %d: install the same version of the plugin and the agent",
		whose, version ? version : "unknown", json_integer_value(protocol), ASK_PROTOCOL_LEAST, ASK_PROTOCOL);
}

/** connect_agent() - A connection, whatever the length of the directory's path; ASK_E_NO_AGENT, negative errno */
static int connect_agent(const char *data_dir, int *ret_fd)
{
	CLEANUP_CLOSE int dir_fd = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (dir_fd < 0)
		return errno == ENOENT ? ASK_E_NO_AGENT : -errno;
	if (fd < 0)
		return -errno;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" ASK_SOCKET, dir_fd);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == ENOENT || errno == ECONNREFUSED ? ASK_E_NO_AGENT : -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/** send_question() - The question with what each has in front: 0, negative errno */
static int send_question(int fd, const json_t *question)
{
	json_t *message = json_pack("{s:i, s:s}", "protocol", ASK_PROTOCOL, "version", RANGEGUARD_VERSION);
	CLEANUP_FREE char *text = NULL;

	if (!message)
		return -ENOMEM;
	if (json_object_update(message, (json_t *)(uintptr_t)question) == 0)
		text = json_text(message, JSON_COMPACT);
	json_decref(message);
	if (!text)
		return -ENOMEM;
	return send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/** wait_for_answer() - Until there is something to read: 0, -ETIMEDOUT, another negative errno */
static int wait_for_answer(int fd, int wait_ms)
{
	int64_t end = now_ms() + wait_ms;
	int64_t left = wait_ms;

	do {
		struct pollfd wanted = {.fd = fd, .events = POLLIN};
		int r = poll(&wanted, 1, (int)left);

		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		left = end - now_ms();
	} while (left > 0);
	return -ETIMEDOUT;
}

/** receive_packet() - A packet of at most ASK_BYTES_MAX, and the file that it brings, if it does: as recv(2) with MSG_TRUNC */
static ssize_t receive_packet(int fd, void *text, int *ret_file)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {.iov_base = text, .iov_len = ASK_BYTES_MAX};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t size = recvmsg(fd, &message, MSG_TRUNC | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = size > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(ret_file, CMSG_DATA(header), sizeof(*ret_file));
	return size;
}

/** load_file() - The answer that a packet brought as a file, read from its offset on; NULL: it is none */
static json_t *load_file(int file)
{
	struct stat is;

	if (fstat(file, &is) < 0 || !S_ISREG(is.st_mode) || is.st_size > ASK_FILE_MAX)
		return NULL;
	return json_loadfd(file, 0, NULL);
}

/** receive_answer() - 0, ASK_E_NO_AGENT when it ended instead, negative errno */
static int receive_answer(int fd, json_t **ret_answer)
{
	CLEANUP_CLOSE int file = -1;
	CLEANUP_FREE char *text = malloc(ASK_BYTES_MAX);
	ssize_t size;

	if (!text)
		return -ENOMEM;
	size = receive_packet(fd, text, &file);
	if (size == 0 || (size < 0 && errno == ECONNRESET))
		return ASK_E_NO_AGENT;
	if (size < 0)
		return -errno;
	errno = 0;
	if (file >= 0)
		*ret_answer = load_file(file);
	else
		*ret_answer = (size_t)size > ASK_BYTES_MAX ? NULL : json_loadb(text, (size_t)size, 0, NULL);
	if (json_is_object(*ret_answer))
		return 0;
	return errno == ENOMEM ? -ENOMEM : -EBADMSG;
}

/** talk() - Ask and hear: 0, ASK_E_NO_AGENT, negative errno */
static int talk(const char *data_dir, const json_t *question, int wait_ms, json_t **ret_answer)
{
	CLEANUP_CLOSE int fd = -1;
	int r = connect_agent(data_dir, &fd);

	if (!r)
		r = send_question(fd, question);
	if (!r)
		r = wait_for_answer(fd, wait_ms);
	return r ? r : receive_answer(fd, ret_answer);
}

/**
 * ask_tell() - Tell the agent of this host something, if it runs; it finds out by itself, only later
 * @data_dir:	State directory, in which its socket is
 * @message:	As a question
 */
void ask_tell(const char *data_dir, const json_t *message)
{
	CLEANUP_CLOSE int fd = -1;

	if (connect_agent(data_dir, &fd) == 0)
		(void)send_question(fd, message);
}

/** judge_answer() - What the agent says it could not do: 0, REFUSED with its code and text */
static int judge_answer(const json_t *answer, struct error *reterr)
{
	json_int_t code = json_integer_value(json_object_get(answer, "code"));
	const char *msg = json_string_value(json_object_get(answer, "msg"));

	if (ask_check_protocol(answer, "rangeguard-agent", reterr))
		return REFUSED;
	if (!code)
		return 0;
	return error_set(reterr, code > 0 && code <= ERROR_KERNEL ? (enum error_code)code : ERROR_TRY_AGAIN, "%.1024s",
			 msg ? msg : "rangeguard-agent refuses without a word");
}

/**
 * ask_agent() - Ask the agent of this host
 * @data_dir:	State directory, in which its socket is
 * @question:	Object with "ask" and what belongs to it
 * @wait_ms:	How long to wait for the answer, in milliseconds
 * @ret_answer:	Object, to be released with json_decref()
 * @reterr:	What the agent refused, with its code; otherwise code 11: no agent, no answer in time, another protocol
 *
 * Return: 0, ASK_E_NO_AGENT, REFUSED
 */
int ask_agent(const char *data_dir, const json_t *question, int wait_ms, json_t **ret_answer, struct error *reterr)
{
	json_t *answer = NULL;
	int r = talk(data_dir, question, wait_ms, &answer);

	if (!r && judge_answer(answer, reterr) == 0) {
		*ret_answer = answer;
		return 0;
	}
	json_decref(answer);
	if (!r)
		return REFUSED;
	if (r == ASK_E_NO_AGENT) {
		(void)error_set(reterr, ERROR_TRY_AGAIN, "rangeguard-agent does not run on this host");
		return ASK_E_NO_AGENT;
	}
	if (r == -ETIMEDOUT)
		return error_set(reterr, ERROR_TRY_AGAIN, "rangeguard-agent did not answer within %d ms", wait_ms);
	return error_set_errno(reterr, ERROR_TRY_AGAIN, r, "rangeguard-agent can't be asked");
}
