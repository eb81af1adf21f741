#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A cluster of 1,000 hosts, as one of them sees it; and what etcd is asked for by many ADDs (ADDS says how many).

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cluster/hosts.sh
source "$(dirname "$0")/hosts.sh"

PODS='{"cniVersion": "1.0.0", "name": "pods", "type": "rangeguard", "guard": {"policies": []}, "history": false,
	"ipam": {"type": "rangeguard", "blocks": {"ipv4": 26}, "ranges": [[{"subnet": "10.64.0.0/14"}]]}}'

CLAIMS=$(dirname "$RANGEGUARD")/tests/cluster/cluster_claims
[[ -x "$CLAIMS" ]] || CLAIMS=$SOURCE_DIR/build/dev/tests/cluster/cluster_claims

# one_host: h1 with an etcd of three members
one_host()
{
	local result

	set_up_link
	start_members
	host_up 1
	agent_up 1
	must_add 1 a1 "$PODS"
}

# many_hosts FIRST LAST: transactions that write hosts with two blocks each, next hops 198.18.0.0/16
many_hosts()
{
	awk -v first="$1" -v last="$2" 'BEGIN {
		for (i = first; i <= last; i++) {
			if ((i - first) % 40 == 0)
				printf "%s\n", i == first ? "" : "\n"
			printf "put /rangeguard/host/n%d \"{\\\"machine\\\":\\\"%032x\\\",\\\"addresses\\\":[\\\"198.18.%d.%d\\\"],\\\"since\\\":1,\\\"nonce\\\":\\\"%016x\\\"}\"\n", i, i, i / 250, i % 250 + 1, i
			for (b = 0; b < 2; b++) {
				n = 1024 + 2 * i + b
				printf "put /rangeguard/block/10.%d.%d.%d/26 \"{\\\"host\\\":\\\"n%d\\\",\\\"machine\\\":\\\"%032x\\\",\\\"since\\\":1,\\\"nonce\\\":\\\"%016x\\\"}\"\n", 64 + int(n / 1024), int(n % 1024 / 4), n % 4 * 64, i, i, n
			}
		}
		printf "\n\n"
	}' | awk -v RS='' '{ print > ("txn-" NR) }'
	for file in txn-*; do
		{ echo; cat "$file"; echo; echo; } | etcdctl --endpoints "$ENDPOINTS" txn >txn.log 2>&1 || fail "$file: $(<txn.log)"
	done
}

# block_routes: routes to others' blocks that h1 has
block_routes()
{
	on_host 1 ip route show proto 82 | grep -c ' via 198\.18\.' || true
}

# has_routes N: whether there are that many
has_routes()
{
	[[ "$(block_routes)" == "$1" ]]
}

# cpu_ms: processor time of h1's agent so far
cpu_ms()
{
	awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / hz) }' "/proc/$(<agent-h1.pid)/stat"
}

test_a_thousand_hosts()
{
	local -i before idle
	local result

	one_host
	on_host 1 ip address add 198.18.255.254/16 dev eth0
	many_hosts 1 1000
	wait_until 30 has_routes 2000
	before=$(cpu_ms)
	sleep 5
	idle=$(($(cpu_ms) - before))
	note "agent with 1,000 hosts: $(awk '/VmRSS/ { print $2 }' "/proc/$(<agent-h1.pid)/status") KiB, $before ms until the" \
		"routes are there, then $((idle / 5)) ms per second"
	# What is too much for a packet of the local socket
	assert_succeeds on_host 1 "$RANGEGUARD" cluster status --format json
	assert_json "$output" '(.hosts | length == 1001) and (.hosts | map(.blocks) | add >= 2001)' "status of the cluster"
	# An agent that starts takes over what is there.
	agent_down 1 KILL
	assert_equal 2000 "$(block_routes)" "routes while there is no agent"
	agent_up 1
	sleep 2
	assert_equal 2000 "$(block_routes)" "routes after the agent's restart"
	assert_succeeds etcdctl --endpoints "$ENDPOINTS" del --prefix /rangeguard/block/10.66.
	wait_until 10 has_routes "$(records block/ | grep -vc '10\.64\.')"
	must_add 1 a2 "$PODS"
}

test_adds_ask_etcd_for_nothing()
{
	local -i before began i own count=${ADDS:-30}
	local result

	one_host
	wait_until 10 blocks_held 2
	before=$(requests)
	((before > 0)) || fail "etcd counts no requests"
	began=$SECONDS
	for ((i = 1; i <= count; i++)); do
		must_add 1 "x$i" "$PODS"
	done
	for ((i = 1; i <= count; i++)); do
		must_del 1 "x$i" "$PODS"
	done
	# What the agent looks for by itself, four times a minute, or twice as often, is not an ADD's. A block has 64 addresses, and
	# each takes a claim.
	i=$(($(requests) - before))
	own=$((2 + (SECONDS - began) * 8 / 60))
	note "$count ADDs and DELs: $i requests of etcd"
	((own < count)) || fail "too slow to tell: $count ADDs and DELs took $((SECONDS - began)) s"
	((i <= own + 3 * (count / 60))) || fail "$count ADDs and DELs made $i requests"
}

# requests: what h1 has asked etcd's gateways for, by their counters of gRPC calls
requests()
{
	local i

	for i in 1 2 3; do
		curl -s "http://192.0.2.1$i:2379/metrics"
	done | awk '/^grpc_server_started_total.*grpc_method="(Txn|Range)"/ { n += $2 } END { print n + 0 }'
}

# One etcd: with three members on one machine, and all hosts in one process, what is measured is the machine. HOSTS says how
# many.
test_hundreds_of_hosts_claim_at_once()
{
	local -i hosts=${HOSTS:-200} held
	local said

	set_up_link
	link_up e1 192.0.2.11/24
	members=e1=http://192.0.2.11:2380
	start_member 1
	ENDPOINTS=http://192.0.2.11:2379
	wait_until 30 etcdctl --endpoints "$ENDPOINTS" get --consistency=l nothing
	said=$("$CLAIMS" "$hosts" "$(scaled 120)" "$ENDPOINTS") || fail "$said"
	note "$said"
	# Two each; who gave an answer up that came after all has one more, which it would give back.
	held=$(records block/ | wc -l)
	((held >= 2 * hosts && held <= 2 * hosts + hosts / 4)) || fail "$hosts hosts hold $held blocks"
}

main "$@"
