#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real dockerd (Debian's docker.io) whose networks get their subnets and addresses from the agent, as a person uses it:
# docker network create, docker run, docker-compose.
#
# In single quotes stand conditions that are waited for.
# shellcheck disable=SC2016

# shellcheck source=tests/runtimes/docker_lib.sh
source "$(dirname "$0")/docker_lib.sh"

test_create_run_ping_remove()
{
	assert_succeeds network shop
	assert_equal "172.30.1.0/24 " "$(subnets shop)" "the first pool that is not reserved"
	assert_succeeds run c1 shop
	assert_succeeds run c2 shop
	assert_equal "172.30.1.2 172.30.1.3" "$(address c1) $(address c2)" addresses
	assert_succeeds docker exec c1 ping -c 1 -W "$(scaled 2)" "$(address c2)"
	assert_succeeds docker exec c1 ping -c 1 -W "$(scaled 2)" 172.30.1.1
	assert_equal "172.30.1.1 172.30.1.2 172.30.1.3" "$(held | xargs)" "what the store holds"
	mkdir -p /etc/cni/net.d
	assert_json "$("$RANGEGUARD" pools --format json)" \
		'.pools[] | select(.network == "docker/172.30.1.0/24") | .held == 3' "rangeguard pools"
	assert_contains "$("$RANGEGUARD" who 172.30.1.2)" "docker/172.30.1.0/24" "rangeguard who"
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

# assert_distinct: no address is held twice by containers that run, and the store has each of them
assert_distinct()
{
	local all name

	all=$(for name in $(docker ps --format '{{.Names}}'); do address "$name"; done | sort -V)
	assert_empty "$(uniq -d <<<"$all")" "addresses of two containers"
	assert_empty "$(comm -13 <(held | sort) <(sort <<<"$all" | grep .))" "addresses of containers that the store does not hold"
}

test_docker_is_restarted()
{
	assert_succeeds network shop
	assert_succeeds network office --subnet 10.98.0.0/24 --gateway 10.98.0.254 --aux-address printer=10.98.0.2
	assert_succeeds run c1 shop
	assert_succeeds run c2 office --ip 10.98.0.77
	stop_docker
	start_docker
	assert_equal "10.98.0.2 10.98.0.254 172.30.1.1" "$(held | xargs)" "held after a restart without containers"
	assert_fails network again --subnet 172.30.1.0/24
	assert_contains "$output" "overlaps subnet 172.30.1.0/24 of another Docker network" "a network that was there before"
	assert_succeeds docker start c1 c2
	assert_equal "10.98.0.77" "$(address c2)" "the address that was asked for"
	assert_succeeds run c3 shop
	assert_succeeds run c4 office
	assert_distinct
	stop_docker KILL
	start_docker
	assert_succeeds docker start c1 c2 c3 c4
	assert_distinct
	assert_succeeds docker rm -f c1 c2 c3 c4
	assert_succeeds docker network rm shop office
	assert_empty "$(held)" "what is left"
}

test_containers_outlive_docker()
{
	assert_succeeds network shop
	stop_docker
	echo '{"live-restore": true}' >daemon.json
	start_docker
	assert_succeeds run c1 shop
	assert_succeeds run c2 shop
	stop_docker KILL
	start_docker
	assert_succeeds run c3 shop
	assert_distinct
	assert_equal 4 "$(held | wc -l)" "held"
	assert_succeeds docker rm -f c1 c2 c3
	assert_succeeds docker network rm shop
	assert_empty "$(held)" "what is left"
}

test_the_agent_is_restarted()
{
	assert_succeeds network shop
	assert_succeeds run c1 shop
	stop_agent KILL
	start_agent
	assert_succeeds run c2 shop
	assert_distinct
	assert_fails network again --subnet 172.30.1.0/24
	assert_contains "$output" "overlaps subnet 172.30.1.0/24" "a subnet that an earlier agent gave"
	stop_agent
	assert_fails timeout "$(scaled 20)" docker run -d --network shop --name c3 "$IMAGE"
	start_agent
	docker rm -f c3 >/dev/null 2>&1 || true
	assert_succeeds run c4 shop
	assert_distinct
	assert_succeeds docker rm -f c1 c2 c4
	assert_succeeds docker network rm shop
	assert_empty "$(held)" "what is left"
}

test_the_machine_boots()
{
	assert_succeeds network shop
	assert_succeeds network office --subnet 10.98.0.0/24
	assert_succeeds run c1 shop
	assert_succeeds run c2 office
	stop_docker KILL
	stop_agent KILL
	rm -rf /run/rangeguard
	# Meanwhile somebody reserves what a network has: dockerd crashes at its start when that is refused to it.
	echo '{"reserved": [{"cidr": "10.98.0.0/24", "owner": "late"}]}' >/etc/rangeguard/reserved.d/late.json
	start_agent
	start_docker
	assert_equal "10.98.0.1 172.30.1.1" "$(held | xargs)" "held after a boot"
	assert_contains "$(<agent.log)" "the Docker network with subnet 10.98.0.0/24, which was made before, touches reserved range 10.98.0.0/24 (owner late" "journal"
	rm /etc/rangeguard/reserved.d/late.json
	assert_succeeds docker start c1 c2
	assert_distinct
	assert_succeeds network third
	assert_equal "172.30.2.0/24 " "$(subnets third)" "the next subnet"
}

test_docker_and_cni_share_the_store()
{
	local conf='{"cniVersion": "1.1.0", "name": "pods", "type": "other", "ipam": {"type": "rangeguard", "reuseDelay": 0,
		"ranges": [[{"subnet": "10.98.0.0/24"}]]}}'

	assert_succeeds network office --subnet 10.98.0.0/24
	assert_succeeds run c1 office
	container pod1
	assert_succeeds add pod1 "$conf"
	assert_equal 10.98.0.3/24 "$(jq -r '.ips[0].address' <<<"$output")" "the pod's address"
	assert_succeeds run c2 office
	assert_equal 10.98.0.4 "$(address c2)" "the next container's"
	assert_succeeds docker rm -f c1 c2
	assert_succeeds docker network rm office
	assert_equal 1 "$(leases)" "leases left: the pod's"
	assert_fails network office --subnet 10.98.0.0/24
	assert_contains "$output" "subnet 10.98.0.0/24 has address 10.98.0.3, which is held by pods pod1 eth0" "the pod's address"
}

test_configured_networks_are_avoided()
{
	mkdir -p /etc/cni/net.d
	echo '{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "bridge", "ipam": {"type": "host-local",
		"ranges": [[{"subnet": "172.30.1.0/25"}]]}}]}' >/etc/cni/net.d/10-pods.conflist
	assert_succeeds network shop
	assert_equal "172.30.2.0/24 " "$(subnets shop)" "the first subnet beside the pods'"
	assert_fails network office --subnet 172.30.1.0/24
	assert_contains "$output" "overlaps addresses of the network that /etc/cni/net.d/10-pods.conflist configures" "refusal"
}

test_nothing_is_free()
{
	jq '.docker.pools = [{"base": "172.30.0.0/23", "size": 24}]' /etc/rangeguard/agent.json >agent.json
	cp agent.json /etc/rangeguard/agent.json
	stop_agent
	start_agent
	assert_succeeds network shop
	assert_fails network office
	assert_contains "$output" "no free subnet: everything in the pools is taken (172.30.0.0/23 in /24: 1 reserved ranges, 1 Docker networks" "refusal"
	assert_fails network six --ipv6
	assert_contains "$output" "no free subnet" "IPv6 as well, which Docker asks for first or last"
	assert_equal 172.30.1.1 "$(held | xargs)" "nothing is left of what was refused"
}

test_ipv6()
{
	assert_succeeds network shop --ipv6 --subnet 10.98.0.0/24 --subnet fd98::/64
	assert_succeeds run c1 shop
	assert_equal "10.98.0.1 10.98.0.2 fd98::1 fd98::2" "$(held | xargs)" "held"
	# Duplicate address detection goes first.
	wait_until 10 docker exec c1 ping -c 1 -W "$(scaled 2)" fd98::1
	assert_fails network office --ipv6 --subnet 10.97.0.0/24 --subnet fd98::/80
	assert_contains "$output" "subnet fd98::/80 overlaps subnet fd98::/64" "refusal"
	assert_equal "10.98.0.1 10.98.0.2 fd98::1 fd98::2" "$(held | xargs)" "the IPv4 half of what was refused is given back"
	assert_succeeds docker rm -f c1
	assert_succeeds docker network rm shop
	assert_empty "$(held)" "what is left"
}

test_ranges_gateways_and_auxiliary_addresses()
{
	local given

	assert_succeeds network shop --subnet 10.98.0.0/16 --ip-range 10.98.5.0/24 --gateway 10.98.0.1 \
		--aux-address router=10.98.5.1 --aux-address other=10.98.7.7
	assert_succeeds run c1 shop
	assert_succeeds run c2 shop --ip 10.98.9.9
	# The next one after the last one given; Docker asks for auxiliary addresses in no order (a Go map).
	given=$(address c1)
	assert_matches "$given" '^10\.98\.5\.[02]$' "address"
	assert_equal 10.98.9.9 "$(address c2)" "address that was asked for"
	assert_fails run c3 shop --ip 10.98.7.7
	assert_contains "$output" "requested address 10.98.7.7 is held by" "auxiliary"
	docker rm -f c3 >/dev/null 2>&1 || true
	assert_fails run c4 shop --ip 10.98.0.1
	assert_contains "$output" "requested address 10.98.0.1 is held by" "gateway"
	docker rm -f c4 >/dev/null 2>&1 || true
	assert_fails run c5 shop --ip 10.98.255.255
	assert_contains "$output" "is not one that a host can have" "broadcast"
	assert_equal "$(printf '%s\n' 10.98.0.1 10.98.5.1 10.98.7.7 10.98.9.9 "$given" | sort | xargs)" "$(held | xargs)" "held"
}

test_macvlan_and_internal_networks()
{
	ip link add up0 type veth peer name up1
	ip link set up0 up
	ip link set up1 up
	ip address add 192.168.77.5/24 dev up0
	assert_fails network lan -d macvlan -o parent=up0 --subnet 192.168.77.0/24
	assert_contains "$output" "say --ipam-opt rangeguard.hostRoutes=off" "what to do"
	assert_succeeds network lan -d macvlan -o parent=up0 --subnet 192.168.77.0/24 --gateway 192.168.77.1 \
		--ipam-opt rangeguard.hostRoutes=off --aux-address host=192.168.77.5
	assert_succeeds run c1 lan
	assert_equal 192.168.77.6 "$(address c1)" "address"
	assert_succeeds network inner --internal
	assert_succeeds run c2 inner
	assert_succeeds docker rm -f c1 c2
	assert_succeeds docker network rm lan inner
	assert_empty "$(held)" "what is left"
}

test_compose()
{
	local file=$SOURCE_DIR/conf-examples/docker/compose.yaml

	assert_succeeds docker-compose -f "$file" -p shop up -d
	assert_equal "172.30.1.0/24 10.98.0.0/24 " "$(subnets shop_front)$(subnets shop_back)" subnets
	assert_equal "10.98.0.1 10.98.0.10 172.30.1.1 172.30.1.2" "$(held | xargs)" held
	assert_succeeds docker-compose -f "$file" -p shop down -t 0
	assert_empty "$(held)" "what is left"
	sed 's/10\.98\./10.20./' "$file" >compose.yaml
	assert_fails docker-compose -p shop up -d
	assert_contains "$output" "subnet 10.20.0.0/24 touches reserved range 10.20.0.0/16 (owner db-platform" "refusal"
}

test_swarm_is_refused()
{
	assert_succeeds docker swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1
	assert_fails network wide -d overlay --attachable
	assert_contains "$output" "rangeguard of type IpamDriver is not supported in swarm mode" "refusal, Docker's own"
	assert_empty "$(held)" "what is left"
}

# A network that each node of a swarm has by itself: its addresses are the node's, so that the node's agent gives them.
test_swarm_network_of_each_node()
{
	local task

	assert_succeeds docker swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1
	assert_succeeds docker network create --config-only --ipam-driver rangeguard --subnet 10.96.0.0/24 here
	assert_succeeds docker network create -d bridge --scope swarm --config-from here wide
	assert_succeeds docker service create --detach --name web --network wide --no-resolve-image "$IMAGE"
	wait_until 30 eval '[[ -n "$(docker ps -q)" ]]'
	task=$(docker ps -q)
	assert_equal 10.96.0.2 "$(address "$task")" "address of the task"
	assert_equal "10.96.0.1 10.96.0.2" "$(held | xargs)" held
	assert_succeeds docker service rm web
	wait_until 30 eval '[[ -z "$(docker ps -q)" ]]'
	assert_succeeds docker network rm wide here
	wait_until 10 eval '[[ -z "$(held)" ]]'
}

# The guide: each command that it shows works as it says, in its order; those for systemd have none here.
test_the_guide()
{
	local command

	ip link add eth0 type veth peer name eth1
	ip address add 192.168.77.5/24 dev eth0
	ip link set eth0 up
	PATH=$(dirname "$RANGEGUARD"):$PATH
	stop_agent
	cd "$SOURCE_DIR"
	sed -n '/^    [a-z]/{:a;/\\$/{N;s/\\\n *//;ta};s/^ *//p}' conf-examples/docker/README.md >/run/test/guide
	assert_equal 14 "$(wc -l </run/test/guide)" "commands in the guide"
	while IFS= read -r command <&3; do
		case $command in
		systemctl*) cd /run/test; start_agent; cd "$SOURCE_DIR" ;;
		*--scope\ swarm*) assert_succeeds docker swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1
			assert_succeeds bash -c "$command" ;;
		*--subnet\ 10.20.5.0/24*) assert_fails bash -c "$command"
			assert_contains "$output" "Error response from daemon: remote: subnet 10.20.5.0/24 touches reserved range 10.20.0.0/16 (owner db-platform, " "$command" ;;
		*) assert_succeeds bash -c "$command" ;;
		esac
	done 3</run/test/guide
	assert_contains "$output" 10.97.0.1 "rangeguard list, the last command"
}

main "$@"
