#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who gets which address: order, addresses asked for by name, exhaustion, the state directory, and what happens to it
# under concurrency, on a full disk, after a reboot, and with a lock that is never released.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
	"ranges": [[{"subnet": "10.9.0.0/24"}]]}}'
DUAL=$(jq -c '.ipam.ranges += [[{"subnet": "fd00:9::/64"}]]' <<<"$CONF")
# .1 to .6
SMALL=$(jq -c '.ipam.ranges = [[{"subnet": "10.9.0.0/29"}]]' <<<"$CONF")
BOOT_ID=/proc/sys/kernel/random/boot_id

# with CONF FILTER…: the configuration, changed by a jq program
with()
{
	jq -c "${@:2}" <<<"$1"
}

# give NAME CONF [NAME=VALUE…]: ADD, in a container that is made where it is missing; prints the addresses
give()
{
	[[ -e "/run/netns/$1" ]] || container "$1"
	output=$(add "$@") || fail "ADD of $1: $output"
	jq -r '[.ips[].address | sub("/.*"; "")] | join(" ")' <<<"$output"
}

# assert_given ADDRESSES NAME CONF [NAME=VALUE…]
assert_given()
{
	assert_equal "$1" "$(give "${@:2}")" "address of $2"
}

# leases_of CONF: those in its state directory, none where that is not there
leases_of()
{
	local data_dir

	data_dir=$(jq -r '.ipam.dataDir // "/run/rangeguard"' <<<"$1")
	[[ ! -e "$data_dir" ]] || { "$RANGEGUARD" list --data-dir "$data_dir" 2>/dev/null || true; } | tail -n +2
}

# assert_not_given CODE NAME CONF [NAME=VALUE…]: the ADD is refused and no lease changes; the error is left in $output
assert_not_given()
{
	local before

	[[ -e "/run/netns/$2" ]] || container "$2"
	before=$(leases_of "$3")
	assert_fails add "${@:2}"
	assert_refused "$1" "$output" "ADD of $2"
	assert_equal "$before" "$(leases_of "$3")" "leases after a refusal"
}

# status CONF
status()
{
	cni STATUS "" "" "" "$1"
}

# assert_distinct N FILE…: the results in the files have N addresses, all different
assert_distinct()
{
	assert_equal "$1" "$(jq -r '.ips[].address' "${@:2}" | sort -u | wc -l)" "different addresses"
	assert_equal "$1" "$(jq -r '.ips[].address' "${@:2}" | wc -l)" "addresses"
}

test_next_address_follows_the_last_one()
{
	local conf name

	conf=$(with "$SMALL" '.ipam.reuseDelay = 0')
	assert_given 10.9.0.1 c1 "$conf"
	assert_given 10.9.0.2 c2 "$conf"
	del c1 "$conf"
	assert_given 10.9.0.3 c3 "$conf"
	for name in c4 c5 c6; do
		give "$name" "$conf" >/dev/null
	done
	del c5 "$conf"
	assert_given 10.9.0.1 c7 "$conf"
	assert_given 10.9.0.5 c8 "$conf"
}

test_ranges_follow_in_their_order()
{
	local conf

	conf=$(with "$CONF" '.ipam.ranges = [[{subnet: "10.9.1.0/30"}, {subnet: "10.9.0.0/24", rangeStart: "10.9.0.8", rangeEnd: "10.9.0.8"}]]')
	assert_given 10.9.1.1 c1 "$conf"
	assert_given 10.9.1.2 c2 "$conf"
	assert_given 10.9.0.8 c3 "$conf"
	assert_not_given 101 c4 "$conf"
	del c2 "$conf"
	assert_given 10.9.1.2 c4 "$conf"
}

test_released_address_rests_while_another_is_free()
{
	local conf

	assert_given 10.9.0.1 c1 "$SMALL"
	del c1 "$SMALL"
	assert_given 10.9.0.6 c2 "$SMALL" CNI_ARGS=IP=10.9.0.6
	assert_given 10.9.0.2 c3 "$SMALL"
	del c2 "$SMALL"
	conf=$(with "$SMALL" '.ipam.reuseDelay = 0')
	assert_given 10.9.0.5 c4 "$conf" CNI_ARGS=IP=10.9.0.5
	assert_given 10.9.0.6 c5 "$conf"
	assert_given 10.9.0.1 c6 "$conf"
}

# is_later_than SECOND
is_later_than()
{
	(($(date +%s) > $1))
}

test_longest_rested_address_comes_first_when_nothing_else_is_left()
{
	local conf

	conf=$(with "$CONF" '.ipam.ranges = [[{subnet: "10.9.0.0/30"}]]')
	assert_given 10.9.0.1 c1 "$conf"
	assert_given 10.9.0.2 c2 "$conf"
	del c2 "$conf"
	# Which one has rested longer is told by the second.
	wait_until 2 is_later_than "$(date +%s)"
	del c1 "$conf"
	assert_given 10.9.0.2 c3 "$conf"
	assert_given 10.9.0.1 c4 "$conf"
}

test_network_and_broadcast_address_only_by_name()
{
	local conf

	assert_not_given 105 c1 "$CONF" CNI_ARGS=IP=10.9.0.0
	assert_not_given 105 c1 "$CONF" CNI_ARGS=IP=10.9.0.255
	conf=$(with "$CONF" '.ipam.ranges = [[{subnet: "10.9.0.0/30", rangeStart: "10.9.0.0", rangeEnd: "10.9.0.3"}]]')
	assert_given 10.9.0.0 c1 "$conf"
	give c2 "$conf" >/dev/null
	give c3 "$conf" >/dev/null
	assert_given 10.9.0.3 c4 "$conf"
}

test_legacy_range()
{
	local conf

	conf=$(with "$CONF" '.ipam = {type: "rangeguard", subnet: "10.9.0.0/24", rangeStart: "10.9.0.10", rangeEnd: "10.9.0.11",
		gateway: "10.9.0.10"}')
	assert_given 10.9.0.11 c1 "$conf"
	assert_not_given 101 c2 "$conf"
}

test_later_source_of_a_requested_address_replaces_the_earlier()
{
	local conf

	assert_given 10.9.0.10 c1 "$CONF" "CNI_ARGS=IgnoreUnknown=1;IP=10.9.0.10"
	conf=$(with "$CONF" '.args.cni.ips = ["10.9.0.11"]')
	assert_given 10.9.0.11 c2 "$conf" CNI_ARGS=IP=10.9.0.20
	conf=$(with "$conf" '.runtimeConfig.ips = ["10.9.0.12/24"]')
	assert_given 10.9.0.12 c3 "$conf" CNI_ARGS=IP=10.9.0.20
	assert_given 10.9.0.13 c4 "$CONF"
	assert_given 10.9.0.30 c5 "$CONF" CNI_ARGS=IP=10.9.0.30/24
}

test_requested_addresses_of_both_families()
{
	assert_given "10.9.0.10 fd00:9::10" c1 "$(with "$DUAL" '.runtimeConfig.ips = ["fd00:9::10", "10.9.0.10"]')"
	assert_given "10.9.0.11 fd00:9::11" c2 "$DUAL" CNI_ARGS=IP=10.9.0.11,fd00:9::11
	assert_given "10.9.0.12 fd00:9::40" c3 "$DUAL" CNI_ARGS=IP=fd00:9::40
}

test_requested_address_that_is_held()
{
	give c1 "$CONF" >/dev/null
	assert_not_given 105 c2 "$CONF" CNI_ARGS=IP=10.9.0.1
	assert_contains "$output" 10.9.0.1 "the refusal"
	assert_contains "$output" "c1" "the refusal names the holder"
	del c1 "$CONF"
	assert_given 10.9.0.1 c2 "$CONF" CNI_ARGS=IP=10.9.0.1
}

test_requested_address_outside_the_ranges()
{
	assert_not_given 105 c1 "$CONF" CNI_ARGS=IP=10.8.0.1
	assert_contains "$output" 10.8.0.1 "the refusal"
	assert_contains "$output" 10.9.0.1-10.9.0.254 "the refusal names the ranges"
	assert_not_given 105 c1 "$CONF" CNI_ARGS=IP=fd00:9::1
	assert_not_given 105 c1 "$(with "$DUAL" '.runtimeConfig.ips = ["10.9.0.5", "fd00:8::5"]')"
	assert_not_given 105 c1 "$(with "$CONF" '.runtimeConfig.ips = ["10.9.0.5", "10.9.0.6"]')"
	assert_equal 0 "$(leases)" "leases"
}

test_gateway_is_never_given()
{
	local conf

	conf=$(with "$CONF" '.ipam.ranges = [[{subnet: "10.9.0.0/29", gateway: "10.9.0.2"}]]')
	assert_given 10.9.0.1 c1 "$conf"
	assert_given 10.9.0.3 c2 "$conf"
	assert_not_given 105 c3 "$conf" CNI_ARGS=IP=10.9.0.2
}

# Where a container's routes lead, and what pins make others know, is nobody's address
test_next_hop_is_never_given()
{
	local conf

	conf=$(with "$CONF" '.ipam.ranges = [[{subnet: "169.254.1.0/29"}]]')
	assert_given 169.254.1.2 c1 "$conf"
	assert_not_given 105 c2 "$conf" CNI_ARGS=IP=169.254.1.1
	conf=$(with "$DUAL" '.ipam.ranges[0] = [{subnet: "10.9.0.0/29"}] | .ipam.routes = [{dst: "0.0.0.0/0", gw: "10.9.0.1"},
		{dst: "::/0", gw: "fd00:9::1"}]')
	assert_given "10.9.0.2 fd00:9::2" c3 "$conf"
	assert_not_given 105 c4 "$conf" CNI_ARGS=IP=10.9.0.1
	assert_reaches c3 "$HOST_IPV4" "$HOST_IPV6"
	conf=$(with "$CONF" '.name = "bridged" | .type = "bridge" | .ipam.ranges = [[{subnet: "10.8.0.0/29", gateway: "10.8.0.1"}]]
		| .ipam.routes = [{dst: "192.0.2.0/24", gw: "10.8.0.2"}]')
	assert_given 10.8.0.3 c5 "$conf"
}

test_source_of_a_pin_is_never_given()
{
	local conf

	conf=$(with "$CONF" '.snat = [{name: "a", match: {pod: "nobody"}, source: ["10.9.0.1"], destinations: ["203.0.113.0/24"],
		assign: "lo"}]')
	assert_given 10.9.0.2 c1 "$conf"
	assert_not_given 105 c2 "$conf" CNI_ARGS=IP=10.9.0.1
}

test_what_no_host_can_have_is_never_given()
{
	assert_given 128.0.0.0 c1 "$(with "$CONF" '.ipam.ranges = [[{subnet: "0.0.0.0/0", rangeStart: "127.255.255.254",
		rangeEnd: "128.0.0.5"}]]')"
	assert_given ::1:0:0:0 c2 "$(with "$CONF" '.ipam.ranges = [[{subnet: "::/64", rangeStart: "::1:0:0:0", rangeEnd: "::1:0:0:0"}]]')"
	assert_given ::1:0:0:1 c3 "$(with "$CONF" '.ipam.ranges = [[{subnet: "::/64", rangeStart: "::fffe:ffff:ffff",
		rangeEnd: "::1:0:0:1"}]]')"
	assert_given ::fffe:ffff:ffff c4 "$(with "$CONF" '.ipam.ranges = [[{subnet: "::/64", rangeStart: "::fffe:ffff:ffff",
		rangeEnd: "::1:0:0:1"}]]')"
	assert_not_given 105 c5 "$(with "$CONF" '.ipam.ranges = [[{subnet: "126.0.0.0/7"}]]')" CNI_ARGS=IP=127.0.0.1
}

test_host_address_is_never_given()
{
	ip address add 10.9.0.1/32 dev lo
	assert_given 10.9.0.2 c1 "$CONF"
	assert_not_given 105 c2 "$CONF" CNI_ARGS=IP=10.9.0.1
}

test_exhausted_pool()
{
	local conf

	conf=$(with "$CONF" '.ipam.ranges = [[{subnet: "10.9.0.0/30"}]]')
	status "$conf"
	give c1 "$conf" >/dev/null
	status "$conf"
	give c2 "$conf" >/dev/null
	assert_not_given 101 c3 "$conf"
	assert_contains "$output" 10.9.0. "the refusal"
	output=$(status "$conf" 2>&1) || fail "a full pool takes the node out of service: $output"
	assert_contains "$output" "code 101: pool exhausted" "what STATUS says"
	assert_fails status "$(with "$conf" '.guard.strictStatus = true')"
	assert_refused 50 "$output" "strict STATUS"
	del c1 "$conf"
	status "$conf"
}

test_dead_leases_are_reclaimed_before_a_pool_is_exhausted()
{
	local conf

	conf=$(with "$CONF" '.ipam.ranges = [[{subnet: "10.9.0.0/30"}]]')
	assert_given 10.9.0.1 c1 "$conf"
	assert_given 10.9.0.2 c2 "$conf"
	assert_not_given 101 c3 "$conf"
	ip netns delete c1
	wait_until 5 eval '! ip route show proto 82 | grep -q 10.9.0.1'
	assert_given 10.9.0.1 c3 "$conf"
	assert_equal 2 "$(leases)" "leases"
}

# The numbers of namespaces that are gone are used again: by these alone the dead seem to live
test_dead_leases_with_recurring_namespace_numbers()
{
	local conf role inode
	local -i i tries

	for role in rangeguard bridge; do
		conf=$(with "$CONF" '.type = $ARGS.positional[0] | .ipam.ranges = [[{subnet: "10.9.0.0/30"}]]' --args "$role")
		inode=
		for ((i = 0; i < 5; i++)); do
			container again
			# The kernel gives the number again once it has taken the old namespace down
			for ((tries = 0; tries < 200; tries++)); do
				[[ -n "$inode" && "$(stat -Lc %i "$(netns_path again)")" != "$inode" ]] || break
				ip netns delete again
				sleep 0.02
				container again
			done
			inode=$(stat -Lc %i "$(netns_path again)")
			output=$(cni ADD "$role-$i" "$(netns_path again)" eth0 "$conf") || fail "$role: ADD number $i: $output"
			ip netns delete again
		done
		rm -r /run/rangeguard
	done
}

test_both_families_or_none()
{
	local conf

	conf=$(with "$DUAL" '.ipam.ranges[1] = [{subnet: "fd00:9::7/128"}]')
	assert_given "10.9.0.1 fd00:9::7" c1 "$conf"
	assert_not_given 101 c2 "$conf"
	assert_given 10.9.0.2 c2 "$CONF"
}

test_networks_share_one_truth()
{
	local other

	other=$(with "$SMALL" '.name = "other" | .ipam.ranges = [[{subnet: "10.9.0.0/30"}]]')
	assert_given 10.9.0.1 c1 "$SMALL"
	assert_given 10.9.0.2 c2 "$other"
	assert_not_given 101 c3 "$other"
	assert_not_given 105 c3 "$other" CNI_ARGS=IP=10.9.0.1
	assert_contains "$output" "pods" "the refusal names the network"
	assert_given 10.9.0.3 c3 "$SMALL"
}

# As delegates: in the interface role the host's route would tell
test_separate_directories_are_separate_spaces()
{
	local conf

	conf=$(with "$CONF" '.type = "bridge"')
	assert_given 10.9.0.2 c1 "$conf"
	assert_given 10.9.0.2 c2 "$(with "$conf" '.ipam.dataDir = "/run/elsewhere"')"
	assert_given 10.9.0.3 c3 "$conf"
}

test_delegate_reports_what_host_local_would()
{
	local result

	container c1
	result=$(add c1 "$(with "$DUAL" '.type = "bridge" | .isGateway = true | .unknownToUs = 1')")
	assert_json "$result" '[.ips[] | [.address, .gateway]] ==
		[["10.9.0.2/24", "10.9.0.1"], ["fd00:9::2/64", "fd00:9::1"]]' "ips"
	assert_json "$result" '(.routes // []) == [] and (.interfaces // []) == []' "routes and interfaces"
	assert_empty "$(inside c1 ip -json link show | jq -r '.[].ifname | select(. == "eth0")')" "interfaces in the container"
	del c1 "$CONF"
	result=$(add c1 "$(with "$CONF" '.type = "macvlan" | .ipam.routes = [{dst: "0.0.0.0/0", gw: "10.9.0.9"}]
		| .ipam.ranges = [[{subnet: "10.9.0.0/24", gateway: "10.9.0.9"}]]')")
	assert_json "$result" '.routes == [{dst: "0.0.0.0/0", gw: "10.9.0.9"}] and .ips[0].gateway == "10.9.0.9"' "listed routes"
	del c1 "$CONF"
	assert_nothing_left
}

test_delegate_called_again()
{
	local conf

	conf=$(with "$CONF" '.type = "bridge"')
	assert_given 10.9.0.2 c1 "$conf"
	output=$(add c1 "$conf") || true
	assert_json "$output" '.code > 0 or .ips[0].address == "10.9.0.2/24"' "ADD again while the namespace lives"
	assert_equal 1 "$(leases)" "leases"
	ip netns delete c1
	assert_given 10.9.0.2 c1 "$conf"
	del c1 "$conf"
	assert_equal 0 "$(leases)" "leases after DEL"
}

test_same_attachment_gets_the_same_addresses()
{
	assert_given "10.9.0.1 fd00:9::1" c1 "$DUAL"
	assert_given "10.9.0.2 fd00:9::2" c2 "$DUAL"
	ip netns delete c1
	wait_until 5 eval '! ip route show proto 82 | grep -q 10.9.0.1'
	assert_given "10.9.0.1 fd00:9::1" c1 "$DUAL"
	inside c1 ip link delete eth0
	assert_given "10.9.0.1 fd00:9::1" c1 "$DUAL"
	assert_equal 4 "$(leases)" "leases"
}

test_lost_store_is_rebuilt_from_the_kernel()
{
	local before

	give c1 "$DUAL" >/dev/null
	give c2 "$DUAL" >/dev/null
	before=$("$RANGEGUARD" list --format json | jq -c '[.leases[] | {network, address, containerID, ifname}]')
	rm -r /run/rangeguard
	assert_given "10.9.0.3 fd00:9::3" c3 "$DUAL"
	assert_equal "$before" "$("$RANGEGUARD" list --format json |
		jq -c '[.leases[] | {network, address, containerID, ifname} | select(.containerID != "c3")]')" "leases"
	del c1 "$DUAL"
	del c2 "$DUAL"
	del c3 "$DUAL"
	assert_nothing_left
}

# damage WHAT: one of several ways
damage()
{
	local store=/run/rangeguard/leases.mdb

	case $1 in
	garbage) head -c 8192 /dev/urandom | dd of=$store conv=notrunc status=none ;;
	short) truncate -s 5000 $store ;;
	empty) : >$store ;;
	text) echo nonsense >$store ;;
	esac
}

test_damaged_store()
{
	local what name

	for what in garbage short empty text; do
		give c1 "$DUAL" >/dev/null
		give c2 "$DUAL" >/dev/null
		damage "$what"
		give c3 "$DUAL" >/dev/null
		assert_empty "$(ip -json route show proto 82 | jq -r '.[].dst' | sort | uniq -d)" "$what: addresses given twice"
		assert_reaches c3 "$HOST_IPV4" "$HOST_IPV6"
		damage "$what"
		for name in c1 c2 c3; do
			del "$name" "$DUAL" 2>/dev/null
		done
		assert_empty "$(ip -o link show | grep ': rg' || true)" "$what: interfaces after DEL"
		rm -r /run/rangeguard
	done
}

test_late_delete_of_another_container()
{
	give c1 "$CONF" >/dev/null
	give c2 "$CONF" >/dev/null
	cni DEL c1 "$(netns_path c2)" eth0 "$CONF"
	assert_reaches c2 "$HOST_IPV4"
	assert_equal 1 "$(leases)" "leases"
	cni DEL c1 "$(netns_path c2)" eth0 "$CONF"
	assert_equal 1 "$(leases)" "leases after a second DEL"
}

test_state_directory_is_private()
{
	umask 0
	give c1 "$(with "$CONF" '.ipam.dataDir = "/run/a/b"')" >/dev/null
	assert_equal "700 root" "$(stat -c "%a %U" /run/a/b)" "the state directory"
	assert_equal "755 root" "$(stat -c "%a %U" /run/a)" "its parent"
	assert_equal "600" "$(find /run/a/b -type f -exec stat -c %a {} + | sort -u)" "its files"
	assert_empty "$(find /run/a/b -name '*.*' ! -name leases.mdb)" "other files"
}

# assert_unsafe WHAT CONF: the state directory can't be trusted: ADD and STATUS say so, DEL does not mind
assert_unsafe()
{
	local conf=$2 before

	before=$(host_state)
	assert_not_given 106 c1 "$conf"
	assert_contains "$output" "$(jq -r .ipam.dataDir <<<"$conf")" "$1: the refusal"
	assert_equal "$before" "$(host_state)" "$1: the host"
	assert_fails status "$conf"
	assert_refused 50 "$output" "$1: STATUS"
	del c1 "$conf" 2>/dev/null
	assert_empty "$(find /run/state/ -mindepth 1)" "$1: files"
}

test_state_directory_that_others_can_write_to()
{
	local conf

	conf=$(with "$CONF" '.ipam.dataDir = "/run/state"')
	mkdir -m 0770 /run/state
	assert_unsafe "writable by its group" "$conf"
	chmod 0702 /run/state
	assert_unsafe "writable by others" "$conf"
	chmod 0700 /run/state
	chown nobody /run/state
	assert_unsafe "another user's" "$conf"
	chown root /run/state
	ln -s /run/state /run/link
	conf=$(with "$CONF" '.ipam.dataDir = "/run/link"')
	chown -h nobody /run/link
	assert_unsafe "behind a foreign symlink" "$conf"
	conf=$(with "$CONF" '.ipam.dataDir = "/run/link/../state"')
	assert_unsafe "through a foreign symlink" "$conf"

	chown -h root /run/link
	assert_given 10.9.0.1 c1 "$conf"
	chmod 0770 /run/state
	del c1 "$conf" 2>/dev/null
	assert_empty "$(ip route show proto 82)" "routes after DEL without a usable store"
}

test_store_or_lock_that_is_a_symlink()
{
	mkdir -m 0700 /run/rangeguard
	echo precious >precious
	ln -s "$PWD/precious" /run/rangeguard/leases.mdb
	container c1
	assert_fails add c1 "$CONF"
	assert_refused 106 "$output" "the store is a symlink"
	rm /run/rangeguard/*
	ln -s "$PWD/precious" /run/rangeguard/lock
	assert_fails add c1 "$CONF"
	assert_refused 106 "$output" "the lock is a symlink"
	assert_equal precious "$(<precious)" "the file behind the symlink"
}

# What stops every ADD for good takes the node out of service; looking alone would not show it
test_state_that_can_not_be_written()
{
	local conf

	conf=$(with "$CONF" '.ipam.dataDir = "/run/state/rangeguard"')
	mkdir /run/state
	mount -t tmpfs -o mode=0755 tmpfs /run/state
	mount -o remount,ro /run/state
	assert_fails status "$conf"
	assert_refused 50 "$output" "no state yet, and none can be made"
	assert_contains "$output" "Read-only file system" "the words"
	mount -o remount,rw /run/state
	give c1 "$conf" >/dev/null
	status "$conf"
	mount -o remount,ro /run/state
	assert_fails status "$conf"
	assert_refused 50 "$output" "a store that can only be read"
	assert_contains "$output" "Read-only file system" "the words"
	mount -o remount,rw /run/state
	status "$conf"
}

# start_adds N CONF: that many ADDs at once, the results in p1.json, p2.json, …; their containers are there already
start_adds()
{
	local -i i

	for ((i = 1; i <= $1; i++)); do
		answer_in "p$i.json" add "p$i" "$2" 2>"p$i.log" &
	done
}

# containers N: p1, p2, …
containers()
{
	local -i i

	for ((i = 1; i <= $1; i++)); do
		container "p$i"
	done
}

test_parallel_adds_from_nothing()
{
	local -i i

	containers 30
	start_adds 30 "$DUAL"
	for ((i = 1; i <= 30; i++)); do
		wait -n || fail "an ADD failed: $(grep -l '"code"' p*.json | xargs cat)"
	done
	assert_distinct 60 p*.json
	assert_equal 60 "$(leases)" "leases"
	for ((i = 1; i <= 30; i++)); do
		answer_in /dev/null del "p$i" "$DUAL" &
	done
	for ((i = 1; i <= 30; i++)); do
		wait -n || fail "a DEL failed"
	done
	assert_nothing_left
}

# churn NAME: ADD and DEL in turn
churn()
{
	local -i i
	local output mine

	for ((i = 0; i < 6; i++)); do
		again add "$1" "$DUAL"
		mine=$(jq -r '[.ips[].address | sub("/.*"; "")] | join(" ")' <<<"$output")
		assert_equal 2 "$("$RANGEGUARD" list --format json |
			jq --arg id "$1" --arg mine "$mine" '[.leases[] | select(.address as $a | $mine | split(" ") | index($a))
				| select(.containerID == $id)] | length')" "leases of $1"
		again del "$1" "$DUAL"
	done
}

test_parallel_adds_and_deletes()
{
	local -i i

	containers 6
	for ((i = 1; i <= 6; i++)); do
		churn "p$i" &
	done
	for ((i = 1; i <= 6; i++)); do
		wait -n || fail "one of them failed"
	done
	assert_nothing_left
}

test_one_winner_for_the_last_address()
{
	local conf
	local -i won

	conf=$(with "$CONF" '.ipam.ranges = [[{subnet: "10.9.0.7/32"}]]')
	containers 12
	start_adds 12 "$conf"
	wait
	won=$(jq -s '[.[] | select(.ips)] | length' p*.json)
	assert_equal 1 "$won" "ADDs that got the last address"
	assert_equal 11 "$(jq -s '[.[] | select(.code == 101)] | length' p*.json)" "clean refusals"
	assert_equal 1 "$(ip -json link show | jq '[.[] | select(.ifname | startswith("rg"))] | length')" "interfaces"
}

# fill DIRECTORY: not one byte is left on its file system
fill()
{
	local -i size

	for size in 65536 4096 1; do
		dd if=/dev/zero of="$1/filler.$size" bs=$size 2>/dev/null || true
	done
}

test_delete_on_a_full_disk()
{
	local name

	mkdir -m 0700 /run/rangeguard
	mount -t tmpfs -o mode=0700,size=4m tmpfs /run/rangeguard
	for name in c1 c2 c3; do
		give "$name" "$DUAL" >/dev/null
	done
	fill /run/rangeguard
	assert_equal 0 "$(stat -f -c %a /run/rangeguard)" "free blocks"
	for name in c1 c2 c3; do
		del "$name" "$DUAL"
	done
	assert_nothing_left
}

# The disk is full at each size of the store in turn; as a delegate, which needs no interface
test_delete_on_a_disk_that_fills_up()
{
	local conf
	local -i i

	mkdir -m 0700 /run/rangeguard
	mount -t tmpfs -o mode=0700,size=4m tmpfs /run/rangeguard
	conf=$(with "$DUAL" '.type = "bridge"')
	container c1
	for ((i = 1; i <= 40; i++)); do
		cni ADD "id$i" "$(netns_path c1)" eth0 "$conf" >/dev/null
		fill /run/rangeguard
		cni DEL "id$i" "" eth0 "$conf"
		assert_equal $((2 * i - 2)) "$(leases)" "leases after DEL number $i on a full disk"
		rm /run/rangeguard/filler.*
		cni ADD "id$i" "$(netns_path c1)" eth0 "$conf" >/dev/null
	done
}

test_no_room_for_a_store()
{
	local before

	mkdir -m 0700 /run/rangeguard
	mount -t tmpfs -o mode=0700,size=64k tmpfs /run/rangeguard
	before=$(host_state)
	container c1
	assert_fails add c1 "$DUAL"
	assert_refused 106 "$output" "no room for the store"
	assert_equal "$before" "$(host_state)" "the host"
	mount -o remount,size=4m /run/rangeguard
	assert_given "10.9.0.1 fd00:9::1" c1 "$DUAL"
}

test_leases_of_an_earlier_boot_are_void()
{
	give c1 "$CONF" >/dev/null
	give c2 "$CONF" >/dev/null
	ip netns delete c1
	ip netns delete c2
	wait_until 5 eval '[[ -z "$(ip route show proto 82 scope link)" ]]'
	assert_given 10.9.0.3 c3 "$CONF"
	del c3 "$CONF"
	echo 00000000-1111-2222-3333-444444444444 >boot_id
	mount --bind boot_id "$BOOT_ID"
	assert_equal 0 "$(leases)" "leases after the reboot"
	status "$CONF"
	del c1 "$CONF"
	assert_given 10.9.0.1 c4 "$CONF"
	assert_equal 1 "$(leases)" "leases after the first ADD"
}

# stop_inside_lock NAME: an ADD that stops, for ever, while it holds the lock of the store; $stopped is its process
stop_inside_lock()
{
	container "$1"
	cat >stopping <<-'EOF'
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -o stop -e trace=fdatasync -e inject=fdatasync:signal=STOP:when=1 "$RANGEGUARD"
	EOF
	chmod +x stopping
	PLUGIN=$PWD/stopping add "$1" "$CONF" >/dev/null 2>&1 &
	wait_until 5 grep -q 'stopped by SIGSTOP' stop
	stopped=$(find /proc -maxdepth 2 -name exe -lname "$RANGEGUARD" 2>/dev/null | cut -d / -f 3)
}

# milliseconds COMMAND…: how long it took; its outcome is left in $output
milliseconds()
{
	local -i start

	start=$(date +%s%3N)
	output=$("$@" 2>&1) || true
	took=$(($(date +%s%3N) - start))
}

test_lock_that_is_never_released()
{
	local stopped=
	local -i took=0

	give c1 "$CONF" >/dev/null
	stop_inside_lock c2
	milliseconds status "$CONF"
	((took < $(scaled 3000))) || fail "STATUS took $took ms"
	[[ -z "$output" ]] || assert_contains "$output" "code 11: " "STATUS"
	container c3
	milliseconds add c3 "$CONF"
	assert_refused 11 "$output" "ADD"
	((took < $(scaled 8000))) || fail "ADD took $took ms"
	kill -KILL "$stopped"
	wait_until 5 add c3 "$CONF"
	assert_reaches c3 "$HOST_IPV4"
}

test_ranges_of_the_runtime()
{
	local conf

	conf=$(with "$CONF" 'del(.ipam.ranges) | .runtimeConfig.ipRanges = [[{subnet: "10.7.0.0/24"}], [{subnet: "fd00:7::/64"}]]')
	assert_given "10.7.0.1 fd00:7::1" c1 "$conf"
	conf=$(with "$CONF" '.runtimeConfig.ipRanges = [[{subnet: "fd00:7::/64"}]]')
	assert_equal "10.9.0.1 fd00:7::2" "$(give c2 "$conf" | tr ' ' '\n' | sort | xargs)" "beside the configuration's"
	del c1 "$CONF"
	del c2 "$CONF"
	assert_nothing_left
}

test_dns_from_resolv_conf()
{
	local conf result

	cat >resolv.conf <<-'EOF'
		# a comment
		nameserver 192.0.2.53
		nameserver 2001:db8::53
		domain example.org
		search example.org example.net
		options ndots:5 edns0
	EOF
	container c1
	conf=$(with "$CONF" --arg file "$PWD/resolv.conf" '.ipam.resolvConf = $file')
	result=$(add c1 "$conf")
	assert_json "$result" '.dns == {nameservers: ["192.0.2.53", "2001:db8::53"], domain: "example.org",
		search: ["example.org", "example.net"], options: ["ndots:5", "edns0"]}' "dns"
	del c1 "$conf"
	result=$(add c1 "$(with "$conf" '.dns.nameservers = ["192.0.2.99"]')")
	assert_json "$result" '.dns == {nameservers: ["192.0.2.99"]}' "the configuration's own dns"
	del c1 "$conf"
	rm resolv.conf
	assert_fails add c1 "$conf"
	assert_json "$output" '.code > 0' "resolvConf is missing"
	assert_contains "$output" "$PWD/resolv.conf" "resolvConf is missing"
	assert_nothing_left
	del c1 "$conf"
}

main "$@"
