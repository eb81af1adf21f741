#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One lease that can't be read is one lease: everybody else's are listed, checked, given back and given out. And what is
# wrong with the file of the leases, or with the limits of the process, ends in an error that is one of CNI's.
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

STORE=/run/rangeguard/leases.mdb
CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard", "ranges":
	[[{"subnet": "10.9.0.0/24"}]]}}'
GC=${CONF/'"type"'/'"cni.dev/valid-attachments": [], "type"'}

# damage NAME: the lease of a container can't be read any more: a byte of a text in it is another, in each copy that LMDB
# has of the page
damage()
{
	local offset

	while IFS=: read -r offset _; do
		printf 'X' | dd of="$STORE" bs=1 seek="$offset" conv=notrunc status=none
	done < <(grep -aob "/run/netns/$1" "$STORE")
}

# three_containers: c1 to c3; the lease of c2 can't be read
three_containers()
{
	local name

	for name in c1 c2 c3; do
		container "$name"
	done
	add c1 "$CONF" >/dev/null
	result=$(add c2 "$CONF")
	add c3 "$CONF" >/dev/null
	damage c2
}

test_list_shows_the_others_and_ends()
{
	three_containers
	! timeout "$(scaled 20)" "$RANGEGUARD" list >listed 2>log || fail "list says nothing of the damage"
	assert_contains "$(<log)" "damaged" "what list says"
	assert_matches "$(<listed)" '10\.9\.0\.1 .*10\.9\.0\.3 ' "the others"
}

# Who is gone is removed, who lives stays, whoever has the lease that can't be read.
test_gc_goes_on()
{
	three_containers
	ip netns delete c1
	cni GC "" "" "" "$GC" 2>log || fail "GC fails"
	assert_contains "$(<log)" "can't be read" "what GC says"
	! grep -q "Unknown error" log || fail "GC: $(<log)"
	assert_reaches c2 10.9.0.3
	assert_empty "$(ip route show 10.9.0.1)" "route to the one that is gone"
	del c2 "$CONF"
	del c3 "$CONF"
	assert_nothing_left
}

test_check_says_what_is_wrong()
{
	local answer

	three_containers
	answer=$(check c2 "$CONF" "$result") && fail "CHECK finds nothing"
	assert_refused 106 "$answer" "CHECK"
	assert_contains "$answer" "damaged" "CHECK"
}

# The next ADD of the same attachment mends its lease, and nobody else's is lost.
test_add_mends()
{
	three_containers
	del c2 "$CONF"
	add c2 "$CONF" >/dev/null
	"$RANGEGUARD" list >listed || fail "list fails"
	assert_equal 3 "$(grep -c '10\.9\.0\.' listed)" "leases"
}

# damage_pool: no row of a pool can be read any more that ends at 172.20.9.254: the family of that address is none. (An
# address that begins with 10 has a line feed, at which grep ends.)
damage_pool()
{
	local offset

	while IFS=: read -r offset _; do
		printf 'X' | dd of="$STORE" bs=1 seek="$((offset - 1))" conv=notrunc status=none
	done < <(LC_ALL=C grep -aobP '\x00{12}\xac\x14\x09\xfe' "$STORE")
}

# What the kernel does not know is only in the leases: whose they are, and what gave them. It is kept when a pool, which
# can be built again, can't be read, by an ADD and by a DEL.
test_damaged_pool_loses_no_lease()
{
	local before conf=${CONF/10.9.0.0/172.20.9.0} delegate name

	delegate=${conf/'"type": "rangeguard"'/'"type": "ptp"'}
	for name in c1 c2 c3; do
		container "$name"
	done
	add c1 "$conf" CNI_ARGS="K8S_POD_NAMESPACE=billing;K8S_POD_NAME=api-1" >/dev/null
	add c2 "$delegate" >/dev/null
	before=$("$RANGEGUARD" list)
	assert_matches "$before" "172\.20\.9\.1 .*billing" "list"
	damage_pool
	add c3 "$conf" >/dev/null 2>log || fail "ADD fails: $(<log)"
	assert_contains "$(<log)" "repaired" "what ADD says"
	del c3 "$conf"
	assert_equal "$before" "$("$RANGEGUARD" list)" "leases of the others"
	damage_pool
	del c2 "$delegate" 2>log || fail "DEL fails: $(<log)"
	assert_contains "$(<log)" "repaired" "what DEL says"
	assert_equal 1 "$("$RANGEGUARD" list | grep -c '172\.20\.9\.')" "leases left"
	[[ ! -e $STORE.damaged ]] || fail "the store was set aside"
	assert_matches "$("$RANGEGUARD" metrics)" 'rangeguard_store_repaired_total 2' "metrics"
}

# A FIFO hangs nobody: DEL deletes, ADD builds the store again.
test_store_is_a_fifo()
{
	local start

	container c1
	add c1 "$CONF" >/dev/null
	rm "$STORE"
	mkfifo "$STORE"
	start=$SECONDS
	del c1 "$CONF" 2>/dev/null || fail "DEL fails"
	((SECONDS - start < $(scaled 10))) || fail "DEL took $((SECONDS - start)) s"
	add c1 "$CONF" >/dev/null 2>log || fail "ADD fails: $(<log)"
}

# with_limit LIMIT: a plugin that runs with a limit of prlimit(1)
with_limit()
{
	printf '#!/bin/sh\nexec prlimit %s %s\n' "$1" "$RANGEGUARD" >limited
	chmod 0755 limited
	PLUGIN=$PWD/limited
}

# A file that must not grow is a failed write, with an answer, and leaves nothing.
test_file_size_is_limited()
{
	local answer status=0

	container c1
	with_limit --fsize=4096
	answer=$(add c1 "$CONF" 2>/dev/null) || status=$?
	assert_equal 1 "$status" "exit status"
	assert_refused 106 "$answer" "ADD"
	unset PLUGIN
	assert_nothing_left
	add c1 "$CONF" >/dev/null
	with_limit --fsize=4096
	answer=$(del c1 "$CONF" 2>/dev/null) || status=$?
	((status <= 1)) || fail "DEL ended with status $status"
}

main "$@"
