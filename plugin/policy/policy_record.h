/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_POLICY_POLICY_RECORD_H
#define PLUGIN_POLICY_POLICY_RECORD_H

/*
 * What a guard was made of: each source that was opened, as the kernel told it then, and the days on which it holds.
 * From it can be told whether a guard that was kept is still the one that reading everything again would give.
 *
 * A file that is changed twice within one tick of the kernel's clock has the same times after both. So a source that
 * has just been changed is only read once the clock has moved on: whatever changes it then will show.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "ipam/guard/blocks.h"
#include "plugin/netconf/netconf.h"

struct policy_names;

/** Size of the digest of a directory's names */
#define POLICY_LISTING_BYTES 16U

/**
 * struct policy_days - What stands first in a record
 * @first_day:	Days since 1970-01-01 UTC on which it holds: the first
 * @last_day:	And the last
 * @started_ns:	When reading began, CLOCK_BOOTTIME: to a call that came before, the guard is as good as one of its own
 */
struct policy_days {
	int64_t first_day;
	int64_t last_day;
	int64_t started_ns;
};

enum policy_origin_kind {
	POLICY_ORIGIN_ABSENT, /* nothing stood there, which is allowed */
	POLICY_ORIGIN_FILE,
	POLICY_ORIGIN_DIRECTORY,
};

/**
 * struct policy_origin - A source as it was
 * @device, @inode, @size, @mode, @uid, @mtime_s, @mtime_ns, @ctime_s, @ctime_ns: Its stat(2), all zero when absent
 * @listing:	Digest of the names in a directory; of the contents of a file whose times don't tell of every change;
 *		zero otherwise
 * @kind:	enum policy_origin_kind
 * @path_size:	Bytes of the path that follows, with its NUL
 */
struct policy_origin {
	uint64_t device;
	uint64_t inode;
	uint64_t size;
	int64_t mtime_s;
	int64_t mtime_ns;
	int64_t ctime_s;
	int64_t ctime_ns;
	uint32_t mode;
	uint32_t uid;
	uint8_t listing[POLICY_LISTING_BYTES];
	uint32_t kind;
	uint32_t path_size;
};

/**
 * struct policy_record - The sources of a guard that is being read
 * @bytes:	What a kept guard needs: the days, then each origin and its path; owned
 * @size:	How many
 * @capacity:	How many there is room for
 * @read:	Bytes of the files opened so far
 * @read_max:	Files of more than this are not read: -EOVERFLOW
 * @settle:	Wait until no source can change unseen
 * @unsettled:	There is one that can
 */
struct policy_record {
	uint8_t *bytes;
	size_t size;
	size_t capacity;
	uint64_t read;
	uint64_t read_max;
	bool settle;
	bool unsettled;
};

/** struct policy_key - What tells the guards of two configurations apart; @inline_size is about what it takes to read */
struct policy_key {
	struct blocks_tag tag;
	size_t inline_size;
};

/** policy_file_fn - Called for each file of a record: a policy, or a table that one imports; @changed: its mtime */
typedef void (*policy_file_fn)(void *userdata, const char *path, int64_t changed);

/* policy_record.c */
struct policy_origin policy_origin_of(const struct stat *status);
int policy_record_begin(struct policy_record *record, long today);
void policy_record_done(struct policy_record *record);
int policy_record_absent(struct policy_record *record, const char *path);
int policy_record_opened(struct policy_record *record, const char *path, int fd, struct stat *status,
			 size_t *ret_origin);
void policy_record_listed(struct policy_record *record, size_t origin, const struct policy_names *names);
void policy_record_valid_until(struct policy_record *record, long day);
void policy_record_spoil(struct policy_record *record);
int64_t policy_now(void);
bool policy_times_tell(int fd);
int policy_digest(int fd, uint8_t ret_digest[static POLICY_LISTING_BYTES]);

/* policy_fresh.c */
int policy_key(const struct netconf *netconf, struct policy_key *ret_key);
void policy_record_files(const struct policy_record *record, policy_file_fn each, void *userdata);
bool policy_record_holds(const void *bytes, size_t size, long today);
bool policy_record_began_after(const void *bytes, size_t size, int64_t moment);

#define POLICY_RECORD_CLEANUP __attribute__((cleanup(policy_record_done)))

#endif
