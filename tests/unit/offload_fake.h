/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_OFFLOAD_FAKE_H
#define TESTS_UNIT_OFFLOAD_FAKE_H

/*
 * The modules of a kernel and its interfaces, as far as the short cut asks for them. Link with --wrap=access and
 * --wrap=if_nametoindex.
 */

#include <stdbool.h>
#include <stddef.h>

/**
 * struct offload_fake - What there is
 * @loaded:	The modules are loaded
 * @on_disk:	The kernel could load them
 * @all:	Every interface is there
 * @gone:	But this one; NULL: none is gone
 * @gone_after:	After it was asked for so many times
 * @asked:	How often it was asked for a file
 */
struct offload_fake {
	bool loaded;
	bool on_disk;
	bool all;
	const char *gone;
	unsigned gone_after;
	unsigned asked;
};

extern struct offload_fake offload_fake;

#endif
