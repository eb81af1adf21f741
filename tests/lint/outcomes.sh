#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No outcome of one module equals another's: all enumerators of all `enum …_outcome` go into one switch, in which the
# compiler refuses two labels of one value. And what is called …_E_… stands in such an enum, which begins at its module's
# number in include/rangeguard/outcome.h. Nor does ENOMEM become another code than 11 by hand. tests/lint/outcomes_can_fail.sh shows that each of these bites.
#
# Usage: tests/lint/outcomes.sh [SOURCE_DIR]
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

mapfile -t headers < <(grep -rlE '^enum \w*(_outcome|_verdict) \{' --include='*.h' ipam plugin | sort)
[[ ${#headers[@]} -gt 0 ]] || { echo "no outcomes in $PWD" >&2; exit 2; }

# Each enumerator of these enums as FILE:NAME:VALUE, the value as it is written
listing=$(awk '/^enum [a-z_]*(_outcome|_verdict) \{/ { inside = 1; next } /^};/ { inside = 0 }
	inside && match($0, /^\t[A-Z0-9_]+/) {
		name = substr($0, 2, RLENGTH - 1); rest = substr($0, RLENGTH + 1)
		value = match(rest, /^ = [A-Za-z0-9_]+/) ? substr(rest, 4, RLENGTH - 3) : ""
		print FILENAME ":" name ":" value
	}' "${headers[@]}")
# Verdicts of callbacks are no outcomes: they go back to who asked, and nowhere else.
listing=$(grep -vE ':(IPAM_VERDICT_|HOSTROUTE_FREE:)' <<<"$listing")
failed=0

# complain TEXT: that it is a breach
complain()
{
	echo "$1"
	failed=1
}

while read -r literal; do
	complain "$literal: an outcome begins at its module's number in include/rangeguard/outcome.h"
done < <(grep -E ':[^:]*:.+' <<<"$listing" | grep -vE ':OUTCOMES_[A-Z0-9_]+$' || true)
while read -r stray; do
	grep -q ":$stray:" <<<"$listing" || complain "$stray is not in an enum that is called …_outcome"
done < <(grep -rhoE --include='*.[ch]' '^\s+[A-Z0-9_]+_E_[A-Z0-9_]+(,| = |$)' ipam plugin | grep -oE '[A-Z0-9_]+' | grep _E_ | sort -u)

# Out of memory is one code: who puts an errno into an error has error_set_errno() do it, or asks for ENOMEM himself.
while read -r place; do
	complain "$place: an errno in an error, which may be ENOMEM: error_set_errno() knows its code"
done < <(find plugin -name '*.c' ! -path 'plugin/commands/*' | sort | while read -r file; do
	awk -v file="$file" 'BEGIN { RS = "\n}\n" } /(error_set|refuse_with)\([^;]*strerror\(-/ && !/ENOMEM|error_code_of/ {
		match($0, /[a-z_0-9]+\([^()]*\)\n\{/); print file ":" substr($0, RSTART, index(substr($0, RSTART), "(") - 1) }' "$file"
done)

read -ra flags <<<"$(pkg-config --cflags libmnl libnftnl jansson)"
{
	printf '#include "%s"\n' "${headers[@]}"
	echo 'int check(int outcome); int check(int outcome) { switch (outcome) { case 0: case 1:'
	cut -d: -f2 <<<"$listing" | sed 's/.*/case &:/'
	echo 'return 1; default: return 0; } }'
} | "${CC:-cc}" -std=c17 -D_GNU_SOURCE -I. -Iinclude "${flags[@]}" -fsyntax-only -x c - ||
	complain "two outcomes are equal"

exit "$failed"
