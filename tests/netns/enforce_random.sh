#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whatever somebody does to one of our objects in the kernel, whatever he adds of his own: the legacy service sees a pinned
# container with the pin's source or not at all, and nobody with a source of somebody else. Between packets of five
# containers in three roles, one object is damaged at a time, other people's NAT, rules and raw tables come and go, flows are
# forgotten, interfaces go down and up; GC or a CHECK of each repairs. Then all must get through again. A run that fails is tried with
# fewer steps, and the steps that are left are shown.
#
# A run has 10,000 steps, which take two minutes of waiting, or as many as there is time for, which is said. ENFORCE_SEED=N repeats a run, ENFORCE_STEPS=N makes a
# longer one, whatever time it takes.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

PEER=$(dirname "$RANGEGUARD")/tests/netns/enforce_peer
[[ -x "$PEER" ]] || PEER=$SOURCE_DIR/build/dev/tests/netns/enforce_peer
export PEER
# The least number of steps, what a run should have, and seconds for them
LEAST=100
WANTED=10000
SECONDS_OF_STEPS=${ENFORCE_SECONDS:-$((3 * ${RANGEGUARD_SAMPLE_SECONDS:-60}))}
ENFORCE_STEPS=${ENFORCE_STEPS:-0}
TEST_TIMEOUT=${TEST_TIMEOUT:-$((ENFORCE_STEPS ? ENFORCE_STEPS / 2 + 600 : 900))}
export ENFORCE_STEPS
# Ports of the legacy service: that of pinned containers, and of the one that is not
PINNED_PORT=9
PLAIN_PORT=19
# At -199, the lowest that NAT may have, somebody's chain that is made later comes before ours: pins reach nothing then, and what
# judges after NAT is all that is left, so that it is not damaged here as well. enforce_cases.sh has that priority alone.
FOREIGN_PRIORITIES=(-198 -197 -151 -150 -100 -1 0 1 89 90 91 92 99 100 101 200 2147483645 2147483646 2147483647)
STRANGERS="10.9.0.2 10.9.0.3 10.8.0.5 10.7.0.2 192.0.2.10 198.51.100.77 203.0.113.9"

CONF_PINNED=$(jq -c 'del(.ipMasq, .snat[0].match)' <<<"$CONF")
CONF_PLAIN=$(jq -c 'del(.ipMasq, .snat)' <<<"$CONF")
PTP='{"cniVersion": "1.0.0", "name": "p", "plugins": [{"type": "ptp", "ipam": {"type": "host-local",
	"ranges": [[{"subnet": "10.8.0.0/24", "rangeStart": "10.8.0.5"}], [{"subnet": "fd08::/64"}]], "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}},
	'$(jq -c 'del(.ipMasq)' <<<"$CHAINED")']}'
BRIDGE='{"cniVersion": "1.0.0", "name": "b", "plugins": [{"type": "bridge", "bridge": "br0", "isGateway": true, "ipam": {"type": "host-local",
	"ranges": [[{"subnet": "10.7.0.0/24", "rangeStart": "10.7.0.2"}], [{"subnet": "fd07::/64"}]], "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}},
	'$(jq -c 'del(.ipMasq)' <<<"$CHAINED")']}'

# start NAME PORT: a sender in a container, at descriptors ${to[NAME]} and ${from[NAME]}
start()
{
	local name=$1 port=$2 in out

	mkfifo "in-$name" "out-$name"
	# shellcheck disable=SC2086 # words
	inside "$name" "$PEER" send "$port" $STRANGERS <"in-$name" >"out-$name" &
	exec {out}>"in-$name" {in}<"out-$name"
	to[$name]=$out
	from[$name]=$in
}

# scene: the containers, their senders, the watcher
scene()
{
	local name

	for name in c4 c5; do
		container "$name"
	done
	for name in c1 c2; do
		add "$name" "$CONF_PINNED" >"result-$name" || fail "ADD: $(<"result-$name")"
	done
	add c3 "$CONF_PLAIN" >result-c3 || fail "ADD: $(<result-c3)"
	chain ADD c4 "$PTP" >/dev/null || fail "ADD behind ptp"
	chain ADD c5 "$BRIDGE" >/dev/null || fail "ADD behind a bridge"
	settled
	inside legacy "$PEER" watch >>seen &
	wait_until 5 grep -q watching seen
	for name in c1 c2 c4 c5; do
		start "$name" "$PINNED_PORT"
	done
	start c3 "$PLAIN_PORT"
}

# packets: a burst from each container
packets()
{
	local name line

	for name in c1 c2 c3 c4 c5; do
		echo >&"${to[$name]}"
	done
	for name in c1 c2 c3 c4 c5; do
		read -r -t "$(scaled 20)" line <&"${from[$name]}" || fail "the sender in $name says nothing"
	done
}

# strangers: what the legacy service saw and must not have seen
strangers()
{
	grep -vE "^(watching|$PINNED_PORT (192\.0\.2\.10|2001:db8:ffff::10)|$PLAIN_PORT (10\.9\.0\.4|fd09::4|198\.51\.100\.1|2001:db8:1::1))$" seen || true
}

# know_checks: what CHECK of each container and GC read, made once: steps are to be cheap. Of the chained plugin alone, since the
# reference ones do not like interfaces that are down
know_checks()
{
	local name list

	for name in c1 c2 c3; do
		list=$CONF_PINNED
		[[ "$name" != c3 ]] || list=$CONF_PLAIN
		jq -c --argjson result "$(<"result-$name")" '.prevResult = $result' <<<"$list" >"check-$name"
	done
	for name in c4 c5; do
		list=$PTP
		[[ "$name" != c5 ]] || list=$BRIDGE
		jq -c --argjson result "$(<"/run/chain-$name.json")" \
			'. as $list | .plugins[1] + {name: $list.name, cniVersion: $list.cniVersion, prevResult: $result}' <<<"$list" >"check-$name"
	done
	jq -c '. + {"cni.dev/valid-attachments": [("c1", "c2", "c3") | {containerID: ., ifname: "eth0"}]}' <<<"$CONF_PINNED" >gc
}

# call VERB NAME FILE: a call with what a file says
call()
{
	CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=${2:+/run/netns/$2} CNI_IFNAME=${2:+eth0} CNI_PATH=$CNI_BIN \
		"$RANGEGUARD" <"$3" >out 2>&1
}

# plugin VERB NAME FILE: the same, which works, if need be once the filters are gone that it says are in its way
plugin()
{
	local name

	call "$@" && return
	grep -q "comes before the classifier" out || fail "$1 of $2: $(<out)"
	for name in c1 c2 c3; do
		no_foreign_filter "$name" 2>/dev/null || true
	done
	call "$@" || fail "$1 of $2: $(<out)"
}

# repair: CHECK of all of them puts everything back
repair()
{
	local name

	for name in c1 c2 c3 c4 c5; do
		plugin CHECK "$name" "check-$name"
	done
}

# collect: so does one GC
collect()
{
	plugin GC "" gc
}

# --- What somebody does; each is undone by repair or by its opposite, and may find nothing to do ---

delete_table() { nft delete table inet "$1"; }
flush_table() { nft flush table inet "$1"; }
flush_ruleset() { nft flush ruleset; }
flush_chain() { nft flush chain inet rangeguard "$1"; }
delete_chain() { nft delete chain inet rangeguard "$1"; }
rename_chain() { nft rename chain inet rangeguard "$1" elsewhere; }
flush_set() { nft flush set inet rangeguard "$1" || nft flush map inet rangeguard "$1"; }
# delete_rule CHAIN N: its N-th rule
delete_rule()
{
	local handle

	handle=$(nft -a list chain inet rangeguard "$1" | grep -oE '# handle [0-9]+$' | sed -n "$(($2 + 2))s/.* //p")
	[[ -z "$handle" ]] || nft delete rule inet rangeguard "$1" handle "$handle"
}
# delete_element SET ADDRESS: of a set of single addresses
delete_element() { nft delete element inet rangeguard "$1" "{ $2 }"; }
delete_ip_rule() { ip "$1" rule del fwmark 0x200000/0x200000 lookup 29287; }
flush_ip_rules() { ip rule flush; ip rule add pref 32766 lookup main; ip rule add pref 32767 lookup default; }
flush_routes() { ip "$1" route flush table 29287; }
delete_qdisc() { tc qdisc del dev "$(host_end "$1")" clsact; }
change_group() { ip link set "$(host_end "$1")" group 0; }
pass_table_by() { nft "add table inet $1 { flags dormant; }"; }
route_round() { ip route replace "$1" dev up0 table 29287; }
delete_filter() { tc filter del dev "$(host_end "$1")" ingress; }
# take_priority NAME: somebody else's filter in the place of ours, which lets everything pass. Where there is no TCX ours comes
# after it then, nothing gets through while it is there, and CHECK says so
take_priority() { tc filter del dev "$(host_end "$1")" ingress pref 1; tc filter add dev "$(host_end "$1")" ingress pref 1 protocol all u32 match u32 0 0 flowid 1:1; }
no_foreign_filter() { tc filter del dev "$(host_end "$1")" ingress pref 1 protocol all u32; }
# forget_names: what is kept of classifiers below /sys/fs/bpf; other tests have directories of their own there
forget_names() { rm -r "/sys/fs/bpf/rangeguard/$(stat -Lc %i /proc/self/ns/net)"; }
delete_bridge_table() { nft delete table bridge rangeguard-bridge; }
forward_policy() { nft "add table inet fw; add chain inet fw f { type filter hook forward priority 0; policy $1; }"; }
no_forward_policy() { nft delete table inet fw; }
foreign_nat() { nft "add table inet foreign$1; add chain inet foreign$1 c { type nat hook postrouting priority $1; }; add rule inet foreign$1 c masquerade"; }
no_foreign_nat() { nft delete table inet "foreign$1"; }
foreign_dnat() { nft 'add table inet dnat; add chain inet dnat c { type nat hook prerouting priority -100; }; add rule inet dnat c ip daddr 203.0.113.77 dnat ip to 198.51.100.2'; }
no_foreign_dnat() { nft delete table inet dnat; }
notrack() { nft 'add table inet raws; add chain inet raws c { type filter hook prerouting priority -300; }; add rule inet raws c notrack'; }
no_notrack() { nft delete table inet raws; }
clobber() { nft "add table inet marks; add chain inet marks c { type filter hook prerouting priority $1; }; add rule inet marks c meta mark set ct mark"; }
no_clobber() { nft delete table inet marks; }
foreign_rule() { ip rule add pref "$1" from "$2" lookup main; }
no_foreign_rule() { ip rule del pref "$1"; }
forget_flows() { conntrack -F; }
# down_and_up NAME: what the kernel takes away with an interface that goes down comes back with the container
down_and_up()
{
	local interface

	interface=$(host_end "$1")
	ip link set "$interface" down
	ip link set "$interface" up
	packets
	del "$1" "$CONF_PINNED"
	add "$1" "$CONF_PINNED" "CNI_ARGS=IP=10.9.0.$((1 + ${1#c}))" >"result-$1"
	know_checks
}

# host_end NAME: the host's interface towards a container of the interface role
host_end()
{
	jq -r '.interfaces[0].name' "result-$1"
}

# one_of WORD…: by lot; $RANDOM goes on from the seed
one_of()
{
	picked=${!#}
	local -a words=("$@")

	picked=${words[RANDOM % ${#words[@]}]}
}

# damage: by lot, into $picked, a step that takes away or empties one of our objects
damage()
{
	local kind

	one_of delete_table delete_backstop flush_table flush_ruleset flush_chain flush_chain rename_chain flush_set flush_set delete_rule delete_rule \
		delete_rule delete_element delete_ip_rule flush_ip_rules flush_routes delete_qdisc delete_filter take_priority \
		change_group pass_table_by route_round \
		forget_names delete_bridge_table flush_chain flush_set delete_rule delete_element down_and_up
	kind=$picked
	case $kind in
	delete_table | flush_table) picked="$kind rangeguard" ;;
	delete_backstop) picked="delete_table rangeguard-backstop" ;;
	flush_chain | rename_chain)
		one_of "${chains[@]}"
		picked="$kind $picked"
		;;
	flush_set)
		one_of "${sets[@]}"
		picked="$kind $picked"
		;;
	delete_rule)
		one_of "${chains[@]}"
		picked="$kind $picked $((RANDOM % 6))"
		;;
	delete_element)
		one_of pinned4 translated4
		picked="$kind $picked 10.9.0.$((2 + RANDOM % 2))"
		;;
	delete_ip_rule | flush_routes)
		one_of -4 -6
		picked="$kind $picked"
		;;
	down_and_up)
		one_of c1 c2
		picked="$kind $picked"
		;;
	pass_table_by)
		one_of rangeguard rangeguard-backstop
		picked="$kind $picked"
		;;
	route_round)
		one_of 198.51.100.0/24 198.51.100.2/32
		picked="$kind $picked"
		;;
	delete_qdisc | delete_filter | take_priority | change_group)
		one_of c1 c2 c3
		picked="$kind $picked"
		;;
	esac
}

# surroundings: by lot, into $picked, a step of somebody who has rules of his own
surroundings()
{
	local kind

	one_of foreign_nat no_foreign_nat foreign_dnat no_foreign_dnat notrack no_notrack foreign_rule no_foreign_rule forget_flows \
		forward_policy no_forward_policy
	kind=$picked
	case $kind in
	foreign_nat | no_foreign_nat)
		one_of "${FOREIGN_PRIORITIES[@]}"
		picked="$kind $picked"
		;;
	foreign_rule)
		one_of 10.9.0.0/24 10.8.0.0/24 0.0.0.0/0
		picked="$kind $((1 + RANDOM % 50)) $picked"
		;;
	no_foreign_rule) picked="$kind $((1 + RANDOM % 50))" ;;
	forward_policy)
		one_of accept drop
		picked="$kind $picked"
		;;
	esac
}

# step TEXT: does it; what it says, and that there was nothing to do, is nobody's business
step()
{
	# shellcheck disable=SC2086 # words
	case $1 in
	packets | repair | collect) $1 ;;
	*) (trap - ERR; $1) >/dev/null 2>&1 || true ;;
	esac
}

# clean: nothing foreign, nothing damaged, nothing seen
clean()
{
	local priority name

	for priority in $(nft list tables inet | sed -n 's/^table inet foreign//p'); do
		step "no_foreign_nat $priority"
	done
	for priority in no_foreign_dnat no_notrack no_clobber no_forward_policy; do
		step "$priority"
	done
	for name in c1 c2 c3; do
		step "no_foreign_filter $name"
	done
	for priority in $(ip rule show | sed -n 's/^\([1-9]\|[1-4][0-9]\|50\):.*/\1/p'); do
		step "no_foreign_rule $priority"
	done
	repair
	packets
	: >seen
}

# holds FILE: whether the steps in it, from a clean state, show the legacy service nobody it must not see
holds()
{
	local line

	clean
	while IFS= read -r line; do
		step "$line"
	done <"$1"
	sleep 0.2
	[[ -z "$(strangers)" ]]
}

# shrink FILE: leaves the steps that are needed; the last ones first, then each that can be left out
shrink()
{
	local -i n=4 i total

	total=$(wc -l <"$1")
	until ((n >= total)) || { tail -n "$n" "$1" >fewer && ! holds fewer; }; do
		n=$((2 * n))
	done
	((n >= total)) || cp fewer "$1"
	for ((i = $(wc -l <"$1"); i > 0; i--)); do
		sed "${i}d" "$1" >fewer
		holds fewer || cp fewer "$1"
	done
}

# arrives: whether a burst of all of them brings the pin's sources to the legacy service
arrives()
{
	packets
	grep -q "^$PINNED_PORT 192.0.2.10\$" seen && grep -q "^$PINNED_PORT 2001:db8:ffff::10\$" seen &&
		grep -q "^$PLAIN_PORT 10.9.0.4\$" seen
}

# all_get_through: in a quiet moment
all_get_through()
{
	local -i tries

	tries=$(scaled 50)
	: >seen
	until arrives; do
		((tries-- > 0)) || fail "what containers send does not arrive: $(sort -u seen)"
		sleep 0.1
	done
}

test_one_object_at_a_time()
{
	local -A to=() from=()
	local -i steps=0 seed=${ENFORCE_SEED:-$((SRANDOM % 100000))} rounds=0
	local picked line started
	local -a chains sets

	echo "# seed $seed" >&2
	scene
	know_checks
	all_get_through
	mapfile -t chains < <(nft -j list table inet rangeguard | jq -r '.nftables[] | .chain // empty | .name')
	mapfile -t sets < <(nft -j list table inet rangeguard | jq -r '.nftables[] | .set // .map // empty | .name | select(startswith("__") | not)')
	started=$SECONDS
	RANDOM=$seed
	: >steps
	until ((ENFORCE_STEPS ? steps >= ENFORCE_STEPS : steps >= WANTED || (steps >= LEAST && SECONDS - started >= SECONDS_OF_STEPS))); do
		: >round
		surroundings
		printf '%s\n' "$picked" packets >>round
		damage
		printf '%s\n' "$picked" packets >>round
		surroundings
		printf '%s\n' "$picked" packets >>round
		one_of collect collect collect collect repair
		printf '%s\n' "$picked" packets >>round
		while IFS= read -r line; do
			step "$line"
			steps+=1
		done <round
		cat round >>steps
		rounds+=1
		if [[ -n "$(strangers)" ]]; then
			line=$(strangers | sort -u | paste -sd,)
			shrink steps
			fail "seed $seed, step $steps: seen at the legacy service: $line; without these steps it holds: $(paste -sd';' steps)"
		fi
		# A watcher that sees nothing would find nothing.
		((rounds % 10)) || { clean; all_get_through; }
	done
	clean
	all_get_through
	note "seed $seed: $steps steps, $((steps * 100 / (ENFORCE_STEPS ? ENFORCE_STEPS : WANTED))) % of a run, in $((SECONDS - started)) s"
}

main "$@"
