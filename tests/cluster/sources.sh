#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Source addresses that hosts share, on three hosts with three etcd members, during a flow to a legacy service on the same
# link. What counts is what its capture shows: one sender at a time, and no wrong source.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cluster/hosts.sh
source "$(dirname "$0")/hosts.sh"

# shellcheck source=tests/cluster/shared.sh
source "$(dirname "$0")/shared.sh"

# add_until N NAME CONF [SECONDS]: ADD as a runtime does it, again and again until it succeeds
add_until()
{
	local n=$1 name=$2
	local -i end=$((SECONDS + $(scaled "${4:-30}")))

	on_host "$n" ip netns add "$name"
	on_host "$n" ip -n "$name" link set lo up
	until host_cni "$n" ADD "$name" "$3" >"add-$name.log"; do
		((SECONDS < end)) || fail "ADD of $name on h$n: $(<"add-$name.log"); $(<"agent-h$n.log")"
	done
}

# lines: how long the service's log is
lines()
{
	wc -l <seen.log
}

# assert_silent HOST SOURCE: for three seconds the service hears nothing with it from that host, which tries each 2 ms
assert_silent()
{
	local before
	before=$(lines)
	sleep 3
	assert_empty "$(awk -v before="$before" -v mac="${mac[$1]}" -v source="$2" \
		'NR > before && $2 == mac && $3 == source && n++ < 3' seen.log)" "packets of h$1 with $2"
}

# cut_from N FROM…: the host can't reach these addresses any more
cut_from()
{
	local n=$1 address

	for address in "${@:2}"; do
		on_host "$n" ip route add unreachable "$address/32"
	done
}

# mend N FROM…: it can again
mend()
{
	local n=$1 address

	for address in "${@:2}"; do
		on_host "$n" ip route del unreachable "$address/32"
	done
}

ETCD=(192.0.2.11 192.0.2.12 192.0.2.13)

# begin_flow: h1 holds the source, and its container a1 sends with it
begin_flow()
{
	local result

	three_hosts
	result=$(host_add 1 a1 "$(shared 1)") || fail "ADD on h1: $result; $(<agent-h1.log)"
	flow_up 1 a1
	wait_until 5 arrived a1 "$X"
}

# taken_over: h2 takes the source from h1, which still sends what it can; then nothing of h1's arrives with it
taken_over()
{
	add_until 2 b1 "$(shared 2)"
	flow_up 2 b1
	wait_until 5 arrived b1 "$X"
	assert_equal h2 "$(holder "$X")" "the record"
	sleep 1
	assert_equal "h1 h2" "$(senders "$X")" "who sent, in their order"
	no_wrong_source "$X"
}

# given_back: h2's container ends, and h1's, which has been waiting, sends again
given_back()
{
	local -i before

	flow_down b1
	before=$(lines)
	host_cni 2 DEL b1 "$(shared 2)"
	wait_until 20 arrived a1 "$X" "$before"
	assert_equal h1 "$(holder "$X")" "the record"
	assert_equal "h1 h2 h1" "$(senders "$X")" "who sent, in their order"
	no_wrong_source "$X"
}

test_a_planned_move()
{
	local result

	begin_flow
	assert_equal h1 "$(holder "$X")" "the record"
	flow_down a1
	host_cni 1 DEL a1 "$(shared 1)"
	result=$(host_add 2 b1 "$(shared 2)") || fail "ADD on h2: $result; $(<agent-h2.log)"
	flow_up 2 b1
	wait_until 5 arrived b1 "$X"
	assert_equal h2 "$(holder "$X")" "the record after the move"
	assert_empty "$(ip -n h1 address show to "$X")" "the address on h1"
	assert_equal "h1 h2" "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

# A move while the old container still sends: it ends with its DEL, and nothing of it comes later.
test_a_move_during_a_flow()
{
	begin_flow
	host_cni 1 DEL a1 "$(shared 1)"
	add_until 2 b1 "$(shared 2)"
	flow_up 2 b1
	wait_until 5 arrived b1 "$X"
	assert_equal "h1 h2" "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

test_both_families_move_together()
{
	local conf1 conf2 result

	conf1=$(shared 1 "$X" "$X6")
	conf2=$(shared 2 "$X" "$X6")
	three_hosts
	result=$(host_add 1 a1 "$conf1") || fail "ADD on h1: $result; $(<agent-h1.log)"
	flow_up 1 a1 "$LEGACY" "$LEGACY6"
	wait_until 5 arrived a1 "$X"
	wait_until 5 arrived a1 "$X6"
	flow_down a1
	host_cni 1 DEL a1 "$conf1"
	result=$(host_add 2 b1 "$conf2") || fail "ADD on h2: $result; $(<agent-h2.log)"
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

	three_hosts
	host_add 1 a1 "$(shared 1 "$X" "$Y")" >/dev/null || fail "ADD on h1"
	host_add 2 b1 "$(shared 2 "$X" "$Y")" >/dev/null || fail "ADD on h2"
	result=$(host_add 3 c1 "$(shared 3 "$X" "$Y")") && fail "a third host got one of two: $result"
	assert_refused 103 "$result" "none free"
	assert_contains "$result" "$X is held by host h1" "who has the first"
	assert_contains "$result" "$Y is held by host h2" "who has the second"
	agent_down 1 STOP
	result=$(host_add 1 a2 "$(shared 1 "$X" "$Y")") || fail "with the agent stopped, a held source: $result"
	agent_down 1 CONT
	flow_up 1 a1
	flow_up 1 a2
	flow_up 2 b1
	wait_until 5 arrived a1 "$X"
	wait_until 5 arrived a2 "$X"
	wait_until 5 arrived b1 "$Y"
	no_wrong_source "$X" "$Y"
	# The last one gives it back, not the first.
	host_cni 1 DEL a1 "$(shared 1 "$X" "$Y")"
	sleep 1
	assert_equal h1 "$(holder "$X")" "while another container has it"
	host_cni 1 DEL a2 "$(shared 1 "$X" "$Y")"
	wait_until 5 eval "result=\$(host_cni 3 ADD c1 '$(shared 3 "$X" "$Y")')"
	assert_equal h3 "$(holder "$X")" "after the last one"
}

test_the_host_dies()
{
	begin_flow
	ip link set v-h1 down
	agent_down 1 KILL
	add_until 2 b1 "$(shared 2)"
	flow_up 2 b1
	wait_until 5 arrived b1 "$X"
	# Its network comes back, its agent does not: the kernel knows that its time is over.
	ip link set v-h1 up
	sleep 2
	assert_equal "h1 h2" "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

test_the_agent_is_killed()
{
	begin_flow
	agent_down 1 KILL
	taken_over
	agent_up 1
	given_back
}

test_the_agent_hangs()
{
	begin_flow
	agent_down 1 STOP
	taken_over
	agent_down 1 CONT
	given_back
}

test_the_host_is_cut_off_from_etcd()
{
	begin_flow
	cut_from 1 "${ETCD[@]}"
	taken_over
	mend 1 "${ETCD[@]}"
	given_back
}

# An agent that restarts before the deadline costs nothing.
test_the_agent_restarts()
{
	local -i before

	begin_flow
	agent_down 1 KILL
	agent_up 1
	sleep 6
	before=$(lines)
	wait_until 2 arrived a1 "$X" "$before"
	assert_equal h1 "$(holder "$X")" "the record"
	assert_equal h1 "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

# Hosts that can't reach each other, but etcd, do not take each other's sources.
test_hosts_are_cut_off_from_each_other()
{
	local result
	local -i before

	begin_flow
	cut_from 1 192.0.2.2 192.0.2.3
	cut_from 2 192.0.2.1 192.0.2.3
	sleep 6
	result=$(host_add 2 b1 "$(shared 2)") && fail "h2 took what h1 holds: $result"
	assert_refused 103 "$result" "h1 is alive"
	before=$(lines)
	wait_until 2 arrived a1 "$X" "$before"
	assert_equal h1 "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

# leader: number of the member that leads
leader()
{
	etcdctl --endpoints "$ENDPOINTS" endpoint status -w json 2>/dev/null |
		jq -r '.[] | select(.Status.leader == .Status.header.member_id) | .Endpoint' | sed 's@.*192\.0\.2\.1\(.\):.*@\1@'
}

test_the_leader_dies_then_all_of_etcd_stops()
{
	local n
	local -i before

	begin_flow
	n=$(leader)
	kill -KILL "$(<"etcd-e$n.pid")"
	sleep 6
	before=$(lines)
	wait_until 10 arrived a1 "$X" "$before"
	assert_equal h1 "$(holder "$X")" "the record after the leader's death"
	for n in 1 2 3; do
		kill -STOP "$(<"etcd-e$n.pid")" 2>/dev/null || true
	done
	sleep 6 # more than the ttl: the deadline is past
	assert_silent 1 "$X"
	# The kernel's look for IPv4 addresses that are over may come 1.25 s late (net/ipv4/devinet.c, check_lifetime()).
	wait_until 2 eval '[[ -z "$(on_host 1 ip address show to "$X")" ]]'
	for n in 1 2 3; do
		kill -CONT "$(<"etcd-e$n.pid")" 2>/dev/null || true
	done
	before=$(lines)
	wait_until 20 arrived a1 "$X" "$before"
	assert_equal h1 "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

test_the_ruleset_is_flushed()
{
	local -i before i

	begin_flow
	for ((i = 0; i < 5; i++)); do
		on_host 1 nft flush ruleset
		sleep 0.5
	done
	before=$(lines)
	wait_until 5 arrived a1 "$X" "$before"
	# The address, too, somebody may take off: the next renewal puts it back.
	on_host 1 ip address del "$X/32" dev eth0
	wait_until 5 eval "ip -n h1 address show to '$X' | grep -q '$X'"
	assert_equal h1 "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

# What the host itself sends with it, and its ARP answers, are held to the deadline as well, also while the address is there.
test_the_hosts_own_packets()
{
	local -i before

	begin_flow
	flow_down a1
	spawn own 1 "$FLOW" from "$X" 2 "$LEGACY"
	wait_until 5 arrived "$X" "$X"
	agent_down 1 KILL
	on_host 1 ip address replace "$X/32" dev eth0 valid_lft forever preferred_lft forever
	sleep 5 # its ttl: the deadline is past
	assert_silent 1 "$X"
	before=$(lines)
	ip netns exec legacy ip neighbour flush dev eth0
	ip netns exec legacy ping -n -c 2 -W 1 "$X" >/dev/null && fail "h1 answers for $X past its deadline"
	assert_empty "$(awk -v before="$before" -v mac="${mac[1]}" -v source="$X" 'NR > before && $2 == mac && $3 == source' seen.log)" \
		"ARP of h1's with $X"
	flow_down own
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
	wait_until 5 eval '[[ -z "$(records source/)" ]]'
}

# An interface that is missing is said, and the claim is given back.
test_the_interface_is_missing()
{
	local result

	three_hosts
	result=$(host_add 1 a1 "$(shared 1 | jq -c '.snat[0].assign = "eth9"')") && fail "ADD with a missing interface: $result"
	assert_refused 103 "$result" "no such interface"
	assert_contains "$result" "eth9" "which"
	wait_until 10 eval '[[ -z "$(records source/)" ]]'
	result=$(host_add 2 b1 "$(shared 2)") || fail "on another host: $result"
}

# CHECK, list, gc and cluster status know containers with shared sources.
test_other_verbs_and_commands()
{
	local result said

	three_hosts
	result=$(host_add 1 a1 "$(shared 1)") || fail "ADD on h1: $result; $(<agent-h1.log)"
	host_cni 1 CHECK a1 "$(jq -c --argjson previous "$result" '.prevResult = $previous' <<<"$(shared 1)")" || fail "CHECK"
	on_host 1 nft flush ruleset
	host_cni 1 CHECK a1 "$(jq -c --argjson previous "$result" '.prevResult = $previous' <<<"$(shared 1)")" || fail "CHECK after a flush"
	assert_contains "$(on_host 1 "$RANGEGUARD" list --format json)" '"mainframe"' "list"
	said=$(on_host 1 "$RANGEGUARD" cluster status)
	assert_matches "$said" "source $X \(mainframe\): h1, since [^,]*, may send for [0-4]\.[0-9] s" "status on the holder"
	wait_until 5 eval 'on_host 2 "$RANGEGUARD" cluster status | grep -q "source $X (mainframe): h1, since "'
	said=$(on_host 2 "$RANGEGUARD" cluster status)
	[[ "$said" != *"may send"* ]] || fail "h2 knows nothing of h1's deadline: $said"
	assert_contains "$(on_host 2 "$RANGEGUARD" cluster who "$X")" "source $X: h1, since" "who"
	# The container goes without a DEL: gc gives back what it had.
	on_host 1 ip netns del a1
	wait_until 5 eval '! on_host 1 ip link show type veth | grep -q ": rg"'
	on_host 1 "$RANGEGUARD" gc >/dev/null || fail "gc"
	wait_until 5 eval '[[ -z "$(records source/)" ]]'
	assert_empty "$(on_host 1 ip address show to "$X")" "the address after gc"
}

# A reservation that is published keeps a source from every later claim; the holder goes on.
test_a_source_is_reserved()
{
	local result said
	local -i before

	begin_flow
	jq -n --arg x "$X/32" '{reserved: [{cidr: $x, owner: "mainframe-team", reason: "moved"}]}' >reserved.json
	said=$(on_host 2 "$RANGEGUARD" cluster publish "$PWD/reserved.json") || fail "publish: $said"
	assert_contains "$said" "source $X, held by h1, is reserved" "what publish says"
	before=$(lines)
	wait_until 5 arrived a1 "$X" "$before"
	flow_down a1
	# Its agent finds out that it lost it, and does not claim it again.
	agent_down 1 STOP
	sleep 6
	result=$(host_add 2 b1 "$(shared 2)") && fail "h2 took over a reserved source: $result"
	assert_refused 100 "$result" "a reserved source"
	agent_down 1 CONT
	host_cni 1 DEL a1 "$(shared 1)"
	wait_until 10 eval '[[ -z "$(records source/)" ]]'
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
	host_cni 1 CHECK a1 "$conf" || fail "CHECK"
	agent_down 1 KILL
	add_until 2 b1 "$(shared 2)"
	flow_up 2 b1
	wait_until 5 arrived b1 "$X"
	assert_silent 1 "$X"
	assert_equal "h1 h2" "$(senders "$X")" "who sent"
	no_wrong_source "$X"
	host_cni 1 DEL a1 "$conf"
}

main "$@"
