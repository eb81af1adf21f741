#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# static-libmnl.sh DIRECTORY: libmnl's archive below DIRECTORY/lib, where the release preset looks for it in build/archives.
# Debian 12's libmnl-dev has none; Debian 13's has, and is taken from the mirror that this machine uses, by apt, with its
# signatures. Nothing is installed. Does nothing where there is an archive.
set -euo pipefail

SUITE=trixie

# apt COMMAND…: with state of its own, so that the machine's suites stay what they are
apt()
{
	apt-get -q -o Dir::Etc::SourceList="$scratch/sources.list" -o Dir::Etc::SourceParts="$scratch/none" \
		-o Dir::State::Lists="$scratch/lists" -o Dir::Cache="$scratch/cache" -o APT::Sandbox::User=root \
		-o Acquire::Retries=3 -o Acquire::Languages=none "$@"
}

# fetch: Debian 13's package, unpacked in $scratch
fetch()
{
	local mirror

	# shellcheck disable=SC2016 # apt expands it
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
	mkdir -p "$scratch"/{none,lists/partial,cache/archives/partial}
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian/} $SUITE main" \
		>"$scratch/sources.list"
	apt update && (cd "$scratch" && apt download libmnl-dev) && dpkg-deb -x "$scratch"/libmnl-dev_*.deb "$scratch"
}

main()
{
	local architecture target

	architecture=$(cc -print-multiarch)
	target=$1/lib/$architecture
	[[ ! -e "$target/libmnl.a" && ! -e "/usr/lib/$architecture/libmnl.a" ]] || exit 0
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	trap 'exit 143' INT TERM
	fetch >"$scratch/log" 2>&1 || {
		cat "$scratch/log" >&2
		echo "static-libmnl.sh: no archive of libmnl to be had from $SUITE: a release will need libmnl0 and libc6 on a node" >&2
		exit 1
	}
	mkdir -p "$target"
	install -m 0644 "$scratch/usr/lib/$architecture/libmnl.a" "$target"
}

if (($# != 1)); then
	echo "Usage: tests/static-libmnl.sh DIRECTORY" >&2
	exit 2
fi
main "$1"
