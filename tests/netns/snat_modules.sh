#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The parts that pins stand on, each by itself against the kernel, also those ways that this kernel does not need: the
# fence (also by a classifier), assigned addresses with their announcements, forgetting flows (also one by one). Their
# functions are called through the program snat_modules; the whole: snat.sh.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

# The release build has no test programs: that of the dev build, unless the plugin's own build has one
MODULES=$(dirname "$RANGEGUARD")/tests/netns/snat_modules
[[ -x "$MODULES" ]] || MODULES=$SOURCE_DIR/build/dev/tests/netns/snat_modules

# set_up: "pod" behind rg0 of the host, "service" behind up0, both families
set_up()
{
	sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	side pod rg0 10.9.0 fd09
	side service up0 198.51.100 2001:db8:1
	ip -n pod route add default via 10.9.0.1
	ip -n pod route add default via fd09::1
	ip -n service route add 10.9.0.0/24 via 198.51.100.1
	ip -n service route add fd09::/64 via 2001:db8:1::1
	host_state >before
}

# side NAME INTERFACE IPV4 IPV6: a namespace with address 2 behind an interface of the host with address 1; link-local
# ones too, without which a router asks after no neighbour, but none that duplicate address detection delays
side()
{
	container "$1"
	ip link add "$2" type veth peer name eth0 netns "$1"
	ip link set "$2" addrgenmode none up
	ip -n "$1" link set eth0 addrgenmode none up
	ip address add "$3.1/24" dev "$2"
	ip address add "$4::1/64" dev "$2" nodad
	ip address add fe80::1/64 dev "$2" nodad
	ip -n "$1" address add "$3.2/24" dev eth0
	ip -n "$1" address add "$4::2/64" dev eth0 nodad
	ip -n "$1" address add fe80::2/64 dev eth0 nodad
}

# --- The fence ---

# clear_mark: what the table's chain does to packets that it knows
clear_mark()
{
	nft -f - <<-'EOF'
		table inet cleared {
			chain unfence {
				type filter hook prerouting priority mangle; policy accept;
				meta mark & 0x200000 == 0x200000 ct state new,established,related meta mark set meta mark & 0xffdfffff
			}
		}
	EOF
}

# assert_fence ARM: with the interface armed by that command, marked packets to prohibited destinations stop, others pass
assert_fence()
{
	"$MODULES" close 198.51.100.0/24 2001:db8:1::/64
	assert_reaches pod 198.51.100.2 2001:db8:1::2
	"$MODULES" "$1" rg0
	assert_unreachable pod 198.51.100.2
	assert_unreachable pod 2001:db8:1::2
	# Its own packets, and what others send to the container, are not marked.
	assert_reaches pod 10.9.0.1 fd09::1
	inside service ping -n -q -c 1 -W "$(briefly)" 10.9.0.2 && fail "the container's answer went out"
	ping -n -q -c 1 -W "$(scaled 1)" 198.51.100.2 >/dev/null || fail "the host itself is fenced off"
	clear_mark
	assert_reaches pod 198.51.100.2 2001:db8:1::2
	# The whole ruleset is gone: stopped again, also what is established.
	nft flush ruleset
	assert_unreachable pod 198.51.100.2
	assert_unreachable pod 2001:db8:1::2
	"$MODULES" open 198.51.100.0/24 2001:db8:1::/64
	assert_reaches pod 198.51.100.2 2001:db8:1::2
}

test_fence_by_classifier()
{
	assert_fence arm-new
	assert_contains "$(tc filter show dev rg0 ingress)" "handle 0x82 rangeguard direct-action" "classifier"
	"$MODULES" arm-new rg0
	assert_equal 1 "$(tc filter show dev rg0 ingress | grep -c handle)" "classifiers after the second time"
}

test_fence_by_tcx()
{
	assert_fence arm
	"$MODULES" arm rg0
	assert_empty "$(tc qdisc show dev rg0 clsact)" "a qdisc"
}

# The container hears at once that it is no use: ICMP "administratively prohibited", not a timeout
test_fence_tells_the_container()
{
	"$MODULES" arm rg0
	"$MODULES" close 198.51.100.0/24 2001:db8:1::/64
	assert_fails inside pod ping -n -c 1 -W "$(briefly)" 198.51.100.2
	assert_contains "$output" "Packet filtered" "what the container is told"
	assert_fails inside pod ping -n -c 1 -W "$(briefly)" 2001:db8:1::2
	assert_contains "$output" "Administratively prohibited" "what the container is told"
}

# The reference bandwidth plugin has made an ingress qdisc on the same interface, with a classifier of its own.
test_fence_in_an_ingress_qdisc()
{
	tc qdisc add dev rg0 ingress
	tc filter add dev rg0 parent ffff: protocol all u32 match u32 0 0 classid :1
	"$MODULES" close 198.51.100.0/24
	assert_reaches pod 198.51.100.2
	"$MODULES" arm-new rg0
	"$MODULES" arm-new rg0
	assert_equal 1 "$(tc filter show dev rg0 parent ffff: | grep -c "rangeguard direct")" "classifiers of ours"
	assert_unreachable pod 198.51.100.2
}

# Other bits of the mark are other people's: a rule of theirs still finds them.
test_fence_leaves_other_bits()
{
	"$MODULES" arm rg0
	nft -f - <<-'EOF'
		table inet others {
			chain pre {
				type filter hook prerouting priority raw; policy accept;
				iifname rg0 meta mark set meta mark | 0x4000
				iifname rg0 icmp type echo-request meta mark 0x204000 counter
			}
		}
	EOF
	assert_reaches pod 198.51.100.2
	assert_contains "$(nft list table inet others)" "counter packets 1 " "packets with both marks"
}

test_fence_is_taken_down_without_trace()
{
	"$MODULES" close 198.51.100.0/24 203.0.113.1-203.0.113.6 ::/0
	"$MODULES" close 198.51.100.0/24
	assert_equal 1 "$(ip rule show | grep -c 29287)" "IPv4 rules after closing twice"
	assert_equal 1 "$(ip -6 rule show | grep -c 29287)" "IPv6 rules after closing twice"
	assert_equal 5 "$(ip -4 route show table 29287 | grep -c prohibit)" "IPv4 routes: $(ip route show table 29287)"
	"$MODULES" open 203.0.113.1-203.0.113.6 ::/0 -- 198.51.100.0/24 203.0.113.2-203.0.113.3
	assert_equal "prohibit 198.51.100.0/24 proto 82 
prohibit 203.0.113.2/31 proto 82 " "$(ip route show table 29287)" "what the others need"
	assert_empty "$(ip -6 rule show | grep 29287)" "IPv6 rule"
	"$MODULES" open 198.51.100.0/24 203.0.113.2-203.0.113.3
	"$MODULES" open 198.51.100.0/24
	host_state | diff before - || fail "something is left"
}

# A lookup of the host's routes, as it is made for each address at ADD, sees nothing of the fence.
test_fence_is_no_host_route()
{
	local conf='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard", "ranges": [[{"subnet": "10.77.0.0/24"}]]}}'

	"$MODULES" close 10.0.0.0/8 0.0.0.0/0 ::/0
	container c1
	assert_succeeds add c1 "$conf"
	del c1 "$conf"
	# The kernel answers a lookup that discards with the errno alone; the route is found by a dump.
	ip route add prohibit 10.77.0.4/32
	"$MODULES" close 10.77.0.4/32
	assert_fails add c1 "$conf" CNI_ARGS=IP=10.77.0.4
	assert_refused 105 "$output" "ADD of an address with a prohibit route"
	assert_contains "$output" "prohibit 10.77.0.4/32" "the route that is named"
}

test_missing_interface()
{
	local command

	for command in arm arm-new; do
		assert_fails "$MODULES" "$command" nosuch0
		assert_contains "$output" "107: " "$command"
	done
}

# --- Assigned addresses ---

# neighbour_mac ADDRESS: what "service" believes
neighbour_mac()
{
	ip -n service neighbour show "$1" dev eth0 | sed -n 's/.*lladdr \([^ ]*\).*/\1/p'
}

# A neighbour that still knows the address's former place learns the new one without asking.
test_assigned_address_is_announced()
{
	local address mac

	mac=$(ip -json link show up0 | jq -r '.[0].address')
	inside service nft -f - <<-EOF
		table arp seen {
			chain in {
				type filter hook input priority 0;
				arp operation request arp saddr ip 198.51.100.7 arp daddr ip 198.51.100.7 arp saddr ether $mac counter
			}
		}
		table ip6 seen {
			chain in {
				type filter hook input priority 0;
				icmpv6 type nd-neighbor-advert ip6 saddr 2001:db8:1::7 ip6 daddr ff02::1 ip6 hoplimit 255 counter
			}
		}
	EOF
	for address in 198.51.100.7 2001:db8:1::7; do
		ip -n service neighbour replace "$address" lladdr 02:00:00:00:00:99 dev eth0 nud stale
		"$MODULES" put up0 "$address"
		wait_until 5 test "$(neighbour_mac "$address")" = "$mac"
		"$MODULES" put up0 "$address"
		assert_equal usable "$("$MODULES" usable "$address")" "$address"
	done
	assert_equal 2 "$(inside service nft list ruleset | grep -c 'counter packets 1 ')" \
		"announcements: $(inside service nft list ruleset)"
	inside service ping -n -q -c 1 -W "$(scaled 2)" 198.51.100.7 >/dev/null || fail "no answer at the assigned address"
	inside service ping -n -q -c 1 -W "$(scaled 2)" 2001:db8:1::7 >/dev/null || fail "no answer at the assigned address"
	"$MODULES" remove up0 198.51.100.7
	"$MODULES" remove up0 2001:db8:1::7
	"$MODULES" remove up0 2001:db8:1::7
	assert_equal unusable "$("$MODULES" usable 198.51.100.7)" "after it was removed"
	host_state | diff before - || fail "something is left"
}

test_only_our_addresses_are_removed()
{
	local address

	for address in 198.51.100.7 2001:db8:1::7; do
		ip address add "$address" dev up0 nodad
		"$MODULES" put up0 "$address"
		assert_fails "$MODULES" remove up0 "$address"
		assert_contains "$output" foreign "the administrator's address"
		assert_equal usable "$("$MODULES" usable "$address")" "the administrator's address"
	done
	# With a wider prefix it is the interface's own, too.
	"$MODULES" put up0 198.51.100.1
	"$MODULES" remove up0 198.51.100.1
	assert_equal 1 "$(ip -o -4 address show dev up0 | grep -c ' 198.51.100.1/')" "the interface's own address"
	assert_fails "$MODULES" put nosuch0 198.51.100.7
	assert_contains "$output" "103: interface nosuch0" "a missing interface"
	"$MODULES" remove nosuch0 198.51.100.7
}

# An interface without neighbours, or one that is down: the address is there, nothing is announced, nothing fails.
test_assigned_where_nothing_can_be_announced()
{
	"$MODULES" put lo 198.51.100.7
	assert_equal usable "$("$MODULES" usable 198.51.100.7)" "on lo"
	ip link set up0 down
	"$MODULES" put up0 198.51.100.8
	assert_equal usable "$("$MODULES" usable 198.51.100.8)" "on an interface that is down"
}

# --- Flows ---

# talk FROM SOURCE TO: a flow of each of ICMP, UDP and TCP from an address in one namespace
talk()
{
	local to=$3 source=$2 family=4

	[[ "$to" != *:* ]] || { to=[$3] source=[$2] family=6; }
	inside "$1" ping -n -q -c 1 -W "$(scaled 2)" -I "$2" "$3" >/dev/null || fail "no answer from $3 to $2"
	inside "$1" socat -u "SYSTEM:echo x" "UDP$family:$to:5000,bind=$source"
	inside "$1" socat -u OPEN:/dev/null "TCP$family:$to:5000,bind=$source"
}

# track ADDRESS…: flows of all protocols, opened by "pod" with these addresses and by "service" to them
track()
{
	local address other family name

	keep_flows
	nft 'table inet tracked { chain pre { type filter hook prerouting priority 0; ct state new accept; }; }'
	for name in pod service; do
		for family in 4 6; do
			inside "$name" socat "TCP$family-LISTEN:5000,fork,reuseaddr$([[ $family == 4 ]] || echo ,ipv6only=1)" /dev/null &
		done
		wait_until 5 sh -c "nsenter --net=/run/netns/$name ss -Hltn sport = 5000 | grep -c : | grep -qx 2"
	done
	for address in "$@"; do
		other=198.51.100.2
		[[ "$address" != *:* ]] || other=2001:db8:1::2
		ip -n pod address add "$address" dev eth0 nodad 2>/dev/null || true
		talk pod "$address" "$other"
		talk service "$other" "$address"
	done
}

# flows ADDRESS: how many there are with that address anywhere
flows()
{
	{
		conntrack -L -f ipv4
		conntrack -L -f ipv6
	} 2>/dev/null | grep -cE "=${1//./\\.}( |$)" || true
}

# assert_forgotten FUNCTION: all flows of two addresses go, those of their neighbours stay
assert_forgotten()
{
	local address

	track 10.9.0.2 fd09::2 10.9.0.20 fd09::20
	for address in 10.9.0.2 fd09::2 10.9.0.20 fd09::20; do
		assert_equal 6 "$(flows "$address")" "flows of $address: $(conntrack -L 2>&1; conntrack -L -f ipv6 2>&1)"
	done
	"$MODULES" "$1" 10.9.0.2 fd09::2
	assert_equal "0 0 6 6" "$(flows 10.9.0.2) $(flows fd09::2) $(flows 10.9.0.20) $(flows fd09::20)" "flows left"
	"$MODULES" "$1" 10.9.0.2 fd09::2
	assert_equal "0 0 6 6" "$(flows 10.9.0.2) $(flows fd09::2) $(flows 10.9.0.20) $(flows fd09::20)" "flows left"
}

test_flows_are_forgotten()
{
	assert_forgotten forget
}

test_flows_are_forgotten_one_by_one()
{
	assert_forgotten forget-each
}

# A flow that reaches the container through a DNAT has its address only in the direction of the reply.
test_flows_behind_dnat_are_forgotten()
{
	local function

	nft 'table ip translated { chain pre { type nat hook prerouting priority dstnat; ip daddr 198.51.100.1 udp dport 7000 dnat to 10.9.0.2:5000; }; }'
	for function in forget forget-each; do
		inside service socat -u "SYSTEM:echo x" UDP4:198.51.100.1:7000
		assert_equal 1 "$(flows 10.9.0.2)" "flows before $function"
		"$MODULES" "$function" 10.9.0.20
		assert_equal 1 "$(flows 10.9.0.2)" "flows after $function of another address"
		"$MODULES" "$function" 10.9.0.2
		assert_equal 0 "$(flows 10.9.0.2)" "flows after $function"
	done
}

# Without flows the kernel is not even asked: nf_conntrack_netlink is not loaded for nothing.
test_nothing_is_asked_where_nothing_is_tracked()
{
	ASAN_OPTIONS=detect_leaks=0 strace -f -o trace "$MODULES" forget 10.9.0.2
	assert_empty "$(grep -E 'send(to|msg)' trace)" "messages"
}

main "$@"
