/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flowtable and its chains: made, looked at. Owns nothing: all of it is the kernel's. */

#include "plugin/snat/offload.h"

#include <errno.h>
#include <libnftnl/flowtable.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "plugin/enforce/classifier_attach.h"
#include "plugin/snat/nfobject.h"
#include "plugin/snat/nfrule.h"
#include "plugin/snat/nfstage.h"
#include "plugin/snat/ruleset_internal.h"
#include "rangeguard/array.h"
#include "rangeguard/limits.h"

/** NFT_NETDEVICE_MAX of the kernel: devices in one message */
#define DEVICES_PER_MESSAGE 256U

static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
#define N_FAMILIES ARRAY_LENGTH(families)

/** The chains, and how many rules each has and how many lead to it */
static const struct {
	const char *name;
	uint32_t use;
} chains[] = {
	{OFFLOAD_CHAIN_TAKE, 3 + N_FAMILIES + 1 + 2 * N_FAMILIES},
	{OFFLOAD_CHAIN, 3 + 2 * N_FAMILIES},
};

/**
 * put_flowtable() - The flowtable with devices, beside those that it has
 * @batch:	Batch
 * @flags:	NLM_F_CREATE: it is not there yet
 * @names:	Devices
 * @n:		How many, DEVICES_PER_MESSAGE at most
 *
 * Return: 0, -ENOMEM
 */
static int put_flowtable(struct batch *batch, uint16_t flags, char (*names)[IFNAMSIZ], size_t n)
{
	struct nftnl_flowtable *flowtable NF_FLOWTABLE_CLEANUP = nftnl_flowtable_alloc();
	struct nlmsghdr *message = nf_header(batch, NFT_MSG_NEWFLOWTABLE, flags);
	const char *devices[DEVICES_PER_MESSAGE + 1] = {NULL};

	if (!flowtable || !message)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		devices[i] = names[i];
	nftnl_flowtable_set_u32(flowtable, NFTNL_FLOWTABLE_HOOKNUM, NF_NETDEV_INGRESS);
	nftnl_flowtable_set_u32(flowtable, NFTNL_FLOWTABLE_PRIO, 0);
	if (nftnl_flowtable_set_str(flowtable, NFTNL_FLOWTABLE_TABLE, NF_TABLE) < 0 ||
	    nftnl_flowtable_set_str(flowtable, NFTNL_FLOWTABLE_NAME, OFFLOAD_FLOWTABLE) < 0 ||
	    (n && nftnl_flowtable_set_data(flowtable, NFTNL_FLOWTABLE_DEVICES, devices, 0) < 0))
		return -ENOMEM;
	nftnl_flowtable_nlmsg_build_payload(message, flowtable);
	nf_append(batch, message);
	return 0;
}

/** let_unmarked_pass() - What does not come from a container, as most of what is not on the short cut: 0, -ENOMEM */
static int let_unmarked_pass(struct batch *batch)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, OFFLOAD_CHAIN);
	nf_match_mark(&rule, 0);
	nf_verdict(&rule, NF_ACCEPT, NULL);
	return nf_rule_add(&rule, batch);
}

/**
 * take_plain() - A flow of a container without a pin, in whose packets nobody else has set a mark: 0, -ENOMEM
 *
 * Its interface says that it has none, too: a rule of others may write any mark into a pinned container's packet.
 */
static int take_plain(struct batch *batch)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, OFFLOAD_CHAIN);
	nf_match_mark(&rule, ruleset_marks().guarded);
	nf_match_group(&rule, CLASSIFIER_GROUP);
	nf_verdict(&rule, NFT_GOTO, OFFLOAD_CHAIN_TAKE);
	return nf_rule_add(&rule, batch);
}

/** let_untranslated_pass() - Of the rest, what is not translated has nothing to do with us: 0, -ENOMEM */
static int let_untranslated_pass(struct batch *batch)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, OFFLOAD_CHAIN);
	nf_match_source_translated(&rule, false);
	nf_verdict(&rule, NF_ACCEPT, NULL);
	return nf_rule_add(&rule, batch);
}

/** take_pinned() - A flow of a container that leaves with a source of its pins: 0, -ENOMEM */
static int take_pinned(struct batch *batch, enum family family)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, OFFLOAD_CHAIN);
	nf_match_marks(&rule, ruleset_marks().checked, ruleset_marks().checked, true);
	nf_match_pair(&rule, family, NF_PAIR_OPENED, ruleset_of_family(NF_PAIRS4, family), 0);
	nf_verdict(&rule, NFT_GOTO, OFFLOAD_CHAIN_TAKE);
	return nf_rule_add(&rule, batch);
}

/** take_masqueraded() - A flow of a masqueraded container without a pin, though others set marks, too: 0, -ENOMEM */
static int take_masqueraded(struct batch *batch, enum family family)
{
	struct marks bits = ruleset_marks();
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, OFFLOAD_CHAIN);
	nf_match_marks(&rule, bits.pinned | bits.checked | bits.guarded, bits.guarded, true);
	nf_match_group(&rule, CLASSIFIER_GROUP);
	nf_match_party_in(&rule, family, true, ruleset_of_family(NF_TRANSLATED4, family), 0);
	nf_verdict(&rule, NFT_GOTO, OFFLOAD_CHAIN_TAKE);
	return nf_rule_add(&rule, batch);
}

/** put_chain() - The chain that says whose flows are taken: 0, -ENOMEM */
static int put_chain(struct batch *batch)
{
	/* After all who may drop the packet */
	static const struct nf_hook hook = {"filter", NF_INET_FORWARD, NF_IP_PRI_LAST - 1};
	int r = nf_add_chain(batch, NF_TABLE, OFFLOAD_CHAIN, &hook);

	if (!r)
		r = let_unmarked_pass(batch);
	if (!r)
		r = take_plain(batch);
	if (!r)
		r = let_untranslated_pass(batch);
	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = take_pinned(batch, families[i]);
	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = take_masqueraded(batch, families[i]);
	return r;
}

/**
 * let_tunnels_pass() - What leaves by a tunnel stays on the long way: 0, -ENOMEM
 *
 * On the short cut a packet still has the classifier's marks when it leaves (offload.h). There are interfaces that look for a
 * route for what they wrap it in by that mark (VXLAN, GENEVE, ipvlan, …), to which the fence applies then, and a bridge may have
 * one for a port. So only kinds that are known not to do that are taken, and devices, which are of no kind.
 */
static int let_tunnels_pass(struct batch *batch)
{
	static const char kinds[][IFNAMSIZ] = {"veth", "vlan", "bond", "team", "macvlan", "tun", "wireguard"};
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, OFFLOAD_CHAIN_TAKE);
	nf_match_other_kinds(&rule, kinds, ARRAY_LENGTH(kinds));
	nf_verdict(&rule, NF_ACCEPT, NULL);
	return nf_rule_add(&rule, batch);
}

/**
 * keep_pinned_answers_off() - What goes to a pinned container's interface stays on the long way: 0, -ENOMEM
 *
 * A flow is taken in both directions, and the answers of a pinned container must meet the fence.
 */
static int keep_pinned_answers_off(struct batch *batch)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, OFFLOAD_CHAIN_TAKE);
	nf_match_leaving_group(&rule, CLASSIFIER_GROUP_PINNED);
	nf_verdict(&rule, NF_ACCEPT, NULL);
	return nf_rule_add(&rule, batch);
}

/** keep_pinned_address_off() - The same by its address: behind a bridge, or when somebody changed the interface's group */
static int keep_pinned_address_off(struct batch *batch, enum family family)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, OFFLOAD_CHAIN_TAKE);
	nf_match_family(&rule, family);
	nf_match_destination_known(&rule, family, ruleset_of_family(NF_PINNED4, family));
	nf_verdict(&rule, NF_ACCEPT, NULL);
	return nf_rule_add(&rule, batch);
}

/** take() - The packet's flow into the flowtable: 0, -ENOMEM */
static int take(struct batch *batch)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, OFFLOAD_CHAIN_TAKE);
	nf_offload(&rule, OFFLOAD_FLOWTABLE);
	return nf_rule_add(&rule, batch);
}

/** put_chain_take() - The chain that takes them, unless it is not to be for where they go: 0, -ENOMEM */
static int put_chain_take(struct batch *batch)
{
	int r = nf_add_chain(batch, NF_TABLE, OFFLOAD_CHAIN_TAKE, NULL);

	if (!r)
		r = let_tunnels_pass(batch);
	if (!r)
		r = keep_pinned_answers_off(batch);
	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = keep_pinned_address_off(batch, families[i]);
	return r ? r : take(batch);
}

/** put_devices() - Devices into the flowtable, as many messages as it takes: 0, -ENOMEM */
static int put_devices(struct batch *batch, const struct offload_devices *devices)
{
	int r = 0;

	for (size_t i = 0, n; i < devices->n && !r; i += n) {
		n = devices->n - i < DEVICES_PER_MESSAGE ? devices->n - i : DEVICES_PER_MESSAGE;
		r = put_flowtable(batch, 0, devices->names + i, n);
	}
	return r;
}

/**
 * offload_put() - The flowtable, its chain and devices, for a table that has none: pure
 * @batch:	Batch
 * @devices:	Devices
 *
 * Return: 0, -ENOMEM
 */
int offload_put(struct batch *batch, const struct offload_devices *devices)
{
	int r = put_flowtable(batch, NLM_F_CREATE, NULL, 0);

	if (!r)
		r = put_chain_take(batch);
	if (!r)
		r = put_chain(batch);
	return r ? r : put_devices(batch, devices);
}

/**
 * offload_expected() - Whether the kernel's modules for flowtables are there. What is built in shows nowhere, and is not used
 *
 * First the one that comes with the first rule that takes a flow into a flowtable.
 */
bool offload_expected(void)
{
	static const char modules[][sizeof("/sys/module/nf_flow_table_inet")] = {
		"/sys/module/nft_flow_offload", "/sys/module/nf_flow_table", "/sys/module/nf_flow_table_inet"};

	for (size_t i = 0; i < ARRAY_LENGTH(modules); i++)
		if (access(modules[i], F_OK) < 0)
			return false;
	return true;
}

/**
 * offload_possible() - Whether it is worth asking for a flowtable
 *
 * A transaction that the kernel refuses has it wait for a grace period, milliseconds in which an ADD does nothing. So a
 * kernel that has not even the module on its disk is not asked.
 */
bool offload_possible(void)
{
	static const char *const endings[] = {"", ".xz", ".zst", ".gz"};
	struct utsname kernel;
	char path[LIMIT_PATH];

	if (offload_expected())
		return true;
	if (uname(&kernel) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
		(void)snprintf(path, sizeof(path), "/lib/modules/%s/kernel/net/netfilter/nf_flow_table.ko%s",
			       kernel.release, endings[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/** send_put() - What @put puts, in a transaction of its own: 0, PORT_E_REFUSED, negative errno */
static int send_put(struct port *netfilter, const struct offload_devices *devices,
		    int (*put)(struct batch *batch, const struct offload_devices *devices))
{
	struct error ignored = {0};
	NF_STAGE_CLEANUP struct nf_stage stage;
	int r;

	nf_stage_begin(&stage, netfilter, false, &ignored);
	r = nf_begin(&stage.batch);
	if (!r)
		r = put(&stage.batch, devices);
	if (!r)
		r = nf_end(&stage.batch);
	return r ? r : nf_stage_send(&stage, NULL, NULL);
}

/**
 * send_present() - The same, once more without those devices that have gone meanwhile: the kernel refuses all for one of them
 *
 * What fails leaves the long way, which is as good.
 */
static void send_present(struct port *netfilter, struct offload_devices *devices,
			 int (*put)(struct batch *batch, const struct offload_devices *devices))
{
	offload_devices_sort(devices);
	if (send_put(netfilter, devices, put) == PORT_E_REFUSED && offload_devices_drop_gone(devices))
		(void)send_put(netfilter, devices, put);
}

/**
 * offload_make() - Put the flowtable into a table that was made just now, if the kernel has flowtables
 * @netfilter:	Port
 * @devices:	Interfaces of containers; sorted, each once, afterwards
 */
void offload_make(struct port *netfilter, struct offload_devices *devices)
{
	if (offload_possible())
		send_present(netfilter, devices, offload_put);
}

/** offload_add() - Add a container's interface to the flowtable, which is there if the kernel has flowtables */
void offload_add(struct port *netfilter, const char *name)
{
	struct offload_devices devices = {0};

	if (offload_expected() && !offload_devices_add(&devices, name) && devices.n)
		(void)send_put(netfilter, &devices, put_devices);
	offload_devices_done(&devices);
}

/**
 * offload_complete() - Add those interfaces of containers to the flowtable that it lacks, as far as the kernel tells
 * @netfilter:	Port
 * @devices:	Interfaces; sorted, each once, afterwards
 *
 * To find out by putting all of them there would be a change each time. Of a flowtable with more devices than fit into a
 * datagram (some 1,600) the kernel tells nothing, and nothing is done.
 *
 * Return: how many it lacked
 */
size_t offload_complete(struct port *netfilter, struct offload_devices *devices)
{
	struct offload_devices lacking = {0};
	size_t n;

	offload_devices_sort(devices);
	if (!offload_devices_lacking(netfilter, devices, &lacking) && lacking.n)
		send_present(netfilter, &lacking, put_devices);
	n = lacking.n;
	offload_devices_done(&lacking);
	return n;
}

/** count_whole() - port_reply_fn: how many of the chains have their rules; @userdata is the number */
static int count_whole(const struct nlmsghdr *message, void *userdata)
{
	char name[NF_NAME_MAX];
	uint32_t use = 0;
	int r = message ? nf_read_chain(message, name, &use) : 0;

	for (size_t i = 0; message && !r && i < ARRAY_LENGTH(chains); i++)
		*(size_t *)userdata += strcmp(name, chains[i].name) == 0 && use >= chains[i].use;
	return r == -ENOMSG ? 0 : r;
}

/** ask_chains() - Ask for the table, and for the chains: 0, -ENOMEM */
static int ask_chains(struct batch *batch)
{
	int r = nf_get_table(batch, NF_TABLE);

	for (size_t i = 0; i < ARRAY_LENGTH(chains) && !r; i++)
		r = nf_get_chain(batch, NF_TABLE, chains[i].name);
	return r;
}

/**
 * offload_look() - Whether there is a short cut, and whether somebody took a chain, its rules or the flowtable out of the table
 * @netfilter:	Port
 *
 * Only where the kernel has shown that it has flowtables. The rule that names the flowtable keeps it from being deleted alone.
 *
 * Return: enum offload_state
 */
enum offload_state offload_look(struct port *netfilter)
{
	struct port_failure failure = {0};
	BATCH_CLEANUP struct batch batch;
	size_t whole = 0;
	int r;

	batch_reset(&batch);
	if (!offload_expected())
		return OFFLOAD_NONE;
	r = ask_chains(&batch);
	if (!r)
		r = port_exchange(netfilter, &batch, count_whole, &whole, &failure);
	if (r == PORT_E_REFUSED && failure.errnum == ENOENT && failure.index > 0)
		return OFFLOAD_LOST;
	if (r)
		return OFFLOAD_NONE;
	return whole == ARRAY_LENGTH(chains) ? OFFLOAD_WHOLE : OFFLOAD_LOST;
}
