#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hosts that share source addresses, and the legacy service on their link; sourced after tests/cluster/hosts.sh.

FLOW=$(dirname "$RANGEGUARD")/tests/cluster/cluster_flow
[[ -x "$FLOW" ]] || FLOW=$SOURCE_DIR/build/dev/tests/cluster/cluster_flow

LEGACY=192.0.2.100
LEGACY6=2001:db8::100
X=192.0.2.50
# shellcheck disable=SC2034 # the scripts that source this use them
Y=192.0.2.51 X6=2001:db8::50

# shared N [SOURCE…]: the configuration of host N; its pods have addresses of its own
shared()
{
	local n=$1

	shift
	jq -nc --arg n "$n" '{cniVersion: "1.0.0", name: "pods", type: "rangeguard", guard: {policies: []}, history: false,
		snat: [{name: "mainframe", source: $ARGS.positional, assign: "eth0", shared: true}],
		ipam: {type: "rangeguard", ranges: [[{subnet: "10.88.\($n).0/24"}], [{subnet: "fd88:\($n)::/64"}]]}}' --args "${@:-$X}"
}

# three_hosts: with etcd and agents, and the legacy service's capture in seen.log
three_hosts()
{
	local n

	set_up_link
	start_members
	link_up legacy "$LEGACY/24" "$LEGACY6/64"
	for n in 1 2 3; do
		host_up "$n"
		on_host "$n" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
		mac[n]=$(ip -n "h$n" -json link show eth0 | jq -r '.[0].address')
		agent_up "$n"
	done
	nsenter --net=/run/netns/legacy -- "$FLOW" watch eth0 >seen.log &
	echo $! >watch.pid
}

# spawn NAME N COMMAND…: in the background on a host, until flow_down NAME
spawn()
{
	nsenter -t "$(<"h$2.pid")" -m --net="/run/netns/h$2" -- "${@:3}" &
	echo $! >"flow-$1.pid"
}

# flow_up N NAME [ADDRESS…]: a container on a host sends to the service, each 2 ms
flow_up()
{
	local n=$1 name=$2

	shift 2
	spawn "$name" "$n" ip netns exec "$name" "$FLOW" send "$name" 2 "${@:-$LEGACY}"
}

# flow_down NAME
flow_down()
{
	kill "$(<"flow-$1.pid")"
	tail --pid="$(<"flow-$1.pid")" -f /dev/null
}

# arrived NAME SOURCE [LINES]: whether the service has seen a datagram of that name and source, after so many lines of the log
arrived()
{
	tail -n "+$((${3:-0} + 1))" seen.log | grep -q " $2 $1\$"
}

# senders SOURCE: the hosts that sent with it, in their order, each as long as it did once: "h1 h2"
senders()
{
	awk -v source="$1" -v h1="${mac[1]}" -v h2="${mac[2]}" -v h3="${mac[3]}" '
		BEGIN { host[h1] = "h1"; host[h2] = "h2"; host[h3] = "h3" }
		$3 == source && $4 != "arp" && $2 != last { printf "%s%s", n++ ? " " : "", ($2 in host) ? host[$2] : $2; last = $2 }' seen.log
}

# no_wrong_source SOURCE…: what pods sent came with these sources alone
no_wrong_source()
{
	local wrong

	wrong=$(awk -v list="$*" 'BEGIN { split(list, a, " "); for (i in a) ok[a[i]] = 1 } $4 != "arp" && !($3 in ok)' seen.log | head -n 3)
	assert_empty "$wrong" "datagrams with a wrong source"
}

# holder SOURCE: the host that etcd says holds it
holder()
{
	etcdctl --endpoints "$ENDPOINTS" get --print-value-only "/rangeguard/source/$1" | jq -r .host
}
