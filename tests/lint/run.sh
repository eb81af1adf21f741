#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Static checks: format, clang-tidy, cppcheck, shellcheck. The architecture's are ctest's (label lint). All of them run,
# whatever the ones before found; the exit status is 1 if any found something.
#
# Usage: tests/lint/run.sh [BUILD_DIR]   a configured build, for its compile_commands.json; default build/dev
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "${1:-build/dev}")
failed=0

[[ -e "$build/compile_commands.json" ]] || { echo "no $build/compile_commands.json: run cmake --preset dev" >&2; exit 2; }
mapfile -t sources < <(find include ipam plugin tests -name '*.[ch]' | sort)
mapfile -t units < <(sed -nE 's/^ *"file": "(.*)",?$/\1/p' "$build/compile_commands.json" | grep -v verify_interface | sort -u)
mapfile -t scripts < <(grep -rlE '^#!(/usr)?/bin/(env )?(ba)?sh' .ci conf-examples tests | sort)

# check NAME COMMAND…
check()
{
	echo "== $1"
	if ! "${@:2}"; then
		echo "$1 found something" >&2
		failed=1
	fi
}

# A process for each file, on all processors. Clang's analyzer takes ten times as long as all other checks together, and
# twice that in tests, each assertion of which is a branch to it: those run under the sanitizers and valgrind instead. It looks
# at so many states of a function (clang's own limit, three times as many, takes twice as long), on a slow machine at fewer.
# shellcheck disable=SC2317 # check() calls it
tidy()
{
	local tests=$PWD/tests/ unit
	local -i status=0 states=75000

	((${RANGEGUARD_SLOWNESS:-100} <= 200)) || states=30000
	for unit in "${units[@]}"; do
		[[ "$unit" == "$tests"* ]] || printf '%s\0' "$unit"
	done | xargs -0 -n 1 -P "$(nproc)" clang-tidy-14 -p "$build" --quiet \
		--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang "--extra-arg=max-nodes=$states" 2>/dev/null || status=1
	for unit in "${units[@]}"; do
		[[ "$unit" != "$tests"* ]] || printf '%s\0' "$unit"
	done | xargs -0 -n 1 -P "$(nproc)" clang-tidy-14 -p "$build" --quiet '--checks=-clang-analyzer-*' 2>/dev/null || status=1
	return "$status"
}

check clang-format clang-format-14 --dry-run -Werror "${sources[@]}"
check clang-tidy tidy
check cppcheck cppcheck --project="$build/compile_commands.json" --enable=warning,style,performance,portability \
	--std=c11 --library=posix,gnu --inline-suppr --suppressions-list=.cppcheck-suppressions \
	-i"$build" --quiet --error-exitcode=1
check shellcheck shellcheck --external-sources --source-path=SCRIPTDIR "${scripts[@]}"

exit "$failed"
