#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What people are told when something is wrong with the cluster, and what is left to them then: records that nobody can read,
# an etcd that is away, policies that don't count, a command that was cut short.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cluster/hosts.sh
source "$(dirname "$0")/hosts.sh"

POOL='{"cniVersion": "1.0.0", "name": "pods", "type": "rangeguard", "history": false,
	"guard": {"onOverlap": "exclude"},
	"ipam": {"type": "rangeguard", "blocks": {"ipv4": 28}, "ranges": [[{"subnet": "10.64.0.0/25"}]]}}'

# one_host: h1 with an address
one_host()
{
	local result

	set_up_link
	start_members
	host_up 1
	agent_up 1
	must_add 1 a1 "$POOL"
	first=$(address_of "$result")
	wait_until 10 blocks_held 2
}

# cluster N ARGUMENT…: rangeguard cluster on a host
cluster()
{
	local n=$1

	shift
	on_host "$n" "$RANGEGUARD" cluster "$@"
}

# shows N REGEX: whether the status of a host has a line that matches
shows()
{
	cluster "$1" status | grep -qE "$2"
}

# shows_not N REGEX
shows_not()
{
	local said

	said=$(cluster "$1" status) && ! grep -qE "$2" <<<"$said"
}

# says N REGEX: whether its journal has such a line
says()
{
	grep -Eq "$2" "agent-h$1.log"
}

# put KEY VALUE: by hand
put()
{
	etcdctl --endpoints "$ENDPOINTS" put "/rangeguard/$1" "$2" >/dev/null
}

# members SIGNAL: to each member of etcd
members()
{
	local i

	for i in 1 2 3; do
		kill -"$1" "$(<"etcd-e$i.pid")"
	done
}

# A host that claims nothing asks etcd only now and then: what came to nothing then is no problem for ever.
test_an_etcd_that_answers_again_is_no_problem()
{
	one_host
	members STOP
	wait_until 30 shows 1 '^etcd: http://192.0.2.1[123]:2379: '
	members CONT
	wait_until 30 shows_not 1 '^etcd: '
}

main "$@"
