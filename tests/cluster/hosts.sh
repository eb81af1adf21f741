#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hosts of a cluster, each with namespaces of its own (network, mount) and an agent, on one link with three etcd members;
# sourced after tests/lib.sh.

AGENT=$(dirname "$RANGEGUARD")/rangeguard-agent

# link_up NAME ADDRESS…: a network namespace on the link
link_up()
{
	local name=$1 address

	shift
	ip netns add "$name"
	ip link add "v-$name" type veth peer name eth0 netns "$name"
	ip link set "v-$name" master br0 up
	ip -n "$name" link set lo up
	ip -n "$name" link set eth0 up
	for address in "$@"; do
		if [[ "$address" == *:* ]]; then
			ip -n "$name" address add "$address" dev eth0 nodad
		else
			ip -n "$name" address add "$address" dev eth0
		fi
	done
}

# set_up_link: the link that hosts and etcd share
set_up_link()
{
	ip link add br0 type bridge
	ip link set br0 up
	ip address add 192.0.2.200/24 dev br0
}

# start_members: etcd of three members, e1 to e3
start_members()
{
	local i list=''

	for i in 1 2 3; do
		link_up "e$i" "192.0.2.1$i/24"
		list+=${list:+,}e$i=http://192.0.2.1$i:2380
	done
	members=$list
	for i in 1 2 3; do
		start_member "$i"
	done
	ENDPOINTS=http://192.0.2.11:2379,http://192.0.2.12:2379,http://192.0.2.13:2379
	wait_until 30 etcdctl --endpoints "$ENDPOINTS" get --consistency=l nothing
}

# start_member N
start_member()
{
	ETCD_UNSUPPORTED_ARCH=$(dpkg --print-architecture) nsenter --net="/run/netns/e$1" -- etcd --name "e$1" --data-dir "etcd-e$1" \
		--listen-client-urls "http://192.0.2.1$1:2379" --advertise-client-urls "http://192.0.2.1$1:2379" \
		--listen-peer-urls "http://192.0.2.1$1:2380" --initial-advertise-peer-urls "http://192.0.2.1$1:2380" \
		--initial-cluster "$members" --log-level error >>"etcd-e$1.log" 2>&1 &
	echo $! >"etcd-e$1.pid"
}

# host_up N: a host with its namespaces; what it writes to /run and /etc nobody else sees
host_up()
{
	local n=$1

	link_up "h$n" "192.0.2.$n/24" "2001:db8::$n/64"
	unshare --mount --propagation private sleep 100000 &
	echo $! >"h$n.pid"
	wait_until 5 has_own_mounts "$n"
	printf '%032x\n' "$n" >"h$n.machine-id"
	on_host "$n" mount -t tmpfs -o mode=0755 tmpfs /run/netns
	on_host "$n" mkdir -p /run/host
	on_host "$n" mount -t tmpfs -o mode=0755 tmpfs /run/host
	on_host "$n" mkdir -p /run/rangeguard /etc/rangeguard
	on_host "$n" mount -t tmpfs -o mode=0700 tmpfs /run/rangeguard
	on_host "$n" mount -t tmpfs -o mode=0700 tmpfs /etc/rangeguard
	on_host "$n" touch /etc/machine-id
	on_host "$n" mount --bind "$PWD/h$n.machine-id" /etc/machine-id
	on_host "$n" sh -c 'umask 077; cat >/etc/rangeguard/cluster.json' <<-JSON
		{"endpoints": ["http://192.0.2.11:2379", "http://192.0.2.12:2379", "http://192.0.2.13:2379"],
		 "host": "h$n", "addresses": ["192.0.2.$n", "2001:db8::$n"]}
	JSON
}

# has_own_mounts N: whether the process that stands for the host has its mount namespace yet
has_own_mounts()
{
	[[ "$(readlink "/proc/$(<"h$1.pid")/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]]
}

# on_host N COMMAND…: in that host's namespaces
on_host()
{
	local n=$1

	shift
	nsenter -t "$(<"h$n.pid")" -m --net="/run/netns/h$n" -- "$@"
}

# agent_up N [ARGUMENT…]: its agent, until it answers
agent_up()
{
	nsenter -t "$(<"h$1.pid")" -m --net="/run/netns/h$1" -- "$AGENT" "${@:2}" >>"agent-h$1.log" 2>&1 &
	echo $! >"agent-h$1.pid"
	wait_until 10 on_host "$1" test -S /run/rangeguard/agent.sock
}

# agent_down N [SIGNAL]
agent_down()
{
	kill -"${2:-TERM}" "$(<"agent-h$1.pid")"
	[[ "${2:-TERM}" =~ ^(STOP|CONT)$ ]] || tail --pid="$(<"agent-h$1.pid")" -f /dev/null
}

# host_add N NAME CONF [NAME=VALUE…]: ADD of a container on a host; the result is printed
host_add()
{
	local n=$1 name=$2 conf=$3

	on_host "$n" ip netns add "$name" || true
	on_host "$n" ip -n "$name" link set lo up
	host_cni "$n" ADD "$name" "$conf" "${@:4}"
}

# host_cni N VERB NAME CONF [NAME=VALUE…]
host_cni()
{
	on_host "$1" env CNI_COMMAND="$2" CNI_CONTAINERID="$3" CNI_NETNS="/run/netns/$3" CNI_IFNAME=eth0 \
		CNI_PATH="$CNI_BIN" "${@:5}" "$RANGEGUARD" <<<"$4"
}

# address_of RESULT [4|6]: the container's address of that family
address_of()
{
	jq -r --arg v "${2:-4}" '[.ips[] | select((.address | contains(":")) == ($v == "6"))][0].address | split("/")[0]' <<<"$1"
}

# records PREFIX: keys that etcd has below it
records()
{
	etcdctl --endpoints "$ENDPOINTS" get --prefix --keys-only "/rangeguard/$1" | sed '/^$/d; s@^/rangeguard/@@'
}

# blocks_held N: whether hosts hold that many blocks
blocks_held()
{
	[[ "$(records block/ | wc -l)" == "$1" ]]
}

# blocks_are KEYS: whether these are the blocks that hosts hold
blocks_are()
{
	[[ "$(records block/)" == "$1" ]]
}
