/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_CHECK_USAGE_H
#define PLUGIN_FOREIGN_CHECK_USAGE_H

/* What other software's configurations use, checked against the guard and a host's routes. Pure. */

#include "ipam/guard/guard.h"
#include "plugin/foreign/declaration.h"
#include "plugin/netconf/routes.h"

int check_declarations(const struct declarations *declarations, const char *file, const struct guard *guard,
		       struct report *report);

/* Another plugin's ranges: warnings, for nothing refuses its ADD. Routes through @own_device (may be NULL) are its own. */
void check_declaration_routes(const struct declarations *declarations, const char *file, const char *own_device,
			      const struct routes *routes, struct report *report);

#endif
