#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The init container of the DaemonSet: checks configuration and policies, then puts them and the program onto the node, each
# by rename, the configuration last: a runtime that sees it finds everything that it needs.
set -eu

HOST=${HOST:-/host}
CONFIG=${CONFIG:-/config}
# What this script puts into reserved.d begins with this, and is removed again when it leaves the ConfigMap
MARK=k8s-

# place FILE DIRECTORY NAME MODE
place()
{
	mkdir -p "$2"
	(umask 077 && cp -L "$1" "$2/.$3.new")
	chmod "$4" "$2/.$3.new"
	mv -f "$2/.$3.new" "$2/$3"
	echo "placed $2/$3"
}

rangeguard validate --policy "$CONFIG/policy" "$CONFIG/net.d" "$CONFIG/policy"
place "$(command -v rangeguard)" "$HOST/opt/cni/bin" rangeguard 0755
for file in "$CONFIG"/policy/*.json; do
	[ ! -e "$file" ] || place "$file" "$HOST/etc/rangeguard/reserved.d" "$MARK$(basename "$file")" 0644
done
for file in "$HOST/etc/rangeguard/reserved.d/$MARK"*.json; do
	name=$(basename "$file")
	if [ -e "$file" ] && [ ! -e "$CONFIG/policy/${name#"$MARK"}" ]; then
		rm -f "$file"
		echo "removed $file"
	fi
done
for name in password cluster.json; do
	[ ! -e "$CONFIG/cluster/$name" ] || place "$CONFIG/cluster/$name" "$HOST/etc/rangeguard" "$name" 0600
done
for file in "$CONFIG"/net.d/*; do
	place "$file" "$HOST/etc/cni/net.d" "$(basename "$file")" 0644
done
