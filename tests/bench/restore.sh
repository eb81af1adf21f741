#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How long the agent needs to put back what somebody flushed, seen at the legacy service: the longest gap in a flow of a
# packet per millisecond from a pinned container, after each `nft flush ruleset`. Prints p50, p99 and the maximum; nothing is
# asserted.
#
# Usage: RANGEGUARD=build/release/rangeguard ROUNDS=50 tests/bench/restore.sh

ROUNDS=${ROUNDS:-50}
# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"
AGENT=$(dirname "$RANGEGUARD")/rangeguard-agent
FLOW=$SOURCE_DIR/build/dev/tests/cluster/cluster_flow
TEST_TIMEOUT=${TEST_TIMEOUT:-600}

test_gap_after_a_flush()
{
	local -i i

	"$AGENT" >agent.log 2>&1 &
	add c1 "$CONF" "$BILLING" >/dev/null
	inside legacy "$FLOW" watch eth0 >seen.log &
	inside c1 "$FLOW" send c1 1 198.51.100.2 &
	wait_until 5 grep -q 192.0.2.10 seen.log
	for ((i = 0; i < ROUNDS; i++)); do
		sleep "0.$((RANDOM % 5 + 5))"
		echo "${EPOCHREALTIME/./}" >>flushes
		nft flush ruleset
	done
	sleep 1
	# A gap belongs to the flush before its end: packets between a flush and its effect count as before it
	awk -v name=c1 'FILENAME == "flushes" { flush[n++] = $1; next }
		$4 == name { while (at < n && $1 > flush[at]) { if (at) print longest; at++; longest = 0; }
			if (last && at && $1 - last > longest) longest = $1 - last; last = $1 }
		END { print longest }' flushes seen.log | sort -n >gaps
	note "gap after a flush: $(awk '{ a[NR] = $1 } END { printf "p50 %.1f, p99 %.1f, max %.1f ms of %d", a[int((NR + 1) / 2)] / 1000,
		a[int(NR * 0.99 + 0.999)] / 1000, a[NR] / 1000, NR }' gaps)"
	assert_equal 192.0.2.10 "$(awk '$4 == "c1" { print $3 }' seen.log | sort -u)" "sources that were seen"
}

main "$@"
