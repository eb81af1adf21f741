/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard suggest`: free subnets for a new network. */

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/address/gaps.h"
#include "ipam/guard/guard_gaps.h"
#include "plugin/commands/commands.h"
#include "plugin/commands/routes_file.h"
#include "plugin/foreign/avoid.h"
#include "plugin/policy/policies.h"
#include "plugin/text/options.h"
#include "plugin/text/printable.h"
#include "rangeguard/cleanup.h"

/** Most subnets of one call */
#define COUNT_MAX 1000000U

const char command_suggest_help[] =
	"Usage: rangeguard suggest [--policy PATH]... [--avoid PATH]... [--host-routes FILE]\n"
	"                          [--network NAME] [--format text|json]\n"
	"                          --within CIDR --prefix-length N [--count K]\n"
	"\n"
	"Prints subnets of CIDR with prefix length N that are free: aligned, the lowest first.\n"
	"\n"
	"  --policy PATH       policy file or directory that tells what is reserved, in place of\n"
	"                      /etc/rangeguard/reserved.d; may be repeated\n"
	"  --avoid PATH        configuration, or directory of them, whose addresses are taken: CNI with\n"
	"                      any IPAM, netavark, Docker's daemon.json, a cluster's pools; may be\n"
	"                      repeated\n"
	"  --host-routes FILE  what 'ip -json route show table all' printed: routes inside CIDR are\n"
	"                      taken, and what rangeguard would refuse at ADD\n"
	"  --network NAME      network the subnets are for; without it only grants to all networks\n"
	"                      count\n"
	"  --count K           how many, 1 unless given\n"
	"  --format FORMAT     text (default), one subnet per line, or json\n"
	"\n"
	"Exit status: 0 as many as wanted, 1 fewer (they are printed), 2 usage or I/O.\n";

/** struct suggest_options - The command line; texts are borrowed, NULL: not given */
struct suggest_options {
	struct path_list policies;
	struct path_list avoided;
	const char *host_routes;
	const char *network;
	const char *within;
	const char *prefix_length;
	uint32_t count;
	bool json;
};

/** complain() - Say why it goes no further; return the exit status */
static int complain(const char *subject, const char *why)
{
	print_complaint("suggest", subject, why);
	return EXIT_USAGE;
}

/** usage() - Say what is wrong with the command line; return the exit status */
static int usage(const char *what, const char *argument)
{
	return options_usage("rangeguard suggest", what, argument);
}

/** read_count() - The argument of --count; 0 or the exit status */
static int read_count(const char *text, void *userdata)
{
	struct suggest_options *options = userdata;
	uint32_t count = 0;

	for (const char *digit = text; *digit && count <= COUNT_MAX; digit++) {
		if (*digit < '0' || *digit > '9')
			return usage("--count must be a number, not ", text);
		count = count * 10 + (uint32_t)(*digit - '0');
	}
	if (!count || count > COUNT_MAX)
		return usage("--count must be 1 to 1000000, not ", text);
	options->count = count;
	return 0;
}

/** read_options() - The command line; 0 or the exit status */
static int read_options(int argc, char **argv, struct suggest_options *options)
{
	const struct option_rule rules[] = {
		{"policy", .paths = &options->policies},
		{"avoid", .paths = &options->avoided},
		{"host-routes", .text = &options->host_routes},
		{"network", .text = &options->network},
		{"within", .text = &options->within},
		{"prefix-length", .text = &options->prefix_length},
		{"count", .read = read_count, .userdata = options},
		{"format", .json = &options->json},
		{0},
	};
	int r = options_read_only(&(struct command_line){"rangeguard suggest", command_suggest_help, argc, argv},
				  rules);

	if (!r && (!options->within || !options->prefix_length))
		r = usage("--within and --prefix-length are needed", "");
	return r;
}

/** struct wanted_subnet - The block, and a prefix of it that has the wanted length */
struct wanted_subnet {
	struct prefix within;
	struct prefix subnet;
};

/** read_wanted() - --within and --prefix-length; 0 or the exit status */
static int read_wanted(const struct suggest_options *options, struct wanted_subnet *ret_wanted)
{
	char text[PREFIX_TEXT_MAX], address[ADDRESS_TEXT_MAX];
	struct wanted_subnet wanted;

	if (prefix_parse(options->within, &wanted.within) < 0)
		return usage("--within must be ADDRESS/LENGTH, not ", options->within);
	if (prefix_has_host_bits(&wanted.within))
		return usage("--within has bits set after its prefix length: ", options->within);
	(void)snprintf(text, sizeof(text), "%s/%.4s", address_format(&wanted.within.address, address),
		       options->prefix_length);
	if (prefix_parse(text, &wanted.subnet) < 0 || wanted.subnet.length < wanted.within.length)
		return usage("--prefix-length must be a length of subnets of --within, not ", options->prefix_length);
	*ret_wanted = wanted;
	return 0;
}

/** read_reserved() - Policies into taken addresses; 0 or the exit status */
static int read_reserved(const struct suggest_options *options, struct gaps *gaps)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	/* A network without a name, which no network has, gets what is granted to all. */
	int status = policies_read("suggest", &options->policies, options->network ? options->network : "", &guard);

	if (status)
		return status;
	return guard_take_gaps(guard, gaps) < 0 ? usage("out of memory", "") : 0;
}

/** read_avoided() - What the configurations use is taken; 0 or the exit status */
static int read_avoided(const char *path, struct gaps *gaps)
{
	CLEANUP(path_list_done) struct path_list files = {0};
	struct error error = {0};
	size_t n_read = 0;
	int r = path_list_expand(&files, path);

	if (r < 0)
		return complain(path, strerror(-r));
	for (size_t i = 0; i < files.n_paths; i++) {
		int outcome = avoid_read(files.paths[i], r != PATHS_E_DIRECTORY, gaps, &error);

		if (outcome == REFUSED)
			return complain(files.paths[i], error.msg);
		n_read += outcome != AVOID_E_UNKNOWN;
	}
	return n_read ? 0 : complain(path, "nothing to avoid in it: no file there is of a kind that is read");
}

/**
 * is_taken() - Whether a route's addresses are not for a new network. One that discards takes nobody's traffic; but
 * rangeguard's own tells of a pool that a network gives addresses from (`ipam.discardRoutes`)
 */
static bool is_taken(const struct known_route *route, const struct wanted_subnet *wanted)
{
	if (route->own && route->table == TABLE_MAIN && route->rule.kind == HOSTROUTE_DISCARD)
		return true;
	return hostroute_takes(&route->rule, wanted->within.length, &wanted->subnet);
}

/** read_host_routes() - What the host routes is taken; 0 or the exit status */
static int read_host_routes(const char *path, const struct wanted_subnet *wanted, struct gaps *gaps)
{
	ROUTES_CLEANUP struct routes routes = {0};
	struct error error = {0};

	if (routes_file_read(path, &routes, &error))
		return complain(path, error.msg);
	for (size_t i = 0; i < routes.n_items; i++) {
		struct span span = prefix_span(&routes.items[i].rule.destination);

		if (is_taken(&routes.items[i], wanted) && gaps_take(gaps, &span) < 0)
			return usage("out of memory", "");
	}
	return 0;
}

/** read_taken() - All that is taken; 0 or the exit status */
static int read_taken(const struct suggest_options *options, const struct wanted_subnet *wanted, struct gaps *gaps)
{
	int status = read_reserved(options, gaps);

	for (size_t i = 0; i < options->avoided.n_paths && !status; i++)
		status = read_avoided(options->avoided.paths[i], gaps);
	if (!status && options->host_routes)
		status = read_host_routes(options->host_routes, wanted, gaps);
	return status;
}

/** print_lines() - Free subnets, one per line; return how many */
static uint32_t print_lines(struct gaps *gaps, uint32_t count)
{
	char text[PREFIX_TEXT_MAX];
	struct prefix subnet;
	uint32_t n = 0;

	for (; n < count && gaps_next(gaps, &subnet); n++)
		(void)fprintf(stdout, "%s\n", prefix_format(&subnet, text));
	return n;
}

/** print_json() - Free subnets as a document; return how many */
static uint32_t print_json(struct gaps *gaps, uint32_t count)
{
	char text[PREFIX_TEXT_MAX];
	struct prefix subnet;
	uint32_t n = 0;

	(void)fputs("{\n  \"version\": 1,\n  \"subnets\": [", stdout);
	for (; n < count && gaps_next(gaps, &subnet); n++)
		(void)fprintf(stdout, "%s\n    \"%s\"", n ? "," : "", prefix_format(&subnet, text));
	(void)fputs("\n  ]\n}\n", stdout);
	return n;
}

/** suggest() - Search and print; return the exit status */
static int suggest(const struct suggest_options *options)
{
	GAPS_CLEANUP struct gaps gaps = {0};
	struct wanted_subnet wanted = {.subnet.length = 0};
	int status = read_wanted(options, &wanted);
	uint32_t n;

	if (status)
		return status;
	(void)gaps_init(&gaps, &wanted.within, wanted.subnet.length);
	status = read_taken(options, &wanted, &gaps);
	if (status)
		return status;
	gaps_start(&gaps);
	n = options->json ? print_json(&gaps, options->count) : print_lines(&gaps, options->count);
	return n < options->count ? EXIT_FINDINGS : EXIT_FINE;
}

/**
 * command_suggest() - `rangeguard suggest`
 * @argc, @argv:	Arguments, argv[0] the command's name
 *
 * Return: the exit status
 */
int command_suggest(int argc, char **argv)
{
	struct suggest_options options = {.count = 1};
	int status = read_options(argc, argv, &options);

	if (!status)
		status = suggest(&options);
	path_list_done(&options.policies);
	path_list_done(&options.avoided);
	return status;
}
