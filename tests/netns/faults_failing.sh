#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each system call of a verb fails: see faults.sh.

# shellcheck source=tests/faults.sh
source "$(dirname "$0")/../faults.sh"

test_failing_calls_in_add()
{
	sweep failed add
}

test_failing_calls_in_the_very_first_add()
{
	sweep failed first_add
}

test_failing_calls_in_add_with_a_pin()
{
	sweep failed pinned_add
}

test_failing_calls_in_del_with_a_pin()
{
	sweep failed pinned_del
}

test_failing_calls_in_add_of_a_delegate()
{
	sweep failed delegate_add
}

test_failing_calls_in_del()
{
	sweep failed del
}

test_failing_calls_in_check()
{
	sweep failed check
}

test_failing_calls_in_gc()
{
	sweep failed gc
}

test_failing_calls_in_status()
{
	sweep failed status
}

test_failing_calls_in_the_first_add_after_host_local()
{
	sweep failed adopting_add
}

test_failing_calls_in_the_first_add_of_a_new_version()
{
	sweep failed migrating_add
}

main "$@"
