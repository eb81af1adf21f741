/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard explain`: what the guard says of an address or a prefix, and why. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/commands/commands.h"
#include "plugin/commands/explanation.h"
#include "plugin/netconf/netconf.h"
#include "plugin/policy/policies.h"
#include "plugin/text/colour.h"
#include "plugin/text/options.h"
#include "rangeguard/cleanup.h"

const char command_explain_help[] =
	"Usage: rangeguard explain [--policy PATH]... [--network NAME] [--format text|json]\n"
	"                          [--color WHEN] ADDRESS|CIDR...\n"
	"\n"
	"Tells of each ADDRESS and CIDR whether it is allowed or refused, by which entry, in which\n"
	"file and line, and which less specific entries that one overrules.\n"
	"\n"
	"  --policy PATH    policy file or directory, in place of /etc/rangeguard/reserved.d; may be\n"
	"                   repeated\n"
	"  --network NAME   network that asks: grants to other networks don't count (without it each\n"
	"                   grant counts; the answer names the network that it is for)\n"
	"  --format FORMAT  text (default) or json\n"
	"  --color WHEN     colour the text: auto (default; on a terminal, unless NO_COLOR is set),\n"
	"                   always or never\n"
	"\n"
	"Exit status: 0 all are allowed, 1 some are refused (of a CIDR: a part), 2 usage or a policy\n"
	"that can't be read.\n";

/** struct explain_options - The command line; @network NULL: none named */
struct explain_options {
	struct path_list policies;
	const char *network;
	bool json;
	enum colour_when colour;
};

/** struct explain_question - An argument that asks, and what it means */
struct explain_question {
	const char *text;
	struct span span;
};

/** usage() - Say what is wrong with the command line; return the exit status */
static int usage(const char *what, const char *argument)
{
	return options_usage("rangeguard explain", what, argument);
}

/** read_options() - The command line; 0 or the exit status */
static int read_options(int argc, char **argv, struct explain_options *options, int *ret_first)
{
	const struct option_rule rules[] = {
		{"policy", .paths = &options->policies},
		{"network", .text = &options->network},
		{"format", .json = &options->json},
		{"color", .colour = &options->colour},
		{0},
	};
	int r = options_read(&(struct command_line){"rangeguard explain", command_explain_help, argc, argv}, rules,
			     ret_first);

	return r || *ret_first < argc ? r : usage("no ADDRESS or CIDR given", "");
}

/** read_question() - An address or prefix; 0 or the exit status */
static int read_question(const char *text, struct explain_question *ret_question)
{
	struct explain_question question = {.text = text};
	struct address address;
	struct prefix prefix;

	if (address_parse(text, &address) == 0)
		question.span = span_of_address(&address);
	else if (prefix_parse(text, &prefix) < 0)
		return usage("neither an address nor ADDRESS/LENGTH: ", text);
	else if (prefix_has_host_bits(&prefix))
		return usage("bits are set after the prefix length: ", text);
	else
		question.span = prefix_span(&prefix);
	*ret_question = question;
	return 0;
}

/** struct answers - Where answers go; @results NULL: text */
struct answers {
	struct lines lines;
	json_t *results;
	bool colour;
	bool refused;
};

/** answer() - Answer one question: 0, -ENOMEM */
static int answer(const struct guard *guard, const struct explain_question *question, struct answers *answers)
{
	struct explanation explanation;
	int r = explanation_make(guard, question->text, &question->span, &explanation);

	if (r < 0)
		return r;
	answers->refused |= explanation.refused;
	if (!answers->results)
		explanation_print(&explanation, &answers->lines, answers->colour, stdout);
	else if (json_array_append_new(answers->results, explanation_json(&explanation, &answers->lines)))
		return -ENOMEM;
	return 0;
}

/** print_json() - The document; 0 or -1 */
static int print_json(json_t *results)
{
	json_t *root = json_pack("{s:i, s:O}", "version", 1, "results", results);
	int r = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;

	json_decref(root);
	return r || fputc('\n', stdout) == EOF ? -1 : 0;
}

/** answer_all() - Answer all questions in the format wanted; return the exit status */
static int answer_all(const struct guard *guard, const struct explain_question *questions, size_t n_questions,
		      const struct explain_options *options)
{
	bool json = options->json;
	struct answers answers = {.results = json ? json_array() : NULL,
				  .colour = colour_wanted(options->colour, STDOUT_FILENO)};
	int r = json && !answers.results ? -ENOMEM : 0;

	for (size_t i = 0; i < n_questions && !r; i++)
		r = answer(guard, &questions[i], &answers);
	if (!r && json)
		r = print_json(answers.results);
	lines_done(&answers.lines);
	json_decref(answers.results);
	if (r && !ferror(stdout)) {
		(void)fprintf(stderr, "rangeguard explain: %s\n", strerror(ENOMEM));
		return EXIT_USAGE;
	}
	return answers.refused ? EXIT_FINDINGS : EXIT_FINE;
}

/** explain() - Read the questions and the policies, then answer; return the exit status */
static int explain(char **texts, size_t n_texts, const struct explain_options *options)
{
	CLEANUP_FREE struct explain_question *questions = calloc(n_texts, sizeof(*questions));
	GUARD_CLEANUP struct guard *guard = NULL;
	int status = 0;

	if (!questions)
		return usage("out of memory", "");
	for (size_t i = 0; i < n_texts && !status; i++)
		status = read_question(texts[i], &questions[i]);
	if (!status)
		status = policies_read("explain", &options->policies, options->network, &guard);
	if (!status && !options->policies.n_paths && !guard_n_entries(guard)) {
		(void)fprintf(
			stderr,
			"rangeguard explain: no policy is loaded, so nothing is known to be reserved: name one with "
			"--policy, or put one into " NETCONF_POLICY_DIR "\n");
		status = EXIT_USAGE;
	}
	return status ? status : answer_all(guard, questions, n_texts, options);
}

/**
 * command_explain() - `rangeguard explain`
 * @argc, @argv:	Arguments, argv[0] the command's name
 *
 * Return: the exit status
 */
int command_explain(int argc, char **argv)
{
	struct explain_options options = {0};
	int first, status = read_options(argc, argv, &options, &first);

	if (!status)
		status = explain(argv + first, (size_t)(argc - first), &options);
	path_list_done(&options.policies);
	return status;
}
