#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Somebody else's filter or program at a container's interface that stands before the classifier, and lets pass what it
# should judge: CHECK, GC and the agent put the classifier first again, or say what is in its place. Judged by what the legacy
# service sees, and by the host's neighbours, which no rule of nftables protects.

# shellcheck source=tests/snat.sh
source "$(dirname "$0")/../snat.sh"

TOOLS=$(dirname "$RANGEGUARD")/tests/netns
[[ -x "$TOOLS/foreign_program" ]] || TOOLS=$SOURCE_DIR/build/dev/tests/netns
FOREIGN=$TOOLS/foreign_program
NAMES=/run/bpf/foreign
PTP='{"cniVersion": "1.0.0", "name": "pods", "plugins": [
	{"type": "ptp", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.9.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}'
PTP=$(jq -c --argjson chained "$CHAINED" '.plugins += [$chained | .ipMasq = false]' <<<"$PTP")

# without_tcx: from now on the plugin meets a kernel without TCX
without_tcx()
{
	rm "$CNI_BIN/rangeguard"
	printf '#!/bin/sh\nexport ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0\nexec env LD_PRELOAD=%s %s\n' \
		"$TOOLS/no_tcx.so" "$(preloadable)" >"$CNI_BIN/rangeguard"
	chmod +x "$CNI_BIN/rangeguard"
	PLUGIN=$CNI_BIN/rangeguard
}

# has_tcx: whether this kernel has it
has_tcx()
{
	"$FOREIGN" attach "$NAMES-continue" lo in
}

# make_names: programs of somebody else's: one lets everything pass, one leaves it to those after it
make_names()
{
	mkdir /run/bpf
	mount -t bpf bpf /run/bpf
	"$FOREIGN" load pass "$NAMES-pass"
	"$FOREIGN" load continue "$NAMES-continue"
}

# host_end: the host's interface towards c1
host_end()
{
	jq -r '[.interfaces[] | select(has("sandbox") | not)][0].name' result
}

# forge: what c1 sends as somebody else: to the legacy service, and to the host's neighbour table
forge()
{
	ip -n c1 address add 10.9.0.77/32 dev eth0 2>/dev/null || true
	inside c1 ping -n -q -c 1 -W "$(briefly)" -I 10.9.0.77 198.51.100.2 >/dev/null 2>&1 || true
	inside c1 busybox arping -q -c 1 -w 1 -s 10.9.0.77 -I eth0 198.51.100.1 >/dev/null 2>&1 || true
}

# assert_judged WHAT: the classifier judges what c1 sends
assert_judged()
{
	forget_sources
	ip neighbour flush dev "$(host_end)" to 10.9.0.77 2>/dev/null || true
	ip neighbour replace 10.9.0.77 lladdr 02:00:00:00:00:77 nud stale dev "$(host_end)"
	forge
	assert_contains "$(ip neighbour show 10.9.0.77)" 02:00:00:00:00:77 "$1: what ARP told the host"
	assert_empty "$(sources legacy)" "$1: forged"
	assert_reaches c1 198.51.100.2
	assert_equal "192.0.2.10 icmp" "$(sources legacy)" "$1"
}

# check_c1: CHECK
check_c1()
{
	check c1 "$conf" "$(<result)" "$BILLING"
}

# The ways to stand before it, at an interface where it is a filter of priority 1. A filter without an action lets pass what it
# matches.
filter_first() { tc filter del dev "$1" ingress pref 1; tc filter add dev "$1" ingress pref 1 protocol all u32 match u32 0 0 flowid 1:1; }
program_first() { tc filter del dev "$1" ingress pref 1; tc filter add dev "$1" ingress pref 1 protocol arp bpf da object-pinned "$NAMES-pass"; }
program_before() { tc filter add dev "$1" ingress pref 1 bpf da object-pinned "$NAMES-pass"; }
moved_back()
{
	tc filter del dev "$1" ingress pref 1
	tc filter add dev "$1" ingress pref 2 protocol all u32 match u32 0 0 flowid 1:1
}

# assert_mends_filters WAY…: each way: CHECK puts the classifier first
assert_mends_filters()
{
	local way

	for way in "$@"; do
		add c1 "$conf" "$BILLING" >result || fail "$way: ADD: $(<result)"
		$way "$(host_end)"
		check_c1 >out 2>&1 || fail "$way: CHECK: $(<out)"
		assert_judged "$way"
		check_c1 >out 2>&1 || fail "$way: a second CHECK: $(<out)"
		! grep "lacked something" out || fail "$way: it lacked something after CHECK"
		del c1 "$conf" || fail "$way: DEL"
	done
}

# Where there is TCX, it stands before all filters; else a filter of the first priority stays where it is: CHECK says so.
test_filters()
{
	local way

	conf=$CONF
	make_names
	assert_mends_filters program_before moved_back
	if has_tcx; then
		assert_mends_filters filter_first program_first
		without_tcx
		assert_mends_filters program_before moved_back
	fi
	for way in filter_first program_first; do
		add c1 "$conf" "$BILLING" >result || fail "$way: ADD: $(<result)"
		$way "$(host_end)"
		check_c1 >out 2>err && fail "$way: CHECK succeeds"
		assert_refused 103 "$(<out)" "$way"
		assert_matches "$(jq -r .msg out)" "filter \((u32|bpf), priority 1\) at $(host_end) " "$way"
		tc filter del dev "$(host_end)" ingress pref 1
		check_c1 >out 2>&1 || fail "$way: CHECK after it went: $(<out)"
		assert_judged "$way, gone"
		del c1 "$conf" || fail "$way: DEL"
	done
}

# By TCX, behind another plugin and at an interface of our own; the agent hears of no program, so it is CHECK or GC.
test_programs()
{
	local verb

	make_names
	has_tcx || { note "a kernel without TCX"; return 0; }
	for conf in "$CONF" "$PTP"; do
		for verb in CHECK GC; do
			attach >result || fail "ADD: $(<result)"
			"$FOREIGN" attach "$NAMES-pass" "$(host_end)" in || fail "attaching a program"
			"mend_by_$verb" >out 2>&1 || fail "$verb: $(<out)"
			assert_judged "$verb"
			"mend_by_$verb" >out 2>&1 || fail "$verb: $(<out)"
			assert_judged "$verb, once more"
			detach || fail "DEL"
		done
	done
}

attach()
{
	[[ "$conf" == *plugins* ]] && { chain ADD c1 "$conf"; return; }
	add c1 "$conf" "$BILLING"
}

detach()
{
	[[ "$conf" == *plugins* ]] && { chain DEL c1 "$conf"; return; }
	del c1 "$conf"
}

mend_by_CHECK()
{
	[[ "$conf" == *plugins* ]] && { chain CHECK c1 "$conf"; return; }
	check_c1
}

# By GC of another network, which knows nothing of the container
mend_by_GC()
{
	cni GC "" "" "" "$(jq -c '.name = "other" | del(.snat) | .ipam.ranges = [[{"subnet": "10.99.0.0/24"}]]
		| .["cni.dev/valid-attachments"] = []' <<<"$CONF")"
}

# At another plugin's interface, where somebody was quicker: ADD takes the first place, or says who has it.
test_add_behind_a_filter()
{
	local list

	make_names
	without_tcx
	list=$(jq -c '.plugins |= [.[0], {"type": "earlier"}, .[1]]' <<<"$PTP")
	for way in filter_first program_before; do
		cat >"$CNI_BIN/earlier" <<-EOT
			#!/bin/bash
			result=\$(jq -c .prevResult)
			if [[ \$CNI_COMMAND == ADD ]]; then
				interface=\$(jq -r '.interfaces[0].name' <<<"\$result")
				tc qdisc add dev "\$interface" clsact
				case $way in
				filter_first) tc filter add dev "\$interface" ingress pref 1 protocol all u32 match u32 0 0 flowid 1:1 ;;
				program_before) tc filter add dev "\$interface" ingress pref 1 bpf da object-pinned $NAMES-pass ;;
				esac
			fi
			printf '%s\n' "\$result"
		EOT
		chmod +x "$CNI_BIN/earlier"
		if [[ "$way" == program_before ]]; then
			chain ADD c1 "$list" >result || fail "ADD: $(<result)"
			assert_judged "ADD behind a program"
			chain DEL c1 "$list" || fail "DEL"
		else
			chain ADD c1 "$list" >out 2>&1 && fail "ADD succeeds behind a filter that lets everything pass"
			assert_contains "$(<out)" "filter (u32, priority 1)" "ADD behind a filter"
			PLUGIN=$CNI_BIN/ptp cni DEL c1 "$(netns_path c1)" eth0 "$(jq -c '.plugins[0] + {name, cniVersion}' <<<"$list")" || fail "DEL"
		fi
	done
}

# The agent says what it can't put back, and tries again ever more rarely: at most after one, three and seven seconds.
test_agent_in_vain()
{
	local told

	make_names
	without_tcx
	add c1 "$CONF" "$BILLING" >result || fail "ADD: $(<result)"
	filter_first "$(host_end)"
	ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0 LD_PRELOAD=$TOOLS/no_tcx.so \
		"$(dirname "$RANGEGUARD")/rangeguard-agent" >agent.log 2>&1 &
	wait_until 10 grep -q "lack some of their protection still" agent.log
	assert_contains "$(<agent.log)" "filter (u32, priority 1) at $(host_end) comes before the classifier" "what it says"
	sleep 4
	told=$(grep -c "lack some of their protection still" agent.log)
	((told <= 4)) || fail "it says so $told times: $(<agent.log)"
	tc filter del dev "$(host_end)" ingress pref 1
	assert_judged "once the filter is gone"
}

# The uplink of shared sources, which holds what leaves to their deadlines
test_uplink()
{
	local -a guard=("$FOREIGN" guard up0)

	make_names
	if has_tcx; then
		"${guard[@]}" || fail "guarding the uplink"
		"$FOREIGN" attach "$NAMES-pass" up0 out
		"${guard[@]}" || fail "guarding it again"
		assert_equal rangeguard_up "$("$FOREIGN" first up0 out)" "the first program"
		guard=(env "ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0" "LD_PRELOAD=$TOOLS/no_tcx.so" "${guard[@]}")
	fi
	"${guard[@]}" || fail "guarding the uplink by a filter"
	tc filter add dev up0 egress pref 1 bpf da object-pinned "$NAMES-pass"
	"${guard[@]}" || fail "guarding it again by a filter"
	assert_contains "$(tc filter show dev up0 egress | grep handle | head -n 1)" rangeguard_up "the first filter"
	assert_equal 2 "$(tc filter show dev up0 egress | grep -c handle)" "filters"
}

main "$@"
