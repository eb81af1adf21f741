/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process is at the other end of a socket, and whether it still runs. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin/agent/process.h"

static void test_the_peer_is_found_whatever_it_is_called(void **state)
{
	struct process process;
	int pair[2];

	(void)state;
	/* Blanks and parentheses in the name must not shift the fields behind it. */
	assert_int_equal(prctl(PR_SET_NAME, "a) R 1 (b"), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(process_of_peer(pair[0], &process), 0);
	assert_int_equal(process.pid, getpid());
	assert_true(process.start > 0);
	assert_true(process_runs(&process));
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void test_one_that_has_ended_does_not_run(void **state)
{
	struct process process, same_id;
	int pair[2], byte = 0;
	pid_t child;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(process_of_peer(pair[0], &process), 0);
	same_id = process;
	same_id.start++;
	assert_false(process_equal(&process, &same_id));
	assert_false(process_runs(&same_id));
	child = fork();
	if (child == 0)
		_exit(byte);
	assert_int_equal(waitpid(child, NULL, 0), child);
	process.pid = child;
	assert_false(process_runs(&process));
	assert_false(process_runs(&(struct process){0}));
	(void)close(pair[0]);
	(void)close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_peer_is_found_whatever_it_is_called),
		cmocka_unit_test(test_one_that_has_ended_does_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
