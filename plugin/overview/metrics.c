/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats): base units, a
 * HELP and a TYPE line for each family. The agent prints them, too, with its own behind them.
 */

#include "plugin/overview/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/store/state.h"
#include "plugin/metrics/counters.h"
#include "plugin/overview/lease_set.h"
#include "plugin/overview/pools.h"
#include "rangeguard/array.h"

#ifndef RANGEGUARD_VERSION
#error "RANGEGUARD_VERSION must be the project's version"
#endif

#define NS_PER_S 1e9

/** Names of verbs in the order of enum cni_verb */
static const char *const verbs[COUNTERS_VERBS] = {"ADD", "DEL", "CHECK", "GC", "STATUS"};

/** struct single - A counter without labels */
struct single {
	enum counter counter;
	const char *name;
	const char *help;
};

static const struct single singles[] = {
	{COUNTER_HISTORY_EVENTS, "history_events", "Events for the history, written or lost."},
	{COUNTER_HISTORY_LOST, "history_lost", "Events that could not be written to the history."},
	{COUNTER_RECLAIMED, "reclaimed_leases", "Leases of dead containers that an ADD gave back."},
	{COUNTER_GC_REMOVED, "gc_removed_attachments", "Attachments that GC removed."},
	{COUNTER_STORE_REPLACED, "store_replaced", "Damaged lease stores that were set aside and rebuilt."},
	{COUNTER_STORE_REPAIRED, "store_repaired", "Lease stores in which damaged rows were repaired."},
	{COUNTER_POLICY_COMPILED, "policy_compiled", "Large policies that were compiled."},
	{COUNTER_PINS_ARMED, "pins_armed", "Containers that were given a pinned source address."},
	{COUNTER_FENCE_REPAIRS, "ruleset_restored", "Times that the nftables table was found missing and restored."},
	{COUNTER_UNGUARDED, "unguarded_adds", "ADDs without any reservation in their policy."},
	{COUNTER_LAST_GOOD, "last_good_adds", "ADDs on the last policy that could be read."},
};

/** family() - Begin a family of metrics */
static void family(FILE *stream, const char *name, const char *type, const char *help)
{
	(void)fprintf(stream, "# HELP rangeguard_%s %s\n# TYPE rangeguard_%s %s\n", name, help, name, type);
}

/** label() - A label, its value escaped as the format wants it */
static void label(FILE *stream, const char *name, const char *value)
{
	(void)fprintf(stream, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n') {
			(void)fputs("\\n", stream);
			continue;
		}
		if (*value == '"' || *value == '\\')
			(void)fputc('\\', stream);
		(void)fputc(*value, stream);
	}
	(void)fputc('"', stream);
}

/** write_singles() - Counters without labels */
static void write_singles(const struct counters *counters, FILE *stream)
{
	char name[64];

	for (size_t i = 0; i < ARRAY_LENGTH(singles); i++) {
		(void)snprintf(name, sizeof(name), "%s_total", singles[i].name);
		family(stream, name, "counter", singles[i].help);
		(void)fprintf(stream, "rangeguard_%s %" PRIu64 "\n", name, counters_read(counters, singles[i].counter));
	}
}

/** write_requests() - Calls by verb and code; code 0 always, so that a rate has a beginning */
static void write_requests(const struct counters *counters, FILE *stream)
{
	family(stream, "requests_total", "counter", "CNI calls by verb and error code; 0: succeeded.");
	for (unsigned verb = 0; verb < COUNTERS_VERBS; verb++) {
		for (unsigned slot = 0; slot < COUNTERS_CODES; slot++) {
			unsigned counter = COUNTER_REQUESTS + verb * COUNTERS_CODES + slot;
			uint64_t n = counters_read(counters, counter);
			int code = counter_code(slot);

			if (code == -2 || (!n && code))
				continue;
			(void)fprintf(stream, "rangeguard_requests_total{verb=\"%s\",code=\"", verbs[verb]);
			(void)(code < 0 ? fputs("other", stream) : fprintf(stream, "%d", code));
			(void)fprintf(stream, "\"} %" PRIu64 "\n", n);
		}
	}
}

/** write_duration() - The histogram of one verb: buckets are cumulative in this format */
static void write_duration(const struct counters *counters, unsigned verb, FILE *stream)
{
	unsigned first = COUNTER_DURATIONS + verb * (COUNTERS_BUCKETS + 1);
	uint64_t n = 0;

	for (unsigned i = 0; i < COUNTERS_BUCKETS; i++) {
		n += counters_read(counters, first + i);
		(void)fprintf(stream, "rangeguard_request_duration_seconds_bucket{verb=\"%s\",le=\"", verbs[verb]);
		if (counters_bounds[i] == UINT64_MAX)
			(void)fputs("+Inf", stream);
		else
			(void)fprintf(stream, "%g", (double)counters_bounds[i] / NS_PER_S);
		(void)fprintf(stream, "\"} %" PRIu64 "\n", n);
	}
	(void)fprintf(stream, "rangeguard_request_duration_seconds_sum{verb=\"%s\"} %.9f\n", verbs[verb],
		      (double)counters_read(counters, first + COUNTERS_BUCKETS) / NS_PER_S);
	(void)fprintf(stream, "rangeguard_request_duration_seconds_count{verb=\"%s\"} %" PRIu64 "\n", verbs[verb], n);
}

/** write_counters() - All that is counted; without a state directory it is all 0 */
static void write_counters(const char *data_dir, FILE *stream)
{
	COUNTERS_CLEANUP struct counters counters = {.numbers = NULL};
	STATE_CLEANUP struct state state = STATE_INIT;

	if (state_open(data_dir, STATE_READ, &state) == 0)
		(void)counters_open(state.dir_fd, false, &counters);
	write_requests(&counters, stream);
	family(stream, "request_duration_seconds", "histogram", "How long CNI calls took.");
	for (unsigned verb = 0; verb < COUNTERS_TIMED; verb++)
		write_duration(&counters, verb, stream);
	write_singles(&counters, stream);
}

/** struct metrics_tally - How many leases and addresses a network holds */
struct metrics_tally {
	const char *network;
	size_t leases;
	size_t addresses;
	size_t pinned;
};

/** by_network() - qsort(3) order */
static int by_network(const void *a, const void *b)
{
	return strcmp(((const struct metrics_tally *)a)->network, ((const struct metrics_tally *)b)->network);
}

/** tally() - Leases by network: how many networks; @tallies has room for one per lease */
static size_t tally(const struct lease_set *leases, struct metrics_tally *tallies)
{
	size_t n = 0;

	for (size_t i = 0; i < leases->n; i++) {
		struct lease lease = lease_set_get(leases, i);

		tallies[i] = (struct metrics_tally){.network = lease.attachment.network,
						    .leases = 1,
						    .addresses = lease.attachment.chained ? 0 : lease.n_addresses,
						    .pinned = *lease.pins != '\0'};
	}
	if (leases->n)
		qsort(tallies, leases->n, sizeof(*tallies), by_network);
	for (size_t i = 0; i < leases->n; i++) {
		if (!n || strcmp(tallies[n - 1].network, tallies[i].network) != 0) {
			tallies[n++] = tallies[i];
			continue;
		}
		tallies[n - 1].leases++;
		tallies[n - 1].addresses += tallies[i].addresses;
		tallies[n - 1].pinned += tallies[i].pinned;
	}
	return n;
}

/** write_tallies() - One family of numbers by network, @offset of it in struct metrics_tally */
static void write_tallies(const struct metrics_tally *tallies, size_t n, const char *name, const char *help,
			  size_t offset, FILE *stream)
{
	family(stream, name, "gauge", help);
	for (size_t i = 0; i < n; i++) {
		(void)fprintf(stream, "rangeguard_%s{", name);
		label(stream, "network", tallies[i].network);
		(void)fprintf(stream, "} %zu\n", *(const size_t *)((const char *)&tallies[i] + offset));
	}
}

/** write_leases() - What is held: 0, -ENOMEM; @ret_usable: the store can be read, or there is none yet */
static int write_leases(const char *data_dir, FILE *stream)
{
	LEASE_SET_CLEANUP struct lease_set leases = {0};
	int outcome = lease_set_read(data_dir, NULL, &leases);
	struct metrics_tally *tallies = calloc(leases.n + 1, sizeof(*tallies));
	size_t n = tallies ? tally(&leases, tallies) : 0;

	if (!tallies || outcome == -ENOMEM) {
		free(tallies);
		return -ENOMEM;
	}
	write_tallies(tallies, n, "leases", "Attachments that hold a lease.", offsetof(struct metrics_tally, leases),
		      stream);
	write_tallies(tallies, n, "addresses_held", "Addresses that are held.",
		      offsetof(struct metrics_tally, addresses), stream);
	write_tallies(tallies, n, "leases_pinned", "Attachments whose packets leave by a pin.",
		      offsetof(struct metrics_tally, pinned), stream);
	family(stream, "store_usable", "gauge", "Whether the lease store can be read (1), or not (0).");
	(void)fprintf(stream, "rangeguard_store_usable %d\n",
		      (!outcome || outcome == STATE_E_ABSENT) && !leases.damaged);
	free(tallies);
	return 0;
}

/** is_repeated() - Whether a range has been met before: a list may have this program in it twice */
static bool is_repeated(const struct pools *pools, size_t index)
{
	const struct pool_usage *usage = &pools->usages[index];

	for (size_t i = 0; i < index; i++) {
		const struct pool_usage *earlier = &pools->usages[i];

		if (!strcmp(earlier->network, usage->network) && earlier->set == usage->set &&
		    span_covers(&earlier->span, &usage->span) && span_covers(&usage->span, &earlier->span))
			return true;
	}
	return false;
}

/** write_pool_family() - One number of each range; @offset of it in struct pool_usage */
static void write_pool_family(const struct pools *pools, const char *name, const char *help, size_t offset,
			      FILE *stream)
{
	char number[POOL_NUMBER_MAX], set[24], range[SPAN_TEXT_MAX];

	family(stream, name, "gauge", help);
	for (size_t i = 0; i < pools->n_usages; i++) {
		const struct pool_usage *usage = &pools->usages[i];
		const u128 *value = (const u128 *)(const void *)((const char *)usage + offset);

		if (is_repeated(pools, i))
			continue;
		(void)snprintf(set, sizeof(set), "%zu", usage->set);
		(void)fprintf(stream, "rangeguard_%s{", name);
		label(stream, "network", usage->network);
		(void)fputc(',', stream);
		label(stream, "set", set);
		(void)fputc(',', stream);
		label(stream, "range", span_format(&usage->span, range));
		(void)fprintf(stream, "} %s\n", pool_number(*value, number));
	}
}

/** network_value_fn - A number of a network */
typedef double (*network_value_fn)(const struct network_state *network);

static double n_entries(const struct network_state *network)
{
	return (double)network->n_entries;
}

static double n_expiring(const struct network_state *network)
{
	return (double)network->n_expiring;
}

static double is_broken(const struct network_state *network)
{
	return network->policy_broken;
}

static double changed(const struct network_state *network)
{
	return (double)network->policy_changed;
}

/** write_network_family() - One number of each network */
static void write_network_family(const struct pools *pools, const char *name, const char *help, network_value_fn value,
				 FILE *stream)
{
	family(stream, name, "gauge", help);
	for (size_t i = 0; i < pools->n_networks; i++) {
		size_t earlier = 0;

		while (strcmp(pools->networks[earlier].name, pools->networks[i].name) != 0)
			earlier++;
		if (earlier < i)
			continue;
		(void)fprintf(stream, "rangeguard_%s{", name);
		label(stream, "network", pools->networks[i].name);
		(void)fprintf(stream, "} %.0f\n", value(&pools->networks[i]));
	}
}

/** write_networks() - What the policy of each network says */
static void write_networks(const struct pools *pools, FILE *stream)
{
	write_network_family(pools, "policy_entries", "Entries of the network's policy that count today.", n_entries,
			     stream);
	write_network_family(pools, "policy_expiring_entries", "Of these, those that expire within 30 days.",
			     n_expiring, stream);
	write_network_family(pools, "policy_broken",
			     "Whether the network's policy can't be read (1): then each ADD is refused.", is_broken,
			     stream);
	write_network_family(pools, "policy_changed_timestamp_seconds",
			     "When a file of the policy, or a table that it imports, was last changed.", changed,
			     stream);
}

/** write_files() - How old policies and the tables that they import are */
static void write_files(const struct pools *pools, FILE *stream)
{
	family(stream, "policy_file_changed_timestamp_seconds", "gauge",
	       "When this policy, or this table that one imports, was last changed.");
	for (size_t i = 0; i < pools->n_files; i++) {
		(void)fputs("rangeguard_policy_file_changed_timestamp_seconds{", stream);
		label(stream, "file", pools->files[i].path);
		(void)fprintf(stream, "} %lld\n", (long long)pools->files[i].changed);
	}
}

/** hear_nothing() - Listener: what is wrong shows in the numbers */
static void hear_nothing(struct report *report, const struct finding *finding)
{
	(void)report;
	(void)finding;
}

/** write_pools() - Ranges and policies of the networks: 0, -ENOMEM. Without configurations there is nothing to say */
static int write_pools(const struct path_list *configs, FILE *stream)
{
	POOLS_CLEANUP struct pools pools = {0};
	struct report report = {.heard = hear_nothing};
	int r = pools_read(configs, NULL, &report, &pools);

	if (r == -ENOMEM)
		return r;
	write_pool_family(&pools, "pool_addresses", "Addresses of the range.", offsetof(struct pool_usage, size),
			  stream);
	write_pool_family(&pools, "pool_reserved_addresses", "Addresses of the range that are reserved.",
			  offsetof(struct pool_usage, reserved), stream);
	write_pool_family(&pools, "pool_held_addresses", "Addresses of the range that are held.",
			  offsetof(struct pool_usage, held), stream);
	write_pool_family(&pools, "pool_resting_addresses", "Addresses of the range that were released lately.",
			  offsetof(struct pool_usage, resting), stream);
	write_pool_family(&pools, "pool_free_addresses", "Addresses of the range that can be given.",
			  offsetof(struct pool_usage, free), stream);
	write_networks(&pools, stream);
	write_files(&pools, stream);
	family(stream, "config_errors", "gauge",
	       "What is wrong with network configurations and policies of this host.");
	(void)fprintf(stream, "rangeguard_config_errors %u\n", report.errors);
	return 0;
}

/**
 * metrics_write() - Write all metrics of a host
 * @source:	What they are about
 * @stream:	Where to
 *
 * Return: 0, -ENOMEM
 */
int metrics_write(const struct metrics_source *source, FILE *stream)
{
	int r;

	family(stream, "build_info", "gauge", "The version of rangeguard, as a label.");
	(void)fprintf(stream, "rangeguard_build_info{version=\"%s\"} 1\n", RANGEGUARD_VERSION);
	write_counters(source->data_dir, stream);
	r = write_leases(source->data_dir, stream);
	return r ? r : write_pools(&source->configs, stream);
}
