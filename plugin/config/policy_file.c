/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies from files and directories. What can't be read for certain is an error, never a gap: the guard fails
 * closed. Reads files, changes nothing.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "plugin/config/policy.h"
#include "plugin/config/writers.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

#define SUFFIX ".json"
/** A FIFO must not make open(2) wait, nor a terminal become ours */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY)

/** struct policy_path - A file or directory that is being read */
struct policy_path {
	int fd;
	const char *path;
	struct guard *guard;
	const struct policy_context *context;
	struct report *report;
};

/** refuse_path() - Report @path as unusable: "policy PATH CLAUSE"; return REFUSED */
static int refuse_path(struct report *report, const char *path, const char *clause)
{
	report_error(report, RULE_POLICY, path, "", "policy %.512s %s", path, clause);
	return REFUSED;
}

/** refuse_errno() - Report that @path can't be read because of @error; return REFUSED */
static int refuse_errno(struct report *report, const char *path, int error)
{
	char clause[128];

	(void)snprintf(clause, sizeof(clause), "can't be read: %s", strerror(error));
	return refuse_path(report, path, clause);
}

/**
 * check_writers() - Who can write a policy decides what is reserved: that must be root (or the caller) alone
 * @policy:	File or directory
 * @status:	Its fstat(2), not that of a symlink to it
 *
 * Return: 0 also when it is only warned of (offline), REFUSED
 */
static int check_writers(const struct policy_path *policy, const struct stat *status)
{
	char text[WRITERS_TEXT_MAX];
	const char *flaw = writers_flaw(status, text);

	if (flaw && !policy->context->lint)
		return refuse_path(policy->report, policy->path, flaw);
	if (flaw)
		report_warning(policy->report, RULE_POLICY, policy->path, "",
			       "an ADD would refuse it: policy %.512s %s", policy->path, flaw);
	return 0;
}

/** struct source - A file for read_chunk(); @failure is 0 or a negative errno */
struct source {
	int fd;
	size_t size;
	int failure;
};

/** read_chunk() - json_load_callback_t that keeps count, and keeps the errno which jansson would lose */
static size_t read_chunk(void *buffer, size_t size, void *userdata)
{
	struct source *source = userdata;
	ssize_t n;

	do
		n = read(source->fd, buffer, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		source->failure = -errno;
	else if ((size_t)n > LIMIT_POLICY_FILE - source->size)
		source->failure = -EFBIG;
	if (source->failure)
		return (size_t)-1;
	source->size += (size_t)n;
	return (size_t)n;
}

/** refuse_syntax() - Report what jansson says of a file that is not JSON; return REFUSED */
static int refuse_syntax(const struct policy_path *policy, const json_error_t *error)
{
	bool duplicate = json_error_code(error) == json_error_duplicate_key;
	char message[ERROR_MSG_MAX];
	struct finding finding = {
		.rule = duplicate ? RULE_DUPLICATE : RULE_NOT_JSON,
		.severity = SEVERITY_ERROR,
		.file = policy->path,
		.pointer = "",
		/* jansson tells the last character it took in: column 0 when there is none in the line. */
		.line = error->line > 0 ? (unsigned)error->line : 1,
		.column = error->column > 0 ? (unsigned)error->column : 1,
		.message = message,
	};

	(void)snprintf(message, sizeof(message), "policy %.512s %s: %s (line %u, column %u)", policy->path,
		       duplicate ? "has a key twice" : "is not JSON", error->text, finding.line, finding.column);
	report_finding(policy->report, &finding);
	return REFUSED;
}

/**
 * parse() - Read and parse an open file
 * @policy:	The file
 * @ret_json:	What it holds
 *
 * Return: 0, REFUSED when reported, -ENOMEM
 */
static int parse(const struct policy_path *policy, json_t **ret_json)
{
	struct source source = {.fd = policy->fd};
	json_error_t error;
	json_t *json = json_load_callback(read_chunk, &source, JSON_REJECT_DUPLICATES, &error);

	if (source.failure) {
		/* The text may have been complete before the failure; nobody knows. */
		json_decref(json);
		return refuse_errno(policy->report, policy->path, -source.failure);
	}
	/* Of most failed allocations jansson says nothing at all. */
	if (!json && (!*error.text || json_error_code(&error) == json_error_out_of_memory))
		return -ENOMEM;
	if (!json)
		return refuse_syntax(policy, &error);
	*ret_json = json;
	return 0;
}

/**
 * read_file() - Add the entries of an open file
 * @policy:	The file
 * @status:	Its fstat(2)
 *
 * Return: 0, REFUSED when errors were reported, negative errno
 */
static int read_file(const struct policy_path *policy, const struct stat *status)
{
	json_t *json = NULL;
	int r;

	if (!S_ISREG(status->st_mode))
		return refuse_path(policy->report, policy->path, "is not a regular file");
	if (check_writers(policy, status))
		return REFUSED;
	if ((uintmax_t)status->st_size > LIMIT_POLICY_FILE)
		return refuse_errno(policy->report, policy->path, EFBIG);
	r = parse(policy, &json);
	if (r)
		return r;
	r = policy_read_json(policy->guard, json, policy->path, "", policy->context, policy->report);
	json_decref(json);
	return r;
}

/** struct names - What scandirat(3) found; @n is -1 when it failed */
struct names {
	struct dirent **entries;
	int n;
};

/** names_done() - Free what scandirat(3) allocated */
static void names_done(struct names *names)
{
	for (int i = 0; i < names->n; i++)
		free(names->entries[i]);
	free(names->entries);
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
 * read_member() - Add the entries of one file of a directory
 * @directory:	The directory
 * @name:	The file
 *
 * Return: 0, REFUSED when errors were reported, negative errno
 */
static int read_member(const struct policy_path *directory, const char *name)
{
	struct policy_path member = *directory;
	size_t length = strlen(directory->path);
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_FREE char *path = NULL;
	struct stat status;

	while (length > 1 && directory->path[length - 1] == '/')
		length--;
	if (asprintf(&path, "%.*s/%s", (int)length, directory->path, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = openat(directory->fd, name, OPEN_FLAGS | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return refuse_errno(directory->report, path, errno);
	member.fd = fd;
	member.path = path;
	return read_file(&member, &status);
}

/**
 * read_directory() - Add the entries of each *.json of an open directory
 * @directory:	The directory
 * @status:	Its fstat(2)
 *
 * Return: 0, REFUSED when errors were reported, negative errno
 */
static int read_directory(const struct policy_path *directory, const struct stat *status)
{
	CLEANUP(names_done) struct names names = {0};
	int r = 0;

	if (check_writers(directory, status))
		return REFUSED;
	names.n = scandirat(directory->fd, ".", &names.entries, is_policy_name, by_name);
	if (names.n < 0)
		return refuse_errno(directory->report, directory->path, errno);
	if ((unsigned)names.n > LIMIT_POLICY_FILES)
		return refuse_errno(directory->report, directory->path, E2BIG);
	for (int i = 0; r >= 0 && i < names.n; i++)
		r = read_member(directory, names.entries[i]->d_name);
	return r;
}

/** is_absent() - Whether nothing stands at @path, not even a symlink that leads nowhere */
static bool is_absent(const char *path)
{
	struct stat status;

	return lstat(path, &status) < 0 && errno == ENOENT;
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
	CLEANUP_CLOSE int fd = open(path, OPEN_FLAGS | O_CLOEXEC);
	struct policy_path policy = {.fd = fd, .path = path, .guard = guard, .context = context, .report = report};
	unsigned errors = report->errors;
	struct stat status;
	int r;

	if (fd < 0 && errno == ENOENT && may_be_absent)
		return is_absent(path) ? 0 : refuse_errno(report, path, ENOENT);
	if (fd < 0 || fstat(fd, &status) < 0)
		return refuse_errno(report, path, errno);
	r = S_ISDIR(status.st_mode) ? read_directory(&policy, &status) : read_file(&policy, &status);
	if (r < 0)
		return r;
	return report->errors != errors ? REFUSED : 0;
}
