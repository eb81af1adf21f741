/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_GUARD_GAPS_H
#define IPAM_GUARD_GUARD_GAPS_H

/* What a guard reserves is taken, for who looks for free subnets. Pure. */

#include "ipam/address/gaps.h"
#include "ipam/guard/guard.h"

int guard_take_gaps(const struct guard *guard, struct gaps *gaps);

#endif
