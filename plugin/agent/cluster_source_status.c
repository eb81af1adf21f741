/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is to tell of shared sources: `cluster status`, metrics. */

#include <string.h>

#include "plugin/agent/cluster_sources.h"

/** pack_source() - A source with its holder; of this host's own until when it may send */
static json_t *pack_source(const struct cluster *cluster, const struct record *record, int64_t now)
{
	const char *text = record->key + strlen("source/");
	json_t *source = json_pack("{s:s, s:s, s:s, s:I}", "address", text, "host", record->source.host, "pin",
				   record->source.pin, "since", (json_int_t)record->source.since);
	char own[ADDRESS_TEXT_MAX];

	for (unsigned i = 0; i < cluster->sources->n; i++) {
		const struct shared *shared = cluster->sources->all[i];

		if (strcmp(address_format(&shared->known.address, own), text) != 0 ||
		    strcmp(record->source.host, cluster->config.host) != 0)
			continue;
		(void)json_object_set_new(source, "open", json_boolean(shared->known.open && now < shared->deadline));
		(void)json_object_set_new(
			source, "deadlineMs",
			json_integer(now < shared->deadline ? (shared->deadline - now) / RECORD_MS : 0));
	}
	return source;
}

/** sources_status() - All sources that somebody holds, for `cluster status` */
json_t *sources_status(const struct cluster *cluster)
{
	const struct cache *cache = machine_cache(cluster->machine);
	int64_t now = cluster_now();
	json_t *all = json_array();

	for (size_t i = cache_from(cache, "source/"); i < cache->n && cache->rows[i]->record.kind == RECORD_SOURCE;
	     i++) {
		const struct record *record = &cache->rows[i]->record;

		if (record->text && record->readable)
			(void)json_array_append_new(all, pack_source(cluster, record, now));
	}
	return all;
}

/** write_sample() - Of one source */
static void write_sample(FILE *stream, const char *name, const struct shared *shared, double value)
{
	char text[ADDRESS_TEXT_MAX];

	(void)fprintf(stream, "%s{source=\"%s\",pin=\"%s\"} %.17g\n", name,
		      address_format(&shared->known.address, text), shared->known.pin, value);
}

/** sources_write_metrics() - Which sources containers have here, and for how long they may send */
void sources_write_metrics(const struct cluster *cluster, FILE *stream)
{
	const struct sources *sources = cluster->sources;
	int64_t now = cluster_now();

	(void)fputs("# HELP rangeguard_cluster_source_users Networks and pins in use here that name a shared source.\n"
		    "# TYPE rangeguard_cluster_source_users gauge\n",
		    stream);
	for (size_t i = 0; i < sources->n; i++)
		write_sample(stream, "rangeguard_cluster_source_users", sources->all[i], sources->all[i]->users);
	(void)fputs("# HELP rangeguard_cluster_source_seconds For how long this host may send with it; 0: not.\n"
		    "# TYPE rangeguard_cluster_source_seconds gauge\n",
		    stream);
	for (size_t i = 0; i < sources->n; i++) {
		const struct shared *shared = sources->all[i];

		write_sample(stream, "rangeguard_cluster_source_seconds", shared,
			     shared->known.open && shared->deadline > now ? (double)(shared->deadline - now) / 1e9 : 0);
	}
}
