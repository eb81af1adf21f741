/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's subnets in a file that survives a boot. */

#include "plugin/agent/docker_mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/agent/write_whole.h"
#include "plugin/report/json_text.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

#define VERSION 1

/** is_of() - Whether a pool has exactly this subnet */
static bool is_of(const struct docker_pool *pool, const struct prefix *subnet)
{
	return pool->subnet.length == subnet->length && address_equal(&pool->subnet.address, &subnet->address);
}

/** docker_pools_find() - The pool of a subnet, NULL when there is none */
const struct docker_pool *docker_pools_find(const struct docker_pools *pools, const struct prefix *subnet)
{
	for (size_t i = 0; i < pools->n; i++)
		if (is_of(&pools->all[i], subnet))
			return &pools->all[i];
	return NULL;
}

/** docker_pools_drop() - Take the pool of a subnet out, if it is there */
void docker_pools_drop(struct docker_pools *pools, const struct prefix *subnet)
{
	for (size_t i = 0; i < pools->n; i++) {
		if (!is_of(&pools->all[i], subnet))
			continue;
		pools->all[i] = pools->all[--pools->n];
		return;
	}
}

/** docker_pools_add() - Add a pool, in the place of one of the same subnet: 0, -ENOMEM with nothing changed */
int docker_pools_add(struct docker_pools *pools, const struct docker_pool *pool)
{
	struct docker_pool *all = reallocarray(pools->all, pools->n + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	pools->all = all;
	docker_pools_drop(pools, &pool->subnet);
	pools->all[pools->n++] = *pool;
	return 0;
}

/** docker_pools_done() - Release them */
void docker_pools_done(struct docker_pools *pools)
{
	free(pools->all);
	*pools = (struct docker_pools){0};
}

/**
 * read_pool() - One pool of the file
 * @entry:	Object
 * @same_boot:	Its process may still run
 * @pools:	Are told
 *
 * Return: 0, -EBADMSG, -ENOMEM
 */
static int read_pool(const json_t *entry, bool same_boot, struct docker_pools *pools)
{
	struct lease lease = {.attachment = {.container_id = ""}};
	struct docker_pool pool;
	json_int_t since;
	int r;

	if (json_unpack((json_t *)(uintptr_t)entry, "{s:s, s:s, s:s, s:I}", "network", &lease.attachment.network,
			"kind", &lease.attachment.ifname, "record", &lease.netns, "since", &since) < 0 ||
	    docker_lease_kind(&lease) != DOCKER_LEASE_POOL)
		return -EBADMSG;
	lease.since = since;
	r = docker_pool_of_lease(&lease, &pool);
	if (r < 0)
		return r;
	/* Ids of processes begin again with each boot. */
	if (!same_boot)
		pool.claim.docker = (struct process){0};
	return docker_pools_add(pools, &pool);
}

/** read_document() - All pools: 0, -EBADMSG, -ENOMEM */
static int read_document(json_t *root, const char *boot_id, struct docker_pools *ret_pools)
{
	const char *boot;
	json_t *pools;
	int version, r = 0;

	if (json_unpack(root, "{s:i, s:s, s:o}", "version", &version, "boot", &boot, "pools", &pools) < 0 ||
	    version != VERSION || !json_is_array(pools))
		return -EBADMSG;
	for (size_t i = 0; i < json_array_size(pools) && r == 0; i++)
		r = read_pool(json_array_get(pools, i), !strcmp(boot, boot_id), ret_pools);
	return r;
}

/** struct mirror_stream - A file for read_chunk(); @failure is 0 or a negative errno */
struct mirror_stream {
	int fd;
	int failure;
};

/** read_chunk() - json_load_callback_t that keeps the errno which jansson would lose */
static size_t read_chunk(void *buffer, size_t size, void *userdata)
{
	struct mirror_stream *stream = userdata;
	ssize_t n;

	do
		n = read(stream->fd, buffer, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		stream->failure = -errno;
	return n < 0 ? (size_t)-1 : (size_t)n;
}

/** load() - The file as a document: 0, -EBADMSG when it is none, another negative errno when that can't be told */
static int load(int fd, json_t **ret_root)
{
	struct mirror_stream stream = {.fd = fd};
	json_error_t error = {.line = 0};

	*ret_root = json_load_callback(read_chunk, &stream, JSON_REJECT_DUPLICATES, &error);
	if (stream.failure)
		return stream.failure;
	if (*ret_root)
		return 0;
	/* Of most failed allocations jansson says nothing at all. */
	return !*error.text || json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
}

/**
 * docker_mirror_read() - The subnets that the file tells of
 * @path:	File; that there is none is fine
 * @boot_id:	This boot
 * @ret_pools:	Always to be released
 *
 * Return: 0, -EBADMSG when it can't be understood, another negative errno
 */
int docker_mirror_read(const char *path, const char *boot_id, struct docker_pools *ret_pools)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	json_t *root = NULL;
	int r;

	*ret_pools = (struct docker_pools){0};
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = load(fd, &root);
	if (!r)
		r = read_document(root, boot_id, ret_pools);
	json_decref(root);
	return r;
}

/** pack_pool() - One pool for the file, NULL without memory */
static json_t *pack_pool(const struct docker_pool *pool)
{
	DOCKER_ROW_CLEANUP struct docker_row row;

	if (docker_row_of_pool(pool, &row) < 0)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:I}", "network", row.lease.attachment.network, "kind",
			 row.lease.attachment.ifname, "record", row.lease.netns, "since", (json_int_t)row.lease.since);
}

/** pack() - The document, NULL without memory */
static json_t *pack(const char *boot_id, const struct docker_pools *pools)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < pools->n; i++) {
		if (json_array_append_new(array, pack_pool(&pools->all[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array ? json_pack("{s:i, s:s, s:o}", "version", VERSION, "boot", boot_id, "pools", array) : NULL;
}

/** write_document() - Into a file beside @path, then in its place, for good: 0, negative errno */
static int write_document(const char *path, const char *text)
{
	char temporary[LIMIT_PATH + sizeof(".new")];
	CLEANUP_CLOSE int fd = -1;
	int r;

	(void)snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return -errno;
	r = write_whole(fd, text, strlen(text));
	if (r < 0)
		return r;
	if (fsync(fd) < 0 || rename(temporary, path) < 0)
		return -errno;
	return 0;
}

/**
 * docker_mirror_write() - Have the file tell of these subnets
 * @path:	File; its directory is made, if only that is missing
 * @boot_id:	This boot
 * @pools:	Subnets
 *
 * Return: 0, negative errno: the file is as it was
 */
int docker_mirror_write(const char *path, const char *boot_id, const struct docker_pools *pools)
{
	json_t *root = pack(boot_id, pools);
	CLEANUP_FREE char *text = json_text(root, JSON_INDENT(1));
	CLEANUP_FREE char *directory = strdup(path);
	char *slash = directory ? strrchr(directory, '/') : NULL;
	int r = -ENOMEM;

	if (slash && slash != directory) {
		*slash = '\0';
		(void)mkdir(directory, S_IRWXU);
	}
	if (text && directory)
		r = write_document(path, text);
	json_decref(root);
	return r;
}
