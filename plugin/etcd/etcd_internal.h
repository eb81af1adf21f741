/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ETCD_ETCD_INTERNAL_H
#define PLUGIN_ETCD_ETCD_INTERNAL_H

#include <curl/curl.h>

#include "plugin/etcd/etcd.h"
#include "plugin/etcd/message.h"

/** Requests of the machine, a token, a look at the newest record, the watch */
#define POSTS_MAX 5U

enum post_kind { POST_NONE, POST_REQUEST, POST_COMMAND, POST_TOKEN, POST_NEWEST, POST_WATCH };

/**
 * struct post - One POST and its answer
 * @kind:	POST_NONE: the slot is free
 * @request:	What the machine (POST_REQUEST) or a command wants; a copy
 * @done, @userdata: Who is told (POST_COMMAND)
 * @path:	Below the endpoint
 * @body:	Sent
 * @easy, @headers: libcurl's; NULL while it waits for a token
 * @answer, @size, @room: What has come
 * @endpoint:	Where it was sent
 * @tries:	Endpoints that it was sent to
 * @deadline:	CLOCK_MONOTONIC, microseconds; 0: none
 * @renewed:	The token was renewed for it already
 * @waiting:	For a token
 * @why:	libcurl's own words about a transfer that failed, "" when it has none
 */
struct post {
	enum post_kind kind;
	struct engine_request request;
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
	char why[CURL_ERROR_SIZE];
	etcd_command_fn done;
	void *userdata;
	struct etcd *etcd;
};

struct etcd {
	sd_event *event;
	const struct etcd_config *config;
	struct etcd_events events;
	CURLM *multi;
	sd_event_source *timer;
	sd_event_source *check;
	struct post posts[POSTS_MAX];
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

/* post.c */
struct post *post_new(struct etcd *etcd, enum post_kind kind, const char *path, char *body_consumed, uint64_t limit_us);
struct post *post_find(struct etcd *etcd, enum post_kind kind);
int post_begin(struct post *post);
void post_end(struct post *post);
bool post_never_left(const struct post *post);
uint64_t now_us(void);
void etcd_set_problem(struct etcd *etcd, const struct post *post, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* client.c */
void client_finished(struct post *post, CURLcode code);
void client_next_endpoint(const struct post *post);
bool client_header(struct etcd *etcd, const struct message_header *header);

/* watch.c */
void watch_received(struct etcd *etcd);
void watch_newest(struct post *post);
void watch_not_looked(struct etcd *etcd);
int watch_check_start(struct etcd *etcd);

/* loop.c */
int loop_start(struct etcd *etcd);
void loop_stop(struct etcd *etcd);

#endif
