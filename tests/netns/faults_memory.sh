#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each allocation of a verb fails: see faults.sh. Not against the sanitizers, which allocate themselves.

# shellcheck source=tests/faults.sh
source "$(dirname "$0")/../faults.sh"

SCARCE_MEMORY=$(dirname "$RANGEGUARD")/tests/netns/scarce_memory.so
[[ -e "$SCARCE_MEMORY" ]] || SCARCE_MEMORY=$SOURCE_DIR/build/dev/tests/netns/scarce_memory.so
PRELOADABLE=$(preloadable)
export SCARCE_MEMORY PRELOADABLE

test_no_memory_in_add()
{
	sweep scarce add
}

test_no_memory_in_the_very_first_add()
{
	sweep scarce first_add
}

test_no_memory_in_add_with_a_pin()
{
	sweep scarce pinned_add
}

test_no_memory_in_del_with_a_pin()
{
	sweep scarce pinned_del
}

test_no_memory_in_add_of_a_delegate()
{
	sweep scarce delegate_add
}

test_no_memory_in_del()
{
	sweep scarce del
}

test_no_memory_in_check()
{
	sweep scarce check
}

test_no_memory_in_gc()
{
	sweep scarce gc
}

test_no_memory_in_status()
{
	sweep scarce status
}

test_no_memory_in_the_first_add_after_host_local()
{
	sweep scarce adopting_add
}

test_no_memory_in_the_first_add_of_a_new_version()
{
	sweep scarce migrating_add
}

main "$@"
