/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fence.c and fence_mark.c against a kernel in memory: bpf(2) is answered here, netlink by port_fake.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plugin/snat/fence.h"
#include "plugin/snat/fence_mark.h"
#include "port_fake.h"

#define INDEX 7U
#define TCX_INGRESS 46U

/**
 * struct kernel - What bpf(2) knows
 * @no_tcx:	It has no TCX
 * @programs:	Names of the programs of interface INDEX, the first one first; NULL: one that is gone when asked after
 * @loaded:	The program that was loaded, its descriptor
 * @calls, @fail_call, @fail_errnum: The n-th bpf(2) fails
 * @before:	The program was attached before all others
 */
static struct kernel {
	bool no_tcx;
	const char *programs[4];
	uint32_t n_programs;
	struct bpf_insn loaded[16];
	uint32_t n_loaded;
	int fd;
	unsigned calls, fail_call;
	int fail_errnum;
	bool before;
} kernel;

/** fails() - errno for a call of bpf(2) */
static long fails(int errnum)
{
	errno = errnum;
	return -1;
}

static long query(union bpf_attr *attributes)
{
	uint32_t *ids = (uint32_t *)(uintptr_t)attributes->query.prog_ids;

	if (kernel.no_tcx)
		return fails(EINVAL);
	assert_int_equal(attributes->query.target_fd, INDEX);
	assert_int_equal(attributes->query.attach_type, TCX_INGRESS);
	if (!kernel.n_programs)
		return fails(ENOENT);
	assert_true(attributes->query.prog_cnt >= kernel.n_programs);
	for (uint32_t i = 0; i < kernel.n_programs; i++)
		ids[i] = 100 + i;
	attributes->query.prog_cnt = kernel.n_programs;
	return 0;
}

static long load(const union bpf_attr *attributes)
{
	assert_int_equal(attributes->prog_type, BPF_PROG_TYPE_SCHED_CLS);
	assert_string_equal((const char *)(uintptr_t)attributes->license, "GPL");
	assert_string_equal(attributes->prog_name, FENCE_PROGRAM_NAME);
	assert_true(attributes->insn_cnt <= 16);
	memcpy(kernel.loaded, (const void *)(uintptr_t)attributes->insns,
	       attributes->insn_cnt * sizeof(struct bpf_insn));
	kernel.n_loaded = attributes->insn_cnt;
	kernel.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return kernel.fd;
}

static long attach(const union bpf_attr *attributes)
{
	if (kernel.no_tcx)
		return fails(EINVAL);
	assert_int_equal(attributes->target_fd, INDEX);
	assert_int_equal(attributes->attach_type, TCX_INGRESS);
	assert_int_equal(attributes->attach_bpf_fd, kernel.fd);
	kernel.before = attributes->attach_flags == 1U << 3;
	kernel.programs[kernel.n_programs++] = FENCE_PROGRAM_NAME;
	return 0;
}

static long get_fd(const union bpf_attr *attributes)
{
	uint32_t i = attributes->prog_id - 100;

	assert_true(i < kernel.n_programs);
	if (!kernel.programs[i])
		return fails(ENOENT);
	/* The descriptor tells which one it is. */
	return dup2(STDIN_FILENO, (int)(500 + i));
}

static long get_info(const union bpf_attr *attributes)
{
	struct bpf_prog_info *info = (struct bpf_prog_info *)(uintptr_t)attributes->info.info;

	assert_int_equal(attributes->info.info_len, sizeof(*info));
	strncpy(info->name, kernel.programs[attributes->info.bpf_fd - 500], sizeof(info->name) - 1);
	return 0;
}

long __wrap_syscall(long number, ...);

/** __wrap_syscall() - bpf(2) */
long __wrap_syscall(long number, ...)
{
	union bpf_attr *attributes;
	enum bpf_cmd command;
	va_list arguments;

	assert_int_equal(number, SYS_bpf);
	va_start(arguments, number);
	command = va_arg(arguments, enum bpf_cmd);
	attributes = va_arg(arguments, union bpf_attr *);
	assert_int_equal(va_arg(arguments, unsigned), sizeof(*attributes));
	va_end(arguments);
	if (++kernel.calls == kernel.fail_call)
		return fails(kernel.fail_errnum);
	switch ((int)command) {
	case BPF_PROG_QUERY:
		return query(attributes);
	case BPF_PROG_LOAD:
		return load(attributes);
	case BPF_PROG_ATTACH:
		return attach(attributes);
	case BPF_PROG_GET_FD_BY_ID:
		return get_fd(attributes);
	case BPF_OBJ_GET_INFO_BY_FD:
		return get_info(attributes);
	default:
		return fails(ENOSYS);
	}
}

/** host() - A host with interface INDEX, which nothing marks */
static void host(void)
{
	fake_reset();
	fake.host_end = (struct link_info){.index = INDEX, .name = "rg0", .kind = "veth"};
	kernel = (struct kernel){.fd = -1, .fail_errnum = EPERM};
}

/** run() - What the loaded program makes of a mark; it knows the five instructions that are allowed to be in it */
static uint32_t run(uint32_t mark, int *ret_verdict)
{
	struct __sk_buff skb = {.mark = mark};
	uint64_t registers[11] = {0};

	for (uint32_t i = 0; i < kernel.n_loaded; i++) {
		const struct bpf_insn *insn = &kernel.loaded[i];
		char *field = (char *)&skb + insn->off;

		if (insn->code == (BPF_LDX | BPF_MEM | BPF_W))
			registers[insn->dst_reg] = *(uint32_t *)(void *)field;
		else if (insn->code == (BPF_ALU64 | BPF_OR | BPF_K))
			registers[insn->dst_reg] |= (uint64_t)(int64_t)insn->imm;
		else if (insn->code == (BPF_STX | BPF_MEM | BPF_W))
			*(uint32_t *)(void *)field = (uint32_t)registers[insn->src_reg];
		else if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_K))
			registers[insn->dst_reg] = (uint64_t)(int64_t)insn->imm;
		else if (insn->code == (BPF_JMP | BPF_EXIT))
			break;
		else
			fail_msg("instruction %u has code %x", i, insn->code);
	}
	*ret_verdict = (int)registers[0];
	return skb.mark;
}

static void the_program_adds_its_bit_and_goes_on(void **state)
{
	int verdict = 0, fd = -1;

	(void)state;
	host();
	assert_int_equal(fence_mark_load(&fd), 0);
	assert_int_equal(run(0, &verdict), 0x00200000);
	assert_int_equal(verdict, TC_ACT_UNSPEC);
	assert_int_equal(run(0xff000001, &verdict), 0xff200001);
	assert_int_equal(run(0xffffffff, &verdict), 0xffffffff);
	assert_int_equal(close(fd), 0);
}

static void new_interfaces_take_a_classifier(void **state)
{
	struct error err;

	(void)state;
	host();
	assert_int_equal(fence_arm_new(fake_host_port(), INDEX, &err), 0);
	assert_int_equal(fake_find("host: add a clsact qdisc"), 0);
	assert_int_equal(fake_find("host: add a BPF classifier"), 1);
	assert_int_equal(kernel.n_programs, 0);		 /* no TCX */
	assert_int_equal(fcntl(kernel.fd, F_GETFD), -1); /* closed */
	for (unsigned message = 1; message <= 2; message++) {
		/* It is there already: no failure. */
		host();
		fake.fail_message = message;
		fake.fail_errnum = EEXIST;
		assert_int_equal(fence_arm_new(fake_host_port(), INDEX, &err), 0);
		assert_int_equal(kernel.n_programs, 0);
		host();
		fake.fail_message = message;
		fake.fail_errnum = ENODEV;
		assert_int_equal(fence_arm_new(fake_host_port(), INDEX, &err), REFUSED);
		assert_int_equal(err.code, ERROR_SNAT);
	}
	host();
	fake.fail_call = 1;
	assert_int_equal(fence_arm_new(fake_host_port(), INDEX, &err), REFUSED);
	assert_int_equal(err.code, ERROR_SNAT);
}

/** without_classifiers() - A host whose kernel has none, by one of the errnos that say so */
static void without_classifiers(int errnum)
{
	host();
	fake.fail_message = errnum == ENOENT ? 1 : 2;
	fake.fail_errnum = errnum;
}

static void without_classifiers_tcx(void **state)
{
	struct error err;

	(void)state;
	without_classifiers(ENOENT);
	assert_int_equal(fence_arm_new(fake_host_port(), INDEX, &err), 0);
	assert_int_equal(kernel.n_programs, 1);
	assert_true(kernel.before);
	assert_int_equal(fcntl(kernel.fd, F_GETFD), -1);
	fake.messages = 0;
	assert_int_equal(fence_arm_new(fake_host_port(), INDEX, &err), 0);
	assert_int_equal(kernel.n_programs, 1);
	without_classifiers(EOPNOTSUPP);
	assert_int_equal(fence_arm_new(fake_host_port(), INDEX, &err), 0);
	assert_int_equal(kernel.n_programs, 1);
	without_classifiers(ENOENT);
	kernel.no_tcx = true;
	err = (struct error){0};
	assert_int_equal(fence_arm_new(fake_host_port(), INDEX, &err), REFUSED);
	assert_int_equal(err.code, ERROR_SNAT);
	assert_non_null(strstr(err.msg, "neither TCX nor cls_bpf"));
}

static void interfaces_of_others_take_tcx(void **state)
{
	struct error err;

	(void)state;
	host();
	assert_int_equal(fence_arm(fake_host_port(), INDEX, &err), 0);
	assert_int_equal(kernel.n_programs, 1);
	assert_int_equal(fence_arm(fake_host_port(), INDEX, &err), 0);
	assert_int_equal(kernel.n_programs, 1);
	assert_int_equal(fake.messages, 0); /* no qdisc */
	host();
	kernel.no_tcx = true;
	assert_int_equal(fence_arm(fake_host_port(), INDEX, &err), 0);
	assert_int_equal(fake_find("host: add a BPF classifier"), 1);
	without_classifiers(EOPNOTSUPP);
	kernel.no_tcx = true;
	assert_int_equal(fence_arm(fake_host_port(), INDEX, &err), REFUSED);
	assert_int_equal(err.code, ERROR_SNAT);
}

static void other_programs_stay(void **state)
{
	struct error err;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		without_classifiers(ENOENT);
		kernel.programs[0] = "somebody_else";
		kernel.programs[1] = NULL;
		kernel.n_programs = 2;
		assert_int_equal(fence_arm_new(fake_host_port(), INDEX, &err), 0);
		assert_int_equal(kernel.n_programs, 3);
		fake.messages = 0;
		assert_int_equal(fence_arm_new(fake_host_port(), INDEX, &err), 0);
		assert_int_equal(kernel.n_programs, 3);
	}
}

/** Whatever fails: no container without its mark */
static void failing_calls_refuse(void **state)
{
	(void)state;
	for (unsigned call = 1;; call++) {
		struct error err = {0};
		int r;

		without_classifiers(ENOENT);
		kernel.programs[0] = "somebody_else";
		kernel.n_programs = 1;
		kernel.fail_call = call;
		r = fence_arm_new(fake_host_port(), INDEX, &err);
		if (!r) {
			assert_int_equal(call, 6); /* load, query, descriptor, info, attach */
			break;
		}
		assert_int_equal(r, REFUSED);
		assert_int_equal(err.code, ERROR_SNAT);
		assert_non_null(strstr(err.msg, "Operation not permitted"));
		assert_int_equal(kernel.n_programs, 1);
	}
}

static struct span span(const char *text)
{
	struct prefix prefix;
	struct span parsed = {0};

	if (prefix_parse(text, &prefix) == 0)
		return prefix_span(&prefix);
	assert_int_equal(span_parse(text, &parsed), 0);
	return parsed;
}

/** assert_log() - The messages that were sent, all of them, in this order */
static void assert_log(const char *const *lines, unsigned n)
{
	for (unsigned i = 0; i < n && i < fake.n_log; i++)
		assert_string_equal(fake.log[i], lines[i]);
	assert_int_equal(fake.n_log, n);
}

static void closing(void **state)
{
	static const char *const lines[] = {
		"host: add a routing rule",
		"host: add a routing rule",
		"host: add prohibit route 198.51.100.0/24",
		"host: add prohibit route 203.0.113.0/28",
		"host: add prohibit route 203.0.113.16/30",
		"host: add prohibit route 203.0.113.20/32",
		"host: add prohibit route 2001:db8::/32",
	};
	const struct span spans[] = {span("198.51.100.0/24"), span("203.0.113.0-203.0.113.20"), span("2001:db8::/32")};
	struct error err;

	(void)state;
	host();
	assert_int_equal(fence_close(fake_host_port(), spans, 3, &err), 0);
	assert_log(lines, 7);
	host();
	assert_int_equal(fence_close(fake_host_port(), spans, 1, &err), 0);
	assert_log(lines + 1, 2); /* one family, one rule */
	host();
	assert_int_equal(fence_close(fake_host_port(), spans, 0, &err), 0);
	assert_log(NULL, 0);
}

static void closing_again_and_failing(void **state)
{
	const struct span spans[] = {span("198.51.100.0/24"), span("2001:db8::/32")};

	(void)state;
	for (unsigned message = 1; message <= 4; message++) {
		struct error err = {0};

		host();
		fake.fail_message = message;
		fake.fail_errnum = EEXIST;
		assert_int_equal(fence_close(fake_host_port(), spans, 2, &err), 0);
		fake.fail_errnum = ENOBUFS;
		fake.messages = 0;
		assert_int_equal(fence_close(fake_host_port(), spans, 2, &err), REFUSED);
		assert_int_equal(err.code, ERROR_SNAT);
	}
}

static void opening(void **state)
{
	static const char *const all[] = {
		"host: delete prohibit route 198.51.100.0/24",
		"host: delete prohibit route 203.0.113.20/31",
		"host: delete prohibit route 203.0.113.22/32",
		"host: delete a routing rule",
	};
	static const char *const some[] = {
		"host: delete prohibit route 203.0.113.22/32",
	};
	const struct span gone[] = {span("198.51.100.0/24"), span("203.0.113.20-203.0.113.22")};
	/* The /24 is one of three routes of the first; a wider span has a wider route; 20/31 is a route of the last */
	const struct span kept[] = {span("198.51.99.255-198.51.101.0"), span("203.0.0.0/16"),
				    span("203.0.113.20-203.0.113.21")};
	const struct span other_family = span("2001:db8::/32");
	struct error err;

	(void)state;
	host();
	assert_int_equal(fence_open(fake_host_port(), gone, 2, NULL, 0, &err), 0);
	assert_log(all, 4);
	host();
	assert_int_equal(fence_open(fake_host_port(), gone, 2, &other_family, 1, &err), 0);
	assert_log(all, 4);
	host();
	assert_int_equal(fence_open(fake_host_port(), gone, 2, kept, 3, &err), 0);
	assert_log(some, 1);
}

static void opening_what_is_open_and_failing(void **state)
{
	const struct span gone[] = {span("198.51.100.0/24")};

	(void)state;
	for (unsigned message = 1; message <= 2; message++) {
		struct error err = {0};

		host();
		fake.fail_message = message;
		fake.fail_errnum = message == 1 ? ESRCH : ENOENT;
		assert_int_equal(fence_open(fake_host_port(), gone, 1, NULL, 0, &err), 0);
		assert_int_equal(fake.n_log, 2); /* what stands behind is deleted, too */
		fake.fail_errnum = EPERM;
		fake.messages = 0;
		assert_int_equal(fence_open(fake_host_port(), gone, 1, NULL, 0, &err), REFUSED);
		assert_int_equal(err.code, ERROR_SNAT);
	}
}

/** More routes than one batch takes: all but a few addresses of IPv6 */
static void many_routes(void **state)
{
	const struct span almost_all = {.first = 1, .last = ~(u128)0 - 1, .family = FAMILY_IPV6};
	struct error err;

	(void)state;
	host();
	assert_int_equal(fence_close(fake_host_port(), &almost_all, 1, &err), 0);
	assert_int_equal(fake.n_log, 1 + 254);
	assert_int_equal(fake.calls, 4);
	host();
	assert_int_equal(fence_open(fake_host_port(), &almost_all, 1, NULL, 0, &err), 0);
	assert_int_equal(fake.n_log, 254 + 1);
	for (unsigned call = 1; call <= 4; call++) {
		host();
		fake.fail_call = call;
		assert_int_equal(fence_close(fake_host_port(), &almost_all, 1, &err), REFUSED);
		host();
		fake.fail_call = call;
		assert_int_equal(fence_open(fake_host_port(), &almost_all, 1, NULL, 0, &err), REFUSED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_program_adds_its_bit_and_goes_on),
		cmocka_unit_test(new_interfaces_take_a_classifier),
		cmocka_unit_test(interfaces_of_others_take_tcx),
		cmocka_unit_test(without_classifiers_tcx),
		cmocka_unit_test(other_programs_stay),
		cmocka_unit_test(failing_calls_refuse),
		cmocka_unit_test(closing),
		cmocka_unit_test(closing_again_and_failing),
		cmocka_unit_test(opening),
		cmocka_unit_test(opening_what_is_open_and_failing),
		cmocka_unit_test(many_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
