#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A host that was started with ipv6.disable=1.

# shellcheck source=tests/lib.sh
source /work/tests/lib.sh

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipMasq": true,
	"ipam": {"type": "rangeguard", "reuseDelay": 0, "ranges": [[{"subnet": "10.9.0.0/24"}]]},
	"snat": [{"name": "mainframe", "source": ["192.0.2.10"], "destinations": ["198.51.100.0/25"]}]}'

set_up()
{
	[[ ! -e /proc/sys/net/ipv6 ]] || fail "this machine knows IPv6"
	ip netns add world
	ip link add up0 type veth peer name eth0 netns world
	ip address add 198.51.100.1/24 dev up0
	ip link set up0 up
	ip -n world link set lo up
	ip -n world address add 198.51.100.10/24 dev eth0
	ip -n world link set eth0 up
	ip route add default via 198.51.100.10
	ip address add 192.0.2.10/32 dev lo
	ip -n world route add 192.0.2.10 via 198.51.100.1
	ip -n world address add 203.0.113.1/32 dev lo
	container c1
	container c2
}

test_ipv4_works()
{
	local result

	result=$(add c1 "$CONF") || fail "ADD: $result"
	assert_json "$result" '[.ips[].address] == ["10.9.0.1/32"]' "addresses"
	assert_succeeds check c1 "$CONF" "$result"
	assert_succeeds add c2 "$CONF"
	assert_reaches c1 "$HOST_IPV4" 10.9.0.2 198.51.100.10 203.0.113.1
	nft flush ruleset
	assert_unreachable c1 198.51.100.10
	assert_succeeds check c1 "$CONF" "$result"
	assert_reaches c1 198.51.100.10
	assert_succeeds cni GC "" "" "" "$(jq -c '."cni.dev/valid-attachments" = []' <<<"$CONF")"
	assert_equal 2 "$(leases)" "leases of the living"
	ip netns delete c2
	assert_succeeds cni GC "" "" "" "$(jq -c '."cni.dev/valid-attachments" = []' <<<"$CONF")"
	assert_equal 1 "$(leases)" "leases of the living"
	assert_succeeds del c1 "$CONF"
	assert_nothing_left
}

test_ipv6_is_refused_and_leaves_nothing()
{
	local result

	result=$(add c1 "$(jq -c '.ipam.ranges += [[{subnet: "fd00:9::/64"}]]' <<<"$CONF")") && fail "ADD with IPv6: $result"
	assert_json "$result" '.code > 0 and (.msg + .details | test("IPv6"))' "the error names IPv6"
	assert_nothing_left
}

main "$@"
