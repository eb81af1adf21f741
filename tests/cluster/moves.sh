#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How long a shared source takes to be claimed and to move: an ADD that claims one, a planned move (DEL there, ADD here) and a
# takeover after a host's sudden death, these until the first packet arrives at the service. MOVES and TAKEOVERS say how many; what is measured is printed, not judged.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cluster/hosts.sh
source "$(dirname "$0")/hosts.sh"
# shellcheck source=tests/cluster/shared.sh
source "$(dirname "$0")/shared.sh"

# now: microseconds
now()
{
	echo "${EPOCHREALTIME/./}"
}

# first_since HOST MICROSECONDS: when its first packet with the source arrived since then
first_since()
{
	awk -v mac="${mac[$1]}" -v since="$2" -v source="$X" '$2 == mac && $3 == source && $4 != "arp" && $1 > since { print $1; exit }' seen.log
}

# has_arrived HOST MICROSECONDS
has_arrived()
{
	[[ -n "$(first_since "$@")" ]]
}

# figures WHAT FILE: p50, p99 and the maximum of milliseconds
figures()
{
	note "$1: $(sort -n "$2" | awk '{ a[NR] = $1 } END { printf "p50 %.0f, p99 %.0f, max %.0f ms of %d", a[int((NR + 1) / 2)],
		a[int(NR * 0.99 + 0.999)], a[NR], NR }')"
}

# ready: on each host a container's namespace in which something tries to send all the time
ready()
{
	local n

	three_hosts
	for n in 1 2; do
		on_host "$n" ip netns add m
		on_host "$n" ip -n m link set lo up
		spawn "m$n" "$n" ip netns exec m "$FLOW" send m 1 "$LEGACY"
	done
	host_cni 1 ADD m "$(shared 1)" >/dev/null || fail "the first ADD"
	wait_until 5 arrived m "$X"
}

# is_free: whether no host holds the source
is_free()
{
	[[ -z "$(records source/)" ]]
}

# An ADD that has to claim a source that is free, beside one that finds it held
test_claims()
{
	local -i i add count=${MOVES:-10}
	local conf

	ready
	conf=$(shared 1)
	for ((i = 0; i < count; i++)); do
		host_cni 1 DEL m "$conf" || fail "DEL"
		wait_until 5 is_free
		add=$(now)
		host_cni 1 ADD m "$conf" >out || fail "ADD: $(<out)"
		echo "$((($(now) - add) / 1000))" >>claims
		on_host 1 ip netns add "n$i"
		on_host 1 ip -n "n$i" link set lo up
		add=$(now)
		host_cni 1 ADD "n$i" "$conf" >out || fail "ADD beside it: $(<out)"
		echo "$((($(now) - add) / 1000))" >>held
		host_cni 1 DEL "n$i" "$conf" || fail "DEL beside it"
	done
	figures "ADD that claims a free source" claims
	figures "ADD that finds it held" held
	no_wrong_source "$X"
}

test_planned_moves()
{
	local -i i from=1 to=2 del add count=${MOVES:-10}
	local conf1 conf2

	ready
	conf1=$(shared 1) conf2=$(shared 2)
	for ((i = 0; i < count; i++)); do
		sleep 0.5
		del=$(now)
		host_cni "$from" DEL m "$([[ $from == 1 ]] && echo "$conf1" || echo "$conf2")" || fail "DEL on h$from"
		add=$(now)
		host_cni "$to" ADD m "$([[ $to == 1 ]] && echo "$conf1" || echo "$conf2")" >out || fail "ADD on h$to: $(<out)"
		wait_until 5 has_arrived "$to" "$add"
		echo "$((($(first_since "$to" "$add") - add) / 1000))" >>adds
		echo "$((($(first_since "$to" "$add") - del) / 1000))" >>moves
		((from = to, to = 3 - from)) || true
	done
	figures "planned move, from ADD to the first packet" adds
	figures "planned move, from DEL to the first packet" moves
	no_wrong_source "$X"
}

test_takeovers()
{
	local -i i from=1 to=2 death count=${TAKEOVERS:-3}

	ready
	for ((i = 0; i < count; i++)); do
		sleep "1.$RANDOM"
		death=$(now)
		ip link set "v-h$from" down
		agent_down "$from" KILL
		until host_cni "$to" ADD m "$(shared "$to")" >out; do
			assert_refused 11 "$(<out)" "a takeover that goes on"
		done
		wait_until 5 has_arrived "$to" "$death"
		echo "$((($(first_since "$to" "$death") - death) / 1000))" >>takeovers
		ip link set "v-h$from" up
		agent_up "$from"
		host_cni "$from" DEL m "$(shared "$from")"
		((from = to, to = 3 - from)) || true
	done
	figures "takeover, from the host's death to the first packet" takeovers
	no_wrong_source "$X"
}

main "$@"
