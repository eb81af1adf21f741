/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests: token, endpoints in turn, and what is known when one fails. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/etcd/etcd_internal.h"

/** A token is asked for apart from the request's own deadline: it is good for all that follow */
#define TOKEN_LIMIT_US 2000000U
/** A command is not in a hurry */
#define COMMAND_LIMIT_US 3000000U

/** copy_request() - The machine's request may be gone when the answer comes. Return: 0, -ENOMEM */
static int copy_request(const struct engine_request *from, struct engine_request *to)
{
	*to = *from;
	to->n_conditions = 0;
	to->value = from->value ? strdup(from->value) : NULL;
	if (from->value && !to->value)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_conditions; i++, to->n_conditions++) {
		const char *text = from->conditions[i].text;

		to->conditions[i].text = text ? strdup(text) : NULL;
		if (text && !to->conditions[i].text)
			return -ENOMEM;
	}
	return 0;
}

/** ask_for_token() - Unless that is under way */
static int ask_for_token(struct etcd *etcd)
{
	struct post *post;
	int r;

	if (post_find(etcd, POST_TOKEN))
		return 0;
	post = post_new(etcd, POST_TOKEN, "/v3/auth/authenticate",
			message_authenticate(etcd->config->user, etcd->config->password), TOKEN_LIMIT_US);
	if (!post)
		return -ENOMEM;
	r = post_begin(post);
	if (r < 0)
		post_end(post);
	return r;
}

/** begin() - Send an post, after a token has come if one is needed */
static int begin(struct post *post)
{
	struct etcd *etcd = post->etcd;

	if (etcd->config->user && !etcd->token) {
		post->waiting = true;
		return ask_for_token(etcd);
	}
	return post_begin(post);
}

/** start() - A new post. Return: 0, -ENOMEM, -EIO */
static int start(struct etcd *etcd, enum post_kind kind, const char *path, char *body, uint64_t limit_us)
{
	struct post *post = post_new(etcd, kind, path, body, limit_us);
	int r = post ? begin(post) : -ENOMEM;

	if (post && r < 0)
		post_end(post);
	return r;
}

/**
 * etcd_send() - Send a request of the machine
 * @etcd:	Client
 * @request:	Copied; one that is still under way is forgotten
 *
 * Return: 0: it will be answered; negative errno: it was not sent
 */
int etcd_send(struct etcd *etcd, const struct engine_request *request)
{
	struct post *post = post_find(etcd, POST_REQUEST);
	const char *path;
	char *body = message_request(etcd->config->prefix, request, &path);
	int r;

	if (post)
		post_end(post);
	post = post_new(etcd, POST_REQUEST, path, body, (uint64_t)etcd->config->limit_ms * 1000);
	if (!post)
		return -ENOMEM;
	r = copy_request(request, &post->request);
	if (r == 0)
		r = begin(post);
	if (r < 0)
		post_end(post);
	return r;
}

/**
 * etcd_command() - Send a request that is not the machine's
 * @etcd:	Client
 * @request:	Copied
 * @done:	Told how it ended
 * @userdata:	For it
 *
 * Return: 0; -EBUSY: one is under way; negative errno: it was not sent
 */
int etcd_command(struct etcd *etcd, const struct engine_request *request, etcd_command_fn done, void *userdata)
{
	const char *path;
	struct post *post;
	char *body;
	int r;

	if (post_find(etcd, POST_COMMAND))
		return -EBUSY;
	body = message_request(etcd->config->prefix, request, &path);
	post = post_new(etcd, POST_COMMAND, path, body, COMMAND_LIMIT_US);
	if (!post)
		return -ENOMEM;
	post->done = done;
	post->userdata = userdata;
	r = copy_request(request, &post->request);
	if (r == 0)
		r = begin(post);
	if (r < 0)
		post_end(post);
	return r;
}

/**
 * etcd_watch() - Watch all records
 * @etcd:	Client; a watch that it has ends
 * @from:	First revision
 *
 * Return: 0, negative errno
 */
int etcd_watch(struct etcd *etcd, int64_t from)
{
	struct post *post = post_find(etcd, POST_WATCH);

	if (post)
		post_end(post);
	etcd->watch_ended = false;
	etcd->watch_revision = from - 1;
	etcd->expected = 0;
	etcd->watch_began = etcd->looked = now_us();
	return start(etcd, POST_WATCH, "/v3/watch", message_watch(etcd->config->prefix, from), 0);
}

/** client_next_endpoint() - The one that failed is not used by what comes next */
void client_next_endpoint(const struct post *post)
{
	struct etcd *etcd = post->etcd;

	if (etcd->endpoint == post->endpoint)
		etcd->endpoint = (etcd->endpoint + 1) % etcd->config->n_endpoints;
}

/** restart() - Once more, at the endpoint that is used now, or with another token. Return: 0, negative errno */
static int restart(struct post *post)
{
	struct post copy = *post;

	(void)curl_multi_remove_handle(post->etcd->multi, post->easy);
	curl_easy_cleanup(post->easy);
	curl_slist_free_all(post->headers);
	copy.easy = NULL;
	copy.headers = NULL;
	copy.endpoint = post->etcd->endpoint;
	*post = copy;
	return begin(post);
}

/** client_header() - Who answered. Return: false: another cluster than before, and everybody has been told */
bool client_header(struct etcd *etcd, const struct message_header *header)
{
	bool same = etcd->cluster_id == 0 || etcd->cluster_id == header->cluster_id;

	etcd->cluster_id = header->cluster_id;
	if (!same)
		etcd->events.restored(etcd->events.userdata);
	return same;
}

/** expect() - The watch must show what this host has changed itself */
static void expect(struct etcd *etcd, const struct post *post, const struct engine_answer *answer)
{
	if (post->request.kind != REQUEST_SWAP || !answer->won || answer->revision <= etcd->watch_revision)
		return;
	if (etcd->expected <= etcd->watch_revision)
		etcd->expected_since = now_us();
	etcd->expected = answer->revision;
}

/** tell_done() - A request has ended; the slot is free when who sent it is told */
static void tell_done(struct etcd *etcd, const struct post *post, const struct engine_answer *answer)
{
	if (post->kind == POST_COMMAND)
		post->done(post->userdata, answer);
	else
		etcd->events.answered(etcd->events.userdata, post->request.id, answer);
}

/** answered() - A request has its answer; the slot is free when the machine is told */
static void answered(struct post *post)
{
	struct etcd *etcd = post->etcd;
	struct post ended = {.kind = post->kind,
			     .request = {.id = post->request.id},
			     .done = post->done,
			     .userdata = post->userdata};
	struct message_header header;
	struct engine_answer answer;
	int r = message_answer(etcd->config->prefix, &post->request, post->answer ? post->answer : "", post->size,
			       &header, &answer);

	if (r < 0) {
		etcd_set_problem(etcd, post, "an answer that is not understood");
		client_next_endpoint(post);
		post_end(post);
		tell_done(etcd, &ended, NULL);
		return;
	}
	expect(etcd, post, &answer);
	etcd->problem[0] = '\0';
	post_end(post);
	if (client_header(etcd, &header))
		tell_done(etcd, &ended, &answer);
	else if (ended.kind == POST_COMMAND)
		tell_done(etcd, &ended, NULL);
	message_records_free(answer.records, answer.n_records);
}

/** give_up() - The post failed: whoever waits is told */
static void give_up(struct post *post)
{
	struct etcd *etcd = post->etcd;
	struct post ended = {.kind = post->kind,
			     .request = {.id = post->request.id},
			     .done = post->done,
			     .userdata = post->userdata};

	post_end(post);
	if (ended.kind == POST_REQUEST || ended.kind == POST_COMMAND)
		tell_done(etcd, &ended, NULL);
	else if (ended.kind == POST_WATCH)
		etcd->watch_ended = true;
	else if (ended.kind == POST_NEWEST)
		watch_not_looked(etcd);
}

/** set_refusal() - An answer that is not 200: etcd's words, or those of whatever else answered */
static void set_refusal(const struct post *post, long status, const struct message_error *error)
{
	const char *elsewhere = NULL;

	(void)curl_easy_getinfo(post->easy, CURLINFO_REDIRECT_URL, &elsewhere);
	if (elsewhere)
		etcd_set_problem(post->etcd, post, "HTTP %ld: a redirect to %.150s: endpoints must name etcd itself",
				 status, elsewhere);
	else
		etcd_set_problem(post->etcd, post, "HTTP %ld: %s", status, error->text);
}

/** set_token_refusal() - Why there is no token: etcd does not want this user, or it was not etcd that answered */
static void set_token_refusal(const struct post *post, long status)
{
	struct etcd *etcd = post->etcd;
	struct message_error error = {0};

	message_error(post->answer ? post->answer : "", post->size, &error);
	if (status == 200)
		etcd_set_problem(etcd, post, "an answer that is not understood");
	else if (error.code != 0 && status >= 400 && status < 500)
		etcd_set_problem(etcd, post, "user %.64s is refused: %s", etcd->config->user, error.text);
	else
		set_refusal(post, status, &error);
	client_next_endpoint(post);
}

/** token_came() - Those that waited for it go on, or end with it */
static void token_came(struct post *post, CURLcode code, long status)
{
	struct etcd *etcd = post->etcd;
	bool good = code == CURLE_OK && status == 200 &&
		    message_token(post->answer ? post->answer : "", post->size, &etcd->token) == 0;

	if (!good && code == CURLE_OK)
		set_token_refusal(post, status);
	post_end(post);
	for (size_t i = 0; i < POSTS_MAX; i++) {
		struct post *other = &etcd->posts[i];

		if (other->kind == POST_NONE || !other->waiting)
			continue;
		other->endpoint = etcd->endpoint;
		if (!good || post_begin(other) < 0)
			give_up(other);
	}
}

/** refused() - etcd answered with an error: an old token is renewed once */
static void refused(struct post *post, long status)
{
	struct etcd *etcd = post->etcd;
	struct message_error error = {0};

	message_error(post->answer ? post->answer : "", post->size, &error);
	if (etcd->config->user && !post->renewed &&
	    (status == 401 || error.code == MESSAGE_UNAUTHENTICATED || strstr(error.text, "auth token"))) {
		post->renewed = true;
		free(etcd->token);
		etcd->token = NULL;
		if (restart(post) < 0)
			give_up(post);
		return;
	}
	set_refusal(post, status, &error);
	/* What is no fault of this endpoint the next one refuses as well. */
	client_next_endpoint(post);
	give_up(post);
}

/** set_failure() - Why there is no answer, in libcurl's words where it has some about this transfer */
static void set_failure(const struct post *post, CURLcode code)
{
	const char *why = *post->why ? post->why : curl_easy_strerror(code);
	const char *ca = post->etcd->config->ca;

	if (post->too_long)
		etcd_set_problem(post->etcd, post, "an answer that is too long");
	else if (code == CURLE_SSL_CACERT_BADFILE && ca)
		etcd_set_problem(post->etcd, post, "tls.ca %.128s can't be used", ca);
	else if (code == CURLE_PEER_FAILED_VERIFICATION)
		etcd_set_problem(
			post->etcd, post,
			"etcd's certificate is not taken: it has expired, is for another name, or %.100s did not "
			"sign it: %.100s",
			ca ? ca : "the system's authorities", why);
	else if (code == CURLE_OPERATION_TIMEDOUT && (post->kind == POST_REQUEST || post->kind == POST_NEWEST))
		etcd_set_problem(post->etcd, post, "%s (a request may take a tenth of ttl)", why);
	else
		etcd_set_problem(post->etcd, post, "%s", why);
}

/** failed() - No answer. What never left goes to the next endpoint at once, as long as there is time */
static void failed(struct post *post, CURLcode code)
{
	struct etcd *etcd = post->etcd;

	set_failure(post, code);
	client_next_endpoint(post);
	if (post->kind != POST_WATCH && post_never_left(post) && post->tries < etcd->config->n_endpoints &&
	    now_us() < post->deadline) {
		if (restart(post) < 0)
			give_up(post);
		return;
	}
	if (post->kind == POST_TOKEN)
		token_came(post, code, 0);
	else
		give_up(post);
}

/** client_finished() - A transfer ended */
void client_finished(struct post *post, CURLcode code)
{
	long status = 0;

	(void)curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
	if (post->kind == POST_WATCH)
		watch_received(post->etcd);
	if (post->kind == POST_NONE)
		return; /* what came has ended it */
	if (code != CURLE_OK)
		failed(post, code);
	else if (post->kind == POST_TOKEN)
		token_came(post, code, status);
	else if (status != 200)
		refused(post, status);
	else if (post->kind == POST_REQUEST || post->kind == POST_COMMAND)
		answered(post);
	else if (post->kind == POST_NEWEST)
		watch_newest(post);
	else
		give_up(post);
}

/**
 * etcd_new() - A client that has no connection yet
 * @event:	Loop
 * @config:	Borrowed
 * @events:	Copied
 * @ret_etcd:	For etcd_free()
 *
 * Return: 0, negative errno
 */
int etcd_new(sd_event *event, const struct etcd_config *config, const struct etcd_events *events,
	     struct etcd **ret_etcd)
{
	struct etcd *etcd = calloc(1, sizeof(*etcd));
	int r;

	if (!etcd)
		return -ENOMEM;
	etcd->event = event;
	etcd->config = config;
	etcd->events = *events;
	r = loop_start(etcd);
	if (r == 0)
		r = watch_check_start(etcd);
	if (r < 0) {
		etcd_free(etcd);
		return r;
	}
	*ret_etcd = etcd;
	return 0;
}

/** etcd_free() - End all posts without a word; NULL is left alone */
void etcd_free(struct etcd *etcd)
{
	if (!etcd)
		return;
	for (size_t i = 0; i < POSTS_MAX; i++) {
		if (etcd->posts[i].kind != POST_NONE)
			post_end(&etcd->posts[i]);
	}
	loop_stop(etcd);
	free(etcd->token);
	free(etcd);
}

/** etcd_problem() - What went wrong last, "" when the last answer was a good one; borrowed */
const char *etcd_problem(const struct etcd *etcd)
{
	return etcd->problem;
}

/** etcd_endpoint() - The endpoint that is used now; borrowed */
const char *etcd_endpoint(const struct etcd *etcd)
{
	return etcd->config->endpoints[etcd->endpoint];
}
