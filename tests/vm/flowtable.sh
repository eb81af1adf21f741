#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The short cut for established flows (plugin/snat/offload.h), which needs a kernel that has flowtables: that packets take
# it, leave with the right source on it, and are stopped on it as on the long way.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

MODULES=/work/tests/netns/snat_modules
PEER=/work/tests/netns/enforce_peer
POOL='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard", "reuseDelay": 0,
	"ranges": [[{"subnet": "10.9.0.0/24", "rangeStart": "10.9.0.2", "rangeEnd": "10.9.0.3"}], [{"subnet": "fd09::/64", "rangeStart": "fd09::2"}]]}}'
PINNED=$(jq -c --argjson pin "$(jq -c '.snat | map(del(.match))' <<<"$CONF")" '.snat = $pin' <<<"$POOL")
MASQUERADED=$(jq -c '.ipMasq = true' <<<"$POOL")

# datagrams NAME: five of one flow to the legacy service, of each family, and as many of which each is a flow of its own
datagrams()
{
	assert_succeeds inside "$1" "$PEER" send 9 <<<$'\n\n\n\n'
}

# host_end NAME: the host's interface towards a container
host_end()
{
	ip -json link show | jq -r --arg alias "rangeguard pods $1 eth0" '.[] | select(.ifalias == $alias) | .ifname'
}

# offloaded: how many flows are in the flowtable
offloaded()
{
	{
		conntrack -L -f ipv4
		conntrack -L -f ipv6
	} 2>/dev/null | grep -c OFFLOAD || true
}

# routed NAME: how many packets of the container went the long way since the last question
routed()
{
	nft -j reset counters table inet watch | jq '[.nftables[].counter // empty | .packets] | add // 0'
}

# watch NAME: count what of a container is routed
watch()
{
	nft -f - <<-EOF
		table inet watch {
			counter routed { }
			chain forward { type filter hook forward priority -300; iifname "$(host_end "$1")" counter name routed; }
		}
	EOF
}

# attach NAME CONF
attach()
{
	add "$1" "$2" >"result-$1" || fail "ADD of $1: $(<"result-$1")"
}

test_pinned_flows_take_it()
{
	attach c1 "$PINNED"
	watch c1
	datagrams c1
	assert_equal 2 "$(offloaded)" "flows on the short cut"
	routed >/dev/null
	datagrams c1
	assert_equal 10 "$(routed)" "packets on the long way: first ones"
	assert_equal "192.0.2.10 udp
2001:db8:ffff::10 udp" "$(sources legacy)" "sources at the legacy service"
}

test_masqueraded_flows_take_it()
{
	attach c1 "$MASQUERADED"
	watch c1
	datagrams c1
	assert_equal 2 "$(offloaded)" "flows on the short cut"
	routed >/dev/null
	datagrams c1
	assert_equal 10 "$(routed)" "packets on the long way: first ones"
	assert_equal "198.51.100.1 udp
2001:db8:1::1 udp" "$(sources legacy)" "sources at the legacy service"
}

test_a_connection_takes_it_both_ways()
{
	local sum

	attach c1 "$PINNED"
	head -c 3000000 /dev/urandom >sent
	inside legacy socat -u TCP4-LISTEN:7000,reuseaddr OPEN:received,creat,trunc &
	wait_until 20 sh -c 'nsenter --net=/run/netns/legacy ss -Hltn sport = 7000 | grep -q :7000'
	inside c1 socat -u OPEN:sent TCP4:198.51.100.2:7000
	wait "$!"
	sum=$(sha256sum <sent)
	assert_equal "$sum" "$(sha256sum <received)" "what arrived"
	assert_equal "192.0.2.10 tcp" "$(sources legacy)" "sources at the legacy service"
}

test_other_flows_do_not()
{
	attach c1 "$POOL"
	attach c2 "$PINNED"
	datagrams c1
	for _ in 1 2 3; do
		inside c2 socat -u - "UDP4-DATAGRAM:203.0.113.2:9,bind=:5000" <<<x
	done
	assert_equal 0 "$(offloaded)" "flows on the short cut"
}

# The next holder of the address continues a flow of the same ports.
test_del_ends_it_at_once()
{
	attach c1 "$PINNED"
	datagrams c1
	assert_equal 2 "$(offloaded)" "flows on the short cut"
	del c1 "$PINNED"
	assert_equal 0 "$(offloaded)" "flows after DEL"
	forget_sources
	add c2 "$POOL" CNI_ARGS=IP=10.9.0.2 >result-c2 || fail "ADD of c2: $(<result-c2)"
	assert_contains "$(<result-c2)" '"10.9.0.2/32"' "the address of the next one"
	datagrams c2
	assert_equal "10.9.0.2 udp" "$(sources legacy | grep -F 10.9)" "source of the next one"
	assert_no_line "packets with the pin's source" '192\.0\.2\.10' sources legacy
}

# Chained, the interface stays.
test_a_chained_del_ends_it_at_once()
{
	local list

	list=$(jq -nc --argjson more "$CHAINED" '{cniVersion: "1.0.0", name: "chain", plugins: [{type: "ptp", ipam: {type: "host-local",
		ranges: [[{subnet: "10.8.0.0/24"}]], routes: [{dst: "0.0.0.0/0"}]}}, $more]}')
	assert_succeeds chain ADD c1 "$list"
	datagrams c1
	assert_equal 1 "$(offloaded)" "flows on the short cut"
	forget_sources
	assert_succeeds cni DEL c1 "$(netns_path c1)" eth0 "$(jq -c '{cniVersion, name} + .plugins[1]' <<<"$list")"
	datagrams c1
	assert_empty "$(sources legacy)" "after DEL"
}

# A source that hosts share is closed, or its time is over; then all goes on that is not for the pinned destination.
test_a_deadline_ends_it_at_once()
{
	attach c1 "$PINNED"
	assert_succeeds "$MODULES" due-later "$(host_end c1)" 192.0.2.10
	datagrams c1
	assert_equal 2 "$(offloaded)" "flows on the short cut"
	assert_contains "$(sources legacy)" "192.0.2.10 udp" "before the deadline"
	assert_succeeds "$MODULES" due-now "$(host_end c1)" 192.0.2.10
	forget_sources
	datagrams c1
	assert_only_lines "past the deadline" : sources legacy
	assert_reaches c1 203.0.113.2
	assert_succeeds "$MODULES" due-later "$(host_end c1)" 192.0.2.10
	datagrams c1
	assert_equal "192.0.2.10 udp" "$(sources legacy | grep -v :)" "when it is open again"
}

# Whatever leaves by a tunnel leaves by the host's uplink in the end, also where all the world is a pinned destination.
test_through_a_tunnel()
{
	local sum

	ip link add vx0 type vxlan id 7 dstport 4789 local 203.0.113.1 remote 203.0.113.2 dev up1
	ip -n second link add vx0 type vxlan id 7 dstport 4789 local 203.0.113.2 remote 203.0.113.1 dev eth0
	ip address add 198.18.0.1/24 dev vx0
	ip -n second address add 198.18.0.2/24 dev vx0
	ip link set vx0 up
	ip -n second link set vx0 up
	ip -n second route add 192.0.2.10 via 198.18.0.1
	attach c1 "$(jq -c '.snat[0] |= (del(.destinations) | .source = ["192.0.2.10"])' <<<"$PINNED")"
	head -c 300000 /dev/urandom >sent
	inside second socat -u TCP4-LISTEN:7000,reuseaddr OPEN:received,creat,trunc &
	wait_until 20 sh -c 'nsenter --net=/run/netns/second ss -Hltn sport = 7000 | grep -q :7000'
	inside c1 timeout "$(scaled 20)" socat -u OPEN:sent TCP4:198.18.0.2:7000 || fail "the transfer stopped"
	wait "$!"
	sum=$(sha256sum <sent)
	assert_equal "$sum" "$(sha256sum <received)" "what arrived"
	assert_equal "192.0.2.10 tcp" "$(sources second | grep 192)" "sources at the other end"
}

# What somebody takes out of it comes back with the next look at anything.
test_it_is_put_back()
{
	local what result

	attach c1 "$PINNED"
	attach c2 "$MASQUERADED"
	result=$(<result-c1)
	for what in "flush chain inet rangeguard shortcut" "flush chain inet rangeguard shortcut; delete chain inet rangeguard shortcut" \
		"flush chain inet rangeguard shortcut; delete chain inet rangeguard shortcut; delete flowtable inet rangeguard established"; do
		for name in c1 c2; do
			nft "$what"
			conntrack -F 2>/dev/null
			datagrams "$name"
			assert_equal 0 "$(offloaded)" "flows without it: $what"
			assert_succeeds check c1 "$PINNED" "$result"
			datagrams "$name"
			assert_equal 2 "$(offloaded)" "flows of $name after CHECK of c1: $what"
		done
	done
	nft flush chain inet rangeguard shortcut
	del c2 "$MASQUERADED"
	attach c2 "$PINNED"
	conntrack -F 2>/dev/null
	datagrams c1
	assert_equal 2 "$(offloaded)" "flows of c1 after an ADD of c2"
}

# Whatever one object goes, or all of the ruleset: with the pin's source or not at all
test_one_object_gone()
{
	local what

	for what in "nft delete table inet rangeguard" "nft flush ruleset" "nft flush chain inet rangeguard shortcut" "nft delete table inet rangeguard-backstop" \
		"tc qdisc del dev HOST clsact" "ip rule del pref 0 lookup 29287" "ip route flush table 29287" \
		"nft flush set inet rangeguard pairs4" "nft flush set inet rangeguard pinned4" "conntrack -F" "ip link set HOST down"; do
		# The short cut comes with the table.
		nft flush ruleset
		attach c1 "$PINNED"
		datagrams c1
		assert_equal 2 "$(offloaded)" "flows on the short cut before $what"
		forget_sources
		# shellcheck disable=SC2086 # words
		${what//HOST/$(host_end c1)} >/dev/null 2>&1
		datagrams c1
		assert_only_lines "after $what" '^(192\.0\.2\.10|2001:db8:ffff::10) ' sources legacy
		del c1 "$PINNED"
	done
}

main "$@"
