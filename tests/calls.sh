#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests of the protocol, the verbs and the roles share, on top of lib.sh. They keep the configuration in $CONF
# and the host's state before the test, which assert_unchanged compares with, in the file "before".

# shellcheck source=tests/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSIONS='["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]'

# conf FILTER: the configuration, $CONF of the script, changed by a jq filter
# shellcheck disable=SC2153
conf()
{
	jq -c "$1" <<<"$CONF"
}

# plugin NAME=VALUE…: the plugin with no other CNI variables than these, and the caller's standard streams
plugin()
{
	env -u CNI_COMMAND -u CNI_CONTAINERID -u CNI_NETNS -u CNI_IFNAME -u CNI_ARGS -u CNI_PATH "$@" "$RANGEGUARD"
}

# call VERB CONF [NAME=VALUE…]: the plugin with all variables, for eth0 of container c1, those named replaced
call()
{
	cni "$1" c1 "$(netns_path c1)" eth0 "${@:2}"
}

# host_end: names of the interfaces of ours on the host
host_end()
{
	ip -json link show | jq -r '.[].ifname | select(startswith("rg"))'
}

# holders: containers and interfaces that hold leases
holders()
{
	"$RANGEGUARD" list --format json | jq -r '[.. | objects | select(has("address")) | .containerID + "/" + .ifname]
		| unique | join(" ")'
}

# foreign_interface: one on the host, named other, that is not ours; nothing of it will change host_state later
foreign_interface()
{
	ip link add other type veth peer name peer
	ip link set other addrgenmode none
	ip link set peer addrgenmode none
	ip link set peer up
	ip link set other up
}

# wait_for_kernel_routes NAME…: to multicast, of these containers and the host ends; the kernel adds them once it has
# noticed the carrier, which may be after ADD has returned
wait_for_kernel_routes()
{
	local name

	for name in "$@"; do
		wait_until 5 eval "ip -n $name -6 route show table local type multicast dev eth0 | grep -q ."
	done
	for name in $(host_end); do
		wait_until 5 eval "ip -6 route show table local type multicast dev $name | grep -q ."
	done
}

# host_is_unchanged: it is as it was before the test
host_is_unchanged()
{
	[[ "$(<before)" == "$(host_state)" ]]
}

# assert_unchanged WHAT: no link, address, route or lease came to be
assert_unchanged()
{
	host_is_unchanged || fail "$1: the host: $(diff before <(host_state))"
	assert_equal lo "$(ip -n c1 -json link show | jq -r '.[].ifname')" "$1: interfaces of c1"
	assert_equal 0 "$(leases)" "$1: leases"
}

# assert_refuses CODE REGEX COMMAND…: exit status 1 and exactly one document on standard output, a CNI error of that
# code (CODE|CODE: either), whose "msg / details" match
assert_refuses()
{
	local -i status=0
	local words=${*:3} summary

	words=${words//$'\n'/ }
	words=${words:0:300}
	"${@:3}" >stdout 2>stderr || status=$?
	iconv -f UTF-8 -t UTF-8 stdout >/dev/null || fail "$words: not UTF-8: $(od -An -c stdout | head -n 5)"
	summary=$(jq -rs '"\(length) \(.[0].code) \(.[0].cniVersion) \(.[0].msg) / \(.[0].details // "")"' stdout) ||
		fail "$words: no JSON: '$(head -c 1000 stdout)'"
	assert_equal 1 "$status" "$words: exit status, with $summary"
	assert_equal 1 "${summary%% *}" "$words: documents on standard output, $summary"
	summary=${summary#* }
	assert_contains "|$1|" "|${summary%% *}|" "$words: code, of $summary"
	summary=${summary#* }
	assert_contains "$VERSIONS" "\"${summary%% *}\"" "$words: cniVersion"
	assert_matches "${summary#* }" "$2" "$words"
}

# assert_quiet COMMAND…: succeeds and says nothing at all
assert_quiet()
{
	local words=${*//$'\n'/ }

	words=${words:0:300}
	"$@" >stdout 2>stderr || fail "$words: exit status $?: $(cat stdout stderr)"
	assert_empty "$(cat stdout stderr)" "$words: output"
}
