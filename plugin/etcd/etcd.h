/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ETCD_ETCD_H
#define PLUGIN_ETCD_ETCD_H

/*
 * A client of etcd v3 over its JSON gateway: requests of the cluster's machine, and one watch. libcurl's multi interface
 * in the agent's event loop; no thread. Everything has a deadline. What can't be known is said: a request whose answer
 * did not come may have been done.
 *
 * Endpoints are used in turn: the next one when one fails. A request that never left is sent to the next one at once.
 * The watch is noticed to be dead by TCP's keepalive, by a change of this host's own that it does not show, and by a
 * look at the newest record now and then. A cluster id that changes is an engine that was restored from a backup.
 */

#include <systemd/sd-event.h>

#include "plugin/cluster/machine.h"

/** `endpoints` of cluster.json */
#define ETCD_ENDPOINTS_MAX 16U
/** Bytes of one answer, of one line of a watch: etcd's own limit of a request is 1.5 MiB, a list is all of them */
#define ETCD_ANSWER_MAX (64U << 20)
#define ETCD_PROBLEM_MAX 384U

struct etcd;

/**
 * struct etcd_config - Where etcd is and who we are; borrowed as long as the client lives
 * @endpoints:	URLs
 * @n_endpoints: Their number, at least 1
 * @prefix:	Of all keys, without a slash at its end
 * @ca:		Certificates that may have signed etcd's, NULL: the system's
 * @certificate, @key: Ours, NULL: none
 * @user, @password: For a token, NULL: no authentication
 * @limit_ms:	Until a request is given up, as the machine does
 */
struct etcd_config {
	const char *endpoints[ETCD_ENDPOINTS_MAX];
	size_t n_endpoints;
	const char *prefix;
	const char *ca;
	const char *certificate;
	const char *key;
	const char *user;
	const char *password;
	int64_t limit_ms;
};

/**
 * struct etcd_events - Who is told
 * @answered:	A request ended; @answer NULL: it is not known whether it was done
 * @watched:	A change; without text: deleted
 * @watch_lost:	The watch ended: changes may have been missed
 * @restored:	Another cluster answers at this address: nothing that was seen before counts
 */
struct etcd_events {
	void (*answered)(void *userdata, uint64_t id, const struct engine_answer *answer);
	void (*watched)(void *userdata, const struct record *record);
	void (*watch_lost)(void *userdata);
	void (*restored)(void *userdata);
	void *userdata;
};

int etcd_new(sd_event *event, const struct etcd_config *config, const struct etcd_events *events,
	     struct etcd **ret_etcd);
void etcd_free(struct etcd *etcd);
int etcd_send(struct etcd *etcd, const struct engine_request *request);
/** etcd_command_fn - A request that is not the machine's ended; @answer NULL: it is not known whether it was done */
typedef void (*etcd_command_fn)(void *userdata, const struct engine_answer *answer);

int etcd_command(struct etcd *etcd, const struct engine_request *request, etcd_command_fn done, void *userdata);
int etcd_watch(struct etcd *etcd, int64_t from);
const char *etcd_problem(const struct etcd *etcd);
const char *etcd_endpoint(const struct etcd *etcd);

#endif
