/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes an attachment as its plan says, finds it, takes it down.
 *
 * Everything hangs on the veth pair: when its host end is deleted, the kernel removes the other end, the addresses,
 * neighbours and routes of both. So there is one thing to undo, whatever failed and wherever the program was killed.
 * The pair is ours when its alias says so; between its birth and its alias, its MAC address does (identity.h).
 */

#include "plugin/network/attach.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#include "plugin/network/hostroute.h"
#include "plugin/network/link.h"
#include "plugin/network/stage.h"
#include "plugin/network/wire.h"

/** How often and how far apart the kernel is asked whether what it does in its own time is done: 50 ms in all */
#define QUESTIONS 50U
#define PAUSE_NS 1000000L

/**
 * delete_link() - Delete a link; one that is gone already will do
 * @host:	Port
 * @index:	Link
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
static int delete_link(struct port *host, uint32_t index, struct error *reterr)
{
	struct stage stage;
	int r;

	stage_begin(&stage, host, "on the host", reterr);
	r = stage_add(&stage, rtmessage_delete_link(&stage.batch, index));
	return r ? r : stage_ask(&stage);
}

/**
 * undo_creation() - Remove the pair, if it was made after all; the error that led here stays as it is
 * @host:	Port
 * @plan:	Plan
 *
 * A pair with an alias is an older one.
 */
static void undo_creation(struct port *host, const struct plan *plan)
{
	struct link_answer answer;
	struct error ignored;

	if (link_find(host, plan->host_name, &answer, &ignored) == 0 && answer.found && !answer.link.alias[0] &&
	    identity_is_host_end(&answer.link, plan->alias, plan->host_mac))
		(void)delete_link(host, answer.link.index, &ignored);
}

/**
 * already_there() - Say which end's name is taken
 * @plan:	Plan
 * @answer:	What has the host end's name
 * @stage:	Stage whose first message was refused
 *
 * Return: ATTACH_E_EXISTS
 */
static int already_there(const struct plan *plan, const struct link_answer *answer, struct stage *stage)
{
	if (!answer->found)
		(void)error_set(stage->err, ERROR_KERNEL,
				"an interface %s is already in the container; it was left as it is",
				plan->container_name);
	else if (identity_is_host_end(&answer->link, plan->alias, plan->host_mac))
		(void)error_set(
			stage->err, ERROR_KERNEL,
			"interface %s of this container is attached already (host end %s); it was left as it is",
			plan->container_name, plan->host_name);
	else
		(void)error_set(stage->err, ERROR_KERNEL,
				"the host end's name %s is taken by another interface%s%s; it was left as it is",
				plan->host_name, answer->link.alias[0] ? ", whose alias is " : "", answer->link.alias);
	if (stage->failure.text[0])
		error_details(stage->err, "%s", stage->failure.text);
	return ATTACH_E_EXISTS;
}

/**
 * create_pair() - Make the pair and learn its indices
 * @host:	Port
 * @netns:	Namespace of the container's end
 * @plan:	Plan
 * @ret_link:	Host end
 * @reterr:	Error
 *
 * Return: 0; ATTACH_E_EXISTS; REFUSED. Then nothing is left of it
 */
static int create_pair(struct port *host, const struct netns *netns, const struct plan *plan,
		       struct link_info *ret_link, struct error *reterr)
{
	struct link_answer answer = {.found = false};
	struct stage stage;
	int r;

	stage_begin(&stage, host, "on the host", reterr);
	stage.reply = link_take;
	stage.userdata = &answer;
	r = stage_add(&stage, rtmessage_create_veth(&stage.batch, plan, netns->fd));
	if (!r)
		r = stage_add(&stage, rtmessage_get_link_by_name(&stage.batch, plan->host_name));
	if (r)
		return r;
	r = stage_try(&stage);
	if (r == PORT_E_REFUSED && stage.failure.index == 0)
		return stage.failure.errnum == EEXIST ? already_there(plan, &answer, &stage) : stage_refused(&stage);
	if (!r && answer.found) {
		*ret_link = answer.link;
		return 0;
	}
	undo_creation(host, plan);
	if (r < 0)
		return REFUSED;
	return r ? stage_refused(&stage)
		 : error_set(reterr, ERROR_KERNEL, "interface %s is missing after it was made", plan->host_name);
}

/**
 * open_and_wire() - A port in the container, where the calling thread is, and what is to be done there
 * @plan:	Plan
 * @index:	Container's end
 * @ret_port:	Port, also after a failure; port_close() it
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
static int open_and_wire(const struct plan *plan, uint32_t index, struct port **ret_port, struct error *reterr)
{
	int r = port_open(ret_port);

	if (r < 0)
		return error_set_errno(reterr, ERROR_KERNEL, r, "cannot open a netlink socket in the container");
	return wire_container(*ret_port, plan, index, reterr);
}

/**
 * wire_inside() - Wire the container's end; the calling thread enters its namespace for that, and comes back
 * @host:	Port of the host's namespace
 * @netns:	Container's namespace
 * @plan:	Plan
 * @index:	Container's end
 * @ret_port:	Port in the container, also after a failure; port_close() it
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
static int wire_inside(struct port *host, struct netns *netns, const struct plan *plan, uint32_t index,
		       struct port **ret_port, struct error *reterr)
{
	int r = attach_enter(host, netns, reterr);

	if (r)
		return r;
	r = open_and_wire(plan, index, ret_port, reterr);
	netns_return(netns->way_back);
	return r;
}

/**
 * attach_enter() - Go into a container's namespace
 * @host:	Port of the namespace that the calling thread is in
 * @netns:	Container's; has a way back afterwards, for netns_return()
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
int attach_enter(struct port *host, struct netns *netns, struct error *reterr)
{
	int r;

	if (netns->way_back < 0)
		netns->way_back = port_open_netns(host);
	if (netns->way_back < 0)
		return error_set_errno(reterr, ERROR_KERNEL, netns->way_back,
				       "the plugin's own network namespace can't be looked at");
	r = netns_enter(netns);
	return r < 0 ? error_set_errno(reterr, ERROR_KERNEL, r, "cannot enter the container's network namespace") : 0;
}

/**
 * await_carrier() - See that the host end sends, before anybody is told that it is there
 * @host:	Port
 * @plan:	Plan
 *
 * The end has carrier since the container's end is up, but the kernel starts its queue later, in the link watch's own
 * time; a packet from the host before that is lost. From Linux 6.8 on the question itself makes the kernel catch up
 * (linkwatch_sync_dev() in rtnl_getlink()), before that it is asked again for a moment. A late queue is no failure.
 */
static void await_carrier(struct port *host, const struct plan *plan)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct link_answer answer;
	struct error ignored;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		if (link_find(host, plan->host_name, &answer, &ignored) || !answer.found ||
		    (answer.link.operstate != IF_OPER_DOWN && answer.link.operstate != IF_OPER_LOWERLAYERDOWN))
			return;
		(void)nanosleep(&pause, NULL);
	}
}

/**
 * await_addresses() - See that the container takes packets to its IPv6 addresses
 * @container:	Port of its namespace
 * @plan:	Plan
 *
 * Also without duplicate address detection the kernel makes the local route to an address in a work queue of its own
 * (addrconf_dad_work() in net/ipv6/addrconf.c); an answer that comes before it is lost. A late one is no failure.
 */
static void await_addresses(struct port *container, const struct plan *plan)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	for (size_t i = 0, questions = 0; i < plan->n_addresses && questions < QUESTIONS;) {
		if (plan->addresses[i].family == FAMILY_IPV4 ||
		    hostroute_is_local(container, &plan->addresses[i]) == 1) {
			i++;
			continue;
		}
		questions++;
		(void)nanosleep(&pause, NULL);
	}
}

/**
 * attach_create() - Make an attachment
 * @host:	Port of the host's namespace, in which the calling thread is
 * @netns:	The container's namespace
 * @plan:	Plan
 * @before_up:	What else is to be done before the host end comes up
 * @reterr:	Error
 *
 * Return: 0; ATTACH_E_EXISTS when an interface of that name is on the host or in the container, which is left alone;
 * REFUSED, and nothing is left
 */
int attach_create(struct port *host, struct netns *netns, const struct plan *plan, const struct attach_step *before_up,
		  struct error *reterr)
{
	struct port *container PORT_CLEANUP = NULL;
	struct link_info link = {0};
	struct error ignored;
	int r;

	r = create_pair(host, netns, plan, &link, reterr);
	if (r)
		return r;
	if (before_up->run)
		r = before_up->run(before_up->userdata, link.index, reterr);
	if (!r)
		r = wire_host(host, plan, link.index, reterr);
	if (!r)
		r = wire_inside(host, netns, plan, link.peer_index, &container, reterr);
	if (r) {
		(void)delete_link(host, link.index, &ignored);
		return r;
	}
	await_addresses(container, plan);
	await_carrier(host, plan);
	return 0;
}

/**
 * attach_find() - The host end of an attachment as the kernel has it
 * @host:	Port
 * @attachment:	Attachment
 * @ret_link:	Host end
 * @reterr:	Error
 *
 * Return: 0; ATTACH_E_ABSENT; ATTACH_E_FOREIGN when somebody else's interface has its name; REFUSED
 */
int attach_find(struct port *host, const struct attachment *attachment, struct link_info *ret_link,
		struct error *reterr)
{
	char name[IFNAMSIZ], alias[IDENTITY_ALIAS_MAX];
	uint8_t mac[ETH_ALEN];
	struct link_answer answer;
	int r;

	identity_host_name(attachment, name);
	r = link_find(host, name, &answer, reterr);
	if (r)
		return r;
	if (!answer.found)
		return ATTACH_E_ABSENT;
	identity_alias(attachment, alias);
	identity_host_mac(attachment, mac);
	if (!identity_is_host_end(&answer.link, alias, mac))
		return ATTACH_E_FOREIGN;
	*ret_link = answer.link;
	return 0;
}

/** take_down() - Take a link down; one that is gone already will do: 0, REFUSED */
static int take_down(struct port *host, uint32_t index, struct error *reterr)
{
	struct stage stage;
	int r;

	stage_begin(&stage, host, "on the host", reterr);
	r = stage_add(&stage, rtmessage_set_down(&stage.batch, index));
	return r ? r : stage_ask(&stage);
}

/** find_by_any_name() - The host end of an attachment, also when it was renamed: 0, ATTACH_E_ABSENT, REFUSED */
static int find_by_any_name(struct port *host, const struct attachment *attachment, const struct attach_step *step,
			    struct link_info *ret_link, struct error *reterr)
{
	int r = attach_find(host, attachment, ret_link, reterr);

	if (r != ATTACH_E_ABSENT && r != ATTACH_E_FOREIGN)
		return r;
	r = attach_find_renamed(host, attachment, step->addresses, step->n_addresses, ret_link, reterr);
	/* A DEL that comes again and again knows no addresses any more, and looks at nobody else's links. */
	if (r == ATTACH_E_ABSENT && step->n_addresses)
		r = attach_find_by_alias(host, attachment, ret_link, reterr);
	return r;
}

/**
 * attach_delete() - Remove an attachment's host end, and everything with it
 * @host:	Port
 * @attachment:	Attachment
 * @when_down:	What else is to be done once nothing passes any more. It is done before the host end goes, so that what
 *		it leaves to the kernel is done while the kernel takes its time over that: milliseconds, both
 * @reterr:	Error
 *
 * Return: 0, also when it is not there or not ours; REFUSED, when the host end may be gone all the same
 */
int attach_delete(struct port *host, const struct attachment *attachment, const struct attach_step *when_down,
		  struct error *reterr)
{
	struct error step_error = {0};
	struct link_info link = {0};
	int r = find_by_any_name(host, attachment, when_down, &link, reterr);
	int step = 0;
	bool there;

	if (r && r != ATTACH_E_ABSENT)
		return r;
	there = r == 0;
	if (there && when_down->run && take_down(host, link.index, reterr))
		return REFUSED;
	if (when_down->run)
		step = when_down->run(when_down->userdata, link.index, &step_error);
	if (there && delete_link(host, link.index, reterr))
		return REFUSED;
	if (step)
		*reterr = step_error;
	return step;
}
