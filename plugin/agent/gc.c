/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives back what containers left behind that are gone. */

#include "plugin/agent/gc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/agent/log.h"
#include "plugin/host/lease_store.h"
#include "plugin/host/reclaim.h"
#include "rangeguard/limits.h"

#define USEC_PER_SEC UINT64_C(1000000)

/** struct gc - The module */
struct gc {
	const struct agent *agent;
	sd_event_source *timer;
	struct recorder recorder;
	uint64_t removed;
};

/** collect() - Some of them: how many, so that the caller goes on while there are any; REFUSED through @reterr */
static int collect(struct gc *gc, unsigned *ret_n, struct error *reterr)
{
	const char *data_dir = gc->agent->config->data_dir;
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	HOST_CLEANUP struct host host = {0};
	int r = state_open(data_dir, STATE_UPDATE, &state);

	*ret_n = 0;
	if (r == STATE_E_ABSENT)
		return 0;
	if (r)
		return lease_store_error(data_dir, r, reterr);
	recorder_count_in(&gc->recorder, state.dir_fd);
	if (host_open(data_dir, &host, reterr))
		return REFUSED;
	host.recorder = &gc->recorder;
	r = lease_store_open(data_dir, &state, STATE_UPDATE, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	r = reclaim_gone(store, time(NULL), &host, ret_n);
	return r ? lease_store_error(data_dir, r, reterr) : 0;
}

/** on_timer() - sd_event_time_handler_t: verbs get the store between two parts */
static int on_timer(sd_event_source *source, uint64_t time, void *userdata)
{
	struct gc *gc = userdata;
	struct error err = {0};
	unsigned n = 0;
	int r;

	(void)time;
	if (collect(gc, &n, &err))
		agent_log(LOG_LEVEL_WARNING, "what dead containers left can't be given back: %s", err.msg);
	gc->removed += n;
	r = sd_event_source_set_time_relative(source,
					      n == LIMIT_RECLAIMED_PER_ADD ? 0 : gc->agent->config->gc * USEC_PER_SEC);
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void stop(void *self)
{
	struct gc *gc = self;

	sd_event_source_disable_unref(gc->timer);
	recorder_done(&gc->recorder);
	free(gc);
}

static int start(struct agent *agent, void **ret_self, struct error *reterr)
{
	struct gc *gc;
	int r;

	if (!agent->config->gc)
		return 0;
	gc = calloc(1, sizeof(*gc));
	if (!gc)
		return error_no_memory(reterr);
	gc->agent = agent;
	recorder_begin(&gc->recorder);
	gc->recorder.history = history_of(&agent->config->policy);
	r = sd_event_add_time_relative(agent->event, &gc->timer, CLOCK_MONOTONIC, agent->config->gc * USEC_PER_SEC, 0,
				       on_timer, gc);
	if (r < 0) {
		stop(gc);
		return error_set_errno(reterr, ERROR_IO, r, "can't create a timer");
	}
	*ret_self = gc;
	return 0;
}

static void metrics(void *self, FILE *stream)
{
	const struct gc *gc = self;

	(void)fprintf(stream,
		      "# HELP rangeguard_agent_gc_removed_total Leases of containers that are gone, given back by the "
		      "agent.\n"
		      "# TYPE rangeguard_agent_gc_removed_total counter\n"
		      "rangeguard_agent_gc_removed_total %llu\n",
		      (unsigned long long)gc->removed);
}

const struct agent_module gc_module = {.name = "gc", .start = start, .stop = stop, .metrics = metrics};
