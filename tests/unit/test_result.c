/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results in the format of each version, both directions (reference, section 1; R24, R25 of its section 2). Linked
 * with --wrap for reallocarray(3) and strdup(3), so that they can fail; jansson gets an allocator that can.
 */

#include "memory_fake.h"
#include "plugin/cni/result.h"
#include "rangeguard/array.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rangeguard/cleanup.h"

static int reset(void **state)
{
	(void)state;
	memory_fail_in = 0;
	return 0;
}

/** address() - Address from its text */
static struct address address(const char *text)
{
	struct address parsed = {.family = FAMILY_NONE};

	assert_int_equal(address_parse(text, &parsed), 0);
	return parsed;
}

/** prefix() - Prefix from its text */
static struct prefix prefix(const char *text)
{
	struct prefix parsed;

	assert_int_equal(prefix_parse(text, &parsed), 0);
	return parsed;
}

/** add_ip() - Add an address to @result; @gateway NULL: none */
static void add_ip(struct result *result, const char *text, const char *gateway, int interface)
{
	struct result_ip ip = {.address = prefix(text), .interface = interface};

	if (gateway)
		ip.gateway = address(gateway);
	assert_int_equal(result_add_ip(result, &ip), 0);
}

/** route_to() - Route without any of 1.1.0's keys; @gateway NULL: none */
static struct route route_to(const char *destination, const char *gateway)
{
	struct route route = {.mtu = -1, .advmss = -1, .priority = -1, .table = -1, .scope = -1};

	route.destination = prefix(destination);
	if (gateway)
		route.gateway = address(gateway);
	return route;
}

/** full_result() - A result with everything that 1.1.0 has */
static void full_result(struct result *result)
{
	struct route routes[] = {route_to("0.0.0.0/0", "169.254.1.1"), route_to("192.0.2.0/24", NULL),
				 route_to("::/0", "fe80::1")};

	*result = (struct result){.dns = json_pack("{s:[s]}", "nameservers", "10.0.0.53")};
	assert_int_equal(result_add_interface(result, "rg0123", "02:00:00:00:00:01", NULL, 1450), 0);
	assert_int_equal(result_add_interface(result, "eth0", "02:00:00:00:00:02", "/run/netns/x", 1450), 0);
	free(result->interfaces[1].socket_path);
	result->interfaces[1].socket_path = strdup("/run/vhost");
	free(result->interfaces[1].pci_id);
	result->interfaces[1].pci_id = strdup("0000:00:1f.6");
	add_ip(result, "10.0.0.2/32", "169.254.1.1", 1);
	add_ip(result, "2001:db8::2/128", NULL, 1);
	add_ip(result, "10.9.0.2/24", NULL, -1);
	routes[1].mtu = 1400;
	routes[1].advmss = 1360;
	routes[1].priority = 0;
	routes[1].table = 100;
	routes[1].scope = 253;
	for (size_t i = 0; i < ARRAY_LENGTH(routes); i++)
		assert_int_equal(result_add_route(result, &routes[i]), 0);
}

#define FULL_DNS "\"dns\":{\"nameservers\":[\"10.0.0.53\"]}}"
#define FULL_ROUTES_0_3                                                                                                \
	"\"routes\":[{\"dst\":\"0.0.0.0/0\",\"gw\":\"169.254.1.1\"},{\"dst\":\"192.0.2.0/24\"},"                       \
	"{\"dst\":\"::/0\",\"gw\":\"fe80::1\"}],"
#define FULL_INTERFACES_0_3                                                                                            \
	"\"interfaces\":[{\"name\":\"rg0123\",\"mac\":\"02:00:00:00:00:01\"},"                                         \
	"{\"name\":\"eth0\",\"mac\":\"02:00:00:00:00:02\",\"sandbox\":\"/run/netns/x\"}],"
#define FULL_0_1                                                                                                       \
	"\"ip4\":{\"ip\":\"10.0.0.2/32\",\"gateway\":\"169.254.1.1\",\"routes\":[{\"dst\":\"0.0.0.0/0\","              \
	"\"gw\":\"169.254.1.1\"},{\"dst\":\"192.0.2.0/24\"}]},"                                                        \
	"\"ip6\":{\"ip\":\"2001:db8::2/128\",\"routes\":[{\"dst\":\"::/0\",\"gw\":\"fe80::1\"}]},"
#define FULL_0_3                                                                                                       \
	FULL_INTERFACES_0_3                                                                                            \
	"\"ips\":[{\"version\":\"4\",\"interface\":1,\"address\":\"10.0.0.2/32\",\"gateway\":\"169.254.1.1\"},"        \
	"{\"version\":\"6\",\"interface\":1,\"address\":\"2001:db8::2/128\"},"                                         \
	"{\"version\":\"4\",\"address\":\"10.9.0.2/24\"}]," FULL_ROUTES_0_3
#define FULL_IPS_1_0                                                                                                   \
	"\"ips\":[{\"interface\":1,\"address\":\"10.0.0.2/32\",\"gateway\":\"169.254.1.1\"},"                          \
	"{\"interface\":1,\"address\":\"2001:db8::2/128\"},{\"address\":\"10.9.0.2/24\"}],"

/** The whole text, hence the order of keys too: that of the reference plugins' own output (section 1, golden outputs) */
static const char *const full_texts[CNI_N_VERSIONS] = {
	[CNI_0_1_0] = "{\"cniVersion\":\"0.1.0\"," FULL_0_1 FULL_DNS,
	[CNI_0_2_0] = "{\"cniVersion\":\"0.2.0\"," FULL_0_1 FULL_DNS,
	[CNI_0_3_0] = "{\"cniVersion\":\"0.3.0\"," FULL_0_3 FULL_DNS,
	[CNI_0_3_1] = "{\"cniVersion\":\"0.3.1\"," FULL_0_3 FULL_DNS,
	[CNI_0_4_0] = "{\"cniVersion\":\"0.4.0\"," FULL_0_3 FULL_DNS,
	[CNI_1_0_0] = "{\"cniVersion\":\"1.0.0\"," FULL_INTERFACES_0_3 FULL_IPS_1_0 FULL_ROUTES_0_3 FULL_DNS,
	[CNI_1_1_0] =
		"{\"cniVersion\":\"1.1.0\",\"interfaces\":["
		"{\"name\":\"rg0123\",\"mac\":\"02:00:00:00:00:01\",\"mtu\":1450},"
		"{\"name\":\"eth0\",\"mac\":\"02:00:00:00:00:02\",\"mtu\":1450,\"sandbox\":\"/run/netns/x\","
		"\"socketPath\":\"/run/vhost\",\"pciID\":\"0000:00:1f.6\"}]," FULL_IPS_1_0
		"\"routes\":[{\"dst\":\"0.0.0.0/0\",\"gw\":\"169.254.1.1\"},"
		"{\"dst\":\"192.0.2.0/24\",\"mtu\":1400,\"advmss\":1360,\"priority\":0,\"table\":100,\"scope\":253},"
		"{\"dst\":\"::/0\",\"gw\":\"fe80::1\"}]," FULL_DNS,
};

/** check_text() - Check the whole text of @result in @version */
static void check_text(const struct result *result, enum cni_version version, const char *expected)
{
	struct error err = {.code = 0};
	json_t *json = result_to_json(result, version, &err);
	CLEANUP_FREE char *text = NULL;

	assert_int_equal(err.code, 0);
	assert_non_null(json);
	text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text, expected);
	json_decref(json);
}

static void test_write_R25_every_version(void **state)
{
	RESULT_CLEANUP struct result result;

	(void)state;
	full_result(&result);
	for (unsigned version = 0; version < CNI_N_VERSIONS; version++)
		check_text(&result, (enum cni_version)version, full_texts[version]);
}

/** The reference's golden outputs of ptp: one address, and dns without content */
static void test_write_golden_outputs(void **state)
{
	RESULT_CLEANUP struct result result = {.dns = json_object()};
	const struct route route = route_to("0.0.0.0/0", NULL);

	(void)state;
	assert_int_equal(result_add_interface(&result, "veth1", "aa:00:00:00:00:01", "", 0), 0);
	assert_int_equal(result_add_interface(&result, "eth0", "aa:00:00:00:00:02", "/run/netns/x", 0), 0);
	add_ip(&result, "10.44.0.6/24", "10.44.0.1", 1);
	assert_int_equal(result_add_route(&result, &route), 0);

	check_text(&result, CNI_0_1_0,
		   "{\"cniVersion\":\"0.1.0\",\"ip4\":{\"ip\":\"10.44.0.6/24\",\"gateway\":\"10.44.0.1\","
		   "\"routes\":[{\"dst\":\"0.0.0.0/0\"}]},\"dns\":{}}");
	check_text(
		&result, CNI_0_4_0,
		"{\"cniVersion\":\"0.4.0\",\"interfaces\":[{\"name\":\"veth1\",\"mac\":\"aa:00:00:00:00:01\"},"
		"{\"name\":\"eth0\",\"mac\":\"aa:00:00:00:00:02\",\"sandbox\":\"/run/netns/x\"}],"
		"\"ips\":[{\"version\":\"4\",\"interface\":1,\"address\":\"10.44.0.6/24\",\"gateway\":\"10.44.0.1\"}],"
		"\"routes\":[{\"dst\":\"0.0.0.0/0\"}],\"dns\":{}}");
	check_text(&result, CNI_1_0_0,
		   "{\"cniVersion\":\"1.0.0\",\"interfaces\":[{\"name\":\"veth1\",\"mac\":\"aa:00:00:00:00:01\"},"
		   "{\"name\":\"eth0\",\"mac\":\"aa:00:00:00:00:02\",\"sandbox\":\"/run/netns/x\"}],"
		   "\"ips\":[{\"interface\":1,\"address\":\"10.44.0.6/24\",\"gateway\":\"10.44.0.1\"}],"
		   "\"routes\":[{\"dst\":\"0.0.0.0/0\"}]}");
}

/** Up to 0.2.0 a route goes with its family's address, and is lost without one */
static void test_write_old_version_without_the_family(void **state)
{
	RESULT_CLEANUP struct result result = {.ips = NULL};
	const struct route route = route_to("0.0.0.0/0", NULL);

	(void)state;
	add_ip(&result, "2001:db8::2/64", "2001:db8::1", -1);
	assert_int_equal(result_add_route(&result, &route), 0);
	check_text(&result, CNI_0_2_0,
		   "{\"cniVersion\":\"0.2.0\",\"ip6\":{\"ip\":\"2001:db8::2/"
		   "64\",\"gateway\":\"2001:db8::1\"},\"dns\":{}}");
}

static void test_write_without_address(void **state)
{
	const struct result empty = {.ips = NULL};

	(void)state;
	for (unsigned version = 0; version < CNI_0_3_0; version++) {
		struct error err = {.code = 0};

		assert_null(result_to_json(&empty, (enum cni_version)version, &err));
		assert_int_equal(err.code, ERROR_CONFIG);
		assert_non_null(strstr(err.msg, cni_version_text((enum cni_version)version)));
	}
	check_text(&empty, CNI_0_3_0, "{\"cniVersion\":\"0.3.0\",\"dns\":{}}");
	check_text(&empty, CNI_1_1_0, "{\"cniVersion\":\"1.1.0\"}");
}

/** assert_same() - Check that two results are the same */
static void assert_same(const struct result *a, const struct result *b)
{
	assert_int_equal(a->n_interfaces, b->n_interfaces);
	for (size_t i = 0; i < a->n_interfaces; i++) {
		assert_string_equal(a->interfaces[i].name, b->interfaces[i].name);
		assert_string_equal(a->interfaces[i].mac, b->interfaces[i].mac);
		assert_string_equal(a->interfaces[i].sandbox, b->interfaces[i].sandbox);
		assert_string_equal(a->interfaces[i].socket_path, b->interfaces[i].socket_path);
		assert_string_equal(a->interfaces[i].pci_id, b->interfaces[i].pci_id);
		assert_int_equal(a->interfaces[i].mtu, b->interfaces[i].mtu);
	}
	assert_int_equal(a->n_ips, b->n_ips);
	for (size_t i = 0; i < a->n_ips; i++) {
		assert_true(address_equal(&a->ips[i].address.address, &b->ips[i].address.address));
		assert_int_equal(a->ips[i].address.length, b->ips[i].address.length);
		assert_true(address_equal(&a->ips[i].gateway, &b->ips[i].gateway));
		assert_int_equal(a->ips[i].interface, b->ips[i].interface);
	}
	assert_int_equal(a->n_routes, b->n_routes);
	for (size_t i = 0; i < a->n_routes; i++) {
		assert_true(address_equal(&a->routes[i].destination.address, &b->routes[i].destination.address));
		assert_int_equal(a->routes[i].destination.length, b->routes[i].destination.length);
		assert_true(address_equal(&a->routes[i].gateway, &b->routes[i].gateway));
		assert_int_equal(a->routes[i].mtu, b->routes[i].mtu);
		assert_int_equal(a->routes[i].advmss, b->routes[i].advmss);
		assert_int_equal(a->routes[i].priority, b->routes[i].priority);
		assert_int_equal(a->routes[i].table, b->routes[i].table);
		assert_int_equal(a->routes[i].scope, b->routes[i].scope);
	}
	assert_int_equal(!a->dns, !b->dns);
	assert_true(!a->dns || json_equal(a->dns, b->dns));
}

static uint64_t random_state;

/** draw() - Pseudo-random number below @n (xorshift64), the same ones in each run */
static unsigned draw(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 32) % n;
}

/** draw_prefix() - Random prefix, host bits and all, of @family; IPv6 ones from 2000::/3, where none is IPv4-mapped */
static struct prefix draw_prefix(enum family family)
{
	struct prefix drawn = {.address = {.family = family, .value = draw(UINT32_MAX)}};

	if (family == FAMILY_IPV6)
		drawn.address.value |= (u128)0x20010db8 << 96 | (u128)draw(UINT32_MAX) << 32;
	drawn.length = (uint8_t)draw(family_bits(family) + 1);
	return drawn;
}

/** draw_ip() - Add a random address of @family to @result */
static void draw_ip(struct result *result, enum family family)
{
	struct result_ip ip = {.address = draw_prefix(family)};

	if (draw(2))
		ip.gateway = draw_prefix(family).address;
	ip.interface = (int)draw((unsigned)result->n_interfaces + 1) - 1;
	assert_int_equal(result_add_ip(result, &ip), 0);
}

/** draw_option() - Random number up to @max, or -1 */
static long draw_option(long max)
{
	switch (draw(4)) {
	case 0:
		return -1;
	case 1:
		return max;
	case 2:
		return 0;
	default:
		return (long)draw((unsigned)max);
	}
}

/** draw_route() - Add a random route of @family to @result, as @version can carry it */
static void draw_route(struct result *result, enum family family, enum cni_version version)
{
	struct route route = route_to("::/0", NULL);

	route.destination = draw_prefix(family);
	if (draw(2))
		route.gateway = draw_prefix(family).address;
	if (version >= CNI_1_1_0) {
		route.mtu = draw_option(UINT32_MAX);
		route.advmss = draw_option(UINT32_MAX);
		route.priority = draw_option(UINT32_MAX);
		route.table = draw_option(UINT32_MAX);
		route.scope = draw_option(UINT8_MAX);
	}
	assert_int_equal(result_add_route(result, &route), 0);
}

/** replace() - Let @text own a copy of @with */
static void replace(char **text, const char *with)
{
	free(*text);
	*text = strdup(with);
}

/** draw_interface() - Add a random interface to @result, as @version can carry it */
static void draw_interface(struct result *result, enum cni_version version)
{
	static const char *const texts[] = {"", "a", "eth0", "z\xc3\xbcrich \"/\\\n"};
	struct result_interface *added;

	assert_int_equal(result_add_interface(result, texts[draw(4)], texts[draw(4)], texts[draw(4)], 0), 0);
	if (version < CNI_1_1_0)
		return;
	added = &result->interfaces[result->n_interfaces - 1];
	added->mtu = draw(3) ? draw(UINT32_MAX) : UINT32_MAX;
	replace(&added->socket_path, texts[draw(4)]);
	replace(&added->pci_id, texts[draw(4)]);
}

/** draw_result() - Random result that @version can carry; 0.1.0 and 0.2.0 put IPv4 first and one address each */
static void draw_result(struct result *result, enum cni_version version)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	bool old = version < CNI_0_3_0;
	unsigned which = 1 + draw(3);

	*result = (struct result){.dns = draw(2) ? json_pack("{s:s, s:[]}", "domain", "example.org", "search") : NULL};
	for (unsigned n = old ? 0 : draw(4); n > 0; n--)
		draw_interface(result, version);
	for (unsigned f = 0; f < 2; f++)
		if (which & 1U << f)
			for (unsigned n = old ? 1 : draw(4); n > 0; n--)
				draw_ip(result, families[f]);
	for (unsigned f = 0; f < 2; f++)
		if (which & 1U << f)
			for (unsigned n = draw(4); n > 0; n--)
				draw_route(result, families[f], version);
}

static void test_round_trip(void **state)
{
	(void)state;
	random_state = 0x52616e6765477264;
	for (unsigned run = 0; run < 7000; run++) {
		enum cni_version version = (enum cni_version)(run % CNI_N_VERSIONS);
		RESULT_CLEANUP struct result drawn, read = {.ips = NULL};
		struct error err = {.msg = ""};
		json_t *json;

		draw_result(&drawn, version);
		json = result_to_json(&drawn, version, &err);
		assert_non_null(json);
		assert_int_equal(result_from_json(json, version, &read, &err), 0);
		assert_same(&read, &drawn);
		json_decref(json);
	}
}

/** The same document under another version: keys of a later one are passed over, as upstream leaves them in */
static void test_read_passes_over_keys_of_later_versions(void **state)
{
	RESULT_CLEANUP struct result read = {.ips = NULL}, expected = {.ips = NULL};
	json_t *json = json_loads(full_texts[CNI_1_1_0], 0, NULL);
	struct error err;

	(void)state;
	full_result(&expected);
	for (size_t i = 0; i < expected.n_interfaces; i++) {
		expected.interfaces[i].mtu = 0;
		replace(&expected.interfaces[i].socket_path, "");
		replace(&expected.interfaces[i].pci_id, "");
	}
	for (size_t i = 0; i < expected.n_routes; i++) {
		struct route *route = &expected.routes[i];

		route->mtu = route->advmss = route->priority = route->table = route->scope = -1;
	}
	assert_int_equal(json_object_del(json, "cniVersion"), 0);
	assert_int_equal(result_from_json(json, CNI_1_0_0, &read, &err), 0);
	assert_same(&read, &expected);
	json_decref(json);
}

/** 1.0.0 and 1.1.0 mixed: the result's own version says which keys it has */
static void test_read_mixed_version_reads_the_results_keys(void **state)
{
	RESULT_CLEANUP struct result read = {.ips = NULL}, expected = {.ips = NULL};
	json_t *json = json_loads(full_texts[CNI_1_1_0], 0, NULL);
	struct error err;

	(void)state;
	full_result(&expected);
	assert_int_equal(result_from_json(json, CNI_1_0_0, &read, &err), 0);
	assert_same(&read, &expected);
	json_decref(json);
}

/** Other plugins' keys, null for absent, -1 for an unknown interface, an empty gateway, no name */
static void test_read_tolerates(void **state)
{
	static const char text[] =
		"{\"cniVersion\":\"0.4.0\",\"x\":1,\"interfaces\":[{\"name\":\"eth0\",\"mac\":null,\"y\":[]},{}],"
		"\"ips\":[{\"version\":\"4\",\"interface\":-1,\"address\":\"10.0.0.2/24\",\"gateway\":\"\",\"z\":{}},"
		"{\"interface\":null,\"address\":\"10.0.0.3/24\",\"gateway\":null}],"
		"\"routes\":null,\"dns\":null}";
	RESULT_CLEANUP struct result read = {.ips = NULL}, expected = {.ips = NULL};
	json_t *json = json_loads(text, 0, NULL);
	struct error err;

	(void)state;
	assert_int_equal(result_add_interface(&expected, "eth0", "", "", 0), 0);
	assert_int_equal(result_add_interface(&expected, "", "", "", 0), 0);
	add_ip(&expected, "10.0.0.2/24", NULL, -1);
	add_ip(&expected, "10.0.0.3/24", NULL, -1);
	assert_int_equal(result_from_json(json, CNI_0_4_0, &read, &err), 0);
	assert_same(&read, &expected);
	json_decref(json);
}

/** The n-th allocation fails, for each n until none is left to fail */
static void test_read_without_memory(void **state)
{
	json_t *json = json_loads(full_texts[CNI_1_1_0], 0, NULL);
	unsigned n = 0;
	int r;

	(void)state;
	do {
		RESULT_CLEANUP struct result result = {.ips = NULL};
		struct error err;

		memory_fail_in = ++n;
		r = result_from_json(json, CNI_1_1_0, &result, &err);
		memory_fail_in = 0;
		if (r)
			assert_int_equal(err.code, ERROR_TRY_AGAIN);
	} while (r);
	assert_true(n > 10);
	json_decref(json);
}

/** As above; what is written in the end is whole, so no failure went unnoticed */
static void test_write_without_memory(void **state)
{
	static const enum cni_version versions[] = {CNI_0_2_0, CNI_0_4_0, CNI_1_1_0};
	RESULT_CLEANUP struct result result;

	(void)state;
	full_result(&result);
	json_set_alloc_funcs(memory_malloc, free);
	for (size_t i = 0; i < ARRAY_LENGTH(versions); i++) {
		CLEANUP_FREE char *text = NULL;
		json_t *json;
		unsigned n = 0;

		do {
			struct error err;

			memory_fail_in = ++n;
			json = result_to_json(&result, versions[i], &err);
			if (!json)
				assert_int_equal(err.code, ERROR_TRY_AGAIN);
		} while (!json);
		memory_fail_in = 0;
		assert_true(n > 10);
		text = json_dumps(json, JSON_COMPACT);
		assert_string_equal(text, full_texts[versions[i]]);
		json_decref(json);
	}
	json_set_alloc_funcs(malloc, free);
}

#define RESULT_TEST(test) cmocka_unit_test_setup(test, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESULT_TEST(test_write_R25_every_version),
		RESULT_TEST(test_write_golden_outputs),
		RESULT_TEST(test_write_old_version_without_the_family),
		RESULT_TEST(test_write_without_address),
		RESULT_TEST(test_round_trip),
		RESULT_TEST(test_read_passes_over_keys_of_later_versions),
		RESULT_TEST(test_read_mixed_version_reads_the_results_keys),
		RESULT_TEST(test_read_tolerates),
		RESULT_TEST(test_read_without_memory),
		RESULT_TEST(test_write_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
