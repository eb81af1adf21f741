#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What nobody has to clean up by hand: a lease store that is lost or damaged is rebuilt from the kernel's state, and
# a pool that is used up takes back what the dead held.
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

STORE=/run/rangeguard/leases.mdb
CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard", "ranges":
	[[{"subnet": "10.9.0.0/29"}], [{"subnet": "fd00:9::/125"}]]}}'
DELEGATE='{"cniVersion": "1.0.0", "name": "ptp", "type": "ptp", "ipam": {"type": "rangeguard", "ranges":
	[[{"subnet": "10.9.8.0/29"}]]}}'
LONG_ID=$(printf 'x%.0s' {1..400})

# two_containers: c1 and c2 have addresses, c2 under an id that its alias has no room for
two_containers()
{
	container c1
	container c2
	container c3
	add c1 "$CONF" >/dev/null
	cni ADD "$LONG_ID" "$(netns_path c2)" eth0 "$CONF" >/dev/null
}

# held: the addresses that `list` shows, sorted
held()
{
	"$RANGEGUARD" list --format json | jq -c '[.leases[].address] | sort'
}

# assert_store_is_mended: the next ADD gives what nobody uses; everything can be deleted, nothing is left
assert_store_is_mended()
{
	local before=$1 result

	result=$(add c3 "$CONF" 2>log) || fail "ADD after the damage: $result"
	assert_json "$result" '[.ips[].address] == ["10.9.0.3/32", "fd00:9::3/128"]' "next free addresses"
	assert_equal "$(jq -c '. + ["10.9.0.3", "fd00:9::3"] | sort' <<<"$before")" "$(held)" "leases after the damage"
	assert_reaches c3 10.9.0.1 10.9.0.2 fd00:9::1 fd00:9::2
	del c1 "$CONF"
	cni DEL "$LONG_ID" "$(netns_path c2)" eth0 "$CONF"
	del c3 "$CONF"
	assert_nothing_left
}

test_store_is_missing()
{
	local before

	two_containers
	before=$(held)
	rm -r /run/rangeguard
	cni STATUS "" "" "" "$CONF"
	assert_store_is_mended "$before"
}

test_store_is_truncated()
{
	local before size

	two_containers
	before=$(held)
	cp "$STORE" good
	for size in 0 1 100 4096 5000 8192 12288; do
		cp good "$STORE"
		truncate -s "$size" "$STORE"
		cni STATUS "" "" "" "$CONF" 2>/dev/null || fail "STATUS with $size bytes: it can be mended"
	done
	truncate -s 5000 "$STORE"
	assert_store_is_mended "$before"
	assert_contains "$(<log)" "set aside" "the log"
	[[ -e "$STORE.damaged" ]] || fail "nothing was set aside"
}

# The schema's number is the last byte of its row; LMDB's pages have no checksum.
test_store_is_of_a_newer_schema()
{
	local before offset

	two_containers
	before=$(held)
	cp "$STORE" good
	while IFS=: read -r offset _; do
		printf '\x63' | dd of="$STORE" bs=1 seek=$((offset + 6 + 7)) conv=notrunc status=none
	done < <(grep -aob schema "$STORE")
	cp "$STORE" newer
	container c9
	assert_fails add c9 "$CONF"
	assert_refused 106 "$output" "a store of a newer version"
	assert_contains "$output" "newer version" "the refusal"
	assert_matches "$output" "its schema is [0-9]+, and this version knows up to [0-9]+" "the numbers"
	assert_fails cni STATUS "" "" "" "$CONF"
	assert_refused 50 "$output" "STATUS"
	cmp "$STORE" newer || fail "the store of a newer version was changed"
	[[ ! -e "$STORE.damaged" ]] || fail "the store of a newer version was set aside"
	cp good "$STORE"
	assert_equal "$before" "$(held)" "leases once the newer version is back"
}

# Whatever a flipped byte does, no address is given twice, and at the latest the second ADD succeeds.
test_store_has_flipped_bytes()
{
	local -i n i offset
	local result

	two_containers
	cp "$STORE" good
	for ((n = 0; n < 60; n++)); do
		cp good "$STORE"
		for ((i = 0; i < 4; i++)); do
			offset=$((8192 + (n * 4 + i) * 8191 * 3 % (4 * 4096)))
			printf '\xa5' | dd of="$STORE" bs=1 seek="$offset" conv=notrunc status=none
		done
		result=$(add c3 "$CONF" 2>/dev/null) || result=$(add c3 "$CONF" 2>/dev/null) || fail "second ADD: $result"
		assert_json "$result" '[.ips[].address] | index("10.9.0.1/32", "10.9.0.2/32", "fd00:9::1/128", "fd00:9::2/128") | not' \
			"addresses that nobody uses"
		del c3 "$CONF" 2>/dev/null
	done
	assert_reaches c1 10.9.0.2 fd00:9::2
}

# DEL takes the interface away whatever the store is like.
test_delete_with_a_damaged_store()
{
	two_containers
	truncate -s 100 "$STORE"
	del c1 "$CONF" 2>log
	assert_contains "$(<log)" "damaged" "the log"
	assert_empty "$(ip -o link show | grep 'c1 eth0' || true)" "host end of c1"
}

# A foreign interface with an alias like ours is not believed: its name does not follow from it.
test_forged_alias_is_not_adopted()
{
	container c1
	ip link add forged type veth peer name peer0
	ip link set forged alias "rangeguard pods nobody eth0"
	ip link set forged up
	ip route add 10.9.0.1/32 dev forged proto 82
	add c1 "$CONF" >/dev/null
	assert_equal '["10.9.0.2","fd00:9::1"]' "$(held)" "leases: the address is skipped, not adopted"
}

# fill: all six addresses of the pool are held by d1 to d6
fill()
{
	local i

	for i in 1 2 3 4 5 6; do
		container "d$i"
		add "d$i" "$CONF" >/dev/null
	done
	container late
}

test_pool_takes_back_what_the_dead_held()
{
	local result

	fill
	result=$(add late "$CONF") && fail "a seventh address: $result"
	assert_refused 101 "$result" "full pool"
	ip netns delete d4
	wait_until 5 host_end_is_gone d4
	result=$(add late "$CONF" 2>log)
	assert_json "$result" '.ips[0].address == "10.9.0.4/32"' "the address of the dead"
	assert_contains "$(<log)" "reclaimed the lease of d4" "the log"
	assert_equal 12 "$(leases)" "leases"
}

# host_end_is_gone ID
host_end_is_gone()
{
	! ip -o link show | grep -q "alias rangeguard pods $1 eth0"
}

# Either of the two suffices to be alive.
test_the_living_keep_their_leases()
{
	local result

	fill
	# The path is gone, the namespace is not: a process holds it.
	nsenter --net=/run/netns/d4 -- sleep 100000 &
	wait_until 5 test "/proc/$!/ns/net" -ef /run/netns/d4
	umount /run/netns/d4
	rm /run/netns/d4
	# The interface is gone, the namespace is not.
	ip link delete "$(ip -o link show | sed -n 's/^[0-9]*: \(rg[0-9a-f]*\)@.*rangeguard pods d5 eth0.*/\1/p')"
	result=$(add late "$CONF") && fail "taken from the living: $result"
	assert_refused 101 "$result" "all of them live"
	kill %1
}

test_a_delegates_dead_are_reclaimed()
{
	local i result

	for i in 1 2 3 4 5; do
		container "d$i"
		cni ADD "d$i" "$(netns_path "d$i")" eth0 "$DELEGATE" >/dev/null
	done
	container late
	result=$(cni ADD late "$(netns_path late)" eth0 "$DELEGATE") && fail "a sixth address: $result"
	ip netns delete d2
	result=$(cni ADD late "$(netns_path late)" eth0 "$DELEGATE" 2>/dev/null)
	assert_json "$result" '.ips[0].address == "10.9.8.3/29"' "the address of the dead"
}

# What such a path means only the caller of that ADD knows: nobody can say that the namespace is gone.
test_a_namespace_by_its_callers_path_is_not_dead()
{
	local conf result

	conf=$(jq -c '.ipam.ranges = [[{subnet: "10.9.8.0/30"}]]' <<<"$DELEGATE")
	container d1
	container late
	exec 9</run/netns/d1
	cni ADD d1 /proc/self/fd/9 eth0 "$conf" >/dev/null
	exec 9<&-
	result=$(cni ADD late "$(netns_path late)" eth0 "$conf") && fail "taken from the living: $result"
	assert_refused 101 "$result" "its holder lives"
}

# containers_in DIRECTORY: whose leases are there
containers_in()
{
	"$RANGEGUARD" list --data-dir "$1" --format json | jq -c '[.leases[].containerID] | unique'
}

# A network with a state directory of its own does not take over the containers of others, nor do these take its
test_a_second_state_directory_has_its_own_leases()
{
	local second result

	second=$(jq -c '.name = "second" | .ipam.dataDir = "/run/second" | .ipam.ranges = [[{subnet: "10.8.0.0/29"}]]' <<<"$CONF")
	for name in c1 c2 c3 c4; do
		container "$name"
	done
	add c1 "$CONF" >/dev/null
	add c2 "$second" >/dev/null
	assert_equal '["c2"]' "$(containers_in /run/second)" "the second directory"
	rm -r /run/rangeguard
	add c3 "$CONF" 2>log >/dev/null
	assert_equal '["c1","c3"]' "$(containers_in /run/rangeguard)" "the first one, rebuilt"
	rm /run/second/leases.mdb
	# However its path is spelled
	result=$(add c4 "$(jq -c '.ipam.dataDir = "/run/../run/second/"' <<<"$second")" 2>log)
	assert_json "$result" '.ips[0].address == "10.8.0.2/32"' "the next address"
	assert_equal '["c2","c4"]' "$(containers_in /run/second)" "the second one, rebuilt"
	del c1 "$CONF"
	del c2 "$second"
	assert_equal '["c3"]' "$(containers_in /run/rangeguard)" "the first one after two DELs"
	assert_equal '["c4"]' "$(containers_in /run/second)" "the second one after two DELs"
	assert_empty "$("$RANGEGUARD" gc --dry-run --data-dir /run/second)" "what gc would drop in the second"
}

main "$@"
