/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watch: lines of a stream that never ends, and how one that is dead is noticed. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/etcd/etcd_internal.h"

#define CHECK_US 200000U
/** A change of our own must be shown within */
#define EXPECT_US 2000000U
/** A look at the newest record, when nothing is shown */
#define LOOK_US 15000000U
/** Another one, when that came to nothing */
#define LOOK_AGAIN_US 1000000U
/** A watch that ends at once is tried again after */
#define SHORT_US 500000U

/** end_watch() - It is told at the next check, not from within */
static void end_watch(struct etcd *etcd, struct post *post)
{
	if (post)
		post_end(post);
	etcd->watch_ended = true;
}

/** tell() - Each change to the machine */
static void tell(struct etcd *etcd, const struct record *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		etcd->events.watched(etcd->events.userdata, &records[i]);
		if (records[i].revision > etcd->watch_revision)
			etcd->watch_revision = records[i].revision;
	}
}

/** take_line() - One line. Return: whether the watch goes on */
static bool take_line(struct etcd *etcd, const struct post *post, const char *line, size_t size)
{
	struct message_header header;
	struct message_error error = {0};
	struct record *records = NULL;
	size_t n = 0;
	enum watch_line kind = message_watch_line(etcd->config->prefix, line, size, &header, &records, &n, &error);

	if (kind == WATCH_ENDED)
		etcd_set_problem(etcd, post, "the watch has ended: %s", error.text);
	if (kind == WATCH_BROKEN) {
		etcd_set_problem(etcd, post, "a line of the watch that is not understood");
		client_next_endpoint(post);
	}
	if (kind == WATCH_ENDED || kind == WATCH_BROKEN)
		return false;
	if (!client_header(etcd, &header)) {
		message_records_free(records, n);
		return false;
	}
	tell(etcd, records, n);
	message_records_free(records, n);
	return true;
}

/** watch_received() - Whole lines of what has come go to the machine */
void watch_received(struct etcd *etcd)
{
	struct post *post = post_find(etcd, POST_WATCH);
	size_t at = 0;
	const char *end;

	if (!post || post->size == 0)
		return;
	while ((end = memchr(post->answer + at, '\n', post->size - at))) {
		size_t size = (size_t)(end - (post->answer + at));

		if (size > 0 && !take_line(etcd, post, post->answer + at, size)) {
			if (post->kind == POST_WATCH)
				end_watch(etcd, post);
			return;
		}
		at += size + 1;
		if (post->kind != POST_WATCH)
			return; /* the machine has ended it */
	}
	memmove(post->answer, post->answer + at, post->size - at);
	post->size -= at;
	if (at > 0)
		etcd->looked = now_us();
}

/** watch_newest() - What changed last, by another way: the watch must have shown it */
void watch_newest(struct post *post)
{
	struct etcd *etcd = post->etcd;
	struct message_header header;
	int64_t revision = 0;
	int r = message_newest_answer(post->answer ? post->answer : "", post->size, &header, &revision);

	post_end(post);
	if (r < 0 || !client_header(etcd, &header))
		return;
	etcd->problem[0] = '\0';
	if (revision > etcd->watch_revision && revision > etcd->expected) {
		if (etcd->expected <= etcd->watch_revision)
			etcd->expected_since = now_us();
		etcd->expected = revision;
	}
	if (header.revision < etcd->watch_revision)
		etcd->events.restored(etcd->events.userdata);
}

/** watch_not_looked() - A look came to nothing: the next one is soon, so that it is known whether etcd answers again */
void watch_not_looked(struct etcd *etcd)
{
	etcd->looked = now_us() - LOOK_US + LOOK_AGAIN_US;
}

/** look() - Ask for the newest record */
static void look(struct etcd *etcd, uint64_t now)
{
	struct post *post;

	etcd->looked = now;
	if (post_find(etcd, POST_NEWEST) || (etcd->config->user && !etcd->token))
		return;
	post = post_new(etcd, POST_NEWEST, "/v3/kv/range", message_newest(etcd->config->prefix),
			(uint64_t)etcd->config->limit_ms * 1000);
	if (post && post_begin(post) < 0)
		post_end(post);
}

/** on_check() - sd_event_time_handler_t: five times a second */
static int on_check(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct etcd *etcd = userdata;
	struct post *post = post_find(etcd, POST_WATCH);
	uint64_t now = now_us();

	(void)usec;
	if (post && etcd->expected > etcd->watch_revision && now - etcd->expected_since > EXPECT_US) {
		etcd_set_problem(etcd, post, "the watch does not show what has changed");
		client_next_endpoint(post);
		end_watch(etcd, post);
	} else if (post && now - etcd->looked > LOOK_US) {
		look(etcd, now);
	}
	if (etcd->watch_ended && now - etcd->watch_began > SHORT_US) {
		etcd->watch_ended = false;
		etcd->events.watch_lost(etcd->events.userdata);
	}
	(void)sd_event_source_set_time(source, now + CHECK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/** watch_check_start() - Begin to look after the watch. Return: 0, negative errno */
int watch_check_start(struct etcd *etcd)
{
	int r = sd_event_add_time(etcd->event, &etcd->check, CLOCK_MONOTONIC, now_us() + CHECK_US, 50000, on_check,
				  etcd);

	return r < 0 ? r : 0;
}
