/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source addresses on the host. Owns nothing: whose an address is stands on the address (IFA_PROTO). */

#include "plugin/snat/assign.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#include "plugin/network/hostroute.h"
#include "plugin/network/identity.h"
#include "plugin/network/link.h"
#include "plugin/network/probe.h"
#include "plugin/network/stage.h"
#include "plugin/report/log.h"
#include "plugin/snat/announce.h"

/** How often and how far apart the kernel is asked whether it takes packets to an address: 50 ms in all */
#define QUESTIONS 50U
#define PAUSE_NS 1000000L

/**
 * struct address_answer - What a dump of addresses says of one of them
 * @wanted:	The address
 * @index:	The interface that should have it
 * @found:	It has it, alone in its prefix
 * @ours:	It carries our mark
 * @forever:	It stays until somebody takes it off
 */
struct address_answer {
	struct address wanted;
	uint32_t index;
	bool found;
	bool ours;
	bool forever;
};

/** take_address() - port_reply_fn: look for the address; @userdata is a struct address_answer */
static int take_address(const struct nlmsghdr *message, void *userdata)
{
	struct address_answer *answer = userdata;
	struct address_info info;
	int r = message ? rtmessage_read_address(message, &info) : -ENOMSG;

	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	if (info.interface == answer->index && info.address.length == family_bits(answer->wanted.family) &&
	    address_equal(&info.address.address, &answer->wanted)) {
		answer->found = true;
		answer->ours = info.protocol == PLAN_ROUTE_PROTOCOL;
		answer->forever = info.flags & IFA_F_PERMANENT;
	}
	return 0;
}

/** as_snat() - Give a failure the code of a pin that can't be kept: @r */
static int as_snat(int r, struct error *err)
{
	if (r)
		(void)error_recode(err, ERROR_SNAT);
	return r;
}

/** stage_of() - Begin a stage that is about the host's addresses */
static void stage_of(struct stage *stage, struct port *host, struct error *reterr)
{
	stage_begin(stage, host, "on the host", reterr);
}

/**
 * put() - Put an address on a link
 * @host:	Port
 * @index:	Link
 * @address:	Address
 * @reterr:	Error
 *
 * Return: 0, also when it is there; REFUSED
 */
static int put(struct port *host, uint32_t index, const struct address *address, struct error *reterr)
{
	struct stage stage;
	int r;

	stage_of(&stage, host, reterr);
	r = stage_add(&stage, rtmessage_assign_address(&stage.batch, index, address));
	return r ? r : stage_send(&stage);
}

/**
 * await() - See that the kernel answers for an address before it is announced
 * @host:	Port
 * @address:	Address
 *
 * For IPv6 that is in the hands of a work queue (addrconf_dad_work() in net/ipv6/addrconf.c), also without duplicate
 * address detection. A late one is no failure.
 */
static void await(struct port *host, const struct address *address)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	for (unsigned i = 0; i < QUESTIONS && hostroute_is_local(host, address) == 0; i++)
		(void)nanosleep(&pause, NULL);
}

/** has_neighbours() - What is no Ethernet has none to ask or to tell */
static bool has_neighbours(const struct link_info *link)
{
	static const uint8_t no_mac[ETH_ALEN];

	return memcmp(link->mac, no_mac, ETH_ALEN) != 0;
}

/**
 * probe() - See that no neighbour has an address that is about to be put on a link
 * @link:	Link
 * @address:	Address
 * @reterr:	Error
 *
 * Who can't be asked says nothing: then it is put, as it was before there was a probe.
 *
 * Return: 0, REFUSED
 */
static int probe(const struct link_info *link, const struct address *address, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX];
	char mac[MAC_TEXT_MAX];
	uint8_t holder[ETH_ALEN];
	int r = has_neighbours(link) ? probe_ask(link->index, address, link->mac, holder) : 0;

	if (r == PROBE_E_TAKEN)
		return error_set(
			reterr, ERROR_SNAT,
			"source address %s is in use on %s already: %s answered for it; take it from that host "
			"first, or choose another source",
			address_format(address, text), link->name, mac_format(holder, mac));
	if (r)
		log_line("cannot ask on %s whether somebody has source address %s: %s", link->name,
			 address_format(address, text), strerror(-r));
	return 0;
}

/** put_and_announce() - Put an address on a link that has not got it, and tell the neighbours: 0, REFUSED */
static int put_and_announce(struct port *host, const struct link_info *link, const struct address *address,
			    struct error *reterr)
{
	if (put(host, link->index, address, reterr))
		return REFUSED;
	await(host, address);
	/* A link that is down announces when it comes up. */
	if (has_neighbours(link))
		(void)announce(link->index, address, link->mac);
	return 0;
}

/** is_subnets_own() - Whether an address can't be a host's: the network's, broadcast or anycast address of a subnet of this host */
static bool is_subnets_own(const struct address *address, const struct route_info *match)
{
	struct span span = prefix_span(&match->destination);

	if (match->type != RTN_UNICAST)
		return match->type == RTN_BROADCAST || match->type == RTN_ANYCAST || match->type == RTN_MULTICAST;
	return match->gateway.family == FAMILY_NONE && match->destination.length > 0 && span.last - span.first > 1 &&
	       span.first == address->value;
}

/** check_address() - See that a host can have an address on its subnets: 0, REFUSED */
static int check_address(const struct address *address, const struct route_info *match, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX], subnet[PREFIX_TEXT_MAX];

	if (!is_subnets_own(address, match))
		return 0;
	return error_set(
		reterr, ERROR_SNAT,
		"source address %s can't be a host's: it is the network, broadcast or anycast address of a subnet of "
		"this host (route %s); choose another source",
		address_format(address, text), prefix_format(&match->destination, subnet));
}

/**
 * check_link() - See that a link takes packets for itself, and no bond or bridge takes them for it
 * @host:	Port
 * @link:	Link
 * @address:	Address that is to be put there
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
static int check_link(struct port *host, const struct link_info *link, const struct address *address,
		      struct error *reterr)
{
	struct link_answer master = {.found = false};
	char text[ADDRESS_TEXT_MAX];
	struct stage stage;
	int r;

	if (!link->master)
		return 0;
	stage_of(&stage, host, reterr);
	stage.reply = link_take;
	stage.userdata = &master;
	r = stage_add(&stage, rtmessage_get_link(&stage.batch, link->master));
	if (!r)
		r = stage_ask(&stage);
	/* A VRF only chooses the table. */
	if (r || !master.found || strcmp(master.link.kind, "vrf") == 0)
		return r;
	return error_set(reterr, ERROR_SNAT,
			 "interface %s, on which source address %s is to be put, is a port of %s (%s), which takes its "
			 "packets: assign the source to %s",
			 link->name, address_format(address, text), master.link.name, master.link.kind,
			 master.link.name);
}

/**
 * assign_put() - Put an address on an interface, and announce it, unless a neighbour has it
 * @host:	Port of the host's namespace, in which the calling thread is
 * @interface:	Name
 * @address:	Address
 * @reterr:	Error
 *
 * Return: 0, also when it is there already; REFUSED
 */
int assign_put(struct port *host, const char *interface, const struct address *address, struct error *reterr)
{
	struct route_info match = {.type = RTN_UNSPEC};
	struct link_answer answer;
	char text[ADDRESS_TEXT_MAX];
	int r = link_find(host, interface, &answer, reterr);

	if (r)
		return as_snat(r, reterr);
	if (!answer.found)
		return error_set(reterr, ERROR_SNAT,
				 "interface %s, on which source address %s is to be put, is missing", interface,
				 address_format(address, text));
	/* A look that fails says nothing against the address. */
	if (hostroute_lookup(host, address, &match) == 0 && match.type == RTN_LOCAL &&
	    match.interface == answer.link.index)
		return 0;
	r = check_link(host, &answer.link, address, reterr);
	if (!r)
		r = check_address(address, &match, reterr);
	if (!r)
		r = probe(&answer.link, address, reterr);
	if (!r)
		r = put_and_announce(host, &answer.link, address, reterr);
	return as_snat(r, reterr);
}

/**
 * look_for() - Read whether an interface has an address
 * @host:	Port
 * @answer:	What is wanted; its findings are filled
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
static int look_for(struct port *host, struct address_answer *answer, struct error *reterr)
{
	struct stage stage;
	int r;

	stage_of(&stage, host, reterr);
	stage.reply = take_address;
	stage.userdata = answer;
	r = stage_add(&stage, rtmessage_dump_addresses(&stage.batch, answer->index));
	return r ? r : stage_send(&stage);
}

/** take_away() - Delete an address of ours; one that is gone by now will do: 0, REFUSED */
static int take_away(struct port *host, const struct address_answer *answer, struct error *reterr)
{
	struct stage stage;
	int r;

	stage_of(&stage, host, reterr);
	r = stage_add(&stage, rtmessage_delete_assigned_address(&stage.batch, answer->index, &answer->wanted));
	if (r)
		return r;
	r = stage_try(&stage);
	if (r == PORT_E_REFUSED && stage.failure.errnum != EADDRNOTAVAIL && stage.failure.errnum != ENODEV)
		return stage_refused(&stage);
	return r < 0 ? REFUSED : 0;
}

/** find_index() - Interface that has an address, by whatever name it goes now; 0: none. 0, REFUSED */
static int find_index(struct port *host, const struct address *address, uint32_t *ret_index, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX];
	struct route_info match = {0};
	int r = hostroute_lookup(host, address, &match);

	if (r < 0 && r != -EAFNOSUPPORT && r != -EOPNOTSUPP)
		return error_set_errno(reterr, ERROR_SNAT, r, "cannot find out which interface has source address %s",
				       address_format(address, text));
	*ret_index = !r && match.type == RTN_LOCAL ? match.interface : 0;
	return 0;
}

/**
 * assign_remove() - Take an address of ours away
 * @host:	Port
 * @interface:	Name
 * @address:	Address
 * @reterr:	Error
 *
 * Return: 0, also when address or interface are gone; ASSIGN_E_FOREIGN when nothing says that it is ours; REFUSED
 */
int assign_remove(struct port *host, const char *interface, const struct address *address, struct error *reterr)
{
	struct address_answer wanted = {.wanted = *address};
	struct link_answer answer;
	int r = link_find(host, interface, &answer, reterr);

	if (r)
		return as_snat(r, reterr);
	wanted.index = answer.found ? answer.link.index : 0;
	if (!answer.found && find_index(host, address, &wanted.index, reterr))
		return REFUSED;
	if (!wanted.index)
		return 0;
	r = look_for(host, &wanted, reterr);
	if (r || !wanted.found)
		return as_snat(r, reterr);
	if (wanted.ours)
		return as_snat(take_away(host, &wanted, reterr), reterr);
	return answer.found ? ASSIGN_E_FOREIGN : 0;
}

/** lend() - Ask the kernel for it: 0, REFUSED */
static int lend(struct port *host, uint32_t index, const struct address *address, unsigned seconds,
		struct error *reterr)
{
	struct stage stage;
	int r;

	stage_of(&stage, host, reterr);
	r = stage_add(&stage, rtmessage_lend_address(&stage.batch, index, address, seconds));
	return r ? r : stage_send(&stage);
}

/**
 * assign_lend() - Put an address on an interface for some seconds, or prolong that
 * @host:	Port
 * @interface:	Name
 * @address:	Address
 * @seconds:	How long, at least 1
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
int assign_lend(struct port *host, const char *interface, const struct address *address, unsigned seconds,
		struct error *reterr)
{
	struct address_answer there = {.wanted = *address};
	struct link_answer answer;
	char text[ADDRESS_TEXT_MAX];
	int r = link_find(host, interface, &answer, reterr);

	if (r)
		return as_snat(r, reterr);
	if (!answer.found)
		return error_set(reterr, ERROR_SNAT, "interface %s, on which shared source %s is to be put, is missing",
				 interface, address_format(address, text));
	there.index = answer.link.index;
	if (look_for(host, &there, reterr))
		return as_snat(REFUSED, reterr);
	if (there.found && there.forever)
		return error_set(
			reterr, ERROR_SNAT,
			"shared source %s is on %s permanently: it must be there only while this host holds it; "
			"take it off (ip address del %s dev %s)",
			address_format(address, text), interface, text, interface);
	return as_snat(lend(host, answer.link.index, address, seconds, reterr), reterr);
}

/**
 * assign_usable() - Whether an address is the host's own
 * @host:	Port
 * @source:	Address
 * @ret_usable:	Whether
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
int assign_usable(struct port *host, const struct address *source, bool *ret_usable, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX];
	int r = hostroute_is_local(host, source);

	if (r < 0)
		return error_set_errno(reterr, ERROR_SNAT, r,
				       "cannot find out whether source address %s is on the host",
				       address_format(source, text));
	*ret_usable = r;
	return 0;
}
