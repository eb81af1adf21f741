/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has the kernel run the classifier over crafted frames (BPF_PROG_TEST_RUN), for classifier.sh: prints "ok NAME" or
 * "not ok NAME: WHY" for each, and "N passed, N failed".
 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "plugin/enforce/bpf.h"
#include "plugin/enforce/classifier.h"
#include "plugin/enforce/deadlines.h"

/** A test run is of an skb of the loopback interface */
#define IFINDEX 1U
#define MARK 0x01000000U
#define LATE 0x00800000U

/** struct frame - A frame in the making */
struct frame {
	uint8_t bytes[256];
	size_t n;
};

/** struct count - How it went */
struct count {
	unsigned passed;
	unsigned failed;
};

static struct classifier classifier = CLASSIFIER_INIT;
static int deadlines = -1;
static struct count count;

/** put() - Append bytes */
static struct frame put(struct frame frame, const void *bytes, size_t n)
{
	memcpy(frame.bytes + frame.n, bytes, n);
	frame.n += n;
	return frame;
}

/** hex() - Append bytes as "00 01 …" */
static struct frame hex(struct frame frame, const char *text)
{
	for (; *text; text += strspn(text + 2, " ") + 2) {
		uint8_t high = (uint8_t)(text[0] <= '9' ? text[0] - '0' : text[0] - 'a' + 10);
		uint8_t low = (uint8_t)(text[1] <= '9' ? text[1] - '0' : text[1] - 'a' + 10);

		frame.bytes[frame.n++] = (uint8_t)(high << 4 | low);
	}
	return frame;
}

/** ethernet() - A frame with a protocol */
static struct frame ethernet(const char *protocol)
{
	struct frame frame = hex((struct frame){.n = 0}, "02 00 00 00 00 01 02 00 00 00 00 02");

	return hex(frame, protocol);
}

/** ip4() - An IPv4 packet: @fragment is flags and offset */
static struct frame ip4(const char *source, uint8_t protocol, uint16_t fragment)
{
	struct frame frame = hex(ethernet("08 00"), "45 00 00 28 00 00");
	uint8_t rest[6] = {(uint8_t)(fragment >> 8), (uint8_t)fragment, 64, protocol, 0, 0};
	struct in_addr from, to;

	(void)inet_pton(AF_INET, source, &from);
	(void)inet_pton(AF_INET, "198.51.100.2", &to);
	return put(put(put(frame, rest, sizeof(rest)), &from, 4), &to, 4);
}

/** ip6() - An IPv6 packet */
static struct frame ip6(const char *source, uint8_t next)
{
	struct frame frame = hex(ethernet("86 dd"), "60 00 00 00 00 28");
	uint8_t rest[2] = {next, 255};
	struct in6_addr from, to;

	(void)inet_pton(AF_INET6, source, &from);
	(void)inet_pton(AF_INET6, "ff02::1", &to);
	return put(put(put(frame, rest, sizeof(rest)), &from, 16), &to, 16);
}

/** address6() - Append an IPv6 address */
static struct frame address6(struct frame frame, const char *address)
{
	struct in6_addr in6;

	(void)inet_pton(AF_INET6, address, &in6);
	return put(frame, &in6, sizeof(in6));
}

/** nd() - Neighbour discovery: type, target */
static struct frame nd(struct frame frame, const char *type, const char *target)
{
	return address6(hex(hex(frame, type), "00 00 00 00 00 00 00"), target);
}

/** arp() - ARP from a sender */
static struct frame arp(const char *sender)
{
	struct frame frame = hex(ethernet("08 06"), "00 01 08 00 06 04 00 01 02 00 00 00 00 02");
	struct in_addr from;

	(void)inet_pton(AF_INET, sender, &from);
	return hex(put(frame, &from, 4), "00 00 00 00 00 00 0a 09 00 01");
}

/** run() - What the classifier says to a frame: its verdict; negative errno */
static int run(const struct frame *frame, uint32_t *ret_mark)
{
	struct __sk_buff context = {0};
	union bpf_attr attributes = {0};
	uint8_t data[256];

	memcpy(data, frame->bytes, sizeof(data));
	attributes.test.prog_fd = (uint32_t)classifier.program_fd;
	attributes.test.data_in = (uint64_t)(uintptr_t)data;
	attributes.test.data_size_in = (uint32_t)frame->n;
	attributes.test.ctx_out = (uint64_t)(uintptr_t)&context;
	attributes.test.ctx_size_out = sizeof(context);
	if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof(attributes)) < 0)
		return -errno;
	*ret_mark = context.mark;
	return (int)attributes.test.retval;
}

/** expect() - Hold a frame against what is expected: it passes with these marks, or is dropped (0) */
static void expect(const char *name, struct frame frame, uint32_t mark)
{
	uint32_t got = 0;
	int verdict = run(&frame, &got);
	bool fine = mark ? verdict == TC_ACT_UNSPEC && got == mark : verdict == TC_ACT_SHOT;

	if (fine)
		(void)printf("ok %s\n", name);
	else
		(void)printf("not ok %s: verdict %d, mark 0x%x\n", name, verdict, got);
	count.passed += fine;
	count.failed += !fine;
}

/** make_element() - A container with two addresses of each family */
static struct classifier_element make_element(void)
{
	struct classifier_element element = {.mark = MARK, .late = LATE, .n_more = 2};

	(void)inet_pton(AF_INET, "10.9.0.2", &element.ipv4);
	(void)inet_pton(AF_INET6, "fd09::2", element.ipv6);
	(void)inet_pton(AF_INET6, "::ffff:10.9.0.3", element.more[0]);
	(void)inet_pton(AF_INET6, "fd09::3", element.more[1]);
	element.link_local[0] = htonl(0x000000ff);
	element.link_local[1] = htonl(0xfe000002);
	return element;
}

/** know_at() - Have the classifier know it at an interface; NULL: nothing */
static void know_at(uint32_t ifindex, const struct classifier_element *element)
{
	struct error err;

	if (element ? classifier_put(&classifier, ifindex, element, &err) : classifier_forget(&classifier, ifindex))
		exit(2);
}

/** know() - The same at the interface of the frames */
static void know(const struct classifier_element *element)
{
	know_at(IFINDEX, element);
}

/** judge_ipv4() - IPv4 and ARP */
static void judge_ipv4(void)
{
	expect("ipv4 own tcp", hex(ip4("10.9.0.2", 6, 0), "00 00"), MARK);
	expect("ipv4 own udp", ip4("10.9.0.2", 17, 0), MARK);
	expect("ipv4 second own", ip4("10.9.0.3", 17, 0), MARK);
	expect("ipv4 neighbour's", ip4("10.9.0.4", 17, 0), 0);
	expect("ipv4 0.0.0.0", ip4("0.0.0.0", 17, 0), 0);
	expect("ipv4 broadcast", ip4("255.255.255.255", 17, 0), 0);
	expect("icmp echo", hex(ip4("10.9.0.2", 1, 0), "08 00 00 00"), MARK);
	expect("icmp redirect", hex(ip4("10.9.0.2", 1, 0), "05 01 00 00"), 0);
	expect("icmp first fragment of a redirect", hex(ip4("10.9.0.2", 1, 0x2000), "05 01 00 00"), 0);
	expect("icmp later fragment", hex(ip4("10.9.0.2", 1, 0x0010), "05 01 00 00"), MARK);
	expect("icmp without a header", ip4("10.9.0.2", 1, 0), 0);
	expect("arp own", arp("10.9.0.2"), MARK);
	expect("arp second own", arp("10.9.0.3"), MARK);
	expect("arp probe", arp("0.0.0.0"), MARK);
	expect("arp neighbour's", arp("10.9.0.4"), 0);
	expect("arp short", hex(ethernet("08 06"), "00 01 08 00 06 04 00 01"), 0);
	expect("arp of another hardware",
	       hex(ethernet("08 06"), "00 06 08 00 06 04 00 01 02 00 00 00 00 02 0a 09 00 02 "
				      "00 00 00 00 00 00 0a 09 00 01"),
	       0);
	expect("vlan",
	       hex(ethernet("81 00"), "00 01 08 00 45 00 00 28 00 00 00 00 40 11 00 00 0a 09 00 02 0a 09 00 01"), 0);
	expect("mpls",
	       hex(ethernet("88 47"), "00 00 11 40 45 00 00 28 00 00 00 00 40 11 00 00 0a 09 00 02 0a 09 00 01"), 0);
	expect("llc", hex(ethernet("00 26"), "42 42 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"), 0);
}

/** judge_ipv6() - IPv6 without neighbour discovery */
static void judge_ipv6(void)
{
	expect("ipv6 own tcp", ip6("fd09::2", 6), MARK);
	expect("ipv6 second own udp", ip6("fd09::3", 17), MARK);
	expect("ipv6 own esp", ip6("fd09::2", 50), MARK);
	expect("ipv6 neighbour's", ip6("fd09::4", 17), 0);
	expect("ipv6 link-local udp", ip6("fe80::ff:fe00:2", 17), 0);
	expect("ipv6 :: udp", ip6("::", 17), 0);
	expect("ipv6 mapped own", ip6("::ffff:10.9.0.3", 17), MARK);
	expect("hop-by-hop, udp", hex(ip6("fd09::2", 0), "11 00 01 04 00 00 00 00"), MARK);
	expect("destination options, ah, udp",
	       hex(ip6("fd09::2", 60), "33 00 01 04 00 00 00 00 11 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00"),
	       MARK);
	expect("seven extension headers",
	       hex(ip6("fd09::2", 60), "3c 00 01 04 00 00 00 00 3c 00 01 04 00 00 00 00 3c 00 01 04 00 00 00 00 "
				       "3c 00 01 04 00 00 00 00 3c 00 01 04 00 00 00 00 3c 00 01 04 00 00 00 00 "
				       "11 00 01 04 00 00 00 00"),
	       0);
	expect("fragment, first", hex(ip6("fd09::2", 44), "11 00 00 01 00 00 00 01 00"), MARK);
	expect("fragment, first without transport", hex(ip6("fd09::2", 44), "11 00 00 01 00 00 00 01"), 0);
	expect("fragment, later", hex(ip6("fd09::2", 44), "11 00 00 08 00 00 00 01 00"), MARK);
	expect("fragment from ::", hex(ip6("::", 44), "3a 00 00 08 00 00 00 01 00"), 0);
	expect("truncated extension header", hex(ip6("fd09::2", 60), "11 00"), 0);
}

/** judge_nd() - Neighbour discovery and its kin */
static void judge_nd(void)
{
	expect("echo", hex(ip6("fd09::2", 58), "80 00 00 00"), MARK);
	expect("echo from link-local", hex(ip6("fe80::ff:fe00:2", 58), "80 00 00 00"), MARK);
	expect("echo from ::", hex(ip6("::", 58), "80 00 00 00"), 0);
	expect("ns from own", nd(ip6("fd09::2", 58), "87", "fd09::1"), MARK);
	expect("ns from link-local", nd(ip6("fe80::ff:fe00:2", 58), "87", "fe80::1"), MARK);
	expect("ns from another's link-local", nd(ip6("fe80::1", 58), "87", "fe80::1"), 0);
	expect("dad of own", nd(ip6("::", 58), "87", "fd09::2"), MARK);
	expect("dad of second own", nd(ip6("::", 58), "87", "fd09::3"), MARK);
	expect("dad of link-local", nd(ip6("::", 58), "87", "fe80::ff:fe00:2"), MARK);
	expect("dad of another's", nd(ip6("::", 58), "87", "fd09::4"), 0);
	expect("na of own", nd(ip6("fd09::2", 58), "88", "fd09::2"), MARK);
	expect("na of another's", nd(ip6("fd09::2", 58), "88", "fd09::1"), 0);
	expect("na without target", hex(ip6("fd09::2", 58), "88 00 00 00"), 0);
	expect("rs", hex(ip6("fe80::ff:fe00:2", 58), "85 00 00 00"), MARK);
	expect("ra", hex(ip6("fd09::2", 58), "86 00 00 00"), 0);
	expect("ra from link-local", hex(ip6("fe80::ff:fe00:2", 58), "86 00 00 00"), 0);
	expect("redirect", hex(ip6("fe80::ff:fe00:2", 58), "89 00 00 00"), 0);
	expect("ra after destination options", hex(ip6("fd09::2", 60), "3a 00 01 04 00 00 00 00 86 00 00 00"), 0);
	expect("ra in a fragment", hex(ip6("fd09::2", 44), "3a 00 00 01 00 00 00 01 86 00 00 00"), 0);
	expect("na in a fragment", nd(hex(ip6("fd09::2", 44), "3a 00 00 01 00 00 00 01"), "88", "fd09::2"), 0);
	expect("mld2 report from ::", hex(ip6("::", 0), "3a 00 05 02 00 00 01 00 8f 00 00 00"), MARK);
	expect("mld report from link-local", hex(ip6("fe80::ff:fe00:2", 0), "3a 00 05 02 00 00 01 00 83 00 00 00"),
	       MARK);
	expect("icmpv6 without a header", ip6("fd09::2", 58), 0);
}

/** due() - The deadline of a shared source */
static void due(const struct address *source, uint64_t deadline)
{
	int r = deadlines_put(deadlines, source, deadline);

	if (r < 0) {
		(void)printf("not ok a deadline: %s\n", strerror(-r));
		count.failed++;
	}
}

/** judge_shared() - Shared sources: one without a deadline is closed, and each counts for its family alone */
static void judge_shared(void)
{
	struct classifier_element element = make_element();
	struct address ipv4 = {0}, ipv6 = {0};
	struct timespec now;
	uint64_t later;

	(void)address_parse("192.0.2.50", &ipv4);
	(void)address_parse("2001:db8::50", &ipv6);
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	later = (uint64_t)(now.tv_sec + 3600) * 1000000000U;
	deadlines_key(&ipv4, element.shared[element.n_shared++]);
	(void)bpf_map_delete(deadlines, element.shared[0]); /* an earlier run's */
	know(&element);
	expect("no deadline", ip4("10.9.0.2", 17, 0), MARK | LATE);
	expect("no deadline, ipv6 is not shared", ip6("fd09::2", 17), MARK);
	if (deadlines < 0)
		return; /* without a name in bpffs nobody else can open a source */
	due(&ipv4, later);
	expect("before the deadline", ip4("10.9.0.2", 17, 0), MARK);
	due(&ipv4, (uint64_t)now.tv_sec * 1000000000U);
	expect("past the deadline", ip4("10.9.0.2", 17, 0), MARK | LATE);
	due(&ipv4, DEADLINE_CLOSED);
	expect("closed", ip4("10.9.0.2", 17, 0), MARK | LATE);
	due(&ipv4, later);
	deadlines_key(&ipv6, element.shared[element.n_shared++]);
	(void)bpf_map_delete(deadlines, element.shared[1]);
	know(&element);
	expect("both shared, ipv4 open", ip4("10.9.0.2", 17, 0), MARK);
	expect("both shared, ipv6 without a deadline", ip6("fd09::2", 17), MARK | LATE);
	due(&ipv6, later);
	expect("both shared, ipv6 open", ip6("fd09::2", 17), MARK);
}

/** judge_macs() - Behind a bridge frames, ARP and neighbour discovery must tell of the own MAC address */
static void judge_macs(void)
{
	struct classifier_element element = make_element();
	static const char own_option[] = "01 01 02 00 00 00 00 02", other[] = "02 01 02 00 00 00 00 03";
	static const char nonce[] = "0e 01 00 00 00 00 00 00";
	struct frame frame = arp("10.9.0.2");

	element.flags = CLASSIFIER_OWN_MAC;
	memcpy(element.mac, "\x02\0\0\0\0\x02", 6);
	know(&element);
	expect("own mac, ipv4", ip4("10.9.0.2", 17, 0), MARK);
	expect("own mac, ipv6", ip6("fd09::2", 17), MARK);
	expect("own mac, arp", frame, MARK);
	frame.bytes[27] = 3;
	expect("another's mac inside arp", frame, 0);
	expect("na of own with own mac", hex(nd(ip6("fd09::2", 58), "88", "fd09::2"), own_option), MARK);
	expect("na with another's mac", hex(nd(ip6("fd09::2", 58), "88", "fd09::2"), other), 0);
	expect("ns with another's mac", hex(nd(ip6("fd09::2", 58), "87", "fd09::1"), other), 0);
	expect("dad with a nonce", hex(nd(ip6("::", 58), "87", "fd09::2"), nonce), MARK);
	expect("another's mac after a nonce", hex(hex(nd(ip6("fd09::2", 58), "87", "fd09::1"), nonce), other), 0);
	expect("rs with another's mac", hex(hex(ip6("fe80::ff:fe00:2", 58), "85 00 00 00 00 00 00 00"), other), 0);
	expect("an option without a length", hex(nd(ip6("fd09::2", 58), "87", "fd09::1"), "0e 00"), 0);
	frame = hex(nd(ip6("fd09::2", 58), "87", "fd09::1"), nonce);
	frame = hex(hex(hex(hex(frame, nonce), nonce), nonce), other);
	expect("another's mac after more options than there are", frame, 0);
	element.mac[5] = 3;
	know(&element);
	expect("another's mac, ipv4", ip4("10.9.0.2", 17, 0), 0);
	expect("another's mac, ipv6", ip6("fd09::2", 17), 0);
	expect("another's mac, arp", arp("10.9.0.2"), 0);
}

/** agree() - Hold what classifier_agrees() says of an element against what is expected */
static void agree(const char *name, const struct classifier_element *element, bool agrees)
{
	bool fine = classifier_agrees(&classifier, IFINDEX, element) == agrees;

	(void)printf("%s %s\n", fine ? "ok" : "not ok", name);
	count.passed += fine;
	count.failed += !fine;
}

/** judge_senders() - The map of senders: of interfaces that share a place there, each has only what is its own */
static void judge_senders(void)
{
	const uint32_t other = IFINDEX + CLASSIFIER_SENDERS_MAX;
	struct classifier_element element = make_element(), changed = element;
	const struct classifier_sender forged = {.ifindex = IFINDEX, .ipv4 = htonl(0x0a090009), .mark = MARK};
	uint32_t place = IFINDEX;

	know(NULL);
	know_at(other, &element);
	expect("the place is another interface's, no element", ip4("10.9.0.2", 17, 0), 0);
	know(&element);
	expect("the place is another interface's", ip4("10.9.0.2", 17, 0), MARK);
	know_at(other, NULL);
	know(&element);
	know_at(other, &element);
	know_at(other, NULL);
	expect("its own place, and another came and went", ip4("10.9.0.2", 17, 0), MARK);
	agree("a sender like its element", &element, true);
	changed.mark |= LATE;
	agree("a sender unlike its element", &changed, false);
	know(&changed);
	expect("another mark", ip4("10.9.0.2", 17, 0), MARK | LATE);
	changed.ipv4 = htonl(0x0a090009);
	know(&changed);
	expect("another address", ip4("10.9.0.9", 17, 0), MARK | LATE);
	expect("its earlier address", ip4("10.9.0.2", 17, 0), 0);
	know(&element);
	(void)bpf_map_put(classifier.senders_fd, &place, &forged);
	agree("a sender that somebody wrote", &element, false);
	know(&element);
	expect("a sender that somebody wrote, put right", ip4("10.9.0.9", 17, 0), 0);
	know(NULL);
	expect("nothing is left when it is forgotten", ip4("10.9.0.2", 17, 0), 0);
}

/** judge_elements() - What the element says of antiSpoof; a missing one */
static void judge_elements(void)
{
	struct classifier_element element = {.mark = MARK, .flags = CLASSIFIER_ANY_SOURCE};

	know(&element);
	expect("any source", ip4("10.9.0.4", 17, 0), MARK);
	expect("any protocol", hex(ethernet("88 47"), "00 00 11 40 00 00 00 00 00 00 00 00"), MARK);
	element = (struct classifier_element){.mark = MARK};
	know(&element);
	expect("no address, 0.0.0.0", ip4("0.0.0.0", 17, 0), 0);
	expect("no address, ::", ip6("::", 17), 0);
	know(NULL);
	expect("no element", ip4("10.9.0.2", 17, 0), 0);
	expect("no element, arp", arp("10.9.0.2"), 0);
}

int main(void)
{
	struct classifier_element element = make_element();
	struct port *host PORT_CLEANUP = NULL;
	struct error err = {0};

	if (port_open(&host) || classifier_open(host, &classifier, &err)) {
		(void)printf("not ok classifier_open: %s: %s\n0 passed, 1 failed\n", err.msg, err.details);
		return 1;
	}
	deadlines = deadlines_open_kept(host);
	know(&element);
	judge_ipv4();
	judge_ipv6();
	judge_nd();
	judge_shared();
	judge_macs();
	judge_senders();
	judge_elements();
	classifier_done(&classifier);
	cleanup_close(&deadlines);
	(void)printf("%u passed, %u failed\n", count.passed, count.failed);
	return count.failed != 0;
}
