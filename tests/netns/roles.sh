#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The roles in which another plugin makes the interface: IPAM delegate of the reference bridge, ptp and macvlan, and
# chained behind a plugin with its own IPAM. Numbers in names as in protocol.sh: 12, 24, 44, 48 are about these roles.

# shellcheck source=tests/calls.sh
source "$(dirname "$0")/../calls.sh"

GUARD='{"reserved": [{"cidr": "10.20.0.0/16", "owner": "db-platform", "reason": "Oracle RAC", "ref": "NET-1042"}]}'
# What a refusal must tell
WHOSE='reserved range 10\.20\.0\.0/16 .*db-platform.*Oracle RAC.*NET-1042.*/etc/rangeguard/reserved\.d/dba\.json'
# The delegate's own call, as the other plugin makes it
CONF='{"cniVersion": "1.0.0", "name": "pods", "type": "bridge", "bridge": "br0", "ipam": {"type": "rangeguard", "ranges":
	[[{"subnet": "10.9.0.0/24", "gateway": "10.9.0.1"}]], "routes": [{"dst": "0.0.0.0/0"}]}}'

set_up()
{
	install_plugins bridge ptp macvlan host-local portmap tuning
	mkdir -p /etc/rangeguard/reserved.d
	echo "$GUARD" >/etc/rangeguard/reserved.d/dba.json
	foreign_interface
	container c1
	host_state >before
}

# through PLUGIN VERB CONF [NAME=VALUE…]: call, of a reference plugin
through()
{
	PLUGIN=$CNI_BIN/$1 call "${@:2}"
}

# assert_fails_with REGEX COMMAND…: what another plugin makes of a refusal; codes are its own business
assert_fails_with()
{
	assert_fails "${@:2}"
	assert_matches "$output" "$1" "${*:2:3}"
}

# delegation PLUGIN VERSION: its configuration with rangeguard as IPAM
delegation()
{
	conf ".cniVersion = \"$2\" | .type = \"$1\"
		| if .type != \"bridge\" then del(.bridge) else . end | if .type == \"macvlan\" then .master = \"other\" else . end"
}

# --- IPAM delegate ---

test_delegate_behind_every_plugin_in_every_version()
{
	local plugin version result address conf

	for plugin in bridge ptp macvlan; do
		for version in 0.1.0 0.2.0 0.3.0 0.3.1 0.4.0 1.0.0; do
			conf=$(delegation "$plugin" "$version")
			result=$(through "$plugin" ADD "$conf") || fail "$plugin in $version: $result"
			address=$(jq -r '.ips[0].address // .ip4.ip' <<<"$result")
			assert_matches "$address" '^10\.9\.0\.[0-9]+/24$' "$plugin in $version: address"
			assert_json "$result" '(.ips[0].gateway // .ip4.gateway) == "10.9.0.1"' "$plugin in $version: gateway"
			assert_json "$result" '[.routes // .ip4.routes | .[].dst] == ["0.0.0.0/0"]' "$plugin in $version: routes"
			assert_contains "$(ip -n c1 -o address show dev eth0)" " $address " "$plugin in $version: kernel"
			assert_equal 1 "$(leases)" "$plugin in $version: leases"
			if [[ "$version" == [01].[40].0 ]]; then
				through "$plugin" CHECK "$(jq -c ".prevResult = $result" <<<"$conf")"
				conf=$(jq -c ".prevResult = $result" <<<"$conf")
			fi
			through "$plugin" DEL "$conf"
			assert_equal 0 "$(leases)" "$plugin in $version: leases after DEL"
		done
	done
	assert_unchanged_but_bridge
}

# assert_unchanged_but_bridge: the reference plugin never deletes its bridge; what it does delete may go a little later
assert_unchanged_but_bridge()
{
	! ip link show dev br0 >/dev/null 2>&1 || ip link delete br0
	wait_until 10 host_is_unchanged
	assert_unchanged "after DEL"
}

# The delegate's own results, by the specification: addresses with their subnet, the routes listed, dns; no interfaces
test_delegate_results_of_all_versions()
{
	local version expected filter
	local keys='.dns = {nameservers: ["192.0.2.53"]} | .ipam.routes = [{dst: "172.16.0.0/12", gw: "10.9.0.3", mtu: 1400}]
		| .ipam.ranges += [[{subnet: "fd00:9::/64", gateway: "fd00:9::1"}]]'
	local ip4='{"ip": "10.9.0.2/24", "gateway": "10.9.0.1", "routes": [{"dst": "172.16.0.0/12", "gw": "10.9.0.3"}]}'
	local ip6='{"ip": "fd00:9::2/64", "gateway": "fd00:9::1"}'
	local ips='[{"address": "10.9.0.2/24", "gateway": "10.9.0.1"}, {"address": "fd00:9::2/64", "gateway": "fd00:9::1"}]'

	for version in $(jq -r '.[]' <<<"$VERSIONS"); do
		rm -rf /run/rangeguard
		case $version in
		0.[12].0) filter="{ip4: $ip4, ip6: $ip6}" ;;
		0.*) filter="{ips: ($ips | .[0].version = \"4\" | .[1].version = \"6\"), routes: $ip4.routes}" ;;
		1.0.0) filter="{ips: $ips, routes: $ip4.routes}" ;;
		1.1.0) filter="{ips: $ips, routes: ($ip4.routes | .[0].mtu = 1400)}" ;;
		esac
		expected=$(jq -nS "{cniVersion: \"$version\", dns: {nameservers: [\"192.0.2.53\"]}} + $filter")
		assert_equal "$expected" "$(call ADD "$(conf ".cniVersion = \"$version\" | $keys")" | jq -S .)" "in $version"
	done
}

# Unlike in the interface role, no routes are listed unless the configuration does.
test_delegate_adds_no_default_route()
{
	assert_json "$(call ADD "$(conf 'del(.ipam.routes)')")" 'has("ips") and (has("routes") | not)' "routes"
}

test_delegate_refuses_a_reserved_range()
{
	local plugin

	for plugin in bridge ptp macvlan; do
		assert_fails_with "subnet 10.20.5.0/24 .*$WHOSE" through "$plugin" ADD \
			"$(delegation "$plugin" 1.0.0 | jq -c '.ipam.ranges = [[{subnet: "10.20.5.0/24"}]]')"
		assert_equal 0 "$(leases)" "$plugin: leases"
		# The reference bridge leaves its interface behind, until DEL.
		through "$plugin" DEL "$(delegation "$plugin" 1.0.0)"
	done
	assert_refuses 100 "^subnet 10.20.5.0/24 .*$WHOSE" call ADD "$(conf '.ipam.ranges = [[{subnet: "10.20.5.0/24"}]]')"
	assert_refuses 100 "^gateway 10.20.0.1 .*$WHOSE" call ADD "$(conf '.ipam.ranges[0][0].gateway = "10.20.0.1"')"
	assert_unchanged_but_bridge
}

# `guard` may stand beside ipam or inside it.
test_delegate_with_a_guard_of_its_own()
{
	local filter

	while read -r filter; do
		assert_refuses 100 '10\.9\.0\.0/24.*owner ours.*reserved/0' call ADD "$(conf "$filter")"
		assert_fails_with 'owner ours' through ptp ADD "$(delegation ptp 1.0.0 | jq -c "$filter")"
	done <<-'EOF'
		.guard.reserved = [{cidr: "10.9.0.128/25", owner: "ours"}]
		.ipam.guard.reserved = [{cidr: "10.9.0.128/25", owner: "ours"}]
	EOF
	assert_refuses 7 'exclude' call ADD "$(conf '.ipam.guard.onOverlap = "exclude"')"
	assert_refuses 102 /nowhere call ADD "$(conf '.ipam.guard.policies = ["/nowhere"]')"
	assert_equal 0 "$(leases)" "leases"
}

# The other plugin's keys are not looked at, those of ipam are.
test_delegate_and_keys()
{
	assert_succeeds call ADD "$(conf '.isGateway = true | .unknown = 1 | .mtu = -7 | .mode = "bridge" | .vlan = "x"')"
	assert_refuses 2 'rangs.*ranges' call ADD "$(conf '.ipam.rangs = 1')" CNI_IFNAME=eth1
}

test_delegate_check()
{
	local result

	result=$(call ADD "$CONF")
	assert_quiet call CHECK "$(conf ".prevResult = $result")"
	assert_refuses 7 '^Required prevResult missing' call CHECK "$CONF"
	assert_refuses 105 '10.9.0.2' call CHECK "$(conf ".prevResult = $result | .prevResult.ips[0].address = \"10.9.0.9/24\"")"
	assert_quiet call DEL "$CONF"
	assert_refuses 105 '^no lease' call CHECK "$(conf ".prevResult = $result")"
	assert_quiet call DEL "$CONF"
}

test_delegate_that_is_nobodys()
{
	assert_refuses 7 "neither" call ADD "$(conf '.ipam.type = "host-local"')"
	assert_refuses 7 'type' call ADD "$(conf 'del(.type) | del(.ipam.type)')"
}

# A live namespace is somebody's; the interface is another plugin's.
test_r44_delegate_gc_and_status()
{
	local small newest

	small=$(conf '.ipam.ranges[0][0] += {rangeStart: "10.9.0.2", rangeEnd: "10.9.0.3"}')
	newest=$(jq -c '.cniVersion = "1.1.0" | ."cni.dev/valid-attachments" = []' <<<"$small")
	call ADD "$small" >/dev/null
	assert_quiet call STATUS "$newest"
	container c2
	call ADD "$small" CNI_CONTAINERID=c2 CNI_NETNS="$(netns_path c2)" >/dev/null
	assert_refuses 50 'exhausted' call STATUS "$(jq -c '.guard.strictStatus = true' <<<"$newest")"
	ip netns delete c2
	call GC "$newest" >stdout 2>stderr || fail "GC: $(<stdout)"
	assert_empty "$(<stdout)" "standard output"
	assert_matches "$(<stderr)" 'c1 eth0' "log"
	assert_equal 1 "$(leases)" "leases"
	assert_quiet call STATUS "$newest"
}

# --- Chained ---

# chained_list PLUGIN RANGES: PLUGIN with host-local, then rangeguard
chained_list()
{
	local type=$1 ranges=$2

	jq -cn --arg type "$type" --argjson ranges "$ranges" '{cniVersion: "1.0.0", name: "pods", plugins: [
		{type: $type, ipam: {type: "host-local", ranges: $ranges, routes: [{dst: "0.0.0.0/0"}]}},
		{type: "rangeguard"}]}'
}

test_chained_behind_other_plugins()
{
	local plugin list first last

	for plugin in bridge ptp; do
		list=$(chained_list "$plugin" '[[{"subnet": "10.9.0.0/24"}]]')
		last=$(chain ADD c1 "$list")
		first=$(jq '.plugins |= .[:1]' <<<"$list" | jq -c --argjson last "$last" '.plugins[0] + {name, cniVersion, prevResult: $last}')
		through "$plugin" CHECK "$first"
		chain CHECK c1 "$list"
		chain DEL c1 "$list"
		assert_equal 0 "$(leases)" "$plugin: leases"
		list=$(chained_list "$plugin" '[[{"subnet": "10.20.5.0/24"}]]')
		assert_fails_with '"code":100' chain ADD c1 "$list"
		assert_matches "$output" "$WHOSE" "$plugin: refusal"
		chain DEL c1 "$list"
		assert_equal lo "$(ip -n c1 -json link show | jq -r '.[].ifname')" "$plugin: interfaces of c1"
	done
	ip link delete cni0
	assert_unchanged "after all"
}

# chained VERSION PREV_RESULT: its configuration
chained()
{
	jq -cn --arg version "$1" --argjson result "$2" '{cniVersion: $version, name: "pods", type: "rangeguard",
		prevResult: ($result + {cniVersion: $version})}'
}

# prevResult is read in each version's format, and passed on as it came, with what the version or we do not know.
test_r24_chained_passes_prev_result_on()
{
	local version result
	local old='{"ip4": {"ip": "10.9.0.7/24", "gateway": "10.9.0.1", "routes": [{"dst": "0.0.0.0/0"}], "x": 1},
		"ip6": {"ip": "fd00:9::7/64"}, "dns": {"search": ["example.com"]}, "unknown": {"a": [1, 2.5, null, "ä"]}}'
	local new='{"interfaces": [{"name": "br0", "mac": "02:00:00:00:00:01"}, {"name": "eth0", "sandbox": "/x", "y": 1}],
		"ips": [{"address": "10.9.0.7/24", "gateway": "10.9.0.1", "interface": 1}, {"address": "fd00:9::7/64"}],
		"routes": [{"dst": "0.0.0.0/0"}, {"dst": "172.16.0.0/12", "gw": "10.9.0.9"}], "dns": {}, "unknown": [true]}'

	for version in $(jq -r '.[]' <<<"$VERSIONS"); do
		case $version in
		0.[12].0) result=$old ;;
		0.*) result=$(jq -c '.ips[0].version = "4" | .ips[1].version = "6"' <<<"$new") ;;
		1.0.0) result=$new ;;
		1.1.0) result=$(jq -c '.interfaces[1] += {mtu: 1400, socketPath: "/s", pciID: "0000:00:1f.6"}
			| .routes[0] += {mtu: 1400, advmss: 1360, priority: 5, table: 7, scope: 253}' <<<"$new") ;;
		esac
		assert_equal "$(chained "$version" "$result" | jq -S .prevResult)" \
			"$(call ADD "$(chained "$version" "$result")" | jq -S .)" "in $version"
		assert_quiet call DEL "$(chained "$version" "$result")"
	done
	assert_unchanged "after all"
}

test_r24_chained_completes_the_version_only()
{
	local result='{"ips": [{"address": "10.9.0.7/24"}]}'

	assert_equal '{"cniVersion":"1.1.0","ips":[{"address":"10.9.0.7/24"}]}' \
		"$(call ADD "$(chained 1.1.0 "$result" | jq -c 'del(.prevResult.cniVersion)')" | jq -cS .)" "no version"
	assert_equal '{"cniVersion":"1.1.0","ips":[{"address":"10.9.0.7/24"}]}' \
		"$(call ADD "$(chained 1.1.0 "$result" | jq -c '.prevResult.cniVersion = "1.0.0"')" | jq -cS .)" "1.0.0 in 1.1.0"
	assert_refuses 7 'cniVersion' call ADD "$(chained 1.1.0 "$result" | jq -c '.prevResult.cniVersion = "0.4.0"')"
	assert_refuses 7 '^Required prevResult missing' call ADD "$(chained 1.1.0 "$result" | jq -c 'del(.prevResult)')"
}

# Rows: version, what is reserved in it, the result
test_chained_refuses_reserved_addresses_and_gateways()
{
	local version what result

	while IFS='|' read -r version what result; do
		assert_refuses 100 "^${what}[, ].*$WHOSE" call ADD "$(chained "$version" "$result")"
		assert_quiet call DEL "$(chained "$version" "$result")"
	done <<-'EOF'
		0.1.0|address 10.20.0.7|{"ip4": {"ip": "10.20.0.7/24"}}
		0.2.0|gateway 10.20.0.1|{"ip4": {"ip": "10.9.0.7/24", "gateway": "10.20.0.1"}}
		0.3.0|address 10.20.0.7|{"ips": [{"version": "4", "address": "10.20.0.7/24"}]}
		0.3.1|gateway 10.20.0.1|{"ips": [{"version": "4", "address": "10.9.0.7/24", "gateway": "10.20.0.1"}]}
		0.4.0|address 10.20.255.255|{"ips": [{"version": "4", "address": "10.9.0.7/24"}, {"version": "4", "address": "10.20.255.255/32"}]}
		1.0.0|address 10.20.0.0|{"ips": [{"address": "10.20.0.0/16"}]}
		1.1.0|address 10.20.0.7|{"interfaces": [{"name": "eth0"}], "ips": [{"address": "10.20.0.7/24", "interface": 0}]}
		1.1.0|address (::ffff:)?10.20.0.7|{"ips": [{"address": "::ffff:10.20.0.7/128"}]}
	EOF
	assert_succeeds call ADD "$(chained 1.1.0 '{"ips": [{"address": "10.19.255.255/16"}, {"address": "10.21.0.0/16"}]}')"
	assert_unchanged "after all"
}

test_chained_fails_closed()
{
	local conf

	conf=$(chained 1.1.0 '{"ips": [{"address": "10.9.0.7/24"}]}')
	echo 'no JSON' >/etc/rangeguard/reserved.d/broken.json
	assert_refuses 102 broken.json call ADD "$conf"
	assert_refuses 50 broken.json call STATUS "$(jq -c '.guard.strictStatus = true' <<<"$conf")"
	assert_quiet call CHECK "$conf"
	assert_quiet call DEL "$conf"
	rm /etc/rangeguard/reserved.d/broken.json
	assert_refuses 2 'ipmasq' call ADD "$(jq -c '.ipmasq = true' <<<"$conf")"
	assert_refuses '6|7' 'prevResult/ips/0/address' call ADD "$(chained 1.1.0 '{"ips": [{"address": "nonsense"}]}')"
	assert_unchanged "after all"
}

# It holds nothing of its own.
test_r12_r48_chained_gc_and_status()
{
	local conf

	conf=$(chained 1.1.0 '{"ips": [{"address": "10.9.0.7/24"}]}' | jq -c 'del(.prevResult)')
	assert_quiet call STATUS "$conf"
	assert_quiet call GC "$(jq -c '."cni.dev/valid-attachments" = []' <<<"$conf")"
	assert_refuses 7 'attachments' call GC "$conf"
	assert_unchanged "after all"
}

# In one list with itself as IPAM delegate: what is the delegate's is left to it.
test_chained_behind_the_own_delegate()
{
	local list

	list=$(jq -cn --argjson first "$CONF" '{cniVersion: "1.0.0", name: "pods", plugins: [$first, {type: "rangeguard"}]}')
	chain ADD c1 "$list" >/dev/null
	chain CHECK c1 "$list"
	assert_quiet call GC '{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "cni.dev/valid-attachments": []}'
	assert_equal 1 "$(leases)" "leases after GC of the chained plugin"
	assert_quiet call DEL '{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard"}'
	assert_equal 1 "$(leases)" "leases after DEL of the chained plugin, before the bridge's"
	chain DEL c1 "$list"
	assert_equal 0 "$(leases)" "leases after DEL of the list"
	assert_unchanged_but_bridge
}

# --- First in a list ---

test_portmap_and_tuning_behind_rangeguard()
{
	local list result
	local ports='{"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}'

	list=$(<"$SOURCE_DIR/conf-examples/chained.conflist")
	result=$(chain ADD c1 "$list" "$ports")
	assert_json "$result" '.ips[0].address == "10.35.0.1/32" and (.interfaces | length) == 2' "result"
	assert_equal 500 "$(inside c1 cat /proc/sys/net/core/somaxconn)" "sysctl of tuning"
	assert_contains "$(iptables-save -t nat)" 10.35.0.1:80 "rule of portmap"
	# Without portmap: its CHECK fails without IPv6.
	chain CHECK c1 "$(jq 'del(.plugins[1])' <<<"$list")"
	chain DEL c1 "$list" "$ports"
	assert_not_in_firewall 10.35.0.1
	assert_unchanged "after DEL"
}

main "$@"
