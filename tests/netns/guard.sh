#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guard: every way to an address is refused what is reserved, with the owner's name; grants; policies that can't be
# read; pools around reservations; what the host's routes say.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
	"ranges": [[{"subnet": "10.9.0.0/16"}]]}}'
POLICIES=/etc/rangeguard/reserved.d
DATABASES='{"reserved": [
	{"cidr": "10.20.0.0/16", "owner": "db-platform", "reason": "Oracle RAC", "ref": "NET-1042"},
	{"cidr": "fd20::/32", "owner": "db-platform", "reason": "Oracle RAC", "ref": "NET-1042"},
	{"cidr": "10.9.7.0/24", "owner": "db-platform", "reason": "Oracle RAC", "ref": "NET-1042"}]}'

set_up()
{
	container c1
}

# with CONF FILTER…: the configuration, changed by a jq program
with()
{
	jq -c "${@:2}" <<<"$1"
}

# pool CONF SUBNET…: with one range set per subnet
pool()
{
	with "$1" '.ipam.ranges = ($ARGS.positional | map([{subnet: .}]))' --args "${@:2}"
}

# reserve CIDR|RANGE…: a configuration that reserves them itself
reserve()
{
	with "$CONF" '.guard.reserved = ($ARGS.positional | map({(if contains("-") then "range" else "cidr" end): .}))' \
		--args "$@"
}

# policy NAME JSON: a file in the default directory
policy()
{
	mkdir -p "$POLICIES"
	printf '%s\n' "$2" >"$POLICIES/$1"
}

# snapshot: what a refusal must not change
snapshot()
{
	host_state
	ls -l /sys/class/net
	inside c1 ip address show
	"$RANGEGUARD" list
}

# assert_refusal CODE WHAT CONF [NAME=VALUE…]: ADD of c1 is refused and changes nothing; the error is left in $output
assert_refusal()
{
	local before

	before=$(snapshot)
	assert_fails add c1 "${@:3}"
	assert_refused "$1" "$output" "$2"
	assert_equal "$before" "$(snapshot)" "$2: what a refusal leaves"
}

# assert_names_owner SUBJECT RANGE FILE WHAT: the refusal in $output names all that the user needs
assert_names_owner()
{
	local part message

	message=$(jq -r .msg <<<"$output")
	for part in "$1" "$2" db-platform "Oracle RAC" NET-1042 "$3"; do
		assert_contains "$message" "$part" "$4: the refusal"
	done
}

# assert_allowed ADDRESS CONF [NAME=VALUE…]: ADD of c1 succeeds with that address; DEL
assert_allowed()
{
	output=$(add c1 "${@:2}") || fail "refused: $output"
	assert_equal "$1" "$(jq -r '.ips[0].address | sub("/.*"; "")' <<<"$output")" "address"
	del c1 "$2"
}

# assert_works CONF [NAME=VALUE…]: ADD of c1 succeeds; DEL
assert_works()
{
	output=$(add c1 "$@" 2>&1) || fail "refused: $output"
	del c1 "$1"
}

test_ranges()
{
	local subnet

	policy dba.json "$DATABASES"
	for subnet in 10.20.0.0/16 10.20.5.0/24 10.20.255.255/32 10.16.0.0/12 fd20::/64 fd00::/8; do
		assert_refusal 100 "$subnet" "$(pool "$CONF" "$subnet")"
	done
	assert_names_owner fd00::/8 fd20::/32 "$POLICIES/dba.json" "IPv6"
	assert_refusal 100 "one of two" "$(pool "$CONF" 10.8.0.0/24 10.20.5.0/24)"
	assert_names_owner 10.20.5.0/24 10.20.0.0/16 "$POLICIES/dba.json" "one of two ranges"
	assert_refusal 100 "only the subnet touches" "$(with "$CONF" '.ipam.ranges = [[{subnet: "10.20.0.0/15",
		rangeStart: "10.21.0.1", rangeEnd: "10.21.0.9"}]]')"
	assert_refusal 100 "legacy form" "$(with "$CONF" '.ipam = {type: "rangeguard", subnet: "10.20.5.0/24"}')"
	assert_names_owner 10.20.5.0/24 10.20.0.0/16 "$POLICIES/dba.json" "legacy form"
	assert_works "$(pool "$CONF" 10.19.0.0/16 10.21.0.0/16 fd21::/32 fd1f::/32)"
}

test_runtime_ranges()
{
	policy dba.json "$DATABASES"
	assert_refusal 100 "ipRanges" "$(with "$CONF" '.ipam.ranges = [[{subnet: "10.8.0.0/24"}]]
		| .runtimeConfig.ipRanges = [[{subnet: "10.20.5.0/24"}]]')"
	assert_names_owner 10.20.5.0/24 10.20.0.0/16 "$POLICIES/dba.json" "ipRanges"
}

test_requested_addresses()
{
	local conf

	policy dba.json "$DATABASES"
	conf=$(with "$CONF" '.guard.onOverlap = "exclude"')
	assert_works "$conf"
	assert_refusal 100 "IP=" "$conf" CNI_ARGS=IP=10.9.7.9
	assert_names_owner 10.9.7.9 10.9.7.0/24 "$POLICIES/dba.json" "IP="
	assert_refusal 100 "mapped IP=" "$conf" CNI_ARGS=IP=::ffff:10.9.7.9
	assert_names_owner 10.9.7.9 10.9.7.0/24 "$POLICIES/dba.json" "IP= in IPv6 spelling"
	assert_refusal 100 "args.cni.ips" "$(with "$conf" '.args.cni.ips = ["10.9.7.10/16"]')"
	assert_names_owner 10.9.7.10 10.9.7.0/24 "$POLICIES/dba.json" "args.cni.ips"
	assert_refusal 100 "runtimeConfig.ips" "$(with "$conf" '.runtimeConfig.ips = ["10.9.7.255"]')"
	assert_names_owner 10.9.7.255 10.9.7.0/24 "$POLICIES/dba.json" "runtimeConfig.ips"
	assert_allowed 10.9.8.0 "$conf" CNI_ARGS=IP=10.9.8.0
}

test_gateway()
{
	policy dba.json "$DATABASES"
	assert_refusal 100 "gateway" "$(with "$CONF" '.ipam.ranges = [[{subnet: "10.8.0.0/24", gateway: "10.20.0.1"}]]')"
	assert_names_owner 10.20.0.1 10.20.0.0/16 "$POLICIES/dba.json" "gateway"
}

test_delegate()
{
	local conf

	policy dba.json "$DATABASES"
	conf=$(pool "$(with "$CONF" '.type = "bridge" | .isGateway = true')" 10.20.5.0/24)
	assert_refusal 100 "range of a delegate" "$conf"
	assert_names_owner 10.20.5.0/24 10.20.0.0/16 "$POLICIES/dba.json" "range of a delegate"
	conf=$(pool "$conf" 10.8.0.0/24)
	assert_works "$conf"
	assert_refusal 100 "guard inside ipam" "$(with "$conf" '.ipam.guard.reserved = [{cidr: "10.8.0.0/29", owner: "x"}]')"
	assert_refusal 7 "exclude with a connected route" "$(with "$conf" '.guard.onOverlap = "exclude"')"
}

test_chained()
{
	local conf length previous='{"cniVersion": "1.1.0", "interfaces": [{"name": "eth0", "mac": "02:00:00:00:00:01",
		"sandbox": "/run/netns/c1"}], "ips": [{"address": "10.8.0.5/24", "gateway": "10.8.0.1", "interface": 0}],
		"routes": [{"dst": "0.0.0.0/0"}], "dns": {"nameservers": ["192.0.2.53"]}}'

	policy dba.json "$DATABASES"
	conf=$(with "$CONF" --argjson previous "$previous" 'del(.ipam) | .prevResult = $previous')
	output=$(add c1 "$conf") || fail "chained ADD: $output"
	assert_equal "$(jq -cS . <<<"$previous")" "$(jq -cS . <<<"$output")" "the result passed on"
	assert_refusal 100 "address of another plugin" "$(with "$conf" '.prevResult.ips[0].address = "10.20.0.5/24"')"
	assert_names_owner 10.20.0.5 10.20.0.0/16 "$POLICIES/dba.json" "address of another plugin"
	assert_refusal 100 "gateway of another plugin" "$(with "$conf" '.prevResult.ips[0].gateway = "10.20.255.254"')"
	assert_names_owner 10.20.255.254 10.20.0.0/16 "$POLICIES/dba.json" "gateway of another plugin"
	# The README's accident: a network around the databases, of which the plugin gives the harmless half
	assert_refusal 100 "network of another plugin" "$(with "$conf" '.prevResult.ips[0] |= (.address = "10.21.0.5/15" | .gateway = "10.21.0.1")')"
	assert_names_owner 10.20.0.0/15 10.20.0.0/16 "$POLICIES/dba.json" "network of another plugin"
	output=$(add c1 "$(with "$conf" '.prevResult.ips[0] |= (.address = "10.21.0.5/32" | .gateway = "10.21.0.1")')") || fail "a host address: $output"
	assert_refusal 100 "second address" "$(with "$conf" '.prevResult.ips += [{address: "fd20::5/64"}]')"
	for length in 24 96 128; do
		assert_refusal 100 "mapped address /$length" \
			"$(with "$conf" ".prevResult.ips[0].address = \"::ffff:10.20.0.5/$length\" | del(.prevResult.ips[0].gateway)")"
	done
	assert_refusal 100 "result of 0.2.0" "$(with "$conf" '.cniVersion = "0.2.0"
		| .prevResult = {cniVersion: "0.2.0", ip4: {ip: "10.20.0.5/24"}}')"
}

# assert_captured ROUTE WHAT CONF: refused; warned of; passed over: as guard.routes says
assert_captured()
{
	assert_refusal 100 "$2" "$3"
	assert_names_owner "$1" 10.20.0.0/16 "$POLICIES/dba.json" "$2"
	output=$(add c1 "$(with "$3" '.guard.routes = "off"')" 2>warning) || fail "$2 with off: $output"
	assert_empty "$(grep -v unguarded warning || true)" "$2 with off: a warning"
	del c1 "$3"
	output=$(add c1 "$(with "$3" '.guard.routes = "warn"')" 2>warning) || fail "$2 with warn: $output"
	assert_contains "$(<warning)" "$1" "$2 with warn: the warning"
	assert_contains "$(<warning)" db-platform "$2 with warn: the warning"
	del c1 "$3"
}

# A route captures a range's traffic as an address does, unless it goes the way that everything goes
test_routes_of_a_container()
{
	local conf

	policy dba.json "$DATABASES"
	conf=$(with "$CONF" '.ipam.ranges = [[{subnet: "10.8.0.0/24"}]] | .ipam.routes = [{dst: "0.0.0.0/0"}]')
	assert_captured 10.20.0.0/17 "routes[].dst" "$(with "$conf" '.ipam.routes += [{dst: "10.20.0.0/17", gw: "10.8.0.9"}]')"
	assert_captured 10.16.0.0/12 "a wider one" "$(with "$conf" '.ipam.routes += [{dst: "10.16.0.0/12", gw: "10.8.0.9"}]')"
	assert_captured 10.20.7.1 "routes[].gw" "$(with "$conf" '.ipam.routes += [{dst: "192.168.0.0/16", gw: "10.20.7.1"}]')"
	assert_works "$(with "$conf" '.ipam.routes += [{dst: "10.20.0.0/16"}, {dst: "10.20.1.0/24", gw: "169.254.1.1"}]')"
	assert_works "$(with "$conf" '.ipam.routes += [{dst: "10.21.0.0/16", gw: "10.8.0.9"}]')"
	conf=$(with "$conf" '.type = "bridge" | .ipam.ranges[0][0].gateway = "10.8.0.1"')
	assert_captured 10.20.0.0/16 "a delegate's" "$(with "$conf" '.ipam.routes += [{dst: "10.20.0.0/16", gw: "10.8.0.9"}]')"
	assert_works "$(with "$conf" '.ipam.routes += [{dst: "10.20.0.0/16"}, {dst: "10.20.0.0/17", gw: "10.8.0.1"}]')"
	conf=$(with "$CONF" 'del(.ipam) | .prevResult = {cniVersion: "1.1.0", interfaces: [{name: "eth0", sandbox: "/run/netns/c1"}],
		ips: [{address: "10.8.0.5/24", gateway: "10.8.0.1", interface: 0}], routes: [{dst: "0.0.0.0/0"}, {dst: "10.20.0.0/16", gw: "10.8.0.1"}]}')
	output=$(add c1 "$conf") || fail "by the default gateway: $output"
	assert_captured 10.20.0.0/16 "prevResult.routes" "$(with "$conf" '.prevResult.routes[1].gw = "10.8.0.9"')"
	assert_captured 10.20.3.3 "prevResult.routes[].gw" "$(with "$conf" '.prevResult.routes += [{dst: "10.30.0.0/16", gw: "10.20.3.3"}]')"
}

# NAT64 and 6to4 lead to an IPv4 address that stands in the IPv6 one
test_ipv6_forms_of_reserved_ipv4_ranges()
{
	local subnet

	policy dba.json "$DATABASES"
	for subnet in 64:ff9b::10.20.0.0/112 64:ff9b::/96 2002:0a14:1::/64 2002:a14::/32 2002::/16; do
		assert_refusal 100 "$subnet" "$(pool "$CONF" 10.8.0.0/24 "${subnet/10.20.0.0/a14:0}")"
		assert_contains "$output" db-platform "$subnet"
	done
	assert_works "$(pool "$CONF" 64:ff9b::a15:0/112 2002:a15:1::/64)"
	policy grant.json '{"granted": [{"cidr": "10.20.64.0/20", "network": "pods"}]}'
	assert_works "$(pool "$CONF" 2002:a14:4001::/64)"
}

test_grants()
{
	local conf

	conf=$(pool "$CONF" 10.20.64.0/24)
	policy dba.json "$DATABASES"
	assert_refusal 100 "without a grant" "$conf"
	policy grant.json '{"granted": [{"cidr": "10.20.64.0/20", "network": "po*s"}]}'
	assert_allowed 10.20.64.1 "$conf"
	assert_refusal 100 "other network" "$(with "$conf" '.name = "poodle"')"
	assert_refusal 100 "beyond the grant" "$(pool "$CONF" 10.20.80.0/24)"
	policy grant.json '{"granted": [{"cidr": "10.20.64.0/20"}]}'
	assert_works "$(with "$conf" '.name = "anything"')"
	policy nested.json '{"reserved": [{"range": "10.20.64.128-10.20.64.129", "owner": "backup"}]}'
	assert_refusal 100 "reservation inside the grant" "$conf"
	assert_contains "$output" backup "owner of the reservation inside the grant"
	assert_works "$(pool "$CONF" 10.20.64.0/25)"
	policy innermost.json '{"granted": [{"cidr": "10.20.64.128/32"}]}'
	assert_works "$(pool "$CONF" 10.20.64.128/32)"
	assert_refusal 100 "beside the innermost grant" "$(pool "$CONF" 10.20.64.129/32)"
	assert_works "$(pool "$CONF" 10.20.64.130/31)"
}

test_reservation_wins_over_a_grant_of_its_length()
{
	local conf

	conf=$(with "$(reserve 10.9.0.0/16)" '.guard.granted = [{cidr: "10.9.0.0/16"}]')
	assert_refusal 100 "the same range" "$conf"
	assert_works "$(with "$conf" '.guard.granted = [{cidr: "10.9.0.0/17"}, {cidr: "10.9.128.0/17"}]')"
}

test_valid_until()
{
	local conf day

	conf=$(with "$(reserve 10.9.0.0/16)" '.guard.reserved[0].validUntil = $ARGS.positional[0]' --args 2999-12-31)
	assert_refusal 100 "until 2999" "$conf"
	day=$(date -u +%F)
	assert_refusal 100 "until today" "$(with "$conf" --arg day "$day" '.guard.reserved[0].validUntil = $day')"
	day=$(date -u -d yesterday +%F)
	assert_works "$(with "$conf" --arg day "$day" '.guard.reserved[0].validUntil = $day')"
	conf=$(with "$(reserve 10.9.0.0/16)" '.guard.granted = [{cidr: "10.9.0.0/17", validUntil: "2020-01-01"}]
		| .ipam.ranges = [[{subnet: "10.9.0.0/24"}]]')
	assert_refusal 100 "expired grant" "$conf"
	for day in 2027-02-30 2027-6-30 tomorrow "2027-06-30 " ""; do
		conf=$(with "$(reserve 10.8.0.0/16)" --arg day "$day" '.guard.reserved[0].validUntil = $day')
		assert_fails add c1 "$conf"
		assert_json "$output" '.code == 7 or .code == 102' "validUntil '$day'"
	done
}

test_edges()
{
	local edge

	for edge in 0.0.0.0/0 10.0.0.0/8 10.9.0.0/16 10.9.0.0/32 10.9.255.255/32 10.9.128.0/32 0.0.0.0-10.9.0.0 \
		10.9.255.255-255.255.255.255 10.8.255.255-10.10.0.0 ::ffff:10.9.0.0/112 ::ffff:10.9.3.1-::ffff:10.9.3.9; do
		assert_refusal 100 "$edge" "$(reserve "$edge")"
	done
	assert_works "$(reserve 10.8.255.255/32 10.10.0.0/32 0.0.0.0-10.8.255.255 10.10.0.0-255.255.255.255 ::/0)"
	for edge in ::/0 fd00:9::/32 fd00:9::/128 fd00:9::ffff:ffff:ffff:ffff/128 ::-fd00:9::; do
		assert_refusal 100 "$edge" "$(pool "$(reserve "$edge")" fd00:9::/64)"
	done
	assert_works "$(pool "$(reserve fd00:8:ffff:ffff:ffff:ffff:ffff:ffff/128 fd00:9:0:1::/128 0.0.0.0/0)" fd00:9::/64)"
	assert_refusal 100 "whole Internet" "$(pool "$(reserve 255.255.255.255/32)" 0.0.0.0/0)"
	assert_works "$(with "$(reserve 0.0.0.0/0 ::/0)" '.guard.granted = [{cidr: "10.9.0.0/16"}]')"
}

test_default_directory_may_be_absent()
{
	[[ ! -e "$POLICIES" ]] || fail "$POLICIES is there"
	assert_works "$CONF"
	mkdir -p "$POLICIES"
	assert_works "$CONF"
	rmdir "$POLICIES"
	ln -s /nowhere "$POLICIES"
	assert_refusal 102 "a dangling symlink is not absent" "$CONF"
}

# A symlink on the way that leads nowhere is not absent either, and who can write to a directory on the way decides
test_directories_above_the_policies()
{
	local big

	big=$(jq -nc '{reserved: [range(300) | {cidr: "10.250.\(. / 256 | floor).\(. % 256)/32", owner: "somebody"}]}')
	ln -s /nowhere /etc/rangeguard
	assert_refusal 102 "a dangling symlink above" "$CONF"
	assert_contains "$output" "/etc/rangeguard, which is a symlink that leads nowhere" "the refusal"
	rm /etc/rangeguard
	assert_works "$CONF"
	mkdir -p /etc/rangeguard
	chmod 0777 /etc/rangeguard
	assert_refusal 102 "nothing there yet, but anybody may make it" "$CONF"
	chmod 0755 /etc/rangeguard
	for policy in '{"reserved": []}' "$big"; do
		policy dba.json "$policy"
		assert_works "$CONF"
		chmod 0777 /etc/rangeguard
		assert_refusal 102 "writable by others" "$CONF"
		assert_contains "$output" "lies in /etc/rangeguard, which is writable by others" "the refusal"
		chmod 0775 /etc/rangeguard
		assert_refusal 102 "writable by a group" "$CONF"
		chmod 0755 /etc/rangeguard
		chown nobody /etc/rangeguard
		assert_refusal 102 "another user's" "$CONF"
		assert_contains "$output" "lies in /etc/rangeguard, which belongs to user 65534" "the refusal"
		chown root /etc/rangeguard
		assert_works "$CONF"
	done
	mkdir -m 0777 shared
	mv /etc/rangeguard shared/rangeguard
	ln -s "$PWD/shared/rangeguard" /etc/rangeguard
	assert_refusal 102 "writable behind a symlink" "$CONF"
	assert_contains "$output" "lies in $PWD/shared" "the refusal"
	chmod 0755 shared
	assert_works "$CONF"
	chown -h nobody /etc/rangeguard
	assert_refusal 102 "another user's symlink" "$CONF"
}

test_directory_is_read_in_name_order()
{
	local conf

	conf=$(pool "$CONF" 10.20.5.0/24)
	policy 20-b.json '{"reserved": [{"cidr": "10.20.0.0/16", "owner": "second"}]}'
	policy 10-a.json '{"reserved": [{"cidr": "10.20.0.0/16", "owner": "first"}]}'
	policy 05-notes.txt 'not a policy'
	assert_refusal 100 "two files" "$conf"
	assert_contains "$output" "owner first; $POLICIES/10-a.json" "the file that is named"
	rm "$POLICIES/10-a.json"
	assert_refusal 100 "one file" "$conf"
	assert_contains "$output" "owner second; $POLICIES/20-b.json" "the file that is left"
}

test_named_policies()
{
	local conf

	policy dba.json "$DATABASES"
	mkdir policies
	echo "$DATABASES" >policies/dba.json
	echo '{"reserved": [{"cidr": "10.8.0.0/16", "owner": "telephony"}]}' >telephony.json
	conf=$(with "$CONF" --arg dir "$PWD" '.guard.policies = [$dir + "/policies", $dir + "/telephony.json"]')
	assert_refusal 100 "directory" "$(pool "$conf" 10.20.5.0/24)"
	assert_names_owner 10.20.5.0/24 10.20.0.0/16 "$PWD/policies/dba.json" "directory"
	assert_refusal 100 "file" "$(pool "$conf" 10.8.5.0/24)"
	assert_contains "$output" telephony "file"
	assert_works "$(pool "$(with "$CONF" '.guard.policies = []')" 10.20.5.0/24)"
}

# assert_unusable WHAT CONF: ADD fails closed, and STATUS tells
assert_unusable()
{
	assert_refusal 102 "$1" "$2"
	assert_contains "$output" "$PWD/policy" "$1: the refusal"
	output=$(cni STATUS "" "" "" "$2" 2>&1) || fail "$1: STATUS takes the node out of service: $output"
	assert_contains "$output" "code 102: " "$1: what STATUS says"
	assert_fails cni STATUS "" "" "" "$(with "$2" '.guard.strictStatus = true')"
	assert_refused 50 "$output" "$1: strict STATUS"
}

test_unusable_policies_fail_closed()
{
	local conf

	conf=$(with "$CONF" --arg path "$PWD/policy.json" '.guard.policies = [$path]')
	assert_unusable "missing" "$conf"
	ln -s policy.json policy.json
	assert_unusable "unreadable" "$conf"
	rm policy.json
	: >policy.json
	assert_unusable "empty" "$conf"
	mkfifo policy.fifo
	assert_unusable "a FIFO" "$(with "$conf" --arg path "$PWD/policy.fifo" '.guard.policies = [$path]')"
	echo '{"reserved": []}' >policy.json
	assert_works "$conf"
	chmod 0666 policy.json
	assert_unusable "world-writable" "$conf"
	chmod 0664 policy.json
	assert_unusable "writable by a group" "$conf"
	chmod 0644 policy.json
	chown nobody policy.json
	assert_unusable "another user's" "$conf"
	chown root policy.json
	assert_works "$conf"
}

test_malformed_policies_fail_closed()
{
	local conf text

	conf=$(with "$CONF" --arg path "$PWD/policy.json" '.guard.policies = [$path]')
	for text in '{}' '{"reserved": null}' 'reserved: []' '{"reserved": [' '[]' '"x"' '{"reserved": {}}' '{"reserved": ["10.8.0.0/16"]}' \
		'{"reserved": [{"cidr": "10.8.0.0"}]}' '{"reserved": [{"cidr": "10.8.0.1/16"}]}' \
		'{"reserved": [{"cidr": "10.8.0.0/33"}]}' '{"reserved": [{"owner": "nobody knows of what"}]}' \
		'{"reserved": [{"cidr": "10.8.0.0/16", "range": "10.8.0.0-10.8.0.1"}]}' '{"reserved": [{"range": "10.8.0.9-10.8.0.1"}]}' \
		'{"reserved": [{"range": "10.8.0.9-fd00::1"}]}' '{"reserved": [{"cidr": "10.8.0.0/16", "validUntil": "soon"}]}' \
		'{"reserved": [{"cidr": "10.8.0.0/16", "onwer": "x"}]}' '{"resreved": [{"cidr": "10.8.0.0/16"}]}' \
		'{"granted": [{"cidr": "10.8.0.0/16", "network": null}]}' '{"granted": [{"cidr": "10.8.0.0/16", "validUntil": null}]}' \
		'{"reserved": [], "reserved": []}' '{"granted": [{"cidr": "10.8.0.0/16", "network": 5}]}' '{"reserved": []} x'; do
		echo "$text" >policy.json
		assert_unusable "$text" "$conf"
	done
	echo '{"reserved": [{"cidr": "10.8.0.0/16", "x-comment": "fine"}]}' >policy.json
	assert_works "$conf"
}

# Editors on Windows put a byte order mark before JSON
test_byte_order_mark()
{
	local conf

	policy dba.json $'\xef\xbb\xbf'"$DATABASES"
	assert_refusal 100 "a small policy" "$(pool "$CONF" 10.20.5.0/24)"
	policy dba.json $'\xef\xbb\xbf'"$(jq -c '.reserved += [range(300) | {cidr: "10.250.\(. / 256 | floor).\(. % 256)/32"}]' <<<"$DATABASES")"
	assert_refusal 100 "a large policy" "$(pool "$CONF" 10.20.5.0/24)"
	conf=$'\xef\xbb\xbf'$(pool "$CONF" 10.21.0.0/24)
	output=$(CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_NETNS=$(netns_path c1) CNI_IFNAME=eth0 "$RANGEGUARD" <<<"$conf") || fail "ADD: $output"
	CNI_COMMAND=DEL CNI_CONTAINERID=c1 CNI_NETNS=$(netns_path c1) CNI_IFNAME=eth0 "$RANGEGUARD" <<<"$conf" || fail "DEL"
	assert_nothing_left
}

test_unusable_policy_in_a_directory()
{
	local conf

	mkdir policy
	conf=$(with "$CONF" --arg path "$PWD/policy" '.guard.policies = [$path]')
	assert_works "$conf"
	mkfifo policy/a.json
	assert_unusable "a FIFO" "$conf"
	rm policy/a.json
	mkdir policy/a.json
	assert_unusable "a directory" "$conf"
	rmdir policy/a.json
	ln -s nowhere policy/a.json
	assert_unusable "a dangling symlink" "$conf"
	rm policy/a.json
	echo '{' >policy/a.txt
	assert_works "$conf"
	chmod 0777 policy
	assert_unusable "a world-writable directory" "$conf"
}

# The whole pool is given, so that not one reserved address can hide
test_exclude_allocates_around_reservations()
{
	local conf
	local -i i
	local -a given=()

	conf=$(pool "$(reserve 10.9.0.4-10.9.0.9 10.9.0.13/32 10.9.0.0/31)" 10.9.0.0/28)
	assert_refusal 100 "refuse" "$conf"
	conf=$(with "$conf" '.guard.onOverlap = "exclude"')
	for ((i = 1; i <= 6; i++)); do
		container "p$i"
		output=$(add "p$i" "$conf") || fail "ADD number $i: $output"
		given+=("$(jq -r '.ips[0].address' <<<"$output")")
	done
	assert_equal "10.9.0.2/32 10.9.0.3/32 10.9.0.10/32 10.9.0.11/32 10.9.0.12/32 10.9.0.14/32" "${given[*]}" "addresses"
	assert_refusal 101 "nothing but reserved addresses left" "$conf"
	del p1 "$conf"
	assert_allowed 10.9.0.2 "$conf"
}

test_exclude_of_everything()
{
	local conf

	conf=$(with "$(pool "$(reserve 10.9.0.0/24)" 10.9.0.0/28)" '.guard.onOverlap = "exclude"')
	assert_fails add c1 "$conf"
	assert_json "$output" '.code == 100 or .code == 101 or .code == 7' "a pool that is reserved altogether"
	conf=$(with "$(pool "$(reserve 10.9.0.1-10.9.0.13)" 10.9.0.0/28)" '.guard.onOverlap = "exclude"')
	assert_allowed 10.9.0.14 "$conf"
}

test_policy_that_changes_between_adds()
{
	local conf

	policy dba.json '{"reserved": []}'
	conf=$(pool "$(with "$CONF" '.guard.onOverlap = "exclude" | .ipam.reuseDelay = 0')" 10.9.0.0/29)
	assert_allowed 10.9.0.1 "$conf"
	policy dba.json '{"reserved": [{"range": "10.9.0.2-10.9.0.5"}]}'
	assert_allowed 10.9.0.6 "$conf"
	policy dba.json '{"reserved": [{"cidr": "10.9.0.6/32"}]}'
	assert_allowed 10.9.0.1 "$conf"
	assert_allowed 10.9.0.2 "$conf"
}

test_delete_after_the_policy_has_tightened()
{
	add c1 "$CONF" >/dev/null
	policy dba.json '{"reserved": [{"cidr": "10.9.0.0/16", "owner": "db-platform"}]}'
	del c1 "$CONF"
	assert_nothing_left
	rm "$POLICIES/dba.json"
	add c1 "$CONF" >/dev/null
	policy dba.json '{'
	del c1 "$CONF"
	assert_nothing_left
}

# Same attachment, older lease: the policy of today decides
test_lease_kept_from_before_the_policy()
{
	local conf

	conf=$(pool "$(with "$CONF" '.guard.onOverlap = "exclude"')" 10.9.0.0/29)
	add c1 "$conf" >/dev/null
	inside c1 ip link delete eth0
	policy dba.json '{"reserved": [{"cidr": "10.9.0.1/32"}]}'
	output=$(add c1 "$conf") || fail "ADD: $output"
	assert_json "$output" '.ips[0].address == "10.9.0.2/32"' "address after the first became reserved"
	assert_equal 1 "$(leases)" "leases"
}

# Nothing reserved at all is said at each ADD, or refused
test_unguarded_network()
{
	local conf

	conf=$(with "$CONF" '.guard.required = true')
	output=$(add c1 "$CONF" 2>warning) || fail "ADD: $output"
	assert_contains "$(<warning)" "network pods is unguarded: no range is reserved ($POLICIES)" "what an ADD says"
	del c1 "$CONF"
	assert_refusal 102 "required, no directory" "$conf"
	assert_contains "$output" guard.required "the refusal"
	assert_fails cni STATUS "" "" "" "$(with "$conf" '.guard.strictStatus = true')"
	assert_refused 50 "$output" "strict STATUS"
	policy empty.json '{"reserved": []}'
	assert_refusal 102 "required, an empty list" "$conf"
	policy grants.json '{"granted": [{"cidr": "10.9.0.0/16"}]}'
	assert_refusal 102 "required, only grants" "$conf"
	policy dba.json '{"reserved": [{"cidr": "fd20::/32"}]}'
	output=$(add c1 "$conf" 2>warning) || fail "ADD: $output"
	assert_empty "$(<warning)" "a warning of a guarded network"
	del c1 "$conf"
	assert_works "$(with "$conf" '.guard.policies = [] | .guard.reserved = [{cidr: "10.20.0.0/16"}]')"
}

# A policy that somebody breaks stops nothing for a while, but reserves what it did
test_last_good_policy()
{
	local conf broken marker

	policy dba.json "$DATABASES"
	conf=$(with "$CONF" '.guard.onOverlap = "exclude" | .guard.onBroken = "last-good"')
	assert_works "$conf"
	assert_refusal 100 "before" "$conf" CNI_ARGS=IP=10.9.7.9
	for broken in '{' '{"reserved": [{"cidr": "10.9.7.0"}]}' ''; do
		policy dba.json "$broken"
		output=$(add c1 "$conf" 2>warning) || fail "'$broken': $output"
		assert_matches "$(<warning)" "warning: .*$POLICIES/dba.json.*last policy that could be read, for [0-9]+ s" "'$broken': what an ADD says"
		del c1 "$conf"
		! output=$(add c1 "$conf" CNI_ARGS=IP=10.9.7.9 2>/dev/null) || fail "'$broken': a reserved address was given"
		assert_refused 100 "$output" "'$broken', reserved"
		output=$(cni STATUS "" "" "" "$(with "$conf" '.guard.strictStatus = true')" 2>&1) || fail "'$broken': STATUS: $output"
		assert_contains "$output" "last policy that could be read" "'$broken': what STATUS says"
	done
	assert_refusal 102 "without the key" "$(with "$conf" 'del(.guard.onBroken)')"
	assert_refusal 102 "another network, which had none" "$(with "$conf" '.name = "batch"')"
	touch -d "10 minutes ago" /run/rangeguard/broken-*
	output=$(add c1 "$(with "$conf" '.guard.maxAge = 700')" 2>warning) || fail "within maxAge: $output"
	assert_matches "$(<warning)" "for 60[0-9] s" "since when it is broken"
	del c1 "$conf"
	assert_refusal 102 "after maxAge" "$(with "$conf" '.guard.maxAge = 60')"
	assert_contains "$output" "guard.maxAge" "the refusal"
	# Since when can't be told: the end of that time can't be told either.
	marker=$(echo /run/rangeguard/broken-*)
	rm "$marker"
	ln -s /nowhere "$marker"
	assert_refusal 102 "of unknown age" "$conf"
	rm "$marker"
	policy dba.json '{"reserved": [{"cidr": "10.9.8.0/24", "owner": "somebody"}]}'
	output=$(add c1 "$conf" 2>warning CNI_ARGS=IP=10.9.7.9) || fail "mended: $output"
	assert_empty "$(<warning)" "mended: a warning"
	del c1 "$conf"
	assert_empty "$(ls /run/rangeguard/broken-* 2>/dev/null || true)" "what says since when it is broken"
	assert_fails add c1 "$(with "$CONF" '.guard.maxAge = 60')"
	assert_refused 7 "$output" "maxAge alone"
}

# --- What the host's routes say ---

# other_interface: vpn0, which leads elsewhere
other_interface()
{
	ip link add vpn0 type veth peer name vpn1
	ip link set vpn0 addrgenmode none
	ip link set vpn1 addrgenmode none
	ip link set vpn0 up
	ip link set vpn1 up
}

# assert_clash ROUTE CONF [NAME=VALUE…]: code 104, which names the route, unless hostRoutes says otherwise
assert_clash()
{
	local warning

	rm -rf /run/rangeguard
	assert_refusal 104 "$1" "${@:2}"
	assert_contains "$output" "$1" "the refusal"
	output=$(add c1 "$(with "$2" '.guard.hostRoutes = "warn"')" "${@:3}" 2>warning) || fail "$1 with warn: $output"
	warning=$(<warning)
	assert_contains "$warning" "$1" "the warning"
	del c1 "$2"
	output=$(add c1 "$(with "$2" '.guard.hostRoutes = "off" | .ipam.reuseDelay = 0')" "${@:3}" 2>warning) || fail "$1 with off: $output"
	assert_empty "$(grep -v unguarded warning || true)" "$1 with off: a warning"
	del c1 "$2"
}

test_connected_subnet_clashes()
{
	other_interface
	ip address add 10.9.0.50/24 dev vpn0
	assert_clash 10.9.0.0/24 "$(pool "$CONF" 10.9.0.0/24)"
	assert_clash 10.9.0.0/24 "$CONF"
	assert_allowed 10.9.1.1 "$CONF" CNI_ARGS=IP=10.9.1.1
	ip address flush dev vpn0
	ip address add 10.0.0.1/8 dev vpn0
	assert_clash 10.0.0.0/8 "$CONF"
}

test_route_inside_the_pool_clashes()
{
	uplink
	ip route add 10.9.0.0/24 via 198.51.100.254
	assert_clash 10.9.0.0/24 "$CONF"
	assert_allowed 10.9.1.1 "$CONF" CNI_ARGS=IP=10.9.1.1
	ip route delete 10.9.0.0/24
	ip route add 10.9.0.0/16 via 198.51.100.254
	assert_clash 10.9.0.0/16 "$CONF"
}

test_route_in_another_table_clashes()
{
	other_interface
	ip route add 10.9.0.0/24 dev vpn0 table 100
	assert_works "$CONF"
	ip rule add to 10.9.0.0/16 lookup 100
	assert_clash 10.9.0.0/24 "$CONF"
}

test_less_specific_routes_are_fine()
{
	uplink
	ip -6 route add 2000::/3 via 2001:db8:aaaa::fe
	ip -6 route add fd00::/8 via 2001:db8:aaaa::fe
	ip route add 0.0.0.0/1 via 198.51.100.254
	ip route add 128.0.0.0/1 via 198.51.100.254
	assert_works "$(pool "$CONF" 10.9.0.0/16 fd00:9::/64)"
	ip route add 10.0.0.0/8 via 198.51.100.254
	assert_works "$(pool "$CONF" 10.9.0.0/16 172.16.0.0/24 192.168.0.0/24)"
	assert_works "$(pool "$CONF" 2001:db8:9::/64)"
}

test_exact_route_is_somebody_s_address()
{
	other_interface
	ip route add 10.9.0.1/32 dev vpn0
	ip route add 10.9.0.2/32 dev vpn0
	ip -6 route add fd00:9::1/128 dev vpn0
	output=$(add c1 "$(pool "$CONF" 10.9.0.0/16 fd00:9::/64)") || fail "ADD: $output"
	assert_json "$output" '[.ips[].address] == ["10.9.0.3/32", "fd00:9::2/128"]' "addresses"
	del c1 "$CONF"
	assert_refusal 105 "asked for" "$CONF" CNI_ARGS=IP=10.9.0.2
}

test_ipv6_routes_clash()
{
	local conf

	conf=$(pool "$CONF" fd00:9::/48)
	other_interface
	ip address add fd00:9::50/64 dev vpn0 nodad
	assert_clash fd00:9::/64 "$conf"
	ip address flush dev vpn0
	uplink
	ip -6 route add fd00:9::/64 via 2001:db8:aaaa::fe
	assert_clash fd00:9::/64 "$conf"
	ip -6 route delete fd00:9::/64
	assert_works "$conf"
}

# What discards takes nobody's traffic, as routing daemons' aggregates and null routes around a pool don't
test_routes_that_discard_are_no_clash()
{
	local conf type

	uplink
	conf=$(pool "$CONF" 10.9.0.0/24 fd00:9::/64)
	for type in blackhole unreachable prohibit; do
		ip route add "$type" 10.9.0.0/24
		ip route add "$type" 10.9.0.0/26
		ip -6 route add "$type" fd00:9::/64
		ip -6 route add "$type" fd00:9::/96
		output=$(add c1 "$conf" 2>warning) || fail "$type: $output"
		assert_empty "$(grep -v unguarded warning || true)" "$type: a warning"
		assert_reaches c1 198.51.100.1 2001:db8:aaaa::1
		del c1 "$conf"
		rm -r /run/rangeguard
		ip route flush type "$type"
		ip -6 route flush type "$type" proto boot
	done
}

# One address that is shut off (fail2ban, Calico's blocks) is passed over; who asks for it hears why
test_address_that_is_shut_off_is_passed_over()
{
	local conf type mode

	conf=$(pool "$CONF" 10.9.0.0/24 fd00:9::/64)
	for type in blackhole unreachable prohibit; do
		for mode in refuse warn off; do
			rm -rf /run/rangeguard
			ip route add "$type" 10.9.0.1/32
			ip route add "$type" 10.9.0.3/32
			ip -6 route add "$type" fd00:9::1/128
			output=$(add c1 "$(with "$conf" '.guard.hostRoutes = $ARGS.positional[0]' --args "$mode")") ||
				fail "$type with $mode: $output"
			assert_json "$output" '[.ips[].address] == ["10.9.0.2/32", "fd00:9::2/128"]' "$type with $mode"
			del c1 "$conf"
			assert_refusal 105 "$type, asked for" "$conf" CNI_ARGS=IP=10.9.0.3
			assert_contains "$output" "$type 10.9.0.3/32" "$type: the refusal"
			ip route flush type "$type"
			ip -6 route flush type "$type" proto boot
		done
	done
}

# shut_off KIND: routes to single addresses that throw, or that discard by a nexthop object
shut_off()
{
	local -A ids=([10.9.0.1/32]=4 [10.9.0.3/32]=4 [fd00:9::1/128]=6)
	local address

	for address in "${!ids[@]}"; do
		if [[ $1 == throw ]]; then
			ip route add throw "$address"
		else
			ip route add "$address" nhid "${ids[$address]}"
		fi
	done
}

# Neither a lookup nor a list of routes that discard tells of those that throw to the next table, and of nexthop objects
test_address_that_no_lookup_tells_of_is_passed_over()
{
	local conf kind discard address

	conf=$(pool "$CONF" 10.9.0.0/24 fd00:9::/64)
	container c2
	ip nexthop add id 4 blackhole
	ip -6 nexthop add id 6 blackhole
	for kind in throw nexthop; do
		for discard in true false; do
			rm -rf /run/rangeguard
			shut_off "$kind"
			output=$(add c2 "$(with "$conf" ".ipam.discardRoutes = $discard")") || fail "$kind, discardRoutes $discard: $output"
			assert_json "$output" '[.ips[].address] == ["10.9.0.2/32", "fd00:9::2/128"]' "$kind, discardRoutes $discard"
			assert_refusal 105 "$kind, asked for" "$(with "$conf" ".ipam.discardRoutes = $discard")" CNI_ARGS=IP=10.9.0.3
			assert_matches "$output" "shut off by the host's route [a-z ]*10[.]9[.]0[.]3/32" "$kind: the refusal"
			del c2 "$conf"
			for address in 10.9.0.1 10.9.0.3 fd00:9::1; do ip route del "$address"; done
		done
	done
}

# In a table that a rule puts before main it would discard what is meant for the container
test_discarding_route_before_main_clashes()
{
	ip route add blackhole 10.9.0.0/24 table 100
	assert_works "$CONF"
	ip rule add to 10.9.0.0/16 lookup 100
	assert_clash "blackhole 10.9.0.0/24" "$CONF"
}

# Nothing would ever reach the container, whatever its own route says; a rule that comes after the routes is none of these.
test_rule_that_discards_clashes()
{
	local action pref

	[[ -e /run/netns/c2 ]] || container c2
	for action in blackhole unreachable prohibit; do
		ip rule add pref 100 to 10.9.0.0/16 "$action"
		assert_clash "$action 10.9.0.0/16" "$CONF"
		ip rule del pref 100
		ip rule add pref 100 "$action"
		assert_clash "$action 0.0.0.0/0" "$CONF"
		ip rule del pref 100
		ip rule add pref 40000 "$action"
		ip rule add pref 100 to 10.9.0.0/16 fwmark 0x77 "$action"
		ip rule add pref 101 to 10.10.0.0/16 "$action"
		ip rule add pref 102 from 10.77.0.0/16 "$action"
		assert_succeeds add c1 "$CONF"
		assert_succeeds add c2 "$CONF"
		del c1 "$CONF"
		del c2 "$CONF"
		ip rule del pref 40000
		for pref in 100 101 102; do
			ip rule del pref "$pref"
		done
	done
	ip -6 rule add pref 100 to fd09::/16 prohibit
	assert_clash "prohibit fd09::/16" "$(jq -c '.ipam.ranges = [[{subnet: "fd09::/64"}]]' <<<"$CONF")"
}

# A delegate's caller makes connected routes of its own
test_delegate_does_not_ask_for_routes()
{
	other_interface
	ip address add 10.9.0.50/16 dev vpn0
	assert_works "$(with "$CONF" '.type = "bridge"')"
}

main "$@"
