#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Large policies are kept compiled beside the state: compiled once, never used when stale, damaged or somebody else's,
# and no ADD fails because they can't be kept. Decisions are asked in the chained role, which needs no interface.
#
# In single quotes stand jq and awk programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/calls.sh
source "$(dirname "$0")/../calls.sh"

# Judges and does nothing else: antiSpoof would need a state directory, too
CHAINED='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "antiSpoof": false, "guard": {"policies": ["/etc/rangeguard/big.json"]},
	"prevResult": {"cniVersion": "1.1.0", "ips": [{"address": "10.250.0.1/32"}]}}'
CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "guard": {"policies": ["/etc/rangeguard/big.json"]},
	"ipam": {"type": "rangeguard", "ranges": [[{"subnet": "10.9.0.0/16"}]]}}'
BIG=/etc/rangeguard/big.json
STATE=/run/rangeguard
ENTRIES=500

set_up()
{
	container c1
	on_disk /etc/rangeguard
	policy 172
}

# entries COUNT FIRST: that many reserved prefixes from FIRST.0.0.0 on
entries()
{
	awk -v count="$1" -v first="$2" 'BEGIN {
		for (i = 0; i < count; i++)
			printf "%s\n{\"cidr\": \"%d.%d.%d.%d/28\", \"owner\": \"team-%d\", \"reason\": \"database\"}", \
				i ? "," : "", first, int(i / 4096) % 256, int(i / 16) % 256, i % 16 * 16, i % 100
	}'
}

# policy FIRST [COUNT] [FILE]: a large policy that reserves FIRST.0.0.0/28 and more, of the same size for each FIRST of
# three digits
policy()
{
	echo "{\"reserved\": [$(entries "${2:-$ENTRIES}" "$1")]}" >"${3:-$BIG}"
}

# chained ADDRESS [FILTER]: the chained configuration behind a plugin that gave this address
chained()
{
	jq -c --arg address "$1/32" '.prevResult.ips[0].address = $address | '"${2:-.}" <<<"$CHAINED"
}

# assert_reserved WHAT [FIRST] [FILTER]: FIRST.0.0.5 is refused with its owner
assert_reserved()
{
	assert_fails add c1 "$(chained "${2:-172}.0.0.5" "${3:-.}")"
	printf '%s\n' "$output" >>log
	assert_contains "$output" '"code":100' "$1"
	assert_contains "$output" "reserved range ${2:-172}.0.0.0/28 (owner team-0, reason database; " "$1"
}

# assert_free WHAT [FIRST] [FILTER]: FIRST.0.0.5 is not
assert_free()
{
	output=$(add c1 "$(chained "${2:-200}.0.0.5" "${3:-.}")" 2>>log) || fail "$1: $output"
}

# assert_decides WHAT: 172.0.0.5 is refused, 200.0.0.5 is not
assert_decides()
{
	assert_reserved "$1"
	assert_free "$1"
}

# images: files of compiled policies, and what is left of writing them
images()
{
	find "$STATE" -name 'policy-*' 2>/dev/null | sort
}

# assert_one_image WHAT
assert_one_image()
{
	assert_equal 1 "$(images | wc -l)" "$1: $(images)"
	assert_empty "$(images | grep '\.new$' || true)" "$1: left of writing"
}

# traced CALLS COMMAND…: the command under strace; the calls are left in the file "trace"
traced()
{
	local calls=$1

	shift
	cat >traced <<-EOT
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -o trace.\$\$ -e trace=$calls "$RANGEGUARD"
	EOT
	chmod +x traced
	rm -f trace trace.*
	PLUGIN=$PWD/traced "$@"
	cat trace.* >trace
}

test_it_is_compiled_once_and_used()
{
	assert_empty "$(images)" "before"
	assert_decides "compiled"
	assert_one_image "compiled"
	before=$(stat -c '%i %Y %s' "$(images)")
	traced openat,open,read,pread64 assert_decides "used"
	assert_empty "$(grep -F "$BIG" trace || true)" "the policy was opened"
	assert_equal "$before" "$(stat -c '%i %Y %s' "$(images)")" "the image"
	assert_equal 600 "$(stat -c %a "$(images)")" "its mode"
}

# What an ADD reads does not grow with the policy
test_an_add_reads_a_few_blocks()
{
	local -i bytes

	policy 172 60000
	assert_succeeds add c1 "$CONF"
	del c1 "$CONF"
	(($(stat -c %s "$(images)") > 5000000)) || fail "a small image: $(stat -c %s "$(images)")"
	traced read,pread64 assert_succeeds add c1 "$CONF"
	bytes=$(awk '/ = [0-9]+$/ { sum += $NF } END { print sum }' trace)
	((bytes < 500000)) || fail "an ADD read $bytes bytes"
	assert_reserved "in the middle" 172
}

test_small_policies_are_not_kept()
{
	policy 172 20
	assert_decides "small"
	assert_empty "$(images)" "of a small policy"
	[[ ! -e "$STATE" ]] || fail "a chained ADD with a small policy makes a state directory"
}

# --- Never used when stale ---

test_a_changed_source_is_read_again()
{
	local first

	assert_decides "before"
	# In place, and of the same size
	for first in 173 174 175; do
		policy "$first"
		assert_reserved "changed to $first" "$first"
		assert_free "changed to $first" $((first - 1))
	done
	policy 176 "$ENTRIES" "$BIG.new"
	mv "$BIG.new" "$BIG"
	assert_reserved "another file" 176
	assert_free "another file" 175
	assert_one_image "after changes"
}

test_a_source_that_is_gone_or_unsafe_fails_closed()
{
	assert_decides "before"
	mv "$BIG" "$BIG.old"
	assert_fails add c1 "$(chained 200.0.0.5)"
	assert_refused 102 "$output" "gone"
	mv "$BIG.old" "$BIG"
	assert_decides "back again"
	chmod g+w "$BIG"
	assert_fails add c1 "$(chained 200.0.0.5)"
	assert_refused 102 "$output" "writable by others"
	chmod g-w "$BIG"
	chown nobody "$BIG"
	assert_fails add c1 "$(chained 200.0.0.5)"
	assert_refused 102 "$output" "somebody else's"
	chown root "$BIG"
	echo '{"reserved": [' >"$BIG"
	assert_fails add c1 "$(chained 200.0.0.5)"
	assert_refused 102 "$output" "malformed"
}

test_directories()
{
	local filter='del(.guard)'

	rm "$BIG"
	assert_free "no directory" 172 "$filter"
	mkdir /etc/rangeguard/reserved.d
	policy 172 "$ENTRIES" /etc/rangeguard/reserved.d/a.json
	assert_reserved "a directory appears" 172 "$filter"
	assert_free "a directory appears" 173 "$filter"
	policy 173 "$ENTRIES" /etc/rangeguard/reserved.d/b.json
	assert_reserved "a file appears" 173 "$filter"
	policy 174 "$ENTRIES" /etc/rangeguard/reserved.d/b.json
	assert_reserved "a file in it changes" 174 "$filter"
	assert_free "a file in it changes" 173 "$filter"
	mv /etc/rangeguard/reserved.d/b.json /etc/rangeguard/reserved.d/b.json.off
	assert_free "a file is taken out" 174 "$filter"
	assert_reserved "a file is taken out" 172 "$filter"
	rm -r /etc/rangeguard/reserved.d
	assert_free "the directory is gone" 172 "$filter"
}

# Grants are for certain networks, and a configuration has entries of its own
test_networks_and_configurations_have_their_own()
{
	local grant='.guard.granted = [{cidr: "172.0.0.4/30", network: "batch"}]'

	assert_reserved "pods" 172
	assert_reserved "pods, with the grant" 172 "$grant"
	assert_free "batch, with the grant" 172 "$grant | .name = \"batch\""
	assert_reserved "batch, without" 172 '.name = "batch"'
	assert_free "entries of its own" 201
	assert_fails add c1 "$(chained 201.0.0.5 '.guard.reserved = [{cidr: "201.0.0.0/28"}]')"
	assert_refused 100 "$output" "entries of its own"
	assert_fails add c1 "$(chained 202.0.0.5 '.guard.reserved = [{cidr: "202.0.0.0/28"}]')"
	assert_refused 100 "$output" "others of its own"
	assert_free "without them again" 201
	assert_reserved "without them again" 172
}

test_an_entry_that_expires()
{
	local today yesterday

	today=$(date -u +%F)
	yesterday=$(date -u -d yesterday +%F)
	echo "{\"reserved\": [$(entries "$ENTRIES" 172), {\"cidr\": \"201.0.0.0/24\", \"validUntil\": \"$today\"},
		{\"cidr\": \"202.0.0.0/24\", \"validUntil\": \"$yesterday\"}]}" >"$BIG"
	assert_decides "before"
	# Unless midnight has passed meanwhile
	[[ "$(date -u +%F)" != "$today" ]] || assert_fails add c1 "$(chained 201.0.0.5)"
	assert_free "expired" 202
	# Not before today, and not after: both are in the image's record
	assert_one_image "one"
}

# A file system without fine times (as all were before Linux 6.13): changed, compiled and changed again at once
test_changes_within_one_tick()
{
	local -i i
	local conf reserves_172 reserves_173 filter='.guard.policies = ["/run/coarse/big.json"]'

	mkdir /run/coarse
	mount -t ramfs -o mode=0755 ramfs /run/coarse
	policy 172 60 a.json
	policy 173 60 b.json
	reserves_172=$(<a.json)
	reserves_173=$(<b.json)
	conf=$(chained 200.0.0.5 "$filter")
	export CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_NETNS=/run/netns/c1 CNI_IFNAME=eth0 CNI_PATH=$CNI_BIN
	for ((i = 0; i < 40; i++)); do
		# No process more than needed
		printf '%s' "$reserves_172" >/run/coarse/big.json
		"$RANGEGUARD" >/dev/null <<<"$conf"
		printf '%s' "$reserves_173" >/run/coarse/big.json
		assert_reserved "round $i" 173 "$filter"
		assert_free "round $i" 172 "$filter"
	done
}

# On tmpfs a write through mmap(2) leaves the times of a file as they are; so it does where a tmpfs is below an overlay, as
# here /etc is
test_policy_written_through_a_mapping()
{
	local file filter

	for file in /run/test/mapped.json /etc/mapped.json; do
		filter=$(printf '.guard.policies = ["%s"]' "$file")
		policy 172 "$ENTRIES" "$file"
		assert_reserved "$file as written" 172 "$filter"
		assert_free "$file as written" 173 "$filter"
		assert_equal "$(stat -c %y "$file")" "$(python3 - "$file" <<-'EOF'
			import mmap, os, sys, datetime
			with open(sys.argv[1], "r+b") as policy, mmap.mmap(policy.fileno(), 0) as mapping:
			    for at in range(len(mapping) - 4):
			        if mapping[at:at + 4] == b"172.":
			            mapping[at:at + 4] = b"173."
		EOF
		stat -c %y "$file")" "times of the file"
		assert_reserved "$file rewritten" 173 "$filter"
		assert_free "$file rewritten" 172 "$filter"
	done
}

# A page that has been written to through a mapping may be written to again, without a trace in the file's times, until it is
# written back
test_policy_that_stays_mapped()
{
	local mapper

	mkfifo go
	python3 - "$BIG" go <<-'EOF' >written &
		import mmap, sys
		with open(sys.argv[1], "r+b") as policy, mmap.mmap(policy.fileno(), 0) as mapping:
		    places = [at for at in range(len(mapping) - 4) if mapping[at:at + 4] == b"172."]
		    for digits in b"172.", b"173.", b"174.":
		        for at in places:
		            mapping[at:at + 4] = digits
		        print("written", flush=True)
		        open(sys.argv[2]).read()
	EOF
	mapper=$!
	wait_until 10 test -s written
	assert_reserved "written through the mapping" 172
	assert_free "written through the mapping" 173
	echo >go
	wait_until 10 eval '(($(wc -l <written) == 2))'
	assert_reserved "written again" 173
	assert_free "written again" 172
	echo >go
	wait_until 10 eval '(($(wc -l <written) == 3))'
	assert_reserved "and again" 174
	assert_free "and again" 173
	echo >go
	wait "$mapper"
}

# --- Many at once ---

# A policy that is touched more often than it can be compiled is compiled for those who wait for it
test_policy_that_is_touched_all_the_time()
{
	local -i i compiled
	local toucher

	cat >traced <<-EOT
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -o trace.\$\$ -e trace=renameat,renameat2,rename "$RANGEGUARD"
	EOT
	chmod +x traced
	policy 172 40000
	(while :; do touch "$BIG"; sleep 0.01; done) &
	toucher=$!
	for ((i = 0; i < 16; i++)); do
		(PLUGIN=$PWD/traced answer_in "result.$i" add c1 "$(chained "$((i % 2 ? 172 : 200)).0.0.5")" 2>"log.$i" || true) &
	done
	mapfile -t adds < <(jobs -p | grep -vx "$toucher")
	wait "${adds[@]}"
	kill "$toucher"
	for ((i = 0; i < 16; i++)); do
		if ((i % 2)); then
			assert_contains "$(<"result.$i")" '"code":100' "ADD number $i"
		else
			assert_json "$(<"result.$i")" '.ips | length == 1' "ADD number $i"
		fi
	done
	compiled=$(cat trace.* | grep -c 'policy-' || true)
	((compiled >= 1 && compiled <= 8)) || fail "compiled $compiled times for 16 calls"
	wait_until 20 eval 'add c1 "$(chained 200.0.0.5)" 2>&1 | grep -q ips'
	assert_decides "when nobody touches it any more"
}

test_parallel_adds_compile_once()
{
	local -i i round

	cat >traced <<-EOT
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -o trace.\$\$ -e trace=renameat,renameat2,rename "$RANGEGUARD"
	EOT
	chmod +x traced
	for round in 173 174 175; do
		policy "$round" 4000
		rm -f trace.* result.*
		for ((i = 0; i < 50; i++)); do
			(PLUGIN=$PWD/traced answer_in "result.$i" add c1 "$(chained "$((i % 2 ? round : 200)).0.0.5")" 2>/dev/null || true) &
		done
		wait
		for ((i = 0; i < 50; i++)); do
			if ((i % 2)); then
				assert_contains "$(<"result.$i")" '"code":100' "ADD number $i"
			else
				assert_json "$(<"result.$i")" '.ips | length == 1' "ADD number $i"
			fi
		done
		assert_equal 1 "$(cat trace.* | grep -c 'policy-' || true)" "how often it was compiled for $round"
		assert_one_image "after $round"
	done
}

# Who compiles has been stopped: others give up in time; STATUS reads the policy itself
test_waiting_has_an_end()
{
	local compiler

	cat >stopped <<-EOT
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -o /dev/null -e trace=renameat,renameat2 -e inject=renameat,renameat2:delay_enter=600s "$RANGEGUARD"
	EOT
	chmod +x stopped
	(PLUGIN=$PWD/stopped add c1 "$(chained 200.0.0.5)" >/dev/null 2>&1) &
	compiler=$!
	wait_until 20 eval '[[ -n "$(images)" ]]'
	assert_fails add c1 "$(chained 200.0.0.5)"
	assert_refused 11 "$output" "while somebody compiles"
	assert_contains "$output" "compiling" "the words"
	cni STATUS "" "" "" "$(chained 200.0.0.5)"
	# Another network's is another's to compile
	assert_free "another network" 200 '.name = "batch"'
	pkill -KILL -P "$compiler" || true
	kill -KILL "$compiler" 2>/dev/null || true
	wait "$compiler" 2>/dev/null || true
	wait_until 20 add c1 "$(chained 200.0.0.5)"
	assert_reserved "afterwards"
	assert_equal 2 "$(images | wc -l)" "images: $(images)"
}

test_status_compiles_only_where_there_is_a_state()
{
	local conf

	conf=$(chained 200.0.0.5)
	cni STATUS "" "" "" "$conf"
	assert_empty "$(ls -A "$STATE" 2>/dev/null || true)" "state that STATUS made"
	assert_succeeds add c1 "$CONF"
	rm "$STATE"/policy-*
	cni STATUS "" "" "" "$conf"
	assert_one_image "STATUS"
}

test_there_are_no_more_than_sixteen()
{
	local -i i

	assert_decides "the oldest"
	for ((i = 0; i < 20; i++)); do
		assert_free "network $i" 200 ".name = \"net$i\""
	done
	assert_equal 16 "$(images | wc -l)" "images"
	assert_free "the newest" 200 '.name = "net19"'
	assert_decides "the oldest again"
	assert_equal 16 "$(images | wc -l)" "images"
}

# --- Damage ---

# damage OFFSET: another byte there in the image
damage()
{
	local byte

	byte=$(od -An -tu1 -j "$1" -N 1 "$(images)")
	printf '%b' "\\x$(printf '%02x' $((byte ^ 0x41)))" | dd of="$(images)" bs=1 seek="$1" conv=notrunc status=none
}

test_damaged_images_are_made_anew()
{
	local -i size at

	assert_decides "before"
	size=$(stat -c %s "$(images)")
	for ((at = 5; at < size; at += 2048)); do
		damage "$at"
		: >log
		assert_decides "damaged at $at of $size"
		# Damage that only the last one met
		assert_decides "rebuilt after $at"
		assert_one_image "damaged at $at"
	done
	for at in 0 5 24 40; do
		damage "$at"
		: >log
		assert_decides "damaged at $at of $size"
		assert_contains "$(<log)" "is damaged: it is rebuilt" "what is logged"
	done
	for ((at = 0; at < size; at += 4096)); do
		truncate -s "$at" "$(images)"
		assert_decides "cut at $at"
		truncate -s $((at + 17)) "$(images)"
		assert_decides "cut at $at + 17"
		assert_equal "$size" "$(stat -c %s "$(images)")" "rebuilt after $at"
	done
	head -c "$size" /dev/urandom >"$(images)"
	assert_decides "noise"
	head -c "$size" /dev/zero >"$(images)"
	assert_decides "nothing"
}

# The sources are gone as well: nobody knows what is reserved
test_damaged_image_and_no_source()
{
	assert_decides "before"
	damage 0
	rm "$BIG"
	assert_fails add c1 "$(chained 200.0.0.5)"
	assert_refused 102 "$(tail -n 1 <<<"$output")" "neither"
}

# An image of another network, or of other sources, under this one's name
test_images_of_others()
{
	local image other

	assert_decides "pods"
	image=$(images)
	assert_reserved "batch" 172 '.name = "batch" | .guard.reserved = [{cidr: "200.0.0.0/28"}]'
	cp "$image" saved
	other=$(images | grep -v "$image")
	cp "$other" "$image"
	assert_decides "another network's"
	# What was right once
	policy 173
	assert_reserved "new" 173
	cat saved >"$image"
	assert_reserved "an old image" 173
	assert_free "an old image" 172
}

test_files_that_are_not_ours()
{
	local image other

	assert_decides "before"
	image=$(images)
	for other in "chmod 0666" "chown nobody"; do
		policy 173
		assert_reserved "made for 173" 173
		cp -p "$image" old
		policy 172
		assert_decides "made for 172"
		# Somebody puts an image there that fits by its times
		$other "$image"
		assert_decides "$other"
		assert_equal "600 root" "$(stat -c '%a %U' "$image")" "rebuilt after $other"
	done
	cp "$image" elsewhere
	ln -sf "$PWD/elsewhere" "$image"
	assert_decides "a symlink"
	[[ ! -L "$image" ]] || fail "the symlink is still there"
	rm "$image"
	mkdir "$image"
	assert_decides "a directory"
	rmdir "$image"
	mkfifo "$image"
	assert_decides "a FIFO"
}

# --- Pools ---

# holes: a policy that reserves two of each four addresses of the pool, and more
holes()
{
	echo "{\"reserved\": [$(entries "$ENTRIES" 172)$(awk 'BEGIN {
		for (i = 0; i < 256; i += 4)
			printf ",\n{\"cidr\": \"10.9.0.%d/31\", \"owner\": \"team-%d\"}", i, i
	}')]}" >"$BIG"
}

# assert_around FIRST: the next eight addresses are those between the holes
assert_around()
{
	local conf given='' expected=''
	local -i i address=$1

	conf=$(jq -c '.guard.onOverlap = "exclude" | .ipam.ranges = [[{subnet: "10.9.0.0/24"}]]' <<<"$CONF")
	for ((i = 0; i < 8; i++, address++)); do
		while ((address % 4 < 2)); do
			address+=1
		done
		expected+="10.9.0.$address/32 "
		output=$(cni ADD "c1-$1-$i" "$(netns_path c1)" "eth$1$i" "$conf" 2>>log) || fail "ADD: $output"
		given+="$(jq -r '.ips[0].address' <<<"$output") "
	done
	assert_equal "$expected" "$given" "addresses"
}

test_a_pool_is_built_around_what_the_image_reserves()
{
	holes
	assert_decides "compiled"
	traced openat,open assert_around 1
	assert_empty "$(grep -F "$BIG" trace || true)" "the policy was opened"
}

# assert_no_policy_is_read_while_the_store_is_locked: in any of the traces. The store's lock is the only one of flock(2)
assert_no_policy_is_read_while_the_store_is_locked()
{
	local file

	grep -qE '^flock\(.*LOCK_EX.* = 0' trace || fail "no trace has the store's lock"
	for file in trace.*; do
		awk -v policy="$BIG" '/^flock\(.*LOCK_(EX|SH).* = 0/ { locked = 1 } /^flock\(.*LOCK_UN/ { locked = 0 }
			locked && index($0, policy)' "$file"
	done >opened
	assert_empty "$(<opened)" "policies that were opened while the store was locked"
}

# The image turns out to be damaged while a pool is built: all of its intervals in turn
test_an_image_that_is_damaged_while_a_pool_is_built()
{
	local -i at size

	holes
	assert_decides "compiled"
	size=$(stat -c %s "$(images)")
	for ((at = 4096 * 2; at < size && at < 4096 * 9; at += 4096)); do
		[[ -n "$(images)" ]] || assert_decides "rebuilt"
		damage $((at + 50))
		rm -f "$STATE/leases.mdb"
		assert_around 1
		ip link show type veth | grep -oE 'rg[0-9a-f]{12}' | sort -u | while read -r name; do
			ip link delete "$name"
		done
		rm -f "$STATE/leases.mdb"
	done
	assert_contains "$(<log)" "is damaged: it is rebuilt" "what is logged"
}

# It turns out to be damaged when the store has been locked: who has held an address is asked then whether that may stay, and
# who reserves it stands in other blocks than those by which the configuration was checked. The policy is read again, but
# not while others wait for the store, which may be for seconds.
test_an_image_that_is_damaged_is_not_rebuilt_while_the_store_is_locked()
{
	local conf
	local -i at size=0 n_read=0

	conf=$(jq -c '.guard.onOverlap = "exclude" | .ipam.ranges = [[{subnet: "10.9.0.0/24"}]]' <<<"$CONF")
	for ((at = 4096; at <= size || !size; at += 4096)); do
		rm -f "$STATE/leases.mdb"
		policy 172
		add c1 "$conf" >/dev/null 2>>log
		ip link delete "$(host_end c1 pods)"
		holes
		assert_decides "compiled"
		size=$(stat -c %s "$(images)")
		((at + 50 < size)) && damage $((at + 50))
		: >log
		traced flock,openat,open add c1 "$conf" >result 2>>log || fail "ADD, damaged at $at: $(<result)"
		assert_equal 10.9.0.2/32 "$(jq -r '.ips[0].address' result)" "address, damaged at $at"
		assert_no_policy_is_read_while_the_store_is_locked
		n_read+=$(grep -cF "$BIG" trace || true)
		ip link delete "$(host_end c1 pods)"
	done
	((n_read > 0)) || fail "no policy was read again, so nothing was shown"
}

# --- It can't be kept ---

test_a_full_disk()
{
	mkdir -m 0700 "$STATE"
	mount -t tmpfs -o mode=0700,size=32k tmpfs "$STATE"
	assert_decides "no room"
	assert_contains "$(<log)" "can't be kept in $STATE" "what is logged"
	assert_contains "$(<log)" "No space left on device" "what is logged"
	assert_empty "$(images)" "what is left"
	mount -o remount,size=4m "$STATE"
	assert_decides "room"
	assert_one_image "room"
}

test_a_read_only_directory()
{
	mkdir -m 0700 "$STATE"
	mount -t tmpfs -o mode=0700,ro tmpfs "$STATE"
	assert_decides "read-only"
	cni STATUS "" "" "" "$(chained 200.0.0.5)" || fail "STATUS"
	umount "$STATE"
	assert_decides "writable"
	mount --bind "$STATE" "$STATE"
	mount -o remount,ro,bind "$STATE"
	assert_decides "kept, and read-only now"
}

# --- Killed, and failing calls ---

# points: the system calls of an ADD that compiles, as "CALL NUMBER", into the file "points"; from main()'s poll(2) on
points()
{
	rm -rf "$STATE"
	traced all add c1 "$(chained 200.0.0.5)" >/dev/null
	awk 'match($0, /^[a-z_0-9]+\(/) {
			call = substr($0, 1, RLENGTH - 1)
			number[call]++
			if (call == "poll")
				begun = 1
			if (begun)
				print call, number[call]
		}' trace >points
	(($(wc -l <points) > 40)) || fail "hardly any system calls: $(<points)"
	grep -q '^renameat ' points || fail "no image was written: $(<points)"
}

# inject CALL NUMBER FAULT: an ADD of 172.0.0.5 that compiles; its exit status is left in $status, its output in $output
inject()
{
	cat >faulty <<-EOT
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -o faults -e trace=$1 -e inject=$1:$3:when=$2 "$RANGEGUARD"
	EOT
	chmod +x faulty
	status=0
	output=$(PLUGIN=$PWD/faulty add c1 "$(chained 172.0.0.5)" 2>/dev/null) || status=$?
}

test_killed_while_compiling()
{
	local call number status
	local -i killed=0

	points
	while read -r call number; do
		[[ -n "${RANGEGUARD_LONG_TESTS-}" || "$call" != brk ]] || continue
		rm -f "$STATE"/policy-????????????????????????????????
		inject "$call" "$number" signal=KILL
		((status != 137)) || killed+=1
		((status == 137)) || assert_contains "$output" '"code":100' "not killed at $call $number"
		assert_decides "after a kill at $call $number"
		assert_one_image "after a kill at $call $number"
	done <points
	((killed > 30)) || fail "killed $killed times only"
}

# Whatever fails: refused, for the right reason or another one; and right again afterwards
test_failing_calls_while_compiling()
{
	local call number status error errors=(ENOSPC EIO ENOMEM EMFILE)
	local -i tried=0

	points
	while read -r call number; do
		# glibc ends a process whose futex(2) fails as it never does.
		case $call in
		brk | exit_group | futex | geteuid | mmap | munmap | rt_sigreturn | mprotect | madvise) continue ;;
		esac
		error=${errors[tried++ % ${#errors[@]}]}
		rm -f "$STATE"/policy-*
		inject "$call" "$number" "error=$error"
		((status == 1)) || fail "$call $number $error: 172.0.0.5 was let through, or worse: $status $output"
		assert_decides "after $call $number $error"
		assert_one_image "after $call $number $error"
	done <points
	((tried > 30)) || fail "tried $tried"
}

main "$@"
