/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_STORE_FAKE_H
#define TESTS_UNIT_STORE_FAKE_H

/*
 * The store's seam as ordered tables in memory, for tests. It is stricter than LMDB: bytes handed out are freed at
 * the next change or the end of the transaction, a call outside of a transaction or after a failure ends the test.
 */

#include "ipam/store/store.h"

struct store *store_fake_new(void);

/* The n-th call from now on fails with -EIO, begin and commit included; 0: none. */
void store_fake_fail_at(struct store *store, unsigned long n);
/* That call fails with -@errnum instead. */
void store_fake_fail_with(struct store *store, int errnum);
/* Whether the call that was to fail has come. */
bool store_fake_has_failed(const struct store *store);
/* Calls since store_fake_fail_at(). */
unsigned long store_fake_calls(const struct store *store);
/* All rows as one text, to be freed. */
char *store_fake_dump(const struct store *store);

#endif
