#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Keeps the architecture: which folder may include which, and which calls stand in one file only. Prints FILE:LINE: WHY
# for each breach; the exit status is 1 if there is any. tests/lint/includes_can_fail.sh shows that each rule bites.
#
# Usage: tests/lint/includes.sh [SOURCE_DIR]
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

# Folder of a file -> folders whose headers it may include in quotes. A folder without a line here is a breach, too.
declare -A MAY_INCLUDE=(
	[include/rangeguard]="rangeguard"
	[ipam/address]="rangeguard ipam/address"
	[ipam/guard]="rangeguard ipam/address ipam/guard"
	[ipam/store]="rangeguard ipam/address ipam/store"
	[ipam/lease]="rangeguard ipam/address ipam/guard ipam/store ipam/lease"
	[plugin/report]="rangeguard ipam/address plugin/report"
	[plugin/cni]="rangeguard ipam/address plugin/report plugin/cni"
	[plugin/text]="rangeguard ipam/address ipam/guard plugin/report plugin/text"
	[plugin/netconf]="rangeguard ipam/address ipam/guard plugin/report plugin/cni plugin/text plugin/netconf"
	[plugin/policy]="rangeguard ipam/address ipam/guard ipam/store plugin/report plugin/text plugin/netconf plugin/policy"
	[plugin/foreign]="rangeguard ipam/address ipam/guard plugin/report plugin/cni plugin/text plugin/netconf plugin/policy plugin/foreign"
	[plugin/network]="rangeguard ipam/address ipam/store ipam/lease plugin/report plugin/network"
	[plugin/enforce]="rangeguard ipam/address plugin/report plugin/network plugin/enforce"
	[plugin/snat]="rangeguard ipam/address ipam/store plugin/report plugin/network plugin/enforce plugin/snat"
	[plugin/metrics]="rangeguard ipam/address ipam/store plugin/metrics"
	[plugin/history]="rangeguard ipam/address ipam/store ipam/lease plugin/report plugin/metrics plugin/history"
	[plugin/host]="rangeguard ipam/address ipam/guard ipam/store ipam/lease plugin/report plugin/netconf plugin/network plugin/enforce plugin/snat plugin/metrics plugin/history plugin/host"
	[plugin/verbs]="rangeguard ipam/address ipam/guard ipam/store ipam/lease plugin/report plugin/cni plugin/netconf plugin/policy plugin/network plugin/snat plugin/metrics plugin/history plugin/host plugin/verbs"
	[plugin/agent]="rangeguard ipam/address ipam/guard ipam/store ipam/lease plugin/report plugin/cni plugin/text plugin/foreign plugin/netconf plugin/policy plugin/network plugin/enforce plugin/snat plugin/metrics plugin/history plugin/overview plugin/host plugin/agent"
	[plugin/overview]="rangeguard ipam/address ipam/guard ipam/store ipam/lease plugin/report plugin/text plugin/netconf plugin/policy plugin/foreign plugin/metrics plugin/host plugin/overview"
	[plugin/audit]="rangeguard ipam/address ipam/guard ipam/store ipam/lease plugin/report plugin/text plugin/netconf plugin/policy plugin/network plugin/enforce plugin/snat plugin/host plugin/overview plugin/audit"
	[plugin/commands]="rangeguard ipam/address ipam/guard ipam/store ipam/lease plugin/report plugin/cni plugin/text plugin/netconf plugin/policy plugin/foreign plugin/history plugin/network plugin/overview plugin/host plugin/audit plugin/commands"
	[plugin/etcd]="rangeguard ipam/address plugin/report plugin/text plugin/cluster plugin/etcd"
	[plugin/cluster]="rangeguard ipam/address plugin/report plugin/cluster"
	[plugin/program]="rangeguard plugin/program"
	[plugin]="rangeguard ipam/store plugin/enforce plugin/program plugin/verbs plugin/commands"
)

# The remote side is the agent's alone.
MAY_INCLUDE[plugin/agent]+=" plugin/cluster plugin/etcd plugin/enforce plugin/program"

breaches=0

# breach FILE LINE WHY
breach()
{
	echo "$1:$2: $3"
	breaches=$((breaches + 1))
}

# Every line of code as FILE:LINE:TEXT, without comments (written as the style says: ` * ` in front of each line)
# shellcheck disable=SC2016 # the dollars are awk's
listing=$(find include ipam plugin -name '*.[ch]' | sort | xargs -r awk '{
	gsub(/\/\*.*\*\//, ""); sub(/\/[*\/].*/, ""); sub(/^[ \t]*\*([ \/].*)?$/, "")
	print FILENAME ":" FNR ":" $0
}')
[[ -n "$listing" ]] || { echo "no sources in $PWD" >&2; exit 2; }

# check_folders: each folder with sources has its line above
check_folders()
{
	local folder
	while read -r folder; do
		[[ -n "${MAY_INCLUDE[$folder]:-}" ]] ||
			breach "$folder" 1 "this folder has no line in MAY_INCLUDE of tests/lint/includes.sh"
	done < <(sed -E 's@/[^/:]*:.*@@' <<<"$listing" | sort -u)
}

# check_quoted: each #include "FOLDER/NAME" is of a folder that the file's own may use
check_quoted()
{
	local file line included folder
	while IFS=: read -r file line included; do
		breach "$file" "$line" "${file%/*} must not include \"$included\""
	done < <({
		for folder in "${!MAY_INCLUDE[@]}"; do
			printf '%s::%s\n' "$folder" "${MAY_INCLUDE[$folder]}"
		done
		sed -nE 's/^([^:]*:[0-9]*:)\s*#\s*include\s*"([^"]*)".*/\1\2/p' <<<"$listing"
	} | awk -F: '
		$2 == "" { may[$1] = " " $3 " "; next }
		{ folder = $1; sub(/\/[^\/]*$/, "", folder); of = $3; sub(/\/[^\/]*$/, "", of) }
		!index(may[folder], " " of " ")')
}

# only_in PATTERN WHY GLOB…: code that matches the extended regular expression stands in files of these names only
only_in()
{
	local pattern=$1 why=$2 file glob line
	shift 2
	while IFS=: read -r file line _; do
		for glob in "$@"; do
			# shellcheck disable=SC2053 # a glob is meant
			[[ "$file" == $glob ]] && continue 2
		done
		breach "$file" "$line" "$why"
	done < <(grep -E "^[^:]*:[0-9]*:.*($pattern)" <<<"$listing" || true)
}

check_folders
check_quoted
only_in '<jansson\.h>' "ipam knows no JSON" 'plugin/*'
only_in '<(libmnl|netlink|libnftnl|linux/(rt|nf)?netlink[a-z_]*\.h)\b' "netlink belongs to plugin/network and plugin/snat" \
	'plugin/network/*' 'plugin/snat/*'
only_in '<lmdb\.h>' "LMDB is behind store.h" 'ipam/store/store_lmdb*.c' ipam/store/store_lmdb_internal.h
only_in 'include "ipam/store/' "of policies only those that are kept compiled know the state directory" \
	'ipam/*' 'plugin/!(policy)/*' 'plugin/policy/compiled.*' plugin/main.c
only_in '\b(socket|socketpair|mnl_socket_open2?|nl_connect|nl_socket_alloc\w*)\s*\(' \
	"sockets are the netlink port's, the namespaces' cookies', the announcements', the probes', the journal's and the agent's" plugin/network/port_mnl.c plugin/network/netns.c plugin/network/probe.c \
	plugin/snat/announce.c plugin/history/journal.c plugin/host/ask.c plugin/snat/monitor.c 'plugin/agent/*'
only_in '\b((secure_)?getenv\s*\(|environ\b)' "the environment is read by requests, and for colours" plugin/cni/request.c plugin/text/colour.c
only_in '\b(v?fork|clone3?|system|popen|posix_spawnp?|f?exec[lv]?p?e?|execveat)\s*\(' "rangeguard starts no program"
# What changes the process as a whole is done where a main() has chosen it, by a function that only a main() names.
only_in '\b(sigaction|signal|sigprocmask|sigaltstack|setitimer|alarm|umask|(set|p)rlimit|f?chdir|chroot|prctl|unshare|personality|setpriority|nice|set(|e|re|res|fs)[ug]id|mlockall|atexit|on_exit|setlocale|pthread_atfork|json_set_alloc_funcs)\s*\(' \
	"this changes the process as a whole, which a main() chooses: plugin/program/program.h" 'plugin/program/*.c' \
	ipam/store/store_lmdb_crash.c
only_in '\b(program_(ignore_failed_writes|block|end_after|keep_json_reserve|prepare_wake|lift_locked_memory|within_directory)|store_lmdb_(on_crash|open_within)|state_wake_by|classifier_lift_limit_by)\b' \
	"what is done to the process as a whole is chosen by a main()" plugin/main.c plugin/agent/main.c 'plugin/program/*' \
	ipam/store/store_lmdb.[ch] ipam/store/store_lmdb_crash.c ipam/store/state.h ipam/store/state_lock.c 'plugin/enforce/classifier.[ch]'
only_in '\bsetns\s*\(' "another namespace is entered, and left again, through plugin/network/netns.h" 'plugin/network/netns*.c'
only_in '\bnetns_enter\b' "who enters a namespace comes back, which a test of each shows" 'plugin/network/netns*.[ch]' \
	plugin/network/attach.c plugin/network/in_use.c
only_in '\b(strtou?ll?|strto[id]max|ato(i|l|ll)|v?sprintf|st[pr]cpy|strcat|alloca)\s*\(' \
	"this call has no bound, or hides errors"

[[ $breaches -eq 0 ]] || { echo "$breaches breaches" >&2; exit 1; }
