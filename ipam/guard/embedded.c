/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 ranges in their IPv6 forms. Pure. */

#include "ipam/guard/embedded.h"

#include "ipam/guard/guard_internal.h"

/** struct embedding - @first and @last address; an IPv4 address stands @shift bits from the right */
struct embedding {
	u128 first;
	u128 last;
	unsigned shift;
};

static const struct embedding forms[EMBEDDED_FORMS] = {
	{.first = (u128)0x0064ff9b << 96, .last = ((u128)0x0064ff9b << 96) + UINT32_MAX, .shift = 0},
	{.first = (u128)0x2002 << 112, .last = ((u128)0x2003 << 112) - 1, .shift = 80},
};

/** later() - The greater of two addresses */
static u128 later(u128 a, u128 b)
{
	return a > b ? a : b;
}

/** earlier() - The lesser of two addresses */
static u128 earlier(u128 a, u128 b)
{
	return a < b ? a : b;
}

/**
 * embedded_inner() - The IPv4 addresses that stand in those of a span
 * @form:	Which form, below EMBEDDED_FORMS
 * @span:	Addresses
 * @ret_ipv4:	IPv4 addresses; all of them, where the span begins or ends within the addresses of one
 *
 * Return: whether there are any
 */
bool embedded_inner(size_t form, const struct span *span, struct span *ret_ipv4)
{
	const struct embedding *at = &forms[form];
	u128 first = later(span->first, at->first), last = earlier(span->last, at->last);

	if (span->family != FAMILY_IPV6 || first > last)
		return false;
	*ret_ipv4 = (struct span){
		.family = FAMILY_IPV4,
		.first = (uint32_t)(first >> at->shift),
		.last = (uint32_t)(last >> at->shift),
	};
	return true;
}

/**
 * embedded_outer() - The addresses in which IPv4 addresses stand
 * @form:	Which form
 * @ipv4:	IPv4 addresses, of those that embedded_inner() gave for @within
 * @within:	Only those
 *
 * Return: the addresses
 */
struct span embedded_outer(size_t form, const struct span *ipv4, const struct span *within)
{
	const struct embedding *at = &forms[form];
	u128 last = at->first + ((ipv4->last + 1) << at->shift) - 1;

	return (struct span){
		.family = FAMILY_IPV6,
		.first = later(at->first + (ipv4->first << at->shift), within->first),
		.last = earlier(last, within->last),
	};
}

/**
 * ask_first() - The first reserved part of a span, by itself or for the IPv4 addresses that stand in it
 * @guard:	Guard
 * @span:	Addresses
 * @ret_answer:	Only when some are reserved; where both are the first, that by itself
 * @ret_entry:	NULL, or the entry; only when some are reserved
 *
 * Return: 0, GUARD_E_RESERVED, negative errno
 */
static int ask_first(const struct guard *guard, const struct span *span, struct guard_answer *ret_answer,
		     struct guard_entry *ret_entry)
{
	int found = guard_ask(guard, span, ret_answer, ret_entry);

	for (size_t form = 0; form < EMBEDDED_FORMS && found >= 0; form++) {
		struct guard_answer answer;
		struct guard_entry entry;
		struct span ipv4;
		int r = embedded_inner(form, span, &ipv4) ? guard_ask(guard, &ipv4, &answer, ret_entry ? &entry : NULL)
							  : 0;

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		answer.part = embedded_outer(form, &answer.part, span);
		answer.run = embedded_outer(form, &answer.run, span);
		if (found && ret_answer->part.first <= answer.part.first)
			continue;
		found = r;
		*ret_answer = answer;
		if (ret_entry)
			*ret_entry = entry;
	}
	return found;
}

/** has_embedded() - Whether IPv4 addresses stand in those of a span */
static bool has_embedded(const struct span *span)
{
	struct span ipv4;

	for (size_t form = 0; form < EMBEDDED_FORMS; form++)
		if (embedded_inner(form, span, &ipv4))
			return true;
	return false;
}

/**
 * guard_ask_all() - Ask a guard about addresses, and about the IPv4 addresses that stand in them
 * @guard:	Guard
 * @span:	Addresses
 * @ret_answer:	Only when some are reserved
 * @ret_entry:	NULL, or the entry; only when some are reserved
 *
 * Return: 0, GUARD_E_RESERVED, negative errno when a damaged file could not be replaced
 */
int guard_ask_all(const struct guard *guard, const struct span *span, struct guard_answer *ret_answer,
		  struct guard_entry *ret_entry)
{
	struct guard_answer more;
	struct span rest = *span;
	int r;

	if (!has_embedded(span))
		return guard_ask(guard, span, ret_answer, ret_entry);
	r = ask_first(guard, span, ret_answer, ret_entry);
	/* Where the run of the one ends, that of the other may go on. */
	while (r == GUARD_E_RESERVED && ret_answer->run.last < span->last) {
		int next;

		rest.first = ret_answer->run.last + 1;
		next = ask_first(guard, &rest, &more, NULL);
		if (next < 0)
			return next;
		if (next == 0 || more.run.first != rest.first)
			break;
		ret_answer->run.last = more.run.last;
	}
	return r;
}
