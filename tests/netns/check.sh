#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# CHECK looks at everything that an ADD makes or needs: each part is broken by itself, with total loss in most cases.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
	"ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00:9::/64"}]]}}'

# each breakage: a command; HOST and CONTAINER stand for the two ends, ADDRESS4 and ADDRESS6 for its addresses, "in" for "in the container"
BREAKAGES='
sysctl -q -w net.ipv4.ip_forward=0
sysctl -q -w net.ipv6.conf.all.forwarding=0
sysctl -q -w net.ipv4.conf.HOST.forwarding=0
sysctl -q -w net.ipv6.conf.HOST.forwarding=0
sysctl -q -w net.ipv6.conf.HOST.accept_ra=1
ip link set HOST down
ip link set HOST master br9
ip link set HOST address 02:00:00:00:00:99
ip link set HOST mtu 1400
ip neighbour replace ADDRESS4 lladdr 02:00:00:00:00:98 dev HOST
ip neighbour replace ADDRESS6 lladdr 02:00:00:00:00:98 dev HOST
ip route del ADDRESS4
ip -6 route del ADDRESS6
ip route replace ADDRESS4 dev br9
in ip link set CONTAINER down
in ip link set CONTAINER mtu 1400
in ip link set CONTAINER address 02:00:00:00:00:97
in ip address del ADDRESS4/32 dev CONTAINER
in ip address del ADDRESS6/128 dev CONTAINER
in ip route del default
in ip -6 route del default
in ip neighbour del 169.254.1.1 dev CONTAINER
in ip neighbour replace fe80::1 lladdr 02:00:00:00:00:96 dev CONTAINER
in sysctl -q -w net.ipv6.conf.CONTAINER.accept_ra=1
in ip link del CONTAINER
'

test_each_part_of_an_attachment()
{
	local breakage command result host_end address

	ip link add br9 type bridge
	ip link set br9 up
	while read -r breakage; do
		[[ -n "$breakage" ]] || continue
		container c1
		result=$(add c1 "$CONF" 2>/dev/null) || fail "ADD before '$breakage': $result"
		assert_succeeds check c1 "$CONF" "$result"
		host_end=$(jq -r '.interfaces[0].name' <<<"$result")
		command=${breakage//HOST/$host_end}
		command=${command//CONTAINER/eth0}
		address=$(jq -r '.ips[0].address | sub("/.*"; "")' <<<"$result")
		command=${command//ADDRESS4/$address}
		command=${command//ADDRESS6/$(jq -r '.ips[1].address | sub("/.*"; "")' <<<"$result")}
		if [[ "$command" == in\ * ]]; then
			# sysctl needs the /proc of the namespace that it is in; that is the one of the process
			assert_succeeds inside c1 sh -c "${command#in }"
		else
			assert_succeeds sh -c "$command"
		fi
		assert_fails check c1 "$CONF" "$result"
		assert_refused 107 "$output" "$breakage"
		del c1 "$CONF"
		ip netns delete c1
		ip route del "$address" dev br9 2>/dev/null || true
	done <<<"$BREAKAGES"
}

# neighbours HOST: the permanent ones on the host's end
neighbours()
{
	ip neighbour show dev "$1" nud permanent | grep -v '^ff02:\|^224' | LC_ALL=C sort
}

# The kernel drops the host's neighbours with the interface that goes down: CHECK puts them back, and what somebody deleted.
test_neighbours_that_the_host_lost()
{
	local result host_end before how

	container c1
	result=$(add c1 "$CONF" 2>/dev/null) || fail "ADD: $result"
	host_end=$(jq -r '.interfaces[0].name' <<<"$result")
	before=$(neighbours "$host_end")
	assert_equal 2 "$(wc -l <<<"$before")" "permanent neighbours: $before"
	for how in "ip link set $host_end down" "ip neighbour flush dev $host_end nud permanent" "ip -6 neighbour del fd00:9::1 dev $host_end"; do
		$how
		ip link set "$host_end" up
		assert_succeeds cni GC "" "" "" "$(jq -c '. + {"cni.dev/valid-attachments": [{containerID: "c1", ifname: "eth0"}]}' <<<"$CONF")"
		[[ "$before" != "$(neighbours "$host_end")" ]] || fail "$how: nothing is missing"
		assert_succeeds check c1 "$CONF" "$result"
		assert_equal "$before" "$(neighbours "$host_end")" "after $how and CHECK"
		assert_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
	done
}

# tuning's MAC address reaches prevResult, but not the neighbours, of which the kernel drops the container's: CHECK mends both
test_mac_that_tuning_changed()
{
	local list result conf

	install_plugins tuning
	container c1
	conf=$(jq -c '.cniVersion = "1.0.0"' <<<"$CONF")
	list=$(jq -c '{cniVersion, name, plugins: [del(.name, .cniVersion), {type: "tuning", mac: "02:00:00:00:00:95"}]}' <<<"$conf")
	result=$(chain ADD c1 "$list" 2>/dev/null) || fail "ADD: $result"
	assert_unreachable c1 "$HOST_IPV4"
	assert_succeeds check c1 "$conf" "$result"
	assert_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
	# The way that needs no CHECK
	chain DEL c1 "$list" 2>/dev/null
	result=$(add c1 "$(jq -c '.capabilities.mac = true | .runtimeConfig.mac = "02:00:00:00:00:95"' <<<"$CONF")" 2>/dev/null) || fail "ADD: $result"
	assert_succeeds check c1 "$CONF" "$result"
	assert_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
}

# Two networks in one container: what comes from the second one's addresses leaves by it, by a rule that CHECK puts back.
test_rule_of_a_further_interface()
{
	local further result

	container c1
	add c1 "$CONF" >/dev/null 2>&1 || fail "ADD of the first"
	further=$(jq -c '.name = "further" | .ipam.ranges = [[{subnet: "10.10.0.0/24"}], [{subnet: "fd00:10::/64"}]]' <<<"$CONF")
	result=$(cni ADD c1 "$(netns_path c1)" eth1 "$further" 2>/dev/null) || fail "ADD of the second: $result"
	further=$(jq -c --argjson result "$result" '.prevResult = $result' <<<"$further")
	assert_succeeds cni CHECK c1 "$(netns_path c1)" eth1 "$further"
	assert_empty "$output" "CHECK with both rules"
	ip -n c1 rule del from 10.10.0.1
	ip -n c1 -6 rule del from fd00:10::1
	assert_succeeds cni CHECK c1 "$(netns_path c1)" eth1 "$further"
	assert_contains "$output" "the rule for what comes from 10.10.0.1 was missing" "what CHECK says"
	assert_contains "$(ip -n c1 rule show)" "from 10.10.0.1 lookup" "IPv4"
	assert_contains "$(ip -n c1 -6 rule show)" "from fd00:10::1 lookup" "IPv6"
}

main "$@"
