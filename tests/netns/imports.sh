#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Policies that import tables of NetBox, phpIPAM and Infoblox: an ADD is refused what a row reserves, with owner, reason,
# file and line; whatever is the matter with a table fails closed; and every command says the same.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

EXAMPLES=$SOURCE_DIR/conf-examples/imports
POLICIES=/etc/rangeguard/reserved.d

# set_up: the examples as policies, as an ADD reads them
set_up()
{
	mkdir bin
	ln -s "$RANGEGUARD" bin/rangeguard
	PATH=$PWD/bin:$PATH
	container c1
	install -D -m 0644 -t "$POLICIES" "$EXAMPLES"/*
}

# conf SUBNET [FILTER]: a configuration, changed by a jq program
conf()
{
	jq -nc --arg subnet "$1" '{cniVersion: "1.1.0", name: "pods", type: "rangeguard",
		ipam: {type: "rangeguard", ranges: [[{$subnet}]]}} | '"${2-.}"
}

# snapshot: what a refusal must not change
snapshot()
{
	host_state
	ls -l /sys/class/net
	inside c1 ip address show
	rangeguard list
}

# assert_refusal CODE CONF PART…: ADD of c1 is refused, names all parts, and changes nothing
assert_refusal()
{
	local before part

	before=$(snapshot)
	assert_fails add c1 "$2"
	assert_refused "$1" "$output" "ADD of $2"
	for part in "${@:3}"; do
		assert_contains "$(jq -r .msg <<<"$output")" "$part" "the refusal"
	done
	assert_equal "$before" "$(snapshot)" "what a refusal leaves"
}

# assert_works CONF: ADD of c1 succeeds; DEL
assert_works()
{
	output=$(add c1 "$1" 2>&1) || fail "refused: $output"
	del c1 "$1"
}

# assert_fails_closed PART…: no network gets an address any more, and STATUS tells
assert_fails_closed()
{
	assert_refusal 102 "$(conf 10.99.0.0/24)" "$@"
	assert_fails cni STATUS "" "" "" "$(conf 10.99.0.0/24 | jq -c '.guard.strictStatus = true')"
	assert_refused 50 "$output" "STATUS"
}

# table FORMAT [MEMBERS]: the only policy imports t.csv, which is read from standard input
table()
{
	rm -f "$POLICIES"/*
	cat >"$POLICIES/t.csv"
	chmod 0644 "$POLICIES/t.csv"
	printf '{"imports": [{"file": "t.csv", "format": "%s"%s}]}\n' "$1" "${2+, $2}" >"$POLICIES/t.json"
}

# edit_table SED: changes t.csv, and nothing but its contents
edit_table()
{
	sed "$1" "$POLICIES/t.csv" >t.csv
	cat t.csv >"$POLICIES/t.csv"
}

# assert_exits STATUS COMMAND…: what it prints is left in $output and $errors
assert_exits()
{
	local -i status=0

	output=$("${@:2}" 2>/run/test/errors) || status=$?
	errors=$(</run/test/errors)
	assert_equal "$1" "$status" "exit status of '${*:2}' ($errors$output)"
}

# --- ADD ---

test_rows_refuse_with_owner_reason_and_line()
{
	assert_refusal 100 "$(conf 10.20.5.0/24)" "subnet 10.20.5.0/24 touches reserved range 10.20.0.0/16" \
		"owner db-platform" "reason Oracle RAC, production" "$POLICIES/netbox-prefixes.csv line 3"
	assert_refusal 100 "$(conf fd20:0:1::/64)" "fd20::/32" "Oracle RAC, not in use before 2027" "netbox-prefixes.csv line 6"
	assert_refusal 100 "$(conf 10.31.4.0/24)" "10.31.4.10-10.31.4.99" telephony "SIP trunks" "netbox-ranges.csv line 2"
	assert_refusal 100 "$(conf 10.48.0.0/12)" 10.50.0.0/20 "Example Bank" Clearing NET-1100 "phpipam.csv line 3"
	assert_refusal 100 "$(conf 10.40.2.0/24)" 10.40.0.0/22 "owner storage" Ceph NET-1042 "infoblox.csv line 4"
	assert_refusal 100 "$(conf fd40::/64)" fd40::/48 "infoblox.csv line 7"
	assert_refusal 100 "$(conf 10.42.0.0/24)" 10.42.0.100-10.42.0.199 phones "infoblox.csv line 9"
	assert_refusal 100 "$(conf 192.0.2.0/25)" "policy.json /reserved/0"
}

test_rows_that_no_filter_takes_reserve_nothing()
{
	local subnet

	for subnet in 10.21.0.0/24 10.30.0.0/24 10.31.4.128/26 10.60.0.0/24 10.41.0.0/24 10.43.0.0/24 10.40.4.0/24; do
		assert_works "$(conf "$subnet")"
	done
}

test_a_pool_goes_around_rows()
{
	output=$(add c1 "$(conf 10.31.4.0/24 '.ipam.ranges[0][0] += {rangeStart: "10.31.4.10"} | .guard.onOverlap = "exclude"')") ||
		fail "refused: $output"
	assert_json "$output" '.ips[0].address == "10.31.4.100/32"' "the first address behind the range"
}

test_addresses_asked_for_by_name()
{
	local before

	before=$(snapshot)
	assert_fails add c1 "$(conf 10.31.4.0/24 '.guard.onOverlap = "exclude"')" CNI_ARGS=IP=10.31.4.99
	assert_refused 100 "$output" "IP="
	assert_contains "$output" "netbox-ranges.csv line 2" "IP="
	assert_equal "$before" "$(snapshot)" "what a refusal leaves"
}

test_a_grant_opens_a_row()
{
	echo '{"granted": [{"cidr": "10.20.64.0/20", "network": "pods"}]}' >"$POLICIES/grant.json"
	assert_works "$(conf 10.20.64.0/24)"
	assert_refusal 100 "$(conf 10.20.80.0/24)" "netbox-prefixes.csv line 3"
}

# Both files are large enough for whoever keeps what was read; each change is of the table alone
test_a_changed_table_counts_at_once()
{
	local conf

	conf=$(conf 10.99.0.0/24)
	{
		echo prefix,tenant
		jq -nr 'range(64; 128) as $second | range(256) | "100.\($second).\(.).0/24,a"'
	} | table netbox '"where": {"tenant": ["a"]}'
	jq '."x-padding" = "x" * 10000' "$POLICIES/t.json" >t.json
	cp t.json "$POLICIES/t.json"
	assert_works "$conf"
	assert_works "$conf"
	echo 10.99.0.0/16,b >>"$POLICIES/t.csv"
	assert_works "$conf"
	edit_table '$s/b$/a/'
	assert_refusal 100 "$conf" "$POLICIES/t.csv line 16386"
	edit_table '1a 10.99.0.0/24,a'
	assert_refusal 100 "$conf" "$POLICIES/t.csv line 2"
	edit_table '/^10.99/s/a$/c/'
	assert_works "$conf"
	rm "$POLICIES/t.csv"
	assert_fails_closed "t.csv can't be read"
}

test_whatever_is_the_matter_fails_closed()
{
	printf 'prefix\n10.20.0.0/16\n10.21.0/16\n' | table netbox
	assert_fails_closed 'prefix "10.21.0/16" must be ADDRESS/LENGTH' "line 3 in $POLICIES/t.csv"
	printf 'prefix,status\n10.20.0.0/16,active\n' | table netbox '"where": {"stauts": ["active"]}'
	assert_fails_closed 'no column "stauts", only prefix, status' "/imports/0/where/stauts in $POLICIES/t.json"
	printf 'prefix\n10.20.0.0/16\n' | table netbox '"owner": "tenant"'
	assert_fails_closed 'no column "tenant"'
	# A copy that broke off: what is left of the last row can be read, as another range
	printf 'prefix\n10.20.0.0/16\n10.31.4.0/2' | table netbox
	assert_fails_closed "ends in the middle of a line" "$POLICIES/t.csv"
	printf 'start_address,end_address\n10.9.0.2,10.9.0.2' | table netbox
	assert_fails_closed "ends in the middle of a line" "$POLICIES/t.csv"
	printf 'prefix,note\n10.20.0.0/16,"half a cell\n' | table netbox
	assert_fails_closed "never closed" "line 2 in $POLICIES/t.csv"
	table netbox </dev/null
	assert_fails_closed "no header line"
	printf 'prefix\n10.20.0.0/16\n' | table netbox '"form": "x"'
	assert_fails_closed 'unknown key "form"'
	printf 'prefix\n10.20.0.0/16\n' | table nautobot
	assert_fails_closed 'not "nautobot"'
	printf 'prefix\n10.20.0.0/16\n' | table netbox
	assert_works "$(conf 10.99.0.0/24)"
}

test_only_a_file_that_root_alone_can_write_is_read()
{
	printf 'prefix\n10.20.0.0/16\n' | table netbox
	chmod g+w "$POLICIES/t.csv"
	assert_fails_closed "t.csv is writable by others"
	chmod 0644 "$POLICIES/t.csv"
	chown 1000 "$POLICIES/t.csv"
	assert_fails_closed "t.csv belongs to user 1000"
	rm "$POLICIES/t.csv"
	assert_fails_closed "t.csv can't be read: No such file or directory"
	mkfifo "$POLICIES/t.csv"
	assert_fails_closed "t.csv is not a regular file"
	rm "$POLICIES/t.csv"
	mkdir "$POLICIES/t.csv"
	assert_fails_closed "t.csv is not a regular file"
	rmdir "$POLICIES/t.csv"
	ln -s /dev/zero "$POLICIES/t.csv"
	assert_fails_closed "t.csv is not a regular file"
	printf 'prefix\n10.20.0.0/16\n' >/run/test/elsewhere.csv
	ln -sf /run/test/elsewhere.csv "$POLICIES/t.csv"
	assert_refusal 100 "$(conf 10.20.0.0/24)" "$POLICIES/t.csv line 2"
}

test_no_import_in_a_network_configuration()
{
	assert_refusal 2 "$(conf 10.99.0.0/24 '.guard.imports = [{file: "t.csv", format: "netbox"}]')" 'unknown key "imports"'
}

test_refusals_are_utf8_whatever_the_table_holds()
{
	printf 'prefix,tenant,description\n10.20.0.0/16,\xe4\x1b[31m\xff,"1\n2"\n' | table netbox '"owner": "tenant", "reason": "description"'
	assert_fails add c1 "$(conf 10.20.0.0/24)"
	iconv -f UTF-8 -t UTF-8 <<<"$output" >/dev/null || fail "no UTF-8"
	assert_contains "$(jq -r .msg <<<"$output")" "owner ? [31m?, reason 1 2;" "the refusal"
	printf 'prefix\n\xe4\x1b\n' | table netbox
	assert_fails_closed 'prefix "? " must be'
}

# One page of several is cut off as a table that breaks off in a row is: what the others hold would not be reserved
test_a_page_of_several_is_no_table()
{
	local document

	while IFS= read -r document; do
		table json '"items": "/results", "columns": {"cidr": "/prefix"}' <<<"$document"
		assert_fails_closed "more rows follow on another page"
	done <<-'EOF'
		{"count": 2, "next": "https://netbox/api/ipam/prefixes/?offset=1", "results": [{"prefix": "10.20.0.0/16"}]}
		{"next_page_id": "789c", "results": [{"prefix": "10.20.0.0/16"}]}
		{"results": [{"prefix": "10.20.0.0/16"}], "NextToken": "x"}
		{"results": [], "nextLink": "https://management.azure.com/x"}
	EOF
	table json '"items": "/a/rows", "columns": {"cidr": "/prefix"}' <<<'{"a": {"next": "2", "rows": [{"prefix": "10.20.0.0/16"}]}}'
	assert_exits 1 rangeguard validate "$POLICIES/t.json"
	assert_contains "$output" "t.csv:1:16: error RG301: next says that more rows follow" "the place"
	table json '"items": "/results", "columns": {"cidr": "/prefix"}' <<<'{"next": null, "NextToken": "", "results": [{"prefix": "10.20.0.0/16"}]}'
	assert_refusal 100 "$(conf 10.20.5.0/24)" 10.20.0.0/16
}

# --- validate ---

test_validate_has_rows_as_the_other_side()
{
	conf 10.20.5.0/24 | jq . >pods.conf
	assert_exits 1 rangeguard validate --policy "$POLICIES" pods.conf
	assert_contains "$output" "owner db-platform" "text"
	assert_contains "$output" "
  see $POLICIES/netbox-prefixes.csv:3:1
" "text"
	assert_exits 1 rangeguard validate --policy "$POLICIES" --format json pods.conf
	assert_json "$output" "[.findings[] | select(.severity != \"note\")][0] | .rule == \"RG101\" and
		.related == [{file: \"$POLICIES/netbox-prefixes.csv\", pointer: \"\", line: 3}]" "JSON"
	assert_exits 1 rangeguard validate --policy "$POLICIES" --format sarif pods.conf
	assert_json "$output" '[.runs[0].results[] | select(.level != "note")][0].relatedLocations[0].physicalLocation | .region == {startLine: 3, startColumn: 1}
		and (.artifactLocation.uri | endswith("/netbox-prefixes.csv"))' "SARIF"
	assert_exits 1 rangeguard validate --policy "$POLICIES" --format github pods.conf
	assert_contains "$output" "(see $POLICIES/netbox-prefixes.csv:3)" "GitHub"
}

test_validate_says_where_a_table_is_wrong()
{
	local fingerprints='[.runs[0].results[].partialFingerprints[]]'

	printf 'prefix,note\n10.20.0.0/16,"1\r\n2"\n10.21.0/16,\n10.22.0/16,\n' | table netbox
	cd "$POLICIES"
	assert_exits 1 rangeguard validate t.json
	assert_contains "$output" 't.csv:4:1: error RG301: prefix "10.21.0/16" must be ADDRESS/LENGTH' "text"
	assert_contains "$output" "1 file, 2 errors, 0 warnings" "each row"
	assert_exits 1 rangeguard validate --format json - <t.json
	assert_json "$output" '[.findings[] | [.file, .pointer, .line, .column]] == [["t.csv", "", 4, 1], ["t.csv", "", 5, 1]]' "JSON"
	assert_exits 1 rangeguard validate --format junit t.json
	assert_equal "2" "$(xmllint --xpath 'count(//testcase[@name="t.csv"]/failure)' - <<<"$output")" "JUnit"
	assert_exits 1 rangeguard validate --format sarif t.json
	assert_json "$output" "$fingerprints | length == 2 and .[0] != .[1]" "fingerprints"
	assert_json "$output" '[.runs[0].results[].locations[0].physicalLocation.region.startLine] == [4, 5]' "SARIF"
	fingerprints=$(jq -c "$fingerprints" <<<"$output")
	sed -i '1a 10.19.0.0/16,' t.csv
	assert_exits 1 rangeguard validate --format sarif t.json
	assert_json "$output" "[.runs[0].results[].partialFingerprints[]] == $fingerprints" "fingerprints of moved rows"
}

test_validate_warns_of_imports_that_reserve_nothing()
{
	printf 'prefix,status\n10.20.0.0/16,active\n10.20.0.0/16,active\n' | table netbox '"where": {"status": ["reserved"]}'
	assert_exits 0 rangeguard validate "$POLICIES/t.json"
	assert_contains "$output" "t.json:1:" "place"
	assert_contains "$output" "warning RG301: none of the 2 rows of $POLICIES/t.csv is what where asks for" "warning"
	printf 'prefix,status\n10.20.0.0/16,active\n10.20.0.0/16,active\n' | table netbox
	assert_exits 0 rangeguard validate "$POLICIES/t.json"
	assert_contains "$output" "t.csv:3:1: warning RG301: 10.20.0.0/16 is reserved by $POLICIES/t.csv line 2 already" "duplicate"
	assert_contains "$output" "see $POLICIES/t.csv:2:1" "the other one"
	printf 'cidr,until\n10.20.0.0/16,2020-01-01\n' | table csv '"columns": {"cidr": "cidr", "validUntil": "until"}'
	assert_exits 0 rangeguard validate "$POLICIES/t.json"
	assert_contains "$output" "warning RG301: none of the 1 rows of $POLICIES/t.csv reserves anything today" "rows of yesterday"
	printf 'prefix\n10.20.0.0/16\n' | table netbox
	chmod g+w "$POLICIES/t.csv"
	assert_exits 0 rangeguard validate "$POLICIES/t.json"
	assert_contains "$output" "an ADD would refuse it: import $POLICIES/t.csv is writable by others" "mode"
}

test_the_examples_are_without_findings()
{
	assert_exits 0 rangeguard validate --strict "$POLICIES/policy.json"
	assert_equal "1 file, 0 errors, 0 warnings" "$output" "findings"
}

# The manual's policy and refusal, as they stand there
test_the_manual_is_true()
{
	local section

	section=$(sed -n '/^# IMPORTS/,/^# SEE/p' "$SOURCE_DIR/plugin/man/rangeguard-policy.5.scd")
	printf 'Prefix,Status,Tenant,Role,Description\n10.20.0.0/16,Deprecated,x,Database,\n' | table netbox
	echo '10.20.0.0/16,Active,db-platform,Database,Oracle RAC' >>"$POLICIES/t.csv"
	sed -n '/^{/,/^}/p' <<<"$section" | jq -s '.[0]' >"$POLICIES/t.json"
	mv "$POLICIES/t.csv" "$POLICIES/netbox.csv"
	assert_refusal 100 "$(conf 10.20.0.0/24)" "(owner db-platform, reason Oracle RAC, ref NET-1042; $POLICIES/netbox.csv line 3)"
	assert_contains "$(tr '\n' ' ' <<<"$section")" \
		"(owner db-platform, reason Oracle RAC, ref NET-1042; $POLICIES/netbox.csv line 3)" "the manual"
	rm "$POLICIES"/*
	mkdir "$POLICIES/tables"
	sed -n '/^{/,/^}/p' <<<"$section" | jq -s '.[1]' >"$POLICIES/t.json"
	printf 'sep=;\nAddresses of 2026;;\nNetwork;Owner;\n10.21.0.0/16;storage;\n' >"$POLICIES/sheet.csv"
	echo '{"next": null, "results": [{"prefix": "10.22.0.0/16", "status": {"value": "active"}, "tenant": {"name": "sip"}},
		{"prefix": "10.23.0.0/16", "status": {"value": "container"}, "tenant": null}]}' >"$POLICIES/tables/netbox.json"
	assert_refusal 100 "$(conf 10.21.0.0/24)" "(owner storage; $POLICIES/sheet.csv line 4)"
	assert_refusal 100 "$(conf 10.22.0.0/24)" "(owner sip; $POLICIES/tables/netbox.json /results/0)"
	rangeguard explain --policy "$POLICIES" 10.23.0.1 >/dev/null || fail "a row that where leaves out is reserved"
}

# --- explain, suggest ---

test_explain_names_file_and_line()
{
	assert_exits 1 rangeguard explain 10.20.3.4
	assert_equal "10.20.3.4: refused
  by reserved 10.20.0.0/16, owner db-platform, reason Oracle RAC, production, $POLICIES/netbox-prefixes.csv:3" "$output" "text"
	assert_exits 1 rangeguard explain --format json 10.50.0.0/20
	assert_json "$output" ".results[0].decided == {kind: \"reserved\", span: \"10.50.0.0/20\", owner: \"Example Bank\",
		reason: \"Clearing\", ref: \"NET-1100\", file: \"$POLICIES/phpipam.csv\", pointer: \"\", line: 3}" "JSON"
	printf 'prefix\nx\n' | table netbox
	assert_exits 2 rangeguard explain 10.20.3.4
	assert_contains "$errors" "(at line 2 in $POLICIES/t.csv)" "a table that can't be read"
}

test_suggest_leaves_rows_out()
{
	assert_exits 0 rangeguard suggest --policy "$POLICIES" --within 10.40.0.0/20 --prefix-length 22 --count 1
	assert_equal 10.40.4.0/22 "$output" "the first free subnet"
	assert_exits 1 rangeguard suggest --policy "$POLICIES" --within 10.20.0.0/16 --prefix-length 24
	assert_equal "" "$output" "nothing free"
}

# --- Columns that the policy names ---

COLUMNS=$SOURCE_DIR/conf-examples/imports-columns

# set_up_columns: these examples in place of the others
set_up_columns()
{
	rm -rf "$POLICIES"
	install -D -m 0644 -t "$POLICIES" "$COLUMNS/policy.json"
	install -D -m 0644 -t "$POLICIES/tables" "$COLUMNS"/tables/*
}

# A spreadsheet's CSV, what NetBox's API says, a router's routes: each with its owner, and the row's own place
test_columns_of_spreadsheets_json_and_routes()
{
	set_up_columns
	assert_refusal 100 "$(conf 10.20.5.0/24)" "reserved range 10.20.0.0/16" "owner db-platform" "tables/sheet.csv line 4"
	assert_refusal 100 "$(conf 10.22.0.0/24)" "10.22.0.10-10.22.0.99" "owner telephony" "sheet.csv line 6"
	assert_refusal 100 "$(conf 10.30.7.0/24)" "10.30.0.0/16" "owner storage" "tables/netbox.json /results/0"
	assert_refusal 100 "$(conf 10.40.0.0/24)" "10.40.0.0/16" "owner netops" "198.51.100.7" "core1.json /1"
	# Past its last day; of another status; a route of another protocol; and the default route is no reservation
	assert_works "$(conf 10.21.0.0/24)"
	assert_works "$(conf 10.31.0.0/24)"
	assert_works "$(conf 10.41.0.0/24)"
	output=$(rangeguard validate --policy "$POLICIES" --strict "$POLICIES")
	assert_contains "$output" "0 errors, 0 warnings" "validate"
}

# What HTTP APIs print ends without a line end; one that broke off has no bracket at its end
test_json_ends_by_its_brackets()
{
	set_up_columns
	printf '%s' "$(<"$POLICIES/tables/netbox.json")" >netbox.json
	mv netbox.json "$POLICIES/tables/"
	assert_works "$(conf 10.9.0.0/24)"
	assert_refusal 100 "$(conf 10.30.7.0/24)" "netbox.json"
	truncate -s -1 "$POLICIES/tables/netbox.json"
	assert_refusal 102 "$(conf 10.9.0.0/24)" "netbox.json"
}

# A dead cron job, a table that was cut off: no container starts, and the refusal says what to look at
test_old_and_short_tables_refuse()
{
	set_up_columns
	jq '.imports[1] += {maxAge: "36h"} | .imports[2] += {minRows: 2}' "$COLUMNS/policy.json" >"$POLICIES/policy.json"
	assert_refusal 102 "$(conf 10.9.0.0/24)" "core1.json has 1 reservations, fewer than minRows (2)"
	jq '.imports[1] += {maxAge: "36h"}' "$COLUMNS/policy.json" >"$POLICIES/policy.json"
	assert_works "$(conf 10.9.0.0/24)"
	touch -d '37 hours ago' "$POLICIES/tables/netbox.json"
	assert_refusal 102 "$(conf 10.9.0.0/24)" "netbox.json is older than maxAge allows (36 hours)"
}

test_flaws_of_columns_are_told_at_their_place()
{
	local -i i=0
	local row

	mkdir t
	for row in '{"format": "csv"}|/imports/0/columns' '{"format": "csv", "columns": {"cidr": "a", "range": "b"}}|/imports/0/columns' \
		'{"format": "csv", "columns": {"address": "a"}}|/imports/0/columns' \
		'{"format": "json", "columns": {"cidr": "/a"}, "items": "x"}|/imports/0/items' \
		'{"format": "netbox", "columns": {"cidr": "a"}}|/imports/0/columns' \
		'{"format": "routes", "maxAge": "3 weeks"}|/imports/0/maxAge' \
		'{"format": "csv", "columns": {"cidr": "a"}, "separator": "ab"}|/imports/0/separator' \
		'{"format": "csv", "columns": {"cidr": "a"}, "encoding": "ebcdic"}|/imports/0/encoding' \
		'{"format": "json", "columns": {"cidr": "/a"}, "items": "/none"}|/none' \
		'{"format": "json", "columns": {"cidr": "/a"}}|/0'; do
		i+=1
		echo '[{"a": "10.20.0/16"}]' >t/t.json
		jq -n --argjson spec "${row%|*}" '{imports: [{file: "t.json"} + $spec]}' >"t/p$i.json"
		output=$(rangeguard validate --format json "t/p$i.json" || true)
		assert_equal "RG301 ${row#*|}" "$(jq -r '.findings[0] | "\(.rule) \(.pointer)"' <<<"$output")" "${row%|*}"
	done
}

main "$@"
