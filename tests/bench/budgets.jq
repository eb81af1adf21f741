# SPDX-License-Identifier: GPL-2.0-or-later
#
# The budgets of the contract against what was measured. Input: {CASE: what bench wrote}; output: an array of
# {what, beside, measured, relation, bound, holds}. A case that was not run gives no line. `holds` is null where the
# contract asks for nothing.

def result($case; $contender; $step):
	.[$case].results[]? | select(.contender == $contender and .step == $step);
def p50($case; $contender; $step): result($case; $contender; $step).wall_us.p50;

# One line for a measured value; with `later` and `later_at_least` nothing has to hold
def line($what; $beside; $measured; $relation; $bound; $counts):
	{$what, $beside, $measured, $relation, $bound,
	 holds: (if $counts then (if $relation == "<=" then $measured <= $bound else $measured >= $bound end) else null end)};
def at_most($what; $beside; $measured; $bound): line($what; $beside; $measured; "<="; $bound; true);
def at_least($what; $beside; $measured; $bound): line($what; $beside; $measured; ">="; $bound; true);
def later($what; $beside; $measured; $bound): line($what; $beside; $measured; "<="; $bound; false);
def later_at_least($what; $beside; $measured; $bound): line($what; $beside; $measured; ">="; $bound; false);

# ADD with that many leases, or reserved prefixes, beside ADD with none
def leases($count): p50("leases"; "rangeguard \($count)"; "add") / p50("leases"; "rangeguard 0"; "add");
# A contender on a host that holds much already beside itself on one that holds nothing
def scale($contender; $host; $step):
	p50("scale"; "\($contender) \($host)"; $step) / p50("scale"; "\($contender) empty"; $step);
# What a host that holds much adds to the time between our ADD and the kernel calls alone
def distance($host; $step):
	def between($host): p50("scale"; "rangeguard \($host)"; $step) - p50("scale"; "floor \($host)"; $step);
	between($host) / between("empty");
# Throughput of the only pinned container, or of one of many, beside another
def throughput($contender; $beside; $step):
	result("throughput"; $contender; $step).bits_per_s.p50 / result("throughput"; $beside; $step).bits_per_s.p50;
# New connections per second, beside another
def connections($contender; $beside):
	result("connections"; $contender; "connect").per_s.p50 / result("connections"; $beside; "connect").per_s.p50;
def slowest($contender): result("parallel"; $contender; "add").slowest_us.p50;
def policy($count): p50("policy"; "rangeguard \($count)"; "add") / p50("policy"; "rangeguard 0"; "add");

[
	at_most("routed ADD"; "ptp + host-local";
		p50("routed-reference"; "rangeguard"; "add") / p50("routed-reference"; "reference"; "add"); 0.22),
	later("the kernel calls alone, in a static program"; "ptp + host-local";
		p50("routed"; "floor static"; "add") / p50("routed"; "rangeguard"; "add") *
		p50("routed-reference"; "rangeguard"; "add") / p50("routed-reference"; "reference"; "add"); 0.22),
	at_most("routed ADD"; "the floor, which loads two libraries";
		p50("routed"; "rangeguard"; "add") / p50("routed"; "floor"; "add"); 1.25),
	later("the same"; "the floor, static as well";
		p50("routed"; "rangeguard"; "add") / p50("routed"; "floor static"; "add"); 1.25),
	at_most("routed DEL"; "the floor, which loads two libraries";
		p50("routed"; "rangeguard"; "del") / p50("routed"; "floor"; "del"); 1.05),
	later("the same"; "the floor, static as well";
		p50("routed"; "rangeguard"; "del") / p50("routed"; "floor static"; "del"); 1.05),
	at_most("dual-stack ADD"; "ptp + host-local, which waits for DAD";
		p50("dual-stack"; "rangeguard"; "add") / p50("dual-stack"; "reference"; "add"); 1 / 400),
	at_most("ADD with ipMasq"; "ptp with ipMasq";
		p50("ipmasq"; "rangeguard"; "add") / p50("ipmasq"; "reference"; "add"); 0.09),
	later("the same, the host's first masqueraded"; "ptp with ipMasq";
		p50("ipmasq"; "rangeguard first"; "add") / p50("ipmasq"; "reference"; "add"); 1 / 10),
	at_most("ADD with a pin and ipMasq"; "without";
		p50("pinned"; "pinned"; "add") / p50("pinned"; "rangeguard"; "add"); 1.25),
	at_most("ADD, the host's first with a certain pin"; "the second";
		p50("pinned"; "pinned first"; "add") / p50("pinned"; "pinned"; "add"); 1.3),
	at_most("DEL, 200,000 tracked flows"; "none";
		p50("flows"; "flows many"; "del") / p50("flows"; "flows none"; "del"); 1.5),
	later("ADD, 200,000 tracked flows"; "none";
		p50("flows"; "flows many"; "add") / p50("flows"; "flows none"; "add"); 1.5),
	at_most("ADD, 10,000 pinned containers"; "one";
		p50("pins"; "pins many"; "add") / p50("pins"; "pins one"; "add"); 1.05),
	at_least("new connections per second, pinned"; "ptp with ipMasq"; connections("one"; "reference"); 1),
	later_at_least("new connections per second, 10,000 pinned containers"; "one"; connections("many"; "one"); 1),
	later_at_least("TCP throughput, 10,000 pinned containers"; "one"; throughput("many"; "one"; "tcp"); 1),
	later_at_least("TCP throughput, one pinned container"; "ptp with ipMasq"; throughput("one"; "reference"; "tcp"); 1),
	later_at_least("UDP throughput, 10,000 pinned containers"; "one"; throughput("many"; "one"; "udp"); 1),
	later_at_least("UDP throughput, one pinned container"; "ptp with ipMasq"; throughput("one"; "reference"; "udp"); 1),
	later("routed ADD"; "netavark, which masquerades";
		p50("netavark"; "rangeguard"; "add") / p50("netavark"; "netavark"; "add"); 1),
	at_most("ADD, the 1,000th container of a host: distance to the kernel calls"; "the 1st"; distance("full"; "add"); 1.2),
	later("the same, the kernel calls alone"; "the 1st"; scale("floor"; "full"; "add"); 1.2),
	at_most("ADD beside 10,000 foreign interfaces and routes: distance to the kernel calls"; "without";
		distance("foreign"; "add"); 1.2),
	later("the same, the kernel calls alone"; "without"; scale("floor"; "foreign"; "add"); 1.2),
	later("DEL, the 1,000th container of a host"; "the 1st"; scale("rangeguard"; "full"; "del"); 1.2),
	later("DEL beside 10,000 foreign interfaces and routes"; "without"; scale("rangeguard"; "foreign"; "del"); 1.2),
	at_most("ADD, 60,000 leases"; "ptp + host-local with as many";
		p50("leases-reference"; "rangeguard 60000"; "add") / p50("leases-reference"; "reference 60000"; "add");
		1 / 120),
	at_most("ADD, 60,000 leases in a /16"; "none"; leases(60000); 1.05),
	at_most("ADD, 1,000,000 leases in a /12"; "none"; leases(1000000); 1.10),
	at_least("16 at a time, ADDs per second"; "ptp + host-local";
		p50("parallel"; "reference 16"; "add") / p50("parallel"; "rangeguard 16"; "add"); 5),
	at_most("250 at a time: all done"; "ptp + host-local";
		p50("parallel"; "rangeguard 250"; "add") / p50("parallel"; "reference 250"; "add"); 1 / 6),
	at_most("250 at a time: the slowest"; "ptp + host-local"; slowest("rangeguard 250") / slowest("reference 250"); 1 / 6),
	later("VERSION"; "an empty static program";
		p50("version"; "rangeguard"; "version") / p50("version"; "empty static"; "version"); 1.15),
	at_most("VERSION"; "an empty program that loads two libraries";
		p50("version"; "rangeguard"; "version") / p50("version"; "empty dynamic"; "version"); 1.15),
	at_most("peak memory of ADD, MiB"; "-"; result("routed"; "rangeguard"; "add").peak_kib / 1024; 4),
	at_most("validate 1,000 files, 100,000 prefixes"; "1 s";
		p50("validate"; "rangeguard"; "validate") / 1000000; 0.5),
	at_most("ADD, 1,000 prefixes"; "none"; policy(1000); 1.05),
	at_most("ADD, 100,000 prefixes"; "none"; policy(100000); 1.05),
	at_most("ADD, 1,000,000 prefixes"; "none"; policy(1000000); 1.05),
	at_most("peak memory of ADD, 1,000,000 prefixes, MiB"; "-";
		result("policy"; "rangeguard 1000000"; "add").peak_kib / 1024; 4)
]
