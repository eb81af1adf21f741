/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RANGEGUARD_CLEANUP_H
#define RANGEGUARD_CLEANUP_H

/*
 * Scope-bound release of descriptors and memory, so that every early return is a clean one.
 * A destructor takes the invalid value (NULL, -1) and ignores it. To hand a value out of the scope, TAKE it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

/** TAKE_PTR() - Value of the pointer @p, which is NULL afterwards: ownership moves to the reader */
#define TAKE_PTR(p)                                                                                                    \
	__extension__({                                                                                                \
		__typeof__(p) taken_ = (p);                                                                            \
		(p) = NULL;                                                                                            \
		taken_;                                                                                                \
	})

/** TAKE_FD() - Value of the descriptor @fd, which is -1 afterwards: ownership moves to the reader */
#define TAKE_FD(fd)                                                                                                    \
	__extension__({                                                                                                \
		int taken_ = (fd);                                                                                     \
		(fd) = -1;                                                                                             \
		taken_;                                                                                                \
	})

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_fclose(FILE *const *file)
{
	if (*file)
		(void)fclose(*file);
}

#define CLEANUP_FREE CLEANUP(cleanup_free)
#define CLEANUP_CLOSE CLEANUP(cleanup_close)
#define CLEANUP_FCLOSE CLEANUP(cleanup_fclose)

#endif
