/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks under keys that nobody reads. Pure. */

#include "plugin/foreign/net.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "plugin/foreign/declaration_reader.h"
#include "plugin/foreign/network_text.h"
#include "plugin/foreign/path.h"
#include "rangeguard/array.h"

/** Containers within each other that are looked into; more than any configuration has */
#define DEPTH_MAX 64U

/**
 * struct net - The object being looked through
 * @seen:	Pointers at which addresses have been read, or are known to be none that are given: members of an object
 * @tells:	Each is worth a warning
 */
struct net {
	struct declaration_reader declaration;
	json_t *seen;
	bool tells;
};

/** is_passed() - Whether networks under a key are not taken: where to route, whom to ask, whom to let in */
static bool is_passed(const char *key)
{
	static const char keys[][sizeof("runtimeConfig")] = {
		"name",		 "routes",   "dst",	"gw",	   "dns",	   "prevResult",
		"policies",	 "policy",   "guard",	"ingress", "egress",	   "ipBlock",
		"nameservers",	 "status",   "args",	"plugins", "delegates",	   "delegate",
		"annotations",	 "from",     "to",	"except",  "conditionsV4", "conditionsV6",
		"runtimeConfig", "reserved", "granted", "snat",	   "nonMasq",	   "exclude"};

	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
		if (strcasecmp(key, keys[i]) == 0)
			return true;
	return false;
}

/** take() - One network of a text under a key that nobody reads */
static void take(struct net *net, const struct text_part *part)
{
	struct declaration found = {.kind = DECLARED_RANGE, .use = USE_UNKNOWN, .mild = true, .offset = part->offset};
	struct declaration read = {0};

	if (!network_read(part->text, FORM_CIDR | FORM_RANGE | FORM_PER_HOST, &read))
		return;
	/* All addresses are nobody's range. */
	if (read.network.address.family != FAMILY_NONE && !read.network.length)
		return;
	found.network = read.network;
	found.span = read.span;
	declaration_add(&net->declaration, NULL, &found);
	if (net->tells)
		reader_warning(&net->declaration.reader, NULL, RULE_INVALID_VALUE,
			       "\"%.64s\" stands under a key that is not known here; it is taken for a range",
			       part->text);
}

/** look_at() - A text */
static void look_at(struct net *net, const char *text)
{
	struct text_part part;
	size_t at = 0;

	if (json_object_get(net->seen, net->declaration.reader.at.text) || !strpbrk(text, "/-"))
		return;
	while (!net->declaration.declarations->too_many && text_next(text, &at, &part))
		take(net, &part);
}

/** has_network() - Whether a member of an object is a network, of which bounds beside it are a part */
static bool has_network(const json_t *object)
{
	struct declaration read = {0};
	const char *key;
	json_t *member;

	json_object_foreach((json_t *)(uintptr_t)object, key, member)
		if (json_is_string(member) && strchr(json_string_value(member), '/') &&
		    network_read(json_string_value(member), FORM_CIDR, &read))
			return true;
	return false;
}

/** look_at_bounds() - Two members that are the first and the last address of a range, under the names that these have */
static void look_at_bounds(struct net *net, const json_t *object)
{
	static const char names[][2][16] = {
		{"start", "end"},	{"start", "stop"},
		{"first", "last"},	{"begin", "end"},
		{"startIP", "endIP"},	{"rangeStart", "rangeEnd"},
		{"firstIP", "lastIP"},	{"startIp", "endIp"},
		{"start_ip", "end_ip"}, {"range_start", "range_end"},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		const char *first = json_string_value(json_object_get(object, names[i][0]));
		const char *last = json_string_value(json_object_get(object, names[i][1]));
		size_t mark = pointer_push_key(&net->declaration.reader.at, names[i][0]);
		struct text_part part = {.offset = 0};

		if (first && last && !json_object_get(net->seen, net->declaration.reader.at.text) &&
		    (size_t)snprintf(part.text, sizeof(part.text), "%s-%s", first, last) < sizeof(part.text))
			take(net, &part);
		pointer_pop(&net->declaration.reader.at, mark);
	}
}

/** look_through() - A value with all that is in it */
static void look_through(struct net *net, const json_t *value, unsigned depth)
{
	struct pointer *at = &net->declaration.reader.at;
	const char *key;
	json_t *child;
	size_t index;

	if (json_is_string(value))
		look_at(net, json_string_value(value));
	if (depth == DEPTH_MAX)
		return;
	if (json_is_object(value) && !has_network(value))
		look_at_bounds(net, value);
	json_object_foreach((json_t *)(uintptr_t)value, key, child) {
		size_t mark = pointer_push_key(at, key);

		if (!is_passed(key))
			look_through(net, child, depth + 1);
		pointer_pop(at, mark);
	}
	json_array_foreach(value, index, child) {
		size_t mark = pointer_push_index(at, index);

		look_through(net, child, depth + 1);
		pointer_pop(at, mark);
	}
}

/** note() - A place that a row knows is none of ours */
static void note(void *userdata, const json_t *value, struct pointer *at)
{
	struct net *net = userdata;

	(void)value;
	net->declaration.failed |= json_object_set_new_nocheck(net->seen, at->text, json_true()) != 0;
}

/** note_known() - Places that have been read, and those that rows name */
static void note_known(struct net *net, const json_t *object, const struct kind_key *known, size_t from)
{
	struct pointer at = net->declaration.reader.at;

	for (size_t i = from; i < net->declaration.declarations->n_items; i++)
		net->declaration.failed |=
			json_object_set_new_nocheck(net->seen, net->declaration.declarations->items[i].pointer,
						    json_true()) != 0;
	for (; known && *known->path; known++)
		path_each(object, known->path, &at, note, net);
}

/**
 * net_read() - Take networks under keys that nobody reads for ranges
 * @object:	Object
 * @file:	Its file
 * @at:		JSON pointer there
 * @known:	Keys whose meaning is known, NULL: none
 * @from:	Index of the first declaration that was read of the object: what they are read from is known
 * @declarations:	Get what is found
 * @report:	Hears of each; NULL: nobody need know of what clashes with nothing
 *
 * Return: 0, -ENOMEM
 */
int net_read(const json_t *object, const char *file, const struct pointer *at, const struct kind_key *known,
	     size_t from, struct declarations *declarations, struct report *report)
{
	struct net net = {
		.declaration = {.reader = {.file = file, .report = report, .at = *at}, .declarations = declarations},
		.seen = json_object(),
		.tells = report,
	};

	if (!net.seen)
		return -ENOMEM;
	note_known(&net, object, known, from);
	look_through(&net, object, 0);
	json_decref(net.seen);
	return net.declaration.failed ? -ENOMEM : 0;
}
