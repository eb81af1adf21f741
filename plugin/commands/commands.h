/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_COMMANDS_H
#define PLUGIN_COMMANDS_COMMANDS_H

/* The commands for people. Each gets its own arguments, argv[0] being its name, and returns the exit status. */

#include "rangeguard/exit_status.h"

int commands_run(int argc, char **argv);

int command_validate(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_suggest(int argc, char **argv);
int command_list(int argc, char **argv);
int command_who(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_pools(int argc, char **argv);
int command_cluster(int argc, char **argv);
int command_gc(int argc, char **argv);
int command_schema(int argc, char **argv);
int command_metrics(int argc, char **argv);

extern const char command_validate_help[];
extern const char command_explain_help[];
extern const char command_suggest_help[];
extern const char command_list_help[];
extern const char command_who_help[];
extern const char command_audit_help[];
extern const char command_pools_help[];
extern const char command_cluster_help[];
extern const char command_gc_help[];
extern const char command_schema_help[];
extern const char command_metrics_help[];

#endif
