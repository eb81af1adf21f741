#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One pool on three hosts: blocks, routes between them, and what happens when etcd or an agent is away.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cluster/hosts.sh
source "$(dirname "$0")/hosts.sh"

PODS='{"cniVersion": "1.0.0", "name": "pods", "type": "rangeguard", "guard": {"policies": []}, "history": false,
	"ipam": {"type": "rangeguard", "blocks": {"ipv4": 26, "ipv6": 122},
		"ranges": [[{"subnet": "10.64.0.0/22"}], [{"subnet": "fd64::/64"}]]}}'

# three_hosts: with etcd and agents
three_hosts()
{
	local n

	set_up_link
	start_members
	for n in 1 2 3; do
		host_up "$n"
		agent_up "$n"
	done
}

# block_of ADDRESS: the /26 it is in
block_of()
{
	local IFS=. octets

	read -ra octets <<<"$1"
	echo "${octets[0]}.${octets[1]}.${octets[2]}.$((octets[3] / 64 * 64))/26"
}

# has_route N ROUTE: whether the agent of a host has made it
has_route()
{
	on_host "$1" ip route show proto 82 | grep "^$2 " >/dev/null
}

test_hosts_have_blocks_of_their_own_and_routes_to_the_others()
{
	local n m result

	three_hosts
	for n in 1 2 3; do
		must_add "$n" "c$n" "$PODS"
		address[n]=$(address_of "$result")
		address6[n]=$(address_of "$result" 6)
		block[n]=$(block_of "${address[n]}")
	done
	assert_equal 3 "$(printf '%s\n' "${block[@]}" | sort -u | wc -l)" "blocks of three hosts: ${block[*]}"
	for n in 1 2 3; do
		assert_contains "$(etcdctl --endpoints "$ENDPOINTS" get --print-value-only "/rangeguard/block/${block[n]}")" \
			"\"host\":\"h$n\"" "record of ${block[n]}"
		wait_until 5 has_route "$n" "blackhole ${block[n]}"
	done
	# Each reaches each, in both families.
	for n in 1 2 3; do
		for m in 1 2 3; do
			((n == m)) || {
				wait_until 5 has_route "$n" "${block[m]} via 192.0.2.$m dev eth0"
				wait_until 5 on_host "$n" ip netns exec "c$n" ping -n -c 1 -W 1 "${address[m]}"
				wait_until 5 on_host "$n" ip netns exec "c$n" ping -n -c 1 -W 1 "${address6[m]}"
			}
		done
	done
}

test_pools_are_told_by_blocks()
{
	local result pools

	three_hosts
	echo "$PODS" >pods.conf
	pools=$(on_host 1 "$RANGEGUARD" pools --config "$PWD/pods.conf" --format json 2>warning)
	assert_json "$pools" '.pools == []' "before there is a block"
	assert_contains "$(<warning)" "this host holds no block of its range set 0" "why"
	must_add 1 a1 "$PODS"
	pools=$(on_host 1 "$RANGEGUARD" pools --config "$PWD/pods.conf" --format json)
	assert_json "$pools" "[.pools[] | select(.set == 0 and .held == 1)] | length == 1 and
		(.[0] | .first == \"$(address_of "$result")\" and .size <= 64 and .free < 64)" "the block in use: $pools"
	assert_json "$pools" '[.pools[] | select(.set == 0)] | length <= 2 and all(.[]; .size <= 64)' "no whole pool"
	assert_json "$(on_host 2 "$RANGEGUARD" pools --config "$PWD/pods.conf" --format json 2>/dev/null)" \
		'all(.pools[]; .held == 0)' "the other host"
}

test_an_address_of_another_host_is_refused_by_name()
{
	local result theirs

	three_hosts
	must_add 1 a1 "$PODS"
	must_add 2 b1 "$PODS"
	theirs=$(address_of "$result")
	wait_until 5 on_host 1 "$RANGEGUARD" cluster who "$theirs"
	result=$(host_add 1 a2 "$PODS" CNI_ARGS="IP=$theirs") && fail "h1 gave an address of h2's block: $result"
	assert_refused 105 "$result" "an address of another host"
	assert_contains "$result" "lies in block $(block_of "$theirs") of host h2" "whose it is"
	# One's own can be asked for.
	must_del 2 b1 "$PODS"
	must_add 2 b2 "$PODS" CNI_ARGS="IP=$theirs"
	assert_equal "$theirs" "$(address_of "$result")" "the address that was asked for"
}

# The agent hears with the question for a block how long addresses rest.
test_addresses_rest_as_their_network_says()
{
	local result

	set_up_link
	start_members
	host_up 1
	agent_up 1
	must_add 1 a1 "$(jq -c '.ipam.reuseDelay = 5' <<<"$PODS")"
	wait_until 5 eval "on_host 1 jq -e 'all(.pools[]; .reuseDelay == 5)' /run/rangeguard/blocks.json >/dev/null"
}

# small_pool CIDR: a network with one block of two addresses per host or so
small_pool()
{
	jq -c --arg cidr "$1" '.ipam.ranges = [[{"subnet": $cidr}]] | .ipam.blocks = {"ipv4": 31}' <<<"$PODS"
}

test_without_etcd_a_host_gives_what_it_holds()
{
	local result conf
	local -i i

	three_hosts
	conf=$(small_pool 10.64.0.0/24)
	must_add 1 a1 "$conf"
	# The block in use and a spare one: four addresses
	wait_until 10 blocks_held 2
	for i in 1 2 3; do
		kill -STOP "$(<"etcd-e$i.pid")"
	done
	for i in 2 3 4; do
		must_add_at_once 1 "a$i" "$conf"
	done
	result=$(add_once 1 a5 "$conf") && fail "a fifth address of four: $result"
	assert_refused 11 "$result" "no block, etcd away"
	assert_contains "$result" "etcd" "the reason"
	for i in 1 2 3; do
		kill -CONT "$(<"etcd-e$i.pid")"
	done
	must_add 1 a5 "$conf"
	# Without the agent the same; the message says what to do.
	agent_down 1 KILL
	must_del 1 a4 "$conf"
	i=6
	while result=$(add_once 1 "a$i" "$conf"); do
		i+=1
		((i < 20)) || fail "never full"
	done
	assert_refused 11 "$result" "no agent"
	assert_contains "$result" "systemctl start rangeguard-agent" "what to do"
}

test_a_pool_that_is_used_up_says_so()
{
	local result conf

	three_hosts
	conf=$(small_pool 10.64.0.0/30)
	must_add 1 a1 "$conf"
	wait_until 10 blocks_held 2
	result=$(host_add 2 b1 "$conf") && fail "h2 got an address of a pool that h1 holds whole: $result"
	assert_refused 101 "$result" "each block is held"
	# What nobody uses any more is given back only while another block is empty: h1 keeps one. Forgotten, it is free.
	must_del 1 a1 "$conf"
}

test_hosts_that_are_configured_differently_are_found_out()
{
	local result

	three_hosts
	must_add 1 a1 "$(small_pool 10.64.0.0/24)"
	result=$(host_add 2 b1 "$(small_pool 10.64.0.0/23)") && fail "a pool that overlaps another: $result"
	assert_refused 7 "$result" "overlapping pools"
	assert_contains "$result" "10.64.0.0/24 in blocks of /31" "the other pool"
	result=$(host_add 3 c1 "$(small_pool 10.64.0.0/24 | jq -c '.ipam.blocks = {"ipv4": 30}')") && fail "$result"
	assert_refused 7 "$result" "another block length"
	must_add 3 c1 "$(small_pool 10.64.0.0/24)"
}

test_a_cloned_machine_is_refused()
{
	local result

	set_up_link
	start_members
	host_up 1
	agent_up 1
	must_add 1 a1 "$PODS"
	host_up 2
	on_host 2 sed -i 's/"h2"/"h1"/' /etc/rangeguard/cluster.json
	agent_up 2
	result=$(add_once 2 b1 "$PODS") && fail "a clone of h1 got a block: $result"
	assert_refused 11 "$result" "a clone"
	assert_contains "$result" "another machine is registered as host" "why"
	assert_equal "$(records host/)" host/h1 "registrations"
}

test_blocks_survive_agent_and_reboot()
{
	local before result first

	three_hosts
	must_add 1 a1 "$PODS"
	first=$(address_of "$result")
	wait_until 10 blocks_held 4
	before=$(records block/)
	agent_down 1 KILL
	agent_up 1
	must_add 1 a2 "$PODS"
	assert_equal "$(block_of "$first")" "$(block_of "$(address_of "$result")")" "block after the agent's restart"
	# The store is lost, as after a reboot: the blocks are adopted, and no other ones claimed.
	agent_down 1
	must_del 1 a1 "$PODS"
	must_del 1 a2 "$PODS"
	on_host 1 sh -c 'rm -rf /run/rangeguard/*'
	agent_up 1
	must_add 1 a3 "$PODS"
	assert_contains "$before" "block/$(block_of "$(address_of "$result")")" "block after the store was lost"
	wait_until 5 are_records block/ "$before"
}

# leader: number of the member that leads
leader()
{
	etcdctl --endpoints "$ENDPOINTS" endpoint status -w json 2>/dev/null |
		jq -r '.[] | select(.Status.leader == .Status.header.member_id) | .Endpoint' | sed 's@.*192\.0\.2\.1\(.\):.*@\1@'
}

# etcd_is_fine N: whether the host's agent has nothing to say against etcd
etcd_is_fine()
{
	on_host "$1" "$RANGEGUARD" cluster status --format json | jq -e '.problem == ""'
}

# assert_nothing_lost LOG WHAT: each ping was answered, but perhaps the last one, which was on its way when it ended
assert_nothing_lost()
{
	local sent received

	read -r sent received < <(sed -nE 's/^([0-9]+) packets transmitted, ([0-9]+) received.*/\1 \2/p' "$1") || fail "$2: $(<"$1")"
	((sent - received <= 1)) || fail "$2: $(<"$1")"
}

test_traffic_goes_on_whatever_ends()
{
	local result conf n

	three_hosts
	conf=$(small_pool 10.64.0.0/24)
	must_add 1 a1 "$conf"
	must_add 2 b1 "$conf"
	other=$(address_of "$result")
	wait_until 10 on_host 1 ip netns exec a1 ping -n -c 1 -W 1 "$other"
	nsenter -t "$(<h1.pid)" -m --net=/run/netns/h1 -- ip netns exec a1 ping -n -i 0.05 -W 1 "$other" >ping.log &
	ping=$!
	# The leader dies: a block can be had all the same, once another leads.
	n=$(leader)
	kill -KILL "$(<"etcd-e$n.pid")"
	for i in 2 3 4 5; do
		must_add 3 "c$i" "$conf"
	done
	# h1's agent hangs, then dies; verbs go on with what it holds.
	agent_down 1 STOP
	must_add_at_once 1 a2 "$conf"
	agent_down 1 KILL
	agent_up 1
	# h1 is cut off from etcd, not from the other hosts.
	for i in 1 2 3; do
		on_host 1 ip route add unreachable "192.0.2.1$i/32"
	done
	sleep 6
	must_del 1 a2 "$conf"
	must_add_at_once 1 a3 "$conf"
	assert_contains "$(on_host 1 ip route)" "via 192.0.2.2 dev eth0 proto 82" "routes while etcd can't be reached"
	for i in 1 2 3; do
		on_host 1 ip route del unreachable "192.0.2.1$i/32"
	done
	wait_until 20 etcd_is_fine 1
	kill -INT "$ping"
	wait "$ping" || true
	assert_nothing_lost ping.log "the flow between h1 and h2"
}

main "$@"
