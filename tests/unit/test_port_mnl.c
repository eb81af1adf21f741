/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * port_mnl.c on a real socket, which any user may read with: the loopback interface is asked for, nothing is changed.
 * recvfrom(2) is wrapped, to make the kernel's rare answers common.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/network/rtmessage.h"
#include "rangeguard/array.h"

/**
 * struct disturbance - What is done to the next calls of recvfrom(2)
 * @errnum:		With this errno the next @n_errors calls fail
 * @interrupted:	So many dumps are marked NLM_F_DUMP_INTR
 * @strangers:		So many datagrams come before, from another process
 * @oversized:		Each datagram is said to be longer than the buffer
 */
static struct disturbance {
	int errnum;
	unsigned n_errors;
	unsigned interrupted;
	unsigned strangers;
	bool oversized;
} disturbance;

ssize_t __real_recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *sender, socklen_t *length);
ssize_t __wrap_recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *sender, socklen_t *length);

/** mark() - Set NLM_F_DUMP_INTR on each message; true when the dump ends in this datagram */
static bool mark(void *buffer, ssize_t size)
{
	struct nlmsghdr *message = buffer;
	int rest = (int)size;
	bool done = false;

	for (; mnl_nlmsg_ok(message, rest); message = mnl_nlmsg_next(message, &rest)) {
		message->nlmsg_flags |= NLM_F_DUMP_INTR;
		done = message->nlmsg_type == NLMSG_DONE;
	}
	return done;
}

ssize_t __wrap_recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *sender, socklen_t *length)
{
	struct sockaddr_nl stranger = {.nl_family = AF_NETLINK, .nl_pid = 99};
	ssize_t received;

	/* An answer that was lost must not be waited for. */
	assert_true(flags & MSG_DONTWAIT);
	if (disturbance.n_errors) {
		disturbance.n_errors--;
		errno = disturbance.errnum;
		return -1;
	}
	if (disturbance.strangers) {
		disturbance.strangers--;
		memset(buffer, 0xff, 64); /* would be malformed, if it were looked at */
		memcpy(sender, &stranger, sizeof(stranger));
		*length = sizeof(stranger);
		return 64;
	}
	received = __real_recvfrom(fd, buffer, size, flags, sender, length);
	if (disturbance.interrupted && received > 0 && mark(buffer, received))
		disturbance.interrupted--;
	return disturbance.oversized ? (ssize_t)size + 1 : received;
}

/** struct seen - Links that came */
struct seen {
	unsigned links;
	unsigned loopbacks;
	unsigned restarts;
	int fail_with;
};

static int see(const struct nlmsghdr *message, void *userdata)
{
	struct seen *seen = userdata;
	struct link_info link;

	if (!message) {
		*seen = (struct seen){.restarts = seen->restarts + 1};
		return 0;
	}
	if (rtmessage_read_link(message, &link) == 0) {
		seen->links++;
		seen->loopbacks += strcmp(link.name, "lo") == 0;
	}
	return seen->fail_with;
}

static int set_up(void **state)
{
	struct port *port;

	disturbance = (struct disturbance){0};
	if (port_open(&port) < 0)
		return -1;
	*state = port;
	return 0;
}

static int tear_down(void **state)
{
	*state = port_close(*state);
	return 0;
}

/** ask() - Exchange one question: for "lo", or all links */
static int ask(struct port *port, bool all, struct seen *seen, struct port_failure *failure)
{
	struct batch batch;

	*seen = (struct seen){.fail_with = seen->fail_with};
	batch_reset(&batch);
	assert_int_equal(all ? rtmessage_dump_links(&batch) : rtmessage_get_link_by_name(&batch, "lo"), 0);
	return port_exchange(port, &batch, see, seen, failure);
}

static void one_link_is_read(void **state)
{
	struct port_failure failure;
	struct seen seen = {0};

	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(*state, false, &seen, &failure), 0);
		assert_int_equal(seen.links, 1);
		assert_int_equal(seen.loopbacks, 1);
	}
}

static void all_links_are_read(void **state)
{
	struct port_failure failure;
	struct seen seen = {0};

	assert_int_equal(ask(*state, true, &seen, &failure), 0);
	assert_int_equal(seen.loopbacks, 1);
	assert_int_equal(seen.restarts, 0);
}

static void empty_batch_is_no_work(void **state)
{
	struct port_failure failure;
	struct batch batch;

	batch_reset(&batch);
	assert_int_equal(port_exchange(*state, &batch, NULL, NULL, &failure), 0);
}

static void refusal_names_the_message(void **state)
{
	struct port_failure failure = {0};
	struct seen seen = {0};
	struct batch batch;

	batch_reset(&batch);
	assert_int_equal(rtmessage_get_link_by_name(&batch, "lo"), 0);
	assert_int_equal(rtmessage_get_link_by_name(&batch, "rangeguard-no"), 0);
	assert_int_equal(rtmessage_get_link_by_name(&batch, "lo"), 0);
	assert_int_equal(port_exchange(*state, &batch, see, &seen, &failure), PORT_E_REFUSED);
	assert_int_equal(failure.index, 1);
	assert_int_equal(failure.errnum, ENODEV);
	assert_int_equal(seen.loopbacks, 2);
}

static void interrupted_dump_is_repeated(void **state)
{
	struct port_failure failure;
	struct seen seen = {0};

	disturbance.interrupted = 9;
	assert_int_equal(ask(*state, true, &seen, &failure), 0);
	assert_int_equal(seen.restarts, 9);
	assert_int_equal(seen.loopbacks, 1);

	disturbance.interrupted = 10;
	assert_int_equal(ask(*state, true, &seen, &failure), -EAGAIN);
}

static void dropped_part_of_a_dump_is_a_reason_to_repeat(void **state)
{
	struct port_failure failure;
	struct seen seen = {0};

	disturbance.errnum = ENOBUFS;
	disturbance.n_errors = 1;
	assert_int_equal(ask(*state, true, &seen, &failure), 0);
	assert_int_equal(seen.restarts, 1);
	assert_int_equal(seen.loopbacks, 1);
}

/* What else was carried out is unknown then: the caller undoes. */
static void dropped_answer_to_a_batch_is_an_error(void **state)
{
	struct port_failure failure;
	struct seen seen = {0};
	struct batch batch;

	disturbance.errnum = ENOBUFS;
	disturbance.n_errors = 1;
	assert_int_equal(ask(*state, false, &seen, &failure), -ENOBUFS);
	assert_int_equal(seen.restarts, 0);
	/* Its answers, which are still there, are not the next one's. */
	batch_reset(&batch);
	assert_int_equal(rtmessage_get_link_by_name(&batch, "rangeguard-no"), 0);
	assert_int_equal(port_exchange(*state, &batch, see, &seen, &failure), PORT_E_REFUSED);
	assert_int_equal(seen.links, 0);
}

static void signals_and_silence(void **state)
{
	static const struct {
		int errnum;
		int result;
	} cases[] = {{EINTR, 0}, {EAGAIN, -ETIMEDOUT}, {EIO, -EIO}};
	struct port_failure failure;
	struct seen seen = {0};

	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		disturbance.errnum = cases[i].errnum;
		disturbance.n_errors = 1;
		assert_int_equal(ask(*state, false, &seen, &failure), cases[i].result);
	}
}

static void other_processes_are_not_heard(void **state)
{
	struct port_failure failure;
	struct seen seen = {0};

	disturbance.strangers = 3;
	assert_int_equal(ask(*state, false, &seen, &failure), 0);
	assert_int_equal(seen.loopbacks, 1);
}

static void cut_datagram_is_an_error(void **state)
{
	struct port_failure failure;
	struct seen seen = {0};

	disturbance.oversized = true;
	assert_int_equal(ask(*state, false, &seen, &failure), -EMSGSIZE);
}

/* The dump is read to its end all the same: else the next one would find the socket busy. */
static void failing_callback_leaves_the_port_usable(void **state)
{
	struct port_failure failure;
	struct seen seen = {.fail_with = -EDOM};

	assert_int_equal(ask(*state, true, &seen, &failure), -EDOM);
	assert_int_equal(seen.links, 1);
	seen.fail_with = 0;
	assert_int_equal(ask(*state, true, &seen, &failure), 0);
	assert_int_equal(seen.loopbacks, 1);
}

/* The kernel tells it to whoever may configure it. */
static void namespace_is_the_threads(void **state)
{
	int fd = port_open_netns(*state);
	struct stat found, expected;

	if (geteuid() != 0) {
		assert_int_equal(fd, -EPERM);
		return;
	}
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(fd, &found), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(stat("/proc/self/ns/net", &expected), 0);
	assert_int_equal(found.st_ino, expected.st_ino);
	assert_int_equal(found.st_dev, expected.st_dev);
}

#define port_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		port_test(one_link_is_read),
		port_test(all_links_are_read),
		port_test(empty_batch_is_no_work),
		port_test(refusal_names_the_message),
		port_test(interrupted_dump_is_repeated),
		port_test(dropped_part_of_a_dump_is_a_reason_to_repeat),
		port_test(dropped_answer_to_a_batch_is_an_error),
		port_test(signals_and_silence),
		port_test(other_processes_are_not_heard),
		port_test(cut_datagram_is_an_error),
		port_test(failing_callback_leaves_the_port_usable),
		port_test(namespace_is_the_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
