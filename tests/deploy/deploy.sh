#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What conf-examples/kubernetes and conf-examples/monitoring have: manifests that kubectl and the schemas of Kubernetes take,
# an image made without a daemon whose install step equips an empty node, alert rules that fire, a dashboard whose
# metrics there are.
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

EXAMPLES=$SOURCE_DIR/conf-examples
NODE_MODULES=$SOURCE_DIR/build/node_modules

# all_manifests: each set of manifests, as an apply would send it, into all.yaml; 6 objects each
all_manifests()
{
	local set

	for set in kubernetes cluster/kubernetes; do
		echo ---
		kubectl kustomize "$EXAMPLES/$set" 2>log || fail "kustomize of $set: $(<log)"
	done >all.yaml
	assert_equal "$(find "$EXAMPLES" -name kustomization.yaml | wc -l)" 2 "sets of manifests in the examples"
}

test_manifests_are_taken_by_kubectl()
{
	all_manifests
	"$TESTS_DIR/deploy/api.py" 8001 &
	wait_until 20 curl -sf http://127.0.0.1:8001/version
	KUBECONFIG=/dev/null kubectl --server http://127.0.0.1:8001 apply --dry-run=client --validate=false -f all.yaml \
		>log 2>&1 || fail "apply: $(<log)"
	assert_equal 12 "$(grep -c '(dry run)' log)" "objects in '$(<log)'"
	assert_contains "$(<log)" "daemonset.apps/rangeguard created (dry run)" "the DaemonSet"
}

# Each manifest against the JSON schemas of its kind: unknown fields and wrong types are refused.
test_manifests_have_the_schema_of_their_kind()
{
	all_manifests
	cat >check.mjs <<-JS
		import yaml from '$NODE_MODULES/js-yaml/dist/js-yaml.mjs';
		import fs from 'fs';
		let n = 0;
		for (const object of yaml.loadAll(fs.readFileSync(process.argv[2], 'utf8'))) {
			const module = await import('$NODE_MODULES/kubernetes-models/' + object.apiVersion + '/' + object.kind + '.js');
			new module[object.kind](object).validate();
			n++;
		}
		console.log(n);
	JS
	output=$(node check.mjs all.yaml 2>&1) || fail "$output"
	assert_equal 12 "$output" "objects"
	# The check itself bites.
	sed 's/hostNetwork: true/hostNetwork: sometimes/' all.yaml >wrong.yaml
	assert_fails node check.mjs wrong.yaml
	assert_contains "$output" "hostNetwork" "what is wrong"
}

test_configuration_is_valid()
{
	assert_succeeds "$RANGEGUARD" validate --strict --policy "$EXAMPLES/kubernetes/policy.json" \
		"$EXAMPLES/kubernetes/10-pods.conflist" "$EXAMPLES/kubernetes/policy.json"
}

# install_step CONFIG: the init container's step, in the image, by containerd, on the node's directory $PWD/node
install_step()
{
	ctr run --rm --read-only --mount "type=bind,src=$1,dst=/config,options=rbind:ro" \
		--mount "type=bind,src=$PWD/node,dst=/host,options=rbind:rw" localhost/rangeguard:test install \
		/usr/bin/rangeguard-install 2>&1
}

test_image_equips_an_empty_node()
{
	export CONTAINERD_NAMESPACE=$TEST_CGROUP CONTAINERD_SNAPSHOTTER=native
	RANGEGUARD_BUILD=$(dirname "$RANGEGUARD") assert_succeeds "$EXAMPLES/kubernetes/image.sh" "$PWD/image.tar" localhost/rangeguard:test
	printf 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' >config.toml
	containerd --config config.toml --root "$PWD/root" --state /run/containerd \
		--address /run/containerd/containerd.sock >containerd.log 2>&1 &
	wait_until 20 ctr version
	assert_succeeds ctr image import --snapshotter native image.tar
	mkdir -p node c/net.d c/policy
	cp "$EXAMPLES/kubernetes/10-pods.conflist" c/net.d
	cp "$EXAMPLES/kubernetes/policy.json" c/policy/dba.json
	output=$(install_step "$PWD/c") || fail "$output"
	assert_equal "./etc/cni/net.d/10-pods.conflist ./etc/rangeguard/reserved.d/k8s-dba.json ./opt/cni/bin/rangeguard" \
		"$(cd node && find . -type f | sort | xargs)" "files on the node"
	# A rename changes an inode's ctime.
	assert_equal "node/etc/cni/net.d/10-pods.conflist" "$(find node -type f -printf '%C@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)" \
		"the last one placed"
	assert_succeeds node/opt/cni/bin/rangeguard version
	# What leaves the ConfigMap leaves the node; what somebody else put there stays.
	mv c/policy/dba.json c/policy/net.json
	echo '{}' >node/etc/rangeguard/reserved.d/own.json
	output=$(install_step "$PWD/c") || fail "$output"
	assert_equal "k8s-net.json own.json" "$(cd node/etc/rangeguard/reserved.d && echo *)" "policies"
	# A mistake changes nothing.
	sed -i 's/10\.244\.0\.0/10.20.0.0/' c/net.d/10-pods.conflist
	assert_fails install_step "$PWD/c"
	assert_contains "$output" "owner db-platform" "the refusal"
	grep -q '10\.244\.0\.0' node/etc/cni/net.d/10-pods.conflist || fail "the mistake is on the node"
	# The agent starts in the image, and so finds its libraries.
	output=$(ctr run --rm localhost/rangeguard:test agent /usr/sbin/rangeguard-agent --version 2>&1) || fail "$output"
}

test_alert_rules()
{
	assert_succeeds promtool check rules "$EXAMPLES/monitoring/alerts.yaml"
	assert_succeeds promtool test rules "$EXAMPLES/monitoring/alerts-test.yaml"
	# Each rule has a test.
	assert_equal "$(sed -n 's/.*- alert: //p' "$EXAMPLES/monitoring/alerts.yaml" | sort)" \
		"$(sed -nE 's/.*alertname: (Rangeguard[A-Za-z]*).*/\1/p' "$EXAMPLES/monitoring/alerts-test.yaml" | sort -u)" "rules"
}

# names: of metrics in a text
names()
{
	grep -oE 'rangeguard_[a-z_]+' | sed -E 's/_(bucket|sum|count)$//' | sort -u
}

test_dashboard_and_rules_ask_for_what_there_is()
{
	local name

	jq -e '.panels | length > 5 and all(.[]; .title and .type and (.targets | length > 0) and .gridPos.w > 0)' \
		"$EXAMPLES/monitoring/dashboard.json" >model || fail "the model of the dashboard: $(<model)"
	assert_equal "$(jq '.panels | length' "$EXAMPLES/monitoring/dashboard.json")" \
		"$(jq '[.panels[].id] | unique | length' "$EXAMPLES/monitoring/dashboard.json")" "ids of panels"
	# What only an agent with a cluster serves is asked of one in tests/cluster; its names are the source's.
	{
		"$RANGEGUARD" metrics | sed -n 's/^# TYPE \([^ ]*\) .*/\1/p'
		grep -rhoE '# TYPE rangeguard_cluster_[a-z_]+' "$SOURCE_DIR/plugin/agent" | cut -d ' ' -f 3
	} | sort >there
	{
		jq -r '.. | .expr? // empty' "$EXAMPLES/monitoring/dashboard.json"
		cat "$EXAMPLES/monitoring/alerts.yaml"
	} | names >wanted
	while read -r name; do
		grep -qx "$name" there || fail "no such metric: $name"
	done <wanted
	# Each expression is one that Prometheus takes.
	jq -r '[.. | .expr? // empty] | {groups: [{name: "dashboard", rules: [to_entries[] | {record: "r:r\(.key)",
		expr: (.value | gsub("\\$instance"; "x"))}]}]}' "$EXAMPLES/monitoring/dashboard.json" >rules.yaml
	assert_succeeds promtool check rules --lint=none rules.yaml
}

# guide_commands NAME…: the commands that guides show, a line each; a picture is none
guide_commands()
{
	local guide

	for guide in "$@"; do
		sed -nE '/^    [a-z]/{:a;/\\$/{N;s/\\\n *//;ta};s/^ *//p}' "$EXAMPLES/$guide/README.md" | grep -v '^container  *host$'
	done
}

# The commands in the guides are those that work: each of them is run here but for those of a cluster, and those that
# tests/package/newcomer.sh runs on a bare Debian. tests/runtimes/docker.sh and tests/cluster/guide.sh follow the other guides.
test_commands_of_the_guides()
{
	local command
	local -i run=0

	mkdir -p /etc/cni/net.d /var/lib/prometheus/node-exporter /srv
	mount -t tmpfs tmpfs /srv
	mkdir -p "$CNI_BIN"
	install -m 0755 "$RANGEGUARD" "$CNI_BIN/rangeguard"
	cp "$EXAMPLES/kubernetes/10-pods.conflist" /etc/cni/net.d
	jq '{name, cniVersion} + .plugins[0] | .ipam.ranges = [[{subnet: "10.30.0.0/24", rangeStart: "10.30.0.7"}]]' \
		"$EXAMPLES/kubernetes/10-pods.conflist" >conf.json
	container c1
	assert_succeeds add c1 conf.json
	cd "$SOURCE_DIR"
	PATH=$CNI_BIN:$PATH
	while read -r command; do
		case $command in
		kubectl\ apply* | kubectl\ delete* | *image.sh*) continue ;; # tried above
		apt-get\ * | sudo\ apt-get\ * | podman\ run*) continue ;; # newcomer.sh
		*"--at"*) command=${command/2026-11-28 14:00/$(date -u '+%F %T').999} ;;
		esac
		assert_succeeds bash -c "$command"
		run+=1
	done < <(guide_commands kubernetes monitoring podman snat migration)
	((run >= 18)) || fail "$run commands"
}

main "$@"
