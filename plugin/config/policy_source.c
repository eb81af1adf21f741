/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sources of a policy: who may have written them. */

#include "plugin/config/policy_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

#define SUFFIX ".json"
/** A FIFO must not make open(2) wait, nor a terminal become ours */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY)

/** policy_source_refuse() - Report a source as unusable: "policy PATH CLAUSE"; return REFUSED */
int policy_source_refuse(const struct policy_source *source, const char *clause)
{
	report_error(source->report, RULE_POLICY, source->path, "", "policy %.512s %s", source->path, clause);
	return REFUSED;
}

/** policy_source_refuse_errno() - Report that a source can't be read because of @error; return REFUSED */
int policy_source_refuse_errno(const struct policy_source *source, int error)
{
	char clause[128];

	(void)snprintf(clause, sizeof(clause), "can't be read: %s", strerror(error));
	return policy_source_refuse(source, clause);
}

/**
 * check_writers() - Who can write a policy decides what is reserved: that must be root (or the caller) alone
 * @source:	File or directory; its status is not that of a symlink to it
 *
 * Return: 0 also when it is only warned of (offline), REFUSED
 */
static int check_writers(const struct policy_source *source)
{
	const struct stat *status = &source->status;
	char clause[128];

	if (status->st_uid != 0 && status->st_uid != geteuid())
		(void)snprintf(clause, sizeof(clause), "belongs to user %u, who can change it; make it root's",
			       (unsigned)status->st_uid);
	else if (status->st_mode & (S_IWGRP | S_IWOTH))
		(void)snprintf(clause, sizeof(clause),
			       "is writable by others than its owner (mode %04o); use chmod go-w",
			       (unsigned)(status->st_mode & ALLPERMS));
	else
		return 0;
	if (!source->context->lint)
		return policy_source_refuse(source, clause);
	report_warning(source->report, RULE_POLICY, source->path, "", "an ADD would refuse it: policy %.512s %s",
		       source->path, clause);
	return 0;
}

/** check_source() - Whether what was opened may be read at all: 0, REFUSED (reported) */
static int check_source(const struct policy_source *source)
{
	bool is_file = S_ISREG(source->status.st_mode);

	if (!is_file && !S_ISDIR(source->status.st_mode))
		return policy_source_refuse(source, "is not a regular file");
	if (check_writers(source))
		return REFUSED;
	if (is_file && (uintmax_t)source->status.st_size > LIMIT_POLICY_FILE)
		return policy_source_refuse_errno(source, EFBIG);
	return 0;
}

/** is_absent() - Whether nothing stands at @path, not even a symlink that leads nowhere */
static bool is_absent(const char *path)
{
	struct stat status;

	return lstat(path, &status) < 0 && errno == ENOENT;
}

/**
 * policy_source_open() - Open a file or directory that a policy is read from
 * @path:		Where; symlinks are followed. Borrowed
 * @may_be_absent:	It is no error if nothing stands there
 * @context:		For whom and when it is read. Borrowed
 * @report:		Hears what is wrong. Borrowed
 * @ret_source:		Source, to be released with policy_source_done()
 *
 * Return: 0, REFUSED when an error was reported, POLICY_SOURCE_E_ABSENT where that is none
 */
int policy_source_open(const char *path, bool may_be_absent, const struct policy_context *context,
		       struct report *report, struct policy_source *ret_source)
{
	POLICY_SOURCE_CLEANUP struct policy_source source = {
		.fd = open(path, OPEN_FLAGS | O_CLOEXEC),
		.path = path,
		.context = context,
		.report = report,
	};

	if (source.fd < 0 && errno == ENOENT && may_be_absent)
		return is_absent(path) ? POLICY_SOURCE_E_ABSENT : policy_source_refuse_errno(&source, ENOENT);
	if (source.fd < 0 || fstat(source.fd, &source.status) < 0)
		return policy_source_refuse_errno(&source, errno);
	if (check_source(&source))
		return REFUSED;
	*ret_source = source;
	source.fd = -1;
	return 0;
}

/** policy_source_done() - Close a source */
void policy_source_done(struct policy_source *source)
{
	cleanup_close(&source->fd);
	source->fd = -1;
}

/** is_policy_name() - scandirat(3) filter: *.json, as a shell understands it, so without hidden files */
static int is_policy_name(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name), suffix = strlen(SUFFIX);

	return entry->d_name[0] != '.' && length > suffix && !strcmp(entry->d_name + length - suffix, SUFFIX);
}

/** by_name() - scandirat(3) order, the same in every locale */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/**
 * policy_source_list() - The policies in a directory
 * @directory:	Directory
 * @ret_names:	Their names, to be freed with policy_names_done()
 *
 * Return: 0, REFUSED when an error was reported
 */
int policy_source_list(const struct policy_source *directory, struct policy_names *ret_names)
{
	POLICY_NAMES_CLEANUP struct policy_names names = {0};

	names.n = scandirat(directory->fd, ".", &names.entries, is_policy_name, by_name);
	if (names.n < 0)
		return policy_source_refuse_errno(directory, errno);
	if ((unsigned)names.n > LIMIT_POLICY_FILES)
		return policy_source_refuse_errno(directory, E2BIG);
	*ret_names = names;
	names = (struct policy_names){0};
	return 0;
}

/** policy_names_done() - Free what policy_source_list() gave */
void policy_names_done(struct policy_names *names)
{
	for (int i = 0; i < names->n; i++)
		free(names->entries[i]);
	free(names->entries);
	*names = (struct policy_names){0};
}
