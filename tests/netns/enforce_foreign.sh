#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What somebody puts into our tables instead of taking something out, or has the kernel pass them by: nothing is missing then,
# and yet the next thing that goes would open. CHECK, GC and, where it costs nothing, an ADD of another container see it. Judged
# at the legacy service.

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

# foreign_nat: somebody else's NAT at the place of ours
foreign_nat()
{
	nft 'table inet foreign { chain c { type nat hook postrouting priority -199; masquerade; }; }'
}

# ours: our tables as nft lists them, without what is counted and without handles
ours()
{
	local table

	for table in rangeguard rangeguard-backstop; do
		nft list table inet "$table" | sed -E 's/ (packets|bytes) [0-9]+//g'
	done
}

# refuses_stranger WHAT: c1 is pinned, and whatever others' NAT would do to its packets, nothing of it arrives as somebody else
refuses_stranger()
{
	assert_pinned "$1"
	foreign_nat
	assert_closed "$1: another's NAT before ours"
	nft delete table inet foreign
}

# The same in chains that grow with the lists, where the number of rules tells nothing, behind ours and before them.
test_rules_in_chains_that_grow()
{
	local chain verb how before

	pinned c1
	before=$(ours)
	for chain in leaving pins masquerading; do
		for verb in CHECK GC; do
			for how in insert add; do
				nft "$how" rule inet rangeguard "$chain" accept
				mend_by "$verb"
				assert_equal "$before" "$(ours)" "$verb, $how in $chain"
			done
		done
		refuses_stranger "$chain"
	done
	gone
}

# rules: TABLE CHAIN HANDLE of each rule of ours
rules()
{
	local table

	for table in rangeguard rangeguard-backstop; do
		nft -j list table inet "$table" | jq -r '.nftables[].rule // empty | "\(.table) \(.chain) \(.handle)"'
	done
}

# Another rule in the place of each one of ours, by turns seen by CHECK and GC: there are as many as ever.
test_rules_in_the_place_of_ours()
{
	local table chain handle before
	local -a verbs=(CHECK GC)
	local -i n total

	pinned c1
	before=$(ours)
	total=$(rules | wc -l)
	[[ "$total" -ge 30 ]] || fail "hardly any rules: $(rules)"
	for ((n = 1; n <= total; n++)); do
		# A table that was rebuilt has other handles.
		read -r table chain handle < <(rules | sed -n "${n}p")
		[[ "$chain" != shortcut ]] || continue
		nft replace rule inet "$table" "$chain" handle "$handle" accept
		mend_by "${verbs[n % 2]}"
		assert_equal "$before" "$(ours)" "${verbs[n % 2]}, rule $n, in $chain"
	done
	refuses_stranger "all rules"
	gone
}

# A rule of ours that is deleted where the number of rules tells nothing
test_rules_gone_from_chains_that_grow()
{
	local table chain handle before
	local -a verbs=(CHECK GC)
	local -i n total

	pinned c1
	before=$(ours)
	total=$(rules | grep -cE ' (leaving|pins|masquerading) ')
	((total >= 8)) || fail "hardly any rules: $(rules)"
	for ((n = 1; n <= total; n++)); do
		read -r table chain handle < <(rules | grep -E ' (leaving|pins|masquerading) ' | sed -n "${n}p")
		nft delete rule inet "$table" "$chain" handle "$handle"
		mend_by "${verbs[n % 2]}"
		assert_equal "$before" "$(ours)" "${verbs[n % 2]}, rule $n, in $chain"
	done
	gone
}

# way: chain and handle of the rule that leads to what IPv4 packets to the pin's destinations must be like
way()
{
	nft -a list chain inet rangeguard leaving | sed -nE 's/.*ip daddr .*jump (sent4-[0-9a-f]*) .*handle ([0-9]+)/\1 \2/p'
}

# The same rule, to fewer destinations: of a prefix, and of a set that has no name.
test_fewer_destinations()
{
	local chain handle fewer before destinations verb=CHECK conf=$CONF

	for destinations in '["198.51.100.0/24", "2001:db8:1::/64"]' '["198.51.100.0/24", "203.0.113.8/29", "2001:db8:1::/64"]'; do
		CONF=$(jq -c --argjson all "$destinations" '.snat[0].destinations = $all' <<<"$conf")
		pinned c1
		before=$(ours)
		for fewer in 198.51.100.128/25 '{ 198.51.100.128/25, 203.0.113.8/29 }' '{ 198.51.100.0/24, 203.0.113.8/30 }'; do
			read -r chain handle < <(way)
			nft -f - <<-EOF
				insert rule inet rangeguard leaving meta nfproto ipv4 ip daddr $fewer jump $chain comment "$chain"
				delete rule inet rangeguard leaving handle $handle
			EOF
			mend_by "$verb"
			assert_equal "$before" "$(ours)" "$verb, to $fewer instead of $destinations"
			[[ "$verb" != CHECK ]] && verb=CHECK || verb=GC
		done
		refuses_stranger "$destinations"
		gone
	done
}

# What the end of a chain does with packets: they would be dropped, or kept, by a policy that is not ours.
test_policies_of_our_chains()
{
	local chain verb before

	for verb in CHECK GC ADD; do
		pinned c1
		before=$(ours)
		for chain in "$(nft list table inet rangeguard | grep -oE 'incoming[^ ]*' | head -n 1)" check; do
			nft chain inet rangeguard "$chain" '{ policy drop; }'
			mend_by "$verb"
			del c2 "$CONF"
			assert_equal "$before" "$(ours)" "$verb, policy of $chain"
		done
		assert_pinned "$verb"
		gone
	done
}

# Lists of which no lease tells, since the store is lost, are no rules of others: their containers stay pinned.
test_lists_without_a_lease_stay()
{
	local verb

	pinned c3
	rm -rf /run/rangeguard
	CONF=$(jq -c '.snat[0].destinations = ["203.0.113.0/24"]' <<<"$CONF")
	pinned c1
	for verb in CHECK GC; do
		nft insert rule inet rangeguard leaving accept
		mend_by "$verb"
		assert_empty "$(nft list chain inet rangeguard leaving | grep -E '^[[:space:]]*accept' || true)" "$verb: a rule of others"
		forget_sources
		talk c3
		assert_equal "$PINNED_ALL" "$(sources legacy)" "$verb: who has no lease"
	done
}

main "$@"
