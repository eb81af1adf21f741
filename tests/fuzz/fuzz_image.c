/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guard's image in which bytes have been changed, with checksums that are right: three bytes of the input are an offset
 * and a value. It opens or does not; one that opens answers, and one of which nothing was changed as the guard did.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipam/guard/guard_image.h"
#include "rangeguard/cleanup.h"

enum { CONTENT_MAX = 65536, PROBES = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct blocks_tag tag = {.bytes = "guard of a fuzz"};
static const struct guard_origin origin = {.data = "where it comes from", .size = 20};

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** new_file() - An empty file */
static int new_file(void)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	require(fd >= 0);
	return fd;
}

/** make_guard() - A guard of some entries that overlap */
static struct guard *make_guard(void)
{
	static const struct {
		enum guard_kind kind;
		const char *span;
	} entries[] = {
		{GUARD_RESERVED, "10.0.0.0-10.127.255.255"}, {GUARD_GRANTED, "10.1.0.0-10.1.255.255"},
		{GUARD_RESERVED, "10.1.7.0-10.1.7.255"},     {GUARD_RESERVED, "192.168.0.0-192.168.0.7"},
		{GUARD_RESERVED, "fd00::-fd00::ffff"},	     {GUARD_GRANTED, "fd00::8-fd00::f"},
	};
	struct guard *guard = NULL;

	require(guard_new(&guard) == 0);
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		struct guard_entry entry = {.kind = entries[i].kind,
					    .owner = "db-platform",
					    .reason = "Oracle RAC",
					    .ref = "NET-1042",
					    .file = "/etc/rangeguard/reserved.d/dba.json",
					    .pointer = "/reserved/0/cidr"};

		require(span_parse(entries[i].span, &entry.span) == 0 && guard_add(guard, &entry) == 0);
	}
	require(guard_seal(guard) == 0);
	return guard;
}

/** content() - What an image of the guard consists of, without the checksums; the bytes, which stay */
static const uint8_t *content(size_t *ret_size)
{
	static uint8_t bytes[CONTENT_MAX];
	static size_t n;
	BLOCKS_CLEANUP struct blocks *blocks = NULL;
	GUARD_CLEANUP struct guard *guard = NULL;
	int fd;

	if (!n) {
		guard = make_guard();
		fd = new_file();
		require(guard_image_write(guard, origin, &tag, fd) == 0);
		require(blocks_open(fd, &tag, &blocks) == 0 && blocks_size(blocks) <= CONTENT_MAX);
		n = blocks_size(blocks);
		require(blocks_read(blocks, 0, bytes, n) == 0);
	}
	*ret_size = n;
	return bytes;
}

/** ask() - What a guard says of some spans, and its texts end */
static void ask(const struct guard *guard, int ret_answers[static PROBES])
{
	static const char *const probes[PROBES] = {"10.0.0.1-10.0.0.1", "10.1.0.0-10.1.6.255",	   "10.1.0.0-10.2.0.0",
						   "9.0.0.0-9.0.0.1",	"192.168.0.7-192.168.0.9", "fd00::9-fd00::9",
						   "fd00::-fd00::7",	"fe00::-fe00::1"};

	for (size_t i = 0; i < PROBES; i++) {
		struct guard_entry entry = {0};
		struct span span, part;

		require(span_parse(probes[i], &span) == 0);
		ret_answers[i] = guard_touch(guard, &span, &part, &entry);
		if (ret_answers[i] == GUARD_E_RESERVED && entry.owner)
			require(strlen(entry.owner) < CONTENT_MAX && strlen(entry.file) < CONTENT_MAX);
	}
}

/** judge() - Open what was written; whether it answers as it must */
static void judge(int fd, bool changed)
{
	GUARD_CLEANUP struct guard *opened = NULL, *guard = NULL;
	int expected[PROBES], answers[PROBES];
	struct guard_origin read;
	int r = guard_image_open(fd, &tag, &opened, &read);

	require(r == 0 || (changed && r == -EUCLEAN));
	if (r < 0)
		return;
	ask(opened, answers);
	if (changed)
		return;
	guard = make_guard();
	ask(guard, expected);
	require(!memcmp(expected, answers, sizeof(expected)) && !guard_image_failed(opened));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BLOCKS_WRITER_CLEANUP struct blocks_writer *writer = NULL;
	size_t n, changes = size / 3;
	const uint8_t *good = content(&n);
	CLEANUP_FREE uint8_t *bytes = malloc(n);
	int fd = new_file();

	require(bytes != NULL);
	memcpy(bytes, good, n);
	for (size_t i = 0; i < changes; i++)
		bytes[(size_t)(data[3 * i] << 8 | data[3 * i + 1]) % n] = data[3 * i + 2];
	require(blocks_writer_new(fd, &writer) == 0 && blocks_write(writer, bytes, n) == 0);
	require(blocks_writer_finish(writer, &tag) == 0);
	judge(fd, memcmp(bytes, good, n));
	return 0;
}
