#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Routes that the host gets while containers hold addresses: STATUS tells of those by which an ADD would refuse such an
# address, and of no others.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
	"ranges": [[{"subnet": "10.9.0.0/16"}], [{"subnet": "fd00:9::/48"}]]}}'

# set_up: c1 holds 10.9.0.1 and fd00:9::1; vpn0 leads elsewhere
set_up()
{
	container c1
	uplink
	ip link add vpn0 type veth peer name vpn1
	ip link set vpn0 addrgenmode none
	ip link set vpn1 addrgenmode none
	ip link set vpn0 up
	ip link set vpn1 up
	add c1 "$CONF" >/dev/null
}

# status [FILTER]: STATUS of the configuration, strict, changed by a jq program
status()
{
	cni STATUS "" "" "" "$(jq -c ".guard.strictStatus = true | ${1:-.}" <<<"$CONF")"
}

# assert_ready WHAT [FILTER]
assert_ready()
{
	output=$(status "${2:-.}" 2>&1) || fail "$1: not ready: $output"
	assert_empty "$output" "$1: output"
}

# assert_tells ROUTE ADDRESS: code 50 with both names, a warning or nothing, as hostRoutes says
assert_tells()
{
	local warning

	assert_fails status
	assert_refused 50 "$output" "$1"
	assert_contains "$output" "$1" "the route"
	assert_contains "$output" "address $2," "the address"
	output=$(status '.guard.strictStatus = false' 2>&1) || fail "$1: STATUS takes the node out of service: $output"
	assert_contains "$output" "code 104: " "$1: what STATUS says"
	output=$(status '.guard.hostRoutes = "warn"' 2>warning) || fail "$1 with warn: $output"
	warning=$(<warning)
	assert_contains "$warning" "$1" "the warning"
	assert_contains "$warning" "address $2," "the warning"
	assert_empty "$output" "$1 with warn"
	assert_ready "$1 with off" '.guard.hostRoutes = "off"'
}

test_routes_that_clash()
{
	assert_ready "before"
	ip address add 10.9.0.50/24 dev vpn0
	assert_tells "10.9.0.0/24 through interface vpn0" 10.9.0.1
	ip address flush dev vpn0
	assert_ready "address gone"
	ip address add 10.0.0.1/8 dev vpn0
	assert_tells "10.0.0.0/8 through interface vpn0" 10.9.0.1
	ip address flush dev vpn0
	ip route add 10.9.0.0/30 via 198.51.100.254
	assert_tells "10.9.0.0/30 through interface up0" 10.9.0.1
	ip route delete 10.9.0.0/30
	ip route add 10.9.0.0/16 via 198.51.100.254
	assert_tells 10.9.0.0/16 10.9.0.1
	ip route delete 10.9.0.0/16
	assert_ready "after"
}

test_ipv6_routes_that_clash()
{
	ip address add fd00:9::50/64 dev vpn0 nodad
	assert_tells "fd00:9::/64 through interface vpn0" fd00:9::1
	ip address flush dev vpn0
	ip -6 route add fd00:9::/56 via 2001:db8:aaaa::fe
	assert_tells fd00:9::/56 fd00:9::1
	ip -6 route delete fd00:9::/56
	assert_ready "after"
}

test_routes_without_leases_in_them()
{
	ip route add 10.9.1.0/24 dev vpn0
	ip -6 route add fd00:9:0:1::/64 dev vpn0
	ip route add 10.10.0.0/16 dev vpn0
	ip route add 10.9.0.2/32 dev vpn0
	assert_ready "no lease in them"
}

test_less_specific_routes()
{
	ip -6 route add fd00::/8 via 2001:db8:aaaa::fe
	ip -6 route add 2000::/3 via 2001:db8:aaaa::fe
	ip route add 0.0.0.0/1 dev vpn0
	ip route add 128.0.0.0/1 dev vpn0
	ip route add 10.0.0.0/8 via 198.51.100.254
	ip route add throw 10.9.0.0/24 table 100
	ip route add blackhole 10.9.0.0/24
	ip route add unreachable 10.9.0.1/32 metric 100
	ip -6 route add blackhole fd00:9::/48
	assert_ready "less specific"
}

# By a more specific route that does not clash the host would have come there
test_more_specific_route_counts()
{
	ip route add 10.0.0.0/8 dev vpn0
	assert_tells "10.0.0.0/8" 10.9.0.1
	ip route add 10.8.0.0/15 via 198.51.100.254
	assert_ready "10.8.0.0/15 is more specific"
}

test_tables_that_no_rule_leads_to()
{
	ip route add 10.9.0.0/24 dev vpn0 table 100
	ip -6 route add fd00:9::/64 dev vpn0 table 100
	assert_ready "nobody asks table 100"
	ip rule add to 10.9.0.0/16 lookup 100
	assert_tells "10.9.0.0/24 through interface vpn0" 10.9.0.1
	ip rule delete to 10.9.0.0/16 lookup 100
	ip -6 rule add to fd00:9::/48 lookup 100
	assert_tells "fd00:9::/64 through interface vpn0" fd00:9::1
}

test_exact_routes()
{
	ip route add 10.9.0.1/32 dev vpn0 metric 100
	assert_tells "10.9.0.1/32 through interface vpn0" 10.9.0.1
	ip route delete 10.9.0.1/32 dev vpn0
	ip address add 10.9.0.1/32 dev lo
	assert_tells "10.9.0.1/32 through interface lo" 10.9.0.1
	ip address delete 10.9.0.1/32 dev lo
	# Somebody's second route to the same container
	ip route add 10.9.0.1/32 dev "$(ip -o link show type veth | grep -oE 'rg[0-9a-f]{12}')" metric 100 proto static
	assert_ready "to the holder itself"
}

# A delegate's plugin makes routes to its own containers; other networks may not mind what this one does
test_leases_of_other_networks()
{
	local other

	container c2
	other=$(jq -c '.name = "other" | .type = "bridge" | .ipam.ranges = [[{subnet: "10.9.0.0/16"}]]' <<<"$CONF")
	output=$(add c2 "$other") || fail "ADD of the delegate: $output"
	ip route add 10.9.0.2/32 dev vpn0
	assert_ready "the delegate's container"
	ip address add 10.9.0.50/24 dev vpn0
	cni STATUS "" "" "" "$other" || fail "STATUS of the delegate"
}

test_no_lease_no_clash()
{
	ip address add 10.9.0.50/24 dev vpn0
	assert_tells "10.9.0.0/24" 10.9.0.1
	del c1 "$CONF"
	assert_ready "nothing is held"
}

# It is polled: whatever the number of leases, one dump per family, and no lookup per lease
test_calls_do_not_grow_with_the_leases()
{
	local -i i few many

	count_calls few
	for ((i = 0; i < 40; i++)); do
		cni ADD "c1-$i" "$(netns_path c1)" "eth$((i + 1))" "$CONF" >/dev/null
	done
	count_calls many
	((many <= few)) || fail "$few calls with one attachment, $many with 41"
}

# count_calls VARIABLE: system calls of a STATUS that send something to the kernel
count_calls()
{
	ASAN_OPTIONS=detect_leaks=0 CNI_COMMAND=STATUS CNI_PATH=$CNI_BIN strace -qq -o trace -e trace=sendto,sendmsg "$RANGEGUARD" <<<"$CONF" ||
		fail "STATUS under strace"
	printf -v "$1" '%s' "$(wc -l <trace)"
}

main "$@"
