/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the readers of configurations and policies say what they found. Pure. */

#include "plugin/report/report.h"

#include <stdio.h>
#include <string.h>

#include "plugin/report/log.h"

/** Begins the place of a line; a JSON pointer is empty or begins with a slash */
#define LINE_PLACE "line "

/**
 * report_finding() - Count a finding and pass it to the listener
 * @report:	Listener
 * @finding:	Finding, borrowed
 */
void report_finding(struct report *report, const struct finding *finding)
{
	if (finding->severity == SEVERITY_ERROR)
		report->errors++;
	else if (finding->severity == SEVERITY_WARNING)
		report->warnings++;
	if (report->is_full)
		report->omitted++;
	else
		report->heard(report, finding);
}

/** report_text() - report_finding() of a text with its arguments */
static void report_text(struct report *report, struct finding *finding, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

static void report_text(struct report *report, struct finding *finding, const char *format, va_list arguments)
{
	char message[ERROR_MSG_MAX];

	if (!report->is_full)
		(void)vsnprintf(message, sizeof(message), format, arguments);
	finding->message = report->is_full ? "" : message;
	report_finding(report, finding);
}

/**
 * report_error() - Report what refuses an ADD
 * @report:	Listener
 * @rule:	Rule
 * @file:	File it stands in
 * @pointer:	JSON pointer there
 * @format:	What, and what to do
 */
void report_error(struct report *report, enum rule rule, const char *file, const char *pointer, const char *format, ...)
{
	struct finding finding = {.rule = rule, .severity = SEVERITY_ERROR, .file = file, .pointer = pointer};
	va_list arguments;

	va_start(arguments, format);
	report_text(report, &finding, format, arguments);
	va_end(arguments);
}

/** report_warning() - report_error() for what an ADD does not mind */
void report_warning(struct report *report, enum rule rule, const char *file, const char *pointer, const char *format,
		    ...)
{
	struct finding finding = {.rule = rule, .severity = SEVERITY_WARNING, .file = file, .pointer = pointer};
	va_list arguments;

	va_start(arguments, format);
	report_text(report, &finding, format, arguments);
	va_end(arguments);
}

/**
 * report_no_memory() - Report that something could not be read for lack of memory
 * @report:	Listener
 * @file:	File it stands in
 * @pointer:	JSON pointer there
 *
 * It is heard as an error, so that nothing is decided by half of a configuration; a verb's is code 11, whatever was read.
 */
void report_no_memory(struct report *report, const char *file, const char *pointer)
{
	report->no_memory = true;
	report_error(report, RULE_INVALID_VALUE, file, pointer, "out of memory");
}

/** report_outcome_since() - REFUSED when @report has heard more errors than @errors_before, else 0 */
int report_outcome_since(const struct report *report, unsigned errors_before)
{
	return report->errors > errors_before ? REFUSED : 0;
}

/** rule_code() - The CNI error that a broken rule becomes in a verb */
static enum error_code rule_code(enum rule rule)
{
	switch (rule) {
	case RULE_NOT_JSON:
		return ERROR_DECODE;
	case RULE_UNKNOWN_KEY:
		return ERROR_UNSUPPORTED_FIELD;
	case RULE_VERSION:
		return ERROR_INCOMPATIBLE_VERSION;
	case RULE_RANGE_RESERVED:
	case RULE_GATEWAY_RESERVED:
	case RULE_ADDRESS_RESERVED:
	case RULE_SNAT_RESERVED:
		return ERROR_RESERVED;
	case RULE_POLICY:
		return ERROR_POLICY;
	case RULE_HOST_ROUTE:
		return ERROR_HOST_ROUTE;
	case RULE_SNAT:
		return ERROR_SNAT;
	case RULE_INVALID_VALUE:
	case RULE_DUPLICATE:
	case RULE_OVERLAP:
	case RULE_NO_ADDRESS:
	case RULE_PLAN_OVERLAP:
	case RULE_NOT_PRIVATE:
	case RULE_NO_LEASE:
	case RULE_DEAD_LEASE:
	case RULE_HELD_RESERVED:
	case RULE_MISSING:
	case RULE_NAT_BEFORE:
	case RULE_EXPIRES:
	case RULE_NOT_IN_INVENTORY:
	case RULE_GONE:
	case RULE_UNPROTECTED:
	case RULE_FOREIGN:
	case RULE_IN_THE_WAY:
	case RULE_SHARED:
	default:
		return ERROR_CONFIG;
	}
}

/** first_error_heard() - Listener of the verbs: the first error counts, other ones follow from it or wait their turn */
static void first_error_heard(struct report *report, const struct finding *finding)
{
	struct first_error *first = (struct first_error *)report;
	enum error_code code = first->code ? first->code : rule_code(finding->rule);

	if (finding->severity == SEVERITY_WARNING)
		log_line("warning: %s", finding->message);
	if (finding->severity != SEVERITY_ERROR || first->err->code)
		return;
	if (report->no_memory)
		(void)error_no_memory(first->err);
	else if (*finding->pointer)
		(void)error_set(first->err, code, "%s (at %s in %s)", finding->message, finding->pointer,
				finding->file);
	else
		(void)error_set(first->err, code, "%s", finding->message);
}

/**
 * first_error_init() - Make a listener that keeps the first error
 * @first:	Listener
 * @err:	Where the error goes; its code must be 0
 * @code:	Code that every error gets, 0: the rule's own
 */
void first_error_init(struct first_error *first, struct error *err, enum error_code code)
{
	*first = (struct first_error){
		.report = {.heard = first_error_heard, .errors_only = true}, .err = err, .code = code};
}

/** pointer_of_line() - The place of a line, "line 42", in @buffer; return: @buffer */
const char *pointer_of_line(unsigned line, char buffer[static POINTER_LINE_MAX])
{
	(void)snprintf(buffer, POINTER_LINE_MAX, LINE_PLACE "%u", line);
	return buffer;
}

/** pointer_line() - Line of a place that pointer_of_line() made, 0 for a JSON pointer */
unsigned pointer_line(const char *pointer)
{
	unsigned line = 0;

	if (strncmp(pointer, LINE_PLACE, strlen(LINE_PLACE)) != 0)
		return 0;
	for (const char *digit = pointer + strlen(LINE_PLACE); *digit; digit++)
		if (*digit < '0' || *digit > '9' || __builtin_mul_overflow(line, 10U, &line) ||
		    __builtin_add_overflow(line, (unsigned)(*digit - '0'), &line))
			return 0;
	return line;
}

/** pointer_of() - A pointer that begins as a text; one that is too long is cut */
struct pointer pointer_of(const char *text)
{
	struct pointer pointer;
	int length = snprintf(pointer.text, sizeof(pointer.text), "%s", text);

	pointer.length = (size_t)length < sizeof(pointer.text) ? (size_t)length : sizeof(pointer.text) - 1;
	return pointer;
}

/** pointer_append() - Append @size bytes; a pointer that would grow over its bound stays as it is */
static void pointer_append(struct pointer *pointer, const char *text, size_t size)
{
	if (pointer->length + size >= sizeof(pointer->text))
		return;
	memcpy(pointer->text + pointer->length, text, size);
	pointer->length += size;
	pointer->text[pointer->length] = '\0';
}

/**
 * pointer_push_key() - Descend into an object
 * @pointer:	Pointer
 * @key:	Key; '~' and '/' are escaped (RFC 6901 section 3)
 *
 * Return: mark for pointer_pop()
 */
size_t pointer_push_key(struct pointer *pointer, const char *key)
{
	size_t mark = pointer->length;

	pointer_append(pointer, "/", 1);
	for (;;) {
		size_t plain = strcspn(key, "~/");

		pointer_append(pointer, key, plain);
		key += plain;
		if (!*key)
			return mark;
		pointer_append(pointer, *key++ == '~' ? "~0" : "~1", 2);
	}
}

/** pointer_push_index() - Descend into an array; return the mark for pointer_pop() */
size_t pointer_push_index(struct pointer *pointer, size_t index)
{
	size_t mark = pointer->length;
	char text[24], *digit = text + sizeof(text);

	/* By hand: arrays have millions of elements, and snprintf() its price. */
	do
		*--digit = (char)('0' + index % 10);
	while ((index /= 10) > 0);
	*--digit = '/';
	pointer_append(pointer, digit, (size_t)(text + sizeof(text) - digit));
	return mark;
}

/** pointer_pop() - Back to where pointer_push_…() returned @mark */
void pointer_pop(struct pointer *pointer, size_t mark)
{
	pointer->length = mark;
	pointer->text[mark] = '\0';
}
