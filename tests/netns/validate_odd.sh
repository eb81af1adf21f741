#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nothing passes in silence: files that are empty, in another encoding, templates, policies where nobody reads them; each is
# told in words that say what to do.
#
# In single quotes stand jq programs, whose variables are not the shell's.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

MARK=$'\xef\xbb\xbf'

# set_up: `rangeguard` as the documentation calls it, a policy, and a configuration that it refuses
set_up()
{
	mkdir bin
	ln -s "$RANGEGUARD" bin/rangeguard
	PATH=$PWD/bin:$PATH
	echo '{"reserved": [{"cidr": "10.20.0.0/16", "owner": "db-platform"}]}' >policy.json
	CONF='{"cniVersion": "1.0.0", "name": "n", "type": "bridge", "ipam": {"type": "host-local", "subnet": "10.20.1.0/24"}}'
	# Of its range, from 1
	COLUMN=$((1 + $(awk -v FS='"10.20' '{ print length($1) }' <<<"$CONF")))
}

# told STATUS TEXT FILE…: `validate` of these says so, with that exit status
told()
{
	local output
	local -i status=0

	output=$(rangeguard validate --policy policy.json "${@:3}" 2>&1) || status=$?
	assert_equal "$1" "$status" "exit status of validate ${*:3} ($output)"
	assert_contains "$output" "$2" "validate ${*:3}"
}

test_texts_that_are_none()
{
	: >a.conf
	told 1 "a.conf:1:1: error RG001: not valid JSON: the file is empty" a.conf
	printf ' \n\n' >a.yaml
	told 1 "the file is empty" a.yaml
	printf -- '---\n# nothing\n---\n' >a.yaml
	told 1 "the file is empty" a.yaml
	: >a.xml
	told 1 "a.xml:1:1: error RG001: not valid XML: the file is empty" a.xml
	printf '<network' >a.xml
	told 1 "a.xml:1:1: error RG001: not valid XML: unclosed token" a.xml
	echo "<network><host ip='10.30.0.5'><ip/><ip/></host><ip address='10.20.0.1' netmask='255.255.255.0'/></network>" >a.xml
	told 1 "error RG101: range 10.20.0.0/24 touches" a.xml
	: >a.network
	told 1 "a.network:1:1: error RG003" a.network
	iconv -t UTF-16 <<<"$CONF" >a.json
	told 1 "UTF-16 or UTF-32; save it as UTF-8" a.json
	iconv -t UTF-16LE <<<'kube_pods_subnet: 10.20.0.0/18' >a.yaml
	told 1 "UTF-16 or UTF-32; save it as UTF-8" a.yaml
	head -c 1000 /dev/urandom | tr -d "{" >a.yaml
	told 1 "not valid YAML" a.yaml
	printf '%s\0' "$CONF" >a.json
	told 1 "not valid JSON" a.json
	told 2 "Is a directory" - </
	told 2 "No such file or directory" /nonexistent
	ln -s loop.json loop.json
	told 2 "Too many levels of symbolic links" loop.json
	mkdir empty
	told 2 "nothing to check in empty" empty
}

test_what_is_nearly_json()
{
	echo "// $CONF" >a.conf
	told 1 "comments are not JSON" a.conf
	echo "# $CONF" >a.conf
	told 1 "comments are not JSON" a.conf
	echo "${CONF%\}},}" >a.conf
	told 1 "a comma stands after the last member" a.conf
	echo "$CONF $CONF" >a.conf
	told 1 "one document ends here and another one begins" a.conf
	echo '{{ configuration }}' >a.conf
	told 2 "a template, which is not read; render it first" a.conf
	echo "{\"type\": \"x\", \"ipam\": {{{ ipam }}}}" >a.conf
	told 1 "a template has to be rendered first" a.conf
	echo '{"name": "\u0000"}' >a.conf
	told 1 "a NUL character" a.conf
	printf 'networking:\n\tpodSubnet: 10.20.0.0/18\n' >a.yaml
	told 1 "a.yaml:2:1: error RG001: not valid YAML: a tab" a.yaml
}

# Braces in the texts of alerts, dashboards and inventories make no template of what YAML can read
test_braces_that_are_no_template()
{
	local pool='{apiVersion: projectcalico.org/v3, kind: IPPool, metadata: {name: a}, spec: {cidr: 10.20.0.0/18}}'

	printf '%s\n---\nkind: PrometheusRule\napiVersion: monitoring.coreos.com/v1\nspec:\n  summary: On {{ $labels.instance }}\n  text: |\n    {{ $value }}\n' \
		"$pool" >a.yaml
	told 1 "a.yaml:1:84: error RG101" a.yaml
	told 1 "<stdin>:1:84: error RG101" - <a.yaml
	mkdir -p d
	cp a.yaml d/a.yaml
	told 1 "d/a.yaml:1:84: error RG101" d
	printf 'dir: {{ x }}\n' >b.yaml
	told 2 "b.yaml:1:1: warning RG001: a template, which is not read" b.yaml
	assert_fails "$RANGEGUARD" suggest --avoid b.yaml --within 10.0.0.0/8 --prefix-length 24
	assert_contains "$output" "a template; render it first" "suggest"
	printf '%s\n---\ndir: {{ x }}\n' "$pool" >b.yaml
	told 1 "b.yaml:1:84: error RG101" b.yaml
	told 1 "b.yaml:3:7: error RG001: not valid YAML: a key that is not a text; not read from line 3 on; if it is a template, render it first" b.yaml
	printf 'kube_pods_subnet: 10.20.0.0/18\nmode: >-\n  {%%- if x -%%}\n  a\n  {%%- endif -%%}\nip: "{{ y }}"\n' >c.yaml
	told 1 "c.yaml:1:19: error RG101" c.yaml
	assert_fails "$RANGEGUARD" suggest --avoid c.yaml --within 10.20.0.0/18 --prefix-length 24
	assert_equal "" "$output" "all of it is taken"
	# In a text within: known to be of networks, and not to be read.
	printf 'apiVersion: v1\nkind: ConfigMap\ndata:\n  net-conf.json: |\n    {{- if x }}\n    {"Network": "10.20.0.0/18"}\n    {{- end }}\n  alert.tmpl: |\n    {{ define "x" }}Hello\n' >m.yaml
	told 1 "m.yaml:4:18: warning RG001: a template in a text, which is not read; render it first [/data/net-conf.json]" m.yaml
	told 1 "1 error, 1 warning" m.yaml
}

# What stands in a directory of policies and is read by no ADD is told, instead of passing for a reservation
test_policies_that_no_add_reads()
{
	local name

	for name in .hidden.json DBA.JSON dba.Json; do
		rm -rf d
		mkdir d
		cp policy.json "d/$name"
		told 0 "d/$name:1:1: warning RG301: of a directory of policies an ADD reads files named *.json" d
		told 1 "d/$name:1:1: error RG301" --host d
	done
	mv d/dba.Json d/dba.json
	told 0 "1 file, 0 errors, 0 warnings" d
	echo '{"cniVersion": "1.0.0", "name": "n", "type": "rangeguard", "guard": {"policies": ["'"$PWD/e"'"]}, "ipam": {"type": "rangeguard", "subnet": "10.20.0.0/24"}}' >n.conf
	mkdir e
	cp policy.json e/DBA.JSON
	container c
	add c "$(<n.conf)" >/dev/null 2>&1 || fail "an ADD reads DBA.JSON"
}

# Rangeguard takes note of limits; who enforces them is another plugin, without which they are lost
test_limits_that_nobody_enforces()
{
	local ours='{"type": "rangeguard", "capabilities": {"bandwidth": true}, "ipam": {"type": "rangeguard", "subnet": "10.30.0.0/24"}}'
	local bandwidth='{"type": "bandwidth", "capabilities": {"bandwidth": true}}'

	jq -n --argjson ours "$ours" '{cniVersion: "1.0.0", name: "n", plugins: [$ours]}' >n.conflist
	told 0 "warning RG003: capability bandwidth is declared, and no plugin bandwidth with it stands in the list" n.conflist
	jq --argjson more "$bandwidth" '.plugins += [$more]' n.conflist >m.conflist
	told 0 "1 file, 0 errors, 0 warnings" m.conflist
	jq 'del(.plugins[1].capabilities)' m.conflist >k.conflist
	told 0 "[/plugins/0/capabilities]" k.conflist
	jq -n --argjson ours "$ours" '{cniVersion: "1.0.0", name: "n"} + $ours' >n.conf
	told 0 "[/capabilities]" n.conf
}

# pod ANNOTATION NAME: a pod and a template of one that choose it
pod()
{
	printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {rangeguard.dev/%s: %s}}\n---\n' "$1" "$2"
	printf 'apiVersion: apps/v1\nkind: Deployment\nspec: {template: {metadata: {annotations: {rangeguard.dev/%s: %s}}}}\n' "$1" "$2"
}

# A pod that chooses a pool or a pin which no network has gets no address: told where the networks are checked, too
test_annotations_name_what_there_is()
{
	local net='{"cniVersion": "1.0.0", "name": "n", "type": "rangeguard", "annotations": ["pool", "source"],
		"capabilities": {"io.kubernetes.cri.pod-annotations": true}, "snat": [{"name": "mainframe", "source": ["192.0.2.9"],
		"destinations": ["198.51.100.0/24"]}], "ipam": {"type": "rangeguard", "ranges": [[{"subnet": "10.30.0.0/24", "pool":
		"fast"}, {"subnet": "10.30.1.0/24"}]]}}'

	echo "$net" >n.conf
	pod pool fast >a.yaml
	pod source mainframe >b.yaml
	told 0 "3 files, 0 errors, 0 warnings" n.conf a.yaml b.yaml
	pod pool slow >a.yaml
	told 0 "a.yaml:3:56: warning RG003: the annotation rangeguard.dev/pool names \"slow\"" n.conf a.yaml
	told 0 "0 errors, 2 warnings" n.conf a.yaml
	pod source mainfram >b.yaml
	told 0 "no snat entry of the networks checked here is called that" b.yaml n.conf
	# Without a network nobody knows.
	told 0 "1 file, 0 errors, 0 warnings" b.yaml
	jq '.runtimeConfig["io.kubernetes.cri.pod-annotations"]["rangeguard.dev/source"] = "mainfram"' <<<"$net" >n.conf
	told 1 "names snat entry \"mainfram\", and no snat entry of network \"n\" is called that" n.conf
	jq '.runtimeConfig["io.kubernetes.cri.pod-annotations"]["rangeguard.dev/source"] = "mainframe"' <<<"$net" >n.conf
	told 0 "0 errors" n.conf
}

# In a directory only what is of a known kind counts, and there each name that a runtime would load, too
test_names_in_a_directory()
{
	local name

	for name in .hidden.conf UPPER.CONF .a.json plan.YAML; do
		rm -rf d
		mkdir d
		echo "$CONF" >"d/$name"
		told 1 "touches reserved range 10.20.0.0/16" d
	done
	mkdir d/.git
	mv d/plan.YAML d/.git/plan.conf
	told 2 "nothing to check in d" d
}

# What is met again is one file, and none of it is a finding; a link is another one, for runtimes read it, too
test_a_file_that_is_met_again()
{
	mkdir d
	jq '.ipam.subnet = "10.30.0.0/24"' <<<"$CONF" >d/n.conf
	echo '{"some": "thing"}' >d/other.json
	ln -s d also
	told 0 "1 file, 0 errors, 0 warnings" d/n.conf ./d/n.conf "$PWD/d/n.conf" also/n.conf
	told 0 "1 file, " d ./d
	told 0 "1 file, " d/n.conf d
	told 0 "1 file, " d d/n.conf
	told 1 "d/other.json:1:1: error RG003" d d/other.json
	ln -s n.conf d/link.conf
	told 1 "is taken by d/link.conf already" d
}

# What kubectl create configmap made of a file with a byte of another encoding in it, and what YAML calls binary
test_texts_in_base64()
{
	local encoded

	encoded=$(base64 -w 40 <<<"$CONF" | sed 's/^/    /')
	printf 'apiVersion: v1\nkind: ConfigMap\nbinaryData:\n  n.conf: |\n%s\n' "$encoded" >map.yaml
	told 1 "map.yaml:5:5: error RG101" map.yaml
	told 1 "[/binaryData/n.conf/ipam/subnet]" map.yaml
	printf 'apiVersion: v1\nkind: ConfigMap\ndata:\n  n.conf: !!binary |\n%s\n' "$encoded" >map.yaml
	told 1 "[/data/n.conf/ipam/subnet]" map.yaml
	printf 'apiVersion: v1\nkind: ConfigMap\nbinaryData: {a: "%%%%", b: %s, c: %s}\n' \
		"$(gzip -c <<<"$CONF" | base64 -w 0)" "$(base64 -w 0 <<<"$CONF")" >map.yaml
	told 1 'warning RG001: not base64, so it is not read [/binaryData/a]' map.yaml
	told 1 "[/binaryData/c/ipam/subnet]" map.yaml
	printf 'apiVersion: v1\nkind: ConfigMap\nbinaryData: {a: %s}\n' "$(iconv -t UTF-16 <<<"$CONF" | base64 -w 0)" >map.yaml
	told 1 "in UTF-16, so it is not read; save it as UTF-8 [/binaryData/a]" map.yaml
	jq -n --arg encoded "$(base64 -w 0 <<<"$CONF")" \
		'{apiVersion: "v1", kind: "ConfigMap", binaryData: {"n.conf": $encoded}}' >map.json
	told 1 "[/binaryData/n.conf/ipam/subnet]" map.json
}

# An address ends where its text ends, not at a NUL in it; a number is told as it is written
test_numbers_and_nuls()
{
	local value

	for value in '"10.30.0.0/16\0,10.20.0.0/16"' '"10.30.0.0/16\x00"' '"\0"' "!!binary MTAuMzAuMC4wLzE2AA==" "!!binary AAAA"; do
		printf '%s\n' "apiVersion: kubeadm.k8s.io/v1beta3" "kind: ClusterConfiguration" "networking: {podSubnet: $value}" >a.yaml
		told 1 "is not a network or address that can be read [/networking/podSubnet]" a.yaml
	done
	jq -n '{apiVersion: "kubeadm.k8s.io/v1beta3", kind: "ClusterConfiguration", networking: {podSubnet: 10.2}}' >a.json
	told 1 "10.2 is not a network" a.json
	printf '%s\0' "$CONF" >a.conf
	told 1 "a NUL character after the end of the document" a.conf
}

# A file's name may be any bytes; what is printed is UTF-8, in which none of them moves a terminal's cursor
test_names_that_are_no_text()
{
	local format name=$'a\xff\x9b31m\u009b\e[m.conf'

	echo "$CONF" >"$name"
	for format in text json sarif junit github; do
		output=$(rangeguard validate --policy policy.json --format "$format" "$name") && fail "exit status 0 as $format"
		iconv -f UTF-8 -t UTF-8 <<<"$output" >/dev/null || fail "not UTF-8 as $format"
		[[ $output != *$'\e'* ]] || fail "an escape as $format"
	done
	told 1 "a??31m??[m.conf:1:" "$name"
	echo "$CONF" >"grün…€.conf"
	told 1 "grün…€.conf:1:" "grün…€.conf"
	assert_contains "$(! rangeguard validate --policy policy.json --format github "grün…€.conf")" "file=grün…€.conf," "github"
}

# Who sends a change must not write lines of the pipeline's by what a file or key is called
test_complaints_are_one_line()
{
	local name=$'x\n::error::forged\e[2J.json'

	mkdir d d/p
	ln -s nowhere "d/$name"
	jq -n --arg key "$name" '{($key): 1, reserved: []}' >d/p/p.json
	output=$(rangeguard validate --policy policy.json d 2>&1) && fail "exit status 0"
	output+=$(rangeguard suggest --policy policy.json --avoid d --within 10.0.0.0/8 --prefix-length 24 2>&1) && fail "exit status 0"
	output+=$(rangeguard explain --policy d/p 10.0.0.1 2>&1) && fail "exit status 0"
	rm "d/$name"
	ln -s nowhere "d/p/$name"
	output+=$(rangeguard explain --policy d/p 10.0.0.1 2>&1) && fail "exit status 0"
	assert_contains "$output" "forged" "the name"
	! grep '^::' <<<"$output" || fail "a line of the name's own"
	[[ $output != *$'\e'* ]] || fail "an escape"
}

# A name that is nearly ours is another plugin's, of which nothing would be checked
test_types_that_are_nearly_ours()
{
	local type

	for type in rangegaurd Rangeguard range-guard rangegard rangeguards "rangeguard "; do
		jq --arg type "$type" '.type = $type | .ipam = {type: "rangeguard", subnet: "10.30.0.0/24"}' <<<"$CONF" >n.conf
		told 1 "type is \"$type\"; did you mean \"rangeguard\"? [/type]" n.conf
		jq --arg type "$type" '{cniVersion, name, plugins: [{type: "bridge", ipam: {$type, subnet: "10.30.0.0/24"}}]}' \
			<<<"$CONF" >n.conflist
		told 1 "did you mean \"rangeguard\"? [/plugins/0/ipam/type]" n.conflist
	done
	jq '.type = "rangeguard2"' <<<"$CONF" | sed s/10.20/10.30/ >n.conf
	told 0 "0 errors" n.conf
}

# What other programs have beside it fails no job
test_other_programs_files()
{
	mkdir -p d
	printf '!\nhostname r1\n' >d/frr.conf
	echo 'checks = ["all"]' >d/staticcheck.conf
	echo '{{ partial "index" }}' >d/index.json
	echo '{{ partial "rss" }}' >d/rss.xml
	echo "${CONF/10.20/10.30}" >d/10.conf
	told 0 "1 file, 4 not read" d
	told 1 "d/frr.conf:1:1: error RG001" d/frr.conf
	# One that was meant to be JSON is told.
	echo '{"cniVersion": "1.0.0", ' >d/11.conf
	told 1 "d/11.conf:" d
	# multus gives a list in an attachment the attachment's name.
	printf 'apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata: {name: a}\nspec:\n  config: |\n    {"cniVersion": "0.3.1", "plugins": [{"type": "macvlan", "ipam": {"type": "host-local", "subnet": "10.30.1.0/24"}}]}\n' >nad.yaml
	told 0 "1 file, 0 errors, 0 warnings" nad.yaml
}

# What is found when all has been read stands at its place in standard input, too
test_places_in_standard_input()
{
	local status=0 output

	echo "${CONF/'"n"'/'"m"'}" >a.conf
	output=$(rangeguard validate --policy policy.json --format json a.conf - <<<"$CONF") || status=$?
	assert_equal 1 "$status" "exit status"
	assert_json "$output" '[.findings[] | select(.rule == "RG105") | .file, .line, .column, .related[0].line] == ["a.conf", 1, '"$COLUMN"', 1]' "overlap"
	output=$(rangeguard validate --policy policy.json --format json <(echo "$CONF") a.conf) || status=$?
	assert_json "$output" '[.findings[] | select(.rule == "RG105") | .line, .related[0].line] == [1, 1]' "overlap with a pipe"
	told 2 "can be read only once" - - <<<"$CONF"
	told 2 "can be read only once" --leases - - <<<"$CONF"
}

# A text within may have several documents, as what a ConfigMap holds for Cluster API to apply; each place is in the file
test_several_documents_in_a_text()
{
	local output status=0

	cat >m.yaml <<'END'
apiVersion: v1
kind: ConfigMap
data:
  calico.yaml: |
    # nothing
    ---
    {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: "é"}}
    ---
    apiVersion: projectcalico.org/v3
    kind: IPPool
    spec: {cidr: "10.20.0.0/18"}
    ---
    apiVersion: v1
    kind: ConfigMap
    data:
      net-conf.json: |
        {"Network": "10.20.64.0/18", "Backend": {"Type": "vxlan"}}
    ---
    apiVersion: projectcalico.org/v3
    kind: IPPool
    spec: {cidr: 10.20.128.0/18}
  quoted: "apiVersion: projectcalico.org/v3\nkind: IPPool\nspec: {cidr: 10.30.0.0/16}\n---\n{apiVersion: projectcalico.org/v3, kind: IPPool, spec: {cidr: 10.20.192.0/18}}\n"
  broken: |
    subnet: {cidr: 1}
    ---
    b: [cidr
END
	output=$(rangeguard validate --policy policy.json --format json m.yaml) || status=$?
	assert_equal 1 "$status" "exit status"
	assert_equal "RG101 11 18 /data/calico.yaml/#2/spec/cidr
RG101 17 21 /data/calico.yaml/#3/data/net-conf.json/Network
RG101 21 18 /data/calico.yaml/#4/spec/cidr
RG101 22 $(awk 'NR == 22 { print index($0, "10.20.192") }' m.yaml) /data/quoted/#2/spec/cidr
RG001 23 11 /data/broken" "$(jq -r '.findings[] | "\(.rule) \(.line) \(.column) \(.pointer)"' <<<"$output")" "findings"
	told 1 "a document in this text is neither JSON nor YAML; it and what follows it are not read" m.yaml
	assert_fails "$RANGEGUARD" suggest --policy policy.json --avoid m.yaml --within 10.30.0.0/16 --prefix-length 16
	assert_contains "$output" "neither JSON nor YAML" "suggest rests on no guess"
	sed -i '/broken/,$d' m.yaml
	echo "{\"reserved\": []}" >nothing.json
	output=$("$RANGEGUARD" suggest --policy nothing.json --avoid m.yaml --within 10.20.0.0/15 --prefix-length 16) || true
	assert_equal 10.21.0.0/16 "$output" "suggest"
}

# `<<` twice in a mapping: both are merged, and it is told
test_two_merges()
{
	printf 'x: [&a {cidr: 10.20.0.0/18}, &b {k: 1}, &c {}]\napiVersion: projectcalico.org/v3\nkind: IPPool\nspec:\n  <<: *a\n  <<: [*b, *c]\n  <<: *c\n' >a.yaml
	told 1 "error RG101: range 10.20.0.0/18" a.yaml
	told 1 "a.yaml:6:3: warning RG005: this key stands twice" a.yaml
}

# Windows writes a byte order mark in front: wherever a file is read, it is skipped
test_byte_order_marks()
{
	local output

	echo "$MARK$(<policy.json)" >marked.json
	output=$(rangeguard explain --policy marked.json 10.20.0.1 || true)
	assert_contains "$output" "marked.json:1" "the line of a policy's entry"
	echo "$MARK$CONF" >a.conf
	told 1 "a.conf:1:$COLUMN: error RG101" a.conf
	printf '%skube_pods_subnet: 10.20.0.0/18\n' "$MARK" >a.yaml
	told 1 "a.yaml:1:19: error RG101" a.yaml
	echo "${MARK}[{\"dst\": \"10.30.0.0/16\", \"dev\": \"eth0\"}]" >routes.json
	sed s/10.20.1/10.30.1/ a.conf >b.conf
	told 0 "clashes with the host's route: 10.30.0.0/16" --host-routes routes.json b.conf
	echo "$MARK"'{"results": [{"prefix": "10.30.0.0/16"}]}' >netbox.json
	echo '{"imports": [{"file": "netbox.json", "format": "json", "items": "/results", "columns": {"cidr": "/prefix"}}]}' >imports.json
	output=$(rangeguard explain --policy imports.json 10.30.0.1 || true)
	assert_contains "$output" "10.30.0.1: refused" "an import"
	mkdir net.d
	echo "$MARK"'{"cniVersion": "1.0.0", "name": "p", "type": "rangeguard", "ipam": {"type": "rangeguard", "ranges": [[{"subnet": "10.9.0.0/24"}]]}}' >net.d/10.conf
	output=$(rangeguard pools --config net.d)
	assert_contains "$output" 10.9.0.1 "the host's networks"
}

# --- Policies that nobody reads ---

test_policies_as_yaml()
{
	local output

	mkdir reserved.d
	printf 'reserved:\n- cidr: 10.20.0.0/16\n' >reserved.d/dba.yaml
	chmod 644 reserved.d/dba.yaml
	echo "$CONF" >a.conf
	told 0 "is not read by an ADD" reserved.d/dba.yaml
	told 1 "error RG301: a policy as YAML is not read by an ADD" --host reserved.d/dba.yaml
	assert_fails rangeguard validate --policy reserved.d/dba.yaml a.conf
	assert_contains "$output" "is YAML, which an ADD does not read: make it JSON" "named"
	assert_fails rangeguard validate --policy reserved.d a.conf
	assert_contains "$output" "policies are files named *.json" "a directory of nothing else"
	echo '{"reserved": [{"cidr": "10.99.0.0/16"}]}' >reserved.d/a.json
	output=$(rangeguard validate --policy reserved.d a.conf) || fail "$output"
	assert_contains "$output" "reserved.d/dba.yaml:1:1: warning RG301: is not read" "beside others"
	mv reserved.d/dba.yaml reserved.d/dba.JSON
	output=$(rangeguard validate --policy reserved.d a.conf) || fail "$output"
	assert_contains "$output" "reserved.d/dba.JSON" "a name in capitals"
	# In a ConfigMap it is on its way to be a file.
	printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  dba.json: |\n    {"reserved": [{"cidr": "10.20.0.0/16"}]}\n' >map.yaml
	output=$(rangeguard validate --strict --policy policy.json map.yaml) || fail "$output"
}

# --- What would a reservation hit? ---

test_what_is_there_already()
{
	local output status=0

	echo '{"version": 1, "pools": [{"network": "pods", "set": 0, "first": "10.20.1.1", "last": "10.20.1.254", "held": 12, "usedPercent": 4.7},
		{"network": "db", "set": 0, "first": "10.30.1.1", "last": "10.30.1.254", "held": 1, "usedPercent": 0.4}]}' >pools.json
	echo '[{"ifname": "eth0", "addr_info": [{"local": "10.20.3.4", "prefixlen": 24}, {"local": "10.20.3.5", "prefixlen": 32}]},
		{"ifname": "lo", "addr_info": [{"local": "127.0.0.1"}]}]' >host.json
	output=$(rangeguard validate --policy policy.json --leases pools.json --leases host.json --format json) || status=$?
	assert_equal 1 "$status" "exit status"
	assert_equal "RG101 /pools/0/first
RG103 /0/addr_info/0/local
RG103 /0/addr_info/1/local" "$(jq -r '.findings[] | "\(.rule) \(.pointer)"' <<<"$output")" "what is hit"
	output=$(rangeguard validate --policy policy.json --leases pools.json --leases host.json || true)
	assert_contains "$output" "would be hit by reservations of db-platform: 1 pool, 2 addresses of hosts" "by owner"
	# The real ones
	ip -json address >host.json
	rangeguard validate --policy policy.json --leases host.json >out 2>&1 || fail "$(<out)"
	jq '.granted = [{"cidr": "10.20.1.0/24", "network": "pods"}]' policy.json >granted.json
	rangeguard validate --policy granted.json --leases pools.json >out 2>&1 || fail "granted: $(<out)"
	echo "$CONF" >a.conf
	told 2 "--leases a.conf: neither what rangeguard list" --leases a.conf
}

main "$@"
