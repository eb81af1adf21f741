/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETCONF_RESOLV_CONF_H
#define PLUGIN_NETCONF_RESOLV_CONF_H

/* resolv.conf(5) as the `dns` object of a CNI result, for host-local's key `resolvConf`. */

#include <jansson.h>

#include "plugin/report/error.h"

int resolv_conf_read(const char *path, json_t **ret_dns, struct error *reterr);

#endif
