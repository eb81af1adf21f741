#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ways round the place where packets are looked at: their header, or a route of the host's, sends them somewhere else first, or
# packs them into other packets; another's rule gives them the mark of somebody else's. Judged at the legacy service, which sees
# what is packed in, too.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

# What is packed into SRv6, which is unpacked there: a packet of a node that is none of ours
UNPACKED='import socket, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86dd))
link.bind(("eth0", 0))
print("listening", flush=True)
while True:
	packet, where = link.recvfrom(65535)
	if where[2] == 4: # its own
		continue
	at, header = 40, packet[6]
	while header in (0, 43, 60):
		at, header = at + (packet[at + 1] + 1) * 8, packet[at]
	if header == 41:
		print("packed", socket.inet_ntop(socket.AF_INET6, packet[at + 8:at + 24]), flush=True)
	elif header == 4:
		print("packed", socket.inet_ntop(socket.AF_INET, packet[at + 12:at + 16]), flush=True)
	elif packet[6] == 43:
		print("routed", socket.inet_ntop(socket.AF_INET6, packet[8:24]), flush=True)'

# pinned NAME
pinned()
{
	add "$1" "$CONF" "$BILLING" >"result-$1" || fail "ADD of $1: $(<"result-$1")"
}

# packed: who sent what was packed into others, or comes with a source route
packed()
{
	grep -vx listening packed | LC_ALL=C sort -u || true
}

# watch_packed: write that down from now on
watch_packed()
{
	: >packed
	inside legacy python3 -c "$UNPACKED" >>packed &
	wait_until 5 grep -q listening packed
}

# No NAT, and no hook, comes before what a route of the host's packs: nothing leaves by it. The same of a container without a
# pin does.
test_routes_that_pack()
{
	local mode

	pinned c1
	assert_succeeds add c2 "$CONF"
	watch_packed
	ip -6 route add fc00::/16 via 2001:db8:1::2
	for mode in encap encap.red inline; do
		: >packed
		if ! ip -6 route replace 2001:db8:1::2/128 encap seg6 mode "$mode" segs fc00::1 dev up0 2>no; then
			note "no SRv6 of mode $mode: $(<no)"
			continue
		fi
		send_to c2 2001:db8:1::2
		wait_until 5 test -s packed
		: >packed
		send_to c1 2001:db8:1::2
		inside c1 ping -n -q -c 1 -W "$(briefly)" 2001:db8:1::2 >/dev/null 2>&1 || true
		assert_empty "$(packed)" "$mode: packed at the legacy service"
		assert_empty "$(sources legacy | grep -v '^fe80' | grep -E 'fd09::2 ' || true)" "$mode: seen at the legacy service"
	done
	ip -6 route del 2001:db8:1::2/128
	: >packed
	ip route replace 198.51.100.2/32 encap seg6 mode encap segs fc00::1 dev up0
	send_to c1 198.51.100.2
	assert_empty "$(packed)" "IPv4 in SRv6: packed at the legacy service"
}

# detour NAME PYTHON [BEFORE]: in the container a frame of the bytes that the expression gives as IPv4 or IPv6 packet, to its gateway
detour()
{
	inside "$1" python3 -c 'import socket, struct, subprocess, json, sys
def checksum(data):
	total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
	while total >> 16:
		total = (total & 0xffff) + (total >> 16)
	return ~total & 0xffff
def ipv4(source, destination, options, payload):
	head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), 7, 0, 64, 17, 0)
	head += socket.inet_aton(source) + socket.inet_aton(destination) + options
	return 0x0800, head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload
def ipv6(source, destination, header, payload):
	head = struct.pack("!IHBB", 6 << 28, len(payload), header, 64)
	return 0x86dd, head + socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination) + payload
def datagram():
	return struct.pack("!HHHH", 5000, 9, 9, 0) + b"x"
link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
gateway = [n["lladdr"] for n in json.loads(subprocess.check_output(["ip", "-json", "neigh", "show", "dev", "eth0"])) if "lladdr" in n][0]
exec(sys.argv[2])
kind, packet = eval(sys.argv[1])
link.sendto(packet, ("eth0", kind, 0, 0, bytes.fromhex(gateway.replace(":", ""))))' "$2" "${3-}"
}

# A packet that goes to the second network, from where its header leads it to the legacy service: it does not leave. Without that
# header it does, and the same of a container without a pin.
test_source_routes()
{
	local own4 own6 route4 name

	pinned c1
	assert_succeeds add c2 "$(jq -c '.ipMasq = false' <<<"$CONF")"
	for name in c1 c2; do
		own4=$(ip -n "$name" -json -4 address show dev eth0 | jq -r '.[0].addr_info[0].local')
		own6=$(ip -n "$name" -json -6 address show dev eth0 scope global | jq -r '.[] | .addr_info // [] | .[] | select(.local).local' | head -n 1)
		forget_sources
		detour "$name" "ipv4('$own4', '203.0.113.2', b'\\x01' * 4, datagram())"
		wait_until 5 seen_as udp
		forget_sources
		for route4 in 131 137; do
			detour "$name" "ipv4('$own4', '203.0.113.2', bytes([$route4, 7, 4]) + socket.inet_aton('198.51.100.2') + b'\\x00', datagram())"
		done
		for kind in 0 2 3 4; do
			detour "$name" "ipv6('$own6', '2001:db8:2::2', 43, bytes([17, 2, $kind, 1, 0, 0, 0, 0]) + socket.inet_pton(socket.AF_INET6, '2001:db8:1::2') + datagram())"
		done
		# What comes after them has passed them.
		detour "$name" "ipv4('$own4', '203.0.113.2', b'\\x01' * 4, datagram())"
		wait_until 5 seen_as udp
		if [[ "$name" == c1 ]]; then
			assert_equal "203.0.113.1 udp" "$(sources second)" "at the second network"
		else
			assert_contains "$(sources second)" "$own6 ipv6-route" "at the second network, without a pin"
		fi
	done
}

# seen_as PROTOCOL: the second network has seen a packet
seen_as()
{
	sources second | grep -q " $1\$"
}

# unpack NAME OWN PORT FORGED…: in the container, for each FORGED a datagram from PORT to the legacy service in VXLAN to the host
unpack()
{
	local forged

	for forged in "${@:4}"; do
		detour "$1" "ipv4('$2', '$HOST_IPV4', b'', struct.pack('!HHHH', 7000, 4789, 16 + len(inner), 0) + struct.pack('!II', 0x08000000, 42 << 8) + inner)" \
			"inner = bytes.fromhex('$tunnel') + bytes([2, 0, 0, 0, 0, 1, 8, 0]) + ipv4('$forged', '198.51.100.2', b'', struct.pack('!HHHH', $3, 9, 9, 0) + b'x')[1]"
	done
}

# A tunnel of the host's takes from a container what it sends to the host, and unpacks a packet of somebody else: a new flow of
# another's, one that is there, and a stranger's. One with a pin or without.
test_tunnels_of_the_host()
{
	local name tunnel own other

	pinned c1
	pinned c2
	assert_succeeds add c3 "$CONF"
	ip link add vx0 type vxlan id 42 dstport 4789
	ip link set vx0 up
	sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.vx0.rp_filter=0
	tunnel=$(ip -json link show vx0 | jq -r '.[0].address | gsub(":"; "")')
	other=$(ip -n c1 -json -4 address show dev eth0 | jq -r '.[0].addr_info[0].local')
	inside c1 socat -u - "UDP4-DATAGRAM:198.51.100.2:9,bind=:6000" <<<x || true
	wait_until 5 seen_pinned
	for name in c2 c3; do
		own=$(ip -n "$name" -json -4 address show dev eth0 | jq -r '.[0].addr_info[0].local')
		forget_sources
		unpack "$name" "$own" 6000 "$other" 10.9.0.77 192.0.2.10
		unpack "$name" "$own" 6001 "$other" 10.9.0.77 192.0.2.10
		# What comes after them has passed them.
		inside "$name" ping -n -q -c 1 -W "$(scaled 2)" 203.0.113.2 >/dev/null || fail "no answer in $name"
		(($(ip -json -s link show vx0 | jq '.[0].stats64.rx.packets') >= 6)) || fail "$name: the tunnel unpacked nothing"
		assert_empty "$(sources legacy)" "$name: seen at the legacy service"
	done
}

# seen_pinned: the legacy service has seen a datagram of the pin
seen_pinned()
{
	sources legacy | grep -qx '192.0.2.10 udp'
}

# Another's rule writes a whole mark, by chance that of a container without a pin, wherever it stands.
test_marks_of_containers_without_a_pin()
{
	local hook mark
	local -a hooks=("prerouting priority 0" "prerouting priority 2147483647" "forward priority 0" "postrouting priority 0")

	pinned c1
	for hook in "${hooks[@]}"; do
		for mark in 0x01000000 0x01000001 0x00000001 0x01800000; do
			nft "table inet foreign { chain c { type filter hook $hook; iifname \"rg*\" meta mark set $mark; }; }"
			forget_sources
			knock c1
			inside c1 ping -n -q -c 1 -W "$(briefly)" 198.51.100.2 >/dev/null 2>&1 || true
			assert_only_lines "$hook, $mark: beside the pin's sources" '^(192\.0\.2\.10|2001:db8:ffff::10) ' sources legacy
			nft delete table inet foreign
		done
	done
	forget_sources
	talk c1
	assert_equal "$PINNED_ALL" "$(sources legacy)" "afterwards"
}

main "$@"
