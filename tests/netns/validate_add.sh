#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What an ADD refuses of a configuration alone, `validate` tells at the right place, before it reaches a host: both are asked.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

CONF='{"cniVersion": "1.0.0", "name": "pods", "type": "rangeguard", "guard": {"policies": []},
	"ipam": {"type": "rangeguard", "ranges": [[{"subnet": "10.9.0.0/24", "gateway": "10.9.0.1"}]]}}'

# set_up: a container
set_up()
{
	container c1
}

# told POINTER FILE [OPTION…]: `validate` has an error there
told()
{
	local output

	output=$("$RANGEGUARD" validate --format json "${@:3}" "$2" 2>/dev/null) || true
	jq -e --arg pointer "$1" 'any(.findings[]; .severity == "error" and .pointer == $pointer)' >/dev/null <<<"$output" ||
		fail "$2: no error at '$1': $(jq -c '[.findings[] | [.rule, .pointer, .message]]' <<<"$output")"
}

# is_fine FILE: no finding at all
is_fine()
{
	local output

	output=$("$RANGEGUARD" validate --strict "$1" 2>&1) || fail "$1: $output"
}

# assert_both CODE POINTER JQ: an ADD of the configuration, changed by the program, is refused with that code
assert_both()
{
	jq -c "$3" <<<"$CONF" >n.conf
	assert_fails add c1 "$(<n.conf)"
	assert_json "$output" ".code == $1" "ADD: $3"
	told "$2" n.conf
}

test_what_add_refuses_of_a_configuration()
{
	jq -c . <<<"$CONF" >n.conf
	is_fine n.conf
	assert_both 7 "" 'del(.ipam)'
	assert_both 7 /ipam '.ipam = null'
	assert_both 7 /guard '.guard = null'
	assert_both 7 /snat '.snat = null'
	assert_both 7 /args/cni/mac '.args.cni.mac = "zz"'
	assert_both 7 /runtimeConfig/mac '.args.cni.mac = "zz" | .runtimeConfig.mac = "01:00:5e:00:00:01"'
	assert_both 105 /args/cni/ips/0 '.args.cni.ips = ["10.8.0.1"]'
	assert_both 105 /args/cni/ips/1 '.args.cni.ips = ["10.9.0.5", "10.9.0.6"]'
	assert_both 105 /args/cni/ips/0 '.args.cni.ips = ["10.9.0.1"]'
	assert_both 105 /args/cni/ips/0 '.args.cni.ips = ["10.9.0.255"]'
	assert_both 102 /guard/required '.guard.required = true'
	assert_both 7 /snat/64 '.snat = [range(65) | {name: "p\(.)", source: ["192.0.2.1"], destinations: ["198.51.100.\(.)/32"]}]'
	assert_both 6 /prevResult 'del(.ipam) | .prevResult = {ips: [{address: "x"}]}'
	assert_both 7 /prevResult 'del(.ipam) | .prevResult = {cniVersion: "9.0.0"}'
	# A stronger one replaces it.
	jq -c '.args.cni.mac = "zz" | .runtimeConfig.mac = "02:00:00:00:00:01"' <<<"$CONF" >n.conf
	is_fine n.conf
	add c1 "$(<n.conf)" >/dev/null
	del c1 "$(<n.conf)"
	# An address that belongs to a pod by name may be asked for by that pod.
	jq -c '.ipam.fixed = [{pod: "pg-0", addresses: ["10.9.0.9"]}] | .args.cni.ips = ["10.9.0.9"]' <<<"$CONF" >n.conf
	is_fine n.conf
}

test_what_add_refuses_on_its_host()
{
	jq -c '.ipam.resolvConf = "/nonexistent"' <<<"$CONF" >n.conf
	assert_fails add c1 "$(<n.conf)"
	assert_json "$output" '.code == 5' "ADD"
	is_fine n.conf
	told /ipam/resolvConf n.conf --host
	jq -c '.ipam.resolvConf = "/etc/resolv.conf"' <<<"$CONF" >n.conf
	"$RANGEGUARD" validate --host n.conf >out 2>&1 || fail "$(<out)"
}

# --- Lists: what plugins do to each other ---

OURS='del(.name, .cniVersion)'
BRIDGE='{type: "bridge", bridge: "br9", ipam: {type: "host-local", subnet: "10.8.0.0/24"}}'

# write_list ELEMENT…: n.conflist of these, each a jq program over the configuration
write_list()
{
	local IFS=,

	jq -c '. as $conf | {cniVersion, name, plugins: ['"$*"']}' <<<"$CONF" >n.conflist
}

# assert_order POINTER RUNTIME ELEMENT…: the list can't be carried out, and `validate` tells it there
assert_order()
{
	write_list "${@:3}"
	! chain ADD c1 "$(<n.conflist)" "$2" >out 2>&1 || fail "$1: carried out: $(<n.conflist) $(<out)"
	chain DEL c1 "$(<n.conflist)" >/dev/null 2>&1 || true
	told "$1" n.conflist
}

# assert_may_stand ELEMENT…: and this one is fine, carried out too
assert_may_stand()
{
	write_list "$@"
	is_fine n.conflist
	chain ADD c1 "$(<n.conflist)" '{"bandwidth": {"egressRate": 1000000, "egressBurst": 100000}}' >out 2>&1 || fail "$(<out)"
	chain DEL c1 "$(<n.conflist)"
}

test_order_in_a_list()
{
	local limits='{"bandwidth": {"egressRate": 1000000, "egressBurst": 100000}}' bandwidth='{type: "bandwidth", capabilities: {bandwidth: true}}'
	local chained='{type: "rangeguard", guard: {policies: []}}' pin='{type: "rangeguard", guard: {policies: []}, snat: [{name: "a", source: ["192.0.2.1"]}]}'

	install_plugins bridge host-local macvlan sbr tuning bandwidth
	ip link add parent type veth peer name parent1
	ip link set parent up
	assert_order /plugins/0 '{}' "$chained"
	assert_order /plugins/0 '{}' "$chained" "$BRIDGE"
	assert_order /plugins/1/ipam '{}' "$OURS" "$BRIDGE"
	assert_order /plugins/1/ipam '{}' "$BRIDGE" "$OURS"
	assert_order /plugins/1/ipam '{}' "$OURS" "$OURS"
	assert_order /plugins/1/type '{}' "$OURS" '{type: "sbr"}'
	assert_order /plugins/1/egressRate '{}' "$OURS" '{type: "bandwidth", egressRate: 1000000, egressBurst: 100000}'
	assert_order /plugins/1/capabilities "$limits" "$OURS" "$bandwidth"
	assert_order /plugins/1/snat '{}' '{type: "macvlan", master: "parent", ipam: {type: "host-local", subnet: "10.8.0.0/24"}}' "$pin"
	assert_may_stand "$BRIDGE" "$chained"
	assert_may_stand "$BRIDGE" "$pin" "$bandwidth"
	assert_may_stand "$OURS + {capabilities: {bandwidth: true}}" "$bandwidth"
	assert_may_stand "$OURS + {antiSpoof: false}" "$bandwidth"
	assert_may_stand "$OURS" '{type: "tuning", sysctl: {"net.core.somaxconn": "500"}}'
}

# changed_list JQ: n.conflist with the program's changes; fine_list JQ, told_list POINTER JQ: what `validate` says of it
changed_list()
{
	local list

	write_list "$OURS" '{type: "portmap"}'
	list=$(jq -c "$1" n.conflist)
	echo "$list" >n.conflist
}

fine_list()
{
	changed_list "$1"
	is_fine n.conflist
}

told_list()
{
	changed_list "$2"
	told "$1" n.conflist
}

# What libcni 1.3 says of these (NetworkConfFromBytes(), types.PluginConf): no ADD comes, nor a container. And what it hands to nobody
test_lists_that_no_runtime_loads()
{
	local key output

	fine_list '.plugins[1].capabilities = {portMappings: true, x: null}'
	fine_list '.disableCheck = true | .disableGC = "False" | .loadOnlyInlinedPlugins = false | .nerdctlID = "x"'
	told_list /plugins/1/capabilities/portMappings '.plugins[1].capabilities = {portMappings: "yes"}'
	told_list /plugins/1/capabilities '.plugins[1].capabilities = ["portMappings"]'
	told_list /plugins '.plugins = null'
	for key in disableCheck disableGC loadOnlyInlinedPlugins; do
		told_list "/$key" ".$key = \"yes\""
		told_list "/$key" ".$key = null"
		told_list "/$key" ".$key = 1"
	done
	for key in guard snat ipam ipMasq nonMasq antiSpoof history markMask annotations capabilities runtimeConfig; do
		told_list "/$key" ".$key = {}"
	done
	# go-cni and ocicni know by the name which of the two a file is.
	changed_list .
	mv n.conflist n.conf
	output=$("$RANGEGUARD" validate n.conf 2>&1)
	assert_contains "$output" "n.conf:1:1: warning RG003: a list of plugins in a file that is not named *.conflist" "a list"
	jq -c . <<<"$CONF" >n.conflist
	output=$("$RANGEGUARD" validate n.conflist 2>&1)
	assert_contains "$output" "n.conflist:1:1: warning RG003: a plugin alone in a file named *.conflist" "a plugin"
	# Of a list without rangeguard its authors know more.
	fine_list '.plugins = [{type: "portmap"}] | .capabilities = {}'
}

# tuning's ADD succeeds, and the container is deaf
test_mac_of_tuning()
{
	local list

	install_plugins tuning
	write_list "$OURS" '{type: "tuning", mac: "02:00:00:00:00:95"}'
	chain ADD c1 "$(<n.conflist)" >/dev/null
	assert_unreachable c1 "$HOST_IPV4"
	chain DEL c1 "$(<n.conflist)"
	told /plugins/1/mac n.conflist
	write_list "$OURS" '{type: "tuning", capabilities: {mac: true}}'
	told /plugins/1/capabilities n.conflist
	list=$(jq -c '.plugins[0].capabilities = {mac: true} | .plugins[1] = {type: "tuning"}' n.conflist)
	echo "$list" >n.conflist
	is_fine n.conflist
}

main "$@"
