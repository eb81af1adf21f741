/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents that `validate` looks at, and the networks among them compared with each other. */

#include "plugin/foreign/survey.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "plugin/foreign/judge.h"
#include "plugin/foreign/survey_internal.h"
#include "plugin/policy/policy.h"
#include "plugin/policy/writers.h"
#include "plugin/text/flaw.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/day.h"

/** survey_init() - Nothing looked at yet; @policies is filled by the caller afterwards */
void survey_init(struct survey *survey, const struct path_list *policies, struct report *report)
{
	*survey = (struct survey){
		.policies = {.replacing = policies, .today = day_of(time(NULL)), .report = report},
		.networks = {.report = report},
		.choices = {.report = report},
		.report = report,
	};
}

/** survey_done() - Release all that was read */
void survey_done(struct survey *survey)
{
	policy_once_done(&survey->policies);
	networks_done(&survey->networks);
	choices_done(&survey->choices);
}

/** check_writers() - Whether an ADD would read a policy that stands here: an error on a host, a warning in a checkout */
static void check_writers(struct survey *survey, const char *file)
{
	enum severity severity = survey->policies.on_host ? SEVERITY_ERROR : SEVERITY_WARNING;
	char text[WRITERS_TEXT_MAX], message[ERROR_MSG_MAX];
	struct finding finding = {
		.rule = RULE_POLICY, .severity = severity, .file = file, .pointer = "", .message = message};
	struct stat status;
	const char *flaw = stat(file, &status) == 0 && S_ISREG(status.st_mode) ? writers_flaw(&status, text) : NULL;

	if (!flaw)
		return;
	/* In the words of who reads it as a policy, so that it is told once. */
	(void)snprintf(message, sizeof(message), "%spolicy %.512s %s",
		       survey->policies.on_host ? "" : "an ADD would refuse it: ", file, flaw);
	report_finding(survey->report, &finding);
}

/** is_passed_over() - Whether an ADD reads no file of such a name in a directory of policies, as a shell's *.json does not */
static bool is_passed_over(const char *file)
{
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;

	return fnmatch("*.json", name, FNM_CASEFOLD) == 0 && fnmatch("*.json", name, FNM_PERIOD) != 0;
}

/** check_format() - An ADD reads policies as JSON, and of a directory files named *.json alone */
static void check_format(struct survey *survey, const char *file)
{
	char message[ERROR_MSG_MAX];
	struct finding finding = {.rule = RULE_POLICY,
				  .severity = survey->policies.on_host ? SEVERITY_ERROR : SEVERITY_WARNING,
				  .file = file,
				  .pointer = "",
				  .message = message};

	if (is_passed_over(file))
		(void)snprintf(
			message, sizeof(message),
			"of a directory of policies an ADD reads files named *.json, not hidden ones and not *.JSON: "
			"it passes over this one, and refuses nothing of it; rename it");
	else if (!flaw_is_yaml_name(file))
		return;
	else
		(void)snprintf(
			message, sizeof(message),
			"a policy as YAML is not read by an ADD, which then refuses nothing of it: make it JSON (yq . "
			"%.512s), in a file named *.json",
			file);
	report_finding(survey->report, &finding);
}

/** validate_policy() - A policy file by itself */
static void validate_policy(struct survey *survey, const json_t *policy, const char *file)
{
	struct policy_context context = {
		.today = survey->policies.today, .lint = true, .on_host = survey->policies.on_host};
	GUARD_CLEANUP struct guard *guard = NULL;

	check_writers(survey, file);
	if (guard_new(&guard) < 0 || policy_read_json(guard, policy, file, "", &context, survey->report) < 0 ||
	    policy_lint(guard, survey->report) < 0)
		survey->failed = true;
}

/** struct survey_visit - A document being looked at */
struct survey_visit {
	struct survey *survey;
	const char *file;
	struct chain chain;
	enum survey_kind outcome;
};

/** count_unread() - A resource of a kind that is not read */
static void count_unread(struct survey *survey, const json_t *object)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));
	size_t i = 0;

	if (!kind || !json_is_string(json_object_get(object, "apiVersion")))
		return;
	while (i < survey->n_unread && strncmp(survey->unread[i].kind, kind, SURVEY_KIND_MAX - 1) != 0)
		i++;
	if (i == SURVEY_UNREAD_MAX)
		return;
	if (i == survey->n_unread)
		(void)snprintf(survey->unread[survey->n_unread++].kind, SURVEY_KIND_MAX, "%s", kind);
	survey->unread[i].n++;
}

/** look_at_others() - A document that rows tell of, or of no kind that is read */
static void look_at_others(struct survey_visit *visit, const struct subject *subject)
{
	size_t n = judge_resource(visit->survey, subject, visit->file);

	n += choices_note(&visit->survey->choices, subject, visit->file);
	visit->survey->n_known += subject->kind != NULL;
	if (!subject->kind)
		count_unread(visit->survey, subject->node.object);
	else if ((n || !subject->kind->incidental) && visit->outcome == SURVEY_UNKNOWN)
		visit->outcome = SURVEY_OTHERS;
}

/** look_at() - A part of the document */
static void look_at(void *userdata, const struct subject *subject)
{
	struct survey_visit *visit = userdata;

	switch (subject->kind ? subject->kind->class : KIND_ROWS) {
	case KIND_LIST:
	case KIND_PLUGIN:
		visit->outcome = SURVEY_OURS;
		survey_cni(visit->survey, subject, visit->file, &visit->chain);
		break;
	case KIND_POLICY:
		visit->outcome = SURVEY_OURS;
		if (!subject->depth)
			check_format(visit->survey, visit->file);
		validate_policy(visit->survey, subject->node.object, visit->file);
		break;
	case KIND_LEASES:
	case KIND_POOLS:
	case KIND_HOST:
		visit->outcome = SURVEY_OTHERS;
		survey_running(visit->survey, subject, visit->file);
		break;
	case KIND_ROWS:
	case KIND_ITEMS:
	default:
		look_at_others(visit, subject);
		break;
	}
}

/**
 * survey_document() - Look at a document
 * @survey:	Survey; @report hears what is found
 * @root:	The document
 * @file:	Its file
 * @at:		JSON pointer of it there
 *
 * Return: what it was
 */
enum survey_kind survey_document(struct survey *survey, const json_t *root, const char *file, const struct pointer *at)
{
	struct survey_visit visit = {.survey = survey, .file = file};

	if (subjects_each(root, file, at, survey->report, look_at, &visit) < 0)
		survey->failed = true;
	chain_done(&visit.chain);
	return visit.outcome;
}

/**
 * survey_compare() - Compare the networks met with each other
 * @survey:	Survey; @report hears what is found
 */
void survey_compare(struct survey *survey)
{
	networks_compare(&survey->networks);
	choices_compare(&survey->choices);
	survey->failed |= survey->networks.failed || survey->choices.failed;
}
