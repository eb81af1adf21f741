#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a host tells about itself: `list`, `pools`, `metrics`. promtool (Debian's prometheus) judges the format of the last.
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

ID=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "guard": {"onOverlap": "exclude", "reserved":
	[{"cidr": "10.9.0.128/25", "owner": "dba"}, {"cidr": "10.9.0.64/26", "owner": "voice", "validUntil": "2099-01-01"}]},
	"ipam": {"type": "rangeguard", "ranges": [[{"subnet": "10.9.0.0/24", "gateway": "10.9.0.1"}], [{"subnet": "fd00:9::/64"}]]}}'

set_up()
{
	mkdir -p /etc/cni/net.d
	echo "$CONF" >/etc/cni/net.d/pods.conf
}

# list ARGUMENT…: as JSON
list()
{
	"$RANGEGUARD" list --format json "$@"
}

# status_of COMMAND…: its exit status; what it prints is left in $output
status_of()
{
	status=0
	output=$("$@" 2>&1) || status=$?
}

test_list_is_sorted_and_can_look_for_addresses()
{
	local i

	for i in 10 9 2; do
		container "c$i"
		add "c$i" "$CONF" "CNI_ARGS=IgnoreUnknown=1;IP=10.9.0.$i" >/dev/null
	done
	assert_json "$(list)" '[.leases[].address] == ["10.9.0.2", "10.9.0.9", "10.9.0.10", "fd00:9::1", "fd00:9::2", "fd00:9::3"]' "order"
	assert_json "$(list 10.9.0.9)" '[.leases[].containerID] == ["c9"]' "one address"
	assert_json "$(list 10.9.0.8/30)" '[.leases[].address] == ["10.9.0.9", "10.9.0.10"]' "a prefix"
	assert_json "$(list fd00:9::/126 --network pods)" '.leases | length == 3' "a prefix of a network"
	assert_json "$(list 10.9.0.77)" '.leases == []' "a free one"
	assert_schema list "$(list)" "leases"
	assert_schema list "$(list 10.9.0.77)" "no leases"
}

test_list_is_aligned()
{
	local widths

	container c1
	cni ADD "$ID" "$(netns_path c1)" eth0 "$CONF" >/dev/null
	output=$("$RANGEGUARD" list 10.0.0.0/8)
	assert_contains "$output" "$ID" "whole id where it is no terminal"
	widths=$(awk '{ print index($0, NR == 1 ? "ifname" : "eth0") }' <<<"$output" | sort -u)
	assert_equal 1 "$(wc -l <<<"$widths")" "places of the column in '$output'"
	output=$(script -qec "$RANGEGUARD list 10.0.0.0/8" /dev/null)
	assert_contains "$output" "${ID:0:12}  eth0" "short id on a terminal"
	assert_json "$(list)" ".leases[0].containerID == \"$ID\"" "whole id in JSON"
}

test_list_of_what_is_not_there()
{
	status_of "$RANGEGUARD" list
	assert_equal 0 "$status" "no state yet"
	status_of "$RANGEGUARD" list --data-dir /no/such
	assert_equal 2 "$status" "no directory"
	assert_contains "$output" "/no/such: no such state directory" "message"
	container c1
	add c1 "$CONF" >/dev/null
	status_of "$RANGEGUARD" list --network pod
	assert_equal 2 "$status" "no network"
	assert_contains "$output" "pod: no such network" "message"
	del c1 "$CONF"
	status_of "$RANGEGUARD" list --network pods
	assert_equal 0 "$status" "a network that holds nothing"
	status_of "$RANGEGUARD" list 10.9.0
	assert_equal 2 "$status" "no address"
}

test_pools()
{
	local pools

	container c1
	container c2
	add c1 "$CONF" >/dev/null
	add c2 "$CONF" >/dev/null
	del c2 "$CONF"
	pools=$("$RANGEGUARD" pools --format json)
	# 254 hosts; .64 to .254 are reserved, .1 is the gateway
	assert_json "$pools" '.pools[0] | [.network, .set, .size, .reserved, .held, .resting, .free] ==
		["pods", 0, 254, 191, 1, 1, 61]' "IPv4"
	assert_json "$pools" '.pools[0] | (.reservedBy | contains("dba") and contains("voice")) and .usedPercent < 1.6' "by whom"
	assert_json "$pools" '.pools[1] | .held == 1 and .size > 1e19 and .free > 1e19 and .reserved == 0' "IPv6"
	assert_schema pools "$pools" "pools"
	output=$("$RANGEGUARD" pools --network pods)
	assert_matches "$output" 'network +set +range +size +reserved +held +resting +free +% +reserved by' "titles"
	assert_matches "$output" '18446744073709551615' "a number that no double holds"
}

test_pools_that_can_not_be_told()
{
	local command

	status_of "$RANGEGUARD" pools --network nets
	assert_equal 2 "$status" "no network"
	for command in pools metrics; do
		status_of "$RANGEGUARD" "$command" --config /etc/cni/net.d --config /no/such
		assert_equal 2 "$status" "$command: no directory"
		assert_equal "rangeguard $command: /no/such: No such file or directory" "$output" "$command: which one"
	done
	for command in pools metrics list; do
		status_of bash -c "'$RANGEGUARD' $command >/dev/full"
		assert_equal 2 "$status" "$command: a full disk"
		assert_contains "$output" "No space left on device" "$command: a full disk"
	done
	echo '{"cniVersion": "1.0.0", "name": "bad", "type": "rangeguard", "ipam": {"type": "rangeguard", "subnet": "x"}}' \
		>/etc/cni/net.d/bad.conf
	status_of "$RANGEGUARD" pools
	assert_equal 2 "$status" "a configuration that can't be read"
	assert_contains "$output" "/etc/cni/net.d/bad.conf /ipam/subnet" "what is wrong"
	assert_contains "$output" "10.9.0.1-10.9.0.254" "the other network"
}

# value METRIC: of the line that begins with it
value()
{
	awk -v name="$1" 'index($0, name " ") == 1 { print $NF }' <<<"$metrics"
}

test_metrics()
{
	local metrics

	container c1
	container c2
	add c1 "$CONF" >/dev/null
	add c2 "$CONF" >/dev/null
	del c2 "$CONF"
	assert_fails add c2 "$CONF" "CNI_ARGS=IgnoreUnknown=1;IP=10.9.0.200"
	cni STATUS "" "" "" "$CONF"
	metrics=$("$RANGEGUARD" metrics)
	promtool check metrics <<<"$metrics" >lint 2>&1 || fail "promtool: $(<lint)"
	assert_empty "$(<lint)" "promtool's warnings"
	assert_equal 2 "$(value 'rangeguard_requests_total{verb="ADD",code="0"}')" "ADDs"
	assert_equal 1 "$(value 'rangeguard_requests_total{verb="ADD",code="100"}')" "refused"
	assert_equal 1 "$(value 'rangeguard_requests_total{verb="DEL",code="0"}')" "DELs"
	assert_equal 1 "$(value 'rangeguard_requests_total{verb="STATUS",code="0"}')" "STATUS"
	assert_equal 3 "$(value 'rangeguard_request_duration_seconds_count{verb="ADD"}')" "ADDs that were timed"
	assert_equal 1 "$(value 'rangeguard_leases{network="pods"}')" "leases"
	assert_equal 2 "$(value 'rangeguard_addresses_held{network="pods"}')" "addresses"
	assert_equal 61 "$(value 'rangeguard_pool_free_addresses{network="pods",set="0",range="10.9.0.1-10.9.0.254"}')" "free"
	assert_equal 2 "$(value 'rangeguard_policy_entries{network="pods"}')" "entries"
	assert_equal 1 "$(value rangeguard_store_usable)" "store"
	# Two ADDs, a DEL, a refusal, and the policy that was new
	assert_equal 5 "$(value rangeguard_history_events_total)" "events"
	assert_equal 0 "$(value rangeguard_config_errors)" "errors"
}

test_metrics_tell_of_trouble()
{
	local metrics

	mkdir -p /etc/rangeguard/reserved.d
	echo '{"reserved": [{"cidr": "10.20.0.0/16", "validUntil": "'"$(date -u -d '+10 days' +%F)"'"}]}' \
		>/etc/rangeguard/reserved.d/a.json
	touch -d @1700000000 /etc/rangeguard/reserved.d/a.json
	metrics=$("$RANGEGUARD" metrics)
	assert_equal 1 "$(value 'rangeguard_policy_expiring_entries{network="pods"}')" "expiring"
	assert_equal 1700000000 "$(value 'rangeguard_policy_changed_timestamp_seconds{network="pods"}')" "age"
	printf 'Prefix,Status\n10.77.0.0/16,Active\n' >/etc/rangeguard/reserved.d/prefixes.csv
	touch -d @1710000000 /etc/rangeguard/reserved.d/prefixes.csv
	echo '{"imports": [{"format": "netbox", "file": "prefixes.csv", "where": {"status": ["active"]}}]}' >/etc/rangeguard/reserved.d/b.json
	touch -d @1600000000 /etc/rangeguard/reserved.d/b.json
	metrics=$("$RANGEGUARD" metrics)
	promtool check metrics <<<"$metrics" || fail "promtool"
	assert_equal 1710000000 "$(value 'rangeguard_policy_changed_timestamp_seconds{network="pods"}')" "age with an import"
	assert_equal 1710000000 "$(value 'rangeguard_policy_file_changed_timestamp_seconds{file="/etc/rangeguard/reserved.d/prefixes.csv"}')" "the import's"
	assert_equal 1600000000 "$(value 'rangeguard_policy_file_changed_timestamp_seconds{file="/etc/rangeguard/reserved.d/b.json"}')" "the policy's"
	container c1
	add c1 "$CONF" >/dev/null
	echo rubbish >/etc/rangeguard/reserved.d/a.json
	metrics=$("$RANGEGUARD" metrics)
	promtool check metrics <<<"$metrics" || fail "promtool"
	assert_equal 1 "$(value 'rangeguard_policy_broken{network="pods"}')" "broken"
	assert_equal 0 "$(value rangeguard_unguarded_adds_total)" "ADDs that something was checked against"
	head -c 100000 /dev/urandom >/run/rangeguard/leases.mdb
	metrics=$("$RANGEGUARD" metrics)
	assert_equal 0 "$(value rangeguard_store_usable)" "store"
}

test_metrics_count_adds_that_pass_on_little()
{
	local metrics conf

	container c1
	container c2
	container c3
	conf=$(jq 'del(.guard.reserved) | .guard.policies = []' <<<"$CONF")
	add c1 "$conf" >/dev/null
	metrics=$("$RANGEGUARD" metrics)
	assert_equal 1 "$(value rangeguard_unguarded_adds_total)" "without a reservation"
	assert_equal 0 "$(value rangeguard_last_good_adds_total)" "on an old policy"
	mkdir -p /etc/rangeguard
	echo '{"reserved": [{"cidr": "10.20.0.0/16"}]}' >/etc/rangeguard/voice.json
	conf=$(jq '.guard += {policies: ["/etc/rangeguard/voice.json"], onBroken: "last-good"}' <<<"$CONF")
	add c2 "$conf" >/dev/null
	echo rubbish >/etc/rangeguard/voice.json
	add c3 "$conf" >/dev/null
	metrics=$("$RANGEGUARD" metrics)
	assert_equal 1 "$(value rangeguard_unguarded_adds_total)" "without a reservation, afterwards"
	assert_equal 1 "$(value rangeguard_last_good_adds_total)" "on the last good policy"
}

# A network's name may hold nothing that the format minds; a path of nothing is fine, and names of others are escaped.
test_metrics_of_a_host_without_anything()
{
	rm -r /etc/cni/net.d
	"$RANGEGUARD" metrics | promtool check metrics || fail "promtool"
}

main "$@"
