/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_GUARDING_H
#define PLUGIN_HOST_GUARDING_H

/*
 * What a lease says, as an element of the classifier at the container's interface (plugin/enforce): which sources it may
 * send with, and which marks its packets get. It stands before anything can be sent, and goes with the interface.
 */

#include "plugin/enforce/classifier.h"
#include "plugin/host/host.h"
#include "plugin/host/protection.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and REFUSED */
enum guarding_outcome {
	GUARDING_E_MISSING =
		2, /* the classifier does not run at the interface, or knows something else of the container */
};

void guarding_use_marks(uint32_t mask);
void guarding_adopt_marks(struct host *host);
bool guarding_wanted(const struct protection *protection);
int guarding_put(struct host *host, uint32_t ifindex, const struct protection *protection, struct error *reterr);
int guarding_look(struct host *host, uint32_t ifindex, const struct protection *protection, struct error *reterr);
int guarding_look_only(struct host *host, uint32_t ifindex, const struct protection *protection, struct error *reterr);
int guarding_stop_bridging(struct host *host, uint32_t ifindex, struct error *reterr);
void guarding_everywhere(struct host *host);
int guarding_again(struct host *host, struct error *reterr);
int guarding_close(struct host *host, uint32_t ifindex, const struct protection *protection, struct error *reterr);
void guarding_sweep(struct host *host);

#endif
