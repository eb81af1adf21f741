/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks over many flows, shared by threads. Each of them has a port of its own in the namespace of the thread that began,
 * and touches nothing else of the process; signals stay that one's.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/network/sysctl.h"
#include "plugin/snat/conntrack.h"
#include "plugin/snat/conntrack_walk.h"

/** More processors than that are left to others */
#define THREADS_MAX 4U

/**
 * struct worker - One thread
 * @work:	What it shares with the others
 * @thread:	Thread
 * @outcome:	Of its walks: 0, REFUSED
 * @error:	Why
 */
struct worker {
	struct conntrack_work *work;
	pthread_t thread;
	int outcome;
	struct error error;
};

/**
 * struct conntrack_work - Walks that are under way
 * @addresses:	Addresses
 * @walks:	Walks
 * @n_walks:	How many
 * @next:	The first one that nobody makes yet
 * @workers:	Threads
 * @n_workers:	How many were started
 */
struct conntrack_work {
	struct address addresses[LIMIT_RANGE_SETS];
	struct ct_walk walks[CT_WALKS_MAX];
	size_t n_walks;
	size_t next;
	struct worker workers[THREADS_MAX];
	size_t n_workers;
};

/** make_walks() - Those that nobody makes yet, until there are no more: 0, REFUSED */
static int make_walks(struct worker *worker)
{
	struct conntrack_work *work = worker->work;
	PORT_CLEANUP struct port *netfilter = NULL;
	int r = port_open_netfilter(&netfilter);
	size_t i;

	if (r)
		return ct_walk_failed(-r, NULL, &worker->error);
	while (!r && (i = __atomic_fetch_add(&work->next, 1, __ATOMIC_RELAXED)) < work->n_walks)
		r = ct_walk(netfilter, &work->walks[i], &worker->error);
	return r;
}

/** run() - A thread */
static void *run(void *userdata)
{
	struct worker *worker = userdata;

	worker->outcome = make_walks(worker);
	return NULL;
}

/** count_threads() - How many there are to be */
static size_t count_threads(size_t n_walks)
{
	cpu_set_t set;
	size_t n = sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;

	n = n < THREADS_MAX ? n : THREADS_MAX;
	return n < n_walks ? n : n_walks;
}

/** start() - Start the threads, in which no signal is handled */
static void start(struct conntrack_work *work)
{
	size_t n = count_threads(work->n_walks);
	sigset_t all, before;

	(void)sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before))
		return;
	while (work->n_workers < n) {
		struct worker *worker = &work->workers[work->n_workers];

		worker->work = work;
		if (pthread_create(&worker->thread, NULL, run, worker))
			break;
		work->n_workers++;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/**
 * conntrack_begin() - Begin to forget the flows of addresses, on a host that tracks many
 * @addresses:	Addresses; copied
 * @n:		How many, LIMIT_RANGE_SETS at most
 *
 * Return: for conntrack_end(); NULL where there are few flows, or no threads
 */
struct conntrack_work *conntrack_begin(const struct address *addresses, size_t n)
{
	struct conntrack_work *work;
	uint64_t count = 0;

	if (!n || n > LIMIT_RANGE_SETS || sysctl_number("netfilter/nf_conntrack_count", &count) ||
	    count < CONNTRACK_MANY)
		return NULL;
	work = calloc(1, sizeof(*work));
	if (!work)
		return NULL;
	memcpy(work->addresses, addresses, n * sizeof(*addresses));
	work->n_walks = ct_walks_of(work->addresses, n, work->walks);
	start(work);
	if (work->n_workers)
		return work;
	free(work);
	return NULL;
}

/**
 * conntrack_end() - Wait until the flows are forgotten
 * @work:	Of conntrack_begin(); released
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int conntrack_end(struct conntrack_work *work, struct error *reterr)
{
	int r = 0;

	for (size_t i = 0; i < work->n_workers; i++) {
		(void)pthread_join(work->workers[i].thread, NULL);
		if (!work->workers[i].outcome)
			continue;
		*reterr = work->workers[i].error;
		r = REFUSED;
	}
	free(work);
	return r;
}
