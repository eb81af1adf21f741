/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_IDENTITY_H
#define PLUGIN_NETWORK_IDENTITY_H

/*
 * Whose an interface of ours is, in what the kernel keeps of it: the host end's name, its alias, the MAC addresses of
 * both ends. All follow from the attachment, hence the same each time. Pure.
 */

#include <linux/if_ether.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "ipam/address/mac.h"
#include "ipam/lease/lease.h"

struct link_info;

/** IFALIASZ of linux/if.h: 256 with the NUL */
#define IDENTITY_ALIAS_MAX 256

void identity_host_name(const struct attachment *attachment, char name[static IFNAMSIZ]);
void identity_host_name_of_key(const struct attachment_key *key, char name[static IFNAMSIZ]);
void identity_host_mac(const struct attachment *attachment, uint8_t mac[static ETH_ALEN]);
void identity_container_mac(const struct attachment *attachment, uint8_t mac[static ETH_ALEN]);
void identity_alias(const struct attachment *attachment, char alias[static IDENTITY_ALIAS_MAX]);
bool identity_is_claimed(const struct link_info *link);
int identity_of_link(const char *name, char *alias, struct attachment *ret_attachment, struct attachment_key *ret_key);
bool identity_has_alias(const struct link_info *link, const char *alias);
bool identity_is_host_end(const struct link_info *link, const char *alias, const uint8_t mac[static ETH_ALEN]);

#endif
