/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard of a network: from where it is kept compiled, or from its sources. */

#include "plugin/policy/compiled.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ipam/guard/guard_image.h"
#include "ipam/store/state_cache.h"
#include "plugin/netconf/netconf.h"
#include "plugin/policy/policy.h"
#include "plugin/policy/policy_record.h"
#include "plugin/report/log.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/day.h"
#include "rangeguard/limits.h"

#define STEM "policy-"
#define BROKEN_STEM "broken-"
#define MARKER_MODE 0600U

_Static_assert(sizeof(STEM) + 2 * BLOCKS_TAG_BYTES <= STATE_CACHE_NAME_MAX - 4, "name and suffix fit");

/**
 * struct wanted_guard - The guard that is wanted
 * @netconf:	Configuration
 * @may_wait:	Whether to make what is missing, and to wait while somebody else compiles
 * @today:	Days since 1970-01-01 UTC
 * @asked:	When this call began (policy_now()): what was read since is good enough
 * @key:	What tells it from others
 * @name:	Name of the file in which it is kept
 * @report:	Hears what is wrong with its sources
 * @compiled:	Set when it was compiled
 */
struct wanted_guard {
	const struct netconf *netconf;
	bool may_wait;
	long today;
	int64_t asked;
	struct policy_key key;
	char name[STATE_CACHE_NAME_MAX];
	struct report *report;
	bool *compiled;
};

/** name_file() - Name of the file for the key of @wanted */
static void name_file(struct wanted_guard *wanted)
{
	static const char digits[] = "0123456789abcdef";
	char *at = mempcpy(wanted->name, STEM, strlen(STEM));

	for (size_t i = 0; i < sizeof(wanted->key.tag.bytes); i++) {
		*at++ = digits[wanted->key.tag.bytes[i] >> 4];
		*at++ = digits[wanted->key.tag.bytes[i] & 0xf];
	}
	*at = '\0';
}

/** is_kept() - Whether there is a file to look into: what most policies are too small for costs them one system call */
static bool is_kept(const struct wanted_guard *wanted)
{
	const char *data_dir = wanted->netconf->data_dir;
	char path[LIMIT_PATH + STATE_CACHE_NAME_MAX + 1];
	int length = snprintf(path, sizeof(path), "%s/%s", data_dir, wanted->name);

	return (size_t)length < sizeof(path) && faccessat(AT_FDCWD, path, F_OK, 0) == 0;
}

/** ignore() - Listener that wants to know nothing */
static void ignore(struct report *report, const struct finding *finding)
{
	(void)report;
	(void)finding;
}

/** heal() - guard_heal_fn: read the sources, and have the next call compile them */
static int heal(void *userdata, struct guard **ret_guard)
{
	const struct netconf *netconf = userdata;
	STATE_CLEANUP struct state state = STATE_INIT;
	struct report report = {.heard = ignore};
	struct wanted_guard wanted = {.netconf = netconf};
	int r = policy_key(netconf, &wanted.key);

	name_file(&wanted);
	log_line("the compiled policy %s/%s is damaged: it is rebuilt", netconf->data_dir, wanted.name);
	if (r == 0 && state_open(netconf->data_dir, STATE_READ, &state) == 0)
		state_cache_remove(&state, wanted.name);
	if (r == 0)
		r = policy_read_netconf(netconf, day_of(time(NULL)), NULL, ret_guard, &report);
	return r == REFUSED ? -EUCLEAN : r;
}

/** name_marker() - Name of the file that says since when a policy is broken */
static void name_marker(const struct wanted_guard *wanted, char name[static STATE_CACHE_NAME_MAX])
{
	(void)snprintf(name, STATE_CACHE_NAME_MAX, BROKEN_STEM "%.40s", wanted->name + strlen(STEM));
}

/**
 * broken_for() - For how many seconds a policy has been broken; noted when it is news
 * @wanted:	Guard
 * @state:	State directory
 * @ret_age:	Seconds
 *
 * Return: 0, negative errno: what can't be noted would last for ever
 */
static int broken_for(const struct wanted_guard *wanted, const struct state *state, int64_t *ret_age)
{
	char name[STATE_CACHE_NAME_MAX];
	CLEANUP_CLOSE int fd = -1;
	struct stat status;
	time_t now = time(NULL);

	name_marker(wanted, name);
	fd = openat(state->dir_fd, name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, MARKER_MODE);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	*ret_age = status.st_mtim.tv_sec > now ? 0 : now - status.st_mtim.tv_sec;
	return 0;
}

/** forget_broken() - A policy can be read again */
static void forget_broken(const struct wanted_guard *wanted, const struct state *state)
{
	char name[STATE_CACHE_NAME_MAX];

	name_marker(wanted, name);
	(void)unlinkat(state->dir_fd, name, 0);
}

/**
 * use_kept() - Use the guard that is kept, if it is still the one that is wanted
 * @wanted:	Guard
 * @state:	State directory
 * @ret_guard:	Guard
 *
 * Return: 0, STATE_E_ABSENT when there is none that can be used, negative errno
 */
static int use_kept(const struct wanted_guard *wanted, const struct state *state, struct guard **ret_guard)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	struct guard_origin origin;
	int fd, r;

	r = state_cache_open(state, wanted->name, &fd);
	if (r)
		return r == -ENOMEM ? r : STATE_E_ABSENT;
	r = guard_image_open(fd, &wanted->key.tag, &guard, &origin);
	if (r == -EUCLEAN)
		log_line("the compiled policy %s/%s is damaged: it is rebuilt", wanted->netconf->data_dir,
			 wanted->name);
	if (r < 0)
		return r == -ENOMEM ? r : STATE_E_ABSENT;
	if (!policy_record_began_after(origin.data, origin.size, wanted->asked) &&
	    !policy_record_holds(origin.data, origin.size, wanted->today))
		return STATE_E_ABSENT;
	guard_image_on_damage(guard, heal, (void *)(uintptr_t)wanted->netconf);
	if (wanted->netconf->guard.last_good)
		forget_broken(wanted, state);
	*ret_guard = TAKE_PTR(guard);
	return 0;
}

/** read_all() - Read the sources, as long as there are no more of them than @record allows */
static int read_all(const struct wanted_guard *wanted, struct policy_record *record, struct guard **ret_guard)
{
	int r = policy_record_begin(record, wanted->today);

	record->read = wanted->key.inline_size;
	if (r == 0 && record->read > record->read_max)
		r = -EOVERFLOW;
	return r < 0 ? r : policy_read_netconf(wanted->netconf, wanted->today, record, ret_guard, wanted->report);
}

/** write_image() - Write a guard and what it was made of: 0, negative errno */
static int write_image(const struct wanted_guard *wanted, const struct state *state, const struct guard *guard,
		       const struct policy_record *record)
{
	CLEANUP_CLOSE int fd = -1;
	int r;

	r = state_cache_create(state, wanted->name, &fd);
	if (r == 0)
		r = guard_image_write(guard, (struct guard_origin){.data = record->bytes, .size = record->size},
				      &wanted->key.tag, fd);
	if (r == 0)
		r = state_cache_commit(state, wanted->name, fd);
	if (r == 0)
		*wanted->compiled = true;
	return r;
}

/**
 * keep() - Keep a guard for the calls that follow; that this can't be done is no failure of this one
 * @wanted:	Guard
 * @state:	State directory, the lock of the name held
 * @guard:	The guard in memory
 * @record:	What it was made of
 */
static void keep(const struct wanted_guard *wanted, const struct state *state, const struct guard *guard,
		 struct policy_record *record)
{
	int r;

	if (record->unsettled || !policy_record_holds(record->bytes, record->size, wanted->today)) {
		log_line(
			"the compiled policy of network %s serves only the calls that wait for it: a source was changed "
			"while it was read, or can be without a trace, since it is dated in the future",
			wanted->netconf->name);
		policy_record_spoil(record);
	}
	r = write_image(wanted, state, guard, record);
	if (r == 0) {
		state_cache_tidy(state, STEM, wanted->name, LIMIT_POLICY_IMAGES);
		return;
	}
	state_cache_discard(state, wanted->name);
	log_line("the compiled policy can't be kept in %s, so that each ADD has to read all of it: %s",
		 wanted->netconf->data_dir, strerror(-r));
}

/**
 * compile() - Rebuild the guard, unless somebody else has just done it
 * @wanted:	Guard
 * @state:	State directory, the lock of the name held
 * @ret_guard:	Guard
 *
 * Return: 0, REFUSED when its sources are unusable (reported), negative errno
 */
static int compile(const struct wanted_guard *wanted, const struct state *state, struct guard **ret_guard)
{
	POLICY_RECORD_CLEANUP struct policy_record record = {.read_max = UINT64_MAX, .settle = true};
	GUARD_CLEANUP struct guard *guard = NULL;
	int r = use_kept(wanted, state, ret_guard);

	if (r != STATE_E_ABSENT)
		return r;
	r = read_all(wanted, &record, &guard);
	if (r)
		return r;
	keep(wanted, state, guard, &record);
	if (wanted->netconf->guard.last_good)
		forget_broken(wanted, state);
	*ret_guard = TAKE_PTR(guard);
	return 0;
}

/**
 * lock_state() - Be the one that compiles
 * @wanted:	Guard
 * @ret_state:	State directory, the lock of the name held
 *
 * Who may not wait, STATUS, makes no directory either.
 *
 * Return: 0, STATE_E_LOCKED, another outcome of state.h when there is no state to keep anything in, negative errno
 */
static int lock_state(const struct wanted_guard *wanted, struct state *ret_state)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	int r;

	r = state_open(wanted->netconf->data_dir, wanted->may_wait ? STATE_WRITE : STATE_UPDATE, &state);
	if (r == 0)
		r = state_cache_lock(&state, wanted->name, wanted->may_wait ? LIMIT_COMPILE_WAIT_MS : 0);
	if (r)
		return r;
	*ret_state = state;
	state = (struct state)STATE_INIT;
	return 0;
}

/** read_large() - compile(), or where nothing can be kept only read: 0, REFUSED, COMPILED_E_LOCKED, negative errno */
static int read_large(const struct wanted_guard *wanted, struct guard **ret_guard)
{
	POLICY_RECORD_CLEANUP struct policy_record record = {.read_max = UINT64_MAX};
	STATE_CLEANUP struct state state = STATE_INIT;
	int r = lock_state(wanted, &state);

	if (r == 0)
		return compile(wanted, &state, ret_guard);
	if (r == STATE_E_LOCKED && wanted->may_wait)
		return COMPILED_E_LOCKED;
	return read_all(wanted, &record, ret_guard);
}

/**
 * compiled_read() - The guard of a network
 * @netconf:	Configuration. Borrowed for as long as the guard lives
 * @may_wait:	Whether to make what is missing, and to wait while somebody else compiles
 * @ret_guard:	Sealed guard, to be freed with guard_free()
 * @ret_compiled: Whether it has been compiled, and is kept
 * @report:	Hears what is wrong with the policies
 *
 * Return: 0, REFUSED when errors were reported, COMPILED_E_LOCKED, negative errno
 */
int compiled_read(const struct netconf *netconf, bool may_wait, struct guard **ret_guard, bool *ret_compiled,
		  struct report *report)
{
	struct wanted_guard wanted = {.netconf = netconf,
				      .may_wait = may_wait,
				      .today = day_of(time(NULL)),
				      .asked = policy_now(),
				      .report = report,
				      .compiled = ret_compiled};
	POLICY_RECORD_CLEANUP struct policy_record record = {.read_max = LIMIT_POLICY_SMALL};
	STATE_CLEANUP struct state state = STATE_INIT;
	int r = policy_key(netconf, &wanted.key);

	*ret_compiled = false;
	if (r < 0)
		return r;
	name_file(&wanted);
	if (is_kept(&wanted) && state_open(netconf->data_dir, STATE_READ, &state) == 0) {
		r = use_kept(&wanted, &state, ret_guard);
		if (r == 0 || r == -ENOMEM)
			return r;
	}
	/* One that may have to serve later is kept, however small. */
	r = netconf->guard.last_good ? -EOVERFLOW : read_all(&wanted, &record, ret_guard);
	return r == -EOVERFLOW ? read_large(&wanted, ret_guard) : r;
}

/**
 * compiled_read_last() - The last guard that could be made (`onBroken`)
 * @netconf:	Configuration, whose policies can't be read
 * @ret_guard:	Sealed guard, to be freed with guard_free()
 * @ret_age:	For how many seconds the policies have been broken
 *
 * Return: 0, STATE_E_ABSENT when there is none, another outcome of state.h, negative errno
 */
int compiled_read_last(const struct netconf *netconf, struct guard **ret_guard, int64_t *ret_age)
{
	struct wanted_guard wanted = {.netconf = netconf, .today = day_of(time(NULL))};
	STATE_CLEANUP struct state state = STATE_INIT;
	GUARD_CLEANUP struct guard *guard = NULL;
	struct guard_origin origin;
	int fd, r = policy_key(netconf, &wanted.key);

	if (r < 0)
		return r;
	name_file(&wanted);
	r = state_open(netconf->data_dir, STATE_READ, &state);
	if (!r)
		r = state_cache_open(&state, wanted.name, &fd);
	if (!r)
		r = guard_image_open(fd, &wanted.key.tag, &guard, &origin);
	if (!r)
		r = broken_for(&wanted, &state, ret_age);
	if (!r)
		*ret_guard = TAKE_PTR(guard);
	return r;
}
