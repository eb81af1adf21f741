/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_CLUSTER_RECORD_H
#define PLUGIN_CLUSTER_RECORD_H

/*
 * The records that hosts share, below the cluster's prefix: keys and values, both directions. Each value is a JSON
 * object with a nonce, so that no two writes of one record are the same text; keys that are not known are left alone, so
 * that an older agent reads what a newer one writes. A value that can't be read is kept as it is and never acted upon.
 * Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipam/address/address.h"

/** A host's name, with the terminating NUL; the kernel's HOST_NAME_MAX is 64 */
#define RECORD_NAME_MAX 65
/** "source/ADDRESS", "block/CIDR", "alive/NAME" */
#define RECORD_KEY_MAX 80
/** A machine id or boot id: 32 hexadecimal digits */
#define RECORD_ID_MAX 33
/** "MACHINE.BOOT.RANDOM": 32, 32 and 16 hexadecimal digits */
#define RECORD_EPOCH_MAX 83
/** "aa:bb:cc:dd:ee:ff" */
#define RECORD_MAC_MAX 18
/** One next hop per family */
#define RECORD_ADDRESSES 2
/** Nanoseconds of a millisecond; `ttlMs` is the only time with a meaning to machines */
#define RECORD_MS 1000000LL
/** Bounds of `ttlMs` */
#define RECORD_TTL_MS_MIN 100
#define RECORD_TTL_MS_MAX 3600000

/** What the key says */
enum record_kind {
	RECORD_POOLS,
	RECORD_HOST,
	RECORD_ALIVE,
	RECORD_BLOCK,
	RECORD_SOURCE,
	RECORD_POLICY,
	RECORD_OTHER,
};

/**
 * struct record_alive - Renewed while its host holds shared sources, never deleted
 * @epoch:	Who renews: a machine, its boot, a random number
 * @nonce:	New for each request
 * @fenced:	Somebody waited for this host in vain: its sources are free to take
 * @ttl:	How long the host may be silent, nanoseconds
 */
struct record_alive {
	char epoch[RECORD_EPOCH_MAX];
	uint64_t nonce;
	bool fenced;
	int64_t ttl;
};

/** struct record_host - A host's registration; @addresses are next hops, "" where there is none; @since: Unix seconds */
struct record_host {
	char machine[RECORD_ID_MAX];
	char addresses[RECORD_ADDRESSES][ADDRESS_TEXT_MAX];
	int64_t since;
	uint64_t nonce;
};

/** struct record_block - Who gives addresses from a block */
struct record_block {
	char host[RECORD_NAME_MAX];
	char machine[RECORD_ID_MAX];
	int64_t since;
	uint64_t nonce;
};

/** struct record_source - Who sends with a shared address; @mac of the interface that the address is on, or "" */
struct record_source {
	char pin[RECORD_NAME_MAX];
	char host[RECORD_NAME_MAX];
	char epoch[RECORD_EPOCH_MAX];
	char mac[RECORD_MAC_MAX];
	int64_t since;
	uint64_t nonce;
};

/**
 * struct record - One record as the engine has it
 * @key:	Below the prefix
 * @kind:	Which member of the union counts
 * @revision:	Of its last change; 0: it was never seen to exist
 * @text:	Value, byte by byte; NULL: absent
 * @readable:	@text was understood (always, for pools, policy and what is not known)
 */
struct record {
	char key[RECORD_KEY_MAX];
	enum record_kind kind;
	int64_t revision;
	char *text;
	bool readable;
	union {
		struct record_alive alive;
		struct record_host host;
		struct record_block block;
		struct record_source source;
	};
};

enum record_kind record_kind(const char *key);
bool record_name_valid(const char *name);
bool record_key_valid(const char *key);
void record_epoch(const char *machine, const char *boot, uint64_t random, char buffer[static RECORD_EPOCH_MAX]);
bool record_epoch_is_of(const char *epoch, const char *machine, const char *boot);

int record_read(const char *key, const char *text, int64_t revision, struct record *ret_record);
char *record_write(const struct record *record);
int record_copy(const struct record *record, struct record *ret_record);
void record_clear(struct record *record);

#define CLEANUP_RECORD __attribute__((cleanup(record_clear)))

#endif
