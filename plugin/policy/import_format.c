/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In which columns the address managers write ranges. Pure. */

#include "plugin/policy/import_format.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "rangeguard/array.h"

/** What phpIPAM writes behind the name of a folder, where other rows have their subnet */
#define FOLDER " (folder)"

const char *const import_format_names[] = {"netbox", "phpipam", "infoblox", "csv", "json", "routes", NULL};

static const struct import_layout layouts[] = {
	{IMPORT_NETBOX, NULL, IMPORT_PREFIX, 1, {"prefix"}},
	{IMPORT_NETBOX, NULL, IMPORT_RANGE, 2, {"start_address", "end_address"}},
	{IMPORT_PHPIPAM, NULL, IMPORT_MASK, 1, {"subnet", "mask"}},
	{IMPORT_INFOBLOX, "network", IMPORT_MASK, 2, {"address", "netmask"}},
	{IMPORT_INFOBLOX, "networkcontainer", IMPORT_MASK, 2, {"address", "netmask"}},
	{IMPORT_INFOBLOX, "ipv6network", IMPORT_MASK, 2, {"address", "cidr"}},
	{IMPORT_INFOBLOX, "ipv6networkcontainer", IMPORT_MASK, 2, {"address", "cidr"}},
	{IMPORT_INFOBLOX, "dhcprange", IMPORT_RANGE, 2, {"start_address", "end_address"}},
	{IMPORT_INFOBLOX, "ipv6dhcprange", IMPORT_RANGE, 2, {"start_address", "end_address"}},
	/* The reference's own spelling of the third. */
	{IMPORT_INFOBLOX,
	 "ipv6dhcprange",
	 IMPORT_DELEGATED,
	 3,
	 {"ipv6_start_prefix", "ipv6_end_prefix", "ipb6_prefix_bits"}},
	{IMPORT_INFOBLOX,
	 "ipv6dhcprange",
	 IMPORT_DELEGATED,
	 3,
	 {"ipv6_start_prefix", "ipv6_end_prefix", "ipv6_prefix_bits"}},
};

/** name_length() - Length of a column's name without a final * */
static size_t name_length(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && name[length - 1] == '*' ? length - 1 : length;
}

/** name_character() - One byte of a name, as it is compared */
static int name_character(char c)
{
	return c == ' ' ? '_' : tolower((unsigned char)c);
}

/** import_same_name() - Whether two names of columns are the same */
bool import_same_name(const char *a, const char *b)
{
	size_t length = name_length(a);

	if (name_length(b) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name_character(a[i]) != name_character(b[i]))
			return false;
	return true;
}

/**
 * import_layout_next() - Go through the layouts of a format
 * @format:	Format
 * @kind:	Type of the rows, any letter case; NULL where the format has no types
 * @after:	NULL: begin
 *
 * Return: the next layout, NULL at the end
 */
const struct import_layout *import_layout_next(enum import_format format, const char *kind,
					       const struct import_layout *after)
{
	for (size_t i = after ? (size_t)(after - layouts) + 1 : 0; i < ARRAY_LENGTH(layouts); i++)
		if (layouts[i].format == format && (!layouts[i].kind || strcasecmp(layouts[i].kind, kind) == 0))
			return &layouts[i];
	return NULL;
}

/**
 * read_prefix() - "ADDRESS/LENGTH" without bits behind the length
 * @column:	Name of the column, for messages
 * @text:	Text
 * @ret_span:	Its addresses
 * @reterr_flaw:	What is wrong
 *
 * Return: 0, IMPORT_E_UNREADABLE
 */
static int read_prefix(const char *column, const char *text, struct span *ret_span,
		       char reterr_flaw[static IMPORT_FLAW_MAX])
{
	char proper[PREFIX_TEXT_MAX];
	struct prefix prefix;

	if (prefix_parse(text, &prefix) < 0) {
		(void)snprintf(reterr_flaw, IMPORT_FLAW_MAX,
			       "%s \"%.64s\" must be ADDRESS/LENGTH, such as 10.20.0.0/16 or 2001:db8::/32", column,
			       text);
		return IMPORT_E_UNREADABLE;
	}
	*ret_span = prefix_span(&prefix);
	if (!prefix_has_host_bits(&prefix))
		return 0;
	prefix.address.value = ret_span->first;
	(void)snprintf(reterr_flaw, IMPORT_FLAW_MAX,
		       "%s \"%.64s\" has bits set after its prefix length; the network is %s", column, text,
		       prefix_format(&prefix, proper));
	return IMPORT_E_UNREADABLE;
}

/** mask_length() - Prefix length of a netmask such as 255.255.0.0, -1 when it is none */
static int mask_length(const char *text)
{
	struct address mask;
	uint32_t hosts;

	if (!strchr(text, '.') || address_parse(text, &mask) < 0 || mask.family != FAMILY_IPV4)
		return -1;
	hosts = ~(uint32_t)mask.value;
	return (hosts & (hosts + 1)) == 0 ? 32 - __builtin_popcount(hosts) : -1;
}

/**
 * read_masked() - An address, and in the next column its mask or length
 * @names:	Names of the columns, for messages
 * @cells:	Texts
 * @ret_span:	Addresses
 * @reterr_flaw:	What is wrong
 *
 * Return: 0, IMPORT_E_UNREADABLE
 */
static int read_masked(const char *const *names, const char *const *cells, struct span *ret_span,
		       char reterr_flaw[static IMPORT_FLAW_MAX])
{
	const char *address = cells[0], *mask = cells[1];
	int length = strchr(address, ':') ? -1 : mask_length(mask);
	char text[ADDRESS_TEXT_MAX + 16];
	int size;

	/* The mask may stand behind the address, and then only there. */
	if (!*mask)
		return read_prefix(names[0], address, ret_span, reterr_flaw);
	if (length >= 0)
		size = snprintf(text, sizeof(text), "%s/%d", address, length);
	else
		size = snprintf(text, sizeof(text), "%s/%s", address, mask);
	if ((size_t)size < sizeof(text) && (length >= 0 || !strchr(mask, '.')))
		return read_prefix(names[0], text, ret_span, reterr_flaw);
	(void)snprintf(reterr_flaw, IMPORT_FLAW_MAX,
		       "%s \"%.64s\" and %s \"%.64s\" must be ADDRESS and LENGTH, or an IPv4 address and its netmask",
		       names[0], address, names[1], mask);
	return IMPORT_E_UNREADABLE;
}

/** read_address() - "ADDRESS" or "ADDRESS/LENGTH", of which the length says nothing: 0, IMPORT_E_UNREADABLE */
static int read_address(const char *column, const char *text, struct address *ret_address,
			char reterr_flaw[static IMPORT_FLAW_MAX])
{
	struct prefix prefix;

	if (address_parse(text, ret_address) == 0)
		return 0;
	if (prefix_parse(text, &prefix) == 0) {
		*ret_address = prefix.address;
		return 0;
	}
	(void)snprintf(reterr_flaw, IMPORT_FLAW_MAX,
		       "%s \"%.64s\" must be an address, such as 10.31.4.10 or 10.31.4.10/24", column, text);
	return IMPORT_E_UNREADABLE;
}

/**
 * make_span() - The span between two addresses
 * @names:	Names of their columns, for messages
 * @first:	First address
 * @last:	Last address
 * @ret_span:	The span
 * @reterr_flaw:	What is wrong
 *
 * Return: 0, IMPORT_E_UNREADABLE
 */
static int make_span(const char *const *names, const struct address *first, const struct address *last,
		     struct span *ret_span, char reterr_flaw[static IMPORT_FLAW_MAX])
{
	char first_text[ADDRESS_TEXT_MAX], last_text[ADDRESS_TEXT_MAX];

	if (first->family == last->family && first->value <= last->value) {
		*ret_span = (struct span){.first = first->value, .last = last->value, .family = first->family};
		return 0;
	}
	(void)snprintf(reterr_flaw, IMPORT_FLAW_MAX,
		       "%s %s and %s %s must be of one family, the first not above the last", names[0],
		       address_format(first, first_text), names[1], address_format(last, last_text));
	return IMPORT_E_UNREADABLE;
}

/** read_range() - Two addresses: 0, IMPORT_E_UNREADABLE */
static int read_range(const char *const *names, const char *const *cells, struct span *ret_span,
		      char reterr_flaw[static IMPORT_FLAW_MAX])
{
	struct address first, last;

	if (read_address(names[0], cells[0], &first, reterr_flaw) ||
	    read_address(names[1], cells[1], &last, reterr_flaw))
		return IMPORT_E_UNREADABLE;
	return make_span(names, &first, &last, ret_span, reterr_flaw);
}

/** read_delegated() - From the first address of one prefix to the last of another: 0, IMPORT_E_UNREADABLE */
static int read_delegated(const char *const *names, const char *const *cells, struct span *ret_span,
			  char reterr_flaw[static IMPORT_FLAW_MAX])
{
	const char *first_cells[] = {cells[0], cells[2]}, *last_cells[] = {cells[1], cells[2]};
	const char *first_names[] = {names[0], names[2]}, *last_names[] = {names[1], names[2]};
	struct address from, to;
	struct span first, last;

	if (read_masked(first_names, first_cells, &first, reterr_flaw) ||
	    read_masked(last_names, last_cells, &last, reterr_flaw))
		return IMPORT_E_UNREADABLE;
	from = (struct address){.value = first.first, .family = first.family};
	to = (struct address){.value = last.last, .family = last.family};
	return make_span(names, &from, &to, ret_span, reterr_flaw);
}

/** read_any() - A network, an address or a range in one cell: 0, IMPORT_E_UNREADABLE */
static int read_any(const char *column, const char *text, struct span *ret_span,
		    char reterr_flaw[static IMPORT_FLAW_MAX])
{
	struct address address;

	if (address_parse(text, &address) == 0) {
		*ret_span = span_of_address(&address);
		return 0;
	}
	if (span_parse(text, ret_span) == 0)
		return 0;
	if (strchr(text, '/'))
		return read_prefix(column, text, ret_span, reterr_flaw);
	(void)snprintf(reterr_flaw, IMPORT_FLAW_MAX,
		       "%s \"%.64s\" must be ADDRESS/LENGTH, ADDRESS or ADDRESS - ADDRESS", column, text);
	return IMPORT_E_UNREADABLE;
}

/** is_folder() - Whether phpIPAM means a folder of subnets */
static bool is_folder(const struct import_layout *layout, const char *text)
{
	size_t length = strlen(text), suffix = strlen(FOLDER);

	return layout->format == IMPORT_PHPIPAM && length >= suffix && strcmp(text + length - suffix, FOLDER) == 0;
}

/**
 * import_span_read() - The range of a row
 * @layout:	Where it stands
 * @cells:	Texts of the layout's columns, "" where the table has none
 * @ret_span:	The range
 * @reterr_flaw:	What is wrong, for IMPORT_E_UNREADABLE
 *
 * Return: 0, IMPORT_E_UNREADABLE, IMPORT_E_NO_RANGE
 */
int import_span_read(const struct import_layout *layout, const char *const cells[IMPORT_SPAN_COLUMNS],
		     struct span *ret_span, char reterr_flaw[static IMPORT_FLAW_MAX])
{
	if (is_folder(layout, cells[0]))
		return IMPORT_E_NO_RANGE;
	switch (layout->form) {
	case IMPORT_MASK:
		return read_masked(layout->columns, cells, ret_span, reterr_flaw);
	case IMPORT_RANGE:
		return read_range(layout->columns, cells, ret_span, reterr_flaw);
	case IMPORT_ANY:
		return read_any(layout->columns[0], cells[0], ret_span, reterr_flaw);
	case IMPORT_DELEGATED:
		return read_delegated(layout->columns, cells, ret_span, reterr_flaw);
	case IMPORT_PREFIX:
	default:
		return read_prefix(layout->columns[0], cells[0], ret_span, reterr_flaw);
	}
}
