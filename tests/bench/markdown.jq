# SPDX-License-Identifier: GPL-2.0-or-later
#
# The budgets with what was measured, as a table for the README. Input: the report.

def number: if . >= 100 then round elif . >= 10 then . * 10 | round / 10 elif . >= 0.1 then . * 100 | round / 100
	else . * 10000 | round / 10000 end;

"Measured on \(.date): \(.machine.processor), \(.machine.processors) CPUs\(if .machine.virtual then " (virtual)" else "" end), Linux \(.machine.kernel).",
"",
"| what | beside | measured | budget |",
"|---|---|---|---|",
(.budgets[] | "| \(.what) | \(.beside) | \(.measured | number) | \(if .holds == null then "–"
	else "\({"<=": "≤", ">=": "≥"}[.relation]) \(.bound | number)\(if .holds then "" else " **does not hold**" end)" end) |")
