#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests that need root share. A test script sources this file, defines functions test_…, and ends with
# `main "$@"`. Each test function runs in namespaces of its own (network: the "host"; mount: /etc, /opt, /run,
# /var/lib and /var/log can be written without a trace; process: nothing outlives the test, however it ends), under `set -e`.
# The machine's own network namespace never sees a packet.
#
# Report: "ok name" or "not ok name: why" per test, then "N passed, N failed"; the exit status says the same.
# Deadlines are for a machine on which a process starts in a millisecond; on a slower one they are longer, see scaled.
# Usage of a script: [RANGEGUARD=plugin] [TEST_TIMEOUT=seconds] script [test_name…]

set -euo pipefail

TESTS_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE_DIR=$(dirname "$TESTS_DIR")
RANGEGUARD=$(realpath -m "${RANGEGUARD:-$SOURCE_DIR/build/release/rangeguard}")
# Debian's containernetworking-plugins
REFERENCE_PLUGINS=${REFERENCE_PLUGINS:-/usr/lib/cni}
# Where the tests put plugins, and where containerd looks for them
CNI_BIN=/opt/cni/bin
# Addresses of the "host"; containers reach them through their default route
HOST_IPV4=192.0.2.1
HOST_IPV6=2001:db8:ffff::1
export SOURCE_DIR RANGEGUARD REFERENCE_PLUGINS CNI_BIN HOST_IPV4 HOST_IPV6

# --- Asserts: each ends the test with a message ---

# fail MESSAGE…
fail()
{
	printf '%s\n' "$*" >&"${REASON_FD:-2}"
	exit 1
}

# assert_equal EXPECTED ACTUAL WHAT
assert_equal()
{
	[[ "$1" == "$2" ]] || fail "$3: expected '$1', got '$2'"
}

# assert_contains TEXT PART WHAT
assert_contains()
{
	[[ "$1" == *"$2"* ]] || fail "$3: '$2' is not in '$1'"
}

# assert_matches TEXT REGEX WHAT: an extended regular expression
assert_matches()
{
	[[ "$1" =~ $2 ]] || fail "$3: '$1' does not match '$2'"
}

# assert_no_line WHAT REGEX COMMAND…: the command succeeds, and no line that it prints matches the extended expression
assert_no_line()
{
	local what=$1 regex=$2 printed

	printed=$("${@:3}") || fail "$what: ${*:3} failed"
	assert_empty "$(grep -E -- "$regex" <<<"$printed" || true)" "$what"
}

# assert_only_lines WHAT REGEX COMMAND…: the command succeeds, and each line that it prints, if any, matches
assert_only_lines()
{
	local what=$1 regex=$2 printed

	printed=$("${@:3}") || fail "$what: ${*:3} failed"
	assert_empty "$(grep -vE -- "$regex" <<<"$printed" || true)" "$what"
}

# assert_empty TEXT WHAT
assert_empty()
{
	[[ -z "$1" ]] || fail "$2: expected nothing, got '$1'"
}

# assert_json JSON FILTER WHAT: the jq filter yields true; of several texts the last one counts, of none it holds not
assert_json()
{
	# Without --slurp jq succeeds where there is no text at all.
	jq -es "length > 0 and (last | ($2))" >/dev/null 2>&1 <<<"$1" || fail "$3: '$2' does not hold in '$(jq -c . <<<"$1" 2>/dev/null || echo "$1")'"
}

# assert_schema NAME JSON WHAT: it is what `rangeguard schema NAME` says, and the schema refuses it with a key more
assert_schema()
{
	local schema=$PWD/schema.json document=$PWD/document.json

	"$RANGEGUARD" schema "$1" >"$schema"
	echo "$2" >"$document"
	output=$(/usr/bin/jsonschema -i "$document" "$schema" 2>&1) || fail "$3: not as schema $1 has it: $output"
	jq '(.. | objects) |= (.bogus = 1)' <<<"$2" >"$document"
	! /usr/bin/jsonschema -i "$document" "$schema" >/dev/null 2>&1 || fail "$3: schema $1 takes any key"
}

# assert_fails COMMAND…: the command must fail; what it prints (both streams) is left in $output
assert_fails()
{
	if output=$("$@" 2>&1); then
		fail "succeeded, but must fail: $* (printed '$output')"
	fi
	without_unguarded
}

# assert_succeeds COMMAND…: on failure the test's reason carries what it printed; else that is left in $output
assert_succeeds()
{
	output=$("$@" 2>&1) || fail "exit status $?: $*: $output"
	without_unguarded
}

# without_unguarded: most tests reserve nothing, which an ADD says; in $output that is of no interest
without_unguarded()
{
	[[ "$output" != *unguarded* ]] || output=$(grep -v '^rangeguard: warning: network .* is unguarded: ' <<<"$output" || true)
}

# note TEXT…: shown below the test's result, whatever it is: which share was tried, with which seed
note()
{
	echo "#note $*"
}

# --- The plugin ---

# is_static: whether the plugin is static altogether, so that nothing can be preloaded into it
is_static()
{
	! ldd "$RANGEGUARD" | grep -q '=>'
}

# preloadable: the plugin, or the debug build's, into which something can be preloaded
preloadable()
{
	if is_static; then
		echo "$SOURCE_DIR/build/dev/rangeguard"
	else
		echo "$RANGEGUARD"
	fi
}

# --- Time ---

# measure_slowness: how long a hundred process starts take, in percent of what they take on the machine that deadlines are
# for; at least 100, and at least $RANGEGUARD_SLOWNESS
measure_slowness()
{
	local -i i start slowness=${RANGEGUARD_SLOWNESS:-100} starts_per_cent=1000

	start=${EPOCHREALTIME/[.,]/}
	for ((i = 0; i < 100; i++)); do
		/bin/true
	done
	i=$(((${EPOCHREALTIME/[.,]/} - start) / starts_per_cent))
	echo $((i > slowness ? i : slowness))
}

# scaled TIME: the deadline, on this machine, of what is over well before TIME, a whole number of any unit, on the one that
# deadlines are for. Three times as much as was measured, and five times at least: a machine that other work slows down
# may have been quiet when it was measured. It costs nothing where a test passes.
scaled()
{
	local -i percent=$((3 * ${RANGEGUARD_SLOWNESS:-100}))

	echo $((($1 * (percent > 500 ? percent : 500) + 99) / 100))
}

# briefly: how many seconds to wait for what must not come: one, and on a machine that was measured slow up to three
briefly()
{
	local -i seconds=$(((${RANGEGUARD_SLOWNESS:-100} + 99) / 100))

	echo $((seconds < 3 ? seconds : 3))
}

# sample_is_over SHARE MINIMUM: whether a loop that samples what it can try has to end: its time is over, and it has tried
# the minimum. $sample_end, in SECONDS of this shell, is set by begin_sample. A loop that does not get to its minimum is
# ended by the test's deadline, and has failed.
sample_is_over()
{
	((SECONDS >= sample_end && $1 >= $2))
}

# begin_sample: the sample's time begins: $RANGEGUARD_SAMPLE_SECONDS on any machine, so that a slow one takes a smaller
# sample instead of more time; for ever with RANGEGUARD_LONG_TESTS=1
begin_sample()
{
	sample_end=$((SECONDS + ${RANGEGUARD_SAMPLE_SECONDS:-40}))
	[[ -z "${RANGEGUARD_LONG_TESTS-}" ]] || sample_end=$((1 << 31))
}

# shuffled FILE: its lines in an order that follows from $RANGEGUARD_SEED, which is the same for all of a script
shuffled()
{
	shuf --random-source=<(trap - ERR; yes "$RANGEGUARD_SEED") "$1"
}

# wait_until SECONDS COMMAND…: polls until the command succeeds
wait_until()
{
	local -i end=$((SECONDS + $(scaled "$1")))

	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || fail "still not true: $*"
		sleep 0.05
	done
}

# --- Host and containers ---

# local_routes_are_there: of all the host's IPv6 addresses; the kernel adds them from a work queue (addrconf_dad_work), so a
# state that is noted at once may lack them
local_routes_are_there()
{
	local address

	for address in $(ip -6 -o address show | awk '{ sub("/.*", "", $4); print $4 }'); do
		[[ -n "$(ip -6 route show table local "$address")" ]] || return 1
	done
}

# host_ns_setup: what each test finds: an empty "host" with addresses on lo, no uplink, no default route
host_ns_setup()
{
	ip link set lo up
	ip address add "$HOST_IPV4/32" dev lo
	[[ ! -e /proc/sys/net/ipv6 ]] || ip address add "$HOST_IPV6/128" dev lo nodad
	wait_until 10 local_routes_are_there
}

# uplink: an uplink of the host named up0, with a default route per family, to a router in namespace "world". With
# link-local addresses, without which a router asks after no neighbour that it has not heard of for half a minute, but
# none that duplicate address detection delays.
uplink()
{
	ip netns add world
	ip link add up0 type veth peer name eth0 netns world
	ip link set up0 addrgenmode none
	ip -n world link set eth0 addrgenmode none
	ip address add 198.51.100.1/24 dev up0
	ip address add 2001:db8:aaaa::1/64 dev up0 nodad
	ip address add fe80::1/64 dev up0 nodad
	ip link set up0 up
	ip -n world link set lo up
	ip -n world address add 198.51.100.254/24 dev eth0
	ip -n world address add 2001:db8:aaaa::fe/64 dev eth0 nodad
	ip -n world address add fe80::2/64 dev eth0 nodad
	ip -n world link set eth0 up
	ip route add default via 198.51.100.254
	ip route add default via 2001:db8:aaaa::fe
	wait_until 10 local_routes_are_there
}

# container NAME: makes a container's network namespace, lo up as containerd leaves it
container()
{
	ip netns add "$1"
	ip -n "$1" link set lo up
}

# netns_path NAME: its CNI_NETNS
netns_path()
{
	echo "/run/netns/$1"
}

# inside NAME COMMAND…: runs a command in a container's network namespace
inside()
{
	nsenter --net="/run/netns/$1" -- "${@:2}"
}

# assert_reaches CONTAINER ADDRESS…: one ping each, so that a lost first packet shows
assert_reaches()
{
	local address

	for address in "${@:2}"; do
		inside "$1" ping -n -q -c 1 -W "$(scaled 2)" "$address" >/dev/null || fail "no answer in $1 to a ping to $address"
	done
}

# assert_unreachable CONTAINER ADDRESS
assert_unreachable()
{
	! inside "$1" ping -n -q -c 1 -W "$(briefly)" "$2" >/dev/null 2>&1 || fail "an answer in $1 to a ping to $2"
}

# keep_flows: the kernel forgets no flow by itself, however long a test takes: one that was
# refused lives ten seconds
keep_flows()
{
	local file

	for file in /proc/sys/net/netfilter/nf_conntrack_*timeout*; do
		echo 3600 >"$file"
	done
}

# host_state: links, addresses, routes, neighbours and rules of the host, to be compared before and after. What the kernel
# changes on its own a little later is not part of it: carrier, and link-local addresses (duplicate address detection).
# Nor is the firewall: rangeguard's table and portmap's base chains stay.
host_state()
{
	{
		ip -o link show | sed 's/^[0-9]*: //; s/ qlen [0-9]*//; s/NO-CARRIER,//; s/,LOWER_UP//; s/ state [A-Z]*//'
		ip -o address show | sed 's/^[0-9]*: //'
		ip route show table all
		ip -6 route show table all
		ip neighbour show nud permanent
		ip rule show
		ip -6 rule show
	} | grep -v fe80: | sed 's/ linkdown//'
}

# --- Plugins ---

# install_plugins [NAME…]: rangeguard and the reference plugins named, into /opt/cni/bin
install_plugins()
{
	local name

	mkdir -p "$CNI_BIN"
	install -m 0755 "$RANGEGUARD" "$CNI_BIN/rangeguard"
	for name in "$@"; do
		install -m 0755 "$REFERENCE_PLUGINS/$name" "$CNI_BIN/$name"
	done
}

# cni VERB CONTAINERID NETNS IFNAME CONF [NAME=VALUE…]: calls $PLUGIN (default: rangeguard) as a runtime does.
# CONF is JSON or a file; more environment may follow (CNI_ARGS=…). Prints what the plugin prints, fails as it fails.
cni()
{
	local verb=$1 id=$2 netns=$3 ifname=$4 conf=$5

	[[ "$conf" == \{* ]] || conf=$(<"$conf")
	env -u CNI_ARGS CNI_COMMAND="$verb" CNI_CONTAINERID="$id" CNI_NETNS="$netns" CNI_IFNAME="$ifname" \
		CNI_PATH="$CNI_BIN:$REFERENCE_PLUGINS" "${@:6}" "${PLUGIN:-$RANGEGUARD}" <<<"$conf"
}

# add NAME CONF [NAME=VALUE…]: ADD of eth0 in the container of that name, which is also the container id
add()
{
	cni ADD "$1" "$(netns_path "$1")" eth0 "${@:2}"
}

# del NAME CONF [NAME=VALUE…]
del()
{
	cni DEL "$1" "$(netns_path "$1")" eth0 "${@:2}"
}

# check NAME CONF RESULT [NAME=VALUE…]: CHECK with the result of ADD as prevResult
check()
{
	local conf=$2

	[[ "$conf" == \{* ]] || conf=$(<"$conf")
	conf=$(jq --argjson result "$3" '.prevResult = $result' <<<"$conf")
	cni CHECK "$1" "$(netns_path "$1")" eth0 "$conf" "${@:4}"
}

# code JSON: of a CNI error; 0 for anything else
code()
{
	if [[ "$1" =~ \"code\":\ *([0-9]+) ]]; then
		echo "${BASH_REMATCH[1]}"
	else
		echo 0
	fi
}

# again COMMAND…: as a runtime does: once more as long as the answer is "try again later"; the last one is left in
# $output, its exit status is returned
again()
{
	local -i tries=20

	while ((tries-- > 0)); do
		output=$("$@") && return 0
		[[ "$(code "$output")" == 11 ]] || return 1
	done
	fail "still told to try again later: $*"
}

# answer_in FILE COMMAND…: again, with the last answer in a file
answer_in()
{
	local output='' status=0

	again "${@:2}" || status=$?
	printf '%s\n' "$output" >"$1"
	return "$status"
}

# assert_refused CODE JSON WHAT: JSON is a CNI error with that code
assert_refused()
{
	assert_json "$2" ".code == $1 and (.msg | length > 0)" "$3: expected CNI error $1"
}

# chain VERB NAME CONFLIST [CAPABILITIES]: what libcni does with a list: ADD and CHECK run forwards, DEL backwards; name
# and cniVersion are put into each plugin's configuration, the capability arguments (a JSON object) that it declares
# into runtimeConfig. ADD hands each result on as prevResult, prints the last one and keeps it for CHECK and DEL.
chain()
{
	local verb=$1 name=$2 list=$3 capabilities=${4-} cache result=null plugins conf
	local order='.'

	[[ -n "$capabilities" ]] || capabilities='{}'
	cache=/run/chain-$name.json
	[[ "$list" == \{* ]] || list=$(<"$list")
	[[ "$verb" == ADD || ! -e "$cache" ]] || result=$(<"$cache")
	[[ "$verb" != DEL ]] || order='reverse'
	plugins=$(jq -c --argjson capabilities "$capabilities" '. as $list | .plugins | '"$order"' | .[]
		| . + {name: $list.name, cniVersion: $list.cniVersion}
		| .runtimeConfig = ((.capabilities // {}) as $declared
			| $capabilities | with_entries(select($declared[.key] == true)))
		| del(.capabilities)' <<<"$list")
	while IFS= read -r conf; do
		[[ "$result" == null ]] || conf=$(jq -c --argjson result "$result" '.prevResult = $result' <<<"$conf")
		if [[ "$verb" == ADD ]]; then
			result=$(PLUGIN=$CNI_BIN/$(jq -r .type <<<"$conf") cni ADD "$name" "$(netns_path "$name")" eth0 "$conf") || {
				printf '%s\n' "$result"
				return 1
			}
		else
			PLUGIN=$CNI_BIN/$(jq -r .type <<<"$conf") cni "$verb" "$name" "$(netns_path "$name")" eth0 "$conf" || return 1
		fi
	done <<<"$plugins"
	case $verb in
	ADD) printf '%s\n' "$result" | tee "$cache" ;;
	DEL) rm -f "$cache" ;;
	esac
}

# leases: how many of them `rangeguard list` shows
leases()
{
	local list

	list=$("$RANGEGUARD" list --format json) || fail "list fails with exit status $?: $list"
	jq '[.. | objects | select(has("address"))] | length' <<<"$list"
}

# assert_nothing_left: no lease, no rg… interface, no route of ours
assert_nothing_left()
{
	assert_equal 0 "$(leases)" "leases left: $("$RANGEGUARD" list)"
	assert_empty "$(ip -o link show | grep -E '^[0-9]+: (rg|veth)' || true)" "interfaces left"
	assert_empty "$(ip route show table all proto 82; ip -6 route show table all proto 82)" "routes left"
}

# assert_not_in_firewall ADDRESS…: no rule and no set knows the addresses
assert_not_in_firewall()
{
	local address

	for address in "$@"; do
		assert_empty "$(nft list ruleset | grep -F "$address" || true)" "firewall rules left"
	done
}

# busybox_image FILE: makes a Docker archive of localhost/busybox:test, a static busybox that sleeps
busybox_image()
{
	local root=image/root applet

	mkdir -p "$root/bin" "$root/etc" "$root/tmp"
	install /bin/busybox "$root/bin/busybox"
	for applet in sh sleep ping; do
		ln -s busybox "$root/bin/$applet"
	done
	tar -C "$root" -cf image/layer.tar .
	cat >image/config.json <<-EOF
		{"architecture": "$(dpkg --print-architecture)", "os": "linux", "config": {"Cmd": ["/bin/sleep", "600"]},
		 "rootfs": {"type": "layers", "diff_ids": ["sha256:$(sha256sum image/layer.tar | cut -d ' ' -f 1)"]}}
	EOF
	cat >image/manifest.json <<-EOF
		[{"Config": "config.json", "RepoTags": ["localhost/busybox:test"], "Layers": ["layer.tar"]}]
	EOF
	tar -C image -cf "$1" manifest.json config.json layer.tar
}

# --- Runner ---

# overlay PATH: what is written there from now on is seen by this test only
overlay()
{
	local scratch=/run/overlay$1

	mkdir -p "$scratch/upper" "$scratch/work"
	mount -t overlay overlay -o "lowerdir=$1,upperdir=$scratch/upper,workdir=$scratch/work" "$1"
}

# on_disk PATH: an empty directory there whose files' times tell of every change, as a host's /etc is and the overlays above
# are not; it goes with the test
on_disk()
{
	local type

	type=$(stat --file-system --format %T "$TEST_DIRECTORY")
	[[ "$type" != tmpfs && "$type" != overlayfs ]] || fail "$TEST_DIRECTORY is on $type: set TMPDIR to a directory on a disk"
	mkdir -p "$1" "$TEST_DIRECTORY/disk$1"
	mount --bind "$TEST_DIRECTORY/disk$1" "$1"
}

# run_inside NAME: the part that runs in the test's own namespaces, as their first process
run_inside()
{
	local directory

	# It mounts and routes: in the machine's own namespaces that would hide its files and change its network.
	(($$ == 1)) || { echo "$0: --inside is for the script itself: name the tests only" >&2; exit 2; }
	trap 'exit 130' INT TERM
	mount -t tmpfs -o mode=0755 tmpfs /run
	for directory in /etc /opt /var/lib; do
		overlay "$directory"
	done
	mount -t tmpfs -o mode=0755 tmpfs /var/log
	# What the machine has of these is hidden: the overlays keep the deletion to themselves.
	rm -rf /etc/cni /etc/rangeguard /opt/cni /var/lib/cni /var/lib/containers /var/lib/rangeguard
	host_ns_setup
	mkdir /run/test
	cd /run/test
	if declare -F set_up >/dev/null; then
		set_up
	fi
	"$1"
	if declare -F tear_down >/dev/null; then
		tear_down
	fi
}

# run_test NAME: in fresh namespaces. The chain of parent-death signals ends the test's processes even if this script,
# timeout or unshare is killed. File descriptor 4 takes the reason of a failure.
run_test()
{
	local name=$1 reason status=0 deadline

	deadline=$(scaled "${TEST_TIMEOUT:-300}")
	directory=$(mktemp -d "${TMPDIR:-/tmp}/rangeguard-test.XXXXXX")
	TEST_DIRECTORY=$directory setpriv --pdeathsig KILL timeout -s KILL "$deadline" \
		setpriv --pdeathsig KILL unshare --net --mount --pid --mount-proc --fork --kill-child --propagation private \
		"$SCRIPT" --inside "$name" >"$directory/log" 2>&1 4>"$directory/reason" </dev/null &
	job=$!
	wait "$job" 2>/dev/null || status=$?
	job=
	if ((status == 0)); then
		echo "ok $name"
		passed+=1
		sed -n 's/^#note /    # /p' "$directory/log"
	else
		reason=$(head -c 2000 "$directory/reason")
		[[ -n "$reason" ]] || reason="exit status $status"
		((status != 137)) || reason="killed, perhaps after $deadline s"
		echo "not ok $name: $reason"
		tail -n 200 "$directory/log" | sed 's/^/    | /'
		failed+=1
	fi
	clean_up
}

# clean_up: what run_test leaves
clean_up()
{
	[[ -z "$directory" ]] || rm -rf "$directory"
	directory=
	remove_cgroups
}

# remove_cgroups: the control groups that a runtime made below $TEST_CGROUP and, killed, did not remove
remove_cgroups()
{
	local -i tries=40

	while ((tries-- > 0)) && [[ -n "$(find /sys/fs/cgroup -type d -name "$TEST_CGROUP" -print -quit)" ]]; do
		find /sys/fs/cgroup -depth -type d -path "*/$TEST_CGROUP*" -exec rmdir {} + 2>/dev/null || sleep 0.05
	done
}

# stop: the trap that ends a test that is running
stop()
{
	if [[ -n "$job" ]]; then
		kill -KILL "$job" || true
		wait "$job" || true
	fi 2>/dev/null
	clean_up
	exit 130
}

# main [--inside NAME | NAME…]: runs the script's tests, or those named; without names $RANGEGUARD_SHARE percent of them, drawn
# anew each time and at least one, where the suite has to keep its time on a slow machine
main()
{
	local -i passed=0 failed=0 share=${RANGEGUARD_SHARE:-100} n
	local name directory='' job=''

	if [[ "${1-}" == --inside ]]; then
		REASON_FD=4
		set -E
		# shellcheck disable=SC2154
		trap 'status=$?; [[ -s /proc/self/fd/4 ]] || echo "line $LINENO: exit status $status: $BASH_COMMAND" >&4' ERR
		run_inside "$2"
		exit 0
	fi
	if ((EUID != 0)); then
		echo "$0: must run as root" >&2
		exit 2
	fi
	if [[ ! -x "$RANGEGUARD" ]]; then
		echo "$0: no plugin at $RANGEGUARD (build it, or set RANGEGUARD)" >&2
		exit 2
	fi
	SCRIPT=$(realpath "$0")
	RANGEGUARD_SLOWNESS=$(measure_slowness)
	RANGEGUARD_SEED=${RANGEGUARD_SEED:-$RANDOM}
	export RANGEGUARD_SLOWNESS RANGEGUARD_SEED TEST_CGROUP=rangeguard-test-$$
	echo "# deadlines: $RANGEGUARD_SLOWNESS % of those for a quick machine; samples: ${RANGEGUARD_SAMPLE_SECONDS:-40} s"
	trap stop INT TERM
	if (($# == 0)); then
		mapfile -t names < <(declare -F | sed -n 's/^declare -f \(test_.*\)/\1/p')
		n=$(((${#names[@]} * share + 99) / 100))
		((share >= 100)) || echo "# $n of ${#names[@]} tests"
		((share >= 100)) || mapfile -t names < <(shuf -n "$n" -e -- "${names[@]}")
		set -- "${names[@]}"
	fi
	for name in "$@"; do
		run_test "$name"
	done
	echo "$passed passed, $failed failed"
	((failed == 0))
}
