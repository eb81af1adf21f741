#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `rangeguard cluster`: what it shows, and what it changes on all hosts.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cluster/hosts.sh
source "$(dirname "$0")/hosts.sh"

POOL='{"cniVersion": "1.0.0", "name": "pods", "type": "rangeguard", "history": false,
	"guard": {"onOverlap": "exclude"},
	"ipam": {"type": "rangeguard", "blocks": {"ipv4": 28}, "ranges": [[{"subnet": "10.64.0.0/25"}]]}}'

# two_hosts: h1 and h2, and an address on each
two_hosts()
{
	local result

	set_up_link
	start_members
	host_up 1
	host_up 2
	agent_up 1
	agent_up 2
	must_add 1 a1 "$POOL"
	must_add 2 b1 "$POOL"
	second=$(address_of "$result")
	# Each holds a spare one, too.
	wait_until 10 blocks_held 4
}

test_status_and_who()
{
	two_hosts
	wait_until 5 shows 2 '^host h1: 2 blocks'
	assert_succeeds cluster 1 status
	assert_contains "$output" "this host: h1, registered, etcd at http://192.0.2.1" status
	assert_contains "$output" "pool 10.64.0.0/25 in blocks of /28 (network \"pods\"): 4 held" status
	assert_succeeds cluster 1 status --format json
	# The pool has 8 blocks; h1 has one address in use, and others' it does not know.
	assert_json "$output" '.pools[0].free == 4 and (.hosts | map({(.name): .used}) | add == {h1: 1, h2: null}) and
		(.hosts | all(.heard >= 0 and .heard < 600)) and .policy == 0 and .problem == "" and .ownProblem == ""' "figures"
	assert_json "$output" '.host == "h1" and .registered and (.hosts | length == 2) and (.pools[0].blocks | length == 4)' status
	assert_schema cluster-status "$output" status
	assert_succeeds cluster 1 who "$second"
	assert_matches "$output" '^block 10\.64\.0\.[0-9]+/28: h2, since 20' who
	status=0
	output=$(cluster 1 who 192.0.2.77 2>&1) || status=$?
	assert_equal 1 "$status" "status of who for an address that nobody holds"
	assert_contains "$output" "no host holds" who
	agent_down 1
	status=0
	output=$(cluster 1 status 2>&1) || status=$?
	assert_equal 2 "$status" "status without an agent"
	# shellcheck disable=SC2016 # as it is printed
	assert_contains "$output" 'does not run on this host: `systemctl status rangeguard-agent` says why' "what to do"
}

test_metrics_and_check()
{
	local result

	set_up_link
	start_members
	host_up 1
	agent_up 1 --listen 127.0.0.1:9582
	must_add 1 a1 "$POOL"
	wait_until 10 blocks_held 2
	output=$(on_host 1 curl -s http://127.0.0.1:9582/metrics)
	assert_contains "$output" $'\nrangeguard_cluster_registered 1\n' metrics
	assert_contains "$output" $'\nrangeguard_cluster_engine_up 1\n' metrics
	assert_contains "$output" 'rangeguard_cluster_blocks{pool="10.64.0.0/25"} 2' metrics
	assert_succeeds on_host 1 "$AGENT" --check
	on_host 1 sed -i 's/"endpoints"/"endpoint"/' /etc/rangeguard/cluster.json
	assert_fails on_host 1 "$AGENT" --check
	assert_contains "$output" 'cluster.json' "--check"
	on_host 1 chmod 0644 /etc/rangeguard/cluster.json
	assert_fails on_host 1 "$AGENT" --check
	assert_contains "$output" "readable by nobody else" "--check of a file that others can read"
}

test_usage()
{
	assert_succeeds "$RANGEGUARD" cluster --help
	for arguments in "" bogus "status surplus" publish forget who "status --format xml" "status --bogus"; do
		status=0
		# shellcheck disable=SC2086 # several
		output=$("$RANGEGUARD" cluster $arguments 2>&1) || status=$?
		assert_equal 2 "$status" "status of cluster $arguments"
	done
}

# nothing_is_published N: whether the policy that a host has of the cluster is there and reserves nothing
nothing_is_published()
{
	on_host "$1" jq -e '[.. | objects | select(has("cidr"))] == []' /run/rangeguard/cluster-policy.json
}

test_what_is_published_binds_every_later_claim()
{
	local held block reserved result n
	local -i i

	two_hosts
	held=$(records block/ | sed 's@block/@@')
	# Everything but what is held and one more block is reserved, and the block of h2's address.
	reserved=$(for i in {0..7}; do echo "10.64.0.$((i * 16))/28"; done | grep -vxFf <(echo "$held") | sed 1d)
	block=$(cluster 1 who "$second" | sed 's/^block \([^:]*\):.*/\1/')
	jq -n --arg list "$reserved
$block" '{reserved: [$list | split("\n")[] | {cidr: ., owner: "db"}]}' >policy.json
	assert_succeeds cluster 1 publish "$PWD/policy.json"
	assert_contains "$output" "published as revision " publish
	assert_contains "$output" "block $block, held by h2, is reserved for db: " publish
	wait_until 5 on_host 2 grep -q "${reserved%%$'\n'*}" /run/rangeguard/cluster-policy.json
	# h2's container keeps its address, and nobody gets one of that block any more.
	on_host 2 ip route show "$second" | grep -q . || fail "the container's route is gone"
	# Two hosts ask for all that can be had: none of what is reserved is claimed.
	for n in 1 2; do
		for ((i = 0; ; i++)); do
			((i < 100)) || fail "h$n gives without end"
			result=$(host_add "$n" "x$i" "$POOL") || break
		done
		assert_refused 101 "$result" "when all is given"
	done
	result=$(records block/ | sed 's@block/@@')
	assert_empty "$(grep -xFf <(echo "$reserved") <<<"$result" || true)" "reserved blocks that were claimed"
	assert_equal 5 "$(wc -l <<<"$result")" "blocks that are held"
	assert_equal 0 "$(on_host 2 "$RANGEGUARD" list --format json "$block" | jq '[.. | objects | select(has("address"))] | length - 1')" \
		"leases in the reserved block beside the one that was there"
	status=0
	echo '{"reserved": [{"cidr": "nonsense"}]}' >bad.json
	output=$(cluster 1 publish "$PWD/bad.json" 2>&1) || status=$?
	((status > 0)) || fail "a policy that can't be read was published"
	# Published again, with nothing in it.
	echo '{"reserved": []}' >none.json
	assert_succeeds cluster 2 publish "$PWD/none.json"
	wait_until 5 nothing_is_published 1
}

# What a policy imports lies on the host that publishes alone: its rows become entries, which say where they are from.
test_imports_are_published_as_entries()
{
	local block

	two_hosts
	block=$(cluster 1 who "$second" | sed 's/^block \([^:]*\):.*/\1/')
	mkdir tables
	cat >tables/addresses.csv <<-CSV
		network,team,ticket,until
		172.30.0.0/16,voice,NET-7,2199-12-31
		${second}/32,mainframe,,
		172.29.0.9,printers,,
		172.28.0.0/16,gone,,2001-12-31
	CSV
	jq -n '{granted: [{cidr: "172.30.4.0/24", network: "pods"}], imports: [{file: "addresses.csv", format: "csv",
		columns: {cidr: "network", validUntil: "until"}, owner: "team", ref: "ticket"}]}' >tables/policy.json
	assert_succeeds cluster 1 publish "$PWD/tables/policy.json"
	assert_contains "$output" "3 entries are rows of imported tables as they are today" publish
	assert_contains "$output" "block $block, held by h2, is reserved for mainframe in part ($second)" "what is touched"
	etcdctl --endpoints "$ENDPOINTS" get --print-value-only /rangeguard/policy >published.json
	assert_json "$(<published.json)" '.granted == [{cidr: "172.30.4.0/24", network: "pods"}] and (.imports | not) and
		.reserved[0].cidr == "172.30.0.0/16" and .reserved[0].owner == "voice" and .reserved[0].ref == "NET-7" and
		(.reserved[0]["x-source"] | endswith("/tables/addresses.csv line 2")) and
		[.reserved[].validUntil] == ["2199-12-31", null, null] and .reserved[1].ref == "addresses.csv line 3" and .reserved[2].cidr == "172.29.0.9/32"' "the published policy"
	wait_until 5 on_host 2 grep -q voice /run/rangeguard/cluster-policy.json
	assert_fails on_host 2 "$RANGEGUARD" explain 172.30.1.1
	assert_contains "$output" "NET-7" "explain on another host"
	assert_fails on_host 2 "$RANGEGUARD" explain 172.29.0.9
	assert_contains "$output" "addresses.csv line 4" "where a reservation is from, on another host"
	# A table that can't be read publishes nothing.
	rm tables/addresses.csv
	assert_fails cluster 1 publish "$PWD/tables/policy.json"
	assert_contains "$output" "addresses.csv" "a table that is missing"
	assert_equal "$(<published.json)" "$(etcdctl --endpoints "$ENDPOINTS" get --print-value-only /rangeguard/policy)" "what counts then"
}

# reload N: the agent of a host reads its configuration again
reload()
{
	kill -HUP "$(<"agent-h$1.pid")"
}

# says N REGEX: whether its journal has such a line
says()
{
	grep -Eq "$2" "agent-h$1.log"
}

# cluster.json is read again; a broken one changes nothing, and is told.
test_reload()
{
	local bad result

	two_hosts
	on_host 1 sh -c 'jq ".ttl = 8" /etc/rangeguard/cluster.json >/run/new && cat /run/new >/etc/rangeguard/cluster.json'
	reload 1
	wait_until 10 says 1 'configuration was read again'
	wait_until 10 shows 1 '^this host: h1, registered'
	assert_equal 4 "$(records block/ | wc -l)" "blocks after a reload"
	must_add 1 a2 "$POOL"
	for bad in '{"endpoints": [' '{"endpoint": ["http://192.0.2.11:2379"]}' '{"endpoints": ["http://192.0.2.11:2379"], "ttl": 0}'; do
		: >agent-h1.log
		on_host 1 sh -c 'cat >/etc/rangeguard/cluster.json' <<<"$bad"
		reload 1
		wait_until 10 says 1 'not reloaded, what ran before goes on: .*(/etc/rangeguard/cluster.json|"endpoint"|ttl must be)'
		assert_succeeds cluster 1 status
		assert_contains "$output" "this host: h1, registered" "status after a reload of $bad"
	done
	must_add 1 a3 "$POOL"
	# At its start there is nothing that could go on.
	agent_down 1
	: >agent-h1.log
	status=0
	on_host 1 "$AGENT" >>agent-h1.log 2>&1 || status=$?
	assert_equal 1 "$status" "status of an agent with a broken cluster.json"
	assert_contains "$(<agent-h1.log)" "ttl must be a number of seconds" "what it says"
	# Without the file the host is in no cluster any more.
	on_host 1 rm /etc/rangeguard/cluster.json
	agent_up 1
	assert_fails cluster 1 status
}

# Not only ADD asks what is published, but whoever says what is reserved on a host
test_what_is_published_is_told_by_every_command()
{
	local status=0

	two_hosts
	jq -n '{reserved: [{cidr: "172.30.0.0/16", owner: "voice"}, {cidr: "10.64.0.0/25", owner: "db"}]}' >policy.json
	assert_succeeds cluster 1 publish "$PWD/policy.json"
	wait_until 5 on_host 2 grep -q voice /run/rangeguard/cluster-policy.json
	output=$(on_host 2 "$RANGEGUARD" explain 172.30.1.1) || status=$?
	assert_equal 1 "$status" "explain: $output"
	assert_contains "$output" voice explain
	assert_equal 172.31.0.0/16 "$(on_host 2 "$RANGEGUARD" suggest --within 172.30.0.0/15 --prefix-length 16)" suggest
	jq '.name = "calls" | .ipam |= (.ranges = [[{subnet: "172.30.0.0/24"}]] | del(.blocks)) | del(.guard)' <<<"$POOL" >calls.conf
	assert_fails on_host 2 "$RANGEGUARD" validate --host "$PWD/calls.conf"
	assert_contains "$output" "touches reserved range 172.30.0.0/16 (owner voice" validate
	assert_json "$(on_host 2 "$RANGEGUARD" pools --config "$PWD/calls.conf" --format json)" \
		'.pools[0] | .free == 0 and .reservedBy == "voice"' pools
	echo "$POOL" >pods.conf
	assert_fails on_host 2 "$RANGEGUARD" audit --config "$PWD/pods.conf"
	assert_matches "$output" "$second .*reserved.*owner db" audit
}

test_a_host_that_is_gone_is_forgotten()
{
	two_hosts
	agent_down 2 KILL
	status=0
	output=$(cluster 1 forget h2 2>&1) || status=$?
	assert_equal 1 "$status" "status of forget for a host that was just heard of"
	assert_contains "$output" "--force" "what to do"
	assert_equal 4 "$(records block/ | wc -l)" "blocks after a refusal"
	assert_fails cluster 1 forget h1
	assert_contains "$output" "that is this host, which runs" "forget of oneself"
	wait_until 20 shows 1 '^host h2: .*heard of [1-9][0-9]+ s ago \(without a shared source it says nothing'
	assert_fails cluster 1 forget nobody
	assert_contains "$output" "no such host" forget
	assert_succeeds cluster 1 forget h2 --force
	assert_contains "$output" "removed host/h2" forget
	assert_equal host/h1 "$(records host/)" "hosts that are registered"
	assert_equal 2 "$(records block/ | wc -l)" "blocks that are held"
}

main "$@"
