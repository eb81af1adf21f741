/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_NETNS_H
#define PLUGIN_NETWORK_NETNS_H

/* Network namespaces by path: opened once, checked to be what they claim, compared by inode, entered. */

#include <stdint.h>

#include "plugin/network/port.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno */
enum netns_outcome {
	NETNS_E_NOT_NETNS = OUTCOMES_NETNS, /* the path is something else than a network namespace */
};

/**
 * struct netns - An open namespace
 * @fd:		Descriptor
 * @way_back:	-1, or the descriptor of the namespace that the calling thread was in when it first looked at this one
 * @device:	With @inode, what identifies it as long as it is open, whatever its path becomes
 * @inode:	Is used again once a namespace is gone
 * @cookie:	Is not, in this boot (SO_NETNS_COOKIE); 0: not read, or a kernel before 5.14
 */
struct netns {
	int fd;
	int way_back;
	uint64_t device;
	uint64_t inode;
	uint64_t cookie;
};

#define NETNS_INIT                                                                                                     \
	{                                                                                                              \
		.fd = -1, .way_back = -1                                                                               \
	}

int netns_open(const char *path, struct netns *ret_netns);
int netns_has_port(struct netns *netns, struct port *port);
int netns_read_cookie(struct netns *netns);
int netns_enter(const struct netns *netns);
void netns_return(int own_fd);
void netns_done(struct netns *netns);

#define NETNS_CLEANUP __attribute__((cleanup(netns_done)))

#endif
