/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the arguments to a command, and what rangeguard says of itself. */

#include "plugin/commands/commands.h"
#include "plugin/commands/completion.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "plugin/cni/version.h"
#include "plugin/text/nearest.h"
#include "rangeguard/array.h"

#ifndef RANGEGUARD_VERSION
#error "RANGEGUARD_VERSION must be the project's version"
#endif

/** struct command - A command, one line about it, and its manual */
struct command {
	const char *name;
	const char *summary;
	const char *help;
	int (*run)(int argc, char **argv);
};

static const char version_help[] = "Usage: rangeguard version\n"
				   "\n"
				   "Prints the version of rangeguard and of the CNI specifications that it speaks.\n";

/** print_about() - Name, version and CNI versions */
static void print_about(FILE *stream)
{
	(void)fprintf(stream, "rangeguard %s: CNI plugin that guards reserved address ranges\n", RANGEGUARD_VERSION);
	(void)fputs("CNI protocol versions supported:", stream);
	for (int version = CNI_0_1_0; version < CNI_N_VERSIONS; version++)
		(void)fprintf(stream, "%s %s", version ? "," : "", cni_version_text((enum cni_version)version));
	(void)fputc('\n', stream);
}

/** command_version() - Print the versions */
static int command_version(int argc, char **argv)
{
	if (argc > 1) {
		(void)fprintf(stderr, "rangeguard version: unexpected argument '%s'\n", argv[1]);
		return EXIT_USAGE;
	}
	print_about(stdout);
	return EXIT_FINE;
}

static int command_completion(int argc, char **argv);

static const struct command commands[] = {
	{"validate", "check configurations against policies, offline", command_validate_help, command_validate},
	{"explain", "tell why an address is allowed or refused", command_explain_help, command_explain},
	{"suggest", "find free subnets", command_suggest_help, command_suggest},
	{"list", "show the leases of this host", command_list_help, command_list},
	{"pools", "show how full the ranges of this host's networks are", command_pools_help, command_pools},
	{"audit", "compare this host with its leases, policies and an inventory", command_audit_help, command_audit},
	{"metrics", "print metrics in Prometheus' text format", command_metrics_help, command_metrics},
	{"who", "tell who holds or held an address", command_who_help, command_who},
	{"cluster", "show and change what the hosts of a cluster share", command_cluster_help, command_cluster},
	{"gc", "give back what dead containers hold", command_gc_help, command_gc},
	{"schema", "print JSON Schemas of files and outputs", command_schema_help, command_schema},
	{"completion", "print what a shell needs to complete commands", command_completion_help, command_completion},
	{"version", "show versions", version_help, command_version},
};

#define N_COMMANDS ARRAY_LENGTH(commands)

/** command_completion() - `rangeguard completion` */
static int command_completion(int argc, char **argv)
{
	struct completed completed[N_COMMANDS];

	for (size_t i = 0; i < N_COMMANDS; i++)
		completed[i] = (struct completed){
			.name = commands[i].name, .summary = commands[i].summary, .help = commands[i].help};
	return completion_print(argc == 2 ? argv[1] : NULL, completed, N_COMMANDS, stdout);
}

/** print_help() - The overview */
static void print_help(FILE *stream)
{
	print_about(stream);
	(void)fputs("\n"
		    "Usage: rangeguard COMMAND [ARGUMENTS]\n"
		    "       rangeguard COMMAND --help\n"
		    "\n"
		    "Commands:\n",
		    stream);
	for (size_t i = 0; i < N_COMMANDS; i++)
		(void)fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].summary);
	(void)fputs("\n"
		    "As a CNI plugin it is called by a container runtime, with CNI_COMMAND set.\n"
		    "Exit status: 0 fine, 1 findings or refused, 2 usage or I/O.\n",
		    stream);
}

/** wants_help() - Whether an argument asks for help */
static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

/**
 * finish() - See that all that was printed has been written: a part of an answer is none
 * @name:	Who printed it, "" or " COMMAND"
 * @status:	Exit status, if so
 *
 * Return: the exit status
 */
static int finish(const char *name, int status)
{
	bool lost = ferror(stdout);

	errno = 0;
	if (!fflush(stdout) && !lost)
		return status;
	(void)fprintf(stderr, "rangeguard%s: standard output: %s\n", name,
		      errno ? strerror(errno) : "a part of it could not be written");
	return EXIT_USAGE;
}

/** run_command() - Help or run */
static int run_command(const struct command *command, int argc, char **argv)
{
	char name[32];

	(void)snprintf(name, sizeof(name), " %s", command->name);
	if (!wants_help(argc, argv))
		return finish(name, command->run(argc, argv));
	(void)fputs(command->help, stdout);
	return finish(name, EXIT_FINE);
}

/** unknown_command() - Say that there is no such command, and which one was probably meant; return the exit status */
static int unknown_command(const char *name)
{
	const char *names[N_COMMANDS + 1] = {NULL}, *nearest;

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i].name;
	nearest = nearest_name(name, names);
	(void)fprintf(stderr, "rangeguard: unknown command '%s'; %s%s%s\n", name,
		      nearest ? "did you mean " : "see rangeguard --help", nearest ? nearest : "", nearest ? "?" : "");
	return EXIT_USAGE;
}

/** find_command() - The command of a name; NULL: there is none */
static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

/** help() - The overview, or a command's help; return the exit status */
static int help(const char *name)
{
	const struct command *command = name ? find_command(name) : NULL;

	if (name && !command)
		return unknown_command(name);
	if (command)
		(void)fputs(command->help, stdout);
	else
		print_help(stdout);
	return finish("", EXIT_FINE);
}

/**
 * commands_run() - Called without CNI_COMMAND
 * @argc, @argv:	Of the process
 *
 * Without arguments it says what it is on stderr, as the reference plugins do.
 *
 * Return: the exit status
 */
int commands_run(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_about(stderr);
		return EXIT_FINE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return help(argv[2]);
	command = find_command(strcmp(argv[1], "--version") ? argv[1] : "version");
	return command ? run_command(command, argc - 1, argv + 1) : unknown_command(argv[1]);
}
