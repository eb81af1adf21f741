/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's configuration as values. */

#include "plugin/agent/config.h"

#include <errno.h>
#include <string.h>

#include "plugin/netconf/netconf_ipam.h"
#include "plugin/text/json.h"
#include "plugin/text/source.h"
#include "rangeguard/array.h"

/** How often leases of containers that are gone are looked for: seconds */
#define GC_SECONDS 300U
#define DOCKER_SOCKET "/run/docker/plugins/rangeguard.sock"
#define DOCKER_STATE "/var/lib/rangeguard/docker.json"
#define DOCKER_AVOID "/etc/cni/net.d"
/** Docker asks for everything, and its client asks again, within less than half of that: seconds */
#define DOCKER_FORGET_AFTER 120U
/** An agent's configuration is written by hand; policies stand in files of their own */
#define CONFIG_BYTES_MAX (16U << 20)

/** default_pools() - Docker's own blocks, in subnets that leave room for many networks */
static void default_pools(struct docker_config *docker)
{
	static const struct {
		const char *base;
		uint8_t size;
	} blocks[] = {{"172.16.0.0/12", 20}, {"192.168.0.0/16", 24}};

	docker->n_pools = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(blocks); i++) {
		struct docker_base *pool = &docker->pools[docker->n_pools++];

		(void)prefix_parse(blocks[i].base, &pool->base);
		pool->size = blocks[i].size;
	}
}

/** read_pool() - One element of `pools` at the reader's place */
static void read_pool(struct reader *reader, const json_t *element, struct docker_config *docker)
{
	static const char *const keys[] = {"base", "size", NULL};
	struct docker_base pool = {.size = 0};
	const char *base;
	long long size = 0;

	if (!json_is_object(element)) {
		reader_error(reader, NULL, RULE_INVALID_VALUE, "must be an object with \"base\" and \"size\"");
		return;
	}
	json_check_keys(reader, element, keys);
	base = json_member_text(reader, element, "base");
	if (!base || prefix_parse(base, &pool.base) < 0 || prefix_has_host_bits(&pool.base)) {
		reader_error(reader, "base", RULE_INVALID_VALUE, "base must be a CIDR such as \"172.30.0.0/16\"");
		return;
	}
	if (!json_member(element, "size")) {
		reader_error(reader, "size", RULE_INVALID_VALUE,
			     "size is missing: the prefix length of the networks that are cut out of base");
		return;
	}
	if (json_member_integer(reader, element, "size", pool.base.length, family_bits(pool.base.address.family) - 2,
				&size))
		return;
	pool.size = (uint8_t)size;
	docker->pools[docker->n_pools++] = pool;
}

/** read_pools() - `docker.pools` */
static void read_pools(struct reader *reader, const json_t *object, struct docker_config *docker)
{
	const json_t *pools = json_member_array(reader, object, "pools", AGENT_POOLS_MAX);
	size_t mark, index;
	const json_t *element;

	if (!pools)
		return;
	docker->n_pools = 0;
	mark = pointer_push_key(&reader->at, "pools");
	json_array_foreach((json_t *)(uintptr_t)pools, index, element) {
		size_t at = pointer_push_index(&reader->at, index);

		read_pool(reader, element, docker);
		pointer_pop(&reader->at, at);
	}
	pointer_pop(&reader->at, mark);
}

/** read_avoid() - `docker.avoid` */
static void read_avoid(struct reader *reader, const json_t *object, struct docker_config *docker)
{
	const json_t *paths = json_member_array(reader, object, "avoid", AGENT_AVOID_MAX);
	const json_t *element;
	size_t index;

	if (!paths)
		return;
	docker->n_avoid = 0;
	docker->avoid_default = false;
	json_array_foreach((json_t *)(uintptr_t)paths, index, element) {
		const char *path = json_string_value(element);

		if (path && *path)
			docker->avoid[docker->n_avoid++] = path;
		else
			reader_error(reader, "avoid", RULE_INVALID_VALUE, "avoid[%zu] must be a path", index);
	}
}

/** read_path() - A member that is an absolute path, NULL when absent or (reported) another thing */
static const char *read_path(struct reader *reader, const json_t *root, const char *key)
{
	const char *path = json_member_text(reader, root, key);

	if (path && *path != '/')
		reader_error(reader, key, RULE_INVALID_VALUE, "%s must be an absolute path", key);
	return path;
}

/** read_docker() - `docker`: an object, or true for one that says nothing */
static void read_docker(struct reader *reader, const json_t *root, struct docker_config *docker)
{
	static const char *const keys[] = {"socket",	 "state",      "pools",	      "avoid",
					   "hostRoutes", "reuseDelay", "forgetAfter", NULL};
	static const char *const host_routes[] = {"refuse", "warn", "off", NULL};
	const json_t *object = json_member(root, "docker");
	long long reuse_delay = docker->reuse_delay, forget_after = docker->forget_after;
	unsigned routes = docker->host_routes;
	const char *socket, *state;
	size_t mark;

	if (!object || json_is_boolean(object)) {
		docker->enabled = json_is_true(object);
		return;
	}
	object = json_member_object(reader, root, "docker");
	if (!object)
		return;
	docker->enabled = true;
	mark = pointer_push_key(&reader->at, "docker");
	json_check_keys(reader, object, keys);
	socket = read_path(reader, object, "socket");
	docker->socket = socket ? socket : docker->socket;
	state = read_path(reader, object, "state");
	docker->state = state ? state : docker->state;
	read_pools(reader, object, docker);
	read_avoid(reader, object, docker);
	(void)json_member_choice(reader, object, "hostRoutes", host_routes, &routes);
	(void)json_member_integer(reader, object, "reuseDelay", 0, LIMIT_REUSE_DELAY, &reuse_delay);
	(void)json_member_integer(reader, object, "forgetAfter", 1, LIMIT_REUSE_DELAY, &forget_after);
	docker->host_routes = (enum host_routes)routes;
	docker->reuse_delay = (uint32_t)reuse_delay;
	docker->forget_after = (uint32_t)forget_after;
	pointer_pop(&reader->at, mark);
}

/** set_defaults() - What an empty configuration says */
static void set_defaults(struct agent_config *config)
{
	config->data_dir = NETCONF_DATA_DIR;
	config->restore = true;
	config->gc = GC_SECONDS;
	config->policy.name = "";
	config->policy.role = ROLE_INTERFACE;
	config->policy.file = config->file;
	config->policy.guard.policies[0] = NETCONF_POLICY_DIR;
	config->policy.guard.n_policies = 1;
	config->policy.guard.policies_default = true;
	config->docker.socket = DOCKER_SOCKET;
	config->docker.state = DOCKER_STATE;
	config->docker.avoid[0] = DOCKER_AVOID;
	config->docker.n_avoid = 1;
	config->docker.avoid_default = true;
	config->docker.reuse_delay = NETCONF_REUSE_DELAY;
	config->docker.forget_after = DOCKER_FORGET_AFTER;
	config->policy.history = NETCONF_HISTORY;
	config->policy.history_size = NETCONF_HISTORY_SIZE;
	config->policy.history_files = NETCONF_HISTORY_FILES;
	default_pools(&config->docker);
}

/** read_root() - The document's own members */
static void read_root(struct reader *reader, const json_t *root, struct agent_config *config)
{
	static const char *const keys[] = {"dataDir", "listen",	 "gc",		"textfile",	"restore", "guard",
					   "docker",  "history", "historySize", "historyFiles", NULL};
	long long gc = config->gc;
	const char *data_dir;

	json_check_keys(reader, root, keys);
	data_dir = read_path(reader, root, "dataDir");
	config->data_dir = data_dir ? data_dir : config->data_dir;
	config->listen = json_member_text(reader, root, "listen");
	config->textfile = read_path(reader, root, "textfile");
	(void)json_member_bool(reader, root, "restore", &config->restore);
	(void)json_member_integer(reader, root, "gc", 0, LIMIT_REUSE_DELAY, &gc);
	config->gc = (uint32_t)gc;
	netconf_read_guard(reader, root, &config->policy);
	netconf_read_history(reader, root, &config->policy);
	read_docker(reader, root, &config->docker);
}

/**
 * agent_config_parse() - A document as values
 * @root:	Document; its reference goes to the configuration
 * @file:	Where it came from, for messages; borrowed
 * @ret_config:	Always to be released with agent_config_done()
 * @reterr:	The first thing that is wrong with it
 *
 * Return: 0, REFUSED
 */
int agent_config_parse(json_t *root, const char *file, struct agent_config *ret_config, struct error *reterr)
{
	struct first_error listener;
	struct reader reader = {.file = file};

	*ret_config = (struct agent_config){.root = root, .file = file};
	set_defaults(ret_config);
	if (!json_is_object(root))
		return error_set(reterr, ERROR_DECODE, "%.256s: must be a JSON object", file);
	first_error_init(&listener, reterr, ERROR_CONFIG);
	reader.report = &listener.report;
	read_root(&reader, root, ret_config);
	return reterr->code ? REFUSED : 0;
}

/**
 * agent_config_read() - Read the configuration
 * @path:	File, NULL: the default one, which may be absent
 * @ret_config:	Always to be released with agent_config_done()
 * @reterr:	Why not
 *
 * Return: 0, REFUSED
 */
int agent_config_read(const char *path, struct agent_config *ret_config, struct error *reterr)
{
	const char *file = path ? path : AGENT_CONFIG_FILE;
	SOURCE_CLEANUP struct source source = {0};
	json_error_t fault;
	json_t *root;
	int r = source_read(file, CONFIG_BYTES_MAX, &source);

	*ret_config = (struct agent_config){0};
	if (r == -ENOENT && !path)
		return agent_config_parse(json_object(), file, ret_config, reterr);
	if (r < 0)
		return error_set_errno(reterr, ERROR_IO, r, "%.256s", file);
	root = source_json(&source, JSON_REJECT_DUPLICATES, &fault);
	if (!root)
		return error_set(reterr, ERROR_DECODE, "%.256s:%d:%d: not valid JSON: %s", file, fault.line,
				 fault.column, fault.text);
	return agent_config_parse(root, file, ret_config, reterr);
}

/** agent_config_done() - Release what a configuration owns */
void agent_config_done(struct agent_config *config)
{
	json_decref(config->root);
	*config = (struct agent_config){0};
}
