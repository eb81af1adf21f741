#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `rangeguard who`: who held an address, on this host and from files of others, and what it can't know.
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard", "reuseDelay": 0,
	"ranges": [[{"subnet": "10.9.0.0/30"}], [{"subnet": "fd00:9::/125"}]]}}'

# who ARGUMENT…: as JSON
who()
{
	"$RANGEGUARD" who --format json "$@"
}

# event SEQ TIME NAME CONTAINER [MEMBER…]: a line as host n1 writes it, of 2026-11-28; MEMBERs are JSON
event()
{
	local IFS=,

	printf '{"time":"2026-11-28T%s.000Z","host":"%s","run":"%s","seq":%s,%s"event":"%s","network":"pods",%s"container":"%s","ifname":"eth0"}\n' \
		"$2" "${HOST:-n1}" "${RUN:-0000000a-00000001}" "$1" "${GAP-}" "$3" "${*:5}${5:+,}" "$4"
}

A='"addresses":["10.9.0.1"]'

test_who_holds_and_held()
{
	local result from

	container c1
	container c2
	add c1 "$CONF" "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=billing;K8S_POD_NAME=api-1" >/dev/null
	from=$(date -u +%FT%T.%3NZ)
	del c1 "$CONF"
	add c2 "$CONF" "CNI_ARGS=IgnoreUnknown=1;IP=10.9.0.1" >/dev/null
	result=$(who 10.9.0.1) || fail "status $?"
	assert_json "$result" '[.holdings[] | [.container, .end]] == [["c1", "del"], ["c2", "open"]]' "holdings"
	assert_json "$result" '.holdings[0] | .pod == "api-1" and .namespace == "billing" and .network == "pods"' "pod"
	assert_json "$result" '.holdings[0].from < .holdings[0].to and .holdings[1].to == null' "times"
	assert_schema who "$result" "holdings"
	assert_json "$(who --at "$from" 10.9.0.1)" '[.holdings[].container] == ["c1"]' "at that time"
	assert_json "$(who --since "$(date -u +%FT%T.%3NZ)" 10.9.0.1)" '[.holdings[].container] == ["c2"]' "since"
	assert_json "$(who fd00:9::1)" '[.holdings[].container] == ["c1"]' "IPv6, however it is written"
	assert_equal "$(who FD00:9:0::1)" "$(who fd00:9::1)" "spelling"
	output=$("$RANGEGUARD" who 10.9.0.1)
	assert_contains "$output" "network pods, container c1, eth0, pod billing/api-1" "text"
	assert_contains "$output" "not ended in the record" "text"
}

test_nobody()
{
	local status=0

	container c1
	add c1 "$CONF" >/dev/null
	output=$("$RANGEGUARD" who 10.9.9.9) || status=$?
	assert_equal 1 "$status" "exit status"
	assert_contains "$output" "nobody that is known" "text"
	# A part of an address is another address.
	assert_json "$(who 10.9.0.11)" '.holdings == []' "10.9.0.1 is not 10.9.0.11"
}

test_source_of_a_pin()
{
	uplink
	container c1
	add c1 "$(jq -c '.snat = [{name: "mainframe", source: ["192.0.2.1"], destinations: ["198.51.100.0/24"]}]' <<<"$CONF")" \
		>/dev/null
	assert_json "$(who 192.0.2.1)" '[.holdings[] | [.container, .asSource, .pins]] == [["c1", true, ["mainframe"]]]' "source"
	assert_contains "$("$RANGEGUARD" who 192.0.2.1)" "as source address: host $(uname -n), network pods" "text"
}

# How a holding ended when nobody said so.
test_ends_that_nobody_wrote()
{
	{
		GAP='"gapBefore":"boot",' event 0 10:00:00 add c1 "$A"
		event 1 10:10:00 add c2 "$A"
		event 2 10:20:00 add c2 "$A"
		RUN=0000000b-00000002 GAP='"gapBefore":"boot",' event 0 11:00:00 add c9 '"addresses":["10.9.0.2"]'
	} >h
	assert_json "$(who --history h 10.9.0.1)" '[.holdings[] | [.container, .end, .to[11:16]]] ==
		[["c1", "given", "10:10"], ["c2", "made again", "10:20"], ["c2", "reboot", "11:00"]]' "ends"
	assert_json "$(who --history h --at "2026-11-28 10:15" 10.9.0.1)" '[.holdings[].container] == ["c2"]' "at"
	assert_json "$(who --history h --at "2026-11-28T13:15+02:00" 10.9.0.1)" '.holdings == []' "at, by another clock"
}

test_release_without_an_add()
{
	event 7 10:00:00 reclaim c1 "$A" >h
	assert_json "$(who --history h 10.9.0.1)" '.holdings | length == 1 and .[0].from == null and .[0].end == "reclaim"' "end"
	assert_contains "$("$RANGEGUARD" who --history h 10.9.0.1)" "from an unknown time  until 2026-11-28T10:00:00.000Z" "text"
}

# What is not known is said: before and after the record, what could not be written, what is missing between files.
test_gaps()
{
	mkdir d
	GAP='"gapBefore":"boot",' event 0 09:00:00 add c1 "$A" >d/h.3
	event 1000 10:00:00 del c1 "$A" >d/h.1
	GAP='"gapBefore":"lost","lost":5,' event 1006 10:30:00 add c2 '"addresses":["10.9.0.3"]' >d/h
	output=$(who --history d 10.9.0.1)
	assert_json "$output" '[.gaps[] | [.kind, .events, .from[11:16], .to[11:16]]] == [["begin", 0, null, "09:00"],
		["end", 0, "10:30", null], ["files", 999, "09:00", "10:00"], ["lost", 5, null, "10:30"]]' "gaps"
	assert_contains "$("$RANGEGUARD" who --history d 10.9.0.1)" \
		"host n1: from 2026-11-28T09:00:00.000Z to 2026-11-28T10:00:00.000Z, 999 events: a file is missing" "text"
	assert_json "$(who --history d --at 2026-11-28T09:30 10.9.0.1)" '[.gaps[].kind] == ["files", "lost"]' "at"
}

# Copied from many hosts, renamed, compressed: all are found; a copy counts once; the same address on two hosts is two.
test_files_of_many_hosts()
{
	mkdir -p d/n1 d/n2
	event 0 10:00:00 add c1 "$A" >d/n1/history.jsonl.2
	event 1 10:00:01 del c1 "$A" | tee d/n1/history.jsonl.1 >d/n1/copy
	HOST=n2 event 0 10:00:00 add c2 "$A" >d/n2/history.jsonl
	gzip d/n1/history.jsonl.2
	assert_json "$(who --history d 10.9.0.1)" '[.holdings[] | [.host, .end]] | sort == [["n1", "del"], ["n2", "open"]]' "all"
	assert_json "$(who --history d/n1/history.jsonl 10.9.0.1)" '[.holdings[].host] == ["n1"]' "renamed files"
	assert_json "$(who --history d/n1/copy --history d/n2 10.9.0.1)" '.holdings | length == 2' "two paths"
}

# What a full disk leaves, what is not ours, and lines without end harm nothing.
test_rubbish_in_between()
{
	{
		event 0 10:00:00 add c1 "$A"
		event 1 10:00:01 add c2 "$A" | head -c 60
		event 2 10:00:02 del c1 "$A"
		head -c 100000 /dev/zero | tr '\0' '"'
		echo
		printf '"10.9.0.1"\n{"time":"never","addresses":["10.9.0.1"]}\n[]\n\n\0\n'
		event 3 10:00:03 add c3 "$A" | head -c -1
	} >h
	assert_json "$(who --history h 10.9.0.1)" '[.holdings[] | [.container, .end]] == [["c1", "del"], ["c3", "open"]]' "holdings"
}

# Lines lie across the blocks in which files are read, wherever these end.
test_lines_across_blocks()
{
	local i

	for i in {0..2999}; do
		event "$i" 10:00:00 add "c$i" "\"addresses\":[\"10.8.$((i / 250)).$((i % 250))\"]"
	done >h
	for i in 0 1017 1018 1019 1020 1500 2999; do
		assert_json "$(who --history h "10.8.$((i / 250)).$((i % 250))")" "[.holdings[].container] == [\"c$i\"]" "line $i"
	done
}

# What a full disk or a copy that was cut off leaves is no event; who asks hears of it
test_lines_that_cannot_be_read()
{
	local line

	for line in "{\"addresses\":[\"10.9.0.1\"" "a note about \"10.9.0.1\"" "$(event 1 10:00:00 add c2 "$A" | sed s/2026/x/)"; do
		event 0 09:00:00 add c1 '"addresses":["10.9.0.2"]' >h
		{ echo "$line"; event 2 11:00:00 add c3 '"addresses":["10.9.0.3"]'; } >>h
		assert_fails "$RANGEGUARD" who --history h 10.9.0.1
		assert_contains "$output" "warning: h: a line that counts here can't be read" "$line"
	done
	event 3 12:00:00 add c4 "$A" >>h
	assert_succeeds "$RANGEGUARD" who --history h 10.9.0.1
	assert_contains "$output" "container c4" "what can be read"
	assert_succeeds "$RANGEGUARD" who --history h 10.9.0.3
	[[ $output != *warning* ]] || fail "a line that has another address: $output"
	echo "no history" >h
	assert_fails "$RANGEGUARD" who --history h 10.9.0.1
	assert_contains "$output" "warning: h: " "another file"
}

# Of what is named nothing is passed over, least of all for what this host knows itself
test_places_of_a_history()
{
	mkdir -p /var/log/rangeguard d/empty real
	event 0 09:00:00 add here "$A" >/var/log/rangeguard/history.jsonl
	event 0 10:00:00 add c1 "$A" >real/h
	assert_fails "$RANGEGUARD" who --history d 10.9.0.1
	assert_contains "$output" "nothing to read in d" "an empty directory"
	ln -s real link
	assert_json "$(who --history link 10.9.0.1)" '[.holdings[].container] == ["c1"]' "a symlink to a directory"
	ln -s ../real/h d/h
	ln -s ../real d/real
	assert_json "$(who --history d 10.9.0.1)" '[.holdings[].container] == ["c1"]' "a symlink to a file"
	ln -sf nowhere d/h
	assert_fails "$RANGEGUARD" who --history d 10.9.0.1
	assert_contains "$output" "d/h: No such file" "a symlink to nowhere"
	mkfifo pipe
	assert_contains "$(timeout 60 "$RANGEGUARD" who --history pipe 10.9.0.1)" "nobody that is known" "a pipe without a writer"
	assert_json "$(who --history <(gzip -c real/h) 10.9.0.1)" '[.holdings[].container] == ["c1"]' "a pipe with one"
}

test_errors()
{
	local arguments

	touch h
	for arguments in "" "--at yesterday 10.9.0.1" "--format xml 10.9.0.1" "--history h" "--history h 10.9.0" \
		"--history h 10.9.0.1 10.9.0.2" "--history missing 10.9.0.1" "--bogus" "--at"; do
		status=0
		# shellcheck disable=SC2086 # words are meant
		output=$("$RANGEGUARD" who $arguments 2>&1 >/dev/null) || status=$?
		assert_equal 2 "$status" "exit status of who $arguments"
		assert_matches "$output" '^rangeguard who: .+' "message of who $arguments"
	done
	assert_fails "$RANGEGUARD" who 10.9.0.1
	assert_contains "$output" "/var/log/rangeguard/history.jsonl: No such file" "no history yet"
}

main "$@"
