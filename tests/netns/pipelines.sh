#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The pipelines of conf-examples: each command in them is run as it stands there, in a repository with a plan that is fine
# and then in one whose plan touches a reserved range.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

PIPELINES=$SOURCE_DIR/conf-examples/pipelines

# set_up: `rangeguard` and a helm in the job's PATH, and a repository
set_up()
{
	mkdir -p bin repository/plans repository/reserved.d
	ln -s "$RANGEGUARD" bin/rangeguard
	printf '#!/bin/sh\ncat plans/kubeadm.yaml\n' >bin/helm
	chmod +x bin/helm
	PATH=$PWD/bin:$PATH
	cd repository
	echo '{"reserved": [{"cidr": "10.20.0.0/16", "owner": "db-platform"}]}' >reserved.d/dba.json
	chmod 0644 reserved.d/dba.json
	plan 10.130.0.0/16
}

# plan CIDR: kubeadm's, with that range for pods
plan()
{
	cat >plans/kubeadm.yaml <<-EOF
		apiVersion: kubeadm.k8s.io/v1beta4
		kind: ClusterConfiguration
		networking:
		  podSubnet: $1
		  serviceSubnet: 10.131.0.0/16
	EOF
}

# commands FILE: what a pipeline runs
commands()
{
	sed -nE 's/^ *(- run:|entry:|-) (.*rangeguard validate.*)/\2/p' "$PIPELINES/$1"
}

# assert_pipeline FILE NUMBER: so many commands, each of which lets the one plan pass and not the other
assert_pipeline()
{
	local command
	local -i n=0

	while read -r command; do
		n+=1
		plan 10.130.0.0/16
		bash -c "set -o pipefail; $command" >out 2>&1 || fail "$1: $command: $(<out)"
		plan 10.20.64.0/18
		! bash -c "set -o pipefail; $command" >out 2>&1 || fail "$1: passes all the same: $command"
		rm -f rangeguard.sarif rangeguard.xml out
	done < <(commands "$1")
	assert_equal "$2" "$n" "commands in $1"
}

test_github_action()
{
	assert_pipeline github-action.yml 2
	plan 10.20.64.0/18
	output=$(bash -c "$(commands github-action.yml | head -n 1)") || true
	assert_matches "$output" '^::error file=plans/kubeadm.yaml,line=4,col=14,title=RG101::' "the annotation"
}

test_gitlab()
{
	assert_pipeline gitlab-ci.yml 2
	plan 10.20.64.0/18
	bash -c "$(commands gitlab-ci.yml | head -n 1)" || true
	assert_equal RG101 "$(xmllint --xpath 'string(//failure/@type)' rangeguard.xml)" "the report"
}

test_pre_commit_framework()
{
	assert_pipeline pre-commit-hooks.yaml 1
}

# What is staged counts, not what lies in the work tree.
test_git_hook()
{
	export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
	git init -q .
	cp "$PIPELINES/pre-commit" .git/hooks/pre-commit
	git add plans reserved.d
	git commit -qm one || fail "a plan that is fine is refused"
	plan 10.20.64.0/18
	git commit -q --allow-empty -m two || fail "what is not staged is refused"
	git add plans
	output=$(git commit -qm three 2>&1) && fail "a plan over a reserved range is committed"
	assert_contains "$output" "plans/kubeadm.yaml:4:14: error RG101" "the finding"
}

main "$@"
