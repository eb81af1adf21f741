#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shows that tests/lint/includes.sh bites: a line that breaks each rule, planted in a copy of the sources, is found, and
# a line that looks like it and is none is not.
set -euo pipefail
cd "$(dirname "$0")/../.."
lint=$PWD/tests/lint/includes.sh
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r include ipam plugin "$copy"
"$lint" "$copy" >/dev/null || { echo "the sources themselves have breaches: see lint.includes" >&2; exit 1; }
failed=0

# Each line is planted in a file of its own beside the file it is said to be in, and all are looked at in one run.
declare -A planted=()
declare -i cases=0

# plant FILE LINE EXPECTED: a file that has only this line; EXPECTED is "breach" or "fine"
plant()
{
	local file=${1%/*}/case$((++cases)).${1##*.}

	mkdir -p "$copy/${file%/*}"
	printf '%s\n' "$2" >"$copy/$file"
	planted[$file]="$3 $2"
}

# found FILE LINE: this is a breach
found()
{
	plant "$1" "$2" breach
}

# found_folder FOLDER: a source in a folder that no rule is written for is a breach
found_folder()
{
	plant "$1/new.c" '#include <stdio.h>' breach
}

# fine FILE LINE: this is not a breach
fine()
{
	plant "$1" "$2" fine
}

# judge: each breach was found once, at its line (of a folder: in its first source), and nothing else was
judge()
{
	local file findings

	findings=$("$lint" "$copy" 2>/dev/null || true)
	for file in "${!planted[@]}"; do
		case ${planted[$file]%% *},$(grep -cE "^($file|${file%/*}):1: " <<<"$findings" || true) in
		breach,1 | fine,0) ;;
		breach,*) echo "not found, or more than once, in $file: ${planted[$file]#* }" && failed=1 ;;
		*) echo "wrongly found in $file: ${planted[$file]#* }" && failed=1 ;;
		esac
	done
	(($(grep -c . <<<"$findings") == $(grep -c '^breach ' < <(printf '%s\n' "${planted[@]}")))) || {
		echo "other findings than those planted: $findings"
		failed=1
	}
}

found include/rangeguard/new.h '#include "ipam/address/address.h"'
found ipam/address/address.c '#include "plugin/report/error.h"'
found ipam/address/address.c '# include "../plugin/report/error.h"'
found ipam/address/new.c '#include "ipam/guard/guard.h"'
found ipam/guard/guard.c '#include "ipam/store/store.h"'
found ipam/store/new.c '#include "ipam/guard/guard.h"'
found ipam/store/new.c '#include "ipam/lease/lease.h"'
found ipam/lease/new.c '#include "plugin/report/error.h"'
found ipam/address/address.h '#include <jansson.h>'
found ipam/lease/new.c '#include <libmnl/libmnl.h>'
found ipam/lease/new.c '#include <linux/rtnetlink.h>'
found ipam/address/range.c '#include <lmdb.h>'
found plugin/report/error.c '#include <lmdb.h>'
found plugin/report/error.c '#include "plugin/cni/version.h"'
found plugin/report/error.c '#include <netlink/netlink.h>'
found plugin/cni/new.c '#include "plugin/netconf/netconf.h"'
found plugin/text/new.c '#include "plugin/netconf/netconf.h"'
found plugin/netconf/new.c '#include "plugin/network/plan.h"'
found plugin/netconf/new.c '#include "plugin/foreign/declaration.h"'
found plugin/netconf/new.c '#include "plugin/verbs/verbs.h"'
found plugin/policy/new.c '#include "ipam/store/store.h"'
found plugin/policy/new.c '#include "ipam/store/state.h"'
found plugin/policy/new.c '#include "plugin/verbs/context.h"'
found plugin/foreign/new.c '#include "plugin/network/port.h"'
found plugin/network/plan.h '#include "plugin/netconf/netconf.h"'
found plugin/network/new.c '#include "plugin/verbs/verbs.h"'
found plugin/network/new.c '#include "plugin/cni/result.h"'
found plugin/host/new.c '#include "plugin/verbs/context.h"'
found plugin/network/new.c '#include "plugin/snat/fence.h"'
found plugin/snat/new.c '#include "plugin/netconf/netconf.h"'
found plugin/snat/new.c '#include "plugin/cni/result.h"'
found plugin/snat/new.c '#include "plugin/verbs/verbs.h"'
found plugin/host/new.c '#include "plugin/commands/commands.h"'
found plugin/host/new.c '#include "plugin/verbs/context.h"'
found plugin/verbs/new.c '#include "plugin/commands/commands.h"'
found plugin/commands/new.c '#include "plugin/verbs/verbs.h"'
found_folder plugin/new
found plugin/network/new.c '	fd = socket(AF_INET, SOCK_STREAM, 0);'
found plugin/network/new.c '	nl = mnl_socket_open2 (NETLINK_ROUTE, SOCK_CLOEXEC);'
found plugin/snat/new.c '	fd = socket(AF_INET, SOCK_STREAM, 0);'
found plugin/verbs/new.c '	text = getenv("HOME");'
found plugin/verbs/new.c '	*ret = secure_getenv("HOME");'
found plugin/verbs/new.c 'extern char **environ;'
found plugin/verbs/new.c '	if (fork() == 0)'
found plugin/verbs/new.c '	execve(path, argv, envp);'
found plugin/verbs/new.c '	system("nft list ruleset");'
found plugin/netconf/new.c '	n = strtoul(text, NULL, 10);'
found plugin/netconf/new.c '	sprintf(buffer, "%s", text);'

found ipam/store/new.c '	(void)sigaction(SIGRTMIN, &action, NULL);'
found ipam/store/new.c '	if (fchdir(dir_fd) < 0)'
found plugin/agent/new.c '	mask = umask(077);'
found plugin/enforce/new.c '	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);'
found plugin/enforce/new.c '	(void)prlimit(0, RLIMIT_MEMLOCK, &unlimited, NULL);'
found plugin/agent/new.c '	(void)signal(SIGPIPE, SIG_IGN);'
found plugin/verbs/new.c '	(void)setitimer(ITIMER_REAL, &timer, NULL);'
found plugin/verbs/new.c '	program_ignore_failed_writes();'
found plugin/verbs/new.c '	state_wake_by(program_prepare_wake);'
found plugin/commands/new.c '	store_lmdb_on_crash(answer);'
found plugin/host/new.c '	classifier_lift_limit_by(lift);'
found plugin/host/new.c '	r = setns(fd, CLONE_NEWNET);'
found plugin/verbs/new.c '	r = netns_enter(&netns);'
found plugin/program/new.c '#include "plugin/report/error.h"'
found plugin/network/new.c '#include "plugin/program/program.h"'

fine ipam/address/address.c '#include "rangeguard/limits.h"'
fine plugin/report/error.c '#include "ipam/address/address.h"'
fine plugin/commands/new.c '#include "plugin/report/report.h"'
fine plugin/host/new.c '#include "ipam/store/state.h"'
fine plugin/verbs/new.c '#include "plugin/network/plan.h"'
fine plugin/verbs/new.c '/* no getenv() here, and no socket() */'
fine plugin/agent/new.c '	r = sd_event_add_signal(event, NULL, SIGTERM, on_signal, NULL);'
fine ipam/store/new.c '	(void)pthread_sigmask(SIG_UNBLOCK, &mask, &old);'
fine plugin/program/program.h '#include "rangeguard/cleanup.h"'
fine plugin/verbs/new.c ' * never fork() or #include "plugin/commands/commands.h"'
fine plugin/verbs/new.c '	environment(1); port_socket(port); my_fork(); (void)snprintf(a, 1, "x");'

judge
exit "$failed"
