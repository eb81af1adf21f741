/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `rangeguard completion`: what a shell needs to complete commands and options. It is made of the
 * synopsis of each command's help, so that no option can be missing that a person is told of.
 */

#include "plugin/commands/completion.h"

#include <stdbool.h>
#include <string.h>

#include "rangeguard/array.h"
#include "rangeguard/exit_status.h"

const char command_completion_help[] =
	"Usage: rangeguard completion bash|zsh|fish\n"
	"\n"
	"Prints what the shell needs to complete commands and options:\n"
	"\n"
	"  bash  rangeguard completion bash >/etc/bash_completion.d/rangeguard\n"
	"  zsh   rangeguard completion zsh >/usr/local/share/zsh/site-functions/_rangeguard\n"
	"  fish  rangeguard completion fish >/etc/fish/completions/rangeguard.fish\n"
	"\n"
	"Exit status: 0 fine, 2 usage.\n";

/**
 * next_option() - Go on to the next option of a command's synopsis, which has all of them
 * @help:	Help, or where to go on in it; moved behind the option
 * @ret_size:	Its length
 * @ret_value:	It takes a value
 *
 * Return: the option, with its dashes; NULL behind the last one
 */
static const char *next_option(const char **help, size_t *ret_size, bool *ret_value)
{
	const char *end = strstr(*help, "\n\n"), *option = strstr(*help, "--");

	if (!option || (end && option > end))
		return NULL;
	*ret_size = 2 + strspn(option + 2, "abcdefghijklmnopqrstuvwxyz-");
	/* [--policy PATH], but [--strict] PATH */
	*ret_value = option[*ret_size] == ' ' && option[*ret_size + 1] != '[';
	*help = option + *ret_size;
	return option;
}

/** print_words() - Options of a command, each after a blank */
static void print_words(const char *help, FILE *stream)
{
	const char *option;
	size_t size;
	bool value;

	while ((option = next_option(&help, &size, &value)))
		(void)fprintf(stream, " %.*s", (int)size, option);
}

/** print_bash() - For bash: words by command; after an option with a value, and for arguments, files */
static void print_bash(const struct completed *commands, size_t n, FILE *stream)
{
	(void)fputs("_rangeguard()\n{\n\tlocal words=\n\n\tif ((COMP_CWORD == 1)); then\n\t\twords='--help --version",
		    stream);
	for (size_t i = 0; i < n; i++)
		(void)fprintf(stream, " %s", commands[i].name);
	(void)fputs("'\n\telse\n\t\tcase ${COMP_WORDS[1]} in\n", stream);
	for (size_t i = 0; i < n; i++) {
		(void)fprintf(stream, "\t\t%s) words='--help", commands[i].name);
		print_words(commands[i].help, stream);
		(void)fputs("' ;;\n", stream);
	}
	(void)fputs("\t\tesac\n\tfi\n"
		    "\tif [[ ${COMP_WORDS[COMP_CWORD]} == -* || $COMP_CWORD == 1 ]]; then\n"
		    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
		    "\telse\n"
		    "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
		    "\tfi\n}\ncomplete -o filenames -F _rangeguard rangeguard\n",
		    stream);
}

/** print_zsh() - For zsh: _arguments by command */
static void print_zsh(const struct completed *commands, size_t n, FILE *stream)
{
	const char *help, *option;
	size_t size;
	bool value;

	(void)fputs("#compdef rangeguard\nif ((CURRENT == 2)); then\n\tcompadd -- --help --version", stream);
	for (size_t i = 0; i < n; i++)
		(void)fprintf(stream, " %s", commands[i].name);
	(void)fputs("\n\treturn\nfi\nlocal command=$words[2]\nshift words\n((CURRENT--))\ncase $command in\n", stream);
	for (size_t i = 0; i < n; i++) {
		(void)fprintf(stream, "%s) _arguments --help", commands[i].name);
		for (help = commands[i].help; (option = next_option(&help, &size, &value));)
			(void)fprintf(stream, " '*%.*s%s'", (int)size, option, value ? ":value:_files" : "");
		(void)fputs(" '*:path:_files' ;;\n", stream);
	}
	(void)fputs("esac\n", stream);
}

/** print_fish() - For fish: a line for each option */
static void print_fish(const struct completed *commands, size_t n, FILE *stream)
{
	const char *help, *option;
	size_t size;
	bool value;

	for (size_t i = 0; i < n; i++) {
		(void)fprintf(stream, "complete -c rangeguard -n __fish_use_subcommand -f -a %s -d '",
			      commands[i].name);
		for (const char *c = commands[i].summary; *c; c++)
			(void)fprintf(stream, *c == '\'' ? "\\'" : "%c", *c);
		(void)fputs("'\n", stream);
		for (help = commands[i].help; (option = next_option(&help, &size, &value));)
			(void)fprintf(stream, "complete -c rangeguard -n '__fish_seen_subcommand_from %s' -l %.*s%s\n",
				      commands[i].name, (int)size - 2, option + 2, value ? " -r" : "");
	}
}

/**
 * completion_print() - Print what a shell needs
 * @shell:	Its name
 * @commands:	Commands
 * @n:		How many
 * @stream:	Where to
 *
 * Return: the exit status
 */
int completion_print(const char *shell, const struct completed *commands, size_t n, FILE *stream)
{
	static const struct {
		const char *name;
		void (*print)(const struct completed *commands, size_t n, FILE *stream);
	} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

	for (size_t i = 0; shell && i < ARRAY_LENGTH(shells); i++) {
		if (strcmp(shell, shells[i].name) == 0) {
			shells[i].print(commands, n, stream);
			return EXIT_FINE;
		}
	}
	(void)fputs("rangeguard completion: name a shell: bash, zsh or fish\n", stderr);
	return EXIT_USAGE;
}
