/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop around the state machine: what has happened goes in with the clock, read after it has; what is to be done
 * comes out, one thing at a time.
 */

#include "plugin/agent/cluster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "plugin/agent/cluster_internal.h"
#include "plugin/agent/log.h"
#include "rangeguard/cleanup.h"

/** A look at the leases and the routes */
#define TICK_US 250000U
/** An empty block is given back after */
#define BLOCK_REST_S 600
#define US_PER_NS 1000
/** An etcd that does not answer is told of in the journal after */
#define ETCD_TELL_NS (3 * MACHINE_SECOND)
/** What the kernel refused is asked of it again after */
#define FAILED_REST_NS (MACHINE_SECOND / 20)

/** cluster_now() - CLOCK_BOOTTIME, nanoseconds: it goes on while the machine is suspended */
int64_t cluster_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * MACHINE_SECOND + now.tv_nsec;
}

/** random_number() - For the machine */
static uint64_t random_number(void *context)
{
	uint64_t number = 0;

	(void)context;
	/* So few bytes come at once, and always (getrandom(2)). */
	return getrandom(&number, sizeof(number), 0) == sizeof(number) ? number : 0;
}

/** is_reserved() - For the machine: whether the published policy reserves a block as a whole */
static bool is_reserved(void *context, const struct prefix *block)
{
	return policy_reserves(context, block);
}

/** is_reserved_source() - For the machine: whether the policy in force reserves a shared source */
static bool is_reserved_source(void *context, unsigned source)
{
	return sources_are_reserved(context, source);
}

/** cluster_run_soon() - Ask the machine what to do, once this turn of the loop has ended */
void cluster_run_soon(struct cluster *cluster)
{
	(void)sd_event_source_set_enabled(cluster->again, SD_EVENT_ONESHOT);
}

static void on_answered(void *userdata, uint64_t id, const struct engine_answer *answer)
{
	struct cluster *cluster = userdata;

	machine_answer(cluster->machine, cluster_now(), id, answer);
	cluster->changed = true;
	cluster_run_soon(cluster);
}

static void on_watched(void *userdata, const struct record *record)
{
	struct cluster *cluster = userdata;

	machine_watched(cluster->machine, cluster_now(), record);
	cluster->changed = true;
	cluster_run_soon(cluster);
}

static void on_watch_lost(void *userdata)
{
	struct cluster *cluster = userdata;

	machine_watch_lost(cluster->machine, cluster_now());
	cluster_run_soon(cluster);
}

static void on_restored(void *userdata)
{
	struct cluster *cluster = userdata;

	agent_log(LOG_LEVEL_WARNING,
		  "etcd is another cluster than before, or was restored from a backup: what was held "
		  "counts no longer");
	machine_restored(cluster->machine);
	cluster_run_soon(cluster);
}

/** send_request() - An action of the machine. It is answered, if need be by the machine's own clock */
static void send_request(struct cluster *cluster, const struct action *action)
{
	if (etcd_send(cluster->etcd, action->request) < 0)
		machine_answer(cluster->machine, cluster_now(), action->request->id, NULL);
}

/** act() - What is done at once */
static enum done act(struct cluster *cluster, const struct action *action)
{
	switch (action->kind) {
	case ACTION_WATCH:
		return etcd_watch(cluster->etcd, action->revision) < 0 ? DONE_FAILED : DONE_OK;
	case ACTION_POLICY:
		return policy_apply(cluster, action);
	case ACTION_BLOCK_OPEN:
	case ACTION_BLOCK_LEAVE:
	case ACTION_BLOCK_DROP:
		return blocks_do(cluster, action);
	case ACTION_DEADLINE:
	case ACTION_ADDRESS:
	case ACTION_ADDRESS_OFF:
	case ACTION_OPEN:
	case ACTION_CLOSE:
	case ACTION_PROBE:
	case ACTION_ANNOUNCE:
		return sources_do(cluster, action);
	case ACTION_WAIT:
	case ACTION_REQUEST:
	default:
		return DONE_FAILED;
	}
}

/** sleep_until() - The machine wants to be asked again then */
static void sleep_until(struct cluster *cluster, int64_t until)
{
	if (until == INT64_MAX) {
		(void)sd_event_source_set_enabled(cluster->timer, SD_EVENT_OFF);
		return;
	}
	(void)sd_event_source_set_time(cluster->timer, until > 0 ? (uint64_t)until / US_PER_NS + 1 : 1);
	(void)sd_event_source_set_enabled(cluster->timer, SD_EVENT_ONESHOT);
}

/** do_one() - An action of the machine that is done at once; false: it is to be tried again, in a moment */
static bool do_one(struct cluster *cluster, const struct action *action)
{
	char key[RECORD_KEY_MAX];
	enum done done;

	(void)snprintf(key, sizeof(key), "%s", action->key ? action->key : "");
	done = act(cluster, action);
	machine_done(cluster->machine, cluster_now(), done);
	if (action->kind == ACTION_BLOCK_OPEN && done == DONE_OK)
		asks_opened(cluster, key);
	return done != DONE_FAILED;
}

/** work() - Until the machine has nothing to do but wait */
static void work(struct cluster *cluster)
{
	struct action action;

	for (;;) {
		if (machine_next(cluster->machine, cluster_now(), &action) < 0) {
			agent_log(LOG_LEVEL_ERROR, "cluster: out of memory");
			sleep_until(cluster, cluster_now() + MACHINE_SECOND);
			return;
		}
		if (action.kind == ACTION_WAIT) {
			sleep_until(cluster, action.until);
			return;
		}
		if (action.kind == ACTION_REQUEST) {
			send_request(cluster, &action);
			continue;
		}
		if (!do_one(cluster, &action)) {
			sleep_until(cluster, cluster_now() + FAILED_REST_NS);
			return;
		}
	}
}

/** run() - Work, and tell those who waited for it */
static void run(struct cluster *cluster)
{
	work(cluster);
	sources_answer(cluster);
}

/** on_again() - sd_event_handler_t */
static int on_again(sd_event_source *source, void *userdata)
{
	(void)source;
	run(userdata);
	return 0;
}

/** on_timer() - sd_event_time_handler_t */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	run(userdata);
	return 0;
}

/** etcd_tell() - The journal's lines about an etcd that does not answer, or does again; what passes at once is none */
static void etcd_tell(struct cluster *cluster)
{
	const char *problem = etcd_problem(cluster->etcd);
	int64_t now = cluster_now();

	if (!*problem && cluster->etcd_told)
		agent_log(LOG_LEVEL_INFO, "etcd answers again at %s", etcd_endpoint(cluster->etcd));
	if (!*problem) {
		cluster->etcd_told = false;
		cluster->etcd_well = now;
		return;
	}
	if (cluster->etcd_told || now - cluster->etcd_well < ETCD_TELL_NS)
		return;
	cluster->etcd_told = true;
	agent_log(LOG_LEVEL_WARNING, "etcd does not answer: %s", problem);
}

/** on_tick() - sd_event_time_handler_t: what is looked at now and then */
static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct cluster *cluster = userdata;

	(void)usec;
	blocks_count(cluster, cluster_now());
	self_tick(cluster);
	routes_tick(cluster);
	asks_tick(cluster, cluster_now());
	sources_tick(cluster, cluster_now());
	commands_tick(cluster);
	policy_tick(cluster);
	etcd_tell(cluster);
	run(cluster);
	(void)sd_event_source_set_time_relative(source, TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/** start_machine() - Born with what this host is: 0, REFUSED */
static int start_machine(struct cluster *cluster, struct error *reterr)
{
	struct machine_config config = {.ttl = cluster->config.ttl_ms * RECORD_MS,
					.block_rest = BLOCK_REST_S * MACHINE_SECOND,
					.random = random_number,
					.is_reserved = is_reserved,
					.is_reserved_source = is_reserved_source,
					.context = cluster};

	if (self_describe(cluster, &config, reterr))
		return REFUSED;
	cluster->machine = machine_new(&config);
	return cluster->machine ? 0 : error_no_memory(reterr);
}

/** start_etcd() - The client: 0, negative errno */
static int start_etcd(struct cluster *cluster)
{
	struct etcd_events events = {.answered = on_answered,
				     .watched = on_watched,
				     .watch_lost = on_watch_lost,
				     .restored = on_restored,
				     .userdata = cluster};

	return etcd_new(cluster->agent->event, &cluster->config.etcd, &events, &cluster->etcd);
}

/** start_loop() - Timers, and the first question: 0, negative errno */
static int start_loop(struct cluster *cluster)
{
	sd_event *event = cluster->agent->event;
	int r = sd_event_add_time(event, &cluster->timer, CLOCK_BOOTTIME, 0, 1000, on_timer, cluster);

	if (r >= 0)
		r = sd_event_source_set_enabled(cluster->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &cluster->tick, CLOCK_MONOTONIC, TICK_US, 10000, on_tick,
					       cluster);
	if (r >= 0)
		r = sd_event_add_defer(event, &cluster->again, on_again, cluster);
	return r < 0 ? r : 0;
}

static void stop(void *self)
{
	struct cluster *cluster = self;

	asks_stop(cluster);
	commands_stop(cluster);
	sources_stop(cluster);
	policy_stop(cluster);
	routes_stop(cluster);
	etcd_free(cluster->etcd);
	machine_free(cluster->machine);
	sd_event_source_disable_unref(cluster->timer);
	sd_event_source_disable_unref(cluster->tick);
	sd_event_source_disable_unref(cluster->again);
	cluster_config_done(&cluster->config);
	state_done(&cluster->state);
	host_done(&cluster->host);
	free(cluster->pools);
	free(cluster);
}

/** begin() - All of it: 0, REFUSED */
static int begin(struct cluster *cluster, struct error *reterr)
{
	const char *data_dir = cluster->agent->config->data_dir;
	int r = state_open(data_dir, STATE_WRITE, &cluster->state);

	if (r)
		return error_set(reterr, ERROR_STORE, "state directory %.256s can't be used", data_dir);
	if (host_open(data_dir, &cluster->host, reterr) || start_machine(cluster, reterr) ||
	    blocks_start(cluster, reterr) || sources_start(cluster, reterr))
		return REFUSED;
	r = start_etcd(cluster);
	if (r == 0)
		r = routes_start(cluster);
	if (r == 0)
		r = asks_start(cluster);
	if (r == 0)
		r = sources_start_asks(cluster);
	if (r == 0)
		r = commands_start(cluster);
	if (r == 0)
		r = start_loop(cluster);
	return r < 0 ? error_set_errno(reterr, ERROR_IO, r, "cluster") : 0;
}

static int start(struct agent *agent, void **ret_self, struct error *reterr)
{
	struct cluster *cluster = calloc(1, sizeof(*cluster));
	int r;

	if (!cluster)
		return error_no_memory(reterr);
	cluster->agent = agent;
	cluster->state = (struct state)STATE_INIT;
	r = cluster_config_read(CLUSTER_CONFIG_FILE, &cluster->config, reterr);
	if (r == (int)CLUSTER_CONFIG_E_ABSENT) {
		stop(cluster);
		return 0;
	}
	if (r || begin(cluster, reterr)) {
		stop(cluster);
		return REFUSED;
	}
	agent_log(LOG_LEVEL_INFO, "host %s of the cluster at %s%s", cluster->config.host,
		  cluster->config.etcd.endpoints[0], cluster->config.etcd.n_endpoints > 1 ? " and others" : "");
	*ret_self = cluster;
	return 0;
}

/**
 * cluster_check() - Whether the cluster's configuration is right; none is right, too
 * @reterr:	What is wrong with it
 *
 * Return: 0, REFUSED
 */
int cluster_check(struct error *reterr)
{
	struct cluster_config config;
	int r = cluster_config_read(CLUSTER_CONFIG_FILE, &config, reterr);

	cluster_config_done(&config);
	return r == (int)CLUSTER_CONFIG_E_ABSENT ? 0 : r;
}

const struct agent_module cluster_module = {
	.name = "cluster", .start = start, .stop = stop, .metrics = status_write_metrics};
