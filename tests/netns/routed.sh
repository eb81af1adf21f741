#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Routed mode as seen from outside: addresses, routes, neighbours, names, what is refused, and that a failed or killed
# ADD leaves nothing.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
	"ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00:9::/64"}]]}}'
# Network configuration, container and interface that the host end's name follows from; to be known before an ADD
NAME_OF_C1=

# with FILTER…: the configuration, changed by a jq program
with()
{
	jq -c "$@" <<<"$CONF"
}

# with_subnets SUBNET…: the configuration with one range set per subnet
with_subnets()
{
	with '.ipam.ranges = ($ARGS.positional | map([{subnet: .}]))' --args "$@"
}

# host_end ALIAS: name of the host's interface with that alias
host_end()
{
	ip -json link show | jq -r --arg alias "$1" '.[] | select(.ifalias == $alias).ifname'
}

# attribute NAME [CONTAINER]: address, mtu, … of c1's host end, or of the container's eth0
attribute()
{
	if [[ -n "${2-}" ]]; then
		inside "$2" ip -json link show dev eth0 | jq -r ".[0].$1"
	else
		ip -json link show dev "$(host_end "rangeguard pods c1 eth0")" | jq -r ".[0].$1"
	fi
}

# routes_inside CONTAINER ARGUMENT…: destination, gateway, flags of the container's routes
routes_inside()
{
	inside "$1" ip -json "${@:2}" | jq -r '.[] | "\(.dst) \(.gateway) \(.flags | join(" "))"'
}

# learn_name: ADD and DEL, to know the name of c1's host end
learn_name()
{
	add c1 "$CONF" >/dev/null
	NAME_OF_C1=$(host_end "rangeguard pods c1 eth0")
	del c1 "$CONF"
}

# assert_add_fails CODE WHAT COMMAND…: an ADD, or what calls it, is refused with that code (0: whatever), and changes
# neither host nor leases
assert_add_fails()
{
	local before held

	before=$(host_state)
	held=$("$RANGEGUARD" list)
	assert_fails "${@:3}"
	if (($1 != 0)); then
		assert_refused "$1" "$output" "$2"
	else
		assert_json "$output" '.code > 0' "$2"
	fi
	assert_equal "$before" "$(host_state)" "$2: the host afterwards"
	assert_equal "$held" "$("$RANGEGUARD" list)" "$2: the leases afterwards"
}

test_container_gets_host_addresses()
{
	container c1
	add c1 "$CONF" >/dev/null
	assert_equal "10.9.0.1/32 fd00:9::1/128" "$(inside c1 ip -json address show dev eth0 scope global |
		jq -r '[.[].addr_info[] | select(.local) | "\(.local)/\(.prefixlen)"] | join(" ")')" "addresses"
}

test_default_routes_are_on_link()
{
	container c1
	add c1 "$CONF" >/dev/null
	assert_equal "default 169.254.1.1 onlink" "$(routes_inside c1 route show)" "IPv4 routes"
	assert_equal "default fe80::1 onlink" "$(routes_inside c1 -6 route show default)" "IPv6 default route"
}

test_neighbours_are_permanent_on_both_ends()
{
	local permanent='[.[] | select(.state == ["PERMANENT"]) | "\(.dst) \(.lladdr)"] | sort | join(" ")'
	local all='[.[] | "\(.dst) \(.lladdr)"] | sort | join(" ")'
	local here there host

	container c1
	add c1 "$CONF" >/dev/null
	host=$(host_end "rangeguard pods c1 eth0")
	here=$(attribute address)
	there=$(attribute address c1)
	assert_equal "10.9.0.1 $there fd00:9::1 $there" "$(ip -json neighbour show dev "$host" | jq -r "$permanent")" \
		"the host's neighbours"
	assert_equal "169.254.1.1 $here fe80::1 $here" "$(inside c1 ip -json neighbour show dev eth0 | jq -r "$permanent")" \
		"the container's neighbours"
	assert_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
	assert_equal "10.9.0.1 $there fd00:9::1 $there" "$(ip -json neighbour show dev "$host" | jq -r "$all")" \
		"the host's neighbours after traffic, none of them learnt"
}

test_first_packet_is_answered()
{
	container c1
	container c2
	add c1 "$CONF" >/dev/null
	assert_empty "$(inside c1 ip -6 address show tentative)" "tentative addresses after ADD"
	assert_reaches c1 "$HOST_IPV6" "$HOST_IPV4"
	add c2 "$CONF" >/dev/null
	assert_reaches c2 fd00:9::1 10.9.0.1
	assert_reaches c1 fd00:9::2 10.9.0.2
	ping -n -q -c 1 -W "$(scaled 2)" 10.9.0.2
	ping -n -q -c 1 -W "$(scaled 2)" fd00:9::2
}

# churn_links: links of another namespace come and go for ever, so that the kernel is slow to notice a carrier
churn_links()
{
	while :; do
		ip -n other link add v0 type veth peer name v1
		ip -n other link set v0 up
		ip -n other link set v1 up
		ip -n other link delete v0
	done
}

# A link can't send before the kernel's link watch has run; an ADD that ends before that loses the first answer.
test_first_packet_is_answered_on_a_busy_host()
{
	local -i i

	container c1
	ip netns add other
	churn_links &
	for ((i = 1; i <= 80; i++)); do
		add c1 "$CONF" >/dev/null
		assert_reaches c1 "$HOST_IPV4"
		del c1 "$CONF"
	done
}

test_empty_routes_give_none()
{
	local result

	container c1
	result=$(add c1 "$(with '.ipam.routes = []')")
	assert_json "$result" '(.routes // []) == []' "routes of the result"
	assert_empty "$(inside c1 ip route show; inside c1 ip -6 route show default)" "routes"
}

test_listed_routes_replace_the_default()
{
	local result

	container c1
	result=$(add c1 "$(with '.ipam.routes = [{dst: "192.0.2.0/24"}, {dst: "2001:db8:ffff::/48", gw: "fe80::1"}]')")
	assert_equal "192.0.2.0/24 169.254.1.1 onlink" "$(routes_inside c1 route show)" "IPv4 routes"
	assert_equal "2001:db8:ffff::/48 fe80::1 onlink" "$(routes_inside c1 -6 route show 2001:db8:ffff::/48)" "IPv6 route"
	assert_empty "$(inside c1 ip -6 route show default)" "IPv6 default route"
	assert_json "$result" '[.routes[].dst] == ["192.0.2.0/24", "2001:db8:ffff::/48"]' "routes of the result"
	assert_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
}

test_attributes_of_routes_are_applied()
{
	local result wanted='{"dst": "192.0.2.0/24", "mtu": 1300, "advmss": 1200, "priority": 50, "table": 100}'
	local on_link='{"dst": "203.0.113.0/24", "scope": 253}'

	container c1
	result=$(add c1 "$(with --argjson a "$wanted" --argjson b "$on_link" '.ipam.routes = [$a, $b]')")
	assert_json "$(inside c1 ip -json route show table 100)" \
		'map([.dst, .metric, .metrics[0].mtu, .metrics[0].advmss]) == [["192.0.2.0/24", 50, 1300, 1200]]' "table 100"
	assert_json "$(inside c1 ip -json -details route show)" 'map([.dst, .scope]) == [["203.0.113.0/24", "link"]]' "scope"
	assert_json "$result" '.routes[0] | [.mtu, .advmss, .priority, .table] == [1300, 1200, 50, 100]' "result"
	assert_json "$result" '.routes[1].scope == 253' "scope in the result"
}

test_no_address_is_spent_on_a_gateway()
{
	local name conf

	conf=$(with_subnets 10.9.0.0/30)
	for name in c1 c2 c3; do
		container "$name"
	done
	assert_json "$(add c1 "$conf")" '.ips[0].address == "10.9.0.1/32"' "first"
	assert_json "$(add c2 "$conf")" '.ips[0].address == "10.9.0.2/32"' "second"
	assert_add_fails 101 "a third one" add c3 "$conf"
}

test_host_has_one_route_per_address()
{
	# Beside that of what nobody has, which discard.sh looks at
	local host routes='[.[] | select(.type != "unreachable") | "\(.dst) \(.dev)"] | join(" ")'

	container c1
	add c1 "$CONF" >/dev/null
	host=$(host_end "rangeguard pods c1 eth0")
	assert_equal "10.9.0.1 $host" "$(ip -json -4 route show table all proto 82 | jq -r "$routes")" "IPv4"
	assert_equal "fd00:9::1 $host" "$(ip -json -6 route show table all proto 82 | jq -r "$routes")" "IPv6"
	assert_empty "$(ip -json address show dev "$host" scope global | jq -r '.[].addr_info[].local // empty')" \
		"addresses of the host end"
	del c1 "$CONF"
	assert_nothing_left
}

test_host_end_is_named_after_the_attachment()
{
	local name

	container c1
	add c1 "$CONF" >/dev/null
	name=$(host_end "rangeguard pods c1 eth0")
	assert_matches "$name" '^rg[0-9a-f]{12}$' "name"
	cni ADD c1 "$(netns_path c1)" eth1 "$CONF" >/dev/null
	assert_matches "$(host_end "rangeguard pods c1 eth1")" '^rg[0-9a-f]{12}$' "name for another interface"
	del c1 "$CONF"
	assert_empty "$(host_end "rangeguard pods c1 eth0")" "host end after DEL"
	[[ -n "$(host_end "rangeguard pods c1 eth1")" ]] || fail "DEL of eth0 took eth1 along"
	ip netns delete c1
	container c1
	add c1 "$CONF" >/dev/null
	assert_equal "$name" "$(host_end "rangeguard pods c1 eth0")" "name on the second ADD"
}

test_long_container_id()
{
	local long one two name
	local -a names

	long=$(printf 'a%.0s' {1..600})
	for name in c1 c2; do
		container "$name"
		cni ADD "$long$name" "$(netns_path "$name")" eth0 "$CONF" >/dev/null
	done
	mapfile -t names < <(ip -json link show | jq -r '.[] | select(.ifname | startswith("rg")).ifalias')
	one=${names[0]} two=${names[1]}
	assert_matches "$one" '^rangeguard .*[0-9a-f]{16}' "alias"
	assert_empty "$(grep -o aaaaaaaa <<<"$one" || true)" "the container id in the alias"
	((${#one} <= 255)) || fail "an alias of ${#one} bytes"
	[[ "$one" != "$two" ]] || fail "one alias for two containers: $one"
	cni DEL "${long}c1" "" eth0 "$CONF"
	assert_json "$(ip -json link show)" '[.[] | select(.ifname | startswith("rg"))] | length == 1' "host ends after a DEL"
	cni DEL "${long}c2" "" eth0 "$CONF"
	assert_nothing_left
}

test_foreign_interface_is_never_touched()
{
	local before

	container c1
	learn_name
	ip link add "$NAME_OF_C1" type bridge
	ip link set "$NAME_OF_C1" alias "rangeguard pods c1 eth0"
	assert_add_fails 0 "name taken by a bridge" add c1 "$CONF"
	before=$(host_state)
	del c1 "$CONF"
	assert_equal "$before" "$(host_state)" "the host after DEL"
	ip link delete "$NAME_OF_C1"

	ip link add "$NAME_OF_C1" type veth peer name other
	ip link set "$NAME_OF_C1" alias "somebody else's"
	assert_add_fails 0 "name taken by a veth" add c1 "$CONF"
	before=$(host_state)
	del c1 "$CONF"
	assert_equal "$before" "$(host_state)" "the host after DEL with a foreign veth"
}

test_forwarding_is_switched_on_per_family()
{
	local ipv4=/proc/sys/net/ipv4/ip_forward ipv6=/proc/sys/net/ipv6/conf/all/forwarding

	container c1
	echo 0 >$ipv4
	echo 0 >$ipv6
	add c1 "$(with_subnets 10.9.0.0/24)" >/dev/null
	assert_equal "1 0" "$(<$ipv4) $(<$ipv6)" "IPv4 and IPv6 forwarding after an ADD with IPv4 only"
	del c1 "$CONF"
	echo 0 >$ipv4
	add c1 "$(with_subnets fd00:9::/64)" >/dev/null
	assert_equal "0 1" "$(<$ipv4) $(<$ipv6)" "IPv4 and IPv6 forwarding after an ADD with IPv6 only"
	del c1 "$CONF"
	add c1 "$CONF" >/dev/null
	assert_equal "1 1" "$(<$ipv4) $(<$ipv6)" "IPv4 and IPv6 forwarding after an ADD with both"
}

# advertise IFNAME [CONTAINER]: sends a router advertisement to all nodes; perl-base is always there on Debian. From the
# container, or the host.
advertise()
{
	local -a there=()

	[[ -z "${2-}" ]] || there=(nsenter --net="/run/netns/$2" --)
	"${there[@]}" perl -MSocket=:all -e '
		my $index = shift;
		socket(my $s, AF_INET6, SOCK_RAW, 58) or die "socket: $!";
		# IPV6_MULTICAST_IF, IPV6_MULTICAST_HOPS
		setsockopt($s, 41, 17, pack("i", $index)) && setsockopt($s, 41, 18, pack("i", 255)) or die "setsockopt: $!";
		# router lifetime 1800 s; prefix 2001:db8:bad::/64 on-link and autonomous
		my $ra = pack("CCnCCnNN", 134, 0, 0, 64, 0, 1800, 0, 0)
			. pack("CCCCNNN", 3, 4, 64, 0xc0, 3600, 3600, 0) . inet_pton(AF_INET6, "2001:db8:bad::");
		send($s, $ra, 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, "ff02::1"), $index)) or die "send: $!";
	' "$("${there[@]}" ip -json link show dev "$1" | jq '.[0].ifindex')"
}

test_router_advertisements_are_not_accepted()
{
	local host

	container c1
	echo 2 >/proc/sys/net/ipv6/conf/default/accept_ra
	inside c1 sh -c "echo 2 >/proc/sys/net/ipv6/conf/default/accept_ra"
	add c1 "$CONF" >/dev/null
	host=$(host_end "rangeguard pods c1 eth0")
	assert_equal 0 "$(<"/proc/sys/net/ipv6/conf/$host/accept_ra")" "accept_ra of the host end"
	assert_equal 0 "$(inside c1 cat /proc/sys/net/ipv6/conf/eth0/accept_ra)" "accept_ra of the container end"
	advertise eth0 c1
	assert_empty "$(ip -6 route show default; ip -6 route show proto ra)" "default route of the host after an advertisement"

	# The advertisement is one that would be heard, but for the sysctl and for antiSpoof, which drops it.
	echo 2 >"/proc/sys/net/ipv6/conf/$host/accept_ra"
	advertise eth0 c1
	assert_empty "$(ip -6 route show default; ip -6 route show proto ra)" "default route of the host with antiSpoof"
	del c1 "$CONF"
	add c1 "$(jq -c '.antiSpoof = false' <<<"$CONF")" >/dev/null
	echo 2 >"/proc/sys/net/ipv6/conf/$host/accept_ra"
	advertise eth0 c1
	wait_until 2 eval 'ip -6 route show default | grep -q "proto ra"'
}

test_ipv6_disabled_by_default()
{
	container c1
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
	inside c1 sh -c "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"
	add c1 "$(with_subnets 10.9.0.0/24)" >/dev/null
	assert_reaches c1 "$HOST_IPV4"
	del c1 "$CONF"
	add c1 "$CONF" >/dev/null
	assert_reaches c1 "$HOST_IPV6" "$HOST_IPV4"
}

test_result_names_both_ends()
{
	local result expected

	container c1
	result=$(add c1 "$CONF")
	expected=$(jq -nc --arg host "$(host_end "rangeguard pods c1 eth0")" --arg host_mac "$(attribute address)" \
		--arg mac "$(attribute address c1)" '[{name: $host, mac: $host_mac, mtu: 1500, sandbox: null},
			{name: "eth0", mac: $mac, mtu: 1500, sandbox: "/run/netns/c1"}]')
	assert_equal "$expected" "$(jq -c '[.interfaces[] | {name, mac, mtu, sandbox}]' <<<"$result")" "interfaces"
	assert_json "$result" '[.ips[].interface] == [1, 1] and .cniVersion == "1.1.0"' "ips"
	assert_json "$result" '[.ips[].address] == ["10.9.0.1/32", "fd00:9::1/128"]' "addresses"
	del c1 "$CONF"
	result=$(add c1 "$(with '.cniVersion = "0.4.0"')")
	assert_json "$result" '[.ips[] | [.version, .interface]] == [["4", 1], ["6", 1]]' "ips of 0.4.0"
	del c1 "$CONF"
	result=$(add c1 "$(with '.cniVersion = "0.2.0"')")
	assert_json "$result" '[.ip4.ip, .ip6.ip] == ["10.9.0.3/32", "fd00:9::3/128"]' "result of 0.2.0"
}

test_interface_that_is_already_there()
{
	local before

	container c1
	inside c1 ip link add eth0 type bridge
	inside c1 ip address add 203.0.113.7/32 dev eth0
	before=$(inside c1 ip address show)
	assert_add_fails 0 "eth0 is somebody's" add c1 "$CONF"
	assert_equal "$before" "$(inside c1 ip address show)" "the container"
}

test_older_attachment_stays_as_it_was()
{
	container c1
	add c1 "$CONF" >/dev/null
	assert_add_fails 0 "ADD again" add c1 "$CONF"
	assert_add_fails 0 "ADD again with another address" add c1 "$CONF" CNI_ARGS=IP=10.9.0.77
	assert_add_fails 0 "ADD of another network" add c1 "$(with '.name = "other" | .ipam.ranges = [[{subnet: "10.8.0.0/24"}]]')"
	assert_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
	assert_equal 2 "$(leases)" "leases"
	del c1 "$CONF"
	assert_nothing_left
}

test_own_namespace_is_refused()
{
	local path

	ip netns attach self $$
	touch file
	for path in /proc/self/ns/net /run/netns/self; do
		assert_add_fails 8 "$path" cni ADD c1 "$path" eth0 "$CONF"
	done
	for path in "$PWD/file" /run/netns/absent /proc/self/ns/mnt "$PWD"; do
		assert_add_fails 8 "$path" cni ADD c1 "$path" eth0 "$CONF"
	done
	[[ ! -e /run/rangeguard/leases.mdb ]] || fail "a lease store was made before the refusal"
}

test_mtu()
{
	container c1
	assert_json "$(add c1 "$CONF")" '[.interfaces[].mtu] == [1500, 1500]' "without a default route"
	assert_equal "1500 1500" "$(attribute mtu) $(attribute mtu c1)" "MTU without a default route"
	del c1 "$CONF"
	uplink
	ip link set up0 mtu 1450
	assert_json "$(add c1 "$CONF")" '[.interfaces[].mtu] == [1450, 1450]' "the uplink's"
	assert_equal "1450 1450" "$(attribute mtu) $(attribute mtu c1)" "the uplink's MTU"
	del c1 "$CONF"
	ip route del default
	add c1 "$CONF" >/dev/null
	assert_equal "1450 1450" "$(attribute mtu) $(attribute mtu c1)" "MTU of the IPv6 uplink"
	del c1 "$CONF"
	assert_json "$(add c1 "$(with '.mtu = 1400')")" '[.interfaces[].mtu] == [1400, 1400]' "the configuration's"
	assert_equal "1400 1400" "$(attribute mtu) $(attribute mtu c1)" "the configuration's MTU"
	del c1 "$CONF"
	# Less than IPv6 needs
	ip route add default via 198.51.100.254
	ip link set up0 mtu 1200
	assert_fails add c1 "$CONF"
	assert_refused 7 "$output" "a small uplink"
	assert_matches "$output" "mtu 1200.*up0.*IPv6" "the refusal names the uplink"
	output=$(add c1 "$(with 'del(.ipam.ranges[1])')") || fail "IPv4 alone: $output"
	del c1 "$CONF"
}

# Two networks in one container, both with default routes: each address answers through its own interface
test_second_interface_answers()
{
	local other result

	other=$(with '.name = "second" | .ipam.ranges = [[{subnet: "10.8.0.0/24"}], [{subnet: "fd00:8::/64"}]]')
	container c1
	add c1 "$CONF" >/dev/null
	result=$(cni ADD c1 "$(netns_path c1)" net1 "$other") || fail "ADD of the second: $result"
	for address in 10.9.0.1 10.8.0.1 fd00:9::1 fd00:8::1; do
		ping -n -q -c 1 -W "$(scaled 2)" "$address" >/dev/null || fail "no answer from $address"
		inside c1 ping -n -q -c 1 -W "$(scaled 2)" -I "$address" "$(if [[ "$address" == *:* ]]; then echo "$HOST_IPV6"; else echo "$HOST_IPV4"; fi)" >/dev/null ||
			fail "no answer to $address"
	done
	assert_succeeds cni CHECK c1 "$(netns_path c1)" net1 "$(jq -c --argjson result "$result" '.prevResult = $result' <<<"$other")"
	inside c1 ip route flush table "$((29300 + $(inside c1 ip -json link show net1 | jq '.[0].ifindex')))"
	assert_fails cni CHECK c1 "$(netns_path c1)" net1 "$(jq -c --argjson result "$result" '.prevResult = $result' <<<"$other")"
	assert_refused 107 "$output" "the first interface's routes are not the second's"
	cni DEL c1 "$(netns_path c1)" net1 "$other"
	assert_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
	del c1 "$CONF"
	assert_nothing_left
}

# What watches a network writes its own words into the alias: the container is still found, and nothing of it stays
test_host_end_with_another_alias()
{
	container c1
	learn_name
	add c1 "$CONF" >/dev/null
	ip link set "$NAME_OF_C1" alias "uplink 7, rack 3"
	assert_add_fails 0 "a second ADD" add c1 "$CONF"
	assert_contains "$output" "attached already" "a second ADD"
	del c1 "$CONF"
	assert_nothing_left
}

# Renamed by udev or an operator, both ends of the story are still found
test_renamed_host_end()
{
	local host_end

	container c1
	add c1 "$CONF" >/dev/null
	host_end=$(ip -o link show type veth | grep -oE 'rg[0-9a-f]{12}')
	ip link set "$host_end" down
	ip link set "$host_end" name lan7
	ip link set lan7 up
	ip route replace 10.9.0.1/32 dev lan7 proto 82
	cni GC "" "" "" "$(with '."cni.dev/valid-attachments" = []')"
	assert_equal 2 "$(leases)" "addresses held after GC"
	assert_fails add c1 "$CONF"
	assert_contains "$output" "attached already" "a second ADD"
	del c1 "$CONF"
	assert_nothing_left
	assert_empty "$(ip -o link show | grep lan7 || true)" "the host end"
}

test_mac_that_was_asked_for()
{
	local mac conf

	container c1
	assert_json "$(add c1 "$CONF" CNI_ARGS='IgnoreUnknown=1;MAC=02:11:22:33:44:55')" \
		'.interfaces[1].mac == "02:11:22:33:44:55"' "MAC of CNI_ARGS in the result"
	assert_equal 02:11:22:33:44:55 "$(attribute address c1)" "MAC of CNI_ARGS"
	assert_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
	del c1 "$CONF"
	add c1 "$(with '.runtimeConfig.mac = "02:11:22:33:44:66"')" CNI_ARGS='MAC=02:11:22:33:44:55' >/dev/null
	assert_equal 02:11:22:33:44:66 "$(attribute address c1)" "runtimeConfig.mac before CNI_ARGS"
	del c1 "$CONF"
	for mac in 01:00:5e:00:00:01 ff:ff:ff:ff:ff:ff 00:00:00:00:00:00 02:11:22:33:44 02:11:22:33:44:55:66 02:11:22:33:44:5g x; do
		conf=$(with --arg mac "$mac" '.runtimeConfig.mac = $mac')
		assert_add_fails 7 "runtimeConfig.mac $mac" add c1 "$conf"
		assert_add_fails 0 "MAC=$mac" add c1 "$CONF" "CNI_ARGS=MAC=$mac"
	done
	assert_nothing_left
}

test_smallest_pools()
{
	local conf

	container c1
	container c2
	container c3
	conf=$(with_subnets 10.9.0.4/31 fd00:9::4/127)
	assert_json "$(add c1 "$conf")" '[.ips[].address] == ["10.9.0.4/32", "fd00:9::4/128"]' "first of a /31 and a /127"
	assert_json "$(add c2 "$conf")" '[.ips[].address] == ["10.9.0.5/32", "fd00:9::5/128"]' "second of a /31 and a /127"
	assert_reaches c1 10.9.0.5 fd00:9::5 "$HOST_IPV4" "$HOST_IPV6"
	assert_add_fails 101 "third of a /31" add c3 "$conf"
	conf=$(with_subnets 10.9.0.9/32 fd00:9::9/128)
	assert_json "$(add c3 "$conf")" '[.ips[].address] == ["10.9.0.9/32", "fd00:9::9/128"]' "a /32 and a /128"
	assert_reaches c3 10.9.0.4 fd00:9::4
}

# remount_sysctls ro|rw
remount_sysctls()
{
	mount -o "remount,bind,$1" /proc/sys
}

test_read_only_sysctls()
{
	container c1
	mount --bind /proc/sys /proc/sys
	remount_sysctls ro
	assert_add_fails 107 "nothing can be set" add c1 "$CONF"
	remount_sysctls rw
	echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra
	inside c1 sh -c "echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra"
	remount_sysctls ro
	assert_add_fails 107 "forwarding is off and can't be switched on" add c1 "$CONF"
	assert_contains "$output" /proc/sys/net/ipv4/ip_forward "forwarding is off"
	remount_sysctls rw
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	remount_sysctls ro
	add c1 "$CONF" >/dev/null
	assert_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
}

test_delete_needs_only_names()
{
	local before

	container c1
	before=$(host_state)
	add c1 "$CONF" >/dev/null
	ip netns delete c1
	del c1 "$CONF"
	assert_equal "$before" "$(host_state)" "after the namespace was deleted"
	del c1 "$CONF"
	container c1
	add c1 "$CONF" >/dev/null
	rm -r /run/rangeguard
	cni DEL c1 "" eth0 '{"cniVersion": "0.3.1", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard"}}'
	assert_nothing_left
}

# make_injected: ./injected is the plugin with the fault $INJECT in the system call $CALL, whose calls stand in ./trace.
# A sanitizer that looks for leaks would be in strace's way.
make_injected()
{
	cat >injected <<-'EOF'
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -qq -o trace -e "trace=$CALL" -e "inject=$CALL:$INJECT" "$RANGEGUARD"
	EOF
	chmod +x injected
}

# first_call SYSCALL: which call of it is the first one behind those of the dynamic linker
first_call()
{
	ASAN_OPTIONS=detect_leaks=0 strace -qq -o trace -e "trace=$1" "$RANGEGUARD" version >/dev/null
	echo $(($(wc -l <trace) + 1))
}

# assert_unchanged HOST WHAT: the host is as it was, and nothing of ours is there
assert_unchanged()
{
	assert_equal "$1" "$(host_state)" "$2: the host afterwards"
	assert_equal 0 "$(leases)" "$2: leases"
}

# fail_each SYSCALL ERROR: ADDs in which the first call of it fails, then the second, until one has no more of them.
# Each ADD leaves nothing, or succeeds because it can do without.
fail_each()
{
	local -i n failed=0
	local before what

	before=$(host_state)
	for ((n = $(first_call "$1"); ; n++)); do
		what="$1 number $n fails with $2"
		if output=$(PLUGIN=$PWD/injected add c1 "$CONF" CALL="$1" INJECT="error=$2:when=$n"); then
			grep -q INJECTED trace || break
			del c1 "$CONF"
		else
			assert_json "$output" '.code > 0 and (.msg | length > 0)' "$what"
			failed+=1
		fi
		assert_unchanged "$before" "$what"
	done
	((failed > 0)) || fail "no $1 made an ADD fail"
	del c1 "$CONF"
}

test_failure_at_each_message_to_the_kernel()
{
	container c1
	make_injected
	fail_each sendto EPERM
	fail_each recvfrom ENOBUFS
}

test_failure_at_each_system_call()
{
	local call

	container c1
	make_injected
	for call in openat socket setns pwrite64 fdatasync flock; do
		fail_each "$call" EIO
	done
}

# delete_each SYSCALL ERROR CONF [COMMAND…]: DELs, after an ADD and COMMAND, in which the first call of it fails, then the
# second, until one has no more of them. Each says that it failed, or leaves nothing: a look that fails finds nothing out.
delete_each()
{
	local -i n failed=0
	local what

	for ((n = $(first_call "$1"); ; n++)); do
		what="$1 number $n fails with $2 in DEL"
		add c1 "$CONF" >/dev/null
		"${@:4}"
		if output=$(PLUGIN=$PWD/injected CALL="$1" INJECT="error=$2:when=$n" del c1 "$3"); then
			assert_no_line "host ends, $what" ' rg[0-9a-f]' ip -o link show
			assert_equal 0 "$(leases)" "addresses held, $what"
			# What containers share and what could not be taken away now goes with the next one's end.
			del c1 "$3"
			assert_nothing_left
			grep -q INJECTED trace || break
		else
			assert_json "$output" '.code > 0 and (.msg | length > 0)' "$what"
			failed+=1
			del c1 "$3"
			assert_nothing_left
		fi
	done
	((failed > 0)) || fail "no $1 made a DEL fail"
}

# rename_host_end: as udev or an operator does
rename_host_end()
{
	ip link set dev "$(host_end "rangeguard pods c1 eth0")" name other0
}

test_delete_that_can_not_look_says_so()
{
	container c1
	make_injected
	delete_each sendto ENOBUFS "$CONF"
	delete_each recvfrom ENOBUFS "$CONF"
	delete_each socket EMFILE "$CONF"
	delete_each sendto ENOBUFS "$CONF" rename_host_end
	assert_empty "$(ip -o link show dev other0 2>&1 | grep -v 'does not exist' || true)" "the renamed host end"
}

# The configuration has lost its ipam object since ADD, so that the interface alone tells whose this is.
test_delete_without_ipam_that_can_not_look_says_so()
{
	container c1
	make_injected
	delete_each sendto ENOBUFS "$(jq -c 'del(.ipam)' <<<"$CONF")"
}

# kill_each SYSCALL [COMMAND…]: ADDs that are killed at the first call of it, the second, …; COMMAND runs before each.
# Then DEL leaves nothing, and a new ADD works.
kill_each()
{
	local -i n killed=0 status
	local before what

	before=$(host_state)
	for ((n = $(first_call "$1"); ; n++)); do
		what="killed at $1 number $n"
		status=0
		"${@:2}"
		PLUGIN=$PWD/injected add c1 "$CONF" CALL="$1" INJECT="signal=KILL:when=$n" >/dev/null || status=$?
		if ((status != 0)); then
			assert_equal 137 "$status" "exit status of an ADD $what"
			killed+=1
			# Half of them without a DEL in between, as after a node's crash
			((n % 2)) || del c1 "$CONF"
			((n % 2)) || assert_unchanged "$before" "$what"
			output=$(add c1 "$CONF") || [[ "$output" == *already* ]] || fail "ADD after one $what: $output"
		fi
		del c1 "$CONF"
		assert_unchanged "$before" "DEL after an ADD $what"
		((status != 0)) || break
	done
	((killed > 0)) || fail "no ADD was killed at a $1"
}

test_killed_while_wiring()
{
	local call

	container c1
	make_injected
	for call in sendto recvfrom setns; do
		kill_each "$call"
	done
}

test_killed_while_storing()
{
	local call

	container c1
	make_injected
	for call in pwrite64 fdatasync flock; do
		kill_each "$call"
	done
}

test_killed_while_creating_the_store()
{
	local call

	container c1
	make_injected
	for call in mkdirat openat pwrite64 fdatasync fsync renameat; do
		kill_each "$call" rm -rf /run/rangeguard
	done
}

main "$@"
