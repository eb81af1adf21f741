/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Somebody else's BPF program for traffic control, which says the same of each frame, for classifier_order.sh:
 *
 *   foreign_program load VERDICT PATH              it is kept at PATH, where tc(8) finds it too ("object-pinned"); VERDICT: pass,
 *                                                continue
 *   foreign_program attach PATH INTERFACE HOOK     it runs there by TCX, before the programs that are there; HOOK: in, out
 *   foreign_program guard INTERFACE                an uplink of shared sources is guarded
 *   foreign_program first INTERFACE HOOK           the name of the program that runs first by TCX
 */

#include <errno.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugin/enforce/bpf.h"
#include "plugin/enforce/uplink.h"
#include "plugin/network/port.h"

/** PROGRAMS_MAX of uplink.c */
#define PROGRAMS_MAX 64U

/** hook_of() - By its name */
static enum bpf_hook hook_of(const char *name)
{
	return strcmp(name, "in") == 0 ? BPF_HOOK_INGRESS : BPF_HOOK_EGRESS;
}

/** load() - A program of two instructions, kept by its name: 0, negative errno */
static int load(char **arguments)
{
	const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K,
		 .dst_reg = BPF_REG_0,
		 .imm = strcmp(arguments[0], "pass") == 0 ? TC_ACT_OK : TC_ACT_UNSPEC},
		{.code = BPF_JMP | BPF_EXIT},
	};
	char log[256];
	int fd = bpf_program_load(program, sizeof(program) / sizeof(program[0]), "foreign", log, sizeof(log));

	return fd < 0 ? fd : bpf_pin(fd, arguments[1]);
}

/** attach() - By TCX: 0, -EINVAL where there is none, negative errno */
static int attach(char **arguments)
{
	int fd = bpf_pinned(arguments[0]);

	return fd < 0 ? fd : bpf_tcx_attach(fd, if_nametoindex(arguments[1]), hook_of(arguments[2]));
}

/** guard() - uplink_guard(): 0, -EIO when it is refused, negative errno */
static int guard(char **arguments)
{
	struct port *host = NULL;
	struct error err = {0};
	int r = port_open(&host);

	if (!r && uplink_guard(host, if_nametoindex(arguments[0]), &err)) {
		(void)fprintf(stderr, "%s\n", err.msg);
		r = -EIO;
	}
	(void)port_close(host);
	return r;
}

/** first() - Print its name: 0, -ENOENT when there is none, negative errno */
static int first(char **arguments)
{
	struct bpf_prog_info info;
	uint32_t ids[PROGRAMS_MAX], n, no_maps;
	int r = bpf_tcx_programs(if_nametoindex(arguments[0]), hook_of(arguments[1]), ids, PROGRAMS_MAX, &n);
	int fd = r ? r : n ? bpf_program_by_id(ids[0]) : -ENOENT;

	r = fd < 0 ? fd : bpf_program_info(fd, &info, &no_maps, 0);
	if (!r)
		(void)puts(info.name);
	return r;
}

/** struct word - What it can be told to do */
struct word {
	const char *name;
	int n_arguments;
	int (*run)(char **arguments);
};

static const struct word words[] = {{"load", 2, load}, {"attach", 3, attach}, {"guard", 1, guard}, {"first", 2, first}};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		int r;

		if (argc < 2 || strcmp(argv[1], words[i].name) != 0 || argc != words[i].n_arguments + 2)
			continue;
		r = words[i].run(argv + 2);
		if (r < 0)
			(void)fprintf(stderr, "%s\n", strerror(-r));
		return r < 0 ? 1 : 0;
	}
	(void)fputs("usage: see the head of foreign_program.c\n", stderr);
	return 2;
}
