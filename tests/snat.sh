#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests of stable source addresses share: a host between containers, a legacy service and a second network, both
# of which write down each source that they see. A test script sources this file.

# shellcheck disable=SC2034 # used by the scripts

# shellcheck source=tests/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipMasq": true,
	"ipam": {"type": "rangeguard", "reuseDelay": 0, "ranges": [[{"subnet": "10.9.0.0/24", "rangeStart": "10.9.0.2"}],
		[{"subnet": "fd09::/64", "rangeStart": "fd09::2"}]]},
	"snat": [{"name": "mainframe", "match": {"namespace": "billing", "pod": "api-*"},
		"source": ["192.0.2.10", "2001:db8:ffff::10"], "destinations": ["198.51.100.0/24", "2001:db8:1::/64"]}]}'
# The same pin for everybody, in the chained role
CHAINED='{"type": "rangeguard", "ipMasq": true, "snat": [{"name": "mainframe", "source": ["192.0.2.10", "2001:db8:ffff::10"],
	"destinations": ["198.51.100.0/24", "2001:db8:1::/64"]}]}'
BILLING="CNI_ARGS=K8S_POD_NAMESPACE=billing;K8S_POD_NAME=api-7"

# What sources() prints after talk() of containers that are all pinned, or none, or at the second network
PINNED_ALL="192.0.2.10 icmp
192.0.2.10 tcp
192.0.2.10 udp
2001:db8:ffff::10 ipv6-icmp
2001:db8:ffff::10 tcp
2001:db8:ffff::10 udp"
MASQUERADED_ALL_LEGACY="198.51.100.1 icmp
198.51.100.1 tcp
198.51.100.1 udp
2001:db8:1::1 ipv6-icmp
2001:db8:1::1 tcp
2001:db8:1::1 udp"
MASQUERADED_ALL="2001:db8:2::1 ipv6-icmp
2001:db8:2::1 tcp
2001:db8:2::1 udp
203.0.113.1 icmp
203.0.113.1 tcp
203.0.113.1 udp"

# Each source with its protocol, before anything else looks at a packet; neighbour discovery is no traffic
LOGGER='table inet seen {
	set sources4 { typeof ip saddr . ip protocol; size 65535; flags dynamic; }
	set sources6 { typeof ip6 saddr . ip6 nexthdr; size 65535; flags dynamic; }
	chain note {
		type filter hook prerouting priority -400; policy accept;
		iifname lo accept
		icmp type != { echo-request, timestamp-request } accept
		icmpv6 type != { echo-request } accept
		meta nfproto ipv4 add @sources4 { ip saddr . ip protocol }
		ip6 saddr != fe80::/10 add @sources6 { ip6 saddr . ip6 nexthdr }
	}
}'

# side NAME INTERFACE IPV4 IPV6: a network behind an interface of the host, which has address 1 there; NAME has 2. With
# link-local addresses, without which a router asks after no neighbour, but none that duplicate address detection delays
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
	ip -n "$1" route add default via "$3.1"
	ip -n "$1" route add default via "$4::1"
	inside "$1" nft -f - <<<"$LOGGER"
}

# set_up: networks "legacy" and "second", the pin's sources on the host, containers c1 to c3
set_up()
{
	local name

	install_plugins bridge ptp macvlan host-local portmap
	sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	side legacy up0 198.51.100 2001:db8:1
	side second up1 203.0.113 2001:db8:2
	ip address add 192.0.2.10/32 dev lo
	ip address add 2001:db8:ffff::10/128 dev lo nodad
	for name in c1 c2 c3; do
		container "$name"
	done
}

# sources NAME: each source with its protocol that the namespace has seen, sorted
sources()
{
	inside "$1" nft -j list table inet seen | jq -r '.nftables[] | .set // empty | .elem // [] | .[]
		| (.elem.val // .) | .concat | "\(.[0]) \(.[1])"' | LC_ALL=C sort
}

# forget_sources: the networks have seen nothing
forget_sources()
{
	local name

	for name in legacy second; do
		inside "$name" nft flush set inet seen sources4
		inside "$name" nft flush set inet seen sources6
	done
}

# send_to NAME ADDRESS: a packet of UDP and one of TCP, which nobody is there for. What ends the wait for an answer that does not
# come begins with the packet, not with a process that may be late.
send_to()
{
	local host=$2

	[[ "$host" != *:* ]] || host="[$host]"
	inside "$1" bash -c "echo x >/dev/udp/$2/9" 2>/dev/null || true
	inside "$1" socat -u OPEN:/dev/null "TCP:$host:9,connect-timeout=2" 2>/dev/null || true
}

# talk NAME: ICMP, UDP and TCP, both families, to both networks; fails when the networks do not answer to pings
talk()
{
	local address

	for address in 198.51.100.2 2001:db8:1::2 203.0.113.2 2001:db8:2::2; do
		inside "$1" ping -n -q -c 1 -W "$(scaled 2)" "$address" >/dev/null || fail "no answer in $1 to a ping to $address"
		send_to "$1" "$address"
	done
}

# knock NAME: a packet of UDP and one of TCP to the legacy service, both families
knock()
{
	local address

	for address in 198.51.100.2 2001:db8:1::2; do
		send_to "$1" "$address"
	done
}

# load NAME: ICMP, UDP and TCP to the legacy service, as fast as it goes, until there is a file "stop"; each answer to a
# ping is noted in the file "answers", each round in the file "rounds"
load()
{
	local address

	while [[ ! -e stop ]]; do
		knock "$1"
		for address in 198.51.100.2 2001:db8:1::2; do
			! inside "$1" ping -n -q -c 1 -W "$(briefly)" "$address" >/dev/null 2>&1 || echo "$address" >>answers
		done
		echo "$1" >>rounds
	done
}

# sent N: the load had at least N answers
sent()
{
	[[ "$(wc -l <answers)" -ge "$1" ]]
}

# tried N: the load has had at least N rounds, whatever came of them
tried()
{
	[[ "$(wc -l <rounds)" -ge "$1" ]]
}

# settled: the host's addresses have passed duplicate address detection, on which a bridge's gateway waits
settled()
{
	wait_until 5 sh -c '! ip -6 address show tentative | grep -q inet6'
}

# flows_of ADDRESS: how many tracked flows there are with that address anywhere
flows_of()
{
	{
		conntrack -L -f ipv4
		conntrack -L -f ipv6
	} 2>/dev/null | grep -cE "=${1//./\\.}( |$)" || true
}

# assert_clean: no lease, interface, route, rule, element or assigned address is left
assert_clean()
{
	assert_nothing_left
	assert_empty "$(ip rule show | grep 29287; ip -6 rule show | grep 29287)" "rules left"
	assert_empty "$(nft list ruleset | sed -n '/table inet rangeguard/,/^}/p' | grep -E '10\.9\.|fd09:|elements' || true)" \
		"elements left"
	assert_empty "$(ip -o address show | grep -E ' (192\.0\.2\.30|2001:db8:f::30)/' || true)" "addresses left"
}
