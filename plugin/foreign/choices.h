/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_CHOICES_H
#define PLUGIN_FOREIGN_CHOICES_H

/* What pods choose by annotation, checked against what the networks of the same run offer. */

#include "plugin/foreign/subject.h"
#include "plugin/netconf/netconf.h"

struct offered_name;
struct chosen_name;

/**
 * struct choices - Names that are offered, and those that pods choose
 * @report:	Hears of those that are chosen and not offered
 * @n_networks:	Networks of rangeguard's; without one nothing is known of what is offered
 * @failed:	Memory ran out: not every choice is checked
 */
struct choices {
	struct report *report;
	struct offered_name *offered;
	size_t n_offered;
	size_t offered_room;
	struct chosen_name *chosen;
	size_t n_chosen;
	size_t chosen_room;
	size_t n_networks;
	bool failed;
};

void choices_offer(struct choices *choices, const struct netconf *netconf);
size_t choices_note(struct choices *choices, const struct subject *subject, const char *file);
void choices_compare(struct choices *choices);
void choices_done(struct choices *choices);

#endif
