/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugin/host/block_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/netconf/netconf.h"
#include "plugin/report/json_text.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** read_prefix() - Member "cidr". Return: whether it is a range without host bits */
static bool read_prefix(const json_t *element, struct prefix *ret_prefix)
{
	const char *cidr = json_string_value(json_object_get(element, "cidr"));

	return cidr && prefix_parse(cidr, ret_prefix) == 0 && !prefix_has_host_bits(ret_prefix);
}

static int read_block(const json_t *element, struct block_file *file)
{
	struct held_block block = {.revision = json_integer_value(json_object_get(element, "revision")),
				   .leaving = json_is_true(json_object_get(element, "leaving"))};

	return read_prefix(element, &block.prefix) ? block_file_put(file, &block) : -EUCLEAN;
}

static int read_pool(const json_t *element, struct block_file *file)
{
	json_int_t length = json_integer_value(json_object_get(element, "blockLength"));
	const char *network = json_string_value(json_object_get(element, "network"));
	const json_t *rest = json_object_get(element, "reuseDelay");
	struct held_pool pool = {.block_length = (uint8_t)length, .reuse_delay = NETCONF_REUSE_DELAY};

	if (!read_prefix(element, &pool.prefix) || length < pool.prefix.length ||
	    length > (json_int_t)family_bits(pool.prefix.address.family))
		return -EUCLEAN;
	/* A file of version 1.0 does not say it. */
	if (json_integer_value(rest) >= 0 && json_integer_value(rest) <= LIMIT_REUSE_DELAY && rest)
		pool.reuse_delay = (uint32_t)json_integer_value(rest);
	(void)snprintf(pool.network, sizeof(pool.network), "%s", network ? network : "");
	return block_file_put_pool(file, &pool);
}

/** read_array() - Each element of member @key */
static int read_array(const json_t *root, const char *key, int (*read_one)(const json_t *, struct block_file *),
		      struct block_file *file)
{
	const json_t *array = json_object_get(root, key);
	size_t n = json_array_size(array);
	int r = json_is_array(array) && n <= BLOCK_FILE_MAX ? 0 : -EUCLEAN;

	for (size_t i = 0; i < n && r == 0; i++)
		r = read_one(json_array_get(array, i), file);
	return r;
}

/**
 * block_file_read() - Which blocks this host holds
 * @dir_fd:	State directory
 * @ret_file:	To be released with block_file_done(); empty where there is no file
 *
 * Return: 0; -EUCLEAN: it can't be understood; negative errno
 */
int block_file_read(int dir_fd, struct block_file *ret_file)
{
	BLOCK_FILE_CLEANUP struct block_file file = {0};
	CLEANUP_CLOSE int fd = openat(dir_fd, BLOCK_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	json_t *root;
	int r;

	*ret_file = file;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	errno = 0;
	root = json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL);
	/* What jansson could not do for want of memory is no fault of the file. */
	if (!root && errno == ENOMEM)
		return -ENOMEM;
	r = read_array(root, "blocks", read_block, &file);
	if (r == 0)
		r = read_array(root, "pools", read_pool, &file);
	json_decref(root);
	if (r == 0) {
		*ret_file = file;
		file = (struct block_file){0};
	}
	return r;
}

/** to_json() - The file as a document; NULL: out of memory */
static json_t *to_json(const struct block_file *file)
{
	json_t *blocks = json_array(), *pools = json_array();
	char cidr[PREFIX_TEXT_MAX];
	int r = blocks && pools ? 0 : -1;

	for (size_t i = 0; i < file->n_blocks && r == 0; i++)
		r = json_array_append_new(blocks, json_pack("{s:s, s:I, s:b}", "cidr",
							    prefix_format(&file->blocks[i].prefix, cidr), "revision",
							    (json_int_t)file->blocks[i].revision, "leaving",
							    (int)file->blocks[i].leaving));
	for (size_t i = 0; i < file->n_pools && r == 0; i++)
		r = json_array_append_new(
			pools, json_pack("{s:s, s:i, s:I, s:s}", "cidr", prefix_format(&file->pools[i].prefix, cidr),
					 "blockLength", (int)file->pools[i].block_length, "reuseDelay",
					 (json_int_t)file->pools[i].reuse_delay, "network", file->pools[i].network));
	if (r == 0)
		return json_pack("{s:o, s:o}", "pools", pools, "blocks", blocks);
	json_decref(blocks);
	json_decref(pools);
	return NULL;
}

/** write_all() - Text, and on disk; 0, negative errno */
static int write_all(int fd, const char *text)
{
	size_t size = strlen(text), done = 0;

	while (done < size) {
		ssize_t n = write(fd, text + done, size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/**
 * block_file_write() - Replace the file; it is on disk when this returns
 * @dir_fd:	State directory, the lease store in it locked
 * @file:	What is in it then
 *
 * Return: 0, negative errno, with the old file left as it was
 */
int block_file_write(int dir_fd, const struct block_file *file)
{
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_FREE char *text = NULL;
	json_t *root = to_json(file);
	int r;

	text = root ? json_text(root, JSON_INDENT(1)) : NULL;
	json_decref(root);
	if (!text)
		return -ENOMEM;
	fd = openat(dir_fd, BLOCK_FILE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text);
	if (r == 0 && renameat(dir_fd, BLOCK_FILE ".new", dir_fd, BLOCK_FILE) < 0)
		r = -errno;
	return r == 0 && fsync(dir_fd) < 0 ? -errno : r;
}

/** is_prefix() - The same range */
static bool is_prefix(const struct prefix *a, const struct prefix *b)
{
	return address_equal(&a->address, &b->address) && a->length == b->length;
}

/** block_file_find() - A block; NULL: it is not there; borrowed */
struct held_block *block_file_find(const struct block_file *file, const struct prefix *prefix)
{
	for (size_t i = 0; i < file->n_blocks; i++) {
		if (is_prefix(&file->blocks[i].prefix, prefix))
			return &file->blocks[i];
	}
	return NULL;
}

/** block_file_put() - A block, new or changed; 0, -ENOMEM */
int block_file_put(struct block_file *file, const struct held_block *block)
{
	struct held_block *blocks = block_file_find(file, &block->prefix);

	if (blocks) {
		*blocks = *block;
		return 0;
	}
	blocks = reallocarray(file->blocks, file->n_blocks + 1, sizeof(*blocks));
	if (!blocks)
		return -ENOMEM;
	file->blocks = blocks;
	blocks[file->n_blocks++] = *block;
	return 0;
}

/** block_file_drop() - Without this block */
void block_file_drop(struct block_file *file, const struct prefix *prefix)
{
	struct held_block *block = block_file_find(file, prefix);

	if (block)
		*block = file->blocks[--file->n_blocks];
}

/** block_file_put_pool() - A pool, if it is not there; 0, -ENOMEM */
int block_file_put_pool(struct block_file *file, const struct held_pool *pool)
{
	struct held_pool *pools;

	for (size_t i = 0; i < file->n_pools; i++) {
		if (is_prefix(&file->pools[i].prefix, &pool->prefix)) {
			file->pools[i] = *pool;
			return 0;
		}
	}
	pools = reallocarray(file->pools, file->n_pools + 1, sizeof(*pools));
	if (!pools)
		return -ENOMEM;
	file->pools = pools;
	pools[file->n_pools++] = *pool;
	return 0;
}

/** block_file_done() - Release */
void block_file_done(struct block_file *file)
{
	free(file->blocks);
	free(file->pools);
	*file = (struct block_file){0};
}
