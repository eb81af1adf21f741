/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_LEASE_LEASE_H
#define IPAM_LEASE_LEASE_H

/*
 * A lease: which addresses one attachment (network, container id, interface name) holds, and who that is. As stored
 * it carries a schema version and a checksum, since LMDB has none on its pages. Pure.
 */

#include "ipam/address/address.h"
#include "ipam/store/store.h"
#include "rangeguard/limits.h"
#include "rangeguard/outcome.h"

/**
 * struct attachment - The key of a lease: network, container and interface as CNI names them
 * @chained:	The lease of a plugin behind others in a list, which holds no addresses: it notes what was armed for those
 *		that others gave. By another lease, of other key, this program may have given them itself, as a delegate
 */
struct attachment {
	const char *network;
	const char *container_id;
	const char *ifname;
	bool chained;
};

/** struct attachment_key - Digest of an attachment: XXH3 128 bit in canonical byte order, the same on each machine */
struct attachment_key {
	uint8_t bytes[16];
};

/**
 * struct lease - What is stored of an attachment; texts are borrowed, "" where unknown (to lease_encode() also NULL)
 * @attachment:		Whose it is
 * @pod_namespace:	K8S_POD_NAMESPACE; this and the next are cut to LIMIT_POD_TEXT when stored
 * @pod_name:		K8S_POD_NAME
 * @netns:		CNI_NETNS as given at ADD
 * @netns_device:	st_dev of the namespace file
 * @netns_inode:	st_ino of the namespace file; together they outlive a recycled path. 0: unknown
 * @netns_cookie:	Number of the namespace that no other one gets in this boot (SO_NETNS_COOKIE); inode numbers are
 *			used again. 0: unknown
 * @interface:		Of a chained one: the host's interface towards the container, "" where the host has none
 * @pins:		Names of the pins that apply, with a blank between them
 * @since:		Time of ADD, seconds since the epoch
 * @anti_spoof:		Packets from the container must carry one of the addresses
 * @egress:		Digest of how its packets leave, as the store has it (STORE_EGRESS); 0: as they are
 * @addresses:		Addresses held, in the order of the range sets; of a chained one those that others gave
 * @n_addresses:	How many
 */
struct lease {
	struct attachment attachment;
	const char *pod_namespace;
	const char *pod_name;
	const char *netns;
	const char *interface;
	const char *pins;
	uint64_t netns_device;
	uint64_t netns_inode;
	uint64_t netns_cookie;
	int64_t since;
	bool anti_spoof;
	uint64_t egress;
	struct address addresses[LIMIT_RANGE_SETS];
	size_t n_addresses;
};

/** Named outcomes beside 0 and negative errno */
enum lease_outcome {
	LEASE_E_DAMAGED = OUTCOMES_LEASE, /* checksum, version or lengths are wrong */
};

struct attachment_key attachment_key(const struct attachment *attachment);
uint64_t attachment_hash(const struct attachment *attachment);
bool attachment_equal(const struct attachment *a, const struct attachment *b);

int lease_encode(const struct lease *lease, void **ret_data, size_t *ret_size);
int lease_decode(struct bytes bytes, struct lease *ret_lease);

#endif
