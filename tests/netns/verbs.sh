#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What ADD and DEL do in the interface role, and the runtime's arguments. The number in a test's name is that of the
# requirement in shared/reference/cni-and-reference-plugins.md, section 2. Those below 22 are in protocol.sh, CHECK, GC
# and STATUS (35 to 49) in upkeep.sh, other roles (24) in roles.sh; 50 and 52 are the runtime's.

# shellcheck source=tests/calls.sh
source "$(dirname "$0")/../calls.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard", "ranges":
	[[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00:9::/64"}]]}}'

set_up()
{
	container c1
	host_state >before
}

# --- ADD ---

test_r22_interface_names()
{
	local name

	for name in net1 abcdefghijklmno; do
		assert_succeeds call ADD "$CONF" CNI_IFNAME="$name"
		assert_equal "lo $name" "$(ip -n c1 -json link show | jq -r '[.[].ifname] | join(" ")')" "interfaces"
		assert_quiet call DEL "$CONF" CNI_IFNAME="$name"
	done
	# The kernel makes eth0 of eth%d, and has uses of its own for the others.
	for name in all default; do
		assert_refuses 4 "$name" call ADD "$CONF" CNI_IFNAME="$name"
	done
	for name in 'eth%d' '%d' '%s' 'a%' lo; do
		assert_refuses '4|7|107' . call ADD "$CONF" CNI_IFNAME="$name"
		assert_unchanged "name $name"
	done
}

test_r23_somebody_elses_interface_is_left_alone()
{
	ip -n c1 link add eth0 type veth peer name peer0
	ip -n c1 address add 10.50.0.1/24 dev eth0
	ip -n c1 -o address show >foreign
	assert_refuses 107 'eth0' call ADD "$CONF"
	assert_equal "$(<foreign)" "$(ip -n c1 -o address show)" "addresses of c1"
	assert_equal "$(<before)" "$(host_state)" "host"
	assert_equal 0 "$(leases)" "leases"
	assert_quiet call DEL "$CONF"
	assert_equal "$(<foreign)" "$(ip -n c1 -o address show)" "addresses of c1 after DEL"
}

test_r23_r27_second_add_leaves_the_older_attachment_intact()
{
	local result

	result=$(call ADD "$CONF")
	wait_for_kernel_routes c1
	host_state >with-attachment
	{ ip -n c1 -o address show && ip -n c1 route show table all; } >inside
	assert_refuses 107 'eth0' call ADD "$CONF"
	assert_refuses 107 'eth0' call ADD "$(conf '.ipam.ranges = [[{subnet: "10.10.0.0/24"}]]')"
	assert_equal "$(<with-attachment)" "$(host_state)" "host"
	assert_equal "$(<inside)" "$(ip -n c1 -o address show && ip -n c1 route show table all)" "container"
	assert_equal 2 "$(leases)" "leases"
	assert_quiet call CHECK "$(conf ".prevResult = $result")"
	assert_quiet call DEL "$CONF"
	assert_unchanged "after DEL"
}

# The older interface is dead: the same addresses again.
test_r27_add_after_the_interface_died()
{
	local first second

	first=$(call ADD "$CONF")
	ip -n c1 link delete eth0
	second=$(call ADD "$CONF")
	assert_equal "$(jq -c '[.ips[].address]' <<<"$first")" "$(jq -c '[.ips[].address]' <<<"$second")" "addresses"
	assert_equal 2 "$(leases)" "leases"
	assert_quiet call CHECK "$(conf ".prevResult = $second")"
}

test_r27_two_interfaces_of_one_container()
{
	local first second

	# Of two default routes the first one would stay.
	first=$(call ADD "$CONF")
	second=$(call ADD "$(conf '.ipam.routes = []')" CNI_IFNAME=eth1)
	assert_equal 4 "$(leases)" "leases"
	assert_json "$(jq -s . <<<"$first$second")" '[.[].ips[].address] | unique | length == 4' "different addresses"
	assert_json "$(jq -s . <<<"$first$second")" '[.[].interfaces[0].name] | unique | length == 2' "different host ends"
	assert_quiet call DEL "$CONF"
	assert_equal c1/eth1 "$(holders)" "holders"
	assert_quiet call CHECK "$(conf ".prevResult = $second")" CNI_IFNAME=eth1
	assert_quiet call DEL "$CONF" CNI_IFNAME=eth1
	assert_unchanged "after both DELs"
}

# Each fails after addresses have been taken.
test_r26_r28_failed_add_leaves_nothing()
{
	local -i code
	local words filter

	foreign_interface
	ip -6 route add fd00:10::/64 dev other
	host_state >before
	while IFS='|' read -r code words filter; do
		assert_refuses "$code" "$words" call ADD "$(conf "$filter")"
		assert_unchanged "$filter"
	done <<-'EOF'
		107|10.50.0.0/16 via 224.0.0.1.*gateway|.ipam.routes = [{dst: "10.50.0.0/16", gw: "224.0.0.1"}]
		107|10.50.0.0/16.*[Ss]cope|.ipam.routes = [{dst: "10.50.0.0/16", scope: 255}]
		107|fd00:50::/64 via ff02::1.*gateway|.ipam.routes = [{dst: "fd00:50::/64", gw: "ff02::1"}]
		101|range set 1|.ipam.ranges += [[{subnet: "192.0.2.1/32"}]] | .ipam.ranges |= [.[0], .[2]]
		104|fd00:10::.* other|.ipam.ranges[1][0].subnet = "fd00:10::/120"
		5|/nowhere|.ipam.resolvConf = "/nowhere"
	EOF
	! call ADD "$CONF" >/dev/full || fail "ADD succeeds though its result cannot be written"
	assert_unchanged "result not written"
	assert_refuses 107 lo call ADD "$CONF" CNI_IFNAME=lo
	assert_unchanged "interface lo"
}

# --- Results, by the specification of each version; names and MAC addresses are the kernel's ---

# expected_result VERSION: for c1, which holds the first address of both ranges
expected_result()
{
	local host container

	host=$(ip -json link show | jq -c '.[] | select(.ifname | startswith("rg")) | {name: .ifname, mac: .address}')
	container=$(ip -n c1 -json link show dev eth0 | jq -c '.[] | {name: .ifname, mac: .address}')
	jq -cn --arg version "$1" --argjson host "$host" --argjson container "$container" '
		{dst: "0.0.0.0/0", gw: "169.254.1.1"} as $route4 | {dst: "::/0", gw: "fe80::1"} as $route6
		| if $version | IN("0.1.0", "0.2.0") then
			{ip4: {ip: "10.9.0.1/32", gateway: "169.254.1.1", routes: [$route4]},
			 ip6: {ip: "fd00:9::1/128", gateway: "fe80::1", routes: [$route6]}}
		else
			{interfaces: [$host, $container + {sandbox: "/run/netns/c1"}], routes: [$route4, $route6],
			 ips: [{address: "10.9.0.1/32", gateway: "169.254.1.1", interface: 1},
			       {address: "fd00:9::1/128", gateway: "fe80::1", interface: 1}]}
		end
		| if $version | IN("0.3.0", "0.3.1", "0.4.0") then
			.ips[0].version = "4" | .ips[1].version = "6"
		else . end
		| if $version == "1.1.0" then .interfaces[].mtu = 1500 else . end
		| {cniVersion: $version} + . + if $version[:2] == "0." then {dns: {}} else {} end'
}

test_r25_results_of_all_versions()
{
	local version

	for version in $(jq -r '.[]' <<<"$VERSIONS"); do
		rm -rf /run/rangeguard
		assert_succeeds call ADD "$(conf ".cniVersion = \"$version\"")"
		assert_equal "$(expected_result "$version" | jq -S .)" "$(jq -S . <<<"$output")" "result in $version"
		assert_matches "$(host_end)" '^rg[0-9a-f]{12}$' "host end"
		assert_quiet call DEL "$(conf ".cniVersion = \"$version\"")"
		assert_unchanged "after DEL in $version"
	done
}

# What only 1.1.0 has in routes is given there and nowhere else.
test_r25_routes_and_dns()
{
	local version keys
	local filter='.dns = {nameservers: ["192.0.2.53"], domain: "example.com", search: ["example.com"], options: ["ndots:2"]}
		| .ipam.routes = [{dst: "10.50.0.0/16", mtu: 1400, advmss: 1360, priority: 50, table: 100, scope: 0},
			{dst: "fd00:50::/64"}]'

	for version in $(jq -r '.[]' <<<"$VERSIONS"); do
		assert_succeeds call ADD "$(conf ".cniVersion = \"$version\" | $filter")"
		assert_json "$output" '.dns == {nameservers: ["192.0.2.53"], domain: "example.com", search: ["example.com"],
			options: ["ndots:2"]}' "dns in $version"
		assert_json "$output" '([.routes // (.ip4.routes + .ip6.routes) | .[].dst] | sort)
			== ["10.50.0.0/16", "fd00:50::/64"]' "routes in $version"
		keys=$(jq -cS '(.routes // .ip4.routes)[0] | del(.dst, .gw)' <<<"$output")
		if [[ "$version" == 1.1.0 ]]; then
			assert_equal '{"advmss":1360,"mtu":1400,"priority":50,"scope":0,"table":100}' "$keys" "route in $version"
		else
			assert_equal '{}' "$keys" "route in $version"
		fi
		assert_quiet call DEL "$(conf ".cniVersion = \"$version\"")"
	done
}

# --- DEL ---

test_r29_r30_del_is_idempotent()
{
	local id

	for id in never-added c1; do
		assert_quiet call DEL "$CONF" CNI_CONTAINERID="$id"
		[[ ! -e /run/rangeguard ]] || fail "DEL made state"
	done
	call ADD "$CONF" >/dev/null
	for _ in 1 2 3; do
		assert_quiet call DEL "$CONF"
		assert_unchanged "after DEL"
	done
}

# gone_… : what may be missing at DEL; $netns is what CNI_NETNS says
gone_nothing() { :; }
gone_netns_variable() { netns=; }
gone_netns_path() { netns=/run/netns/gone; }
gone_netns() { ip netns delete c1; }
gone_interface() { ip -n c1 link delete eth0; }
gone_host_end() { ip link delete "$(host_end)"; }
gone_store() { rm -rf /run/rangeguard; }
gone_store_and_netns() { rm -rf /run/rangeguard && netns=; }
gone_everything() { rm -rf /run/rangeguard && ip link delete "$(host_end)" && ip netns delete c1; }
gone_netns_replaced() { umount /run/netns/c1; }

test_r29_r31_del_without_what_may_be_gone()
{
	local gone netns

	while read -r gone; do
		[[ -e /run/netns/c1 ]] || container c1
		netns=/run/netns/c1
		call ADD "$CONF" >/dev/null
		"$gone"
		assert_quiet call DEL "$CONF" CNI_NETNS="$netns"
		assert_equal "$(<before)" "$(host_state)" "$gone: host"
		assert_equal 0 "$(leases)" "$gone: leases"
		[[ "$gone" != gone_netns_replaced ]] || ip netns delete c1
	done < <(compgen -A function gone_)
}

# The path now leads to the namespace of another container.
test_r29_del_with_a_recycled_namespace()
{
	local result

	call ADD "$CONF" >/dev/null
	ip netns delete c1
	container c1
	result=$(call ADD "$CONF" CNI_CONTAINERID=c2)
	assert_quiet call DEL "$CONF"
	assert_equal c2/eth0 "$(holders)" "holders"
	assert_quiet call CHECK "$(conf ".prevResult = $result")" CNI_CONTAINERID=c2
}

test_r29_del_with_a_damaged_store()
{
	local damage

	for damage in 'head -c 65536 /dev/urandom' 'head -c 100 /dev/zero' true; do
		call ADD "$CONF" >/dev/null
		$damage >/run/rangeguard/leases.mdb
		call DEL "$CONF" >stdout 2>stderr || fail "DEL fails: $(<stdout)"
		assert_empty "$(<stdout)" "standard output"
		assert_contains "$(<stderr)" /run/rangeguard "log"
		assert_equal "$(<before)" "$(host_state)" "host, after '$damage'"
		rm -rf /run/rangeguard
	done
}

test_r32_del_without_prev_result_in_all_versions()
{
	local version

	for version in $(jq -r '.[]' <<<"$VERSIONS"); do
		call ADD "$(conf ".cniVersion = \"$version\"")" >/dev/null
		assert_quiet call DEL "$(conf ".cniVersion = \"$version\"")"
		assert_unchanged "$version"
	done
}

# The configuration has changed since ADD, or is refused today: rows are what was done to it.
test_r33_del_with_another_configuration()
{
	local filter

	while read -r filter; do
		call ADD "$CONF" >/dev/null
		assert_quiet call DEL "$(conf "$filter")"
		assert_unchanged "$filter"
	done <<-'EOF'
		.prevResult = "garbage"
		.prevResult = {ips: [{address: "no"}], interfaces: 5}
		.prevResult = {cniVersion: "9.9.9"}
		.prevResult = {ips: [{address: "10.9.0.99/32", interface: 7}]}
		.cniVersion = "0.3.1"
		.ipam.ranges = [[{subnet: "10.10.0.0/24"}]]
		.ipam.ranges = "nonsense"
		.ipam.ranges = []
		del(.ipam)
		.ipam = null
		.ipam = "nonsense"
		.ipam.type = "host-local"
		.ipam.routes = 1
		.guard.reserved = [{cidr: "10.0.0.0/8", owner: "dba"}, {cidr: "fd00::/8", owner: "dba"}]
		.guard.policies = ["/nowhere"]
		.guard = "nonsense"
		.unknown = 1
		.ipMasq = "nonsense"
		.snat = [1]
		.mode = "bridge"
		.mtu = -1
		.runtimeConfig = {ips: ["nonsense"]}
		.args = "nonsense"
	EOF
}

test_r33_del_with_a_reserved_range_in_the_default_policies()
{
	call ADD "$CONF" >/dev/null
	mkdir -p /etc/rangeguard/reserved.d
	echo 'no JSON' >/etc/rangeguard/reserved.d/broken.json
	assert_quiet call DEL "$CONF"
	assert_unchanged "after DEL"
}

test_del_ignores_cni_args()
{
	local args

	for args in IP 'IP=nonsense' MAC K8S_POD_NAME=$'\xff' ';;;=;'; do
		call ADD "$CONF" >/dev/null
		assert_quiet call DEL "$CONF" CNI_ARGS="$args"
		assert_unchanged "CNI_ARGS=$args"
	done
}

# The runtime runs DEL of every plugin after a failed ADD.
test_r51_del_after_a_failed_add()
{
	assert_refuses 107 lo call ADD "$CONF" CNI_IFNAME=lo
	assert_quiet call DEL "$CONF" CNI_IFNAME=lo
	inside c1 ip link show dev lo >/dev/null || fail "lo is gone"
}

# A state directory that cannot be used must not keep a pod from being removed.
test_r53_del_with_an_unusable_state_directory()
{
	call ADD "$CONF" >/dev/null
	chmod 0777 /run/rangeguard
	call DEL "$CONF" >stdout 2>stderr || fail "DEL fails: $(<stdout)"
	assert_empty "$(<stdout)" "standard output"
	assert_contains "$(<stderr)" /run/rangeguard "log"
	assert_equal "$(<before)" "$(host_state)" "host"
}

# --- The runtime's arguments ---

test_r54_arguments_of_kubernetes()
{
	assert_succeeds call ADD "$CONF" CNI_ARGS='IgnoreUnknown=1;K8S_POD_NAMESPACE=billing;K8S_POD_NAME=api-0;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=1-2-3'
	assert_json "$("$RANGEGUARD" list --format json)" \
		'[.. | objects | select(has("address"))] | length == 2 and all(.namespace == "billing" and .pod == "api-0")' list
}

test_arguments_unknown_and_malformed()
{
	local args

	for args in '' ';' 'UNKNOWN=x' 'UNKNOWN' 'K8S_POD_NAME=a' '=;=x;a=b=c' 'IP=' 'ip=nonsense'; do
		assert_succeeds call ADD "$CONF" CNI_ARGS="$args"
		call DEL "$CONF"
	done
	for args in IP 'IP:10.9.0.7' MAC; do
		assert_refuses 4 CNI_ARGS call ADD "$CONF" CNI_ARGS="$args"
	done
	assert_refuses 7 'CNI_ARGS.*IP address|IP address.*CNI_ARGS|nonsense.*CNI_ARGS' call ADD "$CONF" CNI_ARGS=IP=nonsense
	assert_unchanged "after all"
}

# CNI_ARGS < args.cni < runtimeConfig: a later source replaces an earlier one.
test_precedence_of_address_sources()
{
	local expected args filter

	while IFS='|' read -r expected args filter; do
		assert_succeeds call ADD "$(conf "$filter")" CNI_ARGS="$args"
		assert_equal "$expected" "$(jq -r '.ips[0].address' <<<"$output")" "$args, $filter"
		call DEL "$CONF"
	done <<-'EOF'
		10.9.0.70/32|IP=10.9.0.70|.
		10.9.0.80/32|IP=10.9.0.70|.args.cni.ips = ["10.9.0.80"]
		10.9.0.90/32|IP=10.9.0.70|.args.cni.ips = ["10.9.0.80"] | .runtimeConfig.ips = ["10.9.0.90"]
		10.9.0.91/32||.runtimeConfig.ips = ["10.9.0.91/24"]
	EOF
}

main "$@"
