/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses there are in network namespaces. */

#include "plugin/network/census.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin/network/netns.h"
#include "plugin/network/rtmessage.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** struct listener - Who hears of addresses, and what came of it */
struct listener {
	census_fn heard;
	void *userdata;
	int outcome;
};

/** take_address() - port_reply_fn: an address of a dump. One that begins again tells some twice */
static int take_address(const struct nlmsghdr *message, void *userdata)
{
	struct listener *listener = userdata;
	struct address_info info;
	int r = message ? rtmessage_read_address(message, &info) : -ENOMSG;

	if (r == -ENOMSG || listener->outcome)
		return 0;
	if (r < 0)
		return r;
	listener->outcome = listener->heard(listener->userdata, &info.address.address);
	return 0;
}

/**
 * census_port() - The addresses of the namespace that a port is in
 * @port:	Port
 * @heard:	Hears of each, perhaps more than once
 * @userdata:	For it
 *
 * Return: 0, what @heard returned, negative errno
 */
int census_port(struct port *port, census_fn heard, void *userdata)
{
	struct listener listener = {.heard = heard, .userdata = userdata};
	struct port_failure failure = {0};
	struct batch batch;
	int r;

	batch_reset(&batch);
	r = rtmessage_dump_addresses(&batch, 0);
	if (!r)
		r = port_exchange(port, &batch, take_address, &listener, &failure);
	if (r == PORT_E_REFUSED)
		return -failure.errnum;
	return r ? r : listener.outcome;
}

/** open_in() - A port in another namespace, with the calling thread in its own again: 0, negative errno */
static int open_in(const struct netns *own, const struct netns *other, struct port **ret_port)
{
	int r = netns_enter(other);

	if (r < 0)
		return r;
	r = port_open(ret_port);
	netns_return(own->fd);
	return r;
}

/** census_path() - The addresses of one namespace; one that is gone by now has none */
static int census_path(const struct netns *own, const char *path, census_fn heard, void *userdata)
{
	NETNS_CLEANUP struct netns other = NETNS_INIT;
	PORT_CLEANUP struct port *port = NULL;

	if (netns_open(path, &other) || open_in(own, &other, &port) < 0)
		return 0;
	return census_port(port, heard, userdata);
}

/**
 * census_directory() - The addresses of the namespaces that have a name in a directory
 * @directory:	Directory, e.g. "/run/netns"; one that is not there has none
 * @heard:	Hears of each, perhaps more than once
 * @userdata:	For it
 *
 * Return: 0, what @heard returned, negative errno
 */
int census_directory(const char *directory, census_fn heard, void *userdata)
{
	NETNS_CLEANUP struct netns own = NETNS_INIT;
	DIR *entries = opendir(directory);
	const struct dirent *entry;
	char path[LIMIT_PATH];
	int r;

	if (!entries)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	r = netns_open("/proc/thread-self/ns/net", &own);
	while (r == 0 && (entry = readdir(entries)))
		if (snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) < (int)sizeof(path))
			r = census_path(&own, path, heard, userdata);
	(void)closedir(entries);
	return r;
}
