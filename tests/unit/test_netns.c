/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netns.c and sysctl.c, as far as they go without privileges. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/network/netns.h"
#include "plugin/network/sysctl.h"
#include "rangeguard/array.h"

/** open_own() - port_ops: a port in this program's namespace */
static int open_own(struct port *port)
{
	(void)port;
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

/** refuse() - port_ops: what the kernel says without CAP_NET_ADMIN */
static int refuse(struct port *port)
{
	(void)port;
	return -EPERM;
}

static const struct port_ops own_ops = {.open_netns = open_own}, refusing_ops = {.open_netns = refuse};
static struct port own_port = {.ops = &own_ops}, refusing_port = {.ops = &refusing_ops};

static void own_namespace_is_one(void **state)
{
	struct netns own NETNS_CLEANUP = NETNS_INIT;
	struct stat status;

	(void)state;
	assert_int_equal(netns_open("/proc/self/ns/net", &own), 0);
	assert_int_equal(stat("/proc/self/ns/net", &status), 0);
	assert_int_equal(own.inode, status.st_ino);
	assert_int_equal(own.device, status.st_dev);
	assert_int_equal(fcntl(own.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(netns_has_port(&own, &own_port), 1);
	assert_int_equal(netns_has_port(&own, &refusing_port), -EPERM);
}

static void namespaces_differ_by_device_and_inode(void **state)
{
	struct netns own NETNS_CLEANUP = NETNS_INIT;
	struct netns other_inode, other_device;

	(void)state;
	assert_int_equal(netns_open("/proc/self/ns/net", &own), 0);
	other_inode = other_device = own;
	other_inode.inode++;
	other_device.device++;
	assert_int_equal(netns_has_port(&other_inode, &own_port), 0);
	assert_int_equal(netns_has_port(&other_device, &own_port), 0);
}

static void what_is_no_network_namespace_is_refused(void **state)
{
	static const struct {
		const char *path;
		int result;
	} cases[] = {
		{"/proc/self/ns/uts", NETNS_E_NOT_NETNS},
		{"/proc/self/ns/mnt", NETNS_E_NOT_NETNS},
		{"/proc/self/status", NETNS_E_NOT_NETNS},
		{"/proc/self", NETNS_E_NOT_NETNS},
		{"/dev/null", NETNS_E_NOT_NETNS},
		{"/nonexistent/ns", -ENOENT},
		{"", -ENOENT},
		{"/dev/null/x", -ENOTDIR},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct netns netns NETNS_CLEANUP = NETNS_INIT;

		assert_int_equal(netns_open(cases[i].path, &netns), cases[i].result);
		assert_int_equal(netns.fd, -1);
	}
}

/* Nobody writes to it: without O_NONBLOCK the open would wait for ever. */
static void fifo_is_refused_without_waiting(void **state)
{
	char directory[] = "/tmp/test_netns.XXXXXX";
	struct netns netns NETNS_CLEANUP = NETNS_INIT;
	char path[64];

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/fifo", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)alarm(100);
	assert_int_equal(netns_open(path, &netns), NETNS_E_NOT_NETNS);
	(void)alarm(0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void done_twice_is_fine(void **state)
{
	struct netns netns = NETNS_INIT;

	(void)state;
	assert_int_equal(netns_open("/proc/self/ns/net", &netns), 0);
	netns_done(&netns);
	assert_int_equal(netns.fd, -1);
	netns_done(&netns);
}

/* A namespace keeps its number, and the thread its namespace. */
static void cookie_is_read_from_within(void **state)
{
	NETNS_CLEANUP struct netns netns = NETNS_INIT, again = NETNS_INIT;
	int r;

	(void)state;
	assert_int_equal(netns_open("/proc/self/ns/net", &netns), 0);
	r = netns_read_cookie(&netns);
	if (geteuid() != 0) {
		assert_int_equal(r, -EPERM);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_not_equal(netns.cookie, 0);
	assert_int_equal(netns_open("/proc/self/ns/net", &again), 0);
	assert_true(again.device == netns.device && again.inode == netns.inode);
	assert_int_equal(netns_read_cookie(&again), 0);
	assert_true(again.cookie == netns.cookie);
}

static void unknown_sysctls_are_told_apart(void **state)
{
	char longest[5000];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(sysctl_ensure("ipv4/rangeguard_has_none", "1"), -ENOENT);
	assert_int_equal(sysctl_ensure_interface("ipv4", "rangeguard0", "forwarding", "1"), -ENOENT);
	assert_int_equal(sysctl_ensure(longest, "1"), -ENAMETOOLONG);
	assert_int_equal(sysctl_ensure_interface("ipv4", longest, "forwarding", "1"), -ENAMETOOLONG);
}

/* The sysctls that are in no need of a change are not written: any user may do this. */
static void right_value_is_left_alone(void **state)
{
	char text[8] = {0};
	FILE *file = fopen("/proc/sys/net/ipv4/ip_forward", "re");

	(void)state;
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	(void)fclose(file);
	text[strcspn(text, "\n")] = '\0';
	assert_int_equal(sysctl_ensure("ipv4/ip_forward", text), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_namespace_is_one),
		cmocka_unit_test(namespaces_differ_by_device_and_inode),
		cmocka_unit_test(what_is_no_network_namespace_is_refused),
		cmocka_unit_test(fifo_is_refused_without_waiting),
		cmocka_unit_test(done_twice_is_fine),
		cmocka_unit_test(cookie_is_read_from_within),
		cmocka_unit_test(unknown_sysctls_are_told_apart),
		cmocka_unit_test(right_value_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
