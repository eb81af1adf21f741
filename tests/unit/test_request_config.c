/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration on standard input: R7 of the reference's section 2. Linked with --wrap for read(2) and realloc(3),
 * so that they can fail.
 */

#include "memory_fake.h"
#include "plugin/cni/request.h"
#include "rangeguard/array.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** What the next reads do: EINTR before each, at most so many bytes, an error */
static struct {
	bool interrupt_each_read, interrupted;
	size_t most_bytes;
	int read_error;
	unsigned reads; /* counted */
} faults;

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
	faults.reads++;
	faults.interrupted = faults.interrupt_each_read && !faults.interrupted;
	if (faults.interrupted || faults.read_error) {
		errno = faults.interrupted ? EINTR : faults.read_error;
		return -1;
	}
	if (faults.most_bytes && size > faults.most_bytes)
		size = faults.most_bytes;
	return __real_read(fd, buffer, size);
}

static int reset(void **state)
{
	(void)state;
	memory_fail_in = 0;
	memset(&faults, 0, sizeof(faults));
	return 0;
}

/** text_fd() - Descriptor to read @size bytes of @text from */
static int text_fd(const char *text, size_t size)
{
	int fd = memfd_create("stdin", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void test_config_is_read_whole(void **state)
{
	static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 32768, 100000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		CLEANUP_FREE char *text = malloc(sizes[i] + 1);
		CLEANUP_CLOSE int fd = -1;
		REQUEST_CLEANUP struct request request = {.verb = CNI_ADD};
		struct error err;

		assert_non_null(text);
		for (size_t at = 0; at < sizes[i]; at++)
			text[at] = (char)('a' + at % 23);
		fd = text_fd(text, sizes[i]);
		assert_int_equal(request_read_config(&request, fd, &err), 0);
		assert_int_equal(request.config_size, sizes[i]);
		assert_memory_equal(request.config, text, sizes[i]);
		assert_int_equal(request.config[sizes[i]], '\0');
	}
}

static void test_config_keeps_nul_bytes(void **state)
{
	CLEANUP_CLOSE int fd = text_fd("{\0}", 3);
	REQUEST_CLEANUP struct request request = {.verb = CNI_ADD};
	struct error err;

	(void)state;
	assert_int_equal(request_read_config(&request, fd, &err), 0);
	assert_int_equal(request.config_size, 3);
	assert_memory_equal(request.config, "{\0}", 4);
}

/** Interrupted, and in pieces, as a pipe gives it */
static void test_config_in_pieces(void **state)
{
	CLEANUP_CLOSE int fd = text_fd("{\"cniVersion\":\"1.0.0\"}", 22);
	REQUEST_CLEANUP struct request request = {.verb = CNI_ADD};
	struct error err;

	(void)state;
	faults.interrupt_each_read = true;
	faults.most_bytes = 3;
	assert_int_equal(request_read_config(&request, fd, &err), 0);
	assert_string_equal(request.config, "{\"cniVersion\":\"1.0.0\"}");
}

static void test_config_limit(void **state)
{
	CLEANUP_CLOSE int fd = memfd_create("stdin", MFD_CLOEXEC);
	struct error err;

	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		REQUEST_CLEANUP struct request request = {.verb = CNI_GC};

		assert_int_equal(ftruncate(fd, (off_t)LIMIT_STDIN + over), 0);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_int_equal(request_read_config(&request, fd, &err), over ? REFUSED : 0);
		assert_int_equal(request.config_size, over ? 0 : LIMIT_STDIN);
	}
	assert_int_equal(err.code, ERROR_IO);
	assert_non_null(strstr(err.msg, "16777216"));
}

/** R7: what can't be read is code 5; for VERSION it is as good as empty */
static void test_config_R7_cannot_be_read(void **state)
{
	CLEANUP_CLOSE int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const int fds[] = {-1, directory};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
		REQUEST_CLEANUP struct request add = {.verb = CNI_ADD}, version = {.verb = CNI_VERSION};
		struct error err = {.code = 0};

		assert_int_equal(request_read_config(&version, fds[i], &err), 0);
		assert_int_equal(err.code, 0);
		assert_string_equal(version.config, "");
		assert_int_equal(version.config_size, 0);
		assert_int_equal(request_read_config(&add, fds[i], &err), REFUSED);
		assert_int_equal(err.code, ERROR_IO);
		assert_null(add.config);
	}
}

static void test_config_read_error_in_the_middle(void **state)
{
	REQUEST_CLEANUP struct request request = {.verb = CNI_DEL};
	struct error err;

	(void)state;
	faults.read_error = EIO;
	assert_int_equal(request_read_config(&request, 0, &err), REFUSED);
	assert_int_equal(err.code, ERROR_IO);
	assert_non_null(strstr(err.msg, strerror(EIO)));
}

/** A terminal on which nobody types: VERSION must not wait for it */
static void test_config_version_on_a_terminal(void **state)
{
	CLEANUP_CLOSE int controller = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	REQUEST_CLEANUP struct request request = {.verb = CNI_VERSION};
	CLEANUP_CLOSE int terminal = -1;
	struct error err;

	(void)state;
	assert_true(controller >= 0);
	assert_int_equal(unlockpt(controller), 0);
	terminal = open(ptsname(controller), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(isatty(terminal), 1);
	faults.read_error = EIO; /* rather than wait, should it be read */
	assert_int_equal(request_read_config(&request, terminal, &err), 0);
	assert_string_equal(request.config, "");
	assert_int_equal(faults.reads, 0);
}

static void test_config_of_version_is_read_from_a_pipe(void **state)
{
	REQUEST_CLEANUP struct request request = {.verb = CNI_VERSION};
	struct error err;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "{}", 2), 2);
	(void)close(ends[1]);
	assert_int_equal(request_read_config(&request, ends[0], &err), 0);
	assert_string_equal(request.config, "{}");
	(void)close(ends[0]);
}

static void test_config_without_memory(void **state)
{
	CLEANUP_CLOSE int fd = memfd_create("stdin", MFD_CLOEXEC);
	unsigned n = 0;
	int r;

	(void)state;
	assert_int_equal(ftruncate(fd, 40000), 0);
	do {
		REQUEST_CLEANUP struct request request = {.verb = CNI_ADD};
		struct error err;

		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		memory_fail_in = ++n;
		r = request_read_config(&request, fd, &err);
		if (r)
			assert_int_equal(err.code, ERROR_TRY_AGAIN);
		else
			assert_int_equal(request.config_size, 40000);
	} while (r);
	assert_true(n > 1);
}

#define CONFIG_TEST(test) cmocka_unit_test_setup(test, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIG_TEST(test_config_is_read_whole),
		CONFIG_TEST(test_config_keeps_nul_bytes),
		CONFIG_TEST(test_config_in_pieces),
		CONFIG_TEST(test_config_limit),
		CONFIG_TEST(test_config_R7_cannot_be_read),
		CONFIG_TEST(test_config_read_error_in_the_middle),
		CONFIG_TEST(test_config_version_on_a_terminal),
		CONFIG_TEST(test_config_of_version_is_read_from_a_pipe),
		CONFIG_TEST(test_config_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
