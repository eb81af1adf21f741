/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nftables table as messages: libnftnl reads back what was built, and says it in its own words. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "plugin/snat/offload.h"
#include "plugin/snat/ruleset.h"

#define LINE_MAX_BYTES 1024U
#define LINES_MAX 96U

/** struct script - What the messages of a batch ask for, a line each */
struct script {
	char lines[LINES_MAX][LINE_MAX_BYTES];
	size_t n;
};

/** squeeze() - Make blanks, tabs and line ends one blank each */
static void squeeze(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (!strchr(" \t\n", *from))
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

/** say_set() - A set: its name and shape */
static void say_set(const struct nlmsghdr *message, char *line)
{
	struct nftnl_set *set = nftnl_set_alloc();

	assert_int_equal(nftnl_set_nlmsg_parse(message, set), 0);
	(void)snprintf(line, LINE_MAX_BYTES, "set %s key %u/%u data %x/%u flags %u",
		       nftnl_set_get_str(set, NFTNL_SET_NAME), nftnl_set_get_u32(set, NFTNL_SET_KEY_TYPE),
		       nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN), nftnl_set_get_u32(set, NFTNL_SET_DATA_TYPE),
		       nftnl_set_get_u32(set, NFTNL_SET_DATA_LEN), nftnl_set_get_u32(set, NFTNL_SET_FLAGS));
	nftnl_set_free(set);
}

/** say_chain() - A chain: its name and hook */
static void say_chain(const struct nlmsghdr *message, char *line)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	assert_int_equal(nftnl_chain_nlmsg_parse(message, chain), 0);
	(void)snprintf(line, LINE_MAX_BYTES, "chain %s", nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
	if (nftnl_chain_is_set(chain, NFTNL_CHAIN_TYPE))
		(void)snprintf(
			line + strlen(line), LINE_MAX_BYTES - strlen(line), " %s hook %u priority %d policy %u",
			nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE), nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM),
			nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO), nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY));
	nftnl_chain_free(chain);
}

/** say_rule() - A rule in libnftnl's words */
static void say_rule(const struct nlmsghdr *message, char *line)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	assert_int_equal(nftnl_rule_nlmsg_parse(message, rule), 0);
	assert_true(nftnl_rule_snprintf(line, LINE_MAX_BYTES, rule, NFTNL_OUTPUT_DEFAULT, 0) < (int)LINE_MAX_BYTES);
	squeeze(line);
	nftnl_rule_free(rule);
}

/** renumber() - mnl_attr_parse_nested() callback: number one element as the kernel does */
static int renumber(const struct nlattr *attribute, void *userdata)
{
	struct nlattr *element = (struct nlattr *)(uintptr_t)attribute;

	(void)userdata;
	element->nla_type = NFTA_LIST_ELEM | NLA_F_NESTED;
	return MNL_CB_OK;
}

/** renumber_all() - mnl_attr_parse() callback: number the elements */
static int renumber_all(const struct nlattr *attribute, void *userdata)
{
	return mnl_attr_get_type(attribute) == NFTA_SET_ELEM_LIST_ELEMENTS
		       ? mnl_attr_parse_nested(attribute, renumber, userdata)
		       : MNL_CB_OK;
}

/** as_kernel_writes() - Make a request with elements look like an answer: libnftnl reads no others */
static void as_kernel_writes(const struct nlmsghdr *message)
{
	assert_int_equal(mnl_attr_parse(message, sizeof(struct nfgenmsg), renumber_all, NULL), MNL_CB_OK);
}

/** say_elements() - How many elements, and the bytes of the first one's key and value */
static void say_elements(const struct nlmsghdr *message, char *line)
{
	struct nftnl_set *set = nftnl_set_alloc();

	as_kernel_writes(message);
	assert_int_equal(nftnl_set_elems_nlmsg_parse(message, set), 0);
	assert_true(nftnl_set_snprintf(line, LINE_MAX_BYTES, set, NFTNL_OUTPUT_DEFAULT, 0) < (int)LINE_MAX_BYTES);
	squeeze(line);
	nftnl_set_free(set);
}

/** say() - One message */
static void say(const struct nlmsghdr *message, char *line)
{
	const char *verb = "";

	switch (message->nlmsg_type & 0xff) {
	case NFT_MSG_NEWTABLE:
		verb = "table";
		break;
	case NFT_MSG_DELTABLE:
		verb = "delete table";
		break;
	case NFT_MSG_NEWSET:
		say_set(message, line);
		return;
	case NFT_MSG_NEWCHAIN:
		say_chain(message, line);
		return;
	case NFT_MSG_NEWRULE:
		say_rule(message, line);
		return;
	case NFT_MSG_NEWSETELEM:
		say_elements(message, line);
		return;
	case NFT_MSG_DELSETELEM:
		verb = "delete elements";
		break;
	case NFT_MSG_DELSET:
		verb = "delete set";
		break;
	case NFT_MSG_DELCHAIN:
		verb = "delete chain";
		break;
	case NFT_MSG_NEWFLOWTABLE:
		verb = "flowtable";
		break;
	case NFT_MSG_DELRULE:
		verb = "delete rule";
		break;
	default:
		fail_msg("message of type %u", message->nlmsg_type);
	}
	(void)snprintf(line, LINE_MAX_BYTES, "%s", verb);
}

/** read_batch() - All messages of a batch but its begin and end, which must be there */
static void read_batch(struct batch *batch, struct script *script)
{
	const struct nlmsghdr *message = (const void *)batch_data(batch);
	int rest = (int)batch->used;
	unsigned count = 0;

	script->n = 0;
	for (; mnl_nlmsg_ok(message, rest); message = mnl_nlmsg_next(message, &rest), count++) {
		if (count == 0) {
			assert_int_equal(message->nlmsg_type, NFNL_MSG_BATCH_BEGIN);
			continue;
		}
		if (count == batch->count - 1) {
			assert_int_equal(message->nlmsg_type, NFNL_MSG_BATCH_END);
			continue;
		}
		assert_int_equal(message->nlmsg_type >> 8, NFNL_SUBSYS_NFTABLES);
		assert_int_equal(((const struct nfgenmsg *)mnl_nlmsg_get_payload(message))->nfgen_family, NFPROTO_INET);
		assert_true(script->n < LINES_MAX);
		say(message, script->lines[script->n++]);
	}
	assert_int_equal(count, batch->count);
}

/** has() - Whether a line is in the script */
static bool has(const struct script *script, const char *line)
{
	for (size_t i = 0; i < script->n; i++)
		if (strcmp(script->lines[i], line) == 0)
			return true;
	return false;
}

/** assert_says() - These lines follow each other somewhere */
static void assert_says(const struct script *script, const char *const *lines)
{
	for (size_t i = 0; i < script->n; i++) {
		size_t n = 0;

		while (lines[n] && i + n < script->n && strcmp(script->lines[i + n], lines[n]) == 0)
			n++;
		if (!lines[n])
			return;
	}
	for (size_t i = 0; i < script->n; i++)
		print_message("%s\n", script->lines[i]);
	fail_msg("not in the script: %s …", lines[0]);
}

/** clause_of() - A clause with one destination */
static struct egress_clause clause_of(enum family family, const char *source, struct span *span)
{
	struct egress_clause clause = {.family = family, .spans = span, .n_spans = 1, .list = 0x0123456789abcdef};

	if (source)
		assert_int_equal(address_parse(source, &clause.source), 0);
	return clause;
}

static void a_whole_table(void **state)
{
	static struct script script;
	BATCH_CLEANUP struct batch batch = {0};

	(void)state;
	assert_int_equal(nf_begin(&batch), 0);
	assert_int_equal(ruleset_make(&batch), 0);
	assert_int_equal(nf_end(&batch), 0);
	read_batch(&batch, &script);
	/* In one transaction: away with the old one, if there is one. */
	assert_says(&script,
		    (const char *[]){"table", "delete table", "table", "set translated4 key 7/4 data 0/0 flags 0",
				     "set translated6 key 8/16 data 0/0 flags 0",
				     "set pinned4 key 7/4 data 0/0 flags 0", "set pinned6 key 8/16 data 0/0 flags 0",
				     "set pairs4 key 455/8 data 0/0 flags 0", "set pairs6 key 520/32 data 0/0 flags 0",
				     "set sole4 key 455/8 data 0/0 flags 0", "set sole6 key 520/32 data 0/0 flags 0",
				     "chain pinned", NULL});
	/* linux/netfilter.h: hook 0 is prerouting, 4 postrouting; policy 1 accepts. */
	assert_true(has(&script, "chain incoming filter hook 0 priority 2147483646 policy 1"));
	assert_true(has(&script, "chain check filter hook 4 priority 2147483646 policy 1"));
	assert_true(has(&script, "chain pins nat hook 4 priority -199 policy 1"));
	assert_true(has(&script, "chain anchor nat hook 4 priority -198 policy 1"));
	assert_true(has(&script, "chain masquerading nat hook 4 priority 91 policy 1"));
}

/** make_ruleset() - What makes the table, as a script */
static void make_ruleset(struct script *script)
{
	BATCH_CLEANUP struct batch batch = {0};

	assert_int_equal(nf_begin(&batch), 0);
	assert_int_equal(ruleset_make(&batch), 0);
	assert_int_equal(nf_end(&batch), 0);
	read_batch(&batch, script);
}

static void proven_packets_may_go_on(void **state)
{
	static struct script script;

	(void)state;
	make_ruleset(&script);
	assert_says(
		&script,
		(const char *[]){
			"inet rangeguard pinned [ ct load status => reg 1 ] [ bitwise reg 1 = ( reg 1 & 0x00000008 ) ^ "
			"0x00000000 ] [ cmp eq reg 1 0x00000000 ] [ meta load nfproto => reg 1 ] [ cmp eq reg 1 0x0000000a ] [ "
			"payload load 16b @ network header + 8 => reg 1 ] [ lookup reg 1 set pinned6 ] [ meta load mark => reg "
			"1 ] [ bitwise reg 1 = ( reg 1 & 0xff9fffff ) ^ 0x00400000 ] [ meta set mark with reg 1 ] [ immediate "
			"reg 0 accept ]",
			"inet rangeguard pinned [ ct load src_ip => reg 1 , dir reply ] [ ct load dst_ip => reg 9 , dir "
			"original ] [ lookup reg 1 set pairs4 ] [ meta load mark => reg 1 ] [ bitwise reg 1 = ( reg 1 & "
			"0xff9fffff ) ^ 0x00400000 ] [ meta set mark with reg 1 ] [ immediate reg 0 accept ]",
			NULL,
		});
}

static void incoming_packets_are_sorted(void **state)
{
	static struct script script;

	(void)state;
	make_ruleset(&script);
	/* Guarded, not pinned; pinned; the same beside others' bits, and not late; with its marks taken away */
	assert_says(
		&script,
		(const char *[]){
			"inet rangeguard incoming [ meta load mark => reg 1 ] [ cmp eq reg 1 0x01000000 ] [ immediate "
			"reg 0 accept ]",
			"inet rangeguard incoming [ meta load mark => reg 1 ] [ cmp eq reg 1 0x01200000 ] [ immediate "
			"reg 0 goto -> pinned ]",
			"inet rangeguard incoming [ meta load mark => reg 1 ] [ bitwise reg 1 = ( reg 1 & 0x01200000 ) ^ "
			"0x00000000 ] [ cmp eq reg 1 0x01000000 ] [ immediate reg 0 accept ]",
			"inet rangeguard incoming [ meta load mark => reg 1 ] [ bitwise reg 1 = ( reg 1 & 0x00a00000 ) ^ "
			"0x00000000 ] [ cmp eq reg 1 0x00200000 ] [ immediate reg 0 goto -> pinned ]",
			"inet rangeguard incoming [ meta load mark => reg 1 ] [ bitwise reg 1 = ( reg 1 & 0x01000000 ) ^ "
			"0x00000000 ] [ cmp eq reg 1 0x00000000 ] [ meta load iifgroup => reg 1 ] [ cmp eq reg 1 0x00000053 ] "
			"[ meta load nfproto => reg 1 ] [ cmp eq reg 1 0x00000002 ] [ payload load 4b @ network header + 12 => "
			"reg 1 ] [ lookup reg 1 set pinned4 ] [ meta load mark => reg 1 ] [ bitwise reg 1 = ( reg 1 & "
			"0xffdfffff ) ^ 0x00200000 ] [ meta set mark with reg 1 ]",
			NULL,
		});
}

static void leaving_packets_are_judged(void **state)
{
	static struct script script;

	(void)state;
	make_ruleset(&script);
	assert_true(has(&script, "inet rangeguard check [ meta load iifgroup => reg 1 ] [ cmp eq reg 1 0x00000053 ] "
				 "[ immediate reg 0 goto -> sole ]"));
	assert_true(has(&script,
			"inet rangeguard check [ meta load mark => reg 1 ] [ bitwise reg 1 = ( reg 1 & 0x00600000 ) ^ "
			"0x00000000 ] [ cmp neq reg 1 0x00000000 ] [ immediate reg 0 goto -> sole ]"));
	/* With the one source of all its pins, else where it goes to tells. */
	assert_says(
		&script,
		(const char *[]){
			"inet rangeguard sole [ ct load src_ip => reg 1 , dir original ] [ payload load 4b @ network header + "
			"12 => reg 9 ] [ lookup reg 1 set sole4 ] [ meta load mark => reg 1 ] [ bitwise reg 1 = ( reg 1 & "
			"0xfe1fffff ) ^ 0x00000000 ] [ meta set mark with reg 1 ] [ immediate reg 0 accept ]",
			"inet rangeguard sole [ ct load src_ip6 => reg 1 , dir original ] [ payload load 16b @ network header "
			"+ 8 => reg 2 ] [ lookup reg 1 set sole6 ] [ meta load mark => reg 1 ] [ bitwise reg 1 = ( reg 1 & "
			"0xfe1fffff ) ^ 0x00000000 ] [ meta set mark with reg 1 ] [ immediate reg 0 accept ]",
			"inet rangeguard sole [ immediate reg 0 goto -> leaving ]",
			NULL,
		});
	assert_true(
		has(&script,
		    "inet rangeguard leaving [ meta load mark => reg 1 ] [ bitwise reg 1 = ( reg 1 & 0xfe1fffff ) ^ "
		    "0x00000000 ] [ meta set mark with reg 1 ]"));
}

static void a_pins_list(void **state)
{
	struct span span = {.family = FAMILY_IPV4, .first = 0xc6336400, .last = 0xc633647f};
	struct egress_clause clause = clause_of(FAMILY_IPV4, "192.0.2.10", &span);
	static struct script script;
	BATCH_CLEANUP struct batch batch = {0};

	(void)state;
	assert_int_equal(nf_begin(&batch), 0);
	assert_int_equal(ruleset_add_list(&batch, &clause), 0);
	assert_int_equal(nf_end(&batch), 0);
	read_batch(&batch, &script);
	/* Key and value: addresses; 8: a map */
	assert_says(
		&script,
		(const char *[]){
			"set pin4-0123456789abcdef key 7/4 data 7/4 flags 8",
			"chain pin4-0123456789abcdef",
			"inet rangeguard pin4-0123456789abcdef [ meta load nfproto => reg 1 ] [ cmp eq reg 1 0x00000002 "
			"] [ payload load 4b @ network header + 16 => reg 1 ] [ bitwise reg 1 = ( reg 1 & 0x80ffffff ) ^ "
			"0x00000000 ] [ cmp eq reg 1 0x006433c6 ] [ payload load 4b @ network header + 12 => reg 1 ] [ lookup "
			"reg 1 set pin4-0123456789abcdef dreg 1 ] [ nat snat ip addr_min reg 1 ]",
			"inet rangeguard pins [ meta load nfproto => reg 1 ] [ cmp eq reg 1 0x00000002 ] [ meta load mark => "
			"reg 1 ] [ bitwise reg 1 = ( reg 1 & 0x00400000 ) ^ 0x00000000 ] [ cmp neq reg 1 0x00000000 ] [ "
			"immediate reg 0 jump -> pin4-0123456789abcdef ] userdata = { \\x00\\x16pin4-0123456789abcdef\\x00 }",
			"set sent4-0123456789abcdef key 455/8 data 0/0 flags 0",
			"set held4-0123456789abcdef key 7/4 data 0/0 flags 0",
			"chain sent4-0123456789abcdef",
			"inet rangeguard sent4-0123456789abcdef [ ct load src_ip => reg 1 , dir original ] [ payload load 4b @ "
			"network header + 12 => reg 9 ] [ lookup reg 1 set sent4-0123456789abcdef ] [ meta load mark => reg 1 "
			"] [ bitwise reg 1 = ( reg 1 & 0xfe1fffff ) ^ 0x00000000 ] [ meta set mark with reg 1 ] [ immediate "
			"reg 0 accept ]",
			NULL,
		});
	assert_true(has(
		&script,
		"inet rangeguard sent4-0123456789abcdef [ payload load 4b @ network header + 12 => reg 1 ] [ lookup "
		"reg 1 set held4-0123456789abcdef ] [ counter pkts 0 bytes 0 ] [ immediate reg 0 drop ]"));
}

/* The chain behind all of others in forward (hook 2): what is not marked goes on; of the rest a plain container's packet, a flow of a
 * pinned container with its pin, and a masqueraded container's lead to the chain that takes it, unless it is for a tunnel or a
 * pinned container. Nine hundred devices take four messages. */
static void a_short_cut(void **state)
{
	static char names[900][IFNAMSIZ];
	const struct offload_devices devices = {.names = names, .n = sizeof(names) / sizeof(names[0])};
	static struct script script;
	BATCH_CLEANUP struct batch batch = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)snprintf(names[i], sizeof(names[i]), "rg%zu", i);
	assert_int_equal(nf_begin(&batch), 0);
	assert_int_equal(offload_put(&batch, &devices), 0);
	assert_int_equal(nf_end(&batch), 0);
	read_batch(&batch, &script);
	assert_says(
		&script,
		(const char *[]){
			"flowtable",
			"chain take",
			"inet rangeguard take [ meta load oifkind => reg 1 ] [ cmp neq reg 1 0x68746576 0x00000000 0x00000000 "
			"0x00000000 ] [ cmp neq reg 1 0x6e616c76 0x00000000 0x00000000 0x00000000 ] [ cmp neq reg 1 0x646e6f62 "
			"0x00000000 0x00000000 0x00000000 ] [ cmp neq reg 1 0x6d616574 0x00000000 0x00000000 0x00000000 ] [ cmp "
			"neq reg 1 0x7663616d 0x006e616c 0x00000000 0x00000000 ] [ cmp neq reg 1 0x006e7574 0x00000000 "
			"0x00000000 0x00000000 ] [ cmp neq reg 1 0x65726977 0x72617567 0x00000064 0x00000000 ] [ immediate reg "
			"0 accept ]",
			"inet rangeguard take [ meta load oifgroup => reg 1 ] [ cmp eq reg 1 0x00000053 ] [ immediate reg 0 "
			"accept ]",
			"inet rangeguard take [ meta load nfproto => reg 1 ] [ cmp eq reg 1 0x00000002 ] [ payload load 4b @ "
			"network header + 16 => reg 1 ] [ lookup reg 1 set pinned4 ] [ immediate reg 0 accept ]",
			"inet rangeguard take [ meta load nfproto => reg 1 ] [ cmp eq reg 1 0x0000000a ] [ payload load 16b @ "
			"network header + 24 => reg 1 ] [ lookup reg 1 set pinned6 ] [ immediate reg 0 accept ]",
			"inet rangeguard take [ flow_offload flowtable established ]",
			"chain shortcut filter hook 2 priority 2147483646 policy 1",
			"inet rangeguard shortcut [ meta load mark => reg 1 ] [ cmp eq reg 1 0x00000000 ] [ immediate reg 0 "
			"accept ]",
			"inet rangeguard shortcut [ meta load mark => reg 1 ] [ cmp eq reg 1 0x01000000 ] [ meta load iifgroup "
			"=> reg 1 ] [ cmp eq reg 1 0x00000052 ] [ immediate reg 0 goto -> take ]",
			"inet rangeguard shortcut [ ct load status => reg 1 ] [ bitwise reg 1 = ( reg 1 & 0x00000010 ) ^ "
			"0x00000000 ] [ cmp eq reg 1 0x00000000 ] [ immediate reg 0 accept ]",
			"inet rangeguard shortcut [ meta load mark => reg 1 ] [ bitwise reg 1 = ( reg 1 & 0x00400000 ) ^ "
			"0x00000000 ] [ cmp eq reg 1 0x00400000 ] [ ct load src_ip => reg 1 , dir original ] [ ct load "
			"dst_ip => reg 9 , dir reply ] [ lookup reg 1 set pairs4 ] [ immediate reg 0 goto -> take ]",
			NULL,
		});
	assert_says(
		&script,
		(const char *[]){
			"inet rangeguard shortcut [ meta load mark => reg 1 ] [ bitwise reg 1 = ( reg 1 & 0x01600000 ) ^ "
			"0x00000000 ] [ cmp eq reg 1 0x01000000 ] [ meta load iifgroup => reg 1 ] [ cmp eq reg 1 0x00000052 ] [ ct load src_ip => reg 1 , dir original ] [ lookup reg "
			"1 set translated4 ] [ immediate reg 0 goto -> take ]",
			"inet rangeguard shortcut [ meta load mark => reg 1 ] [ bitwise reg 1 = ( reg 1 & 0x01600000 ) ^ "
			"0x00000000 ] [ cmp eq reg 1 0x01000000 ] [ meta load iifgroup => reg 1 ] [ cmp eq reg 1 0x00000052 ] [ ct load src_ip6 => reg 1 , dir original ] [ lookup reg "
			"1 set translated6 ] [ immediate reg 0 goto -> take ]",
			"flowtable",
			"flowtable",
			"flowtable",
			"flowtable",
			NULL,
		});
}

/* What is no single prefix needs a set, without a name (1), constant (2), of intervals (4), which the rule names, too. */
static void a_list_that_is_no_prefix(void **state)
{
	struct span span = {.family = FAMILY_IPV4, .first = 0xc6336400, .last = 0xc6336480};
	struct egress_clause clause = clause_of(FAMILY_IPV4, "192.0.2.10", &span);
	static struct script script;
	BATCH_CLEANUP struct batch batch = {0};

	(void)state;
	assert_int_equal(nf_begin(&batch), 0);
	assert_int_equal(ruleset_add_list(&batch, &clause), 0);
	assert_int_equal(nf_end(&batch), 0);
	read_batch(&batch, &script);
	assert_says(
		&script,
		(const char *[]){
			"set __set%d key 7/4 data 0/0 flags 7",
			"__set%d rangeguard 0 element 006433c6 : 0 [end] element 816433c6 : 1 [end]",
			"inet rangeguard leaving [ meta load nfproto => reg 1 ] [ cmp eq reg 1 0x00000002 ] [ payload load "
			"4b @ network header + 16 => reg 1 ] [ lookup reg 1 set __set%d ] [ immediate reg 0 jump -> "
			"sent4-0123456789abcdef ] userdata = { \\x00\\x17sent4-0123456789abcdef\\x00 }",
			NULL,
		});
}

static void a_masqueraded_list(void **state)
{
	static const char rule[] =
		"inet rangeguard masquerade6-0123456789abcdef [ meta load nfproto => reg 1 ] [ cmp eq reg 1 "
		"0x0000000a ] [ payload load 16b @ network header + 8 => reg 1 ] [ lookup reg 1 set "
		"masquerade6-0123456789abcdef ] [ payload load 16b @ network header + 24 => reg 1 ] [ lookup reg "
		"1 set __set%d ] [ masq ]";
	struct span span = {.family = FAMILY_IPV6, .first = 1, .last = ~(u128)0};
	struct egress_clause clause = clause_of(FAMILY_IPV6, NULL, &span);
	static struct script script;
	BATCH_CLEANUP struct batch batch = {0};

	(void)state;
	assert_int_equal(nf_begin(&batch), 0);
	assert_int_equal(ruleset_add_list(&batch, &clause), 0);
	assert_int_equal(nf_end(&batch), 0);
	read_batch(&batch, &script);
	/* Behind the last address there is none with which the interval could end. */
	assert_says(&script, (const char *[]){
				     "set masquerade6-0123456789abcdef key 8/16 data 0/0 flags 0",
				     "chain masquerade6-0123456789abcdef",
				     "set __set%d key 8/16 data 0/0 flags 7",
				     "__set%d rangeguard 0 element 00000000 00000000 00000000 01000000 : 0 [end]",
				     rule,
				     NULL,
			     });
}

static void a_list_away(void **state)
{
	struct span span = {.family = FAMILY_IPV4, .first = 1, .last = 1};
	struct egress_clause clause = clause_of(FAMILY_IPV4, "192.0.2.10", &span);
	struct ruleset_part parts[RULESET_PARTS];
	static struct script script;
	BATCH_CLEANUP struct batch batch = {0};

	(void)state;
	assert_int_equal(ruleset_parts(&clause, parts), 2);
	assert_int_equal(nf_begin(&batch), 0);
	assert_int_equal(ruleset_remove_part(&batch, &parts[1], clause.list, 77), 0);
	assert_int_equal(nf_end(&batch), 0);
	read_batch(&batch, &script);
	assert_says(&script, (const char *[]){"delete rule", "delete chain", "delete set", "delete set", NULL});
}

/** count_element() - nf_read_elements() callback */
static int count_element(void *userdata, const struct nf_element *element)
{
	(void)element;
	++*(size_t *)userdata;
	return 0;
}

/* Thousands of elements take several messages, none too long for its attribute, and grow the datagram. */
static void many_elements(void **state)
{
	static struct nf_element elements[5000];
	BATCH_CLEANUP struct batch batch = {0};
	const struct nlmsghdr *message;
	size_t n = sizeof(elements) / sizeof(*elements), found = 0;
	int rest;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		elements[i].set = i < n / 2 ? NF_SENT6 : NF_PIN6;
		elements[i].list = 7;
		memcpy(elements[i].key, &i, sizeof(i));
	}
	assert_int_equal(nf_begin(&batch), 0);
	assert_int_equal(nf_add_elements(&batch, elements, n), 0);
	message = (const void *)batch_data(&batch);
	rest = (int)batch.used;
	for (; mnl_nlmsg_ok(message, rest); message = mnl_nlmsg_next(message, &rest)) {
		assert_true(message->nlmsg_len < UINT16_MAX);
		if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM))
			continue;
		as_kernel_writes(message);
		assert_int_equal(nf_read_elements(message, count_element, &found), 0);
	}
	assert_int_equal(found, n);
}

/** same() - nf_read_elements() callback: compare with the element sent */
static int same(void *userdata, const struct nf_element *element)
{
	const struct nf_element *sent = userdata;

	assert_int_equal(element->set, sent->set);
	assert_true(element->set < NF_FIRST_KIND || element->list == sent->list);
	assert_memory_equal(element->key, sent->key, sizeof(sent->key));
	assert_memory_equal(element->source, sent->source, sizeof(sent->source));
	return 77;
}

static void elements_are_read_as_written(void **state)
{
	(void)state;
	for (unsigned set = 0; set < NF_N_SETS; set++) {
		BATCH_CLEANUP struct batch batch = {0};
		struct nf_element element = {.set = (enum nf_set)set, .list = 0xfedcba9876543210 + set};
		bool pair = set == NF_PAIRS4 || set == NF_PAIRS6 || set == NF_SOLE4 || set == NF_SOLE6 ||
			    set == NF_SENT4 || set == NF_SENT6;
		size_t bytes = (set % 2 ? 16U : 4U) << pair;

		for (size_t i = 0; i < bytes; i++)
			element.key[i] = (uint8_t)(i + 1);
		if (set == NF_PIN4 || set == NF_PIN6)
			memset(element.source, 0x5a, set == NF_PIN4 ? 4 : 16);
		assert_int_equal(nf_add_elements(&batch, &element, 1), 0);
		assert_int_equal(nf_read_elements((const void *)batch_data(&batch), same, &element), 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_table),
		cmocka_unit_test(proven_packets_may_go_on),
		cmocka_unit_test(incoming_packets_are_sorted),
		cmocka_unit_test(leaving_packets_are_judged),
		cmocka_unit_test(a_pins_list),
		cmocka_unit_test(a_list_that_is_no_prefix),
		cmocka_unit_test(a_short_cut),
		cmocka_unit_test(a_masqueraded_list),
		cmocka_unit_test(a_list_away),
		cmocka_unit_test(many_elements),
		cmocka_unit_test(elements_are_read_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
