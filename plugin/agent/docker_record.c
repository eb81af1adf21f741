/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept of Docker's networks. Pure. */

#include "plugin/agent/docker_record.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/report/json_text.h"

#define NETWORK_PREFIX "docker/"
#define NOTE_PREFIX "docker:"
#define ID_PREFIX "rangeguard/"
#define POOL "pool"

/** docker_network_format() - "docker/SUBNET". Return: @buffer */
const char *docker_network_format(const struct prefix *subnet, char buffer[static DOCKER_NETWORK_MAX])
{
	char text[PREFIX_TEXT_MAX];

	(void)snprintf(buffer, DOCKER_NETWORK_MAX, NETWORK_PREFIX "%s", prefix_format(subnet, text));
	return buffer;
}

/** docker_pool_id_format() - What Docker calls a pool by. Return: @buffer */
const char *docker_pool_id_format(const struct docker_pool *pool, char buffer[static DOCKER_POOL_ID_MAX])
{
	char text[PREFIX_TEXT_MAX];

	(void)snprintf(buffer, DOCKER_POOL_ID_MAX, ID_PREFIX "%s/%s", pool->claim.token,
		       prefix_format(&pool->subnet, text));
	return buffer;
}

/**
 * docker_pool_id_parse() - The inverse of docker_pool_id_format()
 * @text:	Id
 * @ret_subnet:	Subnet
 * @ret_token:	Token
 *
 * Return: 0, -EINVAL when it is not one of ours
 */
int docker_pool_id_parse(const char *text, struct prefix *ret_subnet, char ret_token[static DOCKER_TOKEN_MAX])
{
	size_t length;

	if (strncmp(text, ID_PREFIX, strlen(ID_PREFIX)) != 0)
		return -EINVAL;
	text += strlen(ID_PREFIX);
	length = strcspn(text, "/");
	if (length != DOCKER_TOKEN_MAX - 1 || text[length] != '/' || prefix_parse(text + length + 1, ret_subnet) < 0 ||
	    prefix_has_host_bits(ret_subnet))
		return -EINVAL;
	memcpy(ret_token, text, length);
	ret_token[length] = '\0';
	return 0;
}

/** note_format() - JSON behind its prefix, on the heap; takes the reference. NULL without memory */
static char *note_format(json_t *note)
{
	char *json = json_text(note, JSON_COMPACT | JSON_SORT_KEYS);
	char *text = NULL;

	if (json && asprintf(&text, NOTE_PREFIX "%s", json) < 0)
		text = NULL;
	free(json);
	json_decref(note);
	return text;
}

/** claim_pack() - A claim as JSON, NULL without memory */
static json_t *claim_pack(const struct docker_claim *claim)
{
	/* Numbers of JSON are signed: these come back by the same casts. */
	return json_pack("{s:i, s:I, s:I, s:s, s:b}", "pid", claim->docker.pid, "start",
			 (json_int_t)claim->docker.start, "run", (json_int_t)claim->run, "token", claim->token,
			 "pending", (int)claim->pending);
}

/** fill_row() - What each row has: 0, -ENOMEM */
static int fill_row(struct docker_row *row, const struct prefix *subnet, const char *kind, int64_t since, json_t *note)
{
	row->note = note_format(note);
	if (!row->note)
		return -ENOMEM;
	row->lease.attachment.network = docker_network_format(subnet, row->network);
	row->lease.attachment.container_id = row->container_id;
	row->lease.attachment.ifname = kind;
	row->lease.netns = row->note;
	row->lease.since = since;
	return 0;
}

/**
 * docker_row_of_pool() - A pool as it is stored
 * @pool:	Pool
 * @ret_row:	Always written; must stay where it is, to be released with docker_row_done()
 *
 * Return: 0, -ENOMEM
 */
int docker_row_of_pool(const struct docker_pool *pool, struct docker_row *ret_row)
{
	char range[PREFIX_TEXT_MAX];
	json_t *note = claim_pack(&pool->claim);

	*ret_row = (struct docker_row){.container_id = ""};
	if (!note || json_object_set_new(note, "network", json_string(pool->network)) < 0 ||
	    json_object_set_new(note, "range", json_string(prefix_format(&pool->range, range))) < 0 ||
	    json_object_set_new(note, "hostRoutes", json_integer(pool->host_routes)) < 0 ||
	    json_object_set_new(note, "replayed", json_integer(pool->replayed)) < 0) {
		json_decref(note);
		return -ENOMEM;
	}
	return fill_row(ret_row, &pool->subnet, POOL, pool->since, note);
}

/**
 * docker_row_of_address() - An address of a pool as it is stored
 * @pool:	Pool
 * @claim:	Who holds it
 * @id:		Tells it from others, since Docker does not say whose it is: a token
 * @kind:	DOCKER_GATEWAY or DOCKER_ENDPOINT; static
 * @ret_row:	As for docker_row_of_pool(); its time and its address are left to the caller
 *
 * Return: 0, -ENOMEM
 */
int docker_row_of_address(const struct docker_pool *pool, const struct docker_claim *claim, const char *id,
			  const char *kind, struct docker_row *ret_row)
{
	json_t *note = claim_pack(claim);

	*ret_row = (struct docker_row){.container_id = ""};
	(void)snprintf(ret_row->container_id, sizeof(ret_row->container_id), "%s", id);
	return note ? fill_row(ret_row, &pool->subnet, kind, 0, note) : -ENOMEM;
}

/** docker_row_done() - Release what a row owns */
void docker_row_done(struct docker_row *row)
{
	free(row->note);
	row->note = NULL;
}

/** docker_lease_kind() - Whether a lease is of a network of Docker's, and what of it */
enum docker_lease docker_lease_kind(const struct lease *lease)
{
	if (strncmp(lease->attachment.network, NETWORK_PREFIX, strlen(NETWORK_PREFIX)) != 0 ||
	    strncmp(lease->netns, NOTE_PREFIX, strlen(NOTE_PREFIX)) != 0)
		return DOCKER_LEASE_NONE;
	return !strcmp(lease->attachment.ifname, POOL) ? DOCKER_LEASE_POOL : DOCKER_LEASE_ADDRESS;
}

/** read_claim() - The claim of a note: 0, -EBADMSG */
static int read_claim(const json_t *note, struct docker_claim *ret_claim)
{
	struct docker_claim claim = {.docker = {0}};
	json_int_t start, run;
	const char *token;
	int pending;

	if (json_unpack((json_t *)(uintptr_t)note, "{s:i, s:I, s:I, s:s, s:b}", "pid", &claim.docker.pid, "start",
			&start, "run", &run, "token", &token, "pending", &pending) < 0 ||
	    strlen(token) >= sizeof(claim.token))
		return -EBADMSG;
	(void)snprintf(claim.token, sizeof(claim.token), "%s", token);
	claim.docker.start = (uint64_t)start;
	claim.run = (uint64_t)run;
	claim.pending = pending;
	*ret_claim = claim;
	return 0;
}

/** note_of() - The JSON of a lease of Docker's, NULL when it is none */
static json_t *note_of(const struct lease *lease)
{
	return docker_lease_kind(lease) == DOCKER_LEASE_NONE
		       ? NULL
		       : json_loads(lease->netns + strlen(NOTE_PREFIX), JSON_REJECT_DUPLICATES, NULL);
}

/** docker_claim_of_lease() - Who holds it: 0, -EBADMSG when that can't be read */
int docker_claim_of_lease(const struct lease *lease, struct docker_claim *ret_claim)
{
	json_t *note = note_of(lease);
	int r = note ? read_claim(note, ret_claim) : -EBADMSG;

	json_decref(note);
	return r;
}

/** read_pool() - What of a pool stands in the note: 0, -EBADMSG */
static int read_pool(const json_t *note, struct docker_pool *ret_pool)
{
	const char *network, *range;
	json_int_t replayed;
	int host_routes;

	if (read_claim(note, &ret_pool->claim) < 0 ||
	    json_unpack((json_t *)(uintptr_t)note, "{s:s, s:s, s:i, s:I}", "network", &network, "range", &range,
			"hostRoutes", &host_routes, "replayed", &replayed) < 0 ||
	    strlen(network) >= sizeof(ret_pool->network) || prefix_parse(range, &ret_pool->range) < 0)
		return -EBADMSG;
	(void)snprintf(ret_pool->network, sizeof(ret_pool->network), "%s", network);
	ret_pool->host_routes = (enum host_routes)host_routes;
	ret_pool->replayed = replayed;
	return 0;
}

/**
 * docker_pool_of_lease() - The inverse of docker_row_of_pool()
 * @lease:	Lease of kind DOCKER_LEASE_POOL
 * @ret_pool:	Pool
 *
 * Return: 0, -EBADMSG
 */
int docker_pool_of_lease(const struct lease *lease, struct docker_pool *ret_pool)
{
	struct docker_pool pool = {.since = lease->since};
	json_t *note = note_of(lease);
	int r = note && prefix_parse(lease->attachment.network + strlen(NETWORK_PREFIX), &pool.subnet) == 0
			? read_pool(note, &pool)
			: -EBADMSG;

	json_decref(note);
	if (!r)
		*ret_pool = pool;
	return r;
}
