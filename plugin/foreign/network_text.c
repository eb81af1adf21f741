/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks, ranges and addresses as people write them. Pure. */

#include "plugin/foreign/network_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "rangeguard/array.h"

/** Bytes between the parts of a text, which may be an array of JSON (annotations of Calico's) or a list of a shell's words */
#define SEPARATORS ", \t\r\n;[]\"'"

/** is_dash() - Whether a range's dash, with blanks around it, is next */
static bool is_dash(const char *text)
{
	text += strspn(text, " ");
	return *text == '-' && (text[1] == ' ' || isxdigit((unsigned char)text[1]) || text[1] == ':');
}

/**
 * text_next() - Go on to the next part of a text
 * @text:	Text: parts between commas and blanks; the blanks around a range's dash are none of these
 * @at:		Offset to go on from, first 0
 * @ret_part:	Part; one that is too long to be an address is cut
 *
 * Return: whether there is one
 */
bool text_next(const char *text, size_t *at, struct text_part *ret_part)
{
	size_t begin = *at + strspn(text + *at, SEPARATORS), end, size;

	if (!text[begin])
		return false;
	end = begin + strcspn(text + begin, SEPARATORS);
	if (is_dash(text + end) && text[end] == ' ') {
		end += strspn(text + end, " ") + 1;
		end += strspn(text + end, " ");
		end += strcspn(text + end, SEPARATORS);
	}
	size = end - begin < sizeof(ret_part->text) ? end - begin : sizeof(ret_part->text) - 1;
	memcpy(ret_part->text, text + begin, size);
	ret_part->text[size] = '\0';
	ret_part->offset = begin;
	*at = end;
	return true;
}

/** text_option() - Of "NAME:ip=ADDRESS" or "ip6=ADDRESS", as podman has them for a network to join, leave the address */
void text_option(struct text_part *part)
{
	static const char options[][8] = {":ip=", ":ip6=", "ip=", "ip6="};

	for (size_t i = 0; i < ARRAY_LENGTH(options); i++) {
		const char *found = strstr(part->text, options[i]);
		size_t begin;

		if (!found || (options[i][0] != ':' && found != part->text))
			continue;
		begin = (size_t)(found - part->text) + strlen(options[i]);
		memmove(part->text, part->text + begin, strlen(part->text + begin) + 1);
		part->offset += begin;
		return;
	}
}

/** read_dots() - "FIRST..LAST" */
static bool read_dots(const char *text, struct span *ret_span)
{
	const char *dots = strstr(text, "..");
	char copy[2 * ADDRESS_TEXT_MAX];

	if (!dots ||
	    (size_t)snprintf(copy, sizeof(copy), "%.*s-%s", (int)(dots - text), text, dots + 2) >= sizeof(copy))
		return false;
	return span_parse(copy, ret_span) == 0;
}

/** read_per_host() - "ADDRESS/LENGTH/LENGTH", the second length that of each host's part */
static bool read_per_host(const char *text, struct prefix *ret_prefix)
{
	const char *slash = strrchr(text, '/');
	char copy[PREFIX_TEXT_MAX];

	if (!slash || strspn(slash + 1, "0123456789") != strlen(slash + 1) || strlen(slash + 1) > 3 || !slash[1] ||
	    (size_t)(slash - text) >= sizeof(copy))
		return false;
	memcpy(copy, text, (size_t)(slash - text));
	copy[slash - text] = '\0';
	return prefix_parse(copy, ret_prefix) == 0;
}

/** of_network() - A declaration of all of a network; one of an address in it, when @is_address */
static struct declaration of_network(const struct prefix *prefix, bool is_address)
{
	struct declaration declaration = {.network = *prefix,
					  .span = is_address ? span_of_address(&prefix->address) : prefix_span(prefix)};

	declaration.network.address.value = prefix_span(prefix).first;
	return declaration;
}

/**
 * network_read() - Read a network, a range or an address
 * @text:	One part of a text
 * @forms:	What it may be: bits of enum form
 * @ret_declaration:	Network and span; of a range, no network. With FORM_ADDRESS, "ADDRESS/LENGTH" is an address in a network
 *
 * Return: whether it is one
 */
bool network_read(const char *text, unsigned forms, struct declaration *ret_declaration)
{
	struct declaration declaration = {0};
	struct address address;
	struct prefix prefix;

	if (prefix_parse(text, &prefix) == 0 && (forms & (FORM_CIDR | FORM_ADDRESS))) {
		*ret_declaration = of_network(&prefix, (forms & FORM_ADDRESS) && prefix_has_host_bits(&prefix));
		return true;
	}
	if ((forms & FORM_PER_HOST) && read_per_host(text, &prefix)) {
		*ret_declaration = of_network(&prefix, false);
		return true;
	}
	if ((forms & FORM_ADDRESS) && address_parse(text, &address) == 0) {
		prefix = (struct prefix){.address = address, .length = (uint8_t)family_bits(address.family)};
		*ret_declaration = of_network(&prefix, true);
		return true;
	}
	if (((forms & FORM_RANGE) && span_parse(text, &declaration.span) == 0) ||
	    ((forms & FORM_DOTS) && read_dots(text, &declaration.span))) {
		*ret_declaration = declaration;
		return true;
	}
	return false;
}

/** network_is_placeholder() - Whether somebody is still to put a value where a text stands: {{ }}, {% %}, ${ }, < >, __ __, %s */
bool network_is_placeholder(const char *text)
{
	size_t size = strlen(text);

	return strstr(text, "{{") || strstr(text, "{%") || strstr(text, "${") || strcmp(text, "%s") == 0 ||
	       (text[0] == '$' && isalpha((unsigned char)text[1])) ||
	       (size > 2 && text[0] == '<' && text[size - 1] == '>') ||
	       (size > 4 && strncmp(text, "__", 2) == 0 && strcmp(text + size - 2, "__") == 0);
}

/**
 * network_placeholder_default() - What holds where nobody puts a value: "${NAME:-DEFAULT}" (also with -, := and =)
 * @text:	Text
 * @ret_default:	The default; its offset in the text
 *
 * Return: whether the text is one variable with a default, in which nothing else is to come
 */
bool network_placeholder_default(const char *text, struct text_part *ret_default)
{
	size_t size = strlen(text), name = 2;

	if (strncmp(text, "${", 2) != 0 || text[size - 1] != '}')
		return false;
	name += strspn(text + name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	name += text[name] == ':';
	if (!strchr("-=", text[name]) || size - name - 2 >= sizeof(ret_default->text))
		return false;
	*ret_default = (struct text_part){.offset = name + 1};
	memcpy(ret_default->text, text + name + 1, size - name - 2);
	return *ret_default->text && !network_is_placeholder(ret_default->text);
}

/** network_ambiguity() - What it is about an address that two programs may read differently; NULL: nothing */
const char *network_ambiguity(const char *text)
{
	bool starts = true;

	if (strchr(text, ':') || !strchr(text, '.'))
		return NULL;
	for (; *text && *text != '/'; text++) {
		if (starts && *text == '0' && isdigit((unsigned char)text[1]))
			return "has zeros in front, which are octal to one program and decimal to another";
		starts = !isdigit((unsigned char)*text);
	}
	return NULL;
}
