/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_ADDRESS_MAC_H
#define IPAM_ADDRESS_MAC_H

/* MAC addresses as text, and the hexadecimal digits they are written in. Pure. */

#include <linux/if_ether.h>
#include <stdint.h>

#define MAC_TEXT_MAX 18

int hex_byte(const char *text);
int mac_parse(const char *text, uint8_t mac[static ETH_ALEN]);
const char *mac_format(const uint8_t mac[static ETH_ALEN], char buffer[static MAC_TEXT_MAX]);

#endif
