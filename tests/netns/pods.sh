#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What pods get by their names (`ipam.fixed`) and what they may choose by annotation (`annotations`).

# shellcheck source=tests/calls.sh
source "$(dirname "$0")/../calls.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "guard": {"onOverlap": "exclude"},
	"capabilities": {"io.kubernetes.cri.pod-annotations": true}, "ipam": {"type": "rangeguard", "reuseDelay": 0, "ranges":
	[[{"subnet": "10.9.0.0/29"}], [{"subnet": "fd00:9::/64"}]],
	"fixed": [{"namespace": "db", "pod": "pg-*", "addresses": ["10.9.0.1", "10.9.0.2", "fd00:9::1", "fd00:9::2"]},
		{"namespace": "db", "pod": "oracle", "addresses": ["10.9.0.5"]}]}}'

set_up()
{
	local name

	for name in c1 c2 c3 c4; do
		container "$name"
	done
	host_state >before
}

# pod CONTAINER NAMESPACE/POD CONF [ANNOTATIONS]: ADD as containerd calls for a pod with these annotations (JSON)
pod()
{
	local conf=$3

	[[ -z "${4-}" ]] || conf=$(jq -c --argjson annotations "$4" \
		'.runtimeConfig = {"io.kubernetes.cri.pod-annotations": $annotations}' <<<"$conf")
	add "$1" "$conf" CNI_ARGS="IgnoreUnknown=1;K8S_POD_NAMESPACE=${2%/*};K8S_POD_NAME=${2#*/}"
}

# addresses_of RESULT: its addresses without prefix lengths
addresses_of()
{
	jq -r '[.ips[].address | split("/")[0]] | join(" ")' <<<"$1"
}

test_fixed_addresses_are_a_pods_and_stay_across_restarts()
{
	local result round

	for round in 1 2 3; do
		result=$(pod c1 db/pg-1 "$CONF")
		assert_equal "10.9.0.2 fd00:9::2" "$(addresses_of "$result")" "addresses of pg-1 in round $round"
		result=$(pod c2 db/pg-0 "$CONF")
		assert_equal "10.9.0.1 fd00:9::1" "$(addresses_of "$result")" "addresses of pg-0 in round $round"
		assert_quiet del c1 "$CONF"
		assert_quiet del c2 "$CONF"
	done
	assert_unchanged "after DEL"
}

test_pod_with_one_fixed_address_gets_the_other_from_the_range()
{
	local result

	result=$(pod c1 db/oracle "$CONF")
	assert_matches "$(addresses_of "$result")" '^10\.9\.0\.5 fd00:9::[0-9a-f]+$' "addresses of oracle"
	[[ "$(addresses_of "$result")" != *fd00:9::[12] ]] || fail "oracle got a fixed address of pg-*: $result"
}

test_nobody_else_gets_a_fixed_address()
{
	local i result address

	# Of 10.9.0.1 to .6 three are left; a namespace of the same pod name is another pod.
	for i in 1 2 3; do
		result=$(pod "c$i" "web/pg-$i" "$CONF")
		address=$(addresses_of "$result")
		[[ " 10.9.0.3 10.9.0.4 10.9.0.6 " == *" ${address%% *} "* ]] || fail "web/pg-$i got $address"
	done
	assert_fails pod c4 web/pg-4 "$CONF"
	assert_refused 101 "$output" "a pod of another namespace when only fixed addresses are left"
	result=$(pod c4 db/oracle "$CONF")
	assert_matches "$(addresses_of "$result")" '^10\.9\.0\.5 ' "address of oracle in a full range"
	# What was given back by its owner stays the owner's.
	assert_quiet del c4 "$CONF"
	assert_fails pod c4 web/late "$CONF"
	assert_refused 101 "$output" "a pod after the fixed address was given back"
}

test_asking_for_anothers_fixed_address_names_the_owner()
{
	local part

	assert_fails add c1 "$CONF" CNI_ARGS="IP=10.9.0.5;K8S_POD_NAMESPACE=web;K8S_POD_NAME=a"
	assert_refused 105 "$output" "another pod's fixed address"
	for part in 10.9.0.5 db/oracle /ipam/fixed/1; do
		assert_contains "$output" "$part" "refusal"
	done
	assert_fails add c1 "$CONF" CNI_ARGS="IP=10.9.0.1"
	assert_refused 105 "$output" "a container that is no pod"
	assert_unchanged "refused"
}

test_a_third_replica_is_told_who_holds_its_addresses()
{
	pod c1 db/pg-0 "$CONF" >/dev/null
	pod c2 db/pg-1 "$CONF" >/dev/null
	assert_fails pod c3 db/pg-2 "$CONF"
	assert_refused 105 "$output" "no fixed address is left"
	assert_contains "$output" "held by pods c" "refusal"
}

test_a_fixed_address_that_is_reserved_refuses_its_pod_only()
{
	mkdir -p /etc/rangeguard/reserved.d
	echo '{"reserved": [{"cidr": "10.9.0.5/32", "owner": "telephony"}]}' >/etc/rangeguard/reserved.d/a.json
	assert_fails pod c1 db/oracle "$CONF"
	assert_refused 100 "$output" "a fixed address that is reserved"
	assert_contains "$output" telephony "refusal"
	assert_succeeds pod c2 web/a "$CONF"
	conf . >a.conf
	assert_fails "$RANGEGUARD" validate --format json a.conf
	assert_json "$output" '[.findings[] | select(.rule == "RG103") | .pointer] == ["/ipam/fixed/1/addresses"]' "finding"
}

test_fixed_entries_that_can_not_be_meant()
{
	local filter

	for filter in '.ipam.fixed[0].addresses = ["10.8.0.1"]' '.ipam.fixed[1].addresses = ["10.9.0.1"]' \
		'.ipam.fixed[0].addresses = []' 'del(.ipam.fixed[0].pod)' '.ipam.fixed[0].address = "10.9.0.1"' \
		'.ipam.fixed[0].addresses = [10]' '.ipam.fixed = {}'; do
		assert_refuses '2|7' . pod c1 db/oracle "$(conf "$filter")"
	done
	assert_unchanged "refused"
}

test_annotation_addresses()
{
	local allowed result

	allowed=$(conf '.annotations = ["addresses"]')
	result=$(pod c1 web/a "$allowed" '{"rangeguard.dev/addresses": "10.9.0.4, fd00:9::44"}')
	assert_equal "10.9.0.4 fd00:9::44" "$(addresses_of "$result")" "addresses that the pod chose"
	assert_fails pod c2 web/b "$allowed" '{"rangeguard.dev/addresses": "10.9.0.5"}'
	assert_refused 105 "$output" "another pod's fixed address by annotation"
	assert_fails pod c2 web/b "$allowed" '{"rangeguard.dev/addresses": "10.9.0.x"}'
	assert_refused 7 "$output" "no address"
	# Other people's annotations are none of ours.
	assert_succeeds pod c2 web/b "$CONF" '{"example.com/addresses": "10.9.0.3"}'
}

test_annotations_need_the_networks_permission()
{
	local choice

	for choice in addresses pool source; do
		assert_fails pod c1 web/a "$CONF" "{\"rangeguard.dev/$choice\": \"10.9.0.3\"}"
		assert_refused 7 "$output" "$choice without permission"
		assert_contains "$output" "rangeguard.dev/$choice" "refusal"
	done
	assert_unchanged "refused"
}

test_annotation_pool()
{
	local conf result

	conf=$(conf 'del(.ipam.fixed) | .annotations = ["pool"]
		| .ipam.ranges = [[{subnet: "10.9.0.0/24"}, {subnet: "10.77.0.0/24", pool: "dmz"}], [{subnet: "fd00:9::/64"}]]')
	result=$(pod c1 web/a "$conf" '{"rangeguard.dev/pool": "dmz"}')
	assert_matches "$(addresses_of "$result")" '^10\.77\.0\.[0-9]+ fd00:9::' "addresses of a pod that chose the pool"
	result=$(pod c2 web/b "$conf")
	assert_matches "$(addresses_of "$result")" '^10\.9\.0\.[0-9]+ fd00:9::' "addresses of a pod that did not"
	assert_fails pod c3 web/c "$conf" '{"rangeguard.dev/pool": "dmx"}'
	assert_refused 7 "$output" "no such pool"
	assert_contains "$output" dmx "refusal"
	assert_fails pod c3 web/c "$(jq -c '.ipam.ranges[0] |= .[1:]' <<<"$conf")"
	assert_refused 7 "$output" "only named pools, and none chosen"
	assert_quiet del c1 "$conf"
	assert_quiet del c2 "$conf"
	assert_unchanged "after DEL"
}

test_annotation_source_chooses_among_the_pins_that_match()
{
	local conf

	uplink
	ip address add 192.0.2.10/32 dev lo
	ip address add 192.0.2.20/32 dev lo
	ip address add 192.0.2.30/32 dev lo
	conf=$(conf 'del(.ipam.fixed) | .annotations = ["source"] | .ipam.ranges |= .[:1] | .snat = [
		{name: "first", match: {namespace: "web"}, source: ["192.0.2.10"], destinations: ["198.51.100.254"]},
		{name: "second", match: {namespace: "web"}, source: ["192.0.2.20"], destinations: ["198.51.100.254"]},
		{name: "bank", match: {namespace: "bank"}, source: ["192.0.2.30"], destinations: ["198.51.100.254"]}]')
	ip -n world route add 192.0.2.0/24 via 198.51.100.1
	# What the legacy service sees, before anything else looks at a packet
	inside world nft -f - <<-END
		table ip seen {
			set sources { type ipv4_addr; flags dynamic; }
			chain note { type filter hook prerouting priority -400; icmp type echo-request add @sources { ip saddr }; }
		}
	END
	assert_fails pod c1 web/a "$conf" '{"rangeguard.dev/source": "bank"}'
	assert_refused 103 "$output" "a pin that is for others"
	assert_fails pod c1 web/a "$conf" '{"rangeguard.dev/source": "third"}'
	assert_refused 103 "$output" "a pin that is not there"
	assert_succeeds pod c1 web/a "$conf" '{"rangeguard.dev/source": "second"}'
	assert_succeeds pod c2 web/b "$conf"
	inside c1 ping -n -q -c 1 -W "$(scaled 2)" 198.51.100.254 >/dev/null
	assert_equal 192.0.2.20 "$(seen)" "source of the pod that chose the second"
	inside c2 ping -n -q -c 1 -W "$(scaled 2)" 198.51.100.254 >/dev/null
	assert_equal $'192.0.2.10\n192.0.2.20' "$(seen)" "sources, with the pod that did not choose"
}

# seen: sources that the legacy service saw
seen()
{
	inside world nft --json list set ip seen sources | jq -r '.nftables[].set.elem // empty | .[]' | sort
}

main "$@"
