/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_GUARDING_MARKS_H
#define PLUGIN_HOST_GUARDING_MARKS_H

/*
 * Which bits of the packet mark a host uses: those that the classifier's elements say. One mask for all, since there is
 * one table and one rule; a configuration that wants another one is refused while containers have the old one.
 */

#include "plugin/host/guarding.h"

int guarding_check_marks(struct host *host, const struct classifier *classifier, uint32_t ifindex,
			 struct error *reterr);

#endif
