/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who this host is in its cluster: its name, its ids, its next hops for others. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugin/agent/cluster_internal.h"
#include "plugin/network/hostroute.h"
#include "rangeguard/cleanup.h"

/** read_id() - An id of 32 hexadecimal digits from a file that may have dashes; false: there is none */
static bool read_id(const char *path, char *id)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	size_t used = 0;

	for (ssize_t i = 0; i < n && used < RECORD_ID_MAX - 1; i++) {
		if (strchr("0123456789abcdef", text[i]))
			id[used++] = text[i];
		else if (text[i] != '-')
			break;
	}
	id[used] = '\0';
	return used == RECORD_ID_MAX - 1;
}

/** What the interfaces say is looked at again after: at boot they may have no address yet, and later another one */
#define LOOK_NS (5 * MACHINE_SECOND)

/** struct first_address - The first address of an interface that others can use; @before: it, if it is still there */
struct first_address {
	enum family family;
	uint32_t interface;
	struct address before;
	struct address address;
};

/** on_address() - port_reply_fn */
static int on_address(const struct nlmsghdr *message, void *userdata)
{
	struct first_address *first = userdata;
	struct address_info info;

	if (!message || rtmessage_read_address(message, &info) < 0 || info.interface != first->interface ||
	    info.address.address.family != first->family)
		return 0;
	if (first->family == FAMILY_IPV6 && (info.address.address.value >> 118) == 0x3fa)
		return 0; /* fe80::/10 */
	if (first->address.family == FAMILY_NONE || address_equal(&info.address.address, &first->before))
		first->address = info.address.address;
	return 0;
}

/** own_address() - An address of the interface that has the default route; FAMILY_NONE: there is none */
static struct address own_address(struct cluster *cluster, const char *far_away, const struct address *before)
{
	struct first_address first = {.before = *before};
	struct port_failure failure;
	struct route_info match;
	struct address to;
	struct batch batch;

	batch_reset(&batch);
	if (address_parse(far_away, &to) < 0 || hostroute_lookup(cluster->host.rtnetlink, &to, &match) != 0 ||
	    match.interface == 0)
		return first.address;
	first.family = to.family;
	first.interface = match.interface;
	if (rtmessage_dump_addresses(&batch, match.interface) == 0)
		(void)port_exchange(cluster->host.rtnetlink, &batch, on_address, &first, &failure);
	return first.address;
}

/** find_addresses() - The next hops for others: named, or found; what is not found any more stays what it was */
static void find_addresses(struct cluster *cluster, char texts[RECORD_ADDRESSES][ADDRESS_TEXT_MAX])
{
	static const char *const far_away[RECORD_ADDRESSES] = {"203.0.113.255", "2001:db8:ffff:ffff:ffff::"};
	size_t n = 0;

	for (size_t i = 0; i < RECORD_ADDRESSES; i++) {
		struct address address = cluster->config.addresses[i];

		if (address.family == FAMILY_NONE)
			address = own_address(cluster, far_away[i], &cluster->addresses[i]);
		if (address.family != FAMILY_NONE)
			cluster->addresses[i] = address;
		if (cluster->addresses[i].family != FAMILY_NONE)
			(void)address_format(&cluster->addresses[i], texts[n++]);
	}
	cluster->looked = cluster_now();
}

/** self_tick() - Whether others reach this host by other addresses now */
void self_tick(struct cluster *cluster)
{
	char texts[RECORD_ADDRESSES][ADDRESS_TEXT_MAX] = {{0}};

	if (cluster_now() - cluster->looked < LOOK_NS)
		return;
	find_addresses(cluster, texts);
	machine_set_addresses(cluster->machine, (const char(*)[ADDRESS_TEXT_MAX])texts);
}

/** self_describe() - What the machine is born with of this host: 0, REFUSED */
int self_describe(struct cluster *cluster, struct machine_config *config, struct error *reterr)
{
	struct timespec wall;

	(void)clock_gettime(CLOCK_REALTIME, &wall);
	config->wall = (int64_t)wall.tv_sec * MACHINE_SECOND + wall.tv_nsec - cluster_now();
	memcpy(config->host, cluster->config.host, sizeof(config->host));
	if (!read_id("/etc/machine-id", config->machine_id))
		return error_set(reterr, ERROR_IO,
				 "/etc/machine-id has no machine id: systemd-machine-id-setup makes one");
	if (!read_id("/proc/sys/kernel/random/boot_id", config->boot_id))
		return error_set(reterr, ERROR_IO, "/proc/sys/kernel/random/boot_id can't be read");
	find_addresses(cluster, config->addresses);
	return 0;
}
