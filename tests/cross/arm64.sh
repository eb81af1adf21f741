#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# arm64.sh: builds for arm64 with Debian's cross compiler and runs `version` and the unit tests with qemu-user. The arm64
# libraries are unpacked below build/sysroot-arm64, by an apt whose lists are there, too: the machine's own list of
# packages and architectures stays as it is.
set -euo pipefail

cd "$(dirname "$0")/../.."
SYSROOT=$PWD/build/sysroot-arm64
PACKAGES=(
	libc6 libc6-dev linux-libc-dev libgcc-s1 libcrypt1
	libjansson-dev libjansson4 libmnl-dev libmnl0
	libnftnl-dev libnftnl11 liblmdb-dev liblmdb0 libxxhash-dev libxxhash0 libcsv-dev libcsv3 zlib1g-dev zlib1g
	libyaml-dev libyaml-0-2 libcmocka-dev libcmocka0 libexpat1-dev libexpat1
)

# apt COMMAND…: an apt of its own
apt()
{
	local state=$SYSROOT.apt

	mkdir -p "$state"/{lists/partial,cache/archives/partial}
	[[ -e "$state/status" ]] || : >"$state/status"
	apt-get -q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::State="$state" -o Dir::State::Lists="$state/lists" \
		-o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" -o Debug::NoLocking=1 "$@"
}

# sysroot: the packages, unpacked
sysroot()
{
	local package

	[[ ! -e "$SYSROOT/done" ]] || return 0
	rm -rf "$SYSROOT"
	mkdir -p "$SYSROOT" "$SYSROOT.apt/debs"
	apt update
	(cd "$SYSROOT.apt/debs" && apt download "${PACKAGES[@]}")
	for package in "$SYSROOT.apt/debs"/*.deb; do
		dpkg-deb -x "$package" "$SYSROOT"
	done
	touch "$SYSROOT/done"
}

sysroot
export RANGEGUARD_SYSROOT=$SYSROOT
cmake --preset dev -B build/arm64 -DCMAKE_TOOLCHAIN_FILE="$PWD/tests/cross/arm64.cmake" -DRANGEGUARD_AGENT=OFF "-DRANGEGUARD_SLOWNESS=$((10 * ${RANGEGUARD_SLOWNESS:-100}))"
cmake --build build/arm64
qemu-aarch64 -L "$SYSROOT" build/arm64/rangeguard version
# Twenty times slower than the machine: the long ones, which look for races or through millions of cases, are tried on the
# machine itself; and qemu-user knows neither the ioctls of namespaces nor netlink's newer options.
ctest --test-dir build/arm64 -j "$(nproc)" --output-on-failure --no-tests=error -L unit -E 'install|cluster_sim|cluster_traces|store|state|blocks|netns|port_mnl|guard$|guard_image|policy_once|ipam_cost|ipam_model|identity|locate$|conntrack' --timeout 600
