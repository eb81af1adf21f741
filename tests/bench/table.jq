# SPDX-License-Identifier: GPL-2.0-or-later
#
# What bench measured, as a table for people. Input: its results; output: text. The last column is the median beside
# that of the first contender's step of that name.

def pad($width): tostring | if length < $width then (" " * ($width - length)) + . else . end;
def fill($width): tostring | if length < $width then . + (" " * ($width - length)) else . end;
def us: round | pad(9);

(.results | map({key: .step, value: .wall_us.p50}) | reverse | from_entries) as $first
| "\("wall us" | pad(38))\("cpu us" | pad(27))",
  "\("contender" | fill(20)) \("step" | fill(8))"
	+ (["p50", "p90", "p99", "p50", "p90", "p99", "peak KiB", "calls", "ratio"] | map(pad(9)) | join("")),
  (.results[] | "\(.contender | fill(20)) \(.step | fill(8))"
	+ ([.wall_us.p50, .wall_us.p90, .wall_us.p99, .cpu_us.p50, .cpu_us.p90, .cpu_us.p99] | map(us) | join(""))
	+ "\(.peak_kib | pad(9))\(.calls // "-" | pad(9))\(.wall_us.p50 / $first[.step] * 1000 | round / 1000 | pad(9))")
