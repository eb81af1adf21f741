/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_RTMESSAGE_H
#define PLUGIN_NETWORK_RTMESSAGE_H

/*
 * rtnetlink messages as bytes, built behind one another in a batch; and the few attributes that we read back. No descriptor, no system call.
 */

#include "plugin/network/plan.h"
#include "plugin/network/port.h"

/** struct link_info - What a link message says; texts "" and numbers 0 where absent */
struct link_info {
	uint32_t index;
	uint32_t peer_index; /* IFLA_LINK: of a veth, the index of the other end in its namespace */
	int32_t peer_netns;  /* IFLA_LINK_NETNSID: this namespace's number of the one the other end is in; -1: none */
	uint32_t master;     /* IFLA_MASTER: the bridge whose port it is */
	uint32_t mtu;
	uint32_t group; /* IFLA_GROUP */
	bool up;
	uint8_t operstate; /* IFLA_OPERSTATE: IF_OPER_* of linux/if.h */
	uint8_t mac[ETH_ALEN];
	char name[IFNAMSIZ];
	char alias[IDENTITY_ALIAS_MAX];
	char kind[32]; /* IFLA_INFO_KIND: "veth" */
};

/** struct route_info - What a route message says */
struct route_info {
	struct prefix destination;
	struct address gateway; /* FAMILY_NONE: none; RTA_VIA: of any family (RFC 5549) */
	uint32_t interface;	/* RTA_OIF; of a multipath route its first; 0: none */
	uint32_t table;
	uint32_t priority;
	uint8_t type; /* RTN_* */
	uint8_t scope;
	uint8_t protocol;
};

/** struct address_info - What an address message says */
struct address_info {
	struct prefix address;
	uint32_t interface;
	uint32_t flags;	  /* IFA_F_* */
	uint8_t protocol; /* IFA_PROTO; 0: none, or a kernel before 5.18 */
};

/** struct neighbour_info - What a neighbour message says; @state is NUD_* */
struct neighbour_info {
	struct address address;
	uint32_t interface;
	uint16_t state;
	uint8_t mac[ETH_ALEN];
};

/**
 * struct mark_rule - A routing rule: packets of @family whose mark has all bits of @mark are routed by @table. To delete, a
 * mark of 0 is any
 */
struct mark_rule {
	enum family family;
	uint32_t mark;
	uint32_t table;
	uint32_t priority;
};

/** struct rule_info - A routing rule that asks for a destination at most; @action is FR_ACT_* of linux/fib_rules.h */
struct rule_info {
	struct prefix destination;
	uint32_t priority;
	uint8_t action;
};

/** What a route does with packets */
enum route_kind { ROUTE_LEADS, ROUTE_PROHIBITS, ROUTE_UNREACHABLE, ROUTE_OTHER };

/** struct rule_head - Any routing rule, as far as all have it; @mark, @mask: 0 where it asks for none; @table: where it leads */
struct rule_head {
	enum family family;
	uint32_t priority;
	uint32_t table;
	uint32_t mark;
	uint32_t mask;
	uint8_t action; /* FR_ACT_* */
};

/* Each appends one message. 0, -ENOMEM, -E2BIG when the batch is full. */
int rtmessage_create_veth(struct batch *batch, const struct plan *plan, int netns_fd);
int rtmessage_set_host_end(struct batch *batch, uint32_t index, const struct plan *plan, bool ipv6);
int rtmessage_set_up(struct batch *batch, uint32_t index);
int rtmessage_set_down(struct batch *batch, uint32_t index);
int rtmessage_no_link_local(struct batch *batch, uint32_t index);
int rtmessage_delete_link(struct batch *batch, uint32_t index);
int rtmessage_set_group(struct batch *batch, uint32_t index, uint32_t group);
int rtmessage_set_guarded(struct batch *batch, uint32_t index, uint32_t group);
int rtmessage_delete_group(struct batch *batch, uint32_t group);
int rtmessage_get_link_by_name(struct batch *batch, const char *name);
int rtmessage_get_link(struct batch *batch, uint32_t index);
int rtmessage_get_link_in(struct batch *batch, uint32_t netns, uint32_t index);
int rtmessage_dump_links(struct batch *batch);
int rtmessage_add_address(struct batch *batch, uint32_t index, const struct prefix *address);
int rtmessage_dump_addresses(struct batch *batch, uint32_t index);
int rtmessage_add_neighbour(struct batch *batch, uint32_t index, const struct address *address,
			    const uint8_t mac[static ETH_ALEN]);
int rtmessage_dump_neighbours(struct batch *batch, uint32_t index);
int rtmessage_add_host_route(struct batch *batch, uint32_t index, const struct address *address);
int rtmessage_add_container_route(struct batch *batch, uint32_t index, const struct route *route);
int rtmessage_delete_told(struct batch *batch, const struct nlmsghdr *told);
int rtmessage_dump_routes(struct batch *batch, enum family family, uint8_t type); /* type RTN_UNSPEC: all */
int rtmessage_dump_own_routes(struct batch *batch, enum family family);
int rtmessage_dump_table(struct batch *batch, enum family family, uint32_t table);
int rtmessage_dump_rules(struct batch *batch, enum family family);
int rtmessage_lookup_route(struct batch *batch, const struct address *address); /* RTM_F_FIB_MATCH */

/* Routes to blocks of a cluster (rtblock.c) */
int rtmessage_put_block_route(struct batch *batch, const struct prefix *destination, const struct address *gateway,
			      uint32_t index);
int rtmessage_delete_block_route(struct batch *batch, const struct prefix *destination);

/* Routes that discard what of a network's ranges nobody has (rtdiscard.c) */
int rtmessage_put_discard_route(struct batch *batch, const struct prefix *destination, uint32_t metric);
int rtmessage_delete_discard_route(struct batch *batch, const struct prefix *destination, uint32_t metric);
int rtmessage_probe_host_route(struct batch *batch, const struct address *address);

/* What pins need beside nftables (rtpin.c). Adding what is there already is no failure. */
int rtmessage_add_mark_rule(struct batch *batch, const struct mark_rule *rule);
int rtmessage_add_source_rule(struct batch *batch, const struct address *source, uint32_t table, uint32_t priority);
int rtmessage_delete_mark_rule(struct batch *batch, const struct mark_rule *rule);
int rtmessage_add_prohibit_route(struct batch *batch, uint32_t table, const struct prefix *destination);
int rtmessage_delete_prohibit_route(struct batch *batch, uint32_t table, const struct prefix *destination);
int rtmessage_assign_address(struct batch *batch, uint32_t index, const struct address *address);
int rtmessage_lend_address(struct batch *batch, uint32_t index, const struct address *address, uint32_t seconds);
int rtmessage_delete_assigned_address(struct batch *batch, uint32_t index, const struct address *address);
int rtmessage_add_clsact(struct batch *batch, uint32_t index);
int rtmessage_add_bpf_filter(struct batch *batch, uint32_t index, int program_fd, const char *name);

/* Readers. 0, -EBADMSG, -ENOMSG when the message is of another type. */
int rtmessage_read_link(const struct nlmsghdr *message, struct link_info *ret_link);
int rtmessage_read_route(const struct nlmsghdr *message, struct route_info *ret_route);
int rtmessage_read_rule(const struct nlmsghdr *message, struct rule_info *ret_rule);
enum route_kind rtmessage_route_kind(const struct route_info *route);
bool rtmessage_rule_is_local(const struct rule_head *rule);
int rtmessage_read_rule_head(const struct nlmsghdr *message, struct rule_head *ret_head);
int rtmessage_read_neighbour(const struct nlmsghdr *message, struct neighbour_info *ret_neighbour);
int rtmessage_read_address(const struct nlmsghdr *message, struct address_info *ret_address);

/** Space for what rtmessage_describe() says of a message */
#define RTMESSAGE_TEXT_MAX 256
const char *rtmessage_describe(const struct batch *batch, unsigned index, char buffer[static RTMESSAGE_TEXT_MAX]);

#endif
