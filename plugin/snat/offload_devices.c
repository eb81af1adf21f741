/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers' interfaces: those that are to be in the flowtable, and those that are. Owns nothing of the kernel's. */

#include <errno.h>
#include <libnftnl/flowtable.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/snat/nfobject.h"
#include "plugin/snat/offload.h"

/** append() - Another name: 0, -ENOMEM */
static int append(struct offload_devices *devices, const char *name)
{
	char(*names)[IFNAMSIZ] = reallocarray(devices->names, devices->n + 1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	devices->names = names;
	memset(names[devices->n], 0, sizeof(*names));
	memcpy(names[devices->n++], name, strnlen(name, IFNAMSIZ - 1));
	return 0;
}

/** offload_devices_add() - Add a container's interface; "", or one that is not there any more, is left out: 0, -ENOMEM */
int offload_devices_add(struct offload_devices *devices, const char *name)
{
	return *name && if_nametoindex(name) ? append(devices, name) : 0;
}

/** offload_devices_done() - Release them */
void offload_devices_done(struct offload_devices *devices)
{
	free(devices->names);
	*devices = (struct offload_devices){0};
}

/** by_name() - qsort(3) order */
static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/** offload_devices_sort() - By name, and each once: two roles may have the same one, and the kernel refuses it twice */
void offload_devices_sort(struct offload_devices *devices)
{
	size_t n = 0;

	if (devices->n)
		qsort(devices->names, devices->n, sizeof(*devices->names), by_name);
	for (size_t i = 0; i < devices->n; i++)
		if (!n || strcmp(devices->names[n - 1], devices->names[i]) != 0)
			memmove(devices->names[n++], devices->names[i], sizeof(*devices->names));
	devices->n = n;
}

/** offload_devices_drop_gone() - Leave out those that are not there any more: whether there were any */
bool offload_devices_drop_gone(struct offload_devices *devices)
{
	size_t n = 0, before = devices->n;

	for (size_t i = 0; i < before; i++)
		if (if_nametoindex(devices->names[i]))
			memmove(devices->names[n++], devices->names[i], sizeof(*devices->names));
	devices->n = n;
	return n < before;
}

/** struct device_list - What the kernel tells of the flowtable; @found: it is there, and told */
struct device_list {
	struct offload_devices devices;
	bool found;
};

/** take_names() - The devices of a flowtable: 0, -ENOMEM */
static int take_names(const struct nftnl_flowtable *flowtable, struct device_list *list)
{
	const char *const *names = nftnl_flowtable_get_array(flowtable, NFTNL_FLOWTABLE_DEVICES);
	int r = 0;

	list->found = true;
	for (size_t i = 0; names && names[i] && !r; i++)
		r = append(&list->devices, names[i]);
	return r;
}

/** take_flowtable() - port_reply_fn: the devices of ours; @userdata is a struct device_list */
static int take_flowtable(const struct nlmsghdr *message, void *userdata)
{
	struct nftnl_flowtable *flowtable NF_FLOWTABLE_CLEANUP = nftnl_flowtable_alloc();
	struct device_list *list = userdata;
	const char *name, *table;

	if (!flowtable)
		return -ENOMEM;
	if (!message) {
		offload_devices_done(&list->devices);
		list->found = false;
		return 0;
	}
	if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWFLOWTABLE))
		return 0;
	if (nftnl_flowtable_nlmsg_parse(message, flowtable) < 0)
		return -EBADMSG;
	name = nftnl_flowtable_get_str(flowtable, NFTNL_FLOWTABLE_NAME);
	table = nftnl_flowtable_get_str(flowtable, NFTNL_FLOWTABLE_TABLE);
	return name && table && strcmp(name, OFFLOAD_FLOWTABLE) == 0 && strcmp(table, NF_TABLE) == 0
		       ? take_names(flowtable, list)
		       : 0;
}

/** ask() - Ask for the table's flowtables: a dump, whose datagram takes more devices than a single answer does. 0, -ENOMEM */
static int ask(struct batch *batch)
{
	struct nftnl_flowtable *flowtable NF_FLOWTABLE_CLEANUP = nftnl_flowtable_alloc();
	struct nlmsghdr *message;

	if (!flowtable || nftnl_flowtable_set_str(flowtable, NFTNL_FLOWTABLE_TABLE, NF_TABLE) < 0)
		return -ENOMEM;
	memset(batch->buffer, 0, BATCH_MESSAGE_MAX);
	message =
		nftnl_nlmsg_build_hdr((char *)batch->buffer, NFT_MSG_GETFLOWTABLE, nf_family(NF_TABLE), NLM_F_DUMP, 0);
	nftnl_flowtable_nlmsg_build_payload(message, flowtable);
	batch->used = NLMSG_ALIGN(message->nlmsg_len);
	batch->count = 1;
	return 0;
}

/** device_list_cleanup() - Release what was told */
static void device_list_cleanup(struct device_list *list)
{
	offload_devices_done(&list->devices);
}

/**
 * offload_devices_lacking() - Which of some devices the flowtable lacks
 * @netfilter:	Port
 * @wanted:	Devices
 * @lacking:	They are appended
 *
 * Return: 0, also when the kernel does not tell; PORT_E_REFUSED, negative errno
 */
int offload_devices_lacking(struct port *netfilter, const struct offload_devices *wanted,
			    struct offload_devices *lacking)
{
	CLEANUP(device_list_cleanup) struct device_list list = {.found = false};
	struct port_failure failure = {0};
	BATCH_CLEANUP struct batch batch;
	int r;

	batch_reset(&batch);
	r = ask(&batch);
	if (!r)
		r = port_exchange(netfilter, &batch, take_flowtable, &list, &failure);
	if (r || !list.found)
		return r;
	offload_devices_sort(&list.devices);
	for (size_t i = 0; i < wanted->n && !r; i++)
		if (!list.devices.n || !bsearch(wanted->names[i], list.devices.names, list.devices.n,
						sizeof(*list.devices.names), by_name))
			r = append(lacking, wanted->names[i]);
	return r;
}
