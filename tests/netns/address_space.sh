#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Little address space (a unit with LimitAS=) makes the store's map smaller, not the ADD fail. In a script of its own, since
# a sanitizer's shadow memory alone needs more.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard", "ipam": {"type": "rangeguard", "ranges":
	[[{"subnet": "10.9.0.0/24"}]]}}'

test_address_space_is_limited()
{
	container c1
	printf '#!/bin/sh\nexec prlimit --as=%s %s\n' $((1 << 30)) "$RANGEGUARD" >limited
	chmod 0755 limited
	export PLUGIN=$PWD/limited
	add c1 "$CONF" >/dev/null || fail "ADD fails"
	del c1 "$CONF" || fail "DEL fails"
	assert_nothing_left
}

main "$@"
