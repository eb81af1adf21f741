#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What somebody puts into our tables instead of taking something out, or has the kernel pass them by: nothing is missing then,
# and yet the next thing that goes would open. CHECK, GC and an ADD of another container see it. Judged at the legacy service.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

# pinned NAME
pinned()
{
	add "$1" "$CONF" "$BILLING" >"result-$1" || fail "ADD of $1: $(<"result-$1")"
}

# mend_by VERB: a CHECK of c1, a GC of another network, or the ADD of another container with the same pin
mend_by()
{
	case $1 in
	CHECK) assert_succeeds check c1 "$CONF" "$(<result-c1)" "$BILLING" ;;
	GC) assert_succeeds cni GC "" "" "" "$(jq -c '.name = "other" | .ipam.ranges = [[{subnet: "10.99.0.0/24"}]]
		| .["cni.dev/valid-attachments"] = []' <<<"$CONF")" ;;
	ADD) pinned c2 ;;
	esac
}

# assert_pinned WHAT: c1 reaches the service, with the pin's source
assert_pinned()
{
	forget_sources
	assert_reaches c1 198.51.100.2 2001:db8:1::2
	knock c1
	assert_equal "$PINNED_ALL" "$(sources legacy)" "$1"
}

# assert_closed WHAT [ADDRESS]: nothing of c1, with its own address or another, arrives there
assert_closed()
{
	forget_sources
	[[ -n "${2-}" ]] || knock c1
	inside c1 ping -n -q -c 1 -W "$(briefly)" ${2:+-I "$2"} 198.51.100.2 >/dev/null 2>&1 || true
	assert_empty "$(sources legacy)" "$1: seen at the legacy service"
}

# gone: c1 and c2
gone()
{
	del c1 "$CONF" || fail "DEL of c1"
	del c2 "$CONF" || fail "DEL of c2"
	assert_clean
}

# `nft add table … { flags dormant; }`: all is there, and the kernel looks at nothing of it.
test_tables_that_are_passed_by()
{
	local verb

	for verb in CHECK GC ADD; do
		pinned c1
		nft add table inet rangeguard '{ flags dormant; }'
		assert_closed "$verb: a table that is passed by"
		mend_by "$verb"
		assert_pinned "$verb: the table"
		gone
		pinned c1
		nft add table inet rangeguard-backstop '{ flags dormant; }'
		mend_by "$verb"
		ip -n c1 address add 10.9.0.77/32 dev eth0
		tc qdisc del dev "$(jq -r '.interfaces[0].name' result-c1)" clsact
		assert_closed "$verb: the backstop, forged" 10.9.0.77
		gone
	done
}

# Where there are only prohibitions, a route leads round them: in the place of one, beside it, within it.
test_routes_among_prohibitions()
{
	local verb route
	local -a routes=("replace 198.51.100.0/24 via 198.51.100.2" "add 198.51.100.2/32 dev up0" "prepend throw 198.51.100.0/24"
		"add 198.51.100.0/24 tos 0x10 dev up0" "replace blackhole 198.51.100.0/24")

	for route in "${routes[@]}"; do
		for verb in CHECK GC; do
			pinned c1
			# shellcheck disable=SC2086 # words
			ip route $route table 29287
			ip -6 route add 2001:db8:1::2/128 dev up0 metric 1 table 29287
			mend_by "$verb"
			assert_equal "prohibit 198.51.100.0/24 proto 82" "$(ip route show table 29287 | sed 's/ *$//')" "$verb, $route"
			assert_matches "$(ip -6 route show table 29287)" '^prohibit 2001:db8:1::/64 [^
]*$' "$verb, IPv6"
			nft flush ruleset
			assert_closed "$verb, $route, and the ruleset flushed"
			del c1 "$CONF" || fail "DEL"
			assert_clean
		done
	done
}

# A rule before ours that lets packets pass, with somebody else's NAT before ours, too.
test_rules_among_ours()
{
	local chain verb

	for chain in incoming pinned sole check; do
		for verb in CHECK GC ADD; do
			pinned c1
			nft insert rule inet rangeguard "$(nft list table inet rangeguard | grep -oE "chain ${chain}[^ ]*" | head -n 1 | cut -d ' ' -f 2)" accept
			mend_by "$verb"
			assert_pinned "$verb, $chain"
			nft 'table inet foreign { chain c { type nat hook postrouting priority -199; masquerade; }; }'
			assert_closed "$verb, $chain: another's NAT before ours"
			nft delete table inet foreign
			gone
		done
	done
}

main "$@"
