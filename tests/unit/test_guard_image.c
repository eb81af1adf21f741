/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard_image.c: a guard that was written and opened again decides as before; one whose file is damaged decides as
 * before or refuses everything, and never crashes.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipam/guard/guard_image.h"

#define BLOCK 4096
#define ENTRIES_MAX 40U

static const struct blocks_tag tag = {.bytes = "guard of a test"};
static const struct guard_origin origin = {.data = "where it comes from", .size = 20};

/** copy_of() - Another descriptor of the file, for who closes it */
static int copy_of(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/** random_bits() - splitmix64 (public domain, S. Vigna) */
static uint64_t random_bits(void)
{
	static uint64_t seed = 20261126;
	uint64_t z = (seed += 0x9e3779b97f4a7c15U);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

/** random_span() - Among the last 512 addresses of a family */
static struct span random_span(void)
{
	enum family family = random_bits() % 2 ? FAMILY_IPV4 : FAMILY_IPV6;
	u128 end = family == FAMILY_IPV4 ? UINT32_MAX : ~(u128)0;
	unsigned behind = (unsigned)(random_bits() % 512), size = (unsigned)(random_bits() % 64);

	return (struct span){
		.family = family, .first = end - behind, .last = end - behind + (size < behind ? size : behind)};
}

/** random_guard() - Up to @max entries that meet each other, with texts of all lengths */
static struct guard *random_guard(unsigned max)
{
	static char long_text[9000];
	unsigned n = (unsigned)(random_bits() % (max + 1));
	struct guard *guard;

	memset(long_text, 'x', sizeof(long_text) - 1);
	assert_int_equal(guard_new(&guard), 0);
	for (unsigned i = 0; i < n; i++) {
		char pointer[32];
		struct guard_entry entry = {
			.kind = random_bits() % 3 ? GUARD_RESERVED : GUARD_GRANTED,
			.span = random_span(),
			.owner = random_bits() % 2 ? "db-platform" : NULL,
			.reason = long_text + random_bits() % sizeof(long_text),
			.ref = "NET-1042",
			.network = "*",
			.file = "/etc/rangeguard/reserved.d/dba.json",
			.pointer = pointer,
		};

		(void)snprintf(pointer, sizeof(pointer), "/reserved/%u", i);
		assert_int_equal(guard_add(guard, &entry), 0);
	}
	assert_int_equal(guard_seal(guard), 0);
	return guard;
}

/** write_image() - @guard in a file */
static int write_image(const struct guard *guard)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(guard_image_write(guard, origin, &tag, fd), 0);
	return fd;
}

static struct guard *open_image(int fd)
{
	struct guard_origin found;
	struct guard *guard;

	assert_int_equal(guard_image_open(fd, &tag, &guard, &found), 0);
	assert_int_equal(found.size, origin.size);
	assert_memory_equal(found.data, origin.data, origin.size);
	return guard;
}

static void assert_same_span(const struct span *a, const struct span *b)
{
	assert_true(a->family == b->family && a->first == b->first && a->last == b->last);
}

/** assert_same() - Both guards say the same of @span */
static void assert_same(const struct guard *a, const struct guard *b, const struct span *span)
{
	struct address address = {.family = span->family, .value = span->first};
	struct span part_a, part_b, next_a, next_b;
	struct guard_entry entry_a, entry_b;
	int r = guard_touch(a, span, &part_a, &entry_a);

	assert_int_equal(guard_touch(b, span, &part_b, &entry_b), r);
	assert_int_equal(guard_next(a, span, &next_a), guard_next(b, span, &next_b));
	assert_int_equal(guard_decide(a, &address, NULL), guard_decide(b, &address, NULL));
	if (!r)
		return;
	assert_same_span(&part_a, &part_b);
	assert_same_span(&next_a, &next_b);
	assert_same_span(&entry_a.span, &entry_b.span);
	assert_int_equal(entry_a.kind, entry_b.kind);
	assert_string_equal(entry_a.owner, entry_b.owner);
	assert_string_equal(entry_a.reason, entry_b.reason);
	assert_string_equal(entry_a.ref, entry_b.ref);
	assert_string_equal(entry_a.network, entry_b.network);
	assert_string_equal(entry_a.file, entry_b.file);
	assert_string_equal(entry_a.pointer, entry_b.pointer);
}

static void an_image_decides_as_its_guard(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		GUARD_CLEANUP struct guard *guard = random_guard(ENTRIES_MAX);
		GUARD_CLEANUP struct guard *image = open_image(write_image(guard));
		uint8_t digest[GUARD_DIGEST_BYTES], same[GUARD_DIGEST_BYTES];

		guard_fingerprint(guard, digest);
		guard_fingerprint(image, same);
		assert_memory_equal(digest, same, sizeof(digest));
		for (unsigned j = 0; j < 100; j++) {
			struct span span = random_span();

			assert_same(guard, image, &span);
		}
		assert_false(guard_image_failed(image));
	}
}

/* Enough for intervals and rows that lie across blocks, and for two layers of sums */
static void a_large_image_decides_as_its_guard(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL, *image = NULL;
	struct span all = {.family = FAMILY_IPV4, .last = UINT32_MAX};

	(void)state;
	assert_int_equal(guard_new(&guard), 0);
	for (unsigned i = 0; i < 30000; i++) {
		char pointer[32];
		u128 first = (u128)i * 1000;
		struct guard_entry entry = {
			.span = {.family = FAMILY_IPV4, .first = first, .last = first + i % 1000},
			.owner = i % 2 ? "odd" : "even",
			.pointer = pointer,
		};

		(void)snprintf(pointer, sizeof(pointer), "/reserved/%u", i);
		assert_int_equal(guard_add(guard, &entry), 0);
	}
	assert_int_equal(guard_seal(guard), 0);
	image = open_image(write_image(guard));
	assert_same(guard, image, &all);
	for (unsigned i = 0; i < 20000; i++) {
		u128 first = random_bits() % 31000000;
		struct span span = {.family = FAMILY_IPV4, .first = first, .last = first + random_bits() % 1500};

		assert_same(guard, image, &span);
	}
}

static void what_can_not_be_written(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	GUARD_CLEANUP struct guard *sealed = random_guard(3);
	GUARD_CLEANUP struct guard *image = open_image(write_image(sealed));
	struct guard_entry entry = {.span = {.family = FAMILY_IPV4}};

	(void)state;
	assert_int_equal(guard_new(&guard), 0);
	assert_int_equal(guard_image_write(guard, origin, &tag, -1), -EINVAL);
	assert_int_equal(guard_image_write(image, origin, &tag, -1), -EINVAL);
	assert_int_equal(guard_image_write(sealed, origin, &tag, -1), -EBADF);
	assert_int_equal(guard_add(image, &entry), -EINVAL);
}

/* --- Damage --- */

/** struct healer - Makes a guard again: @guard's entries, or fails */
struct healer {
	bool fails;
	bool differs;
	unsigned called;
};

/** known_guard() - The guard that is damaged below: what the healer makes, too */
static struct guard *known_guard(bool differs)
{
	struct guard *guard;

	assert_int_equal(guard_new(&guard), 0);
	for (unsigned i = 0; i < 200; i++) {
		struct guard_entry entry = {
			.kind = i % 5 ? GUARD_RESERVED : GUARD_GRANTED,
			.span = {.family = i % 2 ? FAMILY_IPV4 : FAMILY_IPV6, .first = i * 7, .last = i * 7 + i % 13},
			.owner = i % 2 ? "odd" : "even",
			.reason = "a reason",
			.pointer = "/reserved/0",
		};

		if (differs)
			entry.span.last++;
		assert_int_equal(guard_add(guard, &entry), 0);
	}
	assert_int_equal(guard_seal(guard), 0);
	return guard;
}

static int heal(void *userdata, struct guard **ret_guard)
{
	struct healer *healer = userdata;

	healer->called++;
	if (healer->fails)
		return -EIO;
	*ret_guard = known_guard(healer->differs);
	return 0;
}

/** flip() - Change bits of the byte at @offset */
static void flip(int fd, off_t offset)
{
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x55;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
}

/** ask_everywhere() - Hold all decisions of @damaged against those of @guard */
static void ask_everywhere(const struct guard *damaged, const struct guard *guard)
{
	for (unsigned i = 0; i < 1500; i += 3) {
		struct span ipv4 = {.family = FAMILY_IPV4, .first = i, .last = i + i % 4};
		struct span ipv6 = {.family = FAMILY_IPV6, .first = i, .last = i + i % 4};

		assert_same(guard, damaged, &ipv4);
		assert_same(guard, damaged, &ipv6);
	}
}

static void each_flipped_byte_is_refused_or_healed(void **state)
{
	GUARD_CLEANUP struct guard *guard = known_guard(false);
	int fd = write_image(guard);
	unsigned n_refused = 0, n_healed = 0;
	struct stat status;

	(void)state;
	assert_int_equal(fstat(fd, &status), 0);
	for (off_t at = 0; at < status.st_size; at += at < 300 ? 1 : 37) {
		GUARD_CLEANUP struct guard *damaged = NULL;
		struct healer healer = {0};
		struct guard_origin found;
		int r;

		flip(fd, at);
		r = guard_image_open(copy_of(fd), &tag, &damaged, &found);
		if (r == 0) {
			guard_image_on_damage(damaged, heal, &healer);
			ask_everywhere(damaged, guard);
			assert_true(healer.called <= 1);
			assert_false(guard_image_failed(damaged));
		} else {
			assert_int_equal(r, -EUCLEAN);
		}
		n_refused += r != 0;
		n_healed += healer.called;
		flip(fd, at);
	}
	assert_true(n_refused > 50 && n_healed > 50);
	(void)close(fd);
}

/** open_damaged() - An image whose intervals are damaged, and what it reserves */
static struct guard *open_damaged(struct healer *healer)
{
	GUARD_CLEANUP struct guard *guard = known_guard(false);
	struct guard *damaged;
	struct guard_origin found;
	int fd = write_image(guard);

	flip(fd, 2 * BLOCK + 100);
	assert_int_equal(guard_image_open(fd, &tag, &damaged, &found), 0);
	if (healer)
		guard_image_on_damage(damaged, heal, healer);
	return damaged;
}

/** assert_refuses() - A guard that can't tell says that all is reserved, and gives no hole to build a pool around */
static void assert_refuses(const struct guard *guard)
{
	/* In the damaged block, and not reserved */
	struct address address = {.family = FAMILY_IPV6, .value = 1390};
	struct span span = span_of_address(&address), part;
	struct guard_entry entry;

	assert_int_equal(guard_decide(guard, &address, &entry), GUARD_E_RESERVED);
	assert_string_equal(entry.owner, "");
	assert_int_equal(guard_touch(guard, &span, &part, NULL), GUARD_E_RESERVED);
	assert_same_span(&part, &span);
	assert_true(guard_next(guard, &span, &part) < 0);
	assert_true(guard_image_failed(guard));
}

static void what_can_not_be_healed_refuses(void **state)
{
	struct healer failing = {.fails = true}, differing = {.differs = true};
	GUARD_CLEANUP struct guard *alone = open_damaged(NULL);
	GUARD_CLEANUP struct guard *failed = open_damaged(&failing);
	GUARD_CLEANUP struct guard *changed = open_damaged(&differing);

	(void)state;
	assert_refuses(alone);
	assert_refuses(failed);
	assert_refuses(failed);
	assert_int_equal(failing.called, 1);
	/* A pool is known by what its guard reserved when it was opened. */
	assert_refuses(changed);
}

/* Within a transaction nothing is read: the guard says that it has to be rebuilt, to each question, and is when it may be. */
static void one_that_is_held_is_not_healed(void **state)
{
	struct healer healer = {0}, failing = {.fails = true};
	GUARD_CLEANUP struct guard *guard = known_guard(false);
	GUARD_CLEANUP struct guard *damaged = open_damaged(&healer);
	GUARD_CLEANUP struct guard *failed = open_damaged(&failing);
	struct address address = {.family = FAMILY_IPV6, .value = 1390};
	struct span span = span_of_address(&address), part;

	(void)state;
	guard_image_hold(guard, true);
	guard_image_hold(damaged, true);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(guard_decide(damaged, &address, NULL), -ESTALE);
		assert_int_equal(guard_touch(damaged, &span, NULL, NULL), -ESTALE);
		assert_int_equal(guard_next(damaged, &span, &part), -ESTALE);
	}
	assert_int_equal(healer.called, 0);
	assert_false(guard_image_failed(damaged));
	guard_image_rebuild(damaged);
	guard_image_rebuild(damaged);
	assert_int_equal(healer.called, 1);
	ask_everywhere(damaged, guard);

	guard_image_hold(failed, true);
	assert_int_equal(guard_decide(failed, &address, NULL), -ESTALE);
	guard_image_rebuild(failed);
	assert_refuses(failed);
}

static void a_file_that_is_cut_while_it_is_open_is_healed(void **state)
{
	GUARD_CLEANUP struct guard *guard = known_guard(false);
	int fd = write_image(guard);
	GUARD_CLEANUP struct guard *image = open_image(copy_of(fd));
	struct healer healer = {0};

	(void)state;
	guard_image_on_damage(image, heal, &healer);
	assert_int_equal(ftruncate(fd, BLOCK), 0);
	ask_everywhere(image, guard);
	assert_int_equal(healer.called, 1);
	(void)close(fd);
}

/** reseal() - Write the data of @from again with one byte changed, so that the checksums are right */
static int reseal(int from, uint64_t changed, uint8_t byte)
{
	BLOCKS_WRITER_CLEANUP struct blocks_writer *writer = NULL;
	BLOCKS_CLEANUP struct blocks *blocks = NULL;
	int fd = memfd_create("image", MFD_CLOEXEC);
	uint8_t *bytes;
	uint64_t size;

	assert_int_equal(blocks_open(copy_of(from), &tag, &blocks), 0);
	size = blocks_size(blocks);
	bytes = test_malloc(size);
	assert_int_equal(blocks_read(blocks, 0, bytes, size), 0);
	bytes[changed % size] = byte;
	assert_int_equal(blocks_writer_new(fd, &writer), 0);
	assert_int_equal(blocks_write(writer, bytes, size), 0);
	assert_int_equal(blocks_writer_finish(writer, &tag), 0);
	test_free(bytes);
	return fd;
}

/* Somebody has changed it and the checksums, too: what it says may be wrong then, but nothing is read out of bounds. */
static void nonsense_with_right_checksums_does_no_harm(void **state)
{
	GUARD_CLEANUP struct guard *guard = known_guard(false);
	int fd = write_image(guard);

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t at = i < 300 ? i : random_bits();
		GUARD_CLEANUP struct guard *damaged = NULL;
		struct guard_origin found;

		if (guard_image_open(reseal(fd, at, (uint8_t)random_bits()), &tag, &damaged, &found) < 0)
			continue;
		for (unsigned j = 0; j < 50; j++) {
			struct span span = {.family = j % 2 ? FAMILY_IPV4 : FAMILY_IPV6};
			struct guard_entry entry = {.owner = ""};
			struct span part;

			span.first = random_bits() % 1500;
			span.last = span.first + 3;
			(void)guard_touch(damaged, &span, &part, &entry);
			(void)guard_next(damaged, &span, &part);
			assert_true(strlen(entry.owner) < 100000);
		}
	}
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_decides_as_its_guard),
		cmocka_unit_test(a_large_image_decides_as_its_guard),
		cmocka_unit_test(what_can_not_be_written),
		cmocka_unit_test(each_flipped_byte_is_refused_or_healed),
		cmocka_unit_test(what_can_not_be_healed_refuses),
		cmocka_unit_test(one_that_is_held_is_not_healed),
		cmocka_unit_test(a_file_that_is_cut_while_it_is_open_is_healed),
		cmocka_unit_test(nonsense_with_right_checksums_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
