/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has been counted on this host: a file of numbers, mapped. */

#include "plugin/metrics/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

#define COUNTERS_MODE 0600U
#define NS_PER_MS UINT64_C(1000000)

const uint64_t counters_bounds[COUNTERS_BUCKETS] = {
	NS_PER_MS,	  5 * NS_PER_MS / 2, 5 * NS_PER_MS,	10 * NS_PER_MS,	 25 * NS_PER_MS,
	50 * NS_PER_MS,	  100 * NS_PER_MS,   250 * NS_PER_MS,	500 * NS_PER_MS, 1000 * NS_PER_MS,
	2500 * NS_PER_MS, 5000 * NS_PER_MS,  10000 * NS_PER_MS, UINT64_MAX,
};

/** Codes that have a slot of their own; the last slot is for all others */
static const int codes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 50, 100, 101, 102, 103, 104, 105, 106, 107};

#define N_CODES ARRAY_LENGTH(codes)

/**
 * reserve() - Have the kernel give a new file its page now: a write to a map without one is a signal on a full disk
 * @fd:		File, of which somebody else may be the maker at the same moment
 * @write:	Opened for writing
 *
 * Return: 0, negative errno
 */
static int reserve(int fd, bool write)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if (status.st_size >= (off_t)COUNTERS_BYTES)
		return 0;
	if (!write)
		return -ENODATA;
	return fallocate(fd, 0, 0, COUNTERS_BYTES) < 0 ? -errno : 0;
}

/**
 * counters_open() - Map the counters of a state directory
 * @dir_fd:		State directory
 * @write:		To count, making the file where it is missing; otherwise to read
 * @ret_counters:	Counters, released by counters_close(); after a failure they count nothing
 *
 * Return: 0, negative errno
 */
int counters_open(int dir_fd, bool write, struct counters *ret_counters)
{
	int flags = (write ? O_RDWR | O_CREAT : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	CLEANUP_CLOSE int fd = openat(dir_fd, COUNTERS_FILE, flags, COUNTERS_MODE);
	void *map;
	int r;

	*ret_counters = (struct counters){.numbers = NULL};
	if (fd < 0)
		return -errno;
	r = reserve(fd, write);
	if (r < 0)
		return r;
	map = mmap(NULL, COUNTERS_BYTES, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	ret_counters->numbers = map;
	return 0;
}

/** counters_close() - Unmap the counters, if they are mapped */
void counters_close(struct counters *counters)
{
	if (counters->numbers)
		(void)munmap(counters->numbers, COUNTERS_BYTES);
	counters->numbers = NULL;
}

/** counters_add() - Add @n to a number of counters opened for writing. Return: what it was before */
uint64_t counters_add(const struct counters *counters, unsigned counter, uint64_t n)
{
	return counters->numbers ? __atomic_fetch_add(&counters->numbers[counter], n, __ATOMIC_RELAXED) : 0;
}

/** counters_read() - A number, 0 where nothing is counted */
uint64_t counters_read(const struct counters *counters, unsigned counter)
{
	return counters->numbers ? __atomic_load_n(&counters->numbers[counter], __ATOMIC_RELAXED) : 0;
}

/** counters_take() - Set a number to 0. Return: what it was */
uint64_t counters_take(const struct counters *counters, unsigned counter)
{
	if (!counters_read(counters, counter))
		return 0;
	return __atomic_exchange_n(&counters->numbers[counter], 0, __ATOMIC_RELAXED);
}

/** counters_replace() - Have a number be @number. Return: whether it was another one, and this caller changed it */
bool counters_replace(const struct counters *counters, unsigned counter, uint64_t number)
{
	uint64_t before = counters_read(counters, counter);

	if (!counters->numbers || before == number)
		return false;
	return __atomic_compare_exchange_n(&counters->numbers[counter], &before, number, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

/**
 * counters_see() - Keep what was seen of something, and tell whether that is new
 * @counters:	Counters
 * @what:	Digest of its name
 * @value:	Digest of what was seen
 *
 * Return: SEEN_FIRST and SEEN_OTHER to one of several callers that see the same; SEEN_BEFORE also where nothing is
 *	   counted, and for what comes when all places are taken
 */
enum sighting counters_see(const struct counters *counters, uint32_t what, uint32_t value)
{
	uint64_t seen = (uint64_t)(what ? what : 1) << 32 | value;

	for (unsigned i = 0; i < COUNTERS_SEEN; i++) {
		unsigned place = COUNTER_SEEN + (what + i) % COUNTERS_SEEN;
		uint64_t before = counters_read(counters, place);

		if (before && before >> 32 != seen >> 32)
			continue;
		if (!counters_replace(counters, place, seen))
			return SEEN_BEFORE;
		return before ? SEEN_OTHER : SEEN_FIRST;
	}
	return SEEN_BEFORE;
}

/** counters_id() - A random number that tells this file from others, made by whoever is the first to ask; 0: none */
uint64_t counters_id(const struct counters *counters)
{
	uint64_t id = counters_read(counters, COUNTER_ID), none = 0;

	if (id || !counters->numbers)
		return id;
	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != (ssize_t)sizeof(id) || !id)
		return 0;
	(void)__atomic_compare_exchange_n(&counters->numbers[COUNTER_ID], &none, id, false, __ATOMIC_RELAXED,
					  __ATOMIC_RELAXED);
	return counters_read(counters, COUNTER_ID);
}

/** counter_of_request() - Where calls of a verb (enum cni_verb) that ended with a code are counted */
unsigned counter_of_request(unsigned verb, int code)
{
	unsigned slot = 0;

	while (slot < N_CODES && codes[slot] != code)
		slot++;
	return COUNTER_REQUESTS + verb * COUNTERS_CODES + (slot < N_CODES ? slot : COUNTERS_CODES - 1);
}

/** counter_code() - The code of a slot among those of a verb; -1 for all others, -2 where the slot is not used */
int counter_code(unsigned slot)
{
	if (slot < N_CODES)
		return codes[slot];
	return slot == COUNTERS_CODES - 1 ? -1 : -2;
}

/**
 * counters_note_duration() - Count how long a verb took
 * @counters:		Counters
 * @verb:		CNI_ADD or CNI_DEL; others are not counted
 * @nanoseconds:	Duration
 */
void counters_note_duration(const struct counters *counters, unsigned verb, uint64_t nanoseconds)
{
	unsigned first = COUNTER_DURATIONS + verb * (COUNTERS_BUCKETS + 1), bucket = 0;

	if (verb >= COUNTERS_TIMED)
		return;
	while (counters_bounds[bucket] < nanoseconds)
		bucket++;
	(void)counters_add(counters, first + bucket, 1);
	(void)counters_add(counters, first + COUNTERS_BUCKETS, nanoseconds);
}
