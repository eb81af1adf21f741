/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nf_tables in memory. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/flowtable.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <string.h>

#include "nf_fake.h"

struct nf_fake nf_fake;

/** struct call - One datagram on its way: what answers go to */
struct call {
	port_reply_fn reply;
	void *userdata;
	int reply_error;
};

static struct nf_fake_tables *tables(void)
{
	return &nf_fake.now;
}

/** find_name() - Place of a name in a list, @n when it is not there */
static size_t find_name(char names[][NF_NAME_MAX], size_t n, const char *name)
{
	size_t i = 0;

	while (i < n && strcmp(names[i], name) != 0)
		i++;
	return i;
}

/** put_name() - Append a name: 0, EEXIST */
static int put_name(char names[][NF_NAME_MAX], size_t *n, const char *name)
{
	if (find_name(names, *n, name) < *n)
		return EEXIST;
	assert_true(*n < NF_FAKE_SETS);
	(void)snprintf(names[(*n)++], NF_NAME_MAX, "%s", name);
	return 0;
}

/** drop_name() - Remove a name: 0, ENOENT */
static int drop_name(char names[][NF_NAME_MAX], size_t *n, const char *name)
{
	size_t at = find_name(names, *n, name);

	if (at == *n)
		return ENOENT;
	memmove(names[at], names[at + 1], (*n - at - 1) * sizeof(*names));
	--*n;
	return 0;
}

/** find_element() - Place of an element, the number of all when it is not there */
static size_t find_element(const char *set, const void *key, size_t size)
{
	size_t i = 0;

	while (i < tables()->n_elements &&
	       (strcmp(tables()->elements[i].set, set) != 0 || memcmp(tables()->elements[i].key, key, size) != 0))
		i++;
	return i;
}

/** use_of() - Rules of a chain, and rules that jump to it */
static uint32_t use_of(const char *chain)
{
	uint32_t use = 0;

	for (size_t i = 0; i < tables()->n_rules; i++)
		use += (strcmp(tables()->rules[i].chain, chain) == 0 ? 1U : 0U) +
		       (strcmp(tables()->rules[i].target, chain) == 0 ? 1U : 0U);
	return use;
}

/** answer() - Hand an answer to who asked */
static void answer(struct call *call, struct nlmsghdr *message, uint16_t type)
{
	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	if (call->reply && !call->reply_error)
		call->reply_error = call->reply(message, call->userdata);
}

/** renumber_one() - mnl_attr_parse_nested() callback: number an element as the kernel does; libnftnl reads no others */
static int renumber_one(const struct nlattr *attribute, void *userdata)
{
	struct nlattr *element = (struct nlattr *)(uintptr_t)attribute;

	(void)userdata;
	element->nla_type = NFTA_LIST_ELEM | NLA_F_NESTED;
	return MNL_CB_OK;
}

/** renumber() - mnl_attr_parse() callback: number the elements of a message */
static int renumber(const struct nlattr *attribute, void *userdata)
{
	return mnl_attr_get_type(attribute) == NFTA_SET_ELEM_LIST_ELEMENTS
		       ? mnl_attr_parse_nested(attribute, renumber_one, userdata)
		       : MNL_CB_OK;
}

/** add_element() - An element of a batch: 0, EEXIST; as the kernel, the same again is fine unless it must be new */
static int add_element(const char *set, struct nftnl_set_elem *element, bool exclusive)
{
	uint32_t size = 0, data_size = 0;
	const void *key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &size);
	const void *data = nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_DATA)
				   ? nftnl_set_elem_get(element, NFTNL_SET_ELEM_DATA, &data_size)
				   : NULL;
	size_t at = find_element(set, key, size);

	if (at < tables()->n_elements)
		return exclusive || memcmp(tables()->elements[at].data, data ? data : "", data_size) != 0 ? EEXIST : 0;
	nf_fake_put(set, key, size, data, data_size);
	return 0;
}

/** tell_element() - One element of a set, with @size bytes of its key */
static void tell_element(struct call *call, const char *set, size_t at, uint32_t size)
{
	struct nftnl_set_elem *element = nftnl_set_elem_alloc();
	struct nftnl_set *found = nftnl_set_alloc();
	struct nlmsghdr *reply;
	char buffer[512];

	(void)nftnl_set_set_str(found, NFTNL_SET_NAME, set);
	(void)nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, tables()->elements[at].key, size);
	if (strncmp(set, "pin4-", 5) == 0 || strncmp(set, "pin6-", 5) == 0)
		(void)nftnl_set_elem_set(element, NFTNL_SET_ELEM_DATA, tables()->elements[at].data, size);
	nftnl_set_elem_add(found, element);
	reply = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_NEWSETELEM, NFPROTO_INET, 0, 0);
	nftnl_set_elems_nlmsg_build_payload(reply, found);
	(void)mnl_attr_parse(reply, sizeof(struct nfgenmsg), renumber, NULL);
	answer(call, reply, NFT_MSG_NEWSETELEM);
	nftnl_set_free(found);
}

/** one_element() - One element of a message: 0, positive errno */
static int one_element(struct call *call, const struct nlmsghdr *message, const char *set,
		       struct nftnl_set_elem *element)
{
	uint32_t size = 0;
	const void *key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &size);
	size_t at = find_element(set, key, size);

	if ((message->nlmsg_type & 0xff) == NFT_MSG_NEWSETELEM)
		return add_element(set, element, message->nlmsg_flags & NLM_F_EXCL);
	if (at == tables()->n_elements)
		return ENOENT;
	if ((message->nlmsg_type & 0xff) == NFT_MSG_DELSETELEM) {
		memmove(&tables()->elements[at], &tables()->elements[at + 1],
			(--tables()->n_elements - at) * sizeof(*tables()->elements));
		return 0;
	}
	tell_element(call, set, at, size);
	return 0;
}

/** do_elements() - A message about elements: 0, the first one's errno */
static int do_elements(struct call *call, const struct nlmsghdr *message)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct nftnl_set_elems_iter *iterator;
	struct nftnl_set_elem *element;
	const char *name;
	int r = 0;

	(void)mnl_attr_parse(message, sizeof(struct nfgenmsg), renumber, NULL);
	assert_int_equal(nftnl_set_elems_nlmsg_parse(message, set), 0);
	name = nftnl_set_get_str(set, NFTNL_SET_NAME);
	/* What is in anonymous sets is nobody's business here. */
	if (name && strcmp(name, "__set%d") != 0 &&
	    find_name(tables()->sets, tables()->n_sets, name) == tables()->n_sets)
		r = ENOENT;
	iterator = nftnl_set_elems_iter_create(set);
	while (!r && name && strcmp(name, "__set%d") != 0 && (element = nftnl_set_elems_iter_next(iterator)))
		r = one_element(call, message, name, element);
	nftnl_set_elems_iter_destroy(iterator);
	nftnl_set_free(set);
	return r;
}

/** do_set() - Make or remove a set: 0, positive errno */
static int do_set(const struct nlmsghdr *message)
{
	struct nftnl_set *set = nftnl_set_alloc();
	const char *name;
	int r;

	assert_int_equal(nftnl_set_nlmsg_parse(message, set), 0);
	name = nftnl_set_get_str(set, NFTNL_SET_NAME);
	if (strcmp(name, "__set%d") == 0)
		r = 0;
	else if ((message->nlmsg_type & 0xff) == NFT_MSG_NEWSET)
		r = put_name(tables()->sets, &tables()->n_sets, name);
	else
		r = drop_name(tables()->sets, &tables()->n_sets, name);
	nftnl_set_free(set);
	return r;
}

/** hook_of() - Where a chain hooks in, NULL: nowhere */
static struct nf_fake_hook *hook_of(const char *chain)
{
	for (size_t i = 0; i < tables()->n_hooks; i++)
		if (strcmp(tables()->hooks[i].chain, chain) == 0)
			return &tables()->hooks[i];
	return NULL;
}

/** keep_hook() - Remember where a new chain hooks in */
static void keep_hook(const struct nftnl_chain *chain, const char *name)
{
	struct nf_fake_hook *hook = hook_of(name);

	if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_TYPE))
		return;
	assert_true(hook || tables()->n_hooks < NF_FAKE_HOOKS);
	hook = hook ? hook : &tables()->hooks[tables()->n_hooks++];
	(void)snprintf(hook->chain, sizeof(hook->chain), "%s", name);
	(void)snprintf(hook->type, sizeof(hook->type), "%s", nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE));
	hook->number = nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM);
	hook->priority = nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO);
	hook->policy = nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY);
}

/** tell_hook() - Where a chain hooks in, if it does */
static void tell_hook(struct nlmsghdr *reply, const struct nf_fake_hook *hook)
{
	struct nlattr *nest;

	if (!hook)
		return;
	nest = mnl_attr_nest_start(reply, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(reply, NFTA_HOOK_HOOKNUM, htonl(hook->number));
	mnl_attr_put_u32(reply, NFTA_HOOK_PRIORITY, htonl((uint32_t)hook->priority));
	mnl_attr_nest_end(reply, nest);
	mnl_attr_put_u32(reply, NFTA_CHAIN_POLICY, htonl(hook->policy));
	mnl_attr_put_strz(reply, NFTA_CHAIN_TYPE, hook->type);
}

/** do_chain() - Make, remove or tell of a chain: 0, positive errno */
static int do_chain(struct call *call, const struct nlmsghdr *message)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	char buffer[512], name[NF_NAME_MAX];
	struct nlmsghdr *reply;

	assert_int_equal(nftnl_chain_nlmsg_parse(message, chain), 0);
	(void)snprintf(name, sizeof(name), "%s", nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
	if ((message->nlmsg_type & 0xff) == NFT_MSG_NEWCHAIN)
		keep_hook(chain, name);
	nftnl_chain_free(chain);
	if ((message->nlmsg_type & 0xff) == NFT_MSG_NEWCHAIN)
		return put_name(tables()->chains, &tables()->n_chains, name);
	if (find_name(tables()->chains, tables()->n_chains, name) == tables()->n_chains)
		return ENOENT;
	if ((message->nlmsg_type & 0xff) == NFT_MSG_DELCHAIN) {
		for (size_t i = tables()->n_rules; i-- > 0;)
			if (strcmp(tables()->rules[i].chain, name) == 0)
				tables()->rules[i] = tables()->rules[--tables()->n_rules];
		return use_of(name) ? EBUSY : drop_name(tables()->chains, &tables()->n_chains, name);
	}
	reply = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_NEWCHAIN, NFPROTO_INET, 0, 0);
	mnl_attr_put_strz(reply, NFTA_CHAIN_TABLE, NF_TABLE);
	mnl_attr_put_strz(reply, NFTA_CHAIN_NAME, name);
	mnl_attr_put_u32(reply, NFTA_CHAIN_USE, htonl(use_of(name)));
	tell_hook(reply, hook_of(name));
	answer(call, reply, NFT_MSG_NEWCHAIN);
	return 0;
}

/** keep_target() - nftnl_expr_foreach() callback: where a rule jumps to */
static int keep_target(struct nftnl_expr *expression, void *userdata)
{
	struct nf_fake_rule *rule = userdata;

	if (strcmp(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), "immediate") == 0 &&
	    nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_CHAIN))
		(void)snprintf(rule->target, sizeof(rule->target), "%s",
			       nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN));
	return 0;
}

/** do_rule() - Make or remove a rule: 0, positive errno */
static int do_rule(const struct nlmsghdr *message)
{
	struct nf_fake_rule rule = {.handle = ++tables()->handles};
	struct nftnl_rule *object = nftnl_rule_alloc();
	const void *comment;
	uint64_t handle;

	assert_int_equal(nftnl_rule_nlmsg_parse(message, object), 0);
	(void)snprintf(rule.chain, sizeof(rule.chain), "%s", nftnl_rule_get_str(object, NFTNL_RULE_CHAIN));
	(void)nftnl_expr_foreach(object, keep_target, &rule);
	comment = nftnl_rule_get_data(object, NFTNL_RULE_USERDATA, &rule.comment_size);
	if (comment)
		memcpy(rule.comment, comment, rule.comment_size);
	handle = nftnl_rule_get_u64(object, NFTNL_RULE_HANDLE);
	nftnl_rule_free(object);
	if (find_name(tables()->chains, tables()->n_chains, rule.chain) == tables()->n_chains ||
	    (*rule.target && find_name(tables()->chains, tables()->n_chains, rule.target) == tables()->n_chains))
		return ENOENT;
	if ((message->nlmsg_type & 0xff) == NFT_MSG_NEWRULE) {
		assert_true(tables()->n_rules < NF_FAKE_RULES);
		tables()->rules[tables()->n_rules++] = rule;
		return 0;
	}
	for (size_t i = 0; i < tables()->n_rules; i++) {
		if (tables()->rules[i].handle != handle)
			continue;
		tables()->rules[i] = tables()->rules[--tables()->n_rules];
		return 0;
	}
	return ENOENT;
}

/** find_device() - Place of a device of the flowtable, the number of all when it is not there */
static size_t find_device(const char *name)
{
	size_t i = 0;

	while (i < tables()->n_devices && strcmp(tables()->devices[i], name) != 0)
		i++;
	return i;
}

/** put_devices() - As the kernel: one that is not there, or twice in a message, is refused; one that is in it already is fine */
static int put_devices(const char *const *names)
{
	size_t before = tables()->n_devices;

	for (size_t i = 0; names && names[i]; i++) {
		size_t at = find_device(names[i]);

		if (!if_nametoindex(names[i]))
			return ENOENT;
		if (at < before)
			continue;
		if (at < tables()->n_devices)
			return EEXIST;
		assert_true(at < NF_FAKE_DEVICES);
		(void)snprintf(tables()->devices[tables()->n_devices++], IFNAMSIZ, "%s", names[i]);
	}
	return 0;
}

/** do_flowtable() - Make the flowtable, or put devices into it: 0, positive errno */
static int do_flowtable(const struct nlmsghdr *message)
{
	struct nftnl_flowtable *flowtable = nftnl_flowtable_alloc();
	int r = ENOENT;

	assert_int_equal(nftnl_flowtable_nlmsg_parse(message, flowtable), 0);
	if (message->nlmsg_flags & NLM_F_CREATE)
		tables()->flowtable = true;
	if (tables()->flowtable)
		r = put_devices(nftnl_flowtable_get_array(flowtable, NFTNL_FLOWTABLE_DEVICES));
	nftnl_flowtable_free(flowtable);
	return r;
}

/** tell_flowtable() - The flowtable with its devices */
static void tell_flowtable(struct call *call)
{
	struct nftnl_flowtable *flowtable = nftnl_flowtable_alloc();
	const char *names[NF_FAKE_DEVICES + 1] = {NULL};
	char buffer[4096];
	struct nlmsghdr *reply;

	for (size_t i = 0; i < tables()->n_devices; i++)
		names[i] = tables()->devices[i];
	(void)nftnl_flowtable_set_str(flowtable, NFTNL_FLOWTABLE_TABLE, NF_TABLE);
	(void)nftnl_flowtable_set_str(flowtable, NFTNL_FLOWTABLE_NAME, "established");
	nftnl_flowtable_set_u32(flowtable, NFTNL_FLOWTABLE_HOOKNUM, NF_NETDEV_INGRESS);
	nftnl_flowtable_set_u32(flowtable, NFTNL_FLOWTABLE_PRIO, 0);
	if (tables()->n_devices)
		(void)nftnl_flowtable_set_data(flowtable, NFTNL_FLOWTABLE_DEVICES, names, 0);
	reply = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_NEWFLOWTABLE, NFPROTO_INET, 0, 0);
	nftnl_flowtable_nlmsg_build_payload(reply, flowtable);
	answer(call, reply, NFT_MSG_NEWFLOWTABLE);
	nftnl_flowtable_free(flowtable);
}

/** tell_table() - Answer a question after the table */
static void tell_table(struct call *call)
{
	char buffer[256] = {0};
	struct nlmsghdr *reply = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_NEWTABLE, NFPROTO_INET, 0, 0);

	mnl_attr_put_strz(reply, NFTA_TABLE_NAME, NF_TABLE);
	mnl_attr_put_u32(reply, NFTA_TABLE_FLAGS, htonl(tables()->dormant ? NFT_TABLE_F_DORMANT : 0));
	answer(call, reply, NFT_MSG_NEWTABLE);
}

/** carry_out() - One message: 0, positive errno */
static int carry_out(struct call *call, const struct nlmsghdr *message)
{
	int type = message->nlmsg_type & 0xff;

	if (type == NFT_MSG_NEWTABLE) {
		tables()->table = true;
		return 0;
	}
	if (!tables()->table)
		return ENOENT;
	switch (type) {
	case NFT_MSG_GETTABLE:
		tell_table(call);
		return 0;
	case NFT_MSG_DELTABLE:
		memset(tables(), 0, sizeof(*tables()));
		return 0;
	case NFT_MSG_NEWSET:
	case NFT_MSG_DELSET:
		return do_set(message);
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_GETCHAIN:
		return do_chain(call, message);
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE:
		return do_rule(message);
	case NFT_MSG_NEWFLOWTABLE:
		return do_flowtable(message);
	case NFT_MSG_NEWSETELEM:
	case NFT_MSG_DELSETELEM:
	case NFT_MSG_GETSETELEM:
		return do_elements(call, message);
	default:
		fail_msg("message of type %d", type);
		return 0;
	}
}

/** fails() - Whether this call is the one to fail; then with what */
static int fails(struct port_failure *reterr)
{
	if (++nf_fake.calls != nf_fake.fail_call)
		return 0;
	if (nf_fake.fail_errnum < 0)
		return nf_fake.fail_errnum;
	*reterr = (struct port_failure){.errnum = nf_fake.fail_errnum};
	return PORT_E_REFUSED;
}

/** wants_flowtable() - Whether messages are about a flowtable, which this kernel may not have; who sends them does without */
static bool wants_flowtable(struct batch *batch)
{
	const struct nlmsghdr *message = (const void *)batch_data(batch);
	int rest = (int)batch->used;

	for (; mnl_nlmsg_ok(message, rest); message = mnl_nlmsg_next(message, &rest))
		if (message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWFLOWTABLE))
			return true;
	return false;
}

/** send_all() - Messages that are no dump */
static int send_all(struct batch *batch, port_reply_fn reply, void *userdata, struct port_failure *reterr)
{
	static struct nf_fake_tables before;
	struct call call = {.reply = reply, .userdata = userdata};
	const struct nlmsghdr *message = (const void *)batch_data(batch);
	int rest = (int)batch->used, r;
	bool refused = false;

	if (!nf_fake.flowtables && wants_flowtable(batch)) {
		*reterr = (struct port_failure){.errnum = ENOENT};
		return PORT_E_REFUSED;
	}
	r = fails(reterr);
	if (r)
		return r;
	before = nf_fake.now;
	nf_fake.batches += batch->atomic;
	for (unsigned i = 0; mnl_nlmsg_ok(message, rest); i++, message = mnl_nlmsg_next(message, &rest)) {
		r = message->nlmsg_type < NLMSG_MIN_TYPE + 2 ? 0 : carry_out(&call, message);
		if (!r || refused)
			continue;
		refused = true;
		*reterr = (struct port_failure){.index = i, .errnum = r};
	}
	if (refused && batch->atomic)
		nf_fake.now = before;
	return refused ? PORT_E_REFUSED : call.reply_error;
}

/** tell_sets() - All sets */
static void tell_sets(struct call *call)
{
	for (size_t i = 0; i < tables()->n_sets; i++) {
		char buffer[256];
		struct nlmsghdr *reply = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_NEWSET, NFPROTO_INET, 0, 0);

		mnl_attr_put_strz(reply, NFTA_SET_TABLE, NF_TABLE);
		mnl_attr_put_strz(reply, NFTA_SET_NAME, tables()->sets[i]);
		answer(call, reply, NFT_MSG_NEWSET);
	}
}

/** tell_rules() - All rules of the chain asked for */
static void tell_rules(struct call *call, const struct nlmsghdr *message)
{
	struct nftnl_rule *wanted = nftnl_rule_alloc();

	assert_int_equal(nftnl_rule_nlmsg_parse(message, wanted), 0);
	for (size_t i = 0; i < tables()->n_rules; i++) {
		const struct nf_fake_rule *rule = &tables()->rules[i];
		struct nftnl_rule *object = nftnl_rule_alloc();
		char buffer[512];
		struct nlmsghdr *reply = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_NEWRULE, NFPROTO_INET, 0, 0);

		(void)nftnl_rule_set_str(object, NFTNL_RULE_CHAIN, rule->chain);
		nftnl_rule_set_u64(object, NFTNL_RULE_HANDLE, rule->handle);
		if (rule->comment_size)
			(void)nftnl_rule_set_data(object, NFTNL_RULE_USERDATA, rule->comment, rule->comment_size);
		nftnl_rule_nlmsg_build_payload(reply, object);
		if (strcmp(rule->chain, nftnl_rule_get_str(wanted, NFTNL_RULE_CHAIN)) == 0)
			answer(call, reply, NFT_MSG_NEWRULE);
		nftnl_rule_free(object);
	}
	nftnl_rule_free(wanted);
}

/** tell_elements() - All elements of the set of pairs asked for */
static void tell_elements(struct call *call, const struct nlmsghdr *message)
{
	struct nftnl_set *wanted = nftnl_set_alloc();
	const char *name;

	(void)mnl_attr_parse(message, sizeof(struct nfgenmsg), renumber, NULL);
	assert_int_equal(nftnl_set_elems_nlmsg_parse(message, wanted), 0);
	name = nftnl_set_get_str(wanted, NFTNL_SET_NAME);
	for (size_t i = 0; i < tables()->n_elements; i++)
		if (strcmp(tables()->elements[i].set, name) == 0)
			tell_element(call, name, i, strchr(name, '4') ? 8 : 32);
	nftnl_set_free(wanted);
}

/** exchange() - port_ops */
static int exchange(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata,
		    struct port_failure *reterr)
{
	const struct nlmsghdr *message = (const void *)batch_data(batch);
	struct call call = {.reply = reply, .userdata = userdata};
	bool dump = (message->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	int r;

	(void)port;
	if (NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_CTNETLINK && !dump)
		return send_all(batch, reply, userdata, reterr);
	r = fails(reterr);
	if (r)
		return r;
	/* Connection tracking is asked through the same port; there is no flow. */
	if (NFNL_SUBSYS_ID(message->nlmsg_type) == NFNL_SUBSYS_CTNETLINK)
		return 0;
	if ((message->nlmsg_type & 0xff) == NFT_MSG_GETFLOWTABLE) {
		if (tables()->flowtable && !nf_fake.untold)
			tell_flowtable(&call);
	} else if ((message->nlmsg_type & 0xff) == NFT_MSG_GETSET)
		tell_sets(&call);
	else if ((message->nlmsg_type & 0xff) == NFT_MSG_GETSETELEM)
		tell_elements(&call, message);
	else
		tell_rules(&call, message);
	return call.reply_error;
}

static void close_nothing(struct port *port)
{
	(void)port;
}

/** nf_fake_reset() - No table, nothing fails */
void nf_fake_reset(void)
{
	memset(&nf_fake, 0, sizeof(nf_fake));
}

/** nf_fake_port() - A port; needs no closing */
struct port *nf_fake_port(void)
{
	static const struct port_ops ops = {.exchange = exchange, .close = close_nothing};
	static struct port port = {.ops = &ops};

	return &port;
}

/** nf_fake_has() - Whether an element is there */
bool nf_fake_has(const char *set, const void *key, size_t size)
{
	return find_element(set, key, size) < tables()->n_elements;
}

/** nf_fake_count() - Elements of a set; NULL: of all */
size_t nf_fake_count(const char *set)
{
	size_t n = 0;

	for (size_t i = 0; i < tables()->n_elements; i++)
		n += !set || strcmp(tables()->elements[i].set, set) == 0;
	return n;
}

/** nf_fake_has_device() - Whether the flowtable has a device */
bool nf_fake_has_device(const char *name)
{
	return find_device(name) < tables()->n_devices;
}

/** nf_fake_drop_device() - Take a device out of the flowtable */
void nf_fake_drop_device(const char *name)
{
	size_t at = find_device(name);

	assert_true(at < tables()->n_devices);
	memmove(tables()->devices[at], tables()->devices[at + 1],
		(--tables()->n_devices - at) * sizeof(*tables()->devices));
}

/** nf_fake_put() - An element, whatever else there is */
void nf_fake_put(const char *set, const void *key, size_t size, const void *data, size_t data_size)
{
	struct nf_fake_element *element = &tables()->elements[tables()->n_elements++];

	assert_true(tables()->n_elements < NF_FAKE_ELEMENTS);
	memset(element, 0, sizeof(*element));
	(void)snprintf(element->set, sizeof(element->set), "%s", set);
	memcpy(element->key, key, size);
	if (data_size)
		memcpy(element->data, data, data_size);
}

/** nf_fake_flush_rules() - Rules away */
void nf_fake_flush_rules(void)
{
	tables()->n_rules = 0;
}
