/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host-local's lease files, as plugins/ipam/host-local/backend/disk of containernetworking/plugins writes them: the name
 * is the address, with "_" for ":" on Windows alone; the contents "ID\r\nIFNAME", of old versions only "ID". The lock is
 * flock(2) on the file "lock".
 */

#include "plugin/host/host_local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ipam/lease/ipam.h"
#include "rangeguard/limits.h"

#define LOCK_NAME "lock"
#define LINE_END "\r\n"
#define FILE_MODE 0600U
/** Contents of a file: an id, a name and what is between them */
#define CONTENTS_MAX (LIMIT_CONTAINER_ID + 32U)
/** How often host-local's lock is tried */
#define PAUSE_NS 5000000L

/** struct owner - Who a file says that its address is given to; @ifname is "" in files of old versions */
struct owner {
	char text[CONTENTS_MAX + 1];
	const char *container_id;
	const char *ifname;
};

/** lock() - Take host-local's lock: 0, HOST_LOCAL_E_LOCKED, negative errno */
static int lock(int fd)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	for (long waited = 0; waited < LIMIT_LOCK_WAIT_MS * 1000000L; waited += PAUSE_NS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		(void)nanosleep(&pause, NULL);
	}
	return HOST_LOCAL_E_LOCKED;
}

/**
 * host_local_open() - Open a network's directory, if it is there, and hold its lock
 * @directory:	`ipam.adopt`; NULL: none
 * @network:	Name
 * @ret_files:	Directory, to be released with host_local_done()
 *
 * Return: 0 also when there is none, HOST_LOCAL_E_LOCKED, negative errno, -ENAMETOOLONG too
 */
int host_local_open(const char *directory, const char *network, struct host_local *ret_files)
{
	HOST_LOCAL_CLEANUP struct host_local files = HOST_LOCAL_INIT;
	char path[PATH_MAX];
	int r;

	*ret_files = (struct host_local)HOST_LOCAL_INIT;
	if (!directory)
		return 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, network) >= sizeof(path))
		return -ENAMETOOLONG;
	files.dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (files.dir_fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	files.lock_fd = openat(files.dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (files.lock_fd < 0)
		return -errno;
	r = lock(files.lock_fd);
	if (r)
		return r;
	*ret_files = files;
	files = (struct host_local)HOST_LOCAL_INIT;
	return 0;
}

/** host_local_done() - Release directory and lock */
void host_local_done(struct host_local *files)
{
	cleanup_close(&files->lock_fd);
	cleanup_close(&files->dir_fd);
	*files = (struct host_local)HOST_LOCAL_INIT;
}

/** read_owner() - Read the file of an address: 0, -ENODATA when it is empty, -EINVAL when it names nobody, negative errno */
static int read_owner(const struct host_local *files, const char *name, struct owner *ret_owner)
{
	CLEANUP_CLOSE int fd = openat(files->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, ret_owner->text, CONTENTS_MAX);
	char *rest = ret_owner->text;

	if (size <= 0)
		return size < 0 ? -errno : -ENODATA;
	ret_owner->text[size] = '\0';
	ret_owner->container_id = strsep(&rest, LINE_END);
	ret_owner->ifname = rest ? rest + strspn(rest, LINE_END) : strchr(ret_owner->container_id, '\0');
	ret_owner->text[(size_t)(ret_owner->ifname - ret_owner->text) + strcspn(ret_owner->ifname, LINE_END)] = '\0';
	return *ret_owner->container_id ? 0 : -EINVAL;
}

/** is_owner() - Whether a file is an attachment's */
static bool is_owner(const struct owner *owner, const struct attachment *attachment)
{
	return strcmp(owner->container_id, attachment->container_id) == 0 &&
	       (!*owner->ifname || strcmp(owner->ifname, attachment->ifname) == 0);
}

/**
 * host_local_is_taken() - Whether host-local has given an address to another attachment
 * @files:	Directory, whose lock is held: an empty file is not one that somebody is writing, but what was left by who was
 *		killed before
 * @address:	Address
 * @attachment:	Attachment
 */
bool host_local_is_taken(const struct host_local *files, const struct address *address,
			 const struct attachment *attachment)
{
	char name[ADDRESS_TEXT_MAX];
	struct owner owner = {.container_id = "", .ifname = ""};
	int r;

	if (files->dir_fd < 0)
		return false;
	r = read_owner(files, address_format(address, name), &owner);
	return r == 0 ? !is_owner(&owner, attachment) : r != -ENOENT && r != -ENODATA;
}

/**
 * host_local_put() - Have host-local know of an address that was given
 * @files:	Directory
 * @address:	Address
 * @attachment:	To whom
 *
 * Return: 0, negative errno: then there is no file, for one that names nobody would hold the address for ever
 */
int host_local_put(const struct host_local *files, const struct address *address, const struct attachment *attachment)
{
	char name[ADDRESS_TEXT_MAX], contents[CONTENTS_MAX];
	CLEANUP_CLOSE int fd = -1;
	int length;

	if (files->dir_fd < 0)
		return 0;
	length = snprintf(contents, sizeof(contents), "%s" LINE_END "%s", attachment->container_id, attachment->ifname);
	if (length < 0 || (size_t)length >= sizeof(contents))
		return -E2BIG;
	fd = openat(files->dir_fd, address_format(address, name), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    FILE_MODE);
	if (fd < 0)
		return -errno;
	if (write(fd, contents, (size_t)length) == length)
		return 0;
	(void)unlinkat(files->dir_fd, name, 0);
	return -EIO;
}

/**
 * host_local_forget() - Have host-local know that addresses were given back
 * @directory:		`ipam.adopt`; NULL: none
 * @attachment:		Whose they were
 * @addresses:		Addresses
 * @n_addresses:	How many
 *
 * Without the lock, under which an ADD may be waiting for the store: as long as a file is there, nobody else writes it.
 */
void host_local_forget(const char *directory, const struct attachment *attachment, const struct address *addresses,
		       size_t n_addresses)
{
	HOST_LOCAL_CLEANUP struct host_local files = HOST_LOCAL_INIT;
	char path[PATH_MAX], name[ADDRESS_TEXT_MAX];
	struct owner owner = {.container_id = "", .ifname = ""};

	if (!directory || !*attachment->network ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", directory, attachment->network) >= sizeof(path))
		return;
	files.dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < n_addresses && files.dir_fd >= 0; i++)
		if (read_owner(&files, address_format(&addresses[i], name), &owner) == 0 &&
		    is_owner(&owner, attachment))
			(void)unlinkat(files.dir_fd, name, 0);
}

/** host_local_forget_all() - Remove every file of an attachment, as host-local's own DEL does: it reads them all */
void host_local_forget_all(const char *directory, const struct attachment *attachment)
{
	char path[PATH_MAX];
	DIR *stream = NULL;
	const struct dirent *entry;

	if (directory && (size_t)snprintf(path, sizeof(path), "%s/%s", directory, attachment->network) < sizeof(path))
		stream = opendir(path);
	while (stream && (entry = readdir(stream))) {
		struct address address;

		if (address_parse(entry->d_name, &address) == 0)
			host_local_forget(directory, attachment, &address, 1);
	}
	if (stream)
		(void)closedir(stream);
}

/** adopt_one() - Hold the address of one file for whom it names; one that is gone or names nobody, for nobody: 0, negative errno */
static int adopt_one(const struct host_local *files, const char *network, const char *name, struct store *store)
{
	struct adopted adopted = {.lease = {.pod_namespace = "", .pod_name = "", .netns = "", .since = time(NULL)}};
	struct address address;
	struct owner owner = {.container_id = "", .ifname = ""};
	int r;

	/* Beside the addresses there are "lock" and "last_reserved_ip.0". */
	if (address_parse(name, &address) < 0)
		return 0;
	r = read_owner(files, name, &owner);
	if (r < 0)
		return r == -EINVAL || r == -ENODATA || r == -ENOENT || r == -ELOOP ? 0 : r;
	adopted.lease.attachment = (struct attachment){.network = network,
						       .container_id = owner.container_id,
						       .ifname = *owner.ifname ? owner.ifname : "eth0"};
	adopted.key = attachment_key(&adopted.lease.attachment);
	adopted.lease.addresses[0] = address;
	adopted.lease.n_addresses = 1;
	return ipam_hold(store, &adopted);
}

/** adopt_each() - adopt_one() for each file of the directory: 0, negative errno */
static int adopt_each(const struct host_local *files, const char *network, DIR *stream, struct store *store)
{
	int r = 0;

	while (r == 0) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(stream);
		if (!entry)
			return -errno;
		r = adopt_one(files, network, entry->d_name, store);
	}
	return r;
}

/**
 * host_local_adopt() - Take the leases over, once
 * @files:	Directory
 * @network:	Name
 * @store:	Store opened for writing, in no transaction
 *
 * Return: 0, negative errno
 */
int host_local_adopt(const struct host_local *files, const char *network, struct store *store)
{
	DIR *stream;
	int r, fd;

	if (files->dir_fd < 0)
		return 0;
	r = ipam_took_over(store, network);
	if (r)
		return r < 0 ? r : 0;
	fd = openat(files->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream)
		return -errno;
	r = adopt_each(files, network, stream, store);
	(void)closedir(stream);
	return r ? r : ipam_set_took_over(store, network);
}
