/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other containers whose classifier somebody took away. To look at each of them takes longer the more there are, which an
 * ADD can't afford; but the backstop counts what it drops, and what it drops tells of them. One who sends nothing waits for
 * his CHECK, for GC or for the agent: nothing of his can pass.
 */

#include <errno.h>
#include <net/if.h>

#include "plugin/enforce/classifier_attach.h"
#include "plugin/enforce/marks.h"
#include "plugin/host/guarding.h"
#include "plugin/report/log.h"
#include "plugin/snat/backstop.h"

/** struct again - Where the classifier is put again */
struct again {
	struct host *host;
	const struct classifier *classifier;
	unsigned failed;
};

/** attach_again() - classifier_each() callback: see that it runs at an interface that is there, as its element says */
static int attach_again(void *userdata, uint32_t ifindex, const struct classifier_element *element)
{
	uint32_t group = (element->mark & marks().pinned) ? CLASSIFIER_GROUP_PINNED : CLASSIFIER_GROUP;
	struct again *again = userdata;
	char name[IF_NAMESIZE];
	struct error err = {0};

	if (!if_indextoname(ifindex, name))
		return 0;
	if (classifier_attach(again->host->rtnetlink, again->classifier, ifindex, group, &err)) {
		again->failed++;
		log_line("the classifier at %s can't be put back: %s", name, err.msg);
	}
	return 0;
}

/**
 * guarding_everywhere() - Put the classifier back where it is missing, of all containers that it knew, with a lease or without
 * @host:	Host; the calling thread is in its namespace
 */
void guarding_everywhere(struct host *host)
{
	CLASSIFIER_CLEANUP struct classifier kept = CLASSIFIER_INIT;
	struct again again = {.host = host, .classifier = &kept};

	if (classifier_open_kept(host->rtnetlink, &kept) == 0)
		(void)classifier_each(&kept, attach_again, &again);
}

/**
 * guarding_again() - Put the classifier back where it is missing, of all containers, if one of them was stopped for that
 * @host:	Host, its port on nfnetlink open, the backstop there
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int guarding_again(struct host *host, struct error *reterr)
{
	CLASSIFIER_CLEANUP struct classifier kept = CLASSIFIER_INIT;
	struct again again = {.host = host, .classifier = &kept};
	uint64_t dropped = backstop_dropped(host->netfilter);

	if (!dropped || classifier_open_kept(host->rtnetlink, &kept))
		return 0;
	log_line("%ju packets were dropped that came from containers without the classifier: it is put back",
		 (uintmax_t)dropped);
	(void)classifier_each(&kept, attach_again, &again);
	return again.failed ? 0 : backstop_renew(host->netfilter, reterr);
}
