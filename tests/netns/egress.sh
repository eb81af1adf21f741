#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The nftables table: which source addresses packets leave with (snat, ipMasq) and may come with (antiSpoof), what the
# table knows of each container, and that it knows it again after somebody flushed it. What packets of all kinds look
# like on the other side, from the first one on, is snat.sh's.

# shellcheck source=tests/calls.sh
source "$(dirname "$0")/../calls.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipMasq": true,
	"ipam": {"type": "rangeguard", "reuseDelay": 0, "ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00:9::/64"}]]},
	"snat": [{"name": "mainframe", "match": {"namespace": "billing", "pod": "api-*"},
		"source": ["192.0.2.10", "2001:db8:ffff::10"], "destinations": ["198.51.100.0/25", "2001:db8:aaaa::/64"]}]}'
# Its containers are pinned
BILLING="CNI_ARGS=K8S_POD_NAMESPACE=billing;K8S_POD_NAME=api-7"
# Source addresses: the pin's, and the uplink's, with which masqueraded packets leave
PIN4=192.0.2.10
PIN6=2001:db8:ffff::10
UPLINK4=198.51.100.1
UPLINK6=2001:db8:aaaa::1
# In the world: within the pin's destinations, and without
MAINFRAME4=198.51.100.10
MAINFRAME6=2001:db8:aaaa::10
OTHER4=198.51.100.254
OTHER6=2001:db8:bbbb::1

# set_up: a host with an uplink, the pin's sources on it; a world with the mainframe that knows the way back to these,
# not to containers, and notes who pings it; containers
set_up()
{
	local name

	uplink
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	ip address add "$PIN4/32" dev lo
	ip address add "$PIN6/128" dev lo nodad
	ip -n world address add "$MAINFRAME4/24" dev eth0
	ip -n world address add "$MAINFRAME6/64" dev eth0 nodad
	ip -n world address add "$OTHER6/128" dev lo nodad
	ip -n world route add "$PIN4" via "$UPLINK4"
	ip -n world -6 route add "$PIN6" via "$UPLINK6"
	watch world
	for name in c1 c2 c3; do
		container "$name"
	done
	# Neighbours of the uplink are resolved with an address of it, not with a pin's
	ping -q -c 1 "$OTHER4" >/dev/null
	ping -q -c 1 -I "$UPLINK6" 2001:db8:aaaa::fe >/dev/null
	ping -q -c 1 "$MAINFRAME4" >/dev/null
	ping -q -c 1 -I "$UPLINK6" "$MAINFRAME6" >/dev/null
	inside world nft flush set inet seen pings4
	inside world nft flush set inet seen pings6
}

# watch NAMESPACE: from now on it notes the source of each echo request
watch()
{
	inside "$1" nft -f - <<-'EOT'
		table inet seen {
			set pings4 { type ipv4_addr; flags dynamic; size 65535; }
			set pings6 { type ipv6_addr; flags dynamic; size 65535; }
			chain input {
				type filter hook input priority 0;
				icmp type echo-request add @pings4 { ip saddr }
				icmpv6 type echo-request add @pings6 { ip6 saddr }
			}
		}
	EOT
}

# seen NAMESPACE: the sources noted, which are forgotten
seen()
{
	local set

	for set in pings4 pings6; do
		inside "$1" nft -j list set inet seen "$set" | jq -r '.nftables[].set.elem // [] | .[]
			| if type == "object" then .elem.val else . end' | sort
		inside "$1" nft flush set inet seen "$set"
	done
}

# assert_source EXPECTED CONTAINER ADDRESS: the container reaches it, and that is the one source it sees
assert_source()
{
	assert_reaches "$2" "$3"
	assert_equal "$1" "$(seen world)" "source of $2's ping to $3"
}

# assert_silent CONTAINER ADDRESS [OPTION…]: the container gets no answer, and the world sees nothing of it
assert_silent()
{
	! inside "$1" ping -n -q -c 2 -i 0.1 -W 0.5 "${@:3}" "$2" >/dev/null 2>&1 || fail "an answer in $1 to a ping to $2"
	assert_empty "$(seen world)" "sources seen of $1's pings to $2"
}

# elements: what the sets and maps of the table hold, "SET ELEMENT" a line, without those of destinations
elements()
{
	{ nft -j list table inet rangeguard 2>/dev/null || echo '{"nftables": []}'; } |
		jq -r '.nftables[] | .set // .map // empty | select(.elem) | .name as $name | .elem[]
			| "\($name | sub("-.*"; "")) \(if type == "array" then .[0] + " " + .[1]
			elif type == "object" then .concat | join(" ") else . end)"' | sort
}

# table_parts: names of the chains, sets and maps of the table
table_parts()
{
	nft -j list table inet rangeguard | jq -r '.nftables[] | .chain // .set // .map // empty | .name' | sort
}

# fence: routes and rules that keep pinned containers from their destinations
fence()
{
	ip route show table 29287 2>/dev/null || true
	ip -6 route show table 29287 2>/dev/null || true
	ip rule show | grep 29287 || true
	ip -6 rule show | grep 29287 || true
}

# name_of CONTAINER: its host end
name_of()
{
	ip -json link show | jq -r --arg alias "rangeguard pods $1 eth0" '.[] | select(.ifalias == $alias) | .ifname'
}

test_sources()
{
	assert_succeeds add c1 "$CONF" "$BILLING"
	assert_succeeds add c2 "$CONF"
	assert_source "$PIN4" c1 "$MAINFRAME4"
	assert_source "$UPLINK4" c1 "$OTHER4"
	assert_source "$UPLINK4" c2 "$MAINFRAME4"
	assert_source "$PIN6" c1 "$MAINFRAME6"
	assert_source "$UPLINK6" c1 "$OTHER6"
	assert_source "$UPLINK6" c2 "$MAINFRAME6"
	# Among themselves, and on the host, they are who they are.
	watch c2
	assert_reaches c1 10.9.0.2 fd00:9::2 "$HOST_IPV4" "$HOST_IPV6"
	assert_equal $'10.9.0.1\nfd00:9::1' "$(seen c2)" "sources that a neighbour sees"
}

test_elements_are_exact()
{
	local before

	before=$(host_state)
	assert_succeeds add c1 "$CONF" "$BILLING"
	assert_succeeds add c2 "$(conf 'del(.ipMasq)')"
	assert_equal "$(sort <<-EOT
		held4 10.9.0.1
		held6 fd00:9::1
		masquerade4 10.9.0.1
		masquerade6 fd00:9::1
		pairs4 10.9.0.1 $PIN4
		pairs6 fd00:9::1 $PIN6
		pin4 10.9.0.1 $PIN4
		pin6 fd00:9::1 $PIN6
		pinned4 10.9.0.1
		pinned6 fd00:9::1
		sent4 10.9.0.1 $PIN4
		sent6 fd00:9::1 $PIN6
		sole4 10.9.0.1 $PIN4
		sole6 fd00:9::1 $PIN6
		translated4 10.9.0.1
		translated6 fd00:9::1
	EOT
	)" "$(elements)" "elements"
	assert_equal 4 "$(fence | wc -l)" "the fence: $(fence)"
	assert_quiet del c1 "$CONF"
	assert_empty "$(elements)" "elements of c2, which is only guarded"
	assert_empty "$(table_parts | grep -- '-[0-9a-f]\{16\}$' || true)" "lists that nobody needs"
	assert_empty "$(fence)" "the fence that nobody needs"
	assert_quiet del c2 "$CONF"
	assert_empty "$(elements)" "elements in the end"
	diff <(echo "$before") <(host_state) || fail "the host differs"
}

# Without pins and masquerading nothing has the kernel track connections, or translate any.
test_no_tracking_for_antispoof()
{
	assert_succeeds add c1 "$(conf 'del(.snat, .ipMasq)')"
	assert_reaches c1 "$HOST_IPV4"
	assert_equal 0 "$(</proc/sys/net/netfilter/nf_conntrack_count)" "connections tracked"
	assert_empty "$(nft list ruleset | grep -E 'type nat|ct state' || true)" "chains that need them"
	assert_succeeds add c2 "$CONF" "$BILLING"
	assert_source "$PIN4" c2 "$MAINFRAME4"
}

# The first match per destination wins; what an entry leaves goes to the next one.
test_first_match_wins()
{
	local pins='[{"name": "a", "source": ["192.0.2.10"], "destinations": ["198.51.100.10"]},
		{"name": "b", "source": ["192.0.2.11"], "destinations": ["198.51.100.0/24"]},
		{"name": "never", "match": {"pod": "web-*"}, "source": ["192.0.2.12"], "destinations": ["198.51.100.254"]}]'

	ip address add 192.0.2.11/32 dev lo
	ip address add 192.0.2.12/32 dev lo
	ip -n world route add 192.0.2.11 via "$UPLINK4"
	assert_succeeds add c1 "$(conf ".snat = $pins")" "$BILLING"
	assert_source "$PIN4" c1 "$MAINFRAME4"
	assert_source 192.0.2.11 c1 "$OTHER4"
	assert_json "$("$RANGEGUARD" list --format json)" '[.leases[].snat] == [["a", "b"], ["a", "b"]]' "pins in list"
	assert_contains "$("$RANGEGUARD" list)" "a b" "pins in list"
	# The other way round in another network: each container has its own.
	assert_succeeds add c2 "$(conf ".snat = ($pins | reverse) | .name = \"others\"")" "$BILLING"
	assert_source 192.0.2.11 c2 "$MAINFRAME4"
	assert_source "$PIN4" c1 "$MAINFRAME4"
	# Two sources: which one a packet must have, its destination says.
	assert_equal "sole4 10.9.0.2 192.0.2.11" "$(elements | grep ^sole)" "who has one source for all of its destinations"
}

# Everything but the network's own ranges, and what no router passes on
test_default_destinations()
{
	assert_succeeds add c1 "$(conf 'del(.snat[0].destinations)')" "$BILLING"
	assert_succeeds add c2 "$CONF"
	assert_source "$PIN4" c1 "$OTHER4"
	assert_source "$PIN6" c1 "$OTHER6"
	watch c2
	assert_reaches c1 10.9.0.2 fd00:9::2
	assert_equal $'10.9.0.1\nfd00:9::1' "$(seen c2)" "sources that a neighbour sees"
	assert_quiet del c1 "$CONF"
	assert_empty "$(fence)" "the fence that nobody needs"
}

test_foreign_sources_are_dropped()
{
	assert_succeeds add c1 "$CONF" "$BILLING"
	assert_succeeds add c2 "$CONF"
	inside c2 ip address add 10.9.0.77/32 dev eth0
	inside c2 ip address add fd00:9::77/128 dev eth0 nodad
	assert_silent c2 "$OTHER4" -I 10.9.0.77
	assert_silent c2 "$OTHER6" -I fd00:9::77
	# Another's address yields neither its connections nor its pin.
	inside c2 ip address add 10.9.0.1/32 dev eth0
	inside c2 ip address add fd00:9::1/128 dev eth0 nodad
	assert_silent c2 "$MAINFRAME4" -I 10.9.0.1
	assert_silent c2 "$MAINFRAME6" -I fd00:9::1
	assert_silent c2 "$OTHER4" -I 10.9.0.1
	assert_source "$UPLINK4" c2 "$OTHER4"
	assert_source "$PIN4" c1 "$MAINFRAME4"
	# They would be let through otherwise.
	assert_quiet del c2 "$CONF"
	assert_succeeds add c2 "$(conf '.antiSpoof = false')"
	inside c2 ip address add 10.9.0.77/32 dev eth0
	ip -n world route add 10.9.0.0/24 via "$UPLINK4"
	inside c2 ping -n -q -c 1 -W "$(briefly)" -I 10.9.0.77 "$OTHER4" >/dev/null || true
	assert_equal 10.9.0.77 "$(seen world)" "a foreign source without antiSpoof"
	# But never as somebody who is pinned.
	inside c2 ip address add 10.9.0.1/32 dev eth0
	inside c2 ping -n -q -c 1 -W "$(briefly)" -I 10.9.0.1 "$MAINFRAME4" >/dev/null || true
	assert_equal "$UPLINK4" "$(seen world)" "a borrowed address without antiSpoof"
}

# assert_restored WHAT: the pins work again, and the elements are the same as in the file "expected"
assert_restored()
{
	assert_equal "$(<expected)" "$(elements)" "$1: elements"
	assert_source "$PIN4" c1 "$MAINFRAME4"
	assert_source "$PIN6" c1 "$MAINFRAME6"
	assert_source "$UPLINK4" c2 "$MAINFRAME4"
}

# assert_fenced WHAT: no packet of the pinned container gets to where it is pinned
assert_fenced()
{
	assert_silent c1 "$MAINFRAME4"
	assert_silent c1 "$MAINFRAME6"
}

test_flushed_rulesets_are_restored()
{
	local result how

	assert_succeeds add c1 "$CONF" "$BILLING"
	result=$output
	assert_succeeds add c2 "$CONF"
	elements >expected
	for how in "flush ruleset" "delete table inet rangeguard" "flush table inet rangeguard"; do
		# shellcheck disable=SC2086
		nft $how
		# Without its rules, but with its sets, the table is as good as gone
		assert_fenced "$how"
		assert_succeeds add c3 "$CONF"
		assert_quiet del c3 "$CONF"
		assert_restored "ADD after $how"
		# shellcheck disable=SC2086
		nft $how
		assert_fenced "$how"
		assert_succeeds check c1 "$CONF" "$result" "$BILLING"
		assert_restored "CHECK after $how"
		# shellcheck disable=SC2086
		nft $how
		assert_quiet del c2 "$CONF"
		assert_fenced "$how"
		assert_succeeds add c2 "$CONF" CNI_ARGS="IP=10.9.0.2,fd00:9::2"
		assert_restored "DEL and ADD after $how"
	done
}

# What CHECK misses it puts back.
test_check_restores_elements()
{
	local result element pin before

	assert_succeeds add c1 "$CONF" "$BILLING"
	result=$output
	before=$(elements)
	pin=$(table_parts | grep -m 1 ^pin4-)
	for element in "pinned4 { 10.9.0.1 }" "translated6 { fd00:9::1 }" "pairs4 { 10.9.0.1 . $PIN4 }" "$pin { 10.9.0.1 }"; do
		nft "delete element inet rangeguard $element"
		assert_succeeds check c1 "$CONF" "$result" "$BILLING"
		assert_equal "$before" "$(elements)" "elements after CHECK"
	done
	# Another's source is none of this container
	nft delete element inet rangeguard "$pin" '{ 10.9.0.1 }'
	nft add element inet rangeguard "$pin" '{ 10.9.0.1 : 192.0.2.99 }'
	assert_succeeds check c1 "$CONF" "$result" "$BILLING"
	assert_equal "$before" "$(elements)" "elements after CHECK"
}

# A crash, a DEL that nobody called: what an earlier holder of the address left is gone before the next one is up.
test_leftovers_of_earlier_holders()
{
	local list

	assert_succeeds add c1 "$CONF" "$BILLING"
	list=$(table_parts | grep -m 1 ^pin4-)
	for set in translated4 pinned4; do
		nft add element inet rangeguard "$set" '{ 10.9.0.2, 10.9.0.3 }'
	done
	nft add element inet rangeguard "$list" "{ 10.9.0.2 : $PIN4, 10.9.0.3 : 192.0.2.77 }"
	assert_succeeds add c2 "$(conf 'del(.ipMasq)')"
	inside c2 ping -n -q -c 1 -W "$(briefly)" "$MAINFRAME4" >/dev/null || true
	assert_equal 10.9.0.2 "$(seen world)" "source of c2, which the world can't answer"
	assert_succeeds add c3 "$CONF" "$BILLING"
	assert_source "$PIN4" c3 "$MAINFRAME4"
	assert_source "$PIN4" c1 "$MAINFRAME4"
}

# What was made with one configuration is removed with another, or none of it.
test_changed_configuration()
{
	local before

	ip address add 192.0.2.11/32 dev lo
	ip -n world route add 192.0.2.11 via "$UPLINK4"
	before=$(host_state)
	assert_succeeds add c1 "$CONF" "$BILLING"
	assert_succeeds add c2 "$(conf '.snat[0].source = ["192.0.2.11"] | .snat[0].destinations = ["198.51.100.0/26"]')" "$BILLING"
	assert_source "$PIN4" c1 "$MAINFRAME4"
	assert_source 192.0.2.11 c2 "$MAINFRAME4"
	assert_quiet del c1 "$(conf 'del(.snat, .ipMasq)')"
	assert_source 192.0.2.11 c2 "$MAINFRAME4"
	assert_quiet del c2 '{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "snat": 7, "ipam": {}}'
	assert_empty "$(elements; fence)" "what is left"
	diff <(echo "$before") <(host_state) || fail "the host differs"
}

test_sources_that_cannot_be_used()
{
	local conf

	host_state >before
	assert_refuses 103 '192\.0\.2\.99.*mainframe.*not an address of this host' \
		add c1 "$(conf '.snat[0].source = ["192.0.2.99"] | .snat[0].destinations = ["198.51.100.0/25"]')" "$BILLING"
	assert_unchanged "no source"
	assert_empty "$(elements; fence)" "no source: what is left"
	conf=$(conf '.guard.reserved = [{"cidr": "192.0.2.0/28", "owner": "mainframe-team"}]')
	assert_refuses 100 '192\.0\.2\.10.*192\.0\.2\.0/28.*mainframe-team' add c1 "$conf" "$BILLING"
	assert_unchanged "reserved source"
	# Those whom no entry is for need no source
	assert_succeeds add c1 "$(conf '.snat[0].source = ["192.0.2.99"] | .snat[0].destinations = ["198.51.100.0/25"]')"
}

test_assigned_sources()
{
	local conf

	ip address del "$PIN4/32" dev lo
	ip address del "$PIN6/128" dev lo
	conf=$(conf '.snat[0].assign = "up0"')
	assert_succeeds add c1 "$conf" "$BILLING"
	assert_contains "$(ip -o address show up0)" "$PIN4/32" "the source on its interface"
	assert_contains "$(ip -o address show up0)" "$PIN6/128" "the source on its interface"
	assert_source "$PIN4" c1 "$MAINFRAME4"
	assert_source "$PIN6" c1 "$MAINFRAME6"
	assert_succeeds add c2 "$(conf '.snat[0].assign = "up0" | .name = "others" | .snat[0].name = "another"
		| .ipam.ranges = [[{"subnet": "10.10.0.0/24"}]]')" "$BILLING"
	assert_quiet del c1 "$conf"
	assert_source "$PIN4" c2 "$MAINFRAME4"
	assert_quiet del c2 "$(jq -c '.name = "others"' <<<"$conf")"
	assert_empty "$(ip -o address show up0 | grep -E "$PIN4|$PIN6" || true)" "the source in the end"
	# One that the administrator put there stays.
	ip address add "$PIN4/32" dev up0
	ip address add "$PIN6/128" dev up0 nodad
	assert_succeeds add c1 "$conf" "$BILLING"
	assert_succeeds del c1 "$conf"
	assert_contains "$output" "$PIN4 stays on up0" "what DEL says"
	assert_contains "$(ip -o address show up0)" "$PIN4/32" "the administrator's address"
	assert_refuses 103 'nowhere0' add c1 "$(conf '.snat[0].assign = "nowhere0" | .snat[0].source = ["192.0.2.55"]
		| .snat[0].destinations = ["198.51.100.10"]')" "$BILLING"
	assert_empty "$(elements; fence)" "what is left"
}

# has_host_ends NUMBER
has_host_ends()
{
	(($(host_end | wc -l) == $1))
}

test_gc_and_reclaim()
{
	assert_succeeds add c1 "$CONF" "$BILLING"
	assert_succeeds add c2 "$CONF"
	ip netns del c1
	# A namespace goes in the kernel's own time, and the host end with it.
	wait_until 5 has_host_ends 1
	assert_quiet cni GC c0 "" eth0 "$(conf '."cni.dev/valid-attachments" = [{"containerID": "c2", "ifname": "eth0"}]')"
	assert_empty "$(elements | grep -E '10\.9\.0\.1|fd00:9::1$' || true)" "what GC left of c1"
	assert_empty "$(fence)" "the fence"
	assert_quiet del c2 "$CONF"
	# A pool of one address, whose holder is gone
	container c1
	assert_succeeds add c1 "$(conf '.ipam.ranges = [[{"subnet": "10.9.0.8/32"}]]')" "$BILLING"
	ip netns del c1
	wait_until 5 has_host_ends 0
	assert_succeeds add c2 "$(conf 'del(.ipMasq) | .ipam.ranges = [[{"subnet": "10.9.0.8/32"}]]')"
	assert_empty "$(elements)" "elements after reclaiming"
	assert_empty "$(fence)" "the fence"
}

# From nothing, all at once: one table, nobody lost, nobody kept waiting in vain.
test_fifty_at_once()
{
	local -i i
	local -a jobs=()

	for ((i = 0; i < 50; i++)); do
		container "m$i"
	done
	for ((i = 0; i < 50; i++)); do
		answer_in "out$i" add "m$i" "$CONF" "$BILLING" 2>/dev/null &
		jobs+=($!)
	done
	for ((i = 0; i < 50; i++)); do
		wait "${jobs[i]}" || fail "m$i: $(<"out$i")"
	done
	assert_equal 50 "$(elements | grep -c "^pin4 .* $PIN4")" "pinned"
	assert_equal 50 "$(elements | grep -c "^sent6 .* $PIN6")" "checked"
	for i in 0 24 49; do
		assert_source "$PIN4" "m$i" "$MAINFRAME4"
	done
	for ((i = 0; i < 50; i++)); do
		answer_in "out$i" del "m$i" "$CONF" 2>/dev/null &
		jobs[i]=$!
	done
	for ((i = 0; i < 50; i++)); do
		wait "${jobs[i]}" || fail "m$i: $(<"out$i")"
	done
	assert_empty "$(elements; fence)" "what is left"
	assert_empty "$(table_parts | grep -- '-[0-9a-f]\{16\}$' || true)" "lists that nobody needs"
}

# Each pod its own source: one chain for all of them, since they go to the same place.
test_many_pins()
{
	local -i i
	local pins

	pins=$(jq -cn '[range(1; 201) | {name: "pin-\(.)", match: {pod: "pod-\(.)"}, source: ["203.0.113.\(.)"],
		destinations: ["198.51.100.0/25"]}]')
	for ((i = 1; i <= 20; i++)); do
		container "m$i"
		ip address add "203.0.113.$i/32" dev lo
		assert_succeeds add "m$i" "$(conf ".snat = $pins")" "CNI_ARGS=K8S_POD_NAMESPACE=x;K8S_POD_NAME=pod-$i"
	done
	assert_equal 1 "$(table_parts | grep ^pin4- | sort -u | wc -l)" "chains of pins"
	ip -n world route add 203.0.113.0/24 via "$UPLINK4"
	for i in 1 7 20; do
		assert_source "203.0.113.$i" "m$i" "$MAINFRAME4"
	done
}

# The ruleset of ten thousand addresses is half a megabyte, and still one transaction. Others' addresses are quicker made
# than containers.
test_large_tables_are_restored()
{
	local -i i
	local conf

	conf=$(conf 'del(.ipam, .snat) | .name = "others"')
	for ((i = 0; i < 300; i++)); do
		cni ADD "m$i" /run/netns/c2 eth0 "$(jq -c --argjson i "$i" '.prevResult = {cniVersion: "1.1.0", interfaces: [{name: "eth0",
			sandbox: "/x"}], ips: [range(32) | ($i * 32 + .) as $n
				| {address: "10.64.\($n / 256 | floor).\($n % 256)/32", interface: 0}]}' <<<"$conf")" >added ||
			fail "m$i: $(<added)"
	done
	assert_equal 9600 "$(elements | grep -c '^masquerade4 ')" "elements"
	nft flush ruleset
	assert_succeeds add c1 "$CONF" "$BILLING"
	assert_equal 9601 "$(elements | grep -c '^masquerade4 ')" "elements after a flush"
	assert_equal 9601 "$(elements | grep -c '^translated4 ')" "elements after a flush"
	assert_source "$PIN4" c1 "$MAINFRAME4"
}

# behind_reference PLUGIN: a list of a reference plugin, with our IPAM, and the pins behind it
behind_reference()
{
	jq -c --arg plugin "$1" '. as $conf | {cniVersion: "1.0.0", name, plugins: [
		({type: $plugin, ipam} + (if $plugin == "bridge" then {bridge: "cni0", isGateway: true} else {} end)
			| .ipam.routes = [{dst: "0.0.0.0/0"}] | .ipam.ranges |= .[:1]),
		($conf | {type, snat, ipMasq})]}' <<<"$CONF"
}

test_chained()
{
	local plugin list

	install_plugins ptp bridge
	for plugin in ptp bridge; do
		list=$(behind_reference "$plugin")
		assert_succeeds chain_pinned ADD c1 "$list"
		assert_source "$PIN4" c1 "$MAINFRAME4"
		assert_source "$UPLINK4" c1 "$OTHER4"
		assert_succeeds chain_pinned CHECK c1 "$list"
		nft flush ruleset
		assert_silent c1 "$MAINFRAME4"
		assert_succeeds chain_pinned CHECK c1 "$list"
		assert_source "$PIN4" c1 "$MAINFRAME4"
		nft delete element inet rangeguard pinned4 "{ $(elements | sed -n 's/^pinned4 //p') }"
		assert_succeeds chain_pinned CHECK c1 "$list"
		assert_contains "$(elements)" "pinned4 " "CHECK puts an element back"
		assert_succeeds chain_pinned DEL c1 "$list"
		assert_empty "$(elements; fence)" "behind $plugin: what is left"
		assert_equal 0 "$(leases)" "behind $plugin: leases"
	done
}

# chain_pinned VERB NAME LIST: chain() with the pod's name in CNI_ARGS, which cni() would not pass on
chain_pinned()
{
	(
		cni()
		{
			CNI_COMMAND="$1" CNI_CONTAINERID="$2" CNI_NETNS="$3" CNI_IFNAME="$4" \
				CNI_PATH="$CNI_BIN:$REFERENCE_PLUGINS" CNI_ARGS="IgnoreUnknown=1;${BILLING#*=}" "$PLUGIN" <<<"$5"
		}
		chain "$@"
	)
}

# Twice in one list: the first masquerades, the second one pins.
test_chained_behind_itself()
{
	local list before

	install_plugins
	before=$(host_state)
	list=$(jq -c '. as $conf | {cniVersion: "1.0.0", name, plugins: [($conf | del(.snat, .name, .cniVersion)),
		($conf | {type, snat})]}' <<<"$CONF")
	assert_succeeds chain_pinned ADD c1 "$list"
	assert_source "$PIN4" c1 "$MAINFRAME4"
	assert_source "$UPLINK4" c1 "$OTHER4"
	assert_succeeds chain_pinned CHECK c1 "$list"
	nft flush ruleset
	assert_succeeds chain_pinned CHECK c1 "$list"
	assert_source "$PIN4" c1 "$MAINFRAME4"
	assert_source "$UPLINK4" c1 "$OTHER4"
	# The second one's DEL takes nothing of the first one's, but nothing leaves any more
	assert_quiet cni DEL c1 "$(netns_path c1)" eth0 "$(jq -c '{cniVersion, name} + .plugins[1]' <<<"$list")"
	assert_silent c1 "$MAINFRAME4"
	assert_contains "$(elements)" "masquerade4 " "elements of the first one"
	assert_succeeds chain_pinned DEL c1 "$list"
	assert_empty "$(elements; fence)" "what is left"
	diff <(echo "$before") <(host_state) || fail "the host differs"
}

test_a_pin_needs_a_veth_pair()
{
	local conf

	conf=$(conf 'del(.ipam) | .prevResult = {cniVersion: "1.1.0", interfaces: [{name: "eth0", sandbox: "/run/netns/c1"}],
		ips: [{address: "10.9.0.9/24", interface: 0}]}')
	assert_refuses 103 'mainframe.*veth' add c1 "$conf" "$BILLING"
	assert_empty "$(elements; fence)" "what is left"
	assert_equal 0 "$(leases)" "leases"
	# Masquerading needs none.
	assert_succeeds add c1 "$(jq -c 'del(.snat)' <<<"$conf")" "$BILLING"
	assert_equal $'masquerade4 10.9.0.9\ntranslated4 10.9.0.9' "$(elements)" "elements"
	assert_quiet cni GC c0 "" eth0 "$(jq -c 'del(.prevResult) | ."cni.dev/valid-attachments" = [{"containerID": "c1",
		"ifname": "eth0"}]' <<<"$conf")"
	assert_equal $'masquerade4 10.9.0.9\ntranslated4 10.9.0.9' "$(elements)" "elements after a GC that knows it"
	ip netns del c1
	assert_quiet cni GC c0 "" eth0 "$(jq -c 'del(.prevResult) | ."cni.dev/valid-attachments" = []' <<<"$conf")"
	assert_empty "$(elements)" "what GC leaves"
}

# In the chained role the namespace is only looked at, to know later whether the container is still there.
test_chained_that_can_not_look_at_the_namespace_fails()
{
	local conf

	conf=$(conf 'del(.ipam, .snat) | .prevResult = {cniVersion: "1.1.0", interfaces: [{name: "eth0", sandbox: "/run/netns/c1"}],
		ips: [{address: "10.9.0.9/24", interface: 0}]}')
	cat >failing <<-'EOF'
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -o /dev/null -P "$CNI_NETNS" -e trace=openat -e inject=openat:error=EMFILE "$RANGEGUARD"
	EOF
	chmod +x failing
	PLUGIN=$PWD/failing assert_refuses 8 'CNI_NETNS .*Too many open files' add c1 "$conf"
	assert_equal 0 "$(leases)" "leases"
	assert_empty "$(elements)" "elements"
}

# without_nftables COMMAND…: as in a kernel that has none: the socket is refused
without_nftables()
{
	cat >traced <<-'EOT'
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -f -o /dev/null -e trace=socket -e inject=socket:error=EPROTONOSUPPORT:when=$WHEN "$RANGEGUARD"
	EOT
	chmod +x traced
	PLUGIN=./traced "$@"
}

# first_nfnetlink COMMAND…: which of the sockets that the plugin opens is the first on nfnetlink, one among others
first_nfnetlink()
{
	cat >traced <<-'EOT'
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -f -o calls -e trace=socket "$RANGEGUARD"
	EOT
	chmod +x traced
	PLUGIN=./traced "$@" >/dev/null 2>&1
	grep -n -m 1 NETLINK_NETFILTER calls | cut -d : -f 1
}

test_without_nftables()
{
	local status pinned masqueraded

	status=$(conf 'del(.snat)')
	WHEN=1 assert_refuses 50 'nfnetlink' without_nftables cni STATUS "" "" "" "$status"
	assert_quiet cni STATUS "" "" "" "$status"
	WHEN=2+ assert_quiet without_nftables cni STATUS "" "" "" "$(conf 'del(.snat, .ipMasq) | .antiSpoof = false')"
	# The first ADD of a host looks into each namespace, by a socket of its own.
	assert_succeeds add c1 "$CONF" "$BILLING"
	del c1 "$CONF" "$BILLING"
	pinned=$(first_nfnetlink add c1 "$CONF" "$BILLING")
	del c1 "$CONF" "$BILLING"
	masqueraded=$(first_nfnetlink add c1 "$CONF")
	del c1 "$CONF"
	host_state >before
	WHEN=$pinned+ assert_refuses 103 'nfnetlink' without_nftables add c1 "$CONF" "$BILLING"
	assert_unchanged "pinned"
	WHEN=$masqueraded+ assert_refuses 107 'nfnetlink' without_nftables add c1 "$CONF"
	assert_unchanged "masqueraded"
	# Nothing can have been armed: a DEL must not fail on it.
	assert_succeeds add c1 "$CONF"
	WHEN=2+ assert_quiet without_nftables del c1 "$CONF"
}

# The store is lost while containers run: their pins stay, and go with them.
test_lost_store()
{
	assert_succeeds add c1 "$CONF" "$BILLING"
	rm -rf /run/rangeguard
	assert_succeeds add c2 "$CONF" "$BILLING"
	assert_source "$PIN4" c1 "$MAINFRAME4"
	assert_quiet del c2 "$CONF"
	assert_source "$PIN4" c1 "$MAINFRAME4"
	assert_quiet del c1 "$CONF"
	assert_empty "$(elements)" "elements left"
	assert_succeeds add c1 "$CONF" "$BILLING"
	rm -rf /run/rangeguard
	assert_quiet del c1 "$CONF"
	assert_empty "$(elements)" "elements left by a DEL without a store"
}

main "$@"
