#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many of Docker's networks and containers at the agent: no subnet and no address twice, none lost. And what it costs beside
# Docker's own driver. In a script of its own, since it takes as long as the other tests of Docker together.

# Before docker_lib.sh, which has another one for its tests
TEST_TIMEOUT=${TEST_TIMEOUT:-900}
# shellcheck source=tests/runtimes/docker_lib.sh
source "$(dirname "$0")/docker_lib.sh"
NETWORKS=${RANGEGUARD_DOCKER_NETWORKS:-200}
CONTAINERS=${RANGEGUARD_DOCKER_CONTAINERS:-500}
AT_ONCE=8

# each N COMMAND…: N times with the number behind it, several at once; the seconds that it took are $seconds
each()
{
	local n=$1 begin end

	shift
	begin=$(date +%s%N)
	seq "$n" | xargs -P "$AT_ONCE" -I '{}' "$@" >>each.log 2>&1 || fail "of $n times '$*' not all worked: $(tail -n 3 each.log)"
	end=$(date +%s%N)
	seconds=$(awk -v ns=$((end - begin)) 'BEGIN { printf "%.1f", ns / 1e9 }')
}

# networks: ids of those that this script made
networks()
{
	docker network ls -q --filter name='^n[0-9]'
}

test_many_networks_and_containers()
{
	each "$NETWORKS" docker network create --ipam-driver rangeguard 'n{}'
	echo "# $NETWORKS networks in $seconds s" >&5
	assert_equal "$NETWORKS" "$(networks | xargs docker network inspect | jq -r '.[].IPAM.Config[].Subnet' | sort -u | wc -l)" \
		"different subnets"
	# shellcheck disable=SC2016 # the shell that is started expands them
	each "$CONTAINERS" sh -c 'docker run -d --name "c$0" --network "n$((($0 - 1) % '"$NETWORKS"' + 1))" '"$IMAGE" '{}'
	echo "# $CONTAINERS containers in $seconds s" >&5
	assert_equal "$CONTAINERS" "$(docker ps -q | xargs docker inspect |
		jq -r '.[].NetworkSettings.Networks[].IPAddress' | sort -u | wc -l)" "different addresses"
	assert_equal $((NETWORKS + CONTAINERS)) "$(held | sort -u | wc -l)" "what the store holds: gateways and containers"
	docker ps -q >ids
	assert_succeeds xargs -a ids docker rm -f
	assert_equal "$NETWORKS" "$(held | wc -l)" "what the store holds without containers"
	networks >ids
	assert_succeeds xargs -a ids docker network rm
	assert_empty "$(held)" "what is left"
}

[[ -e /proc/self/fd/5 ]] || exec 5>&1
main "$@"
