/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RANGEGUARD_LIMITS_H
#define RANGEGUARD_LIMITS_H

/* Every bound on input from outside, in one place. Sizes in bytes unless the name says otherwise. */

/** Standard input of a verb; a GC lists up to some 10,000 attachments in it */
#define LIMIT_STDIN (16U << 20)
/** One policy file, one file that it imports, a configuration given to a command */
#define LIMIT_POLICY_FILE (512U << 20)
/** Members of one object of JSON or YAML that is read whole: parsers find them by a table that outgrows the caches */
#define LIMIT_MEMBERS (1U << 16)
/** Values of one JSON text that is read whole; of larger ones one for so many bytes, of which real ones have more for each */
#define LIMIT_JSON_VALUES (1U << 21)
#define LIMIT_JSON_VALUE_BYTES 8U
/** Documents and anchors of one YAML text */
#define LIMIT_YAML_DOCUMENTS (1U << 16)
#define LIMIT_YAML_ANCHORS (1U << 16)
/** A tag of XML with its attributes */
#define LIMIT_XML_TAG (1U << 16)
/** Resources, plugins' objects and texts in them, of one file that `validate` looks at; ranges and addresses of one of them */
#define LIMIT_RESOURCES (1U << 16)
#define LIMIT_DECLARED (1U << 16)
/** Elements of `plugins` or `delegates` */
#define LIMIT_PLUGINS 4096U
/** Findings of one file that are told one by one */
#define LIMIT_FINDINGS 10000U
/** Pairs of ranges that overlap that are looked at, and so many more for each file: 10,000 hosts' one pool makes 50 million */
#define LIMIT_RANGE_PAIRS (1UL << 24)
#define LIMIT_RANGE_PAIRS_PER_FILE 8192UL
/** Values of one YAML document, those that its aliases stand for counted as often as they stand there; and levels */
#define LIMIT_YAML_VALUES (1U << 20)
#define LIMIT_YAML_DEPTH 512U
/** Elements and attributes of one XML document */
#define LIMIT_XML_VALUES 32768U
/** Keys of one unit of systemd's or of podman's quadlet */
#define LIMIT_INI_VALUES 4096U
/** Keys that stand twice in one document and are told */
#define LIMIT_DUPLICATES 1000U
/** `imports` of one policy file */
#define LIMIT_IMPORTS 64U
/** Columns in the `where` of an import, and values of each of them */
#define LIMIT_IMPORT_FILTERS 16U
#define LIMIT_IMPORT_VALUES 4096U
/** A row of an imported table, its cells together; and how many cells */
#define LIMIT_IMPORT_ROW (1U << 18)
#define LIMIT_IMPORT_COLUMNS 1024U
/** Types of rows in an imported table; Infoblox has some 80 */
#define LIMIT_IMPORT_SECTIONS 256U
/** What is kept of a row's owner, reason or reference: as much as a refusal shows */
#define LIMIT_IMPORT_TEXT 256U
/** Rows of one table that are reported as unreadable before the rest is not looked at */
#define LIMIT_IMPORT_ERRORS 1000U
/** One resolv.conf */
#define LIMIT_RESOLV_CONF (16U << 20)
/** CNI_CONTAINERID: the specification sets no limit; hashed where a short name is needed */
#define LIMIT_CONTAINER_ID 4096U
/** The configuration's `name` */
#define LIMIT_NETWORK_NAME 1024U
/** A path in the configuration or environment (PATH_MAX of Linux) */
#define LIMIT_PATH 4096U
/** K8S_POD_NAMESPACE, K8S_POD_NAME: RFC 1123 allows 63 and 253; more is cut in records, never in matches */
#define LIMIT_POD_TEXT 1024U
/** Addresses of one attachment: elements of `ipam.ranges` */
#define LIMIT_RANGE_SETS 32U
/** Ranges in one range set */
#define LIMIT_RANGES_PER_SET 1024U
/** Entries of `snat` in one configuration */
#define LIMIT_PINS 16384U
/** `destinations` of one entry */
#define LIMIT_PIN_DESTINATIONS 4096U
/** `name` of one entry */
#define LIMIT_PIN_NAME 64U
/** Addresses that a pin whose sources hosts share may name per family */
#define LIMIT_PIN_SHARED 16U
/** Sources that hosts share, of both families, that one container may get */
#define LIMIT_SHARED_PER_CONTAINER 8U
/** Entries of `snat` that apply to one container */
#define LIMIT_PINS_PER_CONTAINER 64U
/** Entries of `ipam.fixed`, and addresses of all of them */
#define LIMIT_FIXED 4096U
#define LIMIT_FIXED_ADDRESSES 4096U
/** Routes of one attachment */
#define LIMIT_ROUTES 1024U
/** `policies` of one guard, directories counted once */
#define LIMIT_POLICY_PATHS 256U
/** JSON files read from one policy directory */
#define LIMIT_POLICY_FILES 4096U
/** Policies of up to this many bytes are read in each ADD: that is quicker than to look whether anything has changed */
#define LIMIT_POLICY_SMALL (4U << 10)
/** Compiled policies kept in one state directory: one per network and guard */
#define LIMIT_POLICY_IMAGES 16U
/** Interfaces of a prevResult */
#define LIMIT_RESULT_INTERFACES 256U
/** IFLA_MTU, sane bounds: RFC 791's least and the kernel's veth maximum (ETH_MAX_MTU) */
#define LIMIT_MTU_MIN 68U
#define LIMIT_MTU_MAX 65535U
/** RFC 8200 section 5: no IPv6 below this MTU */
#define LIMIT_MTU_MIN_IPV6 1280U
/** `ipam.reuseDelay` in seconds: a year */
#define LIMIT_REUSE_DELAY (366U * 24U * 3600U)

/** `history`: a path that leaves room for the number of a full file */
#define LIMIT_HISTORY_PATH (LIMIT_PATH - 16U)
/** `historySize`: a line is at most 16 KiB */
#define LIMIT_HISTORY_SIZE_MIN (1U << 16)
#define LIMIT_HISTORY_SIZE_MAX (INT64_C(1) << 40)
/** `historyFiles` */
#define LIMIT_HISTORY_FILES 10000U

/** Pools kept in a store: pairs of a range set and a policy; the least recently used one is dropped and built again */
#define LIMIT_POOLS 64U
/** Rested addresses that one ADD makes free again: more than it takes, so that ADDs keep up with DELs */
#define LIMIT_MATURED_PER_ADD 16U
/** Leases of the dead that one ADD takes back: more than it takes, so that ADDs keep up, and no lock is held for long */
#define LIMIT_RECLAIMED_PER_ADD 256U
/** Addresses that one ADD passes over because somebody outside the store holds them */
#define LIMIT_SKIPPED_PER_ADD 65536U

/** Waiting for a lock ends after this many milliseconds */
#define LIMIT_LOCK_WAIT_MS 5000
/** Waiting for another call that compiles the policies, which may take as long as these are large; less than a verb */
#define LIMIT_COMPILE_WAIT_MS 25000
/** STATUS is polled: it waits at most this long for a reader's turn, in milliseconds */
#define LIMIT_STATUS_WAIT_MS 500
/** Routes of others in a network's ranges that STATUS holds against the leases */
#define LIMIT_STATUS_ROUTES 4096U
/** Every verb ends after this many milliseconds */
#define LIMIT_VERB_MS 30000

#endif
