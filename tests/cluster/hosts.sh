#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hosts of a cluster, each with namespaces of its own (network, mount) and an agent, on one link with three etcd members;
# sourced after tests/lib.sh.

AGENT=$(dirname "$RANGEGUARD")/rangeguard-agent
# How long etcd's client tries: what it gives up counts as a failure of the test, on a machine of any pace
export ETCDCTL_DIAL_TIMEOUT=30s ETCDCTL_COMMAND_TIMEOUT=60s
# How long a holder of shared sources may be silent, in seconds: cluster.json's ttl. A test that has an agent stopped while its
# sources are to go on says more.
TTL=5

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
	# Of a test that fails
	trap '(($? == 0)) || tell_logs' EXIT
}

# tell_logs: the last that agents and etcd have said
tell_logs()
{
	local log

	for log in agent-h*.log etcd-e*.log; do
		[[ ! -s "$log" ]] || sed "s/^/$log: /" "$log" | tail -n 20
	done
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
		 "host": "h$n", "addresses": ["192.0.2.$n", "2001:db8::$n"], "ttl": $TTL}
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

# agent_up N [ARGUMENT…]: its agent, until it is ready
agent_up()
{
	nsenter -t "$(<"h$1.pid")" -m --net="/run/netns/h$1" -- "$AGENT" "${@:2}" >>"agent-h$1.log" 2>&1 &
	echo $! >"agent-h$1.pid"
	wait_until 20 agent_is_ready "$1"
}

# agent_is_ready N: whether it answers, and has registered the host or heard that it is refused; or says that the host is in no
# cluster. That it has a socket says nothing: a killed one leaves that.
agent_is_ready()
{
	local said

	if said=$(on_host "$1" "$RANGEGUARD" cluster status --format json 2>&1); then
		jq -e '.registered or .refused' <<<"$said"
	else
		[[ "$said" == *'be asked "cluster-status": '* ]]
	fi
}

# agent_down N [SIGNAL]
agent_down()
{
	kill -"${2:-TERM}" "$(<"agent-h$1.pid")"
	[[ "${2:-TERM}" =~ ^(STOP|CONT)$ ]] || tail --pid="$(<"agent-h$1.pid")" -f /dev/null
}

# host_netns N NAME: a container's network namespace on a host, unless it is there
host_netns()
{
	on_host "$1" test -e "/run/netns/$2" || on_host "$1" ip netns add "$2"
	on_host "$1" ip -n "$2" link set lo up
}

# add_while CODES N NAME CONF [NAME=VALUE…]: ADD of a container on a host as a runtime does it, again as long as the error's code
# is one of these (a regular expression); prints the last result
add_while()
{
	local codes=$1 n=$2 name=$3 result
	local -i end=$((SECONDS + $(scaled 30)))

	host_netns "$n" "$name"
	until result=$(host_cni "$n" ADD "$name" "${@:4}"); do
		if ((SECONDS >= end)) || [[ ! "$(jq .code <<<"$result")" =~ ^($codes)$ ]]; then
			printf '%s\n' "$result"
			return 1
		fi
	done
	printf '%s\n' "$result"
}

# host_add N NAME CONF [NAME=VALUE…]: ADD, again as long as it says "try again" (code 11), which it may whenever etcd or the agent
# did not come to an answer in two seconds; the result is printed
host_add()
{
	add_while 11 "$@"
}

# add_once N NAME CONF [NAME=VALUE…]: one ADD, where the host has all that it takes, or must say why it has not
add_once()
{
	host_netns "$1" "$2"
	host_cni "$1" ADD "${@:2}"
}

# must_add N NAME CONF [NAME=VALUE…]: host_add, which has to succeed; the result is in $result
must_add()
{
	result=$(host_add "$@") || fail "ADD of $2 on h$1: $result"
}

# must_add_at_once N NAME CONF [NAME=VALUE…]: the same with one ADD
must_add_at_once()
{
	result=$(add_once "$@") || fail "ADD of $2 on h$1, at once: $result"
}

# must_del N NAME CONF: DEL of a container on a host, which always succeeds
must_del()
{
	local said

	said=$(host_cni "$1" DEL "${@:2}" 2>&1) || fail "DEL of $2 on h$1: $said"
}

# host_cni N VERB NAME CONF [NAME=VALUE…]
host_cni()
{
	on_host "$1" env CNI_COMMAND="$2" CNI_CONTAINERID="$3" CNI_NETNS="/run/netns/$3" CNI_IFNAME=eth0 \
		CNI_PATH="$CNI_BIN" "${@:5}" "$RANGEGUARD" <<<"$4"
}

# must_check N NAME CONF: CHECK of a container on a host, which finds nothing
must_check()
{
	local said

	said=$(host_cni "$1" CHECK "${@:2}" 2>&1) || fail "CHECK of $2 on h$1: $said"
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

# are_records PREFIX KEYS: whether these are the keys that etcd has below it, in their order, a line each; "" for none
are_records()
{
	local keys

	keys=$(records "$1") && [[ "$keys" == "$2" ]]
}

# blocks_held N: whether hosts hold that many blocks
blocks_held()
{
	local keys

	keys=$(records block/) && [[ "$(grep -c . <<<"$keys")" == "$1" ]]
}

# is_free: whether no host holds a shared source
is_free()
{
	are_records source/ ""
}

# cluster N ARGUMENT…: rangeguard cluster on a host
cluster()
{
	local n=$1

	shift
	on_host "$n" "$RANGEGUARD" cluster "$@"
}

# shows N REGEX: whether the status of a host has a line that matches
shows()
{
	local said

	said=$(cluster "$1" status) && grep -qE "$2" <<<"$said"
}
