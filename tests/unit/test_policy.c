/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies, from JSON and from files: what they come to in the guard, and that nothing doubtful is ever passed over. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory_fake.h"
#include "plugin/policy/policy.h"
#include "rangeguard/array.h"

/** 2027-06-30, from date(1) */
#define DAY_2027_06_30 20999L
/** Longest path below the scratch directory */
#define PATH_TEXT 256

static const struct policy_context today = {.today = DAY_2027_06_30};
static const struct policy_context offline = {.today = DAY_2027_06_30, .lint = true};

static int read_error;
static bool foreign_owner;

ssize_t __real_read(int fd, void *buffer, size_t size);
int __real_fstat(int fd, struct stat *status);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
int __wrap_fstat(int fd, struct stat *status);

/** __wrap_read() - EINTR once, other errors when the whole file has been read */
ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
	ssize_t n = 0;

	if (read_error != EINTR)
		n = __real_read(fd, buffer, size);
	if (n > 0 || !read_error)
		return n;
	errno = read_error;
	if (read_error == EINTR)
		read_error = 0;
	return -1;
}

int __wrap_fstat(int fd, struct stat *status)
{
	int r = __real_fstat(fd, status);

	if (foreign_owner && S_ISREG(status->st_mode))
		status->st_uid = 12345;
	return r;
}

/** struct heard - Listener that writes down "RULE SEVERITY FILE POINTER: MESSAGE" lines */
struct heard {
	struct report report;
	char text[8192];
	unsigned line;
	unsigned column;
};

static void hear(struct report *report, const struct finding *finding)
{
	struct heard *heard = (struct heard *)report;
	size_t length = strlen(heard->text);

	heard->line = finding->line;
	heard->column = finding->column;
	(void)snprintf(heard->text + length, sizeof(heard->text) - length, "%u %c %s %s: %s\n", (unsigned)finding->rule,
		       finding->severity == SEVERITY_ERROR ? 'E' : 'W', finding->file, finding->pointer,
		       finding->message);
}

#define HEARD                                                                                                          \
	{                                                                                                              \
		.report = {.heard = hear }                                                                             \
	}

/** assert_heard() - That the one line heard begins with @begin and says @clause */
static void assert_heard(const struct heard *heard, const char *begin, const char *clause)
{
	const char *newline = strchr(heard->text, '\n');

	if (!newline || newline[1] || strncmp(heard->text, begin, strlen(begin)) != 0 || !strstr(heard->text, clause))
		fail_msg("heard \"%s\" instead of \"%s\" \"%s\"", heard->text, begin, clause);
}

static struct guard *new_guard(void)
{
	struct guard *guard;

	assert_int_equal(guard_new(&guard), 0);
	return guard;
}

/** read_text() - policy_read_json() of a text as a whole document "p.json" */
static int read_text(struct guard *guard, const char *text, const struct policy_context *context, struct heard *heard)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int r;

	if (!json)
		fail_msg("not JSON: %s", text);
	r = policy_read_json(guard, json, "p.json", "", context, &heard->report);
	json_decref(json);
	return r;
}

/** decides() - Sealed guard's word on an address */
static bool is_reserved(const struct guard *guard, const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return guard_decide(guard, &address, NULL) == GUARD_E_RESERVED;
}

static void test_entries(void **state)
{
	static const char text[] =
		"{\"reserved\": ["
		" {\"cidr\": \"10.20.0.0/16\", \"owner\": \"db-platform\", \"reason\": \"Oracle RAC\", \"ref\": \"NET-1042\"},"
		" {\"range\": \"10.31.4.10-10.31.4.99\", \"owner\": \"telephony\", \"validUntil\": \"2027-06-30\"},"
		" {\"cidr\": \"::ffff:192.0.2.0/120\", \"x-note\": {\"any\": null}}],"
		" \"granted\": [{\"cidr\": \"10.20.64.0/20\", \"network\": \"pods\", \"reason\": \"NET-1100\"},"
		" {\"cidr\": \"2001:db8::/64\"}], \"x-comment\": \"yes\"}";
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	struct guard_entry entry;
	char span[SPAN_TEXT_MAX];

	(void)state;
	assert_int_equal(read_text(guard, text, &today, &heard), 0);
	assert_string_equal(heard.text, "");
	assert_int_equal(guard_n_entries(guard), 5);

	entry = guard_entry(guard, 0);
	assert_int_equal(entry.kind, GUARD_RESERVED);
	assert_string_equal(span_format(&entry.span, span), "10.20.0.0/16");
	assert_string_equal(entry.owner, "db-platform");
	assert_string_equal(entry.reason, "Oracle RAC");
	assert_string_equal(entry.ref, "NET-1042");
	assert_string_equal(entry.network, "");
	assert_string_equal(entry.file, "p.json");
	assert_string_equal(entry.pointer, "/reserved/0");

	entry = guard_entry(guard, 1);
	assert_string_equal(span_format(&entry.span, span), "10.31.4.10-10.31.4.99");
	assert_string_equal(entry.reason, "");

	entry = guard_entry(guard, 2);
	assert_string_equal(span_format(&entry.span, span), "192.0.2.0/24");
	assert_string_equal(entry.owner, "");

	entry = guard_entry(guard, 3);
	assert_int_equal(entry.kind, GUARD_GRANTED);
	assert_string_equal(entry.network, "pods");
	assert_string_equal(entry.pointer, "/granted/0");
	entry = guard_entry(guard, 4);
	assert_string_equal(entry.network, "*");
}

/** struct fault - A document that has one: rule and pointer, and a clause of its message */
struct fault {
	const char *text;
	const char *begin;
	const char *clause;
};

#define CIDR "\"cidr\": \"10.0.0.0/8\""

static const struct fault faults[] = {
	{"[]", "301 E p.json : ", "must be an object"},
	{"{\"reserved\": {}}", "301 E p.json /reserved: ", "must be an array"},
	{"{\"granted\": \"all\"}", "301 E p.json /granted: ", "must be an array"},
	{"{\"reserve\": []}", "2 E p.json /reserve: ", "did you mean \"reserved\""},
	{"{\"reserved\": [\"10.0.0.0/8\"]}", "301 E p.json /reserved/0: ", "must be an object"},
	{"{\"reserved\": null}", "301 E p.json /reserved: ", "must be an array"},
	{"{\"reserved\": [], \"granted\": null}", "301 E p.json /granted: ", "must be an array"},
	{"{}", "301 E p.json : ", "neither reserved nor granted"},
	{"{\"x-note\": 1}", "301 E p.json : ", "neither reserved nor granted"},
	{"{\"reserved\": [null]}", "301 E p.json /reserved/0: ", "must be an object"},
	{"{\"reserved\": [{" CIDR "}, {}]}", "301 E p.json /reserved/1: ", "cidr or range"},
	{"{\"reserved\": [{\"cidr\": null}]}", "301 E p.json /reserved/0/cidr: ", "null"},
	{"{\"reserved\": [{" CIDR ", \"range\": \"10.0.0.1-10.0.0.2\"}]}", "301 E p.json /reserved/0: ", "not both"},
	{"{\"reserved\": [{" CIDR ", \"ower\": \"x\"}]}", "2 E p.json /reserved/0/ower: ", "did you mean \"owner\""},
	{"{\"reserved\": [{" CIDR ", \"network\": \"pods\"}]}", "2 E p.json /reserved/0/network: ", "unknown key"},
	/* A null was to be filled in */
	{"{\"granted\": [{" CIDR ", \"network\": null}]}", "301 E p.json /granted/0/network: ", "null"},
	{"{\"granted\": [{" CIDR ", \"validUntil\": null}]}", "301 E p.json /granted/0/validUntil: ", "null"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": null}]}", "301 E p.json /reserved/0/validUntil: ", "null"},
	{"{\"reserved\": [{" CIDR ", \"range\": null}]}", "301 E p.json /reserved/0/range: ", "null"},
	{"{\"reserved\": [{" CIDR ", \"owner\": null}]}", "301 E p.json /reserved/0/owner: ", "null"},
	{"{\"reserved\": [], \"imports\": null}", "301 E p.json /imports: ", "null"},
	{"{\"reserved\": [], \"imports\": [{\"file\": \"a\", \"format\": \"netbox\", \"where\": null}]}",
	 "301 E p.json /imports/0/where: ", "null"},
	{"{\"reserved\": [], \"imports\": [{\"file\": \"a\", \"format\": \"netbox\", \"where\": {\"role\": [null]}}]}",
	 "301 E p.json /imports/0/where/role/0: ", "null"},
	{"{\"reserved\": [{\"cidr\": 10}]}", "301 E p.json /reserved/0/cidr: ", "must be a string, not 10"},
	{"{\"reserved\": [{" CIDR ", \"owner\": 1}]}", "301 E p.json /reserved/0/owner: ", "must be a string"},
	{"{\"reserved\": [{" CIDR ", \"reason\": []}]}", "301 E p.json /reserved/0/reason: ", "must be a string"},
	{"{\"reserved\": [{" CIDR ", \"ref\": {}}]}", "301 E p.json /reserved/0/ref: ", "must be a string"},
	{"{\"granted\": [{" CIDR ", \"network\": true}]}", "301 E p.json /granted/0/network: ", "must be a string"},
	{"{\"granted\": [{" CIDR ", \"network\": \"\"}]}", "301 E p.json /granted/0/network: ", "empty"},
	/* Host bits: the proper network is named */
	{"{\"reserved\": [{\"cidr\": \"10.20.0.1/16\"}]}",
	 "301 E p.json /reserved/0/cidr: ", "the network is 10.20.0.0/16"},
	{"{\"reserved\": [{\"cidr\": \"2001:db8::1/64\"}]}", "301 E p.json /reserved/0/cidr: ", "2001:db8::/64"},
	{"{\"reserved\": [{\"cidr\": \"::ffff:10.0.0.1/104\"}]}", "301 E p.json /reserved/0/cidr: ", "10.0.0.0/8"},
	{"{\"reserved\": [{\"cidr\": \"10.20.0.0\"}]}", "301 E p.json /reserved/0/cidr: ", "ADDRESS/LENGTH"},
	{"{\"reserved\": [{\"cidr\": \"\"}]}", "301 E p.json /reserved/0/cidr: ", "ADDRESS/LENGTH"},
	{"{\"reserved\": [{\"cidr\": \"10.20.0.0/33\"}]}", "301 E p.json /reserved/0/cidr: ", "ADDRESS/LENGTH"},
	{"{\"reserved\": [{\"cidr\": \"10.020.0.0/16\"}]}", "301 E p.json /reserved/0/cidr: ", "ADDRESS/LENGTH"},
	{"{\"reserved\": [{\"range\": \"10.0.0.9-10.0.0.1\"}]}", "301 E p.json /reserved/0/range: ", "FIRST-LAST"},
	{"{\"reserved\": [{\"range\": \"10.0.0.1-2001:db8::1\"}]}", "301 E p.json /reserved/0/range: ", "FIRST-LAST"},
	{"{\"reserved\": [{\"range\": \"10.0.0.0/8\"}]}", "301 E p.json /reserved/0/range: ", "FIRST-LAST"},
	/* Days */
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"2027-02-30\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"2027-02-29\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"2027-13-01\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"2027-00-10\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"2027-6-30\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"27-06-30\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \" 2027-6-30\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"2027-06-30T\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"\"}]}", "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": 20270630}]}", "301 E p.json /reserved/0/validUntil: ", "a string"},
};

static void test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
		GUARD_CLEANUP struct guard *guard = new_guard();
		struct heard heard = HEARD;

		assert_int_equal(read_text(guard, faults[i].text, &today, &heard), REFUSED);
		assert_heard(&heard, faults[i].begin, faults[i].clause);
		assert_int_equal(heard.report.errors, 1);
	}
}

static void test_every_fault_is_reported(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;

	(void)state;
	assert_int_equal(read_text(guard,
				   "{\"reserved\": [{\"cidr\": 1, \"ownr\": \"\"}, {" CIDR "}, 7], \"granted\": [{}]}",
				   &today, &heard),
			 REFUSED);
	assert_int_equal(heard.report.errors, 4);
	assert_int_equal(guard_n_entries(guard), 1);
}

static void test_inline_object_has_other_keys(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	json_t *json =
		json_loads("{\"policies\": [], \"onOverlap\": \"exclude\", \"reserved\": [{" CIDR "}, {}]}", 0, NULL);

	(void)state;
	assert_int_equal(policy_read_json(guard, json, "net.conf", "/plugins/0/guard", &today, &heard.report), REFUSED);
	assert_heard(&heard, "301 E net.conf /plugins/0/guard/reserved/1: ", "cidr or range");
	assert_string_equal(guard_entry(guard, 0).pointer, "/plugins/0/guard/reserved/0");
	json_decref(json);
}

static void test_valid_until_is_inclusive(void **state)
{
	static const struct {
		const char *day;
		bool counts;
	} cases[] = {
		{"2027-06-29", false}, {"2027-06-30", true},  {"2027-07-01", true},  {"2028-02-29", true},
		{"9999-12-31", true},  {"1969-12-31", false}, {"1970-01-01", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		GUARD_CLEANUP struct guard *guard = new_guard(), *linted = new_guard();
		struct heard heard = HEARD, lint = HEARD;
		char text[128];

		(void)snprintf(text, sizeof(text), "{\"reserved\": [{" CIDR ", \"validUntil\": \"%s\"}]}",
			       cases[i].day);
		assert_int_equal(read_text(guard, text, &today, &heard), 0);
		assert_int_equal(guard_n_entries(guard), cases[i].counts);
		assert_string_equal(heard.text, "");
		assert_int_equal(read_text(linted, text, &offline, &lint), 0);
		if (cases[i].counts)
			assert_string_equal(lint.text, "");
		else
			assert_heard(&lint, "301 W p.json /reserved/0/validUntil: ", cases[i].day);
	}
}

static void test_grants_of_other_networks_do_not_count(void **state)
{
	static const struct {
		const char *glob;
		const char *network;
		bool counts;
	} cases[] = {
		{"pods", "pods", true},	   {"pods", "pods2", false},	  {"pod?", "pods", true},
		{"*", "pods", true},	   {"prod-*", "prod-east", true}, {"prod-*", "production", false},
		{"[pq]ods", "pods", true}, {"PODS", "pods", false},	  {"pods", NULL, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		const struct policy_context context = {.network = cases[i].network, .today = DAY_2027_06_30};
		GUARD_CLEANUP struct guard *guard = new_guard();
		struct heard heard = HEARD;
		char text[256];

		(void)snprintf(text, sizeof(text),
			       "{\"reserved\": [{" CIDR "}],"
			       " \"granted\": [{\"cidr\": \"10.1.0.0/16\", \"network\": \"%s\"}]}",
			       cases[i].glob);
		assert_int_equal(read_text(guard, text, &context, &heard), 0);
		assert_int_equal(guard_seal(guard), 0);
		assert_int_equal(is_reserved(guard, "10.1.0.1"), !cases[i].counts);
		assert_true(is_reserved(guard, "10.2.0.1"));
	}
}

static void test_lint(void **state)
{
	static const struct fault cases[] = {
		{"{\"reserved\": [{" CIDR "}, {" CIDR "}]}", "301 W p.json /reserved/1: ", "p.json /reserved/0"},
		{"{\"granted\": [{" CIDR "}]}", "301 W p.json /granted/0: ", "grants nothing"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		GUARD_CLEANUP struct guard *guard = new_guard();
		struct heard heard = HEARD;

		assert_int_equal(read_text(guard, cases[i].text, &offline, &heard), 0);
		assert_string_equal(heard.text, "");
		assert_int_equal(policy_lint(guard, &heard.report), 0);
		assert_heard(&heard, cases[i].begin, cases[i].clause);
		assert_int_equal(heard.report.warnings, 1);
	}
}

/** path_in() - Path of @name in the scratch directory */
static const char *path_in(void **state, const char *name, char buffer[static PATH_TEXT])
{
	(void)snprintf(buffer, PATH_TEXT, "%s/%s", (const char *)*state, name);
	return buffer;
}

/** write_file() - Make a file in the scratch directory */
static void write_file(void **state, const char *name, mode_t mode, const char *text)
{
	char path[PATH_TEXT];
	FILE *file = fopen(path_in(state, name, path), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/** read_in() - policy_read_path() of @name in the scratch directory */
static int read_in(void **state, const char *name, struct guard *guard, struct heard *heard)
{
	char path[PATH_TEXT];

	return policy_read_path(guard, path_in(state, name, path), false, &today, &heard->report);
}

static void test_directory_in_name_order(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	char path[PATH_TEXT], directory[PATH_TEXT];

	write_file(state, "b.json", 0644, "{\"reserved\": [{\"cidr\": \"10.0.2.0/24\"}]}");
	write_file(state, "a.json", 0600, "{\"reserved\": [{\"cidr\": \"10.0.1.0/24\"}]}");
	write_file(state, "B.json", 0600, "{\"reserved\": [{\"cidr\": \"10.0.0.0/24\"}]}");
	write_file(state, ".hidden.json", 0600, "not a policy");
	write_file(state, "a.json.orig", 0600, "not a policy");
	write_file(state, "json", 0600, "not a policy");
	assert_int_equal(mkdir(path_in(state, "old", path), 0700), 0);
	assert_int_equal(policy_read_path(guard, path_in(state, "", directory), false, &today, &heard.report), 0);
	assert_string_equal(heard.text, "");
	assert_int_equal(guard_n_entries(guard), 3);
	assert_string_equal(guard_entry(guard, 0).file, path_in(state, "B.json", path));
	assert_string_equal(guard_entry(guard, 1).file, path_in(state, "a.json", path));
	assert_string_equal(guard_entry(guard, 2).file, path_in(state, "b.json", path));
}

static void test_directory_goes_on_after_errors(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	char path[PATH_TEXT];

	assert_int_equal(mkdir(path_in(state, "a.json", path), 0700), 0);
	write_file(state, "b.json", 0600, "{");
	assert_int_equal(symlink("nowhere", path_in(state, "c.json", path)), 0);
	write_file(state, "d.json", 0600, "{\"reserved\": [{}]}");
	write_file(state, "e.json", 0600, "{\"reserved\": [{" CIDR "}]}");
	assert_int_equal(policy_read_path(guard, *state, true, &today, &heard.report), REFUSED);
	assert_int_equal(heard.report.errors, 4);
	assert_int_equal(guard_n_entries(guard), 1);
}

/** struct syntax - A file that is not JSON: as which rule, and the last character that still made sense */
struct syntax {
	const char *text;
	const char *begin;
	unsigned line;
	unsigned column;
};

static void test_not_json(void **state)
{
	static const struct syntax cases[] = {
		{"", "1 E", 1, 1},
		{"\n\n", "1 E", 3, 1},
		{"{}x", "1 E", 1, 3},
		{"{\"reserved\": [\n  {,}]}", "1 E", 2, 4},
		{"{\"a\": \"\xff\"}", "1 E", 1, 7},
		{"{\"x-a\": 1, \"x-a\": 2}", "5 E", 1, 16},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		GUARD_CLEANUP struct guard *guard = new_guard();
		struct heard heard = HEARD;
		char position[64];

		write_file(state, "p.json", 0600, cases[i].text);
		assert_int_equal(read_in(state, "p.json", guard, &heard), REFUSED);
		(void)snprintf(position, sizeof(position), "(line %u, column %u)", cases[i].line, cases[i].column);
		assert_heard(&heard, cases[i].begin, position);
		assert_int_equal(heard.line, cases[i].line);
		assert_int_equal(heard.column, cases[i].column);
	}
}

static void test_nul_is_not_json(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	char path[PATH_TEXT];

	write_file(state, "p.json", 0600, "{}");
	assert_int_equal(truncate(path_in(state, "p.json", path), 3), 0);
	assert_int_equal(read_in(state, "p.json", guard, &heard), REFUSED);
	assert_heard(&heard, "1 E", "p.json is not JSON");
}

static void test_absent(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard missing = HEARD, absent = HEARD, parent = HEARD, dangling = HEARD, no_directory = HEARD;
	char path[PATH_TEXT];

	assert_int_equal(read_in(state, "none", guard, &missing), REFUSED);
	assert_heard(&missing, "301 E", "none can't be read: No such file");

	path_in(state, "none", path);
	assert_int_equal(policy_read_path(guard, path, true, &today, &absent.report), 0);
	path_in(state, "none/reserved.d", path);
	assert_int_equal(policy_read_path(guard, path, true, &today, &parent.report), 0);
	assert_string_equal(absent.text, "");
	assert_string_equal(parent.text, "");

	assert_int_equal(symlink("none", path_in(state, "link", path)), 0);
	assert_int_equal(policy_read_path(guard, path, true, &today, &dangling.report), REFUSED);
	assert_heard(&dangling, "301 E", "No such file");

	write_file(state, "file", 0600, "{}");
	path_in(state, "file/reserved.d", path);
	assert_int_equal(policy_read_path(guard, path, true, &today, &no_directory.report), REFUSED);
	assert_heard(&no_directory, "301 E", "Not a directory");
}

static void test_fifo_does_not_hang(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	char path[PATH_TEXT];

	assert_int_equal(mkfifo(path_in(state, "p.json", path), 0600), 0);
	assert_int_equal(read_in(state, "", guard, &heard), REFUSED);
	assert_heard(&heard, "301 E", "p.json is not a regular file");
}

static void test_writers(void **state)
{
	static const struct {
		mode_t file;
		mode_t directory;
		const char *clause;
	} cases[] = {
		{0600, 0700, NULL},   {0444, 0555, NULL},   {0644, 0755, NULL},	  {0660, 0700, "p.json is writable"},
		{0602, 0700, "0602"}, {0666, 0700, "0666"}, {0600, 0770, "0770"}, {0600, 01777, "1777"},
	};
	char path[PATH_TEXT];

	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		GUARD_CLEANUP struct guard *guard = new_guard(), *linted = new_guard();
		struct heard heard = HEARD, lint = HEARD;

		write_file(state, "p.json", 0600, "{\"reserved\": [{" CIDR "}]}");
		assert_int_equal(chmod(path_in(state, "p.json", path), cases[i].file), 0);
		assert_int_equal(chmod(*state, cases[i].directory), 0);
		assert_int_equal(policy_read_path(guard, *state, false, &today, &heard.report),
				 cases[i].clause ? REFUSED : 0);
		assert_int_equal(policy_read_path(linted, *state, false, &offline, &lint.report), 0);
		assert_int_equal(chmod(*state, 0700), 0);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(guard_n_entries(guard), !cases[i].clause);
		assert_int_equal(guard_n_entries(linted), 1);
		if (!cases[i].clause)
			continue;
		assert_heard(&heard, "301 E", cases[i].clause);
		assert_heard(&lint, "301 W", cases[i].clause);
	}
}

static void test_foreign_owner(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;

	write_file(state, "p.json", 0600, "{}");
	foreign_owner = true;
	assert_int_equal(read_in(state, "p.json", guard, &heard), REFUSED);
	foreign_owner = false;
	assert_heard(&heard, "301 E", "p.json belongs to user 12345");
}

static void test_symlink_is_followed_and_its_target_checked(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard good = HEARD, bad = HEARD, loop = HEARD;
	char path[PATH_TEXT];

	write_file(state, "target", 0600, "{\"reserved\": [{" CIDR "}]}");
	assert_int_equal(symlink("target", path_in(state, "p.json", path)), 0);
	assert_int_equal(read_in(state, "", guard, &good), 0);
	assert_int_equal(guard_n_entries(guard), 1);
	assert_int_equal(chmod(path_in(state, "target", path), 0666), 0);
	assert_int_equal(read_in(state, "", guard, &bad), REFUSED);
	assert_heard(&bad, "301 E", "p.json is writable");

	assert_int_equal(symlink("loop", path_in(state, "loop", path)), 0);
	assert_int_equal(read_in(state, "loop", guard, &loop), REFUSED);
	assert_heard(&loop, "301 E", "Too many levels");
}

static void test_too_large(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	char path[PATH_TEXT];

	write_file(state, "p.json", 0600, "{}");
	assert_int_equal(truncate(path_in(state, "p.json", path), (off_t)LIMIT_POLICY_FILE + 1), 0);
	assert_int_equal(read_in(state, "p.json", guard, &heard), REFUSED);
	assert_heard(&heard, "301 E", "File too large");
}

static void test_read_errors(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard interrupted = HEARD, failed = HEARD;

	write_file(state, "p.json", 0600, "{\"reserved\": [{" CIDR "}]}");
	read_error = EINTR;
	assert_int_equal(read_in(state, "p.json", guard, &interrupted), 0);
	assert_int_equal(guard_n_entries(guard), 1);
	/* The document is whole; what was to follow is not known. */
	read_error = EIO;
	assert_int_equal(read_in(state, "p.json", guard, &failed), REFUSED);
	read_error = 0;
	assert_heard(&failed, "301 E", "Input/output error");
	assert_int_equal(guard_n_entries(guard), 1);
}

/** netconf_of() - Configuration "pods" with the policies at @path */
static struct netconf netconf_of(const char *path)
{
	return (struct netconf){
		.file = "10-pods.conflist",
		.name = "pods",
		.guard = {.policies = {path}, .n_policies = 1, .pointer = "/guard"},
	};
}

static void test_netconf(void **state)
{
	struct netconf netconf = netconf_of(*state);
	GUARD_CLEANUP struct guard *guard = NULL;
	struct heard heard = HEARD;
	json_t *json = json_loads("{\"reserved\": [{\"cidr\": \"192.0.2.0/24\"}], \"granted\": ["
				  "{\"cidr\": \"10.1.0.0/16\", \"network\": \"pods\"},"
				  "{\"cidr\": \"10.2.0.0/16\", \"network\": \"batch\"}]}",
				  0, NULL);

	write_file(state, "p.json", 0600, "{\"reserved\": [{" CIDR "}]}");
	netconf.guard.inline_policy = json;
	assert_int_equal(policy_read_netconf(&netconf, DAY_2027_06_30, NULL, &guard, &heard.report), 0);
	json_decref(json);
	assert_string_equal(heard.text, "");
	assert_true(is_reserved(guard, "10.0.0.1"));
	assert_true(is_reserved(guard, "192.0.2.1"));
	assert_false(is_reserved(guard, "10.1.0.1"));
	assert_true(is_reserved(guard, "10.2.0.1"));
	assert_false(is_reserved(guard, "198.51.100.1"));
	assert_string_equal(guard_entry(guard, 1).file, "10-pods.conflist");
	assert_string_equal(guard_entry(guard, 1).pointer, "/guard/reserved/0");
}

static void test_netconf_fails_closed(void **state)
{
	char path[PATH_TEXT];
	struct netconf netconf = netconf_of(path_in(state, "none", path));
	GUARD_CLEANUP struct guard *guard = NULL;
	struct heard heard = HEARD, inline_heard = HEARD, absent = HEARD;

	assert_int_equal(policy_read_netconf(&netconf, DAY_2027_06_30, NULL, &guard, &heard.report), REFUSED);
	assert_null(guard);

	netconf.guard.policies_default = true;
	netconf.guard.inline_policy = json_loads("{\"reserved\": [{}]}", 0, NULL);
	assert_int_equal(policy_read_netconf(&netconf, DAY_2027_06_30, NULL, &guard, &inline_heard.report), REFUSED);
	assert_heard(&inline_heard, "301 E 10-pods.conflist /guard/reserved/0: ", "cidr or range");
	assert_null(guard);

	json_decref((json_t *)(uintptr_t)netconf.guard.inline_policy);
	netconf.guard.inline_policy = NULL;
	assert_int_equal(policy_read_netconf(&netconf, DAY_2027_06_30, NULL, &guard, &absent.report), 0);
	assert_false(is_reserved(guard, "10.0.0.1"));
}

static void test_out_of_memory(void **state)
{
	struct netconf netconf = netconf_of(*state);

	write_file(state, "p.json", 0600,
		   "{\"reserved\": [{" CIDR ", \"owner\": \"db\", \"reason\": \"a\"}, {\"cidr\": \"192.0.2.0/24\"}]}");
	json_set_alloc_funcs(memory_malloc, free);
	for (unsigned long nth = 1;; nth++) {
		GUARD_CLEANUP struct guard *guard = NULL;
		struct heard heard = HEARD;
		bool failed;
		int r;

		memory_fail_in = nth;
		r = policy_read_netconf(&netconf, DAY_2027_06_30, NULL, &guard, &heard.report);
		failed = memory_fail_in == 0;
		memory_fail_in = 0;
		/* jansson takes some failed allocations for a syntax error. */
		assert_true(r == 0 || r == -ENOMEM || (r == REFUSED && heard.report.errors == 1));
		if (r == 0)
			assert_true(is_reserved(guard, "10.0.0.1") && is_reserved(guard, "192.0.2.1"));
		else
			assert_null(guard);
		if (failed)
			continue;
		assert_int_equal(r, 0);
		assert_true(nth > 20);
		break;
	}
	json_set_alloc_funcs(malloc, free);
}

static int make_scratch(void **state)
{
	static char path[64];

	(void)snprintf(path, sizeof(path), "/tmp/test_policy.XXXXXX");
	*state = mkdtemp(path);
	return *state ? 0 : -1;
}

/** clear_scratch() - Remove the scratch directory and what the tests made in it */
static int clear_scratch(void **state)
{
	static const char *const names[] = {"p.json", "a.json", "b.json",	"c.json",      "d.json",
					    "e.json", "B.json", ".hidden.json", "a.json.orig", "json",
					    "old",    "link",	"file",		"target",      "loop"};
	char path[PATH_TEXT];

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		(void)remove(path_in(state, names[i], path));
	return rmdir(*state);
}

#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, make_scratch, clear_scratch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_every_fault_is_reported),
		cmocka_unit_test(test_inline_object_has_other_keys),
		cmocka_unit_test(test_valid_until_is_inclusive),
		cmocka_unit_test(test_grants_of_other_networks_do_not_count),
		cmocka_unit_test(test_lint),
		FILE_TEST(test_directory_in_name_order),
		FILE_TEST(test_directory_goes_on_after_errors),
		FILE_TEST(test_not_json),
		FILE_TEST(test_nul_is_not_json),
		FILE_TEST(test_absent),
		FILE_TEST(test_fifo_does_not_hang),
		FILE_TEST(test_writers),
		FILE_TEST(test_foreign_owner),
		FILE_TEST(test_symlink_is_followed_and_its_target_checked),
		FILE_TEST(test_too_large),
		FILE_TEST(test_read_errors),
		FILE_TEST(test_netconf),
		FILE_TEST(test_netconf_fails_closed),
		FILE_TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
