/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases as bytes. Pure.
 *
 * A row: version (1 byte), flags (1), number of addresses (1); since, netns device, netns inode, egress (8 each);
 * addresses (17 each); eight texts, each as length (8) and characters with their NUL; from version 3 on what was added
 * later, each as tag (1), length (8) and bytes; XXH3-64 of all that (8). Who does not know a tag passes over it, so that
 * to add something takes no new version.
 */

#include "ipam/lease/lease.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ipam/store/row.h"
#include "rangeguard/cleanup.h"

#define LEASE_VERSION 3U
#define LEASE_VERSION_OLDEST 2U
/** Tags */
#define TAG_NETNS_COOKIE 1U
#define N_TEXTS 8U
#define HEAD_BYTES (3U + 4U * ROW_NUMBER_BYTES)
#define FLAG_CHAINED 1U
#define FLAG_ANTI_SPOOF 2U
/** Bytes of a digest: XXH3, 128 bit */
#define DIGEST_BYTES sizeof(XXH128_canonical_t)
/** Any text: what a runtime passes in arguments and environment is shorter */
#define TEXT_MAX (1U << 20)

/** digest() - Write the digest of @size bytes of @data to @at; returns the place behind it */
static uint8_t *digest(uint8_t *at, const void *data, size_t size)
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, size));
	return mempcpy(at, canonical.digest, DIGEST_BYTES);
}

/**
 * attachment_key() - Digest under which an attachment's lease is stored
 * @attachment:	Attachment
 *
 * Digests of the single texts are digested, so that no two triples look alike however their texts are cut.
 *
 * Return: the digest
 */
struct attachment_key attachment_key(const struct attachment *attachment)
{
	uint8_t digests[4 * DIGEST_BYTES], *at = digests;
	struct attachment_key key;

	at = digest(at, attachment->network, strlen(attachment->network));
	at = digest(at, attachment->container_id, strlen(attachment->container_id));
	at = digest(at, attachment->ifname, strlen(attachment->ifname));
	if (attachment->chained)
		at = digest(at, "chained", strlen("chained"));
	(void)digest(key.bytes, digests, (size_t)(at - digests));
	return key;
}

/** attachment_hash() - First 64 bits of the attachment_key() of @attachment */
uint64_t attachment_hash(const struct attachment *attachment)
{
	struct attachment_key key = attachment_key(attachment);
	struct bytes bytes = bytes_of(key.bytes, sizeof(key.bytes));
	uint64_t hash = 0;

	(void)row_read_number(&bytes, &hash);
	return hash;
}

/** attachment_equal() - Whether @a and @b are the same attachment */
bool attachment_equal(const struct attachment *a, const struct attachment *b)
{
	return strcmp(a->network, b->network) == 0 && strcmp(a->container_id, b->container_id) == 0 &&
	       strcmp(a->ifname, b->ifname) == 0 && a->chained == b->chained;
}

/** text_bytes() - @text, at most @limit bytes of it; NULL is "" */
static struct bytes text_bytes(const char *text, size_t limit)
{
	return text ? bytes_of(text, strnlen(text, limit)) : bytes_of("", 0);
}

/** lease_texts() - The texts of @lease, in the order of a row */
static void lease_texts(const struct lease *lease, struct bytes ret_texts[static N_TEXTS])
{
	const struct attachment *attachment = &lease->attachment;

	ret_texts[0] = text_bytes(attachment->network, SIZE_MAX);
	ret_texts[1] = text_bytes(attachment->container_id, SIZE_MAX);
	ret_texts[2] = text_bytes(attachment->ifname, SIZE_MAX);
	ret_texts[3] = text_bytes(lease->pod_namespace, LIMIT_POD_TEXT);
	ret_texts[4] = text_bytes(lease->pod_name, LIMIT_POD_TEXT);
	ret_texts[5] = text_bytes(lease->netns, SIZE_MAX);
	ret_texts[6] = text_bytes(lease->interface, SIZE_MAX);
	ret_texts[7] = text_bytes(lease->pins, SIZE_MAX);
}

/** write_text() - Write a @text to @at; returns the place behind it */
static uint8_t *write_text(uint8_t *at, const struct bytes *text)
{
	at = row_write_number(at, text->size);
	at = mempcpy(at, text->data, text->size);
	*at++ = '\0';
	return at;
}

/** write_tagged_number() - Write a number that was added later to @at; returns the place after it */
static uint8_t *write_tagged_number(uint8_t *at, uint8_t tag, uint64_t number)
{
	*at++ = tag;
	at = row_write_number(at, ROW_NUMBER_BYTES);
	return row_write_number(at, number);
}

/**
 * lease_encode() - Bytes of a lease as they are stored
 * @lease:	Lease
 * @ret_data:	Bytes, to be freed
 * @ret_size:	How many
 *
 * Return: 0, -ENOMEM, -E2BIG for a text or a number of addresses beyond every limit
 */
int lease_encode(const struct lease *lease, void **ret_data, size_t *ret_size)
{
	size_t size = HEAD_BYTES + lease->n_addresses * ROW_ADDRESS_BYTES + 1 + 3 * ROW_NUMBER_BYTES;
	CLEANUP_FREE uint8_t *data = NULL;
	struct bytes texts[N_TEXTS];
	uint8_t *at;

	if (lease->n_addresses > LIMIT_RANGE_SETS)
		return -E2BIG;
	lease_texts(lease, texts);
	for (size_t i = 0; i < N_TEXTS; i++) {
		if (texts[i].size > TEXT_MAX)
			return -E2BIG;
		size += ROW_NUMBER_BYTES + texts[i].size + 1;
	}
	at = data = malloc(size);
	if (!data)
		return -ENOMEM;
	*at++ = LEASE_VERSION;
	*at++ = (uint8_t)((lease->attachment.chained ? FLAG_CHAINED : 0) | (lease->anti_spoof ? FLAG_ANTI_SPOOF : 0));
	*at++ = (uint8_t)lease->n_addresses;
	at = row_write_number(at, (uint64_t)lease->since);
	at = row_write_number(at, lease->netns_device);
	at = row_write_number(at, lease->netns_inode);
	at = row_write_number(at, lease->egress);
	for (size_t i = 0; i < lease->n_addresses; i++)
		at = row_write_address(at, &lease->addresses[i]);
	for (size_t i = 0; i < N_TEXTS; i++)
		at = write_text(at, &texts[i]);
	if (lease->netns_cookie)
		at = write_tagged_number(at, TAG_NETNS_COOKIE, lease->netns_cookie);
	at = row_write_number(at, XXH3_64bits(data, (size_t)(at - data)));
	*ret_size = (size_t)(at - data);
	*ret_data = TAKE_PTR(data);
	return 0;
}

/**
 * read_checked() - Check a row against the checksum at its end
 * @row:	Row
 * @ret_body:	The row without the checksum
 *
 * Return: 0, -EUCLEAN
 */
static int read_checked(const struct bytes *row, struct bytes *ret_body)
{
	struct bytes sum;
	uint64_t expected;

	if (row->size < ROW_NUMBER_BYTES)
		return -EUCLEAN;
	*ret_body = bytes_of(row->data, row->size - ROW_NUMBER_BYTES);
	sum = bytes_of((const uint8_t *)row->data + ret_body->size, ROW_NUMBER_BYTES);
	if (row_read_number(&sum, &expected) < 0 || XXH3_64bits(ret_body->data, ret_body->size) != expected)
		return -EUCLEAN;
	return 0;
}

/**
 * read_head() - Read version, numbers and addresses
 * @row:	What is left of the row
 * @lease:	Lease to fill
 *
 * Return: 0, -EUCLEAN
 */
static int read_head(struct bytes *row, struct lease *lease)
{
	uint8_t version, flags, n_addresses;
	uint64_t since;

	if (row_read(row, &version, 1) < 0 || version < LEASE_VERSION_OLDEST || version > LEASE_VERSION)
		return -EUCLEAN;
	if (row_read(row, &flags, 1) < 0 || row_read(row, &n_addresses, 1) < 0 || n_addresses > LIMIT_RANGE_SETS)
		return -EUCLEAN;
	if (row_read_number(row, &since) < 0 || row_read_number(row, &lease->netns_device) < 0 ||
	    row_read_number(row, &lease->netns_inode) < 0 || row_read_number(row, &lease->egress) < 0)
		return -EUCLEAN;
	lease->attachment.chained = flags & FLAG_CHAINED;
	lease->anti_spoof = flags & FLAG_ANTI_SPOOF;
	lease->since = (int64_t)since;
	lease->n_addresses = n_addresses;
	for (size_t i = 0; i < n_addresses; i++)
		if (row_read_address(row, &lease->addresses[i]) < 0)
			return -EUCLEAN;
	return 0;
}

/**
 * read_text() - Read a text, which stays where it is
 * @row:	What is left of the row
 * @ret_text:	Text, borrowed from the row
 *
 * Return: 0, -EUCLEAN
 */
static int read_text(struct bytes *row, const char **ret_text)
{
	const char *text;
	uint64_t length;

	if (row_read_number(row, &length) < 0 || length >= row->size)
		return -EUCLEAN;
	text = row->data;
	if (strnlen(text, row->size) != length)
		return -EUCLEAN;
	row->data = text + length + 1;
	row->size -= length + 1;
	*ret_text = text;
	return 0;
}

/** read_tagged() - Read what was added later: 0, -EUCLEAN */
static int read_tagged(struct bytes *row, struct lease *lease)
{
	while (row->size) {
		struct bytes value;
		uint64_t length;
		uint8_t tag;

		if (row_read(row, &tag, 1) < 0 || row_read_number(row, &length) < 0 || length > row->size)
			return -EUCLEAN;
		value = bytes_of(row->data, length);
		row->data = (const uint8_t *)row->data + length;
		row->size -= length;
		if (tag == TAG_NETNS_COOKIE && (row_read_number(&value, &lease->netns_cookie) < 0 || value.size))
			return -EUCLEAN;
	}
	return 0;
}

/**
 * lease_decode() - Read a stored lease
 * @bytes:	Row
 * @ret_lease:	Lease; its texts are borrowed from the row
 *
 * Return: 0, LEASE_E_DAMAGED
 */
int lease_decode(struct bytes bytes, struct lease *ret_lease)
{
	struct attachment *attachment;
	struct lease lease = {0};
	struct bytes row;

	attachment = &lease.attachment;
	if (read_checked(&bytes, &row) < 0 || read_head(&row, &lease) < 0)
		return LEASE_E_DAMAGED;
	if (read_text(&row, &attachment->network) < 0 || read_text(&row, &attachment->container_id) < 0 ||
	    read_text(&row, &attachment->ifname) < 0 || read_text(&row, &lease.pod_namespace) < 0 ||
	    read_text(&row, &lease.pod_name) < 0 || read_text(&row, &lease.netns) < 0 ||
	    read_text(&row, &lease.interface) < 0 || read_text(&row, &lease.pins) < 0 || read_tagged(&row, &lease) < 0)
		return LEASE_E_DAMAGED;
	*ret_lease = lease;
	return 0;
}
