#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The README, followed to the letter by somebody who has a bare Debian 12, an account that may use sudo, and a clone: each
# command of the sections "Try it", "Install" and "A first configuration" works, in that order, and leaves nothing of
# root's in the clone. Then the guides to podman, monitoring, migration and pins, each command of them, by root on the same
# machine. The bare Debian is debootstrap's, in a directory; it shares nothing with this machine but the network, which apt
# needs; what the guides have beside apt runs in a network namespace of its own. Report as lib.sh's.
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
	# shellcheck disable=SC2086 # an option or none
	unshare --mount --pid --uts ${NET-} --fork --kill-child --propagation private bash -c '
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

# guide_commands NAME: those that a guide shows
guide_commands()
{
	sed -nE '/^    [a-z]/{:a;/\\$/{N;s/\\\n *//;ta};s/^ *//p}' "$SOURCE_DIR/conf-examples/$1/README.md" | grep -v '^container  *host$'
}

# guide_setting NAME: what a guide has for /etc/containers/containers.conf. What follows is this machine's: an image without a
# registry, and no control groups or limits below those of a container that the tests run in
guide_setting()
{
	mkdir -p "$root/etc/containers"
	# shellcheck disable=SC2016 # Markdown's own
	sed -n '/^```toml$/,/^```$/{//!p}' "$SOURCE_DIR/conf-examples/$1/README.md" >"$root/etc/containers/containers.conf"
	[[ ! -s "$root/etc/containers/containers.conf" ]] || cat >>"$root/etc/containers/containers.conf" <<-'EOF'
		[containers]
		cgroups = "disabled"
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "none"
		runtime = "crun"
	EOF
}

# What the guides take for granted: a host with an uplink, podman's image, and for all but podman's a container that runs. The
# commands follow on standard input, a line each; the first one that fails ends it.
# shellcheck disable=SC2016 # the bare Debian's bash expands it
FOLLOWER='set -e
cd "$1"
ip link set lo up
ip link add up0 type veth peer name up1
ip link set up0 up
ip address add 192.0.2.1/24 dev up0
if [[ "$2" == podman ]]; then
	mount -t cgroup2 none /sys/fs/cgroup
	mkdir -p /tmp/image/bin
	cp /bin/busybox /tmp/image/bin/
	tar -C /tmp/image -cf /tmp/image.tar .
	podman import -q /tmp/image.tar localhost/busybox:test
else
	mkdir -p /etc/cni/net.d
	cp conf-examples/kubernetes/10-pods.conflist /etc/cni/net.d
	ip netns add c1
	jq "{name, cniVersion} + .plugins[0] | .ipam.ranges = [[{subnet: \"10.30.0.0/24\", rangeStart: \"10.30.0.7\"}]]" \
		conf-examples/kubernetes/10-pods.conflist >/tmp/conf.json
	CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_NETNS=/run/netns/c1 CNI_IFNAME=eth0 CNI_PATH=/opt/cni/bin /opt/cni/bin/rangeguard </tmp/conf.json
fi
while IFS= read -r command; do
	# 169.254.1.1 is the gateway that rangeguard gives, and no other plugin.
	command=${command//IMAGE/localhost/busybox:test /bin/busybox grep 0101FEA9 /proc/net/route}
	command=${command/2026-11-28 14:00/$(date -u "+%F %T").999}
	echo "> $command"
	bash -c "$command" </dev/null
done'

# follow_guide NAME: apt with this machine network, all else without
follow_guide()
{
	local command

	guide_setting "$1"
	while IFS= read -r command; do
		in_root env DEBIAN_FRONTEND=noninteractive bash -c "${command/apt-get/apt-get -y}" </dev/null
	done < <(guide_commands "$1" | grep '^apt-get ')
	guide_commands "$1" | grep -v '^apt-get ' | NET=--net in_root bash -c "$FOLLOWER" bash "$CLONE" "$1"
}

# guides: what those of them say, on the machine that followed the README
guides()
{
	local name

	# For the follower, not for the guides; nftables is named in the guide to pins.
	step "programs of the follower" in_root apt-get -y -q install --no-remove iproute2 jq busybox-static nftables
	for name in podman monitoring migration snat; do
		step "the guide to $name" follow_guide "$name"
	done
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
	guides
	echo "$passed passed, $failed failed"
	((failed == 0))
}

main "$@"
