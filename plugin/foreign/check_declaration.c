/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of others checked against the guard. Pure. */

#include <stdio.h>

#include "plugin/foreign/check_declaration.h"
#include "plugin/netconf/check.h"
#include "rangeguard/cleanup.h"

/** struct declaration_check - What the checks share: file, guard, listener, and as a guard what the ranges do not give */
struct declaration_check {
	const char *file;
	const struct guard *guard;
	const struct guard *withheld;
	struct report *report;
};

/** tell() - One finding about a declaration, with the policy's entry as its other side */
static void tell(const struct declaration_check *check, enum rule rule, enum severity severity,
		 const struct declaration *declaration, const char *subject, const struct guard_entry *entry)
{
	static const char *const remedies[] = {
		[DECLARED_RANGE] = "choose another range, or ask the owner for a grant",
		[DECLARED_GATEWAY] = "choose another gateway, or ask the owner",
		[DECLARED_ADDRESS] = "choose another address, or ask the owner for a grant",
	};
	struct reservation_clash clash = {
		.rule = rule,
		.severity = severity,
		.file = check->file,
		.pointer = declaration->pointer,
		.offset = declaration->offset,
		.subject = subject,
		.remedy = declaration->default_of ? "name another one" : remedies[declaration->kind],
	};

	reservation_report(check->report, &clash, entry);
}

/** count_given() - How many addresses of a range are given: neither excluded nor a gateway */
static u128 count_given(const struct declaration_check *check, const struct span *span)
{
	struct span rest = *span, part;
	u128 given = span->last - span->first;

	/* ::/0 has one more than the type can say. */
	given += given < ~(u128)0;
	while (guard_next(check->withheld, &rest, &part) == GUARD_E_RESERVED) {
		given -= part.last - part.first + 1;
		if (part.last == span->last)
			break;
		rest.first = part.last + 1;
	}
	return given;
}

/** check_room() - Nothing left of a range is an error, less than half of it worth a warning (RG107) */
static void check_room(const struct declaration_check *check, const struct declaration *declaration)
{
	u128 given = count_given(check, &declaration->span), all = declaration->span.last - declaration->span.first;
	char text[SPAN_TEXT_MAX], given_text[COUNT_TEXT_MAX], all_text[COUNT_TEXT_MAX];

	if (!given)
		report_error(check->report, RULE_NO_ADDRESS, check->file, declaration->pointer,
			     "range %s has no usable address: each one is excluded or a gateway",
			     span_format(&declaration->span, text));
	else if (all > 1 && given <= all / 2)
		report_warning(check->report, RULE_NO_ADDRESS, check->file, declaration->pointer,
			       "range %s has %s usable addresses of %s: the others are excluded or gateways; enlarge "
			       "it if that is too few",
			       span_format(&declaration->span, text), count_format(given, given_text),
			       count_format(all + (all < ~(u128)0), all_text));
}

/** check_range() - No part of the network may be reserved, whatever is excluded: a route to all of it may be made */
static void check_range(const struct declaration_check *check, const struct declaration *declaration)
{
	struct span reach = declaration_reach(declaration);
	char text[SPAN_TEXT_MAX], subject[256];
	struct guard_entry entry;

	if (guard_touch(check->guard, &reach, NULL, &entry) != GUARD_E_RESERVED) {
		check_room(check, declaration);
		return;
	}
	if (declaration->network.address.family == FAMILY_NONE)
		(void)span_format(&declaration->span, text);
	else
		(void)prefix_format(&declaration->network, text);
	if (declaration->default_of)
		(void)snprintf(subject, sizeof(subject), "%s get %s, the default of %s, which touches",
			       declaration_use_name(declaration->use), text, declaration->default_of);
	else
		(void)snprintf(subject, sizeof(subject), "range %s touches", text);
	tell(check, RULE_RANGE_RESERVED, declaration->mild ? SEVERITY_WARNING : SEVERITY_ERROR, declaration, subject,
	     &entry);
}

/** check_gateway() - A gateway is an address that somebody will answer at; one that is implied lies in the range */
static void check_gateway(const struct declaration_check *check, const struct declaration *declaration)
{
	char text[SPAN_TEXT_MAX], subject[128];
	struct guard_entry entry;

	if (declaration->implied || guard_touch(check->guard, &declaration->span, NULL, &entry) != GUARD_E_RESERVED)
		return;
	(void)snprintf(subject, sizeof(subject), "gateway %s lies in", span_format(&declaration->span, text));
	tell(check, RULE_GATEWAY_RESERVED, SEVERITY_ERROR, declaration, subject, &entry);
}

/** check_address() - A fixed address may not be reserved; that its network touches a reservation is worth a warning */
static void check_address(const struct declaration_check *check, const struct declaration *declaration)
{
	struct span network = prefix_span(&declaration->network);
	char text[SPAN_TEXT_MAX], network_text[PREFIX_TEXT_MAX], subject[256];
	struct guard_entry entry;

	(void)span_format(&declaration->span, text);
	if (guard_touch(check->guard, &declaration->span, NULL, &entry) == GUARD_E_RESERVED) {
		(void)snprintf(subject, sizeof(subject), "address %s lies in", text);
		tell(check, RULE_ADDRESS_RESERVED, SEVERITY_ERROR, declaration, subject, &entry);
	} else if (guard_touch(check->guard, &network, NULL, &entry) == GUARD_E_RESERVED) {
		(void)snprintf(subject, sizeof(subject),
			       "network %s of address %s, which becomes reachable on-link, touches",
			       prefix_format(&declaration->network, network_text), text);
		tell(check, RULE_RANGE_RESERVED, SEVERITY_WARNING, declaration, subject, &entry);
	}
}

/** withheld_by() - What ranges do not give, as a guard; 0 or negative errno */
static int withheld_by(const struct declarations *declarations, struct guard **ret_guard)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	int r = guard_new(&guard);

	for (size_t i = 0; i < declarations->n_items && !r; i++) {
		struct guard_entry entry = {.kind = GUARD_RESERVED, .span = declarations->items[i].span};

		if (declarations->items[i].kind == DECLARED_EXCLUDED || declarations->items[i].kind == DECLARED_GATEWAY)
			r = guard_add(guard, &entry);
	}
	if (!r)
		r = guard_seal(guard);
	if (!r)
		*ret_guard = TAKE_PTR(guard);
	return r;
}

/** check_declaration() - One declaration */
static void check_declaration(const struct declaration_check *check, const struct declaration *declaration)
{
	switch (declaration->kind) {
	case DECLARED_RANGE:
		check_range(check, declaration);
		break;
	case DECLARED_GATEWAY:
		check_gateway(check, declaration);
		break;
	case DECLARED_ADDRESS:
		check_address(check, declaration);
		break;
	case DECLARED_EXCLUDED:
	case DECLARED_RESERVED:
	default:
		break;
	}
}

/**
 * check_declarations() - Check what a plugin uses against the guard
 * @declarations:	What it uses
 * @file:	File of the configuration
 * @guard:	Sealed guard
 * @report:	Hears each clash
 *
 * Return: 0 also with findings, negative errno
 */
int check_declarations(const struct declarations *declarations, const char *file, const struct guard *guard,
		       struct report *report)
{
	GUARD_CLEANUP struct guard *withheld = NULL;
	struct declaration_check check = {.file = file, .guard = guard, .report = report};
	int r = withheld_by(declarations, &withheld);

	if (r < 0)
		return r;
	check.withheld = withheld;
	for (size_t i = 0; i < declarations->n_items; i++)
		check_declaration(&check, &declarations->items[i]);
	return 0;
}

/**
 * check_declaration_routes() - Check another plugin's ranges against a host's routes
 * @declarations:	What it uses
 * @file:	File of the configuration
 * @own_device:	Bridge or parent interface, whose routes are the network's own; NULL: not known
 * @routes:	The host's routes
 * @report:	Hears, of each range, the heaviest, as a warning: nothing will refuse it
 */
void check_declaration_routes(const struct declarations *declarations, const char *file, const char *own_device,
			      const struct routes *routes, struct report *report)
{
	struct route_question question = {
		.file = file,
		.clash_severity = SEVERITY_WARNING,
		.own_device = own_device,
		.remedy = "choose another range, or remove the route",
	};

	for (size_t i = 0; i < declarations->n_items; i++) {
		if (declarations->items[i].kind != DECLARED_RANGE ||
		    declarations->items[i].network.address.family == FAMILY_NONE)
			continue;
		question.pointer = declarations->items[i].pointer;
		question.offset = declarations->items[i].offset;
		question.span = declarations->items[i].span;
		question.network = declarations->items[i].network;
		check_range_routes(&question, routes, report);
	}
}
