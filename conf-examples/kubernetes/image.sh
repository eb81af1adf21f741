#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# image.sh ARCHIVE [TAG]: makes the image that the DaemonSet runs, an archive for `skopeo copy`, `ctr image import` or
# `podman load`. With buildah: no daemon, no registry, no base image. In it are the program and the agent of build/release,
# the libraries that these need, and busybox for the install script.
set -euo pipefail

archive=$(realpath -m "$1")
tag=${2:-rangeguard:$(sed -nE 's/^project\(rangeguard VERSION ([0-9.]+).*/\1/p' "$(dirname "$0")/../../CMakeLists.txt")}
cd "$(dirname "$0")/../.."
build=${RANGEGUARD_BUILD:-build/release}
# Its storage is its own, and goes with it.
storage=$(mktemp -d)
buildah=(buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs)
trap 'rm -rf "$storage"' EXIT

# files: what goes into the image: program, agent, and the libraries that the loader finds for them
root=$storage/image
mkdir -p "$root/bin" "$root/usr/bin" "$root/usr/sbin" "$root/tmp" "$root/etc"
install -s -m 0755 "$build/rangeguard" "$root/usr/bin/rangeguard"
programs=("$build/rangeguard")
if [[ -e "$build/rangeguard-agent" ]]; then
	install -s -m 0755 "$build/rangeguard-agent" "$root/usr/sbin/rangeguard-agent"
	programs+=("$build/rangeguard-agent")
fi
install -m 0755 /bin/busybox "$root/bin/busybox"
for applet in sh cp mv rm mkdir chmod basename; do
	ln -s busybox "$root/bin/$applet"
done
install -m 0755 conf-examples/kubernetes/install.sh "$root/usr/bin/rangeguard-install"
ldd "${programs[@]}" | sed -nE 's,.*[ \t](/[^ ]+) \(0x.*,\1,p' | sort -u | while read -r library; do
	install -D -m 0755 "$library" "$root$library"
done

container=$("${buildah[@]}" from scratch)
"${buildah[@]}" copy --quiet "$container" "$root" / >/dev/null
"${buildah[@]}" config --entrypoint '["/usr/sbin/rangeguard-agent"]' --env PATH=/usr/sbin:/usr/bin:/bin \
	--label org.opencontainers.image.title=rangeguard --label org.opencontainers.image.licenses=GPL-2.0-or-later "$container"
"${buildah[@]}" commit --quiet --timestamp "${SOURCE_DATE_EPOCH:-1}" "$container" "docker-archive:$archive:$tag" >/dev/null
echo "$archive: $tag"
