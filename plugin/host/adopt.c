/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new lease store is filled from the kernel. */

#include "plugin/host/adopt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "ipam/lease/ipam.h"
#include "ipam/store/store_lmdb.h"
#include "plugin/enforce/classifier.h"
#include "plugin/host/host.h"
#include "plugin/network/in_use.h"
#include "plugin/network/inventory.h"
#include "plugin/report/log.h"
#include "rangeguard/cleanup.h"

/** Space for scope_of(); no network's name has a slash */
#define SCOPE_TEXT_MAX 32

/** adopt_item() - The lease of one host end: 0, -EINVAL when it is none of ours */
static int adopt_item(struct inventory_item *item, struct adopted *ret_adopted)
{
	struct adopted adopted = {
		.lease = {.pod_namespace = "", .pod_name = "", .netns = "", .since = time(NULL)},
	};

	if (identity_of_link(item->name, item->alias, &adopted.lease.attachment, &adopted.key) < 0)
		return -EINVAL;
	memcpy(adopted.lease.addresses, item->addresses, sizeof(item->addresses));
	adopted.lease.n_addresses = item->n_addresses;
	*ret_adopted = adopted;
	return 0;
}

/**
 * adopt_attachment() - Who an address is held for that was found in a namespace, and nothing tells whose it is
 * @inode:	Of the namespace
 * @cookie:	Of the namespace
 * @ifname:	Its interface; borrowed
 * @text:	Space for the name that stands for the container
 *
 * Return: the attachment
 */
struct attachment adopt_attachment(uint64_t inode, uint64_t cookie, const char *ifname,
				   char text[static ADOPT_TEXT_MAX])
{
	(void)snprintf(text, ADOPT_TEXT_MAX, ADOPT_PREFIX "%llu-%llu", (unsigned long long)inode,
		       (unsigned long long)cookie);
	return (struct attachment){.network = "", .container_id = text, .ifname = ifname};
}

/** same_directory() - Whether two paths, however they are spelled, lead to one directory */
static bool same_directory(const char *a, const char *b)
{
	struct stat of_a, of_b;

	if (strcmp(a, b) == 0)
		return true;
	return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

/**
 * is_elsewhere() - Whether a container is another state directory's, which has a store to know it by
 * @host:	Host
 * @kept:	Classifier, which knows whose containers are
 * @item:	The container's host end
 *
 * A lease here as well would outlive it, and keep whatever pins have in common.
 */
static bool is_elsewhere(const struct host *host, const struct classifier *kept, const struct inventory_item *item)
{
	char path[CLASSIFIER_DATA_DIR_MAX + sizeof("/" STORE_LMDB_FILE)];
	struct classifier_element element;

	if (kept->map_fd < 0 || classifier_get(kept, item->index, &element) || !*element.data_dir ||
	    same_directory(element.data_dir, host->data_dir))
		return false;
	(void)snprintf(path, sizeof(path), "%s/" STORE_LMDB_FILE, element.data_dir);
	return access(path, F_OK) == 0;
}

/**
 * adopt_from_kernel() - Write the leases that the kernel's state tells of, and no other state directory does
 * @host:	Host, its port on rtnetlink open
 * @store:	New store
 *
 * Return: 0, negative errno
 */
int adopt_from_kernel(struct host *host, struct store *store)
{
	CLASSIFIER_CLEANUP struct classifier kept = CLASSIFIER_INIT;
	INVENTORY_CLEANUP struct inventory inventory = {0};
	CLEANUP_FREE struct adopted *adopted = NULL;
	size_t n_adopted = 0;
	int r = inventory_read(host->rtnetlink, &inventory);

	if (r < 0)
		return r;
	adopted = calloc(inventory.n_items + 1, sizeof(*adopted));
	if (!adopted)
		return -ENOMEM;
	if (inventory.n_items)
		(void)classifier_open_kept(host->rtnetlink, &kept);
	for (size_t i = 0; i < inventory.n_items; i++)
		if (inventory.items[i].n_addresses && !is_elsewhere(host, &kept, &inventory.items[i]) &&
		    !adopt_item(&inventory.items[i], &adopted[n_adopted]))
			n_adopted++;
	return n_adopted ? ipam_adopt(store, adopted, n_adopted) : 0;
}

/** is_in_sets() - Whether a network could give an address */
static bool is_in_sets(const struct range_set *sets, size_t n_sets, const struct address *address)
{
	for (size_t i = 0; i < n_sets; i++)
		if (range_set_find(&sets[i], address))
			return true;
	return false;
}

/** hold_used() - Hold an address that was found in a namespace: 0, negative errno */
static int hold_used(struct store *store, const struct used_address *used)
{
	char text[ADOPT_TEXT_MAX];
	struct adopted adopted = {
		.lease = {.attachment = adopt_attachment(used->inode, used->cookie, used->ifname, text),
			  .pod_namespace = "",
			  .pod_name = "",
			  .netns = "",
			  .since = time(NULL),
			  .addresses = {used->address},
			  .n_addresses = 1},
	};

	adopted.key = attachment_key(&adopted.lease.attachment);
	return ipam_hold(store, &adopted);
}

/** scope_of() - What tells the ranges of a network from others, as text for ipam_took_over() */
static void scope_of(const struct range_set *sets, size_t n_sets, char text[static SCOPE_TEXT_MAX])
{
	XXH64_hash_t digest = 0;

	for (size_t i = 0; i < n_sets; i++) {
		for (size_t j = 0; j < sets[i].n_ranges; j++) {
			char span[SPAN_TEXT_MAX];

			(void)span_format(&sets[i].ranges[j].span, span);
			digest = XXH3_64bits_withSeed(span, strlen(span), digest);
		}
	}
	(void)snprintf(text, SCOPE_TEXT_MAX, "/ranges/%016llx", (unsigned long long)digest);
}

/**
 * adopt_in_use() - Hold what others have of a network's ranges, whoever gave it: delegates, other plugins
 * @store:	Store opened for writing, in no transaction
 * @sets:	Range sets of the network
 * @n_sets:	How many
 *
 * Once per store and ranges: it takes a look at each namespace. Later addresses are given by this store, or found by the
 * host's routes. While some namespaces are closed to us, each time: what can be found is.
 *
 * Return: 0, negative errno
 */
int adopt_in_use(struct store *store, const struct range_set *sets, size_t n_sets)
{
	IN_USE_CLEANUP struct in_use in_use = {0};
	char scope[SCOPE_TEXT_MAX];
	int r;

	scope_of(sets, n_sets, scope);
	r = ipam_took_over(store, scope);
	if (r)
		return r < 0 ? r : 0;
	r = in_use_read(NULL, &in_use);
	if (r < 0)
		log_line("the network namespaces of this host can't be asked for their addresses: %s", strerror(-r));
	for (size_t i = 0; i < in_use.n_items && r == 0; i++)
		if (is_in_sets(sets, n_sets, &in_use.items[i].address))
			r = hold_used(store, &in_use.items[i]);
	if (r == 0 && in_use.n_closed) {
		log_line("%zu network namespaces can't be looked into, and may have addresses of this network's "
			 "ranges: is CAP_SYS_PTRACE or CAP_SYS_ADMIN missing?",
			 in_use.n_closed);
		return 0;
	}
	return r ? r : ipam_set_took_over(store, scope);
}
