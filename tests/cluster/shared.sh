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
Y=192.0.2.51 X6=2001:db8::50 ETCD=(192.0.2.11 192.0.2.12 192.0.2.13)

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

# now: microseconds of Unix time, as in the service's log
now()
{
	echo "${EPOCHREALTIME/./}"
}

# arrived NAME SOURCE [MICROSECONDS]: whether a datagram of that name and source has come to the service, since then
arrived()
{
	local last

	# Of all of them the last, which is near the log's end while they come
	last=$(tac seen.log | grep -m 1 " $2 $1\$" || true)
	[[ -n "$last" ]] && ((${last%% *} > ${3:-0}))
}

# mark_arrived MARK: sends it, and looks whether it has come
mark_arrived()
{
	printf '%s' "$1" >"/dev/udp/$LEGACY/9000"
	arrived "$1" 192.0.2.200
}

# caught_up: all that the link has brought so far is in the log, since a datagram of the test's own is
caught_up()
{
	wait_until 10 mark_arrived "mark$(now)"
}

# senders SOURCE: the hosts that sent with it, in their order, each as long as it did once: "h1 h2"
senders()
{
	caught_up
	awk -v source="$1" -v h1="${mac[1]}" -v h2="${mac[2]}" -v h3="${mac[3]}" '
		BEGIN { host[h1] = "h1"; host[h2] = "h2"; host[h3] = "h3" }
		$3 == source && $4 != "arp" && $2 != last { printf "%s%s", n++ ? " " : "", ($2 in host) ? host[$2] : $2; last = $2 }' seen.log
}

# no_wrong_source SOURCE…: what pods sent came with these sources alone
no_wrong_source()
{
	local wrong

	caught_up
	wrong=$(awk -v list="$*" 'BEGIN { split(list, a, " "); for (i in a) ok[a[i]] = 1 }
		$4 != "arp" && !($3 in ok) && $4 !~ /^mark[0-9]+$/ && n++ < 3' seen.log)
	assert_empty "$wrong" "datagrams with a wrong source"
}

# holder SOURCE: the host that etcd says holds it
holder()
{
	etcdctl --endpoints "$ENDPOINTS" get --print-value-only "/rangeguard/source/$1" | jq -r .host
}

# add_until N NAME CONF: ADD as a runtime does it, again until another host's source has come free or was taken over
add_until()
{
	result=$(add_while '11|103' "$@") || fail "ADD of $2 on h$1: $result"
}

# assert_silent HOST SOURCE: for three seconds the service hears nothing with it from that host, which tries each 2 ms
assert_silent()
{
	local since

	since=$(now)
	sleep 3
	caught_up
	assert_empty "$(awk -v since="$since" -v mac="${mac[$1]}" -v source="$2" \
		'$1 > since && $2 == mac && $3 == source && n++ < 3' seen.log)" "packets of h$1 with $2"
}

# cut_from N FROM…: the host can't reach these addresses any more
cut_from()
{
	local n=$1 address

	for address in "${@:2}"; do
		on_host "$n" ip route add unreachable "$address/32"
	done
}

# mend N FROM…: it can again
mend()
{
	local n=$1 address

	for address in "${@:2}"; do
		on_host "$n" ip route del unreachable "$address/32"
	done
}

# begin_flow: h1 holds the source, and its container a1 sends with it
begin_flow()
{
	local result

	three_hosts
	must_add 1 a1 "$(shared 1)"
	flow_up 1 a1
	wait_until 5 arrived a1 "$X"
}
