/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_local.c: files of another plugin's leases; one that can't be read is not one that is not there. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipam_scene.h"
#include "plugin/host/host_local.h"
#include "rangeguard/array.h"
#include "rangeguard/limits.h"
#include "scratch.h"
#include "store_fake.h"

/** Which call of those below fails, from 1, with which errno; 0: none */
static struct {
	unsigned calls;
	unsigned fail_call;
	int errnum;
} kernel;

/** fails() - Count a call: whether it is to fail, errno being set */
static bool fails(void)
{
	if (++kernel.calls != kernel.fail_call)
		return false;
	errno = kernel.errnum;
	return true;
}

int __real_openat(int dir_fd, const char *path, int flags, ...);
int __wrap_openat(int dir_fd, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir_fd, const char *path, int flags, mode_t mode)
{
	return fails() ? -1 : __real_openat(dir_fd, path, flags, mode);
}

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
	return fails() ? -1 : __real_read(fd, buffer, size);
}

ssize_t __real_write(int fd, const void *buffer, size_t size);
ssize_t __wrap_write(int fd, const void *buffer, size_t size);
ssize_t __wrap_write(int fd, const void *buffer, size_t size)
{
	if (!fails())
		return __real_write(fd, buffer, size);
	/* A full disk takes a part. */
	return __real_write(fd, buffer, size / 2);
}

struct dirent *__real_readdir(DIR *stream);
struct dirent *__wrap_readdir(DIR *stream);
struct dirent *__wrap_readdir(DIR *stream)
{
	return fails() ? NULL : __real_readdir(stream);
}

DIR *__real_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd)
{
	return fails() ? NULL : __real_fdopendir(fd);
}

static struct scratch scratch;

/** put_file() - A file in the network's directory */
static void put_file(const char *name, const char *contents)
{
	char path[SCRATCH_PATH_MAX + 300];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/net/%s", scratch.path, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(contents, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/** has_file() - Whether it is there */
static bool has_file(const char *name)
{
	char path[SCRATCH_PATH_MAX + 300];

	(void)snprintf(path, sizeof(path), "%s/net/%s", scratch.path, name);
	return access(path, F_OK) == 0;
}

static int setup(void **state)
{
	char path[SCRATCH_PATH_MAX];

	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	scratch_make(&scratch);
	scratch_path(&scratch, "net", path);
	assert_int_equal(mkdir(path, 0700), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_remove(&scratch);
	return 0;
}

static struct attachment attachment_of(const char *id)
{
	return (struct attachment){.network = "net", .container_id = id, .ifname = "eth0"};
}

/** open_files() - The network's directory */
static struct host_local open_files(void)
{
	struct host_local files;

	assert_int_equal(host_local_open(scratch.path, "net", &files), 0);
	return files;
}

/** holder_is() - ipam_each_fn: whether a lease is of the container whose id is in userdata; 1 when so */
static int holder_is(void *userdata, const struct lease *lease)
{
	return strcmp(lease->attachment.container_id, userdata) == 0;
}

/** is_held() - Whether an address is held for a container */
static bool is_held(struct store *store, const char *text, const char *id)
{
	struct address address = address_of(text), found;
	struct span span = span_of_address(&address);
	char owner[64];

	(void)snprintf(owner, sizeof(owner), "%s", id);
	return ipam_next_held(store, &span, &found, holder_is, owner) == 1;
}

/** put_leases() - What host-local leaves: of newer versions, of older ones, and its other files */
static void put_leases(void)
{
	put_file("10.0.0.5", "aa\r\neth0");
	put_file("10.0.0.6", "bb");
	put_file("2001:db8::5", "aa\r\neth0");
	put_file("last_reserved_ip.0", "10.0.0.6");
	put_file("10.0.0.9", "");
	put_file("10.0.0.10", "\r\neth0");
}

/** has_all() - Whether they are held */
static bool has_all(struct store *store)
{
	return is_held(store, "10.0.0.5", "aa") && is_held(store, "10.0.0.6", "bb") &&
	       is_held(store, "2001:db8::5", "aa");
}

static void leases_are_taken_over_in_full_or_again(void **state)
{
	static const int errnums[] = {EMFILE, ENOMEM, EIO, EACCES};
	unsigned tried = 0;

	(void)state;
	put_leases();
	for (size_t i = 0; i < ARRAY_LENGTH(errnums); i++) {
		bool failed = true;

		for (unsigned n = 1; failed; n++, tried += failed) {
			HOST_LOCAL_CLEANUP struct host_local files = open_files();
			struct store *store = store_fake_new();
			int r;

			kernel.calls = 0;
			kernel.fail_call = n;
			kernel.errnum = errnums[i];
			r = host_local_adopt(&files, "net", store);
			failed = kernel.calls >= n;
			kernel.fail_call = 0;
			if (r != (failed ? -errnums[i] : 0))
				fail_msg("call %u fails with %d: %d", n, errnums[i], r);
			assert_int_equal(host_local_adopt(&files, "net", store), 0);
			assert_true(has_all(store));
			store_close(store);
		}
	}
	assert_true(tried > 40);
}

static void a_store_that_fails_takes_over_again(void **state)
{
	bool failed = true;

	(void)state;
	put_leases();
	for (unsigned n = 1; failed; n++) {
		HOST_LOCAL_CLEANUP struct host_local files = open_files();
		struct store *store = store_fake_new();
		int r;

		store_fake_fail_at(store, n);
		r = host_local_adopt(&files, "net", store);
		failed = store_fake_has_failed(store);
		store_fake_fail_at(store, 0);
		assert_int_equal(r, failed ? -EIO : 0);
		assert_int_equal(host_local_adopt(&files, "net", store), 0);
		assert_true(has_all(store));
		assert_true(failed || n > 20);
		store_close(store);
	}
}

/* Once: what host-local gives later is found at each address. */
static void leases_are_taken_over_once(void **state)
{
	HOST_LOCAL_CLEANUP struct host_local files = open_files();
	struct store *store = store_fake_new();

	(void)state;
	put_leases();
	assert_int_equal(host_local_adopt(&files, "net", store), 0);
	put_file("10.0.0.7", "cc\r\neth0");
	assert_int_equal(host_local_adopt(&files, "net", store), 0);
	assert_false(is_held(store, "10.0.0.7", "cc"));
	store_close(store);
}

static void an_address_whose_file_can_not_be_read_is_taken(void **state)
{
	HOST_LOCAL_CLEANUP struct host_local files = open_files();
	struct attachment own = attachment_of("aa"), other = attachment_of("bb");
	struct address address = address_of("10.0.0.5"), free_address = address_of("10.0.0.8"),
		       old = address_of("10.0.0.6");
	struct address left = address_of("10.0.0.9"), odd = address_of("10.0.0.10");

	(void)state;
	put_leases();
	assert_false(host_local_is_taken(&files, &address, &own));
	assert_true(host_local_is_taken(&files, &address, &other));
	assert_false(host_local_is_taken(&files, &old, &other));
	assert_false(host_local_is_taken(&files, &free_address, &own));
	assert_false(host_local_is_taken(&files, &left, &own));
	assert_true(host_local_is_taken(&files, &odd, &own));
	for (unsigned n = 1; n < 3; n++) {
		kernel.calls = 0;
		kernel.fail_call = n;
		kernel.errnum = EMFILE;
		assert_true(host_local_is_taken(&files, &address, &own));
	}
}

/* A file that names nobody would hold its address for ever. */
static void what_can_not_be_written_leaves_no_file(void **state)
{
	HOST_LOCAL_CLEANUP struct host_local files = open_files();
	struct attachment own = attachment_of("aa");
	struct address address = address_of("10.0.0.5");

	(void)state;
	for (unsigned n = 1; n < 3; n++) {
		kernel.calls = 0;
		kernel.fail_call = n;
		kernel.errnum = ENOSPC;
		assert_true(host_local_put(&files, &address, &own) < 0);
		assert_false(has_file("10.0.0.5"));
	}
	kernel.fail_call = 0;
	assert_int_equal(host_local_put(&files, &address, &own), 0);
	assert_false(host_local_is_taken(&files, &address, &own));
	assert_true(host_local_is_taken(
		&files, &address, &(struct attachment){.network = "net", .container_id = "aa", .ifname = "eth1"}));
	host_local_forget(scratch.path, &own, &address, 1);
	assert_false(has_file("10.0.0.5"));
}

static void others_files_stay(void **state)
{
	struct attachment own = attachment_of("aa");
	struct address addresses[] = {address_of("10.0.0.5"), address_of("10.0.0.6")};

	(void)state;
	put_leases();
	host_local_forget(scratch.path, &own, addresses, 2);
	assert_false(has_file("10.0.0.5"));
	assert_true(has_file("10.0.0.6") && has_file("2001:db8::5"));
	host_local_forget_all(scratch.path, &own);
	assert_true(has_file("10.0.0.6") && has_file("last_reserved_ip.0") && !has_file("2001:db8::5"));
}

static void a_directory_that_can_not_be_opened_is_a_failure(void **state)
{
	HOST_LOCAL_CLEANUP struct host_local files = HOST_LOCAL_INIT;
	char path[PATH_MAX + 1];

	(void)state;
	assert_int_equal(host_local_open(NULL, "net", &files), 0);
	assert_int_equal(host_local_open(scratch.path, "other", &files), 0);
	assert_int_equal(files.dir_fd, -1);
	memset(path, 'x', PATH_MAX);
	path[PATH_MAX] = '\0';
	assert_int_equal(host_local_open(path, "net", &files), -ENAMETOOLONG);
	kernel.calls = 0;
	kernel.fail_call = 1;
	kernel.errnum = EROFS;
	assert_int_equal(host_local_open(scratch.path, "net", &files), -EROFS);
	assert_int_equal(files.dir_fd, -1);
	assert_int_equal(files.lock_fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(leases_are_taken_over_in_full_or_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_store_that_fails_takes_over_again, setup, teardown),
		cmocka_unit_test_setup_teardown(leases_are_taken_over_once, setup, teardown),
		cmocka_unit_test_setup_teardown(an_address_whose_file_can_not_be_read_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(what_can_not_be_written_leaves_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(others_files_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_that_can_not_be_opened_is_a_failure, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
