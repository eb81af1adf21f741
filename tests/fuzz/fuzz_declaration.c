/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any JSON as a configuration of somebody's. Each declaration that is found lies in its network and stands where its pointer
 * leads; what is checked against a guard is found clashing just when the guard holds some of it.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/foreign/check_declaration.h"
#include "plugin/foreign/subject.h"
#include "plugin/netconf/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** struct listener - Counts the clashes with the guard */
struct listener {
	struct report report;
	unsigned clashes;
};

/** hear() - Listener that looks at each finding's texts */
static void hear(struct report *report, const struct finding *finding)
{
	struct listener *listener = (struct listener *)report;

	require(finding->message[0] && finding->file && finding->pointer);
	listener->clashes += finding->related_file != NULL;
}

/** unescape() - Next step of a JSON pointer into @step; return what follows it */
static const char *unescape(const char *pointer, char step[static POINTER_MAX])
{
	size_t n = 0;

	for (pointer++; *pointer && *pointer != '/'; pointer++) {
		if (*pointer == '~')
			step[n++] = *++pointer == '1' ? '/' : '~';
		else
			step[n++] = *pointer;
	}
	step[n] = '\0';
	return pointer;
}

/** leads_somewhere() - Whether a JSON pointer leads to a value; one of the greatest length may have been cut */
static bool leads_somewhere(const json_t *value, const char *pointer)
{
	char step[POINTER_MAX];

	if (strlen(pointer) > POINTER_MAX / 2)
		return true;
	/* Below a text its own JSON goes on. */
	while (value && *pointer && !json_is_string(value)) {
		pointer = unescape(pointer, step);
		value = json_is_array(value) ? json_array_get(value, strtoul(step, NULL, 10))
					     : json_object_get(value, step);
	}
	return value;
}

/** check_one() - The rules of one declaration; return whether it must clash with the guard */
static bool check_one(const struct guard *guard, const struct declaration *declaration, const json_t *root)
{
	bool known = declaration->network.address.family != FAMILY_NONE;
	struct span network = known ? prefix_span(&declaration->network) : declaration->span;
	bool in_network = declaration->kind == DECLARED_RANGE || declaration->kind == DECLARED_ADDRESS;

	require(declaration->span.family != FAMILY_NONE && declaration->span.first <= declaration->span.last);
	require(!in_network || span_covers(&network, &declaration->span));
	require(leads_somewhere(root, declaration->pointer));
	if (in_network)
		return guard_touch(guard, &network, NULL, NULL) == GUARD_E_RESERVED;
	return declaration->kind == DECLARED_GATEWAY && !declaration->implied &&
	       guard_touch(guard, &declaration->span, NULL, NULL) == GUARD_E_RESERVED;
}

/** make_guard() - 10.0.0.0/9 and fd00::/9 are reserved */
static struct guard *make_guard(void)
{
	static const char *const reserved[] = {"10.0.0.0-10.127.255.255",
					       "fd00::-fd7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
	struct guard *guard = NULL;

	require(guard_new(&guard) == 0);
	for (size_t i = 0; i < 2; i++) {
		struct guard_entry entry = {.kind = GUARD_RESERVED};

		require(span_parse(reserved[i], &entry.span) == 0 && guard_add(guard, &entry) == 0);
	}
	require(guard_seal(guard) == 0);
	return guard;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct listener listener = {.report = {.heard = hear}};
	GUARD_CLEANUP struct guard *guard = NULL;
	DECLARATIONS_CLEANUP struct declarations declarations = {0};
	json_t *json = json_loadb((const char *)data, size, 0, NULL);
	unsigned expected = 0;

	if (!json)
		return 0;
	guard = make_guard();
	require(subjects_read(json, "fuzz.json", &declarations, &listener.report) == 0);
	for (size_t i = 0; i < declarations.n_items; i++)
		expected += check_one(guard, &declarations.items[i], json);
	require(listener.clashes == 0);
	require(check_declarations(&declarations, "fuzz.json", guard, &listener.report) == 0);
	require(listener.clashes == expected);
	json_decref(json);
	return 0;
}
