/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command line by a table. */

#include "plugin/text/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "plugin/text/nearest.h"

/** What getopt_long(3) returns for the first rule: behind all characters */
#define FIRST_RULE 256

/** print_synopsis() - The first paragraph of the help */
static void print_synopsis(const char *help)
{
	const char *end = strstr(help, "\n\n");

	(void)fprintf(stderr, "%.*s\n", end ? (int)(end - help) : (int)strlen(help), help);
}

/**
 * options_usage() - Say what is wrong with a command line
 * @program:	"rangeguard list"
 * @what:	What, "--count must be a number, not "
 * @argument:	Of which argument, "" where that is no matter
 *
 * Return: EXIT_USAGE
 */
int options_usage(const char *program, const char *what, const char *argument)
{
	(void)fprintf(stderr, "%s: %s%s; see %s --help\n", program, what, argument, program);
	return EXIT_USAGE;
}

/** misuse() - options_usage() of what the synopsis shows better */
static int misuse(const struct command_line *line, const char *what, const char *argument)
{
	(void)options_usage(line->program, what, argument);
	print_synopsis(line->help);
	return EXIT_USAGE;
}

/** has_no_value() - Whether an option stands alone */
static bool has_no_value(const struct option_rule *rule)
{
	return rule->flag || rule->call;
}

/** make_options() - The table as getopt_long(3) has it */
static void make_options(const struct option_rule *rules, struct option ret_options[static OPTIONS_MAX + 1])
{
	int i = 0;

	for (; i < OPTIONS_MAX && rules[i].name; i++)
		ret_options[i] = (struct option){.name = rules[i].name,
						 .has_arg = has_no_value(&rules[i]) ? no_argument : required_argument,
						 .val = FIRST_RULE + i};
	ret_options[i] = (struct option){0};
}

/** count_beginning() - How many options begin with a text; @ret_rule is the last of them */
static unsigned count_beginning(const struct option_rule *rules, const char *text, size_t length,
				const struct option_rule **ret_rule)
{
	unsigned n = 0;

	for (; rules->name; rules++) {
		if (strncmp(rules->name, text, length) != 0)
			continue;
		*ret_rule = rules;
		n++;
	}
	return n;
}

/** print_candidates() - What may have been meant by a beginning of several options */
static void print_candidates(const struct option_rule *rules, const char *text, size_t length)
{
	const char *separator = "";

	for (; rules->name; rules++) {
		if (strncmp(rules->name, text, length) != 0)
			continue;
		(void)fprintf(stderr, "%s--%s", separator, rules->name);
		separator = " or ";
	}
}

/** unknown() - Say that there is no such option, and which one was probably meant: the exit status */
static int unknown(const struct command_line *line, const struct option_rule *rules, const char *argument)
{
	const char *names[OPTIONS_MAX + 1] = {NULL}, *text = argument + strspn(argument, "-"), *nearest;
	int length = (int)strcspn(argument, "=");
	char word[64];

	for (size_t i = 0; i < OPTIONS_MAX && rules[i].name; i++)
		names[i] = rules[i].name;
	(void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, "="), text);
	nearest = nearest_name(word, names);
	if (nearest)
		(void)fprintf(stderr, "%s: unknown option %.*s; did you mean --%s?\n", line->program, length, argument,
			      nearest);
	else
		(void)fprintf(stderr, "%s: unknown option %.*s; see %s --help\n", line->program, length, argument,
			      line->program);
	print_synopsis(line->help);
	return EXIT_USAGE;
}

/** refused_argument() - The argument that getopt_long(3) does not take; it is not past one of several letters before the last */
static const char *refused_argument(const struct command_line *line)
{
	const char *last = line->argv[optind - 1];
	bool is_whole = last[0] == '-' && (last[1] == '-' || (last[1] && !last[2]));

	return is_whole || optind == line->argc ? last : line->argv[optind];
}

/** refuse() - Say what is wrong with an option that getopt_long(3) does not take: the exit status */
static int refuse(const struct command_line *line, const struct option_rule *rules)
{
	const char *argument = refused_argument(line), *text = argument + strspn(argument, "-");
	const struct option_rule *rule = NULL;
	size_t length = strcspn(text, "=");
	unsigned n;

	if (strncmp(argument, "--", 2) != 0)
		return unknown(line, rules, argument);
	n = count_beginning(rules, text, length, &rule);
	if (n == 0)
		return unknown(line, rules, argument);
	if (n == 1)
		return misuse(line, "takes no value: --", rule->name);
	(void)fprintf(stderr, "%s: %s is not clear: ", line->program, argument);
	print_candidates(rules, text, length);
	(void)fputs("?\n", stderr);
	print_synopsis(line->help);
	return EXIT_USAGE;
}

/** read_format() - "text" or "json": 0 or the exit status */
static int read_format(const char *program, const char *value, bool *ret_json)
{
	*ret_json = !strcmp(value, "json");
	return *ret_json || !strcmp(value, "text")
		       ? 0
		       : options_usage(program, "--format must be text or json, not ", value);
}

/** read_value() - Fill what an option with a value fills: 0 or the exit status */
static int read_value(const char *program, const struct option_rule *rule, const char *value)
{
	if (rule->read)
		return rule->read(value, rule->userdata);
	if (rule->json)
		return read_format(program, value, rule->json);
	if (rule->colour)
		return colour_read(value, rule->colour)
			       ? 0
			       : options_usage(program, "--color must be auto, always or never, not ", value);
	if (rule->paths)
		return path_list_add(rule->paths, value) < 0 ? options_usage(program, "out of memory", "") : 0;
	*rule->text = value;
	return 0;
}

/** apply() - Fill what an option fills: 0 or the exit status */
static int apply(const struct command_line *line, const struct option_rule *rule)
{
	if (!has_no_value(rule))
		return read_value(line->program, rule, optarg);
	if (rule->call)
		return rule->call(NULL, rule->userdata);
	*rule->flag = true;
	return 0;
}

/**
 * options_read() - Read the options of a command line, wherever they stand
 * @line:	Command line; its arguments that are no options are moved to the end
 * @rules:	Options
 * @ret_first:	Index of the first argument that is not an option; @line->argc when there is none
 *
 * Return: 0, or the exit status when it was said what is wrong
 */
int options_read(const struct command_line *line, const struct option_rule *rules, int *ret_first)
{
	struct option options[OPTIONS_MAX + 1];
	int option, r = 0;

	make_options(rules, options);
	opterr = 0;
	/* 0 and not 1: getopt(3) begins with another command line, as cluster's. */
	optind = 0;
	while (!r && (option = getopt_long(line->argc, line->argv, ":", options, NULL)) != -1) {
		if (option == ':')
			r = misuse(line, "a value is missing for ", line->argv[optind - 1]);
		else if (option < FIRST_RULE)
			r = refuse(line, rules);
		else
			r = apply(line, &rules[option - FIRST_RULE]);
	}
	*ret_first = optind;
	return r;
}

/** options_read_only() - options_read() of a command that takes no other arguments: 0 or the exit status */
int options_read_only(const struct command_line *line, const struct option_rule *rules)
{
	int first, r = options_read(line, rules, &first);

	return r || first == line->argc ? r : misuse(line, "unexpected argument ", line->argv[first]);
}
