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
static int start_modules(struct agent *agent, struct error *reterr)
{
	const struct agent_module *const *modules = agent->setup->modules;

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

/** read_again() - A configuration that the modules can be started with: 0, REFUSED */
static int read_again(const struct agent *agent, struct agent_config *ret_config, struct error *reterr)
{
	if (agent->setup->read(agent->setup->userdata, ret_config, reterr))
		return REFUSED;
	return strcmp(ret_config->data_dir, agent->config->data_dir) == 0
		       ? 0
		       : error_set(reterr, ERROR_CONFIG,
				   "the state directory is %.256s now, not %.256s: that takes a restart",
				   ret_config->data_dir, agent->config->data_dir);
}

/** start_again() - All modules, after they were stopped: 0, REFUSED with none of them running */
static int start_again(struct agent *agent, struct error *reterr)
{
	ask_server_forget(agent->ask);
	if (start_modules(agent, reterr) == 0)
		return 0;
	stop_modules(agent);
	return REFUSED;
}

/** exchange() - Each gets what the other has */
static void exchange(struct agent_config *a, struct agent_config *b)
{
	struct agent_config kept = *a;

	*a = *b;
	*b = kept;
}

/** reload() - Run by what the configuration says now, or, if that can't be, go on as before: 0, REFUSED: neither can be */
static int reload(struct agent *agent)
{
	AGENT_CONFIG_CLEANUP struct agent_config other = {0};
	struct error err = {0};

	if (read_again(agent, &other, &err) == 0) {
		/* They are stopped by what they were started with. */
		stop_modules(agent);
		exchange(agent->running, &other);
		if (start_again(agent, &err) == 0) {
			agent_log(LOG_LEVEL_INFO, "the configuration was read again, and counts");
			(void)sd_notify(0, "STATUS=");
			return 0;
		}
		exchange(agent->running, &other);
		if (start_again(agent, &agent->failure))
			return REFUSED;
	}
	agent_log(LOG_LEVEL_ERROR, "the configuration is not reloaded, what ran before goes on: %s", err.msg);
	(void)sd_notifyf(0, "STATUS=not reloaded: %.400s", err.msg);
	return 0;
}

/** on_reload() - sd_event_signal_handler_t: read the configuration again */
static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct agent *agent = userdata;
	uint64_t now = 0;
	int r;

	(void)info;
	(void)sd_event_now(agent->event, CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now);
	r = reload(agent);
	(void)sd_notify(0, "READY=1");
	return r ? sd_event_exit(sd_event_source_get_event(source), -EIO) : 0;
}

const int agent_signals[AGENT_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

/** set_up_loop() - The loop with its signals and systemd's watchdog: 0, negative errno */
static int set_up_loop(struct agent *agent)
{
	int r = sd_event_new(&agent->event);

	for (size_t i = 0; r >= 0 && i < AGENT_SIGNALS; i++)
		r = sd_event_add_signal(agent->event, NULL, agent_signals[i],
					agent_signals[i] == SIGHUP ? on_reload : on_signal, agent);
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
	if (r < 0 && agent->failure.code) {
		*reterr = agent->failure;
		return REFUSED;
	}
	return r < 0 ? error_set_errno(reterr, ERROR_IO, r, "the event loop") : 0;
}

/** run() - With its configuration, until a signal ends it: 0, REFUSED */
static int run(struct agent *agent, struct error *reterr)
{
	int r = set_up_loop(agent);

	if (r < 0)
		r = error_set_errno(reterr, ERROR_IO, r, "can't create an event loop");
	if (!r)
		r = lock_host(agent, reterr);
	if (!r)
		r = ask_server_start(agent, &agent->ask, reterr);
	if (!r)
		r = start_modules(agent, reterr);
	if (!r)
		r = run_loop(agent, reterr);
	stop_modules(agent);
	ask_server_stop(agent->ask);
	sd_event_unref(agent->event);
	cleanup_close(&agent->lock_fd);
	return r;
}

/**
 * agent_run() - Be the agent of this host until SIGTERM or SIGINT; SIGHUP has it read its configuration again
 * @setup:	What it is made of
 * @reterr:	Why not, or why no longer
 *
 * Return: 0, REFUSED
 */
int agent_run(const struct agent_setup *setup, struct error *reterr)
{
	AGENT_CONFIG_CLEANUP struct agent_config config = {0};
	struct agent agent = {.config = &config, .running = &config, .setup = setup, .lock_fd = -1};

	return setup->read(setup->userdata, &config, reterr) ? REFUSED : run(&agent, reterr);
}
