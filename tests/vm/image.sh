#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# image.sh DIRECTORY KERNEL…: makes what the virtual machines of run.sh boot, unless it is there already: a minimal Debian 12
# of debootstrap's in DIRECTORY/root, and for each of Debian's kernels asked for (stable, and the one of backports)
# DIRECTORY/KERNEL/ with vmlinuz, the first stage initrd.cpio, and the disk root.ext4. Nothing is installed on this machine;
# all comes from the mirror that its apt uses.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SUITE=bookworm
KEY=/usr/share/keyrings/debian-archive-keyring.gpg
# What the tests call, and what the plugin is linked to
PACKAGES=(iproute2 nftables iptables iputils-ping jq conntrack socat strace procps kmod busybox-static ethtool
	containernetworking-plugins libmnl0 libnftnl11 libjansson4 liblmdb0 libnl-3-200 libxxhash0)
# Those of the kernel's modules that a network needs, as paths below kernel/
MODULES=(net lib crypto arch/x86/crypto fs/ext4 fs/jbd2 fs/mbcache.ko fs/overlayfs drivers/virtio drivers/block drivers/net/virtio_net.ko
	drivers/net/bonding drivers/net/dummy.ko drivers/net/ifb.ko drivers/net/ipvlan drivers/net/macvlan.ko drivers/net/tun.ko
	drivers/net/veth.ko drivers/net/vrf.ko drivers/net/vxlan drivers/net/vxlan.ko)
# What the first stage needs to find the disk
FIRST_MODULES=(virtio_pci virtio_blk ext4)

# repository LABEL CODENAME: its address, as apt uses it
repository()
{
	# shellcheck disable=SC2016 # apt's own
	apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Label: $1" "Codename: $2" | head -n 1
}

# apt_private COMMAND…: an apt of our own beside the machine's, which knows backports, too
apt_private()
{
	"apt-$1" -q -o Dir::Etc::SourceList="$DIRECTORY/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$DIRECTORY/apt/lists" -o Dir::Cache="$DIRECTORY/apt/cache" -o APT::Sandbox::User=root "${@:2}"
}

# update: the lists of packages
update()
{
	local uri security

	uri=$(repository Debian "$SUITE")
	security=$(repository Debian-Security "$SUITE-security")
	[[ -n "$uri" ]] || { echo "image.sh: apt knows no mirror of Debian $SUITE" >&2; return 1; }
	mkdir -p "$DIRECTORY/apt/lists/partial" "$DIRECTORY/apt/cache/archives/partial"
	{
		echo "deb [signed-by=$KEY] $uri $SUITE main"
		echo "deb [signed-by=$KEY] $uri $SUITE-backports main"
		[[ -z "$security" ]] || echo "deb [signed-by=$KEY] $security $SUITE-security main"
	} >"$DIRECTORY/apt/sources.list"
	apt_private get update
}

# make_root: the distribution, without what nobody reads in there
make_root()
{
	local root=$DIRECTORY/root.new

	rm -rf "$root" "$DIRECTORY/root"
	debootstrap --variant=minbase --keyring="$KEY" --include="$(IFS=,; echo "${PACKAGES[*]}")" "$SUITE" "$root" "$(repository Debian "$SUITE")"
	rm -rf "$root"/usr/share/{doc,man,locale,info,perl} "$root"/var/lib/apt/lists "$root"/var/cache/apt/archives/*.deb
	mv "$root" "$DIRECTORY/root"
}

# package_of stable|backports: the kernel's package
package_of()
{
	local name=linux-image-amd64

	[[ "$1" == stable ]] || name+=/$SUITE-$1
	apt_private cache depends "$name" | sed -n 's/^ *Depends: //p' | head -n 1
}

# unpack_kernel stable|backports PACKAGE: vmlinuz and modules, those with lists of what needs what
unpack_kernel()
{
	local into=$DIRECTORY/$1 version=${2#linux-image-} module kernel

	rm -rf "$into"
	mkdir -p "$into/all" "$into/tree/lib/modules/$version/kernel"
	(cd "$into" && apt_private get download "$2" && dpkg-deb --fsys-tarfile ./*.deb | tar -x -C all ./boot ./lib/modules && rm ./*.deb)
	mv "$into/all/boot/vmlinuz-$version" "$into/vmlinuz"
	kernel=$into/all/lib/modules/$version/kernel
	for module in "${MODULES[@]}"; do
		[[ -e "$kernel/$module" || ! -e "$kernel/$module.xz" ]] || module+=.xz
		[[ ! -e "$kernel/$module" ]] || (cd "$kernel" && cp -a --parents "$module" "$into/tree/lib/modules/$version/kernel")
	done
	find "$into/tree" -name '*.xz' -exec xz -d {} +
	cp "$into/all/lib/modules/$version"/modules.{builtin,builtin.modinfo,order} "$into/tree/lib/modules/$version"
	rm -rf "$into/all"
	depmod -b "$into/tree" "$version"
}

# first_stage stable|backports VERSION: an initramfs that mounts the disk
first_stage()
{
	local into=$DIRECTORY/$1 stage=$DIRECTORY/$1/first module path

	mkdir -p "$stage"/{bin,modules,dev,proc,disk}
	cp "$DIRECTORY/root/bin/busybox" "$stage/bin/busybox"
	install -m 0755 "$HERE/init" "$stage/init"
	for module in "${FIRST_MODULES[@]}"; do
		while read -r _ path _; do
			[[ -e "$stage/modules/${path##*/}" ]] || echo "${path##*/}" >>"$stage/modules/order"
			cp "$path" "$stage/modules/"
		done < <(modprobe -d "$into/tree" -S "$2" --show-depends "$module" | grep ^insmod)
	done
	(cd "$stage" && find . | busybox cpio -o -H newc) >"$into/initrd.cpio"
	rm -rf "$stage"
}

# make_kernel stable|backports
make_kernel()
{
	local into=$DIRECTORY/$1 package version

	package=$(package_of "$1")
	[[ -n "$package" ]] || { echo "image.sh: the mirror has no linux-image-amd64 in $1 of Debian $SUITE" >&2; return 1; }
	version=${package#linux-image-}
	unpack_kernel "$1" "$package"
	first_stage "$1" "$version"
	rm -rf "$into/tree/usr"
	cp -a "$DIRECTORY/root" "$into/disk"
	cp -a "$into/tree/lib/modules" "$into/disk/usr/lib/"
	mke2fs -q -t ext4 -L rangeguard -d "$into/disk" "$into/root.ext4" 768M
	rm -rf "$into/disk" "$into/tree"
	echo "$version" >"$into/version"
}

# is_made DIRECTORY: by this version of this
is_made()
{
	[[ "$stamp" == "$(cat "$1/stamp" 2>/dev/null)" ]]
}

main()
{
	local DIRECTORY stamp kernel
	local -a missing=()

	mkdir -p "$1"
	DIRECTORY=$(realpath "$1")
	# One at a time
	exec 9>"$DIRECTORY/lock"
	flock 9
	stamp=$(cat "${BASH_SOURCE[0]}" "$HERE/init" | sha256sum)
	for kernel in "${@:2}"; do
		is_made "$DIRECTORY/$kernel" || missing+=("$kernel")
	done
	((${#missing[@]} > 0)) || return 0
	update
	if ! is_made "$DIRECTORY"; then
		make_root
		echo "$stamp" >"$DIRECTORY/stamp"
	fi
	for kernel in "${missing[@]}"; do
		make_kernel "$kernel"
		echo "$stamp" >"$DIRECTORY/$kernel/stamp"
	done
}

# What debootstrap mounts and starts goes with this script, and this script with who called it, however that ends.
if [[ "${1-}" != --inside ]]; then
	exec setpriv --pdeathsig KILL unshare --mount --pid --mount-proc --fork --kill-child --propagation private \
		"$0" --inside "$@"
fi
main "${@:2}"
