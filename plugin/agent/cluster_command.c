/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard cluster publish`, `forget` and `who`: what people want of etcd, done by the agent. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/agent/cluster_internal.h"
#include "plugin/text/source.h"
#include "rangeguard/array.h"

/** A host that was heard of within this time is not forgotten without --force */
#define HEARD_NS (60 * MACHINE_SECOND)
/** A published policy counts on this host within, or it is told why not; who asked waits a little longer */
#define APPLY_NS (5 * MACHINE_SECOND)
/** etcd takes requests of 1.5 MiB by default */
#define POLICY_BYTES_MAX (1U << 20)

/**
 * struct cluster_command - One that is under way; there is one at a time
 * @ask:	Who waits
 * @host:	Forget: which
 * @forgotten:	Forget: blocks that were freed
 */
struct cluster_command {
	struct ask *ask;
	char host[RECORD_NAME_MAX];
	json_t *forgotten;
};

/** refuse_with() - Answer with an error, and be ready for the next */
static void refuse_with(struct cluster *cluster, enum error_code code, const char *text)
{
	struct error err = {0};

	(void)error_set(&err, code, "%s", text);
	ask_refuse(cluster->command->ask, &err);
	json_decref(cluster->command->forgotten);
	*cluster->command = (struct cluster_command){0};
}

/** refuse_errno() - refuse_with() of a negative errno */
static void refuse_errno(struct cluster *cluster, int errnum)
{
	refuse_with(cluster, errnum == -ENOMEM ? ERROR_TRY_AGAIN : ERROR_IO, strerror(-errnum));
}

/** answer_with() - Answer, and be ready for the next */
static void answer_with(struct cluster *cluster, json_t *answer)
{
	ask_answer_consume(cluster->command->ask, answer);
	*cluster->command = (struct cluster_command){0};
}

/** begin() - Take a command, unless one is under way */
static bool begin(struct cluster *cluster, struct ask *ask)
{
	struct error err = {0};

	if (!cluster->command->ask) {
		*cluster->command = (struct cluster_command){.ask = ask};
		return true;
	}
	(void)error_set(&err, ERROR_TRY_AGAIN, "another command is under way: try again");
	ask_refuse(ask, &err);
	return false;
}

/** refuse_unlisted() - What the records say can't be told while they are not known. Return: whether that was so */
static bool refuse_unlisted(const struct cluster *cluster, struct ask *ask)
{
	const char *problem = etcd_problem(cluster->etcd);
	struct error err = {0};

	if (machine_is_listed(cluster->machine))
		return false;
	if (*problem)
		(void)error_set(&err, ERROR_TRY_AGAIN, "this host does not reach its cluster: etcd: %.300s", problem);
	else
		(void)error_set(&err, ERROR_TRY_AGAIN, "etcd at %.128s has not answered yet: try again",
				etcd_endpoint(cluster->etcd));
	ask_refuse(ask, &err);
	return true;
}

/** say_lost() - Why a command came to nothing */
static void say_lost(struct cluster *cluster, const struct engine_answer *answer)
{
	char text[ETCD_PROBLEM_MAX + 96];

	if (answer)
		(void)snprintf(text, sizeof(text), "somebody else changed the record meanwhile: try again");
	else
		(void)snprintf(text, sizeof(text), "etcd did not answer, so it may or may not have been done: %.300s",
			       etcd_problem(cluster->etcd));
	refuse_with(cluster, ERROR_TRY_AGAIN, text);
}

/** condition_on() - A swap of @key as this host has seen it: 0, -ENOMEM */
static int condition_on(const struct cluster *cluster, const char *key, struct engine_request *ret_request)
{
	const struct seen *seen = cache_find(machine_cache(cluster->machine), key);
	struct engine_request request = {.kind = REQUEST_SWAP, .n_conditions = 1};

	(void)snprintf(request.key, sizeof(request.key), "%s", key);
	(void)snprintf(request.conditions[0].key, sizeof(request.conditions[0].key), "%s", key);
	request.conditions[0].revision = cache_revision(seen);
	*ret_request = request;
	return 0;
}

/** is_held() - A block's or a source's record, of somebody */
static const char *holder_of(const struct record *record)
{
	if (!record->text || !record->readable)
		return NULL;
	return record->kind == RECORD_BLOCK    ? record->block.host
	       : record->kind == RECORD_SOURCE ? record->source.host
					       : NULL;
}

/** add_held() - A record that is held, and of which @reserved tells what is reserved; that is released; NULL: nothing */
static void add_held(json_t *held, const struct record *record, json_t *reserved)
{
	const char *host = holder_of(record), *slash = strchr(record->key, '/');

	if (reserved && json_object_update_new(reserved, json_pack("{s:s, s:s, s:s}", "kind",
								   record->kind == RECORD_BLOCK ? "block" : "source",
								   "cidr", slash + 1, "host", host)) == 0)
		(void)json_array_append(held, reserved);
	json_decref(reserved);
}

/** reserved_of() - What the policy in force reserves of a record that somebody holds; NULL: nothing */
static json_t *reserved_of(struct cluster *cluster, const struct record *record)
{
	const char *text = holder_of(record) ? strchr(record->key, '/') + 1 : "";
	struct address address;
	struct prefix block;

	if (record->kind == RECORD_BLOCK && prefix_parse(text, &block) == 0)
		return policy_touches(cluster, &block);
	if (record->kind == RECORD_SOURCE && address_parse(text, &address) == 0)
		return policy_reserves_source(cluster, sources_network(cluster, &address), &address);
	return NULL;
}

/** pack_held_reserved() - Blocks and sources that are held already, and of which the new policy reserves something */
static json_t *pack_held_reserved(struct cluster *cluster)
{
	const struct cache *cache = machine_cache(cluster->machine);
	json_t *held = json_array();

	for (size_t i = 0; i < cache->n; i++)
		add_held(held, &cache->rows[i]->record, reserved_of(cluster, &cache->rows[i]->record));
	return held;
}

/** on_published() - etcd_command_fn */
static void on_published(void *userdata, const struct engine_answer *answer)
{
	struct cluster *cluster = userdata;

	if (!answer || !answer->won) {
		say_lost(cluster, answer);
		return;
	}
	cluster->command->forgotten = json_integer(answer->revision);
	cluster->published = answer->revision;
	cluster->published_until = cluster_now() + APPLY_NS;
}

/** say_unapplied() - The policy is published, and does not count on this host: why */
static void say_unapplied(struct cluster *cluster)
{
	const char *why = *cluster->problem ? cluster->problem : etcd_problem(cluster->etcd);
	char text[ERROR_MSG_MAX];

	(void)snprintf(text, sizeof(text), "published as revision %lld, but it does not count on this host yet%s%.500s",
		       (long long)cluster->published, *why ? ": " : "", why);
	cluster->published = 0;
	refuse_with(cluster, ERROR_POLICY, text);
}

/** commands_tick() - The published policy counts here: what it touches can be told */
void commands_tick(struct cluster *cluster)
{
	json_t *answer;

	if (!cluster->published)
		return;
	if (machine_policy(cluster->machine) < cluster->published) {
		if (cluster_now() >= cluster->published_until)
			say_unapplied(cluster);
		return;
	}
	answer = json_pack("{s:I, s:o}", "revision", (json_int_t)cluster->published, "held",
			   pack_held_reserved(cluster));
	cluster->published = 0;
	json_decref(cluster->command->forgotten);
	answer_with(cluster, answer);
}

/** on_publish() - ask_fn: the file's text becomes the policy of all hosts */
static void on_publish(void *userdata, const json_t *request, struct ask *ask)
{
	struct cluster *cluster = userdata;
	const char *file = json_string_value(json_object_get(request, "file"));
	SOURCE_CLEANUP struct source source = {0};
	struct engine_request swap = {0};
	int r;

	if (refuse_unlisted(cluster, ask) || !begin(cluster, ask))
		return;
	r = file ? source_read(file, POLICY_BYTES_MAX, &source) : -EINVAL;
	if (r == -EFBIG)
		refuse_with(cluster, ERROR_POLICY, "the policy is larger than 1 MiB, which etcd does not take");
	else if (r < 0)
		refuse_errno(cluster, r);
	if (r < 0)
		return;
	r = condition_on(cluster, "policy", &swap);
	swap.value = source.text;
	if (r == 0)
		r = etcd_command(cluster->etcd, &swap, on_published, cluster);
	if (r < 0)
		refuse_errno(cluster, r);
}

static void forget_next(struct cluster *cluster);

/** on_forgot() - etcd_command_fn: one record is gone; the next */
static void on_forgot(void *userdata, const struct engine_answer *answer)
{
	struct cluster *cluster = userdata;

	if (!answer || !answer->won)
		say_lost(cluster, answer);
	else
		forget_next(cluster);
}

/** delete_record() - Delete a record as it was seen */
static void delete_record(struct cluster *cluster, const char *key)
{
	struct engine_request swap;
	int r = condition_on(cluster, key, &swap);

	(void)json_array_append_new(cluster->command->forgotten, json_string(key));
	if (r == 0)
		r = etcd_command(cluster->etcd, &swap, on_forgot, cluster);
	if (r < 0)
		refuse_errno(cluster, r);
}

/** is_done() - Whether a record was deleted by this command already */
static bool is_done(const struct cluster *cluster, const char *key)
{
	size_t i;
	json_t *element;

	json_array_foreach(cluster->command->forgotten, i, element) {
		if (strcmp(json_string_value(element), key) == 0)
			return true;
	}
	return false;
}

/** next_block() - The first block of a host which this command has not freed yet; NULL: there is none */
static const char *next_block(const struct cluster *cluster, const char *name)
{
	const struct cache *cache = machine_cache(cluster->machine);

	for (size_t i = cache_from(cache, "block/"); i < cache->n && cache->rows[i]->record.kind == RECORD_BLOCK; i++) {
		const struct record *record = &cache->rows[i]->record;
		const char *host = holder_of(record);

		if (host && strcmp(host, name) == 0 && !is_done(cluster, record->key))
			return record->key;
	}
	return NULL;
}

/** forget_next() - The next block of the host that is forgotten; after the last one it is done */
static void forget_next(struct cluster *cluster)
{
	const char *block = next_block(cluster, cluster->command->host);

	if (block)
		delete_record(cluster, block);
	else
		answer_with(cluster, json_pack("{s:o}", "forgotten", cluster->command->forgotten));
}

/** last_heard() - When something of a host changed last, as far as this agent has seen */
static int64_t last_heard(const struct cluster *cluster, const char *host)
{
	static const char *const kinds[] = {"host/", "alive/"};
	int64_t heard = cluster->started;
	char key[RECORD_KEY_MAX];

	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		const struct seen *seen;

		(void)snprintf(key, sizeof(key), "%s%s", kinds[i], host);
		seen = cache_find(machine_cache(cluster->machine), key);
		if (seen && seen->record.text && seen->at > heard)
			heard = seen->at;
	}
	return heard;
}

/** on_forget() - ask_fn: a host is gone for good */
static void on_forget(void *userdata, const json_t *request, struct ask *ask)
{
	struct cluster *cluster = userdata;
	const char *host = json_string_value(json_object_get(request, "host"));
	bool force = json_is_true(json_object_get(request, "force"));
	char key[RECORD_KEY_MAX];
	bool registered;

	if (refuse_unlisted(cluster, ask) || !begin(cluster, ask))
		return;
	if (!host || !record_name_valid(host)) {
		refuse_with(cluster, ERROR_CONFIG, "that can't be a host's name");
		return;
	}
	(void)snprintf(key, sizeof(key), "host/%s", host);
	registered = cache_revision(cache_find(machine_cache(cluster->machine), key)) != 0;
	/* The registration goes first: after a command that came to an end there, the blocks are left. */
	if (!registered && !next_block(cluster, host)) {
		refuse_with(cluster, ERROR_CONFIG,
			    "no such host is registered, or holds a block; see `rangeguard cluster status`");
		return;
	}
	if (!force && strcmp(host, cluster->config.host) == 0 && !machine_is_refused(cluster->machine)) {
		refuse_with(
			cluster, ERROR_TRY_AGAIN,
			"that is this host, which runs: other hosts would give the addresses of its containers as well. "
			"--force forgets it all the same");
		return;
	}
	if (!force && cluster_now() - last_heard(cluster, host) < HEARD_NS) {
		refuse_with(
			cluster, ERROR_TRY_AGAIN,
			"the host was heard of within the last minute, or this agent has not listened for that long. "
			"If it still runs, its containers go on with addresses that other hosts will give as well: stop "
			"it first. --force forgets it all the same");
		return;
	}
	(void)snprintf(cluster->command->host, sizeof(cluster->command->host), "%s", host);
	cluster->command->forgotten = json_array();
	if (registered)
		delete_record(cluster, key);
	else
		forget_next(cluster);
}

/** on_who() - ask_fn: who holds the block or the source of an address */
static void on_who(void *userdata, const json_t *request, struct ask *ask)
{
	struct cluster *cluster = userdata;
	const struct cache *cache = machine_cache(cluster->machine);
	const char *text = json_string_value(json_object_get(request, "address"));
	struct address address;
	json_t *found;

	if (refuse_unlisted(cluster, ask))
		return;
	found = json_array();
	for (size_t i = 0; text && address_parse(text, &address) == 0 && i < cache->n; i++) {
		const struct record *record = &cache->rows[i]->record;
		const char *host = holder_of(record), *what = host ? strchr(record->key, '/') + 1 : NULL;
		struct prefix prefix;
		struct span span;

		if (!host || (prefix_parse(what, &prefix) < 0 && address_parse(what, &prefix.address) < 0))
			continue;
		span = record->kind == RECORD_BLOCK ? prefix_span(&prefix) : span_of_address(&prefix.address);
		if (span_contains(&span, &address))
			(void)json_array_append_new(
				found, json_pack("{s:s, s:s, s:s, s:I}", "kind",
						 record->kind == RECORD_BLOCK ? "block" : "source", "what", what,
						 "host", host, "since",
						 (json_int_t)(record->kind == RECORD_BLOCK ? record->block.since
											   : record->source.since)));
	}
	ask_answer_consume(ask, json_pack("{s:o}", "holders", found));
}

/** commands_start() - Add the questions: 0, negative errno */
int commands_start(struct cluster *cluster)
{
	struct ask_server *server = cluster->agent->ask;
	int r;

	cluster->command = calloc(1, sizeof(*cluster->command));
	if (!cluster->command)
		return -ENOMEM;
	cluster->started = cluster->etcd_well = cluster_now();
	r = ask_server_add(server, "cluster-publish", on_publish, cluster);
	if (!r)
		r = ask_server_add(server, "cluster-forget", on_forget, cluster);
	return r ? r : ask_server_add(server, "cluster-who", on_who, cluster);
}

/** commands_stop() - Whoever waits hears that it was in vain */
void commands_stop(struct cluster *cluster)
{
	if (cluster->command && cluster->command->ask)
		refuse_with(cluster, ERROR_TRY_AGAIN,
			    "rangeguard-agent ends, or reads its configuration again: try again");
	free(cluster->command);
	cluster->command = NULL;
}
