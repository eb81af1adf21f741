/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses in the namespaces that can be reached. What is found here is not given, and what is not found is taken from
 * whoever had it: a namespace that is gone has no addresses, one that could not be asked may have any.
 */

#include "plugin/network/in_use.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ipam/address/range.h"
#include "plugin/network/link.h"
#include "plugin/network/netns.h"
#include "plugin/network/port.h"
#include "plugin/network/rtmessage.h"
#include "rangeguard/array.h"

/** Longest path: "/run/docker/netns/" and a name, "/proc/4194304/ns/net" */
#define PATH_SPACE 320

/** struct namespace_scan - What has been seen: inodes of namespaces, addresses; @at is where the dump that runs is from */
struct namespace_scan {
	struct in_use *in_use;
	uint64_t *inodes;
	size_t n_inodes;
	size_t capacity;
	struct netns at;
	size_t n_before;
};

/** is_seen() - Whether a namespace was asked already */
static bool is_seen(const struct namespace_scan *scan, uint64_t inode)
{
	for (size_t i = scan->n_inodes; i > 0; i--)
		if (scan->inodes[i - 1] == inode)
			return true;
	return false;
}

/** note_seen() - Remember a namespace: 0, -ENOMEM */
static int note_seen(struct namespace_scan *scan, uint64_t inode)
{
	uint64_t *inodes = array_room(scan->inodes, scan->n_inodes, &scan->capacity, sizeof(*inodes));

	if (!inodes)
		return -ENOMEM;
	scan->inodes = inodes;
	scan->inodes[scan->n_inodes++] = inode;
	return 0;
}

/** add() - Keep an address: 0, -ENOMEM */
static int add(struct namespace_scan *scan, const struct address_info *info)
{
	struct in_use *in_use = scan->in_use;
	struct used_address *item;

	struct used_address *items = array_room(in_use->items, in_use->n_items, &in_use->capacity, sizeof(*items));

	if (!items)
		return -ENOMEM;
	in_use->items = items;
	item = &in_use->items[in_use->n_items++];
	*item = (struct used_address){.address = info->address.address,
				      .interface = info->interface,
				      .inode = scan->at.inode,
				      .cookie = scan->at.cookie};
	return 0;
}

/** take_address() - port_reply_fn: keep an address that a host can have */
static int take_address(const struct nlmsghdr *message, void *userdata)
{
	struct namespace_scan *scan = userdata;
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

/** exchange() - Ask a port: 0, negative errno, also for what the kernel refuses */
static int exchange(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata)
{
	struct port_failure failure = {0};
	int r = port_exchange(port, batch, reply, userdata, &failure);

	return r == PORT_E_REFUSED ? -failure.errnum : r;
}

/** dump() - Read the addresses of the namespace that a port is in: 0, negative errno */
static int dump(struct namespace_scan *scan, struct port *port)
{
	struct batch batch;
	int r;

	scan->n_before = scan->in_use->n_items;
	batch_reset(&batch);
	r = rtmessage_dump_addresses(&batch, 0);
	return r ? r : exchange(port, &batch, take_address, scan);
}

/** name_interface() - The name of the interface of an address: 0, also when it is gone by now; negative errno */
static int name_interface(struct port *port, struct used_address *item)
{
	struct link_answer answer = {.found = false};
	struct batch batch;
	int r;

	batch_reset(&batch);
	r = rtmessage_get_link(&batch, item->interface);
	if (!r)
		r = exchange(port, &batch, link_take, &answer);
	if (!r && answer.found)
		memcpy(item->ifname, answer.link.name, sizeof(item->ifname));
	return r == -ENODEV ? 0 : r;
}

/** open_in() - A port in the namespace that is asked, the calling thread in its own again: 0, negative errno */
static int open_in(struct namespace_scan *scan, const struct netns *own, struct port **ret_port)
{
	int r = netns_read_cookie(&scan->at);

	if (!r)
		r = netns_enter(&scan->at);
	if (r)
		return r;
	r = port_open(ret_port);
	netns_return(own->fd);
	return r;
}

/** ask() - Ask one namespace: 0, negative errno */
static int ask(struct namespace_scan *scan, const struct netns *own)
{
	PORT_CLEANUP struct port *port = NULL;
	int r = open_in(scan, own, &port);

	if (!r)
		r = dump(scan, port);
	for (size_t i = scan->n_before; i < scan->in_use->n_items && !r; i++)
		r = name_interface(port, &scan->in_use->items[i]);
	return r;
}

/** open_unseen() - Open the namespace at a path: 0, NETNS_E_NOT_NETNS also where it was asked already, negative errno */
static int open_unseen(struct namespace_scan *scan, const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -errno;
	return is_seen(scan, status.st_ino) ? NETNS_E_NOT_NETNS : netns_open(path, &scan->at);
}

/**
 * pass_over() - What it means that a namespace could not be asked
 * @scan:	Scan
 * @r:		Negative errno
 *
 * Return: 0 when it is gone, when the path never was one, and when it is closed to us, which is counted; else @r
 */
static int pass_over(struct namespace_scan *scan, int r)
{
	switch (r) {
	case -ENOENT:
	case -ESRCH:
	case -ENOTDIR:
	case -ELOOP: /* these three: something else at a name in /run/netns */
	case -ENXIO:
	case -ENODEV:
		return 0;
	case -EACCES:
	case -EPERM:
		scan->in_use->n_closed++;
		return 0;
	default:
		return r;
	}
}

/** visit() - Ask the namespace at a path, unless it was asked: 0, negative errno */
static int visit(struct namespace_scan *scan, const struct netns *own, const char *path)
{
	int r = open_unseen(scan, path);

	/* Of a process that ends at this moment the kernel says so once (proc_ns_get_link()); then it is gone. */
	if (r == -EACCES)
		r = open_unseen(scan, path);
	if (r)
		return r < 0 ? pass_over(scan, r) : 0;
	r = note_seen(scan, scan->at.inode);
	if (!r) {
		scan->n_before = scan->in_use->n_items;
		r = ask(scan, own);
		r = r < 0 ? pass_over(scan, r) : r;
	}
	netns_done(&scan->at);
	return r;
}

/** is_name() - Whether an entry of a directory can be a namespace, of /proc a process */
static bool is_name(const char *name, const char *suffix)
{
	return *suffix ? name[0] >= '0' && name[0] <= '9' : name[0] != '.';
}

/** visit_all() - Ask the namespaces at DIRECTORY/NAME/SUFFIX: 0, also when there is no directory; negative errno */
static int visit_all(struct namespace_scan *scan, const struct netns *own, const char *directory, const char *suffix)
{
	DIR *stream = opendir(directory);
	const struct dirent *entry;
	char path[PATH_SPACE];
	int r = 0;

	if (!stream)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	for (errno = 0; r == 0 && (entry = readdir(stream)); errno = 0) {
		int length = snprintf(path, sizeof(path), "%s/%s%s", directory, entry->d_name, suffix);

		if (is_name(entry->d_name, suffix) && length > 0 && (size_t)length < sizeof(path))
			r = visit(scan, own, path);
	}
	if (r == 0)
		r = -errno;
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

/** scan_all() - Ask them all, but the calling thread's own: 0, negative errno */
static int scan_all(struct namespace_scan *scan)
{
	static const char *const places[][2] = {{"/run/netns", ""}, {"/run/docker/netns", ""}, {"/proc", "/ns/net"}};
	NETNS_CLEANUP struct netns own = NETNS_INIT;
	int r = netns_open("/proc/thread-self/ns/net", &own);

	if (r == 0)
		r = note_seen(scan, own.inode);
	for (size_t i = 0; i < ARRAY_LENGTH(places) && r == 0; i++)
		r = visit_all(scan, &own, places[i][0], places[i][1]);
	return r > 0 ? -EINVAL : r;
}

/**
 * in_use_read() - Ask all namespaces that can be reached, but the calling thread's own
 * @own:	NULL; or a port in that one, whose addresses count as well
 * @ret_in_use:	Addresses that a host can have; in_use_done() releases them
 *
 * Return: 0, negative errno when a namespace may be missing, but for those that are counted as closed
 */
int in_use_read(struct port *own, struct in_use *ret_in_use)
{
	IN_USE_CLEANUP struct in_use in_use = {0};
	struct namespace_scan scan = {.in_use = &in_use, .at = NETNS_INIT};
	int r = own ? dump(&scan, own) : 0;

	if (r == 0)
		r = scan_all(&scan);
	free(scan.inodes);
	if (r)
		return r;
	if (in_use.n_items)
		qsort(in_use.items, in_use.n_items, sizeof(*in_use.items), by_address);
	*ret_in_use = in_use;
	in_use = (struct in_use){0};
	return 0;
}

/** in_use_has() - Whether a namespace has an address of @span */
bool in_use_has(const struct in_use *in_use, const struct span *span)
{
	struct used_address first = {.address = {.family = span->family, .value = span->first}};
	size_t low = 0, high = in_use->n_items;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_address(&in_use->items[middle], &first) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < in_use->n_items && span_contains(span, &in_use->items[low].address);
}

/** in_use_done() - Release the addresses */
void in_use_done(struct in_use *in_use)
{
	free(in_use->items);
	*in_use = (struct in_use){0};
}
