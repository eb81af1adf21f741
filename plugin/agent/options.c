/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's command line. */

#include "plugin/agent/options.h"

#include <getopt.h>
#include <stdio.h>

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

/** usage() - Say what is wrong with the command line; return the exit status */
static int usage(const char *what, const char *argument)
{
	(void)fprintf(stderr, "rangeguard-agent: %s%s; see rangeguard-agent --help\n", what, argument);
	return EXIT_USAGE;
}

/** print() - What was asked for on standard output; AGENT_OPTIONS_ENDED or the exit status */
static int print(const char *text)
{
	return fputs(text, stdout) == EOF || fflush(stdout) ? usage("can't write to standard output", "")
							    : AGENT_OPTIONS_ENDED;
}

/** read_option() - One option; 0, AGENT_OPTIONS_ENDED or the exit status */
static int read_option(int option, const char *argument, struct agent_options *options)
{
	switch (option) {
	case 'c':
		options->config = argument;
		return 0;
	case 'd':
		options->data_dir = argument;
		return 0;
	case 'l':
		options->listen = argument;
		return 0;
	case 't':
		options->textfile = argument;
		return 0;
	case 'D':
		options->docker = true;
		return 0;
	case 'C':
		options->check = true;
		return 0;
	case 'v':
		return print("rangeguard-agent " RANGEGUARD_VERSION "\n");
	default:
		return print(help);
	}
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
	static const struct option known[] = {
		{"config", required_argument, NULL, 'c'},
		{"data-dir", required_argument, NULL, 'd'},
		{"listen", required_argument, NULL, 'l'},
		{"textfile", required_argument, NULL, 't'},
		{"docker", no_argument, NULL, 'D'},
		{"check", no_argument, NULL, 'C'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option, r = 0;

	opterr = 0;
	while (!r && (option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		if (option == ':' || option == '?')
			return usage(option == ':' ? "argument missing for " : "unknown option ", argv[optind - 1]);
		r = read_option(option, optarg, ret_options);
	}
	if (!r && optind < argc)
		return usage("unexpected argument ", argv[optind]);
	return r;
}
