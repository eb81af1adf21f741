/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin's side of the agent's socket, against agents that answer all sorts of things, or not at all. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin/host/ask.h"
#include "scratch.h"

/** What a test waits for an answer that comes, and for one that does not */
#define LONG_MS 20000
#define SHORT_MS 50

#define ANSWER_BEGIN "{\"protocol\": 1, \"version\": \"x\", \"code\": 0, \"msg\": \"\", \"block\": \""

static struct scratch scratch;

static int setup(void **state)
{
	(void)state;
	scratch_make(&scratch);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_remove(&scratch);
	return 0;
}

/** give_file() - An answer of @size bytes, its last part @end, in a file that the packet brings */
static void give_file(int connection, size_t size, const char *end)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	char text[] = "{\"protocol\": 1, \"version\": \"x\", \"code\": 11, \"msg\": \"no file\"}";
	struct iovec part = {.iov_base = text, .iov_len = strlen(text)};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	int file = memfd_create("answer", MFD_CLOEXEC);

	(void)!write(file, ANSWER_BEGIN, strlen(ANSWER_BEGIN));
	for (size_t i = strlen(ANSWER_BEGIN) + strlen(end); i < size; i++)
		(void)!write(file, "b", 1);
	(void)!write(file, end, strlen(end));
	(void)lseek(file, 0, SEEK_SET);
	memcpy(CMSG_DATA(&control.header), &file, sizeof(file));
	(void)!sendmsg(connection, &message, 0);
}

/**
 * serve() - The agent's part: take one question, give one answer, in a process of its own
 * @answer:	NULL: none, and stay
 * @file:	Its length, the last part @answer, if it is in a file; else 0
 */
static pid_t serve(const char *answer, size_t file)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[SCRATCH_PATH_MAX], question[1024];
	int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0), connection;
	pid_t child;

	scratch_path(&scratch, ASK_SOCKET, path);
	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	(void)unlink(path);
	assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	child = fork();
	if (child == 0) {
		connection = accept(listener, NULL, NULL);
		(void)!read(connection, question, sizeof(question));
		if (file)
			give_file(connection, file, answer);
		else if (answer)
			(void)!send(connection, answer, strlen(answer), 0);
		else
			(void)pause();
		_exit(0);
	}
	(void)close(listener);
	return child;
}

/** ask_served() - Ask an agent that answers so, see serve() */
static int ask_served(pid_t child, int wait_ms, json_t **ret_answer, struct error *reterr)
{
	json_t *question = json_pack("{s:s}", "ask", "ping");
	int r;

	*reterr = (struct error){0};
	r = ask_agent(scratch.path, question, wait_ms, ret_answer, reterr);
	json_decref(question);
	(void)kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	return r;
}

/** ask_one() - Ask an agent that answers so with a packet */
static int ask_one(const char *answer, int wait_ms, json_t **ret_answer, struct error *reterr)
{
	return ask_served(serve(answer, 0), wait_ms, ret_answer, reterr);
}

static void test_an_answer(void **state)
{
	json_t *answer = NULL;
	struct error err;

	(void)state;
	assert_int_equal(ask_one("{\"protocol\": 1, \"version\": \"x\", \"code\": 0, \"msg\": \"\", \"block\": \"b\"}",
				 LONG_MS, &answer, &err),
			 0);
	assert_string_equal(json_string_value(json_object_get(answer, "block")), "b");
	json_decref(answer);
}

static void test_a_refusal_keeps_its_code(void **state)
{
	json_t *answer = NULL;
	struct error err;

	(void)state;
	assert_int_equal(ask_one("{\"protocol\": 1, \"version\": \"x\", \"code\": 101, \"msg\": \"no block\"}", LONG_MS,
				 &answer, &err),
			 REFUSED);
	assert_int_equal(err.code, ERROR_NO_FREE_ADDRESS);
	assert_string_equal(err.msg, "no block");
	assert_null(answer);
}

static void test_another_version_is_told(void **state)
{
	json_t *answer = NULL;
	struct error err;

	(void)state;
	assert_int_equal(ask_one("{\"protocol\": 7, \"version\": \"9.9.9\", \"code\": 0}", LONG_MS, &answer, &err),
			 REFUSED);
	assert_int_equal(err.code, ERROR_TRY_AGAIN);
	assert_non_null(strstr(err.msg, "9.9.9"));
	assert_non_null(strstr(err.msg, "protocol 7"));
	assert_non_null(strstr(err.msg, "install the same version"));
	assert_null(answer);
}

static void test_what_is_no_answer(void **state)
{
	static const char *const answers[] = {"", "x", "[]", "{}", "{\"protocol\": \"1\"}"};
	json_t *answer = NULL;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		assert_int_not_equal(ask_one(answers[i], LONG_MS, &answer, &err), 0);
		assert_int_equal(err.code, ERROR_TRY_AGAIN);
		assert_null(answer);
	}
}

/* What is in the file counts, however long it is; what is no answer there is none. */
static void test_an_answer_in_a_file(void **state)
{
	json_t *answer = NULL;
	struct error err;

	(void)state;
	assert_int_equal(ask_served(serve("\"}", 3 * (size_t)ASK_BYTES_MAX), LONG_MS, &answer, &err), 0);
	assert_true(json_string_length(json_object_get(answer, "block")) > 2 * (size_t)ASK_BYTES_MAX);
	json_decref(answer);
	answer = NULL;
	assert_int_equal(ask_served(serve("", ASK_BYTES_MAX), LONG_MS, &answer, &err), REFUSED);
	assert_int_equal(err.code, ERROR_TRY_AGAIN);
	assert_null(answer);
}

static void test_no_answer_in_time(void **state)
{
	json_t *answer = NULL;
	struct error err;

	(void)state;
	assert_int_equal(ask_one(NULL, SHORT_MS, &answer, &err), REFUSED);
	assert_int_equal(err.code, ERROR_TRY_AGAIN);
	assert_non_null(strstr(err.msg, "did not answer"));
}

static void test_no_agent(void **state)
{
	json_t *question = json_pack("{s:s}", "ask", "ping"), *answer = NULL;
	struct error err = {0};
	pid_t child;

	(void)state;
	assert_int_equal(ask_agent(scratch.path, question, LONG_MS, &answer, &err), ASK_E_NO_AGENT);
	assert_int_equal(ask_agent("/nowhere", question, LONG_MS, &answer, &err), ASK_E_NO_AGENT);
	/* One that was killed leaves its socket. */
	child = serve("", 0);
	(void)kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(ask_agent(scratch.path, question, LONG_MS, &answer, &err), ASK_E_NO_AGENT);
	assert_int_equal(err.code, ERROR_TRY_AGAIN);
	json_decref(question);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_refusal_keeps_its_code, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_version_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_answer_in_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_answer_in_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_agent, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
