/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Times of the history. gmtime_r(3) would read the machine's time zone from the disk, which an ADD has no time for;
 * the days are counted as in the proleptic Gregorian calendar that RFC 3339 refers to, years of 400 at a time.
 */

#include "plugin/history/when.h"

#include <stdio.h>
#include <string.h>

#include "rangeguard/day.h"

#define MS_PER_S 1000
#define S_PER_MINUTE 60
#define S_PER_HOUR 3600
/** Days of 400 years, and from 0000-03-01 to 1970-01-01: years that begin in March have their leap day at the end */
#define DAYS_PER_ERA 146097
#define DAYS_TO_EPOCH 719468
#define YEARS_PER_ERA 400

/** struct date - A day of the calendar */
struct date {
	int64_t year;
	unsigned month;
	unsigned day;
};

/** floor_div() - Division that rounds down; @b > 0 */
static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/** date_of_days() - The date so many days after 1970-01-01 */
static struct date date_of_days(int64_t days)
{
	int64_t era = floor_div(days + DAYS_TO_EPOCH, DAYS_PER_ERA);
	int64_t of_era = days + DAYS_TO_EPOCH - era * DAYS_PER_ERA;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (DAYS_PER_ERA - 1)) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* from March */

	return (struct date){
		.year = year + era * YEARS_PER_ERA + (month >= 10),
		.month = (unsigned)(month < 10 ? month + 3 : month - 9),
		.day = (unsigned)(of_year - (153 * month + 2) / 5 + 1),
	};
}

/** days_of_date() - Days from 1970-01-01 to a date */
static int64_t days_of_date(const struct date *date)
{
	int64_t year = date->year - (date->month <= 2);
	int64_t era = floor_div(year, YEARS_PER_ERA), of_era = year - era * YEARS_PER_ERA;
	int64_t month = date->month > 2 ? date->month - 3 : date->month + 9;
	int64_t of_year = (153 * month + 2) / 5 + date->day - 1;

	return era * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_EPOCH;
}

/** put_digits() - Write a number with leading zeros. Return: the place after it */
static char *put_digits(char *at, int64_t number, int digits)
{
	for (int i = digits - 1; i >= 0; i--, number /= 10)
		at[i] = (char)('0' + number % 10);
	return at + digits;
}

/**
 * when_format() - Write a time as RFC 3339 has it
 * @milliseconds:	Since the epoch
 * @buffer:		Space
 *
 * Return: @buffer
 */
const char *when_format(int64_t milliseconds, char buffer[static WHEN_TEXT_MAX])
{
	int64_t seconds = floor_div(milliseconds, MS_PER_S), days = floor_div(seconds, SECONDS_PER_DAY);
	int64_t of_day = seconds - days * SECONDS_PER_DAY;
	struct date date = date_of_days(days);
	char *at = put_digits(buffer, date.year, 4);

	*at++ = '-';
	at = put_digits(at, date.month, 2);
	*at++ = '-';
	at = put_digits(at, date.day, 2);
	*at++ = 'T';
	at = put_digits(at, of_day / S_PER_HOUR, 2);
	*at++ = ':';
	at = put_digits(at, of_day / S_PER_MINUTE % 60, 2);
	*at++ = ':';
	at = put_digits(at, of_day % S_PER_MINUTE, 2);
	*at++ = '.';
	at = put_digits(at, milliseconds - seconds * MS_PER_S, 3);
	*at++ = 'Z';
	*at = '\0';
	return buffer;
}

/**
 * take_digits() - Take a number of so many digits from the front of a text
 * @text:	Afterwards what follows
 * @digits:	How many
 * @ret_number:	Number
 *
 * Return: whether they are there
 */
static bool take_digits(const char **text, int digits, int64_t *ret_number)
{
	*ret_number = 0;
	for (int i = 0; i < digits; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		*ret_number = *ret_number * 10 + (**text - '0');
	}
	return true;
}

/** take_character() - Take one of some characters from the front of a text. Return: whether one of them is there */
static bool take_character(const char **text, const char *characters)
{
	if (!**text || !strchr(characters, **text))
		return false;
	(*text)++;
	return true;
}

/** take_date() - Take YYYY-MM-DD, a day that there is. Return: whether it is there */
static bool take_date(const char **text, int64_t *ret_days)
{
	int64_t year, month, day;
	struct date date, again;

	if (!take_digits(text, 4, &year) || !take_character(text, "-") || !take_digits(text, 2, &month) ||
	    !take_character(text, "-") || !take_digits(text, 2, &day) || month < 1 || month > 12 || day < 1)
		return false;
	date = (struct date){.year = year, .month = (unsigned)month, .day = (unsigned)day};
	*ret_days = days_of_date(&date);
	again = date_of_days(*ret_days);
	return again.month == date.month && again.day == date.day;
}

/** take_fraction() - Take what follows a second's point, as milliseconds; more digits are dropped */
static bool take_fraction(const char **text, int64_t *ret_milliseconds)
{
	int64_t unit = MS_PER_S / 10, digit;
	int n = 0;

	for (; take_digits(text, 1, &digit); n++, unit /= 10)
		*ret_milliseconds += digit * unit;
	return n > 0;
}

/** take_time() - Take HH:MM, then [:SS[.fraction]]. Return: whether it is there */
static bool take_time(const char **text, int64_t *milliseconds)
{
	int64_t hour, minute, second = 0;

	if (!take_digits(text, 2, &hour) || !take_character(text, ":") || !take_digits(text, 2, &minute) || hour > 23 ||
	    minute > 59)
		return false;
	if (take_character(text, ":") && (!take_digits(text, 2, &second) || second > 60))
		return false;
	*milliseconds += (hour * S_PER_HOUR + minute * S_PER_MINUTE + second) * MS_PER_S;
	return !take_character(text, ".") || take_fraction(text, milliseconds);
}

/** take_zone() - Take nothing or Z (UTC), or +HH:MM. Return: whether the text ends there */
static bool take_zone(const char **text, int64_t *milliseconds)
{
	int64_t hour, minute, sign = **text == '-' ? 1 : -1;

	if (!**text)
		return true;
	if (take_character(text, "zZ"))
		return !**text;
	if (!take_character(text, "+-") || !take_digits(text, 2, &hour) || !take_character(text, ":") ||
	    !take_digits(text, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*milliseconds += sign * (hour * S_PER_HOUR + minute * S_PER_MINUTE) * MS_PER_S;
	return !**text;
}

/**
 * when_parse() - Read a time: RFC 3339, or less: a date, with hours and minutes, without a zone (UTC is meant)
 * @text:		Text
 * @ret_milliseconds:	Since the epoch
 *
 * Return: whether it is one
 */
bool when_parse(const char *text, int64_t *ret_milliseconds)
{
	int64_t days, milliseconds;

	if (!take_date(&text, &days))
		return false;
	milliseconds = days * SECONDS_PER_DAY * MS_PER_S;
	if (take_character(&text, "tT ") && (!take_time(&text, &milliseconds) || !take_zone(&text, &milliseconds)))
		return false;
	if (*text)
		return false;
	*ret_milliseconds = milliseconds;
	return true;
}
