#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every way to an address asks the one decision: on both sides of each edge of a policy, whatever the way, an ADD is
# refused where `rangeguard explain` says so and where it doesn't succeeds. With a small policy, which is read each time,
# and with a large one, which is compiled.
#
# A slow machine tries as many rounds of the pairs as there is time for, each of which has every edge and every way.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

POLICY=/etc/rangeguard/reserved.d/dba.json
# A grant in a reservation, a reservation in the grant, a range that is no prefix
ENTRIES='{"reserved": [{"cidr": "10.20.0.0/16", "owner": "dba"}, {"cidr": "10.20.65.0/24", "owner": "backup"},
	{"range": "10.31.4.10-10.31.4.99", "owner": "voice"}, {"cidr": "fd20::/32", "owner": "dba"},
	{"cidr": "fd20:0:64:1::/64", "owner": "backup"}],
	"granted": [{"cidr": "10.20.64.0/20", "network": "pods"}, {"cidr": "fd20:0:64::/48", "network": "po*"}]}'
# ADDRESS VERDICT: each edge and its neighbour, also of the IPv6 addresses in which reserved IPv4 ones stand (NAT64, 6to4)
EDGES='
10.19.255.255 free
10.20.0.0 reserved
10.20.255.255 reserved
10.21.0.0 free
10.20.63.255 reserved
10.20.64.0 free
10.20.79.255 free
10.20.80.0 reserved
10.20.64.255 free
10.20.65.0 reserved
10.20.65.255 reserved
10.20.66.0 free
10.31.4.9 free
10.31.4.10 reserved
10.31.4.99 reserved
10.31.4.100 free
fd1f:ffff:ffff:ffff:ffff:ffff:ffff:ffff free
fd20:: reserved
fd20:0:ffff:ffff:ffff:ffff:ffff:ffff reserved
fd20:1:: free
fd20:0:63:ffff:ffff:ffff:ffff:ffff reserved
fd20:0:64:: free
fd20:0:64:0:ffff:ffff:ffff:ffff free
fd20:0:64:1:: reserved
fd20:0:64:1:ffff:ffff:ffff:ffff reserved
fd20:0:64:2:: free
64:ff9b::a13:ffff free
64:ff9b::a14:0 reserved
64:ff9b::a14:3fff reserved
64:ff9b::a14:4000 free
64:ff9b::a14:4100 reserved
64:ff9b::a14:ffff reserved
64:ff9b::a15:0 free
64:ff9b::a1f:40a reserved
64:ff9b::a1f:464 free
2002:a13:ffff:ffff:ffff:ffff:ffff:ffff free
2002:a14:: reserved
2002:a14:3fff:ffff:ffff:ffff:ffff:ffff reserved
2002:a14:4000:: free
2002:a14:ffff:ffff:ffff:ffff:ffff:ffff reserved
2002:a15:: free
2002:a1f:463:ffff:ffff:ffff:ffff:ffff reserved
2002:a1f:464:: free'

# What has to be tried at least: each way at six or more edges
FEWEST_ROUNDS=3

# What a DEL needs, whatever the ADD
DEL='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard"}}'

set_up()
{
	container c1
	mkdir -p "$(dirname "$POLICY")"
}

# conf FILTER: the configuration for $address, with a pool of the other family, changed by a jq program; $host is the
# address as a prefix, $around a pool that has it
conf()
{
	local host=$address/32 around=10.16.0.0/12 elsewhere=fd99::/64

	[[ "$address" != *:* ]] || host=$address/128 around=fd00::/8 elsewhere=10.99.0.0/16
	[[ "$address" != 64:* ]] || around=64:ff9b::/96
	[[ "$address" != 2002:* ]] || around=2002::/16
	jq -nc --arg address "$address" --arg host "$host" --arg around "$around" --arg elsewhere "$elsewhere" '
		{cniVersion: "1.1.0", name: "pods", type: "rangeguard",
		 ipam: {type: "rangeguard", reuseDelay: 0, ranges: [[{subnet: $around}]]}, guard: {onOverlap: "exclude"}} | '"$1"
}

# In jq, a next hop and a destination of the address's family, which nobody reserves
OTHER_HOP='(if ($address | contains(":")) then "2001:db8::77" else "192.0.2.77" end)'
OUTSIDE='(if ($address | contains(":")) then "2001:db8:9::/64" else "203.0.113.0/24" end)'

# chained FILTER: in the chained role, behind a plugin that gave another address
chained()
{
	conf 'del(.ipam, .guard) | .prevResult = {cniVersion: "1.1.0", ips: [{address: "192.0.2.9/24"}]} | '"$1"
}

# The ways: way_NAME is an ADD for $address
way_automatic_choice() { add c1 "$(conf '.ipam.ranges = [[{subnet: $host}]]')"; }
way_range() { add c1 "$(conf '.ipam.ranges = [[{subnet: $host}]] | del(.guard)')"; }
way_second_range() { add c1 "$(conf '.ipam.ranges = [[{subnet: $elsewhere}], [{subnet: $host}]] | del(.guard)')"; }
way_legacy_range() { add c1 "$(conf '.ipam = {type: "rangeguard", subnet: $host} | del(.guard)')"; }
way_runtime_range() { add c1 "$(conf '.runtimeConfig.ipRanges = [[{subnet: $host}]] | .ipam.ranges = [] | del(.guard)')"; }
way_delegate() { add c1 "$(conf '.type = "bridge" | .ipam.ranges = [[{subnet: $host}]] | del(.guard)')"; }
way_cni_args() { add c1 "$(conf .)" CNI_ARGS="IP=$address"; }
way_args() { add c1 "$(conf '.args.cni.ips = [$address]')"; }
way_runtime_config() { add c1 "$(conf '.runtimeConfig.ips = [$host]')"; }
way_gateway() { add c1 "$(conf '.ipam.ranges = [[{subnet: (if ($address | contains(":")) then "fd77::/64" else "10.77.0.0/24" end),
	gateway: $address}]]')"; }
way_chained_address() { add c1 "$(chained '.prevResult.ips[0].address = $host')"; }
way_chained_second_address() { add c1 "$(chained '.prevResult.ips += [{address: $host}]')"; }
way_chained_gateway() { add c1 "$(chained '.prevResult.ips[0] = {address: (if ($address | contains(":")) then "2001:db8::9/64"
	else "192.0.2.9/24" end), gateway: $address}')"; }
# Routes that lead into a container, or by a neighbour that is reserved
way_route() { add c1 "$(conf '.ipam.routes = [{dst: $host, gw: '"$OTHER_HOP"'}]')"; }
way_link_route() { add c1 "$(conf '.ipam.routes = [{dst: $host, scope: 253}]')"; }
way_route_gateway() { add c1 "$(conf '.ipam.routes = [{dst: '"$OUTSIDE"', gw: $address}]')"; }
way_chained_route() { add c1 "$(chained '.prevResult.routes = [{dst: $host, gw: '"$OTHER_HOP"'}]')"; }
way_chained_route_gateway() { add c1 "$(chained '.prevResult.routes = [{dst: '"$OUTSIDE"', gw: $address}]')"; }
way_pin_source() { add c1 "$(conf '.snat = [{name: "pin", source: [$address], destinations: ['"$OUTSIDE"'], assign: "lo"}]')"; }

# try_each: every way to every edge; the first that is wrong ends it
try_each()
{
	local -a ways edges
	local -i tried=0 rounds=0

	mapfile -t ways < <(declare -F | sed -n 's/^declare -f \(way_.*\)/\1/p')
	mapfile -t edges < <(grep . <<<"$EDGES")
	((${#edges[@]} == 43 && ${#ways[@]} == 19)) || fail "${#edges[@]} edges, ${#ways[@]} ways"
	# All pairs take a quick machine longer than other samples.
	RANGEGUARD_SAMPLE_SECONDS=$((3 * ${RANGEGUARD_SAMPLE_SECONDS:-40}))
	begin_sample
	until ((rounds == ${#ways[@]})) || sample_is_over "$rounds" "$FEWEST_ROUNDS"; do
		try_round $(((RANGEGUARD_SEED + rounds) % ${#ways[@]}))
		rounds+=1
	done
	((tried == rounds * ${#edges[@]})) || fail "tried $tried in $rounds rounds"
	note "$tried of $((${#edges[@]} * ${#ways[@]})) pairs, RANGEGUARD_SEED=$RANGEGUARD_SEED"
}

# try_round N: one way to each edge, the next one for the next edge; the rounds from 0 on have each pair once
try_round()
{
	local address verdict
	local -i i

	for i in "${!edges[@]}"; do
		read -r address verdict <<<"${edges[i]}"
		((rounds > 0)) || assert_explained
		try_way "${ways[(i + $1) % ${#ways[@]}]}"
		tried+=1
	done
}

# try_way WAY: to $address, of which $verdict is right
try_way()
{
	local way=$1

	if output=$("$way" 2>&1); then
		[[ "$verdict" == free ]] || fail "$way $address: let through: $output"
		[[ "$way" == *chained* ]] || del c1 "$DEL" || fail "$way $address: DEL"
	else
		[[ "$verdict" == reserved ]] || fail "$way $address: refused: $output"
		assert_refusal_of "$way"
	fi
}

# assert_explained: `explain` says the same
assert_explained()
{
	local -i status=0

	"$RANGEGUARD" explain --network pods "$address" >explained || status=$?
	[[ "$verdict:$status" == free:0 || "$verdict:$status" == reserved:1 ]] || fail "explain $address: $status $(<explained)"
}

# assert_refusal_of WAY: reserved, with owner and file; where all of a pool is reserved the pool has no address
assert_refusal_of()
{
	if [[ "$1" == way_automatic_choice ]]; then
		assert_refused 7 "$output" "$1 $address"
		return
	fi
	assert_refused 100 "$output" "$1 $address"
	assert_matches "$output" "\(owner (dba|backup|voice); $POLICY /reserved/" "$1 $address"
}

test_a_policy_that_is_read_each_time()
{
	echo "$ENTRIES" >"$POLICY"
	try_each
	assert_empty "$(find /run/rangeguard -name 'policy-*')" "compiled policies"
}

test_a_policy_that_is_compiled()
{
	jq '.reserved += [range(1000) | {cidr: "172.16.\(. / 16 | floor).\(. % 16 * 16)/28"}]' <<<"$ENTRIES" >"$POLICY"
	try_each
	assert_equal 1 "$(find /run/rangeguard -name 'policy-*' | wc -l)" "compiled policies"
}

main "$@"
