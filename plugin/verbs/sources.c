/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugin/verbs/sources.h"

#include <errno.h>
#include <string.h>

#include "ipam/store/state.h"
#include "plugin/host/ask.h"
#include "plugin/host/source_file.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** How long an ADD waits for a source, design/cluster.md section 5; the agent answers a little earlier */
#define SOURCE_WAIT_MS 2500

/** struct choosing - What a choice looks at */
struct choosing {
	struct context *context;
	struct held_sources held;
};

static void choosing_done(struct choosing *choosing)
{
	held_sources_done(&choosing->held);
}

/** look() - Read what is held, with no lock: it is looked at again under one: 0, REFUSED */
static int look(struct choosing *choosing, struct port *rtnetlink, struct error *reterr)
{
	const char *data_dir = choosing->context->netconf.data_dir;
	STATE_CLEANUP struct state state = STATE_INIT;
	int r = state_open(data_dir, STATE_READ, &state);

	if (r == STATE_E_ABSENT)
		return 0;
	if (!r)
		r = held_sources_read(state.dir_fd, rtnetlink, &choosing->held);
	if (r < 0)
		return error_set_errno(reterr, ERROR_STORE, r, "%.256s/" SOURCE_FILE " can't be read", data_dir);
	return r ? error_set(reterr, ERROR_STORE,
			     "%.256s/" SOURCE_FILE " can't be read: the state directory is not safe", data_dir)
		 : 0;
}

/** sources_of() - The sources of a family that a pin names; NULL: out of memory */
static json_t *sources_of(const struct pin *pin, enum family family)
{
	json_t *sources = json_array();
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; sources && i < pin->n_all; i++) {
		if (pin->all[i].family == family)
			(void)json_array_append_new(sources, json_string(address_format(&pin->all[i], text)));
	}
	return sources;
}

/** no_agent() - Say who is missing: REFUSED */
static int no_agent(const struct pin *pin, struct error *reterr)
{
	return error_set(
		reterr, ERROR_TRY_AGAIN,
		"this host holds no source of snat entry \"%.64s\", which hosts share, and no rangeguard-agent "
		"runs that could claim one: systemctl start rangeguard-agent",
		pin->name);
}

/** take_answer() - The source that the agent has claimed: 0, REFUSED */
static int take_answer(const struct pin *pin, const json_t *answer, struct address *ret_source, struct error *reterr)
{
	const char *text = json_string_value(json_object_get(answer, "source"));
	struct address source;

	for (size_t i = 0; text && address_parse(text, &source) == 0 && i < pin->n_all; i++) {
		if (!address_equal(&pin->all[i], &source))
			continue;
		*ret_source = source;
		return 0;
	}
	return error_set(reterr, ERROR_TRY_AGAIN, "rangeguard-agent answers without a source of snat entry \"%.64s\"",
			 pin->name);
}

/**
 * ask() - Have the agent claim a source of a pin
 * @context:	Call
 * @pin:	Pin
 * @ret_source:	Source, of the family that it has already
 * @reterr:	Code 11: the agent or etcd is the reason, or a takeover goes on; 103: others hold all of them
 *
 * Return: 0, REFUSED
 */
static int ask(const struct context *context, const struct pin *pin, struct address *ret_source, struct error *reterr)
{
	json_t *question =
		json_pack("{s:s, s:s, s:s, s:s, s:o}", "ask", "source", "network", context->netconf.name, "pin",
			  pin->name, "interface", pin->assign, "sources", sources_of(pin, ret_source->family));
	json_t *answer = NULL;
	int r;

	if (!question)
		return error_no_memory(reterr);
	r = ask_agent(context->netconf.data_dir, question, SOURCE_WAIT_MS, &answer, reterr);
	if (!r)
		r = take_answer(pin, answer, ret_source, reterr);
	json_decref(question);
	json_decref(answer);
	return r == (int)ASK_E_NO_AGENT ? no_agent(pin, reterr) : r ? REFUSED : 0;
}

/** find_held() - The first source of a pin and family that this host holds; NULL: it holds none; borrowed */
static const struct address *find_held(const struct choosing *choosing, const struct pin *pin, enum family family)
{
	for (size_t i = 0; i < pin->n_all; i++) {
		if (pin->all[i].family == family && held_sources_has(&choosing->held, &pin->all[i], pin->assign))
			return &pin->all[i];
	}
	return NULL;
}

/** is_needed() - Whether a clause of the container has the pin's source */
static bool is_needed(const struct context *context, const struct address *source)
{
	const struct egress_clause *clause;
	size_t at = 0;

	while (source->family && (clause = egress_shared(&context->pinning.egress, &at))) {
		if (address_equal(&clause->source, source))
			return true;
	}
	return false;
}

/** choose_pin() - The sources that a pin has on this host now; one that none is held of is asked for: 0, REFUSED */
static int choose_pin(struct choosing *choosing, struct pin *pin, struct error *reterr)
{
	for (size_t i = 0; i < ARRAY_LENGTH(pin->sources); i++) {
		struct address *source = &pin->sources[i];
		const struct address *held;

		if (!is_needed(choosing->context, source))
			continue;
		held = find_held(choosing, pin, source->family);
		if (held)
			*source = *held;
		else if (ask(choosing->context, pin, source, reterr))
			return REFUSED;
	}
	return 0;
}

/** choose_pins() - All shared pins of the container: 0, REFUSED */
static int choose_pins(struct choosing *choosing, struct error *reterr)
{
	struct context *context = choosing->context;

	for (size_t i = 0; i < context->pinning.n_matched; i++) {
		/* The pin is the configuration's, which is the call's own. */
		struct pin *pin = &context->netconf.pins[context->pinning.matched[i] - context->netconf.pins];

		if (pin->shared && choose_pin(choosing, pin, reterr))
			return REFUSED;
	}
	return 0;
}

/** count_shared() - How many shared sources a container gets */
static size_t count_shared(const struct context *context)
{
	size_t at = 0, n = 0;

	while (egress_shared(&context->pinning.egress, &at))
		n++;
	return n;
}

/**
 * sources_choose() - Find out which of the sources that hosts share this container gets
 * @context:	Call; its pinning is made again with them
 * @rtnetlink:	Port in the host's namespace
 * @reterr:	Codes 7, 11, 103, 106
 *
 * A container without shared pins costs nothing.
 *
 * Return: 0, REFUSED
 */
int sources_choose(struct context *context, struct port *rtnetlink, struct error *reterr)
{
	CLEANUP(choosing_done) struct choosing choosing = {.context = context, .held = HELD_SOURCES_INIT};
	size_t n = count_shared(context);

	if (!n)
		return 0;
	if (n > LIMIT_SHARED_PER_CONTAINER)
		return error_set(reterr, ERROR_CONFIG, "more than %u shared sources for one container",
				 LIMIT_SHARED_PER_CONTAINER);
	if (look(&choosing, rtnetlink, reterr) || choose_pins(&choosing, reterr))
		return REFUSED;
	pinning_done(&context->pinning);
	return context_read_pinning(context, reterr);
}

/**
 * sources_verify() - Whether what was chosen is this host's still
 * @context:	Call
 * @rtnetlink:	Port in the host's namespace
 * @dir_fd:	State directory, the lease store in it locked: from now until the lease is written nothing is closed
 *
 * Return: 0, SOURCES_E_CLOSED, negative errno
 */
int sources_verify(const struct context *context, struct port *rtnetlink, int dir_fd)
{
	HELD_SOURCES_CLEANUP struct held_sources held = HELD_SOURCES_INIT;
	const struct egress_clause *clause;
	size_t at = 0;
	int r;

	if (!count_shared(context))
		return 0;
	r = held_sources_read(dir_fd, rtnetlink, &held);
	while (!r && (clause = egress_shared(&context->pinning.egress, &at))) {
		if (!held_sources_has(&held, &clause->source, clause->assign))
			r = SOURCES_E_CLOSED;
	}
	return r;
}

/** sources_gone() - Say that what was chosen was given back again and again: REFUSED */
int sources_gone(struct error *reterr)
{
	return error_set(
		reterr, ERROR_TRY_AGAIN,
		"the shared sources that this host holds change all the time, or rangeguard-agent does not see the "
		"same /sys/fs/bpf as this program: try again later");
}
