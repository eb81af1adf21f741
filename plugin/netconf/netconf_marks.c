/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `markMask`. Pure. */

#include <ctype.h>

#include "plugin/netconf/netconf_ipam.h"
#include "plugin/text/json.h"

/** What is told apart by the bits: plugin/enforce/marks.h */
#define MARK_BITS 4

/** parse_mask() - "0x" and up to eight hexadecimal digits, four bits of them set: the mask, 0 when it is something else */
static uint32_t parse_mask(const char *text)
{
	uint32_t mask = 0;
	size_t i = 2;

	if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
		return 0;
	for (; i < 2 + 2 * sizeof(mask) && isxdigit((unsigned char)text[i]); i++)
		mask = mask << 4 |
		       (uint32_t)(isdigit((unsigned char)text[i]) ? text[i] - '0' : (text[i] | 0x20) - 'a' + 10);
	return text[i] || __builtin_popcount(mask) != MARK_BITS ? 0 : mask;
}

/** netconf_read_mark_mask() - `markMask`: which bits of the packet mark are ours */
void netconf_read_mark_mask(struct reader *reader, const json_t *root, struct netconf *netconf)
{
	const char *text = json_member_text(reader, root, "markMask");

	if (!text)
		return;
	netconf->mark_mask = parse_mask(text);
	if (!netconf->mark_mask)
		reader_error(
			reader, "markMask", RULE_INVALID_VALUE,
			"markMask \"%.32s\" must be a hexadecimal number with four bits set, those of the packet mark "
			"that nobody else on this host uses, like \"0x01e00000\"",
			text);
}
