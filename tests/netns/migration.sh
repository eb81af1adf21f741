#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Addresses in use are never given, whoever holds them: from bridge + host-local to rangeguard and back under load, a store
# that was lost, other plugins' containers.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

BRIDGE='{"cniVersion": "1.0.0", "name": "pods", "type": "bridge", "bridge": "br0", "isGateway": true,
	"ipam": {"type": "host-local", "ranges": [[{"subnet": "10.9.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}'
GUARDED=$(jq -c '.ipam.type = "rangeguard"' <<<"$BRIDGE")
FILES=/var/lib/cni/networks/pods

set_up()
{
	install_plugins bridge host-local ptp
	export PLUGIN=$CNI_BIN/bridge
}

# give NAME CONF: ADD in a container that is made where it is missing; the result is left in NAME.json
give()
{
	[[ -e "/run/netns/$1" ]] || container "$1"
	add "$1" "$2" >"$1.json" 2>"$1.log" || fail "ADD of $1: $(<"$1.json")"
}

# give_many PREFIX N CONF: that many ADDs at once
give_many()
{
	local -i i
	local -a pids=()

	for ((i = 1; i <= $2; i++)); do
		container "$1$i"
	done
	for ((i = 1; i <= $2; i++)); do
		answer_in "$1$i.json" add "$1$i" "$3" 2>"$1$i.log" &
		pids+=($!)
	done
	for ((i = 1; i <= $2; i++)); do
		wait "${pids[i - 1]}" || fail "ADD of $1$i: $(<"$1$i.json")"
	done
}

# take NAME CONF: DEL
take()
{
	del "$1" "$2" || fail "DEL of $1"
	rm "$1.json"
}

# assert_distinct N WHAT: of the containers that live, each has an address of its own
assert_distinct()
{
	assert_equal "$1" "$(jq -r '.ips[0].address' ./*.json | sort | uniq | wc -l)" "$2: different addresses"
	assert_equal "$1" "$(jq -r '.ips[0].address' ./*.json | wc -l)" "$2: addresses"
}

test_twenty_containers_move_under_load_and_back()
{
	local -i i

	give_many a 20 "$BRIDGE"
	assert_distinct 20 "host-local alone"
	# The configuration is changed while pods come and go
	give_many b 20 "$GUARDED"
	assert_distinct 40 "after the change"
	for ((i = 1; i <= 10; i++)); do
		take "a$i" "$GUARDED"
	done
	for ((i = 1; i <= 10; i++)); do
		container "c$i"
	done
	# Both at once, as on a node whose runtime has not read the new configuration yet
	for ((i = 1; i <= 10; i++)); do
		answer_in "c$i.json" add "c$i" "$(if ((i % 2)); then echo "$BRIDGE"; else echo "$GUARDED"; fi)" 2>"c$i.log" &
	done
	wait
	assert_distinct 40 "both at once"
	# And back
	give_many d 10 "$BRIDGE"
	assert_distinct 50 "back at host-local"
	for ((i = 11; i <= 20; i++)); do
		take "a$i" "$BRIDGE"
		del "a$i" "$GUARDED"
	done
	for ((i = 1; i <= 20; i++)); do
		take "b$i" "$BRIDGE"
		# host-local does not tell rangeguard: its lease is taken back when the pool is used up
		del "b$i" "$GUARDED"
	done
	for ((i = 1; i <= 10; i++)); do
		take "c$i" "$GUARDED"
		take "d$i" "$BRIDGE"
	done
	assert_empty "$(find "$FILES" -name '10.9.0.*')" "host-local's files"
	assert_equal 0 "$("$RANGEGUARD" list --format json | jq '.leases | length')" "leases: $("$RANGEGUARD" list)"
}

# An older host-local wrote the container's id alone; a hand, anything.
test_lease_files_without_an_interface()
{
	local -i i

	mkdir -p "$FILES"
	printf older >"$FILES/10.9.0.2"
	printf '\nnobody\n' >"$FILES/10.9.0.3"
	: >"$FILES/10.9.0.4"
	head -c 100000 /dev/zero >"$FILES/10.9.0.5"
	for ((i = 1; i <= 6; i++)); do
		give "c$i" "$GUARDED"
		[[ "$(jq -r '.ips[0].address' "c$i.json")" != 10.9.0.2/* ]] || fail "c$i got the address of \"older\""
	done
}

test_adoption_can_be_switched_off_or_elsewhere()
{
	# A file whose container nobody has seen
	mkdir -p "$FILES"
	printf 'long-gone\r\neth0' >"$FILES/10.9.0.2"
	give b "$(jq -c '.ipam.adopt = false' <<<"$GUARDED")"
	assert_json "$(<b.json)" '.ips[0].address == "10.9.0.2/24"' "switched off"
	take b "$GUARDED"
	rm -r /run/rangeguard
	give b "$GUARDED"
	assert_json "$(<b.json)" '.ips[0].address == "10.9.0.3/24"' "switched on"
	take b "$GUARDED"
	rm -r /run/rangeguard
	give a2 "$(jq -c '.name = "other" | .ipam.dataDir = "/run/test/files"' <<<"$BRIDGE")"
	give b "$(jq -c '.name = "other" | .ipam.adopt = "/run/test/files"' <<<"$GUARDED")"
	assert_distinct 2 "another directory"
}

test_address_that_host_local_gave_is_named()
{
	give a "$BRIDGE"
	container b
	assert_fails add b "$GUARDED" "CNI_ARGS=IgnoreUnknown=1;IP=10.9.0.2"
	assert_refused 105 "$output" "an address of host-local's"
	assert_contains "$output" "held by pods a eth0" "the refusal"
}

# What a delegate gave is known to nobody but the containers
test_lost_store_of_a_delegate()
{
	local damage

	for damage in 'rm /run/rangeguard/leases.mdb' 'truncate -s 0 /run/rangeguard/leases.mdb' 'rm -r /run/rangeguard'; do
		rm -rf "$FILES"
		give a1 "$GUARDED"
		give a2 "$GUARDED"
		$damage
		give a3 "$GUARDED"
		assert_distinct 3 "$damage"
		take a1 "$GUARDED"
		take a2 "$GUARDED"
		take a3 "$GUARDED"
		assert_equal 0 "$("$RANGEGUARD" list --format json | jq '.leases | length')" "$damage: leases: $("$RANGEGUARD" list)"
		rm -rf /run/rangeguard
	done
}

# Another plugin's containers have addresses in the pool of a network that is new
test_other_plugins_containers()
{
	local conf

	PLUGIN=$CNI_BIN/ptp give a1 "$(jq -c '.type = "ptp" | .name = "legacy" | .ipam.ranges[0][0].subnet = "10.8.0.0/29"' <<<"$BRIDGE")"
	conf=$(jq -c '.name = "new" | .type = "rangeguard" | .ipam.ranges = [[{subnet: "10.8.0.0/29", rangeStart: "10.8.0.2", rangeEnd: "10.8.0.3"}]] | del(.ipam.routes, .bridge, .isGateway)' <<<"$GUARDED")
	PLUGIN=$RANGEGUARD give a2 "$conf"
	assert_distinct 2 "a new network"
	container a3
	ip netns delete a1
	wait_until 10 eval '[[ -z "$(ip -o link show type veth | grep -v rg)" ]]'
	PLUGIN=$RANGEGUARD wait_until 10 eval 'add a3 "$conf" >a3.json'
	assert_json "$(<a3.json)" '.ips[0].address == "10.8.0.2/32"' "the address of a container that is gone"
}

main "$@"
