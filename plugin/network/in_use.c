/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses in the namespaces that can be reached. */

#include "plugin/network/in_use.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ipam/address/range.h"
#include "plugin/network/netns.h"
#include "plugin/network/port.h"
#include "plugin/network/rtmessage.h"

/** Longest path: "/run/docker/netns/" and a name, "/proc/4194304/ns/net" */
#define PATH_SPACE 320
#define ITEMS_FIRST 64U

/** struct scan - What has been seen: inodes of namespaces, addresses; @at is where the dump that runs is from */
struct scan {
	struct in_use *in_use;
	uint64_t *inodes;
	size_t n_inodes;
	size_t capacity;
	struct netns at;
	size_t n_before;
};

/** is_seen() - Whether a namespace was asked already */
static bool is_seen(const struct scan *scan, uint64_t inode)
{
	for (size_t i = scan->n_inodes; i > 0; i--)
		if (scan->inodes[i - 1] == inode)
			return true;
	return false;
}

/** note_seen() - Remember a namespace: 0, -ENOMEM */
static int note_seen(struct scan *scan, uint64_t inode)
{
	if (scan->n_inodes == scan->capacity) {
		size_t capacity = scan->capacity ? scan->capacity * 2 : ITEMS_FIRST;
		uint64_t *inodes = reallocarray(scan->inodes, capacity, sizeof(*inodes));

		if (!inodes)
			return -ENOMEM;
		scan->inodes = inodes;
		scan->capacity = capacity;
	}
	scan->inodes[scan->n_inodes++] = inode;
	return 0;
}

/** add() - Keep an address: 0, -ENOMEM */
static int add(struct scan *scan, const struct address_info *info)
{
	struct in_use *in_use = scan->in_use;
	struct used_address *item;

	if (in_use->n_items == in_use->capacity) {
		size_t capacity = in_use->capacity ? in_use->capacity * 2 : ITEMS_FIRST;
		struct used_address *items = reallocarray(in_use->items, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		in_use->items = items;
		in_use->capacity = capacity;
	}
	item = &in_use->items[in_use->n_items++];
	*item = (struct used_address){
		.address = info->address.address, .inode = scan->at.inode, .cookie = scan->at.cookie};
	if (!if_indextoname(info->interface, item->ifname))
		item->ifname[0] = '\0';
	return 0;
}

/** take_address() - port_reply_fn: keep an address that a host can have */
static int take_address(const struct nlmsghdr *message, void *userdata)
{
	struct scan *scan = userdata;
	struct address_info info;
	struct span alone;
	int r;

	if (!message) {
		scan->in_use->n_items = scan->n_before;
		return 0;
	}
	r = rtmessage_read_address(message, &info);
	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	alone = span_of_address(&info.address.address);
	return range_is_for_hosts(&alone) ? add(scan, &info) : 0;
}

/** dump_here() - Read the addresses of the namespace in which the calling thread is: 0, negative errno */
static int dump_here(struct scan *scan)
{
	PORT_CLEANUP struct port *port = NULL;
	struct port_failure failure = {0};
	struct batch batch;
	int r = port_open(&port);

	scan->n_before = scan->in_use->n_items;
	batch_reset(&batch);
	if (!r)
		r = rtmessage_dump_addresses(&batch, 0);
	if (!r)
		r = port_exchange(port, &batch, take_address, scan, &failure);
	return r == PORT_E_REFUSED ? -failure.errnum : r;
}

/** ask() - Ask one namespace, from within it, and come back: 0, -ENOMEM; one that is gone or closed to us is passed over */
static int ask(struct scan *scan, const struct netns *own)
{
	int r = netns_read_cookie(&scan->at);

	if (r < 0 || netns_enter(&scan->at) < 0)
		return 0;
	r = dump_here(scan);
	netns_return(own->fd);
	return r == -ENOMEM ? r : 0;
}

/** visit() - Ask the namespace at a path, unless it was asked: 0, -ENOMEM */
static int visit(struct scan *scan, const struct netns *own, const char *path)
{
	struct stat status;
	int r;

	if (stat(path, &status) < 0 || is_seen(scan, status.st_ino) || netns_open(path, &scan->at))
		return 0;
	r = note_seen(scan, scan->at.inode);
	if (r == 0)
		r = ask(scan, own);
	netns_done(&scan->at);
	return r;
}

/** visit_all() - Ask the namespaces at DIRECTORY/NAME/SUFFIX: 0, -ENOMEM */
static int visit_all(struct scan *scan, const struct netns *own, const char *directory, const char *suffix)
{
	DIR *stream = opendir(directory);
	const struct dirent *entry;
	char path[PATH_SPACE];
	int r = 0;

	if (!stream)
		return 0;
	while (r == 0 && (entry = readdir(stream))) {
		int length = snprintf(path, sizeof(path), "%s/%s%s", directory, entry->d_name, suffix);

		/* Of /proc only the processes */
		if (entry->d_name[0] == '.' || length < 0 || (size_t)length >= sizeof(path) ||
		    (*suffix && (entry->d_name[0] < '0' || entry->d_name[0] > '9')))
			continue;
		r = visit(scan, own, path);
	}
	(void)closedir(stream);
	return r;
}

/** by_address() - For qsort(3) and bsearch(3) */
static int by_address(const void *a, const void *b)
{
	const struct used_address *left = a, *right = b;

	if (left->address.family != right->address.family)
		return left->address.family < right->address.family ? -1 : 1;
	return (left->address.value > right->address.value) - (left->address.value < right->address.value);
}

/**
 * in_use_read() - Ask all namespaces that can be reached, but the calling thread's own
 * @ret_in_use:	Addresses that a host can have; in_use_done() releases them
 *
 * Return: 0, negative errno
 */
int in_use_read(struct in_use *ret_in_use)
{
	NETNS_CLEANUP struct netns own = NETNS_INIT;
	IN_USE_CLEANUP struct in_use in_use = {0};
	struct scan scan = {.in_use = &in_use, .at = NETNS_INIT};
	int r = netns_open("/proc/thread-self/ns/net", &own);

	if (r == 0)
		r = note_seen(&scan, own.inode);
	if (r == 0)
		r = visit_all(&scan, &own, "/run/netns", "");
	if (r == 0)
		r = visit_all(&scan, &own, "/run/docker/netns", "");
	if (r == 0)
		r = visit_all(&scan, &own, "/proc", "/ns/net");
	free(scan.inodes);
	if (r)
		return r < 0 ? r : -EINVAL;
	if (in_use.n_items)
		qsort(in_use.items, in_use.n_items, sizeof(*in_use.items), by_address);
	*ret_in_use = in_use;
	in_use = (struct in_use){0};
	return 0;
}

/** in_use_has() - Whether a namespace has @address */
bool in_use_has(const struct in_use *in_use, const struct address *address)
{
	struct used_address wanted = {.address = *address};

	return in_use->n_items && bsearch(&wanted, in_use->items, in_use->n_items, sizeof(*in_use->items), by_address);
}

/** in_use_done() - Release the addresses */
void in_use_done(struct in_use *in_use)
{
	free(in_use->items);
	*in_use = (struct in_use){0};
}
