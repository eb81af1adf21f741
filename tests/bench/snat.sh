#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What run.sh measures of pins and masquerading. Sourced by it.
#
# Sets and rules of a list of destinations are made for its first container and removed with its last. To make again
# what was just removed waits for a grace period of the kernel (RCU), some tens of milliseconds, which a host that has
# another such container never sees. So each host holds one, but for those of a contender that says "first".

PIN='.ipMasq = true | .snat = [{name: "pin", source: ["'$HOST_IPV4'"], destinations: ["203.0.113.0/24"]}]'
# Containers of a host with many pins
MANY=10000
# Flows of a host that is busy
MANY_FLOWS=200000
# Runs of iperf3 for each contender and protocol, and seconds of one
RUNS=7
RUN_SECONDS=2

# snat_host HOST: a host namespace that routes between containers and a namespace of its own, HOST-world
snat_host()
{
	container "$1"
	container "$1-world"
	ip -n "$1" link add up0 type veth peer name eth0 netns "$1-world"
	ip -n "$1" address add "$HOST_IPV4/32" dev lo
	ip -n "$1" address add 198.51.100.1/24 dev up0
	ip -n "$1" link set up0 up
	ip -n "$1" route add default via 198.51.100.254
	ip -n "$1-world" address add 203.0.113.1/32 dev lo
	ip -n "$1-world" address add 198.51.100.254/24 dev eth0
	ip -n "$1-world" link set eth0 up
	ip -n "$1-world" route add "$HOST_IPV4" via 198.51.100.1
	# shellcheck disable=SC2016 # the inner shell's
	inside "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
}

# snat_conf PLUGIN HOST FILTER: conf, of a data directory of the host's own, changed by a jq filter
snat_conf()
{
	conf "$1" "/run/$2" "$POOL" | jq -c "$3"
}

case_ipmasq()
{
	local conf reference

	conf=$(snat_conf rangeguard masq '.ipMasq = true')
	reference=$(snat_conf ptp masq-reference '.ipMasq = true')
	snat_host masq
	snat_host masq-first
	snat_host masq-reference
	crowd masq 1 rangeguard "$conf"
	crowd masq-reference 1 ptp "$reference"
	measure ipmasq 100 \
		"$(in_netns masq "$(attaching rangeguard "$CNI_BIN/rangeguard" "$conf")")" \
		"$(in_netns masq-reference "$(attaching reference "$CNI_BIN/ptp" "$reference")")" \
		"$(in_netns masq-first "$(attaching "rangeguard first" "$CNI_BIN/rangeguard" \
			"$(snat_conf rangeguard masq-first '.ipMasq = true')")")"
}

case_pinned()
{
	local conf

	conf=$(snat_conf rangeguard pin "$PIN")
	snat_host pin
	snat_host pin-first
	crowd pin 1 rangeguard "$conf"
	measure pinned 200 \
		"$(in_netns pin "$(attaching rangeguard "$CNI_BIN/rangeguard" "$(snat_conf rangeguard pin .)")")" \
		"$(in_netns pin "$(attaching pinned "$CNI_BIN/rangeguard" "$conf")")" \
		"$(in_netns pin-first "$(attaching "pinned first" "$CNI_BIN/rangeguard" \
			"$(snat_conf rangeguard pin-first "$PIN")")")"
}

# more_pinned HOST: what the firewall of a host has of its one pinned container, for all others that hold a lease. They
# have no interfaces and routes: what those cost is the kernel's, and case_scale's
more_pinned()
{
	"$CNI_BIN/rangeguard" list --data-dir "/run/$1" --format json >"/run/$1.leases"
	# shellcheck disable=SC2016 # jq's
	inside "$1" nft -j list table inet rangeguard | jq -c --slurpfile list "/run/$1.leases" '
		[.nftables[] | .set // .map // empty | select(.elem)] as $sets
		| ($sets[] | select(.name == "pinned4").elem[0]) as $address
		| [$list[0].leases[].address | select(. != $address)] as $others
		| {nftables: [$sets[] | (.elem[0] | tojson) as $one | {add: {element: {family, table, name,
			elem: [range($others | length) as $i | $one | split("\"\($address)\"") | join("\"\($others[$i])\"") | fromjson]}}}]}' >"/run/$1.elements"
	inside "$1" nft -j -f "/run/$1.elements"
}

# pinned_hosts: hosts "pins-one" and "pins-many", unless a case before has made them
pinned_hosts()
{
	local host

	[[ ! -e "$(netns_path pins-many)" ]] || return 0
	for host in pins-one pins-many; do
		snat_host "$host"
		crowd "$host" 1 rangeguard "$(snat_conf rangeguard "$host" "$PIN")"
	done
	"$SEED" /run/pins-many pods "$POOL" "$MANY"
	more_pinned pins-many
}

case_pins()
{
	local -a contenders=()
	local host

	pinned_hosts
	for host in pins-one pins-many; do
		contenders+=("$(in_netns "$host" "$(attaching "${host/-/ }" "$CNI_BIN/rangeguard" \
			"$(snat_conf rangeguard "$host" "$PIN")")")")
	done
	measure pins 200 "${contenders[@]}"
}

# Beside flows of others, which the kernel keeps in one table without an index by address: however they are forgotten, it
# goes through all of them. That is what a kernel does which refuses filtered deletions, too (Linux 6.1): with so many
# flows none is tried.
case_flows()
{
	local -a contenders=()
	local host

	for host in flows-none flows-many; do
		snat_host "$host"
		crowd "$host" 1 rangeguard "$(snat_conf rangeguard "$host" '.ipMasq = true')"
		contenders+=("$(in_netns "$host" "$(attaching "${host/-/ }" "$CNI_BIN/rangeguard" \
			"$(snat_conf rangeguard "$host" '.ipMasq = true')")")")
	done
	inside flows-many "$FLOWS" "$MANY_FLOWS"
	measure flows 100 "${contenders[@]}"
}

# send HOST PROTOCOL: the container of a host sends to its world; prints the bits per second that arrived. The world must
# have seen the source that the host translates to
send()
{
	local source=$HOST_IPV4 sent
	# Else the kernel's choice may send at a pace of its own (BBR), and both ends may or may not share a processor, which
	# is a factor of three
	local -a options=(--congestion reno --affinity "0,$(($(nproc) - 1))")

	[[ "$1" != *reference ]] || source=198.51.100.1
	# Small datagrams, as many as go: each takes the whole way alone, where segments of TCP go by the dozen
	[[ "$2" != udp ]] || options+=(--udp --bandwidth 0 --length 512)
	sent=$(inside "$1-crowd" iperf3 --client 203.0.113.1 --time "$RUN_SECONDS" --json --get-server-output "${options[@]}")
	jq --arg source "$source" '.server_output_json.start.accepted_connection.host as $seen
		| if $seen == $source then .end.sum_received.bits_per_second else error("source \($seen)") end' <<<"$sent"
}

# case_throughput: what bench does for programs that end by themselves, for packets
case_throughput()
{
	local host protocol bits
	local -i i runs=$RUNS

	((QUICK == 0)) || runs=3
	pinned_hosts
	snat_host pins-reference
	crowd pins-reference 1 ptp "$(snat_conf ptp pins-reference '.ipMasq = true')"
	for host in pins-one pins-many pins-reference; do
		inside "$host-world" iperf3 --server --bind 203.0.113.1 --json >/dev/null &
		wait_until 5 inside "$host-crowd" iperf3 --client 203.0.113.1 --bytes 1
	done
	echo "== throughput, $runs runs of $RUN_SECONDS s"
	for ((i = 0; i < runs; i++)); do
		for protocol in tcp udp; do
			for host in $(shuf -e pins-one pins-many pins-reference); do
				bits=$(send "$host" "$protocol")
				echo "$host $protocol $bits"
			done
		done
	done >"$RESULTS/throughput"
	jq -nR '[inputs / " " | {contender: .[0][5:], step: .[1], bits: (.[2] | tonumber)}] | {rounds: (length / 6), results:
		(group_by([.contender, .step]) | map({contender: .[0].contender, step: .[0].step,
			bits_per_s: (map(.bits) | sort | {min: .[0], p50: .[length / 2 | floor], max: .[-1]})}))}' \
		<"$RESULTS/throughput" >"$RESULTS/throughput.json"
	jq -r '.results[] | [.contender, .step, (.bits_per_s | .min, .p50, .max | . / 1e6 | round)] | @tsv' \
		"$RESULTS/throughput.json" | sed "1i contender\tstep\tmin Mbit/s\tp50\tmax"
}

# case_connections: how many a second the container of a host opens to its world, one after another; the world tells each
# where it came from
case_connections()
{
	local host source per_s
	local -i i runs=$RUNS

	((QUICK == 0)) || runs=3
	pinned_hosts
	[[ -e "$(netns_path pins-reference)" ]] || {
		snat_host pins-reference
		crowd pins-reference 1 ptp "$(snat_conf ptp pins-reference '.ipMasq = true')"
	}
	for host in pins-one pins-many pins-reference; do
		inside "$host-world" "$CONNECTIONS" serve 7000 >/dev/null &
		wait_until 5 inside "$host-crowd" timeout 1 bash -c 'exec 3<>/dev/tcp/203.0.113.1/7000'
	done
	echo "== connections, $runs runs of $RUN_SECONDS s"
	for ((i = 0; i < runs; i++)); do
		for host in $(shuf -e pins-one pins-many pins-reference); do
			source=$HOST_IPV4
			[[ "$host" != *reference ]] || source=198.51.100.1
			per_s=$(inside "$host-crowd" "$CONNECTIONS" 203.0.113.1 7000 "$RUN_SECONDS" "$source")
			echo "$host connect $per_s"
		done
	done >"$RESULTS/connections"
	jq -nR '[inputs / " " | {contender: .[0][5:], step: .[1], per_s: (.[2] | tonumber)}] | {rounds: (length / 3), results:
		(group_by(.contender) | map({contender: .[0].contender, step: .[0].step,
			per_s: (map(.per_s) | sort | {min: .[0], p50: .[length / 2 | floor], max: .[-1]})}))}' \
		<"$RESULTS/connections" >"$RESULTS/connections.json"
	jq -r '.results[] | [.contender, .step, (.per_s | .min, .p50, .max)] | @tsv' "$RESULTS/connections.json" |
		sed "1i contender\tstep\tmin per s\tp50\tmax"
}
