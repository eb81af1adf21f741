/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files whose times don't tell of every change. On tmpfs a write through mmap(2) leaves them as they are; what network file
 * systems, FUSE and the layers of an overlay do is theirs to know. Of those the contents are compared.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <xxhash.h>

#include "plugin/policy/policy_record.h"
#include "rangeguard/cleanup.h"

/** has_true_times() - Whether the file system sets a file's times at each first write to a page that is clean */
static bool has_true_times(int fd)
{
	struct statfs filesystem;

	if (fstatfs(fd, &filesystem) < 0)
		return false;
	return filesystem.f_type == EXT4_SUPER_MAGIC || filesystem.f_type == XFS_SUPER_MAGIC ||
	       filesystem.f_type == BTRFS_SUPER_MAGIC;
}

/**
 * policy_times_tell() - Whether each later change of a file shows in its times
 * @fd:		File
 *
 * A page that somebody has written to through a mapping can be written to again without a trace until it is written back.
 * So all of them are written back first; the next write to any then sets the times.
 */
bool policy_times_tell(int fd)
{
	const unsigned write_back = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

	return has_true_times(fd) && sync_file_range(fd, 0, 0, write_back) == 0;
}

/** Bytes that are looked at together: few enough for a processor's cache, many enough for a call */
#define DIGEST_BLOCK ((size_t)128 * 1024)

/** add_contents() - All of a file, into a digest: 0, negative errno */
static int add_contents(int fd, XXH3_state_t *state)
{
	CLEANUP_FREE uint8_t *block = malloc(DIGEST_BLOCK);
	off_t offset = 0;

	if (!block)
		return -ENOMEM;
	for (;;) {
		ssize_t n = pread(fd, block, DIGEST_BLOCK, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		(void)XXH3_128bits_update(state, block, (size_t)n);
		offset += n;
	}
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
	XXH3_state_t *state = XXH3_createState();
	XXH128_canonical_t canonical;
	int r;

	if (!state)
		return -ENOMEM;
	(void)XXH3_128bits_reset(state);
	r = add_contents(fd, state);
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
	(void)XXH3_freeState(state);
	_Static_assert(sizeof(canonical.digest) == POLICY_LISTING_BYTES, "digests of one size");
	memcpy(ret_digest, canonical.digest, POLICY_LISTING_BYTES);
	ret_digest[0] |= 1;
	return r;
}
