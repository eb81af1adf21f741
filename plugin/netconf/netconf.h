/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETCONF_NETCONF_H
#define PLUGIN_NETCONF_NETCONF_H

/*
 * The network configuration as values: JSON stops here. Reading never changes anything outside; each problem goes to
 * the report with its JSON pointer, and reading goes on as far as it can.
 */

#include <jansson.h>

#include "ipam/address/range.h"
#include "plugin/cni/request.h"
#include "plugin/cni/result.h"
#include "plugin/cni/version.h"
#include "plugin/report/report.h"
#include "rangeguard/limits.h"

enum role {
	ROLE_INTERFACE, /* our type, an ipam object: IPAM, veth and routes */
	ROLE_DELEGATE,	/* another plugin's type, ipam.type is ours: IPAM only */
	ROLE_CHAINED,	/* our type, no ipam object: looks at prevResult and passes it on */
};

enum on_overlap {
	OVERLAP_REFUSE,
	OVERLAP_EXCLUDE,
};

enum host_routes {
	HOST_ROUTES_REFUSE,
	HOST_ROUTES_WARN,
	HOST_ROUTES_OFF,
};

enum guard_routes {
	GUARD_ROUTES_REFUSE,
	GUARD_ROUTES_WARN,
	GUARD_ROUTES_OFF,
};

/**
 * struct netconf_guard - The `guard` object
 * @policies:		Paths of policy files and directories; the default directory alone when none are named
 * @policies_default:	@policies is the default, which may be absent
 * @inline_policy:	The guard object, whose `reserved` and `granted` add to the files'; NULL: none; borrowed
 * @pointer:		JSON pointer of the guard object
 * @required:		That nothing is reserved is an error
 * @strict_status:	STATUS fails also for what an ADD refuses with a code of its own
 * @last_good:		A broken policy: go on with the last one that could be read (`onBroken`)
 * @max_age:		For how many seconds
 */
struct netconf_guard {
	const char *policies[LIMIT_POLICY_PATHS];
	size_t n_policies;
	bool policies_default;
	const json_t *inline_policy;
	char pointer[POINTER_MAX];
	enum on_overlap on_overlap;
	enum host_routes host_routes;
	enum guard_routes routes;
	bool required;
	bool strict_status;
	bool last_good;
	uint32_t max_age;
};

/**
 * struct pin - One entry of `snat`; texts are borrowed
 * @name:		Its name
 * @namespace_glob:	Over K8S_POD_NAMESPACE, NULL: any, also none
 * @pod_glob:		Over K8S_POD_NAME, likewise
 * @sources:		The source of each family: IPv4, IPv6; FAMILY_NONE: none. Of a shared pin the first that is named, until
 *			an ADD knows which of them this host holds
 * @all:		All of `source`, in its order; owned. More than one of a family only of a shared pin
 * @n_all:		How many
 * @destinations:	Owned; @destinations_given tells whether there are any, else all but a few are meant
 * @assign:		Interface that gets the sources, NULL: they are on the host already
 * @shared:		Hosts share the sources: each is on one of them at a time
 * @pointer:		JSON pointer of the entry
 */
struct pin {
	const char *name;
	const char *namespace_glob;
	const char *pod_glob;
	struct address sources[2];
	struct address *all;
	size_t n_all;
	struct span *destinations;
	size_t n_destinations;
	bool destinations_given;
	const char *assign;
	bool shared;
	char pointer[RANGE_POINTER_MAX];
};

/** What pods may choose by annotation, as far as `annotations` lists it */
enum pod_choice {
	CHOICE_ADDRESSES, /* rangeguard.dev/addresses: addresses, with commas between them */
	CHOICE_POOL,	  /* rangeguard.dev/pool: the name of ranges (`pool`) */
	CHOICE_SOURCE,	  /* rangeguard.dev/source: the name of a pin that matches the pod */
	N_POD_CHOICES,
};

/**
 * struct fixed - One entry of `ipam.fixed`: addresses that nobody else gets; texts are borrowed
 * @namespace_glob:	Over K8S_POD_NAMESPACE, NULL: any
 * @pod_glob:		Over K8S_POD_NAME
 * @addresses:		Addresses, each in one of the network's ranges; owned
 * @n_addresses:	How many
 * @pointer:		JSON pointer of the entry
 */
struct fixed {
	const char *namespace_glob;
	const char *pod_glob;
	struct address *addresses;
	size_t n_addresses;
	char pointer[RANGE_POINTER_MAX];
};

/**
 * struct netconf - One network configuration, with what the runtime added to it
 * @root:		The plugin's object; texts are borrowed from it; owned (a reference)
 * @file:		Where it came from, for messages; borrowed
 * @pointer:		JSON pointer of @root in that file, "" or "/plugins/N"
 * @sets:		`ipam.ranges` (and the legacy keys, and runtimeConfig.ipRanges before them); owned
 * @excluded:		Addresses of the ranges that are never given, beside their gateways; each set borrows them; owned
 * @requested:		Addresses asked for by name, of the strongest source; owned
 * @requested_at:	Where each of them stands, a JSON pointer; owned
 * @block_length_ipv4, @block_length_ipv6: `ipam.blocks`; 0: the ranges of that family are this host's alone
 * @mark_mask:		`markMask`: four bits of the packet mark; 0: the default ones
 * @routes:		`ipam.routes`; @routes_given tells `[]` from absent; owned
 * @pins:		`snat`; owned
 * @non_masq:		`nonMasq`: destinations that are not masqueraded beside the own ranges; owned
 * @offered:		@sets without the ranges of pools that the pod did not choose; @n_sets of them; owned
 * @fixed:		`ipam.fixed`; owned
 * @may_choose:		`annotations`
 * @chosen_pool:	Pool that the pod chose, NULL: none
 * @chosen_pin:		Name of the pin that the pod chose, NULL: none
 * @discard_routes:	Ranges are discarded by the host as far as nobody has their addresses; interface role only
 * @adopt:		Directory of host-local's leases, NULL: they don't count
 * @mac:		Of the strongest source, NULL when none
 * @resolv_conf:	`ipam.resolvConf`, NULL when none
 * @dns:		`dns`, NULL when none; borrowed from @root
 * @prev_result:	`prevResult`, or NULL; borrowed from @root
 * @history:		Path of the history, NULL: none is written; @history_size bytes, then it is renamed, and
 *			@history_files such files are kept
 */
struct netconf {
	json_t *root;
	const char *file;
	char pointer[POINTER_MAX];
	enum role role;
	enum cni_version version;
	const char *name;
	const char *type;
	unsigned mtu;
	bool ip_masq;
	bool anti_spoof;
	uint32_t mark_mask;
	bool discard_routes;
	struct netconf_guard guard;
	const char *data_dir;
	const char *adopt;
	uint32_t reuse_delay;
	struct range_set *sets;
	size_t n_sets;
	struct address *excluded;
	struct address *requested;
	char (*requested_at)[RANGE_POINTER_MAX];
	size_t n_requested;
	uint8_t block_length_ipv4;
	uint8_t block_length_ipv6;
	struct route *routes;
	size_t n_routes;
	bool routes_given;
	struct span *non_masq;
	size_t n_non_masq;
	struct pin *pins;
	size_t n_pins;
	struct range_set *offered;
	struct fixed *fixed;
	size_t n_fixed;
	bool may_choose[N_POD_CHOICES];
	const char *chosen_pool;
	const char *chosen_pin;
	const char *resolv_conf;
	const char *mac;
	const json_t *dns;
	const json_t *prev_result;
	const char *history;
	uint64_t history_size;
	unsigned history_files;
};

#define NETCONF_DATA_DIR "/run/rangeguard"
/** The policy that is published in the cluster, in the state directory */
#define NETCONF_PUBLISHED "cluster-policy.json"
#define NETCONF_POLICY_DIR "/etc/rangeguard/reserved.d"
#define NETCONF_ADOPT "/var/lib/cni/networks"
#define NETCONF_REUSE_DELAY 120U
#define NETCONF_MAX_AGE (7U * 24U * 3600U)
#define NETCONF_HISTORY "/var/log/rangeguard/history.jsonl"
#define NETCONF_HISTORY_SIZE (UINT64_C(32) << 20)
#define NETCONF_HISTORY_FILES 16U

int netconf_read_identity(json_t *root, const char *file, struct netconf *ret_netconf);
int netconf_read(json_t *root, const char *file, const char *pointer, const struct cni_args *args,
		 struct netconf *ret_netconf, struct report *report);
struct reader;
void netconf_read_guard(struct reader *reader, const json_t *object, struct netconf *netconf);
void pin_done(struct pin *pin);
bool pin_matches(const struct pin *pin, const struct cni_args *args);
bool netconf_glob_matches(const char *glob, const char *text);
const struct fixed *netconf_fixed_of(const struct netconf *netconf, const struct cni_args *args);
const struct fixed *netconf_fixed_at(const struct netconf *netconf, const struct address *address);
const struct netconf_guard *netconf_guard_usual(void);
void netconf_done(struct netconf *netconf);

#define NETCONF_CLEANUP __attribute__((cleanup(netconf_done)))

#endif
