/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rangeguard-agent: what has to run all the time on a host, beside the plugin that is only there during a call. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ipam/store/store_lmdb.h"
#include "plugin/agent/agent.h"
#include "plugin/agent/cluster.h"
#include "plugin/agent/docker.h"
#include "plugin/agent/docker_policy.h"
#include "plugin/agent/docker_record.h"
#include "plugin/agent/gc.h"
#include "plugin/agent/log.h"
#include "plugin/agent/metrics.h"
#include "plugin/agent/options.h"
#include "plugin/agent/watch.h"
#include "plugin/enforce/classifier.h"
#include "plugin/program/program.h"
#include "rangeguard/exit_status.h"

/** apply() - What the command line says goes before the configuration */
static void apply(const struct agent_options *options, struct agent_config *config)
{
	config->data_dir = options->data_dir ? options->data_dir : config->data_dir;
	config->policy.data_dir = config->data_dir;
	config->listen = options->listen ? options->listen : config->listen;
	config->textfile = options->textfile ? options->textfile : config->textfile;
	config->docker.enabled |= options->docker;
}

/** read_config() - Of struct agent_setup: all that is read, what the command line says first; userdata are the options */
static int read_config(void *userdata, struct agent_config *ret_config, struct error *reterr)
{
	const struct agent_options *options = userdata;

	if (agent_config_read(options->config, ret_config, reterr))
		return REFUSED;
	apply(options, ret_config);
	return metrics_check(ret_config->listen, reterr) ? REFUSED : cluster_check(reterr);
}

/** check_policies() - That what it names can be read; they are read again when they are needed: 0, REFUSED */
static int check_policies(const struct agent_config *config, struct error *reterr)
{
	struct docker_policies *policies = NULL;
	const struct guard *guard;
	int r;

	if (docker_policies_new(&config->policy, &policies) < 0)
		return error_no_memory(reterr);
	r = docker_policies_get(policies, DOCKER_NETWORK_DEFAULT, &guard, reterr);
	docker_policies_free(policies);
	return r;
}

/** check() - Only say whether configuration and policies are right: 0, REFUSED */
static int check(struct agent_options *options, struct error *reterr)
{
	AGENT_CONFIG_CLEANUP struct agent_config config = {0};

	return read_config(options, &config, reterr) ? REFUSED : check_policies(&config, reterr);
}

/** run() - With its options: the exit status */
static int run(struct agent_options *options)
{
	static const struct agent_module *const modules[] = {&watch_module,   &gc_module,      &docker_module,
							     &cluster_module, &metrics_module, NULL};
	const struct agent_setup setup = {.read = read_config, .userdata = options, .modules = modules};
	struct error err = {0};
	int r = options->check ? check(options, &err) : agent_run(&setup, &err);

	if (r)
		agent_log(LOG_LEVEL_ERROR, "%s", err.msg);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}

/** end_after_crash() - The lease store was damaged beyond its own checks and has been set aside: begin again */
static void end_after_crash(void)
{
	static const char line[] = "the lease store was damaged; it has been set aside as leases.mdb.damaged\n";

	(void)!write(STDERR_FILENO, line, sizeof(line) - 1);
	_exit(EXIT_FAILURE);
}

/**
 * choose() - What is done to this process as a whole, which lives for months
 *
 * Its working directory stays, also for libraries' threads; the signal that ends a wait for a lock comes to the thread that
 * waits, and changes nothing else.
 */
static void choose(void)
{
	program_ignore_failed_writes();
	program_block(agent_signals, AGENT_SIGNALS);
	store_lmdb_on_crash(end_after_crash);
	state_wake_by(program_prepare_wake);
	classifier_lift_limit_by(program_lift_locked_memory);
}

int main(int argc, char **argv)
{
	struct agent_options options = {0};
	int status = agent_options_read(argc, argv, &options);

	if (status == AGENT_OPTIONS_ENDED)
		return EXIT_SUCCESS;
	if (status)
		return status;
	agent_log_to_journal();
	choose();
	return run(&options);
}
