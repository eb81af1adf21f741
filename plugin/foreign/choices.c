/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What pods choose by annotation. Pure. */

#include "plugin/foreign/choices.h"

#include <stdlib.h>
#include <string.h>

#include "plugin/foreign/path.h"
#include "rangeguard/array.h"

/** struct offered_name - A pool's or a pin's name; owned */
struct offered_name {
	enum pod_choice kind;
	char *name;
};

/** struct chosen_name - A name in an annotation, and where it stands; owned */
struct chosen_name {
	enum pod_choice kind;
	char *name;
	char *file;
	char *pointer;
};

/** is_offered() - Whether a name is one of those that are offered */
static bool is_offered(const struct choices *choices, enum pod_choice kind, const char *name)
{
	for (size_t i = 0; i < choices->n_offered; i++)
		if (choices->offered[i].kind == kind && strcmp(choices->offered[i].name, name) == 0)
			return true;
	return false;
}

/** offer() - Keep a name that is offered, once; NULL: none */
static void offer(struct choices *choices, enum pod_choice kind, const char *name)
{
	struct offered_name *offered;
	char *copy;

	if (!name || is_offered(choices, kind, name))
		return;
	offered = array_room(choices->offered, choices->n_offered, &choices->offered_room, sizeof(*offered));
	if (offered)
		choices->offered = offered;
	copy = offered ? strdup(name) : NULL;
	if (!copy) {
		choices->failed = true;
		return;
	}
	offered[choices->n_offered++] = (struct offered_name){.kind = kind, .name = copy};
}

/** choices_offer() - What a network of rangeguard's offers: the pools of its ranges, and its pins */
void choices_offer(struct choices *choices, const struct netconf *netconf)
{
	choices->n_networks++;
	for (size_t i = 0; i < netconf->n_sets; i++)
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++)
			offer(choices, CHOICE_POOL, netconf->sets[i].ranges[j].pool);
	for (size_t i = 0; i < netconf->n_pins; i++)
		offer(choices, CHOICE_SOURCE, netconf->pins[i].name);
}

/** struct annotation_search - Annotations of one kind being looked for */
struct annotation_search {
	struct choices *choices;
	const char *file;
	enum pod_choice kind;
};

/** note() - path_fn: an annotation */
static void note(void *userdata, const json_t *value, struct pointer *at)
{
	const struct annotation_search *search = userdata;
	struct choices *choices = search->choices;
	struct chosen_name *chosen;

	if (!json_string_length(value))
		return;
	chosen = array_room(choices->chosen, choices->n_chosen, &choices->chosen_room, sizeof(*chosen));
	if (!chosen) {
		choices->failed = true;
		return;
	}
	choices->chosen = chosen;
	chosen += choices->n_chosen++;
	*chosen = (struct chosen_name){.kind = search->kind,
				       .name = strdup(json_string_value(value)),
				       .file = strdup(search->file),
				       .pointer = strdup(at->text)};
	choices->failed |= !chosen->name || !chosen->file || !chosen->pointer;
}

/** choices_note() - Remember what a pod, or the template of one, chooses; return how many choices that are */
size_t choices_note(struct choices *choices, const struct subject *subject, const char *file)
{
	static const struct {
		enum pod_choice kind;
		const char *path;
	} annotations[] = {
		{CHOICE_POOL, "metadata/annotations/rangeguard.dev~1pool"},
		{CHOICE_SOURCE, "metadata/annotations/rangeguard.dev~1source"},
		{CHOICE_POOL, "spec/template/metadata/annotations/rangeguard.dev~1pool"},
		{CHOICE_SOURCE, "spec/template/metadata/annotations/rangeguard.dev~1source"},
		{CHOICE_POOL, "spec/jobTemplate/spec/template/metadata/annotations/rangeguard.dev~1pool"},
		{CHOICE_SOURCE, "spec/jobTemplate/spec/template/metadata/annotations/rangeguard.dev~1source"},
	};
	struct pointer at = subject->node.at;
	size_t n_before = choices->n_chosen;

	for (size_t i = 0; i < ARRAY_LENGTH(annotations); i++) {
		struct annotation_search search = {.choices = choices, .file = file, .kind = annotations[i].kind};

		path_each(subject->node.object, annotations[i].path, &at, note, &search);
	}
	return choices->n_chosen - n_before;
}

/** tell() - A name that no network here offers */
static void tell(const struct choices *choices, const struct chosen_name *chosen)
{
	report_warning(choices->report, RULE_INVALID_VALUE, chosen->file, chosen->pointer,
		       chosen->kind == CHOICE_POOL
			       ? "the annotation rangeguard.dev/pool names \"%.64s\", a pool that no range of the "
				 "networks checked here has: the pod's ADD would be refused"
			       : "the annotation rangeguard.dev/source names \"%.64s\", and no snat entry of the "
				 "networks checked here is called that: the pod's ADD would be refused",
		       chosen->name);
}

/** choices_compare() - Tell of what is chosen and not offered, if any network was among what was checked */
void choices_compare(struct choices *choices)
{
	for (size_t i = 0; choices->n_networks && !choices->failed && i < choices->n_chosen; i++)
		if (!is_offered(choices, choices->chosen[i].kind, choices->chosen[i].name))
			tell(choices, &choices->chosen[i]);
}

/** choices_done() - Release all that was kept */
void choices_done(struct choices *choices)
{
	for (size_t i = 0; i < choices->n_offered; i++)
		free(choices->offered[i].name);
	for (size_t i = 0; i < choices->n_chosen; i++) {
		free(choices->chosen[i].name);
		free(choices->chosen[i].file);
		free(choices->chosen[i].pointer);
	}
	free(choices->offered);
	free(choices->chosen);
	*choices = (struct choices){0};
}
