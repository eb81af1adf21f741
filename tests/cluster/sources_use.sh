#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Source addresses that hosts share, in use: several of them, both families, the chained role, other verbs and commands, and why
# an ADD is refused.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cluster/hosts.sh
source "$(dirname "$0")/hosts.sh"
# shellcheck source=tests/cluster/shared.sh
source "$(dirname "$0")/shared.sh"

test_both_families_move_together()
{
	local conf1 conf2 result

	conf1=$(shared 1 "$X" "$X6")
	conf2=$(shared 2 "$X" "$X6")
	three_hosts
	must_add 1 a1 "$conf1"
	flow_up 1 a1 "$LEGACY" "$LEGACY6"
	wait_until 5 arrived a1 "$X"
	wait_until 5 arrived a1 "$X6"
	flow_down a1
	must_del 1 a1 "$conf1"
	add_until 2 b1 "$conf2"
	flow_up 2 b1 "$LEGACY" "$LEGACY6"
	wait_until 5 arrived b1 "$X"
	wait_until 5 arrived b1 "$X6"
	assert_equal "h1 h2" "$(senders "$X")" "who sent IPv4"
	assert_equal "h1 h2" "$(senders "$X6")" "who sent IPv6"
	no_wrong_source "$X" "$X6"
}

# Each host takes a free one; who comes when there is none hears who has them. What is held serves the next container
# without anybody being asked.
test_several_sources()
{
	local result
	# It is held while its agent is stopped for a moment.
	local TTL=60

	three_hosts
	must_add 1 a1 "$(shared 1 "$X" "$Y")"
	must_add 2 b1 "$(shared 2 "$X" "$Y")"
	result=$(host_add 3 c1 "$(shared 3 "$X" "$Y")") && fail "a third host got one of two: $result"
	assert_refused 103 "$result" "none free"
	assert_contains "$result" "$X is held by host h1" "who has the first"
	assert_contains "$result" "$Y is held by host h2" "who has the second"
	agent_down 1 STOP
	must_add_at_once 1 a2 "$(shared 1 "$X" "$Y")"
	agent_down 1 CONT
	flow_up 1 a1
	flow_up 1 a2
	flow_up 2 b1
	wait_until 5 arrived a1 "$X"
	wait_until 5 arrived a2 "$X"
	wait_until 5 arrived b1 "$Y"
	no_wrong_source "$X" "$Y"
	# The last one gives it back, not the first.
	must_del 1 a1 "$(shared 1 "$X" "$Y")"
	sleep 1
	assert_equal h1 "$(holder "$X")" "while another container has it"
	must_del 1 a2 "$(shared 1 "$X" "$Y")"
	add_until 3 c1 "$(shared 3 "$X" "$Y")"
	assert_equal h3 "$(holder "$X")" "after the last one"
}

# Who has the address without the cluster's knowing is found out, and named.
test_somebody_else_has_the_address()
{
	local result other

	three_hosts
	link_up stranger "$X/24"
	other=$(ip -n stranger -json link show eth0 | jq -r '.[0].address')
	result=$(host_add 1 a1 "$(shared 1)") && fail "ADD with a source that a stranger has: $result"
	assert_refused 103 "$result" "a stranger has it"
	assert_contains "$result" "$other" "the stranger's MAC address"
	wait_until 5 is_free
}

# ghost_up: the host that had the source is dead, and something with its MAC address answers for the source
ghost_up()
{
	ip link set v-h1 down
	agent_down 1 KILL
	link_up ghost "$X/24"
	ip -n ghost link set eth0 address "${mac[1]}"
}

# The host that had the source before still answers for it: that is waited out, and nothing is sent meanwhile.
test_the_previous_holder_still_answers()
{
	local result

	begin_flow
	ghost_up
	host_netns 2 b1
	# It is taken over meanwhile, and not put to use.
	# shellcheck disable=SC2016 # eval expands it
	wait_until 20 eval 'result=$(host_cni 2 ADD b1 "$(shared 2)") || [[ "$result" == *"${mac[1]} answers for it"* ]]'
	assert_refused 11 "$result" "while the previous holder answers"
	assert_equal h2 "$(holder "$X")" "the record meanwhile"
	assert_empty "$(on_host 2 ip address show to "$X")" "the address meanwhile"
	assert_equal h1 "$(senders "$X")" "who sent"
	ip netns del ghost
	add_until 2 b1 "$(shared 2)"
	flow_up 2 b1
	wait_until 5 arrived b1 "$X"
	assert_equal "h1 h2" "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

# two_pins N: to the service with one shared source, to its second address with another
two_pins()
{
	shared "$1" | jq -c --arg x "$X" --arg y "$Y" --arg legacy "$LEGACY" '.snat[0] as $pin | .snat = [
		$pin + {name: "first", source: [$x], destinations: ["\($legacy)/32"]},
		$pin + {name: "second", source: [$y], destinations: ["192.0.2.101/32"]}]'
}

# Two shared sources of one family in one container: each for its destinations, and both end at their deadline.
test_two_sources_of_one_family()
{
	local result
	local -i since

	three_hosts
	ip -n legacy address add 192.0.2.101/24 dev eth0
	must_add 1 a1 "$(two_pins 1)"
	assert_equal "h1 h1" "$(holder "$X") $(holder "$Y")" "the records"
	flow_up 1 a1 "$LEGACY" 192.0.2.101
	wait_until 5 arrived a1 "$X"
	wait_until 5 arrived a1 "$Y"
	# One of them lost: what goes with the other may wait, too, but nothing leaves with a wrong one.
	agent_down 1 KILL
	add_until 2 b1 "$(shared 2 "$Y")"
	flow_up 2 b1 192.0.2.101
	wait_until 5 arrived b1 "$Y"
	sleep 1
	assert_equal "h1 h2" "$(senders "$Y")" "who sent with the second"
	assert_silent 1 "$X"
	no_wrong_source "$X" "$Y"
	agent_up 1
	since=$(now)
	flow_down b1
	must_del 2 b1 "$(shared 2 "$Y")"
	wait_until 20 arrived a1 "$X" "$since"
	wait_until 20 arrived a1 "$Y" "$since"
	assert_equal "h1 h2 h1" "$(senders "$Y")" "who sent with the second"
	assert_equal h1 "$(senders "$X")" "who sent with the first"
	no_wrong_source "$X" "$Y"
}

# An interface that is missing is said, and the claim is given back.
test_the_interface_is_missing()
{
	local result

	three_hosts
	result=$(host_add 1 a1 "$(shared 1 | jq -c '.snat[0].assign = "eth9"')") && fail "ADD with a missing interface: $result"
	assert_refused 103 "$result" "no such interface"
	assert_contains "$result" "eth9" "which"
	wait_until 10 is_free
	on_host 1 ip link add eth8 type veth peer name eth8-peer
	result=$(host_add 1 a1 "$(shared 1 | jq -c '.snat[0].assign = "eth8"')") && fail "ADD with an interface that is down: $result"
	assert_refused 103 "$result" "the interface is down"
	assert_contains "$result" "interface eth8: Network is down" "why"
	wait_until 10 is_free
	must_add 2 b1 "$(shared 2)"
}

# status_has N REGEX: whether `cluster status` of a host has a line that matches
status_has()
{
	on_host "$1" "$RANGEGUARD" cluster status | grep -qE "$2"
}

# CHECK, list, gc and cluster status know containers with shared sources.
test_other_verbs_and_commands()
{
	local result said

	three_hosts
	must_add 1 a1 "$(shared 1)"
	must_check 1 a1 "$(jq -c --argjson previous "$result" '.prevResult = $previous' <<<"$(shared 1)")"
	on_host 1 nft flush ruleset
	must_check 1 a1 "$(jq -c --argjson previous "$result" '.prevResult = $previous' <<<"$(shared 1)")"
	assert_contains "$(on_host 1 "$RANGEGUARD" list --format json)" '"mainframe"' "list"
	wait_until 5 status_has 1 "source $X \(mainframe\): h1, since [^,]*, may send for [0-4]\.[0-9] s"
	wait_until 5 status_has 2 "source $X \(mainframe\): h1, since "
	said=$(on_host 2 "$RANGEGUARD" cluster status)
	[[ "$said" != *"may send"* ]] || fail "h2 knows nothing of h1's deadline: $said"
	assert_contains "$(on_host 2 "$RANGEGUARD" cluster who "$X")" "source $X: h1, since" "who"
	agent_down 1
	agent_up 1 --listen 127.0.0.1:9582
	wait_until 5 eval 'on_host 1 curl -s http://127.0.0.1:9582/metrics >metrics && grep -q "^rangeguard_cluster_source_seconds.* [1-4]" metrics'
	assert_contains "$(<metrics)" "rangeguard_cluster_source_users{source=\"$X\",pin=\"mainframe\"} 1" "metrics"
	# The container goes without a DEL: gc gives back what it had.
	on_host 1 ip netns del a1
	wait_until 5 eval '! on_host 1 ip link show type veth | grep -q ": rg"'
	assert_succeeds on_host 1 "$RANGEGUARD" gc
	wait_until 5 is_free
	assert_empty "$(on_host 1 ip address show to "$X")" "the address after gc"
}

# audit_sources N: what audit says of shared sources on a host, and its exit status
audit_sources()
{
	local status=0

	on_host "$1" "$RANGEGUARD" audit --config "$PWD/pods.conf" --format json >audit.json || status=$?
	echo "$status"
	jq -r '.findings[] | select(.rule == "RG412") | "\(.severity // .level): \(.message)"' audit.json
}

# audit_finds N REGEX: whether that is among it
audit_finds()
{
	audit_sources "$1" | grep -qE "$2"
}

# audit compares what the agent has written down, the kernel, and the cluster's records; STATUS knows who is missing.
test_audit_and_status()
{
	local result
	# The time does not run out while the agent is stopped for a moment.
	local TTL=20

	three_hosts
	shared 1 >pods.conf
	result=$(host_cni 1 STATUS none "$(shared 1 | jq -c '.cniVersion = "1.1.0"')" 2>&1) || fail "STATUS: $result"
	assert_empty "$result" "what STATUS says when all is well"
	must_add 1 a1 "$(shared 1)"
	wait_until 5 audit_finds 1 '^0$'
	agent_down 1 STOP
	on_host 1 ip address del "$X/32" dev eth0
	assert_matches "$(audit_sources 1)" "$X is this host's, but it is not on interface eth0" "the address is gone"
	agent_down 1 CONT
	wait_until "$TTL" audit_finds 1 '^0$'
	etcdctl --endpoints "$ENDPOINTS" put "/rangeguard/source/$Y" \
		"$(etcdctl --endpoints "$ENDPOINTS" get --print-value-only "/rangeguard/source/$X")" >/dev/null
	wait_until 5 audit_finds 1 "$Y is held by this host in etcd, which does not know it"
	etcdctl --endpoints "$ENDPOINTS" del "/rangeguard/source/$Y" >/dev/null
	agent_down 1 KILL
	wait_until "$TTL" audit_finds 1 "$X is this host's, but the time for which it may send with it is over"
	result=$(host_cni 1 STATUS none "$(shared 1 | jq -c '.cniVersion = "1.1.0"')" 2>&1) || fail "STATUS without an agent: $result"
	assert_contains "$result" "rangeguard-agent does not run on this host: systemctl start rangeguard-agent" "STATUS without an agent"
	result=$(host_cni 1 STATUS none "$(shared 1 | jq -c '.cniVersion = "1.1.0" | .guard.strictStatus = true')") &&
		fail "strict STATUS without an agent"
	assert_refused 50 "$result" "strict STATUS without an agent"
	# Given back, and somebody has put it there again
	agent_up 1
	must_del 1 a1 "$(shared 1)"
	wait_until 10 is_free
	on_host 1 ip address add "$X/32" dev eth0
	assert_matches "$(audit_sources 1)" "$X is on this host, which does not hold it; take it off interface eth0" "a stray address"
}

# A reservation that is published keeps a source from every later claim; the holder goes on.
test_a_source_is_reserved()
{
	local result said
	local -i since

	begin_flow
	jq -n --arg x "$X/32" '{reserved: [{cidr: $x, owner: "mainframe-team", reason: "moved"}]}' >reserved.json
	said=$(on_host 2 "$RANGEGUARD" cluster publish "$PWD/reserved.json") || fail "publish: $said"
	assert_contains "$said" "source $X, held by h1, is reserved for mainframe-team: " "what publish says"
	since=$(now)
	wait_until 5 arrived a1 "$X" "$since"
	flow_down a1
	# Its agent finds out that it lost it, and does not claim it again.
	agent_down 1 STOP
	sleep $((TTL + 1))
	result=$(host_add 2 b1 "$(shared 2)") && fail "h2 took over a reserved source: $result"
	assert_refused 100 "$result" "a reserved source"
	agent_down 1 CONT
	must_del 1 a1 "$(shared 1)"
	wait_until 10 is_free
	result=$(host_add 1 a2 "$(shared 1)") && fail "h1 claimed a reserved source: $result"
	assert_refused 100 "$result" "a reserved source"
}

# In the chained role, for a container that another plugin has wired
test_chained()
{
	local conf result previous

	three_hosts
	on_host 1 ip netns add a1
	on_host 1 sh -c 'ip link add veth-a1 type veth peer name eth0 netns a1 && ip link set veth-a1 up && ip -n a1 link set lo up &&
		ip -n a1 link set eth0 up && ip -n a1 address add 10.77.0.2/24 dev eth0 && ip -n a1 route add default via 10.77.0.1 &&
		ip address add 10.77.0.1/24 dev veth-a1 && echo 1 >/proc/sys/net/ipv4/ip_forward'
	previous=$(jq -nc --arg mac "$(on_host 1 ip -n a1 -json link show eth0 | jq -r '.[0].address')" '{cniVersion: "1.0.0",
		interfaces: [{name: "veth-a1"}, {name: "eth0", mac: $mac, sandbox: "/run/netns/a1"}], ips: [{address: "10.77.0.2/24", interface: 1}]}')
	conf=$(jq -c --argjson previous "$previous" 'del(.ipam) | .prevResult = $previous' <<<"$(shared 1)")
	result=$(host_cni 1 ADD a1 "$conf") || fail "ADD: $result; $(<agent-h1.log)"
	flow_up 1 a1
	wait_until 5 arrived a1 "$X"
	must_check 1 a1 "$conf"
	agent_down 1 KILL
	add_until 2 b1 "$(shared 2)"
	flow_up 2 b1
	wait_until 5 arrived b1 "$X"
	assert_silent 1 "$X"
	assert_equal "h1 h2" "$(senders "$X")" "who sent"
	no_wrong_source "$X"
	must_del 1 a1 "$conf"
}

main "$@"
