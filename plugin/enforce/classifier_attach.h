/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ENFORCE_CLASSIFIER_ATTACH_H
#define PLUGIN_ENFORCE_CLASSIFIER_ATTACH_H

/*
 * The classifier at an interface. Three ways:
 *
 *	an interface of our own, which was made just now: qdisc "clsact" and a filter of priority 1. 0.1 ms.
 *	another plugin's: TCX (Linux 6.6), which runs before all qdiscs and leaves their places to others (the bandwidth
 *		plugin wants to make an "ingress" qdisc). To attach waits for an RCU grace period, so not for our own.
 *	another plugin's, where there is no TCX: clsact, or the ingress qdisc that is there, and a filter of a priority that
 *		is free. If that is not the first, an earlier filter may send packets round it by an intermediate (ifb)
 *		interface: then it stands there as well.
 *
 * Who comes later may stand before it all the same: by TCX, by a filter of the same priority, or of the first one after the
 * classifier's was deleted. Then it takes the first place again, by TCX where there is that, or it is said who has it.
 *
 * All of them also get a link group, by which the nftables tables know interfaces whose packets must be guarded.
 */

#include "plugin/enforce/classifier.h"
#include "rangeguard/outcome.h"

/**
 * Groups of the interfaces that have the classifier (IFLA_GROUP; "group 82" of ip-link(8)): of containers without pins, and
 * with. They differ in the lowest bit
 */
#define CLASSIFIER_GROUP 82U
#define CLASSIFIER_GROUP_PINNED 83U

/** Named outcomes beside 0 and REFUSED */
enum classifier_outcome {
	CLASSIFIER_E_MISSING = OUTCOMES_CLASSIFIER, /* nothing at this interface runs the program */
};

int classifier_attach_new(struct port *host, const struct classifier *classifier, uint32_t ifindex, uint32_t group,
			  bool any_source, struct error *reterr);
int classifier_attach(struct port *host, const struct classifier *classifier, uint32_t ifindex, uint32_t group,
		      struct error *reterr);
int classifier_find(struct port *host, const struct classifier *wanted, uint32_t ifindex,
		    struct classifier *ret_classifier, bool *ret_first, struct error *reterr);

#endif
