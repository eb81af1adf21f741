/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many hosts that claim their blocks at once: each with the agent's own state machine and etcd client, all in one loop,
 * against a real etcd. Prints how long it took, and what it cost.
 *
 * Usage: claims HOSTS SECONDS ENDPOINT…
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/etcd/etcd.h"

#define BLOCKS_WANTED 2

struct bench;

/** struct one - A host: the block in use, which has an address, and the spare one */
struct one {
	struct bench *bench;
	struct machine *machine;
	struct etcd *etcd;
	sd_event_source *timer, *again;
	unsigned blocks;
	int64_t took;
};

struct bench {
	sd_event *event;
	struct etcd_config config;
	struct one *ones;
	size_t n, done;
	int64_t began, limit;
	uint64_t requests, swaps, lost, given_up, random;
};

static int64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * MACHINE_SECOND + t.tv_nsec;
}

static uint64_t next_random(void *context)
{
	struct one *one = context;

	return ++one->bench->random;
}

static bool not_reserved(void *context, const struct prefix *block)
{
	(void)context;
	(void)block;
	return false;
}

/** opened() - The first block gets an address, so that a spare one is wanted */
static void opened(struct one *one, const char *key)
{
	if (++one->blocks == 1)
		machine_block_used(one->machine, now(), key, 1);
	if (one->blocks != BLOCKS_WANTED)
		return;
	one->took = now() - one->bench->began;
	if (++one->bench->done == one->bench->n)
		(void)sd_event_exit(one->bench->event, 0);
}

static void run(struct one *one)
{
	char key[RECORD_KEY_MAX];
	struct action action;

	while (machine_next(one->machine, now(), &action) == 0 && action.kind != ACTION_WAIT) {
		if (action.kind == ACTION_REQUEST) {
			one->bench->requests++;
			one->bench->swaps += action.request->kind == REQUEST_SWAP;
			if (etcd_send(one->etcd, action.request) < 0)
				abort();
			continue;
		}
		(void)snprintf(key, sizeof(key), "%s", action.key ? action.key : "");
		if (action.kind == ACTION_WATCH && etcd_watch(one->etcd, action.revision) < 0)
			abort();
		machine_done(one->machine, now(), DONE_OK);
		if (action.kind == ACTION_BLOCK_OPEN)
			opened(one, key);
	}
	(void)sd_event_source_set_time(one->timer,
				       action.until == INT64_MAX ? UINT64_MAX / 2 : (uint64_t)action.until / 1000 + 1);
	(void)sd_event_source_set_enabled(one->timer, SD_EVENT_ONESHOT);
}

static int on_again(sd_event_source *source, void *userdata)
{
	(void)source;
	run(userdata);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct one *one = userdata;

	(void)source;
	(void)usec;
	run(one);
	return 0;
}

static void on_answered(void *userdata, uint64_t id, const struct engine_answer *answer)
{
	struct one *one = userdata;

	one->bench->given_up += !answer;
	one->bench->lost += answer && !answer->won && answer->n_records > 0;
	machine_answer(one->machine, now(), id, answer);
	(void)sd_event_source_set_enabled(one->again, SD_EVENT_ONESHOT);
}

static void on_watched(void *userdata, const struct record *record)
{
	struct one *one = userdata;

	machine_watched(one->machine, now(), record);
	(void)sd_event_source_set_enabled(one->again, SD_EVENT_ONESHOT);
}

static void on_watch_lost(void *userdata)
{
	struct one *one = userdata;

	machine_watch_lost(one->machine, now());
	(void)sd_event_source_set_enabled(one->again, SD_EVENT_ONESHOT);
}

static void begin(struct bench *bench, size_t i)
{
	struct one *one = &bench->ones[i];
	struct etcd_events events = {on_answered, on_watched, on_watch_lost, on_watch_lost, one};
	struct machine_config config = {.ttl = 5 * MACHINE_SECOND,
					.block_rest = 600 * MACHINE_SECOND,
					.random = next_random,
					.is_reserved = not_reserved,
					.context = one};
	struct cluster_pool pool = {.block_length = 26, .network = "pods"};

	one->bench = bench;
	(void)prefix_parse("10.0.0.0/14", &pool.prefix);
	(void)snprintf(config.host, sizeof(config.host), "host-%zu", i);
	(void)snprintf(config.machine_id, sizeof(config.machine_id), "%032zx", i + 1);
	(void)snprintf(config.boot_id, sizeof(config.boot_id), "%032zx", i + 1);
	one->machine = machine_new(&config);
	if (!one->machine || machine_add_pool(one->machine, &pool) < 0 ||
	    etcd_new(bench->event, &bench->config, &events, &one->etcd) < 0 ||
	    sd_event_add_time(bench->event, &one->timer, CLOCK_BOOTTIME, 0, 1000, on_timer, one) < 0 ||
	    sd_event_add_defer(bench->event, &one->again, on_again, one) < 0)
		abort();
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int on_limit(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)usec;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 1);
}

int main(int argc, char **argv)
{
	struct bench bench = {.config = {.prefix = "/rangeguard", .limit_ms = 500}};
	int64_t *took;
	int r;

	if (argc < 4)
		return 2;
	bench.n = strtoul(argv[1], NULL, 10);
	for (int i = 3; i < argc && bench.config.n_endpoints < ETCD_ENDPOINTS_MAX; i++)
		bench.config.endpoints[bench.config.n_endpoints++] = argv[i];
	bench.ones = calloc(bench.n, sizeof(*bench.ones));
	took = calloc(bench.n, sizeof(*took));
	if (!bench.ones || !took || sd_event_new(&bench.event) < 0)
		abort();
	bench.began = now();
	for (size_t i = 0; i < bench.n; i++)
		begin(&bench, i);
	(void)sd_event_add_time_relative(bench.event, NULL, CLOCK_MONOTONIC, strtoul(argv[2], NULL, 10) * 1000000, 0,
					 on_limit, NULL);
	r = sd_event_loop(bench.event);
	for (size_t i = 0; i < bench.n; i++) {
		took[i] = bench.ones[i].took;
		etcd_free(bench.ones[i].etcd);
		machine_free(bench.ones[i].machine);
		sd_event_source_disable_unref(bench.ones[i].timer);
		sd_event_source_disable_unref(bench.ones[i].again);
	}
	qsort(took, bench.n, sizeof(*took), compare);
	printf("%zu of %zu hosts have %d blocks: p50 %lld ms, p99 %lld, max %lld; requests %llu, swaps %llu, lost %llu, "
	       "unanswered %llu\n",
	       bench.done, bench.n, BLOCKS_WANTED, (long long)(took[bench.n / 2] / 1000000),
	       (long long)(took[bench.n * 99 / 100] / 1000000), (long long)(took[bench.n - 1] / 1000000),
	       (unsigned long long)bench.requests, (unsigned long long)bench.swaps, (unsigned long long)bench.lost,
	       (unsigned long long)bench.given_up);
	free(took);
	free(bench.ones);
	sd_event_unref(bench.event);
	return r != 0;
}
