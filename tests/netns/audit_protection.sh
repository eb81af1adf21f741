#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `rangeguard audit`: what protects containers and translates their packets. Each thing of ours that somebody took out of
# the kernel, put into it, or put in the way, is found and named; nothing is changed; and there is nothing to find on a
# host as it should be.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

# a_host: c1 is pinned, c2 is masqueraded
a_host()
{
	add c1 "$CONF" "$BILLING" >c1.json || fail "$(<c1.json)"
	add c2 "$CONF" >c2.json || fail "$(<c2.json)"
}

# audit ARGUMENT…: as JSON, whatever the exit status, which is left in $status
audit()
{
	status=0
	output=$("$RANGEGUARD" audit --format json "$@" 2>err) || status=$?
	((status < 2)) || fail "audit: $(<err)"
}

# rules: of the findings
rules()
{
	jq -c '[.findings[].rule] | unique' <<<"$output"
}

# assert_clean_audit: nothing is found
assert_clean_audit()
{
	audit
	assert_equal "0 []" "$status $(rules)" "findings of $1: $(jq -r '.findings[].message' <<<"$output")"
}

# assert_found RULE REGEX WHAT: one kind of finding, with a text that matches
assert_found()
{
	audit
	assert_equal "[\"$1\"]" "$(rules)" "$3: $(jq -r '.findings[].message' <<<"$output")"
	assert_matches "$(jq -r '.findings[].message' <<<"$output")" "$2" "$3"
}

test_hosts_as_they_should_be()
{
	assert_clean_audit "a host without containers"
	a_host
	assert_clean_audit "a pinned and a masqueraded container"
	del c1 "$CONF" "$BILLING"
	assert_clean_audit "the pinned one gone"
	add c1 "$CONF" "$BILLING" >/dev/null
	add c3 "$CONF" "$BILLING" >/dev/null
	assert_clean_audit "two of them, after one had gone"
	del c1 "$CONF" "$BILLING"
	del c2 "$CONF"
	del c3 "$CONF" "$BILLING"
	assert_clean_audit "all gone"
}

# A second state directory, with other destinations
test_other_hosts_as_they_should_be()
{
	local other

	other=$(jq -c '.name = "others" | .ipam.dataDir = "/run/rangeguard-other" | .ipam.ranges = [[{subnet: "10.8.0.0/24"}]]
		| .snat[0].source = ["192.0.2.10"] | .snat[0].destinations = ["198.51.100.0/26", "198.51.100.96/27", "203.0.113.2/32"]' <<<"$CONF")
	add c1 "$CONF" "$BILLING" >c1.json || fail "$(<c1.json)"
	add c2 "$other" "$BILLING" >c2.json || fail "$(<c2.json)"
	assert_clean_audit "two state directories"
	audit --data-dir /run/rangeguard-other
	assert_equal "[]" "$(rules)" "findings of the other one: $(jq -r '.findings[].message' <<<"$output")"
	# The second one did not take the first one's container for its own, which would keep what pins have in common.
	assert_equal '["c2"]' "$("$RANGEGUARD" list --data-dir /run/rangeguard-other --format json | jq -c '[.leases[].containerID] | unique')" \
		"containers of the other one"
	del c1 "$CONF" "$BILLING"
	del c2 "$other" "$BILLING"
	assert_clean_audit "all gone"
	assert_empty "$(ip route show table 29287 2>/dev/null; ip rule | grep 29287)" "the fence"
}

# Other bits of marks, another plugin's interface
test_other_roles_as_they_should_be()
{
	local marks

	marks=$(jq -c '.markMask = "0xf0000000"' <<<"$CONF")
	add c1 "$marks" "$BILLING" >/dev/null
	assert_clean_audit "other bits of marks"
	del c1 "$marks" "$BILLING"
	chain ADD c3 "$(jq -n --argjson chained "$CHAINED" '{cniVersion: "1.0.0", name: "list", plugins: [
		{type: "ptp", ipam: {type: "host-local", ranges: [[{subnet: "10.7.0.0/24"}], [{subnet: "fd07::/64"}]]}}, $chained]}')" >c3.json || fail "$(<c3.json)"
	assert_clean_audit "the chained role"
}

# kernel: what an audit looks at
kernel()
{
	nft list ruleset | sed 's,counter packets [0-9]* bytes [0-9]*,counter,'
	ip rule
	ip -6 rule
	ip route show table all proto 82
	ip -6 route show table all proto 82
	ip -o link show type veth
	tc filter show dev "$1" ingress
	find /sys/fs/bpf
}

test_nothing_is_put_back()
{
	local interface before

	a_host
	interface=$(ip -j route get 10.9.0.3 | jq -r '.[0].dev')
	tc qdisc delete dev "$interface" clsact
	ip rule delete priority 0 fwmark 0x200000/0x200000 lookup 29287
	ip route flush table 29287
	nft delete element inet rangeguard pinned4 '{ 10.9.0.2 }'
	settled
	before=$(kernel "$interface")
	audit
	assert_equal '["RG409"]' "$(rules)" "findings"
	assert_equal "$before" "$(kernel "$interface")" "the kernel after an audit"
}

test_table_that_is_gone()
{
	a_host
	nft delete table inet rangeguard
	assert_found RG409 "^the nftables table inet rangeguard is missing, .*pinned containers do not reach" "table"
	check c1 "$CONF" "$(<c1.json)" "$BILLING"
	assert_clean_audit "a table that CHECK put back"
	nft delete table inet rangeguard-backstop
	assert_found RG409 "^the nftables table inet rangeguard-backstop is missing" "backstop"
}

test_parts_of_the_table_that_are_gone()
{
	local chain rule

	a_host
	rule=$(nft -a -j list chain inet rangeguard pinned | jq '[.nftables[].rule // empty | .handle][0]')
	nft delete rule inet rangeguard pinned handle "$rule"
	assert_found RG409 "^a rule of chain pinned is missing in the nftables table inet rangeguard:" "rule"
	check c1 "$CONF" "$(<c1.json)" "$BILLING"
	assert_clean_audit "a rule that CHECK put back"
	chain=$(nft -j list chains inet | jq -r '[.nftables[].chain // empty | select(.table == "rangeguard" and (.name | startswith("masquerade4"))) | .name][0]')
	rule=$(nft -a -j list chain inet rangeguard masquerading | jq --arg chain "$chain" \
		'.nftables[].rule // empty | select(.expr[-1].jump.target == $chain) | .handle')
	nft delete rule inet rangeguard masquerading handle "$rule"
	nft delete chain inet rangeguard "$chain"
	assert_found RG409 "^chain $chain is missing in the nftables table inet rangeguard:" "chain"
}

# A rule that lets packets pass, before ours, and as many rules as there were
test_rule_of_others_in_our_table()
{
	local handle

	a_host
	nft insert rule inet rangeguard check accept
	handle=$(nft -a -j list chain inet rangeguard check | jq '[.nftables[].rule // empty | .handle] | max')
	assert_found RG410 "^chain check .* has a rule that rangeguard did not put there; nft delete rule inet rangeguard check handle $handle removes it" "rule"
	nft delete rule inet rangeguard check handle "$handle"
	assert_clean_audit "the remedy done"
	nft insert rule inet rangeguard check meta mark and 0x01600000 != 0x01400000 accept
	audit
	assert_equal '["RG410"]' "$(rules)" "a rule like ours: $(jq -r '.findings[].message' <<<"$output")"
	nft delete rule inet rangeguard check handle "$(nft -a -j list chain inet rangeguard check | jq '[.nftables[].rule // empty | .handle] | max')"
	nft add chain inet rangeguard mine
	assert_found RG410 "^chain mine of the nftables table inet rangeguard is not one that rangeguard has" "chain"
	nft delete chain inet rangeguard mine
	nft add rule inet rangeguard-backstop unguarded accept
	assert_found RG410 "^chain unguarded of the nftables table inet rangeguard-backstop has a rule" "backstop"
}

test_elements()
{
	a_host
	nft delete element inet rangeguard pinned4 '{ 10.9.0.2 }'
	assert_found RG409 "^10\.9\.0\.2 of c1 eth0 of network pods is missing in set pinned4 of the nftables table" "one"
	check c1 "$CONF" "$(<c1.json)" "$BILLING"
	assert_clean_audit "an element that CHECK put back"
	nft add element inet rangeguard pinned6 '{ fd09::77 }'
	assert_found RG410 "^fd09::77 stands in set pinned6 of the nftables table .*no lease says so" "foreign"
	nft delete element inet rangeguard pinned6 '{ fd09::77 }'
	nft add element inet rangeguard pinned4 '{ 10.9.0.3 }'
	nft add element inet rangeguard pairs4 '{ 10.9.0.3 . 192.0.2.10 }'
	assert_found RG410 "^10\.9\.0\.3 of c2 eth0 of network pods stands in set pinned4 and 1 more of" "of a container without a pin"
}

# As a killed DEL of another version may leave them: of an address that nobody holds
test_elements_of_a_container_that_is_gone()
{
	local list

	a_host
	add c3 "$CONF" "$BILLING" >/dev/null
	list=$(nft -j list maps inet | jq -r '[.nftables[].map // empty | .name | select(startswith("pin4-"))][0]')
	del c1 "$CONF" "$BILLING"
	assert_clean_audit "a DEL that was not killed"
	nft add element inet rangeguard "$list" '{ 10.9.0.2 : 192.0.2.10 }'
	nft add element inet rangeguard "${list/pin/sent}" '{ 10.9.0.2 . 192.0.2.10 }'
	nft add element inet rangeguard "${list/pin/held}" '{ 10.9.0.2 }'
	assert_found RG410 "^10\.9\.0\.2 stands in set $list and 2 more of the nftables table inet rangeguard, but no lease says so" "elements"
	# The remedy that the message names
	nft delete table inet rangeguard
	add c1 "$CONF" "$BILLING" >/dev/null
	assert_clean_audit "a table that was rebuilt"
}

test_nat_chains_of_others()
{
	a_host
	nft -f - <<-'EOT'
		table ip others {
			chain late { type nat hook postrouting priority 100; }
			chain early { type nat hook postrouting priority -199; oifname "up0" masquerade; }
			chain incoming { type nat hook prerouting priority -199; }
		}
	EOT
	assert_found RG405 "^NAT chain early of the nftables table ip others, priority -199, may decide before rangeguard's \(priority -199\)" "chain"
	assert_equal 1 "$status" "exit status"
	# What the message says: nothing arrives, as a capture at the legacy service shows; and there is something to find.
	! inside c1 ping -n -q -c 3 -i 0.2 -W 1 198.51.100.2 >/dev/null 2>&1 || fail "an answer to a ping"
	assert_no_line "sources at the legacy service" '\.' sources legacy
	nft delete table ip others
	inside c1 ping -n -q -c 1 -W "$(scaled 2)" 198.51.100.2 >/dev/null || fail "no answer without that chain"
	assert_equal "192.0.2.10 icmp" "$(sources legacy | grep -F .)" "sources then"
	nft add table ip6 others
	nft add chain ip6 others middle '{ type nat hook postrouting priority 10; }'
	assert_found RG405 "^NAT chain middle of the nftables table ip6 others, priority 10, decides before rangeguard's ipMasq" "masquerading"
	assert_equal 0 "$status" "exit status"
	del c1 "$CONF" "$BILLING"
	del c2 "$CONF"
	nft delete table ip6 others
	nft add table ip others
	nft add chain ip others early '{ type nat hook postrouting priority -199; }'
	assert_clean_audit "a chain that concerns no container"
}

test_marks_of_others()
{
	a_host
	nft add table ip others
	nft add chain ip others c '{ type filter hook prerouting priority 0; }'
	nft add rule ip others c meta mark set 0xca6c
	nft add rule ip others c meta mark set meta mark and 0xfe1fffff
	nft add rule ip others c ct mark set 0x01e00000 meta mark set ct mark
	assert_clean_audit "other bits"
	nft add rule ip others c meta mark set mark or 0x00200000
	assert_found RG411 "^a rule of chain c of the nftables table ip others \(handle [0-9]+\) sets 0x200000 in packets' marks" "a bit"
	nft flush chain ip others c
	nft add rule ip others c meta mark set 0xffffffff
	assert_found RG411 "sets 0x1e00000 in packets' marks, of which rangeguard uses 0x01e00000" "all"
	nft flush chain ip others c
	iptables-nft -t mangle -A PREROUTING -j MARK --set-xmark 0x00c00000/0x00c00000
	assert_found RG411 "^a rule of chain PREROUTING of the nftables table ip mangle .* sets 0xc00000" "iptables"
}

test_routing_rules()
{
	a_host
	ip rule delete priority 0 fwmark 0x200000/0x200000 lookup 29287
	assert_found RG409 "^ip rule from all fwmark 0x200000 lookup 29287 is missing" "rule"
	ip rule add priority 0 from 10.9.0.0/24 lookup main
	check c1 "$CONF" "$(<c1.json)" "$BILLING"
	assert_found RG411 "^an ip rule \(preference 0, lookup 254\) is asked before rangeguard's" "before ours"
	ip rule delete priority 0 from 10.9.0.0/24 lookup main
	ip -6 rule delete priority 0 fwmark 0x200000/0x200000 lookup 29287
	assert_found RG409 "^ip -6 rule from all fwmark" "IPv6"
}

test_routes()
{
	a_host
	ip route delete prohibit 198.51.100.0/24 table 29287
	assert_found RG409 "^route prohibit 198\.51\.100\.0/24 table 29287 is missing" "missing"
	ip route add 198.51.100.0/24 dev up0 table 29287
	audit
	assert_equal '["RG409","RG410"]' "$(rules)" "instead of ours"
	ip route delete 198.51.100.0/24 dev up0 table 29287
	check c1 "$CONF" "$(<c1.json)" "$BILLING"
	assert_clean_audit "a route that CHECK put back"
	ip -6 route add 2001:db8:1::2/128 dev up0 table 29287
	assert_found RG410 "^a route to 2001:db8:1::2/128 in table 29287, where rangeguard only prohibits, lets pinned packets pass" "foreign"
	ip -6 route flush table 29287
	check c1 "$CONF" "$(<c1.json)" "$BILLING"
	ip route add prohibit 203.0.113.0/24 table 29287 proto 82
	assert_found RG410 "^a route to 203\.0\.113\.0/24 in table 29287 prohibits what no pin leads to" "left"
	ip route delete prohibit 203.0.113.0/24 table 29287
	ip route add 10.9.0.99/32 dev up0 proto 82
	assert_found RG410 "^the route to 10\.9\.0\.99/32 has rangeguard's protocol number \(82\)" "to nobody"
}

test_discard_routes()
{
	CONF=$(jq -c '.ipam.discardRoutes = true' <<<"$CONF")
	a_host
	assert_clean_audit "discardRoutes"
	ip route delete unreachable 10.9.0.4/30
	assert_found RG409 "^route unreachable 10\.9\.0\.4/30 metric [0-9]+ is missing \(discardRoutes\)" "missing"
}

test_classifiers()
{
	local interface

	a_host
	interface=$(ip -j route get 10.9.0.3 | jq -r '.[0].dev')
	tc qdisc delete dev "$interface" clsact
	assert_found RG409 "^the classifier at the host end of c2 eth0 of network pods is missing" "qdisc"
	assert_equal 1 "$status" "exit status"
}

# Nothing is kept in the kernel by looking, where no program of rangeguard has its name
test_classifier_without_its_name()
{
	local pinned

	a_host
	pinned=$(find /sys/fs/bpf -name '*rangeguard*' -prune | head -n 1)
	[[ -n "$pinned" ]] || fail "no name below /sys/fs/bpf"
	find "$pinned" -type f -delete
	audit
	assert_equal '[]' "$(rules)" "findings: $(jq -r '.findings[].message' <<<"$output")"
	assert_empty "$(find "$pinned" -type f)" "names after an audit"
}

# add_address INTERFACE IPV4: with rangeguard's protocol number (IFA_PROTO), which Debian 12's ip does not know
add_address()
{
	python3 - "$@" <<-'PYTHON'
		import socket, struct, sys
		attribute = lambda kind, value: struct.pack("HH", 4 + len(value), kind) + value.ljust((len(value) + 3) & ~3, b"\0")
		address = socket.inet_aton(sys.argv[2])
		body = struct.pack("BBBBI", socket.AF_INET, 32, 0, 0, socket.if_nametoindex(sys.argv[1])) \
			+ attribute(2, address) + attribute(1, address) + attribute(11, b"\x52")
		route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
		route.send(struct.pack("IHHII", 16 + len(body), 20, 0x0605, 1, 0) + body)
		assert struct.unpack_from("i", route.recv(4096), 16)[0] == 0
	PYTHON
}

test_assigned_sources()
{
	CONF=$(jq -c '.snat[0].source = ["192.0.2.77"] | .snat[0].destinations = ["198.51.100.0/24"] | .snat[0].assign = "up0"' <<<"$CONF")
	a_host
	assert_clean_audit "an assigned source"
	ip address delete 192.0.2.77/32 dev up0
	assert_found RG409 "^source 192\.0\.2\.77 of a pin is not on interface up0" "missing"
	add c3 "$CONF" "$BILLING" >/dev/null
	assert_clean_audit "a source that an ADD put back"
	add_address up1 192.0.2.78
	assert_found RG410 "^192\.0\.2\.78 is on interface [0-9]+ with rangeguard's protocol number" "left"
}

# A store that was lost does not tell any more what its containers have: that is not foreign, and nobody is told to remove it
test_lost_store()
{
	a_host
	rm /run/rangeguard/leases.mdb
	audit
	assert_equal '["RG401"]' "$(rules)" "before the next ADD"
	add c3 "$CONF" >/dev/null
	audit
	assert_empty "$(jq -r '.findings[] | select(.rule == "RG410").message' <<<"$output")" "foreign"
	nft add element inet rangeguard pinned4 '{ 10.9.0.77 }'
	audit
	assert_matches "$(jq -r '.findings[] | select(.rule == "RG410").message' <<<"$output")" "^10\.9\.0\.77 stands in set pinned4" "and what is"
}

# Verbs that run meanwhile have changed one side and not yet the other
test_audits_beside_verbs()
{
	local -i i

	a_host
	(
		while [[ ! -e stop ]]; do
			add c3 "$CONF" "$BILLING" >/dev/null
			del c3 "$CONF" "$BILLING"
			echo >>rounds
		done
	) &
	wait_until 10 test -s rounds
	for ((i = 0; i < 30; i++)); do
		status=0
		output=$("$RANGEGUARD" audit --format json 2>err) || status=$?
		assert_equal "" "$(<err)" "errors"
		assert_equal "0 []" "$status $(rules)" "findings: $(jq -r '.findings[].message' <<<"$output")"
	done
	touch stop
	wait
}

main "$@"
