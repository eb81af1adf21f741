#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What failed on the nodes of a real Kubernetes: sources of pins that others used, other nodes' pods that saw a node's
# address, capabilities that nobody served.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

# with CONF FILTER…: the configuration, changed by a jq program
with()
{
	jq -c "${@:2}" <<<"$1"
}

# rangeguard ARGUMENT…: the program under test
rangeguard()
{
	"$RANGEGUARD" "$@"
}

# assert_sources NETWORK EXPECTED WHAT: all that the network has seen
assert_sources()
{
	assert_equal "$2" "$(sources "$1" | cut -d ' ' -f 1 | uniq)" "$3"
}

# A pin's source is on the host for the pin alone: neither the host nor a masqueraded container takes it, whether or not the
# uplink has an address of its own beside it, or its router is a neighbour
test_assigned_source_is_the_pin_s_alone()
{
	local conf expected

	conf=$(with "$CONF" '.snat[0] |= (.source = ["198.51.100.77", "2001:db8:1::77"] | .assign = "up0")')
	assert_succeeds add c1 "$conf" "$BILLING"
	assert_succeeds add c2 "$conf"
	inside c1 ping -n -q -c 1 -W "$(scaled 2)" 198.51.100.2 >/dev/null || fail "c1 gets no answer"
	inside c1 ping -n -q -c 1 -W "$(scaled 2)" 2001:db8:1::2 >/dev/null || fail "c1 gets no answer over IPv6"
	assert_sources legacy $'198.51.100.77\n2001:db8:1::77' "the pinned container"
	forget_sources
	for expected in $'198.51.100.1\n2001:db8:1::1' $'192.0.2.1\n2001:db8:2::1'; do
		ping -n -q -c 1 -W "$(scaled 2)" 198.51.100.2 >/dev/null || fail "the host gets no answer"
		ping -n -q -c 1 -W "$(scaled 2)" 2001:db8:1::2 >/dev/null || fail "the host gets no answer over IPv6"
		inside c2 ping -n -q -c 1 -W "$(scaled 2)" 198.51.100.2 >/dev/null || fail "c2 gets no answer"
		inside c2 ping -n -q -c 1 -W "$(scaled 2)" 2001:db8:1::2 >/dev/null || fail "c2 gets no answer over IPv6"
		assert_sources legacy "$expected" "the host and a masqueraded container"
		forget_sources
		# An uplink without an address, through which everything goes all the same
		ip address delete 198.51.100.1/24 dev up0 2>/dev/null || true
		ip -6 address delete 2001:db8:1::1/64 dev up0 2>/dev/null || true
		ip route replace 198.51.100.0/24 dev up0
		ip -6 route replace 2001:db8:1::/64 dev up0
		ip -n legacy route replace default dev eth0
		ip -n legacy neighbour replace 192.0.2.1 lladdr "$(ip -json link show up0 | jq -r ".[0].address")" dev eth0
		ip -n legacy route replace default via fe80::1 dev eth0
		conntrack -F >/dev/null 2>&1 || true
	done
}

test_destinations_that_are_not_masqueraded()
{
	local conf

	conf=$(with "$CONF" 'del(.snat) | .nonMasq = ["203.0.113.2", "2001:db8:2::/64"]')
	ip -n second route replace 10.9.0.0/24 via 203.0.113.1
	assert_succeeds add c1 "$conf"
	inside c1 ping -n -q -c 1 -W "$(scaled 2)" 203.0.113.2 >/dev/null || fail "no answer from the second network"
	inside c1 ping -n -q -c 1 -W "$(scaled 2)" 2001:db8:2::2 >/dev/null || fail "no answer from the second network over IPv6"
	inside c1 ping -n -q -c 1 -W "$(scaled 2)" 198.51.100.2 >/dev/null || fail "no answer from the first network"
	assert_sources second $'10.9.0.2\nfd09::2' "a network that is not masqueraded to"
	assert_sources legacy 198.51.100.1 "another network"
	del c1 "$conf"
	assert_fails add c1 "$(with "$conf" '.nonMasq = ["10.0.0.1/8"]')"
	assert_refused 7 "$output" "host bits"
	assert_contains "$output" "/nonMasq/0" "where"
	assert_fails add c1 "$(with "$conf" 'del(.ipMasq)')"
	assert_refused 7 "$output" "exceptions from nothing"
}

test_capabilities_that_nobody_serves()
{
	local conf

	conf=$(with "$CONF" 'del(.snat) | .capabilities = {ips: true, mac: true, ipRanges: true, portMappings: false}
		| .runtimeConfig = {portMappings: [], mac: "02:11:22:33:44:55"}')
	assert_succeeds add c1 "$conf"
	del c1 "$conf"
	assert_fails add c1 "$(with "$conf" '.capabilities.portMappings = true')"
	assert_refused 2 "$output" "declared"
	assert_matches "$output" "portMappings.*portmap" "the refusal names who serves it"
	assert_fails add c1 "$(with "$conf" '.runtimeConfig.portMappings = [{hostPort: 80, containerPort: 80}]')"
	assert_refused 2 "$output" "handed over"
	assert_fails add c1 "$(with "$conf" '.capabilities.ipRange = true')"
	assert_refused 2 "$output" "misspelt"
	assert_contains "$output" ipRanges "the refusal names what there is"
	assert_fails add c1 "$(with "$conf" '.capabilities.ips = "yes"')"
	assert_refused 7 "$output" "runtimes load no list with this"
	with "$conf" '.capabilities.aliases = true' >pods.conf
	assert_fails "$RANGEGUARD" validate --policy /dev/null pods.conf
	assert_contains "$output" dnsname "validate"
	assert_succeeds del c1 "$(with "$conf" '.capabilities.portMappings = true')"
}

# A network that is renamed or removed while its pods run: nobody will ever call DEL or GC for it
test_gc_of_networks_that_nobody_names()
{
	local conf output

	conf=$(with "$CONF" '.name = "renamed" | .snat[0] |= (.source = ["198.51.100.77"] | .destinations = ["198.51.100.0/24"] | .assign = "up0")')
	assert_succeeds rangeguard gc
	assert_empty "$output" "before there is any state"
	assert_succeeds add c1 "$conf" "$BILLING"
	assert_succeeds add c2 "$(with "$CONF" 'del(.snat)')"
	assert_succeeds rangeguard gc --dry-run
	assert_empty "$output" "what is dead while all live"
	ip netns delete c1
	wait_until 10 eval '[[ -z "$(ip route show 10.9.0.2)" ]]'
	assert_succeeds rangeguard gc --dry-run --network other
	assert_empty "$output" "another network"
	assert_succeeds rangeguard gc --dry-run
	assert_equal "renamed c1 eth0 10.9.0.2 fd09::2" "$output" "what is dead"
	assert_equal 4 "$(leases)" "addresses held after a dry run"
	assert_succeeds rangeguard gc
	assert_equal "renamed c1 eth0 10.9.0.2 fd09::2" "$output" "what was given back"
	assert_equal 2 "$(leases)" "addresses held"
	assert_empty "$(ip address show dev up0 | grep 198.51.100.77 || true)" "the assigned source"
	assert_not_in_firewall 10.9.0.2
	assert_reaches c2 203.0.113.2
	assert_succeeds rangeguard gc
	assert_empty "$output" "a second time"
	assert_fails rangeguard gc --data-dir /nowhere
	assert_fails rangeguard gc --nonsense
}

main "$@"
