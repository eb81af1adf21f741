#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What Docker's networks cost with the agent, beside Docker's own IPAM driver: both in turns on one Docker, so that what
# the machine does meanwhile concerns both. Prints medians and their ratio; nothing is asserted.
#
# Usage: RANGEGUARD=build/release/rangeguard tests/bench/docker.sh [ROUNDS]

ROUNDS=${ROUNDS:-20}
# shellcheck source=tests/runtimes/docker_lib.sh
source "$(dirname "$0")/../runtimes/docker_lib.sh"

# timed FILE COMMAND…: milliseconds, one per line
timed()
{
	local file=$1 begin end

	shift
	begin=$(date +%s%N)
	"$@" >/dev/null || fail "$*"
	end=$(date +%s%N)
	echo $(((end - begin) / 10000)) >>"$file"
}

# median FILE: in milliseconds
median()
{
	sort -n "$1" | awk '{ all[NR] = $1 } END { printf "%.1f", all[int((NR + 1) / 2)] / 100 }'
}

test_beside_dockers_own_driver()
{
	local what i

	for ((i = 0; i < ROUNDS; i++)); do
		timed create-default docker network create own
		timed create-rangeguard docker network create --ipam-driver rangeguard ours
		timed run-default docker run -d --name c1 --network own "$IMAGE"
		timed run-rangeguard docker run -d --name c2 --network ours "$IMAGE"
		timed remove-default docker rm -f c1
		timed remove-rangeguard docker rm -f c2
		timed delete-default docker network rm own
		timed delete-rangeguard docker network rm ours
	done
	{
		printf '%-28s %10s %10s %6s\n' "median of $ROUNDS, ms" default rangeguard ratio
		for what in create run remove delete; do
			printf '%-28s %10s %10s %6s\n' "$what" "$(median "$what-default")" "$(median "$what-rangeguard")" \
				"$(awk -v a="$(median "$what-default")" -v b="$(median "$what-rangeguard")" 'BEGIN { printf "%.2f", b / a }')"
		done
	} >&5
}

[[ -e /proc/self/fd/5 ]] || exec 5>&1
main "$@"
