/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * in_use.c on a host in memory: directories with names, processes, namespaces with addresses. Each call that looks at
 * something can be made to fail.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "plugin/network/in_use.h"
#include "plugin/network/netns.h"
#include "rangeguard/array.h"

#define OWN_FD 1000

/** struct fake_ns - A namespace: its inode, what leads to it, an address */
static const struct fake_ns {
	ino_t inode;
	const char *paths[3];
	const char *address;
} namespaces[] = {
	{1, {"/proc/thread-self/ns/net", "/proc/1/ns/net"}, "192.0.2.1"},
	{2, {"/run/netns/blue", "/proc/20/ns/net"}, "10.0.0.2"},
	{3, {"/run/docker/netns/0a1b", NULL}, "10.0.0.3"},
	{4, {"/proc/40/ns/net", "/proc/41/ns/net"}, "2001:db8::4"},
	{5, {"/run/netns/red", NULL}, "127.0.0.1"},
};

/** struct fake_dir - A directory and its names, in the order in which they are read */
static struct fake_dir {
	const char *path;
	const char *names[8];
	size_t next;
} directories[] = {
	{"/run/netns", {".", "..", "blue", "file", "red"}, 0},
	{"/run/docker/netns", {"0a1b"}, 0},
	{"/proc", {"1", "20", "40", "41", "99", "self", "net"}, 0},
};

/** struct seam - @fail_call: which call fails, with @fail_errnum; @lasting: and all the same ones for that path after it */
static struct seam {
	unsigned calls;
	unsigned fail_call;
	int fail_errnum;
	bool lasting;
	const char *failing_path;
	const struct fake_ns *at; /* where the calling thread is */
	unsigned entered, returned, open_ports, open_dirs;
} seam;

/** call() - Count a call that looks at something: whether it succeeds; errno is set when not */
static bool call(const char *path)
{
	if (++seam.calls == seam.fail_call)
		seam.failing_path = path;
	else if (!seam.lasting || !path || seam.failing_path != path)
		return true;
	errno = seam.fail_errnum;
	return false;
}

/** at_path() - The namespace that a path leads to, NULL: none */
static const struct fake_ns *at_path(const char *path, const char **ret_path)
{
	for (size_t i = 0; i < ARRAY_LENGTH(namespaces); i++)
		for (size_t j = 0; j < ARRAY_LENGTH(namespaces[i].paths) && namespaces[i].paths[j]; j++)
			if (strcmp(namespaces[i].paths[j], path) == 0) {
				*ret_path = namespaces[i].paths[j];
				return &namespaces[i];
			}
	return NULL;
}

DIR *__wrap_opendir(const char *path);
struct dirent *__wrap_readdir(DIR *stream);
int __wrap_closedir(DIR *stream);
int __wrap_stat(const char *path, struct stat *status);
int __real_stat(const char *path, struct stat *status);
int __wrap_netns_open(const char *path, struct netns *ret_netns);
int __wrap_netns_read_cookie(struct netns *netns);
int __wrap_netns_enter(const struct netns *netns);
void __wrap_netns_return(int own_fd);
void __wrap_netns_done(struct netns *netns);
int __wrap_port_open(struct port **ret_port);

DIR *__wrap_opendir(const char *path)
{
	for (size_t i = 0; i < ARRAY_LENGTH(directories); i++)
		if (strcmp(directories[i].path, path) == 0) {
			if (!call(directories[i].path))
				return NULL;
			directories[i].next = 0;
			seam.open_dirs++;
			return (DIR *)&directories[i];
		}
	errno = ENOENT;
	return NULL;
}

struct dirent *__wrap_readdir(DIR *stream)
{
	static struct dirent entry;
	struct fake_dir *directory = (struct fake_dir *)stream;

	if (!call(NULL) || directory->next == ARRAY_LENGTH(directory->names) || !directory->names[directory->next])
		return NULL;
	(void)snprintf(entry.d_name, sizeof(entry.d_name), "%s", directory->names[directory->next++]);
	return &entry;
}

int __wrap_closedir(DIR *stream)
{
	(void)stream;
	seam.open_dirs--;
	return 0;
}

int __wrap_stat(const char *path, struct stat *status)
{
	const char *known = NULL;
	const struct fake_ns *found = at_path(path, &known);

	if (!call(known))
		return -1;
	if (!found && strcmp(path, "/run/netns/file") != 0) {
		errno = ENOENT;
		return -1;
	}
	*status = (struct stat){.st_ino = found ? found->inode : 99};
	return 0;
}

int __wrap_netns_open(const char *path, struct netns *ret_netns)
{
	const char *known = NULL;
	const struct fake_ns *found = at_path(path, &known);

	if (!call(known))
		return -errno;
	if (!found)
		return NETNS_E_NOT_NETNS;
	*ret_netns = (struct netns){.fd = (int)found->inode, .inode = found->inode};
	if (strcmp(path, "/proc/thread-self/ns/net") == 0)
		ret_netns->fd = OWN_FD;
	return 0;
}

int __wrap_netns_read_cookie(struct netns *netns)
{
	if (!call(NULL))
		return -errno;
	netns->cookie = netns->inode + 100;
	return 0;
}

int __wrap_netns_enter(const struct netns *netns)
{
	if (!call(NULL))
		return -errno;
	seam.at = &namespaces[netns->inode - 1];
	seam.entered++;
	return 0;
}

void __wrap_netns_return(int own_fd)
{
	assert_int_equal(own_fd, OWN_FD);
	seam.at = &namespaces[0];
	seam.returned++;
}

void __wrap_netns_done(struct netns *netns)
{
	netns->fd = -1;
}

/** struct fake_port - A port in a namespace */
struct fake_port {
	struct port port;
	const struct fake_ns *in;
};

/** answer_address() - RTM_NEWADDR of interface 7 */
static int answer_address(const struct fake_ns *in, port_reply_fn reply, void *userdata)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[256];
	uint8_t bytes[ADDRESS_BYTES_MAX];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *head;
	struct address address;

	assert_int_equal(address_parse(in->address, &address), 0);
	address_to_bytes(&address, bytes);
	message->nlmsg_type = RTM_NEWADDR;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	*head = (struct ifaddrmsg){.ifa_family = address.family == FAMILY_IPV4 ? AF_INET : AF_INET6,
				   .ifa_prefixlen = (uint8_t)family_bits(address.family),
				   .ifa_index = 7};
	mnl_attr_put(message, IFA_LOCAL, family_bytes(address.family), bytes);
	mnl_attr_put(message, IFA_ADDRESS, family_bytes(address.family), bytes);
	return reply(message, userdata);
}

/** answer_link() - RTM_NEWLINK of interface 7 */
static int answer_link(port_reply_fn reply, void *userdata)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *head;

	message->nlmsg_type = RTM_NEWLINK;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	*head = (struct ifinfomsg){.ifi_index = 7};
	mnl_attr_put_strz(message, IFLA_IFNAME, "eth7");
	return reply(message, userdata);
}

/** exchange() - port_ops: a dump comes to half, is interrupted, and begins again */
static int exchange(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata,
		    struct port_failure *reterr)
{
	const struct fake_port *fake = (const struct fake_port *)port;
	const struct nlmsghdr *message = (const void *)batch->buffer;
	int r = 0;

	if (!call(NULL)) {
		if (seam.calls % 2)
			return -errno;
		reterr->errnum = errno;
		return PORT_E_REFUSED;
	}
	if (message->nlmsg_type == RTM_GETLINK)
		return answer_link(reply, userdata);
	assert_int_equal(message->nlmsg_type, RTM_GETADDR);
	r = answer_address(fake->in, reply, userdata);
	if (!r)
		r = reply(NULL, userdata);
	return r ? r : answer_address(fake->in, reply, userdata);
}

static void close_port(struct port *port)
{
	seam.open_ports--;
	free(port);
}

static const struct port_ops ops = {.exchange = exchange, .close = close_port};

int __wrap_port_open(struct port **ret_port)
{
	struct fake_port *port;

	if (!call(NULL))
		return -errno;
	port = malloc(sizeof(*port));
	assert_non_null(port);
	*port = (struct fake_port){.port = {.ops = &ops}, .in = seam.at};
	seam.open_ports++;
	*ret_port = &port->port;
	return 0;
}

/** reset() - No call fails */
static void reset(void)
{
	seam = (struct seam){.at = &namespaces[0]};
}

/** has() - Whether an address is in use */
static bool has(const struct in_use *in_use, const char *text)
{
	struct address address;
	struct span span;

	assert_int_equal(address_parse(text, &address), 0);
	span = span_of_address(&address);
	return in_use_has(in_use, &span);
}

/** assert_tidy() - Nothing is left open, and the thread is where it was */
static void assert_tidy(void)
{
	assert_int_equal(seam.open_ports, 0);
	assert_int_equal(seam.open_dirs, 0);
	assert_int_equal(seam.entered, seam.returned);
	assert_ptr_equal(seam.at, &namespaces[0]);
}

static void each_namespace_is_asked_once(void **state)
{
	IN_USE_CLEANUP struct in_use in_use = {0};

	(void)state;
	reset();
	assert_int_equal(in_use_read(NULL, &in_use), 0);
	assert_int_equal(in_use.n_items, 3); /* not the own namespace's, and not the loopback address */
	assert_int_equal(in_use.n_closed, 0);
	assert_int_equal(seam.entered, 4);
	assert_true(has(&in_use, "10.0.0.2") && has(&in_use, "10.0.0.3") && has(&in_use, "2001:db8::4"));
	assert_false(has(&in_use, "192.0.2.1") || has(&in_use, "10.0.0.1") || has(&in_use, "10.0.0.4"));
	assert_int_equal(in_use.items[0].inode, 2);
	assert_int_equal(in_use.items[0].cookie, 102);
	assert_string_equal(in_use.items[0].ifname, "eth7");
	assert_tidy();
}

static void own_namespace_counts_where_it_is_given(void **state)
{
	struct fake_port own = {.port = {.ops = &ops}, .in = &namespaces[0]};
	IN_USE_CLEANUP struct in_use in_use = {0};

	(void)state;
	reset();
	assert_int_equal(in_use_read(&own.port, &in_use), 0);
	assert_int_equal(in_use.n_items, 4);
	assert_true(has(&in_use, "192.0.2.1"));
}

static void subnets_have_what_is_in_them(void **state)
{
	static const struct {
		const char *prefix;
		bool used;
	} cases[] = {
		{"10.0.0.0/24", true}, {"10.0.0.2/31", true}, {"10.0.0.4/30", false},	  {"10.0.0.0/31", false},
		{"0.0.0.0/0", true},   {"::/0", true},	      {"2001:db8::/64", true},	  {"2001:db8:1::/64", false},
		{"11.0.0.0/8", false}, {"9.0.0.0/8", false},  {"2001:db8::5/128", false},
	};
	IN_USE_CLEANUP struct in_use in_use = {0};

	(void)state;
	reset();
	assert_int_equal(in_use_read(NULL, &in_use), 0);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct prefix prefix;
		struct span span;

		assert_int_equal(prefix_parse(cases[i].prefix, &prefix), 0);
		span = prefix_span(&prefix);
		assert_int_equal(in_use_has(&in_use, &span), cases[i].used);
	}
}

/** assert_told() - One call failed: that is an error, or a closed namespace, or all is there nevertheless */
static void assert_told(unsigned n, int errnum)
{
	IN_USE_CLEANUP struct in_use in_use = {0};
	int r;

	r = in_use_read(NULL, &in_use);
	assert_tidy();
	if (r < 0)
		return;
	for (size_t i = 0; i < in_use.n_items && !in_use.n_closed; i++)
		assert_string_equal(in_use.items[i].ifname, "eth7");
	if (r == 0 && (in_use.n_closed || in_use.n_items == 3))
		return;
	fail_msg("call %u fails with %s, and %zu of 3 addresses are all", n, strerror(errnum), in_use.n_items);
}

/* Whatever look fails: what could not be seen is never taken for what is not there. */
static void a_failed_look_is_not_an_empty_namespace(void **state)
{
	static const int errnums[] = {EMFILE, ENFILE, ENOMEM, EIO, EINTR, EAGAIN, EACCES, EPERM, ENOBUFS};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(errnums); i++) {
		for (unsigned lasting = 0; lasting < 2; lasting++) {
			unsigned n = 0;

			do {
				reset();
				seam.fail_call = ++n;
				seam.fail_errnum = errnums[i];
				seam.lasting = lasting;
				assert_told(n, errnums[i]);
			} while (seam.calls >= n);
			assert_true(n > 30);
		}
	}
}

/* A process that ends while it is looked at, a name that is removed: that is no error, and nothing is closed. */
static void what_goes_meanwhile_is_gone(void **state)
{
	static const int errnums[] = {ENOENT, ESRCH};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(errnums); i++) {
		IN_USE_CLEANUP struct in_use in_use = {0};

		reset();
		for (unsigned n = 1; !seam.failing_path || strcmp(seam.failing_path, "/run/netns/blue") != 0; n++) {
			reset();
			seam.fail_call = n;
			seam.fail_errnum = errnums[i];
			in_use_done(&in_use);
			(void)in_use_read(NULL, &in_use);
			assert_true(seam.calls >= n);
		}
		assert_int_equal(in_use.n_closed, 0);
		assert_int_equal(in_use.n_items, 3); /* by its process, it is found all the same */
	}
}

/* The kernel says EACCES of a process that has just ended; the second time it says what is so. */
static void a_process_that_ends_is_not_a_closed_namespace(void **state)
{
	unsigned n = 0, told = 0;

	(void)state;
	do {
		IN_USE_CLEANUP struct in_use in_use = {0};

		reset();
		seam.fail_call = ++n;
		seam.fail_errnum = EACCES;
		if (in_use_read(NULL, &in_use) == 0 && seam.failing_path &&
		    strncmp(seam.failing_path, "/proc/4", 7) == 0) {
			assert_int_equal(in_use.n_closed, 0);
			assert_int_equal(in_use.n_items, 3);
			told++;
		}
	} while (seam.calls >= n);
	assert_true(told >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_namespace_is_asked_once),
		cmocka_unit_test(own_namespace_counts_where_it_is_given),
		cmocka_unit_test(subnets_have_what_is_in_them),
		cmocka_unit_test(a_failed_look_is_not_an_empty_namespace),
		cmocka_unit_test(what_goes_meanwhile_is_gone),
		cmocka_unit_test(a_process_that_ends_is_not_a_closed_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
