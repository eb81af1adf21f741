/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The locks of the state directory, each to be had before a deadline: a holder may be stopped or hang. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ipam/store/state_internal.h"

/** A waiter whose time is over is woken again and again: one signal could come just before it falls asleep */
#define WAKE_AGAIN_NS 10000000L
/** How far apart a lock is tried without a signal */
#define PAUSE_NS 2000000L
#define MS_PER_S 1000
/** Place of the gate in the lock file; below it are the attachments */
#define GATE_OFFSET (INT64_C(1) << 62)
#define NS_PER_MS 1000000L

/**
 * struct wanted_lock - A lock to be had
 * @fd:		Lock file
 * @operation:	Of flock(2), or
 * @region:	bytes to be locked for this open file description; NULL: the whole file with flock(2)
 */
struct wanted_lock {
	int fd;
	int operation;
	struct flock *region;
};

/**
 * try_lock() - Ask the kernel for a lock
 * @wanted:	Lock
 * @wait:	Wait for it until a signal comes
 *
 * Return: 0, -EAGAIN: somebody else has it (without @wait), -EINTR, another negative errno
 */
static int try_lock(const struct wanted_lock *wanted, bool wait)
{
	int r;

	if (wanted->region)
		r = fcntl(wanted->fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, wanted->region);
	else
		r = flock(wanted->fd, wanted->operation | (wait ? 0 : LOCK_NB));
	if (r == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

/**
 * struct waker - A timer that interrupts a waiting system call, from the deadline on
 *
 * It is a timer of its own, so that alarm(2) stays the caller's, for the calling thread alone.
 */
struct waker {
	timer_t timer;
	struct timespec deadline;
	sigset_t old_mask;
};

static int (*prepare_wake)(void);

/**
 * state_wake_by() - Wait for locks in the kernel's queue, woken by a signal when the time is over
 * @prepare:	Called before each wait: see to it that a signal interrupts system calls and does nothing else; returns it
 *
 * Without it a lock is tried again and again: who waits then has no place in a queue.
 */
void state_wake_by(int (*prepare)(void))
{
	prepare_wake = prepare;
}

/**
 * waker_start() - Have system calls interrupted from a deadline on
 * @waker:	To be handed to waker_stop()
 * @wait_ms:	Milliseconds until then, more than 0
 *
 * Return: 0, negative errno
 */
static int waker_start(struct waker *waker, int wait_ms)
{
	struct itimerspec times = {.it_interval.tv_nsec = WAKE_AGAIN_NS};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = prepare_wake()};
	sigset_t mask;

	event._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &waker->timer) < 0)
		return -errno;
	(void)clock_gettime(CLOCK_MONOTONIC, &waker->deadline);
	waker->deadline.tv_sec += wait_ms / MS_PER_S;
	waker->deadline.tv_nsec += wait_ms % MS_PER_S * NS_PER_MS;
	if (waker->deadline.tv_nsec >= MS_PER_S * NS_PER_MS) {
		waker->deadline.tv_nsec -= MS_PER_S * NS_PER_MS;
		waker->deadline.tv_sec++;
	}
	times.it_value = waker->deadline;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, event.sigev_signo);
	/* The mask is inherited from whoever started us. */
	(void)pthread_sigmask(SIG_UNBLOCK, &mask, &waker->old_mask);
	(void)timer_settime(waker->timer, TIMER_ABSTIME, &times, NULL);
	return 0;
}

/** waker_stop() - End @waker */
static void waker_stop(const struct waker *waker)
{
	(void)timer_delete(waker->timer);
	(void)pthread_sigmask(SIG_SETMASK, &waker->old_mask, NULL);
}

/** milliseconds() - A clock that only goes on */
static int64_t milliseconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

/** try_again() - Try a lock again and again: 0, STATE_E_LOCKED, negative errno */
static int try_again(const struct wanted_lock *wanted, int wait_ms)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	int64_t end = milliseconds() + wait_ms;
	int r;

	do {
		(void)nanosleep(&pause, NULL);
		r = try_lock(wanted, false);
	} while (r == -EAGAIN && milliseconds() < end);
	return r == -EAGAIN ? STATE_E_LOCKED : r;
}

/** waker_expired() - Whether the deadline of @waker has passed */
static bool waker_expired(const struct waker *waker)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != waker->deadline.tv_sec)
		return now.tv_sec > waker->deadline.tv_sec;
	return now.tv_nsec >= waker->deadline.tv_nsec;
}

/**
 * lock_within() - Get a lock before a deadline
 * @wanted:	Lock
 * @wait_ms:	Milliseconds to wait for it, at most
 *
 * Return: 0, STATE_E_LOCKED, negative errno
 */
static int lock_within(const struct wanted_lock *wanted, int wait_ms)
{
	struct waker waker;
	int r;

	r = try_lock(wanted, false);
	if (r != -EAGAIN)
		return r;
	if (wait_ms <= 0)
		return STATE_E_LOCKED;
	if (!prepare_wake)
		return try_again(wanted, wait_ms);
	r = waker_start(&waker, wait_ms);
	if (r < 0)
		return r;
	do {
		r = try_lock(wanted, true);
	} while (r == -EINTR && !waker_expired(&waker));
	waker_stop(&waker);
	return r == -EINTR ? STATE_E_LOCKED : r;
}

/** gate() - The byte of the lock file that is the way to the store's lock */
static struct flock gate(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = GATE_OFFSET, .l_len = 1};
}

/**
 * lock_through_gate() - Get the store's lock in turn
 * @wanted:	Lock
 * @type:	F_RDLCK to pass with other readers, F_WRLCK to keep everybody waiting
 * @wait_ms:	Milliseconds to wait for it, at most
 *
 * Return: 0, STATE_E_LOCKED, negative errno
 */
static int lock_through_gate(const struct wanted_lock *wanted, short type, int wait_ms)
{
	struct flock region = gate(type);
	struct wanted_lock way = {.fd = wanted->fd, .region = &region};
	int64_t end = milliseconds() + wait_ms;
	int r = lock_within(&way, wait_ms);

	if (r)
		return r;
	r = lock_within(wanted, (int)(end - milliseconds()));
	region = gate(F_UNLCK);
	(void)fcntl(wanted->fd, F_OFD_SETLK, &region);
	return r;
}

/** is_current() - Whether the lock file is still the one that others open: somebody may have removed it */
static bool is_current(const struct state *state)
{
	struct stat ours, theirs;

	return fstat(state->lock_fd, &ours) == 0 &&
	       fstatat(state->dir_fd, LOCK_FILE, &theirs, AT_SYMLINK_NOFOLLOW) == 0 && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

/**
 * state_lock_store() - Lock the lease store
 * @state:	Open state directory
 * @access:	STATE_READ: together with other readers; otherwise alone
 * @wait_ms:	Milliseconds to wait for it, at most
 *
 * Return: 0, STATE_E_LOCKED, also when the lock file is not there any more, negative errno
 */
int state_lock_store(const struct state *state, enum state_access access, int wait_ms)
{
	struct wanted_lock wanted = {.fd = state->lock_fd, .operation = access == STATE_READ ? LOCK_SH : LOCK_EX};
	int r = access == STATE_READ ? -EAGAIN : try_lock(&wanted, false);

	if (r == -EAGAIN)
		r = lock_through_gate(&wanted, access == STATE_READ ? F_RDLCK : F_WRLCK, wait_ms);
	if (r || is_current(state))
		return r;
	state_unlock_store(state);
	return STATE_E_LOCKED;
}

/** state_unlock_store() - Release what state_lock_store() got for @state */
void state_unlock_store(const struct state *state)
{
	(void)flock(state->lock_fd, LOCK_UN);
}

/** region_of() - The byte of the lock file that stands for an attachment: file offsets are signed */
static struct flock region_of(uint64_t attachment_hash, short type)
{
	return (struct flock){
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)(attachment_hash & (GATE_OFFSET - 1)),
		.l_len = 1,
	};
}

/**
 * state_lock_attachment() - Keep other verbs of the same attachment away
 * @state:		State directory not opened for STATE_READ
 * @attachment_hash:	attachment_hash() of it
 * @wait_ms:		Milliseconds to wait for it, at most
 *
 * Return: 0, STATE_E_LOCKED, negative errno
 */
int state_lock_attachment(const struct state *state, uint64_t attachment_hash, int wait_ms)
{
	struct flock region = region_of(attachment_hash, F_WRLCK);
	struct wanted_lock wanted = {.fd = state->lock_fd, .region = &region};

	return lock_within(&wanted, wait_ms);
}

/** state_unlock_attachment() - Release what state_lock_attachment() got for @state and @attachment_hash */
void state_unlock_attachment(const struct state *state, uint64_t attachment_hash)
{
	struct flock region = region_of(attachment_hash, F_UNLCK);

	(void)fcntl(state->lock_fd, F_OFD_SETLK, &region);
}
