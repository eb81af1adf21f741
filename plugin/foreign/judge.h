/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_JUDGE_H
#define PLUGIN_FOREIGN_JUDGE_H

/* One plugin's, or container engine's, configuration: read, and checked against policies, routes and other networks. */

#include "plugin/foreign/subject.h"
#include "plugin/foreign/survey.h"

/**
 * struct foreign - A configuration that is not rangeguard's
 * @network:	Its network's name, for grants
 * @guard:	Policies that it is checked against, and entries beside them
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

void judge_ours(struct survey *survey, json_t *object, const char *file, const char *pointer);
void judge_plugin(struct survey *survey, const struct subject *subject, const struct foreign *network);
size_t judge_resource(struct survey *survey, const struct subject *subject, const char *file);

#endif
