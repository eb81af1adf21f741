/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugin/host/own_ranges.h"

#include <errno.h>
#include <stdlib.h>

#include "plugin/host/block_file.h"

/** own_ranges_block_length() - Length of a family's blocks; 0: its ranges are not a cluster's */
uint8_t own_ranges_block_length(const struct netconf *netconf, enum family family)
{
	return family == FAMILY_IPV6 ? netconf->block_length_ipv6 : netconf->block_length_ipv4;
}

/** own_ranges_wanted() - Whether any range of the network is a cluster's */
bool own_ranges_wanted(const struct netconf *netconf)
{
	return netconf->block_length_ipv4 != 0 || netconf->block_length_ipv6 != 0;
}

/** add_range() - One more range of a set; 0, -ENOMEM */
static int add_range(struct range_set *set, const struct ip_range *range)
{
	struct ip_range *ranges = reallocarray(set->ranges, set->n_ranges + 1, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	set->ranges = ranges;
	ranges[set->n_ranges++] = *range;
	return 0;
}

/** add_parts() - The parts of a range that lie in blocks of this host, in the order of the file; 0, -ENOMEM */
static int add_parts(struct range_set *set, const struct ip_range *range, uint8_t length, const struct block_file *file)
{
	for (size_t i = 0; i < file->n_blocks; i++) {
		struct span block = prefix_span(&file->blocks[i].prefix);
		struct ip_range part = *range;
		int r;

		if (file->blocks[i].leaving || file->blocks[i].prefix.length != length ||
		    !span_overlaps(&block, &range->span))
			continue;
		part.span.first = block.first > range->span.first ? block.first : range->span.first;
		part.span.last = block.last < range->span.last ? block.last : range->span.last;
		r = add_range(set, &part);
		if (r < 0)
			return r;
	}
	return 0;
}

/** cut_set() - A set of the network, cut down to what this host holds; 0, -ENOMEM */
static int cut_set(const struct netconf *netconf, const struct range_set *whole, const struct block_file *file,
		   struct range_set *ret_set)
{
	int r = 0;

	*ret_set = *whole;
	ret_set->ranges = NULL;
	ret_set->n_ranges = 0;
	for (size_t i = 0; i < whole->n_ranges && r == 0; i++) {
		uint8_t length = own_ranges_block_length(netconf, whole->ranges[i].span.family);

		r = length ? add_parts(ret_set, &whole->ranges[i], length, file)
			   : add_range(ret_set, &whole->ranges[i]);
	}
	return r;
}

/**
 * own_ranges_read() - What this host may give of a network's ranges
 * @netconf:	Configuration
 * @sets:	Its sets, or those of them that count; netconf->n_sets
 * @dir_fd:	State directory, the lease store in it locked where it is acted upon
 * @ret_own:	Always to be released with own_ranges_done()
 *
 * Return: 0; -EUCLEAN: the file of blocks can't be understood; negative errno
 */
int own_ranges_read(const struct netconf *netconf, const struct range_set *sets, int dir_fd, struct own_ranges *ret_own)
{
	BLOCK_FILE_CLEANUP struct block_file file = {0};
	int r = block_file_read(dir_fd, &file);

	ret_own->sets = calloc(netconf->n_sets + 1, sizeof(*ret_own->sets));
	ret_own->n_sets = ret_own->sets ? netconf->n_sets : 0;
	if (r == 0 && !ret_own->sets)
		r = -ENOMEM;
	for (size_t i = 0; i < ret_own->n_sets && r == 0; i++)
		r = cut_set(netconf, &sets[i], &file, &ret_own->sets[i]);
	return r;
}

/** own_ranges_first_empty() - Index of a set of which this host holds nothing; their number: none is */
size_t own_ranges_first_empty(const struct own_ranges *own)
{
	size_t i = 0;

	while (i < own->n_sets && own->sets[i].n_ranges > 0)
		i++;
	return i;
}

/** own_ranges_done() - Release */
void own_ranges_done(struct own_ranges *own)
{
	for (size_t i = 0; i < own->n_sets; i++)
		free(own->sets[i].ranges);
	free(own->sets);
	*own = (struct own_ranges){0};
}
