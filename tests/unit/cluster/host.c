/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host: its clock, what its kernel and store hold, containers that come and go; and what must always hold. */

#include "tests/unit/cluster/sim_internal.h"

#include <stdlib.h>
#include <string.h>

/** host_clock() - CLOCK_BOOTTIME of a host, nanoseconds */
int64_t host_clock(const struct sim *sim, const struct host *host)
{
	return (sim->now - host->base) * host->rate;
}

/** host_sends() - Whether packets with a source leave the host now */
bool host_sends(const struct sim *sim, const struct host *host, unsigned source)
{
	if (!host->up)
		return false;
	if (sim->config->host_deadline)
		return host->armed[source] && host->host_deadline > host_clock(sim, host);
	return host->deadline[source] > host_clock(sim, host);
}

/** check_senders() - One sender per source: only a host that opens can become the second */
void check_senders(struct sim *sim, const struct host *host, unsigned source)
{
	if (!host_sends(sim, host, source))
		return;
	for (unsigned i = 0; i < sim->n_hosts; i++) {
		const struct host *other = &sim->host[i];

		if (other != host && host_sends(sim, other, source))
			sim_bad(sim, "I1 source %u: h%u and h%u both send", source, host->id, other->id);
	}
}

/** check_addresses() - An agent with nothing to do has left no address that outlives its deadline */
void check_addresses(struct sim *sim, const struct host *host)
{
	for (unsigned i = 0; !sim->config->no_lock && i < sim->config->sources; i++) {
		if (host->address[i] > host->deadline[i])
			sim_bad(sim, "I4 the address of source %u stays on h%u longer than it may send", i, host->id);
	}
}

/** host_write_deadline() - The kernel is told until when a source may be used */
void host_write_deadline(struct sim *sim, struct host *host, unsigned source, int64_t deadline)
{
	host->deadline[source] = deadline;
	host->stored_deadline[source] = deadline;
	if (deadline > 0) {
		host->host_deadline = deadline;
		host->armed[source] = true;
	}
	sim_log(sim, "h%u KERNEL source %u %s %.3f", host->id, source, deadline ? "until" : "closed",
		(double)(deadline - host_clock(sim, host)) / 1e9);
	check_senders(sim, host, source);
}

/** host_block_index() - Number of a block's key: "block/10.0.N.0/24" */
unsigned host_block_index(const char *key)
{
	unsigned n = 0;

	for (const char *p = key + strlen("block/10.0."); *p >= '0' && *p <= '9'; p++)
		n = 10 * n + (unsigned)(*p - '0');
	return n;
}

/** check_block() - One holder of a block, and it is the one that the record names */
static void check_block(struct sim *sim, unsigned block)
{
	const struct host *first = NULL;
	char key[RECORD_KEY_MAX], name[8], machine[RECORD_ID_MAX];
	const struct seen *seen;

	(void)snprintf(key, sizeof(key), "block/10.0.%u.0/24", block);
	seen = cache_find(&sim->engine, key);
	for (unsigned i = 0; i < sim->n_hosts; i++) {
		const struct host *host = &sim->host[i];

		if (host->block[block].state != BLOCK_IN_USE && host->block[block].leases == 0)
			continue;
		(void)snprintf(name, sizeof(name), "h%u", host->name);
		(void)snprintf(machine, sizeof(machine), "%032x", host->machine_id + 1);
		if (first)
			sim_bad(sim, "I2 block %u used by h%u and h%u", block, first->id, host->id);
		if (!seen || !seen->record.text || strcmp(seen->record.block.host, name) != 0 ||
		    strcmp(seen->record.block.machine, machine) != 0)
			sim_bad(sim, "I2 h%u uses block %u (%u leases), whose record is %s", host->id, block,
				host->block[block].leases, seen && seen->record.text ? seen->record.text : "absent");
		first = host;
	}
}

/** check_blocks() - Each block */
void check_blocks(struct sim *sim)
{
	for (unsigned i = 0; i < SIM_BLOCKS; i++)
		check_block(sim, i);
}

/** host_crash() - Power off; @back < 0: for ever */
void host_crash(struct sim *sim, struct host *host, int64_t back, bool lose_store)
{
	agent_kill(sim, host);
	host->up = false;
	memset(host->deadline, 0, sizeof(host->deadline));
	memset(host->armed, 0, sizeof(host->armed));
	memset(host->address, 0, sizeof(host->address));
	memset(host->wanted, 0, sizeof(host->wanted));
	host->host_deadline = 0;
	host->demand = 0;
	for (unsigned i = 0; i < SIM_BLOCKS; i++)
		host->block[i].leases = 0;
	if (lose_store || back < 0)
		memset(host->block, 0, sizeof(host->block));
	sim_log(sim, "h%u crashes%s%s", host->id, lose_store ? ", store lost" : "", back < 0 ? ", for ever" : "");
	host->dead = back < 0;
	if (back >= 0)
		sim_at(sim, back, HAPPENS_BOOT, host->id, 0, 0, NULL);
}

/** host_boot() - Power on: a new boot id, no leases, the blocks of the store */
void host_boot(struct sim *sim, struct host *host)
{
	host->up = true;
	host->base = sim->now;
	host->boots++;
	memset(host->open, 0, sizeof(host->open));
	sim_log(sim, "h%u boots", host->id);
	for (unsigned i = 0; sim->config->store_deadlines && i < sim->config->sources; i++) {
		if (host->stored_deadline[i] > 0) {
			host->open[i] = true;
			host_write_deadline(sim, host, i, host->stored_deadline[i]);
		}
	}
	sim_at(sim, sim->now + 100000, HAPPENS_SPAWN, host->id, 0, 0, NULL);
}

/** operate_source() - ADD of the first container with a source, or DEL of the last */
static void operate_source(struct sim *sim, struct host *host, uint64_t random)
{
	unsigned source = (unsigned)((random >> 8) % sim->config->sources);
	uint64_t stopped;

	if (host->wanted[source] > 0) {
		host->wanted[source] = 0;
		host->armed[source] = false;
		sim_log(sim, "h%u DEL of the last container with source %u", host->id, source);
		return;
	}
	host->wanted[source] = 1;
	sim_log(sim, "h%u ADD of a container with source %u%s", host->id, source, host->open[source] ? " (held)" : "");
	if (!host->open[source])
		return;
	stopped = sim_fault(sim, FAULT_VERB_STOPPED, host->id, 50000);
	sim_at(sim, sim->now + 1000 + (stopped ? (int64_t)(stopped % (8 * SIM_SECOND)) : 0), HAPPENS_ARM, host->id,
	       host->boots, source, NULL);
}

/** operate_block() - A lease more, or none any more */
static void operate_block(struct sim *sim, struct host *host, uint64_t random)
{
	if (!(random >> 8 & 1)) {
		host->demand = 0;
		for (unsigned i = 0; i < SIM_BLOCKS; i++)
			host->block[i].leases = 0;
		return;
	}
	for (unsigned i = 0; i < SIM_BLOCKS; i++) {
		if (host->block[i].state != BLOCK_IN_USE || host->block[i].leases >= 2)
			continue;
		host->block[i].leases++;
		sim_log(sim, "h%u leases from block %u", host->id, i);
		check_blocks(sim);
		return;
	}
	host->demand++;
}

/** host_operation() - A verb, one step under the store's lock */
void host_operation(struct sim *sim, struct host *host)
{
	uint64_t random;

	if (!sim->config->script)
		sim_at(sim, sim->now + sim_between(sim, RANDOM_OPERATION, host->id, 100000, sim->config->operations),
		       HAPPENS_OPERATION, host->id, 0, 0, NULL);
	if (!host->up || sim->now >= sim->until)
		return;
	random = sim_fault(sim, FAULT_OPERATION, host->id, 1000000);
	if (!random)
		return;
	random >>= 1;
	if (sim->config->sources > 0 && (random % 8 < 5 || sim->config->blocks == 0))
		operate_source(sim, host, random);
	else if (sim->config->blocks > 0)
		operate_block(sim, host, random);
	for (unsigned i = 0; i < 2; i++)
		agent_wake(sim, host, &host->process[i], false);
}

/** host_arm() - A verb that was stopped after its look at the store goes on */
void host_arm(struct sim *sim, struct host *host, unsigned source, unsigned boots)
{
	if (!host->up || host->boots != boots || host->wanted[source] == 0)
		return;
	host->armed[source] = true;
	if (sim->config->host_deadline)
		check_senders(sim, host, source);
}
