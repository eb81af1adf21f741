#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is written down of each call: the history, the journal, the counters; and that no way in which they can't be
# written keeps a container from starting.
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

HISTORY=/var/log/rangeguard/history.jsonl
CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard", "ranges":
	[[{"subnet": "10.9.0.0/29"}], [{"subnet": "fd00:9::/125"}]]}}'
POD="K8S_POD_NAMESPACE=billing;K8S_POD_NAME=api-1;K8S_POD_UID=5f7f"

# with FILTER: $CONF changed by a jq filter
with()
{
	jq -c "$1" <<<"$CONF"
}

# events FILTER [FILE]: what a filter says of all lines, as one array
events()
{
	jq -c -s "$1" "${2:-$HISTORY}"
}

test_add_and_del_are_lines()
{
	local hour

	container c1
	hour=$(date -u +%FT%H)
	add c1 "$CONF" "CNI_ARGS=IgnoreUnknown=1;$POD" >/dev/null
	del c1 "$CONF"
	assert_equal '["add","del"]' "$(events 'map(.event)')" "events"
	assert_equal '[["10.9.0.1","fd00:9::1"]]' "$(events 'map(.addresses) | unique')" "addresses"
	assert_equal '[["pods","c1","eth0","/run/netns/c1","billing","api-1"]]' \
		"$(events 'map([.network, .container, .ifname, .netns, .namespace, .pod]) | unique')" "whose"
	assert_equal '["5f7f",null]' "$(events 'map(.uid)')" "uid"
	assert_equal '[0,1]' "$(events 'map(.seq)')" "numbers"
	assert_equal '["boot",null]' "$(events 'map(.gapBefore)')" "first event of a boot"
	assert_equal 1 "$(events 'map(.run) | unique | length')" "runs"
	assert_equal "[\"$(uname -n)\"]" "$(events 'map(.host) | unique')" "host"
	assert_matches "$(events '.[0].time')" '^"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z"$' "time"
	assert_matches "$(events '.[0].time' | cut -c 2-14)" "^($hour|$(date -u +%FT%H))$" "hour"
}

test_refusal_is_a_line_with_its_reason()
{
	local conf

	conf=$(with '.guard.reserved = [{"cidr": "10.9.0.0/16", "owner": "dba", "ref": "NET-7"}]')
	container c1
	assert_fails add c1 "$conf"
	assert_equal '[["refused",100,"c1"]]' "$(events 'map([.event, .code, .container])')" "event"
	assert_matches "$(events '.[0].message')" 'owner dba.*NET-7' "reason"
}

test_gc_and_reclaim_are_lines()
{
	local i

	for i in 1 2 3 4 5 6; do
		container "c$i"
		add "c$i" "$CONF" >/dev/null
	done
	ip netns delete c1
	container c7
	wait_until 10 add c7 "$CONF"
	assert_equal '[["10.9.0.1","fd00:9::1"]]' "$(events 'map(select(.event == "reclaim")) | map(.addresses)')" "reclaimed"
	ip netns delete c2
	cni GC "" "" "" "$(with '."cni.dev/valid-attachments" = [range(3; 8) | {containerID: "c\(.)", ifname: "eth0"}]')"
	assert_equal '[["c2",["10.9.0.2","fd00:9::2"]]]' \
		"$(events 'map(select(.event == "gc")) | map([.container, .addresses])')" "collected"
}

test_change_of_a_policy_is_a_line()
{
	local conf

	mkdir -p /etc/rangeguard/reserved.d
	container c1
	add c1 "$CONF" >/dev/null
	assert_equal '[]' "$(events 'map(select(.event == "policy"))')" "nothing is reserved, as ever"
	echo '{"reserved": [{"cidr": "10.50.0.0/24"}]}' >/etc/rangeguard/reserved.d/a.json
	container c2
	add c2 "$CONF" >/dev/null
	container c3
	add c3 "$CONF" >/dev/null
	conf=$(with '.name = "others"')
	container c4
	add c4 "$conf" >/dev/null
	echo '{"reserved": [{"cidr": "10.50.0.0/24"}, {"cidr": "10.9.0.0/16"}]}' >/etc/rangeguard/reserved.d/a.json
	container c5
	assert_fails add c5 "$CONF"
	assert_refused 100 "$output" "a range that is reserved now"
	rm /etc/rangeguard/reserved.d/a.json
	container c6
	add c6 "$CONF" >/dev/null
	assert_equal '[["pods","policy changed: 1 entry"],["others","policy changed: 1 entry"],["pods","policy changed: 2 entries"],["pods","policy changed: 0 entries"]]' \
		"$(events 'map(select(.event == "policy") | [.network, .message])')" "events"
	assert_equal '["policy","refused"]' "$(events 'map(select(.event == "refused" or (.message // "" | contains("2 entries"))) | .event)')" "order"
}

test_change_of_a_large_policy_is_a_line()
{
	local i

	mkdir -p /etc/rangeguard/reserved.d
	jq -n '{reserved: [range(200) | {cidr: "10.50.\(.).0/24", owner: "somebody"}]}' >/etc/rangeguard/reserved.d/a.json
	touch -d '-1 hour' /etc/rangeguard/reserved.d/a.json
	for i in 1 2; do
		container "c$i"
		add "c$i" "$CONF" >/dev/null
	done
	assert_equal '["policy changed: 200 entries"]' "$(events 'map(select(.event == "policy") | .message)')" "events"
}

test_pin_is_told()
{
	local conf

	uplink
	container c1
	conf=$(with '.snat = [{"name": "mainframe", "source": ["192.0.2.1"], "destinations": ["198.51.100.0/24"]}]')
	add c1 "$conf" >/dev/null
	del c1 "$conf"
	assert_equal '[[["mainframe"],["192.0.2.1"]]]' "$(events 'map([.pins, .source]) | unique')" "pin and source"
}

test_no_history()
{
	local conf

	conf=$(with '.history = false')
	container c1
	add c1 "$conf" >/dev/null
	del c1 "$conf"
	[[ ! -e "$HISTORY" ]] || fail "written all the same: $(<"$HISTORY")"
}

test_history_of_a_delegate_stands_in_its_ipam()
{
	install_plugins ptp
	container c1
	PLUGIN=$CNI_BIN/ptp add c1 '{"cniVersion": "1.0.0", "name": "ptp", "type": "ptp", "ipam": {"type": "rangeguard",
		"history": "/run/test/events", "ranges": [[{"subnet": "10.9.8.0/29"}]]}}' >/dev/null
	assert_equal '[["add","ptp"]]' "$(events 'map([.event, .network])' events)" "events"
}

test_wrong_keys_are_refused()
{
	local key

	container c1
	for key in '.history = "relative"' '.history = true' '.historySize = 1' '.historyFiles = -1' '.histroy = false'; do
		assert_fails add c1 "$(with "$key")"
		assert_contains "$output" "hist" "error of $key"
	done
}

# Sizes are honoured, nothing is lost while eight write at once, nothing grows without end.
test_full_file_is_renamed()
{
	local conf i

	conf=$(with '.history = "/run/test/h" | .historySize = 65536 | .historyFiles = 3')
	container c1
	printf '%065000d\n' 0 >h
	printf 'oldest\n' >h.3
	printf 'older\n' >h.2
	for i in 1 2 3 4 5; do
		add c1 "$conf" >/dev/null
		del c1 "$conf"
	done
	assert_equal "h h.1 h.3" "$(echo h h.*)" "files"
	assert_equal older "$(<h.3)" "the oldest one is gone, the next is its heir"
	assert_equal 10 "$(cat h h.1 | grep -c event)" "events"
	assert_equal '[0,1,2,3,4,5,6,7,8,9]' "$(cat h.1 h | grep event | jq -c -s 'map(.seq)')" "order"
}

# unwritable CONF: neither ADD nor DEL minds that the history can't be written; both say so
unwritable()
{
	add c1 "$1" 2>log >/dev/null || fail "ADD: $(<log)"
	assert_contains "$(<log)" "the history" "log of ADD"
	del c1 "$1" 2>log || fail "DEL: $(<log)"
	assert_contains "$(<log)" "the history" "log of DEL"
}

test_unwritable_history_fails_nothing()
{
	local conf

	conf=$(with '.history = "/run/test/h"')
	container c1
	mkfifo h
	unwritable "$conf"
	rm h
	ln -s elsewhere h
	unwritable "$conf"
	[[ ! -e elsewhere ]] || fail "a link was followed"
	unwritable "$(with '.history = "/run/test/no/such/directory/h"')"
	rm h
	add c1 "$conf" >/dev/null
	assert_equal '[["lost",6]]' "$(events 'map([.gapBefore, .lost])' h)" "what is missing is said"
	del c1 "$conf"
	assert_equal null "$(events '.[1].lost' h)" "and said once"
}

test_full_disk_and_read_only_directory_fail_nothing()
{
	local conf

	conf=$(with '.history = "/run/test/disk/h"')
	container c1
	mkdir disk
	mount -t tmpfs -o size=64k tmpfs disk
	head -c 1M /dev/zero >disk/full 2>/dev/null || true
	unwritable "$conf"
	mount -o remount,ro disk
	unwritable "$conf"
}

# A journal is told the same, in fields.
test_journal()
{
	mkdir -p /run/systemd/journal
	socat -u UNIX-RECV:/run/systemd/journal/socket OPEN:entries,creat,append &
	wait_until 10 test -S /run/systemd/journal/socket
	container c1
	add c1 "$CONF" "CNI_ARGS=IgnoreUnknown=1;$POD" >/dev/null
	wait_until 10 grep -q '^RANGEGUARD_EVENT=add$' entries
	assert_equal "RANGEGUARD_ADDRESS=10.9.0.1 RANGEGUARD_ADDRESS=fd00:9::1" \
		"$(grep '^RANGEGUARD_ADDRESS=' entries | xargs)" "addresses"
	assert_contains "$(<entries)" "MESSAGE=add pods 10.9.0.1 c1" "message"
	assert_contains "$(<entries)" "RANGEGUARD_POD=api-1" "pod"
}

# A journal that does not read keeps nobody waiting.
test_journal_that_hangs()
{
	mkdir -p /run/systemd/journal
	socat -u UNIX-RECV:/run/systemd/journal/socket,rcvbuf=1 /dev/null &
	wait_until 10 test -S /run/systemd/journal/socket
	kill -STOP $!
	container c1
	for _ in 1 2 3 4 5 6 7 8; do
		add c1 "$CONF" >/dev/null
		del c1 "$CONF"
	done
	kill -KILL $!
}

main "$@"
