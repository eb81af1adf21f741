/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines: flags that declare addresses. Pure. */

#include "plugin/foreign/flags.h"

#include <string.h>

#include "plugin/foreign/kind.h"
#include "plugin/foreign/network_text.h"
#include "rangeguard/array.h"

/** Between the words of a command line that goes on in further lines */
#define BLANKS " \t\r\n\\\"'"
/** Ends a word, together with the quotes before it */
#define WORD_ENDS " \t\r\n"

/** Longest name of a flag, with its NUL: texts stand in tables (struct kind_key) */
#define FLAG_NAME_MAX 32U

/** struct flag - A flag without its dashes, and what its value is */
struct flag {
	char name[FLAG_NAME_MAX];
	unsigned forms;
	enum declaration_kind kind;
	enum declaration_use use;
};

static const struct flag flags[] = {
	{"service-cluster-ip-range", FORM_CIDR, DECLARED_RANGE, USE_SERVICES},
	{"cluster-cidr", FORM_CIDR, DECLARED_RANGE, USE_PODS},
	{"pod-cidr", FORM_CIDR, DECLARED_RANGE, USE_PODS},
	{"pod-network-cidr", FORM_CIDR, DECLARED_RANGE, USE_PODS},
	{"service-cidr", FORM_CIDR, DECLARED_RANGE, USE_SERVICES},
	{"cluster-dns", FORM_ADDRESS, DECLARED_ADDRESS, USE_SERVICES},
	{"service-external-ip-range", FORM_CIDR, DECLARED_RANGE, USE_LOAD_BALANCERS},
	{"loadbalancer-ip-range", FORM_CIDR, DECLARED_RANGE, USE_LOAD_BALANCERS},
	{"ipalloc-range", FORM_CIDR, DECLARED_RANGE, USE_PODS},
	{"ipalloc-default-subnet", FORM_CIDR, DECLARED_RANGE, USE_PODS},
	{"bip", FORM_CIDR, DECLARED_RANGE, USE_CONTAINERS},
	{"bip6", FORM_CIDR, DECLARED_RANGE, USE_CONTAINERS},
	{"fixed-cidr", FORM_CIDR, DECLARED_RANGE, USE_CONTAINERS},
	{"fixed-cidr-v6", FORM_CIDR, DECLARED_RANGE, USE_CONTAINERS},
	{"default-addr-pool", FORM_CIDR, DECLARED_RANGE, USE_CONTAINERS},
	{"default-address-pool", FORM_CIDR, DECLARED_RANGE, USE_CONTAINERS},
	{"default-gateway", FORM_ADDRESS, DECLARED_GATEWAY, USE_CONTAINERS},
	{"default-gateway-v6", FORM_ADDRESS, DECLARED_GATEWAY, USE_CONTAINERS},
	/* kube-ovn-controller, cilium-operator */
	{"default-cidr", FORM_CIDR, DECLARED_RANGE, USE_PODS},
	{"node-switch-cidr", FORM_CIDR, DECLARED_RANGE, USE_INTERNAL},
	{"cluster-pool-ipv4-cidr", FORM_CIDR, DECLARED_RANGE, USE_PODS},
	{"cluster-pool-ipv6-cidr", FORM_CIDR, DECLARED_RANGE, USE_PODS},
};

/** Of podman network create and podman run; other programs mean something else by them */
static const struct flag podman_flags[] = {
	{"subnet", FORM_CIDR, DECLARED_RANGE, USE_CONTAINERS},
	{"gateway", FORM_ADDRESS, DECLARED_GATEWAY, USE_CONTAINERS},
	{"ip", FORM_ADDRESS, DECLARED_ADDRESS, USE_CONTAINERS},
	{"ip6", FORM_ADDRESS, DECLARED_ADDRESS, USE_CONTAINERS},
};

/** struct flag_line - A command line being read; @of_podman: podman's, or docker's */
struct flag_line {
	struct declaration_reader *declaration;
	bool of_podman;
};

/** find_flag() - The flag of a name, NULL: none */
static const struct flag *find_flag(const struct flag *table, size_t n, const char *name, size_t length)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(name, table[i].name, length) == 0 && !table[i].name[length])
			return &table[i];
	return NULL;
}

/** flag_of() - The flag that a word is, NULL: none; @ret_value: what follows its equals sign, NULL: nothing */
static const struct flag *flag_of(const struct flag_line *line, const char *word, const char **ret_value)
{
	const char *name = word + strspn(word, "-");
	size_t length = strcspn(name, "=");
	const struct flag *found;

	*ret_value = name[length] ? name + length + 1 : NULL;
	/* k3s' configuration has them without dashes, and never without a value. */
	if (name == word && !*ret_value)
		return NULL;
	found = find_flag(flags, ARRAY_LENGTH(flags), name, length);
	if (!found && line->of_podman)
		found = find_flag(podman_flags, ARRAY_LENGTH(podman_flags), name, length);
	return found;
}

/** read_flag() - A flag's value, which begins at @offset of the text that the reader is at */
static void read_flag(struct declaration_reader *declaration, const struct flag *flag, const char *value, size_t offset)
{
	struct text_part part;
	size_t at = 0;

	/* dockerd: base=10.0.0.0/8,size=24 */
	if (strncmp(value, "base=", 5) == 0) {
		value += 5;
		offset += 5;
	}
	while (!declaration->declarations->too_many && text_next(value, &at, &part) &&
	       strncmp(part.text, "size=", 5) != 0) {
		struct declaration found = {0};

		if (network_is_placeholder(part.text) || part.text[0] == '$') {
			reader_warning(&declaration->reader, NULL, RULE_INVALID_VALUE,
				       "\"%.64s\" stands for a value that is still to come, so it is not checked",
				       part.text);
		} else if (network_read(part.text, flag->forms, &found)) {
			found.kind = flag->kind;
			found.use = flag->use;
			found.offset = offset + part.offset;
			declaration_add(declaration, NULL, &found);
		} else {
			declaration_fault(declaration, NULL,
					  "--%s \"%.64s\" is not a network or address that can be read", flag->name,
					  part.text);
		}
	}
}

/** word_length() - Bytes of the word at @at, the quotes that end it not counted */
static size_t word_length(const char *at)
{
	size_t length = strcspn(at, WORD_ENDS);

	while (length && strchr("\"'\\", at[length - 1]))
		length--;
	return length;
}

/** variable_length() - Bytes of a word before the flags of a variable that it begins: DOCKER_OPTS=--bip=…, DOCKER_OPTS="--bip… */
static size_t variable_length(const char *word, size_t length)
{
	const char *equals = memchr(word, '=', length);
	size_t before = equals ? (size_t)(equals + 1 - word) : length;

	before += before < length && strchr("\"'", word[before]);
	return *word != '-' && before < length && word[before] == '-' ? before : 0;
}

/** read_words() - A command line in one text */
static void read_words(const struct flag_line *line, const char *text)
{
	struct declaration_reader *declaration = line->declaration;
	const struct flag *pending = NULL;
	const char *value;
	char word[256];

	for (const char *at = text + strspn(text, BLANKS); *at && !declaration->declarations->too_many;
	     at += strspn(at, BLANKS)) {
		size_t length = word_length(at);
		size_t before = variable_length(at, length);

		at += before;
		length -= before;
		(void)snprintf(word, sizeof(word), "%.*s", (int)length, at);
		if (pending) {
			read_flag(declaration, pending, word, (size_t)(at - text));
			pending = NULL;
		} else {
			const struct flag *flag = flag_of(line, word, &value);

			if (flag && value)
				read_flag(declaration, flag, value, (size_t)(at - text) + (size_t)(value - word));
			pending = flag && !value ? flag : NULL;
		}
		at += length;
	}
}

/** read_list() - A command line as an array, a word each; some are whole scripts */
static void read_list(const struct flag_line *line, const json_t *array)
{
	struct declaration_reader *declaration = line->declaration;
	const struct flag *pending = NULL;

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i)), *value;
		size_t mark = pointer_push_index(&declaration->reader.at, i);

		if (text && pending) {
			read_flag(declaration, pending, text, 0);
			pending = NULL;
		} else if (text && strpbrk(text, " \n")) {
			read_words(line, text);
		} else if (text) {
			const struct flag *flag = flag_of(line, text, &value);

			if (flag && value)
				read_flag(declaration, flag, value, (size_t)(value - text));
			pending = flag && !value ? flag : NULL;
		}
		pointer_pop(&declaration->reader.at, mark);
	}
}

/**
 * flags_read() - Addresses of a command line
 * @declaration:	Reader, where it stands
 * @value:	An array with a word each, or a text
 * @of_podman:	Flags of podman's, and docker's, that are too short to be nobody else's count, too
 */
void flags_read(struct declaration_reader *declaration, const json_t *value, bool of_podman)
{
	const struct flag_line line = {.declaration = declaration, .of_podman = of_podman};

	if (json_is_array(value))
		read_list(&line, value);
	else if (json_is_string(value))
		read_words(&line, json_string_value(value));
}
