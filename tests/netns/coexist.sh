#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Pins beside what else there is on hosts: other plugins of the list in both orders, and other people's rulesets as those who
# write them do. Judged by what the legacy service sees, with everything in place and with our table flushed.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

OURS=$(jq -c 'del(.cniVersion, .name, .snat[0].match)' <<<"$CONF")
PTP='{"type": "ptp", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.8.0.0/24"}], [{"subnet": "fd08::/64"}]],
	"routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}'
BANDWIDTH='{"type": "bandwidth", "capabilities": {"bandwidth": true}}'
LIMITS='{"bandwidth": {"ingressRate": 80000000, "ingressBurst": 8000000, "egressRate": 80000000, "egressBurst": 8000000}}'

# list_of PLUGIN…
list_of()
{
	jq -nc --argjson plugins "[$(IFS=,; echo "$*")]" '{cniVersion: "1.0.0", name: "pods", $plugins}'
}

# assert_pinned WHAT NAME: whatever arrives from it, and something does, has the pin's source
assert_pinned()
{
	forget_sources
	assert_reaches "$2" 198.51.100.2 2001:db8:1::2
	knock "$2"
	assert_equal "$PINNED_ALL" "$(sources legacy)" "$1"
}

# assert_bound_pinned WHAT NAME: the same of a container that has routes for packets with its own source only
assert_bound_pinned()
{
	local address

	forget_sources
	for address in $(jq -r '.ips[].address | sub("/.*"; "")' "/run/chain-$2.json"); do
		if [[ "$address" == *:* ]]; then
			inside "$2" ping -n -q -c 1 -W "$(scaled 2)" -I "$address" 2001:db8:1::2 >/dev/null || fail "$1: no answer to $address"
		else
			inside "$2" ping -n -q -c 1 -W "$(scaled 2)" -I "$address" 198.51.100.2 >/dev/null || fail "$1: no answer to $address"
		fi
	done
	assert_equal "192.0.2.10 icmp
2001:db8:ffff::10 ipv6-icmp" "$(sources legacy)" "$1"
}

# assert_guarded WHAT NAME: what it sends as somebody else does not arrive, nor does anything without our table
assert_guarded()
{
	ip -n "$2" address add 10.77.0.1/32 dev eth0
	forget_sources
	inside "$2" ping -n -q -c 1 -W "$(briefly)" -I 10.77.0.1 198.51.100.2 >/dev/null 2>&1 || true
	assert_empty "$(sources legacy)" "$1, forged"
	nft delete table inet rangeguard
	knock "$2"
	inside "$2" ping -n -q -c 1 -W "$(briefly)" 198.51.100.2 >/dev/null 2>&1 || true
	assert_empty "$(sources legacy)" "$1, without our table"
}

# with_list WHAT CAPABILITIES PLUGIN…: a container by that list is pinned, guarded, and goes
with_list()
{
	local list

	list=$(list_of "${@:3}")
	chain ADD c1 "$list" "$2" >out 2>&1 || fail "$1: ADD: $(<out)"
	# ptp returns while duplicate address detection goes on for the host's address, which is the container's gateway
	# shellcheck disable=SC2016 # expanded each time
	wait_until 5 eval '[[ -z "$(ip -6 address show tentative)" ]]'
	if [[ "$list" == *'"sbr"'* ]]; then
		assert_bound_pinned "$1" c1
	else
		assert_pinned "$1" c1
	fi
	assert_guarded "$1" c1
	chain DEL c1 "$list" "$2" || fail "$1: DEL"
	assert_equal 0 "$(leases)" "$1: leases"
	assert_empty "$(ip -o link show | grep -E ': (rg|veth|bwp)' || true)" "$1: interfaces"
}

test_bandwidth_in_both_orders()
{
	local ours

	install_plugins ptp host-local bandwidth
	# So that we leave the place of the ingress qdisc free: rangeguard.conflist(5)
	ours=$(jq -c '.capabilities.bandwidth = true' <<<"$OURS")
	with_list "bandwidth after us" "$LIMITS" "$ours" "$BANDWIDTH"
	with_list "bandwidth between ptp and us" "$LIMITS" "$PTP" "$BANDWIDTH" "$CHAINED"
	with_list "bandwidth after ptp and us" "$LIMITS" "$PTP" "$CHAINED" "$BANDWIDTH"
	with_list "bandwidth without limits" '{}' "$ours" "$BANDWIDTH"
}

test_tuning_in_both_orders()
{
	local tuning='{"type": "tuning", "sysctl": {"net.core.somaxconn": "500"}}' mac='{"type": "tuning", "mac": "02:11:22:33:44:55"}'

	install_plugins ptp host-local tuning
	with_list "tuning after us" '{}' "$OURS" "$tuning"
	with_list "tuning between ptp and us" '{}' "$PTP" "$tuning" "$CHAINED"
	with_list "a MAC address between ptp and us" '{}' "$PTP" "$mac" "$CHAINED"
	with_list "a MAC address after ptp and us" '{}' "$PTP" "$CHAINED" "$mac"
}

test_sbr_in_both_orders()
{
	install_plugins ptp host-local sbr
	with_list "sbr between ptp and us" '{}' "$PTP" '{"type": "sbr"}' "$CHAINED"
	with_list "sbr after ptp and us" '{}' "$PTP" "$CHAINED" '{"type": "sbr"}'
}

# kube-proxy's rules for a service with one endpoint outside of the cluster, the legacy service, as mode iptables writes them
# (pkg/proxy/iptables/proxier.go): DNAT, and masquerading of what carries 0x4000.
kube_proxy_iptables()
{
	iptables-restore --noflush <<-'EOT'
		*filter
		:KUBE-FORWARD - [0:0]
		-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
		-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
		-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
		COMMIT
		*nat
		:KUBE-SERVICES - [0:0]
		:KUBE-POSTROUTING - [0:0]
		:KUBE-MARK-MASQ - [0:0]
		:KUBE-SVC-LEGACY - [0:0]
		:KUBE-SEP-LEGACY - [0:0]
		-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
		-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
		-A KUBE-SERVICES -d 10.96.0.7/32 -p udp -m udp --dport 9 -j KUBE-SVC-LEGACY
		-A KUBE-SVC-LEGACY ! -s 10.200.0.0/16 -d 10.96.0.7/32 -p udp -m udp --dport 9 -j KUBE-MARK-MASQ
		-A KUBE-SVC-LEGACY -j KUBE-SEP-LEGACY
		-A KUBE-SEP-LEGACY -p udp -m udp -j DNAT --to-destination 198.51.100.2:9
		-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
		-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
		-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
		-A KUBE-POSTROUTING -j MASQUERADE --random-fully
		COMMIT
	EOT
}

# The same of mode nftables (pkg/proxy/nftables/proxier.go)
kube_proxy_nftables()
{
	nft -f - <<-'EOT'
		table ip kube-proxy {
			map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.96.0.7 . udp . 9 : goto service-LEGACY } }
			chain mark-for-masquerade { meta mark set meta mark | 0x4000; }
			chain masquerading { meta mark & 0x4000 == 0 return; meta mark set meta mark ^ 0x4000; masquerade fully-random; }
			chain endpoint-LEGACY { meta l4proto udp dnat to 198.51.100.2:9; }
			chain service-LEGACY { ip saddr != 10.200.0.0/16 jump mark-for-masquerade; goto endpoint-LEGACY; }
			chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }
			chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
			chain nat-postrouting { type nat hook postrouting priority srcnat; jump masquerading; }
			chain filter-forward { type filter hook forward priority -110; ct state invalid drop; }
		}
	EOT
}

# through_the_service WHAT: a pinned container reaches the legacy service by the service's address too, with the pin's source
through_the_service()
{
	local i

	add c1 "$CONF" "$BILLING" >result || fail "$1: ADD: $(<result)"
	assert_pinned "$1" c1
	forget_sources
	for i in 1 2; do
		inside c1 socat -u "SYSTEM:echo $i" UDP4:10.96.0.7:9,sourceport=7001 || true
	done
	assert_equal "192.0.2.10 udp" "$(sources legacy)" "$1, by the service's address"
	nft delete table inet rangeguard
	forget_sources
	for i in 7001 7002; do
		inside c1 socat -u "SYSTEM:echo $i" "UDP4:10.96.0.7:9,sourceport=$i" || true
	done
	assert_empty "$(sources legacy)" "$1, by the service's address without our table"
	del c1 "$CONF"
}

test_kube_proxy()
{
	# c1 is outside of the cluster's own range, so its packets are to be masqueraded.
	kube_proxy_iptables
	through_the_service "kube-proxy with iptables"
	iptables-save | grep -v -i kube | iptables-restore
	nft flush ruleset
	kube_proxy_nftables
	through_the_service "kube-proxy with nftables"
}

# wg-quick's rules for a default route (src/wg-quick/linux.bash), which name no preference: before the first pin, and after it,
# with the tunnel's table leading to the service itself.
test_rules_of_wg_quick()
{
	local when

	for when in before after; do
		[[ "$when" == before ]] || { add c1 "$CONF" "$BILLING" >result || fail "ADD: $(<result)"; }
		ip route add default via 198.51.100.2 table 51820
		ip rule add not fwmark 51820 table 51820
		ip rule add table main suppress_prefixlength 0
		[[ "$when" == after ]] || { add c1 "$CONF" "$BILLING" >result || fail "ADD: $(<result)"; }
		# After it, two rules without a preference come to stand in the wrong order (rangeguard.conflist(5)): what comes
		# for the container goes into the tunnel. But nothing leaves with another source.
		if [[ "$when" == before ]]; then
			assert_pinned "wg-quick $when the first pin" c1
		else
			forget_sources
			knock c1
			assert_only_lines "wg-quick $when the first pin" '^(192\.0\.2\.10|2001:db8:ffff::10|198\.51\.100\.2|2001:db8:1::2) ' sources legacy
		fi
		assert_guarded "wg-quick $when the first pin" c1
		del c1 "$CONF"
		ip rule del table main suppress_prefixlength 0
		ip rule del table 51820
		ip route flush table 51820
	done
}

# Docker's own daemon writes its rules: FORWARD is closed but for what DOCKER-USER lets through.
test_docker()
{
	local dockerd

	mkdir -p /run/docker-state
	echo '{}' >daemon.json
	# Docker closes FORWARD when it is the one who switches forwarding on.
	echo 0 >/proc/sys/net/ipv4/ip_forward
	dockerd --config-file "$PWD/daemon.json" --data-root /run/docker-state --exec-root /run/docker --pidfile /run/dockerd.pid \
		-H unix:///run/docker.sock --storage-driver vfs --userland-proxy=false >dockerd.log 2>&1 &
	dockerd=$!
	wait_until 60 sh -c 'iptables -t nat -S 2>/dev/null | grep -q MASQUERADE && iptables -S DOCKER-USER 2>/dev/null | grep -q RETURN'
	assert_contains "$(iptables -S FORWARD)" "-P FORWARD DROP" "Docker's policy"
	add c1 "$CONF" "$BILLING" >result || fail "ADD: $(<result)"
	forget_sources
	knock c1
	assert_only_lines "IPv4 behind Docker's policy" : sources legacy
	iptables -I DOCKER-USER -j ACCEPT
	assert_pinned "beside Docker" c1
	assert_guarded "beside Docker" c1
	kill "$dockerd"
	wait "$dockerd" || true
	del c1 "$CONF"
}

main "$@"
