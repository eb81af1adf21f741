#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The CNI protocol as a runtime meets it: environment, versions, error codes. The number in a test's name is that of the
# requirement in shared/reference/cni-and-reference-plugins.md, section 2. More of 7, and 16 and 17, are in streams.sh;
# what the verbs do, from 22 on, in verbs.sh and upkeep.sh; 12, about verbs that have nothing to do, in roles.sh.

# shellcheck source=tests/calls.sh
source "$(dirname "$0")/../calls.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
	"ranges": [[{"subnet": "10.9.0.0/24"}]]}, "cni.dev/valid-attachments": []}'
X4096=$(printf '%4096s' '' | tr ' ' x)
X1024=${X4096:0:1024}

# set_up: one container, and the host as it must be found after each refusal
set_up()
{
	container c1
	host_state >before
}

# --- Environment ---

test_r01_without_command_it_says_what_it_is()
{
	local command version

	for command in CNI_PATH=x CNI_COMMAND=; do
		plugin "$command" >stdout 2>stderr </dev/null || fail "$command: exit status $?"
		assert_empty "$(<stdout)" "$command: standard output"
		assert_contains "$(<stderr)" rangeguard "$command: name"
		for version in $(jq -r '.[]' <<<"$VERSIONS"); do
			assert_contains "$(<stderr)" "$version" "$command: versions"
		done
	done
}

test_r02_required_variables()
{
	local verb required variable all expected

	while IFS='|' read -r verb required; do
		for variable in CNI_CONTAINERID CNI_NETNS CNI_IFNAME CNI_PATH; do
			all=("CNI_COMMAND=$verb" CNI_CONTAINERID=c1 "CNI_NETNS=$(netns_path c1)" CNI_IFNAME=eth0 CNI_PATH=/x)
			for expected in "" "$variable="; do
				all=("${all[@]/#$variable=*/${expected:-UNRELATED=1}}")
				if [[ " $required " == *" $variable "* ]]; then
					assert_refuses 4 "^required env variables \[$variable\] missing / $" plugin "${all[@]}" <<<"$CONF"
				else
					assert_succeeds plugin "${all[@]}" <<<"$CONF"
				fi
				[[ "$verb" != ADD ]] || call DEL "$CONF"
				all=("${all[@]/#UNRELATED=1/$variable=}")
			done
		done
	done <<-EOF
		ADD|CNI_CONTAINERID CNI_NETNS CNI_IFNAME
		DEL|CNI_CONTAINERID CNI_IFNAME
		GC|
		STATUS|
		VERSION|
	EOF
	assert_refuses 4 '^required env variables \[CNI_NETNS\] missing' call CHECK "$CONF" CNI_NETNS=
	assert_unchanged "after all"
}

test_r03_all_missing_names_in_one_error()
{
	local verb names

	while IFS='|' read -r verb names; do
		assert_refuses 4 "^required env variables \[$names\] missing / $" plugin CNI_COMMAND="$verb" <<<"$CONF"
	done <<-EOF
		ADD|CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME
		CHECK|CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME
		DEL|CNI_CONTAINERID,CNI_IFNAME
	EOF
}

test_r04_container_ids()
{
	local id verb

	for id in a 0 A.b_c-9 a. "$X4096"; do
		assert_succeeds call ADD "$CONF" CNI_CONTAINERID="$id"
		assert_json "$output" '.ips[0].address | startswith("10.9.0.")' "address of id ${id:0:20}"
		assert_quiet call DEL "$CONF" CNI_CONTAINERID="$id"
		assert_unchanged "id ${id:0:20}"
	done
	for id in . .. -a _a .a a/b 'a b' 'a;b' a: ä $'\xff' $'a\xff' $'a\n' $'a\tb' "x$X4096"; do
		for verb in ADD DEL CHECK; do
			assert_refuses 4 'containerID' call "$verb" "$CONF" CNI_CONTAINERID="$id"
		done
		assert_unchanged "id ${id:0:20}"
	done
	assert_refuses 4 "^invalid characters in containerID.* / a/b$" call ADD "$CONF" CNI_CONTAINERID=a/b
}

test_r05_interface_names()
{
	local name

	for name in e eth0.100 ... é abcdefghijklmno; do
		assert_succeeds call ADD "$CONF" CNI_IFNAME="$name"
		inside c1 ip link show dev "$name" >/dev/null || fail "no interface '$name'"
		assert_quiet call DEL "$CONF" CNI_IFNAME="$name"
		assert_unchanged "name $name"
	done
	# The last ones: no-break space, em space, ideographic space, next line
	for name in . .. a/b a:b 'a b' $'a\tb' $'a\n' abcdefghijklmnop $'\xff' $'a\xc3' \
		$'a\xc2\xa0' $'a\xe2\x80\x83' $'a\xe3\x80\x80' $'a\xc2\x85'; do
		assert_refuses 4 'interface name|CNI_IFNAME' call ADD "$CONF" CNI_IFNAME="$name"
		assert_refuses 4 'interface name|CNI_IFNAME' call DEL "$CONF" CNI_IFNAME="$name"
		assert_unchanged "name $name"
	done
}

# Validated only where the verb requires it
test_r05_unused_variables_may_hold_anything()
{
	local verb

	for verb in GC STATUS VERSION; do
		assert_succeeds call "$verb" "$CONF" CNI_IFNAME=a/b CNI_CONTAINERID=.. CNI_NETNS=$'\xff' CNI_ARGS=IP
	done
}

test_r06_network_names()
{
	local name verb

	for name in a 0 A.b_c-9 "$X1024"; do
		assert_succeeds call ADD "$(conf ".name = \"$name\"")"
		assert_quiet call DEL "$(conf ".name = \"$name\"")"
	done
	for name in '' . .. -a _a .a a/b 'a b' ä 'a\n' "x$X1024"; do
		for verb in ADD DEL GC STATUS; do
			assert_refuses 7 'network name' call "$verb" "$(conf ".name = \"$name\"")"
		done
		assert_unchanged "name ${name:0:20}"
	done
	assert_refuses 6 JSON call ADD "$(conf '.name = "a\u0000b"')"
	for name in null 1 '{}' '["pods"]'; do
		assert_refuses 7 '^missing network name' call ADD "$(conf ".name = $name")"
	done
	assert_refuses 7 '^missing network name' call DEL "$(conf 'del(.name)')"
	assert_refuses 7 '^invalid characters found in network name.* / a/b$' call ADD "$(conf '.name = "a/b"')"
}

# Each row has the mistakes of all rows below it, too.
test_r07_order_of_checks()
{
	local broken='{"name": 1, "cniVersion": "9.9.9", "unknown": 1'

	assert_refuses 4 CNI_IFNAME plugin CNI_COMMAND=DEL CNI_CONTAINERID=c1 <.
	assert_refuses 5 'standard input' plugin CNI_COMMAND=DEL CNI_CONTAINERID=c1 CNI_IFNAME=eth0 <.
	assert_refuses 6 JSON call ADD "$broken"
	assert_refuses 7 'network name' call ADD "$broken}"
	assert_refuses 1 'incompatible CNI versions' call ADD "${broken/1,/\"pods\",}}"
	assert_refuses 2 'unknown' call ADD "$(conf '.unknown = 1')"
	assert_unchanged "after all"
}

test_r08_unknown_verbs()
{
	local verb

	for verb in FOO add ' ADD' 'ADD ' ADDD AD; do
		assert_refuses 4 "^unknown CNI_COMMAND: $verb / $" call "$verb" "$CONF"
	done
	assert_refuses 4 '^unknown CNI_COMMAND' call $'\xff\x01' "$CONF"
	assert_unchanged "after all"
}

test_r21_other_variables_do_no_harm()
{
	assert_succeeds call ADD "$CONF" TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 \
		TRACESTATE='a=b' BAGGAGE=k=v CNI_VERSION=0.1.0 CNI_UNKNOWN=x
	assert_json "$output" '.cniVersion == "1.1.0"' "version"
}

# --- Versions ---

test_r09_unsupported_versions()
{
	local version verb
	local list='"0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"'

	for version in 9.9.9 0.0.1 0.3.2 1.0 1 1.1.1 1.10.0 01.0.0; do
		for verb in ADD DEL CHECK GC STATUS; do
			assert_refuses 1 "^incompatible CNI versions / config is \"$version\", plugin supports \[$list\]$" \
				call "$verb" "$(conf ".cniVersion = \"$version\"")"
		done
	done
	assert_unchanged "after all"
}

test_r10_malformed_versions()
{
	local version verb

	for version in 1.x v1.0.0 ' 1.0.0' '1.0.0 ' 1.0.0-rc1 1..0 x -1.0.0; do
		for verb in CHECK GC STATUS; do
			assert_refuses 6 "cniVersion" call "$verb" "$(conf ".cniVersion = \"$version\"")"
		done
		for verb in ADD DEL; do
			assert_refuses 1 '^incompatible CNI versions' call "$verb" "$(conf ".cniVersion = \"$version\"")"
		done
	done
	assert_unchanged "after all"
}

test_r10_no_version_is_the_oldest()
{
	local filter

	for filter in 'del(.cniVersion)' '.cniVersion = ""' '.cniVersion = null'; do
		assert_succeeds call ADD "$(conf "$filter")"
		assert_json "$output" '.cniVersion == "0.1.0" and has("ip4")' "$filter"
		assert_refuses 1 'does not allow CHECK' call CHECK "$(conf "$filter")"
		assert_refuses 1 'does not allow GC' call GC "$(conf "$filter")"
		assert_refuses 1 'does not allow STATUS' call STATUS "$(conf "$filter")"
		assert_quiet call DEL "$(conf "$filter")"
	done
	assert_refuses '7' 'cniVersion' call ADD "$(conf '.cniVersion = 1')"
}

test_r11_verbs_by_version()
{
	local version verbs verb

	while IFS='|' read -r version verbs; do
		for verb in CHECK GC STATUS; do
			if [[ "$verbs" != *"$verb"* ]]; then
				assert_refuses 1 "^config version does not allow $verb / $" \
					call "$verb" "$(conf ".cniVersion = \"$version\"")"
			elif [[ "$verb" == CHECK ]]; then
				assert_refuses 7 prevResult call CHECK "$(conf ".cniVersion = \"$version\"")"
			else
				assert_quiet call "$verb" "$(conf ".cniVersion = \"$version\"")"
			fi
		done
	done <<-EOF
		0.1.0|
		0.2.0|
		0.3.0|
		0.3.1|
		0.4.0|CHECK
		1.0.0|CHECK
		1.1.0|CHECK GC STATUS
	EOF
}

# --- VERSION ---

# assert_versions EXPECTED JSON WHAT: the answer to VERSION
assert_versions()
{
	assert_equal "$(jq -cn --arg version "$1" --argjson all "$VERSIONS" \
		'{cniVersion: $version, supportedVersions: $all}')" "$(jq -c . <<<"$2")" "$3"
}

test_version_echoes_the_version_in_use()
{
	local version

	for version in $(jq -r '.[]' <<<"$VERSIONS") 9.9.9; do
		output=$(plugin CNI_COMMAND=VERSION <<<"{\"cniVersion\": \"$version\"}")
		assert_versions "$version" "$output" "$version"
	done
	# As libcni asks
	output=$(plugin CNI_COMMAND=VERSION CNI_NETNS=dummy CNI_IFNAME=dummy CNI_PATH=dummy <<<'{"cniVersion":"1.1.0"}')
	assert_versions 1.1.0 "$output" "libcni"
}

test_version_without_usable_input()
{
	local input

	for input in '' '{' '{}' '[]' 'null' '"x"' '{"cniVersion": 1}' '{"cniVersion": ""}' $'\xff' '{"name": "a/b"}'; do
		output=$(plugin CNI_COMMAND=VERSION < <(printf '%s' "$input"))
		assert_versions 1.1.0 "$output" "input '$input'"
	done
	output=$(plugin CNI_COMMAND=VERSION <&-)
	assert_versions 1.1.0 "$output" "closed input"
	output=$(plugin CNI_COMMAND=VERSION <.)
	assert_versions 1.1.0 "$output" "a directory as input"
	output=$(plugin CNI_COMMAND=VERSION < <(head -c 17M /dev/zero))
	assert_versions 1.1.0 "$output" "too much input"
}

# script(1) gives the plugin a terminal; nothing is ever typed there.
test_version_does_not_wait_for_a_terminal()
{
	export RANGEGUARD
	# shellcheck disable=SC2016
	timeout -s KILL "$(scaled 20)" script -q -e -c 'CNI_COMMAND=VERSION "$RANGEGUARD" >answer' /dev/null < <(sleep 100000) >/dev/null ||
		fail "exit status $?: it waits"
	assert_versions 1.1.0 "$(<answer)" "terminal"
}

# --- The namespace ---

test_r13_override_of_the_namespace_check()
{
	local value

	for value in 1 true TRUE True; do
		assert_succeeds call ADD "$CONF" CNI_NETNS=/proc/self/ns/net CNI_NETNS_OVERRIDE="$value"
		ip link show dev eth0 >/dev/null || fail "override $value: no eth0"
		assert_quiet call DEL "$CONF" CNI_NETNS=/proc/self/ns/net CNI_NETNS_OVERRIDE="$value"
		assert_unchanged "override $value"
	done
	for value in 0 '' no yes; do
		assert_refuses 8 'same' call ADD "$CONF" CNI_NETNS=/proc/self/ns/net CNI_NETNS_OVERRIDE="$value"
	done
}

test_r14_own_namespace_is_refused_before_any_change()
{
	local path

	touch bound
	mount --bind /proc/self/ns/net bound
	ln -s bound linked
	for path in /proc/self/ns/net /proc/1/ns/net "$PWD/bound" "$PWD/linked"; do
		assert_refuses 8 'should not be the same' call ADD "$CONF" CNI_NETNS="$path"
		assert_unchanged "$path"
		[[ ! -e /run/rangeguard ]] || fail "$path: state was made"
	done
	for path in /proc/self/ns/net "$PWD/bound"; do
		call ADD "$CONF" >/dev/null
		assert_quiet call DEL "$CONF" CNI_NETNS="$path"
		assert_unchanged "DEL with $path"
	done
}

test_r15_r34_what_is_no_namespace()
{
	local path

	touch file
	mkfifo fifo
	ln -s /nowhere dangling
	for path in "$PWD/file" "$PWD/fifo" "$PWD/dangling" "$PWD" /dev/null /nowhere /proc/self/ns/mnt /proc/self/ns/user \
		/proc/self/stat relative "$PWD/file/below"; do
		assert_refuses 8 "CNI_NETNS $path " timeout "$(scaled 10)" "$0" --call ADD CNI_NETNS="$path"
		assert_unchanged "ADD with $path"
		output=$(call ADD "$CONF")
		assert_refuses 8 "CNI_NETNS $path " call CHECK "$(conf ".prevResult = $output")" CNI_NETNS="$path"
		assert_quiet timeout "$(scaled 10)" "$0" --call DEL CNI_NETNS="$path"
		assert_unchanged "DEL with $path"
	done
	for path in "/$X4096" $'/\xff'; do
		assert_refuses 4 CNI_NETNS call ADD "$CONF" CNI_NETNS="$path"
		output=$(call ADD "$CONF")
		assert_quiet call DEL "$CONF" CNI_NETNS="$path"
		assert_unchanged "DEL with ${path:0:10}"
	done
}

test_a_link_to_the_namespace_is_named_as_it_came()
{
	ln -s "$(netns_path c1)" linked
	assert_succeeds call ADD "$CONF" CNI_NETNS="$PWD/linked"
	assert_json "$output" ".interfaces[1].sandbox == \"$PWD/linked\"" "sandbox"
	assert_quiet call CHECK "$(conf ".prevResult = $output")" CNI_NETNS="$PWD/linked"
	assert_quiet call DEL "$CONF" CNI_NETNS="$PWD/linked"
	assert_unchanged "after DEL"
}

# --- Errors ---

# What a runtime decides by: each class of failure and its code
test_r18_codes()
{
	local -i code
	local words filter

	echo '{"reserved": 1}' >"$PWD/malformed.json"
	mkdir -m 0777 open-to-all
	chmod 0777 open-to-all
	foreign_interface
	ip route add 10.77.0.0/24 dev other
	host_state >before
	while IFS='|' read -r code words filter; do
		assert_refuses "$code" "$words" call ADD "$(conf "$filter")"
		assert_unchanged "code $code"
	done <<-EOF
		2|unknwon.*"some value"|.unknwon = "some value"
		2|rangs.*ranges|.ipam.rangs = 1
		7|host bits|.ipam.ranges[0][0].subnet = "10.9.0.1/24"
		7|ipam.type must be "rangeguard"|.ipam.type = "host-local"
		7|.|.ipam.ranges = []
		100|10.9.0.0/24.*10.8.0.0/15.*dba.*RAC.*NET-1|.guard.reserved = [{cidr: "10.8.0.0/15", owner: "dba", reason: "RAC", ref: "NET-1"}]
		101|no free address|.ipam.ranges = [[{subnet: "192.0.2.1/32"}]]
		102|/nowhere|.guard.policies = ["/nowhere"]
		102|$PWD/malformed.json|.guard.policies = ["$PWD/malformed.json"]
		104|10.77.0.0/24.*other|.ipam.ranges = [[{subnet: "10.77.0.0/24"}]]
		105|10.10.0.1|.runtimeConfig.ips = ["10.10.0.1"]
		106|open-to-all|.ipam.dataDir = "$PWD/open-to-all"
	EOF
	assert_refuses 107 'interface lo ' call ADD "$CONF" CNI_IFNAME=lo
}

test_r18_code_11_while_a_lock_is_held()
{
	call ADD "$CONF" >/dev/null
	exec 9</run/rangeguard/lock
	flock 9
	assert_refuses 11 '/run/rangeguard.*try again' call ADD "$CONF" CNI_IFNAME=eth1
	flock -u 9
	assert_equal 1 "$(leases)" "leases"
	assert_quiet call DEL "$CONF"
	assert_unchanged "after DEL"
}

test_r18_code_2_names_key_and_value()
{
	assert_refuses 2 'ipMsaq.*true.*ipMasq' call ADD "$(conf '.ipMsaq = true')"
	assert_refuses 2 'onOverlpa.*exclude.*onOverlap' call ADD "$(conf '.guard.onOverlpa = "exclude"')"
	assert_refuses 2 'Subnet.*subnet' call ADD "$(conf '.ipam.ranges[0][0].Subnet = "10.9.0.0/24"')"
	assert_quiet call DEL "$(conf '.ipMsaq = true')"
	assert_quiet call GC "$(conf '.ipMsaq = true')"
}

test_r19_keys_of_others_are_tolerated()
{
	assert_succeeds call ADD "$(conf '."cni.dev/attachments" = [] | ."cni.dev/anything" = {a: 1} | ."x-note" = "ours"
		| .args = {cni: {labels: [{key: "app", value: "x"}]}, other: 1} | .capabilities = {ips: true, portMappings: false}
		| .runtimeConfig = {portMappings: [], unknown: false} | .prevResult = null | .disableCheck = true
		| .cniVersions = ["1.0.0", "1.1.0"] | .dns = {}')"
}

# --- Concurrency ---

test_r20_many_at_once()
{
	local -i i
	local -a jobs=()
	local verb addresses

	for i in {1..16}; do
		container "p$i"
	done
	for verb in ADD DEL; do
		jobs=()
		for i in {1..16}; do
			answer_in "out-$i" cni "$verb" "p$i" "$(netns_path "p$i")" eth0 "$CONF" &
			jobs+=($!)
		done
		for i in {0..15}; do
			wait "${jobs[i]}" || fail "$verb of p$((i + 1)): $(<"out-$((i + 1))")"
		done
		[[ "$verb" == DEL ]] || addresses=$(jq -r '.ips[0].address' out-* | sort -u | wc -l)
	done
	assert_equal 16 "$addresses" "different addresses"
	assert_unchanged "after all"
}

# What timeout(1) runs: one call of the plugin
if [[ "${1-}" == --call ]]; then
	call "$2" "$CONF" "${@:3}"
	exit
fi
main "$@"
