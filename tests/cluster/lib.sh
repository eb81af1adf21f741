#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests with a real etcd share; sourced after tests/lib.sh. Each etcd runs inside the test's own namespaces.

# How long etcd's client tries: what it gives up counts as a failure of the test, on a machine of any pace
export ETCDCTL_DIAL_TIMEOUT=30s ETCDCTL_COMMAND_TIMEOUT=60s

# etcd_start NAME CLIENT_URL [ARGUMENT…]: an etcd of one member, until it answers. Its process id is in etcd-NAME.pid.
etcd_start()
{
	local name=$1 url=$2 port=${2##*:}

	shift 2
	ETCD_UNSUPPORTED_ARCH=$(dpkg --print-architecture) etcd --name "$name" --data-dir "etcd-$name" \
		--listen-client-urls "$url" --advertise-client-urls "$url" --listen-peer-urls "http://127.0.0.1:$((port + 1))" \
		--initial-advertise-peer-urls "http://127.0.0.1:$((port + 1))" \
		--initial-cluster "$name=http://127.0.0.1:$((port + 1))" --log-level error "$@" >>"etcd-$name.log" 2>&1 &
	echo $! >"etcd-$name.pid"
}

# etcd_wait ENDPOINT: until it serves
etcd_wait()
{
	wait_until 20 etcdctl --endpoints "$1" get --consistency=l nothing
}

# etcd_stop NAME [SIGNAL]
etcd_stop()
{
	kill -"${2:-TERM}" "$(<"etcd-$1.pid")"
	[[ "${2:-TERM}" =~ ^(STOP|CONT)$ ]] || tail --pid="$(<"etcd-$1.pid")" -f /dev/null
}

# talk_start LIMIT_MS ARGUMENT…: the client, at whose input descriptor $talk_in commands go, and which writes talk.log
talk_start()
{
	rm -f talk.in talk.log
	mkfifo talk.in
	"$ETCD_TALK" "$(scaled "$1")" "${@:2}" <talk.in >talk.log 2>&1 &
	talk=$!
	exec {talk_in}>talk.in
}

# talk_stop: the client ends by itself
talk_stop()
{
	echo quit >&"$talk_in"
	exec {talk_in}>&-
	wait "$talk" || fail "the client ended with status $?: $(<talk.log)"
}

# say COMMAND…: to the client
say()
{
	echo "$*" >&"$talk_in"
}

# heard REGEX: whether a line of what the client said, after the lines that were heard before, matches
heard()
{
	tail -n "+$((talk_heard + 1))" talk.log | grep -Eq "$1"
}

# shellcheck disable=SC2034 # the script that sources this reads $line
# hear REGEX [SECONDS]: wait for a line; $line has it. What comes before it is passed over.
hear()
{
	local -i n end=$((SECONDS + $(scaled "${2:-5}")))

	until heard "$1"; do
		((SECONDS < end)) || fail "not said: $1; said: $(<talk.log)"
		sleep 0.02
	done
	n=$(tail -n "+$((talk_heard + 1))" talk.log | grep -En -m 1 "$1" | cut -d: -f1)
	line=$(sed -n "$((talk_heard + n))p" talk.log)
	talk_heard=$((talk_heard + n))
}

declare -i talk_heard=0
ETCD_TALK=$(dirname "$RANGEGUARD")/tests/cluster/etcd_talk
[[ -x "$ETCD_TALK" ]] || ETCD_TALK=$SOURCE_DIR/build/dev/tests/cluster/etcd_talk
