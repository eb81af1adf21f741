#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What containers behind one bridge send to each other never comes to the host's routing: the classifier at each port guards
# it, and where that is deleted, a rule for bridges stops everything. Judged by what the neighbour on the bridge sees.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

PLAIN='{"cniVersion": "1.0.0", "name": "b", "plugins": [{"type": "bridge", "bridge": "br0", "isGateway": true, "ipam": {"type": "host-local",
	"ranges": [[{"subnet": "10.7.0.0/24", "rangeStart": "10.7.0.2"}], [{"subnet": "fd07::/64"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
	{"type": "rangeguard"}]}'
PINNED=$(jq -c '.plugins[1].snat = [{name: "mainframe", source: ["192.0.2.10"], destinations: ["198.51.100.0/24"]}]' <<<"$PLAIN")
LOGGER='table netdev seen {
	set macs { type ether_addr; size 65535; flags dynamic; }
	set senders { type ether_addr . ipv4_addr; size 65535; flags dynamic; }
	set sources4 { type ipv4_addr; size 65535; flags dynamic; }
	set sources6 { type ipv6_addr; size 65535; flags dynamic; }
	chain note {
		type filter hook ingress device eth0 priority 0;
		ether saddr @macs accept comment "known"
		add @macs { ether saddr }
	}
	chain look {
		type filter hook ingress device eth0 priority -1;
		arp operation { request, reply } add @senders { arp saddr ether . arp saddr ip }
		ether type ip add @sources4 { ip saddr }
		ether type ip6 add @sources6 { ip6 saddr }
	}
}'

set_up()
{
	local name

	install_plugins bridge host-local
	echo 1 >/proc/sys/net/ipv4/ip_forward
	ip address add 192.0.2.10/32 dev lo
	for name in c1 c2; do
		container "$name"
	done
}

# has_filter NAME: whether the classifier of a container is a filter of its port's qdisc
has_filter()
{
	tc filter show dev "$(port "$1")" ingress 2>/dev/null | grep -q rangeguard
}

# without_tcx LIST NAME: ADD as on a kernel without TCX, so that the classifier is a filter of a qdisc: the call that attaches
# it otherwise is refused. Which one that is depends on what else is on the host.
without_tcx()
{
	local real=/run/real
	local -i n=1

	cp "$CNI_BIN/rangeguard" "$real"
	cat >"$CNI_BIN/rangeguard" <<-'EOT'
		#!/bin/bash
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -f -qq -o /run/bpf-calls -e "inject=bpf:error=EINVAL:when=$INJECT" -e trace=bpf /run/real
	EOT
	for ((n = 8; n < 30; n++)); do
		export INJECT=$n
		if chain ADD "$2" "$1" >out 2>&1 && has_filter "$2"; then
			break
		fi
		INJECT=1000 chain DEL "$2" "$1" || fail "DEL"
	done
	((n < 30)) || fail "no ADD without TCX: $(<out)"
	cp "$real" "$CNI_BIN/rangeguard"
}

# port NAME: the bridge's port of a container
port()
{
	jq -r '[.interfaces[] | select(.name | startswith("veth"))][0].name' "/run/chain-$1.json"
}

# address NAME [4|6]
address()
{
	jq -r --argjson n "$((${2:-4} == 4 ? 0 : 1))" '.ips[$n].address | sub("/.*"; "")' "/run/chain-$1.json"
}

watch()
{
	inside c2 nft -f - <<<"$LOGGER"
}

# seen SET: what the neighbour saw
seen()
{
	inside c2 nft -j list set netdev seen "$1" | jq -r '.nftables[] | .set // empty | .elem // [] | .[] | (if type == "object" and has("elem") then .elem.val else . end)
		| if type == "object" then (.concat | join(" ")) else . end' | sort
}

forget()
{
	local set

	for set in macs senders sources4 sources6; do
		inside c2 nft flush set netdev seen "$set"
	done
}

# tries: whatever c1 can do to reach its neighbour, in its own name, its neighbour's and a stranger's
tries()
{
	local own neighbour source

	own=$(address c1)
	neighbour=$(address c2)
	ip -n c1 address add 10.7.0.200/24 dev eth0 2>/dev/null || true
	ip -n c1 address add fd07::200/64 dev eth0 nodad 2>/dev/null || true
	for source in "$own" 10.7.0.200; do
		inside c1 busybox arping -q -c 1 -w 1 -s "$source" -I eth0 "$neighbour" >/dev/null 2>&1 || true
		inside c1 ping -n -q -c 1 -W "$(briefly)" -I "$source" "$neighbour" >/dev/null 2>&1 || true
	done
	inside c1 ping -n -q -c 1 -W "$(briefly)" -I fd07::200 "$(address c2 6)" >/dev/null 2>&1 || true
}

# Deleted qdiscs stop what they guarded, between ports too, also without pins, and CHECK puts everything back.
test_deleted_classifier_stops_what_is_bridged()
{
	local list

	for list in "$PLAIN" "$PINNED"; do
		chain ADD c2 "$list" >/dev/null || fail "ADD of c2"
		without_tcx "$list" c1
		watch
		assert_reaches c1 "$(address c2)"
		forget
		tries
		assert_equal "$(address c1)" "$(seen sources4)" "IPv4 sources with the classifier"
		assert_empty "$(seen senders | grep -F 10.7.0.200 || true)" "senders of ARP with the classifier"
		assert_empty "$(seen sources6 | grep -F fd07::200 || true)" "IPv6 sources with the classifier"
		forget
		tc qdisc del dev "$(port c1)" clsact
		tries
		assert_empty "$(seen senders)$(seen sources4)$(seen sources6 | grep -v ^fe80: || true)" "seen by the neighbour without the classifier"
		assert_matches "$(nft list table bridge rangeguard-bridge)" 'counter packets [1-9]' "the counter"
		assert_succeeds cni CHECK c1 /run/netns/c1 eth0 "$(jq -c --argjson result "$(<"/run/chain-c1.json")" \
			'. as $list | .plugins[1] + {name: $list.name, cniVersion: $list.cniVersion, prevResult: $result}' <<<"$list")"
		assert_reaches c1 "$(address c2)"
		# The rule alone gone: the classifier guards, and CHECK puts it back.
		nft delete table bridge rangeguard-bridge
		forget
		tries
		assert_equal "$(address c1)" "$(seen sources4)" "IPv4 sources without the rule"
		assert_succeeds cni CHECK c1 /run/netns/c1 eth0 "$(jq -c --argjson result "$(<"/run/chain-c1.json")" \
			'. as $list | .plugins[1] + {name: $list.name, cniVersion: $list.cniVersion, prevResult: $result}' <<<"$list")"
		nft list table bridge rangeguard-bridge >/dev/null || fail "the rule is not back"
		# A GC of another network knows no lease of theirs without pins.
		chain DEL c1 "$list" || fail "DEL"
		without_tcx "$list" c1
		tc qdisc del dev "$(port c1)" clsact
		assert_succeeds cni GC "" "" "" '{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
			"ranges": [[{"subnet": "10.9.0.0/24"}]]}, "cni.dev/valid-attachments": []}'
		assert_reaches c1 "$(address c2)"
		chain DEL c1 "$list" || fail "DEL"
		chain DEL c2 "$list" || fail "DEL"
		inside c2 nft flush ruleset
	done
}

# A bridge sends frames to where it saw their address last: a container must not send from its neighbour's.
test_mac_addresses_of_neighbours()
{
	local own theirs

	chain ADD c1 "$PLAIN" >/dev/null || fail "ADD of c1"
	chain ADD c2 "$PLAIN" >/dev/null || fail "ADD of c2"
	watch
	own=$(ip -n c1 -json link show eth0 | jq -r '.[0].address')
	theirs=$(ip -n c2 -json link show eth0 | jq -r '.[0].address')
	assert_reaches c1 "$(address c2)"
	assert_contains "$(seen macs)" "$own" "frames from its own address"
	forget
	ip -n c1 link set eth0 address 02:00:00:00:00:66
	tries
	# The bridge itself may tell of groups (IGMP).
	assert_no_line "frames from an invented address" 02:00:00:00:00:66 seen macs
	assert_only_lines "packets from an invented address" '^10\.7\.0\.1$' seen sources4
	ip -n c1 link set eth0 address "$theirs"
	tries
	assert_empty "$(bridge fdb show br br0 | grep -i "^$theirs dev $(port c1) .*master br0 *$" || true)" "what the bridge has learned"
	ip -n c1 link set eth0 address "$own"
	assert_reaches c1 "$(address c2)"
	assert_reaches c2 "$(address c1)"
}

# A host without containers behind bridges has no rule for them.
test_no_rule_where_nothing_is_bridged()
{
	assert_succeeds add c1 '{"cniVersion": "1.0.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
		"ranges": [[{"subnet": "10.9.0.0/24"}]]}}'
	assert_empty "$(nft list tables bridge)" "tables for bridges"
}

main "$@"
