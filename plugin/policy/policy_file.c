/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies from files and directories. What can't be read for certain is an error, never a gap: the guard fails
 * closed. Reads files, changes nothing.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "plugin/policy/policy_internal.h"
#include "plugin/text/flaw.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** struct policy_stream - A file for read_chunk(); @failure is 0 or a negative errno */
struct policy_stream {
	int fd;
	size_t size;
	int failure;
};

/** read_chunk() - json_load_callback_t that keeps count, and keeps the errno which jansson would lose */
static size_t read_chunk(void *buffer, size_t size, void *userdata)
{
	struct policy_stream *stream = userdata;
	ssize_t n;

	do
		n = read(stream->fd, buffer, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		stream->failure = -errno;
	else if ((size_t)n > LIMIT_POLICY_FILE - stream->size)
		stream->failure = -EFBIG;
	if (stream->failure)
		return (size_t)-1;
	stream->size += (size_t)n;
	return (size_t)n;
}

/** refuse_syntax() - Report what jansson says of a file that is not JSON; return REFUSED */
static int refuse_syntax(const struct policy_source *source, const json_error_t *error)
{
	bool duplicate = json_error_code(error) == json_error_duplicate_key;
	const char *words = flaw_of_json(error->text);
	char message[ERROR_MSG_MAX];
	struct finding finding = {
		.rule = duplicate ? RULE_DUPLICATE : RULE_NOT_JSON,
		.severity = SEVERITY_ERROR,
		.file = source->path,
		.pointer = "",
		/* jansson tells the last character it took in: column 0 when there is none in the line. */
		.line = error->line > 0 ? (unsigned)error->line : 1,
		.column = error->column > 0 ? (unsigned)error->column : 1,
		.message = message,
	};

	if (!duplicate && flaw_is_yaml_name(source->path))
		(void)snprintf(
			message, sizeof(message),
			"policy %.512s is YAML, which an ADD does not read: make it JSON (yq . %.512s), in a file "
			"named *.json",
			source->path, source->path);
	else
		(void)snprintf(message, sizeof(message), "policy %.512s %s: %s (line %u, column %u)", source->path,
			       duplicate ? "has a key twice" : "is not JSON", words ? words : error->text, finding.line,
			       finding.column);
	report_finding(source->report, &finding);
	return REFUSED;
}

/**
 * parse() - Read and parse an open file
 * @source:	The file
 * @ret_json:	What it holds
 *
 * Return: 0, REFUSED when reported, -ENOMEM
 */
static int parse(const struct policy_source *source, json_t **ret_json)
{
	struct policy_stream stream = {.fd = source->fd};
	json_error_t error;
	json_t *json;

	errno = 0;
	json = json_load_callback(read_chunk, &stream, JSON_REJECT_DUPLICATES, &error);
	if (stream.failure) {
		/* The text may have been complete before the failure; nobody knows. */
		json_decref(json);
		return policy_source_refuse_errno(source, -stream.failure);
	}
	/* Of most failed allocations jansson says nothing at all, of others that the text were wrong. */
	if (!json && (errno == ENOMEM || !*error.text || json_error_code(&error) == json_error_out_of_memory))
		return -ENOMEM;
	if (!json)
		return refuse_syntax(source, &error);
	*ret_json = json;
	return 0;
}

/** skip_mark() - Pass over a byte order mark, which RFC 8259 section 8.1 lets a reader ignore: 0, -1 with errno */
static int skip_mark(int fd)
{
	static const char mark[] = {'\xef', '\xbb', '\xbf'};
	char begin[sizeof(mark)];
	ssize_t n = pread(fd, begin, sizeof(begin), 0);

	if (n != sizeof(mark) || memcmp(begin, mark, sizeof(mark)) != 0)
		return 0;
	return lseek(fd, sizeof(mark), SEEK_SET) < 0 ? -1 : 0;
}

/**
 * read_file() - Add the entries of an open file
 * @guard:	Guard, not sealed
 * @source:	The file
 *
 * Return: 0, REFUSED when errors were reported, negative errno
 */
static int read_file(struct guard *guard, const struct policy_source *source)
{
	json_t *json = NULL;
	int r;

	if (!S_ISREG(source->status.st_mode))
		return policy_source_refuse(source, "is not a regular file");
	if (skip_mark(source->fd) < 0)
		return policy_source_refuse_errno(source, errno);
	if (source->status.st_size > LIMIT_POLICY_SMALL) {
		r = policy_read_entries(guard, source);
		if (r != POLICY_ENTRIES_E_ODD)
			return r;
		if (skip_mark(source->fd) < 0)
			return policy_source_refuse_errno(source, errno);
	}
	r = parse(source, &json);
	if (r)
		return r;
	r = policy_read_json(guard, json, source->path, "", source->context, source->report);
	json_decref(json);
	return r;
}

/**
 * read_member() - Add the entries of one file of a directory
 * @guard:	Guard, not sealed
 * @directory:	The directory
 * @name:	The file
 *
 * Return: 0, REFUSED when errors were reported, negative errno
 */
static int read_member(struct guard *guard, const struct policy_source *directory, const char *name)
{
	POLICY_SOURCE_CLEANUP struct policy_source member = POLICY_SOURCE_INIT;
	size_t length = strlen(directory->path);
	CLEANUP_FREE char *path = NULL;
	int r;

	while (length > 1 && directory->path[length - 1] == '/')
		length--;
	if (asprintf(&path, "%.*s/%s", (int)length, directory->path, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = policy_source_open(path, false, directory->context, directory->report, &member);
	return r ? r : read_file(guard, &member);
}

/** tell_ignored() - Warn of a file in a directory of policies that looks like one, and is not read */
static void tell_ignored(const struct policy_source *directory, const char *name)
{
	char path[LIMIT_PATH];
	struct finding finding = {
		.rule = RULE_POLICY,
		.severity = SEVERITY_WARNING,
		.file = path,
		.pointer = "",
		.message =
			"is not read, so nothing that it reserves is refused: policies are JSON, in files named *.json",
	};

	if (!flaw_is_yaml_name(name) && (fnmatch("*.json", name, FNM_CASEFOLD) != 0 || fnmatch("*.json", name, 0) == 0))
		return;
	(void)snprintf(path, sizeof(path), "%.2048s/%.255s", directory->path, name);
	report_finding(directory->report, &finding);
}

/** tell_all_ignored() - The same for each file of an open directory; what can't be listed is told by who lists policies */
static void tell_all_ignored(const struct policy_source *directory)
{
	int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (listing && (entry = readdir(listing)) != NULL)
		tell_ignored(directory, entry->d_name);
	if (listing)
		(void)closedir(listing);
	else if (fd >= 0)
		(void)close(fd);
}

/**
 * read_directory() - Add the entries of each *.json of an open directory
 * @guard:	Guard, not sealed
 * @directory:	The directory
 *
 * Return: 0, REFUSED when errors were reported, negative errno
 */
static int read_directory(struct guard *guard, const struct policy_source *directory)
{
	POLICY_NAMES_CLEANUP struct policy_names names = {0};
	int r = policy_source_list(directory, &names);

	if (r)
		return r;
	if (directory->context->lint)
		tell_all_ignored(directory);
	for (int i = 0; r >= 0 && i < names.n; i++)
		r = read_member(guard, directory, names.entries[i]->d_name);
	return r;
}

/**
 * policy_read_path() - Add the entries of a file, or of the *.json of a directory
 * @guard:		Guard, not sealed
 * @path:		File or directory; symlinks are followed
 * @may_be_absent:	It is no error if nothing stands there
 * @context:		For whom and when
 * @report:		Hears what is wrong, of every file
 *
 * Return: 0, REFUSED when errors were reported, negative errno
 */
int policy_read_path(struct guard *guard, const char *path, bool may_be_absent, const struct policy_context *context,
		     struct report *report)
{
	POLICY_SOURCE_CLEANUP struct policy_source source = POLICY_SOURCE_INIT;
	unsigned errors = report->errors;
	int r = policy_source_open(path, may_be_absent, context, report, &source);

	if (r)
		return r == POLICY_SOURCE_E_ABSENT ? 0 : r;
	r = S_ISDIR(source.status.st_mode) ? read_directory(guard, &source) : read_file(guard, &source);
	if (r < 0)
		return r;
	return report->errors != errors ? REFUSED : 0;
}
