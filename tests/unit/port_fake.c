/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel in memory: see port_fake.h. */

#include "port_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/network/netns.h"
#include "plugin/network/sysctl.h"

#define HOST_INDEX 40
#define CONTAINER_INDEX 2

struct fake_kernel fake;

/** struct fake_port - A port; @where says on which side */
struct fake_port {
	struct port port;
	const char *where;
};

/** note() - Write a line into the log */
static void __attribute__((format(printf, 1, 2))) note(const char *format, ...)
{
	va_list arguments;

	if (fake.n_log == FAKE_LOG_MAX)
		abort();
	va_start(arguments, format);
	(void)vsnprintf(fake.log[fake.n_log++], FAKE_LINE_MAX, format, arguments);
	va_end(arguments);
}

/** call() - Count a call: 0, or the negative errno that it is to fail with */
static int call(void)
{
	return ++fake.calls == fake.fail_call ? -fake.fail_errnum : 0;
}

/** answer_link() - Call @reply with a link */
static int answer_link(const struct link_info *link, port_reply_fn reply, void *userdata)
{
	const struct ifinfomsg head = {.ifi_index = (int)link->index, .ifi_flags = link->up ? IFF_UP : 0};
	_Alignas(struct nlmsghdr) uint8_t buffer[1024];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nlattr *nest;

	message->nlmsg_type = RTM_NEWLINK;
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof(head)), &head, sizeof(head));
	mnl_attr_put_strz(message, IFLA_IFNAME, link->name);
	mnl_attr_put(message, IFLA_ADDRESS, ETH_ALEN, link->mac);
	mnl_attr_put_u32(message, IFLA_MTU, link->mtu);
	mnl_attr_put_u32(message, IFLA_LINK, link->peer_index);
	if (link->master)
		mnl_attr_put_u32(message, IFLA_MASTER, link->master);
	if (link->alias[0])
		mnl_attr_put_strz(message, IFLA_IFALIAS, link->alias);
	nest = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, link->kind);
	mnl_attr_nest_end(message, nest);
	return reply(message, userdata);
}

/** answer_rows() - Call @reply with each row; a dump begins again where it is to be interrupted */
static int answer_rows(const struct fake_rows *rows, bool dump, port_reply_fn reply, void *userdata)
{
	unsigned rounds = dump ? fake.interruptions + 1 : 1;
	int r = 0;

	for (unsigned round = 0; round < rounds; round++) {
		unsigned first = dump && round + 1 == rounds ? fake.vanished : 0;

		if (round > 0)
			r = reply(NULL, userdata);
		for (unsigned i = first; !r && i < rows->count; i++)
			r = reply((const void *)rows->messages[i], userdata);
	}
	return r;
}

/** find_text() - Attribute callback: keep the text of an IFLA_IFNAME or IFLA_IFALIAS, whatever comes last */
static int find_text(const struct nlattr *attribute, void *userdata)
{
	char *text = userdata;
	uint16_t type = mnl_attr_get_type(attribute);
	uint16_t size = mnl_attr_get_payload_len(attribute);

	if (type == IFLA_IFNAME || type == IFLA_IFALIAS) {
		memcpy(text, mnl_attr_get_payload(attribute), size);
		text[size] = '\0';
	}
	return MNL_CB_OK;
}

/** find_ipv6() - Attribute callback, also inside IFLA_AF_SPEC: whether there is something about IPv6 */
static int find_ipv6(const struct nlattr *attribute, void *userdata)
{
	bool *found = userdata;

	if (mnl_attr_get_type(attribute) == IFLA_AF_SPEC)
		return mnl_attr_parse_nested(attribute, find_ipv6, found);
	if (mnl_attr_get_type(attribute) == AF_INET6 && mnl_attr_get_payload_len(attribute) == 8)
		*found = true;
	return MNL_CB_OK;
}

/** create() - RTM_NEWLINK: 0 or positive errno */
static int create(const struct nlmsghdr *message)
{
	if (fake.taken || fake.host_end.index)
		return EEXIST;
	if (rtmessage_read_link(message, &fake.host_end) < 0)
		return EINVAL;
	fake.host_end.index = HOST_INDEX;
	fake.host_end.peer_index = CONTAINER_INDEX;
	fake.container_end = (struct link_info){
		.index = CONTAINER_INDEX, .peer_index = HOST_INDEX, .kind = "veth", .mtu = fake.host_end.mtu};
	(void)snprintf(fake.container_end.name, IFNAMSIZ, "eth0");
	return 0;
}

/** change() - RTM_SETLINK: 0 or positive errno */
static int change(struct link_info *link, const struct nlmsghdr *message)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	char text[IDENTITY_ALIAS_MAX] = "";
	bool ipv6 = false;

	(void)mnl_attr_parse(message, sizeof(*head), find_ipv6, &ipv6);
	if (ipv6 && fake.no_ipv6)
		return EAFNOSUPPORT;
	if (!link->index || (uint32_t)head->ifi_index != link->index)
		return ENODEV;
	if (head->ifi_change & IFF_UP)
		link->up = head->ifi_flags & IFF_UP;
	(void)mnl_attr_parse(message, sizeof(*head), find_text, text);
	if (text[0])
		memcpy(link->alias, text, sizeof(text));
	return 0;
}

/** get() - RTM_GETLINK: 0, positive errno, or what the callback returned */
static int get(const struct link_info *link, const struct nlmsghdr *message, port_reply_fn reply, void *userdata)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	char text[IDENTITY_ALIAS_MAX] = "";

	(void)mnl_attr_parse(message, sizeof(*head), find_text, text);
	if (!link->index || (text[0] ? strcmp(text, link->name) != 0 : (uint32_t)head->ifi_index != link->index))
		return ENODEV;
	return answer_link(link, reply, userdata);
}

/** answer_local() - A route lookup in the container, of which the fake knows no routes: its address is its own */
static int answer_local(port_reply_fn reply, void *userdata)
{
	static const struct route_info local = {.destination = {.address = {.family = FAMILY_IPV6}}, .type = RTN_LOCAL};
	struct fake_rows rows = {0};

	fake_add_route(&rows, &local);
	return answer_rows(&rows, false, reply, userdata);
}

/** answer_family() - A dump of routes: those of the family asked for */
static int answer_family(const struct nlmsghdr *message, port_reply_fn reply, void *userdata)
{
	const struct rtmsg *asked = mnl_nlmsg_get_payload(message);
	struct fake_rows rows = {0};

	for (unsigned i = 0; i < fake.routes.count; i++) {
		const struct nlmsghdr *row = (const void *)fake.routes.messages[i];
		const struct rtmsg *head = mnl_nlmsg_get_payload(row);

		if (asked->rtm_family == AF_UNSPEC || asked->rtm_family == head->rtm_family)
			memcpy(rows.messages[rows.count++], row, sizeof(rows.messages[0]));
	}
	return answer_rows(&rows, true, reply, userdata);
}

/** assign() - RTM_NEWADDR on the host: from now on lookups say that an assigned address is the host's own */
static int assign(const struct nlmsghdr *message)
{
	struct route_info local = {.type = RTN_LOCAL, .interface = HOST_INDEX};
	struct address_info info;

	if (!fake.host_end.index)
		return ENODEV;
	if (rtmessage_read_address(message, &info) < 0)
		return EINVAL;
	if (info.protocol) {
		local.destination = info.address;
		fake.lookup.count = 0;
		fake_add_route(&fake.lookup, &local);
	}
	return 0;
}

/** keep() - Keep a message as the row that a dump would have; beyond some, nobody asks */
static void keep(struct fake_rows *rows, const struct nlmsghdr *message)
{
	if (rows->count < FAKE_ROWS_MAX && message->nlmsg_len <= sizeof(rows->messages[0]))
		memcpy(rows->messages[rows->count++], message, message->nlmsg_len);
}

/** is_discarded() - Whether a lookup is of an address that the host discards */
static bool is_discarded(const struct nlmsghdr *message)
{
	struct route_info asked;
	_Alignas(struct nlmsghdr) uint8_t copy[128];

	if (!fake.discarded.family || message->nlmsg_len > sizeof(copy))
		return false;
	memcpy(copy, message, message->nlmsg_len);
	((struct nlmsghdr *)(void *)copy)->nlmsg_type = RTM_NEWROUTE;
	return rtmessage_read_route((const void *)copy, &asked) == 0 &&
	       span_contains(&fake.discarded, &asked.destination.address);
}

/** look_up() - A lookup: as carry_out() */
static int look_up(bool on_host, const struct nlmsghdr *message, port_reply_fn reply, void *userdata)
{
	if (!on_host && !fake.lookup.count)
		return answer_local(reply, userdata);
	if (is_discarded(message))
		return EHOSTUNREACH;
	return fake.lookup_errnum ? fake.lookup_errnum : answer_rows(&fake.lookup, false, reply, userdata);
}

/** carry_out() - One message: 0, positive errno, or the negative errno of the callback */
static int carry_out(bool on_host, const struct nlmsghdr *message, port_reply_fn reply, void *userdata)
{
	struct link_info *link = on_host ? &fake.host_end : &fake.container_end;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
		return create(message);
	case RTM_SETLINK:
		return change(link, message);
	case RTM_DELLINK:
		if (!fake.host_end.index)
			return ENODEV;
		fake.host_end.index = 0;
		fake.container_end.index = 0;
		return 0;
	case RTM_GETLINK:
		if ((message->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
			return link->index ? answer_link(link, reply, userdata) : 0;
		return get(link, message, reply, userdata);
	case RTM_NEWADDR:
		return on_host ? assign(message) : link->index ? 0 : ENODEV;
	case RTM_GETADDR:
		return answer_rows(&fake.addresses, true, reply, userdata);
	case RTM_GETROUTE:
		if (message->nlmsg_flags & NLM_F_DUMP)
			return answer_family(message, reply, userdata);
		return look_up(on_host, message, reply, userdata);
	case RTM_GETRULE:
		return 0; /* it has none */
	case RTM_NEWROUTE:
		if (!(message->nlmsg_flags & NLM_F_CREATE))
			return fake.host_route ? EEXIST : ENOENT;
		if (on_host && link->index && fake.keeps_routes) {
			if (fake.lookup.count)
				return EEXIST;
			keep(&fake.lookup, message);
		}
		return link->index ? 0 : ENODEV;
	case RTM_NEWNEIGH:
		keep(on_host ? &fake.host_neighbours : &fake.container_neighbours, message);
		return link->index ? 0 : ENODEV;
	case RTM_GETNEIGH:
		return answer_rows(on_host ? &fake.host_neighbours : &fake.container_neighbours, true, reply, userdata);
	default:
		return link->index ? 0 : ENODEV;
	}
}

/** exchange() - port_ops: carry out each message, as the kernel does also behind a failing one */
static int exchange(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata,
		    struct port_failure *reterr)
{
	const struct fake_port *self = (const struct fake_port *)port;
	const struct nlmsghdr *message = (const void *)batch->buffer;
	int rest = (int)batch->used;
	bool refused = false;
	char text[RTMESSAGE_TEXT_MAX];
	int r = call();

	if (r < 0)
		return r;
	for (unsigned i = 0; mnl_nlmsg_ok(message, rest); i++, message = mnl_nlmsg_next(message, &rest)) {
		note("%s: %.100s", self->where, rtmessage_describe(batch, i, text));
		if (++fake.messages == fake.fail_message)
			r = fake.fail_errnum;
		else
			r = carry_out(strcmp(self->where, "host") == 0, message, reply, userdata);
		if (r < 0)
			return r;
		if (r > 0 && !refused && !(r == EEXIST && batch->may_exist >> i & 1)) {
			refused = true;
			*reterr = (struct port_failure){.index = i, .errnum = r};
			if (fake.messages == fake.fail_message && fake.fail_text)
				(void)snprintf(reterr->text, sizeof(reterr->text), "%s", fake.fail_text);
			else if (fake.lookup_text)
				(void)snprintf(reterr->text, sizeof(reterr->text), "%s", fake.lookup_text);
		}
	}
	return refused ? PORT_E_REFUSED : 0;
}

/** open_netns() - port_ops: a descriptor stands for the host's namespace */
static int open_netns(struct port *port)
{
	int r = call();

	(void)port;
	return r < 0 ? r : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/** close_port() - port_ops: for the container's ports, which port_open() made */
static void close_port(struct port *port)
{
	fake.open_ports--;
	free(port);
}

/** close_nothing() - port_ops: for the host's port, which is no heap object */
static void close_nothing(struct port *port)
{
	(void)port;
}

/** port_open() - In place of port_mnl.c: a port of the side on which the thread is */
int port_open(struct port **ret_port)
{
	static const struct port_ops ops = {.exchange = exchange, .close = close_port};
	struct fake_port *port;
	int r = call();

	note("open");
	if (r < 0)
		return r;
	port = malloc(sizeof(*port));
	if (!port)
		return -ENOMEM;
	*port = (struct fake_port){.port = {.ops = &ops}, .where = fake.in_container ? "container" : "host"};
	fake.open_ports++;
	*ret_port = &port->port;
	return 0;
}

/** netns_enter() - In place of netns.c: the thread is in the container from now on */
int netns_enter(const struct netns *netns)
{
	int r = call();

	(void)netns;
	note("enter");
	if (r == 0)
		fake.in_container = true;
	return r;
}

/** netns_return() - In place of netns_return.c: the thread is on the host again */
void netns_return(int own_fd)
{
	if (own_fd < 0 || !fake.in_container)
		abort();
	fake.in_container = false;
}

/** sysctl_ensure() - In place of sysctl.c */
int sysctl_ensure(const char *name, const char *value)
{
	int r = call();

	note("%s: %s=%s", fake.in_container ? "container" : "host", name, value);
	if (r < 0)
		return r;
	return fake.no_ipv6 && strncmp(name, "ipv6/", 5) == 0 ? -ENOENT : 0;
}

/** sysctl_ensure_interface() - In place of sysctl.c */
int sysctl_ensure_interface(const char *family, const char *interface, const char *name, const char *value)
{
	char path[FAKE_LINE_MAX];

	(void)snprintf(path, sizeof(path), "%s/conf/%s/%s", family, interface, name);
	return sysctl_ensure(path, value);
}

/** sysctl_has_value() - In place of sysctl.c: there is no sysctl, but for one with a wrong value */
int sysctl_has_value(const char *name, const char *value)
{
	int r = call();

	note("%s: %s=%s?", fake.in_container ? "container" : "host", name, value);
	if (r < 0)
		return r;
	return fake.wrong_sysctl && strcmp(fake.wrong_sysctl, name) == 0 ? 0 : -ENOENT;
}

/** sysctl_number() - In place of sysctl.c: one of all that is counted */
int sysctl_number(const char *name, uint64_t *ret_number)
{
	(void)name;
	*ret_number = 1;
	return 0;
}

/** fake_reset() - A kernel that has nothing and fails nothing */
void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.fail_errnum = EIO;
}

/** fake_host_port() - A port in the host's namespace; needs no closing */
struct port *fake_host_port(void)
{
	static const struct port_ops ops = {.exchange = exchange, .open_netns = open_netns, .close = close_nothing};
	static struct fake_port port = {.port = {.ops = &ops}, .where = "host"};

	return &port.port;
}

/** fake_add_route() - Append a route to rows */
void fake_add_route(struct fake_rows *rows, const struct route_info *route)
{
	const struct rtmsg head = {
		.rtm_family = (uint8_t)route->destination.address.family,
		.rtm_dst_len = route->destination.length,
		.rtm_table = (uint8_t)route->table,
		.rtm_type = route->type,
		.rtm_scope = route->scope,
		.rtm_protocol = route->protocol,
	};
	struct nlmsghdr *message = mnl_nlmsg_put_header(rows->messages[rows->count++]);
	uint8_t bytes[ADDRESS_BYTES_MAX];

	message->nlmsg_type = RTM_NEWROUTE;
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof(head)), &head, sizeof(head));
	address_to_bytes(&route->destination.address, bytes);
	mnl_attr_put(message, RTA_DST, family_bytes(route->destination.address.family), bytes);
	address_to_bytes(&route->gateway, bytes);
	if (route->gateway.family != FAMILY_NONE)
		mnl_attr_put(message, RTA_GATEWAY, family_bytes(route->gateway.family), bytes);
	mnl_attr_put_u32(message, RTA_OIF, route->interface);
}

/** fake_add_address() - Append an interface's address to rows */
void fake_add_address(struct fake_rows *rows, const struct address_info *info)
{
	const struct ifaddrmsg head = {
		.ifa_family = (uint8_t)info->address.address.family,
		.ifa_prefixlen = info->address.length,
		.ifa_index = info->interface,
	};
	struct nlmsghdr *message = mnl_nlmsg_put_header(rows->messages[rows->count++]);
	uint8_t bytes[ADDRESS_BYTES_MAX];

	message->nlmsg_type = RTM_NEWADDR;
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof(head)), &head, sizeof(head));
	address_to_bytes(&info->address.address, bytes);
	mnl_attr_put(message, IFA_ADDRESS, family_bytes(info->address.address.family), bytes);
	if (info->protocol)
		mnl_attr_put_u8(message, IFA_PROTO, info->protocol);
}

/** fake_find() - Index of a line in the log, -1 when it is not there */
int fake_find(const char *line)
{
	for (unsigned i = 0; i < fake.n_log; i++)
		if (strcmp(fake.log[i], line) == 0)
			return (int)i;
	return -1;
}
