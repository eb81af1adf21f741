/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_PLUGINS_H
#define PLUGIN_COMMANDS_PLUGINS_H

/* One plugin's, or container engine's, configuration: read, and held against policies, routes and other networks. */

#include "plugin/commands/document.h"

/**
 * struct foreign - A configuration that is not rangeguard's
 * @network:	Its network's name, for grants
 * @guard:	Policies that it is held against, and entries beside them
 * @keeping:	How its ranges relate to others'
 * @keeper:	See struct network_range
 * @own_device:	Bridge or parent interface, whose routes are its own; NULL: not known
 * @routed:	Routes inside its ranges are how it works
 */
struct foreign {
	const char *file;
	const char *network;
	const struct netconf_guard *guard;
	enum keeping keeping;
	const char *keeper;
	const char *own_device;
	bool routed;
};

bool plugins_concerns_us(const json_t *object);
void plugins_validate_ours(struct documents *documents, json_t *object, const char *file, const char *pointer);
void plugins_validate_foreign(struct documents *documents, const json_t *object, const char *pointer,
			      const struct foreign *network);
void plugins_validate_netavark(struct documents *documents, const json_t *object, const char *file);
void plugins_validate_pool(struct documents *documents, const json_t *resource, const char *file, const char *pointer);
void plugins_validate_docker(struct documents *documents, const json_t *object, const char *file);

#endif
