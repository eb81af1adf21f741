/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new lease store is filled from the kernel. */

#include "plugin/host/adopt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipam/lease/ipam.h"
#include "plugin/network/inventory.h"
#include "rangeguard/cleanup.h"

/**
 * split_alias() - The attachment that an alias names
 * @text:		Alias without its prefix; its blanks become ends of texts
 * @ret_attachment:	Borrows from @text
 *
 * Return: 0, -EINVAL when these are not three words
 */
static int split_alias(char *text, struct attachment *ret_attachment)
{
	struct attachment attachment = {.chained = false};

	attachment.network = strsep(&text, " ");
	attachment.container_id = strsep(&text, " ");
	attachment.ifname = strsep(&text, " ");
	if (text || !attachment.ifname || !*attachment.ifname)
		return -EINVAL;
	*ret_attachment = attachment;
	return 0;
}

/**
 * read_alias() - Whose host end an alias says that it is
 * @item:		Host end; blanks of its alias become ends of texts
 * @ret_adopted:	Its attachment, with texts that are "" where the alias only has a digest, and its key
 *
 * Return: 0, -EINVAL for an alias that is not of our making
 */
static int read_alias(struct inventory_item *item, struct adopted *ret_adopted)
{
	char *text = item->alias + strlen(PLAN_ALIAS_PREFIX);

	if (*text == PLAN_ALIAS_DIGEST_MARK) {
		ret_adopted->lease.attachment = (struct attachment){.network = "", .container_id = "", .ifname = ""};
		return plan_parse_digest(text + 1, &ret_adopted->key);
	}
	if (split_alias(text, &ret_adopted->lease.attachment) < 0)
		return -EINVAL;
	ret_adopted->key = attachment_key(&ret_adopted->lease.attachment);
	return 0;
}

/** adopt_item() - The lease of one host end: 0, -EINVAL when it is none of ours */
static int adopt_item(struct inventory_item *item, struct adopted *ret_adopted)
{
	struct adopted adopted = {
		.lease = {.pod_namespace = "", .pod_name = "", .netns = "", .since = time(NULL)},
	};
	char name[IFNAMSIZ];

	if (read_alias(item, &adopted) < 0)
		return -EINVAL;
	/* Anybody can write an alias; the name follows from the attachment. */
	plan_host_name_of_key(&adopted.key, name);
	if (strcmp(name, item->name) != 0)
		return -EINVAL;
	memcpy(adopted.lease.addresses, item->addresses, sizeof(item->addresses));
	adopted.lease.n_addresses = item->n_addresses;
	*ret_adopted = adopted;
	return 0;
}

/**
 * adopt_from_kernel() - store_seed.fill: write the leases that the kernel's state tells of
 * @userdata:	Port in the host's namespace
 * @store:	New store
 *
 * Return: 0, negative errno
 */
int adopt_from_kernel(void *userdata, struct store *store)
{
	INVENTORY_CLEANUP struct inventory inventory = {0};
	CLEANUP_FREE struct adopted *adopted = NULL;
	size_t n_adopted = 0;
	int r = inventory_read(userdata, &inventory);

	if (r < 0 || !inventory.n_items)
		return r;
	adopted = calloc(inventory.n_items, sizeof(*adopted));
	if (!adopted)
		return -ENOMEM;
	for (size_t i = 0; i < inventory.n_items; i++)
		if (inventory.items[i].n_addresses && !adopt_item(&inventory.items[i], &adopted[n_adopted]))
			n_adopted++;
	return n_adopted ? ipam_adopt(store, adopted, n_adopted) : 0;
}
