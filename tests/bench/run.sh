#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures rangeguard beside the reference plugins and beside the floor (floor.c), interleaved, in a host namespace of
# its own, and holds the ratios against their budgets; see --help.

bench_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=$(realpath -m "$bench_dir/../../build/bench")
RANGEGUARD=${RANGEGUARD:-$BUILD/rangeguard}
# shellcheck source=tests/lib.sh
source "$bench_dir/../lib.sh"
# shellcheck source=tests/bench/report.sh
source "$bench_dir/report.sh"
# shellcheck source=tests/bench/snat.sh
source "$bench_dir/snat.sh"

BENCH=$BUILD/tests/bench/bench
FLOOR=$BUILD/tests/bench/bench_floor
FLOOR_STATIC=$BUILD/tests/bench/bench_floor_static
SEED=$BUILD/tests/bench/bench_seed
FLOWS=$BUILD/tests/bench/bench_flows
CONNECTIONS=$BUILD/tests/bench/bench_connections
PACKAGES=(
	cmake ninja-build gcc libc6-dev clang pkg-config jq iproute2
	libjansson-dev libmnl-dev libnftnl-dev liblmdb-dev libxxhash-dev libcmocka-dev
	containernetworking-plugins netavark nftables iperf3 strace xxd
)
# Those that leave flows come last: all namespaces of a host share one table of them, which whoever looks for his own flows
# goes through.
CASES=(
	version routed routed-reference netavark dual-stack ipmasq pinned leases leases-reference parallel policy scale list
	validate suggest pins flows throughput connections
)
# Containers that are attached at the same time
PARALLEL=(1 16 250)
NETAVARK=/usr/lib/podman/netavark
# The kernel's link watch looks at 100 new interfaces a second (MAX_DO_DEV_ITERATIONS). Until it has seen all 10,000, it
# goes through those that are left each time some link comes up, and keeps everybody else from changing links meanwhile.
LINK_WATCH_SECONDS=110
# Pools: a /16 for up to 60,000 leases, a /12 for a million
POOL=10.16.0.0/16
BIG_POOL=10.32.0.0/12

usage()
{
	cat <<-EOF
		Usage: tests/bench/run.sh [--quick] [--only CASE]… [--json FILE] [--svg FILE] [--readme] [--help]
		Measures rangeguard beside the reference plugins, netavark, and a program that makes only the kernel calls, as
		root on Debian 12. Missing packages are installed. Exit status 1 when a budget does not hold.

		  --quick       a tenth of the rounds
		  --only CASE   only this case; may be repeated
		  --json FILE   all that was measured
		  --svg FILE    a picture of it
		  --readme      table and picture into tests/bench/README.md and bench.svg
		  --help        this text

		System calls are counted in one more round, under strace, of a contender's first copy; those of the programs
		that it starts are among them.

		Cases: ${CASES[*]}
	EOF
}

# --- What is measured ---

# conf TYPE DATA_DIR SUBNET…: a network configuration of rangeguard (ipam: its own) or ptp (ipam: host-local)
conf()
{
	local ipam=rangeguard

	[[ "$1" == rangeguard ]] || ipam="host-local"
	jq -nc --arg type "$1" --arg ipam "$ipam" --arg dir "$2" '{cniVersion: "1.0.0", name: "pods", type: $type,
		ipam: {type: $ipam, dataDir: $dir, ranges: ($ARGS.positional | map([{subnet: .}]))}}
		| if $type == "ptp" then .ipam.routes = [{dst: "0.0.0.0/0"}] else . end' --args "${@:3}"
}

# call VERB PLUGIN CONF [COPIES]: a step that calls a plugin for eth0 of containers c0, c1, …
call()
{
	jq -nc --arg verb "$1" --arg plugin "$2" --arg conf "$3" --argjson copies "${4:-1}" --arg path "$CNI_BIN" '
		{name: ($verb | ascii_downcase), $copies, command: [$plugin], stdin: $conf, environment: [
			"CNI_COMMAND=\($verb)", "CNI_CONTAINERID=c{}", "CNI_NETNS=/run/netns/c{}", "CNI_IFNAME=eth0",
			"CNI_PATH=\($path)", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}'
}

# program NAME PROGRAM ARGUMENT…: a step that runs something else
program()
{
	jq -nc --arg name "$1" '{$name, command: $ARGS.positional}' --args -- "${@:2}"
}

# contender NAME STEP…
contender()
{
	jq -sc --arg name "$1" '{$name, steps: .}' <<<"${*:2}"
}

# attaching NAME PLUGIN CONF [COPIES]: a contender that does ADD and DEL
attaching()
{
	contender "$1" "$(call ADD "${@:2}")" "$(call DEL "${@:2}")"
}

# count_calls BENCHMARK: runs it once under strace; prints {CONTENDER: {STEP: CALLS}}
count_calls()
{
	rm -rf "$RESULTS/calls"
	mkdir "$RESULTS/calls"
	jq -c --arg directory "$RESULTS/calls" '.rounds = 1 | .warmup = 0
		| .contenders |= map(.name as $contender | .steps |= map(
			.command = ["/usr/bin/strace", "-f", "-c", "-o", "\($directory)/\($contender)|\(.name)|{}"] + .command))' \
		<<<"$1" | "$BENCH" >/dev/null
	awk '/ total$/ { n = split(FILENAME, path, "/"); print path[n] "|" $4 }' "$RESULTS"/calls/*"|0" |
		jq -nR 'reduce (inputs / "|") as [$contender, $step, $copy, $calls] ({}; .[$contender][$step] = ($calls | tonumber))'
}

# transaction VERB CONF: the bytes of the nftables transaction that rangeguard sends, into a file; prints its path, or nothing
# where it sends none
transaction()
{
	local file=/run/transaction-$1

	CNI_COMMAND=$1 CNI_CONTAINERID=c0 CNI_NETNS=/run/netns/c0 CNI_IFNAME=eth0 CNI_PATH=$CNI_BIN \
		strace -qq -e trace=sendto -e write=all -o /run/sent "$CNI_BIN/rangeguard" <<<"$2" >/dev/null
	# strace dumps as " | 00000  14 00 00 00 10 00 01 00  00 00 00 00 00 00 00 00  ................ |"
	awk '/^sendto/ { batch = /NFNL_MSG_BATCH_BEGIN/ } batch && /^ \| / { print substr($0, 11, 49) }' /run/sent |
		xxd -r -p >"$file"
	[[ ! -s "$file" ]] || echo "$file"
}

# classifier: the name of the program that rangeguard has loaded
classifier()
{
	local conf
	local -a found

	conf=$(conf rangeguard /run/routed "$POOL")
	# A host's first ADD loads it
	transaction ADD "$conf" >/dev/null
	transaction DEL "$conf" >/dev/null
	found=("/sys/fs/bpf/rangeguard/$(stat --dereference --format %i /proc/self/ns/net)"/classifier-*)
	echo "${found[0]}"
}

# floor NAME PROGRAM CONF: a floor of that configuration as a contender
floor()
{
	local add_batch del_batch classifier

	add_batch=$(transaction ADD "$3")
	del_batch=$(transaction DEL "$3")
	classifier=$(classifier)
	contender "$1" "$(program add "$2" add /run/netns/c0 "$classifier" ${add_batch:+"$add_batch"})" \
		"$(program del "$2" del "$classifier" ${del_batch:+"$del_batch"})"
}

# measure NAME ROUNDS CONTENDER…: runs it, prints its table, keeps its JSON
measure()
{
	local -i rounds=$2
	local benchmark

	((QUICK == 0)) || rounds=$(((rounds + 9) / 10))
	echo "== $1, $rounds rounds"
	benchmark=$(jq -sc --argjson rounds "$rounds" \
		'{$rounds, warmup: (if $rounds > 1 then 1 else 0 end), contenders: .}' <<<"${*:3}")
	# Each ADD says that nothing is reserved, as is the case in most of what is compared.
	"$BENCH" <<<"$benchmark" >"$RESULTS/timed" 2> >(grep -v 'is unguarded: no range is reserved' >&2)
	count_calls "$benchmark" >"$RESULTS/counted"
	jq --slurpfile calls "$RESULTS/counted" '.results |= map(.calls = $calls[0][.contender][.step])' \
		"$RESULTS/timed" >"$RESULTS/$1.json"
	jq -r -f "$bench_dir/table.jq" "$RESULTS/$1.json"
}

# in_netns NETNS CONTENDER: the contender, its steps in another host namespace
in_netns()
{
	jq -c --arg netns "$(netns_path "$1")" '.steps |= map(.netns = $netns)' <<<"$2"
}

# seed COUNT SUBNET: a state directory of rangeguard with that many leases; prints its path
seed()
{
	local directory=/run/leases-$1

	[[ -e "$directory" ]] || (($1 == 0)) || "$SEED" "$directory" pods "$2" "$1"
	echo "$directory"
}

# seed_reference COUNT: a data directory of host-local with that many lease files in 10.16.0.0/16; prints its path
seed_reference()
{
	local directory=/run/reference-$1

	mkdir -p "$directory/pods"
	awk -v directory="$directory/pods" -v count="$1" 'BEGIN {
		for (i = 2; i < count + 2; i++) {
			address = sprintf("10.16.%d.%d", i / 256, i % 256)
			file = directory "/" address
			printf "%064x\r\neth0", i >file
			close(file)
		}
		if (count)
			printf "%s", address >(directory "/last_reserved_ip.0")
	}'
	echo "$directory"
}

# policy COUNT: a policy file with that many reserved prefixes, none in the pools; prints its path
policy()
{
	local file=/etc/rangeguard/policy-$1.json

	awk -v count="$1" 'BEGIN {
		printf "{\"reserved\": ["
		for (i = 0; i < count; i++)
			printf "%s\n{\"cidr\": \"%d.%d.%d.%d/28\", \"owner\": \"team-%d\", \"reason\": \"database\", \"ref\": \"NET-%d\"}", \
				i ? "," : "", 172 + int(i / 1048576), int(i / 4096) % 256, int(i / 16) % 256, i % 16 * 16, i % 100, i
		print "]}"
	}' >"$file"
	echo "$file"
}

case_version()
{
	measure version 300 \
		"$(contender rangeguard "$(call VERSION "$CNI_BIN/rangeguard" '{"cniVersion": "1.0.0"}')")" \
		"$(contender "empty dynamic" "$(program version "$FLOOR" nothing)")" \
		"$(contender "empty static" "$(program version "$FLOOR_STATIC" nothing)")" \
		"$(contender reference "$(call VERSION "$CNI_BIN/ptp" '{"cniVersion": "1.0.0"}')")"
}

# Rounds are many: how long the kernel takes to delete a link varies by a factor of ten
case_routed()
{
	local conf

	conf=$(conf rangeguard /run/routed "$POOL")
	# The first ADD of a host makes the firewall's table.
	transaction ADD "$conf" >/dev/null
	transaction DEL "$conf" >/dev/null
	measure routed 800 "$(attaching rangeguard "$CNI_BIN/rangeguard" "$conf")" "$(floor floor "$FLOOR" "$conf")" \
		"$(floor "floor static" "$FLOOR_STATIC" "$conf")"
}

case_routed_reference()
{
	measure routed-reference 200 \
		"$(attaching rangeguard "$CNI_BIN/rangeguard" "$(conf rangeguard /run/routed "$POOL")")" \
		"$(attaching reference "$CNI_BIN/ptp" "$(conf ptp /run/routed-reference "$POOL")")"
}

# netavark has no CNI: options on standard input. It makes a bridge, and rules of iptables that masquerade.
case_netavark()
{
	local options step
	local -a steps=()

	options=$(jq -nc '{container_id: "c0", container_name: "c0",
		networks: {pods: {static_ips: ["10.88.0.2"], interface_name: "eth0"}},
		network_info: {pods: {name: "pods", id: ("0" * 64), driver: "bridge", network_interface: "podman1",
			subnets: [{subnet: "10.88.0.0/16", gateway: "10.88.0.1"}], ipv6_enabled: false, internal: false,
			dns_enabled: false, ipam_options: {driver: "host-local"}}}}')
	mkdir -p /run/netavark
	for step in add:setup del:teardown; do
		steps+=("$(program "${step%:*}" "$NETAVARK" --config /run/netavark "${step#*:}" /run/netns/c0 |
			jq -c --arg options "$options" '.stdin = $options
				| .environment = ["NETAVARK_FW=iptables", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]')")
	done
	measure netavark 50 \
		"$(attaching rangeguard "$CNI_BIN/rangeguard" "$(conf rangeguard /run/routed "$POOL")")" \
		"$(contender netavark "${steps[@]}")"
}

case_dual_stack()
{
	measure dual-stack 20 \
		"$(attaching rangeguard "$CNI_BIN/rangeguard" "$(conf rangeguard /run/dual "$POOL" fd00:16::/64)")" \
		"$(attaching reference "$CNI_BIN/ptp" "$(conf ptp /run/dual-reference "$POOL" fd00:16::/64)")"
}

case_leases()
{
	local -a contenders=()
	local count pool

	for count in 0 1000 60000 1000000; do
		pool=$POOL
		((count < 65000)) || pool=$BIG_POOL
		contenders+=("$(attaching "rangeguard $count" "$CNI_BIN/rangeguard" \
			"$(conf rangeguard "$(seed "$count" "$pool")" "$pool")")")
	done
	measure leases 200 "${contenders[@]}"
}

# Rounds are few: the reference needs a good half a second for each
case_leases_reference()
{
	local -a contenders=()
	local count

	for count in 0 1000 60000; do
		contenders+=(
			"$(attaching "rangeguard $count" "$CNI_BIN/rangeguard" \
				"$(conf rangeguard "$(seed "$count" "$POOL")" "$POOL")")"
			"$(attaching "reference $count" "$CNI_BIN/ptp" "$(conf ptp "$(seed_reference "$count")" "$POOL")")"
		)
	done
	measure leases-reference 20 "${contenders[@]}"
}

case_parallel()
{
	local -a contenders=()
	local count

	for count in "${PARALLEL[@]}"; do
		contenders+=(
			"$(attaching "rangeguard $count" "$CNI_BIN/rangeguard" "$(conf rangeguard /run/parallel "$POOL")" "$count")"
			"$(attaching "reference $count" "$CNI_BIN/ptp" "$(conf ptp /run/parallel-reference "$POOL")" "$count")"
		)
	done
	measure parallel 10 "${contenders[@]}"
}

# crowd HOST COUNT PLUGIN CONF: that many attachments on a host namespace. One namespace, HOST-crowd, holds all container
# ends: what the host has of them is the same, but for the names of their sysctls (plugin/network/sysctl.c)
crowd()
{
	container "$1-crowd"
	# shellcheck disable=SC2016 # the inner shell's
	CONF=$4 inside "$1" bash -c 'for ((i = 1; i <= $2; i++)); do
		CNI_COMMAND=ADD CNI_CONTAINERID=crowd$i CNI_IFNAME=eth$i CNI_NETNS=$3 CNI_PATH=$4 "$1" <<<"$CONF" >/dev/null || exit
	done' -- "$CNI_BIN/$3" "$2" "$(netns_path "$1-crowd")" "$CNI_BIN"
}

# foreigners HOST COUNT: that many interfaces and routes of somebody else on a host namespace
foreigners()
{
	awk -v count="$2" 'BEGIN {
		for (i = 0; i < count; i += 2)
			printf "link add foreign%d numtxqueues 1 numrxqueues 1 type veth peer name foreign%d numtxqueues 1 numrxqueues 1\n", \
				i, i + 1
		print "link set foreign0 up"
		for (i = 0; i < count; i++)
			printf "route add 100.%d.%d.%d/32 dev foreign0\n", 64 + int(i / 65536), int(i / 256) % 256, i % 256
	}' | ip -n "$1" -batch -
}

case_scale()
{
	local -a contenders=()
	local host classifier

	classifier=$(classifier)
	for host in empty full foreign; do
		container "$host"
		# shellcheck disable=SC2016 # the inner shell's
		inside "$host" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	done
	crowd full 999 rangeguard "$(conf rangeguard /run/scale-full "$POOL")"
	foreigners foreign 10000
	sleep "$LINK_WATCH_SECONDS"
	for host in empty full foreign; do
		contenders+=(
			"$(in_netns "$host" "$(attaching "rangeguard $host" "$CNI_BIN/rangeguard" \
				"$(conf rangeguard "/run/scale-$host" "$POOL")")")"
			"$(in_netns "$host" "$(contender "floor $host" "$(program add "$FLOOR" add /run/netns/c0 "$classifier")" \
				"$(program del "$FLOOR" del "$classifier")")")"
		)
	done
	measure scale 100 "${contenders[@]}"
}

case_policy()
{
	local -a contenders=()
	local count conf

	for count in 0 10 100 1000 100000 1000000; do
		conf=$(conf rangeguard /run/policy "$POOL" | jq -c --arg file "$(policy "$count")" '.guard.policies = [$file]')
		contenders+=("$(attaching "rangeguard $count" "$CNI_BIN/rangeguard" "$conf")")
	done
	measure policy 200 "${contenders[@]}"
}

case_validate()
{
	local -i i

	mkdir -p /run/validate
	for ((i = 0; i < 1000; i++)); do
		printf '{"cniVersion": "1.0.0", "name": "net%d", "plugins": [{"type": "rangeguard",
			"ipam": {"type": "rangeguard", "ranges": [[{"subnet": "10.%d.%d.0/24"}]]}}]}' \
			"$i" $((i / 250)) $((i % 250)) >"/run/validate/$i.conflist"
	done
	measure validate 10 "$(contender rangeguard \
		"$(program validate "$CNI_BIN/rangeguard" validate --policy "$(policy 100000)" /run/validate)")"
}

case_suggest()
{
	measure suggest 5 "$(contender "rangeguard 1000000" "$(program suggest "$CNI_BIN/rangeguard" suggest \
		--policy "$(policy 1000000)" --within 172.0.0.0/8 --prefix-length 24)")"
}

case_list()
{
	local data_dir format
	local -a steps=()

	data_dir=$(seed 1000000 "$BIG_POOL")
	for format in text json; do
		steps+=("$(program "$format" "$CNI_BIN/rangeguard" list --data-dir "$data_dir" --format "$format")")
	done
	measure list 10 "$(contender "rangeguard 1000000" "${steps[@]}")"
}

# run_cases: the part in the bench's own host namespace; its uplink carries a default route, as hosts have one
run_cases()
{
	local -i i
	local name

	install_plugins ptp host-local
	on_disk /etc/rangeguard
	uplink
	echo 1 >/proc/sys/net/ipv4/ip_forward
	for ((i = 0; i < PARALLEL[-1]; i++)); do
		container "c$i"
	done
	for name in $SELECTED; do
		"case_${name//-/_}"
	done
}

# --- Around it ---

build()
{
	"$SOURCE_DIR/tests/static-libmnl.sh" "$SOURCE_DIR/build/archives" || true
	cmake --preset release -S "$SOURCE_DIR" -B "$BUILD" -DBUILD_TESTING=ON
	cmake --build "$BUILD" --target rangeguard bench bench_floor bench_floor_static bench_seed bench_flows bench_connections
}

# quietly COMMAND…: what it prints is shown only when it fails
quietly()
{
	"$@" >"$RESULTS/log" 2>&1 || {
		cat "$RESULTS/log" >&2
		exit 2
	}
}

bench_main()
{
	local json='' svg='' selected=()
	local -i readme=0

	while (($# > 0)); do
		case $1 in
		--quick) QUICK=1 ;;
		--only)
			[[ -n "${2-}" && " ${CASES[*]} " == *" $2 "* ]] || { usage >&2; exit 2; }
			selected+=("$2")
			shift
			;;
		--json)
			[[ -n "${2-}" ]] || { usage >&2; exit 2; }
			json=$2
			shift
			;;
		--svg)
			[[ -n "${2-}" ]] || { usage >&2; exit 2; }
			svg=$2
			shift
			;;
		--readme) readme=1 ;;
		-h | --help) usage; exit 0 ;;
		*) usage >&2; exit 2 ;;
		esac
		shift
	done
	if ((EUID != 0)); then
		echo "tests/bench/run.sh: must run as root: it makes network namespaces" >&2
		exit 2
	fi
	((${#selected[@]} > 0)) || selected=("${CASES[@]}")
	SELECTED=${selected[*]}
	RESULTS=$(mktemp -d "${TMPDIR:-/tmp}/rangeguard-bench.XXXXXX")
	trap 'rm -rf "$RESULTS"' EXIT
	export SELECTED RESULTS QUICK
	quietly "$TESTS_DIR/install-packages.sh" "${PACKAGES[@]}"
	quietly build
	TEST_DIRECTORY=$RESULTS setpriv --pdeathsig KILL unshare --net --mount --pid --mount-proc --fork --kill-child --propagation private \
		"$bench_dir/run.sh" --inside </dev/null || exit 2
	report >"$RESULTS/report"
	[[ -z "$json" ]] || cp "$RESULTS/report" "$json"
	[[ -z "$svg" ]] || jq -r -f "$bench_dir/svg.jq" "$RESULTS/report" >"$svg"
	((readme == 0)) || update_readme "$RESULTS/report"
	print_budgets "$RESULTS/report"
	jq -e 'all(.budgets[]; .holds != false)' "$RESULTS/report" >/dev/null
}

QUICK=${QUICK:-0}
if [[ "${1-}" == --inside ]]; then
	run_inside run_cases
else
	bench_main "$@"
fi
