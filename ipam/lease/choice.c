/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The next address of a range set: behind the last one given, then whatever has rested longest. */

#include "ipam/lease/choice.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

#include "ipam/lease/extent.h"
#include "ipam/lease/lease_table.h"
#include "ipam/lease/pool.h"
#include "ipam/lease/resting.h"
#include "rangeguard/outcome.h"

/** First byte of the keys in STORE_META under which the last address given to a network stands */
#define CURSOR_PREFIX '>'

/** What becomes of an address that a pool offers; apart from the values of enum ipam_outcome */
enum candidate {
	CANDIDATE_GOOD = 0,
	CANDIDATE_PASS = OUTCOMES_CHOICE, /* the next one, please */
	CANDIDATE_DROP,			  /* so, and the pool should not have it */
};

/** cursor_key() - Key of the last address given to the network and range set of @choice */
static struct row_key cursor_key(const struct choice *choice)
{
	const char *network = choice->request->lease.attachment.network;
	XXH128_canonical_t digest;
	struct row_key key;
	uint8_t *at = key.data;

	XXH128_canonicalFromHash(&digest, XXH3_128bits(network, strlen(network)));
	*at++ = CURSOR_PREFIX;
	at = mempcpy(at, digest.digest, sizeof(digest.digest));
	at = row_write_number(at, choice->set);
	key.size = (size_t)(at - key.data);
	return key;
}

/**
 * choice_set_cursor() - Note the last address given to a network from a range set
 * @choice:	Network and range set
 * @address:	Address
 *
 * Return: 0, negative errno
 */
int choice_set_cursor(const struct choice *choice, const struct address *address)
{
	struct row_key key = cursor_key(choice);
	uint8_t value[ROW_ADDRESS_BYTES];

	(void)row_write_address(value, address);
	return choice->store->ops->put(choice->store, STORE_META, row_key_bytes(&key), bytes_of(value, sizeof(value)));
}

/**
 * get_cursor() - The last address given to a network from a range set
 * @choice:		Network and range set
 * @ret_address:	Address
 *
 * Return: 0, STORE_E_NOT_FOUND, negative errno
 */
static int get_cursor(const struct choice *choice, struct address *ret_address)
{
	struct row_key key = cursor_key(choice);
	struct bytes value;
	int r;

	r = choice->store->ops->get(choice->store, STORE_META, row_key_bytes(&key), &value);
	/* One that can't be read is as good as none: the search begins with the first range. */
	return r || row_read_address(&value, ret_address) == 0 ? r : (int)STORE_E_NOT_FOUND;
}

/** set_of() - The range set of @choice */
static const struct range_set *set_of(const struct choice *choice)
{
	return &choice->request->sets[choice->set];
}

/** choice_is_excluded() - Whether one of the range sets of @request says that @address is never given */
bool choice_is_excluded(const struct ipam_request *request, const struct address *address)
{
	for (size_t i = 0; i < request->n_sets; i++)
		if (range_set_excludes(&request->sets[i], address))
			return true;
	return false;
}

/** choice_may_have() - Whether @address may be given to this request: its own, or one that is not excluded */
bool choice_may_have(const struct ipam_request *request, const struct address *address)
{
	for (size_t i = 0; i < request->n_own; i++)
		if (address_equal(&request->own[i], address))
			return true;
	return !choice_is_excluded(request, address);
}

/**
 * choice_ask_veto() - What the outside world says of an address
 * @request:	Request
 * @set:	Range set that has the address
 * @address:	Address
 * @requested:	Whether it was asked for by name
 *
 * Return: an ipam_verdict, negative errno
 */
int choice_ask_veto(const struct ipam_request *request, size_t set, const struct address *address, bool requested)
{
	if (!request->veto)
		return IPAM_VERDICT_FREE;
	return request->veto(request->userdata, range_set_find(&request->sets[set], address), address, requested);
}

/**
 * judge() - Whether an address that a pool offers may be given
 * @choice:		What is being chosen
 * @address:		Address
 * @reterr_refusal:	Filled for IPAM_E_VETOED
 *
 * The pool knows all this already, but for the veto and for what other networks released that this one must not
 * give. It is asked again so that a mistake there can never give an address that is held or reserved.
 *
 * Return: a candidate's fate, IPAM_E_VETOED, negative errno
 */
static int judge(const struct choice *choice, const struct address *address, struct ipam_refusal *reterr_refusal)
{
	const struct ipam_request *request = choice->request;
	struct bytes holder;
	int r;

	if (!range_set_find(set_of(choice), address))
		return CANDIDATE_DROP;
	r = guard_decide(request->guard, address, NULL);
	if (r)
		return r < 0 ? r : CANDIDATE_DROP;
	if (range_set_excludes(set_of(choice), address))
		return CANDIDATE_DROP;
	if (choice_is_excluded(request, address))
		return CANDIDATE_PASS;
	r = lease_table_find(choice->store, address, &holder);
	if (r != STORE_E_NOT_FOUND)
		return r < 0 ? r : CANDIDATE_DROP;
	r = choice_ask_veto(request, choice->set, address, false);
	if (r == IPAM_VERDICT_FREE || r < 0)
		return r < 0 ? r : CANDIDATE_GOOD;
	if (r == IPAM_VERDICT_SKIP)
		return CANDIDATE_PASS;
	reterr_refusal->address = *address;
	return IPAM_E_VETOED;
}

/**
 * try_candidate() - judge(), and take what should not be there out of the pool
 * @choice:		What is being chosen
 * @address:		Address
 * @reterr_refusal:	Filled for IPAM_E_VETOED
 *
 * Return: CANDIDATE_GOOD, CANDIDATE_PASS, IPAM_E_VETOED, negative errno
 */
static int try_candidate(struct choice *choice, const struct address *address, struct ipam_refusal *reterr_refusal)
{
	int r;

	r = judge(choice, address, reterr_refusal);
	if (r == CANDIDATE_DROP) {
		r = pool_withdraw(choice->store, &choice->pool, address);
		if (r < 0)
			return r;
		r = CANDIDATE_PASS;
	}
	if (r == CANDIDATE_PASS && choice->skips_left)
		choice->skips_left--;
	return r;
}

/**
 * search_free() - The first free address in a span that may be given
 * @choice:		What is being chosen
 * @span:		Span
 * @ret_address:	Address
 * @reterr_refusal:	Filled for IPAM_E_VETOED
 *
 * Return: 0, IPAM_E_FULL, IPAM_E_VETOED, negative errno
 */
static int search_free(struct choice *choice, struct span span, struct address *ret_address,
		       struct ipam_refusal *reterr_refusal)
{
	struct address address;
	int r;

	while ((r = extent_find(choice->store, &choice->pool, &span, &address)) == 0) {
		r = try_candidate(choice, &address, reterr_refusal);
		if (r == CANDIDATE_GOOD)
			*ret_address = address;
		if (r != CANDIDATE_PASS)
			return r;
		if (address.value == span.last || !choice->skips_left)
			return IPAM_E_FULL;
		span.first = address.value + 1;
	}
	return r < 0 ? r : IPAM_E_FULL;
}

/**
 * search_resting() - The address that was released first and may be given
 * @choice:		What is being chosen
 * @ret_address:	Address
 * @reterr_refusal:	Filled for IPAM_E_VETOED
 *
 * Return: 0, IPAM_E_FULL, IPAM_E_VETOED, negative errno
 */
static int search_resting(struct choice *choice, struct address *ret_address, struct ipam_refusal *reterr_refusal)
{
	const struct resting *after = NULL;
	struct resting resting;
	int r;

	while ((r = resting_next(choice->store, &choice->pool, after, &resting)) == 0) {
		r = try_candidate(choice, &resting.address, reterr_refusal);
		if (r == CANDIDATE_GOOD)
			*ret_address = resting.address;
		if (r != CANDIDATE_PASS)
			return r;
		if (!choice->skips_left)
			return IPAM_E_FULL;
		after = &resting;
	}
	return r < 0 ? r : IPAM_E_FULL;
}

/**
 * search_ranges() - The next free address behind the last one given that may be given
 * @choice:		What is being chosen
 * @ret_address:	Address
 * @reterr_refusal:	Filled for IPAM_E_VETOED
 *
 * From behind the cursor to the end of its range, through the ranges that follow in the order of the configuration,
 * and from the first one again, back to the cursor.
 *
 * Return: 0, IPAM_E_FULL, IPAM_E_VETOED, negative errno
 */
static int search_ranges(struct choice *choice, struct address *ret_address, struct ipam_refusal *reterr_refusal)
{
	const struct range_set *set = set_of(choice);
	const struct ip_range *at = NULL;
	struct address cursor;
	size_t start;
	int r;

	r = get_cursor(choice, &cursor);
	if (r < 0)
		return r;
	if (r == 0)
		at = range_set_find(set, &cursor);
	start = at ? (size_t)(at - set->ranges) : 0;
	if (!set->n_ranges)
		return IPAM_E_FULL;

	for (size_t i = 0; i <= set->n_ranges; i++) {
		struct span span = set->ranges[(start + i) % set->n_ranges].span;

		if (i == 0 && at) {
			if (cursor.value == span.last)
				continue;
			span.first = cursor.value + 1;
		}
		if (i == set->n_ranges) {
			if (!at)
				break;
			span.last = cursor.value;
		}
		r = search_free(choice, span, ret_address, reterr_refusal);
		if (r != IPAM_E_FULL)
			return r;
	}
	return IPAM_E_FULL;
}

/**
 * choice_next() - Choose the next address of a range set
 * @choice:		What is being chosen
 * @ret_address:	Address
 * @reterr_refusal:	Filled for IPAM_E_FULL and IPAM_E_VETOED
 *
 * Return: 0, IPAM_E_FULL, IPAM_E_VETOED, negative errno
 */
int choice_next(struct choice *choice, struct address *ret_address, struct ipam_refusal *reterr_refusal)
{
	int r;

	choice->skips_left = LIMIT_SKIPPED_PER_ADD;
	r = search_ranges(choice, ret_address, reterr_refusal);
	if (r == IPAM_E_FULL)
		r = search_resting(choice, ret_address, reterr_refusal);
	if (r == IPAM_E_FULL)
		reterr_refusal->set = choice->set;
	return r;
}
