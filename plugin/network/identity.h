/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_IDENTITY_H
#define PLUGIN_NETWORK_IDENTITY_H

/*
 * Whose an interface of ours is, in what the kernel keeps of it: the host end's name, its alias, the MAC addresses of
 * both ends. All follow from the attachment, hence the same each time. Pure.
 */

#include <linux/if_ether.h>
#include <net/if.h>
#include <stdint.h>

#include "ipam/lease/lease.h"

/** IFALIASZ of linux/if.h: 256 with the NUL */
#define IDENTITY_ALIAS_MAX 256
#define MAC_TEXT_MAX 18
/** What each alias of ours begins with; then "NETWORK CONTAINERID IFNAME", or the mark and a digest */
#define IDENTITY_ALIAS_PREFIX "rangeguard "
#define IDENTITY_ALIAS_DIGEST_MARK '#'

void identity_host_name(const struct attachment *attachment, char name[static IFNAMSIZ]);
void identity_host_name_of_key(const struct attachment_key *key, char name[static IFNAMSIZ]);
int identity_parse_digest(const char *text, struct attachment_key *ret_key);
void identity_host_mac(const struct attachment *attachment, uint8_t mac[static ETH_ALEN]);
void identity_container_mac(const struct attachment *attachment, uint8_t mac[static ETH_ALEN]);
void identity_alias(const struct attachment *attachment, char alias[static IDENTITY_ALIAS_MAX]);
int mac_parse(const char *text, uint8_t mac[static ETH_ALEN]);
const char *mac_format(const uint8_t mac[static ETH_ALEN], char buffer[static MAC_TEXT_MAX]);

#endif
