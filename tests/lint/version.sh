#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# version.sh PROGRAM VERSION: the program says that it is of that version of the project, and CHANGELOG.md begins with what
# is new in it. Nothing else in the tree has to be changed for a release.
set -euo pipefail
cd "$(dirname "$0")/../.."

said=$("$1" --version | sed -n '1s/^rangeguard \([0-9.]*\).*/\1/p')
[[ "$said" == "$2" ]] || { echo "$1 --version says '$said', not $2" >&2; exit 1; }
first=$(sed -n 's/^## \([0-9.]*\).*/\1/p' CHANGELOG.md | head -n 1)
[[ "$first" == "$2" ]] || { echo "CHANGELOG.md begins with '$first', not $2" >&2; exit 1; }
