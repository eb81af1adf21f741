/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RANGEGUARD_OUTCOME_H
#define RANGEGUARD_OUTCOME_H

/*
 * A function returns 0, a negative errno to pass up unchanged, or a positive outcome with a name, which its direct caller
 * translates. The outcomes of each module begin at a number of its own, so that one which gets past its caller is never
 * taken for another module's. tests/lint/outcomes.sh puts all of them into one switch, in which the compiler
 * refuses two that are equal.
 */

/** enum outcomes - Where the outcomes of each module begin; 1 is REFUSED (plugin/report/error.h) and the yes of callbacks */
enum outcomes {
	OUTCOMES_HOSTROUTE_RULE = 0x100,
	OUTCOMES_BLOCKS = 0x200,
	OUTCOMES_INTERVALS = 0x300,
	OUTCOMES_GUARD = 0x400,
	OUTCOMES_STORE = 0x500,
	OUTCOMES_STORE_LMDB = 0x600,
	OUTCOMES_LMDB_FILE = 0x700,
	OUTCOMES_STATE = 0x800,
	OUTCOMES_LEASE = 0x900,
	OUTCOMES_CHOICE = 0xa00,
	OUTCOMES_IPAM = 0xb00,
	OUTCOMES_CNI_VERSION = 0x1000,
	OUTCOMES_LOCATE = 0x1100,
	OUTCOMES_PATHS = 0x1200,
	OUTCOMES_POLICY_SPLIT = 0x1300,
	OUTCOMES_TABLE = 0x1400,
	OUTCOMES_IMPORT = 0x1500,
	OUTCOMES_POLICY_ENTRIES = 0x1600,
	OUTCOMES_POLICY_SOURCE = 0x1700,
	OUTCOMES_COMPILED = 0x1800,
	OUTCOMES_AVOID = 0x1900,
	OUTCOMES_INI = 0x1a00,
	OUTCOMES_SCALAR = 0x1b00,
	OUTCOMES_VALUES = 0x1c00,
	OUTCOMES_YAML = 0x1d00,
	OUTCOMES_XML = 0x1e00,
	OUTCOMES_PORT = 0x2000,
	OUTCOMES_EXCHANGE = 0x2100,
	OUTCOMES_NETNS = 0x2200,
	OUTCOMES_HOSTROUTE = 0x2300,
	OUTCOMES_ATTACH = 0x2400,
	OUTCOMES_ARM = 0x2500,
	OUTCOMES_ASSIGN = 0x2600,
	OUTCOMES_CLASSIFIER = 0x2700,
	OUTCOMES_RECLAIM = 0x2800,
	OUTCOMES_ASK = 0x2900,
	OUTCOMES_DOCKER_STORE = 0x2a00,
	OUTCOMES_HOST_LOCAL = 0x2f00,
	OUTCOMES_GUARDING = 0x2b00,
	OUTCOMES_BACKSTOP = 0x2c00,
	OUTCOMES_PROBE = 0x2d00,
	OUTCOMES_OWN_ADDRESS = 0x3100,
	OUTCOMES_ARCHIVE = 0x3200,
	OUTCOMES_SOURCES = 0x2e00,
	OUTCOMES_CLUSTER_CONFIG = 0x3000,
};

#endif
