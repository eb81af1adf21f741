/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe.c: questions byte for byte as the RFCs lay them out, answers of every kind, and a wait that ends. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "plugin/network/probe.h"

#define LINK 7U

static const uint8_t own_mac[ETH_ALEN] = {0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee};
static const uint8_t other_mac[ETH_ALEN] = {0x02, 0x01, 0x02, 0x03, 0x04, 0x05};

/**
 * struct wire - A link
 * @calls:	Calls of the socket so far
 * @fail_call:	Which of them fails with @errnum, from 1
 * @now_ms:	The clock, which only poll() moves
 * @sent:	Packets that were sent
 * @packet:	The last of them, and whom it went to
 * @answer:	What comes in after the @answer_after-th was sent; @answers times
 */
static struct wire {
	unsigned calls, fail_call;
	int errnum;
	int64_t now_ms;
	unsigned sent;
	uint8_t packet[256];
	size_t size;
	struct sockaddr_ll to;
	uint8_t answer[256];
	size_t answer_size;
	unsigned answer_after, answers;
} wire;

int __wrap_socket(int domain, int type, int protocol);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t size);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size);
ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t to_size);
/* cppcheck-suppress constParameter ; as recvfrom(2) has it */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from, socklen_t *from_size);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_clock_gettime(clockid_t id, struct timespec *now);

/** fails() - Whether this call is the one that fails */
static bool fails(void)
{
	if (++wire.calls != wire.fail_call)
		return false;
	errno = wire.errnum;
	return true;
}

int __wrap_socket(int domain, int type, int protocol)
{
	assert_int_equal(domain, AF_PACKET);
	assert_int_equal(type, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_int_equal(protocol, 0);
	return fails() ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC);
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	(void)fd;
	(void)level;
	(void)option;
	(void)value;
	(void)size;
	return fails() ? -1 : 0;
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	struct sockaddr_ll link;

	(void)fd;
	assert_int_equal(size, sizeof(link));
	memcpy(&link, address, sizeof(link));
	assert_int_equal(link.sll_ifindex, LINK);
	return fails() ? -1 : 0;
}

ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t to_size)
{
	(void)fd;
	(void)flags;
	assert_int_equal(to_size, sizeof(wire.to));
	assert_true(size <= sizeof(wire.packet));
	if (fails())
		return -1;
	memcpy(wire.packet, bytes, size);
	wire.size = size;
	memcpy(&wire.to, to, sizeof(wire.to));
	wire.sent++;
	return (ssize_t)size;
}

/* cppcheck-suppress constParameter ; as recvfrom(2) has it */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from, socklen_t *from_size)
{
	struct sockaddr_ll sender = {.sll_family = AF_PACKET, .sll_halen = ETH_ALEN};

	(void)fd;
	(void)flags;
	if (fails())
		return -1;
	if (!wire.answers || wire.sent < wire.answer_after) {
		errno = EAGAIN;
		return -1;
	}
	wire.answers--;
	assert_true(wire.answer_size <= size && *from_size >= sizeof(sender));
	memcpy(sender.sll_addr, other_mac, ETH_ALEN);
	memcpy(from, &sender, sizeof(sender));
	memcpy(bytes, wire.answer, wire.answer_size);
	return (ssize_t)wire.answer_size;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	assert_int_equal(n, 1);
	assert_int_equal(fds->events, POLLIN);
	assert_true(timeout > 0);
	wire.now_ms += wire.answers && wire.sent >= wire.answer_after ? 1 : timeout;
	return 0;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
	assert_int_equal(id, CLOCK_MONOTONIC);
	*now = (struct timespec){.tv_sec = wire.now_ms / 1000, .tv_nsec = wire.now_ms % 1000 * 1000000};
	return 0;
}

static struct address address(const char *text)
{
	struct address parsed = {0};

	assert_int_equal(address_parse(text, &parsed), 0);
	return parsed;
}

/** answer_with() - These bytes come in once the @after-th question was sent */
static void answer_with(const uint8_t *bytes, size_t size, unsigned after)
{
	wire = (struct wire){.answer_size = size, .answer_after = after, .answers = 1};
	memcpy(wire.answer, bytes, size);
}

/** ask() - probe_ask() for an address */
static int ask(const char *text, uint8_t ret_holder[static ETH_ALEN])
{
	struct address wanted = address(text);

	return probe_ask(LINK, &wanted, own_mac, ret_holder);
}

/** RFC 5227 section 2.1.1: a broadcast request with an all-zero sender address */
static void arp_probe(void **state)
{
	static const uint8_t expected[] = {
		0x00, 0x01, 0x08, 0x00, 0x06, 0x04, /* Ethernet, IPv4, lengths */
		0x00, 0x01,			    /* request */
		0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, /* sender */
		0,    0,    0,	  0,		    /* that has no address */
		0,    0,    0,	  0,	0,    0,    /* target */
		192,  0,    2,	  10,
	};
	static const uint8_t broadcast[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t holder[ETH_ALEN];

	(void)state;
	wire = (struct wire){0};
	assert_int_equal(ask("192.0.2.10", holder), 0);
	assert_int_equal(wire.sent, PROBE_SENDS);
	assert_int_equal(wire.now_ms, PROBE_SENDS * PROBE_GAP_MS);
	assert_int_equal(wire.size, sizeof(expected));
	assert_memory_equal(wire.packet, expected, sizeof(expected));
	assert_memory_equal(wire.to.sll_addr, broadcast, ETH_ALEN);
	assert_int_equal(wire.to.sll_ifindex, LINK);
	assert_int_equal(wire.to.sll_protocol, htons(ETH_P_ARP));
}

/** RFC 4862 section 5.4.2, RFC 4861 section 4.3: from :: to the solicited-node group, no option */
static void neighbour_solicitation(void **state)
{
	static const uint8_t expected[] = {
		0x60, 0,    0, 0, 0x00, 0x18, 0x3a, 0xff, /* 24 bytes of ICMPv6, hop limit 255 */
		0,    0,    0, 0, 0,	0,    0,    0,	  0, 0, 0, 0, 0,    0,	  0,	0, /* :: */
		0xff, 0x02, 0, 0, 0,	0,    0,    0,	  0, 0, 0, 1, 0xff, 0x34, 0x56, 0x78, 0x87, 0x00, 0,	0,
		0,    0,    0, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0,    0,	  0,	0,    0x12, 0x34, 0x56, 0x78,
	};
	static const uint8_t group[ETH_ALEN] = {0x33, 0x33, 0xff, 0x34, 0x56, 0x78};
	uint32_t sum = 24 + 58;
	uint8_t holder[ETH_ALEN];

	(void)state;
	wire = (struct wire){0};
	assert_int_equal(ask("2001:db8::1234:5678", holder), 0);
	assert_int_equal(wire.sent, PROBE_SENDS);
	assert_int_equal(wire.size, sizeof(expected));
	assert_memory_equal(wire.packet, expected, 42);
	assert_memory_equal(wire.packet + 44, expected + 44, sizeof(expected) - 44);
	assert_memory_equal(wire.to.sll_addr, group, ETH_ALEN);
	assert_int_equal(wire.to.sll_protocol, htons(ETH_P_IPV6));
	/* RFC 1071: the sum over the pseudo header and the message, checksum included, is all ones. */
	for (size_t i = 8; i < wire.size; i += 2)
		sum += (uint32_t)wire.packet[i] << 8 | wire.packet[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
}

/** arp() - An ARP packet from somebody */
static void arp(uint8_t operation, const uint8_t mac[static ETH_ALEN], const char *sender, const char *target,
		uint8_t ret_bytes[static 28])
{
	static const uint8_t head[] = {0, 1, 8, 0, 6, 4, 0};

	memcpy(ret_bytes, head, sizeof(head));
	ret_bytes[7] = operation;
	memcpy(ret_bytes + 8, mac, ETH_ALEN);
	assert_int_equal(inet_pton(AF_INET, sender, ret_bytes + 14), 1);
	memset(ret_bytes + 18, 0, ETH_ALEN);
	assert_int_equal(inet_pton(AF_INET, target, ret_bytes + 24), 1);
}

static void arp_answers(void **state)
{
	static const struct {
		uint8_t operation;
		const uint8_t *mac;
		const char *sender, *target;
		bool taken;
	} cases[] = {
		{2, other_mac, "192.0.2.10", "0.0.0.0", true},	   /* reply */
		{1, other_mac, "192.0.2.10", "192.0.2.10", true},  /* announcement */
		{1, other_mac, "192.0.2.10", "192.0.2.1", true},   /* it asks for somebody else */
		{1, other_mac, "0.0.0.0", "192.0.2.10", true},	   /* it probes at the same time */
		{1, own_mac, "0.0.0.0", "192.0.2.10", false},	   /* our own, reflected */
		{2, own_mac, "192.0.2.10", "0.0.0.0", false},	   /* another of our processes was first */
		{2, other_mac, "192.0.2.11", "192.0.2.10", false}, /* somebody else's */
		{1, other_mac, "192.0.2.1", "192.0.2.10", false},  /* a neighbour looks for the address */
		{1, other_mac, "0.0.0.0", "192.0.2.11", false},	   {2, other_mac, "0.0.0.0", "192.0.2.10", false},
	};
	uint8_t bytes[28];
	uint8_t holder[ETH_ALEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		arp(cases[i].operation, cases[i].mac, cases[i].sender, cases[i].target, bytes);
		answer_with(bytes, sizeof(bytes), 1 + (unsigned)i % PROBE_SENDS);
		assert_int_equal(ask("192.0.2.10", holder), cases[i].taken ? PROBE_E_TAKEN : 0);
		if (cases[i].taken)
			assert_memory_equal(holder, other_mac, ETH_ALEN);
		answer_with(bytes, sizeof(bytes) - 1, 1);
		assert_int_equal(ask("192.0.2.10", holder), 0);
	}
}

/** discovery() - A packet of neighbour discovery about 2001:db8::10, with a link-layer address as option: its size */
static size_t discovery(uint8_t type, const char *source, const char *target, const uint8_t *option,
			uint8_t ret_bytes[static 72])
{
	memset(ret_bytes, 0, 72);
	ret_bytes[0] = 0x60;
	ret_bytes[6] = 58;
	ret_bytes[7] = 255;
	assert_int_equal(inet_pton(AF_INET6, source, ret_bytes + 8), 1);
	ret_bytes[40] = type;
	assert_int_equal(inet_pton(AF_INET6, target, ret_bytes + 48), 1);
	if (!option)
		return 64;
	ret_bytes[64] = 2;
	ret_bytes[65] = 1;
	memcpy(ret_bytes + 66, option, ETH_ALEN);
	return 72;
}

static void discovery_answers(void **state)
{
	static const uint8_t virtual_mac[ETH_ALEN] = {0, 0, 0x5e, 0, 2, 1};
	static const struct {
		uint8_t type;
		const char *source, *target;
		const uint8_t *option, *holder;
	} cases[] = {
		{136, "2001:db8::10", "2001:db8::10", NULL, other_mac},
		{136, "fe80::1", "2001:db8::10", virtual_mac, virtual_mac},
		{136, "2001:db8::10", "2001:db8::10", own_mac, NULL},
		{135, "::", "2001:db8::10", NULL, other_mac}, /* it probes at the same time */
		{135, "fe80::1", "2001:db8::10", NULL, NULL}, /* a neighbour looks for the address */
		{136, "2001:db8::11", "2001:db8::11", NULL, NULL},
		{134, "fe80::1", "2001:db8::10", NULL, NULL}, /* a router's */
	};
	uint8_t bytes[72];
	uint8_t holder[ETH_ALEN];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size = discovery(cases[i].type, cases[i].source, cases[i].target, cases[i].option, bytes);
		answer_with(bytes, size, 1);
		assert_int_equal(ask("2001:db8::10", holder), cases[i].holder ? PROBE_E_TAKEN : 0);
		if (cases[i].holder)
			assert_memory_equal(holder, cases[i].holder, ETH_ALEN);
	}
	/* From another link than this (hop limit), too short */
	size = discovery(136, "2001:db8::10", "2001:db8::10", NULL, bytes);
	answer_with(bytes, size - 1, 1);
	assert_int_equal(ask("2001:db8::10", holder), 0);
	bytes[7] = 254;
	answer_with(bytes, size, 1);
	assert_int_equal(ask("2001:db8::10", holder), 0);
}

/** A flood of packets about others neither holds the caller nor hides its clock */
static void a_flood_ends(void **state)
{
	uint8_t bytes[28];
	uint8_t holder[ETH_ALEN];

	(void)state;
	arp(1, other_mac, "192.0.2.1", "192.0.2.9", bytes);
	answer_with(bytes, sizeof(bytes), 1);
	wire.answers = 1000000;
	assert_int_equal(ask("192.0.2.10", holder), 0);
	assert_true(wire.now_ms <= PROBE_SENDS * PROBE_GAP_MS);
	assert_true(wire.answers > 990000);
}

/** Each call fails once: its errno; a link that is down has no neighbours */
static void failures(void **state)
{
	static const char *const wanted[] = {"192.0.2.10", "2001:db8::10"};
	uint8_t holder[ETH_ALEN];

	(void)state;
	for (unsigned family = 0; family < 2; family++) {
		/* socket, filter for IPv6, bind, first question, first look */
		for (unsigned i = 1; i <= 4 + family; i++) {
			wire = (struct wire){.fail_call = i, .errnum = EPERM};
			assert_int_equal(ask(wanted[family], holder), -EPERM);
			wire = (struct wire){.fail_call = i, .errnum = ENETDOWN};
			assert_int_equal(ask(wanted[family], holder), 0);
		}
		wire = (struct wire){.fail_call = 4 + family, .errnum = EINTR};
		assert_int_equal(ask(wanted[family], holder), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_probe),	cmocka_unit_test(neighbour_solicitation),
		cmocka_unit_test(arp_answers),	cmocka_unit_test(discovery_answers),
		cmocka_unit_test(a_flood_ends), cmocka_unit_test(failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
