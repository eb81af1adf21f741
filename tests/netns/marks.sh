#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which bits of the packet mark are ours (markMask): beside others who want the default ones, and one choice for a host.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

MASK=0x000f0000
OTHER_BITS=$(jq -c --arg mask "$MASK" '.markMask = $mask' <<<"$CONF")

# foreign_marks: somebody else wants the four default bits: all of them are set on what comes from containers, and packets
# that leave without them are counted
foreign_marks()
{
	nft -f - <<-'EOT'
		table inet foreign {
			chain pre { type filter hook prerouting priority raw; ip saddr 10.9.0.0/24 meta mark set meta mark | 0x01e00000; ip6 saddr fd09::/64 meta mark set meta mark | 0x01e00000; }
			chain post { type filter hook postrouting priority 2147483647; oifname "up0" meta mark & 0x01ef0000 == 0x01e00000 counter accept comment "as they were"; oifname "up0" meta l4proto != icmpv6 counter comment "changed"; }
		}
	EOT
}

# packets_of COMMENT: what a counter of the foreign table says
packets_of()
{
	nft -j list chain inet foreign post | jq --arg comment "$1" '.nftables[] | .rule // empty | select(.comment == $comment) | .expr[]
		| .counter // empty | .packets'
}

pinned()
{
	add "$1" "$OTHER_BITS" "$BILLING" >"result-$1" || fail "ADD of $1: $(<"result-$1")"
}

# assert_closed WHAT NAME…
assert_closed()
{
	local name

	forget_sources
	for name in "${@:2}"; do
		knock "$name"
	done
	assert_empty "$(sources legacy)" "$1"
}

host_end()
{
	jq -r '.interfaces[0].name' "result-$1"
}

test_beside_others_who_want_the_default_bits()
{
	foreign_marks
	# The defect that the key is for: nothing of a pinned container gets through.
	add c1 "$CONF" "$BILLING" >/dev/null || fail "ADD"
	assert_closed "with the default bits" c1
	del c1 "$CONF"
	pinned c1
	pinned c2
	forget_sources
	assert_reaches c1 198.51.100.2 2001:db8:1::2
	knock c1
	knock c2
	assert_equal "$PINNED_ALL" "$(sources legacy)" "with other bits"
	assert_equal 0 "$(packets_of changed)" "packets that left with other marks than those of others"
	(($(packets_of "as they were") > 0)) || fail "no packet was counted"
	# No single deletion opens, and CHECK knows the same bits.
	tc qdisc del dev "$(host_end c1)" clsact
	assert_closed "without the classifier" c1
	assert_succeeds check c1 "$OTHER_BITS" "$(<result-c1)" "$BILLING"
	nft flush chain inet rangeguard pinned
	assert_closed "without rules that prove" c1 c2
	assert_succeeds check c1 "$OTHER_BITS" "$(<result-c1)" "$BILLING"
	nft flush ruleset
	assert_closed "without a table" c1 c2
	foreign_marks
	assert_succeeds check c2 "$OTHER_BITS" "$(<result-c2)" "$BILLING"
	forget_sources
	assert_reaches c1 198.51.100.2 2001:db8:1::2
	assert_equal "192.0.2.10 icmp
2001:db8:ffff::10 ipv6-icmp" "$(sources legacy)" "after repairs"
	del c1 "$OTHER_BITS"
	del c2 "$OTHER_BITS"
	assert_clean
}

# Who has no configuration repairs with the bits that the host's containers have.
test_repair_without_a_configuration()
{
	foreign_marks
	pinned c1
	pinned c2
	nft flush ruleset
	ip rule del pref 0 lookup 29287
	ip -6 rule del pref 0 lookup 29287
	foreign_marks
	tc qdisc del dev "$(host_end c1)" clsact
	assert_succeeds cni GC '' '' '' "$(jq -c '. + {"cni.dev/valid-attachments": [{containerID: "c1", ifname: "eth0"}, {containerID: "c2", ifname: "eth0"}]}' <<<"$CONF")"
	assert_contains "$(ip rule show)" "fwmark 0x10000/0x10000 lookup 29287" "the rule"
	forget_sources
	assert_reaches c1 198.51.100.2 2001:db8:1::2
	assert_reaches c2 198.51.100.2
	assert_equal "192.0.2.10 icmp
2001:db8:ffff::10 ipv6-icmp" "$(sources legacy)" "after repairs"
}

test_two_choices_on_one_host()
{
	local list

	pinned c1
	host_state >before
	nft list ruleset >ruleset-before
	assert_fails add c2 "$CONF" "$BILLING"
	assert_refused 7 "$output" "other bits"
	assert_contains "$output" 0x000f0000 "those of the host"
	assert_contains "$output" 0x01e00000 "those of the configuration"
	assert_contains "$output" /run/rangeguard "whose they are"
	host_state | diff before - || fail "something is left"
	nft list ruleset | diff ruleset-before - || fail "the ruleset has changed"
	assert_reaches c1 198.51.100.2
	# One that needs no marks may be there, and changes nothing of the others.
	assert_succeeds add c3 "$(jq -c 'del(.snat) | .antiSpoof = false' <<<"$CONF")"
	forget_sources
	assert_reaches c1 198.51.100.2
	assert_reaches c3 203.0.113.2
	assert_equal "192.0.2.10 icmp" "$(sources legacy)" "beside one that needs no marks"
	# When all are gone another choice is possible, also behind another plugin whose interface went without a DEL.
	del c1 "$OTHER_BITS"
	list=$(jq -nc --argjson chained "$(jq -c --arg mask "$MASK" '.markMask = $mask' <<<"$CHAINED")" '{cniVersion: "1.0.0", name: "chain", plugins: [
		{type: "ptp", ipam: {type: "host-local", ranges: [[{subnet: "10.8.0.0/24"}]], routes: [{dst: "0.0.0.0/0"}]}}, $chained]}')
	chain ADD c1 "$list" >/dev/null || fail "ADD behind ptp"
	ip netns del c1
	wait_until 5 sh -c '! ip link show group 83 | grep -q .'
	assert_succeeds add c2 "$CONF" "$BILLING"
	forget_sources
	assert_reaches c2 198.51.100.2
	assert_equal "192.0.2.10 icmp" "$(sources legacy)" "with the other choice"
}

# Whether all containers have the same bits is one look-up: a walk through a map takes longer the emptier it is.
test_the_choice_is_looked_up()
{
	cat >traced <<-EOT
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -f -o trace -e trace=bpf "$RANGEGUARD"
	EOT
	chmod +x traced
	pinned c1
	PLUGIN=$PWD/traced pinned c2
	assert_contains "$(<trace)" BPF_MAP_UPDATE_ELEM "calls"
	assert_empty "$(grep BPF_MAP_GET_NEXT_KEY trace || true)" "a walk"
	# The other choice is refused by a walk, which tells whose the first one is
	assert_fails add c3 "$CONF" "$BILLING"
	assert_refused 7 "$output" "other bits"
}

test_what_is_no_mask()
{
	local mask

	for mask in '"0"' '""' '"0x"' '"0x7"' '"0x1f"' '"15"' '"0xf00000000"' '"0xfz"' '"0x0x0f"' 15 '["0xf"]'; do
		assert_fails add c1 "$(jq -c --argjson mask "$mask" '.markMask = $mask' <<<"$CONF")" "$BILLING"
		assert_refused 7 "$output" "markMask $mask"
		assert_contains "$output" markMask "the key in $mask"
	done
	assert_clean
	for mask in 0xf 0xF0000000 0x80000103; do
		assert_succeeds add c1 "$(jq -c --arg mask "$mask" '.markMask = $mask' <<<"$CONF")" "$BILLING"
		forget_sources
		assert_reaches c1 198.51.100.2 2001:db8:1::2
		assert_equal "192.0.2.10 icmp
2001:db8:ffff::10 ipv6-icmp" "$(sources legacy)" "with $mask"
		del c1 "$CONF"
	done
	assert_clean
}

main "$@"
