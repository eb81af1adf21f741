/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_NETWORKS_H
#define PLUGIN_FOREIGN_NETWORKS_H

/* The networks of a run beside each other: names that are taken, ranges that overlap. */

#include "ipam/address/address.h"
#include "plugin/report/report.h"

/** enum keeping - How far those that hand out a range's addresses know of each other */
enum keeping {
	KEEPING_OURS,	 /* rangeguard: all networks that share a data directory, and only these, share the truth */
	KEEPING_CLUSTER, /* one pool of a cluster, which several networks may name */
	KEEPING_ALONE,	 /* each network for itself, its ranges apart */
	KEEPING_PLAN,	 /* ranges of a cluster, which stand in many files that are about the same */
	KEEPING_NESTED,	 /* each network for itself, some of its ranges inside others by design */
};

/**
 * struct network_range - A range that a network gives addresses from; texts are borrowed by networks_add_range()
 * @keeping:	See there
 * @in_blocks:	Each host gives blocks of its own
 * @offset:	Where in the text at @pointer it stands
 * @keeper:	Data directory, or name of the cluster's IPAM or of a container engine; NULL: none
 * @is_pool:	Networks of the same keeper are made of it
 */
struct network_range {
	struct span span;
	enum keeping keeping;
	const char *keeper;
	const char *network;
	const char *file;
	const char *pointer;
	size_t offset;
	bool in_blocks;
	bool is_pool;
};

struct known_range;

/**
 * struct networks - What is known of them
 * @report:	Hears what collides
 * @names:	tsearch(3) tree of the names
 * @n_files:	Files that ranges are of, those of one file one after the other
 * @failed:	Memory ran out: not every collision is found
 */
struct networks {
	struct report *report;
	void *names;
	struct known_range *ranges;
	size_t n_ranges;
	size_t n_files;
	size_t capacity;
	bool failed;
};

void networks_add_name(struct networks *networks, const char *name, const char *file, const char *pointer);
void networks_add_range(struct networks *networks, const struct network_range *range);
void networks_compare(struct networks *networks);
void networks_done(struct networks *networks);

#endif
