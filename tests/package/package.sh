#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Packages: what is in them, that they come out the same wherever and whenever they are made, what lintian says; installed,
# upgraded and removed while containers run. In mount namespaces of its own: the machine's /usr and its list of packages
# stay as they are.
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

BUILD=$(dirname "$RANGEGUARD")
CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard", "ranges":
	[[{"subnet": "10.9.0.0/29"}]]}}'

# pack BUILD DIRECTORY: packages of a build in a directory
pack()
{
	mkdir -p "$2"
	(cd "$1" && cpack -B "$2" >"$2/log" 2>&1) || fail "cpack: $(<"$2/log")"
	rm -rf "$2/_CPack_Packages" "$2/log"
}

# packages: made again when something is newer; where they are
packages()
{
	local directory=$BUILD/packages-tested

	exec 9>"$BUILD/packages.lock"
	flock 9
	[[ -z "$(find "$RANGEGUARD" "$BUILD/CPackConfig.cmake" "$SOURCE_DIR/plugin/package" -newer "$directory/done" 2>&1)" ]] || {
		rm -rf "$directory"
		pack "$BUILD" "$directory"
		touch "$directory/done"
	}
	flock -u 9
	echo "$directory"
}

# deb PACKAGE: its file
deb()
{
	echo "$(packages)/$1"_*.deb
}

test_packages_are_reproducible()
{
	local name

	pack "$BUILD" "$PWD/a"
	cp -rp "$BUILD/." "$PWD/elsewhere"
	# A build directory elsewhere, with other times, in another time zone, by somebody with another umask.
	find elsewhere -exec touch -h -d 2001-01-01 {} +
	(umask 077 && cd elsewhere && TZ=Asia/Tokyo cpack -B "$OLDPWD/b" >"$OLDPWD/log" 2>&1) || fail "$(<log)"
	rm -rf b/_CPack_Packages
	for name in a/*; do
		[[ "$(sha256sum <"$name")" == "$(sha256sum <"b/${name#a/}")" ]] || fail "$name differs"
	done
	assert_equal 3 "$(find a -name 'rangeguard[-_][0-9]*' | wc -l)" "kinds of packages"
}

test_contents()
{
	local needed="libc6 libmnl0"

	dpkg-deb -c "$(deb rangeguard)" >contents
	grep -qE '^-rwxr-xr-x root/root .* \./opt/cni/bin/rangeguard$' contents || fail "program: $(<contents)"
	grep -qE ' \./usr/bin/rangeguard -> /opt/cni/bin/rangeguard$' contents || fail "link: $(<contents)"
	grep -qE '^drwxr-xr-x root/root .* \./etc/rangeguard/reserved\.d/$' contents || fail "policies: $(<contents)"
	! is_static || needed=''
	assert_equal "$needed" "$(dpkg-deb -f "$(deb rangeguard)" Depends | sed 's/([^)]*)//g; s/,//g' | xargs)" "what a node needs"
	rpm -qlp "$(packages)"/rangeguard-[0-9]*.rpm >listed
	grep -qx /opt/cni/bin/rangeguard listed || fail "rpm: $(<listed)"
	if grep -qx '/usr\|/usr/bin\|/opt\|/etc' listed; then
		fail "a directory of the distribution's own: $(<listed)"
	fi
	tar -tzf "$(packages)"/rangeguard-[0-9]*.tar.gz >tgz
	grep -q 'opt/cni/bin/rangeguard$' tgz || fail "tarball: $(<tgz)"
}

test_lintian()
{
	assert_succeeds lintian --allow-root --fail-on error "$(packages)"/*.deb
}

# on_a_host: /usr and the list of packages are this test's own
on_a_host()
{
	overlay /usr
	mount -t tmpfs tmpfs /run/overlay-var
	mkdir -p /run/overlay-var/u /run/overlay-var/w
	mount -t overlay overlay -o lowerdir=/var,upperdir=/run/overlay-var/u,workdir=/run/overlay-var/w /var
}

test_install_upgrade_and_remove_while_containers_run()
{
	local package version

	mkdir -p /run/overlay-var
	on_a_host
	package=$(deb rangeguard)
	assert_succeeds dpkg -i "$package"
	version=$(rangeguard --version 2>&1) || fail "the link: $version"
	assert_contains "$version" "$(dpkg-deb -f "$package" Version)" "version of program and package"
	RANGEGUARD=/opt/cni/bin/rangeguard
	container c1
	assert_succeeds add c1 "$CONF"
	assert_succeeds dpkg -i "$package"
	assert_reaches c1 "$HOST_IPV4"
	assert_json "$(rangeguard list --format json)" '.leases | length == 1' "leases after an upgrade"
	echo '{}' >/etc/rangeguard/reserved.d/own.json
	assert_succeeds dpkg -r rangeguard
	assert_reaches c1 "$HOST_IPV4"
	[[ -e /etc/rangeguard/reserved.d/own.json ]] || fail "policies are gone"
	[[ ! -e /opt/cni/bin/rangeguard ]] || fail "still there"
	assert_succeeds dpkg -i "$package"
	del c1 "$CONF"
	assert_nothing_left
}

# another_version VERSION SCHEMA DIRECTORY: the package of this tree as another version, whose lease store has that schema. The
# tree and its build directory are written to without a trace, and only what depends on these is compiled again
another_version()
{
	[[ -e "/run/overlay$SOURCE_DIR" ]] || overlay "$SOURCE_DIR"
	sed -i "s/^project(rangeguard VERSION [0-9.]*/project(rangeguard VERSION $1/" "$SOURCE_DIR/CMakeLists.txt"
	sed -i "s/^#define STORE_LMDB_SCHEMA .*/#define STORE_LMDB_SCHEMA ${2}U/" "$SOURCE_DIR/ipam/store/store_lmdb.h"
	cmake --build "$BUILD" >log 2>&1 || fail "build of $1: $(tail -n 20 log)"
	pack "$BUILD" "$3"
}

# assert_version VERSION: what is installed, and what its link leads to
assert_version()
{
	assert_equal "$1" "$(dpkg-query -W -f '${Version}' rangeguard)" "package"
	assert_contains "$(rangeguard --version)" "rangeguard $1:" "program"
}

# assert_nothing_lost LOG WHAT: each ping was answered, but perhaps the last one, which was on its way when it ended
assert_nothing_lost()
{
	local sent received

	read -r sent received < <(sed -nE 's/^([0-9]+) packets transmitted, ([0-9]+) received.*/\1 \2/p' "$1") || fail "$2: $(<"$1")"
	((sent - received <= 1)) || fail "$2: $(<"$1")"
}

# Two containers send without a pause while the package goes to a later version and back, three times: the same schema of the
# lease store; a later one, which the older program refuses by its number, and leaves as it is; the later one again.
test_upgrade_and_downgrade_while_containers_run()
{
	local version schema ours same later name result
	local -a pings

	mkdir -p /run/overlay-var
	version=$(sed -nE 's/^project\(rangeguard VERSION ([0-9.]+).*/\1/p' "$SOURCE_DIR/CMakeLists.txt")
	schema=$(sed -nE 's/^#define STORE_LMDB_SCHEMA ([0-9]+)U/\1/p' "$SOURCE_DIR/ipam/store/store_lmdb.h")
	ours=$(deb rangeguard)
	another_version 77.1.0 "$schema" "$PWD/same"
	another_version 78.0.0 "$((schema + 1))" "$PWD/later"
	same=$(echo "$PWD"/same/rangeguard_*.deb)
	later=$(echo "$PWD"/later/rangeguard_*.deb)
	on_a_host
	uplink
	echo 1 >/proc/sys/net/ipv4/ip_forward
	CONF=$(jq -c '.snat = [{name: "mainframe", source: ["192.0.2.1"], destinations: ["198.51.100.0/24"]}]' <<<"$CONF")
	assert_succeeds dpkg -i "$ours"
	RANGEGUARD=/opt/cni/bin/rangeguard
	for name in c1 c2 c3 c4; do
		container "$name"
	done
	result=$(add c1 "$CONF") || fail "$result"
	assert_succeeds add c2 "$CONF"
	inside c1 ping -n -i 0.05 -q "$HOST_IPV4" >pings1 &
	inside c2 ping -n -i 0.05 -q "$HOST_IPV4" >pings2 &
	# The same schema: each version goes on with what the other one gave.
	assert_succeeds dpkg -i "$same"
	assert_version 77.1.0
	assert_succeeds check c1 "$CONF" "$result"
	assert_succeeds add c3 "$CONF"
	assert_succeeds dpkg -i "$ours"
	assert_version "$version"
	assert_contains "$output" "downgrading rangeguard" "what dpkg says"
	assert_succeeds check c1 "$CONF" "$result"
	assert_succeeds del c3 "$CONF"
	assert_json "$(rangeguard list --format json)" '[.leases[].containerID] | sort == ["c1", "c2"]' "leases after a downgrade"
	# A later schema: the store is migrated by the first call, and the older program refuses it.
	assert_succeeds dpkg -i "$later"
	assert_version 78.0.0
	assert_succeeds add c3 "$CONF"
	assert_succeeds check c1 "$CONF" "$result"
	assert_succeeds dpkg -i "$ours"
	for name in "add c4" "check c1"; do
		# shellcheck disable=SC2046,SC2086 # words are meant
		assert_fails $name "$CONF" $([[ $name != check* ]] || jq -c . <<<"$result")
		assert_refused 106 "$output" "$name"
		assert_contains "$output" "its schema is $((schema + 1)), and this version knows up to $schema" "$name"
	done
	assert_fails rangeguard list
	assert_contains "$output" "newer version" "list"
	# A container ends all the same; its lease waits for who can read it.
	assert_succeeds del c3 "$CONF"
	assert_contains "$output" "its schema is $((schema + 1))" "what DEL says"
	ip netns delete c3
	# Back to the later one nothing is lost.
	assert_succeeds dpkg -i "$later"
	assert_json "$(rangeguard list --format json)" '[.leases[].containerID] | sort == ["c1", "c2", "c3"]' "leases of all"
	assert_succeeds check c1 "$CONF" "$result"
	assert_succeeds rangeguard gc
	assert_contains "$output" c3 "what gc gave back"
	assert_succeeds rangeguard audit --strict
	# Those of this test, which has a process namespace of its own
	mapfile -t pings < <(pgrep -x ping)
	kill -INT "${pings[@]}"
	wait
	for name in 1 2; do
		assert_nothing_lost "pings$name" "pings of c$name"
	done
	for name in c1 c2; do
		del "$name" "$CONF"
	done
	assert_nothing_left
}

test_install_by_prefix_and_uninstall()
{
	local file

	assert_succeeds cmake --install "$BUILD" --prefix "$PWD/there"
	assert_succeeds there/bin/rangeguard --version
	assert_equal "../opt/cni/bin/rangeguard" "$(readlink there/bin/rangeguard)" "link"
	[[ -d there/etc/rangeguard/reserved.d ]] || fail "no directory for policies"
	while read -r file; do
		[[ -e "$file" && "$file" == "$PWD/there/"* ]] || fail "in the manifest: $file"
	done <"$BUILD/install_manifest.txt"
	assert_equal "$(find there ! -type d | sort)" "$(sed "s,^$PWD/,," "$BUILD/install_manifest.txt" | sort)" "manifest"
	assert_succeeds cmake -P "$BUILD/uninstall.cmake"
	assert_empty "$(find there -name '*rangeguard*' ! -type d)" "left after uninstall"
}

test_destdir_and_debians_directory()
{
	assert_succeeds cmake -DRANGEGUARD_CNI_DIR=/usr/lib/cni -S "$SOURCE_DIR" -B "$BUILD.debian" --preset release
	cp "$BUILD/rangeguard" "$BUILD.debian/"
	[[ ! -e "$BUILD/rangeguard-agent" ]] || cp "$BUILD/rangeguard-agent" "$BUILD.debian/"
	cp "$BUILD"/plugin/man/*.[158] "$BUILD.debian/plugin/man/"
	DESTDIR=$PWD/stage assert_succeeds cmake --install "$BUILD.debian" --prefix /usr
	assert_succeeds stage/usr/lib/cni/rangeguard --version
	assert_equal ../lib/cni/rangeguard "$(readlink stage/usr/bin/rangeguard)" "link"
	[[ -d stage/etc/rangeguard/reserved.d ]] || fail "no directory for policies"
	rm -rf "$BUILD.debian"
}

main "$@"
