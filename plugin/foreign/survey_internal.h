/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_SURVEY_INTERNAL_H
#define PLUGIN_FOREIGN_SURVEY_INTERNAL_H

/* What the files of the survey share. For survey….c. */

#include "plugin/foreign/subject.h"
#include "plugin/foreign/survey.h"
#include "plugin/netconf/netconf.h"

/** struct chain - The list met last, and its element that looks at what the others hand out: ours, without ipam */
struct chain {
	const json_t *list;
	bool found;
	struct netconf netconf;
};

void survey_running(struct survey *survey, const struct subject *subject, const char *file);
void chain_done(struct chain *chain);
void survey_cni(struct survey *survey, const struct subject *subject, const char *file, struct chain *chain);

#endif
