#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each way in which pins and antiSpoof once gave way. What counts is what the legacy service sees, which writes down each
# source of each packet before anything else looks at it. The kinds behind these cases, in any order and mixed: enforce_random.sh.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

# assert_no_stranger WHAT: whatever the legacy service saw came with the pin's sources
assert_no_stranger()
{
	assert_only_lines "$1: sources at the legacy service beside the pin's" '^(192\.0\.2\.10|2001:db8:ffff::10) ' sources legacy
}

# assert_closed WHAT NAME…: nothing of these containers arrives there
assert_closed()
{
	local what=$1 name

	forget_sources
	for name in "${@:2}"; do
		knock "$name"
		for address in 198.51.100.2 2001:db8:1::2; do
			inside "$name" ping -n -q -c 1 -W "$(briefly)" "$address" >/dev/null 2>&1 || true
		done
	done
	assert_empty "$(sources legacy)" "$what: seen at the legacy service"
}

# pinned NAME [NAME=VALUE…]: a pinned container of the interface role
pinned()
{
	add "$1" "$CONF" "$BILLING" "${@:2}" >"result-$1" || fail "ADD of $1: $(<"result-$1")"
}

# datagrams NAME [ADDRESS]: two, from port 5000 to port 9 of the legacy service, so that they are of one flow each time
datagrams()
{
	local i

	for i in 1 2; do
		inside "$1" socat -u - "UDP4-DATAGRAM:198.51.100.2:9,bind=${2-}:5000" <<<"$i" || true
	done
}

# ptp_list PLUGIN…: a list of ptp with host-local, which has one address to give, and more plugins
ptp_list()
{
	jq -nc --argjson more "[$(IFS=,; echo "$*")]" '{cniVersion: "1.0.0", name: "chain", plugins: ([{type: "ptp",
		ipam: {type: "host-local", ranges: [[{subnet: "10.8.0.0/24", rangeStart: "10.8.0.5", rangeEnd: "10.8.0.5"}]],
			routes: [{dst: "0.0.0.0/0"}]}}] + $more)}'
}

# Case 0. Three pods with different pins at once, while there is no table
test_three_at_once_from_nothing()
{
	local conf name i
	local -a jobs

	conf=$(jq -c '.snat = [range(3) as $i | {name: "pin\($i)", match: {pod: "c\($i + 1)"}, source: ["192.0.2.10"],
		destinations: ["198.51.100.0/\(24 + $i)"]}] | del(.ipMasq)' <<<"$CONF")
	for i in 1 2 3 4; do
		jobs=()
		for name in c1 c2 c3; do
			answer_in "result-$name" add "$name" "$conf" "CNI_ARGS=K8S_POD_NAMESPACE=x;K8S_POD_NAME=$name" 2>/dev/null &
			jobs+=($!)
		done
		for name in "${jobs[@]}"; do
			wait "$name" || fail "ADD in round $i: $(cat result-*)"
		done
		assert_equal 3 "$(ip route show table 29287 | grep -c prohibit)" "prohibit routes in round $i"
		nft flush ruleset
		forget_sources
		for name in c1 c2 c3; do
			datagrams "$name"
		done
		assert_empty "$(sources legacy)" "after a flush in round $i"
		for name in c1 c2 c3; do
			del "$name" "$conf"
		done
	done
}

# Case 1. The flow of an earlier holder of the address, which had no pin, behind ptp
test_flow_of_an_earlier_holder()
{
	pinned c3
	chain ADD c1 "$(ptp_list '{"type": "rangeguard"}')" >/dev/null || fail "ADD of c1"
	datagrams c1
	assert_equal 10.8.0.5 "$(sources legacy | sed -n 's/ udp$//p')" "the first holder, which has no pin"
	chain DEL c1 "$(ptp_list '{"type": "rangeguard"}')"
	chain ADD c2 "$(ptp_list "$CHAINED")" >/dev/null || fail "ADD of c2"
	forget_sources
	datagrams c2
	assert_equal "192.0.2.10 udp" "$(sources legacy)" "the next holder"
}

# Case 2. Its own flow, from before it had a pin
test_flow_from_before_the_pin()
{
	local result

	pinned c3
	result=$(chain ADD c1 "$(ptp_list)") || fail "ADD of ptp"
	datagrams c1
	assert_contains "$(sources legacy)" "10.8.0.5 udp" "before the pin"
	forget_sources
	assert_succeeds add c1 "$(jq -c --argjson result "$result" '. + {cniVersion: "1.0.0", name: "chain", prevResult: $result}' <<<"$CHAINED")"
	datagrams c1
	assert_equal "192.0.2.10 udp" "$(sources legacy)" "afterwards"
}

# Case 3. The flow of an earlier holder without pin and antiSpoof, in the interface role
test_flow_of_an_earlier_holder_without_anti_spoof()
{
	pinned c3
	assert_succeeds add c1 "$(jq -c 'del(.snat, .ipMasq) | .antiSpoof = false' <<<"$CONF")" CNI_ARGS=IP=10.9.0.77
	datagrams c1
	assert_contains "$(sources legacy)" "10.9.0.77 udp" "the first holder"
	del c1 "$CONF"
	forget_sources
	pinned c2 "CNI_ARGS=K8S_POD_NAMESPACE=billing;K8S_POD_NAME=api-7;IP=10.9.0.77"
	datagrams c2
	assert_equal "192.0.2.10 udp" "$(sources legacy)" "the next holder"
}

# host_end NAME: the host's interface towards a container
host_end()
{
	ip -json link show | jq -r --arg alias "rangeguard pods $1 eth0" '.[] | select(.ifalias == $alias) | .ifname'
}

# Case 4. One object gone; CHECK and an ADD put it back, so that the next one that goes opens nothing
test_one_object_and_then_the_ruleset()
{
	local object

	for object in rule routes qdisc backstop; do
		pinned c1
		pinned c2
		case $object in
		rule)
			ip rule del fwmark 0x200000/0x200000 lookup 29287
			ip -6 rule del fwmark 0x200000/0x200000 lookup 29287
			;;
		routes)
			ip route flush table 29287
			ip -6 route flush table 29287
			;;
		qdisc) tc qdisc del dev "$(host_end c1)" clsact ;;
		backstop) nft delete table inet rangeguard-backstop ;;
		esac
		assert_succeeds check c1 "$CONF" "$(<result-c1)" "$BILLING"
		pinned c3
		forget_sources
		assert_reaches c1 198.51.100.2 2001:db8:1::2
		assert_no_stranger "$object is back"
		nft flush ruleset
		assert_closed "$object, CHECK, ADD, flush" c1 c2 c3
		for name in c1 c2 c3; do
			del "$name" "$CONF"
		done
		assert_clean
	done
}

# grouped ROLE: an ADD of c1
grouped()
{
	case $1 in
	pinned) pinned c1 ;;
	plain) add c1 "$CONF" >result-c1 || fail "ADD: $(<result-c1)" ;;
	chained) chain ADD c1 "$list" >result-c1 || fail "ADD: $(<result-c1)" ;;
	esac
}

# mend_group VERB ROLE
mend_group()
{
	case $1-$2 in
	GC-*) cni GC "" "" "" "$(jq -c '.name = "other" | .ipam.ranges = [[{subnet: "10.99.0.0/24"}]]
		| .["cni.dev/valid-attachments"] = []' <<<"$CONF")" ;;
	CHECK-chained) chain CHECK c1 "$list" ;;
	CHECK-pinned) check c1 "$CONF" "$(<result-c1)" "$BILLING" ;;
	CHECK-plain) check c1 "$CONF" "$(<result-c1)" ;;
	esac
}

# The tables know by its group an interface whose packets must be guarded: it comes back, whoever took it (systemd-networkd's
# Group= does), in every role, so that the qdisc that goes then opens nothing.
test_group_of_an_interface()
{
	local verb role interface list

	list='{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp", "ipam": {"type": "host-local",
		"ranges": [[{"subnet": "10.9.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}, {"type": "rangeguard"}]}'
	for role in pinned plain chained; do
		for verb in CHECK GC; do
			grouped "$role"
			interface=$(jq -r '.interfaces[0].name' result-c1)
			ip link set "$interface" group default
			assert_succeeds mend_group "$verb" "$role"
			assert_matches "$(ip -o link show "$interface")" " group $([[ "$role" == pinned ]] && echo 83 || echo 82) " "$role, $verb"
			[[ "$role" == chained ]] || tc qdisc del dev "$interface" clsact
			ip -n c1 address add 10.9.0.77/32 dev eth0
			forget_sources
			inside c1 ping -n -q -c 1 -W "$(briefly)" -I 10.9.0.77 198.51.100.2 >/dev/null 2>&1 || true
			assert_empty "$(sources legacy)" "$role, $verb, qdisc deleted"
			if [[ "$role" == chained ]]; then
				chain DEL c1 "$list"
			else
				del c1 "$CONF"
			fi
		done
	done
}

# Case 5. Policy rules of others before the fence
test_policy_rules_of_others()
{
	pinned c1
	ip rule add pref 10 from 10.9.0.0/24 lookup main
	ip rule add pref 0 from 10.9.0.0/24 lookup main
	ip -6 rule add pref 10 from fd09::/64 lookup main
	nft flush ruleset
	assert_closed "behind another's rule" c1
}

# Case 6. A masquerade rule that a thousand hand-written firewalls have, at any priority
test_masquerade_of_others()
{
	local priority

	for priority in -199 -150 0 90 100 300; do
		nft "table inet others { chain post { type nat hook postrouting priority $priority; policy accept; masquerade; }; }"
		pinned c1
		forget_sources
		assert_reaches c1 198.51.100.2 2001:db8:1::2
		knock c1
		assert_no_stranger "masquerade at $priority"
		# Without the pins' own chain there is the others' only.
		nft flush chain inet rangeguard pins
		forget_sources
		assert_closed "masquerade at $priority, pins flushed" c1
		nft delete table inet others
		del c1 "$CONF"
	done
}

# Case 7. Two state directories
test_two_state_directories()
{
	local other

	other=$(jq -c '.name = "others" | .ipam.dataDir = "/run/others" | .ipam.ranges = [[{subnet: "10.10.0.0/24"}], [{subnet: "fd10::/64"}]]
		| .snat[0].source = ["192.0.2.11"] | .snat[0].destinations = ["198.51.100.2/32"]' <<<"$CONF")
	ip address add 192.0.2.11/32 dev lo
	pinned c1
	add c2 "$other" "$BILLING" >result-c2 || fail "ADD of c2: $(<result-c2)"
	nft flush ruleset
	pinned c3
	forget_sources
	# Whatever c2 says of itself, it is nobody else.
	ip -n c2 address add 10.9.0.2/32 dev eth0
	datagrams c2 10.9.0.2
	assert_empty "$(sources legacy)" "c2 in c1's name"
	datagrams c2
	assert_equal "192.0.2.11 udp" "$(sources legacy)" "c2 after an ADD in the other directory"
	assert_succeeds check c2 "$other" "$(<result-c2)" "$BILLING"
	# The end of the last one of a directory takes nothing from the other's.
	del c1 "$CONF"
	del c3 "$CONF"
	forget_sources
	datagrams c2
	assert_equal "192.0.2.11 udp" "$(sources legacy)" "c2 when the other directory is empty"
	nft flush ruleset
	forget_sources
	datagrams c2
	assert_empty "$(sources legacy)" "c2 after another flush"
	assert_succeeds del c2 "$other"
	assert_empty "$output" "what DEL says"
}

# Case 8. The store is lost, and the ruleset
test_lost_store_and_flush()
{
	pinned c1
	rm -rf /run/rangeguard
	nft flush ruleset
	pinned c3
	ip -n c1 address add "$(jq -r '.ips[0].address' result-c3)" dev eth0
	forget_sources
	datagrams c1 "$(jq -r '.ips[0].address | sub("/.*"; "")' result-c3)"
	assert_empty "$(sources legacy)" "c1 in c3's name"
	assert_closed "c1, whose lease is lost" c1
	datagrams c3
	assert_equal "192.0.2.10 udp" "$(sources legacy)" "c3"
}

# Case 9. antiSpoof in the chained role, where no pin matches
test_chained_without_a_pin_is_guarded()
{
	pinned c3
	chain ADD c1 "$(ptp_list '{"type": "rangeguard"}')" >/dev/null || fail "ADD of c1"
	datagrams c1
	assert_equal "10.8.0.5 udp" "$(sources legacy)" "its own source"
	ip -n c1 address add 198.51.100.77/32 dev eth0
	ip -n c1 address add 10.9.0.2/32 dev eth0
	forget_sources
	datagrams c1 198.51.100.77
	datagrams c1 10.9.0.2
	assert_empty "$(sources legacy)" "forged sources behind ptp"
	# A request in the legacy service's name would make c3 answer to it.
	inside c1 socat -u - "UDP4-DATAGRAM:10.9.0.2:9,sourceport=9,bind=198.51.100.77:9" <<<x || true
	assert_empty "$(sources legacy)" "what the neighbour answered"
}

# Case 10. Behind a bridge, where the host sees the bridge only
test_ports_of_a_bridge()
{
	local list

	list='{"cniVersion": "1.0.0", "name": "chain", "plugins": [{"type": "bridge", "bridge": "br0", "isGateway": true,
		"ipam": {"type": "host-local", "ranges": [[{"subnet": "10.8.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}, '$CHAINED']}'
	chain ADD c1 "$list" >/dev/null || fail "ADD of c1"
	chain ADD c2 "$list" >/dev/null || fail "ADD of c2"
	ip -n c1 address add 198.51.100.77/32 dev eth0
	ip -n c1 address add 10.8.0.3/32 dev eth0
	ip -n c1 address add 192.0.2.10/32 dev eth0
	for source in 198.51.100.77 10.8.0.3 192.0.2.10; do
		datagrams c1 "$source"
	done
	assert_empty "$(sources legacy)" "forged sources"
	datagrams c1
	datagrams c2
	assert_equal "192.0.2.10 udp" "$(sources legacy)" "own sources"
	nft flush ruleset
	assert_closed "behind a bridge" c1 c2
}

# Case 11. A chained DEL while the container runs, of the last one that is pinned
test_chained_del_of_a_running_container()
{
	local list

	list=$(ptp_list "$CHAINED")
	chain ADD c1 "$list" >/dev/null || fail "ADD"
	datagrams c1
	forget_sources
	assert_succeeds cni DEL c1 "$(netns_path c1)" eth0 "$(jq -c '{cniVersion, name} + .plugins[1]' <<<"$list")"
	datagrams c1
	inside c1 ping -n -q -c 1 -W "$(briefly)" 198.51.100.2 >/dev/null 2>&1 || true
	assert_empty "$(sources legacy)" "between the DELs"
	chain DEL c1 "$list" || fail "DEL"
}

# A chained DEL that can't look at the classifier does not give the lease back while the container may go on sending.
test_chained_del_that_can_not_look_says_so()
{
	local list held

	list=$(ptp_list "$CHAINED")
	chain ADD c1 "$list" >/dev/null || fail "ADD behind ptp"
	held=$(leases)
	cat >failing <<-'EOF'
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -f -o /dev/null -e trace=bpf -e inject=bpf:error=EMFILE "$RANGEGUARD"
	EOF
	chmod +x failing
	jq -c '. as $list | .plugins[1] + {name: $list.name, cniVersion: $list.cniVersion}' <<<"$list" >conf
	assert_fails env CNI_COMMAND=DEL CNI_CONTAINERID=c1 CNI_NETNS=/run/netns/c1 CNI_IFNAME=eth0 CNI_PATH="$CNI_BIN" sh -c './failing <conf'
	assert_refused 107 "$output" "a classifier that can't be looked at"
	assert_equal "$held" "$(leases)" "leases"
	chain DEL c1 "$list" >/dev/null || fail "DEL afterwards"
	assert_nothing_left
}

# Case 12. An ADD that is killed, in a container that may do what it likes
test_killed_add_leaves_nothing_open()
{
	local -i n status

	for ((n = 2; n < 90; n++)); do
		status=0
		# Under strace no leaks can be looked for.
		ASAN_OPTIONS=detect_leaks=0 CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_NETNS=/run/netns/c1 CNI_IFNAME=eth0 CNI_PATH=$CNI_BIN \
			CNI_ARGS="K8S_POD_NAMESPACE=billing;K8S_POD_NAME=api-7" \
			strace -qq -f -o /dev/null -e trace=sendto,sendmsg,bpf -e "inject=sendto,sendmsg,bpf:signal=KILL:when=$n" \
			"$RANGEGUARD" <<<"$CONF" >killed 2>&1 || status=$?
		ip -n c1 link set eth0 up 2>/dev/null || true
		ip -n c1 address replace 10.9.0.99/32 dev eth0 2>/dev/null || true
		ip -n c1 route replace default dev eth0 2>/dev/null || true
		forget_sources
		inside c1 ping -n -q -c 1 -W "$(briefly)" -I 10.9.0.99 198.51.100.2 >/dev/null 2>&1 || true
		assert_empty "$(sources legacy)" "killed at call $n"
		del c1 "$CONF" || fail "DEL after it was killed at call $n"
		((status != 0)) || break
	done
	((n > 8 && n < 90)) || fail "the ADD was killed $n times"
}

# Case 13. Invented senders, which would fill the host's neighbour tables
test_invented_senders()
{
	local -i i
	local host

	assert_succeeds add c1 "$(jq -c 'del(.snat, .ipMasq)' <<<"$CONF")"
	host=$(host_end c1)
	for ((i = 1; i <= 100; i++)); do
		ip -n c1 address add "10.50.0.$i/32" dev eth0
		ip -n c1 address add "fd66::$i/128" dev eth0 nodad
		inside c1 busybox arping -q -c 1 -w 1 -s "10.50.0.$i" -I eth0 169.254.1.1 >/dev/null 2>&1 &
		ip -n c1 -6 neighbour del fe80::1 dev eth0 2>/dev/null || true
		inside c1 ping -n -q -c 1 -W 1 -I "fd66::$i" fe80::1%eth0 >/dev/null 2>&1 &
		((i % 20)) || wait
	done
	wait
	assert_empty "$(ip neighbour show dev "$host" | grep -E '10\.50\.|fd66:' || true)" "neighbours that nobody is"
}

# Case 14. An assigned source that went with its interface
test_assigned_source_comes_back()
{
	local conf

	conf=$(jq -c '.snat[0].source = ["192.0.2.30"] | .snat[0].destinations = ["198.51.100.0/24"] | .snat[0].assign = "up0"' <<<"$CONF")
	ip -n legacy route add 192.0.2.30 dev eth0
	add c1 "$conf" "$BILLING" >result-c1 || fail "ADD: $(<result-c1)"
	ip address del 192.0.2.30/32 dev up0
	assert_succeeds check c1 "$conf" "$(<result-c1)" "$BILLING"
	assert_contains "$(ip -o address show dev up0)" " 192.0.2.30/32 " "after CHECK"
	forget_sources
	assert_reaches c1 198.51.100.2
}

# Case 15. Flows that the pinned destination opens: strict, they end
test_flows_that_the_destination_opens()
{
	pinned c1
	inside c1 socat TCP4-LISTEN:7000,reuseaddr,fork SYSTEM:'echo answer' &
	wait_until 5 sh -c 'nsenter --net=/run/netns/c1 ss -Hltn sport = 7000 | grep -q :7000'
	forget_sources
	output=$(inside legacy timeout "$(scaled 2)" socat -u TCP4:10.9.0.2:7000,connect-timeout=1 - 2>/dev/null || true)
	assert_empty "$output" "an answer to a flow from the pinned destination"
	assert_no_stranger "a flow from the pinned destination"
	# Through the pin's source it comes, and goes.
	nft 'table ip nat { chain pre { type nat hook prerouting priority dstnat; ip daddr 192.0.2.10 tcp dport 7000 dnat to 10.9.0.2; }; }'
	output=$(inside legacy timeout "$(scaled 5)" socat -u TCP4:192.0.2.10:7000 - 2>/dev/null || true)
	assert_equal answer "$output" "through the pin's source"
	assert_no_stranger "a flow that came through the pin's source"
}

# An ADD of anybody finds a container whose classifier somebody took away, once it has sent something that was stopped.
test_add_puts_back_the_classifier_of_others()
{
	local list

	list=$(ptp_list "$CHAINED")
	pinned c1
	tc qdisc del dev "$(host_end c1)" clsact
	datagrams c1
	assert_empty "$(sources legacy)" "without the classifier"
	pinned c2
	forget_sources
	datagrams c1
	assert_equal "192.0.2.10 udp" "$(sources legacy)" "after an ADD of another container"
	ip -n c1 address add 10.9.0.77/32 dev eth0
	datagrams c1 10.9.0.77
	assert_no_stranger "forged after the ADD"
	assert_matches "$(nft list table inet rangeguard-backstop)" "counter packets 0 " "the counter"
	# In any state directory, and without a lease of its own
	del c2 "$CONF"
	assert_succeeds add c2 "$(jq -c '.ipam.dataDir = "/run/others" | .name = "others" | del(.snat, .ipMasq) | .ipam.ranges = [[{subnet: "10.10.0.0/24"}]]' <<<"$CONF")"
	tc qdisc del dev "$(ip -json link show | jq -r '.[] | select(.ifalias == "rangeguard others c2 eth0") | .ifname')" clsact
	datagrams c2
	chain ADD c3 "$list" >/dev/null || fail "ADD of c3"
	forget_sources
	datagrams c2
	assert_equal "10.10.0.1 udp" "$(sources legacy)" "one of another state directory"
}

# GC puts back what is missing, for all that live.
test_gc_puts_back()
{
	local list

	pinned c1
	pinned c2
	list=$(jq -c '. + {"cni.dev/valid-attachments": [{containerID: "c1", ifname: "eth0"}, {containerID: "c2", ifname: "eth0"}]}' <<<"$CONF")
	assert_succeeds cni GC '' '' '' "$list"
	assert_empty "$output" "what GC says when nothing is missing"
	tc qdisc del dev "$(host_end c1)" clsact
	nft flush ruleset
	ip rule del fwmark 0x200000/0x200000 lookup 29287
	ip route flush table 29287
	assert_succeeds cni GC '' '' '' "$list"
	forget_sources
	assert_reaches c1 198.51.100.2 2001:db8:1::2
	assert_reaches c2 198.51.100.2
	assert_no_stranger "after GC"
	ip -n c1 address add 10.9.0.77/32 dev eth0
	datagrams c1 10.9.0.77
	assert_no_stranger "forged after GC"
	nft flush ruleset
	assert_closed "after GC and a flush" c1 c2
}

# forget_map: what is kept of the classifier below /sys/fs/bpf goes; other tests have directories of their own there
forget_map()
{
	rm -r "/sys/fs/bpf/rangeguard/$(stat -Lc %i /proc/self/ns/net)"
}

# link_local NAME: the link-local address that follows from the MAC address of its eth0 (RFC 4291, appendix A)
link_local()
{
	local mac

	IFS=: read -ra mac <<<"$(ip -n "$1" -json link show eth0 | jq -r ".[0].address")"
	printf "fe80::%x:%xff:fe%s:%x\n" $((0x${mac[0]}${mac[1]} ^ 0x200)) "0x${mac[2]}" "${mac[3]}" "0x${mac[4]}${mac[5]}"
}

# speaks_link_local NAME ADDRESS: the host answers to what it sends from there
speaks_link_local()
{
	ip -n "$1" -6 address flush dev eth0 scope link
	ip -n "$1" address add "$2/64" dev eth0 nodad
	ip -n "$1" -6 neighbour flush dev eth0
	inside "$1" ping -n -q -c 1 -W "$(scaled 2)" -I eth0 fe80::1%eth0 >/dev/null || fail "no answer to $2"
}

# The classifier, its map and its name are all gone: whoever repairs knows no MAC address, and asks the other end for it.
test_link_local_address_survives_a_repair()
{
	local address host

	pinned c1
	host=$(host_end c1)
	address=$(link_local c1)
	speaks_link_local c1 "$address"
	tc qdisc del dev "$host" clsact
	forget_map
	assert_succeeds check c1 "$CONF" "$(<result-c1)" "$BILLING"
	speaks_link_local c1 "$address"
	# By GC, and an address that does not follow from the container
	pinned c2
	ip -n c2 link set eth0 down
	ip -n c2 link set eth0 address 02:11:22:33:44:55
	ip -n c2 link set eth0 up
	tc qdisc del dev "$(host_end c2)" clsact
	forget_map
	assert_succeeds cni GC "" "" "" "$(jq -c '. + {"cni.dev/valid-attachments": [{containerID: "c1", ifname: "eth0"}, {containerID: "c2", ifname: "eth0"}]}' <<<"$CONF")"
	speaks_link_local c2 fe80::11:22ff:fe33:4455
}

# --- Beside others ---

# wg-quick (src/wg-quick/linux.bash) overwrites the whole mark of UDP packets in prerouting, and so do others elsewhere.
test_marks_that_others_overwrite()
{
	ip rule add not fwmark 0xca6c table 51820
	ip rule add table main suppress_prefixlength 0
	ip route add default via 198.51.100.2 table 51820
	pinned c1
	nft -f - <<-'EOT'
		table inet wg-quick-wg0 {
			chain preraw { type filter hook prerouting priority -300; }
			chain premangle { type filter hook prerouting priority -150; meta l4proto udp meta mark set ct mark; }
			chain forward { type filter hook forward priority -150; meta l4proto tcp meta mark set 7; }
			chain postmangle { type filter hook postrouting priority -150; meta l4proto udp meta mark 0xca6c ct mark set meta mark; }
		}
	EOT
	forget_sources
	assert_reaches c1 198.51.100.2 2001:db8:1::2
	knock c1
	assert_equal "$PINNED_ALL" "$(sources legacy)" "beside wg-quick"
	nft delete table inet rangeguard
	assert_closed "beside wg-quick, without the table" c1
}

# systemd-networkd, when it starts, removes the rules that it does not know, but for the kernel's own.
test_networkd_starts_again()
{
	local family rule

	pinned c1
	for family in -4 -6; do
		ip -details -json "$family" rule show | jq -c '.[] | select(.protocol != "kernel")' >rules
		while read -r rule; do
			ip "$family" rule del pref "$(jq .priority <<<"$rule")"
		done <rules
		assert_contains "$(ip "$family" rule show)" "lookup 29287" "rules that are left"
		ip "$family" rule flush
		assert_contains "$(ip "$family" rule show)" "lookup 29287" "rules after they are flushed"
		ip "$family" rule add pref 32766 lookup main
	done
	nft flush ruleset
	assert_closed "after networkd" c1
}

# What the backstop drops it counts.
test_counters_tell_what_was_dropped()
{
	pinned c1
	tc qdisc del dev "$(host_end c1)" clsact
	assert_closed "without the classifier" c1
	assert_matches "$(nft list table inet rangeguard-backstop)" 'counter packets [1-9]' "the backstop's counter"
}

main "$@"
