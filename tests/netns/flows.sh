#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Containers that come and go on a host that tracks many flows of others: exactly their own are forgotten, and the kernel
# tells of no others. Linux 6.1, which refuses to delete by a filter, does the same: with so many flows none is tried.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

FLOWS=$(dirname "$RANGEGUARD")/tests/bench/bench_flows
[[ -x "$FLOWS" ]] || FLOWS=$SOURCE_DIR/build/dev/tests/bench/bench_flows
export FLOWS
# IPv4 flows of others, 240 bytes each in an answer
MANY=20000

# traced VERB NAME [NAME=VALUE…]: a call under strace; the numbers of dumps, and of bytes that the kernel answered, in $dumps
# and $bytes
traced()
{
	ASAN_OPTIONS=detect_leaks=0 CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=$(netns_path "$2") CNI_IFNAME=eth0 CNI_PATH=$CNI_BIN \
		env "${@:3}" strace -f -qq -e trace=sendto,recvfrom -o trace "$RANGEGUARD" <<<"$CONF" >out 2>&1 || fail "$1: $(<out)"
	dumps=$(grep -c 'sendto.*NFNL_SUBSYS_CTNETLINK<<8|IPCTNL_MSG_CT_GET.*NLM_F_DUMP' trace || true)
	bytes=$(sed -n "s/.*recvfrom.* = \([0-9]*\)\$/\1/p" trace | awk '{ bytes += $1 } END { print bytes + 0 }')
}

# added NAME: ADD of a pinned container; its addresses are in $ipv4 and $ipv6
added()
{
	add "$1" "$CONF" "$BILLING" >result || fail "ADD: $(<result)"
	ipv4=$(jq -r '.ips[0].address | sub("/.*"; "")' result)
	ipv6=$(jq -r '.ips[1].address | sub("/.*"; "")' result)
}

test_only_own_flows_are_read()
{
	local dumps bytes few_bytes before ipv4 ipv6

	keep_flows
	inside legacy socat -u UDP4-RECVFROM:7000,fork OPEN:/dev/null,append &
	added c2
	before=$ipv4
	added c1
	talk c1
	talk c2
	traced DEL c1 "$BILLING"
	few_bytes=$bytes
	added c1
	talk c1
	inside c1 socat -u "SYSTEM:echo x" UDP4:198.51.100.2:7000,sourceport=7777
	"$FLOWS" "$MANY" || fail "no flows of others"
	(($(flows_of "$before") > 0 && $(flows_of "$ipv4") > 0 && $(flows_of "$ipv6") > 0)) || fail "nothing to forget"
	conntrack -L 2>/dev/null | grep -F "src=$before " | sed 's/^\([a-z]* *[0-9]*\) [0-9]*/\1/' | sort >flows-before
	traced DEL c1 "$BILLING"
	note "the kernel answered $bytes bytes among $MANY flows of others, $few_bytes without, in $dumps dumps"
	assert_equal 3 "$dumps" "dumps: two directions of IPv4, and IPv6"
	((bytes < few_bytes + 16384)) || fail "$bytes bytes were read, without flows of others $few_bytes"
	assert_equal "0 0" "$(flows_of "$ipv4") $(flows_of "$ipv6")" "flows of the address that is free"
	conntrack -L 2>/dev/null | grep -F "src=$before " | sed 's/^\([a-z]* *[0-9]*\) [0-9]*/\1/' | sort |
		diff flows-before - || fail "flows of the other container"
	assert_equal "$MANY" "$(conntrack -L 2>/dev/null | grep -c 'src=11\.')" "flows of others"
	forget_sources
	container c9
	assert_succeeds add c9 "$(jq -c '.ipMasq = false' <<<"$CONF")" "CNI_ARGS=IP=$ipv4"
	inside c9 socat -u "SYSTEM:echo x" UDP4:198.51.100.2:7000,sourceport=7777
	assert_equal "$ipv4 udp" "$(sources legacy)" "the next holder, which is not pinned"
}

# A process that is refused threads forgets flows all the same.
test_without_threads()
{
	local ipv4 ipv6

	keep_flows
	added c2
	added c1
	talk c1
	"$FLOWS" "$MANY" || fail "no flows of others"
	(($(flows_of "$ipv4") > 0 && $(flows_of "$ipv6") > 0)) || fail "nothing to forget"
	ASAN_OPTIONS=detect_leaks=0 CNI_COMMAND=DEL CNI_CONTAINERID=c1 CNI_NETNS=/run/netns/c1 CNI_IFNAME=eth0 CNI_PATH=$CNI_BIN \
		strace -f -qq -o trace -e trace=clone,clone3 -e inject=clone,clone3:error=EAGAIN "$RANGEGUARD" <<<"$CONF" >out 2>&1 ||
		fail "DEL: $(<out)"
	assert_contains "$(<trace)" EAGAIN "threads that were refused"
	assert_equal "0 0" "$(flows_of "$ipv4") $(flows_of "$ipv6")" "flows of the address that is free"
	assert_equal "$MANY" "$(conntrack -L 2>/dev/null | grep -c 'src=11\.')" "flows of others"
}

main "$@"
