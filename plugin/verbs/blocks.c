/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugin/verbs/blocks.h"

#include <errno.h>
#include <stdlib.h>

#include "plugin/host/ask.h"
#include "plugin/host/block_file.h"

/** How long an ADD waits for a block, design/cluster.md section 4; the agent answers a little earlier */
#define BLOCK_WAIT_MS 2500
/** Whose block an address is in is only for the message */
#define WHOSE_WAIT_MS 500

/** length_of() - Length of a family's blocks; 0: its ranges are not a cluster's */
static uint8_t length_of(const struct netconf *netconf, enum family family)
{
	return family == FAMILY_IPV6 ? netconf->block_length_ipv6 : netconf->block_length_ipv4;
}

/** blocks_are_used() - Whether any range of the network is a cluster's */
bool blocks_are_used(const struct netconf *netconf)
{
	return netconf->block_length_ipv4 != 0 || netconf->block_length_ipv6 != 0;
}

/** add_range() - One more range of a set; 0, -ENOMEM */
static int add_range(struct range_set *set, const struct ip_range *range)
{
	struct ip_range *ranges = reallocarray(set->ranges, set->n_ranges + 1, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	set->ranges = ranges;
	ranges[set->n_ranges++] = *range;
	return 0;
}

/** add_parts() - The parts of a range that lie in blocks of this host, in the order of the file; 0, -ENOMEM */
static int add_parts(struct range_set *set, const struct ip_range *range, uint8_t length, const struct block_file *file)
{
	for (size_t i = 0; i < file->n_blocks; i++) {
		struct span block = prefix_span(&file->blocks[i].prefix);
		struct ip_range part = *range;
		int r;

		if (file->blocks[i].leaving || file->blocks[i].prefix.length != length ||
		    !span_overlaps(&block, &range->span))
			continue;
		part.span.first = block.first > range->span.first ? block.first : range->span.first;
		part.span.last = block.last < range->span.last ? block.last : range->span.last;
		r = add_range(set, &part);
		if (r < 0)
			return r;
	}
	return 0;
}

/** cut_set() - A set of the network, cut down to what this host holds; 0, -ENOMEM */
static int cut_set(const struct netconf *netconf, const struct range_set *whole, const struct block_file *file,
		   struct range_set *ret_set)
{
	int r = 0;

	*ret_set = *whole;
	ret_set->ranges = NULL;
	ret_set->n_ranges = 0;
	for (size_t i = 0; i < whole->n_ranges && r == 0; i++) {
		uint8_t length = length_of(netconf, whole->ranges[i].span.family);

		r = length ? add_parts(ret_set, &whole->ranges[i], length, file)
			   : add_range(ret_set, &whole->ranges[i]);
	}
	return r;
}

/**
 * blocks_own_ranges() - What this host may give of a network's ranges
 * @netconf:	Configuration
 * @dir_fd:	State directory, the lease store in it locked
 * @ret_own:	Always to be released with own_ranges_done()
 *
 * Return: 0; -EUCLEAN: the file of blocks can't be understood; negative errno
 */
int blocks_own_ranges(const struct netconf *netconf, int dir_fd, struct own_ranges *ret_own)
{
	BLOCK_FILE_CLEANUP struct block_file file = {0};
	int r = block_file_read(dir_fd, &file);

	ret_own->sets = calloc(netconf->n_sets + 1, sizeof(*ret_own->sets));
	ret_own->n_sets = ret_own->sets ? netconf->n_sets : 0;
	if (r == 0 && !ret_own->sets)
		r = -ENOMEM;
	for (size_t i = 0; i < ret_own->n_sets && r == 0; i++)
		r = cut_set(netconf, &netconf->offered[i], &file, &ret_own->sets[i]);
	return r;
}

/** blocks_first_empty() - Index of a set of which this host holds nothing; their number: none is */
size_t blocks_first_empty(const struct own_ranges *own)
{
	size_t i = 0;

	while (i < own->n_sets && own->sets[i].n_ranges > 0)
		i++;
	return i;
}

/** pools_of() - The pools that the ranges of a set are cut out of; NULL: out of memory */
static json_t *pools_of(const struct netconf *netconf, const struct range_set *set)
{
	json_t *pools = json_array();
	char cidr[PREFIX_TEXT_MAX];

	for (size_t i = 0; pools && i < set->n_ranges; i++) {
		const struct ip_range *range = &set->ranges[i];
		uint8_t length = length_of(netconf, range->span.family);

		if (length)
			(void)json_array_append_new(pools, json_pack("{s:s, s:i, s:s}", "cidr",
								     prefix_format(&range->subnet, cidr), "blockLength",
								     (int)length, "network", netconf->name));
	}
	return pools;
}

/**
 * blocks_ask() - Ask the agent for a block
 * @context:	Call
 * @set:	Range set in which there is no free address
 * @reterr:	Code 11: the agent, etcd or the pool is the reason; 101: every block is held; 7: another host has cut the
 *		pool in another way
 *
 * Return: 0: there is another block; REFUSED
 */
int blocks_ask(const struct context *context, size_t set, struct error *reterr)
{
	json_t *pools = pools_of(&context->netconf, &context->netconf.offered[set]);
	json_t *question = json_pack("{s:s, s:o}", "ask", "block", "pools", pools);
	json_t *answer = NULL;
	int r;

	if (!question)
		return error_no_memory(reterr);
	r = ask_agent(context->netconf.data_dir, question, BLOCK_WAIT_MS, &answer, reterr);
	json_decref(question);
	json_decref(answer);
	if (r == (int)ASK_E_NO_AGENT)
		return error_set(reterr, ERROR_TRY_AGAIN,
				 "this host holds no block of network \"%.64s\" with a free address, and no "
				 "rangeguard-agent runs here that could get one: systemctl start rangeguard-agent",
				 context->netconf.name);
	return r ? REFUSED : 0;
}

/** ask_whose() - Host and block of an address, as the agent knows them; NULL: nobody's, or nobody to ask */
static json_t *ask_whose(const struct context *context, const char *address)
{
	json_t *question = json_pack("{s:s, s:s}", "ask", "cluster-who", "address", address);
	json_t *answer = NULL, *holder;
	struct error ignored = {0};

	if (question)
		(void)ask_agent(context->netconf.data_dir, question, WHOSE_WAIT_MS, &answer, &ignored);
	json_decref(question);
	holder = json_incref(json_array_get(json_object_get(answer, "holders"), 0));
	json_decref(answer);
	return holder;
}

/**
 * blocks_foreign_error() - Say why an address of the network's ranges that was asked for is not given: code 105
 * @context:	Call
 * @address:	Address, in the ranges and in no block of this host
 * @reterr:	Filled
 *
 * Return: REFUSED
 */
int blocks_foreign_error(const struct context *context, const struct address *address, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX];
	json_t *holder = ask_whose(context, address_format(address, text));
	const char *host = json_string_value(json_object_get(holder, "host"));
	const char *block = json_string_value(json_object_get(holder, "what"));
	int r;

	if (host && block)
		r = error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
			      "requested address %s lies in block %.64s of host %.64s: only that host gives it", text,
			      block, host);
	else
		r = error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
			      "requested address %s lies in no block of this host, which gives only from those; see "
			      "`rangeguard cluster who %s`",
			      text, text);
	json_decref(holder);
	return r;
}

/** own_ranges_done() - Release */
void own_ranges_done(struct own_ranges *own)
{
	for (size_t i = 0; i < own->n_sets; i++)
		free(own->sets[i].ranges);
	free(own->sets);
	*own = (struct own_ranges){0};
}
