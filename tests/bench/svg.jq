# SPDX-License-Identifier: GPL-2.0-or-later
#
# Draws what was measured: a dot for the median, a line from it to p99, on a logarithmic scale, one group per case. Input:
# the report; output: SVG that follows the reader's light or dark mode. Groups and lines without measurement are left out.

# What is drawn: group, and in it name, class, case, contender, step
def groups: [
	{title: "ADD, IPv4", lines: [
		["kernel calls alone", "floor", "routed", "floor", "add"],
		["rangeguard", "ours", "routed", "rangeguard", "add"],
		["ptp + host-local", "peer", "routed-reference", "reference", "add"],
		["netavark (masquerades)", "peer", "netavark", "netavark", "add"]]},
	{title: "ADD, masquerading", lines: [
		["rangeguard", "ours", "ipmasq", "rangeguard", "add"],
		["ptp + host-local", "peer", "ipmasq", "reference", "add"]]},
	{title: "ADD, dual stack", lines: [
		["rangeguard", "ours", "dual-stack", "rangeguard", "add"],
		["ptp + host-local", "peer", "dual-stack", "reference", "add"]]},
	{title: "ADD, 60,000 leases held", lines: [
		["rangeguard", "ours", "leases-reference", "rangeguard 60000", "add"],
		["ptp + host-local", "peer", "leases-reference", "reference 60000", "add"]]},
	{title: "16 ADDs at once, all done", lines: [
		["rangeguard", "ours", "parallel", "rangeguard 16", "add"],
		["ptp + host-local", "peer", "parallel", "reference 16", "add"]]},
	{title: "DEL, IPv4", lines: [
		["kernel calls alone", "floor", "routed", "floor", "del"],
		["rangeguard", "ours", "routed", "rangeguard", "del"],
		["ptp + host-local", "peer", "routed-reference", "reference", "del"],
		["netavark", "peer", "netavark", "netavark", "del"]]}];

def left: 190;
def right: 700;
def top: 40;
def first_us: 300;
def last_us: 3000000;
# x of a time in microseconds
def x: [[., first_us] | max, last_us] | min | (log10 - (first_us | log10)) / ((last_us | log10) - (first_us | log10))
	* (right - left) + left | . * 10 | round / 10;
def milliseconds: . / 1000 | if . < 10 then . * 10 | round / 10 else round end | "\(.) ms";

. as $report
| [groups[] | .lines |= map(. as [$name, $class, $case, $contender, $step]
	| first($report.cases[$case].results[]? | select(.contender == $contender and .step == $step))
	| {$name, $class, p50: .wall_us.p50, p99: .wall_us.p99}) | select(.lines != [])] as $groups
# y of each title and line
| (reduce $groups[] as $group ({y: top, drawn: []};
	.drawn += ["<text class=\"title\" x=\"10\" y=\"\(.y + 14)\">\($group.title)</text>"] | .y += 20
	| reduce $group.lines[] as $line (.;
		(.y + 8) as $y | ($line.p50 | x) as $x50 | ($line.p99 | x) as $x99
		| .drawn += [
			"<text x=\"\(left - 12)\" y=\"\($y + 4)\" text-anchor=\"end\">\($line.name)</text>",
			"<line class=\"\($line.class)\" x1=\"\($x50)\" y1=\"\($y)\" x2=\"\($x99)\" y2=\"\($y)\"/>",
			"<circle class=\"\($line.class)\" cx=\"\($x50)\" cy=\"\($y)\" r=\"5\"/>",
			"<text x=\"\($x99 + 10)\" y=\"\($y + 4)\">\($line.p50 | milliseconds)</text>"]
		| .y += 17) | .y += 8)) as $body
| ($body.y + 22) as $height
| "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 780 \($height)\" width=\"780\" height=\"\($height)\" role=\"img\">",
"<title>How long ADD and DEL take, beside the reference plugins, netavark and the kernel calls alone</title>",
"<style>",
"text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-weight: 600 } .note { font-size: 11px; fill: #666 }",
"line { stroke-width: 2 } .grid { stroke: #ddd; stroke-width: 1 }",
".ours { fill: #0a6ebd; stroke: #0a6ebd } .peer { fill: #c2570c; stroke: #c2570c } .floor { fill: #777; stroke: #777 }",
"@media (prefers-color-scheme: dark) {",
"text { fill: #ddd } .note { fill: #999 } .grid { stroke: #444 }",
".ours { fill: #58a6ff; stroke: #58a6ff } .peer { fill: #f0883e; stroke: #f0883e } .floor { fill: #aaa; stroke: #aaa } }",
"</style>",
([1000, 10000, 100000, 1000000][]
	| "<line class=\"grid\" x1=\"\(x)\" y1=\"\(top - 12)\" x2=\"\(x)\" y2=\"\($body.y)\"/>",
	  "<text class=\"note\" x=\"\(x)\" y=\"\(top - 18)\" text-anchor=\"middle\">\(. / 1000) ms</text>"),
$body.drawn[],
"<text class=\"note\" x=\"10\" y=\"\($height - 8)\">dot: median; line: to the 99th percentile; \($report.machine.processor
	| gsub("&"; "&amp;") | gsub("<"; "&lt;")), \($report.machine.processors) CPUs, Linux \($report.machine.kernel), \($report.date)</text>",
"</svg>"
