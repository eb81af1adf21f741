#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many at once: no address is given twice at any time, nobody waits for ever, nothing is left. A storm ends when its time
# is over (see lib.sh), and says how much of it there was; RANGEGUARD_LONG_TESTS=1 makes the storms last longer.
# RANGEGUARD_SEED repeats the choices of a run.

# shellcheck source=tests/calls.sh
source "$(dirname "$0")/../calls.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
	"ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00:9::/64"}]]}}'
# 62 addresses for the 64 workers
TIGHT=${CONF/10.9.0.0\/24/10.9.0.0\/26}
ONE='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
	"ranges": [[{"subnet": "10.9.0.7/32"}]]}}'
WORKERS=64
# What a storm comes to, and what it has to
OPERATIONS=12
FEWEST_OPERATIONS=3
ROUNDS=20
FEWEST_ROUNDS=4
if [[ -n "${RANGEGUARD_LONG_TESTS-}" ]]; then
	export TEST_TIMEOUT=${TEST_TIMEOUT:-7200}
	OPERATIONS=500
	ROUNDS=500
fi

# set_up: what is random follows from the seed
set_up()
{
	note "RANGEGUARD_SEED=$RANGEGUARD_SEED"
	RANDOM=$RANGEGUARD_SEED
	export ASAN_OPTIONS=detect_leaks=0
}

# containers N: p1, p2, …
containers()
{
	local -i i

	for ((i = 1; i <= $1; i++)); do
		container "p$i"
	done
}

# at_once N COMMAND…: so many processes of a command, each with its number as last argument; waits for all of them
at_once()
{
	local -i i failures=0
	local -a pids=()

	for ((i = 1; i <= $1; i++)); do
		"${@:2}" "$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || failures+=1
	done
	((failures == 0)) || fail "$failures of $1 failed: ${*:2}"
}

# addresses RESULT: those given, one a line
addresses()
{
	grep -oP '"address": "\K[^/]+' <<<"$1" || true
}

# kernel_routes: ours to containers, "ADDRESS dev INTERFACE …"
kernel_routes()
{
	ip route show table main proto 82 type unicast
	ip -6 route show table main proto 82 type unicast
}

# kernel_addresses: those that our routes lead to, one a line
kernel_addresses()
{
	kernel_routes | cut -d ' ' -f 1
}

# leased: address and container of each lease, one a line
leased()
{
	"$RANGEGUARD" list | awk 'NR > 1 { print $2, $3 }'
}

# assert_distinct WHAT: no address is leased to two or routed to two. The kernel may name one route twice while others
# change (Documentation/userspace-api/netlink/intro.rst, "Dump consistency")
assert_distinct()
{
	assert_empty "$(leased | cut -d ' ' -f 1 | sort | uniq -d)" "$1: leased twice"
	assert_empty "$(kernel_routes | cut -d ' ' -f 1-3 | sort -u | cut -d ' ' -f 1 | uniq -d)" "$1: routed twice"
}

# del_number CONF N: DEL of that container, told to try again or not
del_number()
{
	again del "p$2" "$1" || fail "DEL of p$2: $output"
}

# --- Mixed verbs against a model: who believes to have an address, has a file of that name in "model" ---

# claim NAME ADDRESS…: between ADD and DEL nobody else may have it
claim()
{
	local address

	for address in "${@:2}"; do
		(set -o noclobber && echo "$1" >"model/$address") 2>/dev/null ||
			fail "$1 was given $address, which $(<"model/$address") has"
	done
}

# assert_holds NAME ADDRESS…: lease and route of each; nothing else is leased to it
assert_holds()
{
	local address

	assert_equal "$(printf '%s\n' "${@:2}" | sort)" "$(leased | awk -v name="$1" '$2 == name { print $1 }' | sort)" \
		"leases of $1"
	for address in "${@:2}"; do
		assert_contains "$(ip route get fibmatch "$address" 2>&1)" "$address dev rg" "route of $1"
	done
}

# try_add NAME: for a worker that has nothing; its result is left in $result, which stays empty if the pool is exhausted
try_add()
{
	if again add "$1" "$TIGHT"; then
		result=$output
		mapfile -t mine < <(addresses "$result")
		assert_equal 2 "${#mine[@]}" "addresses of $1 in $result"
		claim "$1" "${mine[@]}"
		assert_holds "$1" "${mine[@]}"
	else
		assert_equal 101 "$(code "$output")" "ADD of $1: $output"
		assert_empty "$(leased | awk -v name="$1" '$2 == name')" "leases of $1, which was refused"
	fi
}

# try_del NAME: whether it has something or not
try_del()
{
	((${#mine[@]} == 0)) || rm "${mine[@]/#/model/}"
	again del "$1" "$TIGHT" || fail "DEL of $1: $output"
	assert_empty "$(leased | awk -v name="$1" '$2 == name')" "leases of $1 after DEL"
	result=
	mine=()
}

# try_add_again NAME: refused, and nothing changes
try_add_again()
{
	! again add "$1" "$TIGHT" || fail "a second ADD of $1 succeeded"
	assert_equal 107 "$(code "$output")" "a second ADD of $1: $output"
	assert_holds "$1" "${mine[@]}"
}

# try_check NAME: succeeds for one that has something
try_check()
{
	again cni CHECK "$1" "$(netns_path "$1")" eth0 "${TIGHT%\}}, \"prevResult\": $result}" || fail "CHECK of $1: $output"
}

# try_status NAME: it is busy, exhausted or well
try_status()
{
	output=$(cni STATUS "" "" "" "$TIGHT") || assert_contains "|11|50|" "|$(code "$output")|" "STATUS for $1: $output"
}

# worker N: its share of the storm, on container pN; the file "operations" gets a line per operation
worker()
{
	local name=p$1 result='' output=''
	local -a mine=()
	local -i i

	RANDOM=$((RANGEGUARD_SEED + $1))
	for ((i = 0; i < OPERATIONS; i++)); do
		! sample_is_over "$i" "$FEWEST_OPERATIONS" || break
		echo "$1" >>operations
		case $((RANDOM % 8)):$result in
		[0-4]:) try_add "$name" ;;
		[0-2]:*) try_del "$name" ;;
		[3-5]:?*) try_check "$name" ;;
		6:?*) try_add_again "$name" ;;
		5:) try_del "$name" ;;
		*) try_status "$name" ;;
		esac
	done
}

# watch: looks for addresses given twice until the file "over" is there
watch()
{
	while [[ ! -e over ]]; do
		assert_distinct "while the storm lasts"
		sleep 0.2
	done
}

test_mixed_verbs()
{
	local watcher

	containers "$WORKERS"
	mkdir model
	begin_sample
	watch &
	watcher=$!
	at_once "$WORKERS" worker
	touch over
	wait "$watcher"
	note "$(wc -l <operations) of $((WORKERS * OPERATIONS)) operations of $WORKERS at once"
	assert_equal "$(cd model && grep . -- * | tr : ' ' | sort)" "$(leased | tr : ' ' | sort)" "leases beside the model"
	assert_equal "$(find model -type f -printf '%f\n' | sort)" "$(kernel_addresses | sort)" "routes beside the model"
	at_once "$WORKERS" del_number "$TIGHT"
	assert_nothing_left
}

# --- Races for one thing ---

# add_number CONF N: ADD of that container, told to try again or not; answer and errors go to files
add_number()
{
	again add "p$2" "$1" 2>"p$2.log" || true
	printf '%s' "$output" >"p$2.json"
}

# number_of_codes CODE: how many of the answers are such an error; 0: how many are a result
number_of_codes()
{
	local file
	local -i n=0

	for file in p*.json; do
		[[ "$(code "$(<"$file")")" != "$1" || ! -s "$file" ]] || n+=1
	done
	echo "$n"
}

test_one_free_address()
{
	local winner

	containers "$WORKERS"
	at_once "$WORKERS" add_number "$ONE"
	assert_equal "1 winner, $((WORKERS - 1)) refused" "$(number_of_codes 0) winner, $(number_of_codes 101) refused" \
		"$(cat p*.log)"
	assert_equal 10.9.0.7 "$(kernel_addresses)" "routes"
	winner=$(leased | cut -d ' ' -f 2)
	[[ "$(addresses "$(<"$winner.json")")" == 10.9.0.7 ]] || fail "$winner has the lease, but was told $(<"$winner.json")"
	assert_equal 1 "$(ip -o link show type veth | wc -l)" "interfaces"
	assert_refuses 50 exhausted cni STATUS "" "" "" "$(jq -c '.guard.strictStatus = true' <<<"$ONE")"
	del "$winner" "$ONE"
	assert_quiet cni STATUS "" "" "" "$ONE"
	assert_nothing_left
}

# No state directory, no store
test_cold_start()
{
	containers 50
	[[ ! -e /run/rangeguard ]] || fail "there is a state directory"
	at_once 50 add_number "$CONF"
	assert_equal 50 "$(number_of_codes 0)" "results; the others: $(grep -h '"msg"' p*.json | sort | uniq -c)"
	assert_equal 100 "$(addresses "$(cat p*.json)" | sort -u | wc -l)" "different addresses"
	assert_equal "$(addresses "$(cat p*.json)" | sort)" "$(leased | cut -d ' ' -f 1 | sort)" "leases"
	assert_equal "$(leased | cut -d ' ' -f 1 | sort)" "$(kernel_addresses | sort)" "routes"
	at_once 50 del_number "$CONF"
	assert_nothing_left
}

# race VERB N: the verb, into VERB.json; its exit status into VERB.status
race()
{
	local -i status=0

	cni "$1" c1 "$(netns_path c1)" eth0 "$CONF" >"$1.json" || status=$?
	echo "$status" >"$1.status"
}

# assert_all_or_nothing: what the loser of a race leaves
assert_all_or_nothing()
{
	local link

	link=$(ip -n c1 -o link show)
	if [[ "$link" == *": eth0"* ]]; then
		link=eth0
	else
		link=
	fi
	case $(leased | wc -l),$(kernel_addresses | wc -l),$(ip -o link show type veth | wc -l),$link in
	0,0,0, | 2,2,1,eth0) ;;
	*) fail "half an attachment: $(leased) $(kernel_addresses) $(ip -o link show type veth) ($link)" ;;
	esac
}

# Whether there is an attachment beforehand alternates, and so does who starts first; ADD fails if it came too early
test_add_and_del_of_one_key()
{
	local first second
	local -i round

	container c1
	begin_sample
	for ((round = 0; round < ROUNDS; round++)); do
		! sample_is_over "$round" "$FEWEST_ROUNDS" || break
		if ((round & 1)); then
			race ADD
		fi
		if ((round & 2)); then
			first=ADD second=DEL
		else
			first=DEL second=ADD
		fi
		race "$first" &
		race "$second" &
		wait
		assert_equal 0 "$(<DEL.status)" "round $round: DEL: $(<DEL.json)"
		[[ "$(<ADD.status)" == 0 ]] || assert_equal 107 "$(code "$(<ADD.json)")" "round $round: ADD: $(<ADD.json)"
		assert_all_or_nothing
		del c1 "$CONF"
		assert_nothing_left
	done
	note "$round of $ROUNDS rounds"
}

# --- A process that is stopped in the middle ---

# stop_at VERB CALL [NTH]: the verb for c1, which stops after its first (nth) such system call; it is process $stopped
stop_at()
{
	cat >stopping <<-EOF
		#!/bin/sh
		exec strace -qq -o stop -e trace=$2 -e inject=$2:signal=STOP:when=${3:-1} "$RANGEGUARD"
	EOF
	chmod +x stopping
	container c1
	PLUGIN=$PWD/stopping cni "$1" c1 "$(netns_path c1)" eth0 "$CONF" >stopped.json 2>/dev/null &
	job=$!
	wait_until 5 grep -q 'stopped by SIGSTOP' stop
	stopped=$(find /proc -maxdepth 2 -name exe -lname "$RANGEGUARD" 2>/dev/null | cut -d / -f 3)
}

# go_on: what was stopped ends well after all
go_on()
{
	kill -CONT "$stopped"
	wait "$job" || fail "exit status $? after the stop: $(<stopped.json)"
}

# assert_holds_result FILE: c1 has what the file tells of
assert_holds_result()
{
	local -a given

	mapfile -t given < <(addresses "$(<"$1")")
	assert_equal 2 "${#given[@]}" "addresses in $(<"$1")"
	assert_holds c1 "${given[@]}"
}

# assert_within MILLISECONDS COMMAND…: whatever its outcome, which is left in $output
assert_within()
{
	local -i start took deadline

	deadline=$(scaled "$1")
	start=$(date +%s%3N)
	output=$("${@:2}" 2>&1) || true
	took=$(($(date +%s%3N) - start))
	((took < deadline)) || fail "took $took ms: ${*:2}"
}

# kept_waiting N: ADD, DEL and STATUS in turn; they give up in time
kept_waiting()
{
	local output

	case $(($1 % 3)) in
	0) assert_within 9000 add "p$1" "$CONF" ;;
	1) assert_within 9000 del "p$1" "$CONF" ;;
	2) assert_within 4000 cni STATUS "" "" "" "$(jq -c '.guard.strictStatus = true' <<<"$CONF")" ;;
	esac
	assert_contains "|11|50|" "|$(code "$output")|" "$1: $output"
}

test_stopped_holder_of_the_store()
{
	local stopped job name

	containers 12
	for name in p1 p4 p7 p10; do
		add "$name" "$CONF" >/dev/null
	done
	stop_at ADD fdatasync
	at_once 12 kept_waiting
	go_on
	assert_holds_result stopped.json
	at_once 12 del_number "$CONF"
	del c1 "$CONF"
	assert_nothing_left
}

# Between its lease and its interface: others are not held up, its own DEL is
test_stopped_holder_of_an_attachment()
{
	local stopped job output

	container c2
	add c2 "$CONF" >/dev/null
	stop_at ADD setns 3
	assert_within 9000 del c1 "$CONF"
	assert_equal 11 "$(code "$output")" "DEL of what is being added: $output"
	assert_within 4000 del c2 "$CONF"
	assert_empty "$output" "DEL of another"
	assert_within 4000 add c2 "$CONF"
	assert_contains "$output" '"ips"' "ADD of another"
	assert_within 4000 cni STATUS "" "" "" "$CONF"
	assert_empty "$output" "STATUS"
	go_on
	assert_holds_result stopped.json
	del c1 "$CONF"
	del c2 "$CONF"
	assert_nothing_left
}

# It has found no state and so no lock; it must not take the interface away and leave the lease
test_del_overtaken_by_the_very_first_add()
{
	local stopped job

	stop_at DEL openat2
	add c1 "$CONF" >c1.json
	go_on
	assert_all_or_nothing
	del c1 "$CONF"
	assert_nothing_left
}

# --- Killed ---

# killed_or_not VERB N: the verb; three of ten are killed, after up to a second
killed_or_not()
{
	local -i status=0

	RANDOM=$((RANGEGUARD_SEED + $2))
	export DELAY=0
	if ((RANDOM % 10 < 3)); then
		DELAY=$(printf '0.%03d' $((RANDOM % 1000)))
	fi
	PLUGIN=$PWD/killed cni "$1" "p$2" "$(netns_path "p$2")" eth0 "$CONF" >"p$2.json" 2>/dev/null || status=$?
	if ((status == 137)); then
		echo "$2" >>killed.list
	elif ((status != 0)); then
		# Nobody calls again: what follows has to cope with that, too.
		assert_equal 11 "$(code "$(<"p$2.json")")" "$1 of p$2: $(<"p$2.json")"
	fi
}

test_killed_at_random()
{
	local -i round

	# A delay of 0 means never
	cat >killed <<-EOF
		#!/bin/sh
		exec timeout -s KILL "\$DELAY" "$RANGEGUARD"
	EOF
	chmod +x killed
	containers "$WORKERS"
	for ((round = 0; round < 1 + ROUNDS / 20; round++)); do
		RANGEGUARD_SEED=$((RANGEGUARD_SEED + WORKERS))
		at_once "$WORKERS" killed_or_not ADD
		assert_distinct "after ADD"
		at_once "$WORKERS" killed_or_not DEL
		assert_distinct "after DEL"
		at_once "$WORKERS" del_number "$CONF"
		assert_nothing_left
	done
	[[ -s killed.list ]] || fail "nobody was killed"
}

main "$@"
