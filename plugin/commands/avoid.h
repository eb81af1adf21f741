/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_AVOID_H
#define PLUGIN_COMMANDS_AVOID_H

/* The argument of --avoid: a file whose subnets and ranges are taken, whoever's configuration it is. */

#include "ipam/address/gaps.h"
#include "plugin/report/error.h"

int avoid_read(const char *path, struct gaps *gaps, struct error *reterr);

#endif
