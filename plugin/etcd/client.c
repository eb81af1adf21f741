/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests: token, endpoints in turn, and what is known when one fails. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/etcd/etcd_internal.h"

/** A token is asked for apart from the request's own deadline: it is good for all that follow */
#define TOKEN_LIMIT_US 2000000U

/** copy_request() - The machine's request may be gone when the answer comes. Return: 0, -ENOMEM */
static int copy_request(const struct request *from, struct request *to)
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
	struct exchange *exchange;
	int r;

	if (exchange_find(etcd, EXCHANGE_TOKEN))
		return 0;
	exchange = exchange_new(etcd, EXCHANGE_TOKEN, "/v3/auth/authenticate",
				message_authenticate(etcd->config->user, etcd->config->password), TOKEN_LIMIT_US);
	if (!exchange)
		return -ENOMEM;
	r = exchange_begin(exchange);
	if (r < 0)
		exchange_end(exchange);
	return r;
}

/** begin() - Send an exchange, after a token has come if one is needed */
static int begin(struct exchange *exchange)
{
	struct etcd *etcd = exchange->etcd;

	if (etcd->config->user && !etcd->token) {
		exchange->waiting = true;
		return ask_for_token(etcd);
	}
	return exchange_begin(exchange);
}

/** start() - A new exchange. Return: 0, -ENOMEM, -EIO */
static int start(struct etcd *etcd, enum exchange_kind kind, const char *path, char *body, uint64_t limit_us)
{
	struct exchange *exchange = exchange_new(etcd, kind, path, body, limit_us);
	int r = exchange ? begin(exchange) : -ENOMEM;

	if (exchange && r < 0)
		exchange_end(exchange);
	return r;
}

/**
 * etcd_send() - Send a request of the machine
 * @etcd:	Client
 * @request:	Copied; one that is still under way is forgotten
 *
 * Return: 0: it will be answered; negative errno: it was not sent
 */
int etcd_send(struct etcd *etcd, const struct request *request)
{
	struct exchange *exchange = exchange_find(etcd, EXCHANGE_REQUEST);
	const char *path;
	char *body = message_request(etcd->config->prefix, request, &path);
	int r;

	if (exchange)
		exchange_end(exchange);
	exchange = exchange_new(etcd, EXCHANGE_REQUEST, path, body, (uint64_t)etcd->config->limit_ms * 1000);
	if (!exchange)
		return -ENOMEM;
	r = copy_request(request, &exchange->request);
	if (r == 0)
		r = begin(exchange);
	if (r < 0)
		exchange_end(exchange);
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
	struct exchange *exchange = exchange_find(etcd, EXCHANGE_WATCH);

	if (exchange)
		exchange_end(exchange);
	etcd->watch_ended = false;
	etcd->watch_revision = from - 1;
	etcd->expected = 0;
	etcd->watch_began = etcd->looked = now_us();
	return start(etcd, EXCHANGE_WATCH, "/v3/watch", message_watch(etcd->config->prefix, from), 0);
}

/** next_endpoint() - The one that failed is not used by what comes next */
static void next_endpoint(struct exchange *exchange)
{
	struct etcd *etcd = exchange->etcd;

	if (etcd->endpoint == exchange->endpoint)
		etcd->endpoint = (etcd->endpoint + 1) % etcd->config->n_endpoints;
}

/** restart() - Once more, at the endpoint that is used now, or with another token. Return: 0, negative errno */
static int restart(struct exchange *exchange)
{
	struct exchange copy = *exchange;

	(void)curl_multi_remove_handle(exchange->etcd->multi, exchange->easy);
	curl_easy_cleanup(exchange->easy);
	curl_slist_free_all(exchange->headers);
	copy.easy = NULL;
	copy.headers = NULL;
	copy.endpoint = exchange->etcd->endpoint;
	*exchange = copy;
	return begin(exchange);
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
static void expect(struct etcd *etcd, const struct exchange *exchange, const struct answer *answer)
{
	if (exchange->request.kind != REQUEST_SWAP || !answer->won || answer->revision <= etcd->watch_revision)
		return;
	if (etcd->expected <= etcd->watch_revision)
		etcd->expected_since = now_us();
	etcd->expected = answer->revision;
}

/** answered() - A request has its answer; the slot is free when the machine is told */
static void answered(struct exchange *exchange)
{
	struct etcd *etcd = exchange->etcd;
	uint64_t id = exchange->request.id;
	struct message_header header;
	struct answer answer;
	int r = message_answer(etcd->config->prefix, &exchange->request, exchange->answer ? exchange->answer : "",
			       exchange->size, &header, &answer);

	if (r < 0) {
		etcd_set_problem(etcd, exchange, "an answer that is not understood");
		exchange_end(exchange);
		etcd->events.answered(etcd->events.userdata, id, NULL);
		return;
	}
	expect(etcd, exchange, &answer);
	etcd->problem[0] = '\0';
	exchange_end(exchange);
	if (client_header(etcd, &header))
		etcd->events.answered(etcd->events.userdata, id, &answer);
	message_records_free(answer.records, answer.n_records);
}

/** give_up() - The exchange failed: whoever waits is told */
static void give_up(struct exchange *exchange)
{
	struct etcd *etcd = exchange->etcd;
	enum exchange_kind kind = exchange->kind;
	uint64_t id = exchange->request.id;

	exchange_end(exchange);
	if (kind == EXCHANGE_REQUEST)
		etcd->events.answered(etcd->events.userdata, id, NULL);
	else if (kind == EXCHANGE_WATCH)
		etcd->watch_ended = true;
}

/** token_came() - Those that waited for it go on, or end with it */
static void token_came(struct exchange *exchange, CURLcode code, long status)
{
	struct etcd *etcd = exchange->etcd;
	struct message_error error = {0};
	bool good = code == CURLE_OK && status == 200 &&
		    message_token(exchange->answer ? exchange->answer : "", exchange->size, &etcd->token) == 0;

	if (!good && code == CURLE_OK) {
		message_error(exchange->answer ? exchange->answer : "", exchange->size, &error);
		etcd_set_problem(etcd, exchange, "user %.64s is refused: %s", etcd->config->user, error.text);
	}
	exchange_end(exchange);
	for (size_t i = 0; i < EXCHANGES_MAX; i++) {
		struct exchange *other = &etcd->exchanges[i];

		if (other->kind == EXCHANGE_NONE || !other->waiting)
			continue;
		other->endpoint = etcd->endpoint;
		if (!good || exchange_begin(other) < 0)
			give_up(other);
	}
}

/** refused() - etcd answered with an error: an old token is renewed once */
static void refused(struct exchange *exchange, long status)
{
	struct etcd *etcd = exchange->etcd;
	struct message_error error = {0};

	message_error(exchange->answer ? exchange->answer : "", exchange->size, &error);
	if (etcd->config->user && !exchange->renewed &&
	    (status == 401 || error.code == MESSAGE_UNAUTHENTICATED || strstr(error.text, "auth token"))) {
		exchange->renewed = true;
		free(etcd->token);
		etcd->token = NULL;
		if (restart(exchange) < 0)
			give_up(exchange);
		return;
	}
	etcd_set_problem(etcd, exchange, "HTTP %ld: %s", status, error.text);
	if (status >= 500 || status == 404)
		next_endpoint(exchange);
	give_up(exchange);
}

/** failed() - No answer. What never left goes to the next endpoint at once, as long as there is time */
static void failed(struct exchange *exchange, CURLcode code)
{
	struct etcd *etcd = exchange->etcd;

	etcd_set_problem(etcd, exchange, "%s",
			 exchange->too_long ? "an answer that is too long" : curl_easy_strerror(code));
	next_endpoint(exchange);
	if (exchange->kind != EXCHANGE_WATCH && exchange_never_left(exchange) &&
	    exchange->tries < etcd->config->n_endpoints && now_us() < exchange->deadline) {
		if (restart(exchange) < 0)
			give_up(exchange);
		return;
	}
	if (exchange->kind == EXCHANGE_TOKEN)
		token_came(exchange, code, 0);
	else
		give_up(exchange);
}

/** client_finished() - A transfer ended */
void client_finished(struct exchange *exchange, CURLcode code)
{
	long status = 0;

	(void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	if (exchange->kind == EXCHANGE_WATCH)
		watch_received(exchange->etcd);
	if (exchange->kind == EXCHANGE_NONE)
		return; /* what came has ended it */
	if (code != CURLE_OK)
		failed(exchange, code);
	else if (exchange->kind == EXCHANGE_TOKEN)
		token_came(exchange, code, status);
	else if (status != 200)
		refused(exchange, status);
	else if (exchange->kind == EXCHANGE_REQUEST)
		answered(exchange);
	else if (exchange->kind == EXCHANGE_NEWEST)
		watch_newest(exchange);
	else
		give_up(exchange);
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

/** etcd_free() - End all exchanges without a word; NULL is left alone */
void etcd_free(struct etcd *etcd)
{
	if (!etcd)
		return;
	for (size_t i = 0; i < EXCHANGES_MAX; i++) {
		if (etcd->exchanges[i].kind != EXCHANGE_NONE)
			exchange_end(&etcd->exchanges[i]);
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
