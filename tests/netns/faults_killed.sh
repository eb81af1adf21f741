#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A verb is killed before each of its system calls: see faults.sh.

# shellcheck source=tests/faults.sh
source "$(dirname "$0")/../faults.sh"

test_killed_in_add()
{
	sweep killed add
}

test_killed_in_the_very_first_add()
{
	sweep killed first_add
}

test_killed_in_add_with_a_pin()
{
	sweep killed pinned_add
}

test_killed_in_del_with_a_pin()
{
	sweep killed pinned_del
}

test_killed_in_add_of_a_delegate()
{
	sweep killed delegate_add
}

test_killed_in_del()
{
	sweep killed del
}

test_killed_in_check()
{
	sweep killed check
}

test_killed_in_gc()
{
	sweep killed gc
}

test_killed_in_status()
{
	sweep killed status
}

test_killed_in_the_first_add_after_host_local()
{
	sweep killed adopting_add
}

test_killed_in_the_first_add_of_a_new_version()
{
	sweep killed migrating_add
}

main "$@"
