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
		[[ "\$*" == "enable --now rangeguard-agent" ]] || exit 1
		"$AGENT" >>"$PWD/agent-h1.log" 2>&1 </dev/null &
		for ((i = 0; i < 200; i++)); do
			[[ ! -S /run/rangeguard/agent.sock ]] || exit 0
			sleep 0.05
		done
		exit 1
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
	result=$(host_add 1 c1 "$conf") || fail "ADD: $result $(<agent-h1.log)"
	assert_matches "$(address_of "$result")" '^10\.64\.' "the container's address"
	assert_matches "$(address_of "$result" 6)" '^fd64:' "the container's other address"
	on_host 1 "$RANGEGUARD" cluster status | grep -q '^this host: .*, registered' || fail "not registered"
	# A source that moves with the pods
	conf=$(jq -c '{cniVersion, name} + .plugins[0] + {history: false}' guide/shared.conflist)
	result=$(host_add 1 c2 "$conf" CNI_ARGS="K8S_POD_NAMESPACE=billing;K8S_POD_NAME=api-1") || fail "ADD: $result $(<agent-h1.log)"
	{
		echo "PATH='$PWD/bin':\$PATH"
		shell_block 3
	} >source-commands
	on_host 1 bash -e "$PWD/source-commands" >said || fail "the commands about sources fail: $(<said)"
	assert_matches "$(<said)" 'source 192\.0\.2\.50 \(mainframe\): [^ ]*, since [^,]*, may send for [1-4]\.[0-9] s' "status of the source"
	assert_matches "$(<said)" 'source 192\.0\.2\.50: [^ ]*, since ' "who has it"
}

main "$@"
