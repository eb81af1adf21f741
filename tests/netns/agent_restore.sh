#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The agent puts back what somebody takes out of the kernel, with no call of the plugin in between: proved at the legacy
# service, which sees the pin's source again.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"
AGENT=$(dirname "$RANGEGUARD")/rangeguard-agent
ASSIGNED=$(jq -c '.snat[0].source = ["192.0.2.30", "2001:db8:f::30"] | .snat[0].assign = "up0"' <<<"$CONF")

PLAIN='{"cniVersion": "1.0.0", "name": "plain", "type": "rangeguard", "antiSpoof": false,
	"ipam": {"type": "rangeguard", "ranges": [[{"subnet": "10.77.0.0/29", "rangeStart": "10.77.0.2"}]]}}'

start_agent()
{
	"$AGENT" --listen 127.0.0.1:9582 >agent.log 2>&1 &
	wait_until 5 curl -sf http://127.0.0.1:9582/metrics
}

# metric NAME: its value
metric()
{
	curl -s http://127.0.0.1:9582/metrics | sed -n "s/^$1 //p"
}

# restored N: the agent has put something back at least N times
restored()
{
	(($(metric rangeguard_agent_restored_total) >= $1))
}

# idle: the agent has not looked for a moment, so it has most likely done what it will do: for what must not happen
idle()
{
	local looks

	looks=$(metric rangeguard_agent_looks_total)
	sleep 0.5
	[[ "$(metric rangeguard_agent_looks_total)" == "$looks" ]]
}

# protection: what the kernel has of the plugin's, and what audit says of it, as words in an order of their own. How the
# classifier is attached is left to audit: behind a qdisc that was taken away it comes back without one.
protection()
{
	{
		nft -s list ruleset
		ip rule show
		ip -6 rule show
		ip route show table 29287
		ip -6 route show table 29287
		ip route show proto 82
		ip -6 route show proto 82
		"$RANGEGUARD" audit || true
	} 2>&1 | tr -s ' \t,' '\n' | sort
}

# is_protected_as FILE: it is what it was
is_protected_as()
{
	protection | cmp -s "$1" -
}

# are_pinned NAME…: they reach the legacy service. It has seen all kinds of packets since it forgot, and none without the
# pin's source: that ends the test
are_pinned()
{
	local name address seen status=0

	for name in "$@"; do
		for address in 198.51.100.2 2001:db8:1::2; do
			inside "$name" ping -n -q -c 1 -W "$(briefly)" "$address" >/dev/null || status=1
		done
		knock "$name"
	done
	seen=$(sources legacy)
	assert_empty "$(grep -vxF "$PINNED_ALL" <<<"$seen")" "sources at the legacy service"
	((status == 0)) && [[ "$seen" == "$PINNED_ALL" ]]
}

# put_back COMMAND…: what this takes away comes back by itself, after a while in which no packet gets through without the
# pin's source
put_back()
{
	local before

	protection >before
	before=$(metric rangeguard_agent_restored_total)
	forget_sources
	"$@"
	wait_until 10 restored $((before + 1))
	wait_until 10 is_protected_as before
	wait_until 10 are_pinned c1 c2
}

flush_chains()
{
	nft -j list chains | jq -r '.nftables[].chain // empty | select(.table == "rangeguard") | .name' |
		while read -r chain; do nft flush chain inet rangeguard "$chain"; done
}

# delete_element: one that the table has for c1
delete_element()
{
	local set

	set=$(nft -j list ruleset | jq -r '[.nftables[].set // .nftables[].map // empty
		| select(.table == "rangeguard" and (.elem | tostring | contains("10.9.0.2")))][0].name')
	nft -j list ruleset | jq --arg set "$set" '{nftables: [{delete: {element: {family: "inet", table: "rangeguard", name: $set,
		elem: [.nftables[] | (.set // .map // empty) | select(.name == $set) | .elem[] | select(tostring | contains("10.9.0.2"))]}}}]}' |
		nft -j -f -
}

test_what_goes_comes_back()
{
	local mended

	start_agent
	add c1 "$CONF" "$BILLING" >/dev/null
	add c2 "$CONF" "$BILLING" >/dev/null
	wait_until 10 are_pinned c1 c2
	put_back nft flush ruleset
	put_back nft delete table inet rangeguard
	put_back flush_chains
	put_back delete_element
	put_back ip rule del table 29287
	put_back ip -6 rule del table 29287
	put_back ip route flush table 29287
	put_back nft delete table inet rangeguard-backstop
	put_back nft insert rule inet rangeguard leaving accept
	put_back nft chain inet rangeguard check "{ policy drop; }"
	put_back tc qdisc del dev "$(ip -o link show | sed -n 's/^[0-9]*: \(rg[^@:]*\).*/\1/p' | head -n 1)" clsact
	mended=$(jq -s '[.[] | select(.event == "mended")]' /var/log/rangeguard/history.jsonl)
	assert_json "$mended" 'any(.[]; .message | contains("nftables table")) and
		any(.[]; .container != null and (.source | contains(["192.0.2.10"])))' "history"
	assert_contains "$(<agent.log)" "somebody took out of the kernel what protects" "journal"
	assert_contains "$(<agent.log)" "somebody removed a routing rule, route, address or table" "journal"
	del c1 "$CONF" "$BILLING"
	del c2 "$CONF" "$BILLING"
	wait_until 10 idle
	assert_clean
}

# host_end: c1's
host_end()
{
	ip -json route show 10.9.0.2 | jq -r '.[0].dev'
}

down_and_up()
{
	ip link set "$1" down
	ip link set "$1" up
}

# Without the host's routes nothing reaches a container, protected or not.
test_routes_to_containers_come_back()
{
	local mended address

	start_agent
	add c1 "$CONF" "$BILLING" >result
	add c2 "$CONF" "$BILLING" >/dev/null
	address=$(jq -r '.ips[].address | select(contains(":")) | split("/")[0]' result)
	wait_until 10 are_pinned c1 c2
	put_back ip route del 10.9.0.2
	put_back ip -6 route del "$address"
	put_back ip route flush proto 82
	put_back down_and_up "$(host_end)"
	container c4
	add c4 "$PLAIN" >/dev/null
	put_back ip route del 10.77.0.2
	put_back ip route del unreachable 10.77.0.4/31
	del c4 "$PLAIN"
	mended=$(jq -s '[.[] | select(.event == "mended")]' /var/log/rangeguard/history.jsonl)
	assert_json "$mended" 'any(.[]; .container == "c1" and (.message | contains("route to it")))' "history"
	# What somebody else has put there is his.
	ip route replace 10.9.0.2 dev up0
	wait_until 10 idle
	assert_equal up0 "$(host_end)" "somebody else's route"
	del c1 "$CONF" "$BILLING"
	del c2 "$CONF" "$BILLING"
	ip route del 10.9.0.2 dev up0
	wait_until 10 idle
	assert_clean
}

test_an_assigned_address_comes_back()
{
	start_agent
	add c1 "$ASSIGNED" "$BILLING" >/dev/null
	wait_until 10 idle
	ip address del 192.0.2.30/32 dev up0
	wait_until 10 sh -c 'ip address show dev up0 | grep -q 192.0.2.30/32'
	ip -6 address del 2001:db8:f::30/128 dev up0
	wait_until 10 sh -c 'ip address show dev up0 | grep -q 2001:db8:f::30/128'
	del c1 "$ASSIGNED" "$BILLING"
	wait_until 10 idle
	assert_clean
}

test_what_went_while_there_was_no_agent()
{
	add c1 "$CONF" "$BILLING" >/dev/null
	add c2 "$CONF" "$BILLING" >/dev/null
	nft flush ruleset
	start_agent
	wait_until 10 restored 1
	wait_until 10 are_pinned c1 c2
}

test_ordinary_work_is_nothing_to_put_back()
{
	local i

	start_agent
	for i in 1 2 3 4 5; do
		add c1 "$CONF" "$BILLING" >/dev/null
		add c2 "$CONF" "$BILLING" >/dev/null
		del c1 "$CONF" "$BILLING"
		del c2 "$CONF" "$BILLING"
	done
	wait_until 10 idle
	assert_equal 0 "$(metric rangeguard_agent_restored_total)" "restored"
	assert_clean
}

test_restore_can_be_turned_off()
{
	mkdir -p /etc/rangeguard
	echo '{"restore": false}' >/etc/rangeguard/agent.json
	start_agent
	add c1 "$CONF" "$BILLING" >/dev/null
	nft flush ruleset
	wait_until 5 idle
	assert_empty "$(nft list tables)" "tables"
}

main "$@"
