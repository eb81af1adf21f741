/* SPDX-License-Identifier: GPL-2.0-or-later */
/* discard.c and discards.c: what is discarded of ranges, and when it goes; store and kernel in memory. */

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

#include "ipam_scene.h"
#include "plugin/host/discard.h"
#include "port_fake.h"
#include "rangeguard/array.h"
#include "store_fake.h"

static struct prefix prefix(const char *text)
{
	struct prefix parsed = {0};

	assert_int_equal(prefix_parse(text, &parsed), 0);
	return parsed;
}

/** discards_of() - Prefixes with blanks between them */
static struct discards discards_of(const char *texts)
{
	struct discards discards = {0};
	char *copy = strdup(texts), *rest = copy, *one;

	assert_non_null(copy);
	while ((one = strsep(&rest, " "))) {
		struct prefix parsed = prefix(one);

		assert_int_equal(discards_add(&discards, &parsed), 0);
	}
	free(copy);
	return discards;
}

/** assert_discards() - Prefixes as text; "" none */
static void assert_discards(const struct discards *discards, const char *expected)
{
	char text[PREFIX_TEXT_MAX], all[1024] = "";

	for (size_t i = 0; i < discards->n; i++)
		(void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? " " : "",
			       prefix_format(&discards->all[i], text));
	assert_string_equal(all, expected);
}

static void what_is_wanted(void **state)
{
	static const struct {
		const char *subnet, *span, *reserved, *expected;
	} cases[] = {
		{"10.0.0.0/24", NULL, NULL, "10.0.0.0/24"},
		{"10.0.0.0/24", "10.0.0.1-10.0.0.254", NULL, "10.0.0.0/24"},
		{"10.0.0.0/24", "10.0.0.2-10.0.0.9", NULL, "10.0.0.2/31 10.0.0.4/30 10.0.0.8/31"},
		{"10.0.0.4/31", NULL, NULL, "10.0.0.4/31"},
		{"10.0.0.4/32", NULL, NULL, "10.0.0.4/32"},
		{"fd00::/64", NULL, NULL, "fd00::/64"},
		{"fd00::/64", "fd00::8-fd00::1f", NULL, "fd00::8/125 fd00::10/124"},
		{"fd00::7/128", NULL, NULL, "fd00::7/128"},
		/* What is reserved is somebody else's. */
		{"10.0.0.0/24", NULL, "10.0.0.128-10.0.0.255", "10.0.0.0/25"},
		{"10.0.0.0/24", NULL, "10.0.0.0-10.0.0.127", "10.0.0.128/25"},
		{"10.0.0.0/24", NULL, "10.0.0.64-10.0.0.127", "10.0.0.0/26 10.0.0.128/25"},
		{"10.0.0.0/24", NULL, "10.0.0.0-10.0.0.255", ""},
		/* So many holes that routes would be too many */
		{"fd00::/64", "fd00::1-fd00:0:0:0:ffff:ffff:ffff:fffe", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct ip_range range = range_of(cases[i].subnet, cases[i].span, NULL);
		struct range_set set = {.ranges = &range, .n_ranges = 1};
		struct netconf netconf = {.sets = &set, .n_sets = 1, .discard_routes = true};
		struct guard *guard = cases[i].reserved ? GUARD_OF(cases[i].reserved) : GUARD_EMPTY();
		struct discards discards;

		assert_int_equal(discard_wanted(&netconf, guard, &discards), 0);
		if (cases[i].expected)
			assert_discards(&discards, cases[i].expected);
		else
			assert_int_equal(discards.n, 126); /* each length from /128 to /66 twice */
		discards_done(&discards);
		netconf.discard_routes = false;
		assert_int_equal(discard_wanted(&netconf, guard, &discards), 0);
		assert_int_equal(discards.n, 0);
		/* The agent sees to a cluster's. */
		netconf.discard_routes = true;
		netconf.block_length_ipv4 = 26;
		netconf.block_length_ipv6 = 122;
		assert_int_equal(discard_wanted(&netconf, guard, &discards), 0);
		assert_int_equal(discards.n, 0);
		guard_free(guard);
	}
}

/** Every second address is reserved: none rather than thousands, or a part */
static void too_many_holes(void **state)
{
	struct guard *guard = NULL;
	struct ip_range range = range_of("10.0.0.0/16", NULL, NULL);
	struct range_set set = {.ranges = &range, .n_ranges = 1};
	struct netconf netconf = {.sets = &set, .n_sets = 1, .discard_routes = true};
	struct discards discards;

	(void)state;
	assert_int_equal(guard_new(&guard), 0);
	for (unsigned i = 0; i <= DISCARDS_MAX; i++) {
		u128 address = 0x0a000001 + 2 * i;
		struct guard_entry entry = {.kind = GUARD_RESERVED,
					    .span = {.family = FAMILY_IPV4, .first = address, .last = address}};

		assert_int_equal(guard_add(guard, &entry), 0);
	}
	assert_int_equal(guard_seal(guard), 0);
	assert_int_equal(discard_wanted(&netconf, guard, &discards), 0);
	assert_int_equal(discards.n, 0);
	guard_free(guard);
}

/** struct scene - A host with a store and a network "net" that has a lease of 10.0.0.1 */
struct scene {
	struct store *store;
	struct host host;
	struct guard *guard;
	struct ip_range range;
	struct range_set set;
};

/** take() - One more container of a network */
static void take(struct scene *scene, const char *network, const char *id)
{
	struct ipam_request request = {
		.lease = lease_of(network, id, "eth0", 1000), .sets = &scene->set, .n_sets = 1, .guard = scene->guard};
	struct ipam_refusal refusal;
	struct ipam_grant grant;

	assert_int_equal(ipam_take(scene->store, &request, &grant, &refusal), 0);
}

/** release() - It is gone */
static void release(struct scene *scene, const char *network, const char *id)
{
	struct attachment attachment = {.network = network, .container_id = id, .ifname = "eth0"};

	assert_int_equal(ipam_release(scene->store, &attachment, 1000), 0);
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	fake_reset();
	fake.host_end.index = 7; /* the fake takes routes only while there is a link */
	scene->store = store_fake_new();
	scene->host = (struct host){.data_dir = "/somewhere", .rtnetlink = fake_host_port()};
	scene->guard = GUARD_EMPTY();
	scene->range = range_of("10.0.0.0/24", NULL, NULL);
	scene->set = (struct range_set){.ranges = &scene->range, .n_ranges = 1};
	take(scene, "net", "a");
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	guard_free(scene->guard);
	store_close(scene->store);
	free(scene);
	return 0;
}

/** put() - discard_put() of prefixes */
static void put(struct scene *scene, const char *network, const char *texts)
{
	struct discards discards = *texts ? discards_of(texts) : (struct discards){0};
	struct error err = {0};

	fake.n_log = 0;
	assert_int_equal(discard_put(&scene->host, scene->store, network, &discards, false, &err), 0);
	discards_done(&discards);
}

/** assert_row() - What a network's row says */
static void assert_row(struct scene *scene, const char *network, const char *expected)
{
	struct discards discards;

	assert_int_equal(discards_get(scene->store, network, &discards), 0);
	assert_discards(&discards, expected);
	discards_done(&discards);
}

/** remove_unused() - discard_remove_unused() */
static void remove_unused(struct scene *scene)
{
	struct error err = {0};

	fake.n_log = 0;
	assert_int_equal(discard_remove_unused(&scene->host, scene->store, &err), 0);
}

static void from_the_first_lease_to_the_last(void **state)
{
	struct scene *scene = *state;

	put(scene, "net", "10.0.0.0/24");
	assert_true(fake_find("host: add unreachable route 10.0.0.0/24") >= 0);
	assert_row(scene, "net", "10.0.0.0/24");
	take(scene, "net", "b");
	release(scene, "net", "a");
	remove_unused(scene);
	assert_int_equal(fake.n_log, 0);
	release(scene, "net", "b");
	remove_unused(scene);
	assert_true(fake_find("host: delete unreachable route 10.0.0.0/24") >= 0);
	assert_row(scene, "net", "");
	remove_unused(scene);
	assert_int_equal(fake.n_log, 0);
}

/** Other ranges, or a reservation inside: what is not wanted any more goes, what is comes, the rest is not touched */
static void what_changes(void **state)
{
	struct scene *scene = *state;

	put(scene, "net", "10.0.0.0/25 10.0.0.128/25");
	put(scene, "net", "10.0.0.0/25 10.0.0.192/26");
	assert_true(fake_find("host: delete unreachable route 10.0.0.128/25") >= 0);
	assert_true(fake_find("host: delete unreachable route 10.0.0.0/25") < 0);
	assert_true(fake_find("host: add unreachable route 10.0.0.192/26") >= 0);
	assert_row(scene, "net", "10.0.0.0/25 10.0.0.192/26");
	put(scene, "net", "");
	assert_true(fake_find("host: delete unreachable route 10.0.0.0/25") >= 0);
	assert_true(fake_find("host: delete unreachable route 10.0.0.192/26") >= 0);
	assert_row(scene, "net", "");
}

static void what_two_networks_want(void **state)
{
	struct scene *scene = *state;

	take(scene, "other", "b");
	put(scene, "net", "10.0.0.0/24");
	put(scene, "other", "10.0.0.0/24 10.1.0.0/24");
	release(scene, "other", "b");
	remove_unused(scene);
	assert_true(fake_find("host: delete unreachable route 10.0.0.0/24") < 0);
	assert_true(fake_find("host: delete unreachable route 10.1.0.0/24") >= 0);
	take(scene, "other", "b");
	put(scene, "other", "10.0.0.0/24 10.1.0.0/24");
	release(scene, "net", "a");
	remove_unused(scene);
	assert_int_equal(fake.n_log, 0);
	assert_row(scene, "net", "");
	release(scene, "other", "b");
	remove_unused(scene);
	assert_true(fake_find("host: delete unreachable route 10.0.0.0/24") >= 0);
}

/** Who was only found to have an address gives nothing back; routes that were found go with whatever lease is the last */
static void what_was_found(void **state)
{
	struct scene *scene = *state;
	struct adopted stranger = {.lease = lease_of("", "netns-1-2", "eth0", 1000)};
	struct discards found = discards_of("10.0.0.0/24");

	stranger.lease.addresses[0] = address_of("10.0.0.9");
	stranger.lease.n_addresses = 1;
	stranger.key = attachment_key(&stranger.lease.attachment);
	assert_int_equal(ipam_hold(scene->store, &stranger), 0);
	put(scene, "net", "10.0.0.0/24");
	assert_int_equal(discards_put(scene->store, DISCARDS_FOUND, &found), 0);
	discards_done(&found);
	remove_unused(scene);
	assert_int_equal(fake.n_log, 0);
	release(scene, "net", "a");
	remove_unused(scene);
	assert_true(fake_find("host: delete unreachable route 10.0.0.0/24") >= 0);
	assert_row(scene, "net", "");
	assert_row(scene, DISCARDS_FOUND, "");
}

/** Gone already (ESRCH) is gone; what the kernel refuses leaves the row, so that the next one tries again */
static void refused_deletions(void **state)
{
	struct scene *scene = *state;
	struct error err = {0};

	put(scene, "net", "10.0.0.0/24");
	release(scene, "net", "a");
	fake.fail_message = fake.messages + 1;
	fake.fail_errnum = EPERM;
	assert_int_equal(discard_remove_unused(&scene->host, scene->store, &err), REFUSED);
	assert_string_equal(err.msg,
			    "cannot delete unreachable route 10.0.0.0/24 on the host: Operation not permitted");
	assert_row(scene, "net", "10.0.0.0/24");
	fake.fail_message = fake.messages + 1;
	fake.fail_errnum = ESRCH;
	remove_unused(scene);
	assert_row(scene, "net", "");
}

/** What can't be read of a row stands for nothing, and is written again */
static void damaged_row(void **state)
{
	struct scene *scene = *state;
	struct discards_table table;
	struct bytes key;

	put(scene, "net", "10.0.0.0/24");
	assert_int_equal(discards_read(scene->store, &table), 0);
	assert_int_equal(table.n, 1);
	key = bytes_of(table.rows[0].key, sizeof(table.rows[0].key));
	assert_int_equal(scene->store->ops->begin(scene->store, true), 0);
	assert_int_equal(scene->store->ops->put(scene->store, STORE_META, key, bytes_of("damaged", 7)), 0);
	assert_int_equal(scene->store->ops->commit(scene->store), 0);
	discards_table_done(&table);
	assert_row(scene, "net", "");
	put(scene, "net", "10.0.0.0/24");
	assert_row(scene, "net", "10.0.0.0/24");
}

/** Each state directory has its own metric, whichever way its path is written */
static void metrics(void **state)
{
	(void)state;
	assert_int_equal(discard_metric("/run/rangeguard"), discard_metric("/run/rangeguard//"));
	assert_int_not_equal(discard_metric("/run/rangeguard"), discard_metric("/run/other"));
	assert_int_equal(discard_metric("/run/rangeguard") & 0xffff0000U, DISCARD_METRIC);
}

/** The n-th call of the store fails, until all succeed: never a route without its row */
static void failures_of_the_store(void **state)
{
	bool done = false;

	(void)state;
	for (unsigned n = 1; !done; n++) {
		void *fresh = NULL;
		struct discards wanted = discards_of("10.0.0.0/24");
		struct error err = {0};
		struct scene *scene;

		setup(&fresh);
		scene = fresh;
		store_fake_fail_at(scene->store, n);
		done = discard_put(&scene->host, scene->store, "net", &wanted, false, &err) == 0;
		store_fake_fail_at(scene->store, 0);
		if (!done) {
			assert_int_equal(err.code, ERROR_STORE);
			assert_true(fake_find("host: add unreachable route 10.0.0.0/24") < 0);
		}
		discards_done(&wanted);
		teardown(&fresh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wanted),
		cmocka_unit_test(too_many_holes),
		cmocka_unit_test(metrics),
		cmocka_unit_test(failures_of_the_store),
		cmocka_unit_test_setup_teardown(from_the_first_lease_to_the_last, setup, teardown),
		cmocka_unit_test_setup_teardown(what_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_two_networks_want, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_found, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_deletions, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_row, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
