#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The agent as a process: options, one per host, the socket at which the plugin asks, systemd's notifications, metrics.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
AGENT=$(dirname "$RANGEGUARD")/rangeguard-agent

# start_agent [ARGUMENT…]: in the background, until it answers; its process id is $agent, what it says is in agent.log
start_agent()
{
	"$AGENT" "$@" >agent.log 2>&1 &
	agent=$!
	wait_until 5 ask ping
}

# stop_agent: SIGTERM, and it ends well
stop_agent()
{
	kill -TERM "$agent"
	wait "$agent" || fail "the agent ended with status $?: $(cat agent.log)"
}

# ask_with JSON: what the agent answers to one packet
ask_with()
{
	socat -t 5 - "UNIX-CONNECT:${DATA_DIR:-/run/rangeguard}/agent.sock,type=5" <<<"$1"
}

# ask QUESTION: as this version of the plugin does
ask()
{
	local answer

	answer=$(ask_with "{\"protocol\": 1, \"version\": \"test\", \"ask\": \"$1\"}")
	[[ "$(jq .code <<<"$answer")" == 0 ]] && echo "$answer"
}

test_help_version_and_usage()
{
	assert_succeeds "$AGENT" --help
	assert_contains "$output" "Usage: rangeguard-agent" "--help"
	assert_succeeds "$AGENT" -h
	assert_succeeds "$AGENT" --version
	assert_equal "rangeguard-agent $("$RANGEGUARD" version | sed -n 's/^rangeguard \([^:]*\):.*/\1/p')" "$output" version
	for arguments in --bogus surplus "--config" "--listen"; do
		status=0
		"$AGENT" $arguments 2>err || status=$?
		assert_equal 2 "$status" "status of $arguments"
		assert_contains "$(cat err)" "see rangeguard-agent --help" "message of $arguments"
	done
}

test_configuration_is_checked()
{
	local bad

	assert_succeeds "$AGENT" --check
	assert_fails "$AGENT" --check --config /nowhere.json
	assert_contains "$output" "/nowhere.json: No such file" "a file that was named"
	mkdir -p /etc/rangeguard
	while IFS='|' read -r text bad; do
		echo "$text" >/etc/rangeguard/agent.json
		assert_fails "$AGENT" --check
		assert_contains "$output" "$bad" "message for $text"
	done <<-'EOF'
		{|agent.json:2:0: not valid JSON
		[]|must be a JSON object
		{"listn": "x"}|"listen"
		{"docker": {"pools": [{"base": "172.30.0.0/16", "size": 12}]}}|size is 12; it must be between 16 and 30
		{"docker": {"pools": [{"base": "172.30.0.1/16", "size": 24}]}}|base must be a CIDR
		{"docker": {"pool": []}}|"pools"
		{"dataDir": "here"}|dataDir must be an absolute path
		{"guard": {"policies": ["relative"]}}|absolute path
		{"listen": "9582"}|listen must be ADDRESS:PORT
		{"listen": "127.0.0.1:99999"}|not "127.0.0.1:99999"
		{"listen": "127.0.0.1:0"}|listen must be ADDRESS:PORT
		{"listen": "localhost:9582"}|listen must be ADDRESS:PORT
		{"guard": {"policies": ["/nowhere.json"]}}|/nowhere.json
	EOF
	echo '{"docker": {"pools": [{"base": "172.30.0.0/16", "size": 24}]}, "listen": "127.0.0.1:9582"}' >/etc/rangeguard/agent.json
	assert_succeeds "$AGENT" --check
	mkdir /etc/rangeguard/reserved.d
	echo '{"reserved": [{"cidr": "10.0.0.0/33"}]}' >/etc/rangeguard/reserved.d/dba.json
	assert_fails "$AGENT" --check
	assert_contains "$output" "/etc/rangeguard/reserved.d/dba.json" "a policy"
}

test_one_agent_per_host()
{
	start_agent
	assert_fails "$AGENT"
	assert_contains "$output" "another rangeguard-agent runs on this host" "the second agent"
	ask ping >/dev/null || fail "the first agent is disturbed by the second"
	stop_agent
	[[ ! -e /run/rangeguard/agent.sock ]] || fail "the socket stays"
	start_agent
	kill -KILL "$agent"
	wait "$agent" || true
	start_agent
	stop_agent
}

test_questions_and_their_versions()
{
	local answer

	umask 0
	start_agent
	assert_json "$(ask ping)" ".protocol == 1 and .pid == $agent" "ping"
	assert_equal "600 0 0" "$(stat -c '%a %u %g' /run/rangeguard/agent.sock)" "mode and owner of the socket"
	answer=$(ask_with '{"protocol": 99, "version": "9.9.9", "ask": "ping"}')
	assert_json "$answer" '.code == 11 and (.msg | test("9\\.9\\.9.*protocol 99.*install the same version"))' "newer plugin"
	for answer in "$(ask_with '{"ask": "ping"}')" "$(ask_with '[]')" "$(ask_with '{')" "$(ask_with '{"protocol": 1}')" \
		"$(ask_with '{"protocol": 1, "ask": "nothing that is known"}')"; do
		assert_json "$answer" '.code > 0 and (.msg | length > 0) and .protocol == 1' "a question that makes no sense"
	done
	ask ping >/dev/null || fail "the agent did not survive the questions"
	stop_agent
}

test_a_state_directory_with_a_long_path()
{
	DATA_DIR=/run/$(printf 'x%.0s' {1..150})/state
	mkdir -p "$(dirname "$DATA_DIR")"
	"$AGENT" --data-dir "$DATA_DIR" >agent.log 2>&1 &
	agent=$!
	wait_until 5 test -S "$DATA_DIR/agent.sock"
	stop_agent
}

test_systemd_is_notified()
{
	socat -u UNIX-RECV:/run/notify - >notified &
	wait_until 5 test -S /run/notify
	NOTIFY_SOCKET=/run/notify WATCHDOG_USEC=400000 start_agent
	wait_until 5 grep -q READY=1 notified
	wait_until 5 grep -q WATCHDOG=1 notified
	stop_agent
	wait_until 5 grep -q STOPPING=1 notified
}

# has_heard N TEXT: whether systemd was told something that often
has_heard()
{
	[[ "$(grep -ac "$2" notified)" == "$1" ]]
}

# listens PORT: whether metrics are served there
listens()
{
	curl -s -o /dev/null "http://127.0.0.1:$1/metrics"
}

# reload: SIGHUP, until systemd has heard that it is over
reload()
{
	local -i before

	before=$(grep -ac READY=1 notified)
	kill -HUP "$agent"
	wait_until 5 has_heard "$((before + 1))" READY=1
}

test_the_configuration_is_read_again()
{
	local bad

	mkdir -p /etc/rangeguard
	echo '{"listen": "127.0.0.1:9582"}' >/etc/rangeguard/agent.json
	socat -u UNIX-RECV:/run/notify - >notified &
	wait_until 5 test -S /run/notify
	NOTIFY_SOCKET=/run/notify start_agent
	wait_until 5 has_heard 1 READY=1
	wait_until 5 listens 9582
	echo '{"listen": "127.0.0.1:9583"}' >/etc/rangeguard/agent.json
	reload
	wait_until 5 has_heard 1 RELOADING=1
	grep -aq '^MONOTONIC_USEC=[1-9]' notified || fail "systemd was not told when the reload began"
	wait_until 5 listens 9583
	! listens 9582 || fail "metrics are served at the old place still"
	ask ping >/dev/null || fail "no answer after a reload"
	# What is wrong changes nothing, and is told.
	socat TCP-LISTEN:9584,bind=127.0.0.1,fork /dev/null &
	wait_until 5 sh -c 'ss -Hltn sport = 9584 | grep -q :9584'
	while IFS='|' read -r text bad; do
		: >agent.log
		echo "$text" >/etc/rangeguard/agent.json
		reload
		assert_contains "$(<agent.log)" "not reloaded, what ran before goes on: " "reload of $text"
		assert_contains "$(<agent.log)" "$bad" "reload of $text"
		assert_contains "$(tr -d '\0' <notified)" "STATUS=not reloaded: " "what systemctl status says"
		listens 9583 || fail "after a reload of $text metrics are served no more"
		ask ping >/dev/null || fail "no answer after a reload of $text"
	done <<-'EOF'
		{"listn": "x"}|"listn"
		{|agent.json:2:0: not valid JSON
		{"listen": "127.0.0.1:9584"}|can't listen at 127.0.0.1:9584
		{"dataDir": "/run/elsewhere"}|that takes a restart
	EOF
	echo '{}' >/etc/rangeguard/agent.json
	reload
	! listens 9583 || fail "metrics are served without being asked for"
	stop_agent
}

test_leases_of_containers_that_are_gone()
{
	local lives conf='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
		"ranges": [[{"subnet": "10.9.0.0/24"}]]}}'

	mkdir -p /etc/rangeguard
	echo '{"gc": 1}' >/etc/rangeguard/agent.json
	start_agent
	container c1
	container c2
	add c1 "$conf" >/dev/null
	lives=$(add c2 "$conf" | jq -r '.ips[0].address | split("/")[0]')
	ip netns del c1
	wait_until 10 sh -c "! '$RANGEGUARD' list | grep -q 'c1'"
	assert_equal "$lives" "$("$RANGEGUARD" list --format json | jq -r '.leases[].address')" "the container that lives"
	assert_contains "$(<agent.log)" "reclaimed the lease of c1 eth0" "journal"
	stop_agent
}

test_metrics_over_http_and_as_a_file()
{
	local answer

	start_agent --listen 127.0.0.1:9582 --textfile /run/test/rangeguard.prom
	wait_until 5 curl -sf http://127.0.0.1:9582/metrics
	answer=$(curl -s -i http://127.0.0.1:9582/metrics)
	assert_contains "$answer" "text/plain; version=0.0.4" "content type"
	assert_contains "$answer" 'rangeguard_agent_info{version="' "a sample"
	assert_equal 404 "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9582/)" "another path"
	assert_equal 405 "$(curl -s -o /dev/null -w '%{http_code}' -d x http://127.0.0.1:9582/metrics)" "another method"
	wait_until 5 grep -q rangeguard_agent_info /run/test/rangeguard.prom
	stop_agent
	assert_fails "$AGENT" --listen nonsense
	assert_contains "$output" "listen must be ADDRESS:PORT" "an address that is none"
	start_agent --listen '[::1]:9582'
	wait_until 5 curl -sf 'http://[::1]:9582/metrics'
	stop_agent
}

# holds N: whether the agent has at least so many descriptors
holds()
{
	[[ "$(find "/proc/$agent/fd" -type l | wc -l)" -ge "$1" ]]
}

# Who connects to metrics and says nothing takes no descriptor that a plugin's question or the lease store needs.
test_idle_connections_to_metrics()
{
	local fd

	ulimit -Sn 100
	start_agent --listen 127.0.0.1:9582
	wait_until 5 listens 9582
	ulimit -Sn 500
	for _ in {1..100}; do
		exec {fd}<>/dev/tcp/127.0.0.1/9582
	done
	wait_until 5 holds 70
	ask ping >/dev/null || fail "no answer: $(<agent.log)"
	stop_agent
}

# A body that nobody wants is not kept.
test_bodies_to_metrics()
{
	local fd before

	start_agent --listen 127.0.0.1:9582
	wait_until 5 listens 9582
	head -c 900000 /dev/zero >body
	before=$(memory)
	for _ in {1..50}; do
		exec {fd}<>/dev/tcp/127.0.0.1/9582
		printf 'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 900001\r\n\r\n' >&"$fd"
		cat body >&"$fd"
	done
	printf x >&"$fd"
	assert_contains "$(head -n 1 <&"$fd")" "405" "the last one's answer"
	(($(memory) < before + 20000)) || fail "memory grew from $before to $(memory) kB"
	stop_agent
}

# memory: the agent's, kB
memory()
{
	awk '$1 == "VmRSS:" {print $2}' "/proc/$agent/status"
}

# A disk that is full is called that, and a pipe in the place of a file is not waited for.
test_files_that_cannot_be_written()
{
	mkdir disk
	mount -t tmpfs -o size=64k tmpfs disk
	head -c 1M /dev/zero >disk/full 2>/dev/null || true
	mkdir -p /etc/rangeguard
	echo '{"docker": {"state": "/run/test/disk/docker.json"}}' >/etc/rangeguard/agent.json
	start_agent --textfile /run/test/disk/rangeguard.prom
	wait_until 5 grep -q "rangeguard.prom can't be written: No space left on device" agent.log
	assert_json "$(curl -s --unix-socket /run/docker/plugins/rangeguard.sock -d '{}' http://agent/IpamDriver.RequestPool)" .PoolID pool
	assert_contains "$(<agent.log)" "docker.json can't be written: No space left on device" "journal"
	stop_agent
	mkfifo /run/test/metrics.new
	start_agent --textfile /run/test/metrics
	wait_until 5 grep -q "/run/test/metrics can't be written" agent.log
	ask ping >/dev/null || fail "the agent hangs"
	stop_agent
}

# The guide's directory for node_exporter is one that the unit may write in.
test_the_unit_knows_the_guides_directory()
{
	local directory

	directory=$(grep -o '/var/lib/[a-z/_-]*node[_-]exporter' "$SOURCE_DIR/conf-examples/monitoring/README.md" | sort -u)
	assert_equal /var/lib/prometheus/node-exporter "$directory" "directory of the guide"
	assert_contains "$(grep '^ReadWritePaths=' "$SOURCE_DIR/plugin/agent/units/rangeguard-agent.service") " "-$directory " "unit"
}

main "$@"
