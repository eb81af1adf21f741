#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One word per thing: no struct, enum, union or typedef is defined under a name that another one has somewhere else in the
# tree, no name of a file needs an explanation, and no phrase that people read. tests/lint/names_can_fail.sh shows that this bites.
#
# Usage: tests/lint/names.sh [SOURCE_DIR]
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

failed=0

# Each definition as NAME FILE:LINE, whatever its kind: struct, enum and union share a space in C, and readers one head
# shellcheck disable=SC2016 # awk's own
definitions=$(find include ipam plugin -name '*.[ch]' | sort | xargs -r awk '
	match($0, /^(static |const |extern )*(struct|enum|union) [a-z_0-9]+ \{/) {
		name = substr($0, RSTART, RLENGTH - 2); sub(/.* /, "", name); print name, FILENAME ":" FNR
	}
	/^typedef / && match($0, /\(\*[a-z_0-9]+\)/) { print substr($0, RSTART + 2, RLENGTH - 3), FILENAME ":" FNR }
	/^typedef / && match($0, / [a-z_0-9]+;$/) { print substr($0, RSTART + 1, RLENGTH - 2), FILENAME ":" FNR }')
[[ -n "$definitions" ]] || { echo "no definitions in $PWD" >&2; exit 2; }
while read -r name; do
	awk -v name="$name" '$1 == name { print $2 ": " name " is the name of something else, too" }' <<<"$definitions"
	failed=1
done < <(cut -d' ' -f1 <<<"$definitions" | sort | uniq -d)

# Words of our own for what the field has one for (plugin/README.md): each as a whole word of a file's name
while read -r file; do
	echo "$file: a word of our own: see the glossary in plugin/README.md"
	failed=1
done < <(find include ipam plugin -name '*.[ch]' | sort |
	grep -E '(/|_)(arms|muster|enlist|know|crowd|doom|asker|holding|texts|netwalk|util|utils|misc|helper|helpers|common)(_|\.)' || true)

# Phrases that a native reader stumbles over, wherever people read: in texts of the program, man pages, examples, the README
while read -r line; do
	echo "$line: say it in plain English: check against, again, rebuilt, available"
	failed=1
done < <({
	grep -rnE --include='*.[ch]' '"[^"]*(\banew\b|held against|to be had\b)' include ipam plugin || true
	find . -maxdepth 1 -name '*.md' -print0 | xargs -0r grep -nE '\banew\b|held against|to be had\b' || true
	find plugin/man conf-examples -type f -print0 2>/dev/null | xargs -0r grep -nE '\banew\b|held against|to be had\b' || true
} | cut -c1-160)

exit "$failed"
