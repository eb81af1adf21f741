#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shows that tests/lint/names.sh bites: what breaks each of its rules, planted in a copy of the sources, is found.
set -euo pipefail
cd "$(dirname "$0")/../.."
lint=$PWD/tests/lint/names.sh
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r include ipam plugin "$copy"
"$lint" "$copy" >/dev/null || { echo "the sources themselves have breaches: see lint.names" >&2; exit 1; }
failed=0

# found FILE LINE…: a file of these lines is found
found()
{
	local file=$1

	shift
	printf '%s\n' "$@" >"$copy/$file"
	if "$lint" "$copy" &>/dev/null; then
		echo "not found: $file: $*"
		failed=1
	fi
	rm "$copy/$file"
}

found plugin/host/new.c 'struct lease {' '	int a;' '};'
found plugin/host/new.h 'struct lease {' '	int a;' '};'
found plugin/host/new.c 'enum lease {' '	LEASE_A,' '};'
found plugin/host/new.c 'static const struct lease {' '	int a;' '} all[] = {{1}};'
found plugin/host/new.c 'typedef int (*ipam_each_fn)(void *userdata);'
found plugin/host/new.c 'typedef unsigned lease;'
found plugin/host/new.c 'struct twice {' '	int a;' '};' 'union twice {' '	int a;' '};'
found plugin/host/asker.c '/* A word of our own */'
found plugin/host/new.c '	log_line("the store is made anew");'
found plugin/host/new.c '	log_line("no address is to be had");'
found plugin/man/new.1.scd 'Each block is held against a checksum.'
found ipam/lease/lease_utils.c '/* No subject */'

exit "$failed"
