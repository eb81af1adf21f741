#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `validate` of what is not rangeguard's: other IPAM plugins, container engines, and all of them together.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

OTHERS=$SOURCE_DIR/conf-examples/other-plugins

# set_up: `rangeguard` as the documentation calls it, and a policy
set_up()
{
	mkdir bin
	ln -s "$RANGEGUARD" bin/rangeguard
	PATH=$PWD/bin:$PATH
	echo '{"reserved": [{"cidr": "10.20.0.0/16", "owner": "db-platform"}],
		"granted": [{"cidr": "10.20.1.0/24", "network": "web-*"}, {"cidr": "10.20.2.0/24", "network": "docker"}]}' >policy.json
}

# ipam NAME JSON [TYPE]: a configuration with that ipam object
ipam()
{
	jq -n --arg name "$1" --argjson ipam "$2" --arg type "${3-macvlan}" '{cniVersion: "1.0.0", $name, $type, $ipam}'
}

# validate STATUS ARGUMENTS…: what it prints is left in $output and $errors
validate()
{
	local -i status=0

	output=$(rangeguard validate "${@:2}" 2>/run/test/errors) || status=$?
	errors=$(</run/test/errors)
	assert_equal "$1" "$status" "exit status of validate ${*:2} ($errors$output)"
}

# findings: "RULE SEVERITY POINTER" of each in $output
findings()
{
	jq -r '.findings[] | "\(.rule) \(.severity) \(.pointer)"' <<<"$output"
}

# assert_findings EXPECTED FILE…: exactly these, a line for each; the exit status fits
assert_findings()
{
	local -i status=0

	[[ "$1" != *" error "* ]] || status=1
	validate "$status" --policy policy.json --format json "${@:2}"
	assert_equal "$1" "$(findings)" "findings of ${*:2}"
}

# --- The examples ---

test_examples_have_no_findings()
{
	local file

	cd "$OTHERS"
	validate 0 --strict --policy ../policy.json .
	assert_contains "$output" "$(find . -type f ! -name '*.txt' | wc -l) files, 0 errors, 0 warnings" "the directory"
	for file in ./*.* kinds/*.yaml kinds/*.json; do
		validate 0 --strict --policy ../policy.json - <"$file"
		assert_contains "$output" "1 file, 0 errors" "$file from standard input"
	done
}

# in_order: lines by file, line and rule
in_order()
{
	LC_ALL=C sort -k1,1 -k2,2n -k3
}

# When everything is reserved each range that an example declares is told, at its line; comments in YAML mark them
test_examples_of_kinds_are_read_whole()
{
	local expected file

	echo '{"reserved": [{"cidr": "0.0.0.0/0"}, {"cidr": "::/0"}]}' >all.json
	expected=$({
		grep -v '^#' "$OTHERS/kinds/findings.txt"
		for file in "$OTHERS"/kinds/*.yaml; do
			awk -v name="$(basename "$file")" 'match($0, /#( RG[0-9][0-9][0-9])+$/) {
				n = split(substr($0, RSTART + 2), rules, " ")
				for (i = 1; i <= n; i++) print name, FNR, rules[i] }' "$file"
		done
	} | in_order)
	validate 1 --policy all.json --format json "$OTHERS/kinds"
	assert_equal "$expected" "$(jq -r '.findings[] | "\(.file | sub(".*/"; "")) \(.line) \(.rule)"' <<<"$output" | in_order)" \
		"findings"
	# Each part of a list of networks has its own column.
	file=$OTHERS/kinds/kubernetes.yaml
	assert_equal "14 28" "$(jq -r '.findings[] | select((.file | endswith("kubernetes.yaml")) and .line == 5).column' <<<"$output" |
		tr '\n' ' ' | sed 's/ $//')" "columns"
}

test_invalid_examples_have_the_findings_listed()
{
	local expected found pointer file

	cd "$OTHERS-invalid"
	expected=$(grep -v '^#' findings.txt | in_order)
	found=$(for file in *.conf* *.json; do
		! rangeguard validate --policy ../policy.json "$file" || fail "exit status 0: $file"
	done | sed -nE 's/^([^ :]+):([0-9]+):[0-9]+: (error|warning) (RG[0-9]{3}): .+/\1 \2 \4 \3/p' | in_order)
	assert_equal "$expected" "$found" "findings, one file at a time"
	validate 1 --policy ../policy.json --format json .
	assert_equal "$expected" "$(jq -r '.findings[] | "\(.file | ltrimstr("./")) \(.line) \(.rule) \(.severity)"' <<<"$output" |
		in_order)" "findings of the directory"
	while IFS=$'\t' read -r file pointer; do
		jq -e --arg pointer "$pointer" 'getpath($pointer | ltrimstr("/") | split("/") | map(tonumber? // .)) != null' \
			"$file" >/dev/null || fail "$file has nothing at $pointer"
	done < <(jq -r '.findings[] | [.file, .pointer] | @tsv' <<<"$output")
	assert_json "$output" '[.findings[] | select(.rule | IN("RG101", "RG102", "RG103")).related[0]] |
		all(.file == "../policy.json" and .line > 1)' "the policy's side"
}

test_formats_have_other_plugins_findings()
{
	cd "$OTHERS-invalid"
	validate 1 --policy ../policy.json --format sarif .
	assert_json "$output" '[.runs[0].results[] | select(.ruleId == "RG101" and .level == "error") |
		.locations[0].physicalLocation.artifactLocation.uri] | sort == ["calico.conflist", "daemon.json", "daemon.json",
		"host-local.conflist", "podman.json", "pools.json", "whereabouts.conf"]' "sarif"
	assert_json "$output" '[.runs[0].results[].partialFingerprints[]] | length == (unique | length)' "fingerprints"
	validate 1 --policy ../policy.json --format junit .
	assert_equal "7 7" "$(xmllint --xpath 'concat(//testsuite/@tests, " ", //testsuite/@failures)' - <<<"$output")" "junit"
	validate 1 --policy ../policy.json --format github .
	assert_matches "$output" '::error file=podman.json,line=6,col=[0-9]+,title=RG101::' "github"
}

# --- Keys, form by form ---

test_host_local_forms()
{
	ipam a '{"type": "host-local", "subnet": "10.20.5.0/24", "gateway": "10.20.5.1"}' >a.conf
	assert_findings "RG101 error /ipam/subnet
RG102 error /ipam/gateway" a.conf
	ipam a '{"type": "host-local", "ranges": []}' | jq '.runtimeConfig = {ips: ["10.20.0.9/24"],
		ipRanges: [[{subnet: "10.20.6.0/24"}]]} | .args.cni.ips = ["10.20.0.8"]' >a.conf
	assert_findings "RG103 error /args/cni/ips/0
RG103 error /runtimeConfig/ips/0
RG101 error /runtimeConfig/ipRanges/0/0/subnet" a.conf
	# As Go reads them
	ipam a '{"type": "host-local", "Ranges": [[{"SUBNET": "10.20.5.0/24"}]]}' >a.conf
	assert_findings "RG101 error /ipam/Ranges/0/0/SUBNET" a.conf
	ipam a '{"type": "host-local", "subnet": "usePodCidr", "ranges": [[{"subnet": "usePodCidrIPv6"}]]}' >a.conf
	assert_findings "" a.conf
	# The first address is the gateway, where none is named; both are not given
	ipam a '{"type": "host-local", "subnet": "10.9.0.0/30", "rangeEnd": "10.9.0.1"}' >a.conf
	assert_findings "RG107 error /ipam/subnet" a.conf
}

test_whereabouts_forms()
{
	ipam a '{"type": "whereabouts", "range": "10.20.5.9/24", "range_start": "10.20.5.5", "range_end": "10.20.5.7"}' >a.conf
	assert_findings "RG101 error /ipam/range" a.conf
	# All of the network becomes reachable on-link, whatever is given or excluded of it
	ipam a '{"type": "whereabouts", "range": "10.21.0.1-10.21.0.9/15", "exclude": ["10.20.0.0/16"]}' >a.conf
	assert_findings "RG101 error /ipam/range" a.conf
	ipam a '{"type": "whereabouts", "range": "10.9.0.0/24", "exclude": ["10.9.0.0/25", "10.9.0.128-10.9.0.200"]}' >a.conf
	assert_findings "RG107 warning /ipam/range" a.conf
	# 254 without 127 and 73
	assert_json "$output" '.findings[0].message | contains("has 54 usable addresses of 254")' "the count"
	ipam a '{"type": "whereabouts", "range": "10.9.0.9-10.9.0.3/24"}' >a.conf
	assert_findings "RG003 error /ipam/range" a.conf
	ipam a '{"type": "whereabouts", "range": "10.9.0.0/24", "addresses": [{"address": "10.20.0.7/32"}]}' >a.conf
	assert_findings "RG103 error /ipam/addresses/0/address" a.conf
}

test_pools_by_name_are_left_alone()
{
	ipam a '{"type": "spiderpool", "default_ipv4_ippool": ["default-v4"]}' >a.conf
	assert_findings "" a.conf
	ipam a '{"type": "calico-ipam", "ipv4_pools": ["default", "10.20.0.0/26"], "ipv6_pools": ["default"]}' calico >a.conf
	assert_findings "RG101 error /ipam/ipv4_pools/1" a.conf
}

test_pools_of_a_cluster()
{
	jq -n '{apiVersion: "v1", kind: "List", items: [
		{apiVersion: "projectcalico.org/v3", kind: "IPPool", metadata: {name: "web-pool"}, spec: {cidr: "10.20.1.0/24"}},
		{apiVersion: "crd.projectcalico.org/v1", kind: "IPPool", metadata: {name: "default"}, spec: {cidr: "10.20.0.0/14"}},
		{apiVersion: "spiderpool.spidernet.io/v2beta1", kind: "SpiderIPPool", metadata: {name: "s"},
		 spec: {subnet: "10.20.5.0/24", ips: ["10.20.5.7-10.20.5.9"], gateway: "10.20.5.1"}}]}' >pools.json
	ipam k8s '{"type": "calico-ipam", "ipv4_pools": ["10.16.0.0/14", "default"]}' calico >k8s.conf
	assert_findings "RG101 error /items/1/spec/cidr
RG101 error /items/2/spec/subnet
RG102 error /items/2/spec/gateway
RG105 warning /items/2/spec/subnet" pools.json k8s.conf
	output=$(rangeguard suggest --policy policy.json --avoid pools.json --within 10.16.0.0/12 --prefix-length 14 --count 2)
	assert_equal "10.16.0.0/14 10.24.0.0/14" "$(tr '\n' ' ' <<<"$output" | sed 's/ $//')" "suggestions beside them"
	# What is not read is told
	jq '.items[0].kind = "Pod"' pools.json >others.json
	validate 1 --policy policy.json --format json others.json
	assert_json "$output" '.notReadKinds == {"Pod": 1}' "another kind"
	validate 1 --policy policy.json others.json
	assert_contains "$output" "1 file, resources not read: Pod (1), " "another kind"
}

test_network_attachment_definitions()
{
	local bad ours

	bad=$(ipam '' '{"type": "whereabouts", "range": "10.20.1.0/24", "gateway": "10.20.5.1"}' | jq 'del(.name)')
	ours=$(ipam mine '{"type": "rangeguard", "subnet": "10.20.6.0/24"}' rangeguard | jq '.colour = 7')
	jq -n --arg bad "$bad" --arg ours "$ours" '{apiVersion: "v1", kind: "List", items: [$bad, $ours, "{", null] | map({
		apiVersion: "k8s.cni.cncf.io/v1", kind: "NetworkAttachmentDefinition", metadata: {name: "web-1"}, spec: {config: .}})}' >nads.json
	assert_findings "RG102 error /items/0/spec/config/ipam/gateway
RG002 error /items/1/spec/config/colour
RG101 error /items/1/spec/config/ipam/subnet
RG001 error /items/2/spec/config" nads.json
	# The lines of the texts
	assert_equal "$(grep -n '"config": "' nads.json | cut -d : -f 1 | sed '2p')" "$(jq -r '.findings[].line' <<<"$output")" "lines"
	jq '.items[0]' nads.json >one.json
	assert_findings "RG102 error /spec/config/ipam/gateway" one.json
	echo '{"reserved": []}' >nothing.json
	jq '.items |= .[:2]' nads.json >two.json
	output=$(rangeguard suggest --policy nothing.json --avoid two.json --within 10.20.0.0/16 --prefix-length 24 --count 7)
	assert_equal "10.20.0.0/24 10.20.2.0/24 10.20.3.0/24 10.20.4.0/24 10.20.7.0/24 10.20.8.0/24 10.20.9.0/24" \
		"$(tr '\n' ' ' <<<"$output" | sed 's/ $//')" "suggestions beside them"
}

test_docker_forms()
{
	echo '{"bip": "10.20.2.1/24", "default-gateway": "10.20.2.2", "bip6": "fd00::1/64", "fixed-cidr-v6": "fd00::/80"}' >daemon.json
	assert_findings "" daemon.json
	echo '{"bip": "10.20.3.1/24"}' >daemon.json
	assert_findings "RG101 error /bip
RG102 error /bip" daemon.json
	# By its name alone
	echo '{"log-driver": "journald"}' >daemon.json
	assert_findings "" daemon.json
	cp daemon.json another.json
	assert_findings "RG003 error " another.json
}

test_unknown_plugins()
{
	# Their keys are theirs; what looks like addresses is read, and where it is none, that may be right
	ipam a '{"type": "another", "subnet": "10.20.5.0/24", "colour": 7}' custom | jq '.x = {y: [1]} | .Gateway = 1' >a.conf
	assert_findings "RG101 error /ipam/subnet" a.conf
	ipam a '{"type": "another", "range": 7, "gateway": "eth0", "ranges": ["x"], "exclude": 1}' >a.conf
	assert_findings "RG003 warning /ipam/ranges/0
RG003 warning /ipam/range
RG003 warning /ipam/exclude
RG003 warning /ipam/gateway" a.conf
	echo '{"cniVersion": "1.0.0", "name": "a", "type": "loopback"}' >a.conf
	assert_findings "" a.conf
	# Bounds in two members, unless a network beside them holds them
	jq -n '{cniVersion: "1.0.0", name: "a", type: "another", pools: [{start: "10.20.5.7", end: "10.20.5.9"}, {start: 1, end: "x"},
		{start: "10.20.5.7", end: "10.20.5.9", net: "10.20.5.0/24"}, {startIP: "10.20.5.9", endIP: "10.20.5.7"}]}' >a.conf
	assert_findings "RG003 warning /pools/0/start
RG003 warning /pools/2/net
RG101 warning /pools/0/start
RG101 warning /pools/2/net" a.conf
	jq -n '{apiVersion: "danm.k8s.io/v1", kind: "DanmNet", spec: {Options: {allocation_pool: {start: "10.20.5.7", end: "10.20.5.9"}}}}' >a.json
	assert_findings "RG101 warning /spec/Options/allocation_pool/start
RG003 error " a.json
	jq -n '{cniVersion: "1.0.0", name: "a", nerdctlID: "x", plugins: [{type: "tuning", sysctl: {}}]}' >a.conflist
	assert_findings "" a.conflist
}

test_delegates()
{
	jq -n --argjson bad "$(ipam b '{"type": "host-local", "subnet": "10.20.5.0/24"}')" \
		--argjson ours "$(ipam c '{"type": "rangeguard", "subnet": "10.20.6.0/24"}' rangeguard)" \
		'{cniVersion: "1.0.0", name: "multus", type: "multus", delegates: [$bad, $ours,
			{cniVersion: "1.0.0", name: "d", plugins: [{type: "bridge", ipam: {subnet: "10.20.7.0/24"}}]}]}' >a.conf
	assert_findings "RG101 error /delegates/0/ipam/subnet
RG101 error /delegates/1/ipam/subnet
RG101 error /delegates/2/plugins/0/ipam/subnet" a.conf
	# A copy of a list beside it is no second network
	jq '.delegates[2]' a.conf >b.conflist
	assert_findings "RG101 error /plugins/0/ipam/subnet
RG101 error /delegates/0/ipam/subnet
RG101 error /delegates/1/ipam/subnet
RG101 error /delegates/2/plugins/0/ipam/subnet" b.conflist a.conf
	jq -n '{cniVersion: "1.0.0", name: "f", plugins: [{type: "flannel", delegate: {isDefaultGateway: true,
		ipam: {subnet: "10.20.7.0/24"}}}]}' >a.conflist
	assert_findings "RG101 error /plugins/0/delegate/ipam/subnet" a.conflist
}

test_grants_count_by_network()
{
	local name

	for name in web-1 other; do
		jq -n --arg name "$name" '{cniVersion: "1.0.0", $name, plugins: [{type: "bridge",
			ipam: {type: "host-local", subnet: "10.20.1.0/25"}}]}' >list.conflist
		jq -n --arg name "$name" '{$name, driver: "bridge", subnets: [{subnet: "10.20.1.128/25"}]}' >podman.json
		if [[ $name == web-1 ]]; then
			assert_findings "" list.conflist podman.json
		else
			assert_findings "RG101 error /plugins/0/ipam/subnet
RG101 error /subnets/0/subnet" list.conflist podman.json
		fi
	done
}

# --- cniVersions ---

# As libcni does: the newest of both that is not newer than 1.1.0 (RG004 POINTER, or nothing)
test_cni_versions()
{
	local version versions expected

	while read -r version versions expected; do
		jq -n --argjson version "$version" --argjson versions "$versions" '{cniVersion: $version, cniVersions: $versions,
			name: "a", plugins: [{type: "rangeguard", ipam: {type: "rangeguard", ranges: [[{subnet: "10.9.0.0/24"}],
			[{subnet: "10.8.0.0/24"}]]}}]} | del(..|nulls)' >a.conflist
		assert_findings "$expected" a.conflist
	done <<-'EOF'
		"1.0.0" null
		"1.0.0" ["0.4.0","1.1.0"]
		"1.0.0" ["1.2.0","0.3.1"]
		null ["0.4.0","1.0.0"]
		"9.9.9" ["1.0.0"]
		"9.9.9" null RG004 error /cniVersion
		"9.9.9" ["8.0.0"] RG004 error /cniVersion
		"0.4.0" ["0.10.0","0.3.0"] RG004 error /cniVersions/0
		"1.0" null RG004 error /cniVersion
		"one" ["1.0.0"] RG004 error /cniVersion
		"1.0.0" ["1.0.0","x"] RG004 error /cniVersions/1
		"1.0.0" [1] RG004 error /cniVersions/0
		"0.2.0" ["0.1.0"] RG003 error /plugins/0/ipam/ranges
		"0.2.0" ["0.1.0","0.3.0"]
	EOF
}

# --- A directory as a whole ---

test_networks_against_each_other()
{
	mkdir net.d
	ipam ours '{"type": "rangeguard", "ranges": [[{"subnet": "10.9.0.0/24"}]]}' rangeguard >net.d/10.conf
	ipam theirs '{"type": "host-local", "subnet": "10.9.0.128/25"}' >net.d/20.conf
	jq -n '{name: "podman", driver: "bridge", subnets: [{subnet: "10.9.0.192/26"}]}' >net.d/30.json
	echo '{"default-address-pools": [{"base": "10.9.0.0/16", "size": 24}]}' >net.d/daemon.json
	validate 0 --policy policy.json --format json net.d
	assert_equal "10.conf daemon.json
20.conf 10.conf
20.conf daemon.json
30.json 10.conf
30.json 20.conf
30.json daemon.json" "$(jq -r '.findings[] | select(.rule == "RG105" and .severity == "warning") | "\(.file) \(.related[0].file)"' <<<"$output" |
		sed 's/net.d.//g' | sort)" "overlaps"
	assert_json "$output" '[.findings[].line] | all(. > 0)' "lines"
}

test_networks_that_share_on_purpose()
{
	ipam a '{"type": "rangeguard", "dataDir": "/run/a", "subnet": "10.9.0.0/24"}' rangeguard >a.conf
	ipam b '{"type": "rangeguard", "dataDir": "/run/b", "subnet": "10.9.0.0/24"}' rangeguard >b.conf
	assert_findings "" a.conf b.conf
	ipam a '{"type": "whereabouts", "range": "10.9.0.0/24"}' >a.conf
	ipam b '{"type": "whereabouts", "range": "10.9.0.0/24"}' >b.conf
	assert_findings "" a.conf b.conf
	ipam b '{"type": "calico-ipam", "ipv4_pools": ["10.9.0.0/16"]}' >b.conf
	assert_findings "RG105 warning /ipam/range" a.conf b.conf
}

test_names_are_taken_once()
{
	ipam a '{"type": "host-local", "subnet": "10.8.0.0/24"}' >a.conf
	ipam a '{"type": "rangeguard", "subnet": "10.9.0.0/24"}' rangeguard >b.conf
	jq '{cniVersion, name, plugins: [del(.name, .cniVersion) | .ipam.subnet = "10.7.0.0/24"]}' b.conf >c.conflist
	assert_findings "RG005 error /name
RG005 error /name" a.conf b.conf c.conflist
	assert_json "$output" '[.findings[].file] == ["b.conf", "c.conflist"]' "files"
}

# One that can't be read keeps nobody from hearing of the others
test_unreadable_files_stop_nothing()
{
	mkdir net.d
	ipam a '{"type": "host-local", "subnet": "10.20.5.0/24"}' >net.d/20.conf
	ln -s nowhere net.d/10.conf
	mkdir -p net.d/30.conf.d net.d/.git
	ipam c '{"type": "host-local", "subnet": "10.20.7.0/24"}' >net.d/.git/50.conf
	ipam b '{"type": "host-local", "subnet": "10.20.6.0/24"}' >net.d/30.conf.d/40.conf
	validate 2 --policy policy.json --format json net.d
	assert_equal "RG101 error /ipam/subnet
RG101 error /ipam/subnet" "$(findings)" "findings of the others"
	assert_matches "$errors" 'net.d/10.conf: No such file' "a link that leads nowhere"
}

# Nothing passes in silence: what is of no kind that is read is counted in a directory, and an error when it is named
test_nothing_passes_in_silence()
{
	local path

	mkdir -p empty repository/deep/deeper
	validate 2 --policy policy.json empty
	assert_contains "$errors" "nothing to check in empty" "an empty directory"
	validate 2 --policy empty policy.json
	assert_contains "$errors" "nothing to check in empty" "an empty directory of policies"
	echo '{"name": "web", "version": "1.0.0"}' >repository/package.json
	echo '[]' >repository/deep/list.json
	validate 2 --policy policy.json repository
	assert_contains "$errors" "nothing to check in repository" "a directory of others"
	ipam a '{"type": "host-local", "subnet": "10.9.5.0/24"}' >repository/deep/deeper/a.conf
	ln -s .. repository/deep/loop
	validate 0 --policy policy.json --strict repository
	assert_contains "$output" "1 file, 2 not read (2 .json without a known kind), 0 errors" "the summary"
	validate 0 --policy policy.json --format json repository
	assert_json "$output" '[.files, .notRead, .reserved] == [1, 2, 1]' "the summary as JSON"
	validate 1 --policy policy.json repository/package.json
	echo '{"apiVersion": "apps/v1", "kind": "Deployment"}' >deployment.json
	validate 1 --policy policy.json deployment.json
	assert_contains "$output" "of kinds that are read, but no address stands in it" "what it has not"
	echo '{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}' >role.json
	validate 1 --policy policy.json role.json
	assert_contains "$output" "kind Role of rbac.authorization.k8s.io/v1 is not read; rangeguard-validate(1) lists" "what it is"
	for path in empty repository/deep/list.json; do
		! rangeguard suggest --policy policy.json --avoid "$path" --within 10.8.0.0/16 --prefix-length 24 2>errors ||
			fail "suggest takes $path for nothing in use"
	done
}

# Without a reservation nothing can be refused, and that is no result to be glad of
test_without_reservations()
{
	ipam a '{"type": "host-local", "subnet": "10.9.5.0/24"}' >a.conf
	validate 0 a.conf
	assert_contains "$errors" "warning: nothing is reserved" "the warning"
	validate 2 --require-policy a.conf
	assert_contains "$errors" "nothing is reserved" "the error"
	validate 0 --require-policy --policy policy.json a.conf
	assert_empty "$errors" "with a policy"
	echo '{"reserved": []}' >nothing.json
	validate 2 --require-policy --policy nothing.json a.conf
	validate 0 --policy nothing.json policy.json
	assert_contains "$errors" "warning: nothing is reserved" "a policy that is named and reserves nothing"
	validate 1 --policy missing.json policy.json
	assert_contains "$output" "missing.json: error RG301" "a policy that is named and not there, and nothing asks for"
	validate 0 policy.json
	assert_empty "$errors" "of a policy alone"
}

# On a host the mode of a policy counts, as it does in an ADD; in a checkout it is a warning
test_who_can_write_a_policy()
{
	ipam a '{"type": "host-local", "subnet": "10.9.5.0/24"}' >a.conf
	chmod 0666 policy.json
	assert_findings "RG301 warning " a.conf
	assert_findings "RG301 error " --host a.conf
	assert_findings "RG301 warning " policy.json
	assert_findings "RG301 error " --host policy.json
}

# From a shell's <(…), with the byte order mark that Windows puts in front, and keys of lists that runtimes write
test_how_files_come()
{
	validate 1 --policy policy.json --format json <(sleep 0.2; ipam a '{"type": "host-local", "subnet": "10.20.5.0/24"}')
	assert_equal "RG101 error /ipam/subnet" "$(findings)" "from a pipe"
	assert_json "$output" '.findings[0] | .line == 7 and .column == 15' "its place"
	{ printf '\xef\xbb\xbf'; ipam a '{"type": "host-local", "subnet": "10.20.5.0/24"}' | tr -d '\n'; } >bom.conf
	validate 1 --policy policy.json --format json bom.conf
	assert_equal "$(sed 's/^\xef\xbb\xbf//; s/"10\.20\.5.*//' bom.conf | wc -c)" \
		"$(jq '.findings[0].column - 1' <<<"$output")" "column, the mark not counted"
	jq -n '{cniVersion: "1.0.0", name: "a", nerdctlID: "x", nerdctlLabels: {}, args: {}, cniVersions: ["1.0.0"],
		disableCheck: true, loadOnlyInlinedPlugins: false, "any thing": 1, plugins: [{type: "rangeguard",
		ipam: {type: "rangeguard", ranges: [[{subnet: "10.9.5.0/24"}]]}}]}' >list.conflist
	assert_findings "" list.conflist
}

# A directory is a host: names are its own, and what two hosts give they give twice unless they share it in blocks
test_directories_are_hosts()
{
	mkdir node1 node2
	ipam pods '{"type": "rangeguard", "ranges": [[{"subnet": "10.9.0.0/24"}]]}' rangeguard | tee node1/10.conf >node2/10.conf
	assert_findings "RG105 warning /ipam/ranges/0/0" node1 node2
	assert_json "$output" '.findings[0] | [.file, .related[0].file] == ["node2/10.conf", "node1/10.conf"] and
		(.message | contains("two hosts"))' "which hosts"
	ipam pods '{"type": "host-local", "subnet": "10.9.0.0/24"}' bridge | tee node1/10.conf >node2/10.conf
	assert_findings "RG105 warning /ipam/subnet" .
	ipam pods '{"type": "host-local", "subnet": "10.9.1.0/24"}' bridge >node2/10.conf
	assert_findings "" node1 node2
	cp node1/10.conf node1/20.conf
	assert_findings "RG005 error /name" node1 node2
	echo '{"bip": "10.8.0.1/24"}' | tee node1/daemon.json >node2/daemon.json
	rm node1/20.conf
	assert_findings "" node1 node2
}

# A thousand networks over each other are told, but not half a million times
test_many_overlaps()
{
	local -i i

	mkdir net.d
	for ((i = 0; i < 1000; i++)); do
		echo '{"cniVersion": "1.0.0", "name": "n'$i'", "type": "bridge", "ipam": {"type": "host-local", "subnet": "10.9.0.0/24"}}' >net.d/$i.conf
	done
	validate 0 --policy policy.json --format json net.d
	assert_json "$output" '.summary.warnings > 999 and .summary.warnings <= 16000' "warnings"
	assert_json "$output" '[.findings[] | .file, .related[0].file] | unique | length == 1000' "files that are named"
}

# --- Policies are read once ---

test_what_is_wrong_with_a_policy_is_told_once()
{
	local name

	mkdir net.d
	echo '{"reserved": [{"cidr": "10.8.0.1/16"}, {"cidr": "10.7.0.0/16"}, {"cidr": "10.7.0.0/16"}]}' >policy.json
	for name in a b c; do
		ipam $name '{"type": "rangeguard", "subnet": "10.9.0.0/24"}' rangeguard >net.d/$name.conf
	done
	validate 1 --policy policy.json --policy missing.json --format json net.d policy.json
	assert_equal "RG301 missing.json
RG301 policy.json /reserved/0/cidr
RG301 policy.json /reserved/2" "$(jq -r '.findings[] | select(.rule == "RG301") | "\(.rule) \(.file) \(.pointer)"' <<<"$output" |
		sed 's/ $//' | sort)" "findings in policies"
}

# Entries of a configuration's own: most specific wins across both, and flaws are told of them alone
test_own_entries_beside_a_policy()
{
	local guard='{"reserved": [{"cidr": "10.20.1.128/25"}], "granted": [{"cidr": "10.20.1.0/24"}, {"cidr": "10.30.0.0/16"}]}'

	ipam a '{"type": "rangeguard", "ranges": [[{"subnet": "10.20.1.0/25"}], [{"subnet": "10.20.1.128/26"}]]}' rangeguard |
		jq --argjson guard "$guard" '.guard = $guard' >a.conf
	assert_findings "RG301 warning /guard/granted/1
RG101 error /ipam/ranges/1/0/subnet" a.conf
	assert_json "$output" '.findings[1].related[0] | .file == "a.conf" and .pointer == "/guard/reserved/0"' "who decides"
	jq '.guard = {reserved: [{cidr: "10.20.0.0/16"}]}' a.conf >b.conf
	validate 1 --policy policy.json --format json b.conf
	assert_json "$output" '[.findings[] | select(.rule == "RG301") | .pointer, .related[0].file, .related[0].pointer] ==
		["/guard/reserved/0", "policy.json", "/reserved/0"]' "a duplicate of the policy's"
}

# What a chained rangeguard would refuse at ADD, by its own guard
test_chain_is_held_against_its_guard()
{
	jq -n '{cniVersion: "1.0.0", name: "a", plugins: [{type: "bridge", ipam: {type: "host-local", subnet: "10.9.5.0/24"}},
		{type: "rangeguard", guard: {policies: [], reserved: [{cidr: "10.9.0.0/16"}]}}]}' >a.conflist
	validate 1 --format json a.conflist
	assert_equal "RG101 error /plugins/0/ipam/subnet" "$(findings)" "findings"
	assert_json "$output" '.findings[0].related[0].pointer == "/plugins/1/guard/reserved/0"' "who decides"
	jq '.plugins[1].guard.reserved[0].cidr = "10.9.0.1/16"' a.conflist >b.conflist
	validate 1 --format json b.conflist
	assert_equal "RG301 error /plugins/1/guard/reserved/0/cidr" "$(findings)" "a malformed entry, once"
	jq '.plugins[1].guard = {policies: ["/missing.json"]}' a.conflist >c.conflist
	validate 1 --format json c.conflist
	assert_equal "RG301 error " "$(findings)" "a policy that is missing"
}

# --- Host routes ---

test_routes_of_the_host()
{
	ip link add br9 type veth peer name br9-end
	ip address add 10.9.0.1/16 dev br9
	ip link set br9 up
	ip -json route show table all >routes.json
	ipam a '{"type": "host-local", "subnet": "10.9.5.0/24"}' bridge >a.conf
	assert_findings "RG106 warning /ipam/subnet" --host-routes routes.json a.conf
	jq '.bridge = "br9"' a.conf >b.conf
	assert_findings "" --host-routes routes.json b.conf
	jq '.type = "macvlan" | .master = "br9"' a.conf >b.conf
	assert_findings "" --host-routes routes.json b.conf
	echo '{"bip": "10.9.0.1/16"}' >daemon.json
	assert_findings "RG106 warning /bip" --host-routes routes.json daemon.json
	echo '{"bip": "10.9.0.1/16", "bridge": "br9"}' >daemon.json
	assert_findings "" --host-routes routes.json daemon.json
	jq -n '{name: "p", driver: "bridge", network_interface: "br9", subnets: [{subnet: "10.9.0.0/16"}]}' >podman.json
	assert_findings "" --host-routes routes.json podman.json
}

# --- suggest reads the same ---

test_suggest_avoids_what_validate_reads()
{
	echo '{"reserved": []}' >nothing.json
	output=$(rangeguard suggest --policy nothing.json --avoid "$OTHERS" --within 10.48.0.0/12 --prefix-length 16 --count 9) || true
	assert_equal "10.48.0.0/16 10.49.0.0/16 10.59.0.0/16 10.60.0.0/16 10.61.0.0/16 10.62.0.0/16 10.63.0.0/16" \
		"$(tr '\n' ' ' <<<"$output" | sed 's/ $//')" "free networks"
}

main "$@"
