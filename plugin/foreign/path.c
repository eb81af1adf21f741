/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of struct kind_key. Pure. */

#include "plugin/foreign/path.h"

#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/** Longest step of a path */
#define STEP_MAX 64U
/** Longest of several paths */
#define PATH_TEXT_MAX 128U

/** struct walk - Who wants to know of what is found */
struct walk {
	struct pointer *at;
	path_fn found;
	void *userdata;
};

/** struct step - A step of a path, its slashes unescaped, and what follows it ("" or "/…") */
struct step {
	char text[STEP_MAX];
	const char *rest;
};

/** take_step() - The step that a path without a slash in front begins with */
static struct step take_step(const char *path)
{
	struct step step = {.rest = path + strcspn(path, "/")};
	size_t n = 0;

	for (; path < step.rest && n + 1 < sizeof(step.text); path++) {
		bool escaped = strncmp(path, "~1", 2) == 0;

		if (escaped)
			step.text[n++] = '/';
		else
			step.text[n++] = *path;
		path += escaped;
	}
	return step;
}

static void descend(const struct walk *walk, const json_t *value, const char *path);

/** go_on() - To a child, with what is left of the path */
static void go_on(const struct walk *walk, const json_t *child, const char *rest)
{
	if (*rest == '/')
		descend(walk, child, rest + 1);
	else
		walk->found(walk->userdata, child, walk->at);
}

/** is_selected() - Whether a child has the member that a step [KEY=VALUE] asks for */
static bool is_selected(const json_t *child, const char *step)
{
	const char *equals = strchr(step, '=');
	char key[STEP_MAX];
	const char *value;

	(void)snprintf(key, sizeof(key), "%.*s", (int)(equals ? equals - step - 1 : 0), step + 1);
	value = json_string_value(json_object_get(child, key));
	return equals && value && strlen(value) + 1 == strlen(equals + 1) &&
	       strncmp(equals + 1, value, strlen(value)) == 0;
}

/** matches() - Whether a step leads to a child: its key, or an element's number */
static bool matches(const char *step, const char *name, const json_t *child)
{
	return step[0] == '[' ? is_selected(child, step) : fnmatch(step, name, 0) == 0;
}

/** enter_children() - Go on to each child that a step leads to; `**` to all of them, and stays */
static void enter_children(const struct walk *walk, const json_t *value, const struct step *step, const char *path)
{
	bool any = strcmp(step->text, "**") == 0;
	json_t *child;
	const char *key;
	size_t index;

	json_object_foreach((json_t *)(uintptr_t)value, key, child) {
		size_t mark = pointer_push_key(walk->at, key);

		if (any)
			descend(walk, child, path);
		else if (matches(step->text, key, child))
			go_on(walk, child, step->rest);
		pointer_pop(walk->at, mark);
	}
	json_array_foreach(value, index, child) {
		size_t mark = pointer_push_index(walk->at, index);
		char number[24];

		(void)snprintf(number, sizeof(number), "%zu", index);
		if (any)
			descend(walk, child, path);
		else if (matches(step->text, number, child))
			go_on(walk, child, step->rest);
		pointer_pop(walk->at, mark);
	}
}

/** is_plain() - Whether a step is a key and nothing else */
static bool is_plain(const char *step)
{
	return !strpbrk(step, "*?[");
}

/** descend() - Follow a path, which has no slash in front */
static void descend(const struct walk *walk, const json_t *value, const char *path)
{
	struct step step = take_step(path);
	const json_t *child;
	size_t mark;

	if (strcmp(step.text, "**") == 0 && *step.rest)
		descend(walk, value, step.rest + 1);
	if (!is_plain(step.text) || json_is_array(value)) {
		enter_children(walk, value, &step, path);
		return;
	}
	child = json_object_get(value, step.text);
	if (!child)
		return;
	mark = pointer_push_key(walk->at, step.text);
	go_on(walk, child, step.rest);
	pointer_pop(walk->at, mark);
}

/**
 * path_each() - Find what a path leads to
 * @value:	Where it begins
 * @path:	Path; "" leads to @value itself
 * @at:		Pointer of @value
 * @found:	Called for each
 * @userdata:	For it
 */
void path_each(const json_t *value, const char *path, struct pointer *at, path_fn found, void *userdata)
{
	struct walk walk = {.at = at, .found = found, .userdata = userdata};

	if (*path)
		descend(&walk, value, path);
	else
		found(userdata, value, at);
}

/** note() - Something was found; null counts as absent */
static void note(void *userdata, const json_t *value, struct pointer *at)
{
	(void)at;
	*(bool *)userdata |= !json_is_null(value);
}

/** path_leads_somewhere() - Whether one of several paths, separated by blanks, leads to anything but null */
bool path_leads_somewhere(const json_t *value, const char *paths)
{
	struct pointer at = {.length = 0};
	char path[PATH_TEXT_MAX];
	bool found = false;

	while (*paths && !found) {
		size_t length = strcspn(paths, " ");

		(void)snprintf(path, sizeof(path), "%.*s", (int)length, paths);
		path_each(value, path, &at, note, &found);
		paths += length + strspn(paths + length, " ");
	}
	return found;
}
