#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The README, followed to the letter by somebody who has a bare Debian 12, an account that may use sudo, and a clone: each
# command of the sections "Try it", "Install" and "A first configuration" works, in that order, and leaves nothing of
# root's in the clone. The bare Debian is debootstrap's, in a directory; it shares nothing with this machine but the
# network, which apt needs. Report as lib.sh's.
set -euo pipefail

SOURCE_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SUITE=bookworm
CLONE=/home/newcomer/rangeguard

# commands SECTION: those that the README shows in a section, without their comments
commands()
{
	awk -v section="## $1" '/^## / { inside = $0 == section } /^```/ { fenced = !fenced }
		inside && !fenced && /^    [^ ]/' "$SOURCE_DIR/README.md" |
		sed -E 's/^    //; s/ +# .*//'
}

# configurations: the README's JSON files, each into DIRECTORY/path as the README names it
configurations()
{
	awk -v root="$1" '/^`\/etc\/.*`:/ { split($0, part, "`"); path = root part[2] }
		/^```$/ { if (file) close(file); file = "" }
		file { print >file }
		/^```json$/ && path { file = path; directory = path; sub(/[^\/]*$/, "", directory); system("mkdir -p " directory) }' \
		"$SOURCE_DIR/README.md"
}

# in_root COMMAND…: in the bare Debian, with processes and mounts of its own
in_root()
{
	# shellcheck disable=SC2016 # its own
	unshare --mount --pid --uts --fork --kill-child --propagation private bash -c '
		root=$1; shift
		hostname localhost
		mount --bind "$root" "$root"
		mount -t proc proc "$root/proc"
		mount -t sysfs sysfs "$root/sys"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/run"
		exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM=dumb \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' bash "$root" "$@"
}

# as_newcomer COMMAND: in the clone, by a login shell
as_newcomer()
{
	in_root su - newcomer -c "cd $CLONE && $1" </dev/null
}

# make_root: a bare Debian with an account, the clone, and apt's sources as this machine has them
make_root()
{
	local mirror

	# shellcheck disable=SC2016 # apt's own
	mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Label: Debian" "Codename: $SUITE" | head -n 1)
	debootstrap --variant=minbase --include=git,ca-certificates,sudo "$SUITE" "$root" "$mirror"
	cp -r /etc/apt/sources.list.d/. "$root/etc/apt/sources.list.d"
	[[ ! -s /etc/apt/sources.list ]] || cp /etc/apt/sources.list "$root/etc/apt/sources.list"
	cp /etc/apt/apt.conf.d/*registry* "$root/etc/apt/apt.conf.d" 2>/dev/null || true
	cp --dereference /etc/resolv.conf "$root/etc/resolv.conf"
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 0755 "$root/usr/sbin/policy-rc.d"
	chroot "$root" useradd --create-home --shell /bin/bash newcomer
	echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/newcomer"
	git -c safe.directory='*' clone --quiet "$SOURCE_DIR" "$root$CLONE"
	chroot "$root" chown -R newcomer: /home/newcomer
	in_root apt-get -q update
}

# step NAME COMMAND…: one result
step()
{
	local name=$1
	local -i status=1

	shift
	# What comes after a step that failed can't be judged.
	if ((failed == 0)); then
		set +e
		(
			set -e
			"$@"
		) >"$scratch/log" 2>&1
		status=$?
		set -e
	fi
	if ((status == 0)); then
		echo "ok $name"
		((passed += 1))
	else
		echo "not ok $name: $(tail -n 30 "$scratch/log")"
		((failed += 1))
	fi
}

follow()
{
	local command

	while IFS= read -r command; do
		step "${command%%;*}" as_newcomer "$command"
	done < <(commands "$1")
}

# clone_is_the_newcomers: nothing in it became root's
clone_is_the_newcomers()
{
	[[ -z "$(find "$root$CLONE" ! -user "$(stat -c %u "$root/home/newcomer")" -print -quit | tee /dev/stderr)" ]]
}

# first_configuration: what the README writes is valid, an ADD takes it, and the list shows it
first_configuration()
{
	configurations "$root"
	cp "$root/etc/rangeguard/reserved.d/dba.json" "$root/etc/cni/net.d/10-pods.conflist" "$root$CLONE"
	while IFS= read -r command; do
		as_newcomer "$command"
	done < <(commands "A first configuration")
}

# shellcheck disable=SC2317 # called by a trap
clean_up()
{
	rm -rf --one-file-system "$scratch"
}

scratch='' root=''
declare -i passed=0 failed=0

main()
{
	mkdir -p "$SOURCE_DIR/build"
	scratch=$(mktemp -d "$SOURCE_DIR/build/newcomer.XXXXXX")
	root=$scratch/root
	trap clean_up EXIT
	trap 'exit 143' INT TERM HUP
	step "a bare Debian with a clone" make_root
	follow "Try it"
	follow "Install"
	step "the clone stays the newcomer's" clone_is_the_newcomers
	step "the first configuration" first_configuration
	echo "$passed passed, $failed failed"
	((failed == 0))
}

main "$@"
