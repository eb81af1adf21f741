#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `rangeguard explain` and `rangeguard suggest`: what they say is what the policies say, and what an ADD does.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

# set_up: a policy as the README has it, with a reservation inside the grant, in known lines
set_up()
{
	mkdir bin
	ln -s "$RANGEGUARD" bin/rangeguard
	PATH=$PWD/bin:$PATH
	cat >policy.json <<-'EOF'
		{
		  "reserved": [
		    {"cidr": "10.20.0.0/16", "owner": "db-platform", "reason": "Oracle RAC", "ref": "NET-1042"},
		    {"range": "10.31.4.10-10.31.4.99", "owner": "telephony"},
		    {"cidr": "10.20.65.0/24", "owner": "backup"},
		    {"cidr": "fd20::/32", "owner": "db-platform"}
		  ],
		  "granted": [
		    {"cidr": "10.20.64.0/20", "network": "pods", "reason": "carved out"}
		  ]
		}
	EOF
}

# assert_exits STATUS COMMAND…: what it prints is left in $output and $errors
assert_exits()
{
	local -i status=0

	output=$("${@:2}" 2>errors) || status=$?
	errors=$(<errors)
	assert_equal "$1" "$status" "exit status of '${*:2}' ($errors$output)"
}

# --- explain ---

test_address_is_explained_with_file_and_line()
{
	assert_exits 1 rangeguard explain --policy policy.json 10.20.3.4
	assert_equal "10.20.3.4: refused
  by reserved 10.20.0.0/16, owner db-platform, reason Oracle RAC, ref NET-1042, policy.json:3" "$output" "refused"
	assert_exits 0 rangeguard explain --policy policy.json 10.20.64.1
	assert_equal "10.20.64.1: allowed
  by granted 10.20.64.0/20, network pods, reason carved out, policy.json:9
  over reserved 10.20.0.0/16, owner db-platform, reason Oracle RAC, ref NET-1042, policy.json:3" "$output" "granted"
	assert_exits 1 rangeguard explain --policy policy.json 10.20.65.1
	assert_equal "10.20.65.1: refused
  by reserved 10.20.65.0/24, owner backup, policy.json:5
  over granted 10.20.64.0/20, network pods, reason carved out, policy.json:9
  over reserved 10.20.0.0/16, owner db-platform, reason Oracle RAC, ref NET-1042, policy.json:3" "$output" "three deep"
	assert_exits 0 rangeguard explain --policy policy.json 192.0.2.1
	assert_equal "192.0.2.1: allowed, no entry holds any of it" "$output" "free"
}

# IPv6 addresses in which a reserved IPv4 one stands: through NAT64 and 6to4 they lead to it
test_forms_of_a_reserved_ipv4_range()
{
	assert_exits 1 rangeguard explain --policy policy.json 64:ff9b::10.20.3.4
	assert_equal "64:ff9b::10.20.3.4: refused
  for the IPv4 addresses inside, by reserved 10.20.0.0/16, owner db-platform, reason Oracle RAC, ref NET-1042, policy.json:3" \
		"$output" "NAT64"
	assert_exits 0 rangeguard explain --policy policy.json 2002:a14:4001::1
	assert_contains "$output" "for the IPv4 addresses inside, by granted 10.20.64.0/20" "6to4 of a granted one"
	assert_exits 1 rangeguard explain --policy policy.json --format json 2002:a14::/32
	assert_json "$output" '.results[0] | .verdict == "refused" and ([.parts[].verdict] | index("allowed")) != null
		and .parts[0].decided.span == "10.20.0.0/16"' "parts of 6to4"
	assert_exits 0 rangeguard explain --policy policy.json 64:ff9b::10.19.255.255
}

test_prefix_is_explained_part_by_part()
{
	assert_exits 1 rangeguard explain --policy policy.json 10.20.0.0/16
	assert_equal "10.20.0.0/16: refused
  10.20.0.0/18: refused
  10.20.64.0/24: allowed
  10.20.65.0/24: refused
  10.20.66.0-10.20.79.255: allowed
  10.20.80.0-10.20.255.255: refused" "$(grep -v '^    ' <<<"$output")" "parts"
	assert_exits 1 rangeguard explain --policy policy.json 10.31.4.0/24
	assert_equal "10.31.4.0/24: refused
  10.31.4.10-10.31.4.99: refused
    by reserved 10.31.4.10-10.31.4.99, owner telephony, policy.json:4" "$output" "a part of it"
	assert_exits 0 rangeguard explain --policy policy.json 10.20.66.0/24
	assert_contains "$output" "10.20.66.0/24: allowed
  by granted 10.20.64.0/20" "all of it by one entry"
	assert_exits 1 rangeguard explain --policy policy.json fd20:0:1::/48 10.99.0.0/16
	assert_contains "$output" "10.99.0.0/16: allowed, no entry" "the second question"
	assert_contains "$output" "by reserved fd20::/32, owner db-platform, policy.json:6" "IPv6"
}

test_network_chooses_the_grants()
{
	assert_exits 0 rangeguard explain --policy policy.json --network pods 10.20.64.1
	assert_exits 1 rangeguard explain --policy policy.json --network other 10.20.64.1
	assert_contains "$output" "by reserved 10.20.0.0/16" "another network"
}

test_json_has_all_fields()
{
	assert_exits 1 rangeguard explain --policy policy.json --format json 10.20.65.1 192.0.2.1 10.31.4.0/24
	assert_json "$output" '.version == 1 and [.results[].query] == ["10.20.65.1", "192.0.2.1", "10.31.4.0/24"]' "document"
	assert_json "$output" '.results[0] | .verdict == "refused" and .decided == {kind: "reserved", span: "10.20.65.0/24",
		owner: "backup", reason: "", ref: "", file: "policy.json", pointer: "/reserved/2", line: 5}' "decided"
	assert_json "$output" '[.results[0].overruled[] | [.kind, .span, .network, .pointer, .line]] ==
		[["granted", "10.20.64.0/20", "pods", "/granted/0", 9], ["reserved", "10.20.0.0/16", null, "/reserved/0", 3]]' \
		"overruled"
	assert_json "$output" '.results[1] == {query: "192.0.2.1", verdict: "allowed", decided: null, overruled: [], parts: [],
		partsOmitted: 0}' "free"
	assert_json "$output" '.results[2] | .verdict == "refused" and .decided == null and .overruled == [] and
		[.parts[] | [.span, .verdict, .decided.owner, .overruled]] ==
		[["10.31.4.10-10.31.4.99", "refused", "telephony", []]]' "parts"
	assert_schema explain "$output" "answers"
}

test_many_parts_are_counted()
{
	jq -n '{reserved: [range(100) | {cidr: "10.0.\(. * 2).0/24", owner: "o\(.)"}]}' >many.json
	assert_exits 1 rangeguard explain --policy many.json 10.0.0.0/16
	assert_contains "$output" "and 80 more parts" "the rest"
	assert_equal 20 "$(grep -c '    by reserved' <<<"$output")" "parts told"
	assert_exits 1 rangeguard explain --policy many.json --format json 10.0.0.0/16
	assert_json "$output" '.results[0] | (.parts | length) == 20 and .partsOmitted == 80' "JSON"
	jq -n '{reserved: [range(8; 32) | {cidr: "10.0.0.0/\(.)", owner: "o\(.)"}]}' >deep.json
	assert_exits 1 rangeguard explain --policy deep.json 10.0.0.0
	assert_equal "/31 /30 /29 /28 /27 /26 /25 /24 /23 /22 /21" "$(grep -o '/[0-9]*,' <<<"$output" | tr -d ',' | xargs)" "deep"
	assert_contains "$output" "and 13 more entries overruled" "the rest of the overruled"
}

test_expired_entries_do_not_count()
{
	echo '{"reserved": [{"cidr": "10.0.0.0/8", "validUntil": "2020-01-31"}]}' >expired.json
	assert_exits 0 rangeguard explain --policy expired.json 10.0.0.1
	assert_contains "$output" "10.0.0.1: allowed, no entry" "expired"
	assert_contains "$errors" "expired after 2020-01-31" "a warning"
}

test_several_policies_count_together()
{
	mkdir policies
	cp policy.json policies/10-base.json
	echo '{"granted": [{"cidr": "10.20.65.7/32"}]}' >policies/20-more.json
	assert_exits 0 rangeguard explain --policy policies 10.20.65.7
	assert_contains "$output" "by granted 10.20.65.7, network *, policies/20-more.json:1
  over reserved 10.20.65.0/24, owner backup, policies/10-base.json:5" "a directory"
	assert_exits 0 rangeguard explain --policy policies/20-more.json --policy policy.json 10.20.65.7
	assert_exits 1 rangeguard explain --policy policies/20-more.json --policy policy.json 10.20.65.8
}

test_default_is_what_an_add_reads()
{
	rm -rf /etc/rangeguard
	assert_exits 2 rangeguard explain 10.20.0.1
	assert_contains "$errors" "no policy is loaded" "nothing to ask"
	install -D -m 0644 policy.json /etc/rangeguard/reserved.d/10-base.json
	assert_exits 1 rangeguard explain 10.20.0.1
	assert_contains "$output" "/etc/rangeguard/reserved.d/10-base.json:3" "the default directory"
	chmod 0666 /etc/rangeguard/reserved.d/10-base.json
	assert_exits 2 rangeguard explain 10.20.0.1
	assert_contains "$errors" "writable by others" "an ADD would refuse that policy"
	assert_empty "$output" "no verdict"
	assert_exits 1 rangeguard explain --policy /etc/rangeguard/reserved.d 10.20.0.1
	assert_contains "$errors" "warning: " "offline it is a warning"
}

test_add_does_as_explained()
{
	local conf='{"cniVersion": "1.0.0", "name": "pods", "type": "rangeguard", "guard": {"onOverlap": "exclude"},
		"ipam": {"type": "rangeguard", "ranges": [[{"subnet": "10.16.0.0/12"}]]}}'
	local address result
	local -i status

	install -D -m 0644 policy.json /etc/rangeguard/reserved.d/policy.json
	for address in 10.20.63.255 10.20.64.0 10.20.64.255 10.20.65.0 10.20.65.255 10.20.66.0 10.20.79.255 10.20.80.0 \
		10.31.4.9 10.31.4.10 10.31.4.99 10.31.4.100; do
		container c
		status=0
		result=$(add c "$conf" "CNI_ARGS=IP=$address") || status=$?
		assert_exits "$status" rangeguard explain --network pods "$address"
		((status == 0)) || assert_refused 100 "$result" "ADD of $address"
		del c "$conf"
		ip netns delete c
	done
}

test_explain_usage()
{
	assert_exits 2 rangeguard explain
	assert_exits 2 rangeguard explain --policy policy.json
	assert_exits 2 rangeguard explain --policy policy.json 10.20.0.0/33
	assert_contains "$errors" "10.20.0.0/33" "no prefix"
	assert_exits 2 rangeguard explain --policy policy.json 192.0.2.1 nonsense
	assert_empty "$output" "no verdict"
	assert_exits 2 rangeguard explain --policy policy.json 10.20.0.1/16
	assert_contains "$errors" "after the prefix length" "host bits"
	assert_exits 2 rangeguard explain --format yaml 10.20.0.1
	assert_exits 2 rangeguard explain --nonsense 10.20.0.1
	assert_exits 2 rangeguard explain 10.20.0.1 --policy
	assert_exits 2 rangeguard explain --policy missing.json 10.20.0.1
	assert_contains "$errors" "missing.json" "missing policy"
	echo '{"reserved": [{"cidr": "10.0.0.0/8"}, {"cidr": "nonsense"}]}' >malformed.json
	assert_exits 2 rangeguard explain --policy malformed.json 10.20.0.1
	assert_contains "$errors" "/reserved/1/cidr in malformed.json" "malformed policy"
	assert_empty "$output" "no verdict by half a policy"
	assert_exits 0 rangeguard explain --help
	for option in --policy --network --format; do
		assert_contains "$output" "$option" "help"
	done
}

# --- suggest ---

# assert_suggests STATUS EXPECTED ARGUMENT…: the subnets, separated by blanks
assert_suggests()
{
	assert_exits "$1" rangeguard suggest "${@:3}"
	assert_equal "$2" "$(xargs <<<"$output")" "rangeguard suggest ${*:3}"
}

test_suggests_around_reservations()
{
	assert_suggests 0 "10.16.0.0/16" --policy policy.json --within 10.16.0.0/12 --prefix-length 16
	assert_suggests 0 "10.16.0.0/16 10.17.0.0/16 10.18.0.0/16 10.19.0.0/16 10.21.0.0/16" --policy policy.json \
		--within 10.16.0.0/12 --prefix-length 16 --count 5
	assert_suggests 0 "10.16.0.0/14 10.24.0.0/14" --policy policy.json --within 10.16.0.0/12 --prefix-length 14 --count 2
}

test_grants_count_for_their_network()
{
	assert_suggests 0 "10.20.64.0/24 10.20.66.0/24" --policy policy.json --network pods --within 10.20.0.0/16 \
		--prefix-length 24 --count 2
	assert_suggests 1 "" --policy policy.json --within 10.20.0.0/16 --prefix-length 24
	assert_suggests 1 "" --policy policy.json --network other --within 10.20.0.0/16 --prefix-length 24
	echo '{"granted": [{"cidr": "10.20.3.0/24"}]}' >all.json
	assert_suggests 0 "10.20.3.0/24" --policy policy.json --policy all.json --within 10.20.0.0/16 --prefix-length 24
}

test_fewer_than_wanted()
{
	assert_suggests 1 "10.31.4.0/29 10.31.4.104/29 10.31.4.112/29 10.31.4.120/29" --policy policy.json \
		--within 10.31.4.0/25 --prefix-length 29 --count 5
	assert_suggests 0 "10.31.4.0/29 10.31.4.104/29 10.31.4.112/29 10.31.4.120/29" --policy policy.json \
		--within 10.31.4.0/25 --prefix-length 29 --count 4
	assert_suggests 0 "fd00::/64 fd00:0:0:1::/64" --policy policy.json --within fd00::/8 --prefix-length 64 --count 2
	assert_suggests 1 "" --policy policy.json --within fd20:0:5::/48 --prefix-length 64
}

test_suggests_json()
{
	assert_exits 1 rangeguard suggest --policy policy.json --within 10.31.4.0/25 --prefix-length 29 --count 5 --format json
	assert_json "$output" '. == {version: 1, subnets: ["10.31.4.0/29", "10.31.4.104/29", "10.31.4.112/29", "10.31.4.120/29"]}' \
		"some"
	assert_schema suggest "$output" "some"
	assert_exits 1 rangeguard suggest --policy policy.json --within 10.20.0.0/16 --prefix-length 24 --format json
	assert_json "$output" '. == {version: 1, subnets: []}' "none"
}

# Each configuration takes one /24 of 10.0.0.0/21; those named last say nothing of networks of their own.
test_avoids_configurations()
{
	mkdir net.d
	cat >net.d/10-ours.conflist <<-'EOF'
		{"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "rangeguard",
		 "ipam": {"type": "rangeguard", "ranges": [[{"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.9"}]],
		 "routes": [{"dst": "10.0.0.0/8"}]}}, {"type": "portmap", "capabilities": {"portMappings": true}}]}
	EOF
	cat >net.d/20-host-local.conf <<-'EOF'
		{"cniVersion": "0.3.1", "name": "b", "type": "bridge", "ipam": {"type": "host-local", "subnet": "10.0.1.0/24"}}
	EOF
	cat >net.d/30-static.json <<-'EOF'
		{"cniVersion": "1.0.0", "name": "c", "type": "macvlan",
		 "ipam": {"type": "static", "addresses": [{"address": "10.0.2.7/24", "gateway": "10.0.2.1"}]}}
	EOF
	cat >whereabouts.conf <<-'EOF'
		{"cniVersion": "1.0.0", "name": "d", "type": "macvlan", "ipam": {"type": "whereabouts",
		 "range": "10.0.3.9/30", "ipRanges": [{"range": "10.0.4.10-10.0.4.20/24"}]}}
	EOF
	echo '{"bip": "10.0.5.1/24", "default-address-pools": [{"base": "10.0.6.0/24", "size": 26}]}' >daemon.json
	echo '{"name": "podman", "driver": "bridge", "subnets": [{"subnet": "10.0.7.0/24"}], "routes": []}' >netavark.json
	assert_suggests 0 "10.0.0.0/24" --policy policy.json --within 10.0.0.0/21 --prefix-length 24
	assert_suggests 0 "10.0.3.0/24" --policy policy.json --avoid net.d --within 10.0.0.0/21 --prefix-length 24
	assert_suggests 0 "10.0.5.0/24 10.0.6.0/24 10.0.7.0/24" --policy policy.json --avoid net.d --avoid whereabouts.conf \
		--within 10.0.0.0/21 --prefix-length 24 --count 3
	assert_suggests 0 "10.0.3.0/29 10.0.3.16/29" --policy policy.json --avoid net.d --avoid whereabouts.conf \
		--within 10.0.3.0/24 --prefix-length 29 --count 2
	assert_suggests 1 "10.0.7.0/24" --policy policy.json --avoid net.d --avoid whereabouts.conf --avoid daemon.json \
		--within 10.0.0.0/21 --prefix-length 24 --count 2
	assert_suggests 1 "" --policy policy.json --avoid net.d --avoid whereabouts.conf --avoid daemon.json \
		--avoid netavark.json --within 10.0.0.0/21 --prefix-length 24
}

test_avoids_host_routes()
{
	# What says nothing: the default, a VPN's pair for everything, an aggregate through a gateway
	ip link add up0 type veth peer name up1
	ip address add 198.51.100.1/24 dev up0
	ip link set up0 up
	ip route add default via 198.51.100.254
	ip route add 0.0.0.0/1 via 198.51.100.254
	ip route add 128.0.0.0/1 via 198.51.100.254
	ip route add 10.0.0.0/8 via 198.51.100.254
	ip -json route show table all >routes.json
	assert_suggests 0 "10.0.0.0/24" --policy policy.json --host-routes routes.json --within 10.0.0.0/8 --prefix-length 24
	assert_suggests 0 "10.0.0.0/16" --policy policy.json --host-routes routes.json --within 10.0.0.0/12 --prefix-length 16
	# What is taken: a docker0, a site behind a gateway, one address, a route of another table
	ip link add docker0 type veth peer name docker1
	ip address add 10.0.0.1/24 dev docker0
	ip link set docker0 up
	ip route add 10.0.1.0/24 via 198.51.100.254
	ip route add blackhole 10.0.2.0/25
	ip route add 10.0.3.77/32 via 198.51.100.254
	ip route add 10.0.4.0/24 via 198.51.100.254 table 100
	ip route add throw 10.0.5.0/24
	ip -6 route add fd00:0:0:1::/64 dev docker0
	ip -json route show table all >routes.json
	ip -6 -json route show table all >routes6.json
	assert_suggests 0 "10.0.2.0/24 10.0.5.0/24" --policy policy.json --host-routes routes.json --within 10.0.0.0/8 \
		--prefix-length 24 --count 2
	assert_suggests 0 "10.0.2.0/25 10.0.2.128/25 10.0.3.128/25" --policy policy.json --host-routes routes.json --within 10.0.0.0/8 \
		--prefix-length 25 --count 3
	assert_suggests 0 "fd00::/64 fd00:0:0:2::/64" --policy policy.json --host-routes routes6.json --within fd00::/8 \
		--prefix-length 64 --count 2
	# A pool of rangeguard's on this host, of which no container has an address in that part; a router's aggregate is none
	ip route add unreachable 10.0.6.0/24 protocol 82 metric 4294967295
	ip route add unreachable 10.0.7.0/24 protocol bird
	ip -json route show table all >routes.json
	assert_suggests 0 "10.0.7.0/28" --policy policy.json --host-routes routes.json --within 10.0.6.0/23 --prefix-length 28
	# On-link, however wide: an ADD would refuse each of its addresses
	ip route add 172.16.0.0/12 dev docker0
	ip -json route show table all >routes.json
	assert_suggests 1 "" --policy policy.json --host-routes routes.json --within 172.20.0.0/16 --prefix-length 24
}

# All that was found out fits together: what is suggested passes validate and an ADD.
test_suggestion_works()
{
	local subnet

	ip link add docker0 type veth peer name docker1
	ip address add 10.20.64.1/24 dev docker0
	ip link set docker0 up
	ip -json route show table all >routes.json
	install -D -m 0644 policy.json /etc/rangeguard/reserved.d/policy.json
	subnet=$(rangeguard suggest --network pods --host-routes routes.json --within 10.20.0.0/16 --prefix-length 24)
	assert_equal "10.20.66.0/24" "$subnet" "suggestion"
	echo '{"cniVersion": "1.0.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard", "ranges": [[{"subnet":
		"'"$subnet"'"}]]}}' >pods.conf
	assert_exits 0 rangeguard validate --strict pods.conf
	container c
	assert_json "$(add c pods.conf)" '.ips[0].address == "10.20.66.1/32"' "ADD"
	del c pods.conf
}

# 100,000 reservations of every other /30: what is free lies between them and behind them
test_many_reservations()
{
	jq -cn '{reserved: [range(100000) | {cidr: "10.\(. / 8192 | floor).\(. / 32 | floor % 256).\(. % 32 * 8)/30"}]}' >big.json
	assert_suggests 0 "10.0.0.4/30 10.0.0.12/30" --policy big.json --within 10.0.0.0/8 --prefix-length 30 --count 2
	assert_suggests 0 "10.12.53.0/29" --policy big.json --within 10.0.0.0/8 --prefix-length 29
	assert_suggests 0 "10.13.0.0/16" --policy big.json --within 10.0.0.0/8 --prefix-length 16
}

test_suggest_usage()
{
	assert_exits 2 rangeguard suggest
	assert_exits 2 rangeguard suggest --within 10.0.0.0/8
	assert_exits 2 rangeguard suggest --prefix-length 24
	for within in 10.0.0.1/8 10.0.0.0 nonsense; do
		assert_exits 2 rangeguard suggest --within "$within" --prefix-length 24
		assert_contains "$errors" "$within" "a block"
	done
	for length in 7 33 x 024 -1 '' 2222222; do
		assert_exits 2 rangeguard suggest --within 10.0.0.0/8 --prefix-length "$length"
		assert_contains "$errors" "--prefix-length" "length '$length'"
	done
	for count in 0 -1 x '' 1000001 99999999999; do
		assert_exits 2 rangeguard suggest --within 10.0.0.0/8 --prefix-length 24 --count "$count"
		assert_contains "$errors" "--count" "count '$count'"
	done
	assert_exits 2 rangeguard suggest --within 10.0.0.0/8 --prefix-length 24 extra
	assert_exits 2 rangeguard suggest --within 10.0.0.0/8 --prefix-length 24 --format yaml
	assert_exits 2 rangeguard suggest --within 10.0.0.0/8 --prefix-length 24 --policy missing
	assert_exits 0 rangeguard suggest --help
	for option in --policy --avoid --host-routes --network --within --prefix-length --count --format; do
		assert_contains "$output" "$option" "help"
	done
}

# What can't be read may hide what is taken: no suggestion
test_unreadable_input()
{
	local file

	echo '{"ipam": {"type": "host-local", "subnet": "10.0.0.0/99"}}' >subnet.conf
	echo '{"ipam": {"subnet": "10.0.0.0/24", "subnet": "10.0.1.0/24"}}' >twice.conf
	echo '{"ipam": ' >syntax.conf
	for file in subnet.conf twice.conf syntax.conf missing.conf; do
		assert_exits 2 rangeguard suggest --policy policy.json --avoid "$file" --within 10.0.0.0/8 --prefix-length 24
		assert_contains "$errors" "$file" "a configuration to avoid"
		assert_empty "$output" "$file: no suggestion"
	done
	echo '[{"dev": "eth0"}]' >element.json
	echo '{}' >object.json
	for file in element.json object.json syntax.conf missing.json; do
		assert_exits 2 rangeguard suggest --policy policy.json --host-routes "$file" --within 10.0.0.0/8 --prefix-length 24
		assert_contains "$errors" "$file" "routes"
		assert_empty "$output" "$file: no suggestion"
	done
}

main "$@"
