/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugin/agent/cluster_config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/text/json.h"
#include "plugin/text/source.h"

#define CONFIG_BYTES_MAX (1U << 20)
#define PASSWORD_BYTES_MAX 4096U
#define PREFIX_DEFAULT "/rangeguard"
#define TTL_MS_DEFAULT 5000
#define MS_PER_S 1000
#define TTL_S_MIN 1
#define TTL_S_MAX 3600

/** read_endpoints() - `endpoints`, at least one URL */
static void read_endpoints(struct reader *reader, const json_t *root, struct cluster_config *config)
{
	const json_t *endpoints = json_member_array(reader, root, "endpoints", ETCD_ENDPOINTS_MAX);
	const json_t *element;
	size_t index;

	json_array_foreach((json_t *)(uintptr_t)endpoints, index, element) {
		const char *url = json_string_value(element);
		bool secure = url && strncmp(url, "https://", 8) == 0;

		if (secure || (url && strncmp(url, "http://", 7) == 0))
			config->etcd.endpoints[config->etcd.n_endpoints++] = url;
		else
			reader_error(reader, "endpoints", RULE_INVALID_VALUE,
				     "endpoints[%zu] must be a URL such as \"https://192.0.2.1:2379\"", index);
	}
	if (config->etcd.n_endpoints == 0)
		reader_error(reader, "endpoints", RULE_INVALID_VALUE, "endpoints must name etcd's client URLs");
}

/** read_prefix() - `prefix`: begins with a slash, and ends without one */
static void read_prefix(struct reader *reader, const json_t *root, struct cluster_config *config)
{
	const char *prefix = json_member_text(reader, root, "prefix");
	size_t n = prefix ? strlen(prefix) : 0;

	config->etcd.prefix = prefix ? prefix : PREFIX_DEFAULT;
	if (prefix && (n < 2 || n > 200 || prefix[0] != '/' || prefix[n - 1] == '/'))
		reader_error(reader, "prefix", RULE_INVALID_VALUE,
			     "prefix must begin with a slash and not end with one, such as \"/rangeguard\"");
}

/** read_tls() - `tls` */
static void read_tls(struct reader *reader, const json_t *root, struct cluster_config *config)
{
	static const char *const keys[] = {"ca", "cert", "key", NULL};
	const json_t *tls = json_member_object(reader, root, "tls");
	size_t mark;

	if (!tls)
		return;
	mark = pointer_push_key(&reader->at, "tls");
	json_check_keys(reader, tls, keys);
	config->etcd.ca = json_member_text(reader, tls, "ca");
	config->etcd.certificate = json_member_text(reader, tls, "cert");
	config->etcd.key = json_member_text(reader, tls, "key");
	if (!config->etcd.certificate != !config->etcd.key)
		reader_error(reader, NULL, RULE_INVALID_VALUE, "tls needs both cert and key, or neither");
	pointer_pop(&reader->at, mark);
}

/** read_user() - `user`, and the password of the file `passwordFile` */
static void read_user(struct reader *reader, const json_t *root, struct cluster_config *config)
{
	const char *user = json_member_text(reader, root, "user");
	const char *file = json_member_text(reader, root, "passwordFile");
	SOURCE_CLEANUP struct source source = {0};
	int r;

	if (!user && !file)
		return;
	if (!user || !file) {
		reader_error(reader, user ? "user" : "passwordFile", RULE_INVALID_VALUE,
			     "user and passwordFile are needed both");
		return;
	}
	r = source_read(file, PASSWORD_BYTES_MAX, &source);
	if (r < 0) {
		reader_error(reader, "passwordFile", RULE_INVALID_VALUE, "%.256s: %s", file, strerror(-r));
		return;
	}
	source.text[strcspn(source.text, "\r\n")] = '\0';
	config->password = strdup(source.text);
	config->etcd.user = user;
	config->etcd.password = config->password;
}

/** read_host() - `host`, or the kernel's host name */
static void read_host(struct reader *reader, const json_t *root, struct cluster_config *config)
{
	const char *host = json_member_text(reader, root, "host");

	if (host)
		(void)snprintf(config->host, sizeof(config->host), "%s", host);
	else if (gethostname(config->host, sizeof(config->host) - 1) < 0)
		config->host[0] = '\0';
	if (!record_name_valid(config->host) || (host && strcmp(host, config->host) != 0))
		reader_error(reader, "host", RULE_INVALID_VALUE,
			     "host \"%.64s\" must be 1 to 64 letters, digits, '.', '_' and '-'", config->host);
}

/** read_addresses() - `addresses`: at most one of each family */
static void read_addresses(struct reader *reader, const json_t *root, struct cluster_config *config)
{
	const json_t *addresses = json_member_array(reader, root, "addresses", RECORD_ADDRESSES);
	const json_t *element;
	size_t index;

	json_array_foreach((json_t *)(uintptr_t)addresses, index, element) {
		const char *text = json_string_value(element);
		struct address address = {0};
		size_t at;

		if (!text || address_parse(text, &address) < 0) {
			reader_error(reader, "addresses", RULE_INVALID_VALUE, "addresses[%zu] must be an IP address",
				     index);
			return;
		}
		at = address.family == FAMILY_IPV6;
		if (config->addresses[at].family != FAMILY_NONE)
			reader_error(reader, "addresses", RULE_INVALID_VALUE, "addresses has two of one family");
		config->addresses[at] = address;
	}
}

/** read_ttl() - `ttl` in seconds */
static void read_ttl(struct reader *reader, const json_t *root, struct cluster_config *config)
{
	const json_t *ttl = json_member(root, "ttl");

	if (!ttl)
		return;
	if (!json_is_number(ttl) || json_number_value(ttl) < TTL_S_MIN || json_number_value(ttl) > TTL_S_MAX)
		reader_error(reader, "ttl", RULE_INVALID_VALUE, "ttl must be a number of seconds from %d to %d",
			     TTL_S_MIN, TTL_S_MAX);
	else
		config->ttl_ms = (int64_t)(json_number_value(ttl) * MS_PER_S);
}

/**
 * cluster_config_parse() - A document as values
 * @root:	Document; its reference goes to the configuration
 * @file:	Where it came from, for messages; borrowed
 * @ret_config:	Always to be released with cluster_config_done()
 * @reterr:	The first thing that is wrong with it
 *
 * Return: 0, REFUSED
 */
int cluster_config_parse(json_t *root, const char *file, struct cluster_config *ret_config, struct error *reterr)
{
	static const char *const keys[] = {"endpoints", "prefix",    "tls",    "user", "passwordFile",
					   "host",	"addresses", "routes", "ttl",  NULL};
	struct first_error listener;
	struct reader reader = {.file = file};

	*ret_config = (struct cluster_config){.root = root, .routes = true, .ttl_ms = TTL_MS_DEFAULT};
	if (!json_is_object(root))
		return error_set(reterr, ERROR_DECODE, "%.256s: must be a JSON object", file);
	first_error_init(&listener, reterr, ERROR_CONFIG);
	reader.report = &listener.report;
	json_check_keys(&reader, root, keys);
	read_endpoints(&reader, root, ret_config);
	read_prefix(&reader, root, ret_config);
	read_tls(&reader, root, ret_config);
	read_user(&reader, root, ret_config);
	read_host(&reader, root, ret_config);
	read_addresses(&reader, root, ret_config);
	(void)json_member_bool(&reader, root, "routes", &ret_config->routes);
	read_ttl(&reader, root, ret_config);
	ret_config->etcd.limit_ms = ret_config->ttl_ms / 10;
	return reterr->code ? REFUSED : 0;
}

/**
 * cluster_config_read() - Read the configuration
 * @path:	File
 * @ret_config:	Always to be released with cluster_config_done()
 * @reterr:	Why not
 *
 * Return: 0, REFUSED, CLUSTER_CONFIG_E_ABSENT
 */
int cluster_config_read(const char *path, struct cluster_config *ret_config, struct error *reterr)
{
	SOURCE_CLEANUP struct source source = {0};
	json_error_t fault;
	struct stat status;
	json_t *root;
	int r = source_read(path, CONFIG_BYTES_MAX, &source);

	*ret_config = (struct cluster_config){0};
	if (r == -ENOENT)
		return CLUSTER_CONFIG_E_ABSENT;
	if (r < 0)
		return error_set_errno(reterr, ERROR_IO, r, "%.256s", path);
	if (stat(path, &status) < 0 || status.st_uid != 0 || (status.st_mode & 077))
		return error_set(
			reterr, ERROR_CONFIG,
			"%.256s must be root's and readable by nobody else: chown root %.256s; chmod 0600 %.256s", path,
			path, path);
	root = source_json(&source, JSON_REJECT_DUPLICATES, &fault);
	if (!root)
		return error_set(reterr, ERROR_DECODE, "%.256s:%d:%d: not valid JSON: %s", path, fault.line,
				 fault.column, fault.text);
	return cluster_config_parse(root, path, ret_config, reterr);
}

/** cluster_config_done() - Release what a configuration owns */
void cluster_config_done(struct cluster_config *config)
{
	if (config->password)
		explicit_bzero(config->password, strlen(config->password));
	free(config->password);
	json_decref(config->root);
	*config = (struct cluster_config){0};
}
