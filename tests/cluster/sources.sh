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
	local -i since

	flow_down b1
	since=$(now)
	must_del 2 b1 "$(shared 2)"
	wait_until 20 arrived a1 "$X" "$since"
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
	must_del 1 a1 "$(shared 1)"
	add_until 2 b1 "$(shared 2)"
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
	must_del 1 a1 "$(shared 1)"
	add_until 2 b1 "$(shared 2)"
	flow_up 2 b1
	wait_until 5 arrived b1 "$X"
	assert_equal "h1 h2" "$(senders "$X")" "who sent"
	no_wrong_source "$X"
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
	local -i since

	begin_flow
	agent_down 1 KILL
	agent_up 1
	sleep 6
	since=$(now)
	wait_until 2 arrived a1 "$X" "$since"
	assert_equal h1 "$(holder "$X")" "the record"
	assert_equal h1 "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

# What the agent has written down is lost: what the containers have counts, and the last one's end gives the source back.
test_the_agents_file_is_lost()
{
	local -i since

	begin_flow
	agent_down 1 KILL
	on_host 1 rm /run/rangeguard/sources.json
	agent_up 1
	sleep 6
	since=$(now)
	wait_until 2 arrived a1 "$X" "$since"
	assert_equal h1 "$(holder "$X")" "the record"
	must_del 1 a1 "$(shared 1)"
	wait_until 5 is_free
	assert_empty "$(ip -n h1 address show to "$X")" "the address on h1"
	no_wrong_source "$X"
}

# names NUMBER: where what is kept of this host's programs and maps has its names
names()
{
	echo "/sys/fs/bpf/rangeguard/$(on_host "$1" stat -Lc %i /proc/self/ns/net)"
}

# goes_on: after more than the ttl the flow still arrives, and what the host itself sends with the source
goes_on()
{
	local -i since

	sleep 6
	since=$(now)
	wait_until 5 arrived a1 "$X" "$since"
	wait_until 5 arrived "$X" "$X" "$since"
}

# The names of programs and maps below /sys/fs/bpf are lost, all of them or that of the deadlines: the agent finds out by
# looking which program looks at a map that nobody writes, and the deadline holds as before.
test_names_of_programs_and_maps_are_lost()
{
	begin_flow
	spawn own 1 "$FLOW" from "$X" 2 "$LEGACY"
	agent_down 1 KILL
	on_host 1 rm -r "$(names 1)"
	agent_up 1
	goes_on
	# With the agent running, and with a container that comes meanwhile and makes the names again
	on_host 1 rm -r "$(names 1)"
	must_add 1 a2 "$(shared 1 | jq -c 'del(.snat)')"
	goes_on
	agent_down 1 KILL
	on_host 1 sh -c "rm $(names 1)/deadlines-*"
	agent_up 1
	goes_on
	# All at once, and others make new ones before there is an agent again
	agent_down 1 KILL
	on_host 1 rm -r "$(names 1)"
	must_add 1 a3 "$(shared 1 | jq -c 'del(.snat)')"
	agent_up 1
	goes_on
	assert_equal h1 "$(holder "$X")" "the record"
	agent_down 1 KILL
	sleep 5 # the ttl: the deadline is past
	assert_silent 1 "$X"
	assert_equal h1 "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

# Hosts that can't reach each other, but etcd, do not take each other's sources.
test_hosts_are_cut_off_from_each_other()
{
	local result TTL=10
	local -i since

	begin_flow
	cut_from 1 192.0.2.2 192.0.2.3
	cut_from 2 192.0.2.1 192.0.2.3
	sleep $((TTL + 1))
	result=$(host_add 2 b1 "$(shared 2)") && fail "h2 took what h1 holds: $result"
	assert_refused 103 "$result" "h1 is alive"
	since=$(now)
	wait_until 2 arrived a1 "$X" "$since"
	assert_equal h1 "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

# leader: number of the member that leads
leader()
{
	etcdctl --endpoints "$ENDPOINTS" endpoint status -w json 2>/dev/null |
		jq -r '.[] | select(.Status.leader == .Status.header.member_id) | .Endpoint' | sed 's@.*192\.0\.2\.1\(.\):.*@\1@'
}

# has_no_address N ADDRESS: whether it is on no interface of the host
has_no_address()
{
	local shown

	shown=$(ip -n "h$1" address show to "$2") && [[ -z "$shown" ]]
}

test_the_leader_dies_then_all_of_etcd_stops()
{
	local n
	local -i since

	begin_flow
	n=$(leader)
	kill -KILL "$(<"etcd-e$n.pid")"
	sleep 6
	since=$(now)
	wait_until 10 arrived a1 "$X" "$since"
	assert_equal h1 "$(holder "$X")" "the record after the leader's death"
	for n in 1 2 3; do
		kill -STOP "$(<"etcd-e$n.pid")" 2>/dev/null || true
	done
	sleep 6 # more than the ttl: the deadline is past
	assert_silent 1 "$X"
	# The kernel's look for IPv4 addresses that are over may come 1.25 s late (net/ipv4/devinet.c, check_lifetime()).
	wait_until 2 has_no_address 1 "$X"
	for n in 1 2 3; do
		kill -CONT "$(<"etcd-e$n.pid")" 2>/dev/null || true
	done
	since=$(now)
	wait_until 20 arrived a1 "$X" "$since"
	assert_equal h1 "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

test_the_ruleset_is_flushed()
{
	local -i since i

	begin_flow
	for ((i = 0; i < 5; i++)); do
		on_host 1 nft flush ruleset
		sleep 0.5
	done
	since=$(now)
	wait_until 5 arrived a1 "$X" "$since"
	# The address, too, somebody may take off: the next renewal puts it back.
	on_host 1 ip address del "$X/32" dev eth0
	wait_until 5 eval "ip -n h1 address show to '$X' | grep -q '$X'"
	assert_equal h1 "$(senders "$X")" "who sent"
	no_wrong_source "$X"
}

# What the host itself sends with it, and its ARP answers, are held to the deadline as well, also while the address is there.
test_the_hosts_own_packets()
{
	local -i since

	begin_flow
	flow_down a1
	spawn own 1 "$FLOW" from "$X" 2 "$LEGACY"
	wait_until 5 arrived "$X" "$X"
	agent_down 1 KILL
	on_host 1 ip address replace "$X/32" dev eth0 valid_lft forever preferred_lft forever
	sleep 5 # its ttl: the deadline is past
	assert_silent 1 "$X"
	since=$(now)
	ip netns exec legacy ip neighbour flush dev eth0
	ip netns exec legacy ping -n -c 2 -W 1 "$X" >/dev/null && fail "h1 answers for $X past its deadline"
	assert_empty "$(awk -v since="$since" -v mac="${mac[1]}" -v source="$X" '$1 > since && $2 == mac && $3 == source' seen.log)" \
		"ARP of h1's with $X"
	flow_down own
}

main "$@"
