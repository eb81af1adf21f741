#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fence: whatever happens to the ruleset, a pinned container's packets reach its pinned destinations with the pinned
# source or not at all; and what brings the ruleset back.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

PEER=$(dirname "$RANGEGUARD")/tests/netns/enforce_peer
[[ -x "$PEER" ]] || PEER=$SOURCE_DIR/build/dev/tests/netns/enforce_peer

# pinned NAME: a pinned container; the result of its ADD is kept for CHECK
pinned()
{
	add "$1" "$CONF" "$BILLING" >"result-$1" || fail "ADD of $1: $(<"result-$1")"
}

# assert_fenced NAME: nothing of it is answered, or seen at the legacy service
assert_fenced()
{
	forget_sources
	assert_unreachable "$1" 198.51.100.2
	assert_unreachable "$1" 2001:db8:1::2
	knock "$1"
	assert_empty "$(sources legacy)" "seen at the legacy service while the ruleset is gone"
}

# assert_pinned NAME…: they reach it, with the pin's source
assert_pinned()
{
	local name

	forget_sources
	for name in "$@"; do
		assert_reaches "$name" 198.51.100.2 2001:db8:1::2
		knock "$name"
	done
	assert_equal "$PINNED_ALL" "$(sources legacy)" "sources at the legacy service"
}

# flushed COMMAND…: this takes the rules away, an ADD of another container brings them back
flushed()
{
	pinned c1
	pinned c2
	assert_pinned c1 c2
	"$@"
	assert_fenced c1
	assert_reaches c1 203.0.113.2 "$HOST_IPV4" 10.9.0.3
	pinned c3
	assert_pinned c1 c2 c3
	assert_equal "$MASQUERADED_ALL" "$(talk c1; sources second)" "at the second network"
	for name in c1 c2 c3; do
		del "$name" "$CONF" "$BILLING"
	done
	assert_clean
}

# reload: what a firewall's service does: everything goes, and its own tables come, in one transaction
reload()
{
	nft -f - <<-'EOF'
		flush ruleset
		table inet filter {
			chain input { type filter hook input priority filter; policy accept; }
			chain forward { type filter hook forward priority filter; policy accept; }
		}
		table ip nat {
			chain postrouting { type nat hook postrouting priority srcnat; policy accept; masquerade; }
		}
		table ip6 nat {
			chain postrouting { type nat hook postrouting priority srcnat; policy accept; masquerade; }
		}
	EOF
}

test_flush_ruleset()
{
	# Replies find the way without the table's masquerading.
	flushed nft flush ruleset
}

test_delete_table()
{
	flushed nft delete table inet rangeguard
}

# Chains and sets stay, without rules and with all elements.
test_flush_table()
{
	flushed nft flush table inet rangeguard
}

# Others translate everything meanwhile.
test_firewall_reload()
{
	flushed reload
}

# The container sends all the time, through several reloads and what brings the table back. What was between two hooks when
# the rules went is another test's (below).
test_reloads_under_load()
{
	local i

	pinned c1
	load c1 &
	wait_until 10 sent 2
	for i in 1 2 3; do
		assert_equal "$PINNED_ALL" "$(sources legacy)" "sources at the legacy service before reload $i"
		reload
		forget_sources
		wait_until 10 tried $(($(wc -l <rounds) + 1))
		add c2 "$CONF" "$BILLING" >/dev/null || fail "ADD after reload $i"
		# A whole round
		wait_until 20 tried $(($(wc -l <rounds) + 2))
		del c2 "$CONF" "$BILLING"
	done
	touch stop
	wait
	assert_equal "$PINNED_ALL" "$(sources legacy)" "sources at the legacy service"
}

# at_least LINES FILE
at_least()
{
	[[ "$(wc -l <"$2")" -ge "$1" ]]
}

# When somebody deletes the table, a packet that has just passed one of its chains may not meet the next one any more: the
# kernel looks for the rules that count at each hook. That is one packet per processor, of an endless stream; and nothing later.
test_what_is_in_flight_at_a_reload()
{
	local -i i wrong most=$((20 * $(nproc)))

	pinned c1
	inside legacy "$PEER" watch >seen &
	{ yes || true; } | inside c1 "$PEER" send 9 >/dev/null &
	for ((i = 1; i <= 20; i++)); do
		wait_until 10 at_least $(($(wc -l <seen) + 50)) seen
		reload
		assert_succeeds check c1 "$CONF" "$(<result-c1)" "$BILLING"
	done
	wait_until 10 at_least $(($(wc -l <seen) + 50)) seen
	wrong=$(grep -cv -e ' 192\.0\.2\.10$' -e ' 2001:db8:ffff::10$' seen || true)
	note "$wrong of $(wc -l <seen) packets"
	((wrong <= most)) || fail "$wrong packets left with another source in 20 reloads (at most $most)"
}

# sent_in_vain NAME: its connection to port 7000 has sent something for the second time
sent_in_vain()
{
	inside "$1" ss -Htin dport = 7000 | grep -q 'retrans:'
}

# A flow that was translated keeps its translation in the kernel's memory, but no longer gets it: it must stop, too.
test_established_flows()
{
	inside legacy socat -u TCP4-LISTEN:7000,reuseaddr OPEN:"$PWD/received",creat,append &
	wait_until 5 sh -c 'nsenter --net=/run/netns/legacy ss -Hltn sport = 7000 | grep -q :7000'
	pinned c1
	mkfifo pipe
	inside c1 socat -u OPEN:pipe TCP4:198.51.100.2:7000 &
	exec 5>pipe
	echo before >&5
	wait_until 5 grep -q before received
	forget_sources
	nft flush ruleset
	echo while >&5
	wait_until 10 sent_in_vain c1
	! grep -q while received || fail "the flow goes on without the ruleset"
	assert_empty "$(sources legacy)" "seen at the legacy service"
	check c1 "$CONF" "$(<result-c1)" "$BILLING" || true
	wait_until 20 grep -q while received
	assert_equal "192.0.2.10 tcp" "$(sources legacy)" "seen at the legacy service"
	exec 5>&-
}

test_check_restores()
{
	pinned c1
	pinned c2
	nft flush ruleset
	assert_fenced c1
	assert_succeeds check c1 "$CONF" "$(<result-c1)" "$BILLING"
	assert_pinned c1 c2
	assert_succeeds check c2 "$CONF" "$(<result-c2)" "$BILLING"
}

# NAT passes what connection tracking can't place: it would leave with the container's own address.
test_packets_that_are_in_no_flow()
{
	inside legacy socat -u TCP4-LISTEN:7000,reuseaddr OPEN:"$PWD/received",creat,append &
	wait_until 5 sh -c 'nsenter --net=/run/netns/legacy ss -Hltn sport = 7000 | grep -q :7000'
	pinned c1
	mkfifo pipe
	inside c1 socat -u OPEN:pipe TCP4:198.51.100.2:7000 &
	exec 5>pipe
	echo before >&5
	wait_until 5 grep -q before received
	sysctl -q -w net.netfilter.nf_conntrack_tcp_loose=0
	conntrack -F 2>/dev/null
	forget_sources
	echo while >&5
	wait_until 10 sent_in_vain c1
	assert_empty "$(sources legacy)" "seen at the legacy service"
	exec 5>&-
}

test_del_while_the_ruleset_is_gone()
{
	pinned c1
	pinned c2
	nft flush ruleset
	del c1 "$CONF" "$BILLING"
	assert_fenced c2
	del c2 "$CONF" "$BILLING"
	assert_clean
	assert_succeeds add c3 "$CONF"
	talk c3
	assert_equal "$MASQUERADED_ALL_LEGACY" "$(sources legacy)" "c3, which is not pinned and has c1's address"
}

# A pin without destinations is for everything but the own network: so is its fence.
test_pin_for_everything()
{
	local conf

	conf=$(jq -c 'del(.snat[0].destinations)' <<<"$CONF")
	assert_succeeds add c1 "$conf" "$BILLING"
	assert_succeeds add c2 "$conf"
	talk c1
	assert_equal "$PINNED_ALL" "$(sources legacy)" "at the legacy service"
	assert_equal "$PINNED_ALL" "$(sources second)" "at the second network"
	nft flush ruleset
	assert_fenced c1
	assert_unreachable c1 203.0.113.2
	assert_unreachable c1 2001:db8:2::2
	assert_reaches c1 10.9.0.3 fd09::3 "$HOST_IPV4" "$HOST_IPV6"
	del c1 "$conf" "$BILLING"
	del c2 "$conf"
	assert_clean
}

# Containers that no pin matches are on nobody's side of the fence: they go on as a host without rules lets them.
test_others_are_not_fenced()
{
	pinned c1
	assert_succeeds add c2 "$CONF"
	nft flush ruleset
	assert_fenced c1
	assert_reaches c2 198.51.100.2 2001:db8:1::2
}

# The host's own traffic, to the pinned destinations too, and theirs to the container
test_the_host_is_not_fenced()
{
	pinned c1
	nft flush ruleset
	ping -n -q -c 1 -W "$(scaled 2)" 198.51.100.2 >/dev/null || fail "the host does not reach a pinned destination"
	ping -n -q -c 1 -W "$(scaled 2)" 10.9.0.2 >/dev/null || fail "the host does not reach the container"
	assert_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
}

# Behind another plugin the interface is somebody else's, and is armed all the same.
test_fence_behind_bridge_and_ptp()
{
	local plugin list

	for plugin in '{"type": "bridge", "bridge": "br0", "isGateway": true' '{"type": "ptp"'; do
		list='{"cniVersion": "1.0.0", "name": "chain", "plugins": ['$plugin', "ipam": {"type": "host-local",
			"ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd09::/64"}]],
			"routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}, '$CHAINED']}'
		chain ADD c1 "$list" >/dev/null || fail "ADD behind $plugin"
		settled
		assert_pinned c1
		nft flush ruleset
		assert_fenced c1
		chain ADD c2 "$list" >/dev/null || fail "ADD behind $plugin"
		settled
		assert_pinned c1 c2
		chain DEL c2 "$list"
		chain DEL c1 "$list"
		assert_clean
		ip link del br0 2>/dev/null || true
	done
}

main "$@"
