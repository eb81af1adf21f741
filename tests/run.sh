#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds rangeguard and runs all of its tests; see --help. Each stage writes build/log/STAGE, shown when it fails.
set -euo pipefail

cd "$(dirname "$0")/.."
SOURCE_DIR=$PWD
LOG_DIR=$SOURCE_DIR/build/log
# How long the whole should take, in seconds, on a quick machine and at most: set_samples
BUDGET=1450
BUDGET_MOST=3300
# Of these, once the stage netns-asan begins: that stage with all tests, and the rest of the suite beside it
ASAN_SECONDS=390
REST_SECONDS=650
# In this order, two at a time: what computes beside what waits for the kernel, the longest first
STAGES=(install build-dev build-release netns build-asan lint netns-asan docker vm build-clang arm64 unit unit-asan cri cluster podman containerd package deploy)
# Asked for by name: all virtual machines; a minute for each fuzz target
EXTRA_STAGES=(vm-all fuzz)
STAGES_AT_ONCE=2
QUICK_STAGES=(install build-dev build-release unit lint netns)
PACKAGES=(
	cmake ninja-build gcc libc6-dev clang libclang-rt-14-dev pkg-config
	libjansson-dev libmnl-dev libnftnl-dev liblmdb-dev libxxhash-dev libcsv-dev zlib1g-dev
	libsystemd-dev libmicrohttpd-dev libyaml-dev libexpat1-dev libcurl4-gnutls-dev etcd-server etcd-client openssl bird2
	libcmocka-dev clang-tidy clang-format cppcheck shellcheck git strace valgrind jq libxml2-utils
	iproute2 iputils-ping nftables iptables conntrack socat curl busybox-static
	containerd podman runc prometheus crossbuild-essential-arm64 qemu-user scdoc mandoc bsdextrautils buildah lintian rpm containernetworking-plugins docker.io docker-compose systemd
	qemu-system-x86 debootstrap debian-archive-keyring e2fsprogs kmod xz-utils
	protobuf-compiler python3 python3-grpcio python3-jsonschema python3-protobuf
)
# Of these, another package than Debian's may be there.
command -v kubectl >/dev/null || PACKAGES+=(kubernetes-client)
command -v npm >/dev/null || PACKAGES+=(npm)

usage()
{
	cat <<-EOF
		Usage: tests/run.sh [--quick] [--only STAGE]… [--help]
		Builds rangeguard and runs its tests, as root on Debian 12. Missing packages are installed. The tests make
		network and mount namespaces of their own: the machine's network, /etc and /opt stay as they are.

		  --quick       only ${QUICK_STAGES[*]}
		  --only STAGE  only this stage, with the build it needs; may be repeated
		  --help        this text

		Stages: ${STAGES[*]}
		Only by name: ${EXTRA_STAGES[*]}
	EOF
}

# configure PRESET
configure()
{
	local -a pace=("-DRANGEGUARD_SLOWNESS=${RANGEGUARD_SLOWNESS:-100}")

	[[ "$1" != fuzz ]] || pace+=("-DRANGEGUARD_FUZZ_SECONDS=$RANGEGUARD_FUZZ_SECONDS")
	cmake --preset "$1" "${pace[@]}"
}

# build PRESET [TARGET…]: once per run, whichever stage comes first; a second call only repeats the outcome
build()
{
	local done=$LOG_DIR/built-$1${2:+-$2}

	(
		flock 7
		if [[ ! -e "$done" ]]; then
			configure "$1"
			cmake --build "build/$1" ${2:+--target "${@:2}"} 7>&-
			touch "$done"
		fi
	) 7>"$LOG_DIR/lock-$1"
}

# timed NAME COMMAND…: the command, and a line about its time for the table at the end: seconds, of these of a processor, name
timed()
{
	local status=0

	exec 9>>"$LOG_DIR/times"
	TIMEFORMAT="%0R %0U %0S $1"
	{ time "${@:2}" 2>&8 9>&- || status=$?; } 8>&2 2>&9
	exec 9>&-
	return "$status"
}

# slowest: the table. sed reads to the end: sort, which has more than head wants, would end by SIGPIPE, and the suite with it
slowest()
{
	[[ -s "$LOG_DIR/times" ]] || return 0
	echo "slowest: seconds, of these of a processor"
	awk '{ printf "%6d %6d ", $1, $2 + $3; $1 = $2 = $3 = ""; print }' "$LOG_DIR/times" | sort -k 2,2nr | sed -n 1,20p
}

# run_scripts PRESET SCRIPT…: test scripts, whose last line is "N passed, N failed", against that build's plugin; more
# at a time than there are processors, since they wait for the kernel most of the time
run_scripts()
{
	local preset=$1 script log status=0

	build "$preset"
	for script in "${@:2}"; do
		# How a script ended is told by its log, below.
		(($(jobs -pr | wc -l) < 2 * $(nproc))) || wait -n || true
		log=$LOG_DIR/$preset-$(basename "$script" .sh)
		RANGEGUARD=$SOURCE_DIR/build/$preset/rangeguard timed "$script ($preset)" setpriv --pdeathsig TERM "$script" >"$log" 2>&1 &
	done
	wait
	for script in "${@:2}"; do
		log=$LOG_DIR/$preset-$(basename "$script" .sh)
		echo "== $script ($preset)"
		cat "$log"
		[[ "$(tail -n 1 "$log")" =~ ^[1-9][0-9]*\ passed,\ 0\ failed$ ]] || status=1
	done
	return "$status"
}

# netns_scripts: those that suit every build: valgrind cannot run what the sanitizers built, and a process that is killed
# has no chance to say what they found. The longest come first, so that no processor waits for one of them at the end
netns_scripts()
{
	echo tests/netns/faults_failing.sh
	find tests/netns -name '*.sh' ! -name 'faults_*.sh' ! -name valgrind.sh ! -name 'cost*.sh' ! -name address_space.sh | sort
}

stage_install()
{
	tests/install-packages.sh "${PACKAGES[@]}"
	# Without, the release is linked as Debian 12's archives allow.
	tests/static-libmnl.sh build/archives || true
}

stage_build_dev()
{
	build dev all all_verify_interface_header_sets
}

stage_build_asan()
{
	build asan
}

stage_build_release()
{
	build release
}

# What clang warns of; the fuzzers are built by it
stage_build_clang()
{
	build fuzz
}

stage_unit()
{
	stage_build_dev
	ctest --preset dev --no-tests=error
}

stage_unit_asan()
{
	build asan
	ctest --preset asan --no-tests=error
}

# clang-tidy and cppcheck read the compile commands of the dev build
stage_lint()
{
	stage_build_dev
	tests/lint/run.sh
}

# The dev build has the test programs that the release build lacks
stage_netns()
{
	stage_build_dev
	mapfile -t scripts < <(netns_scripts)
	run_scripts release tests/netns/faults_killed.sh tests/netns/faults_memory.sh "${scripts[@]}" tests/netns/cost.sh tests/netns/cost_offline.sh \
		tests/netns/address_space.sh
	# A release leaves its memory to the kernel.
	run_scripts dev tests/netns/valgrind.sh
}

# Without those that call the same code hundreds of times to judge what it says; and of each script the share that there is
# time for: the release has run all of them
stage_netns_asan()
{
	mapfile -t scripts < <(netns_scripts | grep -v -e /every_path.sh -e /storm.sh)
	RANGEGUARD_SHARE=$RANGEGUARD_ASAN_SHARE run_scripts asan "${scripts[@]}"
}

stage_containerd()
{
	run_scripts release tests/runtimes/containerd.sh
}

stage_cri()
{
	# A hundred sandboxes at once take a slow machine minutes.
	TEST_TIMEOUT=600 run_scripts release tests/runtimes/cri.sh
}

stage_package()
{
	run_scripts release tests/package/package.sh tests/package/newcomer.sh
}

# The schemas of Kubernetes come from npm, into the build directory
stage_deploy()
{
	npm install --silent --no-audit --no-fund --prefix build kubernetes-models@5.1.0 js-yaml@4
	run_scripts release tests/deploy/deploy.sh
}

stage_arm64()
{
	tests/cross/arm64.sh
}

stage_podman()
{
	run_scripts release tests/runtimes/podman.sh
}

stage_docker()
{
	run_scripts release tests/runtimes/docker.sh tests/runtimes/docker_scale.sh
}

# With a real etcd, which the tests start inside their own namespaces
stage_cluster()
{
	build dev etcd_talk cluster_claims cluster_flow
	run_scripts release tests/cluster/etcd.sh tests/cluster/sources.sh tests/cluster/sources_use.sh tests/cluster/blocks.sh tests/cluster/commands.sh tests/cluster/trouble.sh tests/cluster/scale.sh tests/cluster/moves.sh tests/cluster/guide.sh
}

stage_fuzz()
{
	build fuzz
	ctest --preset fuzz -j "$(nproc)" -L fuzz --no-tests=error
}

# run_machines [--all]: Debian's kernels in virtual machines
run_machines()
{
	stage_build_dev
	build release
	RANGEGUARD=$SOURCE_DIR/build/release/rangeguard RANGEGUARD_PUMP=$SOURCE_DIR/build/dev/tests/vm/vm_pump \
		timed "tests/vm/run.sh $*" setpriv --pdeathsig TERM tests/vm/run.sh "$@"
}

stage_vm()
{
	run_machines
}

stage_vm_all()
{
	run_machines --all
}

# set_pace: deadlines for this machine, as lib.sh takes them
set_pace()
{
	local -i i start

	start=${EPOCHREALTIME/[.,]/}
	for ((i = 0; i < 100; i++)); do
		/bin/true
	done
	# Of a hundred milliseconds, in percent
	i=$(((${EPOCHREALTIME/[.,]/} - start) / 1000))
	export RANGEGUARD_SLOWNESS=$((i > 100 ? i : 100))
	echo "deadlines: $RANGEGUARD_SLOWNESS % of those for a quick machine"
}

# set_samples: how long sweeps, storms, fuzzers and virtual machines of the next stage go on, and what share of its tests a
# stage runs that runs them a second time. It follows from what is left of the time for the whole, and from how much of all
# that would be done on a quick machine fits into it: on a slow machine samples become smaller, but no kind is left out
set_samples()
{
	local -i left=$(((budget - SECONDS) * budget / wanted))
	local -i seconds=$((left / 80)) share=$((100 * (left - REST_SECONDS) / ASAN_SECONDS))

	seconds=$((seconds < 40 ? seconds : 40))
	seconds=$((seconds > 10 ? seconds : 10))
	share=$((share < 100 ? share : 100))
	export RANGEGUARD_ASAN_SHARE=$((share > 20 ? share : 20))
	export RANGEGUARD_SAMPLE_SECONDS=$seconds RANGEGUARD_VM_SECONDS=$((2 * seconds)) RANGEGUARD_FUZZ_SECONDS=$((seconds / 3))
}

# count_tests LOG STATUS: adds to passed and failed. A stage that counts no tests itself is one.
count_tests()
{
	local -i ok not_ok

	read -r ok not_ok < <(awk '
		/^[0-9]+ passed, [0-9]+ failed$/ { ok += $1; bad += $3 }
		/tests passed, [0-9]+ tests? failed out of [0-9]+$/ { ok += $NF - $4; bad += $4 }
		END { print ok + 0, bad + 0 }' "$1")
	if (($2 != 0 && not_ok == 0)); then
		not_ok=1
	elif ((ok + not_ok == 0)); then
		ok=1
	fi
	passed+=$ok
	failed+=$not_ok
	echo "   $ok passed, $not_ok failed, ${SECONDS}s since the start"
}

# start_stage STAGE: in a process of its own, which ends when this script ends, and a process group, which the traps end
start_stage()
{
	set_samples
	set -m
	timed "stage $1" setpriv --pdeathsig TERM tests/run.sh --inside "$1" >"$LOG_DIR/$1" 2>&1 </dev/null &
	running[$!]=$1
	set +m
}

# end_stage: waits until one of those that are running ends, and tells of it
end_stage()
{
	local pid=0 stage status=0

	wait -n -p pid "${!running[@]}" || status=$?
	stage=${running[$pid]}
	unset "running[$pid]"
	echo "== $stage"
	((status == 0)) || cat "$LOG_DIR/$stage"
	count_tests "$LOG_DIR/$stage" "$status"
}

# run_stages STAGE…: several at a time, but for the first one, whose packages all others need
run_stages()
{
	local stage

	for stage in "$@"; do
		((${#running[@]} < STAGES_AT_ONCE)) || end_stage
		start_stage "$stage"
		[[ "$stage" != install ]] || end_stage
	done
	while ((${#running[@]} > 0)); do
		end_stage
	done
}

# stop STATUS: ends the stages that are running
stop()
{
	local pid

	for pid in "${!running[@]}"; do
		kill -TERM -- "-$pid" 2>/dev/null || true
	done
	exit "$1"
}

main()
{
	local -a only=() selected=("${STAGES[@]}")
	local -a running=()
	local -i passed=0 failed=0 budget wanted

	if [[ "${1-}" == --inside ]]; then
		"stage_${2//-/_}"
		exit
	fi
	while (($# > 0)); do
		case $1 in
		--quick) selected=("${QUICK_STAGES[@]}") ;;
		--only)
			[[ " ${STAGES[*]} ${EXTRA_STAGES[*]} " == *" ${2-} "* && -n "${2-}" ]] || { usage >&2; exit 2; }
			only+=("$2")
			shift
			;;
		-h | --help) usage; exit 0 ;;
		*) usage >&2; exit 2 ;;
		esac
		shift
	done
	((${#only[@]} == 0)) || selected=("${only[@]}")
	if ((EUID != 0)); then
		echo "tests/run.sh: must run as root: it makes network namespaces" >&2
		exit 2
	fi
	# git in a clone that belongs to the user who called sudo
	export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=$SOURCE_DIR
	rm -rf "$LOG_DIR"
	mkdir -p "$LOG_DIR"
	trap 'stop 130' INT
	trap 'stop 143' TERM
	set_pace
	wanted=$((BUDGET * RANGEGUARD_SLOWNESS / 100))
	budget=$((wanted < BUDGET_MOST ? wanted : BUDGET_MOST))
	run_stages "${selected[@]}"
	slowest
	echo "$SECONDS s of $budget"
	echo "$passed passed, $failed failed"
	((failed == 0))
}

main "$@"
