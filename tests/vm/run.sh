#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What this machine's kernel can't show: rangeguard on Debian's own kernels (6.1, and the one of backports), with flowtables,
# after a real reboot, without IPv6, without nf_tables, and what a packet costs, counted in instructions. Each in a virtual
# machine of qemu's that needs no KVM, no network and no disk of this machine's: everything is gone when this script ends,
# however it ends. The namespace tests go on for RANGEGUARD_VM_SECONDS on each kernel, and try one of each kind in any case.
#
# A machine's clock counts its instructions and skips the time in which it has nothing to do, so that no deadline in there
# depends on how busy this machine is.
#
# Usage: [RANGEGUARD=plugin] [RANGEGUARD_AGENT=agent] [RANGEGUARD_PUMP=vm_pump] tests/vm/run.sh [--all | MACHINE…]; else those for each run of the suite
set -euo pipefail

cd "$(dirname "$0")/../.."
SOURCE_DIR=$PWD
RANGEGUARD=${RANGEGUARD:-$SOURCE_DIR/build/release/rangeguard}
AGENT=${RANGEGUARD_AGENT:-$(dirname "$RANGEGUARD")/rangeguard-agent}
RANGEGUARD_PUMP=${RANGEGUARD_PUMP:-$SOURCE_DIR/build/dev/tests/vm/vm_pump}
IMAGES=${RANGEGUARD_VM_IMAGES:-$SOURCE_DIR/build/vm}
PRELOADABLE=${RANGEGUARD_PRELOADABLE:-$SOURCE_DIR/build/dev/rangeguard}
# What test scripts call
TOOLS=${RANGEGUARD_TOOLS:-$SOURCE_DIR/build/dev/tests/netns}
# How long the chosen tests go on on each kernel
SECONDS_OF_TESTS=${RANGEGUARD_VM_SECONDS:-80}
# What ends a machine that hangs: time of a processor, since how much of one it gets is this machine's affair; and, should it
# wait for ever, time
MOST_SECONDS=$((1500 * ${RANGEGUARD_SLOWNESS:-100} / 100))
MOST_WAITING=$((6 * MOST_SECONDS))
scratch=
started=$(date +%s)
# Machines: name, whether each run of the suite has it, kernel, part, arguments of the kernel. The dearest come first: two run
# at a time
MACHINES="
datapath     each   stable     datapath.sh
tests-stable named  stable     chosen.sh
tests-newer  named  backports  chosen.sh
flowtable    named  stable     flowtable.sh
flow-newer   named  backports  flowtable.sh
no-nf-tables each   stable     no_nf_tables.sh   module_blacklist=nf_tables
no-nft-nat   named  stable     no_nf_tables.sh   module_blacklist=nft_chain_nat,nft_nat,nft_masq
no-ipv6      each   stable     no_ipv6.sh        ipv6.disable=1
reboot       each   stable     reboot.sh
"

# pack_libraries PROGRAM: those that it loads, of which the machines have but the C library
pack_libraries()
{
	mkdir -p "$scratch/add/work/lib"
	ldd "$1" | awk '$2 == "=>" && $3 ~ "^/" && $1 !~ "^lib(c|m|resolv)[.]so" { print $3 }' |
		xargs -d '\n' cp -L -t "$scratch/add/work/lib"
}

# pack_preloadable: where lib.sh looks for a plugin into which something can be preloaded, when that under test is static
pack_preloadable()
{
	mkdir -p "$scratch/add/work/build/dev"
	strip -o "$scratch/add/work/lib/rangeguard" "$PRELOADABLE"
	printf '#!/bin/sh\nexec env LD_LIBRARY_PATH=/work/lib /work/lib/rangeguard "$@"\n' >"$scratch/add/work/build/dev/rangeguard"
	chmod +x "$scratch/add/work/build/dev/rangeguard"
}

# pack: what the machines are to test, as an initramfs that follows the first stage's
pack()
{
	mkdir -p "$scratch/add/work"
	install -m 0755 "$RANGEGUARD" "$scratch/add/work/rangeguard"
	install -m 0755 "$AGENT" "$scratch/add/work/rangeguard-agent"
	pack_libraries "$AGENT"
	pack_libraries "$PRELOADABLE"
	pack_preloadable
	install -m 0755 "$RANGEGUARD_PUMP" "$scratch/add/work/vm_pump"
	cp -a tests "$scratch/add/work/"
	rm -rf "$scratch"/add/work/tests/{unit,fuzz,bench}
	install -m 0755 "$TOOLS"/{enforce_peer,foreign_program,no_tcx.so,snat_modules} "$scratch/add/work/tests/netns/"
	(cd "$scratch/add" && find . | busybox cpio -o -H newc) >"$scratch/add.cpio" 2>/dev/null
}

# boot NAME KERNEL PART [ARGUMENT…]: runs the machine; what its part said is in the file NAME.results, the kernel in NAME.console
boot()
{
	local name=$1 kernel=$IMAGES/$2 part=$3 status=0
	local -a arguments=(console=ttyS0 loglevel=4 tsc=reliable tsc_early_khz=1000000 no_timer_check panic=-1
		"rangeguard.part=$part" "rangeguard.seconds=$SECONDS_OF_TESTS" "${@:4}")
	# One processor whose clock advances by four nanoseconds with each instruction
	local -a options=(-accel tcg -icount "shift=2,sleep=off")

	# A machine that panics starts again, which but one must not.
	[[ "$name" == reboot ]] || options+=(-no-reboot)
	cat "$kernel/initrd.cpio" "$scratch/add.cpio" >"$scratch/$name.initrd"
	exec setpriv --pdeathsig KILL timeout -s KILL "$MOST_WAITING" setpriv --pdeathsig KILL prlimit --cpu="$MOST_SECONDS" qemu-system-x86_64 \
		-M q35 -cpu max -m 1024 -nodefaults -no-user-config -display none "${options[@]}" \
		-kernel "$kernel/vmlinuz" -initrd "$scratch/$name.initrd" -append "${arguments[*]}" \
		-drive "file=$kernel/root.ext4,if=virtio,format=raw,snapshot=on" \
		-serial "file:$scratch/$name.console" -serial "file:$scratch/$name.results"
}

# tell NAME STATUS: what a machine came to; without its own last line it has failed
tell()
{
	local results=$scratch/$1.results

	echo "== $1: $(($(date +%s) - started)) s since the start"
	tr -d '\r' <"$results" | sed '/^[0-9]* passed, [0-9]* failed$/d' || true
	if [[ "$(tail -n 1 "$results" | tr -d '\r')" =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		passed+=${BASH_REMATCH[1]}
		failed+=${BASH_REMATCH[2]}
	else
		echo "not ok $1: no end, status $2 (137: killed, after $MOST_SECONDS s of a processor or $MOST_WAITING s); the kernel's last words:"
		tail -n 30 "$scratch/$1.console" | sed 's/^/    | /'
		failed+=1
	fi
}

# choose: the lines of MACHINES that are wanted
choose()
{
	local name when rest

	while read -r name when rest; do
		[[ -n "$name" ]] || continue
		[[ " $wanted " == *" $name "* || "$wanted" == --all || ( -z "$wanted" && "$when" == each ) ]] || continue
		echo "$name $rest"
	done <<<"$MACHINES"
}

# run_all: two machines at a time
run_all()
{
	local name kernel part arguments
	local -A pids=()
	local -i status

	while read -r name kernel part arguments; do
		(($(jobs -pr | wc -l) < 2)) || wait -n || true
		# shellcheck disable=SC2086 # words
		boot "$name" "$kernel" "$part" $arguments >"$scratch/$name.console" 2>&1 </dev/null &
		pids[$name]=$!
		order+=("$name")
	done <<<"$chosen"
	for name in "${order[@]}"; do
		status=0
		wait "${pids[$name]}" || status=$?
		tell "$name" "$status"
	done
}

# clean_up: ends the machines, whose memory and disks go with them
# shellcheck disable=SC2317 # called by a trap
clean_up()
{
	local pid

	for pid in $(jobs -pr); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	wait
	rm -rf "$scratch"
}

main()
{
	local wanted=$* chosen
	local -i passed=0 failed=0
	local -a order=() kernels

	chosen=$(choose)
	[[ -n "$chosen" ]] || { echo "tests/vm/run.sh: there is no machine $wanted" >&2; exit 2; }
	mapfile -t kernels < <(cut -d ' ' -f 2 <<<"$chosen" | sort -u)
	tests/vm/image.sh "$IMAGES" "${kernels[@]}" >"$SOURCE_DIR/build/vm-image.log" 2>&1 || {
		tail -n 30 "$SOURCE_DIR/build/vm-image.log"
		echo "tests/vm/run.sh: no image to boot, see above" >&2
		exit 1
	}
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/rangeguard-vm.XXXXXX")
	# qemu's own disk of changes
	export TMPDIR=$scratch
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	pack
	run_all
	echo "$passed passed, $failed failed"
	((failed == 0 && passed > 0))
}

main "$@"
