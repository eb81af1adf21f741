/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases as bytes: what is read is what was written, and nothing else is read. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ipam/lease/lease.h"
#include "ipam/store/row.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

static struct lease sample(void)
{
	return (struct lease){
		.attachment = {.network = "pods", .container_id = "0123456789abcdef", .ifname = "eth0"},
		.pod_namespace = "billing",
		.pod_name = "api-7d9",
		.netns = "/run/netns/x",
		.interface = "veth1",
		.pins = "mainframe mail",
		.netns_device = UINT64_MAX,
		.netns_inode = 4026531840,
		.since = INT64_MIN,
		.anti_spoof = true,
		.egress = 0x0123456789abcdef,
		.addresses = {{.family = FAMILY_IPV4, .value = UINT32_MAX}, {.family = FAMILY_IPV6, .value = ~(u128)0}},
		.n_addresses = 2,
	};
}

static void assert_lease_equal(const struct lease *a, const struct lease *b)
{
	assert_true(attachment_equal(&a->attachment, &b->attachment));
	assert_string_equal(a->pod_namespace, b->pod_namespace);
	assert_string_equal(a->pod_name, b->pod_name);
	assert_string_equal(a->netns, b->netns);
	assert_true(a->netns_device == b->netns_device && a->netns_inode == b->netns_inode && a->since == b->since);
	assert_string_equal(a->interface, b->interface);
	assert_string_equal(a->pins, b->pins);
	assert_int_equal(a->anti_spoof, b->anti_spoof);
	assert_true(a->egress == b->egress && a->netns_cookie == b->netns_cookie);
	assert_int_equal(a->n_addresses, b->n_addresses);
	for (size_t i = 0; i < a->n_addresses; i++)
		assert_true(address_equal(&a->addresses[i], &b->addresses[i]));
}

static void round_trip(const struct lease *lease)
{
	CLEANUP_FREE void *data = NULL;
	struct lease decoded;
	size_t size;

	assert_int_equal(lease_encode(lease, &data, &size), 0);
	assert_int_equal(lease_decode(bytes_of(data, size), &decoded), 0);
	assert_lease_equal(lease, &decoded);
}

static void test_round_trip(void **state)
{
	char id[LIMIT_CONTAINER_ID + 1];
	struct lease lease = sample();

	(void)state;
	round_trip(&lease);
	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	lease.attachment.container_id = id;
	round_trip(&lease);
	for (lease.n_addresses = 0; lease.n_addresses < LIMIT_RANGE_SETS; lease.n_addresses++)
		lease.addresses[lease.n_addresses] =
			(struct address){.family = FAMILY_IPV6, .value = lease.n_addresses};
	round_trip(&lease);
	lease = (struct lease){
		.attachment = {.network = "", .container_id = "", .ifname = ""},
		.pod_namespace = "",
		.pod_name = "",
		.netns = "",
		.interface = "",
		.pins = "",
	};
	round_trip(&lease);
	lease.attachment.chained = true;
	round_trip(&lease);
}

/* "more is cut in records" */
static void test_pod_texts_are_cut(void **state)
{
	CLEANUP_FREE void *data = NULL;
	char name[2 * LIMIT_POD_TEXT + 1];
	struct lease lease = sample(), decoded;
	size_t size;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	lease.pod_name = lease.pod_namespace = name;
	assert_int_equal(lease_encode(&lease, &data, &size), 0);
	assert_int_equal(lease_decode(bytes_of(data, size), &decoded), 0);
	assert_int_equal(strlen(decoded.pod_name), LIMIT_POD_TEXT);
	assert_int_equal(strlen(decoded.pod_namespace), LIMIT_POD_TEXT);
}

static void test_too_many_addresses(void **state)
{
	struct lease lease = sample();
	void *data = NULL;
	size_t size;

	(void)state;
	lease.n_addresses = LIMIT_RANGE_SETS + 1;
	assert_int_equal(lease_encode(&lease, &data, &size), -E2BIG);
	assert_null(data);
}

/* Each bit flipped, each length cut, bytes behind: nothing of it is a lease. In a block of its own, for ASan. */
static void test_damage(void **state)
{
	CLEANUP_FREE uint8_t *data = NULL;
	struct lease lease = sample(), decoded;
	void *encoded;
	size_t size;

	(void)state;
	assert_int_equal(lease_encode(&lease, &encoded, &size), 0);
	data = encoded;
	for (size_t bit = 0; bit < 8 * size; bit++) {
		data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(lease_decode(bytes_of(data, size), &decoded), LEASE_E_DAMAGED);
		data[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	for (size_t n = 0; n < size; n++) {
		CLEANUP_FREE uint8_t *cut = malloc(n + 1);

		assert_non_null(cut);
		memcpy(cut + 1, data, n);
		assert_int_equal(lease_decode(bytes_of(cut + 1, n), &decoded), LEASE_E_DAMAGED);
	}
	data = realloc(data, size + 1);
	assert_non_null(data);
	data[size] = 0;
	assert_int_equal(lease_decode(bytes_of(data, size + 1), &decoded), LEASE_E_DAMAGED);
	assert_int_equal(lease_decode(bytes_of(data, size), &decoded), 0);
}

/** seal() - Make the checksum at the end of a row right again */
static void seal(uint8_t *data, size_t size)
{
	(void)row_write_number(data + size - ROW_NUMBER_BYTES, XXH3_64bits(data, size - ROW_NUMBER_BYTES));
}

/* With a right checksum: a row of a later version, or of somebody who means ill, is not read beyond its end. */
static void test_wrong_but_sealed(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} cases[] = {
		{0, 0},	    {0, 1},    {0, 4},			  /* version */
		{2, 1},	    {2, 3},    {2, LIMIT_RANGE_SETS + 1}, /* number of addresses */
		{35, 0},    {35, 3},   {36, 1},
		{47, 1}, /* family of the first, more than 32 bits */
		{69, 1},    {76, 3},   {76, 5},
		{76, 0xff},	       /* length of the first text */
		{77, 0},    {81, 'x'}, /* NUL within it, no NUL behind it */
	};
	struct lease lease = sample(), decoded;
	CLEANUP_FREE uint8_t *data = NULL;
	void *encoded;
	size_t size;

	(void)state;
	assert_int_equal(lease_encode(&lease, &encoded, &size), 0);
	data = encoded;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		uint8_t old = data[cases[i].at];

		data[cases[i].at] = cases[i].value;
		seal(data, size);
		assert_int_equal(lease_decode(bytes_of(data, size), &decoded), LEASE_E_DAMAGED);
		data[cases[i].at] = old;
	}
	for (size_t i = 0; i < size - ROW_NUMBER_BYTES; i++) {
		uint8_t old = data[i];

		for (unsigned value = 0; value <= UINT8_MAX; value++) {
			data[i] = (uint8_t)value;
			seal(data, size);
			(void)lease_decode(bytes_of(data, size), &decoded);
		}
		data[i] = old;
	}
	seal(data, size);
	assert_int_equal(lease_decode(bytes_of(data, size), &decoded), 0);
}

/* The last text without its NUL, and bytes behind it. */
static void test_wrong_end(void **state)
{
	struct lease lease = sample(), decoded;
	CLEANUP_FREE uint8_t *data = NULL;
	size_t size, end, length;
	void *encoded;

	(void)state;
	assert_int_equal(lease_encode(&lease, &encoded, &size), 0);
	data = realloc(encoded, size + 1);
	assert_non_null(data);
	end = size - ROW_NUMBER_BYTES;
	length = strlen(lease.pins);

	data[end] = 0;
	seal(data, size + 1);
	assert_int_equal(lease_decode(bytes_of(data, size + 1), &decoded), LEASE_E_DAMAGED);
	data[end - 1] = 'x';
	(void)row_write_number(data + end - 1 - length - ROW_NUMBER_BYTES, length + 1);
	seal(data, size);
	assert_int_equal(lease_decode(bytes_of(data, size), &decoded), LEASE_E_DAMAGED);
	/* The same with its NUL is a lease. */
	data[end] = 0;
	seal(data, size + 1);
	assert_int_equal(lease_decode(bytes_of(data, size + 1), &decoded), 0);
}

/** append() - Put bytes before the checksum of a row, which is made right: the row, to be freed */
static uint8_t *append(uint8_t *data, size_t *size, const uint8_t *bytes, size_t n)
{
	size_t end = *size - ROW_NUMBER_BYTES;
	uint8_t *longer = realloc(data, *size + n);

	assert_non_null(longer);
	memcpy(longer + end, bytes, n);
	*size += n;
	seal(longer, *size);
	return longer;
}

/* What a later version adds is passed over; what was written before anything was added is read. */
static void test_other_versions(void **state)
{
	static const uint8_t unknown[] = {200, 0, 0, 0, 0, 0, 0, 0, 3, 'a', 'b', 'c'};
	struct lease lease = sample(), decoded;
	CLEANUP_FREE uint8_t *data = NULL;
	void *encoded;
	size_t size;

	(void)state;
	lease.netns_cookie = 0x123456789;
	round_trip(&lease);
	assert_int_equal(lease_encode(&lease, &encoded, &size), 0);
	data = append(encoded, &size, unknown, sizeof(unknown));
	assert_int_equal(lease_decode(bytes_of(data, size), &decoded), 0);
	assert_lease_equal(&lease, &decoded);
	/* Longer than what is left */
	data[size - ROW_NUMBER_BYTES - 4] = 4;
	seal(data, size);
	assert_int_equal(lease_decode(bytes_of(data, size), &decoded), LEASE_E_DAMAGED);
	lease.netns_cookie = 0;
	free(data);
	assert_int_equal(lease_encode(&lease, &encoded, &size), 0);
	data = encoded;
	data[0] = 2;
	seal(data, size);
	assert_int_equal(lease_decode(bytes_of(data, size), &decoded), 0);
	assert_lease_equal(&lease, &decoded);
}

/* The three texts are told apart, wherever one ends and the next begins. */
static void test_key(void **state)
{
	static const struct attachment others[] = {
		{"net", "id", "eth0", false}, {"neti", "d", "eth0", false}, {"net", "ide", "th0", false},
		{"", "netid", "eth0", false}, {"net", "", "ideth0", false}, {"id", "net", "eth0", false},
		{"net", "id", "eth1", false}, {"net", "ID", "eth0", false}, {"net", "id", "eth0", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		struct attachment_key key = attachment_key(&others[i]);
		struct bytes bytes = bytes_of(key.bytes, sizeof(key.bytes));
		uint64_t first;

		assert_int_equal(row_read_number(&bytes, &first), 0);
		assert_true(first == attachment_hash(&others[i]));
		for (size_t k = 0; k < ARRAY_LENGTH(others); k++) {
			struct attachment_key other = attachment_key(&others[k]);

			assert_int_equal(memcmp(&key, &other, sizeof(key)) == 0, i == k);
			assert_int_equal(attachment_equal(&others[i], &others[k]), i == k);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),	   cmocka_unit_test(test_pod_texts_are_cut),
		cmocka_unit_test(test_too_many_addresses), cmocka_unit_test(test_damage),
		cmocka_unit_test(test_wrong_but_sealed),   cmocka_unit_test(test_wrong_end),
		cmocka_unit_test(test_other_versions),	   cmocka_unit_test(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
