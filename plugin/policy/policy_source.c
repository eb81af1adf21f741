/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sources of a policy: who may have written them. */

#include "plugin/policy/policy_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <xxhash.h>

#include "plugin/policy/writers.h"
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

	if (error == ENOMEM) {
		report_no_memory(source->report, source->path, "");
		return REFUSED;
	}
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
	char text[WRITERS_TEXT_MAX];
	const char *flaw = writers_flaw(&source->status, text);

	if (flaw && (!source->context->lint || source->context->on_host))
		return policy_source_refuse(source, flaw);
	if (flaw)
		report_warning(source->report, RULE_POLICY, source->path, "",
			       "an ADD would refuse it: policy %.512s %s", source->path, flaw);
	return 0;
}

/** check_path() - Nor may somebody else put another file in its place: 0, REFUSED. A checkout may lie anywhere */
static int check_path(const struct policy_source *source)
{
	bool offline = source->context->lint && !source->context->on_host;
	char text[WRITERS_TEXT_MAX];
	const char *flaw = offline ? NULL : writers_path_flaw(source->path, text);

	return flaw ? policy_source_refuse(source, flaw) : 0;
}

/** check_source() - Whether what was opened may be read at all: 0, REFUSED (reported) */
static int check_source(const struct policy_source *source)
{
	bool is_file = S_ISREG(source->status.st_mode);

	if (!is_file && !S_ISDIR(source->status.st_mode))
		return policy_source_refuse(source, "is not a regular file");
	if (check_writers(source) || check_path(source))
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

/** absent() - Nothing stands at the source's path: note that, or (a symlink that leads nowhere) report it */
static int absent(const struct policy_source *source)
{
	struct policy_record *record = source->context->record;
	int r = 0;

	if (!is_absent(source->path))
		return policy_source_refuse_errno(source, ENOENT);
	if (check_path(source))
		return REFUSED;
	if (record)
		r = policy_record_absent(record, source->path);
	return r < 0 ? r : POLICY_SOURCE_E_ABSENT;
}

/**
 * policy_source_open() - Open a file or directory that a policy is read from
 * @path:		Where; symlinks are followed. Borrowed
 * @may_be_absent:	It is no error if nothing stands there
 * @context:		For whom and when it is read; its record, if it has one, hears of the source. Borrowed
 * @report:		Hears what is wrong. Borrowed
 * @ret_source:		Source, to be released with policy_source_done()
 *
 * Return: 0, REFUSED when an error was reported, POLICY_SOURCE_E_ABSENT where that is none, -EOVERFLOW when the sources
 *	are more than the record wants, -ENOMEM
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
	int r = 0;

	if (source.fd < 0 && errno == ENOENT && may_be_absent)
		return absent(&source);
	if (source.fd < 0 || fstat(source.fd, &source.status) < 0)
		return policy_source_refuse_errno(&source, errno);
	if (check_source(&source))
		return REFUSED;
	if (context->record)
		r = policy_record_opened(context->record, path, source.fd, &source.status, &source.origin);
	if (r < 0)
		return r;
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
 * policy_names_read() - The policies in a directory
 * @fd:		Directory
 * @ret_names:	Their names, to be freed with policy_names_done()
 *
 * Return: 0, negative errno
 */
int policy_names_read(int fd, struct policy_names *ret_names)
{
	POLICY_NAMES_CLEANUP struct policy_names names = {0};

	names.n = scandirat(fd, ".", &names.entries, is_policy_name, by_name);
	if (names.n < 0)
		return -errno;
	if ((unsigned)names.n > LIMIT_POLICY_FILES)
		return -E2BIG;
	*ret_names = names;
	names = (struct policy_names){0};
	return 0;
}

/**
 * policy_names_digest() - Digest of names and their order
 * @names:	Names
 * @ret_digest:	A chain of XXH3-128
 */
void policy_names_digest(const struct policy_names *names, uint8_t ret_digest[static POLICY_LISTING_BYTES])
{
	XXH128_canonical_t canonical = {0};

	for (int i = 0; i < names->n; i++) {
		const char *name = names->entries[i]->d_name;
		XXH64_hash_t link = XXH3_64bits(canonical.digest, sizeof(canonical.digest));

		XXH128_canonicalFromHash(&canonical, XXH3_128bits_withSeed(name, strlen(name), link));
	}
	memcpy(ret_digest, canonical.digest, POLICY_LISTING_BYTES);
}

/**
 * policy_source_list() - The policies in an open directory
 * @directory:	Directory
 * @ret_names:	Their names, to be freed with policy_names_done()
 *
 * Return: 0, REFUSED when an error was reported
 */
int policy_source_list(const struct policy_source *directory, struct policy_names *ret_names)
{
	int r = policy_names_read(directory->fd, ret_names);

	if (r < 0)
		return policy_source_refuse_errno(directory, -r);
	if (directory->context->record)
		policy_record_listed(directory->context->record, directory->origin, ret_names);
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
