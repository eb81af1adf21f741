/* SPDX-License-Identifier: GPL-2.0-or-later */
/* announce.c: packets byte for byte as the RFCs lay them out, and the one socket that sends them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "plugin/snat/announce.h"

static const uint8_t mac[ETH_ALEN] = {0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee};

/** struct wire - What socket() and sendto() were asked; @fail_call: which of them fails, from 1 */
static struct wire {
	unsigned calls, fail_call;
	int domain, type, protocol;
	int fd;
	struct sockaddr_ll to;
	uint8_t bytes[256];
	size_t size;
} wire;

int __wrap_socket(int domain, int type, int protocol);
ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t to_size);

/** __wrap_socket() - Nothing leaves this machine: a descriptor of /dev/null */
int __wrap_socket(int domain, int type, int protocol)
{
	wire.domain = domain;
	wire.type = type;
	wire.protocol = protocol;
	if (++wire.calls == wire.fail_call) {
		errno = EPERM;
		return -1;
	}
	wire.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return wire.fd;
}

ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t to_size)
{
	(void)flags;
	assert_int_equal(fd, wire.fd);
	assert_int_equal(to_size, sizeof(wire.to));
	assert_true(size <= sizeof(wire.bytes));
	memcpy(&wire.to, to, sizeof(wire.to));
	memcpy(wire.bytes, bytes, size);
	wire.size = size;
	if (++wire.calls == wire.fail_call) {
		errno = ENETDOWN;
		return -1;
	}
	return (ssize_t)size;
}

static struct address address(const char *text)
{
	struct address parsed = {0};

	assert_int_equal(address_parse(text, &parsed), 0);
	return parsed;
}

/** RFC 826 and RFC 5227 section 3: a broadcast request, sender and target address the same, no target MAC address */
static void arp_announcement(void **state)
{
	static const uint8_t expected[] = {
		0x00, 0x01,			    /* hardware: Ethernet */
		0x08, 0x00,			    /* protocol: IPv4 */
		0x06, 0x04,			    /* lengths */
		0x00, 0x01,			    /* request */
		0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, /* sender */
		192,  0,    2,	  10,		    /* sender */
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* target */
		192,  0,    2,	  10,		    /* target */
	};
	const struct address source = address("192.0.2.10");
	struct announcement made;

	(void)state;
	announcement_make(&source, mac, &made);
	assert_int_equal(made.ethertype, 0x0806);
	assert_memory_equal(made.to, "\xff\xff\xff\xff\xff\xff", ETH_ALEN);
	assert_int_equal(made.size, sizeof(expected));
	assert_memory_equal(made.bytes, expected, sizeof(expected));
}

/** RFC 8200 section 3, RFC 4861 sections 4.4 and 7.2.6, RFC 2464 section 7. The checksum is summed up by hand. */
static void neighbour_advertisement(void **state)
{
	static const uint8_t expected[] = {
		0x60, 0x00, 0x00, 0x00,						  /* version 6 */
		0x00, 0x20, 0x3a, 0xff,						  /* 32 bytes, ICMPv6, hop limit 255 */
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x10, /* from the address itself */
		0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x01,	  /* to all nodes */
		/*
		 * Words of the pseudo header: 2001 + 0db8 + 0010, ff02 + 0001, 0020, 003a; of the message: 8800, a000, 2001 +
		 * 0db8 + 0010, 0201, 02aa + bbcc + ddee. Their sum is 42154, folded 2158, its complement dea7.
		 */
		0x88, 0x00, 0xde, 0xa7,						  /* neighbour advertisement */
		0xa0, 0x00, 0x00, 0x00,						  /* router, not solicited, override */
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x10, /* target */
		0x02, 0x01, 0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, /* target link-layer address, 8 bytes */
	};
	const struct address source = address("2001:db8::10");
	struct announcement made;

	(void)state;
	announcement_make(&source, mac, &made);
	assert_int_equal(made.ethertype, 0x86dd);
	assert_memory_equal(made.to, "\x33\x33\x00\x00\x00\x01", ETH_ALEN);
	assert_int_equal(made.size, sizeof(expected));
	assert_memory_equal(made.bytes, expected, sizeof(expected));
}

static void it_is_sent_once_through_the_interface(void **state)
{
	const struct address source = address("192.0.2.10");
	struct announcement made;

	(void)state;
	wire = (struct wire){0};
	assert_int_equal(announce(7, &source, mac), 0);
	assert_int_equal(wire.domain, AF_PACKET);
	assert_int_equal(wire.type, SOCK_DGRAM | SOCK_CLOEXEC);
	assert_int_equal(wire.protocol, 0);
	assert_int_equal(wire.calls, 2);
	assert_int_equal(wire.to.sll_family, AF_PACKET);
	assert_int_equal(wire.to.sll_protocol, htons(ETH_P_ARP));
	assert_int_equal(wire.to.sll_ifindex, 7);
	assert_int_equal(wire.to.sll_halen, ETH_ALEN);
	assert_memory_equal(wire.to.sll_addr, "\xff\xff\xff\xff\xff\xff", ETH_ALEN);
	announcement_make(&source, mac, &made);
	assert_int_equal(wire.size, made.size);
	assert_memory_equal(wire.bytes, made.bytes, made.size);
	assert_int_equal(fcntl(wire.fd, F_GETFD), -1); /* closed */
}

static void failures_are_passed_on(void **state)
{
	const struct address source = address("2001:db8::10");

	(void)state;
	wire = (struct wire){.fail_call = 1};
	assert_int_equal(announce(7, &source, mac), -EPERM);
	wire = (struct wire){.fail_call = 2};
	assert_int_equal(announce(7, &source, mac), -ENETDOWN);
	assert_int_equal(fcntl(wire.fd, F_GETFD), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_announcement),
		cmocka_unit_test(neighbour_advertisement),
		cmocka_unit_test(it_is_sent_once_through_the_interface),
		cmocka_unit_test(failures_are_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
