/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_ROUTES_FILE_H
#define PLUGIN_COMMANDS_ROUTES_FILE_H

/* The argument of --host-routes: a file into which `ip -json route show table all` was printed. */

#include "plugin/netconf/routes.h"

int routes_file_read(const char *path, struct routes *ret_routes, struct error *reterr);

#endif
