/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bits a host uses. */

#include "plugin/enforce/marks.h"

#include <stdio.h>

static uint32_t mask = MARKS_MASK_DEFAULT;

/** marks_use() - Have this process use other bits: what a configuration, or the host's kernel, says; 0: the default ones */
void marks_use(uint32_t wanted)
{
	mask = wanted ? wanted : MARKS_MASK_DEFAULT;
}

/** marks_mask() - All four bits */
uint32_t marks_mask(void)
{
	return mask;
}

/**
 * marks_name() - The name of a chain whose rules depend on the bits: with others than the default ones it has another one, so
 * that who looks for it finds only the right one
 * @name:	Name
 * @buffer:	Space for it
 *
 * Return: @buffer
 */
const char *marks_name(const char *name, char buffer[static MARKS_NAME_MAX])
{
	if (mask == MARKS_MASK_DEFAULT)
		(void)snprintf(buffer, MARKS_NAME_MAX, "%s", name);
	else
		(void)snprintf(buffer, MARKS_NAME_MAX, "%s-%08x", name, mask);
	return buffer;
}

/** marks() - Each of them */
struct marks marks(void)
{
	return marks_of(mask);
}
