#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real dockerd (Debian's docker.io) whose networks get their subnets and addresses from the agent, as a person uses it:
# docker network create, docker run. dockerd, its containerd and all containers live in the test's namespaces.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
AGENT=$(dirname "$RANGEGUARD")/rangeguard-agent
TEST_TIMEOUT=${TEST_TIMEOUT:-300}
IMAGE=busybox:test
# Debian's programs, whatever else is installed
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

# set_up: policy, agent, dockerd, image
set_up()
{
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
	wait_until 10 test -S /run/docker/plugins/rangeguard.sock
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
	echo '{}' >daemon.json
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
	tar -C "$root" -c . | docker import -c 'CMD ["/bin/sleep", "600"]' - "$IMAGE" >/dev/null
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

test_create_run_ping_remove()
{
	assert_succeeds network shop
	assert_equal "172.30.1.0/24 " "$(subnets shop)" "the first pool that is not reserved"
	assert_succeeds run c1 shop
	assert_succeeds run c2 shop
	assert_equal "172.30.1.2 172.30.1.3" "$(address c1) $(address c2)" addresses
	assert_succeeds docker exec c1 ping -c 1 -W 2 "$(address c2)"
	assert_succeeds docker exec c1 ping -c 1 -W 2 172.30.1.1
	assert_equal "172.30.1.1 172.30.1.2 172.30.1.3" "$(held | xargs)" "what the store holds"
	assert_succeeds docker rm -f c1 c2
	assert_succeeds docker network rm shop
	assert_empty "$(held)" "what is left"
}

test_refusals_as_a_person_sees_them()
{
	assert_fails network shop --subnet 10.20.5.0/24
	assert_contains "$output" "Error response from daemon: " "who speaks"
	assert_contains "$output" "subnet 10.20.5.0/24 touches reserved range 10.20.0.0/16 (owner db-platform, reason Oracle RAC, ref NET-1042; /etc/rangeguard/reserved.d/dba.json /reserved/0)" "refusal"
	assert_succeeds network shop --subnet 10.20.64.0/24 --ipam-opt rangeguard.network=shop
	assert_succeeds network other --subnet 10.99.0.0/24
	assert_fails network third --subnet 10.99.0.128/25
	assert_contains "$output" "overlaps subnet 10.99.0.0/24 of another Docker network" "overlap"
	assert_fails network third --subnet 198.51.100.0/24 --ipam-opt rangeguard.netwrk=x
	assert_contains "$output" 'unknown option "rangeguard.netwrk"' "option"
	ip link add up0 type veth peer name up1
	ip address add 192.168.77.5/24 dev up0
	ip link set up0 up
	ip link set up1 up
	assert_fails network third --subnet 192.168.77.0/25
	assert_contains "$output" "subnet 192.168.77.0/25 clashes with the host's route 192.168.77.0/24 through interface up0" "route"
	assert_succeeds run c1 other --ip 10.99.0.9
	assert_fails run c2 other --ip 10.99.0.9
	assert_contains "$output" "requested address 10.99.0.9 is held by docker/10.99.0.0/24" "address"
	assert_equal "10.20.64.1 10.99.0.1 10.99.0.9" "$(held | xargs)" "what the store holds"
}

main "$@"
