#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# install-packages.sh PACKAGE…: installs those Debian packages that are missing; does nothing if none is.
set -euo pipefail

missing=()
for package in "$@"; do
	[[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" == installed ]] || missing+=("$package")
done
if ((${#missing[@]} > 0)); then
	echo "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q
	apt-get install -q -y --no-install-recommends "${missing[@]}"
fi
