#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What people are told when something is wrong with the cluster, and what is left to them then: records that nobody can read,
# an etcd that is away, policies that don't count, a command that was cut short.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cluster/hosts.sh
source "$(dirname "$0")/hosts.sh"

POOL='{"cniVersion": "1.0.0", "name": "pods", "type": "rangeguard", "history": false,
	"guard": {"onOverlap": "exclude"},
	"ipam": {"type": "rangeguard", "blocks": {"ipv4": 28}, "ranges": [[{"subnet": "10.64.0.0/25"}]]}}'

# one_host: h1 with an address
one_host()
{
	local result

	set_up_link
	start_members
	host_up 1
	agent_up 1
	must_add 1 a1 "$POOL"
	first=$(address_of "$result")
	wait_until 10 blocks_held 2
}

# shows_not N REGEX
shows_not()
{
	local said

	said=$(cluster "$1" status) && ! grep -qE "$2" <<<"$said"
}

# says N REGEX: whether its journal has such a line
says()
{
	grep -Eq "$2" "agent-h$1.log"
}

# put KEY VALUE: by hand
put()
{
	etcdctl --endpoints "$ENDPOINTS" put "/rangeguard/$1" "$2" >/dev/null
}

# members SIGNAL: to each member of etcd
members()
{
	local i

	for i in 1 2 3; do
		kill -"$1" "$(<"etcd-e$i.pid")"
	done
}

test_records_that_nobody_can_read_are_shown()
{
	local result

	one_host
	put block/10.64.0.96/28 '{"host": "h9"}'
	put host/h9 nonsense
	wait_until 5 shows 1 '^problem: record block/10.64.0.96/28 in etcd can.t be read'
	assert_succeeds cluster 1 status --format json
	assert_json "$output" '.unreadable == ["block/10.64.0.96/28", "host/h9"] and .pools[0].free == 5' "unreadable records"
	assert_schema cluster-status "$output" status
	# Nobody else could either who waits for a block: etcd is fine, and is not blamed.
	put pools '{"pools": 7}'
	host_up 2
	agent_up 2
	result=$(add_once 2 b1 "$POOL") && fail "an address of a pool that can't be judged: $result"
	assert_refused 11 "$result" "a record of pools that can't be read"
	assert_contains "$result" "etcd's record /rangeguard/pools can't be read by this version" "the reason"
	assert_succeeds cluster 2 status
	assert_contains "$output" "nothing is claimed: the cluster's record of pools can't be read" status
}

test_a_pool_that_contradicts_the_clusters_is_shown_with_it()
{
	local result

	one_host
	host_up 2
	agent_up 2
	result=$(add_once 2 b1 "$(jq -c '.ipam.blocks.ipv4 = 27' <<<"$POOL")") && fail "another block length: $result"
	assert_refused 7 "$result" "another block length"
	assert_succeeds cluster 2 status
	assert_contains "$output" 'conflict: the cluster has 10.64.0.0/25 in blocks of /28 (network "pods")' status
	assert_succeeds cluster 2 status --format json
	assert_json "$output" '.pools[0].other.blockLength == 28' "the other one"
	assert_schema cluster-status "$output" status
}

test_a_pool_without_a_block_is_named()
{
	local result conf

	one_host
	conf=$(jq -c '.ipam.ranges = [[{"subnet": "10.65.0.0/28"}]]' <<<"$POOL")
	must_add 1 a2 "$conf"
	host_up 2
	agent_up 2
	result=$(add_once 2 b1 "$conf") && fail "h2 got an address of a pool that h1 holds whole: $result"
	assert_refused 101 "$result" "each block is held"
	assert_contains "$result" 'each /28 of pool 10.65.0.0/28 (network \"pods\") is held by a host or reserved' "which pool"
	assert_contains "$result" 'rangeguard cluster forget HOST' "what to do"
}

# hand_written HOST: the value of a block's record
hand_written()
{
	jq -nc --arg host "$1" '{host: $host, machine: "0123456789abcdef0123456789abcdef", since: 1700000000, nonce: "0123456789abcdef"}'
}

# As after a change of the block length, or by hand: what somebody holds is not given a second time, however it is cut.
test_a_block_of_another_length_is_held_all_the_same()
{
	local result conf

	one_host
	put block/10.66.0.0/29 "$(hand_written h9)"
	put block/10.67.0.0/26 "$(hand_written h9)"
	wait_until 5 shows 1 '^this host: h1, registered'
	# Of two blocks one has eight addresses that are another's.
	conf=$(jq -c '.ipam.ranges = [[{"subnet": "10.66.0.0/27"}]]' <<<"$POOL")
	must_add 1 a2 "$conf"
	assert_matches "$(address_of "$result")" '^10\.66\.0\.(1[6-9]|2[0-9]|3[01])$' "an address that nobody else gives"
	conf=$(jq -c '.ipam.ranges = [[{"subnet": "10.67.0.0/27"}]]' <<<"$POOL")
	result=$(host_add 1 a3 "$conf") && fail "an address of what h9 holds: $result"
	assert_refused 101 "$result" "a pool that another host holds as a whole"
	assert_succeeds cluster 1 status
	assert_contains "$output" 'pool 10.67.0.0/27 in blocks of /28 (network "pods"): 1 held, 0 free' "the pool"
	assert_contains "$output" "block 10.67.0.0/26: h9, since" "who holds it"
	assert_contains "$output" 'pool 10.66.0.0/27 in blocks of /28 (network "pods"): 2 held, 0 free' "the other pool"
}

# While etcd is away nothing is known, which is not to say that nothing is there.
test_what_is_not_known_is_not_denied()
{
	one_host
	agent_down 1
	members STOP
	nsenter -t "$(<h1.pid)" -m --net=/run/netns/h1 -- "$AGENT" >>agent-h1.log 2>&1 &
	echo $! >agent-h1.pid
	wait_until 10 shows 1 '^etcd: http://192.0.2.1[123]:2379: '
	assert_succeeds cluster 1 status
	assert_contains "$output" "policy: none counts here yet" status
	assert_succeeds cluster 1 status --format json
	assert_schema cluster-status "$output" "status without etcd"
	echo '{"reserved": []}' >policy.json
	for arguments in "who $first" "forget h9" "publish $PWD/policy.json"; do
		# shellcheck disable=SC2086 # several
		assert_fails cluster 1 $arguments
		assert_contains "$output" "this host does not reach its cluster: etcd: http://192.0.2.1" "$arguments"
	done
	wait_until 10 says 1 'etcd does not answer: http://192.0.2.1'
	members CONT
	wait_until 20 shows 1 '^this host: h1, registered'
	wait_until 10 says 1 'etcd answers again'
	assert_succeeds cluster 1 who "$first"
}

# A host that claims nothing asks etcd only now and then: what came to nothing then is no problem for ever.
test_an_etcd_that_answers_again_is_no_problem()
{
	one_host
	members STOP
	wait_until 30 shows 1 '^etcd: http://192.0.2.1[123]:2379: '
	members CONT
	wait_until 30 shows_not 1 '^etcd: '
}

# The registration goes first, and a command that was cut short leaves blocks of a host that nobody knows any more.
test_forget_ends_what_was_cut_short()
{
	local result

	one_host
	host_up 2
	agent_up 2
	must_add 2 b1 "$POOL"
	wait_until 10 blocks_held 4
	agent_down 2 KILL
	etcdctl --endpoints "$ENDPOINTS" del /rangeguard/host/h2 >/dev/null
	wait_until 5 shows_not 1 '^host h2: '
	assert_succeeds cluster 1 forget h2 --force
	assert_contains "$output" "removed block/10.64.0." forget
	assert_equal 2 "$(records block/ | wc -l)" "blocks that are held"
	assert_fails cluster 1 forget h2 --force
	assert_contains "$output" "no such host" "forget once more"
}

# policies N TEXT: the host's own policies, which count for its agent
policies()
{
	on_host "$1" mkdir -p /etc/rangeguard/reserved.d
	on_host "$1" sh -c 'cat >/etc/rangeguard/reserved.d/own.json' <<<"$2"
}

test_a_policy_that_does_not_count_here_is_no_command_without_end()
{
	local n

	set_up_link
	start_members
	for n in 1 2; do
		host_up "$n"
		policies "$n" '{"reserved": []}'
		agent_up "$n"
	done
	wait_until 10 shows 1 '^policy: none is published'
	policies 1 '{"reserved": [{"cidr": "nonsense"}]}'
	echo '{"reserved": [{"cidr": "172.30.0.0/16"}]}' >policy.json
	assert_fails cluster 1 publish "$PWD/policy.json"
	assert_matches "$output" 'published as revision [0-9]+, but it does not count on this host yet: .*own.json' publish
	wait_until 5 on_host 2 grep -q 172.30.0.0/16 /run/rangeguard/cluster-policy.json
	# The next command is not told that one is under way, and the journal has it once.
	assert_fails cluster 1 publish "$PWD/policy.json"
	assert_matches "$output" 'does not count on this host yet' "publish once more"
	assert_succeeds cluster 1 status
	assert_contains "$output" "own.json" "status"
	policies 1 '{"reserved": []}'
	wait_until 20 shows 1 '^policy: revision [0-9]'
	wait_until 60 shows_not 1 '^problem: '
	assert_succeeds cluster 1 publish "$PWD/policy.json"
}

# has_key KEY FILTER: whether a record is there and fits
has_key()
{
	etcdctl --endpoints "$ENDPOINTS" get --print-value-only "/rangeguard/$1" | jq -e "$2"
}

# A host whose address comes late, or is another one after a while, is reached all the same.
test_a_host_whose_address_comes_late_is_reached()
{
	local result

	one_host
	host_up 2
	on_host 2 sh -c 'jq "del(.addresses)" /etc/rangeguard/cluster.json >/run/new && cat /run/new >/etc/rangeguard/cluster.json'
	agent_up 2
	must_add 2 b1 "$POOL"
	wait_until 5 shows 1 '^host h2: [1-9].*; it has published no IPv4 address: no routes to its IPv4 blocks are made'
	on_host 2 ip route add default via 192.0.2.1
	wait_until 20 has_key host/h2 '.addresses == ["192.0.2.2"]'
	wait_until 10 eval "on_host 1 ip route show proto 82 | grep 'via 192.0.2.2 dev eth0' >/dev/null"
	wait_until 10 shows_not 1 'published no'
	# Another one comes, the old one goes; that there is none for a moment changes nothing.
	on_host 2 ip address add 192.0.2.102/24 dev eth0
	on_host 2 ip address del 192.0.2.2/24 dev eth0
	on_host 2 ip address show dev eth0 | grep -q 192.0.2.102 || on_host 2 ip address add 192.0.2.102/24 dev eth0
	on_host 2 ip route replace default via 192.0.2.1
	wait_until 20 has_key host/h2 '.addresses == ["192.0.2.102"]'
	wait_until 10 eval "on_host 1 ip route show proto 82 | grep 'via 192.0.2.102 dev eth0' >/dev/null"
	# Its connections had the old one.
	wait_until 20 shows 2 '^this host: h2, registered'
}

# What a host held under its old name goes with it to the new one, so that nobody frees it with the old one.
test_a_host_that_is_renamed_takes_its_blocks_along()
{
	one_host
	on_host 1 sed -i 's/"h1"/"h7"/' /etc/rangeguard/cluster.json
	kill -HUP "$(<agent-h1.pid)"
	wait_until 10 shows 1 '^host h7: 2 blocks with 1 addresses in use'
	wait_until 5 shows 1 '^host h1: 0 blocks'
	on_host 1 ip route show proto 82 | grep -q '^blackhole ' || fail "no route discards what nobody has"
	assert_succeeds cluster 1 forget h1 --force
	assert_equal "removed host/h1" "$output" forget
	assert_equal 2 "$(records block/ | wc -l)" "blocks that are held"
}

# A policy that nobody can read, put there by hand: deleting it is enough.
test_a_policy_that_is_deleted_counts_no_more()
{
	local result

	one_host
	put policy nonsense
	wait_until 5 shows 1 '^problem: .*cluster-policy.json'
	assert_succeeds cluster 1 status
	# shellcheck disable=SC2016 # as it is printed
	assert_contains "$output" 'is etcd'"'"'s record: `rangeguard cluster publish` puts another one in its place' "what to do"
	result=$(add_once 1 a2 "$POOL") && fail "an ADD against a policy that can't be read: $result"
	assert_refused 102 "$result" "a policy that can't be read"
	etcdctl --endpoints "$ENDPOINTS" del /rangeguard/policy >/dev/null
	wait_until 5 shows 1 '^policy: none is published'
	must_add 1 a2 "$POOL"
	assert_succeeds cluster 1 status
	[[ "$output" != *problem:* ]] || fail "still a problem: $output"
}

main "$@"
