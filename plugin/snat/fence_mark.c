/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bpf(2) for five instructions; no library, since there is nothing to relocate. The descriptors are closed by the
 * caller: the attachment holds the program.
 */

#include "plugin/snat/fence_mark.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plugin/snat/fence.h"
#include "rangeguard/cleanup.h"

/** BPF_TCX_INGRESS and BPF_F_BEFORE of linux/bpf.h since Linux 6.6 */
#define TCX_INGRESS 46U
#define ATTACH_BEFORE (1U << 3)
/** Programs of one interface that are looked at, BPF_MPROG_MAX in the kernel */
#define PROGRAMS_MAX 64U

/** skb->mark |= FENCE_MARK; and go on to the next program, qdisc or protocol (TC_ACT_UNSPEC) */
static const struct bpf_insn program[] = {
	{.code = BPF_LDX | BPF_MEM | BPF_W,
	 .dst_reg = BPF_REG_2,
	 .src_reg = BPF_REG_1,
	 .off = offsetof(struct __sk_buff, mark)},
	{.code = BPF_ALU64 | BPF_OR | BPF_K, .dst_reg = BPF_REG_2, .imm = FENCE_MARK},
	{.code = BPF_STX | BPF_MEM | BPF_W,
	 .dst_reg = BPF_REG_1,
	 .src_reg = BPF_REG_2,
	 .off = offsetof(struct __sk_buff, mark)},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_UNSPEC},
	{.code = BPF_JMP | BPF_EXIT},
};

/** pointer() - A pointer as the kernel wants it */
static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/** bpf() - bpf(2), which glibc has no function for: descriptor or 0, negative errno */
static int bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
	long r = syscall(SYS_bpf, command, attributes, sizeof(*attributes));

	return r < 0 ? -errno : (int)r;
}

/** is_ours() - Whether the program with an id is the one above: 1, 0, negative errno. It may be gone by now */
static int is_ours(uint32_t id)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attributes = {.prog_id = id};
	int fd CLEANUP_CLOSE = bpf(BPF_PROG_GET_FD_BY_ID, &attributes);
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	memset(&attributes, 0, sizeof(attributes));
	attributes.info.bpf_fd = (uint32_t)fd;
	attributes.info.info_len = sizeof(info);
	attributes.info.info = pointer(&info);
	r = bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes);
	return r < 0 ? r : strcmp(info.name, FENCE_PROGRAM_NAME) == 0;
}

/**
 * fence_mark_find() - Whether an interface has the program
 * @ifindex:	Interface
 *
 * Return: FENCE_MARK_E_ATTACHED, 0, FENCE_MARK_E_NO_TCX, negative errno
 */
int fence_mark_find(uint32_t ifindex)
{
	uint32_t ids[PROGRAMS_MAX] = {0};
	union bpf_attr attributes = {0};
	int r;

	attributes.query.target_fd = ifindex; /* a union with target_ifindex, which Linux 6.6 named */
	attributes.query.attach_type = TCX_INGRESS;
	attributes.query.prog_ids = pointer(ids);
	attributes.query.prog_cnt = PROGRAMS_MAX;
	r = bpf(BPF_PROG_QUERY, &attributes);
	if (r < 0)
		return r == -EINVAL ? FENCE_MARK_E_NO_TCX : r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < attributes.query.prog_cnt && i < PROGRAMS_MAX; i++) {
		r = is_ours(ids[i]);
		if (r)
			return r < 0 ? r : FENCE_MARK_E_ATTACHED;
	}
	return 0;
}

/**
 * fence_mark_load() - Give the kernel the program
 * @ret_program_fd: Program
 *
 * Return: 0, negative errno
 */
int fence_mark_load(int *ret_program_fd)
{
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_SCHED_CLS,
		.insn_cnt = sizeof(program) / sizeof(program[0]),
		.insns = pointer(program),
		.license = pointer("GPL"),
		.prog_name = FENCE_PROGRAM_NAME,
	};
	int fd = bpf(BPF_PROG_LOAD, &attributes);

	if (fd < 0)
		return fd;
	*ret_program_fd = fd;
	return 0;
}

/**
 * fence_mark_attach() - Run the program over all that comes in through an interface, before other programs: one of
 * them could end the chain
 * @program_fd:	Program
 * @ifindex:	Interface
 *
 * Return: 0, negative errno
 */
int fence_mark_attach(int program_fd, uint32_t ifindex)
{
	union bpf_attr attributes = {0};

	attributes.target_fd = ifindex; /* as above */
	attributes.attach_bpf_fd = (uint32_t)program_fd;
	attributes.attach_type = TCX_INGRESS;
	attributes.attach_flags = ATTACH_BEFORE;
	return bpf(BPF_PROG_ATTACH, &attributes);
}
