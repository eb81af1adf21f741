/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flowtable: made, and its devices. Owns nothing: all of it is the kernel's. */

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

#include "plugin/snat/nfobject.h"
#include "plugin/snat/nfrule.h"
#include "plugin/snat/nfstage.h"
#include "plugin/snat/ruleset_internal.h"
#include "rangeguard/array.h"
#include "rangeguard/limits.h"

#define FLOWTABLE "established"
/** NFT_NETDEVICE_MAX of the kernel: devices in one message */
#define DEVICES_PER_MESSAGE 256U

static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
#define N_FAMILIES ARRAY_LENGTH(families)
/** Of the chain */
#define N_RULES (2U + 2U * N_FAMILIES)

/** offload_devices_add() - Add a container's interface; "", or one that is not there any more, is left out: 0, -ENOMEM */
int offload_devices_add(struct offload_devices *devices, const char *name)
{
	char(*names)[IFNAMSIZ];

	if (!*name || !if_nametoindex(name))
		return 0;
	names = reallocarray(devices->names, devices->n + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	devices->names = names;
	memcpy(names[devices->n++], name, strnlen(name, IFNAMSIZ - 1) + 1);
	return 0;
}

/** offload_devices_done() - Release them */
void offload_devices_done(struct offload_devices *devices)
{
	free(devices->names);
	*devices = (struct offload_devices){0};
}

/** flowtable_cleanup() - Release libnftnl's object */
static void flowtable_cleanup(struct nftnl_flowtable **flowtable)
{
	if (*flowtable)
		nftnl_flowtable_free(*flowtable);
}

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
	CLEANUP(flowtable_cleanup) struct nftnl_flowtable *flowtable = nftnl_flowtable_alloc();
	struct nlmsghdr *message = nf_header(batch, NFT_MSG_NEWFLOWTABLE, flags);
	const char *devices[DEVICES_PER_MESSAGE + 1] = {NULL};

	if (!flowtable || !message)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		devices[i] = names[i];
	nftnl_flowtable_set_u32(flowtable, NFTNL_FLOWTABLE_HOOKNUM, NF_NETDEV_INGRESS);
	nftnl_flowtable_set_u32(flowtable, NFTNL_FLOWTABLE_PRIO, 0);
	if (nftnl_flowtable_set_str(flowtable, NFTNL_FLOWTABLE_TABLE, NF_TABLE) < 0 ||
	    nftnl_flowtable_set_str(flowtable, NFTNL_FLOWTABLE_NAME, FLOWTABLE) < 0 ||
	    (n && nftnl_flowtable_set_data(flowtable, NFTNL_FLOWTABLE_DEVICES, devices, 0) < 0))
		return -ENOMEM;
	nftnl_flowtable_nlmsg_build_payload(message, flowtable);
	nf_append(batch, message);
	return 0;
}

/** let_pass() - What is not translated has nothing to do with us: 0, -ENOMEM */
static int let_pass(struct batch *batch)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, OFFLOAD_CHAIN);
	nf_match_source_translated(&rule, false);
	nf_verdict(&rule, NF_ACCEPT, NULL);
	return nf_rule_add(&rule, batch);
}

/**
 * let_tunnels_pass() - What leaves by a tunnel stays on the long way: 0, -ENOMEM
 *
 * On the short cut a packet still has the fence's mark when it leaves (offload.h). There are interfaces that look for a route
 * for what they wrap it in by that mark (VXLAN, GENEVE, ipvlan, …), to which the fence applies then, and a bridge may have one
 * for a port. So only kinds that are known not to do that are taken, and devices, which are of no kind.
 */
static int let_tunnels_pass(struct batch *batch)
{
	static const char kinds[][IFNAMSIZ] = {"veth", "vlan", "bond", "team", "macvlan", "tun", "wireguard"};
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, OFFLOAD_CHAIN);
	nf_match_other_kinds(&rule, kinds, ARRAY_LENGTH(kinds));
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
	nf_offload(&rule, FLOWTABLE);
	return nf_rule_add(&rule, batch);
}

/** take_masqueraded() - A flow of a container without a pin: 0, -ENOMEM */
static int take_masqueraded(struct batch *batch, enum family family)
{
	struct marks bits = ruleset_marks();
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, OFFLOAD_CHAIN);
	nf_match_marks(&rule, bits.pinned | bits.checked | bits.guarded, bits.guarded, true);
	nf_match_party_in(&rule, family, true, ruleset_of_family(NF_TRANSLATED4, family), 0);
	nf_offload(&rule, FLOWTABLE);
	return nf_rule_add(&rule, batch);
}

/** put_chain() - The chain that takes flows into the flowtable: 0, -ENOMEM */
static int put_chain(struct batch *batch)
{
	/* After all who may drop the packet */
	static const struct nf_hook hook = {"filter", NF_INET_FORWARD, NF_IP_PRI_LAST - 1};
	int r = nf_add_chain(batch, NF_TABLE, OFFLOAD_CHAIN, &hook);

	if (!r)
		r = let_pass(batch);
	if (!r)
		r = let_tunnels_pass(batch);
	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = take_pinned(batch, families[i]);
	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = take_masqueraded(batch, families[i]);
	return r;
}

/** take_chain() - port_reply_fn: whether the chain has its rules; @userdata is a bool */
static int take_chain(const struct nlmsghdr *message, void *userdata)
{
	char name[NF_NAME_MAX];
	uint32_t use = 0;
	int r = message ? nf_read_chain(message, name, &use) : 0;

	if (message && !r)
		*(bool *)userdata = use >= N_RULES;
	return r == -ENOMSG ? 0 : r;
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
		r = put_chain(batch);
	return r ? r : put_devices(batch, devices);
}

/** is_loaded() - Whether the kernel's modules for flowtables are there. What is built in shows nowhere, and is not used */
static bool is_loaded(void)
{
	static const char modules[][sizeof("/sys/module/nf_flow_table_inet")] = {
		"/sys/module/nf_flow_table", "/sys/module/nf_flow_table_inet", "/sys/module/nft_flow_offload"};

	for (size_t i = 0; i < ARRAY_LENGTH(modules); i++)
		if (access(modules[i], F_OK) < 0)
			return false;
	return true;
}

/**
 * is_possible() - Whether it is worth asking for a flowtable
 *
 * A transaction that the kernel refuses has it wait for a grace period, milliseconds in which an ADD does nothing. So a
 * kernel that has not even the module on its disk is not asked.
 */
static bool is_possible(void)
{
	static const char *const endings[] = {"", ".xz", ".zst", ".gz"};
	struct utsname kernel;
	char path[LIMIT_PATH];

	if (is_loaded())
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

/** send_put() - What @put puts, in a transaction of its own. What fails leaves the long way, which is as good */
static void send_put(struct port *netfilter, const struct offload_devices *devices,
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
	if (!r)
		(void)nf_stage_send(&stage, NULL, NULL);
}

/**
 * offload_make() - Put the flowtable into a table that was made just now, if the kernel has flowtables
 * @netfilter:	Port
 * @devices:	Interfaces of the containers in the table
 */
void offload_make(struct port *netfilter, const struct offload_devices *devices)
{
	if (is_possible())
		send_put(netfilter, devices, offload_put);
}

/** offload_add() - Add a container's interface to the flowtable, if there is one */
void offload_add(struct port *netfilter, const char *name)
{
	struct offload_devices devices = {0};

	if (is_loaded() && !offload_devices_add(&devices, name) && devices.n)
		send_put(netfilter, &devices, put_devices);
	offload_devices_done(&devices);
}

/**
 * offload_lost() - Whether somebody took the chain, its rules or the flowtable out of the table, which is there
 * @netfilter:	Port
 *
 * Only where the kernel has shown that it has flowtables; what is lost comes back with the table.
 */
bool offload_lost(struct port *netfilter)
{
	struct port_failure failure = {0};
	struct batch batch;
	bool whole = false;
	int r;

	if (!is_loaded())
		return false;
	batch_reset(&batch);
	r = nf_get_chain(&batch, NF_TABLE, OFFLOAD_CHAIN);
	if (!r)
		r = port_exchange(netfilter, &batch, take_chain, &whole, &failure);
	return r == PORT_E_REFUSED ? failure.errnum == ENOENT : !r && !whole;
}
