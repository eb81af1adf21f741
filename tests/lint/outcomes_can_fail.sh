#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shows that tests/lint/outcomes.sh bites: what breaks each of its rules, planted in a copy of the sources, is found.
set -euo pipefail
cd "$(dirname "$0")/../.."
lint=$PWD/tests/lint/outcomes.sh
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r include ipam plugin "$copy"
"$lint" "$copy" >/dev/null || { echo "the sources themselves have breaches: see lint.outcomes" >&2; exit 1; }
failed=0

# found ENUMERATOR…: an enum of them in a header of its own is found
found()
{
	printf '%s\n' '#include "rangeguard/outcome.h"' "enum ${NAME:-new_outcome} {" "${@/#/$'\t'}" '};' >"$copy/plugin/host/new.h"
	if "$lint" "$copy" &>/dev/null; then
		echo "not found: $*"
		failed=1
	fi
	rm "$copy/plugin/host/new.h"
}

found 'NEW_E_ONE = OUTCOMES_IPAM,'
found 'NEW_E_ONE = OUTCOMES_STATE,' 'NEW_E_TWO,'
found 'NEW_E_ONE = 1,'
found 'NEW_E_ONE = 77,'
found 'NEW_E_ONE,'
NAME=new_kind found 'NEW_E_ONE = 0x7700,'

# found_code TEXT: a function with this body is found
found_code()
{
	printf 'static int f(int r, struct error *err)\n{\n%s\n}\n' "$1" >"$copy/plugin/host/new.c"
	if "$lint" "$copy" &>/dev/null; then
		echo "not found: $1"
		failed=1
	fi
	rm "$copy/plugin/host/new.c"
}

found_code $'\treturn error_set(err, ERROR_STORE, "no: %s", strerror(-r));'
found_code $'\treturn error_set(err, ERROR_STORE, "%s: %s", name,\n\t\t\t strerror(-r));'

exit "$failed"
