/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers in a table in memory: put in, looked for, taken out; with each call failing once. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "nf_fake.h"
#include "plugin/snat/arm.h"
#include "plugin/snat/ruleset.h"

static struct egress none, pinned;
static const char list4[] = "10.0.0.0/24";

/** container() - A container with an address of each family; the last byte tells which */
static struct member container(unsigned n, const struct egress *egress)
{
	struct member member = {
		.addresses = {{.family = FAMILY_IPV4, .value = 0x0a090000 + n},
			      {.family = FAMILY_IPV6, .value = ((u128)0xfd00 << 112) + n}},
		.n_addresses = 2,
		.anti_spoof = true,
		.egress = egress,
	};

	(void)snprintf(member.interface, sizeof(member.interface), "rg%u", n);
	return member;
}

/** set_up() - No table; a definition with a pin and masquerading */
static int set_up(void **state)
{
	struct address source = {.family = FAMILY_IPV4, .value = 0xc000020a};
	struct span own = {.family = FAMILY_IPV4, .first = 0x0a090000, .last = 0x0a0900ff};
	struct prefix prefix;
	struct span span;

	(void)state;
	nf_fake_reset();
	egress_done(&pinned);
	assert_int_equal(prefix_parse(list4, &prefix), 0);
	span = prefix_span(&prefix);
	assert_int_equal(
		egress_add(&pinned, &(struct egress_source){.family = FAMILY_IPV4, .address = &source}, &span, 1), 0);
	assert_int_equal(egress_add_except(&pinned, &(struct egress_source){.family = FAMILY_IPV4}, &own, 1), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	egress_done(&pinned);
	return 0;
}

/** name_of() - Name of a list's set and chain */
static const char *name_of(const struct egress_clause *clause)
{
	static char name[NF_NAME_MAX];

	return nf_set_name(ruleset_set(clause), clause->list, name);
}

/** make_table() - A whole table with some containers */
static void make_table(const struct member *armings, size_t n)
{
	ARM_TABLE_CLEANUP struct arm_table table = {0};
	struct error err = {0};

	assert_int_equal(arm_table_begin(&table), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(arm_table_add(&table, &armings[i]), 0);
	assert_int_equal(arm_table_commit(nf_fake_port(), &table, &err), 0);
}

static void without_a_table_something_is_missing(void **state)
{
	struct member member = container(1, &pinned);
	struct error err = {0};

	(void)state;
	assert_int_equal(arm_try(nf_fake_port(), &member, &err), ARM_E_MISSING);
	assert_int_equal(arm_look(nf_fake_port(), &member, &err), ARM_E_MISSING);
	assert_int_equal(arm_intact(nf_fake_port(), &err), ARM_E_MISSING);
	assert_int_equal(arm_remove(nf_fake_port(), &member, &err), 0);
	assert_int_equal(arm_purge(nf_fake_port(), &member, &err), 0);
}

static void one_transaction_and_one_question(void **state)
{
	struct member armings[2];
	struct error err = {0};

	(void)state;
	armings[0] = container(1, &pinned);
	armings[1] = container(2, &pinned);
	make_table(armings, 1);
	nf_fake.calls = nf_fake.batches = 0;
	assert_int_equal(arm_try(nf_fake_port(), &armings[1], &err), 0);
	assert_int_equal(nf_fake.calls, 2);
	assert_int_equal(nf_fake.batches, 1);
	assert_true(nf_fake_has("pairs4", "\x0a\x09\0\x02\xc0\0\2\x0a", 8));
	assert_true(nf_fake_has("pinned4", "\x0a\x09\0\x02", 4));
	assert_int_equal(nf_fake_count("pinned6"), 2);
	assert_int_equal(nf_fake_count("translated6"), 2);
	assert_int_equal(nf_fake_count(name_of(&pinned.clauses[0])), 2);
	assert_int_equal(nf_fake_count(name_of(&pinned.clauses[1])), 2);
	assert_int_equal(arm_look(nf_fake_port(), &armings[0], &err), 0);
}

/* Known by it alone, whatever lists there are, is only who has one source for all of them. */
static void the_source_of_all_pins(void **state)
{
	static const char pair[] = "\x0a\x09\0\x01\xc0\0\2\x0a";
	struct address sources[] = {{.family = FAMILY_IPV4, .value = 0xc000020a},
				    {.family = FAMILY_IPV4, .value = 0xc000020b}};
	struct member member = container(1, &pinned);

	(void)state;
	make_table(&member, 1);
	assert_true(nf_fake_has("sole4", pair, 8));
	for (uint32_t i = 0; i < 2; i++) {
		struct span more = {.family = FAMILY_IPV4, .first = 0xcb007100 + i, .last = 0xcb007100 + i};
		struct egress_source source = {.family = FAMILY_IPV4, .address = &sources[i]};

		assert_int_equal(egress_add(&pinned, &source, &more, 1), 0);
		nf_fake_reset();
		make_table(&member, 1);
		assert_int_equal(nf_fake_count("sole4"), i ? 0 : 1);
		assert_int_equal(nf_fake_count("sole6"), 0);
		assert_true(nf_fake_has("pairs4", pair, 8));
	}
}

static void a_missing_list_is_added(void **state)
{
	struct member member = container(1, &pinned);
	struct error err = {0};

	(void)state;
	make_table(&member, 1);
	assert_int_equal(arm_remove(nf_fake_port(), &member, &err), 0);
	for (size_t i = 0; i < pinned.n_clauses; i++)
		assert_int_equal(arm_drop_list(nf_fake_port(), &pinned.clauses[i], &err), 0);
	assert_int_equal(arm_try(nf_fake_port(), &member, &err), ARM_E_MISSING);
	assert_int_equal(nf_fake_count(NULL), 0);
	assert_int_equal(arm_intact(nf_fake_port(), &err), 0);
	assert_int_equal(arm_lists(nf_fake_port(), &pinned, &err), 0);
	/* Somebody else may have been faster. */
	assert_int_equal(arm_lists(nf_fake_port(), &pinned, &err), 0);
	assert_int_equal(arm_try(nf_fake_port(), &member, &err), 0);
}

/* Sets and elements stay when rules are flushed: that they are there must not be taken for the whole. */
static void flushed_rules_are_noticed(void **state)
{
	struct member member = container(1, &pinned);
	struct error err = {0};

	(void)state;
	make_table(&member, 1);
	assert_int_equal(arm_look(nf_fake_port(), &member, &err), 0);
	nf_fake_flush_rules();
	assert_int_equal(arm_look(nf_fake_port(), &member, &err), ARM_E_MISSING);
	assert_int_equal(arm_intact(nf_fake_port(), &err), ARM_E_MISSING);
}

/* In a chain whose rules are all known one more is somebody else's, and may let packets pass. */
static void rules_of_others_are_noticed(void **state)
{
	static const char *const grow[] = {"leaving", "pins", "masquerading"};
	struct member member = container(1, &pinned);
	struct error err = {0};

	(void)state;
	make_table(&member, 1);
	for (size_t i = 0; i < nf_fake.now.n_chains; i++) {
		const char *chain = nf_fake.now.chains[i];
		struct nf_fake_rule *rule = &nf_fake.now.rules[nf_fake.now.n_rules++];
		bool grows = false;

		for (size_t j = 0; j < sizeof(grow) / sizeof(grow[0]); j++)
			grows |= strcmp(chain, grow[j]) == 0;
		*rule = (struct nf_fake_rule){.handle = 1000};
		(void)snprintf(rule->chain, sizeof(rule->chain), "%s", chain);
		assert_int_equal(arm_look(nf_fake_port(), &member, &err), grows ? 0 : ARM_E_MISSING);
		nf_fake.now.n_rules--;
	}
	assert_int_equal(arm_look(nf_fake_port(), &member, &err), 0);
}

/* Somebody made a chain again at another place, or has it drop what it does not know. */
static void chains_that_hook_in_elsewhere_are_noticed(void **state)
{
	struct member member = container(1, &pinned);
	struct error err = {0};

	(void)state;
	make_table(&member, 1);
	assert_true(nf_fake.now.n_hooks >= 5);
	for (size_t i = 0; i < nf_fake.now.n_hooks; i++) {
		struct nf_fake_hook *hook = &nf_fake.now.hooks[i], before = *hook;

		hook->priority++;
		assert_int_equal(arm_look(nf_fake_port(), &member, &err), ARM_E_MISSING);
		*hook = before;
		hook->number--;
		assert_int_equal(arm_look(nf_fake_port(), &member, &err), ARM_E_MISSING);
		*hook = before;
		hook->policy = NF_DROP;
		assert_int_equal(arm_look(nf_fake_port(), &member, &err), ARM_E_MISSING);
		assert_int_equal(arm_intact(nf_fake_port(), &err), ARM_E_MISSING);
		*hook = before;
	}
	assert_int_equal(arm_look(nf_fake_port(), &member, &err), 0);
}

static void a_table_that_is_passed_by_is_noticed(void **state)
{
	struct member member = container(1, &pinned);
	struct error err = {0};

	(void)state;
	make_table(&member, 1);
	nf_fake.now.dormant = true;
	assert_int_equal(arm_look(nf_fake_port(), &member, &err), ARM_E_MISSING);
	assert_int_equal(arm_ready(nf_fake_port(), &member, &err), ARM_E_MISSING);
	assert_int_equal(arm_intact(nf_fake_port(), &err), ARM_E_MISSING);
}

static void each_missing_element_is_noticed(void **state)
{
	struct member member = container(1, &pinned);
	struct error err = {0};
	size_t n;

	(void)state;
	make_table(&member, 1);
	n = nf_fake_count(NULL);
	/* 2 and 2 of both addresses; a source, pairs for table, list and whatever destination, one held; masquerading */
	assert_int_equal(n, 10);
	for (size_t i = 0; i < n; i++) {
		struct nf_fake_tables before = nf_fake.now;

		nf_fake.now.elements[i] = nf_fake.now.elements[--nf_fake.now.n_elements];
		assert_int_equal(arm_look(nf_fake_port(), &member, &err), ARM_E_MISSING);
		nf_fake.now = before;
	}
	/* Another source is none of its own. */
	for (size_t i = 0; i < n; i++)
		if (strcmp(nf_fake.now.elements[i].set, name_of(&pinned.clauses[0])) == 0)
			nf_fake.now.elements[i].data[3]++;
	assert_int_equal(arm_look(nf_fake_port(), &member, &err), ARM_E_MISSING);
}

static void what_earlier_holders_left_is_noticed_and_purged(void **state)
{
	static const char *const sets[] = {"translated4", "pinned4"};
	struct member first = container(1, &pinned), next = container(2, &none);
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		nf_fake_reset();
		make_table(&first, 1);
		nf_fake_put(sets[i], "\x0a\x09\0\x02", 4, NULL, 0);
		nf_fake_put(name_of(&pinned.clauses[0]), "\x0a\x09\0\x02", 4, "\xc0\0\2\x63", 4);
		assert_int_equal(arm_try(nf_fake_port(), &next, &err), ARM_E_STALE);
		assert_int_equal(arm_purge(nf_fake_port(), &next, &err), 0);
		assert_false(nf_fake_has(sets[i], "\x0a\x09\0\x02", 4));
		assert_int_equal(nf_fake_count(name_of(&pinned.clauses[0])), 1);
		assert_int_equal(arm_try(nf_fake_port(), &next, &err), 0);
		assert_int_equal(arm_look(nf_fake_port(), &first, &err), 0);
	}
	/* One who is pinned, too, must not get the other's source. */
	next = container(2, &pinned);
	assert_int_equal(arm_remove(nf_fake_port(), &next, &err), 0);
	nf_fake_put(name_of(&pinned.clauses[0]), "\x0a\x09\0\x02", 4, "\xc0\0\2\x63", 4);
	assert_int_equal(arm_try(nf_fake_port(), &next, &err), ARM_E_STALE);
}

/* However many lists there are: each is looked at. */
static void leftovers_of_the_last_list_are_purged(void **state)
{
	struct member first = container(1, &pinned), next = container(2, &none);
	struct error err = {0};
	char name[NF_NAME_MAX];

	(void)state;
	make_table(&first, 1);
	while (nf_fake.now.n_sets < NF_FAKE_SETS) {
		(void)nf_set_name(NF_SENT4, 1000 + nf_fake.now.n_sets, name);
		memcpy(nf_fake.now.sets[nf_fake.now.n_sets++], name, sizeof(name));
	}
	nf_fake_put(name, "\x0a\x09\0\x02\xc6\x33\x64\1", 8, NULL, 0);
	assert_int_equal(arm_purge(nf_fake_port(), &next, &err), 0);
	assert_int_equal(nf_fake_count(name), 0);
}

static void gone_without_trace(void **state)
{
	struct member armings[2];
	struct error err = {0};

	(void)state;
	armings[0] = container(1, &pinned);
	armings[1] = container(2, &none);
	make_table(armings, 2);
	assert_int_equal(arm_remove(nf_fake_port(), &armings[0], &err), 0);
	assert_int_equal(nf_fake_count(NULL), 0);
	assert_int_equal(arm_look(nf_fake_port(), &armings[1], &err), 0);
	assert_int_equal(arm_remove(nf_fake_port(), &armings[0], &err), 0);
	for (size_t i = 0; i < pinned.n_clauses; i++) {
		assert_int_equal(arm_drop_list(nf_fake_port(), &pinned.clauses[i], &err), 0);
		assert_int_equal(arm_drop_list(nf_fake_port(), &pinned.clauses[i], &err), 0);
	}
	assert_int_equal(nf_fake.now.n_sets, NF_FIRST_KIND);
	assert_int_equal(nf_fake.now.n_chains, RULESET_CHAINS);
	assert_int_equal(arm_look(nf_fake_port(), &armings[1], &err), 0);
}

/* What is half there goes as a whole, too: who did what before a crash is unknown. */
static void halves_are_removed(void **state)
{
	struct member member = container(1, &pinned);
	struct error err = {0};
	size_t n;

	(void)state;
	make_table(&member, 1);
	n = nf_fake_count(NULL);
	for (size_t i = 0; i < n; i++) {
		nf_fake_reset();
		make_table(&member, 1);
		nf_fake.now.elements[i] = nf_fake.now.elements[--nf_fake.now.n_elements];
		assert_int_equal(arm_remove(nf_fake_port(), &member, &err), 0);
		assert_int_equal(nf_fake_count(NULL), 0);
	}
}

/* The kernel answers a question to a subsystem that is not there with EINVAL and no word, a batch with EOPNOTSUPP. */
static void without_nf_tables_there_is_nothing_to_remove(void **state)
{
	static const int errnums[] = {EINVAL, EOPNOTSUPP};
	struct member member = container(1, &pinned);

	(void)state;
	for (size_t i = 0; i < sizeof(errnums) / sizeof(errnums[0]); i++) {
		struct error err = {0};

		nf_fake_reset();
		nf_fake.fail_call = 1;
		nf_fake.fail_errnum = errnums[i];
		assert_int_equal(arm_remove(nf_fake_port(), &member, &err), 0);
		nf_fake_reset();
		nf_fake.fail_call = 1;
		nf_fake.fail_errnum = errnums[i];
		assert_int_equal(arm_purge(nf_fake_port(), &member, &err), 0);
		nf_fake_reset();
		nf_fake.fail_call = 1;
		nf_fake.fail_errnum = errnums[i];
		assert_int_equal(arm_drop_list(nf_fake_port(), &pinned.clauses[0], &err), 0);
	}
}

/** A table as a whole refers to nothing outside: what is not found is a module */
static void a_part_of_nftables_is_missing(void **state)
{
	ARM_TABLE_CLEANUP struct arm_table table = {0};
	struct error err = {0};

	(void)state;
	nf_fake_reset();
	assert_int_equal(arm_table_begin(&table), 0);
	nf_fake.fail_call = 1;
	nf_fake.fail_errnum = ENOENT;
	assert_int_equal(arm_table_commit(nf_fake_port(), &table, &err), REFUSED);
	assert_int_equal(err.code, ERROR_KERNEL);
	assert_non_null(strstr(err.msg, "nft_nat"));
}

/* Until the lists of destinations count, which a kernel has later than the rules, each packet of a pinned container is fenced. */
static void a_table_opens_nothing_before_it_is_whole(void **state)
{
	ARM_TABLE_CLEANUP struct arm_table table = {0};
	struct member member = container(1, &pinned);
	struct error err = {0};

	(void)state;
	nf_fake_reset();
	assert_int_equal(arm_table_begin(&table), 0);
	assert_int_equal(arm_table_add(&table, &member), 0);
	/* Somebody takes the table away between the two transactions: the next look finds out. */
	nf_fake.fail_call = 2;
	nf_fake.fail_errnum = ENOENT;
	assert_int_equal(arm_table_commit(nf_fake_port(), &table, &err), 0);
	assert_int_equal(arm_intact(nf_fake_port(), &err), 0);
	assert_int_equal(nf_fake_count("pinned4") + nf_fake_count("pairs4"), 0);
	assert_int_equal(arm_look(nf_fake_port(), &member, &err), ARM_E_MISSING);
}

/** all() - Everything once, from no table on: 0, or the first outcome that is none of those expected */
static int all(struct error *err)
{
	struct member member = container(1, &pinned);
	ARM_TABLE_CLEANUP struct arm_table table = {0};
	int r = arm_try(nf_fake_port(), &member, err);

	if (r != ARM_E_MISSING)
		return r;
	assert_int_equal(arm_table_begin(&table), 0);
	assert_int_equal(arm_table_add(&table, &member), 0);
	r = arm_table_commit(nf_fake_port(), &table, err);
	if (!r)
		r = arm_remove(nf_fake_port(), &member, err);
	if (!r)
		r = arm_lists(nf_fake_port(), &pinned, err);
	if (!r)
		r = arm_intact(nf_fake_port(), err);
	if (!r)
		r = arm_try(nf_fake_port(), &member, err);
	if (!r)
		r = arm_purge(nf_fake_port(), &member, err);
	if (!r)
		r = arm_try(nf_fake_port(), &member, err);
	if (!r)
		r = arm_remove(nf_fake_port(), &member, err);
	return r ? r : arm_drop_list(nf_fake_port(), &pinned.clauses[0], err);
}

static void each_call_fails_once(void **state)
{
	static const int errnums[] = {-ETIMEDOUT, EPERM, EOPNOTSUPP};
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(errnums) / sizeof(errnums[0]); i++) {
		for (unsigned n = 1;; n++) {
			struct error err = {0};
			int r;

			nf_fake_reset();
			nf_fake.fail_call = n;
			nf_fake.fail_errnum = errnums[i];
			r = all(&err);
			if (nf_fake.calls < n) {
				assert_int_equal(r, 0);
				break;
			}
			/* That a kernel has no nf_tables is no reason to keep what is not there. */
			if (errnums[i] == EOPNOTSUPP && r != REFUSED)
				continue;
			assert_int_equal(r, REFUSED);
			assert_true(err.code == ERROR_SNAT || err.code == ERROR_KERNEL);
			assert_non_null(
				strstr(err.msg, errnums[i] == EOPNOTSUPP ? "not available" : "inet rangeguard"));
			failed++;
		}
	}
	assert_true(failed > 3 * 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_a_table_something_is_missing, set_up),
		cmocka_unit_test_setup(one_transaction_and_one_question, set_up),
		cmocka_unit_test_setup(the_source_of_all_pins, set_up),
		cmocka_unit_test_setup(a_missing_list_is_added, set_up),
		cmocka_unit_test_setup(flushed_rules_are_noticed, set_up),
		cmocka_unit_test_setup(rules_of_others_are_noticed, set_up),
		cmocka_unit_test_setup(chains_that_hook_in_elsewhere_are_noticed, set_up),
		cmocka_unit_test_setup(a_table_that_is_passed_by_is_noticed, set_up),
		cmocka_unit_test_setup(each_missing_element_is_noticed, set_up),
		cmocka_unit_test_setup(what_earlier_holders_left_is_noticed_and_purged, set_up),
		cmocka_unit_test_setup(leftovers_of_the_last_list_are_purged, set_up),
		cmocka_unit_test_setup(gone_without_trace, set_up),
		cmocka_unit_test_setup(halves_are_removed, set_up),
		cmocka_unit_test_setup(without_nf_tables_there_is_nothing_to_remove, set_up),
		cmocka_unit_test_setup(a_part_of_nftables_is_missing, set_up),
		cmocka_unit_test_setup(a_table_opens_nothing_before_it_is_whole, set_up),
		cmocka_unit_test_setup(each_call_fails_once, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
