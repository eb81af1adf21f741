#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Docker's IPAM protocol at the agent's socket, spoken by hand: each call, what is malformed or hostile, many at once,
# answers that are lost, systemd's socket. tests/runtimes/docker.sh has the real Docker.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
AGENT=$(dirname "$RANGEGUARD")/rangeguard-agent
SOCKET=/run/docker/plugins/rangeguard.sock
GATEWAY='"Options": {"RequestAddressType": "com.docker.network.gateway"}'

set_up()
{
	mkdir -p /etc/rangeguard/reserved.d
	echo '{"reserved": [{"cidr": "10.20.0.0/16", "owner": "db-platform"}]}' >/etc/rangeguard/reserved.d/dba.json
	configure 1000
	start_agent
}

# configure SECONDS: the agent's configuration; after so long it gives back what Docker has forgotten
configure()
{
	echo '{"docker": {"pools": [{"base": "172.30.0.0/16", "size": 24}], "reuseDelay": 0, "forgetAfter": '"$1"'}}' \
		>/etc/rangeguard/agent.json
}

# read_again: the agent takes up its configuration
read_again()
{
	: >agent.log
	kill -HUP "$agent"
	wait_until 5 grep -q 'configuration was read again' agent.log
}

start_agent()
{
	"$AGENT" >>agent.log 2>&1 &
	agent=$!
	wait_until 10 curl -sf --unix-socket "$SOCKET" -X POST http://agent/Plugin.Activate
}

# calls [METHOD JSON]…: one process asks one thing after the other, as Docker does; an answer per line
calls()
{
	local -a arguments=()

	while (($# > 0)); do
		arguments+=(--next -s -S --max-time "$(scaled 30)" --unix-socket "$SOCKET" -d "$2" -w '\n' "http://agent/IpamDriver.$1")
		shift 2
	done
	curl "${arguments[@]:1}"
}

# pool JSON: asks for a pool in a process of its own; its id is $pool. That process has ended when others ask.
pool()
{
	pool=$(calls RequestPool "$1" | jq -r .PoolID)
	[[ "$pool" == rangeguard/* ]] || fail "no pool for $1"
}

# held: addresses that the store holds
held()
{
	"$RANGEGUARD" list --format json | jq -r '.leases[].address' | sort -V | xargs
}

test_each_call()
{
	local answers

	assert_equal "600 0" "$(stat -c '%a %u' "$SOCKET")" "mode and owner of the socket"

	assert_equal '{"Implements": ["IpamDriver"]}' "$(curl -s --unix-socket "$SOCKET" -X POST http://agent/Plugin.Activate |
		jq -c . | sed 's/:/: /')" "Plugin.Activate"
	assert_json "$(calls GetCapabilities '')" '.RequiresRequestReplay and (.RequiresMACAddress | not)' capabilities
	assert_json "$(calls GetDefaultAddressSpaces '')" '.LocalDefaultAddressSpace == "rangeguard-local"' spaces
	pool '{"AddressSpace": "rangeguard-local", "Pool": "", "SubPool": "", "Options": {}, "V6": false}'
	answers=$(calls RequestAddress "{\"PoolID\": \"$pool\", \"Address\": \"\", $GATEWAY}" \
		RequestAddress "{\"PoolID\": \"$pool\", \"Address\": \"\", $GATEWAY}" \
		RequestAddress "{\"PoolID\": \"$pool\", \"Address\": \"\", \"Options\": null}" \
		RequestAddress "{\"PoolID\": \"$pool\", \"Address\": \"172.30.0.77\"}" \
		ReleaseAddress "{\"PoolID\": \"$pool\", \"Address\": \"172.30.0.2\"}" \
		ReleaseAddress "{\"PoolID\": \"$pool\", \"Address\": \"172.30.0.2\"}" | jq -c '.Address // .')
	assert_equal '"172.30.0.1/24" "172.30.0.1/24" "172.30.0.2/24" "172.30.0.77/24" {} {}' "$(xargs -d '\n' <<<"$answers" | xargs -0)" "addresses"
	assert_equal "172.30.0.1 172.30.0.77" "$(held)" held
	assert_equal '{}' "$(calls ReleasePool "{\"PoolID\": \"$pool\"}")" "ReleasePool"
	assert_equal '{}' "$(calls ReleasePool "{\"PoolID\": \"$pool\"}")" "ReleasePool again: its answer may have been lost"
	assert_equal "" "$(held)" "held in the end"
}

test_what_makes_no_sense_changes_nothing()
{
	local method body status

	pool '{"Pool": "10.98.0.0/24"}'
	calls RequestAddress "{\"PoolID\": \"$pool\", \"Address\": \"\", $GATEWAY}" >/dev/null
	while IFS='|' read -r method body; do
		body=${body//POOL/$pool}
		assert_json "$(calls "$method" "$body")" '(.Err | length > 0) and (.Error == .Err) and (has("PoolID") | not)' "$method $body"
	done <<-'EOF'
		RequestPool|
		RequestPool|{
		RequestPool|[]
		RequestPool|"x"
		RequestPool|{"Pool": 5}
		RequestPool|{"Pool": "10.0.0.0"}
		RequestPool|{"Pool": "10.0.0.0/33"}
		RequestPool|{"Pool": "10.97.0.0/24", "V6": true}
		RequestPool|{"Pool": "fd00::/64"}
		RequestPool|{"Pool": "10.97.0.0/24", "SubPool": "10.96.0.0/25"}
		RequestPool|{"SubPool": "10.96.0.0/25"}
		RequestPool|{"Pool": "127.0.0.0/8"}
		RequestPool|{"Pool": "224.0.0.0/4"}
		RequestPool|{"Pool": "0.0.0.0/0"}
		RequestPool|{"Pool": "10.97.0.0/24", "V6": "no"}
		RequestPool|{"Pool": "10.97.0.0/24", "Options": []}
		RequestPool|{"Pool": "10.97.0.0/24", "Options": {"rangeguard.network": "../../etc"}}
		RequestPool|{"Pool": "10.97.0.0/24", "Options": {"rangeguard.network": 7}}
		RequestPool|{"Pool": "10.97.0.0/24", "Options": {"unknown": "x"}}
		RequestPool|{"Pool": "10.97.0.0/24", "AddressSpace": "rangeguard-global"}
		RequestPool|{"Pool": "10.97.0.0/24", "AddressSpace": "other"}
		RequestPool|{"Pool": "10.97.0.0/24", "Pool": "10.96.0.0/24"}
		RequestPool|{"Pool": "10.20.1.0/24"}
		RequestPool|{"Pool": "10.0.0.0/8"}
		RequestPool|{"Pool": "::ffff:10.20.1.0/120"}
		RequestAddress|{}
		RequestAddress|{"PoolID": ""}
		RequestAddress|{"PoolID": "rangeguard/0123456789abcdef/10.98.0.0/24"}
		RequestAddress|{"PoolID": "rangeguard/../../../../etc/passwd"}
		RequestAddress|{"PoolID": "POOL", "Address": "x"}
		RequestAddress|{"PoolID": "POOL", "Address": "10.99.0.1"}
		RequestAddress|{"PoolID": "POOL", "Address": "10.98.0.0"}
		RequestAddress|{"PoolID": "POOL", "Address": "10.98.0.255"}
		RequestAddress|{"PoolID": "POOL", "Address": "fd00::1"}
		RequestAddress|{"PoolID": "POOL", "Address": "", "Options": {"RequestAddressType": 1}}
		ReleaseAddress|{"PoolID": "POOL"}
		ReleaseAddress|{"PoolID": "POOL", "Address": "10.99.0.1"}
		ReleaseAddress|{"PoolID": "rangeguard/0123456789abcdef/10.98.0.0/24", "Address": "10.98.0.1"}
		ReleasePool|{"PoolID": "rangeguard/0123456789abcdef/10.98.0.0/24"}
		ReleasePool|{}
	EOF
	assert_equal 404 "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$SOCKET" -d '{}' http://agent/IpamDriver.Nothing)" "unknown"
	assert_equal 405 "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$SOCKET" http://agent/Plugin.Activate)" "GET"
	head -c 3000000 /dev/zero | tr '\0' ' ' >large
	status=$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$SOCKET" --data-binary @large http://agent/IpamDriver.RequestPool)
	assert_equal 413 "$status" "a body of 3 MB"
	head -c 100000 /dev/urandom | timeout "$(scaled 5)" socat -u - "UNIX-CONNECT:$SOCKET" || true
	assert_equal "10.98.0.1" "$(held)" "held"
	assert_equal '"10.98.0.2/24"' "$(calls RequestAddress "{\"PoolID\": \"$pool\"}" | jq .Address)" "the agent lives"
	assert_equal "600 0 0" "$(stat -c '%a %u %g' "$SOCKET")" "mode and owner of the socket"
}

# What is published in the cluster counts for Docker's networks as for all others, from the moment it is there
test_published_policy_counts()
{
	pool '{"Pool": "10.97.0.0/24"}'
	install -m 0600 /dev/stdin /run/rangeguard/cluster-policy.json <<<'{"reserved": [{"cidr": "10.98.0.0/16", "owner": "voice"}]}'
	assert_contains "$(calls RequestPool '{"Pool": "10.98.7.0/24"}')" "touches reserved range 10.98.0.0/16 (owner voice" refusal
	rm /run/rangeguard/cluster-policy.json
	pool '{"Pool": "10.98.7.0/24"}'
}

# While Docker starts it tells what its containers have; a clock that is set back does not make each later wish such a tale.
test_a_replay_ends_when_the_clock_is_set_back()
{
	local later

	pool '{"Pool": "10.98.0.0/24"}'
	pool '{"Pool": "10.98.0.0/24"}'
	echo '{"reserved": [{"cidr": "10.98.0.7/32", "owner": "voice"}]}' >/etc/rangeguard/reserved.d/voice.json
	assert_json "$(calls RequestAddress "{\"PoolID\": \"$pool\", \"Address\": \"10.98.0.7\"}")" .Address "a replay"
	kill "$agent"
	wait "$agent"
	rm -rf /run/rangeguard
	# The state of an agent whose clock was an hour ahead
	later=$(($(date +%s) + 3600))
	sed -i -E 's/(replayed\\":)[0-9]+/\1'"$later/" /var/lib/rangeguard/docker.json
	grep -q "$later" /var/lib/rangeguard/docker.json || fail "no time in $(</var/lib/rangeguard/docker.json)"
	start_agent
	assert_contains "$(calls RequestAddress "{\"PoolID\": \"$pool\", \"Address\": \"10.98.0.7\"}")" \
		"requested address 10.98.0.7 lies in reserved range" "a wish"
}

# What Docker's networks hold is audited as what CNI's do
test_audit_knows_docker()
{
	mkdir -p /etc/cni/net.d
	pool '{"Pool": "10.98.0.0/24", "Options": {"rangeguard.network": "shop"}}'
	calls RequestAddress "{\"PoolID\": \"$pool\", \"Address\": \"10.98.0.5\"}" >/dev/null
	assert_succeeds "$RANGEGUARD" audit
	container c1
	ip -n c1 address add 10.98.0.77/24 dev lo
	assert_fails "$RANGEGUARD" audit
	assert_matches "$output" "RG401: 10.98.0.77 is on interface lo .* network docker/10.98.0.0/24" "a stranger"
	ip netns del c1
	echo '{"reserved": [{"cidr": "10.98.0.0/16", "owner": "voice"}]}' >/etc/rangeguard/reserved.d/voice.json
	assert_fails "$RANGEGUARD" audit
	assert_matches "$output" "RG403: 10.98.0.5 is held by .* of network docker/10.98.0.0/24, but lies in .*voice" "reserved meanwhile"
	assert_json "$("$RANGEGUARD" pools --format json)" '.pools[0] | .network == "docker/10.98.0.0/24" and .free == 0' "pools"
	# What is granted to the network that it was made for is not.
	echo '{"granted": [{"cidr": "10.98.0.0/24", "network": "shop"}]}' >/etc/rangeguard/reserved.d/grant.json
	assert_succeeds "$RANGEGUARD" audit
	assert_json "$("$RANGEGUARD" pools --format json)" '.pools[0].free > 200' "pools with the grant"
}

test_who_asks_tells_a_repetition_from_a_second_network()
{
	local answers

	answers=$(calls RequestPool '{"Pool": "10.98.0.0/24"}' RequestPool '{"Pool": "10.98.0.0/24"}')
	assert_json "$(head -n 1 <<<"$answers")" '.Pool == "10.98.0.0/24"' "first"
	assert_json "$(tail -n 1 <<<"$answers")" '.Err | contains("overlaps subnet 10.98.0.0/24")' "the same process once more"
	answers=$(calls RequestPool '{"Pool": "10.98.0.0/24"}')
	assert_json "$answers" '.Pool == "10.98.0.0/24"' "another process, after the first has ended"
	pool=$(jq -r .PoolID <<<"$answers")
	answers=$(calls RequestAddress "{\"PoolID\": \"$pool\", \"Address\": \"10.98.0.9\"}" \
		RequestAddress "{\"PoolID\": \"$pool\", \"Address\": \"10.98.0.9\"}")
	assert_json "$(tail -n 1 <<<"$answers")" '.Err | contains("10.98.0.9 is held by")' "an address twice"
	# While the process that has it runs, no other one gets it.
	{
		printf 'POST /IpamDriver.RequestPool HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\n{"Pool": "10.97.0.0/24"}'
		sleep 100000
	} | socat - "UNIX-CONNECT:$SOCKET" >living &
	wait_until 5 grep -q 'rangeguard/.*/10.97.0.0/24' living
	assert_json "$(calls RequestPool '{"Pool": "10.97.0.0/24"}')" '.Err | contains("overlaps subnet 10.97.0.0/24")' "another process"
}

test_many_at_once()
{
	local i

	pool '{"Pool": "10.98.0.0/22"}'
	for i in $(seq 64); do
		calls RequestAddress "{\"PoolID\": \"$pool\"}" RequestAddress "{\"PoolID\": \"$pool\"}" RequestPool '{}' >"answer-$i" &
		clients[i]=$!
	done
	for i in $(seq 64); do
		wait "${clients[i]}" || fail "client $i: $(<"answer-$i")"
	done
	assert_equal 128 "$(cat answer-* | jq -r '.Address // empty' | sort -u | wc -l)" "different addresses"
	assert_equal 64 "$(cat answer-* | jq -r '.Pool // empty' | sort -u | wc -l)" "different subnets"
	assert_equal 0 "$(cat answer-* | jq -r '.Err // empty' | wc -l)" "refusals"
}

# An agent that is killed in the middle of an answer: Docker's client asks again, and gets an address; the other one stays
# held until it is known that nobody has it.
test_an_answer_that_is_lost()
{
	local request

	pool '{"Pool": "10.98.0.0/24"}'
	strace -f -o trace -e trace=sendto,sendmsg,write,writev -e inject=sendto,sendmsg:signal=KILL:when=1 -p "$agent" &
	wait_until 10 grep -qE '^TracerPid:[[:space:]]+[1-9]' "/proc/$agent/status"
	! calls RequestAddress "{\"PoolID\": \"$pool\"}" >lost 2>&1 || fail "an answer: $(<lost)"
	wait "$agent" || true
	start_agent
	assert_equal '"10.98.0.2/24"' "$(calls RequestAddress "{\"PoolID\": \"$pool\"}" | jq .Address)" "asked again"
	assert_equal "10.98.0.1 10.98.0.2" "$(held)" "held, with the one whose answer was lost"
	# 10.98.0.2 was another process's that has ended; but it is in use, in a namespace of the host.
	container c1
	ip -n c1 address add 10.98.0.2/24 dev lo
	configure 1
	read_again
	# Docker's process, by which the agent knows that nobody will ask for it any more.
	request="{\"PoolID\": \"$pool\", \"Address\": \"10.98.0.3\"}"
	{
		printf 'POST /IpamDriver.RequestAddress HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s' "${#request}" "$request"
		sleep 100000
	} | socat - "UNIX-CONNECT:$SOCKET" >living &
	wait_until 10 grep -q 10.98.0.3/24 living
	wait_until 20 sh -c "! '$RANGEGUARD' list | grep -q '10\.98\.0\.1 '"
	assert_contains "$(<agent.log)" "address 10.98.0.1 of Docker's subnet 10.98.0.0/24 is given back" "journal"
	assert_equal "10.98.0.2 10.98.0.3" "$(held)" "held then"
	assert_equal '{}' "$(calls ReleasePool "{\"PoolID\": \"$pool\"}")" "ReleasePool"
	assert_equal "" "$(held)" "held in the end"
}

# Docker 28 asks for no gateway of a macvlan network: nothing is asked of its pool until there is a container.
test_a_network_without_a_gateway()
{
	local next=(--next -s -S -N --max-time "$(scaled 60)" --unix-socket "$SOCKET" -w '\n')

	# What another Docker left, and this one does not ask for: when it is given back all were looked at.
	pool '{"Pool": "10.99.0.0/24"}'
	configure 1
	read_again
	# One process, whose second question comes when the first one's answer is old, the third after an agent was killed.
	mkfifo second third
	curl "${next[@]:1}" -d '{"Pool": "10.98.0.0/24"}' http://agent/IpamDriver.RequestPool \
		"${next[@]}" -X POST -T second http://agent/IpamDriver.RequestPool \
		"${next[@]}" -X POST -T third http://agent/IpamDriver.RequestAddress >answers &
	client=$!
	wait_until 20 grep -q 'subnet 10.99.0.0/24 is given back' agent.log
	assert_empty "$(grep 'subnet 10.98.0.0/24 is given back' agent.log || true)" "the network's subnet is given back"
	kill -KILL "$agent"
	wait "$agent" || true
	start_agent
	echo '{"Pool": "10.98.0.0/24"}' >second
	wait_until 10 grep -q "overlaps subnet 10.98.0.0/24" answers
	jq -c '{PoolID}' answers | head -n 1 >third
	wait "$client"
	assert_json "$(tail -n 1 answers)" '.Address == "10.98.0.1/24"' "its first container"
}

# Docker does not hear of a subnet: the next one gets it.
test_a_subnet_whose_answer_breaks()
{
	strace -f -o trace -e trace=sendmsg -e inject=sendmsg:error=EPIPE:when=1 -p "$agent" &
	wait_until 10 grep -qE '^TracerPid:[[:space:]]+[1-9]' "/proc/$agent/status"
	! calls RequestPool '{"Pool": "10.98.0.0/24"}' >lost 2>&1 || fail "an answer: $(<lost)"
	assert_json "$(calls RequestPool '{"Pool": "10.98.0.0/23"}')" '.Pool == "10.98.0.0/23"' "a subnet with that in it"
}

test_a_client_that_goes_before_its_answer()
{
	local i

	pool '{"Pool": "10.98.0.0/24"}'
	for i in 1 2 3 4 5 6 7 8; do
		# Nobody reads what is answered.
		printf 'POST /IpamDriver.RequestAddress HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{"PoolID": "%s"}' \
			$((${#pool} + 14)) "$pool" | socat -u - "UNIX-CONNECT:$SOCKET"
	done
	assert_equal '{}' "$(calls ReleasePool "{\"PoolID\": \"$pool\"}")" "ReleasePool"
	assert_equal "" "$(held)" "held in the end"
}

# dockerd's client has nothing left to say when it repeats a call after its connection broke; a person sees what we say.
test_a_call_that_is_repeated_without_its_words()
{
	assert_json "$(calls RequestPool '')" '.Err | contains("try again")' "what to do"
	assert_contains "$(<agent.log)" "IpamDriver.RequestPool refused: the connection to rangeguard-agent broke" "journal"
}

# What was asked before the agent reads its configuration again is answered, since Docker could not repeat it.
test_what_is_asked_before_a_reload()
{
	local i

	for i in 1 2 3 4 5 6; do
		kill -STOP "$agent"
		wait_until 5 grep -q '^State:.T' "/proc/$agent/status"
		curl -s -v --unix-socket "$SOCKET" -d '{}' http://agent/IpamDriver.RequestPool >"answer-$i" 2>"curl-$i" &
		client=$!
		# It has connected and said it: all of that waits in the socket.
		wait_until 5 grep -q '^} ' "curl-$i"
		: >agent.log
		kill -HUP "$agent"
		kill -CONT "$agent"
		wait "$client" || fail "reload $i: the question was lost"
		assert_json "$(<"answer-$i")" .PoolID "answer $i"
		wait_until 5 grep -q 'configuration was read again' agent.log
	done
}

test_systemds_socket()
{
	kill "$agent"
	wait "$agent"
	rm -f "$SOCKET"
	# Who enables the socket need not say so again in the configuration.
	echo '{}' >/etc/rangeguard/agent.json
	systemd-socket-activate --fdname=docker -l "$SOCKET" "$AGENT" >>agent.log 2>&1 &
	agent=$!
	wait_until 5 test -S "$SOCKET"
	assert_json "$(calls RequestPool '{}')" '.Pool == "172.16.0.0/20"' "the first request starts the agent"
	# It is there still when the configuration was read again.
	read_again
	assert_json "$(calls GetCapabilities '{}')" '.RequiresMACAddress != null' "a call after a reload"
	kill "$agent"
	wait "$agent" || true
	[[ -S "$SOCKET" ]] || fail "systemd's socket was removed"
}

main "$@"
