/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guard was made of, and whether that is still the same. Looks at files, changes nothing. */

#include "plugin/policy/policy_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/policy/policy_source.h"
#include "rangeguard/bytes.h"

#define NS_PER_S 1000000000LL
/** Longer than any tick of the kernel's clock, from which files get their times: 10 ms (CONFIG_HZ=100) */
#define TICK_NS 20000000LL
/** File systems that know no parts of a second know even seconds only, or every other one (FAT) */
#define WHOLE_SECONDS_NS (2 * NS_PER_S)
/** A source that keeps changing is read while it does */
#define SETTLE_TRIES 3U

/** append() - Add bytes to a record: 0, -ENOMEM */
static int append(struct policy_record *record, const void *data, size_t size)
{
	uint8_t *bytes = bytes_room(record->bytes, record->size, size, &record->capacity);

	if (!bytes)
		return -ENOMEM;
	record->bytes = bytes;
	memcpy(record->bytes + record->size, data, size);
	record->size += size;
	return 0;
}

/** policy_now() - Nanoseconds on the clock that record.started_ns is of */
int64_t policy_now(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/**
 * policy_record_begin() - Begin a record
 * @record:	Record; @read_max and @settle are the caller's
 * @today:	Days since 1970-01-01 UTC; what is read today holds no earlier, for then some that are expired count
 *
 * Return: 0, -ENOMEM
 */
int policy_record_begin(struct policy_record *record, long today)
{
	struct policy_days head = {.first_day = today, .last_day = INT64_MAX, .started_ns = policy_now()};

	return append(record, &head, sizeof(head));
}

/** policy_record_done() - Free a record */
void policy_record_done(struct policy_record *record)
{
	free(record->bytes);
	*record = (struct policy_record){0};
}

/** add() - Add an origin and its path: 0, -ENOMEM */
static int add(struct policy_record *record, struct policy_origin *origin, const char *path)
{
	int r;

	origin->path_size = (uint32_t)strlen(path) + 1;
	r = append(record, origin, sizeof(*origin));
	return r < 0 ? r : append(record, path, origin->path_size);
}

/** policy_record_absent() - Note that nothing stands at @path: 0, -ENOMEM */
int policy_record_absent(struct policy_record *record, const char *path)
{
	struct policy_origin origin = {.kind = POLICY_ORIGIN_ABSENT};

	return add(record, &origin, path);
}

/** policy_origin_of() - What @status says of a file or directory */
struct policy_origin policy_origin_of(const struct stat *status)
{
	return (struct policy_origin){
		.device = status->st_dev,
		.inode = status->st_ino,
		.size = (uint64_t)status->st_size,
		.mtime_s = status->st_mtim.tv_sec,
		.mtime_ns = status->st_mtim.tv_nsec,
		.ctime_s = status->st_ctim.tv_sec,
		.ctime_ns = status->st_ctim.tv_nsec,
		.mode = status->st_mode,
		.uid = status->st_uid,
		.kind = S_ISDIR(status->st_mode) ? POLICY_ORIGIN_DIRECTORY : POLICY_ORIGIN_FILE,
	};
}

/**
 * unsettled_for() - How long a source could still be changed without its times telling
 * @status:	Its fstat(2)
 * @now:	The clock from which files get their times
 *
 * Return: nanoseconds, 0 when it is old enough; -1 when it is of no use to wait
 */
static long long unsettled_for(const struct stat *status, const struct timespec *now)
{
	/* Nobody can set st_ctim, and what sets st_mtim sets it, too. */
	const struct timespec *changed = &status->st_ctim;
	long long age_s = (long long)now->tv_sec - changed->tv_sec, age_ns;

	if (age_s > 2 * WHOLE_SECONDS_NS / NS_PER_S)
		return 0;
	if (age_s < -1)
		return -1;
	age_ns = age_s * NS_PER_S + now->tv_nsec - changed->tv_nsec;
	if (!changed->tv_nsec)
		return age_ns > WHOLE_SECONDS_NS ? 0 : -1;
	if (age_ns > TICK_NS)
		return 0;
	return age_ns < -TICK_NS ? -1 : TICK_NS - age_ns + 1;
}

/**
 * settle() - Wait until a change of a source would show in its times
 * @record:	Told when that takes too long
 * @fd:		Source
 * @status:	Its fstat(2), renewed
 *
 * Return: 0, negative errno
 */
static int settle(struct policy_record *record, int fd, struct stat *status)
{
	for (unsigned i = 0;; i++) {
		struct timespec now, wait = {0};
		long long ns;

		(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
		ns = unsettled_for(status, &now);
		if (ns == 0)
			return 0;
		if (ns < 0 || i == SETTLE_TRIES)
			break;
		/* The clock that is asked goes in ticks. */
		wait.tv_nsec = (long)(ns + TICK_NS / 2);
		(void)nanosleep(&wait, NULL);
		if (fstat(fd, status) < 0)
			return -errno;
	}
	record->unsettled = true;
	return 0;
}

/**
 * policy_record_opened() - Note a source that is about to be read
 * @record:	Record
 * @path:	Its path
 * @fd:		Its descriptor
 * @status:	Its fstat(2); renewed where it was waited for the clock
 * @ret_origin:	Where it stands in the record
 *
 * Return: 0, -EOVERFLOW when the files are larger than wanted, another negative errno
 */
int policy_record_opened(struct policy_record *record, const char *path, int fd, struct stat *status,
			 size_t *ret_origin)
{
	struct policy_origin origin;
	int r;

	if (S_ISREG(status->st_mode))
		record->read += (uint64_t)status->st_size;
	if (record->read > record->read_max)
		return -EOVERFLOW;
	if (record->settle) {
		r = settle(record, fd, status);
		if (r < 0)
			return r;
	}
	*ret_origin = record->size;
	origin = policy_origin_of(status);
	if (record->settle && S_ISREG(status->st_mode) && !policy_times_tell(fd)) {
		r = policy_digest(fd, origin.listing);
		if (r < 0)
			return r;
	}
	return add(record, &origin, path);
}

/**
 * policy_record_listed() - Note the names in a directory that was noted before
 * @record:	Record
 * @origin:	Where it stands there
 * @names:	Names
 */
void policy_record_listed(struct policy_record *record, size_t origin, const struct policy_names *names)
{
	struct policy_origin noted;

	memcpy(&noted, record->bytes + origin, sizeof(noted));
	policy_names_digest(names, noted.listing);
	memcpy(record->bytes + origin, &noted, sizeof(noted));
}

/** policy_record_spoil() - Have a record hold on no day, since changes of its sources may not show */
void policy_record_spoil(struct policy_record *record)
{
	policy_record_valid_until(record, -1);
}

/** policy_record_valid_until() - Note that an entry counts up to @day, and no longer */
void policy_record_valid_until(struct policy_record *record, long day)
{
	struct policy_days head;

	memcpy(&head, record->bytes, sizeof(head));
	if (day < head.last_day)
		head.last_day = day;
	memcpy(record->bytes, &head, sizeof(head));
}
