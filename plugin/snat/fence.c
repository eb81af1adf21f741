/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fence: marking interfaces, and the rule and routes that stop what is still marked. Owns nothing: all of it is the
 * kernel's.
 */

#include "plugin/snat/fence.h"

#include <errno.h>
#include <string.h>

#include "ipam/address/spans.h"
#include "plugin/network/stage.h"
#include "plugin/report/log.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** What messages are about, for error texts */
#define WHERE "for the fence around pinned addresses"
/** How many batches of routes of others are removed at a time */
#define CLEARING_ATTEMPTS 4U

/** as_snat() - Give a failure of the stage the code of a pin that can't be kept: 0, REFUSED */
static int as_snat(int r, struct error *err)
{
	if (r)
		(void)error_recode(err, ERROR_SNAT);
	return r;
}

/** rule_of() - The rule that leads marked packets of @family to the prohibit routes */
static struct mark_rule rule_of(enum family family)
{
	return (struct mark_rule){
		.family = family, .mark = FENCE_MARK, .table = FENCE_TABLE, .priority = FENCE_PRIORITY};
}

/** close_family() - Add the rule of a family, if it has spans: 0, REFUSED */
static int close_family(struct stage *stage, const struct span *spans, size_t n, enum family family)
{
	const struct mark_rule rule = rule_of(family);

	return spans_have(spans, n, family) ? stage_add(stage, rtmessage_add_mark_rule(&stage->batch, &rule)) : 0;
}

/** close_span() - Add the routes of a span: 0, REFUSED */
static int close_span(struct stage *stage, struct span span)
{
	struct prefix prefix;
	bool more;
	int r;

	do {
		more = span_take_prefix(&span, &prefix);
		r = stage_make_room(stage);
		if (!r)
			r = stage_add(stage, rtmessage_add_prohibit_route(&stage->batch, FENCE_TABLE, &prefix));
	} while (!r && more);
	return r;
}

/**
 * fence_probe() - Add the first route of a fence, and tell whether it had been missing
 * @host:	Port
 * @spans:	Destinations
 * @n:		How many
 * @ret_new:	Whether
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
int fence_probe(struct port *host, const struct span *spans, size_t n, bool *ret_new, struct error *reterr)
{
	struct prefix prefix;
	struct stage stage;
	struct span span;
	int r;

	*ret_new = false;
	if (!n)
		return 0;
	span = spans[0];
	(void)span_take_prefix(&span, &prefix);
	stage_begin(&stage, host, WHERE, reterr);
	r = stage_add(&stage, rtmessage_add_prohibit_route(&stage.batch, FENCE_TABLE, &prefix));
	if (r)
		return as_snat(r, reterr);
	stage.batch.may_exist = 0;
	r = stage_try(&stage);
	*ret_new = !r;
	if (r == PORT_E_REFUSED && stage.failure.errnum == EEXIST)
		return 0;
	return as_snat(r == PORT_E_REFUSED ? stage_refused(&stage) : r ? REFUSED : 0, reterr);
}

/**
 * fence_close() - Prohibit marked packets to destinations
 * @host:	Port
 * @spans:	Destinations
 * @n:		How many
 * @reterr:	Error
 *
 * Return: 0; REFUSED, then some of it may be there
 */
int fence_close(struct port *host, const struct span *spans, size_t n, struct error *reterr)
{
	struct stage stage;
	int r;

	stage_begin(&stage, host, WHERE, reterr);
	r = close_family(&stage, spans, n, FAMILY_IPV4);
	if (!r)
		r = close_family(&stage, spans, n, FAMILY_IPV6);
	for (size_t i = 0; !r && i < n; i++)
		r = close_span(&stage, spans[i]);
	if (!r)
		r = stage_send(&stage);
	return as_snat(r, reterr);
}

/**
 * try_open() - Send what is gathered; things that are gone already will do
 * @stage:	Stage; without messages afterwards. Messages behind a refused one are carried out, too
 *
 * Return: 0, REFUSED
 */
static int try_open(struct stage *stage)
{
	int r = stage_try(stage);

	/* ESRCH: no such route, ENOENT: no such rule, EAFNOSUPPORT: no such family any more */
	if (r == PORT_E_REFUSED && stage->failure.errnum != ESRCH && stage->failure.errnum != ENOENT &&
	    stage->failure.errnum != EAFNOSUPPORT)
		return stage_refused(stage);
	batch_reset(&stage->batch);
	return r < 0 ? REFUSED : 0;
}

/** take_foreign() - port_reply_fn: gather the removal of a route that does not prohibit; userdata is a batch */
static int take_foreign(const struct nlmsghdr *message, void *userdata)
{
	struct batch *removal = userdata;
	struct route_info route;
	int r;

	if (!message) {
		batch_reset(removal);
		return 0;
	}
	r = rtmessage_read_route(message, &route);
	/* A kernel that checks nothing tells of all tables. */
	if (r || route.table != FENCE_TABLE || rtmessage_route_kind(&route) == ROUTE_PROHIBITS ||
	    !batch_has_room(removal))
		return r == -ENOMSG ? 0 : r;
	r = rtmessage_delete_told(removal, message);
	return r == -E2BIG ? 0 : r;
}

/** gather_foreign() - The removal of routes of others, some of them if there are many: 0, REFUSED */
static int gather_foreign(struct stage *stage, enum family family, struct batch *removal)
{
	int r;

	batch_reset(removal);
	stage->reply = take_foreign;
	stage->userdata = removal;
	r = stage_add(stage, rtmessage_dump_table(&stage->batch, family, FENCE_TABLE));
	if (!r)
		r = stage_try(stage);
	/* ENOENT: no such table; EAFNOSUPPORT, EOPNOTSUPP: no such family */
	if (r == PORT_E_REFUSED && (stage->failure.errnum == ENOENT || stage->failure.errnum == EAFNOSUPPORT ||
				    stage->failure.errnum == EOPNOTSUPP))
		return 0;
	return r == PORT_E_REFUSED ? stage_refused(stage) : r ? REFUSED : 0;
}

/**
 * fence_clear() - Remove what others put into the table where there are only prohibitions, and which would lead round them
 * @host:	Port
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
int fence_clear(struct port *host, struct error *reterr)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	struct stage question, removal;

	for (unsigned i = 0; i < CLEARING_ATTEMPTS * ARRAY_LENGTH(families); i++) {
		int r;

		stage_begin(&question, host, WHERE, reterr);
		stage_begin(&removal, host, WHERE, reterr);
		r = gather_foreign(&question, families[i % ARRAY_LENGTH(families)], &removal.batch);
		if (!r && !removal.batch.count)
			continue;
		if (!r) {
			log_line("routes of others in table %u, where rangeguard only prohibits, are removed: they let "
				 "pinned packets pass",
				 FENCE_TABLE);
			r = try_open(&removal);
		}
		if (r)
			return as_snat(r, reterr);
	}
	return 0;
}

/**
 * is_route_of() - Whether a prefix is one of those that span_take_prefix() takes from a span: the widest ones within it
 * @span:	Span
 * @prefix:	Prefix
 */
static bool is_route_of(const struct span *span, const struct prefix *prefix)
{
	struct prefix wider = {.address = prefix->address, .length = (uint8_t)(prefix->length - 1)};
	struct span own = prefix_span(prefix), parent;

	if (!span_covers(span, &own))
		return false;
	if (prefix->length == 0)
		return true;
	parent = prefix_span(&wider);
	return !span_covers(span, &parent);
}

/** is_needed() - Whether one of @kept needs the route to @prefix */
static bool is_needed(const struct span *kept, size_t n_kept, const struct prefix *prefix)
{
	for (size_t i = 0; i < n_kept; i++)
		if (is_route_of(&kept[i], prefix))
			return true;
	return false;
}

/**
 * open_span() - Remove the routes of a span
 * @stage:	Stage
 * @span:	Span
 * @kept:	Spans whose routes stay
 * @n_kept:	How many
 *
 * Return: 0, REFUSED
 */
static int open_span(struct stage *stage, struct span span, const struct span *kept, size_t n_kept)
{
	struct prefix prefix;
	bool more;
	int r = 0;

	do {
		more = span_take_prefix(&span, &prefix);
		if (is_needed(kept, n_kept, &prefix))
			continue;
		if (!batch_has_room(&stage->batch))
			r = try_open(stage);
		if (!r)
			r = stage_add(stage, rtmessage_delete_prohibit_route(&stage->batch, FENCE_TABLE, &prefix));
	} while (!r && more);
	return r;
}

/** open_family() - Remove the rule of a family of which nothing is kept: 0, REFUSED */
static int open_family(struct stage *stage, const struct span *kept, size_t n_kept, enum family family)
{
	struct mark_rule rule = rule_of(family);
	int r = 0;

	rule.mark = 0; /* whatever it was when the rule was made */
	if (spans_have(kept, n_kept, family))
		return 0;
	if (!batch_has_room(&stage->batch))
		r = try_open(stage);
	return r ? r : stage_add(stage, rtmessage_delete_mark_rule(&stage->batch, &rule));
}

/**
 * fence_open() - Remove routes, and rules that are no longer needed
 * @host:	Port
 * @gone:	Destinations that nobody is pinned to any more
 * @n:		How many
 * @kept:	All others that somebody is pinned to
 * @n_kept:	How many
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
int fence_open(struct port *host, const struct span *gone, size_t n, const struct span *kept, size_t n_kept,
	       struct error *reterr)
{
	struct stage stage;
	int r = 0;

	stage_begin(&stage, host, WHERE, reterr);
	for (size_t i = 0; !r && i < n; i++)
		r = open_span(&stage, gone[i], kept, n_kept);
	if (!r && spans_have(gone, n, FAMILY_IPV4))
		r = open_family(&stage, kept, n_kept, FAMILY_IPV4);
	if (!r && spans_have(gone, n, FAMILY_IPV6))
		r = open_family(&stage, kept, n_kept, FAMILY_IPV6);
	if (!r)
		r = try_open(&stage);
	return as_snat(r, reterr);
}
