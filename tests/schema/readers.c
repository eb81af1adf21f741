/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Not a test by itself: schema.py asks it what the readers of rangeguard's own files say. Each line of standard input is
 * a schema's name, a blank, and a document; the answer is a line with a JSON array of errors, [RULE, POINTER, TEXT].
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/agent/cluster_config.h"
#include "plugin/agent/config.h"
#include "plugin/foreign/survey.h"
#include "plugin/policy/policy.h"
#include "plugin/text/paths.h"
#include "rangeguard/cleanup.h"

/** struct listener - Keeps errors; @report must stay first */
struct listener {
	struct report report;
	json_t *errors;
};

/** keep() - One finding */
static void keep(struct report *report, const struct finding *finding)
{
	struct listener *listener = (struct listener *)report;

	if (finding->severity == SEVERITY_ERROR)
		(void)json_array_append_new(listener->errors, json_pack("[isss]", (int)finding->rule, "pointer",
									finding->pointer, finding->message));
}

/** read_survey() - As validate reads network configurations and policies */
static void read_survey(const json_t *root, const char *file, json_t *errors)
{
	struct listener listener = {.report = {.heard = keep}, .errors = errors};
	const struct path_list none = {0};
	struct pointer at = {.length = 0};
	struct survey survey;

	survey_init(&survey, &none, &listener.report);
	if (survey_document(&survey, root, file, &at) != SURVEY_OURS)
		(void)json_array_append_new(errors, json_pack("[isss]", 0, "pointer", "", "of another kind"));
	survey_done(&survey);
}

/** read_cluster() - As the agent reads cluster.json */
static int read_cluster(json_t *root, struct error *reterr)
{
	struct cluster_config config;
	int r = cluster_config_parse(json_incref(root), "cluster.json", &config, reterr);

	cluster_config_done(&config);
	return r;
}

/** read_agent() - As the agent reads agent.json, and at the first request the policy in it */
static int read_agent(json_t *root, struct error *reterr)
{
	const struct policy_context context = {.network = "docker"};
	GUARD_CLEANUP struct guard *guard = NULL;
	struct first_error listener;
	struct agent_config config;
	int r = agent_config_parse(json_incref(root), "agent.json", &config, reterr);
	const struct netconf_guard *inner = &config.policy.guard;

	first_error_init(&listener, reterr, ERROR_POLICY);
	if (!r && inner->inline_policy && guard_new(&guard) == 0)
		r = policy_read_json(guard, inner->inline_policy, "agent.json", inner->pointer, &context,
				     &listener.report);
	agent_config_done(&config);
	return r;
}

/** read_config() - As the agent reads its configurations */
static void read_config(json_t *root, bool cluster, json_t *errors)
{
	struct error err = {0};

	if (cluster ? read_cluster(root, &err) : read_agent(root, &err))
		(void)json_array_append_new(errors, json_pack("[isss]", (int)err.code, "pointer", "", err.msg));
}

/** answer() - One line */
static void answer(const char *name, const char *text)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *errors = json_array();

	if (!root)
		(void)json_array_append_new(errors, json_pack("[isss]", 0, "pointer", "", "not JSON"));
	else if (!strcmp(name, "network") || !strcmp(name, "policy"))
		read_survey(root, !strcmp(name, "network") ? "n.conflist" : "p.json", errors);
	else
		read_config(root, !strcmp(name, "cluster"), errors);
	(void)json_dumpf(errors, stdout, JSON_COMPACT);
	(void)puts("");
	(void)fflush(stdout);
	json_decref(errors);
	json_decref(root);
}

int main(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		char *text = strchr(line, ' ');

		if (!text)
			break;
		*text++ = '\0';
		answer(line, text);
	}
	free(line);
	return 0;
}
