/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_IPAM_SCENE_H
#define TESTS_UNIT_IPAM_SCENE_H

/* Range sets, guards and attachments from texts, for the tests of pools and of the address manager. */

#include "ipam/address/range.h"
#include "ipam/guard/guard.h"
#include "ipam/lease/ipam.h"
#include "rangeguard/array.h"

struct address address_of(const char *text);
struct span span_of(const char *text);

/* "10.0.0.0/24" with its default span, or with @span ("FIRST-LAST"); @gateway may be NULL. */
struct ip_range range_of(const char *subnet, const char *span, const char *gateway);

/* Sealed guard that reserves the spans, NULL behind the last. */
struct guard *guard_of(const char *const *reserved);
#define GUARD_OF(...) guard_of((const char *const[]){__VA_ARGS__, NULL})
#define GUARD_EMPTY() guard_of((const char *const[]){NULL})

/* A lease to ask for: other texts "", no addresses. */
struct lease lease_of(const char *network, const char *container_id, const char *ifname, int64_t since);

#endif
