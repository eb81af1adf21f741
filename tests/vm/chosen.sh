#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A part of the namespace tests on another kernel. Each line of CHOSEN is a kind, the most telling tests first: one of
# each kind is tried on any machine, the others while there is time.

SECONDS_OF_TESTS=${RANGEGUARD_VM_SECONDS:-100}
export ENFORCE_SECONDS=${ENFORCE_SECONDS:-30}
CHOSEN="
routed.sh     test_first_packet_is_answered test_forwarding_is_switched_on_per_family test_delete_needs_only_names
snat.sh       test_pinned_and_others test_next_holder_inherits_nothing test_beside_others_tables test_behind_bridge
egress.sh     test_foreign_sources_are_dropped test_elements_are_exact test_flushed_rulesets_are_restored
snat_fence.sh test_flush_ruleset test_established_flows test_del_while_the_ruleset_is_gone
upkeep.sh     test_r37_check_finds_what_is_missing test_gc_removes_many_interfaces_in_one_go
roles.sh      test_r24_chained_passes_prev_result_on test_portmap_and_tuning_behind_rangeguard
recovery.sh   test_store_is_missing
enforce_cases.sh test_flow_of_an_earlier_holder test_one_object_and_then_the_ruleset test_chained_del_of_a_running_container test_ports_of_a_bridge
enforce_random.sh test_one_object_at_a_time
classifier_order.sh test_filters test_uplink
"

# run_nth N LINE: the N-th test of a kind, if it has so many
run_nth()
{
	local -i n=$1 status=0
	local -a words
	local output

	read -ra words <<<"$2"
	[[ -n "${words[n]-}" ]] || return 0
	output=$("/work/tests/netns/${words[0]}" "${words[n]}" 2>&1) || status=$?
	sed '/^[0-9]* passed, [0-9]* failed$/d; /^# deadlines/d' <<<"$output"
	if ((status == 0)); then
		passed+=1
	else
		failed+=1
	fi
}

main()
{
	local -i passed=0 failed=0 n most
	local line

	echo "# $(uname -r)"
	most=$(wc -w <<<"$CHOSEN")
	for ((n = 1; n < most; n++)); do
		while read -r line; do
			((n == 1 || SECONDS < SECONDS_OF_TESTS)) || break 2
			run_nth "$n" "$line"
		done <<<"$CHOSEN"
	done
	echo "# $((passed + failed)) of those chosen, in $SECONDS s"
	echo "$passed passed, $failed failed"
}

main
