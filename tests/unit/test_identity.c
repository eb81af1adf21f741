/* SPDX-License-Identifier: GPL-2.0-or-later */
/* identity.c: what is written on an interface is read from it again, and nothing else is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "plugin/network/identity.h"
#include "plugin/network/rtmessage.h"
#include "rangeguard/array.h"
#include "rangeguard/limits.h"

#define ROUNDS 20000

static const struct attachment pod = {.network = "pods", .container_id = "0123abcd", .ifname = "eth0"};

static void name_is_rg_and_twelve_digits_of_the_digest(void **state)
{
	struct attachment_key key = attachment_key(&pod);
	char name[IFNAMSIZ], expected[IFNAMSIZ];

	(void)state;
	(void)snprintf(expected, sizeof(expected), "rg%02x%02x%02x%02x%02x%02x", key.bytes[0], key.bytes[1],
		       key.bytes[2], key.bytes[3], key.bytes[4], key.bytes[5]);
	identity_host_name(&pod, name);
	assert_string_equal(name, expected);
	assert_int_equal(strlen(name), 14);
}

/* Each part of the key counts, and where one ends and the next begins. */
static void names_differ_by_each_part_of_the_key(void **state)
{
	static const struct attachment others[] = {
		{"pods", "0123abcd", "eth0", false}, {"podz", "0123abcd", "eth0", false},
		{"pods", "0123abce", "eth0", false}, {"pods", "0123abcd", "eth1", false},
		{"pods0", "123abcd", "eth0", false}, {"pods", "0123abcde", "th0", false},
	};
	char names[ARRAY_LENGTH(others)][IFNAMSIZ];
	uint8_t macs[ARRAY_LENGTH(others)][ETH_ALEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		identity_host_name(&others[i], names[i]);
		identity_host_mac(&others[i], macs[i]);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(names[i], names[j]);
			assert_memory_not_equal(macs[i], macs[j], ETH_ALEN);
		}
	}
}

static void alias_says_whose_it_is(void **state)
{
	char alias[IDENTITY_ALIAS_MAX];

	(void)state;
	identity_alias(&pod, alias);
	assert_string_equal(alias, "rangeguard pods 0123abcd eth0");
}

/* IFALIASZ: 255 bytes are the kernel's most; "rangeguard n ID eth0" has 18 beside the id. */
static void long_alias_becomes_a_digest(void **state)
{
	char id[LIMIT_CONTAINER_ID + 1], alias[IDENTITY_ALIAS_MAX];
	struct attachment attachment = {.network = "n", .container_id = id, .ifname = "eth0"};

	(void)state;
	memset(id, 'x', sizeof(id));
	id[255 - 18] = '\0';
	identity_alias(&attachment, alias);
	assert_int_equal(strlen(alias), 255);
	assert_memory_equal(alias, "rangeguard n xxx", 16);

	memset(id, 'x', sizeof(id));
	id[255 - 17] = '\0';
	identity_alias(&attachment, alias);
	assert_memory_equal(alias, "rangeguard #", 12);
	assert_int_equal(strlen(alias), 12 + 32);
	assert_int_equal(strspn(alias + 12, "0123456789abcdef"), 32);

	memset(id, 'x', sizeof(id));
	id[sizeof(id) - 1] = '\0';
	identity_alias(&attachment, alias);
	assert_int_equal(strlen(alias), 12 + 32);
}

static void mac_is_parsed_strictly(void **state)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{"02:00:5e:10:00:ff", 0},
		{"02-00-5E-10-00-FF", 0},
		{"", -EINVAL},
		{"02:00:5e:10:00", -EINVAL},
		{"02:00:5e:10:00:f", -EINVAL},
		{"02:00:5e:10:00:fg", -EINVAL},
		{"02:00:5e:10:00:ff:", -EINVAL},
		{"02:00:5e:10:00-ff", -EINVAL},
		{"02.00.5e.10.00.ff", -EINVAL},
		{" 2:00:5e:10:00:ff", -EINVAL},
		{"+2:00:5e:10:00:ff", -EINVAL},
		{"01:00:5e:00:00:01", -EINVAL}, /* IEEE 802: bit 0 of the first byte marks a group */
		{"ff:ff:ff:ff:ff:ff", -EINVAL},
		{"00:00:00:00:00:00", -EINVAL},
	};
	static const uint8_t expected[ETH_ALEN] = {0x02, 0x00, 0x5e, 0x10, 0x00, 0xff};
	uint8_t mac[ETH_ALEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		memset(mac, 0xaa, sizeof(mac));
		assert_int_equal(mac_parse(cases[i].text, mac), cases[i].result);
		if (cases[i].result == 0)
			assert_memory_equal(mac, expected, ETH_ALEN);
		else
			assert_int_equal(mac[0], 0xaa);
	}
}

static void mac_is_formatted_as_it_is_parsed(void **state)
{
	uint8_t mac[ETH_ALEN];
	char text[MAC_TEXT_MAX];

	(void)state;
	assert_int_equal(mac_parse("0A:0b:0c:0d:0e:0f", mac), 0);
	assert_string_equal(mac_format(mac, text), "0a:0b:0c:0d:0e:0f");
}

/** random_text() - Up to @most bytes; of some it is all the same, so that parts move from one text to the next */
static void random_text(char *text, size_t most)
{
	static const char hostile[] = "a a#ab\n\t 0rangeguard # ";
	size_t length = (size_t)random() % (random() % 4 ? 6 : most + 1);

	for (size_t i = 0; i < length; i++) {
		text[i] = hostile[(size_t)random() % (sizeof(hostile) - 1)];
		if (random() % 3 == 0)
			text[i] = (char)(1 + random() % 255);
	}
	text[length] = '\0';
}

/** assert_read_again() - The alias and name of @attachment lead to @attachment, and to its texts where it has them */
static void assert_read_again(const struct attachment *attachment)
{
	struct attachment_key key = attachment_key(attachment), found_key;
	char alias[IDENTITY_ALIAS_MAX], name[IFNAMSIZ];
	struct attachment found;

	identity_alias(attachment, alias);
	identity_host_name(attachment, name);
	assert_true(strlen(alias) < IDENTITY_ALIAS_MAX);
	assert_int_equal(identity_of_link(name, alias, &found, &found_key), 0);
	assert_memory_equal(&found_key, &key, sizeof(key));
	if (*found.network)
		assert_true(attachment_equal(&found, attachment));
	else
		assert_true(!*found.container_id && !*found.ifname && !found.chained);
}

static void what_is_written_is_read_again(void **state)
{
	static char network[LIMIT_CONTAINER_ID + 1], id[LIMIT_CONTAINER_ID + 1], ifname[LIMIT_CONTAINER_ID + 1];
	struct attachment attachment = {.network = network, .container_id = id, .ifname = ifname};

	(void)state;
	assert_read_again(&pod);
	srandom(1);
	for (unsigned i = 0; i < ROUNDS; i++) {
		random_text(network, LIMIT_CONTAINER_ID);
		random_text(id, LIMIT_CONTAINER_ID);
		random_text(ifname, random() % 2 ? IFNAMSIZ - 1 : 260);
		attachment.chained = random() % 8 == 0;
		assert_read_again(&attachment);
	}
}

/* Two attachments never have the same alias, wherever a blank stands. */
static void aliases_of_two_attachments_differ(void **state)
{
	static const struct attachment cases[] = {
		{"a b", "c", "d", false}, {"a", "b c", "d", false}, {"a", "b", "c d", false}, {"a", "b", "c", false},
		{"a", "b", "c", true},	  {"", "a", "b c", false},  {"#", "b", "c", false},   {"a", "", "b c", false},
	};
	char aliases[ARRAY_LENGTH(cases)][IDENTITY_ALIAS_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		identity_alias(&cases[i], aliases[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(aliases[i], aliases[j]);
	}
}

/** name_of() - The name that would follow from an alias that is taken at its word */
static void name_of(const char *words, char name[static IFNAMSIZ])
{
	char text[IDENTITY_ALIAS_MAX], *rest = text;
	struct attachment attachment;

	(void)snprintf(text, sizeof(text), "%s", words);
	attachment.network = strsep(&rest, " ");
	attachment.container_id = rest ? strsep(&rest, " ") : "";
	attachment.ifname = rest ? rest : "";
	attachment.chained = false;
	identity_host_name(&attachment, name);
}

static void what_we_do_not_write_is_refused_and_left_as_it_is(void **state)
{
	static const char *const cases[] = {
		"",
		"rangeguard",
		"rangeguard ",
		"Rangeguard pods 0123abcd eth0",
		" rangeguard pods 0123abcd eth0",
		"rangeguard pods 0123abcd",
		"rangeguard pods 0123abcd ",
		"rangeguard  0123abcd eth0",
		"rangeguard pods  eth0",
		"rangeguard pods 0123abcd eth0 ",
		"rangeguard pods 0123abcd eth0 x",
		"rangeguard pods 0123abcd  eth0",
		"rangeguard #",
		"rangeguard #0123456789abcdef0123456789abcde",
		"rangeguard #0123456789abcdef0123456789abcdef0",
		"rangeguard #0123456789abcdef0123456789abcdeg",
		"rangeguard #0123456789ABCDEF0123456789ABCDEF",
		"rangeguard # 123456789abcdef0123456789abcdef",
	};
	char alias[IDENTITY_ALIAS_MAX], name[IFNAMSIZ];
	struct attachment found;
	struct attachment_key key;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		bool is_digest = strncmp(cases[i], "rangeguard #", 12) == 0;

		(void)snprintf(alias, sizeof(alias), "%s", cases[i]);
		if (is_digest)
			(void)snprintf(name, sizeof(name), "rg0123456789ab");
		else
			name_of(strlen(cases[i]) < 11 ? "" : cases[i] + 11, name);
		assert_int_equal(identity_of_link(name, alias, &found, &key), -EINVAL);
		assert_string_equal(alias, cases[i]);
	}
}

static void an_alias_counts_with_its_name_only(void **state)
{
	char alias[IDENTITY_ALIAS_MAX], name[IFNAMSIZ];
	struct attachment found;
	struct attachment_key key;

	(void)state;
	identity_host_name(&pod, name);
	for (size_t i = 0; i < strlen(name); i++) {
		char other[IFNAMSIZ];

		(void)snprintf(other, sizeof(other), "%s", name);
		other[i] = other[i] == 'x' ? 'y' : 'x';
		identity_alias(&pod, alias);
		assert_int_equal(identity_of_link(other, alias, &found, &key), -EINVAL);
	}
	identity_alias(&pod, alias);
	assert_int_equal(identity_of_link(name, alias, &found, &key), 0);
}

static void any_bytes_are_read_without_harm(void **state)
{
	char alias[IDENTITY_ALIAS_MAX], name[IFNAMSIZ];
	struct attachment found;
	struct attachment_key key;

	(void)state;
	srandom(2);
	for (unsigned i = 0; i < ROUNDS; i++) {
		char text[IDENTITY_ALIAS_MAX - 11];

		random_text(text, sizeof(text) - 1);
		(void)snprintf(alias, sizeof(alias), "%s%s", random() % 8 ? "rangeguard " : "", text);
		name_of(text, name);
		if (identity_of_link(name, alias, &found, &key) == 0) {
			char again[IDENTITY_ALIAS_MAX], whole[IDENTITY_ALIAS_MAX];

			identity_alias(&found, again);
			(void)snprintf(whole, sizeof(whole), "rangeguard %s", text);
			assert_string_equal(again, whole);
		}
	}
}

/* Between its birth and its alias the MAC address tells, and when somebody writes another alias. */
static void host_end_is_known_by_its_alias_or_by_its_mac(void **state)
{
	static const struct {
		const char *kind;
		const char *alias; /* NULL: ours */
		bool own_mac, is_ours;
	} cases[] = {
		{"veth", NULL, true, true},  {"veth", NULL, false, true},
		{"veth", "", true, true},    {"veth", "", false, false},
		{"veth", "x", true, true},   {"bridge", NULL, true, false},
		{"veth", "x", false, false}, {"veth", "rangeguard pods x eth0", true, false},
		{"bridge", "", true, false}, {"", "", true, false},
	};
	char alias[IDENTITY_ALIAS_MAX];
	uint8_t mac[ETH_ALEN];

	(void)state;
	identity_alias(&pod, alias);
	identity_host_mac(&pod, mac);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct link_info link = {.index = 1};

		(void)snprintf(link.kind, sizeof(link.kind), "%s", cases[i].kind);
		(void)snprintf(link.alias, sizeof(link.alias), "%s", cases[i].alias ? cases[i].alias : alias);
		memcpy(link.mac, mac, ETH_ALEN);
		link.mac[5] ^= !cases[i].own_mac;
		assert_int_equal(identity_is_host_end(&link, alias, mac), cases[i].is_ours);
	}
}

static void every_mac_that_an_interface_can_have_is_read_again(void **state)
{
	uint8_t mac[ETH_ALEN], again[ETH_ALEN];
	char text[MAC_TEXT_MAX];

	(void)state;
	srandom(3);
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (size_t j = 0; j < ETH_ALEN; j++)
			mac[j] = (uint8_t)random();
		mac[0] = (uint8_t)((mac[0] & 0xfe) | 2);
		assert_int_equal(mac_parse(mac_format(mac, text), again), 0);
		assert_memory_equal(again, mac, ETH_ALEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_is_rg_and_twelve_digits_of_the_digest),
		cmocka_unit_test(names_differ_by_each_part_of_the_key),
		cmocka_unit_test(alias_says_whose_it_is),
		cmocka_unit_test(long_alias_becomes_a_digest),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(aliases_of_two_attachments_differ),
		cmocka_unit_test(what_we_do_not_write_is_refused_and_left_as_it_is),
		cmocka_unit_test(an_alias_counts_with_its_name_only),
		cmocka_unit_test(any_bytes_are_read_without_harm),
		cmocka_unit_test(host_end_is_known_by_its_alias_or_by_its_mac),
		cmocka_unit_test(every_mac_that_an_interface_can_have_is_read_again),
		cmocka_unit_test(mac_is_parsed_strictly),
		cmocka_unit_test(mac_is_formatted_as_it_is_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
