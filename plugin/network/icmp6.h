/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_ICMP6_H
#define PLUGIN_NETWORK_ICMP6_H

/* The checksum of ICMPv6 messages that leave through a packet socket, where the kernel fills none in. Pure. */

#include <netinet/ip6.h>
#include <stddef.h>
#include <stdint.h>

uint16_t icmp6_checksum(const struct ip6_hdr *ip, const void *message, size_t size);

#endif
