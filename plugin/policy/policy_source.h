/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_POLICY_POLICY_SOURCE_H
#define PLUGIN_POLICY_POLICY_SOURCE_H

/*
 * The sources of a policy: files, directories, and files that files name. Each is opened here and nowhere else, so that
 * whoever can write it is checked, and so that a record can be kept of what was read: from it can be told later
 * whether anything has changed. Reads files, changes nothing.
 */

#include <dirent.h>
#include <sys/stat.h>

#include "plugin/policy/policy.h"
#include "plugin/policy/policy_record.h"
#include "rangeguard/outcome.h"

/**
 * struct policy_source - A source that is open
 * @fd:		Its descriptor
 * @path:	Path, borrowed
 * @status:	Its fstat(2)
 * @origin:	Where it stands in the context's record
 * @context:	For whom and when it is read, borrowed
 * @report:	Hears what is wrong, borrowed
 */
struct policy_source {
	int fd;
	const char *path;
	struct stat status;
	size_t origin;
	const struct policy_context *context;
	struct report *report;
};

#define POLICY_SOURCE_INIT                                                                                             \
	{                                                                                                              \
		.fd = -1                                                                                               \
	}

/** Named outcomes beside 0, REFUSED and negative errno */
enum policy_source_outcome {
	POLICY_SOURCE_E_ABSENT = OUTCOMES_POLICY_SOURCE,
};

/** struct policy_names - The names of the policies in a directory, in their order; @n is -1 when they can't be read */
struct policy_names {
	struct dirent **entries;
	int n;
};

int policy_source_open(const char *path, bool may_be_absent, const struct policy_context *context,
		       struct report *report, struct policy_source *ret_source);
void policy_source_done(struct policy_source *source);
int policy_source_refuse(const struct policy_source *source, const char *clause);
int policy_source_refuse_errno(const struct policy_source *source, int error);
int policy_source_list(const struct policy_source *directory, struct policy_names *ret_names);

/* The same without a report; and a digest of the names. */
int policy_names_read(int fd, struct policy_names *ret_names);
void policy_names_digest(const struct policy_names *names, uint8_t ret_digest[static POLICY_LISTING_BYTES]);
void policy_names_done(struct policy_names *names);

#define POLICY_SOURCE_CLEANUP __attribute__((cleanup(policy_source_done)))
#define POLICY_NAMES_CLEANUP __attribute__((cleanup(policy_names_done)))

#endif
