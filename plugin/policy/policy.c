/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies as JSON into entries of the guard. Pure, but for the tables that a document imports (policy_import.c). */

#include "plugin/policy/policy.h"

#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "plugin/policy/policy_import.h"
#include "plugin/policy/policy_internal.h"
#include "plugin/policy/policy_record.h"
#include "plugin/text/json.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/day.h"

/** strlen("2027-06-30") */
#define DATE_LENGTH 10U

/**
 * text_member() - Member of an entry that is a text
 * @reader:	Reader at the entry
 * @entry:	Entry
 * @key:	Member
 *
 * Return: the text, NULL when it is absent or (reported) of another type
 */
static const char *text_member(struct reader *reader, const json_t *entry, const char *key)
{
	const json_t *value = json_member(entry, key);
	char brief[64];

	if (!value || json_is_string(value))
		return json_string_value(value);
	reader_error(reader, key, RULE_POLICY, "%s must be a string, not %s", key,
		     json_brief(value, brief, sizeof(brief)));
	return NULL;
}

/** read_cidr() - Span of `cidr`; nothing written when it is malformed (reported) */
static void read_cidr(struct reader *reader, const char *text, struct span *ret_span)
{
	char proper[PREFIX_TEXT_MAX];
	struct prefix prefix;

	if (prefix_parse(text, &prefix) < 0) {
		reader_error(reader, "cidr", RULE_POLICY,
			     "cidr \"%.64s\" must be ADDRESS/LENGTH, such as 10.20.0.0/16 or 2001:db8::1/128", text);
		return;
	}
	*ret_span = prefix_span(&prefix);
	if (!prefix_has_host_bits(&prefix))
		return;
	prefix.address.value = ret_span->first;
	reader_error(reader, "cidr", RULE_POLICY,
		     "cidr \"%.64s\" has bits set after its prefix length; the network is %s, one address is /%u", text,
		     prefix_format(&prefix, proper), family_bits(prefix.address.family));
}

/** read_range() - Span of `range`; nothing written when it is malformed (reported) */
static void read_range(struct reader *reader, const char *text, struct span *ret_span)
{
	if (span_parse(text, ret_span) < 0)
		reader_error(reader, "range", RULE_POLICY,
			     "range \"%.100s\" must be FIRST-LAST, such as 10.31.4.10-10.31.4.99, FIRST not above LAST",
			     text);
}

/** read_span() - Span of an entry: `cidr` or `range`, one of them */
static void read_span(struct reader *reader, const json_t *entry, struct span *ret_span)
{
	const json_t *cidr_value = json_member(entry, "cidr"), *range_value = json_member(entry, "range");
	const char *cidr = text_member(reader, entry, "cidr"), *range = text_member(reader, entry, "range");

	if (!cidr_value == !range_value)
		reader_error(reader, NULL, RULE_POLICY,
			     cidr_value ? "an entry must have cidr or range, not both"
					: "an entry must have cidr or range");
	else if (cidr)
		read_cidr(reader, cidr, ret_span);
	else if (range)
		read_range(reader, range, ret_span);
}

/**
 * policy_parse_date() - Day of "YYYY-MM-DD"
 * @text:	Text
 * @ret_day:	Days since 1970-01-01
 *
 * Return: true, false for another form and for a day that no calendar has (2027-02-30)
 */
bool policy_parse_date(const char *text, long *ret_day)
{
	struct tm date = {0}, normal;
	const char *end;
	time_t seconds;

	/* strptime(3) also takes blanks and single digits. */
	if (strspn(text, "0123456789-") != DATE_LENGTH)
		return false;
	end = strptime(text, "%Y-%m-%d", &date);
	if (!end || *end)
		return false;
	normal = date;
	seconds = timegm(&normal);
	if (normal.tm_mday != date.tm_mday || normal.tm_mon != date.tm_mon)
		return false;
	*ret_day = day_of(seconds);
	return true;
}

/**
 * is_expired() - Whether an entry is past its `validUntil`, the last day on which it counts
 * @policy:	Reader at the entry
 * @entry:	Entry
 * @ret_last_day: That day, LONG_MAX when there is none
 *
 * Return: true, false also when the date is malformed (reported)
 */
static bool is_expired(struct policy_reader *policy, const json_t *entry, long *ret_last_day)
{
	const char *text = text_member(&policy->reader, entry, "validUntil");
	long day;

	*ret_last_day = LONG_MAX;
	if (!text)
		return false;
	if (!policy_parse_date(text, &day)) {
		reader_error(&policy->reader, "validUntil", RULE_POLICY,
			     "validUntil \"%.32s\" must be a day of the calendar, YYYY-MM-DD", text);
		return false;
	}
	*ret_last_day = day;
	if (day >= policy->context->today)
		return false;
	if (policy->context->lint)
		reader_warning(&policy->reader, "validUntil", RULE_POLICY,
			       "expired after %s and does not count any more; remove the entry or give it a later date",
			       text);
	return true;
}

/**
 * read_network() - Networks that an entry is for
 * @policy:	Reader at the entry
 * @entry:	Entry
 * @kind:	Only grants are for certain networks
 * @ret_glob:	`network`, "*" where a grant has none, "" for reservations
 *
 * Return: whether the entry counts for the network of the context
 */
static bool read_network(struct policy_reader *policy, const json_t *entry, enum guard_kind kind, const char **ret_glob)
{
	const char *glob, *network = policy->context->network;

	*ret_glob = "";
	if (kind != GUARD_GRANTED)
		return true;
	glob = text_member(&policy->reader, entry, "network");
	if (glob && !*glob)
		reader_error(&policy->reader, "network", RULE_POLICY,
			     "network is empty, which no network's name is; leave it out to grant to all networks");
	*ret_glob = glob ? glob : "*";
	return !network || fnmatch(*ret_glob, network, 0) == 0;
}

/**
 * policy_read_entry() - Read one element of `reserved` or `granted` and add it to the guard if it counts
 * @policy:	Reader at the element
 * @element:	Element
 * @kind:	Which list it stands in
 *
 * Return: 0 also for what is malformed (reported), -ENOMEM, -E2BIG
 */
int policy_read_entry(struct policy_reader *policy, const json_t *element, enum guard_kind kind)
{
	static const char *const reserved_keys[] = {"cidr", "range", "owner", "reason", "ref", "validUntil", NULL};
	static const char *const granted_keys[] = {"cidr", "range",	 "owner",   "reason",
						   "ref",  "validUntil", "network", NULL};
	struct guard_entry entry = {.kind = kind};
	struct reader *reader = &policy->reader;
	unsigned errors = reader->report->errors, nulls;
	bool expired, counts;
	char brief[64];
	long last_day;

	if (!json_is_object(element)) {
		reader_error(reader, NULL, RULE_POLICY, "an entry must be an object with cidr or range, not %s",
			     json_brief(element, brief, sizeof(brief)));
		return 0;
	}
	json_check_keys(reader, element, kind == GUARD_RESERVED ? reserved_keys : granted_keys);
	nulls = reader->report->errors;
	json_refuse_nulls(reader, element, RULE_POLICY);
	if (reader->report->errors != nulls)
		return 0;
	read_span(reader, element, &entry.span);
	entry.owner = text_member(reader, element, "owner");
	entry.reason = text_member(reader, element, "reason");
	entry.ref = text_member(reader, element, "ref");
	entry.file = reader->file;
	entry.pointer = reader->at.text;
	expired = is_expired(policy, element, &last_day);
	counts = read_network(policy, element, kind, &entry.network);
	if (expired || !counts || reader->report->errors != errors)
		return 0;
	if (policy->context->record)
		policy_record_valid_until(policy->context->record, last_day);
	return guard_add(policy->guard, &entry);
}

/**
 * read_list() - Read `reserved` or `granted`
 * @policy:	Reader at the object that has it
 * @json:	That object
 * @key:	Which of them
 * @kind:	What its elements are
 *
 * Return: 0 also for what is malformed (reported), -ENOMEM, -E2BIG
 */
static int read_list(struct policy_reader *policy, const json_t *json, const char *key, enum guard_kind kind)
{
	/* Not even null counts as absent here: what was to fill it in has failed. */
	const json_t *list = json_object_get(json, key);
	size_t mark;
	int r = 0;

	if (list && !json_is_array(list))
		reader_error(&policy->reader, key, RULE_POLICY, "%s must be an array of entries", key);
	mark = pointer_push_key(&policy->reader.at, key);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		size_t inner = pointer_push_index(&policy->reader.at, i);

		r = policy_read_entry(policy, json_array_get(list, i), kind);
		pointer_pop(&policy->reader.at, inner);
	}
	pointer_pop(&policy->reader.at, mark);
	return r;
}

/**
 * check_document() - A document has known keys only, and one of them: an empty one is what failed to be written
 *
 * Return: whether its imports can be read
 */
static bool check_document(struct reader *reader, const json_t *json, const char *file)
{
	static const char *const keys[] = {"reserved", "granted", "imports", NULL};
	unsigned errors = reader->report->errors;
	static const char *const imports[] = {"imports", NULL};

	json_refuse_null_members(reader, json, imports, RULE_POLICY);
	if (reader->report->errors != errors)
		return false;
	json_check_keys(reader, json, keys);
	if (reader->report->errors != errors)
		return true;
	for (size_t i = 0; keys[i]; i++)
		if (json_object_get(json, keys[i]))
			return true;
	reader_error(
		reader, NULL, RULE_POLICY,
		"policy %.512s has neither reserved nor granted nor imports; an empty list says that there is nothing",
		file);
	return true;
}

/**
 * policy_read_json() - Add the entries of a policy to the guard
 * @guard:	Guard, not sealed
 * @json:	The policy
 * @file:	File it stands in
 * @pointer:	Where in that file; "" is a whole document, which has no other keys, and may import what is beside it
 * @context:	For whom and when
 * @report:	Hears what is wrong; entries without error are added all the same
 *
 * Return: 0, REFUSED when errors were reported, -ENOMEM, -E2BIG
 */
int policy_read_json(struct guard *guard, const json_t *json, const char *file, const char *pointer,
		     const struct policy_context *context, struct report *report)
{
	struct policy_reader policy = {
		.reader = {.file = file, .report = report},
		.context = context,
		.guard = guard,
	};
	unsigned errors = report->errors;
	bool imports;
	int r;

	(void)snprintf(policy.reader.at.text, sizeof(policy.reader.at.text), "%s", pointer);
	policy.reader.at.length = strlen(policy.reader.at.text);
	if (!json_is_object(json)) {
		reader_error(&policy.reader, NULL, RULE_POLICY,
			     "policy %.512s must be an object with reserved, granted or imports", file);
		return REFUSED;
	}
	imports = !*pointer && check_document(&policy.reader, json, file);
	r = read_list(&policy, json, "reserved", GUARD_RESERVED);
	if (r == 0)
		r = read_list(&policy, json, "granted", GUARD_GRANTED);
	if (r == 0 && imports)
		r = policy_read_imports(guard, json, file, context, report);
	if (r < 0)
		return r;
	return report->errors != errors ? REFUSED : 0;
}

/** hear_flaw() - A flaw of guard_lint() as a finding */
static void hear_flaw(void *userdata, enum guard_flaw flaw, const struct guard_entry *entry,
		      const struct guard_entry *other)
{
	char span[SPAN_TEXT_MAX], message[ERROR_MSG_MAX];
	struct finding finding = {
		.rule = RULE_POLICY,
		.severity = SEVERITY_WARNING,
		.file = entry->file,
		.pointer = entry->pointer,
		.message = message,
	};

	(void)span_format(&entry->span, span);
	switch (flaw) {
	case GUARD_FLAW_DUPLICATE:
		finding.related_file = other->file;
		finding.related_pointer = other->pointer;
		(void)snprintf(message, sizeof(message),
			       "%s is %s by %.512s %.128s already, which counts; remove one of them", span,
			       entry->kind == GUARD_RESERVED ? "reserved" : "granted", other->file, other->pointer);
		break;
	case GUARD_FLAW_GRANTS_NOTHING:
		(void)snprintf(message, sizeof(message),
			       "granting %s grants nothing: none of it is reserved by an entry with more addresses",
			       span);
		break;
	default:
		return;
	}
	report_finding(userdata, &finding);
}

/**
 * policy_lint() - Warn of what a policy can do without
 * @guard:	Guard with all entries, sealed or not
 * @report:	Hears it
 *
 * Return: 0, -ENOMEM
 */
int policy_lint(const struct guard *guard, struct report *report)
{
	return guard_lint(guard, hear_flaw, report);
}
