/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ENFORCE_MARKS_H
#define PLUGIN_ENFORCE_MARKS_H

/*
 * Bits of a packet's mark (skb->mark), by which the classifier, the fence and the nftables tables tell each other what
 * they know of it. They are four bits of one mask; the others belong to others. None leaves the host.
 *
 * A host has one mask, since it has one table and one rule: a process takes it from a configuration (markMask), and who
 * repairs a host from what the classifier knows of its containers.
 */

#include <stdint.h>

/** Four bits that neither Calico (0xffff0000 is its whole default), kube-proxy (0xc000), Cilium nor docker needs here */
#define MARKS_MASK_DEFAULT 0x01e00000U

/**
 * struct marks - The bits, from the lowest one of the mask on
 * @pinned:	From a container with a pin, and nothing has shown yet that its source is, or will be, the pin's
 * @checked:	The same, but it will be looked at on its way out
 * @late:	The pin's source is shared by hosts, and this one's time is over
 * @guarded:	Went through the classifier
 */
struct marks {
	uint32_t pinned;
	uint32_t checked;
	uint32_t late;
	uint32_t guarded;
};

/** marks_of() - The bits of a mask that has four */
static inline struct marks marks_of(uint32_t mask)
{
	struct marks bits = {.pinned = mask & -mask};

	mask &= mask - 1;
	bits.checked = mask & -mask;
	mask &= mask - 1;
	bits.late = mask & -mask;
	mask &= mask - 1;
	bits.guarded = mask & -mask;
	return bits;
}

void marks_use(uint32_t wanted);
uint32_t marks_mask(void);
struct marks marks(void);

/** Space for marks_name() */
#define MARKS_NAME_MAX 32
const char *marks_name(const char *name, char buffer[static MARKS_NAME_MAX]);

#endif
