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

/** struct path_walk - Who wants to know of what is found; @enough: of no more, once it is true; NULL: of all */
struct path_walk {
	struct pointer *at;
	path_fn found;
	void *userdata;
	const bool *enough;
};

/** struct path_step - A step of a path, its slashes unescaped, and what follows it ("" or "/…") */
struct path_step {
	char text[STEP_MAX];
	const char *rest;
};

/** take_step() - The step that a path without a slash in front begins with */
static struct path_step take_step(const char *path)
{
	struct path_step step = {.rest = path + strcspn(path, "/")};
	size_t n = 0;

	for (; path < step.rest && n + 1 < sizeof(step.text); path++) {
		bool escaped = path[0] == '~' && path[1] == '1';

		if (escaped)
			step.text[n++] = '/';
		else
			step.text[n++] = *path;
		path += escaped;
	}
	return step;
}

static void descend(const struct path_walk *walk, const json_t *value, const char *path);

/** go_on() - To a child, with what is left of the path */
static void go_on(const struct path_walk *walk, const json_t *child, const char *rest)
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
	char key[STEP_MAX], wanted[STEP_MAX];
	const char *value;

	(void)snprintf(key, sizeof(key), "%.*s", (int)(equals ? equals - step - 1 : 0), step + 1);
	value = json_string_value(json_object_get(child, key));
	if (!equals || !value)
		return false;
	(void)snprintf(wanted, sizeof(wanted), "%.*s", (int)strlen(equals + 1) - 1, equals + 1);
	return fnmatch(wanted, value, 0) == 0;
}

/** matches() - Whether a step leads to a child: its key, or an element's number */
static bool matches(const char *step, const char *name, const json_t *child)
{
	if (step[0] == '[')
		return is_selected(child, step);
	return strcmp(step, "*") == 0 || fnmatch(step, name, 0) == 0;
}

/** is_enough() - Whether nobody wants to know of more */
static bool is_enough(const struct path_walk *walk)
{
	return walk->enough && *walk->enough;
}

/** enter() - Go on to a child if a step leads to it; `**` to all of them, and stays */
static void enter(const struct path_walk *walk, const json_t *child, const char *name, const struct path_step *step,
		  const char *path)
{
	if (strcmp(step->text, "**") == 0)
		descend(walk, child, path);
	else if (matches(step->text, name, child))
		go_on(walk, child, step->rest);
}

/** enter_members() - Each member of an object */
static void enter_members(const struct path_walk *walk, const json_t *object, const struct path_step *step,
			  const char *path)
{
	json_t *child;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)object, key, child) {
		size_t mark = pointer_push_key(walk->at, key);

		enter(walk, child, key, step, path);
		pointer_pop(walk->at, mark);
		if (is_enough(walk))
			return;
	}
}

/** enter_elements() - Each element of an array, whose number is its name */
static void enter_elements(const struct path_walk *walk, const json_t *array, const struct path_step *step,
			   const char *path)
{
	for (size_t i = 0; i < json_array_size(array) && !is_enough(walk); i++) {
		size_t mark = pointer_push_index(walk->at, i);
		const char *slash = strrchr(walk->at->text, '/');

		/* A pointer that is full has lost the number. */
		enter(walk, json_array_get(array, i), walk->at->length > mark && slash ? slash + 1 : "", step, path);
		pointer_pop(walk->at, mark);
	}
}

/** enter_children() - Go on to each child that a step leads to */
static void enter_children(const struct path_walk *walk, const json_t *value, const struct path_step *step,
			   const char *path)
{
	if (json_is_object(value))
		enter_members(walk, value, step, path);
	else
		enter_elements(walk, value, step, path);
}

/** is_plain() - Whether a step is a key and nothing else */
static bool is_plain(const char *step)
{
	return !strpbrk(step, "*?[");
}

/** descend() - Follow a path, which has no slash in front */
static void descend(const struct path_walk *walk, const json_t *value, const char *path)
{
	struct path_step step = take_step(path);
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
	struct path_walk walk = {.at = at, .found = found, .userdata = userdata};

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

/** Objects with more keys are asked for each key that is looked for */
#define FEW_KEYS 8U

/** initials_of() - First characters of an object's keys, as bits; all bits where that would not be quicker to know */
static uint64_t initials_of(const json_t *value)
{
	uint64_t initials = 0;
	json_t *member;
	const char *key;

	if (!json_is_object(value) || json_object_size(value) > FEW_KEYS)
		return UINT64_MAX;
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
		initials |= UINT64_C(1) << (*key & 63);
	return initials;
}

/**
 * may_begin() - Whether a path can lead anywhere: its first step, when that is a key and nothing else, is there
 * @value:	Where it begins
 * @initials:	initials_of() it
 * @path:	Path
 */
static bool may_begin(const json_t *value, uint64_t initials, const char *path)
{
	char key[STEP_MAX];
	size_t length;

	if (!json_is_object(value) || strchr("*?[~", *path))
		return true;
	if (!(initials >> (*path & 63) & 1))
		return false;
	length = strcspn(path, "/");
	if (length >= sizeof(key) || memchr(path, '~', length))
		return true;
	memcpy(key, path, length);
	key[length] = '\0';
	return !is_plain(key) || json_object_get(value, key);
}

/** path_leads_somewhere() - Whether one of several paths, separated by blanks, leads to anything but null */
bool path_leads_somewhere(const json_t *value, const char *paths)
{
	struct pointer at;
	char path[PATH_TEXT_MAX];
	bool found = false;
	const struct path_walk walk = {.at = &at, .found = note, .userdata = &found, .enough = &found};
	uint64_t initials = initials_of(value);

	while (*paths && !found) {
		size_t length = strcspn(paths, " ");

		if (length < sizeof(path)) {
			memcpy(path, paths, length);
			path[length] = '\0';
			at.length = 0;
			at.text[0] = '\0';
			if (may_begin(value, initials, path))
				descend(&walk, value, path);
		}
		paths += length + strspn(paths + length, " ");
	}
	return found;
}
