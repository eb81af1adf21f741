/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of objects. */

#include "plugin/snat/nfobjects.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "rangeguard/array.h"

/** nf_objects_add() - 0, -ENOMEM */
int nf_objects_add(struct nf_objects *objects, const struct nf_object *object)
{
	struct nf_object *all = array_room(objects->all, objects->n, &objects->capacity, sizeof(*all));

	if (!all)
		return -ENOMEM;
	objects->all = all;
	all[objects->n++] = *object;
	return 0;
}

/** struct contents - What is in an anonymous set */
struct contents {
	uint32_t set_id;
	uint64_t digest;
};

/** note_intervals() - What a rule looks into is part of what it says of destinations */
static void note_intervals(struct nf_object *object, uint64_t digest)
{
	size_t length = strlen(object->destinations);

	(void)snprintf(object->destinations + length, sizeof(object->destinations) - length, " {%016" PRIx64 "}",
		       digest);
}

/** gather_intervals() - Those of a message, if it has any: 0, negative errno */
static int gather_intervals(const struct nlmsghdr *message, struct contents *contents)
{
	struct contents more = {.digest = 0};
	int r = nf_read_bounds(message, &more.set_id, &more.digest);

	if (r)
		return r == -ENOMSG ? 0 : r;
	if (more.set_id != contents->set_id)
		*contents = (struct contents){.set_id = more.set_id};
	contents->digest += more.digest;
	return 0;
}

/** nf_objects_add_batch() - What a batch would make, in which the rule that looks into an anonymous set follows it: 0, negative errno */
int nf_objects_add_batch(struct nf_objects *objects, struct batch *batch)
{
	struct contents contents = {.set_id = 0};
	int r = 0;

	for (size_t at = 0; at < batch->used && !r;) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)(batch_data(batch) + at);
		struct nf_object object;

		r = nf_read_object(message, &object);
		if (!r && *object.anonymous && object.set_id == contents.set_id)
			note_intervals(&object, contents.digest);
		if (!r)
			r = nf_objects_add(objects, &object);
		else if (r == -ENOMSG)
			r = gather_intervals(message, &contents);
		at += NLMSG_ALIGN(message->nlmsg_len);
	}
	return r;
}

/** take_intervals() - port_reply_fn: userdata is a struct contents */
static int take_intervals(const struct nlmsghdr *message, void *userdata)
{
	struct contents *contents = userdata;

	if (!message) {
		*contents = (struct contents){.set_id = 0};
		return 0;
	}
	return gather_intervals(message, contents);
}

/**
 * nf_objects_ask_intervals() - Ask what is in the anonymous sets of the main table's rules
 * @stage:	Talk, without messages
 * @objects:	As the kernel told them
 *
 * Nobody can change such a set; but a rule may be another one, with another set.
 *
 * Return: 0, also when a rule is gone meanwhile; PORT_E_REFUSED, negative errno
 */
int nf_objects_ask_intervals(struct nf_stage *stage, struct nf_objects *objects)
{
	int r = 0;

	for (size_t i = 0; i < objects->n && !r; i++) {
		struct contents contents = {.set_id = 0};
		struct nf_object *object = &objects->all[i];

		if (!*object->anonymous || strcmp(object->table, NF_TABLE) != 0)
			continue;
		r = nf_dump_set(&stage->batch, object->anonymous);
		if (!r)
			r = nf_stage_send(stage, take_intervals, &contents);
		if (r == PORT_E_REFUSED && stage->failure.errnum == ENOENT)
			r = 0;
		else if (!r)
			note_intervals(object, contents.digest);
	}
	return r;
}

/** nf_objects_order() - qsort(3) order: what is the same comes out as 0 */
int nf_objects_order(const void *a, const void *b)
{
	const struct nf_object *left = a, *right = b;
	int r = left->kind == right->kind ? strcmp(left->table, right->table) : left->kind < right->kind ? -1 : 1;

	if (!r)
		r = strcmp(left->name, right->name);
	if (!r)
		r = strcmp(left->text, right->text);
	return r ? r : strcmp(left->destinations, right->destinations);
}

/** nf_objects_sort() - In that order */
void nf_objects_sort(struct nf_objects *objects)
{
	if (objects->n)
		qsort(objects->all, objects->n, sizeof(*objects->all), nf_objects_order);
}

/** nf_objects_done() - Release what is owned */
void nf_objects_done(struct nf_objects *objects)
{
	free(objects->all);
	*objects = (struct nf_objects){.n = 0};
}
