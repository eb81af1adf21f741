/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RANGEGUARD_DAY_H
#define RANGEGUARD_DAY_H

/* Days, in which policies end. */

#include <time.h>

#define SECONDS_PER_DAY (24 * 60 * 60)

/** day_of() - Days since 1970-01-01 UTC, of a time that is not before it */
static inline long day_of(time_t time)
{
	return (long)(time / SECONDS_PER_DAY);
}

#endif
