/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_ATTACH_H
#define PLUGIN_NETWORK_ATTACH_H

/*
 * Plan to kernel and back: makes an attachment, takes it down, compares it. What fails half-way leaves nothing.
 * Errors are CNI errors with the kernel's own words in their details (code 107).
 */

#include "plugin/network/netns.h"
#include "plugin/network/plan.h"
#include "plugin/network/port.h"
#include "plugin/network/rtmessage.h"
#include "plugin/report/error.h"
#include "rangeguard/outcome.h"

/*
 * Make the pair, wire both ends, container end up last. The host's port is open in the host's namespace, in which the
 * calling thread is, also afterwards.
 * 0; REFUSED. ATTACH_E_EXISTS (error filled too): an interface of that name is there already and was left alone.
 */
enum attach_outcome {
	ATTACH_E_EXISTS = OUTCOMES_ATTACH,
	ATTACH_E_ABSENT,  /* no such interface, or not this attachment's */
	ATTACH_E_FOREIGN, /* an interface has our name, but is somebody else's: left alone */
};
/**
 * struct attach_step - What is to be done while nothing passes: before the container's end comes up, or after the host
 * end went down
 * @run:	NULL, or called with the index of the host end (0: there is none), the thread being in the host's namespace;
 *		0, REFUSED
 * @userdata:	For it
 * @addresses:	Addresses by which a host end is found that somebody renamed; borrowed
 * @n_addresses:	How many
 */
struct attach_step {
	int (*run)(void *userdata, uint32_t host_index, struct error *reterr);
	void *userdata;
	const struct address *addresses;
	size_t n_addresses;
};
int attach_enter(struct port *host, struct netns *netns, struct error *reterr);
int attach_create(struct port *host, struct netns *netns, const struct plan *plan, const struct attach_step *before_up,
		  struct error *reterr);
/* Remove the host end, and with it everything. 0, also when it is not there or not ours; REFUSED. */
int attach_delete(struct port *host, const struct attachment *attachment, const struct attach_step *when_down,
		  struct error *reterr);
/** struct attach_group - Host ends to be removed together: a batch of them, and the message that does it */
#define ATTACH_GROUP_MAX (BATCH_MESSAGES - 1)
struct attach_group {
	uint32_t indices[ATTACH_GROUP_MAX];
	size_t n;
};
int attach_group_add(struct port *host, const struct attachment *attachment, struct attach_group *group,
		     struct error *reterr);
int attach_group_delete(struct port *host, struct attach_group *group, struct error *reterr);
/* The host end of an attachment as the kernel has it: 0, ATTACH_E_ABSENT, ATTACH_E_FOREIGN, REFUSED. */
int attach_find(struct port *host, const struct attachment *attachment, struct link_info *ret_link,
		struct error *reterr);
int attach_find_renamed(struct port *host, const struct attachment *attachment, const struct address *addresses,
			size_t n_addresses, struct link_info *ret_link, struct error *reterr);
int attach_find_by_alias(struct port *host, const struct attachment *attachment, struct link_info *ret_link,
			 struct error *reterr);
/**
 * struct attach_expectation - What an attachment is compared with; borrowed
 * @mac:		MAC address of the container's end, NULL: any
 * @addresses:		Addresses of the container's end, with their prefix lengths
 * @n_addresses:	How many
 * @routes:		Routes in the container; one without gateway may have any next hop
 * @n_routes:		How many
 * @mtu:		Of both ends, 0: any, as long as it is the same
 * @others:		The container has interfaces of others, whose routes are among these
 */
struct attach_expectation {
	const char *mac;
	const struct prefix *addresses;
	size_t n_addresses;
	const struct route *routes;
	size_t n_routes;
	unsigned mtu;
	bool others;
};

/* Compare the kernel with what is expected (CHECK): 0, REFUSED with what is missing. */
int attach_check(struct port *host, struct netns *netns, const struct attachment *attachment,
		 const struct attach_expectation *expected, struct error *reterr);
/* The same of the host's side alone; nothing is put back. */
int attach_check_host(struct port *host, const struct attachment *attachment, const struct attach_expectation *expected,
		      struct error *reterr);
/* MTU of the interface that holds the host's default route, 1500 when there is none. */
int attach_default_mtu(struct port *host, unsigned *ret_mtu, char ret_name[static IFNAMSIZ], struct error *reterr);

#endif
