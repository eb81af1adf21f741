/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files whose times don't tell of every change: on tmpfs a write through mmap(2) leaves them as they are. Of those the
 * contents are compared, which are in memory anyway.
 */

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <xxhash.h>

#include "plugin/policy/policy_record.h"

/** policy_times_tell() - Whether each change of the file @fd shows in its times */
bool policy_times_tell(int fd)
{
	struct statfs filesystem;

	if (fstatfs(fd, &filesystem) < 0)
		return false;
	return filesystem.f_type != TMPFS_MAGIC && filesystem.f_type != RAMFS_MAGIC &&
	       filesystem.f_type != HUGETLBFS_MAGIC;
}

/**
 * policy_digest() - Digest of the contents of a file
 * @fd:		File
 * @ret_digest:	XXH3-128, never zero
 *
 * Return: 0, negative errno
 */
int policy_digest(int fd, uint8_t ret_digest[static POLICY_LISTING_BYTES])
{
	XXH128_canonical_t canonical;
	struct stat status;
	void *contents = NULL;
	size_t size;

	if (fstat(fd, &status) < 0)
		return -errno;
	size = (size_t)status.st_size;
	if (size)
		contents = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (contents == MAP_FAILED)
		return -errno;
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(contents, size));
	if (size)
		(void)munmap(contents, size);
	_Static_assert(sizeof(canonical.digest) == POLICY_LISTING_BYTES, "digests of one size");
	memcpy(ret_digest, canonical.digest, POLICY_LISTING_BYTES);
	ret_digest[0] |= 1;
	return 0;
}
