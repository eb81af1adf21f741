#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Standard input, output and error of the plugin: what they may be, and what may stand in them. Numbers in names as in
# protocol.sh.

# shellcheck source=tests/calls.sh
source "$(dirname "$0")/../calls.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard",
	"ranges": [[{"subnet": "10.9.0.0/24"}]]}, "cni.dev/valid-attachments": []}'

# set_up: one container, and the host as it must be found after each refusal
set_up()
{
	container c1
	host_state >before
}

# --- Standard input ---

test_r07_input_that_is_no_json_object()
{
	local input verb

	for input in '' ' ' '{' '[]' '1' '"pods"' 'null' "$CONF$CONF" "$CONF," "${CONF/pods/$'\xff'}" \
		"${CONF/pods/$'\x01'}" "${CONF/1.1.0\",/1.1.0\",,}"; do
		for verb in ADD DEL CHECK GC STATUS; do
			printf '%s' "$input" >input
			assert_refuses 6 'JSON' plugin CNI_COMMAND="$verb" CNI_CONTAINERID=c1 CNI_IFNAME=eth0 \
				CNI_NETNS="$(netns_path c1)" <input
		done
	done
	head -c 1M /dev/zero | tr '\0' '[' >input
	assert_refuses 6 'JSON' plugin CNI_COMMAND=STATUS <input
	printf '{"name": "pods", "name": "pods2", %s' "${CONF:1}" >input
	assert_refuses 6 'duplicate' plugin CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_IFNAME=eth0 \
		CNI_NETNS="$(netns_path c1)" <input
	assert_unchanged "after all"
}

# padded SIZE: the configuration with white space up to so many bytes
padded()
{
	local -i size

	size=$(numfmt --from=iec "$1")
	printf '%s%*s' "$CONF" $((size - ${#CONF})) ''
}

test_input_of_16_mib_and_no_more()
{
	padded 16M >fits
	assert_equal 16777216 "$(stat -c %s fits)" "size of the largest input"
	assert_quiet plugin CNI_COMMAND=STATUS <fits
	{ cat fits && printf ' '; } >a-byte-more
	assert_refuses 5 'larger than 16777216 bytes' plugin CNI_COMMAND=STATUS <a-byte-more
	padded 17M >a-lot-more
	for verb in ADD DEL; do
		assert_refuses 5 'larger than 16777216 bytes' plugin CNI_COMMAND=$verb CNI_CONTAINERID=c1 CNI_IFNAME=eth0 \
			CNI_NETNS="$(netns_path c1)" < <(cat a-lot-more)
	done
	assert_unchanged "after all"
}

# The order of keys says nothing.
test_key_order_is_irrelevant()
{
	local reversed='def reversed: if type == "object" then to_entries | reverse | map(.value |= reversed) | from_entries
		elif type == "array" then map(reversed) else . end; reversed'
	local result

	result=$(call ADD "$(conf "$reversed")")
	assert_json "$result" '.ips[0].address == "10.9.0.1/32"' "ADD"
	assert_quiet call CHECK "$(conf ".prevResult = ($result | $reversed) | $reversed")"
	assert_quiet call DEL "$(conf ".prevResult = ($result | $reversed) | $reversed")"
	assert_unchanged "after DEL"
}

# --- Standard output ---

test_r16_r17_warnings_go_to_stderr()
{
	foreign_interface
	ip route add 10.9.0.0/24 dev other
	call ADD "$(conf '.guard.hostRoutes = "warn"')" >stdout 2>stderr
	assert_equal 1 "$(jq -s length stdout)" "documents"
	assert_json "$(<stdout)" '.ips[0].address == "10.9.0.1/32"' "result"
	assert_matches "$(<stderr)" 'rangeguard: .*10\.9\.0\.1 .*other' "log"
	assert_quiet call DEL "$CONF"
}

# A result that nobody can be told is undone.
test_reader_that_is_gone()
{
	local -i status=0

	mkfifo pipe
	exec 8<>pipe
	exec 9>pipe 8<&-
	call ADD "$CONF" >&9 2>/dev/null || status=$?
	assert_equal 1 "$status" "exit status of an ADD whose result nobody reads"
	assert_unchanged "an ADD whose result nobody reads"
}

# The verb's own end after 30 s comes though the caller has blocked its signal.
test_input_that_never_ends()
{
	local -i status=0

	mkfifo pipe
	exec 8<>pipe
	timeout "$(scaled 50)" env --block-signal=ALRM CNI_COMMAND=STATUS CNI_PATH=/opt/cni/bin "$RANGEGUARD" <&8 >stdout || status=$?
	assert_equal 1 "$status" "exit status: $(<stdout)"
	assert_refused 11 "$(<stdout)" "no input for 30 s"
}

# --- Closed descriptors: the store is what would be opened in their place ---

# close_and_call DIGITS VERB CONF [NAME=VALUE…]: call, without those standard streams
close_and_call()
(
	printf '%s' "$3" >input
	exec <input
	[[ "$1" != *0* ]] || exec 0<&-
	[[ "$1" != *1* ]] || exec 1>&-
	[[ "$1" != *2* ]] || exec 2>&-
	plugin CNI_COMMAND="$2" CNI_CONTAINERID=c2 CNI_NETNS="$(netns_path c2)" CNI_IFNAME=eth0 "${@:4}"
)

# assert_store_intact DIGITS: the older lease is there, and nothing that was said
assert_store_intact()
{
	assert_equal c1 "$("$RANGEGUARD" list --format json | jq -r '.. | objects | .containerID // empty')" \
		"leases, without $1"
	! grep -q -r -F -e cniVersion -e 'rangeguard:' /run/rangeguard || fail "without $1: the store has been written to"
}

test_closed_descriptors()
{
	local digits result
	local -i status

	container c2
	result=$(call ADD "$CONF")
	for digits in 0 1 2 01 02 12 012; do
		status=0
		close_and_call "$digits" ADD "$CONF" >stdout || status=$?
		if [[ "$digits" == 2 ]]; then
			assert_equal 0 "$status" "ADD without $digits"
			assert_json "$(<stdout)" '.ips[0].address | startswith("10.9.0.")' "ADD without $digits"
			close_and_call "$digits" DEL "$CONF" || fail "DEL without $digits"
		else
			assert_equal 1 "$status" "ADD without $digits"
			[[ "$digits" == *1* ]] || assert_json "$(<stdout)" '.code | IN(5, 6)' "ADD without $digits"
		fi
		assert_store_intact "$digits"
		assert_empty "$(ip -n c2 -json link show | jq -r '.[].ifname | select(. != "lo")')" "interfaces, without $digits"
	done
	for digits in 1 2 12; do
		close_and_call "" ADD "$CONF" >/dev/null
		close_and_call "$digits" DEL "$CONF" || fail "DEL without $digits"
		close_and_call "$digits" STATUS "$CONF" || fail "STATUS without $digits"
		close_and_call "$digits" GC "$CONF" || fail "GC without $digits"
		assert_store_intact "$digits"
	done
	assert_quiet call CHECK "$(conf ".prevResult = $result")"
}

main "$@"
