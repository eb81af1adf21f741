/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_DOCKER_RECORD_H
#define PLUGIN_AGENT_DOCKER_RECORD_H

/*
 * What is kept of Docker's networks: leases in the store that CNI's leases are in. A subnet that Docker has (it calls
 * that a pool) is a lease without addresses; each address in it is a lease of its own. Both are of a network
 * "docker/SUBNET", which no network of CNI can be called; what else has to be known stands as JSON in the place of the
 * namespace's path, so that whoever looks for dead containers takes them for alive. Pure.
 */

#include "ipam/lease/lease.h"
#include "plugin/agent/process.h"
#include "plugin/netconf/netconf.h"

/** Space for a token: 64 bits in hexadecimal */
#define DOCKER_TOKEN_MAX 17
/** Space for "docker/SUBNET" */
#define DOCKER_NETWORK_MAX (PREFIX_TEXT_MAX + 8)
/** Space for a pool's id: "rangeguard/TOKEN/SUBNET" */
#define DOCKER_POOL_ID_MAX (PREFIX_TEXT_MAX + DOCKER_TOKEN_MAX + 16)
/** Network that grants are for, as a name of CNI */
#define DOCKER_NETWORK_NAME_MAX 256
#define DOCKER_NETWORK_DEFAULT "docker"

/** What an address is for; the text is the lease's interface name */
#define DOCKER_GATEWAY "gateway"
#define DOCKER_ENDPOINT "endpoint"

/** What kind of lease of Docker's one is */
enum docker_lease {
	DOCKER_LEASE_NONE, /* not Docker's */
	DOCKER_LEASE_POOL,
	DOCKER_LEASE_ADDRESS,
};

/**
 * struct docker_claim - Who holds a pool or an address
 * @docker:	Docker's process, as of the request
 * @run:	Agent's process that answered, a random number
 * @token:	Of the pool; another one each time that Docker asks for it, so that an id is never used for two askings
 * @pending:	Whether the answer arrived is not known
 */
struct docker_claim {
	struct process docker;
	uint64_t run;
	char token[DOCKER_TOKEN_MAX];
	bool pending;
};

/**
 * struct docker_pool - A subnet that a network of Docker's has
 * @subnet:		All of it
 * @range:		Part from which addresses are given that nobody names, all of @subnet unless Docker says less
 * @network:		Network that grants are for
 * @host_routes:	How its clashes with routes were judged
 * @claim:		Who holds it
 * @since:		When the network was made, seconds since the epoch
 * @replayed:		When Docker last asked for it again, 0: it has not
 */
struct docker_pool {
	struct prefix subnet;
	struct prefix range;
	char network[DOCKER_NETWORK_NAME_MAX];
	enum host_routes host_routes;
	struct docker_claim claim;
	int64_t since;
	int64_t replayed;
};

/** struct docker_row - A lease on its way into the store, with the texts that it borrows */
struct docker_row {
	struct lease lease;
	char network[DOCKER_NETWORK_MAX];
	char container_id[DOCKER_TOKEN_MAX];
	char *note;
};

int docker_row_of_pool(const struct docker_pool *pool, struct docker_row *ret_row);
int docker_row_of_address(const struct docker_pool *pool, const struct docker_claim *claim, const char *id,
			  const char *kind, struct docker_row *ret_row);
void docker_row_done(struct docker_row *row);

#define DOCKER_ROW_CLEANUP __attribute__((cleanup(docker_row_done)))

enum docker_lease docker_lease_kind(const struct lease *lease);
int docker_pool_of_lease(const struct lease *lease, struct docker_pool *ret_pool);
int docker_claim_of_lease(const struct lease *lease, struct docker_claim *ret_claim);
const char *docker_network_format(const struct prefix *subnet, char buffer[static DOCKER_NETWORK_MAX]);
const char *docker_pool_id_format(const struct docker_pool *pool, char buffer[static DOCKER_POOL_ID_MAX]);
int docker_pool_id_parse(const char *text, struct prefix *ret_subnet, char ret_token[static DOCKER_TOKEN_MAX]);

#endif
