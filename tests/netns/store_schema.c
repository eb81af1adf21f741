/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_schema DIRECTORY [NUMBER]: prints the schema of the lease store in a state directory, and writes another one, as an
 * older version of rangeguard has left it: its rows are the same.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/store/row.h"
#include "ipam/store/store_lmdb.h"

/** What store_lmdb.c calls the row */
#define SCHEMA_KEY "schema"
#define WAIT_MS 10000

/** must() - Exit when something did not work */
static void must(int outcome, const char *what)
{
	if (outcome == 0)
		return;
	(void)fprintf(stderr, "store_schema: %s: %d\n", what, outcome);
	exit(1);
}

int main(int argc, char **argv)
{
	const struct bytes key = bytes_of(SCHEMA_KEY, strlen(SCHEMA_KEY));
	uint8_t bytes[ROW_NUMBER_BYTES] = {0};
	struct state state = STATE_INIT;
	struct store *store = NULL;
	char boot_id[BOOT_ID_MAX];
	struct bytes row;
	uint64_t number;

	must(argc < 2 || argc > 3, "usage");
	must(state_boot_id(boot_id), "boot id");
	must(state_open(argv[1], STATE_READ, &state), "state");
	/* Opened for writing, a store gets the schema of this version. */
	must(store_lmdb_open(&state, argc == 3 ? STATE_UPDATE : STATE_READ, WAIT_MS, boot_id, NULL, &store), "store");
	must(store->ops->begin(store, argc == 3), "begin");
	must(store->ops->get(store, STORE_META, key, &row), "get");
	must(row_read_number(&row, &number), "number");
	(void)printf("%" PRIu64 "\n", number);
	if (argc == 3) {
		bytes[ROW_NUMBER_BYTES - 1] = (uint8_t)(argv[2][0] - '0');
		must(store->ops->put(store, STORE_META, key, bytes_of(bytes, sizeof(bytes))), "put");
		must(store->ops->commit(store), "commit");
	} else {
		store->ops->abort(store);
	}
	store_close(store);
	state_done(&state);
	return 0;
}
