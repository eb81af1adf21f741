#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# conf-examples/cluster/README.md: each of its commands, on three etcd members and a host.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cluster/hosts.sh
source "$(dirname "$0")/hosts.sh"

# shell_block N: the Nth block of commands in the guide
shell_block()
{
	awk -v n="$1" '/^```/ { if (inside) { inside = 0; next } inside = 1; if ($0 == "```sh") { count++; wanted = count == n } else wanted = 0; next }
		inside && wanted' "$SOURCE_DIR/conf-examples/cluster/README.md"
}

test_each_command_of_the_guide()
{
	local result conf

	set_up_link
	start_members
	shell_block 1 >etcd-commands
	[[ -s etcd-commands ]] || fail "the guide has no commands for etcd"
	ETCDCTL_API=3 ETCDCTL_ENDPOINTS=$ENDPOINTS bash -e etcd-commands || fail "the commands for etcd fail"
	host_up 1
	cp -r "$SOURCE_DIR/conf-examples/cluster" guide
	mkdir bin
	ln -s "$RANGEGUARD" bin/rangeguard
	# In systemd's place: the unit is run by the agent's own tests
	cat >bin/systemctl <<-SH
		#!/bin/bash
		case "\$*" in
		"reload rangeguard-agent")
			"$AGENT" --check && exec kill -HUP "\$(<"$PWD/agent-h1.pid")" ;;
		"restart bird")
			exec bird -p -c /etc/bird/bird.conf ;;
		"enable --now rangeguard-agent") ;;
		*)
			exit 1 ;;
		esac
		"$AGENT" >>"$PWD/agent-h1.log" 2>&1 </dev/null &
		echo \$! >"$PWD/agent-h1.pid"
		# Type=notify: the start is over when the agent answers.
		until "$RANGEGUARD" cluster status >/dev/null 2>&1; do
			kill -0 \$! || exit 1
			sleep 0.05
		done
	SH
	chmod +x bin/systemctl
	{
		echo "cd '$PWD/guide'; PATH='$PWD/bin':\$PATH"
		shell_block 2
	} >host-commands
	on_host 1 bash -e "$PWD/host-commands" >said || fail "the commands for a host fail: $(<said) $(<agent-h1.log)"
	grep -q '^this host: ' said || fail "status says: $(<said)"
	# And what it is for, with etcd's authentication on
	conf=$(jq -c '{cniVersion, name} + .plugins[0] + {history: false}' guide/pods.conflist)
	must_add 1 c1 "$conf"
	assert_matches "$(address_of "$result")" '^10\.64\.' "the container's address"
	assert_matches "$(address_of "$result" 6)" '^fd64:' "the container's other address"
	assert_matches "$(on_host 1 "$RANGEGUARD" cluster status)" 'this host: [^'$'\n'']*, registered' "status"
	# Reloaded, and BIRD
	on_host 1 mount -t tmpfs tmpfs /etc/bird
	{
		echo "cd '$PWD/guide'; PATH='$PWD/bin':\$PATH"
		shell_block 3
		shell_block 6
	} >more-commands
	on_host 1 bash -e "$PWD/more-commands" >said 2>&1 || fail "the commands for reload and BIRD fail: $(<said)"
	wait_until 10 grep -q 'configuration was read again' agent-h1.log
	# A source that moves with the pods
	conf=$(jq -c '{cniVersion, name} + .plugins[0] + {history: false}' guide/shared.conflist)
	must_add 1 c2 "$conf" CNI_ARGS="K8S_POD_NAMESPACE=billing;K8S_POD_NAME=api-1"
	{
		echo "PATH='$PWD/bin':\$PATH"
		shell_block 5
	} >source-commands
	on_host 1 bash -e "$PWD/source-commands" >said || fail "the commands about sources fail: $(<said)"
	# Where the agent is late with a renewal, the source is closed until the next one.
	assert_matches "$(<said)" 'source 192\.0\.2\.50 \(mainframe\): [^ ]*, since [^,]*, (closed|may send for [0-4]\.[0-9] s)' "status of the source"
	assert_matches "$(<said)" 'source 192\.0\.2\.50: [^ ]*, since ' "who has it"
}

# The commands for Kubernetes, by kubectl as far as it goes without a cluster, and the step that equips a node
test_kubernetes()
{
	cp -r "$SOURCE_DIR/conf-examples" examples
	mkdir bin
	# What the API server would get
	cat >bin/kubectl <<-SH
		#!/bin/bash
		if [[ "\$1" == apply ]]; then
			exec "$(command -v kubectl)" kustomize "\$3"
		fi
		exec "$(command -v kubectl)" --kubeconfig /dev/null "\$@" --dry-run=client -o yaml
	SH
	chmod +x bin/kubectl
	{
		echo "cd '$PWD/examples/cluster'; PATH='$PWD/bin':\$PATH"
		shell_block 4
	} >commands
	bash -e commands >objects.yaml 2>log || fail "$(<log)"
	assert_contains "$(<objects.yaml)" "kind: Namespace" "the namespace"
	assert_equal "CHANGE-THAT" "$(sed -n 's/^  password: //p' objects.yaml | base64 -d)" "the password in the Secret"
	mkdir -p config/cluster config/net.d config/policy node/etc/rangeguard
	sed -n 's/^  cluster.json: //p' objects.yaml | base64 -d >config/cluster/cluster.json
	echo CHANGE-THAT >config/cluster/password
	assert_equal "$(<"$SOURCE_DIR/conf-examples/cluster/cluster.json")" "$(<config/cluster/cluster.json)" "cluster.json in the Secret"
	for text in "secretName: rangeguard-cluster" "mountPath: /config/cluster" "path: /etc/machine-id" "mountPath: /etc/machine-id"; do
		assert_contains "$(<objects.yaml)" "$text" "the DaemonSet"
	done
	cp "$SOURCE_DIR/conf-examples/cluster/pods.conflist" config/net.d/
	cp "$SOURCE_DIR/conf-examples/kubernetes/policy.json" config/policy/
	ln -s "$RANGEGUARD" bin/rangeguard
	PATH=$PWD/bin:$PATH CONFIG=$PWD/config HOST=$PWD/node assert_succeeds sh "$SOURCE_DIR/conf-examples/kubernetes/install.sh"
	assert_equal $'600\n600' "$(stat -c %a node/etc/rangeguard/cluster.json node/etc/rangeguard/password)" "modes on the node"
	assert_equal "$(<config/cluster/cluster.json)" "$(<node/etc/rangeguard/cluster.json)" "cluster.json on the node"
}

# bird_up N OTHER: BIRD on a host by the guide's configuration, with another host as its neighbour
bird_up()
{
	sed "s/^router id .*/router id 192.0.2.$1;/; s/protocol bgp host2/protocol bgp host$2/; s/neighbor 192.0.2.2/neighbor 192.0.2.$2/" \
		"$SOURCE_DIR/conf-examples/cluster/bird.conf" >"bird-$1.conf"
	on_host "$1" bird -f -c "$PWD/bird-$1.conf" -s "$PWD/bird-$1.ctl" >>"bird-$1.log" 2>&1 &
	echo $! >"bird-$1.pid"
}

# goes_to_other N ADDRESS: whether a host's route there is one of BIRD's to the other host
goes_to_other()
{
	on_host "$1" ip route get fibmatch "$2" | grep -q " via .* proto bird"
}

# bird.conf: hosts whose routes BIRD makes reach each other's containers
test_routes_by_bird()
{
	local conf n result
	local -A address

	set_up_link
	start_members
	conf=$(jq -c '{cniVersion, name} + .plugins[0] + {history: false}' "$SOURCE_DIR/conf-examples/cluster/pods.conflist")
	for n in 1 2; do
		host_up "$n"
		on_host "$n" sh -c 'jq ".routes = false" /etc/rangeguard/cluster.json >/run/new && cat /run/new >/etc/rangeguard/cluster.json
			echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
		agent_up "$n"
		must_add "$n" "c$n" "$conf"
		address[$n]=$(address_of "$result")
		address[6$n]=$(address_of "$result" 6)
	done
	bird_up 1 2
	bird_up 2 1
	wait_until 60 goes_to_other 2 "${address[1]}"
	wait_until 60 goes_to_other 1 "${address[2]}"
	on_host 1 ip netns exec c1 ping -n -c 1 -W 5 "${address[2]}" >said || fail "c2 is not reached: $(<said); $(on_host 1 ip route); $(<bird-1.log)"
	wait_until 60 goes_to_other 1 "${address[62]}"
	wait_until 60 goes_to_other 2 "${address[61]}"
	on_host 1 ip netns exec c1 ping -n -c 1 -W 5 "${address[62]}" >said || fail "c2 is not reached by IPv6: $(<said); $(on_host 1 ip -6 route)"
	assert_no_line "routes of single containers" "^${address[1]} " on_host 2 ip route show proto bird
	kill "$(<bird-1.pid)" "$(<bird-2.pid)"
}

main "$@"
