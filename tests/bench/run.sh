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

BENCH=$BUILD/tests/bench/bench
FLOOR=$BUILD/tests/bench/bench_floor
SEED=$BUILD/tests/bench/bench_seed
PACKAGES=(
	cmake ninja-build gcc libc6-dev pkg-config jq iproute2
	libjansson-dev libmnl-dev libnftnl-dev liblmdb-dev libxxhash-dev libcmocka-dev
	containernetworking-plugins
)
CASES=(version routed routed-reference dual-stack leases leases-reference parallel policy list)
# Only with --only: validate reads the policy again for each file, so that it takes minutes
LATER_CASES=(validate)
# Containers that are attached at the same time
PARALLEL=16
# Pools: a /16 for up to 60,000 leases, a /12 for a million
POOL=10.16.0.0/16
BIG_POOL=10.32.0.0/12

usage()
{
	cat <<-EOF
		Usage: tests/bench/run.sh [--quick] [--only CASE]… [--json FILE] [--help]
		Measures rangeguard beside the reference plugins and beside a program that makes only the kernel calls, as
		root on Debian 12. Missing packages are installed. Exit status 1 when a budget does not hold.

		  --quick       a tenth of the rounds
		  --only CASE   only this case; may be repeated
		  --json FILE   all that was measured
		  --help        this text

		Cases: ${CASES[*]}
		Only with --only, for they take minutes: ${LATER_CASES[*]}
	EOF
}

# --- What is measured ---

# conf TYPE DATA_DIR SUBNET…: a network configuration of rangeguard (ipam: its own) or ptp (ipam: host-local)
conf()
{
	local ipam=rangeguard

	[[ "$1" == rangeguard ]] || ipam=host-local
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

# measure NAME ROUNDS CONTENDER…: runs it, prints its table, keeps its JSON
measure()
{
	local -i rounds=$2

	((QUICK == 0)) || rounds=$(((rounds + 9) / 10))
	echo "== $1, $rounds rounds"
	jq -sc --argjson rounds "$rounds" '{$rounds, warmup: (if $rounds > 1 then 1 else 0 end), contenders: .}' <<<"${*:3}" |
		"$BENCH" --json "$RESULTS/$1.json"
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
	local file=/run/policy-$1.json

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
		"$(contender reference "$(call VERSION "$CNI_BIN/ptp" '{"cniVersion": "1.0.0"}')")"
}

# Rounds are many: how long the kernel takes to delete a link varies by a factor of ten
case_routed()
{
	measure routed 800 \
		"$(attaching rangeguard "$CNI_BIN/rangeguard" "$(conf rangeguard /run/routed "$POOL")")" \
		"$(contender floor "$(program add "$FLOOR" add /run/netns/c0)" "$(program del "$FLOOR" del)")"
}

case_routed_reference()
{
	measure routed-reference 200 \
		"$(attaching rangeguard "$CNI_BIN/rangeguard" "$(conf rangeguard /run/routed "$POOL")")" \
		"$(attaching reference "$CNI_BIN/ptp" "$(conf ptp /run/routed-reference "$POOL")")"
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
	measure parallel 50 \
		"$(attaching rangeguard "$CNI_BIN/rangeguard" "$(conf rangeguard /run/parallel "$POOL")" "$PARALLEL")" \
		"$(attaching reference "$CNI_BIN/ptp" "$(conf ptp /run/parallel-reference "$POOL")" "$PARALLEL")"
}

case_policy()
{
	local -a contenders=()
	local count conf

	for count in 0 1000 100000; do
		conf=$(conf rangeguard /run/policy "$POOL" | jq -c --arg file "$(policy "$count")" '.guard.policies = [$file]')
		contenders+=("$(attaching "rangeguard $count" "$CNI_BIN/rangeguard" "$conf")")
	done
	measure policy 50 "${contenders[@]}"
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
	measure validate 1 "$(contender rangeguard \
		"$(program validate "$CNI_BIN/rangeguard" validate --policy "$(policy 100000)" /run/validate)")"
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
	uplink
	echo 1 >/proc/sys/net/ipv4/ip_forward
	for ((i = 0; i < PARALLEL; i++)); do
		container "c$i"
	done
	for name in $SELECTED; do
		"case_${name//-/_}"
	done
}

# --- Around it ---

build()
{
	cmake --preset release -S "$SOURCE_DIR" -B "$BUILD" -DBUILD_TESTING=ON
	cmake --build "$BUILD" --target rangeguard bench bench_floor bench_seed
}

# quietly COMMAND…: what it prints is shown only when it fails
quietly()
{
	"$@" >"$RESULTS/log" 2>&1 || {
		cat "$RESULTS/log" >&2
		exit 2
	}
}

# report: one JSON of all that was measured
report()
{
	local -a measured=()
	local name

	for name in $SELECTED; do
		measured+=("$RESULTS/$name.json")
	done
	jq -n --arg kernel "$(uname -r)" --arg processors "$(nproc)" --argjson quick "$QUICK" \
		'{machine: {$kernel, processors: ($processors | tonumber)}, quick: ($quick == 1),
		  cases: ([inputs | {key: (input_filename | split("/")[-1] | rtrimstr(".json")), value: .}] | from_entries)}' \
		"${measured[@]}" >"$RESULTS/cases"
	jq --slurpfile budgets <(jq '.cases' "$RESULTS/cases" | jq -f "$bench_dir/budgets.jq") \
		'.budgets = $budgets[0]' "$RESULTS/cases"
}

# print_budgets REPORT: the table of the budgets
print_budgets()
{
	local what beside measured bound verdict

	printf '\n%-42s %-38s %9s %10s\n' what beside measured budget
	while IFS=$'\t' read -r what beside measured bound verdict; do
		printf '%-42s %-38s %9.4f %10s %s\n' "$what" "$beside" "$measured" "$bound" "$verdict"
	done < <(jq -r '.budgets[] | [.what, .beside, .measured, "\(.relation) \(.bound)",
		({"true": "holds", "false": "DOES NOT HOLD", "null": "(no budget yet)"}[.holds | tostring])] | @tsv' "$1")
}

bench_main()
{
	local json='' selected=()

	while (($# > 0)); do
		case $1 in
		--quick) QUICK=1 ;;
		--only)
			[[ -n "${2-}" && " ${CASES[*]} ${LATER_CASES[*]} " == *" $2 "* ]] || { usage >&2; exit 2; }
			selected+=("$2")
			shift
			;;
		--json)
			[[ -n "${2-}" ]] || { usage >&2; exit 2; }
			json=$2
			shift
			;;
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
	setpriv --pdeathsig KILL unshare --net --mount --pid --mount-proc --fork --kill-child --propagation private \
		"$bench_dir/run.sh" --inside </dev/null || exit 2
	report >"$RESULTS/report"
	[[ -z "$json" ]] || cp "$RESULTS/report" "$json"
	print_budgets "$RESULTS/report"
	jq -e 'all(.budgets[]; .holds != false)' "$RESULTS/report" >/dev/null
}

QUICK=${QUICK:-0}
if [[ "${1-}" == --inside ]]; then
	run_inside run_cases
else
	bench_main "$@"
fi
