#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real containerd asked as kubelet asks it, through the Container Runtime Interface (tests/runtimes/cri.py): sandboxes
# come and go, many at once, and when containerd is killed between.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

SOCKET=/run/containerd/containerd.sock
SANDBOXES=${SANDBOXES:-100}

# set_up: containerd with its CRI service, the sandbox image, rangeguard as network "pods"
set_up()
{
	export CONTAINERD_ADDRESS=$SOCKET CONTAINERD_NAMESPACE=k8s.io CONTAINERD_SNAPSHOTTER=native PYTHONPATH=/run/test/python
	mkdir python
	protoc -I "$TESTS_DIR/runtimes" --python_out=python "$TESTS_DIR/runtimes/cri.proto"
	install_plugins loopback portmap
	mkdir -p net.d /etc/rangeguard/reserved.d /var/lib/cni
	# What others left on this machine is not ours to find.
	mount -t tmpfs tmpfs /var/lib/cni
	cat >/etc/rangeguard/reserved.d/dba.json <<-END
		{"reserved": [{"cidr": "10.20.0.0/16", "owner": "db-platform", "reason": "Oracle RAC", "ref": "NET-1042"}]}
	END
	write_conflist 10.9.0.0/16 fd00:9::/64
	cat >config.toml <<-END
		version = 2
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/busybox:test"
		  restrict_oom_score_adj = true
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    snapshotter = "native"
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "$CNI_BIN"
		    conf_dir = "/run/test/net.d"
	END
	busybox_image image.tar
	start_containerd
	assert_succeeds ctr image import --snapshotter native image.tar
	wait_until 20 is_ready
	host_state >state-before
}

# write_conflist IPV4-SUBNET IPV6-SUBNET [KEYS]: the network; KEYS (JSON) are added to rangeguard's object
write_conflist()
{
	jq -n --arg ipv4 "$1" --arg ipv6 "$2" --argjson keys "${3-{\}}" '{cniVersion: "1.0.0",
		cniVersions: ["1.0.0", "1.1.0"], name: "pods", plugins: [
		{type: "rangeguard", ipam: {type: "rangeguard", ranges: [[{subnet: $ipv4}], [{subnet: $ipv6}]]}} + $keys]}' \
		>/run/test/net.d/10-pods.conflist
}

# start_containerd: in the background; its process id in $containerd
start_containerd()
{
	containerd --config config.toml --root "$PWD/root" --state /run/containerd --address "$SOCKET" >>containerd.log 2>&1 &
	containerd=$!
	wait_until 20 ctr version
}

# kill_containerd: as the kernel does when memory runs out: no word to anybody
kill_containerd()
{
	kill -KILL "$containerd"
	wait "$containerd" 2>/dev/null || true
}

# cri COMMAND [ARGUMENT…]
cri()
{
	CRI_DEADLINE_S=$(scaled 120) /usr/bin/python3 "$TESTS_DIR/runtimes/cri.py" "$SOCKET" "$@"
}

# is_ready: what a node's condition Ready depends on
is_ready()
{
	[[ "$(cri network-ready)" == true ]]
}

# assert_host_as_before: nothing of any sandbox is left
assert_host_as_before()
{
	assert_nothing_left
	assert_empty "$(find /var/lib/cni -type f)" "files of libcni left"
	assert_equal "$(<state-before)" "$(host_state)" "state of the host"
}

test_sandbox_gets_addresses_that_kubelet_sees_and_the_host_reaches()
{
	local id address

	id=$(cri run web)
	assert_equal 2 "$(cri status "$id" | wc -l)" "addresses that kubelet is told"
	while read -r address; do
		assert_succeeds ping -n -c 1 -W "$(scaled 2)" "$address"
	done < <(cri status "$id")
	assert_json "$("$RANGEGUARD" list --format json)" '[.. | objects | select(has("address"))]
		| length == 2 and all(.pod == "web" and .namespace == "default")' "pod's name and namespace in the list"
	cri stop "$id"
	assert_nothing_left
	# kubelet stops a sandbox again and again until it is removed.
	cri stop "$id"
	cri remove "$id"
	assert_host_as_before
}

# is_refused: whether a sandbox is refused for a reserved range; what kubelet is told is in the file "refusal"
is_refused()
{
	! cri run web >refusal 2>&1 && grep -q reserved refusal
}

test_refusal_reaches_kubelet_with_the_owner()
{
	local part

	write_conflist 10.20.5.0/24 fd00:9::/64
	# containerd reads the directory again when it is told that it changed.
	wait_until 20 is_refused
	for part in 10.20.5.0/24 10.20.0.0/16 db-platform "Oracle RAC" NET-1042 /etc/rangeguard/reserved.d/dba.json; do
		assert_contains "$(<refusal)" "$part" "what kubelet shows"
	done
	cri remove-all
	assert_host_as_before
}

test_many_sandboxes_at_once()
{
	local n_addresses

	cri run-many "$SANDBOXES" >ids
	assert_empty "$(grep '^error' ids || true)" "sandboxes that did not start"
	assert_equal "$((SANDBOXES * 2))" "$(leases)" "leases held"
	n_addresses=$("$RANGEGUARD" list --format json | jq -r '.. | objects | select(has("address")) | .address' | sort -u | wc -l)
	assert_equal "$((SANDBOXES * 2))" "$n_addresses" "different addresses"
	cri remove-all
	assert_empty "$(cri list)" "sandboxes left"
	assert_host_as_before
}

# some_are_there: sandboxes are starting
some_are_there()
{
	(($(leases) > 4))
}

# remove_for_a_while: a sandbox that containerd itself lost hold of when it was killed it may not be able to remove at all;
# what is ours of it goes with its namespace, below
remove_for_a_while()
{
	local -i tries

	for ((tries = 0; tries < 10; tries++)); do
		! cri remove-all || [[ -n "$(cri list)" ]] || return 0
		sleep 1
	done
	note "containerd does not remove $(cri list | wc -l) sandboxes: $(cri remove-all 2>&1 | tail -n 1)"
}

test_containerd_killed_while_sandboxes_start_and_stop()
{
	local many

	cri run-many "$((SANDBOXES / 4))" >ids 2>&1 &
	many=$!
	wait_until 60 some_are_there
	kill_containerd
	wait "$many" || true
	start_containerd
	wait_until 30 is_ready
	# What kubelet does when it comes back: it removes whatever it does not want, until nothing is left.
	remove_for_a_while
	# A sandbox of which containerd had not yet written anything is nobody's to stop: a collection of garbage takes it.
	cni GC x /proc/1/ns/net eth0 "$(jq '.plugins[0] + {name, cniVersion: "1.1.0", "cni.dev/valid-attachments": []}' \
		/run/test/net.d/10-pods.conflist)"
	kill_orphans
	cni GC x /proc/1/ns/net eth0 "$(jq '.plugins[0] + {name, cniVersion: "1.1.0", "cni.dev/valid-attachments": []}' \
		/run/test/net.d/10-pods.conflist)"
	assert_nothing_left
}

# kill_orphans: namespaces of sandboxes that containerd has forgotten
kill_orphans()
{
	local netns

	for netns in /run/netns/cni-*; do
		[[ ! -e "$netns" ]] || ip netns delete "${netns##*/}"
	done
}

test_pod_cidr_from_the_node_fills_the_template()
{
	local id

	rm /run/test/net.d/10-pods.conflist
	sed -i 's|conf_dir = .*|&\n    conf_template = "/run/test/template"|' config.toml
	cat >/run/test/template <<-'END'
		{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "rangeguard", "ipam": {"type": "rangeguard",
		 "ranges": [{{range $i, $range := .PodCIDRRanges}}{{if $i}}, {{end}}[{"subnet": "{{$range}}"}]{{end}}]}}]}
	END
	kill_containerd
	start_containerd
	cri pod-cidr 10.77.3.0/24,fd00:77:3::/64
	wait_until 20 is_ready
	id=$(cri run web)
	assert_matches "$(cri status "$id" | head -n 1)" '^10\.77\.3\.' "IPv4 address from the node's range"
	assert_matches "$(cri status "$id" | tail -n 1)" '^fd00:77:3::' "IPv6 address from the node's range"
	cri stop "$id"
	cri remove "$id"
	assert_host_as_before
}

test_annotation_of_a_pod_reaches_the_plugin()
{
	local -i end=$((SECONDS + $(scaled 20)))
	local id addresses

	write_conflist 10.9.0.0/16 fd00:9::/64 '{"annotations": ["addresses"], "capabilities": {"io.kubernetes.cri.pod-annotations": true}}'
	# containerd reads the directory again when it is told that it changed.
	while true; do
		id=$(cri run web rangeguard.dev/addresses=10.9.7.7)
		addresses=$(cri status "$id")
		[[ "${addresses%%$'\n'*}" != 10.9.7.7 ]] || break
		((SECONDS < end)) || fail "addresses: $addresses"
		cri remove-all
	done
	cri remove-all
	assert_host_as_before
}

main "$@"
