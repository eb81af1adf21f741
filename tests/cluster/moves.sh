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

# first_since HOST MICROSECONDS: when its first packet with the source arrived since then
first_since()
{
	awk -v mac="${mac[$1]}" -v since="$2" -v source="$X" '$2 == mac && $3 == source && $4 != "arp" && $1 > since { print $1; exit }' seen.log
}

# has_arrived HOST MICROSECONDS
has_arrived()
{
	local first

	first=$(first_since "$@") && [[ -n "$first" ]]
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
	local n result

	three_hosts
	for n in 1 2; do
		host_netns "$n" m
		spawn "m$n" "$n" ip netns exec m "$FLOW" send m 1 "$LEGACY"
	done
	must_add 1 m "$(shared 1)"
	wait_until 5 arrived m "$X"
}

# An ADD that has to claim a source that is free, beside one that finds it held
test_claims()
{
	local -i i add count=${MOVES:-10}
	local conf result

	ready
	conf=$(shared 1)
	for ((i = 0; i < count; i++)); do
		must_del 1 m "$conf"
		wait_until 5 is_free
		add=$(now)
		must_add 1 m "$conf"
		echo "$((($(now) - add) / 1000))" >>claims
		host_netns 1 "n$i"
		add=$(now)
		must_add 1 "n$i" "$conf"
		echo "$((($(now) - add) / 1000))" >>held
		must_del 1 "n$i" "$conf"
	done
	figures "ADD that claims a free source" claims
	figures "ADD that finds it held" held
	no_wrong_source "$X"
}

test_planned_moves()
{
	local -i i from=1 to=2 del add count=${MOVES:-10}
	local result
	local -a conf

	ready
	conf=([1]="$(shared 1)" [2]="$(shared 2)")
	for ((i = 0; i < count; i++)); do
		sleep 0.5
		del=$(now)
		must_del "$from" m "${conf[from]}"
		add=$(now)
		add_until "$to" m "${conf[to]}"
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
	local result

	ready
	for ((i = 0; i < count; i++)); do
		sleep "1.$RANDOM"
		death=$(now)
		ip link set "v-h$from" down
		agent_down "$from" KILL
		add_until "$to" m "$(shared "$to")"
		wait_until 5 has_arrived "$to" "$death"
		echo "$((($(first_since "$to" "$death") - death) / 1000))" >>takeovers
		ip link set "v-h$from" up
		agent_up "$from"
		must_del "$from" m "$(shared "$from")"
		((from = to, to = 3 - from)) || true
	done
	figures "takeover, from the host's death to the first packet" takeovers
	no_wrong_source "$X"
}

main "$@"
