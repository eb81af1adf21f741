#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `rangeguard audit`: what is not as it is written down, and only that.
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "guard": {"policies": ["/etc/rangeguard/reserved.d"]},
	"ipam": {"type": "rangeguard", "ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00:9::/64"}]]}}'

set_up()
{
	mkdir -p /etc/cni/net.d /etc/rangeguard/reserved.d
	echo "$CONF" >/etc/cni/net.d/pods.conf
	container c1
	container c2
	add c1 "$CONF" >/dev/null
	add c2 "$CONF" >/dev/null
}

# audit ARGUMENT…: as JSON, whatever the exit status, which is left in $status
audit()
{
	status=0
	output=$("$RANGEGUARD" audit --format json "$@") || status=$?
}

# rules: of the findings
rules()
{
	jq -c '[.findings[].rule] | sort' <<<"$output"
}

test_host_as_it_should_be()
{
	audit
	assert_equal "0 []" "$status $(rules)" "findings"
	host_state >before
	audit
	assert_equal "$(<before)" "$(host_state)" "an audit changes nothing"
}

# is_alone: the interface of one container is left
is_alone()
{
	[[ "$(ip -o link show type veth | wc -l)" == 1 ]]
}

test_lease_of_a_dead_container()
{
	ip netns delete c1
	wait_until 20 is_alone
	audit
	assert_equal '0 ["RG402"]' "$status $(rules)" "findings"
	assert_contains "$output" "held by c1 eth0 of network pods" "message"
	audit --strict
	assert_equal 1 "$status" "strict"
}

test_route_and_interface_that_are_gone()
{
	ip route delete 10.9.0.1
	audit
	assert_equal '1 ["RG404"]' "$status $(rules)" "route"
	assert_contains "$output" "10.9.0.1 is held by c1" "message"
	ip link delete "$(ip -json route get 10.9.0.2 | jq -r '.[0].dev')"
	audit
	assert_equal '1 ["RG404","RG404"]' "$status $(rules)" "interface"
}

test_host_end_that_is_not_as_it_was_made()
{
	local interface

	interface=$(ip -json route get 10.9.0.2 | jq -r '.[0].dev')
	ip link set "$interface" address 02:00:00:00:00:77
	audit
	assert_equal '1 ["RG404"]' "$status $(rules)" "findings"
	assert_contains "$output" "c2 eth0 of network pods: interface $interface on the host has another MAC address" "message"
	ip link set "$interface" down
	audit
	assert_equal '1 ["RG404","RG404"]' "$status $(rules)" "findings of an interface that is down, whose routes went with it"
}

test_address_that_is_gone_in_the_container()
{
	inside c1 ip address delete 10.9.0.1/32 dev eth0
	audit
	assert_equal '1 ["RG404"]' "$status $(rules)" "findings"
	assert_contains "$output" "10.9.0.1 is held by c1 eth0 of network pods, but is on no interface in its namespace" "message"
	inside c2 ip address add 10.9.0.1/32 dev eth0
	audit
	assert_equal '1 ["RG404"]' "$status $(rules)" "findings, with the address in another container"
}

# Whoever gave it: an ADD would give it again
test_address_in_a_namespace_that_no_lease_knows()
{
	container foreign
	ip link add outside type veth peer name eth1 netns foreign
	inside foreign ip address add 10.9.0.77/24 dev eth1
	inside foreign ip address add 10.8.0.77/24 dev eth1
	host_state >before
	audit
	assert_equal '1 ["RG401"]' "$status $(rules)" "findings"
	assert_contains "$output" "10.9.0.77 is on interface eth1 in network namespace" "message"
	assert_equal "$(<before)" "$(host_state)" "an audit changes nothing"
	inside foreign ip address delete 10.9.0.77/24 dev eth1
	audit
	assert_equal "0 []" "$status $(rules)" "findings"
}

test_address_without_a_lease()
{
	cp -r /run/rangeguard kept
	rm /run/rangeguard/leases.mdb
	audit
	assert_equal '1 ["RG401","RG401","RG401","RG401"]' "$status $(rules)" "findings"
}

test_held_address_that_is_reserved_now()
{
	echo '{"reserved": [{"cidr": "10.9.0.2/32", "owner": "dba", "ref": "NET-9"}]}' >/etc/rangeguard/reserved.d/a.json
	sed -i 's/"guard": {/"guard": {"onOverlap": "exclude", /' /etc/cni/net.d/pods.conf
	audit
	assert_equal '1 ["RG403"]' "$status $(rules)" "findings"
	assert_contains "$output" "10.9.0.2 is held by c2" "who"
	assert_contains "$output" "owner dba" "whose"
}

test_entries_that_expire()
{
	jq -n --arg soon "$(date -u -d '+20 days' +%F)" --arg late "$(date -u -d '+200 days' +%F)" '{reserved: [
		{cidr: "10.20.0.0/16", validUntil: $late}, {cidr: "10.21.0.0/16", owner: "lab", validUntil: $soon}, {cidr: "10.22.0.0/16"}]}' \
		>/etc/rangeguard/reserved.d/a.json
	audit
	assert_equal '0 ["RG406"]' "$status $(rules)" "findings"
	assert_json "$output" '.findings[0] | .pointer == "/reserved/1" and .line > 1 and (.message | contains("owner lab"))' "where"
	audit --within 10d
	assert_equal '[]' "$(rules)" "sooner"
	audit --within 365
	assert_equal '["RG406","RG406"]' "$(rules)" "later"
}

test_inventory()
{
	printf 'ID,Address,Status\n1,10.9.0.1/24,Active\n2,10.9.0.77/24,Active\n3,192.0.2.9/24,Active\n4,fd00:9::1/64,Active\n' >ips.csv
	audit --inventory ips.csv
	assert_equal '0 ["RG407","RG407","RG408"]' "$status $(rules)" "findings"
	assert_json "$output" '[.findings[] | select(.rule == "RG408")][0] | .line == 3 and (.message | contains("10.9.0.77"))' "gone"
	assert_contains "$output" "10.9.0.2 is held by c2" "unknown"
	printf 'name\nx\n' >ips.csv
	audit --inventory ips.csv
	assert_equal '1 ["RG003"]' "$status $(rules)" "no column"
	: >ips.csv
	audit --inventory ips.csv
	assert_equal '1 ["RG003"]' "$status $(rules)" "an export that failed"
	mkfifo pipe
	status=0
	output=$(timeout 60 "$RANGEGUARD" audit --format json --inventory pipe) || status=$?
	assert_equal '1 ["RG003"]' "$status $(rules)" "a pipe without a writer"
	printf 'address\n10.9.0.1\n10.9.0.2' >ips.csv
	audit --inventory ips.csv
	assert_equal '1 ["RG003"]' "$status $(rules)" "10.9.0.2 of 10.9.0.200, perhaps"
	assert_contains "$output" "ends in the middle of a line" "cut off"
}

# c1 and c2 hold 10.9.0.1 and 10.9.0.2. What is out of use may not be held, and need not be; of several rows the one in use counts
test_inventory_with_status()
{
	printf 'Address,Status\n10.9.0.1/24,Deprecated\n10.9.0.2/24,Reserved\n10.9.0.77/24,Deprecated\n10.9.0.78/24,reserved\n' >ips.csv
	printf '10.9.0.79/24,DHCP\nfd00:9::1/64,Deprecated\nfd00:9::1/64,Active\nfd00:9::2/64,SLAAC\n' >>ips.csv
	audit --inventory ips.csv
	assert_equal '0 ["RG407","RG408"]' "$status $(rules)" "findings"
	assert_json "$output" '[.findings[] | select(.rule == "RG407")][0] | .line == 2 and
		(.message | contains("10.9.0.1 is held by c1") and contains("has it as deprecated"))' "held though out of use"
	assert_json "$output" '[.findings[] | select(.rule == "RG408")][0] | .line == 6 and (.message | contains("10.9.0.79"))' "gone"
	printf 'status__name,ip_address\ndecommissioned,10.9.0.77\nactive,10.9.0.1\nactive,10.9.0.2\nactive,fd00:9::1\nactive,fd00:9::2\n' >ips.csv
	audit --inventory ips.csv
	assert_equal '0 []' "$status $(rules)" "Nautobot's columns"
}

test_formats_and_errors()
{
	local format

	ip route delete 10.9.0.1
	for format in text sarif junit github; do
		status=0
		output=$("$RANGEGUARD" audit --format "$format") || status=$?
		assert_equal 1 "$status" "exit status as $format"
		assert_contains "$output" "10.9.0.1" "as $format"
	done
	for format in --config --inventory; do
		assert_contains "$("$RANGEGUARD" audit "$format" /no/such 2>&1)" "/no/such: No such file" "a path that is not there: $format"
	done
	touch file
	assert_contains "$("$RANGEGUARD" audit --data-dir file 2>&1)" "rangeguard audit: file: Not a directory" "which one"
	for format in "--within soon" "--format yaml" "--config /no/such" "extra" "--inventory /no/such"; do
		status=0
		# shellcheck disable=SC2086 # words are meant
		output=$("$RANGEGUARD" audit $format 2>&1 >/dev/null) || status=$?
		assert_equal 2 "$status" "exit status of $format"
	done
}

# Nothing has put a network there yet
test_host_without_a_directory_of_networks()
{
	rm -r /etc/cni
	audit
	assert_equal '0 []' "$status $(rules)" "findings"
}

# Each state directory has its leases; the interfaces of all are the host's
test_another_state_directory()
{
	container c3
	add c3 "$(jq -c '.name = "others" | .ipam.dataDir = "/run/others" | .ipam.ranges = [[{subnet: "10.10.0.0/24"}]]' <<<"$CONF")" >/dev/null
	audit
	assert_equal '0 []' "$status $(rules)" "findings"
	audit --data-dir /run/others
	assert_equal '0 []' "$status $(rules)" "findings of the other one"
}

main "$@"
