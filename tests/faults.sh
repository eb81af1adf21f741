#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What faults_killed.sh, faults_failing.sh and faults_memory.sh share: what is left when a verb is killed before any of its
# system calls, or when any of them fails, or any of its allocations: old or new state, one JSON error, nothing that a DEL
# does not remove, no address given twice. strace does the first two, to one call per run, a preloaded library the third.
#
# The calls of the loader, before main()'s poll(2), are left alone: neither they nor what they fail with are ours.
#
# A call is made to fail with one of $ERRORS, in turn; with RANGEGUARD_LONG_TESTS=1 with each of them. A sweep takes the
# calls in an order that follows from RANGEGUARD_SEED, until its time is over (see lib.sh), and says which share it tried.

# shellcheck source=tests/calls.sh
source "$(dirname "${BASH_SOURCE[0]}")/calls.sh"

POLICY='{"reserved": [{"cidr": "10.9.0.0/28", "owner": "db-platform"}, {"cidr": "fd00:9::/124", "owner": "db-platform"}]}'
CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "guard": {"onOverlap": "exclude"},
	"ipam": {"type": "rangeguard", "reuseDelay": 1, "ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00:9::/64"}]]}}'
# Its ranges touch nothing reserved: a bridge could not keep out of a part of them
DELEGATE='{"cniVersion": "1.1.0", "name": "pods", "type": "bridge",
	"ipam": {"type": "rangeguard", "reuseDelay": 1, "ranges": [[{"subnet": "10.9.1.0/24"}], [{"subnet": "fd00:9:1::/64"}]]}}'
PINNED="${CONF%\}}"', "ipMasq": true, "snat": [{"name": "mainframe", "match": {"namespace": "billing"}, "source": ["192.0.2.10"],
	"destinations": ["198.51.100.0/25"], "assign": "out0"}]}'
BILLING="CNI_ARGS=K8S_POD_NAMESPACE=billing"
# An address that host-local has given, its file, and to whom
FOREIGN_ADDRESS=10.9.0.16
FOREIGN_FILES=/var/lib/cni/networks/pods
STORE_SCHEMA=$(dirname "$RANGEGUARD")/tests/netns/store_schema
[[ -x "$STORE_SCHEMA" ]] || STORE_SCHEMA=$SOURCE_DIR/build/dev/tests/netns/store_schema
# The addresses that the policy reserves
RESERVED='^(10\.9\.0\.([0-9]|1[0-5])|fd00:9::[0-9a-f]?)$'
ERRORS=(ENOSPC EIO EMFILE ENOMEM EINTR)
# Calls, as strace prints them, whose failure must not make a verb fail: what they do is dispensable
HARMLESS='^((poll|rt_sigaction|setitimer|close|munmap|madvise|ftruncate)\(|fcntl\([0-9]+, F_SETFD|setsockopt\([0-9]+, SOL_NETLINK)'
# What a sweep has to try at least: a tenth of the calls, and so many
SHARE=10 # percent
FEWEST=16
# Calls that can't fail
# futex(2) never fails in a way that its callers would see; glibc ends a process where it seems to
INFALLIBLE='^(exit_group|rt_sigreturn|getpid|futex)$'

if [[ -n "${RANGEGUARD_LONG_TESTS-}" ]]; then
	export TEST_TIMEOUT=${TEST_TIMEOUT:-1800}
fi
# A sweep with a pin is some 300 runs of the verb
export TEST_TIMEOUT=${TEST_TIMEOUT:-600}

# set_up: three containers: verbs are tried on c1; c2 is another one that comes then; held has been there all along.
# $PLUGIN, while it is ./traced, runs the plugin under strace with the options in $OPTIONS.
set_up()
{
	container c1
	container c2
	container held
	ip link add out0 type veth peer name out1
	ip link set out1 addrgenmode none
	ip link set out0 addrgenmode none
	ip link set out1 up
	ip link set out0 up
	mkdir -p /etc/rangeguard/reserved.d
	echo "$POLICY" >/etc/rangeguard/reserved.d/dba.json
	cat >traced <<-'EOT'
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -o trace $OPTIONS "$RANGEGUARD"
	EOT
	cat >starved <<-'EOT'
		#!/bin/sh
		export LD_PRELOAD="$SCARCE_MEMORY"
		exec "$PRELOADABLE"
	EOT
	chmod +x traced starved
	# The sanitizers end the process when a call of their own fails
	if grep -q __asan_init "$RANGEGUARD"; then
		INFALLIBLE='^(exit_group|rt_sigreturn|getpid|futex|mmap|munmap|mprotect|madvise|brk|sigaltstack)$'
	fi
}

# --- State ---

# kernel_state: our interfaces, routes and rules, who may send what, lists of destinations, assigned addresses. The
# container's end of a pair is there as long as the host's is
kernel_state()
{
	ip -o link show type veth | grep -oE 'rg[0-9a-f]{12}|alias .*' || true
	ip route show table all proto 82
	ip -6 route show table all proto 82
	ip rule show | grep 29287 || true
	ip -o address show dev out0 | awk '{ print "assigned", $4 }'
	nft list table inet rangeguard 2>/dev/null | grep -oE '(chain|map|set) [a-z]+[46]-.*' | sort || true
}

# state: leases, interfaces, routes: the same again when all is undone; but for a lease that was taken over for good, and
# the routes over the pool's free addresses, which stay as long as there is one
state()
{
	"$RANGEGUARD" list | grep -v ' foreign ' | tr -s ' ' || true
	if [[ "$verb" == adopting_add ]]; then
		kernel_state | grep -v '^unreachable ' || true
	else
		kernel_state
	fi
}

# state_of NAME: what there is of a container's attachment: "lease", "host end"
state_of()
{
	state | awk -v name="$1" '$3 == name && $4 == "eth0" { print "lease" }
		$1 == "alias" && $4 == name { print "host end" }' | uniq
}

# addresses RESULT: those given, one a line
addresses()
{
	grep -oP '"address": "\K[^/]+' <<<"$1" || true
}

# assert_given RESULT ROUTES WHAT: an address of each family, which is not reserved and was not among the routes
assert_given()
{
	local address

	assert_equal 2 "$(addresses "$1" | wc -l)" "$3: addresses in $1"
	for address in $(addresses "$1"); do
		! [[ "$address" =~ $RESERVED ]] || fail "$3: $address is reserved"
		[[ ! -e "$FOREIGN_FILES/$FOREIGN_ADDRESS" || "$address" != "$FOREIGN_ADDRESS" ]] ||
			fail "$3: $address is a container's of host-local"
		! grep -q "^$address dev" <<<"$2" || fail "$3: $address was in use: $2"
	done
}

# assert_added NAME WHAT: ADD gives the container addresses that nobody has; the result is left in $output
assert_added()
{
	local before

	before=$(kernel_state)
	assert_succeeds add "$1" "$CONF"
	assert_given "$output" "$before" "$2"
}

# checked RESULT: CHECK of c1
checked()
{
	cni CHECK c1 "$(netns_path c1)" eth0 "${CONF%\}}, \"prevResult\": $1}"
}

# --- What is tried: prepare_NAME makes the state before, run_NAME calls the verb, judge_NAME looks at what a run left
# in which a call failed; what assert_recovers asks for goes without saying ---

prepare_add()
{
	:
}

run_add()
{
	add c1 "$CONF"
}

# Complete or without a trace
judge_add()
{
	if ((status == 0)); then
		assert_given "$(<stdout)" "$routes" "ADD"
		assert_succeeds checked "$(<stdout)"
	else
		assert_equal "$before" "$(state)" "what a failed ADD leaves"
	fi
}

# The very first one, with no state directory and no ruleset
prepare_first_add()
{
	rm -rf /run/rangeguard
	nft flush ruleset
}

run_first_add()
{
	add c1 "$CONF"
}

judge_first_add()
{
	judge_add
}

# The first one of a network whose containers host-local has served until now: their leases are taken over
prepare_adopting_add()
{
	rm -rf /run/rangeguard
	mkdir -p "$FOREIGN_FILES"
	printf 'foreign\r\neth0' >"$FOREIGN_FILES/$FOREIGN_ADDRESS"
}

run_adopting_add()
{
	add c1 "$CONF"
}

judge_adopting_add()
{
	judge_add
}

# What assert_recovers asks for beyond the others: an ADD that succeeded has taken over
recovers_adopting_add()
{
	assert_contains "$("$RANGEGUARD" list)" " foreign " "host-local's lease"
}

# The first one of a version of rangeguard after an older one
prepare_migrating_add()
{
	"$STORE_SCHEMA" /run/rangeguard 2 >/dev/null
	assert_equal 2 "$("$STORE_SCHEMA" /run/rangeguard)" "the schema before"
}

run_migrating_add()
{
	add c1 "$CONF"
}

judge_migrating_add()
{
	local schema

	schema=$("$STORE_SCHEMA" /run/rangeguard) || fail "the store can't be read"
	[[ "$schema" == [23] ]] || fail "schema $schema"
	judge_add
}

recovers_migrating_add()
{
	assert_equal 3 "$("$STORE_SCHEMA" /run/rangeguard)" "the schema after an ADD"
	assert_equal 2 "$("$RANGEGUARD" list | grep -c ' held ')" "leases from before"
}

# One with a pin, whose source is to be assigned, and masquerading
prepare_pinned_add()
{
	:
}

run_pinned_add()
{
	add c1 "$PINNED" "$BILLING"
}

judge_pinned_add()
{
	judge_add
}

prepare_pinned_del()
{
	assert_succeeds add c1 "$PINNED" "$BILLING"
}

run_pinned_del()
{
	del c1 "$PINNED"
}

# What nobody uses any more may be left for the next DEL, which is said
judge_pinned_del()
{
	judge_del
	if ((status == 0)) && [[ -z "$(state_of c1)" && ! -s stderr ]]; then
		assert_equal "$before" "$(state)" "what a DEL leaves"
	fi
}

prepare_delegate_add()
{
	:
}

run_delegate_add()
{
	add c1 "$DELEGATE"
}

judge_delegate_add()
{
	if ((status == 0)); then
		assert_equal lease "$(state_of c1)" "after ADD"
		sed 's/"gateway".*//' stdout >ips
		assert_given "$(<ips)" "$routes" "ADD"
	else
		assert_equal "$before" "$(state)" "what a failed ADD leaves"
	fi
}

prepare_del()
{
	assert_succeeds add c1 "$CONF"
}

run_del()
{
	del c1 "$CONF"
}

# When DEL says that all is well, the interface is gone. The lease may stay where the store can't be used, which is said.
judge_del()
{
	local left

	left=$(state_of c1)
	case $status:$left in
	0: | 1: | 1:lease | 1:$'lease\nhost end') ;;
	0:lease) [[ -s stderr ]] || fail "DEL succeeds, leaves the lease, and says nothing" ;;
	*) fail "after DEL with exit status $status: $left" ;;
	esac
}

prepare_check()
{
	assert_succeeds add c1 "$CONF"
	result=$output
	expected=$(state)
}

run_check()
{
	checked "$result"
}

judge_check()
{
	assert_equal "$expected" "$(state)" "after CHECK"
}

# Path and namespace parted, c1 is garbage with an interface. So is nobody else, whatever fails, though not listed
prepare_gc()
{
	ln -s "$(netns_path c1)" c1-namespace
	assert_succeeds cni ADD c1 "$PWD/c1-namespace" eth0 "$CONF"
	rm c1-namespace
}

run_gc()
{
	cni GC "" "" "" "${CONF%\}}, \"cni.dev/valid-attachments\": []}"
}

# What it can't make sure of it keeps, and says so
judge_gc()
{
	case $status:$(state_of c1) in
	0: | 1: | 1:lease | 1:$'lease\nhost end') ;;
	0:$'lease\nhost end') assert_contains "$(<stderr)" "GC keeps c1" "c1 is left" ;;
	*) fail "after GC with exit status $status: $(state_of c1)" ;;
	esac
}

prepare_status()
{
	:
}

run_status()
{
	cni STATUS "" "" "" "$CONF"
}

judge_status()
{
	assert_equal "$before" "$(state)" "after STATUS"
}

# --- The sweeps ---

# trace OPTIONS: runs the verb under strace; leaves stdout, stderr, trace and the exit status in $status
trace()
{
	status=0
	OPTIONS=$1 PLUGIN=$PWD/traced "run_$verb" >stdout 2>stderr || status=$?
}

# find_points: the system calls of the verb into the file "points": call, number, what strace prints. Of several runs the
# one with the fewest: on a busy machine an ADD asks the kernel again and again whether it has caught up
find_points()
{
	local -i tries

	for ((tries = 0; tries < 8; tries++)); do
		prepare_"$verb"
		trace ""
		assert_equal 0 "$status" "exit status without a fault: $(cat stdout stderr)"
		assert_undone
		if [[ ! -e shortest ]] || (($(wc -l <trace) < $(wc -l <shortest))); then
			cp trace shortest
		fi
		# The first ADD of a host loads the classifier, the others find it.
		((tries == 0)) || grep -q nanosleep shortest || break
	done
	awk 'match($0, /^[a-z_0-9]+\(/) {
			call = substr($0, 1, RLENGTH - 1)
			number[call]++
			if (call == "poll")
				begun = 1
			if (begun)
				print call, number[call], $0
		}' shortest >points
}

# assert_undone: DEL succeeds, and nothing is left of c1 and c2
assert_undone()
{
	assert_succeeds del c1 "$CONF"
	assert_succeeds del c2 "$CONF"
	assert_equal "$before" "$(state)" "what is left after DEL"
	# Who is killed between making a file and writing it leaves it empty, which holds nothing.
	assert_empty "$(find "$FOREIGN_FILES" -name '*[.:]*[.:]*' ! -name "$FOREIGN_ADDRESS" -size +0 2>/dev/null || true)" \
		"host-local's files left"
	assert_empty "$(find /run/rangeguard -type f ! -name lock ! -name leases.mdb ! -name counters)" "files left"
}

# assert_others_come: whatever there is of c1, another container gets its addresses
assert_others_come()
{
	assert_added c2 "ADD of another container"
	assert_empty "$("$RANGEGUARD" list | awk '{ print $2 }' | sort | uniq -d)" "addresses leased twice"
}

# assert_comes_again: after a DEL c1 gets addresses again
assert_comes_again()
{
	assert_succeeds del c1 "$CONF"
	assert_added c1 "ADD after DEL"
	assert_succeeds checked "$output"
}

# assert_recovers: what was tried succeeds now, without an older interface in its way, and all can be undone. The other
# two are looked at in turn, the interfaces' deletion being slow; with RANGEGUARD_LONG_TESTS=1 both
assert_recovers()
{
	if ((tried % 2 == 0)) || [[ -n "${RANGEGUARD_LONG_TESTS-}" ]]; then
		assert_others_come
	fi
	[[ "$verb" == *add ]] || assert_succeeds "run_$verb"
	[[ "$verb" != gc ]] || assert_empty "$(state_of c1)" "what GC leaves"
	if ((tried % 2 == 1)) || [[ -n "${RANGEGUARD_LONG_TESTS-}" ]]; then
		assert_comes_again
	fi
	if declare -F "recovers_$verb" >/dev/null; then
		"recovers_$verb"
	fi
	assert_undone
}

# try_killed: the verb, killed before one call
try_killed()
{
	prepare_"$verb"
	trace "-e trace=$call -e inject=$call:signal=KILL:when=$number"
	case $status in
	137) echo "$call $number" >>reached ;;
	0) ;;
	*) fail "exit status $status: $(cat stdout stderr)" ;;
	esac
	assert_recovers
}

# try_failed: the verb, one call of which fails
try_failed()
{
	local fault="error=$error" routes

	# The kernel refuses by returning the heap's old end
	[[ "$call" != brk ]] || fault="retval=0"
	prepare_"$verb"
	routes=$(kernel_state)
	trace "-e trace=$call -e inject=$call:$fault:when=$number"
	if grep -q INJECTED trace; then
		echo "$call $number" >>reached
	fi
	if ((status == 1)); then
		assert_json "[$(<stdout)]" 'length == 1 and (.[0] | .code > 0 and .cniVersion == "1.1.0" and (.msg | length > 0))' \
			"standard output"
		# fdopendir(3), too, wants its F_SETFD done.
		! [[ "$line" =~ $HARMLESS ]] || [[ "$verb $line" == "adopting_add fcntl"* ]] ||
			fail "should not matter: $(<stdout)"
	elif ((status != 0)); then
		fail "exit status $status: $(cat stdout stderr)"
	fi
	"judge_$verb"
	assert_recovers
}

# starve NUMBER: runs the verb, whose allocation of that number fails; leaves stdout, stderr, how many there were in
# $allocations, and the exit status in $status
starve()
{
	status=0
	SCARCE_MEMORY_FILE=$PWD/allocations SCARCE_MEMORY_FAIL=$1 PLUGIN=$PWD/starved "run_$verb" >stdout 2>stderr || status=$?
	allocations=$(od -An -tu4 allocations)
}

# find_allocations: all of a run, into the file "points"
find_allocations()
{
	prepare_"$verb"
	starve 0
	assert_equal 0 "$status" "exit status without a fault: $(cat stdout stderr)"
	assert_undone
	seq "$allocations" | sed 's/^/allocation /' >points
}

# try_scarce: the verb, one allocation of which fails: out of memory has one code
try_scarce()
{
	local routes allocations

	prepare_"$verb"
	routes=$(kernel_state)
	starve "$number"
	((allocations < number)) || echo "$call $number" >>reached
	if ((status == 1)); then
		assert_json "[$(<stdout)]" 'length == 1 and (.[0] | .code == 11 and .cniVersion == "1.1.0" and (.msg | length > 0))' \
			"standard output"
	elif ((status != 0)); then
		fail "exit status $status: $(cat stdout stderr)"
	fi
	"judge_$verb"
	assert_recovers
}

# try killed|failed|scarce: one point, in a shell of its own, so that the sweep goes on after a failure
try()
{
	("try_$1") 4>reason &
	wait $! || {
		broken+=1
		echo "$call $number ${error:-KILL}: $(<reason) [$line]" | tee -a broken
		start_over
	}
	tried+=1
}

# start_over: by force
start_over()
{
	local name

	for name in $(kernel_state | awk '/^rg/'); do
		ip link delete "$name"
	done
	rm -rf /run/rangeguard c1-namespace "$FOREIGN_FILES"
	start
}

# start: the state before each try; a host's first ADD can't have a container that has been there all along
start()
{
	if [[ "$verb" != first_add && "$verb" != adopting_add ]]; then
		assert_succeeds add held "$CONF"
	fi
	before=$(state)
}

# choose_points killed|failed|scarce: those that it makes sense for, into the file "chosen", in any order; how many in $all, how
# many of them must be tried in $least
choose_points()
{
	local call line

	while read -r call line; do
		[[ "$1" == failed && "$call" =~ $INFALLIBLE ]] || echo "$call $line"
	done <points >possible
	shuffled possible >chosen
	all=$(wc -l <chosen)
	((all >= FEWEST)) || fail "hardly anything to try: $(<points)"
	least=$((all * SHARE / 100 > FEWEST ? all * SHARE / 100 : FEWEST))
}

# sweep killed|failed|scarce NAME: the calls of what is tried, until none is left or the sample is over
sweep()
{
	local verb=$2 call number line error='' before
	local -i tried=0 broken=0 nth=0 all least
	local -a errors

	start
	if [[ "$1" == scarce ]]; then
		find_allocations
	else
		find_points
	fi
	choose_points "$1"
	begin_sample
	while read -r call number line; do
		! sample_is_over "$nth" "$least" || break
		nth+=1
		errors=("${ERRORS[tried % ${#ERRORS[@]}]}")
		[[ -z "${RANGEGUARD_LONG_TESTS-}" ]] || errors=("${ERRORS[@]}")
		[[ "$1" == failed ]] || errors=("")
		for error in "${errors[@]}"; do
			try "$1"
		done
	done <chosen
	note "$1: $nth of $all calls of $verb ($((nth * 100 / all)) %), RANGEGUARD_SEED=$RANGEGUARD_SEED"
	((broken == 0)) || fail "$broken of $tried: $(head -c 1500 broken)"
	# Some calls depend on how full the pages of the store happen to be, and more allocations on what the host has
	[[ "$1" == scarce ]] && least=8 || least=9
	(($(wc -l <reached) * 10 >= tried * least)) || fail "only $(wc -l <reached) of $tried faults were reached"
}
