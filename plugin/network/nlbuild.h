/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_NLBUILD_H
#define PLUGIN_NETWORK_NLBUILD_H

/*
 * What the builders of rtnetlink messages share: libmnl writes a message where it will be sent from, at the end of its
 * batch. Begun, it is not part of the batch yet.
 */

#include <libmnl/libmnl.h>

#include "plugin/network/port.h"

struct nlmsghdr *message_begin(struct batch *batch, uint16_t type, unsigned flags, const void *head, size_t size);
int message_end(struct batch *batch, const struct nlmsghdr *message);

#endif
