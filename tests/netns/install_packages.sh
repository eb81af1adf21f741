#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/install-packages.sh on machines that are made up: it removes nothing, starts no service, waits for others.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

# set_up: a machine with bash and Docker's containerd.io, and an apt-get that writes down what it is asked for and whether
# services may start meanwhile
set_up()
{
	mkdir bin
	cat >bin/dpkg-query <<-'EOF'
		#!/bin/sh
		echo 'installed bash '
		echo 'installed containerd.io containerd (= 1.6), runc'
		echo 'config-files removed '
	EOF
	cat >bin/apt-get <<-'EOF'
		#!/bin/sh
		echo "$*" >>asked
		"$RANGEGUARD_POLICY_RC_D" >/dev/null 2>&1
		echo "policy $?" >>asked
		if [ -s failures ]; then
			head -n 1 failures >&2
			sed -i 1d failures
			exit 100
		fi
	EOF
	printf '#!/bin/sh\necho "$*" >>slept\n' >bin/sleep
	chmod +x bin/*
	export PATH=$PWD/bin:$PATH RANGEGUARD_POLICY_RC_D=$PWD/policy-rc.d
	: >asked
}

test_nothing_missing_asks_for_nothing()
{
	assert_succeeds "$TESTS_DIR/install-packages.sh" bash
	assert_empty "$(<asked)" "what apt-get was asked for"
}

# Debian's containerd would make apt remove Docker.
test_what_another_package_provides_is_there()
{
	assert_succeeds "$TESTS_DIR/install-packages.sh" bash containerd runc
	assert_empty "$(<asked)" "what apt-get was asked for"
}

test_missing_ones_are_installed_and_nothing_is_removed()
{
	assert_succeeds "$TESTS_DIR/install-packages.sh" bash removed absent
	assert_matches "$(grep ' install ' asked)" ' --no-remove .* removed absent$' "what apt-get was asked for"
	assert_equal "policy 101" "$(grep policy asked | sort -u)" "answers to whether services may start"
	[[ ! -e policy-rc.d ]] || fail "the policy stays"
}

# It is covered, not replaced.
test_the_machines_own_policy_stays()
{
	printf '#!/bin/sh\nexit 0\n' >policy-rc.d
	chmod +x policy-rc.d
	assert_succeeds "$TESTS_DIR/install-packages.sh" absent
	assert_equal "policy 101" "$(grep policy asked | sort -u)" "answers to whether services may start"
	assert_succeeds ./policy-rc.d
}

test_conflict_is_an_error_that_says_so()
{
	printf '#!/bin/sh\necho "$*" >>asked\ncase "$*" in *install*) echo "E: Packages need to be removed but remove is disabled." >&2; exit 100;; esac\n' >bin/apt-get
	assert_fails "$TESTS_DIR/install-packages.sh" absent
	assert_contains "$output" "remove is disabled" "what apt said"
	assert_contains "$output" "could not install absent" "what it says"
	[[ ! -e policy-rc.d ]] || fail "the policy stays"
}

test_waits_for_who_holds_the_lock()
{
	printf '%s\n' 'E: Could not get lock /var/lib/apt/lists/lock.' 'E: Could not get lock /var/lib/apt/lists/lock.' >failures
	assert_succeeds "$TESTS_DIR/install-packages.sh" absent
	assert_equal 2 "$(wc -l <slept)" "times it waited"
	assert_equal 4 "$(grep -vc policy asked)" "times apt-get was called"
}

main "$@"
