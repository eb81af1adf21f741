/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_VERBS_H
#define PLUGIN_VERBS_VERBS_H

/* The CNI verbs. Each returns 0, having printed its result, or REFUSED with its error filled and nothing changed. */

#include "plugin/verbs/context.h"

/* Read the call, carry it out, print result or error. Return: the exit status. */
int verbs_run(void);

/* For signal handlers: the answers of a call that ends there */
void verbs_out_of_time(void);
void verbs_crashed(void);

int verb_add(struct context *context, struct error *reterr);
int verb_del(struct context *context, struct error *reterr);
int verb_check(struct context *context, struct error *reterr);
int verb_gc(struct context *context, struct error *reterr);
int verb_status(struct context *context, struct error *reterr);

#endif
