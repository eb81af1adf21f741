#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two starts of one machine, whose dataDir is on its disk: what the first one left is void in the second one, and nobody
# has to clean up. A machine that restarts has no containers any more.

# shellcheck source=tests/lib.sh
source /work/tests/lib.sh

DATA=/var/spool/rangeguard
MARK=/var/spool/before
CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipMasq": true,
	"ipam": {"type": "rangeguard", "dataDir": "'$DATA'", "ranges": [[{"subnet": "10.9.0.0/30"}], [{"subnet": "fd00:9::/126"}]]},
	"snat": [{"name": "mainframe", "source": ["192.0.2.10", "2001:db8:ffff::10"],
		"destinations": ["198.51.100.0/25", "2001:db8:aaaa::/64"]}]}'

# leases_on_disk: how many `list` shows of that dataDir
leases_on_disk()
{
	"$RANGEGUARD" list --data-dir "$DATA" --format json | jq '[.. | objects | select(has("address"))] | length'
}

# host: what each start of the machine sets up
host()
{
	uplink
	ip address add 192.0.2.10/32 dev lo
	ip address add 2001:db8:ffff::10/128 dev lo nodad
	ip -n world route add 2001:db8:ffff::10 via 2001:db8:aaaa::1
}

# before: two containers, which is all that the pool has room for
before()
{
	host_ns_setup
	host
	container c1
	container c2
	assert_succeeds add c1 "$CONF"
	assert_succeeds add c2 "$CONF"
	assert_equal 4 "$(leases_on_disk)" "leases before the reboot"
	cp /proc/sys/kernel/random/boot_id "$MARK"
}

test_state_of_an_earlier_boot_is_void()
{
	local result

	[[ "$(</proc/sys/kernel/random/boot_id)" != "$(<"$MARK")" ]] || fail "the same boot"
	host
	assert_equal 0 "$(leases_on_disk)" "leases after the reboot"
	# What a runtime does that knows of the dead: DEL without a namespace
	assert_succeeds cni DEL c1 "" eth0 "$CONF"
	assert_empty "$output" "DEL of what the reboot ended"
	container c3
	container c4
	for name in c3 c4; do
		result=$(add "$name" "$CONF") || fail "ADD of $name after the reboot: $result"
		assert_json "$result" '.ips | length == 2' "addresses of $name"
		assert_succeeds check "$name" "$CONF" "$result"
	done
	assert_reaches c3 198.51.100.254 2001:db8:aaaa::fe
	del c3 "$CONF"
	del c4 "$CONF"
	assert_equal 0 "$(leases_on_disk)" "leases at the end"
}

if [[ ! -e "$MARK" ]]; then
	echo "# before the reboot"
	cd /run || exit
	before
	exit 99
fi
main "$@"
