#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Stable source addresses, shown by packets: a legacy service and a second network write down each source that they see,
# from the first packet on, while containers come and go; also behind reference plugins and beside other people's tables.
# What happens when somebody flushes the ruleset: snat_fence.sh.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

test_pinned_and_others()
{
	assert_succeeds add c1 "$CONF" "$BILLING"
	assert_succeeds add c2 "$CONF"
	assert_succeeds add c3 "$CONF" "CNI_ARGS=K8S_POD_NAMESPACE=billing;K8S_POD_NAME=web-1"
	talk c1
	assert_equal "$PINNED_ALL" "$(sources legacy)" "c1 at the legacy service"
	assert_equal "$MASQUERADED_ALL" "$(sources second)" "c1 at the second network"
	forget_sources
	talk c2
	talk c3
	assert_equal "$MASQUERADED_ALL_LEGACY" "$(sources legacy)" "c2 and c3, which no pin matches, at the legacy service"
	# Inside their own network, and to the host, they keep their addresses.
	assert_reaches c1 10.9.0.3 fd09::3 "$HOST_IPV4"
	inside c2 nft -f - <<<"$LOGGER"
	assert_reaches c1 10.9.0.3
	assert_equal "10.9.0.2 icmp" "$(sources c2)" "c1 at c2"
}

# The container's processes send from before its interface exists until after it is gone.
test_from_the_first_packet_on()
{
	local name

	for round in 1 2 3; do
		for name in c1 c2 c3; do
			load "$name" &
		done
		for name in c1 c2 c3; do
			add "$name" "$CONF" "$BILLING" >/dev/null || fail "ADD of $name"
		done
		wait_until 10 sent "$((round * 3))"
		for name in c1 c2 c3; do
			del "$name" "$CONF" "$BILLING"
		done
		touch stop
		wait
		rm stop
	done
	assert_equal "$PINNED_ALL" "$(sources legacy)" "sources at the legacy service"
	assert_clean
}

# Ten containers, pinned and not, come and go at the same time, and each sends as long as it lives.
test_under_churn()
{
	local i

	for i in $(seq 10); do
		container "p$i"
		churn "p$i" "$BILLING" &
	done
	wait
	assert_empty "$(find . -name 'failed-*' -exec cat {} +)" "failures"
	assert_equal "$PINNED_ALL" "$(sources legacy)" "sources at the legacy service"
	assert_clean
}

# churn NAME ENVIRONMENT: a life of a container, three times
churn()
{
	local name=$1

	for _ in 1 2 3; do
		answer_in "result-$name" add "$name" "$CONF" "$2" 2>/dev/null || cp "result-$name" "failed-add-$name"
		talk "$name" || echo "$name does not reach" >"failed-talk-$name"
		answer_in "result-$name" del "$name" "$CONF" "$2" 2>/dev/null || cp "result-$name" "failed-del-$name"
	done
}

# First match per destination: an entry for one address before one for its network, before one for everything
test_first_match_per_destination()
{
	local conf

	ip address add 192.0.2.11/32 dev lo
	ip address add 192.0.2.12/32 dev lo
	for source in 192.0.2.11 192.0.2.12; do
		ip -n legacy route add "$source" via 198.51.100.1
		ip -n second route add "$source" via 203.0.113.1
	done
	ip -n legacy address add 198.51.100.3/24 dev eth0
	conf=$(jq -c '.snat = [{name: "one", source: ["192.0.2.11"], destinations: ["198.51.100.3"]},
		{name: "net", source: ["192.0.2.10"], destinations: ["198.51.100.0/24"]},
		{name: "all", source: ["192.0.2.12"]}]' <<<"$CONF")
	assert_succeeds add c1 "$conf"
	assert_json "$("$RANGEGUARD" list --format json)" '[.. | objects | select(has("snat")) | .snat] |
		tostring | contains("one") and contains("net") and contains("all")' "pins in the list"
	assert_reaches c1 198.51.100.3
	assert_equal "192.0.2.11 icmp" "$(sources legacy)" "the more special entry, which stands before"
	forget_sources
	assert_reaches c1 198.51.100.2 203.0.113.2
	assert_equal "192.0.2.10 icmp" "$(sources legacy)" "the network's entry"
	assert_equal "192.0.2.12 icmp" "$(sources second)" "the entry for all others"
}

# --- What can't be pinned is no container ---

test_source_that_is_not_on_the_host()
{
	local conf

	conf=$(jq -c '.snat[0].source = ["192.0.2.99"] | .snat[0].destinations = ["198.51.100.0/24"]' <<<"$CONF")
	host_state >before
	assert_fails add c1 "$conf" "$BILLING"
	assert_refused 103 "$output" "a source that is not on the host"
	assert_contains "$output" 192.0.2.99 "the source that is meant"
	host_state | diff before - || fail "something is left"
	assert_clean
	# For a container that no entry matches it does not matter.
	assert_succeeds add c2 "$conf"
}

test_reserved_source()
{
	local conf

	conf=$(jq -c '.guard = {reserved: [{cidr: "192.0.2.0/28", owner: "telephony"}]}' <<<"$CONF")
	assert_fails add c1 "$conf" "$BILLING"
	assert_refused 100 "$output" "a reserved source"
	assert_contains "$output" telephony "whose it is"
	assert_clean
}

# --- The next holder of an address inherits nothing ---

test_next_holder_inherits_nothing()
{
	local before

	keep_flows
	inside legacy socat -u UDP4-RECVFROM:7000,fork OPEN:/dev/null,append &
	assert_succeeds add c1 "$CONF" "$BILLING"
	assert_succeeds add c2 "$CONF" "$BILLING"
	talk c1
	talk c2
	# A flow with the same five-tuple as the next holder's
	inside c1 socat -u "SYSTEM:echo x" UDP4:198.51.100.2:7000,sourceport=7777
	before=$(flows_of 10.9.0.3)
	del c1 "$CONF" "$BILLING"
	assert_equal 0 "$(flows_of 10.9.0.2)" "flows of the address that is free"
	assert_equal 0 "$(flows_of fd09::2)" "flows of the address that is free"
	assert_equal "$before" "$(flows_of 10.9.0.3)" "flows of the other container"
	forget_sources
	container c9
	assert_succeeds add c9 "$(jq -c '.ipam.ranges[0][0].rangeEnd = "10.9.0.2" | .ipMasq = false' <<<"$CONF")" CNI_ARGS=IP=10.9.0.2
	inside c9 socat -u "SYSTEM:echo x" UDP4:198.51.100.2:7000,sourceport=7777
	assert_equal "10.9.0.2 udp" "$(sources legacy)" "the next holder, which is not pinned"
}

# --- antiSpoof ---

# An attacker takes the address of a pinned container: neither its pin nor its connectivity.
test_borrowed_addresses()
{
	assert_succeeds add c1 "$CONF" "$BILLING"
	assert_succeeds add c2 "$CONF"
	ip -n c2 address add 10.9.0.2/32 dev eth0
	ip -n c2 address add fd09::2/128 dev eth0 nodad
	inside c2 ping -n -q -c 1 -W "$(briefly)" -I 10.9.0.2 198.51.100.2 && fail "an answer to a borrowed IPv4 address"
	inside c2 ping -n -q -c 1 -W "$(briefly)" -I fd09::2 2001:db8:1::2 && fail "an answer to a borrowed IPv6 address"
	inside c2 socat -u "SYSTEM:echo x" UDP4:198.51.100.2:9,bind=10.9.0.2
	# Nor one that nobody holds, nor the host's
	ip -n c2 address add 10.77.0.1/32 dev eth0
	ip -n c2 address add 192.0.2.10/32 dev eth0
	inside c2 ping -n -q -c 1 -W "$(briefly)" -I 10.77.0.1 198.51.100.2 && fail "an answer to an address that nobody holds"
	inside c2 ping -n -q -c 1 -W "$(briefly)" -I 192.0.2.10 198.51.100.2 && fail "an answer to the pin's own source"
	assert_empty "$(sources legacy)" "borrowed sources at the legacy service"
	ip -n c2 address del 10.9.0.2/32 dev eth0
	assert_reaches c1 198.51.100.2 2001:db8:1::2
	assert_reaches c2 198.51.100.2
}

# Without antiSpoof a borrowed address has no pin all the same: it comes through another interface, without the mark.
test_borrowed_address_without_anti_spoof()
{
	local conf

	conf=$(jq -c '.antiSpoof = false' <<<"$CONF")
	assert_succeeds add c1 "$conf" "$BILLING"
	assert_succeeds add c2 "$conf"
	ip -n c2 address add 10.9.0.2/32 dev eth0
	inside c2 ping -n -q -c 1 -W "$(briefly)" -I 10.9.0.2 198.51.100.2 || true
	assert_equal "198.51.100.1 icmp" "$(sources legacy)" "borrowed sources at the legacy service"
	assert_reaches c1 198.51.100.2
}

# An IPv6 source that can't be used yet, or never: not "no address of this host"
test_source_whose_duplicate_address_detection_goes_on()
{
	local conf

	conf=$(jq -c '.snat = [{name: "late", source: ["2001:db8:1::77"], destinations: ["2001:db8:9::/64"]}]' <<<"$CONF")
	sysctl -q -w net.ipv6.conf.up0.dad_transmits=1000
	ip address add 2001:db8:1::77/64 dev up0
	assert_fails add c1 "$conf"
	assert_refused 103 "$output" "a tentative source"
	assert_contains "$output" "tentative" "why"
	ip address del 2001:db8:1::77/64 dev up0
	ip -n legacy address add 2001:db8:1::77/64 dev eth0 nodad
	sysctl -q -w net.ipv6.conf.up0.dad_transmits=1
	ip address add 2001:db8:1::77/64 dev up0
	wait_until 10 sh -c 'ip -6 address show dev up0 | grep -q dadfailed'
	assert_fails add c1 "$conf"
	assert_contains "$output" "a neighbour has it, too" "why"
}

# --- assign ---

ASSIGN=$(jq -c '.snat = [{name: "mainframe", source: ["192.0.2.30", "2001:db8:f::30"],
	destinations: ["198.51.100.0/24", "2001:db8:1::/64"], assign: "up0"}]' <<<"$CONF")

# assigned: how many of the two sources are on the uplink
assigned()
{
	ip -o address show dev up0 | grep -cE ' (192\.0\.2\.30|2001:db8:f::30)/' || true
}

test_assigned_sources()
{
	local other mac

	other=$(jq -c '.name = "others" | .ipam.ranges = [[{subnet: "10.10.0.0/24"}], [{subnet: "fd10::/64"}]]
		| .snat[0].name = "other" | .snat[0].destinations = ["198.51.100.2", "2001:db8:1::2"]' <<<"$ASSIGN")
	ip -n legacy route add 192.0.2.30 dev eth0
	ip -n legacy route add 2001:db8:f::30 dev eth0
	# The neighbour knows where it was before.
	ip -n legacy neighbour replace 192.0.2.30 lladdr 02:00:00:00:00:99 dev eth0 nud stale
	ip -n legacy neighbour replace 2001:db8:f::30 lladdr 02:00:00:00:00:99 dev eth0 nud stale
	assert_equal 0 "$(assigned)" "before"
	assert_succeeds add c1 "$ASSIGN"
	assert_equal 2 "$(assigned)" "with the first container"
	mac=$(ip -json link show up0 | jq -r '.[0].address')
	wait_until 5 sh -c "ip -n legacy neighbour show 192.0.2.30 | grep -q $mac"
	wait_until 5 sh -c "ip -n legacy neighbour show 2001:db8:f::30 | grep -q $mac"
	talk c1
	assert_equal "192.0.2.30 icmp
192.0.2.30 tcp
192.0.2.30 udp
2001:db8:f::30 ipv6-icmp
2001:db8:f::30 tcp
2001:db8:f::30 udp" "$(sources legacy)" "sources at the legacy service"
	assert_succeeds add c2 "$ASSIGN"
	assert_succeeds add c3 "$other"
	del c1 "$ASSIGN"
	del c2 "$ASSIGN"
	assert_equal 2 "$(assigned)" "with a container of another network and pin"
	talk c3
	del c3 "$other"
	assert_equal 0 "$(assigned)" "with none"
	assert_clean
	# What the administrator put there stays.
	ip address add 192.0.2.30/32 dev up0
	assert_succeeds add c1 "$ASSIGN"
	assert_equal 2 "$(assigned)" "beside the administrator's"
	del c1 "$ASSIGN"
	assert_equal 1 "$(assigned)" "the administrator's"
}

# A neighbour has it: two hosts with one address would cut each other off. Its owner never hears of the attempt.
test_assign_of_an_address_that_a_neighbour_has()
{
	local address mac

	mac=$(ip -n legacy -json link show eth0 | jq -r '.[0].address')
	ip -n legacy neighbour add 192.0.2.30 lladdr 02:00:00:00:00:99 dev eth0 nud stale
	for address in 192.0.2.30/32 2001:db8:f::30/128; do
		ip -n legacy address add "$address" dev eth0 nodad
		assert_fails add c1 "$ASSIGN"
		assert_refused 103 "$output" "$address"
		assert_contains "$output" "${address%/*}" "the address"
		assert_contains "$output" "$mac" "who has it"
		assert_contains "$output" up0 "where"
		assert_clean
		ip -n legacy address delete "$address" dev eth0
		[[ "$address" != 192.* ]] || assert_contains "$(ip -n legacy neighbour show 192.0.2.30)" 02:00:00:00:00:99 \
			"what a neighbour learns from a probe"
	done
	# Gone from there, it is put here, and stays when the probe's subject is the host itself.
	assert_succeeds add c1 "$ASSIGN"
	assert_succeeds add c2 "$ASSIGN"
	assert_equal 2 "$(assigned)" "with nobody else"
}

# A link that is down, and one that has no neighbours at all
test_assign_where_nobody_can_be_asked()
{
	ip link add down0 type veth peer name down1
	assert_succeeds add c1 "$(jq -c '.snat[0].assign = "down0"' <<<"$ASSIGN")"
	del c1 "$ASSIGN"
	assert_succeeds add c1 "$(jq -c '.snat[0].assign = "lo"' <<<"$ASSIGN")"
}

# What no host can have, and where no packet would be taken
test_assign_to_what_can_have_no_source()
{
	local source

	for source in 198.51.100.0 198.51.100.255 2001:db8:1::; do
		assert_fails add c1 "$(jq -c --arg source "$source" '.snat[0].source = [$source]
			| .snat[0].destinations = [if ($source | contains(":")) then "2001:db8:9::/64" else "203.0.113.0/24" end]' \
			<<<"$ASSIGN")"
		assert_refused 103 "$output" "$source"
		assert_contains "$output" "source address $source can't be a host's" "why"
	done
	ip link add br9 type bridge
	ip link add port9 type veth peer name port10
	ip link set port9 master br9 up
	assert_fails add c1 "$(jq -c '.snat[0].assign = "port9"' <<<"$ASSIGN")"
	assert_refused 103 "$output" "a port of a bridge"
	assert_contains "$output" "a port of br9 (bridge)" "why"
	assert_clean
	ip link set br9 up
	assert_succeeds add c1 "$(jq -c '.snat[0].assign = "br9"' <<<"$ASSIGN")"
}

# The source is there already, but not where the configuration says
test_assign_of_what_is_elsewhere()
{
	ip address add 192.0.2.30/32 dev up1
	assert_fails add c1 "$ASSIGN"
	assert_refused 103 "$output" "on another interface"
	assert_contains "$output" "192.0.2.30 is on up1 already, not on up0" "why"
	assert_fails add c1 "$(jq -c '.snat[0].assign = "nosuch0"' <<<"$ASSIGN")"
	assert_contains "$output" "interface nosuch0" "an interface that is missing"
	ip address del 192.0.2.30/32 dev up1
	assert_clean
}

test_assign_to_a_missing_interface()
{
	assert_fails add c1 "$(jq -c '.snat[0].assign = "nosuch0"' <<<"$ASSIGN")"
	assert_refused 103 "$output" "a missing interface"
	assert_contains "$output" nosuch0 "the interface"
	assert_clean
}

# --- Behind other plugins ---

# through_list CONFLIST [CAPABILITIES]: c1 and c2 through a list of plugins; both are pinned, and talk to each other without
through_list()
{
	local list=$1 capabilities=${2-}

	for name in c1 c2; do
		chain ADD "$name" "$list" "$capabilities" >/dev/null || fail "ADD of $name"
	done
	settled
	talk c1
	talk c2
	assert_equal "$PINNED_ALL" "$(sources legacy)" "at the legacy service"
	assert_equal "$MASQUERADED_ALL" "$(sources second)" "at the second network"
	chain CHECK c1 "$list" "$capabilities" || fail "CHECK"
	for name in c1 c2; do
		chain DEL "$name" "$list" "$capabilities" || fail "DEL of $name"
		chain DEL "$name" "$list" "$capabilities" || fail "second DEL of $name"
	done
	assert_clean
}

test_behind_ptp()
{
	through_list '{"cniVersion": "1.0.0", "name": "chain", "plugins": [{"type": "ptp", "ipam": {"type": "host-local",
		"ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd09::/64"}]],
		"routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}, '"$CHAINED"']}'
}

test_behind_bridge()
{
	through_list '{"cniVersion": "1.0.0", "name": "chain", "plugins": [{"type": "bridge", "bridge": "br0", "isGateway": true,
		"ipam": {"type": "host-local", "ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd09::/64"}]],
		"routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}, '"$CHAINED"']}'
}

# The host never sees what a macvlan sends.
test_behind_macvlan_there_is_no_pin()
{
	local list='{"cniVersion": "1.0.0", "name": "chain", "plugins": [{"type": "macvlan", "master": "up0", "ipam":
		{"type": "host-local", "ranges": [[{"subnet": "198.51.100.128/25"}]]}}, '"$CHAINED"']}'

	assert_fails chain ADD c1 "$list"
	assert_refused 103 "$output" "a pin behind macvlan"
	chain DEL c1 "$list" || fail "DEL"
	assert_clean
}

test_example_behind_bridge()
{
	chain ADD c1 "$SOURCE_DIR/conf-examples/pinned-bridge.conflist" >/dev/null
	assert_reaches c1 198.51.100.2
	assert_equal "192.0.2.10 icmp" "$(sources legacy)" "at the legacy service"
	chain DEL c1 "$SOURCE_DIR/conf-examples/pinned-bridge.conflist"
	assert_clean
}

# --- Beside others ---

# What kube-proxy, Docker and firewalld do at postrouting: each would masquerade everything.
test_beside_others_tables()
{
	iptables -t nat -A POSTROUTING -j MASQUERADE
	ip6tables -t nat -A POSTROUTING -j MASQUERADE
	iptables -t nat -A PREROUTING -j MARK --set-mark 0x4000/0x4000
	nft -f - <<-'EOF'
		table inet firewalld {
			chain nat_POSTROUTING { type nat hook postrouting priority srcnat + 10; policy accept; masquerade; }
			chain mangle_PREROUTING { type filter hook prerouting priority mangle + 10; policy accept; }
			chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept; ct state invalid drop; }
		}
		table ip kube-proxy {
			chain nat-postrouting { type nat hook postrouting priority srcnat; policy accept; masquerade fully-random; }
		}
	EOF
	assert_succeeds add c1 "$CONF" "$BILLING"
	talk c1
	assert_equal "$PINNED_ALL" "$(sources legacy)" "at the legacy service"
	del c1 "$CONF" "$BILLING"
	assert_contains "$(nft list tables)" "inet firewalld" "the others' tables"
	assert_contains "$(iptables -t nat -S)" "-A POSTROUTING -j MASQUERADE" "the others' rules"
}

# The reference portmap behind us: its DNAT leads in, our pin leads out.
test_beside_portmap()
{
	local list capabilities='{"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}'

	list=$(jq -c '{cniVersion, name, plugins: [del(.cniVersion, .name, .snat[0].match), {type: "portmap", snat: true,
		capabilities: {portMappings: true}}]} | .cniVersion = "1.0.0"' <<<"$CONF")
	chain ADD c1 "$list" "$capabilities" >/dev/null || fail "ADD"
	inside c1 socat TCP4-LISTEN:80,fork,reuseaddr 'SYSTEM:echo served' &
	wait_until 5 sh -c 'nsenter --net=/run/netns/c1 ss -Hltn sport = 80 | grep -q :80'
	assert_equal served "$(inside second socat -u TCP4:203.0.113.1:8080 -)" "through the mapped port"
	talk c1
	assert_equal "$PINNED_ALL" "$(sources legacy)" "at the legacy service"
	chain DEL c1 "$list" "$capabilities" || fail "DEL"
	assert_clean
}

# The reference bandwidth wants the place of the interface's ingress qdisc, before or after rangeguard. In the interface role
# rangeguard has to know of it: the capability is declared.
test_beside_bandwidth()
{
	local list runtime='{"bandwidth": {"ingressRate": 100000000, "ingressBurst": 1000000, "egressRate": 100000000,
		"egressBurst": 1000000}}' limits='{"type": "bandwidth", "capabilities": {"bandwidth": true}}'
	local ptp='{"type": "ptp", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd09::/64"}]],
		"routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}'

	install_plugins bandwidth
	list=$(jq -c --argjson limits "$limits" '{cniVersion: "1.0.0", name, plugins: [del(.cniVersion, .name, .snat[].match)
		+ {capabilities: {bandwidth: true}}, $limits]}' <<<"$CONF")
	through_list "$list" "$runtime"
	for list in "$ptp, $limits, $CHAINED" "$ptp, $CHAINED, $limits"; do
		list='{"cniVersion": "1.0.0", "name": "chain", "plugins": ['$list']}'
		forget_sources
		through_list "$list" "$runtime"
		# What is redirected through an ifb device is still marked.
		chain ADD c1 "$list" "$runtime" >/dev/null || fail "ADD"
		assert_equal 1 "$(ip -o link show type ifb | wc -l)" "ifb devices"
		nft flush ruleset
		assert_unreachable c1 198.51.100.2
		chain DEL c1 "$list" "$runtime" || fail "DEL"
		assert_clean
	done
}

# --- Many at once ---

test_fifty_at_once_from_nothing()
{
	local i

	for i in $(seq 50); do
		container "m$i"
	done
	for i in $(seq 50); do
		{ answer_in "result-m$i" add "m$i" "$CONF" "$BILLING" 2>/dev/null || cp "result-m$i" "failed-m$i"; } &
	done
	wait
	assert_empty "$(find . -name 'failed-m*' -printf '%f ' -exec cat {} +)" "failures"
	for i in $(seq 50); do
		assert_reaches "m$i" 198.51.100.2 2001:db8:1::2
	done
	assert_equal "192.0.2.10 icmp
2001:db8:ffff::10 ipv6-icmp" "$(sources legacy)" "sources"
	for i in $(seq 50); do
		answer_in "result-m$i" del "m$i" "$CONF" "$BILLING" &
	done
	wait
	assert_clean
}

main "$@"
