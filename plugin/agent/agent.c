/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's frame. */

#include "plugin/agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "ipam/store/state.h"
#include "plugin/agent/ask_server.h"
#include "plugin/agent/log.h"
#include "rangeguard/cleanup.h"

#define LOCK_FILE "agent.lock"

#ifndef RANGEGUARD_VERSION
#error "RANGEGUARD_VERSION must be the project's version"
#endif

/**
 * lock_host() - See that there is no other agent on this host
 * @agent:	Its lock descriptor is set
 * @reterr:	Code 106
 *
 * The lock is a file's of its own, beside the plugin's: an agent holds it as long as it lives.
 *
 * Return: 0, REFUSED
 */
static int lock_host(struct agent *agent, struct error *reterr)
{
	const char *data_dir = agent->config->data_dir;
	STATE_CLEANUP struct state state = STATE_INIT;
	int r = state_open(data_dir, STATE_WRITE, &state);

	if (r == STATE_E_UNSAFE)
		return error_set(reterr, ERROR_STORE,
				 "state directory %.256s is not safe: it must be root's, writable by nobody else, and "
				 "not be reached through a symlink that root did not make",
				 data_dir);
	if (r)
		return r < 0 ? error_set_errno(reterr, ERROR_STORE, r, "state directory %.256s can't be used", data_dir)
			     : error_set(reterr, ERROR_STORE, "state directory %.256s can't be used: it is not there",
					 data_dir);
	agent->lock_fd = openat(state.dir_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (agent->lock_fd < 0)
		return error_set(reterr, ERROR_STORE, "%.256s/" LOCK_FILE ": %s", data_dir, strerror(errno));
	if (flock(agent->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return error_set(reterr, ERROR_STORE,
			 errno == EWOULDBLOCK ? "another rangeguard-agent runs on this host: it holds %.256s/" LOCK_FILE
					      : "%.256s/" LOCK_FILE " can't be locked",
			 data_dir);
}

/** stop_modules() - In reverse order */
static void stop_modules(struct agent *agent)
{
	while (agent->n_modules > 0) {
		agent->n_modules--;
		if (agent->modules[agent->n_modules].self)
			agent->modules[agent->n_modules].module->stop(agent->modules[agent->n_modules].self);
	}
}

/** start_modules() - In their order; 0, REFUSED with those that had begun still running */
static int start_modules(struct agent *agent, const struct agent_module *const *modules, struct error *reterr)
{
	for (; *modules && agent->n_modules < AGENT_MODULES_MAX; modules++) {
		void *self = NULL;

		if ((*modules)->start(agent, &self, reterr))
			return REFUSED;
		agent->modules[agent->n_modules].module = *modules;
		agent->modules[agent->n_modules++].self = self;
	}
	return 0;
}

/** agent_write_metrics() - What the modules that run have to tell, in Prometheus' text format */
void agent_write_metrics(const struct agent *agent, FILE *stream)
{
	(void)fputs("# HELP rangeguard_agent_info The agent that runs on this host.\n"
		    "# TYPE rangeguard_agent_info gauge\n"
		    "rangeguard_agent_info{version=\"" RANGEGUARD_VERSION "\"} 1\n",
		    stream);
	for (size_t i = 0; i < agent->n_modules; i++)
		if (agent->modules[i].self && agent->modules[i].module->metrics)
			agent->modules[i].module->metrics(agent->modules[i].self, stream);
}

/** on_signal() - sd_event_signal_handler_t: end the loop */
static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)userdata;
	agent_log(LOG_LEVEL_INFO, "signal %u: ending", info->ssi_signo);
	(void)sd_notify(0, "STOPPING=1");
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

const int agent_ending_signals[AGENT_ENDING_SIGNALS] = {SIGTERM, SIGINT};

/** set_up_loop() - The loop with its signals and systemd's watchdog: 0, negative errno */
static int set_up_loop(struct agent *agent)
{
	int r = sd_event_new(&agent->event);

	for (size_t i = 0; r >= 0 && i < AGENT_ENDING_SIGNALS; i++)
		r = sd_event_add_signal(agent->event, NULL, agent_ending_signals[i], on_signal, NULL);
	if (r >= 0)
		r = sd_event_set_watchdog(agent->event, true);
	return r < 0 ? r : 0;
}

/** run_loop() - Until a signal ends it: 0, REFUSED */
static int run_loop(struct agent *agent, struct error *reterr)
{
	int r;

	(void)sd_notify(0, "READY=1");
	agent_log(LOG_LEVEL_INFO, "version " RANGEGUARD_VERSION " runs, state in %s", agent->config->data_dir);
	r = sd_event_loop(agent->event);
	return r < 0 ? error_set_errno(reterr, ERROR_IO, r, "the event loop") : 0;
}

/**
 * agent_run() - Be the agent of this host until SIGTERM or SIGINT
 * @config:	Configuration
 * @modules:	What it does; ends with NULL
 * @reterr:	Why not, or why no longer
 *
 * Return: 0, REFUSED
 */
int agent_run(const struct agent_config *config, const struct agent_module *const *modules, struct error *reterr)
{
	struct agent agent = {.config = config, .lock_fd = -1};
	int r = set_up_loop(&agent);

	if (r < 0)
		r = error_set_errno(reterr, ERROR_IO, r, "can't create an event loop");
	if (!r)
		r = lock_host(&agent, reterr);
	if (!r)
		r = ask_server_start(&agent, &agent.ask, reterr);
	if (!r)
		r = start_modules(&agent, modules, reterr);
	if (!r)
		r = run_loop(&agent, reterr);
	stop_modules(&agent);
	ask_server_stop(agent.ask);
	sd_event_unref(agent.event);
	cleanup_close(&agent.lock_fd);
	return r;
}
