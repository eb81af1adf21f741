#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# valgrind finds no leak and no invalid access in the verbs and commands, whether they succeed or are refused.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

CONF='{"cniVersion": "1.0.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
	"ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00:9::/64"}]]}}'
RESERVED='{"reserved": [{"cidr": "10.9.0.0/16", "owner": "db-platform", "reason": "Oracle RAC", "ref": "NET-1042"}]}'
FOUND=99

# set_up: a plugin that exits with $FOUND if valgrind has something to say. A release leaves its memory to the kernel,
# so the plugin must be a debug build; what the libraries' constructors allocated is still there at its end.
set_up()
{
	cat >constructors.supp <<-EOF
		{
		   constructors
		   Memcheck:Leak
		   match-leak-kinds: reachable,possible
		   fun:*alloc
		   ...
		   fun:call_init*
		}
	EOF
	cat >plugin <<-EOF
		#!/bin/sh
		exec valgrind -q --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all --track-fds=no \\
			--suppressions=$PWD/constructors.supp \\
			--error-exitcode=$FOUND "$RANGEGUARD" "\$@"
	EOF
	chmod +x plugin
	PLUGIN=$PWD/plugin
	container c1
}

# assert_clean STATUS COMMAND…: exits with STATUS; what it prints is left in $output
assert_clean()
{
	local -i status=0

	output=$("${@:2}") || status=$?
	((status != FOUND)) || fail "valgrind (see the log): ${*:2}"
	assert_equal "$1" "$status" "exit status of ${*:2}: $output"
}

test_verbs_leak_nothing()
{
	assert_clean 0 add c1 "$CONF"
	assert_clean 0 check c1 "$CONF" "$output"
	assert_clean 0 cni STATUS "" "" "" "$(jq '.cniVersion = "1.1.0"' <<<"$CONF")"
	assert_clean 0 cni VERSION "" "" "" '{"cniVersion": "1.0.0"}'
	assert_clean 0 del c1 "$CONF"
	assert_clean 0 cni GC "" "" "" "$(jq '.cniVersion = "1.1.0" | .["cni.dev/valid-attachments"] = []' <<<"$CONF")"
	assert_nothing_left
}

test_refusals_leak_nothing()
{
	assert_clean 1 add c1 '{"cniVersion": "1.0.0", "name": "pods", "type": "rangeguard", "ipam": {'
	assert_clean 1 add c1 "$(jq '.unknown = 1' <<<"$CONF")"
	assert_clean 1 add c1 "$(jq --argjson guard "$RESERVED" '.guard = $guard' <<<"$CONF")"
	assert_refused 100 "$output" "ADD from a reserved range"
	assert_clean 1 cni ADD c1 /run/netns/absent eth0 "$CONF"
	assert_nothing_left
}

test_commands_leak_nothing()
{
	echo "$RESERVED" >policy.json
	echo "$CONF" >pods.conf
	assert_clean 1 "$PLUGIN" validate --policy policy.json --format json pods.conf
	assert_clean 0 "$PLUGIN" validate pods.conf
	assert_clean 0 add c1 "$CONF"
	assert_clean 0 "$PLUGIN" list --format json
	assert_clean 0 "$PLUGIN" version
	assert_clean 2 "$PLUGIN" nonsense
}

main "$@"
