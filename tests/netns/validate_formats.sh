#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What `validate` prints for CI systems, and what it says of a host's routes. The host is the test's own namespace; no
# packet is sent.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

INVALID=$SOURCE_DIR/conf-examples/invalid

# set_up: `rangeguard` as the documentation calls it
set_up()
{
	mkdir bin
	ln -s "$RANGEGUARD" bin/rangeguard
	PATH=$PWD/bin:$PATH
}

# conf NAME IPV4-SUBNET [IPV6-SUBNET] [GUARD]: a configuration over several lines
conf()
{
	jq -n --arg name "$1" --arg ipv4 "$2" --arg ipv6 "${3-}" --argjson guard "${4-null}" '{cniVersion: "1.0.0", $name,
		type: "rangeguard", ipam: {type: "rangeguard", ranges: [$ipv4, $ipv6 | select(. != "") | [{subnet: .}]]}}
		+ if $guard then {guard: $guard} else {} end'
}

# validate STATUS ARGUMENTS…: what it prints is left in $output and $errors
validate()
{
	local -i status=0

	output=$(rangeguard validate "${@:2}" 2>/run/test/errors) || status=$?
	errors=$(</run/test/errors)
	assert_equal "$1" "$status" "exit status of validate ${*:2} ($errors$output)"
}

# assert_xml: $output is well-formed
assert_xml()
{
	xmllint --noout - <<<"$output" || fail "not well-formed: $output"
}

# xpath EXPRESSION: what it yields in $output
xpath()
{
	xmllint --xpath "$1" - <<<"$output"
}

# two_sides: a.conf has a range that policy.json reserves, b.conf one that a.conf has, too
two_sides()
{
	echo '{"reserved": [{"cidr": "10.8.0.0/16"},
		{"cidr": "10.9.0.0/16", "owner": "db <&> \"platform\""}]}' >policy.json
	conf a 10.9.1.0/24 >a.conf
	conf b 10.9.1.128/25 '' '{"onOverlap": "exclude", "reserved": [{"cidr": "10.9.1.128/26"}]}' >b.conf
}

# --- sarif ---

# The required properties of the schema, level by level, and its enumerations
test_sarif_has_what_the_schema_requires()
{
	cd "$INVALID"
	validate 1 --format sarif .
	assert_json "$output" '."$schema" | test("^https://.*sarif.*2[.]1[.]0.*[.]json$")' 'the schema'
	assert_json "$output" '.version == "2.1.0" and (.runs | length == 1)' "the log"
	assert_json "$output" '.runs[0].tool.driver | .name == "rangeguard" and (.version | test("^[0-9]+[.][0-9]+[.][0-9]+$"))' \
		"the tool"
	assert_json "$output" '[.runs[0].tool.driver.rules[] | (.id | test("^RG[0-9]{3}$")) and (.shortDescription.text != "")
		and (.help.text != "")] | length > 0 and all' "the rules"
	assert_json "$output" '.runs[0].tool.driver.rules | map(.id) == (map(.id) | unique)' "rules, each once"
	assert_json "$output" '.runs[0] | .tool.driver.rules as $rules | [.results[] | $rules[.ruleIndex].id == .ruleId] | all' \
		"the rules' indexes"
	assert_json "$output" '[.runs[0].results[] | (.level | IN("error", "warning", "note", "none")) and (.message.text != "")
		and (.locations | length == 1)] | all' "the results"
	assert_json "$output" '[.runs[0].results[] | .locations[], (.relatedLocations // [])[] | .physicalLocation
		| (.artifactLocation.uri | test("^[A-Za-z0-9._~/%:-]+$")) and .region.startLine > 0 and .region.startColumn > 0] | all' \
		"the locations"
	assert_json "$output" '.runs[0].columnKind == "unicodeCodePoints"' "what columns count"
}

test_sarif_says_what_json_says()
{
	local json

	cd "$INVALID"
	validate 1 --format json .
	json=$(jq -c '[.findings[] | [.rule, .severity, (.file | ltrimstr("./")), .line, .column, .message, (.related | map(.line))]]' \
		<<<"$output")
	validate 1 --format sarif .
	assert_equal "$json" "$(jq -c '[.runs[0].results[] | [.ruleId, .level, (.locations[0].physicalLocation
		| .artifactLocation.uri, .region.startLine, .region.startColumn), .message.text,
		((.relatedLocations // []) | map(.physicalLocation.region.startLine))]]' <<<"$output")" "results"
}

test_sarif_without_findings()
{
	conf a 10.9.0.0/24 >a.conf
	validate 0 --format sarif a.conf
	assert_json "$output" '.runs[0].results == [] and (.runs[0].tool.driver.rules | length > 0)' "an empty run"
}

test_sarif_has_both_sides_of_a_conflict()
{
	two_sides
	mkdir 'net d'
	mv a.conf 'net d/ä.conf'
	validate 1 --policy policy.json --format sarif './net d' "$PWD/b.conf"
	assert_json "$output" '[.runs[0].results[] | select(.ruleId == "RG101") | [.locations[0], .relatedLocations[0]
		| .physicalLocation | .artifactLocation.uri, .region.startLine]][0] == ["net%20d/%C3%A4.conf", 10, "policy.json", 2]' \
		"configuration and policy"
	assert_json "$output" "[.runs[0].results[] | select(.ruleId == \"RG105\") | [.locations[0], .relatedLocations[0]
		| .physicalLocation.artifactLocation.uri]] == [[\"file://$PWD/b.conf\", \"net%20d/%C3%A4.conf\"]]" "two networks"
}

test_sarif_fingerprints_outlive_moved_lines()
{
	local before filter='[.runs[0].results[] | .partialFingerprints | to_entries[] | "\(.key) \(.value)"]'

	two_sides
	validate 1 --policy policy.json --format sarif a.conf b.conf
	before=$(jq -c "$filter" <<<"$output")
	assert_json "$before" 'length > 1 and length == (unique | length)' "fingerprints"
	sed -i '1s/^/\n\n/' a.conf b.conf policy.json
	validate 1 --policy policy.json --format sarif ./a.conf b.conf
	assert_equal "$before" "$(jq -c "$filter" <<<"$output")" "fingerprints after two more lines"
}

# --- junit ---

test_junit_has_a_case_per_file()
{
	local failures

	cd "$INVALID"
	validate 1 --format json .
	failures=$(jq .summary.errors <<<"$output")
	validate 1 --format junit .
	assert_xml
	assert_equal 1 "$(xpath 'count(//testsuite)')" "test suites"
	assert_equal "$(printf '%s\n' RG*)" "$(xpath '//testcase/@name' | sed 's/.*="//; s/"$//')" "names of the cases"
	assert_equal "$failures" "$(xpath 'count(//testcase/failure)')" "failures"
	assert_equal "$(printf '%s\n' RG* | wc -l)" "$(xpath 'string(//testsuite/@tests)')" "attribute tests"
	assert_equal "$(xpath 'count(//testcase[failure])')" "$(xpath 'string(//testsuite/@failures)')" "attribute failures"
	assert_equal RG101 "$(xpath 'string(//testcase[@name="RG101-range-reserved.conflist"]/failure/@type)')" "type"
}

test_junit_without_failures()
{
	conf a 10.9.0.0/24 >a.conf
	validate 0 --format junit a.conf
	assert_xml
	assert_equal "1 0 0" "$(xpath 'concat(//testsuite/@tests, " ", //testsuite/@failures, " ", count(//failure))')" "counts"
}

# Warnings fail the report when they fail the run
test_junit_fails_as_the_run_does()
{
	conf a 10.9.1.0/24 >a.conf
	conf b 10.9.1.128/25 >b.conf
	validate 0 --format junit a.conf b.conf
	assert_xml
	assert_equal "0 0" "$(xpath 'concat(//testsuite/@failures, " ", count(//failure))')" "failures"
	assert_contains "$(xpath 'string(//testcase[@name="b.conf"]/system-out)')" RG105 "the warning"
	validate 1 --strict --format junit a.conf b.conf
	assert_xml
	assert_equal "1 1" "$(xpath 'concat(//testsuite/@failures, " ", count(//failure[@type="RG105"]))')" "failures"
}

test_junit_escapes_texts()
{
	local message

	two_sides
	mv a.conf 'a<&">.conf'
	validate 1 --policy policy.json --format junit 'a<&">.conf'
	assert_xml
	message=$(xpath "string(//testcase[@name='a<&\">.conf']/failure/@message)")
	assert_contains "$message" 'db <&> "platform"' "the owner"
	jq '.["\u0001\u001b<b>\u0000é"] = 1' a*.conf >control.conf
	validate 1 --format junit control.conf
	assert_xml
}

# A policy that a configuration names is no file of the command line, but its findings must not be lost
test_junit_has_files_that_were_named()
{
	echo '{"reserved": [{"cidr": "10.8.0.1/16"}]}' >/etc/broken.json
	conf a 10.9.0.0/24 '' '{"policies": ["/etc/broken.json"]}' >a.conf
	validate 1 --format junit a.conf
	assert_xml
	assert_equal "2 1" "$(xpath 'concat(//testsuite/@tests, " ", //testsuite/@failures)')" "counts"
	assert_equal RG301 "$(xpath 'string(//testcase[@name="/etc/broken.json"]/failure/@type)')" "finding in the policy"
}

# --- github ---

test_github_commands()
{
	local expected

	cd "$INVALID"
	validate 1 --format json .
	expected=$(jq -r '.findings[] | "\(.severity) \(.file | ltrimstr("./")) \(.line) \(.column) \(.rule)"' <<<"$output")
	validate 1 --format github .
	assert_equal "$expected" \
		"$(sed -E 's/^::([a-z]+) file=([^,]*),line=([0-9]+),col=([0-9]+),title=(RG[0-9]+)::.*/\1 \2 \3 \4 \5/' <<<"$output")" "commands"
}

test_github_escapes()
{
	two_sides
	mv a.conf 'a,b:100%.conf'
	jq '.["k\r\n::error::%"] = 1' <a*.conf >two.conf
	mv two.conf a*.conf
	validate 1 --policy policy.json --format github a*.conf
	assert_equal 2 "$(wc -l <<<"$output")" "lines"
	assert_contains "$output" '::error file=a%2Cb%3A100%25.conf,line=' "properties"
	assert_matches "$output" 'RG002::unknown key "k%0D%0A::error::%25"' "message"
	assert_matches "$output" 'RG101::subnet 10.9.1.0/24 touches .*\(see policy.json:2\)' "the other side"
}

test_github_without_findings()
{
	conf a 10.9.0.0/24 >a.conf
	validate 0 --format github a.conf
	assert_empty "$output" "standard output"
}

# --- host routes: what the host's own `ip` prints ---

# wire NAME: an interface that is up
wire()
{
	ip link add "$1" type veth peer name "$1-end"
	ip link set "$1-end" addrgenmode none up
	ip link set "$1" addrgenmode none up
}

# assert_routes FINDINGS IPV4-SUBNET [IPV6-SUBNET] [GUARD]: what is said of such a configuration on this host, "RG106 error"
assert_routes()
{
	local -i status=0

	conf a "${@:2}" >a.conf
	ip -json route show table all >routes.json
	output=$(rangeguard validate --host-routes routes.json --format json a.conf) || status=$?
	assert_equal "$1" "$(jq -r '.findings[] | "\(.rule) \(.severity)"' <<<"$output")" "findings of ${*:2}"
	assert_json "$output" "(.summary.errors > 0) == ($status == 1)" "exit status $status"
}

# related_route: destination of the route that the first finding names
related_route()
{
	jq -r --argjson index "$(jq -r '.findings[0].related[0].pointer | ltrimstr("/")' <<<"$output")" '.[$index].dst' routes.json
}

test_host_routes_that_clash()
{
	local subnet expected

	uplink
	wire docker0
	wire wg0
	ip address add 172.17.0.1/16 dev docker0
	ip address add fd17::1/64 dev docker0 nodad
	ip route add 10.1.2.0/24 dev wg0
	ip route add 10.2.2.0/24 via 198.51.100.254
	while read -r subnet expected; do
		if [[ "$subnet" == *:* ]]; then
			assert_routes "RG106 error" 10.99.0.0/16 "$subnet"
		else
			assert_routes "RG106 error" "$subnet"
		fi
		assert_equal "$expected" "$(related_route)" "route that clashes with $subnet"
	done <<-EOF
		172.17.5.0/24 172.17.0.0/16
		10.1.0.0/16 10.1.2.0/24
		10.2.0.0/16 10.2.2.0/24
		198.51.100.128/25 198.51.100.0/24
		fd17::/64 fd17::/64
	EOF
	assert_routes "RG106 warning" 10.1.0.0/16 '' '{"hostRoutes": "warn"}'
	assert_routes '' 10.1.0.0/16 '' '{"hostRoutes": "off"}'
}

# As at ADD: a default route, OpenVPN's pair, a corporate aggregate and policy routing are no clash
test_host_routes_that_do_not_clash()
{
	uplink
	wire tun0
	ip route add blackhole 10.9.3.0/24
	ip route add unreachable fd00:9::/48
	ip route add 0.0.0.0/1 dev tun0
	ip route add 128.0.0.0/1 dev tun0
	ip route add 10.0.0.0/8 via 198.51.100.254
	ip route add fd00::/8 via 2001:db8:aaaa::fe
	ip route add default via 198.51.100.254 table 100
	ip route add local default dev lo table 101
	assert_routes '' 10.9.0.0/16 fd00:9::/64
	wire wg0
	ip route add 10.9.2.0/24 dev wg0 table 52
	assert_routes "RG106 warning" 10.9.0.0/16
}

test_host_routes_that_are_exact()
{
	wire cali1
	ip route add 10.9.0.7 dev cali1
	ip route add 10.9.0.8 dev cali1
	assert_routes "RG106 warning" 10.9.0.0/16
	assert_routes '' 10.8.0.0/16
}

# What validate says of a host is what an ADD there does; its own containers are no clash
test_host_routes_agree_with_add()
{
	container c1
	wire docker0
	ip address add 172.17.0.1/16 dev docker0
	conf a 10.9.0.0/24 >a.conf
	add c1 a.conf >/dev/null
	assert_routes '' 10.9.0.0/24
	container c2
	conf b 172.17.5.0/24 >b.conf
	assert_fails add c2 b.conf
	assert_refused 104 "$output" "ADD"
	validate 1 --host-routes routes.json b.conf
	assert_matches "$output" 'RG106: range 172[.]17[.]5[.]1-172[.]17[.]5[.]254 clashes .* 172[.]17[.]0[.]0/16 dev docker0' "text"
}

test_host_routes_usage()
{
	conf a 10.9.0.0/24 >a.conf
	echo '[]' >routes.json
	validate 0 --strict --host-routes routes.json a.conf
	validate 0 --host-routes - a.conf <routes.json
	validate 2 --host-routes missing.json a.conf
	assert_contains "$errors" missing.json "a file that is missing"
	validate 2 --host-routes routes.json --host-routes routes.json a.conf
	validate 2 a.conf --host-routes
	ip route show table all >routes.json
	validate 2 --host-routes routes.json a.conf
	assert_contains "$errors" routes.json "routes that are not JSON"
	echo '[{"dst": "default"}, {"dst": "10.0.0.0/77"}]' >routes.json
	validate 2 --host-routes routes.json a.conf
	assert_contains "$errors" "10.0.0.0/77" "a route that can't be read"
}

# --- What is left of a range ---

test_room_that_is_left()
{
	conf a 10.9.0.0/24 '' '{"onOverlap": "exclude", "reserved": [{"cidr": "10.9.0.128/25"}, {"cidr": "10.9.0.0/26"}]}' >a.conf
	validate 0 --format json a.conf
	# 254 without 127 at the end and 63 at the beginning
	assert_json "$output" '[.findings[] | .rule, .severity, (.message | contains("has 64 usable addresses of 254"))] ==
		["RG107", "warning", true]' "finding"
	validate 1 --strict a.conf
	conf a 10.9.0.0/24 '' '{"onOverlap": "exclude", "reserved": [{"cidr": "10.9.0.128/26"}]}' >a.conf
	validate 0 --strict a.conf
}

# --- Man pages ---

# manual_rules: "RG001|finding|remedy" of each rule in the man pages
manual_rules()
{
	cat "$SOURCE_DIR"/plugin/man/rangeguard-{validate,audit}.1.scd | awk '
		/^RG[0-9][0-9][0-9]$/ { rule = $0; text = ""; next }
		rule && /^\t/ { sub(/^\t/, ""); text = text (text ? " " : "") $0; next }
		rule && text { sub(/\. _Remedy:_ /, "|", text); print rule "|" text; rule = "" }' | sed 's/\*//g; s/\\//g' | sort -u
}

test_man_pages_explain_the_rules()
{
	local rule row

	conf a 10.9.0.0/24 >a.conf
	validate 0 --format sarif a.conf
	[[ "$(manual_rules | wc -l)" -ge 12 ]] || fail "rules in the man pages: $(manual_rules)"
	while IFS= read -r row; do
		rule=${row%%|*}
		assert_equal "$row" "$(jq -r --arg rule "$rule" '.runs[0].tool.driver.rules[] | select(.id == $rule)
			| "\(.id)|\(.shortDescription.text)|\(.help.text)"' <<<"$output")" "what SARIF says of $rule"
	done < <(manual_rules)
}

# readme_pipeline: the commands of the manual's section on pipelines
readme_pipeline()
{
	sed -n '/^# IN A PIPELINE/,/^# EXIT/p' "$SOURCE_DIR/plugin/man/rangeguard-validate.1.scd" |
		sed -nE 's/^ *(- run: |script: )?((rangeguard validate|helm template|ip -json) .*)$/\2/p'
}

test_readme_pipeline()
{
	local command expected status
	local -i commands=0

	mkdir net.d reserved.d
	ln -s net.d plans
	printf '#!/bin/sh\ncat net.d/a.conf\n' >bin/helm
	chmod +x bin/helm
	echo '{"reserved": [{"cidr": "10.20.0.0/16", "owner": "db-platform"}]}' >reserved.d/dba.json
	conf a 10.9.0.0/24 >net.d/a.conf
	for expected in 0 1; do
		while read -r command; do
			status=0
			output=$(bash -c "$command" 2>&1) || status=$?
			[[ "$command" == ip* ]] || assert_equal "$expected" "$status" "exit status of '$command' ($output)"
			[[ "$command" != *github* || $expected == 0 ]] || assert_matches "$output" '^::error file=plans/a.conf,' "$command"
			commands+=1
		done < <(readme_pipeline)
		conf a 10.20.5.0/24 >net.d/a.conf
	done
	# The pipelines themselves are files: pipelines.sh
	assert_equal 8 "$commands" "commands run"
}

# Nothing is wrong with it, but it works with new runtimes and plugins alone: said in each format, and never counted.
test_a_note_is_no_finding_to_fail_on()
{
	local list='{"cniVersion": "1.1.0", "name": "pods", "plugins": [{"type": "rangeguard",
		"ipam": {"type": "rangeguard", "subnet": "10.9.0.0/24"}}]}'

	echo "$list" >a.conflist
	validate 0 --strict a.conflist
	assert_contains "$output" "a.conflist:1:16: note RG004: cniVersion 1.1.0" "text"
	assert_contains "$output" "1 file, 0 errors, 0 warnings" "text"
	assert_contains "$output" '"cniVersions": ["1.0.0", "1.1.0"]' "what to do"
	validate 0 --strict --format json a.conflist
	assert_json "$output" '.summary == {errors: 0, warnings: 0} and (.findings | length == 1) and .findings[0].severity == "note"
		and .findings[0].pointer == "/cniVersion"' "json"
	validate 0 --strict --format sarif a.conflist
	assert_json "$output" '.runs[0].results[0].level == "note"' "sarif"
	validate 0 --strict --format github a.conflist
	assert_matches "$output" '^::notice file=a.conflist,line=1,' "github"
	validate 0 --strict --format junit a.conflist
	assert_xml
	assert_equal 0 "$(xpath 'count(//failure)')" "junit"
	# An object that stands alone as well; not where a runtime may take an older one, nor an older one.
	jq '.plugins[0] + {name, cniVersion}' a.conflist >b.conf
	validate 0 b.conf
	assert_contains "$output" "note RG004" "one that stands alone"
	jq '.cniVersion = "1.0.0" | .cniVersions = ["1.0.0", "1.1.0"]' a.conflist >c.conflist
	validate 0 c.conflist
	[[ "$output" != *note* ]] || fail "a note: $output"
}

# What is met through an alias of YAML is told where it stands, and the alias beside it.
test_aliases_are_told()
{
	echo '{"reserved": [{"cidr": "10.20.0.0/16", "owner": "dba"}]}' >policy.json
	printf 'x-pods: &pods 10.20.0.0/18\ncluster-cidr: *pods\nservice-cidr: 10.30.0.0/16\n' >plan.yaml
	validate 1 --policy policy.json plan.yaml
	assert_contains "$output" "plan.yaml:1:9: error RG101" "the range"
	assert_contains "$output" "  see policy.json:1:15
  used by the alias at plan.yaml:2:15" "its other sides"
	validate 1 --policy policy.json --format json plan.yaml
	assert_json "$output" '[.findings[].related[] | [.file, .pointer, .line]] ==
		[["policy.json", "/reserved/0", 1], ["plan.yaml", "/cluster-cidr", 2]]' "json"
	assert_schema findings "$output" "json"
	validate 1 --policy policy.json --format sarif plan.yaml
	assert_json "$output" '.runs[0].results[0].relatedLocations | length == 2 and
		.[1].physicalLocation.region == {startLine: 2, startColumn: 15}' "sarif"
}

main "$@"
