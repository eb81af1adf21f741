/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a row of the store: the first byte chooses a lease, whose checksum is made right, or how packets leave.
 * What is read can be written, and what is written is read as the same again.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ipam/lease/lease.h"
#include "ipam/store/row.h"
#include "plugin/snat/egress.h"
#include "rangeguard/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** check_address() - An address of a family */
static void check_address(const struct address *address)
{
	require(address->family == FAMILY_IPV6 || (address->family == FAMILY_IPV4 && address->value <= UINT32_MAX));
}

/** check_lease() - decode(encode(x)) == x, by way of bytes */
static void check_lease(const struct lease *lease)
{
	CLEANUP_FREE void *first = NULL, *second = NULL;
	size_t first_size, second_size;
	struct lease read;
	int r;

	require(lease->n_addresses <= LIMIT_RANGE_SETS);
	for (size_t i = 0; i < lease->n_addresses; i++)
		check_address(&lease->addresses[i]);
	r = lease_encode(lease, &first, &first_size);
	require(r == 0 || r == -E2BIG);
	if (r < 0)
		return;
	require(lease_decode(bytes_of(first, first_size), &read) == 0);
	require(attachment_equal(&lease->attachment, &read.attachment));
	require(lease_encode(&read, &second, &second_size) == 0);
	require(first_size == second_size && !memcmp(first, second, first_size));
}

/** read_lease() - The bytes as a lease, with and without the checksum that they need */
static void read_lease(const uint8_t *data, size_t size)
{
	uint8_t *row = malloc(size + ROW_NUMBER_BYTES);
	struct lease lease;
	int r;

	require(row != NULL);
	memcpy(row, data, size);
	r = lease_decode(bytes_of(row, size), &lease);
	require(r == 0 || r == LEASE_E_DAMAGED);
	(void)row_write_number(row + size, XXH3_64bits(row, size));
	r = lease_decode(bytes_of(row, size + ROW_NUMBER_BYTES), &lease);
	require(r == 0 || r == LEASE_E_DAMAGED);
	if (r == 0)
		check_lease(&lease);
	free(row);
}

/** check_clause() - A clause's family is that of its parts */
static void check_clause(const struct egress_clause *clause)
{
	require(clause->source.family == FAMILY_NONE || clause->source.family == clause->family);
	require(strnlen(clause->assign, IFNAMSIZ) < IFNAMSIZ && clause->n_spans > 0);
	for (size_t i = 0; i < clause->n_spans; i++)
		require(clause->spans[i].family == clause->family && clause->spans[i].first <= clause->spans[i].last);
}

/** read_egress() - The bytes as a list of clauses */
static void read_egress(const uint8_t *data, size_t size)
{
	EGRESS_CLEANUP struct egress egress = {0}, again = {0};
	CLEANUP_FREE void *first = NULL, *second = NULL;
	size_t first_size, second_size;
	int r = egress_decode(bytes_of(data, size), &egress);

	require(r == 0 || r == -EUCLEAN);
	if (r < 0)
		return;
	for (size_t i = 0; i < egress.n_clauses; i++)
		check_clause(&egress.clauses[i]);
	require(egress_encode(&egress, &first, &first_size) == 0);
	require(egress_decode(bytes_of(first, first_size), &again) == 0);
	require(egress_encode(&again, &second, &second_size) == 0);
	require(first_size == second_size && !memcmp(first, second, first_size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		read_egress(data + 1, size - 1);
	else
		read_lease(data + 1, size - 1);
	return 0;
}
