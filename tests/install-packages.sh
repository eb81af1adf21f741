#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# install-packages.sh PACKAGE…: installs those Debian packages that are missing; does nothing if none is. It never removes
# a package (Docker's containerd.io and Debian's containerd exclude each other, and either will do) and starts no service.
set -euo pipefail

# Asked before a service is started (invoke-rc.d(8), deb-systemd-invoke(1p))
POLICY=${RANGEGUARD_POLICY_RC_D:-/usr/sbin/policy-rc.d}
MARK='# made by tests/install-packages.sh of rangeguard'

# installed: names of the packages that are there, and of what they provide
installed()
{
	dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' |
		sed -n 's/^installed //p' | sed 's/([^)]*)//g; s/,/ /g' | tr -s ' ' '\n'
}

# start_no_service: until this script ends, $POLICY says so. One that the machine has is covered, in the mount namespace of
# this script; one that it does not have is there meanwhile.
start_no_service()
{
	printf '#!/bin/sh\n%s\nexit 101\n' "$MARK" >"$scratch/policy"
	chmod 0755 "$scratch/policy"
	if [[ -e "$POLICY" ]] && ! grep -qF "$MARK" "$POLICY"; then
		mount --bind "$scratch/policy" "$POLICY"
	else
		made=$POLICY
		cp -p "$scratch/policy" "$POLICY"
	fi
}

# apt COMMAND…: waits for whoever else uses it
apt()
{
	local -i tries=60

	until DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 "$@" 2>"$scratch/errors"; do
		cat "$scratch/errors" >&2
		grep -q 'Could not get lock' "$scratch/errors" && ((tries-- > 0)) || return 1
		sleep 5
	done
}

# shellcheck disable=SC2317 # called by a trap
clean_up()
{
	[[ -z "$made" ]] || rm -f "$made"
	# It is a mount's source, which can be removed.
	rm -rf "$scratch"
}

main()
{
	local package made='' scratch
	local -a missing=()

	scratch=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 143' INT TERM
	installed >"$scratch/installed"
	for package in "$@"; do
		grep -qxF "$package" "$scratch/installed" || missing+=("$package")
	done
	((${#missing[@]} > 0)) || exit 0
	echo "installing ${missing[*]}"
	start_no_service
	apt update
	apt install -y --no-remove --no-install-recommends "${missing[@]}" || {
		echo "install-packages.sh: could not install ${missing[*]}, see above. Nothing is removed to make room for them:" \
			"where they conflict with what is installed, use another machine, or stages that do not need them" >&2
		exit 1
	}
	exit 0
}

if [[ "${1-}" != --inside ]]; then
	exec unshare --mount --propagation private "$0" --inside "$@"
fi
main "${@:2}"
