#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What CHECK, GC and STATUS do in the interface role. The number in a test's name is that of the requirement in
# shared/reference/cni-and-reference-plugins.md, section 2; of these, 44 and 48 are in roles.sh.

# shellcheck source=tests/calls.sh
source "$(dirname "$0")/../calls.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard", "ranges":
	[[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00:9::/64"}]]}}'

set_up()
{
	container c1
	host_state >before
}

# --- CHECK ---

test_r35_check_needs_prev_result()
{
	call ADD "$CONF" >/dev/null
	assert_refuses 7 '^Required prevResult missing' call CHECK "$CONF"
	assert_refuses 7 '^Required prevResult missing' call CHECK "$(conf '.prevResult = null')"
	assert_refuses '6|7' 'prevResult' call CHECK "$(conf '.prevResult = []')"
	assert_refuses '6|7' 'prevResult/ips/0' call CHECK "$(conf '.prevResult = {ips: [{address: "x"}]}')"
}

test_r38_r39_check_right_after_add()
{
	local version result

	for version in 0.4.0 1.0.0 1.1.0; do
		result=$(call ADD "$(conf ".cniVersion = \"$version\"")")
		assert_quiet call CHECK "$(conf ".cniVersion = \"$version\" | .prevResult = $result")"
		assert_quiet call CHECK "$(conf ".cniVersion = \"$version\" | .prevResult = $result | del(.prevResult.cniVersion)")"
		assert_quiet call DEL "$(conf ".cniVersion = \"$version\" | .prevResult = $result")"
		assert_unchanged "$version"
	done
}

test_prev_result_in_another_version()
{
	local result version

	result=$(call ADD "$CONF")
	# The reference library reads both as the same.
	assert_quiet call CHECK "$(conf ".prevResult = $result | .prevResult.cniVersion = \"1.0.0\"")"
	assert_quiet call CHECK "$(conf ".prevResult = $result | .cniVersion = \"1.0.0\"")"
	for version in 0.2.0 0.4.0 9.9.9 x; do
		assert_refuses 7 'prevResult/cniVersion' call CHECK "$(conf ".prevResult = $result
			| .prevResult.cniVersion = \"$version\"")"
	done
	# Old plugins wrote -1 for an interface that they did not know.
	assert_quiet call CHECK "$(conf ".cniVersion = \"0.4.0\" | .prevResult = $result
		| .prevResult.cniVersion = \"0.4.0\" | .prevResult.ips[].interface = -1")"
}

# Rows: what is done to the attachment ($host: its host end), and what the message must tell (HOST, ADDRESS: its own)
test_r37_check_finds_what_is_missing()
{
	local change words result host address

	while IFS='|' read -r change words; do
		result=$(call ADD "$CONF")
		host=$(host_end)
		address=$(jq -r '.ips[0].address | rtrimstr("/32")' <<<"$result")
		assert_quiet call CHECK "$(conf ".prevResult = $result")"
		eval "$change"
		words=${words//HOST/$host}
		words=${words//ADDRESS/$address}
		assert_refuses '105|107' "$words" call CHECK "$(conf ".prevResult = $result")"
		assert_quiet call DEL "$CONF"
		ip route flush dev lo table main
		assert_unchanged "$change"
	done <<-'EOF'
		ip route delete "$address" dev "$host"|route to ADDRESS through HOST
		ip route replace "$address" dev lo|route to ADDRESS through HOST
		ip route replace "$address" dev lo proto 82|route to ADDRESS through HOST
		ip -6 route flush dev "$host" proto 82|route to fd00:9::[0-9a-f]+ through HOST
		ip -n c1 address delete "$address/32" dev eth0|address ADDRESS/32 .*eth0
		ip -n c1 -6 address flush dev eth0 scope global|address fd00:9::[0-9a-f]+/128 .*eth0
		ip -n c1 route delete default|route 0.0.0.0/0 via 169.254.1.1
		ip -n c1 -6 route delete default|route ::/0 via fe80::1
		ip -n c1 link delete eth0|HOST.*eth0.*missing
		ip link delete "$host"|HOST.*eth0.*missing
		ip -n c1 link set eth0 down && ip -n c1 link set eth0 name eth9|(HOST|eth0).*(missing|down|route)
		ip link set "$host" down|HOST.*down
		ip -n c1 link set eth0 address 02:00:00:00:00:77|eth0.*MAC
		result=$(jq -c '.ips[0].address = "10.9.0.250/32"' <<<"$result")|ADDRESS is leased|10.9.0.250
		result=$(jq -c 'del(.ips[0])' <<<"$result")|ADDRESS.*prevResult
	EOF
}

test_r37_check_finds_that_the_lease_is_gone()
{
	local result

	result=$(call ADD "$CONF")
	rm -rf /run/rangeguard
	assert_refuses 105 '^no lease' call CHECK "$(conf ".prevResult = $result")"
}

# prevResult is the final one: a later plugin may have changed the attachment.
test_r36_check_allows_later_changes()
{
	local result

	result=$(call ADD "$CONF")
	ip -n c1 link set eth0 address 02:00:00:00:00:77
	ip -n c1 link set eth0 mtu 1400
	ip -n c1 route add 10.50.0.0/16 via 169.254.1.1 dev eth0 onlink
	assert_quiet call CHECK "$(conf ".prevResult = $result | .prevResult.interfaces[1].mac = \"02:00:00:00:00:77\"
		| .prevResult.interfaces[1].mtu = 1400 | .prevResult.routes += [{dst: \"10.50.0.0/16\"}]
		| .prevResult.interfaces += [{name: \"net9\", mac: \"02:00:00:00:00:99\", sandbox: \"/run/netns/c1\"}]
		| .prevResult.ips += [{address: \"10.99.0.1/24\", interface: 2}]")"
}

# The container sends to the one that it was told, for good
test_r40_check_minds_the_mac_of_the_host_end()
{
	local result

	result=$(call ADD "$CONF")
	ip link set "$(host_end)" address 02:00:00:00:00:88
	assert_refuses 107 'MAC address' call CHECK "$(conf ".prevResult = $result")"
	assert_quiet call DEL "$CONF"
	assert_unchanged "after DEL"
}

# --- GC ---

# attachments: c1 lives and its interface was lost, of c2 only the lease is left, c3 lives; "other" is another network
attachments()
{
	local name

	for name in c2 c3; do
		container "$name"
		add "$name" "$CONF" >/dev/null
	done
	add c1 "$CONF" >/dev/null
	add c1 "$(conf '.name = "other"')" CNI_IFNAME=eth1 >/dev/null
	ip netns delete c2
	ip -n c1 link delete eth0
}

test_r41_r42_r43_gc_by_list()
{
	local filter expected

	while IFS='|' read -r expected filter; do
		attachments
		call GC "$(conf "$filter")" CNI_CONTAINERID= CNI_NETNS= CNI_IFNAME= >stdout 2>stderr ||
			fail "$filter: $(<stdout)"
		assert_empty "$(<stdout)" "$filter: standard output"
		assert_equal "$expected" "$(holders)" "$filter: holders"
		if [[ "$filter" == *c3* ]]; then
			assert_empty "$(<stderr)" "$filter: log"
		else
			assert_matches "$(<stderr)" '^rangeguard: .*c3 eth0 ' "$filter: log"
			assert_equal 1 "$(wc -l <stderr)" "$filter: lines of the log"
		fi
		reset
	done <<-'EOF'
		c1/eth1 c3/eth0|."cni.dev/valid-attachments" = null
		c1/eth1 c3/eth0|."cni.dev/valid-attachments" = []
		c1/eth1 c3/eth0|."cni.dev/attachments" = []
		c1/eth1 c3/eth0|."cni.dev/attachments" = null
		c1/eth1 c3/eth0|."cni.dev/valid-attachments" = [{containerID: "c3", ifname: "eth0"}]
		c1/eth1 c3/eth0|."cni.dev/attachments" = [{containerID: "c3", ifname: "eth0"}, {containerID: "c1", ifname: "eth9"}]
		c1/eth0 c1/eth1 c3/eth0|(."cni.dev/valid-attachments", ."cni.dev/attachments") = [{containerID: "c1", ifname: "eth0"}, {containerID: "c3", ifname: "eth0"}]
		c1/eth1 c2/eth0 c3/eth0|."cni.dev/valid-attachments" = ([range(9998) | {containerID: "unknown-\(.)", ifname: "eth0"}] + [{containerID: "c2", ifname: "eth0"}, {containerID: "c3", ifname: "eth0"}])
	EOF
}

# reset: everything away, as before the attachments
reset()
{
	local name

	for name in c1 c2 c3; do
		call DEL "$CONF" CNI_CONTAINERID="$name"
		[[ ! -e /run/netns/$name ]] || ip netns delete "$name"
	done
	call DEL "$(conf '.name = "other"')" CNI_IFNAME=eth1
	container c1
	assert_unchanged "after DEL of all"
}

test_r43_gc_without_a_usable_list_touches_nothing()
{
	local filter

	attachments
	host_state >with-attachments
	while read -r filter; do
		assert_refuses 7 'cni.dev/.*attachments' call GC "$(conf "$filter")"
		assert_equal "c1/eth0 c1/eth1 c2/eth0 c3/eth0" "$(holders)" "$filter: holders"
		assert_equal "$(<with-attachments)" "$(host_state)" "$filter: host"
	done <<-'EOF'
		.
		."cni.dev/valid-attachment" = []
		."cni.dev/valid-attachments" = {}
		."cni.dev/valid-attachments" = "c1"
		."cni.dev/valid-attachments" = [1]
		."cni.dev/valid-attachments" = [{containerID: "c1"}]
		."cni.dev/valid-attachments" = [{containerID: "c1", ifname: 1}]
		."cni.dev/valid-attachments" = [{ContainerID: "c1", IfName: "eth0"}]
	EOF
}

# Namespace and interface of what is removed may still be there in part; both families go together.
test_r42_gc_removes_what_is_half_there()
{
	local host

	container c2
	call ADD "$CONF" >/dev/null
	host=$(host_end)
	ip -n c1 link set eth0 netns c2
	ip netns delete c1
	assert_quiet call GC "$(conf '."cni.dev/valid-attachments" = []')"
	assert_equal 0 "$(leases)" "leases"
	assert_empty "$(ip -o link show | grep "$host" || true)" "host end"
	container c1
	assert_unchanged "after GC"
}

# between_list_and_lock COMMAND…: GC of nothing valid, which is stopped when it has listed all, before it locks the first
# attachment, and meanwhile the command
between_list_and_lock()
{
	local conf

	conf=$(conf '."cni.dev/valid-attachments" = []')
	RANGEGUARD_REAL=$RANGEGUARD PLUGIN=$PWD/held_up call GC "$conf" 2>log &
	wait_until 10 grep -q 'stopped by SIGSTOP' trace
	"$@"
	kill -CONT "$(find /proc -maxdepth 2 -name exe -lname "$RANGEGUARD" 2>/dev/null | cut -d / -f 3)"
	wait $! || fail "GC: exit status $?: $(<log)"
}

# An attachment that comes again between the walk and its lock is no longer the one that was found.
test_r42_gc_spares_who_comes_again()
{
	cat >held_up <<-'EOT'
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -o trace -e trace=flock -e inject=flock:signal=STOP:when=2 "$RANGEGUARD_REAL"
	EOT
	chmod +x held_up
	call ADD "$CONF" >/dev/null
	ip netns delete c1
	container c1
	: >trace
	between_list_and_lock call ADD "$CONF" >result
	assert_contains "$(<log)" "GC keeps c1" "log"
	assert_equal 2 "$(leases)" "leases"
	assert_quiet call CHECK "$(conf ".prevResult = $(<result)")"
}

# The kernel keeps the container ends of a namespace whose name is gone while a process lives in it: so the host ends stay.
# One that is not ours, in a group of somebody's, stays as well.
test_gc_removes_many_interfaces_in_one_go()
{
	local -i i

	foreign_interface
	ip link set other group 7
	for ((i = 1; i <= 70; i++)); do
		call ADD "$CONF" CNI_CONTAINERID="many$i" CNI_IFNAME="eth$i" >/dev/null
	done
	inside c1 sleep 100000 &
	wait_until 5 pgrep -f '^sleep 100000$'
	ip netns delete c1
	assert_equal 70 "$(host_end | wc -l)" "host ends"
	conf '."cni.dev/valid-attachments" = []' >gc.conf
	env ASAN_OPTIONS=detect_leaks=0 CNI_COMMAND=GC CNI_PATH="$CNI_BIN" strace -qq -e trace=sendto -e abbrev=none -o deletions "$RANGEGUARD" <gc.conf
	assert_equal 2 "$(grep -c RTM_DELLINK deletions)" "deletions that the kernel was asked for"
	assert_equal 0 "$(leases)" "leases"
	assert_empty "$(host_end)" "host ends"
	assert_equal 7 "$(ip -json -d link show other | jq -r ".[].group")" \
		"group of the foreign interface"
}

test_r42_gc_with_no_state()
{
	assert_quiet call GC "$(conf '."cni.dev/valid-attachments" = []')"
	[[ ! -e /run/rangeguard ]] || fail "GC made state"
}

# --- STATUS ---

test_r47_status()
{
	local words filter

	touch file
	echo '{}}' >malformed.json
	assert_quiet call STATUS "$CONF"
	[[ ! -e /run/rangeguard ]] || fail "STATUS made state"
	call ADD "$CONF" >/dev/null
	assert_quiet call STATUS "$CONF"
	while IFS='|' read -r words filter; do
		assert_refuses 50 "$words" call STATUS "$(conf ".guard.strictStatus = true | $filter")"
		assert_quiet call STATUS "$CONF"
	done <<-EOF
		/nowhere|.guard.policies = ["/nowhere"]
		malformed.json|.guard.policies = ["$PWD/malformed.json"]
		$PWD/file|.ipam.dataDir = "$PWD/file"
		owner dba|.guard.reserved = [{cidr: "10.9.0.0/24", owner: "dba"}]
	EOF
	assert_refuses 2 unknown call STATUS "$(conf '.unknown = 1')"
	chmod 0777 /run/rangeguard
	assert_refuses 50 /run/rangeguard call STATUS "$CONF"
}

# A store that ADD would make again from the kernel's state is no reason to say no.
test_r47_status_of_a_damaged_store_agrees_with_add()
{
	call ADD "$CONF" >/dev/null
	head -c 65536 /dev/urandom >/run/rangeguard/leases.mdb
	call STATUS "$CONF" >stdout 2>stderr || fail "STATUS: $(<stdout)"
	assert_empty "$(<stdout)" "standard output"
	assert_succeeds call ADD "$(conf '.ipam.routes = []')" CNI_IFNAME=eth1
}

test_r47_status_of_an_exhausted_pool()
{
	local small

	small=$(conf '.ipam.ranges = [[{subnet: "10.9.0.0/24"}], [{subnet: "10.10.0.0/31"}]] | .ipam.reuseDelay = 0')
	call ADD "$small" >/dev/null
	assert_quiet call STATUS "$small"
	call ADD "$small" CNI_IFNAME=eth1 >/dev/null
	assert_refuses 50 'exhausted.*10\.10\.0\.[01]' call STATUS "$(jq -c '.guard.strictStatus = true' <<<"$small")"
	assert_refuses 101 '10\.10\.0\.[01]' call ADD "$small" CNI_IFNAME=eth2
	call DEL "$small"
	assert_quiet call STATUS "$small"
}

# What the dead hold an ADD takes back, so it would not fail.
test_r47_status_of_a_pool_that_the_dead_hold()
{
	local small

	small=$(conf '.ipam.ranges = [[{subnet: "10.10.0.0/32"}]]')
	call ADD "$small" >/dev/null
	assert_refuses 50 'exhausted' call STATUS "$(jq -c '.guard.strictStatus = true' <<<"$small")"
	ip netns delete c1
	wait_until 5 host_end_is_gone
	assert_quiet call STATUS "$small"
	container c2
	assert_succeeds call ADD "$small" CNI_CONTAINERID=c2 CNI_NETNS="$(netns_path c2)"
}

# host_end_is_gone: the kernel removes it some time after the namespace
host_end_is_gone()
{
	[[ -z "$(host_end)" ]]
}

# Polled every few seconds: it neither takes the write lock nor waits long for it.
test_r49_status_and_locks()
{
	call ADD "$CONF" >/dev/null
	exec 9</run/rangeguard/lock
	flock -s 9
	assert_quiet call STATUS "$CONF"
	flock 9
	assert_refuses '11|50' 'try again' call STATUS "$(conf '.guard.strictStatus = true')"
}

main "$@"
