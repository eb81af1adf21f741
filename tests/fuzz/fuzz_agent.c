/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any JSON as what Docker asks of the agent, and as cluster.json: what is taken has prefixes of one family and texts that
 * end; what is refused is so with a code and a text.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/agent/cluster_config.h"
#include "plugin/agent/docker_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** check_outcome() - 0 without an error, or an error */
static void check_outcome(int r, const struct error *err)
{
	require(!r == !err->code && !r == !*err->msg);
}

/** ask() - As a request of Docker's */
static void ask(const json_t *request)
{
	struct docker_wish wish = {0};
	struct docker_ask asked = {0};
	struct error err = {0};
	int r = docker_read_wish(request, &wish, &err);

	check_outcome(r, &err);
	if (!r && wish.named) {
		struct span subnet = prefix_span(&wish.subnet), range = prefix_span(&wish.range);

		require(subnet.family == range.family && range.first >= subnet.first && range.last <= subnet.last);
	}
	err = (struct error){0};
	r = docker_read_ask(request, &asked, &err);
	check_outcome(r, &err);
	if (!r)
		require(memchr(asked.token, '\0', sizeof(asked.token)) != NULL);
}

/** configure() - As cluster.json, but for the file that it may name; consumes the reference */
static void configure(json_t *root)
{
	struct cluster_config config = {0};
	struct error err = {0};
	int r;

	(void)json_object_del(root, "passwordFile");
	r = cluster_config_parse(root, "cluster.json", &config, &err);
	check_outcome(r, &err);
	if (!r) {
		require(*config.host && memchr(config.host, '\0', sizeof(config.host)) != NULL);
		require(config.ttl_ms > 0);
	}
	cluster_config_done(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(root)) {
		json_decref(root);
		return 0;
	}
	ask(root);
	configure(root);
	return 0;
}
