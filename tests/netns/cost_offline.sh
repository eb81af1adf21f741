#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What `validate` makes of files that somebody has made large: counted (valgrind's callgrind, of the release build), for counts
# repeat where times do not. Twice the file costs about twice as much; and from some size on a file is refused in one clear error.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

# set_up: a policy that reserves what the files declare
set_up()
{
	echo '{"reserved": [{"cidr": "10.20.0.0/16", "owner": "dba"}]}' >policy.json
}

# repeated SIZE HEAD TEXT TAIL [SEPARATOR]: about so many bytes of TEXT, in which %d is a number
repeated()
{
	awk -v size="$1" -v head="$2" -v text="$3" -v tail="$4" -v separator="${5-}" 'BEGIN {
		printf "%s", head
		for (n = 0; size > 0; n++) { line = (n ? separator : "") sprintf(text, n, n); printf "%s", line; size -= length(line) }
		printf "%s", tail }'
}

# made NAME SIZE: the file of that name
made()
{
	case $1 in
	unknown-keys.json) repeated "$2" '{"cniVersion": "1.0.0", "name": "x", "type": "rangeguard", "ipam": {"subnet": "10.30.0.0/24"}' ',"a%d": 1' '}' ;;
	unread-networks.json) repeated "$2" '{"cniVersion": "1.0.0", "name": "x", "type": "other"' ',"a%d": "10.20.0.0/24"' '}' ;;
	members.json) repeated "$2" '{"services": {"a": {"image": "x"}' ',"b%d": {"networks": {"x": {"ipv4_address": "10.20.0.1"}}}' '}}' ;;
	members.yaml) repeated "$2" $'services:\n  a: {image: x}\n' $'  b%d: {networks: {x: {ipv4_address: 10.20.0.1}}}\n' '' ;;
	elements.yaml) repeated "$2" $'cluster-cidr:\n' $'- 10.20.0.0/24\n' '' ;;
	aliases.yaml) repeated "$2" $'a: &a 10.20.0.0/24\ncluster-cidr: [' '*a, 10.20.1.0/24' $']\n' ', ' ;;
	parts.yaml) repeated "$2" 'cluster-cidr: "' '10.20.0.0/24' $'"\n' , ;;
	flags.service) repeated "$2" $'[Service]\nExecStart=x' ' --fixed-cidr=10.20.0.0/24' $'\n' ;;
	policy.json) repeated "$2" '{"reserved": [' '{}' ']}' , ;;
	duplicates.yaml) repeated "$2" $'podCidr: 10.20.0.0/24\n' $'podCidr: 10.20.0.0/24\n' '' ;;
	esac >"$1"
}

# counted FILE: instructions of validate
counted()
{
	local output

	# It finds something in each of them, so that its exit status is 1.
	output=$(/usr/bin/valgrind --tool=callgrind --callgrind-out-file=/dev/null "$RANGEGUARD" validate --policy policy.json "$1" \
		2>&1 >/dev/null) || (($? == 1)) || fail "$1 under callgrind: $output"
	sed -n 's/.* Collected : //p' <<<"$output"
}

test_twice_the_file_costs_twice_as_much()
{
	local name small large

	mkdir large
	mv policy.json large
	cd large
	for name in unknown-keys.json unread-networks.json members.json members.yaml elements.yaml aliases.yaml parts.yaml \
		flags.service duplicates.yaml; do
		made "$name" 60000
		small=$(counted "$name")
		made "$name" 120000
		large=$(counted "$name")
		note "$name: $((small / 60000)) and $((large / 120000)) instructions per byte"
		((large * 10 <= small * 25)) || fail "$name: $small instructions for 60,000 bytes, $large for 120,000"
	done
}

# told STATUS TEXT FILE: validate says so, within so few findings that somebody can read them
told()
{
	local output
	local -i status=0

	output=$("$RANGEGUARD" validate --policy policy.json "$3" 2>&1) || status=$?
	assert_equal "$1" "$status" "exit status for $3"
	grep -qF -- "$2" <<<"$output" || fail "$3: '$2' is not in '$(tail -n 3 <<<"$output" | cut -c 1-300)'"
	(($(wc -l <<<"$output") < 30000)) || fail "$3: $(wc -l <<<"$output") lines"
}

# 16 MiB of any input come to an answer. Without bounds several of these would take minutes, for which the test is taken for hung.
test_16_mib_of_anything()
{
	local -i size=$((16 << 20))

	made unknown-keys.json $size
	told 1 "an object with more members than are read; split the file" unknown-keys.json
	made unread-networks.json $size
	told 1 "an object with more members than are read; split the file" unread-networks.json
	made members.yaml $size
	told 1 "a mapping with more members than are read; split the file; not read from line" members.yaml
	made elements.yaml $size
	told 1 "more values than are read" elements.yaml
	made aliases.yaml $size
	told 1 "more values than are read, with those that aliases stand for" aliases.yaml
	made parts.yaml $size
	told 1 "more than 65536 ranges and addresses in one document; from here on nothing is checked: split it" parts.yaml
	made flags.service $size
	told 1 "more than 65536 ranges and addresses in one document" flags.service
	repeated $size '{"a": [' '[]' ']}' , >arrays.json
	told 1 "more values than are read; split the file" arrays.json
	repeated $size '{"cniVersion": "1.0.0", "name": "x", "plugins": [' '{"type":"x","comment":"y"}' ']}' , >plugins.json
	told 1 "more than 4096 plugins or delegates in one list" plugins.json
	repeated $size '{"apiVersion": "v1", "kind": "List", "items": [' \
		'{"apiVersion":"v1","kind":"Node","spec":{"podCIDR":"10.20.0.0/24"}}' ']}' , >nodes.json
	told 1 "more than 65536 resources in one file; from here on nothing is checked: split it" nodes.json
	told 1 "more findings in this file, which are counted but not listed" nodes.json
	repeated $size '[' '{"IPAM":{"Config":[{"Subnet":"10.20.0.0/24"},{"Subnet":"10.20.0.0/25"}]}}' ']' , >networks.json
	told 1 "more ranges overlap than are compared with each other" networks.json
	repeated $size '' $'---\na: 1\n' '' >documents.yaml
	told 1 "more documents than are read; split the file" documents.yaml
	repeated $size '<network ' 'a%d="" ' '/>' >tag.xml
	told 1 "a tag longer than is read" tag.xml
	repeated $size '{"reserved": [' '{}' ']}' , >bad.json
	told 1 "more values than are read; split the file" bad.json
	head -c $size /dev/zero | tr '\0' '[' >deep.json
	told 1 "maximum parsing depth reached" deep.json
	{ printf 'cluster-cidr: 10.20.0.0/24 #'; head -c $size /dev/zero | tr '\0' x; } >comment.yaml
	told 1 "range 10.20.0.0/24 touches reserved range" comment.yaml
}

# What is large because there is much in it passes: a cluster's resources, a database's export, as it has them
test_what_is_large_for_a_reason_passes()
{
	local output

	repeated $((16 << 20)) '{"apiVersion": "v1", "kind": "List", "items": [' "$(jq -cn '{apiVersion: "v1", kind: "Node", metadata:
		{name: "node-%d", uid: "7d7f1c1e-0000-0000-0000-%012d", labels: {"kubernetes.io/hostname": "node", zone: "a"}},
		spec: {podCIDR: "10.30.0.0/24", podCIDRs: ["10.30.0.0/24"]}, status: {capacity: {cpu: "64", memory: "263856944Ki",
		pods: "110"}, conditions: [range(4) | {type: "Ready", status: "True", reason: "KubeletReady"}]}}')" ']}' , >nodes.json
	told 0 "1 file, 0 errors, 0 warnings" nodes.json
	repeated $((16 << 20)) '{"results": [' '{"id":%d,"prefix":"10.40.0.0/24","status":{"value":"active","label":"Active"},"tenant":null}' \
		$']}\n' , >netbox.json
	echo '{"imports": [{"file": "netbox.json", "format": "json", "items": "/results", "columns": {"cidr": "/prefix"}, "minRows": 150000}]}' \
		>imports.json
	output=$("$RANGEGUARD" explain --policy imports.json 10.40.0.1) && fail "10.40.0.1 is allowed: $output"
	assert_contains "$output" "by reserved 10.40.0.0/24" "the import"
}

main "$@"
