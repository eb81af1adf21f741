/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts back at once what somebody takes out of the kernel. The kernel tells that something went, not who took it: after
 * the plugin's own DEL there is nothing to mend, and a host on which many containers end must not be looked at all the
 * time. So a look that only single elements or qdiscs are the reason for waits for as many times as long as the last one
 * took. A table that goes is mended at once.
 */

#include "plugin/agent/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipam/store/state.h"
#include "plugin/agent/log.h"
#include "plugin/host/restore.h"
#include "plugin/host/weeding.h"
#include "plugin/snat/monitor.h"
#include "rangeguard/cleanup.h"

/** A burst of notifications is one reason: microseconds */
#define GATHER UINT64_C(5000)
/** A look takes at most a 20th of the time, if only elements are the reason */
#define REST_FACTOR 20U
/** What nobody told of is found, too: microseconds */
#define INTERVAL UINT64_C(60000000)
/** What could not be put back is tried again after this, and then each time after twice as long, up to INTERVAL: microseconds */
#define FIRST_RETRY UINT64_C(1000000)
#define USEC_PER_SEC 1000000.0

/**
 * struct watch - The module
 * @heard:	Why the next look is taken: bits of monitor_heard
 * @rested:	CLOCK_MONOTONIC from which on single elements are a reason again, microseconds
 * @retry:	How long to wait before what failed is tried again, microseconds; 0: nothing did
 * @retry_at:	CLOCK_MONOTONIC of that
 */
struct watch {
	const struct agent *agent;
	sd_event_source *nftables;
	sd_event_source *rtnetlink;
	sd_event_source *timer;
	struct recorder recorder;
	unsigned heard;
	uint64_t rested;
	uint64_t retry;
	uint64_t retry_at;
	uint64_t looks;
	uint64_t restored;
	uint64_t failures;
	double seconds;
};

#define URGENT (MONITOR_TABLE | MONITOR_FENCE | MONITOR_SOURCE)
#define CALM (MONITOR_ELEMENT | MONITOR_INTERFACE | MONITOR_MISSED | MONITOR_CHANGED)

/** now_us() - CLOCK_MONOTONIC in microseconds, as it is */
static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000) + (uint64_t)now.tv_nsec / 1000;
}

/** count_in() - Count where the plugin counts, once there is a state directory */
static void count_in(struct watch *watch)
{
	STATE_CLEANUP struct state state = STATE_INIT;

	if (!watch->recorder.counters.numbers && state_open(watch->agent->config->data_dir, STATE_UPDATE, &state) == 0)
		recorder_count_in(&watch->recorder, state.dir_fd);
}

/** hear() - What the kernel has told so far: bits of monitor_heard, MONITOR_PUT for what was done through @host */
static unsigned hear(const struct watch *watch, const struct host *host)
{
	unsigned routes = 0, tables = 0;

	(void)monitor_read(sd_event_source_get_io_fd(watch->rtnetlink), port_id(host->rtnetlink), &routes);
	if (watch->nftables && host->netfilter)
		(void)monitor_read(sd_event_source_get_io_fd(watch->nftables), port_id(host->netfilter), &tables);
	return routes | tables;
}

/**
 * put_shared() - Put back what containers share, without what others put there, and find out whether anything of it was missing
 *
 * The kernel has told of what it was made to do when it answers.
 *
 * Return: 0, REFUSED
 */
static int put_shared(struct watch *watch, struct host *host, struct error *reterr)
{
	unsigned heard;
	bool weeded;

	if (weeding(host, &weeded, reterr) || restore_shared(host, reterr))
		return REFUSED;
	if (weeded) {
		watch->restored++;
		agent_log(LOG_LEVEL_WARNING,
			  "somebody put rules among those that protect containers, or in their place: removed");
	}
	heard = hear(watch, host);
	watch->heard |= heard & (URGENT | CALM);
	if (!(heard & MONITOR_PUT))
		return 0;
	watch->restored++;
	agent_log(LOG_LEVEL_WARNING,
		  "somebody removed a routing rule, route, address or table that containers share: put back");
	return 0;
}

/** restore() - Look and put back: 0, REFUSED */
static int restore(struct watch *watch, struct restored *ret_restored, struct error *reterr)
{
	HOST_CLEANUP struct host host = {0};

	*ret_restored = (struct restored){0};
	if (host_open(watch->agent->config->data_dir, &host, reterr))
		return REFUSED;
	host.recorder = &watch->recorder;
	if (watch->heard & (MONITOR_TABLE | MONITOR_FENCE | MONITOR_SOURCE | MONITOR_MISSED | MONITOR_CHANGED) &&
	    put_shared(watch, &host, reterr))
		return REFUSED;
	return restore_containers(&host, ret_restored, reterr);
}

/** note_failure() - What failed is tried again, ever more rarely, since all of it is told each time */
static void note_failure(struct watch *watch, bool failed, uint64_t now)
{
	if (!failed)
		watch->retry = 0;
	else if (!watch->retry)
		watch->retry = FIRST_RETRY;
	else
		watch->retry = 2 * watch->retry < INTERVAL ? 2 * watch->retry : INTERVAL;
	watch->retry_at = now + watch->retry;
}

/** look() - Look at everything, say what was missing, and rest for as long as that is due */
static void look(struct watch *watch)
{
	uint64_t begin = now_us(), end;
	struct restored restored;
	struct error err = {0};
	int r;

	count_in(watch);
	if (watch->retry)
		watch->heard |= MONITOR_MISSED;
	r = restore(watch, &restored, &err);
	end = now_us();
	watch->heard = 0;
	note_failure(watch, r || restored.failed, end);
	watch->looks++;
	watch->seconds += (double)(end - begin) / USEC_PER_SEC;
	watch->restored += restored.missing;
	watch->failures += restored.failed + (r != 0);
	watch->rested = end + (end - begin) * REST_FACTOR;
	if (r)
		agent_log(LOG_LEVEL_ERROR, "what protects the containers of this host can't be looked at: %s", err.msg);
	if (restored.missing)
		agent_log(
			LOG_LEVEL_WARNING,
			"somebody took out of the kernel what protects %zu of %zu containers, or leads to them: put back "
			"after %.1f ms",
			restored.missing, restored.looked, (double)(end - begin) / 1000.0);
	if (restored.failed)
		agent_log(LOG_LEVEL_ERROR, "%zu containers lack some of their protection still", restored.failed);
}

/** plan() - When to look next, by what was heard: 0, negative errno */
static int plan(struct watch *watch)
{
	uint64_t now = now_us(), at = now + INTERVAL;

	if (watch->heard & URGENT)
		at = now + GATHER;
	else if (watch->heard & CALM)
		at = watch->rested > now + GATHER ? watch->rested : now + GATHER;
	if (watch->retry && watch->retry_at < at)
		at = watch->retry_at;
	return sd_event_source_set_time(watch->timer, at);
}

/** on_timer() - sd_event_time_handler_t */
static int on_timer(sd_event_source *source, uint64_t time, void *userdata)
{
	struct watch *watch = userdata;
	int r;

	(void)time;
	look(watch);
	r = plan(watch);
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/** on_heard() - sd_event_io_handler_t */
static int on_heard(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct watch *watch = userdata;
	unsigned heard = 0, before = watch->heard;
	int r = monitor_read(fd, 0, &heard);

	(void)events;
	if (r < 0) {
		agent_log(LOG_LEVEL_ERROR, "no longer receiving the kernel's notifications: %s", strerror(-r));
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	}
	watch->heard |= heard & (URGENT | CALM);
	return watch->heard == before ? 0 : plan(watch);
}

/** listen_to() - A socket in the loop: 0, negative errno */
static int listen_to(struct watch *watch, int opened, int fd, sd_event_source **ret_source)
{
	int r = opened;

	if (!r)
		r = sd_event_add_io(watch->agent->event, ret_source, fd, EPOLLIN, on_heard, watch);
	if (r < 0)
		return r;
	(void)sd_event_source_set_io_fd_own(*ret_source, true);
	return 0;
}

/** start_listening() - Both sockets and the first look: 0, negative errno */
static int start_listening(struct watch *watch)
{
	int fd = -1, r;

	r = sd_event_add_time_relative(watch->agent->event, &watch->timer, CLOCK_MONOTONIC, 0, 1, on_timer, watch);
	if (r < 0)
		return r;
	watch->heard = MONITOR_MISSED;
	r = monitor_open_rtnetlink(&fd);
	r = listen_to(watch, r, fd, &watch->rtnetlink);
	if (r < 0)
		return r;
	r = monitor_open_nftables(&fd);
	/* A kernel without nf_tables has nothing that could be taken out of them. */
	return r == -EPROTONOSUPPORT ? 0 : listen_to(watch, r, fd, &watch->nftables);
}

static void stop(void *self)
{
	struct watch *watch = self;

	sd_event_source_disable_unref(watch->nftables);
	sd_event_source_disable_unref(watch->rtnetlink);
	sd_event_source_disable_unref(watch->timer);
	recorder_done(&watch->recorder);
	free(watch);
}

static int start(struct agent *agent, void **ret_self, struct error *reterr)
{
	struct watch *watch;
	int r;

	if (!agent->config->restore)
		return 0;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return error_no_memory(reterr);
	watch->agent = agent;
	recorder_begin(&watch->recorder);
	watch->recorder.history = history_of(&agent->config->policy);
	r = start_listening(watch);
	if (r < 0) {
		stop(watch);
		return error_set_errno(reterr, ERROR_KERNEL, r, "cannot receive the kernel's notifications");
	}
	*ret_self = watch;
	return 0;
}

/** write_one() - One sample with its description */
static void write_one(FILE *stream, const char *name, const char *type, const char *text, double value)
{
	(void)fprintf(stream, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, text, name, type, name, value);
}

static void metrics(void *self, FILE *stream)
{
	const struct watch *watch = self;

	write_one(stream, "rangeguard_agent_looks_total", "counter",
		  "Times that all that protects containers was looked at.", (double)watch->looks);
	write_one(stream, "rangeguard_agent_look_seconds_total", "counter", "Time that this took.", watch->seconds);
	write_one(
		stream, "rangeguard_agent_restored_total", "counter",
		"Containers that got back what protects them or leads to them, after somebody took it out of the kernel.",
		(double)watch->restored);
	write_one(stream, "rangeguard_agent_restore_failures_total", "counter", "Containers for which that failed.",
		  (double)watch->failures);
}

const struct agent_module watch_module = {.name = "watch", .start = start, .stop = stop, .metrics = metrics};
