/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block_file.c: what is written is what is read; a file that can't be understood gives nothing away. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/host/block_file.h"
#include "rangeguard/array.h"

static char directory[] = "/tmp/test_block_file.XXXXXX";
static int dir_fd;

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlinkat(dir_fd, BLOCK_FILE, 0);
	(void)close(dir_fd);
	return rmdir(directory);
}

static void write_text(const char *text)
{
	int fd = openat(dir_fd, BLOCK_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static struct held_block block(const char *cidr, int64_t revision, bool leaving)
{
	struct held_block block = {.revision = revision, .leaving = leaving};

	assert_int_equal(prefix_parse(cidr, &block.prefix), 0);
	return block;
}

static void what_is_written_is_what_is_read(void **state)
{
	struct block_file file = {0}, again;
	struct held_block first = block("10.64.0.64/26", INT64_MAX, false), second = block("fd64::40/122", 3, true);
	struct held_pool pool = {.block_length = 26, .reuse_delay = 7, .network = "pods"};

	(void)state;
	assert_int_equal(block_file_read(dir_fd, &again), 0);
	assert_int_equal(again.n_blocks + again.n_pools, 0);
	assert_int_equal(prefix_parse("10.64.0.0/16", &pool.prefix), 0);
	assert_int_equal(block_file_put(&file, &first), 0);
	assert_int_equal(block_file_put(&file, &second), 0);
	assert_int_equal(block_file_put_pool(&file, &pool), 0);
	assert_int_equal(block_file_put_pool(&file, &pool), 0);
	assert_int_equal(block_file_write(dir_fd, &file), 0);
	assert_int_equal(block_file_read(dir_fd, &again), 0);
	assert_int_equal(again.n_blocks, 2);
	assert_int_equal(again.n_pools, 1);
	assert_int_equal(block_file_find(&again, &first.prefix)->revision, INT64_MAX);
	assert_true(block_file_find(&again, &second.prefix)->leaving);
	assert_string_equal(again.pools[0].network, "pods");
	assert_int_equal(again.pools[0].block_length, 26);
	assert_int_equal(again.pools[0].reuse_delay, 7);
	first.leaving = true;
	assert_int_equal(block_file_put(&again, &first), 0);
	assert_int_equal(again.n_blocks, 2);
	block_file_drop(&again, &first.prefix);
	assert_null(block_file_find(&again, &first.prefix));
	assert_int_equal(again.n_blocks, 1);
	block_file_done(&again);
	block_file_done(&file);
}

/** A file that was written before reuseDelay stood in it, and one that says nonsense */
static void a_pool_without_a_reuse_delay_has_the_default(void **state)
{
	static const char *const texts[] = {
		"{\"pools\":[{\"cidr\":\"10.64.0.0/16\",\"blockLength\":26,\"network\":\"pods\"}],\"blocks\":[]}",
		"{\"pools\":[{\"cidr\":\"10.64.0.0/16\",\"blockLength\":26,\"reuseDelay\":-1}],\"blocks\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		struct block_file file;

		write_text(texts[i]);
		assert_int_equal(block_file_read(dir_fd, &file), 0);
		assert_int_equal(file.pools[0].reuse_delay, 120);
		block_file_done(&file);
	}
}

static void a_file_that_can_not_be_understood_gives_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{\"blocks\":[]}",
		"{\"pools\":[],\"blocks\":[{\"cidr\":\"10.64.0.1/26\",\"revision\":1}]}",
		"{\"pools\":[],\"blocks\":[{\"cidr\":7,\"revision\":1}]}",
		"{\"pools\":[{\"cidr\":\"10.64.0.0/16\",\"blockLength\":33}],\"blocks\":[]}",
		"{\"pools\":[{\"cidr\":\"10.64.0.0/16\",\"blockLength\":15}],\"blocks\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		struct block_file file;

		write_text(texts[i]);
		assert_int_equal(block_file_read(dir_fd, &file), -EUCLEAN);
		assert_int_equal(file.n_blocks, 0);
		block_file_done(&file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_what_is_read),
		cmocka_unit_test(a_pool_without_a_reuse_delay_has_the_default),
		cmocka_unit_test(a_file_that_can_not_be_understood_gives_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
