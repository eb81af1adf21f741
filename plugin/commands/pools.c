/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard pools`: how full the ranges of this host's networks are, and who reserves what of them. */

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "plugin/commands/commands.h"
#include "plugin/overview/pools.h"
#include "plugin/text/columns.h"
#include "plugin/text/options.h"
#include "plugin/text/printable.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/exit_status.h"

#define N_COLUMNS 10
/** Columns with numbers: all but network, range and the last one */
#define NUMBER_COLUMNS (1U << 1 | 1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 | 1U << 7 | 1U << 8)

const char command_pools_help[] =
	"Usage: rangeguard pools [--config PATH]... [--network NAME] [--format text|json]\n"
	"\n"
	"Shows each range of this host's networks: how many addresses it has, how many of them are\n"
	"reserved (and by whom), held, resting (released less than reuseDelay ago) and free, and\n"
	"how much of what is not reserved is held.\n"
	"\n"
	"  --config PATH    network configuration or a directory of them; may be repeated;\n"
	"                   default " HOST_NETWORKS_DIR "\n"
	"  --network NAME   only this network\n"
	"  --format FORMAT  text (default) or json\n"
	"\n"
	"Exit status: 0 fine, 2 usage, no such directory or network, or something that can't be read.\n";

/** struct pools_options - The command line */
struct pools_options {
	struct path_list configs;
	const char *network;
	bool json;
};

/** usage() - Say what is wrong with the command line; return the exit status */
static int usage(const char *what, const char *argument)
{
	return options_usage("rangeguard pools", what, argument);
}

/** read_options() - The command line; 0 or the exit status */
static int read_options(int argc, char **argv, struct pools_options *options)
{
	const struct option_rule rules[] = {
		{"config", .paths = &options->configs},
		{"network", .text = &options->network},
		{"format", .json = &options->json},
		{0},
	};

	return options_read_only(&(struct command_line){"rangeguard pools", command_pools_help, argc, argv}, rules);
}

/** hear() - Listener: say what can't be read or told, where */
static void hear(struct report *report, const struct finding *finding)
{
	(void)report;
	(void)fprintf(stderr, "rangeguard pools: %s", finding->severity == SEVERITY_ERROR ? "" : "warning: ");
	(void)print_printable(finding->file, stderr);
	(void)fprintf(stderr, "%s%s: ", *finding->pointer ? " " : "", finding->pointer);
	(void)print_printable(finding->message, stderr);
	(void)fputc('\n', stderr);
}

/** used() - How much of what is not reserved is held, in percent */
static double used(const struct pool_usage *usage)
{
	u128 usable = usage->size - usage->reserved;

	return usable ? 100.0 * (double)usage->held / (double)usable : 0.0;
}

/** text_row() - A range as a row of the table: measured, or printed */
static void text_row(const struct pool_usage *usage, struct columns *columns,
		     void (*use)(struct columns *columns, const char *const *texts))
{
	char range[SPAN_TEXT_MAX], set[24], percent[16], numbers[5][POOL_NUMBER_MAX];
	const char *texts[N_COLUMNS] = {usage->network,
					set,
					span_format(&usage->span, range),
					pool_number(usage->size, numbers[0]),
					pool_number(usage->reserved, numbers[1]),
					pool_number(usage->held, numbers[2]),
					pool_number(usage->resting, numbers[3]),
					pool_number(usage->free, numbers[4]),
					percent,
					usage->owners};

	(void)snprintf(set, sizeof(set), "%zu", usage->set);
	(void)snprintf(percent, sizeof(percent), "%.1f", used(usage));
	use(columns, texts);
}

/** print_text() - For people */
static void print_text(const struct pools *pools)
{
	static const char *const titles[N_COLUMNS] = {"network", "set",	    "range", "size", "reserved",
						      "held",	 "resting", "free",  "%",    "reserved by"};
	struct columns columns = {.n = N_COLUMNS, .right = NUMBER_COLUMNS};

	columns_measure(&columns, titles);
	for (size_t i = 0; i < pools->n_usages; i++)
		text_row(&pools->usages[i], &columns, columns_measure);
	columns_print(&columns, titles);
	for (size_t i = 0; i < pools->n_usages; i++)
		text_row(&pools->usages[i], &columns, columns_print);
}

/** number_to_json() - A number of addresses: an integer, where JSON's readers have room for it; else a real one */
static json_t *number_to_json(u128 number)
{
	return number <= (u128)INT64_MAX ? json_integer((json_int_t)number) : json_real((double)number);
}

/** usage_to_json() - A range as an object; NULL without memory */
static json_t *usage_to_json(const struct pool_usage *usage)
{
	char first[ADDRESS_TEXT_MAX], last[ADDRESS_TEXT_MAX];
	struct address from = {.family = usage->span.family, .value = usage->span.first};
	struct address to = {.family = usage->span.family, .value = usage->span.last};

	return json_pack("{s:s, s:I, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:f}", "network", usage->network, "set",
			 (json_int_t)usage->set, "first", address_format(&from, first), "last",
			 address_format(&to, last), "size", number_to_json(usage->size), "reserved",
			 number_to_json(usage->reserved), "reservedBy", usage->owners, "held",
			 number_to_json(usage->held), "resting", number_to_json(usage->resting), "free",
			 number_to_json(usage->free), "usedPercent", used(usage));
}

/** print_json() - For programs: 0, -ENOMEM */
static int print_json(const struct pools *pools)
{
	json_t *array = json_array(), *json;
	int r = 0;

	for (size_t i = 0; i < pools->n_usages && !r; i++)
		r = json_array_append_new(array, usage_to_json(&pools->usages[i]));
	json = json_pack("{s:i, s:o}", "version", 1, "pools", array);
	if (r || !json) {
		json_decref(json);
		return -ENOMEM;
	}
	r = json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(json);
	(void)putchar('\n');
	return r ? -ENOMEM : 0;
}

/** fail() - Say why there is nothing to show; return the exit status */
static int fail(const char *what, const char *why)
{
	print_complaint("pools", what, why);
	return EXIT_USAGE;
}

/** run() - Read and print; the exit status */
static int run(const struct pools_options *options)
{
	POOLS_CLEANUP struct pools pools = {0};
	struct report report = {.heard = hear};
	const char *missing = path_list_missing(&options->configs);
	int r;

	if (missing)
		return fail(missing, strerror(errno));
	r = pools_read(&options->configs, options->network, &report, &pools);
	if (r)
		return fail(options->configs.paths[0], strerror(-r));
	if (options->network && !pools.n_networks)
		return fail(options->network, "no such network in the configurations of this host");
	if (options->json)
		r = print_json(&pools);
	else
		print_text(&pools);
	if (r && !ferror(stdout))
		return fail(options->configs.paths[0], strerror(-r));
	return report.errors ? EXIT_USAGE : EXIT_FINE;
}

/**
 * command_pools() - `rangeguard pools`
 * @argc, @argv:	Arguments, argv[0] the command's name
 *
 * Return: the exit status
 */
int command_pools(int argc, char **argv)
{
	struct pools_options options = {.network = NULL};
	int status = read_options(argc, argv, &options);

	if (!status && !options.configs.n_paths && path_list_add(&options.configs, HOST_NETWORKS_DIR))
		status = usage("out of memory", "");
	if (!status)
		status = run(&options);
	path_list_done(&options.configs);
	return status;
}
