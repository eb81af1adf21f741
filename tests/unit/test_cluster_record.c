/* SPDX-License-Identifier: GPL-2.0-or-later */
/* record.c, record_json.c, cache.c: what is written is what is read; hostile values are kept, and not understood. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/cluster/cache.h"
#include "rangeguard/array.h"

#define MACHINE "0123456789abcdef0123456789abcdef"
#define EPOCH MACHINE "." MACHINE ".00000000000000ff"

/** round_trip() - Write, read, write: the texts are equal, and the members are */
static void round_trip(const char *key, const struct record *record, size_t member, const void *value)
{
	struct record again;
	char *text = record_write(record), *text_again;

	assert_non_null(text);
	assert_int_equal(record_read(key, text, 7, &again), 0);
	assert_true(again.readable);
	assert_int_equal(again.kind, record->kind);
	assert_int_equal(again.revision, 7);
	assert_memory_equal(&again.alive, value, member);
	text_again = record_write(&again);
	assert_string_equal(text, text_again);
	free(text);
	free(text_again);
	record_clear(&again);
}

static void what_is_written_is_what_is_read(void **state)
{
	struct record alive = {.kind = RECORD_ALIVE}, host = {.kind = RECORD_HOST}, block = {.kind = RECORD_BLOCK},
		      source = {.kind = RECORD_SOURCE};

	(void)state;
	alive.alive = (struct record_alive){EPOCH, UINT64_MAX, true, 3600000 * RECORD_MS};
	host.host = (struct record_host){MACHINE, {"192.0.2.1", "2001:db8::1"}, INT64_MAX, 1};
	block.block = (struct record_block){"node-1.example", MACHINE, 0, 0x8000000000000000};
	source.source = (struct record_source){"oracle", "node-1", EPOCH, "00:11:22:aa:bb:cc", 1764362400, 2};
	round_trip("alive/node-1", &alive, sizeof(alive.alive), &alive.alive);
	round_trip("host/node-1", &host, sizeof(host.host), &host.host);
	round_trip("block/10.0.0.0/26", &block, sizeof(block.block), &block.block);
	round_trip("source/2001:db8::7", &source, sizeof(source.source), &source.source);
	source.source.mac[0] = '\0';
	memset(source.source.mac, 0, sizeof(source.source.mac));
	memset(host.host.addresses, 0, sizeof(host.host.addresses));
	round_trip("source/10.0.0.1", &source, sizeof(source.source), &source.source);
	round_trip("host/a", &host, sizeof(host.host), &host.host);
}

static void hostile_values_are_kept_and_not_understood(void **state)
{
	static const struct {
		const char *key, *text;
	} cases[] = {
		{"alive/h", ""},
		{"alive/h", "[]"},
		{"alive/h", "{\"epoch\":\"" EPOCH "\",\"nonce\":\"0000000000000001\",\"state\":\"alive\"}"},
		{"alive/h",
		 "{\"epoch\":\"" EPOCH "\",\"nonce\":\"0000000000000001\",\"state\":\"dead\",\"ttlMs\":5000}"},
		{"alive/h",
		 "{\"epoch\":\"" EPOCH "\",\"nonce\":\"000000000000000g\",\"state\":\"alive\",\"ttlMs\":5000}"},
		{"alive/h", "{\"epoch\":\"" EPOCH "\",\"nonce\":1,\"state\":\"alive\",\"ttlMs\":5000}"},
		{"alive/h",
		 "{\"epoch\":\"" EPOCH "\",\"nonce\":\"0000000000000001\",\"state\":\"alive\",\"ttlMs\":99}"},
		{"alive/h",
		 "{\"epoch\":\"" EPOCH "\",\"nonce\":\"0000000000000001\",\"state\":\"alive\",\"ttlMs\":-1}"},
		{"alive/h",
		 "{\"epoch\":\"" EPOCH "\",\"nonce\":\"0000000000000001\",\"state\":\"alive\",\"ttlMs\":3600001}"},
		{"alive/h",
		 "{\"epoch\":\"" EPOCH "\",\"nonce\":\"0000000000000001\",\"state\":\"alive\",\"ttlMs\":1e3}"},
		{"alive/h",
		 "{\"epoch\":\"" EPOCH "0\",\"nonce\":\"0000000000000001\",\"state\":\"alive\",\"ttlMs\":5000}"},
		{"alive/h", "{\"epoch\":\"" EPOCH "\",\"epoch\":\"" EPOCH
			    "\",\"nonce\":\"0000000000000001\",\"state\":\"alive\",\"ttlMs\":5000}"},
		{"alive/h", "{\"epoch\":\"" MACHINE "-" MACHINE
			    ".0000000000000001\",\"nonce\":\"0000000000000001\",\"state\":\"alive\",\"ttlMs\":5000}"},
		{"host/h", "{\"machine\":\"\",\"addresses\":[],\"since\":1,\"nonce\":\"0000000000000001\"}"},
		{"host/h",
		 "{\"machine\":\"" MACHINE "\",\"addresses\":[\"x\"],\"since\":1,\"nonce\":\"0000000000000001\"}"},
		{"host/h", "{\"machine\":\"" MACHINE "\",\"addresses\":[\"10.0.0.1\",\"10.0.0.2\"],\"since\":1,"
			   "\"nonce\":\"0000000000000001\"}"},
		{"host/h", "{\"machine\":\"" MACHINE "\",\"addresses\":[\"10.0.0.1\",\"::1\",\"::2\"],\"since\":1,"
			   "\"nonce\":\"0000000000000001\"}"},
		{"block/10.0.0.0/26",
		 "{\"host\":\"a/b\",\"machine\":\"" MACHINE "\",\"since\":1,\"nonce\":\"0000000000000001\"}"},
		{"block/10.0.0.0/26",
		 "{\"host\":\"a\\u0000b\",\"machine\":\"" MACHINE "\",\"since\":1,\"nonce\":\"0000000000000001\"}"},
		{"block/10.0.0.0/26",
		 "{\"host\":\"a\",\"machine\":\"" MACHINE "\",\"since\":-1,\"nonce\":\"0000000000000001\"}"},
		{"source/10.0.0.1", "{\"pin\":\"p\",\"host\":\"a\",\"epoch\":\"" EPOCH
				    "\",\"mac\":\"00-11-22-aa-bb-cc\",\"since\":1,\"nonce\":\"0000000000000001\"}"},
		{"source/10.0.0.1",
		 "{\"pin\":\"\",\"host\":\"a\",\"epoch\":\"" EPOCH "\",\"since\":1,\"nonce\":\"0000000000000001\"}"},
		{"source/10.0.0.1",
		 "{\"pin\":\"p\",\"host\":\"a\",\"epoch\":null,\"since\":1,\"nonce\":\"0000000000000001\"}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct record record;

		assert_int_equal(record_read(cases[i].key, cases[i].text, 1, &record), 0);
		if (record.readable)
			fail_msg("understood: %s", cases[i].text);
		assert_string_equal(record.text, cases[i].text);
		record_clear(&record);
	}
}

static void any_byte_changed_is_read_safely(void **state)
{
	const char *text = "{\"pin\":\"p\",\"host\":\"a\",\"epoch\":\"" EPOCH
			   "\",\"mac\":\"00:11:22:aa:bb:cc\",\"since\":1,\"nonce\":\"0000000000000001\"}";
	size_t n = strlen(text);
	char buffer[512];

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (int byte = 1; byte < 256; byte += 3) {
			struct record record;

			memcpy(buffer, text, n + 1);
			buffer[i] = (char)byte;
			assert_int_equal(record_read("source/10.0.0.1", buffer, 1, &record), 0);
			assert_string_equal(record.text, buffer);
			record_clear(&record);
		}
	}
}

static void a_key_has_one_spelling(void **state)
{
	static const char *const good[] = {"pools",
					   "policy",
					   "host/a",
					   "alive/node-1.example",
					   "block/10.0.0.0/26",
					   "block/2001:db8::/122",
					   "source/10.0.0.1"};
	static const char *const bad[] = {"",
					  "Pools",
					  "host/",
					  "host/a/b",
					  "host/a b",
					  "host/01234567890123456789012345678901234567890123456789012345678901234",
					  "block/10.0.0.1/26",
					  "block/10.0.0.0",
					  "block/2001:DB8::/122",
					  "source/10.0.0.01",
					  "source/::ffff:10.0.0.1",
					  "source/10.0.0.1/32",
					  "leases/1"};
	struct record record;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++)
		assert_true(record_key_valid(good[i]));
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_false(record_key_valid(bad[i]));
	assert_true(record_read("source/0123456789012345678901234567890123456789012345678901234567890123456789012", "",
				1, &record) < 0);
}

static void an_epoch_says_whose_it_is(void **state)
{
	char epoch[RECORD_EPOCH_MAX];

	(void)state;
	record_epoch(MACHINE, "ffffffffffffffffffffffffffffffff", 255, epoch);
	assert_string_equal(epoch, MACHINE ".ffffffffffffffffffffffffffffffff.00000000000000ff");
	assert_true(record_epoch_is_of(epoch, MACHINE, NULL));
	assert_true(record_epoch_is_of(epoch, MACHINE, "ffffffffffffffffffffffffffffffff"));
	assert_false(record_epoch_is_of(epoch, MACHINE, MACHINE));
	assert_false(record_epoch_is_of(epoch, "ffffffffffffffffffffffffffffffff", NULL));
}

/** take() - An observation of alive/h: @text NULL is absence */
static int take(struct cache *cache, const char *text, int64_t revision, int64_t now)
{
	struct record record;
	int r;

	if (!text)
		return cache_absent(cache, "alive/h", revision, now);
	assert_int_equal(record_read("alive/h", text, revision, &record), 0);
	r = cache_take(cache, &record, now);
	record_clear(&record);
	return r;
}

static void the_cache_keeps_the_newest(void **state)
{
	struct cache cache = {0};

	(void)state;
	assert_null(cache_find(&cache, "alive/h"));
	assert_int_equal(take(&cache, NULL, 3, 10), 1);
	assert_int_equal(cache_revision(cache_find(&cache, "alive/h")), 0);
	assert_int_equal(take(&cache, NULL, 9, 20), 0);
	assert_int_equal(cache_find(&cache, "alive/h")->at, 10); /* an absence that goes on */
	assert_int_equal(take(&cache, "late", 7, 30), 0);	 /* of before it was absent at 9 */
	assert_int_equal(take(&cache, "a", 12, 40), 1);
	assert_int_equal(take(&cache, "a", 12, 50), 0);
	assert_int_equal(cache_find(&cache, "alive/h")->at, 40);
	assert_int_equal(take(&cache, NULL, 11, 60), 0);
	assert_int_equal(take(&cache, "b", 13, 70), 1);
	assert_string_equal(cache_find(&cache, "alive/h")->record.text, "b");
	assert_int_equal(cache_revision(cache_find(&cache, "alive/h")), 13);
	cache_clear(&cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_what_is_read),
		cmocka_unit_test(hostile_values_are_kept_and_not_understood),
		cmocka_unit_test(any_byte_changed_is_read_safely),
		cmocka_unit_test(a_key_has_one_spelling),
		cmocka_unit_test(an_epoch_says_whose_it_is),
		cmocka_unit_test(the_cache_keeps_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
