/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks at the two meta pages of an LMDB 0.9 file. LMDB maps the file and follows page numbers in it without a look
 * at its size: a truncated file would end the process with SIGBUS, an absurd page number with SIGSEGV.
 */

#include "ipam/store/store_lmdb_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rangeguard/cleanup.h"

/** MDB_MAGIC, MDB_DATA_VERSION, P_META, P_INVALID, CURSOR_STACK of LMDB 0.9's mdb.c */
#define META_MAGIC 0xBEEFC0DEU
#define META_VERSION 1U
#define META_FLAG 0x08U
#define NO_PAGE SIZE_MAX
#define DEPTH_MAX 32U
#define N_METAS 2U

/** struct btree - MDB_db: one B-tree */
struct btree {
	uint32_t pad; /* page size, in the tree of free pages */
	uint16_t flags;
	uint16_t depth;
	size_t branch_pages;
	size_t leaf_pages;
	size_t overflow_pages;
	size_t entries;
	size_t root;
};

/** struct meta - A meta page: page header, then MDB_meta */
struct meta {
	size_t page;
	uint16_t pad;
	uint16_t flags;
	uint32_t bounds;
	uint32_t magic;
	uint32_t version;
	void *address;
	size_t map_size;
	struct btree free;
	struct btree main;
	size_t last_page;
	size_t transaction;
};

/** tree_is_sound() - Whether the numbers of @tree are possible in a file whose last page is @last_page */
static bool tree_is_sound(const struct btree *tree, size_t last_page)
{
	if (tree->depth > DEPTH_MAX)
		return false;
	if (tree->root == NO_PAGE)
		return tree->depth == 0;
	return tree->depth > 0 && tree->root >= N_METAS && tree->root <= last_page;
}

/**
 * meta_is_sound() - Whether a meta page is one that this program's LMDB can have written
 * @meta:	Meta page
 * @index:	0 or 1
 * @size:	Size of the file
 * @current:	Whether LMDB goes by it
 *
 * When LMDB can't write a meta page, it leaves the new trees beside the old last page there, and goes by the other one.
 */
static bool meta_is_sound(const struct meta *meta, size_t index, size_t size, bool current)
{
	const unsigned free_flags = MDB_INTEGERKEY, sort_flags = MDB_REVERSEKEY | MDB_DUPSORT | MDB_INTEGERKEY |
								 MDB_DUPFIXED | MDB_INTEGERDUP | MDB_REVERSEDUP;
	size_t page_size = meta->free.pad, last_page;

	if (meta->page != index || !(meta->flags & META_FLAG))
		return false;
	if (meta->magic != META_MAGIC || meta->version != META_VERSION)
		return false;
	if (page_size != (size_t)sysconf(_SC_PAGESIZE) || meta->last_page < N_METAS - 1 ||
	    meta->last_page >= size / page_size)
		return false;
	if ((meta->free.flags & sort_flags) != free_flags || meta->main.flags)
		return false;
	last_page = current ? meta->last_page : size / page_size - 1;
	return tree_is_sound(&meta->free, last_page) && tree_is_sound(&meta->main, last_page);
}

/**
 * lmdb_check_file() - Whether a file may be given to LMDB
 * @dir_fd:	Directory it is in
 * @name:	File
 * @ret_size:	Size of the file
 *
 * Return: 0, LMDB_FILE_ABSENT, LMDB_FILE_DAMAGED, negative errno
 */
int lmdb_check_file(int dir_fd, const char *name, off_t *ret_size)
{
	/* O_NONBLOCK: somebody may have put a FIFO there, which must not hang a DEL. */
	CLEANUP_CLOSE int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct meta metas[N_METAS];
	struct stat status;
	size_t current;

	if (fd < 0)
		return errno == ENOENT ? LMDB_FILE_ABSENT : -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return LMDB_FILE_DAMAGED;
	for (size_t i = 0; i < N_METAS; i++) {
		ssize_t n = pread(fd, &metas[i], sizeof(metas[i]), (off_t)i * sysconf(_SC_PAGESIZE));

		if (n < 0)
			return -errno;
		if ((size_t)n < sizeof(metas[i]))
			return LMDB_FILE_DAMAGED;
	}
	/* mdb_env_pick_meta() */
	current = metas[0].transaction < metas[1].transaction;
	for (size_t i = 0; i < N_METAS; i++)
		if (!meta_is_sound(&metas[i], i, (size_t)status.st_size, i == current))
			return LMDB_FILE_DAMAGED;
	*ret_size = status.st_size;
	return 0;
}
