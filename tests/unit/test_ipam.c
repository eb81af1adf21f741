/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address manager against DESIGN section 4: which address is next, rest, what is never given, and one truth for all
 * networks. On a store in memory; test_ipam_model.c holds it against a naive model.
 */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <string.h>

#include "network_scene.h"
#include "rangeguard/array.h"

/** struct step - At @now, @id takes @address, or releases what it has when that is NULL */
struct step {
	int64_t now;
	const char *id;
	const char *address;
};

static void run(struct scene *scene, const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (steps[i].address)
			assert_taken(scene, steps[i].id, steps[i].now, steps[i].address);
		else
			assert_int_equal(release(scene, steps[i].id, steps[i].now), 0);
	}
}

/* "next address after the last one given; after the range's end from its start again; never one that is resting" */
static void test_order(void **state)
{
	static const struct step steps[] = {
		{1000, "a", "10.0.0.1"},
		{1000, "b", "10.0.0.2"},
		{1000, "c", "10.0.0.3"},
		{1010, "b", NULL},
		{1010, "d", "10.0.0.4"},
		{1010, "e", "10.0.0.5"},
		{1011, "a", NULL},
		{1012, "f", "10.0.0.6"},
		/* Around the end at 1130: b's has rested for 120 s, a's for 119. */
		{1130, "g", "10.0.0.2"},
		{1131, "c", NULL},
		{1132, "h", "10.0.0.1"},
		/* Nothing is free, and c's rests: then it is given all the same. */
		{1133, "i", "10.0.0.3"},
	};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/29", NULL, NULL));
	run(scene, steps, ARRAY_LENGTH(steps));
	assert_int_equal(take(scene, "j", 1134), IPAM_E_FULL);
	assert_int_equal(scene->refusal.set, 0);
	scene_free(scene);
}

/* "resting (unless nothing else is left: then the one that has rested longest)" */
static void test_longest_rest(void **state)
{
	static const struct step steps[] = {
		{1000, "a", "10.0.0.1"}, {1000, "b", "10.0.0.2"}, {1000, "c", "10.0.0.3"}, {1000, "d", "10.0.0.4"},
		{1000, "e", "10.0.0.5"}, {1000, "f", "10.0.0.6"}, {1003, "d", NULL},	   {1001, "e", NULL},
		{1002, "a", NULL},	 {1010, "g", "10.0.0.5"}, {1010, "h", "10.0.0.1"}, {1010, "i", "10.0.0.4"},
	};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/29", NULL, NULL));
	run(scene, steps, ARRAY_LENGTH(steps));
	scene_free(scene);
}

/* A clock that was set back must not make an address rest for years. */
static void test_clock_set_back(void **state)
{
	static const struct step steps[] = {
		{90000, "a", "10.0.0.1"},
		{90001, "a", NULL},
		{1000, "b", "10.0.0.2"},
		{1000, "c", "10.0.0.1"},
	};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/30", NULL, NULL));
	run(scene, steps, ARRAY_LENGTH(steps));
	scene_free(scene);
}

static void test_no_delay(void **state)
{
	static const struct step steps[] = {
		{1000, "a", "10.0.0.1"},
		{1000, "a", NULL},
		{1000, "b", "10.0.0.2"},
		{1000, "c", "10.0.0.1"},
	};
	struct scene *scene = scene_new();

	(void)state;
	scene->request.reuse_delay = 0;
	add_range(scene, 0, range_of("10.0.0.0/30", NULL, NULL));
	run(scene, steps, ARRAY_LENGTH(steps));
	scene_free(scene);
}

/** struct edge - All addresses that a subnet gives, in order */
struct edge {
	const char *subnet;
	const char *span;
	const char *addresses[5];
};

static const struct edge edges[] = {
	{"10.0.0.0/30", NULL, {"10.0.0.1", "10.0.0.2"}},
	{"10.0.0.0/31", NULL, {"10.0.0.0", "10.0.0.1"}},
	{"10.0.0.9/32", NULL, {"10.0.0.9"}},
	/* At the edges of what no host can have */
	{"255.255.255.254/31", NULL, {"255.255.255.254"}},
	{"224.0.0.0/3", "239.255.255.254-240.0.0.1", {"240.0.0.0", "240.0.0.1"}},
	{"126.0.0.0/7", "126.255.255.254-127.0.0.1", {"126.255.255.254", "126.255.255.255"}},
	{"0.0.0.0/7", "0.255.255.255-1.0.0.1", {"1.0.0.0", "1.0.0.1"}},
	{"2001:db8::/126", NULL, {"2001:db8::1", "2001:db8::2", "2001:db8::3"}},
	{"2001:db8::/127", NULL, {"2001:db8::", "2001:db8::1"}},
	{"2001:db8::5/128", NULL, {"2001:db8::5"}},
	{"::/126", NULL, {"::2", "::3"}},
	{"fe00::/8", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff-fec0::1", {"fec0::", "fec0::1"}},
	/* Named, network and broadcast are given. */
	{"10.0.0.0/30", "10.0.0.0-10.0.0.3", {"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"}},
};

static void test_edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(edges); i++) {
		struct scene *scene = scene_new();
		char id[2] = "a";

		add_range(scene, 0, range_of(edges[i].subnet, edges[i].span, NULL));
		/* Twice: given back at either end of the address space, they become extents again. */
		for (int64_t now = 1000; now < 3000; now += 1000) {
			for (id[0] = 'a'; edges[i].addresses[id[0] - 'a']; id[0]++)
				assert_taken(scene, id, now, edges[i].addresses[id[0] - 'a']);
			assert_int_equal(take(scene, "one too many", now), IPAM_E_FULL);
			for (id[0] = 'a'; edges[i].addresses[id[0] - 'a']; id[0]++)
				assert_int_equal(release(scene, id, now), 0);
		}
		scene_free(scene);
	}
}

/* Ranges of a set in the order in which they are configured, as in host-local. */
static void test_ranges_in_order(void **state)
{
	static const struct step steps[] = {
		{1000, "a", "10.0.0.0"}, {1000, "b", "10.0.0.1"}, {1000, "c", "10.0.1.0"},
		{1000, "d", "10.0.1.1"}, {1000, "e", "10.0.0.2"}, {1000, "f", "10.0.0.3"},
		{1000, "a", NULL},	 {1000, "c", NULL},	  {2000, "g", "10.0.0.0"},
	};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/31", NULL, NULL));
	add_range(scene, 0, range_of("10.0.1.0/31", NULL, NULL));
	add_range(scene, 0, range_of("10.0.0.2/31", NULL, NULL));
	run(scene, steps, ARRAY_LENGTH(steps));
	scene_free(scene);
}

static void test_gateway_and_reserved(void **state)
{
	static const struct step steps[] = {{1000, "a", "10.0.0.2"}, {1000, "b", "10.0.0.5"}, {1000, "c", "10.0.0.6"}};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/29", NULL, "10.0.0.1"));
	reserve(scene, "10.0.0.3-10.0.0.4");
	run(scene, steps, ARRAY_LENGTH(steps));
	assert_int_equal(take(scene, "d", 1000), IPAM_E_FULL);
	scene_free(scene);
}

/* Another network, without that gateway and that policy, gives such addresses back: they must not come our way. */
static void test_released_by_another_network(void **state)
{
	struct scene *scene = scene_new();
	struct guard *strict = GUARD_OF("10.0.0.2");

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/29", "10.0.0.1-10.0.0.3", "10.0.0.1"));
	scene->request.guard = strict;
	assert_taken(scene, "a", 1000, "10.0.0.3");

	scene->ranges[0][0].gateway = (struct address){0};
	scene->request.guard = scene->guard;
	assert_taken(scene, "b", 1000, "10.0.0.1");
	assert_taken(scene, "c", 1000, "10.0.0.2");
	assert_int_equal(release(scene, "b", 1000), 0);
	assert_int_equal(release(scene, "c", 1000), 0);

	scene->ranges[0][0].gateway = address_of("10.0.0.1");
	scene->request.guard = strict;
	assert_int_equal(take(scene, "d", 1001), IPAM_E_FULL);
	assert_int_equal(take(scene, "d", 5000), IPAM_E_FULL);
	guard_free(strict);
	scene_free(scene);
}

/* What belongs to one attachment goes to nobody else, also when it was given back; and it does not make a pool look
 * as if it could give something. */
static void test_own_addresses(void **state)
{
	struct scene *scene = scene_new();
	const struct address own[] = {address_of("10.0.0.2"), address_of("10.0.0.1")};
	size_t set = 99;

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/30", NULL, NULL));
	scene->sets[0].excluded = own;
	scene->sets[0].n_excluded = 2;
	assert_int_equal(take(scene, "stranger", 1000), IPAM_E_FULL);
	scene->request.own = own;
	scene->request.n_own = 2;
	scene->request.own_first = 3;
	assert_taken(scene, "a", 1000, "10.0.0.1");
	assert_taken(scene, "b", 1000, "10.0.0.2");
	assert_int_equal(take(scene, "c", 1000), IPAM_E_HELD);
	assert_taken(scene, "a", 1000, "10.0.0.1");
	assert_int_equal(release(scene, "a", 1000), 0);
	scene->request.n_own = 0;
	assert_int_equal(take(scene, "stranger", 5000), IPAM_E_FULL);
	assert_int_equal(ipam_is_full(scene->store, scene->sets, 1, scene->guard, &set), 1);
	scene_free(scene);
}

/** struct veto - Verdicts per last byte of an address, default FREE */
struct veto {
	int verdict[256];
	unsigned calls;
	bool requested;
	const struct ip_range *range;
};

static int veto(void *userdata, const struct ip_range *range, const struct address *address, bool requested)
{
	struct veto *self = userdata;

	self->calls++;
	self->range = range;
	self->requested = requested;
	return self->verdict[(uint8_t)address->value];
}

static void test_veto(void **state)
{
	struct veto self = {.verdict = {[1] = IPAM_VERDICT_SKIP, [2] = IPAM_VERDICT_SKIP, [5] = IPAM_VERDICT_STOP}};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/29", NULL, NULL));
	scene->request.veto = veto;
	scene->request.userdata = &self;
	assert_taken(scene, "a", 1000, "10.0.0.3");
	assert_int_equal(self.calls, 3);
	assert_ptr_equal(self.range, &scene->ranges[0][0]);
	assert_false(self.requested);
	assert_taken(scene, "b", 1000, "10.0.0.4");
	assert_int_equal(take(scene, "c", 1000), IPAM_E_VETOED);
	assert_address(&scene->refusal.address, "10.0.0.5");

	/* Asked for by name there is no next one. */
	assert_int_equal(take_named(scene, "c", "10.0.0.1", NULL), IPAM_E_VETOED);
	assert_true(self.requested);
	assert_address(&scene->refusal.address, "10.0.0.1");
	assert_int_equal(take_named(scene, "c", "10.0.0.6", NULL), 0);

	/* Passed over is not used up. */
	self.verdict[2] = IPAM_VERDICT_FREE;
	assert_taken(scene, "d", 1000, "10.0.0.2");
	self.verdict[5] = IPAM_VERDICT_SKIP;
	assert_int_equal(take(scene, "e", 1000), IPAM_E_FULL);
	/* A resting one is asked about as well. */
	assert_int_equal(release(scene, "d", 1000), 0);
	self.verdict[2] = IPAM_VERDICT_SKIP;
	assert_int_equal(take(scene, "e", 1000), IPAM_E_FULL);
	self.verdict[2] = -EPERM;
	assert_int_equal(take(scene, "e", 1000), -EPERM);

	/* What an attachment holds is asked about when it asks again. */
	self.verdict[3] = IPAM_VERDICT_STOP;
	assert_int_equal(take(scene, "a", 1000), IPAM_E_VETOED);
	self.verdict[3] = IPAM_VERDICT_SKIP;
	self.verdict[5] = IPAM_VERDICT_FREE;
	assert_taken(scene, "a", 1000, "10.0.0.5");
	scene_free(scene);
}

/* In the same three ranges: past the end of one comes the next one, and each address is asked about once. */
static void test_veto_at_the_end(void **state)
{
	struct veto self = {.verdict = {[1] = IPAM_VERDICT_SKIP}};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/31", NULL, NULL));
	add_range(scene, 0, range_of("10.0.1.4/31", NULL, NULL));
	add_range(scene, 0, range_of("10.0.0.2/31", NULL, NULL));
	scene->request.veto = veto;
	scene->request.userdata = &self;
	assert_taken(scene, "a", 1000, "10.0.0.0");
	assert_taken(scene, "b", 1000, "10.0.1.4");
	for (size_t i = 0; i < ARRAY_LENGTH(self.verdict); i++)
		self.verdict[i] = IPAM_VERDICT_SKIP;
	self.calls = 0;
	assert_int_equal(take(scene, "c", 1000), IPAM_E_FULL);
	assert_int_equal(self.calls, 4);
	scene_free(scene);
}

/* "two networks never hand out the same address, whatever their names" */
static void test_shared_space(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/30", NULL, NULL));
	assert_taken(scene, "a", 1000, "10.0.0.1");
	scene->request.lease.attachment.network = "other";
	scene->ranges[0][0] = range_of("10.0.0.0/29", NULL, NULL);
	assert_taken(scene, "a", 1000, "10.0.0.2");
	scene->request.lease.attachment.network = "net";
	scene->ranges[0][0] = range_of("10.0.0.0/30", NULL, NULL);
	assert_int_equal(take(scene, "b", 1000), IPAM_E_FULL);
	assert_int_equal(take_named(scene, "b", "10.0.0.2", NULL), IPAM_E_HELD);
	assert_string_equal(scene->refusal.holder, "other a eth0");
	scene_free(scene);
}

static void test_is_full(void **state)
{
	struct scene *scene = scene_new();
	size_t set = 99;

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	add_range(scene, 1, range_of("2001:db8::1/128", NULL, NULL));
	assert_int_equal(ipam_is_full(scene->store, scene->sets, 2, scene->guard, &set), 0);
	assert_int_equal(take(scene, "a", 1000), 0);
	assert_int_equal(ipam_is_full(scene->store, scene->sets, 2, scene->guard, &set), 1);
	assert_int_equal(set, 1);
	assert_int_equal(ipam_is_full(scene->store, scene->sets, 1, scene->guard, &set), 0);
	assert_int_equal(release(scene, "a", 1000), 0);
	assert_int_equal(ipam_is_full(scene->store, scene->sets, 2, scene->guard, &set), 0);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_longest_rest),
		cmocka_unit_test(test_clock_set_back),
		cmocka_unit_test(test_no_delay),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_ranges_in_order),
		cmocka_unit_test(test_gateway_and_reserved),
		cmocka_unit_test(test_released_by_another_network),
		cmocka_unit_test(test_own_addresses),
		cmocka_unit_test(test_veto),
		cmocka_unit_test(test_veto_at_the_end),
		cmocka_unit_test(test_shared_space),
		cmocka_unit_test(test_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
