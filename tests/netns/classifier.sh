#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The classifier by itself: what it says to crafted frames, and where it is kept. What it does to containers: enforce_*.sh.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

# The release build has no test programs: that of the dev build, unless the plugin's own build has one
FRAMES=$(dirname "$RANGEGUARD")/tests/netns/classifier_frames
[[ -x "$FRAMES" ]] || FRAMES=$SOURCE_DIR/build/dev/tests/netns/classifier_frames

# kept: names of the programs that are kept
kept()
{
	find /sys/fs/bpf/rangeguard -type f -name 'classifier-*' -printf "%P\n"
}

test_frames()
{
	"$FRAMES" >out || fail "$(grep '^not ok' out)"
	assert_matches "$(tail -n 1 out)" '^([6-9][0-9]|1[0-9][0-9]) passed, 0 failed$' "frames"
}

# The second one finds what the first one loaded.
test_kept_by_name()
{
	local inode first

	"$FRAMES" >/dev/null || fail "first run"
	inode=$(stat -L -c %i /proc/self/ns/net)
	first=$(kept)
	assert_matches "$first" "^$inode/classifier-[0-9a-f]{16}\$" "name"
	"$FRAMES" >/dev/null || fail "second run"
	assert_equal "$first" "$(kept)" "names after the second run"
	assert_equal 1 "$(findmnt -n -t bpf | wc -l)" "mounts of bpffs"
	assert_equal "$inode/deadlines-0000000000000000" "$(find /sys/fs/bpf/rangeguard -type f -name 'd*' -printf '%P\n')" \
		"the map of deadlines, which programs of all versions share"
}

# Each network namespace has its own indices of interfaces, hence its own map.
test_another_namespace()
{
	container c1
	"$FRAMES" >/dev/null || fail "the first namespace"
	inside c1 "$FRAMES" >/dev/null || fail "the second namespace"
	assert_equal 2 "$(kept | wc -l)" "names"
}

# Where no name can be had, it works all the same, and says so.
test_without_a_name()
{
	mount -t tmpfs -o ro tmpfs /sys/fs
	"$FRAMES" >out 2>err || fail "$(grep '^not ok' out)"
	assert_contains "$(<err)" "the classifier can't be pinned" "what it says"
}

# 16 at once, while there is nothing yet: one mount, one name
test_many_at_once()
{
	local -i i

	for ((i = 0; i < 16; i++)); do
		inside_or_die &
	done
	wait
	assert_equal 0 "$(find . -name 'failed-*' | wc -l)" "failed"
	assert_equal 1 "$(findmnt -n -t bpf | wc -l)" "mounts of bpffs"
	assert_equal 1 "$(kept | wc -l)" "names: $(kept; findmnt -t bpf)"
}

# inside_or_die: one of them
inside_or_die()
{
	if "$FRAMES" 2>&1 >/dev/null | grep .; then
		touch "failed-$BASHPID"
	fi
}

main "$@"
