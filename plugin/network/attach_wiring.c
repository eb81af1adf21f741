/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CHECK of what wire.c sets. Each function stands for one of its steps, and fails naming what is missing or other. */

#include "plugin/network/attach_wiring.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/network/stage.h"
#include "plugin/network/sysctl.h"
#include "rangeguard/cleanup.h"

#define SYSCTL_NAME_MAX 64

/** has_sysctl() - A sysctl has its value, or the kernel has none: 0, REFUSED */
static int has_sysctl(const char *name, const char *value, struct error *reterr)
{
	int r = sysctl_has_value(name, value);

	if (r == 1 || r == -ENOENT)
		return 0;
	if (r < 0)
		return error_set_errno(reterr, ERROR_KERNEL, r, "cannot read /proc/sys/net/%s", name);
	return error_set(reterr, ERROR_KERNEL, "/proc/sys/net/%s is not %s", name, value);
}

/** has_interface_sysctl() - The same for an interface: 0, REFUSED */
static int has_interface_sysctl(const char *family, const char *interface, const char *key, const char *value,
				struct error *reterr)
{
	char name[SYSCTL_NAME_MAX];

	(void)snprintf(name, sizeof(name), "%s/conf/%s/%s", family, interface, key);
	return has_sysctl(name, value, reterr);
}

/** forwards() - The host forwards, and its end of the pair does: 0, REFUSED */
static int forwards(const struct wiring *wiring, struct error *reterr)
{
	const char *name = wiring->host_end->name;

	if (plan_has_family(wiring->plan, FAMILY_IPV4) &&
	    (has_sysctl("ipv4/ip_forward", "1", reterr) ||
	     has_interface_sysctl("ipv4", name, "forwarding", "1", reterr)))
		return REFUSED;
	if (plan_has_family(wiring->plan, FAMILY_IPV6) &&
	    (has_sysctl("ipv6/conf/all/forwarding", "1", reterr) ||
	     has_interface_sysctl("ipv6", name, "forwarding", "1", reterr) ||
	     has_interface_sysctl("ipv6", name, "disable_ipv6", "0", reterr)))
		return REFUSED;
	return has_interface_sysctl("ipv6", name, "accept_ra", "0", reterr);
}

/** struct neighbours - Neighbours that are looked for on a link; @seen tells which were found as they should be,
 * @missing that one was not, @other that one is there for good with another MAC address */
struct neighbours {
	uint32_t index;
	const struct address *wanted;
	size_t n_wanted;
	const uint8_t *mac;
	bool *seen;
	bool missing;
	bool other;
};

/** take_neighbour() - port_reply_fn: mark the neighbours that are there for good, with their MAC address */
static int take_neighbour(const struct nlmsghdr *message, void *userdata)
{
	struct neighbours *neighbours = userdata;
	struct neighbour_info info;
	int r;

	if (!message) {
		memset(neighbours->seen, 0, neighbours->n_wanted * sizeof(*neighbours->seen));
		neighbours->other = false;
		return 0;
	}
	r = rtmessage_read_neighbour(message, &info);
	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	for (size_t i = 0; i < neighbours->n_wanted; i++) {
		if (info.interface != neighbours->index || !address_equal(&info.address, &neighbours->wanted[i]) ||
		    !(info.state & NUD_PERMANENT))
			continue;
		neighbours->seen[i] = memcmp(info.mac, neighbours->mac, ETH_ALEN) == 0;
		neighbours->other |= !neighbours->seen[i];
	}
	return 0;
}

/** has_neighbours() - A link has the neighbours that are wanted: 0, REFUSED */
static int has_neighbours(struct port *port, const char *where, const char *name, struct neighbours *neighbours,
			  struct error *reterr)
{
	CLEANUP_FREE bool *seen = calloc(neighbours->n_wanted + 1, sizeof(*seen));
	char text[ADDRESS_TEXT_MAX], mac[MAC_TEXT_MAX];
	struct stage stage;
	int r;

	if (!seen)
		return error_no_memory(reterr);
	neighbours->seen = seen;
	stage_begin(&stage, port, where, reterr);
	stage.reply = take_neighbour;
	stage.userdata = neighbours;
	r = stage_add(&stage, rtmessage_dump_neighbours(&stage.batch, neighbours->index));
	if (!r)
		r = stage_send(&stage);
	for (size_t i = 0; !r && i < neighbours->n_wanted; i++)
		if (!seen[i]) {
			neighbours->missing = true;
			r = error_set(reterr, ERROR_KERNEL,
				      "the permanent neighbour %s with MAC address %s is missing on interface %s %s",
				      address_format(&neighbours->wanted[i], text), mac_format(neighbours->mac, mac),
				      name, where);
		}
	return r;
}

/**
 * attach_wiring_host() - The host's side, but for its neighbours
 * @host:	Port of the host's namespace, in which the calling thread is
 * @wiring:	Attachment
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int attach_wiring_host(struct port *host, const struct wiring *wiring, struct error *reterr)
{
	const struct link_info *link = wiring->host_end;

	(void)host;
	if (link->master)
		return error_set(
			reterr, ERROR_KERNEL,
			"interface %s on the host was made a port of another interface, where its routes don't "
			"count",
			link->name);
	if (memcmp(link->mac, wiring->plan->host_mac, ETH_ALEN) != 0)
		return error_set(reterr, ERROR_KERNEL,
				 "interface %s on the host has another MAC address than the container sends to",
				 link->name);
	return forwards(wiring, reterr);
}

/** put_neighbours() - Put the neighbours on their link again: 0, REFUSED */
static int put_neighbours(struct port *port, const char *where, const struct neighbours *neighbours,
			  struct error *reterr)
{
	struct stage stage;
	int r = 0;

	*reterr = (struct error){0};
	stage_begin(&stage, port, where, reterr);
	for (size_t i = 0; !r && i < neighbours->n_wanted; i++) {
		r = stage_make_room(&stage);
		if (!r)
			r = stage_add(&stage, rtmessage_add_neighbour(&stage.batch, neighbours->index,
								      &neighbours->wanted[i], neighbours->mac));
	}
	return r ? r : stage_send(&stage);
}

/** has_new_mac() - Whether the container's end has another MAC address than it was made with */
static bool has_new_mac(const struct wiring *wiring)
{
	return memcmp(wiring->container_end->mac, wiring->plan->container_mac, ETH_ALEN) != 0;
}

/**
 * attach_wiring_neighbours() - The host's neighbours, by the MAC address that the container's end has
 * @host:	Port of the host's namespace
 * @wiring:	Attachment, both ends
 * @reterr:	Code 107
 *
 * The kernel drops them when the host's end is down, if only for a moment: those that are missing are put back. A later
 * plugin (tuning) may have given the container's end another address, of which it told the result, but not the host: where
 * each neighbour is as ADD made it, that is mended, too. One that somebody gave another address stays, and is told.
 *
 * Return: 0, REFUSED
 */
int attach_wiring_neighbours(struct port *host, const struct wiring *wiring, struct error *reterr)
{
	struct neighbours neighbours = {.index = wiring->host_end->index,
					.wanted = wiring->plan->addresses,
					.n_wanted = wiring->plan->n_addresses,
					.mac = wiring->container_end->mac};
	struct error other = {0};

	if (!has_neighbours(host, "on the host", wiring->host_end->name, &neighbours, reterr))
		return 0;
	if (neighbours.missing && !neighbours.other)
		return put_neighbours(host, "on the host", &neighbours, reterr);
	if (!neighbours.missing || !has_new_mac(wiring))
		return REFUSED;
	neighbours.mac = wiring->plan->container_mac;
	if (has_neighbours(host, "on the host", wiring->host_end->name, &neighbours, &other))
		return REFUSED;
	neighbours.mac = wiring->container_end->mac;
	return put_neighbours(host, "on the host", &neighbours, reterr);
}

/**
 * attach_wiring_container() - The container's side
 * @container:	Port of its namespace, in which the calling thread is
 * @wiring:	Attachment, both ends
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int attach_wiring_container(struct port *container, const struct wiring *wiring, struct error *reterr)
{
	const struct link_info *link = wiring->container_end;
	CLEANUP_FREE struct address *wanted = calloc(wiring->plan->n_routes + 2, sizeof(*wanted));
	struct neighbours neighbours = {.index = link->index, .wanted = wanted, .mac = wiring->host_end->mac};

	if (!wanted)
		return error_no_memory(reterr);
	/* A later plugin may have made the container's smaller. */
	if (link->mtu != wiring->plan->mtu || wiring->host_end->mtu < wiring->plan->mtu)
		return error_set(reterr, ERROR_KERNEL,
				 "the MTU of the pair is %u on the host and %u in the container, instead of %u",
				 wiring->host_end->mtu, link->mtu, wiring->plan->mtu);
	if (has_interface_sysctl("ipv6", link->name, "accept_ra", "0", reterr))
		return REFUSED;
	neighbours.n_wanted = plan_neighbours(wiring->plan, wanted);
	if (!has_neighbours(container, "in the container", link->name, &neighbours, reterr))
		return 0;
	/* With the old address the kernel dropped them (neigh_changeaddr() in net/core/neighbour.c). */
	return neighbours.missing && has_new_mac(wiring)
		       ? put_neighbours(container, "in the container", &neighbours, reterr)
		       : REFUSED;
}
