/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `rangeguard cluster publish`: policies checked, and made one document that needs nothing beside it: a table that a policy
 * imports lies on this host alone, so its rows become entries, which say where they are from.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugin/commands/cluster.h"
#include "plugin/policy/policies.h"
#include "plugin/policy/policy.h"
#include "plugin/policy/policy_import.h"
#include "plugin/text/source.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/day.h"
#include "rangeguard/exit_status.h"
#include "rangeguard/limits.h"

/** An entry's place, "/srv/tables/netbox.csv line 42" */
#define PLACE_MAX (LIMIT_PATH + 64)

/**
 * struct document - What is published
 * @reserved, @granted:	Its entries; owned
 * @n_imported:	How many of them are rows of tables
 */
struct document {
	json_t *reserved;
	json_t *granted;
	size_t n_imported;
};

/** no_memory() - Say so: the exit status */
static int no_memory(void)
{
	(void)fprintf(stderr, "rangeguard cluster publish: %s\n", strerror(ENOMEM));
	return EXIT_USAGE;
}

/** format_span() - The value of `cidr`, or of `range`; return: which of them */
static const char *format_span(const struct span *span, char text[static SPAN_TEXT_MAX])
{
	struct prefix one = {.address = {.value = span->first, .family = span->family},
			     .length = (uint8_t)family_bits(span->family)};

	if (span->first == span->last)
		(void)prefix_format(&one, text);
	else
		(void)span_format(span, text);
	return strchr(text, '/') ? "cidr" : "range";
}

/** pack_row() - A row of a table that counts up to @last_day (LONG_MAX: for ever) as an entry; NULL: out of memory */
static json_t *pack_row(const struct guard_entry *row, long last_day)
{
	const char *slash = strrchr(row->file, '/');
	char span[SPAN_TEXT_MAX], place[PLACE_MAX], ref[PLACE_MAX], day[DAY_TEXT_MAX];

	(void)snprintf(place, sizeof(place), "%s %s", row->file, row->pointer);
	(void)snprintf(ref, sizeof(ref), "%s %s", slash ? slash + 1 : row->file, row->pointer);
	return json_pack("{s:s, s:s*, s:s*, s:s, s:s*, s:s}", format_span(&row->span, span), span, "owner",
			 *row->owner ? row->owner : NULL, "reason", *row->reason ? row->reason : NULL, "ref",
			 *row->ref ? row->ref : ref, "validUntil",
			 last_day == LONG_MAX ? NULL : day_format(last_day, day), "x-source", place);
}

/**
 * struct row_taker - Adds rows of tables to a document
 * @imported:	Hears of them
 * @document:	The document
 */
struct row_taker {
	struct imported imported;
	struct document *document;
};

/** take_row() - An imported listener */
static int take_row(struct imported *self, const struct guard_entry *row, long last_day)
{
	struct document *document = ((struct row_taker *)self)->document;

	document->n_imported++;
	return json_array_append_new(document->reserved, pack_row(row, last_day)) < 0 ? -ENOMEM : 0;
}

/** hear() - Listener: all of it was read once without an error, and what was to be warned of has been */
static void hear(struct report *report, const struct finding *finding)
{
	(void)report;
	if (finding->severity == SEVERITY_ERROR)
		(void)fprintf(stderr, "rangeguard cluster publish: %s\n", finding->message);
}

/** add_imports() - The rows of the tables that a policy imports; 0 or the exit status */
static int add_imports(const char *path, const json_t *root, struct document *document)
{
	struct row_taker taker = {.imported = {.heard = take_row}, .document = document};
	const struct policy_context context = {.today = day_of(time(NULL)), .lint = true, .imported = &taker.imported};
	GUARD_CLEANUP struct guard *guard = NULL;
	struct report report = {.heard = hear};
	int r = guard_new(&guard);

	if (!r)
		r = policy_read_imports(guard, root, path, &context, &report);
	if (r == -ENOMEM)
		return no_memory();
	return r ? EXIT_FINDINGS : 0;
}

/** extend() - The entries of a list, if it is there; 0, negative: out of memory */
static int extend(json_t *to, const json_t *list)
{
	return list ? json_array_extend(to, (json_t *)(uintptr_t)list) : 0;
}

/** add_policy() - The entries of a policy file, after those that are there; 0 or the exit status */
static int add_policy(const char *path, struct document *document)
{
	SOURCE_CLEANUP struct source source = {0};
	json_t *root;
	int r = source_read(path, LIMIT_POLICY_FILE, &source);

	root = r < 0 ? NULL : source_json(&source, 0, NULL);
	if (!root) {
		(void)fprintf(stderr, "rangeguard cluster publish: %s: %s\n", path,
			      r < 0 ? strerror(-r) : "not valid JSON");
		return EXIT_FINDINGS;
	}
	r = extend(document->reserved, json_object_get(root, "reserved")) < 0 ||
			    extend(document->granted, json_object_get(root, "granted")) < 0
		    ? no_memory()
		    : add_imports(path, root, document);
	json_decref(root);
	return r;
}

/** write_policy() - The document, in a file that only root can read; 0 or the exit status */
static int write_policy(const char *path, const struct document *document)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	json_t *root = json_pack("{s:O, s:O}", "reserved", document->reserved, "granted", document->granted);
	int r = root && fd >= 0 ? json_dumpfd(root, fd, JSON_COMPACT) : -1;

	json_decref(root);
	if (r == 0)
		return 0;
	(void)fprintf(stderr, "rangeguard cluster publish: %s: %s\n", path, strerror(errno));
	return EXIT_USAGE;
}

/** print_held() - A block or a source that somebody holds, and of which something is reserved */
static void print_held(const json_t *held)
{
	const char *owner = cluster_text(held, "owner"), *part = cluster_text(held, "part");
	bool whole = !*part || strcmp(part, cluster_text(held, "cidr")) == 0;

	printf("%s %s, held by %s, is reserved%s%s%s%s%s: nothing is taken from running containers\n",
	       cluster_text(held, "kind"), cluster_text(held, "cidr"), cluster_text(held, "host"),
	       *owner ? " for " : "", owner, whole ? "" : " in part (", whole ? "" : part, whole ? "" : ")");
}

/** print_published() - What was done, and what it touches */
static void print_published(const json_t *answer, const struct document *document)
{
	const json_t *held;
	size_t i;

	printf("published as revision %lld: it binds every later claim on every host\n",
	       (long long)json_integer_value(json_object_get(answer, "revision")));
	if (document->n_imported)
		printf("%zu entries are rows of imported tables as they are today: publish again when those change\n",
		       document->n_imported);
	json_array_foreach(json_object_get(answer, "held"), i, held) {
		print_held(held);
	}
}

/** publish() - Merge, write, ask */
static int publish(const struct cluster_options *options, const struct path_list *files, struct document *document)
{
	char path[LIMIT_PATH];
	json_t *answer = NULL;
	int r = 0;

	for (size_t i = 0; i < files->n_paths && r == 0; i++)
		r = add_policy(files->paths[i], document);
	if (r == 0 && snprintf(path, sizeof(path), "%s/cluster-publish.json", options->data_dir) >= (int)sizeof(path))
		r = cluster_usage("the path of the state directory is too long");
	if (r == 0)
		r = write_policy(path, document);
	if (r == 0)
		r = cluster_ask(options, json_pack("{s:s, s:s}", "ask", "cluster-publish", "file", path), &answer);
	if (r == 0)
		print_published(answer, document);
	json_decref(answer);
	return r;
}

/** name_paths() - What the command line names, and the files in it; 0 or the exit status */
static int name_paths(const struct cluster_options *options, struct path_list *named, struct path_list *files)
{
	if (options->argc == 0)
		return cluster_usage("publish needs files or directories with policies");
	for (int i = 0; i < options->argc; i++) {
		if (path_list_add(named, options->argv[i]) == 0 && path_list_expand(files, options->argv[i]) == 0)
			continue;
		(void)fprintf(stderr, "rangeguard cluster publish: %s: %s\n", options->argv[i], strerror(errno));
		return EXIT_USAGE;
	}
	return 0;
}

/** cluster_publish() - `rangeguard cluster publish`: the exit status */
int cluster_publish(const struct cluster_options *options)
{
	struct document document = {.reserved = json_array(), .granted = json_array()};
	struct path_list named = {0}, files = {0};
	GUARD_CLEANUP struct guard *guard = NULL;
	int r = document.reserved && document.granted ? name_paths(options, &named, &files) : no_memory();

	if (r == 0)
		r = policies_read("cluster publish", &named, "", &guard);
	if (r == 0)
		r = publish(options, &files, &document);
	path_list_done(&named);
	path_list_done(&files);
	json_decref(document.reserved);
	json_decref(document.granted);
	return r;
}
