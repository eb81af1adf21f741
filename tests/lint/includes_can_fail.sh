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

# with FILE LINE: status of the lint with LINE at the end of FILE, which is made if need be; its output in $findings
with()
{
	local file=$copy/$1 status=0
	mkdir -p "$(dirname "$file")"
	[[ ! -e "$file" ]] || cp "$file" "$copy/kept"
	printf '%s\n' "$2" >>"$file"
	findings=$("$lint" "$copy" 2>/dev/null) || status=$?
	rm "$file"
	[[ ! -e "$copy/kept" ]] || mv "$copy/kept" "$file"
	return "$status"
}

# found FILE LINE: this is a breach, and the only one, at that line
found()
{
	local line=1
	[[ ! -e "$copy/$1" ]] || line=$(($(wc -l <"$copy/$1") + 1))
	if with "$1" "$2" || [[ "$findings" != "$1:$line: "* || "$findings" == *$'\n'* ]]; then
		echo "not found in $1: $2"
		failed=1
	fi
}

# found_folder FOLDER: a source in a folder that no rule is written for is a breach
found_folder()
{
	if with "$1/new.c" '#include <stdio.h>' || [[ "$findings" != "$1:1: "* ]]; then
		echo "not found: $1"
		failed=1
	fi
}

# fine FILE LINE: this is no breach
fine()
{
	if ! with "$1" "$2"; then
		echo "wrongly found: $findings"
		failed=1
	fi
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
found plugin/netconf/new.c '#include "plugin/foreign/usage.h"'
found plugin/netconf/new.c '#include "plugin/verbs/verbs.h"'
found plugin/policy/new.c '#include "ipam/store/store.h"'
found plugin/policy/new.c '#include "plugin/verbs/context.h"'
found plugin/foreign/new.c '#include "plugin/policy/policy.h"'
found plugin/network/plan.h '#include "plugin/netconf/netconf.h"'
found plugin/network/new.c '#include "plugin/verbs/verbs.h"'
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

fine ipam/address/address.c '#include "rangeguard/limits.h"'
fine plugin/report/error.c '#include "ipam/address/address.h"'
fine plugin/commands/new.c '#include "plugin/report/report.h"'
fine plugin/verbs/new.c '#include "plugin/network/plan.h"'
fine plugin/verbs/new.c '/* no getenv() here, and no socket() */'
fine plugin/verbs/new.c ' * never fork() or #include "plugin/commands/commands.h"'
fine plugin/verbs/new.c '	environment(1); port_socket(port); my_fork(); (void)snprintf(a, 1, "x");'

exit "$failed"
