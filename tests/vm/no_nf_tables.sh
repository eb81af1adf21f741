#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A kernel without nf_tables, or with a part of it (module_blacklist). A plain container needs none; what needs it is refused by the
# name of what is missing and leaves nothing; DEL and GC always work.

# shellcheck source=tests/lib.sh
source /work/tests/lib.sh

CONF='{"cniVersion": "1.1.0", "name": "pods", "type": "rangeguard",
	"ipam": {"type": "rangeguard", "reuseDelay": 0, "ranges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00:9::/64"}]]}}'

set_up()
{
	if grep -q 'module_blacklist=nf_tables' /proc/cmdline; then
		! nft list ruleset 2>/dev/null || fail "this machine has nf_tables"
	else
		nft list ruleset || fail "this machine has no nf_tables"
		! nft 'table ip x { chain y { type nat hook postrouting priority 0; }; }' 2>/dev/null || fail "this machine has nft_chain_nat"
	fi
	container c1
	container c2
}

# works CONF: two containers, with all that a runtime does
works()
{
	local result

	result=$(add c1 "$1") || fail "ADD: $result"
	assert_succeeds add c2 "$1"
	assert_succeeds check c1 "$1" "$result"
	assert_reaches c1 "$HOST_IPV4" "$HOST_IPV6" 10.9.0.2 fd00:9::2
	assert_succeeds del c1 "$1"
	assert_succeeds del c2 "$1"
	assert_nothing_left
}

test_unguarded_container_works()
{
	works "$(jq -c '.antiSpoof = false' <<<"$CONF")"
}

# The classifier needs no nftables.
test_guarded_container_works()
{
	works "$CONF"
}

# A failed ADD leaves nothing, and DEL and GC work all the same.
test_what_needs_nf_tables_is_refused_and_leaves_nothing()
{
	local result conf module=nft_nat

	! grep -q 'module_blacklist=nf_tables' /proc/cmdline || module=nf_tables
	host_state >before
	for conf in "$(jq -c '.ipMasq = true' <<<"$CONF")" "$(jq -c --arg source "$HOST_IPV4" '.snat = [{name: "pin", source: [$source],
		destinations: ["198.51.100.0/24"]}]' <<<"$CONF")"; do
		result=$(add c1 "$conf") && fail "ADD: $result"
		assert_json "$result" "(.code == 107 or .code == 103) and (.msg + .details | test(\"$module\"))" "the error names the module"
		assert_nothing_left
		host_state | diff before - || fail "a failed ADD left something"
		assert_succeeds del c1 "$conf"
		assert_empty "$output" "what DEL says"
		assert_succeeds cni GC "" "" "" "$(jq -c '."cni.dev/valid-attachments" = []' <<<"$conf")"
		assert_nothing_left
	done
}

main "$@"
