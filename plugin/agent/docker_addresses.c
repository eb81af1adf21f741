/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RequestAddress and ReleaseAddress. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plugin/agent/docker_calls.h"
#include "plugin/agent/docker_store.h"
#include "plugin/agent/log.h"
#include "plugin/history/recorder.h"
#include "plugin/netconf/check.h"

/** Docker asks for all that its networks have within its first moments: seconds */
#define REPLAY_SECONDS 60

/**
 * struct holder - Who holds an address
 * @network:	Leases' network of the pool that is asked about
 * @held:	Somebody does
 * @ours:	The pool does; then @claim, @id and @kind tell more
 * @text:	For messages
 */
struct holder {
	const char *network;
	bool held;
	bool ours;
	bool gateway;
	struct docker_claim claim;
	char id[DOCKER_TOKEN_MAX];
	char text[ERROR_DETAILS_MAX];
	struct address address;
};

/** hear_holder() - ipam_each_fn */
static int hear_holder(void *userdata, const struct lease *lease)
{
	const struct attachment *attachment = &lease->attachment;
	struct holder *holder = userdata;

	(void)snprintf(holder->text, sizeof(holder->text), "%.256s %.256s %.64s", attachment->network,
		       attachment->container_id, attachment->ifname);
	holder->ours = !strcmp(attachment->network, holder->network) &&
		       docker_claim_of_lease(lease, &holder->claim) == 0 &&
		       strlen(attachment->container_id) < sizeof(holder->id);
	holder->gateway = !strcmp(attachment->ifname, DOCKER_GATEWAY);
	if (holder->ours)
		(void)snprintf(holder->id, sizeof(holder->id), "%s", attachment->container_id);
	return 0;
}

/** struct work - A call on an address, with what it works on */
struct work {
	struct docker_call *call;
	struct docker_store store;
	struct docker_pool pool;
	struct docker_ask ask;
	char network[DOCKER_NETWORK_MAX];
};

#define WORK_CLEANUP CLEANUP(work_done)

static void work_done(struct work *work)
{
	docker_store_close(&work->store);
}

/** find_holder() - Who holds the first address in a span that is held: 0, also when nobody does; REFUSED */
static int find_holder(struct work *work, const struct span *span, struct holder *ret_holder, struct error *reterr)
{
	int r;

	*ret_holder = (struct holder){.network = work->network, .text = "somebody"};
	r = ipam_next_held(work->store.store, span, &ret_holder->address, hear_holder, ret_holder);
	ret_holder->held = r == 0;
	return r && r != IPAM_E_NOT_FOUND ? docker_store_error(&work->store, r, reterr) : 0;
}

/** begin() - Read the request, open the store, find the pool: 0, REFUSED */
static int begin(struct docker_call *call, struct work *work, struct error *reterr)
{
	const char *data_dir = call->driver->config->data_dir;
	HOST_CLEANUP struct host host = {0};

	work->call = call;
	if (docker_read_ask(call->request, &work->ask, reterr) || host_open(data_dir, &host, reterr) ||
	    docker_store_open(data_dir, &call->driver->memory, host.rtnetlink, &work->store, reterr) ||
	    docker_find_asked_pool(&work->store, &work->ask, &work->pool, reterr))
		return REFUSED;
	(void)docker_network_format(&work->pool.subnet, work->network);
	return 0;
}

/** answer_address() - What Docker is told of an address: 0, REFUSED */
static int answer_address(struct docker_call *call, const struct docker_pool *pool, const struct address *address,
			  struct error *reterr)
{
	struct prefix prefix = {.address = *address, .length = pool->subnet.length};
	char text[PREFIX_TEXT_MAX];

	call->answer = json_pack("{s:s, s:{}}", "Address", prefix_format(&prefix, text), "Data");
	return call->answer ? 0 : error_no_memory(reterr);
}

/** claim_by() - Who holds what this call takes */
static struct docker_claim claim_by(const struct work *work, bool pending)
{
	struct docker_claim claim = {.docker = work->call->docker, .run = work->call->driver->run, .pending = pending};

	memcpy(claim.token, work->pool.claim.token, sizeof(claim.token));
	return claim;
}

/** note_claim() - Write down who holds an address: 0, REFUSED */
static int note_claim(struct work *work, const struct holder *holder, const struct docker_claim *claim,
		      struct error *reterr)
{
	DOCKER_ROW_CLEANUP struct docker_row row;
	int r = docker_row_of_address(&work->pool, claim, holder->id,
				      holder->gateway ? DOCKER_GATEWAY : DOCKER_ENDPOINT, &row);

	row.lease.since = time(NULL);
	row.lease.addresses[0] = holder->address;
	row.lease.n_addresses = 1;
	if (!r)
		r = ipam_note(work->store.store, &row.lease, bytes_of("", 0));
	return r ? docker_store_error(&work->store, r, reterr) : 0;
}

/** hand_on() - Give an address to who has it: 0, REFUSED */
static int hand_on(struct work *work, const struct holder *holder, struct error *reterr)
{
	struct docker_claim claim = claim_by(work, false);

	if (answer_address(work->call, &work->pool, &holder->address, reterr))
		return REFUSED;
	return note_claim(work, holder, &claim, reterr);
}

/**
 * may_ask_again() - Whether who asks for an address that is held is the one that holds it
 *
 * A Docker that has ended has left its addresses to the one that runs now; and an answer can have been lost with the
 * agent that gave it. A network has one gateway, however often Docker asks for it.
 */
static bool may_ask_again(const struct work *work, const struct holder *holder)
{
	if (!holder->ours)
		return false;
	if (!process_equal(&holder->claim.docker, &work->call->docker))
		return !process_runs(&holder->claim.docker);
	if (holder->gateway && work->ask.gateway)
		return true;
	return holder->claim.pending && holder->claim.run != work->call->driver->run;
}

/** take_error() - An outcome of ipam_take() in words: REFUSED */
static int take_error(struct work *work, int outcome, const struct ipam_refusal *refusal, struct error *reterr)
{
	char address[ADDRESS_TEXT_MAX], text[PREFIX_TEXT_MAX], reservation[RESERVATION_TEXT_MAX];

	(void)address_format(&refusal->address, address);
	switch (outcome) {
	case IPAM_E_FULL:
		return error_set(reterr, ERROR_NO_FREE_ADDRESS, "no free address in %s: each one is held or reserved",
				 prefix_format(&work->pool.range, text));
	case IPAM_E_RESERVED:
		return error_set(reterr, ERROR_RESERVED, "requested address %s lies in %s; ask for another address",
				 address, reservation_describe(&refusal->entry, reservation));
	case IPAM_E_HELD:
		return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE, "requested address %s is held by %s", address,
				 refusal->holder);
	case IPAM_E_OUTSIDE:
		return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
				 "requested address %s is not one that a host can have in subnet %s", address,
				 prefix_format(&work->pool.subnet, text));
	default:
		return docker_store_error(&work->store, outcome, reterr);
	}
}

/** span_to_give() - Addresses that may be given: of all the subnet when one is named, else of Docker's ip-range */
static struct span span_to_give(const struct work *work)
{
	struct span span = range_default_span(&work->pool.subnet);
	struct span range = prefix_span(&work->pool.range);

	if (work->ask.address.family != FAMILY_NONE)
		return span;
	span.first = range.first > span.first ? range.first : span.first;
	span.last = range.last < span.last ? range.last : span.last;
	return span;
}

/** take() - Take an address that nobody holds: 0 with the address, REFUSED */
static int take(struct work *work, struct docker_row *row, const struct guard *guard, struct address *ret_address,
		struct error *reterr)
{
	struct ip_range range = {.subnet = work->pool.subnet, .span = span_to_give(work)};
	struct range_set set = {.ranges = &range, .n_ranges = 1};
	struct ipam_request request = {
		.lease = row->lease,
		.sets = &set,
		.n_sets = 1,
		.requested = &work->ask.address,
		.n_requested = work->ask.address.family != FAMILY_NONE,
		.reuse_delay = work->call->driver->config->docker.reuse_delay,
		.guard = guard,
	};
	struct ipam_refusal refusal = {0};
	struct ipam_grant grant;
	int r;

	request.lease.since = time(NULL);
	r = ipam_take(work->store.store, &request, &grant, &refusal);
	if (r)
		return take_error(work, r, &refusal, reterr);
	*ret_address = grant.addresses[0];
	return 0;
}

/** record() - Tell the history who got an address or gave it back: 3 a.m.'s "who held it" knows Docker's, too */
static void record(const struct work *work, const char *name, const struct address *address)
{
	struct lease lease = {
		.attachment = {.network = work->network,
			       .container_id = "",
			       .ifname = work->ask.gateway ? DOCKER_GATEWAY : DOCKER_ENDPOINT},
		.addresses = {*address},
		.n_addresses = 1,
	};
	struct history_event event = {.name = name, .lease = &lease};

	recorder_note(&work->call->driver->recorder, &event);
}

/** is_replay() - Whether Docker has just started, and so tells what its containers have rather than what they want */
static bool is_replay(const struct work *work)
{
	int64_t since = time(NULL) - work->pool.replayed;

	/* A clock that was set back makes no hour of it. */
	return work->ask.address.family != FAMILY_NONE && work->pool.replayed && since >= 0 && since < REPLAY_SECONDS;
}

/** get_guard() - What may be given: by the policies, but for what containers have already. 0, REFUSED */
static int get_guard(const struct work *work, const struct guard **ret_guard, struct error *reterr)
{
	struct docker_policies *policies = work->call->driver->policies;

	return is_replay(work) ? docker_policies_none(policies, ret_guard, reterr)
			       : docker_policies_get(policies, work->pool.network, ret_guard, reterr);
}

/** take_new() - Take an address that nobody holds, and answer: 0, REFUSED */
static int take_new(struct work *work, struct error *reterr)
{
	struct docker_claim claim = claim_by(work, true);
	DOCKER_ROW_CLEANUP struct docker_row row = {.container_id = ""};
	const struct guard *guard;
	char id[DOCKER_TOKEN_MAX];
	struct address address;

	if (docker_make_token(id, reterr) || get_guard(work, &guard, reterr))
		return REFUSED;
	if (docker_row_of_address(&work->pool, &claim, id, work->ask.gateway ? DOCKER_GATEWAY : DOCKER_ENDPOINT, &row) <
	    0)
		return error_no_memory(reterr);
	if (take(work, &row, guard, &address, reterr))
		return REFUSED;
	work->call->taken = work->ask;
	work->call->taken.address = address;
	work->call->has_taken = true;
	record(work, "add", &address);
	return answer_address(work->call, &work->pool, &address, reterr);
}

/** check_inside() - An address that is named lies in the subnet: 0, REFUSED with code 105 */
static int check_inside(const struct work *work, struct error *reterr)
{
	struct span span = prefix_span(&work->pool.subnet);
	char address[ADDRESS_TEXT_MAX], text[PREFIX_TEXT_MAX];

	if (span_contains(&span, &work->ask.address))
		return 0;
	return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE, "requested address %s is not in subnet %s",
			 address_format(&work->ask.address, address), prefix_format(&work->pool.subnet, text));
}

/** request_named() - An address that is named: 0, REFUSED */
static int request_named(struct work *work, struct error *reterr)
{
	struct span span = span_of_address(&work->ask.address);
	struct holder holder;
	char text[ADDRESS_TEXT_MAX];

	if (check_inside(work, reterr) || find_holder(work, &span, &holder, reterr))
		return REFUSED;
	if (!holder.held)
		return take_new(work, reterr);
	if (may_ask_again(work, &holder))
		return hand_on(work, &holder, reterr);
	return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE, "requested address %s is held by %s",
			 address_format(&work->ask.address, text), holder.text);
}

/** request_gateway() - The network's gateway, which nobody names: the one that there is, or another address */
static int request_gateway(struct work *work, struct error *reterr)
{
	struct span within = span_to_give(work);
	struct holder holder;

	while (within.first <= within.last) {
		if (find_holder(work, &within, &holder, reterr))
			return REFUSED;
		if (!holder.held)
			break;
		if (holder.gateway && may_ask_again(work, &holder))
			return hand_on(work, &holder, reterr);
		if (holder.address.value == within.last)
			break;
		within.first = holder.address.value + 1;
	}
	return take_new(work, reterr);
}

/**
 * docker_request_address() - A network wants its gateway or an auxiliary address, a container its address
 * @call:	Call
 * @reterr:	Why it does not get it
 *
 * Return: 0, REFUSED
 */
int docker_request_address(struct docker_call *call, struct error *reterr)
{
	WORK_CLEANUP struct work work = {.store = DOCKER_STORE_INIT};

	if (begin(call, &work, reterr))
		return REFUSED;
	if (work.ask.address.family != FAMILY_NONE)
		return request_named(&work, reterr);
	return work.ask.gateway ? request_gateway(&work, reterr) : take_new(&work, reterr);
}

/**
 * docker_release_address() - A container or a network is gone: give its address back
 * @call:	Call
 * @reterr:	Why not
 *
 * Return: 0, REFUSED
 */
int docker_release_address(struct docker_call *call, struct error *reterr)
{
	WORK_CLEANUP struct work work = {.store = DOCKER_STORE_INIT};

	if (begin(call, &work, reterr))
		return REFUSED;
	if (work.ask.address.family == FAMILY_NONE)
		return error_set(reterr, ERROR_CONFIG, "Address is missing");
	if (check_inside(&work, reterr) ||
	    docker_store_release_address(&work.store, &work.pool, &work.ask.address, reterr))
		return REFUSED;
	record(&work, "del", &work.ask.address);
	call->answer = json_object();
	return call->answer ? 0 : error_no_memory(reterr);
}

/** settle_address() - docker_settle() of an address, with the store open: 0, REFUSED */
static int settle_address(struct work *work, bool delivered, struct error *reterr)
{
	struct span span = span_of_address(&work->ask.address);
	struct holder holder;

	if (docker_find_asked_pool(&work->store, &work->ask, &work->pool, reterr))
		return REFUSED;
	(void)docker_network_format(&work->pool.subnet, work->network);
	if (!delivered)
		return docker_store_release_address(&work->store, &work->pool, &work->ask.address, reterr);
	if (find_holder(work, &span, &holder, reterr))
		return REFUSED;
	if (!holder.held || !holder.ours || !holder.claim.pending)
		return 0;
	holder.claim.pending = false;
	return note_claim(work, &holder, &holder.claim, reterr);
}

/** settle() - docker_settle() with its error: 0, REFUSED */
static int settle(struct docker_driver *driver, const struct docker_ask *taken, bool delivered, struct error *reterr)
{
	WORK_CLEANUP struct work work = {.store = DOCKER_STORE_INIT, .ask = *taken};
	struct docker_call call = {.driver = driver};
	HOST_CLEANUP struct host host = {0};

	work.call = &call;
	if (host_open(driver->config->data_dir, &host, reterr) ||
	    docker_store_open(driver->config->data_dir, &driver->memory, host.rtnetlink, &work.store, reterr))
		return REFUSED;
	return taken->address.family == FAMILY_NONE ? docker_settle_pool(&work.store, taken, delivered, reterr)
						    : settle_address(&work, delivered, reterr);
}

/**
 * docker_settle() - After the answer
 * @driver:	Driver
 * @taken:	Address or pool that was taken for the answer
 * @delivered:	The answer has left; otherwise Docker does not know of it, and it is given back
 */
void docker_settle(struct docker_driver *driver, const struct docker_ask *taken, bool delivered)
{
	struct error err = {0};

	if (settle(driver, taken, delivered, &err))
		agent_log(LOG_LEVEL_WARNING, "after Docker was answered: %s", err.msg);
}
