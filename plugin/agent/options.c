/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's command line. */

#include "plugin/agent/options.h"

#include <stdio.h>
#include <string.h>

#include "plugin/text/options.h"
#include "rangeguard/exit_status.h"

#ifndef RANGEGUARD_VERSION
#error "RANGEGUARD_VERSION must be the project's version"
#endif

static const char help[] =
	"Usage: rangeguard-agent [--config FILE] [--data-dir DIR] [--docker] [--listen ADDRESS:PORT]\n"
	"                        [--textfile FILE] [--check]\n"
	"\n"
	"Runs beside the rangeguard plugin, one agent per host: puts back what somebody takes out of\n"
	"nftables, serves metrics and Docker's IPAM driver. Everything is off or harmless unless asked for.\n"
	"\n"
	"  --config FILE          configuration, /etc/rangeguard/agent.json unless given (which may be\n"
	"                         absent); options go before what it says\n"
	"  --data-dir DIR         state directory that is shared with the plugin, /run/rangeguard\n"
	"  --docker               serve Docker's IPAM driver \"rangeguard\" on\n"
	"                         /run/docker/plugins/rangeguard.sock, or the socket systemd hands over\n"
	"  --listen ADDRESS:PORT  serve Prometheus metrics at http://ADDRESS:PORT/metrics\n"
	"  --textfile FILE        write the same for node_exporter's textfile collector\n"
	"  --check                read configuration and policies, say whether they are right, and end\n"
	"  --version              show the version\n"
	"\n"
	"Exit status: 0 ended by SIGTERM or SIGINT, 1 failed (or --check found something), 2 usage.\n";

/** print() - What was asked for on standard output; AGENT_OPTIONS_ENDED or the exit status */
static int print(const char *text)
{
	return fputs(text, stdout) == EOF || fflush(stdout)
		       ? options_usage("rangeguard-agent", "can't write to standard output", "")
		       : AGENT_OPTIONS_ENDED;
}

/** read_version(), read_help() - option_fn: print it, and end */
static int read_version(const char *value, void *userdata)
{
	(void)value;
	(void)userdata;
	return print("rangeguard-agent " RANGEGUARD_VERSION "\n");
}

static int read_help(const char *value, void *userdata)
{
	(void)value;
	(void)userdata;
	return print(help);
}

/**
 * agent_options_read() - Read the command line
 * @argc, @argv:	Of the process
 * @ret_options:	Options
 *
 * Return: 0, AGENT_OPTIONS_ENDED after --help and --version, or EXIT_USAGE when said on standard error what is wrong
 */
int agent_options_read(int argc, char **argv, struct agent_options *ret_options)
{
	const struct option_rule rules[] = {
		{"config", .text = &ret_options->config},
		{"data-dir", .text = &ret_options->data_dir},
		{"listen", .text = &ret_options->listen},
		{"textfile", .text = &ret_options->textfile},
		{"docker", .flag = &ret_options->docker},
		{"check", .flag = &ret_options->check},
		{"version", .call = read_version},
		{"help", .call = read_help},
		{0},
	};

	if (argc == 2 && !strcmp(argv[1], "-h"))
		return print(help);
	return options_read_only(&(struct command_line){"rangeguard-agent", help, argc, argv}, rules);
}
