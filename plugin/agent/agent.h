/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_AGENT_H
#define PLUGIN_AGENT_AGENT_H

/*
 * The agent's frame: one process per host (a lock), one thread, one event loop (sd-event), and modules that hang their
 * descriptors and timers into it. What a module does in one go it does quickly: while it runs nobody else does, and the
 * watchdog waits for it, too.
 */

#include <stdio.h>
#include <systemd/sd-event.h>

#include "plugin/agent/config.h"
#include "plugin/report/error.h"

struct agent;
struct ask_server;

#define AGENT_MODULES_MAX 16U

/**
 * struct agent_module - One thing that the agent does
 * @name:	For messages
 * @start:	Begin; what is not configured returns 0 with *ret_self NULL
 * @stop:	End; called with what @start gave unless that is NULL
 * @metrics:	NULL, or write samples in Prometheus' text format
 */
struct agent_module {
	const char *name;
	int (*start)(struct agent *agent, void **ret_self, struct error *reterr);
	void (*stop)(void *self);
	void (*metrics)(void *self, FILE *stream);
};

/**
 * struct agent_setup - What an agent is made of
 * @read:	Read the configuration, and see that each module will understand its own
 * @userdata:	For it
 * @modules:	What it does; ends with NULL
 */
struct agent_setup {
	int (*read)(void *userdata, struct agent_config *ret_config, struct error *reterr);
	void *userdata;
	const struct agent_module *const *modules;
};

/**
 * struct agent - The process
 * @event:	Loop
 * @config:	Configuration; stays the same while a module runs: to read it again all are stopped and started
 * @setup:	Where it is from, and what runs by it
 * @running:	The same as @config, for who reads it again
 * @failure:	Why a reload ended everything: what ran before could not be started again either
 * @ask:	The plugin's questions; a module may add some while it starts
 * @lock_fd:	One agent per host
 * @modules:	Those that have been started, and what each start gave
 */
struct agent {
	sd_event *event;
	const struct agent_config *config;
	const struct agent_setup *setup;
	struct agent_config *running;
	struct error failure;
	struct ask_server *ask;
	int lock_fd;
	struct {
		const struct agent_module *module;
		void *self;
	} modules[AGENT_MODULES_MAX];
	size_t n_modules;
};

/** Signals that end the agent, and the one by which it reads its configuration again; main() blocks them before */
#define AGENT_SIGNALS 3U
extern const int agent_signals[AGENT_SIGNALS];

int agent_run(const struct agent_setup *setup, struct error *reterr);
void agent_write_metrics(const struct agent *agent, FILE *stream);

#endif
