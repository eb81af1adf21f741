#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# quickstart.sh: rangeguard's main job, on a fresh Debian 12, as root. Installs what the build needs, builds, and shows
# two containers (network namespaces) that talk, and a reserved range that is refused and whose owner is named.
# Everything happens in a network and mount namespace of its own: the machine's network, /etc and /var/log stay as they are.
set -euo pipefail

cd "$(dirname "$0")/.."
PATH=$PWD/build/release:$PATH
PACKAGES=(
	cmake ninja-build gcc libc6-dev clang pkg-config iproute2 iputils-ping jq
	libjansson-dev libmnl-dev libnftnl-dev liblmdb-dev libxxhash-dev libcsv-dev zlib1g-dev libyaml-dev libexpat1-dev
	libsystemd-dev libmicrohttpd-dev libcurl4-gnutls-dev
)

# title TEXT
title()
{
	printf '\n# %s\n' "$*"
}

# show COMMAND…: prints the command and runs it
show()
{
	printf '$ %s\n' "$*"
	"$@" | sed 's/^/  /'
}

# must_fail COMMAND…
must_fail()
{
	if "$@"; then
		echo "quickstart: must have been refused" >&2
		exit 1
	fi
}

# cni VERB CONTAINER CONF: calls rangeguard as a container runtime does, for eth0 in the network namespace of that name;
# prints the command, and the addresses given or the error
cni()
{
	local -a environment
	local output status=0

	environment=("CNI_COMMAND=$1" "CNI_CONTAINERID=$2" "CNI_NETNS=/run/netns/$2" CNI_IFNAME=eth0 CNI_PATH=/opt/cni/bin)
	printf '$ %s rangeguard <%s\n' "${environment[*]}" "$3"
	output=$(env "${environment[@]}" rangeguard <"$3") || status=$?
	[[ -z "$output" ]] ||
		jq -r 'if .code then "  error \(.code): \(.msg)" else "  eth0 has \(.ips[].address)" end' <<<"$output"
	return "$status"
}

# address CONTAINER: its IPv4 address
address()
{
	ip -json -n "$1" address show dev eth0 | jq -r '.[0].addr_info[] | select(.family == "inet").local'
}

# as_owner COMMAND…: as whoever the checkout belongs to, so that nothing in it becomes root's
as_owner()
{
	local owner

	owner=$(stat -c %U .)
	if [[ "$owner" == root || "$owner" == UNKNOWN ]]; then
		"$@"
	else
		runuser -u "$owner" -- "$@"
	fi
}

# missing: those of PACKAGES that are not installed
missing()
{
	local package

	for package in "${PACKAGES[@]}"; do
		[[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || echo "$package"
	done
}

# progress: the build's lines as one that counts, on a terminal; as they are elsewhere, one in fifty
progress()
{
	local line
	local -i n=0

	while IFS= read -r line; do
		if [[ -t 1 ]]; then
			printf '\r  %.70s\033[K' "$line"
		elif ((n++ % 50 == 0)); then
			printf '  %s\n' "$line"
		fi
	done
	[[ ! -t 1 ]] || printf '\r\033[K'
}

# run LOG COMMAND…: prints the command and shows its progress; all of its output if it fails
run()
{
	local log=$1

	shift
	printf '$ %s\n' "${*#as_owner}" | sed 's/^\$  */$ /'
	"$@" 2>&1 </dev/null | tee "$log" | progress || {
		cat "$log"
		exit 1
	}
}

# prepare: packages and build
prepare()
{
	local log packages

	log=$(mktemp)
	# shellcheck disable=SC2064 # its name now
	trap "rm -f '$log'" EXIT
	title "What the build needs"
	packages=$(missing)
	if [[ -n "$packages" ]]; then
		echo "  to be installed from Debian, nothing is removed:"
		# shellcheck disable=SC2086 # a word each
		printf '    %s\n' $packages
		run "$log" tests/install-packages.sh "${PACKAGES[@]}"
	else
		echo "  everything is installed"
	fi
	title "The build"
	run "$log" as_owner cmake --preset release
	run "$log" as_owner cmake --build --preset release
	rm -f "$log"
	trap - EXIT
}

# make_host: what is to stand in for a host: nothing but lo, an empty /run, an empty /var/log, an /etc whose changes vanish
make_host()
{
	mount -t tmpfs -o mode=0755 tmpfs /run
	mount -t tmpfs -o mode=0755 tmpfs /var/log
	mkdir -p /run/etc/upper /run/etc/work
	mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work overlay /etc
	ip link set lo up
}

demonstrate()
{
	local left held

	trap 'exit 130' INT TERM
	make_host
	title "The database people reserve 10.20.0.0/16"
	show install -D -m 0644 conf-examples/policy.json /etc/rangeguard/reserved.d/policy.json

	title "Two containers get addresses from 10.30.0.0/24 and talk"
	show rangeguard validate conf-examples/minimal.conflist
	jq '{name, cniVersion} + .plugins[0]' conf-examples/minimal.conflist >/run/pods.json
	show ip netns add web
	show ip netns add api
	cni ADD web /run/pods.json
	cni ADD api /run/pods.json
	held=$(address api)
	show ip netns exec web ping -n -q -c 1 -W 2 "$held"
	show rangeguard list

	title "Somebody takes a range of the database people: both the validation and the start of a container refuse it"
	sed 's,10\.30\.0\.0/24,10.20.5.0/24,' /run/pods.json >/run/mistake.json
	must_fail show rangeguard validate --policy conf-examples/policy.json /run/mistake.json
	show ip netns add batch
	must_fail cni ADD batch /run/mistake.json

	title "The containers end, and nothing is left"
	cni DEL web /run/pods.json
	cni DEL api /run/pods.json
	show rangeguard list
	show rangeguard who "$held"
	show ip -brief link
	left=$(rangeguard list --format json | jq '[.. | objects | select(has("address"))] | length')
	if [[ "$left" != 0 ]] || ip -brief link | grep '^rg'; then
		echo "quickstart: something is left" >&2
		exit 1
	fi
	title "Done. To use it: sudo cmake --install build/release, and see README.md"
}

if ((EUID != 0)); then
	echo "quickstart: must run as root (sudo $0)" >&2
	exit 2
elif [[ "${1-}" == --inside ]]; then
	demonstrate
else
	prepare
	exec unshare --net --mount --propagation private --pid --mount-proc --fork --kill-child \
		"$PWD/conf-examples/quickstart.sh" --inside
fi
