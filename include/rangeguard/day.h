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

/** Space for day_format() */
#define DAY_TEXT_MAX sizeof("9999-12-31")

/** day_format() - A day up to the end of year 9999 as "YYYY-MM-DD"; return: the text */
static inline const char *day_format(long day, char text[static DAY_TEXT_MAX])
{
	time_t time = (time_t)day * SECONDS_PER_DAY;
	struct tm date;

	(void)gmtime_r(&time, &date);
	(void)strftime(text, DAY_TEXT_MAX, "%F", &date);
	return text;
}

#endif
