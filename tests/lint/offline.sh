#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The commands that need files alone reach neither LMDB nor netlink: their target is linked to none of these libraries,
# and none of their functions is in it. That the check can fail is shown by a command that does reach them.
#
# Usage: tests/lint/offline.sh OFFLINE ONLINE
set -euo pipefail

# reached PROGRAM: the libraries of a host's state that it is linked to, and their functions that are in it
reached()
{
	readelf --dynamic --wide "$1" | grep -E '\(NEEDED\).*\[lib(lmdb|mnl|nl-|nftnl|curl|systemd)' || true
	nm "$1" | grep -E ' [TtUWw] (mdb_|mnl_|nl_|nlmsg_|nftnl_|store_lmdb_|port_open)' || true
}

found=$(reached "$2")
[[ "$found" == *lmdb* && "$found" == *mdb_* ]] || { echo "$2 seems not to reach LMDB: this check finds nothing"; exit 1; }
found=$(reached "$1")
[[ -z "$found" ]] || { echo "$1 reaches what only a host has:"; echo "$found"; exit 1; }
