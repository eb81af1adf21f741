#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The commands for people, the examples and the README: what is shown there is what happens.
#
# In single quotes stand jq and awk programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

EXAMPLES=$SOURCE_DIR/conf-examples
POLICY=$EXAMPLES/policy.json
CONF='{"cniVersion": "1.0.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
	"ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00:9::/64"}]]}}'

# set_up: `rangeguard` as the documentation calls it
set_up()
{
	mkdir bin
	ln -s "$RANGEGUARD" bin/rangeguard
	PATH=$PWD/bin:$PATH
}

# assert_exits STATUS COMMAND…: what it prints is left in $output and $errors
assert_exits()
{
	local -i status=0

	output=$("${@:2}" 2>/run/test/errors) || status=$?
	errors=$(</run/test/errors)
	assert_equal "$1" "$status" "exit status of '${*:2}' ($errors$output)"
}

# json_value FILE POINTER: what a JSON pointer leads to
json_value()
{
	jq -c --arg pointer "$2" 'getpath($pointer | ltrimstr("/") | split("/") | map(tonumber? // .))' "$1"
}

# text_at FILE LINE COLUMN
text_at()
{
	awk -v line="$2" -v column="$3" 'NR == line { print substr($0, column) }' "$1"
}

test_without_arguments()
{
	local version

	for version in 0.1.0 0.2.0 0.3.0 0.3.1 0.4.0 1.0.0 1.1.0; do
		assert_exits 0 rangeguard
		assert_empty "$output" "standard output"
		assert_contains "$errors" "rangeguard" "standard error"
		assert_contains "$errors" "$version" "CNI versions"
	done
}

test_help()
{
	local command option

	for option in --help -h; do
		assert_exits 0 rangeguard "$option"
		for command in validate list version; do
			assert_contains "$output" "$command" "the overview"
		done
		for command in validate list version; do
			assert_exits 0 rangeguard "$command" "$option"
			assert_contains "$output" "Usage: rangeguard $command" "help of $command"
			assert_empty "$errors" "standard error of the help of $command"
		done
	done
	for option in help --help -h; do
		assert_exits 0 rangeguard "$option" validate
		assert_equal "$(rangeguard validate --help)" "$output" "rangeguard $option validate"
		assert_exits 2 rangeguard "$option" vaildate
		assert_contains "$errors" "did you mean validate?" "help of a command that is not there"
	done
	assert_exits 0 rangeguard validate --help
	for option in --policy --format --strict; do
		assert_contains "$output" "$option" "help of validate"
	done
	assert_exits 0 rangeguard list --help
	for option in --data-dir --network --format; do
		assert_contains "$output" "$option" "help of list"
	done
}

test_version()
{
	local version

	version=$(sed -n 's/^project(rangeguard VERSION \([0-9.]*\).*/\1/p' "$SOURCE_DIR/CMakeLists.txt")
	assert_exits 0 rangeguard version
	assert_matches "$output" "^rangeguard ${version//./[.]}[^.0-9]" "version"
	assert_exits 0 rangeguard --version
	assert_matches "$output" "^rangeguard ${version//./[.]}[^.0-9]" "version"
	assert_contains "$output" "0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0" "CNI versions"
}

test_usage_errors()
{
	local command

	echo "$CONF" >pods.conf
	assert_exits 2 rangeguard nonsense
	assert_contains "$errors" nonsense "unknown command"
	assert_exits 2 rangeguard --nonsense
	assert_exits 2 rangeguard validate
	assert_exits 2 rangeguard validate --nonsense pods.conf
	assert_contains "$errors" --nonsense "unknown option"
	assert_exits 2 rangeguard lst
	assert_contains "$errors" "did you mean list?" "command meant"
	for command in validate explain suggest list pools audit metrics who gc "cluster status"; do
		# shellcheck disable=SC2086 # two words
		assert_exits 2 rangeguard $command --nonsense
		assert_contains "$errors" "Usage: rangeguard ${command% *}" "usage after a mistake in $command"
	done
	assert_exits 2 rangeguard list --formt json
	assert_contains "$errors" "unknown option --formt; did you mean --format?" "option meant"
	assert_exits 2 rangeguard validate --format yaml pods.conf
	assert_exits 2 rangeguard validate pods.conf --policy
	assert_exits 2 rangeguard list extra
	assert_exits 2 rangeguard list --format yaml
	assert_exits 2 rangeguard version extra
	assert_exits 2 rangeguard validate missing.conf
	assert_contains "$errors" missing.conf "missing file"
	assert_exits 0 rangeguard validate pods.conf
}

# An answer of which a part is lost is none: each command says so, and that it is not the policy's fault (1)
test_answers_that_are_lost()
{
	local command

	echo "$CONF" >pods.conf
	echo '{"reserved": [{"cidr": "10.20.0.0/16"}]}' >policy.json
	jq -n '{cniVersion: "1.0.0", name: "many", type: "bridge", ipam: {type: "host-local", ranges: [range(100) | [{subnet: "172.80.\(.).0/24"}]]}}' >many.conf
	# shellcheck disable=SC2046 # words
	set -- $(rangeguard --help | sed -nE 's/^  ([a-z]+) .*/\1 --help/p' | tr ' \n' '_ ') \
		--help --version version schema schema_network completion_{bash,zsh,fish} \
		validate_--format_{text,json,sarif,junit}_pods.conf validate_--format_{text,json,sarif,junit,github}_many.conf \
		explain_--policy_policy.json_{10.99.1.1,--format_json_10.99.1.1} who_--history_/dev/null_10.0.0.1 \
		suggest_--within_10.0.0.0/8_--prefix-length_24_--count_5000
	(($# > 30)) || fail "commands: $*"
	for command; do
		# shellcheck disable=SC2086 # words are meant
		assert_exits 2 bash -c "rangeguard ${command//_/ } >/dev/full"
		assert_matches "$(tail -1 <<<"$errors")" "^rangeguard[ a-z]*: standard output: (No space left on device|a part of it could not be written)$" "$command"
	done
}

# --- validate ---

test_examples_have_no_findings()
{
	local file

	for file in "$EXAMPLES"/*.conflist "$POLICY"; do
		assert_exits 0 rangeguard validate --policy "$POLICY" --format json "$file"
		assert_json "$output" '.files == 1 and .summary.errors == 0' "$file"
	done
	install -D -m 0644 "$POLICY" /etc/rangeguard/reserved.d/policy.json
	for file in "$EXAMPLES"/*.conflist; do
		assert_exits 0 rangeguard validate --strict "$file"
		assert_contains "$output" "1 file, 0 errors, 0 warnings" "$file"
	done
}

test_each_invalid_example_has_the_findings_listed()
{
	local expected found

	cd "$EXAMPLES/invalid"
	expected=$(grep -v '^#' findings.txt)
	assert_equal "$(printf '%s\n' RG*)" "$(cut -d ' ' -f 1 <<<"$expected" | uniq)" "files in findings.txt"
	found=$(for file in RG*; do
		! rangeguard validate "$file" || fail "exit status 0: $file"
	done | sed -nE 's/^([^ :]+):([0-9]+):[0-9]+: (error|warning) (RG[0-9]{3}): .+/\1 \2 \4 \3/p')
	assert_equal "$expected" "$found" "findings, one file at a time"
	assert_fails rangeguard validate --format json .
	assert_equal "$expected" "$(jq -r '.findings[] | "\(.file | sub(".*/"; "")) \(.line) \(.rule) \(.severity)"' <<<"$output")" \
		"findings of the directory"
	assert_json "$output" ".version == 1 and .files == $(printf '%s\n' RG* | wc -l)" "files"
	assert_json "$output" ".summary == {errors: $(grep -c 'error$' <<<"$expected"),
		warnings: $(grep -c 'warning$' <<<"$expected")}" "summary"
}

test_json_format_has_all_fields()
{
	cd "$EXAMPLES/invalid"
	assert_exits 1 rangeguard validate --format json RG*
	assert_json "$output" '[keys] == [["files", "findings", "notRead", "notReadKinds", "reserved", "summary", "version"]]' "keys of the document"
	assert_json "$output" '[.findings[] | keys] | unique ==
		[["column", "file", "line", "message", "pointer", "related", "rule", "severity"]]' "keys of a finding"
	assert_json "$output" '[.findings[] | .column, .line] | all(. > 0)' "positions"
	assert_json "$output" '[.findings[] | select(.rule | IN("RG101", "RG102", "RG103")).related[0] | keys] | unique ==
		[["file", "line", "pointer"]]' "keys of what is related"
	assert_json "$output" '[.findings[] | select(.rule == "RG101").related[0]] ==
		[{file: "RG101-range-reserved.conflist", pointer: "/plugins/0/guard/reserved/0", line: 12}]' "what is related"
}

# POINTER and text of each finding: the position is that of the key or value that is meant
test_findings_point_at_what_is_wrong()
{
	local file line column pointer start value
	local -A meant=(
		[RG002-unknown-key.conflist:9]='"rangeStrat"' [RG003-invalid-value.conflist:7]='"1400"'
		[RG003-invalid-value.conflist:10]='"10.40.1.7/24"' [RG004-version.conflist:2]='"9.9.9"'
		[RG005-duplicate.conflist:10]='"ranges"' [RG101-range-reserved.conflist:9]='"10.20.5.0/24"'
		[RG102-gateway-reserved.conflist:9]='"10.20.0.1"' [RG103-address-reserved.conflist:7]='"10.40.7.20"'
		[RG104-snat-source-reserved.conflist:15]='["192.0.2.10"]' [RG201-snat.conflist:12]='"2001:db8:5::/48"'
		[RG201-snat.conflist:13]='[]' [RG201-snat.conflist:14]='{ "name": "to' [RG201-snat.conflist:15]='{ "name": "from'
		[RG201-snat.conflist:17]='{ "name": "never'
		[RG105-overlap.conflist:11]='{ "subnet": "10.40.8.128/25"' [RG107-no-address.conflist:9]='{ "subnet"'
		[RG301-imports.json:3]='"../netbox.csv"' [RG301-imports.json:4]='"nautobot"' [RG301-imports.json:5]='"netbox.csv"'
		[RG301-imports.json:6]='"active"'
		[RG301-policy.json:3]='"10.20.0.1/16"' [RG301-policy.json:4]='"2020-06-30"' [RG301-policy.json:7]='{ "cidr"'
	)

	cd "$EXAMPLES/invalid"
	assert_exits 1 rangeguard validate --format json RG*
	while IFS=$'\t' read -r file line column pointer; do
		if [[ "$file" == RG001* ]]; then
			assert_matches "$(text_at "$file" "$line" 1)" '"rangeguard" "ipam"' "line of the syntax error"
			continue
		fi
		start=${meant[$file:$line]}
		assert_equal "$start" "$(text_at "$file" "$line" "$column" | cut -c "1-${#start}")" "$file:$line:$column"
		value=$(json_value "$file" "$pointer")
		[[ "$value" != null ]] || fail "$file: nothing at $pointer"
		[[ "$start" != '"'*[0-9]'"' ]] || assert_equal "$start" "$value" "$file: value at $pointer"
	done < <(jq -r '.findings[] | [.file, .line, .column, .pointer] | @tsv' <<<"$output")
}

test_columns_count_characters()
{
	local LC_ALL=C.UTF-8 line before

	line=$'\t"ipam": {"type": "rangeguard", "x-é": "€ ü", "ranges": [[{"subnet": "10.9.0.1/24"}]]}}'
	before=${line%%'"10.9.0.1/24"'*}
	printf '{"cniVersion": "1.0.0",\n "name": "pods", "type": "rangeguard", "x-ü": 1,\n%s\n' "$line" >pods.conf
	assert_exits 1 rangeguard validate --format json pods.conf
	assert_json "$output" "[.findings[] | [.line, .column]] == [[3, $((${#before} + 1))]]" "position"
}

test_every_finding_not_only_the_first()
{
	jq '.mtu = "x" | .ipam.reuseDelay = -1 | .guard.onOverlap = "maybe" | .nonsense = 1
		| .ipam.ranges[0][0].gateway = "y"' <<<"$CONF" >pods.conf
	assert_exits 1 rangeguard validate --format json pods.conf
	assert_json "$output" '[.findings[].pointer] | sort == ["/guard/onOverlap", "/ipam/ranges/0/0/gateway",
		"/ipam/reuseDelay", "/mtu", "/nonsense"]' "findings"
}

test_strict()
{
	echo "$CONF" >one.conf
	jq '.name = "two" | .ipam.ranges = [[{subnet: "10.9.0.128/25"}]]' <<<"$CONF" >two.conf
	assert_exits 0 rangeguard validate --format json one.conf two.conf
	assert_json "$output" '.summary == {errors: 0, warnings: 1} and .findings[0].rule == "RG105"' "overlap of networks"
	assert_exits 1 rangeguard validate --strict one.conf two.conf
	assert_exits 0 rangeguard validate --strict one.conf
}

test_standard_input_and_directories()
{
	assert_exits 0 rangeguard validate - <<<"$CONF"
	assert_exits 1 rangeguard validate --format json - <<<'{"cniVersion": "1.0.0"'
	assert_json "$output" '.files == 1 and .findings[0].rule == "RG001"' "standard input"
	assert_exits 1 rangeguard validate - </dev/null
	mkdir net.d
	echo "$CONF" >net.d/10-pods.conf
	jq '{cniVersion, name: "list", plugins: [del(.name, .cniVersion) | .ipam.ranges = [[{subnet: "10.8.0.0/24"}]]]}' \
		<<<"$CONF" >net.d/20-list.conflist
	echo 'no JSON' >net.d/README
	assert_exits 0 rangeguard validate net.d
	assert_contains "$output" "2 files, 0 errors" "directory"
	jq '.name = "list" | .ipam.ranges = [[{subnet: "10.7.0.0/24"}]]' <<<"$CONF" >net.d/30-same.json
	assert_exits 1 rangeguard validate --format json net.d/
	assert_json "$output" '.files == 3 and [.findings[].rule] == ["RG005"]' "two networks of one name"
	assert_exits 2 rangeguard validate net.d/10-pods.conf missing net.d/20-list.conflist
	assert_contains "$errors" missing "missing file"
	assert_contains "$output" "2 files" "the other files"
}

test_policy_on_the_command_line()
{
	echo "$CONF" >pods.conf
	echo '{"reserved": [{"cidr": "10.9.0.0/16", "owner": "db-platform"}]}' >db.json
	mkdir dir
	echo '{"reserved": [{"cidr": "fd00:9::/32", "owner": "telephony"}]}' >dir/telephony.json
	assert_exits 0 rangeguard validate pods.conf
	assert_exits 1 rangeguard validate --policy db.json --policy dir --format json pods.conf
	assert_json "$output" '[.findings[] | [.rule, .pointer, .related[0].file]] ==
		[["RG101", "/ipam/ranges/0/0/subnet", "db.json"], ["RG101", "/ipam/ranges/1/0/subnet", "dir/telephony.json"]]' "findings"
	assert_exits 1 rangeguard validate --policy missing.json pods.conf
	assert_contains "$output" missing.json "a policy that is missing"
	jq '.guard.policies = ["/etc/absent.json"]' <<<"$CONF" >named.conf
	assert_exits 1 rangeguard validate named.conf
	assert_contains "$output" /etc/absent.json "a policy that the configuration names"
	echo '{"reserved": []}' >nothing.json
	assert_exits 0 rangeguard validate --policy nothing.json named.conf
}

# Neither root nor network nor state: also for users in a namespace without lo
test_validate_needs_no_privilege()
{
	cp "$RANGEGUARD" bin/copy
	cp "$POLICY" "$EXAMPLES/minimal.conflist" .
	chmod a+rx . bin bin/copy
	chmod a+r policy.json minimal.conflist
	assert_exits 0 setpriv --reuid 65534 --regid 65534 --clear-groups unshare --user --net \
		"$PWD/bin/copy" validate --policy policy.json minimal.conflist
	[[ ! -e /run/rangeguard ]] || fail "state was made"
}

# --- list ---

test_list()
{
	local before

	assert_exits 0 rangeguard list
	assert_exits 0 rangeguard list --format json
	assert_json "$output" '.leases == []' "nothing held"
	[[ ! -e /run/rangeguard ]] || fail "list made a state directory"
	before=$(date -u +%FT%TZ)
	container c1
	container c2
	add c1 "$CONF" CNI_ARGS='IgnoreUnknown=1;K8S_POD_NAMESPACE=billing;K8S_POD_NAME=api-1;K8S_POD_UID=1234' >/dev/null
	add c2 "$(jq '.name = "other" | .ipam.ranges = [[{subnet: "10.8.0.0/24"}]]' <<<"$CONF")" >/dev/null
	assert_exits 0 rangeguard list --format json
	assert_json "$output" '[.leases[] | [.network, .address, .containerID, .ifname, .namespace, .pod]] | sort ==
		[["other", "10.8.0.1", "c2", "eth0", "", ""], ["pods", "10.9.0.1", "c1", "eth0", "billing", "api-1"],
		["pods", "fd00:9::1", "c1", "eth0", "billing", "api-1"]]' "leases"
	assert_json "$output" '[.leases[] | has("snat")] | all' "key snat"
	assert_json "$output" '[.leases[].since | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9:]{5})$")] | all' \
		"since"
	assert_json "$output" "[.leases[] | .since >= \"$before\" and .since <= \"$(date -u +%FT%TZ)\"] | all" "since"
	assert_exits 0 rangeguard list
	assert_matches "$output" 'pods +10\.9\.0\.1 +c1 +eth0 .* billing +api-1' "text"
	assert_equal 4 "$(wc -l <<<"$output")" "lines with the heading"
	assert_exits 0 rangeguard list --network other --format json
	assert_json "$output" '[.leases[].address] == ["10.8.0.1"]' "one network"
}

test_list_of_another_directory()
{
	local conf

	conf=$(jq '.ipam.dataDir = "/run/elsewhere"' <<<"$CONF")
	container c1
	add c1 "$conf" >/dev/null
	assert_exits 0 rangeguard list --format json
	assert_json "$output" '.leases == []' "the default directory"
	assert_exits 0 rangeguard list --data-dir /run/elsewhere --format json
	assert_json "$output" '.leases | length == 2' "the other one"
	chmod 0777 /run/elsewhere
	assert_exits 2 rangeguard list --data-dir /run/elsewhere
	assert_contains "$errors" /run/elsewhere "unsafe directory"
}

# --- Examples and README ---

# plugin_of FILE: the interface plugin's own configuration out of a list
plugin_of()
{
	jq -c '. as $list | first(.plugins[] | select(.type == "rangeguard" and .ipam))
		| . + {name: $list.name, cniVersion: $list.cniVersion} | del(.capabilities)' "$1"
}

test_examples_work()
{
	local file conf expected
	local -A addresses=([around-reserved]="10.31.4.1/32" [chained]="10.35.0.1/32" [containerd]="10.34.0.1/32 fd34::1/128"
		[dual-stack]="10.32.0.1/32 fd32::1/128" [granted]="10.20.64.1/32" [minimal]="10.30.0.1/32"
		[pinned]="10.37.0.1/32" [pinned-assigned]="10.38.0.1/32 fd38::1/128"
		[podman]="10.88.0.1/32 fd88::1/128" [several-ranges]="10.33.0.100/32 fd33::1000/128")

	install -D -m 0644 "$POLICY" /etc/rangeguard/reserved.d/policy.json
	container c1
	ip address add 192.0.2.10/32 dev lo
	ip link add eth1 type veth peer name world1
	ip link set eth1 up
	for file in "$EXAMPLES"/*.conflist; do
		[[ "$file" != */*bridge*.conflist ]] || continue
		conf=$(plugin_of "$file")
		expected=${addresses[$(basename "$file" .conflist)]-}
		[[ -n "$expected" ]] || fail "this test does not know $file"
		output=$(add c1 "$conf" CNI_ARGS="K8S_POD_NAMESPACE=billing;K8S_POD_NAME=api-1") || fail "$file: $output"
		assert_equal "$expected" "$(jq -r '[.ips[].address] | join(" ")' <<<"$output")" "addresses of $file"
		[[ "$file" == *several-ranges* ]] || assert_reaches c1 "$HOST_IPV4"
		del c1 "$conf"
		assert_nothing_left
	done
}

test_example_behind_the_reference_bridge()
{
	local list=$EXAMPLES/bridge-with-guard.conflist

	install_plugins bridge
	container c1
	container c2
	output=$(chain ADD c1 "$list") || fail "$output"
	assert_json "$output" '.ips[0] | [.address, .gateway] == ["10.36.0.2/24", "10.36.0.1"]' "first container"
	output=$(chain ADD c2 "$list") || fail "$output"
	assert_reaches c1 10.36.0.3 10.36.0.1
	chain DEL c1 "$list"
	chain DEL c2 "$list"
	assert_equal 0 "$(leases)" "leases"
}

# A key may hold what moves a terminal's cursor, or looks like a line of ours; a FIFO may have no writer.
test_validate_of_hostile_files()
{
	printf '{"cniVersion": "1.0.0", "name": "n", "type": "rangeguard", "a\\n\\u001b[2Jx.conf:1:1: error": 1}' >hostile.conf
	mkfifo pipe.conf
	assert_fails timeout "$(scaled 20)" "$RANGEGUARD" validate hostile.conf pipe.conf
	assert_equal 3 "$(grep -c '^[a-z]*\.conf:1:.*: error RG' <<<"$output")" "lines with findings: unknown key, no ipam, no JSON"
	assert_empty "$(tr -d '\n' <<<"$output" | grep '[[:cntrl:]]' || true)" "control characters"
}

test_readme_example()
{
	local conf message command last=

	# Each "`/path`: …" line is followed by the file's contents
	awk '/^`\/.*`:/ { path = $1; gsub(/[`:]/, "", path) }
		/^```/ { inside = !inside && /json/ && path != ""; if (!inside) path = ""; next }
		inside { file = path; sub(/.*\//, "", file); print >file }' "$SOURCE_DIR/README.md"
	install -D -m 0644 dba.json /etc/rangeguard/reserved.d/dba.json
	while read -r command; do
		# shellcheck disable=SC2086
		assert_exits 0 $command
		last=$command
	done < <(sed -nE 's/^    (sudo )?(rangeguard [^[]*)$/\2/p' "$SOURCE_DIR/README.md")
	assert_equal "rangeguard list" "$last" "the last command"

	container c1
	conf=$(plugin_of 10-pods.conflist)
	output=$(add c1 "$conf") || fail "$output"
	assert_reaches c1 "$HOST_IPV4" "$HOST_IPV6"
	del c1 "$conf"
	assert_fails add c1 "$(jq '.ipam.ranges = [[{subnet: "10.20.5.0/24"}]]' <<<"$conf")"
	message=$(sed -nE '/^    no network: /,/^$/p' "$SOURCE_DIR/README.md" | tr -s ' \n' ' ' | sed 's/^ no network: //; s/,* … *$//')
	[[ -n "$message" ]] || fail "the README shows no refusal"
	assert_contains "$(jq -r .msg <<<"$output")" "$message" "the refusal in the README"
}

test_readme_names_what_is_there()
{
	local path

	container c1
	add c1 "$CONF" >/dev/null
	for path in /run/rangeguard/leases.mdb /run/rangeguard/lock; do
		[[ -f "$path" ]] || fail "$path is missing"
	done
	(($(wc -l <"$SOURCE_DIR/README.md") <= 150)) || fail "the README has more than 150 lines"
	while read -r path; do
		[[ -e "$SOURCE_DIR/$path" ]] || fail "the README leads to $path, which is not there"
	done < <(grep -oE '\]\([^)#]*' "$SOURCE_DIR/README.md" | cut -c 3-)
	for path in conf-examples/quickstart.sh tests/run.sh; do
		[[ -x "$SOURCE_DIR/$path" ]] || fail "$path can't be executed"
	done
}

# page NAME.SECTION: as people read it, without formatting
page()
{
	mandoc -T ascii "$(dirname "$RANGEGUARD")/plugin/man/$1" | col -b | tr -s ' \t\n' ' '
}

# Each page is clean, and tells each command's synopsis and options as the command does.
test_man_pages()
{
	local name command section option

	for name in "$SOURCE_DIR"/plugin/man/*.scd; do
		name=$(basename "$name" .scd)
		output=$(mandoc -T lint -W warning "$(dirname "$RANGEGUARD")/plugin/man/$name" 2>&1) || fail "$name: $output"
	done
	for command in validate explain suggest list who audit; do
		section=$(page "rangeguard-$command.1")
		assert_contains "$section" "$(rangeguard "$command" --help | sed -n '1,/^$/p' | sed 's/^Usage: //' | tr -s ' \t\n' ' ' |
			sed 's/ $//')" "synopsis of $command"
		while read -r option; do
			assert_contains "$section" "$option" "option of $command"
		done < <(rangeguard "$command" --help | grep -oE '^  --[a-z-]+' | tr -d ' ')
	done
	section=$(page rangeguard.8)
	while read -r command; do
		assert_contains "$section" " $command " "command in rangeguard(8)"
	done < <(rangeguard --help | sed -nE 's/^  ([a-z]+) .*/\1/p')
}

main "$@"
