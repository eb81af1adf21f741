#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Pins, masquerading and antiSpoof over a container's life: CHECK, GC, reclaim, a lost store, a process that is killed
# before any of its system calls.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

ASSIGN=$(jq -c 'del(.snat[0].match) | .snat[0].source = ["192.0.2.30", "2001:db8:f::30"] | .snat[0].assign = "up0"' <<<"$CONF")

# elements: each element of the table as "SET ELEMENT", as nft wants to be told of it
elements()
{
	nft -j list table inet rangeguard | jq -r '.nftables[] | (.set // .map // empty) as $set | $set.elem // [] | .[]
		| (if type == "array" then .[0] else . end) as $key
		| "\($set.name) \(if ($key | type) == "object" then $key.concat | "\"\(.[0])\" . \(.[1])" else $key end)"'
}

# --- CHECK ---

test_check_puts_back_each_missing_element()
{
	local result set element all

	result=$(add c1 "$CONF" "$BILLING") || fail "$result"
	all=$(elements)
	[[ "$(wc -l <<<"$all")" -ge 14 ]] || fail "hardly any elements: $all"
	while read -r set element; do
		nft delete element inet rangeguard "$set" "{ $element }"
		assert_succeeds check c1 "$CONF" "$result" "$BILLING"
		assert_equal "$all" "$(elements)" "after CHECK without $element in $set"
	done <<<"$all"
	del c1 "$CONF" "$BILLING"
	assert_clean
}

# A container that is not pinned must not be: what an earlier holder of its address left would make it somebody else.
test_stale_elements_are_removed()
{
	local set pin

	# A third one keeps the list of destinations alive.
	assert_succeeds add c1 "$CONF" "$BILLING"
	pin=$(elements | awk '$1 ~ /^pin4-/ { print $1 }')
	nft add element inet rangeguard "$pin" '{ 10.9.0.3 : 192.0.2.10 }'
	for set in pinned4 translated4; do
		nft add element inet rangeguard "$set" '{ 10.9.0.3 }'
	done
	forget_sources
	assert_succeeds add c2 "$(jq -c '.ipMasq = false' <<<"$CONF")" CNI_ARGS=IP=10.9.0.3
	inside c2 ping -n -q -c 1 -W "$(scaled 2)" 198.51.100.2 >/dev/null || fail "no answer"
	assert_equal "10.9.0.3 icmp" "$(sources legacy)" "the next holder"
}

# --- GC, reclaim, a lost store ---

# Without the host's route nothing comes back to a container: GC, whoever's it is for, puts it there again.
test_gc_puts_routes_back()
{
	local valid='[{containerID: "c1", ifname: "eth0"}]' end

	assert_succeeds add c1 "$CONF" "$BILLING"
	assert_reaches c1 198.51.100.2 2001:db8:1::2
	end=$(ip -json route show 10.9.0.2 | jq -r '.[0].dev')
	ip route del 10.9.0.2
	ip -6 route del fd09::2
	assert_unreachable c1 198.51.100.2
	assert_succeeds cni GC '' '' '' "$(jq -c '. + {"cni.dev/valid-attachments": '"$valid"'}' <<<"$CONF")"
	assert_reaches c1 198.51.100.2 2001:db8:1::2
	ip link set "$end" down
	ip link set "$end" up
	assert_succeeds cni GC '' '' '' "$(jq -c '. + {"cni.dev/valid-attachments": '"$valid"'}' <<<"$CONF")"
	wait_until 10 inside c1 ping -n -q -c 1 -W 1 2001:db8:1::2
	assert_reaches c1 198.51.100.2 2001:db8:1::2
	del c1 "$CONF" "$BILLING"
	assert_clean
}

test_gc_takes_pins_along()
{
	assert_succeeds add c1 "$ASSIGN"
	assert_succeeds add c2 "$ASSIGN"
	ip netns delete c1
	wait_until 5 sh -c '! ip -o link show | grep -q "alias rangeguard pods c1"'
	assert_succeeds cni GC '' '' '' "$(jq -c '. + {"cni.dev/valid-attachments": [{containerID: "c2", ifname: "eth0"}]}' <<<"$ASSIGN")"
	assert_empty "$(elements | grep -E '10\.9\.0\.2|fd09::2' || true)" "elements of c1"
	assert_reaches c2 198.51.100.2
	ip netns delete c2
	assert_succeeds cni GC '' '' '' "$(jq -c '. + {"cni.dev/valid-attachments": []}' <<<"$ASSIGN")"
	assert_clean
}

test_reclaim_takes_pins_along()
{
	local conf

	# One address: the second container needs that of the first, which nobody deleted.
	conf=$(jq -c '.ipam.ranges[0][0].rangeEnd = "10.9.0.2" | .ipam.ranges[1][0].rangeEnd = "fd09::2"' <<<"$CONF")
	assert_succeeds add c1 "$conf" "$BILLING"
	ip netns delete c1
	wait_until 5 sh -c '! ip -o link show | grep -q "alias rangeguard pods c1"'
	assert_succeeds add c2 "$conf"
	forget_sources
	talk c2
	assert_equal "$MASQUERADED_ALL_LEGACY" "$(sources legacy)" "the next holder, which is not pinned"
	assert_succeeds del c2 "$conf"
	assert_clean
}

# The store is gone, the containers live: their elements, too, and DEL finds them.
test_lost_store()
{
	assert_succeeds add c1 "$CONF" "$BILLING"
	assert_succeeds add c2 "$CONF" "$BILLING"
	rm -rf /run/rangeguard
	talk c1
	assert_succeeds add c3 "$CONF" "$BILLING"
	talk c1
	talk c3
	assert_equal "$PINNED_ALL" "$(sources legacy)" "sources at the legacy service"
	for name in c1 c2 c3; do
		del "$name" "$CONF" "$BILLING"
	done
	assert_empty "$(elements | grep -E '10\.9\.0\.|fd09::' || true)" "elements"
}

# --- Killed ---

# traced OPTIONS VERB NAME: the plugin under strace
traced()
{
	cat >traced <<-EOF
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -o trace $1 "$RANGEGUARD"
	EOF
	chmod +x traced
	PLUGIN=$PWD/traced "$2" "$3" "$ASSIGN"
}

# list_points: what the last trace did from main()'s poll(2) on, as "CALL NUMBER"
list_points()
{
	awk 'match($0, /^[a-z_0-9]+\(/) { call = substr($0, 1, RLENGTH - 1); number[call]++; if (call == "poll") begun = 1
		if (begun && call !~ /^(mmap|munmap|brk|close|fcntl|rt_sigaction|clock_nanosleep|exit_group)$/) print call, number[call] }' trace
}

# A killed ADD leaves nothing that DEL does not remove, and pins nobody.
test_killed_in_add()
{
	local call number
	local -i tried=0

	traced "" add c1 >/dev/null
	list_points >points
	del c1 "$ASSIGN"
	[[ "$(wc -l <points)" -gt 40 ]] || fail "hardly any system calls: $(<points)"
	begin_sample
	while read -r call number; do
		! sample_is_over "$tried" 16 || break
		tried+=1
		# One that was not reached is an ADD like others.
		traced "-e trace=$call -e inject=$call:signal=KILL:when=$number" add c1 >/dev/null 2>&1 || true
		del c1 "$ASSIGN" || fail "DEL after $call $number"
		(assert_clean) || fail "killed in $call $number"
	done < <(shuffled points)
	note "killed: $tried of $(wc -l <points) calls, RANGEGUARD_SEED=$RANGEGUARD_SEED"
	assert_succeeds add c1 "$ASSIGN"
	talk c1
}

# A killed DEL is done by the next one.
test_killed_in_del()
{
	local call number
	local -i tried=0

	assert_succeeds add c1 "$ASSIGN"
	traced "" del c1
	list_points >points
	[[ "$(wc -l <points)" -gt 40 ]] || fail "hardly any system calls: $(<points)"
	begin_sample
	while read -r call number; do
		! sample_is_over "$tried" 16 || break
		tried+=1
		assert_succeeds add c1 "$ASSIGN"
		traced "-e trace=$call -e inject=$call:signal=KILL:when=$number" del c1 >/dev/null 2>&1 || true
		del c1 "$ASSIGN" || fail "DEL after $call $number"
		(assert_clean) || fail "killed in $call $number"
	done < <(shuffled points)
	note "killed: $tried of $(wc -l <points) calls, RANGEGUARD_SEED=$RANGEGUARD_SEED"
}

# --- What containers may not send ---

# send_icmp6 NAME BYTES: an ICMPv6 message to all nodes, from the container's own address; the kernel adds the checksum
send_icmp6()
{
	# shellcheck disable=SC2059 # the bytes are a format
	printf "$2" | inside "$1" socat -u - "IP6-SENDTO:[ff02::1%eth0]:58"
}

# count_them: what gets past antiSpoof is counted from now on
count_them()
{
	nft -f - <<-'EOF'
		table inet counted
		delete table inet counted
		table inet counted {
			chain pre {
				type filter hook prerouting priority raw + 10; policy accept;
				icmpv6 type nd-router-advert counter
				icmpv6 type nd-redirect counter
				icmp type redirect counter
				icmpv6 type nd-neighbor-solicit ip6 saddr :: counter comment "dad"
			}
		}
	EOF
}

# arrived: how many kinds of them have
arrived()
{
	nft list table inet counted | grep -v dad | grep -c 'counter packets [1-9]' || true
}

# send_all NAME: a router advertisement, a redirect, an IPv4 redirect
send_all()
{
	send_icmp6 "$1" '\x86\0\0\0\x40\0\x07\x08\0\0\0\0\0\0\0\0'
	send_icmp6 "$1" '\x89\0\0\0\0\0\0\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\1'
	printf '\x05\x01\0\0\x0a\x09\0\x02\x45\0\0\x1c\0\0\0\0\x40\x11\0\0\x0a\x09\0\x02\xc6\x33\x64\x02\0\x07\0\x07\0\x08\0\0' |
		inside "$1" socat -u - "IP4-SENDTO:$HOST_IPV4:1"
}

test_router_advertisements_and_redirects()
{
	local conf own

	conf=$(jq -c '.antiSpoof = false' <<<"$CONF")
	assert_succeeds add c1 "$conf"
	count_them
	send_all c1
	assert_equal 3 "$(arrived)" "arrived without antiSpoof: $(nft list table inet counted)"
	del c1 "$conf"
	assert_succeeds add c1 "$CONF"
	count_them
	send_all c1
	assert_equal 0 "$(arrived)" "arrived with antiSpoof: $(nft list table inet counted)"
	# Duplicate address detection goes through for its own address, for no other.
	ip -n c1 address add fd09::77/128 dev eth0
	wait_until 5 sh -c '! ip -n c1 -6 address show tentative | grep -q inet6'
	assert_contains "$(nft list table inet counted | grep dad)" "packets 0 " "detection for another's address"
	own=$(ip -n c1 -json -6 address show dev eth0 scope global | jq -r '.[].addr_info[] | select(.local // "" | test("^fd09::[0-9a-f]$")).local')
	ip -n c1 address del "$own/128" dev eth0
	ip -n c1 address add "$own/128" dev eth0
	wait_until 5 sh -c 'nft list table inet counted | grep dad | grep -q "packets [1-9]"'
}

# A transaction that the kernel refuses makes it wait for a grace period (__nf_tables_abort()), tens of milliseconds: no ADD sends
# one, neither the host's first nor the first with certain destinations, whatever is there already and whatever was there before.
test_no_add_is_refused_a_transaction()
{
	local conf name

	conf=$(jq -c '.snat[0].destinations = ["203.0.113.0/24"]' <<<"$CONF")
	for name in "c1 $CONF" "c2 $CONF" "c3 $conf" "del $conf" "c3 $conf"; do
		if [[ "$name" == del* ]]; then
			del c3 "$conf"
			continue
		fi
		ASAN_OPTIONS=detect_leaks=0 CNI_COMMAND=ADD CNI_CONTAINERID=${name%% *} CNI_NETNS=/run/netns/${name%% *} CNI_IFNAME=eth0 \
			CNI_PATH=$CNI_BIN CNI_ARGS=${BILLING#*=} strace -f -qq -e trace=sendto,recvfrom -o trace "$RANGEGUARD" \
			<<<"${name#* }" >out 2>&1 || fail "ADD of ${name%% *}: $(<out)"
		assert_contains "$(<trace)" NFNL_MSG_BATCH_BEGIN "transactions of ${name%% *}"
		assert_empty "$(grep -E 'error=-E[A-Z]+, msg=.*(NFT_MSG_NEW|NFT_MSG_DEL|BATCH)' trace || true)" "refused transactions of ${name%% *}"
	done
}

main "$@"
