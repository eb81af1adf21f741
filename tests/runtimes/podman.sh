#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real podman 4 with its CNI backend runs containers that rangeguard attaches, with portmap chained after it.
# podman passes --ip as the capability "ips", and starts a container again under the same id.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

IMAGE=localhost/busybox:test

# set_up: podman with the image, rangeguard, portmap and a dual stack network "pods"
set_up()
{
	install_plugins portmap
	mkdir -p /etc/containers /etc/rangeguard/reserved.d net.d
	cat >/etc/rangeguard/reserved.d/dba.json <<-EOF
		{"reserved": [{"cidr": "10.20.0.0/16", "owner": "db-platform", "reason": "Oracle RAC", "ref": "NET-1042"},
		              {"cidr": "10.9.0.128/25", "owner": "telephony", "reason": "SIP trunks", "ref": "NET-7"}]}
	EOF
	write_conflist 10.9.0.0/24 fd00:9::/64
	cat >/etc/containers/containers.conf <<-EOF
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		[network]
		network_backend = "cni"
		cni_plugin_dirs = ["$CNI_BIN"]
		network_config_dir = "$PWD/net.d"
		default_network = "pods"
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "none"
		runtime = "runc"
	EOF
	cat >/etc/containers/storage.conf <<-EOF
		[storage]
		driver = "vfs"
		graphroot = "$PWD/root"
		runroot = "/run/containers"
	EOF
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' >/etc/containers/policy.json
	busybox_image image.tar
	assert_succeeds podman load -i image.tar
	host_state >state-before
}

# write_conflist IPV4-SUBNET IPV6-SUBNET: the network; it allocates around what is reserved inside its subnet
write_conflist()
{
	jq -n --arg ipv4 "$1" --arg ipv6 "$2" '{cniVersion: "1.0.0", name: "pods", plugins: [
		{type: "rangeguard", capabilities: {ips: true, mac: true}, guard: {onOverlap: "exclude"},
		 ipam: {type: "rangeguard", ranges: [[{subnet: $ipv4}], [{subnet: $ipv6}]]}},
		{type: "portmap", capabilities: {portMappings: true}}]}' >net.d/pods.conflist
}

# run NAME [OPTION… [IMAGE COMMAND…]]: podman run -d; fails as podman fails
run()
{
	local name=$1

	shift
	[[ "$*" == *"$IMAGE"* ]] || set -- "$@" "$IMAGE"
	podman run -d --network pods --cap-add NET_RAW --cgroup-parent "/$TEST_CGROUP" --name "$name" "$@"
}

# address NAME inet|inet6: its global address, as the kernel of the container shows it
address()
{
	nsenter --net="/proc/$(podman inspect --format '{{.State.Pid}}' "$1")/ns/net" -- ip -json address show dev eth0 |
		jq -r --arg family "$2" '.[].addr_info[] | select(.family == $family and .scope == "global") | .local'
}

# assert_container_reaches NAME ADDRESS…: pinged by busybox in the container
assert_container_reaches()
{
	local address

	for address in "${@:2}"; do
		assert_succeeds podman exec "$1" ping -c 1 -W "$(scaled 2)" "$address"
	done
}

# remove NAME…
remove()
{
	assert_succeeds podman rm -f -t 0 "$@"
}

# assert_refused_run TEXT… -- ARGUMENT…: `run` fails, shows each text, and leaves nothing
assert_refused_run()
{
	local -a texts=()
	local text

	while [[ "$1" != -- ]]; do
		texts+=("$1")
		shift
	done
	assert_fails run "${@:2}"
	for text in "${texts[@]}"; do
		assert_contains "$output" "$text" "what podman shows"
	done
	remove "$2"
	assert_nothing_left
	assert_equal "$(<state-before)" "$(host_state)" "state of the host"
}

test_containers_reach_each_other_and_the_host()
{
	assert_succeeds run c1
	assert_succeeds run c2
	assert_matches "$(address c1 inet)" '^10\.9\.0\.' "IPv4 address of c1"
	assert_matches "$(address c2 inet)" '^10\.9\.0\.' "IPv4 address of c2"
	assert_matches "$(address c1 inet6)" '^fd00:9::' "IPv6 address of c1"
	assert_matches "$(address c2 inet6)" '^fd00:9::' "IPv6 address of c2"
	assert_equal 4 "$(leases)" "leases held"
	assert_equal "$(address c1 inet)" "$(podman inspect c1 | jq -r '.[0].NetworkSettings.Networks.pods.IPAddress')" \
		"address that podman shows"
	assert_container_reaches c1 "$(address c2 inet)" "$(address c2 inet6)" "$HOST_IPV4" "$HOST_IPV6"
	assert_container_reaches c2 "$(address c1 inet)" "$(address c1 inet6)" "$HOST_IPV4" "$HOST_IPV6"
	assert_succeeds ping -n -c 1 -W "$(scaled 2)" "$(address c1 inet)"
	assert_succeeds ping -n -c 1 -W "$(scaled 2)" "$(address c1 inet6)"
}

test_removal_leaves_nothing()
{
	local addresses

	assert_succeeds run c1 -p 8080:80
	assert_succeeds run c2
	addresses="$(address c1 inet) $(address c1 inet6) $(address c2 inet) $(address c2 inet6)"
	remove c1
	assert_equal 2 "$(leases)" "leases held by c2"
	assert_container_reaches c2 "$HOST_IPV4" "$HOST_IPV6"
	remove c2
	assert_nothing_left
	# shellcheck disable=SC2086
	assert_not_in_firewall $addresses
	assert_empty "$(find /var/lib/cni /run/netns -type f)" "files of libcni or namespaces left"
	assert_equal "$(<state-before)" "$(host_state)" "state of the host"
}

test_reserved_range_is_refused_with_its_owner()
{
	jq '.plugins[0].guard = {}' net.d/pods.conflist | sed 's,10\.9\.0\.0/24,10.20.5.0/24,' >net.d/pods.new
	mv net.d/pods.new net.d/pods.conflist
	assert_refused_run 10.20.5.0/24 10.20.0.0/16 db-platform "Oracle RAC" NET-1042 /etc/rangeguard/reserved.d/dba.json \
		-- c1
}

test_static_address_in_the_pool_is_honoured()
{
	assert_succeeds run c1 --ip 10.9.0.77
	assert_equal 10.9.0.77 "$(address c1 inet)" "IPv4 address"
	assert_matches "$(address c1 inet6)" '^fd00:9::' "IPv6 address, chosen automatically"
	assert_succeeds run c2 --ip 10.9.0.78 --ip6 fd00:9::78
	assert_equal "10.9.0.78 fd00:9::78" "$(address c2 inet) $(address c2 inet6)" "addresses of c2"
	assert_container_reaches c1 10.9.0.78 fd00:9::78 "$HOST_IPV4" "$HOST_IPV6"
}

test_static_address_that_is_reserved_is_refused_with_its_owner()
{
	assert_refused_run 10.9.0.200 10.9.0.128/25 telephony "SIP trunks" NET-7 /etc/rangeguard/reserved.d/dba.json \
		-- c1 --ip 10.9.0.200
}

test_static_address_outside_the_ranges_is_refused()
{
	assert_refused_run 10.99.0.5 -- c1 --ip 10.99.0.5
}

test_static_address_of_another_container_is_refused()
{
	assert_succeeds run c1 --ip 10.9.0.77
	assert_fails run c2 --ip 10.9.0.77
	assert_contains "$output" 10.9.0.77 "what podman shows"
	remove c2
	assert_container_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
	remove c1
	assert_nothing_left
}

test_restart_of_the_same_container()
{
	local id

	assert_succeeds run c1
	assert_succeeds run c2
	id=$(podman inspect --format '{{.Id}}' c1)
	assert_succeeds podman restart -t 0 c1
	assert_equal "$id" "$(podman inspect --format '{{.Id}}' c1)" "container id"
	assert_equal 4 "$(leases)" "leases held"
	assert_container_reaches c1 "$(address c2 inet)" "$(address c2 inet6)" "$HOST_IPV4" "$HOST_IPV6"
	remove c1 c2
	assert_nothing_left
	assert_equal "$(<state-before)" "$(host_state)" "state of the host"
}

test_portmap_chained_after_rangeguard_makes_a_host_port_reach_the_container()
{
	assert_succeeds run c1 -p 8080:80 "$IMAGE" busybox nc -ll -p 80 -e /bin/busybox echo hello
	assert_succeeds run c2
	assert_equal hello "$(busybox nc -w "$(scaled 5)" "$HOST_IPV4" 8080 </dev/null)" "what the host gets from its port"
	assert_equal hello "$(podman exec c2 busybox nc -w "$(scaled 5)" "$HOST_IPV4" 8080 </dev/null)" "what c2 gets from that port"
	remove c1
	assert_fails busybox nc -w 2 "$HOST_IPV4" 8080
}

main "$@"
