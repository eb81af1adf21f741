/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_DOCKER_PROTOCOL_H
#define PLUGIN_AGENT_DOCKER_PROTOCOL_H

/*
 * Docker's plugin protocol for IPAM drivers as values: moby's libnetwork/ipams/remote/api and docs/extend/plugin_api.
 * What a request says is checked here; what can't be read is an error that names the member. Pure.
 */

#include <jansson.h>

#include "ipam/address/address.h"
#include "plugin/agent/docker_record.h"
#include "plugin/report/error.h"

#define DOCKER_SPACE_LOCAL "rangeguard-local"
#define DOCKER_SPACE_GLOBAL "rangeguard-global"

/**
 * struct docker_wish - RequestPool
 * @named:	@subnet is given, and @range
 * @subnet:	Of the network, host bits zero
 * @range:	Part of it for addresses that nobody names
 * @family:	IPv6 where Docker says so, also when no subnet is named
 * @network:	Network that grants are for; borrowed from the request
 * @host_routes:	As the options say, -1: they don't
 */
struct docker_wish {
	bool named;
	struct prefix subnet;
	struct prefix range;
	enum family family;
	const char *network;
	int host_routes;
};

/**
 * struct docker_ask - RequestAddress and ReleaseAddress
 * @subnet:	Of the pool
 * @token:	Of the pool
 * @address:	FAMILY_NONE: any
 * @gateway:	It is the network's gateway
 */
struct docker_ask {
	struct prefix subnet;
	char token[DOCKER_TOKEN_MAX];
	struct address address;
	bool gateway;
};

int docker_read_wish(const json_t *request, struct docker_wish *ret_wish, struct error *reterr);
int docker_read_ask(const json_t *request, struct docker_ask *ret_ask, struct error *reterr);

#endif
