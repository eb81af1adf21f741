#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What helps people: completion by shells, and what a reservation would hit before it is made.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

# set_up: `rangeguard` as the documentation calls it
set_up()
{
	mkdir bin
	ln -s "$RANGEGUARD" bin/rangeguard
	PATH=$PWD/bin:$PATH
}

# commands: their names
commands()
{
	rangeguard --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p'
}

# options COMMAND: those of its synopsis
options()
{
	rangeguard "$1" --help | sed '/^$/q' | grep -oE -- '--[a-z-]+' | sort -u
}

# --- Completion ---

# completed WORD…: what bash offers for the last one
completed()
{
	bash -c 'source <(rangeguard completion bash); COMP_WORDS=(rangeguard "$@"); COMP_CWORD=$#; _rangeguard
		printf "%s\n" "${COMPREPLY[@]}"' completed "$@" | sort
}

test_bash_offers_what_there_is()
{
	local command

	for command in $(commands); do
		assert_contains "$(completed "")" "$command" "commands"
		assert_equal "$({ echo --help; options "$command"; } | sort -u)" "$(completed "$command" -- | sort -u)" \
			"options of $command"
	done
	assert_equal "--policy" "$(completed validate --pol)" "an option that has begun"
	touch here.conf
	assert_equal "here.conf" "$(completed validate her)" "a file"
}

test_all_shells_have_each_option()
{
	local command option

	rangeguard completion zsh >completion.zsh
	rangeguard completion fish >completion.fish
	for command in $(commands); do
		for option in $(options "$command"); do
			grep -qE "^$command\).*'\*${option}[:']" completion.zsh || fail "zsh: $command $option"
			grep -qE "seen_subcommand_from $command' -l ${option#--}( -r)?$" completion.fish || fail "fish: $command $option"
		done
	done
	assert_fails rangeguard completion csh
	assert_contains "$output" "bash, zsh or fish" "another shell"
}

# --- Editors ---

# The commands of the guide, one after the other, and what they leave
test_guide_to_editors()
{
	local guide=$SOURCE_DIR/conf-examples/editor name

	mkdir -p /run/test/repository/reserved.d
	cd /run/test/repository
	cp "$guide/settings.json" .
	echo '{"reserved": [{"cidr": "10.20.0.0/16", "owner": "db-platform"}]}' >reserved.d/dba.json
	sed -nE 's/^    ([a-z].*)$/\1/p' "$guide/README.md" >commands.sh
	grep -q 'jsonschema -i' commands.sh || fail "no commands in the guide"
	PATH=/usr/bin:$PATH bash -euo pipefail commands.sh >out 2>&1 || fail "$(<out)"
	for name in $(jq -r '."json.schemas"[].url' .vscode/settings.json); do
		assert_json "$(<"$name")" '."$schema" == "https://json-schema.org/draft/2020-12/schema"' "$name"
	done
	sed -i s/owner/ownr/ reserved.d/dba.json
	assert_fails /usr/bin/jsonschema -i reserved.d/dba.json policy-schema.json
	assert_contains "$output" ownr "the key that nobody knows"
}

test_schemas_by_name()
{
	local name

	for name in $(rangeguard schema); do
		rangeguard schema "$name" | jq -e . >/dev/null || fail "$name"
		assert_contains "$(rangeguard schema --help)" "$name" "help"
	done
	assert_equal "agent cluster cluster-status conflist explain findings list network policy pools suggest who" \
		"$(rangeguard schema | sort | xargs)" "names"
	assert_fails rangeguard schema compose
	assert_contains "$output" "no schema is called 'compose': rangeguard schema lists them" "another name"
}

# --- Colours ---

# on_terminal COMMAND…: what it prints on standard output, when that is one; whatever its exit status
on_terminal()
{
	script -qec "$* 2>/dev/null" /dev/null </dev/null | tr -d "\r" || true
}

# plain: without colours
plain()
{
	sed 's/\x1b\[[0-9;]*m//g'
}

# is_plain TEXT WHAT: it has no colours
is_plain()
{
	[[ "$1" != *$'\x1b['* ]] || fail "$2: coloured"
}

# assert_coloured COMMAND…: on a terminal alone, unless somebody says otherwise, and the same text in any case
assert_coloured()
{
	local escape=$'\x1b[' text

	text=$("$@" || true)
	is_plain "$text" "$*, piped"
	assert_equal "$text" "$(TERM=xterm on_terminal "$@" | plain)" "$*, its text on a terminal"
	assert_contains "$(TERM=xterm NO_COLOR='' on_terminal "$@")" "$escape" "$*, on a terminal"
	is_plain "$(TERM=xterm NO_COLOR=1 on_terminal "$@")" "$*, NO_COLOR"
	is_plain "$(TERM=dumb on_terminal "$@")" "$*, a terminal without colours"
	is_plain "$(TERM=xterm on_terminal "$@" --color never)" "$* --color never"
	assert_contains "$(NO_COLOR=1 "$@" --color always || true)" "$escape" "$* --color always"
}

test_colour_on_a_terminal_alone()
{
	echo '{"reserved": [{"cidr": "10.20.0.0/16", "validUntil": "2020-01-01"}, {"cidr": "10.21.0.0/16"}]}' >reserved.json
	echo '{"cniVersion": "1.0.0", "name": "n", "type": "bridge", "ipam": {"type": "host-local", "subnet": "10.21.0.0/24"}}' >n.conf
	assert_coloured rangeguard validate --policy reserved.json n.conf reserved.json
	assert_coloured rangeguard explain --policy reserved.json 10.21.0.1 10.22.0.1 10.20.0.0/15
	jq -n --arg until "$(date -u -d '+3 days' +%F)" '{cniVersion: "1.0.0", name: "p", type: "rangeguard",
		ipam: {type: "rangeguard", ranges: [[{subnet: "10.30.0.0/24"}]]},
		guard: {reserved: [{cidr: "10.40.0.0/16", validUntil: $until}]}}' >p.conf
	assert_coloured rangeguard audit --config p.conf
	assert_fails rangeguard validate --color sometimes n.conf
	assert_contains "$output" "auto, always or never" "another word"
}

# --- What would this reservation hit? ---

test_leases_that_a_new_reservation_would_hit()
{
	local conf address

	conf=$(jq -nc '{cniVersion: "1.0.0", name: "pods", type: "rangeguard",
		ipam: {type: "rangeguard", ranges: [[{subnet: "10.9.0.0/24"}]]}}')
	container c1
	container c2
	add c1 "$conf" >/dev/null
	add c2 "$conf" >/dev/null
	rangeguard list --format json >list.json
	address=$(jq -r '.leases[0].address' list.json)
	echo '{"reserved": [{"cidr": "'"$address"'/32", "owner": "db-platform"}]}' >new.json
	assert_fails rangeguard validate --policy new.json --format json --leases list.json
	assert_json "$output" '[.findings[] | (.rule, .severity, .pointer)] == ["RG103", "error", "/leases/0/address"]' "the one that is hit"
	assert_json "$output" '.findings[0].message | contains("address '"$address"' of ") and contains("owner db-platform")' "whose"
	# A grant to the network lets its containers stay.
	echo '{"reserved": [{"cidr": "10.9.0.0/16"}], "granted": [{"cidr": "10.9.0.0/24", "network": "pods"}]}' >new.json
	output=$(rangeguard validate --policy new.json --leases list.json) || fail "$output"
	jq '.granted[0].network = "others"' new.json >other.json
	assert_fails rangeguard validate --policy other.json --leases list.json
	assert_contains "$output" "2 errors" "a grant to others"
	del c1 "$conf"
	del c2 "$conf"
	# A host on which nothing runs is one that nothing would hit.
	rangeguard list --format json >list.json
	assert_json "$(<list.json)" '.leases == []' "the list of a host on which nothing runs"
	output=$(rangeguard validate --policy other.json --leases list.json) || fail "$output"
	assert_equal "1 file, 0 errors, 0 warnings" "$output" "what a reservation hits there"
}

main "$@"
