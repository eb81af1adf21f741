#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real containerd, started inside the test's namespaces, runs containers that rangeguard attaches.
# ctr 1.6 calls DEL only for containers that it runs in the foreground; a detached one (-d) it forgets.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

IMAGE=localhost/busybox:test

# set_up: containerd with the image, rangeguard and a dual stack network "pods"
set_up()
{
	export CONTAINERD_NAMESPACE=$TEST_CGROUP CONTAINERD_SNAPSHOTTER=native
	install_plugins loopback tuning
	mkdir -p /etc/cni/net.d /etc/rangeguard/reserved.d
	cat >/etc/rangeguard/reserved.d/dba.json <<-EOF
		{"reserved": [{"cidr": "10.20.0.0/16", "owner": "db-platform", "reason": "Oracle RAC", "ref": "NET-1042"}]}
	EOF
	write_conflist 10.9.0.0/24 fd00:9::/64
	cat >config.toml <<-EOF
		version = 2
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
	EOF
	containerd --config config.toml --root "$PWD/root" --state /run/containerd \
		--address /run/containerd/containerd.sock >containerd.log 2>&1 &
	wait_until 20 ctr version
	busybox_image image.tar
	assert_succeeds ctr image import --snapshotter native image.tar
	host_state >state-before
}

# write_conflist IPV4-SUBNET IPV6-SUBNET [PLUGIN]: the network, PLUGIN (JSON) chained after rangeguard
write_conflist()
{
	jq -n --arg ipv4 "$1" --arg ipv6 "$2" --argjson chained "[${3-}]" '{cniVersion: "1.0.0",
		cniVersions: ["1.0.0", "1.1.0"], name: "pods", plugins: ([
		{type: "rangeguard", ipam: {type: "rangeguard", ranges: [[{subnet: $ipv4}], [{subnet: $ipv6}]]}}] + $chained)}' \
		>/etc/cni/net.d/10-pods.conflist
}

# start ID: runs a container in the foreground of a background job; ctr calls ADD before it starts the task
start()
{
	ctr run --rm --null-io --cni "$IMAGE" "$1" >"$1.log" 2>&1 &
	wait_until 30 eval "! kill -0 $! || is_running $1"
	kill -0 $! 2>/dev/null || fail "ctr run $1: $(<"$1.log")"
}

# is_running ID
is_running()
{
	ctr task ls | grep "^$1 .*RUNNING" >/dev/null
}

# has_stopped ID: whether its task is there, and has ended
has_stopped()
{
	ctr task ls | grep "^$1 .*STOPPED" >/dev/null
}

# stop ID: kills the container, after which ctr calls DEL and removes it
stop()
{
	ctr task kill -s KILL "$1"
	wait_until 20 is_gone "$1"
}

# is_gone ID
is_gone()
{
	local containers

	containers=$(ctr container ls -q) && ! grep -qx "$1" <<<"$containers"
}

# task_netns ID: path of the container's network namespace
task_netns()
{
	echo "/proc/$(ctr task ls | awk -v id="$1" '$1 == id { print $2 }')/ns/net"
}

# address ID inet|inet6: its global address
address()
{
	nsenter --net="$(task_netns "$1")" -- ip -json address show dev eth0 |
		jq -r --arg family "$2" '.[].addr_info[] | select(.family == $family and .scope == "global") | .local'
}

# assert_task_reaches ID ADDRESS…: pinged by busybox in the container
assert_task_reaches()
{
	local address

	for address in "${@:2}"; do
		assert_succeeds ctr task exec --exec-id ping "$1" ping -c 1 -W "$(scaled 2)" "$address"
	done
}

test_containers_reach_each_other_and_the_host()
{
	start c1
	start c2
	assert_matches "$(address c1 inet)" '^10\.9\.0\.' "IPv4 address of c1"
	assert_matches "$(address c2 inet)" '^10\.9\.0\.' "IPv4 address of c2"
	assert_matches "$(address c1 inet6)" '^fd00:9::' "IPv6 address of c1"
	assert_matches "$(address c2 inet6)" '^fd00:9::' "IPv6 address of c2"
	assert_equal 4 "$(leases)" "leases held"
	assert_task_reaches c1 "$(address c2 inet)" "$(address c2 inet6)" "$HOST_IPV4" "$HOST_IPV6"
	assert_task_reaches c2 "$(address c1 inet)" "$(address c1 inet6)" "$HOST_IPV4" "$HOST_IPV6"
	assert_succeeds ping -n -c 1 -W "$(scaled 2)" "$(address c1 inet)"
	assert_succeeds ping -n -c 1 -W "$(scaled 2)" "$(address c1 inet6)"
}

test_removal_leaves_nothing()
{
	local addresses

	start c1
	start c2
	addresses="$(address c1 inet) $(address c1 inet6) $(address c2 inet) $(address c2 inet6)"
	stop c1
	assert_equal 2 "$(leases)" "leases held by c2"
	assert_task_reaches c2 "$HOST_IPV4" "$HOST_IPV6"
	stop c2
	assert_nothing_left
	# shellcheck disable=SC2086
	assert_not_in_firewall $addresses
	assert_empty "$(find /var/lib/cni -type f)" "files of libcni left"
	assert_equal "$(<state-before)" "$(host_state)" "state of the host"
}

test_reserved_range_is_refused_with_its_owner()
{
	local part

	write_conflist 10.20.5.0/24 fd00:9::/64
	assert_fails ctr run --null-io --cni -d "$IMAGE" c1
	for part in 10.20.5.0/24 10.20.0.0/16 db-platform "Oracle RAC" NET-1042 /etc/rangeguard/reserved.d/dba.json; do
		assert_contains "$output" "$part" "what ctr shows"
	done
	ctr task rm -f c1
	ctr container rm c1
	assert_nothing_left
	assert_equal "$(<state-before)" "$(host_state)" "state of the host"
}

# What validate notes: a list that says 1.1.0 alone is not for this containerd. The one of the other tests is for both.
test_version_that_containerd_does_not_know()
{
	jq '.cniVersion = "1.1.0" | del(.cniVersions)' /etc/cni/net.d/10-pods.conflist >new
	cp new /etc/cni/net.d/10-pods.conflist
	assert_contains "$("$RANGEGUARD" validate /etc/cni/net.d/10-pods.conflist)" "note RG004: cniVersion 1.1.0" "validate"
	assert_fails ctr run --null-io --cni -d "$IMAGE" c1
	assert_contains "$output" 'unsupported CNI result version "1.1.0"' "what ctr shows"
}

test_same_id_again_after_a_stop_without_del_gets_the_same_addresses()
{
	local before

	assert_succeeds ctr run --null-io --cni -d "$IMAGE" c1
	before="$(address c1 inet) $(address c1 inet6)"
	ctr task kill -s KILL c1
	wait_until 10 has_stopped c1
	assert_succeeds ctr task rm -f c1
	assert_succeeds ctr container rm c1
	start c1
	assert_equal "$before" "$(address c1 inet) $(address c1 inet6)" "addresses of c1"
	assert_equal 2 "$(leases)" "leases held"
	stop c1
	assert_nothing_left
}

test_tuning_chained_after_rangeguard_sets_a_sysctl()
{
	write_conflist 10.9.0.0/24 fd00:9::/64 '{"type": "tuning", "sysctl": {"net.core.somaxconn": "500"}}'
	start c1
	assert_equal 500 "$(nsenter --net="$(task_netns c1)" -- cat /proc/sys/net/core/somaxconn)" "somaxconn in the container"
	assert_task_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
	stop c1
	assert_nothing_left
	assert_equal "$(<state-before)" "$(host_state)" "state of the host"
}

main "$@"
