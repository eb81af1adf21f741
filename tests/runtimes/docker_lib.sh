#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests with a real dockerd (Debian's docker.io) share: the agent and Docker, which with its containerd and all
# containers lives in the test's namespaces. A test script sources this file.

# shellcheck disable=SC2034 # used by the scripts

# shellcheck source=tests/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
AGENT=$(dirname "$RANGEGUARD")/rangeguard-agent
TEST_TIMEOUT=${TEST_TIMEOUT:-300}
IMAGE=busybox:test
# Debian's programs, whatever else is installed
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

# set_up: policy, agent, dockerd, image
set_up()
{
	# Of a test that fails
	trap '(($? == 0)) || tail -n 40 /run/test/docker.log /run/test/agent.log' EXIT
	mkdir -p /etc/rangeguard/reserved.d /run/docker-state
	cat >/etc/rangeguard/reserved.d/dba.json <<-EOF
		{"reserved": [{"cidr": "10.20.0.0/16", "owner": "db-platform", "reason": "Oracle RAC", "ref": "NET-1042"},
		              {"cidr": "172.30.0.0/25", "owner": "telephony", "reason": "SIP trunks", "ref": "NET-7"}],
		 "granted": [{"cidr": "10.20.64.0/20", "network": "shop", "reason": "carved out in NET-1100"}]}
	EOF
	cat >/etc/rangeguard/agent.json <<-EOF
		{"docker": {"pools": [{"base": "172.30.0.0/16", "size": 24}, {"base": "fd30::/48", "size": 64}], "reuseDelay": 0}}
	EOF
	start_agent
	start_docker
	load_image
}

start_agent()
{
	"$AGENT" >>agent.log 2>&1 &
	agent=$!
	wait_until 10 curl -sf --unix-socket /run/docker/plugins/rangeguard.sock -X POST http://agent/Plugin.Activate
}

# stop_agent [SIGNAL]
stop_agent()
{
	kill "-${1:-TERM}" "$agent"
	wait "$agent" || [[ "${1:-TERM}" == KILL ]] || fail "the agent ended badly: $(tail -n 5 agent.log)"
}

# start_docker: dockerd and its containerd; nothing of them outlives the test
start_docker()
{
	[[ -e daemon.json ]] || echo '{}' >daemon.json
	dockerd --config-file "$PWD/daemon.json" --data-root /run/docker-state --exec-root /run/docker \
		--pidfile /run/dockerd.pid -H unix:///run/docker.sock --storage-driver vfs --userland-proxy=false \
		--cgroup-parent "/$TEST_CGROUP" --exec-opt native.cgroupdriver=cgroupfs >>docker.log 2>&1 &
	dockerd=$!
	wait_until 30 docker info
}

# stop_docker [SIGNAL]
stop_docker()
{
	kill "-${1:-TERM}" "$dockerd"
	wait "$dockerd" || true
	rm -f /run/dockerd.pid
}

# load_image: a static busybox that sleeps
load_image()
{
	local applet root=image

	mkdir -p "$root/bin" "$root/tmp"
	install /bin/busybox "$root/bin/busybox"
	for applet in sh sleep ping; do
		ln -s busybox "$root/bin/$applet"
	done
	tar -C "$root" -cf image.tar .
	assert_succeeds docker import -c 'CMD ["/bin/sleep", "600"]' image.tar "$IMAGE"
}

# network NAME [OPTION…]: docker network create with the agent's driver
network()
{
	docker network create --ipam-driver rangeguard "${@:2}" "$1"
}

# run NAME NETWORK [OPTION…]
run()
{
	docker run -d --network "$2" --name "$1" "${@:3}" "$IMAGE"
}

# subnets NETWORK: as Docker tells them
subnets()
{
	docker network inspect --format '{{range .IPAM.Config}}{{.Subnet}} {{end}}' "$1"
}

# address NAME: its address, as the kernel of the container shows it
address()
{
	nsenter --net="/proc/$(docker inspect --format '{{.State.Pid}}' "$1")/ns/net" -- ip -json address show dev eth0 |
		jq -r '.[].addr_info[] | select(.family == "inet") | .local'
}

# held: the addresses of Docker's that the store holds
held()
{
	"$RANGEGUARD" list --format json | jq -r '.leases[] | select(.network | startswith("docker/")) | .address' | sort -V
}
