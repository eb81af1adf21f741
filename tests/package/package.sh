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
	dpkg-deb -c "$(deb rangeguard)" >contents
	grep -qE '^-rwxr-xr-x root/root .* \./opt/cni/bin/rangeguard$' contents || fail "program: $(<contents)"
	grep -qE ' \./usr/bin/rangeguard -> /opt/cni/bin/rangeguard$' contents || fail "link: $(<contents)"
	grep -qE '^drwxr-xr-x root/root .* \./etc/rangeguard/reserved\.d/$' contents || fail "policies: $(<contents)"
	assert_equal "libc6 libmnl0" "$(dpkg-deb -f "$(deb rangeguard)" Depends | sed 's/([^)]*)//g; s/,//g' | xargs)" "what a node needs"
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
	version=$(rangeguard --version) || fail "the link: $version"
	assert_contains "$version" "$(dpkg-deb -f "$package" Version)" "version of program and package"
	RANGEGUARD=/opt/cni/bin/rangeguard
	container c1
	add c1 "$CONF" >/dev/null
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
