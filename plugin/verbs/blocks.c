/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugin/verbs/blocks.h"

#include "plugin/host/ask.h"

/** How long an ADD waits for a block, or to hear whose it is, design/cluster.md section 4; the agent answers a little earlier */
#define BLOCK_WAIT_MS 2500

/** pools_of() - The pools that the ranges of a set are cut out of; NULL: out of memory */
static json_t *pools_of(const struct netconf *netconf, const struct range_set *set)
{
	json_t *pools = json_array();
	char cidr[PREFIX_TEXT_MAX];

	for (size_t i = 0; pools && i < set->n_ranges; i++) {
		const struct ip_range *range = &set->ranges[i];
		uint8_t length = own_ranges_block_length(netconf, range->span.family);

		if (length)
			(void)json_array_append_new(pools, json_pack("{s:s, s:i, s:s, s:I}", "cidr",
								     prefix_format(&range->subnet, cidr), "blockLength",
								     (int)length, "network", netconf->name,
								     "reuseDelay", (json_int_t)netconf->reuse_delay));
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
		(void)ask_agent(context->netconf.data_dir, question, BLOCK_WAIT_MS, &answer, &ignored);
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
