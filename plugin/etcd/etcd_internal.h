/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ETCD_ETCD_INTERNAL_H
#define PLUGIN_ETCD_ETCD_INTERNAL_H

#include <curl/curl.h>

#include "plugin/etcd/etcd.h"
#include "plugin/etcd/message.h"

/** Requests of the machine, a token, a look at the newest record, the watch */
#define EXCHANGES_MAX 4U

enum exchange_kind { EXCHANGE_NONE, EXCHANGE_REQUEST, EXCHANGE_TOKEN, EXCHANGE_NEWEST, EXCHANGE_WATCH };

/**
 * struct exchange - One POST and its answer
 * @kind:	EXCHANGE_NONE: the slot is free
 * @request:	What the machine wants (EXCHANGE_REQUEST); a copy
 * @path:	Below the endpoint
 * @body:	Sent
 * @easy, @headers: libcurl's; NULL while it waits for a token
 * @answer, @size, @room: What has come
 * @endpoint:	Where it was sent
 * @tries:	Endpoints that it was sent to
 * @deadline:	CLOCK_MONOTONIC, microseconds; 0: none
 * @renewed:	The token was renewed for it already
 * @waiting:	For a token
 */
struct exchange {
	enum exchange_kind kind;
	struct request request;
	const char *path;
	char *body;
	CURL *easy;
	struct curl_slist *headers;
	char *answer;
	size_t size, room;
	size_t endpoint;
	size_t tries;
	uint64_t deadline;
	bool renewed;
	bool waiting;
	bool too_long;
	struct etcd *etcd;
};

struct etcd {
	sd_event *event;
	const struct etcd_config *config;
	struct etcd_events events;
	CURLM *multi;
	sd_event_source *timer;
	sd_event_source *check;
	struct exchange exchanges[EXCHANGES_MAX];
	size_t endpoint;
	char *token;
	uint64_t cluster_id;
	char problem[ETCD_PROBLEM_MAX];
	/* the watch */
	int64_t watch_revision; /* up to which it has shown everything that it will */
	int64_t expected;	/* a change of our own that it must show */
	uint64_t expected_since;
	uint64_t watch_began;
	uint64_t looked;
	bool watch_ended; /* to be told at the next check */
};

/* exchange.c */
struct exchange *exchange_new(struct etcd *etcd, enum exchange_kind kind, const char *path, char *body_consumed,
			      uint64_t limit_us);
struct exchange *exchange_find(struct etcd *etcd, enum exchange_kind kind);
int exchange_begin(struct exchange *exchange);
void exchange_end(struct exchange *exchange);
bool exchange_never_left(const struct exchange *exchange);
uint64_t now_us(void);
void etcd_set_problem(struct etcd *etcd, const struct exchange *exchange, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* client.c */
void client_finished(struct exchange *exchange, CURLcode code);
bool client_header(struct etcd *etcd, const struct message_header *header);

/* watch.c */
void watch_received(struct etcd *etcd);
void watch_newest(struct exchange *exchange);
int watch_check_start(struct etcd *etcd);

/* loop.c */
int loop_start(struct etcd *etcd);
void loop_stop(struct etcd *etcd);

#endif
