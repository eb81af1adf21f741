/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lease store on LMDB 0.9. All tables live in LMDB's main database, a key being the table's number and the key
 * within the table: nothing to open per table, and one descent per call.
 *
 * Durability is LMDB's default: a commit is on the disk. Never MDB_NOSYNC, MDB_NOMETASYNC or MDB_WRITEMAP.
 */

#include "ipam/store/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipam/store/row.h"
#include "ipam/store/store_lmdb_internal.h"
#include "rangeguard/cleanup.h"

#define STORE_MODE 0600U
/**
 * To be raised when a row changes its meaning or form, so that an older program keeps away. Rows of schemas from the
 * oldest on are read as they are; the first writer raises the number.
 */
#define SCHEMA STORE_LMDB_SCHEMA
#define SCHEMA_OLDEST 2U
/** A number beyond these is damage */
#define SCHEMAS_TO_COME 100U
#define META_SCHEMA "schema"
#define META_BOOT "boot"
#define META_BALLAST "ballast"
/**
 * Address space for the map, and so the largest file: a few hundred bytes for each of some 10,000,000 leases. It is
 * not memory, and it can't be exceeded by what one host holds, so that a full map is never an outcome.
 */
#define MAP_SIZE ((size_t)1 << (sizeof(size_t) > 4 ? 33 : 30))
/** The smallest map that is tried where there is less address space: tens of thousands of leases */
#define MAP_SIZE_MIN ((size_t)32 << 20)
/** Free pages put into a new file: LMDB writes before it frees, also when it deletes */
#define BALLAST_BYTES ((size_t)512 << 10)

/** key_of() - The key of the meta row @name */
static struct bytes key_of(const char *name)
{
	return bytes_of(name, strlen(name));
}

/** struct opening - What mdb_env_open() is called with */
struct opening {
	MDB_env *env;
	const char *path;
	unsigned flags;
};

static int (*within_directory)(int dir_fd, int (*work)(void *userdata), void *userdata);

/**
 * store_lmdb_open_within() - Open files from within their directory: for a process whose working directory is nobody's
 * @within:	Does something with a directory as the working directory; returns what that returned, negative errno
 */
void store_lmdb_open_within(int (*within)(int dir_fd, int (*work)(void *userdata), void *userdata))
{
	within_directory = within;
}

/** open_at() - mdb_env_open(): 0, negative errno */
static int open_at(void *userdata)
{
	const struct opening *opening = userdata;

	return LMDB(mdb_env_open(opening->env, opening->path, opening->flags, STORE_MODE));
}

/**
 * open_env() - mdb_env_open() in the state directory
 * @lmdb:	Store
 * @name:	File
 * @flags:	MDB_*
 *
 * LMDB takes a path only. One below /proc/self/fd is that of the directory that was checked, wherever that has gone; so
 * is a bare name from within it, for which the kernel does not fill in this process's part of /proc, and empty it again.
 *
 * Return: 0, negative errno
 */
static int open_env(struct lmdb_store *lmdb, const char *name, unsigned flags)
{
	struct opening opening = {.env = lmdb->env, .path = name, .flags = flags};
	char path[sizeof("/proc/self/fd/-2147483648/") + sizeof(STORE_FILE_NEW)];

	if (within_directory)
		return within_directory(lmdb->state->dir_fd, open_at, &opening);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", lmdb->state->dir_fd, name);
	opening.path = path;
	return open_at(&opening);
}

/**
 * open_sized() - Have LMDB open a file
 * @lmdb:	Store
 * @name:	File in the state directory, made where it is missing
 * @access:	What for
 * @map_size:	Address space for it
 *
 * Return: 0, negative errno: -EUCLEAN when LMDB refuses the file, -ENOMEM when there is not so much address space
 */
static int open_sized(struct lmdb_store *lmdb, const char *name, enum state_access access, size_t map_size)
{
	unsigned flags = MDB_NOSUBDIR | MDB_NOLOCK | (access == STATE_READ ? MDB_RDONLY : 0);
	int r, fd;

	r = LMDB(mdb_env_create(&lmdb->env));
	if (r < 0)
		return r;
	lmdb_watch(lmdb->state->dir_fd);
	r = LMDB(mdb_env_set_assert(lmdb->env, lmdb_asserted));
	if (r == 0)
		r = LMDB(mdb_env_set_mapsize(lmdb->env, map_size));
	if (r == 0)
		r = open_env(lmdb, name, flags);
	if (r < 0) {
		lmdb_close_file(lmdb);
		return r;
	}
	/* LMDB 0.9.24 opens it without O_CLOEXEC. */
	if (mdb_env_get_fd(lmdb->env, &fd) == 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

/**
 * open_file() - Have LMDB open a file, with as much address space as there is: setrlimit(2), RLIMIT_AS
 * @lmdb:	Store
 * @name:	File in the state directory, made where it is missing
 * @access:	What for
 *
 * Return: 0, negative errno: -EUCLEAN when LMDB refuses the file
 */
static int open_file(struct lmdb_store *lmdb, const char *name, enum state_access access)
{
	size_t map_size = MAP_SIZE;
	int r;

	do {
		r = open_sized(lmdb, name, access, map_size);
		map_size /= 2;
	} while (r == -ENOMEM && map_size >= MAP_SIZE_MIN && map_size >= 2 * (size_t)lmdb->size);
	return r;
}

/** For a message: an outcome has no room for a number */
static uint64_t schema_met;

/** store_lmdb_schema_met() - Schema of the last store that was opened and is not void */
uint64_t store_lmdb_schema_met(void)
{
	return schema_met;
}

/**
 * check_meta() - Whether the open file is one of this schema and boot
 * @lmdb:	Store
 * @boot_id:	This boot
 *
 * @ret_schema:	Its schema
 *
 * Return: 0, STATE_E_ABSENT: of an earlier boot, so that all in it is void, STORE_LMDB_E_DAMAGED, STORE_LMDB_E_NEWER,
 *	negative errno
 */
static int check_meta(struct lmdb_store *lmdb, const char *boot_id, uint64_t *ret_schema)
{
	struct store *store = &lmdb->base;
	struct bytes schema, boot;
	int r;

	r = store->ops->begin(store, false);
	if (r < 0)
		return r;
	r = store->ops->get(store, STORE_META, key_of(META_SCHEMA), &schema);
	if (r == 0 && (row_read_number(&schema, ret_schema) < 0 || *ret_schema < SCHEMA_OLDEST))
		r = STORE_LMDB_E_DAMAGED;
	if (r == 0)
		r = store->ops->get(store, STORE_META, key_of(META_BOOT), &boot);
	if (r == 0 && (boot.size != strlen(boot_id) || memcmp(boot.data, boot_id, boot.size)))
		r = STATE_E_ABSENT;
	else if (r == 0 && *ret_schema > SCHEMA)
		r = *ret_schema <= SCHEMA + SCHEMAS_TO_COME ? STORE_LMDB_E_NEWER : STORE_LMDB_E_DAMAGED;
	else if (r == STORE_E_NOT_FOUND)
		r = STORE_LMDB_E_DAMAGED;
	if (r == STORE_LMDB_E_NEWER)
		schema_met = *ret_schema;
	store->ops->abort(store);
	return r;
}

/** put_schema() - Write this program's schema: 0, negative errno */
static int put_schema(struct store *store)
{
	uint8_t schema[ROW_NUMBER_BYTES];

	(void)row_write_number(schema, SCHEMA);
	return store->ops->put(store, STORE_META, key_of(META_SCHEMA), bytes_of(schema, sizeof(schema)));
}

/** migrate() - Raise the schema of a file whose rows are read as they are: 0, negative errno */
static int migrate(struct store *store)
{
	int r = store->ops->begin(store, true);

	if (r < 0)
		return r;
	r = put_schema(store);
	if (r == 0)
		return store->ops->commit(store);
	store->ops->abort(store);
	return r;
}

/**
 * open_existing() - Open the store's file if it is there, sound and of this boot
 * @lmdb:	Store
 * @access:	What for
 * @boot_id:	This boot
 *
 * Return: 0, STATE_E_ABSENT, STORE_LMDB_E_DAMAGED, STORE_LMDB_E_NEWER, negative errno
 */
static int open_existing(struct lmdb_store *lmdb, enum state_access access, const char *boot_id)
{
	uint64_t schema = 0;
	int r;

	r = lmdb_check_file(lmdb->state->dir_fd, STORE_FILE, &lmdb->size);
	if (r == LMDB_FILE_ABSENT)
		return STATE_E_ABSENT;
	if (r == LMDB_FILE_DAMAGED)
		return STORE_LMDB_E_DAMAGED;
	if (r == 0)
		r = open_file(lmdb, STORE_FILE, access);
	if (r == 0)
		r = check_meta(lmdb, boot_id, &schema);
	if (r == 0 && schema < SCHEMA && access != STATE_READ)
		r = migrate(&lmdb->base);
	if (r)
		lmdb_close_file(lmdb);
	return r == -EUCLEAN ? STORE_LMDB_E_DAMAGED : r;
}

/**
 * write_first_rows() - Fill a new file, ballast included
 * @store:	Store
 * @boot_id:	This boot
 *
 * Return: 0, negative errno
 */
static int write_first_rows(struct store *store, const char *boot_id)
{
	CLEANUP_FREE void *ballast = calloc(1, BALLAST_BYTES);
	int r;

	if (!ballast)
		return -ENOMEM;
	r = store->ops->begin(store, true);
	if (r < 0)
		return r;
	r = put_schema(store);
	if (r == 0)
		r = store->ops->put(store, STORE_META, key_of(META_BOOT), key_of(boot_id));
	if (r == 0)
		r = store->ops->put(store, STORE_META, key_of(META_BALLAST), bytes_of(ballast, BALLAST_BYTES));
	if (r < 0) {
		store->ops->abort(store);
		return r;
	}
	return store->ops->commit(store);
}

/**
 * free_ballast() - Turn the ballast into free pages
 * @store:	Store just filled
 *
 * Return: 0, negative errno
 */
static int free_ballast(struct store *store)
{
	int r;

	r = store->ops->begin(store, true);
	if (r < 0)
		return r;
	r = store->ops->remove(store, STORE_META, key_of(META_BALLAST));
	if (r) {
		store->ops->abort(store);
		return r < 0 ? r : -EUCLEAN;
	}
	return store->ops->commit(store);
}

/**
 * put_in_place() - Give the new file its name, for good
 * @lmdb:	Store whose file has the name for new ones
 *
 * Return: 0, negative errno
 */
static int put_in_place(const struct lmdb_store *lmdb)
{
	int dir_fd = lmdb->state->dir_fd;

	int r;

	r = LMDB(mdb_env_sync(lmdb->env, 1));
	if (r < 0)
		return r;
	if (renameat(dir_fd, STORE_FILE_NEW, dir_fd, STORE_FILE) < 0)
		return -errno;
	return fsync(dir_fd) < 0 ? -errno : 0;
}

/**
 * create_file() - Make an empty store and put it in the place of what is there
 * @lmdb:	Store without a file, locked for writing
 * @boot_id:	This boot
 * @seed:	What it is filled with, NULL: nothing
 *
 * LMDB alone would leave a file that it refuses for ever when it is killed here: the rename is what creates.
 *
 * Return: 0, negative errno
 */
static int create_file(struct lmdb_store *lmdb, const char *boot_id, struct store_seed *seed)
{
	int r;

	if (unlinkat(lmdb->state->dir_fd, STORE_FILE_NEW, 0) < 0 && errno != ENOENT)
		return -errno;
	lmdb->size = 0;
	r = open_file(lmdb, STORE_FILE_NEW, STATE_WRITE);
	if (r < 0)
		return r;
	r = write_first_rows(&lmdb->base, boot_id);
	if (r == 0)
		r = free_ballast(&lmdb->base);
	if (r == 0 && seed)
		r = seed->fill(seed->userdata, &lmdb->base);
	if (r == 0)
		r = put_in_place(lmdb);
	if (r < 0)
		(void)unlinkat(lmdb->state->dir_fd, STORE_FILE_NEW, 0);
	return r;
}

/**
 * new_locked() - A store without a file, holding the store lock
 * @state:	State directory
 * @access:	What for
 * @wait_ms:	Milliseconds to wait for the lock, at most
 * @ret_lmdb:	Store, to be released with store_close()
 *
 * Return: 0, STATE_E_LOCKED, negative errno
 */
static int new_locked(const struct state *state, enum state_access access, int wait_ms, struct lmdb_store **ret_lmdb)
{
	struct lmdb_store *lmdb;
	int r;

	r = state_lock_store(state, access, wait_ms);
	if (r)
		return r;
	lmdb = calloc(1, sizeof(*lmdb));
	if (!lmdb) {
		state_unlock_store(state);
		return -ENOMEM;
	}
	lmdb->base.ops = &lmdb_ops;
	lmdb->state = state;
	*ret_lmdb = lmdb;
	return 0;
}

/**
 * set_aside() - Move the store's file out of the way; one set aside earlier is replaced
 * @lmdb:	Store without an open file, locked for writing
 *
 * Return: 0, negative errno
 */
static int set_aside(const struct lmdb_store *lmdb)
{
	int dir_fd = lmdb->state->dir_fd;

	return renameat(dir_fd, STORE_FILE, dir_fd, STORE_FILE_DAMAGED) < 0 ? -errno : 0;
}

/**
 * store_lmdb_open() - Open the lease store and hold its lock
 * @state:	State directory, to stay open as long as the store
 * @access:	STATE_READ: together with other readers; otherwise alone; STATE_WRITE: a store is made where there is
 *		none or one of an earlier boot
 * @wait_ms:	Milliseconds to wait for the lock, at most
 * @boot_id:	This boot, /proc/sys/kernel/random/boot_id
 * @seed:	With STATE_WRITE, what a new store is filled with; a damaged one is then set aside and rebuilt. NULL:
 *		a new one is empty, a damaged one stays
 * @ret_store:	Store, to be released with store_close()
 *
 * Return: 0, STATE_E_LOCKED, STATE_E_ABSENT (not with STATE_WRITE), STORE_LMDB_E_DAMAGED, STORE_LMDB_E_NEWER, negative
 *	errno
 */
int store_lmdb_open(const struct state *state, enum state_access access, int wait_ms, const char *boot_id,
		    struct store_seed *seed, struct store **ret_store)
{
	STORE_CLEANUP struct store *store = NULL;
	struct lmdb_store *lmdb;
	int r;

	r = new_locked(state, access, wait_ms, &lmdb);
	if (r)
		return r;
	store = &lmdb->base;
	r = open_existing(lmdb, access, boot_id);
	if (r == STORE_LMDB_E_DAMAGED && access == STATE_WRITE && seed) {
		seed->replaced = true;
		r = set_aside(lmdb);
		r = r < 0 ? r : STATE_E_ABSENT;
	}
	if (r == STATE_E_ABSENT && access == STATE_WRITE)
		r = create_file(lmdb, boot_id, seed);
	if (r)
		return r;
	*ret_store = TAKE_PTR(store);
	return 0;
}

/**
 * store_lmdb_renew() - Set the file of a store aside, whose rows turned out to be damaged, and rebuild it
 * @store:	Store opened with STATE_WRITE, in no transaction; its lock stays held
 * @boot_id:	This boot
 * @seed:	What it is filled with
 *
 * Return: 0, negative errno: the store can only be closed
 */
int store_lmdb_renew(struct store *store, const char *boot_id, struct store_seed *seed)
{
	struct lmdb_store *lmdb = (struct lmdb_store *)store;
	int r;

	lmdb_close_file(lmdb);
	seed->replaced = true;
	r = set_aside(lmdb);
	return r < 0 ? r : create_file(lmdb, boot_id, seed);
}
