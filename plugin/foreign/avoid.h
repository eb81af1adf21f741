/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_AVOID_H
#define PLUGIN_FOREIGN_AVOID_H

/* The argument of --avoid: a file whose subnets and ranges are taken, whoever's configuration it is. */

#include "ipam/address/gaps.h"
#include "plugin/report/error.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0, REFUSED and negative errno */
enum avoid_outcome {
	/* nobody has named the file, and it is of no kind that is read: nothing was taken */
	AVOID_E_UNKNOWN = OUTCOMES_AVOID,
};

int avoid_read(const char *path, bool named, struct gaps *gaps, struct error *reterr);

#endif
