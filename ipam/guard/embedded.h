/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_EMBEDDED_H
#define IPAM_GUARD_EMBEDDED_H

/*
 * IPv6 addresses that lead to an IPv4 address which stands in them: through a NAT64 with the well-known prefix
 * 64:ff9b::/96 (RFC 6052) and through 6to4, 2002::/16 (RFC 3056). Who reserves the IPv4 range means these, too. Pure.
 */

#include "ipam/address/address.h"

/** How many such forms there are */
#define EMBEDDED_FORMS 2U

bool embedded_inner(size_t form, const struct span *span, struct span *ret_ipv4);
struct span embedded_outer(size_t form, const struct span *ipv4, const struct span *within);

#endif
