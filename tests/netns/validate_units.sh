#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Address plans that are neither JSON nor YAML, as validate reads them: command lines in units, their drop-ins and
# environments, podman's quadlet and containers.conf; and lists, charts and variables with defaults in YAML.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

# set_up: a policy, and where files of each kind stand
set_up()
{
	echo '{"reserved": [{"cidr": "10.20.0.0/16"}, {"cidr": "fd20::/32"}]}' >policy.json
	mkdir -p default sysconfig k3s.service.d app.container.d etc/containers.conf.d
}

# validate FILE: its findings of errors, as "LINE:COLUMN RULE"
validate()
{
	local -i status=0

	"$RANGEGUARD" validate --policy policy.json --format json "$1" >output || status=$?
	((status < 2)) || fail "exit status $status of validate $1"
	jq -r '.findings[] | select(.severity == "error") | "\(.line):\(.column) \(.rule)"' output
}

# assert_found FILE [RULE]…: these are found, in this order, in the file on standard input, which has an @ before each place
assert_found()
{
	local marked expected found

	marked=$(cat)
	expected=$(awk '{ while ((at = index($0, "@"))) { print NR ":" at; sub(/@/, "") } }' <<<"$marked")
	expected=$(paste -d' ' <(printf '%s' "$expected${expected:+$'\n'}") <(printf '%s\n' "${@:2}") | sed '/^ *$/d')
	tr -d @ <<<"$marked" >"$1"
	found=$(validate "$1")
	assert_equal "$expected" "$found" "findings in $1 ($(<"$1"))"
}

# --- Command lines ---

# k3s' installer puts each word in quotes; systemd takes away quotes of either kind, around a word or a part of it
test_quotes_in_command_lines()
{
	local line

	while IFS= read -r line; do
		printf '[Service]\nExecStart=%s\n' "$line" | assert_found a.service RG101
	done <<-'EOF'
		dockerd -H fd:// --bip @10.20.0.1/24
		dockerd -H fd:// --bip=@10.20.0.1/24 --debug
		dockerd "--bip" "@10.20.0.1/24"
		dockerd '--bip=@10.20.0.1/24'
		dockerd --bip="@10.20.0.1/24"
		/usr/local/bin/k3s 'server' --service-cidr '@10.20.0.0/16'
		kubelet --pod-cidr '@fd20::/64'
		kube-ovn-controller --default-cidr=@10.20.0.0/16 --node-switch-cidr=100.64.0.0/16
		kube-ovn-controller --node-switch-cidr "@10.20.0.0/16"
	EOF
}

test_lines_that_go_on()
{
	assert_found k3s.service RG101 <<-'EOF'
		[Service]
		ExecStart=/usr/local/bin/k3s \
		    server \
			'--cluster-cidr' \
			'@10.20.0.0/16' \

	EOF
	assert_found a.service RG102 RG102 <<-'EOF'
		[Service]
		ExecStart=dockerd \
		  --default-gateway=@10.20.0.1 \
		  --default-gateway-v6 @fd20::1
	EOF
}

test_flags_in_variables()
{
	assert_found a.service RG101 RG101 RG101 <<-'EOF'
		[Service]
		Environment="DOCKER_OPTS=--bip=@10.20.0.1/24 -H x" "B=c"
		Environment=OPTIONS="--fixed-cidr @10.20.0.0/24"
		Environment=X='--cluster-cidr=@10.20.0.0/16'
	EOF
}

# podman's --ip is another program's address to listen at
test_short_flags_are_podmans()
{
	assert_found a.service <<-'EOF'
		[Service]
		ExecStart=/usr/bin/server --ip 10.20.0.5 --gateway=10.20.0.1 --subnet 10.20.0.0/24
		Environment=A=--bip=10.30.0.1/24
	EOF
	assert_found a.container RG103 RG103 <<-'EOF'
		[Container]
		PodmanArgs=--memory 1g --ip  @10.20.0.5 --ip6=@fd20::5
	EOF
}

# --- By the name of the file ---

test_drop_ins_and_environments()
{
	local file

	for file in k3s.service.d/override.conf app.container.d/10.conf; do
		assert_found "$file" RG101 <<-'EOF'
			# not JSON
			[Service]
			ExecStart=k3s server --cluster-cidr=@10.20.0.0/16
		EOF
	done
	for file in default/docker sysconfig/docker default/kubelet sysconfig/kubelet; do
		assert_found "$file" RG101 RG101 <<-'EOF'
			# DOCKER_OPTS="--bip=10.20.0.1/24"
			if true; then :; fi
			DOCKER_OPTS="--bip=@10.20.0.1/24" # --bip=10.20.9.1/24

			export OPTIONS='--bip @10.20.1.1/24 --default-address-pool base=10.30.0.0/16,size=24'
		EOF
	done
	assert_equal 10 "$(validate . | wc -l)" "findings in all of the directory"
}

# Perl's documentation has the suffix of podman's pods
test_other_files_of_the_same_names()
{
	mkdir d
	printf '=head1 NAME\n\nnothing of podman\n' >d/a.pod
	printf '[Match]\nName=eth0\n[Network]\nAddress=10.20.0.9/24\nGateway=10.20.0.1\n' >d/eth0.network
	printf '[Pod]\nIP=10.30.0.9\n' >d/b.pod
	assert_empty "$(validate d)" "findings"
	assert_json "$(<output)" '[.files, .notRead] == [1, 2]' "what was read"
}

test_podmans_own()
{
	local file

	for file in etc/containers.conf etc/containers.conf.d/10.conf; do
		assert_found "$file" RG101 RG101 RG101 <<-'EOF'
			[containers]
			label = """
			{{.Name}} ["
			"""
			[network]
			#default_subnet = "10.20.1.0/24"
			default_subnet = "@10.20.0.0/24" # 10.20.0.0/24 "10.20.0.0/24"
			default_subnet_pools = [ # 10.20.0.0/24 ]
			  {"base" = "@10.20.0.0/16", "size" = 24},
			  # {"base" = "10.20.0.0/16", "size" = 24},
			  {size=24,base='@10.20.128.0/17'} ]
			firewall_driver = "nftables"
			[engine]
			dns = "10.20.0.1/24"
		EOF
	done
	assert_found a.container RG103 RG103 RG103 <<-'EOF'
		[Container]
		Network=pods.network:ip=@10.20.0.5,mac=02:00:00:00:00:01,ip6=@fd20::5
		Network=host
		Network=ip=@10.20.0.6
	EOF
}

# An engine makes its networks of its pools; two networks, or somebody else's in a pool, are told
test_networks_of_a_pool()
{
	mkdir d
	echo '{"bip": "10.29.0.1/24", "default-address-pools": [{"base": "10.30.0.0/16", "size": 24}]}' >d/daemon.json
	echo '[{"Name": "a", "IPAM": {"Driver": "default", "Config": [{"Subnet": "10.30.5.0/24"}]}}]' >d/inspect.json
	printf '[network]\ndefault_subnet = "10.31.0.0/24"\ndefault_subnet_pools = [{"base" = "10.32.0.0/16", "size" = 24}]\n' >d/containers.conf
	echo '{"name": "p", "driver": "bridge", "subnets": [{"subnet": "10.32.5.0/24"}]}' >d/podman.json
	printf '[Network]\nSubnet=10.32.6.0/24\n' >d/app.network
	assert_empty "$(validate d)" "errors"
	assert_json "$(<output)" '.findings == []' "findings"
	printf 'services: {w: {image: x}}\nnetworks: {b: {ipam: {config: [{subnet: 10.29.0.0/25}]}}}\n' >d/compose.yaml
	echo '{"cniVersion": "1.0.0", "name": "n", "type": "bridge", "ipam": {"type": "host-local", "subnet": "10.32.5.0/24"}}' >d/a.conf
	assert_empty "$(validate d)" "errors"
	assert_equal "a.conf containers.conf
a.conf podman.json
compose.yaml daemon.json" "$(jq -r '.findings[] | select(.rule == "RG105")
		| [.file, .related[0].file] | map(ltrimstr("d/")) | sort | join(" ")' output | sort)" "overlaps"
}

test_what_is_wrong_with_them()
{
	local output

	printf '[Network]\nSubnet\n' >a.network
	output=$("$RANGEGUARD" validate --policy policy.json a.network) && fail "a line without a value passes"
	assert_contains "$output" "a.network:2:1: error RG001: not valid INI: neither [SECTION] nor KEY=VALUE" "the line"
	printf '\xff\xfe[\0N\0]\0\n\0' | tee a.network >etc/containers.conf
	for file in a.network etc/containers.conf; do
		output=$("$RANGEGUARD" validate --policy policy.json "$file") && fail "UTF-16 passes"
		assert_contains "$output" "$file:1:1: error RG001: not valid" "UTF-16"
		assert_contains "$output" "the text is UTF-16 or UTF-32; save it as UTF-8" "UTF-16"
	done
}

# --- YAML ---

# What the API answers, and kubectl get --raw prints: the list alone says of what kind its items are
test_typed_lists()
{
	assert_found a.yaml RG101 RG101 <<-'EOF'
		apiVersion: v1
		kind: NodeList
		items:
		- spec: {podCIDR: @10.20.0.0/24}
		- {kind: Node, apiVersion: v1, spec: {podCIDR: @10.20.1.0/24}}
	EOF
	assert_found a.yaml RG101 <<-'EOF'
		apiVersion: k8s.cni.cncf.io/v1
		kind: NetworkAttachmentDefinitionList
		items:
		- metadata: {name: a}
		  spec:
		    config: '{"cniVersion": "0.3.1", "type": "macvlan", "ipam": {"type": "host-local", "subnet": @"10.20.0.0/24"}}'
	EOF
	assert_found a.yaml RG101 <<-'EOF'
		apiVersion: v1
		kind: ConfigMapList
		items:
		- data:
		    net-conf.json: |
		      {"Network": @"10.20.0.0/16", "Backend": {"Type": "vxlan"}}
	EOF
}

# A chart has its charts' values under their names; in other files such names mean nothing
test_values_of_charts()
{
	assert_found my-values.prod.yaml RG101 RG101 <<-'EOF'
		replicas: 2
		cni:
		  ipam: {operator: {clusterPoolIPv4PodCIDRList: [@10.20.0.0/16]}}
		lb:
		  configInline: {address-pools: [{addresses: [@10.20.1.1-10.20.1.9]}]}
	EOF
	mv my-values.prod.yaml other.yaml
	! "$RANGEGUARD" validate --policy policy.json other.yaml >output || fail "values of nobody's pass"
	assert_contains "$(<output)" "RG003" "what a file of another name is"
}

test_defaults_of_variables()
{
	assert_found compose.yaml RG101 RG101 RG101 <<-'EOF'
		services: {web: {image: nginx}}
		networks:
		  a: {ipam: {config: [{subnet: "${NET:-@10.20.0.0/24}"}]}}
		  b: {ipam: {config: [{subnet: "${NET-@10.20.0.0/24}"}]}}
		  c: {ipam: {config: [{subnet: "${N_1:=@fd20::/64}"}]}}
		  d: {ipam: {config: [{subnet: "${NET:-10.30.0.0/24}"}]}}
		  e: {ipam: {config: [{subnet: "${NET:-${OTHER}}"}]}}
		  f: {ipam: {config: [{subnet: "${NET:?10.20.0.0/24}"}]}}
		  g: {ipam: {config: [{subnet: "10.20.${X:-1}.0/24"}]}}
	EOF
	assert_json "$(<output)" '[.findings[] | select(.severity == "warning") | .line] == [3, 4, 5, 6, 7, 8, 9]' \
		"what is still to come"
	assert_json "$(<output)" '[.findings[] | select(.message | contains("only its default is checked")) | .line] == [3, 4, 5, 6]' \
		"where a default is"
}

# Compose is merged from several files, of which one may say no more than an address
test_parts_of_compose()
{
	assert_found compose.override.yaml RG103 <<-'EOF'
		services: {web: {networks: {front: {ipv4_address: @10.20.0.9}}}}
	EOF
}

# What helm renders from a chart without addresses is fine; a file that somebody names is to have some
test_charts_without_addresses()
{
	local output

	printf -- '---\napiVersion: v1\nkind: ServiceAccount\n---\napiVersion: v1\nkind: Service\nspec: {type: ClusterIP}\n' >chart.yaml
	output=$("$RANGEGUARD" validate --strict --policy policy.json - <chart.yaml) || fail "a chart is refused: $output"
	assert_contains "$output" "1 file, resources not read: ServiceAccount (1), 0 errors, 0 warnings" "the summary"
	! "$RANGEGUARD" validate --policy policy.json chart.yaml >output || fail "a file without addresses passes"
	! "$RANGEGUARD" validate --policy policy.json - <<<'{"apiVersion": "v1", "kind": "ServiceAccount"}' >output ||
		fail "only kinds that are not read, and that passes"
}

# The place of a key that stands twice, and where it leads to
test_keys_that_stand_twice()
{
	cat >a.yaml <<-'EOF'
		apiVersion: projectcalico.org/v3
		kind: IPPool
		spec:
		  cidr: 10.30.0.0/16
		  x:
		  - a: 1
		    a: 2
		  y: &y
		    z: {q: 1, q: 2}
		  cidr: 10.31.0.0/16
		---
		apiVersion: projectcalico.org/v3
		kind: IPPool
		spec: {cidr: 10.32.0.0/16, cidr: 10.33.0.0/16}
	EOF
	assert_empty "$(validate a.yaml)" "errors"
	assert_equal "7:5 /spec/x/0/a
9:15 /spec/y/z/q
10:3 /spec/cidr
14:28 #2/spec/cidr" "$(jq -r '.findings[] | select(.rule == "RG005") | "\(.line):\(.column) \(.pointer)"' output)" "keys"
}

main "$@"
