#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ipam.discardRoutes: a free address of the pool is unreachable, as a router beside the host sees it, from the first lease
# to the last; and what our own routes must not hide from an ADD.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard", "reuseDelay": 0,
	"ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd09::/64"}]]}}'
FREE_IPV4=10.9.0.77
FREE_IPV6=fd09::77

# discards: the routes that discard, without their metric
discards()
{
	{
		ip route show type unreachable proto 82
		ip -6 route show type unreachable proto 82
	} | sed 's/ dev lo//; s/ metric.*//; s/ *$//; s/^unreachable //'
}

BOTH="10.9.0.0/24
fd09::/64"

# neighbour: a router "world" beyond up0 that sends the pool to the host, as one does that learnt of it; it counts what
# comes back to it of what it sent to the two free addresses
neighbour()
{
	uplink
	inside world sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n world route add 10.9.0.0/24 via 198.51.100.1
	ip -n world -6 route add fd09::/64 via 2001:db8:aaaa::1
	inside world nft -f - <<-NFT
		table inet watch {
			counter returned { }
			chain watch {
				type filter hook prerouting priority -400
				ip daddr $FREE_IPV4 counter name returned
				ip6 daddr $FREE_IPV6 counter name returned
			}
		}
	NFT
}

# returned: packets to the free addresses that the host sent back
returned()
{
	inside world nft -j list counter inet watch returned | jq '.nftables[] | .counter? | select(.) | .packets'
}

# ask_free: what a ping of both free addresses says, from the router; packets take 20 hops at most
ask_free()
{
	inside world ping -n -c 1 -t 20 -W "$(scaled 2)" "$FREE_IPV4" || true
	inside world ping -n -c 1 -t 20 -W "$(scaled 2)" "$FREE_IPV6" || true
}

# What this is for: without it, a packet goes to and fro until it has no hops left
test_without_it_packets_loop()
{
	neighbour
	container c1
	sysctl -q -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.up0.send_redirects=0
	inside world sysctl -q -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0
	assert_succeeds add c1 "$(jq -c '.ipam.discardRoutes = false' <<<"$CONF")"
	assert_empty "$(discards)" "routes"
	ask_free >/dev/null
	[[ "$(returned)" -gt 8 ]] || fail "only $(returned) packets came back"
}

test_free_addresses_are_unreachable()
{
	neighbour
	container c1
	container c2
	assert_succeeds add c1 "$CONF"
	assert_equal "$BOTH" "$(discards)" "routes"
	ask_free >answers
	assert_contains "$(<answers)" "From 198.51.100.1 icmp_seq=1 Destination Host Unreachable" "IPv4"
	assert_matches "$(<answers)" "From 2001:db8:aaaa::1 icmp_seq=1 Destination unreachable" "IPv6"
	assert_equal 0 "$(returned)" "packets that came back"
	# Those that are held are reached; the last one to go takes the routes along.
	assert_reaches world 10.9.0.1 fd09::1
	assert_succeeds add c2 "$CONF"
	assert_reaches world 10.9.0.2 fd09::2
	assert_reaches c1 10.9.0.2 fd09::2
	del c1 "$CONF"
	assert_equal "$BOTH" "$(discards)" "routes of the other one"
	del c2 "$CONF"
	assert_nothing_left
}

# Only what the ranges give is theirs to discard: the rest of a subnet may be elsewhere, and so is what is reserved inside.
test_only_what_the_ranges_give()
{
	local conf

	container c1
	conf=$(jq -c '.ipam.ranges = [[{subnet: "10.9.0.0/24", rangeStart: "10.9.0.16", rangeEnd: "10.9.0.40"},
		{subnet: "10.10.0.8/30"}]]' <<<"$CONF")
	assert_succeeds add c1 "$conf"
	assert_equal "10.9.0.16/28 10.9.0.32/29 10.9.0.40 10.10.0.8/30" "$(discards | paste -sd ' ')" "parts of a subnet"
	del c1 "$conf"
	conf=$(jq -c '.guard = {onOverlap: "exclude", reserved: [{cidr: "10.9.0.128/26", owner: "dba"}]}
		| .ipam.ranges = [[{subnet: "10.9.0.0/24"}]]' <<<"$CONF")
	assert_succeeds add c1 "$conf"
	assert_equal "10.9.0.0/25 10.9.0.192/26" "$(discards | sort | paste -sd ' ')" "with a hole"
	# A later reservation takes its part away at the next ADD, not with the last lease.
	conf=$(jq -c '.guard.reserved += [{cidr: "10.9.0.0/26", owner: "dba"}]' <<<"$conf")
	container c2
	assert_succeeds add c2 "$conf"
	assert_equal "10.9.0.192/26 10.9.0.64/26" "$(discards | sort | paste -sd ' ')" "with two holes"
	del c1 "$conf"
	del c2 "$conf"
	assert_nothing_left
}

# The database team gets the range while containers run in it: ADD is refused, and the range must be reached from here.
test_a_reservation_of_the_range()
{
	local reserved

	neighbour
	container c1
	container c2
	assert_succeeds add c1 "$CONF"
	ip -n world address add 10.9.0.200/32 dev lo
	assert_empty "$(ping -n -q -c 1 -W "$(briefly)" 10.9.0.200 >/dev/null 2>&1 && echo reached)" "before"
	reserved=$(jq -c '.guard.reserved = [{cidr: "10.9.0.0/24", owner: "dba"}]' <<<"$CONF")
	assert_fails add c2 "$reserved"
	assert_refused 100 "$output" "a reserved range"
	assert_empty "$(discards)" "routes"
	ping -n -q -c 1 -W "$(scaled 2)" 10.9.0.200 >/dev/null || fail "the database is not reached"
	assert_reaches world 10.9.0.1
	assert_succeeds add c2 "$CONF"
	assert_equal "$BOTH" "$(discards)" "routes after the reservation went"
	del c1 "$CONF"
	del c2 "$CONF"
	assert_nothing_left
}

test_networks_with_the_same_range()
{
	local other elsewhere

	for name in c1 c2 c3; do
		container "$name"
	done
	other=$(jq -c '.name = "others" | .ipam.ranges[1] = [{subnet: "fd10::/64"}]' <<<"$CONF")
	elsewhere=$(jq -c '.name = "elsewhere" | .ipam.dataDir = "/run/elsewhere"' <<<"$CONF")
	assert_succeeds add c1 "$CONF"
	assert_succeeds add c2 "$other"
	assert_equal "10.9.0.0/24 fd09::/64 fd10::/64" "$(discards | sort | paste -sd ' ')" "of two networks"
	# Two state directories give the same addresses, so the second container asks for another one.
	assert_succeeds add c3 "$elsewhere" CNI_ARGS="IP=10.9.0.99,fd09::99"
	assert_equal 2 "$(discards | grep -c 10.9.0.0/24)" "of two state directories"
	del c1 "$CONF"
	assert_equal 2 "$(discards | grep -c 10.9.0.0/24)" "while the other network has a lease"
	del c2 "$other"
	assert_equal "$BOTH" "$(discards)" "of the other state directory"
	del c3 "$elsewhere"
	assert_nothing_left
}

# --- What must not be hidden ---

# Somebody shuts one address off, or has it, or a whole network that reaches beyond the range comes after the first lease.
test_routes_of_others_are_seen()
{
	local route

	container c1
	container c2
	assert_succeeds add c1 "$CONF"
	for route in "unreachable" "blackhole" "prohibit"; do
		ip route add "$route" 10.9.0.2/32
		ip -6 route add "$route" fd09::2/128
		assert_succeeds add c2 "$CONF"
		assert_contains "$output" '"10.9.0.3/32"' "past $route"
		assert_contains "$output" '"fd09::3/128"' "past $route"
		del c2 "$CONF"
		assert_fails add c2 "$CONF" CNI_ARGS="IP=10.9.0.2"
		assert_refused 105 "$output" "$route"
		assert_contains "$output" "$route 10.9.0.2/32" "the route"
		ip route del "$route" 10.9.0.2/32
		ip -6 route del "$route" fd09::2/128 dev lo
		# The next one given is the second address again.
		rm -f /run/rangeguard/leases.mdb
		del c1 "$CONF"
		assert_succeeds add c1 "$CONF"
	done
	ip link add lan0 type veth peer name lan1
	ip link set lan0 up
	ip link set lan1 up
	for route in 10.0.0.1/8 10.9.0.250/24 10.9.0.200/25; do
		ip address add "$route" dev lan0
		assert_fails add c2 "$CONF" CNI_ARGS="IP=10.9.0.130"
		assert_refused 104 "$output" "$route"
		assert_contains "$output" "/${route#*/} through interface lan0" "the route"
		ip address del "$route" dev lan0
	done
	ip address add fd00::1/8 dev lan0 nodad
	assert_fails add c2 "$CONF"
	assert_refused 104 "$output" "IPv6"
}

test_the_only_address_of_a_pool()
{
	local conf

	conf=$(jq -c '.ipam.ranges = [[{subnet: "10.9.0.5/32"}], [{subnet: "fd09::5/128"}]]' <<<"$CONF")
	for name in c1 c2; do
		container "$name"
	done
	assert_succeeds add c1 "$conf"
	assert_equal "10.9.0.5 fd09::5" "$(discards | paste -sd ' ')" "routes"
	assert_fails add c2 "$conf"
	assert_refused 101 "$output" "a used up pool"
	del c1 "$conf"
	assert_succeeds add c1 "$conf"
	del c1 "$conf"
	assert_nothing_left
}

# A pool in a pool, and beside one: neither's routes stop the other's addresses.
test_adjoining_and_nested_pools()
{
	local beside within

	beside=$(jq -c '.name = "beside" | .ipam.ranges = [[{subnet: "10.9.1.0/24"}]]' <<<"$CONF")
	within=$(jq -c '.name = "within" | .ipam.ranges = [[{subnet: "10.9.0.128/25"}]]' <<<"$CONF")
	for name in c1 c2 c3; do
		container "$name"
	done
	assert_succeeds add c1 "$CONF"
	assert_succeeds add c2 "$beside"
	assert_succeeds add c3 "$within"
	assert_reaches c1 10.9.1.1 10.9.0.129
	del c1 "$CONF"
	assert_equal "10.9.0.128/25 10.9.1.0/24" "$(discards | sort | grep -v -e fd09 -e '10.9.0.0/24' | paste -sd ' ')" "others'"
	del c2 "$beside"
	del c3 "$within"
	assert_nothing_left
}

# --- Upkeep ---

test_deleted_routes_come_back()
{
	local result

	container c1
	result=$(add c1 "$CONF")
	ip route flush type unreachable
	ip -6 route flush type unreachable
	assert_succeeds check c1 "$CONF" "$result"
	assert_contains "$output" "were missing" "what CHECK says"
	assert_equal "$BOTH" "$(discards)" "after CHECK"
	assert_succeeds check c1 "$CONF" "$result"
	assert_empty "$output" "a second CHECK"
	ip route flush type unreachable
	container c2
	assert_succeeds add c2 "$CONF"
	assert_equal "$BOTH" "$(discards)" "after another ADD"
	ip route flush type unreachable
	assert_succeeds env CNI_COMMAND=GC "$RANGEGUARD" <<<"$(jq -c '."cni.dev/valid-attachments" =
		[{containerID: "c1", ifname: "eth0"}, {containerID: "c2", ifname: "eth0"}]' <<<"$CONF")"
	assert_equal "$BOTH" "$(discards)" "after GC"
}

# The store is lost: who gives back the last lease knows of the routes all the same, though there was no ADD since.
test_a_lost_store()
{
	local other

	other=$(jq -c '.name = "others" | .ipam.ranges = [[{subnet: "10.10.0.0/24"}]]' <<<"$CONF")
	for name in c1 c2; do
		container "$name"
	done
	assert_succeeds add c1 "$CONF"
	rm /run/rangeguard/leases.mdb
	assert_succeeds add c2 "$other"
	del c1 "$CONF"
	assert_equal "10.10.0.0/24" "$(discards)" "of the other network"
	del c2 "$other"
	assert_nothing_left
}

# The container dies without a DEL: gc and a reclaiming ADD take the routes along.
test_leases_of_the_dead()
{
	container c1
	assert_succeeds add c1 "$CONF"
	ip netns del c1
	wait_until 5 sh -c '! ip -o link show | grep -q rg'
	"$RANGEGUARD" gc >/dev/null
	assert_nothing_left
}

# Roles in which another plugin makes the routes
test_other_roles_make_none()
{
	install_plugins bridge
	container c1
	assert_succeeds chain ADD c1 '{"cniVersion": "1.0.0", "name": "lan", "plugins": [{"type": "bridge", "bridge": "br0",
		"isGateway": true, "ipam": {"type": "rangeguard", "ranges": [[{"subnet": "10.9.0.0/24"}]]}},
		{"type": "rangeguard"}]}'
	assert_empty "$(discards)" "routes"
	assert_fails add c2 '{"cniVersion": "1.0.0", "name": "lan", "type": "bridge",
		"ipam": {"type": "rangeguard", "discardRoutes": true, "ranges": [[{"subnet": "10.9.0.0/24"}]]}}'
	assert_refused 7 "$output" "a delegate that is to discard"
	assert_contains "$output" discardRoutes "the key"
}

# A failing ADD that would have been the first leaves none.
test_failed_first_add()
{
	container c1
	ip -n c1 link add eth0 type veth peer name other
	assert_fails add c1 "$CONF"
	assert_empty "$(discards)" "routes"
}

main "$@"
