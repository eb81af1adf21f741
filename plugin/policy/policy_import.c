/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The `imports` of a policy file. As with policies: what can't be read for certain is an error, never a gap.
 */

#include "plugin/policy/policy_import.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "plugin/policy/import.h"
#include "plugin/policy/policy_record.h"
#include "plugin/policy/writers.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/day.h"

/** A FIFO must not make open(2) wait, nor a terminal become ours */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY)
/** Bytes read at a time */
#define CHUNK 65536U

/** struct policy_import - One import of a policy */
struct policy_import {
	struct reader *reader;
	const struct policy_context *context;
	struct guard *guard;
	const char *path;
};

/** refuse() - Report the table as unusable, at the policy's `file`: "import PATH CLAUSE"; return REFUSED */
static int refuse(const struct policy_import *import, const char *clause)
{
	reader_error(import->reader, "file", RULE_POLICY, "import %.512s %s", import->path, clause);
	return REFUSED;
}

/** refuse_errno() - Report that the table can't be read because of @error; return REFUSED */
static int refuse_errno(const struct policy_import *import, int error)
{
	char clause[128];

	if (error == ENOMEM) {
		reader_no_memory(import->reader);
		return REFUSED;
	}
	(void)snprintf(clause, sizeof(clause), "can't be read: %s", strerror(error));
	return refuse(import, clause);
}

/** check_writers() - A table must be as safe from writers as the policy; 0 also when it is only warned of, REFUSED */
static int check_writers(const struct policy_import *import, const struct stat *status)
{
	char text[WRITERS_TEXT_MAX];
	const char *flaw = writers_flaw(status, text);

	if (flaw && (!import->context->lint || import->context->on_host))
		return refuse(import, flaw);
	if (flaw)
		reader_warning(import->reader, "file", RULE_POLICY, "an ADD would refuse it: import %.512s %s",
			       import->path, flaw);
	return 0;
}

/**
 * check_age() - A table that nobody has written for longer than the policy trusts it: what wrote it may be dead
 * @import:	Import
 * @spec:	Says how long
 * @status:	Of the table
 *
 * Return: 0, REFUSED (reported)
 */
static int check_age(const struct policy_import *import, const struct import_spec *spec, const struct stat *status)
{
	long long end = (long long)status->st_mtime + spec->max_age;

	if (!spec->max_age)
		return 0;
	if (import->context->record)
		policy_record_valid_until(import->context->record, day_of(end));
	if (end >= (long long)time(NULL))
		return 0;
	reader_error(import->reader, "maxAge", RULE_POLICY,
		     "import %.512s is older than maxAge allows (%lld hours): see whether what writes it still runs",
		     import->path, spec->max_age / 3600);
	return REFUSED;
}

/** check_rows() - A table with fewer reservations than the policy knows there must be is cut off */
static void check_rows(const struct policy_import *import, const struct import *rows)
{
	if ((long long)rows->n_entries < rows->spec->min_rows)
		reader_error(import->reader, "minRows", RULE_POLICY,
			     "import %.512s has %zu reservations, fewer than minRows (%lld): is it cut off?",
			     import->path, rows->n_entries, rows->spec->min_rows);
	if (import->context->record && rows->first_end != LONG_MAX)
		policy_record_valid_until(import->context->record, rows->first_end);
}

/**
 * open_table() - Open a table that may be read
 * @import:	Import
 * @spec:	What the policy says of it
 * @ret_fd:	Descriptor
 *
 * Return: 0, REFUSED when reported, -EOVERFLOW when the sources are more than the record wants, -ENOMEM
 */
static int open_table(const struct policy_import *import, const struct import_spec *spec, int *ret_fd)
{
	CLEANUP_CLOSE int fd = open(import->path, OPEN_FLAGS | O_CLOEXEC);
	struct policy_record *record = import->context->record;
	struct stat status;
	size_t origin;
	int r = 0;

	if (fd < 0 || fstat(fd, &status) < 0)
		return refuse_errno(import, errno);
	if (!S_ISREG(status.st_mode))
		return refuse(import, "is not a regular file");
	if (check_writers(import, &status))
		return REFUSED;
	if ((uintmax_t)status.st_size > LIMIT_POLICY_FILE)
		return refuse_errno(import, EFBIG);
	if (check_age(import, spec, &status))
		return REFUSED;
	if (record)
		r = policy_record_opened(record, import->path, fd, &status, &origin);
	if (!r)
		*ret_fd = TAKE_FD(fd);
	return r;
}

/** ends_by_line() - Whether nothing but a line end tells that a table is whole; JSON's own brackets do */
static bool ends_by_line(enum import_format format)
{
	return format != IMPORT_JSON && format != IMPORT_ROUTES;
}

/**
 * feed() - Read a table into an import
 * @import:	Import
 * @fd:		Open table
 * @rows:	Takes its contents
 *
 * Return: 0, REFUSED when reported, -ENOMEM, -E2BIG
 */
static int feed(const struct policy_import *import, int fd, struct import *rows)
{
	CLEANUP_FREE char *chunk = malloc(CHUNK);
	char last = '\n';
	size_t size = 0;
	ssize_t n;

	if (!chunk)
		return -ENOMEM;
	do {
		int r;

		n = read(fd, chunk, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse_errno(import, errno);
		/* It may have grown since it was opened. */
		if ((size_t)n > LIMIT_POLICY_FILE - size)
			return refuse_errno(import, EFBIG);
		size += (size_t)n;
		if (!n && size && last != '\n' && last != '\r' && ends_by_line(rows->spec->format))
			return refuse(import,
				      "ends in the middle of a line: it may have been cut off; end its last row with a "
				      "line end");
		if (n)
			last = chunk[n - 1];
		r = n ? import_feed(rows, chunk, (size_t)n) : import_finish(rows);
		if (r)
			return r;
	} while (n);
	return 0;
}

/** warn_of_nothing() - Offline: an import that reserves nothing is hardly meant */
static void warn_of_nothing(const struct policy_import *import, const struct import *rows)
{
	if (!import->context->lint || rows->n_entries)
		return;
	if (rows->spec->n_filters && rows->n_rows)
		reader_warning(import->reader, "where", RULE_POLICY,
			       "none of the %zu rows of %.512s is what where asks for; the import reserves nothing",
			       rows->n_rows, import->path);
	else if (rows->n_rows)
		reader_warning(import->reader, "file", RULE_POLICY,
			       "none of the %zu rows of %.512s reserves anything today", rows->n_rows, import->path);
	else
		reader_warning(import->reader, "file", RULE_POLICY, "%.512s has no rows; the import reserves nothing",
			       import->path);
}

/** import_table() - Add the wanted rows of a table to the guard: 0, REFUSED when errors were reported, -errno */
static int import_table(const struct policy_import *import, const struct import_spec *spec)
{
	CLEANUP(import_done) struct import rows = {0};
	unsigned errors = import->reader->report->errors;
	CLEANUP_CLOSE int fd = -1;
	int r = open_table(import, spec, &fd);

	if (r)
		return r;
	r = import_init(&rows, spec, import->reader, import->path, import->guard);
	rows.imported = import->context->imported;
	if (!r)
		r = feed(import, fd, &rows);
	if (r < 0)
		return r;
	if (import->reader->report->errors == errors)
		check_rows(import, &rows);
	if (import->reader->report->errors == errors)
		warn_of_nothing(import, &rows);
	return report_outcome_since(import->reader->report, errors);
}

/** path_beside() - @name in the directory of @file; owned, NULL without memory */
static char *path_beside(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');
	char *path;

	if (asprintf(&path, "%.*s%s", slash ? (int)(slash + 1 - file) : 0, file, name) < 0)
		return NULL;
	return path;
}

/** read_import() - One element of `imports`: 0, REFUSED when errors were reported, negative errno */
static int read_import(struct policy_import *import, const json_t *element)
{
	CLEANUP(import_spec_done) struct import_spec spec = {0};
	CLEANUP_FREE char *path = NULL;
	const char *name;
	int r = import_spec_read(import->reader, element, &spec, &name);

	if (r)
		return r;
	spec.today = import->context->today;
	path = path_beside(import->reader->file, name);
	if (!path)
		return -ENOMEM;
	import->path = path;
	return import_table(import, &spec);
}

/**
 * policy_read_imports() - Add what a policy file imports to the guard
 * @guard:	Guard, not sealed
 * @policy:	The policy, a whole document
 * @file:	Its path, beside which the tables are
 * @context:	For whom and when
 * @report:	Hears what is wrong, of every import
 *
 * Return: 0, REFUSED when errors were reported, negative errno
 */
int policy_read_imports(struct guard *guard, const json_t *policy, const char *file,
			const struct policy_context *context, struct report *report)
{
	const json_t *list = json_member(policy, "imports");
	struct reader reader = {.file = file, .report = report};
	struct policy_import import = {.reader = &reader, .context = context, .guard = guard};
	unsigned errors = report->errors;
	int r = 0;

	if (list && (!json_is_array(list) || json_array_size(list) > LIMIT_IMPORTS)) {
		reader_error(&reader, "imports", RULE_POLICY, "imports must be an array of at most %u imports",
			     LIMIT_IMPORTS);
		return REFUSED;
	}
	(void)pointer_push_key(&reader.at, "imports");
	for (size_t i = 0; r >= 0 && i < json_array_size(list); i++) {
		size_t mark = pointer_push_index(&reader.at, i);

		r = read_import(&import, json_array_get(list, i));
		pointer_pop(&reader.at, mark);
	}
	return r < 0 ? r : report_outcome_since(report, errors);
}
