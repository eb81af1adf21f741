#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What run.sh tells of what it measured: JSON, the table of the budgets, table and picture of the README. Sourced by it.

report_dir=$(dirname "${BASH_SOURCE[0]}")

# report: one JSON of all that was measured
report()
{
	local -a measured=()
	local name

	for name in $SELECTED; do
		[[ ! -e "$RESULTS/$name.json" ]] || measured+=("$RESULTS/$name.json")
	done
	jq -n --arg kernel "$(uname -r)" --arg processors "$(nproc)" --argjson quick "$QUICK" --arg date "$(date -u +%F)" \
		--arg processor "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)" \
		--argjson virtual "$(grep -qw hypervisor /proc/cpuinfo && echo true || echo false)" \
		'{$date, machine: {$kernel, $processor, processors: ($processors | tonumber), $virtual}, quick: ($quick == 1),
		  cases: ([inputs | {key: (input_filename | split("/")[-1] | rtrimstr(".json")), value: .}] | from_entries)}' \
		"${measured[@]}" >"$RESULTS/cases"
	jq --slurpfile budgets <(jq '.cases' "$RESULTS/cases" | jq -f "$report_dir/budgets.jq") \
		'.budgets = $budgets[0]' "$RESULTS/cases"
}

# print_budgets REPORT: the table of the budgets
print_budgets()
{
	local what beside measured bound verdict

	printf '\n%-48s %-38s %9s %10s\n' what beside measured budget
	while IFS=$'\t' read -r what beside measured bound verdict; do
		printf '%-48s %-38s %9.4f %10s %s\n' "$what" "$beside" "$measured" "$bound" "$verdict"
	done < <(jq -r '.budgets[] | [.what, .beside, .measured, "\(.relation) \(.bound)",
		({"true": "holds", "false": "DOES NOT HOLD", "null": "(no budget)"}[.holds | tostring])] | @tsv' "$1")
}

# update_readme REPORT: its table and picture
update_readme()
{
	jq -r -f "$report_dir/svg.jq" "$1" >"$report_dir/bench.svg"
	jq -r -f "$report_dir/markdown.jq" "$1" >"$RESULTS/table"
	sed -i -e "/^<!-- bench -->\$/,/^<!-- \/bench -->\$/{//!d}" -e "/^<!-- bench -->\$/r $RESULTS/table" \
		"$report_dir/README.md"
}
