/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After the faults have ended, whoever waits for a source is served in time. */

#include <string.h>

#include "tests/unit/cluster/sim_internal.h"

/** is_registered() - Whether the engine has this very machine under the host's name */
static bool is_registered(const struct sim *sim, const struct host *host)
{
	char key[RECORD_KEY_MAX], machine[RECORD_ID_MAX];
	const struct seen *seen;

	(void)snprintf(key, sizeof(key), "host/h%u", host->name);
	(void)snprintf(machine, sizeof(machine), "%032x", host->machine_id + 1);
	seen = cache_find(&sim->engine, key);
	return !seen || !seen->record.text || strcmp(seen->record.host.machine, machine) == 0;
}

/** serves() - Whether a host sends with a source, or with any of its pin's */
static bool serves(const struct sim *sim, const struct host *host, unsigned source)
{
	bool any = false;

	for (unsigned i = 0; i < sim->config->sources; i++)
		any |= (i == source || sim->config->one_pin) && host_sends(sim, host, i);
	return any;
}

/** waits() - Whether a host wants a source in vain: as many as there are sources can be served */
static bool waits(const struct sim *sim, unsigned source)
{
	unsigned waiting = 0, served = 0, most = sim->config->one_pin ? sim->config->sources : 1;

	for (unsigned i = 0; i < sim->n_hosts; i++) {
		const struct host *host = &sim->host[i];
		unsigned wanted = host->wanted[source];

		for (unsigned j = 0; sim->config->one_pin && j < sim->config->sources; j++)
			wanted += host->wanted[j];
		if (!host->up || wanted == 0 || !is_registered(sim, host))
			continue;
		if (serves(sim, host, source))
			served++;
		else
			waiting++;
	}
	return waiting > 0 && served < most;
}

/** check_waiting() - After the faults have ended each source that is wanted is open somewhere in time */
void check_waiting(struct sim *sim)
{
	int64_t ttl = 5 * SIM_SECOND, bound;
	bool served[SIM_SOURCES] = {false};
	unsigned open = 0;

	bound = ttl * 1000 / 900 + SIM_SECOND + sim->config->grace;
	for (int64_t at = 0; at < bound && open < sim->config->sources; at += 50000) {
		sim_run_until(sim, sim->until + at);
		for (unsigned i = 0; i < sim->config->sources; i++) {
			if (served[i] || waits(sim, i))
				continue;
			served[i] = true;
			open++;
			sim->result->waited = at;
		}
	}
	for (unsigned i = 0; i < sim->config->sources; i++) {
		if (!served[i])
			sim_bad(sim, "I5 source %u is wanted and not open %.1f s after the faults ended", i,
				(double)bound / 1e6);
	}
}
