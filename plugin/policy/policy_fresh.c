/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a guard that was kept is the one that is wanted, and still what reading everything again would give. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "plugin/policy/policy_record.h"
#include "plugin/policy/policy_source.h"
#include "plugin/policy/writers.h"
#include "rangeguard/cleanup.h"

/** To be changed whenever the same sources come to another guard, or the guard's structures change */
#define SCHEMA "2 " RANGEGUARD_VERSION

/** struct hashing - A hash and how many bytes of JSON went into it */
struct hashing {
	XXH3_state_t *state;
	size_t json_size;
};

/** hash_json() - json_dump_callback_t */
static int hash_json(const char *text, size_t size, void *userdata)
{
	struct hashing *hashing = userdata;

	hashing->json_size += size;
	(void)XXH3_128bits_update(hashing->state, text, size);
	return 0;
}

/** hash_text() - Take in a text with its NUL, so that two texts are not another two */
static void hash_text(const struct hashing *hashing, const char *text)
{
	(void)XXH3_128bits_update(hashing->state, text, strlen(text) + 1);
}

/** hash_list() - Take in a list of entries of the configuration: 0, -ENOMEM */
static int hash_list(struct hashing *hashing, const json_t *policy, const char *key)
{
	const json_t *list = json_object_get(policy, key);

	hash_text(hashing, key);
	return list && json_dump_callback(list, hash_json, hashing, JSON_COMPACT | JSON_ENCODE_ANY) < 0 ? -ENOMEM : 0;
}

/** hash_inline() - Take in the configuration's own entries, and where they stand: 0, -ENOMEM */
static int hash_inline(struct hashing *hashing, const struct netconf *netconf)
{
	const json_t *policy = netconf->guard.inline_policy;
	int r;

	if (!json_object_get(policy, "reserved") && !json_object_get(policy, "granted"))
		return 0;
	hash_text(hashing, netconf->file);
	hash_text(hashing, netconf->guard.pointer);
	r = hash_list(hashing, policy, "reserved");
	return r < 0 ? r : hash_list(hashing, policy, "granted");
}

/**
 * policy_key() - What tells the guard of a configuration from others
 * @netconf:	Configuration
 * @ret_key:	Digest of all that a guard depends on beside the sources' contents and the day
 *
 * Return: 0, -ENOMEM
 */
int policy_key(const struct netconf *netconf, struct policy_key *ret_key)
{
	const struct netconf_guard *config = &netconf->guard;
	struct hashing hashing = {.state = XXH3_createState()};
	XXH128_canonical_t canonical;
	uid_t user = geteuid();
	int r;

	if (!hashing.state)
		return -ENOMEM;
	(void)XXH3_128bits_reset(hashing.state);
	hash_text(&hashing, SCHEMA);
	/* Whose files may be read depends on who reads them. */
	(void)XXH3_128bits_update(hashing.state, &user, sizeof(user));
	hash_text(&hashing, netconf->name);
	hash_text(&hashing, config->policies_default ? "default" : "named");
	for (size_t i = 0; i < config->n_policies; i++)
		hash_text(&hashing, config->policies[i]);
	r = hash_inline(&hashing, netconf);
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(hashing.state));
	(void)XXH3_freeState(hashing.state);
	memcpy(ret_key->tag.bytes, canonical.digest, sizeof(ret_key->tag.bytes));
	ret_key->inline_size = hashing.json_size;
	return r;
}

/** is_same_listing() - Whether the directory @fd has the names that @origin tells of */
static bool is_same_listing(int fd, const struct policy_origin *origin)
{
	POLICY_NAMES_CLEANUP struct policy_names names = {0};
	uint8_t digest[POLICY_LISTING_BYTES];

	if (policy_names_read(fd, &names) < 0)
		return false;
	policy_names_digest(&names, digest);
	return memcmp(digest, origin->listing, sizeof(digest)) == 0;
}

/** is_same_status() - Whether @status is that of @origin, owner and mode included, on which depends if it may be read */
static bool is_same_status(const struct stat *status, const struct policy_origin *origin)
{
	struct policy_origin now = policy_origin_of(status);

	memcpy(now.listing, origin->listing, sizeof(now.listing));
	now.path_size = origin->path_size;
	return memcmp(&now, origin, sizeof(now)) == 0;
}

/** is_same_directory() - Whether a directory is as it was */
static bool is_same_directory(const struct policy_origin *origin, const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && is_same_status(&status, origin) && is_same_listing(fd, origin);
}

/** is_same_file() - Whether a file is as it was; where its times don't tell, by its contents */
static bool is_same_file(const struct policy_origin *origin, const char *path)
{
	static const uint8_t none[POLICY_LISTING_BYTES];
	CLEANUP_CLOSE int fd = -1;
	uint8_t digest[POLICY_LISTING_BYTES];
	struct stat status;

	if (stat(path, &status) < 0 || !is_same_status(&status, origin))
		return false;
	if (memcmp(origin->listing, none, sizeof(none)) == 0)
		return true;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 && policy_digest(fd, digest) == 0 && memcmp(digest, origin->listing, sizeof(digest)) == 0;
}

/** is_safe() - Whether still nobody else can put something in a source's place; @last is the one before, of that folder */
static bool is_safe(const char *path, const char *last)
{
	const char *slash = strrchr(path, '/'), *last_slash = last ? strrchr(last, '/') : NULL;
	char text[WRITERS_TEXT_MAX];

	if (slash && last_slash && slash - path == last_slash - last && memcmp(path, last, (size_t)(slash - path)) == 0)
		return true;
	return !writers_path_flaw(path, text);
}

/** is_same() - Whether a source is as it was */
static bool is_same(const struct policy_origin *origin, const char *path)
{
	struct stat status;

	switch (origin->kind) {
	case POLICY_ORIGIN_ABSENT:
		return lstat(path, &status) < 0 && errno == ENOENT;
	case POLICY_ORIGIN_FILE:
		return is_same_file(origin, path);
	case POLICY_ORIGIN_DIRECTORY:
		return is_same_directory(origin, path);
	default:
		return false;
	}
}

/** policy_record_began_after() - Whether what a record tells of was read after @moment (policy_now()), all of it */
bool policy_record_began_after(const void *bytes, size_t size, int64_t moment)
{
	struct policy_days head;

	if (size < sizeof(head))
		return false;
	memcpy(&head, bytes, sizeof(head));
	return head.started_ns > moment;
}

/** struct origins - A walk over a record: what is left of it, and the last source */
struct origins {
	const uint8_t *at;
	const uint8_t *end;
	struct policy_origin origin;
	const char *path;
};

/** next_origin() - The next source of a record: 1, 0 after the last one, -EUCLEAN when it can't be read */
static int next_origin(struct origins *origins)
{
	const uint8_t *at = origins->at, *end = origins->end;

	if (at == end)
		return 0;
	if ((size_t)(end - at) < sizeof(origins->origin))
		return -EUCLEAN;
	memcpy(&origins->origin, at, sizeof(origins->origin));
	at += sizeof(origins->origin);
	if (!origins->origin.path_size || origins->origin.path_size > (size_t)(end - at) ||
	    at[origins->origin.path_size - 1])
		return -EUCLEAN;
	origins->path = (const char *)at;
	origins->at = at + origins->origin.path_size;
	return 1;
}

/** policy_record_files() - Visit each file that a guard was made of; a directory's come one by one */
void policy_record_files(const struct policy_record *record, policy_file_fn each, void *userdata)
{
	struct origins origins = {.at = record->bytes + sizeof(struct policy_days),
				  .end = record->bytes + record->size};

	if (record->size < sizeof(struct policy_days))
		return;
	while (next_origin(&origins) > 0)
		if (origins.origin.kind == POLICY_ORIGIN_FILE)
			each(userdata, origins.path, origins.origin.mtime_s);
}

/**
 * policy_record_holds() - Whether what a record tells of is unchanged
 * @bytes:	Record
 * @size:	Its size
 * @today:	Days since 1970-01-01 UTC
 *
 * Return: true; false also when a source is missing now, or the record makes no sense
 */
bool policy_record_holds(const void *bytes, size_t size, long today)
{
	struct origins origins = {.at = bytes, .end = (const uint8_t *)bytes + size};
	const char *last = NULL;
	struct policy_days days;
	int r;

	if (size < sizeof(days))
		return false;
	memcpy(&days, bytes, sizeof(days));
	origins.at += sizeof(days);
	if (today < days.first_day || today > days.last_day)
		return false;
	while ((r = next_origin(&origins)) > 0) {
		if (!is_same(&origins.origin, origins.path) || !is_safe(origins.path, last))
			return false;
		last = origins.path;
	}
	return r == 0;
}
