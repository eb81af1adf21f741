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
# Another network, whose containers are a pinned destination
NEAR='{"cniVersion": "1.1.0", "name": "near", "type": "rangeguard", "ipam": {"type": "rangeguard", "reuseDelay": 0,
	"ranges": [[{"subnet": "10.8.0.0/24", "rangeStart": "10.8.0.2"}]]}}'
PINNED_NEAR=$(jq -c '.snat[0].destinations = ["10.8.0.0/24"] | .snat[0].source = ["192.0.2.10"]' <<<"$PINNED")
AGENT=/work/rangeguard-agent

# datagrams NAME: five of one flow to the legacy service, of each family, and as many of which each is a flow of its own
datagrams()
{
	assert_succeeds inside "$1" "$PEER" send 9 <<<$'\n\n\n\n'
}

# host_end NAME: the host's interface towards a container
host_end()
{
	ip -json link show | jq -r --arg name "$1" '.[] | select(.ifalias // "" | test("^rangeguard [a-z]+ \($name) eth0$")) | .ifname'
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

# Whoever is there when the first pin comes, and whoever comes after it
test_plain_flows_take_it()
{
	attach c1 "$POOL"
	attach c2 "$PINNED"
	attach c3 "$NEAR"
	watch c1
	datagrams c1
	assert_equal 2 "$(offloaded)" "flows of the first one on the short cut"
	routed >/dev/null
	datagrams c1
	assert_equal 10 "$(routed)" "packets on the long way: first ones"
	datagrams c3
	assert_equal 3 "$(offloaded)" "flows with those of the last one"
	assert_equal "10.8.0.2 udp
10.9.0.2 udp
fd09::2 udp" "$(sources legacy)" "sources at the legacy service"
}

# answers: how many datagrams c1 has got
answers()
{
	inside c1 nft -j list counters table inet got | jq '[.nftables[].counter // empty | .packets] | add'
}

# ask_a_pinned_one CONF COMMAND: a container of CONF asks one that is pinned towards it, after a command of somebody's
ask_a_pinned_one()
{
	nft flush ruleset
	attach c1 "$1"
	attach c2 "$PINNED_NEAR"
	# shellcheck disable=SC2086 # words
	${2//HOST/$(host_end c2)}
	for _ in 1 2 3 4 5; do
		inside c1 socat -u - UDP4-SENDTO:10.9.0.2:9,bind=:5000 <<<x
	done
	sleep "$(briefly)"
	assert_equal 0 "$(answers)" "answers after $2"
	assert_equal 0 "$(offloaded)" "flows on the short cut after $2"
	del c2 "$PINNED_NEAR"
	del c1 "$1"
}

# A flow is taken in both directions, and what a pinned container answers to a pinned destination must meet the fence, also when
# somebody took away one of the things that tell which container is pinned.
test_answers_of_pinned_containers_do_not()
{
	inside c2 socat UDP4-RECVFROM:9,fork EXEC:cat &
	inside c1 nft 'table inet got { counter answers { }; chain in { type filter hook input priority 0; udp sport 9 counter name "answers"; }; }'
	wait_until 20 sh -c 'nsenter --net=/run/netns/c2 ss -Hlun sport = 9 | grep -q :9'
	ask_a_pinned_one "$NEAR" true
	ask_a_pinned_one "$(jq -c '.ipMasq = true' <<<"$NEAR")" true
	ask_a_pinned_one "$NEAR" "nft flush set inet rangeguard pinned4"
	ask_a_pinned_one "$NEAR" "ip link set HOST group default"
}

test_other_flows_do_not()
{
	attach c1 "$(jq -c '.antiSpoof = false' <<<"$POOL")"
	attach c2 "$PINNED"
	datagrams c1
	for _ in 1 2 3; do
		inside c2 socat -u - "UDP4-DATAGRAM:203.0.113.2:9,bind=:5000" <<<x
	done
	assert_equal 0 "$(offloaded)" "flows on the short cut"
	assert_no_line "its devices" "$(host_end c1)" nft list flowtables
}

# A rule of others' may write the mark of plain containers' packets into a pinned one's.
test_a_foreign_mark_takes_nothing()
{
	attach c1 "$PINNED_NEAR"
	attach c2 "$(jq -c '.ipMasq = true' <<<"$PINNED_NEAR")"
	nft 'table inet others { chain f { type filter hook forward priority 0; iifgroup 83 meta mark set 0x01000000; }; }'
	datagrams c1
	datagrams c2
	assert_equal 0 "$(offloaded)" "flows on the short cut"
}

# A host that has had no pin has no table, and nothing of it.
test_a_host_without_pins_has_none()
{
	attach c1 "$POOL"
	assert_succeeds check c1 "$POOL" "$(<result-c1)"
	assert_no_line "tables" '^table inet rangeguard$' nft list tables
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

# The same of a container without a pin: its flow goes on after a DEL and an ADD of another one, as the other one's.
test_del_of_a_plain_one_ends_it_at_once()
{
	local device

	attach c3 "$PINNED"
	attach c1 "$POOL"
	device=$(host_end c1)
	datagrams c1
	assert_equal 2 "$(offloaded)" "flows on the short cut"
	assert_contains "$(nft list flowtables)" "$device" "devices"
	del c1 "$POOL"
	assert_equal 0 "$(offloaded)" "flows after DEL"
	assert_no_line "devices after DEL" "$device" nft list flowtables
}

# What was plain becomes pinned, in the same list: the flow that it has, which would go on as the container's own, ends.
test_a_plain_one_becomes_pinned()
{
	local chained

	attach c2 "$PINNED"
	attach c1 "$POOL"
	datagrams c1
	assert_equal 2 "$(offloaded)" "flows on the short cut"
	chained=$(jq -nc --argjson more "$CHAINED" --argjson result "$(<result-c1)" \
		'$more + {cniVersion: "1.1.0", name: "pods", prevResult: $result}')
	assert_succeeds add c1 "$chained"
	forget_sources
	datagrams c1
	assert_only_lines "pinned" '^(192\.0\.2\.10|2001:db8:ffff::10) ' sources legacy
	# Its interface has two leases, and is one device.
	nft flush chain inet rangeguard shortcut
	assert_succeeds check c1 "$chained" "$(<result-c1)"
	conntrack -F 2>/dev/null
	datagrams c1
	assert_equal 2 "$(offloaded)" "flows on the short cut that was put back"
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

# Each way to take something out of it: the chains' rules, chains, all of it, its devices
break_it()
{
	case "$1" in
	rules) nft flush chain inet rangeguard shortcut ;;
	taking) nft flush chain inet rangeguard take ;;
	chain) nft 'flush chain inet rangeguard shortcut; delete chain inet rangeguard shortcut' ;;
	all)
		nft 'flush chain inet rangeguard shortcut; flush chain inet rangeguard take; delete chain inet rangeguard shortcut
			delete chain inet rangeguard take; delete flowtable inet rangeguard established'
		;;
	devices)
		nft "delete flowtable inet rangeguard established { hook ingress priority filter; devices = { $(
			host_end c1), $(host_end c2), $(host_end c3) }; }"
		;;
	esac
	conntrack -F 2>/dev/null
}

# on_the_long_way NAME: how many packets of a container go it when its flows are established; half of them are of new flows
on_the_long_way()
{
	local packets

	watch "$1"
	datagrams "$1"
	routed >/dev/null
	datagrams "$1"
	packets=$(routed)
	nft delete table inet watch
	echo "$packets"
}

# long_ways: the same of all three containers, the last of which has one family
long_ways()
{
	echo "$(on_the_long_way c1) $(on_the_long_way c2) $(on_the_long_way c3)"
}

# three: containers with a pin, masquerading, neither
three()
{
	attach c1 "$PINNED"
	attach c2 "$MASQUERADED"
	attach c3 "$NEAR"
}

# What somebody takes out of it comes back with the next look at anything; of devices each CHECK looks for its own.
test_it_is_put_back_by_check()
{
	local how

	three
	for how in rules taking chain all; do
		break_it "$how"
		assert_equal "20 20 10" "$(long_ways)" "packets on the long way without it: $how"
		assert_succeeds check c3 "$NEAR" "$(<result-c3)"
		assert_equal "10 10 5" "$(long_ways)" "packets on the long way after CHECK of c3: $how"
	done
	break_it all
	assert_succeeds check c1 "$PINNED" "$(<result-c1)"
	assert_equal "10 10 5" "$(long_ways)" "packets on the long way after CHECK of c1"
	break_it devices
	assert_equal "20 20 10" "$(long_ways)" "packets on the long way without devices"
	assert_succeeds check c3 "$NEAR" "$(<result-c3)"
	assert_equal "20 20 5" "$(long_ways)" "packets on the long way after CHECK of c3, without devices"
}

test_it_is_put_back_by_add()
{
	three
	del c3 "$NEAR"
	break_it all
	attach c3 "$NEAR"
	assert_equal "10 10 5" "$(long_ways)" "packets on the long way after an ADD of a plain one"
	del c2 "$MASQUERADED"
	break_it rules
	attach c2 "$MASQUERADED"
	assert_equal "10 10 5" "$(long_ways)" "packets on the long way after an ADD of a masqueraded one"
}

# keep_all: GC of nobody
keep_all()
{
	local keep='[{"containerID": "c1", "ifname": "eth0"}, {"containerID": "c2", "ifname": "eth0"}]'

	cni GC "" "" "" "$(jq -c --argjson keep "$keep" '."cni.dev/valid-attachments" = $keep' <<<"$PINNED")"
}

test_it_is_put_back_by_gc()
{
	local how

	three
	for how in rules taking chain all devices; do
		break_it "$how"
		assert_equal "20 20 10" "$(long_ways)" "packets on the long way without it: $how"
		assert_succeeds keep_all
		assert_equal "10 10 5" "$(long_ways)" "packets on the long way after GC: $how"
	done
}

# GC of a host that lacks nothing changes nothing.
test_gc_leaves_it_alone()
{
	three
	nft monitor >changes &
	sleep "$(briefly)"
	assert_succeeds keep_all
	sleep "$(briefly)"
	kill "$!"
	assert_empty "$(<changes)" "changes"
}

# are_short: all three take it
are_short()
{
	[[ "$(long_ways)" == "10 10 5" ]]
}

test_it_is_put_back_by_the_agent()
{
	local how

	three
	LD_LIBRARY_PATH=/work/lib "$AGENT" --listen 127.0.0.1:9582 >agent.log 2>&1 &
	for how in rules taking chain all devices; do
		wait_until 20 are_short
		break_it "$how"
		wait_until 20 are_short
	done
	kill "$!"
	assert_no_line "what the agent could not do" 'lack some|cannot' cat agent.log
}

# To audit it is no fault, whether it is there or not.
test_audit_knows_it()
{
	three
	"$RANGEGUARD" audit --format text >audited || true
	assert_no_line "of the table" 'nftables|inet rangeguard' cat audited
	break_it all
	"$RANGEGUARD" audit --format text >audited || true
	assert_no_line "of the table without it" 'nftables|inet rangeguard' cat audited
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
