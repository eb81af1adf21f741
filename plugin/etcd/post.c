/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One POST: its libcurl handle, its bounds, its answer. */

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/etcd/etcd_internal.h"
#include "plugin/report/utf8.h"
#include "rangeguard/array.h"

/** now_us() - CLOCK_MONOTONIC in microseconds, which is sd-event's unit */
uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/** etcd_set_problem() - What is wrong at the endpoint that the post was sent to, for people: a line of UTF-8, whatever answered */
void etcd_set_problem(struct etcd *etcd, const struct post *post, const char *format, ...)
{
	int n = snprintf(etcd->problem, sizeof(etcd->problem), "%.100s: ", etcd->config->endpoints[post->endpoint]);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(etcd->problem + n, sizeof(etcd->problem) - (size_t)n, format, args);
	va_end(args);
	utf8_drop_cut_character(etcd->problem);
	utf8_mend(etcd->problem);
	for (char *at = etcd->problem; *at; at++) {
		if (iscntrl((unsigned char)*at))
			*at = '?';
	}
}

/**
 * post_new() - A slot for another POST
 * @etcd:	Client
 * @kind:	Kind
 * @path:	Below the endpoint; static
 * @body_consumed: From malloc(3), or NULL: out of memory
 * @limit_us:	How long it may take, 0: for ever
 *
 * Return: NULL: out of memory, or too many at a time
 */
struct post *post_new(struct etcd *etcd, enum post_kind kind, const char *path, char *body_consumed, uint64_t limit_us)
{
	for (size_t i = 0; body_consumed && i < POSTS_MAX; i++) {
		struct post *post = &etcd->posts[i];

		if (post->kind != POST_NONE)
			continue;
		*post = (struct post){.kind = kind,
				      .path = path,
				      .body = body_consumed,
				      .endpoint = etcd->endpoint,
				      .deadline = limit_us ? now_us() + limit_us : 0,
				      .etcd = etcd};
		return post;
	}
	free(body_consumed);
	return NULL;
}

/** post_find() - The first of this kind, NULL: none */
struct post *post_find(struct etcd *etcd, enum post_kind kind)
{
	for (size_t i = 0; i < POSTS_MAX; i++) {
		if (etcd->posts[i].kind == kind)
			return &etcd->posts[i];
	}
	return NULL;
}

/** close_handle() - End the transfer; a connection with an answer still to come is closed by libcurl */
static void close_handle(struct post *post)
{
	if (post->easy) {
		(void)curl_multi_remove_handle(post->etcd->multi, post->easy);
		curl_easy_cleanup(post->easy);
	}
	curl_slist_free_all(post->headers);
	post->easy = NULL;
	post->headers = NULL;
}

/** post_end() - Free the slot */
void post_end(struct post *post)
{
	close_handle(post);
	request_clear(&post->request);
	free(post->body);
	free(post->answer);
	*post = (struct post){0};
}

/** on_data() - CURLOPT_WRITEFUNCTION: keep what has come, up to a bound */
static size_t on_data(char *data, size_t one, size_t n, void *userdata)
{
	struct post *post = userdata;
	size_t need = post->size + n + 1;

	(void)one;
	if (need > ETCD_ANSWER_MAX) {
		post->too_long = true;
		return 0;
	}
	if (need > post->room) {
		size_t room = need < 4096 ? 4096 : 2 * need;
		char *answer = realloc(post->answer, room);

		if (!answer)
			return 0;
		post->answer = answer;
		post->room = room;
	}
	memcpy(post->answer + post->size, data, n);
	post->size += n;
	post->answer[post->size] = '\0';
	return n;
}

/** on_socket() - CURLOPT_SOCKOPTFUNCTION: a peer that has gone without a word is noticed in seconds */
static int on_socket(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
	const int on = 1, idle = 3, interval = 1, count = 3, unacknowledged_ms = 5000;

	(void)userdata;
	(void)purpose;
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof(unacknowledged_ms));
	return CURL_SOCKOPT_OK;
}

/** add_headers() - Type, and the token if there is one. Return: whether there was memory */
static bool add_headers(struct post *post)
{
	static const char *const fixed[] = {"Content-Type: application/json", "Expect:"};
	const char *token = post->kind == POST_TOKEN ? NULL : post->etcd->token;
	char *line = NULL;

	for (size_t i = 0; i < ARRAY_LENGTH(fixed); i++) {
		struct curl_slist *longer = curl_slist_append(post->headers, fixed[i]);

		if (!longer)
			return false;
		post->headers = longer;
	}
	if (token && asprintf(&line, "Authorization: %s", token) >= 0) {
		struct curl_slist *longer = curl_slist_append(post->headers, line);

		post->headers = longer ? longer : post->headers;
		free(line);
		return longer != NULL;
	}
	return !token;
}

/** set_limits() - How long each step may take */
static void set_limits(const struct post *post)
{
	long limit_ms = post->etcd->config->limit_ms > 30 ? (long)post->etcd->config->limit_ms : 30;
	uint64_t now = now_us();
	long left = post->deadline > now ? (long)((post->deadline - now) / 1000) : 0;

	(void)curl_easy_setopt(post->easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(post->easy, CURLOPT_CONNECTTIMEOUT_MS, limit_ms / 2);
	if (post->deadline)
		(void)curl_easy_setopt(post->easy, CURLOPT_TIMEOUT_MS, left > 0 ? left : 1L);
}

/** set_security() - HTTPS only where the endpoint says so, and then whole: name, chain, TLS 1.2 */
static void set_security(const struct post *post)
{
	const struct etcd_config *config = post->etcd->config;
	CURL *easy = post->easy;

	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (config->ca)
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca);
	if (config->certificate)
		(void)curl_easy_setopt(easy, CURLOPT_SSLCERT, config->certificate);
	if (config->key)
		(void)curl_easy_setopt(easy, CURLOPT_SSLKEY, config->key);
}

/**
 * post_begin() - Send it to its endpoint
 * @post:	Slot, without a transfer
 *
 * Return: 0, -ENOMEM, -EIO: libcurl refuses
 */
int post_begin(struct post *post)
{
	const char *endpoint = post->etcd->config->endpoints[post->endpoint];
	size_t length = strlen(endpoint);
	char url[1024];

	while (length > 0 && endpoint[length - 1] == '/')
		length--;
	post->waiting = false;
	post->size = 0;
	post->tries++;
	post->why[0] = '\0';
	post->easy = curl_easy_init();
	if (!post->easy || !add_headers(post)) {
		close_handle(post);
		return -ENOMEM;
	}
	(void)snprintf(url, sizeof(url), "%.*s%s", (int)(length < 900 ? length : 900), endpoint, post->path);
	(void)curl_easy_setopt(post->easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(post->easy, CURLOPT_HTTPHEADER, post->headers);
	(void)curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, post->body);
	(void)curl_easy_setopt(post->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(post->body));
	(void)curl_easy_setopt(post->easy, CURLOPT_WRITEFUNCTION, on_data);
	(void)curl_easy_setopt(post->easy, CURLOPT_WRITEDATA, post);
	(void)curl_easy_setopt(post->easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	(void)curl_easy_setopt(post->easy, CURLOPT_PRIVATE, post);
	(void)curl_easy_setopt(post->easy, CURLOPT_ERRORBUFFER, post->why);
	set_limits(post);
	set_security(post);
	if (curl_multi_add_handle(post->etcd->multi, post->easy) == CURLM_OK)
		return 0;
	close_handle(post);
	return -EIO;
}

/** post_never_left() - Whether nothing of it can have reached the endpoint; its transfer is ended */
bool post_never_left(const struct post *post)
{
	curl_off_t before = 0;

	return curl_easy_getinfo(post->easy, CURLINFO_PRETRANSFER_TIME_T, &before) == CURLE_OK && before == 0;
}
